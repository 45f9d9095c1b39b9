extension ProtocolName {
  /// Every way to write it, the common one first.
  private var spellings: [String] {
    switch self {
    case .link: ["ether", "link", "fddi", "tr", "wlan", "ppp", "slip"]
    case .esis: ["esis", "es-is"]
    case .isis: ["isis", "is-is"]
    default: [rawValue]
    }
  }

  /// Its row in the list of keywords.
  var entry: FilterWord { FilterWord(spellings, meaning) }

  private var meaning: String {
    switch self {
    case .link: "the link layer, whatever it is; not alone"
    case .radio: "the header of IEEE 802.11 radio information; only in 'radio[offset]'"
    case .ip: "IPv4"
    case .ip6: "IPv6"
    case .arp: "address resolution protocol"
    case .rarp: "reverse address resolution protocol"
    case .atalk: "AppleTalk"
    case .aarp: "AppleTalk address resolution protocol"
    case .decnet: "DECnet phase IV"
    case .lat: "DEC local area transport"
    case .sca: "DEC systems communication architecture"
    case .moprc: "DEC maintenance operation protocol, remote console"
    case .mopdl: "DEC maintenance operation protocol, dump and load"
    case .stp: "IEEE 802.1D spanning tree"
    case .ipx: "Novell IPX"
    case .netbeui: "NetBEUI"
    case .iso: "OSI network layer: CLNP, ES-IS or IS-IS"
    case .esis: "OSI ES-IS"
    case .isis: "OSI IS-IS"
    case .clnp: "OSI CLNP"
    case .isisL1: "IS-IS level 1"
    case .isisL2: "IS-IS level 2"
    case .isisIIH: "IS-IS hello"
    case .isisLSP: "IS-IS link state PDU"
    case .isisSNP: "IS-IS sequence number PDU"
    case .isisCSNP: "IS-IS complete sequence number PDU"
    case .isisPSNP: "IS-IS partial sequence number PDU"
    case .tcp: "TCP, in IPv4 or IPv6"
    case .udp: "UDP, in IPv4 or IPv6"
    case .sctp: "SCTP, in IPv4 or IPv6"
    case .icmp: "ICMP, in IPv4"
    case .icmp6: "ICMPv6, in IPv6"
    case .igmp: "IGMP, in IPv4"
    case .igrp: "IGRP, in IPv4"
    case .pim: "PIM, in IPv4 or IPv6"
    case .vrrp: "VRRP, in IPv4"
    case .carp: "CARP, in IPv4"
    case .ah: "IPsec authentication header, in IPv4 or IPv6"
    case .esp: "IPsec encapsulating security payload, in IPv4 or IPv6"
    }
  }
}
