import BPF

/// A yes-or-no test of a packet, as a tree: what one primitive is lowered to. Its parts are tested from left to right, only as far as the
/// result needs; a part that cannot be evaluated rejects the packet regardless of what surrounds it.
indirect enum Condition {
  case constant(Bool)
  case test(Test)
  case all([Condition])
  case any([Condition])
  case not(Condition)
  /// A test that may be one of many alternatives in a list.
  case key(Key)
  /// A lookup that replaces many alternatives.
  case lookup(Lookup, SourceRange?)
  /// Performs the actions, then is true.
  case perform([Action], SourceRange?)

  struct Test {
    var comparison: Comparison
    /// The words that this test comes from.
    var source: SourceRange?
  }

  /// A test for a number or a range that may become a row of a table.
  struct Key {
    /// The values to compare, in the order in which `condition` reads them.
    var values: [ValueID]
    var row: LookupRow
    /// The test on its own.
    var condition: Condition
  }
}

extension Condition {
  /// The same condition without constants, unless it is constant as a whole: `true` in `all` and `false` in `any` are dropped, and the
  /// opposite constant decides the whole, whatever precedes it. So where the link type cannot carry a protocol, the tests next to it
  /// disappear too.
  var reduced: Condition {
    if isReduced { return self }
    switch self {
    case .constant, .test, .key, .lookup, .perform:
      return self
    case .not(let inner):
      let inner = inner.reduced
      if case .constant(let value) = inner { return .constant(!value) }
      return .not(inner)
    case .all(let parts):
      return Self.reduced(parts, neutral: true, Condition.all)
    case .any(let parts):
      return Self.reduced(parts, neutral: false, Condition.any)
    }
  }

  /// True if there is nothing to drop, the usual case.
  private var isReduced: Bool {
    switch self {
    case .constant: false
    case .test, .key, .lookup, .perform: true
    case .not(let inner): inner.isReduced
    case .all(let parts), .any(let parts): parts.count > 1 && parts.allSatisfy(\.isReduced)
    }
  }

  /// The maximum number of tests, each of which becomes a block.
  var questionCount: Int {
    switch self {
    case .constant: 0
    case .test, .lookup, .perform: 1
    case .key(let key): key.values.count
    case .not(let inner): inner.questionCount
    case .all(let parts), .any(let parts): parts.reduce(0) { $0 + $1.questionCount }
    }
  }

  /// The condition without leading `not`s.
  var positive: Condition {
    if case .not(let inner) = self { return inner.positive }
    return self
  }

  private static func reduced(_ parts: [Condition], neutral: Bool, _ combine: ([Condition]) -> Condition) -> Condition {
    var left: [Condition] = []
    for part in parts {
      let part = part.reduced
      guard case .constant(let value) = part else {
        left.append(part)
        continue
      }
      if value != neutral { return part }
    }
    switch left.count {
    case 0: return .constant(neutral)
    case 1: return left[0]
    default: return combine(left)
    }
  }
}

extension ControlFlowGraph {
  /// Adds the blocks that test `condition` and continue at one of the two blocks; returns the first of them. `wanted` is false if the
  /// condition is negated.
  mutating func add(_ condition: Condition, ifTrue: BlockID, ifFalse: BlockID, wanted: Bool = true) -> BlockID {
    switch condition {
    case .constant(let value):
      return value ? ifTrue : ifFalse
    case .test(let test):
      return add(
        Block(
          terminator: .branch(test.comparison, ifTrue: ifTrue, ifFalse: ifFalse), source: SourceWords(test.source),
          wanted: wanted))
    case .key(let key):
      return add(key.condition, ifTrue: ifTrue, ifFalse: ifFalse, wanted: wanted)
    case .lookup(let lookup, let source):
      return add(Block(terminator: .lookup(lookup, ifFound: ifTrue, ifMissing: ifFalse), source: SourceWords(source)))
    case .perform(let actions, let source):
      return add(Block(actions: actions, terminator: .jump(ifTrue), source: SourceWords(source)))
    case .not(let inner):
      return add(inner, ifTrue: ifFalse, ifFalse: ifTrue, wanted: !wanted)
    case .all(let parts):
      var next = ifTrue
      for part in parts.reversed() { next = add(part, ifTrue: next, ifFalse: ifFalse, wanted: wanted) }
      return next
    case .any(let parts):
      var next = ifFalse
      for part in parts.reversed() { next = add(part, ifTrue: ifTrue, ifFalse: next, wanted: wanted) }
      return next
    }
  }
}
