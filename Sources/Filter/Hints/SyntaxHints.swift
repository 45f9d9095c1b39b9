import BPF
import PacketCore

/// What to type instead of words that are not a valid expression.
///
/// Each rule detects one kind of mistake and returns nil if it does not find it; the first hint wins. Rules look at the tokens around the
/// error and compile nothing, so a hint costs little.
struct SyntaxHints {
  /// The last one is `.end`, where the lexer stopped.
  let tokens: [Token]
  let text: [UInt8]
  let error: FilterError
  /// The token where the error is.
  let place: Int

  init(_ tokens: [Token], _ text: [UInt8], _ error: FilterError) {
    self.tokens = tokens
    self.text = text
    self.error = error
    let start = error.range?.lowerBound ?? text.count
    place = tokens.firstIndex { $0.range.lowerBound >= start } ?? max(0, tokens.count - 1)
  }

  /// What to type instead; nil if nothing is known, or if the syntax is not what is wrong.
  var hint: String? {
    guard error.message.hasPrefix(Lexer.syntaxError) || error.message.hasPrefix("illegal character") else { return nil }
    if let hint = displayFilter ?? listOfTags ?? list ?? range ?? endpoint ?? netmask ?? wildcard { return hint }
    if let hint = lowerCase ?? flags ?? icmpType ?? field ?? comparison ?? namedConstant { return hint }
    return uncomparedNumber ?? knownWord ?? protocolBehind ?? value ?? nearest
  }

  // MARK: Tokens

  func token(_ index: Int) -> Token? { tokens.indices.contains(index) ? tokens[index] : nil }

  /// The word at an index; nil if there is none.
  func word(_ index: Int) -> String? {
    if case .word(let word) = token(index)?.kind { word } else { nil }
  }

  func sign(_ index: Int) -> Token.Sign? {
    if case .sign(let sign) = token(index)?.kind { sign } else { nil }
  }

  func number(_ index: Int) -> UInt32? {
    if case .number(let number) = token(index)?.kind { number } else { nil }
  }

  /// The text from the first of the tokens to the last.
  func words(_ first: Int, _ last: Int) -> String {
    guard let first = token(first), let last = token(last), first.range.lowerBound <= last.range.upperBound else {
      return ""
    }
    return String(decoding: text[first.range.lowerBound..<last.range.upperBound], as: UTF8.self)
  }

  func words(_ index: Int) -> String { words(index, index) }

  /// The text after the token, up to the next blank or parenthesis, whether or not it forms tokens. Braces keep their contents together.
  func rest(behind index: Int) -> String {
    guard let token = token(index) else { return "" }
    var rest = text[token.range.upperBound...].drop { $0 == UInt8(ascii: " ") }.prefix(200)
    let ends: [UInt8] = rest.first == UInt8(ascii: "{") ? [UInt8(ascii: "}")] : [UInt8(ascii: " "), UInt8(ascii: ")")]
    if let end = rest.firstIndex(where: { ends.contains($0) }) {
      rest = rest[..<(ends.count == 1 ? end + 1 : end)]
    }
    return String(decoding: rest, as: UTF8.self)
  }

  /// The qualifiers that end before a token: their first token, and what they say. Nil if there are none.
  func qualifiers(before index: Int) -> (start: Int, words: Qualifiers)? {
    var start = index
    var words = Qualifiers()
    loop: while let word = word(start - 1) {
      switch word {
      case "src" where words.direction == nil: words.direction = .source
      case "dst" where words.direction == nil: words.direction = .destination
      case "or", "and":
        guard let direction = words.direction, let other = self.word(start - 2), ["src", "dst"].contains(other),
          other != direction.rawValue
        else { break loop }
        words.direction = word == "or" ? .sourceOrDestination : .sourceAndDestination
        start -= 1
      default:
        if let kind = Qualifiers.Kind(rawValue: word), words.kind == nil, words.direction == nil {
          words.kind = kind
        } else if let proto = ProtocolName(keyword: word), words.proto == nil {
          words.proto = proto
          start -= 1
          break loop
        } else {
          break loop
        }
      }
      start -= 1
    }
    return start < index ? (start, words) : nil
  }

  /// True if a test may begin at an index: nothing before it belongs to the same test.
  func beginsTest(_ index: Int) -> Bool {
    switch token(index - 1)?.kind {
    case nil, .sign(.and), .sign(.or), .sign(.not), .sign(.leftParenthesis), .word("and"), .word("or"), .word("not"):
      true
    default: false
    }
  }

  // MARK: Words

  /// `TCP port 80`: a keyword in upper or mixed case.
  private var lowerCase: String? {
    guard let word = word(place), word != word.lowercased(), Keywords.contains(word.lowercased()) else { return nil }
    return "keywords are lower case: write '\(word.lowercased())'"
  }

  /// `dns`: a word that the filter language does not have, and what it means.
  private var knownWord: String? {
    guard let word = word(place), !Keywords.contains(word) else { return nil }
    if word == "than", ["less", "greater"].contains(self.word(place - 1)), number(place + 1) != nil {
      return "write '\(words(place - 1)) \(words(place + 1))'"
    }
    let transport = self.word(place - 1).flatMap { ["tcp", "udp", "sctp"].contains($0) ? $0 : nil }
    return KnownWord(word)?.hint(after: transport, value: isValue(place + 1) ? words(place + 1) : nil)
  }

  /// `port tcp 80`, `port 80 tcp`: the protocol comes first.
  private var protocolBehind: String? {
    guard let proto = word(place), ["tcp", "udp", "sctp", "ip", "ip6", "arp", "ether"].contains(proto) else {
      return nil
    }
    if isValue(place - 1), let (start, qualifiers) = qualifiers(before: place - 1), qualifiers.proto == nil,
      qualifiers.kind == .port || qualifiers.kind == .portrange, ["tcp", "udp", "sctp"].contains(proto)
    {
      return "write '\(proto) \(words(start, place - 1))'"
    }
    let value = sign(place + 1) == .equal || sign(place + 1) == .equalEqual ? place + 2 : place + 1
    guard isValue(value), let (start, qualifiers) = qualifiers(before: place), qualifiers.proto == nil else {
      return nil
    }
    return "for the protocol write '\(proto) \(words(start, place - 1)) \(words(value))'"
  }

  /// The keyword that a word was probably meant to be, or, after a primitive that takes certain words, one of those.
  private var nearest: String? {
    guard let word = word(place), !Keywords.contains(word) else { return nil }
    if let primitive = self.word(place - 1).flatMap(Primitive.named) {
      let words: [String] =
        switch primitive.shape {
        case .optionalWord(let words), .name(let words): words
        default: []
        }
      if let hint = Suggestion.hint(for: word, among: Set(words)) { return hint }
    }
    return Suggestion.nearestKeyword(to: word).map { "did you mean '\($0)'?" }
  }

  // MARK: Display filters

  /// `ip.addr == 192.0.2.1`, `tcp contains foo`.
  private var displayFilter: String? {
    for index in [place, place - 1] {
      guard let word = word(index), word.contains("."), !word.hasPrefix("."), !word.hasSuffix(".") else { continue }
      let next = index + 1
      if case .sign(let sign)? = token(next)?.kind, RelationSign(sign) != nil {
        return DisplayFilter.hint(field: word, sign: sign.rawValue, value: rest(behind: next))
      }
      if let sign = self.word(next), DisplayFilter.operators.contains(sign) {
        return DisplayFilter.hint(field: word, sign: sign, value: rest(behind: next))
      }
      if index == place, let hint = DisplayFilter.hint(field: word, sign: nil, value: nil) { return hint }
    }
    for index in [place, place + 1] {
      guard let word = word(index), ["contains", "matches"].contains(word), index > 0 else { continue }
      let start = self.word(index - 1) == "udp" ? "udp[8:4]" : "tcp[20:4]"
      return
        "'\(word)' belongs to display filters: a filter compares bytes at an offset, such as '\(start) = 0x47455420'"
    }
    return nil
  }
}
