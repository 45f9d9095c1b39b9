public import PacketCore

/// Questions to the owners of sockets, eight at most, that the kernel can answer by itself: so it can drop packets of which it knows the owners.
///
/// A question about a control group is none of them, since groups come and go by their paths.
public struct OwnerTests: Hashable, Sendable {
  /// Which ends of a packet a test asks for.
  public enum Ends: Hashable, Sendable {
    case sender, receiver, either, both
  }

  public enum Value: Hashable, Sendable {
    case process(UInt32)
    case user(UInt32)
    /// A name, or with `isPrefix` what it begins with.
    case name(ProcessName, isPrefix: Bool)
  }

  public struct Test: Hashable, Sendable {
    public var ends: Ends
    public var value: Value
    /// Packets for which it does not hold are wanted.
    public var isDenied: Bool

    public init(_ ends: Ends, _ value: Value, isDenied: Bool) {
      self.ends = ends
      self.value = value
      self.isDenied = isDenied
    }
  }

  public static let maximumCount = 8

  let tests: [Test]

  /// Nil where there are no tests, or too many.
  public init?(_ tests: [Test]) {
    guard !tests.isEmpty, tests.count <= Self.maximumCount else { return nil }
    self.tests = tests
  }

  init(only test: Test) { tests = [test] }

  // MARK: Verdicts

  // What the kernel keeps of a socket: a bit for each test that holds for its owner, from bit 8 on one for each that does not, and
  // `bornBit` where its connection began during the capture. 0 says nothing.

  /// All tests, as a bit for each.
  var mask: Int { (1 << tests.count) - 1 }
  /// The verdict on an owner for which no test holds, and on an end that no process of this host has.
  var nothingHolds: Int { mask << 8 }
  static let bornBit = 16

  /// The bits that verdicts must have for a packet to be unwanted, whatever else it is: those of its sender, its receiver, of both, and of one of
  /// them.
  struct Requirement: Equatable {
    var sender = 0
    var receiver = 0
    var both = 0
    var either = 0
  }

  /// A test that packets must pass must not hold, one that is denied must.
  var requirement: Requirement {
    var requirement = Requirement()
    for (index, test) in tests.enumerated() {
      let bit = test.isDenied ? 1 << index : 1 << (index + 8)
      switch test.ends {
      case .sender: requirement.sender |= bit
      case .receiver: requirement.receiver |= bit
      // Neither end may be the one that is asked for; but one that is not wanted is enough.
      case .either: if test.isDenied { requirement.either |= bit } else { requirement.both |= bit }
      case .both: if test.isDenied { requirement.both |= bit } else { requirement.either |= bit }
      }
    }
    return requirement
  }
}
