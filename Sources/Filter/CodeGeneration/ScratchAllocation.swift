import BPF

/// Assigns a word of scratch memory to each slot.
struct ScratchAllocation: Sendable {
  static let wordCount = 16

  private var words: [ScratchSlot: UInt32] = [:]

  /// Assigns a word to every slot of `program`. All jumps go forward, so a slot is live at most from its first store to its last load in
  /// program order, and slots whose ranges do not overlap share a word. Throws `outOfScratchMemory`.
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
    // Every slot of the program has been assigned a word.
    words[slot] ?? 0
  }
}
