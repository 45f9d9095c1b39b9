import BPF

extension ControlFlowGraph {
  /// Replaces table lookups, and long runs that compare one value with constant after constant, by binary search: a packet then takes a
  /// dozen comparisons for thousands of numbers.
  ///
  /// Since this makes the program a little longer, only long runs are changed.
  mutating func buildSearchTrees() {
    for list in EqualityList.all(in: self) where list.cases.count >= EqualityList.worthwhile {
      let cases = list.cases.sorted { $0.number < $1.number }
      search(
        for: list.value,
        among: cases.map { SearchCase(numbers: $0.number...$0.number, target: $0.target, source: $0.source) },
        otherwise: list.end, from: list.head, source: list.source)
    }
    for index in blocks.indices {
      guard case .lookup(let lookup, let ifFound, let ifMissing) = blocks[index].terminator else { continue }
      expand(lookup, ifFound, ifMissing, at: BlockID(index: index))
    }
  }

  /// Expands a lookup value by value: a tree over the numbers of the first value leads to trees over the numbers of the second, and so on.
  private mutating func expand(_ lookup: Lookup, _ ifFound: BlockID, _ ifMissing: BlockID, at head: BlockID) {
    let source = self[head].source
    let values = [lookup.first] + lookup.rest
    var waiting = [(rows: tables[lookup.table].rows[...], depth: 0, block: head)]
    while let (rows, depth, block) = waiting.popLast() {
      guard depth + 1 < values.count else {
        lookUp(values[depth], in: rows, ifFound, ifMissing, at: block, source)
        continue
      }
      var cases: [SearchCase] = []
      var start = rows.startIndex
      while start < rows.endIndex {
        let number = rows[start].lead[depth]
        let end = rows[start...].firstIndex { $0.lead[depth] != number } ?? rows.endIndex
        let inner = add(Block(terminator: .jump(ifMissing), source: source))
        cases.append(SearchCase(numbers: number...number, target: inner, source: source))
        waiting.append((rows[start..<end], depth + 1, inner))
        start = end
      }
      search(for: values[depth], among: cases, otherwise: ifMissing, from: block, source: source)
    }
  }

  /// Builds the tree over the ranges of the last value.
  private mutating func lookUp(
    _ value: ValueID, in rows: ArraySlice<LookupRow>, _ ifFound: BlockID, _ ifMissing: BlockID, at block: BlockID,
    _ source: SourceWords
  ) {
    var ranges: [ClosedRange<UInt32>] = []
    for row in rows {
      if let previous = ranges.last, row.last.lowerBound <= previous.upperBound &+ 1, previous.upperBound < .max {
        ranges[ranges.count - 1] = previous.lowerBound...max(previous.upperBound, row.last.upperBound)
      } else if ranges.last?.upperBound != .max {
        ranges.append(row.last)
      }
    }
    // A range takes two comparisons, or only one if the low bits are masked out first.
    var value = value
    if let mask = Self.commonMask(rows), ranges.count > 2, 2 * ranges.count > rows.count + rows.count / 2 {
      value = values.intern(.arithmetic(.and, value, values.intern(.constant(mask))))
      ranges = rows.map { $0.last.lowerBound...$0.last.lowerBound }
    }
    search(
      for: value, among: ranges.map { SearchCase(numbers: $0, target: ifFound, source: source) }, otherwise: ifMissing,
      from: block, source: source)
  }

  /// The mask that reduces every number of a row to the row's first number, if all rows are networks of one length and not hosts; nil
  /// otherwise.
  private static func commonMask(_ rows: ArraySlice<LookupRow>) -> UInt32? {
    guard let first = rows.first else { return nil }
    let low = first.last.upperBound &- first.last.lowerBound
    guard low != 0, low & (low &+ 1) == 0 else { return nil }
    for row in rows where row.last.lowerBound & low != 0 || row.last.upperBound &- row.last.lowerBound != low {
      return nil
    }
    return ~low
  }

  /// Leads packets from `head` to the target of the case that contains `value`. The cases are in rising order and do not overlap.
  private mutating func search(
    for value: ValueID, among cases: [SearchCase], otherwise end: BlockID, from head: BlockID, source: SourceWords
  ) {
    // Cases that still need a block, with the range the value is known to be in there.
    var waiting = [(part: cases[...], known: UInt32.min...UInt32.max, block: head)]
    while let (part, known, block) = waiting.popLast() {
      guard let first = part.first else {
        self[block].terminator = .jump(end)
        continue
      }
      if part.count <= SearchCase.leafCount, part.allSatisfy({ $0.numbers.count == 1 }) {
        var block = block
        for (position, entry) in part.enumerated() {
          let next = position + 1 < part.count ? add(Block(terminator: .jump(end))) : end
          ask(value, .equal, entry.numbers.lowerBound, entry.target, next, at: block, entry.source)
          block = next
        }
      } else if part.count > 1 {
        let middle = part.startIndex + part.count / 2
        let split = part[middle].numbers.lowerBound
        let low = add(Block(terminator: .jump(end)))
        let high = add(Block(terminator: .jump(end)))
        ask(value, .greaterOrEqual, split, high, low, at: block, source)
        waiting.append((part[..<middle], known.lowerBound...(split - 1), low))
        waiting.append((part[middle...], split...known.upperBound, high))
      } else if known.lowerBound < first.numbers.lowerBound {
        let high = add(Block(terminator: .jump(end)))
        ask(value, .greaterOrEqual, first.numbers.lowerBound, high, end, at: block, first.source)
        waiting.append((part, first.numbers.lowerBound...known.upperBound, high))
      } else if known.upperBound > first.numbers.upperBound {
        ask(value, .greater, first.numbers.upperBound, end, first.target, at: block, first.source)
      } else {
        self[block].terminator = .jump(first.target)
      }
    }
  }

  private mutating func ask(
    _ value: ValueID, _ relation: Relation, _ number: UInt32, _ ifTrue: BlockID, _ ifFalse: BlockID, at block: BlockID,
    _ source: SourceWords
  ) {
    let comparison = Comparison(relation: relation, left: value, right: values.intern(.constant(number)))
    self[block].terminator = .branch(comparison, ifTrue: ifTrue, ifFalse: ifFalse)
    self[block].source = source
  }
}

/// A range of numbers, and where packets go whose value is in it.
private struct SearchCase {
  var numbers: ClosedRange<UInt32>
  var target: BlockID
  var source: SourceWords

  /// This many numbers or fewer are compared one by one at the leaves.
  static let leafCount = 3
}

/// A run of blocks that compare one value with one constant after the other, each with a target if they are equal.
private struct EqualityList {
  struct Case {
    var number: UInt32
    var target: BlockID
    var source: SourceWords
  }

  /// The first block. Only this one may have actions and several predecessors.
  var head: BlockID
  var value: ValueID
  /// Each number once.
  var cases: [Case] = []
  /// Where a packet goes if the value equals none of them.
  var end: BlockID
  /// The words of the expression behind the whole list.
  var source = SourceWords()

  /// Shorter lists are faster when compared one by one, or at least not longer.
  static let worthwhile = 24

  /// Every list; no block is in two lists.
  static func all(in graph: ControlFlowGraph) -> [EqualityList] {
    let order = graph.topologicalOrder()
    var predecessors = [Int](repeating: 0, count: graph.blocks.count)
    for block in order { graph[block].terminator.forEachSuccessor { predecessors[$0.index] += 1 } }
    var isTaken = [Bool](repeating: false, count: graph.blocks.count)
    var lists: [EqualityList] = []
    for block in order where !isTaken[block.index] {
      guard case .branch(let comparison, _, _) = graph[block].terminator else { continue }
      var list = EqualityList(head: block, value: comparison.left, end: block)
      var known: Set<UInt32> = []
      while case .branch(let comparison, let ifTrue, let ifFalse) = graph[list.end].terminator,
        comparison.relation == .equal, comparison.left == list.value,
        case .constant(let number) = graph.values[comparison.right],
        list.end == block || graph[list.end].actions.isEmpty && predecessors[list.end.index] == 1
      {
        isTaken[list.end.index] = true
        let source = graph[list.end].source
        if known.insert(number).inserted { list.cases.append(Case(number: number, target: ifTrue, source: source)) }
        list.source.formUnion(source)
        list.end = ifFalse
      }
      if list.cases.count > 1 { lists.append(list) }
    }
    return lists
  }
}
