package import PacketCore

/// A number under which an enclosing protocol announces a dissector's protocol.
///
/// If both ports of a packet are claimed, the dissector that comes first in the registry's list gets the packet.
package struct Claim: Sendable {
  package let space: NumberSpace
  package let number: UInt64
  /// Which of two ports the claim is for.
  package let end: End

  /// Whether a claim is for the source port, the destination port, or either.
  package enum End: Sendable {
    case either, source, destination
  }

  package init(_ space: NumberSpace, _ number: some FixedWidthInteger & UnsignedInteger, _ end: End = .either) {
    self.space = space
    self.number = UInt64(truncatingIfNeeded: number)
    self.end = end
  }

  /// The link type (DLT) of a capture.
  package static func linkType(_ type: LinkType) -> Claim { Claim(.linkType, type.rawValue) }
  /// An EtherType (IEEE 802.3), in every protocol that carries EtherTypes.
  package static func etherType(_ type: UInt16) -> Claim { Claim(.etherType, type) }
  /// A service access point of IEEE 802.2.
  package static func sap(_ sap: UInt8) -> Claim { Claim(.sap, sap) }
  /// A protocol identifier of SNAP, and the organisation that gave it.
  package static func snap(oui: UInt32, protocolID: UInt16) -> Claim { Claim(.snap, snapNumber(oui, protocolID)) }
  /// A protocol number of IPv4 and IPv6 (next header).
  package static func ipProtocol(_ number: UInt8) -> Claim { Claim(.ipProtocol, number) }
  /// A UDP port, source or destination.
  package static func udpPort(_ port: UInt16) -> Claim { Claim(.udpPort, port) }
  /// A UDP source port.
  package static func udpSourcePort(_ port: UInt16) -> Claim { Claim(.udpPort, port, .source) }
  /// A UDP destination port.
  package static func udpDestinationPort(_ port: UInt16) -> Claim { Claim(.udpPort, port, .destination) }
  /// A TCP port, source or destination.
  package static func tcpPort(_ port: UInt16) -> Claim { Claim(.tcpPort, port) }
  /// A TCP source port.
  package static func tcpSourcePort(_ port: UInt16) -> Claim { Claim(.tcpPort, port, .source) }
  /// A TCP destination port.
  package static func tcpDestinationPort(_ port: UInt16) -> Claim { Claim(.tcpPort, port, .destination) }
  /// A protocol that `-T` can name, over UDP.
  package static func payloadType(_ type: PayloadType) -> Claim { Claim(.payloadType, type.number) }
  /// A protocol that `-T` can name, over TCP.
  package static func tcpPayloadType(_ type: PayloadType) -> Claim { Claim(.tcpPayloadType, type.number) }
  /// A protocol that `-T` can name, over IP.
  package static func ipPayloadType(_ type: PayloadType) -> Claim { Claim(.ipPayloadType, type.number) }

  /// The claim as it is listed: `UDP port 53`, `EtherType 0x0806`, `-T snmp`.
  package var words: String {
    let ofType = [NumberSpace.payloadType, .tcpPayloadType, .ipPayloadType]
    if ofType.contains(where: { space === $0 }) {
      let index = Int(clamping: number)
      return "-T \(index < PayloadType.allCases.count ? PayloadType.allCases[index].rawValue : "\(number)")"
    }
    if space === NumberSpace.linkType {
      let type = LinkType(rawValue: UInt32(clamping: number))
      return "\(space.name) \(type.name ?? "\(number)")"
    }
    guard space.isHexadecimal else { return "\(space.name) \(number)" }
    let digits = String(number, radix: 16)
    let zeros = String(repeating: "0", count: max(0, (digits.count <= 2 ? 2 : 4) - digits.count))
    return "\(space.name) 0x\(zeros)\(digits)"
  }

  /// Organisation and protocol identifier as one number.
  package static func snapNumber(_ oui: UInt32, _ protocolID: UInt16) -> UInt64 {
    UInt64(oui) << 16 | UInt64(protocolID)
  }
}

extension NumberSpace {
  package static let linkType = NumberSpace("link type")
  package static let etherType = NumberSpace("EtherType", hexadecimal: true)
  package static let sap = NumberSpace("SAP", hexadecimal: true)
  package static let snap = NumberSpace("SNAP", hexadecimal: true)
  package static let ipProtocol = NumberSpace("IP protocol")
  package static let udpPort = NumberSpace("UDP port")
  package static let tcpPort = NumberSpace("TCP port")
  package static let payloadType = NumberSpace("-T")
  package static let tcpPayloadType = NumberSpace("-T over TCP")
  package static let ipPayloadType = NumberSpace("-T over IP")
}

extension PayloadType {
  /// Index in `allCases`.
  package var number: UInt16 { UInt16(truncatingIfNeeded: Self.allCases.firstIndex(of: self) ?? 0) }
}
