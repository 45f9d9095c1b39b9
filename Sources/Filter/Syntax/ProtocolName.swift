import PacketCore

/// A protocol that a filter can name: as a qualifier, on its own, or before `[`. The raw value is the word used in messages.
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

  /// The protocol of a keyword, synonyms included; nil if the word is not a protocol.
  init?(keyword: String) {
    switch keyword {
    case "ether", "fddi", "tr", "wlan", "ppp", "slip": self = .link
    case "es-is": self = .esis
    case "is-is": self = .isis
    default: self.init(rawValue: keyword)
    }
  }

  /// True if the name is a test on its own.
  var standsAlone: Bool { self != .link && self != .radio }

  /// The protocol's number in an IP header (IANA protocol numbers); nil for others.
  var ipProtocol: UInt8? {
    switch self {
    case .icmp: IPProtocol.icmp
    case .igmp: IPProtocol.igmp
    case .tcp: IPProtocol.tcp
    case .igrp: IPProtocol.igrp
    case .udp: IPProtocol.udp
    case .esp: IPProtocol.esp
    case .ah: IPProtocol.authentication
    case .icmp6: IPProtocol.icmp6
    case .pim: IPProtocol.pim
    case .vrrp, .carp: IPProtocol.vrrp
    case .sctp: IPProtocol.sctp
    default: nil
    }
  }

  /// The EtherType of protocols that follow a link-layer header; for `iso`, `stp`, `ipx` (with IEEE 802.2) and `netbeui`, the number that
  /// stands for it.
  var etherType: UInt32? {
    switch self {
    case .ip: EtherType.ipv4
    case .ip6: EtherType.ipv6
    case .arp: EtherType.arp
    case .rarp: EtherType.reverseARP
    case .atalk: EtherType.appleTalk
    case .aarp: EtherType.appleTalkARP
    case .decnet: EtherType.decnet
    case .lat: EtherType.lat
    case .sca: EtherType.sca
    case .mopdl: EtherType.mopDownload
    case .moprc: EtherType.mopRemoteConsole
    case .ipx: ServiceAccessPoint.ipx
    case .stp: ServiceAccessPoint.spanningTree
    case .netbeui: ServiceAccessPoint.netBEUI
    case .iso: ServiceAccessPoint.osi
    default: nil
    }
  }
}

// Numbers that filters compare.
typealias IPProtocol = IPProtocols<UInt8>
typealias EtherType = EtherTypes<UInt32>
typealias ServiceAccessPoint = ServiceAccessPoints<UInt32>
