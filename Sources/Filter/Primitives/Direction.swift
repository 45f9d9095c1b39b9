import PacketCore

extension Primitive {
  static let inbound = Primitive(
    keywords: ["inbound"], shape: .nothing, help: "received by the host that captured", lower: lowerInbound)

  static let outbound = Primitive(
    keywords: ["outbound"], shape: .nothing, help: "sent by the host that captured", lower: lowerOutbound)

  static let ifindex = Primitive(
    keywords: ["ifindex"], shape: .number("an interface index"), help: "captured on the interface with this index",
    lower: lowerIfindex)
}

@Sendable
private func lowerInbound(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.direction(inbound: true)
}

@Sendable
private func lowerOutbound(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.direction(inbound: false)
}

extension Lowering {
  /// The test for the direction: read from the link-layer header if that has it, otherwise from metadata or the kernel.
  fileprivate mutating func direction(inbound: Bool) throws(FilterError) -> Condition {
    let header = Position(0)
    /// Linux packet type 4: this host sent the packet (packet(7), PACKET_OUTGOING).
    let outgoing: UInt32 = 4
    let isOutbound: Condition
    switch options.linkType {
    case .slip, .pppPPPD: return equal(.byte, header, inbound ? 0 : 1)
    case .ipnet: return equal(.half, header, 2, inbound ? 2 : 1)
    case .pflog: return equal(.byte, header, 60, inbound ? 1 : 2)
    case .linuxSLL: isOutbound = equal(.half, header, outgoing)
    case .linuxSLL2: isOutbound = equal(.byte, header, 10, outgoing)
    // Operation code of a switch tag: 0 on the way to the processor, 1 from it.
    case .dsaTagBroadcom: return equal(.byte, header, 12, mask: 0xe0, inbound ? 0 : 0x20)
    // Command of a switch tag: the upper bit is set for a forwarded frame that came in at a port; 1 is from the processor.
    case .dsaTagMarvell where inbound: return compare(load(.byte, header, 12), .anyBitsSet, 0x80)
    case .dsaTagMarvell: return equal(.byte, header, 12, mask: 0xc0, 0x40)
    default:
      if case .magic(0x4d47_4300, _) = layers.field {
        return equal(.byte, header, 3, mask: 0x01, inbound ? 1 : 0)
      }
      if let metadata = options.metadata { return .constant(metadata.isOutgoing != inbound) }
      let type = try ancillary(LinuxAncillary.packetType, inbound ? "inbound" : "outbound")
      isOutbound = compare(type, .equal, outgoing)
    }
    return inbound ? .not(isOutbound) : isOutbound
  }
}

@Sendable
private func lowerIfindex(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .number(let number) = operand else { return .constant(false) }
  if lowering.options.linkType == .linuxSLL2 { return lowering.equal(.word, lowering.layers.header, 4, number) }
  if let known = lowering.options.metadata?.interfaceIndex { return .constant(known == number) }
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
  /// Metadata that only the kernel has. On another target, throws the error that `word` needs a live capture.
  mutating func ancillary(_ number: UInt32, _ word: String) throws(FilterError) -> ValueID {
    switch options.target {
    case .linuxKernel: return values.intern(.ancillary(number))
    case .machine, .savefile: throw error("not a live capture, '\(word)' not supported on \(linkTypeName)")
    }
  }
}
