public import BPF

/// A filter that gives reasons: which term of the expression accepted or rejected a packet, what it read there, and what it wanted.
///
/// It runs the unoptimised program of the expression, which has the same verdicts as the optimised one, and follows its trace: every
/// instruction belongs to a term, and terms are tested from left to right, only as far as the result needs. So the term tested last
/// decided, or its load, if that failed.
public struct FilterExplanation: Sendable {
  /// A term: one test, with the `not` directly before it.
  public struct Term: Hashable, Sendable {
    /// The words of the term.
    public let range: SourceRange
    /// True if an odd number of `not` belongs to it: then it is true if its test is false.
    let isNegated: Bool
  }

  /// The result of a term for a packet.
  public enum Answer: Hashable, Sendable {
    case isTrue, isFalse
    /// The packet is too short for it, or it divides by zero.
    case failed
  }

  /// A term that was tested for a packet, by its index in `terms`, and the result.
  public struct Asked: Hashable, Sendable {
    public let term: Int
    public let answer: Answer
  }

  /// A verdict, and what decided it.
  public struct Decision: Hashable, Sendable {
    /// What the program returned.
    public let verdict: UInt32
    public let subject: Subject
    /// True if the packet was rejected because a load failed or a division was by zero.
    public let hasFailed: Bool
    /// The terms that were tested, in order.
    public let asked: [Asked]
  }

  /// What decided a verdict.
  public enum Subject: Hashable, Sendable {
    /// The term with this index in `terms`.
    case term(Int)
    /// The headers before those that the expression tests: they are longer than the packet.
    case linkHeader
    /// No term was tested: the expression is empty, or has the same result for all packets of the link type.
    case wholeExpression
  }

  /// Why a packet was accepted or rejected.
  public struct Reason: Sendable {
    public let decision: Decision
    /// What was read and what was wanted.
    public let text: String
    /// The other terms behind the verdict, in the order in which they were tested, and what they read: for a rejected packet those that
    /// could have accepted it instead, for an accepted one those that had to be true as well.
    public let others: [(term: Int, text: String)]
  }

  /// The expression as typed.
  public let expression: String
  /// The terms of the expression, in the order of the text.
  public let terms: [Term]
  /// The program to trace.
  public let program: Program

  private let tree: Expression
  private let lowering: LoweredExpression
  private let code: GeneratedCode
  /// By instruction: the node of the term that it belongs to, or -1.
  private let owners: [Int]
  /// By node: the index of its term.
  private let numbers: [Int]
  /// The nodes that test for processes, whose results were given.
  private let processNodes: [Int]

  /// Compiles `expression` without optimisation. Throws if it is wrong. `answers` are the results of its process tests, in the order of the
  /// text.
  public init(_ expression: String, _ options: CompileOptions, assuming answers: [Bool] = []) throws(FilterError) {
    var options = options
    options.optimize = false
    self.expression = expression
    tree = try Parser.parse(expression)
    var assumed: [Expression.Index: Bool] = [:]
    for ((index, _), answer) in zip(tree.processTests, answers) { assumed[index] = answer }
    processNodes = assumed.keys.sorted()
    lowering = try Lowering.lowered(tree, options, assuming: assumed)
    (program, code) = try FilterCompiler.generate(lowering.graph, optimizing: false)
    let terms = FilterTerms(tree)
    self.terms = terms.list
    numbers = terms.numbers
    owners = code.sources.map { $0.hull.flatMap { terms.nodes[$0] } ?? -1 }
  }

  /// True for a term that tests for a process: its result was given, and what it was based on is not known here.
  public func isProcessTest(_ term: Int) -> Bool { processNodes.contains { numbers[$0] == term } }

  // MARK: What decided

  /// The verdict on a packet and what decided it, without text. The arguments are those of `Interpreter.run`.
  public func decide(_ bytes: RawSpan, len: UInt32) -> Decision {
    var nodes: [Int] = []
    var failed: Int?
    let verdict = program.run(bytes, len: len) { step in
      let owner = owners[step.index]
      if owner >= 0, owner != nodes.last { nodes.append(owner) }
      if step.failure != nil { failed = owner }
    }
    var outcomes = outcomes(nodes, verdict, failed: failed)
    let deciding = processNodes.isEmpty || failed != nil ? [] : decidingTerms(&outcomes)
    return Decision(
      verdict: verdict, subject: subject(failed ?? decidingNode(nodes, deciding), failed != nil),
      hasFailed: failed != nil, asked: answers(nodes, verdict, failed: failed))
  }

  /// The node that was tested last, or the process test that decided instead of it.
  private func decidingNode(_ asked: [Int], _ deciding: Set<Int>) -> Int {
    let last = asked.last ?? -1
    guard !deciding.contains(last), let process = processNodes.last(where: deciding.contains) else { return last }
    return process
  }

  /// By node, whether it was true; nil for nodes that were not tested.
  private func outcomes(_ nodes: [Int], _ verdict: UInt32, failed: Int?) -> [Bool?] {
    var outcomes: [Bool?] = Array(repeating: nil, count: tree.nodes.count)
    for (position, node) in nodes.enumerated() where position < nodes.count - 1 || node != failed {
      outcomes[node] = isTrue(node, at: position, of: nodes, verdict)
    }
    return outcomes
  }

  /// The results of the nodes that were tested, in order.
  private func answers(_ nodes: [Int], _ verdict: UInt32, failed: Int?) -> [Asked] {
    let processes = processNodes.map { node in
      Asked(
        term: numbers[node],
        answer: (lowering.constants[node] ?? false) != terms[numbers[node]].isNegated ? .isTrue : .isFalse)
    }
    return processes
      + nodes.enumerated().map { position, node in
        let term = numbers[node]
        if node == failed, position == nodes.count - 1 { return Asked(term: term, answer: .failed) }
        return Asked(
          term: term,
          answer: isTrue(node, at: position, of: nodes, verdict) != terms[term].isNegated ? .isTrue : .isFalse)
      }
  }

  /// True if the test at this position led to the next one, or to the verdict, because it was true.
  private func isTrue(_ node: Int, at position: Int, of nodes: [Int], _ verdict: UInt32) -> Bool {
    let next: TermOrder.Exit =
      position == nodes.count - 1 ? (verdict != 0 ? .accept : .reject) : .term(nodes[position + 1])
    return lowering.order.exits[node].ifTrue == next
  }

  private func subject(_ node: Int, _ hasFailed: Bool) -> Subject {
    if node >= 0 { return .term(numbers[node]) }
    if hasFailed { return .linkHeader }
    if case .term = lowering.order.entry { return .wholeExpression }
    if let constant = decidingConstant(), lowering.constants[constant] == false || processNodes.contains(constant) {
      return .term(numbers[constant])
    }
    return .wholeExpression
  }

  /// For an expression that is false for every packet of the link type, the first term that makes it so.
  private func decidingConstant() -> Int? {
    guard var node = tree.nodes.indices.last else { return nil }
    while let value = lowering.constants[node] {
      switch tree.nodes[node].kind {
      case .primitive: return node
      case .not(let inner): node = inner
      case .and(let left, let right), .or(let left, let right):
        node = lowering.constants[left] == value ? left : right
      }
    }
    return nil
  }

  // MARK: Why

  /// A comparison that the program made, or a load that failed.
  private struct Question {
    var instruction: Int
    var registers: RegisterValues
    var condition: Bool?
    var failure: ExecutionFailure?
    var access: PacketAccess?
  }

  /// Why a packet was accepted or rejected. The arguments are those of `Interpreter.run`.
  public func explain(_ bytes: RawSpan, len: UInt32) -> Reason {
    /// The terms that were tested, in order, each with its comparisons.
    var asked: [(node: Int, questions: [Question])] = []
    let verdict = program.run(bytes, len: len) { step in
      let owner = owners[step.index]
      if owner < 0, step.failure == nil { return }
      if asked.last?.node != owner { asked.append((owner, [])) }
      guard step.condition != nil || step.failure != nil else { return }
      asked[asked.count - 1].questions.append(
        Question(
          instruction: step.index, registers: step.before, condition: step.condition, failure: step.failure,
          access: step.access))
    }
    guard let last = asked.last else {
      let subject = subject(-1, false)
      let text: String
      switch subject {
      case .term: text = "this is never true on \(lowering.linkTypeName)"
      default: text = tree.nodes.isEmpty ? "no filter" : "true for every packet on \(lowering.linkTypeName)"
      }
      let decision = Decision(
        verdict: verdict, subject: subject, hasFailed: false, asked: answers([], verdict, failed: nil))
      return Reason(decision: decision, text: text, others: [])
    }
    let hasFailed = last.questions.last?.failure != nil
    let nodes = asked.map(\.node).filter { $0 >= 0 }
    var outcomes = outcomes(nodes, verdict, failed: hasFailed ? last.node : nil)
    let text = text(last.node, last.questions, outcomes, bytes, len)
    let deciding = hasFailed ? [] : decidingTerms(&outcomes)
    let node = hasFailed ? last.node : decidingNode(nodes, deciding)
    let decision = Decision(
      verdict: verdict, subject: subject(node, hasFailed), hasFailed: hasFailed,
      asked: answers(nodes, verdict, failed: hasFailed ? last.node : nil))
    if hasFailed { return Reason(decision: decision, text: text, others: []) }
    let others = asked.filter { $0.node >= 0 && $0.node != node && deciding.contains($0.node) }.map { term in
      (numbers[term.node], self.text(term.node, term.questions, outcomes, bytes, len))
    }
    let processes = processNodes.filter { $0 != node && deciding.contains($0) }.map { (numbers[$0], "") }
    return Reason(decision: decision, text: node == last.node ? text : "", others: processes + others)
  }

  /// The terms that decided the verdict: both sides of an `or` that is false and of an `and` that is true, otherwise the side that decided.
  /// `outcomes` holds the results of the terms that were tested; the others are filled in.
  private func decidingTerms(_ outcomes: inout [Bool?]) -> Set<Int> {
    for (index, node) in tree.nodes.enumerated() {
      switch node.kind {
      case .primitive: outcomes[index] = lowering.constants[index] ?? outcomes[index]
      case .not(let inner): outcomes[index] = outcomes[inner].map { !$0 }
      case .and(let left, let right):
        outcomes[index] = outcomes[left] == false ? false : outcomes[right]
      case .or(let left, let right):
        outcomes[index] = outcomes[left] == true ? true : outcomes[right]
      }
    }
    var deciding: Set<Int> = []
    var open = tree.nodes.indices.last.map { [$0] } ?? []
    while let index = open.popLast() {
      switch tree.nodes[index].kind {
      case .primitive: deciding.insert(index)
      case .not(let inner): open.append(inner)
      case .and(let left, let right), .or(let left, let right):
        let isAnd = if case .and = tree.nodes[index].kind { true } else { false }
        // The result that one side can decide alone: false for `and`, true for `or`.
        if outcomes[index] == !isAnd {
          open.append(outcomes[left] == outcomes[index] ? left : right)
        } else {
          open += [left, right]
        }
      }
    }
    return deciding
  }

  /// Why a term is true or false, or what it failed at.
  private func text(
    _ node: Int, _ questions: [Question], _ outcomes: [Bool?], _ bytes: RawSpan, _ len: UInt32
  ) -> String {
    guard node >= 0 else { return failure(questions.last, "its link-layer header", bytes, len) }
    var namer = FieldNamer(lowering.graph.values, lowering.contexts[node])
    if isProtochain(node) { namer.kept = FieldName(name: "next header", form: .ipProtocol) }
    var readings: [Reading] = []
    for question in questions {
      if question.failure != nil { return failure(question, name(failedAt: question, namer), bytes, len) }
      if let reading = reading(question, node, &namer, bytes, len) { readings.append(reading) }
    }
    let value = outcomes[node] ?? false
    let isDenied = lowering.order.isDenied[node]
    switch (value, isDenied) {
    case (false, false): return Reading.refusal(Reading.decisive(readings), conjunction: "wanted")
    case (false, true): return Reading.refusal(Reading.decisive(readings), conjunction: "not")
    case (true, _):
      guard let last = readings.last(where: \.isHeld) ?? readings.last else { return "it holds" }
      let what =
        last.requirement == .equal || last.requirement == .anyBits || last.requirement == .noBits
        ? "\(last.field) is \(last.number)" : "\(last.field) is \(last.number), \(last.wanted)"
      return isDenied ? "\(what), which 'not' excludes" : what
    }
  }

  private func isProtochain(_ node: Int) -> Bool {
    guard case .primitive(.identifier(let qualifiers, _)) = tree.nodes[node].kind else { return false }
    return qualifiers.kind == .protochain
  }

  private func reading(
    _ question: Question, _ node: Int, _ namer: inout FieldNamer, _ bytes: RawSpan, _ len: UInt32
  ) -> Reading? {
    let block = code.blocks[question.instruction]
    guard let condition = question.condition, block.index < lowering.questions.count,
      case .branch(let comparison, _, _) = lowering.questions[block.index].terminator
    else { return nil }
    let values = lowering.graph.values
    let outcome = condition != code.isInverted[question.instruction]
    defer { namer.assume(comparison, outcome) }
    var (left, right) = (comparison.left, comparison.right)
    // A constant on the left is what the right side was compared with.
    var isFlipped = false
    if case .constant = values[left] {
      if case .constant = values[right] {
      } else {
        swap(&left, &right)
        isFlipped = true
      }
    }
    let number: UInt32
    if case .constant = values[right] {
      number = question.registers.a
    } else {
      number = values.number(of: left, bytes, len: len) ?? question.registers.a
    }
    var field = namer.name(left)
    var operand: String
    if comparison == lowering.comparisons[node], let sides = sides(of: node) {
      // A comparison from the expression itself is shown in its own words.
      field.name = isFlipped ? sides.right : sides.left
      operand = isFlipped ? sides.left : sides.right
      if case .constant(let constant) = values[right] {
        if UInt32(operand) == nil { operand += " (\(field.form.text(constant)))" }
        if field.form == .etherType || field.form == .ipProtocol, UInt32(operand) != nil {
          operand = field.form.text(constant)
        }
      } else if let other = values.number(of: right, bytes, len: len) {
        operand += " (\(other))"
      }
    } else if case .constant(let constant) = values[right] {
      operand =
        comparison.relation == .anyBitsSet ? FieldName.Form.hexadecimal.text(constant) : field.form.text(constant)
    } else {
      operand = namer.name(right).name
      if let other = values.number(of: right, bytes, len: len) { operand += " (\(other))" }
    }
    let wanted = lowering.questions[block.index].wanted
    var requirement = Reading.Requirement(comparison.relation, wanted, flipped: isFlipped)
    var text = field.form.text(number)
    if comparison.relation == .anyBitsSet, case .constant(let mask) = values[right] {
      if mask == 0x1fff, field.name == "ip fragment bits" {
        (field.name, text, operand, requirement) = ("ip fragment offset", "\(8 * (number & mask))", "0", .equal)
      } else if field.form == .decimal {
        text = FieldName.Form.hexadecimal.text(number)
      }
    }
    return Reading(
      value: left, field: field.name, number: text, requirement: requirement, operand: operand,
      isHeld: outcome == wanted)
  }

  /// The text on both sides of a relation's sign.
  private func sides(of node: Int) -> (left: String, right: String)? {
    let range = tree.nodes[node].range
    let text = Array(expression.utf8)[range.lowerBound..<range.upperBound]
    guard let tokens = try? Lexer.tokens(of: String(decoding: text, as: UTF8.self)) else { return nil }
    for token in tokens {
      guard case .sign(let sign) = token.kind, RelationSign(sign) != nil else { continue }
      func words(_ octets: ArraySlice<UInt8>) -> String {
        String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
      }
      let start = text.startIndex
      return (words(text[..<(start + token.range.lowerBound)]), words(text[(start + token.range.upperBound)...]))
    }
    return nil
  }

  // MARK: Loads that fail

  /// The name of the bytes that the packet does not have.
  private func name(failedAt question: Question, _ namer: FieldNamer) -> String {
    let block = code.blocks[question.instruction]
    let instruction = program.instructions[question.instruction]
    guard block.index < lowering.questions.count, let access = question.access else { return "the filter" }
    let values = lowering.graph.values
    let asked = lowering.questions[block.index]
    var open = asked.terminator.values
    for action in asked.actions {
      switch action {
      case .evaluate(let value), .assign(_, let value): open.append(value)
      }
    }
    var seen: Set<ValueID> = []
    while let value = open.popLast() {
      guard seen.insert(value).inserted else { continue }
      if case .load(let size, _, let offset) = values[value], Int(size.rawValue) == access.size, offset == instruction.k
      {
        return namer.name(value).name
      }
      open += values[value].operands
    }
    return "byte \(access.offset)"
  }

  /// `packet has 54 bytes, tcp[100] needs 155`
  private func failure(_ question: Question?, _ name: String, _ bytes: RawSpan, _ len: UInt32) -> String {
    switch question?.failure {
    case .ancillary(let ancillary): return "only the kernel knows [\(ancillary.name)]"
    case .divisionByZero: return "division by zero"
    case .outsidePacket, nil:
      let there = bytes.byteCount
      let what =
        there < Int(len)
        ? "\(there) of \(len) bytes were captured" : "packet has \(there) byte\(there == 1 ? "" : "s")"
      let needed = question?.access.map { $0.offset &+ UInt64($0.size) } ?? 0
      return "\(what), \(name) needs \(needed)"
    }
  }
}
