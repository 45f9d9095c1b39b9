import BPF

/// Arithmetic and comparisons. The operators bind as in C: `|`, `&`, shifts, sums, products, from loosest to tightest; but see `tightest`.
extension Parser {
  /// True if `word` begins an arithmetic expression: `len`, or a protocol with `[` after it.
  func isArithmetic(_ word: String) -> Bool {
    if word == "len" || word == "length" { return true }
    return ProtocolName(keyword: word) != nil && peek().kind == .sign(.leftBracket)
  }

  /// A comparison, or a number on its own. `first` is the part of its left side that has been parsed already.
  mutating func parseRelation(startingWith first: Arithmetic?, at start: SourceRange, inherited: Qualifiers?)
    throws(FilterError) -> Part
  {
    var operators = 0
    let left: Arithmetic
    if let first {
      left = try parseArithmetic(minimum: 0, startingWith: first, &operators)
    } else {
      left = try parseArithmetic(minimum: 0, &operators)
    }
    guard case .sign(let sign) = current.kind, let relation = RelationSign(sign) else {
      return .number(left, range(from: start))
    }
    advance()
    operators = 0
    let right = try parseArithmetic(minimum: 0, &operators)
    let index = expression.add(.primitive(.relation(left, relation, right)), at: range(from: start))
    return .test(index, qualifiers: nil)
  }

  private mutating func parseArithmetic(minimum: Int, _ operators: inout Int) throws(FilterError) -> Arithmetic {
    try enter()
    defer { depth -= 1 }
    let left = try parseArithmeticOperand(&operators)
    return try parseArithmetic(minimum: minimum, startingWith: left, &operators)
  }

  /// Precedence climbing: parses operators that bind at least as tightly as `minimum`.
  private mutating func parseArithmetic(
    minimum: Int, startingWith first: Arithmetic, _ operators: inout Int
  ) throws(FilterError) -> Arithmetic {
    var left = first
    while let (operation, precedence) = binaryOperator, precedence >= minimum {
      let place = current.range
      advance()
      let takesAll = precedence == Self.tightest
      let right = try parseArithmetic(minimum: takesAll ? 0 : precedence + 1, &operators)
      try checkConstant(operation, right, at: range(from: place))
      try count(&operators)
      left = .binary(operation, left, right, range: place)
    }
    return left
  }

  private func count(_ operators: inout Int) throws(FilterError) {
    operators += 1
    guard operators <= stack.maximumOperators else {
      throw FilterError("more than \(stack.maximumOperators) operators in one arithmetic expression", at: current.range)
    }
  }

  /// The operator at this position and how tightly it binds.
  private var binaryOperator: (ArithmeticOperation, Int)? {
    guard case .sign(let sign) = current.kind else { return nil }
    return switch sign {
    case .bar: (.or, 1)
    case .ampersand: (.and, 3)
    case .shiftLeft: (.shiftLeft, 4)
    case .shiftRight: (.shiftRight, 4)
    case .plus: (.add, 5)
    case .minus: (.subtract, 5)
    case .star: (.multiply, 6)
    case .slash: (.divide, 6)
    case .caret: (.xor, Self.tightest)
    case .percent: (.modulo, Self.tightest)
    default: nil
    }
  }

  /// libpcap gives `%` and `^` no precedence: they bind their left operand before any other operator does, and take everything after them
  /// as their right operand. `2 * 7 % 4` is `2 * (7 % 4)`, and `7 % 4 + 1` is `7 % (4 + 1)`.
  private static let tightest = 7

  /// Rejects a division by a literal zero and a shift by a literal 32 or more.
  private func checkConstant(_ operation: ArithmeticOperation, _ right: Arithmetic, at range: SourceRange)
    throws(FilterError)
  {
    guard case .number(let number) = right else { return }
    switch operation {
    case .divide where number == 0: throw FilterError("division by zero", at: range)
    case .modulo where number == 0: throw FilterError("modulus by zero", at: range)
    case .shiftLeft where number > 31, .shiftRight where number > 31:
      throw FilterError("shift by more than 31 bits", at: range)
    default: break
    }
  }

  private mutating func parseArithmeticOperand(_ operators: inout Int) throws(FilterError) -> Arithmetic {
    try enter()
    defer { depth -= 1 }
    let start = current.range
    switch current.kind {
    case .number(let number):
      advance()
      return .number(number)
    case .sign(.minus):
      advance()
      let operand = try parseArithmetic(minimum: Self.tightest, &operators)
      try count(&operators)
      return .negate(operand)
    case .sign(.leftParenthesis):
      advance()
      let inner = try parseArithmetic(minimum: 0, &operators)
      try expect(.rightParenthesis, "to close the '(' in column \(start.lowerBound + 1)")
      return inner
    case .word("len"), .word("length"):
      advance()
      return .packetLength
    case .word(let word):
      guard let proto = ProtocolName(keyword: word), peek().kind == .sign(.leftBracket) else {
        throw unexpected("a number, 'len' or a field such as 'ip[2:2]'")
      }
      return try parseAccessor(proto, &operators)
    default:
      throw unexpected("a number, 'len' or a field such as 'ip[2:2]'")
    }
  }

  /// Parses `proto[index]` or `proto[index:size]`, starting at the protocol's name.
  private mutating func parseAccessor(_ proto: ProtocolName, _ operators: inout Int) throws(FilterError) -> Arithmetic {
    let start = current.range
    advance()
    advance()
    let index = try parseArithmetic(minimum: 0, &operators)
    var size = LoadSize.byte
    if take(.colon) {
      guard case .number(let number) = current.kind else { throw unexpected("the number of bytes: 1, 2 or 4") }
      guard let known = UInt8(exactly: number).flatMap(LoadSize.init(rawValue:)) else {
        throw FilterError("data size must be 1, 2, or 4", at: current.range)
      }
      advance()
      size = known
    }
    try expect(.rightBracket, "to close the '['")
    try count(&operators)
    return .accessor(proto, index: index, size: size, range: range(from: start))
  }
}
