public import BPF
public import PacketCore

/// A packet that proves something; running the programs on it has confirmed it.
public struct Witness: Hashable, Sendable {
  /// The captured bytes, link-layer header first.
  public let octets: [UInt8]
  /// The packet's length on the wire; greater than the number of captured bytes if only a truncated packet will do.
  public let len: UInt32
}

/// The result of a search for a packet.
public enum WitnessSearch: Hashable, Sendable {
  case found(Witness)
  /// It is proved that there is no such packet.
  case none
  /// Not decided in time.
  case unknown
}

extension Prover {
  /// The smallest well-formed packet of this link type that meets all goals. What the goals leave open has the usual values: common header
  /// lengths, correct checksums, documentation addresses, zeros. If no packet of a known form meets them, the smallest of any form; if no
  /// complete packet does, a truncated one.
  public func witness(for goals: [WitnessGoal], _ linkType: LinkType) throws(ProofError) -> WitnessSearch {
    do throws(ProofError) {
      var search = try WitnessSolver(goals, until: deadline)
      return try search.run(PacketForm.all(for: linkType))
    } catch {
      if error.isTimeout { return .unknown }
      throw error
    }
  }

  /// The same if no packet that is long enough for all programs meets the goals: a packet of a known form, truncated as late as possible,
  /// or otherwise the smallest of any form.
  func cutWitness(for goals: [WitnessGoal], _ linkType: LinkType) throws(ProofError) -> WitnessSearch {
    do throws(ProofError) {
      var search = try WitnessSolver(goals, until: deadline)
      return try search.runCut(PacketForm.all(for: linkType))
    } catch {
      if error.isTimeout { return .unknown }
      throw error
    }
  }

  /// The smallest packet that the program accepts.
  public func witness(of program: Program, _ linkType: LinkType) throws(ProofError) -> WitnessSearch {
    try witness(for: [WitnessGoal(program)], linkType)
  }
}

/// Searches the known forms of packets, using one solver.
private struct WitnessSolver: ~Copyable {
  private let goals: [WitnessGoal]
  private var solver: Z3

  /// The maximum number of seconds for each of many queries: a fraction of the time limit.
  private let secondsForEach: Double

  /// The first packet found, whatever its size, in case there is no time to find a better one.
  private var anyPacket: Witness?

  /// When to give up.
  private let end: Deadline

  /// When to give up the current attempt.
  private var limit: Deadline

  /// How many seconds to search for a smaller packet after one has been found.
  private static let secondsForSmaller = 0.4

  init(_ goals: [WitnessGoal], until end: Deadline) throws(ProofError) {
    self.goals = goals
    self.end = end
    limit = end
    solver = try Z3(until: end)
    secondsForEach = end.secondsLeft / 8
  }

  mutating func run(_ forms: [PacketForm]) throws(ProofError) -> WitnessSearch {
    // A typical packet may do without changes; otherwise first check whether there is any packet at all.
    var best = goals.plainPacket(forms, until: end)
    if best == nil, try attempt({ (search) throws(ProofError) in try search.isImpossible() }) == true { return .none }
    // Finding a smaller one than that is worth only a little time.
    limit = best == nil ? end : end.within(seconds: Self.secondsForSmaller)
    for form in forms where limit.secondsLeft > 0 {
      let most = min(form.maximumLength, (best?.octets.count ?? form.maximumLength + 1) - 1)
      guard form.count <= most else { continue }
      best = try attempt { (search) throws(ProofError) in try search.packet(form, form.count...most) } ?? best
    }
    limit = end
    if let best { return .found(best) }
    let free = PacketForm()
    if let packet = try attempt({ (search) throws(ProofError) in try search.packet(free, 0...free.maximumLength) }) {
      return .found(packet)
    }
    return try attempt { (search) throws(ProofError) in try search.cutPacket() } ?? anyPacket.map { .found($0) }
      ?? .unknown
  }

  /// The search among truncated packets, shorter forms first.
  mutating func runCut(_ forms: [PacketForm]) throws(ProofError) -> WitnessSearch {
    let sorted = forms.sorted { $0.count < $1.count }
    // Running the programs on an ordinary packet is quick.
    if let packet = goals.plainCutPacket(sorted, until: end) { return .found(packet) }
    if try attempt({ (search) throws(ProofError) in try search.isImpossible() }) == true { return .none }
    for form in sorted where end.secondsLeft > 0 {
      if let packet = try attempt({ (search) throws(ProofError) in try search.cutPacket(of: form) }) {
        return .found(packet)
      }
    }
    return try attempt { (search) throws(ProofError) in try search.cutPacket() } ?? anyPacket.map { .found($0) }
      ?? .unknown
  }

  /// Performs a part of the search. If it times out it yields nil, and a new solver does the rest in the time that is left.
  private mutating func attempt<Result>(
    _ part: (inout WitnessSolver) throws(ProofError) -> Result?
  ) throws(ProofError) -> Result? {
    guard limit.secondsLeft > 0 else { return nil }
    do throws(ProofError) {
      return try part(&self)
    } catch {
      guard error.isTimeout else { throw error }
      if end.secondsLeft > 0 { solver = try Z3(until: end) }
      return nil
    }
  }

  /// True if it is proved that no packet meets the goals.
  private mutating func isImpossible() throws(ProofError) -> Bool {
    guard try begin(PacketFacts(), nil, separate: true) != nil else { return true }
    return try check() == .unsatisfiable
  }

  /// The shortest packet of a form, with a length in this range.
  private mutating func packet(_ form: PacketForm, _ lengths: ClosedRange<Int>) throws(ProofError) -> Witness? {
    guard let length = try shortest(form, lengths) else { return nil }
    return try packet(form, length: length)
  }

  // MARK: Questions

  /// Starts a new script with the known facts, and asks whether the goals can be met.
  private mutating func ask(_ facts: PacketFacts, _ form: PacketForm? = nil) throws(ProofError)
    -> Satisfiability
  {
    guard try begin(facts, form) != nil else { return .unsatisfiable }
    return try check()
  }

  private mutating func check() throws(ProofError) -> Satisfiability {
    try solver.check(seconds: min(secondsForEach, max(0.001, limit.secondsLeft)))
  }

  /// Passes the goals to the solver, for packets with these facts. Nil if it is obvious that none meets them.
  private mutating func begin(
    _ facts: PacketFacts, _ form: PacketForm?, separate: Bool = false
  ) throws(ProofError) -> SMTText? {
    var terms = TermTable(facts)
    var all = terms.truth(true)
    for goal in goals {
      let acceptance = try SymbolicExecution.acceptance(of: goal.program, in: &terms, until: end)
      all = terms.and(all, goal.accepts ? acceptance : terms.not(acceptance))
    }
    if case .truth(false) = terms[all] { return nil }
    let script = try SMTText(terms, goals: [all], separate: separate, until: end)
    try solver.send("(reset)\n(set-logic \(script.hasArray ? "QF_ABV" : "QF_BV"))\n")
    try solver.send(script.text)
    try solver.send("(assert \(SMTText.name(all)))\n" + (form.map { Self.constraints($0, script) } ?? ""))
    return script
  }

  /// The constraints that a form puts on bytes which the goals depend on.
  private static func constraints(_ form: PacketForm, _ script: SMTText) -> String {
    var text = ""
    func isAsked(_ offset: Int, _ octets: Int) -> Bool {
      script.hasArray || (offset..<offset + octets).contains { script.octets.contains(UInt32($0)) }
    }
    func number(_ offset: Int, _ octets: Int) -> String {
      // A byte that no goal depends on has its usual value.
      let parts = (offset..<offset + octets).map { place in
        script.isDeclared(UInt32(place)) ? script.octet(UInt32(place)) : "(_ bv\(form.octets[place]) 8)"
      }
      return octets == 1 ? parts[0] : "(concat \(parts.joined(separator: " ")))"
    }
    for field in form.lengths where isAsked(field.offset, 2) {
      for (place, high) in [(field.offset, 15), (field.offset + 1, 7)] where script.isDeclared(UInt32(place)) {
        let length = "(bvsub caplen (_ bv\(field.origin) 32))"
        text += "(assert (= \(script.octet(UInt32(place))) ((_ extract \(high) \(high - 7)) \(length))))\n"
      }
    }
    for bits in form.bits where script.isDeclared(UInt32(bits.offset)) {
      let octet = "(bvand \(script.octet(UInt32(bits.offset))) (_ bv\(bits.mask) 8))"
      text += "(assert (= \(octet) (_ bv\(form.octets[bits.offset] & bits.mask) 8)))\n"
    }
    for exclusion in form.exclusions where isAsked(exclusion.offset, exclusion.octets) {
      let number = number(exclusion.offset, exclusion.octets)
      for range in exclusion.ranges {
        let bits = exclusion.octets * 8
        let (low, high) = ("(_ bv\(range.lowerBound) \(bits))", "(_ bv\(range.upperBound) \(bits))")
        text += "(assert (not (and (bvule \(low) \(number)) (bvule \(number) \(high)))))\n"
      }
    }
    return text
  }

  // MARK: Lengths

  /// The length of the shortest packet of a form that meets the goals; nil if none was found.
  private mutating func shortest(_ form: PacketForm, _ lengths: ClosedRange<Int>) throws(ProofError) -> Int? {
    guard try ask(.whole(form.fixedOctets, lengths), form) == .satisfiable else { return nil }
    var (low, high) = (lengths.lowerBound, try caplen())
    // Nearly always it is the length of the headers.
    var middle = low
    while low < high {
      try solver.send("(push)\n(assert (bvule caplen (_ bv\(middle) 32)))\n")
      if try check() == .satisfiable {
        high = min(middle, try caplen())
      } else {
        try solver.send("(pop)\n")
        low = middle + 1
      }
      middle = low + (high - low) / 2
    }
    return high
  }

  private mutating func caplen() throws(ProofError) -> Int { Int(try solver.values(of: ["caplen"])[0]) }

  // MARK: Packets

  /// The packet of this form and length that is closest to the usual values. Nil if running the programs does not confirm it.
  private mutating func packet(_ form: PacketForm, length: Int) throws(ProofError) -> Witness? {
    let facts = PacketFacts.whole(form.knownOctets(length: length), length...length)
    guard let script = try begin(facts, form) else { return nil }
    var octets = form.packet(length: length)
    try settle(&octets, script)
    octets = goals.withChecksums(octets, form)
    guard goals.areMet(by: octets, len: octets.count) else { return nil }
    return Witness(octets: octets, len: UInt32(octets.count))
  }

  /// The packet of a form, without payload, truncated as late as possible. Nil if none meets the goals.
  private mutating func cutPacket(of form: PacketForm) throws(ProofError) -> Witness? {
    guard form.count > 0 else { return nil }
    var facts = PacketFacts()
    facts.octets = form.knownOctets(length: form.count)
    facts.caplen = 0...UInt32(form.count - 1)
    guard let script = try begin(facts, nil) else { return nil }
    try solver.send("(assert (= len (_ bv\(form.count) 32)))\n")
    guard try check() == .satisfiable else { return nil }
    var (low, high) = (try caplen(), form.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      try solver.send("(push)\n(assert (bvuge caplen (_ bv\(middle) 32)))\n")
      if try check() == .satisfiable {
        low = try caplen()
      } else {
        high = middle - 1
      }
      try solver.send("(pop)\n")
    }
    try solver.send("(assert (= caplen (_ bv\(low) 32)))\n")
    var octets = goals.withChecksums(form.packet(length: form.count), form)
    try settle(&octets, script)
    let captured = Array(octets.prefix(low))
    return goals.areMet(by: captured, len: form.count) ? Witness(octets: captured, len: UInt32(form.count)) : nil
  }

  /// The packet with the fewest bytes of all, truncated or not.
  private mutating func cutPacket() throws(ProofError) -> WitnessSearch {
    guard let script = try begin(PacketFacts(), nil) else { return .none }
    switch try check() {
    case .unsatisfiable: return .none
    case .unknown: return .unknown
    case .satisfiable: break
    }
    var caplen = UInt32(try caplen())
    try noteAnyPacket(script, caplen: Int(caplen))
    try narrow("caplen", &caplen)
    try solver.send("(assert (= caplen (_ bv\(caplen) 32)))\n")
    guard try check() == .satisfiable else { return .unknown }
    var len = UInt32(try solver.values(of: ["len"])[0])
    try narrow("len", &len)
    try solver.send("(assert (= len (_ bv\(len) 32)))\n")
    var octets = [UInt8](repeating: 0, count: Int(caplen))
    try settle(&octets, script)
    return goals.areMet(by: octets, len: Int(len)) ? .found(Witness(octets: octets, len: len)) : .unknown
  }

  /// Stores the packet of the solver's current model.
  private mutating func noteAnyPacket(_ script: SMTText, caplen: Int) throws(ProofError) {
    let len = try solver.values(of: ["len"])[0]
    // In an array any byte may matter; of a longer packet no more are read.
    let asked = script.hasArray ? Array(0..<min(caplen, 4096)) : script.octets.map(Int.init).filter { $0 < caplen }
    let values = try solver.values(of: asked.map { script.octet(UInt32($0)) })
    var octets = [UInt8](repeating: 0, count: caplen)
    for (offset, value) in zip(asked, values) { octets[offset] = UInt8(truncatingIfNeeded: value) }
    if goals.areMet(by: octets, len: Int(len)) { anyPacket = Witness(octets: octets, len: UInt32(len)) }
  }

  /// Finds the smallest possible value of a variable, starting from a known one.
  private mutating func narrow(_ name: String, _ value: inout UInt32) throws(ProofError) {
    var low: UInt32 = 0
    while low < value {
      let middle = low + (value - low) / 2
      try solver.send("(push)\n(assert (bvule \(name) (_ bv\(middle) 32)))\n")
      let isPossible = try check() == .satisfiable
      if isPossible { value = min(middle, UInt32(try solver.values(of: [name])[0])) } else { low = middle + 1 }
      try solver.send("(pop)\n")
    }
  }

  // MARK: Bytes

  /// Sets bytes so that the goals are met, changing as few as possible; earlier bytes are kept in preference to later ones.
  private mutating func settle(_ octets: inout [UInt8], _ script: SMTText) throws(ProofError) {
    guard try check() == .satisfiable else { return }
    // In an array any byte may matter; in a long packet the later ones are taken from the solver as they are.
    let asked = script.hasArray ? Array(octets.indices) : script.octets.map(Int.init).filter { $0 < octets.count }
    let names = asked.map { script.octet(UInt32($0)) }
    let first = try solver.values(of: names)
    let kept = Preference(names: names, values: asked.map { octets[$0] })
    try keep(kept, 0..<min(asked.count, 4096))
    let values = try check() == .satisfiable ? try solver.values(of: names) : first
    for (offset, value) in zip(asked, values) { octets[offset] = UInt8(truncatingIfNeeded: value) }
  }

  /// The names of bytes in the script, and their preferred values.
  private struct Preference {
    let names: [String]
    let values: [UInt8]

    func isKept(_ index: Int) -> String { "(= \(names[index]) (_ bv\(values[index]) 8))" }
  }

  /// Asserts that the bytes in this range keep their values; if not all can, each half is tried separately.
  private mutating func keep(_ preference: Preference, _ range: Range<Int>) throws(ProofError) {
    var open = [range]
    while let range = open.popLast() {
      guard !range.isEmpty else { continue }
      let all = range.map { preference.isKept($0) }.joined(separator: " ")
      try solver.send("(push)\n(assert (and true \(all)))\n")
      if try check() == .satisfiable { continue }
      try solver.send("(pop)\n")
      if range.count == 1 {
        try keepBits(preference, range.lowerBound)
      } else {
        let middle = range.lowerBound + range.count / 2
        open += [middle..<range.upperBound, range.lowerBound..<middle]
      }
    }
  }

  /// The same for the bits of a byte, the most significant first.
  private mutating func keepBits(_ preference: Preference, _ index: Int) throws(ProofError) {
    for bit in (0..<8).reversed() {
      let extracted = "((_ extract \(bit) \(bit)) \(preference.names[index]))"
      let value = preference.values[index] >> UInt8(bit) & 1
      try solver.send("(push)\n(assert (= \(extracted) #b\(value)))\n")
      if try check() != .satisfiable { try solver.send("(pop)\n") }
    }
  }
}

extension PacketFacts {
  /// Packets that were captured completely.
  fileprivate static func whole(_ octets: [UInt32: UInt8], _ lengths: ClosedRange<Int>) -> PacketFacts {
    var facts = PacketFacts()
    facts.octets = octets
    facts.caplen = UInt32(lengths.lowerBound)...UInt32(lengths.upperBound)
    facts.isWhole = true
    return facts
  }
}
