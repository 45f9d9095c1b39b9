import BPF
import Names
import PacketCore

/// Tests of addresses.
extension Lowering {
  // MARK: Internet addresses

  /// Compares the addresses in the network header under `mask`. `what` names the operand in an error.
  mutating func ipv4Host(
    _ hosts: [IPv4Address], mask: UInt32, _ qualifiers: Qualifiers, what: @autoclosure () -> String
  ) throws(FilterError) -> Condition {
    try checkDirection(qualifiers.direction)
    let direction = qualifiers.direction
    switch qualifiers.proto {
    case .ip: return try ipv4Fields(EtherType.ipv4, hosts, mask: mask, direction)
    case .arp: return try ipv4Fields(EtherType.arp, hosts, mask: mask, direction)
    case .rarp: return try ipv4Fields(EtherType.reverseARP, hosts, mask: mask, direction)
    case nil:
      var tests = [try ipv4Fields(EtherType.ipv4, hosts, mask: mask, direction)]
      // After an MPLS label only IP can be recognised.
      if layers.mplsDepth == 0 {
        tests.append(try ipv4Fields(EtherType.arp, hosts, mask: mask, direction))
        tests.append(try ipv4Fields(EtherType.reverseARP, hosts, mask: mask, direction))
      }
      return .any(tests)
    case let other?:
      throw invalid(other.rawValue, for: what())
    }
  }

  private mutating func ipv4Fields(
    _ type: UInt32, _ hosts: [IPv4Address], mask: UInt32, _ direction: Qualifiers.Direction?
  ) throws(FilterError) -> Condition {
    // Every packet of the protocol is in the network with mask 0, whether or not the addresses were captured.
    if mask == 0 { return try linkProtocol(type) }
    return .all([try linkProtocol(type), addressFields(type, hosts, mask: mask, direction)])
  }

  /// Compares the address fields of a protocol: those in the IPv4 header, or the sender and target addresses of ARP (RFC 826).
  private mutating func addressFields(
    _ type: UInt32, _ hosts: [IPv4Address], mask: UInt32, _ direction: Qualifiers.Direction?, sourcesFirst: Bool = true
  ) -> Condition {
    let (source, destination): (UInt32, UInt32) = type == EtherType.ipv4 ? (12, 16) : (14, 24)
    let header = layers.networkHeader
    if options.optimize, direction == .sourceAndDestination, hosts.count > 3, mask == .max {
      // The source is one of `hosts`, which are in rising order, and the destination equals the source.
      let field = load(.word, header, source)
      let middle = hosts.count / 2
      let upper = Condition.any(hosts[middle...].map { compare(field, .equal, $0.rawValue) })
      let lower = Condition.any(hosts[..<middle].map { compare(field, .equal, $0.rawValue) })
      let isUpper = compare(field, .greaterOrEqual, hosts[middle].rawValue)
      return .all([
        .any([.all([isUpper, upper]), lower]), compare(load(.word, header, destination), .equal, field),
      ])
    }
    if sourcesFirst, direction != .sourceAndDestination {
      // Test every source first, so that a packet truncated after the source is not rejected because its destination is missing.
      var keys: [Condition] = []
      keys.reserveCapacity(2 * hosts.count)
      Self.forEachSide(direction, source: source, destination: destination) { side in
        for host in hosts { keys.append(addressKey(header, side, mask: mask, host.rawValue)) }
      }
      return .any(keys)
    }
    var fields: [Condition] = []
    for host in hosts {
      var sides: [Condition] = []
      Self.forEachSide(direction, source: source, destination: destination) { side in
        sides.append(addressKey(header, side, mask: mask, host.rawValue))
      }
      fields.append(direction == .sourceAndDestination ? .all(sides) : .any(sides))
    }
    return .any(fields)
  }

  /// True if the word under `mask`, usually a prefix of it, is `number`.
  private mutating func addressKey(_ header: Position, _ offset: UInt32, mask: UInt32, _ number: UInt32) -> Condition {
    let word = load(.word, header, offset)
    let condition = compare(mask == .max ? word : arithmetic(.and, word, mask), .equal, number)
    guard ~mask & (~mask &+ 1) == 0, number & ~mask == 0 else { return condition }
    return .key(
      .init(values: array(of: word), row: LookupRow(last: number...(number | ~mask)), condition: condition))
  }

  /// The word of an address alone, in an array that all hosts of a list share.
  private mutating func array(of word: ValueID) -> [ValueID] {
    if let known = addressWords[word] { return known }
    // After other headers, the word is a different one.
    if addressWords.count == 8 { addressWords = ShortMap() }
    addressWords.append(word, [word])
    return [word]
  }

  mutating func ipv6Host(_ hosts: [IPv6Address], length: UInt32, _ qualifiers: Qualifiers, what: String)
    throws(FilterError) -> Condition
  {
    try checkDirection(qualifiers.direction)
    guard qualifiers.proto == nil || qualifiers.proto == .ip6 else {
      throw invalid(qualifiers.proto?.rawValue ?? "", for: what)
    }
    let header = layers.networkHeader
    let isIPv6 = try linkProtocol(EtherType.ipv6)
    var fields: [Condition] = []
    for host in hosts {
      let test = direction(qualifiers.direction, source: 8, destination: 24) { lowering, offset in
        lowering.ipv6Equal(header, offset, host, length: length)
      }
      fields.append(test)
    }
    if options.optimize, length == 128, let together = ipv6HostsOfOneNetwork(hosts, qualifiers.direction) {
      return .all([isIPv6, together])
    }
    return .all([isIPv6, .any(fields)])
  }

  /// The same test for several addresses, source or destination, that share their first 96 bits, so that these are compared only once. It
  /// makes the same loads as `fields` of `ipv6Host`, in the same order. Nil if the addresses do not share them.
  private mutating func ipv6HostsOfOneNetwork(
    _ hosts: [IPv6Address], _ direction: Qualifiers.Direction?
  ) -> Condition? {
    guard direction == nil || direction == .sourceOrDestination, hosts.count > 1, let first = hosts.first,
      hosts.allSatisfy({ $0.rawValue >> 32 == first.rawValue >> 32 })
    else { return nil }
    let header = layers.networkHeader
    let ends = hosts.map { UInt32(truncatingIfNeeded: $0.rawValue) }
    let (source, destination): (UInt32, UInt32) = (8, 24)
    let sourceNetwork = ipv6Equal(header, source, first, length: 96)
    let destinationNetwork = ipv6Equal(header, destination, first, length: 96)
    // If the source is in this network, each source is tested before the destination that it precedes.
    var sources: [Condition] = []
    for (host, end) in zip(hosts, ends) {
      sources.append(equal(.word, header, source + 12, end))
      sources.append(ipv6Equal(header, destination, host, length: 128))
    }
    sources.removeLast()
    return .any([
      .all([sourceNetwork, .any(sources)]),
      .all([destinationNetwork, .any(ends.map { equal(.word, header, destination + 12, $0) })]),
    ])
  }

  /// Compares the first `length` bits of an address, word by word.
  private mutating func ipv6Equal(
    _ header: Position, _ offset: UInt32, _ address: IPv6Address, length: UInt32
  ) -> Condition {
    var words: [Condition] = []
    var values: [ValueID] = []
    var numbers: [UInt32] = []
    var last: UInt32 = 0
    for index in 0..<4 {
      // The number of prefix bits in this word.
      let bits = min(32, max(0, Int(length) - 32 * index))
      guard bits > 0 else { break }
      let mask: UInt32 = .max << UInt32(32 - bits)
      let word = UInt32(truncatingIfNeeded: address.rawValue >> UInt128(96 - 32 * index))
      words.append(equal(.word, header, offset + UInt32(4 * index), mask: mask, word))
      values.append(load(.word, header, offset + UInt32(4 * index)))
      numbers.append(word)
      last = word | ~mask
    }
    // Every packet of the protocol is in the network of length 0.
    guard let word = numbers.popLast() else { return .all(words) }
    return .key(.init(values: values, row: LookupRow(lead: numbers, last: word...last), condition: .all(words)))
  }

  /// Throws for IEEE 802.11 directions, which cannot be used with Internet addresses.
  func checkDirection(_ direction: Qualifiers.Direction?) throws(FilterError) {
    if let direction, direction.isWireless {
      throw error("'\(direction.rawValue)' is valid for 802.11 syntax only")
    }
  }

  /// A test of the source field, the destination field, or both, as the direction says.
  mutating func direction(
    _ direction: Qualifiers.Direction?, source: UInt32, destination: UInt32,
    _ field: (inout Lowering, UInt32) -> Condition
  ) -> Condition {
    var sides: [Condition] = []
    Self.forEachSide(direction, source: source, destination: destination) { sides.append(field(&self, $0)) }
    return direction == .sourceAndDestination ? .all(sides) : .any(sides)
  }

  /// Calls `body` with the offset of each field that the direction selects.
  private static func forEachSide(
    _ direction: Qualifiers.Direction?, source: UInt32, destination: UInt32, _ body: (UInt32) -> Void
  ) {
    if direction != .destination { body(source) }
    if direction != .source { body(destination) }
  }

  // MARK: Gateway

  /// The packet went through the gateway `name`: its link-layer address is in the packet, its Internet addresses are not.
  mutating func gateway(_ name: String, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    if layers.mplsDepth > 0 { throw error("'gateway' cannot be used within MPLS") }
    if layers.tunnelled { throw error("'gateway' cannot be used within VXLAN or Geneve") }
    switch qualifiers.proto {
    case nil, .ip, .arp, .rarp: break
    case let other?: throw invalid(other.rawValue, for: "gateway")
    }
    guard hasMACAddresses else { throw unsupported("gateway") }
    guard let mac = options.names.macAddress(ofHost: name) else { throw error("unknown Ethernet-like host '\(name)'") }
    let addresses = hostIPv4(name)
    guard !addresses.isEmpty else { throw error("unknown host '\(name)'") }
    let throughIt = try macHost(mac, nil, what: "gateway")
    var kinds: [Condition] = []
    for (proto, type) in [(ProtocolName.ip, EtherType.ipv4), (.arp, EtherType.arp), (.rarp, EtherType.reverseARP)]
    where qualifiers.proto == nil || qualifiers.proto == proto {
      kinds.append(
        .all([try linkProtocol(type), .not(addressFields(type, addresses, mask: .max, nil, sourcesFirst: false))]))
    }
    return .all([throughIt, .any(kinds)])
  }
}
