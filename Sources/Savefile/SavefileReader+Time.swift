public import PacketCore

/// The times of a file's packets, and the restriction to a time window.
extension SavefileReader {
  /// Restricts the packets to a time window. If the file is mapped and its packets are in order, except for the permitted disorder, most of
  /// the packets before the window are not even read.
  public mutating func restrict(to timeWindow: TimeWindow) {
    self.timeWindow = timeWindow
    if mapped != nil { beginning = (pcap, pcapng) }
    guard let mapped, !options.recovers, held == nil, let start = timeWindow.start, let disorder = timeWindow.disorder
    else { return }
    let goal = start.advanced(bySeconds: disorder < 0 ? 0 : -disorder)
    // A search would skip blocks that a copy needs.
    if pcapng != nil, options.keepsBlocks { return }
    mapped.advise(.random)
    pcap?.search(for: goal, in: window)
    pcapng?.search(for: goal, in: window)
    readsAhead = false
  }

  /// The time of the first packet that `next` will return; nil if there is none. Waits for it. Throws like `next`.
  public mutating func firstTime() throws(SavefileError) -> Timestamp? {
    let start = (pcap, pcapng)
    while true {
      if let time = try look() {
        if case .missing? = held?.sourceTime {
          // A packet without a time is in no time window.
          held = nil
          continue
        }
        // A search begins before the packet that was only looked at.
        if mapped != nil, !options.recovers {
          (pcap, pcapng) = start
          held = nil
        }
        return time
      }
      guard wait(milliseconds: -1) else { return nil }
    }
  }

  /// Widens `timesSeen` to the time of a packet, if it has one.
  mutating func note(_ record: PacketRecord) {
    if case .missing = record.sourceTime { return }
    let time = record.timestamp
    guard let seen = timesSeen else { return timesSeen = time...time }
    if time < seen.lowerBound { timesSeen = time...seen.upperBound }
    if time > seen.upperBound { timesSeen = seen.lowerBound...time }
  }

  /// The time span of all packets of a mapped file, in the time window or not; for a stream, of those that were compared with the window.
  /// Nil if there are none. To be called at the end.
  public mutating func timeSpan() -> ClosedRange<Timestamp>? {
    guard mapped != nil, let beginning else { return timesSeen }
    (pcap, pcapng) = beginning
    timesSeen = nil
    while let record = try? parse() { note(record) }
    return timesSeen
  }

  /// The time of the latest packet. For a mapped pcap file only the end is read, if its records can be recognised there; everything else is
  /// read to its end, or to where it is damaged. Nothing is left to read after that.
  public mutating func lastTime() -> Timestamp? {
    if mapped != nil, !options.recovers, let time = pcap?.lastTime(in: window) { return time }
    timeWindow = TimeWindow(start: nil, end: .epoch, disorder: nil)
    repeat {
      // Every packet is noted; those before the epoch are also in the window.
      while let record = try? nextRecord() { note(record) }
    } while wait(milliseconds: -1)
    return timesSeen?.upperBound
  }
}
