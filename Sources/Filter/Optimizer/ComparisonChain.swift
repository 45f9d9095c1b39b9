import BPF

/// The test at the end of a block with two successors.
enum Question: Hashable {
  case comparison(Comparison)
  case lookup(Lookup)

  /// The value it tests.
  var value: ValueID {
    switch self {
    case .comparison(let comparison): comparison.left
    case .lookup(let lookup): lookup.first
    }
  }
}

/// A sequence of blocks, each with one question. One answer leads to the next block, the other leaves the chain for an exit that all of
/// them share. All that matters for a packet is whether it gets through; the order of the questions matters only where one of them can
/// fail.
struct ComparisonChain {
  /// One question of a chain.
  struct Link: Hashable {
    var question: Question
    /// The answer on which a packet leaves the chain.
    var leavesWhen: Bool
    var source: SourceWords
  }

  /// In order. Only the first may have actions, or more than one predecessor.
  var blocks: [BlockID]
  var links: [Link]
  /// Where packets go that leave the chain.
  var exit: BlockID
  /// Where packets go that get through.
  var end: BlockID

  /// Every chain of at least two blocks. No block is in two chains.
  static func all(in graph: ControlFlowGraph) -> [ComparisonChain] {
    let order = graph.topologicalOrder()
    var predecessors = [Int](repeating: 0, count: graph.blocks.count)
    for block in order {
      graph[block].terminator.forEachSuccessor { predecessors[$0.index] += 1 }
    }
    var isTaken = [Bool](repeating: false, count: graph.blocks.count)
    var chains: [ComparisonChain] = []
    for block in order where !isTaken[block.index] {
      guard let (_, ifTrue, ifFalse) = graph[block].terminator.question else { continue }
      let first = ComparisonChain(from: block, exit: ifTrue, graph, predecessors)
      let second = ComparisonChain(from: block, exit: ifFalse, graph, predecessors)
      let longer = first.links.count > second.links.count ? first : second
      guard longer.links.count > 1 else { continue }
      for block in longer.blocks { isTaken[block.index] = true }
      chains.append(longer)
    }
    return chains
  }

  private init(from block: BlockID, exit: BlockID, _ graph: ControlFlowGraph, _ predecessors: [Int]) {
    blocks = []
    links = []
    self.exit = exit
    end = block
    while let (question, ifTrue, ifFalse) = graph[end].terminator.question, ifTrue == exit || ifFalse == exit,
      ifTrue != ifFalse,
      blocks.isEmpty || graph[end].actions.isEmpty && predecessors[end.index] == 1
    {
      blocks.append(end)
      links.append(Link(question: question, leavesWhen: ifTrue == exit, source: graph[end].source))
      end = ifTrue == exit ? ifFalse : ifTrue
    }
  }
}

extension Terminator {
  /// The test, and where the two answers lead; nil if the block has none.
  fileprivate var question: (Question, ifTrue: BlockID, ifFalse: BlockID)? {
    switch self {
    case .branch(let comparison, let ifTrue, let ifFalse): (.comparison(comparison), ifTrue, ifFalse)
    case .lookup(let lookup, let ifFound, let ifMissing): (.lookup(lookup), ifFound, ifMissing)
    case .jump, .accept: nil
    }
  }
}

extension ControlFlowGraph {
  /// Stores the questions of a chain in its blocks. There is at least one, and there are no more questions than blocks.
  mutating func rebuild(_ chain: ComparisonChain) {
    for (index, link) in chain.links.enumerated() {
      let next = index + 1 < chain.links.count ? chain.blocks[index + 1] : chain.end
      let ifTrue = link.leavesWhen ? chain.exit : next
      let ifFalse = link.leavesWhen ? next : chain.exit
      switch link.question {
      case .comparison(let comparison):
        self[chain.blocks[index]].terminator = .branch(comparison, ifTrue: ifTrue, ifFalse: ifFalse)
      case .lookup(let lookup):
        self[chain.blocks[index]].terminator = .lookup(lookup, ifFound: ifTrue, ifMissing: ifFalse)
      }
      self[chain.blocks[index]].source = link.source
    }
  }
}
