/// Keywords for the frame control field of IEEE 802.11 (section 9.2.4.1).
///
///     Version (2 bits) | Type (2) | Subtype (4) | To distribution system (1) | From it (1) | …
extension Primitive {
  static let frameType = Primitive(
    keywords: ["type"], shape: .frameType, help: "IEEE 802.11 frame type, perhaps with 'subtype'", followsLink: true,
    lower: lowerFrame)
  static let frameSubtype = Primitive(
    keywords: ["subtype"], shape: .frameSubtype, help: "IEEE 802.11 frame subtype", followsLink: true, lower: lowerFrame
  )
  static let frameDirection = Primitive(
    keywords: ["dir", "direction"], shape: .frameDirection, help: "IEEE 802.11 frame direction", followsLink: true,
    lower: lowerDirection)
}

@Sendable
private func lowerFrame(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .ieee80211 = lowering.layers.field else { throw lowering.unsupported("type/subtype") }
  guard case .frame(let mask, let bits) = operand else { return .constant(false) }
  return lowering.equal(.byte, lowering.layers.header, mask: mask, bits)
}

@Sendable
private func lowerDirection(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .ieee80211 = lowering.layers.field else { throw lowering.unsupported("dir") }
  guard case .frame(let mask, let bits) = operand else { return .constant(false) }
  return lowering.equal(.byte, lowering.layers.header, 1, mask: mask, bits)
}

/// Names of values in the frame control field.
enum IEEE80211Frame {
  static let typeMask: UInt32 = 0x0c
  static let subtypeMask: UInt32 = 0xf0
  static let types: [String: UInt32] = ["mgt": 0x00, "management": 0x00, "ctl": 0x04, "control": 0x04, "data": 0x08]
  /// To no distribution system, to one, from one, from one to another.
  static let directions: [String: UInt32] = ["nods": 0, "tods": 1, "fromds": 2, "dstods": 3]

  /// The names of subtypes, by frame type.
  static let subtypes: [UInt32: [String: UInt32]] = [
    0x00: [
      "assoc-req": 0x00, "assocreq": 0x00, "assoc-resp": 0x10, "assocresp": 0x10, "reassoc-req": 0x20,
      "reassocreq": 0x20, "reassoc-resp": 0x30, "reassocresp": 0x30, "probe-req": 0x40, "probereq": 0x40,
      "probe-resp": 0x50, "proberesp": 0x50, "beacon": 0x80, "atim": 0x90, "disassoc": 0xa0, "disassociation": 0xa0,
      "auth": 0xb0, "authentication": 0xb0, "deauth": 0xc0, "deauthentication": 0xc0,
    ],
    0x04: [
      "bar": 0x80, "ba": 0x90, "ps-poll": 0xa0, "rts": 0xb0, "cts": 0xc0, "ack": 0xd0, "cf-end": 0xe0,
      "cf-end-ack": 0xf0,
    ],
    0x08: [
      "data": 0x00, "data-cf-ack": 0x10, "data-cf-poll": 0x20, "data-cf-ack-poll": 0x30, "null": 0x40, "cf-ack": 0x50,
      "cf-poll": 0x60, "cf-ack-poll": 0x70, "qos-data": 0x80, "qos-data-cf-ack": 0x90, "qos-data-cf-poll": 0xa0,
      "qos-data-cf-ack-poll": 0xb0, "qos": 0xc0, "qos-cf-poll": 0xe0, "qos-cf-ack-poll": 0xf0,
    ],
  ]
}

extension Parser {
  mutating func parseFrameType() throws(FilterError) -> Operand {
    let type: UInt32
    switch current.kind {
    case .number(let number):
      guard number & ~IEEE80211Frame.typeMask == 0 else {
        throw FilterError(
          "invalid 802.11 type value", hint: "for an EtherType write 'ether proto \(number)'", at: current.range)
      }
      type = number
    case .word(let name), .escaped(let name):
      guard let known = IEEE80211Frame.types[name] else {
        throw FilterError(
          "unknown 802.11 type name '\(name)'",
          hint: Suggestion.hint(for: name, among: Set(IEEE80211Frame.types.keys))
            ?? "write 'mgt', 'ctl' or 'data'", at: current.range)
      }
      type = known
    default: throw unexpected("a frame type: 'mgt', 'ctl', 'data' or a number")
    }
    advance()
    guard take(keyword: "subtype") else { return .frame(mask: IEEE80211Frame.typeMask, type) }
    let subtype: UInt32
    switch current.kind {
    case .number(let number):
      guard number & ~IEEE80211Frame.subtypeMask == 0 else {
        throw FilterError("invalid 802.11 subtype value", at: current.range)
      }
      subtype = number
    case .word(let name), .escaped(let name):
      guard let known = IEEE80211Frame.subtypes[type]?[name] else {
        let names = Set(IEEE80211Frame.subtypes[type].map { Array($0.keys) } ?? [])
        throw FilterError(
          "unknown 802.11 subtype name '\(name)' for this type", hint: Suggestion.hint(for: name, among: names),
          at: current.range)
      }
      subtype = known
    default: throw unexpected("a frame subtype")
    }
    advance()
    return .frame(mask: IEEE80211Frame.typeMask | IEEE80211Frame.subtypeMask, type | subtype)
  }

  mutating func parseFrameSubtype() throws(FilterError) -> Operand {
    let name: String
    switch current.kind {
    case .word(let word), .escaped(let word): name = word
    default: throw unexpected("the name of a frame subtype")
    }
    for type in IEEE80211Frame.subtypes.keys.sorted() {
      if let subtype = IEEE80211Frame.subtypes[type]?[name] {
        advance()
        return .frame(mask: IEEE80211Frame.typeMask | IEEE80211Frame.subtypeMask, type | subtype)
      }
    }
    let names = Set(IEEE80211Frame.subtypes.values.flatMap(\.keys))
    throw FilterError(
      "unknown 802.11 subtype name '\(name)'", hint: Suggestion.hint(for: name, among: names), at: current.range)
  }

  mutating func parseFrameDirection() throws(FilterError) -> Operand {
    let direction: UInt32
    switch current.kind {
    case .number(let number):
      guard number <= 3 else { throw FilterError("invalid 802.11 direction", at: current.range) }
      direction = number
    case .word(let name), .escaped(let name):
      guard let known = IEEE80211Frame.directions[name] else {
        throw FilterError(
          "unknown 802.11 direction '\(name)'",
          hint: Suggestion.hint(for: name, among: Set(IEEE80211Frame.directions.keys))
            ?? "write 'nods', 'tods', 'fromds' or 'dstods'", at: current.range)
      }
      direction = known
    default: throw unexpected("a direction: 'nods', 'tods', 'fromds', 'dstods' or a number")
    }
    advance()
    return .frame(mask: 0x03, direction)
  }
}
