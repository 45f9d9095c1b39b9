/// Writes an expression back as text, with some of its nodes replaced.
struct ExpressionWriter {
  let tree: Expression
  /// The text of the expression.
  let text: String
  /// By node: the text that replaces it, a term or something in parentheses; an empty text omits the node.
  var replacements: [Expression.Index: String] = [:]
  /// Operators whose operands are exchanged.
  var swapped: Set<Expression.Index> = []

  init(_ tree: Expression, _ text: String) {
    self.tree = tree
    self.text = text
  }

  /// The whole expression. Its lists are written out: `port 80 or 443` is `port 80 or port 443`.
  var whole: String {
    /// The text of a node, and the operator that joins its parts.
    struct Part {
      var text: String
      var form: Form
    }
    enum Form { case term, and, or }
    func closed(_ part: Part) -> String { part.form == .term ? part.text : "(\(part.text))" }
    var parts: [Part] = []
    for (index, node) in tree.nodes.enumerated() {
      if let replacement = replacements[index] {
        parts.append(Part(text: replacement, form: .term))
        continue
      }
      switch node.kind {
      case .primitive(let use): parts.append(Part(text: Self.words(use) ?? words(node), form: .term))
      case .not(let inner):
        let inner = parts[inner]
        parts.append(Part(text: inner.text.isEmpty ? "" : "not \(closed(inner))", form: .term))
      case .and(let left, let right), .or(let left, let right):
        let isAnd = if case .and = node.kind { true } else { false }
        let sides = swapped.contains(index) ? (parts[right], parts[left]) : (parts[left], parts[right])
        if sides.0.text.isEmpty || sides.1.text.isEmpty {
          parts.append(sides.0.text.isEmpty ? sides.1 : sides.0)
          continue
        }
        // A chain of one operator needs no parentheses.
        let form: Form = isAnd ? .and : .or
        let first = sides.0.form == form ? sides.0.text : closed(sides.0)
        parts.append(Part(text: "\(first) \(isAnd ? "and" : "or") \(closed(sides.1))", form: form))
      }
    }
    guard let root = parts.last?.text else { return "" }
    // A replacement of the whole expression needs no parentheses.
    let isReplaced = tree.nodes.indices.last.map { replacements[$0] != nil } ?? false
    return isReplaced && root.hasPrefix("(") && root.hasSuffix(")") ? String(root.dropFirst().dropLast()) : root
  }

  /// An identifier with all its qualifiers, inherited ones included; nil for other tests.
  static func words(_ use: PrimitiveUse) -> String? {
    guard case .identifier(let qualifiers, let identifier) = use else { return nil }
    let proto = qualifiers.proto.map { $0 == .link ? "ether" : $0.rawValue }
    let words = [proto, qualifiers.direction?.rawValue, qualifiers.kind?.rawValue, identifier.text].compactMap { $0 }
    // A bare address gets its meaning from the qualifiers before it: here it must be explicit.
    return words.count == 1 ? "host \(identifier.text)" : words.joined(separator: " ")
  }

  private func words(_ node: Expression.Node) -> String {
    SourceExcerpt.words(node.range, of: text, limit: 100_000)
  }

  /// The text of a chain of primitives joined by `or`.
  func words(row node: Expression.Index) -> String {
    guard case .or(let left, let right) = tree.nodes[node].kind else { return words(of: node) }
    var rows = [words(of: right)]
    var index = left
    while case .or(let left, let right) = tree.nodes[index].kind {
      rows.append(words(of: right))
      index = left
    }
    return (rows + [words(of: index)]).reversed().joined(separator: " or ")
  }

  /// The text of a node on its own.
  func words(of index: Expression.Index) -> String {
    if case .primitive(let use) = tree.nodes[index].kind, let words = Self.words(use) { return words }
    return words(tree.nodes[index])
  }
}
