import BPF

/// A comparison of two values, unsigned.
enum Relation: Hashable, Sendable {
  case equal, greater, greaterOrEqual
  /// True if the two have a bit in common (`jset`).
  case anyBitsSet
}

/// Something that is done on the way through a block, in order.
enum Action: Hashable, Sendable {
  /// Evaluates a value only because it may fail: where it cannot be evaluated the packet is rejected here.
  case evaluate(ValueID)
  /// Evaluates a value and stores it in the variable of that number.
  case assign(variable: Int, ValueID)
}

/// The comparison at the end of a block.
struct Comparison: Hashable, Sendable {
  var relation: Relation
  var left: ValueID
  var right: ValueID
}

/// A block in its `ControlFlowGraph`.
struct BlockID: Hashable, Sendable, BitwiseCopyable {
  let index: Int
}

/// Actions that are executed in order, then a decision.
struct Block: Sendable {
  var actions: [Action] = []
  var terminator: Terminator
  /// The words of the expression that the block implements.
  var source = SourceWords()
  /// As lowered: the outcome of the final comparison that makes the term true; a `not` inside a term inverts it.
  var wanted = true
}

/// A whole filter as blocks without cycles: what lowering produces, what the optimiser rewrites, what the code generator reads.
///
/// The meaning is exact, short packets included: the program starts at `entry`, evaluates actions and comparisons in order, returns 0 at
/// the first that fails, and otherwise returns the number at the end of its path.
struct ControlFlowGraph: Sendable {
  var values = ValueTable()
  var tables = LookupTables()
  var blocks: [Block] = []
  var entry = BlockID(index: 0)

  /// Adds a block and gives its identifier.
  mutating func add(_ block: Block) -> BlockID {
    blocks.append(block)
    return BlockID(index: blocks.count - 1)
  }

  subscript(block: BlockID) -> Block {
    _read { yield blocks[block.index] }
    _modify { yield &blocks[block.index] }
  }
}
