package import PacketCore

/// Protocol numbers of IPv4 and next headers of IPv6.
package typealias IPProtocol = IPProtocols<UInt8>

extension IPProtocol {
  /// True for protocols whose dissector writes `A.port > B.port: ` itself. A protocol without a dissector is not one of them, so that its
  /// addresses are still printed.
  package static func printsEndpoints(_ number: UInt8) -> Bool {
    switch number {
    case tcp, udp, sctp, dccp: true
    default: false
    }
  }

  /// True for protocols without a dissector whose header begins with the source and destination ports: UDP-Lite (RFC 3828 section 3.1).
  package static func beginsWithPorts(_ number: UInt8) -> Bool {
    switch number {
    case udpLite: true
    default: false
    }
  }

  /// True for the IPv6 extension headers that another header follows.
  package static func isExtensionHeader(_ number: UInt8) -> Bool {
    switch number {
    case hopByHop, routing, fragment, destinationOptions: true
    default: false
    }
  }

  /// The version of IP that a protocol requires, and the text to write if the other version carries it.
  package static func requirement(_ number: UInt8) -> (version: UInt8, text: StaticString)? {
    switch number {
    case icmp: (4, "[ICMP requires IPv4]")
    case igmp: (4, "[IGMP requires IPv4]")
    case icmp6: (6, "[ICMPv6 requires IPv6]")
    case ethernet: (6, "[Ethernet requires IPv6]")
    default: nil
    }
  }

  /// False for a protocol that only IPv6 carries, even if a dissector claims it: the mobility header, also under its first number.
  package static func isCarried(_ number: UInt8, byVersion version: UInt8) -> Bool {
    switch number {
    case mobility, mobilityOld: version == 6
    default: true
    }
  }

  package static var names: ValueNames { protocolNames }
}

/// The names of protocols.
private let protocolNames: ValueNames = [
  0: "HBH", 1: "ICMP", 2: "IGMP", 4: "IPIP", 6: "TCP", 8: "EGP", 9: "IGRP", 17: "UDP", 33: "DCCP", 41: "IPv6",
  43: "Routing", 44: "Fragment", 46: "RSVP", 47: "GRE", 50: "ESP", 51: "AH", 55: "Mobile IP", 58: "ICMPv6",
  59: "No Next Header", 60: "DSTOPT", 62: "Mobile IP (old)", 88: "EIGRP", 89: "OSPF", 103: "PIM",
  108: "Compressed IP", 112: "VRRP", 113: "PGM", 132: "SCTP", 135: "Mobility", 143: "Ethernet",
]
