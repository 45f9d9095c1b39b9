/// How a block ends.
enum Terminator: Hashable, Sendable {
  /// Evaluates both sides (left first), then takes one of the two branches.
  case branch(Comparison, ifTrue: BlockID, ifFalse: BlockID)
  /// Looks values up in a table: many alternatives between `or`. Lowering emits these only when the program will be optimised; the
  /// optimiser replaces all of them.
  case lookup(Lookup, ifFound: BlockID, ifMissing: BlockID)
  case jump(BlockID)
  /// Ends the program: 0 rejects the packet, another number accepts it and keeps that many of its bytes.
  case accept(UInt32)
}

extension Terminator {
  /// Calls `body` for each block that may follow, at most two.
  func forEachSuccessor<Failure: Error>(_ body: (BlockID) throws(Failure) -> Void) throws(Failure) {
    switch self {
    case .branch(_, let first, let second), .lookup(_, let first, let second):
      try body(first)
      try body(second)
    case .jump(let target): try body(target)
    case .accept: break
    }
  }

  /// Replaces every block that may follow by `replacement(block)`.
  mutating func mapSuccessors(_ replacement: (BlockID) -> BlockID) {
    switch self {
    case .branch(let comparison, let ifTrue, let ifFalse):
      self = .branch(comparison, ifTrue: replacement(ifTrue), ifFalse: replacement(ifFalse))
    case .lookup(let lookup, let ifFound, let ifMissing):
      self = .lookup(lookup, ifFound: replacement(ifFound), ifMissing: replacement(ifMissing))
    case .jump(let target): self = .jump(replacement(target))
    case .accept: break
    }
  }

  /// The values that are evaluated here for every packet.
  var evaluated: [ValueID] {
    switch self {
    case .branch(let comparison, _, _): [comparison.left, comparison.right]
    case .lookup(let lookup, _, _): [lookup.first]
    case .jump, .accept: []
    }
  }

  /// The values that may be evaluated here.
  var values: [ValueID] {
    if case .lookup(let lookup, _, _) = self { return [lookup.first] + lookup.rest }
    return evaluated
  }

  /// Replaces every value by `replacement(value)`.
  mutating func mapValues(_ replacement: (ValueID) -> ValueID) {
    switch self {
    case .branch(var comparison, let ifTrue, let ifFalse):
      comparison.left = replacement(comparison.left)
      comparison.right = replacement(comparison.right)
      self = .branch(comparison, ifTrue: ifTrue, ifFalse: ifFalse)
    case .lookup(var lookup, let ifFound, let ifMissing):
      lookup.first = replacement(lookup.first)
      lookup.rest = lookup.rest.map(replacement)
      self = .lookup(lookup, ifFound: ifFound, ifMissing: ifMissing)
    case .jump, .accept: break
    }
  }
}
