import BPF

extension Step {
  /// The BPF instruction for this step.
  func instruction(scratch: ScratchAllocation) -> Instruction {
    switch self {
    case .load(.word, let offset): Instruction(.ldAbs, k: offset)
    case .load(.half, let offset): Instruction(.ldhAbs, k: offset)
    case .load(.byte, let offset): Instruction(.ldbAbs, k: offset)
    case .loadIndirect(.word, let offset): Instruction(.ldInd, k: offset)
    case .loadIndirect(.half, let offset): Instruction(.ldhInd, k: offset)
    case .loadIndirect(.byte, let offset): Instruction(.ldbInd, k: offset)
    case .loadConstant(let number): Instruction(.ldImm, k: number)
    case .loadPacketLength: Instruction(.ldLen)
    case .loadScratch(let slot): Instruction(.ldMem, k: scratch[slot])
    case .indexConstant(let number): Instruction(.ldxImm, k: number)
    case .indexPacketLength: Instruction(.ldxLen)
    case .indexScratch(let slot): Instruction(.ldxMem, k: scratch[slot])
    case .indexHeaderLength(let offset): Instruction(.ldxMsh, k: offset)
    case .store(let slot): Instruction(.st, k: scratch[slot])
    case .storeIndex(let slot): Instruction(.stx, k: scratch[slot])
    case .arithmetic(let operation, let number): Instruction(operation.opcodes.constant, k: number)
    case .arithmeticIndex(let operation): Instruction(operation.opcodes.index)
    case .negate: Instruction(.neg)
    case .indexFromAccumulator: Instruction(.tax)
    case .accumulatorFromIndex: Instruction(.txa)
    }
  }
}

extension ArithmeticOperation {
  fileprivate var opcodes: (constant: Opcode, index: Opcode) {
    switch self {
    case .add: (.addK, .addX)
    case .subtract: (.subK, .subX)
    case .multiply: (.mulK, .mulX)
    case .divide: (.divK, .divX)
    case .modulo: (.modK, .modX)
    case .and: (.andK, .andX)
    case .or: (.orK, .orX)
    case .xor: (.xorK, .xorX)
    case .shiftLeft: (.lshK, .lshX)
    case .shiftRight: (.rshK, .rshX)
    }
  }
}

extension MachineComparison {
  /// The conditional jump over `jt` and `jf` instructions; the caller has exchanged them if the comparison is inverted.
  func instruction(jt: UInt8, jf: UInt8) -> Instruction {
    let opcodes: (constant: Opcode, index: Opcode) =
      switch relation {
      case .equal: (.jeqK, .jeqX)
      case .greater: (.jgtK, .jgtX)
      case .greaterOrEqual: (.jgeK, .jgeX)
      case .anyBitsSet: (.jsetK, .jsetX)
      }
    return switch operand {
    case .immediate(let number): Instruction(opcodes.constant, k: number, jt: jt, jf: jf)
    case .index: Instruction(opcodes.index, jt: jt, jf: jf)
    }
  }
}
