/// Rewrites graphs so that less is computed, with the same verdict for every packet, truncated ones included.
enum Optimizer {
  static func optimize(_ graph: inout ControlFlowGraph) {
    graph.removeHopelessBlocks()
  }
}
