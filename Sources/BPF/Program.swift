/// A classic BPF program that follows every rule of the machine: there is no other way to make one than by validation.
public struct Program: Hashable, Sendable {
  /// The instructions, at least one.
  public let instructions: [Instruction]
  /// For each instruction the words of the expression that it came from; empty where nothing is known of any.
  public let sources: [SourceRange?]
  /// True where the Linux kernel takes the program: at most 4096 instructions, and its own scan for reads of unwritten scratch
  /// words (stricter than the truth behind a `ret`) finds nothing.
  public let fitsKernel: Bool

  /// The most instructions that a program may have.
  public static let maximumCount = 1 << 20
  /// The most instructions that the kernel takes (`BPF_MAXINSNS`).
  public static let maximumKernelCount = 4096
  /// Words of the scratch memory M[] (`BPF_MEMWORDS`).
  public static let scratchCount = 16

  /// The program of these instructions. Throws what rule the first instruction at fault breaks.
  public init(validating instructions: [Instruction], sources: [SourceRange?] = []) throws(ProgramError) {
    guard sources.isEmpty || sources.count == instructions.count else { throw ProgramError(.sourcesDoNotMatch) }
    let carefulScan = try Validator.validate(instructions)
    self.instructions = instructions
    self.sources = sources
    fitsKernel = carefulScan && instructions.count <= Self.maximumKernelCount
  }
}
