import BPF

extension ControlFlowGraph {
  /// Gives every variable one number on every path: where paths meet on which a variable was last assigned differently, the
  /// block behind gets a new variable, assigned on each way into it. Before, a variable may be assigned several times and is 0
  /// until then; afterwards the rule of `Value.variable` holds.
  mutating func assignOnce(variables count: Int) {
    let order = topologicalOrder()
    let live = liveVariables(order, count: count)
    var predecessors: [BlockID: [BlockID]] = [:]
    for block in order {
      for next in successors(of: block) { predecessors[next, default: []].append(block) }
    }
    let zero = values.intern(.constant(0))
    var next = count
    /// The value of every variable where a block ends.
    var ends: [BlockID: [ValueID]] = [:]
    for block in order {
      var environment = [ValueID](repeating: zero, count: count)
      let ways = predecessors[block] ?? []
      var merged: [Int: Int] = [:]
      for variable in 0..<count {
        let arriving = ways.compactMap { ends[$0]?[variable] }
        guard let first = arriving.first else { continue }
        if arriving.allSatisfy({ $0 == first }) || live[block]?.contains(variable) != true {
          environment[variable] = first
        } else {
          merged[variable] = next
          environment[variable] = values.intern(.variable(next))
          next += 1
        }
      }
      if !merged.isEmpty { assign(merged, on: ways, into: block, ends) }
      rewrite(block, &environment)
      ends[block] = environment
    }
  }

  /// The blocks that a block goes on to.
  func successors(of block: BlockID) -> [BlockID] {
    var result: [BlockID] = []
    self[block].terminator.forEachSuccessor { if result.last != $0 { result.append($0) } }
    return result
  }

  /// For each block the variables that it, or a block behind it, reads before assigning them.
  private func liveVariables(_ order: [BlockID], count: Int) -> [BlockID: Set<Int>] {
    var reads: [ValueID: Set<Int>] = [:]
    func variables(in value: ValueID) -> Set<Int> {
      if let known = reads[value] { return known }
      let found: Set<Int> =
        switch values[value] {
        case .variable(let number): [number]
        case .load(_, let base, _): base.map(variables(in:)) ?? []
        case .arithmetic(_, let left, let right): variables(in: left).union(variables(in: right))
        case .negate(let inner): variables(in: inner)
        case .constant, .packetLength, .ancillary: []
        }
      reads[value] = found
      return found
    }
    var live: [BlockID: Set<Int>] = [:]
    for block in order.reversed() {
      var set = successors(of: block).reduce(into: Set<Int>()) { $0.formUnion(live[$1] ?? []) }
      for value in self[block].terminator.values { set.formUnion(variables(in: value)) }
      for action in self[block].actions.reversed() {
        switch action {
        case .evaluate(let value):
          set.formUnion(variables(in: value))
        case .assign(let variable, let value):
          set.remove(variable)
          set.formUnion(variables(in: value))
        }
      }
      live[block] = set
    }
    return live
  }

  /// Puts a block with the assignments on every way from `ways` into `block`; ways that bring the same values share one.
  private mutating func assign(
    _ merged: [Int: Int], on ways: [BlockID], into block: BlockID, _ ends: [BlockID: [ValueID]]
  ) {
    var made: [[Action]: BlockID] = [:]
    for way in ways {
      let actions = merged.keys.sorted().compactMap { variable -> Action? in
        guard let new = merged[variable], let value = ends[way]?[variable] else { return nil }
        return .assign(variable: new, value)
      }
      let bridge: BlockID
      if let known = made[actions] {
        bridge = known
      } else {
        bridge = add(Block(actions: actions, terminator: .jump(block), source: self[block].source))
        made[actions] = bridge
      }
      self[way].terminator.mapSuccessors { $0 == block ? bridge : $0 }
    }
  }

  /// Replaces variables by their values in a block, and its assignments by evaluations, whose failing still counts.
  private mutating func rewrite(_ block: BlockID, _ environment: inout [ValueID]) {
    var memo: [ValueID: ValueID] = [:]
    var actions: [Action] = []
    for action in self[block].actions {
      switch action {
      case .evaluate(let value):
        actions.append(.evaluate(substitute(value, environment, &memo)))
      case .assign(let variable, let value):
        let value = substitute(value, environment, &memo)
        actions.append(.evaluate(value))
        environment[variable] = value
        memo.removeAll()
      }
    }
    self[block].actions = actions
    var replacements: [ValueID: ValueID] = [:]
    for value in self[block].terminator.values { replacements[value] = substitute(value, environment, &memo) }
    self[block].terminator.mapValues { replacements[$0] ?? $0 }
  }

  private mutating func substitute(_ value: ValueID, _ environment: [ValueID], _ memo: inout [ValueID: ValueID])
    -> ValueID
  {
    if let known = memo[value] { return known }
    let result: ValueID
    switch values[value] {
    case .variable(let number):
      result = number < environment.count ? environment[number] : value
    case .load(let size, let base?, let offset):
      let base = substitute(base, environment, &memo)
      result = values.intern(.load(size, base: base, offset: offset))
    case .arithmetic(let operation, let left, let right):
      let left = substitute(left, environment, &memo)
      let right = substitute(right, environment, &memo)
      result = values.intern(.arithmetic(operation, left, right))
    case .negate(let inner):
      let inner = substitute(inner, environment, &memo)
      result = values.intern(.negate(inner))
    case .load, .constant, .packetLength, .ancillary:
      result = value
    }
    memo[value] = result
    return result
  }
}
