extension ControlFlowGraph {
  /// Removes evaluations whose failure makes no difference, because every accepting path from there loads the same bytes later anyway.
  /// Returns whether it removed any.
  mutating func removeAnticipatedEvaluations() -> Bool {
    var hasChanged = false
    let analysis = ValueAnalysis(of: self)
    // By block: the checks that every accepting path from its start makes; nil if there is no such path.
    var needs = [Need?](repeating: nil, count: blocks.count)
    for block in topologicalOrder().reversed() {
      var need: Need?
      switch self[block].terminator {
      case .accept(let number): need = number == 0 ? nil : Need()
      case .jump(let target): need = needs[target.index]
      case .branch(let comparison, let ifTrue, let ifFalse):
        need = Need.meet(needs[ifTrue.index], needs[ifFalse.index])
        need?.add(analysis.checks[comparison.left.index], analysis)
        need?.add(analysis.checks[comparison.right.index], analysis)
      case .lookup(let lookup, let ifFound, let ifMissing):
        need = Need.meet(needs[ifFound.index], needs[ifMissing.index])
        need?.add(analysis.checks[lookup.first.index], analysis)
      }
      var kept: [Action] = []
      for action in self[block].actions.reversed() {
        switch action {
        case .evaluate(let value):
          if need?.covers(analysis.checks[value.index]) ?? true { continue }
          need?.add(analysis.checks[value.index], analysis)
        case .assign(_, let value): need?.add(analysis.checks[value.index], analysis)
        }
        kept.append(action)
      }
      if kept.count != self[block].actions.count {
        self[block].actions = kept.reversed()
        hasChanged = true
      }
      needs[block.index] = need
    }
    return hasChanged
  }
}

/// Checks that are certain to be made before a packet is accepted.
private struct Need {
  /// How many bytes are certain to be checked, counted from each base.
  private var captured: [ValueID?: UInt64] = [:]
  private var others: Set<Check> = []

  /// At most this many checks are kept.
  private static let limit = 96

  mutating func add(_ checks: [Check]?, _ analysis: ValueAnalysis) {
    for check in checks ?? [] where captured.count + others.count < Self.limit {
      switch check {
      case .captured(let base, let end):
        captured[base] = max(captured[base] ?? 0, end)
        if let base {
          let total = end + UInt64(analysis.numbers[base.index].minimum)
          captured[ValueID?.none] = max(captured[ValueID?.none] ?? 0, total)
        }
      case .notZero, .ancillary, .impossible: others.insert(check)
      }
    }
  }

  func covers(_ checks: [Check]?) -> Bool {
    guard let checks else { return false }
    return checks.allSatisfy { check in
      switch check {
      case .captured(let base, let end): captured[base].map { $0 >= end } ?? false
      case .notZero, .ancillary, .impossible: others.contains(check)
      }
    }
  }

  static func meet(_ first: Need?, _ second: Need?) -> Need? {
    guard let first, let second else { return first ?? second }
    var result = Need()
    for (base, end) in first.captured {
      if let other = second.captured[base] { result.captured[base] = min(end, other) }
    }
    result.others = first.others.intersection(second.others)
    return result
  }
}
