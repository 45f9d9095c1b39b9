/// The blocks of a graph that are reached, each before the blocks it leads to.
struct BlockOrder: Sendable {
  /// Reached blocks, the entry first; where a block branches, what it does if true comes first.
  private(set) var blocks: [BlockID] = []
  /// By block: the one that stands for it. Empty blocks give way to where they jump, equal returns to one of them.
  private(set) var representatives: [BlockID] = []

  /// Throws `cyclic` where a block leads to itself.
  init(of graph: ControlFlowGraph) throws(CodeGenerationError) {
    representatives = graph.blocks.indices.map { BlockID(index: $0) }
    var returns: [UInt32: BlockID] = [:]
    // Depth first, without recursion: a block is left after all that it leads to.
    var isEntered = [Bool](repeating: false, count: graph.blocks.count)
    var isLeft = isEntered
    var stack = [graph.entry]
    while let block = stack.last {
      if isLeft[block.index] {
        stack.removeLast()
        continue
      }
      if isEntered[block.index] {
        stack.removeLast()
        isLeft[block.index] = true
        let representative = Self.representative(of: block, in: graph, representatives, &returns)
        representatives[block.index] = representative
        if representative == block { blocks.append(block) }
        continue
      }
      isEntered[block.index] = true
      try graph[block].terminator.forEachSuccessor { (successor) throws(CodeGenerationError) in
        guard isEntered[successor.index] else {
          stack.append(successor)
          return
        }
        guard isLeft[successor.index] else {
          throw CodeGenerationError(.cyclic, source: graph[successor].source)
        }
      }
    }
    blocks.reverse()
  }

  private static func representative(
    of block: BlockID, in graph: ControlFlowGraph, _ representatives: [BlockID], _ returns: inout [UInt32: BlockID]
  ) -> BlockID {
    guard graph[block].actions.isEmpty else { return block }
    switch graph[block].terminator {
    case .branch: return block
    case .jump(let target): return representatives[target.index]
    case .accept(let number):
      if let known = returns[number] { return known }
      returns[number] = block
      return block
    }
  }

  /// Where the program begins.
  func entry(of graph: ControlFlowGraph) -> BlockID { representatives[graph.entry.index] }
}

extension Terminator {
  /// Calls `body` for the blocks that may follow, at most two.
  func forEachSuccessor<Failure: Error>(_ body: (BlockID) throws(Failure) -> Void) throws(Failure) {
    switch self {
    case .branch(_, let ifTrue, let ifFalse):
      try body(ifTrue)
      try body(ifFalse)
    case .jump(let target): try body(target)
    case .accept: break
    }
  }
}
