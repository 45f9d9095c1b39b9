import BPF
import Capture
import EBPF
import Filter
import PacketCore
import Testing

@Suite struct KernelFilterTests {
  private func program(_ instructions: [Instruction]) throws -> Program { try Program(validating: instructions) }

  @Test func takesWhatTheKernelTakes() throws {
    #expect(throws: Never.self) { try KernelFilter(program([Instruction(.retK, k: 96)]), linkType: .ethernet) }
    let long = [Instruction](repeating: Instruction(.tax), count: 4092) + [Instruction(.retK, k: 1)]
    #expect(throws: Never.self) { try KernelFilter(program(long), linkType: .ethernet) }
  }

  @Test func leavesOutWhatTheKernelWouldRefuseOrComputeInAnotherWay() throws {
    let tooLong = [Instruction](repeating: Instruction(.tax), count: 4093) + [Instruction(.retK, k: 1)]
    #expect(throws: KernelFilter.Refusal.self) { try KernelFilter(program(tooLong), linkType: .ethernet, as: .classic) }
    let shift = [Instruction(.ldImm, k: 1), Instruction(.ldxLen), Instruction(.lshX), Instruction(.retA)]
    #expect(throws: KernelFilter.Refusal.self) { try KernelFilter(program(shift), linkType: .raw, as: .classic) }
  }

  /// Instructions that choose between two programs: the jump over the first program must fit into a jump offset.
  @Test func choosesAProgram() throws {
    let choice = Operation.arithmetic(.mov, .doubleWord, .r0, .constant(1)).encoded
    let accept = try program([Instruction(.retK, k: 96)])
    #expect(throws: Never.self) {
      try KernelFilter(accept, others: .rejectingAll, choosing: choice, linkType: .ethernet)
    }
    let long = try program([Instruction](repeating: Instruction(.tax), count: 40_000) + [Instruction(.retK, k: 1)])
    #expect(throws: KernelFilter.Refusal.self) {
      try KernelFilter(long, others: accept, choosing: choice, linkType: .ethernet)
    }
    #expect(throws: Never.self) { try KernelFilter(accept, others: long, choosing: choice, linkType: .ethernet) }
    let cooked = try program([Instruction(.ldLen), Instruction(.retA)])
    #expect(throws: KernelFilter.Refusal.self) {
      try KernelFilter(accept, others: cooked, choosing: choice, linkType: .linuxSLL)
    }
  }

  /// Kernel filters for cooked packets do not see the cooked header: packets begin at the network header.
  @Test(arguments: [LinkType.linuxSLL, .linuxSLL2]) func cookedHeaders(linkType: LinkType) throws {
    let load = [Instruction(.ldbAbs, k: 1), Instruction(.retA)]
    #expect(throws: KernelFilter.Refusal.self) { try KernelFilter(program(load), linkType: linkType) }
    #expect(throws: Never.self) { try KernelFilter(program(load), linkType: .ethernet) }
    let options = CompileOptions(linkType: linkType, target: .linuxKernel)
    for expression in ["tcp port 80", "ip6 host ::1", "arp or icmp", "udp[8:4] = 1", "net 10.0.0.0/8"] {
      let program = try FilterCompiler.compile(expression, options)
      #expect(throws: Never.self) { try KernelFilter(program, linkType: linkType) }
    }
  }
}
