/// A word that people type although the filter language does not have it, and what they mean by it.
enum KnownWord: Sendable {
  /// The common port of an application, over one transport or several.
  case port(UInt16, String?)
  /// A complete expression.
  case expression(String)
  /// A keyword of the language.
  case keyword(String)

  /// The known meaning of `word`, ignoring case; nil if it has none.
  init?(_ word: String) {
    guard let known = Self.all[word.lowercased()] else { return nil }
    self = known
  }

  /// What to type instead: `write 'tcp port 80'`. `transport` is a protocol that precedes the word, `value` is what follows it.
  func hint(after transport: String? = nil, value: String? = nil) -> String {
    switch self {
    case .port(let number, let own):
      let proto = (transport ?? own).map { "\($0) " } ?? ""
      return "write '\(proto)port \(number)'"
    case .expression(let text): return "write '\(text)'"
    case .keyword(let word):
      let takesValue = ["host", "net", "port", "src", "dst", "proto", "portrange"].contains { word.hasSuffix($0) }
      return "write '\(word)\(takesValue ? value.map { " \($0)" } ?? "" : "")'"
    }
  }

  static let all: [String: KnownWord] = [
    // Applications, by their registered ports.
    "bgp": .port(179, "tcp"), "bootp": .expression("udp port 67 or udp port 68"),
    "dhcp": .expression("udp port 67 or udp port 68"), "dhcpv6": .expression("udp port 546 or udp port 547"),
    "dhcp6": .expression("udp port 546 or udp port 547"), "dns": .port(53, nil), "doh": .port(443, "tcp"),
    "dot": .port(853, "tcp"), "domain": .port(53, nil), "ftp": .port(21, "tcp"),
    "gtp": .expression("udp port 2123 or udp port 2152"), "h2": .port(443, "tcp"), "h3": .port(443, "udp"),
    "hsrp": .port(1985, "udp"), "http": .port(80, "tcp"), "http2": .port(443, "tcp"), "http3": .port(443, "udp"),
    "https": .port(443, "tcp"), "ike": .expression("udp port 500 or udp port 4500"),
    "imap": .expression("tcp port 143 or tcp port 993"), "ipfix": .port(4739, "udp"), "irc": .port(6667, "tcp"),
    "isakmp": .port(500, "udp"), "iscsi": .port(3260, "tcp"), "kafka": .port(9092, "tcp"),
    "kerberos": .port(88, nil), "ldap": .port(389, nil), "ldaps": .port(636, "tcp"), "ldp": .port(646, nil),
    "llmnr": .port(5355, nil), "mdns": .port(5353, "udp"), "memcached": .port(11211, nil),
    "modbus": .port(502, "tcp"), "mongodb": .port(27017, "tcp"), "mqtt": .port(1883, "tcp"),
    "mysql": .port(3306, "tcp"), "netbios": .expression("port 137 or port 138 or port 139"),
    "netflow": .port(2055, "udp"), "nfs": .port(2049, nil), "ntp": .port(123, "udp"), "openvpn": .port(1194, nil),
    "pop3": .expression("tcp port 110 or tcp port 995"), "postgres": .port(5432, "tcp"),
    "postgresql": .port(5432, "tcp"), "pptp": .port(1723, "tcp"), "quic": .port(443, "udp"),
    "radius": .expression("udp port 1812 or udp port 1813"), "rdp": .port(3389, "tcp"), "redis": .port(6379, "tcp"),
    "rip": .port(520, "udp"), "ripng": .port(521, "udp"), "rsync": .port(873, "tcp"), "rtsp": .port(554, "tcp"),
    "sflow": .port(6343, "udp"), "sip": .port(5060, nil), "sips": .port(5061, "tcp"), "smb": .port(445, "tcp"),
    "smb2": .port(445, "tcp"), "smtp": .port(25, "tcp"), "sni": .port(443, "tcp"),
    "snmp": .expression("udp port 161 or udp port 162"), "socks": .port(1080, "tcp"), "ssdp": .port(1900, "udp"),
    "ssh": .port(22, "tcp"), "ssl": .port(443, "tcp"), "stun": .port(3478, nil), "syslog": .port(514, "udp"),
    "tacacs": .port(49, "tcp"), "telnet": .port(23, "tcp"), "teredo": .port(3544, "udp"), "tftp": .port(69, "udp"),
    "tls": .port(443, "tcp"), "vnc": .port(5900, "tcp"), "whois": .port(43, "tcp"),
    "wireguard": .port(51820, "udp"), "www": .port(80, "tcp"), "xmpp": .port(5222, "tcp"),
    // Protocols of IP (IANA protocol numbers).
    "6in4": .expression("ip proto 41"), "6to4": .expression("ip proto 41"), "dccp": .expression("ip proto 33"),
    "egp": .expression("ip proto 8"), "eigrp": .expression("ip proto 88"), "etherip": .expression("ip proto 97"),
    "gre": .expression("ip proto 47"), "ipcomp": .expression("ip proto 108"), "ipip": .expression("ip proto 4"),
    "ipsec": .expression("esp or ah or udp port 4500"), "l2tp": .expression("ip proto 115 or udp port 1701"),
    "mld": .expression("icmp6"), "ndp": .expression("icmp6[icmp6type] >= 133 and icmp6[icmp6type] <= 137"),
    "ospf": .expression("ip proto 89"), "ospf3": .expression("ip6 proto 89"), "ospfv3": .expression("ip6 proto 89"),
    "rsvp": .expression("ip proto 46"), "sit": .expression("ip proto 41"), "udplite": .expression("ip proto 136"),
    "icmpv6": .keyword("icmp6"), "ip4": .keyword("ip"), "ipv4": .keyword("ip"), "ipv6": .keyword("ip6"),
    "ping": .expression("icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply"),
    "fragment": .expression("ip[6:2] & 0x3fff != 0"), "fragments": .expression("ip[6:2] & 0x3fff != 0"),
    "frag": .expression("ip[6:2] & 0x3fff != 0"),
    // EtherTypes (IEEE registration authority), and protocols recognised by their address.
    "8021q": .keyword("vlan"), "802.1q": .keyword("vlan"), "dot1q": .keyword("vlan"),
    "dot1x": .expression("ether proto 0x888e"),
    "802.1x": .expression("ether proto 0x888e"), "bpdu": .keyword("stp"),
    "cdp": .expression("ether host 01:00:0c:cc:cc:cc"), "eap": .expression("ether proto 0x888e"),
    "eapol": .expression("ether proto 0x888e"), "ethercat": .expression("ether proto 0x88a4"),
    "fcoe": .expression("ether proto 0x8906"), "goose": .expression("ether proto 0x88b8"),
    "lacp": .expression("ether proto 0x8809"), "lldp": .expression("ether proto 0x88cc"),
    "macsec": .expression("ether proto 0x88e5"), "pppoe": .expression("pppoed or pppoes"),
    "profinet": .expression("ether proto 0x8892"),
    "ptp": .expression("ether proto 0x88f7 or udp port 319 or udp port 320"),
    "qinq": .expression("vlan and vlan"), "rstp": .keyword("stp"), "wol": .expression("ether proto 0x0842"),
    // Words for directions and kinds of values.
    "addr": .keyword("host"), "address": .keyword("host"), "ipaddr": .keyword("host"), "cidr": .keyword("net"),
    "network": .keyword("net"), "prefix": .keyword("net"), "subnet": .keyword("net"), "mac": .keyword("ether host"),
    "daddr": .keyword("dst host"), "dstip": .keyword("dst host"), "dest": .keyword("dst"), "to": .keyword("dst"),
    "destination": .keyword("dst"), "dport": .keyword("dst port"), "dstport": .keyword("dst port"),
    "from": .keyword("src"), "saddr": .keyword("src host"), "source": .keyword("src"), "sport": .keyword("src port"),
    "srcip": .keyword("src host"), "srcport": .keyword("src port"), "ports": .keyword("port"),
    "protocol": .keyword("proto"), "ethertype": .keyword("ether proto"), "range": .keyword("portrange"),
  ]
}

/// A header field that people refer to by its name.
enum KnownField {
  /// The field as an arithmetic expression; nil if the name is unknown.
  static func expression(_ name: String) -> String? { all[name.lowercased()] }

  private static let all: [String: String] = [
    // RFC 791 section 3.1.
    "ttl": "ip[8]", "tos": "ip[1]", "dscp": "ip[1] >> 2", "ecn": "ip[1] & 3", "ipid": "ip[4:2]",
    "totallength": "ip[2:2]", "iplen": "ip[2:2]",
    // RFC 8200 section 3.
    "hlim": "ip6[7]", "hoplimit": "ip6[7]", "hop-limit": "ip6[7]",
    // RFC 9293 section 3.1.
    "window": "tcp[14:2]", "win": "tcp[14:2]", "seq": "tcp[4:4]",
    // The packet.
    "size": "len", "bytes": "len", "pktlen": "len", "caplen": "len", "framelen": "len", "packetlen": "len",
    "packetsize": "len", "framesize": "len",
  ]
}

/// The TCP flags by their common names.
enum KnownFlag {
  /// The constant for a flag; nil if the name is unknown.
  static func constant(_ name: String) -> String? { all[name.lowercased()] }

  /// A test that all the flags are set, or, with `isAny`, at least one of them.
  static func test(_ constants: [String], isAny: Bool = false) -> String {
    guard constants.count > 1 else { return "tcp[tcpflags] & \(constants.first ?? "tcp-syn") != 0" }
    let sum = constants.joined(separator: "|")
    return "tcp[tcpflags] & (\(sum)) \(isAny ? "!= 0" : "= (\(sum))")"
  }

  /// The constants of the bits in `mask`; nil if it contains other bits.
  static func constants(of mask: UInt32) -> [String]? {
    guard mask > 0, mask < 256 else { return nil }
    return ["tcp-fin", "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack", "tcp-urg", "tcp-ece", "tcp-cwr"].enumerated()
      .filter { mask & 1 << UInt32($0.offset) != 0 }.map(\.element)
  }

  private static let all: [String: String] = [
    "fin": "tcp-fin", "syn": "tcp-syn", "rst": "tcp-rst", "reset": "tcp-rst", "psh": "tcp-push", "push": "tcp-push",
    "ack": "tcp-ack", "urg": "tcp-urg", "ece": "tcp-ece", "cwr": "tcp-cwr", "tcp-reset": "tcp-rst",
    "tcp-psh": "tcp-push",
  ]
}
