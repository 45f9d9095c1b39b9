import BPF

extension ControlFlowGraph {
  /// Merges blocks that do the same, and leads every edge past blocks that do nothing. Returns whether anything changed.
  mutating func mergeBlocks() -> Bool {
    /// What a block does, with its targets already merged.
    struct Meaning: Hashable {
      var actions: [Action]
      var terminator: Terminator
    }
    var known: [Meaning: BlockID] = [:]
    var representatives = blocks.indices.map { BlockID(index: $0) }
    // Start at the end, so that blocks with equal continuations are recognised as equal.
    var hasChanged = false
    let order = topologicalOrder()
    known.reserveCapacity(order.count)
    for block in order.reversed() {
      switch self[block].terminator {
      case .accept: break
      case .jump, .lookup:
        self[block].terminator.mapSuccessors { representatives[$0.index] }
        if case .lookup(let lookup, let ifFound, let ifMissing) = self[block].terminator, ifFound == ifMissing,
          lookup.rest.isEmpty
        {
          self[block].actions.append(.evaluate(lookup.first))
          self[block].terminator = .jump(ifFound)
          hasChanged = true
        }
      case .branch(let comparison, let ifTrue, let ifFalse):
        let first = representatives[ifTrue.index]
        let second = representatives[ifFalse.index]
        if first == second {
          // The outcome does not matter, but the evaluation can fail.
          self[block].actions += [.evaluate(comparison.left), .evaluate(comparison.right)]
          self[block].terminator = .jump(first)
          hasChanged = true
        } else {
          self[block].terminator = .branch(comparison, ifTrue: first, ifFalse: second)
        }
      }
      // A return can be recognised here.
      if case .jump(let target) = self[block].terminator {
        if self[block].actions.isEmpty {
          representatives[block.index] = target
          hasChanged = true
          continue
        }
        if case .accept = self[target].terminator, self[target].actions.isEmpty {
          self[block].terminator = self[target].terminator
          hasChanged = true
        }
      }
      let meaning = Meaning(actions: self[block].actions, terminator: self[block].terminator)
      if let same = known[meaning] {
        representatives[block.index] = same
        self[same].source.formUnion(self[block].source)
        hasChanged = true
      } else {
        known[meaning] = block
      }
    }
    entry = representatives[entry.index]
    return joinJumps() || hasChanged
  }

  /// Joins a block to its only predecessor, if that ends with a jump to it.
  private mutating func joinJumps() -> Bool {
    var hasChanged = false
    var predecessors = [Int](repeating: 0, count: blocks.count)
    let order = topologicalOrder()
    for block in order {
      self[block].terminator.forEachSuccessor { predecessors[$0.index] += 1 }
    }
    for block in order.reversed() {
      guard case .jump(let target) = self[block].terminator, predecessors[target.index] == 1 else { continue }
      self[block].actions += self[target].actions
      self[block].terminator = self[target].terminator
      self[block].source.formUnion(self[target].source)
      hasChanged = true
    }
    return hasChanged
  }
}
