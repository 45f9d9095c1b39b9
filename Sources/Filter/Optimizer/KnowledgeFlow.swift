extension ControlFlowGraph {
  /// Calls `body` for every block that is reached, each before those it leads to, with what is known to be captured where it
  /// begins. What comparisons tell about numbers is left out.
  func forEachBlock(_ analysis: ValueAnalysis, _ body: (BlockID, Knowledge) -> Void) {
    var entries = [Knowledge?](repeating: nil, count: blocks.count)
    entries[entry.index] = Knowledge()
    for block in topologicalOrder() {
      guard var knowledge = entries[block.index] else { continue }
      entries[block.index] = nil
      body(block, knowledge)
      for action in self[block].actions { knowledge.learn(action, values, analysis) }
      for value in self[block].terminator.evaluated { knowledge.learnEvaluated(value, values, analysis) }
      self[block].terminator.forEachSuccessor { successor in
        if entries[successor.index] == nil {
          entries[successor.index] = knowledge
        } else {
          entries[successor.index]?.meet(knowledge, values, analysis)
        }
      }
    }
  }
}
