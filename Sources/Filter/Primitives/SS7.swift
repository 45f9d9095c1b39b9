import PacketCore

/// Keywords for signalling system 7: MTP2 signal units (ITU-T Q.703, high-speed ones of its annex A) and MTP3 routing labels (Q.704).
extension Primitive {
  static let fisu = Primitive(
    keywords: ["fisu"], shape: .nothing, help: "SS7 fill-in signal unit", lower: lowerFISU)
  static let lssu = Primitive(
    keywords: ["lssu", "lsu"], shape: .nothing, help: "SS7 link status signal unit", lower: lowerLSSU)
  static let msu = Primitive(
    keywords: ["msu"], shape: .nothing, help: "SS7 message signal unit", lower: lowerMSU)
  static let hfisu = Primitive(
    keywords: ["hfisu"], shape: .nothing, help: "SS7 high-speed fill-in signal unit", lower: lowerHFISU)
  static let hlssu = Primitive(
    keywords: ["hlssu", "hlsu"], shape: .nothing, help: "SS7 high-speed link status signal unit", lower: lowerHLSSU)
  static let hmsu = Primitive(
    keywords: ["hmsu"], shape: .nothing, help: "SS7 high-speed message signal unit", lower: lowerHMSU)
  static let sio = Primitive(
    keywords: ["sio"], shape: .comparison(maximum: 255), help: "SS7 service information octet", lower: lowerSIO)
  static let opc = Primitive(
    keywords: ["opc"], shape: .comparison(maximum: 16383), help: "SS7 originating point code", lower: lowerOPC)
  static let dpc = Primitive(
    keywords: ["dpc"], shape: .comparison(maximum: 16383), help: "SS7 destination point code", lower: lowerDPC)
  static let sls = Primitive(
    keywords: ["sls"], shape: .comparison(maximum: 15), help: "SS7 signalling link selection", lower: lowerSLS)
  static let hsio = Primitive(
    keywords: ["hsio"], shape: .comparison(maximum: 255), help: "SS7 service information octet of a high-speed link",
    lower: lowerHSIO)
  static let hopc = Primitive(
    keywords: ["hopc"], shape: .comparison(maximum: 16383), help: "SS7 originating point code of a high-speed link",
    lower: lowerHOPC)
  static let hdpc = Primitive(
    keywords: ["hdpc"], shape: .comparison(maximum: 16383), help: "SS7 destination point code of a high-speed link",
    lower: lowerHDPC)
  static let hsls = Primitive(
    keywords: ["hsls"], shape: .comparison(maximum: 15), help: "SS7 signalling link selection of a high-speed link",
    lower: lowerHSLS)
}

extension Lowering {
  /// The offset in bytes of the MTP2 header. On another link type, throws the error that `word` cannot be used.
  fileprivate func signalUnit(_ word: String) throws(FilterError) -> UInt32 {
    guard let offset = Self.signalUnit(of: options.linkType) else {
      throw error("'\(word)' supported only on SS7")
    }
    return offset
  }

  /// The offset in bytes of the MTP2 header for a link type; nil if it has none.
  static func signalUnit(of linkType: LinkType) -> UInt32? {
    switch linkType {
    case .mtp2: 0
    case .mtp2WithPseudoHeader: 4
    case .erf: 20
    default: nil
    }
  }

  /// The length indicator, which distinguishes the kinds of signal units: six bits at byte 2; in a high-speed one nine bits, the upper bits
  /// of a little-endian number at byte 4.
  fileprivate mutating func length(_ word: String, highSpeed: Bool) throws(FilterError) -> ValueID {
    let start = try signalUnit(word)
    if highSpeed { return arithmetic(.and, load(.half, Position(start + 4)), 0xff80) }
    return arithmetic(.and, load(.byte, Position(start + 2)), 0x3f)
  }

  fileprivate mutating func signalUnit(_ word: String, highSpeed: Bool, _ kind: SignalUnit) throws(FilterError)
    -> Condition
  {
    let length = try length(word, highSpeed: highSpeed)
    let two: UInt32 = highSpeed ? 0x0100 : 2
    switch kind {
    case .fillIn: return compare(length, .equal, 0)
    case .linkStatus: return .all([compare(length, .greater, 0), .not(compare(length, .greater, two))])
    case .message: return compare(length, .greater, two)
    }
  }

  /// Compares part of the service information octet and the routing label after it; in a high-speed signal unit they are three bytes
  /// further on.
  ///
  /// Point codes have 14 bits and the label is little-endian: an operand is put into the byte order of the packet.
  fileprivate mutating func label(_ word: String, highSpeed: Bool, _ part: LabelPart, _ operand: Operand)
    throws(FilterError) -> Condition
  {
    let start = Position(try signalUnit(word) + (highSpeed ? 6 : 3))
    switch part {
    case .service:
      return field(load(.byte, start), operand)
    case .destination:
      return field(arithmetic(.and, load(.half, start, 1), 0xff3f), operand) { ($0 & 0xff) << 8 | ($0 & 0x3f00) >> 8 }
    case .origin:
      return field(arithmetic(.and, load(.word, start, 1), 0x00c0_ff0f), operand) {
        ($0 & 0x03) << 22 | ($0 & 0x03fc) << 6 | ($0 & 0x3c00) >> 10
      }
    case .selection:
      return field(arithmetic(.and, load(.byte, start, 4), 0xf0), operand) { $0 << 4 }
    }
  }
}

private enum SignalUnit {
  case fillIn, linkStatus, message
}

private enum LabelPart {
  case service, destination, origin, selection
}

@Sendable
private func lowerFISU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("fisu", highSpeed: false, .fillIn)
}

@Sendable
private func lowerLSSU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("lssu", highSpeed: false, .linkStatus)
}

@Sendable
private func lowerMSU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("msu", highSpeed: false, .message)
}

@Sendable
private func lowerHFISU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("hfisu", highSpeed: true, .fillIn)
}

@Sendable
private func lowerHLSSU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("hlssu", highSpeed: true, .linkStatus)
}

@Sendable
private func lowerHMSU(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.signalUnit("hmsu", highSpeed: true, .message)
}

@Sendable
private func lowerSIO(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("sio", highSpeed: false, .service, operand)
}

@Sendable
private func lowerOPC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("opc", highSpeed: false, .origin, operand)
}

@Sendable
private func lowerDPC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("dpc", highSpeed: false, .destination, operand)
}

@Sendable
private func lowerSLS(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("sls", highSpeed: false, .selection, operand)
}

@Sendable
private func lowerHSIO(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("hsio", highSpeed: true, .service, operand)
}

@Sendable
private func lowerHOPC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("hopc", highSpeed: true, .origin, operand)
}

@Sendable
private func lowerHDPC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("hdpc", highSpeed: true, .destination, operand)
}

@Sendable
private func lowerHSLS(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.label("hsls", highSpeed: true, .selection, operand)
}
