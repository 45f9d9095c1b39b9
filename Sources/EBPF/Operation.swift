/// A register of the machine: 64 bits; the lower 32 have their own name (`w0`).
public enum Register: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// r0 is the result of a function; r1 to r5 are its arguments and do not survive a call; r6 to r9 do.
  case r0, r1, r2, r3, r4, r5, r6, r7, r8, r9
  /// The end of the stack frame, which cannot be written.
  case r10
}

/// What an eBPF instruction does, decoded into its fields (RFC 9669). Encoding and decoding are inverses.
public enum Operation: Hashable, Sendable {
  /// How much of a register is used. An operation on a word clears the upper half of its destination.
  public enum Width: Hashable, Sendable, BitwiseCopyable {
    case word, doubleWord
  }

  /// The size of a memory access.
  public enum Size: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case word = 0x00
    case half = 0x08
    case octet = 0x10
    case doubleWord = 0x18
  }

  /// The second operand.
  public enum Operand: Hashable, Sendable, BitwiseCopyable {
    case register(Register)
    /// Sign-extended for 64-bit operations.
    case constant(Int32)
  }

  /// Arithmetic with two operands (section 4.1).
  public enum Arithmetic: CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case add, sub, mul, div, or, and, lsh, rsh, mod, xor, mov, arsh
    /// Signed division and remainder, which truncate towards zero.
    case sdiv, smod
  }

  /// How the bytes of a register are reordered (section 4.2).
  public enum ByteOrder: Hashable, Sendable, BitwiseCopyable {
    case toLittleEndian, toBigEndian, swap
  }

  /// The condition of a jump (section 4.3); `s` compares signed numbers.
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

  /// Atomic operations on memory (section 5.3).
  public enum Atomic: Int32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case add = 0x00
    case or = 0x40
    case and = 0x50
    case xor = 0xa0
    /// Exchanges the values of the register and of memory.
    case exchange = 0xe0
    /// Stores the register's value if memory equals r0; r0 becomes the old value in memory.
    case compareExchange = 0xf0
  }

  case arithmetic(Arithmetic, Width, Register, Operand)
  case negate(Width, Register)
  /// The lower `bits` (8, 16 or 32) of the second register, sign-extended.
  case moveSigned(Width, bits: Int16, Register, Register)
  /// The bytes of the lower `bits` (16, 32 or 64) of the register in another order; the bits above them are cleared.
  case byteOrder(ByteOrder, bits: Int32, Register)
  /// Loads a 64-bit constant; the instruction is twice as long.
  case loadConstant(Register, UInt64)
  /// Loads a kernel map, given by its descriptor; the instruction is twice as long (section 5.4).
  case loadMap(Register, descriptor: Int32)
  case load(Size, isSigned: Bool, Register, from: Register, offset: Int16)
  case store(Size, at: Register, offset: Int16, Operand)
  case atomic(Atomic, Width, fetches: Bool, at: Register, offset: Int16, Register)
  /// The old load from a packet (section 5.5): r0 becomes the number in network byte order at the constant plus the index register, if
  /// there is one. r6 is the packet's context; the program ends if the packet does not have these bytes.
  case loadPacket(Size, index: Register?, Int32)
  /// Skips this many instructions; `isLong` is the form with a 32-bit distance.
  case jump(distance: Int32, isLong: Bool)
  case branch(Condition, Width, Register, Operand, distance: Int16)
  /// Calls the helper with that number.
  case call(Int32)
  /// Calls the helper whose number is in the register. This is not in RFC 9669, but in its conformance tests and in LLVM.
  case callRegister(Register)
  /// Calls the function of the program that begins that many instructions after the next one.
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
  /// True for an instruction that takes two slots.
  public var isWide: Bool {
    switch self {
    case .loadConstant, .loadMap: true
    default: false
    }
  }

  /// The distance, counted from the next instruction, that the operation may jump; nil if it does not jump.
  var distance: Int? {
    switch self {
    case .jump(let distance, _), .callLocal(let distance): Int(distance)
    case .branch(_, _, _, _, let distance): Int(distance)
    default: nil
    }
  }

  /// The register that is written, if it is one of those that the instruction names.
  var destination: Register? {
    switch self {
    case .arithmetic(_, _, let register, _), .negate(_, let register), .moveSigned(_, _, let register, _),
      .byteOrder(_, _, let register), .loadConstant(let register, _), .loadMap(let register, _),
      .load(_, _, let register, _, _):
      register
    case .atomic(let atomic, _, true, _, _, let register): atomic == .compareExchange ? .r0 : register
    case .loadPacket: .r0
    default: nil
    }
  }
}
