import BPF
import Glibc
import PacketCore
import Synchronization
import TestSupport
import Testing

@testable import Filter

/// Filters many times longer than common ones: compile time grows linearly with their length, and has a limit.
@Suite struct LargeFilterTests {
  /// The processor time of this thread that `body` takes, so that other programs do not affect it.
  private func seconds(_ body: () -> Void) -> Double {
    func now() -> Double {
      var time = timespec()
      unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    body()
    return now() - start
  }

  /// How many times longer an input of eight times the size takes: 8 for linear growth, 64 for quadratic growth. The best of a few
  /// attempts, since short times vary.
  private func growth(_ body: (Int) -> Void) -> Double {
    (0..<3).map { _ in
      let short = seconds { body(500) }
      return seconds { body(4000) } / short
    }.min() ?? 0
  }

  /// A row of diamonds: each assigns its own variable on two paths, and reads it where they meet.
  private func diamonds(_ count: Int) -> ControlFlowGraph {
    var graph = ControlFlowGraph()
    let reject = graph.add(Block(terminator: .accept(0)))
    var next = graph.add(Block(terminator: .accept(1)))
    let zero = graph.values.intern(.constant(0))
    for variable in (0..<count).reversed() {
      let read = graph.values.intern(.variable(variable))
      let test = graph.add(
        Block(
          terminator: .branch(Comparison(relation: .equal, left: read, right: zero), ifTrue: next, ifFalse: reject)))
      let ways = (0..<2).map { way in
        let value = graph.values.intern(.load(.byte, base: nil, offset: UInt32(way)))
        return graph.add(Block(actions: [.assign(variable: variable, value)], terminator: .jump(test)))
      }
      let question = Comparison(
        relation: .equal, left: graph.values.intern(.load(.half, base: nil, offset: UInt32(variable))), right: zero)
      next = graph.add(Block(terminator: .branch(question, ifTrue: ways[0], ifFalse: ways[1])))
    }
    graph.entry = next
    return graph
  }

  @Test func variablesInUseAreFew() {
    let growth = growth { count in
      var graph = diamonds(count)
      graph.assignOnce(variables: count)
      // Each diamond gets a variable for where its paths meet, and two assignments to it.
      #expect(graph.blocks.count == 2 + 4 * count + 2 * count)
    }
    #expect(growth < 30)
  }

  /// A row of comparisons of one value, as the terms of one protocol generate it: the way past it is found at once from every entry.
  @Test func waysThroughARowOfQuestions() {
    let growth = growth { count in
      var graph = ControlFlowGraph()
      let reject = graph.add(Block(terminator: .accept(0)))
      let load = graph.values.intern(.load(.half, base: nil, offset: 12))
      let number = graph.values.intern(.constant(0x800))
      var row: [BlockID] = []
      var targets: [BlockID] = []
      graph.entry = reject
      for length in 0..<count {
        targets.append(graph.add(Block(terminator: .accept(UInt32(length + 1)))))
        row.append(
          graph.add(
            Block(
              terminator: .branch(
                Comparison(relation: .equal, left: load, right: number), ifTrue: targets[length], ifFalse: graph.entry))
          ))
        graph.entry = row[length]
      }
      let runs = EqualityRuns(in: graph, order: graph.topologicalOrder())
      for (block, target) in zip(row, targets) {
        #expect(runs.target(from: block, number: 0x800) == target)
        #expect(runs.target(from: block, number: 5) == reject)
      }
    }
    #expect(growth < 30)
  }

  /// Each `protochain` gets its own copy of the walk, and the walks use scratch memory one after the other.
  @Test func chainsOfHeaders() throws {
    let expression = Array(repeating: "protochain 6", count: 20).joined(separator: " and ")
    let once = try FilterCompiler.compile("protochain 6", CompileOptions(linkType: .ethernet)).instructions.count
    let program = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
    #expect(program.instructions.count <= 20 * once)
  }

  @Test(arguments: [
    (expression: "tcp and tcp and tcp and tcp", most: 16), (expression: "protochain 6 and protochain 17", most: 128),
    (expression: "not protochain 6", most: 16),
  ])
  func moreQuestionsThanAProgramHolds(_ large: (expression: String, most: Int)) throws {
    var options = CompileOptions(linkType: .ethernet)
    _ = try FilterCompiler.compile(large.expression, options)
    options.maximumBlocks = large.most
    let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(large.expression, options) }
    #expect(error?.message.hasPrefix("the expression needs more than \(large.most) tests") ?? false)
  }

  /// A list of alternatives becomes a table, so that the tests in it do not count towards the limit.
  @Test func listsAreNoQuestionsOfTheirOwn() throws {
    var options = CompileOptions(linkType: .ethernet)
    options.maximumBlocks = 120
    _ = try FilterCompiler.compile((0..<60).map { "src host 10.1.2.\($0)" }.joined(separator: " or "), options)
  }

  private final class Counter: Sendable {
    let asked = Atomic<Int>(0)
  }

  /// Compilation can be cancelled at each of the places that check for it.
  @Test func cancellation() throws {
    let counter = Counter()
    var options = CompileOptions(linkType: .ethernet)
    options.isCancelled = {
      counter.asked.add(1, ordering: .relaxed)
      return false
    }
    let expression = "tcp port 80 or udp port 53 or icmp"
    _ = try FilterCompiler.compile(expression, options)
    let places = counter.asked.load(ordering: .relaxed)
    #expect(places > 3)
    for place in 0..<places {
      counter.asked.store(0, ordering: .relaxed)
      options.isCancelled = { counter.asked.add(1, ordering: .relaxed).oldValue >= place }
      let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(expression, options) }
      #expect(error == .cancelled)
    }
  }
}
