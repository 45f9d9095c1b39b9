/// The facts about an opcode: one row of a table that assembler, disassembler, validator and optimiser read.
public struct OpcodeFacts: Sendable {
  /// Its name in `tcpdump -d`.
  public let mnemonic: StaticString
  public let operand: OperandForm
  /// What its result depends on, other than the packet.
  public let reads: Registers
  /// What it changes.
  public let writes: Registers

  init(_ mnemonic: StaticString, _ operand: OperandForm = .none, reads: Registers = [], writes: Registers = []) {
    self.mnemonic = mnemonic
    self.operand = operand
    self.reads = reads
    self.writes = writes
  }
}

extension Opcode {
  /// The row of facts.
  public var facts: OpcodeFacts {
    switch self {
    case .ldImm: OpcodeFacts("ld", .hexConstant, writes: .a)
    case .ldAbs: OpcodeFacts("ld", .absolute, writes: .a)
    case .ldhAbs: OpcodeFacts("ldh", .absolute, writes: .a)
    case .ldbAbs: OpcodeFacts("ldb", .absolute, writes: .a)
    case .ldInd: OpcodeFacts("ld", .indirect, reads: .x, writes: .a)
    case .ldhInd: OpcodeFacts("ldh", .indirect, reads: .x, writes: .a)
    case .ldbInd: OpcodeFacts("ldb", .indirect, reads: .x, writes: .a)
    case .ldMem: OpcodeFacts("ld", .memory, reads: .m, writes: .a)
    case .ldLen: OpcodeFacts("ld", .packetLength, writes: .a)

    case .ldxImm: OpcodeFacts("ldx", .hexConstant, writes: .x)
    case .ldxMem: OpcodeFacts("ldx", .memory, reads: .m, writes: .x)
    case .ldxLen: OpcodeFacts("ldx", .packetLength, writes: .x)
    case .ldxMsh: OpcodeFacts("ldxb", .headerLength, writes: .x)

    case .st: OpcodeFacts("st", .memory, reads: .a, writes: .m)
    case .stx: OpcodeFacts("stx", .memory, reads: .x, writes: .m)

    case .addK: OpcodeFacts("add", .decimalConstant, reads: .a, writes: .a)
    case .addX: OpcodeFacts("add", .index, reads: [.a, .x], writes: .a)
    case .subK: OpcodeFacts("sub", .decimalConstant, reads: .a, writes: .a)
    case .subX: OpcodeFacts("sub", .index, reads: [.a, .x], writes: .a)
    case .mulK: OpcodeFacts("mul", .decimalConstant, reads: .a, writes: .a)
    case .mulX: OpcodeFacts("mul", .index, reads: [.a, .x], writes: .a)
    case .divK: OpcodeFacts("div", .decimalConstant, reads: .a, writes: .a)
    case .divX: OpcodeFacts("div", .index, reads: [.a, .x], writes: .a)
    case .modK: OpcodeFacts("mod", .decimalConstant, reads: .a, writes: .a)
    case .modX: OpcodeFacts("mod", .index, reads: [.a, .x], writes: .a)
    case .orK: OpcodeFacts("or", .hexConstant, reads: .a, writes: .a)
    case .orX: OpcodeFacts("or", .index, reads: [.a, .x], writes: .a)
    case .andK: OpcodeFacts("and", .hexConstant, reads: .a, writes: .a)
    case .andX: OpcodeFacts("and", .index, reads: [.a, .x], writes: .a)
    case .xorK: OpcodeFacts("xor", .hexConstant, reads: .a, writes: .a)
    case .xorX: OpcodeFacts("xor", .index, reads: [.a, .x], writes: .a)
    case .lshK: OpcodeFacts("lsh", .decimalConstant, reads: .a, writes: .a)
    case .lshX: OpcodeFacts("lsh", .index, reads: [.a, .x], writes: .a)
    case .rshK: OpcodeFacts("rsh", .decimalConstant, reads: .a, writes: .a)
    case .rshX: OpcodeFacts("rsh", .index, reads: [.a, .x], writes: .a)
    case .neg: OpcodeFacts("neg", reads: .a, writes: .a)

    case .ja: OpcodeFacts("ja", .target)
    case .jeqK: OpcodeFacts("jeq", .hexConstant, reads: .a)
    case .jeqX: OpcodeFacts("jeq", .index, reads: [.a, .x])
    case .jgtK: OpcodeFacts("jgt", .hexConstant, reads: .a)
    case .jgtX: OpcodeFacts("jgt", .index, reads: [.a, .x])
    case .jgeK: OpcodeFacts("jge", .hexConstant, reads: .a)
    case .jgeX: OpcodeFacts("jge", .index, reads: [.a, .x])
    case .jsetK: OpcodeFacts("jset", .hexConstant, reads: .a)
    case .jsetX: OpcodeFacts("jset", .index, reads: [.a, .x])

    case .retK: OpcodeFacts("ret", .decimalConstant)
    case .retA: OpcodeFacts("ret", reads: .a)

    case .tax: OpcodeFacts("tax", reads: .a, writes: .x)
    case .txa: OpcodeFacts("txa", reads: .x, writes: .a)
    }
  }

  /// The class, which is the low three bits of the `code`.
  public var instructionClass: InstructionClass {
    switch rawValue & 7 {
    case 0: .ld
    case 1: .ldx
    case 2: .st
    case 3: .stx
    case 4: .alu
    case 5: .jmp
    case 6: .ret
    default: .misc
    }
  }

  /// True for a jump that skips `jt` or `jf` instructions.
  public var isConditionalJump: Bool { instructionClass == .jmp && self != .ja }
}
