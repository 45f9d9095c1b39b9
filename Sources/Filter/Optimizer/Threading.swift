extension ControlFlowGraph {
  /// Walks the graph from its entry with what is known about every packet on each path, and uses it: comparisons with only one possible
  /// outcome are dropped, evaluations that cannot fail are dropped, and edges skip blocks that can only pass their packets on. Returns
  /// whether anything changed.
  mutating func threadEdges() -> Bool {
    var threading = EdgeThreading(self)
    // Move the graph out instead of copying it.
    self = ControlFlowGraph()
    threading.run()
    self = threading.graph
    return threading.hasChanged
  }
}

private struct EdgeThreading {
  private(set) var graph: ControlFlowGraph
  private var analysis: ValueAnalysis
  /// By block: what is known at its start, from the edges seen so far; nil before the first edge to it.
  private var entries: [PathFacts?]
  private let order: [BlockID]
  /// Built from the original graph: valid for every block that has not been processed yet.
  private let runs: EqualityRuns
  private(set) var hasChanged = false

  /// How many blocks edges may still skip, so that a large graph does not take forever.
  private var budget: Int
  /// An edge may skip this many blocks even when the budget is spent.
  private static let lengthLimit = 20
  /// How deep the operands of a value are followed.
  private static let depthLimit = 12

  init(_ graph: ControlFlowGraph) {
    self.graph = graph
    analysis = ValueAnalysis(of: graph)
    entries = Array(repeating: nil, count: graph.blocks.count)
    order = graph.topologicalOrder()
    runs = EqualityRuns(in: graph, order: order)
    budget = 10_000 + 32 * order.count
  }

  mutating func run() {
    entries[graph.entry.index] = PathFacts()
    // An edge is only ever moved to a later block, so all edges into a block are known when its turn comes.
    for block in order {
      guard let facts = entries[block.index] else { continue }
      entries[block.index] = nil
      visit(block, facts)
    }
  }

  private mutating func visit(_ block: BlockID, _ start: PathFacts) {
    var facts = start
    var actions: [Action] = []
    let before = graph[block]
    for action in graph[block].actions { perform(specialized(action, facts), &facts, &actions) }
    switch graph[block].terminator {
    case .accept: break
    case .jump(let target): graph[block].terminator = .jump(lead(to: target, facts))
    case .lookup(var lookup, let ifFound, let ifMissing):
      lookup.first = specialized(lookup.first, facts)
      for index in lookup.rest.indices { lookup.rest[index] = specialized(lookup.rest[index], facts) }
      if let isFound = outcome(lookup, facts) {
        perform(.evaluate(lookup.first), &facts, &actions)
        graph[block].terminator = .jump(lead(to: isFound ? ifFound : ifMissing, facts))
      } else {
        facts.assumeEvaluated(lookup.first, graph.values, analysis)
        graph[block].terminator = .lookup(
          lookup, ifFound: lead(to: ifFound, facts), ifMissing: lead(to: ifMissing, facts))
      }
    case .branch(var comparison, var ifTrue, var ifFalse):
      comparison.left = specialized(comparison.left, facts)
      comparison.right = specialized(comparison.right, facts)
      let simplified = graph.values.simplified(comparison, facts, &analysis)
      if simplified.isInverted { swap(&ifTrue, &ifFalse) }
      let left = simplified.comparison.left
      let right = simplified.comparison.right
      let decided = facts.outcome(simplified.comparison, graph.values, analysis)
      var whenTrue = facts
      whenTrue.assumeEvaluated(left, graph.values, analysis)
      whenTrue.assumeEvaluated(right, graph.values, analysis)
      var whenFalse = whenTrue
      // Facts about the end of the program are useless.
      if !isReturn(ifTrue) { whenTrue.assume(simplified.comparison, true, graph.values, analysis) }
      if !isReturn(ifFalse) { whenFalse.assume(simplified.comparison, false, graph.values, analysis) }
      if decided != nil || whenTrue.isImpossible || whenFalse.isImpossible || ifTrue == ifFalse {
        perform(.evaluate(left), &facts, &actions)
        perform(.evaluate(right), &facts, &actions)
        let isTrue = decided ?? !whenTrue.isImpossible
        graph[block].terminator = .jump(lead(to: isTrue ? ifTrue : ifFalse, facts))
      } else {
        graph[block].terminator = .branch(
          simplified.comparison, ifTrue: lead(to: ifTrue, whenTrue), ifFalse: lead(to: ifFalse, whenFalse))
      }
    }
    graph[block].actions = actions
    if actions != before.actions || graph[block].terminator != before.terminator { hasChanged = true }
  }

  /// Simplifies an action, and keeps it if it matters.
  private mutating func perform(_ action: Action, _ facts: inout PathFacts, _ actions: inout [Action]) {
    switch action {
    case .evaluate(let value):
      // Only evaluate what can fail.
      var values = [value]
      var isSeen: Set<ValueID> = []
      while let value = values.popLast() {
        if !isSeen.insert(value).inserted || facts.isProven(value, graph.values, analysis) { continue }
        switch graph.values[value] {
        case .negate(let operand): values.append(operand)
        case .arithmetic(let operation, let left, let right) where operation != .divide && operation != .modulo:
          values += [right, left]
        default:
          facts.assumeEvaluated(value, graph.values, analysis)
          actions.append(.evaluate(value))
        }
      }
    case .assign(let number, let value):
      facts.assumeEvaluated(value, graph.values, analysis)
      let variable = graph.values.intern(.variable(number))
      analysis.update(for: graph.values)
      facts.assumeAssigned(variable, value, graph.values, analysis)
      actions.append(action)
    }
  }

  // MARK: Values about which more is known here than in general

  private mutating func specialized(_ action: Action, _ facts: PathFacts) -> Action {
    switch action {
    case .evaluate(let value): .evaluate(specialized(value, facts))
    case .assign(let variable, let value): .assign(variable: variable, specialized(value, facts))
    }
  }

  /// A simpler value that equals `value` here: known numbers replace the computation.
  private mutating func specialized(_ value: ValueID, _ facts: PathFacts, depth: Int = 0) -> ValueID {
    guard depth < Self.depthLimit, facts.knowsNumbers else { return value }
    if case .constant = graph.values[value] { return value }
    if let number = facts.number(value, graph.values, analysis).single,
      facts.isProven(value, graph.values, analysis)
    {
      let constant = graph.values.intern(.constant(number))
      analysis.update(for: graph.values)
      return constant
    }
    if let assigned = facts.assigned(to: value), !graph.values.isLarge(assigned) {
      return specialized(assigned, facts, depth: depth + 1)
    }
    let original = graph.values[value]
    if original.operands.isEmpty { return value }
    var replacements: [ValueID: ValueID] = [:]
    for operand in original.operands {
      replacements[operand] = specialized(operand, facts, depth: depth + 1)
    }
    let changed = original.mapOperands { replacements[$0] ?? $0 }
    return changed == original ? value : graph.values.simplified(changed, &analysis)
  }

  // MARK: Edges

  /// The block that an edge with these facts can lead to instead of `target`; records the edge there.
  private mutating func lead(to target: BlockID, _ facts: PathFacts) -> BlockID {
    var target = target
    var ahead = target
    var assigns = false
    var length = 0
    while length < Self.lengthLimit || budget > 0, let next = successor(of: ahead, facts, &assigns) {
      ahead = next
      // No variable is read where the program ends.
      if !assigns || isReturn(ahead) { target = ahead }
      length += 1
      budget -= 1
    }
    if isReturn(target) {
      entries[target.index] = PathFacts()
    } else if entries[target.index] != nil {
      entries[target.index]?.meet(facts, graph.values, analysis)
    } else {
      entries[target.index] = facts
    }
    return target
  }

  private func isReturn(_ block: BlockID) -> Bool {
    guard case .accept = graph[block].terminator else { return false }
    return graph[block].actions.isEmpty
  }

  /// The block that packets with these facts go to from `block`, if there is only one and `block` does nothing for them except assign
  /// variables.
  private func successor(of block: BlockID, _ facts: PathFacts, _ assigns: inout Bool) -> BlockID? {
    if let value = runs.value(askedIn: block), let number = facts.number(value, graph.values, analysis).single,
      facts.isProven(value, graph.values, analysis)
    {
      return runs.target(from: block, number: number)
    }
    for action in graph[block].actions {
      switch action {
      case .evaluate(let value):
        guard facts.isProven(value, graph.values, analysis) else { return nil }
      case .assign(_, let value):
        guard facts.isProven(value, graph.values, analysis) else { return nil }
        assigns = true
      }
    }
    switch graph[block].terminator {
    case .accept: return nil
    case .jump(let next): return next
    case .lookup(let lookup, let ifFound, let ifMissing):
      guard let isFound = outcome(lookup, facts), facts.isProven(lookup.first, graph.values, analysis) else {
        return nil
      }
      return isFound ? ifFound : ifMissing
    case .branch(let comparison, let ifTrue, let ifFalse):
      guard let outcome = facts.outcome(comparison, graph.values, analysis),
        facts.isProven(comparison.left, graph.values, analysis),
        facts.isProven(comparison.right, graph.values, analysis)
      else { return nil }
      return outcome ? ifTrue : ifFalse
    }
  }

  /// Whether the values are in the table for every packet with these facts, or for none; nil if that differs or is not known.
  private func outcome(_ lookup: Lookup, _ facts: PathFacts) -> Bool? {
    guard lookup.rest.isEmpty, let number = facts.number(lookup.first, graph.values, analysis).single else {
      return nil
    }
    return graph.tables[lookup.table].contains(number)
  }
}
