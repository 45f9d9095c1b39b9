import BPF

/// A term in its `TermTable`. The operands of a term have lower numbers than the term.
struct TermID: Hashable, Sendable, BitwiseCopyable, Comparable {
  let index: Int
  static func < (first: TermID, second: TermID) -> Bool { first.index < second.index }
}

/// Arithmetic on 32-bit words as in classic BPF.
enum Operation: Hashable, Sendable {
  case add, sub, mul, div, mod, and, or, xor, lsh, rsh
}

/// A comparison of two words, unsigned; `anyBits` is true if they have a bit in common.
enum Relation: Hashable, Sendable {
  case equal, greater, greaterOrEqual, anyBits
}

/// What a program computes from an unknown packet: a 32-bit word, or a truth value.
enum Term: Hashable, Sendable {
  case word(UInt32)
  /// The packet's length on the wire.
  case len
  /// Metadata that the kernel knows; `a` and `x` are given if they determine what is loaded.
  case ancillary(UInt32, a: TermID?, x: TermID?)
  /// This many bytes at `base + offset`, which does not wrap if the load succeeds; the most significant first.
  case load(octets: UInt32, base: TermID?, offset: UInt32)
  case arithmetic(Operation, TermID, TermID)
  /// The second operand if the first is true, otherwise the third.
  case choice(TermID, TermID, TermID)

  /// A variable that stands for a computed word (`CutPoints`), with an upper bound.
  case cut(Int, atMost: UInt32)

  case truth(Bool)
  case compare(Relation, TermID, TermID)
  /// True if `base + end`, which does not wrap, is within the captured bytes.
  case within(base: TermID?, end: UInt32)
  case not(TermID)
  case and(TermID, TermID)
  case or(TermID, TermID)
}

/// What is known about the packets that a proof covers.
struct PacketFacts: Sendable {
  /// The maximum number of captured bytes of a packet: the largest snapshot length.
  static let maximumCaplen: UInt32 = 262_144

  /// The number of captured bytes.
  var caplen: ClosedRange<UInt32> = 0...maximumCaplen
  /// Known bytes by offset.
  var octets: [UInt32: UInt8] = [:]
  /// True if the packet was captured completely.
  var isWhole = false
  /// True if no packet ends before the bytes that are requested, whatever its length on the wire is: then `caplen` has no meaning.
  var isEndless = false
  /// True if ancillary loads return what the kernel knows; false if they reject the packet, as they do outside the kernel.
  var hasAncillary = false
}

/// Terms, each stored once, simplified as they are created.
struct TermTable {
  let facts: PacketFacts
  private(set) var terms: [Term] = []
  /// An upper bound for each term that is a word.
  private var maxima: [UInt32] = []
  private var numbers: [Term: TermID] = [:]

  init(_ facts: PacketFacts = PacketFacts()) { self.facts = facts }

  subscript(term: TermID) -> Term { terms[term.index] }

  private mutating func intern(_ term: Term) -> TermID {
    if let known = numbers[term] { return known }
    let number = TermID(index: terms.count)
    terms.append(term)
    maxima.append(bound(of: term))
    numbers[term] = number
    return number
  }

  // MARK: Words

  mutating func word(_ number: UInt32) -> TermID { intern(.word(number)) }

  mutating func len() -> TermID {
    if facts.isWhole, facts.caplen.count == 1 { return word(facts.caplen.lowerBound) }
    return intern(.len)
  }

  /// A new variable that stands for a computed word.
  mutating func cut(standingFor computed: TermID) -> TermID {
    intern(.cut(terms.count, atMost: maximum(computed)))
  }

  mutating func ancillary(_ offset: UInt32, a: TermID? = nil, x: TermID? = nil) -> TermID {
    intern(.ancillary(offset, a: a, x: x))
  }

  /// The number that a term always is; nil if it is not constant.
  func number(_ term: TermID) -> UInt32? {
    if case .word(let number) = self[term] { number } else { nil }
  }

  /// The load of bytes that are known to be in the packet.
  mutating func load(octets: UInt32, base: TermID?, offset: UInt32) -> TermID {
    let (base, offset) = place(base, offset)
    guard base == nil else { return intern(.load(octets: octets, base: base, offset: offset)) }
    var value: UInt32 = 0
    for index in 0..<octets {
      guard let octet = facts.octets[offset &+ index] else {
        return intern(.load(octets: octets, base: nil, offset: offset))
      }
      value = value << 8 | UInt32(octet)
    }
    return word(value)
  }

  /// The same position with the whole constant moved into the offset, if no sum wraps.
  private func place(_ base: TermID?, _ offset: UInt32) -> (base: TermID?, offset: UInt32) {
    guard let base, case .arithmetic(.add, let rest, let last) = self[base], let constant = number(last) else {
      return (base, offset)
    }
    let (sum, overflow) = offset.addingReportingOverflow(constant)
    guard !overflow, !maximum(rest).addingReportingOverflow(constant).overflow else { return (base, offset) }
    return (rest, sum)
  }

  /// Sums have a canonical form: operands in order, then a constant. So do multiples of powers of two, as shifts.
  mutating func arithmetic(_ operation: Operation, _ left: TermID, _ right: TermID) -> TermID {
    if let first = number(left), let second = number(right) { return word(Self.result(operation, first, second)) }
    switch operation {
    case .add: return sum(left, right)
    case .sub: if let second = number(right) { return sum(left, word(0 &- second)) }
    case .mul, .and, .or, .xor:
      if number(left) != nil || (number(right) == nil && right < left) { return commuted(operation, right, left) }
      return commuted(operation, left, right)
    case .div:
      if let second = number(right), second.nonzeroBitCount == 1 {
        return arithmetic(.rsh, left, word(UInt32(second.trailingZeroBitCount)))
      }
    case .mod:
      if let second = number(right), second.nonzeroBitCount == 1 { return arithmetic(.and, left, word(second - 1)) }
    case .lsh:
      guard let distance = number(right) else { break }
      if distance == 0 { return left }
      if case .arithmetic(.add, let rest, let last) = self[left], let constant = number(last) {
        return sum(arithmetic(.lsh, rest, right), word(constant << distance))
      }
    case .rsh: if number(right) == 0 { return left }
    }
    return intern(.arithmetic(operation, left, right))
  }

  /// A commutative operation; a constant becomes the second operand.
  private mutating func commuted(_ operation: Operation, _ left: TermID, _ right: TermID) -> TermID {
    guard let second = number(right) else { return intern(.arithmetic(operation, left, right)) }
    switch operation {
    case .or, .xor: if second == 0 { return left }
    case .mul:
      if second == 0 { return right }
      if second.nonzeroBitCount == 1 { return arithmetic(.lsh, left, word(UInt32(second.trailingZeroBitCount))) }
    case .and:
      if second == 0 { return right }
      // The mask keeps every bit that can be set.
      let bits = Self.ones(maximum(left))
      if bits & ~second == 0 { return left }
    case .add, .sub, .div, .mod, .lsh, .rsh: break
    }
    return intern(.arithmetic(operation, left, right))
  }

  /// Sums with more operands than this are not sorted.
  private static let mostParts = 64

  private mutating func sum(_ left: TermID, _ right: TermID) -> TermID {
    var (parts, constant) = ([TermID](), UInt32(0))
    for side in [left, right] {
      var open = side
      while true {
        if let number = number(open) {
          constant &+= number
          break
        }
        guard parts.count < Self.mostParts, case .arithmetic(.add, let rest, let last) = self[open] else {
          parts.append(open)
          break
        }
        if let number = number(last) { constant &+= number } else { parts.append(last) }
        open = rest
      }
    }
    parts.sort()
    guard var total = parts.first else { return word(constant) }
    for part in parts.dropFirst() { total = intern(.arithmetic(.add, total, part)) }
    return constant == 0 ? total : intern(.arithmetic(.add, total, word(constant)))
  }

  /// The result in classic BPF; 0 for a division by 0, which is never reached.
  static func result(_ operation: Operation, _ left: UInt32, _ right: UInt32) -> UInt32 {
    switch operation {
    case .add: left &+ right
    case .sub: left &- right
    case .mul: left &* right
    case .div: right == 0 ? 0 : left / right
    case .mod: right == 0 ? 0 : left % right
    case .and: left & right
    case .or: left | right
    case .xor: left ^ right
    case .lsh: left << right
    case .rsh: left >> right
    }
  }

  /// An upper bound for the term.
  private func maximum(_ term: TermID) -> UInt32 { maxima[term.index] }

  /// The smallest number of the form 2^n - 1 that is not below `number`.
  private static func ones(_ number: UInt32) -> UInt32 {
    number == 0 ? 0 : UInt32.max >> UInt32(number.leadingZeroBitCount)
  }

  private func bound(of term: Term) -> UInt32 {
    switch term {
    case .word(let number), .cut(_, let number): return number
    case .load(let octets, _, _): return UInt32.max >> (32 - 8 * octets)
    case .choice(_, let first, let second): return max(maximum(first), maximum(second))
    case .arithmetic(let operation, let left, let right):
      let (first, second) = (maximum(left), maximum(right))
      switch operation {
      case .add:
        let (sum, overflow) = first.addingReportingOverflow(second)
        return overflow ? .max : sum
      case .and: return min(first, second)
      case .or, .xor: return Self.ones(max(first, second))
      case .lsh:
        guard let distance = number(right), UInt64(first) << UInt64(distance) <= UInt64(UInt32.max) else { return .max }
        return first << distance
      case .rsh: return number(right).map { first >> $0 } ?? first
      case .div: return first
      case .mod: return number(right).map { $0 == 0 ? 0 : $0 - 1 } ?? first
      case .sub, .mul: return .max
      }
    case .len, .ancillary, .truth, .compare, .within, .not, .and, .or: return .max
    }
  }

  mutating func choice(_ condition: TermID, _ first: TermID, _ second: TermID) -> TermID {
    if first == second { return first }
    if case .truth(let truth) = self[condition] { return truth ? first : second }
    if case .not(let inner) = self[condition] { return intern(.choice(inner, second, first)) }
    return intern(.choice(condition, first, second))
  }

  // MARK: Truths

  mutating func truth(_ truth: Bool) -> TermID { intern(.truth(truth)) }

  mutating func compare(_ relation: Relation, _ left: TermID, _ right: TermID) -> TermID {
    if let first = number(left), let second = number(right) {
      switch relation {
      case .equal: return truth(first == second)
      case .greater: return truth(first > second)
      case .greaterOrEqual: return truth(first >= second)
      case .anyBits: return truth(first & second != 0)
      }
    }
    if let second = number(right) {
      let most = maximum(left)
      switch relation {
      case .equal: if second > most { return truth(false) }
      case .greater: if second >= most { return truth(false) }
      case .greaterOrEqual:
        if second > most { return truth(false) }
        if second == 0 { return truth(true) }
        // One of the two forms is enough.
        return compare(.greater, left, word(second - 1))
      case .anyBits: if second == 0 { return truth(false) }
      }
    }
    if left == right, relation != .anyBits { return truth(relation != .greater) }
    switch relation {
    case .equal, .anyBits: return intern(.compare(relation, min(left, right), max(left, right)))
    case .greater, .greaterOrEqual: return intern(.compare(relation, left, right))
    }
  }

  /// True if this many bytes at `base + offset` were captured.
  mutating func within(base: TermID?, offset: UInt32, octets: UInt32) -> TermID {
    let (base, offset) = place(base, offset)
    let (end, overflow) = offset.addingReportingOverflow(octets)
    if overflow || end > facts.caplen.upperBound { return truth(false) }
    if facts.isEndless {
      let last = (base.map { maximum($0) } ?? 0).addingReportingOverflow(end)
      if !last.overflow, last.partialValue <= facts.caplen.upperBound { return truth(true) }
    }
    if base == nil, end <= facts.caplen.lowerBound { return truth(true) }
    return intern(.within(base: base, end: end))
  }

  mutating func not(_ term: TermID) -> TermID {
    switch self[term] {
    case .truth(let value): truth(!value)
    case .not(let inner): inner
    default: intern(.not(term))
    }
  }

  private func areOpposite(_ first: TermID, _ second: TermID) -> Bool {
    if case .not(second) = self[first] { return true }
    if case .not(first) = self[second] { return true }
    return false
  }

  mutating func and(_ first: TermID, _ second: TermID) -> TermID {
    if first == second { return first }
    if case .truth(let value) = self[first] { return value ? second : first }
    if case .truth(let value) = self[second] { return value ? first : second }
    if areOpposite(first, second) { return truth(false) }
    if case .and(let left, let right) = self[first] {
      if left == second || right == second { return first }
      if areOpposite(right, second) || areOpposite(left, second) { return truth(false) }
    }
    return intern(.and(first, second))
  }

  mutating func or(_ first: TermID, _ second: TermID) -> TermID {
    if first == second { return first }
    if case .truth(let value) = self[first] { return value ? first : second }
    if case .truth(let value) = self[second] { return value ? second : first }
    if areOpposite(first, second) { return truth(true) }
    // If two paths that diverged at one place meet again, only the condition of that place matters.
    if case .and(let left, let right) = self[first] {
      if left == second { return second }
      if case .and(left, let other) = self[second] { return and(left, or(right, other)) }
    }
    if case .and(first, _) = self[second] { return first }
    return intern(.or(first, second))
  }

  /// True if exactly one of two truths holds.
  mutating func difference(_ first: TermID, _ second: TermID) -> TermID {
    or(and(first, not(second)), and(second, not(first)))
  }
}
