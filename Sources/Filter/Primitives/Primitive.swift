/// A word of the language that is a test by itself, with what may stand behind it. One row describes it for the parser, for
/// lowering and for help.
struct Primitive: Sendable {
  /// What stands behind the word.
  enum Shape: Sendable {
    case nothing
    case number(String)
    case optionalNumber(String)
    /// A number, one of `byteSigns`, a number: `byte 8 & 1`.
    case byteTest
    /// One of these words, or nothing.
    case optionalWord([String])
  }

  /// The words that mean it, the usual one first.
  let keywords: [String]
  let shape: Shape
  /// A line of help.
  let help: String
  /// True where `link`, `wlan` or another name of the link layer may stand before it.
  var followsLink = false
  /// Makes the test.
  let lower: @Sendable (inout Lowering, Operand) throws(FilterError) -> Condition

  /// The row of a keyword; nil where the word is none.
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
  ]
}

/// What stood behind a primitive's word.
enum Operand: Sendable {
  case nothing
  case number(UInt32)
  case word(String)
  case byteTest(offset: UInt32, Token.Sign, UInt32)
}

extension Parser {
  /// The operand of `primitive`, whose word has been taken.
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

  private static let byteSigns: [Token.Sign] = [.equal, .equalEqual, .less, .greater, .ampersand, .bar]
}
