import BPF
import PacketCore
import TestSupport
import Testing

extension Program {
  /// The dump as a string.
  func text(_ form: DumpForm) -> String {
    var out = TextBuffer()
    write(form, to: &out)
    return out.text
  }
}

extension Instruction {
  /// One line of the text form.
  func text(at index: Int) -> String {
    var out = TextBuffer()
    write(at: index, to: &out)
    return out.text
  }
}

extension TextBuffer {
  var text: String { String(decoding: octets, as: UTF8.self) }
}

/// A line of the text form and its instruction, which has index 7.
private let lines: [(line: String, instruction: Instruction)] = [
  ("(007) ld       #0xf", Instruction(.ldImm, k: 15)),
  ("(007) ld       #0xffffffff", Instruction(.ldImm, k: .max)),
  ("(007) ldx      #0xf", Instruction(.ldxImm, k: 15)),
  ("(007) st       M[15]", Instruction(.st, k: 15)),
  ("(007) stx      M[15]", Instruction(.stx, k: 15)),
  ("(007) add      #15", Instruction(.addK, k: 15)),
  ("(007) add      #-1", Instruction(.addK, k: .max)),
  ("(007) add      x", Instruction(.addX)),
  ("(007) sub      #15", Instruction(.subK, k: 15)),
  ("(007) sub      x", Instruction(.subX)),
  ("(007) mul      #15", Instruction(.mulK, k: 15)),
  ("(007) mul      x", Instruction(.mulX)),
  ("(007) div      #15", Instruction(.divK, k: 15)),
  ("(007) div      x", Instruction(.divX)),
  ("(007) mod      #15", Instruction(.modK, k: 15)),
  ("(007) mod      x", Instruction(.modX)),
  ("(007) or       #0xf", Instruction(.orK, k: 15)),
  ("(007) or       x", Instruction(.orX)),
  ("(007) and      #0xf", Instruction(.andK, k: 15)),
  ("(007) and      x", Instruction(.andX)),
  ("(007) xor      #0xf", Instruction(.xorK, k: 15)),
  ("(007) xor      x", Instruction(.xorX)),
  ("(007) lsh      #15", Instruction(.lshK, k: 15)),
  ("(007) lsh      x", Instruction(.lshX)),
  ("(007) rsh      #15", Instruction(.rshK, k: 15)),
  ("(007) rsh      x", Instruction(.rshX)),
  ("(007) neg      ", Instruction(.neg)),
  ("(007) ja       23", Instruction(.ja, k: 15)),
  ("(007) jeq      #0x800           jt 11\tjf 12", Instruction(.jeqK, k: 0x800, jt: 3, jf: 4)),
  ("(007) jeq      x                jt 11\tjf 263", Instruction(.jeqX, jt: 3, jf: 255)),
  ("(007) jgt      #0xf             jt 8\tjf 9", Instruction(.jgtK, k: 15, jt: 0, jf: 1)),
  ("(007) jgt      x                jt 9\tjf 8", Instruction(.jgtX, jt: 1)),
  ("(007) jge      #0xffffffff      jt 9\tjf 8", Instruction(.jgeK, k: .max, jt: 1)),
  ("(007) jge      x                jt 9\tjf 8", Instruction(.jgeX, jt: 1)),
  ("(007) jset     #0x1fff          jt 9\tjf 8", Instruction(.jsetK, k: 0x1fff, jt: 1)),
  ("(007) jset     x                jt 9\tjf 8", Instruction(.jsetX, jt: 1)),
  ("(007) ld       [15]", Instruction(.ldAbs, k: 15)),
  ("(007) ldh      [-2]", Instruction(.ldhAbs, k: 0xffff_fffe)),
  ("(007) ldb      [15]", Instruction(.ldbAbs, k: 15)),
  ("(007) ldh      [vlan_tci]", Instruction(.ldhAbs, k: 0xffff_f02c)),
  ("(007) ld       [x + 15]", Instruction(.ldInd, k: 15)),
  ("(007) ldh      [x + -3]", Instruction(.ldhInd, k: 0xffff_fffd)),
  ("(007) ldb      [x + 15]", Instruction(.ldbInd, k: 15)),
  ("(007) ld       M[15]", Instruction(.ldMem, k: 15)),
  ("(007) ldx      M[15]", Instruction(.ldxMem, k: 15)),
  ("(007) ld       #pktlen", Instruction(.ldLen)),
  ("(007) ldx      #pktlen", Instruction(.ldxLen)),
  ("(007) ldxb     4*([14]&0xf)", Instruction(.ldxMsh, k: 14)),
  ("(007) tax      ", Instruction(.tax)),
  ("(007) txa      ", Instruction(.txa)),
  ("(007) ret      #262144", Instruction(.retK, k: 262144)),
  ("(007) ret      ", Instruction(.retA)),
]

@Suite struct DisassemblerTests {
  @Test(arguments: lines)
  func line(_ line: String, _ instruction: Instruction) {
    #expect(instruction.text(at: 7) == line)
  }

  @Test func everyOpcodeHasALine() {
    #expect(Set(lines.compactMap(\.instruction.opcode)) == Set(Opcode.allCases))
  }

  /// Compares with libpcap's bpf_image(), for every opcode that Debian's libpcap knows, and constants that show the format.
  @Test func agreesWithLibpcap() {
    var constants: [UInt32] = [0, 1, 9, 10, 15, 0x1234_5678, 0x7fff_ffff, 0x8000_0000, 0xffff_efff, 0xffff_fffe, .max]
    constants += Ancillary.allCases.map(\.offset)
    for opcode in Opcode.allCases where opcode != .ldxLen {
      for k in constants {
        if opcode == .ja, k > 1 << 20 { continue }
        for index in [0, 42, 1000] {
          let instruction = Instruction(opcode, k: k, jt: 3, jf: 250)
          #expect(instruction.text(at: index) == Libpcap.image(instruction, at: index))
        }
      }
    }
  }

  @Test func unknownCode() {
    #expect(Instruction(code: 0x99).text(at: 0) == "(000) unimp    0x99")
  }

  @Test func forms() throws {
    let program = try Program(validating: [
      Instruction(.ldhAbs, k: 12), Instruction(.jeqK, k: 0xffff_ffff, jt: 0, jf: 1), Instruction(.retK, k: 262144),
      Instruction(.retK),
    ])
    #expect(
      program.text(.text) == """
        (000) ldh      [12]
        (001) jeq      #0xffffffff      jt 2\tjf 3
        (002) ret      #262144
        (003) ret      #0

        """)
    #expect(
      program.text(.cArray) == """
        { 0x28, 0, 0, 0x0000000c },
        { 0x15, 0, 1, 0xffffffff },
        { 0x6, 0, 0, 0x00040000 },
        { 0x6, 0, 0, 0x00000000 },

        """)
    #expect(program.text(.decimal) == "4\n40 0 0 12\n21 0 1 4294967295\n6 0 0 262144\n6 0 0 0\n")
  }
}
