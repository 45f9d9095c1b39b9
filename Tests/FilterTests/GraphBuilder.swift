import BPF

@testable import Filter

/// Shorthand for building graphs by hand.
final class GraphBuilder {
  var graph = ControlFlowGraph()

  func constant(_ number: UInt32) -> ValueID { graph.values.intern(.constant(number)) }

  func load(_ size: LoadSize, _ offset: UInt32, base: ValueID? = nil) -> ValueID {
    graph.values.intern(.load(size, base: base, offset: offset))
  }

  func arithmetic(_ operation: ArithmeticOperation, _ left: ValueID, _ right: ValueID) -> ValueID {
    graph.values.intern(.arithmetic(operation, left, right))
  }

  func arithmetic(_ operation: ArithmeticOperation, _ left: ValueID, _ right: UInt32) -> ValueID {
    arithmetic(operation, left, constant(right))
  }

  /// The length of the IPv4 header at `offset`, in bytes.
  func headerLength(_ offset: UInt32) -> ValueID {
    let octet = load(.byte, offset)
    let masked = arithmetic(.and, octet, 15)
    return arithmetic(.shiftLeft, masked, 2)
  }

  /// Adds a block that returns.
  func accept(_ number: UInt32, actions: [Action] = []) -> BlockID {
    graph.add(Block(actions: actions, terminator: .accept(number)))
  }

  /// Adds a block that compares a value with a constant.
  func branch(
    _ left: ValueID, _ relation: Relation, _ right: UInt32, _ ifTrue: BlockID, _ ifFalse: BlockID,
    actions: [Action] = []
  ) -> BlockID {
    let right = constant(right)
    return branch(left, relation, right, ifTrue, ifFalse, actions: actions)
  }

  func branch(
    _ left: ValueID, _ relation: Relation, _ right: ValueID, _ ifTrue: BlockID, _ ifFalse: BlockID,
    actions: [Action] = []
  ) -> BlockID {
    let comparison = Comparison(relation: relation, left: left, right: right)
    return graph.add(Block(actions: actions, terminator: .branch(comparison, ifTrue: ifTrue, ifFalse: ifFalse)))
  }

  func jump(_ target: BlockID, actions: [Action] = []) -> BlockID {
    graph.add(Block(actions: actions, terminator: .jump(target)))
  }

  /// The graph that begins at `entry`.
  func graph(from entry: BlockID) -> ControlFlowGraph {
    var result = graph
    result.entry = entry
    return result
  }
}

/// The program that the code generator produces for a graph.
func program(of graph: ControlFlowGraph) throws -> Program {
  let code = try CodeGenerator.generate(graph)
  return try Program(validating: code.instructions, sources: code.sources)
}

/// The instructions of a graph's program.
func code(_ graph: ControlFlowGraph) throws -> [Instruction] { try program(of: graph).instructions }

extension Program {
  /// The number of instructions on the longest path.
  var longestPath: Int {
    var longest = [Int](repeating: 0, count: instructions.count + 1)
    for (index, instruction) in instructions.enumerated().reversed() {
      switch instruction.opcode {
      case .retK, .retA: longest[index] = 1
      case .ja: longest[index] = 1 + longest[index + 1 + Int(instruction.k)]
      case .jeqK, .jeqX, .jgeK, .jgeX, .jgtK, .jgtX, .jsetK, .jsetX:
        longest[index] = 1 + max(longest[index + 1 + Int(instruction.jt)], longest[index + 1 + Int(instruction.jf)])
      default: longest[index] = 1 + longest[index + 1]
      }
    }
    return longest[0]
  }

  /// What the program returns for a packet whose length on the wire is `length`.
  func verdict(_ packet: [UInt8], length: UInt32? = nil) -> UInt32 {
    // Safe: the span of an array of bytes has no padding.
    unsafe Interpreter(self).run(packet.span.bytes, len: length ?? UInt32(packet.count))
  }
}
