public import BPF

/// Random valid programs over all opcodes, and packets for them.
///
/// Scratch words are read only where every path has written them. Constants are chosen to matter: offsets near the end of the packet, small
/// numbers that occur often in packets, powers of two.
public struct RandomProgram: Sendable {
  /// Whether programs contain ancillary loads.
  public var hasAncillaryLoads = false
  private var random: SeededRandom
  /// The first byte of the next packet, which differs from packet to packet: `KernelMachine` is fast where first bytes differ.
  private var firstOctet: UInt8 = 0

  public init(seed: UInt64) { random = SeededRandom(seed: seed) }

  // MARK: Packets

  /// A packet of up to 80 bytes, rarely of up to 1514, more rarely an empty one. Half of its bytes are below 4, so that comparisons often
  /// succeed.
  public mutating func packet() -> SavedPacket {
    let length =
      switch random.next() % 256 {
      case 0: 0
      case 1: Int.random(in: 80...1514, using: &random)
      case 2..<32: Int.random(in: 1...8, using: &random)
      default: Int.random(in: 1..<80, using: &random)
      }
    var octets = random.octets(length)
    var small: UInt64 = 0
    for index in octets.indices {
      if index & 63 == 0 { small = random.next() }
      if small & 1 != 0 { octets[index] &= 3 }
      small >>= 1
    }
    if !octets.isEmpty {
      octets[0] = firstOctet
      firstOctet &+= 1
    }
    return SavedPacket(octets: octets)
  }

  // MARK: Programs

  /// The instructions of a valid program for packets of about this length: most programs have up to 40, some hundreds, and one in a few
  /// thousand as many as the kernel accepts.
  public mutating func next(packetLength: Int = 40) -> [Instruction] {
    let count =
      switch random.next() % 4096 {
      case 0: Program.maximumKernelCount
      case 1..<128: Int.random(in: 41...600, using: &random)
      default: Int.random(in: 1...40, using: &random)
      }
    var instructions: [Instruction] = []
    instructions.reserveCapacity(count)
    /// For each instruction, the scratch words that are written on every jump to it.
    var writtenAtTarget = [UInt16](repeating: .max, count: count)
    /// The words that are written when the next instruction is reached.
    var written: UInt16 = 0
    while instructions.count < count - 1 {
      let index = instructions.count
      written &= writtenAtTarget[index]
      let opcode = opcode(after: instructions.last, written: written)
      let instruction = instruction(opcode, room: count - index - 1, written: written, packetLength: packetLength)
      instructions.append(instruction)
      switch opcode {
      case .st, .stx: written |= 1 << UInt16(instruction.k)
      case .ja:
        writtenAtTarget[index + 1 + Int(instruction.k)] &= written
        written = .max
      case _ where opcode.isConditionalJump:
        writtenAtTarget[index + 1 + Int(instruction.jt)] &= written
        writtenAtTarget[index + 1 + Int(instruction.jf)] &= written
        written = .max
      default: break
      }
    }
    return instructions + [chance(70) ? Instruction(.retA) : Instruction(.retK, k: constant(packetLength))]
  }

  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
  private mutating func pick<T>(_ list: [T]) -> T { list[Int(random.next() % UInt64(list.count))] }

  private static let all = Opcode.allCases
  private static let packetLoads: [Opcode] = [.ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh]
  private static let conditions: [Opcode] = [.jeqK, .jeqX, .jgtK, .jgtX, .jgeK, .jgeX, .jsetK, .jsetX]

  /// A likely next opcode: a test or a mask after a load, as in the programs of filters; a small X before an indirect load.
  private mutating func opcode(after last: Instruction?, written: UInt16) -> Opcode {
    var opcode: Opcode
    switch last?.opcode?.facts.operand {
    case .absolute where chance(50), .indirect where chance(50): opcode = pick([.andK, .jeqK, .jsetK, .jgtK])
    case _ where last?.opcode == .andK && chance(50): opcode = pick([.jeqK, .jsetK, .tax, .addX, .subX])
    case _ where last?.opcode == .ldxMsh && chance(50): opcode = pick([.ldInd, .ldhInd, .ldbInd, .txa])
    case _ where last?.opcode == .ldxImm && chance(60): opcode = pick([.ldbInd, .ldhInd, .lshX, .rshX, .divX, .modX])
    default: opcode = chance(20) ? pick(Self.packetLoads) : pick(Self.all)
    }
    // X is usually not an offset in the packet.
    if opcode.facts.operand == .indirect, last?.opcode?.instructionClass != .ldx, chance(80) { opcode = .ldxImm }
    // A return in the middle makes the rest unreachable, and a failing load does the same, so most of these are left out.
    if opcode.instructionClass == .ret, chance(90) { opcode = pick(Self.conditions) }
    if opcode == .ldMem || opcode == .ldxMem, written == 0 { opcode = chance(50) ? .st : .stx }
    return opcode
  }

  private mutating func instruction(
    _ opcode: Opcode, room: Int, written: UInt16, packetLength: Int
  ) -> Instruction {
    var instruction = Instruction(opcode, k: constant(packetLength))
    switch opcode {
    case .st, .stx: instruction.k = UInt32(random.next() % 16)
    case .ldMem, .ldxMem:
      let words = UInt32(0)..<16
      instruction.k = pick(words.filter { written & 1 << UInt16($0) != 0 })
    case .ja: instruction.k = UInt32(distance(room: room))
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      // Few loads fail, since a failure ends the run.
      if chance(95) { instruction.k = UInt32(random.next() % UInt64(chance(90) ? 8 : max(1, packetLength))) }
      guard opcode.facts.operand == .absolute else { break }
      if hasAncillaryLoads, chance(20) {
        instruction.k = pick(Ancillary.allCases).offset
      } else if instruction.k >= Ancillary.base {
        instruction.k -= Ancillary.base
      }
    case .ldxImm: if chance(90) { instruction.k = UInt32(random.next() % (chance(80) ? 8 : 40)) }
    case .andK: if chance(50) { instruction.k = pick([1, 3, 0xf, 0xff, 0xffff, 0xff00, 0x1fff]) }
    case .jeqK, .jsetK: if chance(60) { instruction.k = UInt32(random.next() % 4) }
    case .lshK, .rshK: instruction.k &= 31
    case .divK, .modK: instruction.k = max(1, instruction.k)
    default: break
    }
    if opcode.isConditionalJump {
      instruction.jt = UInt8(min(255, distance(room: room)))
      instruction.jf = UInt8(min(255, distance(room: room)))
    }
    return instruction
  }

  /// The number of instructions that a jump skips, out of the `room` that follow it: most jumps are short.
  private mutating func distance(room: Int) -> Int {
    let furthest = room - 1
    return Int(random.next() % UInt64(chance(80) ? min(furthest, 4) + 1 : furthest + 1))
  }

  /// A number that is likely to matter: any number, an offset near the end of the packet, a small one, a negative one, a power of two.
  private mutating func constant(_ packetLength: Int) -> UInt32 {
    switch random.next() % 9 {
    case 0: UInt32(truncatingIfNeeded: random.next())
    case 1: UInt32(truncatingIfNeeded: packetLength - 6 + Int(random.next() % 8))
    case 2: UInt32(random.next() % 40)
    case 3: 0 &- UInt32(random.next() % (1 << 13))
    case 4: 1 << UInt32(random.next() % 32)
    case 5: pick([0, .max, 0x7fff_ffff, 0x8000_0000, 0xfff0_0000, 0xffe0_0000])
    default: UInt32(random.next() % UInt64(max(1, packetLength)))
    }
  }
}
