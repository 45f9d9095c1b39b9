import BPF

/// Turns values into steps, one block at a time, using what the registers already hold.
struct InstructionSelector {
  let values: ValueTable
  let shapes: [ValueShape]
  /// The values that are stored in scratch memory wherever they are computed.
  let kept: Set<ValueID>
  let usage: ValueUsage
  /// What the registers and scratch words hold after the steps so far.
  var state = MachineState()
  private(set) var steps: [Step] = []
  /// How often each value with operands was computed.
  private(set) var computed: [ValueID: Int] = [:]
  private var temporaries = 0

  /// A value whose second operands nest deeper than this is rejected.
  private static let depthLimit = 200

  init(values: ValueTable, shapes: [ValueShape], usage: ValueUsage, kept: Set<ValueID>) {
    self.usage = usage
    self.values = values
    self.shapes = shapes
    self.kept = kept
  }

  /// Begins a block with what is known at its start.
  mutating func begin(with state: MachineState) {
    self.state = state
    steps = []
  }

  // MARK: Actions and comparisons

  mutating func perform(_ action: Action) throws(CodeGenerationError) {
    switch action {
    case .evaluate(let value):
      if !state.index.contains(value) && !state.scratch.contains(value) { try loadAccumulator(value) }
      // The base of loads is needed in X, where it survives what follows.
      if state.index.isEmpty && usage.bases.contains(value) && state.accumulator.contains(value) { transferToIndex() }
    case .assign(let number, let value):
      try assign(value, to: number)
    }
  }

  /// Stores `value` in the scratch word of the variable; from here on registers that hold one of them hold the other too.
  private mutating func assign(_ value: ValueID, to number: Int) throws(CodeGenerationError) {
    guard let variable = usage.variables[number] else {
      // Nothing reads it. Evaluating the value may still fail.
      return try perform(.evaluate(value))
    }
    // If it is needed in X, put it there too: the copy that is not used is removed with the dead steps.
    let isBase = usage.bases.contains(variable)
    if isBase && !state.accumulator.contains(value) && loadIndexDirectly(value) {
      steps.append(.storeIndex(.value(variable)))
    } else {
      try loadAccumulator(value)
      steps.append(.store(.value(variable)))
      if isBase { transferToIndex() }
    }
    state.scratch.insert(variable)
    if state.accumulator.contains(value) { state.accumulator.append(variable) }
    if state.index.contains(value) { state.index.append(variable) }
  }

  /// Loads the two sides into the registers that are compared. Returns the comparison that remains.
  mutating func prepare(_ comparison: Comparison) throws(CodeGenerationError) -> MachineComparison {
    let left = comparison.left
    let right = comparison.right
    if let constant = shapes[right.index].constant {
      try loadAccumulator(left)
      return MachineComparison(comparison.relation, .immediate(constant))
    }
    if let constant = shapes[left.index].constant {
      try loadAccumulator(right)
      return MachineComparison(comparison.relation, .immediate(constant)).swapped
    }
    let swapped = try loadOperands(left, right, swappable: true)
    let prepared = MachineComparison(comparison.relation, .index)
    return swapped ? prepared.swapped : prepared
  }

  // MARK: Computing values

  /// What remains to be done for a value once its first operand is in A.
  private enum Pending {
    case immediate(ArithmeticOperation, UInt32)
    case negate
    case loadAt(LoadSize, UInt32)
    case operands(OperandPlan, left: ValueID, right: ValueID, temporary: ScratchSlot)
    case finish(ArithmeticOperation)
  }

  /// Computes `value` in A.
  mutating func loadAccumulator(_ value: ValueID) throws(CodeGenerationError) {
    guard shapes[value.index].depth <= Self.depthLimit else { throw CodeGenerationError(.nestedTooDeeply) }
    // First operands are followed in a loop; the operations that remain are pushed on a stack.
    var pending: [(value: ValueID?, what: Pending)] = []
    var current = value
    while !fetchAccumulator(current) {
      switch values[current] {
      case .constant, .packetLength, .variable, .ancillary, .load(_, nil, _):
        loadLeaf(current)
      case .load(let size, let base?, let offset):
        if loadIndexDirectly(base) {
          emit(.loadIndirect(size, offset), accumulator: current)
          break
        }
        pending.append((current, .loadAt(size, offset)))
        current = base
        continue
      case .negate(let operand):
        pending.append((current, .negate))
        current = operand
        continue
      case .arithmetic(let operation, let left, let right):
        if operation == .add, let distance = distanceFromAccumulator(left, shapes[right.index].constant) {
          emit(.arithmetic(.add, distance), accumulator: current)
          break
        }
        if let constant = shapes[right.index].constant, operation.takesImmediate(constant) {
          pending.append((current, .immediate(operation, constant)))
          current = left
          continue
        }
        if operation.isCommutative, let constant = shapes[left.index].constant {
          pending.append((current, .immediate(operation, constant)))
          current = right
          continue
        }
        pending.append((current, .finish(operation)))
        current = try begin(left, right, swappable: operation.isCommutative, &pending).first
        continue
      }
      break
    }
    try finish(&pending)
  }

  /// What to add to A to get `operand` plus `constant`, if A holds `operand` plus another constant; nil otherwise.
  private func distanceFromAccumulator(_ operand: ValueID, _ constant: UInt32?) -> UInt32? {
    guard let constant else { return nil }
    for held in state.accumulator {
      guard case .arithmetic(.add, operand, let right) = values[held], let distance = shapes[right.index].constant
      else { continue }
      return constant &- distance
    }
    return nil
  }

  /// Performs the pending operations, innermost first.
  private mutating func finish(
    _ pending: inout [(value: ValueID?, what: Pending)]
  ) throws(CodeGenerationError) {
    while let (value, what) = pending.popLast() {
      switch what {
      case .immediate(let operation, let constant): emit(.arithmetic(operation, constant), accumulator: value)
      case .negate: emit(.negate, accumulator: value)
      case .finish(let operation): emit(.arithmeticIndex(operation), accumulator: value)
      case .loadAt(let size, let offset):
        transferToIndex()
        emit(.loadIndirect(size, offset), accumulator: value)
      case .operands(let plan, let left, let right, let temporary):
        try complete(plan, left, right, temporary)
      }
    }
  }

  /// Computes one value in A and the other in X. Returns whether they are swapped.
  private mutating func loadOperands(
    _ left: ValueID, _ right: ValueID, swappable: Bool
  ) throws(CodeGenerationError) -> Bool {
    var pending: [(value: ValueID?, what: Pending)] = []
    let (first, swapped) = try begin(left, right, swappable: swappable, &pending)
    try loadAccumulator(first)
    try finish(&pending)
    return swapped
  }

  /// Computes `value` in X.
  private mutating func loadIndex(_ value: ValueID) throws(CodeGenerationError) {
    if loadIndexDirectly(value) { return }
    try loadAccumulator(value)
    transferToIndex()
  }

  // MARK: Two operands

  /// In what order two operands, neither built into the instruction, are loaded into A and X.
  enum OperandPlan {
    /// The second is in X already, and stays there while the first is computed.
    case indexStays
    /// Computing the first leaves the second in X, because the first is relative to it.
    case indexComesAlong
    /// The first in A, then the second straight into X.
    case indexDirect
    /// Both are the same value.
    case same
    /// The second first, moved to X; then the first, which leaves X alone.
    case indexFirst
    /// The second first, kept in scratch memory while the first is computed.
    case secondFirst
    /// The first, kept in scratch memory while the second is computed.
    case firstFirst
  }

  /// Chooses a plan for the operands and does what precedes the computation of the first operand in A. Returns that operand, and whether
  /// the two were swapped.
  private mutating func begin(
    _ left: ValueID, _ right: ValueID, swappable: Bool, _ pending: inout [(value: ValueID?, what: Pending)]
  ) throws(CodeGenerationError) -> (first: ValueID, swapped: Bool) {
    var (plan, cost) = plan(left, right)
    var swapped = false
    if swappable {
      let (otherPlan, otherCost) = self.plan(right, left)
      if otherCost < cost {
        plan = otherPlan
        cost = otherCost
        swapped = true
      }
    }
    let first = swapped ? right : left
    let second = swapped ? left : right
    temporaries += 1
    let temporary = ScratchSlot.temporary(temporaries)
    switch plan {
    case .indexStays, .indexComesAlong, .indexDirect, .same, .firstFirst: break
    case .indexFirst: try loadIndex(second)
    case .secondFirst:
      try loadAccumulator(second)
      steps.append(.store(temporary))
    }
    pending.append((nil, .operands(plan, left: first, right: second, temporary: temporary)))
    return (first, swapped)
  }

  /// Does what follows once the first operand is in A; then the first is in A and the second in X.
  private mutating func complete(
    _ plan: OperandPlan, _ first: ValueID, _ second: ValueID, _ temporary: ScratchSlot
  ) throws(CodeGenerationError) {
    switch plan {
    case .indexStays, .indexFirst: break
    case .indexDirect: try loadIndex(second)
    case .indexComesAlong:
      // It does not where the first operand, or a part of it, was available already.
      if !loadIndexDirectly(second) { try complete(.firstFirst, first, second, temporary) }
    case .same: transferToIndex()
    case .secondFirst:
      steps.append(.indexScratch(temporary))
      state.index = [second]
    case .firstFirst:
      steps.append(.store(temporary))
      try loadAccumulator(second)
      transferToIndex()
      steps.append(.loadScratch(temporary))
      state.accumulator = [first]
    }
  }

  /// The cheapest plan that computes `first` in A and `second` in X, and roughly how many steps that takes.
  private func plan(_ first: ValueID, _ second: ValueID) -> (OperandPlan, Int) {
    let firstCost = cost(first)
    if first == second { return (.same, firstCost + 1) }
    let firstShape = shapes[first.index]
    let secondShape = shapes[second.index]
    let sparesIndex = firstShape.sparesIndex || firstCost <= 1 && isHeld(first)
    if state.index.contains(second) && sparesIndex { return (.indexStays, firstCost) }
    if state.scratch.contains(second) || secondShape.loadsIndexDirectly { return (.indexDirect, firstCost + 1) }
    if firstShape.lastBase == second && !isHeld(first) { return (.indexComesAlong, firstCost) }
    let secondCost = cost(second)
    // Computing the second overwrites the first in A.
    let firstAgain = state.scratch.contains(first) ? 1 : firstShape.cost
    if firstShape.sparesIndex || state.scratch.contains(first) {
      return (.indexFirst, secondCost + 1 + firstAgain)
    }
    let secondFirst = secondCost + 2 + firstAgain
    let firstFirst = firstCost + secondCost + 3
    let needsLess = firstShape.scratchNeed <= secondShape.scratchNeed
    return needsLess && secondFirst <= firstFirst ? (.secondFirst, secondFirst) : (.firstFirst, firstFirst)
  }

  private func isHeld(_ value: ValueID) -> Bool {
    state.accumulator.contains(value) || state.index.contains(value) || state.scratch.contains(value)
  }

  /// Roughly how many steps are needed to get `value` into A now.
  private func cost(_ value: ValueID) -> Int {
    if state.accumulator.contains(value) { return 0 }
    if state.index.contains(value) || state.scratch.contains(value) { return 1 }
    return shapes[value.index].cost
  }

  // MARK: Single steps

  /// Gets `value` into A if it is in a register or in scratch memory.
  private mutating func fetchAccumulator(_ value: ValueID) -> Bool {
    if state.accumulator.contains(value) { return true }
    if state.index.contains(value) {
      steps.append(.accumulatorFromIndex)
      state.accumulator = state.index
      return true
    }
    if state.scratch.contains(value) {
      steps.append(.loadScratch(.value(value)))
      state.accumulator = [value]
      return true
    }
    if let offset = shapes[value.index].headerLengthOffset {
      // One step less than load, mask and shift.
      steps.append(.indexHeaderLength(offset))
      state.index = [value]
      keep(value, inAccumulator: false)
      steps.append(.accumulatorFromIndex)
      state.accumulator = [value]
      return true
    }
    return false
  }

  /// Gets `value` into X if one step can do it without changing A.
  private mutating func loadIndexDirectly(_ value: ValueID) -> Bool {
    if state.index.contains(value) { return true }
    if state.scratch.contains(value) {
      steps.append(.indexScratch(.value(value)))
    } else if state.accumulator.contains(value) {
      transferToIndex()
      return true
    } else if let constant = shapes[value.index].constant {
      steps.append(.indexConstant(constant))
    } else if let offset = shapes[value.index].headerLengthOffset {
      steps.append(.indexHeaderLength(offset))
      state.index = [value]
      keep(value, inAccumulator: false)
    } else if shapes[value.index].isPacketLength {
      steps.append(.indexPacketLength)
    } else {
      return false
    }
    state.index = [value]
    return true
  }

  private mutating func transferToIndex() {
    steps.append(.indexFromAccumulator)
    state.index = state.accumulator
  }

  private mutating func loadLeaf(_ value: ValueID) {
    switch values[value] {
    case .constant(let number): emit(.loadConstant(number), accumulator: value)
    case .packetLength: emit(.loadPacketLength, accumulator: value)
    case .load(let size, _, let offset) where offset < Ancillary.base:
      emit(.load(size, offset), accumulator: value)
    case .load(let size, _, let offset):
      // An absolute load from there would be an ancillary load; relative to an X of 0 it fails, as it must.
      steps.append(.indexConstant(0))
      state.index = []
      emit(.loadIndirect(size, offset), accumulator: value)
    case .ancillary(let number): emit(.load(.word, Ancillary.base &+ number), accumulator: value)
    case .variable: emit(.loadScratch(.value(value)), accumulator: value)
    case .arithmetic, .negate: preconditionFailure("only called for values without operands")
    }
  }

  /// Adds a step that computes `value` in A.
  private mutating func emit(_ step: Step, accumulator value: ValueID?) {
    steps.append(step)
    state.accumulator = value.map { [$0] } ?? []
    if let value {
      if shapes[value.index].cost > 1 { computed[value, default: 0] += 1 }
      keep(value, inAccumulator: true)
    }
  }

  /// Stores a value that was just computed in its scratch word, if it is one to keep.
  private mutating func keep(_ value: ValueID, inAccumulator: Bool) {
    guard kept.contains(value), state.scratch.insert(value).inserted else { return }
    steps.append(inAccumulator ? .store(.value(value)) : .storeIndex(.value(value)))
  }
}

/// A conditional jump without its targets.
struct MachineComparison: Hashable, Sendable {
  enum Operand: Hashable, Sendable {
    case immediate(UInt32)
    case index
  }
  var relation: Relation
  var operand: Operand
  /// True if the branches are exchanged: the comparison is true if the machine's is false.
  var inverted = false

  init(_ relation: Relation, _ operand: Operand) {
    self.relation = relation
    self.operand = operand
  }

  /// The same comparison with the right side in A.
  var swapped: MachineComparison {
    var result = self
    switch relation {
    case .equal, .anyBitsSet: break
    // left > right is not (right >= left); left >= right is not (right > left).
    case .greater:
      result.relation = .greaterOrEqual
      result.inverted.toggle()
    case .greaterOrEqual:
      result.relation = .greater
      result.inverted.toggle()
    }
    return result
  }
}
