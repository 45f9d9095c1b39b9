public import Dissect
import DissectApplication
import DissectLink
import DissectRouting
import DissectWireless
public import Names
public import PacketCore

extension Registry {
  /// Every protocol that apus prints. To add one, add its name to one of these lists.
  ///
  /// The order matters if a packet's two ports are claimed by different dissectors: the first one gets it.
  public static let shared = Registry(link + wireless + network + transport + routing + application + tunnel)

  private static let link: [Dissector] = [
    .ethernet, .linuxSLL, .linuxSLL2, .null, .loop, .raw, .rawIPv4, .rawIPv6, .ethernetLoopback, .ppp, .pppInEthernet,
    .pppHDLC, .pppoeDiscovery, .pppoeSession, .spanningTree, .lldp, .eapol, .broadcomTag, .broadcomTagPrepended,
    .marvellTag, .marvellEtherTypeTag, .ipoib, .ipnet, .nflog, .pktap, .nsh, .chdlc, .slarp, .slip, .frameRelay, .q933,
    .multilinkFrameRelay, .frameRelayFragment, .cdp, .vtp, .dtp, .udld, .slowProtocol, .aoe,
    .geoNetworking, .calmFast, .ipx, .cfm,
    .atm, .sunATM, .lane, .juniperMLPPP, .juniperMLFR, .juniperES, .juniperGGSN, .juniperMFR, .juniperATM2,
    .juniperServices, .juniperATM1, .juniperMonitor, .juniperPPPoE, .juniperPPPoEOverATM, .juniperEthernet,
    .juniperPPP, .juniperFrameRelay, .juniperHDLC,
    .localTalk, .arcnet, .arcnetLinux, .tokenRing, .fddi, .ipfc, .ieee1394, .enc, .pflog, .symantec, .netAnalyzer,
    .netAnalyzerTransparent, .classicalIP, .slipBSDOS, .usbLinux, .usbLinuxMapped, .bluetooth, .vsock,
  ]
  private static let wireless: [Dissector] = [.ieee80211, .radiotap, .prism, .avs, .ppi, .ieee802154, .ieee802154Tap]
  private static let network: [Dissector] = [
    .arp, .rarp, .ipv4, .ipv6, .ipv4InIP, .ipv6InIP, .ethernetInIP, .esp, .icmp, .icmp6, .osi,
    .osiBehindControl,
  ]
  private static let transport: [Dissector] = [.tcp, .udp, .sctp, .dccp]
  private static let routing: [Dissector] = [
    .igmp, .vrrp, .carp, .hsrp, .bfdControl, .bfdEcho, .bfdMultihop, .bfdLAG, .seamlessBFD, .rip, .ripng, .pim, .pimv1,
    .dvmrp, .autoRP, .ospf, .bgp, .isis, .esis, .clnp, .mobility, .babel, .rpki, .eigrp, .igrp, .egp, .msdp, .rsvp,
    .ldp, .lspPing, .nhrp, .lisp, .aodv, .olsr, .ahcp, .hncp, .lmp,
  ]
  private static let application: [Dissector] = [
    .ftp, .ssh, .telnet, .smtp, .whois, .dnsOverTCP, .http, .rtsp, .httpAlternative, .rtspAlternative, .dns, .bootp,
    .tftp, .ntp, .snmp, .dhcp6, .multicastDNS, .sip, .radius, .m3ua, .isakmp, .udpEncapsulation, .ipcomp, .sflow,
    .ptp, .someip, .timed, .tipc, .vqp, .resp, .pptp, .quic, .kerberos, .netflow, .zmtp, .whiteBoard, .pgm, .nfs,
    .nfsOverTCP,
    .syslog, .aarp,
    .decnet, .openflow, .rx, .lwres, .forces, .zephyr, .lwapp, .rtp, .rtcp, .vat, .appleTalk, .appleTalkInLoopback,
    .l2tp,
  ]
  private static let tunnel: [Dissector] = [
    .vxlan, .geneve, .mpls, .mplsInUDP, .mplsInIP, .gre, .erspan, .erspan3, .vxlanGPE, .broadcomInterception,
  ]
}

extension Printer {
  /// A printer of all protocols that has seen no packet: see `init(options:registry:names:recording:)`.
  public init(options: PrintOptions, names: LocalNames = LocalNames(), recording: Recording = .nothing) {
    self.init(options: options, registry: .shared, names: names, recording: recording)
  }
}

extension PayloadType {
  /// True if a dissector prints the type that `-T` names.
  public var isPrinted: Bool { Registry.shared.prints(self) }
}

extension LinkType {
  /// True if a dissector prints packets of this link type; for other link types, the bytes are printed.
  public var isPrinted: Bool { Registry.shared.prints(self) }
}
