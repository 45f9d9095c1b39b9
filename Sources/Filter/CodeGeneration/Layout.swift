import BPF

/// Lays the blocks of a program out in their order and resolves jumps.
///
/// A conditional jump reaches at most 255 instructions ahead. Where that is not enough it goes to a *landing* close behind
/// it: a copy of the return it wants, or an unconditional jump, which reaches anywhere. The program is laid out from its end to its
/// start, so that every distance is known when it is needed; a landing stands directly behind the conditional jump that needed
/// it first, where nothing falls into it, and serves all earlier ones within reach.
struct Layout {
  private let program: MachineProgram
  private let scratch: ScratchAllocation
  /// The last instruction first.
  private var instructions: [Instruction] = []
  private var sources: [SourceRange?] = []
  /// By block: how many instructions there are from its first one to the end.
  private var starts: [Int]
  /// By block: the same for the closest landing that leads there.
  private var landings: [Int]

  private static let reach = 255

  /// The instructions of `program`, each with the source of its block.
  static func lay(
    _ program: MachineProgram, scratch: ScratchAllocation
  ) -> (instructions: [Instruction], sources: [SourceRange?]) {
    var layout = Layout(program: program, scratch: scratch)
    for position in program.blocks.indices.reversed() {
      layout.add(program.blocks[position], at: position)
    }
    return (layout.instructions.reversed(), layout.sources.reversed())
  }

  private init(program: MachineProgram, scratch: ScratchAllocation) {
    self.program = program
    self.scratch = scratch
    starts = [Int](repeating: 0, count: program.blocks.count)
    landings = starts
  }

  private mutating func add(_ block: MachineBlock, at position: Int) {
    switch block.ending {
    case .accept(let number): add(Instruction(.retK, k: number), block.source)
    case .jump(let target):
      if starts[target] != instructions.count { addJump(to: target, block.source) }
    case .branch(let comparison, var ifTrue, var ifFalse):
      if comparison.inverted { swap(&ifTrue, &ifFalse) }
      reach(ifTrue, ifFalse, block.source)
      add(
        comparison.instruction(
          jt: UInt8(clamping: instructions.count - landings[ifTrue]),
          jf: UInt8(clamping: instructions.count - landings[ifFalse])),
        block.source)
    }
    for step in block.steps.reversed() {
      add(step.instruction(scratch: scratch), block.source)
    }
    starts[position] = instructions.count
    landings[position] = instructions.count
  }

  /// Makes sure that both targets are within reach of a conditional jump that is added next.
  private mutating func reach(_ first: Int, _ second: Int, _ source: SourceRange?) {
    // A landing for one can push the other out of reach.
    while let target = [first, second].first(where: { instructions.count - landings[$0] > Self.reach }) {
      addJump(to: target, source)
      landings[target] = instructions.count
    }
  }

  /// Adds what leads to `target` from anywhere.
  private mutating func addJump(to target: Int, _ source: SourceRange?) {
    if case .accept(let number) = program.blocks[target].ending, program.blocks[target].steps.isEmpty {
      add(Instruction(.retK, k: number), source)
    } else {
      add(Instruction(.ja, k: UInt32(clamping: instructions.count - starts[target])), source)
    }
  }

  private mutating func add(_ instruction: Instruction, _ source: SourceRange?) {
    instructions.append(instruction)
    sources.append(source)
  }
}
