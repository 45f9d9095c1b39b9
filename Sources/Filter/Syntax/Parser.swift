import BPF
import PacketCore

/// Builds the syntax tree of an expression. The grammar is that of pcap-filter(7): `and` and `or` have the same precedence and
/// associate to the left, `not` binds tighter, and a bare identifier after `and` or `or` takes the qualifiers of the test before.
struct Parser {
  /// The maximum nesting depth of parentheses and `[`, if the stack has room for it.
  static let maximumDepth = 256
  /// The maximum number of tests in an expression.
  static let maximumTerms = 1 << 19

  /// How the message ends for a number that is not compared.
  static let comparesNothing = "this number is not compared with anything"

  let tokens: [Token]
  /// The text of the expression.
  let text: [UInt8]
  var position = 0
  var depth = 0
  var expression = Expression()
  let stack = StackLimit()
  /// How many more tests are allowed.
  private var termsLeft: Int

  private init(_ tokens: [Token], _ text: String, maximumTerms: Int) {
    self.tokens = tokens
    termsLeft = maximumTerms
    self.text = Array(text.utf8)
  }

  /// The tree of `text`; it has no nodes where the text is empty.
  static func parse(_ text: String, maximumTerms: Int = Self.maximumTerms) throws(FilterError) -> Expression {
    let (tokens, lexicalError) = Lexer.scan(text)
    var parser = Parser(tokens, text, maximumTerms: maximumTerms)
    do throws(FilterError) {
      try parser.parseAll()
      if let lexicalError { throw lexicalError }
      return parser.expression
    } catch {
      // Of two errors, report the first in the text. A parser error at the end of the tokens is a consequence of the lexer's error.
      let first = parser.current.kind == .end ? lexicalError ?? error : error
      throw first.withHint(SyntaxHints(tokens, parser.text, first).hint).with(kind: .syntax)
    }
  }

  private mutating func parseAll() throws(FilterError) {
    if current.kind == .end { return }
    _ = try parseExpression(inherited: nil)
    if isSign(.rightParenthesis) {
      throw FilterError("\(Lexer.syntaxError): there is no '(' for this ')'", at: current.range)
    }
    guard current.kind == .end else { throw unexpected("'and', 'or' or the end of the expression") }
  }

  // MARK: Tokens

  var current: Token { tokens[min(position, tokens.count - 1)] }
  func peek(_ distance: Int = 1) -> Token { tokens[min(position + distance, tokens.count - 1)] }
  mutating func advance() { position = min(position + 1, tokens.count - 1) }

  /// The keyword at this position; nil if the token is a name, a number or a sign.
  var keyword: String? {
    if case .word(let text) = current.kind { text } else { nil }
  }

  func isSign(_ sign: Token.Sign) -> Bool { current.kind == .sign(sign) }

  mutating func take(_ sign: Token.Sign) -> Bool {
    guard isSign(sign) else { return false }
    advance()
    return true
  }

  mutating func take(keyword word: String) -> Bool {
    guard keyword == word else { return false }
    advance()
    return true
  }

  mutating func expect(_ sign: Token.Sign, _ why: String) throws(FilterError) {
    guard take(sign) else { throw unexpected("'\(sign.rawValue)' \(why)") }
  }

  /// The range from `start` to the last token consumed.
  func range(from start: SourceRange) -> SourceRange {
    position > 0 ? start.union(tokens[min(position, tokens.count) - 1].range) : start
  }

  /// Enters one more level of nesting.
  mutating func enter() throws(FilterError) {
    depth += 1
    guard depth <= Self.maximumDepth else {
      throw FilterError("expression is nested deeper than \(Self.maximumDepth) levels", at: current.range)
    }
    guard !stack.isReached else {
      throw FilterError(
        "expression is nested deeper than \(depth - 1) levels, for which the stack has room: raise ulimit -s",
        at: current.range)
    }
  }

  /// The error that something other than `expected` was found.
  func unexpected(_ expected: String) -> FilterError {
    FilterError("\(Lexer.syntaxError): expected \(expected)", at: current.range)
  }

  // MARK: and, or, not

  /// The result of parsing part of an expression.
  enum Part {
    /// A test; `qualifiers` are what a bare identifier after it inherits, nil if there are none.
    case test(Expression.Index, qualifiers: Qualifiers?)
    /// Only bare identifiers with inherited qualifiers: `(80 or 443)`.
    case identifiers(Expression.Index, qualifiers: Qualifiers)
    /// A number that has not been compared with anything yet.
    case number(Arithmetic, SourceRange)
  }

  /// A chain of tests joined by `and` and `or`. `inherited` are the qualifiers for a bare identifier at its beginning.
  mutating func parseExpression(inherited: Qualifiers?) throws(FilterError) -> Part {
    try enter()
    defer { depth -= 1 }
    var left = try parseOperand(inherited: inherited)
    while let isAnd = takeConnective() {
      let (leftIndex, qualifiers, onlyIdentifiers) = try finish(left, inherited: inherited)
      let start = current.range
      let right = try parseOperand(inherited: qualifiers)
      let (rightIndex, after, rightIdentifiers) = try finish(right, inherited: qualifiers)
      if onlyIdentifiers, !rightIdentifiers {
        throw FilterError(
          "\(Lexer.syntaxError): only identifiers can be listed here, not a test with words of its own",
          at: range(from: start))
      }
      let whole = expression.nodes[leftIndex].range.union(expression.nodes[rightIndex].range)
      let index = expression.add(isAnd ? .and(leftIndex, rightIndex) : .or(leftIndex, rightIndex), at: whole)
      if onlyIdentifiers, let qualifiers {
        left = .identifiers(index, qualifiers: qualifiers)
      } else {
        left = .test(index, qualifiers: after)
      }
    }
    if depth > 1, case .number = left { return left }
    let (index, qualifiers, onlyIdentifiers) = try finish(left, inherited: inherited)
    if onlyIdentifiers, let qualifiers { return .identifiers(index, qualifiers: qualifiers) }
    return .test(index, qualifiers: qualifiers)
  }

  /// Consumes `and` or `or`; true for `and`, nil if the token is neither.
  private mutating func takeConnective() -> Bool? {
    if take(.and) || take(keyword: "and") { return true }
    if take(.or) || take(keyword: "or") { return false }
    return nil
  }

  /// Turns a part into a test: a number on its own is an identifier with the inherited qualifiers.
  private mutating func finish(_ part: Part, inherited: Qualifiers?) throws(FilterError) -> (
    Expression.Index, Qualifiers?, Bool
  ) {
    switch part {
    case .test(let index, let qualifiers):
      return (index, qualifiers, false)
    case .identifiers(let index, let qualifiers):
      return (index, qualifiers, true)
    case .number(let value, let range):
      guard case .number(let number) = value else {
        throw FilterError("\(Lexer.syntaxError): \(Self.comparesNothing)", at: range)
      }
      guard let inherited else { throw bareIdentifier(at: range) }
      let written = String(decoding: text[range.lowerBound..<range.upperBound], as: UTF8.self)
      let identifier = Identifier(value: .number(number), text: written, range: range)
      return (expression.add(.primitive(.identifier(inherited, identifier)), at: range), inherited, true)
    }
  }

  /// The error for an identifier that has no qualifiers and inherits none.
  private func bareIdentifier(at range: SourceRange) -> FilterError {
    FilterError("\(Lexer.syntaxError): a value needs 'host', 'net' or 'port' before it", at: range)
  }

  /// One test, with any `not` before it.
  mutating func parseOperand(inherited: Qualifiers?) throws(FilterError) -> Part {
    let start = current.range
    var negations = 0
    while take(.not) || take(keyword: "not") { negations += 1 }
    let part = try parsePart(inherited: inherited)
    guard negations > 0 else { return part }
    let (index, qualifiers, onlyIdentifiers) = try finish(part, inherited: inherited)
    var result = index
    if negations % 2 == 1 { result = expression.add(.not(index), at: range(from: start)) }
    if onlyIdentifiers, let qualifiers { return .identifiers(result, qualifiers: qualifiers) }
    return .test(result, qualifiers: qualifiers)
  }

  private mutating func parsePart(inherited: Qualifiers?) throws(FilterError) -> Part {
    let start = current.range
    // A pair of parentheses counts towards the limit as well as the test in it.
    termsLeft -= 1
    guard termsLeft >= 0 else {
      throw FilterError(
        "expression is too long: at most \(Self.maximumTerms) tests; networks and port ranges replace many",
        at: start)
    }
    switch current.kind {
    case .sign(.leftParenthesis):
      advance()
      let inner = try parseExpression(inherited: inherited)
      try expect(.rightParenthesis, "to close the '(' in column \(start.lowerBound + 1)")
      switch inner {
      // A test after the parentheses inherits the qualifiers from before them: `port 80 or (udp) or 53`.
      case .test(let index, _): return .test(index, qualifiers: inherited)
      case .identifiers: return inner
      case .number(let value, _): return try parseRelation(startingWith: value, at: start, inherited: inherited)
      }
    case .number, .sign(.minus):
      return try parseRelation(startingWith: nil, at: start, inherited: inherited)
    case .dotted, .ipv6, .mac, .octetAddress, .escaped:
      guard let inherited else { throw bareIdentifier(at: start) }
      return try identifierPart(inherited)
    case .word(let word):
      if isArithmetic(word) { return try parseRelation(startingWith: nil, at: start, inherited: inherited) }
      if let part = try parsePrimitive(word) { return part }
      if word == "and" || word == "or" { throw unexpectedTest() }
      guard let inherited else { throw bareName(word, at: start) }
      return try identifierPart(inherited)
    case .sign, .end:
      throw unexpectedTest()
    }
  }

  private func unexpectedTest() -> FilterError { unexpected("a test such as 'tcp' or 'port 80'") }

  /// The error for a word that is not a keyword and has no qualifiers.
  private func bareName(_ word: String, at range: SourceRange) -> FilterError {
    FilterError(
      "\(Lexer.syntaxError): '\(word)' is not a keyword, and a name needs 'host', 'net' or 'port' before it", at: range)
  }

  private mutating func identifierPart(_ qualifiers: Qualifiers) throws(FilterError) -> Part {
    let identifier = try parseIdentifier()
    let index = expression.add(.primitive(.identifier(qualifiers, identifier)), at: identifier.range)
    return .identifiers(index, qualifiers: qualifiers)
  }

  /// The test of a qualifier's identifiers: one, or a list in parentheses, with any `not` before it.
  mutating func parseIdentifiers(_ qualifiers: Qualifiers, from start: SourceRange) throws(FilterError) -> Part {
    let negations = countNegations()
    let result: Expression.Index
    if isSign(.leftParenthesis) {
      let opening = current.range
      advance()
      let inner = try parseExpression(inherited: qualifiers)
      try expect(.rightParenthesis, "to close the '(' in column \(opening.lowerBound + 1)")
      let (index, _, onlyIdentifiers) = try finish(inner, inherited: qualifiers)
      guard onlyIdentifiers else {
        throw FilterError(
          "\(Lexer.syntaxError): only identifiers can be listed here, not a test with words of its own",
          at: expression.nodes[index].range)
      }
      result = index
    } else {
      let identifier = try parseIdentifier()
      result = expression.add(.primitive(.identifier(qualifiers, identifier)), at: range(from: start))
    }
    guard negations % 2 == 1 else { return .test(result, qualifiers: qualifiers) }
    return .test(expression.add(.not(result), at: range(from: start)), qualifiers: qualifiers)
  }

  private mutating func countNegations() -> Int {
    var count = 0
    while take(.not) || take(keyword: "not") { count += 1 }
    return count
  }
}
