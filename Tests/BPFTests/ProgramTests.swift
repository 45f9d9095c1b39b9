import BPF
import Testing

private struct Case: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var instructions: [Instruction]
  /// The rule that the program breaks and where; nil if the program is valid.
  var broken: (rule: ProgramError.Rule, index: Int)?

  init(_ name: String, _ instructions: [Instruction], _ rule: ProgramError.Rule? = nil, at index: Int = 0) {
    testDescription = name
    self.instructions = instructions
    broken = rule.map { ($0, index) }
  }
}

private let ret = Instruction(.retK, k: 1)

private let cases: [Case] = [
  Case("one return", [ret]),
  Case("empty", [], .empty),
  Case("longest", [Instruction](repeating: ret, count: 1 << 20)),
  Case("too long", [Instruction](repeating: ret, count: 1 << 20 + 1), .tooLong),
  Case("unknown code", [ret, Instruction(code: 0x99), ret], .unknownOpcode, at: 1),
  Case("high bits in the code", [Instruction(code: 0x100), ret], .unknownOpcode, at: 0),
  Case("ret X", [Instruction(code: 0x0e)], .unknownOpcode),
  Case("neg X", [Instruction(code: 0x8c), ret], .unknownOpcode),
  Case("no return at the end", [ret, Instruction(.ldLen)], .noFinalReturn, at: 1),
  Case("jump at the end", [ret, Instruction(.ja)], .jumpOutOfRange, at: 1),

  Case("ja to the last", [Instruction(.ja, k: 1), ret, ret]),
  Case("ja past the end", [Instruction(.ja, k: 2), ret, ret], .jumpOutOfRange),
  Case("ja backwards", [ret, Instruction(.ja, k: 0xffff_fffe), ret], .jumpOutOfRange, at: 1),
  Case("jt to the last", [Instruction(.jeqK, jt: 1), ret, ret]),
  Case("jt past the end", [Instruction(.jeqK, jt: 2), ret, ret], .jumpOutOfRange),
  Case("jf past the end", [Instruction(.jsetX, jf: 2), ret, ret], .jumpOutOfRange),
  Case("long ja", [Instruction(.ja, k: 5000)] + [Instruction](repeating: ret, count: 5001)),

  Case("M[15]", [Instruction(.st, k: 15), Instruction(.ldMem, k: 15), ret]),
  Case("st M[16]", [Instruction(.st, k: 16), ret], .scratchOutOfRange),
  Case("stx M[16]", [Instruction(.stx, k: 16), ret], .scratchOutOfRange),
  Case("ld M[16]", [Instruction(.ldMem, k: 16), ret], .scratchOutOfRange),
  Case("ldx M[-1]", [Instruction(.ldxMem, k: .max), ret], .scratchOutOfRange),

  Case("ld M[] unwritten", [Instruction(.st, k: 1), Instruction(.ldMem, k: 2), ret], .scratchReadBeforeWritten, at: 1),
  Case("ldx M[] unwritten", [Instruction(.ldxMem), ret], .scratchReadBeforeWritten),
  Case(
    "written on one path only",
    [Instruction(.jeqK, jt: 0, jf: 1), Instruction(.st), Instruction(.ldMem), ret], .scratchReadBeforeWritten, at: 2),
  Case(
    "written on both paths",
    [
      Instruction(.jeqK, jt: 0, jf: 2), Instruction(.st), Instruction(.ja, k: 1), Instruction(.stx),
      Instruction(.ldMem),
      ret,
    ]),
  Case(
    "the unwritten path returns",
    [Instruction(.jeqK, jt: 1, jf: 0), ret, Instruction(.stx), Instruction(.ldMem), ret]),
  Case(
    "jumped over a write",
    [Instruction(.ja, k: 1), Instruction(.st), Instruction(.ldxMem), ret], .scratchReadBeforeWritten, at: 2),
  Case("unreachable read", [Instruction(.ja, k: 1), Instruction(.ldMem), ret]),

  Case("div by 0", [Instruction(.divK), ret], .divisionByZero),
  Case("mod by 0", [Instruction(.modK), ret], .divisionByZero),
  Case("div by 1", [Instruction(.divK, k: 1), Instruction(.modK, k: 1), ret]),
  Case("lsh by 31", [Instruction(.lshK, k: 31), Instruction(.rshK, k: 31), ret]),
  Case("lsh by 32", [Instruction(.lshK, k: 32), ret], .shiftOutOfRange),
  Case("rsh by 32", [Instruction(.rshK, k: 32), ret], .shiftOutOfRange),

  Case("every ancillary", Ancillary.allCases.map { Instruction(.ldbAbs, k: $0.offset) } + [ret]),
  Case("unknown ancillary", [Instruction(.ldAbs, k: 0xffff_f001), ret], .unknownAncillary),
  Case("ancillary beyond", [Instruction(.ldhAbs, k: 0xffff_f040), ret], .unknownAncillary),
  Case("large offset", [Instruction(.ldbAbs, k: 0xffff_efff), Instruction(.ldInd, k: .max), ret]),
]

@Suite struct ProgramTests {
  @Test(arguments: cases)
  private func validation(_ test: Case) {
    do {
      let program = try Program(validating: test.instructions)
      #expect(test.broken == nil)
      #expect(program.instructions == test.instructions)
      #expect(program.fitsKernel == (test.instructions.count <= 4096 || test.instructions.isEmpty))
    } catch {
      #expect(test.broken?.rule == error.rule)
      #expect(test.broken?.index == error.index)
      #expect(!error.description.isEmpty)
    }
  }

  @Test func errorsSayWhere() throws {
    #expect(throws: ProgramError.self) { try Program(validating: [ret, Instruction(.lshK, k: 40), ret]) }
    do {
      _ = try Program(validating: [ret, Instruction(.lshK, k: 40), ret])
    } catch {
      #expect(error.description == "instruction 1: shift by the constant 40")
    }
  }

  @Test func sources() throws {
    let range = SourceWords(SourceRange(3, 7))
    #expect(try Program(validating: [ret, ret], sources: [range, SourceWords()]).sources == [range, SourceWords()])
    #expect(throws: ProgramError.self) { try Program(validating: [ret, ret], sources: [range]) }
  }

  /// Ranges stay separate unless they overlap, and too many of them are merged into one.
  @Test func sourceWords() {
    let words = SourceWords(SourceRange(8, 9)).union(SourceWords(SourceRange(3, 7)))
    #expect(words.ranges == [SourceRange(3, 7), SourceRange(8, 9)])
    #expect(words.hull == SourceRange(3, 9))
    #expect(words.union(SourceWords(SourceRange(5, 8))).ranges == [SourceRange(3, 8), SourceRange(8, 9)])
    #expect(words.union(words) == words && words.union(SourceWords()) == words && SourceWords().union(words) == words)
    let many = (0..<100).reduce(into: SourceWords()) { $0.formUnion(SourceWords(SourceRange(10 * $1, 10 * $1 + 5))) }
    #expect(many.ranges.count <= 24 && many.hull == SourceRange(0, 995))
    #expect(SourceWords().isEmpty && SourceWords().hull == nil && SourceWords(nil).isEmpty)
  }

  /// The kernel checks the instructions in their order, and assumes that a `ret` continues with the next instruction.
  @Test func kernelIsStricterBehindAReturn() throws {
    let instructions = [
      Instruction(.jeqK, jt: 0, jf: 2), Instruction(.st), Instruction(.ja, k: 1), ret, Instruction(.ldMem), ret,
    ]
    let refusal = try #require(try Program(validating: instructions).kernelRefusal)
    #expect(refusal.rule == .scratchReadBehindReturn)
    #expect(refusal.index == 4)
    let long = [Instruction](repeating: ret, count: 4097)
    #expect(try Program(validating: long).kernelRefusal?.rule == .tooLongForKernel)
    #expect(try Program(validating: Array(long.dropLast())).fitsKernel)
  }

  @Test func layoutIsThatOfC() {
    #expect(MemoryLayout<Instruction>.size == 8)
    #expect(MemoryLayout<Instruction>.offset(of: \.jt) == 2)
    #expect(MemoryLayout<Instruction>.offset(of: \.jf) == 3)
    #expect(MemoryLayout<Instruction>.offset(of: \.k) == 4)
  }

  /// The class and the source operand are bits of the code, and the facts must agree with them.
  @Test(arguments: Opcode.allCases)
  func factsAgreeWithTheCode(_ opcode: Opcode) {
    let facts = opcode.facts
    #expect(opcode.instructionClass.rawValue == opcode.rawValue & 7)
    switch opcode.instructionClass {
    case .ld: #expect(facts.writes == .a)
    case .ldx: #expect(facts.writes == .x)
    case .st: #expect(facts.writes == .m && facts.reads == .a)
    case .stx: #expect(facts.writes == .m && facts.reads == .x)
    case .alu:
      #expect(facts.writes == .a)
      #expect(facts.reads == (opcode.rawValue & 8 != 0 ? [.a, .x] : .a))
    case .jmp:
      #expect(facts.writes.isEmpty)
      #expect(facts.reads.contains(.x) == (opcode.rawValue & 8 != 0))
    case .ret: #expect(facts.reads == (opcode == .retA ? .a : []))
    case .misc: #expect(facts.reads.union(facts.writes) == [.a, .x])
    }
  }
}
