import BPF

/// How an expression is structured, and what its parts mean because of that.
extension FilterLint {
  // MARK: and, or

  /// `and` and `or` have the same precedence: a chain of both is evaluated from left to right.
  mutating func findMixedOperators() {
    let pairs = parentheses()
    for node in tree.nodes {
      let left: Expression.Index
      let isSurprising: Bool
      switch (node.kind, leftKind(node.kind)) {
      case (.and(let side, _), .or?): (left, isSurprising) = (side, true)
      case (.or(let side, _), .and?): (left, isSurprising) = (side, false)
      default: continue
      }
      let range = tree.nodes[left].range
      let isClosed = pairs.contains { open, close in
        open < range.lowerBound && close >= range.upperBound && close <= node.range.upperBound
      }
      if isClosed { continue }
      let (first, second) = isSurprising ? ("or", "and") : ("and", "or")
      let (rewrite, claim) = rewritten(.same) { _ in }
      add(
        LintFinding(
          .mixedOperators, [range],
          "'and' and 'or' have the same precedence, so this '\(first)' comes before the '\(second)' after it: "
            + "parentheses would say so",
          rewrite: rewrite, claim, isWarning: isSurprising))
    }
  }

  private func leftKind(_ kind: Expression.Kind) -> Expression.Kind? {
    switch kind {
    case .and(let left, _), .or(let left, _): tree.nodes[left].kind
    case .not, .primitive: nil
    }
  }

  /// The positions of matching parentheses.
  private func parentheses() -> [(open: Int, close: Int)] {
    guard let tokens = try? Lexer.tokens(of: text) else { return [] }
    var pairs: [(Int, Int)] = []
    var open: [Int] = []
    for token in tokens {
      if token.kind == .sign(.leftParenthesis) { open.append(token.range.lowerBound) }
      if token.kind == .sign(.rightParenthesis), let start = open.popLast() {
        pairs.append((start, token.range.lowerBound))
      }
    }
    return pairs
  }

  // MARK: Encapsulation

  /// `vlan` and similar keywords change what all later tests in the text mean, even for packets without the header.
  mutating func findEncapsulationOrder() {
    for node in lowered.order.terms where isShifting(node) {
      guard let later = dependent(askedAfter: lowered.order.exits[node].ifFalse) else { continue }
      let name = words(node)
      let other = words(later)
      if let finding = alternativeTags(node) {
        add(finding)
        return
      }
      var rewrite: String?
      if let ancestor = commonAncestor(node, later), case .some(let right) = rightOperand(ancestor),
        !shifts(below: right)
      {
        rewrite = rewritten(.different) { $0.swapped.insert(ancestor) }.text
      }
      add(
        LintFinding(
          .encapsulationOrder, [tree.nodes[node].range, tree.nodes[later].range],
          "'\(other)' looks past the header of '\(name)' even in packets without one; before '\(name)' it tests packets as they are",
          rewrite: rewrite, .different))
      return
    }
  }

  /// `vlan 5 or vlan 6`: the second one would be a tag inside the first.
  private func alternativeTags(_ node: Expression.Index) -> LintFinding? {
    var root = node
    while let parent = parents[root], case .or = tree.nodes[parent].kind { root = parent }
    let row = operands(of: root)
    guard row.count > 1, let first = row.first, lowered.contexts[first].vlanDepth == 0 else { return nil }
    var identifiers: [UInt32] = []
    for operand in row {
      guard case .word(let primitive, .number(let identifier))? = primitive(operand), primitive.keywords[0] == "vlan"
      else {
        return nil
      }
      identifiers.append(identifier)
    }
    let layers = lowered.contexts[first]
    let place = layers.networkHeader.offset &- layers.header.offset
    var rewrite: String?
    if layers.networkHeader.base == nil, layers.header.base == nil {
      let tests = identifiers.map { "ether[\(place):2] & 0xfff = \($0)" }
      rewrite = rewritten(.different) { $0.replacements[root] = "(vlan and (\(tests.joined(separator: " or "))))" }.text
    }
    return LintFinding(
      .encapsulationOrder, row.map { tree.nodes[$0].range },
      "after 'vlan' a second 'vlan' is a tag inside the first, not an alternative to it: test for the tag once, then for its number",
      rewrite: rewrite, .different)
  }

  /// The first term from `exit` on whose meaning depends on where the headers are.
  private func dependent(askedAfter exit: TermOrder.Exit) -> Expression.Index? {
    var open = [exit]
    var seen: Set<TermOrder.Exit> = []
    while let exit = open.popLast() {
      guard case .term(let node) = exit, seen.insert(exit).inserted else { continue }
      if !isAboutLength(node) { return node }
      open += [lowered.order.exits[node].ifFalse, lowered.order.exits[node].ifTrue]
    }
    return nil
  }

  private func isAboutLength(_ node: Expression.Index) -> Bool {
    switch primitive(node) {
    case .word(let primitive, _)?:
      ["less", "greater", "inbound", "outbound", "ifindex"].contains(primitive.keywords[0])
    case .relation(let left, _, let right)?: left.isAboutLength && right.isAboutLength
    default: false
    }
  }

  private func commonAncestor(_ first: Expression.Index, _ second: Expression.Index) -> Expression.Index? {
    var above: Set<Expression.Index> = []
    var node: Expression.Index? = first
    while let index = node {
      above.insert(index)
      node = parents[index]
    }
    node = second
    while let index = node {
      if above.contains(index) { return index }
      node = parents[index]
    }
    return nil
  }

  private func rightOperand(_ node: Expression.Index) -> Expression.Index? {
    switch tree.nodes[node].kind {
    case .and(_, let right), .or(_, let right): right
    case .not, .primitive: nil
    }
  }
}

extension Arithmetic {
  /// True if only the packet's length is used, none of its bytes.
  fileprivate var isAboutLength: Bool {
    switch self {
    case .number, .packetLength: true
    case .accessor: false
    case .binary(_, let left, let right, _): left.isAboutLength && right.isAboutLength
    case .negate(let inner): inner.isAboutLength
    }
  }

  /// The fields it reads.
  var accessors: [(proto: ProtocolName, index: UInt32?, size: LoadSize, range: SourceRange)] {
    switch self {
    case .number, .packetLength: []
    case .accessor(let proto, let index, let size, let range):
      [(proto, index.number, size, range)] + index.accessors
    case .binary(_, let left, let right, _): left.accessors + right.accessors
    case .negate(let inner): inner.accessors
    }
  }

  private var number: UInt32? {
    if case .number(let number) = self { return number }
    return nil
  }
}
