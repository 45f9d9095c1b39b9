import BPF
import PacketCore
import TestSupport
import Testing

/// Built packets, checked with libpcap's filters and with tcpdump's checksum results.
@Suite struct PacketBuilderTests {
  struct Case: CustomTestStringConvertible {
    let filter: String
    let packet: PacketBuilder
    var testDescription: String { filter }
  }

  static let v4 = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2")
  static let v6 = PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2")

  static let cases: [Case] = [
    Case(filter: "src 192.0.2.1 and dst 192.0.2.2 and tcp dst port 80", packet: v4.tcp(40000, 80, flags: .syn)),
    Case(
      filter: "tcp[tcpflags] = tcp-syn|tcp-ack",
      packet: v4.tcp(40000, 80, flags: [.syn, .ack], options: [2, 4, 5, 180])),
    Case(filter: "udp src port 9 and udp[4:2] = 11", packet: v4.udp(9, 10).payload("abc")),
    Case(filter: "icmp[icmptype] = icmp-echo", packet: v4.icmp()),
    Case(filter: "sctp src port 7", packet: v4.sctp(7, 8).payload([11, 0, 0, 4])),
    Case(filter: "ip6 and udp port 9", packet: v6.udp(9, 10)),
    Case(filter: "icmp6[icmp6type] = icmp6-echo", packet: v6.icmpv6()),
    Case(filter: "ip6 protochain 6", packet: v6.ipv6Options().ipv6Fragment(offset: 0, more: false).tcp(1, 2)),
    Case(filter: "ip6 protochain 17", packet: v6.ipv6Routing(type: 0, segmentsLeft: 0, body: []).udp(1, 2)),
    Case(filter: "ip protochain 6", packet: v4.authentication().tcp(1, 2)),
    Case(
      filter: "ip[6:2] & 0x1fff = 2 and ip[6] & 0x20 != 0",
      packet: PacketBuilder().ethernet()
        .ipv4("192.0.2.1", "192.0.2.2", moreFragments: true, fragmentOffset: 16, proto: 17).payload("x")),
    Case(
      filter: "arp and arp[6:2] = 1", packet: PacketBuilder().ethernet().arp(sender: "192.0.2.1", target: "192.0.2.2")),
    Case(
      filter: "vlan 5 and ip and tcp",
      packet: PacketBuilder().ethernet().vlan(5).ipv4("192.0.2.1", "192.0.2.2").tcp(1, 2)),
    Case(
      filter: "vlan 9 and vlan 5 and ip6",
      packet: PacketBuilder().ethernet().vlan(9, tpid: 0x88a8).vlan(5)
        .ipv6("2001:db8::1", "2001:db8::2").udp(1, 2)),
    Case(
      filter: "mpls 16 and mpls 17 and ip",
      packet: PacketBuilder().ethernet().mpls(16).mpls(17)
        .ipv4("192.0.2.1", "192.0.2.2").udp(1, 2)),
    Case(
      filter: "pppoes 7 and ip",
      packet: PacketBuilder().ethernet().pppoe(session: 7).ipv4("192.0.2.1", "192.0.2.2").udp(1, 2)),
    Case(
      filter: "llc and ether[14] = 0x12",
      packet: PacketBuilder().ethernet().llc(dsap: 0x12, ssap: 0x12).payload([0, 0])),
    Case(filter: "ip proto 47", packet: v4.gre(key: 7).ipv4("192.0.2.3", "192.0.2.4").udp(1, 2)),
    Case(filter: "geneve 7 and ip6", packet: v4.udp(1, 6081).geneve(7).ethernet().ipv6("::1", "::2").udp(1, 2)),
  ]

  @Test(arguments: cases) func libpcapAccepts(_ test: Case) throws {
    let program = try Libpcap.compile(test.filter)
    #expect(Libpcap.isValid(program))
    #expect(Libpcap.run(program, test.packet.octets) != 0)
  }

  @Test(arguments: PacketBuilder.linkTypes) func linkTypes(_ linkType: LinkType) throws {
    let v4 = PacketBuilder().link(linkType).ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80)
    let v6 = PacketBuilder().link(linkType).ipv6("2001:db8::1", "2001:db8::2").tcp(40000, 80)
    // NULL and LOOP hold the address family of another system, which libpcap only accepts in savefiles.
    let capture = SavedCapture(linkType: linkType, packets: [v4, v6].map { SavedPacket(octets: $0.octets) })
    let path = try Subprocess.temporaryFile(PcapFormat().file(capture))
    defer { Subprocess.remove(path) }
    let filters = linkType == .ipv6 ? ["ip6", "tcp port 80"] : ["ip", "tcp port 80"]
    for filter in filters {
      let program = try Libpcap.compile(filter, forFile: path)
      #expect(Libpcap.run(program, linkType == .ipv6 ? v6.octets : v4.octets) != 0, "\(filter)")
    }
    if linkType != .ipv4 {
      #expect(Libpcap.run(try Libpcap.compile("ip6 and tcp port 80", forFile: path), v6.octets) != 0)
    }
  }

  @Test(.enabled(if: Subprocess.installed("tcpdump") != nil, "tcpdump is not installed"))
  func checksumsAreRight() throws {
    let tcpdump = try #require(Subprocess.installed("tcpdump"))
    let packets = Self.cases.map { SavedPacket(octets: $0.packet.octets) }
    let file = PcapFormat().file(SavedCapture(linkType: .ethernet, packets: packets))
    let outcome = try Subprocess.run(tcpdump, ["-nnvvt", "-r", "-"], stdin: file)
    #expect(outcome.status == 0)
    for complaint in ["incorrect", "[bad", " bad ", "wrong", "invalid", "[|"] {
      #expect(!outcome.output.contains(complaint), "\(complaint): \(outcome.output)")
    }
    #expect(outcome.output.contains("(correct)"))
  }

  @Test func aRefusedFilterHasAMessage() {
    #expect(throws: Libpcap.Failure.self) { try Libpcap.compile("host host") }
  }

  @Test func broadcastUsesTheNetmask() throws {
    let program = try Libpcap.compile("ip broadcast", netmask: 0xffff_ff00)
    let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.255").udp(1, 2)
    #expect(Libpcap.run(program, packet.octets) != 0)
    #expect(Libpcap.run(program, Self.v4.udp(1, 2).octets) == 0)
  }
}
