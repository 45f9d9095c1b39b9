public import BPF

/// Why a classic program cannot be translated to a program type.
public struct TranslationError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  /// The words of the expression to blame.
  public let source: SourceRange?
}

/// Translates classic programs to eBPF, with the meaning that they have in apus's interpreter: a load outside the packet rejects the
/// packet, as division by 0 does; X + `k` does not wrap; a shift by 32 or more gives 0. Ancillary loads have the kernel's meaning.
///
/// - A socket filter uses the old packet load instructions, and returns what the classic program does.
/// - A classifier and an XDP program read the packet's memory, after checks that the verifier understands, and return whether the packet
///   passes. A classifier asks the kernel to pull in bytes of a socket buffer that are not directly accessible.
///
/// r6 is the context, r7 is A, r8 is X, M[] is at the end of the stack. With direct access r9 is the start of the packet, r2 its end, and
/// r4, after a check from X on, the address of the byte at X. r0, r1, r3 and r5 are temporary.
public struct Translator {
  let program: Program
  let type: EBPFProgramType
  var code = CodeBuffer()
  var plan: LoadPlan
  /// What is known before the instruction being translated.
  var known = LoadPlan.Facts()
  /// The label of each instruction.
  private var labels: [Label] = []
  /// Where packets are rejected that are too short, or that cause a division by 0.
  let reject: Label
  private var rejects = false

  /// The program of this type that does what the classic one does. Throws if the classic one loads something that the type does not have.
  public static func translate(_ program: Program, to type: EBPFProgramType) throws(TranslationError) -> EBPFProgram {
    var translator = Translator(program, type)
    try translator.run()
    do throws(EBPFProgramError) {
      return try translator.code.program()
    } catch {
      throw TranslationError(description: "the translated program is not valid: \(error)", source: nil)
    }
  }

  private init(_ program: Program, _ type: EBPFProgramType) {
    self.program = program
    self.type = type
    plan = LoadPlan(program, checksForgetX: type == .classifier)
    reject = code.makeLabel()
    for _ in program.instructions { labels.append(code.makeLabel()) }
  }

  private mutating func run() throws(TranslationError) {
    writePrologue()
    for (index, instruction) in program.instructions.enumerated() {
      // The kernel rejects unreachable code.
      guard let facts = plan[index] else { continue }
      known = facts
      code.source = index < program.sources.count ? program.sources[index].hull : nil
      code.place(labels[index])
      if plan.rejectsAll(from: index), instruction.opcode?.instructionClass != .ret {
        rejectAlways()
        continue
      }
      try translate(instruction, at: index)
    }
    guard rejects else { return }
    code.source = nil
    code.place(reject)
    writeReturn(type.rejected)
  }

  private var usesPacket: Bool {
    program.instructions.contains { instruction in
      switch instruction.opcode {
      case .ldAbs, .ldhAbs, .ldbAbs: Ancillary(instruction) == nil
      case .ldInd, .ldhInd, .ldbInd, .ldxMsh: true
      case .ldLen, .ldxLen: type == .xdp
      default: false
      }
    }
  }

  private mutating func writePrologue() {
    code.append(.arithmetic(.mov, .doubleWord, .r6, .register(.r1)))
    if type.hasDirectAccess, usesPacket { loadPacketBounds() }
    if plan.readsA { code.append(.arithmetic(.mov, .word, .r7, .constant(0))) }
    if plan.readsX { code.append(.arithmetic(.mov, .word, .r8, .constant(0))) }
  }

  /// Rejects the packet unconditionally.
  mutating func rejectAlways() {
    rejects = true
    code.jump(to: reject)
  }

  mutating func rejectWhere(
    _ condition: Operation.Condition, _ width: Operation.Width, _ register: Register, _ operand: Operation.Operand
  ) {
    rejects = true
    code.branch(condition, width, register, operand, to: reject)
  }

  private mutating func writeReturn(_ value: UInt32) {
    code.append(.arithmetic(.mov, .word, .r0, .constant(Int32(bitPattern: value))))
    code.append(.exit)
  }

  // MARK: Instructions

  private mutating func translate(_ instruction: Instruction, at index: Int) throws(TranslationError) {
    guard let opcode = instruction.opcode else { return }
    let k = Int32(bitPattern: instruction.k)
    let slot = Int16(-4 * (Int(instruction.k & 15) + 1))
    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      // Code after a load that is certain to fail is not translated.
      guard try load(opcode, instruction.k, at: index) else { return rejectAlways() }
    case .ldImm: code.append(.arithmetic(.mov, .word, .r7, .constant(k)))
    case .ldxImm: code.append(.arithmetic(.mov, .word, .r8, .constant(k)))
    case .ldMem: code.append(.load(.word, isSigned: false, .r7, from: .r10, offset: slot))
    case .ldxMem: code.append(.load(.word, isSigned: false, .r8, from: .r10, offset: slot))
    case .ldLen: loadLength(.r7)
    case .ldxLen: loadLength(.r8)
    case .st: code.append(.store(.word, at: .r10, offset: slot, .register(.r7)))
    case .stx: code.append(.store(.word, at: .r10, offset: slot, .register(.r8)))
    case .tax: code.append(.arithmetic(.mov, .word, .r8, .register(.r7)))
    case .txa: code.append(.arithmetic(.mov, .word, .r7, .register(.r8)))
    case .neg: code.append(.negate(.word, .r7))
    case .divX, .modX:
      rejectWhere(.jeq, .word, .r8, .constant(0))
      code.append(.arithmetic(opcode == .divX ? .div : .mod, .word, .r7, .register(.r8)))
    case .lshX, .rshX: shift(opcode == .lshX ? .lsh : .rsh)
    case .addK, .subK, .mulK, .divK, .modK, .orK, .andK, .xorK, .lshK, .rshK, .addX, .subX, .mulX, .orX, .andX, .xorX:
      guard let arithmetic = Operation.Arithmetic(opcode) else { return }
      let operand: Operation.Operand = opcode.facts.operand == .index ? .register(.r8) : .constant(k)
      code.append(.arithmetic(arithmetic, .word, .r7, operand))
    case .ja:
      let target = plan.destination(of: index)
      go(to: target, from: index)
      return
    case .jeqK, .jeqX, .jgtK, .jgtX, .jgeK, .jgeX, .jsetK, .jsetX:
      jump(opcode, k, at: index)
      return
    case .retK:
      writeReturn(type.result(instruction.k))
      return
    case .retA:
      returnA()
      return
    }
    plan.reach(index + 1, with: plan.after(instruction, known))
  }

  /// The classic machine gives 0 for shifts by 32 or more; eBPF takes the distance modulo 32.
  private mutating func shift(_ arithmetic: Operation.Arithmetic) {
    let (shifts, end) = (code.makeLabel(), code.makeLabel())
    code.branch(.jlt, .word, .r8, .constant(32), to: shifts)
    code.append(.arithmetic(.mov, .word, .r7, .constant(0)))
    code.jump(to: end)
    code.place(shifts)
    code.append(.arithmetic(arithmetic, .word, .r7, .register(.r8)))
    code.place(end)
  }

  private mutating func returnA() {
    guard let accepted = type.accepted else {
      code.append(.arithmetic(.mov, .word, .r0, .register(.r7)))
      code.append(.exit)
      return
    }
    rejectWhere(.jeq, .word, .r7, .constant(0))
    writeReturn(accepted)
  }

  // MARK: Jumps

  /// Continues at an instruction; if it is the next one, no jump is needed.
  private mutating func go(to target: Int, from index: Int) {
    plan.reach(target, with: known)
    if !isNext(target, after: index) { code.jump(to: labels[target]) }
  }

  /// True if no code is generated between the two.
  private func isNext(_ target: Int, after index: Int) -> Bool {
    target == index + 1 || (index + 1..<target).allSatisfy { plan[$0] == nil }
  }

  private mutating func jump(_ opcode: Opcode, _ k: Int32, at index: Int) {
    let (jt, jf) = plan.targets(of: index)
    guard jt != jf else { return go(to: jt, from: index) }
    let condition: Operation.Condition =
      switch opcode {
      case .jeqK, .jeqX: .jeq
      case .jgtK, .jgtX: .jgt
      case .jgeK, .jgeX: .jge
      default: .jset
      }
    let operand: Operation.Operand = opcode.facts.operand == .index ? .register(.r8) : .constant(k)
    plan.reach(jt, with: known)
    plan.reach(jf, with: known)
    if isNext(jt, after: index), let opposite = condition.opposite {
      code.branch(opposite, .word, .r7, operand, to: labels[jf])
    } else {
      code.branch(condition, .word, .r7, operand, to: labels[jt])
      if !isNext(jf, after: index) { code.jump(to: labels[jf]) }
    }
  }
}

extension EBPFProgramType {
  /// True if the program may read the packet's memory.
  var hasDirectAccess: Bool { self != .socketFilter }
}

extension Operation.Arithmetic {
  /// What classic arithmetic does on words; nil if it needs more than one operation, or is not arithmetic.
  fileprivate init?(_ opcode: Opcode) {
    switch opcode {
    case .addK, .addX: self = .add
    case .subK, .subX: self = .sub
    case .mulK, .mulX: self = .mul
    case .divK: self = .div
    case .modK: self = .mod
    case .orK, .orX: self = .or
    case .andK, .andX: self = .and
    case .xorK, .xorX: self = .xor
    case .lshK: self = .lsh
    case .rshK: self = .rsh
    default: return nil
    }
  }
}
