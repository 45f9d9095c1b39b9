/// A keyword that is a test by itself, with what may follow it. One row describes it for the parser, for lowering and for help.
struct Primitive: Sendable {
  /// What may follow the keyword.
  enum Shape: Sendable {
    case nothing
    case number(String)
    case optionalNumber(String)
    /// A number, one of `byteSigns`, a number: `byte 8 & 1`.
    case byteTest
    /// One of these words, or nothing.
    case optionalWord([String])
    /// A name: one of these, or any name if the list is empty.
    case name([String])
    /// A number up to the maximum, a comparison with one, or a list of them: `opc 5`, `opc > 5`, `opc (5 or 6)`.
    case comparison(maximum: UInt32)
    /// A value to compare the packet's process with.
    case process(ProcessField)
    /// The type of an IEEE 802.11 frame and perhaps `subtype`; the subtype alone; the direction.
    case frameType, frameSubtype, frameDirection
  }

  /// Its keywords, the common one first.
  let keywords: [String]
  let shape: Shape
  /// A line of help.
  let help: String
  /// True if `link`, `wlan` or another name of the link layer may precede it.
  var followsLink = false
  /// Builds the test.
  let lower: @Sendable (inout Lowering, Operand) throws(FilterError) -> Condition

  /// The row of a keyword; nil if there is none.
  static func named(_ keyword: String) -> Primitive? { byKeyword[keyword] }

  private static let byKeyword: [String: Primitive] = {
    var result: [String: Primitive] = [:]
    for primitive in all {
      for keyword in primitive.keywords { result[keyword] = primitive }
    }
    return result
  }()

  /// Every row.
  static let all: [Primitive] = [
    .less, .greater, .byte, .inbound, .outbound, .ifindex, .vlan, .mpls, .pppoed, .pppoes, .geneve, .vxlan, .llc,
    .frameType, .frameSubtype, .frameDirection,
    .processID, .processName, .processUser, .controlGroup, .container,
    .pfInterface, .pfRuleset, .pfRule, .pfSubrule, .pfReason, .pfAction,
    .vpi, .vci, .lane, .oamf4sc, .oamf4ec, .oamf4, .metac, .bcc, .sc, .ilmic, .connectmsg, .metaconnect,
    .fisu, .lssu, .msu, .hfisu, .hlssu, .hmsu, .sio, .dpc, .opc, .sls, .hsio, .hdpc, .hopc, .hsls,
  ]
}

/// What followed a primitive's keyword.
enum Operand: Sendable {
  case nothing
  case number(UInt32)
  case word(String)
  case byteTest(offset: UInt32, Token.Sign, UInt32)
  case comparisons([NumberTest])
  /// IEEE 802.11 type and subtype, in the first byte of the frame: the mask of the bits to compare, and their value.
  case frame(mask: UInt32, UInt32)
  case process(ProcessTest)

  struct NumberTest: Sendable {
    var sign: RelationSign
    var number: UInt32
  }
}

extension Parser {
  /// Parses the operand of `primitive`, whose keyword has been consumed.
  mutating func parseOperand(of primitive: Primitive, keyword: String) throws(FilterError) -> Operand {
    switch primitive.shape {
    case .nothing:
      return .nothing
    case .number(let what):
      guard case .number(let number) = current.kind else { throw unexpected("\(what) after '\(keyword)'") }
      advance()
      return .number(number)
    case .optionalNumber(let what):
      switch current.kind {
      case .number: return .number(try parseNumber(what))
      case .sign(.leftParenthesis): return .number(try parseNumber(what))
      default: return .nothing
      }
    case .optionalWord(let words):
      guard let word = self.keyword, words.contains(word) else { return .nothing }
      advance()
      return .word(word)
    case .name:
      switch current.kind {
      case .word(let name), .escaped(let name):
        advance()
        return .word(name)
      default: throw unexpected("a name after '\(keyword)'")
      }
    case .comparison(let maximum):
      return .comparisons(try parseComparisons(keyword, maximum: maximum))
    case .process(let field): return try parseProcess(field, keyword, from: current.range)
    case .frameType: return try parseFrameType()
    case .frameSubtype: return try parseFrameSubtype()
    case .frameDirection: return try parseFrameDirection()
    case .byteTest:
      guard case .number(let offset) = current.kind else { throw unexpected("an offset after '\(keyword)'") }
      advance()
      guard case .sign(let sign) = current.kind, Self.byteSigns.contains(sign) else {
        throw unexpected("'=', '<', '>', '&' or '|' after the offset")
      }
      advance()
      guard case .number(let number) = current.kind else { throw unexpected("a number from 0 to 255") }
      advance()
      return .byteTest(offset: offset, sign, number)
    }
  }

  private mutating func parseComparisons(_ keyword: String, maximum: UInt32) throws(FilterError) -> [Operand.NumberTest]
  {
    func number(_ parser: inout Parser) throws(FilterError) -> UInt32 {
      let place = parser.current.range
      let number = try parser.parseNumber("a number after '\(keyword)'")
      guard number <= maximum else {
        let shown = keyword == "vpi" || keyword == "vci" ? keyword.uppercased() : keyword
        throw FilterError("\(shown) \(number) greater than maximum \(maximum)", at: place)
      }
      return number
    }
    if case .sign(let sign) = current.kind, let relation = RelationSign(sign) {
      advance()
      return [Operand.NumberTest(sign: relation, number: try number(&self))]
    }
    guard take(.leftParenthesis) else { return [Operand.NumberTest(sign: .equal, number: try number(&self))] }
    var tests = [Operand.NumberTest(sign: .equal, number: try number(&self))]
    while take(keyword: "or") || take(.or) {
      tests.append(Operand.NumberTest(sign: .equal, number: try number(&self)))
    }
    try expect(.rightParenthesis, "to close the list of numbers")
    return tests
  }

  private static let byteSigns: [Token.Sign] = [.equal, .equalEqual, .less, .greater, .ampersand, .bar]
}
