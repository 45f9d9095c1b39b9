import BPF
import Foundation
import TestSupport
import Testing

private struct Bad: CustomTestStringConvertible, Sendable {
  var text: String
  var error: String
  var testDescription: String { error }
}

private let bad: [Bad] = [
  Bad(text: "", error: "line 1: the program has no instructions"),
  Bad(text: "(000) ret #1\n(002) ret #1", error: "line 2: (002) where instruction 1 is due"),
  Bad(text: "\n\nfly #1", error: "line 3: 'fly' is not an instruction"),
  Bad(text: "ldh #1", error: "line 1: 'ldh' does not take '#1'"),
  Bad(text: "ldh", error: "line 1: 'ldh' without operand"),
  Bad(text: "ldh [1", error: "line 1: '[1' is not an operand"),
  Bad(text: "ldh [vlan]", error: "line 1: '[vlan]' is not an operand"),
  Bad(text: "add #4294967296", error: "line 1: '#4294967296' is not an operand"),
  Bad(text: "add #-2147483649", error: "line 1: '#-2147483649' is not an operand"),
  Bad(text: "(000)", error: "line 1: no instruction after its number"),
  Bad(text: "jeq #1\nret #1", error: "line 1: 'jeq' without 'jt' and 'jf'"),
  Bad(text: "add #1 jt 1 jf 2\nret #1", error: "line 1: 'add' does not take 'jt' and 'jf'"),
  Bad(text: "jeq #1 jt a jf 2\nret #1", error: "line 1: 'jt' and 'jf' need decimal numbers"),
  Bad(text: "ret #1\njeq #1 jt 1 jf 2\nret #1", error: "line 2: the jump to 1 does not lead forward"),
  Bad(text: "jeq #1 jt 1 jf 257\nret #1", error: "line 1: the jump to 257 is too long"),
  Bad(text: "ja 0\nret #1", error: "line 1: the jump to 0 does not lead forward"),
  Bad(text: "tax\nja 9\nret #1", error: "line 2: instruction 1: the jump leads past the end of the program"),
  Bad(text: "tax\n\n; nothing\ndiv #0\nret #1", error: "line 4: instruction 1: division by the constant 0"),
  Bad(text: "{ 0x6, 0, 0 },", error: "line 1: not the four numbers code, jt, jf and k"),
  Bad(text: "{ 0x6, 0, 256, 0 },", error: "line 1: not the four numbers code, jt, jf and k"),
  Bad(text: "{ 0x6, 0, 0, 0", error: "line 1: no initialiser between braces"),
  Bad(text: "1 2\n6 0 0 0", error: "line 1: the first is not the number of instructions"),
  Bad(text: "2\n6 0 0 0", error: "line 1: 2 instructions announced, but 1 follow"),
  Bad(text: "1\n6 0 0 x", error: "line 2: not the four numbers code, jt, jf and k"),
  Bad(text: "2,6 0 0 1", error: "line 1: 2 instructions announced, but 1 follow"),
  Bad(text: "1,,6 0 0 1", error: "line 1: not the four numbers code, jt, jf and k"),
  Bad(text: "1,6 0 0 1,,", error: "line 1: not the four numbers code, jt, jf and k"),
  Bad(text: ",6 0 0 1", error: "line 1: the first is not the number of instructions"),
  Bad(text: "1,6 0 0\n1", error: "line 1: not the four numbers code, jt, jf and k"),
  Bad(text: "2,6 0 0 1,\n4 0 0", error: "line 2: not the four numbers code, jt, jf and k"),
  Bad(text: "{ 0x6, 0, 0, 1 } 7", error: "line 1: no initialiser between braces"),
  Bad(text: "{ 0x6, 0, 0, 1 }, { 0x6, 0", error: "line 1: no initialiser between braces"),
  Bad(text: "fly\u{1b}[31m", error: "line 1: 'fly?[31m' is not an instruction"),
  Bad(
    text: String(repeating: "x", count: 1000),
    error: "line 1: '" + String(repeating: "x", count: 40) + "…' is not an instruction"),
  Bad(text: "1\n99 0 0 0", error: "line 2: instruction 0: unknown code 0x63"),
]

@Suite struct AssemblerTests {
  /// A valid program that uses every opcode.
  private static let everything: [Instruction] = {
    var instructions: [Instruction] = [Instruction(.st, k: 15)]
    for opcode in Opcode.allCases {
      instructions.append(
        opcode.isConditionalJump
          ? Instruction(opcode, k: opcode.rawValue & 8 == 0 ? 15 : 0, jt: 0, jf: 1)
          : Instruction(opcode, k: opcode == .ja ? 1 : opcode.facts.operand.hasConstant ? 15 : 0))
    }
    return instructions + [Instruction(.retK, k: .max), Instruction(.retA)]
  }()

  @Test(arguments: DumpForm.allCases)
  func roundTrip(_ form: DumpForm) throws {
    let program = try Program(validating: Self.everything)
    let text = program.text(form)
    #expect(try Assembler.assemble(text).instructions == program.instructions)
    #expect(try Assembler.assemble(text.replacingOccurrences(of: "\n", with: "\r\n")) == program)
  }

  @Test func freeForm() throws {
    let text = """
      ; numbers and blanks are free
        ldh [12]
      \tjeq   #2048\tjt 2 jf 3  ; 0x800
      ret #0xffff
      ret #0
      """
    let program = try Assembler.assemble(text)
    #expect(program.text(.decimal) == "4\n40 0 0 12\n21 0 1 2048\n6 0 0 65535\n6 0 0 0\n")
  }

  /// The format of iptables, in one line or several, and C initialisers in one line.
  @Test(arguments: [
    "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0", "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0,",
    "4,\n48 0 0 9,\n21 0 1 6,6 0 0 1,\n6 0 0 0,\n",
    " 4 , 48 0 0 9 , 21 0 1 6 , 6 0 0 1 , 6 0 0 0 ", "4\n48 0 0 9\n21 0 1 6,6 0 0 1\n6 0 0 0\n",
    "{ 0x30, 0, 0, 0x00000009 }, { 0x15, 0, 1, 0x00000006 }, { 0x6, 0, 0, 1 }, { 0x6, 0, 0, 0 },",
    "{0x30,0,0,9},{0x15,0,1,6}\n{0x6,0,0,1},{0x6,0,0,0}",
  ])
  func inOneLine(_ text: String) throws {
    let program = try Assembler.assemble(text)
    #expect(
      program.text(.text)
        == "(000) ldb      [9]\n(001) jeq      #0x6             jt 2\tjf 3\n(002) ret      #1\n(003) ret      #0\n")
  }

  @Test(arguments: bad)
  private func errors(_ test: Bad) {
    do {
      _ = try Assembler.assemble(test.text)
      Issue.record("accepted")
    } catch {
      #expect(error.description == test.error)
    }
  }

  /// The recorded text of every opcode; it has the code after each line.
  @Test(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
  func everyRecordedOpcode() throws {
    let text = try String(contentsOf: #require(SharedData.file("filters/bpf_image.txt")), encoding: .utf8)
    let program = try Assembler.assemble(text)
    let lines = text.split(separator: "\n")
    #expect(program.instructions.count == lines.count)
    #expect(Set(program.instructions.compactMap(\.opcode)) == Set(Opcode.allCases))
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: ";")
      let code = try #require(UInt16(parts[1].trimmingCharacters(in: .whitespaces).dropFirst(2), radix: 16))
      #expect(program.instructions[index].code == code)
      #expect(blanksTrimmed(program.instructions[index].text(at: index)) == blanksTrimmed(String(parts[0])))
    }
  }

  /// Every recorded program is unchanged after disassembly and assembly. Refused are programs that jump backwards, and a few in which
  /// libpcap reads a scratch word that was not written on one of the paths.
  @Test(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
  func everyRecordedProgram() throws {
    let data = try Data(contentsOf: #require(SharedData.file("filters/accept.json")))
    let blocks = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    var refused: Set<String> = []
    for block in blocks where block["name"] as? String != "bpf_image" {
      for key in ["opt", "unopt"] {
        guard let text = block[key] as? String else { continue }
        do {
          let written = try Assembler.assemble(text).text(.text)
          #expect(blanksTrimmed(written) == blanksTrimmed(text))
        } catch {
          refused.insert(error.message)
        }
      }
    }
    let known = ["does not lead forward", "may be read before it was written"]
    #expect(refused.allSatisfy { message in known.contains { message.hasSuffix($0) } }, "\(refused)")
  }
}

/// The lines of the text without trailing blanks, and without a newline at the end.
private func blanksTrimmed(_ text: String) -> [String] {
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  for index in lines.indices { while lines[index].last == " " { lines[index].removeLast() } }
  while lines.last?.isEmpty == true { lines.removeLast() }
  return lines
}

extension OperandForm {
  /// True where the text shows `k`.
  fileprivate var hasConstant: Bool {
    switch self {
    case .none, .index, .packetLength: false
    default: true
    }
  }
}
