public import PacketCore

/// Builds packets with correct lengths, protocol numbers and checksums, from the outermost header to the payload:
///
///     let syn = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
///     let cooked = PacketBuilder().link(.linuxSLL2).vlan(5).ipv6("2001:db8::1", "2001:db8::2").udp(40000, 9).octets
///
/// Every function returns a longer packet and leaves the original unchanged, so that variants can share their first headers. A header
/// states the type of the header that follows it; where nothing follows, or a test wants a wrong type, `etherType:` or `proto:` gives the
/// value to write instead. For a broken packet, change or cut `octets`.
public struct PacketBuilder: Hashable, Sendable {
  var layers: [Layer] = []
  var body: [UInt8] = []
  var trailer: [UInt8] = []

  public init() {}

  /// The packet with these bytes after its last header.
  public func payload(_ octets: [UInt8]) -> PacketBuilder {
    var longer = self
    longer.body = octets
    return longer
  }

  /// The packet with these bytes as payload.
  public func payload(_ text: String) -> PacketBuilder { payload(Array(text.utf8)) }

  /// The packet with bytes that no header's length includes, such as the padding of a short Ethernet frame.
  public func trailer(_ octets: [UInt8]) -> PacketBuilder {
    var longer = self
    longer.trailer = octets
    return longer
  }

  /// The whole packet, link-layer header first.
  public var octets: [UInt8] {
    var octets = body
    for index in layers.indices.reversed() {
      let next = index + 1 < layers.count ? layers[index + 1] : nil
      let network = layers[..<index].last { $0.isNetwork }
      octets = layers[index].encoded(around: octets, next: next, network: network)
    }
    return octets + trailer
  }

  func adding(_ layer: Layer) -> PacketBuilder {
    var longer = self
    longer.layers.append(layer)
    return longer
  }
}

// MARK: Link layers

extension PacketBuilder {
  /// The header of a link type that tests build: EN10MB, LINUX_SLL, LINUX_SLL2, NULL, LOOP; RAW, IPV4 and IPV6 have none.
  public func link(_ linkType: LinkType) -> PacketBuilder {
    switch linkType {
    case .ethernet: ethernet()
    case .linuxSLL: adding(.linuxSLL(packetType: 0))
    case .linuxSLL2: adding(.linuxSLL2(packetType: 0, interface: 2))
    case .null: adding(.family(bigEndian: false))
    case .loop: adding(.family(bigEndian: true))
    case .raw, .ipv4, .ipv6: self
    default: preconditionFailure("PacketBuilder builds no link type \(linkType.rawValue)")
    }
  }

  /// Every link type that `link(_:)` takes.
  public static let linkTypes: [LinkType] = [.ethernet, .linuxSLL, .linuxSLL2, .raw, .null, .loop, .ipv4, .ipv6]

  /// Ethernet II (IEEE 802.3), or 802.3 with a length where LLC follows.
  public func ethernet(
    source: MACAddress = "02:00:00:00:00:01", destination: MACAddress = "02:00:00:00:00:02", etherType: UInt16? = nil
  ) -> PacketBuilder {
    adding(.ethernet(source: source, destination: destination, etherType: etherType))
  }

  /// Linux cooked capture, version 1; `packetType` is 0 for packets to us, 1 broadcast, 2 multicast, 3 to another host, 4 from us.
  public func linuxSLL(packetType: UInt16 = 0) -> PacketBuilder { adding(.linuxSLL(packetType: packetType)) }

  /// Linux cooked capture, version 2.
  public func linuxSLL2(packetType: UInt8 = 0, interface: UInt32 = 2) -> PacketBuilder {
    adding(.linuxSLL2(packetType: packetType, interface: interface))
  }

  /// A VLAN tag: 802.1Q, or with `tpid` 0x88a8 802.1ad.
  public func vlan(_ id: UInt16, priority: UInt8 = 0, tpid: UInt16 = 0x8100, etherType: UInt16? = nil) -> PacketBuilder
  {
    adding(.vlan(control: UInt16(priority) << 13 | id & 0xfff, tpid: tpid, etherType: etherType))
  }

  /// One MPLS label stack entry (RFC 3032); the bottom-of-stack bit is set where no other entry follows.
  public func mpls(_ label: UInt32, trafficClass: UInt8 = 0, ttl: UInt8 = 64) -> PacketBuilder {
    adding(.mpls(label: label, trafficClass: trafficClass, ttl: ttl))
  }

  /// LLC with a one-byte control field (IEEE 802.2).
  public func llc(dsap: UInt8, ssap: UInt8, control: UInt8 = 3) -> PacketBuilder {
    adding(.llc(dsap: dsap, ssap: ssap, control: control))
  }

  /// A PPPoE session (RFC 2516) with the PPP protocol field.
  public func pppoe(session: UInt16, protocol: UInt16? = nil) -> PacketBuilder {
    adding(.pppoe(session: session, protocol: `protocol`))
  }

  /// ARP for IPv4 over Ethernet (RFC 826); `operation` is 1 for a request, 2 for a reply.
  public func arp(
    operation: UInt16 = 1, sender: IPv4Address, senderMAC: MACAddress = "02:00:00:00:00:01", target: IPv4Address,
    targetMAC: MACAddress = "00:00:00:00:00:00"
  ) -> PacketBuilder {
    adding(.arp(operation: operation, sender: sender, senderMAC: senderMAC, target: target, targetMAC: targetMAC))
  }
}

// MARK: Network layers

extension PacketBuilder {
  /// IPv4 (RFC 791). `fragmentOffset` is in bytes, a multiple of eight; `options` are padded to whole words.
  public func ipv4(
    _ source: IPv4Address, _ destination: IPv4Address, ttl: UInt8 = 64, tos: UInt8 = 0, id: UInt16 = 0x1234,
    dontFragment: Bool = false, moreFragments: Bool = false, fragmentOffset: Int = 0, options: [UInt8] = [],
    proto: UInt8? = nil
  ) -> PacketBuilder {
    precondition(fragmentOffset % 8 == 0 && (0..<65536).contains(fragmentOffset), "fragment offset \(fragmentOffset)")
    let flags: UInt16 = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
    return adding(
      .ipv4(
        source: source, destination: destination, ttl: ttl, tos: tos, id: id,
        fragment: flags | UInt16(fragmentOffset / 8), options: options, proto: proto))
  }

  /// IPv6 (RFC 8200).
  public func ipv6(
    _ source: IPv6Address, _ destination: IPv6Address, hopLimit: UInt8 = 64, trafficClass: UInt8 = 0,
    flowLabel: UInt32 = 0, proto: UInt8? = nil
  ) -> PacketBuilder {
    adding(
      .ipv6(
        source: source, destination: destination, hopLimit: hopLimit, trafficClass: trafficClass, flowLabel: flowLabel,
        proto: proto))
  }

  /// An IPv6 extension header of options: hop-by-hop (`number` 0) or destination options (60), padded to eight bytes.
  public func ipv6Options(number: UInt8 = 0, _ options: [UInt8] = [], proto: UInt8? = nil) -> PacketBuilder {
    adding(.ipv6Options(number: number, options: options, proto: proto))
  }

  /// An IPv6 routing header: `body` is what follows the Segments Left field, padded to eight bytes.
  public func ipv6Routing(type: UInt8, segmentsLeft: UInt8, body: [UInt8], proto: UInt8? = nil) -> PacketBuilder {
    adding(.ipv6Routing(type: type, segmentsLeft: segmentsLeft, body: body, proto: proto))
  }

  /// An IPv6 fragment header; `offset` is in bytes, a multiple of eight.
  public func ipv6Fragment(offset: Int, more: Bool, id: UInt32 = 1, proto: UInt8? = nil) -> PacketBuilder {
    precondition(offset % 8 == 0 && (0..<65536).contains(offset), "fragment offset \(offset)")
    return adding(.ipv6Fragment(field: UInt16(offset) | (more ? 1 : 0), id: id, proto: proto))
  }

  /// An authentication header (RFC 4302) with a 12-byte integrity check value of zeros.
  public func authentication(spi: UInt32 = 1, sequence: UInt32 = 1, proto: UInt8? = nil) -> PacketBuilder {
    adding(.authentication(spi: spi, sequence: sequence, proto: proto))
  }

  /// GRE version 0 (RFC 2784), with a key (RFC 2890) where one is given.
  public func gre(key: UInt32? = nil, etherType: UInt16? = nil) -> PacketBuilder {
    adding(.gre(key: key, etherType: etherType))
  }
}

// MARK: Transport layers

extension PacketBuilder {
  /// TCP (RFC 9293); `options` are padded to whole words.
  public func tcp(
    _ source: UInt16, _ destination: UInt16, flags: TCPFlags = .ack, sequence: UInt32 = 1000,
    acknowledgment: UInt32 = 0,
    window: UInt16 = 64240, urgent: UInt16 = 0, options: [UInt8] = []
  ) -> PacketBuilder {
    adding(
      .tcp(
        source: source, destination: destination, flags: flags, sequence: sequence, acknowledgment: acknowledgment,
        window: window, urgent: urgent, options: options))
  }

  /// UDP (RFC 768).
  public func udp(_ source: UInt16, _ destination: UInt16) -> PacketBuilder {
    adding(.udp(source: source, destination: destination))
  }

  /// ICMP (RFC 792); `rest` is the word after the checksum, for an echo identifier and sequence number.
  public func icmp(type: UInt8 = 8, code: UInt8 = 0, rest: UInt32 = 0x0001_0001) -> PacketBuilder {
    adding(.icmp(type: type, code: code, rest: rest))
  }

  /// ICMPv6 (RFC 4443).
  public func icmpv6(type: UInt8 = 128, code: UInt8 = 0, rest: UInt32 = 0x0001_0001) -> PacketBuilder {
    adding(.icmpv6(type: type, code: code, rest: rest))
  }

  /// SCTP's common header with its CRC-32c (RFC 9260); the chunks are the payload.
  public func sctp(_ source: UInt16, _ destination: UInt16, tag: UInt32 = 1) -> PacketBuilder {
    adding(.sctp(source: source, destination: destination, tag: tag))
  }

  /// VXLAN (RFC 7348), after UDP port 4789; Ethernet follows.
  public func vxlan(_ vni: UInt32) -> PacketBuilder { adding(.vxlan(vni: vni)) }

  /// Geneve (RFC 8926), after UDP port 6081; `options` are padded to whole words.
  public func geneve(_ vni: UInt32, options: [UInt8] = [], etherType: UInt16? = nil) -> PacketBuilder {
    adding(.geneve(vni: vni, options: options, etherType: etherType))
  }
}

/// The flags of a TCP header (RFC 9293 section 3.1).
public struct TCPFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let fin = TCPFlags(rawValue: 0x001)
  public static let syn = TCPFlags(rawValue: 0x002)
  public static let rst = TCPFlags(rawValue: 0x004)
  public static let psh = TCPFlags(rawValue: 0x008)
  public static let ack = TCPFlags(rawValue: 0x010)
  public static let urg = TCPFlags(rawValue: 0x020)
  public static let ece = TCPFlags(rawValue: 0x040)
  public static let cwr = TCPFlags(rawValue: 0x080)
  public static let ae = TCPFlags(rawValue: 0x100)
}
