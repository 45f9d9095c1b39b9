import BPF

/// How a value can be computed, whatever the registers hold: determined once per value, before code is generated.
struct ValueShape: Sendable {
  /// The number of steps that compute it in A from scratch, at most `ValueShape.costLimit`.
  var cost = 1
  /// True if X is unchanged while it is computed in A.
  var sparesIndex = true
  /// What X holds after it was computed in A, where that is known and X is not spared.
  var lastBase: ValueID?
  /// Its number, if it is a constant.
  var constant: UInt32?
  /// If it is `4 * ([offset] & 0xf)`, which `ldxb` computes in one step, the offset.
  var headerLengthOffset: UInt32?
  /// The number of scratch words needed to compute it.
  var scratchNeed = 0
  /// How deep computing it recurses: only second operands nest; first operands are followed in a loop.
  var depth = 0

  static let costLimit = 1 << 20

  /// True if one step can load it into X without changing A.
  var loadsIndexDirectly: Bool { constant != nil || headerLengthOffset != nil || isPacketLength }
  var isPacketLength = false

  /// The shape of every value of `table`, by index. Operands precede their users, so one walk is enough.
  static func all(of table: ValueTable) -> [ValueShape] {
    var shapes: [ValueShape] = []
    shapes.reserveCapacity(table.values.count)
    for value in table.values {
      shapes.append(ValueShape(of: value, in: table, operands: shapes))
    }
    return shapes
  }

  private init() {}

  private init(of value: Value, in table: ValueTable, operands shapes: [ValueShape]) {
    self.init()
    switch value {
    case .constant(let number): constant = number
    case .packetLength: isPacketLength = true
    case .load(_, nil, let offset): sparesIndex = offset < Ancillary.base
    case .ancillary, .variable: break
    case .load(_, let base?, _):
      follow(shapes[base.index])
      cost = min(shapes[base.index].indexCost + 1, Self.costLimit)
      sparesIndex = false
      lastBase = base
    case .negate(let operand): follow(shapes[operand.index])
    case .arithmetic(let operation, let left, let right):
      combine(operation, shapes[left.index], shapes[right.index])
      if let offset = table.headerLengthOffset(of: value) {
        headerLengthOffset = offset
        cost = 2
        sparesIndex = false
        lastBase = nil
      }
    }
  }

  /// Sets the shape to one more step after `operand`.
  private mutating func follow(_ operand: ValueShape) {
    cost = min(operand.cost + 1, Self.costLimit)
    sparesIndex = operand.sparesIndex
    lastBase = operand.lastBase
    scratchNeed = operand.scratchNeed
    depth = operand.depth
  }

  private mutating func combine(_ operation: ArithmeticOperation, _ left: ValueShape, _ right: ValueShape) {
    if let constant = right.constant, operation.takesImmediate(constant) {
      follow(left)
    } else if left.constant != nil, operation.isCommutative {
      follow(right)
    } else {
      cost = min(left.cost + right.indexCost + 1, Self.costLimit)
      sparesIndex = false
      scratchNeed = max(left.scratchNeed, right.scratchNeed) + (left.scratchNeed == right.scratchNeed ? 1 : 0)
      depth = max(left.depth, right.depth + 1)
    }
  }

  /// The number of steps that compute it in X.
  var indexCost: Int { loadsIndexDirectly ? 1 : cost + 1 }
}

/// Where the values of a filter are used.
struct ValueUsage: Sendable {
  /// The values of the variables that something reads, by variable number.
  private(set) var variables: [Int: ValueID] = [:]
  /// The values that loads are relative to: they are needed in X.
  private(set) var bases: Set<ValueID> = []

  init(of table: ValueTable) {
    for (index, value) in table.values.enumerated() {
      switch value {
      case .variable(let number): variables[number] = ValueID(index: index)
      case .load(_, let base?, _): bases.insert(base)
      default: break
      }
    }
  }
}

extension ArithmeticOperation {
  var isCommutative: Bool {
    switch self {
    case .add, .multiply, .and, .or, .xor: true
    case .subtract, .divide, .modulo, .shiftLeft, .shiftRight: false
    }
  }

  /// True if the instruction can have the constant `operand` built in: validators reject a division by 0 and a shift by 32 or more.
  func takesImmediate(_ operand: UInt32) -> Bool {
    switch self {
    case .divide, .modulo: operand != 0
    case .shiftLeft, .shiftRight: operand < 32
    default: true
    }
  }
}

extension ValueTable {
  /// The offset of the byte whose low four bits times 4 are `value`.
  func headerLengthOffset(of value: Value) -> UInt32? {
    guard case .arithmetic(.shiftLeft, let masked, let shift) = value, self[shift] == .constant(2),
      case .arithmetic(.and, let left, let right) = self[masked]
    else { return nil }
    if self[right] == .constant(15), case .load(.byte, nil, let offset) = self[left] { return offset }
    if self[left] == .constant(15), case .load(.byte, nil, let offset) = self[right] { return offset }
    return nil
  }
}
