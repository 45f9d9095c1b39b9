public import PacketCore

/// Every dissector, and flat tables from the numbers they claim to the dissectors themselves.
struct Registry: Sendable {
  /// All dissectors. A new protocol adds one word. The order counts where two claimed ports meet in one packet: the
  /// first gets it.
  private static let all: [Dissector] =
    link + network + transport + routing + application + tunnel

  private static let link: [Dissector] = [
    .ethernet, .linuxSLL, .linuxSLL2, .null, .loop, .raw, .rawIPv4, .rawIPv6, .ethernetLoopback, .ppp, .pppInEthernet,
    .pppHDLC, .pppoeDiscovery, .pppoeSession, .spanningTree, .lldp,
  ]
  private static let network: [Dissector] = [
    .arp, .rarp, .ipv4, .ipv6, .ipv4InIP, .ipv6InIP, .ethernetInIP, .esp, .icmp, .icmp6,
  ]
  private static let tunnel: [Dissector] = [
    .otv, .vxlan, .geneve, .mpls, .mplsInUDP, .mplsInIP, .gre,
  ]
  private static let transport: [Dissector] = [.tcp, .udp]
  private static let routing: [Dissector] = [.igmp]
  private static let application: [Dissector] = [
    .telnet, .smtp, .whois, .ssh, .ftp, .http, .rtsp, .dnsOverTCP,
    .dns, .multicastDNS, .tftp, .bootp, .snmp, .ntp, .dhcp6, .sip,
  ]

  /// The one registry: it never changes.
  static let shared = Registry(all)

  /// A dissector's place in the list; 0 is none.
  typealias Index = UInt16

  /// What a table finds: one function and the name.
  struct Entry: Sendable {
    let name: StaticString
    let print: Dissector.Print
  }

  private let entries: [Entry]
  private let linkTypes: [Index]
  private let etherTypes: [Index]
  private let saps: [Index]
  private let snapProtocols: [(oui: UInt32, protocolID: UInt16, index: Index)]
  private let pppProtocols: [Index]
  private let igmpTypes: [Index]
  private let greProtocols: [(protocolType: UInt16, index: Index)]
  private let ipProtocols: [Index]
  private let udpPorts: [Index]
  private let tcpPorts: [Index]
  private let payloadTypes: [Index]
  private let tcpPayloadTypes: [Index]

  /// In the tables of ports: the claim holds for the source port, for the destination port.
  private static let source: Index = 0x8000
  private static let destination: Index = 0x4000

  private init(_ dissectors: [Dissector]) {
    precondition(dissectors.count < Int(Self.destination), "the two upper bits of an index are the port's direction")
    entries = dissectors.map { Entry(name: $0.name, print: $0.print) }
    var linkTypes = [Index](repeating: 0, count: 512)
    var etherTypes = [Index](repeating: 0, count: 1 << 16)
    var saps = [Index](repeating: 0, count: 256)
    var snapProtocols: [(oui: UInt32, protocolID: UInt16, index: Index)] = []
    var greProtocols: [(protocolType: UInt16, index: Index)] = []
    var igmpTypes = saps
    var pppProtocols = etherTypes
    var ipProtocols = [Index](repeating: 0, count: 256)
    var udpPorts = [Index](repeating: 0, count: 1 << 16)
    var tcpPorts = [Index](repeating: 0, count: 1 << 16)
    var payloadTypes = [Index](repeating: 0, count: PayloadType.allCases.count)
    var tcpPayloadTypes = payloadTypes
    for (offset, dissector) in dissectors.enumerated() {
      let index = Index(offset + 1)
      for claim in dissector.claims {
        switch claim {
        case .linkType(let type): linkTypes[Int(type.rawValue)] = index
        case .etherType(let type): etherTypes[Int(type)] = index
        case .sap(let sap): saps[Int(sap)] = index
        case .snap(let oui, let protocolID): snapProtocols.append((oui, protocolID, index))
        case .greProtocol(let type): greProtocols.append((type, index))
        case .igmpType(let type): igmpTypes[Int(type)] = index
        case .pppProtocol(let number): pppProtocols[Int(number)] = index
        case .ipProtocol(let number): ipProtocols[Int(number)] = index
        case .udpPort(let port): udpPorts[Int(port)] = index | Self.source | Self.destination
        case .udpSourcePort(let port): udpPorts[Int(port)] = index | Self.source
        case .udpDestinationPort(let port): udpPorts[Int(port)] = index | Self.destination
        case .tcpPort(let port): tcpPorts[Int(port)] = index | Self.source | Self.destination
        case .tcpSourcePort(let port): tcpPorts[Int(port)] = index | Self.source
        case .tcpDestinationPort(let port): tcpPorts[Int(port)] = index | Self.destination
        case .payloadType(let type):
          if let place = PayloadType.allCases.firstIndex(of: type) { payloadTypes[place] = index }
        case .tcpPayloadType(let type):
          if let place = PayloadType.allCases.firstIndex(of: type) { tcpPayloadTypes[place] = index }
        }
      }
    }
    self.linkTypes = linkTypes
    self.etherTypes = etherTypes
    self.saps = saps
    self.snapProtocols = snapProtocols
    self.greProtocols = greProtocols
    self.igmpTypes = igmpTypes
    self.pppProtocols = pppProtocols
    self.ipProtocols = ipProtocols
    self.udpPorts = udpPorts
    self.tcpPorts = tcpPorts
    self.payloadTypes = payloadTypes
    self.tcpPayloadTypes = tcpPayloadTypes
  }

  /// How many dissectors there are.
  var count: Int { entries.count }

  /// The dissector at `index`; nil for 0.
  subscript(index: Index) -> Entry? { index == 0 ? nil : entries[Int(index) - 1] }

  /// Who prints packets of a link type.
  func index(linkType: LinkType) -> Index {
    linkType.rawValue < 512 ? linkTypes[Int(linkType.rawValue)] : 0
  }
  /// Who prints the payload of an EtherType.
  func index(etherType: UInt16) -> Index { etherTypes[Int(etherType)] }
  /// Who prints the payload of a service access point of IEEE 802.2.
  func index(sap: UInt8) -> Index { saps[Int(sap)] }
  /// Who prints the payload of a protocol of SNAP.
  func index(snap oui: UInt32, _ protocolID: UInt16) -> Index {
    snapProtocols.first { $0.oui == oui && $0.protocolID == protocolID }?.index ?? 0
  }
  /// Who prints the payload of a protocol type of GRE.
  func index(greProtocol: UInt16) -> Index { greProtocols.first { $0.protocolType == greProtocol }?.index ?? 0 }
  /// Who prints messages of IGMP of a type.
  func index(igmpType: UInt8) -> Index { igmpTypes[Int(igmpType)] }
  /// Who prints the payload of a protocol of PPP.
  func index(pppProtocol: UInt16) -> Index { pppProtocols[Int(pppProtocol)] }
  /// Who prints the payload of an IP protocol.
  func index(ipProtocol: UInt8) -> Index { ipProtocols[Int(ipProtocol)] }
  /// Who prints the payload of UDP between these ports.
  func index(udpSource: UInt16, destination: UInt16) -> Index {
    Self.first(udpPorts[Int(udpSource)], udpPorts[Int(destination)])
  }
  /// Who prints the payload of TCP between these ports.
  func index(tcpSource: UInt16, destination: UInt16) -> Index {
    Self.first(tcpPorts[Int(tcpSource)], tcpPorts[Int(destination)])
  }
  /// Who prints UDP payloads under `-T`.
  func index(payloadType: PayloadType) -> Index {
    PayloadType.allCases.firstIndex(of: payloadType).map { payloadTypes[$0] } ?? 0
  }
  /// Who prints TCP payloads under `-T`.
  func index(tcpPayloadType: PayloadType) -> Index {
    PayloadType.allCases.firstIndex(of: tcpPayloadType).map { tcpPayloadTypes[$0] } ?? 0
  }

  /// The one that stands first in the list of what the source and the destination port claim.
  private static func first(_ ofSource: Index, _ ofDestination: Index) -> Index {
    let mask = ~(source | destination)
    let one = ofSource & source != 0 ? ofSource & mask : 0
    let other = ofDestination & destination != 0 ? ofDestination & mask : 0
    if one == 0 { return other }
    if other == 0 { return one }
    return min(one, other)
  }
}

extension PayloadType {
  /// True where a dissector prints what `-T` names.
  public var isPrinted: Bool {
    Registry.shared.index(payloadType: self) != 0 || Registry.shared.index(tcpPayloadType: self) != 0
  }
}

extension LinkType {
  /// True where a dissector prints packets of this link type; of others the octets are shown.
  public var isPrinted: Bool { Registry.shared.index(linkType: self) != 0 }
}
