import BPF

/// How a block of machine code ends. Targets are positions in the order of the blocks.
enum MachineEnding: Hashable, Sendable {
  case branch(MachineComparison, ifTrue: Int, ifFalse: Int)
  case jump(Int)
  case accept(UInt32)

  var successors: (Int?, Int?) {
    switch self {
    case .branch(_, let ifTrue, let ifFalse): (ifTrue, ifFalse)
    case .jump(let target): (target, nil)
    case .accept: (nil, nil)
    }
  }
}

/// A block of machine code: a list of steps, then its ending.
struct MachineBlock: Sendable {
  var steps: [Step]
  var ending: MachineEnding
  /// The words of the expression that it implements.
  var source: SourceWords
  /// The block of the graph that it was made from.
  var block: BlockID
}

/// A whole program before layout, its blocks in their final order. Every jump goes forward.
struct MachineProgram: Sendable {
  var blocks: [MachineBlock]

  /// The number of instructions, as far as it is known before layout: extra jumps for distant targets are not counted.
  var size: Int {
    blocks.reduce(0) { $0 + $1.steps.count + 1 }
  }

  /// The number of steps on the longest path.
  var longestPath: Int {
    var longest = [Int](repeating: 0, count: blocks.count)
    for position in blocks.indices.reversed() {
      let (first, second) = blocks[position].ending.successors
      let after = max(first.map { longest[$0] } ?? 0, second.map { longest[$0] } ?? 0)
      let isFallThrough = blocks[position].ending == .jump(position + 1)
      longest[position] = after + blocks[position].steps.count + (isFallThrough ? 0 : 1)
    }
    return longest.first ?? 0
  }
}
