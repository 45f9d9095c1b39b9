/// What is known about every packet that reaches a point of a graph.
struct PathFacts: Sendable {
  /// Where bytes are counted from.
  private enum Origin: Hashable {
    case packet
    case value(ValueID)
    case ancillary(UInt32)
  }

  /// The values about which more is known here than everywhere.
  private var numbers = ShortMap<ValueID, ValueRange>()
  /// How many bytes, counted from each origin, are at least captured.
  private var captured = ShortMap<Origin, UInt64>()
  /// Variables with the value they were assigned, where that is the same on every path.
  private var assignments = ShortMap<ValueID, ValueID>()
  /// Outcomes of comparisons that `numbers` cannot express.
  private var outcomes = ShortMap<Comparison, Bool>()
  /// True if no packet can reach this point.
  private(set) var isImpossible = false

  /// At most this many values are kept.
  private static let limit = 96
  /// How deep the operands of a value are followed.
  private static let depthLimit = 6

  // MARK: Numbers

  /// The numbers that `value` can be here.
  func number(_ value: ValueID, _ table: ValueTable, _ analysis: ValueAnalysis, depth: Int = 0) -> ValueRange {
    let general = analysis.numbers[value.index]
    if numbers.isEmpty || general.single != nil { return general }
    let known = numbers[value]
    guard depth < Self.depthLimit else { return known ?? general }
    switch table[value] {
    case .arithmetic(let operation, let left, let right):
      let computed = ValueRange.result(
        operation, number(left, table, analysis, depth: depth + 1), number(right, table, analysis, depth: depth + 1))
      return (known ?? general).intersection(computed)
    default: return known ?? general
    }
  }

  /// The outcome of the comparison where it is the same for every packet that gets here; nil otherwise.
  func outcome(_ comparison: Comparison, _ table: ValueTable, _ analysis: ValueAnalysis) -> Bool? {
    let left = number(comparison.left, table, analysis)
    let right = number(comparison.right, table, analysis)
    if let known = outcomes[comparison] { return known }
    if let constant = right.single { return left.holds(comparison.relation, constant) }
    if let constant = left.single { return right.holds(constantOnLeft: constant, comparison.relation) }
    if comparison.left == comparison.right, comparison.relation != .anyBitsSet {
      return comparison.relation != .greater
    }
    switch comparison.relation {
    case .equal: return left.intersection(right).isEmpty ? false : nil
    case .greater:
      if left.minimum > right.maximum { return true }
      return left.maximum <= right.minimum ? false : nil
    case .greaterOrEqual:
      if left.minimum >= right.maximum { return true }
      return left.maximum < right.minimum ? false : nil
    case .anyBitsSet: return left.possibleBits & right.possibleBits == 0 ? false : nil
    }
  }

  /// Records that the comparison had this outcome.
  mutating func assume(_ comparison: Comparison, _ outcome: Bool, _ table: ValueTable, _ analysis: ValueAnalysis) {
    let left = number(comparison.left, table, analysis)
    let right = number(comparison.right, table, analysis)
    if let constant = right.single {
      let narrowed = left.narrowed(comparison.relation, constant, outcome)
      narrow(comparison.left, to: narrowed, table, analysis)
      if narrowed.holds(comparison.relation, constant) == nil { remember(comparison, outcome) }
    } else if let constant = left.single {
      narrow(
        comparison.right, to: right.narrowed(constantOnLeft: constant, comparison.relation, outcome), table, analysis)
    } else {
      remember(comparison, outcome)
      if comparison.relation == .equal && outcome {
        let common = left.intersection(right)
        narrow(comparison.left, to: common, table, analysis)
        narrow(comparison.right, to: common, table, analysis)
      }
    }
  }

  private mutating func remember(_ comparison: Comparison, _ outcome: Bool) {
    if outcomes.count < Self.limit { outcomes[comparison] = outcome }
  }

  /// Records that `value` is in `set`, and what that implies for its operands.
  private mutating func narrow(
    _ value: ValueID, to set: ValueRange, _ table: ValueTable, _ analysis: ValueAnalysis, depth: Int = 0
  ) {
    if set.isEmpty {
      isImpossible = true
      return
    }
    let general = analysis.numbers[value.index]
    if general.single != nil { return }
    let before = numbers[value] ?? general
    let after = before.intersection(set)
    if after.isEmpty {
      isImpossible = true
      return
    }
    if after != before, numbers.count < Self.limit || numbers[value] != nil { numbers[value] = after }
    guard depth < Self.depthLimit, case .arithmetic(let operation, let operand, let right) = table[value],
      case .constant(let constant) = table[right]
    else { return }
    let inner = number(operand, table, analysis)
    if let narrowed = inner.narrowed(operation, constant, result: after) {
      narrow(operand, to: narrowed, table, analysis, depth: depth + 1)
    }
  }

  // MARK: Evaluations

  /// Records that the action was performed. What a variable's number can be is left to its own analysis.
  mutating func assume(_ action: Action, _ table: ValueTable, _ analysis: ValueAnalysis) {
    switch action {
    case .evaluate(let value), .assign(_, let value): assumeEvaluated(value, table, analysis)
    }
  }

  /// True if evaluating `value` succeeds for every packet that gets here.
  func isProven(_ value: ValueID, _ table: ValueTable, _ analysis: ValueAnalysis) -> Bool {
    guard let checks = analysis.checks[value.index] else { return false }
    return checks.allSatisfy { isProven($0, table, analysis) }
  }

  private func isProven(_ check: Check, _ table: ValueTable, _ analysis: ValueAnalysis) -> Bool {
    switch check {
    case .impossible: return false
    case .ancillary(let number): return captured[.ancillary(number)] != nil
    case .notZero(let divisor): return !number(divisor, table, analysis).contains(0)
    case .captured(nil, let end): return octets(from: .packet) >= end
    case .captured(let base?, let end):
      if octets(from: .value(base)) >= end { return true }
      let highest = number(base, table, analysis).maximum
      return octets(from: .packet) >= UInt64(highest) + end
    }
  }

  /// Records that `value` was evaluated.
  mutating func assumeEvaluated(_ value: ValueID, _ table: ValueTable, _ analysis: ValueAnalysis) {
    for check in analysis.checks[value.index] ?? [] {
      switch check {
      case .impossible: isImpossible = true
      case .ancillary(let number): captured[.ancillary(number)] = 1
      case .notZero(let divisor):
        narrow(
          divisor, to: number(divisor, table, analysis).narrowed(.equal, 0, false), table, analysis)
      case .captured(nil, let end): assumeCaptured(.packet, end)
      case .captured(let base?, let end):
        assumeCaptured(.value(base), end)
        assumeCaptured(.packet, end + UInt64(number(base, table, analysis).minimum))
      }
    }
  }

  /// Records that the variable now holds `value`.
  mutating func assumeAssigned(
    _ variable: ValueID, _ value: ValueID, _ table: ValueTable, _ analysis: ValueAnalysis
  ) {
    assignments[variable] = value
    narrow(variable, to: number(value, table, analysis), table, analysis)
  }

  /// The value assigned to the variable, where it is the same on every path.
  func assigned(to variable: ValueID) -> ValueID? { assignments[variable] }

  /// True if more is known here about a value than everywhere.
  var knowsNumbers: Bool { !numbers.isEmpty || !assignments.isEmpty }

  private func octets(from origin: Origin) -> UInt64 { captured[origin] ?? 0 }

  private mutating func assumeCaptured(_ origin: Origin, _ end: UInt64) {
    let known = octets(from: origin)
    guard end > known, captured.count < Self.limit || known > 0 else { return }
    captured[origin] = end
  }

  // MARK: Where paths meet

  /// Keeps what is known on both paths.
  mutating func meet(_ other: PathFacts, _ table: ValueTable, _ analysis: ValueAnalysis) {
    if other.isImpossible { return }
    if isImpossible {
      self = other
      return
    }
    var common = ShortMap<ValueID, ValueRange>()
    for (value, number) in numbers.entries {
      let same = other.numbers[value]
      let both = same == number ? number : number.union(same ?? other.number(value, table, analysis))
      if both != analysis.numbers[value.index] { common.append(value, both) }
    }
    for (value, number) in other.numbers.entries where numbers[value] == nil {
      let both = number.union(self.number(value, table, analysis))
      if both != analysis.numbers[value.index] { common.append(value, both) }
    }
    numbers = common
    captured.updateEach { origin, end in other.captured[origin].map { min(end, $0) } }
    assignments.updateEach { variable, value in other.assignments[variable] == value ? value : nil }
    outcomes.updateEach { comparison, outcome in other.outcomes[comparison] == outcome ? outcome : nil }
  }
}

extension ValueRange {
  /// `holds` with the constant on the left.
  fileprivate func holds(constantOnLeft constant: UInt32, _ relation: Relation) -> Bool? {
    switch relation {
    case .equal, .anyBitsSet: holds(relation, constant)
    case .greater: holds(.greaterOrEqual, constant).map { !$0 }
    case .greaterOrEqual: holds(.greater, constant).map { !$0 }
    }
  }

  /// `narrowed` with the constant on the left.
  fileprivate func narrowed(constantOnLeft constant: UInt32, _ relation: Relation, _ outcome: Bool) -> ValueRange {
    switch relation {
    case .equal, .anyBitsSet: narrowed(relation, constant, outcome)
    case .greater: narrowed(.greaterOrEqual, constant, !outcome)
    case .greaterOrEqual: narrowed(.greater, constant, !outcome)
    }
  }

  /// The numbers in this range for which `operation` with `constant` gives one of `result`; nil if that gains nothing.
  fileprivate func narrowed(
    _ operation: ArithmeticOperation, _ constant: UInt32, result: ValueRange
  ) -> ValueRange? {
    if let few {
      return ValueRange(numbers: few.filter { operation.result($0, constant).map(result.contains) ?? false })
    }
    switch operation {
    case .and: return narrowed(mask: result.knownMask & constant, bits: result.knownBits)
    case .or: return narrowed(mask: result.knownMask & ~constant, bits: result.knownBits)
    case .xor: return narrowed(mask: result.knownMask, bits: result.knownBits ^ constant)
    case .add: return intersection(result.shifted(by: 0 &- constant))
    case .subtract: return intersection(result.shifted(by: constant))
    case .shiftRight:
      guard constant < 32, result.maximum <= UInt32.max >> constant else { return nil }
      return intersection((result.minimum << constant)...(result.maximum << constant | ~(~0 << constant)))
    case .shiftLeft:
      guard constant < 32, maximum.leadingZeroBitCount >= Int(constant) else { return nil }
      return intersection((result.minimum >> constant)...(result.maximum >> constant))
    case .multiply, .divide, .modulo: return nil
    }
  }
}
