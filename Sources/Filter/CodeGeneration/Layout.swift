import BPF

/// Lays out the blocks of a program in order and resolves jumps.
///
/// A conditional jump reaches at most 255 instructions ahead. If that is not enough it goes to a *landing* close after it: a copy of the
/// return it needs, or an unconditional jump, which has no limit. The program is laid out from its end to its start, so every distance is
/// known when it is needed. A landing is placed directly after the conditional jump that first needed it, where no code falls into it, and
/// serves all earlier jumps within reach.
struct Layout {
  private let program: MachineProgram
  private let scratch: ScratchAllocation
  /// The last instruction first.
  private var code = GeneratedCode()
  /// Instructions so far.
  private var count: Int { code.instructions.count }
  /// By block: how many instructions there are from its first one to the end of the program.
  private var starts: [Int]
  /// By block: the same for the nearest landing that leads to it.
  private var landings: [Int]

  private static let reach = 255

  /// The instructions of `program`, each with its block.
  static func lay(_ program: MachineProgram, scratch: ScratchAllocation) -> GeneratedCode {
    var layout = Layout(program: program, scratch: scratch)
    for position in program.blocks.indices.reversed() {
      layout.add(program.blocks[position], at: position)
    }
    return GeneratedCode(
      instructions: layout.code.instructions.reversed(), sources: layout.code.sources.reversed(),
      blocks: layout.code.blocks.reversed(), isInverted: layout.code.isInverted.reversed())
  }

  private init(program: MachineProgram, scratch: ScratchAllocation) {
    self.program = program
    self.scratch = scratch
    starts = [Int](repeating: 0, count: program.blocks.count)
    landings = starts
  }

  private mutating func add(_ block: MachineBlock, at position: Int) {
    switch block.ending {
    case .accept(let number): add(Instruction(.retK, k: number), block)
    case .jump(let target):
      if starts[target] != count { addJump(to: target, block) }
    case .branch(let comparison, var ifTrue, var ifFalse):
      if comparison.inverted { swap(&ifTrue, &ifFalse) }
      reach(ifTrue, ifFalse, block)
      add(
        comparison.instruction(
          jt: UInt8(clamping: count - landings[ifTrue]),
          jf: UInt8(clamping: count - landings[ifFalse])),
        block, isInverted: comparison.inverted)
    }
    for step in block.steps.reversed() {
      add(step.instruction(scratch: scratch), block)
    }
    starts[position] = count
    landings[position] = count
  }

  /// Makes sure that both targets are within reach of the conditional jump to be added next.
  private mutating func reach(_ first: Int, _ second: Int, _ block: MachineBlock) {
    // A landing for one can push the other out of reach.
    while let target = [first, second].first(where: { count - landings[$0] > Self.reach }) {
      addJump(to: target, block)
      landings[target] = count
    }
  }

  /// Adds a return or a jump that leads to `target` from any distance.
  private mutating func addJump(to target: Int, _ block: MachineBlock) {
    if case .accept(let number) = program.blocks[target].ending, program.blocks[target].steps.isEmpty {
      add(Instruction(.retK, k: number), block)
    } else {
      add(Instruction(.ja, k: UInt32(clamping: count - starts[target])), block)
    }
  }

  private mutating func add(_ instruction: Instruction, _ block: MachineBlock, isInverted: Bool = false) {
    code.instructions.append(instruction)
    code.sources.append(block.source)
    code.blocks.append(block.block)
    code.isInverted.append(isInverted)
  }
}
