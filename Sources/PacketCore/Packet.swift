/// Which way a packet went, as seen from the host that captured it. The raw values are those of epb_flags
/// (draft-ietf-opsawg-pcapng section 4.3.1).
public enum PacketDirection: UInt8, Sendable, BitwiseCopyable {
  case unknown = 0
  case inbound = 1
  case outbound = 2
}

/// One captured packet, borrowed from the buffer or mapping that it was read from.
public struct Packet: ~Escapable {
  /// The captured octets, link-layer header first; `bytes.count` is the `caplen`, `bytes.length` the `len` on the wire.
  public let bytes: PacketBytes
  /// When it was captured.
  public let timestamp: Timestamp
  /// The link type (DLT) that the octets begin with.
  public let linkType: LinkType
  /// Index of the interface that it came from, in the order in which its source lists them; 0 where there is but one.
  public let interface: Int
  /// Which way it went, where its source tells.
  public let direction: PacketDirection
  /// What a pcapng file says of it besides, comments among it.
  public let options: PacketOptions

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
    self.direction = direction
    self.options = options
    self.bytes = bytes
    self.timestamp = timestamp
    self.linkType = linkType
    self.interface = interface
  }

  /// A packet whose options tell which way it went, if anything does.
  @inlinable
  @_lifetime(copy bytes, copy options)
  public init(
    bytes: PacketBytes, timestamp: Timestamp, linkType: LinkType, interface: Int, stating options: PacketOptions
  ) {
    self.init(
      bytes: bytes, timestamp: timestamp, linkType: linkType, interface: interface,
      direction: options.isEmpty ? .unknown : options.direction, options: options)
  }

  /// Octets captured.
  @inlinable public var caplen: Int { bytes.count }
  /// Octets on the wire.
  @inlinable public var len: Int { bytes.length }
}
