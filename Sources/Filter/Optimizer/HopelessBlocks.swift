extension ControlFlowGraph {
  /// Makes every block from which no way accepts the packet reject it at once. What such a block would evaluate is of no
  /// interest: an evaluation that fails rejects as well.
  mutating func removeHopelessBlocks() {
    var canAccept = [Bool](repeating: false, count: blocks.count)
    for block in topologicalOrder().reversed() {
      switch self[block].terminator {
      case .accept(let number): canAccept[block.index] = number != 0
      case .branch, .jump:
        canAccept[block.index] = self[block].terminator.successors.contains { canAccept[$0.index] }
      }
      if !canAccept[block.index] {
        self[block] = Block(terminator: .accept(0), source: self[block].source)
      }
    }
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
      stack += self[block].terminator.successors.filter { !isEntered[$0.index] }
    }
    order.reverse()
    return order
  }
}
