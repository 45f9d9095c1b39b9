/// Loads the pages and cache lines of a mapped file before the walk needs them.
///
/// Each packet header contains the distance to the next one, so a plain walk waits for memory once or twice per packet. Reading one byte of
/// every cache line of the next page, all of them independent of each other, lets the processor fetch them at the same time: the walk over
/// 4 million packets takes a third of the time.
struct ReadAhead: BitwiseCopyable {
  /// The offset of the first byte that was not loaded yet.
  var offset = 0
  /// A sum over the bytes read, so that the reads are not optimised away.
  private var sum: UInt8 = 0

  /// Bytes to keep loaded ahead of the walk, and to load at a time.
  private static let distance = 4096

  /// Call it with the walk's position, which never decreases.
  @inline(__always)
  mutating func advance(to position: Int, in file: FileWindow) {
    // Skipped data is not needed.
    if offset < position { offset = position }
    while offset < position &+ Self.distance {
      sum &+= file.touch(offset, Self.distance)
      offset &+= Self.distance
    }
  }
}
