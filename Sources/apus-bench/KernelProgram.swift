import BPF
import Glibc
import PacketCore

/// A classic program as eBPF in the kernel, which turns it into native code of its own and measures it (BPF_PROG_TEST_RUN).
///
/// It is for measuring only: X + `k` wraps, and programs that divide by X are left out.
@safe
struct KernelProgram: ~Copyable {
  private let descriptor: CInt
  /// What a program that does nothing takes, in nanoseconds per run: the kernel's loop around it.
  private let overhead: Double

  /// Gives nil where the kernel takes no such programs from this user.
  private init?(_ program: Program) {
    guard let empty = try? Program(validating: [Instruction(.retK, k: 1)]) else { return nil }
    guard let idle = Self.load(empty), let descriptor = Self.load(program) else { return nil }
    defer { close(idle) }
    self.descriptor = descriptor
    let packet = [UInt8](repeating: 0, count: 96)
    overhead = (0..<9).compactMap { _ in Self.run(idle, packet, times: 200_000) }.min() ?? 0
  }

  deinit { close(descriptor) }

  /// Nanoseconds per packet, less those of a program that does nothing. Each packet runs many times in a row, so that the
  /// processor guesses every branch: no more than a hint of what it would take in a stream.
  static func nanoseconds(_ program: Program, _ traffic: Traffic) -> Double? {
    guard let program = KernelProgram(program) else { return nil }
    return program.nanoseconds(traffic)
  }

  private func nanoseconds(_ traffic: Traffic) -> Double? {
    var packets: [[UInt8]] = []
    _ = unsafe traffic.count { octets, _ in
      unsafe packets.append(Array(octets))
      return true
    }
    var sum = 0.0
    for packet in packets.prefix(200) {
      let best = (0..<3).compactMap { _ in Self.run(descriptor, packet, times: 10_000) }.min()
      guard let best else { return nil }
      sum += max(0, best - overhead)
    }
    return sum / Double(min(200, packets.count))
  }

  // MARK: The system call

  private typealias SystemCall = @convention(c) (Int, Int, UnsafeRawPointer?, Int) -> Int

  /// bpf(2), for which the C library has no function.
  private static func bpf(_ command: Int, _ attributes: inout [UInt64]) -> Int {
    let number = 321
    guard let symbol = unsafe dlsym(nil, "syscall") else { return -1 }
    // Safe: syscall(2) takes a number and up to six words.
    let call = unsafe unsafeBitCast(symbol, to: SystemCall.self)
    return unsafe attributes.withUnsafeMutableBytes { unsafe call(number, command, $0.baseAddress, $0.count) }
  }

  /// The descriptor of the program in the kernel.
  private static func load(_ program: Program) -> CInt? {
    #if arch(x86_64)
      guard let instructions = translate(program.instructions) else { return nil }
      let classifier: UInt64 = 3
      let license = Array("GPL".utf8) + [0]
      return unsafe instructions.withUnsafeBytes { instructions in
        unsafe license.withUnsafeBytes { license in
          // prog_type and insn_cnt, insns, license, log_level and log_size, log_buf, and what may be 0.
          var attributes = [UInt64](repeating: 0, count: 16)
          attributes[0] = classifier | UInt64(instructions.count / 8) << 32
          attributes[1] = UInt64(UInt(bitPattern: instructions.baseAddress))
          attributes[2] = UInt64(UInt(bitPattern: license.baseAddress))
          let descriptor = bpf(5, &attributes)
          return descriptor < 0 ? nil : CInt(descriptor)
        }
      }
    #else
      return nil
    #endif
  }

  /// Nanoseconds per run, as the kernel measures them.
  private static func run(_ descriptor: CInt, _ packet: [UInt8], times: UInt32) -> Double? {
    unsafe packet.withUnsafeBytes { packet in
      // prog_fd and retval, data_size_in and data_size_out, data_in, data_out, repeat and duration, and what may be 0.
      var attributes = [UInt64](repeating: 0, count: 10)
      attributes[0] = UInt64(descriptor)
      attributes[1] = UInt64(packet.count)
      attributes[2] = UInt64(UInt(bitPattern: packet.baseAddress))
      attributes[4] = UInt64(times)
      return bpf(10, &attributes) == 0 ? Double(attributes[4] >> 32) : nil
    }
  }

  // MARK: eBPF

  /// One eBPF instruction: code, destination and source, offset, constant.
  private static func word(
    _ code: UInt64, _ target: UInt64 = 0, _ source: UInt64 = 0, _ offset: Int = 0, _ k: UInt32 = 0
  )
    -> UInt64
  {
    code | target << 8 | source << 12 | UInt64(UInt16(truncatingIfNeeded: offset)) << 16 | UInt64(k) << 32
  }

  /// A is r0, X is r7, M[] lies on the stack. Nil where the program divides by X.
  private static func translate(_ instructions: [Instruction]) -> [UInt64]? {
    let move: UInt64 = 0xbc
    let moveConstant: UInt64 = 0xb4
    // r6 is the packet, as loads want it.
    var code = [word(0xbf, 6, 1), word(moveConstant, 0), word(moveConstant, 7)]
    var starts: [Int] = []
    var jumps: [(position: Int, target: Int)] = []
    for (index, instruction) in instructions.enumerated() {
      starts.append(code.count)
      guard let opcode = instruction.opcode else { return nil }
      let (raw, k) = (UInt64(opcode.rawValue), instruction.k)
      let slot = -4 * (Int(k & 15) + 1)
      switch opcode {
      case .ldImm: code.append(word(moveConstant, 0, 0, 0, k))
      case .ldxImm: code.append(word(moveConstant, 7, 0, 0, k))
      case .ldAbs, .ldhAbs, .ldbAbs: code.append(word(raw, 0, 0, 0, k))
      case .ldInd, .ldhInd, .ldbInd: code.append(word(raw, 0, 7, 0, k))
      case .ldxMsh:
        code += [
          word(move, 8, 0), word(0x30, 0, 0, 0, k), word(0x54, 0, 0, 0, 15), word(0x64, 0, 0, 0, 2), word(move, 7, 0),
          word(move, 0, 8),
        ]
      case .ldLen: code.append(word(0x61, 0, 6))
      case .ldxLen: code.append(word(0x61, 7, 6))
      case .ldMem: code.append(word(0x61, 0, 10, slot))
      case .ldxMem: code.append(word(0x61, 7, 10, slot))
      case .st: code.append(word(0x63, 10, 0, slot))
      case .stx: code.append(word(0x63, 10, 7, slot))
      case .divX, .modX: return nil
      case .addK, .subK, .mulK, .divK, .modK, .orK, .andK, .xorK, .lshK, .rshK, .neg: code.append(word(raw, 0, 0, 0, k))
      case .addX, .subX, .mulX, .orX, .andX, .xorX, .lshX, .rshX: code.append(word(raw, 0, 7))
      case .tax: code.append(word(move, 7, 0))
      case .txa: code.append(word(move, 0, 7))
      case .ja:
        jumps.append((code.count, index + 1 + Int(k)))
        code.append(word(0x05))
      case .jeqK, .jgtK, .jgeK, .jsetK, .jeqX, .jgtX, .jgeX, .jsetX:
        let isConstant = raw & 8 == 0
        // The comparison on 32 bits; the opposite where the next instruction is for those for which it holds.
        let opposites: [Opcode: UInt64] = [
          .jeqK: 0x56, .jeqX: 0x5e, .jgtK: 0xb6, .jgtX: 0xbe, .jgeK: 0xa6, .jgeX: 0xae,
        ]
        let opposite = instruction.jt == 0 ? opposites[opcode] : nil
        jumps.append((code.count, index + 1 + Int(opposite == nil ? instruction.jt : instruction.jf)))
        code.append(word(opposite ?? raw & ~7 | 6, 0, isConstant ? 0 : 7, 0, isConstant ? k : 0))
        if opposite == nil, instruction.jf > 0 {
          jumps.append((code.count, index + 1 + Int(instruction.jf)))
          code.append(word(0x05))
        }
      case .retK: code += [word(moveConstant, 0, 0, 0, k), word(0x95)]
      case .retA: code.append(word(0x95))
      }
    }
    for (position, target) in jumps {
      let distance = starts[target] - position - 1
      code[position] |= UInt64(UInt16(truncatingIfNeeded: distance)) << 16
    }
    return code
  }
}
