import BPF

extension ControlFlowGraph {
  /// Makes one of blocks that do the same and leads every edge past blocks that do nothing.
  mutating func mergeBlocks() {
    /// What a block does, its targets already merged.
    struct Meaning: Hashable {
      var actions: [Action]
      var terminator: Terminator
    }
    var known: [Meaning: BlockID] = [:]
    var representatives = blocks.indices.map { BlockID(index: $0) }
    // From the end, so that blocks with equal continuations are seen to be equal.
    for block in topologicalOrder().reversed() {
      switch self[block].terminator {
      case .accept: break
      case .jump(let target): self[block].terminator = .jump(representatives[target.index])
      case .branch(let comparison, let ifTrue, let ifFalse):
        let first = representatives[ifTrue.index]
        let second = representatives[ifFalse.index]
        if first == second {
          // The answer does not matter, but asking can fail.
          self[block].actions += [.evaluate(comparison.left), .evaluate(comparison.right)]
          self[block].terminator = .jump(first)
        } else {
          self[block].terminator = .branch(comparison, ifTrue: first, ifFalse: second)
        }
      }
      // What follows a jump can be told here, where it has no other way in or is short.
      if case .jump(let target) = self[block].terminator {
        if self[block].actions.isEmpty {
          representatives[block.index] = target
          continue
        }
        if case .accept = self[target].terminator {
          self[block].actions += self[target].actions
          self[block].terminator = self[target].terminator
        }
      }
      let meaning = Meaning(actions: self[block].actions, terminator: self[block].terminator)
      if let same = known[meaning] {
        representatives[block.index] = same
      } else {
        known[meaning] = block
      }
    }
    entry = representatives[entry.index]
    joinJumps()
  }

  /// Puts a block into its only predecessor, where that jumps to it.
  private mutating func joinJumps() {
    var predecessors = [Int](repeating: 0, count: blocks.count)
    let order = topologicalOrder()
    for block in order {
      for successor in self[block].terminator.successors { predecessors[successor.index] += 1 }
    }
    for block in order.reversed() {
      guard case .jump(let target) = self[block].terminator, predecessors[target.index] == 1 else { continue }
      self[block].actions += self[target].actions
      self[block].terminator = self[target].terminator
      self[block].source = Self.union(self[block].source, self[target].source)
    }
  }

  private static func union(_ first: SourceRange?, _ second: SourceRange?) -> SourceRange? {
    guard let first, let second else { return first ?? second }
    return first.union(second)
  }
}
