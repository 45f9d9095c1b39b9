import BPF

/// Selects the instructions of a whole graph, block by block, and decides which values are worth a word of scratch memory.
struct Selection {
  let graph: ControlFlowGraph
  let order: BlockOrder
  /// If false, registers are assumed to hold nothing at the start of a block, and blocks are not merged.
  let optimizing: Bool
  private let shapes: [ValueShape]
  private let usage: ValueUsage
  /// By block: its position in the order.
  private let positions: [Int]

  init(graph: ControlFlowGraph, order: BlockOrder, optimizing: Bool) {
    self.optimizing = optimizing
    self.graph = graph
    self.order = order
    shapes = ValueShape.all(of: graph.values)
    usage = ValueUsage(of: graph.values)
    var positions = [Int](repeating: 0, count: graph.blocks.count)
    for (position, block) in order.blocks.enumerated() { positions[block.index] = position }
    self.positions = positions
  }

  /// The limit on work spent on trying which values to keep, counted in generated steps.
  private static let trialBudget = 60_000

  /// The shortest program found. Values computed repeatedly are tried one by one, the most expensive first: would the program be shorter if
  /// this one were kept in scratch memory?
  func best() throws(CodeGenerationError) -> MachineProgram {
    let unavoidable = unavoidablyKept()
    var (best, computed) = try program(keeping: unavoidable)
    guard optimizing else { return best }
    var kept = unavoidable
    let candidates = computed.filter { $0.value > 1 && shapes[$0.key.index].cost > 1 && !kept.contains($0.key) }
      .map { (value: $0.key, saving: ($0.value - 1) * (shapes[$0.key.index].cost - 1)) }
      .sorted { ($0.saving, $1.value.index) > ($1.saving, $0.value.index) }
    var budget = Self.trialBudget
    for candidate in candidates {
      budget -= best.size
      if budget < 0 { break }
      let (trial, _) = try program(keeping: kept.union([candidate.value]))
      guard (trial.size, trial.longestPath) < (best.size, best.longestPath) else { continue }
      guard (try? ScratchAllocation(for: trial)) != nil else { continue }
      best = trial
      kept.insert(candidate.value)
    }
    for candidate in candidates where usage.bases.contains(candidate.value) {
      budget -= best.size
      if budget < 0 { break }
      guard let trial = try program(computingFirst: candidate.value), trial.size < best.size else { continue }
      best = trial
    }
    return best
  }

  /// The program that computes a base of loads before anything else, where several diverging paths compute it. Nil if some accepting path
  /// does not compute it: it must not fail there.
  private func program(computingFirst value: ValueID) throws(CodeGenerationError) -> MachineProgram? {
    guard let entry = order.blocks.first, !graph.values.readsVariables(value) else { return nil }
    var changed = graph
    changed[entry].actions.insert(.evaluate(value), at: 0)
    var needless = changed
    _ = needless.removeAnticipatedEvaluations()
    guard needless[entry].actions.count == graph[entry].actions.count else { return nil }
    let selection = Selection(graph: changed, order: order, optimizing: true)
    let trial = try selection.program(keeping: []).0
    return (try? ScratchAllocation(for: trial)) == nil ? nil : trial
  }

  /// Values to keep in any case: a value that uses another twice, which uses another twice, and so on, would otherwise take exponentially
  /// many steps.
  private func unavoidablyKept() -> Set<ValueID> {
    guard shapes.contains(where: { $0.cost > 5_000 }) else { return [] }
    var uses = [Int](repeating: 0, count: shapes.count)
    for value in graph.values.values {
      for operand in value.operands { uses[operand.index] += 1 }
    }
    return Set(shapes.indices.filter { uses[$0] > 1 && shapes[$0].cost > 2 }.map { ValueID(index: $0) })
  }

  /// The program that stores the values `kept` in scratch memory where they are first computed; and how often each value was computed.
  private func program(
    keeping kept: Set<ValueID>
  ) throws(CodeGenerationError) -> (MachineProgram, computed: [ValueID: Int]) {
    var selector = InstructionSelector(values: graph.values, shapes: shapes, usage: usage, kept: kept)
    var entries = [MachineState?](repeating: nil, count: order.blocks.count)
    var program = MachineProgram(blocks: [])
    program.blocks.reserveCapacity(order.blocks.count)
    for (position, block) in order.blocks.enumerated() {
      let source = graph[block].source
      selector.begin(with: entries[position] ?? MachineState())
      entries[position] = nil
      let ending: MachineEnding
      do throws(CodeGenerationError) {
        for action in graph[block].actions { try selector.perform(action) }
        switch graph[block].terminator {
        case .branch(let comparison, let ifTrue, let ifFalse):
          let prepared = try selector.prepare(comparison)
          let (first, second) = (target(ifTrue), target(ifFalse))
          ending = first == second ? .jump(first) : .branch(prepared, ifTrue: first, ifFalse: second)
        case .lookup: throw CodeGenerationError(.unexpandedTable, source: source.hull)
        case .jump(let next): ending = .jump(target(next))
        case .accept(let number): ending = .accept(number)
        }
      } catch {
        throw CodeGenerationError(error.reason, source: source.hull)
      }
      let (first, second) = ending.successors
      for successor in [first, second] {
        guard let successor else { continue }
        var state = selector.state
        if !optimizing { state.forgetRegisters() }
        entries[successor] = entries[successor].map { $0.meet(state) } ?? state
      }
      program.blocks.append(MachineBlock(steps: selector.steps, ending: ending, source: source, block: block))
    }
    program.removeDeadSteps()
    if optimizing { program.mergeEqualBlocks() }
    return (program, selector.computed)
  }

  private func target(_ block: BlockID) -> Int {
    positions[order.representatives[block.index].index]
  }
}

extension ValueTable {
  /// True if a value is computed from a variable.
  func readsVariables(_ value: ValueID) -> Bool {
    var open = [value]
    var isSeen: Set<ValueID> = []
    while let value = open.popLast() {
      guard isSeen.insert(value).inserted else { continue }
      if case .variable = self[value] { return true }
      open += self[value].operands
    }
    return false
  }
}

extension Value {
  /// The values that it is computed from.
  var operands: [ValueID] {
    switch self {
    case .constant, .packetLength, .ancillary, .variable, .load(_, nil, _): []
    case .load(_, let base?, _): [base]
    case .arithmetic(_, let left, let right): [left, right]
    case .negate(let operand): [operand]
    }
  }
}
