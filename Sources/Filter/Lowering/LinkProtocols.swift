import BPF
import PacketCore

/// Tests of the field that identifies the protocol carried by the link layer.
extension Lowering {
  /// True if the payload is of `type`: an EtherType, or, up to 1500, an IEEE 802.2 service access point.
  mutating func linkProtocol(_ type: UInt32) throws(FilterError) -> Condition {
    switch layers.field {
    case .ethernet: return ethernetProtocol(type)
    case .linuxSLL: return linuxSLLProtocol(type)
    case .etherType: return equal(.half, layers.type, type)
    case .llc: return llcProtocol(type)
    case .ieee80211: return .all([hasIEEE80211Payload(), llcProtocol(type)])
    case .ipVersion:
      switch type {
      case EtherType.ipv4: return equal(.byte, Position(0, base: layers.payload.base), mask: 0xf0, 0x40)
      case EtherType.ipv6: return equal(.byte, Position(0, base: layers.payload.base), mask: 0xf0, 0x60)
      default: return .constant(false)
      }
    case .always(let only): return .constant(type == only)
    case .addressFamily(let networkOrder): return addressFamily(of: type, networkOrder: networkOrder)
    case .addressFamilyOctet: return .any(addressFamilies(of: type).map { equal(.byte, layers.type, $0) })
    case .solarisFamily:
      switch type {
      case EtherType.ipv4: return equal(.byte, layers.type, 2)
      case EtherType.ipv6: return equal(.byte, layers.type, 26)
      default: return .constant(false)
      }
    case .ppp: return equal(.half, layers.type, PPPProtocol.number(forEtherType: type))
    case .pppCompressed:
      let number = PPPProtocol.number(forEtherType: type)
      guard type == EtherType.ipv4 else { return equal(.half, layers.type, number) }
      return .any([number, 0x2d, 0x2f].map { equal(.half, layers.type, $0) })
    case .ciscoHDLC: return equal(.half, layers.type, type == ServiceAccessPoint.osi ? 0xfefe : type)
    case .frameRelay: return frameRelayProtocol(type)
    case .arcnet: return arcnetProtocol(type)
    case .mpls: return try mplsPayload(type)
    case .sunATM(let lane):
      guard lane else { return .all([isATM(.llc), llcProtocol(type)]) }
      return .all([isLANEData(), ethernetProtocol(type)])
    case .magic(let bits, let mask): return equal(.word, Position(0), mask: mask, bits)
    case .unknown: throw error("link-layer type filtering not implemented for \(linkTypeName)")
    }
  }

  private mutating func isLength() -> Condition {
    .not(compare(load(.half, layers.type), .greater, EtherType.maximumLength))
  }

  /// Ethernet: a type above 1500, or a length and then IEEE 802.2.
  private mutating func ethernetProtocol(_ type: UInt32) -> Condition {
    let payload = layers.payload
    switch type {
    case ServiceAccessPoint.osi, ServiceAccessPoint.netBEUI, ServiceAccessPoint.ipv4:
      // Both service access points name the protocol.
      return .all([isLength(), equal(.half, payload, type << 8 | type)])
    case ServiceAccessPoint.ipx:
      // IPX as an EtherType, after SNAP, after LLC, or without any header as NetWare did.
      return .any([
        equal(.half, layers.type, EtherType.ipx),
        .all([isLength(), .any([snap(0, EtherType.ipx), equal(.byte, payload, type), equal(.half, payload, 0xffff)])]),
      ])
    case EtherType.appleTalk:
      return .any([equal(.half, layers.type, type), .all([isLength(), snap(0x080007, type)])])
    case EtherType.appleTalkARP:
      return .any([equal(.half, layers.type, type), .all([isLength(), snap(0, type)])])
    case ...EtherType.maximumLength:
      return .all([isLength(), equal(.byte, payload, type)])
    default:
      return equal(.half, layers.type, type)
    }
  }

  /// A Linux cooked header: an EtherType, or 1 for NetWare without LLC, or 4 for IEEE 802.2.
  private mutating func linuxSLLProtocol(_ type: UInt32) -> Condition {
    let payload = layers.payload
    let isLLC = equal(.half, layers.type, 4)
    switch type {
    case ServiceAccessPoint.osi, ServiceAccessPoint.netBEUI, ServiceAccessPoint.ipv4:
      return .all([isLLC, equal(.half, payload, type << 8 | type)])
    case ServiceAccessPoint.ipx:
      return .any([
        equal(.half, layers.type, EtherType.ipx), equal(.half, layers.type, 1),
        .all([isLLC, .any([equal(.byte, payload, type), snap(0, EtherType.ipx)])]),
      ])
    case EtherType.appleTalk:
      return .any([equal(.half, layers.type, type), .all([isLLC, snap(0x080007, type)])])
    case EtherType.appleTalkARP:
      return .any([equal(.half, layers.type, type), .all([isLLC, snap(0, type)])])
    case ...EtherType.maximumLength:
      return .all([isLLC, equal(.byte, payload, type)])
    default:
      return equal(.half, layers.type, type)
    }
  }

  /// LLC with SNAP: 24 bits of organisation code and 16 bits of protocol.
  mutating func snap(_ organisation: UInt32, _ type: UInt32) -> Condition {
    .all([
      equal(.word, layers.payload, 4, (organisation & 0xffff) << 16 | type),
      equal(.word, layers.payload, 0, 0xaaaa_0300 | organisation >> 16),
    ])
  }

  /// Always IEEE 802.2: a service access point, or SNAP, of which only the type is compared.
  private mutating func llcProtocol(_ type: UInt32) -> Condition {
    let payload = layers.payload
    switch type {
    case ServiceAccessPoint.osi, ServiceAccessPoint.netBEUI, ServiceAccessPoint.ipv4:
      return equal(.half, payload, type << 8 | type)
    case EtherType.appleTalk:
      return snap(0x080007, type)
    case ...EtherType.maximumLength:
      return equal(.byte, payload, type)
    default:
      return equal(.half, layers.type, type)
    }
  }

  /// BSD loopback: the address family in the byte order of the host that made the capture. The number for IPv6 differs between systems, and
  /// a savefile may come from any of them, in either byte order.
  private mutating func addressFamily(of type: UInt32, networkOrder: Bool) -> Condition {
    let families = addressFamilies(of: type)
    if networkOrder { return .any(families.map { equal(.word, layers.type, $0) }) }
    if case .savefile = options.target {
      return .any((families + families.map(\.byteSwapped)).map { equal(.word, layers.type, $0) })
    }
    return .any(families.map { equal(.word, layers.type, $0.bigEndian) })
  }

  /// The numbers of an address family: this system's, or, for a savefile, those of all systems.
  private func addressFamilies(of type: UInt32) -> [UInt32] {
    let isSavefile = if case .savefile = options.target { true } else { false }
    return switch type {
    case EtherType.ipv4: [2]
    case EtherType.ipv6: isSavefile ? [30, 24, 28] : [10]
    default: []
    }
  }

  /// Frame relay: 3 for unnumbered information, then the network layer protocol identifier.
  private mutating func frameRelayProtocol(_ type: UInt32) -> Condition {
    switch type {
    case EtherType.ipv4: return equal(.half, layers.type, 0x03cc)
    case EtherType.ipv6: return equal(.half, layers.type, 0x038e)
    case ServiceAccessPoint.osi:
      return .any([0x0381, 0x0382, 0x0383].map { equal(.half, layers.type, $0) })
    default: return .constant(false)
    }
  }

  /// ARCnet: system codes of RFC 1201 and of AppleTalk.
  private mutating func arcnetProtocol(_ type: UInt32) -> Condition {
    switch type {
    case EtherType.ipv4: return equal(.byte, layers.type, 0xd4)
    case EtherType.ipv6: return equal(.byte, layers.type, 0xc4)
    case EtherType.arp: return equal(.byte, layers.type, 0xd5)
    case EtherType.reverseARP: return equal(.byte, layers.type, 0xd6)
    case EtherType.appleTalk: return equal(.byte, layers.type, 0xdd)
    default: return .constant(false)
    }
  }

  /// IEEE 802.11: true for a data frame that has a payload and is not protected.
  mutating func hasIEEE80211Payload() -> Condition {
    switch options.ieee80211Layout {
    case .standard: equal(.half, layers.header, mask: 0x4c40, 0x0800)
    case .libpcap: equal(.byte, layers.header, mask: 0x0c, 0x08)
    }
  }

  /// After an MPLS label: true for IP if the label is the last of the stack and the version is right.
  private mutating func mplsPayload(_ type: UInt32) throws(FilterError) -> Condition {
    let version: UInt32
    switch type {
    case EtherType.ipv4: version = 0x40
    case EtherType.ipv6: version = 0x60
    default: throw error("unsupported protocol over mpls")
    }
    // The type position is that of the label: its bottom-of-stack bit is the lowest bit of the third byte.
    return .all([
      equal(.byte, layers.type, 2, mask: 1, 1),
      equal(.byte, layers.networkHeader, mask: 0xf0, version),
    ])
  }
}

typealias PPPProtocol = PPPProtocols<UInt32>

extension PPPProtocol {
  /// The PPP number of a protocol given by its EtherType or service access point; any other number is returned unchanged.
  static func number(forEtherType type: UInt32) -> UInt32 {
    switch type {
    case EtherType.ipv4: ipv4
    case EtherType.ipv6: ipv6
    case EtherType.decnet: decnet
    case EtherType.appleTalk: appleTalk
    case EtherType.xns: xns
    case ServiceAccessPoint.osi: osi
    case ServiceAccessPoint.spanningTree: bridging
    case ServiceAccessPoint.ipx: ipx
    case EtherType.mpls: mpls
    case EtherType.mplsMulticast: mplsMulticast
    default: type
    }
  }
}
