import PacketCore

/// Where a packet stands in a mapped savefile, and what its record says of it.
struct PacketRecord: BitwiseCopyable {
  /// The first octet of the packet, from the start of the file.
  var offset: Int
  /// Octets captured, all of them within the file.
  var caplen: Int
  var timestamp: Timestamp
  /// Index among all interfaces of the file.
  var interface: Int
  /// The first octet of the options of its block, from the start of the file.
  var optionsOffset: Int
  /// Octets of options, all of them within the file; 0 where there are none.
  var optionsLength: Int
  /// The time in units of the interface, where `timeForm` says so.
  private var ticks: UInt64
  // Small ones stand side by side: a record is handed on by value, packet by packet.
  /// Octets on the wire.
  var len: UInt32
  var linkType: LinkType
  /// Octets that the record holds after the captured ones, which the file's snapshot length cuts off.
  var excess: UInt32
  private var timeForm: TimeForm
  /// True where the options are in the other byte order than the host's.
  var isByteSwapped: Bool

  private enum TimeForm: BitwiseCopyable {
    case timestamp, ticks, missing
  }

  @inline(__always)
  init(
    offset: Int, caplen: Int, len: UInt32, timestamp: Timestamp, linkType: LinkType, interface: Int,
    optionsOffset: Int = 0, optionsLength: Int = 0, isByteSwapped: Bool = false, sourceTime: SourceTime = .timestamp,
    excess: UInt32 = 0
  ) {
    self.offset = offset
    self.caplen = caplen
    self.len = len
    self.timestamp = timestamp
    self.linkType = linkType
    self.interface = interface
    self.optionsOffset = optionsOffset
    self.optionsLength = optionsLength
    self.isByteSwapped = isByteSwapped
    self.excess = excess
    switch sourceTime {
    case .timestamp: (timeForm, ticks) = (.timestamp, 0)
    case .ticks(let count): (timeForm, ticks) = (.ticks, count)
    case .missing: (timeForm, ticks) = (.missing, 0)
    }
  }

  /// The time as the file has it.
  @inline(__always)
  var sourceTime: SourceTime {
    switch timeForm {
    case .timestamp: .timestamp
    case .ticks: .ticks(ticks)
    case .missing: .missing
    }
  }

  /// Makes it one that has no time.
  mutating func removeTime() { (timestamp, timeForm) = (.epoch, .missing) }
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
