import BPF
import TestSupport
import Testing

@Suite struct DifferentialTests {
  private static func randomPacket(using random: inout SeededRandom) -> [UInt8] {
    (0..<Int.random(in: 1..<80, using: &random)).map { _ in
      // Few different octets, so that comparisons meet.
      Bool.random(using: &random) ? .random(in: 0..<4, using: &random) : .random(in: 0...255, using: &random)
    }
  }

  @Test(arguments: 0..<8)
  func interpreterAgreesWithLibpcap(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<400 {
      let packet = Self.randomPacket(using: &random)
      let instructions = randomProgram(using: &random, packetLength: packet.count, ancillary: true)
      // libpcap of Debian has no `ldx #pktlen`.
      let program = try Program(validating: instructions.map { $0.opcode == .ldxLen ? Instruction(.txa) : $0 })
      let len = UInt32(packet.count) + .random(in: 0..<3, using: &random)
      let expected = Libpcap.run(program, packet, wirelen: len)
      let result = interpret(program, packet, len: len)
      #expect(result == expected, "\(program.text(.text)) \(packet) \(len)")
      if result != expected { return }
    }
  }

  @Test(arguments: 0..<4)
  func kernelDiffersOnlyWhereKnown(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed + 1000)
    var compared = 0
    for _ in 0..<200 {
      let packet = Self.randomPacket(using: &random)
      let program = try Program(
        validating: randomProgram(using: &random, packetLength: packet.count, ancillary: false))
      #expect(program.fitsKernel)
      guard let kernel = KernelMachine(program) else {
        Issue.record("the kernel refuses\n\(program.text(.text))")
        return
      }
      for packet in [packet, Self.randomPacket(using: &random), Self.randomPacket(using: &random)] {
        guard let expected = kernelResult(program, packet) else { continue }
        compared += 1
        let delivered = kernel.run(packet)
        #expect(
          delivered == min(packet.count, Int(expected.value)), "\(program.text(.text)) \(packet) \(expected)")
        if !expected.differs { #expect(interpret(program, packet) == expected.value) }
      }
    }
    #expect(compared > 300)
  }

  /// The kernel takes exactly what is valid and `fitsKernel`: programs made by chance, with one field changed by chance.
  @Test(arguments: 0..<4)
  func validatorAgreesWithTheKernel(_ seed: UInt64) throws {
    guard KernelMachine([Instruction(.retA)]) != nil else { return }
    var random = SeededRandom(seed: seed + 2000)
    var refused = 0
    for _ in 0..<500 {
      var instructions = randomProgram(using: &random, packetLength: 40, ancillary: true)
      if Bool.random(using: &random) { instructions.removeFirst(.random(in: 0..<9, using: &random)) }
      let index = Int.random(in: 0..<instructions.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: instructions[index].code = .random(in: 0..<0x200, using: &random)
      case 1: instructions[index].code = Opcode.allCases.randomElement(using: &random)?.rawValue ?? 0
      case 2: instructions[index].jt = .random(in: 0..<40, using: &random)
      case 3: instructions[index].jf = .random(in: 0..<40, using: &random)
      case 4: instructions[index].k = .random(in: 0..<40, using: &random)
      default: instructions[index].k = 0 &- UInt32.random(in: 0..<4200, using: &random)
      }
      let fits = (try? Program(validating: instructions))?.fitsKernel ?? false
      if !fits { refused += 1 }
      let taken = KernelMachine(instructions) != nil
      #expect(taken == fits, "\(instructions)")
    }
    #expect(refused > 50 && refused < 450)
  }

  /// The differences that are known, seen: the kernel wraps X + k and masks shifts.
  @Test func knownDifferencesOfTheKernel() throws {
    let packet: [UInt8] = [1, 2, 3, 4]
    let wrap = try Assembler.assemble("ldx #2\nldb [x + -1]\nret")
    #expect(interpret(wrap, packet) == 0)
    let shift = try Assembler.assemble("ldx #33\nld #1\nlsh x\nret")
    #expect(interpret(shift, packet) == 0)
    guard let wrapping = KernelMachine(wrap), let masking = KernelMachine(shift) else { return }
    #expect(wrapping.run(packet) == 2)
    #expect(masking.run(packet) == 2)
  }

  /// The kernel takes what `fitsKernel` says it takes, and no program that it refuses is said to fit.
  @Test func kernelAgreesOnWhatFits() throws {
    let behindReturn = try Assembler.assemble("jeq #0 jt 1 jf 3\nst M[0]\nja 4\nret #1\nld M[0]\nret #1")
    #expect(!behindReturn.fitsKernel)
    #expect((KernelMachine(behindReturn) == nil) == true)
    let every = try Program(
      validating: Ancillary.allCases.map { Instruction(.ldAbs, k: $0.offset) } + [
        Instruction(.ldxLen), Instruction(.retA),
      ])
    #expect(every.fitsKernel)
    #expect((KernelMachine(every) == nil) == false)
  }
}

/// What the kernel returns, by a plain reading of its rules; `differs` where libpcap's rules lead elsewhere. Nil where a load has a
/// negative offset, which reaches for headers that these packets do not have.
private func kernelResult(_ program: Program, _ packet: [UInt8]) -> (value: UInt32, differs: Bool)? {
  var a: UInt32 = 0
  var x: UInt32 = 0
  var scratch = [UInt32](repeating: 0, count: 16)
  var differs = false
  var next = 0

  /// -1 where the load rejects, nil where the offset is negative.
  func load(_ size: Int, at offset: UInt32) -> Int? {
    guard Int32(bitPattern: offset) >= 0 else { return nil }
    guard Int(offset) + size <= packet.count else { return -1 }
    return packet[Int(offset)..<(Int(offset) + size)].reduce(0) { $0 << 8 | Int($1) }
  }

  while true {
    let instruction = program.instructions[next]
    next += 1
    guard let opcode = instruction.opcode else { return nil }
    let k = instruction.k
    let operand = opcode.rawValue & 8 != 0 ? x : k
    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      let size = [.ldAbs, .ldInd].contains(opcode) ? 4 : [.ldhAbs, .ldhInd].contains(opcode) ? 2 : 1
      let indirect = opcode.facts.operand == .indirect
      if indirect, x.addingReportingOverflow(k).overflow { differs = true }
      guard let value = load(size, at: indirect ? x &+ k : k) else { return nil }
      if value < 0 { return (0, differs) }
      if opcode == .ldxMsh { x = UInt32(value & 15) * 4 } else { a = UInt32(value) }
    case .ldImm: a = k
    case .ldMem: a = scratch[Int(k)]
    case .ldLen: a = UInt32(packet.count)
    case .ldxImm: x = k
    case .ldxMem: x = scratch[Int(k)]
    case .ldxLen: x = UInt32(packet.count)
    case .st: scratch[Int(k)] = a
    case .stx: scratch[Int(k)] = x
    case .addK, .addX: a = a &+ operand
    case .subK, .subX: a = a &- operand
    case .mulK, .mulX: a = a &* operand
    case .divK, .divX, .modK, .modX:
      if operand == 0 { return (0, differs) }
      a = opcode == .divK || opcode == .divX ? a / operand : a % operand
    case .orK, .orX: a |= operand
    case .andK, .andX: a &= operand
    case .xorK, .xorX: a ^= operand
    case .lshK, .lshX, .rshK, .rshX:
      if operand >= 32 { differs = true }
      a = opcode == .lshK || opcode == .lshX ? a &<< operand : a &>> operand
    case .neg: a = 0 &- a
    case .ja: next += Int(k)
    case .jeqK, .jeqX: next += Int(a == operand ? instruction.jt : instruction.jf)
    case .jgtK, .jgtX: next += Int(a > operand ? instruction.jt : instruction.jf)
    case .jgeK, .jgeX: next += Int(a >= operand ? instruction.jt : instruction.jf)
    case .jsetK, .jsetX: next += Int(a & operand != 0 ? instruction.jt : instruction.jf)
    case .retK: return (k, differs)
    case .retA: return (a, differs)
    case .tax: x = a
    case .txa: a = x
    }
  }
}
