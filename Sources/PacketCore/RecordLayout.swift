/// The layout of packet records in a classic pcap file (draft-ietf-opsawg-pcap): a header of 16 bytes, with `caplen` at offset 8 and `len`
/// at offset 12, then `caplen` bytes of the packet.
public struct RecordLayout: Hashable, Sendable, BitwiseCopyable {
  /// True if the words of a header have the opposite byte order to the host's.
  public let isByteSwapped: Bool
  /// The largest `caplen` that is considered valid.
  public let largestCaplen: UInt32
  /// How many bytes of a packet are used; captured bytes after them are ignored.
  public let snaplen: UInt32
  /// The unit of the fraction of a second in a header's timestamp.
  public let precision: TimestampPrecision

  /// The length of a record's header in bytes.
  public static let headerLength = 16
  /// The offset of `caplen` in it.
  public static let caplenOffset = 8
  /// The offset of `len` in it.
  public static let lenOffset = 12

  public init(
    isByteSwapped: Bool, largestCaplen: UInt32, snaplen: UInt32, precision: TimestampPrecision = .microseconds
  ) {
    self.isByteSwapped = isByteSwapped
    self.largestCaplen = largestCaplen
    self.snaplen = snaplen
    self.precision = precision
  }
}

/// The position of a walk over the packet records of a file.
public struct RecordPosition: Hashable, Sendable, BitwiseCopyable {
  /// The offset of the next record's header from the start of the file.
  public var offset: Int
  /// The number of records before it.
  public var packets: UInt64
  /// The first byte that has not been prefetched.
  public var ahead: Int

  public init(offset: Int, packets: UInt64 = 0, ahead: Int = 0) {
    self.offset = offset
    self.packets = packets
    self.ahead = ahead
  }
}
