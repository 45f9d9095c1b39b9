import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Expressions that may not mean what the user intended, and expressions that do.
@Suite struct LintTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let rule: LintFinding.Rule
    /// An expression that violates the rule, and the words that the finding points at.
    let firing: String
    let words: [String]
    var rewrite: String?
    /// A similar expression without a finding.
    let silent: String
    var snaplen: UInt32 = 262_144
    var testDescription: String { "\(rule.rawValue): \(firing.prefix(60)) | \(silent.prefix(60))" }
  }

  static let cases = [
    Case(
      rule: .encapsulationOrder, firing: "(vlan and tcp) or tcp", words: ["vlan", "tcp"],
      rewrite: "tcp or (vlan and tcp)", silent: "tcp or (vlan and tcp)"),
    Case(
      rule: .encapsulationOrder, firing: "vlan 5 or vlan 6", words: ["vlan 5", "vlan 6"],
      rewrite: "vlan and (ether[14:2] & 0xfff = 5 or ether[14:2] & 0xfff = 6)", silent: "vlan 5 and vlan 6"),
    Case(
      rule: .encapsulationOrder, firing: "not vlan and ip", words: ["vlan", "ip"], rewrite: "ip and not vlan",
      silent: "(vlan and len > 100) or len < 20"),
    Case(
      rule: .deniedLoad, firing: "ip and not tcp[100] = 1", words: ["tcp[100]"],
      rewrite: "ip and not ((ip[0] & 0xf) * 4 + 115 <= len and tcp[100] = 1)", silent: "ip and not tcp[13] = 2"),
    Case(
      rule: .deniedLoad, firing: "not ip[30:2] = 5", words: ["ip[30:2]"], rewrite: "not (len >= 46 and ip[30:2] = 5)",
      silent: "ip[30:2] = 5"),
    Case(
      rule: .ipv4Only, firing: "tcp[tcpflags] & tcp-syn != 0", words: ["tcp[tcpflags] & tcp-syn != 0"],
      rewrite: "tcp[tcpflags] & tcp-syn != 0 or (ip6[6] = 6 and ip6[40 + tcpflags] & tcp-syn != 0)",
      silent: "ip and tcp[tcpflags] & tcp-syn != 0"),
    Case(
      rule: .ipv4Only, firing: "udp[4:2] > udp [6 : 2]", words: ["udp[4:2] > udp [6 : 2]"],
      rewrite: "udp[4:2] > udp [6 : 2] or (ip6[6] = 17 and ip6[40 + 4:2] > ip6[40 + 6 : 2])",
      silent: "net 192.0.2.0/24 and udp[4:2] > 20"),
    Case(
      rule: .fragments, firing: "not port 53", words: ["port 53"],
      rewrite: "not (port 53 or ip[6:2] & 0x1fff != 0)", silent: "not tcp port 22"),
    Case(
      rule: .fragments, firing: "udp port 53", words: ["udp port 53"],
      rewrite: "udp port 53 or ip[6:2] & 0x1fff != 0", silent: "tcp port 53"),
    Case(
      rule: .extensionHeaders, firing: "ip6 and tcp port 80", words: ["tcp port 80"],
      rewrite: "ip6 and (tcp port 80 or (ip6 protochain 6 and ip6[6] != 6))", silent: "ip and tcp port 80"),
    Case(
      rule: .extensionHeaders, firing: "host 2001:db8::1 and not tcp port 22", words: ["tcp port 22"],
      rewrite: "host 2001:db8::1 and not (tcp port 22 or (ip6 protochain 6 and ip6[6] != 6))",
      silent: "(ip6 or arp) and ip6 protochain 6"),
    Case(
      rule: .backwardRange, firing: "tcp portrange 90-80", words: ["90-80"], rewrite: "tcp portrange 80-90",
      silent: "tcp portrange 80-90"),
    Case(
      rule: .negatedList, firing: "not host 192.0.2.1 or 192.0.2.2", words: ["not host 192.0.2.1", "192.0.2.2"],
      rewrite: "not (host 192.0.2.1 or host 192.0.2.2)", silent: "not (host 192.0.2.1 or 192.0.2.2)"),
    Case(
      rule: .negatedList, firing: "arp or (not tcp port 22 or 23)", words: ["not tcp port 22", "23"],
      rewrite: nil, silent: "not tcp port 22 and not tcp port 23"),
    Case(
      rule: .negatedAlternatives, firing: "not tcp port 22 or not tcp port 23",
      words: ["not tcp port 22", "not tcp port 23"], rewrite: "not tcp port 22 and not tcp port 23",
      silent: "not src host 192.0.2.1 or not dst host 192.0.2.2"),
    Case(
      rule: .mixedOperators, firing: "tcp or udp and host 192.0.2.1", words: ["tcp or udp"],
      rewrite: "(tcp or udp) and host 192.0.2.1", silent: "(tcp or udp) and host 192.0.2.1"),
    Case(
      rule: .mixedOperators, firing: "icmp and len > 99 or (arp)", words: ["icmp and len > 99"],
      rewrite: "(icmp and len > 99) or arp", silent: "(icmp and (len > 99)) or arp"),
    Case(
      rule: .classNetwork, firing: "src net 10 and tcp", words: ["src net 10"],
      rewrite: "src net 10.0.0.0/8 and tcp", silent: "src net 10.0.0.0/8 and tcp"),
    Case(
      rule: .classNetwork, firing: "net 192.168", words: ["net 192.168"], rewrite: "net 192.168.0.0/16",
      silent: "net 192.168.1.7"),
    Case(
      rule: .classNetwork, firing: "net 192.168.1.0", words: ["net 192.168.1.0"], rewrite: "net 192.168.1.0/24",
      silent: "net 192.168.1.0/32"),
    Case(
      rule: .alwaysTrue, firing: "tcp and len >= 0", words: ["len >= 0"], rewrite: "tcp", silent: "tcp and len >= 60"),
    Case(
      rule: .alwaysFalse, firing: "arp or ip[8] > 255", words: ["ip[8] > 255"], rewrite: "arp",
      silent: "arp or ip[8] > 254"),
    Case(
      rule: .implied, firing: "tcp port 80 and tcp", words: ["tcp"], rewrite: "tcp port 80",
      silent: "tcp port 80 and net 192.0.2.0/24"),
    Case(
      rule: .implied, firing: "net 10.0.0.0/8 and host 10.0.0.1", words: ["net 10.0.0.0/8"], rewrite: "host 10.0.0.1",
      silent: "net 10.0.0.0/8 and host 192.0.2.1"),
    Case(
      rule: .implied, firing: "tcp port 80 or tcp", words: ["tcp port 80"], rewrite: "tcp",
      silent: "tcp port 80 or icmp"),
    Case(
      rule: .implied, firing: "arp or (icmp and not tcp)", words: ["tcp"], rewrite: "arp or icmp",
      silent: "arp or (icmp and not broadcast)"),
    Case(rule: .beyondSnaplen, firing: "ip[100] = 1", words: ["ip[100] = 1"], silent: "ip[20] = 1", snaplen: 96),
    Case(
      rule: .tooLong,
      firing: (0..<7).map { turn in (0..<250).map { "ip[\($0 + turn)]" }.joined(separator: " + ") + " = \(turn)" }
        .joined(separator: " or "), words: [],
      silent: (1...30).map { "host 10.0.0.\($0)" }.joined(separator: " or ")),
  ]

  @Test func everyRuleHasACase() {
    #expect(Set(Self.cases.map(\.rule)) == Set(LintFinding.Rule.allCases))
  }

  private static func findings(_ expression: String, snaplen: UInt32) throws -> [LintFinding] {
    try FilterLint.findings(in: expression, CompileOptions(linkType: .ethernet, snaplen: snaplen))
  }

  @Test(arguments: cases)
  func fires(_ example: Case) throws {
    let findings = try Self.findings(example.firing, snaplen: example.snaplen)
    let finding = try #require(findings.first { $0.rule == example.rule })
    let text = Array(example.firing.utf8)
    let words = finding.ranges.map { String(decoding: text[$0.lowerBound..<$0.upperBound], as: UTF8.self) }
    #expect(words == example.words)
    #expect(finding.rewrite == example.rewrite)
  }

  @Test(arguments: cases)
  func isSilent(_ example: Case) throws {
    let findings = try Self.findings(example.silent, snaplen: example.snaplen)
    #expect(findings.map { $0.rendered(expression: example.silent) } == [])
  }

  /// For any expression, the rewrites are valid expressions, and findings only point at words that exist.
  @Test func everydayExpressions() throws {
    for (turn, expression) in EverydayExpressions.all.enumerated() where PacketCorpus.isThorough || turn % 6 == 0 {
      guard let findings = try? Self.findings(expression, snaplen: 262_144) else { continue }
      for finding in findings {
        #expect(finding.ranges.allSatisfy { $0.upperBound <= expression.utf8.count })
        guard let rewrite = finding.rewrite else { continue }
        #expect(throws: Never.self, "\(expression) -> \(rewrite)") {
          _ = try FilterCompiler.compile(rewrite, CompileOptions(linkType: .ethernet))
        }
      }
    }
  }
}
