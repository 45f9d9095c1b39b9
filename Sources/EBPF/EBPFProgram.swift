public import BPF

/// An eBPF program of known instructions whose jumps lead to instructions: there is no other way to make one than by validation.
///
/// That it reads nothing but what it may read is not proved here: the machine checks it as it goes, and the kernel's verifier before.
public struct EBPFProgram: Hashable, Sendable {
  /// The most instructions that a program may have, which is what the kernel verifies (`BPF_COMPLEXITY_LIMIT_INSNS`).
  public static let maximumCount = 1_000_000

  /// The instructions as they are stored; one with a 64-bit constant takes two elements.
  public let instructions: [EncodedInstruction]
  /// What each does; nil for the second half of a 64-bit constant.
  public let operations: [Operation?]
  /// For each instruction the words of the expression that it came from; empty if nothing is known of any.
  public let sources: [SourceRange?]

  /// The program of these instructions. Throws what is wrong with the first one at fault.
  public init(
    validating instructions: [EncodedInstruction], sources: [SourceRange?] = []
  ) throws(EBPFProgramError) {
    operations = try Self.operations(of: instructions)
    self.instructions = instructions
    self.sources = sources.count == instructions.count ? sources : []
  }

  /// The program in these octets, as they are stored.
  public init(octets: [UInt8]) throws(EBPFProgramError) {
    guard let instructions = EncodedInstruction.decode(octets) else { throw EBPFProgramError(.partOfInstruction) }
    try self.init(validating: instructions)
  }

  /// The octets of the program, as they are stored.
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

/// Why instructions are no eBPF program: a rule, and the instruction that breaks it.
public struct EBPFProgramError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Rule: Hashable, Sendable {
    case empty
    /// The program has more instructions than `EBPFProgram.maximumCount`.
    case tooLong
    /// The octets do not end with a whole instruction.
    case partOfInstruction
    case encoding(EncodingError)
    /// The instruction writes r10.
    case framePointerWritten
    /// A jump or a local call leads out of the program.
    case jumpOutOfRange
    /// A jump or a local call leads to the second half of a 64-bit constant.
    case jumpIntoConstant
    /// The last instruction is neither `exit` nor a jump that is always taken.
    case noFinalExit
  }

  public let rule: Rule
  /// The index of the instruction; nil if the program as a whole is at fault.
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
