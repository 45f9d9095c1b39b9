import PacketCore

extension LinkLayer {
  /// A position past the end of any packet: for offsets that a link type does not have.
  private static let nowhere = UInt32.max

  /// The description of a link type.
  init(of linkType: LinkType) {
    self = Self.layout(of: linkType)
    self.linkType = linkType
  }

  private static func layout(of linkType: LinkType) -> LinkLayer {
    switch linkType {
    case .ethernet:
      LinkLayer(.ethernet, type: 12, payload: 14, networkBehindLLC: 3, addresses: .mac(source: 6, destination: 0))
    case .dsaTagBroadcom, .dsaTagMarvell:
      // A four-byte switch tag follows the addresses.
      LinkLayer(.ethernet, type: 16, payload: 18, networkBehindLLC: 3, addresses: .mac(source: 6, destination: 0))
    case .netAnalyzer:
      LinkLayer(
        .ethernet, header: 4, type: 16, payload: 18, networkBehindLLC: 3, addresses: .mac(source: 6, destination: 0))
    case .netAnalyzerTransparent:
      // A four-byte header of its own, then preamble and start of frame.
      LinkLayer(
        .ethernet, header: 12, type: 24, payload: 26, networkBehindLLC: 3, addresses: .mac(source: 6, destination: 0))

    case .linuxSLL: LinkLayer(.linuxSLL, type: 14, payload: 16)
    case .linuxSLL2: LinkLayer(.etherType, type: 0, payload: 20)
    case .appleIPOverIEEE1394: LinkLayer(.etherType, type: 16, payload: 18)
    case .symantecFirewall: LinkLayer(.etherType, type: 6, payload: 44)

    case .null: LinkLayer(.addressFamily(networkOrder: false), payload: 4)
    case .loop: LinkLayer(.addressFamily(networkOrder: true), payload: 4)
    case .enc: LinkLayer(.addressFamily(networkOrder: false), payload: 12)
    case .pflog: LinkLayer(.addressFamilyOctet, type: 1, payload: 0, variable: .pflog)
    case .ipnet: LinkLayer(.solarisFamily, type: 1, payload: 24, networkBehindLLC: nowhere)

    case .raw: LinkLayer(.ipVersion, payload: 0)
    case .ipv4: LinkLayer(.always(EtherType.ipv4), payload: 0)
    case .ipv6: LinkLayer(.always(EtherType.ipv6), payload: 0)
    case .slip: LinkLayer(.ipVersion, payload: 16)
    case .slipBSDOS: LinkLayer(.ipVersion, payload: 24)
    case .localTalk: LinkLayer(.always(EtherType.appleTalk), payload: 0)

    case .ppp, .pppPPPD, .pppSerial: LinkLayer(.ppp, type: 2, payload: 4)
    case .pppEther: LinkLayer(.ppp, type: 6, payload: 8)
    case .pppBSDOS: LinkLayer(.pppCompressed, type: 5, payload: 24)
    case .ciscoHDLC: LinkLayer(.ciscoHDLC, type: 2, payload: 4, networkBehindLLC: 1)
    case .frameRelay: LinkLayer(.frameRelay, type: 2, payload: 0)

    case .fddi:
      LinkLayer(
        .llc, type: 19, payload: 13, network: 8, networkBehindLLC: 3, addresses: .mac(source: 7, destination: 1))
    case .tokenRing:
      LinkLayer(
        .llc, type: 20, payload: 14, network: 8, networkBehindLLC: 3, addresses: .mac(source: 8, destination: 2))
    case .ipOverFibreChannel:
      LinkLayer(
        .llc, type: 22, payload: 16, network: 8, networkBehindLLC: 3, addresses: .mac(source: 10, destination: 2))
    case .atmRFC1483, .atmCLIP:
      LinkLayer(.llc, type: 6, payload: 0, network: 8, networkBehindLLC: 3)
    case .sunATM:
      LinkLayer(.sunATM(lane: false), type: 10, payload: 4, network: 8, networkBehindLLC: 3)

    case .ieee80211: ieee80211(.ieee80211)
    case .radiotap: ieee80211(.radiotap)
    case .avs: ieee80211(.avs)
    case .prism: ieee80211(.prism)
    case .ppi: ieee80211(.ppi)

    case .arcnet: LinkLayer(.arcnet, type: 2, payload: 6, addresses: .octet(source: 0, destination: 1))
    case .arcnetLinux: LinkLayer(.arcnet, type: 4, payload: 8, addresses: .octet(source: 0, destination: 1))
    case .bacnetMSTP:
      // Frames that begin with 0x55ff carry BACnet; they have no protocol field.
      LinkLayer(
        .unknown, payload: nowhere, network: nowhere, networkBehindLLC: nowhere,
        addresses: .octet(source: 4, destination: 3))
    default:
      juniper(linkType) ?? LinkLayer(.unknown, payload: 0)
    }
  }

  /// IEEE 802.11: LLC and SNAP after a header whose length varies.
  private static func ieee80211(_ variable: VariableLength) -> LinkLayer {
    LinkLayer(
      .ieee80211, type: 6, payload: 0, network: 8, networkBehindLLC: 3, addresses: .ieee80211, variable: variable)
  }

  /// Headers written by Juniper's routers: a magic number of three bytes, then a header without a protocol field.
  private static func juniper(_ linkType: LinkType) -> LinkLayer? {
    let (payload, network, behindLLC): (UInt32, UInt32, UInt32)
    switch linkType.rawValue {
    case 134, 130, 131: (payload, network, behindLLC) = (4, 0, nowhere)  // MFR, MLPPP, MLFR
    case 179, 180, 181: (payload, network, behindLLC) = (4, 0, nowhere)  // PPP, Frame Relay, C-HDLC
    case 137: (payload, network, behindLLC) = (4, 0, 10)  // ATM1
    case 135: (payload, network, behindLLC) = (8, 0, 10)  // ATM2
    case 133, 164: (payload, network, behindLLC) = (12, 0, nowhere)  // GGSN, monitor
    case 167, 178: (payload, network, behindLLC) = (32, 0, 3)  // PPPoE, Ethernet
    case 168: (payload, network, behindLLC) = (6, 0, nowhere)  // PPPoE over ATM
    case 132, 136, 183, 194, 200, 232, 233, 234, 238: (payload, network, behindLLC) = (nowhere, nowhere, nowhere)
    default: return nil
    }
    return LinkLayer(
      .magic(0x4d47_4300, mask: 0xffff_ff00), payload: payload, network: network, networkBehindLLC: behindLLC)
  }
}
