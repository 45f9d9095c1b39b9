import Glibc

/// Runs a program as RFC 9669 specifies: every memory access is checked, the number of steps is limited, and each function of the program
/// has its own stack frame. Numbers in memory are little-endian.
public struct EBPFMachine: Sendable {
  /// The default limit on the steps of a run: as many as the kernel's verifier examines.
  public static let defaultStepLimit = 1_000_000

  private let operations: [Operation?]
  private let stepLimit: Int

  /// Throws if the program uses a map, or calls a helper that is not modelled, even in unreachable code.
  public init(_ program: EBPFProgram, stepLimit: Int = defaultStepLimit) throws(EBPFFault) {
    for (index, operation) in program.operations.enumerated() {
      switch operation {
      case .loadMap: throw EBPFFault(.kernelMap, index: index)
      case .call(let number) where Helper(rawValue: number) == nil:
        throw EBPFFault(.unknownHelper(UInt64(UInt32(bitPattern: number))), index: index)
      default: continue
      }
    }
    operations = program.operations
    self.stepLimit = stepLimit
  }

  /// What the program returns in r0. Throws if it does something that is not allowed.
  public func run(_ memory: inout EBPFMemory) throws(EBPFFault) -> UInt64 {
    var run = Run(memory: memory)
    defer { memory = run.memory }
    for _ in 0..<stepLimit {
      guard operations.indices.contains(run.next), let operation = operations[run.next] else {
        throw EBPFFault(.noInstruction, index: run.next)
      }
      if try run.execute(operation) { return run.registers[0] }
    }
    throw EBPFFault(.stepLimit(stepLimit), index: run.next)
  }
}

/// Why a run ended without a result: what was not allowed, and the instruction that did it.
public struct EBPFFault: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    case read(address: UInt64, size: Int)
    case write(address: UInt64, size: Int)
    case stepLimit(Int)
    /// Too many functions are active.
    case callDepth
    case unknownHelper(UInt64)
    /// A map of the kernel; this machine has none.
    case kernelMap
    /// A helper was called with an invalid argument.
    case wrongArgument(UInt64)
    /// A load from a packet when there is none, or without its context in r6.
    case noPacket
    /// A load from a packet at a negative offset, which Linux uses for other data.
    case negativeOffset
    /// The run reached a place without an instruction.
    case noInstruction
  }

  public let reason: Reason
  /// The index of the instruction.
  public let index: Int

  init(_ reason: Reason, index: Int) {
    self.reason = reason
    self.index = index
  }

  public var description: String {
    func bytes(_ size: Int) -> String { "\(size) byte\(size == 1 ? "" : "s")" }
    func hex(_ address: UInt64) -> String { "0x" + String(address, radix: 16) }
    let what =
      switch reason {
      case .read(let address, let size): "reads \(bytes(size)) at \(hex(address)), where nothing may be read"
      case .write(let address, let size): "writes \(bytes(size)) at \(hex(address)), where nothing may be written"
      case .stepLimit(let limit): "the program did not end within \(limit) steps"
      case .callDepth: "more than \(EBPFMemory.maximumDepth) functions call each other"
      case .unknownHelper(let number): "helper \(number) is not modelled"
      case .kernelMap: "maps of the kernel are not modelled"
      case .wrongArgument(let number): "helper \(number) is called with invalid arguments"
      case .noPacket: "a load from a packet where there is none, or without its context in r6"
      case .negativeOffset: "a load from a packet at a negative offset, which is not modelled"
      case .noInstruction: "there is no instruction"
      }
    return "instruction \(index): \(what)"
  }
}

/// The state of a run.
private struct Run {
  var memory: EBPFMemory
  var registers = [11 of UInt64](repeating: 0)
  /// The index of the next instruction.
  var next = 0
  /// The saved state of the active functions that wait for a call to return.
  private var callers: [Caller] = []

  /// What a local call saves.
  private struct Caller {
    let next: Int
    let saved: [4 of UInt64]
  }

  init(memory: EBPFMemory) {
    self.memory = memory
    self.memory.depth = 1
    registers[1] = memory.arguments.0
    registers[2] = memory.arguments.1
    registers[10] = self.memory.framePointer
  }

  private subscript(_ register: Register) -> UInt64 {
    get { registers[Int(register.rawValue)] }
    set { registers[Int(register.rawValue)] = newValue }
  }

  /// The 64 bits of an operand.
  private func value(_ operand: Operation.Operand) -> UInt64 {
    switch operand {
    case .register(let register): self[register]
    case .constant(let constant): UInt64(bitPattern: Int64(constant))
    }
  }

  private func address(_ base: Register, _ offset: Int16) -> UInt64 {
    self[base] &+ UInt64(bitPattern: Int64(offset))
  }

  private func fault(_ reason: EBPFFault.Reason) -> EBPFFault { EBPFFault(reason, index: next) }

  /// Executes one operation; true if the program has ended.
  mutating func execute(_ operation: Operation) throws(EBPFFault) -> Bool {
    switch operation {
    case .arithmetic(let arithmetic, .doubleWord, let target, let operand):
      self[target] = arithmetic.result(self[target], value(operand))
    case .arithmetic(let arithmetic, .word, let target, let operand):
      let (first, second) = (UInt32(truncatingIfNeeded: self[target]), UInt32(truncatingIfNeeded: value(operand)))
      self[target] = UInt64(arithmetic.result(first, second))
    case .negate(.doubleWord, let target): self[target] = 0 &- self[target]
    case .negate(.word, let target): self[target] = UInt64(0 &- UInt32(truncatingIfNeeded: self[target]))
    case .moveSigned(let width, let bits, let target, let source):
      let extended = signExtended(self[source], bits: Int(bits))
      self[target] = width == .word ? UInt64(UInt32(truncatingIfNeeded: extended)) : extended
    case .byteOrder(let order, let bits, let target):
      let value = order == .toLittleEndian ? self[target] : self[target].byteSwapped >> UInt64(64 - bits)
      self[target] = bits == 64 ? value : value & (1 << UInt64(bits) - 1)
    case .loadConstant(let target, let value):
      self[target] = value
      next += 1
    case .loadMap: throw fault(.kernelMap)
    case .load(let size, let isSigned, let target, let base, let offset):
      let value = try load(address(base, offset), size.octets)
      self[target] = isSigned ? signExtended(value, bits: 8 * size.octets) : value
    case .store(let size, let base, let offset, let operand):
      try store(value(operand), address(base, offset), size.octets)
    case .atomic(let atomic, let width, let fetches, let base, let offset, let source):
      try execute(atomic, width == .word ? 4 : 8, fetches, address(base, offset), source)
    case .loadPacket(let size, let index, let constant):
      let offset = (index.map { self[$0] } ?? 0) &+ UInt64(bitPattern: Int64(constant))
      guard let value = try loadPacket(at: offset, size.octets) else {
        registers[0] = 0
        return true
      }
      registers[0] = value
    case .jump(let distance, _): next += Int(distance)
    case .branch(let condition, .doubleWord, let register, let operand, let distance):
      if condition.holds(self[register], value(operand)) { next += Int(distance) }
    case .branch(let condition, .word, let register, let operand, let distance):
      let (first, second) = (UInt32(truncatingIfNeeded: self[register]), UInt32(truncatingIfNeeded: value(operand)))
      if condition.holds(first, second) { next += Int(distance) }
    case .call(let number): try call(UInt64(UInt32(bitPattern: number)))
    case .callRegister(let register): try call(self[register])
    case .callLocal(let distance):
      guard memory.depth < EBPFMemory.maximumDepth else { throw fault(.callDepth) }
      callers.append(Caller(next: next + 1, saved: [registers[6], registers[7], registers[8], registers[9]]))
      memory.depth += 1
      registers[10] = memory.framePointer
      next += Int(distance)
    case .exit:
      guard let caller = callers.popLast() else { return true }
      memory.depth -= 1
      registers[10] = memory.framePointer
      for index in caller.saved.indices { registers[6 + index] = caller.saved[index] }
      next = caller.next
      return false
    }
    next += 1
    return false
  }

  // MARK: Memory

  private func load(_ address: UInt64, _ size: Int) throws(EBPFFault) -> UInt64 {
    guard let value = memory.load(address, size) else { throw fault(.read(address: address, size: size)) }
    return value
  }

  private mutating func store(_ value: UInt64, _ address: UInt64, _ size: Int) throws(EBPFFault) {
    guard memory.store(value, address, size) else { throw fault(.write(address: address, size: size)) }
  }

  private mutating func execute(
    _ atomic: Operation.Atomic, _ size: Int, _ fetches: Bool, _ address: UInt64, _ source: Register
  ) throws(EBPFFault) {
    let old = try load(address, size)
    let operand = self[source]
    let new: UInt64
    switch atomic {
    case .add: new = old &+ operand
    case .or: new = old | operand
    case .and: new = old & operand
    case .xor: new = old ^ operand
    case .exchange: new = operand
    case .compareExchange:
      let expected = size == 4 ? registers[0] & 0xffff_ffff : registers[0]
      new = old == expected ? operand : old
    }
    try store(new, address, size)
    guard fetches else { return }
    self[atomic == .compareExchange ? .r0 : source] = old
  }

  /// Nil if the packet does not have these bytes.
  private func loadPacket(at offset: UInt64, _ size: Int) throws(EBPFFault) -> UInt64? {
    guard memory.kind == .socketBuffer, registers[6] == EBPFMemory.contextBase else { throw fault(.noPacket) }
    // The kernel treats the lower half as a signed number.
    let offset = UInt32(truncatingIfNeeded: offset)
    guard Int32(bitPattern: offset) >= 0 else { throw fault(.negativeOffset) }
    return memory.packetNumber(at: UInt64(offset), size)
  }

  // MARK: Helpers

  private mutating func call(_ number: UInt64) throws(EBPFFault) {
    guard let number = Int32(exactly: number), let helper = Helper(rawValue: number) else {
      throw fault(.unknownHelper(number))
    }
    let (context, second, third, fourth) = (registers[1], registers[2], registers[3], registers[4])
    let failure = UInt64(bitPattern: -14)  // -EFAULT
    switch helper {
    case .ktimeGetNS:
      var time = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      registers[0] = UInt64(bitPattern: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    case .skbLoadBytes:
      guard memory.kind == .socketBuffer, context == EBPFMemory.contextBase else { throw fault(.wrongArgument(26)) }
      let offset = second & 0xffff_ffff
      guard let isThere = memory.copyPacket(from: offset, to: third, count: fourth & 0xffff_ffff) else {
        throw fault(.wrongArgument(26))
      }
      registers[0] = isThere ? 0 : failure
    case .skbPullData:
      guard memory.kind == .socketBuffer, context == EBPFMemory.contextBase else { throw fault(.wrongArgument(39)) }
      registers[0] = second & 0xffff_ffff <= UInt64(memory.octets.count) ? 0 : failure
    }
    // No program may rely on their old values.
    for index in 1...5 { registers[index] = 0xdead_dead_dead_dead }
  }
}

/// The low `bits` of a value, sign-extended.
private func signExtended(_ value: UInt64, bits: Int) -> UInt64 {
  let shift = Int64(64 - bits)
  return UInt64(bitPattern: (Int64(bitPattern: value) << shift) >> shift)
}

extension Operation.Arithmetic {
  /// Division by 0 gives 0, and its remainder is the dividend; shifts use the distance modulo the width (section 4.1).
  fileprivate func result<Word: SignedComparable>(_ first: Word, _ second: Word) -> Word {
    switch self {
    case .add: first &+ second
    case .sub: first &- second
    case .mul: first &* second
    case .div: second == 0 ? 0 : first / second
    case .mod: second == 0 ? first : first % second
    case .or: first | second
    case .and: first & second
    case .xor: first ^ second
    case .mov: second
    case .lsh: first &<< second
    case .rsh: first &>> second
    case .arsh: first.signedShiftRight(second)
    case .sdiv: first.signedQuotient(second)
    case .smod: first.signedRemainder(second)
    }
  }
}

extension Operation.Condition {
  fileprivate func holds<Word: SignedComparable>(_ first: Word, _ second: Word) -> Bool {
    switch self {
    case .jeq: first == second
    case .jne: first != second
    case .jgt: first > second
    case .jge: first >= second
    case .jlt: first < second
    case .jle: first <= second
    case .jset: first & second != 0
    case .jsgt: first.signed > second.signed
    case .jsge: first.signed >= second.signed
    case .jslt: first.signed < second.signed
    case .jsle: first.signed <= second.signed
    }
  }
}

/// An unsigned word that can be reinterpreted as a signed number.
private protocol SignedComparable: FixedWidthInteger & UnsignedInteger {
  associatedtype Signed: FixedWidthInteger & SignedInteger
  var signed: Signed { get }
  init(bitPattern: Signed)
}

extension UInt32: SignedComparable { fileprivate var signed: Int32 { Int32(bitPattern: self) } }
extension UInt64: SignedComparable { fileprivate var signed: Int64 { Int64(bitPattern: self) } }

extension SignedComparable {
  /// Rounds towards zero; the smallest number divided by -1 is itself, with remainder 0.
  fileprivate func signedQuotient(_ divisor: Self) -> Self {
    if divisor == 0 { return 0 }
    return Self(bitPattern: signed.dividedReportingOverflow(by: divisor.signed).partialValue)
  }

  fileprivate func signedRemainder(_ divisor: Self) -> Self {
    if divisor == 0 { return self }
    return Self(bitPattern: signed.remainderReportingOverflow(dividingBy: divisor.signed).partialValue)
  }

  fileprivate func signedShiftRight(_ distance: Self) -> Self {
    Self(bitPattern: signed &>> distance.signed)
  }
}
