import PacketCore

/// Where a packet stands in a mapped savefile, and what its record says of it.
struct PacketRecord: BitwiseCopyable {
  /// The first octet of the packet, from the start of the file.
  var offset: Int
  /// Octets captured, all of them within the file.
  var caplen: Int
  /// Octets on the wire.
  var len: UInt32
  var timestamp: Timestamp
  var linkType: LinkType
  /// Index among all interfaces of the file.
  var interface: Int
  /// The first octet of the options of its block, from the start of the file.
  var optionsOffset = 0
  /// Octets of options, all of them within the file; 0 where there are none.
  var optionsLength = 0
  /// True where the options are in the other byte order than the host's.
  var isByteSwapped = false
  /// The time as the file has it.
  var sourceTime = SourceTime.timestamp
  /// Octets that the record holds behind the captured ones, which the file's snapshot length cuts off.
  var excess = 0
}

/// The largest `caplen` that is believed, in octets: above it the record is taken for damaged, as libpcap takes it.
func maximumCaplen(_ linkType: LinkType) -> UInt32 {
  switch linkType.rawValue {
  case 231: 128 << 20  // D-Bus messages
  case 249: 1 << 20  // USBPcap
  case 279: 8 << 20  // EBHSCR
  default: 262_144
  }
}
