import PacketCore
import Testing

@testable import Filter

@Suite struct ParserTests {
  /// An expression, and its equivalent with every parenthesis and qualifier written out (`Expression.text`).
  struct Meaning: Sendable, CustomTestStringConvertible {
    let expression: String
    let tree: String

    init(_ expression: String, _ tree: String) {
      self.expression = expression
      self.tree = tree
    }

    var testDescription: String { expression }
  }

  @Test(arguments: [
    Meaning("", ""), Meaning("tcp", "tcp"), Meaning("(tcp)", "tcp"), Meaning("((tcp))", "tcp"),
    // `and` and `or` have the same precedence and associate to the left; `not` binds tighter.
    Meaning("tcp or udp and icmp", "((tcp or udp) and icmp)"), Meaning("tcp && udp || icmp", "((tcp and udp) or icmp)"),
    Meaning("tcp or (udp and icmp)", "(tcp or (udp and icmp))"), Meaning("not tcp and udp", "(not tcp and udp)"),
    Meaning("!tcp || !udp", "(not tcp or not udp)"), Meaning("not (tcp or udp)", "not (tcp or udp)"),
    Meaning("not not tcp", "tcp"), Meaning("! not ! tcp", "not tcp"),
    // A bare identifier takes the qualifiers of the test before it.
    Meaning("port 80 or 443", "(port 80 or port 443)"),
    Meaning("port 80 or 443 and tcp", "((port 80 or port 443) and tcp)"),
    Meaning("src host 192.0.2.1 or 192.0.2.2", "(src host 192.0.2.1 or src host 192.0.2.2)"),
    Meaning(
      "tcp dst port ftp or ftp-data or domain", "((tcp dst port ftp or tcp dst port ftp-data) or tcp dst port domain)"),
    Meaning("not host vs and ace", "(not host vs and host ace)"),
    Meaning("net 10 and not 10.1", "(net 10 and not net 10.1)"),
    Meaning("ip host ace and not helios", "(ip host ace and not ip host helios)"),
    Meaning("host helios and (hot or ace)", "(host helios and (host hot or host ace))"),
    Meaning("port (80 or 443)", "(port 80 or port 443)"),
    Meaning("port (80 or 443) or 53", "((port 80 or port 443) or port 53)"),
    Meaning("port (80 or (443 and not 22))", "(port 80 or (port 443 and not port 22))"),
    Meaning("tcp port 80 or (443 or 8080)", "(tcp port 80 or (tcp port 443 or tcp port 8080))"),
    // An identifier after parentheses takes the qualifiers from before them.
    Meaning("tcp port 80 or (udp) or 53", "((tcp port 80 or udp) or tcp port 53)"),
    Meaning("host 1.1.1.1 and not (port 80) and 2.2.2.2", "((host 1.1.1.1 and not port 80) and host 2.2.2.2)"),
    Meaning("port 80 or (tcp and (udp)) or 53", "((port 80 or (tcp and udp)) or port 53)"),
    Meaning("port 80 or (len > 5) or 53", "((port 80 or len > 5) or port 53)"),
    // Named constants are numbers wherever a number is allowed.
    Meaning("port tcp-syn or icmp-echo", "(port tcp-syn or port icmp-echo)"), Meaning("vlan (icmp-echo)", "vlan 8"),
    Meaning("port not 80", "not port 80"), Meaning("port not (80 or 443)", "not (port 80 or port 443)"),
    Meaning("src 192.0.2.1 or port 80 or 443", "((src 192.0.2.1 or port 80) or port 443)"),
    Meaning("ether proto \\ip or \\arp", "(link proto \\ip or link proto \\arp)"),
    Meaning("port 80 or 6 > len", "(port 80 or 6 > len)"), Meaning("port 80 and (6) > 3", "(port 80 and 6 > 3)"),
    // Directions.
    Meaning("src or dst port 80", "src or dst port 80"), Meaning("dst or src port 80", "src or dst port 80"),
    Meaning("src and dst net 10", "src and dst net 10"), Meaning("dst && src net 10", "src and dst net 10"),
    Meaning("tcp src or dst port 80", "tcp src or dst port 80"),
    Meaning("src port 1 or dst port 2", "(src port 1 or dst port 2)"),
    // Words with operands.
    Meaning("vlan", "vlan"), Meaning("vlan 5 and vlan (6)", "(vlan 5 and vlan 6)"),
    Meaning("vlan and ip", "(vlan and ip)"),
    Meaning("llc ui or llc", "(llc ui or llc)"), Meaning("less 60 or greater 0x100", "(less 60 or greater 256)"),
    Meaning("byte 3 & 7", "byte 3 & 7"),
    Meaning("ether multicast and ip broadcast", "(link multicast and ip broadcast)"),
    Meaning("fddi host a:b:c:d:e:f", "link host a:b:c:d:e:f"), Meaning("is-is or es-is", "(isis or esis)"),
    // Addresses.
    Meaning("net 10.0.0.0/8", "net 10.0.0.0/8"), Meaning("net 10.0 mask 255.0.0.0", "net 10.0 mask 255.0.0.0"),
    Meaning("net 10.0.0.0 netmask 255.0.0.0", "net 10.0.0.0 netmask 255.0.0.0"),
    Meaning("net fe80::/10", "net fe80::/10"),
    Meaning("host \\host", "host \\host"), Meaning("link host $1f", "link host $1f"),
  ])
  func tree(_ meaning: Meaning) throws {
    #expect(try Parser.parse(meaning.expression).text == meaning.tree)
  }

  @Test(arguments: [
    Meaning("len > 5", "len > 5"), Meaning("length >= 5", "len >= 5"), Meaning("len == 5", "len = 5"),
    Meaning("5 != len", "5 != len"), Meaning("(len) < (5)", "len < 5"), Meaning("((len <= 5))", "len <= 5"),
    Meaning("len = 1 + 2 * 3", "len = (1 + (2 * 3))"), Meaning("len = (1 + 2) * 3", "len = ((1 + 2) * 3)"),
    Meaning("(1 + 2) * 3 = len", "((1 + 2) * 3) = len"), Meaning("len = 8 - 2 - 1", "len = ((8 - 2) - 1)"),
    // `%` and `^` take their left operand before any other operator, and everything after them as their right one.
    Meaning("len = 8 / 2 * 3 % 4", "len = ((8 / 2) * (3 % 4))"),
    Meaning("len = 7 % 4 + 1", "len = (7 % (4 + 1))"),
    Meaning("len = 2 ^ 1 ^ 3 | 4", "len = (2 ^ (1 ^ (3 | 4)))"),
    Meaning("len = -3 % 2", "len = -(3 % 2)"),
    Meaning("len = 1 | 2 ^ 3 & 4", "len = (1 | (2 ^ (3 & 4)))"),
    Meaning("len = 1 & 2 ^ 3 | 4", "len = (1 & (2 ^ (3 | 4)))"), Meaning("len = 1 & 2 << 3", "len = (1 & (2 << 3))"),
    Meaning("len = 1 << 2 + 3", "len = (1 << (2 + 3))"), Meaning("len = 1 + 2 >> 3", "len = ((1 + 2) >> 3)"),
    Meaning("len = -1", "len = -1"), Meaning("len = - - 1 + 2", "len = (--1 + 2)"),
    Meaning("-len * 2 = 4", "(-len * 2) = 4"),
    Meaning("ip[0] & 0xf != 5", "(ip[0:1] & 15) != 5"), Meaning("ip[2:2] > 576", "ip[2:2] > 576"),
    Meaning("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "(tcp[13:1] & (2 | 1)) != 0"),
    Meaning("tcp[((tcp[12] & 0xf0) >> 2):4] = 1", "tcp[((tcp[12:1] & 240) >> 2):4] = 1"),
    Meaning("not len > 5 and tcp", "(not len > 5 and tcp)"), Meaning("icmp[icmptype] = icmp-echo", "icmp[0:1] = 8"),
    Meaning("link[0] = ether[6]", "link[0:1] = link[6:1]"),
    Meaning("tcp and (len > 5 or udp)", "(tcp and (len > 5 or udp))"),
  ])
  func arithmetic(_ meaning: Meaning) throws {
    #expect(try Parser.parse(meaning.expression).text == meaning.tree)
  }

  static let mistakes = [
    "and", "tcp and", "and tcp", "tcp or and udp", "not", "tcp not udp", "tcp udp", "(", ")", "()", "(tcp", "tcp)",
    "(tcp))",
    "port", "port and tcp", "port ()", "port (80 or tcp)", "port (80 or port 90)", "port 5 or (6 or tcp)", "host",
    "src", "src or 192.0.2.1", "src not host 192.0.2.1", "src tcp", "src proto 6", "dst gateway foo", "80", "http",
    "192.0.2.1", "fe80::1", "a:b:c:d:e:f", "$1f", "\\tcp", "(80)", "tcp 80", "tcp or 80", "not (port 80) and 443",
    "port 80 or (len) > 5 or 443", "port 80 or udp or 443", "(port 80 or udp) or 443",
    "tcp or (port 80) or 443", "port 80 or (tcp or 443)", "port 80 or broadcast or 443", "(port 80) or 443",
    "vlan and 5", "ether", "link", "radio", "ether proto ip",
    "ip proto tcp",
    "net 10/8", "net 10.0/33", "net fe80::/129", "net 10 mask 255.0.0.0", "net 10.0 mask 255", "net 10.0 mask",
    "net 10.0/",
    "net fe80:: mask 255.0.0.0", "portrange 80 - 90", "less", "less len", "greater tcp", "less (5)", "byte", "byte 1",
    "byte 1 =",
    "byte 1 >= 2", "byte len = 2", "vlan ()", "vlan (5", "mpls x", "len", "len >", "> 5", "len > 5 > 6",
    "len = 1 & 2 == 3",
    "(len > 5) > 6", "ip[0]", "ip[0] =", "ip[] = 1", "ip[0 = 1", "ip[0:] = 1", "ip[0:3] = 1", "ip[0:0] = 1",
    "ip[0:-1] = 1",
    "ip[0:1:2] = 1", "ip [", "tcp[tcp] = 1", "len = tcp", "len / 0 = 1", "len % 0 = 1", "len << 32 = 1",
    "len >> 99 = 1",
    "len + = 1", "len * * 2 = 1", "port 5 or 6 + 3", "port 5 or - 6", "llc foo", "tcp =", "= 1", "tcp == udp", "!",
    "&&", "||",
  ]

  @Test(arguments: mistakes)
  func refused(_ expression: String) {
    #expect(throws: FilterError.self) { try Parser.parse(expression) }
  }

  // MARK: Bounds

  /// An expression made of one text repeated many times, a middle, and a third text repeated many times.
  struct Repetition: Sendable, CustomTestStringConvertible {
    var start = ""
    let opening: String
    let count: Int
    var middle = "tcp"
    var closing = ""
    var nodes = 0

    var expression: String {
      start + String(repeating: opening, count: count) + middle + String(repeating: closing, count: count)
    }

    var testDescription: String { "\(start) \(opening) × \(count)" }
  }

  #if DEBUG
    private static let (some, many) = (2000, 20_000)
  #else
    private static let (some, many) = (10_000, 100_000)
  #endif

  /// Expressions that are long but not deeply nested are accepted.
  @Test(arguments: [
    Repetition(opening: "port 80 or ", count: some - 1, nodes: 2 * some - 1),
    Repetition(start: "host 10.0.0.1", opening: " or 10.0.0.2", count: some - 1, middle: "", nodes: 2 * some - 1),
    Repetition(start: "port (80", opening: " or 81", count: some - 1, middle: ")", nodes: 2 * some - 1),
    Repetition(opening: "not ", count: many + 1, nodes: 2), Repetition(opening: "!", count: many, nodes: 1),
    Repetition(opening: "(tcp or not udp) and ", count: some, nodes: 5 * some + 1),
  ])
  func long(_ long: Repetition) throws {
    #expect(try Parser.parse(long.expression).nodes.count == long.nodes)
  }

  /// Expressions that nest deeper than the limit are refused with a clear message.
  @Test(arguments: [
    Repetition(opening: "(", count: some, closing: ")"), Repetition(opening: "(", count: many, middle: ""),
    Repetition(start: "port ", opening: "(", count: some, middle: "80", closing: ")"),
    Repetition(start: "vlan ", opening: "(", count: some, middle: "5", closing: ")"),
    Repetition(opening: "not (", count: some, closing: ")"),
    Repetition(opening: "tcp or (", count: some, closing: ")"),
    Repetition(start: "len = ", opening: "(", count: some, middle: "1", closing: ")"),
    Repetition(start: "len = ", opening: "-", count: many, middle: "1"),
    Repetition(start: "len = 1", opening: " + 1", count: many, middle: ""),
    Repetition(start: "1 = ", opening: "ip[", count: some, middle: "0", closing: "]"),
    Repetition(start: "len = ", opening: "1 + (", count: some, middle: "1", closing: ")"),
  ])
  func deep(_ deep: Repetition) {
    let expression = deep.expression
    let error = #expect(throws: FilterError.self) { try Parser.parse(expression) }
    let message = error?.message ?? ""
    #expect(message.contains("nested deeper") || message.contains("more than 512 operators"))
    #expect((error?.rendered(expression: expression).utf8.count ?? 0) < 600)
  }

  /// An expression nested as deeply as the limit allows is accepted, and lowered.
  @Test func nestingBelowTheBound() throws {
    let parentheses = String(repeating: "(", count: 200) + "tcp" + String(repeating: ")", count: 200)
    #expect(try Parser.parse(parentheses).text == "tcp")
    let sums = "len = " + String(repeating: "1 + (", count: 60) + "1" + String(repeating: ")", count: 60)
    _ = try FilterCompiler.compile(sums, CompileOptions(linkType: .ethernet))
    let chain = "len = 1" + String(repeating: " + 1", count: 500)
    _ = try FilterCompiler.compile(chain, CompileOptions(linkType: .ethernet))
  }

  /// Every test counts towards the limit, whichever qualifiers apply to it.
  @Test(arguments: ["tcp and tcp and tcp", "port 80 or 81 or 82", "port (80 or 81) or udp", "len > 5 or len = 1 or ip"])
  func moreTestsThanAreTaken(_ expression: String) throws {
    _ = try Parser.parse(expression, maximumTerms: 4)
    let error = #expect(throws: FilterError.self) { try Parser.parse(expression, maximumTerms: 2) }
    #expect(error?.message.contains("too long") ?? false)
  }

  @Test func everyPrefixIsTakenOrRefused() {
    let octets = Array(
      """
      not (tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and src and dst net 10.0.0.0/8) or ether host aa:bb:cc:dd:ee:ff
      && port (80 or http or not 443) || vlan (5) and byte 3 & 7 or llc ui or len - - 1 << 2 <= ip[ip[0:1]:2]
      """.utf8)
    for end in octets.indices {
      _ = try? Parser.parse(String(decoding: octets[..<end], as: UTF8.self))
      _ = try? Parser.parse(String(decoding: octets[end...], as: UTF8.self))
    }
  }
}
