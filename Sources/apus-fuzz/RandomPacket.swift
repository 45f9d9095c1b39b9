import PacketCore
import TestSupport

/// Packets of protocols that filters support, with fields from the pool of `RandomExpression`; some are cut, some have wrong bytes.
struct RandomPacket {
  private var random: any RandomNumberGenerator

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// Random choices are taken from bytes, one each.
  init(choices: Choices) { random = choices }

  private mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  /// The captured bytes and the length on the wire.
  mutating func next(_ linkType: LinkType) -> (octets: [UInt8], len: UInt32) {
    var builder = PacketBuilder().link(linkType)
    if linkType == .ethernet {
      builder = pick([
        builder, builder, builder, builder, builder.vlan(5), builder.vlan(100, tpid: 0x88a8).vlan(5),
        builder.mpls(1024),
        builder.mpls(7).mpls(1024), builder.pppoe(session: 5),
      ])
    }
    var octets = payload(builder, linkType).octets
    let length = UInt32(clamping: octets.count)
    for _ in 0..<3 where chance(25) && !octets.isEmpty {
      octets[Int.random(in: 0..<octets.count, using: &random)] = pick([0, 1, 4, 6, 8, 17, 0x40, 0x45, 0x4f, 0x60, 0xff])
    }
    if chance(40) { octets.removeLast(Int.random(in: 0...octets.count, using: &random)) }
    return (octets, length)
  }

  private mutating func payload(_ link: PacketBuilder, _ linkType: LinkType) -> PacketBuilder {
    let hosts = RandomExpression.hosts.compactMap { IPv4Address(text: Array($0.utf8)) }
    let hosts6 = RandomExpression.hosts6.compactMap { IPv6Address(text: Array($0.utf8)) }
    let isIP6 = linkType == .ipv6 || (linkType != .ipv4 && chance(40))
    if linkType == .ethernet, chance(15) {
      return pick([
        link.arp(sender: pick(hosts), target: pick(hosts)), link.llc(dsap: 0x42, ssap: 0x42).payload([0, 0, 0]),
        link.llc(dsap: 0xfe, ssap: 0xfe).payload([0x83, 27, 1, 0, 24, 1]),
        link.llc(dsap: 0xe0, ssap: 0xe0).payload([0xff, 0xff, 0, 0]),
      ])
    }
    var network: PacketBuilder
    if isIP6 {
      network = link.ipv6(pick(hosts6), pick(hosts6))
      if chance(20) { network = network.ipv6Fragment(offset: pick([0, 8]), more: true) }
      if chance(15) { network = network.ipv6Options(proto: 6) }
    } else {
      network = link.ipv4(
        pick(hosts), pick(hosts), moreFragments: chance(10), fragmentOffset: chance(10) ? 64 : 0,
        options: chance(20) ? [1, 1, 1, 0] : [])
    }
    let (source, destination) = (UInt16(pick(RandomExpression.ports)), UInt16(pick(RandomExpression.ports)))
    switch Int.random(in: 0..<7, using: &random) {
    case 0, 1: return network.tcp(source, destination, flags: pick([.syn, .ack, [.syn, .ack], .fin])).payload("data")
    case 2, 3: return network.udp(source, destination).payload("data")
    case 4: return network.sctp(source, destination)
    case 5: return isIP6 ? network.icmpv6() : network.icmp()
    default:
      let inner = network.udp(40000, 6081).geneve(7, options: chance(50) ? [0, 0, 0, 0] : []).ethernet()
      return inner.ipv4(pick(hosts), pick(hosts)).tcp(source, destination)
    }
  }
}
