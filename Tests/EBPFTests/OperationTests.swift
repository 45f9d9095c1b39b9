import BPF
import EBPF
import PacketCore
import Testing
import TestSupport

/// An operation, its bytes and its text.
private struct Case: Sendable, CustomTestStringConvertible {
  let text: String
  /// The bytes that LLVM 21 assembles from the text.
  let octets: String
  var testDescription: String { text }
}

private let cases = [
  Case(text: "r1 = 5", octets: "b701000005000000"),
  Case(text: "r2 = 0x1122334455667788 ll", octets: "18020000887766550000000044332211"),
  Case(text: "r1 = map[fd:5]", octets: "18110000050000000000000000000000"),
  Case(text: "w1 = w2", octets: "bc21000000000000"),
  Case(text: "lock *(u64 *)(r1 + 0) += r2", octets: "db21000000000000"),
  Case(text: "r0 = atomic_fetch_add((u64 *)(r1 + 0), r0)", octets: "db01000001000000"),
  Case(text: "w0 = atomic_fetch_or((u32 *)(r1 - 4), w0)", octets: "c301fcff41000000"),
  Case(text: "r0 = xchg_64(r1 + 0, r0)", octets: "db010000e1000000"),
  Case(text: "w0 = xchg32_32(r1 + 0, w0)", octets: "c3010000e1000000"),
  Case(text: "r0 = cmpxchg_64(r1 + 0, r0, r2)", octets: "db210000f1000000"),
  Case(text: "w0 = cmpxchg32_32(r1 + 0, w0, w2)", octets: "c3210000f1000000"),
  Case(text: "r1 = be16 r1", octets: "dc01000010000000"),
  Case(text: "r1 = bswap16 r1", octets: "d701000010000000"),
  Case(text: "r0 = (s8)r1", octets: "bf10080000000000"),
  Case(text: "w0 = (s16)w1", octets: "bc10100000000000"),
  Case(text: "r0 s/= r1", octets: "3f10010000000000"),
  Case(text: "w0 s%= 5", octets: "9400010005000000"),
  Case(text: "r1 = -r1", octets: "8701000000000000"),
  Case(text: "r0 = *(s8 *)(r1 + 4)", octets: "9110040000000000"),
  Case(text: "*(u32 *)(r1 + 0) = 5", octets: "6201000005000000"),
  Case(text: "*(u64 *)(r10 - 8) = r1", octets: "7b1af8ff00000000"),
  Case(text: "if r1 == r2 goto +0", octets: "1d21000000000000"),
  Case(text: "if w1 s> -5 goto -1", octets: "6601fffffbffffff"),
  Case(text: "if r1 & 7 goto +0", octets: "4501000007000000"),
  Case(text: "gotol +0", octets: "0600000000000000"),
  Case(text: "goto -1", octets: "0500ffff00000000"),
  Case(text: "r0 = *(u8 *)skb[14]", octets: "300000000e000000"),
  Case(text: "r0 = *(u16 *)skb[r7]", octets: "4870000000000000"),
  Case(text: "r0 = *(u16 *)skb[r7 + 16]", octets: "4870000010000000"),
  Case(text: "call 5", octets: "8500000005000000"),
  Case(text: "call pc+0", octets: "8510000000000000"),
  Case(text: "callx r1", octets: "8d01000000000000"),
  Case(text: "r1 s>>= 3", octets: "c701000003000000"),
]
private let exit = "9500000000000000"

@Suite struct OperationTests {
  @Test(arguments: cases) private func textAndOctetsAreEachOthers(_ item: Case) throws {
    let program = try EBPFFile.program(Array((item.octets + exit).utf8))
    #expect(try EBPFAssembler.assemble(item.text + "\nexit") == program)
    var text = TextBuffer()
    program.operations[0]?.write(to: &text)
    #expect(String(decoding: text.octets, as: UTF8.self) == item.text)
  }

  /// Any 64 bits are either refused, or decode to an operation that encodes to the same bits and whose text can be read back.
  @Test func encodingIsTheInverseOfDecoding() throws {
    var random = SeededRandom(seed: 9669)
    var known = 0
    for turn in 0..<60_000 {
      var word = random.next()
      // Most fields are 0 in most instructions.
      if turn % 2 == 0 { word &= 0xffff_ffff_0000_ffff }
      if turn % 3 == 0 { word &= 0x0000_00ff_ffff_ffff }
      if turn % 5 == 0 { word &= 0x0000_00ff_0001_0fff }
      let instruction = EncodedInstruction(rawValue: word)
      #expect(instruction.rawValue == word)
      let second = EncodedInstruction(rawValue: random.next() & 0xffff_ffff_0000_0000)
      guard let operation = try? Operation(instruction, next: second) else { continue }
      known += 1
      #expect(operation.encoded == (operation.isWide ? [instruction, second] : [instruction]))
      var text = TextBuffer()
      operation.write(to: &text)
      let line = String(decoding: text.octets, as: UTF8.self)
      // A jump may lead out of this short program; its text must still be readable.
      do {
        let again = try EBPFAssembler.assemble(line + "\nexit")
        #expect(again.operations[0] == operation, "\(line)")
      } catch {
        #expect(
          error.message.contains("the jump leads") || error.message.contains("r10 is written"), "\(line): \(error)")
      }
    }
    #expect(known > 1500)
  }

  @Test(arguments: [
    ("", "no instructions"), ("r0 = 1", "the last instruction is neither"), ("r10 = 1\nexit", "r10 is written"),
    ("goto +1\nexit", "out of the program"), ("goto +1\nr0 = 1 ll\nexit", "into a 64-bit constant"),
    ("r0 = 4294967296\nexit", "more than 32 bits"), ("r0 = r11\nexit", "a number is missing"),
    ("r0 = w1\nexit", "r and w are mixed"), ("exit exit", "is unexpected"), ("goto somewhere\nexit", "undefined label"),
    ("r0 =\nexit", "a number is missing before the end of the line"), ("frobnicate\nexit", "a register is missing"),
    ("5: r0 = 1\nexit", "5 where instruction 0 is due"),
  ])
  func wrongTextIsRefused(_ text: String, _ message: String) {
    #expect { try EBPFAssembler.assemble(text) } throws: { "\($0)".contains(message) }
  }

  @Test func linesMayHaveNames() throws {
    let named = try EBPFAssembler.assemble("r0 = 1\nif r1 == 2 goto end\nr0 = 0\nend:\nexit ; done\n")
    #expect(try EBPFAssembler.assemble("0: (b7) r0 = 1\n1: if r1 == 2 goto +1 <3>\n2: r0 = 0\n3: exit") == named)
  }

  @Test(arguments: ["00", "0f10020000000000", "bf1c000000000000", "b7010000", "1801000000000000", "8520000001000000"])
  func wrongOctetsAreRefused(_ octets: String) {
    #expect(throws: (any Error).self) { try EBPFFile.program(Array((octets + exit).utf8)) }
  }
}
