import PacketCore

extension Primitive {
  static let inbound = Primitive(
    keywords: ["inbound"], shape: .nothing, help: "received by the host that captured", lower: lowerInbound)

  static let outbound = Primitive(
    keywords: ["outbound"], shape: .nothing, help: "sent by the host that captured", lower: lowerOutbound)

  static let ifindex = Primitive(
    keywords: ["ifindex"], shape: .number("an interface index"), help: "captured on the interface of this index",
    lower: lowerIfindex)
}

@Sendable
private func lowerInbound(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  .not(try isOutgoing(&lowering, "inbound"))
}

@Sendable
private func lowerOutbound(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try isOutgoing(&lowering, "outbound")
}

/// A packet's type of 4, as Linux counts them, is one that this host sent (packet(7), PACKET_OUTGOING).
private func isOutgoing(_ lowering: inout Lowering, _ word: String) throws(FilterError) -> Condition {
  let outgoing: UInt32 = 4
  switch lowering.options.linkType {
  case .linuxSLL: return lowering.equal(.half, lowering.layers.header, outgoing)
  case .linuxSLL2: return lowering.equal(.byte, lowering.layers.header, 10, outgoing)
  default:
    let type = try lowering.ancillary(LinuxAncillary.packetType, word)
    return lowering.compare(type, .equal, outgoing)
  }
}

@Sendable
private func lowerIfindex(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .number(let number) = operand else { return .constant(false) }
  if lowering.options.linkType == .linuxSLL2 { return lowering.equal(.word, lowering.layers.header, 4, number) }
  let index = try lowering.ancillary(LinuxAncillary.interfaceIndex, "ifindex")
  return lowering.compare(index, .equal, number)
}

/// Numbers of Linux ancillary loads (linux/filter.h, SKF_AD_*).
enum LinuxAncillary {
  static let packetType: UInt32 = 4
  static let interfaceIndex: UInt32 = 8
  static let vlanTag: UInt32 = 44
  static let vlanTagPresent: UInt32 = 48
}

extension Lowering {
  /// Metadata that only the kernel has. On another target, the error that `word` needs it.
  mutating func ancillary(_ number: UInt32, _ word: String) throws(FilterError) -> ValueID {
    switch options.target {
    case .linuxKernel: return graph.values.intern(.ancillary(number))
    case .machine: throw unsupported(word)
    case .savefile: throw error("not a live capture, '\(word)' not supported on \(linkTypeName)")
    }
  }
}
