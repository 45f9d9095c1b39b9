public import BPF

extension FilterCompiler {
  /// The least terms of an expression that nothing can match which cannot hold together: without any one of them, the others, in the
  /// places where they stand, would match something. Under `not` a term is one that has to be false. Nothing where no term is to blame;
  /// nil if something matches, or the expression cannot be compiled.
  ///
  /// `rejectsAll` has to decide for any program whether it accepts nothing; the terms are the least if it always does.
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
  /// The program of an expression, not optimised, in which only the terms with these words are asked: the others are taken to be as the
  /// expression would have them, true or, under `not`, false. Nil if it cannot be compiled.
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

/// Looks for the least primitives in conflict, wherever in the tree they stand.
private struct ConflictSearch {
  private let tree: Expression
  private let options: CompileOptions
  /// Each primitive, and what has to come of it for the expression to be true: false under an odd number of `not`.
  private let terms: [(node: Expression.Index, wanted: Bool)]
  /// The `not` around a node.
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

  /// The words of terms, with the `not` before them.
  func ranges(_ blamed: [Int]) -> [SourceRange] {
    blamed.map { index in
      let node = terms[index].node
      return tree.nodes[negations[node] ?? node].range
    }
  }

  /// The terms with these words.
  func terms(at blamed: [SourceRange]) -> [Int] {
    terms.indices.filter { blamed.contains(ranges([$0])[0]) }
  }

  /// What is taken to be true or false if only these terms are asked.
  func assumptions(keeping kept: [Int]) -> [Expression.Index: Bool] {
    var assumed: [Expression.Index: Bool] = [:]
    for term in terms { assumed[term.node] = term.wanted }
    for index in kept { assumed[terms[index].node] = nil }
    return assumed
  }

  /// Nil if the terms are in no conflict.
  func least<Failure: Error>(_ rejectsAll: (Program) throws(Failure) -> Bool) throws(Failure) -> [Int]? {
    guard try rejects(Array(terms.indices), rejectsAll) else { return nil }
    if try rejects([], rejectsAll) { return [] }
    return try MinimalConflict.terms(among: Array(terms.indices)) { kept throws(Failure) in
      try rejects(kept, rejectsAll)
    }.sorted()
  }

  /// Whether the expression still matches nothing where all terms but those are as it would have them.
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
