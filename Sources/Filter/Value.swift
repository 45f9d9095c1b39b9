/// The number of bytes that one load reads, in big-endian order.
enum LoadSize: UInt8, Hashable, Sendable {
  case byte = 1
  case half = 2
  case word = 4
}

/// Arithmetic on 32-bit words, as in classic BPF: it wraps; a shift by 32 or more gives 0.
/// `divide` and `modulo` by zero reject the packet.
enum ArithmeticOperation: UInt8, Hashable, Sendable {
  case add, subtract, multiply, divide, modulo, and, or, xor, shiftLeft, shiftRight
}

/// A 32-bit number that a filter computes from the packet.
///
/// A value is a pure function of the packet: the same `Value` is the same number wherever it is evaluated, so the optimiser need not think
/// about registers. Evaluating a value may *fail*, which rejects the packet at once: a load outside the captured bytes, or a division by
/// zero.
enum Value: Hashable, Sendable {
  case constant(UInt32)
  /// The length of the packet on the wire (`ld #pktlen`).
  case packetLength
  /// Bytes of the packet at `offset`, or at the sum of `base` and `offset`. The sum does not wrap: a load past the captured bytes fails.
  case load(LoadSize, base: ValueID?, offset: UInt32)
  /// A Linux ancillary load (`SKF_AD_OFF` + number): metadata that only a live packet in the kernel has.
  case ancillary(UInt32)
  case arithmetic(ArithmeticOperation, ValueID, ValueID)
  case negate(ValueID)
  /// A number assigned earlier on the path (`Action.assign`), needed where paths meet that computed it differently. Every path assigns it
  /// exactly once before reading it, so after that it is fixed too.
  case variable(Int)

  /// Packs the kind and the operands into two numbers, which is faster than hashing part by part.
  func hash(into hasher: inout Hasher) {
    func add(_ kind: UInt64, _ detail: UInt64, _ operands: UInt64) {
      hasher.combine(kind | detail << 8)
      hasher.combine(operands)
    }
    switch self {
    case .constant(let number): add(0, 0, UInt64(number))
    case .packetLength: add(1, 0, 0)
    case .load(let size, let base, let offset):
      add(2, UInt64(size.rawValue), UInt64(truncatingIfNeeded: base?.index ?? -1) << 32 ^ UInt64(offset))
    case .ancillary(let number): add(3, 0, UInt64(number))
    case .arithmetic(let operation, let left, let right):
      add(
        4, UInt64(truncatingIfNeeded: operation.rawValue),
        UInt64(truncatingIfNeeded: left.index) << 32 ^ UInt64(truncatingIfNeeded: right.index))
    case .negate(let value): add(5, 0, UInt64(truncatingIfNeeded: value.index))
    case .variable(let number): add(6, 0, UInt64(truncatingIfNeeded: number))
    }
  }
}

/// A `Value` in its `ValueTable`.
struct ValueID: Hashable, Sendable, BitwiseCopyable {
  let index: Int
}

/// Every value of one filter, each stored once: equal values have equal identifiers.
struct ValueTable: Sendable {
  private(set) var values: [Value] = []
  private var identifiers: [Value: ValueID] = [:]

  /// The identifier of `value`, which is added if it is new. Nothing is folded here.
  mutating func intern(_ value: Value) -> ValueID {
    if let known = identifiers[value] { return known }
    let identifier = ValueID(index: values.count)
    values.append(value)
    identifiers[value] = identifier
    return identifier
  }

  subscript(identifier: ValueID) -> Value { values[identifier.index] }
}
