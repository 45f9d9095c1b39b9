import PacketCore

extension Primitive {
  /// Generic network virtualization encapsulation, RFC 8926.
  static let geneve = Primitive(
    keywords: ["geneve"], shape: .optionalNumber("a virtual network identifier"),
    help: "Geneve (UDP port 6081), perhaps of this network; what follows looks inside the tunnel", lower: lowerGeneve)

  /// Virtual eXtensible local area network, RFC 7348.
  static let vxlan = Primitive(
    keywords: ["vxlan"], shape: .optionalNumber("a virtual network identifier"),
    help: "VXLAN (UDP port 4789), perhaps of this network; what follows looks inside the tunnel", lower: lowerVXLAN)
}

/// A tunnel over UDP.
private struct Tunnel {
  let name: String
  let port: UInt32
  /// What the first byte must be under `firstMask`.
  let firstMask: UInt32
  let first: UInt32

  static let geneve = Tunnel(name: "Geneve", port: 6081, firstMask: 0xc0, first: 0)
  static let vxlan = Tunnel(name: "VXLAN", port: 4789, firstMask: .max, first: 8)
}

extension Lowering {
  /// Tests for UDP to the tunnel's port over IPv4 or IPv6, for its version or flags, and for the network identifier. It also sets a cell to
  /// the distance of the UDP header from the fixed offset of the network header; the tunnel's header is eight bytes after that.
  private mutating func tunnel(_ tunnel: Tunnel, _ operand: Operand) throws(FilterError) -> (
    Condition, header: Position
  ) {
    if case .number(let network) = operand, network > 0xff_ffff {
      throw error("\(tunnel.name) VNI \(network) greater than maximum 16777215")
    }
    let header = layers.networkHeader
    let distance = newCell()
    func fields(_ lowering: inout Lowering, udp: Position) -> [Condition] {
      var parts = [
        lowering.equal(.half, udp, 2, tunnel.port),
        lowering.equal(.byte, udp, 8, mask: tunnel.firstMask, tunnel.first),
      ]
      if case .number(let network) = operand {
        parts.append(lowering.equal(.word, udp, 12, mask: 0xffff_ff00, network << 8))
      }
      let start = lowering.value(of: Position(udp.offset &- header.offset, base: udp.base))
      parts.append(.perform([.assign(variable: distance, start)], lowering.source))
      return parts
    }
    let ip4 = [try linkProtocol(EtherType.ipv4), equal(.byte, header, 9, 17), isFirstFragment()]
    let ip6 = [try linkProtocol(EtherType.ipv6), equal(.byte, header, 6, 17)]
    let condition = Condition.any([
      .all(ip4 + fields(&self, udp: transportHeader())), .all(ip6 + fields(&self, udp: header.advanced(by: 40))),
    ])
    layers.tunnelled = true
    layers.network = 0
    layers.networkBehindLLC = 3
    layers.vlanDepth = 0
    layers.mplsDepth = 0
    return (condition, Position(header.offset + 8, base: read(distance)))
  }

  /// Sets the layers to an Ethernet frame whose header is at `header`.
  fileprivate mutating func setEthernet(header: Position, type: Position, payload: Position) {
    layers.linkType = .ethernet
    layers.field = .ethernet
    layers.addresses = .mac(source: 6, destination: 0)
    layers.header = header
    layers.type = type
    layers.payload = payload
  }

  ///     Version, option length (1 byte) | Flags (1) | Protocol type (2) | Network identifier (3) | Reserved (1) | Options
  fileprivate mutating func lowerGeneve(_ operand: Operand) throws(FilterError) -> Condition {
    let (isGeneve, header) = try tunnel(.geneve, operand)
    let (linkHeader, type, payload) = (newCell(), newCell(), newCell())
    let options = arithmetic(.multiply, arithmetic(.and, load(.byte, header), 0x3f), 4)
    let behind = arithmetic(.add, arithmetic(.add, options, 8), value(of: header))
    let protocolType = load(.half, header, 2)
    let behindHeader = read(linkHeader)
    let places = Condition.all([
      .perform([.assign(variable: linkHeader, behind)], source),
      .any([
        .all([
          compare(protocolType, .equal, EtherType.ethernet),
          .perform(
            [
              .assign(variable: type, arithmetic(.add, behindHeader, 12)),
              .assign(variable: payload, arithmetic(.add, behindHeader, 14)),
            ], source),
        ]),
        .perform(
          [
            .assign(variable: type, value(of: header.advanced(by: 2))), .assign(variable: payload, behindHeader),
          ], source),
      ]),
    ])
    setEthernet(
      header: Position(0, base: read(linkHeader)), type: Position(0, base: read(type)),
      payload: Position(0, base: read(payload)))
    return .all([isGeneve, places])
  }

  ///     Flags (1 byte) | Reserved (3) | Network identifier (3) | Reserved (1)
  fileprivate mutating func lowerVXLAN(_ operand: Operand) throws(FilterError) -> Condition {
    let (isVXLAN, header) = try tunnel(.vxlan, operand)
    let frame = header.advanced(by: 8)
    setEthernet(header: frame, type: frame.advanced(by: 12), payload: frame.advanced(by: 14))
    return isVXLAN
  }
}

@Sendable
private func lowerGeneve(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.lowerGeneve(operand)
}

@Sendable
private func lowerVXLAN(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.lowerVXLAN(operand)
}
