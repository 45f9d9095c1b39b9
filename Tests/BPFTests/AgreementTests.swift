import BPF
import TestSupport
import Testing

@Suite struct AgreementTests {
  /// All machines, on random programs and packets. `apus-fuzz machine` runs millions of these.
  @Test(arguments: 0..<4)
  func randomPrograms(_ seed: UInt64) throws {
    var programs = RandomProgram(seed: seed)
    var agreement = Agreement()
    for turn in 0..<100 {
      programs.hasAncillaryLoads = turn % 8 == 0
      var packets = (0..<20).map { _ in programs.packet() }
      if turn % 8 == 1 { for index in packets.indices { packets[index].len &+= UInt32(index % 3) } }
      let program = try Program(validating: programs.next(packetLength: packets[0].octets.count))
      #expect(program.instructions.count > Program.maximumKernelCount || program.fitsKernel)
      let disagreement = agreement.check(program, packets)
      #expect(disagreement == nil)
      if disagreement != nil { return }
    }
    #expect(agreement.tally.runs == 2000)
    if agreement.hasKernel { #expect(agreement.tally.agreeing > 1400) }
    #expect(agreement.tally.accepted > 200)
  }

  /// All machines, on every recorded program with some packets of every fixture.
  @Test(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
  func recordedPrograms() throws {
    let programs = try RecordedPrograms.all()
    #expect(programs.count > 700)
    let packets = Fixture.packets()
    #expect(packets.count > 500)
    let stride = 120
    let parts = (0..<stride).map { start in Swift.stride(from: start, to: packets.count, by: stride).map { packets[$0] }
    }
    var agreement = Agreement()
    for (index, program) in programs.enumerated() {
      let disagreement = agreement.check(program, parts[index % stride])
      #expect(disagreement == nil)
    }
    #expect(!agreement.hasKernel || agreement.tally.agreeing > 5_000)
  }

  /// The kernel does what `KernelRules` says, both where it differs from libpcap and where it does not.
  @Test func kernelRules() throws {
    guard var kernel = KernelMachine() else { return }
    let packet: [UInt8] = [1, 2, 3, 4]
    let cases: [(program: String, ours: UInt32, kernel: UInt32)] = [
      ("ldx #2 | ldb [x + -1] | ret", 0, 2),
      ("ldx #33 | ld #1 | lsh x | ret", 0, 2),
      ("ldx #33 | ld #6 | rsh x | ret", 0, 3),
      ("ldx #31 | ld #2 | lsh x | ret #1", 1, 1),
      // Offsets from the network header.
      ("ldb [-1048573] | sub #1 | ret", 0, 3),
      ("ldb [-1048572] | ret", 0, 0),
      ("ldxb 4*([-1048576]&0xf) | txa | ret", 0, 4),
      ("ldx #0xfff00000 | ldb [x + 2] | ret", 0, 3),
      // Offsets from a link-layer header, which such a packet does not have.
      ("ldb [-2097152] | ret #1", 0, 0),
      ("ldb [-2147483648] | ret #1", 0, 0),
    ]
    for test in cases {
      let program = try Assembler.assemble(test.program.split(separator: "|").joined(separator: "\n"))
      #expect(interpret(program, packet) == test.ours, "\(test.program)")
      #expect(Libpcap.run(program, packet) == test.ours, "\(test.program)")
      #expect(KernelRules.verdict(program, packet) == test.kernel, "\(test.program)")
      #expect(kernel.load(program.instructions) == true)
      #expect(kernel.run(packet) == Int(test.kernel), "\(test.program)")
    }
  }

  /// Corrupt programs are refused, as the kernel and libpcap refuse them, or give the same result everywhere. `apus-fuzz corrupt` runs more
  /// of these.
  @Test(arguments: 0..<4)
  func corruptPrograms(_ seed: UInt64) {
    var programs = CorruptPrograms(seed: seed + 2000)
    let outcome = programs.instructions(500)
    #expect(outcome.faults.isEmpty, "\(outcome.faults.prefix(3))")
    #expect(outcome.refused > 100 && outcome.accepted > 100)
  }

  /// The kernel accepts programs for which `fitsKernel` is true, and `fitsKernel` is false for a program that it refuses.
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
