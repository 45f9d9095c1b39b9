public import PacketCore

/// Others who walk over the records.
extension SavefileReader {
  /// Zeros at the end of a file that are looked for.
  private static let longestZeroTail = 1 << 22

  /// How the records of the file follow each other; nil where they do not as in a pcap file of today, or each must be looked at.
  public var recordLayout: RecordLayout? { mayBeWalked ? pcap?.layout : nil }

  /// How the packets of a mapped file are read from here on, apart from this reader; nil where each must be looked at, or what lies between
  /// them is wanted.
  public var recordForm: RecordForm? {
    guard keepsPackets, mayBeWalked else { return nil }
    if let pcap { return RecordForm(pcap) }
    return pcapng.map { RecordForm($0) }
  }

  private var mayBeWalked: Bool { timeWindow == nil && !options.recovers }

  /// Passes the octets in memory and the place of the next record among them to `body`, which may move it after records that it
  /// skips. Nil, and nothing is moved, where `recordLayout` and `recordForm` are, where the place is no place after, or where the file has
  /// become shorter: next() says what is wrong then.
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
    // Safe: the window stays as it is until the next record is looked for.
    let octets = unsafe RawSpan(_unsafeBytes: window.octets(at: window.start, length: limit &- window.start))
    let result = body(octets, &place)
    guard !hasShrunk, place.offset >= start.offset, place.offset <= octets.byteCount else { return nil }
    pcap?.move(to: place, in: window)
    pcapng?.move(to: place.offset)
    packetsRead = place.packets
    return result
  }

  /// Where the zeros begin with which the window ends. Whether those are packets is left to next(); reading a file backwards takes long: if
  /// it ends with very many of them, records are not walked.
  private var contentEnd: Int {
    mutating get {
      let end = mappedContentEnd ?? window.contentEnd(within: Self.longestZeroTail)
      if keepsPackets { mappedContentEnd = end }
      return end
    }
  }
}
