/// A word of scratch memory before it has a number: `M[0]` … `M[15]` are assigned at the end.
enum ScratchSlot: Hashable, Sendable {
  /// Always holds this value.
  case value(ValueID)
  /// Holds an operand while the other one is computed.
  case temporary(Int)
}

/// One BPF instruction that is neither jump nor return, with its scratch word still symbolic.
enum Step: Hashable, Sendable {
  case load(LoadSize, UInt32)
  case loadIndirect(LoadSize, UInt32)
  case loadConstant(UInt32)
  case loadPacketLength
  case loadScratch(ScratchSlot)
  case indexConstant(UInt32)
  case indexPacketLength
  case indexScratch(ScratchSlot)
  /// `ldxb 4*([k]&0xf)`: the length of an IPv4 header from its first byte.
  case indexHeaderLength(UInt32)
  case store(ScratchSlot)
  case storeIndex(ScratchSlot)
  case arithmetic(ArithmeticOperation, UInt32)
  case arithmeticIndex(ArithmeticOperation)
  case negate
  /// `tax`
  case indexFromAccumulator
  /// `txa`
  case accumulatorFromIndex
}

/// The effects of a step, as far as removing dead steps needs to know them.
struct StepEffect {
  var readsAccumulator = false
  var readsIndex = false
  var writesAccumulator = false
  var writesIndex = false
  /// True if it can end the program: it must stay even if its result is not used.
  var canFail = false
}

extension Step {
  var effect: StepEffect {
    switch self {
    case .load: return StepEffect(writesAccumulator: true, canFail: true)
    case .loadIndirect: return StepEffect(readsIndex: true, writesAccumulator: true, canFail: true)
    case .loadConstant, .loadPacketLength, .loadScratch: return StepEffect(writesAccumulator: true)
    case .indexConstant, .indexPacketLength, .indexScratch: return StepEffect(writesIndex: true)
    case .indexHeaderLength: return StepEffect(writesIndex: true, canFail: true)
    case .store: return StepEffect(readsAccumulator: true)
    case .storeIndex: return StepEffect(readsIndex: true)
    case .arithmetic: return StepEffect(readsAccumulator: true, writesAccumulator: true)
    case .arithmeticIndex(let operation):
      return StepEffect(
        readsAccumulator: true, readsIndex: true, writesAccumulator: true,
        canFail: operation == .divide || operation == .modulo)
    case .negate: return StepEffect(readsAccumulator: true, writesAccumulator: true)
    case .indexFromAccumulator: return StepEffect(readsAccumulator: true, writesIndex: true)
    case .accumulatorFromIndex: return StepEffect(readsIndex: true, writesAccumulator: true)
    }
  }

  /// The scratch word it reads.
  var slotRead: ScratchSlot? {
    switch self {
    case .loadScratch(let slot), .indexScratch(let slot): slot
    default: nil
    }
  }

  /// The scratch word it writes.
  var slotWritten: ScratchSlot? {
    switch self {
    case .store(let slot), .storeIndex(let slot): slot
    default: nil
    }
  }
}
