import BPF

/// The control-flow graph of a compiled filter: the instructions that are executed in a row, and what they decide.
public struct FilterGraph: Sendable {
  /// How a block ends.
  public enum Ending: Hashable, Sendable {
    /// Asks a condition; the numbers are those of blocks.
    case branch(condition: String, yes: Int, no: Int)
    /// Goes on there in any case.
    case jump(Int)
    /// Rejects the packet.
    case reject
    /// Accepts that many octets of the packet.
    case accept(UInt32)
    /// Accepts as many octets as A says, or rejects where it is 0.
    case acceptAccumulator
  }

  /// Instructions that are executed in a row.
  public struct Block: Hashable, Sendable {
    public let instructions: Range<Int>
    public let ending: Ending
    /// The words that it serves.
    public let words: String
  }

  /// The blocks, the first of the program first.
  public let blocks: [Block]
  let listing: FilterListing

  /// The graph of a listed program.
  public init(_ listing: FilterListing) {
    self.listing = listing
    let instructions = listing.program.instructions
    var starts: Set<Int> = [0]
    for (index, instruction) in instructions.enumerated() {
      guard let targets = instruction.targets(from: index) else { continue }
      starts.formUnion(targets)
      starts.insert(index + 1)
    }
    let order = starts.filter { $0 < instructions.count }.sorted()
    /// Where an instruction leads past jumps that do nothing else.
    func target(_ index: Int) -> Int {
      var index = index
      while instructions[index].opcode == .ja { index += 1 + Int(instructions[index].k) }
      return index
    }
    // Blocks that are only a jump are led past.
    let kept = order.filter { $0 == 0 || instructions[$0].opcode != .ja }
    var numbers: [Int: Int] = [:]
    for (number, start) in kept.enumerated() { numbers[start] = number }
    let ends = Dictionary(uniqueKeysWithValues: zip(order, order.dropFirst() + [instructions.count]))
    blocks = kept.map { start in
      let end = ends[start] ?? instructions.count
      let last = end - 1
      func number(_ index: Int) -> Int { numbers[target(min(index, instructions.count - 1))] ?? 0 }
      let instruction = instructions[last]
      let ending: Ending
      switch instruction.opcode {
      case .retK: ending = instruction.k == 0 ? .reject : .accept(instruction.k)
      case .retA: ending = .acceptAccumulator
      case .ja: ending = .jump(number(last))
      default:
        if let condition = listing.conditions[last] {
          ending = .branch(
            condition: condition, yes: number(last + 1 + Int(instruction.jt)),
            no: number(last + 1 + Int(instruction.jf)))
        } else {
          ending = .jump(number(end))
        }
      }
      return Block(instructions: start..<end, ending: ending, words: listing.words(of: last, limit: 44))
    }
  }

  /// What became of packets in a block.
  struct Counts {
    /// Packets that got there.
    var packets: UInt64
    /// Packets that a load or a division rejected in it.
    var failed: UInt64 = 0
    /// Packets for which the condition held, or that went on.
    var yes: UInt64 = 0
    var no: UInt64 = 0
  }

  /// What the profile of the program says of a block.
  func counts(_ block: Block, _ profile: ExecutionProfile) -> Counts {
    let counters = profile.counters
    guard let last = block.instructions.last, last < counters.count else { return Counts(packets: 0) }
    var counts = Counts(packets: counters[block.instructions.lowerBound].executed)
    for index in block.instructions { counts.failed &+= counters[index].failed }
    switch block.ending {
    case .branch:
      counts.yes = counters[last].held
      counts.no = counters[last].executed &- counters[last].held
    default:
      counts.yes = counters[last].executed &- counters[last].failed
    }
    return counts
  }
}

extension Instruction {
  /// Where a jump leads; nil if it is none.
  fileprivate func targets(from index: Int) -> [Int]? {
    guard let opcode else { return nil }
    if opcode == .ja { return [index + 1 + Int(k)] }
    return opcode.isConditionalJump ? [index + 1 + Int(jt), index + 1 + Int(jf)] : nil
  }
}
