/// The direction of a packet, as seen from the host that captured it. The raw values are those of epb_flags (draft-ietf-opsawg-pcapng
/// section 4.3.1).
public enum PacketDirection: UInt8, Sendable, BitwiseCopyable {
  case unknown = 0
  case inbound = 1
  case outbound = 2
}

/// The time of a packet as stored in its file.
public enum SourceTime: Sendable, BitwiseCopyable {
  /// The same as `Packet.timestamp`.
  case timestamp
  /// In units of its interface (`InterfaceDescription.resolution`), which may be finer than a nanosecond, or outside the range of 64-bit
  /// nanoseconds.
  case ticks(UInt64)
  /// The file has none (Simple Packet Block of pcapng); `Packet.timestamp` is the epoch.
  case missing
}

/// One captured packet, borrowed from the buffer or mapping that it was read from.
public struct Packet: ~Escapable {
  /// The captured bytes, link-layer header first; `bytes.count` is the `caplen`, `bytes.length` the `len` on the wire.
  public let bytes: PacketBytes
  /// When it was captured.
  public let timestamp: Timestamp
  /// The link type (DLT) that the bytes begin with.
  public let linkType: LinkType
  /// The index of the interface that it came from, in the order in which its source lists them; 0 if there is only one.
  public let interface: Int
  /// The packet's direction, if its source states it.
  public let direction: PacketDirection
  /// What a pcapng file says about it besides, including comments.
  public let options: PacketOptions
  /// The time as stored in the file.
  public let sourceTime: SourceTime
  /// Bytes after `bytes` in the packet's record that exceed the file's snapshot length; empty for nearly every packet.
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

  /// A packet from a file, whose options state its direction, if anything does.
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

  /// False if its file does not state its time.
  @inlinable public var hasTime: Bool {
    if case .missing = sourceTime { false } else { true }
  }

  /// Bytes captured.
  @inlinable public var caplen: Int { bytes.count }
  /// Bytes on the wire.
  @inlinable public var len: Int { bytes.length }
}
