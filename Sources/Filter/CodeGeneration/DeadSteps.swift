extension MachineProgram {
  /// Removes the steps whose result is not used and that cannot end the program.
  mutating func removeDeadSteps() {
    var live = [Liveness](repeating: Liveness(), count: blocks.count)
    for position in blocks.indices.reversed() {
      var after = Liveness()
      let ending = blocks[position].ending
      let (first, second) = ending.successors
      if let first { after.formUnion(live[first]) }
      if let second { after.formUnion(live[second]) }
      if case .branch(let comparison, _, _) = ending {
        after.accumulator = true
        if comparison.operand == .index { after.index = true }
      }
      var kept: [Step] = []
      for step in blocks[position].steps.reversed() where after.needs(step) {
        kept.append(step)
        after.precede(step)
      }
      kept.reverse()
      blocks[position].steps = kept
      live[position] = after
    }
  }
}

/// What is still needed after a point of the program.
private struct Liveness {
  var accumulator = false
  var index = false
  var scratch: Set<ScratchSlot> = []

  mutating func formUnion(_ other: Liveness) {
    accumulator = accumulator || other.accumulator
    index = index || other.index
    if scratch.isEmpty { scratch = other.scratch } else if scratch != other.scratch { scratch.formUnion(other.scratch) }
  }

  func needs(_ step: Step) -> Bool {
    let effect = step.effect
    if effect.canFail || effect.writesAccumulator && accumulator || effect.writesIndex && index { return true }
    return step.slotWritten.map(scratch.contains) ?? false
  }

  /// Updates the liveness from after `step` to before it.
  mutating func precede(_ step: Step) {
    let effect = step.effect
    if effect.writesAccumulator { accumulator = false }
    if effect.writesIndex { index = false }
    if let slot = step.slotWritten { scratch.remove(slot) }
    if effect.readsAccumulator { accumulator = true }
    if effect.readsIndex { index = true }
    if let slot = step.slotRead { scratch.insert(slot) }
  }
}
