public import PacketCore

/// Tests of socket owners, eight at most, that the kernel can decide by itself, so that it can drop packets whose owners it knows.
///
/// Tests of control groups are not among them, since groups come and go and are identified by path.
public struct OwnerTests: Hashable, Sendable {
  /// Which ends of a packet a test applies to.
  public enum Ends: Hashable, Sendable {
    case sender, receiver, either, both
  }

  public enum Value: Hashable, Sendable {
    case process(UInt32)
    case user(UInt32)
    /// A name, or, with `isPrefix`, the beginning of one.
    case name(ProcessName, isPrefix: Bool)
  }

  public struct Test: Hashable, Sendable {
    public var ends: Ends
    public var value: Value
    /// True if packets for which it does not hold are wanted.
    public var isDenied: Bool

    public init(_ ends: Ends, _ value: Value, isDenied: Bool) {
      self.ends = ends
      self.value = value
      self.isDenied = isDenied
    }
  }

  public static let maximumCount = 8

  let tests: [Test]

  /// Nil if there are no tests, or too many.
  public init?(_ tests: [Test]) {
    guard !tests.isEmpty, tests.count <= Self.maximumCount else { return nil }
    self.tests = tests
  }

  init(only test: Test) { tests = [test] }

  // MARK: Verdicts

  // What the kernel stores for a socket: from bit 0 on, a bit for each test that holds for its owner; from bit 8 on, a bit for each test
  // that does not; and `bornBit` if its connection began during the capture. 0 means that nothing is known.

  /// All tests, with one bit each.
  var mask: Int { (1 << tests.count) - 1 }
  /// The verdict for an owner for which no test holds, and for an end that does not belong to a process of this host.
  var nothingHolds: Int { mask << 8 }
  static let bornBit = 16

  /// The bits that verdicts must have for a packet to be unwanted, whatever else is in it: those of its sender, of its receiver, of both,
  /// and of at least one of them.
  struct Requirement: Equatable {
    var sender = 0
    var receiver = 0
    var both = 0
    var either = 0
  }

  /// A packet is unwanted if a test it must pass does not hold, or a negated one holds.
  var requirement: Requirement {
    var requirement = Requirement()
    for (index, test) in tests.enumerated() {
      let bit = test.isDenied ? 1 << index : 1 << (index + 8)
      switch test.ends {
      case .sender: requirement.sender |= bit
      case .receiver: requirement.receiver |= bit
      // An `either` test fails only if it holds for neither end; a negated one fails if it holds for one.
      case .either: if test.isDenied { requirement.either |= bit } else { requirement.both |= bit }
      case .both: if test.isDenied { requirement.both |= bit } else { requirement.either |= bit }
      }
    }
    return requirement
  }
}
