public import PacketCore

extension RecordLayout {
  /// Records that are looked at side by side. Each says where the next one is, so that a single walk waits for memory at every record; so
  /// many do not fill what a processor keeps track of.
  private static var laneCount: Int { 16 }
  /// Records whose lengths tell how long the others are.
  private static var sampleCount: UInt64 { 32 }
  /// Octets of a long record.
  private static var longRecord: Int { 1 << 12 }
  /// Octets in which the beginning of a lane is looked for: where records are longer, lanes gain nothing.
  private static var longestSearch: Int { 1 << 13 }

  /// Goes on from `position` over records that begin before `limit`, up to one that is cut or cannot be right, whatever packets they hold.
  ///
  /// Where the way is long it is walked in lanes, all at once. The beginning of each is a guess, as those of pieces are, and counts only
  /// where the lane before it has ended. A lane has so many octets at least: a short one takes longer to find than to walk.
  public func pass(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, shortestLane: Int = 1 << 16
  ) {
    // Where records are long there is little to wait for, and what lies between them need not be read at all.
    let first = position
    passOneByOne(in: file, from: &position, before: limit, atMost: Self.sampleCount)
    let records = Int(clamping: position.packets &- first.packets)
    guard position.offset &- first.offset <= records &* Self.longRecord else {
      return passOneByOne(in: file, from: &position, before: limit)
    }
    let start = position.offset
    let length = (min(limit, file.byteCount) &- start) / Self.laneCount
    guard start >= 0, length >= max(1, shortestLane) else {
      return passOneByOne(in: file, from: &position, before: limit)
    }
    var lanes = InlineArray<16, RecordLane>(repeating: RecordLane())
    for index in lanes.indices {
      let first = start &+ index &* length
      let end = index == lanes.count - 1 ? limit : first &+ length
      let begin =
        index == 0 ? start : probableRecord(in: file, from: first, before: min(end, first &+ Self.longestSearch))
      lanes[index] = RecordLane(start: begin ?? end, limit: end)
    }
    walk(&lanes, in: file)
    for index in lanes.indices {
      let lane = lanes[index]
      guard position.offset < lane.limit else { continue }
      if lane.start == position.offset {
        position.offset = lane.offset
        position.packets &+= lane.records
      } else {
        passOneByOne(in: file, from: &position, before: lane.limit)
      }
      // One that cannot be passed is left to the reader of the file.
      guard position.offset >= lane.limit else { return }
    }
  }

  private func walk(_ lanes: inout InlineArray<16, RecordLane>, in file: RawSpan) {
    var isWalking = true
    while isWalking {
      isWalking = false
      for index in lanes.indices where lanes[index].offset < lanes[index].stop {
        if let next = end(in: file, at: lanes[index].offset) {
          lanes[index].offset = next
          lanes[index].records &+= 1
          isWalking = true
        } else {
          lanes[index].stop = 0
        }
      }
    }
  }

  private func passOneByOne(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, atMost count: UInt64 = .max
  ) {
    let last = count > .max &- position.packets ? .max : position.packets &+ count
    while position.offset < limit, position.packets < last, let next = end(in: file, at: position.offset) {
      position.offset = next
      position.packets &+= 1
    }
  }

  /// Where the record at `offset` ends; nil where it is cut or cannot be right.
  @inline(__always)
  private func end(in file: RawSpan, at offset: Int) -> Int? {
    let start = offset &+ Self.headerLength
    guard offset >= 0, start <= file.byteCount else { return nil }
    // Safe: the guard proved that the header's octets are there.
    let word = unsafe file.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ Self.caplenOffset, as: UInt32.self)
    let caplen = isByteSwapped ? word.byteSwapped : word
    guard caplen <= largestCaplen, Int(caplen) <= file.byteCount &- start else { return nil }
    return start &+ Int(caplen)
  }
}

/// A part of a way over records, and how far the walk over it has come.
private struct RecordLane: BitwiseCopyable {
  /// Where its first record was taken to be.
  let start: Int
  /// Where the part ends: no record that begins there belongs to it.
  let limit: Int
  /// The next record.
  var offset: Int
  /// Where the walk is over: at `limit`, and at once behind a record that cannot be passed.
  var stop: Int
  /// Records that were passed.
  var records: UInt64 = 0

  init(start: Int = 0, limit: Int = 0) { (self.start, self.limit, offset, stop) = (start, limit, start, limit) }
}
