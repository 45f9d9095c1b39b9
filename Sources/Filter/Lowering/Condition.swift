import BPF

/// A yes-or-no question to a packet, as a tree: what one primitive is lowered to. Its parts are asked from left to right, and no
/// further than the answer needs; a part that cannot be evaluated rejects the packet whatever surrounds it.
indirect enum Condition {
  case constant(Bool)
  case test(Test)
  case all([Condition])
  case any([Condition])
  case not(Condition)
  /// Does the actions, then it is true.
  case perform([Action], SourceRange?)

  struct Test {
    var comparison: Comparison
    /// The words that ask this.
    var source: SourceRange?
  }
}

extension ControlFlowGraph {
  /// Adds the blocks that ask `condition` and go on at one of the two blocks; gives the first of them.
  mutating func add(_ condition: Condition, ifTrue: BlockID, ifFalse: BlockID) -> BlockID {
    switch condition {
    case .constant(let value):
      return value ? ifTrue : ifFalse
    case .test(let test):
      return add(Block(terminator: .branch(test.comparison, ifTrue: ifTrue, ifFalse: ifFalse), source: test.source))
    case .perform(let actions, let source):
      return add(Block(actions: actions, terminator: .jump(ifTrue), source: source))
    case .not(let inner):
      return add(inner, ifTrue: ifFalse, ifFalse: ifTrue)
    case .all(let parts):
      var next = ifTrue
      for part in parts.reversed() { next = add(part, ifTrue: next, ifFalse: ifFalse) }
      return next
    case .any(let parts):
      var next = ifFalse
      for part in parts.reversed() { next = add(part, ifTrue: ifTrue, ifFalse: next) }
      return next
    }
  }
}
