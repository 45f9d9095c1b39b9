import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// The meaning of expressions that this machine's libpcap cannot check: words that it does not know, savefiles of other hosts, and what a
/// program reports about itself.
@Suite struct LoweringTests {
  private static func compile(
    _ expression: String, _ linkType: LinkType = .ethernet, snaplen: UInt32 = 262_144, target: FilterTarget = .machine,
    optimize: Bool = true
  ) throws -> Program {
    let options = CompileOptions(linkType: linkType, snaplen: snaplen, optimize: optimize, target: target)
    return try FilterCompiler.compile(expression, options)
  }

  @Test(arguments: [1, 96, 262_144, UInt32.max])
  func acceptingReturnsTheSnapshotLength(_ snaplen: UInt32) throws {
    let packet = PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).octets
    for expression in ["", "tcp", "not udp", "tcp or udp"] {
      #expect(try Self.compile(expression, snaplen: snaplen).verdict(packet) == snaplen)
    }
    #expect(try Self.compile("udp", snaplen: snaplen).verdict(packet) == 0)
  }

  @Test(arguments: PacketBuilder.linkTypes)
  func emptyExpressionTakesAll(_ linkType: LinkType) throws {
    let program = try Self.compile("", linkType)
    #expect(program.instructions == [Instruction(.retK, k: 262_144)])
    #expect(try Self.compile(" # all of it", linkType).instructions == program.instructions)
  }

  // MARK: BSD loopback

  /// The address family of IPv6 is 10, 24, 28 or 30, depending on the system that captured.
  @Test(arguments: [LinkType.null, .loop])
  func savefilesOfOtherSystems(_ linkType: LinkType) throws {
    let ip6 = try Self.compile("ip6", linkType, target: .savefile(byteSwapped: false))
    let ip4 = try Self.compile("ip", linkType, target: .savefile(byteSwapped: false))
    for family: UInt8 in 0...40 {
      let big: [UInt8] = [0, 0, 0, family]
      let little: [UInt8] = [family, 0, 0, 0]
      let isIPv6 = [24, 28, 30].contains(family)
      #expect((ip6.verdict(big) != 0) == isIPv6)
      #expect((ip4.verdict(big) != 0) == (family == 2))
      // LOOP is in network byte order on every host.
      #expect((ip6.verdict(little) != 0) == (isIPv6 && linkType == .null))
      #expect((ip4.verdict(little) != 0) == (family == 2 && linkType == .null))
    }
  }

  // MARK: VXLAN

  /// An expression for a frame in a tunnel, and whether it accepts the frame.
  struct Tunnelled: Sendable, CustomTestStringConvertible {
    let expression: String
    let isTaken: Bool

    init(_ expression: String, _ isTaken: Bool) {
      self.expression = expression
      self.isTaken = isTaken
    }

    var testDescription: String { expression }
  }

  @Test(arguments: [
    Tunnelled("vxlan", true), Tunnelled("vxlan 100", true), Tunnelled("vxlan 101", false),
    Tunnelled("not vxlan", false),
    // The frame is tagged.
    Tunnelled("vxlan and ip", false), Tunnelled("vxlan and ip6", false), Tunnelled("vxlan and vlan", true),
    Tunnelled("vxlan and vlan 7 and ip", true), Tunnelled("vxlan and vlan 8", false), Tunnelled("vxlan and tcp", false),
    Tunnelled("vxlan and vlan and tcp port 443", true), Tunnelled("vxlan and vlan and port 4789", false),
    Tunnelled("udp port 4789 and vxlan and vlan and port 443", true), Tunnelled("vxlan and host 198.51.100.1", false),
    Tunnelled("vxlan and vlan and host 10.0.0.1", true), Tunnelled("host 198.51.100.1 and vxlan", true),
    Tunnelled("vxlan and ether src 02:00:00:00:00:aa", true), Tunnelled("ether src 02:00:00:00:00:aa and vxlan", false),
    Tunnelled("vxlan and vlan and tcp[2:2] = 443", true), Tunnelled("vxlan and ether[0] = 2", true),
    Tunnelled("vxlan and multicast", false), Tunnelled("geneve", false), Tunnelled("vxlan or ip6", true),
    Tunnelled("vxlan and len > 90", true), Tunnelled("udp[8] = 8 and udp[12:4] & 0xffffff00 = 0x6400", true),
  ])
  func vxlan(_ tunnelled: Tunnelled) throws {
    for link in [PacketBuilder().ethernet(), PacketBuilder().linuxSLL2(), PacketBuilder()] {
      let outer = link.ipv4("198.51.100.1", "198.51.100.2", options: [1, 1, 1, 1]).udp(50000, 4789).vxlan(100)
      let frame = outer.ethernet(source: "02:00:00:00:00:aa").vlan(7).ipv4("10.0.0.1", "10.0.0.2").tcp(1000, 443)
      let linkType: LinkType = link.octets.isEmpty ? .raw : link.octets.count == 20 ? .linuxSLL2 : .ethernet
      guard linkType == .ethernet || !tunnelled.expression.hasPrefix("ether") else { continue }
      for optimize in [false, true] {
        let program = try Self.compile(tunnelled.expression, linkType, optimize: optimize)
        #expect((program.verdict(frame.octets) != 0) == tunnelled.isTaken, "\(linkType.rawValue)")
      }
    }
  }

  /// The first byte after the UDP header is the last one that the filter reads.
  @Test(arguments: [(LinkType.ethernet, 14), (.linuxSLL2, 20), (.raw, 0)])
  func cutTunnel(_ linkType: LinkType, _ header: Int) throws {
    let outer = PacketBuilder().link(linkType).ipv4("198.51.100.1", "198.51.100.2", options: [1, 1, 1, 1])
    let octets = outer.udp(50000, 4789).vxlan(100).ethernet().octets
    for optimize in [false, true] {
      let program = try Self.compile("vxlan", linkType, optimize: optimize)
      for caplen in 0...octets.count {
        #expect((program.verdict(Array(octets.prefix(caplen))) != 0) == (caplen > header + 24 + 8))
      }
    }
  }

  // MARK: Where instructions come from

  @Test(arguments: [
    "tcp", "tcp port 80 or host 10.1.1.1", "vlan 5 and (ip or ip6)", "geneve and port 53", "ip[2:2] > 576 and not udp",
    "net 2001:db8::/32 or portrange 5-10", "ip6 protochain 6", "port 80 or 443 or 8080",
  ])
  func instructionsKnowTheirWords(_ expression: String) throws {
    for optimize in [false, true] {
      let program = try Self.compile(expression, optimize: optimize)
      #expect(program.sources.count == program.instructions.count)
      for (instruction, source) in zip(program.instructions, program.sources) {
        if instruction.opcode == .retK || instruction.opcode == .ja { continue }
        #expect(!source.isEmpty, "\(instruction)")
        for range in source.ranges {
          #expect(range.lowerBound >= 0 && range.lowerBound < range.upperBound)
          #expect(range.upperBound <= expression.utf8.count)
        }
      }
    }
  }

  /// A test that two terms have in common is generated once, and is attributed to both.
  @Test func instructionsMayServeSeveralTerms() throws {
    let expression = "(arp and ether[20] = 1) or (ip and ether[20] = 1)"
    let program = try Self.compile(expression)
    let octets = Array(expression.utf8)
    let shared = program.sources.filter { $0.ranges.count > 1 }
    #expect(shared.count == 2)
    for source in shared {
      let words = source.ranges.map { String(decoding: octets[$0.lowerBound..<$0.upperBound], as: UTF8.self) }
      #expect(words == ["ether[20] = 1", "ether[20] = 1"])
    }
  }

  @Test func instructionsComeFromTheRightWords() throws {
    let expression = "udp port 53 and host 10.1.1.1"
    let program = try Self.compile(expression)
    let octets = Array(expression.utf8)
    for (instruction, source) in zip(program.instructions, program.sources) {
      guard instruction.opcode == .jeqK, let source = source.hull else { continue }
      let words = String(decoding: octets[source.lowerBound..<source.upperBound], as: UTF8.self)
      switch instruction.k {
      case 53, 17: #expect(words == "udp port 53")
      case 0x0a01_0101: #expect(words == "host 10.1.1.1")
      default: break
      }
    }
  }

  // MARK: Size

  /// Thousands of terms compile, and the program accepts the right packets.
  @Test(arguments: [false, true])
  func manyTerms(_ optimize: Bool) throws {
    #if DEBUG
      let count = 1000
    #else
      let count = 10_000
    #endif
    let hosts = (0..<count).map { "10.\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)" }
    let program = try Self.compile("ip src host " + hosts.joined(separator: " or "), optimize: optimize)
    for (number, isTaken) in [(0, true), (count / 3, true), (count - 1, true), (count, false)] {
      let source = IPv4Address(rawValue: 10 << 24 | UInt32(number))
      let packet = PacketBuilder().ethernet().ipv4(source, "192.0.2.1").udp(1, 2).octets
      #expect((program.verdict(packet) != 0) == isTaken)
    }
  }
}
