/// Compiles a program to x86-64 code, instruction by instruction in program order.
///
/// Registers: A is eax, X is ecx, rdi points to the packet, which has rsi bytes, `len` is edx (r8 if the program divides, since that uses
/// edx); the upper halves of rax and rcx are zero. r9 may be used within one instruction. The first scratch words that a program uses are
/// in r10, r11 and, if it is free, r8; the others are below the stack pointer, where no signal handler writes.
struct X86Backend: NativeBackend {
  typealias Register = X86Assembler.Register
  typealias Memory = X86Assembler.Memory
  typealias Condition = X86Assembler.Condition
  typealias Label = X86Assembler.Label

  /// What is known on every path to an instruction.
  private struct Proven: BitwiseCopyable {
    /// The packet has at least this many bytes.
    var octets: UInt64
    /// It has at least X plus this many bytes.
    var octetsFromX: UInt64
    /// The size in bytes of the load that left A in the packet's byte order; 0 if A has the processor's byte order.
    var orderOfA: UInt64

    func met(_ other: Proven) -> Proven {
      Proven(
        octets: min(octets, other.octets), octetsFromX: min(octetsFromX, other.octetsFromX),
        orderOfA: orderOfA == other.orderOfA ? orderOfA : 0)
    }
  }

  /// Where a path continues.
  private enum Place: Equatable {
    case instruction(Int)
    /// The end, returning 0.
    case rejection
    /// The end, returning another number, in a loop.
    case acceptance
  }

  private let flow: ProgramFlow
  var code = X86Assembler()
  /// The label of each instruction.
  private var labels: [Label] = []
  let rejection: Label
  /// In a loop, where to continue when the packet is accepted; nil if the code is a function that returns.
  let acceptance: Label?
  /// What is known at each instruction; nil if no path leads to it.
  private var proven: [Proven?]
  let len: Register
  private let scratch: [UInt32: Register]

  static let processor = "x86-64"

  static func function(_ program: Program) -> [UInt8] {
    var backend = X86Backend(program, inLoop: false)
    if backend.len != .rdx { backend.code.move(backend.len, .rdx) }
    backend.lower()
    backend.code.place(backend.rejection)
    backend.code.move(.rax, 0)
    backend.code.ret()
    return backend.code.finish()
  }

  init(_ program: Program, inLoop: Bool) {
    flow = ProgramFlow(program)
    proven = [Proven?](repeating: nil, count: program.instructions.count)
    let divides = program.instructions.contains { Self.divides($0) }
    len = divides ? .r8 : .rdx
    var free: [Register] = divides ? [.r10, .r11] : [.r10, .r11, .r8]
    var scratch: [UInt32: Register] = [:]
    for instruction in program.instructions where !free.isEmpty {
      if instruction.opcode?.facts.operand == .memory, scratch[instruction.k] == nil {
        scratch[instruction.k] = free.removeFirst()
      }
    }
    self.scratch = scratch
    for _ in program.instructions.indices { labels.append(code.makeLabel()) }
    rejection = code.makeLabel()
    acceptance = inLoop ? code.makeLabel() : nil
  }

  /// True for operations that use the processor's division, which is slow and overwrites edx.
  private static func divides(_ instruction: Instruction) -> Bool {
    switch instruction.opcode {
    case .divX, .modX: true
    case .divK, .modK: instruction.k & (instruction.k - 1) != 0
    default: false
    }
  }

  // MARK: The program

  /// Writes the code of all reachable instructions.
  mutating func lower() {
    guard let first = flow.facts.first else { return }
    if first.readsA { code.move(.rax, 0) }
    if first.readsX { code.move(.rcx, 0) }
    proven[0] = Proven(octets: 0, octetsFromX: 0, orderOfA: 0)
    for index in flow.instructions.indices {
      guard let known = proven[index], let opcode = flow.instructions[index].opcode else { continue }
      code.place(labels[index])
      lower(opcode, flow.instructions[index], at: index, known)
    }
  }

  private mutating func lower(_ opcode: Opcode, _ instruction: Instruction, at index: Int, _ known: Proven) {
    let k = instruction.k
    var after = known
    if opcode.facts.writes.contains(.x) { after.octetsFromX = 0 }
    if opcode.facts.writes.contains(.a), opcode != .andK { after.orderOfA = 0 }
    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      lowerLoad(opcode, k, at: index, known)
      return
    case .ldImm: code.move(.rax, UInt64(k))
    case .ldLen: code.move(.rax, len)
    case .ldxImm: code.move(.rcx, UInt64(k))
    case .ldxLen: code.move(.rcx, len)
    case .ldMem, .ldxMem:
      let target: Register = opcode == .ldMem ? .rax : .rcx
      if let register = scratch[k] { code.move(target, register) } else { code.load(target, word(k)) }
    case .st, .stx:
      let source: Register = opcode == .st ? .rax : .rcx
      if let register = scratch[k] { code.move(register, source) } else { code.store(source, to: word(k)) }
    case .tax: code.move(.rcx, .rax)
    case .txa: code.move(.rax, .rcx)

    case .addK: code.arithmetic(.add, .rax, Int32(bitPattern: k))
    case .subK: code.arithmetic(.sub, .rax, Int32(bitPattern: k))
    case .orK: code.arithmetic(.or, .rax, Int32(bitPattern: k))
    case .xorK: code.arithmetic(.xor, .rax, Int32(bitPattern: k))
    case .andK: code.arithmetic(.and, .rax, Int32(bitPattern: Self.ordered(k, known.orderOfA)))
    case .mulK: code.multiply(.rax, by: Int32(bitPattern: k))
    case .addX: code.arithmetic(.add, .rax, .rcx)
    case .subX: code.arithmetic(.sub, .rax, .rcx)
    case .orX: code.arithmetic(.or, .rax, .rcx)
    case .xorX: code.arithmetic(.xor, .rax, .rcx)
    case .andX: code.arithmetic(.and, .rax, .rcx)
    case .mulX: code.multiply(.rax, by: .rcx)
    case .divK, .modK, .divX, .modX: lowerDivision(opcode, instruction)
    case .lshK: if k != 0 { code.shift(.left, .rax, by: UInt8(truncatingIfNeeded: k)) }
    case .rshK: if k != 0 { code.shift(.right, .rax, by: UInt8(truncatingIfNeeded: k)) }
    case .lshX: lowerShift(.left)
    case .rshX: lowerShift(.right)
    case .neg: code.negate(.rax)

    case .ja: break
    case .jeqK, .jgtK, .jgeK, .jsetK, .jeqX, .jgtX, .jgeX, .jsetX:
      lowerBranch(opcode, k, at: index, known)
      return
    case .retK:
      if k == 0 {
        go(to: .rejection, after: index)
      } else if let acceptance {
        if next(after: index) != .acceptance { code.jump(to: acceptance) }
      } else {
        code.move(.rax, UInt64(k))
        code.ret()
      }
      return
    case .retA:
      if let acceptance {
        code.test(.rax, .rax)
        code.jump(.notEqual, to: acceptance)
        go(to: .rejection, after: index)
      } else {
        code.ret()
      }
      return
    }
    go(to: reach(opcode == .ja ? flow.destinations[index] : flow.destinations[index + 1], after), after: index)
  }

  // MARK: Paths

  /// Records what is known on one more path to that instruction.
  private mutating func reach(_ index: Int, _ known: Proven) -> Place {
    let instruction = flow.instructions[index]
    if instruction.opcode == .retK, instruction.k == 0 { return .rejection }
    proven[index] = proven[index].map { $0.met(known) } ?? known
    return .instruction(index)
  }

  /// What follows the code of that instruction if no jump is taken.
  private func next(after index: Int) -> Place {
    let following = proven[(index + 1)...].firstIndex { $0 != nil }
    return following.map { .instruction($0) } ?? (acceptance == nil ? .rejection : .acceptance)
  }

  private mutating func jump(_ condition: Condition? = nil, to place: Place) {
    switch place {
    case .instruction(let index): code.jump(condition, to: labels[index])
    case .rejection: code.jump(condition, to: rejection)
    case .acceptance: if let acceptance { code.jump(condition, to: acceptance) }
    }
  }

  /// Continues at `place` after the code of the instruction with that index.
  private mutating func go(to place: Place, after index: Int) {
    if place != next(after: index) { jump(to: place) }
  }

  /// Continues at one of two places.
  private mutating func branch(_ condition: Condition, _ taken: Place, else other: Place, after index: Int) {
    let next = next(after: index)
    if taken == other {
      go(to: taken, after: index)
    } else if taken == next {
      jump(condition.inverted, to: other)
    } else {
      jump(condition, to: taken)
      go(to: other, after: index)
    }
  }

  // MARK: Loads

  private func word(_ k: UInt32) -> Memory { Memory(.rsp, nil, -4 * (Int32(truncatingIfNeeded: k & 15) + 1)) }

  private mutating func lowerLoad(_ opcode: Opcode, _ k: UInt32, at index: Int, _ known: Proven) {
    guard let size = ProgramFlow.loadSize(opcode) else { return }
    var after = known
    let isIndirect = opcode.facts.operand == .indirect
    guard isIndirect ? checkFromX(k, size, at: index, &after) : check(k, size, at: index, &after) else {
      go(to: .rejection, after: index)
      return
    }
    if opcode == .ldxMsh {
      code.loadOctet(.rcx, operand(k, isIndirect))
      code.arithmetic(.and, .rcx, 15)
      code.shift(.left, .rcx, by: 2)
      after.octetsFromX = 0
    } else if lowerTest(k, size, isIndirect, at: index, after) {
      return
    } else {
      let next = flow.facts[flow.destinations[index + 1]]
      after.orderOfA = size > 1 && next.canStayInNetworkOrder ? size : 0
      if next.readsA {
        let memory = operand(k, isIndirect)
        switch size {
        case 1: code.loadOctet(.rax, memory)
        case 2:
          code.loadHalf(.rax, memory)
          if after.orderOfA == 0 { code.swapHalf(.rax) }
        default:
          code.load(.rax, memory)
          if after.orderOfA == 0 { code.swapWord(.rax) }
        }
      }
    }
    go(to: reach(flow.destinations[index + 1], after), after: index)
  }

  /// Checks that the packet has `size` bytes at `k`, and also all bytes without which it would be rejected later anyway. False if the
  /// packet is rejected in any case.
  private mutating func check(_ k: UInt32, _ size: UInt64, at index: Int, _ known: inout Proven) -> Bool {
    if known.octets >= UInt64(k) + size { return true }
    let needed = flow.facts[index].needed
    if needed == ProgramFlow.never { return false }
    if let needed = Int32(exactly: needed) {
      code.arithmetic(.cmp, .rsi, needed, .quad)
    } else {
      code.move(.r9, needed)
      code.arithmetic(.cmp, .rsi, .r9, .quad)
    }
    code.jump(.below, to: rejection)
    known.octets = needed
    return true
  }

  /// The same from X on.
  private mutating func checkFromX(_ k: UInt32, _ size: UInt64, at index: Int, _ known: inout Proven) -> Bool {
    if known.octetsFromX >= UInt64(k) + size { return true }
    let needed = flow.facts[index].neededFromX
    if needed == ProgramFlow.never { return false }
    if let needed = Int32(exactly: needed) {
      code.address(.r9, of: Memory(.rcx, nil, needed))
    } else {
      code.move(.r9, needed)
      code.arithmetic(.add, .r9, .rcx, .quad)
    }
    code.arithmetic(.cmp, .rsi, .r9, .quad)
    code.jump(.below, to: rejection)
    known.octetsFromX = needed
    known.octets = max(known.octets, needed)
    return true
  }

  /// Where the bytes of a load are.
  private mutating func operand(_ k: UInt32, _ isIndirect: Bool) -> Memory {
    if let displacement = Int32(exactly: k) { return Memory(.rdi, isIndirect ? .rcx : nil, displacement) }
    code.move(.r9, UInt64(k))
    if isIndirect { code.arithmetic(.add, .r9, .rcx, .quad) }
    return Memory(.rdi, .r9)
  }

  // MARK: Comparisons

  /// The constant in the byte order of A.
  private static func ordered(_ k: UInt32, _ order: UInt64) -> UInt32 {
    switch order {
    case 2: UInt32(UInt16(truncatingIfNeeded: k).byteSwapped)
    case 4: k.byteSwapped
    default: k
    }
  }

  private mutating func lowerBranch(_ opcode: Opcode, _ k: UInt32, at index: Int, _ known: Proven) {
    let targets = flow.targets(of: index)
    let (jt, jf) = (reach(targets.jt, known), reach(targets.jf, known))
    if jt == jf { return go(to: jt, after: index) }
    let value = Self.ordered(k, known.orderOfA)
    switch opcode {
    case .jeqK where known.orderOfA == 2 && k > 0xffff: return go(to: jf, after: index)
    case .jeqK where k == 0: code.test(.rax, .rax)
    case .jsetK: code.test(.rax, value)
    case .jeqK, .jgtK, .jgeK: code.arithmetic(.cmp, .rax, Int32(bitPattern: value))
    case .jsetX: code.test(.rax, .rcx)
    default: code.arithmetic(.cmp, .rax, .rcx)
    }
    switch opcode {
    case .jeqK, .jeqX: branch(.equal, jt, else: jf, after: index)
    case .jgtK, .jgtX: branch(.above, jt, else: jf, after: index)
    case .jgeK, .jgeX: branch(.aboveOrEqual, jt, else: jf, after: index)
    default: branch(.notEqual, jt, else: jf, after: index)
    }
  }

  /// Compares the bytes of a load directly in memory, if the next instructions only compare them with constants, for equality or common
  /// bits, and A is not read afterwards. False if that is not the case.
  private mutating func lowerTest(
    _ k: UInt32, _ size: UInt64, _ isIndirect: Bool, at index: Int, _ known: Proven
  ) -> Bool {
    var testIndex = flow.destinations[index + 1]
    var mask = UInt32.max >> (32 - 8 * UInt32(size))
    let all = mask
    if flow.instructions[testIndex].opcode == .andK {
      mask &= flow.instructions[testIndex].k
      testIndex = flow.destinations[testIndex + 1]
    }
    let test = flow.instructions[testIndex]
    guard test.opcode == .jeqK || test.opcode == .jsetK else { return false }
    let targets = flow.targets(of: testIndex)
    if flow.facts[targets.jt].readsA || flow.facts[targets.jf].readsA { return false }
    let condition: Condition
    if test.opcode == .jeqK, mask == all, size != 2, test.k <= all {
      let memory = operand(k, isIndirect)
      if size == 1 {
        code.compareOctet(memory, UInt8(truncatingIfNeeded: test.k))
      } else {
        code.compareWord(memory, Int32(bitPattern: test.k.byteSwapped))
      }
      condition = .equal
    } else if test.opcode == .jsetK || test.k == 0 {
      if test.opcode == .jsetK { mask &= test.k }
      guard testBits(k, size, isIndirect, mask) else { return false }
      condition = test.opcode == .jsetK ? .notEqual : .equal
    } else {
      return false
    }
    var after = known
    after.orderOfA = 0
    branch(condition, reach(targets.jt, after), else: reach(targets.jf, after), after: index)
    return true
  }

  /// Tests bits of the bytes of a load directly in memory. False if they are spread over the two bytes of a half: the instruction for that
  /// is slow to decode.
  private mutating func testBits(_ k: UInt32, _ size: UInt64, _ isIndirect: Bool, _ mask: UInt32) -> Bool {
    // The bits of the last byte, of the one before it, and so on.
    for position in 0..<UInt32(size) where mask & ~(0xff << (8 * position)) == 0 {
      guard let offset = UInt32(exactly: UInt64(k) + size - 1 - UInt64(position)) else { return false }
      code.testOctet(operand(offset, isIndirect), UInt8(truncatingIfNeeded: mask >> (8 * position)))
      return true
    }
    guard size == 4 else { return false }
    code.testWord(operand(k, isIndirect), mask.byteSwapped)
    return true
  }

  // MARK: Arithmetic

  private mutating func lowerDivision(_ opcode: Opcode, _ instruction: Instruction) {
    let k = instruction.k
    if !Self.divides(instruction) {
      if opcode == .modK {
        code.arithmetic(.and, .rax, Int32(bitPattern: k - 1))
      } else if k > 1 {
        code.shift(.right, .rax, by: UInt8(truncatingIfNeeded: k.trailingZeroBitCount))
      }
      return
    }
    var divisor = Register.rcx
    if opcode == .divK || opcode == .modK {
      code.move(.r9, UInt64(k))
      divisor = .r9
    } else {
      code.test(.rcx, .rcx)
      code.jump(.equal, to: rejection)
    }
    code.move(.rdx, 0)
    code.divide(by: divisor)
    if opcode == .modK || opcode == .modX { code.move(.rax, .rdx) }
  }

  /// Shift by X: the processor only uses its low five bits, so the result is cleared if X is 32 or more.
  private mutating func lowerShift(_ direction: X86Assembler.Shift) {
    code.shiftByCL(direction, .rax)
    code.arithmetic(.cmp, .rcx, 32)
    code.arithmetic(.sbb, .r9, .r9)
    code.arithmetic(.and, .rax, .r9)
  }
}
