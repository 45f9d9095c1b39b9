/// Rewrites graphs so that less is computed, with the same verdict for every packet, truncated ones included.
///
/// Each pass keeps the verdict by itself; together they are repeated until nothing changes.
enum Optimizer {
  /// Rounds after which it is good enough. Every round keeps the verdict, so stopping early does no harm.
  private static let roundLimit = 12

  static func optimize(_ graph: inout ControlFlowGraph) {
    graph.simplifyValues()
    var before = 0
    for _ in 0..<roundLimit {
      graph.removeHopelessBlocks()
      graph.threadEdges()
      graph.removeDeadAssignments()
      graph.removeAnticipatedEvaluations()
      graph.mergeBlocks()
      let after = graph.fingerprint
      if after == before { break }
      before = after
    }
  }
}

extension ControlFlowGraph {
  /// Equal for graphs that are the same, as far as they are reached; nearly always different for others.
  fileprivate var fingerprint: Int {
    var hasher = Hasher()
    for block in topologicalOrder() {
      hasher.combine(block)
      hasher.combine(self[block].actions)
      hasher.combine(self[block].terminator)
    }
    return hasher.finalize()
  }
}
