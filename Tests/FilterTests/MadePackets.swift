import PacketCore
import TestSupport

/// Packets built by tests, for cases that the fixtures do not have: odd headers, encapsulations, fragments.
enum MadePackets {
  private static let v4a: IPv4Address = "10.1.1.1"
  private static let v4b: IPv4Address = "192.168.5.7"
  private static let v6a: IPv6Address = "2001:db8::1"
  private static let v6b: IPv6Address = "fe80::2:3"

  /// All packets of a link type, as bytes.
  static func all(_ linkType: LinkType) -> [[UInt8]] {
    var builders: [PacketBuilder] = []
    for link in links(linkType) {
      builders += internet(link)
      builders += others(link)
    }
    builders += tunnels(PacketBuilder().link(linkType))
    builders += broadcasts(linkType)
    return builders.map(\.octets) + oddities(linkType)
  }

  /// The link-layer header; for Ethernet also tags, labels and a PPPoE session.
  private static func links(_ linkType: LinkType) -> [PacketBuilder] {
    let link = PacketBuilder().link(linkType)
    guard linkType == .ethernet else { return [link] }
    return [
      link, link.vlan(5), link.vlan(100, tpid: 0x88a8).vlan(5), link.mpls(1024), link.mpls(7).mpls(1024),
      link.pppoe(session: 5),
    ]
  }

  private static func internet(_ link: PacketBuilder) -> [PacketBuilder] {
    let ip4 = link.ipv4(v4a, v4b)
    let ip6 = link.ipv6(v6a, v6b)
    return [
      ip4.tcp(40000, 80, flags: .syn), ip4.tcp(443, 1024, flags: [.fin, .ack]).payload("data"),
      link.ipv4(v4b, v4a, ttl: 1, tos: 0x10, options: [1, 1, 1, 0]).tcp(22, 22, flags: .rst),
      ip4.udp(53, 53).payload("x"), ip4.udp(40000, 7777), ip4.sctp(5000, 80), ip4.icmp(type: 8),
      ip4.icmp(type: 3, code: 4),
      link.ipv4(v4a, v4b, moreFragments: true).udp(9, 80).payload("first fragment"),
      link.ipv4(v4a, v4b, fragmentOffset: 8, proto: 6).payload([0, 80, 0, 80, 0, 0, 0, 0]),
      link.ipv4(v4a, "224.0.0.1", proto: 2).payload([0x11, 0, 0, 0]),
      link.ipv4(v4a, v4b, proto: 50).payload([1, 2, 3, 4]),
      ip4.authentication().tcp(80, 80), link.ipv4("0.0.0.0", "255.255.255.255").udp(68, 67),
      link.ipv4(v4a, "192.168.5.255").udp(137, 137),
      ip6.tcp(40000, 80, flags: [.syn, .ece]), ip6.udp(53, 40000).payload("x"), ip6.icmpv6(type: 128),
      link.ipv6(v6a, "ff02::1").icmpv6(type: 135), ip6.ipv6Options(proto: 6).tcp(80, 443),
      ip6.ipv6Fragment(offset: 0, more: true).udp(53, 80), ip6.ipv6Fragment(offset: 8, more: false, proto: 6),
      ip6.authentication().udp(80, 80), ip6.sctp(80, 5000),
    ]
  }

  private static func others(_ link: PacketBuilder) -> [PacketBuilder] {
    [
      link.arp(sender: v4a, target: v4b), link.arp(operation: 2, sender: v4b, target: v4a),
      link.llc(dsap: 0x42, ssap: 0x42).payload([0, 0, 0]),
      link.llc(dsap: 0xfe, ssap: 0xfe).payload([0x83, 27, 1, 0, 24, 1]),
      link.llc(dsap: 0xf0, ssap: 0xf0, control: 0x7f).payload([1]),
      link.llc(dsap: 0xe0, ssap: 0xe0).payload([0xff, 0xff, 0, 0]),
      link.llc(dsap: 0xaa, ssap: 0xaa).payload([8, 0, 7, 0x80, 0x9b, 1, 2]),
      link.llc(dsap: 0xaa, ssap: 0xaa).payload([0, 0, 0, 0x80, 0xf3, 1, 2]),
    ]
  }

  private static func tunnels(_ link: PacketBuilder) -> [PacketBuilder] {
    let outer4 = link.ipv4("198.51.100.1", "198.51.100.2").udp(50000, 6081)
    let outer6 = link.ipv6("2001:db8:9::1", "2001:db8:9::2").udp(50000, 6081)
    let vxlan = link.ipv4("198.51.100.1", "198.51.100.2", options: [1, 1, 1, 1]).udp(50000, 4789)
    func frames(_ tunnel: PacketBuilder) -> [PacketBuilder] {
      [
        tunnel.ethernet().ipv4(v4a, v4b).tcp(1000, 80), tunnel.ethernet().ipv6(v6a, v6b).udp(53, 53),
        tunnel.ethernet().vlan(5).ipv4(v4a, v4b).udp(53, 53), tunnel.ethernet().arp(sender: v4a, target: v4b),
      ]
    }
    return frames(outer4.geneve(5)) + frames(outer6.geneve(6, options: [0, 1, 2, 3, 4, 5, 6, 7]))
      + frames(vxlan.vxlan(5))
      + [
        outer4.geneve(5, options: [1, 2, 3, 4]).ipv4(v4a, v4b).tcp(1000, 80),
        outer6.geneve(5).ipv6(v6a, v6b).udp(53, 53),
        link.ipv4(v4a, v4b).gre().ipv4(v4b, v4a).tcp(80, 80), link.ipv4(v4a, v4b).ipv6(v6a, v6b).tcp(80, 80),
      ]
  }

  private static func broadcasts(_ linkType: LinkType) -> [PacketBuilder] {
    guard linkType == .ethernet else {
      guard linkType == .linuxSLL else {
        return linkType == .linuxSLL2
          ? [PacketBuilder().linuxSLL2(packetType: 4, interface: 7).ipv4(v4a, v4b).udp(9, 9)] : []
      }
      return [PacketBuilder().linuxSLL(packetType: 4).ipv4(v4a, v4b).udp(9, 9)]
    }
    return [
      PacketBuilder().ethernet(source: "00:11:22:33:44:55", destination: "ff:ff:ff:ff:ff:ff").arp(
        sender: v4a, target: v4b),
      PacketBuilder().ethernet(source: "00:11:22:33:44:55", destination: "01:00:5e:00:00:fb").ipv4(v4a, "224.0.0.251")
        .udp(5353, 5353),
      PacketBuilder().ethernet(source: "aa:bb:cc:dd:ee:ff", destination: "00:11:22:33:44:55", etherType: 0x8863)
        .payload([0x11, 9, 0, 0]),
    ]
  }

  /// Degenerate packets: empty, all zeros, all ones, and each EtherType that has a name.
  private static func oddities(_ linkType: LinkType) -> [[UInt8]] {
    let types: [UInt16] = [
      0x6001, 0x6002, 0x6003, 0x6004, 0x6007, 0x8035, 0x809b, 0x80f3, 0x8137, 0x8100, 0x9100, 0x8847, 0x8863, 0x8864,
      0x88cc, 0x9000, 100, 1500, 1501, 1536,
    ]
    var packets: [[UInt8]] = [[], [UInt8](repeating: 0, count: 64), [UInt8](repeating: 255, count: 64)]
    let body: [UInt8] = [6, 0, 0, 0] + (0..<40).map { $0 }
    for type in types {
      let field = [UInt8(type >> 8), UInt8(type & 255)]
      switch linkType {
      case .ethernet: packets.append([UInt8](repeating: 2, count: 12) + field + body)
      case .linuxSLL: packets.append([UInt8](repeating: 0, count: 14) + field + body)
      case .linuxSLL2: packets.append(field + [UInt8](repeating: 0, count: 18) + body)
      case .null: packets.append([field[1], field[0], 0, 0] + body)
      case .loop: packets.append([0, 0] + field + body)
      default: break
      }
    }
    return packets
  }
}
