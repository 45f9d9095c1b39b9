/// Rewrites graphs so that less is computed, with the same verdict for every packet, truncated ones included.
///
/// Each pass keeps the verdict by itself; together they are repeated until nothing changes.
enum Optimizer {
  /// Rounds after which it is good enough, fewer for large graphs. Every round keeps the verdict, so stopping does no harm.
  private static func roundLimit(_ graph: ControlFlowGraph) -> Int {
    max(3, min(12, 200_000 / max(1, graph.blocks.count)))
  }

  /// Once it is cancelled, it leaves the rest undone.
  static func optimize(_ graph: inout ControlFlowGraph, isCancelled: () -> Bool = { false }) {
    graph.simplifyValues()
    simplify(&graph, isCancelled)
    if !isCancelled(), graph.orderChains() { simplify(&graph, isCancelled) }
    if !isCancelled() { graph.buildSearchTrees() }
  }

  /// Repeats, until nothing changes, the passes of which every one makes the graph smaller.
  private static func simplify(_ graph: inout ControlFlowGraph, _ isCancelled: () -> Bool) {
    for _ in 0..<roundLimit(graph) {
      if isCancelled() { return }
      var hasChanged = graph.removeBlocksThatCannotAccept()
      hasChanged = graph.threadEdges() || hasChanged
      hasChanged = graph.removeDeadAssignments() || hasChanged
      hasChanged = graph.removeAnticipatedEvaluations() || hasChanged
      hasChanged = graph.mergeBlocks() || hasChanged
      if !hasChanged { break }
    }
  }
}
