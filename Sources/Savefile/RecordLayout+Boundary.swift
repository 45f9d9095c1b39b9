public import PacketCore

extension RecordLayout {
  /// Where a packet record seems to begin, from `start` on and before `end`: consecutive plausible records follow. Nil if none is found
  /// within the length of the longest record. `start` is an offset into `file`.
  ///
  /// This is a guess, since the payload of a packet may look like records itself. A caller must walk up to the place, and so confirm it.
  public func probableRecord(in file: RawSpan, from start: Int, before end: Int) -> Int? {
    probableRecord(in: file, from: start, before: end, confirmedBy: 12)
  }

  /// The same, with the number of consecutive records that confirm the first one.
  @inline(__always)
  func probableRecord(in file: RawSpan, from start: Int, before end: Int, confirmedBy chainLength: Int) -> Int? {
    let stop = min(end, start &+ Int(largestCaplen) &+ Self.headerLength)
    var offset = max(0, start)
    while offset < stop {
      if isChain(in: file, at: offset, of: chainLength) { return offset }
      offset &+= 1
    }
    return nil
  }

  /// The maximum difference in seconds between two consecutive records.
  private static var largestGap: UInt32 { 86_400 }

  private func isChain(in file: RawSpan, at start: Int, of length: Int) -> Bool {
    guard let first = header(in: file, at: start) else { return false }
    var (last, offset) = (first, start &+ Self.headerLength &+ Int(first.caplen))
    for _ in 1..<length {
      if offset == file.byteCount { return true }
      guard let next = header(in: file, at: offset) else { return false }
      let gap = next.seconds > last.seconds ? next.seconds &- last.seconds : last.seconds &- next.seconds
      guard gap <= Self.largestGap else { return false }
      (last, offset) = (next, offset &+ Self.headerLength &+ Int(next.caplen))
    }
    return true
  }

  /// The fields of a possible record header; nil if there cannot be a record.
  @inline(__always)
  private func header(in file: RawSpan, at offset: Int) -> (seconds: UInt32, caplen: UInt32)? {
    guard offset >= 0, offset &+ Self.headerLength <= file.byteCount else { return nil }
    func word(_ place: Int) -> UInt32 {
      // Safe: the guard proved that the header's bytes exist.
      let word = unsafe file.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ place, as: UInt32.self)
      return isByteSwapped ? word.byteSwapped : word
    }
    let caplen = word(Self.caplenOffset)
    guard caplen <= largestCaplen, caplen != 0 else { return nil }
    let (seconds, fraction, len) = (word(0), word(4), word(Self.lenOffset))
    guard len >= caplen, fraction < (precision == .nanoseconds ? 1_000_000_000 : 1_000_000) else { return nil }
    return Int(caplen) <= file.byteCount &- offset &- Self.headerLength ? (seconds, caplen) : nil
  }
}
