import BPF
import PacketCore

/// Tests of protocols: a name alone, `proto`, `protochain`, `broadcast` and `multicast`.
extension Lowering {
  /// A protocol's name alone.
  mutating func abbreviation(_ name: ProtocolName) throws(FilterError) -> Condition {
    if let type = name.etherType { return try linkProtocol(type) }
    if let number = name.ipProtocol {
      switch name {
      case .icmp, .igmp, .igrp, .vrrp, .carp: return try proto(UInt32(number), .ip)
      case .icmp6: return try proto(UInt32(number), .ip6)
      default: return try proto(UInt32(number), nil)
      }
    }
    switch name {
    case .esis: return try proto(0x82, .iso)
    case .isis: return try proto(0x83, .iso)
    case .clnp: return try proto(0x81, .iso)
    default: break
    }
    if let types = Self.isisPDUTypes[name] {
      var tests: [Condition] = []
      for type in types { tests.append(try proto(type, .isis)) }
      return .any(tests)
    }
    throw error("'\(name.rawValue)' cannot stand alone")
  }

  /// IS-IS PDU types (ISO/IEC 10589): hello, link state, complete and partial sequence numbers, for level 1 and 2.
  private static let isisPDUTypes: [ProtocolName: [UInt32]] = [
    .isisL1: [26, 24, 18, 15, 17],
    .isisL2: [27, 25, 20, 16, 17],
    .isisIIH: [17, 15, 16],
    .isisLSP: [18, 20],
    .isisSNP: [27, 26, 24, 25],
    .isisCSNP: [24, 25],
    .isisPSNP: [26, 27],
  ]

  /// True if the packet's protocol is `number` in the number space of `enclosing`. No header chain is followed, except one IPv6 fragment
  /// header.
  mutating func proto(_ number: UInt32, _ enclosing: ProtocolName?) throws(FilterError) -> Condition {
    let header = layers.networkHeader
    switch enclosing {
    case nil:
      return .any([try proto(number, .ip), try proto(number, .ip6)])
    case .ip:
      try checkProtocolNumber(number)
      return .all([try linkProtocol(EtherType.ipv4), equal(.byte, header, 9, number)])
    case .ip6:
      try checkProtocolNumber(number)
      let isIPv6 = try linkProtocol(EtherType.ipv6)
      return .all([
        isIPv6,
        .any([
          equal(.byte, header, 6, number),
          .all([equal(.byte, header, 6, 44), equal(.byte, header, 40, number)]),
        ]),
      ])
    case .iso:
      guard number <= 255 else { throw error("ISO protocol \(number) greater than maximum 255") }
      if case .frameRelay = layers.field { return equal(.half, layers.type, 0x0300 | number) }
      return .all([
        try linkProtocol(ServiceAccessPoint.osi), equal(.byte, layers.networkHeaderBehindLLC, number),
      ])
    case .isis:
      guard number <= 31 else { throw error("IS-IS PDU type \(number) greater than maximum 31") }
      return .all([try proto(0x83, .iso), equal(.byte, layers.networkHeaderBehindLLC, 4, mask: 0x1f, number)])
    case .link:
      return try linkProto(number)
    case let other?:
      throw error("'\(other.rawValue)' is not a valid qualifier for 'proto'")
    }
  }

  private func checkProtocolNumber(_ number: UInt32) throws(FilterError) {
    guard number <= 255 else { throw error("protocol number \(number) greater than maximum 255") }
  }

  /// `ether proto` and its synonyms, with a number.
  private mutating func linkProto(_ number: UInt32) throws(FilterError) -> Condition {
    switch layers.field {
    case .ppp, .pppCompressed:
      guard number <= 65535 else { throw error("PPP protocol \(number) greater than maximum 65535") }
    case .ethernet, .linuxSLL, .llc, .ieee80211, .sunATM:
      guard number <= 65535 else { throw error("EtherType \(number) greater than maximum 65535") }
      guard number <= 255 || number > EtherType.maximumLength else {
        throw error("LLC DSAP \(number) greater than maximum 255")
      }
    case .etherType:
      guard number <= 65535 else { throw error("EtherType \(number) greater than maximum 65535") }
    case .ciscoHDLC:
      guard number <= 65535 else { throw error("HDLC protocol \(number) greater than maximum 65535") }
    default: break
    }
    return try linkProtocol(number)
  }

  // MARK: broadcast and multicast

  mutating func cast(_ cast: PrimitiveUse.Cast, of proto: ProtocolName?) throws(FilterError) -> Condition {
    switch (cast, proto) {
    case (.broadcast, nil), (.broadcast, .link): return try linkBroadcast()
    case (.multicast, nil), (.multicast, .link): return try linkMulticast()
    case (.broadcast, .ip):
      guard let netmask = options.netmask, netmask != .max else {
        throw error("netmask not known, so 'ip broadcast' not supported")
      }
      let isIPv4 = try linkProtocol(EtherType.ipv4)
      let host = ~netmask
      return .all([
        isIPv4,
        .any([
          equal(.word, layers.networkHeader, 16, mask: host, 0),
          equal(.word, layers.networkHeader, 16, mask: host, host),
        ]),
      ])
    case (.multicast, .ip):
      let isIPv4 = try linkProtocol(EtherType.ipv4)
      return .all([isIPv4, equal(.byte, layers.networkHeader, 16, mask: 0xf0, 0xe0)])
    case (.multicast, .ip6):
      let isIPv6 = try linkProtocol(EtherType.ipv6)
      return .all([isIPv6, equal(.byte, layers.networkHeader, 24, 255)])
    case (_, let other?):
      throw invalid(other.rawValue, for: cast.rawValue)
    }
  }
}
