/// Which way a packet went, as seen from the host that captured it. The raw values are those of epb_flags
/// (draft-ietf-opsawg-pcapng section 4.3.1).
public enum PacketDirection: UInt8, Sendable, BitwiseCopyable {
  case unknown = 0
  case inbound = 1
  case outbound = 2
}

/// The time of a packet as its file has it.
public enum SourceTime: Sendable, BitwiseCopyable {
  /// As `Packet.timestamp` has it.
  case timestamp
  /// In units of its interface (`InterfaceDescription.resolution`), which may be finer than a nanosecond, or go beyond what 64 bits of
  /// nanoseconds hold.
  case ticks(UInt64)
  /// The file has none (Simple Packet Block of pcapng); `Packet.timestamp` is the epoch.
  case missing
}

/// One captured packet, borrowed from the buffer or mapping that it was read from.
public struct Packet: ~Escapable {
  /// The captured octets, link-layer header first; `bytes.count` is the `caplen`, `bytes.length` the `len` on the wire.
  public let bytes: PacketBytes
  /// When it was captured.
  public let timestamp: Timestamp
  /// The link type (DLT) that the octets begin with.
  public let linkType: LinkType
  /// Index of the interface that it came from, in the order in which its source lists them; 0 if there is but one.
  public let interface: Int
  /// Which way it went, where its source says.
  public let direction: PacketDirection
  /// What a pcapng file says of it besides, comments among it.
  public let options: PacketOptions
  /// The time as the file has it.
  public let sourceTime: SourceTime
  /// Octets after `bytes` that its record holds although the file's snapshot length cuts them off; none for nearly every packet.
  public let excess: RawSpan

  @inlinable
  @_lifetime(copy bytes)
  public init(
    bytes: PacketBytes, timestamp: Timestamp, linkType: LinkType, interface: Int = 0,
    direction: PacketDirection = .unknown
  ) {
    self.init(
      bytes: bytes, timestamp: timestamp, linkType: linkType, interface: interface, direction: direction,
      options: PacketOptions())
  }

  @inlinable
  @_lifetime(copy bytes, copy options)
  public init(
    bytes: PacketBytes, timestamp: Timestamp, linkType: LinkType, interface: Int,
    direction: PacketDirection = .unknown, options: PacketOptions
  ) {
    sourceTime = .timestamp
    excess = RawSpan()
    self.direction = direction
    self.options = options
    self.bytes = bytes
    self.timestamp = timestamp
    self.linkType = linkType
    self.interface = interface
  }

  /// A packet of a file, whose options say which way it went, if anything does.
  @inlinable
  @_lifetime(copy bytes, copy options, copy excess)
  public init(
    bytes: PacketBytes, timestamp: Timestamp, linkType: LinkType, interface: Int, stating options: PacketOptions,
    sourceTime: SourceTime, excess: RawSpan
  ) {
    direction = options.isEmpty ? .unknown : options.direction
    self.options = options
    self.bytes = bytes
    self.timestamp = timestamp
    self.linkType = linkType
    self.interface = interface
    self.sourceTime = sourceTime
    self.excess = excess
  }

  /// False if its file says nothing of its time.
  @inlinable public var hasTime: Bool {
    if case .missing = sourceTime { false } else { true }
  }

  /// Octets captured.
  @inlinable public var caplen: Int { bytes.count }
  /// Octets on the wire.
  @inlinable public var len: Int { bytes.length }
}
