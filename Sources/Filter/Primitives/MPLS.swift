import PacketCore

extension Primitive {
  /// Multiprotocol label switching, RFC 3032.
  static let mpls = Primitive(
    keywords: ["mpls"], shape: .optionalNumber("a label"),
    help: "MPLS, perhaps with this label; what follows looks past the label", lower: lowerMPLS)
}

///     Label (20 bits) | Traffic class (3) | Bottom of stack (1) | Time to live (8)
@Sendable
private func lowerMPLS(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  if case .number(let label) = operand, label > 0xf_ffff {
    throw lowering.error("MPLS label \(label) greater than maximum 1048575")
  }
  var parts: [Condition] = []
  if lowering.layers.mplsDepth > 0 {
    // Another label follows only if the previous one is not the bottom of the stack.
    let third = lowering.load(.byte, lowering.layers.type, 2)
    parts.append(.not(lowering.compare(third, .anyBitsSet, 1)))
  } else {
    switch lowering.layers.field {
    case .ppp where lowering.layers.linkType != .ppp: throw lowering.unsupported("mpls")
    case .ethernet, .sunATM(lane: true), .ciscoHDLC, .ppp: parts.append(try lowering.linkProtocol(EtherType.mpls))
    default: throw lowering.unsupported("mpls")
    }
  }
  let label = lowering.layers.networkHeader
  if case .number(let number) = operand {
    parts.append(lowering.equal(.word, label, mask: 0xffff_f000, number << 12))
  }
  lowering.layers.field = .mpls
  lowering.layers.type = label
  lowering.layers.network += 4
  lowering.layers.networkBehindLLC += 4
  lowering.layers.mplsDepth += 1
  return .all(parts)
}
