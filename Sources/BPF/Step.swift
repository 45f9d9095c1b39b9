/// One step of the interpreter: an instruction, or a load together with the test that follows it.
///
/// The step at an index belongs to the instruction at that index. If that is a load, perhaps followed by an `and` with a constant, and then
/// by a `jeq` or `jset` with a constant, the step does all of it. The other instructions keep their own steps for jumps that lead to them,
/// so distances are the same as in the program.
struct Step: Sendable, BitwiseCopyable {
  enum Operation: UInt8, Sendable, BitwiseCopyable {
    case ldImm, ldAbs, ldhAbs, ldbAbs, ldInd, ldhInd, ldbInd, ldMem, ldLen
    case ldxImm, ldxMem, ldxLen, ldxMsh
    case st, stx
    case addK, addX, subK, subX, mulK, mulX, divK, divX, modK, modX
    case orK, orX, andK, andX, xorK, xorX, lshK, lshX, rshK, rshX, neg
    case tax, txa
    case ja, jeqK, jeqX, jgtK, jgtX, jgeK, jgeX, jsetK, jsetX
    case retK, retA
    /// The first of several `jeqK` that continue with the next step if A is another number. Lists of addresses and ports are such runs, and
    /// with this operation the next step is known before its distance is loaded.
    case jeqElseNext
    /// Loads the word at `k`, keeps the bits of `mask` in A, and jumps if A is `value`.
    case testAbsEqual
    /// The same at X + `k`.
    case testIndEqual
    /// Like `testAbsEqual`, but jumps if A and `value` have a bit in common.
    case testAbsSet
    /// The same at X + `k`.
    case testIndSet
  }

  var operation: Operation
  /// The distance of a conditional jump from this step to the next one if its condition holds.
  var jt: UInt16
  /// The distance if the condition does not hold.
  var jf: UInt16
  var k: UInt32
  /// What a test compares A with.
  var value: UInt32 = 0
  /// The bits of the word that a test keeps in A.
  var mask: UInt32 = 0

  /// The distance of a conditional jump. The hint makes the compiler emit a branch instead of a conditional move: the processor then
  /// detects a wrong guess as soon as it has the bytes, not only after fetching the next step. That halves the time per packet.
  @inline(__always)
  func distance(where condition: Bool) -> Int {
    if _fastPath(condition) { return Int(jt) } else { return Int(jf) }
  }
}

extension Step {
  /// The steps of a valid program.
  static func decode(_ instructions: [Instruction]) -> [Step] {
    let steps = instructions.map { Step($0) }
    var decoded = steps.indices.map { fused(at: $0, of: steps) ?? steps[$0] }
    /// The length of the run of comparisons that begins here.
    var run = 0
    for index in decoded.indices.reversed() {
      run = steps[index].operation == .jeqK && steps[index].jf == 1 ? run + 1 : 0
      if run >= 4 { decoded[index].operation = .jeqElseNext }
    }
    return decoded
  }

  /// The step of one instruction of a valid program.
  private init(_ instruction: Instruction) {
    guard let opcode = instruction.opcode else {
      preconditionFailure("the validator lets only known opcodes into a program")
    }
    operation = Operation(opcode)
    jt = UInt16(instruction.jt) + 1
    jf = UInt16(instruction.jf) + 1
    k = instruction.k
  }

  /// The step that does a load and its test; nil if the instructions do not fit.
  ///
  /// Bytes and halves are loaded as the word that ends with them, so that one operation handles all sizes. At the start of a packet there
  /// is no such word; those loads stay as they are.
  private static func fused(at index: Int, of steps: [Step]) -> Step? {
    guard let load = steps[index].operation.load, steps[index].k >= 4 - load.size else { return nil }
    // Neither a load nor an `and` is the last instruction: that is a return.
    var testIndex = index + 1
    var mask = UInt32.max >> (32 - 8 * load.size)
    if steps[testIndex].operation == .andK {
      mask &= steps[testIndex].k
      testIndex += 1
    }
    let test = steps[testIndex]
    var step = steps[index]
    switch test.operation {
    case .jeqK: step.operation = load.isIndirect ? .testIndEqual : .testAbsEqual
    case .jsetK: step.operation = load.isIndirect ? .testIndSet : .testAbsSet
    default: return nil
    }
    step.k -= 4 - load.size
    step.jt = test.jt + UInt16(testIndex - index)
    step.jf = test.jf + UInt16(testIndex - index)
    step.value = test.k
    step.mask = mask
    return step
  }
}

extension Step.Operation {
  init(_ opcode: Opcode) {
    self =
      switch opcode {
      case .ldImm: .ldImm
      case .ldAbs: .ldAbs
      case .ldhAbs: .ldhAbs
      case .ldbAbs: .ldbAbs
      case .ldInd: .ldInd
      case .ldhInd: .ldhInd
      case .ldbInd: .ldbInd
      case .ldMem: .ldMem
      case .ldLen: .ldLen
      case .ldxImm: .ldxImm
      case .ldxMem: .ldxMem
      case .ldxLen: .ldxLen
      case .ldxMsh: .ldxMsh
      case .st: .st
      case .stx: .stx
      case .addK: .addK
      case .addX: .addX
      case .subK: .subK
      case .subX: .subX
      case .mulK: .mulK
      case .mulX: .mulX
      case .divK: .divK
      case .divX: .divX
      case .modK: .modK
      case .modX: .modX
      case .orK: .orK
      case .orX: .orX
      case .andK: .andK
      case .andX: .andX
      case .xorK: .xorK
      case .xorX: .xorX
      case .lshK: .lshK
      case .lshX: .lshX
      case .rshK: .rshK
      case .rshX: .rshX
      case .neg: .neg
      case .tax: .tax
      case .txa: .txa
      case .ja: .ja
      case .jeqK: .jeqK
      case .jeqX: .jeqX
      case .jgtK: .jgtK
      case .jgtX: .jgtX
      case .jgeK: .jgeK
      case .jgeX: .jgeX
      case .jsetK: .jsetK
      case .jsetX: .jsetX
      case .retK: .retK
      case .retA: .retA
      }
  }

  /// The number of bytes that a load into A reads from the packet, and whether it adds X to its offset; nil for other operations.
  fileprivate var load: (size: UInt32, isIndirect: Bool)? {
    switch self {
    case .ldAbs: (4, false)
    case .ldhAbs: (2, false)
    case .ldbAbs: (1, false)
    case .ldInd: (4, true)
    case .ldhInd: (2, true)
    case .ldbInd: (1, true)
    default: nil
    }
  }
}
