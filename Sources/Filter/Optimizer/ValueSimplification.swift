import BPF

extension ControlFlowGraph {
  /// Replaces every value by the simplest equal one. What could fail can still fail.
  mutating func simplifyValues() {
    var analysis = ValueAnalysis(of: self)
    // Operands precede their users, so one walk over the table is enough.
    var replacements: [ValueID] = []
    for index in values.values.indices {
      let value = values[ValueID(index: index)].mapOperands { replacements[$0.index] }
      replacements.append(values.simplified(value, &analysis))
    }
    for block in blocks.indices {
      blocks[block].mapValues { replacements[$0.index] }
    }
  }
}

extension Block {
  /// Replaces every value by `replacement(value)`.
  mutating func mapValues(_ replacement: (ValueID) -> ValueID) {
    for index in actions.indices {
      switch actions[index] {
      case .evaluate(let value): actions[index] = .evaluate(replacement(value))
      case .assign(let variable, let value): actions[index] = .assign(variable: variable, replacement(value))
      }
    }
    terminator.mapValues(replacement)
  }
}

extension Value {
  func mapOperands(_ replacement: (ValueID) -> ValueID) -> Value {
    switch self {
    case .constant, .packetLength, .ancillary, .variable, .load(_, nil, _): self
    case .load(let size, let base?, let offset): .load(size, base: replacement(base), offset: offset)
    case .negate(let operand): .negate(replacement(operand))
    case .arithmetic(let operation, let left, let right):
      .arithmetic(operation, replacement(left), replacement(right))
    }
  }
}

extension ValueTable {
  /// The simplest value that is equal to `value`, whose operands are already simple.
  mutating func simplified(_ value: Value, _ analysis: inout ValueAnalysis) -> ValueID {
    var current = value
    // Every rewrite makes the value smaller or moves a constant outwards, so there are few.
    while let simpler = simpler(current, analysis) {
      // Its operands may be new.
      analysis.update(for: self)
      switch simpler {
      case .same(let known): return known
      case .new(let next): current = next
      }
    }
    let result = intern(current)
    analysis.update(for: self)
    return result
  }

  private enum Simpler {
    /// A value that is in the table already.
    case same(ValueID)
    case new(Value)
  }

  private mutating func simpler(_ value: Value, _ analysis: ValueAnalysis) -> Simpler? {
    switch value {
    case .constant, .packetLength, .ancillary, .variable, .load(_, nil, _): return nil
    case .load(let size, let base?, let offset): return simplerLoad(size, base, offset, analysis)
    case .negate(let operand):
      guard case .constant(let number) = self[operand] else { return nil }
      return .new(.constant(0 &- number))
    case .arithmetic(let operation, let left, let right):
      if case .constant(let right) = self[right] {
        if case .constant(let left) = self[left] {
          return operation.result(left, right).map { .new(.constant($0)) }
        }
        return simpler(operation, left, right, analysis)
      }
      if operation.isCommutative, case .constant = self[left] { return .new(.arithmetic(operation, right, left)) }
      return operation == .add ? simplerSum(left, right) : nil
    }
  }

  /// Constants added in the operands are added once, at the end.
  private mutating func simplerSum(_ left: ValueID, _ right: ValueID) -> Simpler? {
    let (first, firstDistance) = addend(left)
    let (second, secondDistance) = addend(right)
    guard firstDistance != nil || secondDistance != nil else { return nil }
    let distance = intern(.constant((firstDistance ?? 0) &+ (secondDistance ?? 0)))
    let sum = intern(.arithmetic(.add, first, second))
    return .new(.arithmetic(.add, sum, distance))
  }

  /// Splits a value into another value and a constant added to it.
  private func addend(_ value: ValueID) -> (ValueID, UInt32?) {
    guard case .arithmetic(.add, let operand, let right) = self[value], case .constant(let distance) = self[right]
    else { return (value, nil) }
    return (operand, distance)
  }

  /// Moves a constant distance from the base to the offset, if the sum cannot wrap.
  private func simplerLoad(
    _ size: LoadSize, _ base: ValueID, _ offset: UInt32, _ analysis: ValueAnalysis
  ) -> Simpler? {
    switch self[base] {
    case .constant(let number):
      let (sum, overflow) = number.addingReportingOverflow(offset)
      return overflow || sum >= Ancillary.base ? nil : .new(.load(size, base: nil, offset: sum))
    case .arithmetic(.add, let operand, let right):
      guard case .constant(let distance) = self[right] else { return nil }
      let highest = analysis.numbers[operand.index].maximum
      let (sum, overflow) = offset.addingReportingOverflow(distance)
      guard !overflow, !highest.addingReportingOverflow(distance).overflow else { return nil }
      return .new(.load(size, base: operand, offset: sum))
    default: return nil
    }
  }

  /// With a constant as the second operand.
  private mutating func simpler(
    _ operation: ArithmeticOperation, _ left: ValueID, _ right: UInt32, _ analysis: ValueAnalysis
  ) -> Simpler? {
    let known = analysis.numbers[left.index]
    switch operation {
    case .add, .subtract, .or, .xor:
      if right == 0 { return .same(left) }
    case .multiply, .divide:
      if right == 1 { return .same(left) }
      if right.nonzeroBitCount == 1 {
        let shift = intern(.constant(UInt32(right.trailingZeroBitCount)))
        return .new(.arithmetic(operation == .multiply ? .shiftLeft : .shiftRight, left, shift))
      }
    case .modulo:
      if right.nonzeroBitCount == 1 { return .new(.arithmetic(.and, left, intern(.constant(right - 1)))) }
    case .and:
      if known.possibleBits & ~right == 0 { return .same(left) }
    case .shiftLeft, .shiftRight:
      if right == 0 { return .same(left) }
    }
    guard case .arithmetic(let inner, let operand, let second) = self[left],
      case .constant(let constant) = self[second]
    else { return nil }
    // (operand inner constant) operation right, as one operation.
    let combined: (ArithmeticOperation, UInt32)?
    switch (inner, operation) {
    case (.and, .and): combined = (.and, constant & right)
    case (.or, .or): combined = (.or, constant | right)
    case (.xor, .xor): combined = (.xor, constant ^ right)
    case (.add, .add): combined = (.add, constant &+ right)
    case (.add, .subtract): combined = (.add, constant &- right)
    case (.subtract, .add): combined = (.add, right &- constant)
    case (.subtract, .subtract): combined = (.subtract, constant &+ right)
    case (.shiftLeft, .shiftLeft), (.shiftRight, .shiftRight):
      combined = constant < 32 && right < 32 && constant + right < 32 ? (inner, constant + right) : nil
    case (.shiftLeft, .shiftRight) where constant == right && right < 32: combined = (.and, ~0 >> right)
    case (.shiftRight, .shiftLeft) where constant == right && right < 32: combined = (.and, ~0 << right)
    default: combined = nil
    }
    guard let (operation, number) = combined else { return nil }
    let operandRight = intern(.constant(number))
    return .new(.arithmetic(operation, operand, operandRight))
  }
}
