/// A register of the machine: 64 bits, the lower 32 of which have a name of their own (`w0`).
public enum Register: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// r0 is what a function returns, r1 to r5 are its arguments and do not outlive a call, r6 to r9 do.
  case r0, r1, r2, r3, r4, r5, r6, r7, r8, r9
  /// The end of the stack frame, which cannot be written.
  case r10
}

/// What an instruction of eBPF does, its fields taken apart (RFC 9669). Encoding and decoding are inverse to each other.
public enum Operation: Hashable, Sendable {
  /// How much of a register is meant. An operation on a word clears the upper half of its destination.
  public enum Width: Hashable, Sendable, BitwiseCopyable {
    case word, doubleWord
  }

  /// The octets of a memory access.
  public enum Size: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case word = 0x00
    case half = 0x08
    case octet = 0x10
    case doubleWord = 0x18
  }

  /// The second operand.
  public enum Operand: Hashable, Sendable, BitwiseCopyable {
    case register(Register)
    /// Extended with its sign where 64 bits are meant.
    case constant(Int32)
  }

  /// Arithmetic with two operands (section 4.1).
  public enum Arithmetic: CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case add, sub, mul, div, or, and, lsh, rsh, mod, xor, mov, arsh
    /// Signed division and remainder, which truncate towards zero.
    case sdiv, smod
  }

  /// What becomes of the octets of a register (section 4.2).
  public enum ByteOrder: Hashable, Sendable, BitwiseCopyable {
    case toLittleEndian, toBigEndian, swap
  }

  /// Why a jump is taken (section 4.3); `s` compares signed numbers.
  public enum Condition: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case jeq = 0x10
    case jgt = 0x20
    case jge = 0x30
    /// The operands have a bit in common.
    case jset = 0x40
    case jne = 0x50
    case jsgt = 0x60
    case jsge = 0x70
    case jlt = 0xa0
    case jle = 0xb0
    case jslt = 0xc0
    case jsle = 0xd0
  }

  /// What is done to memory at once (section 5.3).
  public enum Atomic: Int32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case add = 0x00
    case or = 0x40
    case and = 0x50
    case xor = 0xa0
    /// The register's value goes to memory, and memory's to the register.
    case exchange = 0xe0
    /// The register's value goes to memory where that holds what r0 does; r0 then is what memory held.
    case compareExchange = 0xf0
  }

  case arithmetic(Arithmetic, Width, Register, Operand)
  case negate(Width, Register)
  /// The lower `bits` (8, 16 or 32) of the second register, extended with their sign.
  case moveSigned(Width, bits: Int16, Register, Register)
  /// The octets of the lower `bits` (16, 32 or 64) of the register in another order; what lies above them is cleared.
  case byteOrder(ByteOrder, bits: Int32, Register)
  /// The 64-bit constant, which makes the instruction twice as long.
  case loadConstant(Register, UInt64)
  case load(Size, isSigned: Bool, Register, from: Register, offset: Int16)
  case store(Size, at: Register, offset: Int16, Operand)
  case atomic(Atomic, Width, fetches: Bool, at: Register, offset: Int16, Register)
  /// The old load from a packet (section 5.5): r0 becomes the number in network byte order at the register, where there is one, plus the
  /// constant. r6 is the packet's context; where the octets are not there the program ends.
  case loadPacket(Size, index: Register?, Int32)
  /// Skips that many instructions; `isLong` is the form with 32 bits for their number.
  case jump(distance: Int32, isLong: Bool)
  case branch(Condition, Width, Register, Operand, distance: Int16)
  /// Calls the helper of that number.
  case call(Int32)
  /// Calls the helper whose number is in the register, which is not in RFC 9669, but in its conformance tests and in LLVM.
  case callRegister(Register)
  /// Calls the function of the program that lies that many instructions after the next one.
  case callLocal(distance: Int32)
  case exit
}

extension Operation.Size {
  /// 1, 2, 4 or 8.
  public var octets: Int {
    switch self {
    case .octet: 1
    case .half: 2
    case .word: 4
    case .doubleWord: 8
    }
  }
}

extension Operation {
  /// True for an instruction that takes two places.
  public var isWide: Bool { if case .loadConstant = self { true } else { false } }

  /// How many instructions after the next one the operation may go on, other than with the next; nil if it does not jump.
  var distance: Int? {
    switch self {
    case .jump(let distance, _), .callLocal(let distance): Int(distance)
    case .branch(_, _, _, _, let distance): Int(distance)
    default: nil
    }
  }

  /// The register that is written, where that is one of those that the instruction names.
  var destination: Register? {
    switch self {
    case .arithmetic(_, _, let register, _), .negate(_, let register), .moveSigned(_, _, let register, _),
      .byteOrder(_, _, let register), .loadConstant(let register, _), .load(_, _, let register, _, _):
      register
    case .atomic(let atomic, _, true, _, _, let register): atomic == .compareExchange ? .r0 : register
    case .loadPacket: .r0
    default: nil
    }
  }
}
