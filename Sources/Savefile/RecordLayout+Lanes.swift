import CLinux
public import PacketCore

extension RecordLayout {
  /// The number of lanes that are walked at the same time. Each record contains the distance to the next one, so a single walk waits for
  /// memory at every record; this many loads are within what a processor can have outstanding.
  private static var laneCount: Int { 16 }
  /// The number of records whose lengths are taken as typical.
  private static var sampleCount: UInt64 { 32 }
  /// Minimum number of bytes of a long record.
  private static var longRecord: Int { 1 << 12 }
  /// The number of consecutive records that confirm the first one of a lane. Each is a wait for memory, and a wrong guess costs one lane.
  private static var confirmation: Int { 4 }
  /// The number of bytes in which to search for the beginning of a lane: with longer records, lanes gain nothing.
  private static var longestSearch: Int { 1 << 13 }

  /// Continues at `position` over records that begin before `limit`, up to one that is cut or malformed, whatever packets they contain.
  ///
  /// A long range is walked in lanes, all at once. The beginning of each lane is a guess, like that of a piece, and counts only if the
  /// previous lane has ended there. A lane has at least `shortestLane` bytes: finding the beginning of a shorter one takes longer than
  /// walking it.
  public func pass(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, shortestLane: Int = 1 << 16
  ) {
    guard var lanes = lanes(in: file, from: &position, before: limit, shortestLane: shortestLane) else {
      return takeOneByOne(in: file, from: &position, before: limit)
    }
    walk(&lanes, in: file)
    for index in lanes.indices {
      let lane = lanes[index]
      guard position.offset < lane.limit else { continue }
      if lane.start == position.offset {
        position.offset = lane.offset
        position.packets &+= lane.records
      } else {
        takeOneByOne(in: file, from: &position, before: lane.limit)
      }
      // A record that cannot be skipped is left to the reader of the file.
      guard position.offset >= lane.limit else { return }
    }
  }

  /// The lanes from `position` to `limit`, after the first records, which are passed; nil if lanes gain nothing.
  private func lanes(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, shortestLane: Int
  ) -> InlineArray<16, RecordLane>? {
    // With long records there is little to wait for, and the data between their headers need not be read at all.
    let first = position
    takeOneByOne(in: file, from: &position, before: limit, atMost: Self.sampleCount)
    let records = Int(clamping: position.packets &- first.packets)
    guard position.offset &- first.offset <= records &* Self.longRecord else { return nil }
    let start = position.offset
    let length = (min(limit, file.byteCount) &- start) / Self.laneCount
    guard start >= 0, length >= max(1, shortestLane) else { return nil }
    var lanes = InlineArray<16, RecordLane>(repeating: RecordLane())
    for index in lanes.indices {
      let first = start &+ index &* length
      let end = index == lanes.count - 1 ? limit : first &+ length
      let begin =
        index == 0
        ? start
        : probableRecord(
          in: file, from: first, before: min(end, first &+ Self.longestSearch), confirmedBy: Self.confirmation)
      lanes[index] = RecordLane(start: begin ?? end, limit: end)
    }
    return lanes
  }

  private func walk(_ lanes: inout InlineArray<16, RecordLane>, in file: RawSpan) {
    // Safe: only addresses for the processor's cache are made from it.
    let base = unsafe file.withUnsafeBytes { $0.baseAddress }
    var isWalking = true
    while isWalking {
      isWalking = false
      for index in lanes.indices where lanes[index].offset < lanes[index].stop {
        if let next = end(in: file, at: lanes[index].offset) {
          // Without this, the processor would begin only as many loads as fit into its queue with the instructions between them.
          unsafe linux_prefetch(base, next &+ Self.caplenOffset)
          lanes[index].offset = next
          lanes[index].records &+= 1
          isWalking = true
        } else {
          lanes[index].stop = 0
        }
      }
    }
  }

  private func takeOneByOne(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, atMost count: UInt64 = .max
  ) {
    let last = count > .max &- position.packets ? .max : position.packets &+ count
    while position.offset < limit, position.packets < last, let next = end(in: file, at: position.offset) {
      position.offset = next
      position.packets &+= 1
    }
  }

  /// The offset after the record at `offset`; nil if it is cut or malformed.
  @inline(__always)
  private func end(in file: RawSpan, at offset: Int) -> Int? {
    let start = offset &+ Self.headerLength
    guard offset >= 0, start <= file.byteCount else { return nil }
    // Safe: the guard proved that the header's bytes exist.
    let word = unsafe file.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ Self.caplenOffset, as: UInt32.self)
    let caplen = isByteSwapped ? word.byteSwapped : word
    guard caplen <= largestCaplen, Int(caplen) <= file.byteCount &- start else { return nil }
    return start &+ Int(caplen)
  }
}

/// A part of a range of records, and the progress of the walk over it.
private struct RecordLane: BitwiseCopyable {
  /// The guessed offset of its first record.
  let start: Int
  /// The end of the part: a record that begins there does not belong to it.
  let limit: Int
  /// The offset of the next record.
  var offset: Int
  /// Where the walk ends: at `limit`, or immediately at a record that cannot be skipped.
  var stop: Int
  /// Records that were skipped.
  var records: UInt64 = 0

  init(start: Int = 0, limit: Int = 0) { (self.start, self.limit, offset, stop) = (start, limit, start, limit) }
}
