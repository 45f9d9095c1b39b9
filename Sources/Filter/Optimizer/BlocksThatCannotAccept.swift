extension ControlFlowGraph {
  /// Makes every block that cannot lead to acceptance reject at once. Its evaluations can be dropped, because one that fails rejects as
  /// well. Returns whether any block changed.
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

  /// The blocks reachable from the entry, each before its successors.
  func topologicalOrder() -> [BlockID] {
    var order: [BlockID] = []
    var isEntered = [Bool](repeating: false, count: blocks.count)
    var isLeft = isEntered
    // Depth first, without recursion: a block is finished after all its successors.
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
