/// Why a list of instructions is not a valid program: a rule, and the instruction that breaks it.
public struct ProgramError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A rule for programs that the kernel or libpcap enforces. The last two only exist in the kernel; a program that breaks them runs
  /// everywhere else (`Program.kernelRefusal`).
  public enum Rule: Hashable, Sendable {
    case empty
    /// The program has more instructions than `Program.maximumCount`.
    case tooLong
    case unknownOpcode
    /// A jump leads past the end of the program.
    case jumpOutOfRange
    /// A scratch index is not below 16.
    case scratchOutOfRange
    /// On some path, a scratch word may be read before it is written.
    case scratchReadBeforeWritten
    case divisionByZero
    /// A constant shift by 32 or more.
    case shiftOutOfRange
    /// An absolute load of ancillary data that Linux does not have.
    case unknownAncillary
    /// The last instruction is not a return.
    case noFinalReturn
    /// The number of source ranges is neither 0 nor the number of instructions.
    case sourcesDoNotMatch
    /// The program has more instructions than `Program.maximumKernelCount`.
    case tooLongForKernel
    /// A scratch word is written on every path, but the kernel assumes that a `ret` before the read continues.
    case scratchReadBehindReturn
  }

  public let rule: Rule
  /// The index of the instruction; 0 if the error concerns the whole list.
  public let index: Int
  /// That instruction; nil if the error concerns the whole list.
  public let instruction: Instruction?

  init(_ rule: Rule, index: Int = 0, instruction: Instruction? = nil) {
    self.rule = rule
    self.index = index
    self.instruction = instruction
  }

  public var description: String {
    let k = instruction?.k ?? 0
    let what =
      switch rule {
      case .empty: "the program has no instructions"
      case .tooLong: "the program has more than \(Program.maximumCount) instructions"
      case .sourcesDoNotMatch: "the program has not as many source ranges as instructions"
      case .unknownOpcode: "unknown code 0x\(String(instruction?.code ?? 0, radix: 16))"
      case .jumpOutOfRange: "the jump leads past the end of the program"
      case .scratchOutOfRange: "there is no M[\(k)]"
      case .scratchReadBeforeWritten: "M[\(k)] may be read before it was written"
      case .divisionByZero: "division by the constant 0"
      case .shiftOutOfRange: "shift by the constant \(k)"
      case .unknownAncillary: "there is no ancillary load at offset \(Int32(bitPattern: k))"
      case .noFinalReturn: "the last instruction is not a return"
      case .tooLongForKernel: "the kernel accepts at most \(Program.maximumKernelCount) instructions"
      case .scratchReadBehindReturn: "M[\(k)] may be read before it was written, as the kernel sees it after a return"
      }
    return instruction == nil ? what : "instruction \(index): \(what)"
  }
}
