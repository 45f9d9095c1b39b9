import PacketCore

/// The number of bytes that are walked over instead of searching further.
private let searchedClosely = 4 << 20

/// Finds, by repeatedly halving the file, approximately the last record boundary at which the record's time is before `goal`. If no packet
/// is late by more than the disorder that `goal` allows for, no wanted packet is before it.
///
/// `landing` returns the first boundary that it can recognise after an offset, and the time there; nil if there is none. Returns `low` if
/// no boundary can be recognised.
private func searchedBoundary(
  _ low: Int, _ high: Int, before goal: Timestamp, _ landing: (Int) -> (offset: Int, time: Timestamp)?
) -> Int {
  var (low, high) = (low, high)
  while high &- low > searchedClosely {
    let middle = low &+ (high &- low) / 2
    if let place = landing(middle), place.offset < high, place.time < goal {
      low = place.offset
    } else {
      high = middle
    }
  }
  return low
}

extension PcapReader: Resynchronizing {
  var alignment: Int { 1 }
  var chainLength: Int { 3 }

  /// The largest plausible length on the wire, in bytes.
  private static let largestLen: UInt32 = 16 << 20

  /// Where a crash has cut off a file there may be zeros, which are not a packet.
  func probe(at offset: Int, in window: FileWindow, isStrict: Bool) -> RecordProbe {
    guard window.has(offset, headerLength), let record = header(at: offset, in: window) else { return .cut }
    guard record.caplen <= limit else { return .implausible }
    if isStrict {
      guard record.caplen > 0, record.len >= record.caplen, record.len <= max(limit, Self.largestLen),
        record.timestamp.isValid
      else { return .implausible }
    } else if record.caplen == 0, record.len == 0, record.timestamp == .epoch {
      return .implausible
    }
    return .plausible(end: offset &+ headerLength &+ Int(record.caplen), time: record.timestamp)
  }

  /// The latest time among the records near the end of the file; nil if no consecutive records up to the end can be found.
  func lastTime(in window: FileWindow) -> Timestamp? {
    let longest = Int(limit) &+ headerLength
    let first = max(offset, window.end &- max(4 * longest, searchedClosely))
    for place in first..<min(first &+ longest, window.end) {
      // A sequence of records up to the end of the file that is longer than any record cannot be inside a packet.
      guard place == offset || window.end &- place > longest,
        lastRecord(from: place, over: .max, in: window) != nil
      else { continue }
      var (position, latest) = (place, Timestamp?.none)
      while case .plausible(let end, let time) = probe(at: position, in: window, isStrict: true), end <= window.end {
        latest = max(latest ?? time, time)
        position = end
      }
      return latest
    }
    return nil
  }

  /// Moves to a record before which no packet has a time of `goal` or later, if searching can find one.
  mutating func search(for goal: Timestamp, in window: FileWindow) {
    let longest = Int(limit) &+ headerLength
    guard longest < searchedClosely / 4 else { return }
    let found = searchedBoundary(offset, window.end, before: goal) { middle in
      for place in middle..<min(middle &+ longest, window.end) {
        if let last = lastRecord(from: place, over: longest, in: window) { return last }
      }
      return nil
    }
    move(to: found)
  }
}

extension PcapNGReader: Resynchronizing {
  var alignment: Int { 1 }
  var chainLength: Int { 2 }

  /// Does not read times (`.epoch`): a block is confirmed by having the same length in header and trailer.
  func probe(at offset: Int, in window: FileWindow, isStrict: Bool) -> RecordProbe {
    guard let length = blockLength(at: offset, in: window) else {
      return window.has(offset, 12) ? .implausible : .cut
    }
    guard window.has(offset, length) else { return .plausible(end: offset &+ length, time: .epoch) }
    return trailer(at: offset, length, in: window) == length
      ? .plausible(end: offset &+ length, time: .epoch) : .implausible
  }

  /// Moves to a block before which no packet has a time of `goal` or later, if searching can find one: the file must have one section,
  /// whose interfaces are all described before its first packet.
  mutating func search(for goal: Timestamp, in window: FileWindow) {
    var ahead = self
    // After that, all interfaces are known that are described before the first packet.
    guard (try? ahead.next(in: window)) != nil, !ahead.hasLongPackets else { return }
    let longest = 1 << 19
    var isSearchable = true
    let found = searchedBoundary(offset, window.end, before: goal) { middle in
      // Blocks begin at multiples of four.
      let first = (middle &+ 3) & ~3
      for place in stride(from: first, to: min(first &+ longest, window.end), by: 4) {
        guard let last = lastRecord(from: place, over: longest, in: window) else { continue }
        guard let landing = ahead.packet(from: place, to: last.offset, in: window) else {
          isSearchable = false
          return nil
        }
        return landing
      }
      return nil
    }
    guard isSearchable, found > offset else { return }
    self = ahead
    move(to: found)
  }

  /// The last packet block between `place` and `end`, and its time; nil if there is none, or if there are blocks that make searching
  /// impossible.
  private func packet(from place: Int, to end: Int, in window: FileWindow) -> (offset: Int, time: Timestamp)? {
    var last: (offset: Int, time: Timestamp)?
    var position = place
    while position <= end, let length = blockLength(at: position, in: window) {
      switch timeOfBlock(at: position, length, in: window) {
      case .packet(let time): last = (position, time)
      case .other: break
      case .unsearchable: return nil
      }
      position &+= length
    }
    return last
  }
}

extension Timestamp {
  /// 1970-01-01.
  static let epoch = Timestamp(seconds: 0, nanoseconds: 0)
}
