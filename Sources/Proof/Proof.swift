public import BPF

/// What programs do for all packets there can be, captured as a whole or not: the solver `z3` proves it.
///
/// A packet has up to 262 144 captured octets, and any length on the wire that is not less. A proof is about the machine of this project:
/// loads of the kernel's metadata reject, unless `metadata` says otherwise.
public struct Prover: Sendable {
  /// What ancillary loads do.
  public enum Metadata: Hashable, Sendable {
    /// They reject the packet, as in every machine but the kernel's.
    case rejects
    /// They give what only the kernel knows: any word, the same one for the same load.
    case isKnown
  }

  /// Whether something holds for all packets.
  public enum Verdict: Hashable, Sendable {
    case proved
    /// There is a packet for which it does not.
    case refuted
    /// The solver did not find out in time.
    case unknown
  }

  /// Seconds that one question may take.
  public var timeLimit: Double
  public var metadata: Metadata

  public init(timeLimit: Double = 20, metadata: Metadata = .rejects) {
    self.timeLimit = timeLimit
    self.metadata = metadata
  }

  /// Whether both programs accept the same packets.
  public func areEqual(_ first: Program, _ second: Program) throws(ProofError) -> Verdict {
    if first.instructions == second.instructions { return .proved }
    var terms = TermTable(knowledge)
    let (left, right) = (
      SymbolicExecution.acceptance(of: first, in: &terms), SymbolicExecution.acceptance(of: second, in: &terms)
    )
    if left == right { return .proved }
    let difference = terms.difference(left, right)
    let verdict = try refute(difference, terms, seconds: timeLimit / 8, exactly: false)
    if verdict == .proved { return verdict }
    if verdict == .unknown, try areEqualStepByStep(first, second) { return .proved }
    return try ask(SMTText(terms, goals: [difference]), "QF_ABV", difference, seconds: timeLimit / 8)
  }

  /// The same in small steps; false where these do not lead to a proof. It is tried where all at once is too much.
  private func areEqualStepByStep(_ first: Program, _ second: Program) throws(ProofError) -> Bool {
    var terms = TermTable(knowledge)
    var cuts = CutPoints()
    let left = try SymbolicExecution.acceptance(of: first, in: &terms, cutting: &cuts)
    let end = ContinuousClock.now + .seconds(timeLimit * 5 / 8)
    cuts.isImpossible = { (term, terms) throws(ProofError) in
      guard ContinuousClock.now < end else { return false }
      return try refute(term, terms, seconds: timeLimit / 8, exactly: false) == .proved
    }
    let right = try SymbolicExecution.acceptance(of: second, in: &terms, cutting: &cuts)
    return try refute(terms.difference(left, right), terms, seconds: timeLimit / 8, exactly: false) == .proved
  }

  /// Whether the second program accepts every packet that the first accepts.
  public func implies(_ first: Program, _ second: Program) throws(ProofError) -> Verdict {
    if first.instructions == second.instructions { return .proved }
    var terms = TermTable(knowledge)
    let (left, right) = (
      SymbolicExecution.acceptance(of: first, in: &terms), SymbolicExecution.acceptance(of: second, in: &terms)
    )
    return try refute(terms.and(left, terms.not(right)), terms)
  }

  /// Whether the program accepts nothing.
  public func rejectsAll(_ program: Program) throws(ProofError) -> Verdict {
    var terms = TermTable(knowledge)
    return try refute(SymbolicExecution.acceptance(of: program, in: &terms), terms)
  }

  private var knowledge: PacketKnowledge {
    var knowledge = PacketKnowledge()
    knowledge.hasAncillary = metadata == .isKnown
    return knowledge
  }

  /// Asks for a packet for which `term` is true. Where that is not asked `exactly`, there may be none although it is refuted.
  private func refute(
    _ term: TermID, _ terms: TermTable, seconds: Double? = nil, exactly: Bool = true
  ) throws(ProofError) -> Verdict {
    if case .truth(let value) = terms[term] { return value ? .refuted : .proved }
    let seconds = seconds ?? timeLimit
    // Nearly always it suffices that octets which are reached in different ways may be different, and that is much easier.
    let script = SMTText(terms, goals: [term], separate: true)
    let verdict = try ask(script, "QF_BV", term, seconds: seconds)
    if verdict == .proved || script.isExact || !exactly { return verdict }
    return try ask(SMTText(terms, goals: [term]), "QF_ABV", term, seconds: seconds)
  }

  private func ask(_ script: SMTText, _ logic: String, _ term: TermID, seconds: Double) throws(ProofError) -> Verdict {
    var solver = try Z3(seconds: seconds)
    do throws(ProofError) {
      try solver.send("(set-logic \(logic))\n\(script.text)(assert \(SMTText.name(term)))\n")
      switch try solver.check() {
      case .satisfiable: return .refuted
      case .unsatisfiable: return .proved
      case .unknown: return .unknown
      }
    } catch {
      if error.isTimeout { return .unknown }
      throw error
    }
  }
}
