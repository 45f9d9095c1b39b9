import BPF
import Testing

@testable import Filter

@Suite struct CodeGenerationTests {
  private let make = GraphBuilder()
  private let accept: BlockID
  private let reject: BlockID

  init() {
    accept = make.accept(262_144)
    reject = make.accept(0)
  }

  @Test func returnAlone() throws {
    #expect(try code(make.graph(from: accept)) == [Instruction(.retK, k: 262_144)])
  }

  @Test func headerLengthIsOneInstruction() throws {
    let header = make.headerLength(14)
    let port = make.load(.half, 16, base: header)
    let entry = make.branch(port, .equal, 80, accept, reject)
    #expect(
      try code(make.graph(from: entry)) == [
        Instruction(.ldxMsh, k: 14), Instruction(.ldhInd, k: 16), Instruction(.jeqK, k: 80, jt: 0, jf: 1),
        Instruction(.retK, k: 262_144), Instruction(.retK, k: 0),
      ])
  }

  @Test func registersAreUsedAgain() throws {
    // The same load with the same base in two blocks.
    let header = make.headerLength(14)
    let source = make.load(.half, 14, base: header)
    let destination = make.load(.half, 16, base: header)
    let third = make.branch(destination, .equal, 53, accept, reject)
    let second = make.branch(source, .equal, 53, accept, third)
    let entry = make.branch(source, .equal, 80, accept, second)
    #expect(
      try code(make.graph(from: entry)).map(\.opcode) == [
        .ldxMsh, .ldhInd, .jeqK, .jeqK, .ldhInd, .jeqK, .retK, .retK,
      ])
  }

  @Test func whereWaysMeetOnlyWhatBothKnowIsUsed() throws {
    let type = make.load(.half, 12)
    let octet = make.load(.byte, 20)
    let meeting = make.branch(type, .equal, 5, accept, reject)
    let other = make.branch(octet, .equal, 1, meeting, reject)
    let entry = make.branch(type, .greater, 7, meeting, other)
    // The block where the paths meet loads the type again: on the path through the other block A holds the byte.
    #expect(
      try code(make.graph(from: entry)).map(\.opcode) == [.ldhAbs, .jgtK, .ldbAbs, .jeqK, .ldhAbs, .jeqK, .retK, .retK])
  }

  @Test func constantOnTheLeft() throws {
    let octet = make.load(.byte, 0)
    let five = make.constant(5)
    for relation in [Relation.equal, .greater, .greaterOrEqual, .anyBitsSet] {
      let entry = make.branch(five, relation, octet, accept, reject)
      let graph = make.graph(from: entry)
      let program = try program(of: graph)
      #expect(program.instructions.count == 4)
      for value in UInt8.min...8 {
        #expect(
          program.verdict([value]) == GraphInterpreter(graph: graph, packet: [value], length: 1).run(),
          "\(relation) \(value)")
      }
    }
  }

  @Test func costlyValueIsKeptInScratchMemory() throws {
    // (byte 3 << 8 | byte 2), the way radiotap stores its length, used as a base in blocks that need X for something else.
    let high = make.load(.byte, 3)
    let low = make.load(.byte, 2)
    let shifted = make.arithmetic(.shiftLeft, high, 8)
    let length = make.arithmetic(.or, shifted, low)
    var next = accept
    for offset in UInt32(0)..<3 {
      let left = make.load(.byte, offset, base: length)
      let right = make.load(.byte, offset + 10, base: length)
      next = make.branch(left, .equal, right, next, reject)
    }
    let opcodes = try code(make.graph(from: next)).map(\.opcode)
    #expect(opcodes.filter { $0 == .lshK }.count == 1)
    #expect(opcodes.contains(.ldxMem))
  }

  @Test func farReturnsAreCopied() throws {
    // A thousand loads in a row, each with a path to both returns.
    var next = accept
    for offset in (0..<1000).reversed() {
      let octet = make.load(.half, UInt32(offset))
      next = make.branch(octet, .equal, UInt32(offset), next, reject)
    }
    let graph = make.graph(from: next)
    let program = try program(of: graph)
    // No jump is longer than 255, and one return serves all jumps that reach it.
    #expect(program.instructions.count { $0.opcode == .retK } == 9)
    #expect(!program.instructions.contains { $0.opcode == .ja })
    #expect(program.instructions.count == 2009)
    #expect(program.verdict([0, 0, 0, 7]) == 0)
  }

  @Test func farBlocksAreReachedByOneJump() throws {
    let octet = make.load(.byte, 0)
    let last = make.branch(make.load(.byte, 1), .equal, 7, accept, reject)
    var next = reject
    for number in (0..<300).reversed() {
      next = make.branch(octet, .equal, UInt32(number), last, next)
    }
    let program = try program(of: make.graph(from: next))
    #expect(program.instructions.count { $0.opcode == .ja } == 1)
    for number in 0...UInt8.max {
      #expect(program.verdict([number, 7]) == 262_144)
      #expect(program.verdict([number, 8]) == 0)
    }
  }

  @Test func variableHoldsWhatWasAssigned() throws {
    let variable = make.graph.values.intern(.variable(0))
    let octet = make.load(.byte, 1, base: variable)
    let meeting = make.branch(octet, .equal, 9, accept, reject)
    let four = make.jump(meeting, actions: [.assign(variable: 0, make.constant(4))])
    let two = make.jump(meeting, actions: [.assign(variable: 0, make.constant(2))])
    let entry = make.branch(make.load(.byte, 0), .equal, 0, four, two)
    let program = try program(of: make.graph(from: entry))
    // X holds the variable on both paths, so nothing is stored.
    #expect(
      program.instructions.map(\.opcode) == [
        .ldbAbs, .jeqK, .ldxImm, .ja, .ldxImm, .ldbInd, .jeqK, .retK, .retK,
      ])
    #expect(program.verdict([0, 0, 0, 0, 0, 9]) == 262_144)
    #expect(program.verdict([1, 0, 0, 9]) == 262_144)
    #expect(program.verdict([1, 0, 9, 0]) == 0)
  }

  @Test func baseThatIsAlsoAddendIsLoadedOnce() throws {
    // The offset of the next header: the byte after the base, in words, plus the base. It is used with two different distances.
    let base = make.load(.byte, 0)
    let length = make.arithmetic(.shiftLeft, make.load(.byte, 1, base: base), 2)
    let sum = make.arithmetic(.add, length, base)
    let near = make.arithmetic(.add, sum, 12)
    let far = make.arithmetic(.add, sum, 14)
    let next = make.branch(far, .equal, 30, accept, reject)
    let entry = make.branch(near, .equal, 26, reject, next)
    #expect(
      try code(make.graph(from: entry)).map(\.opcode) == [
        .ldbAbs, .tax, .ldbInd, .lshK, .addX, .addK, .jeqK, .addK, .jeqK, .retK, .retK,
      ])
  }

  @Test func notOptimizedEveryBlockLoadsAnew() throws {
    let type = make.load(.half, 12)
    let second = make.branch(type, .equal, 0x806, accept, reject)
    let entry = make.branch(type, .equal, 0x800, accept, second)
    let instructions = try CodeGenerator.generate(make.graph(from: entry), optimizing: false).instructions
    #expect(instructions.map(\.opcode) == [.ldhAbs, .jeqK, .ldhAbs, .jeqK, .retK, .retK])
  }

  @Test func deepArithmeticIsRefusedOrComputed() throws {
    // A chain of first operands is followed, whatever its length.
    var sum = make.load(.byte, 0)
    for offset in 1..<3000 {
      let octet = make.load(.byte, UInt32(offset % 200))
      sum = make.arithmetic(.add, sum, octet)
    }
    let entry = make.branch(sum, .equal, 0, accept, reject)
    #expect(try program(of: make.graph(from: entry)).verdict([UInt8](repeating: 0, count: 200)) == 262_144)
    // Nested second operands need one word of scratch memory per level.
    var nested = make.load(.byte, 0)
    for offset in 1..<3000 {
      let octet = make.load(.byte, UInt32(offset % 200), base: make.load(.byte, 0))
      nested = make.arithmetic(.subtract, octet, nested)
    }
    let deep = make.branch(nested, .equal, 0, accept, reject)
    #expect(throws: CodeGenerationError.self) { try program(of: make.graph(from: deep)) }
  }

  @Test func sharedValuesDoNotMultiply() throws {
    // Each value uses the previous one twice: without scratch memory that would be 2^14 computations.
    var value = make.load(.byte, 0)
    for offset in UInt32(1)..<14 {
      let next = make.load(.byte, offset, base: value)
      value = make.arithmetic(.add, next, value)
    }
    let entry = make.branch(value, .equal, 0, accept, reject)
    let program = try program(of: make.graph(from: entry))
    #expect(program.instructions.count < 120)
    #expect(program.verdict([UInt8](repeating: 0, count: 200)) == 262_144)
  }

  @Test func loadAtAnAncillaryOffsetFails() throws {
    let beyond = make.load(.word, 0xffff_f000)
    let entry = make.branch(beyond, .equal, 0, accept, accept, actions: [.evaluate(beyond)])
    #expect(try program(of: make.graph(from: entry)).verdict([0, 0, 0, 0]) == 0)
  }

  @Test func loopIsRefused() throws {
    let first = make.jump(accept)
    let second = make.jump(first)
    make.graph[first].terminator = .jump(second)
    #expect(throws: CodeGenerationError.self) { try program(of: make.graph(from: first)) }
  }
}
