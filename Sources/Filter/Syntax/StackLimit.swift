import CLinux

/// How much of the thread's stack the parser may use: the rest is for the code that walks the tree. The parser recurses once per level of
/// nesting, and so does that code, with smaller frames.
struct StackLimit {
  /// The lowest stack address that may be used; nil if there is no limit.
  private let lowest: UInt?
  /// The maximum number of operators in one arithmetic expression: code that walks it recurses once for each on the left.
  let maximumOperators: Int

  /// The maximum number of operators where the stack is large enough.
  private static let mostOperators = 512
  private static let bytesForOperator = 512
  /// Bytes needed before and after the recursion.
  private static let reserve = 48 << 10
  /// The parser may use one part in this many of the room.
  private static let share: UInt = 2

  /// The limit for calls made from here on.
  init() {
    let room = linux_stack_room()
    guard room >= 0 else {
      lowest = nil
      maximumOperators = Self.mostOperators
      return
    }
    let usable = max(0, room - Self.reserve)
    lowest = Self.here - min(Self.here, UInt(usable) / Self.share)
    maximumOperators = min(Self.mostOperators, usable / Self.bytesForOperator)
  }

  /// True if the caller has reached the limit.
  var isReached: Bool { lowest.map { Self.here < $0 } ?? false }

  /// An address on the stack close to the caller's.
  private static var here: UInt { UInt(linux_frame_address()) }
}
