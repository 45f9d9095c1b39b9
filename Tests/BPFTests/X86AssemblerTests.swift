import Testing

@testable import BPF

/// An instruction, its text in Intel's syntax, and the bytes that an assembler writes for it.
private struct Case: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let octets: String
  let write: @Sendable (inout X86Assembler) -> Void

  init(_ text: String, _ octets: String, _ write: @escaping @Sendable (inout X86Assembler) -> Void) {
    testDescription = text
    self.octets = octets
    self.write = write
  }
}

private typealias Memory = X86Assembler.Memory

private let cases: [Case] = [
  Case("ret", "c3") { $0.ret() },
  Case("mov eax, ecx", "8b c1") { $0.move(.rax, .rcx) },
  Case("mov r8d, edx", "44 8b c2") { $0.move(.r8, .rdx) },
  Case("mov eax, r10d", "41 8b c2") { $0.move(.rax, .r10) },
  Case("mov rbx, rax", "48 8b d8") { $0.move(.rbx, .rax, .quad) },
  Case("xor ecx, ecx", "33 c9") { $0.move(.rcx, 0) },
  Case("mov eax, 0x40000", "b8 00 00 04 00") { $0.move(.rax, 0x40000) },
  Case("mov r9d, 0xffffffff", "41 b9 ff ff ff ff") { $0.move(.r9, 0xffff_ffff) },
  Case("movabs r9, 0x100000003", "49 b9 03 00 00 00 01 00 00 00") { $0.move(.r9, 0x1_0000_0003) },
  Case("mov eax, [rdi]", "8b 07") { $0.load(.rax, Memory(.rdi)) },
  Case("mov eax, [rdi+0x1e]", "8b 47 1e") { $0.load(.rax, Memory(.rdi, nil, 30)) },
  Case("mov eax, [rdi+0x80]", "8b 87 80 00 00 00") { $0.load(.rax, Memory(.rdi, nil, 128)) },
  Case("mov eax, [rdi-0x80]", "8b 47 80") { $0.load(.rax, Memory(.rdi, nil, -128)) },
  Case("mov eax, [rdi+rcx]", "8b 04 0f") { $0.load(.rax, Memory(.rdi, .rcx)) },
  Case("mov eax, [rdi+rcx+0xe]", "8b 44 0f 0e") { $0.load(.rax, Memory(.rdi, .rcx, 14)) },
  Case("mov eax, [rdi+rcx+0x7fffffff]", "8b 84 0f ff ff ff 7f") { $0.load(.rax, Memory(.rdi, .rcx, .max)) },
  Case("mov eax, [rdi+r9]", "42 8b 04 0f") { $0.load(.rax, Memory(.rdi, .r9)) },
  Case("mov eax, [rbp+0]", "8b 45 00") { $0.load(.rax, Memory(.rbp)) },
  Case("mov eax, [r13+0]", "41 8b 45 00") { $0.load(.rax, Memory(.r13)) },
  Case("mov eax, [rbp+rcx+0]", "8b 44 0d 00") { $0.load(.rax, Memory(.rbp, .rcx)) },
  Case("mov eax, [r12]", "41 8b 04 24") { $0.load(.rax, Memory(.r12)) },
  Case("mov ecx, [rsp-0x4]", "8b 4c 24 fc") { $0.load(.rcx, Memory(.rsp, nil, -4)) },
  Case("mov rax, [rdi+0x8]", "48 8b 47 08") { $0.load(.rax, Memory(.rdi, nil, 8), .quad) },
  Case("movzx eax, byte [rdi+0x17]", "0f b6 47 17") { $0.loadOctet(.rax, Memory(.rdi, nil, 23)) },
  Case("movzx ecx, byte [rdi+r9]", "42 0f b6 0c 0f") { $0.loadOctet(.rcx, Memory(.rdi, .r9)) },
  Case("movzx eax, word [rdi+0xc]", "0f b7 47 0c") { $0.loadHalf(.rax, Memory(.rdi, nil, 12)) },
  Case("mov [rsp-0x40], eax", "89 44 24 c0") { $0.store(.rax, to: Memory(.rsp, nil, -64)) },
  Case("mov [rsp-0x8], ecx", "89 4c 24 f8") { $0.store(.rcx, to: Memory(.rsp, nil, -8)) },
  Case("mov [rdi+0x10], r14", "4c 89 77 10") { $0.store(.r14, to: Memory(.rdi, nil, 16), .quad) },
  Case("cmova esi, eax", "0f 47 f0") { $0.moveIf(.above, .rsi, .rax) },
  Case("cmovb r13, rbx", "4c 0f 42 eb") { $0.moveIf(.below, .r13, .rbx, .quad) },
  Case("lea r9, [rcx+0x12]", "4c 8d 49 12") { $0.address(.r9, of: Memory(.rcx, nil, 18)) },
  Case("lea rax, [rbx+rsi+0x10]", "48 8d 44 33 10") { $0.address(.rax, of: Memory(.rbx, .rsi, 16)) },
  Case("push rbx", "53") { $0.push(.rbx) },
  Case("push r12", "41 54") { $0.push(.r12) },
  Case("pop rbp", "5d") { $0.pop(.rbp) },
  Case("pop r15", "41 5f") { $0.pop(.r15) },
  Case("prefetcht0 [r13+0x40]", "41 0f 18 4d 40") { $0.prefetch(Memory(.r13, nil, 64)) },
  Case("bswap eax", "0f c8") { $0.swapWord(.rax) },
  Case("bswap r9d", "41 0f c9") { $0.swapWord(.r9) },
  Case("rol ax, 8", "66 c1 c0 08") { $0.swapHalf(.rax) },
  Case("add eax, ecx", "03 c1") { $0.arithmetic(.add, .rax, .rcx) },
  Case("sub eax, ecx", "2b c1") { $0.arithmetic(.sub, .rax, .rcx) },
  Case("or eax, ecx", "0b c1") { $0.arithmetic(.or, .rax, .rcx) },
  Case("and eax, r9d", "41 23 c1") { $0.arithmetic(.and, .rax, .r9) },
  Case("xor eax, ecx", "33 c1") { $0.arithmetic(.xor, .rax, .rcx) },
  Case("sbb r9d, r9d", "45 1b c9") { $0.arithmetic(.sbb, .r9, .r9) },
  Case("cmp rsi, r9", "49 3b f1") { $0.arithmetic(.cmp, .rsi, .r9, .quad) },
  Case("cmp rax, [rdi+0x8]", "48 3b 47 08") { $0.arithmetic(.cmp, .rax, Memory(.rdi, nil, 8), .quad) },
  Case("cmp rsi, 0x18", "48 83 fe 18") { $0.arithmetic(.cmp, .rsi, 24, .quad) },
  Case("cmp rsi, 0x80", "48 81 fe 80 00 00 00") { $0.arithmetic(.cmp, .rsi, 128, .quad) },
  Case("cmp eax, 0xdd86", "3d 86 dd 00 00") { $0.arithmetic(.cmp, .rax, 0xdd86) },
  Case("cmp eax, 0xfffffff0", "83 f8 f0") { $0.arithmetic(.cmp, .rax, -16) },
  Case("and ecx, 0xf", "83 e1 0f") { $0.arithmetic(.and, .rcx, 15) },
  Case("add ecx, 0x100", "81 c1 00 01 00 00") { $0.arithmetic(.add, .rcx, 256) },
  Case("add rbx, 0x1000", "48 81 c3 00 10 00 00") { $0.arithmetic(.add, .rbx, 4096, .quad) },
  Case("add rax, 0x1000", "48 05 00 10 00 00") { $0.arithmetic(.add, .rax, 4096, .quad) },
  Case("cmp byte [rdi+0x17], 0x6", "80 7f 17 06") { $0.compareOctet(Memory(.rdi, nil, 23), 6) },
  Case("cmp byte [rdi+rcx+0x11], 0xff", "80 7c 0f 11 ff") { $0.compareOctet(Memory(.rdi, .rcx, 17), 255) },
  Case("cmp dword [rdi+0x1a], 0x100000a", "81 7f 1a 0a 00 00 01") {
    $0.compareWord(Memory(.rdi, nil, 26), 0x0100_000a)
  },
  Case("cmp dword [rdi+0x1a], 0x7f", "83 7f 1a 7f") { $0.compareWord(Memory(.rdi, nil, 26), 127) },
  Case("test eax, eax", "85 c0") { $0.test(.rax, .rax) },
  Case("test eax, ecx", "85 c8") { $0.test(.rax, .rcx) },
  Case("test r8d, edx", "41 85 d0") { $0.test(.r8, .rdx) },
  Case("test al, 0x2", "a8 02") { $0.test(.rax, 2) },
  Case("test eax, 0xff1f", "a9 1f ff 00 00") { $0.test(.rax, 0xff1f) },
  Case("test ecx, 0x2", "f7 c1 02 00 00 00") { $0.test(.rcx, 2) },
  Case("test byte [rdi+0x14], 0x1f", "f6 47 14 1f") { $0.testOctet(Memory(.rdi, nil, 20), 0x1f) },
  Case("test dword [rdi+rcx], 0x1020304", "f7 04 0f 04 03 02 01") { $0.testWord(Memory(.rdi, .rcx), 0x0102_0304) },
  Case("imul eax, ecx", "0f af c1") { $0.multiply(.rax, by: .rcx) },
  Case("imul eax, eax, 0x3", "6b c0 03") { $0.multiply(.rax, by: 3) },
  Case("imul eax, eax, 0x10001", "69 c0 01 00 01 00") { $0.multiply(.rax, by: 0x10001) },
  Case("div ecx", "f7 f1") { $0.divide(by: .rcx) },
  Case("div r9d", "41 f7 f1") { $0.divide(by: .r9) },
  Case("neg eax", "f7 d8") { $0.negate(.rax) },
  Case("shl ecx, 2", "c1 e1 02") { $0.shift(.left, .rcx, by: 2) },
  Case("shr eax, 31", "c1 e8 1f") { $0.shift(.right, .rax, by: 31) },
  Case("shl eax, cl", "d3 e0") { $0.shiftByCL(.left, .rax) },
  Case("shr eax, cl", "d3 e8") { $0.shiftByCL(.right, .rax) },
  Case("inc r14", "49 ff c6") { $0.increment(.r14, .quad) },
  Case("dec qword [r15+0x28]", "49 ff 4f 28") { $0.decrement(Memory(.r15, nil, 40), .quad) },
]

private func hex(_ octets: some Sequence<UInt8>) -> String {
  octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}

@Suite struct X86AssemblerTests {
  @Test(arguments: cases)
  private func encoding(_ test: Case) {
    var code = X86Assembler()
    test.write(&code)
    #expect(hex(code.finish()) == test.octets)
  }

  /// Jumps over `distance` bytes.
  @Test(arguments: [
    (0, "74 00"), (1, "74 01"), (127, "74 7f"), (128, "0f 84 80 00 00 00"), (1000, "0f 84 e8 03 00 00"),
  ])
  func forwardJumps(_ distance: Int, _ octets: String) {
    var code = X86Assembler()
    let label = code.makeLabel()
    code.jump(.equal, to: label)
    for _ in 0..<distance { code.ret() }
    code.place(label)
    code.ret()
    #expect(hex(code.finish().dropLast(distance + 1)) == octets)
  }

  @Test func conditions() {
    let all: [X86Assembler.Condition] = [.below, .aboveOrEqual, .equal, .notEqual, .belowOrEqual, .above]
    var code = X86Assembler()
    let label = code.makeLabel()
    for condition in all { code.jump(condition, to: label) }
    for condition in all { code.jump(condition.inverted, to: label) }
    code.jump(to: label)
    code.place(label)
    #expect(
      hex(code.finish())
        == "72 18 73 16 74 14 75 12 76 10 77 0e 73 0c 72 0a 75 08 74 06 77 04 76 02 eb 00")
  }

  /// The size of a jump depends on the sizes of the jumps between it and its target.
  @Test func jumpsOverJumps() {
    var code = X86Assembler()
    let near = code.makeLabel()
    let far = code.makeLabel()
    code.jump(to: near)
    code.jump(.notEqual, to: far)
    for _ in 0..<121 { code.ret() }
    code.place(near)
    for _ in 0..<10 { code.ret() }
    code.place(far)
    code.ret()
    let octets = code.finish()
    #expect(hex(octets.prefix(8)) == "eb 7f 0f 85 83 00 00 00")
    #expect(octets.count == 8 + 121 + 10 + 1)
  }

  @Test func jumpsBack() {
    var code = X86Assembler()
    let start = code.makeLabel()
    let end = code.makeLabel()
    code.place(start)
    code.jump(.above, to: end)
    code.jump(.below, to: start)
    code.jump(to: start)
    code.place(end)
    code.ret()
    #expect(hex(code.finish()) == "77 0b 0f 82 f8 ff ff ff e9 f3 ff ff ff c3")
  }
}
