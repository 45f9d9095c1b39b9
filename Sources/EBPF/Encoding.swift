/// Why the bytes of an instruction are not a known instruction.
public enum EncodingError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknownCode(UInt8)
  /// A register above r10.
  case unknownRegister(UInt8)
  /// A field that the instruction does not use, or uses only with certain values, contains something else.
  case reservedField(code: UInt8)
  /// The second half of a 64-bit constant is missing.
  case halfConstant
  /// A 64-bit constant that refers to a kernel object: a map, a variable, a function.
  case kernelObject(UInt8)
  case unknownAtomic(Int32)
  /// A call of a kernel function by its type information.
  case kernelFunction(Int32)

  public var description: String {
    switch self {
    case .unknownCode(let code): "unknown code 0x\(String(code, radix: 16))"
    case .unknownRegister(let number): "there is no register r\(number)"
    case .reservedField(let code):
      "a field that code 0x\(String(code, radix: 16)) does not use, or not with that value, is set"
    case .halfConstant: "the second half of a 64-bit constant is missing"
    case .kernelObject(let kind):
      "a constant of kind \(kind), which is a map or another object of the kernel, is not modelled"
    case .unknownAtomic(let number): "unknown atomic operation 0x\(String(UInt32(bitPattern: number), radix: 16))"
    case .kernelFunction(let number): "a call of kernel function \(number), which is not modelled"
    }
  }
}

/// The class of an instruction: the low three bits of its code (section 3).
private enum Class {
  static let ld: UInt8 = 0
  static let ldx: UInt8 = 1
  static let st: UInt8 = 2
  static let stx: UInt8 = 3
  static let alu: UInt8 = 4
  static let jmp: UInt8 = 5
  static let jmp32: UInt8 = 6
  static let alu64: UInt8 = 7
}

/// The mode of a load or store: the high three bits of its code (section 5).
private enum Mode {
  static let constant: UInt8 = 0x00
  static let absolute: UInt8 = 0x20
  static let indirect: UInt8 = 0x40
  static let memory: UInt8 = 0x60
  static let signed: UInt8 = 0x80
  static let atomic: UInt8 = 0xc0
}

/// The bit that makes the second operand of arithmetic and jumps a register.
private let registerOperand: UInt8 = 0x08
private let neg: UInt8 = 0x80
private let end: UInt8 = 0xd0
private let callCode: UInt8 = 0x80
private let exitCode: UInt8 = 0x90
/// The bit of an atomic operation that returns the old value in memory.
private let fetch: Int32 = 1
/// The source field of a 64-bit constant that is a map descriptor (`BPF_PSEUDO_MAP_FD`).
private let mapByDescriptor: UInt8 = 1

extension Operation.Arithmetic {
  /// The high four bits of the code.
  fileprivate var code: UInt8 {
    switch self {
    case .add: 0x00
    case .sub: 0x10
    case .mul: 0x20
    case .div, .sdiv: 0x30
    case .or: 0x40
    case .and: 0x50
    case .lsh: 0x60
    case .rsh: 0x70
    case .mod, .smod: 0x90
    case .xor: 0xa0
    case .mov: 0xb0
    case .arsh: 0xc0
    }
  }

  /// The offset field: 1 makes a division signed.
  fileprivate var offset: Int16 { self == .sdiv || self == .smod ? 1 : 0 }
}

extension Operation {
  /// Decodes an instruction. `next` is the one after it, which contains the second half of a 64-bit constant.
  public init(_ instruction: EncodedInstruction, next: EncodedInstruction?) throws(EncodingError) {
    let code = instruction.code
    switch code & 7 {
    case Class.alu, Class.alu64: try self.init(arithmetic: instruction)
    case Class.jmp, Class.jmp32: try self.init(jump: instruction)
    default: try self.init(memory: instruction, next: next)
    }
  }

  private init(arithmetic instruction: EncodedInstruction) throws(EncodingError) {
    let code = instruction.code
    let width: Width = code & 7 == Class.alu64 ? .doubleWord : .word
    let isRegister = code & registerOperand != 0
    let destination = try register(instruction.destination)
    switch code & 0xf0 {
    case neg:
      try require(!isRegister, .unknownCode(code))
      try requireUnused(instruction, source: true, offset: true, constant: true)
      self = .negate(width, destination)
    case end:
      try require(width == .word || !isRegister, .unknownCode(code))
      try requireUnused(instruction, source: true, offset: true)
      try require([16, 32, 64].contains(instruction.constant), .reservedField(code: code))
      let order: ByteOrder = width == .doubleWord ? .swap : isRegister ? .toBigEndian : .toLittleEndian
      self = .byteOrder(order, bits: instruction.constant, destination)
    default:
      let operand = try operand(instruction, isRegister)
      let bits = instruction.offset
      if code & 0xf0 == Arithmetic.mov.code, bits != 0, case .register(let source) = operand {
        try require(bits == 8 || bits == 16 || bits == 32 && width == .doubleWord, .reservedField(code: code))
        self = .moveSigned(width, bits: bits, destination, source)
        return
      }
      guard let arithmetic = Arithmetic.allCases.first(where: { $0.code == code & 0xf0 && $0.offset == bits }) else {
        let isKnown = Arithmetic.allCases.contains { $0.code == code & 0xf0 }
        throw isKnown ? .reservedField(code: code) : .unknownCode(code)
      }
      self = .arithmetic(arithmetic, width, destination, operand)
    }
  }

  private init(jump instruction: EncodedInstruction) throws(EncodingError) {
    let code = instruction.code
    let isRegister = code & registerOperand != 0
    switch (code & 0xf0, code & 7) {
    case (0, let kind):
      try require(!isRegister, .unknownCode(code))
      try requireUnused(
        instruction, destination: true, source: true, offset: kind == Class.jmp32, constant: kind == Class.jmp)
      self =
        kind == Class.jmp
        ? .jump(distance: Int32(instruction.offset), isLong: false)
        : .jump(distance: instruction.constant, isLong: true)
    case (callCode, Class.jmp) where isRegister:
      try requireUnused(instruction, source: true, offset: true, constant: true)
      self = .callRegister(try register(instruction.destination))
    case (callCode, Class.jmp):
      try requireUnused(instruction, destination: true, offset: true)
      switch instruction.source {
      case 0: self = .call(instruction.constant)
      case 1: self = .callLocal(distance: instruction.constant)
      case 2: throw .kernelFunction(instruction.constant)
      default: throw .reservedField(code: code)
      }
    case (exitCode, Class.jmp):
      try require(!isRegister, .unknownCode(code))
      try requireUnused(instruction, destination: true, source: true, offset: true, constant: true)
      self = .exit
    default:
      guard let condition = Condition(rawValue: code & 0xf0) else { throw .unknownCode(code) }
      let width: Width = code & 7 == Class.jmp ? .doubleWord : .word
      self = .branch(
        condition, width, try register(instruction.destination), try operand(instruction, isRegister),
        distance: instruction.offset)
    }
  }

  private init(memory instruction: EncodedInstruction, next: EncodedInstruction?) throws(EncodingError) {
    let code = instruction.code
    guard let size = Size(rawValue: code & 0x18) else { throw .unknownCode(code) }
    switch (code & 7, code & 0xe0) {
    case (Class.ld, Mode.constant) where size == .doubleWord:
      guard let next else { throw .halfConstant }
      try require(next.code == 0, .halfConstant)
      if instruction.source == mapByDescriptor {
        try requireUnused(instruction, offset: true)
        try requireUnused(next, destination: true, source: true, offset: true, constant: true)
        self = .loadMap(try register(instruction.destination), descriptor: instruction.constant)
        return
      }
      try require(instruction.source == 0, .kernelObject(instruction.source))
      try requireUnused(instruction, offset: true)
      try requireUnused(next, destination: true, source: true, offset: true)
      let low = UInt32(bitPattern: instruction.constant)
      self = .loadConstant(
        try register(instruction.destination), UInt64(UInt32(bitPattern: next.constant)) << 32 | UInt64(low))
    case (Class.ld, Mode.absolute) where size != .doubleWord:
      try requireUnused(instruction, destination: true, source: true, offset: true)
      self = .loadPacket(size, index: nil, instruction.constant)
    case (Class.ld, Mode.indirect) where size != .doubleWord:
      try requireUnused(instruction, destination: true, offset: true)
      self = .loadPacket(size, index: try register(instruction.source), instruction.constant)
    case (Class.ldx, Mode.memory),
      (Class.ldx, Mode.signed) where code & 0xe0 == Mode.memory || size != .doubleWord:
      try requireUnused(instruction, constant: true)
      self = .load(
        size, isSigned: code & 0xe0 == Mode.signed, try register(instruction.destination),
        from: try register(instruction.source), offset: instruction.offset)
    case (Class.st, Mode.memory):
      try requireUnused(instruction, source: true)
      self = .store(
        size, at: try register(instruction.destination), offset: instruction.offset, .constant(instruction.constant))
    case (Class.stx, Mode.memory):
      try requireUnused(instruction, constant: true)
      self = .store(
        size, at: try register(instruction.destination), offset: instruction.offset,
        .register(try register(instruction.source)))
    case (Class.stx, Mode.atomic) where size == .word || size == .doubleWord:
      let fetches = instruction.constant & fetch != 0
      guard let atomic = Atomic(rawValue: instruction.constant & ~fetch),
        fetches || atomic != .exchange && atomic != .compareExchange
      else { throw .unknownAtomic(instruction.constant) }
      self = .atomic(
        atomic, size == .word ? .word : .doubleWord, fetches: fetches, at: try register(instruction.destination),
        offset: instruction.offset, try register(instruction.source))
    default: throw .unknownCode(code)
    }
  }

  /// The one or two encoded instructions.
  public var encoded: [EncodedInstruction] {
    switch self {
    case .arithmetic(let arithmetic, let width, let destination, let operand):
      let kind = width == .word ? Class.alu : Class.alu64
      return [encode(arithmetic.code | kind, destination, operand, offset: arithmetic.offset)]
    case .negate(let width, let destination):
      let kind = width == .word ? Class.alu : Class.alu64
      return [EncodedInstruction(code: neg | kind, destination: destination.rawValue)]
    case .moveSigned(let width, let bits, let destination, let source):
      let kind = width == .word ? Class.alu : Class.alu64
      return [encode(Arithmetic.mov.code | kind, destination, .register(source), offset: bits)]
    case .byteOrder(let order, let bits, let destination):
      let kind = order == .swap ? Class.alu64 : order == .toBigEndian ? Class.alu | registerOperand : Class.alu
      return [EncodedInstruction(code: end | kind, destination: destination.rawValue, constant: bits)]
    case .loadConstant(let destination, let value):
      return [
        EncodedInstruction(
          code: Size.doubleWord.rawValue, destination: destination.rawValue, constant: Int32(truncatingIfNeeded: value)),
        EncodedInstruction(code: 0, constant: Int32(truncatingIfNeeded: value >> 32)),
      ]
    case .loadMap(let destination, let descriptor):
      return [
        EncodedInstruction(
          code: Size.doubleWord.rawValue, destination: destination.rawValue, source: mapByDescriptor,
          constant: descriptor),
        EncodedInstruction(code: 0),
      ]
    case .load(let size, let isSigned, let destination, let base, let offset):
      let mode = isSigned ? Mode.signed : Mode.memory
      return [
        EncodedInstruction(
          code: mode | size.rawValue | Class.ldx, destination: destination.rawValue, source: base.rawValue,
          offset: offset)
      ]
    case .store(let size, let base, let offset, .register(let source)):
      return [
        EncodedInstruction(
          code: Mode.memory | size.rawValue | Class.stx, destination: base.rawValue, source: source.rawValue,
          offset: offset)
      ]
    case .store(let size, let base, let offset, .constant(let constant)):
      return [
        EncodedInstruction(
          code: Mode.memory | size.rawValue | Class.st, destination: base.rawValue, offset: offset, constant: constant)
      ]
    case .atomic(let atomic, let width, let fetches, let base, let offset, let source):
      let size: Size = width == .word ? .word : .doubleWord
      return [
        EncodedInstruction(
          code: Mode.atomic | size.rawValue | Class.stx, destination: base.rawValue, source: source.rawValue,
          offset: offset, constant: atomic.rawValue | (fetches ? fetch : 0))
      ]
    case .loadPacket(let size, let index, let constant):
      let mode = index == nil ? Mode.absolute : Mode.indirect
      return [EncodedInstruction(code: mode | size.rawValue, source: index?.rawValue ?? 0, constant: constant)]
    case .jump(let distance, true): return [EncodedInstruction(code: Class.jmp32, constant: distance)]
    case .jump(let distance, false):
      return [EncodedInstruction(code: Class.jmp, offset: Int16(truncatingIfNeeded: distance))]
    case .branch(let condition, let width, let register, let operand, let distance):
      let kind = width == .word ? Class.jmp32 : Class.jmp
      return [encode(condition.rawValue | kind, register, operand, offset: distance)]
    case .call(let helper): return [EncodedInstruction(code: callCode | Class.jmp, constant: helper)]
    case .callRegister(let register):
      return [EncodedInstruction(code: callCode | registerOperand | Class.jmp, destination: register.rawValue)]
    case .callLocal(let distance):
      return [EncodedInstruction(code: callCode | Class.jmp, source: 1, constant: distance)]
    case .exit: return [EncodedInstruction(code: exitCode | Class.jmp)]
    }
  }
}

// MARK: Fields

private func encode(
  _ code: UInt8, _ destination: Register, _ operand: Operation.Operand, offset: Int16
) -> EncodedInstruction {
  switch operand {
  case .register(let source):
    EncodedInstruction(
      code: code | registerOperand, destination: destination.rawValue, source: source.rawValue, offset: offset)
  case .constant(let constant):
    EncodedInstruction(code: code, destination: destination.rawValue, offset: offset, constant: constant)
  }
}

private func register(_ number: UInt8) throws(EncodingError) -> Register {
  guard let register = Register(rawValue: number) else { throw .unknownRegister(number) }
  return register
}

/// The second operand of arithmetic or of a comparison.
private func operand(_ instruction: EncodedInstruction, _ isRegister: Bool) throws(EncodingError) -> Operation.Operand {
  try requireUnused(instruction, source: !isRegister, constant: isRegister)
  return isRegister ? .register(try register(instruction.source)) : .constant(instruction.constant)
}

private func require(_ condition: Bool, _ error: EncodingError) throws(EncodingError) {
  if !condition { throw error }
}

/// Throws if an unused field is not 0, as section 3.1 requires.
private func requireUnused(
  _ instruction: EncodedInstruction, destination: Bool = false, source: Bool = false, offset: Bool = false,
  constant: Bool = false
) throws(EncodingError) {
  let isClean =
    !(destination && instruction.destination != 0) && !(source && instruction.source != 0)
    && !(offset && instruction.offset != 0) && !(constant && instruction.constant != 0)
  try require(isClean, .reservedField(code: instruction.code))
}
