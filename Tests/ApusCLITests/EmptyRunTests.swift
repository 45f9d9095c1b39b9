import Foundation
import PacketCore
import TestSupport
import Testing

/// Hints that are printed when a filter matches nothing.
@Suite struct EmptyRunTests {
  /// A capture, a filter that matches none of its packets, and the expected hint.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let packets: [PacketBuilder]
    let filter: String
    /// How many packets of which kind the hint names; nil if no hint is expected.
    var words: String?
    /// The expression that the hint suggests.
    var expression = ""
    var linkType = LinkType.ethernet
    var testDescription: String { "\(name): \(filter)" }
  }

  private static let ethernet = PacketBuilder().ethernet()
  private static let ipv4 = ethernet.ipv4("192.0.2.1", "192.0.2.2")
  private static let ipv6 = ethernet.ipv6("2001:db8::1", "2001:db8::2")
  private static let web = ipv4.tcp(40000, 80)
  private static let plain = [ipv4.udp(40000, 53), ipv4.icmp()]

  static let cases = [
    Case(
      name: "VLAN", packets: [ethernet.vlan(7).ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80)] + plain,
      filter: "tcp port 80", words: "1 VLAN-tagged packet", expression: "vlan and tcp port 80"),
    Case(
      name: "VLAN and a list", packets: [ethernet.vlan(7).ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80)],
      filter: "port 80 or 443", words: "1 VLAN-tagged packet", expression: "vlan and (port 80 or 443)"),
    Case(
      name: "802.1ad", packets: [ethernet.vlan(7, tpid: 0x88a8).vlan(8).ipv6("2001:db8::1", "2001:db8::2").icmpv6()],
      filter: "icmp6", words: "1 packet with two VLAN tags", expression: "vlan and vlan and icmp6"),
    Case(
      name: "untagged", packets: [web, web], filter: "vlan 7 and tcp port 80",
      words: "2 packets without a VLAN tag", expression: "tcp port 80"),
    Case(
      name: "MPLS", packets: [ethernet.mpls(100).ipv4("192.0.2.1", "192.0.2.2").udp(5000, 53)], filter: "udp",
      words: "1 packet with MPLS labels", expression: "mpls and udp"),
    Case(
      name: "MPLS stack", packets: [ethernet.mpls(100).mpls(200).ipv4("192.0.2.1", "192.0.2.2").udp(5000, 53)],
      filter: "host 192.0.2.1", words: "1 packet with MPLS labels", expression: "mpls and mpls and host 192.0.2.1"),
    Case(
      name: "PPPoE", packets: [ethernet.pppoe(session: 3).ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80)],
      filter: "tcp", words: "1 packet in PPPoE sessions", expression: "pppoes and tcp"),
    Case(
      name: "VXLAN",
      packets: [ipv4.udp(9999, 4789).vxlan(42).ethernet().ipv4("198.51.100.1", "198.51.100.2").tcp(1, 80)],
      filter: "host 198.51.100.1 and tcp", words: "1 packet inside VXLAN tunnels",
      expression: "vxlan and (host 198.51.100.1 and tcp)"),
    Case(
      name: "Geneve",
      packets: [ipv4.udp(9999, 6081).geneve(42).ethernet().ipv4("198.51.100.1", "198.51.100.2").tcp(1, 80)],
      filter: "dst host 198.51.100.2", words: "1 packet inside Geneve tunnels",
      expression: "geneve and dst host 198.51.100.2"),
    Case(
      name: "GRE", packets: [ipv4.gre().ipv4("198.51.100.1", "198.51.100.2").tcp(1, 80)],
      filter: "dst host 198.51.100.2", words: "1 packet inside GRE tunnels",
      expression: "ip proto 47 and ip[20:4] = 0x00000800 and ip[0] & 0xf = 5 and (ip[40:4] = 0xc6336402)"),
    Case(
      name: "GRE with a key", packets: [ipv4.gre(key: 7).ipv6("2001:db8::1", "2001:db8::2").udp(1, 53), web],
      filter: "udp port 53", words: "1 packet inside GRE tunnels",
      expression: "ip proto 47 and ip[20:4] = 0x200086dd and ip[0] & 0xf = 5 and "
        + "(ip[34] = 17 and (ip[68:2] = 53 or ip[70:2] = 53))"),
    Case(
      name: "IP in IP", packets: [ipv4.ipv4("10.1.0.1", "10.2.0.2").udp(5353, 53)], filter: "net 10.2.0.0/16 and udp",
      words: "1 packet inside IP-in-IP tunnels",
      expression: "ip proto 4 and ip[0] & 0xf = 5 and "
        + "((ip[32:4] & 0xffff0000 = 0xa020000 or ip[36:4] & 0xffff0000 = 0xa020000) and ip[29] = 17)"),
    Case(
      name: "IPv6 in IPv4", packets: [ipv4.ipv6("2001:db8::1", "2001:db8::2").icmpv6()], filter: "icmp6",
      words: "1 packet inside IP-in-IP tunnels", expression: "ip proto 41 and ip[0] & 0xf = 5 and (ip[26] = 58)"),
    Case(
      name: "fragments",
      packets: (1...3).map {
        ethernet.ipv4("192.0.2.1", "192.0.2.2", fragmentOffset: 1480 * $0, proto: 17).payload([1, 2, 3, 4])
      },
      filter: "udp port 53", words: "3 fragments without ports", expression: "udp and ip[6:2] & 0x1fff != 0"),
    Case(
      name: "IPv6 for ICMP", packets: [ipv6.icmpv6(), ipv6.icmpv6(type: 129)] + [web], filter: "icmp",
      words: "2 IPv6 packets", expression: "icmp6"),
    Case(
      name: "IPv6 for IPv4", packets: [ipv6.tcp(40000, 80)], filter: "ip and port 80", words: "1 IPv6 packet",
      expression: "ip6 and port 80"),
    Case(
      name: "IPv6 for flags", packets: [ipv6.tcp(40000, 80, flags: .syn)], filter: "tcp[tcpflags] & tcp-syn != 0",
      words: "1 IPv6 packet", expression: "ip6[6] = 6 and ip6[40 + tcpflags] & tcp-syn != 0"),
    Case(
      name: "IPv4 for IPv6", packets: [web], filter: "ip6 and tcp port 80", words: "1 IPv4 packet",
      expression: "ip and tcp port 80"),
    Case(
      name: "the other direction", packets: [web, web], filter: "src port 80",
      words: "2 packets in the other direction",
      expression: "dst port 80"),
    Case(
      name: "one of two directions", packets: [web], filter: "src host 192.0.2.1 and src port 80",
      words: "1 packet in the other direction", expression: "src host 192.0.2.1 and dst port 80"),
    Case(
      name: "hop-by-hop options", packets: [ipv6.ipv6Options().udp(40000, 53)], filter: "udp dst port 53",
      words: "1 packet with IPv6 extension headers",
      expression:
        "(ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60 or (ip6[6] = 44 and ip6[42:2] & 0xfff8 = 0)) and ip6[40] = 17 and "
        + "ip6[50 + ip6[41] * 8:2] = 53"),
    Case(
      name: "long options",
      packets: [ipv6.ipv6Options(number: 60, [1, 20] + [UInt8](repeating: 0, count: 20)).tcp(1, 22)],
      filter: "tcp port 22 and len > 20", words: "1 packet with IPv6 extension headers",
      expression:
        "((ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60 or (ip6[6] = 44 and ip6[42:2] & 0xfff8 = 0)) and ip6[40] = 6 and "
        + "(ip6[48 + ip6[41] * 8:2] = 22 or ip6[50 + ip6[41] * 8:2] = 22)) and len > 20"),
    Case(
      name: "two extension headers", packets: [ipv6.ipv6Options().ipv6Options(number: 60).udp(40000, 53)],
      filter: "udp port 53", words: "1 packet with IPv6 extension headers",
      expression: "ip6 protochain 17 and ip6[6] != 17"),
    Case(
      name: "a protocol behind options", packets: [ipv6.ipv6Options().icmpv6()], filter: "icmp6",
      words: "1 packet with IPv6 extension headers", expression: "ip6 protochain 58"),
    Case(
      name: "another link type", packets: [PacketBuilder().linuxSLL().ipv4("192.0.2.1", "192.0.2.2").tcp(1, 80)],
      filter: "ether[12:2] = 0x800", words: "1 packet with another link-layer header", expression: "ether proto 2048",
      linkType: .linuxSLL),
    Case(
      name: "offsets of Ethernet", packets: [PacketBuilder().linuxSLL().ipv4("192.0.2.1", "192.0.2.2").tcp(1, 80)],
      filter: "ether[23] = 6 and tcp", words: "1 packet with another link-layer header",
      expression: "ip[9] = 6 and tcp",
      linkType: .linuxSLL),
    // No hint is expected.
    Case(name: "no such port", packets: [web] + plain, filter: "tcp port 8080"),
    Case(name: "no such host", packets: [web, ipv6.udp(1, 2)], filter: "host 203.0.113.9"),
    Case(name: "no such direction", packets: [web], filter: "src port 443"),
    Case(name: "no such tag", packets: [ethernet.vlan(7).ipv4("192.0.2.1", "192.0.2.2").tcp(1, 80)], filter: "vlan 8"),
    Case(name: "another protocol", packets: [web], filter: "sctp"),
    Case(name: "no packets", packets: [], filter: "tcp port 80"),
  ]

  private static func file(_ test: Case) -> Data {
    let packets = test.packets.map { SavedPacket(octets: $0.octets) }
    return PcapFormat().file(SavedCapture(linkType: test.linkType, packets: packets))
  }

  private static func hints(_ errors: String) -> [String] {
    errors.split(separator: "\n").map(String.init).filter { $0.contains("would match") }
  }

  /// The same hint is printed with `--count`, with packets as text, with `--explain` and with `--lint`.
  @Test(arguments: cases) func saysWhy(_ test: Case) throws {
    let octets = Self.file(test)
    let path = try Subprocess.temporaryFile(octets)
    defer { Subprocess.remove(path) }
    let wanted = test.words.map { "apus: no packet matched; \($0) would match: '\(test.expression)'" }
    for arguments in [["--count", "-r", path], ["-nn", "-r", path], ["--explain=summary", "-r", path]] {
      let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments + [test.filter])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(Self.hints(outcome.errors).first == wanted, "\(arguments): \(outcome.errors)")
    }
    let silent = try Subprocess.apus("--no-hints", "--count", "-r", path, test.filter)
    #expect(silent.status == 0 && silent.output == "0 packets\n" && Self.hints(silent.errors).isEmpty)
    let lint = try Subprocess.apus("--lint", "-r", path, test.filter)
    let note = test.words.map {
      "note: no packet of \(path) matches; \($0) would match: '\(test.expression)' [no-match]"
    }
    #expect(Self.hints(lint.output).first == note, "\(lint.output)")
    guard let words = test.words, let count = Int(words.prefix { $0.isNumber }) else { return }
    // The suggested expression finds as many packets as the hint says.
    let found = try Subprocess.apus("--count", "-r", path, test.expression)
    #expect(found.output == "\(count) packet\(count == 1 ? "" : "s")\n", "\(found.errors)")
  }

  /// A pipe cannot be read twice, so apus keeps its first packets.
  @Test func pipes() throws {
    let test = try #require(Self.cases.first)
    let cat = try #require(Subprocess.installed("sh"))
    let path = try Subprocess.temporaryFile(Self.file(test))
    defer { Subprocess.remove(path) }
    let apus = try Subprocess.apusPath()
    let outcome = try Subprocess.run(cat, ["-c", "cat \"$1\" | \"$2\" --count -r - tcp port 80", "sh", path, apus])
    #expect(outcome.status == 0 && outcome.output == "0 packets\n")
    #expect(
      Self.hints(outcome.errors)
        == ["apus: no packet matched; 1 VLAN-tagged packet would match: 'vlan and tcp port 80'"])
  }

  /// Of two reasons, the one with more packets.
  @Test func severalReasons() throws {
    let tagged = Self.ethernet.vlan(7).ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80)
    let test = Case(
      name: "", packets: [tagged, Self.ipv4.tcp(40000, 80), Self.ipv4.tcp(40001, 80)], filter: "src port 80")
    let path = try Subprocess.temporaryFile(Self.file(test))
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("--count", "-r", path, "src port 80")
    #expect(
      Self.hints(outcome.errors) == [
        "apus: no packet matched; 2 packets in the other direction would match: 'dst port 80'"
      ])
  }

  /// Packets outside of the time window would match.
  @Test func timeWindow() throws {
    let packets = (0..<10).map { second in
      SavedPacket(
        octets: (second < 5 ? Self.web : Self.plain[0]).octets,
        timestamp: Timestamp(seconds: 1_700_000_000 + Int64(second), nanoseconds: 0))
    }
    let path = try Subprocess.temporaryFile(PcapFormat().file(SavedCapture(linkType: .ethernet, packets: packets)))
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus(
      "--count", "-r", path, "--from", "1700000005", "tcp port 80", environment: ["TZ": "UTC"])
    #expect(outcome.status == 0 && outcome.output == "0 packets\n")
    #expect(
      Self.hints(outcome.errors) == [
        "apus: no packet matched; 5 packets outside of the time window would match, from 2023-11-14 22:13:20.000000 to "
          + "2023-11-14 22:13:24.000000: change --from and --to"
      ], "\(outcome.errors)")
  }

  /// No hint is printed when a packet matches or when there is no filter.
  @Test(arguments: [["tcp port 80"], [], ["icmp or tcp"]])
  func nothingIsSaidElsewhere(_ filter: [String]) throws {
    let path = Fixture.capture("http.pcap")
    let outcome = try Subprocess.run(try Subprocess.apusPath(), ["--count", "-r", path] + filter)
    #expect(outcome.status == 0 && Self.hints(outcome.errors).isEmpty, "\(outcome.errors)")
  }
}

/// The same for live captures, where apus samples the packets that the kernel's filter drops.
@Suite(.waits, .serialized, .enabled(if: LiveNamespace.isPossible, "ip(8) and root are needed"))
struct EmptyLiveRunTests {
  @Test(arguments: [
    ("send 3 9", "vlan and udp port 9", "3 packets without a VLAN tag would match: 'udp port 9'"),
    ("tagged 2", "udp port 9", "2 VLAN-tagged packets would match: 'vlan and udp port 9'"),
    ("send 2 9", "udp src port 9", "2 packets in the other direction would match: 'udp dst port 9'"),
  ])
  func saysWhy(_ traffic: String, _ filter: String, _ hint: String) throws {
    let outcome = try LiveNamespace.run(
      "capture -i v1 -nn \(filter); \(traffic); sleep 0.5; kill -INT $pid; finish")
    #expect(outcome.output.hasPrefix("status 0\n"), "\(outcome.output)")
    #expect(outcome.output.contains("\n0 packets captured\n"), "\(outcome.output)")
    #expect(outcome.output.contains("apus: no packet matched; \(hint)\n"), "\(outcome.output)")
  }

  @Test(arguments: ["udp port 9", "tcp", "--no-hints vlan and udp"]) func nothingIsSaidElsewhere(_ filter: String)
    throws
  {
    let outcome = try LiveNamespace.run(
      "capture -i v1 -nn \(filter); send 2 9; sleep 0.5; kill -INT $pid; finish")
    #expect(outcome.output.contains("status 0\n") && !outcome.output.contains("no packet matched"), "\(outcome.output)")
  }
}
