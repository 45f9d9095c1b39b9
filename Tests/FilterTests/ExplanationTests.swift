import BPF
import PacketCore
import Savefile
import TestSupport
import Testing

@testable import Filter

/// Explanations of why packets are accepted or rejected.
@Suite struct ExplanationTests {
  /// They include cases that an explanation could get wrong: `not`, shifted headers, chains, tunnels, failing loads, long lists.
  static let expressions = [
    "", "tcp", "not tcp", "tcp port 80", "port 53 or port 80", "not (port 22 or icmp)", "host 192.0.2.1 and not arp",
    "ip6 and udp", "icmp or icmp6", "tcp[tcpflags] & tcp-syn != 0", "tcp[100] = 1 or tcp", "not tcp[100] = 1",
    "ip[2:2] > 576", "60 < len", "ip[0] & 0xf = len - 20", "vlan and tcp", "(vlan and arp) or arp", "vlan 5 and vlan",
    "mpls and ip", "(mpls 100 and tcp) or udp", "pppoes and ip", "ip protochain 6", "ip6 protochain 58 or tcp",
    "geneve and tcp", "vxlan 42 and icmp", "udp port 4789 and vxlan and icmp", "ether host ff:ff:ff:ff:ff:ff or stp",
    "net 192.0.2.0/24 and portrange 1-1023", "src host 2001:db8::1 or dst net 10",
    "not (tcp or udp) and not (arp or icmp)", "tcp and (port 22 or (len > 100 and not dst port 443)) or not ip",
    "port " + (1...40).map(String.init).joined(separator: " or "),
    (1...26).map { "host 10.0.0.\($0)" }.joined(separator: " or ") + " or tcp[60] = 7 or udp",
    "not (src host 192.0.2.1 and (dst port 53 or udp)) and ip[8] / ip[9] < 9",
  ]

  /// All packets of all fixtures by their link type.
  private static let packets: Result<[(linkType: LinkType, packets: [SavedPacket])], any Error> = Result {
    var result: [LinkType: [SavedPacket]] = [:]
    for name in Fixture.all {
      var reader = try SavefileReader(path: Fixture.capture(name))
      do {
        while let packet = try reader.next() {
          let octets = (0..<packet.caplen).compactMap { try? packet.bytes.u8(at: $0) }
          result[packet.linkType, default: []].append(SavedPacket(octets: octets, len: UInt32(packet.len)))
        }
      } catch let error as SavefileError where error.kind == .truncated {}
    }
    return result.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
  }

  /// The explanation has the same verdict as the machine, for whole and cut packets, and every rejection has one reason.
  @Test(arguments: expressions)
  func agreesWithTheMachine(_ expression: String) throws {
    var compiled = 0
    var random = SeededRandom(seed: 9)
    for (linkType, packets) in try Self.packets.get() {
      let options = CompileOptions(linkType: linkType)
      guard let program = try? FilterCompiler.compile(expression, options) else { continue }
      compiled += 1
      let explanation = try FilterExplanation(expression, options)
      let machine = Interpreter(program)
      var table = try TermTable(explanation.expression)
      var accepted: UInt64 = 0
      for packet in packets {
        let cut = Int.random(in: 0...packet.octets.count, using: &random)
        for caplen in Set([packet.octets.count, cut, cut % 60]) {
          let octets = Array(packet.octets.prefix(caplen))
          // Safe: the span of an array of bytes has no padding.
          let verdict = unsafe machine.run(octets.span.bytes, len: packet.len)
          let reason = unsafe explanation.explain(octets.span.bytes, len: packet.len)
          let decision = unsafe explanation.decide(octets.span.bytes, len: packet.len)
          #expect((decision.verdict != 0) == (verdict != 0), "\(linkType): \(octets)")
          #expect(reason.decision == decision && !reason.text.isEmpty, "\(linkType): \(octets)")
          table.add(decision)
          if verdict != 0 { accepted += 1 }
          // The last answer belongs to the term that decided, and each term is evaluated at most once.
          #expect(Set(decision.asked.map(\.term)).count == decision.asked.count)
          if case .term(let index) = decision.subject, let last = decision.asked.last { #expect(last.term == index) }
        }
      }
      #expect(table.accepted == accepted)
      let decided = table.terms.reduce(table.elsewhere.decided) { $0 + $1.decided }
      #expect(decided == table.packets)
      #expect(table.terms.allSatisfy { $0.decided <= $0.asked || $0.asked == 0 })
    }
    #expect(compiled > 0)
  }

  /// A packet that does not match, and why.
  struct Case: Sendable, CustomTestStringConvertible {
    let expression: String
    let packet: [UInt8]
    var len: Int?
    /// The term that decides, and the reason.
    let term: String
    let text: String
    var alternatives: [String] = []
    var testDescription: String { "\(expression): \(text)" }
  }

  private static let ethernet = PacketBuilder().ethernet()
  private static let dns = ethernet.ipv4("10.0.0.1", "10.0.0.2").udp(40000, 53).payload([1, 2, 3, 4]).octets
  private static let syn = ethernet.ipv4("10.0.0.1", "10.0.0.2").tcp(40000, 443).octets
  private static let syn6 = ethernet.ipv6("2001:db8::1", "2001:db8::2").tcp(40000, 443).octets
  private static let tagged = ethernet.vlan(7).ipv4("10.0.0.1", "10.0.0.2").tcp(40000, 80).octets
  private static let arp = ethernet.arp(sender: "10.0.0.1", target: "10.0.0.2").octets
  private static let fragment = ethernet.ipv4("10.0.0.1", "10.0.0.2", fragmentOffset: 1480, proto: 17).payload(
    [UInt8](repeating: 0, count: 20)
  ).octets

  static let cases = [
    Case(expression: "tcp port 80", packet: dns, term: "tcp port 80", text: "ip proto is 17 (udp), wanted 6 (tcp)"),
    Case(
      expression: "tcp port 80 and not arp", packet: syn, term: "tcp port 80",
      text: "tcp src port is 40000, wanted 80; tcp dst port is 443, wanted 80"),
    Case(
      expression: "host 10.0.0.9 and tcp", packet: arp, term: "host 10.0.0.9",
      text: "arp sender is 10.0.0.1, wanted 10.0.0.9; arp target is 10.0.0.2, wanted 10.0.0.9"),
    Case(
      expression: "tcp", packet: arp, term: "tcp",
      text: "ethertype is 0x0806 (ARP), wanted 0x0800 (IPv4) or 0x86dd (IPv6)"),
    Case(
      expression: "tcp[100] = 1 or udp", packet: syn, term: "tcp[100] = 1",
      text: "packet has 54 bytes, tcp[100] needs 135"
    ),
    Case(
      expression: "ip[2:2] > 576", packet: Array(syn.prefix(40)), len: 54, term: "ip[2:2] > 576",
      text: "ip[2:2] is 40, wanted > 576"),
    Case(
      expression: "tcp[13] & 2 != 0", packet: syn6, term: "tcp[13] & 2 != 0",
      text: "ethertype is 0x86dd (IPv6), wanted 0x0800 (IPv4)"),
    Case(
      expression: "not (port 53 or arp)", packet: dns, term: "port 53", text: "udp dst port is 53, which 'not' excludes"
    ),
    Case(
      expression: "tcp port 80", packet: tagged, term: "tcp port 80",
      text: "ethertype is 0x8100 (802.1Q tag), wanted 0x86dd (IPv6) or 0x0800 (IPv4)"),
    Case(
      expression: "vlan 5 and tcp", packet: tagged, term: "vlan 5", text: "vlan id is 7, wanted 5"),
    Case(
      expression: "udp port 53", packet: fragment, term: "udp port 53", text: "ip fragment offset is 1480, wanted 0"),
    Case(
      expression: "ip and (port 80 or (icmp or net 192.0.2))", packet: dns, term: "net 192.0.2",
      text: "ip src & 0xffffff00 is 10.0.0.0, wanted 192.0.2.0; ip dst & 0xffffff00 is 10.0.0.0, wanted 192.0.2.0",
      alternatives: [
        "port 80: udp src port is 40000, wanted 80; udp dst port is 53, wanted 80",
        "icmp: ip proto is 17 (udp), wanted 1 (icmp)",
      ]),
    Case(
      expression: "udp and src port 53", packet: Array(dns.prefix(30)), len: 46, term: "src port 53",
      text: "30 of 46 bytes were captured, udp src port needs 36"),
    Case(expression: "less 40", packet: syn, term: "less 40", text: "len is 54, wanted <= 40"),
    Case(
      expression: "ip6 src net 2001:db9::/32", packet: syn6, term: "ip6 src net 2001:db9::/32",
      text: "ip6 src bytes 0-3 is 2001:0db8, wanted 2001:0db9"),
  ]

  @Test(arguments: cases)
  func says(_ example: Case) throws {
    let explanation = try FilterExplanation(example.expression, CompileOptions(linkType: .ethernet))
    // Safe: the span of an array of bytes has no padding.
    let reason = unsafe explanation.explain(
      example.packet.span.bytes, len: UInt32(example.len ?? example.packet.count))
    #expect(reason.decision.verdict == 0)
    #expect(reason.text == example.text)
    guard case .term(let index) = reason.decision.subject else {
      Issue.record("no term is to blame")
      return
    }
    func words(_ term: Int) -> String { SourceExcerpt.words(explanation.terms[term].range, of: example.expression) }
    #expect(words(index) == example.term)
    #expect(reason.others.map { "\(words($0.term)): \($0.text)" } == example.alternatives)
  }

  /// An accepted packet is attributed to every term that had to be true, and to no other.
  @Test(arguments: [
    ("tcp and dst port 443", ["tcp", "dst port 443"]), ("arp or tcp", ["tcp"]),
    ("udp or (ip and not (arp or port 53) and len > 10)", ["ip", "arp", "port 53", "len > 10"]),
    ("tcp or ip", ["tcp"]),
  ])
  func namesTheChain(_ expression: String, _ terms: [String]) throws {
    let explanation = try FilterExplanation(expression, CompileOptions(linkType: .ethernet))
    // Safe: the span of an array of bytes has no padding.
    let reason = unsafe explanation.explain(Self.syn.span.bytes, len: UInt32(Self.syn.count))
    #expect(reason.decision.verdict != 0)
    guard case .term(let last) = reason.decision.subject else {
      Issue.record("no term decided")
      return
    }
    let chain = reason.others.map(\.term) + [last]
    #expect(chain.map { SourceExcerpt.words(explanation.terms[$0].range, of: expression) } == terms)
  }

  /// Counts the answers of every term; some of the packets are too short.
  @Test func countsAnswers() throws {
    let expression = "not udp and tcp[13] = 16"
    let explanation = try FilterExplanation(expression, CompileOptions(linkType: .ethernet))
    var table = try TermTable(expression)
    for packet in [Self.syn, Self.dns, Self.arp, Self.syn6, Array(Self.syn.prefix(40))] {
      // Safe: the span of an array of bytes has no padding.
      table.add(unsafe explanation.decide(packet.span.bytes, len: UInt32(packet.count)))
    }
    let rows = table.terms.map { [$0.asked, $0.isTrue, $0.isFalse, $0.failed, $0.decided] }
    #expect(rows == [[5, 4, 1, 0, 1], [4, 1, 2, 1, 4]])
    #expect(table.packets == 5 && table.accepted == 1)
  }
}
