/// A comparison, possibly with its branches exchanged.
struct SimplifiedComparison {
  var comparison: Comparison
  var isInverted = false
}

extension ValueTable {
  /// The simplest comparison with the same outcome wherever `facts` holds. It makes the same loads.
  mutating func simplified(
    _ comparison: Comparison, _ facts: PathFacts, _ analysis: inout ValueAnalysis
  ) -> SimplifiedComparison {
    var result = SimplifiedComparison(comparison: comparison)
    result.turnConstantRight(self)
    // Each step removes an operation from the left side, or puts a relation into canonical form.
    while let next = simpler(result.comparison, facts, analysis) {
      result.comparison = next.comparison
      if next.isInverted { result.isInverted.toggle() }
      analysis.update(for: self)
    }
    return result
  }

  private mutating func simpler(
    _ comparison: Comparison, _ facts: PathFacts, _ analysis: ValueAnalysis
  ) -> SimplifiedComparison? {
    guard case .constant(let constant) = self[comparison.right] else { return nil }
    let left = comparison.left
    if let canonical = canonicalForm(comparison.relation, left, constant) { return canonical }
    switch self[left] {
    case .negate(let operand):
      return comparison.relation == .equal ? make(.equal, operand, 0 &- constant) : nil
    case .arithmetic(let operation, let operand, let second):
      guard case .constant(let number) = self[second] else { return nil }
      let known = facts.number(operand, self, analysis)
      switch operation {
      case .and: return simplerMask(comparison.relation, operand, number, constant, known)
      case .shiftRight where number < 32: return simplerShiftRight(comparison.relation, operand, number, constant)
      case .shiftLeft where number < 32 && known.maximum.leadingZeroBitCount >= Int(number):
        return simplerShiftLeft(comparison.relation, operand, number, constant)
      case .add: return simplerSum(comparison.relation, operand, number, constant, known)
      case .subtract: return comparison.relation == .equal ? make(.equal, operand, constant &+ number) : nil
      case .xor: return comparison.relation == .equal ? make(.equal, operand, constant ^ number) : nil
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func make(
    _ relation: Relation, _ left: ValueID, _ constant: UInt32, inverted: Bool = false
  ) -> SimplifiedComparison {
    let right = intern(.constant(constant))
    return SimplifiedComparison(
      comparison: Comparison(relation: relation, left: left, right: right), isInverted: inverted)
  }

  /// Greater than 0 is the same as not equal to 0; so is having any of all bits set.
  private mutating func canonicalForm(_ relation: Relation, _ left: ValueID, _ constant: UInt32)
    -> SimplifiedComparison?
  {
    switch relation {
    case .greater where constant == 0: make(.equal, left, 0, inverted: true)
    case .greaterOrEqual where constant == 1: make(.equal, left, 0, inverted: true)
    case .anyBitsSet where constant == .max: make(.equal, left, 0, inverted: true)
    default: nil
    }
  }

  /// `operand & mask`, compared with a constant.
  private mutating func simplerMask(
    _ relation: Relation, _ operand: ValueID, _ mask: UInt32, _ constant: UInt32, _ known: ValueRange
  ) -> SimplifiedComparison? {
    // The mask clears nothing.
    if known.possibleBits & ~mask == 0 { return make(relation, operand, constant) }
    switch relation {
    case .anyBitsSet: return make(.anyBitsSet, operand, constant & mask)
    case .equal:
      if constant & ~mask != 0 { return nil }
      // The bits that can still differ.
      let open = mask & ~known.knownMask
      if (known.knownBits ^ constant) & known.knownMask & mask != 0 { return nil }
      if constant & open == 0 { return make(.anyBitsSet, operand, open, inverted: true) }
      if open.nonzeroBitCount == 1 { return make(.anyBitsSet, operand, open) }
    case .greater, .greaterOrEqual:
      let limit = relation == .greater ? constant : constant &- 1
      if limit & (limit &+ 1) == 0, limit != .max { return make(.anyBitsSet, operand, mask & ~limit) }
    }
    // A mask that only clears the lowest bits compares with a range.
    let low = ~mask & known.possibleBits
    guard low & (low &+ 1) == 0, low < .max else { return nil }
    switch relation {
    case .equal:
      if known.minimum >= constant { return make(.greater, operand, constant | low, inverted: true) }
      return known.maximum <= constant | low ? make(.greaterOrEqual, operand, constant) : nil
    case .greater: return make(.greater, operand, constant | low)
    case .greaterOrEqual:
      let first = constant & low == 0 ? constant : (constant | low) &+ 1
      return first == 0 ? nil : make(.greaterOrEqual, operand, first)
    case .anyBitsSet: return nil
    }
  }

  /// `operand >> shift`, compared with a constant.
  private mutating func simplerShiftRight(
    _ relation: Relation, _ operand: ValueID, _ shift: UInt32, _ constant: UInt32
  ) -> SimplifiedComparison? {
    guard constant <= UInt32.max >> shift else { return nil }
    let first = constant << shift
    let last = first | ~(~0 << shift)
    switch relation {
    case .anyBitsSet: return make(.anyBitsSet, operand, first)
    case .greater: return make(.greater, operand, last)
    case .greaterOrEqual: return make(.greaterOrEqual, operand, first)
    case .equal:
      // As a mask, which can be simplified further.
      let mask = intern(.constant(~0 << shift))
      let masked = intern(.arithmetic(.and, operand, mask))
      return make(.equal, masked, first)
    }
  }

  /// `operand << shift`, which loses no bits, compared with a constant.
  private mutating func simplerShiftLeft(
    _ relation: Relation, _ operand: ValueID, _ shift: UInt32, _ constant: UInt32
  ) -> SimplifiedComparison? {
    let low = ~(~UInt32(0) << shift)
    switch relation {
    case .equal: return constant & low == 0 ? make(.equal, operand, constant >> shift) : nil
    case .greater: return make(.greater, operand, constant >> shift)
    case .greaterOrEqual: return make(.greaterOrEqual, operand, constant >> shift + (constant & low == 0 ? 0 : 1))
    case .anyBitsSet: return make(.anyBitsSet, operand, constant >> shift)
    }
  }

  /// `operand + number`, compared with a constant.
  private mutating func simplerSum(
    _ relation: Relation, _ operand: ValueID, _ number: UInt32, _ constant: UInt32, _ known: ValueRange
  ) -> SimplifiedComparison? {
    if relation == .equal { return make(.equal, operand, constant &- number) }
    let wraps = known.maximum.addingReportingOverflow(number).overflow
    guard relation != .anyBitsSet, !wraps, constant >= number else { return nil }
    return make(relation, operand, constant - number)
  }
}

extension SimplifiedComparison {
  /// Moves a constant from the left to the right side.
  fileprivate mutating func turnConstantRight(_ table: ValueTable) {
    guard case .constant = table[comparison.left] else { return }
    if case .constant = table[comparison.right] { return }
    swap(&comparison.left, &comparison.right)
    switch comparison.relation {
    case .equal, .anyBitsSet: break
    case .greater:
      comparison.relation = .greaterOrEqual
      isInverted.toggle()
    case .greaterOrEqual:
      comparison.relation = .greater
      isInverted.toggle()
    }
  }
}
