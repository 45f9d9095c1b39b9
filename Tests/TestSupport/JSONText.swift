/// A check of JSON text (RFC 8259), strictly by its grammar.
public enum JSONText {
  /// The offset of the first byte that is not allowed there; nil if the text is exactly one JSON value.
  public static func firstFault(in text: some Collection<UInt8>) -> Int? {
    var scanner = Scanner(text: Array(text))
    let isValue = scanner.value(depth: 0)
    scanner.skipBlanks()
    return isValue && scanner.place == scanner.text.count ? nil : scanner.place
  }

  private struct Scanner {
    let text: [UInt8]
    var place = 0
    private static let maximumDepth = 512

    init(text: [UInt8]) { self.text = text }

    private var next: UInt8? { place < text.count ? text[place] : nil }

    mutating func skipBlanks() {
      while let octet = next, octet == 0x20 || octet == 0x09 || octet == 0x0a || octet == 0x0d { place += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard let octet = next, UInt32(octet) == character.value else { return false }
      place += 1
      return true
    }

    private mutating func take(word: StaticString) -> Bool {
      let octets = Array("\(word)".utf8)
      guard text[place...].starts(with: octets) else { return false }
      place += octets.count
      return true
    }

    mutating func value(depth: Int) -> Bool {
      guard depth < Self.maximumDepth else { return false }
      skipBlanks()
      switch next.map(Unicode.Scalar.init) {
      case "{":
        return list(closer: "}") { (scanner) in
          scanner.skipBlanks()
          guard scanner.string() else { return false }
          scanner.skipBlanks()
          return scanner.take(":") && scanner.value(depth: depth + 1)
        }
      case "[": return list(closer: "]") { $0.value(depth: depth + 1) }
      case "\"": return string()
      case "t": return take(word: "true")
      case "f": return take(word: "false")
      case "n": return take(word: "null")
      default: return number()
      }
    }

    private mutating func list(closer: Unicode.Scalar, _ element: (inout Scanner) -> Bool) -> Bool {
      place += 1
      skipBlanks()
      if take(closer) { return true }
      repeat {
        guard element(&self) else { return false }
        skipBlanks()
      } while take(",")
      return take(closer)
    }

    private mutating func string() -> Bool {
      guard take("\"") else { return false }
      let start = place
      while let octet = next {
        switch octet {
        case 0x22:
          guard String(validating: text[start..<place], as: UTF8.self) != nil else { return false }
          place += 1
          return true
        case 0x5c:
          place += 1
          guard let escaped = next else { return false }
          place += 1
          if escaped == UInt8(ascii: "u") {
            guard place + 4 <= text.count, text[place..<place + 4].allSatisfy(Self.isHexDigit) else { return false }
            place += 4
          } else if !"\"\\/bfnrt".utf8.contains(escaped) {
            return false
          }
        case 0..<0x20: return false
        default: place += 1
        }
      }
      return false
    }

    private static func isHexDigit(_ octet: UInt8) -> Bool {
      switch octet {
      case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
      default: false
      }
    }

    private mutating func digits() -> Int {
      let start = place
      while let octet = next, (0x30...0x39).contains(octet) { place += 1 }
      return place - start
    }

    private mutating func number() -> Bool {
      _ = take("-")
      let isZero = next == 0x30
      let count = digits()
      guard count == 1 || count > 1 && !isZero else { return false }
      if take(".") { guard digits() > 0 else { return false } }
      if take("e") || take("E") {
        if !take("+") { _ = take("-") }
        guard digits() > 0 else { return false }
      }
      return true
    }
  }
}
