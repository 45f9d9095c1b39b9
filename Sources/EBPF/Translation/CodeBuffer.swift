import BPF

/// A position in code that is still being written, for jumps to lead to.
struct Label: Hashable, Sendable, BitwiseCopyable {
  fileprivate let number: Int
}

/// Code with jumps to positions that are not known yet.
struct CodeBuffer {
  private enum Item {
    case operation(Operation)
    case branch(Operation.Condition, Operation.Width, Register, Operation.Operand, Label)
    case jump(Label)
  }

  private var items: [(item: Item, source: SourceRange?)] = []
  /// For each label the index of the item that follows it; nil if it has not been placed.
  private var places: [Int?] = []
  /// The words of the expression that the code being written comes from.
  var source: SourceRange?

  mutating func makeLabel() -> Label {
    places.append(nil)
    return Label(number: places.count - 1)
  }

  /// Places the label before the next item.
  mutating func place(_ label: Label) { places[label.number] = items.count }

  mutating func append(_ operation: Operation) { items.append((.operation(operation), source)) }
  mutating func jump(to label: Label) { items.append((.jump(label), source)) }

  mutating func branch(
    _ condition: Operation.Condition, _ width: Operation.Width, _ register: Register, _ operand: Operation.Operand,
    to label: Label
  ) {
    items.append((.branch(condition, width, register, operand, label), source))
  }

  // MARK: Instructions

  /// The forms of a jump: a short distance fits into 16 bits; a long form adds a jump with a 32-bit distance.
  private enum Form {
    case short
    case long
  }

  /// The program. Throws if it is invalid, for example too long.
  func program() throws(EBPFProgramError) -> EBPFProgram {
    var forms = [Form](repeating: .short, count: items.count)
    var starts = starts(forms)
    while lengthen(&forms, starts) { starts = self.starts(forms) }
    var instructions: [EncodedInstruction] = []
    var sources: [SourceRange?] = []
    for (index, (item, source)) in items.enumerated() {
      for operation in operations(item, at: index, forms[index], starts) { instructions += operation.encoded }
      sources += repeatElement(source, count: instructions.count - sources.count)
    }
    return try EBPFProgram(validating: instructions, sources: sources)
  }

  /// The start of each item, and the end of the last one.
  private func starts(_ forms: [Form]) -> [Int] {
    var starts = [0]
    starts.reserveCapacity(items.count + 1)
    for (index, (item, _)) in items.enumerated() {
      let size =
        switch item {
        case .operation(let operation): operation.isWide ? 2 : 1
        case .jump: 1
        case .branch(let condition, _, _, _, _): forms[index] == .short ? 1 : condition.opposite == nil ? 3 : 2
        }
      starts.append(starts[index] + size)
    }
    return starts
  }

  private func target(_ label: Label, _ starts: [Int]) -> Int {
    guard let place = places[label.number] else {
      preconditionFailure(
        "every label that is jumped to is placed: reject at the end, others with what they stand before")
    }
    return starts[place]
  }

  /// Switches jumps that reach too far to the long form. True if there were any: then other jumps may reach too far now.
  private func lengthen(_ forms: inout [Form], _ starts: [Int]) -> Bool {
    var changed = false
    for (index, (item, _)) in items.enumerated() where forms[index] == .short {
      switch item {
      case .operation: continue
      case .jump(let label), .branch(_, _, _, _, let label):
        guard Int16(exactly: target(label, starts) - starts[index] - 1) == nil else { continue }
        forms[index] = .long
        changed = true
      }
    }
    return changed
  }

  private func operations(_ item: Item, at index: Int, _ form: Form, _ starts: [Int]) -> [Operation] {
    switch item {
    case .operation(let operation): return [operation]
    case .jump(let label):
      return [.jump(distance: Int32(target(label, starts) - starts[index] - 1), isLong: form == .long)]
    case .branch(let condition, let width, let register, let operand, let label):
      let target = target(label, starts)
      if form == .short {
        return [.branch(condition, width, register, operand, distance: Int16(target - starts[index] - 1))]
      }
      let long = Operation.jump(distance: Int32(target - starts[index + 1]), isLong: true)
      if let opposite = condition.opposite { return [.branch(opposite, width, register, operand, distance: 1), long] }
      return [
        .branch(condition, width, register, operand, distance: 1), .jump(distance: 1, isLong: false), long,
      ]
    }
  }
}

extension Operation.Condition {
  /// The condition that holds exactly if this one does not; nil if the machine does not have it.
  var opposite: Operation.Condition? {
    switch self {
    case .jeq: .jne
    case .jne: .jeq
    case .jgt: .jle
    case .jle: .jgt
    case .jge: .jlt
    case .jlt: .jge
    case .jset: nil
    case .jsgt: .jsle
    case .jsle: .jsgt
    case .jsge: .jslt
    case .jslt: .jsge
    }
  }
}
