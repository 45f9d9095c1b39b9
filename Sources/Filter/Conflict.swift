public import BPF

extension FilterCompiler {
  /// Finds a minimal set of terms that makes an expression match nothing: if any one of them were left out, the others, in their places in
  /// the expression, would match something. A term under `not` counts as having to be false. The error names no term where none is to
  /// blame; the result is nil if something matches, or if the expression cannot be compiled.
  ///
  /// `rejectsAll` decides for any program whether it accepts nothing. The set is minimal only if it always finds the right answer.
  public static func conflict<Failure: Error>(
    in expression: String, _ options: CompileOptions, rejectsAll: (Program) throws(Failure) -> Bool
  ) throws(Failure) -> FilterError? {
    guard let tree = try? Parser.parse(expression), (try? Lowering.lower(tree, options)) != nil else { return nil }
    let search = ConflictSearch(tree, options)
    guard let blamed = try search.least(rejectsAll) else { return nil }
    let message = Contradiction.message
    switch blamed.count {
    case 0: return FilterError(message, at: tree.nodes.last?.range)
    case 1: return FilterError("\(message): no packet matches this term", at: search.ranges(blamed))
    default: return FilterError("\(message): these terms contradict each other", at: search.ranges(blamed))
    }
  }
}

extension FilterCompiler {
  /// The unoptimised program of an expression in which only the terms with these words are tested. The others are assumed to have the value
  /// that the expression needs: true, or false under `not`. Nil if it cannot be compiled.
  public static func relaxed(_ expression: String, _ options: CompileOptions, keeping ranges: [SourceRange]) -> Program?
  {
    guard let tree = try? Parser.parse(expression) else { return nil }
    let search = ConflictSearch(tree, options)
    var options = options
    options.optimize = false
    guard
      let graph = try? Lowering.lower(tree, options, assuming: search.assumptions(keeping: search.terms(at: ranges))),
      let code = try? CodeGenerator.generate(graph, optimizing: false)
    else { return nil }
    return try? Program(validating: code.instructions, sources: code.sources)
  }
}

/// Searches for a minimal set of conflicting primitives anywhere in the tree.
private struct ConflictSearch {
  private let tree: Expression
  private let options: CompileOptions
  /// Each primitive, and the value it must have for the expression to be true: false under an odd number of `not`.
  private let terms: [(node: Expression.Index, wanted: Bool)]
  /// The `not` node directly around a node.
  private let negations: [Expression.Index: Expression.Index]

  init(_ tree: Expression, _ options: CompileOptions) {
    self.tree = tree
    self.options = options
    var wanted = [Bool](repeating: true, count: tree.nodes.count)
    var terms: [(node: Expression.Index, wanted: Bool)] = []
    var negations: [Expression.Index: Expression.Index] = [:]
    // Parents follow their children.
    for index in tree.nodes.indices.reversed() {
      switch tree.nodes[index].kind {
      case .and(let left, let right), .or(let left, let right):
        wanted[left] = wanted[index]
        wanted[right] = wanted[index]
      case .not(let inner):
        wanted[inner] = !wanted[index]
        negations[inner] = index
      case .primitive: terms.append((index, wanted[index]))
      }
    }
    self.terms = terms.reversed()
    self.negations = negations
  }

  /// The source ranges of these terms, each including the `not` before it.
  func ranges(_ blamed: [Int]) -> [SourceRange] {
    blamed.map { index in
      let node = terms[index].node
      return tree.nodes[negations[node] ?? node].range
    }
  }

  /// The terms that have these source ranges.
  func terms(at blamed: [SourceRange]) -> [Int] {
    terms.indices.filter { blamed.contains(ranges([$0])[0]) }
  }

  /// The values assumed for all other terms when only these are tested.
  func assumptions(keeping kept: [Int]) -> [Expression.Index: Bool] {
    var assumed: [Expression.Index: Bool] = [:]
    for term in terms { assumed[term.node] = term.wanted }
    for index in kept { assumed[terms[index].node] = nil }
    return assumed
  }

  /// Nil if the terms do not conflict.
  func least<Failure: Error>(_ rejectsAll: (Program) throws(Failure) -> Bool) throws(Failure) -> [Int]? {
    guard try rejects(Array(terms.indices), rejectsAll) else { return nil }
    if try rejects([], rejectsAll) { return [] }
    return try MinimalConflict.terms(among: Array(terms.indices)) { kept throws(Failure) in
      try rejects(kept, rejectsAll)
    }.sorted()
  }

  /// Whether the expression still matches nothing when all terms but these have the value it needs.
  private func rejects<Failure: Error>(
    _ kept: [Int], _ rejectsAll: (Program) throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    guard var graph = try? Lowering.lower(tree, options, assuming: assumptions(keeping: kept)) else { return false }
    Optimizer.optimize(&graph)
    if graph.rejectsAll { return true }
    guard let generated = try? FilterCompiler.generate(graph, optimizing: true) else { return false }
    return try rejectsAll(generated.program)
  }
}
