/// Every instruction that a valid classic BPF program may hold. The raw value is the `code` field of `struct bpf_insn`;
/// a `K` in a name stands for the constant `k`, an `X` for the index register as operand.
public enum Opcode: UInt16, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  // Loads into the accumulator A.
  case ldImm = 0x00
  case ldAbs = 0x20
  case ldhAbs = 0x28
  case ldbAbs = 0x30
  case ldInd = 0x40
  case ldhInd = 0x48
  case ldbInd = 0x50
  case ldMem = 0x60
  case ldLen = 0x80
  // Loads into the index register X.
  case ldxImm = 0x01
  case ldxMem = 0x61
  case ldxLen = 0x81
  case ldxMsh = 0xb1
  // Stores into the scratch memory M[].
  case st = 0x02
  case stx = 0x03
  // Arithmetic on A.
  case addK = 0x04
  case addX = 0x0c
  case subK = 0x14
  case subX = 0x1c
  case mulK = 0x24
  case mulX = 0x2c
  case divK = 0x34
  case divX = 0x3c
  case orK = 0x44
  case orX = 0x4c
  case andK = 0x54
  case andX = 0x5c
  case lshK = 0x64
  case lshX = 0x6c
  case rshK = 0x74
  case rshX = 0x7c
  case neg = 0x84
  case modK = 0x94
  case modX = 0x9c
  case xorK = 0xa4
  case xorX = 0xac
  // Jumps.
  case ja = 0x05
  case jeqK = 0x15
  case jeqX = 0x1d
  case jgtK = 0x25
  case jgtX = 0x2d
  case jgeK = 0x35
  case jgeX = 0x3d
  case jsetK = 0x45
  case jsetX = 0x4d
  // Returns.
  case retK = 0x06
  case retA = 0x16
  // Moves between the registers.
  case tax = 0x07
  case txa = 0x87
}

/// The operand of an instruction, in the form in which `tcpdump -d` writes it.
public enum OperandForm: Hashable, Sendable, BitwiseCopyable {
  /// Nothing.
  case none
  /// `#0xf`: the constant `k`.
  case hexConstant
  /// `#15`: the constant `k`, as a signed number.
  case decimalConstant
  /// `x`: the index register.
  case index
  /// `[15]`: the bytes at `k`, or the ancillary load of that number.
  case absolute
  /// `[x + 15]`: the bytes at X + `k`.
  case indirect
  /// `4*([15]&0xf)`: the length of the IPv4 header that starts at `k`.
  case headerLength
  /// `M[15]`: the scratch word `k`.
  case memory
  /// `#pktlen`: the length of the packet on the wire.
  case packetLength
  /// `21`: the target of the jump, `k` instructions after the next one.
  case target
}

/// The class of an instruction: the low three bits of its `code`.
public enum InstructionClass: UInt16, Hashable, Sendable, BitwiseCopyable {
  case ld, ldx, st, stx, alu, jmp, ret, misc
}

/// A set of registers or memory that an instruction reads or writes.
public struct Registers: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The accumulator.
  public static let a = Registers(rawValue: 1)
  /// The index register.
  public static let x = Registers(rawValue: 2)
  /// The scratch word `k` of M[].
  public static let m = Registers(rawValue: 4)
}
