import BPF

extension ControlFlowGraph {
  /// Where a value is asked again and again whether it equals this constant or that, halves the constants with each
  /// question instead: a packet then takes a dozen questions for thousands of constants.
  ///
  /// It makes the program a little longer, so it is only done for long lists.
  mutating func buildSearchTrees() {
    for list in EqualityList.all(in: self) where list.cases.count >= EqualityList.worthwhile { build(list) }
  }

  private mutating func build(_ list: EqualityList) {
    let cases = list.cases.sorted { $0.number < $1.number }
    let source = list.source
    // Ranges of cases that still need a block, with the block that is to hold it.
    var waiting = [(cases[...], list.head)]
    while let (part, block) = waiting.popLast() {
      if part.count > EqualityList.leafCount {
        let middle = part.startIndex + part.count / 2
        let low = add(Block(terminator: .jump(list.end)))
        let high = add(Block(terminator: .jump(list.end)))
        let number = values.intern(.constant(cases[middle].number))
        let comparison = Comparison(relation: .greaterOrEqual, left: list.value, right: number)
        self[block].terminator = .branch(comparison, ifTrue: high, ifFalse: low)
        self[block].source = source
        waiting.append((part[..<middle], low))
        waiting.append((part[middle...], high))
      } else {
        var block = block
        for (position, entry) in part.enumerated() {
          let next = position + 1 < part.count ? add(Block(terminator: .jump(list.end))) : list.end
          let number = values.intern(.constant(entry.number))
          let comparison = Comparison(relation: .equal, left: list.value, right: number)
          self[block].terminator = .branch(comparison, ifTrue: entry.target, ifFalse: next)
          self[block].source = entry.source
          block = next
        }
      }
    }
  }
}

/// Blocks in a row that ask whether one value equals one constant after the other, and lead somewhere if it does.
private struct EqualityList {
  struct Case {
    var number: UInt32
    var target: BlockID
    var source: SourceRange?
  }

  /// The first block, which alone may have actions and several ways in.
  var head: BlockID
  var value: ValueID
  /// Each number once.
  var cases: [Case] = []
  /// Where the way leads if the value equals none.
  var end: BlockID
  /// The words that all of it came from.
  var source: SourceRange?

  /// Shorter lists are faster asked one by one, or at least not longer.
  static let worthwhile = 24
  /// So many cases are asked one by one at the end.
  static let leafCount = 3

  /// Every list; no block is in two.
  static func all(in graph: ControlFlowGraph) -> [EqualityList] {
    let order = graph.topologicalOrder()
    var predecessors = [Int](repeating: 0, count: graph.blocks.count)
    for block in order { graph[block].terminator.forEachSuccessor { predecessors[$0.index] += 1 } }
    var isTaken = [Bool](repeating: false, count: graph.blocks.count)
    var lists: [EqualityList] = []
    for block in order where !isTaken[block.index] {
      guard case .branch(let comparison, _, _) = graph[block].terminator else { continue }
      var list = EqualityList(head: block, value: comparison.left, end: block)
      var known: Set<UInt32> = []
      while case .branch(let comparison, let ifTrue, let ifFalse) = graph[list.end].terminator,
        comparison.relation == .equal, comparison.left == list.value,
        case .constant(let number) = graph.values[comparison.right],
        list.end == block || graph[list.end].actions.isEmpty && predecessors[list.end.index] == 1
      {
        isTaken[list.end.index] = true
        let source = graph[list.end].source
        if known.insert(number).inserted { list.cases.append(Case(number: number, target: ifTrue, source: source)) }
        if let source { list.source = list.source?.union(source) ?? source }
        list.end = ifFalse
      }
      if list.cases.count > 1 { lists.append(list) }
    }
    return lists
  }
}
