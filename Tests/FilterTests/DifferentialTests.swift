import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Compares our programs, optimised and not, with those of the system's libpcap, packet by packet. libpcap's programs are not optimised,
/// since its optimiser does not always preserve their meaning.
@Suite struct DifferentialTests {
  @Test(arguments: PacketBuilder.linkTypes)
  func agreesWithLibpcap(_ linkType: LinkType) throws {
    // Every expression for Ethernet; for each other link type a different third of them.
    let place = PacketBuilder.linkTypes.firstIndex(of: linkType) ?? 0
    let isWhole = linkType == .ethernet || PacketCorpus.isThorough
    for (turn, expression) in EverydayExpressions.all.enumerated() where isWhole || turn % 3 == place % 3 {
      compare(expression, linkType, turn: turn)
    }
  }

  @Test(arguments: zip(EverydayExpressions.chains, [LinkType.raw, .ethernet, .ethernet, .null, .linuxSLL]))
  func chainsAgreeWithLibpcap(_ expression: String, _ linkType: LinkType) throws {
    compare(expression, linkType, turn: 0)
  }

  /// libpcap refuses every expression that we refuse.
  @Test(arguments: ParserTests.mistakes + FilterErrorTests.mistakes.map(\.expression))
  func libpcapRefusesToo(_ expression: String) {
    let ours = Compiled(expression, CompileOptions(linkType: .ethernet, optimize: false))
    let theirs = try? Libpcap.compile(expression, optimize: false)
    let isDifferent = Self.takenByLibpcap.contains(expression)
    #expect(((theirs == nil) == (ours.message != nil)) != isDifferent)
  }

  /// Tests, bare identifiers and parentheses in any order: both must refuse the same invalid expressions, and agree on the meaning of the
  /// others.
  @Test(arguments: 0..<2)
  func anyOrder(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let packets = PacketCorpus.of(.ethernet).made
    var taken = 0
    for _ in 0..<(PacketCorpus.isThorough ? 50_000 : 1500) {
      let expression = Self.list(&random, depth: 0)
      let ours = Compiled(expression, CompileOptions(linkType: .ethernet, optimize: false))
      let theirs = try? Libpcap.compile(expression, optimize: false)
      // libpcap does not accept nested parentheses in a list of identifiers; we do.
      let isNested = ours.message == nil && expression.contains("((")
      let isSame = (ours.message == nil) == (theirs != nil)
      #expect(isSame || isNested, "\(expression): \(ours.message ?? "refused by libpcap only")")
      guard let theirs, let verdicts = ours.verdicts(packets) else { continue }
      taken += 1
      if let difference = firstDifference(packets, verdicts, Libpcap.run(theirs, on: packets)) {
        Issue.record("\(expression): \(difference)")
      }
    }
    #expect(taken > 200)
  }

  private static func list(_ random: inout SeededRandom, depth: Int) -> String {
    var text = part(&random, depth: depth)
    for _ in 0..<Int.random(in: 0...(depth == 0 ? 3 : 2), using: &random) {
      text += [" and ", " or ", " || ", " "][min(3, Int.random(in: 0..<20, using: &random) / 6)]
      text += part(&random, depth: depth)
    }
    return text
  }

  private static func part(_ random: inout SeededRandom, depth: Int) -> String {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: "not " + part(&random, depth: depth)
    case 1...2 where depth < 3: "(" + list(&random, depth: depth + 1) + ")"
    case 3 where depth < 3: parts[Int.random(in: 0..<8, using: &random)] + " (" + list(&random, depth: 3) + ")"
    default: parts[Int.random(in: parts.indices, using: &random)]
    }
  }

  private static let parts = [
    "port", "host", "src net", "tcp port", "vlan", "len +", "ip proto", "ip[8] >", "tcp", "udp", "ip", "port 80",
    "tcp port 53",
    "host 10.1.1.1", "src host 10.1.1.1", "net 10", "80", "53", "22", "80", "10.1.1.1", "10.1", "2001:db8::1",
    "not 80", "len > 60",
    "60 < len", "len", "ip[8]", "ip[8] = 64", "tcp[13] & 2 != 0", "5 = 5", "- 5", "vlan 5", "\\tcp", "http",
    "portrange 50-90",
    "less 100", "broadcast", "arp", "src", "tcp 80", "ether proto \\ip", "proto 17", "ip6 host ::1",
    "dst or src port 53", "icmp-echo",
  ]

  /// Expressions with numbers and addresses that libpcap 1.10 does not check, but its next version does.
  private static let takenByLibpcap: Set = ["ip proto 300", "decnet host 10.1.1.1", "byte 0 = 300"]

  private func compare(_ expression: String, _ linkType: LinkType, turn: Int) {
    guard !Self.isKnownDifference(expression, linkType) else { return }
    let theirs = try? Libpcap.compile(expression, linkType: linkType, netmask: 0xffff_ff00, optimize: false)
    var options = CompileOptions(linkType: linkType, netmask: 0xffff_ff00, optimize: false)
    options.ieee80211Layout = .libpcap
    let unoptimised = Compiled(expression, options)
    options.optimize = true
    let optimised = Compiled(expression, options)
    let packets = PacketCorpus.of(linkType).sample(turn: turn)
    guard let plain = unoptimised.verdicts(packets), let best = optimised.verdicts(packets) else {
      let message = unoptimised.message ?? optimised.message ?? ""
      #expect(theirs == nil, "\(expression): refused, \(message), but not by libpcap")
      return
    }
    guard let theirs else {
      Issue.record("\(expression): refused by libpcap only")
      return
    }
    if let difference = firstDifference(packets, plain, Libpcap.run(theirs, on: packets)) {
      Issue.record("\(expression), not optimised: ours and libpcap's: \(difference)")
    }
    if let difference = firstDifference(packets, best, plain) {
      Issue.record("\(expression): optimised and not: \(difference)")
    }
  }

  private static func isKnownDifference(_ expression: String, _ linkType: LinkType) -> Bool {
    knownDifferences.contains { $0.expressions.contains(expression) && ($0.linkTypes?.contains(linkType) ?? true) }
  }

  /// An expression to which libpcap 1.10 gives another meaning; the comment on each says why we do not follow.
  private struct KnownDifference {
    let expressions: Set<String>
    /// The link types that are affected; nil means all.
    var linkTypes: Set<LinkType>?
  }

  private static let knownDifferences = [
    // We do not load the bytes after a prefix, so they need not be captured; libpcap 1.10 loads them without comparing any bit of them.
    // libpcap's next version does the same as we do.
    KnownDifference(
      expressions: [
        "net 0.0.0.0/0", "net 2001:db8::/32", "src net fe80::/10", "dst net ff00::/8", "net ::/0",
        "ip6 net 2001:db8::/33",
        "net 2001:db8::/65",
      ]),
    // For `byte 0 & 1` libpcap 1.10 loads nothing, and tests whatever the accumulator holds. The next version loads the byte.
    KnownDifference(expressions: ["byte 0 & 1", "byte 13 | 0"]),
    // Metadata of live packets: libpcap 1.10 generates a program that needs it even where it does not exist.
    KnownDifference(
      expressions: ["inbound or tcp", "outbound and ip"], linkTypes: [.ethernet, .raw, .null, .loop, .ipv4, .ipv6]),
    KnownDifference(
      expressions: ["ifindex 2"], linkTypes: [.ethernet, .linuxSLL, .raw, .null, .loop, .ipv4, .ipv6]),
    // Outside a tunnel libpcap's program reads scratch words that nothing has written; ours reads 0.
    KnownDifference(expressions: ["geneve or ip"]),
    // Only class D is multicast (224.0.0.0/4); libpcap 1.10 also includes class E and the broadcast address.
    KnownDifference(expressions: ["ip multicast"]),
    // A term that is always true or false on a link type decides the expression that it is part of. libpcap's next version does this too;
    // 1.10 first tests the preceding term, and rejects a packet that is too short for it.
    KnownDifference(expressions: ["ip[1000] = 0 or ip"], linkTypes: [.ipv4]),
    KnownDifference(
      expressions: ["(port 80 and host 10.1.1.1) or (port 53 and host 2001:db8::1)"], linkTypes: [.ipv6]),
  ]
}
