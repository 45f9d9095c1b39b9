import BPF
import TestSupport
import Testing

/// A file that a test builds according to cbpf-savefile(5).
private struct Savefile {
  var major: UInt8 = 1
  var count: UInt16?
  var instructions = [Instruction(.ldbAbs, k: 9), Instruction(.jeqK, k: 6, jt: 0, jf: 1), ret1, Instruction(.retK)]
  var trailer: [UInt8] = []

  private static let ret1 = Instruction(.retK, k: 0xfedc_ba98)

  var octets: [UInt8] {
    var octets: [UInt8] = [0xa1, 0xb2, 0xc3, 0xcb] + Array("cBPF".utf8) + [major, 0, 0, 3, 0, 4, 0, 0, 0, 101]
    octets += Self.big(count ?? UInt16(instructions.count))
    for instruction in instructions {
      octets += Self.big(instruction.code) + [instruction.jt, instruction.jf] + Self.big(instruction.k)
    }
    return octets + trailer
  }

  static func big(_ number: some FixedWidthInteger) -> [UInt8] {
    stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  static func tlv(_ type: UInt16, _ value: [UInt8]) -> [UInt8] { big(type) + big(UInt16(value.count)) + value }
}

private func refusal(_ octets: [UInt8]) -> String? {
  do throws(AssemblyError) {
    _ = try Bytecode(octets)
    return nil
  } catch {
    return error.description
  }
}

@Suite struct BytecodeTests {
  @Test func savefile() throws {
    var file = Savefile()
    file.trailer = Savefile.tlv(2, Array("tcp".utf8)) + Savefile.tlv(99, [1, 2, 3]) + Savefile.tlv(0, [])
    let bytecode = try Bytecode(file.octets)
    #expect(bytecode.program.instructions == file.instructions)
    #expect(bytecode.linkType == 101)
    #expect(bytecode.expression == "tcp")
    #expect(try Bytecode(Savefile().octets).expression == nil)
  }

  @Test func faultySavefiles() throws {
    let good = Savefile().octets
    for length in 8..<good.count { #expect(refusal(Array(good.prefix(length))) != nil, "\(length) octets") }
    #expect(refusal(Array(good.prefix(19))) == "the header of the cBPF savefile is cut short")
    #expect(refusal(Array(good.dropLast())) == "4 instructions announced, but 3 follow")
    #expect(refusal(Savefile(major: 2).octets) == "unsupported cBPF savefile version 2")
    #expect(refusal(Savefile(count: 0, instructions: []).octets) == "the program has no instructions")
    #expect(
      refusal(Savefile(instructions: [Instruction(.lshK, k: 32), Instruction(.retA)]).octets)
        == "instruction 0: shift by the constant 32")
    let cut = "a TLV of the cBPF savefile is cut short"
    #expect(refusal(Savefile(trailer: [0]).octets) == cut)
    #expect(refusal(Savefile(trailer: [0, 5, 0, 2, 1]).octets) == cut)
    let comment = Savefile.tlv(5, [1])
    #expect(refusal(Savefile(trailer: comment + comment).octets) == "the cBPF savefile has two TLVs of type 5")
    #expect(
      refusal(Savefile(trailer: Savefile.tlv(0, []) + comment).octets)
        == "the cBPF savefile continues after its end")
  }

  @Test func text() throws {
    let program = try Assembler.assemble("ldb [9]\njeq #6 jt 2 jf 3\nret #1\nret #0")
    for form in DumpForm.allCases { #expect(try Bytecode(Array(program.text(form).utf8)).program == program) }
    #expect(try Bytecode(Array("4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0".utf8)).program == program)
    #expect(refusal([]) == "line 1: the program has no instructions")
    #expect(refusal([0xff, 0xfe]) == "line 1: '\u{fffd}\u{fffd}' is not an instruction")
  }

  /// Corrupt texts and files are either refused or valid programs.
  @Test(arguments: 0..<4)
  func corrupt(_ seed: UInt64) throws {
    var programs = CorruptPrograms(seed: seed)
    let outcome = programs.files(500)
    #expect(outcome.faults.isEmpty, "\(outcome.faults.prefix(3))")
    #expect(outcome.refused > 100)
    #expect(outcome.accepted > 10)
  }
}
