import BPF

/// Finds out which terms of an expression that nothing can match are to blame.
enum Contradiction {
  /// More terms than this between `and` are not tried.
  private static let maximumTerms = 64

  /// How the errors begin.
  static let message = "expression rejects all packets"

  /// The error for `expression`, which rejects all packets. Where it is a conjunction, the terms that cannot hold together are named:
  /// without any of them the rest would match something.
  static func error(in expression: Expression, _ options: CompileOptions) -> FilterError {
    guard let root = expression.nodes.indices.last else { return FilterError(message, kind: .contradiction) }
    let terms = conjuncts(of: root, in: expression)
    guard (2...maximumTerms).contains(terms.count) else {
      return FilterError(message, at: expression.nodes[root].range, kind: .contradiction)
    }
    // The last terms that are in conflict: who has put one more to an expression looks there.
    let least = MinimalConflict.terms(among: terms.indices.reversed()) { kept in
      var assumed = Dictionary(terms.map { ($0, true) }, uniquingKeysWith: { first, _ in first })
      for term in kept { assumed[terms[term]] = nil }
      guard var graph = try? Lowering.lower(expression, options, assuming: assumed) else { return false }
      Optimizer.optimize(&graph)
      return graph.rejectsAll
    }
    let blamed = least.sorted().map { expression.nodes[terms[$0]].range }
    switch blamed.count {
    case 1: return FilterError("\(message): no packet matches this term", at: blamed, kind: .contradiction)
    case 2...: return FilterError("\(message): these terms contradict each other", at: blamed, kind: .contradiction)
    default: return FilterError(message, at: expression.nodes[root].range, kind: .contradiction)
    }
  }

  /// The terms between `and` at the top of the tree, in the order of the text.
  private static func conjuncts(of root: Expression.Index, in expression: Expression) -> [Expression.Index] {
    var terms: [Expression.Index] = []
    var open = [root]
    while let index = open.popLast(), terms.count <= maximumTerms {
      if case .and(let left, let right) = expression.nodes[index].kind {
        open.append(right)
        open.append(left)
      } else {
        terms.append(index)
      }
    }
    return terms
  }
}

extension ControlFlowGraph {
  /// True if the program is nothing but a rejection.
  var rejectsAll: Bool {
    if case .accept(0) = self[entry].terminator { return self[entry].actions.isEmpty }
    return false
  }
}
