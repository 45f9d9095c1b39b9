import BPF

/// The terms of an expression, as explanations count them: each test, with the `not` directly before it.
struct FilterTerms {
  /// In the order of the text.
  private(set) var list: [FilterExplanation.Term] = []
  /// By node of the expression: the index of its term, or -1.
  private(set) var numbers: [Int]
  /// The node of the test that has these words.
  private(set) var nodes: [SourceRange: Int] = [:]

  init(_ tree: Expression) {
    numbers = [Int](repeating: -1, count: tree.nodes.count)
    for (index, node) in tree.nodes.enumerated() {
      switch node.kind {
      case .primitive:
        nodes[node.range] = index
        numbers[index] = list.count
        list.append(FilterExplanation.Term(range: node.range, isNegated: false))
      case .not(let inner):
        guard numbers[inner] >= 0 else { continue }
        numbers[index] = numbers[inner]
        list[numbers[inner]] = FilterExplanation.Term(
          range: node.range, isNegated: !list[numbers[inner]].isNegated)
      case .and, .or: break
      }
    }
  }
}
