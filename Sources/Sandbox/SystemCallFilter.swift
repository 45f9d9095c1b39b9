import BPF
import CLinux
import Glibc

/// A classic BPF program that filters the system calls of this process: seccomp(2), mode 2.
///
/// Its input is `struct seccomp_data` in the host's byte order: the call's number at 0, the architecture at 4, six arguments of 64 bits
/// from 16 on. Its result is an `Answer`.
struct SystemCallFilter: Sendable {
  /// What happens to a call, `SECCOMP_RET_…`.
  enum Answer: Hashable, Sendable {
    case allow
    /// The call fails with that `errno`.
    case refuse(CInt)
    /// The process is killed: its own code never makes such a call.
    case kill

    var rawValue: UInt32 {
      switch self {
      case .allow: 0x7fff_0000
      case .refuse(let code): 0x0005_0000 | UInt32(truncatingIfNeeded: code) & 0xffff
      case .kill: 0x8000_0000
      }
    }
  }

  /// A condition on one argument of a call. Only the lower 32 bits are compared, which is all that the kernel uses of such arguments,
  /// except by `isZero`.
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
    /// None of the bits is set if one of `flags` is set in another argument.
    case noneWhere(_ flags: CInt, inArgument: Int, of: CInt, argument: Int)
  }

  /// Calls with the same answer.
  struct Rule: Sendable {
    let calls: [CInt]
    var answer = Answer.allow
    /// If one of these is false, the call is refused with EPERM.
    var conditions: [Condition] = []
  }

  /// The program.
  let program: Program

  /// The program for these rules; the first rule that contains a call applies. A call in no rule is refused with EPERM, so that the process
  /// continues if it can; a call that is newer than this list is refused with ENOSYS, like on a kernel without it.
  init(_ rules: [Rule]) throws(SandboxError) {
    guard let architecture = Self.architecture else { throw SandboxError("unknown processor") }
    var instructions: [Instruction] = [
      Instruction(.ldAbs, k: 4),
      Instruction(.jeqK, k: architecture, jt: 1),
      Instruction(.retK, k: Answer.kill.rawValue),
      Instruction(.ldAbs, k: 0),
      // Numbers of x32 calls, which are in effect another architecture.
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

  /// The first number after the calls that were considered for this list.
  private static let firstUnknown: UInt32 = 451

  // MARK: Code

  /// Jumps to the answer for any of the rule's calls, and continues after it for other calls; the accumulator still contains the number
  /// then.
  private static func instructions(_ rule: Rule) throws(SandboxError) -> [Instruction] {
    let block = Self.block(rule)
    guard rule.calls.count < 255 else { throw SandboxError("too many system calls in one rule") }
    var instructions: [Instruction] = []
    for (index, call) in rule.calls.enumerated() {
      // Jump over the remaining comparisons and the jump after them.
      instructions.append(
        Instruction(.jeqK, k: UInt32(bitPattern: call), jt: UInt8(truncatingIfNeeded: rule.calls.count - index)))
    }
    return instructions + [Instruction(.ja, k: UInt32(truncatingIfNeeded: block.count))] + block
  }

  /// The code that tests the conditions and returns.
  private static func block(_ rule: Rule) -> [Instruction] {
    rule.conditions.flatMap { $0.instructions } + [Instruction(.retK, k: rule.answer.rawValue)]
  }
}

extension SystemCallFilter.Condition {
  /// Continues after this code if the condition is true, and otherwise refuses the call.
  ///
  /// Every jump is short, however many values there are, since each part has its own exit.
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

  /// The values in parts small enough for the range of a conditional jump.
  private func parts(of values: [CInt]) -> [ArraySlice<CInt>] {
    stride(from: 0, to: values.count, by: 200).map { values[$0..<min($0 + 200, values.count)] }
  }

  /// Continues directly after the comparisons if one of the values is equal, and skips one instruction otherwise.
  private func comparisons(_ values: ArraySlice<CInt>) -> [Instruction] {
    values.enumerated().map { index, value in
      let left = values.count - index - 1
      return Instruction(
        .jeqK, k: UInt32(bitPattern: value), jt: UInt8(truncatingIfNeeded: left), jf: left == 0 ? 1 : 0)
    }
  }

  /// Jumps over the refusal that follows if one of the values is equal.
  private func exits(_ values: [CInt]) -> [Instruction] {
    var code: [Instruction] = []
    // Built from the last part backwards, since each part jumps over those after it.
    for part in parts(of: values).reversed() {
      code = comparisons(part) + [Instruction(.ja, k: UInt32(truncatingIfNeeded: code.count + 1))] + code
    }
    return code
  }

  private func masked(_ argument: Int, _ bits: CInt) -> [Instruction] {
    [load(argument), Instruction(.andK, k: UInt32(bitPattern: bits))]
  }

  /// Loads half of an argument; the lower half comes first, as both supported processors are little-endian.
  private func load(_ argument: Int, half: Int = 0) -> Instruction {
    Instruction(.ldAbs, k: UInt32(truncatingIfNeeded: 16 + 8 * argument + half))
  }
}

extension SystemCallFilter {
  /// Makes the program filter the calls of all threads from now on; this cannot be undone. Needs PR_SET_NO_NEW_PRIVS.
  ///
  /// Throws if that is refused: no calls are filtered then.
  func install() throws(Protection.Gap) {
    // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
    let result = unsafe program.instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog; the kernel copies the instructions.
      let description = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: description) {
        LinuxCall.call(__NR_seccomp, 1, 1, UInt(bitPattern: $0.baseAddress))
      }
    }
    // A positive result is the number of a thread for which the filter cannot be installed.
    guard result == 0 else { throw .refused(result > 0 ? EBUSY : CInt(clamping: -result)) }
  }

  /// Why system calls cannot be filtered; nil if they can.
  static var gap: Protection.Gap? {
    guard architecture != nil else { return .missing }
    // SECCOMP_GET_ACTION_AVAIL; a kernel that cannot kill a whole process (EOPNOTSUPP) is older than everything else used here.
    let result = LinuxCall.call(__NR_seccomp, 2, 0, reading: Answer.kill.rawValue)
    return result == 0 ? nil : result == -Int(EOPNOTSUPP) ? .missing : Protection.Gap(errno: CInt(clamping: -result))
  }
}
