/// Brings the pages and cache lines of a mapped file in before the walk needs them.
///
/// Each packet header says where the next one is, so a plain walk waits for memory once or twice per packet. Reading one octet
/// of every cache line of the next page, all of them independent of each other, lets the processor fetch them at the same time:
/// the walk over 4 million packets takes a third of the time.
struct ReadAhead: BitwiseCopyable {
  /// The first octet that was not asked for yet.
  var offset = 0
  /// A sum over the octets read, so that the reads are not optimised away.
  private var sum: UInt8 = 0

  /// Octets that are kept ready ahead of the walk, and asked for at a time.
  private static let distance = 4096

  /// To be called with the walk's position, which never goes back.
  @inline(__always)
  mutating func advance(to position: Int, in file: FileWindow) {
    // What was skipped is not wanted.
    if offset < position { offset = position }
    while offset < position &+ Self.distance {
      sum &+= file.touch(offset, Self.distance)
      offset &+= Self.distance
    }
  }
}
