import PacketCore

/// How many bytes are prefetched ahead of the walk: a page, since the hardware does not prefetch further either.
private let octetsAhead: Int32 = 4096
private let octetsAtATime: Int32 = 512
private let cacheLine: Int32 = 64

extension X86Backend {
  /// The loop keeps the next record in rbx, the end of the file in rbp, the end of the walk in r12, the end of what was prefetched in r13,
  /// the number of records in r14 and the state in r15. An invalid record ends it.
  static func scan(
    _ program: Program, _ layout: RecordLayout, seeking verdict: RecordScan.Verdict
  ) -> [UInt8] {
    let headerLength = Int32(RecordLayout.headerLength)
    let (caplenOffset, lenOffset) = (Int32(RecordLayout.caplenOffset), Int32(RecordLayout.lenOffset))
    var backend = X86Backend(program, inLoop: true)
    let saved: [Register] = [.rbx, .rbp, .r12, .r13, .r14, .r15]
    let fields: [(Register, Int32)] = [
      (.rbx, RecordScan.State.next), (.rbp, RecordScan.State.end), (.r12, RecordScan.State.stop),
      (.r13, RecordScan.State.ahead), (.r14, RecordScan.State.packets),
    ]
    let (loop, done, fetch) = (backend.code.makeLabel(), backend.code.makeLabel(), backend.code.makeLabel())
    for register in saved { backend.code.push(register) }
    backend.code.move(.r15, .rdi, .quad)
    for (register, offset) in fields { backend.code.load(register, Memory(.r15, nil, offset), .quad) }

    backend.code.place(loop)
    if verdict == .accepted { backend.code.place(backend.rejection) }
    backend.code.arithmetic(.cmp, .rbx, .r12, .quad)
    backend.code.jump(.aboveOrEqual, to: done)
    backend.code.address(.rax, of: Memory(.rbx, nil, octetsAhead))
    backend.code.arithmetic(.cmp, .rax, .r13, .quad)
    backend.code.jump(.above, to: fetch)
    backend.code.load(.rsi, Memory(.rbx, nil, caplenOffset))
    if layout.isByteSwapped { backend.code.swapWord(.rsi) }
    backend.code.arithmetic(.cmp, .rsi, Int32(clamping: layout.largestCaplen))
    backend.code.jump(.above, to: done)
    backend.code.address(.rdi, of: Memory(.rbx, nil, headerLength))
    backend.code.address(.rax, of: Memory(.rdi, .rsi))
    backend.code.arithmetic(.cmp, .rax, .rbp, .quad)
    backend.code.jump(.above, to: done)
    backend.code.move(.rbx, .rax, .quad)
    backend.code.increment(.r14, .quad)
    if layout.snaplen < layout.largestCaplen {
      backend.code.move(.rax, UInt64(layout.snaplen))
      backend.code.arithmetic(.cmp, .rsi, .rax)
      backend.code.moveIf(.above, .rsi, .rax)
    }
    if program.instructions.contains(where: { $0.opcode?.facts.operand == .packetLength }) {
      backend.code.load(backend.len, Memory(.rdi, nil, lenOffset - headerLength))
      if layout.isByteSwapped { backend.code.swapWord(backend.len) }
    }
    backend.lower()

    if let acceptance = backend.acceptance { backend.code.place(acceptance) }
    if verdict == .rejected {
      backend.code.jump(to: loop)
      backend.code.place(backend.rejection)
    }
    backend.code.address(.rax, of: Memory(.rdi, nil, -headerLength))
    backend.code.decrement(Memory(.r15, nil, RecordScan.State.wanted), .quad)
    backend.code.jump(.notEqual, to: loop)
    backend.code.store(.rax, to: Memory(.r15, nil, RecordScan.State.match), .quad)
    backend.code.place(done)
    for (register, offset) in fields { backend.code.store(register, to: Memory(.r15, nil, offset), .quad) }
    for register in saved.reversed() { backend.code.pop(register) }
    backend.code.ret()

    backend.code.place(fetch)
    // A long packet takes the walk past what was prefetched: the rest of it is not needed.
    backend.code.arithmetic(.cmp, .r13, .rbx, .quad)
    backend.code.moveIf(.below, .r13, .rbx, .quad)
    for offset in stride(from: 0, to: octetsAtATime, by: Int(cacheLine)) {
      backend.code.prefetch(Memory(.r13, nil, offset))
    }
    backend.code.arithmetic(.add, .r13, octetsAtATime, .quad)
    backend.code.jump(to: loop)
    return backend.code.finish()
  }
}
