extension ValueRange {
  /// What `left operation right` can be, as precisely as it is worth knowing.
  static func result(_ operation: ArithmeticOperation, _ left: ValueRange, _ right: ValueRange) -> ValueRange {
    if left.isEmpty || right.isEmpty { return .none }
    guard let constant = right.single else { return bounded(operation, left, right) }
    if let few = left.few {
      // A division by 0 has no result.
      return ValueRange(numbers: few.compactMap { operation.result($0, constant) })
    }
    switch operation {
    case .and:
      return ValueRange(mask: ~constant | left.knownMask, bits: left.knownBits & constant)
        .intersection(0...min(constant, left.maximum))
    case .or:
      return ValueRange(mask: constant | left.knownMask, bits: left.knownBits | constant)
        .intersection(max(constant, left.minimum)...UInt32.max)
    case .xor: return ValueRange(mask: left.knownMask, bits: left.knownBits ^ constant)
    case .add: return left.shifted(by: constant)
    case .subtract: return left.shifted(by: 0 &- constant)
    case .shiftLeft:
      guard constant < 32 else { return ValueRange(0) }
      let bits = ValueRange(mask: left.knownMask << constant | ~(~0 << constant), bits: left.knownBits << constant)
      guard left.maximum.leadingZeroBitCount >= Int(constant) else { return bits }
      return bits.intersection((left.minimum << constant)...(left.maximum << constant))
    case .shiftRight:
      guard constant < 32 else { return ValueRange(0) }
      return ValueRange((left.minimum >> constant)...(left.maximum >> constant))
        .narrowed(mask: left.knownMask >> constant | ~(~0 >> constant), bits: left.knownBits >> constant)
    case .multiply:
      guard !left.maximum.multipliedReportingOverflow(by: constant).overflow else { return .all }
      return ValueRange((left.minimum * constant)...(left.maximum * constant))
    case .divide: return constant == 0 ? .none : ValueRange((left.minimum / constant)...(left.maximum / constant))
    case .modulo: return constant == 0 ? .none : ValueRange(0...min(left.maximum, constant - 1))
    }
  }

  /// The same if neither operand is a constant: bounds only.
  private static func bounded(_ operation: ArithmeticOperation, _ left: ValueRange, _ right: ValueRange) -> ValueRange {
    switch operation {
    case .and: return ValueRange(0...min(left.maximum, right.maximum))
    case .or, .xor:
      let shared = min(left.maximum.leadingZeroBitCount, right.maximum.leadingZeroBitCount)
      let highest = shared == 32 ? 0 : ~UInt32(0) >> UInt32(shared)
      return ValueRange((operation == .or ? max(left.minimum, right.minimum) : 0)...highest)
    case .add:
      let (sum, overflow) = left.maximum.addingReportingOverflow(right.maximum)
      return overflow ? .all : ValueRange((left.minimum + right.minimum)...sum)
    case .divide, .shiftRight: return ValueRange(0...left.maximum)
    case .modulo: return ValueRange(0...min(left.maximum, right.maximum == 0 ? 0 : right.maximum - 1))
    case .subtract, .multiply, .shiftLeft: return .all
    }
  }

  /// Every number in this range plus `distance`, wrapping.
  func shifted(by distance: UInt32) -> ValueRange {
    if distance == 0 { return self }
    var result = ValueRange.none
    for range in ranges {
      let low = range.lowerBound &+ distance
      let high = range.upperBound &+ distance
      if low <= high {
        result = result.union(ValueRange(low...high))
      } else {
        result = result.union(ValueRange(low...UInt32.max)).union(ValueRange(0...high))
      }
    }
    return result
  }
}

extension ArithmeticOperation {
  /// The result in classic BPF; nil for a division by 0.
  func result(_ left: UInt32, _ right: UInt32) -> UInt32? {
    switch self {
    case .add: left &+ right
    case .subtract: left &- right
    case .multiply: left &* right
    case .divide: right == 0 ? nil : left / right
    case .modulo: right == 0 ? nil : left % right
    case .and: left & right
    case .or: left | right
    case .xor: left ^ right
    case .shiftLeft: left << right
    case .shiftRight: left >> right
    }
  }
}
