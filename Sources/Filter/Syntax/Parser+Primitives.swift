import BPF
import PacketCore

/// Tests that begin with a keyword.
extension Parser {
  /// Parses the test that begins with the keyword `word` at this position; nil if it is not a keyword.
  mutating func parsePrimitive(_ word: String) throws(FilterError) -> Part? {
    let start = current.range
    if let proto = ProtocolName(keyword: word) {
      advance()
      return try parseAfter(proto, from: start)
    }
    if let cast = PrimitiveUse.Cast(rawValue: word) {
      advance()
      return add(.cast(cast, of: nil), from: start)
    }
    if Self.beginsQualifiers(word) { return try parseQualified(nil, from: start) }
    if let part = try parseProcessTest(nil, from: start) { return part }
    if let primitive = Primitive.named(word) {
      advance()
      let operand = try parseOperand(of: primitive, keyword: word)
      return add(.word(primitive, operand), from: start)
    }
    return nil
  }

  private mutating func add(_ use: PrimitiveUse, from start: SourceRange) -> Part {
    .test(expression.add(.primitive(use), at: range(from: start)), qualifiers: nil)
  }

  /// True if the word is a direction or a kind of identifier.
  private static func beginsQualifiers(_ word: String) -> Bool {
    Qualifiers.Kind(rawValue: word) != nil || word == "src" || word == "dst"
      || Qualifiers.Direction(wireless: word) != nil
  }

  /// Parses what follows a protocol's name.
  private mutating func parseAfter(_ proto: ProtocolName, from start: SourceRange) throws(FilterError) -> Part {
    if let word = keyword {
      if let cast = PrimitiveUse.Cast(rawValue: word) {
        advance()
        return add(.cast(cast, of: proto), from: start)
      }
      if Self.beginsQualifiers(word) { return try parseQualified(proto, from: start) }
      if proto == .link, let primitive = Primitive.named(word), primitive.followsLink {
        advance()
        let operand = try parseOperand(of: primitive, keyword: word)
        return add(.word(primitive, operand), from: start)
      }
    }
    guard proto.standsAlone else {
      throw FilterError(
        "'\(proto.rawValue)' cannot be used as an abbreviation: 'src', 'dst', 'host', 'proto' or '[' must follow it",
        at: start)
    }
    return add(.abbreviation(proto), from: start)
  }

  /// Parses direction and kind, then identifiers.
  private mutating func parseQualified(_ proto: ProtocolName?, from start: SourceRange) throws(FilterError) -> Part {
    var qualifiers = Qualifiers(proto: proto)
    qualifiers.direction = try parseDirection()
    if proto == nil, let direction = qualifiers.direction, let part = try parseProcessTest(direction, from: start) {
      return part
    }
    if let kind = keyword.flatMap(Qualifiers.Kind.init(rawValue:)) {
      switch kind {
      case .host, .net, .port, .portrange: break
      case .gateway, .proto, .protochain:
        guard qualifiers.direction == nil else {
          throw unexpected("'host', 'net', 'port' or 'portrange' after a direction")
        }
      }
      advance()
      qualifiers.kind = kind
    }
    let part = try parseIdentifiers(qualifiers, from: start)
    if qualifiers.kind == .portrange, isSign(.minus) {
      throw FilterError("\(Lexer.syntaxError): a range is written without blanks, such as '80-90'", at: current.range)
    }
    return part
  }

  private mutating func parseDirection() throws(FilterError) -> Qualifiers.Direction? {
    guard let word = keyword else { return nil }
    if let direction = Qualifiers.Direction(wireless: word) {
      advance()
      return direction
    }
    guard word == "src" || word == "dst" else { return nil }
    let other = word == "src" ? "dst" : "src"
    advance()
    if case .word(other) = peek().kind {
      if isSign(.or) || keyword == "or" {
        advance()
        advance()
        return .sourceOrDestination
      }
      if isSign(.and) || keyword == "and" {
        advance()
        advance()
        return .sourceAndDestination
      }
    }
    return word == "src" ? .source : .destination
  }

  /// Parses one identifier: a name, a number or an address, perhaps with a prefix length or mask.
  mutating func parseIdentifier() throws(FilterError) -> Identifier {
    let token = current
    let value: Identifier.Value
    switch token.kind {
    case .word(let word):
      guard !Keywords.contains(word) else {
        throw FilterError(
          "\(Lexer.syntaxError): '\(word)' is a keyword; write '\\\(word)' for the name", at: token.range)
      }
      advance()
      value = .name(word)
    case .escaped(let name):
      advance()
      value = .name(name)
    case .number(let number):
      advance()
      if isSign(.slash) {
        throw FilterError(
          "\(Lexer.syntaxError): before a prefix length the address has a dot, such as '10.0/8'", at: token.range)
      }
      value = .number(number)
    case .dotted(let text):
      advance()
      value = try parseIPv4(text, at: token.range)
    case .ipv6(let address):
      advance()
      if take(.slash) {
        value = .ipv6Prefix(address, length: try parsePrefixLength(maximum: 128))
      } else {
        value = .ipv6(address)
      }
    case .mac(let address):
      advance()
      value = .mac(address)
    case .octetAddress(let address):
      advance()
      value = .octetAddress(address)
    case .sign(.equal), .sign(.equalEqual):
      throw unexpected("a name, a number or an address, without '='")
    case .sign, .end:
      throw unexpected("a name, a number or an address")
    }
    let range = range(from: token.range)
    return Identifier(
      value: value, text: String(decoding: text[range.lowerBound..<range.upperBound], as: UTF8.self), range: range)
  }

  private mutating func parseIPv4(_ text: String, at range: SourceRange) throws(FilterError) -> Identifier.Value {
    if take(.slash) {
      let length = try parsePrefixLength(maximum: 32)
      return .ipv4Prefix(try Self.leadingOctets(text, at: range), length: length)
    }
    if take(keyword: "mask") || take(keyword: "netmask") {
      guard case .dotted(let maskText) = current.kind else { throw unexpected("a netmask such as 255.255.0.0") }
      let mask = try Self.leadingOctets(maskText, at: current.range)
      advance()
      return .ipv4Masked(try Self.leadingOctets(text, at: range), mask: mask)
    }
    return .dotted
  }

  private static func leadingOctets(_ text: String, at range: SourceRange) throws(FilterError) -> IPv4Address {
    guard let (address, _) = IPv4Address.parse(dotted: text.utf8) else {
      throw FilterError("invalid IPv4 address '\(text)'", at: range)
    }
    return address
  }

  private mutating func parsePrefixLength(maximum: UInt32) throws(FilterError) -> UInt32 {
    guard case .number(let length) = current.kind else { throw unexpected("a prefix length from 0 to \(maximum)") }
    guard length <= maximum else {
      let message =
        maximum == 32
        ? "netmask length \(length) greater than maximum \(maximum)" : "mask length must be <= \(maximum)"
      throw FilterError(message, at: current.range)
    }
    advance()
    return length
  }

  /// Parses a number, perhaps in parentheses.
  mutating func parseNumber(_ what: String) throws(FilterError) -> UInt32 {
    if isSign(.leftParenthesis) {
      try enter()
      defer { depth -= 1 }
      advance()
      let number = try parseNumber(what)
      try expect(.rightParenthesis, "to close the '('")
      return number
    }
    guard case .number(let number) = current.kind else { throw unexpected(what) }
    advance()
    return number
  }
}
