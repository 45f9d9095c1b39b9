/// A classic BPF program that follows all rules: it can only be made by validation.
public struct Program: Hashable, Sendable {
  /// The instructions, at least one.
  public let instructions: [Instruction]
  /// For each instruction the words of the expression that it came from; empty if none are known.
  public let sources: [SourceWords]
  /// The rule of the Linux kernel that the program breaks; nil if the kernel accepts it. Rules that only the kernel has are the limit of
  /// 4096 instructions, and its scan for reads of unwritten scratch words, which is stricter than necessary after a `ret`.
  public let kernelRefusal: ProgramError?

  /// True if the Linux kernel accepts the program.
  public var fitsKernel: Bool { kernelRefusal == nil }

  /// The maximum number of instructions: 2^20, which is 8 MB. That also bounds the length of jumps and of runs.
  public static let maximumCount = 1 << 20
  /// The maximum number of instructions that the kernel accepts (`BPF_MAXINSNS`).
  public static let maximumKernelCount = 4096
  /// The number of words in the scratch memory M[] (`BPF_MEMWORDS`).
  public static let scratchCount = 16

  /// The program of these instructions. Throws the rule that the first faulty instruction breaks.
  public init(validating instructions: [Instruction], sources: [SourceWords] = []) throws(ProgramError) {
    guard sources.isEmpty || sources.count == instructions.count else { throw ProgramError(.sourcesDoNotMatch) }
    kernelRefusal = try Validator.validate(instructions)
    self.instructions = instructions
    self.sources = sources
  }

  /// The program that rejects every packet: `ret #0`.
  public static let rejectingAll = Program(returning: 0)

  /// The program that accepts every packet, up to that length: `ret #snaplen`.
  public static func acceptingAll(_ snaplen: UInt32) -> Program { Program(returning: snaplen) }

  /// A single `ret` follows every rule.
  private init(returning value: UInt32) {
    instructions = [Instruction(.retK, k: value)]
    sources = []
    kernelRefusal = nil
  }
}
