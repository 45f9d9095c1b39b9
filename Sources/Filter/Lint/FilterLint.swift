import BPF

/// Looks for likely mistakes in a filter expression.
public struct FilterLint {
  let text: String
  let tree: Expression
  /// The options, with optimisation off.
  let options: CompileOptions
  let lowered: LoweredExpression
  /// The optimised program; nil if nothing can match.
  let program: Program?
  /// By node: the node that it is an operand of.
  let parents: [Expression.Index?]
  /// True if there are process tests: then the program is only the one for their most permissive results.
  private let hasProcessTests: Bool
  private(set) var findings: [LintFinding] = []

  /// Terms are compared with each other in expressions with at most this many.
  public static let maximumTerms = 48

  /// All findings for `expression`, in the order of its text. `terms` limits the size of expressions whose terms are compared with each
  /// other, since that takes as many compilations. Throws if the expression is wrong.
  public static func findings(
    in expression: String, _ options: CompileOptions, maximumTerms: Int = FilterLint.maximumTerms
  ) throws(FilterError) -> [LintFinding] {
    var lint = try FilterLint(expression, options)
    guard !lint.tree.nodes.isEmpty else { return [] }
    lint.findMixedOperators()
    lint.findEncapsulationOrder()
    lint.findClassNetworks()
    lint.findIPv4Only()
    lint.findFragments()
    lint.findExtensionHeaders()
    lint.findBackwardRanges()
    lint.findNegations()
    lint.findDeniedLoads()
    lint.findLoadsBeyondSnaplen()
    // The results of process tests are open, so terms next to them cannot be compared.
    if !lint.hasProcessTests, lint.lowered.order.terms.count <= maximumTerms { lint.findDecidedTerms() }
    if let program = lint.program, program.instructions.count > Program.maximumKernelCount {
      lint.add(
        LintFinding(
          .tooLong, [],
          "the program has \(program.instructions.count) instructions and the kernel takes \(Program.maximumKernelCount): "
            + "live, every packet is copied to be judged; networks instead of lists of hosts make it shorter"))
    }
    return lint.findings.sorted { first, second in
      (first.ranges.first?.lowerBound ?? .max) < (second.ranges.first?.lowerBound ?? .max)
    }
  }

  private init(_ expression: String, _ options: CompileOptions) throws(FilterError) {
    text = expression
    tree = try Parser.parse(expression)
    var plain = options
    plain.optimize = false
    self.options = plain
    lowered = try Lowering.lowered(tree, plain)
    var optimized = options
    optimized.optimize = true
    do throws(FilterError) {
      program = try FilterCompiler.compile(expression, optimized)
    } catch {
      guard error.message.hasPrefix(Contradiction.message) else { throw error }
      program = nil
    }
    var parents = [Expression.Index?](repeating: nil, count: tree.nodes.count)
    for (index, node) in tree.nodes.enumerated() {
      switch node.kind {
      case .and(let left, let right), .or(let left, let right):
        parents[left] = index
        parents[right] = index
      case .not(let inner): parents[inner] = index
      case .primitive: break
      }
    }
    self.parents = parents
    hasProcessTests = !tree.processTests.isEmpty
  }

  mutating func add(_ finding: LintFinding) { findings.append(finding) }

  /// The words of a node, for messages.
  func words(_ node: Expression.Index) -> String { SourceExcerpt.words(tree.nodes[node].range, of: text, limit: 40) }

  func primitive(_ node: Expression.Index) -> PrimitiveUse? {
    if case .primitive(let use) = tree.nodes[node].kind { return use }
    return nil
  }

  // MARK: Rewrites

  /// A rewrite, if it compiles for this link type, and the claim about it: `claim`, or the stronger `same` instead of `sameWhole` if both
  /// have the same program.
  func rewritten(_ claim: LintFinding.Claim, _ change: (inout ExpressionWriter) -> Void) -> (
    text: String?, claim: LintFinding.Claim
  ) {
    var writer = ExpressionWriter(tree, text)
    change(&writer)
    let rewrite = writer.whole
    var options = options
    options.optimize = true
    guard let other = try? FilterCompiler.compile(rewrite, options) else { return (nil, claim) }
    if !hasProcessTests, claim == .sameWhole || claim == .same, other.instructions == program?.instructions {
      return (rewrite, .same)
    }
    return (rewrite, claim)
  }

  /// The graph of the expression, optimised.
  func optimized(_ assumed: [Expression.Index: Bool], _ probe: TermProbe?) -> ControlFlowGraph? {
    guard var graph = try? Lowering.lowered(tree, options, assuming: assumed, probe: probe).graph else { return nil }
    Optimizer.optimize(&graph)
    return graph
  }

  /// True if no packet gets through. It is proved by the optimiser, so a false result proves nothing.
  func rejectsAll(_ probe: TermProbe, assuming assumed: [Expression.Index: Bool] = [:]) -> Bool {
    optimized(assumed, probe)?.rejectsAll ?? false
  }

  /// True if both graphs have the same program, and so accept the same packets.
  func isSame(_ first: ControlFlowGraph?, _ second: ControlFlowGraph?) -> Bool {
    guard let first, let second, let one = try? FilterCompiler.generate(first, optimizing: true).program,
      let other = try? FilterCompiler.generate(second, optimizing: true).program
    else { return false }
    return one.instructions == other.instructions
  }

  /// Writes the expression without a node that is constant. False if no term is left, or if other terms
  /// depend on the node.
  func dropping(_ node: Expression.Index, _ value: Bool, _ writer: inout ExpressionWriter) -> Bool {
    var (node, value) = (node, value)
    while let parent = parents[node] {
      switch tree.nodes[parent].kind {
      case .not: value.toggle()
      case .and where value, .or where !value:
        guard !shifts(below: node) else { return false }
        writer.replacements[node] = ""
        return true
      default: break
      }
      node = parent
    }
    guard value, !tree.nodes.isEmpty else { return false }
    writer.replacements[node] = ""
    return true
  }

  /// True if a test in the subtree changes where later tests look.
  func shifts(below node: Expression.Index) -> Bool {
    var open = [node]
    while let index = open.popLast() {
      switch tree.nodes[index].kind {
      case .and(let left, let right), .or(let left, let right): open += [left, right]
      case .not(let inner): open.append(inner)
      case .primitive: if isShifting(index) { return true }
      }
    }
    return false
  }

  /// True for `vlan`, `mpls`, `pppoes`, `geneve` and `vxlan`.
  func isShifting(_ node: Expression.Index) -> Bool {
    guard case .word(let primitive, _)? = primitive(node) else { return false }
    return Self.shifting.contains(primitive.keywords[0])
  }

  private static let shifting: Set<String> = ["vlan", "mpls", "pppoes", "geneve", "vxlan"]
}
