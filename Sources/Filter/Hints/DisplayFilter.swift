/// Translates Wireshark display filters into the filter language.
enum DisplayFilter {
  /// Comparison operators of display filters that this language does not have.
  static let operators: Set<String> = [
    "contains", "matches", "in", "eq", "ne", "any_eq", "all_eq", "any_ne", "all_ne", "gt", "lt", "ge", "le",
  ]

  /// What a display filter field corresponds to.
  private enum Meaning {
    /// Words to put before the value.
    case words(String)
    /// Words to put before an address or a network.
    case address(String)
    /// A number to compare.
    case number(String)
    /// A bit that is set or not: an expression that is nonzero if it is set.
    case bit(String)
  }

  private static let fields: [String: Meaning] = [
    "ip.addr": .address(""), "ip.src": .address("src"), "ip.dst": .address("dst"), "ip.host": .address(""),
    "ip.src_host": .address("src"), "ip.dst_host": .address("dst"), "ipv6.addr": .address(""),
    "ipv6.src": .address("src"), "ipv6.dst": .address("dst"), "eth.addr": .words("ether host"),
    "eth.src": .words("ether src"), "eth.dst": .words("ether dst"), "eth.type": .words("ether proto"),
    "tcp.port": .words("tcp port"), "tcp.srcport": .words("tcp src port"), "tcp.dstport": .words("tcp dst port"),
    "udp.port": .words("udp port"), "udp.srcport": .words("udp src port"), "udp.dstport": .words("udp dst port"),
    "sctp.port": .words("sctp port"), "ip.proto": .words("ip proto"), "ipv6.nxt": .words("ip6 proto"),
    "vlan.id": .words("vlan"), "mpls.label": .words("mpls"), "arp.src.proto_ipv4": .words("arp src host"),
    "arp.dst.proto_ipv4": .words("arp dst host"), "frame.len": .number("len"), "frame.cap_len": .number("len"),
    "ip.len": .number("ip[2:2]"), "ip.id": .number("ip[4:2]"), "ip.ttl": .number("ip[8]"),
    "ip.hdr_len": .number("(ip[0] & 0xf) * 4"), "ip.dsfield.dscp": .number("ip[1] >> 2"),
    "ip.frag_offset": .number("ip[6:2] & 0x1fff"), "ipv6.hlim": .number("ip6[7]"), "ipv6.plen": .number("ip6[4:2]"),
    "tcp.flags": .number("tcp[tcpflags]"), "tcp.window_size_value": .number("tcp[14:2]"),
    "tcp.hdr_len": .number("(tcp[12] >> 4) * 4"), "udp.length": .number("udp[4:2]"),
    "icmp.type": .number("icmp[icmptype]"), "icmp.code": .number("icmp[icmpcode]"),
    "icmpv6.type": .number("icmp6[icmp6type]"), "icmpv6.code": .number("icmp6[icmp6code]"),
    "arp.opcode": .number("arp[6:2]"), "ip.flags.df": .bit("ip[6] & 0x40"), "ip.flags.mf": .bit("ip[6] & 0x20"),
    "tcp.flags.fin": .bit("tcp[tcpflags] & tcp-fin"), "tcp.flags.syn": .bit("tcp[tcpflags] & tcp-syn"),
    "tcp.flags.reset": .bit("tcp[tcpflags] & tcp-rst"), "tcp.flags.push": .bit("tcp[tcpflags] & tcp-push"),
    "tcp.flags.ack": .bit("tcp[tcpflags] & tcp-ack"), "tcp.flags.urg": .bit("tcp[tcpflags] & tcp-urg"),
  ]

  /// What to type instead of `field` compared with `value` by `sign`; both are nil if nothing follows the field. Nil if `field` is not a
  /// display filter field.
  static func hint(field: String, sign: String?, value: String?) -> String? {
    if let meaning = fields[field], let text = expression(meaning, sign, value) { return "write '\(text)'" }
    // On its own it may be a host name.
    guard sign != nil || fields[field] != nil || bareFields.contains(where: { field.hasPrefix($0) }) else { return nil }
    guard let dot = field.firstIndex(of: ".") else { return nil }
    guard let known = KnownWord(String(field[..<dot])) else {
      return "write 'tcp port 80', 'host 192.0.2.1' and so on: '\(field)' is a field of display filters"
    }
    return "\(known.hint()): '\(field)' is a field of display filters"
  }

  /// Prefixes of fields that are often used without a comparison.
  private static let bareFields = [
    "http.request", "http.response", "tls.handshake", "ssl.handshake", "tcp.analysis", "dns.flags", "dns.qry",
  ]

  private static func expression(_ meaning: Meaning, _ sign: String?, _ value: String?) -> String? {
    let names = [
      "eq": "==", "any_eq": "==", "all_eq": "==", "ne": "!=", "any_ne": "!=", "all_ne": "!=", "gt": ">", "lt": "<",
      "ge": ">=", "le": "<=",
    ]
    let sign = sign.map { names[$0] ?? $0 }
    if case .bit(let test) = meaning {
      let isClear = (sign == "==" && ["0", "false", "False"].contains(value)) || (sign == "!=" && value == "1")
      return "\(test) \(isClear ? "=" : "!=") 0"
    }
    guard let sign, let value, !value.isEmpty, !value.contains("\""), !value.contains("'") else { return nil }
    var values = [value]
    if sign == "in" {
      values = value.split { "{}, ".contains($0) }.map(String.init)
    } else if !["==", "!=", ">", "<", ">=", "<="].contains(sign) {
      return nil
    }
    guard let first = values.first,
      values.allSatisfy({ $0.allSatisfy { $0.isLetter || $0.isNumber || ".:/-_".contains($0) } })
    else { return nil }
    switch meaning {
    case .number(let field):
      guard sign != "in" else { return values.map { "\(field) = \($0)" }.joined(separator: " or ") }
      return "\(field) \(sign) \(first)"
    case .words, .address:
      guard sign == "==" || sign == "!=" || sign == "in" else { return nil }
      let tests = values.map { value in
        switch meaning {
        case .address(let direction):
          return (direction.isEmpty ? "" : direction + " ") + (value.contains("/") ? "net " : "host ") + value
        case .words(let words): return "\(words) \(value)"
        case .number, .bit: return value
        }
      }
      guard sign == "!=" else { return tests.joined(separator: " or ") }
      return "not \(tests[0])"
    case .bit: return nil
    }
  }
}
