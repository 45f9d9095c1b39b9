@testable import Filter

/// Runs a graph on a packet, literally as its comments define it: the reference for everything that is generated from the graph.
struct GraphInterpreter {
  let graph: ControlFlowGraph
  let packet: [UInt8]
  /// The length of the packet on the wire.
  let length: UInt32

  /// A value could not be evaluated.
  private struct Failure: Error {}

  /// The result of the graph: 0 if an evaluation fails.
  func run() -> UInt32 {
    var variables: [Int: UInt32] = [:]
    var block = graph.entry
    do {
      while true {
        for action in graph[block].actions {
          switch action {
          case .evaluate(let value): _ = try evaluate(value, variables)
          case .assign(let variable, let value): variables[variable] = try evaluate(value, variables)
          }
        }
        switch graph[block].terminator {
        case .accept(let number): return number
        case .jump(let next): block = next
        case .lookup(let lookup, let ifFound, let ifMissing):
          block = try contains(lookup, variables) ? ifFound : ifMissing
        case .branch(let comparison, let ifTrue, let ifFalse):
          let left = try evaluate(comparison.left, variables)
          let right = try evaluate(comparison.right, variables)
          let holds =
            switch comparison.relation {
            case .equal: left == right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            case .anyBitsSet: left & right != 0
            }
          block = holds ? ifTrue : ifFalse
        }
      }
    } catch {
      return 0
    }
  }

  /// Checks every row, value by value.
  private func contains(_ lookup: Lookup, _ variables: [Int: UInt32]) throws -> Bool {
    var rows = graph.tables[lookup.table].rows
    for (index, value) in ([lookup.first] + lookup.rest).enumerated() {
      let number = try evaluate(value, variables)
      rows = rows.filter { index < $0.lead.count ? $0.lead[index] == number : $0.last.contains(number) }
      if rows.isEmpty { return false }
    }
    return true
  }

  private func evaluate(_ value: ValueID, _ variables: [Int: UInt32]) throws -> UInt32 {
    switch graph.values[value] {
    case .constant(let number): return number
    case .packetLength: return length
    case .ancillary: throw Failure()
    case .load(let size, let base, let offset):
      let start = try base.map { try Int(evaluate($0, variables)) } ?? 0
      let octets = (start + Int(offset))..<(start + Int(offset) + Int(size.rawValue))
      guard octets.upperBound <= packet.count else { throw Failure() }
      return packet[octets].reduce(0) { $0 << 8 | UInt32($1) }
    case .negate(let operand): return try 0 &- evaluate(operand, variables)
    case .variable(let number):
      guard let known = variables[number] else { throw Failure() }
      return known
    case .arithmetic(let operation, let left, let right):
      let left = try evaluate(left, variables)
      let right = try evaluate(right, variables)
      switch operation {
      case .add: return left &+ right
      case .subtract: return left &- right
      case .multiply: return left &* right
      case .divide:
        guard right != 0 else { throw Failure() }
        return left / right
      case .modulo:
        guard right != 0 else { throw Failure() }
        return left % right
      case .and: return left & right
      case .or: return left | right
      case .xor: return left ^ right
      case .shiftLeft: return left << right
      case .shiftRight: return left >> right
      }
    }
  }
}
