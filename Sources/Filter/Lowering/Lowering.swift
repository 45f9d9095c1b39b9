import BPF
import PacketCore

/// Turns a syntax tree into a control-flow graph for one link type.
///
/// Primitives are lowered in the order of the text, because some (`vlan`, `mpls`, `pppoes`, `geneve`, `vxlan`) change what the ones
/// after them mean: `layers` holds where the headers are at this place in the text.
struct Lowering {
  let options: CompileOptions
  var graph = ControlFlowGraph()
  /// The values of the graph being built, stored in it at the end.
  let values = ValueBuilder()
  /// Where the headers are for the primitive being lowered.
  var layers: LinkLayer
  /// The words of the primitive being lowered.
  var source: SourceRange?
  /// Of these, the words of the identifier, if there is one. Errors point here, unless the problem is words that cannot be used together.
  var operand: SourceRange?
  /// Numbers stored by one primitive for later ones; they may be assigned on several paths and start as 0.
  private(set) var cells = 0
  /// Of these, the cells that hold where headers of varying length end.
  var places = VariablePlaces()
  /// The comparison that ends the relation being lowered.
  var comparison: Comparison?
  /// Words of the packet that hold addresses, each alone in an array.
  var addressWords = ShortMap<ValueID, [ValueID]>()
  /// True if the primitive being lowered is below an odd number of `not`.
  private(set) var isDenied = false
  /// How many headers a `protochain` follows.
  private(set) var chainLength = longestChain

  private init(_ options: CompileOptions) {
    self.options = options
    layers = LinkLayer(of: options.linkType)
    setVariablePlaces()
  }

  /// The unoptimised graph of `expression`. Nodes in `assumed` are taken to be true or false, but what they change for the terms after them
  /// still applies.
  static func lower(
    _ expression: Expression, _ options: CompileOptions, assuming assumed: [Expression.Index: Bool] = [:]
  ) throws(FilterError) -> ControlFlowGraph {
    try lowered(expression, options, assuming: assumed, keepsContexts: false).graph
  }

  /// The same, with what lowering found out on the way. Nodes in `assumed` are taken to be true or false; a `probe` changes the path
  /// through the terms. Without `keepsContexts`, which only explanations need, a long list of hosts takes half the memory.
  static func lowered(
    _ expression: Expression, _ options: CompileOptions, assuming assumed: [Expression.Index: Bool] = [:],
    probe: TermProbe? = nil, keepsContexts: Bool = true
  ) throws(FilterError) -> LoweredExpression {
    var lowering = Lowering(options)
    var result = LoweredExpression(linkTypeName: lowering.linkTypeName)
    let accept = lowering.graph.add(Block(terminator: .accept(options.snaplen)))
    let reject = lowering.graph.add(Block(terminator: .accept(0)))
    if expression.nodes.isEmpty {
      lowering.graph.entry = accept
      result.graph = lowering.graph
      return result
    }
    var conditions: [Condition?] = []
    conditions.reserveCapacity(expression.nodes.count)
    var questions = 0
    let isDenied = expression.denials
    lowering.chainLength = chainLength(for: expression)
    for (index, node) in expression.nodes.enumerated() {
      if options.isCancelled() { throw .cancelled }
      lowering.source = node.range
      lowering.operand = nil
      lowering.comparison = nil
      lowering.isDenied = isDenied[index]
      if keepsContexts { result.contexts.append(lowering.layers) }
      if case .primitive(let use) = node.kind {
        let condition: Condition
        do throws(FilterError) {
          condition = try lowering.lower(use).reduced
        } catch {
          throw error.withHint(MeaningHints(use, error, at: node.range, options).hint)
        }
        questions += condition.questionCount
        // Gathering turns long lists of alternatives into far fewer blocks, so allow more here.
        guard questions / 4 <= options.maximumBlocks else { throw lowering.tooLarge() }
        conditions.append(condition)
      } else {
        conditions.append(nil)
      }
      if keepsContexts { result.comparisons.append(lowering.comparison) }
    }
    if options.optimize { lowering.gatherAlternatives(expression, &conditions, assumed) }
    result.constants = Self.constants(expression, conditions, assumed)
    result.order = TermOrder(expression, result.constants)
    try lowering.connect(result.order, conditions, probe, accept: accept, reject: reject)
    lowering.graph.entry = lowering.prelude(
      of: LinkLayer(of: options.linkType), before: lowering.graph.entry, reject: reject)
    lowering.graph.values = lowering.values.table
    if keepsContexts { result.questions = lowering.graph.blocks }
    if lowering.cells > 0 {
      lowering.graph.assignOnce(variables: lowering.cells)
      guard lowering.graph.blocks.count <= options.maximumBlocks else { throw lowering.tooLarge() }
    }
    result.graph = lowering.graph
    return result
  }

  /// Adds the blocks of every primitive, last first, so that the blocks they branch to exist already.
  private mutating func connect(
    _ order: TermOrder, _ conditions: [Condition?], _ probe: TermProbe?, accept: BlockID, reject: BlockID
  ) throws(FilterError) {
    var entries = [BlockID](repeating: reject, count: conditions.count)
    /// Where packets go that the expression accepts, and where those go that it rejects.
    var ends = (accept: accept, reject: reject)
    func block(_ exit: TermOrder.Exit) -> BlockID {
      switch exit {
      case .term(let index): entries[index]
      case .accept: ends.accept
      case .reject: ends.reject
      }
    }
    func asked(_ node: Expression.Index, accepting answer: Bool?) -> BlockID {
      guard let condition = conditions[node] else { return reject }
      return graph.add(
        condition, ifTrue: answer == false ? reject : accept, ifFalse: answer == true ? reject : accept)
    }
    switch probe {
    case .answer: ends = (reject, reject)
    case .behindAccepting(let node, let answer): ends = (asked(node, accepting: answer), reject)
    case .behindRejecting(let node, let answer): ends = (reject, asked(node, accepting: answer))
    case .behindBoth(let node, let isTrue):
      guard let condition = conditions[node] else { break }
      if isTrue {
        ends.accept = graph.add(condition, ifTrue: accept, ifFalse: accept)
      } else {
        ends.reject = graph.add(condition, ifTrue: reject, ifFalse: reject)
      }
    case .aloneAnswer(let node, let answer):
      graph.entry = asked(node, accepting: answer)
      return
    case .ignoring, nil: break
    }
    for index in order.terms.reversed() {
      guard let condition = conditions[index] else { continue }
      var (ifTrue, ifFalse) = (block(order.exits[index].ifTrue), block(order.exits[index].ifFalse))
      switch probe {
      case .answer(index, let answer): (ifTrue, ifFalse) = answer ? (accept, reject) : (reject, accept)
      case .ignoring(index, let answer): (ifTrue, ifFalse) = answer ? (ifTrue, ifTrue) : (ifFalse, ifFalse)
      default: break
      }
      entries[index] = graph.add(condition, ifTrue: ifTrue, ifFalse: ifFalse)
      guard graph.blocks.count <= options.maximumBlocks else { throw tooLarge() }
    }
    graph.entry = block(order.entry)
  }

  /// The error for an expression with more tests than a program can hold, whatever the optimiser does with them.
  private func tooLarge() -> FilterError {
    FilterError(
      "the expression needs more than \(options.maximumBlocks) tests, the most instructions a program can have: use fewer terms"
    )
  }

  /// Whether each node is always true or always false. A constant can decide its whole operator, as in `Condition.reduced`.
  private static func constants(
    _ expression: Expression, _ conditions: [Condition?], _ assumed: [Expression.Index: Bool]
  ) -> [Bool?] {
    var constants: [Bool?] = []
    constants.reserveCapacity(expression.nodes.count)
    for (index, node) in expression.nodes.enumerated() {
      let value: Bool?
      switch node.kind {
      case .primitive:
        if case .constant(let constant) = conditions[index] { value = constant } else { value = nil }
      case .not(let inner):
        value = constants[inner].map { !$0 }
      case .and(let left, let right):
        let both = constants[left] == true && constants[right] == true
        value = constants[left] == false || constants[right] == false ? false : both ? true : nil
      case .or(let left, let right):
        let neither = constants[left] == false && constants[right] == false
        value = constants[left] == true || constants[right] == true ? true : neither ? false : nil
      }
      constants.append(assumed[index] ?? value)
    }
    return constants
  }

  private mutating func lower(_ use: PrimitiveUse) throws(FilterError) -> Condition {
    switch use {
    case .abbreviation(let proto): try abbreviation(proto)
    case .identifier(let qualifiers, let identifier): try self.identifier(identifier, qualifiers)
    case .cast(let cast, let proto): try self.cast(cast, of: proto)
    case .word(let primitive, let operand): try primitive.lower(&self, operand)
    case .relation(let left, let sign, let right): try relation(left, sign, right)
    }
  }

  /// The error `message`, pointing at the words of the primitive being lowered.
  func error(_ message: String) -> FilterError { FilterError(message, at: operand ?? source) }

  /// The name, as shown in messages, of the link type that the primitive applies to: PPP after `pppoes`, for example.
  var linkTypeName: String { "DLT_" + (layers.linkType.name ?? "\(layers.linkType.rawValue)") }

  /// The error for a `word` that cannot be used on this link type.
  func unsupported(_ word: String) -> FilterError {
    FilterError("'\(word)' not supported on \(linkTypeName)", at: source)
  }

  // MARK: Values

  mutating func constant(_ number: UInt32) -> ValueID { values.intern(.constant(number)) }

  mutating func arithmetic(_ operation: ArithmeticOperation, _ left: ValueID, _ right: ValueID) -> ValueID {
    values.intern(.arithmetic(operation, left, right))
  }

  mutating func arithmetic(_ operation: ArithmeticOperation, _ left: ValueID, _ right: UInt32) -> ValueID {
    arithmetic(operation, left, constant(right))
  }

  /// The bytes `offset` after `position`.
  mutating func load(_ size: LoadSize, _ position: Position, _ offset: UInt32 = 0) -> ValueID {
    if let base = position.base { places.used.insert(base) }
    let (sum, overflow) = position.offset.addingReportingOverflow(offset)
    if overflow {
      // No packet is that long: the load fails, as it must.
      return values.intern(.load(size, base: constant(offset), offset: position.offset))
    }
    return values.intern(.load(size, base: position.base, offset: sum))
  }

  /// The offset of a position in the packet, as a value.
  mutating func value(of position: Position) -> ValueID {
    guard let base = position.base else { return constant(position.offset) }
    places.used.insert(base)
    return position.offset == 0 ? base : arithmetic(.add, base, position.offset)
  }

  /// A new cell that keeps a number for later primitives.
  mutating func newCell() -> Int {
    cells += 1
    return cells - 1
  }

  mutating func read(_ cell: Int) -> ValueID { values.intern(.variable(cell)) }

  // MARK: Conditions

  func compare(_ left: ValueID, _ relation: Relation, _ right: ValueID) -> Condition {
    .test(.init(comparison: Comparison(relation: relation, left: left, right: right), source: source))
  }

  mutating func compare(_ left: ValueID, _ relation: Relation, _ right: UInt32) -> Condition {
    compare(left, relation, constant(right))
  }

  /// True if the bytes `offset` after `position`, under `mask`, are `number`.
  mutating func equal(_ size: LoadSize, _ position: Position, _ offset: UInt32, mask: UInt32, _ number: UInt32)
    -> Condition
  {
    var value = load(size, position, offset)
    if mask != .max { value = arithmetic(.and, value, mask) }
    return compare(value, .equal, number)
  }

  mutating func equal(_ size: LoadSize, _ position: Position, mask: UInt32, _ number: UInt32) -> Condition {
    equal(size, position, 0, mask: mask, number)
  }

  mutating func equal(_ size: LoadSize, _ position: Position, _ offset: UInt32, _ number: UInt32) -> Condition {
    equal(size, position, offset, mask: .max, number)
  }

  mutating func equal(_ size: LoadSize, _ position: Position, _ number: UInt32) -> Condition {
    equal(size, position, 0, mask: .max, number)
  }
}

/// A table of values that grows in place: a class, so that passing the lowering around does not copy it.
final class ValueBuilder {
  private(set) var table = ValueTable()

  func intern(_ value: Value) -> ValueID { table.intern(value) }

  subscript(identifier: ValueID) -> Value { table[identifier] }
}
