/// The order in which the terms of an expression are tested: from left to right, and only as far as the result needs.
struct TermOrder: Sendable {
  /// Where evaluation continues.
  enum Exit: Hashable, Sendable {
    case term(Expression.Index)
    case accept, reject
  }

  /// The term that is tested first; `accept` or `reject` where the whole expression is constant, or empty.
  private(set) var entry = Exit.accept
  /// By node: where a tested term leads when it is true, and when it is false. The two are never the same.
  private(set) var exits: [(ifTrue: Exit, ifFalse: Exit)] = []
  /// The terms that are tested, in the order of the text.
  private(set) var terms: [Expression.Index] = []
  /// By node: true below an odd number of `not`.
  private(set) var isDenied: [Bool] = []

  /// The order of an empty expression.
  init() {}

  /// The order of the terms of `expression`, where the nodes in `constants` need no test. It walks the array instead of recursing, since
  /// ten thousand terms between `or` nest just as deeply.
  init(_ expression: Expression, _ constants: [Bool?]) {
    guard let root = expression.nodes.indices.last else { return }
    exits = Array(repeating: (.accept, .reject), count: expression.nodes.count)
    isDenied = Array(repeating: false, count: expression.nodes.count)
    /// By node: the primitive that is tested first in it, or the node itself where it is constant.
    var first = Array(expression.nodes.indices)
    for (index, node) in expression.nodes.enumerated() where constants[index] == nil {
      switch node.kind {
      case .and(let left, _), .or(let left, _): first[index] = first[left]
      case .not(let inner): first[index] = first[inner]
      case .primitive: break
      }
    }
    /// For a left operand: the operator's right operand, whose first term it leads to.
    var sibling = [(right: Expression.Index, isAnd: Bool)?](repeating: nil, count: expression.nodes.count)
    /// Nodes that are tested at all: not those below a constant one.
    var isAsked = [Bool](repeating: false, count: expression.nodes.count)
    isAsked[root] = true
    var entries = [Exit](repeating: .reject, count: expression.nodes.count)
    for index in expression.nodes.indices.reversed() where isAsked[index] {
      if let (right, isAnd) = sibling[index] {
        let entry = entries[first[right]]
        if isAnd { exits[index].ifTrue = entry } else { exits[index].ifFalse = entry }
      }
      let (ifTrue, ifFalse) = exits[index]
      if let constant = constants[index] {
        entries[index] = constant ? ifTrue : ifFalse
        continue
      }
      switch expression.nodes[index].kind {
      case .and(let left, let right), .or(let left, let right):
        for side in [left, right] {
          exits[side] = (ifTrue, ifFalse)
          isAsked[side] = true
          isDenied[side] = isDenied[index]
        }
        if case .and = expression.nodes[index].kind {
          sibling[left] = (right, true)
        } else {
          sibling[left] = (right, false)
        }
      case .not(let inner):
        exits[inner] = (ifFalse, ifTrue)
        isAsked[inner] = true
        isDenied[inner] = !isDenied[index]
      case .primitive:
        entries[index] = .term(index)
        terms.append(index)
      }
    }
    terms.reverse()
    entry = entries[first[root]]
  }
}
