import BPF

@testable import Filter

/// Turns a program without loops back into a graph by symbolic execution, to give the graph that the optimiser would have received.
struct BytecodeLifter {
  private enum Location: Int, CaseIterable {
    case accumulator = 0
    case index = 1
    /// The first word of scratch memory; the other fifteen follow.
    case scratch = 2
    static let count = 18
  }

  struct Refused: Error {
    var index: Int
  }

  private let instructions: [Instruction]
  private var graph = ControlFlowGraph()
  /// For each instruction, the block that begins with it.
  private var blocks: [BlockID?]
  /// For each instruction that begins a block, the locations that are read from there on before they are written.
  private var live: [Set<Int>]
  /// For each instruction that begins a block, the edges that lead to it and the values of the locations there.
  private var arrivals: [[(from: BlockID, ifTrue: Bool, state: [ValueID])]]
  private var variables = 0

  /// The graph that `instructions` implement. Throws where an instruction is unknown, jumps backwards or returns A.
  static func lift(_ instructions: [Instruction]) throws -> ControlFlowGraph {
    var lifter = BytecodeLifter(instructions)
    try lifter.findBlocks()
    lifter.findLive()
    try lifter.execute()
    return lifter.graph
  }

  private init(_ instructions: [Instruction]) {
    self.instructions = instructions
    blocks = Array(repeating: nil, count: instructions.count)
    live = Array(repeating: [], count: instructions.count + 1)
    arrivals = Array(repeating: [], count: instructions.count)
  }

  // MARK: Blocks

  private func targets(_ index: Int) -> [Int] {
    let instruction = instructions[index]
    switch instruction.code & 7 {
    case 5 where instruction.code == 5: return [index + 1 + Int(instruction.k)]
    case 5: return [index + 1 + Int(instruction.jt), index + 1 + Int(instruction.jf)]
    case 6: return []
    default: return [index + 1]
    }
  }

  private mutating func findBlocks() throws {
    var leaders: Set<Int> = [0]
    for index in instructions.indices {
      let instruction = instructions[index]
      for target in targets(index) {
        guard instructions.indices.contains(target) else { throw Refused(index: index) }
        if instruction.code & 7 == 5 { leaders.insert(target) }
      }
    }
    for leader in leaders.sorted() {
      blocks[leader] = graph.add(Block(terminator: .accept(0)))
    }
  }

  /// Locations that an instruction reads and writes.
  private func uses(_ instruction: Instruction) -> (reads: [Int], writes: [Int]) {
    let scratch = 2 + Int(instruction.k & 15)
    let byX = instruction.code & 8 != 0
    switch instruction.code & 7 {
    case 0:
      switch instruction.code & 0xe0 {
      case 0x40: return ([1], [0])
      case 0x60: return ([scratch], [0])
      default: return ([], [0])
      }
    case 1: return (instruction.code & 0xe0 == 0x60 ? [scratch] : [], [1])
    case 2: return ([0], [scratch])
    case 3: return ([1], [scratch])
    case 4: return (byX ? [0, 1] : [0], [0])
    case 5: return (instruction.code == 5 ? [] : byX ? [0, 1] : [0], [])
    case 7: return instruction.code == 0x07 ? ([0], [1]) : ([1], [0])
    default: return ([], [])
    }
  }

  private mutating func findLive() {
    for index in instructions.indices.reversed() {
      var set: Set<Int> = []
      for target in targets(index) { set.formUnion(live[target]) }
      let (reads, writes) = uses(instructions[index])
      set.subtract(writes)
      set.formUnion(reads)
      live[index] = set
    }
  }

  // MARK: Symbolic execution

  private mutating func execute() throws {
    let zero = graph.values.intern(.constant(0))
    for leader in instructions.indices {
      guard let block = blocks[leader] else { continue }
      var state = [ValueID](repeating: zero, count: Location.count)
      if leader > 0 {
        if arrivals[leader].isEmpty { continue }
        state = enter(block, leader)
      }
      try run(block, from: leader, state)
    }
    graph.entry = BlockID(index: 0)
  }

  /// The values of the locations at the start of a block; a location whose value depends on the path gets a variable.
  private mutating func enter(_ block: BlockID, _ leader: Int) -> [ValueID] {
    var state = arrivals[leader][0].state
    let differing = live[leader].sorted().filter { location in
      arrivals[leader].contains { $0.state[location] != state[location] }
    }
    guard !differing.isEmpty else { return state }
    let first = variables
    variables += differing.count
    var edges: [[ValueID]: BlockID] = [:]
    for arrival in arrivals[leader] {
      let assigned = differing.map { arrival.state[$0] }
      let edge: BlockID
      if let known = edges[assigned] {
        edge = known
      } else {
        let actions = assigned.enumerated().map { Action.assign(variable: first + $0.offset, $0.element) }
        edge = graph.add(Block(actions: actions, terminator: .jump(block)))
        edges[assigned] = edge
      }
      switch graph[arrival.from].terminator {
      case .branch(let comparison, let ifTrue, let ifFalse):
        graph[arrival.from].terminator = .branch(
          comparison, ifTrue: arrival.ifTrue ? edge : ifTrue, ifFalse: arrival.ifTrue ? ifFalse : edge)
      case .jump: graph[arrival.from].terminator = .jump(edge)
      case .accept, .lookup: break
      }
    }
    for (offset, location) in differing.enumerated() {
      state[location] = graph.values.intern(.variable(first + offset))
    }
    return state
  }

  private mutating func run(_ block: BlockID, from leader: Int, _ start: [ValueID]) throws {
    var state = start
    var evaluated: [ValueID] = []
    var index = leader
    while true {
      let instruction = instructions[index]
      switch instruction.code & 7 {
      case 5:
        try end(block, index, instruction, state)
        return finish(block, evaluated)
      case 6:
        guard instruction.code == 6 else { throw Refused(index: index) }
        graph[block].terminator = .accept(instruction.k)
        return finish(block, evaluated)
      default:
        if let value = try step(instruction, index, &state) { evaluated.append(value) }
      }
      index += 1
      if let next = blocks[index] {
        graph[block].terminator = .jump(next)
        arrivals[index].append((block, true, state))
        return finish(block, evaluated)
      }
    }
  }

  /// Runs one instruction. Returns the value whose evaluation can fail.
  private mutating func step(_ instruction: Instruction, _ index: Int, _ state: inout [ValueID]) throws -> ValueID? {
    let k = instruction.k
    let size: LoadSize = [0: .word, 8: .half, 0x10: .byte][instruction.code & 0x18] ?? .word
    switch instruction.code & 7 {
    case 0, 1:
      let target = Int(instruction.code & 1)
      switch instruction.code & 0xe0 {
      case 0x00: state[target] = graph.values.intern(.constant(k))
      case 0x20 where k >= 0xffff_f000: state[target] = graph.values.intern(.ancillary(k - 0xffff_f000))
      case 0x20: state[target] = graph.values.intern(.load(size, base: nil, offset: k))
      case 0x40: state[target] = graph.values.intern(.load(size, base: state[1], offset: k))
      case 0x60:
        state[target] = state[2 + Int(k & 15)]
        return nil
      case 0x80: state[target] = graph.values.intern(.packetLength)
      case 0xa0:
        let octet = graph.values.intern(.load(.byte, base: nil, offset: k))
        let fifteen = graph.values.intern(.constant(15))
        let two = graph.values.intern(.constant(2))
        let masked = graph.values.intern(.arithmetic(.and, octet, fifteen))
        state[1] = graph.values.intern(.arithmetic(.shiftLeft, masked, two))
        return octet
      default: throw Refused(index: index)
      }
      return state[target]
    case 2: state[2 + Int(k & 15)] = state[0]
    case 3: state[2 + Int(k & 15)] = state[1]
    case 4:
      if instruction.code & 0xf0 == 0x80 {
        state[0] = graph.values.intern(.negate(state[0]))
        return nil
      }
      let operations: [UInt16: ArithmeticOperation] = [
        0x00: .add, 0x10: .subtract, 0x20: .multiply, 0x30: .divide, 0x40: .or, 0x50: .and, 0x60: .shiftLeft,
        0x70: .shiftRight, 0x90: .modulo, 0xa0: .xor,
      ]
      guard let operation = operations[instruction.code & 0xf0] else { throw Refused(index: index) }
      let operand = instruction.code & 8 != 0 ? state[1] : graph.values.intern(.constant(k))
      state[0] = graph.values.intern(.arithmetic(operation, state[0], operand))
      return operation == .divide || operation == .modulo ? state[0] : nil
    default:
      if instruction.code == 0x07 { state[1] = state[0] } else { state[0] = state[1] }
    }
    return nil
  }

  private mutating func end(_ block: BlockID, _ index: Int, _ instruction: Instruction, _ state: [ValueID]) throws {
    let targets = targets(index)
    let reached = targets.compactMap { blocks[$0] }
    if instruction.code == 5 {
      graph[block].terminator = .jump(reached[0])
    } else {
      let relations: [UInt16: Relation] = [0x10: .equal, 0x20: .greater, 0x30: .greaterOrEqual, 0x40: .anyBitsSet]
      guard let relation = relations[instruction.code & 0xf0] else { throw Refused(index: index) }
      let right = instruction.code & 8 != 0 ? state[1] : graph.values.intern(.constant(instruction.k))
      graph[block].terminator = .branch(
        Comparison(relation: relation, left: state[0], right: right), ifTrue: reached[0], ifFalse: reached[1])
    }
    for (position, target) in targets.enumerated() {
      guard target > index else { throw Refused(index: index) }
      arrivals[target].append((block, position == 0, state))
    }
  }

  /// Keeps only the evaluations that neither a later evaluation nor the comparison covers.
  private mutating func finish(_ block: BlockID, _ evaluated: [ValueID]) {
    var covered: Set<ValueID> = []
    if case .branch(let comparison, _, _) = graph[block].terminator {
      cover(comparison.left, &covered)
      cover(comparison.right, &covered)
    }
    var kept: [Action] = []
    for value in evaluated.reversed() where !covered.contains(value) {
      kept.append(.evaluate(value))
      cover(value, &covered)
    }
    graph[block].actions = kept.reversed() + graph[block].actions
  }

  private func cover(_ value: ValueID, _ covered: inout Set<ValueID>) {
    guard covered.insert(value).inserted else { return }
    for operand in graph.values[value].operands { cover(operand, &covered) }
  }
}
