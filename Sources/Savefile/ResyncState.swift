import PacketCore

/// What lies at the place where a walk over a file that may be damaged stands.
enum ResyncState {
  /// A record that those after it confirm, or that none contradicts.
  case sound
  /// Octets that make no sense, up to the place at `next`.
  case damaged(next: Int)
  /// That cannot be said before the window goes further.
  case needsMore
  /// The end of the file.
  case end
}

/// What a look at a place that may be the start of a record shows.
enum RecordProbe {
  /// It may be one, and ends there, perhaps after the window.
  case plausible(end: Int, time: Timestamp)
  case implausible
  /// The window ends before that can be said.
  case cut
}

/// How a walk goes on where records cannot be trusted: at the first place from which several in a row make sense.
///
/// A single header that makes sense says little, since sixteen octets of a packet may look like one. Each of the next is where
/// the one before says that it is, and that is hard to meet by chance.
protocol Resynchronizing {
  /// The next record.
  var offset: Int { get }
  /// The distance between two places where a record may begin.
  var alignment: Int { get }
  /// Records in a row that are believed.
  var chainLength: Int { get }

  /// `isStrict`: a record that could be read all the same, but says something strange, is none.
  func probe(at offset: Int, in window: FileWindow, isStrict: Bool) -> RecordProbe
}

extension Resynchronizing {
  /// Octets that make no sense, of a stream, after which they are given up before what follows them is there.
  private var maximumScanLength: Int { 1 << 20 }

  /// What lies at `offset`. `isComplete`: the window ends where the file does.
  func resyncState(in window: FileWindow, isComplete: Bool) -> ResyncState {
    if offset >= window.end { return isComplete ? .end : .needsMore }
    // There are strange packets; a file that can be read to its end is not damaged.
    for isStrict in [true, false] {
      guard let isSound = isChain(at: offset, in: window, isComplete: isComplete, isStrict: isStrict) else {
        return .needsMore
      }
      if isSound { return .sound }
    }
    // Where the record itself makes sense and nothing else begins before its end, it is the one after it that is damaged.
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

  /// True where records in a row begin at `offset`, as many as are believed or up to the end of the file; nil where the window ends
  /// before that can be said.
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

  /// The last record of a row that begins at `offset` and goes on for `length` octets or to the end of the file; nil where there is
  /// none. A row that is longer than any record cannot lie within a packet that holds a savefile.
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

  /// Less than a day apart.
  private func isNear(_ first: Timestamp, _ second: Timestamp) -> Bool {
    let (difference, overflow) = second.seconds.subtractingReportingOverflow(first.seconds)
    return !overflow && difference.magnitude < 86_400
  }
}
