import BPF

/// What an instruction and the following ones may still read: A, X and words of the scratch memory.
struct LiveRegisters: OptionSet {
  let rawValue: UInt32
  init(rawValue: UInt32) { self.rawValue = rawValue }

  static let a = LiveRegisters(rawValue: 1)
  static let x = LiveRegisters(rawValue: 2)
  static func scratch(_ word: Int) -> LiveRegisters { LiveRegisters(rawValue: 4 << UInt32(word)) }

  /// What is live before each instruction of a valid program. Jumps lead forward, so one pass is enough.
  static func before(_ instructions: [Instruction]) -> [LiveRegisters] {
    var live = [LiveRegisters](repeating: [], count: instructions.count)
    for (index, instruction) in instructions.enumerated().reversed() {
      guard let opcode = instruction.opcode else { continue }
      var after: LiveRegisters = []
      switch opcode.instructionClass {
      case .ret: break
      case .jmp where opcode == .ja: after = live[index + 1 + Int(instruction.k)]
      case .jmp: after = live[index + 1 + Int(instruction.jt)].union(live[index + 1 + Int(instruction.jf)])
      default: after = live[index + 1]
      }
      let facts = opcode.facts
      after.subtract(LiveRegisters(facts.writes, instruction))
      after.formUnion(LiveRegisters(facts.reads, instruction))
      // Loads of kernel metadata may read both.
      if Ancillary(instruction) != nil { after.formUnion([.a, .x]) }
      live[index] = after
    }
    return live
  }

  private init(_ registers: Registers, _ instruction: Instruction) {
    self = []
    if registers.contains(.a) { insert(.a) }
    if registers.contains(.x) { insert(.x) }
    if registers.contains(.m) { insert(.scratch(Int(instruction.k))) }
  }
}
