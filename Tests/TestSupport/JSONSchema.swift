import Foundation

/// A JSON Schema (draft 2020-12), limited to the keywords that the project's own schema uses. Other keywords are an error, since ignoring
/// them would check nothing.
public final class JSONSchema: @unchecked Sendable {
  /// The first violation in a schema or a value.
  public struct Fault: Error, CustomStringConvertible {
    public let description: String
  }

  private let root: Node
  private let lock = NSLock()

  /// Reads a schema. Throws if it is not a valid schema, or has keywords that are not supported.
  public init(_ schema: JSONValue) throws {
    let definitions = Definitions(schema["$defs"])
    root = try Node(schema, definitions)
    try definitions.resolve()
  }

  /// Throws the first fault of a value.
  public func validate(_ value: JSONValue) throws(Fault) {
    lock.lock()
    defer { lock.unlock() }
    if let fault = root.fault(of: value, at: "$") { throw Fault(description: fault) }
  }
}

/// The definitions that `#/$defs/…` refers to.
private final class Definitions {
  private let schemas: [String: JSONValue]
  private var nodes: [String: Node] = [:]

  init(_ schemas: JSONValue?) {
    guard case .object(let members)? = schemas else {
      self.schemas = [:]
      return
    }
    self.schemas = members
  }

  func resolve() throws {
    for name in schemas.keys { _ = try node("#/$defs/" + name) }
  }

  /// The node is registered before its parts are read, so that they can refer back to it.
  func node(_ reference: String) throws -> Node {
    let name = String(reference.dropFirst("#/$defs/".count))
    if let node = nodes[name] { return node }
    guard reference.hasPrefix("#/$defs/"), let schema = schemas[name] else {
      throw JSONSchema.Fault(description: "nothing at \(reference)")
    }
    let node = Node()
    nodes[name] = node
    try node.read(schema, self)
    return node
  }
}

/// One schema.
private final class Node {
  private var reference: Node?
  private var types: [String] = []
  private var constant: JSONValue?
  private var values: [JSONValue] = []
  private var properties: [String: Node] = [:]
  private var required: [String] = []
  private var isClosed = false
  private var items: Node?
  private var alternatives: [Node] = []
  /// The member that distinguishes the alternatives, and the alternative for each of its values; nil if there is no such member.
  private lazy var choice: (key: String, nodes: [String: Node])? = makeChoice()
  private var minimum: Double?
  private var maximum: Double?
  private var counts = 0...Int.max
  private var pattern: NSRegularExpression?
  /// Texts that are known to match the pattern.
  private var matched: Set<String> = []

  init() {}
  init(_ schema: JSONValue, _ definitions: Definitions) throws { try read(schema, definitions) }

  func read(_ schema: JSONValue, _ definitions: Definitions) throws {
    guard case .object(let members) = schema else { throw JSONSchema.Fault(description: "a schema is an object") }
    for (keyword, value) in members {
      switch keyword {
      case "$ref": reference = try definitions.node(value.text ?? "")
      case "type": types = value.text.map { [$0] } ?? value.elements.compactMap(\.text)
      case "const": constant = value
      case "enum": values = value.elements
      case "properties":
        guard case .object(let schemas) = value else { throw JSONSchema.Fault(description: "properties of no object") }
        for (name, schema) in schemas { properties[name] = try Node(schema, definitions) }
      case "required": required = value.elements.compactMap(\.text)
      case "additionalProperties":
        guard value.flag == false else { throw JSONSchema.Fault(description: "additionalProperties other than false") }
        isClosed = true
      case "items": items = try Node(value, definitions)
      case "oneOf": for schema in value.elements { alternatives.append(try Node(schema, definitions)) }
      case "minimum": minimum = number(value)
      case "maximum": maximum = number(value)
      case "minItems": counts = (value.integer ?? 0)...counts.upperBound
      case "maxItems": counts = counts.lowerBound...(value.integer ?? 0)
      case "pattern": pattern = try NSRegularExpression(pattern: value.text ?? "")
      case "$schema", "$id", "$defs", "title", "description": break
      default: throw JSONSchema.Fault(description: "unknown keyword \(keyword)")
      }
    }
  }

  /// The first fault of a value; nil if there is none.
  func fault(of value: JSONValue, at path: String) -> String? {
    if let reference, let fault = reference.fault(of: value, at: path) { return fault }
    if !types.isEmpty, !types.contains(where: { $0 == name(of: value) || ($0 == "number" && isNumber(value)) }) {
      return "\(path): \(value) is no \(types)"
    }
    if let constant, value != constant { return "\(path): \(value) is not \(constant)" }
    if !values.isEmpty, !values.contains(value) { return "\(path): \(value) is none of \(values)" }
    switch value {
    case .number:
      if let minimum, let number = number(value), number < minimum { return "\(path): \(value) is below \(minimum)" }
      if let maximum, let number = number(value), number > maximum { return "\(path): \(value) is above \(maximum)" }
    case .string(let text):
      if let pattern, !matched.contains(text) {
        guard pattern.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil else {
          return "\(path): \(text) does not match \(pattern.pattern)"
        }
        matched.insert(text)
      }
    case .array(let elements):
      guard counts.contains(elements.count) else { return "\(path): \(elements.count) elements" }
      if let items {
        for (index, element) in elements.enumerated() {
          if let fault = items.fault(of: element, at: "\(path)[\(index)]") { return fault }
        }
      }
    case .object(let members):
      if let missing = required.first(where: { members[$0] == nil }) { return "\(path): no \(missing)" }
      for (key, member) in members {
        if let property = properties[key] {
          if let fault = property.fault(of: member, at: "\(path).\(key)") { return fault }
        } else if isClosed {
          return "\(path): \(key) is not described"
        }
      }
    default: break
    }
    return alternatives.isEmpty ? nil : faultOfAlternatives(value, path)
  }

  private func faultOfAlternatives(_ value: JSONValue, _ path: String) -> String? {
    let candidates: [Node]
    if let choice, case .string(let name)? = value[choice.key] {
      candidates = choice.nodes[name].map { [$0] } ?? []
    } else {
      candidates = alternatives.filter { !$0.isRuledOut(value) }
    }
    let faults = candidates.map { $0.fault(of: value, at: path) }
    let matching = faults.count { $0 == nil }
    if matching == 1 { return nil }
    if matching > 1 { return "\(path): \(matching) alternatives match" }
    return faults.compactMap(\.self).first ?? "\(path): no alternative for \(value)"
  }

  /// Finds a member with a different constant text in each alternative. There are hundreds of alternatives, and trying one after the other
  /// is slow.
  private func makeChoice() -> (key: String, nodes: [String: Node])? {
    guard alternatives.count > 2, let first = alternatives.first?.target else { return nil }
    for key in first.properties.keys {
      var nodes: [String: Node] = [:]
      for node in alternatives {
        guard case .string(let name)? = node.target.properties[key]?.constant else { break }
        nodes[name] = node
      }
      if nodes.count == alternatives.count { return (key, nodes) }
    }
    return nil
  }

  private var target: Node { reference?.target ?? self }

  /// True if a constant member shows that the value belongs to another alternative.
  private func isRuledOut(_ value: JSONValue) -> Bool {
    if let reference { return reference.isRuledOut(value) }
    guard case .object(let members) = value else { return false }
    return properties.contains { key, property in
      guard let constant = property.constant, let member = members[key] else { return false }
      return member != constant
    }
  }

  private func name(of value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "boolean"
    case .number(let digits): digits.contains(".") ? "number" : "integer"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  private func isNumber(_ value: JSONValue) -> Bool { if case .number = value { true } else { false } }

  private func number(_ value: JSONValue) -> Double? {
    guard case .number(let digits) = value else { return nil }
    return Double(digits)
  }
}
