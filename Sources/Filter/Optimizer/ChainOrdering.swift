extension ControlFlowGraph {
  /// Brings questions about the same value together, so that it is loaded once for all of them.
  ///
  /// Where a chain is left for a block that rejects, its order is free: a question that fails rejects as well. Otherwise only
  /// what comes behind the last question that can fail is moved.
  /// Whether anything was moved.
  mutating func orderChains() -> Bool {
    let chains = ComparisonChain.all(in: self).filter { $0.links.count > 2 }
    if chains.isEmpty { return false }
    var byHead: [BlockID: ComparisonChain] = [:]
    for chain in chains { byHead[chain.blocks[0]] = chain }
    let analysis = ValueAnalysis(of: self)
    forEachBlock(analysis) { block, knowledge in
      if let chain = byHead[block] { byHead[block] = ordered(chain, knowledge, analysis) }
    }
    var hasChanged = false
    for chain in chains {
      guard let ordered = byHead[chain.blocks[0]], ordered.links != chain.links else { continue }
      rebuild(ordered)
      hasChanged = true
    }
    return hasChanged
  }

  private func ordered(
    _ chain: ComparisonChain, _ start: Knowledge, _ analysis: ValueAnalysis
  ) -> ComparisonChain {
    var fixed = 0
    if self[chain.exit].terminator != .accept(0) {
      var knowledge = start
      for action in self[chain.blocks[0]].actions { knowledge.learn(action, values, analysis) }
      for (index, link) in chain.links.enumerated() {
        for side in [link.comparison.left, link.comparison.right]
        where !knowledge.isProven(side, values, analysis) {
          knowledge.learnEvaluated(side, values, analysis)
          fixed = index + 1
        }
      }
    }
    guard chain.links.count - fixed > 1 else { return chain }
    // Groups in the order in which they first appear, but first what is still in A.
    var groups: [ValueID: Int] = [:]
    if fixed > 0 { groups[values.root(of: chain.links[fixed - 1].comparison.left)] = -1 }
    var keys: [(group: Int, isMasked: Bool, value: Int, position: Int)] = []
    for (position, link) in chain.links.enumerated().dropFirst(fixed) {
      let left = link.comparison.left
      let root = values.root(of: left)
      let group = groups[root] ?? groups.count
      groups[root] = group
      // What is masked goes behind: afterwards A no longer holds the value itself.
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
  /// What is left of `value` without the operations with constants that are done to it.
  func root(of value: ValueID) -> ValueID {
    var current = value
    while case .arithmetic(_, let left, let right) = self[current], case .constant = self[right] { current = left }
    return current
  }
}
