import BPF
import Capture
import Testing

@Suite struct KernelFilterTests {
  private func program(_ instructions: [Instruction]) throws -> Program { try Program(validating: instructions) }

  @Test func takesWhatTheKernelTakes() throws {
    #expect(throws: Never.self) { try KernelFilter(program([Instruction(.retK, k: 96)])) }
    let long = [Instruction](repeating: Instruction(.tax), count: 4092) + [Instruction(.retK, k: 1)]
    #expect(throws: Never.self) { try KernelFilter(program(long)) }
  }

  @Test func leavesOutWhatTheKernelWouldRefuseOrComputeInAnotherWay() throws {
    let tooLong = [Instruction](repeating: Instruction(.tax), count: 4093) + [Instruction(.retK, k: 1)]
    #expect(throws: KernelFilter.Refusal.self) { try KernelFilter(program(tooLong)) }
    let shift = [Instruction(.ldImm, k: 1), Instruction(.ldxLen), Instruction(.lshX), Instruction(.retA)]
    #expect(throws: KernelFilter.Refusal.self) { try KernelFilter(program(shift)) }
  }
}
