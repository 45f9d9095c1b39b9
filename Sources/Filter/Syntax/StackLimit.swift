import CLinux

/// How much of the thread's stack the parser may use: the rest is for those who walk the tree that it makes. It recurses once for each
/// level of nesting, and so do they, with smaller frames.
struct StackLimit {
  /// Where the stack ends that may be used; nil if there is no end.
  private let lowest: UInt?
  /// Operators that one arithmetic expression may have: what walks it recurses as deep on the left.
  let maximumOperators: Int

  /// Most operators where the stack has room for them.
  private static let mostOperators = 512
  private static let bytesForOperator = 512
  /// Bytes that are needed before and after the recursion.
  private static let reserve = 48 << 10
  /// The part of the room that is the parser's.
  private static let share: UInt = 2

  /// The limit for what is called from here on.
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

  /// True if the caller is so deep that the limit is reached.
  var isReached: Bool { lowest.map { Self.here < $0 } ?? false }

  /// An address on the stack close to the caller's.
  private static var here: UInt { UInt(linux_frame_address()) }
}
