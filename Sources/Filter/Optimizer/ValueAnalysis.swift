import BPF

/// A condition for the evaluation of a value to succeed; if it is not met, the packet is rejected.
enum Check: Hashable, Sendable {
  /// The captured bytes extend from `base` (the packet's start where nil) at least to `end`, which is excluded.
  case captured(base: ValueID?, end: UInt64)
  /// The value, a divisor, is not 0.
  case notZero(ValueID)
  /// The target has this metadata of the packet.
  case ancillary(UInt32)
  /// The evaluation always fails.
  case impossible
}

/// What is known about values regardless of where they are evaluated.
struct ValueAnalysis {
  /// By value.
  private(set) var numbers: [ValueRange] = []
  /// By value: all conditions for its evaluation to succeed, operands included; nil if there are too many.
  private(set) var checks: [[Check]?] = []
  /// By variable: the values assigned to it.
  private var assigned: [Int: [ValueID]] = [:]

  /// A value with more checks than this counts as one that can always fail.
  private static let checkLimit = 24

  init(of graph: ControlFlowGraph) {
    for block in graph.blocks {
      for case .assign(let variable, let value) in block.actions { assigned[variable, default: []].append(value) }
    }
    update(for: graph.values)
  }

  /// Analyses the values that were added to `table` since the last call.
  mutating func update(for table: ValueTable) {
    guard numbers.count < table.values.count else { return }
    for value in table.values[numbers.count...] {
      checks.append(checks(of: value))
      numbers.append(number(of: value))
    }
  }

  /// The numbers that `value` can be, wherever it is evaluated.
  private func number(of value: Value) -> ValueRange {
    switch value {
    case .constant(let number): return ValueRange(number)
    case .load(.byte, _, _): return ValueRange(0...0xff)
    case .load(.half, _, _): return ValueRange(0...0xffff)
    case .load(.word, _, _), .packetLength, .ancillary: return .all
    case .negate(let operand): return ValueRange.result(.subtract, ValueRange(0), numbers[operand.index])
    case .arithmetic(let operation, let left, let right):
      return ValueRange.result(operation, numbers[left.index], numbers[right.index])
    case .variable(let number):
      // A value not analysed yet may be computed from the variable itself.
      var result = ValueRange.none
      for value in assigned[number] ?? [] {
        guard value.index < numbers.count else { return .all }
        result = result.union(numbers[value.index])
      }
      return result.isEmpty ? .all : result
    }
  }

  private func checks(of value: Value) -> [Check]? {
    var result: [Check] = []
    for operand in value.operands {
      guard let inner = checks[operand.index] else { return nil }
      for check in inner where !result.contains(check) { result.append(check) }
    }
    switch value {
    case .load(let size, nil, let offset):
      result.append(
        offset >= Ancillary.base ? .impossible : .captured(base: nil, end: UInt64(offset) + UInt64(size.rawValue)))
    case .load(let size, let base?, let offset):
      result.append(.captured(base: base, end: UInt64(offset) + UInt64(size.rawValue)))
    case .ancillary(let number): result.append(.ancillary(number))
    case .arithmetic(.divide, _, let right), .arithmetic(.modulo, _, let right):
      if numbers[right.index].single == 0 {
        result.append(.impossible)
      } else if numbers[right.index].contains(0) {
        result.append(.notZero(right))
      }
    case .constant, .packetLength, .negate, .variable, .arithmetic: break
    }
    return result.count > Self.checkLimit ? nil : result
  }
}
