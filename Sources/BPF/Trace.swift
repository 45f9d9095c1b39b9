/// What one instruction did for one packet.
public struct ExecutedInstruction: Hashable, Sendable {
  /// The index of the instruction in its program.
  public let index: Int
  /// The instruction itself.
  public let instruction: Instruction
  /// A and X before it.
  public let before: RegisterValues
  /// A and X after it; unchanged if it failed.
  public internal(set) var after: RegisterValues
  /// The bytes of the packet that it tried to load, whether or not they exist; nil if it does not load from the packet.
  public internal(set) var access: PacketAccess?
  /// What it read from the packet or from M[], before any computation: for `ldxb 4*([14]&0xf)` the byte, not the length.
  public internal(set) var loaded: UInt32?
  /// The outcome of a conditional jump; nil for other instructions.
  public internal(set) var condition: Bool?
  /// Why the run ended here with 0, other than by a `ret`.
  public internal(set) var failure: ExecutionFailure?
  /// The index of the next instruction; nil if the run ended.
  public internal(set) var next: Int?

  init(index: Int, instruction: Instruction, registers: RegisterValues) {
    self.index = index
    self.instruction = instruction
    before = registers
    after = registers
  }
}

/// The accumulator and the index register.
public struct RegisterValues: Hashable, Sendable, BitwiseCopyable {
  public var a: UInt32 = 0
  public var x: UInt32 = 0

  public init() {}
}

/// Bytes of a packet that an instruction tries to load.
public struct PacketAccess: Hashable, Sendable, BitwiseCopyable {
  /// The first byte, from 0; up to 33 bits wide, since X + `k` does not wrap.
  public let offset: UInt64
  /// How many there are: 1, 2 or 4.
  public let size: Int

  public init(offset: UInt64, size: Int) {
    self.offset = offset
    self.size = size
  }
}

/// Why an instruction ended a run with 0.
public enum ExecutionFailure: Hashable, Sendable, BitwiseCopyable {
  /// A load of bytes that were not captured.
  case outsidePacket
  /// A load of metadata that only the Linux kernel has.
  case ancillary(Ancillary)
  /// A division or a remainder by X = 0.
  case divisionByZero
}

/// A run of a program over one packet, instruction by instruction.
public struct Trace: Hashable, Sendable {
  /// The executed instructions, in order; at least one.
  public let steps: [ExecutedInstruction]
  /// What the program returned: 0 rejects the packet, another number accepts that many of its bytes.
  public let verdict: UInt32

  /// Why the run ended without a `ret`; nil if there was one.
  public var failure: ExecutionFailure? { steps.last?.failure }
}

extension Program {
  /// Runs the program over a packet and records what each instruction did. Arguments and verdict are those of `Interpreter.run`.
  public func trace(_ bytes: RawSpan, len: UInt32) -> Trace {
    var steps: [ExecutedInstruction] = []
    let verdict = run(bytes, len: len) { step in steps.append(step) }
    return Trace(steps: steps, verdict: verdict)
  }

  /// Runs the program over a packet, and calls `observe` after each instruction.
  ///
  /// Arguments and verdict are those of `Interpreter.run`. This is a separate implementation, so that the interpreter loses no time on
  /// observers.
  @inlinable
  public func run(
    _ bytes: RawSpan, len: UInt32, observe: (ExecutedInstruction) -> Void
  ) -> UInt32 {
    var state = ObservedRun()
    while true {
      let step = state.execute(instructions, bytes, len: len)
      observe(step)
      if step.next == nil { return state.verdict }
    }
  }
}

/// The state of a run.
@usableFromInline
struct ObservedRun {
  private var registers = RegisterValues()
  /// A different type from the interpreter's scratch memory: the initializer of that type is inlined into the interpreter only as long as
  /// nothing else uses it, and a call there would slow it down.
  private var scratch = SIMD16<UInt32>()
  private var next = 0
  @usableFromInline private(set) var verdict: UInt32 = 0

  @usableFromInline init() {}

  /// Executes the next instruction of a valid program. Must not be called after a `ret`.
  @usableFromInline
  mutating func execute(_ instructions: [Instruction], _ bytes: RawSpan, len: UInt32) -> ExecutedInstruction {
    let instruction = instructions[next]
    guard let opcode = instruction.opcode else {
      preconditionFailure("the validator lets only known opcodes into a program")
    }
    let k = instruction.k
    /// The second operand of arithmetic and comparisons.
    let operand = opcode.facts.reads.contains(.x) ? registers.x : k
    var step = ExecutedInstruction(index: next, instruction: instruction, registers: registers)
    step.next = next + 1

    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      step.load(opcode, bytes)
      guard let value = step.loaded else { return step }
      if opcode == .ldxMsh { registers.x = (value & 15) << 2 } else { registers.a = value }
    case .ldMem, .ldxMem:
      let value = scratch[Int(k)]
      step.loaded = value
      if opcode == .ldMem { registers.a = value } else { registers.x = value }
    case .ldImm: registers.a = k
    case .ldxImm: registers.x = k
    case .ldLen: registers.a = len
    case .ldxLen: registers.x = len
    case .st: scratch[Int(k)] = registers.a
    case .stx: scratch[Int(k)] = registers.x
    case .tax: registers.x = registers.a
    case .txa: registers.a = registers.x

    case .addK, .addX: registers.a &+= operand
    case .subK, .subX: registers.a &-= operand
    case .mulK, .mulX: registers.a &*= operand
    case .divK, .divX, .modK, .modX:
      guard operand != 0 else {
        step.failure = .divisionByZero
        step.next = nil
        return step
      }
      if opcode == .divK || opcode == .divX { registers.a /= operand } else { registers.a %= operand }
    case .orK, .orX: registers.a |= operand
    case .andK, .andX: registers.a &= operand
    case .xorK, .xorX: registers.a ^= operand
    case .lshK, .lshX: registers.a <<= operand
    case .rshK, .rshX: registers.a >>= operand
    case .neg: registers.a = 0 &- registers.a

    case .ja: step.next = next + 1 + Int(k)
    case .jeqK, .jeqX: step.jump(where: registers.a == operand)
    case .jgtK, .jgtX: step.jump(where: registers.a > operand)
    case .jgeK, .jgeX: step.jump(where: registers.a >= operand)
    case .jsetK, .jsetX: step.jump(where: registers.a & operand != 0)

    case .retK, .retA:
      verdict = opcode == .retK ? k : registers.a
      step.next = nil
    }
    step.after = registers
    next = step.next ?? next
    return step
  }
}

extension ExecutedInstruction {
  fileprivate mutating func jump(where condition: Bool) {
    self.condition = condition
    next = index + 1 + Int(condition ? instruction.jt : instruction.jf)
  }

  /// Loads from the packet, or fails.
  fileprivate mutating func load(_ opcode: Opcode, _ bytes: RawSpan) {
    let form = opcode.facts.operand
    if form == .absolute, let ancillary = Ancillary(offset: instruction.k) {
      failure = .ancillary(ancillary)
      next = nil
      return
    }
    let offset = UInt64(instruction.k) + (form == .indirect ? UInt64(before.x) : 0)
    switch opcode {
    case .ldAbs, .ldInd:
      access = PacketAccess(offset: offset, size: 4)
      loaded = bytes.word(at: offset)
    case .ldhAbs, .ldhInd:
      access = PacketAccess(offset: offset, size: 2)
      loaded = bytes.half(at: offset)
    default:
      access = PacketAccess(offset: offset, size: 1)
      loaded = bytes.octet(at: offset)
    }
    if loaded == nil {
      failure = .outsidePacket
      next = nil
    }
  }
}
