import BPF

extension ControlFlowGraph {
  /// Groups comparisons of the same value, so that it is loaded once for all of them.
  ///
  /// If a chain exits to a block that rejects, its order is free, because a comparison that fails rejects as well. Otherwise only what
  /// follows the last comparison that can fail is moved. Returns whether anything was moved.
  mutating func orderChains() -> Bool {
    let chains = ComparisonChain.all(in: self).filter { $0.links.count > 2 }
    if chains.isEmpty { return false }
    var byHead: [BlockID: ComparisonChain] = [:]
    for chain in chains { byHead[chain.blocks[0]] = chain }
    let analysis = ValueAnalysis(of: self)
    forEachBlock(analysis) { block, facts in
      if let chain = byHead[block] { byHead[block] = ordered(chain, facts, analysis) }
    }
    var hasChanged = false
    for chain in chains {
      guard var ordered = byHead[chain.blocks[0]] else { continue }
      mergeTables(&ordered)
      guard ordered.links != chain.links else { continue }
      rebuild(ordered)
      hasChanged = true
    }
    return hasChanged
  }

  /// Merges a table lookup with the tests before and after it that compare the same value with constants.
  private mutating func mergeTables(_ chain: inout ComparisonChain) {
    var links: [ComparisonChain.Link] = []
    var index = 0
    while index < chain.links.count {
      var link = chain.links[index]
      var numbers: [LookupRow] = []
      var end = index
      var hasTable = false
      while end < chain.links.count, chain.links[end].leavesWhen,
        chain.links[end].question.value == link.question.value, let more = rows(chain.links[end].question)
      {
        if case .lookup = chain.links[end].question { hasTable = true }
        numbers += more
        link.source.formUnion(chain.links[end].source)
        end += 1
      }
      if hasTable, end - index > 1 {
        link.question = .lookup(Lookup(first: link.question.value, table: tables.intern(numbers)))
        links.append(link)
      } else {
        end = max(end, index + 1)
        links += chain.links[index..<end]
      }
      index = end
    }
    chain.links = links
  }

  /// The numbers of a question that tests whether one value is one of them; nil for others.
  private func rows(_ question: Question) -> [LookupRow]? {
    switch question {
    case .lookup(let lookup): return lookup.rest.isEmpty ? tables[lookup.table].rows : nil
    case .comparison(let comparison):
      guard comparison.relation == .equal, case .constant(let number) = values[comparison.right] else { return nil }
      return [LookupRow(last: number...number)]
    }
  }

  private func ordered(
    _ chain: ComparisonChain, _ start: PathFacts, _ analysis: ValueAnalysis
  ) -> ComparisonChain {
    var fixed = 0
    if self[chain.exit].terminator != .accept(0) {
      var facts = start
      for action in self[chain.blocks[0]].actions { facts.assume(action, values, analysis) }
      for (index, link) in chain.links.enumerated() {
        let certain: [ValueID]
        switch link.question {
        case .comparison(let comparison): certain = [comparison.left, comparison.right]
        case .lookup(let lookup):
          certain = [lookup.first]
          if !lookup.rest.allSatisfy({ facts.isProven($0, values, analysis) }) { fixed = index + 1 }
        }
        for side in certain where !facts.isProven(side, values, analysis) {
          facts.assumeEvaluated(side, values, analysis)
          fixed = index + 1
        }
      }
    }
    guard chain.links.count - fixed > 1 else { return chain }
    // Groups in order of first appearance, except that the value still in A comes first.
    var groups: [ValueID: Int] = [:]
    if fixed > 0 { groups[values.root(of: chain.links[fixed - 1].question.value)] = -1 }
    var keys: [(group: Int, isMasked: Bool, value: Int, position: Int)] = []
    for (position, link) in chain.links.enumerated().dropFirst(fixed) {
      let left = link.question.value
      let root = values.root(of: left)
      let group = groups[root] ?? groups.count
      groups[root] = group
      // Masked values go last in their group: after them A no longer holds the value itself.
      keys.append((group, left != root, left == root ? 0 : left.index, position))
    }
    keys.sort { first, second in
      if first.group != second.group { return first.group < second.group }
      if first.isMasked != second.isMasked { return second.isMasked }
      return (first.value, first.position) < (second.value, second.position)
    }
    var result = chain
    result.links = chain.links.prefix(fixed) + keys.map { chain.links[$0.position] }
    return result
  }
}

extension ValueTable {
  /// `value` without the operations with constants that are applied to it.
  func root(of value: ValueID) -> ValueID {
    var current = value
    while case .arithmetic(_, let left, let right) = self[current], case .constant = self[right] { current = left }
    return current
  }
}
