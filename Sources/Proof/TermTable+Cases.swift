/// The byte values that a truth requires, if it is one of a few cases.
extension TermTable {
  /// A way in which a truth can hold, as far as it is known.
  private struct Way {
    /// Terms that must hold as well and have not been examined yet.
    var pending: [TermID]
    var seen: Set<TermID> = []
    /// Atomic truths that hold together.
    var truths: [TermID] = []
  }

  /// The maximum number of cases; more are not distinguished.
  private static let mostCases = 16
  /// The maximum number of terms to examine.
  private static let mostSteps = 4096

  /// The ways in which a truth can hold, each a list of truths that hold together. Nil if there are too many.
  func cases(of truth: TermID) -> [[TermID]]? {
    var found: [[TermID]] = []
    var open = [Way(pending: [truth])]
    var steps = 0
    ways: while var way = open.popLast() {
      while let term = way.pending.popLast() {
        steps += 1
        guard steps < Self.mostSteps else { return nil }
        guard way.seen.insert(term).inserted else { continue }
        switch self[term] {
        case .truth(true): continue
        case .truth(false): continue ways
        case .and(let first, let second): way.pending += [second, first]
        case .or(let first, let second):
          var other = way
          other.pending.append(second)
          open.append(other)
          guard open.count + found.count < Self.mostCases else { return nil }
          way.pending.append(first)
        default: way.truths.append(term)
        }
      }
      found.append(way.truths)
    }
    return found
  }

  /// The byte values that these truths require; nil if they contradict each other.
  func octets(where truths: [TermID]) -> [UInt32: UInt8]? {
    var octets: [UInt32: UInt8] = [:]
    for truth in truths {
      guard case .compare(.equal, let first, let second) = self[truth] else { continue }
      for (load, value) in [(first, second), (second, first)] {
        guard case .load(let count, nil, let offset) = self[load], let value = number(value) else { continue }
        for index in 0..<count {
          let octet = UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - index)))
          guard octets.updateValue(octet, forKey: offset &+ index) ?? octet == octet else { return nil }
        }
      }
    }
    return octets
  }
}
