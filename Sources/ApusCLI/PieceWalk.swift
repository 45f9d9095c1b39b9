import BPF
import PacketCore
import Savefile

/// Walks over the packet records of a mapped file in pieces, several at a time.
///
/// Where a piece begins is a guess: a place from which records seem to follow one another. The pieces are put together in order, and one
/// counts only if it begins exactly where the previous one has ended; the others are walked again from there. So the result is always that
/// of one walk from the first record to the last, whatever the packets contain.
final class PieceWalk {
  /// The result of one piece.
  struct Piece<Found: Sendable>: Sendable {
    /// The guessed offset of its first record; nil if no record was found in it.
    var start: Int?
    /// Where the walk ended, and the records that it passed.
    var end = RecordPosition(offset: 0)
    var found: Found
  }

  /// Bytes of a piece.
  private let pieceLength: Int
  /// The maximum number of pieces in one round; signals are checked only between rounds.
  private let pieceCount: Int
  private let pool: WorkerPool
  /// Finds a place between `start` and `end` from which records seem to follow one another.
  typealias Guess = @Sendable (_ file: RawSpan, _ start: Int, _ end: Int) -> Int?

  /// Consecutive pieces, up to the last one, whose beginning was guessed wrong.
  private var misses = 0
  /// The number of pieces in the next round. It starts again at 1 after a round that ended early, since the work on the pieces after that
  /// place was wasted.
  private var nextCount: Int
  /// The number of consecutive wrong guesses after which guessing stops.
  private static let maximumMisses = 64
  /// The records of the last round were so long that finding the beginnings of pieces takes longer than walking.
  private var hasLongRecords = false
  /// Minimum number of bytes of a long record.
  private static let longRecord: UInt64 = 1 << 13

  init(_ pool: WorkerPool, pieceLength: Int, pieceCount: Int) {
    (self.pool, self.pieceLength, self.pieceCount) = (pool, pieceLength, pieceCount)
    nextCount = pieceCount
  }

  /// A walk over a file of `octets` bytes; nil if one thread is as good.
  convenience init?(threads: Int, octets: Int) {
    let pieceLength = 1 << 22
    guard threads > 1, octets >= 4 * pieceLength else { return nil }
    let pool = WorkerPool(threads: threads)
    guard pool.threads > 1 else { return nil }
    self.init(pool, pieceLength: pieceLength, pieceCount: min(32, 8 * pool.threads))
  }

  /// Walks one round of records from `position` on. `guess` finds where a piece begins. `walk` goes over the records of a piece, up to an
  /// offset, and returns what it finds; several threads call it. `take` gets the result of each piece in order, and the piece's first
  /// position; it returns false to stop there, at the `position` that it sets. True if the round was completed.
  func round<Found: Sendable>(
    in file: RawSpan, from position: inout RecordPosition, _ nothing: Found, guess: Guess,
    _ walk: @Sendable (RawSpan, inout RecordPosition, Int) -> Found,
    take: (Found, _ start: RecordPosition, _ position: inout RecordPosition) -> Bool
  ) -> Bool {
    let start = position.offset
    let pieceLength = pieceLength
    let end = min(file.byteCount, start &+ nextCount &* pieceLength)
    let packets = position.packets
    defer {
      hasLongRecords = UInt64(max(0, position.offset &- start)) / max(1, position.packets &- packets) > Self.longRecord
    }
    let isGuessed = misses < Self.maximumMisses && !hasLongRecords
    let count = isGuessed ? max(1, (end &- start &+ pieceLength &- 1) / pieceLength) : 1
    var pieces = [Piece<Found>](repeating: Piece(found: nothing), count: count)
    func limit(_ index: Int) -> Int { min(end, start &+ (index &+ 1) &* pieceLength) }
    // Safe: the bytes are valid during the call, and the threads are done before it returns; each writes only its own piece.
    unsafe file.withUnsafeBytes { octets in
      unsafe pieces.withUnsafeMutableBufferPointer { pieces in
        let (octets, pieces) = unsafe (UncheckedSend(octets), UncheckedSend(pieces))
        pool.forEach(count) { index in
          let file = unsafe RawSpan(_unsafeBytes: octets.value)
          let first = start &+ index &* pieceLength
          guard let begin = index == 0 ? start : guess(file, first, limit(index))
          else { return }
          var position = RecordPosition(offset: begin, ahead: begin)
          let found = walk(file, &position, limit(index))
          unsafe pieces.value[index] = Piece(start: begin, end: position, found: found)
        }
      }
    }
    for (index, piece) in pieces.enumerated() {
      let before = position
      guard before.offset < limit(index) else { continue }
      let found: Found
      if piece.start == before.offset {
        found = piece.found
        position.offset = piece.end.offset
        position.packets &+= piece.end.packets
        position.ahead = piece.end.ahead
        misses = 0
      } else {
        found = walk(file, &position, limit(index))
        misses += 1
      }
      guard take(found, before, &position), position.offset >= limit(index) else {
        nextCount = 1
        return false
      }
    }
    nextCount = min(pieceCount, nextCount &* 2)
    return true
  }
}

/// A value passed to other threads although the compiler cannot prove that this is safe.
@unsafe
private struct UncheckedSend<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { unsafe self.value = value }
}
