import BPF
import EBPF
import PacketCore
import Testing
import TestSupport

@Suite struct TranslatorTests {
  /// The text of the translation of a classic program.
  private func text(_ classic: String, _ type: EBPFProgramType) throws -> String {
    var out = TextBuffer()
    try Translator.translate(Assembler.assemble(classic), to: type).write(to: &out)
    return String(decoding: out.octets, as: UTF8.self)
  }

  private static let ip = "ldh [12]\njeq #0x800 jt 2 jf 3\nret #96\nret #0"

  @Test func aSocketFilterLoadsWithTheOldInstructions() throws {
    #expect(
      try text(Self.ip, .socketFilter) == """
        0: r6 = r1
        1: r0 = *(u16 *)skb[12]
        2: w7 = w0
        3: if w7 != 2048 goto +2 <6>
        4: w0 = 96
        5: exit
        6: w0 = 0
        7: exit

        """)
  }

  @Test func oneCheckStandsForTheLoadsThatFollow() throws {
    let text = try text(
      "ldh [12]\njeq #0x800 jt 2 jf 8\nldb [23]\njeq #6 jt 4 jf 8\nldh [20]\njset #0x1fff jt 8 jf 6\nldb [14]\nret #1\nret #0",
      .xdp)
    #expect(text.split(separator: "\n").count { $0.contains(" > r2 ") } == 1, "\(text)")
    #expect(text.contains("r3 += 24"), "\(text)")
  }

  /// Programs with every feature that a translation must handle, on packets of every length.
  @Test(arguments: [
    ip, "ldx #40\nldb [0]\nlsh x\nret", "ldxb 4*([1]&0xf)\nldh [x + 2]\nret", "ld [0]\ntax\nld [x + 4]\nret #7",
    "ld [0]\ntax\nldb [x + 4294967295]\nret #7", "ldb [0]\ntax\nld #100\ndiv x\nret",
    "ldb [0]\ntax\nld #100\nmod x\nret", "ld #pktlen\nst M[3]\nldx M[3]\nldb [x + 4294967295]\nret",
    "ldb [2147483647]\nret #1",
    "ldb [40000]\nret #1", "ldh [0]\ntax\nldb [x + 65000]\nret #1", "ld #0\nret",
    "ldxb 4*([0]&0xf)\nldb [70000]\nret #1",
    "ldb [0]\ntax\nldb [x + 1]\nadd x\ntax\nldb [x + 1]\njgt #4 jt 7 jf 8\nret #1\nret #2",
    "ld #5\njset #4 jt 2 jf 3\nret #1\nret #0", "ldb [0]\njset #1 jt 3 jf 2\nret #0\nneg\nxor #7\nret",
  ])
  func meaningIsKept(_ classic: String) throws {
    let program = try Assembler.assemble(classic)
    var random = SeededRandom(seed: 5)
    let packets = (0..<40).flatMap { length in
      (0..<3).map { turn in
        var octets = random.octets(length)
        if turn > 0, length > 0 { octets[0] &= 7 }
        return SavedPacket(octets: octets, len: UInt32(length + (turn == 2 ? 9 : 0)))
      }
    }
    var agreement = EBPFAgreement(asksKernel: EBPFAgreement.hasKernel)
    for type in EBPFProgramType.allCases {
      let failure = agreement.check(program, as: type, packets)
      #expect(failure == nil)
    }
  }

  @Test func recordedAndRandomProgramsKeepTheirMeaning() throws {
    var agreement = EBPFAgreement(asksKernel: EBPFAgreement.hasKernel)
    let fixtures = Fixture.packets()
    let recorded = try RecordedPrograms.filters()
    for (index, filter) in recorded.enumerated() where index % 16 == 0 {
      guard !filter.program.instructions.contains(where: { Ancillary($0) != nil }) else { continue }
      let packets = (0..<8).map { fixtures[(index * 31 + $0 * 97) % fixtures.count] }
      for type in EBPFProgramType.allCases {
        let failure = agreement.check(filter.program, as: type, packets)
        #expect(failure == nil, "\(filter.name)")
      }
    }
    var programs = RandomProgram(seed: 11)
    for turn in 0..<90 {
      let packets = (0..<10).map { _ in programs.packet() }
      let program = try Program(validating: programs.next(packetLength: packets[0].octets.count))
      let failure = agreement.check(program, as: EBPFProgramType.allCases[turn % 3], packets)
      #expect(failure == nil)
    }
  }

  /// Jumps that do not fit in 16 bits.
  @Test func longProgramsKeepTheirMeaning() throws {
    var instructions = [
      Instruction(.ldAbs, k: 0), Instruction(.jsetK, k: 1, jt: 1, jf: 0), Instruction(.ja, k: 40_001),
    ]
    for value in 0..<20_000 {
      instructions.append(Instruction(.jeqK, k: UInt32(value * 2 + 1), jt: 0, jf: 1))
      instructions.append(Instruction(.retK, k: UInt32(value + 1)))
    }
    instructions += [Instruction(.retK, k: 0), Instruction(.retK, k: 77)]
    let program = try Program(validating: instructions)
    let packets = [0, 1, 2, 39_999, 40_001].map { SavedPacket(octets: [0, 0, UInt8($0 >> 8), UInt8($0 & 255)]) }
    var agreement = EBPFAgreement(asksKernel: EBPFAgreement.hasKernel)
    let failure = agreement.check(program, as: .socketFilter, packets)
    #expect(failure == nil)
  }

  @Test func ancillaryLoadsAreForSocketBuffers() throws {
    let program = try Program(validating: [Instruction(.ldAbs, k: Ancillary.vlanp.offset), Instruction(.retA)])
    #expect(throws: TranslationError.self) { try Translator.translate(program, to: .xdp) }
    let cpu = try Program(validating: [Instruction(.ldAbs, k: Ancillary.cpu.offset), Instruction(.retA)])
    #expect { try Translator.translate(cpu, to: .socketFilter) } throws: { "\($0)".contains("cannot load [cpu]") }
    for ancillary in [Ancillary.proto, .type, .ifidx, .mark, .queue, .rxhash, .vlan_tci, .vlanp, .vlan_tpid] {
      let program = try Program(validating: [Instruction(.ldAbs, k: ancillary.offset), Instruction(.retA)])
      for type in [EBPFProgramType.socketFilter, .classifier] {
        let translated = try Translator.translate(program, to: type)
        guard EBPFAgreement.hasKernel else { continue }
        _ = try KernelEBPFProgram(translated, as: type)
      }
    }
  }
}

/// The kernel's error message must lead to the words that caused it.
@Suite(.enabled(if: EBPFAgreement.hasKernel, "the kernel takes no eBPF programs from this user"))
struct KernelRefusalTests {
  @Test func theComplaintNamesAnInstructionAndItsWords() throws {
    let octets = try EBPFAssembler.assemble("r0 = 0\nr1 = 5\nr0 = *(u8 *)(r9 + 0)\nexit")
    let sources = [nil, nil, SourceRange(3, 8), nil] as [SourceRange?]
    let program = try EBPFProgram(validating: octets.instructions, sources: sources)
    #expect {
      _ = try KernelEBPFProgram(program, as: .socketFilter)
    } throws: { error in
      guard let refusal = error as? KernelRefusal else { return false }
      return refusal.index == 2 && refusal.source == SourceRange(3, 8) && refusal.complaint == "R9 !read_ok"
    }
  }
}
