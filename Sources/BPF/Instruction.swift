/// One instruction of classic BPF, laid out as `struct bpf_insn`: eight bytes in host byte order.
public struct Instruction: Hashable, Sendable, BitwiseCopyable {
  /// The operation: an `Opcode`'s raw value in a valid program.
  public var code: UInt16
  /// Instructions that a conditional jump skips where the condition holds.
  public var jt: UInt8
  /// Instructions that a conditional jump skips where it does not.
  public var jf: UInt8
  /// The constant, offset, scratch index or distance.
  public var k: UInt32

  @inlinable public init(code: UInt16, jt: UInt8 = 0, jf: UInt8 = 0, k: UInt32 = 0) {
    self.code = code
    self.jt = jt
    self.jf = jf
    self.k = k
  }

  @inlinable public init(_ opcode: Opcode, k: UInt32 = 0, jt: UInt8 = 0, jf: UInt8 = 0) {
    self.init(code: opcode.rawValue, jt: jt, jf: jf, k: k)
  }

  /// The operation; nil if the code is none of them.
  @inlinable public var opcode: Opcode? { Opcode(rawValue: code) }
}
