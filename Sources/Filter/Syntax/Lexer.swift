import BPF
import PacketCore

/// Splits the text of an expression into tokens. White space separates; `#` begins a comment that ends with its line.
struct Lexer {
  /// The longest accepted expression, in bytes.
  static let maximumLength = 16 << 20
  /// The maximum number of tokens.
  private static let maximumCount = 1 << 22

  private let text: [UInt8]
  private var position = 0

  private init(_ expression: String) { text = Array(expression.utf8) }

  /// The tokens of `expression`, the last of which is `.end`.
  static func tokens(of expression: String) throws(FilterError) -> [Token] {
    let (tokens, error) = scan(expression)
    if let error { throw error }
    return tokens
  }

  /// The tokens of `expression` up to the first invalid place, if there is one, and the error there. The last token is `.end`.
  static func scan(_ expression: String) -> (tokens: [Token], error: FilterError?) {
    let start = Token(kind: .end, range: SourceRange(0, 0))
    guard expression.utf8.count <= maximumLength else {
      return ([start], FilterError("expression is longer than \(maximumLength) bytes"))
    }
    var lexer = Lexer(expression)
    var tokens: [Token] = []
    // Most words are longer than this.
    tokens.reserveCapacity(min(expression.utf8.count / 4 + 2, 1 << 16))
    do throws(FilterError) {
      var isTextNext = false
      while true {
        let token = try isTextNext ? lexer.nextText() : lexer.next()
        isTextNext = if case .word(let word) = token.kind { Primitive.wordsBeforeText.contains(word) } else { false }
        guard tokens.count < maximumCount else {
          throw FilterError("expression has more than \(maximumCount) words and signs", at: token.range)
        }
        tokens.append(token)
        if token.kind == .end { return (tokens, nil) }
      }
    } catch {
      let place = error.range?.lowerBound ?? 0
      tokens.append(Token(kind: .end, range: SourceRange(place, place)))
      return (tokens, error)
    }
  }

  private mutating func next() throws(FilterError) -> Token {
    skipBlanks()
    let start = position
    guard position < text.count else { return Token(kind: .end, range: SourceRange(start, start)) }
    let kind: Token.Kind
    let byte = text[position]
    if byte == UInt8(ascii: "$") {
      kind = try octetAddress()
    } else if byte == UInt8(ascii: "\\") {
      kind = try escapedWord()
    } else if Self.isAlphanumeric(byte) || (byte == UInt8(ascii: ":") && peek(1) == UInt8(ascii: ":")) {
      kind = try word()
    } else if let sign = sign() {
      kind = .sign(sign)
    } else {
      let shown = byte >= 0x21 && byte < 0x7f ? "'\(Character(UnicodeScalar(byte)))'" : "character code \(byte)"
      throw FilterError("illegal character in filter expression: \(shown)", at: SourceRange(start, start + 1))
    }
    return Token(kind: kind, range: SourceRange(start, position))
  }

  /// A name with whatever characters it contains, up to a blank or a parenthesis; in quotation marks it may contain these as well.
  private mutating func nextText() throws(FilterError) -> Token {
    skipBlanks()
    let start = position
    guard let first = peek(0), !Self.endsText(first) else { return try next() }
    var name: [UInt8]
    if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") {
      name = run(from: start + 1) { $0 != first }
      position = start + name.count + 2
      guard position <= text.count else {
        position = text.count
        throw FilterError(
          Self.syntaxError + ": there is no second quotation mark for this one", at: SourceRange(start, start + 1))
      }
    } else {
      name = run(from: start) { !Self.endsText($0) }
      position = start + name.count
      // As elsewhere, a word after a backslash is a name.
      if first == UInt8(ascii: "\\"), name.count > 1 { name.removeFirst() }
    }
    return Token(kind: .escaped(String(decoding: name, as: UTF8.self)), range: SourceRange(start, position))
  }

  private static func endsText(_ byte: UInt8) -> Bool {
    byte <= UInt8(ascii: " ") || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")")
  }

  private func peek(_ distance: Int) -> UInt8? {
    position + distance < text.count ? text[position + distance] : nil
  }

  private mutating func skipBlanks() {
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        position += 1
      case UInt8(ascii: "#"):
        while position < text.count, text[position] != UInt8(ascii: "\n") { position += 1 }
      default:
        return
      }
    }
  }

  // MARK: Token kinds

  /// The longest operator sign at this position.
  private mutating func sign() -> Token.Sign? {
    for length in [2, 1] {
      let octets = text[position...].prefix(length)
      guard let sign = Token.Sign(rawValue: String(decoding: octets, as: UTF8.self)) else { continue }
      position += octets.count
      return sign
    }
    return nil
  }

  private mutating func octetAddress() throws(FilterError) -> Token.Kind {
    let start = position
    position += 1
    let digits = run(from: position) { Self.isHexadecimal($0) }
    position += digits.count
    guard digits.count <= 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
      throw FilterError(
        Self.syntaxError + ": a one-byte link-layer address is '$' and one or two hexadecimal digits",
        at: SourceRange(start, max(position, start + 1)))
    }
    return .octetAddress(value)
  }

  private mutating func escapedWord() throws(FilterError) -> Token.Kind {
    let start = position
    position += 1
    let name = run(from: position) { byte in
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "!"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\t"),
        UInt8(ascii: "\n"),
        UInt8(ascii: "\r"):
        false
      default: true
      }
    }
    position += name.count
    guard !name.isEmpty else {
      throw FilterError(Self.syntaxError + ": a name must follow '\\'", at: SourceRange(start, start + 1))
    }
    return .escaped(String(decoding: name, as: UTF8.self))
  }

  /// A word, a number or an address: whichever is longest at this position.
  private mutating func word() throws(FilterError) -> Token.Kind {
    let start = position
    var name = run(from: start) {
      Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
    }
    while let last = name.last, last == UInt8(ascii: "-") || last == UInt8(ascii: "_") { name.removeLast() }
    if let address = try colonAddress(from: start, longerThan: name.count) { return address }
    position = start + max(1, name.count)
    let text = String(decoding: name, as: UTF8.self)
    if let mac = MACAddress(filterText: name) { return .mac(mac) }
    if Self.isNumber(name) { return .number(try Self.number(name, at: SourceRange(start, position))) }
    if Self.isDotted(name) { return .dotted(text) }
    if let constant = NamedConstant.all[text] { return .number(constant) }
    return .word(text)
  }

  /// An address with colons, if it is longer than the plain word.
  private mutating func colonAddress(from start: Int, longerThan length: Int) throws(FilterError) -> Token.Kind? {
    // Most words have no colon nearby: do not scan them repeatedly.
    let near = text[min(start, text.count)...].prefix {
      Self.isAlphanumeric($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
    guard near.contains(UInt8(ascii: ":")) else { return nil }
    let octets = run(from: start) {
      Self.isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
    guard octets.count > length, octets.contains(UInt8(ascii: ":")) else {
      return try brokenAddress(from: start, hexadecimal: octets.count)
    }
    if let mac = MACAddress(filterText: octets) {
      position = start + octets.count
      return .mac(mac)
    }
    let candidate = octets.prefix { $0 != UInt8(ascii: "-") }
    if let address = IPv6Address(text: candidate) {
      position = start + candidate.count
      return .ipv6(address)
    }
    // Not an address: `ip[0:2]`, or a misspelt address.
    let colons = candidate.count { $0 == UInt8(ascii: ":") }
    if let kind = try brokenAddress(from: start, hexadecimal: octets.count) { return kind }
    guard colons >= 2 else { return nil }
    let shown = String(decoding: candidate, as: UTF8.self)
    let what =
      candidate.contains(UInt8(ascii: "."))
      ? "invalid IPv6 address \(shown)" : Self.syntaxError + ": invalid address '\(shown)'"
    throw FilterError(what, at: SourceRange(start, start + candidate.count))
  }

  /// Rejects a MAC address containing a letter that is not a hexadecimal digit: with five colons it cannot mean anything else.
  private func brokenAddress(from start: Int, hexadecimal: Int) throws(FilterError) -> Token.Kind? {
    let all = run(from: start) { Self.isAlphanumeric($0) || $0 == UInt8(ascii: ":") }
    guard all.count > hexadecimal, all.count(where: { $0 == UInt8(ascii: ":") }) == 5, !all.contains(UInt8(ascii: "["))
    else { return nil }
    throw FilterError(
      "invalid Ethernet address '\(String(decoding: all, as: UTF8.self))'", at: SourceRange(start, start + all.count))
  }

  private func run(from start: Int, while belongs: (UInt8) -> Bool) -> [UInt8] {
    Array(text[min(start, text.count)...].prefix(while: belongs))
  }

  // MARK: Characters and numbers

  /// How messages about syntax errors begin.
  static let syntaxError = "can't parse filter expression: syntax error"

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
  }
  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
  }
  private static func isHexadecimalNumber(_ text: [UInt8]) -> Bool {
    text.count > 2 && text[0] == UInt8(ascii: "0") && text[1] | 0x20 == UInt8(ascii: "x")
      && text.dropFirst(2).allSatisfy(isHexadecimal)
  }
  private static func isNumber(_ text: [UInt8]) -> Bool {
    !text.isEmpty && (text.allSatisfy(isDigit) || isHexadecimalNumber(text))
  }
  private static func isDotted(_ text: [UInt8]) -> Bool {
    var (dots, digits) = (0, 0)
    for byte in text {
      if isDigit(byte) {
        digits += 1
      } else if byte == UInt8(ascii: "."), digits > 0 {
        (dots, digits) = (dots + 1, 0)
      } else {
        return false
      }
    }
    return digits > 0 && (1...3).contains(dots)
  }

  private static func number(_ text: [UInt8], at range: SourceRange) throws(FilterError) -> UInt32 {
    let shown = String(decoding: text, as: UTF8.self)
    var digits = text[...]
    var radix: UInt64 = 10
    var kind = "decimal"
    if isHexadecimalNumber(text) {
      digits = text.dropFirst(2)
      (radix, kind) = (16, "hexadecimal")
    } else if text.count > 1, text[0] == UInt8(ascii: "0") {
      (radix, kind) = (8, "octal")
    }
    var value: UInt64 = 0
    for digit in digits {
      if radix == 8, digit > UInt8(ascii: "7") {
        throw FilterError("number \(shown) contains non-octal digit", at: range)
      }
      value = value * radix + UInt64(isDigit(digit) ? digit - 0x30 : (digit | 0x20) - 0x57)
      guard value <= UInt64(UInt32.max) else {
        throw FilterError("\(kind) number \(shown) overflows 32 bits", at: range)
      }
    }
    return UInt32(value)
  }
}
