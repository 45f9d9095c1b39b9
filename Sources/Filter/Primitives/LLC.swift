import PacketCore

extension Primitive {
  /// IEEE 802.2 logical link control.
  static let llc = Primitive(
    keywords: ["llc"],
    shape: .optionalWord(["i", "s", "u", "rr", "rnr", "rej", "ui", "ua", "disc", "sabme", "test", "xid", "frmr"]),
    help: "an IEEE 802.2 LLC header, perhaps of this kind of PDU", lower: lowerLLC)
}

@Sendable
private func lowerLLC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  let isLLC = try lowering.hasLLC()
  guard case .word(let kind) = operand else { return isLLC }
  let control = lowering.load(.byte, lowering.layers.payload, 2)
  func masked(_ mask: UInt32, _ value: UInt32, _ lowering: inout Lowering) -> Condition {
    lowering.compare(lowering.arithmetic(.and, control, mask), .equal, value)
  }
  let test: Condition
  switch kind {
  case "i": test = .not(lowering.compare(control, .anyBitsSet, 1))
  case "s": test = masked(0x03, 0x01, &lowering)
  case "u": test = masked(0x03, 0x03, &lowering)
  // Supervisory PDUs: two bits of function.
  case "rr": test = masked(0x0f, 0x01, &lowering)
  case "rnr": test = masked(0x0f, 0x05, &lowering)
  case "rej": test = masked(0x0f, 0x09, &lowering)
  // Unnumbered PDUs: five bits of modifier around the poll/final bit.
  case "ui": test = masked(0xef, 0x03, &lowering)
  case "ua": test = masked(0xef, 0x63, &lowering)
  case "disc": test = masked(0xef, 0x43, &lowering)
  case "sabme": test = masked(0xef, 0x6f, &lowering)
  case "test": test = masked(0xef, 0xe3, &lowering)
  case "xid": test = masked(0xef, 0xaf, &lowering)
  default: test = masked(0xef, 0x87, &lowering)
  }
  return .all([isLLC, test])
}

extension Lowering {
  /// True where the payload begins with an LLC header.
  fileprivate mutating func hasLLC() throws(FilterError) -> Condition {
    switch layers.field {
    case .ethernet
    where options.linkType == .netAnalyzer || options.linkType == .netAnalyzerTransparent: break
    case .ethernet, .sunATM(lane: true):
      // A length, not a type, and no NetWare packet without LLC.
      return .all([
        .not(compare(load(.half, layers.type), .greater, EtherType.maximumLength)),
        .not(equal(.half, layers.payload, 0xffff)),
      ])
    case .llc where options.linkType == .ipOverFibreChannel || options.linkType == .atmCLIP: break
    case .llc: return .constant(true)
    case .sunATM(lane: false): return isATM(.llc)
    case .ieee80211: return isDataFrame()
    default: break
    }
    throw unsupported("llc")
  }
}
