import BPF

extension MachineProgram {
  /// Merges blocks with the same code into one. It does not matter here if two blocks compare different values of the graph, as long as
  /// each finds its value in the same register.
  mutating func mergeEqualBlocks() {
    struct Meaning: Hashable {
      var steps: [Step]
      var ending: MachineEnding

      /// Hashes only as many numbers as distinguish most blocks: there may be tens of thousands.
      func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(truncatingIfNeeded: steps.count) << 56 ^ ending.digest)
        for step in steps { hasher.combine(step) }
      }
    }
    var known: [Meaning: Int] = [:]
    known.reserveCapacity(blocks.count)
    var representatives = Array(blocks.indices)
    var isMerged = [Bool](repeating: false, count: blocks.count)
    for position in blocks.indices.reversed() {
      blocks[position].ending.mapTargets { representatives[$0] }
      let block = blocks[position]
      if block.steps.isEmpty, case .jump(let target) = block.ending {
        representatives[position] = target
      } else {
        let meaning = Meaning(steps: block.steps, ending: block.ending)
        if let same = known[meaning] {
          blocks[same].source.formUnion(block.source)
          representatives[position] = same
        } else {
          known[meaning] = position
        }
      }
      isMerged[position] = representatives[position] != position
    }
    guard isMerged.contains(true) else { return }
    // The entry stays first even if an equal block follows.
    isMerged[0] = false
    var positions = [Int](repeating: 0, count: blocks.count)
    var kept: [MachineBlock] = []
    for position in blocks.indices where !isMerged[position] {
      positions[position] = kept.count
      kept.append(blocks[position])
    }
    for index in kept.indices { kept[index].ending.mapTargets { positions[$0] } }
    blocks = kept
  }
}

extension MachineEnding {
  /// The same for equal endings, and usually different for others.
  fileprivate var digest: UInt64 {
    switch self {
    case .accept(let number): return UInt64(number)
    case .jump(let target): return 1 << 62 ^ UInt64(truncatingIfNeeded: target)
    case .branch(let comparison, let ifTrue, let ifFalse):
      let targets = UInt64(truncatingIfNeeded: ifTrue) << 40 ^ UInt64(truncatingIfNeeded: ifFalse) << 20
      if case .immediate(let number) = comparison.operand { return targets ^ UInt64(number) }
      return targets ^ 1 << 63
    }
  }

  /// Replaces every target by `replacement(target)`; a branch whose two targets become one turns into a jump.
  fileprivate mutating func mapTargets(_ replacement: (Int) -> Int) {
    switch self {
    case .accept: break
    case .jump(let target): self = .jump(replacement(target))
    case .branch(let comparison, let ifTrue, let ifFalse):
      let first = replacement(ifTrue)
      let second = replacement(ifFalse)
      self = first == second ? .jump(first) : .branch(comparison, ifTrue: first, ifFalse: second)
    }
  }
}
