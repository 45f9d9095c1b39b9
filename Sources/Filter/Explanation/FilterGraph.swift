import BPF

/// The control-flow graph of a compiled filter: blocks of instructions that are executed in sequence, and the decision at the end of each.
public struct FilterGraph: Sendable {
  /// How a block ends.
  public enum Ending: Hashable, Sendable {
    /// Tests a condition; the numbers are those of blocks.
    case branch(condition: String, yes: Int, no: Int)
    /// Always continues at that block.
    case jump(Int)
    /// Rejects the packet.
    case reject
    /// Accepts the packet and keeps that many of its bytes.
    case accept(UInt32)
    /// Accepts the packet and keeps as many bytes as A says, or rejects it if A is 0.
    case acceptAccumulator
  }

  /// Instructions that are executed in sequence.
  public struct Block: Hashable, Sendable {
    public let instructions: Range<Int>
    public let ending: Ending
    /// The words of the expression that it implements.
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
    /// The target of an instruction, following jumps.
    func target(_ index: Int) -> Int {
      var index = index
      while instructions[index].opcode == .ja { index += 1 + Int(instructions[index].k) }
      return index
    }
    // Blocks that contain only a jump are skipped.
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

  /// What happened to the packets in a block.
  struct Counts {
    /// Packets that reached the block.
    var packets: UInt64
    /// Packets rejected by a load or a division in the block.
    var failed: UInt64 = 0
    /// Packets for which the condition held, or that continued.
    var yes: UInt64 = 0
    var no: UInt64 = 0
  }

  /// The counters of a block, from the profile of the program.
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
  /// The targets of a jump; nil for other instructions.
  fileprivate func targets(from index: Int) -> [Int]? {
    guard let opcode else { return nil }
    if opcode == .ja { return [index + 1 + Int(k)] }
    return opcode.isConditionalJump ? [index + 1 + Int(jt), index + 1 + Int(jf)] : nil
  }
}
