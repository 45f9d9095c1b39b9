import BPF

/// Finds the terms to blame when no packet can match an expression.
enum Contradiction {
  /// A conjunction of more terms than this is not examined.
  private static let maximumTerms = 64

  /// How the error messages begin.
  static let message = "expression rejects all packets"

  /// The error for `expression`, which rejects all packets. If the expression is a conjunction, the error names a minimal set of
  /// conflicting terms: without any one of them the rest would match something.
  static func error(in expression: Expression, _ options: CompileOptions) -> FilterError {
    guard let root = expression.nodes.indices.last else { return FilterError(message, kind: .contradiction) }
    let terms = conjuncts(of: root, in: expression)
    guard (2...maximumTerms).contains(terms.count) else {
      return FilterError(message, at: expression.nodes[root].range, kind: .contradiction)
    }
    // Prefer the last conflicting terms: a user who has just added a term looks there.
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

  /// The operands of `and` at the top of the tree, in the order of the text.
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
  /// True if the program does nothing but reject.
  var rejectsAll: Bool {
    if case .accept(0) = self[entry].terminator { return self[entry].actions.isEmpty }
    return false
  }
}
