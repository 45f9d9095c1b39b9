/// The object that `--json` prints for a packet, split into lines that people can compare.
public enum PacketObjectText {
  /// Members that come from the capture record, not from the contents of the packet.
  private static let ofTheRecord: Set<Substring> = [
    "version", "number", "time", "epoch", "interface_id", "interface", "link_type", "captured_length", "length",
  ]
  private static let columns = 130

  /// A line with the packet's own members, such as `"truncated":…`, if there are any, then one line for each layer after the first `first`.
  /// Longer lines are broken after a comma and indented.
  public static func lines(_ object: String, withoutLayers first: Int) -> [String] {
    var own: [Substring] = []
    var layers: [Substring] = []
    for member in elements(object) {
      guard let colon = member.firstIndex(of: ":") else { continue }
      let name = member[..<colon].dropFirst().dropLast()
      if name == "layers" {
        layers = elements(String(member[member.index(after: colon)...])).map { Substring($0) }
      } else if !ofTheRecord.contains(name) {
        own.append(member)
      }
    }
    var lines = own.isEmpty ? [] : broken(own.joined(separator: ","))
    for layer in layers.dropFirst(first) { lines += broken(String(layer)) }
    return lines
  }

  /// The offsets after commas outside strings, with the nesting depth there.
  private static func commas(_ text: String) -> [(place: Int, depth: Int)] {
    var found: [(Int, Int)] = []
    var depth = 0
    var isString = false
    var isEscaped = false
    for (place, octet) in text.utf8.enumerated() {
      if isString {
        if isEscaped {
          isEscaped = false
        } else if octet == UInt8(ascii: "\\") {
          isEscaped = true
        } else if octet == UInt8(ascii: "\"") {
          isString = false
        }
        continue
      }
      switch octet {
      case UInt8(ascii: "\""): isString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ","): found.append((place + 1, depth))
      default: break
      }
    }
    return found
  }

  /// The members or elements of an object or array, whose brackets are its first and last byte.
  private static func elements(_ text: String) -> [Substring] {
    let utf8 = Array(text.utf8)
    guard utf8.count > 2 else { return [] }
    var elements: [Substring] = []
    var start = 1
    for comma in commas(text) where comma.depth == 1 {
      elements.append(Substring(String(decoding: utf8[start..<comma.place - 1], as: UTF8.self)))
      start = comma.place
    }
    elements.append(Substring(String(decoding: utf8[start..<utf8.count - 1], as: UTF8.self)))
    return elements
  }

  private static func broken(_ text: String) -> [String] {
    let utf8 = Array(text.utf8)
    var lines: [String] = []
    var start = 0
    var end = 0
    for place in commas(text).map(\.place) + [utf8.count] {
      if place - start > columns, end > start {
        lines.append((start == 0 ? "" : "  ") + String(decoding: utf8[start..<end], as: UTF8.self))
        start = end
      }
      end = place
    }
    return lines + [(start == 0 ? "" : "  ") + String(decoding: utf8[start...], as: UTF8.self)]
  }
}
