import BPF

/// A byte whose position depends on other bytes.
private struct ReachedOctet: Hashable {
  let base: TermID
  let offset: UInt32

  var name: String { "r\(base.index)_\(offset)" }
}

/// Writes terms as a script in SMT-LIB 2 (version 2.6): a definition for each term that is needed.
///
/// If every load is at a fixed offset, each byte is a variable; otherwise the packet is an array of bytes. With `separate` there is no
/// array: bytes that are reached in different ways are different variables, though they may be the same byte. What is impossible under that
/// assumption is impossible in general.
struct SMTText {
  private let terms: TermTable
  private let isSeparate: Bool
  let hasArray: Bool
  /// False if some bytes are different variables although they may be the same byte.
  let isExact: Bool
  /// The bytes that are variables identified by how they are reached.
  private let reached: Set<ReachedOctet>
  /// The bytes at fixed offsets that the terms depend on, in order.
  let octets: [UInt32]
  private let octetSet: Set<UInt32>
  /// Words about which nothing is known, except perhaps their maximum.
  private let variables: [TermID]
  /// The complete script up to the definitions.
  private(set) var text = ""

  /// Defines the terms that `goals` depend on. Throws if that takes too long.
  init(_ terms: TermTable, goals: [TermID], separate: Bool = false, until deadline: Deadline) throws(ProofError) {
    self.terms = terms
    isSeparate = separate
    var isNeeded = [Bool](repeating: false, count: terms.terms.count)
    for goal in goals { isNeeded[goal.index] = true }
    var (hasArray, octets, variables) = (false, Set<UInt32>(), [TermID]())
    var reached: Set<ReachedOctet> = []
    for index in isNeeded.indices.reversed() where isNeeded[index] {
      try deadline.check(step: index)
      let term = terms.terms[index]
      term.forEachPart { isNeeded[$0.index] = true }
      switch term {
      case .load(let count, let base, let offset):
        if base != nil { hasArray = true }
        for place in 0..<count {
          if let base {
            reached.insert(ReachedOctet(base: base, offset: offset &+ place))
          } else {
            octets.insert(offset &+ place)
          }
        }
      case .ancillary, .cut: variables.append(TermID(index: index))
      default: break
      }
    }
    self.hasArray = hasArray && !separate
    self.reached = separate ? reached : []
    isExact = !separate || !hasArray
    self.octets = octets.filter { terms.facts.octets[$0] == nil }.sorted()
    octetSet = octets
    self.variables = variables
    declare()
    for index in isNeeded.indices where isNeeded[index] {
      try deadline.check(step: index)
      define(TermID(index: index))
    }
  }

  /// The name under which a term is defined.
  static func name(_ term: TermID) -> String { "t\(term.index)" }

  /// A byte of the packet as a term of eight bits.
  func octet(_ offset: UInt32) -> String {
    if let known = terms.facts.octets[offset] { return "(_ bv\(known) 8)" }
    return hasArray ? "(select packet (_ bv\(offset) 32))" : "o\(offset)"
  }

  /// True if the script declares the byte and does not know its value.
  func isDeclared(_ offset: UInt32) -> Bool {
    terms.facts.octets[offset] == nil && (hasArray || octetSet.contains(offset))
  }

  private mutating func declare() {
    let word = "(_ BitVec 32)"
    text += "(declare-const caplen \(word))\n"
    let (least, most) = (terms.facts.caplen.lowerBound, terms.facts.caplen.upperBound)
    text += "(assert (and (bvule (_ bv\(least) 32) caplen) (bvule caplen (_ bv\(most) 32))))\n"
    if terms.facts.isWhole {
      text += "(define-fun len () \(word) caplen)\n"
    } else {
      text += "(declare-const len \(word))\n"
      if !terms.facts.isEndless { text += "(assert (bvule caplen len))\n" }
    }
    if hasArray {
      text += "(declare-const packet (Array \(word) (_ BitVec 8)))\n"
    } else {
      for offset in octets { text += "(declare-const o\(offset) (_ BitVec 8))\n" }
    }
    for octet in reached { text += "(declare-const \(octet.name) (_ BitVec 8))\n" }
    for term in variables {
      text += "(declare-const \(Self.name(term)) \(word))\n"
      if case .cut(_, let most) = terms[term], most < .max {
        text += "(assert (bvule \(Self.name(term)) (_ bv\(most) 32)))\n"
      }
    }
  }

  private mutating func define(_ number: TermID) {
    switch terms[number] {
    case .ancillary, .cut: return
    default: break
    }
    text += "(define-fun \(Self.name(number)) () \(terms[number].isTruth ? "Bool" : "(_ BitVec 32)") "
    text += value(number)
    text += ")\n"
  }

  private func value(_ number: TermID) -> String {
    func n(_ term: TermID) -> String { Self.name(term) }
    switch terms[number] {
    case .word(let number): return "(_ bv\(number) 32)"
    case .len: return "len"
    case .ancillary, .cut: return n(number)
    case .load(let count, let base, let offset):
      let octets = (0..<count).map { place in
        let offset = offset &+ place
        guard let base else { return octet(offset) }
        if isSeparate { return ReachedOctet(base: base, offset: offset).name }
        return "(select packet (bvadd \(n(base)) (_ bv\(offset) 32)))"
      }
      switch count {
      case 4: return "(concat \(octets.joined(separator: " ")))"
      case 2: return "((_ zero_extend 16) (concat \(octets.joined(separator: " "))))"
      default: return "((_ zero_extend 24) \(octets[0]))"
      }
    case .arithmetic(let operation, let left, let right): return "(\(operation.word) \(n(left)) \(n(right)))"
    case .choice(let condition, let first, let second): return "(ite \(n(condition)) \(n(first)) \(n(second)))"
    case .truth(let truth): return truth ? "true" : "false"
    case .compare(.equal, let left, let right): return "(= \(n(left)) \(n(right)))"
    case .compare(.greater, let left, let right): return "(bvugt \(n(left)) \(n(right)))"
    case .compare(.greaterOrEqual, let left, let right): return "(bvuge \(n(left)) \(n(right)))"
    case .compare(.anyBits, let left, let right): return "(distinct (bvand \(n(left)) \(n(right))) (_ bv0 32))"
    case .within(nil, let end): return "(bvule (_ bv\(end) 32) caplen)"
    case .within(let base?, let end):
      // Both sums stay below 2^32: the first comparison rejects any `caplen` for which they would not.
      return "(and (bvule (_ bv\(end) 32) caplen) (bvule \(n(base)) (bvsub caplen (_ bv\(end) 32))))"
    case .not(let inner): return "(not \(n(inner)))"
    case .and(let left, let right): return "(and \(n(left)) \(n(right)))"
    case .or(let left, let right): return "(or \(n(left)) \(n(right)))"
    }
  }
}

extension Operation {
  /// The function in the theory of bit vectors.
  fileprivate var word: String {
    switch self {
    case .add: "bvadd"
    case .sub: "bvsub"
    case .mul: "bvmul"
    case .div: "bvudiv"
    case .mod: "bvurem"
    case .and: "bvand"
    case .or: "bvor"
    case .xor: "bvxor"
    case .lsh: "bvshl"
    case .rsh: "bvlshr"
    }
  }
}

extension Term {
  fileprivate var isTruth: Bool {
    switch self {
    case .word, .len, .ancillary, .load, .arithmetic, .choice, .cut: false
    case .truth, .compare, .within, .not, .and, .or: true
    }
  }

  /// Calls `body` for the operands of the term.
  func forEachPart(_ body: (TermID) -> Void) {
    switch self {
    case .word, .len, .cut, .truth: break
    case .ancillary(_, let a, let x):
      if let a { body(a) }
      if let x { body(x) }
    case .load(_, let base, _), .within(let base, _):
      if let base { body(base) }
    case .arithmetic(_, let left, let right), .compare(_, let left, let right), .and(let left, let right),
      .or(let left, let right):
      body(left)
      body(right)
    case .choice(let condition, let first, let second):
      body(condition)
      body(first)
      body(second)
    case .not(let inner): body(inner)
    }
  }
}
