import EBPF
import Testing

/// A program that does something forbidden, and the error message for it.
private struct Case: Sendable, CustomTestStringConvertible {
  let text: String
  let message: String
  var testDescription: String { text }
}

private let faults = [
  Case(
    text: "r0 = *(u8 *)(r1 + 4)\nexit", message: "instruction 0: reads 1 byte at 0x10000004, where nothing may be read"
  ),
  Case(text: "r0 = *(u16 *)(r1 + 3)\nexit", message: "reads 2 bytes"),
  Case(text: "r0 = *(u8 *)(r1 - 1)\nexit", message: "reads 1 byte"),
  Case(text: "*(u64 *)(r1 + 0) = 1\nexit", message: "writes 8 bytes"),
  Case(text: "r0 = *(u64 *)(r10 + 0)\nexit", message: "reads 8 bytes"),
  Case(text: "*(u8 *)(r10 - 513) = 1\nexit", message: "writes 1 byte"),
  Case(text: "r2 = 0\nr0 = *(u8 *)(r2 + 0)\nexit", message: "reads 1 byte at 0x0"),
  Case(text: "r2 = -1\nr0 = *(u64 *)(r2 + 0)\nexit", message: "reads 8 bytes at 0xffffffffffffffff"),
  Case(text: "goto -1\nexit", message: "did not end within 1000 steps"),
  Case(text: "call pc-1\nexit", message: "more than 8 functions call each other"),
  Case(text: "call 1\nexit", message: "instruction 0: helper 1 is not modelled"),
  Case(text: "r0 = 0\nexit\ncall 12345\nexit", message: "instruction 2: helper 12345 is not modelled"),
  Case(text: "r3 = 77\ncallx r3\nexit", message: "helper 77 is not modelled"),
  Case(text: "r0 = *(u8 *)skb[0]\nexit", message: "a load from a packet where there is none"),
]

@Suite struct MachineTests {
  private func run(_ text: String, octets: [UInt8] = [1, 2, 3, 4]) throws -> UInt64 {
    var memory = EBPFMemory(octets: octets)
    return try EBPFMachine(EBPFAssembler.assemble(text), stepLimit: 1000).run(&memory)
  }

  @Test(arguments: faults) private func whatMayNotBeIsRefused(_ item: Case) {
    #expect { try run(item.text) } throws: { "\($0)".contains(item.message) }
  }

  @Test func aFunctionHasItsOwnFrameAndKeepsRegisters() throws {
    let text = """
      r6 = 6
      *(u64 *)(r10 - 8) = 40
      r1 = r10
      call pc+3
      r0 += r6
      r1 = *(u64 *)(r10 - 8)
      goto end
      r6 = 100
      *(u64 *)(r10 - 8) = 1
      r2 = *(u64 *)(r1 - 8)
      r2 += 2
      *(u64 *)(r1 - 8) = r2
      r0 = 1000
      exit
      end:
      r0 += r1
      exit
      """
    #expect(try run(text) == 1048)
  }

  @Test func whatIsWrittenIsThereAfterwards() throws {
    var memory = EBPFMemory(octets: [0, 0, 0, 0])
    _ = try EBPFMachine(EBPFAssembler.assemble("*(u16 *)(r1 + 1) = 513\nr0 = r2\nexit")).run(&memory)
    #expect(memory.octets == [0, 1, 2, 0])
  }

  @Test(arguments: EBPFProgramType.allCases) func contextsLeadToThePacket(_ type: EBPFProgramType) throws {
    let text =
      switch type {
      case .socketFilter: "r6 = r1\nr0 = *(u16 *)skb[1]\nexit"
      case .classifier: "r2 = *(u32 *)(r1 + 76)\nr0 = *(u16 *)(r2 + 1)\nr0 = be16 r0\nexit"
      case .xdp: "r2 = *(u32 *)(r1 + 0)\nr0 = *(u16 *)(r2 + 1)\nr0 = be16 r0\nexit"
      }
    var memory = EBPFMemory(packet: [1, 2, 3], len: 3, for: type)
    #expect(try EBPFMachine(EBPFAssembler.assemble(text)).run(&memory) == 0x203)
    // The context itself is read-only.
    let writes = try EBPFMachine(EBPFAssembler.assemble("*(u32 *)(r1 + 0) = 1\nexit"))
    #expect(throws: EBPFFault.self) { try writes.run(&memory) }
  }
}
