/// A classic BPF program that follows every rule of the machine: there is no other way to make one than by validation.
public struct Program: Hashable, Sendable {
  /// The instructions, at least one.
  public let instructions: [Instruction]
  /// For each instruction the words of the expression that it came from; empty if nothing is known of any.
  public let sources: [SourceWords]
  /// The rule of the Linux kernel that the program breaks; nil if the kernel takes it. Those that are the kernel's alone are a bound
  /// of 4096 instructions, and a scan for reads of unwritten scratch words that is stricter than the truth after a `ret`.
  public let kernelRefusal: ProgramError?

  /// True if the Linux kernel takes the program.
  public var fitsKernel: Bool { kernelRefusal == nil }

  /// The most instructions that a program may have: 2^20, which is 8 MB. No jump is longer, and no run either.
  public static let maximumCount = 1 << 20
  /// The most instructions that the kernel takes (`BPF_MAXINSNS`).
  public static let maximumKernelCount = 4096
  /// Words of the scratch memory M[] (`BPF_MEMWORDS`).
  public static let scratchCount = 16

  /// The program of these instructions. Throws what rule the first instruction at fault breaks.
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
