import BPF
import CLinux
import Glibc

/// A program of the classic machine that judges the system calls of this process: seccomp(2), mode 2.
///
/// What it loads is `struct seccomp_data` in the host's byte order: the call's number at 0, the architecture at 4, six arguments of 64
/// bits from 16 on. What it returns is an `Answer`.
struct SystemCallFilter: Sendable {
  /// What becomes of a call, `SECCOMP_RET_…`.
  enum Answer: Hashable, Sendable {
    case allow
    /// The call fails with that `errno`.
    case refuse(CInt)
    /// The process is killed: no honest code of it makes such a call.
    case kill

    var rawValue: UInt32 {
      switch self {
      case .allow: 0x7fff_0000
      case .refuse(let code): 0x0005_0000 | UInt32(truncatingIfNeeded: code) & 0xffff
      case .kill: 0x8000_0000
      }
    }
  }

  /// What must hold of one argument of a call. Only the lower 32 bits are looked at, which is all that the kernel takes of such
  /// arguments, but for `isZero`.
  enum Condition: Hashable, Sendable {
    /// None of the bits is set.
    case none(of: CInt, inArgument: Int)
    /// Not all of the bits are set.
    case notAll(of: CInt, inArgument: Int)
    /// All of the bits are set.
    case all(of: CInt, inArgument: Int)
    case oneOf([CInt], argument: Int)
    case noneOf([CInt], argument: Int)
    /// All 64 bits are 0.
    case isZero(argument: Int)
  }

  /// Calls with the same answer.
  struct Rule: Sendable {
    let calls: [CInt]
    var answer = Answer.allow
    /// Where one does not hold, the call is refused with EPERM.
    var conditions: [Condition] = []
  }

  /// The program.
  let program: Program

  /// The program for these rules, of which the first that names a call counts. A call that is in none is refused with EPERM, so that the
  /// process goes on where it can; one that is younger than this list with ENOSYS, as from a kernel without it.
  init(_ rules: [Rule]) throws(SandboxError) {
    guard let architecture = Self.architecture else { throw SandboxError("unknown processor") }
    var instructions: [Instruction] = [
      Instruction(.ldAbs, k: 4),
      Instruction(.jeqK, k: architecture, jt: 1),
      Instruction(.retK, k: Answer.kill.rawValue),
      Instruction(.ldAbs, k: 0),
      // Numbers of the x32 calls, which are another architecture in all but name.
      Instruction(.jgeK, k: 0x4000_0000, jt: 0, jf: 1),
      Instruction(.retK, k: Answer.kill.rawValue),
    ]
    for rule in rules { instructions += try Self.instructions(rule) }
    instructions += [
      Instruction(.jgeK, k: Self.firstUnknown, jt: 0, jf: 1),
      Instruction(.retK, k: Answer.refuse(ENOSYS).rawValue),
      Instruction(.retK, k: Answer.refuse(EPERM).rawValue),
    ]
    do throws(ProgramError) {
      program = try Program(validating: instructions)
    } catch {
      throw SandboxError("the filter of system calls is no program: \(error)")
    }
  }

  /// `AUDIT_ARCH_…` of this processor; nil where no list of calls is known for it.
  static var architecture: UInt32? {
    #if arch(x86_64)
      0xc000_003e
    #elseif arch(arm64)
      0xc000_00b7
    #else
      nil
    #endif
  }

  /// The first number behind the calls that were looked at for this list.
  private static let firstUnknown: UInt32 = 451

  // MARK: Code

  /// Leads one of the calls to its answer, and any other call behind it; the accumulator holds the number then as before.
  private static func instructions(_ rule: Rule) throws(SandboxError) -> [Instruction] {
    let block = Self.block(rule)
    guard rule.calls.count < 255, block.count < 255 else { throw SandboxError("too many system calls in one rule") }
    var instructions: [Instruction] = []
    for (index, call) in rule.calls.enumerated() {
      // Over the comparisons that are left and the jump behind them.
      instructions.append(
        Instruction(.jeqK, k: UInt32(bitPattern: call), jt: UInt8(truncatingIfNeeded: rule.calls.count - index)))
    }
    return instructions + [Instruction(.ja, k: UInt32(truncatingIfNeeded: block.count))] + block
  }

  /// Tests the conditions and returns.
  private static func block(_ rule: Rule) -> [Instruction] {
    var tests: [Test] = []
    for condition in rule.conditions { tests += condition.tests }
    // A failed test goes to the last instruction.
    let failure = tests.count + 1
    var block: [Instruction] = []
    for (index, test) in tests.enumerated() {
      var instruction = test.instruction
      let distance = UInt8(clamping: failure - index - 1)
      if test.failsWhere == true { instruction.jt = distance }
      if test.failsWhere == false { instruction.jf = distance }
      block.append(instruction)
    }
    block.append(Instruction(.retK, k: rule.answer.rawValue))
    if !tests.isEmpty { block.append(Instruction(.retK, k: Answer.refuse(EPERM).rawValue)) }
    return block
  }

  /// An instruction of a condition.
  struct Test {
    let instruction: Instruction
    /// The outcome of the comparison with which the condition does not hold; nil where the instruction decides nothing.
    var failsWhere: Bool?
  }
}

extension SystemCallFilter.Condition {
  fileprivate var tests: [SystemCallFilter.Test] {
    switch self {
    case .none(let bits, let argument):
      return [load(argument), .init(instruction: Instruction(.jsetK, k: UInt32(bitPattern: bits)), failsWhere: true)]
    case .notAll(let bits, let argument):
      return masked(argument, bits, failsWhere: true)
    case .all(let bits, let argument):
      return masked(argument, bits, failsWhere: false)
    case .oneOf(let values, let argument):
      // Each but the last leads over those that are left.
      return [load(argument)]
        + values.enumerated().map { index, value in
          let left = values.count - index - 1
          return .init(
            instruction: Instruction(.jeqK, k: UInt32(bitPattern: value), jt: UInt8(clamping: left)),
            failsWhere: left == 0 ? false : nil)
        }
    case .noneOf(let values, let argument):
      return [load(argument)]
        + values.map { .init(instruction: Instruction(.jeqK, k: UInt32(bitPattern: $0)), failsWhere: true) }
    case .isZero(let argument):
      return [0, 4].flatMap { half in
        [
          load(argument, half: half), .init(instruction: Instruction(.jeqK, k: 0), failsWhere: false),
        ]
      }
    }
  }

  private func masked(_ argument: Int, _ bits: CInt, failsWhere: Bool) -> [SystemCallFilter.Test] {
    [
      load(argument), .init(instruction: Instruction(.andK, k: UInt32(bitPattern: bits))),
      .init(instruction: Instruction(.jeqK, k: UInt32(bitPattern: bits)), failsWhere: failsWhere),
    ]
  }

  /// Half of an argument; the lower one comes first, as both processors are little-endian.
  private func load(_ argument: Int, half: Int = 0) -> SystemCallFilter.Test {
    .init(instruction: Instruction(.ldAbs, k: UInt32(truncatingIfNeeded: 16 + 8 * argument + half)))
  }
}

extension SystemCallFilter {
  /// The program judges every thread's calls from now on; there is no way back. Needs PR_SET_NO_NEW_PRIVS.
  func install() throws(SandboxError) {
    // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
    let result = unsafe program.instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog; the kernel copies the instructions.
      let description = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: description) {
        LinuxCall.call(__NR_seccomp, 1, 1, UInt(bitPattern: $0.baseAddress))
      }
    }
    guard result == 0 else {
      throw SandboxError("seccomp", errno: result > 0 ? EBUSY : CInt(-result))
    }
  }

  /// True where the kernel filters system calls.
  static var isPossible: Bool {
    // SECCOMP_GET_ACTION_AVAIL; without the kill of a whole process it is older than all else that is used here.
    architecture != nil && LinuxCall.call(__NR_seccomp, 2, 0, reading: Answer.kill.rawValue) == 0
  }
}
