/// A protocol that a filter can name: as a qualifier, alone, or in front of `[`. The raw value is the word that messages use.
enum ProtocolName: String, Hashable, Sendable, CaseIterable {
  case link
  case radio
  case ip, ip6, arp, rarp, atalk, aarp, decnet, lat, sca, moprc, mopdl, stp, ipx, netbeui
  case iso, esis, isis, clnp
  case isisL1 = "l1"
  case isisL2 = "l2"
  case isisIIH = "iih"
  case isisLSP = "lsp"
  case isisSNP = "snp"
  case isisCSNP = "csnp"
  case isisPSNP = "psnp"
  case tcp, udp, sctp, icmp, icmp6, igmp, igrp, pim, vrrp, carp, ah, esp

  /// The protocol of a keyword, other spellings included; nil where the word names none.
  init?(keyword: String) {
    switch keyword {
    case "ether", "fddi", "tr", "wlan", "ppp", "slip": self = .link
    case "es-is": self = .esis
    case "is-is": self = .isis
    default: self.init(rawValue: keyword)
    }
  }

  /// True where the name means something when it stands alone.
  var standsAlone: Bool { self != .link && self != .radio }

  /// The protocol's number in an IP header, for those that an IP header names (IANA protocol numbers).
  var ipProtocol: UInt8? {
    switch self {
    case .icmp: 1
    case .igmp: 2
    case .tcp: 6
    case .igrp: 9
    case .udp: 17
    case .esp: 50
    case .ah: 51
    case .icmp6: 58
    case .pim: 103
    case .vrrp, .carp: 112
    case .sctp: 132
    default: nil
    }
  }

  /// The EtherType, or for `iso`, `stp`, `ipx` (with IEEE 802.2) and `netbeui` what stands for it, of protocols that follow a link-layer header.
  var etherType: UInt32? {
    switch self {
    case .ip: EtherType.ip
    case .ip6: EtherType.ip6
    case .arp: EtherType.arp
    case .rarp: EtherType.rarp
    case .atalk: EtherType.appleTalk
    case .aarp: EtherType.appleTalkARP
    case .decnet: EtherType.decnet
    case .lat: EtherType.lat
    case .sca: EtherType.sca
    case .mopdl: EtherType.mopDownload
    case .moprc: EtherType.mopRemoteConsole
    case .ipx: LLCServiceAccessPoint.ipx
    case .stp: LLCServiceAccessPoint.stp
    case .netbeui: LLCServiceAccessPoint.netbeui
    case .iso: LLCServiceAccessPoint.iso
    default: nil
    }
  }
}

/// EtherTypes (IEEE 802 numbers).
enum EtherType {
  static let ip: UInt32 = 0x0800
  static let arp: UInt32 = 0x0806
  static let decnet: UInt32 = 0x6003
  static let mopDownload: UInt32 = 0x6001
  static let mopRemoteConsole: UInt32 = 0x6002
  static let lat: UInt32 = 0x6004
  static let sca: UInt32 = 0x6007
  static let rarp: UInt32 = 0x8035
  static let appleTalk: UInt32 = 0x809b
  static let appleTalkARP: UInt32 = 0x80f3
  static let vlan: UInt32 = 0x8100
  static let ipx: UInt32 = 0x8137
  static let ip6: UInt32 = 0x86dd
  static let mpls: UInt32 = 0x8847
  static let pppoeDiscovery: UInt32 = 0x8863
  static let pppoeSession: UInt32 = 0x8864
  static let vlanService: UInt32 = 0x88a8
  static let lldp: UInt32 = 0x88cc
  static let loopback: UInt32 = 0x9000
  static let vlanOld: UInt32 = 0x9100
  /// Transparent Ethernet bridging.
  static let ethernet: UInt32 = 0x6558

  /// The greatest number in an Ethernet type field that is a length (IEEE 802.3).
  static let greatestLength: UInt32 = 1500
}

/// IEEE 802.2 service access points.
enum LLCServiceAccessPoint {
  static let ip: UInt32 = 0x06
  static let stp: UInt32 = 0x42
  static let snap: UInt32 = 0xaa
  static let ipx: UInt32 = 0xe0
  static let netbeui: UInt32 = 0xf0
  static let iso: UInt32 = 0xfe
}
