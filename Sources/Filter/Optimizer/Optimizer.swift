/// Rewrites graphs so that less is computed, with the same verdict for every packet, truncated ones included.
///
/// Each pass preserves the verdict; the passes are repeated until nothing changes.
enum Optimizer {
  /// The maximum number of rounds, fewer for large graphs. Every round preserves the verdict, so it is safe to stop early.
  private static func roundLimit(_ graph: ControlFlowGraph) -> Int {
    max(3, min(12, 200_000 / max(1, graph.blocks.count)))
  }

  /// Optimises the graph. If cancelled, it leaves the rest undone.
  static func optimize(_ graph: inout ControlFlowGraph, isCancelled: () -> Bool = { false }) {
    graph.simplifyValues()
    simplify(&graph, isCancelled)
    if !isCancelled(), graph.orderChains() { simplify(&graph, isCancelled) }
    if !isCancelled() { graph.buildSearchTrees() }
  }

  /// Repeats the passes that only ever make the graph smaller, until nothing changes.
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
