import PacketCore

/// The name of some bytes of a packet, and how their number is written.
struct FieldName: Hashable, Sendable {
  /// How a number is written for the user.
  enum Form: Hashable, Sendable {
    case decimal
    /// Bits: `0x12`.
    case hexadecimal
    /// `0x0800 (IPv4)`
    case etherType
    /// `17 (udp)`
    case ipProtocol
    /// `192.0.2.1`
    case ipv4
    /// Four bytes of an IPv6 address: `2001:0db8`.
    case ipv6
    /// This many bytes of a link-layer address: `02:00:00:01`.
    case mac(octets: Int)
    /// The bits from this one up: `4` for the version in `0x40`.
    case shifted(by: UInt32)
    /// `2 (IPv4)`, in either byte order.
    case addressFamily
    /// `0x0021 (IPv4)`
    case pppProtocol
  }

  var name: String
  var form = Form.decimal
  /// False if it is only an offset, as in `ether[100]`.
  var isNamed = true
}

extension FieldName.Form {
  func text(_ number: UInt32) -> String {
    switch self {
    case .decimal: "\(number)"
    case .hexadecimal: Self.hexadecimal(number)
    case .etherType:
      Self.hexadecimal(number, digits: 4)
        + Self.parenthesis(number <= EtherType.maximumLength ? "a length" : Self.etherTypes[number])
    case .ipProtocol: "\(number)" + Self.parenthesis(Self.ipProtocols[number])
    case .ipv4: (0..<4).map { "\((number >> (24 - 8 * $0)) & 0xff)" }.joined(separator: ".")
    case .ipv6: Self.digits(number >> 16, 4) + ":" + Self.digits(number & 0xffff, 4)
    case .mac(let octets):
      (0..<octets).map { Self.digits((number >> UInt32(8 * (octets - 1 - $0))) & 0xff, 2) }.joined(separator: ":")
    case .shifted(let bits): "\(number >> bits)"
    case .addressFamily:
      "\(min(number, number.byteSwapped))" + Self.parenthesis(Self.addressFamilies[min(number, number.byteSwapped)])
    case .pppProtocol: Self.hexadecimal(number, digits: 4) + Self.parenthesis(Self.pppProtocols[number])
    }
  }

  private static func parenthesis(_ name: String?) -> String { name.map { " (\($0))" } ?? "" }

  private static func hexadecimal(_ number: UInt32, digits: Int = 1) -> String { "0x" + Self.digits(number, digits) }

  private static func digits(_ number: UInt32, _ count: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, count - digits.count)) + digits
  }

  /// IEEE 802 numbers.
  private static let etherTypes: [UInt32: String] = [
    EtherType.ipv4: "IPv4", EtherType.arp: "ARP", EtherType.reverseARP: "RARP", EtherType.ipv6: "IPv6",
    EtherType.vlan: "802.1Q tag", EtherType.serviceVLAN: "802.1ad tag", EtherType.oldServiceVLAN: "QinQ tag",
    EtherType.mpls: "MPLS", EtherType.mplsMulticast: "MPLS multicast", EtherType.pppoeDiscovery: "PPPoE discovery",
    EtherType.pppoeSession: "PPPoE session", EtherType.lldp: "LLDP", EtherType.loopback: "loopback",
    EtherType.decnet: "DECnet", EtherType.lat: "LAT", EtherType.sca: "SCA", EtherType.mopDownload: "MOP DL",
    EtherType.mopRemoteConsole: "MOP RC", EtherType.appleTalk: "AppleTalk", EtherType.appleTalkARP: "AARP",
    EtherType.ipx: "IPX", 0x888e: "EAPOL", 0x88f7: "PTP",
  ]

  /// IANA protocol numbers.
  private static let ipProtocols: [UInt32: String] = [
    0: "hop-by-hop options", 1: "icmp", 2: "igmp", 4: "ip in ip", 6: "tcp", 9: "igrp", 17: "udp", 41: "ip6 in ip",
    43: "routing", 44: "fragment", 47: "gre", 50: "esp", 51: "ah", 58: "icmp6", 59: "no next header",
    60: "destination options", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp",
  ]

  private static let addressFamilies: [UInt32: String] = [
    2: "IPv4", 10: "IPv6", 24: "IPv6", 26: "IPv6", 28: "IPv6", 30: "IPv6",
  ]

  private static let pppProtocols: [UInt32: String] = [
    0x0021: "IPv4", 0x0057: "IPv6", 0x0027: "DECnet", 0x0029: "AppleTalk", 0x002b: "IPX", 0x0281: "MPLS",
    0xc021: "LCP", 0x8021: "IPCP", 0x8057: "IPV6CP", 0xc023: "PAP", 0xc223: "CHAP",
  ]
}
