import BPF
import Names
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Long lists of alternatives, which become tables.
@Suite struct AlternativeListTests {
  /// Terms of a list, by kind. Most of the values occur in no packet; the others occur in `MadePackets`.
  private static let kinds: [String: @Sendable (Int) -> String] = [
    "host": { $0 == 17 ? "host 192.168.5.7" : "host 10.1.2.\($0)" },
    "src host": { $0 == 17 ? "src host 10.1.1.1" : "src host 10.1.2.\($0)" },
    "dst host": { $0 == 23 ? "dst host 192.168.5.7" : "dst host 10.1.2.\($0)" },
    "arp host": { $0 == 11 ? "arp host 192.168.5.7" : "arp host 10.1.2.\($0)" },
    "net": { $0 == 5 ? "net 192.168.0.0/16" : "net 10.2.\($0).0/24" },
    "net of several lengths": { "net 10.\($0).0.0/\(16 + $0 % 9)" },
    "src and dst host": { $0 == 17 ? "src and dst host 10.1.1.1" : "src and dst host 10.1.2.\($0)" },
    "port": { $0 == 9 ? "port 53" : "port \(1000 + $0)" },
    "tcp src port": { $0 == 9 ? "tcp src port 40000" : "tcp src port \(1000 + $0)" },
    "udp port": { $0 == 9 ? "udp port 7777" : "udp port \(1000 + $0)" },
    "portrange": { "portrange \($0 * 100)-\($0 * 100 + 49)" },
    "ip6 host": { $0 == 9 ? "host fe80::2:3" : "host 2001:db8::\($0 + 2)" },
    // Two of the terms match. Where only the start of the destination is captured, the load for the first one fails before the second can
    // match.
    "ip6 host, then its peer": { [9: "host fe80::9:9", 12: "host 2001:db8::1"][$0] ?? "host 2001:db9::\($0)" },
    "ip6 src host": { $0 == 9 ? "src host 2001:db8::1" : "src host 2001:db8::\($0 + 2)" },
    "ip6 net": { $0 == 9 ? "net fe80::/16" : "net 2001:\($0)::/32" },
    "ip6 dst net": { $0 == 9 ? "dst net fe80::/64" : "dst net 2001:db8:\($0)::/48" },
    "ether host": { $0 == 9 ? "ether host 02:00:00:00:00:01" : "ether host 02:00:00:00:01:\(10 + $0)" },
    "ether dst": { $0 == 9 ? "ether dst ff:ff:ff:ff:ff:ff" : "ether dst 02:00:00:00:01:\(10 + $0)" },
  ]

  /// Lists that mix several kinds in turn; a list may be negated or follow another term.
  private static let lists: [[String]] =
    kinds.keys.sorted().map { [$0] } + [
      ["host", "src host", "dst host"], ["host", "port"], ["host", "net", "net of several lengths", "arp host"],
      ["port", "tcp src port", "udp port", "portrange"], ["host", "ip6 host"], ["ip6 src host", "ip6 dst net"],
      ["ether host", "ether dst", "host"], ["ip6 src host", "host", "ip6 net"], ["src and dst host", "host"],
    ]

  private static let frames = ["@", "not (@)", "tcp and (@)", "(@) and not udp", "len < 40 or @"]

  @Test(arguments: [LinkType.ethernet, .linuxSLL2, .raw, .null])
  func verdictsStayForEveryLength(_ linkType: LinkType) throws {
    var packets: [SavedPacket] = []
    for octets in MadePackets.all(linkType) {
      for caplen in 0...min(octets.count, 90) {
        packets.append(SavedPacket(octets: Array(octets.prefix(caplen)), len: UInt32(octets.count)))
      }
    }
    for (number, list) in Self.lists.enumerated() {
      if linkType != .ethernet, list.contains(where: { $0.hasPrefix("ether") }) { continue }
      let terms = (0..<60).map { Self.kinds[list[$0 % list.count]]?($0) ?? "" }
      let either = terms.joined(separator: " or ")
      let neither = terms.map { "not \($0)" }.joined(separator: " and ")
      let framed = Self.frames[number % Self.frames.count].split(separator: "@", omittingEmptySubsequences: false)
      for expression in [framed.joined(separator: either), neither] {
        let plain = Compiled(expression, CompileOptions(linkType: linkType, optimize: false))
        let best = Compiled(expression, CompileOptions(linkType: linkType))
        let expected = try #require(plain.verdicts(packets), "\(plain.message ?? "")")
        let found = try #require(best.verdicts(packets), "\(best.message ?? "")")
        if let difference = firstDifference(packets, found, expected) {
          Issue.record("\(list) \(expression.prefix(60)): \(difference)")
        }
      }
    }
  }

  @Test(arguments: [
    ["host"], ["src host", "dst host", "host"], ["net"], ["port"], ["tcp src port", "port"], ["ether host"],
  ])
  func manyTermsTakeFewInstructions(_ kinds: [String]) throws {
    let makers: [String: (Int) -> String] = [
      "host": { "host 10.\($0 % 251).\($0 / 251).7" }, "src host": { "src host 10.\($0 % 241).\($0 / 241).8" },
      "dst host": { "dst host 10.\($0 % 239).\($0 / 239).9" },
      "net": { "net \(1 + $0 % 199).\($0 / 199).\($0 % 7 * 2).0/24" },
      "port": { "port \($0 * 7)" }, "tcp src port": { "tcp src port \($0 * 11)" },
      "ether host": { "ether host 02:00:00:00:0\($0 % 10):\(10 + $0 / 10 % 80)" },
    ]
    let terms = (0..<1000).map { makers[kinds[$0 % kinds.count]]?($0) ?? "" }
    let program = try FilterCompiler.compile(terms.joined(separator: " or "), CompileOptions(linkType: .ethernet))
    #expect(program.longestPath <= 48)
    #expect(program.instructions.count < 9 * terms.count)
  }

  @Test func rangesMergeAndPrefixesNest() throws {
    let adjacent = (0..<64).map { "src net 10.0.\($0).0/24" }.joined(separator: " or ")
    let nested = (0..<64).map { "src net 10.0.\($0 / 2).\($0 % 2 * 128)/25" }.joined(separator: " or ")
    for expression in [adjacent, "src net 10.0.0.0/18 or \(nested)", "src net 10.0.0.0/18 or \(adjacent)"] {
      #expect(try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet)).instructions.count < 20)
    }
  }
}
