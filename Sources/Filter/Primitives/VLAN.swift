import PacketCore

extension Primitive {
  /// IEEE 802.1Q.
  static let vlan = Primitive(
    keywords: ["vlan"], shape: .optionalNumber("a VLAN identifier"),
    help: "IEEE 802.1Q tagged, perhaps with this identifier; what follows looks past the tag", lower: lowerVLAN)
}

@Sendable
private func lowerVLAN(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  if lowering.layers.mplsDepth > 0 { throw lowering.error("no VLAN match after MPLS") }
  switch lowering.layers.field {
  case .ieee80211 where lowering.layers.linkType == .ppi: throw lowering.unsupported("vlan")
  case .ethernet, .sunATM(lane: true), .ieee80211: break
  default: throw lowering.unsupported("vlan")
  }
  if case .number(let identifier) = operand, identifier > 4095 {
    throw lowering.error("VLAN tag \(identifier) greater than maximum 4095")
  }
  defer { lowering.layers.vlanDepth += 1 }
  let isOutermost = lowering.layers.vlanDepth == 0 && !lowering.layers.tunnelled
  if case .linuxKernel = lowering.options.target, lowering.options.linkType == .ethernet, isOutermost {
    return try lowerMetadataVLAN(&lowering, operand)
  }
  let isTagged = try lowering.hasVLANType()
  let shift: UInt32 = 4
  let identifier = lowering.vlanIdentifier(operand, lowering.load(.half, lowering.layers.networkHeader))
  lowering.layers.type = lowering.layers.type.advanced(by: shift)
  lowering.layers.payload = lowering.layers.payload.advanced(by: shift)
  return .all([isTagged, identifier].compactMap { $0 })
}

/// In the kernel, the outermost tag either has been removed from the frame and is in metadata, or is still in the frame: then what follows
/// it is four bytes further on.
private func lowerMetadataVLAN(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  let present = try lowering.ancillary(LinuxAncillary.vlanTagPresent, "vlan")
  let tag = try lowering.ancillary(LinuxAncillary.vlanTag, "vlan")
  let shift = lowering.newCell()
  let inMetadata = lowering.compare(present, .equal, 1)
  let inFrame = Condition.all([
    .perform([.assign(variable: shift, lowering.constant(4))], lowering.source), try lowering.hasVLANType(),
  ])
  var parts: [Condition] = [.any([inMetadata, inFrame])]
  if let fromMetadata = lowering.vlanIdentifier(operand, tag),
    let fromFrame = lowering.vlanIdentifier(operand, lowering.load(.half, lowering.layers.payload))
  {
    parts.append(.any([.all([inMetadata, fromMetadata]), .all([.not(inMetadata), fromFrame])]))
  }
  lowering.layers.type = Position(lowering.layers.type.offset, base: lowering.read(shift))
  lowering.layers.payload = Position(lowering.layers.payload.offset, base: lowering.read(shift))
  return .all(parts)
}

extension Lowering {
  /// True if the type field is that of a VLAN tag: the customer type, the service type, or the old number for service tags.
  fileprivate mutating func hasVLANType() throws(FilterError) -> Condition {
    .any([
      try linkProtocol(EtherType.vlan), try linkProtocol(EtherType.serviceVLAN),
      try linkProtocol(EtherType.oldServiceVLAN),
    ])
  }

  /// True if the low twelve bits of the tag are the operand; nil if there is none.
  fileprivate mutating func vlanIdentifier(_ operand: Operand, _ tag: ValueID) -> Condition? {
    guard case .number(let identifier) = operand else { return nil }
    return compare(arithmetic(.and, tag, 0x0fff), .equal, identifier)
  }
}
