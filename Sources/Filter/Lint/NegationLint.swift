import BPF

/// `not` with lists and with `or`, where it means something else than in English.
extension FilterLint {
  mutating func findNegations() {
    for (index, node) in tree.nodes.enumerated() {
      guard case .or = node.kind else { continue }
      if let parent = parents[index], case .or = tree.nodes[parent].kind { continue }
      let row = operands(of: index)
      findNegatedList(index, row)
      findNegatedAlternatives(index, row)
    }
  }

  /// The identifier that is negated, with its qualifiers.
  private func negatedIdentifier(_ node: Expression.Index) -> (Qualifiers, Identifier)? {
    guard case .not(let inner) = tree.nodes[node].kind,
      case .identifier(let qualifiers, let identifier)? = primitive(inner)
    else { return nil }
    return (qualifiers, identifier)
  }

  /// `not host A or B`: only A is excluded, and B is matched.
  private mutating func findNegatedList(_ root: Expression.Index, _ row: [Expression.Index]) {
    var found: (first: Expression.Index, list: ArraySlice<Expression.Index>, text: String)?
    for (place, node) in row.enumerated() {
      guard let (qualifiers, identifier) = negatedIdentifier(node) else { continue }
      // Bare identifiers, which inherit their qualifiers from the first.
      let list = row.dropFirst(place + 1).prefix { node in
        guard case .identifier(qualifiers, let other)? = primitive(node) else { return false }
        return tree.nodes[node].range == other.range
      }
      if list.isEmpty { continue }
      found = (node, list, identifier.text)
      break
    }
    guard let (first, list, text) = found, let second = list.first else { return }
    var rewrite: (text: String?, claim: LintFinding.Claim) = (nil, .different)
    if list.count == row.count - 1 {
      rewrite = rewritten(.different) { writer in
        let rest = list.map { writer.words(of: $0) }
        guard case .not(let inner) = tree.nodes[first].kind else { return }
        writer.replacements[root] = "not (\(([writer.words(of: inner)] + rest).joined(separator: " or ")))"
      }
    }
    add(
      LintFinding(
        .negatedList, [tree.nodes[first].range] + list.map { tree.nodes[$0].range },
        "this 'not' is for '\(text)' only, so packets with '\(words(second))' match: parentheses put it before both",
        rewrite: rewrite.text, .different))
  }

  /// `not port A or not port B`: only a packet with both is excluded.
  private mutating func findNegatedAlternatives(_ root: Expression.Index, _ row: [Expression.Index]) {
    guard let first = row.first, let (qualifiers, _) = negatedIdentifier(first) else { return }
    let alike = row.filter { node in
      guard let (other, _) = negatedIdentifier(node) else { return false }
      return other == qualifiers
    }
    guard Set(alike.compactMap { negatedIdentifier($0)?.1.text }).count > 1 else { return }
    var rewrite: (text: String?, claim: LintFinding.Claim) = (nil, .different)
    if alike.count == row.count {
      rewrite = rewritten(.different) { writer in
        let terms = row.map { node in
          guard case .not(let inner) = tree.nodes[node].kind else { return "" }
          return "not \(writer.words(of: inner))"
        }
        writer.replacements[root] = "(\(terms.joined(separator: " and ")))"
      }
    }
    add(
      LintFinding(
        .negatedAlternatives, alike.map { tree.nodes[$0].range },
        "with 'or' between them, only packets that have all of these are excluded: 'and' excludes each",
        rewrite: rewrite.text, .different))
  }
}
