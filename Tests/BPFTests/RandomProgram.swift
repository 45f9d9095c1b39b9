import BPF

/// A valid program made by chance, over all opcodes. Its scratch words 0…3 are written first, so that every load of them is
/// allowed wherever the jumps lead.
func randomProgram(
  using random: inout some RandomNumberGenerator, packetLength: Int, ancillary: Bool
) -> [Instruction] {
  var instructions: [Instruction] = []
  for word in UInt32(0)..<4 {
    instructions.append(Instruction(.ldImm, k: randomConstant(using: &random, packetLength: packetLength)))
    instructions.append(Instruction(.st, k: word))
  }
  instructions.append(Instruction(.ldxImm, k: randomConstant(using: &random, packetLength: packetLength)))
  let end = instructions.count + Int.random(in: 0..<24, using: &random)
  while instructions.count < end {
    // A load is likely to be followed by a test, perhaps with an `and` between them, as in the programs of filters.
    var choice = Opcode.allCases
    switch instructions.last?.opcode?.facts.operand {
    case .absolute where Bool.random(using: &random), .indirect where Bool.random(using: &random):
      choice = [.andK, .jeqK, .jsetK]
    default: if instructions.last?.opcode == .andK, Bool.random(using: &random) { choice = [.jeqK, .jsetK] }
    }
    guard let opcode = choice.randomElement(using: &random) else { continue }
    /// Instructions that a jump may pass over.
    let room = UInt32(end - instructions.count)
    var instruction = Instruction(opcode, k: randomConstant(using: &random, packetLength: packetLength))
    switch opcode.facts.operand {
    case .memory: instruction.k = .random(in: 0..<4, using: &random)
    case .target: instruction.k = .random(in: 0..<room, using: &random)
    case .absolute where instruction.k >= Ancillary.base || ancillary && Bool.random(using: &random):
      instruction.k = ancillary ? Ancillary.allCases.randomElement(using: &random)?.offset ?? 0 : 0
    case .decimalConstant:
      if opcode == .lshK || opcode == .rshK { instruction.k &= 31 }
      if opcode == .divK || opcode == .modK { instruction.k = max(1, instruction.k) }
    default: break
    }
    if opcode.isConditionalJump {
      instruction.jt = UInt8(UInt32.random(in: 0..<min(room, 256), using: &random))
      instruction.jf = UInt8(UInt32.random(in: 0..<min(room, 256), using: &random))
    }
    // A return in the middle hides the rest, so most of them are left out.
    if opcode.instructionClass == .ret, UInt32.random(in: 0..<8, using: &random) > 0 { continue }
    instructions.append(instruction)
  }
  instructions.append(Bool.random(using: &random) ? Instruction(.retA) : Instruction(.retK, k: 1 << 18))
  return instructions
}

/// A number that is likely to matter: an offset about the packet's end, a small one, or any.
private func randomConstant(using random: inout some RandomNumberGenerator, packetLength: Int) -> UInt32 {
  switch UInt32.random(in: 0..<8, using: &random) {
  case 0: .random(in: 0...(.max), using: &random)
  case 1: UInt32(truncatingIfNeeded: packetLength - 6 + Int.random(in: 0..<8, using: &random))
  case 2: .random(in: 0..<40, using: &random)
  case 3: 0 &- UInt32.random(in: 0..<(1 << 13), using: &random)
  case 4: 1 << UInt32.random(in: 0..<32, using: &random)
  default: .random(in: 0..<UInt32(max(1, packetLength)), using: &random)
  }
}
