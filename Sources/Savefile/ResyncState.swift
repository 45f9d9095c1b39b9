import PacketCore

/// What is at the current position of a walk over a file that may be damaged.
enum ResyncState {
  /// A record that is confirmed by the following ones, or at least not contradicted.
  case sound
  /// Damaged bytes, up to the offset `next`.
  case damaged(next: Int)
  /// It cannot be decided before the window has more data.
  case needsMore
  /// The end of the file.
  case end
}

/// The result of examining a possible start of a record.
enum RecordProbe {
  /// It may be a record, and would end at `end`, perhaps after the window.
  case plausible(end: Int, time: Timestamp)
  case implausible
  /// The window ends before that can be decided.
  case cut
}

/// How a walk continues where records cannot be trusted: at the first place from which several consecutive ones make sense.
///
/// A single header that makes sense proves little, since sixteen bytes of a packet may look like one. But each of the following headers
/// must be where the previous one says it is, which is unlikely by chance.
protocol Resynchronizing {
  /// The offset of the next record.
  var offset: Int { get }
  /// The distance between two places where a record may begin.
  var alignment: Int { get }
  /// The number of consecutive records that confirm the first one.
  var chainLength: Int { get }

  /// `isStrict`: also reject a record that could be read but has unusual values.
  func probe(at offset: Int, in window: FileWindow, isStrict: Bool) -> RecordProbe
}

extension Resynchronizing {
  /// The number of damaged bytes in a stream after which they are skipped without waiting for what follows.
  private var maximumScanLength: Int { 1 << 20 }

  /// What is at `offset`. `isComplete`: the window ends at the end of the file.
  func resyncState(in window: FileWindow, isComplete: Bool) -> ResyncState {
    if offset >= window.end { return isComplete ? .end : .needsMore }
    // Unusual packets exist; a file that can be read to its end is not damaged.
    for isStrict in [true, false] {
      guard let isSound = isChain(at: offset, in: window, isComplete: isComplete, isStrict: isStrict) else {
        return .needsMore
      }
      if isSound { return .sound }
    }
    // If the record itself makes sense and no other one begins before its end, the damaged record is the next one.
    var end = Int.max
    if case .plausible(let own, _) = probe(at: offset, in: window, isStrict: false), own <= window.end { end = own }
    var place = offset &+ alignment
    while place < window.end {
      if place >= end { return .sound }
      guard let isFound = isChain(at: place, in: window, isComplete: isComplete, isStrict: true) else {
        return place &- offset > maximumScanLength ? .damaged(next: place) : .needsMore
      }
      if isFound { return .damaged(next: place) }
      place &+= alignment
    }
    if end <= window.end { return .sound }
    if isComplete { return .damaged(next: window.end) }
    return place &- offset > maximumScanLength ? .damaged(next: window.end) : .needsMore
  }

  /// True if enough consecutive records begin at `offset`, or records up to the end of the file; nil if the window ends before that can be
  /// decided.
  private func isChain(at offset: Int, in window: FileWindow, isComplete: Bool, isStrict: Bool) -> Bool? {
    var position = offset
    var before: Timestamp?
    for _ in 0..<chainLength {
      if position == window.end { return isComplete ? true : nil }
      switch probe(at: position, in: window, isStrict: isStrict) {
      case .implausible: return false
      case .cut: return isComplete ? false : nil
      case .plausible(let end, let time):
        if isStrict, let before, !isNear(before, time) { return false }
        guard end <= window.end else { return isComplete ? false : nil }
        before = time
        position = end
      }
    }
    return true
  }

  /// The last of the consecutive records that begin at `offset` and continue for `length` bytes or to the end of the file; nil if there are
  /// none. A sequence longer than any record cannot be inside a packet that contains a savefile.
  func lastRecord(from offset: Int, over length: Int, in window: FileWindow) -> (offset: Int, time: Timestamp)? {
    var position = offset
    var last: (offset: Int, time: Timestamp)?
    while position < window.end {
      guard case .plausible(let end, let time) = probe(at: position, in: window, isStrict: true), end <= window.end
      else { return nil }
      if let last, !isNear(last.time, time) { return nil }
      last = (position, time)
      if end &- offset > length { break }
      position = end
    }
    return last
  }

  /// True if the times are less than a day apart.
  private func isNear(_ first: Timestamp, _ second: Timestamp) -> Bool {
    let (difference, overflow) = second.seconds.subtractingReportingOverflow(first.seconds)
    return !overflow && difference.magnitude < 86_400
  }
}
