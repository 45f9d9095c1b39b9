/// A header that was parsed: what an object of the structured output is about, and what statistics count. The raw value is the
/// name in both.
///
/// A dissector enters its layer (`Printer.enter`) as soon as it begins, and writes the fields that it reads for the text.
public enum Layer: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  // Link
  case ethernet, vlan, llc, snap, stp, lldp
  case sll, sll2, null, loop, raw
  case arp, rarp, ethernetLoopback
  case ppp, multilink, lcp, ipcp, osicp, mplscp, ipv6cp, ccp, bacp, pap, chap, pppoe
  // Network
  case ipv4, ipv6, hopByHop, destinationOptions, routing, fragment
  case ah, esp, icmp, icmpExtensions, icmpv6, igmp
  // Transport
  case tcp, udp
  // Tunnels
  case gre, wccp, vxlan, otv, geneve, mpls
  // Applications
  case dns, dhcp, dhcpv6, ntp, snmp, tftp
  case http, rtsp, sip, ftp, smtp, whois, ssh, telnet

  /// The name in output: lower case, words joined by `_`.
  public var name: StaticString {
    switch self {
    case .ethernet: "ethernet"
    case .vlan: "vlan"
    case .llc: "llc"
    case .snap: "snap"
    case .stp: "stp"
    case .lldp: "lldp"
    case .sll: "sll"
    case .sll2: "sll2"
    case .null: "null"
    case .loop: "loop"
    case .raw: "raw"
    case .arp: "arp"
    case .rarp: "rarp"
    case .ethernetLoopback: "ethernet_loopback"
    case .ppp: "ppp"
    case .multilink: "multilink"
    case .lcp: "lcp"
    case .ipcp: "ipcp"
    case .osicp: "osicp"
    case .mplscp: "mplscp"
    case .ipv6cp: "ipv6cp"
    case .ccp: "ccp"
    case .bacp: "bacp"
    case .pap: "pap"
    case .chap: "chap"
    case .pppoe: "pppoe"
    case .ipv4: "ipv4"
    case .ipv6: "ipv6"
    case .hopByHop: "hop_by_hop"
    case .destinationOptions: "destination_options"
    case .routing: "routing"
    case .fragment: "fragment"
    case .ah: "ah"
    case .esp: "esp"
    case .icmp: "icmp"
    case .icmpExtensions: "icmp_extensions"
    case .icmpv6: "icmpv6"
    case .igmp: "igmp"
    case .tcp: "tcp"
    case .udp: "udp"
    case .gre: "gre"
    case .wccp: "wccp"
    case .vxlan: "vxlan"
    case .otv: "otv"
    case .geneve: "geneve"
    case .mpls: "mpls"
    case .dns: "dns"
    case .dhcp: "dhcp"
    case .dhcpv6: "dhcpv6"
    case .ntp: "ntp"
    case .snmp: "snmp"
    case .tftp: "tftp"
    case .http: "http"
    case .rtsp: "rtsp"
    case .sip: "sip"
    case .ftp: "ftp"
    case .smtp: "smtp"
    case .whois: "whois"
    case .ssh: "ssh"
    case .telnet: "telnet"
    }
  }
}
