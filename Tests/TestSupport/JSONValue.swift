/// A JSON value (RFC 8259), read strictly: no duplicate members in an object, nothing after the value, and only UTF-8.
public enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// The digits as written, so that a 64-bit number is not rounded.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Where a text is not valid JSON, and why.
  public struct Fault: Error, CustomStringConvertible {
    public let offset: Int
    public let what: String
    public var description: String { "octet \(offset): \(what)" }
  }

  /// Reads a text that is exactly one value.
  public init(_ octets: some Sequence<UInt8>) throws(Fault) {
    var reader = Reader(octets: Array(octets))
    reader.skipBlanks()
    self = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.offset == reader.octets.count else { throw reader.fault("something stands behind the value") }
  }

  /// A member of an object.
  public subscript(_ key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The elements of an array; empty for any other value.
  public var elements: [JSONValue] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  public var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// A whole number.
  public var integer: Int? {
    guard case .number(let digits) = self else { return nil }
    return Int(digits)
  }

  public var flag: Bool? {
    guard case .bool(let flag) = self else { return nil }
    return flag
  }
}

private struct Reader {
  let octets: [UInt8]
  var offset = 0

  init(octets: [UInt8]) { self.octets = octets }

  func fault(_ what: String) -> JSONValue.Fault { JSONValue.Fault(offset: offset, what: what) }

  /// The next byte; at the end 0, which never occurs in JSON.
  private var next: UInt8 { offset < octets.count ? octets[offset] : 0 }

  mutating func skipBlanks() {
    while next == 0x20 || next == 0x09 || next == 0x0a || next == 0x0d { offset += 1 }
  }

  mutating func value(depth: Int) throws(JSONValue.Fault) -> JSONValue {
    guard depth < 256 else { throw fault("nested too deep") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONValue.Fault) -> JSONValue {
    guard octets[offset...].starts(with: word.utf8) else { throw fault("no \(word)") }
    offset += word.utf8.count
    return value
  }

  private mutating func take(_ character: Unicode.Scalar) throws(JSONValue.Fault) {
    guard next == UInt8(ascii: character) else { throw fault("no \(character)") }
    offset += 1
  }

  private mutating func object(depth: Int) throws(JSONValue.Fault) -> JSONValue {
    var members: [String: JSONValue] = [:]
    try take("{")
    skipBlanks()
    if next != UInt8(ascii: "}") {
      while true {
        skipBlanks()
        let key = try string()
        skipBlanks()
        try take(":")
        skipBlanks()
        let value = try value(depth: depth + 1)
        guard members.updateValue(value, forKey: key) == nil else { throw fault("a second member \(key)") }
        skipBlanks()
        if next != UInt8(ascii: ",") { break }
        offset += 1
      }
    }
    try take("}")
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONValue.Fault) -> JSONValue {
    var elements: [JSONValue] = []
    try take("[")
    skipBlanks()
    if next != UInt8(ascii: "]") {
      while true {
        skipBlanks()
        elements.append(try value(depth: depth + 1))
        skipBlanks()
        if next != UInt8(ascii: ",") { break }
        offset += 1
      }
    }
    try take("]")
    return .array(elements)
  }

  private mutating func string() throws(JSONValue.Fault) -> String {
    try take("\"")
    // Most strings have no escapes.
    if let end = octets[offset...].firstIndex(where: {
      $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") || $0 < 0x20
    }),
      octets[end] == UInt8(ascii: "\""), let string = String(validating: octets[offset..<end], as: UTF8.self)
    {
      offset = end + 1
      return string
    }
    var text: [UInt8] = []
    while next != UInt8(ascii: "\"") {
      guard next >= 0x20 else { throw fault("a control character in a string, or no end of it") }
      if next == UInt8(ascii: "\\") {
        offset += 1
        text += try escaped()
      } else {
        text.append(next)
        offset += 1
      }
    }
    offset += 1
    guard let string = String(validating: text, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
    return string
  }

  private mutating func escaped() throws(JSONValue.Fault) -> [UInt8] {
    let letter = next
    offset += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      guard offset + 4 <= octets.count,
        let digits = String(validating: octets[offset..<(offset + 4)], as: UTF8.self),
        digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
      else { throw fault("no escape of a character") }
      offset += 4
      return Array(String(Character(scalar)).utf8)
    default: throw fault("an unknown escape")
    }
  }

  /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?`: exponents are not written.
  private mutating func number() throws(JSONValue.Fault) -> String {
    let start = offset
    if next == UInt8(ascii: "-") { offset += 1 }
    let first = offset
    try digits()
    guard octets[first] != UInt8(ascii: "0") || offset == first + 1 else { throw fault("a number with leading zeros") }
    if next == UInt8(ascii: ".") {
      offset += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { offset += 1 }
      try digits()
    }
    return String(decoding: octets[start..<offset], as: UTF8.self)
  }

  private mutating func digits() throws(JSONValue.Fault) {
    let start = offset
    while (0x30...0x39).contains(next) { offset += 1 }
    guard offset > start else { throw fault("no value") }
  }
}
