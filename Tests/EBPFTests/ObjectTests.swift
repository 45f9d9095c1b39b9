import BPF
import EBPF
import Foundation
import PacketCore
import Testing
import TestSupport

private let programs = [
  "ldh [12]\njeq #0x800 jt 2 jf 3\nret #96\nret #0",
  "ldh [12]\njeq #0x800 jt 2 jf 9\nldb [23]\njeq #6 jt 4 jf 9\nldxb 4*([14]&0xf)\nldh [x + 16]\njeq #80 jt 8 jf 7\njgt #1024 jt 8 jf 9\nret #7\nret #0",
  "ld #pktlen\nst M[3]\nldb [3]\ntax\nld M[3]\nmod x\nlsh x\nret",
  "ld [0]\ntax\nldb [x + 4294967295]\nret #7",
]

/// Packets of 14 bytes and more, most of them of protocols that the programs know.
private var packets: [SavedPacket] {
  var random = SeededRandom(seed: 8)
  var packets = (14..<80).map { SavedPacket(octets: random.octets($0)) }
  for length in 20..<60 {
    let packet = PacketBuilder().link(.ethernet).ipv4(.init(rawValue: 1), .init(rawValue: 2)).tcp(9, 80)
    packets.append(SavedPacket(octets: Array(packet.octets.prefix(length))))
  }
  return packets
}

@Suite struct ObjectTests {
  @Test(arguments: EBPFProgramType.allCases) func anObjectFileHoldsTheProgram(_ type: EBPFProgramType) throws {
    let program = try Translator.translate(Assembler.assemble(programs[1]), to: type)
    let octets = ELFObject.octets(of: program, as: type, comment: "tcp dst port 80")
    let object = try ELFObject(octets)
    #expect(try EBPFProgram(octets: object.program()) == EBPFProgram(validating: program.instructions))
    #expect(try object.program(section: type.sectionName) == program.octets)
    #expect(
      object.sections.contains {
        $0.name == "license" && String(decoding: $0.octets, as: UTF8.self) == "Dual MIT/GPL\0"
      })
    #expect(object.sections.contains { String(decoding: $0.octets, as: UTF8.self).contains("tcp dst port 80") })
    #expect(throws: ELFError.self) { try object.program(section: "elsewhere") }
    // Whatever is missing or changed, nothing outside of the file is read.
    var random = SeededRandom(seed: 3)
    for length in stride(from: 0, to: octets.count, by: 7) {
      _ = try? ELFObject(Array(octets.prefix(length))).program()
    }
    for _ in 0..<300 {
      var changed = octets
      changed[Int(random.next() % UInt64(octets.count))] = UInt8(truncatingIfNeeded: random.next())
      _ = try? ELFObject(changed).program()
    }
  }

  @Test(
    .enabled(if: Subprocess.installed("clang") != nil, "clang is not installed"), arguments: EBPFProgramType.allCases)
  func theCFormMeansTheSame(_ type: EBPFProgramType) throws {
    let clang = try #require(Subprocess.installed("clang"))
    var agreement = EBPFAgreement(asksKernel: EBPFAgreement.hasKernel)
    for text in programs {
      let program = try Assembler.assemble(text)
      var source = TextBuffer()
      try CSource.write(program, as: type, comment: "a */ b", to: &source)
      let file = try Subprocess.temporaryFile(Data(source.octets), suffix: ".c")
      defer { Subprocess.remove(file) }
      let outcome = try Subprocess.run(
        clang, ["-target", "bpf", "-O2", "-Wall", "-Wextra", "-c", file, "-o", file + ".o"])
      defer { Subprocess.remove(file + ".o") }
      guard outcome.status == 0 || !outcome.errors.contains("target") else { return }
      #expect(outcome.status == 0)
      #expect(outcome.errors == "")
      let object = try ELFObject(Array(Data(contentsOf: URL(fileURLWithPath: file + ".o"))))
      let compiled = try EBPFProgram(octets: object.program(section: type.sectionName))
      let failure = agreement.check(program, as: type, packets, running: compiled)
      #expect(failure == nil, "\(text)")
    }
  }
}
