import BPF
import PacketCore
import Savefile

/// Walks over the packet records of a mapped file in pieces, several at a time.
///
/// Where a piece begins is a guess: a place from which records seem to follow one another. The pieces are put together in order, and only
/// one that begins exactly where the one before it has ended counts; the others are walked again from there. So the result is that of
/// a walk from the first record to the last, whatever the packets hold.
final class PieceWalk {
  /// What became of one piece.
  struct Piece<Found: Sendable>: Sendable {
    /// Where its first record was taken to be; nil where no record was found in it.
    var start: Int?
    /// Where the walk came to, and the records that it passed.
    var end = RecordPosition(offset: 0)
    var found: Found
  }

  /// Octets of a piece.
  private let pieceLength: Int
  /// Pieces that are walked in one round, which no signal interrupts.
  private let pieceCount: Int
  private let pool: WorkerPool
  /// Finds a place from `start` on, before `end`, from which records seem to follow one another.
  typealias Guess = @Sendable (_ file: RawSpan, _ start: Int, _ end: Int) -> Int?

  /// Pieces, of those that were put together last, whose beginning was guessed wrong.
  private var misses = 0
  /// Pieces of the next round: few after one that did not come to its end, for what was found behind that place was found in vain.
  private var nextCount: Int
  /// Wrong guesses in a row after which there are no more.
  private static let maximumMisses = 64
  /// The records of the last round were so long that to look for the beginnings of pieces takes longer than to walk.
  private var hasLongRecords = false
  /// Octets of a long record.
  private static let longRecord: UInt64 = 1 << 13

  init(_ pool: WorkerPool, pieceLength: Int, pieceCount: Int) {
    (self.pool, self.pieceLength, self.pieceCount) = (pool, pieceLength, pieceCount)
    nextCount = pieceCount
  }

  /// The walk over a file of so many octets; nil where one thread does as well.
  convenience init?(threads: Int, octets: Int) {
    let pieceLength = 1 << 21
    guard threads > 1, octets >= 4 * pieceLength else { return nil }
    let pool = WorkerPool(threads: threads)
    guard pool.threads > 1 else { return nil }
    self.init(pool, pieceLength: pieceLength, pieceCount: min(64, 8 * pool.threads))
  }

  /// Goes over the records from `position` on, a round of them. `guess` tells where a piece begins, `walk` goes over those that begin before an offset and tells what it finds;
  /// it is called by several threads. `take` is given what each piece has, in order, and where it began; it answers false to stop there,
  /// with `position` as it has left it. True where the round came to its end.
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
    // Safe: the octets are lent for the call, and the threads are done before it returns; each writes its own piece only.
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

/// Something that is handed to other threads although the compiler cannot see that they may have it.
@unsafe
private struct UncheckedSend<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { unsafe self.value = value }
}
