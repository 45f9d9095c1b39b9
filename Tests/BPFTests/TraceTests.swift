import BPF
import PacketCore
import TestSupport
import Testing

private func program(_ text: String) throws -> Program {
  try Assembler.assemble(text.split(separator: "|").joined(separator: "\n"))
}

private func trace(_ text: String, _ packet: [UInt8], len: UInt32? = nil) throws -> Trace {
  // Safe: the bytes outlive the call.
  try unsafe program(text).trace(packet.span.bytes, len: len ?? UInt32(packet.count))
}

private let packet: [UInt8] = [0x45, 0x11, 0x22, 0x33, 0x44, 0x55]

@Suite struct TraceTests {
  @Test func loadsAndRegisters() throws {
    let trace = try trace("ldxb 4*([0]&0xf) | ldh [1] | st M[2] | txa | ldx M[2] | ret", packet)
    #expect(trace.verdict == 20)
    #expect(trace.failure == nil)
    #expect(trace.steps.map(\.index) == [0, 1, 2, 3, 4, 5])
    #expect(trace.steps.map(\.next) == [1, 2, 3, 4, 5, nil])
    #expect(trace.steps.map(\.after.a) == [0, 0x1122, 0x1122, 20, 20, 20])
    #expect(trace.steps.map(\.after.x) == [20, 20, 20, 20, 0x1122, 0x1122])
    #expect(trace.steps.map(\.before.x) == [0, 20, 20, 20, 20, 0x1122])
    #expect(trace.steps.map(\.loaded) == [0x45, 0x1122, nil, nil, 0x1122, nil])
    #expect(trace.steps[0].access == PacketAccess(offset: 0, size: 1))
    #expect(trace.steps[1].access == PacketAccess(offset: 1, size: 2))
    #expect(trace.steps[4].access == nil)
  }

  @Test func jumps() throws {
    let trace = try trace(
      "ldb [1] | jeq #0x11 jt 3 jf 2 | ret #0 | jgt #0x11 jt 5 jf 4 | ja 6 | ret #0 | ret #7", packet)
    #expect(trace.verdict == 7)
    #expect(trace.steps.map(\.index) == [0, 1, 3, 4, 6])
    #expect(trace.steps.map(\.condition) == [nil, true, false, nil, nil])
  }

  @Test func failures() throws {
    let short = try trace("ldx #3 | ld [x + 1] | ret #1", packet)
    #expect(short.verdict == 0)
    #expect(short.failure == .outsidePacket)
    #expect(short.steps.last?.access == PacketAccess(offset: 4, size: 4))
    #expect(short.steps.last?.loaded == nil)
    // X + k does not wrap.
    let far = try trace("ldx #0xffffffff | ldb [x + 2] | ret #1", packet)
    #expect(far.steps.last?.access == PacketAccess(offset: 0x1_0000_0001, size: 1))
    #expect(try trace("ldb [proto] | ret #1", packet).failure == .ancillary(.proto))
    #expect(try trace("div x | ret #1", packet).failure == .divisionByZero)
    #expect(try trace("mod x | ret #1", packet).verdict == 0)
    #expect(try trace("ldh [0] | ret #1", []).failure == .outsidePacket)
    #expect(try trace("ret #0", packet).failure == nil)
  }

  /// A run has at most as many steps as the program has instructions, here far more than the kernel accepts.
  @Test func longProgram() throws {
    let count = 1 << 16
    let program = try Program(
      validating: Array(repeating: Instruction(.addK, k: 3), count: count - 1) + [Instruction(.retA)])
    let steps = Array(repeating: UInt8(0), count: 4)
    // Safe: the bytes outlive the call.
    #expect(unsafe program.run(steps.span.bytes, len: 4) { _ in } == UInt32(count - 1) * 3)
  }

  @Test func text() throws {
    let trace = try trace(
      "ldxb 4*([0]&0xf) | ldh [1] | stx M[3] | jeq #0x1122 jt 4 jf 5 | ld [x + 100] | ret #1", packet)
    var out = TextBuffer()
    trace.write(caplen: packet.count, to: &out)
    #expect(
      out.text == """
        (000) ldxb     4*([0]&0xf)                              ; A=0x0 X=0x14 loaded=0x45
        (001) ldh      [1]                                      ; A=0x1122 X=0x14
        (002) stx      M[3]                                     ; A=0x1122 X=0x14 M[3]=0x14
        (003) jeq      #0x1122          jt 4\tjf 5            ; A=0x1122 X=0x14 true
        (004) ld       [x + 100]                                ; A=0x1122 X=0x14 failed: bytes 120-123 of 6

        """)
  }

  @Test func profile() throws {
    let program = try program("ldb [1] | jeq #0x11 jt 2 jf 4 | ldb [4] | ret #9 | ret #0")
    var profile = ExecutionProfile(program)
    for octets in [packet, [0, 0x11, 0], [0, 0, 0], [], packet] {
      // Safe: the bytes outlive the call.
      unsafe profile.run(octets.span.bytes, len: 6)
    }
    #expect(profile.packets == 5)
    #expect(profile.accepted == 2)
    #expect(profile.counters.map(\.executed) == [5, 4, 3, 2, 1])
    #expect(profile.counters.map(\.held) == [0, 3, 0, 0, 0])
    #expect(profile.counters.map(\.failed) == [1, 0, 1, 0, 0])
    var out = TextBuffer()
    profile.write(to: &out)
    #expect(
      out.text == """
        (000) ldb      [1]                                      ; 5 failed=1
        (001) jeq      #0x11            jt 2\tjf 4            ; 4 true=3 false=1
        (002) ldb      [4]                                      ; 3 failed=1
        (003) ret      #9                                       ; 2
        (004) ret      #0                                       ; 1
        ; 5 packets, 2 accepted, 15 instructions, 3.00 a packet

        """)
    // The assembler treats the counts as comments.
    #expect(try Assembler.assemble(out.text) == program)
  }

  /// The tracing machine returns the same as the interpreter.
  @Test(arguments: 0..<4)
  func verdicts(_ seed: UInt64) throws {
    var programs = RandomProgram(seed: seed + 3000)
    programs.hasAncillaryLoads = true
    for _ in 0..<100 {
      let packet = programs.packet().octets
      let program = try Program(validating: programs.next(packetLength: packet.count))
      // Safe: the bytes outlive the call.
      let trace = unsafe program.trace(packet.span.bytes, len: 77)
      #expect(trace.verdict == interpret(program, packet, len: 77))
      #expect(trace.steps.last?.next == nil)
      for (step, following) in zip(trace.steps, trace.steps.dropFirst()) {
        #expect(step.next == following.index)
        #expect(step.after == following.before)
      }
    }
  }
}
