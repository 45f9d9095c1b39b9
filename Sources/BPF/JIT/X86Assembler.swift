/// Writes x86-64 machine code: one method per form of an instruction, with labels to jump to (Intel 64 and IA-32 Architectures
/// Software Developer's Manual, volume 2).
///
/// Operations are on 32 bits unless their name or a `Width` says otherwise; a 32-bit result clears the upper half of its register. A jump
/// takes two bytes if it leads forward less than 128 bytes, and five or six otherwise.
struct X86Assembler {
  /// A general register, by its number.
  enum Register: UInt8, BitwiseCopyable {
    case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
  }

  /// Bytes in memory: `[base + index + displacement]`.
  struct Memory: BitwiseCopyable {
    var base: Register
    /// Any register except rsp, whose number means "no index" in the encoding.
    var index: Register?
    var displacement: Int32

    init(_ base: Register, _ index: Register? = nil, _ displacement: Int32 = 0) {
      self.base = base
      self.index = index
      self.displacement = displacement
    }
  }

  enum Width: BitwiseCopyable { case word, quad }

  /// The two-operand operations that share an encoding; the raw value is the digit in the opcode.
  enum Arithmetic: UInt8, BitwiseCopyable { case add = 0, or = 1, sbb = 3, and = 4, sub = 5, xor = 6, cmp = 7 }

  enum Shift: UInt8, BitwiseCopyable { case left = 4, right = 5 }

  /// A condition, by its number in the opcodes of jumps and moves; comparisons are unsigned.
  enum Condition: UInt8, BitwiseCopyable {
    case below = 2, aboveOrEqual, equal, notEqual, belowOrEqual, above

    /// The opposite.
    var inverted: Condition { Condition(rawValue: rawValue ^ 1) ?? self }
  }

  /// A position in the code.
  struct Label: Hashable, BitwiseCopyable {
    fileprivate let index: Int
  }

  /// A jump that is not encoded yet.
  private struct Jump {
    /// Its position among the encoded bytes.
    let position: Int
    /// Nil for an unconditional jump.
    let condition: Condition?
    let label: Label
  }

  /// The code without its jumps.
  private var octets: [UInt8] = []
  private var jumps: [Jump] = []
  /// The position of each label: the number of bytes and of jumps before it; nil if it has not been placed.
  private var places: [(position: Int, jumps: Int)?] = []

  // MARK: Labels and jumps

  mutating func makeLabel() -> Label {
    places.append(nil)
    return Label(index: places.count - 1)
  }

  /// Places the label before the next instruction.
  mutating func place(_ label: Label) { places[label.index] = (octets.count, jumps.count) }

  mutating func jump(_ condition: Condition? = nil, to label: Label) {
    jumps.append(Jump(position: octets.count, condition: condition, label: label))
  }

  /// The machine code. Every label that is a jump target must have been placed.
  ///
  /// The sizes of jumps are determined from the last to the first: how far a forward jump leads depends only on the jumps after it. A
  /// backward jump uses its long form.
  func finish() -> [UInt8] {
    let targets = jumps.map { jump in
      guard let place = places[jump.label.index] else { preconditionFailure("a label is jumped to and not placed") }
      return place
    }
    /// The number of bytes of all jumps from that index on.
    var sizes = [Int](repeating: 0, count: jumps.count + 1)
    for (index, jump) in jumps.enumerated().reversed() {
      let target = targets[index]
      var isShort = false
      if target.jumps > index {
        let distance = target.position - jump.position + sizes[index + 1] - sizes[target.jumps]
        isShort = distance <= Int(Int8.max)
      }
      sizes[index] = sizes[index + 1] + (isShort ? 2 : jump.condition == nil ? 5 : 6)
    }
    let total = sizes[0]
    var code: [UInt8] = []
    code.reserveCapacity(octets.count + total)
    var copied = 0
    for (index, jump) in jumps.enumerated() {
      code += octets[copied..<jump.position]
      copied = jump.position
      let target = targets[index]
      let end = jump.position + total - sizes[index + 1]
      let distance = target.position + total - sizes[target.jumps] - end
      switch (sizes[index] - sizes[index + 1], jump.condition) {
      case (2, nil): code.append(0xeb)
      case (2, let condition?): code.append(0x70 | condition.rawValue)
      case (_, nil): code.append(0xe9)
      case (_, let condition?): code += [0x0f, 0x80 | condition.rawValue]
      }
      if end - code.count == 1 {
        code.append(UInt8(truncatingIfNeeded: distance))
      } else {
        Self.append(UInt32(truncatingIfNeeded: distance), to: &code)
      }
    }
    return code + octets[copied...]
  }

  mutating func ret() { octets.append(0xc3) }

  // MARK: Moves

  mutating func move(_ target: Register, _ source: Register, _ width: Width = .word) {
    encode(width, 0x8b, target.rawValue, source)
  }

  /// Sets all 64 bits; the condition flags may change.
  mutating func move(_ target: Register, _ value: UInt64) {
    guard let word = UInt32(exactly: value) else {
      prefix(.quad, reg: 0, rm: target)
      octets.append(0xb8 | target.rawValue & 7)
      for shift in stride(from: UInt64(0), to: 64, by: 8) { octets.append(UInt8(truncatingIfNeeded: value >> shift)) }
      return
    }
    if word == 0 { return arithmetic(.xor, target, target) }
    prefix(.word, reg: 0, rm: target)
    octets.append(0xb8 | target.rawValue & 7)
    Self.append(word, to: &octets)
  }

  mutating func load(_ target: Register, _ source: Memory, _ width: Width = .word) {
    encode(width, 0x8b, target.rawValue, source)
  }

  /// Loads one byte into the whole register.
  mutating func loadOctet(_ target: Register, _ source: Memory) {
    encode(.word, 0x0fb6, target.rawValue, source)
  }

  /// Loads two bytes, in the processor's order, into the whole register.
  mutating func loadHalf(_ target: Register, _ source: Memory) {
    encode(.word, 0x0fb7, target.rawValue, source)
  }

  mutating func store(_ source: Register, to target: Memory, _ width: Width = .word) {
    encode(width, 0x89, source.rawValue, target)
  }

  mutating func moveIf(_ condition: Condition, _ target: Register, _ source: Register, _ width: Width = .word) {
    encode(width, 0x0f40 | UInt16(condition.rawValue), target.rawValue, source)
  }

  /// Sets all 64 bits to the address of the memory operand.
  mutating func address(_ target: Register, of memory: Memory) {
    encode(.quad, 0x8d, target.rawValue, memory)
  }

  mutating func push(_ register: Register) {
    prefix(.word, reg: 0, rm: register)
    octets.append(0x50 | register.rawValue & 7)
  }

  mutating func pop(_ register: Register) {
    prefix(.word, reg: 0, rm: register)
    octets.append(0x58 | register.rawValue & 7)
  }

  /// Prefetches the cache line of the address; never faults.
  mutating func prefetch(_ memory: Memory) { encode(.word, 0x0f18, 1, memory) }

  // MARK: Byte order

  mutating func swapWord(_ register: Register) {
    prefix(.word, reg: 0, rm: register)
    octets += [0x0f, 0xc8 | register.rawValue & 7]
  }

  /// Swaps the two low bytes; the others do not change.
  mutating func swapHalf(_ register: Register) {
    octets.append(0x66)
    encode(.word, 0xc1, 0, register)
    octets.append(8)
  }

  // MARK: Arithmetic

  mutating func arithmetic(_ operation: Arithmetic, _ target: Register, _ source: Register, _ width: Width = .word) {
    encode(width, UInt16(operation.rawValue << 3 | 3), target.rawValue, source)
  }

  mutating func arithmetic(_ operation: Arithmetic, _ target: Register, _ source: Memory, _ width: Width = .word) {
    encode(width, UInt16(operation.rawValue << 3 | 3), target.rawValue, source)
  }

  /// With a constant, which is sign-extended for a quad.
  mutating func arithmetic(_ operation: Arithmetic, _ target: Register, _ value: Int32, _ width: Width = .word) {
    if let octet = Int8(exactly: value) {
      encode(width, 0x83, operation.rawValue, target)
      octets.append(UInt8(bitPattern: octet))
    } else {
      if target == .rax {
        prefix(width, reg: 0, rm: target)
        octets.append(operation.rawValue << 3 | 5)
      } else {
        encode(width, 0x81, operation.rawValue, target)
      }
      Self.append(UInt32(bitPattern: value), to: &octets)
    }
  }

  /// Compares the word in memory with a constant.
  mutating func compareWord(_ memory: Memory, _ value: Int32) {
    if let octet = Int8(exactly: value) {
      encode(.word, 0x83, Arithmetic.cmp.rawValue, memory)
      octets.append(UInt8(bitPattern: octet))
    } else {
      encode(.word, 0x81, Arithmetic.cmp.rawValue, memory)
      Self.append(UInt32(bitPattern: value), to: &octets)
    }
  }

  /// Compares the byte in memory with a constant.
  mutating func compareOctet(_ memory: Memory, _ value: UInt8) {
    encode(.word, 0x80, Arithmetic.cmp.rawValue, memory)
    octets.append(value)
  }

  mutating func test(_ first: Register, _ second: Register) { encode(.word, 0x85, second.rawValue, first) }

  mutating func test(_ register: Register, _ value: UInt32) {
    if register == .rax, let octet = UInt8(exactly: value) {
      octets += [0xa8, octet]
      return
    }
    if register == .rax { octets.append(0xa9) } else { encode(.word, 0xf7, 0, register) }
    Self.append(value, to: &octets)
  }

  mutating func testOctet(_ memory: Memory, _ value: UInt8) {
    encode(.word, 0xf6, 0, memory)
    octets.append(value)
  }

  mutating func testWord(_ memory: Memory, _ value: UInt32) {
    encode(.word, 0xf7, 0, memory)
    Self.append(value, to: &octets)
  }

  mutating func multiply(_ target: Register, by source: Register) { encode(.word, 0x0faf, target.rawValue, source) }

  mutating func multiply(_ target: Register, by value: Int32) {
    if let octet = Int8(exactly: value) {
      encode(.word, 0x6b, target.rawValue, target)
      octets.append(UInt8(bitPattern: octet))
    } else {
      encode(.word, 0x69, target.rawValue, target)
      Self.append(UInt32(bitPattern: value), to: &octets)
    }
  }

  /// Divides edx:eax: the quotient is stored in eax, the remainder in edx.
  mutating func divide(by divisor: Register) { encode(.word, 0xf7, 6, divisor) }

  mutating func negate(_ register: Register) { encode(.word, 0xf7, 3, register) }

  mutating func shift(_ direction: Shift, _ register: Register, by count: UInt8) {
    encode(.word, 0xc1, direction.rawValue, register)
    octets.append(count)
  }

  /// Shifts by the low five bits of cl.
  mutating func shiftByCL(_ direction: Shift, _ register: Register) {
    encode(.word, 0xd3, direction.rawValue, register)
  }

  mutating func increment(_ register: Register, _ width: Width) { encode(width, 0xff, 0, register) }

  mutating func decrement(_ memory: Memory, _ width: Width) { encode(width, 0xff, 1, memory) }

  // MARK: Encoding

  /// The REX prefix, if one is needed: `W` for a quad, and the upper bits of the registers' numbers.
  private mutating func prefix(_ width: Width, reg: UInt8, index: Register? = nil, rm: Register) {
    let wide: UInt8 = width == .quad ? 8 : 0
    let bits = wide | (reg >> 3) << 2 | ((index?.rawValue ?? 0) >> 3) << 1 | rm.rawValue >> 3
    if bits != 0 { octets.append(0x40 | bits) }
  }

  /// An instruction with two registers; `reg` may be a digit of the opcode instead.
  private mutating func encode(_ width: Width, _ opcode: UInt16, _ reg: UInt8, _ rm: Register) {
    prefix(width, reg: reg, rm: rm)
    append(opcode)
    octets.append(0xc0 | (reg & 7) << 3 | rm.rawValue & 7)
  }

  /// An instruction with a register, or a digit of the opcode, and memory.
  private mutating func encode(_ width: Width, _ opcode: UInt16, _ reg: UInt8, _ memory: Memory) {
    prefix(width, reg: reg, index: memory.index, rm: memory.base)
    append(opcode)
    let base = memory.base.rawValue & 7
    let small = Int8(exactly: memory.displacement)
    // Without displacement, rbp and r13 as base would have another meaning.
    let mode: UInt8 = memory.displacement == 0 && base != 5 ? 0 : small != nil ? 1 : 2
    // With rsp or r12 as base the encoding requires an index byte; 4 in it means no index.
    if memory.index != nil || base == 4 {
      octets.append(mode << 6 | (reg & 7) << 3 | 4)
      octets.append((memory.index.map { $0.rawValue & 7 } ?? 4) << 3 | base)
    } else {
      octets.append(mode << 6 | (reg & 7) << 3 | base)
    }
    switch mode {
    case 0: break
    case 1: octets.append(UInt8(bitPattern: small ?? 0))
    default: Self.append(UInt32(bitPattern: memory.displacement), to: &octets)
    }
  }

  /// An opcode of one byte, or of two where it is above 0xff.
  private mutating func append(_ opcode: UInt16) {
    if opcode > 0xff { octets.append(UInt8(truncatingIfNeeded: opcode >> 8)) }
    octets.append(UInt8(truncatingIfNeeded: opcode))
  }

  private static func append(_ word: UInt32, to octets: inout [UInt8]) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) { octets.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }
}
