extension ControlFlowGraph {
  /// Makes every block from which no way accepts the packet reject it at once. What such a block would evaluate is of no
  /// interest: an evaluation that fails rejects as well.
  /// Whether there was one that did not know yet.
  mutating func removeBlocksThatCannotAccept() -> Bool {
    var hasChanged = false
    var canAccept = [Bool](repeating: false, count: blocks.count)
    for block in topologicalOrder().reversed() {
      switch self[block].terminator {
      case .accept(let number): canAccept[block.index] = number != 0
      case .branch, .lookup, .jump:
        self[block].terminator.forEachSuccessor { if canAccept[$0.index] { canAccept[block.index] = true } }
      }
      if !canAccept[block.index], self[block].terminator != .accept(0) || !self[block].actions.isEmpty {
        hasChanged = true
        self[block] = Block(terminator: .accept(0), source: self[block].source)
      }
    }
    return hasChanged
  }

  /// The blocks that are reached from the entry, each before those that it leads to.
  func topologicalOrder() -> [BlockID] {
    var order: [BlockID] = []
    var isEntered = [Bool](repeating: false, count: blocks.count)
    var isLeft = isEntered
    // Depth first, without recursion: a block is left after all that it leads to.
    var stack = [entry]
    while let block = stack.last {
      if isEntered[block.index] {
        stack.removeLast()
        if !isLeft[block.index] {
          isLeft[block.index] = true
          order.append(block)
        }
        continue
      }
      isEntered[block.index] = true
      self[block].terminator.forEachSuccessor { if !isEntered[$0.index] { stack.append($0) } }
    }
    order.reverse()
    return order
  }
}
