import PacketCore

extension Primitive {
  /// PPP over Ethernet discovery, RFC 2516.
  static let pppoed = Primitive(
    keywords: ["pppoed"], shape: .nothing, help: "PPP over Ethernet, discovery stage", lower: lowerPPPoED)

  /// PPP over Ethernet session, RFC 2516.
  static let pppoes = Primitive(
    keywords: ["pppoes"], shape: .optionalNumber("a session identifier"),
    help: "PPP over Ethernet, session stage, perhaps of this session; what follows looks past the PPP header",
    lower: lowerPPPoES)
}

@Sendable
private func lowerPPPoED(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.linkProtocol(EtherType.pppoeDiscovery)
}

///     Version, type (1 byte) | Code (1) | Session identifier (2) | Length (2) | PPP protocol (2)
@Sendable
private func lowerPPPoES(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  if case .number(let session) = operand, session > 65535 {
    throw lowering.error("PPPoE session number \(session) greater than maximum 65535")
  }
  var parts = [try lowering.linkProtocol(EtherType.pppoeSession)]
  let header = lowering.layers.networkHeader
  if case .number(let session) = operand { parts.append(lowering.equal(.half, header, 2, session)) }
  lowering.layers.linkType = .ppp
  lowering.layers.field = .ppp
  lowering.layers.addresses = .none
  lowering.layers.header = header.advanced(by: 6)
  lowering.layers.type = header.advanced(by: 6)
  lowering.layers.payload = header.advanced(by: 8)
  lowering.layers.network = 0
  lowering.layers.networkBehindLLC = 0
  lowering.layers.tunnelled = false
  return .all(parts)
}
