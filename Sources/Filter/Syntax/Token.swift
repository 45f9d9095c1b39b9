import BPF
import PacketCore

/// A word or sign of a filter expression, with its position.
struct Token: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// A keyword or a name: letters, digits, `-`, `_` and `.`.
    case word(String)
    /// `\word`: a name even where the word is a keyword.
    case escaped(String)
    /// A number: decimal, octal with a leading 0, hexadecimal with 0x, or a named constant (`NamedConstant`).
    case number(UInt32)
    /// Two to four decimal numbers between dots: an IPv4 address or the beginning of one.
    case dotted(String)
    case ipv6(IPv6Address)
    case mac(MACAddress)
    /// `$XX`: a link-layer address of one byte, as in ARCnet.
    case octetAddress(UInt8)
    case sign(Sign)
    case end
  }

  /// A sign; the raw value is its text. `and`, `or` and `not` as words mean the same as their signs.
  enum Sign: String, Hashable, Sendable, CaseIterable {
    case and = "&&"
    case or = "||"
    case notEqual = "!="
    case greaterOrEqual = ">="
    case lessOrEqual = "<="
    case equalEqual = "=="
    case shiftLeft = "<<"
    case shiftRight = ">>"
    case not = "!"
    case equal = "="
    case greater = ">"
    case less = "<"
    case ampersand = "&"
    case bar = "|"
    case caret = "^"
    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case percent = "%"
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBracket = "["
    case rightBracket = "]"
    case colon = ":"
  }

  let kind: Kind
  let range: SourceRange
}
