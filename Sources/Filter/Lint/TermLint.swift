import BPF

/// Terms that make no difference, or whose result other terms determine.
extension FilterLint {
  mutating func findDecidedTerms() {
    var decided: Set<Expression.Index> = []
    for node in tree.nodes.indices where primitive(node) != nil {
      if findConstant(node) || lowered.order.terms.contains(node) && findAlwaysOneAnswer(node) { decided.insert(node) }
    }
    if decided.isEmpty, program != nil { findImpliedByLater() }
  }

  private func range(_ node: Expression.Index) -> [SourceRange] { [tree.nodes[node].range] }

  /// A term whose result the link type determines.
  private mutating func findConstant(_ node: Expression.Index) -> Bool {
    guard let value = lowered.constants[node] else { return false }
    var isDropped = false
    let (rewrite, claim) = rewritten(.same) { isDropped = dropping(node, value, &$0) }
    add(
      LintFinding(
        value ? .alwaysTrue : .alwaysFalse, range(node),
        "'\(words(node))' is \(value ? "true for every packet" : "never true") on \(lowered.linkTypeName)",
        rewrite: isDropped ? rewrite : nil, claim))
    return true
  }

  /// A term with only one possible result where it is tested: on its own, or because of the terms before it.
  private mutating func findAlwaysOneAnswer(_ node: Expression.Index) -> Bool {
    for value in [true, false] where rejectsAll(.answer(node, !value)) {
      let isAlone = rejectsAll(.aloneAnswer(node, !value))
      let rule: LintFinding.Rule = isAlone ? (value ? .alwaysTrue : .alwaysFalse) : .implied
      let answer = value ? "always true" : "never true"
      let why =
        isAlone
        ? "" : " here: the terms before it \(value ? "imply" : isBetweenOr(node) ? "cover" : "exclude") it"
      // Dropping it is exact if testing it makes no difference, not even by failing.
      let isExact = isSame(optimized([:], .ignoring(node, value)), optimized([node: value], nil))
      var isDropped = false
      let (rewrite, claim) = rewritten(isExact ? .same : .sameWhole) { isDropped = dropping(node, value, &$0) }
      add(
        LintFinding(
          rule, range(node), "'\(words(node))' is \(answer)\(why)", rewrite: isDropped ? rewrite : nil, claim))
      return true
    }
    return false
  }

  private func isBetweenOr(_ node: Expression.Index) -> Bool {
    guard let parent = parents[node], case .or = tree.nodes[parent].kind else { return false }
    return true
  }

  /// A term of an `and` chain at the top that the others imply, also those after it; or one of an `or` chain that they cover.
  private mutating func findImpliedByLater() {
    guard let root = tree.nodes.indices.last else { return }
    let isAnd: Bool
    switch tree.nodes[root].kind {
    case .and: isAnd = true
    case .or: isAnd = false
    case .not, .primitive: return
    }
    for operand in operands(of: root) {
      var node = operand
      var isDenied = false
      while case .not(let inner) = tree.nodes[node].kind {
        node = inner
        isDenied.toggle()
      }
      guard let use = primitive(node), !isShifting(node), lowered.constants[node] == nil else { continue }
      // A user who writes `ip and tcp[13] = 2` makes explicit that IPv4 is meant.
      let proto: ProtocolName? = if case .abbreviation(let proto) = use { proto } else { nil }
      if isAnd, proto == .ip { continue }
      // The result that changes nothing.
      let neutral = isAnd != isDenied
      let probe: TermProbe = isAnd ? .behindAccepting(node, !neutral) : .behindRejecting(node, !neutral)
      guard rejectsAll(probe, assuming: [node: neutral]) else { continue }
      let isExact =
        isAnd && isSame(optimized([node: neutral], .behindBoth(node, takenFor: true)), optimized([node: neutral], nil))
      var isDropped = false
      let (rewrite, claim) = rewritten(isExact ? .same : .sameWhole) { isDropped = dropping(node, neutral, &$0) }
      let why = isAnd ? "the other terms imply it" : "the other terms cover it"
      add(
        LintFinding(
          .implied, range(operand), "'\(words(operand))' changes nothing: \(why)", rewrite: isDropped ? rewrite : nil,
          claim, isWarning: proto == nil))
      return
    }
  }

  /// The operands of a chain of one operator, in the order of the text.
  func operands(of root: Expression.Index) -> [Expression.Index] {
    var operands: [Expression.Index] = []
    var open = [root]
    while let index = open.popLast() {
      switch (tree.nodes[index].kind, tree.nodes[root].kind) {
      case (.and(let left, let right), .and), (.or(let left, let right), .or): open += [right, left]
      default: operands.append(index)
      }
    }
    return operands
  }
}
