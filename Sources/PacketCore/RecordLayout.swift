/// How packet records follow each other in a classic pcap file (draft-ietf-opsawg-pcap): a header of 16 octets, with `caplen` at
/// 8 and `len` at 12, then `caplen` octets of the packet.
public struct RecordLayout: Hashable, Sendable, BitwiseCopyable {
  /// True if the words of a header are in the other byte order than the host's.
  public let isByteSwapped: Bool
  /// The largest `caplen` that is believed.
  public let largestCaplen: UInt32
  /// Octets of a packet that count; what was captured after them does not.
  public let snaplen: UInt32
  /// The unit in which a header has the fraction of its time.
  public let precision: TimestampPrecision

  /// Octets of a record's header.
  public static let headerLength = 16
  /// Where `caplen` stands in it.
  public static let caplenOffset = 8
  /// Where `len` stands in it.
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

/// Where a walk over the packet records of a file stands.
public struct RecordPosition: Hashable, Sendable, BitwiseCopyable {
  /// The header of the next record, from the start of the file.
  public var offset: Int
  /// Records that lie before it.
  public var packets: UInt64
  /// The first octet that was not asked of memory in advance.
  public var ahead: Int

  public init(offset: Int, packets: UInt64 = 0, ahead: Int = 0) {
    self.offset = offset
    self.packets = packets
    self.ahead = ahead
  }
}
