/// Rewrites graphs so that less is computed, with the same verdict for every packet, truncated ones included.
///
/// Each pass keeps the verdict by itself; together they are repeated until nothing changes.
enum Optimizer {
  /// Rounds after which it is good enough. Every round keeps the verdict, so stopping early does no harm.
  private static let roundLimit = 12

  static func optimize(_ graph: inout ControlFlowGraph) {
    graph.simplifyValues()
    simplify(&graph)
    if graph.orderChains() { simplify(&graph) }
    graph.buildSearchTrees()
  }

  /// Repeats, until nothing changes, the passes of which every one makes the graph smaller.
  private static func simplify(_ graph: inout ControlFlowGraph) {
    for _ in 0..<roundLimit {
      var hasChanged = graph.removeHopelessBlocks()
      hasChanged = graph.threadEdges() || hasChanged
      hasChanged = graph.removeDeadAssignments() || hasChanged
      hasChanged = graph.removeAnticipatedEvaluations() || hasChanged
      hasChanged = graph.mergeBlocks() || hasChanged
      if !hasChanged { break }
    }
  }
}
