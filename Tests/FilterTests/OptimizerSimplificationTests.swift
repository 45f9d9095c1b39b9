import BPF
import Testing

@testable import Filter

/// Values and comparisons in their simplest form.
@Suite struct OptimizerSimplificationTests {
  private let make = GraphBuilder()
  private let accept: BlockID
  private let reject: BlockID

  init() {
    accept = make.accept(1)
    reject = make.accept(0)
  }

  private func simplified(_ value: ValueID) -> ValueID {
    let entry = make.jump(accept, actions: [.evaluate(value)])
    make.graph.entry = entry
    make.graph.simplifyValues()
    guard case .evaluate(let result) = make.graph[entry].actions[0] else { return value }
    return result
  }

  @Test func constantsAreFolded() {
    let six = make.arithmetic(.add, make.constant(2), 4)
    let product = make.arithmetic(.multiply, six, 7)
    #expect(simplified(product) == make.constant(42))
    let shifted = make.arithmetic(.shiftLeft, make.constant(1), 32)
    #expect(simplified(shifted) == make.constant(0))
    // A division by 0 has no result.
    let failing = make.arithmetic(.divide, make.constant(1), 0)
    #expect(simplified(failing) == failing)
  }

  @Test func constantsOfARowAreOne() {
    let octet = make.load(.byte, 0)
    #expect(
      simplified(make.arithmetic(.subtract, make.arithmetic(.add, octet, 10), 4)) == make.arithmetic(.add, octet, 6))
    #expect(
      simplified(make.arithmetic(.and, make.arithmetic(.and, octet, 0x3c), 0x0f)) == make.arithmetic(.and, octet, 0x0c))
    #expect(simplified(make.arithmetic(.and, octet, 0xff)) == octet)
    #expect(simplified(make.arithmetic(.multiply, octet, 4)) == make.arithmetic(.shiftLeft, octet, 2))
    #expect(simplified(make.arithmetic(.modulo, octet, 8)) == make.arithmetic(.and, octet, 7))
  }

  @Test func constantsOfASumAreAddedLast() {
    let octet = make.load(.byte, 0)
    let header = make.headerLength(14)
    let sum = make.arithmetic(.add, make.arithmetic(.add, octet, 8), make.arithmetic(.add, header, 22))
    #expect(simplified(sum) == make.arithmetic(.add, make.arithmetic(.add, octet, header), 30))
    let one = make.arithmetic(.add, octet, make.arithmetic(.add, header, 22))
    #expect(simplified(one) == make.arithmetic(.add, make.arithmetic(.add, octet, header), 22))
  }

  @Test func distancesMoveIntoTheOffset() {
    let octet = make.load(.byte, 0)
    let base = make.arithmetic(.add, octet, 24)
    #expect(simplified(make.load(.half, 6, base: base)) == make.load(.half, 30, base: octet))
    // A word plus a distance may wrap, and then it is not the same load.
    let word = make.load(.word, 0)
    let wrapping = make.load(.half, 6, base: make.arithmetic(.add, word, 24))
    #expect(simplified(wrapping) == wrapping)
    #expect(simplified(make.load(.byte, 3, base: make.constant(20))) == make.load(.byte, 23))
  }

  /// A comparison and its expected simpler form: the same result for every byte, but cheaper.
  struct Case: CustomTestStringConvertible {
    var operation: ArithmeticOperation
    var operand: UInt32
    var relation: Relation
    var constant: UInt32
    var becomes: Relation
    var testDescription: String { "octet \(operation) \(operand) \(relation) \(constant)" }
  }

  static let cases = [
    Case(operation: .and, operand: 0x3f, relation: .equal, constant: 0, becomes: .anyBitsSet),
    Case(operation: .and, operand: 0x08, relation: .equal, constant: 8, becomes: .anyBitsSet),
    Case(operation: .and, operand: 0x3f, relation: .greater, constant: 0, becomes: .anyBitsSet),
    Case(operation: .and, operand: 0x3f, relation: .greater, constant: 3, becomes: .anyBitsSet),
    Case(operation: .and, operand: 0x3f, relation: .greaterOrEqual, constant: 8, becomes: .anyBitsSet),
    Case(operation: .and, operand: 0xf0, relation: .greater, constant: 0x42, becomes: .greater),
    Case(operation: .and, operand: 0xf0, relation: .greaterOrEqual, constant: 0x42, becomes: .greaterOrEqual),
    Case(operation: .and, operand: 0xf0, relation: .equal, constant: 0xf0, becomes: .greaterOrEqual),
    Case(operation: .shiftRight, operand: 4, relation: .equal, constant: 15, becomes: .greaterOrEqual),
    Case(operation: .shiftRight, operand: 4, relation: .greater, constant: 5, becomes: .greater),
    Case(operation: .shiftLeft, operand: 2, relation: .greater, constant: 21, becomes: .greater),
    Case(operation: .shiftLeft, operand: 2, relation: .greaterOrEqual, constant: 21, becomes: .greaterOrEqual),
    Case(operation: .shiftLeft, operand: 2, relation: .equal, constant: 20, becomes: .equal),
    Case(operation: .add, operand: 5, relation: .greater, constant: 12, becomes: .greater),
    Case(operation: .subtract, operand: 5, relation: .equal, constant: 12, becomes: .equal),
    Case(operation: .xor, operand: 5, relation: .equal, constant: 12, becomes: .equal),
  ]

  @Test(arguments: cases)
  func comparisonLosesItsOperation(_ test: Case) throws {
    let octet = make.load(.byte, 0)
    let left = make.arithmetic(test.operation, octet, test.operand)
    let entry = make.branch(left, test.relation, test.constant, accept, reject)
    let graph = make.graph(from: entry)
    var simple = graph
    let changed = simple.threadEdges()
    #expect(changed)
    guard case .branch(let comparison, _, _) = simple[entry].terminator else {
      Issue.record("no comparison is left")
      return
    }
    #expect(comparison.left == octet)
    #expect(comparison.relation == test.becomes)
    for number in UInt8.min...UInt8.max {
      let expected = GraphInterpreter(graph: graph, packet: [number], length: 1).run()
      #expect(GraphInterpreter(graph: simple, packet: [number], length: 1).run() == expected, "\(number)")
    }
  }
}

@Suite struct ValueRangeTests {
  /// Ranges of byte values, checked against lists of their members.
  @Test func neverLosesANumber() {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<1000 {
      var set = ValueRange(0...255)
      var members = Set(UInt32(0)...255)
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let operand = UInt32.random(in: 0...255, using: &generator)
        let outcome = Bool.random(using: &generator)
        let relations: [Relation] = [.equal, .greater, .greaterOrEqual, .anyBitsSet]
        let relation = relations[Int.random(in: 0..<4, using: &generator)]
        let truth = { (number: UInt32) in
          switch relation {
          case .equal: number == operand
          case .greater: number > operand
          case .greaterOrEqual: number >= operand
          case .anyBitsSet: number & operand != 0
          }
        }
        if let decided = set.holds(relation, operand) { #expect(members.allSatisfy { truth($0) == decided }) }
        let narrowed = set.narrowed(relation, operand, outcome)
        let rest = members.filter { truth($0) == outcome }
        if Int.random(in: 0...3, using: &generator) == 0 {
          set = set.union(narrowed)
        } else if Bool.random(using: &generator) {
          set = narrowed
          members = rest
        } else {
          set = set.intersection(narrowed)
          members = rest
        }
        #expect(members.allSatisfy(set.contains))
        #expect(members.isEmpty || members.min() ?? 0 >= set.minimum && members.max() ?? 0 <= set.maximum)
        if let few = set.few { #expect(members.isSubset(of: few)) }
      }
    }
  }

  @Test func arithmeticNeverLosesANumber() {
    let operations: [ArithmeticOperation] = [
      .add, .subtract, .multiply, .divide, .modulo, .and, .or, .xor, .shiftLeft, .shiftRight,
    ]
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<200 {
      let low = UInt32.random(in: 0...200, using: &generator)
      let left = ValueRange(low...(low + UInt32.random(in: 0...55, using: &generator)))
        .narrowed(.anyBitsSet, UInt32.random(in: 0...255, using: &generator), Bool.random(using: &generator))
      let constant = UInt32.random(in: 0...40, using: &generator)
      let right = Bool.random(using: &generator) ? ValueRange(constant) : ValueRange(constant...(constant + 3))
      for operation in operations {
        let result = ValueRange.result(operation, left, right)
        let lost = left.ranges.joined().filter(left.contains).first { first in
          right.ranges.joined().contains { operation.result(first, $0).map { !result.contains($0) } ?? false }
        }
        #expect(lost == nil, "\(operation) \(right.ranges)")
      }
    }
  }
}
