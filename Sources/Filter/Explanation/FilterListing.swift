public import BPF
import PacketCore

/// A compiled filter for people to read: its program, and for each conditional jump the condition in terms of protocols.
public struct FilterListing: Sendable {
  /// The expression; empty for a program that comes from elsewhere.
  public let expression: String
  public let program: Program
  /// For each instruction the condition of a conditional jump, such as `ethertype == 0x0800 (IPv4)`; nil for other instructions.
  public let conditions: [String?]

  /// Compiles an expression. Throws if it is wrong.
  public init(_ expression: String, _ options: CompileOptions) throws(FilterError) {
    let tree = try Parser.parse(expression)
    let lowering = try Lowering.lowered(tree, options)
    var graph = lowering.graph
    if options.optimize {
      Optimizer.optimize(&graph)
      if options.snaplen > 0, graph.rejectsAll { throw Contradiction.error(in: tree, options) }
    }
    let (program, code) = try FilterCompiler.generate(graph, optimizing: options.optimize)
    self.expression = expression
    self.program = program
    let namer = ConditionNamer(graph, tree, lowering.contexts)
    conditions = program.instructions.indices.map { index in
      guard program.instructions[index].opcode?.isConditionalJump == true else { return nil }
      return namer.condition(of: code.blocks[index], isInverted: code.isInverted[index])
        ?? program.instructions[index].condition
    }
  }

  /// A program of which only the instructions are known.
  public init(_ program: Program) {
    expression = ""
    self.program = program
    var loaded: Instruction?
    conditions = program.instructions.map { instruction in
      guard let opcode = instruction.opcode else { return nil }
      if opcode.isConditionalJump {
        guard let place = loaded?.place, let condition = instruction.condition else { return instruction.condition }
        return condition.replacing(text: "A ", with: place + " ", maxReplacements: 1)
      }
      // The value in A is tracked only across jumps.
      loaded = opcode.facts.writes.contains(.a) ? (instruction.place == nil ? nil : instruction) : loaded
      return nil
    }
  }

  /// The words that an instruction implements, on one line; empty if they are not known.
  public func words(of index: Int, limit: Int = 60) -> String {
    guard index < program.sources.count else { return "" }
    let words = program.sources[index].ranges.map { SourceExcerpt.words($0, of: expression, limit: limit) }
    let line = words.joined(separator: " | ")
    return line.count > limit ? line.prefix(limit - 1) + "…" : line
  }
}

extension Instruction {
  /// The condition of a jump in terms of the registers.
  fileprivate var condition: String? {
    let x = "X"
    let number = k < 10 ? "\(k)" : "0x" + String(k, radix: 16)
    return switch opcode {
    case .jeqK: "A == \(number)"
    case .jeqX: "A == \(x)"
    case .jgtK: "A > \(number)"
    case .jgtX: "A > \(x)"
    case .jgeK: "A >= \(number)"
    case .jgeX: "A >= \(x)"
    case .jsetK: "A & \(number) != 0"
    case .jsetX: "A & \(x) != 0"
    default: nil
    }
  }

  /// The bytes that a load reads, or `len`; nil for anything but a load into A.
  fileprivate var place: String? {
    switch opcode {
    case .ldAbs: "[\(k):4]"
    case .ldhAbs: "[\(k):2]"
    case .ldbAbs: "[\(k)]"
    case .ldInd: "[x + \(k):4]"
    case .ldhInd: "[x + \(k):2]"
    case .ldbInd: "[x + \(k)]"
    case .ldLen: "len"
    default: nil
    }
  }
}

/// Names the conditions of a graph's blocks, given what is known about packets that reach them.
private struct ConditionNamer {
  private let graph: ControlFlowGraph
  private let contexts: [LinkLayer]
  /// Ranges of the primitives, in the order of the text, and their nodes.
  private var primitives: [(range: SourceRange, node: Int)] = []
  /// By block: the values known to have one of a few numbers for every packet that reaches it; nil if no packet does.
  private var known: [[ValueID: Set<UInt32>]?]

  /// A value that may have more numbers than this is not tracked.
  private static let mostNumbers = 16

  init(_ graph: ControlFlowGraph, _ tree: Expression, _ contexts: [LinkLayer]) {
    self.graph = graph
    self.contexts = contexts
    for (index, node) in tree.nodes.enumerated() {
      if case .primitive = node.kind { primitives.append((node.range, index)) }
    }
    known = Array(repeating: nil, count: graph.blocks.count)
    guard let first = contexts.first else { return }
    known[graph.entry.index] = [:]
    for block in graph.topologicalOrder() {
      guard let here = known[block.index] else { continue }
      var namer = FieldNamer(graph.values, first)
      switch graph[block].terminator {
      case .branch(let comparison, let ifTrue, let ifFalse):
        for (target, outcome) in [(ifTrue, true), (ifFalse, false)] {
          namer.known = here
          namer.assume(comparison, outcome)
          arrive(at: target, namer.known)
        }
      case .lookup(_, let ifFound, let ifMissing):
        arrive(at: ifFound, here)
        arrive(at: ifMissing, here)
      case .jump(let target): arrive(at: target, here)
      case .accept: break
      }
    }
  }

  private mutating func arrive(at block: BlockID, _ facts: [ValueID: Set<UInt32>]) {
    guard let before = known[block.index] else {
      known[block.index] = facts
      return
    }
    var both: [ValueID: Set<UInt32>] = [:]
    for (value, numbers) in before {
      guard let others = facts[value] else { continue }
      let union = numbers.union(others)
      if union.count <= Self.mostNumbers { both[value] = union }
    }
    known[block.index] = both
  }

  /// The condition of the jump at the end of `block`; with `isInverted` the opposite of the comparison.
  func condition(of block: BlockID, isInverted: Bool) -> String? {
    guard block.index < graph.blocks.count, case .branch(let comparison, _, _) = graph[block].terminator,
      let context = context(of: graph[block].source)
    else { return nil }
    var namer = FieldNamer(graph.values, context)
    namer.known = known[block.index] ?? [:]
    return namer.condition(comparison, holds: !isInverted)
  }

  /// Where the headers are for the first of the terms that a block implements.
  private func context(of source: SourceWords) -> LinkLayer? {
    guard let range = source.ranges.first else { return contexts.first }
    let served = primitives.first { $0.range.lowerBound >= range.lowerBound && $0.range.upperBound <= range.upperBound }
    return served.map { contexts[$0.node] } ?? contexts.first
  }
}

extension FieldNamer {
  /// A comparison in words, or its opposite.
  func condition(_ comparison: Comparison, holds: Bool) -> String {
    var (left, right) = (comparison.left, comparison.right)
    var isFlipped = false
    if case .constant = values[left] {
      swap(&left, &right)
      isFlipped = true
    }
    let field = name(left)
    let requirement = Reading.Requirement(comparison.relation, holds, flipped: isFlipped)
    let operand: String
    if case .constant(let number) = values[right] {
      switch requirement {
      case .anyBits, .noBits:
        let sign = requirement == .anyBits ? "!=" : "=="
        if field.name == "ip fragment bits", number == 0x1fff { return "ip fragment offset \(sign) 0" }
        return "\(field.name) & \(FieldName.Form.hexadecimal.text(number)) \(sign) 0"
      default: operand = field.form.text(number)
      }
    } else {
      operand = name(right).name
    }
    switch requirement {
    case .equal: return "\(field.name) == \(operand)"
    case .anyBits: return "\(field.name) & \(operand) != 0"
    case .noBits: return "\(field.name) & \(operand) == 0"
    default: return "\(field.name) \(requirement.sign)\(operand)"
    }
  }
}
