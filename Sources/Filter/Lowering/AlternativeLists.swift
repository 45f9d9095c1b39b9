import BPF

extension Lowering {
  /// A list with fewer terms than this is tested one by one: a search would not be shorter.
  private static let worthwhile = 24

  /// Gathers the terms of long `or` lists (and of `not` terms between `and`, which is the same list negated) into one lookup: the first
  /// term tests for all of them, the others become constants.
  ///
  /// A term that cannot be evaluated rejects the packet, so the order of terms matters. But a term that reads nothing beyond what an
  /// earlier false term has read cannot fail any more, so two such terms may be swapped.
  mutating func gatherAlternatives(
    _ expression: Expression, _ conditions: inout [Condition?], _ assumed: [Expression.Index: Bool]
  ) {
    guard expression.nodes.count > Self.worthwhile else { return }
    var alternatives = Alternatives()
    for list in Self.lists(in: expression) where list.count >= Self.worthwhile {
      gather(list, expression, &conditions, assumed, &alternatives)
    }
  }

  /// The operands of every chain of `or` or `and`, in the order of the text: the node of each operand that is a primitive (for `and`: a
  /// negated primitive), nil for any other operand.
  private static func lists(in expression: Expression) -> [[Expression.Index?]] {
    var isInner = [Bool](repeating: false, count: expression.nodes.count)
    var lists: [[Expression.Index?]] = []
    for index in expression.nodes.indices.reversed() where !isInner[index] {
      let isAnd: Bool
      switch expression.nodes[index].kind {
      case .and: isAnd = true
      case .or: isAnd = false
      case .not, .primitive: continue
      }
      var list: [Expression.Index?] = []
      var open = [index]
      while let index = open.popLast() {
        switch expression.nodes[index].kind {
        case .and(let left, let right) where isAnd, .or(let left, let right) where !isAnd:
          isInner[index] = true
          open += [right, left]
        case .not(let inner) where isAnd:
          if case .primitive = expression.nodes[inner].kind { list.append(inner) } else { list.append(nil) }
        case .primitive where !isAnd: list.append(index)
        default: list.append(nil)
        }
      }
      lists.append(list)
    }
    return lists
  }

  private mutating func gather(
    _ list: [Expression.Index?], _ expression: Expression, _ conditions: inout [Condition?],
    _ assumed: [Expression.Index: Bool], _ alternatives: inout Alternatives
  ) {
    var group = Group()
    var seen: Set<ObjectIdentifier> = []
    for node in list {
      guard let node, assumed[node] == nil, let condition = conditions[node],
        let term = alternatives.term(condition, values)
      else {
        replace(group, expression, &conditions, alternatives)
        group = Group()
        continue
      }
      let kind = term.kind
      let isAlone = !kind.isFree && kind.keyCount == 1
      let isSeen = !seen.insert(ObjectIdentifier(kind)).inserted
      let mayJoin = kind.isFree ? isSeen && group.joins(free: true, kind) : isAlone && group.joins(free: false, kind)
      if !mayJoin {
        replace(group, expression, &conditions, alternatives)
        group = Group()
        if !isAlone { continue }
      }
      group.nodes.append(node)
      group.terms.append(term)
    }
    replace(group, expression, &conditions, alternatives)
  }

  /// Terms that may be tested in any order; or terms of one kind with a single key, which fail for the same packets in any order as long as
  /// the key's values are tested one after the other.
  private struct Group {
    var nodes: [Expression.Index] = []
    var terms: [Alternatives.Term] = []

    func joins(free: Bool, _ kind: Alternatives.Kind) -> Bool {
      guard let last = terms.last else { return true }
      return free ? last.kind.isFree : last.kind === kind
    }
  }

  private mutating func replace(
    _ group: Group, _ expression: Expression, _ conditions: inout [Condition?], _ alternatives: Alternatives
  ) {
    guard group.terms.count >= Self.worthwhile, let first = group.nodes.first, let last = group.nodes.last else {
      return
    }
    let source = expression.nodes[first].range.union(expression.nodes[last].range)
    conditions[first] = alternatives.condition(group.terms, &graph.tables, source)
    for node in group.nodes.dropFirst() { conditions[node] = .constant(false) }
  }
}
