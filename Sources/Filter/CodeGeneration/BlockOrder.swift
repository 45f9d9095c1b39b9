import BPF

/// The reachable blocks of a graph, each before its successors.
struct BlockOrder: Sendable {
  /// Reachable blocks, the entry first; the true branch of a block precedes its false branch.
  private(set) var blocks: [BlockID] = []
  /// By block: the block that replaces it. Empty blocks are replaced by the target of their jump, equal returns by one of them.
  private(set) var representatives: [BlockID] = []

  /// Throws `cyclic` if a block can reach itself.
  init(of graph: ControlFlowGraph) throws(CodeGenerationError) {
    representatives = graph.blocks.indices.map { BlockID(index: $0) }
    var returns: [UInt32: BlockID] = [:]
    // Depth first, without recursion: a block is finished after all its successors.
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
          throw CodeGenerationError(.cyclic, source: graph[successor].source.hull)
        }
      }
    }
    blocks.reverse()
    gatherTrees(of: graph)
  }

  /// Places the upper blocks of large search trees close together, so that a conditional jump reaches from one to the next. In depth-first
  /// order half of them would be far apart, and every level would need one more jump.
  private mutating func gatherTrees(of graph: ControlFlowGraph) {
    guard blocks.count > Self.largeTree else { return }
    var predecessors = [Int](repeating: 0, count: graph.blocks.count)
    for block in blocks {
      graph[block].terminator.forEachSuccessor { predecessors[representatives[$0.index].index] += 1 }
    }
    // By block: how many blocks are reached only through it, as long as they form a tree.
    var sizes = [Int](repeating: 1, count: graph.blocks.count)
    func branch(_ target: BlockID) -> BlockID? {
      let block = representatives[target.index]
      return predecessors[block.index] == 1 ? block : nil
    }
    func branches(_ block: BlockID) -> (BlockID?, BlockID?) {
      guard case .branch(_, let ifTrue, let ifFalse) = graph[block].terminator else { return (nil, nil) }
      return (branch(ifTrue), branch(ifFalse))
    }
    for block in blocks.reversed() {
      let (first, second) = branches(block)
      if let first { sizes[block.index] += sizes[first.index] }
      if let second { sizes[block.index] += sizes[second.index] }
    }
    func isUpper(_ block: BlockID) -> Bool {
      guard sizes[block.index] > Self.largeTree, case (let first?, let second?) = branches(block) else { return false }
      return sizes[first.index] > Self.largeTree / 4 && sizes[second.index] > Self.largeTree / 4
    }
    var gathered: [BlockID] = []
    gathered.reserveCapacity(blocks.count)
    var isPlaced = [Bool](repeating: false, count: graph.blocks.count)
    for block in blocks where !isPlaced[block.index] {
      // Its only predecessor precedes it, wherever a block of a tree is moved to.
      var level = [block]
      var index = 0
      while index < level.count {
        let next = level[index]
        index += 1
        isPlaced[next.index] = true
        gathered.append(next)
        guard level.count < Self.clusterLimit, isUpper(next) else { continue }
        let (first, second) = branches(next)
        if let first, isUpper(first) { level.append(first) }
        if let second, isUpper(second) { level.append(second) }
      }
    }
    blocks = gathered
  }

  /// A conditional jump may not reach across this many blocks.
  private static let largeTree = 200
  /// How many blocks are gathered at a time; with the jumps out of them they are still within reach of each other.
  private static let clusterLimit = 100

  private static func representative(
    of block: BlockID, in graph: ControlFlowGraph, _ representatives: [BlockID], _ returns: inout [UInt32: BlockID]
  ) -> BlockID {
    guard graph[block].actions.isEmpty else { return block }
    switch graph[block].terminator {
    case .branch, .lookup: return block
    case .jump(let target): return representatives[target.index]
    case .accept(let number):
      if let known = returns[number] { return known }
      returns[number] = block
      return block
    }
  }

  /// The first block of the program.
  func entry(of graph: ControlFlowGraph) -> BlockID { representatives[graph.entry.index] }
}
