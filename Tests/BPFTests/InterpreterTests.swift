import BPF
import TestSupport
import Testing

/// A program, and what it returns for `machinePacket`.
struct MachineCase: CustomTestStringConvertible, Sendable {
  var program: String
  var result: UInt32
  var testDescription: String { program }

  /// The instructions, separated by `|`.
  init(_ program: String, _ result: UInt32) {
    self.program = program
    self.result = result
  }
}

private typealias Case = MachineCase

/// The bytes 0x00, 0x11, … 0xff.
let machinePacket: [UInt8] = (0..<16).map { $0 * 0x11 }
let machineWireLength: UInt32 = 1500

let interpreterCases: [MachineCase] =
  [
    Case("ret #7", 7),
    Case("ret", 0),
    Case("ld #5 | ret", 5),
    Case("ld #pktlen | ret", 1500),
    Case("ldx #pktlen | txa | ret", 1500),
    Case("ldx #9 | txa | ret", 9),
    Case("ld [1] | ret", 0x1122_3344),
    Case("ldh [1] | ret", 0x1122),
    Case("ldb [1] | ret", 0x11),
    Case("ld [12] | ret", 0xccdd_eeff),
    Case("ld [13] | ret #1", 0),
    Case("ldh [14] | ret", 0xeeff),
    Case("ldh [15] | ret #1", 0),
    Case("ldb [15] | ret", 0xff),
    Case("ldb [16] | ret #1", 0),
    Case("ld [-4099] | ret #1", 0),
    Case("ldh [-4097] | ret #1", 0),
    Case("ldb [-4097] | ret #1", 0),
    Case("ldx #3 | ld [x + 1] | ret", 0x4455_6677),
    Case("ldx #3 | ldh [x + 1] | ret", 0x4455),
    Case("ldx #3 | ldb [x + 1] | ret", 0x44),
    Case("ldx #3 | ldb [x + -2] | ret #1", 0),
    Case("ldx #0xffffffff | ldb [x + 1] | ret #1", 0),
    Case("ldx #0xffffffff | ldb [x + -1] | ret #1", 0),
    Case("ldxb 4*([3]&0xf) | txa | ret", 12),
    Case("ldxb 4*([15]&0xf) | txa | ret", 60),
    Case("ldxb 4*([16]&0xf) | ret #1", 0),
    Case("ldxb 4*([-1]&0xf) | ret #1", 0),
    Case("ld #3 | st M[2] | ld #4 | stx M[3] | ldx M[2] | ld M[3] | add x | ret", 3),
    Case("ld #0xffffffff | add #2 | ret", 1),
    Case("ld #1 | sub #2 | ret", .max),
    Case("ld #0x10000 | mul #0x10001 | ret", 0x10000),
    Case("ld #7 | div #2 | ret", 3),
    Case("ld #7 | mod #4 | ret", 3),
    Case("ldx #2 | ld #7 | div x | ret", 3),
    Case("ldx #4 | ld #7 | mod x | ret", 3),
    Case("ld #7 | div x | ret #1", 0),
    Case("ld #7 | mod x | ret #1", 0),
    Case("ld #0xc | and #0xa | ret", 8),
    Case("ld #0xc | or #0xa | ret", 14),
    Case("ld #0xc | xor #0xa | ret", 6),
    Case("ldx #0xa | ld #0xc | and x | ret", 8),
    Case("ldx #0xa | ld #0xc | or x | ret", 14),
    Case("ldx #0xa | ld #0xc | xor x | ret", 6),
    Case("ldx #3 | ld #5 | add x | sub #1 | mul x | ret", 21),
    Case("ldx #3 | ld #5 | sub x | ret", 2),
    Case("ld #1 | lsh #31 | ret", 0x8000_0000),
    Case("ld #0x80000000 | rsh #31 | ret", 1),
    Case("ldx #31 | ld #1 | lsh x | ret", 0x8000_0000),
    Case("ldx #32 | ld #1 | lsh x | ret", 0),
    Case("ldx #0xffffffff | ld #1 | lsh x | ret", 0),
    Case("ldx #32 | ld #0xffffffff | rsh x | ret", 0),
    Case("ldx #4 | ld #0xff | rsh x | ret", 15),
    Case("ld #1 | neg | ret", .max),
    Case("ld #0 | neg | ret", 0),
    Case("ld #6 | tax | ld #1 | txa | ret", 6),
    Case("ja 2 | ret #1 | ret #2", 2),
    Case("ldb [2] | jeq #0x22 jt 2 jf 3 | ret #1 | ret #2", 1),
    Case("ldb [2] | jeq #0x23 jt 2 jf 3 | ret #1 | ret #2", 2),
    Case("ldh [2] | jgt #0x2232 jt 2 jf 3 | ret #1 | ret #2", 1),
    Case("ldh [2] | jgt #0x2233 jt 2 jf 3 | ret #1 | ret #2", 2),
    Case("ld [2] | jge #0x22334455 jt 2 jf 3 | ret #1 | ret #2", 1),
    Case("ld [2] | jge #0x22334456 jt 2 jf 3 | ret #1 | ret #2", 2),
    Case("ldb [2] | jset #0x3 jt 2 jf 3 | ret #1 | ret #2", 1),
    Case("ldb [2] | jset #0x11 jt 2 jf 3 | ret #1 | ret #2", 2),
    Case("ldb [16] | jeq #0 jt 2 jf 2 | ret #1", 0),
    Case("ldb [2] | jeq #0x22 jt 2 jf 3 | ret | ret #2", 0x22),
    Case("ldx #0x22 | ldb [2] | jeq x jt 3 jf 4 | ret #1 | ret #2", 1),
    Case("ldx #0x22 | ldb [2] | jgt x jt 3 jf 4 | ret #1 | ret #2", 2),
    Case("ldx #0x22 | ldb [2] | jge x jt 3 jf 4 | ret #1 | ret #2", 1),
    Case("ldx #0x11 | ldb [2] | jset x jt 3 jf 4 | ret #1 | ret #2", 2),
    // Loads and tests that the interpreter runs as one step, at both ends of the packet.
    Case("ld [1] | and #0xff00 | jeq #0x3300 jt 3 jf 4 | ret | ret #2", 0x3300),
    Case("ld [1] | and #0xff00 | jeq #0x3301 jt 3 jf 4 | ret #2 | ret", 0x3300),
    Case("ldh [2] | and #0xfffff | jeq #0x2233 jt 3 jf 4 | ret | ret #2", 0x2233),
    Case("ldh [2] | and #0xf | jset #0x2 jt 3 jf 4 | ret | ret #2", 3),
    Case("ldb [3] | jeq #0x33 jt 2 jf 3 | ret | ret #2", 0x33),
    Case("ldb [0] | jeq #0 jt 2 jf 3 | ret #1 | ret #2", 1),
    Case("ldh [0] | jeq #0x11 jt 2 jf 3 | ret | ret #2", 0x11),
    Case("ldb [15] | jeq #0xff jt 2 jf 3 | ret | ret #2", 0xff),
    Case("ldh [14] | jset #0x1100 jt 2 jf 3 | ret | ret #2", 2),
    Case("ld [12] | jset #0x1 jt 2 jf 3 | ret | ret #2", 0xccdd_eeff),
    Case("ld [13] | jset #0 jt 2 jf 3 | ret #1 | ret #2", 0),
    Case("ldh [-4097] | jeq #0 jt 2 jf 2 | ret #1", 0),
    Case("ldx #12 | ldb [x + 3] | jset #0x80 jt 3 jf 4 | ret | ret #2", 0xff),
    Case("ldx #12 | ldb [x + 4] | jeq #0 jt 3 jf 3 | ret #1", 0),
    Case("ldx #0xffffffff | ld [x + 1] | jeq #0 jt 3 jf 3 | ret #1", 0),
    // A jump to the second of two instructions that the interpreter runs as one step.
    Case("ld #0x33 | jeq #0x33 jt 3 jf 2 | ldb [2] | jeq #0x33 jt 4 jf 5 | ret #1 | ret #2", 1),
    Case("ldxb 4*([3]&0xf) | ldh [x + 1] | jeq #0xddee jt 3 jf 4 | ret #1 | ret #2", 1),
    Case("ldx #8 | ja 3 | ldxb 4*([3]&0xf) | ldh [x + 1] | ret", 0x99aa),
  ] + Ancillary.allCases.map { Case("ldb [\($0.name)] | ret #1", 0) }

/// What the interpreter returns for a packet of these bytes; `len` is its length on the wire, by default the number of bytes.
func interpret(_ program: Program, _ packet: [UInt8], len: UInt32? = nil) -> UInt32 {
  // Safe: the bytes outlive the call.
  unsafe Interpreter(program).run(packet.span.bytes, len: len ?? UInt32(packet.count))
}

@Suite struct InterpreterTests {
  @Test(arguments: interpreterCases)
  func result(_ test: MachineCase) throws {
    let program = try Assembler.assemble(test.program.split(separator: "|").joined(separator: "\n"))
    #expect(interpret(program, machinePacket, len: machineWireLength) == test.result)
    #expect(Libpcap.run(program, machinePacket, wirelen: machineWireLength) == test.result)
  }

  @Test func emptyPacket() throws {
    for load in ["ld [0]", "ldh [0]", "ldb [0]", "ld [x + 0]", "ldb [x + 0]", "ldxb 4*([0]&0xf)"] {
      #expect(interpret(try Assembler.assemble(load + "\nret #1"), []) == 0)
    }
    #expect(interpret(try Assembler.assemble("ret #1"), []) == 1)
  }
}
