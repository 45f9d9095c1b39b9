public import BPF
public import PacketCore

/// Proves statements about what programs do for all possible packets, truncated or not, with the solver `z3`.
///
/// A packet has up to 262 144 captured bytes, and any length on the wire that is not smaller. Programs are assumed to run outside the
/// kernel: loads of the kernel's metadata reject, unless `metadata` says otherwise.
public struct Prover: Sendable {
  /// What ancillary loads do.
  public enum Metadata: Hashable, Sendable {
    /// They reject the packet, as everywhere except in the kernel.
    case rejects
    /// They return something that only the kernel knows: any word, but the same one for the same load.
    case isKnown
  }

  /// Whether something holds for all packets.
  public enum Verdict: Hashable, Sendable {
    case proved
    /// There is a packet for which it does not hold.
    case refuted
    /// The solver did not decide in time.
    case unknown
  }

  /// The maximum number of seconds for one query, including the symbolic execution of the programs.
  public var timeLimit: Double
  /// When all queries together must be finished; nil if there is no such limit.
  public var end: MonotonicTime?
  public var metadata: Metadata

  public init(timeLimit: Double = 20, until end: MonotonicTime? = nil, metadata: Metadata = .rejects) {
    self.timeLimit = timeLimit
    self.end = end
    self.metadata = metadata
  }

  /// The deadline of a query that starts now.
  var deadline: Deadline { Deadline(seconds: timeLimit).limited(to: end) }

  /// Whether both programs accept the same packets.
  public func areEqual(_ first: Program, _ second: Program) throws(ProofError) -> Verdict {
    if first.instructions == second.instructions { return .proved }
    let deadline = deadline
    return try Self.decided { () throws(ProofError) in
      var terms = TermTable(facts)
      let left = try SymbolicExecution.acceptance(of: first, in: &terms, until: deadline)
      let right = try SymbolicExecution.acceptance(of: second, in: &terms, until: deadline)
      if left == right { return .proved }
      let difference = terms.difference(left, right)
      let verdict = try refute(difference, terms, until: deadline.within(seconds: timeLimit / 8), exactly: false)
      if verdict == .proved { return verdict }
      if verdict == .unknown, try areEqualStepByStep(first, second, until: deadline) { return .proved }
      return try ask(difference, terms, "QF_ABV", until: deadline.within(seconds: timeLimit / 8))
    }
  }

  /// The same in small steps, tried where one large query is too hard; false if the steps do not lead to a proof.
  private func areEqualStepByStep(
    _ first: Program, _ second: Program, until deadline: Deadline
  ) throws(ProofError) -> Bool {
    var terms = TermTable(facts)
    var cuts = CutPoints()
    let left = try SymbolicExecution.acceptance(of: first, in: &terms, cutting: &cuts, until: deadline)
    let end = deadline.within(seconds: timeLimit * 5 / 8)
    cuts.isImpossible = { (term, terms) throws(ProofError) in
      guard end.secondsLeft > 0 else { return false }
      let step = deadline.within(seconds: timeLimit / 8)
      return try refute(term, terms, until: step, exactly: false) == .proved
    }
    let right = try SymbolicExecution.acceptance(of: second, in: &terms, cutting: &cuts, until: deadline)
    let step = deadline.within(seconds: timeLimit / 8)
    return try refute(terms.difference(left, right), terms, until: step, exactly: false) == .proved
  }

  /// Whether the second program accepts every packet that the first accepts.
  public func implies(_ first: Program, _ second: Program) throws(ProofError) -> Verdict {
    if first.instructions == second.instructions { return .proved }
    let deadline = deadline
    return try Self.decided { () throws(ProofError) in
      var terms = TermTable(facts)
      let left = try SymbolicExecution.acceptance(of: first, in: &terms, until: deadline)
      let right = try SymbolicExecution.acceptance(of: second, in: &terms, until: deadline)
      return try refute(terms.and(left, terms.not(right)), terms, until: deadline)
    }
  }

  /// True if it can be shown, case by case, that the second program accepts every packet that the first accepts: for each path through the
  /// first program, the bytes that it requires are inserted into both. A chain of headers that the second program follows then ends where
  /// the first has found what it looks for, and little remains to be proved. With `whereLoadsSucceed` only packets that are long enough for
  /// both are considered. False does not mean that it does not hold.
  func impliesInCases(
    _ first: Program, _ second: Program, whereLoadsSucceed: Bool = false
  ) throws(ProofError) -> Bool {
    let deadline = deadline
    let facts = whereLoadsSucceed ? endlessFacts : facts
    return try Self.decided { () throws(ProofError) in
      var terms = TermTable(facts)
      let accepted = try SymbolicExecution.acceptance(of: first, in: &terms, until: deadline)
      guard let cases = terms.cases(of: accepted) else { return .unknown }
      for way in cases {
        guard let octets = terms.octets(where: way) else { continue }
        var facts = facts
        facts.octets = octets
        var terms = TermTable(facts)
        let left = try SymbolicExecution.acceptance(of: first, in: &terms, until: deadline)
        let right = try SymbolicExecution.acceptance(of: second, in: &terms, until: deadline)
        let verdict = try refute(terms.and(left, terms.not(right)), terms, until: deadline, exactly: false)
        if verdict != .proved { return .unknown }
      }
      return .proved
    } == .proved
  }

  /// The same for the packets that are long enough for both programs: no load of either fails.
  func impliesWhereLoadsSucceed(_ first: Program, _ second: Program) throws(ProofError) -> Verdict {
    let deadline = deadline
    return try Self.decided { () throws(ProofError) in
      var terms = TermTable(endlessFacts)
      let left = try SymbolicExecution.acceptance(of: first, in: &terms, until: deadline)
      let right = try SymbolicExecution.acceptance(of: second, in: &terms, until: deadline)
      return try refute(terms.and(left, terms.not(right)), terms, until: deadline, exactly: false)
    }
  }

  /// Whether the program accepts nothing.
  public func rejectsAll(_ program: Program) throws(ProofError) -> Verdict {
    let deadline = deadline
    return try Self.decided { () throws(ProofError) in
      var terms = TermTable(facts)
      return try refute(
        SymbolicExecution.acceptance(of: program, in: &terms, until: deadline), terms, until: deadline)
    }
  }

  /// The verdict of `body`, or `unknown` if it takes too long.
  private static func decided(_ body: () throws(ProofError) -> Verdict) throws(ProofError) -> Verdict {
    do throws(ProofError) {
      return try body()
    } catch {
      if error.isTimeout { return .unknown }
      throw error
    }
  }

  private var facts: PacketFacts {
    var facts = PacketFacts()
    facts.hasAncillary = metadata == .isKnown
    return facts
  }

  /// Facts about packets that are long enough for every load.
  private var endlessFacts: PacketFacts {
    var facts = facts
    facts.isEndless = true
    facts.caplen = PacketFacts.maximumCaplen...PacketFacts.maximumCaplen
    return facts
  }

  /// Searches for a packet for which `term` is true. Unless `exactly` is set, it may report `refuted` although there is none.
  private func refute(
    _ term: TermID, _ terms: TermTable, until deadline: Deadline, exactly: Bool = true
  ) throws(ProofError) -> Verdict {
    if case .truth(let value) = terms[term] { return value ? .refuted : .proved }
    // Nearly always it is sufficient, and much easier, to let bytes that are reached in different ways be different.
    var isExact = false
    let verdict = try Self.decided { () throws(ProofError) in
      let script = try SMTText(terms, goals: [term], separate: true, until: deadline)
      isExact = script.isExact
      return try ask(script, "QF_BV", term, until: deadline)
    }
    if verdict == .proved || isExact || !exactly { return verdict }
    return try ask(term, terms, "QF_ABV", until: deadline)
  }

  private func ask(
    _ term: TermID, _ terms: TermTable, _ logic: String, until deadline: Deadline
  ) throws(ProofError) -> Verdict {
    try Self.decided { () throws(ProofError) in
      try ask(try SMTText(terms, goals: [term], until: deadline), logic, term, until: deadline)
    }
  }

  private func ask(
    _ script: SMTText, _ logic: String, _ term: TermID, until deadline: Deadline
  ) throws(ProofError) -> Verdict {
    var solver = try Z3(until: deadline)
    try solver.send("(set-logic \(logic))\n")
    try solver.send(script.text)
    try solver.send("(assert \(SMTText.name(term)))\n")
    return switch try solver.check() {
    case .satisfiable: .refuted
    case .unsatisfiable: .proved
    case .unknown: .unknown
    }
  }
}
