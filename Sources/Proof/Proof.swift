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
    let (onlyLeft, onlyRight) = (terms.and(left, terms.not(right)), terms.and(right, terms.not(left)))
    return try refute(terms.or(onlyLeft, onlyRight), terms)
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

  /// Asks for a packet for which `term` is true.
  private func refute(_ term: TermID, _ terms: TermTable) throws(ProofError) -> Verdict {
    if case .truth(let value) = terms[term] { return value ? .refuted : .proved }
    var script = SMTText(terms, goals: [term], separate: true)
    var solver = try Z3(seconds: timeLimit)
    try solver.send("(set-logic QF_BV)\n\(script.text)(assert \(SMTText.name(term)))\n")
    if !script.isExact {
      // Nearly always that suffices, and it is much easier.
      if try solver.check(seconds: timeLimit / 2) == .unsatisfiable { return .proved }
      script = SMTText(terms, goals: [term])
      try solver.send("(reset)\n(set-logic QF_ABV)\n\(script.text)(assert \(SMTText.name(term)))\n")
    }
    switch try solver.check() {
    case .satisfiable: return .refuted
    case .unsatisfiable: return .proved
    case .unknown: return .unknown
    }
  }
}
