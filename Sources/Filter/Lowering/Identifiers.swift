import BPF
import Names
import PacketCore

/// Identifiers under qualifiers: decides which test a name, a number or an address means, and which qualifiers cannot be used with it.
extension Lowering {
  mutating func identifier(_ identifier: Identifier, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    operand = identifier.range
    let kind = qualifiers.kind ?? .host
    if case .name = identifier.value { try checkNamesOfDECnet(kind, qualifiers) }
    if let direction = qualifiers.direction, direction.isWireless { try checkWireless(direction, kind) }
    switch identifier.value {
    case .name(let name): return try self.name(name, kind, qualifiers)
    case .number(let number): return try self.number(number, kind, qualifiers, text: identifier.text)
    case .dotted: return try dotted(identifier.text, kind, qualifiers)
    case .ipv4Prefix(let address, let length):
      try checkNotDECnet(kind, qualifiers)
      try checkNetwork(kind, "IPv4 address and prefix length", identifier.text)
      let mask: UInt32 = length == 0 ? 0 : .max << (32 - length)
      try checkHostBits(address.rawValue & ~mask == 0, identifier.text)
      if kind == .host, length != 32 { throw notHost(identifier.text) }
      return try ipv4Host(
        [address], mask: mask, qualifiers, what: kind == .host ? "host <IPv4 address>" : "net <IPv4 prefix>")
    case .ipv4Masked(let address, let mask):
      try checkNotDECnet(kind, qualifiers)
      try checkNetwork(kind, "IPv4 address and netmask", identifier.text)
      try checkHostBits(address.rawValue & ~mask.rawValue == 0, identifier.text)
      if kind == .host, mask.rawValue != .max { throw notHost(identifier.text) }
      return try ipv4Host(
        [address], mask: mask.rawValue, qualifiers, what: kind == .host ? "host <IPv4 address>" : "net <IPv4 prefix>")
    case .ipv6(let address):
      try checkNetwork(kind, "IPv6 address", identifier.text)
      let what = kind == .host ? "host <IPv6 address>" : "net <IPv6 prefix>"
      return try ipv6Host([address], length: 128, qualifiers, what: what)
    case .ipv6Prefix(let address, let length):
      try checkNetwork(kind, "IPv6 address and prefix length", identifier.text)
      let mask: UInt128 = length == 0 ? 0 : .max << UInt128(128 - length)
      try checkHostBits(address.rawValue & ~mask == 0, identifier.text)
      if kind == .host, length != 128 { throw notHost(identifier.text) }
      let what = kind == .host ? "host <IPv6 address>" : "net <IPv6 prefix>"
      return try ipv6Host([address], length: length, qualifiers, what: what)
    case .mac(let address):
      guard kind == .host, qualifiers.proto == .link else {
        throw error("Ethernet address used in non-ether expression")
      }
      return try macHost(address, qualifiers.direction, what: "link host XX:XX:XX:XX:XX:XX")
    case .octetAddress(let octet):
      return try octetHost(octet, kind, qualifiers)
    }
  }

  /// The error for a qualifier that cannot be used with the value after it.
  func invalid(_ qualifier: String, for what: String) -> FilterError {
    FilterError("'\(qualifier)' is not a valid qualifier for '\(what)'", at: source)
  }

  /// The error for `host` followed by more than one address.
  private func notHost(_ text: String) -> FilterError {
    FilterError("'host' is not a valid qualifier for '\(text)', 'net' is", at: source)
  }

  /// Throws for IEEE 802.11 directions, which can be used with link-layer addresses only.
  private func checkWireless(_ direction: Qualifiers.Direction, _ kind: Qualifiers.Kind) throws(FilterError) {
    switch kind {
    case .port, .portrange: throw invalid(direction.rawValue, for: kind.rawValue)
    default: break
    }
  }

  private func checkNetwork(_ kind: Qualifiers.Kind, _ what: String, _ text: String) throws(FilterError) {
    switch kind {
    case .host, .net: return
    case .gateway: throw invalid("gateway", for: text)
    case .port, .portrange, .proto, .protochain: throw error("'\(kind.rawValue)' qualifier applied to \(what)")
    }
  }

  /// Throws for `decnet`: no name stands for a DECnet port or protocol.
  private func checkNamesOfDECnet(_ kind: Qualifiers.Kind, _ qualifiers: Qualifiers) throws(FilterError) {
    if qualifiers.proto == .decnet { throw invalid("decnet", for: kind.rawValue) }
  }

  /// Throws for `decnet` with `host`, `net` or `gateway`: its hosts have their own address format, and it has no networks and no gateways.
  private func checkNotDECnet(_ kind: Qualifiers.Kind, _ qualifiers: Qualifiers) throws(FilterError) {
    guard qualifiers.proto == .decnet else { return }
    switch kind {
    case .host, .net, .gateway: throw invalid("decnet", for: kind.rawValue)
    case .port, .portrange, .proto, .protochain: return
    }
  }

  private func checkHostBits(_ fine: Bool, _ text: String) throws(FilterError) {
    guard fine else { throw error("non-network bits set in '\(text)'") }
  }

  // MARK: Numbers

  private mutating func number(
    _ number: UInt32, _ kind: Qualifiers.Kind, _ qualifiers: Qualifiers, text: String
  ) throws(FilterError) -> Condition {
    switch kind {
    case .host:
      if qualifiers.proto == .decnet { throw error("invalid DECnet address '\(text)'") }
      if qualifiers.proto == .link { throw error("illegal link-layer address '\(text)'") }
      return try ipv4Host([IPv4Address(rawValue: number)], mask: .max, qualifiers, what: "host <IPv4 address>")
    case .net:
      try checkNotDECnet(kind, qualifiers)
      // A short number is the beginning of an address: 10 is 10.0.0.0/8.
      var value = number
      var mask = UInt32.max
      while value != 0, value & 0xff00_0000 == 0 {
        value <<= 8
        mask <<= 8
      }
      return try ipv4Host([IPv4Address(rawValue: value)], mask: mask, qualifiers, what: "net <IPv4 address>")
    case .port:
      return try port(number, qualifiers)
    case .portrange:
      return try portRange(number, number, qualifiers)
    case .gateway:
      try checkNotDECnet(kind, qualifiers)
      throw invalid("gateway", for: text)
    case .proto:
      return try proto(number, qualifiers.proto)
    case .protochain:
      return try protochain(number, qualifiers.proto)
    }
  }

  /// Numbers between dots: an IPv4 address, or the beginning of one, which stands for a network.
  private mutating func dotted(_ text: String, _ kind: Qualifiers.Kind, _ qualifiers: Qualifiers) throws(FilterError)
    -> Condition
  {
    if qualifiers.proto == .decnet, kind == .host { return try decnetHost(text, qualifiers.direction) }
    guard let (address, octets) = IPv4Address.parse(dotted: text.utf8) else {
      throw error("invalid IPv4 address '\(text)'")
    }
    if qualifiers.proto == .link, kind == .host || kind == .net { throw error("illegal link-layer address '\(text)'") }
    try checkNotDECnet(kind, qualifiers)
    try checkNetwork(kind, "IPv4 address", text)
    let mask: UInt32 = .max << UInt32(8 * (4 - octets))
    return try ipv4Host([address], mask: mask, qualifiers, what: "\(kind.rawValue) <IPv4 address>")
  }

  // MARK: Names

  private mutating func name(_ name: String, _ kind: Qualifiers.Kind, _ qualifiers: Qualifiers) throws(FilterError)
    -> Condition
  {
    switch kind {
    case .host: return try hostName(name, qualifiers)
    case .net:
      guard let network = options.names.ipv4Network(named: name) else { throw error("unknown network '\(name)'") }
      // The number stands for one address, unless leading bytes are missing.
      var value = network.rawValue
      var mask = UInt32.max
      while value != 0, value & 0xff00_0000 == 0 {
        value <<= 8
        mask <<= 8
      }
      let address = IPv4Address(rawValue: value)
      return try ipv4Host([address], mask: mask, qualifiers, what: "net <IPv4 network name>")
    case .port: return try portName(name, qualifiers)
    case .portrange: return try portRangeName(name, qualifiers)
    case .gateway: return try gateway(name, qualifiers)
    case .proto:
      return try proto(try protocolNumber(name, qualifiers.proto, "proto"), qualifiers.proto)
    case .protochain:
      return try protochain(try protocolNumber(name, qualifiers.proto, "protochain"), qualifiers.proto)
    }
  }

  private mutating func hostName(_ name: String, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    switch qualifiers.proto {
    case .link:
      guard hasMACAddresses else { throw unsupported("link host NAME") }
      guard let address = options.names.macAddress(ofHost: name) else {
        throw error("unknown Ethernet-like host '\(name)'")
      }
      return try macHost(address, qualifiers.direction, what: "link host NAME")
    case nil, .ip, .arp, .rarp, .ip6:
      break
    case let other?:
      throw invalid(other.rawValue, for: "host <Internet hostname>")
    }
    let ipv4 = qualifiers.proto == .ip6 ? [] : hostIPv4(name)
    let ipv6 = qualifiers.proto == nil || qualifiers.proto == .ip6 ? hostIPv6(name) : []
    let what = "host <Internet hostname>"
    var tests: [Condition] = []
    if !ipv4.isEmpty { tests.append(try ipv4Host(ipv4, mask: .max, qualifiers, what: what)) }
    if !ipv6.isEmpty { tests.append(try ipv6Host(ipv6, length: 128, qualifiers, what: what)) }
    guard !tests.isEmpty else {
      let isKnown = !hostIPv4(name).isEmpty || !hostIPv6(name).isEmpty
      throw error("unknown host '\(name)'" + (isKnown ? " for specified address family" : ""))
    }
    return .any(tests)
  }

  /// The addresses of a host, in the order of their numbers.
  func hostIPv4(_ name: String) -> [IPv4Address] {
    options.names.ipv4Addresses(ofHost: name).sorted { $0.rawValue < $1.rawValue }
  }
  func hostIPv6(_ name: String) -> [IPv6Address] {
    options.names.ipv6Addresses(ofHost: name).sorted { $0.rawValue < $1.rawValue }
  }

  /// The number of a protocol by name, in the number space of the enclosing protocol.
  private func protocolNumber(_ name: String, _ proto: ProtocolName?, _ word: String) throws(FilterError) -> UInt32 {
    let number: UInt32? =
      switch proto {
      case nil, .ip, .ip6: options.names.protocolNumber(named: name)
      case .link: Self.linkProtocolNumbers[name]
      case .iso: Self.isoProtocolNumbers[name]
      default: nil
      }
    if let number { return number }
    let enclosing = proto.map { $0.rawValue + " " } ?? ""
    throw error("unknown '\(enclosing)\(word)' value '\(name)'")
  }

  /// Names after `ether proto`.
  static let linkProtocolNumbers: [String: UInt32] = [
    "aarp": EtherType.appleTalkARP, "arp": EtherType.arp, "atalk": EtherType.appleTalk, "decnet": EtherType.decnet,
    "ip": EtherType.ipv4, "ip6": EtherType.ipv6, "ipx": ServiceAccessPoint.ipx, "iso": ServiceAccessPoint.osi,
    "lat": EtherType.lat, "lldp": EtherType.lldp, "loopback": EtherType.loopback, "mopdl": EtherType.mopDownload,
    "moprc": EtherType.mopRemoteConsole, "netbeui": ServiceAccessPoint.netBEUI, "rarp": EtherType.reverseARP,
    "sca": EtherType.sca, "slow": EtherType.slowProtocols, "stp": ServiceAccessPoint.spanningTree,
  ]

  /// Names after `iso proto`: network layer protocol identifiers (ISO/IEC TR 9577).
  static let isoProtocolNumbers: [String: UInt32] = ["clnp": 0x81, "esis": 0x82, "isis": 0x83]
}
