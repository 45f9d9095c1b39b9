import PacketCore

extension Primitive {
  /// IEEE 802.2 logical link control.
  static let llc = Primitive(
    keywords: ["llc"], shape: .optionalWord(controlFields.map { $0.name }),
    help: "an IEEE 802.2 LLC header, perhaps of this kind of PDU", lower: lowerLLC)
}

/// The kinds of PDU, by bits of the control field's first byte (IEEE 802.2 section 5.4).
private let controlFields: [(name: String, mask: UInt32, bits: UInt32)] = [
  ("i", 0x01, 0x00), ("s", 0x03, 0x01), ("u", 0x03, 0x03),
  // Supervisory PDUs: two bits of function.
  ("rr", 0x0f, 0x01), ("rnr", 0x0f, 0x05), ("rej", 0x0f, 0x09),
  // Unnumbered PDUs: five modifier bits around the poll/final bit.
  ("ui", 0xef, 0x03), ("ua", 0xef, 0x63), ("dm", 0xef, 0x0f), ("disc", 0xef, 0x43), ("sabme", 0xef, 0x6f),
  ("test", 0xef, 0xe3), ("xid", 0xef, 0xaf), ("frmr", 0xef, 0x87),
]

@Sendable
private func lowerLLC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  let isLLC = try lowering.hasLLC()
  guard case .word(let kind) = operand, let field = controlFields.first(where: { $0.name == kind }) else {
    return isLLC
  }
  let control = lowering.load(.byte, lowering.layers.payload, 2)
  let test: Condition =
    field.bits == 0
    ? .not(lowering.compare(control, .anyBitsSet, field.mask))
    : lowering.compare(lowering.arithmetic(.and, control, field.mask), .equal, field.bits)
  return .all([isLLC, test])
}

extension Lowering {
  /// True if the payload begins with an LLC header.
  fileprivate mutating func hasLLC() throws(FilterError) -> Condition {
    switch layers.field {
    case .ethernet
    where layers.linkType == .netAnalyzer || layers.linkType == .netAnalyzerTransparent: break
    case .ethernet, .sunATM(lane: true):
      // The field is a length, not a type, and the payload is not a NetWare packet without LLC.
      return .all([
        .not(compare(load(.half, layers.type), .greater, EtherType.maximumLength)),
        .not(equal(.half, layers.payload, 0xffff)),
      ])
    case .llc where layers.linkType == .ipOverFibreChannel || layers.linkType == .atmCLIP: break
    case .llc: return .constant(true)
    case .sunATM(lane: false): return isATM(.llc)
    case .ieee80211: return hasIEEE80211Payload()
    default: break
    }
    throw unsupported("llc")
  }
}
