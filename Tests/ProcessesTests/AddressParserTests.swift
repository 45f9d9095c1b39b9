import PacketCore
import Testing

@testable import Processes

/// Finds the addresses in packets.
@Suite struct AddressParserTests {
  private static let ethernet4: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00]
  private static let ethernet6: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd]

  private static func ipv4(_ proto: UInt8, fragment: UInt16 = 0, id: UInt8 = 7, options: [UInt8] = []) -> [UInt8] {
    [
      0x45 + UInt8(options.count / 4), 0, 0, 60, 0, id, UInt8(fragment >> 8), UInt8(fragment & 255), 64, proto, 0, 0,
      192,
      0, 2, 1, 192, 0, 2, 2,
    ] + options
  }

  private static func ipv6(_ next: UInt8) -> [UInt8] {
    let prefix: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11)
    return [0x60, 0, 0, 0, 0, 60, next, 64] + prefix + [1] + prefix + [2]
  }

  private static let ports: [UInt8] = [0x9c, 0x40, 0, 80, 0, 0, 0, 0]

  private static func addresses(
    _ octets: [UInt8], _ linkType: LinkType = .ethernet, with parser: inout AddressParser
  ) -> PacketAddresses? {
    parser.addresses(
      of: Packet(
        bytes: PacketBytes(unsafe octets.span.bytes), timestamp: Timestamp(seconds: 0, nanoseconds: 0),
        linkType: linkType))
  }

  private static func addresses(_ octets: [UInt8], _ linkType: LinkType = .ethernet) -> PacketAddresses? {
    var parser = AddressParser()
    return addresses(octets, linkType, with: &parser)
  }

  private static let tcp4 = PacketAddresses(
    version: 4, proto: 6, source: 0xc000_0201, destination: 0xc000_0202, sourcePort: 40_000, destinationPort: 80)
  private static let udp6 = PacketAddresses(
    version: 6, proto: 17, source: 0x2001_0db8 << 96 | 1, destination: 0x2001_0db8 << 96 | 2, sourcePort: 40_000,
    destinationPort: 80)

  @Test func everyLinkTypeLeadsToTheHeader() {
    let packet = Self.ipv4(6) + Self.ports
    let tag: [UInt8] = [0x81, 0, 0, 5]
    let cooked = [UInt8](repeating: 0, count: 14) + [8, 0]
    let cooked2: [UInt8] = [8, 0] + [UInt8](repeating: 0, count: 18)
    let heads: [(LinkType, [UInt8])] = [
      (.ethernet, Self.ethernet4), (.raw, []), (.ipv4, []), (.linuxSLL, cooked), (.linuxSLL2, cooked2),
      (.null, [2, 0, 0, 0]), (.ethernet, Array(Self.ethernet4.dropLast(2)) + tag + tag + [8, 0]),
    ]
    for (linkType, head) in heads { #expect(Self.addresses(head + packet, linkType) == Self.tcp4, "\(linkType)") }
    #expect(Self.addresses(packet, LinkType(rawValue: 105)) == nil)
    #expect(Self.addresses(Self.ethernet4.dropLast(2) + [8, 6] + packet) == nil)
  }

  @Test func headersOfOtherLengths() {
    #expect(Self.addresses(Self.ethernet4 + Self.ipv4(6, options: [1, 1, 1, 1]) + Self.ports) == Self.tcp4)
    #expect(Self.addresses(Self.ethernet6 + Self.ipv6(17) + Self.ports) == Self.udp6)
    let extensions: [UInt8] = [60, 0] + [UInt8](repeating: 0, count: 6) + [17, 1] + [UInt8](repeating: 0, count: 14)
    #expect(Self.addresses(Self.ethernet6 + Self.ipv6(0) + extensions + Self.ports) == Self.udp6)
  }

  @Test func laterFragmentsHaveThePortsOfTheFirst() {
    var parser = AddressParser()
    let first = Self.ethernet4 + Self.ipv4(6, fragment: 0x2000) + Self.ports
    let later = Self.ethernet4 + Self.ipv4(6, fragment: 0x0010) + [9, 9, 9, 9, 9, 9, 9, 9]
    #expect(Self.addresses(later, with: &parser) == nil)
    #expect(Self.addresses(first, with: &parser) == Self.tcp4)
    #expect(Self.addresses(later, with: &parser) == Self.tcp4)
    #expect(
      Self.addresses(Self.ethernet4 + Self.ipv4(6, fragment: 0x0010, id: 8) + Self.ports, with: &parser) == nil)
    let fragment: [UInt8] = [17, 0, 0, 1, 0, 0, 0, 5]
    let first6 = Self.ethernet6 + Self.ipv6(44) + fragment + Self.ports
    let later6 = Self.ethernet6 + Self.ipv6(44) + [17, 0, 0, 0x11, 0, 0, 0, 5, 1, 1, 1, 1]
    #expect(Self.addresses(first6, with: &parser) == Self.udp6)
    #expect(Self.addresses(later6, with: &parser) == Self.udp6)
  }

  @Test func repliesGoToWhoHasAsked() throws {
    let request = try #require(Self.addresses(Self.ethernet4 + Self.ipv4(1) + [8, 0, 0, 0, 0x12, 0x34, 0, 1]))
    let reply = try #require(Self.addresses(Self.ethernet4 + Self.ipv4(1) + [0, 0, 0, 0, 0x12, 0x34, 0, 1]))
    #expect(request.receiver == nil)
    var mirrored = reply
    (mirrored.source, mirrored.destination) = (reply.destination, reply.source)
    #expect(mirrored.receiver == request.sender)
    let unreachable = try #require(Self.addresses(Self.ethernet4 + Self.ipv4(1) + [3, 3, 0, 0, 0x12, 0x34, 0, 1]))
    #expect(unreachable.receiver == nil)
    #expect(unreachable.sourcePort == 0)
  }

  /// A truncated packet does not crash the parser, and gives no addresses that it does not contain.
  @Test func cutPackets() {
    for packet in [Self.ethernet4 + Self.ipv4(6) + Self.ports, Self.ethernet6 + Self.ipv6(17) + Self.ports] {
      for length in 0..<packet.count - 4 { #expect(Self.addresses(Array(packet.prefix(length))) == nil) }
    }
  }
}
