import BPF
import Testing

@testable import Filter

extension ControlFlowGraph {
  /// The number of blocks that can be reached.
  fileprivate var size: Int { topologicalOrder().count }

  /// Every comparison that can be reached, in order.
  fileprivate var comparisons: [Comparison] {
    topologicalOrder().compactMap {
      guard case .branch(let comparison, _, _) = self[$0].terminator else { return nil }
      return comparison
    }
  }

  fileprivate var reachedActions: [Action] { topologicalOrder().flatMap { self[$0].actions } }
}

/// Each pass alone, on graphs built by hand.
@Suite struct OptimizerPassTests {
  private let make = GraphBuilder()
  private let accept: BlockID
  private let reject: BlockID

  init() {
    accept = make.accept(262_144)
    reject = make.accept(0)
  }

  // MARK: Blocks that cannot accept

  @Test func whatCanOnlyRejectRejectsAtOnce() {
    let octet = make.load(.byte, 3)
    let deadEnd = make.branch(octet, .equal, 1, reject, reject, actions: [.evaluate(make.load(.word, 100))])
    let entry = make.branch(octet, .equal, 7, accept, deadEnd)
    var graph = make.graph(from: entry)
    let changed = graph.removeBlocksThatCannotAccept()
    #expect(changed)
    #expect(graph[deadEnd].terminator == .accept(0))
    #expect(graph[deadEnd].actions.isEmpty)
    let changedAgain = graph.removeBlocksThatCannotAccept()
    #expect(!changedAgain)
  }

  // MARK: Threading

  @Test func edgeThatKnowsTheAnswerSkipsTheQuestion() {
    // type == 0x800, tested again after two paths meet.
    let type = make.load(.half, 12)
    let again = make.branch(type, .equal, 0x800, accept, reject)
    let octet = make.branch(make.load(.byte, 23), .equal, 6, again, reject)
    let entry = make.branch(type, .equal, 0x800, octet, again)
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(graph.comparisons.count == 2)
    guard case .branch(_, octet, reject) = graph[entry].terminator else {
      Issue.record("the entry leads elsewhere")
      return
    }
  }

  @Test func bitsAndRangesDecide() {
    let octet = make.load(.byte, 0)
    let high = make.arithmetic(.and, octet, 0xf0)
    // 0x60 in the high bits: bit 0x40 is set, the byte is above 0x5f and at most 0x6f.
    let third = make.branch(octet, .greater, 0x6f, reject, accept)
    let second = make.branch(octet, .anyBitsSet, 0x40, third, reject)
    let first = make.branch(octet, .greaterOrEqual, 0x60, second, reject)
    let entry = make.branch(high, .equal, 0x60, first, reject)
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(graph.comparisons.count == 1)
  }

  @Test func oneOfSeveralNumbersDecides() {
    // After the paths meet the type is one of two values, neither of them 0x800.
    let type = make.load(.half, 12)
    let last = make.branch(type, .equal, 0x800, accept, reject)
    let meeting = make.branch(make.load(.byte, 14), .equal, 1, accept, last)
    let other = make.branch(type, .equal, 0x88a8, meeting, reject)
    let entry = make.branch(type, .equal, 0x8100, meeting, other)
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(!graph.topologicalOrder().contains(last))
  }

  @Test func evaluationThatCanFailIsNotSkipped() {
    // The result is always false, but the load can fail, and then the packet is not accepted.
    let octet = make.load(.byte, 40)
    let never = make.branch(octet, .greater, 0x100, reject, accept)
    let entry = make.branch(make.load(.byte, 0), .equal, 1, never, reject)
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(graph[never].actions == [.evaluate(octet)])
    #expect(graph[never].terminator == .jump(accept))
  }

  @Test func evaluationsThatCannotFailGo() {
    let word = make.load(.word, 20)
    let inside = make.load(.half, 21)
    let beyond = make.load(.byte, 24)
    let next = make.branch(inside, .equal, 5, accept, reject, actions: [.evaluate(inside), .evaluate(beyond)])
    let entry = make.branch(word, .equal, 9, reject, next)
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(graph[next].actions == [.evaluate(beyond)])
  }

  @Test func baseThatIsBoundedStaysInsideWhatIsCaptured() {
    // The header is at most 60 bytes long, and byte 99 was read.
    let header = make.headerLength(0)
    let port = make.load(.half, 2, base: header)
    let next = make.jump(accept, actions: [.evaluate(port)])
    let entry = make.branch(make.load(.byte, 99), .equal, 1, next, reject, actions: [.evaluate(make.load(.byte, 0))])
    var graph = make.graph(from: entry)
    let changed = graph.threadEdges()
    #expect(changed)
    #expect(!graph.reachedActions.contains(.evaluate(port)))
  }

  // MARK: Anticipated evaluations

  @Test func evaluationThatIsRepeatedOnEveryAcceptingWayGoes() {
    let early = make.load(.byte, 30)
    let last = make.branch(make.load(.word, 28), .equal, 1, accept, reject)
    let entry = make.branch(make.load(.byte, 0), .equal, 1, last, reject, actions: [.evaluate(early)])
    var graph = make.graph(from: entry)
    let changed = graph.removeAnticipatedEvaluations()
    #expect(changed)
    #expect(graph.reachedActions.isEmpty)
  }

  @Test func evaluationThatOneWayDoesWithoutStays() {
    let early = make.load(.byte, 30)
    let last = make.branch(make.load(.word, 28), .equal, 1, accept, reject)
    let entry = make.branch(make.load(.byte, 0), .equal, 1, last, accept, actions: [.evaluate(early)])
    var graph = make.graph(from: entry)
    let changedAgain = graph.removeAnticipatedEvaluations()
    #expect(!changedAgain)
    #expect(graph.reachedActions == [.evaluate(early)])
  }

  // MARK: Variables

  @Test func assignmentThatNobodyReadsGoesButItsLoadStays() {
    let octet = make.load(.byte, 5)
    _ = make.graph.values.intern(.variable(0))
    let variable = make.graph.values.intern(.variable(1))
    let last = make.branch(variable, .equal, 1, accept, reject)
    let entry = make.jump(last, actions: [.assign(variable: 0, octet), .assign(variable: 1, octet)])
    var graph = make.graph(from: entry)
    let changed = graph.removeDeadAssignments()
    #expect(changed)
    #expect(graph[entry].actions == [.evaluate(octet), .assign(variable: 1, octet)])
  }

  // MARK: Merging

  @Test func equalBlocksAreOne() {
    let octet = make.load(.byte, 23)
    let secondAccept = make.accept(262_144)
    let first = make.branch(octet, .equal, 6, accept, reject)
    let second = make.branch(octet, .equal, 6, secondAccept, reject)
    let entry = make.branch(make.load(.half, 12), .equal, 1, first, second)
    var graph = make.graph(from: entry)
    let changed = graph.mergeBlocks()
    #expect(changed)
    // The first comparison no longer matters, except that its load can fail.
    #expect(graph.comparisons.count == 1)
    #expect(graph.reachedActions.contains(.evaluate(make.load(.half, 12))))
  }

  @Test func emptyBlocksAreSkipped() {
    let second = make.jump(accept)
    let first = make.jump(second)
    let entry = make.branch(make.load(.byte, 0), .equal, 1, first, reject)
    var graph = make.graph(from: entry)
    let changed = graph.mergeBlocks()
    #expect(changed)
    #expect(graph.size == 3)
  }

  // MARK: Order

  @Test func questionsAboutTheSameValueComeTogether() {
    let source = make.load(.word, 26)
    let destination = make.load(.word, 30)
    var next = reject
    for number in (UInt32(0)..<8).reversed() {
      next = make.branch(destination, .equal, number, accept, next)
      next = make.branch(source, .equal, number, accept, next)
    }
    var graph = make.graph(from: next)
    let changed = graph.orderChains()
    #expect(changed)
    let loads = graph.comparisons.map(\.left)
    // The first comparison of each must stay in place: a packet that ends after the source may be accepted by the first comparison only.
    #expect(loads == [source] + [ValueID](repeating: destination, count: 8) + [ValueID](repeating: source, count: 7))
  }

  @Test func orderIsFreeWhereAWrongAnswerRejects() {
    let first = make.load(.byte, 1)
    let second = make.load(.byte, 2)
    var next = accept
    for number in UInt32(1)..<4 {
      next = make.branch(second, .anyBitsSet, number, next, reject)
      next = make.branch(first, .anyBitsSet, number, next, reject)
    }
    var graph = make.graph(from: next)
    let changed = graph.orderChains()
    #expect(changed)
    #expect(graph.comparisons.map(\.left) == [first, first, first, second, second, second])
  }

  // MARK: Search trees

  @Test func longListsAreHalved() throws {
    let address = make.load(.word, 0)
    var next = reject
    for number in 0..<1000 {
      next = make.branch(address, .equal, UInt32(number * 7 % 1000) * 3, accept, next)
    }
    var graph = make.graph(from: next)
    graph.buildSearchTrees()
    let program = try program(of: graph)
    for number in UInt32(0)..<3100 {
      let octets = [0, 0, UInt8(number >> 8), UInt8(number & 0xff)]
      #expect(program.verdict(octets) == (number < 3000 && number % 3 == 0 ? 262_144 : 0))
    }
    #expect(program.longestPath <= 18)
  }
}

/// The combined effect of the passes.
@Suite struct OptimizerTests {
  private let make = GraphBuilder()

  /// A thousand pairs of an address and a port. The program searches for the address, then tests its port.
  @Test func pairsBecomeATree() throws {
    let accept = make.accept(262_144)
    let reject = make.accept(0)
    let address = make.load(.word, 0)
    let port = make.load(.half, 4)
    var next = reject
    for number in (UInt32(0)..<1000).reversed() {
      let second = make.branch(port, .equal, number % 50, accept, next)
      next = make.branch(address, .equal, number * 3, second, next)
    }
    var graph = make.graph(from: next)
    Optimizer.optimize(&graph)
    let program = try program(of: graph)
    for number in stride(from: UInt32(0), to: 3000, by: 7) {
      let packet = [0, 0, UInt8(number >> 8), UInt8(number & 0xff), 0, UInt8(number / 3 % 50)]
      #expect(program.verdict(packet) == (number % 3 == 0 ? 262_144 : 0))
      #expect(program.verdict(packet.dropLast() + [60]) == 0)
    }
    #expect(program.instructions.count < 4500)
  }

  @Test func fragmentsAreAskedForOnce() {
    // At least one of several bits is set: no range and no known bit expresses that, but the same comparison has the same result.
    let accept = make.accept(262_144)
    let reject = make.accept(0)
    let fragment = make.load(.half, 20)
    let second = make.branch(fragment, .anyBitsSet, 0x1fff, reject, accept)
    let entry = make.branch(fragment, .anyBitsSet, 0x1fff, second, accept)
    var graph = make.graph(from: entry)
    Optimizer.optimize(&graph)
    #expect(graph.topologicalOrder().count == 3)
  }

  @Test func sourcesStay() {
    let accept = make.accept(262_144)
    let reject = make.accept(0)
    let entry = make.branch(make.load(.half, 12), .equal, 0x800, accept, reject)
    make.graph[entry].source = SourceWords(SourceRange(3, 9))
    var graph = make.graph(from: entry)
    Optimizer.optimize(&graph)
    #expect(graph[graph.entry].source == SourceWords(SourceRange(3, 9)))
  }
}
