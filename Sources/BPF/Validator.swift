/// The rules that guarantee that a program ends for every packet and does no harm: those of the Linux kernel and of libpcap, except for the
/// kernel's limit on the length. Time and memory are linear in the number of instructions.
enum Validator {
  /// Throws the rule that the first faulty instruction breaks.
  ///
  /// The result is the first broken rule of those that only the kernel has; nil if none is broken. The kernel scans the scratch memory in
  /// instruction order, and assumes that execution continues after a `ret` unless something jumps over it.
  static func validate(_ instructions: [Instruction]) throws(ProgramError) -> ProgramError? {
    guard let last = instructions.last else { throw ProgramError(.empty) }
    guard instructions.count <= Program.maximumCount else { throw ProgramError(.tooLong) }
    for index in instructions.indices {
      if let rule = brokenRule(at: index, of: instructions) {
        throw ProgramError(rule, index: index, instruction: instructions[index])
      }
    }
    guard last.opcode?.instructionClass == .ret else {
      throw ProgramError(.noFinalReturn, index: instructions.count - 1, instruction: last)
    }
    if let index = firstEarlyRead(in: instructions, returnsEndPaths: true) {
      throw ProgramError(.scratchReadBeforeWritten, index: index, instruction: instructions[index])
    }
    if instructions.count > Program.maximumKernelCount { return ProgramError(.tooLongForKernel) }
    guard let index = firstEarlyRead(in: instructions, returnsEndPaths: false) else { return nil }
    return ProgramError(.scratchReadBehindReturn, index: index, instruction: instructions[index])
  }

  /// The rule that the instruction by itself breaks; nil if it breaks none.
  private static func brokenRule(at index: Int, of instructions: [Instruction]) -> ProgramError.Rule? {
    let instruction = instructions[index]
    guard let opcode = instruction.opcode else { return .unknownOpcode }
    /// The number of instructions after the next one.
    let room = instructions.count - index - 2
    switch opcode {
    case .ja:
      if Int(instruction.k) > room { return .jumpOutOfRange }
    case .jeqK, .jeqX, .jgtK, .jgtX, .jgeK, .jgeX, .jsetK, .jsetX:
      if Int(max(instruction.jt, instruction.jf)) > room { return .jumpOutOfRange }
    case .ldMem, .ldxMem, .st, .stx:
      if instruction.k >= Program.scratchCount { return .scratchOutOfRange }
    case .divK, .modK:
      if instruction.k == 0 { return .divisionByZero }
    case .lshK, .rshK:
      if instruction.k >= 32 { return .shiftOutOfRange }
    case .ldAbs, .ldhAbs, .ldbAbs:
      if instruction.k >= Ancillary.base, Ancillary(offset: instruction.k) == nil { return .unknownAncillary }
    case .ldImm, .ldInd, .ldhInd, .ldbInd, .ldLen, .ldxImm, .ldxLen, .ldxMsh, .addK, .addX, .subK, .subX, .mulK, .mulX,
      .divX, .modX, .orK, .orX, .andK, .andX, .xorK, .xorX, .lshX, .rshX, .neg, .retK, .retA, .tax, .txa:
      break
    }
    return nil
  }

  /// The first instruction that reads a scratch word which is not written on every path to it; nil if there is none. Jumps only go forward,
  /// so one pass is enough: where paths meet, the words written are those that all of them have written.
  private static func firstEarlyRead(in instructions: [Instruction], returnsEndPaths: Bool) -> Int? {
    guard instructions.contains(where: { $0.code == Opcode.ldMem.rawValue || $0.code == Opcode.ldxMem.rawValue }) else {
      return nil
    }
    let everything: UInt16 = .max
    var writtenAtTarget = [UInt16](repeating: everything, count: instructions.count)
    var written: UInt16 = 0
    for (index, instruction) in instructions.enumerated() {
      written &= writtenAtTarget[index]
      guard let opcode = instruction.opcode else { continue }
      switch opcode {
      case .st, .stx:
        written |= 1 << UInt16(truncatingIfNeeded: instruction.k)
      case .ldMem, .ldxMem:
        if written & 1 << UInt16(truncatingIfNeeded: instruction.k) == 0 { return index }
      case .ja:
        writtenAtTarget[index + 1 + Int(instruction.k)] &= written
        written = everything
      case .jeqK, .jeqX, .jgtK, .jgtX, .jgeK, .jgeX, .jsetK, .jsetX:
        writtenAtTarget[index + 1 + Int(instruction.jt)] &= written
        writtenAtTarget[index + 1 + Int(instruction.jf)] &= written
        written = everything
      case .retK, .retA:
        if returnsEndPaths { written = everything }
      default:
        break
      }
    }
    return nil
  }
}
