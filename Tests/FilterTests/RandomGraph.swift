@testable import Filter

/// Pseudo-random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Makes small random graphs with few distinct loads and constants, so that the same comparisons occur again on the same path.
struct RandomGraph {
  private var generator: SeededGenerator
  private var graph = ControlFlowGraph()
  private var loads: [ValueID] = []
  private var variables: [ValueID] = []

  /// Longer packets add nothing.
  static let packetLength = 12

  static func make(seed: UInt64) -> ControlFlowGraph {
    var random = RandomGraph(generator: SeededGenerator(seed: seed))
    random.build()
    return random.graph
  }

  private init(generator: SeededGenerator) {
    self.generator = generator
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  private mutating func constant() -> ValueID {
    let few: [UInt32] = [
      0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 31, 32, 0x60, 0xf0, 0xff, 0x100, 0x800, 0xffff, 0x8000_0000, .max,
    ]
    return graph.values.intern(.constant(few[number(0...few.count - 1)]))
  }

  private mutating func build() {
    // With only a few loads, the results of the comparisons depend on each other.
    for _ in 0..<number(1...3) { loads.append(load()) }
    let hasVariable = number(0...3) == 0
    let first = hasVariable ? 3 : 0
    let last = first + number(1...14)
    // The last two blocks return; every other block only leads to later ones.
    for _ in 0..<last + 2 { _ = graph.add(Block(terminator: .accept(0))) }
    graph.blocks[last].terminator = .accept(262_144)
    if hasVariable { addVariable(before: BlockID(index: first)) }
    for index in first..<last {
      if number(0...5) == 0 { graph.blocks[index].actions.append(.evaluate(value(depth: 2))) }
      let near = BlockID(index: number(index + 1...min(index + 3, last + 1)))
      let far = BlockID(index: number(index + 1...last + 1))
      graph.blocks[index].terminator =
        switch number(0...11) {
        case 0: .jump(far)
        case 1, 2: .lookup(lookup(), ifFound: far, ifMissing: near)
        default: .branch(comparison(), ifTrue: far, ifFalse: near)
        }
    }
  }

  /// Two paths that assign different values to the same variable, then meet.
  private mutating func addVariable(before next: BlockID) {
    let ways = [BlockID(index: 1), BlockID(index: 2)]
    graph.blocks[0].terminator = .branch(comparison(), ifTrue: ways[0], ifFalse: ways[1])
    for way in ways {
      graph[way].actions.append(.assign(variable: 0, value(depth: number(0...1))))
      graph[way].terminator = .jump(next)
    }
    variables.append(graph.values.intern(.variable(0)))
  }

  private mutating func comparison() -> Comparison {
    let relations: [Relation] = [.equal, .equal, .greater, .greaterOrEqual, .anyBitsSet]
    let left = value(depth: number(0...2))
    let right = number(0...4) == 0 ? value(depth: 1) : constant()
    let relation = relations[number(0...relations.count - 1)]
    return number(0...9) == 0
      ? Comparison(relation: relation, left: right, right: left)
      : Comparison(relation: relation, left: left, right: right)
  }

  /// One or two values looked up among some numbers, ranges or networks.
  private mutating func lookup() -> Lookup {
    let isPair = number(0...2) == 0
    var rows: [LookupRow] = []
    let width = UInt32([0, 0, 1, 3][number(0...3)])
    for _ in 0..<number(1...9) {
      let first = UInt32(number(0...40)) &* (width + 1)
      let last = number(0...4) == 0 ? first + UInt32(number(0...5)) : first + width
      rows.append(LookupRow(lead: isPair ? [UInt32(number(0...5))] : [], last: first...last))
    }
    return Lookup(
      first: value(depth: number(0...1)), rest: isPair ? [value(depth: number(0...1))] : [],
      table: graph.tables.intern(rows))
  }

  private mutating func load() -> ValueID {
    let sizes: [LoadSize] = [.byte, .byte, .half, .word]
    let size = sizes[number(0...3)]
    return graph.values.intern(.load(size, base: nil, offset: UInt32(number(0...Self.packetLength - 3))))
  }

  private mutating func value(depth: Int) -> ValueID {
    guard depth > 0 else {
      switch number(0...9) {
      case 0: return constant()
      case 1: return graph.values.intern(.packetLength)
      case 2: return load()
      case 3: return variables.first ?? loads[0]
      case 4, 5, 6:
        // The mask is one of a few numbers, so that known bits often decide a comparison.
        let mask = graph.values.intern(.constant([3, 7, 15, 12][number(0...3)]))
        return graph.values.intern(.arithmetic(.and, loads[number(0...loads.count - 1)], mask))
      default: return loads[number(0...loads.count - 1)]
      }
    }
    switch number(0...9) {
    case 0: return graph.values.intern(.negate(value(depth: depth - 1)))
    case 1, 2:
      let base = value(depth: depth - 1)
      let small = graph.values.intern(.constant([3, 7, 15][number(0...2)]))
      let bounded = graph.values.intern(.arithmetic(.and, base, small))
      return graph.values.intern(.load(.byte, base: bounded, offset: UInt32(number(0...4))))
    case 3:
      let octet = graph.values.intern(.load(.byte, base: nil, offset: UInt32(number(0...3))))
      let fifteen = graph.values.intern(.constant(15))
      let two = graph.values.intern(.constant(2))
      let masked = graph.values.intern(.arithmetic(.and, octet, fifteen))
      return graph.values.intern(.arithmetic(.shiftLeft, masked, two))
    default:
      let operations: [ArithmeticOperation] = [
        .add, .subtract, .multiply, .divide, .modulo, .and, .and, .or, .xor, .shiftLeft, .shiftRight,
      ]
      let left = value(depth: depth - 1)
      let right = number(0...2) == 0 ? value(depth: depth - 1) : constant()
      return graph.values.intern(.arithmetic(operations[number(0...operations.count - 1)], left, right))
    }
  }
}
