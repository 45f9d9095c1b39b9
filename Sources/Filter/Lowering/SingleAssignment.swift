import BPF

extension ControlFlowGraph {
  /// Gives every variable a single assignment on every path: where paths meet on which a variable was last assigned differently, the block
  /// after them gets a new variable, assigned on each path into it. Before this pass a variable may be assigned several times and is 0
  /// until then; afterwards the rule of `Value.variable` holds.
  ///
  /// The end of a block keeps values only for the variables that are read after it: a long filter has thousands of variables, of which few
  /// are live at a time.
  mutating func assignOnce(variables count: Int) {
    let order = topologicalOrder()
    let live = liveVariables(order)
    var predecessors = [[BlockID]](repeating: [], count: blocks.count)
    for block in order {
      for next in successors(of: block) { predecessors[next.index].append(block) }
    }
    let zero = values.intern(.constant(0))
    var next = count
    /// By block: the values, at its end, of the variables that are read after it.
    var ends = [[Int: ValueID]](repeating: [:], count: blocks.count)
    for block in order {
      let ways = predecessors[block.index]
      var environment: [Int: ValueID] = [:]
      var merged: [Int] = []
      for variable in live[block.index] {
        let first = ways.first.map { ends[$0.index][variable] ?? zero } ?? zero
        if ways.dropFirst().allSatisfy({ (ends[$0.index][variable] ?? zero) == first }) {
          environment[variable] = first
        } else {
          merged.append(variable)
          environment[variable] = values.intern(.variable(next + merged.count - 1))
        }
      }
      if !merged.isEmpty {
        let new = Array(zip(merged, next...))
        next += merged.count
        assign(new, on: ways, into: block) { ends[$0.index][$1] ?? zero }
      }
      rewrite(block, &environment, &next)
      for successor in successors(of: block) {
        for variable in live[successor.index] { ends[block.index][variable] = environment[variable] }
      }
    }
  }

  /// The distinct blocks that may follow a block.
  func successors(of block: BlockID) -> [BlockID] {
    var result: [BlockID] = []
    self[block].terminator.forEachSuccessor { if result.last != $0 { result.append($0) } }
    return result
  }

  /// By block: the variables that it, or a block after it, reads before assigning them, in rising order.
  private func liveVariables(_ order: [BlockID]) -> [[Int]] {
    // By value: the variables that are read when it is evaluated. Operands precede their users.
    var reads: [[Int]] = []
    reads.reserveCapacity(values.values.count)
    for value in values.values {
      if case .variable(let number) = value {
        reads.append([number])
      } else {
        reads.append(value.operands.reduce(into: []) { $0 = Self.union($0, reads[$1.index]) })
      }
    }
    var live = [[Int]](repeating: [], count: blocks.count)
    for block in order.reversed() {
      var set = successors(of: block).reduce(into: []) { $0 = Self.union($0, live[$1.index]) }
      for value in self[block].terminator.values { set = Self.union(set, reads[value.index]) }
      for action in self[block].actions.reversed() {
        switch action {
        case .evaluate(let value):
          set = Self.union(set, reads[value.index])
        case .assign(let variable, let value):
          set.removeAll { $0 == variable }
          set = Self.union(set, reads[value.index])
        }
      }
      live[block.index] = set
    }
    return live
  }

  /// The numbers of both, each in rising order.
  private static func union(_ first: [Int], _ second: [Int]) -> [Int] {
    if second.isEmpty || first == second { return first }
    if first.isEmpty { return second }
    return Set(first).union(second).sorted()
  }

  /// Inserts a block with the assignments on every edge from `ways` to `block`; edges with the same values share one. `merged` lists the
  /// variables to assign, each with the new variable that replaces it.
  private mutating func assign(
    _ merged: [(variable: Int, new: Int)], on ways: [BlockID], into block: BlockID,
    _ value: (_ way: BlockID, _ variable: Int) -> ValueID
  ) {
    var made: [[Action]: BlockID] = [:]
    for way in ways {
      let actions = merged.map { Action.assign(variable: $0.new, value(way, $0.variable)) }
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

  /// Replaces the variables in a block by their values, and its assignments by evaluations, because an evaluation may still fail. A value
  /// made of many others is assigned to a new variable, numbered `next`: otherwise every user would compute it from the beginning.
  private mutating func rewrite(_ block: BlockID, _ environment: inout [Int: ValueID], _ next: inout Int) {
    var memo: [ValueID: ValueID] = [:]
    var actions: [Action] = []
    for action in self[block].actions {
      switch action {
      case .evaluate(let value):
        actions.append(.evaluate(substitute(value, environment, &memo)))
      case .assign(let variable, let value):
        let value = substitute(value, environment, &memo)
        if values.isLarge(value) {
          actions.append(.assign(variable: next, value))
          environment[variable] = values.intern(.variable(next))
          next += 1
        } else {
          actions.append(.evaluate(value))
          environment[variable] = value
        }
        memo.removeAll()
      }
    }
    self[block].actions = actions
    var replacements: [ValueID: ValueID] = [:]
    for value in self[block].terminator.values { replacements[value] = substitute(value, environment, &memo) }
    self[block].terminator.mapValues { replacements[$0] ?? $0 }
  }

  private mutating func substitute(_ value: ValueID, _ environment: [Int: ValueID], _ memo: inout [ValueID: ValueID])
    -> ValueID
  {
    if let known = memo[value] { return known }
    let result: ValueID
    switch values[value] {
    case .variable(let number):
      result = environment[number] ?? value
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

extension ValueTable {
  /// True if more than the maximum number of values is computed on the way to this one.
  func isLarge(_ value: ValueID) -> Bool {
    var isSeen: Set<ValueID> = [value]
    var open = [value]
    while let value = open.popLast() {
      for operand in self[value].operands where isSeen.insert(operand).inserted { open.append(operand) }
      if isSeen.count > Self.largeCount { return true }
    }
    return false
  }

  private static let largeCount = 48
}
