/// The forms that have a definition of their own, in JSON.
private let simpleForms: [(String, String)] = [
  ("uint4", #"{"type": "integer", "minimum": 0, "maximum": 15}"#),
  ("uint8", #"{"type": "integer", "minimum": 0, "maximum": 255}"#),
  ("uint16", #"{"type": "integer", "minimum": 0, "maximum": 65535}"#),
  ("uint24", #"{"type": "integer", "minimum": 0, "maximum": 16777215}"#),
  ("uint32", #"{"type": "integer", "minimum": 0, "maximum": 4294967295}"#),
  ("uint48", #"{"type": "integer", "minimum": 0, "maximum": 281474976710655}"#),
  ("uint64", #"{"type": "integer", "minimum": 0, "maximum": 18446744073709551615}"#),
  ("int8", #"{"type": "integer", "minimum": -128, "maximum": 127}"#),
  ("int32", #"{"type": "integer", "minimum": -2147483648, "maximum": 2147483647}"#),
  ("length", #"{"type": "integer", "minimum": 0}"#),
  (
    "hex", #"{"type": "string", "description": "Bytes as pairs of hexadecimal digits.", "pattern": "^([0-9a-f]{2})*$"}"#
  ),
  ("mac", #"{"type": "string", "pattern": "^([0-9a-f]{2}:){5}[0-9a-f]{2}$"}"#),
  (
    "link_address",
    #"{"type": "string", "description": "A link-layer address of any length.", "pattern": "^[0-9a-f]{2}(:[0-9a-f]{2})*$"}"#
  ),
  ("ipv4_address", #"{"type": "string", "pattern": "^([0-9]{1,3}\\.){3}[0-9]{1,3}$"}"#),
  ("ipv6_address", #"{"type": "string", "description": "As in RFC 5952.", "pattern": "^[0-9a-f:]*:[0-9a-f:.]*$"}"#),
  ("ip_address", #"{"type": "string", "pattern": "^[0-9a-f:.]+$"}"#),
  (
    "domain_name",
    #"{"type": "string", "description": "Labels, each followed by a dot; a dot or backslash inside a label has a backslash before it, and a byte that is not UTF-8 is \\DDD (RFC 1035 section 5.1)."}"#
  ),
  (
    "time",
    #"{"type": "string", "description": "RFC 3339 with nanoseconds, in UTC.", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{9}Z$"}"#
  ),
  (
    "epoch",
    #"{"type": "number", "description": "Seconds since 1970, with nanoseconds: a reader that keeps numbers as doubles rounds them; \"time\" is exact."}"#
  ),
]

/// Writes a schema: every member on its own line, indented by one space for each level.
package struct SchemaWriter {
  package private(set) var text = ""
  private var level = 0
  private var needsComma = false
  /// Shared objects that members have referred to so far, and how many of them are written.
  private var shared: [SharedObject] = []

  package init() {}

  package mutating func object(_ body: (inout SchemaWriter) -> Void) {
    text += "{"
    level += 1
    needsComma = false
    body(&self)
    level -= 1
    if needsComma { newLine() }
    text += "}"
    needsComma = true
  }

  private mutating func newLine() {
    text += "\n"
    text += String(repeating: " ", count: level)
  }

  package mutating func key(_ name: String) {
    if needsComma { text += "," }
    newLine()
    text += "\"\(name)\": "
    needsComma = true
  }

  package mutating func member(_ name: String, json: String) {
    key(name)
    text += json
  }

  package mutating func member(_ name: String, text value: String) { member(name, json: Self.quoted(value)) }

  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }

  // MARK: Objects

  mutating func definition(_ layer: Layer) {
    var sentence = "\(layer.title)"
    if layer.reference.utf8CodeUnitCount > 0 { sentence += " (\(layer.reference))" }
    sentence += "."
    if layer.note.utf8CodeUnitCount > 0 { sentence += " \(layer.note)" }
    definition("\(layer.name)", sentence, layer.fields(), layer: layer.name)
  }

  package mutating func definition(_ name: String, _ sentence: String, _ fields: [Field], layer: StaticString? = nil) {
    key(name)
    object { $0.members(sentence, fields, layer: layer) }
  }

  /// The forms that have a definition of their own.
  package mutating func simpleDefinitions() {
    for (name, json) in simpleForms { member(name, json: json) }
  }

  /// The objects that members refer to, and those that their own members refer to.
  package mutating func sharedDefinitions() {
    var written = 0
    while written < shared.count {
      definition("\(shared[written].name)", "\(shared[written].sentence)", shared[written].fields())
      written += 1
    }
  }

  private mutating func members(_ sentence: String, _ fields: [Field], layer: StaticString? = nil) {
    member("type", text: "object")
    member("description", text: sentence)
    key("properties")
    object {
      if let layer { $0.member("layer", json: "{\"const\": \"\(layer)\"}") }
      for field in fields { $0.property(field) }
    }
    let required = (layer == nil ? [] : ["layer"]) + fields.filter(\.isAlwaysThere).map { "\($0.name)" }
    if !required.isEmpty {
      member("required", json: "[\(required.map(Self.quoted).joined(separator: ", "))]")
    }
    member("additionalProperties", json: "false")
  }

  private mutating func property(_ field: Field) {
    key("\(field.name)")
    form(field.form, "\(field.sentence)", each: field.elementSentence.map { "\($0)" })
  }

  /// A schema with a description.
  private mutating func form(_ form: Field.Form, _ sentence: String?, each: String?) {
    switch form {
    case .object(let fields): object { $0.members(sentence ?? "", fields) }
    case .array(let element):
      object {
        $0.member("type", text: "array")
        if let sentence { $0.member("description", text: sentence) }
        $0.key("items")
        $0.form(element, each, each: nil)
      }
    case .layers(let layers):
      let references = layers.map { "{\"$ref\": \"#/$defs/\($0.name)\"}" }.joined(separator: ", ")
      object {
        $0.member("type", text: "array")
        if let sentence { $0.member("description", text: sentence) }
        $0.member("items", json: "{\"oneOf\": [\(references)]}")
      }
    default:
      let description = sentence.map { ", \"description\": \(Self.quoted($0))" } ?? ""
      text += "{\(keywords(form))\(description)}"
    }
  }

  /// The keywords of a form without parts.
  private mutating func keywords(_ form: Field.Form) -> String {
    switch form {
    case .uint4: Self.reference("uint4")
    case .uint8: Self.reference("uint8")
    case .uint16: Self.reference("uint16")
    case .uint24: Self.reference("uint24")
    case .uint32: Self.reference("uint32")
    case .uint48: Self.reference("uint48")
    case .uint64: Self.reference("uint64")
    case .int8: Self.reference("int8")
    case .int32: Self.reference("int32")
    case .length: Self.reference("length")
    case .hex: Self.reference("hex")
    case .mac: Self.reference("mac")
    case .linkAddress: Self.reference("link_address")
    case .ipv4: Self.reference("ipv4_address")
    case .ipv6: Self.reference("ipv6_address")
    case .ip: Self.reference("ip_address")
    case .domainName: Self.reference("domain_name")
    case .reference(let name): Self.reference("\(name)")
    case .integer(let range):
      "\"type\": \"integer\", \"minimum\": \(range.lowerBound), \"maximum\": \(range.upperBound)"
    case .number: "\"type\": \"number\""
    case .flag: "\"type\": \"boolean\""
    case .mark: "\"const\": true"
    case .text: "\"type\": \"string\""
    case .words(let words): "\"enum\": [\(words.map { Self.quoted("\($0)") }.joined(separator: ", "))]"
    case .shared(let object): reference(to: object)
    case .object, .array, .layers: ""
    }
  }

  package static func reference(_ name: String) -> String { "\"$ref\": \"#/$defs/\(name)\"" }

  private mutating func reference(to object: SharedObject) -> String {
    if !shared.contains(where: { $0.name.isEqual(to: object.name) }) { shared.append(object) }
    return Self.reference("\(object.name)")
  }
}
