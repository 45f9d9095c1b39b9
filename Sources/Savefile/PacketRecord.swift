import PacketCore

/// The place of a packet in a savefile, and the contents of its record header.
struct PacketRecord: BitwiseCopyable {
  /// The offset of the packet's first byte in the file.
  var offset: Int
  /// Captured bytes, all of them within the file.
  var caplen: Int
  var timestamp: Timestamp
  /// Index among all interfaces of the file.
  var interface: Int
  /// The offset of the first byte of its block's options in the file.
  var optionsOffset: Int
  /// Bytes of options, all of them within the file; 0 if there are none.
  var optionsLength: Int
  /// The time in units of the interface, if `timeForm` says so.
  private var ticks: UInt64
  // Small members are next to each other: the record is passed by value for every packet.
  /// Bytes on the wire.
  var len: UInt32
  var linkType: LinkType
  /// Bytes in the record after the captured ones, which the file's snapshot length cuts off.
  var excess: UInt32
  private var timeForm: TimeForm
  /// True if the options are not in the host's byte order.
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

  /// The time in the file's own unit.
  @inline(__always)
  var sourceTime: SourceTime {
    switch timeForm {
    case .timestamp: .timestamp
    case .ticks: .ticks(ticks)
    case .missing: .missing
    }
  }

  /// Marks the record as having no time.
  mutating func removeTime() { (timestamp, timeForm) = (.epoch, .missing) }
}

/// The largest plausible `caplen` in bytes: a record with a larger one counts as damaged, as in libpcap.
func maximumCaplen(_ linkType: LinkType) -> UInt32 {
  switch linkType.rawValue {
  case 231: 128 << 20  // D-Bus messages
  case 249: 1 << 20  // USBPcap
  case 279: 8 << 20  // EBHSCR
  default: 262_144
  }
}
