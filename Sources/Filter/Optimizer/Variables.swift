extension ControlFlowGraph {
  /// Removes assignments that nothing reads; the evaluation stays, since it can fail. Returns whether there were any.
  mutating func removeDeadAssignments() -> Bool {
    // By value: the variables that are read when it is evaluated.
    var read: [Set<Int>] = []
    for value in values.values {
      var set: Set<Int> = []
      if case .variable(let number) = value { set.insert(number) }
      for operand in value.operands where !read[operand.index].isEmpty { set.formUnion(read[operand.index]) }
      read.append(set)
    }
    guard read.contains(where: { !$0.isEmpty }) else { return false }
    var hasChanged = false
    // By block: the variables that are read at or after its start.
    var live = [Set<Int>](repeating: [], count: blocks.count)
    for block in topologicalOrder().reversed() {
      var set: Set<Int> = []
      self[block].terminator.forEachSuccessor { set.formUnion(live[$0.index]) }
      for value in self[block].terminator.values { set.formUnion(read[value.index]) }
      for index in self[block].actions.indices.reversed() {
        switch self[block].actions[index] {
        case .evaluate(let value): set.formUnion(read[value.index])
        case .assign(let variable, let value):
          if set.remove(variable) == nil {
            self[block].actions[index] = .evaluate(value)
            hasChanged = true
          }
          set.formUnion(read[value.index])
        }
      }
      live[block.index] = set
    }
    return hasChanged
  }
}
