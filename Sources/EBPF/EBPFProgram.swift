public import BPF

/// An eBPF program of known instructions whose jumps lead to instructions: it can only be made by validation.
///
/// Validation does not prove that it only reads what it may: the machine checks that at run time, and the kernel's verifier before.
public struct EBPFProgram: Hashable, Sendable {
  /// The maximum number of instructions in a program, which is what the kernel verifies (`BPF_COMPLEXITY_LIMIT_INSNS`).
  public static let maximumCount = 1_000_000

  /// The encoded instructions; one with a 64-bit constant takes two elements.
  public let instructions: [EncodedInstruction]
  /// The operation of each; nil for the second half of a 64-bit constant.
  public let operations: [Operation?]
  /// For each instruction the words of the expression that it came from; empty if none are known.
  public let sources: [SourceRange?]

  /// The program of these instructions. Throws what is wrong with the first faulty one.
  public init(
    validating instructions: [EncodedInstruction], sources: [SourceRange?] = []
  ) throws(EBPFProgramError) {
    operations = try Self.operations(of: instructions)
    self.instructions = instructions
    self.sources = sources.count == instructions.count ? sources : []
  }

  /// The program encoded in these bytes.
  public init(octets: [UInt8]) throws(EBPFProgramError) {
    guard let instructions = EncodedInstruction.decode(octets) else { throw EBPFProgramError(.partOfInstruction) }
    try self.init(validating: instructions)
  }

  /// The encoded program.
  public var octets: [UInt8] { EncodedInstruction.octets(instructions) }

  private static func operations(of instructions: [EncodedInstruction]) throws(EBPFProgramError) -> [Operation?] {
    guard !instructions.isEmpty else { throw EBPFProgramError(.empty) }
    guard instructions.count <= maximumCount else { throw EBPFProgramError(.tooLong) }
    var operations: [Operation?] = []
    operations.reserveCapacity(instructions.count)
    while operations.count < instructions.count {
      let index = operations.count
      let operation: Operation
      do throws(EncodingError) {
        operation = try Operation(
          instructions[index], next: index + 1 < instructions.count ? instructions[index + 1] : nil)
      } catch {
        throw EBPFProgramError(.encoding(error), index: index)
      }
      if operation.destination == .r10 { throw EBPFProgramError(.framePointerWritten, index: index) }
      operations.append(operation)
      if operation.isWide { operations.append(nil) }
    }
    for (index, operation) in operations.enumerated() {
      guard let distance = operation?.distance else { continue }
      let target = index + 1 + distance
      guard operations.indices.contains(target) else { throw EBPFProgramError(.jumpOutOfRange, index: index) }
      guard operations[target] != nil else { throw EBPFProgramError(.jumpIntoConstant, index: index) }
    }
    switch operations.last {
    case .some(.some(.exit)), .some(.some(.jump)): return operations
    default: throw EBPFProgramError(.noFinalExit, index: instructions.count - 1)
    }
  }
}

/// Why instructions are not a valid eBPF program: a rule, and the instruction that breaks it.
public struct EBPFProgramError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Rule: Hashable, Sendable {
    case empty
    /// The program has more instructions than `EBPFProgram.maximumCount`.
    case tooLong
    /// The length is not a multiple of the size of an instruction.
    case partOfInstruction
    case encoding(EncodingError)
    /// The instruction writes r10.
    case framePointerWritten
    /// A jump or a local call leads outside the program.
    case jumpOutOfRange
    /// A jump or a local call leads to the second half of a 64-bit constant.
    case jumpIntoConstant
    /// The last instruction is neither `exit` nor an unconditional jump.
    case noFinalExit
  }

  public let rule: Rule
  /// The index of the instruction; nil if the error concerns the whole program.
  public let index: Int?

  init(_ rule: Rule, index: Int? = nil) {
    self.rule = rule
    self.index = index
  }

  public var description: String {
    let what =
      switch rule {
      case .empty: "the program has no instructions"
      case .tooLong: "the program has more than \(EBPFProgram.maximumCount) instructions"
      case .partOfInstruction: "the program is not a multiple of \(EncodedInstruction.size) bytes"
      case .encoding(let error): error.description
      case .framePointerWritten: "r10 is written"
      case .jumpOutOfRange: "the jump leads out of the program"
      case .jumpIntoConstant: "the jump leads into a 64-bit constant"
      case .noFinalExit: "the last instruction is neither 'exit' nor 'goto'"
      }
    return index.map { "instruction \($0): \(what)" } ?? what
  }
}
