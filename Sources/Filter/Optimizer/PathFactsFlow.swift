extension ControlFlowGraph {
  /// Calls `body` for every reachable block, each before its successors, with what is known to be captured at its start. What comparisons
  /// imply about numbers is left out.
  func forEachBlock(_ analysis: ValueAnalysis, _ body: (BlockID, PathFacts) -> Void) {
    var entries = [PathFacts?](repeating: nil, count: blocks.count)
    entries[entry.index] = PathFacts()
    for block in topologicalOrder() {
      guard var facts = entries[block.index] else { continue }
      entries[block.index] = nil
      body(block, facts)
      for action in self[block].actions { facts.assume(action, values, analysis) }
      for value in self[block].terminator.evaluated { facts.assumeEvaluated(value, values, analysis) }
      self[block].terminator.forEachSuccessor { successor in
        if entries[successor.index] == nil {
          entries[successor.index] = facts
        } else {
          entries[successor.index]?.meet(facts, values, analysis)
        }
      }
    }
  }
}
