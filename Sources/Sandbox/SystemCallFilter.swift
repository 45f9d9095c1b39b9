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
    /// None of the bits is set where one of `flags` is set in another argument.
    case noneWhere(_ flags: CInt, inArgument: Int, of: CInt, argument: Int)
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
      throw SandboxError("the system call filter is not a valid program: \(error)")
    }
  }

  /// `AUDIT_ARCH_…` of this processor; nil if no list of calls is known for it.
  static var architecture: UInt32? {
    #if arch(x86_64)
      0xc000_003e
    #elseif arch(arm64)
      0xc000_00b7
    #else
      nil
    #endif
  }

  /// The first number after the calls that were looked at for this list.
  private static let firstUnknown: UInt32 = 451

  // MARK: Code

  /// Leads one of the calls to its answer, and any other call after it; the accumulator holds the number then as before.
  private static func instructions(_ rule: Rule) throws(SandboxError) -> [Instruction] {
    let block = Self.block(rule)
    guard rule.calls.count < 255 else { throw SandboxError("too many system calls in one rule") }
    var instructions: [Instruction] = []
    for (index, call) in rule.calls.enumerated() {
      // Over the comparisons that are left and the jump after them.
      instructions.append(
        Instruction(.jeqK, k: UInt32(bitPattern: call), jt: UInt8(truncatingIfNeeded: rule.calls.count - index)))
    }
    return instructions + [Instruction(.ja, k: UInt32(truncatingIfNeeded: block.count))] + block
  }

  /// Tests the conditions and returns.
  private static func block(_ rule: Rule) -> [Instruction] {
    rule.conditions.flatMap { $0.instructions } + [Instruction(.retK, k: rule.answer.rawValue)]
  }
}

extension SystemCallFilter.Condition {
  /// Leads after itself where the condition holds, and refuses the call where not.
  ///
  /// Every jump is short, however many values there are, since each part has an end of its own.
  fileprivate var instructions: [Instruction] {
    switch self {
    case .none(let bits, let argument):
      [load(argument), Instruction(.jsetK, k: UInt32(bitPattern: bits), jt: 0, jf: 1), refusal]
    case .notAll(let bits, let argument):
      masked(argument, bits) + [Instruction(.jeqK, k: UInt32(bitPattern: bits), jt: 0, jf: 1), refusal]
    case .all(let bits, let argument):
      masked(argument, bits) + [Instruction(.jeqK, k: UInt32(bitPattern: bits), jt: 1, jf: 0), refusal]
    case .noneOf(let values, let argument):
      [load(argument)] + parts(of: values).flatMap { part in comparisons(part) + [refusal] }
    case .oneOf(let values, let argument):
      [load(argument)] + exits(values) + [refusal]
    case .isZero(let argument):
      [0, 4].flatMap { half in
        [load(argument, half: half), Instruction(.jeqK, k: 0, jt: 1, jf: 0), refusal]
      }
    case .noneWhere(let flags, let flagsArgument, let bits, let argument):
      [
        load(flagsArgument), Instruction(.jsetK, k: UInt32(bitPattern: flags), jt: 0, jf: 3), load(argument),
        Instruction(.jsetK, k: UInt32(bitPattern: bits), jt: 0, jf: 1), refusal,
      ]
    }
  }

  private var refusal: Instruction { Instruction(.retK, k: SystemCallFilter.Answer.refuse(EPERM).rawValue) }

  /// The values, no more of them in a part than a jump leads over.
  private func parts(of values: [CInt]) -> [ArraySlice<CInt>] {
    stride(from: 0, to: values.count, by: 200).map { values[$0..<min($0 + 200, values.count)] }
  }

  /// Goes to the instruction after the comparisons where one of the values is equal, and over it where none is.
  private func comparisons(_ values: ArraySlice<CInt>) -> [Instruction] {
    values.enumerated().map { index, value in
      let left = values.count - index - 1
      return Instruction(
        .jeqK, k: UInt32(bitPattern: value), jt: UInt8(truncatingIfNeeded: left), jf: left == 0 ? 1 : 0)
    }
  }

  /// Goes over the refusal that follows where one of the values is equal.
  private func exits(_ values: [CInt]) -> [Instruction] {
    var code: [Instruction] = []
    // From the last part on, since each leads over those after it.
    for part in parts(of: values).reversed() {
      code = comparisons(part) + [Instruction(.ja, k: UInt32(truncatingIfNeeded: code.count + 1))] + code
    }
    return code
  }

  private func masked(_ argument: Int, _ bits: CInt) -> [Instruction] {
    [load(argument), Instruction(.andK, k: UInt32(bitPattern: bits))]
  }

  /// Half of an argument; the lower one comes first, as both processors are little-endian.
  private func load(_ argument: Int, half: Int = 0) -> Instruction {
    Instruction(.ldAbs, k: UInt32(truncatingIfNeeded: 16 + 8 * argument + half))
  }
}

extension SystemCallFilter {
  /// The program judges every thread's calls from now on; there is no way back. Needs PR_SET_NO_NEW_PRIVS.
  ///
  /// Throws if that is refused: no call is judged then.
  func install() throws(Protection.Gap) {
    // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
    let result = unsafe program.instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog; the kernel copies the instructions.
      let description = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: description) {
        LinuxCall.call(__NR_seccomp, 1, 1, UInt(bitPattern: $0.baseAddress))
      }
    }
    // A positive result is the number of a thread that cannot be brought under the filter.
    guard result == 0 else { throw .refused(result > 0 ? EBUSY : CInt(clamping: -result)) }
  }

  /// Why system calls cannot be filtered; nil if they can.
  static var gap: Protection.Gap? {
    guard architecture != nil else { return .missing }
    // SECCOMP_GET_ACTION_AVAIL; a kernel that cannot kill a whole process (EOPNOTSUPP) is older than all else that is used here.
    let result = LinuxCall.call(__NR_seccomp, 2, 0, reading: Answer.kill.rawValue)
    return result == 0 ? nil : result == -Int(EOPNOTSUPP) ? .missing : Protection.Gap(errno: CInt(clamping: -result))
  }
}
