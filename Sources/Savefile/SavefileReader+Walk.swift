public import PacketCore

/// Access for other code that walks over the records.
extension SavefileReader {
  /// The maximum number of zeros at the end of a file to look for.
  private static let longestZeroTail = 1 << 22

  /// The layout of the file's records; nil if it is not that of an ordinary pcap file, or if each record must be examined.
  public var recordLayout: RecordLayout? { mayBeWalked ? pcap?.layout : nil }

  /// How to read the remaining packets of a mapped file independently of this reader; nil if each record must be examined, or if other
  /// blocks are needed as well.
  public var recordForm: RecordForm? {
    guard keepsPackets, mayBeWalked else { return nil }
    if let pcap { return RecordForm(pcap) }
    return pcapng.map { RecordForm($0) }
  }

  private var mayBeWalked: Bool { timeWindow == nil && !options.recovers }

  /// Passes the bytes in memory and the position of the next record among them to `body`, which may move the position past records that it
  /// skips. Returns nil, without moving, if `recordLayout` and `recordForm` are nil, if the resulting position is not a valid one, or if
  /// the file has shrunk: `next` then throws the error.
  public mutating func walk<Result>(_ body: (RawSpan, inout RecordPosition) -> Result) -> Result? {
    guard mayBeWalked, mayMove else { return nil }
    let start: RecordPosition
    let limit: Int
    if let pcap {
      guard pcap.layout != nil, !pcap.hasPendingBlanks else { return nil }
      start = pcap.position(packets: packetsRead, in: window)
      limit = contentEnd
    } else if let pcapng, keepsPackets {
      start = RecordPosition(offset: pcapng.offset, packets: packetsRead, ahead: pcapng.offset)
      limit = window.end
    } else {
      return nil
    }
    guard position < limit else { return nil }
    var place = start
    // Safe: the window does not change until the next record is requested.
    let octets = unsafe RawSpan(_unsafeBytes: window.octets(at: window.start, length: limit &- window.start))
    let result = body(octets, &place)
    guard !hasShrunk, place.offset >= start.offset, place.offset <= octets.byteCount else { return nil }
    pcap?.move(to: place, in: window)
    pcapng?.move(to: place.offset)
    packetsRead = place.packets
    return result
  }

  /// Where the zeros at the end of the window begin. Whether these are packets is left to `next`. Reading a file backwards is slow, so if
  /// it ends with very many zeros, records are not walked.
  private var contentEnd: Int {
    mutating get {
      let end = mappedContentEnd ?? window.contentEnd(within: Self.longestZeroTail)
      if keepsPackets { mappedContentEnd = end }
      return end
    }
  }
}
