import BPF

/// Executes a program on an unknown packet, following all paths at once.
///
/// Jumps lead forward, so one pass is enough. Paths that meet are joined if everything they have computed that is still needed is the same;
/// then the number of terms is proportional to the number of instructions, not of paths. Otherwise the paths are kept separate, so that
/// offsets stay simple, but only up to a limit; beyond it they are joined with a choice for each register.
struct SymbolicExecution {
  /// What a path has computed when it reaches an instruction. Values that are not needed any more are 0.
  private struct State {
    /// True if the packet gets here.
    var condition: TermID
    var a: TermID
    var x: TermID
    var scratch: [TermID]

    func hasComputedSame(as other: State) -> Bool { a == other.a && x == other.x && scratch == other.scratch }
  }

  /// How many paths are kept separate at an instruction.
  private static let mostStates = 48
  /// The same with cuts where paths meet: then all paths are collected first.
  private static let mostStatesWithCuts = 4096

  private var states: [[State]]
  private let liveness: [LiveRegisters]
  private let zero: TermID
  private var accepted: TermID
  private var terms: TermTable
  /// Joins paths that meet; nil if they are kept separate.
  private var cuts: CutPoints?

  /// The term that is true if the program accepts the packet. Throws if it takes too long to compute.
  static func acceptance(
    of program: Program, in terms: inout TermTable, until deadline: Deadline
  ) throws(ProofError) -> TermID {
    var execution = SymbolicExecution(program, terms)
    // Move the table out instead of copying it.
    terms = TermTable()
    for index in program.instructions.indices {
      try deadline.check(step: index)
      execution.run(program.instructions[index], at: index)
    }
    terms = execution.terms
    return execution.accepted
  }

  /// The same, with cuts where paths meet.
  static func acceptance(
    of program: Program, in terms: inout TermTable, cutting cuts: inout CutPoints, until deadline: Deadline
  ) throws(ProofError) -> TermID {
    var execution = SymbolicExecution(program, terms)
    terms = TermTable()
    execution.cuts = cuts
    for index in program.instructions.indices {
      try deadline.check(step: index)
      try execution.cut(at: index)
      execution.run(program.instructions[index], at: index)
    }
    terms = execution.terms
    cuts = execution.cuts ?? cuts
    return execution.accepted
  }

  private init(_ program: Program, _ terms: TermTable) {
    self.terms = terms
    states = Array(repeating: [], count: program.instructions.count)
    liveness = LiveRegisters.before(program.instructions)
    accepted = self.terms.truth(false)
    zero = self.terms.word(0)
    states[0] = [
      State(
        condition: self.terms.truth(true), a: zero, x: zero,
        scratch: Array(repeating: zero, count: Program.scratchCount))
    ]
  }

  private mutating func run(_ instruction: Instruction, at index: Int) {
    guard let opcode = instruction.opcode else { return }
    let arrived = states[index]
    states[index] = []
    for state in arrived { step(opcode, instruction, state, at: index) }
  }

  /// Joins the paths that have reached an instruction into one.
  private mutating func cut(at index: Int) throws(ProofError) {
    guard states[index].count > 1, var cuts = cuts.take() else { return }
    let ways = states[index].map { (condition: $0.condition, words: [$0.a, $0.x] + $0.scratch) }
    let (condition, words) = try cuts.meet(ways, &terms)
    states[index] = [State(condition: condition, a: words[0], x: words[1], scratch: Array(words.dropFirst(2)))]
    self.cuts = cuts
  }

  /// Adds a path that reaches this instruction, perhaps as one of several. The validator ensures that no jump leads past the end, and that
  /// the last instruction is a return.
  private mutating func arrive(at index: Int, _ arriving: State) {
    if case .truth(false) = terms[arriving.condition] { return }
    var state = arriving
    let live = liveness[index]
    if !live.contains(.a) { state.a = zero }
    if !live.contains(.x) { state.x = zero }
    for word in state.scratch.indices where !live.contains(.scratch(word)) { state.scratch[word] = zero }
    if let same = states[index].firstIndex(where: { $0.hasComputedSame(as: state) }) {
      states[index][same].condition = terms.or(states[index][same].condition, state.condition)
    } else if states[index].count < (cuts == nil ? Self.mostStates : Self.mostStatesWithCuts) {
      states[index].append(state)
    } else {
      merge(state, at: index)
    }
  }

  private mutating func merge(_ state: State, at index: Int) {
    let last = states[index].count - 1
    var known = states[index][last]
    known.a = terms.choice(state.condition, state.a, known.a)
    known.x = terms.choice(state.condition, state.x, known.x)
    for word in known.scratch.indices where known.scratch[word] != state.scratch[word] {
      known.scratch[word] = terms.choice(state.condition, state.scratch[word], known.scratch[word])
    }
    known.condition = terms.or(known.condition, state.condition)
    states[index][last] = known
  }

  private mutating func step(_ opcode: Opcode, _ instruction: Instruction, _ state: State, at index: Int) {
    let k = instruction.k
    var state = state
    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs:
      if k >= Ancillary.base {
        guard terms.facts.hasAncillary else { return }
        state.a = ancillary(k, state)
      } else {
        guard let value = load(opcode.loadedOctets, base: nil, k, &state) else { return }
        state.a = value
      }
    case .ldInd, .ldhInd, .ldbInd:
      guard let value = load(opcode.loadedOctets, base: state.x, k, &state) else { return }
      state.a = value
    case .ldxMsh:
      guard let value = load(1, base: nil, k, &state) else { return }
      state.x = arithmetic(.lsh, arithmetic(.and, value, 15), 2)

    case .ldImm: state.a = terms.word(k)
    case .ldMem: state.a = state.scratch[Int(k)]
    case .ldLen: state.a = terms.len()
    case .ldxImm: state.x = terms.word(k)
    case .ldxMem: state.x = state.scratch[Int(k)]
    case .ldxLen: state.x = terms.len()
    case .st: state.scratch[Int(k)] = state.a
    case .stx: state.scratch[Int(k)] = state.x
    case .tax: state.x = state.a
    case .txa: state.a = state.x

    case .addK: state.a = arithmetic(.add, state.a, k)
    case .subK: state.a = arithmetic(.sub, state.a, k)
    case .mulK: state.a = arithmetic(.mul, state.a, k)
    case .divK: state.a = arithmetic(.div, state.a, k)
    case .modK: state.a = arithmetic(.mod, state.a, k)
    case .orK: state.a = arithmetic(.or, state.a, k)
    case .andK: state.a = arithmetic(.and, state.a, k)
    case .xorK: state.a = arithmetic(.xor, state.a, k)
    case .lshK: state.a = arithmetic(.lsh, state.a, k)
    case .rshK: state.a = arithmetic(.rsh, state.a, k)
    case .addX: state.a = terms.arithmetic(.add, state.a, state.x)
    case .subX: state.a = terms.arithmetic(.sub, state.a, state.x)
    case .mulX: state.a = terms.arithmetic(.mul, state.a, state.x)
    case .orX: state.a = terms.arithmetic(.or, state.a, state.x)
    case .andX: state.a = terms.arithmetic(.and, state.a, state.x)
    case .xorX: state.a = terms.arithmetic(.xor, state.a, state.x)
    case .lshX: state.a = terms.arithmetic(.lsh, state.a, state.x)
    case .rshX: state.a = terms.arithmetic(.rsh, state.a, state.x)
    case .divX, .modX:
      let isZero = terms.compare(.equal, state.x, terms.word(0))
      state.condition = terms.and(state.condition, terms.not(isZero))
      state.a = terms.arithmetic(opcode == .divX ? .div : .mod, state.a, state.x)
    case .neg: state.a = terms.arithmetic(.sub, terms.word(0), state.a)

    case .ja:
      arrive(at: index + 1 + Int(k), state)
      return
    case .jeqK: return branch(terms.compare(.equal, state.a, terms.word(k)), instruction, state, at: index)
    case .jgtK: return branch(terms.compare(.greater, state.a, terms.word(k)), instruction, state, at: index)
    case .jgeK: return branch(terms.compare(.greaterOrEqual, state.a, terms.word(k)), instruction, state, at: index)
    case .jsetK: return branch(terms.compare(.anyBits, state.a, terms.word(k)), instruction, state, at: index)
    case .jeqX: return branch(terms.compare(.equal, state.a, state.x), instruction, state, at: index)
    case .jgtX: return branch(terms.compare(.greater, state.a, state.x), instruction, state, at: index)
    case .jgeX: return branch(terms.compare(.greaterOrEqual, state.a, state.x), instruction, state, at: index)
    case .jsetX: return branch(terms.compare(.anyBits, state.a, state.x), instruction, state, at: index)

    case .retK:
      if k != 0 { accepted = terms.or(accepted, state.condition) }
      return
    case .retA:
      let isZero = terms.compare(.equal, state.a, terms.word(0))
      accepted = terms.or(accepted, terms.and(state.condition, terms.not(isZero)))
      return
    }
    arrive(at: index + 1, state)
  }

  private mutating func branch(_ test: TermID, _ instruction: Instruction, _ state: State, at index: Int) {
    var (holds, fails) = (state, state)
    holds.condition = terms.and(state.condition, test)
    fails.condition = terms.and(state.condition, terms.not(test))
    arrive(at: index + 1 + Int(instruction.jt), holds)
    arrive(at: index + 1 + Int(instruction.jf), fails)
  }

  private mutating func arithmetic(_ operation: Operation, _ left: TermID, _ right: UInt32) -> TermID {
    terms.arithmetic(operation, left, terms.word(right))
  }

  /// The bytes at X + `k`, or at `k`; only packets that have them continue. Nil if no packet does.
  private mutating func load(_ octets: UInt32, base: TermID?, _ k: UInt32, _ state: inout State) -> TermID? {
    var (base, offset) = (base, k)
    if let known = base, let number = terms.number(known) {
      let (sum, overflow) = offset.addingReportingOverflow(number)
      if overflow { return nil }
      (base, offset) = (nil, sum)
    }
    let isWithin = terms.within(base: base, offset: offset, octets: octets)
    if case .truth(false) = terms[isWithin] { return nil }
    state.condition = terms.and(state.condition, isWithin)
    return terms.load(octets: octets, base: base, offset: offset)
  }

  private mutating func ancillary(_ offset: UInt32, _ state: State) -> TermID {
    switch Ancillary(offset: offset) {
    case .xor_x: terms.arithmetic(.xor, state.a, state.x)
    // Both search for a netlink attribute of type X, starting at A.
    case .nla, .nlan: terms.ancillary(offset, a: state.a, x: state.x)
    default: terms.ancillary(offset)
    }
  }
}

extension Opcode {
  /// The number of bytes that a load reads from the packet.
  fileprivate var loadedOctets: UInt32 {
    switch self {
    case .ldAbs, .ldInd: 4
    case .ldhAbs, .ldhInd: 2
    default: 1
    }
  }
}
