/// Long runs of blocks that compare the same value with one constant after the other, indexed so that a packet whose value is known skips
/// all of them at once.
struct EqualityRuns {
  private struct Run {
    var value: ValueID
    /// By constant: the positions where it is tested, in rising order, each with its target.
    var cases: [UInt32: [(position: Int, target: BlockID)]] = [:]
    /// Where a packet goes if the value equals none of them.
    var end: BlockID
  }

  private var runs: [Run] = []
  /// By block: the run that it belongs to, or -1, and its position there.
  private var places: [(run: Int, position: Int)]

  /// Shorter runs are walked block by block.
  private static let worthwhile = 8

  init(in graph: ControlFlowGraph, order: [BlockID]) {
    places = Array(repeating: (-1, 0), count: graph.blocks.count)
    var isSeen = [Bool](repeating: false, count: graph.blocks.count)
    for block in order where !isSeen[block.index] {
      guard case .branch(let comparison, _, _) = graph[block].terminator else { continue }
      var run = Run(value: comparison.left, end: block)
      var blocks: [BlockID] = []
      while !isSeen[run.end.index], graph[run.end].actions.isEmpty,
        case .branch(let comparison, let ifTrue, let ifFalse) = graph[run.end].terminator,
        comparison.relation == .equal, comparison.left == run.value,
        case .constant(let number) = graph.values[comparison.right]
      {
        isSeen[run.end.index] = true
        run.cases[number, default: []].append((blocks.count, ifTrue))
        blocks.append(run.end)
        run.end = ifFalse
      }
      guard blocks.count >= Self.worthwhile else { continue }
      for (position, block) in blocks.enumerated() { places[block.index] = (runs.count, position) }
      runs.append(run)
    }
  }

  /// The value that `block` compares, if it belongs to a run.
  func value(askedIn block: BlockID) -> ValueID? {
    let run = places[block.index].run
    return run < 0 ? nil : runs[run].value
  }

  /// Where a packet goes that comes to `block` of a run with `number` as the value; nil if the block is in no run.
  func target(from block: BlockID, number: UInt32) -> BlockID? {
    let (run, position) = places[block.index]
    guard run >= 0 else { return nil }
    guard let cases = runs[run].cases[number] else { return runs[run].end }
    // The first one at or after that position.
    var low = 0
    var high = cases.count
    while low < high {
      let middle = low + (high - low) / 2
      if cases[middle].position < position { low = middle + 1 } else { high = middle }
    }
    return low < cases.count ? cases[low].target : runs[run].end
  }
}
