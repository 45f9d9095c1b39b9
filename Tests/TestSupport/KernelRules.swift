public import BPF

/// What a program returns in the Linux kernel, by a plain reading of its rules (Documentation/networking/filter.rst), for a packet of a
/// pair of AF_UNIX sockets. The kernel differs from libpcap in these points:
///
/// - X + `k` of an indirect load wraps at 32 bits
/// - a shift by X uses the distance modulo 32
/// - an offset of 2^31 or more is negative: from `SKF_NET_OFF` on it counts from the network header, which is at the start of such a packet
public enum KernelRules {
  /// `SKF_NET_OFF` of `linux/filter.h`.
  private static let networkHeader: UInt32 = 0xfff0_0000

  /// True if the kernel would not execute an instruction as `step` shows for this packet.
  public static func differ(from step: ExecutedInstruction) -> Bool {
    if let access = step.access { return access.offset >= 1 << 31 }
    switch step.instruction.opcode {
    case .lshX, .rshX: return step.before.x >= 32
    default: return false
    }
  }

  /// What the program returns. Nil where it reads ancillary data, which a packet alone does not determine.
  public static func verdict(_ program: Program, _ packet: [UInt8]) -> UInt32? {
    var a: UInt32 = 0
    var x: UInt32 = 0
    var scratch = [UInt32](repeating: 0, count: Program.scratchCount)
    var next = 0

    /// Nil if the bytes are not there.
    func load(_ size: Int, at offset: UInt32) -> UInt32? {
      let first = offset >= networkHeader ? Int(offset - networkHeader) : Int(offset)
      guard first + size <= packet.count else { return nil }
      return packet[first..<(first + size)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    while true {
      let instruction = program.instructions[next]
      next += 1
      guard let opcode = instruction.opcode else { return nil }
      let k = instruction.k
      let operand = opcode.rawValue & 8 != 0 ? x : k
      switch opcode {
      case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
        let size = [.ldAbs, .ldInd].contains(opcode) ? 4 : [.ldhAbs, .ldhInd].contains(opcode) ? 2 : 1
        let form = opcode.facts.operand
        if form == .absolute, Ancillary(offset: k) != nil { return nil }
        guard let value = load(size, at: form == .indirect ? x &+ k : k) else { return 0 }
        if opcode == .ldxMsh { x = (value & 15) * 4 } else { a = value }
      case .ldImm: a = k
      case .ldMem: a = scratch[Int(k)]
      case .ldLen: a = UInt32(packet.count)
      case .ldxImm: x = k
      case .ldxMem: x = scratch[Int(k)]
      case .ldxLen: x = UInt32(packet.count)
      case .st: scratch[Int(k)] = a
      case .stx: scratch[Int(k)] = x
      case .addK, .addX: a = a &+ operand
      case .subK, .subX: a = a &- operand
      case .mulK, .mulX: a = a &* operand
      case .divK, .divX, .modK, .modX:
        if operand == 0 { return 0 }
        a = opcode == .divK || opcode == .divX ? a / operand : a % operand
      case .orK, .orX: a |= operand
      case .andK, .andX: a &= operand
      case .xorK, .xorX: a ^= operand
      case .lshK, .lshX: a = a &<< operand
      case .rshK, .rshX: a = a &>> operand
      case .neg: a = 0 &- a
      case .ja: next += Int(k)
      case .jeqK, .jeqX: next += Int(a == operand ? instruction.jt : instruction.jf)
      case .jgtK, .jgtX: next += Int(a > operand ? instruction.jt : instruction.jf)
      case .jgeK, .jgeX: next += Int(a >= operand ? instruction.jt : instruction.jf)
      case .jsetK, .jsetX: next += Int(a & operand != 0 ? instruction.jt : instruction.jf)
      case .retK: return k
      case .retA: return a
      case .tax: x = a
      case .txa: a = x
      }
    }
  }
}
