/// One step: an instruction with its operation as a small dense number.
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
  }

  var operation: Operation
  var jt: UInt8 = 0
  var jf: UInt8 = 0
  var k: UInt32

  @inline(__always)
  func distance(where condition: Bool) -> Int { Int(condition ? jt : jf) }
}

extension Step {
  /// The step of one instruction of a valid program.
  init(_ instruction: Instruction) {
    guard let opcode = instruction.opcode else {
      preconditionFailure("the validator lets only known opcodes into a program")
    }
    self.init(operation: Operation(opcode), jt: instruction.jt, jf: instruction.jf, k: instruction.k)
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
}
