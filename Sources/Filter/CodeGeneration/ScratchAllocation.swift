import BPF

/// Which word of scratch memory each slot gets.
struct ScratchAllocation: Sendable {
  static let wordCount = 16

  private var words: [ScratchSlot: UInt32] = [:]

  /// Gives every slot of `program` a word. All jumps go forward, so a slot is in use at most from its first store to its last
  /// load in the order of the program, and slots for which these ranges are apart share a word. Throws `outOfScratchMemory`.
  init(for program: MachineProgram) throws(CodeGenerationError) {
    var lastUse: [ScratchSlot: Int] = [:]
    var position = 0
    for block in program.blocks {
      for step in block.steps {
        if let slot = step.slotRead ?? step.slotWritten { lastUse[slot] = position }
        position += 1
      }
    }
    if lastUse.isEmpty { return }
    var free = Array((0..<UInt32(Self.wordCount)).reversed())
    position = 0
    for block in program.blocks {
      for step in block.steps {
        if let slot = step.slotRead ?? step.slotWritten {
          if words[slot] == nil {
            guard let word = free.popLast() else {
              throw CodeGenerationError(.outOfScratchMemory, source: block.source.hull)
            }
            words[slot] = word
          }
          if lastUse[slot] == position, let word = words[slot] { free.append(word) }
        }
        position += 1
      }
    }
  }

  subscript(slot: ScratchSlot) -> UInt32 {
    // Every slot of the program was given one.
    words[slot] ?? 0
  }
}
