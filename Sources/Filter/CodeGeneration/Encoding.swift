import BPF

/// The parts of the operation codes of classic BPF, as `<linux/bpf_common.h>` names them.
enum Code {
  static let load: UInt16 = 0x00
  static let loadIndex: UInt16 = 0x01
  static let store: UInt16 = 0x02
  static let storeIndex: UInt16 = 0x03
  static let arithmetic: UInt16 = 0x04
  static let jump: UInt16 = 0x05
  static let returnConstant: UInt16 = 0x06
  static let indexFromAccumulator: UInt16 = 0x07
  static let accumulatorFromIndex: UInt16 = 0x87
  static let negate: UInt16 = 0x84

  static let absolute: UInt16 = 0x20
  static let indirect: UInt16 = 0x40
  static let memory: UInt16 = 0x60
  static let length: UInt16 = 0x80
  static let headerLength: UInt16 = 0xb0
  static let indexOperand: UInt16 = 0x08
}

extension LoadSize {
  fileprivate var code: UInt16 {
    switch self {
    case .word: 0x00
    case .half: 0x08
    case .byte: 0x10
    }
  }
}

extension ArithmeticOperation {
  fileprivate var code: UInt16 {
    switch self {
    case .add: 0x00
    case .subtract: 0x10
    case .multiply: 0x20
    case .divide: 0x30
    case .or: 0x40
    case .and: 0x50
    case .shiftLeft: 0x60
    case .shiftRight: 0x70
    case .modulo: 0x90
    case .xor: 0xa0
    }
  }
}

extension Step {
  /// The machine's instruction for it.
  func instruction(scratch: ScratchAllocation) -> Instruction {
    switch self {
    case .load(let size, let offset): Instruction(code: Code.load | Code.absolute | size.code, k: offset)
    case .loadIndirect(let size, let offset): Instruction(code: Code.load | Code.indirect | size.code, k: offset)
    case .loadConstant(let number): Instruction(code: Code.load, k: number)
    case .loadPacketLength: Instruction(code: Code.load | Code.length, k: 0)
    case .loadScratch(let slot): Instruction(code: Code.load | Code.memory, k: scratch[slot])
    case .indexConstant(let number): Instruction(code: Code.loadIndex, k: number)
    case .indexPacketLength: Instruction(code: Code.loadIndex | Code.length, k: 0)
    case .indexScratch(let slot): Instruction(code: Code.loadIndex | Code.memory, k: scratch[slot])
    case .indexHeaderLength(let offset): Instruction(code: Code.loadIndex | Code.headerLength, k: offset)
    case .store(let slot): Instruction(code: Code.store, k: scratch[slot])
    case .storeIndex(let slot): Instruction(code: Code.storeIndex, k: scratch[slot])
    case .arithmetic(let operation, let number): Instruction(code: Code.arithmetic | operation.code, k: number)
    case .arithmeticIndex(let operation):
      Instruction(code: Code.arithmetic | Code.indexOperand | operation.code, k: 0)
    case .negate: Instruction(code: Code.negate, k: 0)
    case .indexFromAccumulator: Instruction(code: Code.indexFromAccumulator, k: 0)
    case .accumulatorFromIndex: Instruction(code: Code.accumulatorFromIndex, k: 0)
    }
  }
}

extension MachineComparison {
  /// The conditional jump, `jt` and `jf` instructions ahead; the caller has exchanged them where it is inverted.
  func instruction(jt: UInt8, jf: UInt8) -> Instruction {
    let kind: UInt16 =
      switch relation {
      case .equal: 0x10
      case .greater: 0x20
      case .greaterOrEqual: 0x30
      case .anyBitsSet: 0x40
      }
    return switch operand {
    case .immediate(let number): Instruction(code: Code.jump | kind, jt: jt, jf: jf, k: number)
    case .index: Instruction(code: Code.jump | kind | Code.indexOperand, jt: jt, jf: jf, k: 0)
    }
  }
}

extension Instruction {
  init(code: UInt16, k: UInt32) {
    self.init(code: code, jt: 0, jf: 0, k: k)
  }
}
