import Foundation
import PacketCore

/// Endless Ethernet traffic, the same for the same seed: about two thirds TCP over both IP versions (connections that open, carry data both
/// ways and close, or are reset), the rest UDP, echo requests and their replies, and ARP. A tenth of it has an 802.1Q tag.
///
/// It is meant for comparing programs, so it leaves out ports that tcpdump decodes, except 80 without payload. With `hasApplications` it
/// includes messages for such ports: HTTP on port 80, and DNS and NTP among the datagrams.
public struct SyntheticCapture: Sequence, IteratorProtocol, Sendable {
  private var random: SeededRandom
  private let hosts: Int
  private let hasApplications: Bool
  private var connections: [Connection] = []
  private var waiting: [PacketBuilder] = []
  private var clock = Timestamp(seconds: 1_700_000_000, nanoseconds: 0)
  private var identification: UInt16 = 0

  /// Traffic among `hosts` hosts (at most 65 536), each with an IPv4 and an IPv6 address.
  public init(seed: UInt64 = 1, hosts: Int = 64, hasApplications: Bool = false) {
    random = SeededRandom(seed: seed)
    self.hasApplications = hasApplications
    self.hosts = Swift.min(Swift.max(hosts, 2), 65_536)
  }

  /// The next packet; never nil.
  public mutating func next() -> SavedPacket? {
    let packet = waiting.isEmpty ? something() : waiting.removeFirst()
    clock.nanoseconds += 1000 * Int64.random(in: 1...2000, using: &random)
    if clock.nanoseconds >= 1_000_000_000 {
      clock.seconds += 1
      clock.nanoseconds -= 1_000_000_000
    }
    return SavedPacket(octets: packet.octets, timestamp: clock)
  }

  /// Writes `packets` packets to a pcap file with microseconds.
  public static func write(
    _ packets: Int, to path: String, seed: UInt64 = 1, hosts: Int = 64, hasApplications: Bool = false
  ) throws {
    let format = PcapFormat()
    try Data(format.header(linkType: .ethernet)).write(to: URL(fileURLWithPath: path))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seekToEnd()
    var pending: [UInt8] = []
    for packet in SyntheticCapture(seed: seed, hosts: hosts, hasApplications: hasApplications).prefix(packets) {
      pending += format.record(packet)
      if pending.count > 1 << 20 {
        try file.write(contentsOf: Data(pending))
        pending.removeAll(keepingCapacity: true)
      }
    }
    try file.write(contentsOf: Data(pending))
    try file.close()
  }

  /// A packet of a random kind; the reply to it is queued.
  private mutating func something() -> PacketBuilder {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<70: return segment()
    case 70..<85: return datagram()
    case 85..<95: return echo()
    default: return addressResolution()
    }
  }

  // MARK: TCP

  private mutating func segment() -> PacketBuilder {
    if connections.count < 32 {
      let ends = twoHosts()
      connections.append(
        Connection(
          ends: ends, client: port(from: 50_000),
          server: [80, 443, 20_080, 30_443][Int.random(in: 0..<4, using: &random)],
          network: framing(), isVersion6: chance(25), random: &random))
    }
    let index = Int.random(in: connections.indices, using: &random)
    identification &+= 1
    let packet = connections[index].next(
      identification: identification, carriesHTTP: hasApplications, random: &random)
    if connections[index].isOver { connections.remove(at: index) }
    return packet
  }

  // MARK: UDP, ICMP, ARP

  private mutating func datagram() -> PacketBuilder {
    let (frame, ends, isVersion6) = (framing(), twoHosts(), chance(30))
    let request = network(frame, ends, isVersion6: isVersion6)
    let client = port(from: 50_000)
    if hasApplications, chance(60) {
      if chance(30) { return request.udp(client, 123).payload(ApplicationTraffic.ntp(&random)) }
      let (query, answer) = ApplicationTraffic.dns(&random)
      waiting.append(
        network(frame, (ends.1, ends.0), isVersion6: isVersion6).udp(53, client).payload(answer))
      return request.udp(client, 53).payload(query)
    }
    return request.udp(client, port(from: 40_000)).payload(random.octets(Int.random(in: 0..<600, using: &random)))
  }

  private mutating func echo() -> PacketBuilder {
    let ends = twoHosts()
    let frame = framing()
    let isVersion6 = chance(30)
    let rest = UInt32.random(in: 0...UInt32.max, using: &random)
    let payload = random.octets(56)
    let request = network(frame, ends, isVersion6: isVersion6)
    let reply = network(frame, (ends.1, ends.0), isVersion6: isVersion6)
    if isVersion6 {
      waiting.append(reply.icmpv6(type: 129, rest: rest).payload(payload))
      return request.icmpv6(type: 128, rest: rest).payload(payload)
    }
    waiting.append(reply.icmp(type: 0, rest: rest).payload(payload))
    return request.icmp(type: 8, rest: rest).payload(payload)
  }

  private mutating func addressResolution() -> PacketBuilder {
    let ends = twoHosts()
    let asking = Self.mac(ends.0)
    let asked = Self.mac(ends.1)
    let padding = [UInt8](repeating: 0, count: 18)
    waiting.append(
      PacketBuilder().ethernet(source: asked, destination: asking)
        .arp(operation: 2, sender: Self.ipv4(ends.1), senderMAC: asked, target: Self.ipv4(ends.0), targetMAC: asking)
        .trailer(padding))
    return PacketBuilder().ethernet(source: asking, destination: .broadcast)
      .arp(operation: 1, sender: Self.ipv4(ends.0), senderMAC: asking, target: Self.ipv4(ends.1)).trailer(padding)
  }

  private mutating func network(
    _ vlan: UInt16?, _ ends: (Int, Int), isVersion6: Bool
  ) -> PacketBuilder {
    identification &+= 1
    return Self.network(vlan, ends, isVersion6: isVersion6, identification: identification)
  }

  // MARK: Chance

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  private mutating func twoHosts() -> (Int, Int) {
    let one = Int.random(in: 0..<hosts, using: &random)
    let distance = Int.random(in: 1..<hosts, using: &random)
    return (one, (one + distance) % hosts)
  }

  private mutating func port(from first: UInt16) -> UInt16 { UInt16.random(in: first..<first + 8192, using: &random) }

  /// The VLAN of a packet: usually none.
  private mutating func framing() -> UInt16? { chance(10) ? UInt16.random(in: 2...5, using: &random) : nil }

  // MARK: Hosts

  /// 10.0.0.0/16, counted from 10.0.0.1 on.
  static func ipv4(_ host: Int) -> IPv4Address { IPv4Address(rawValue: 0x0a00_0000 + UInt32(host + 1)) }
  /// 2001:db8::/64, counted from 2001:db8::1 on.
  static func ipv6(_ host: Int) -> IPv6Address {
    IPv6Address(rawValue: UInt128(0x2001_0db8_0000_0000) << 64 + UInt128(host + 1))
  }
  /// Counted from 02:00:00:00:00:01 on.
  static func mac(_ host: Int) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 + UInt64(host + 1)) }

  static func network(
    _ vlan: UInt16?, _ ends: (Int, Int), isVersion6: Bool, identification: UInt16
  ) -> PacketBuilder {
    var packet = PacketBuilder().ethernet(source: mac(ends.0), destination: mac(ends.1))
    if let vlan { packet = packet.vlan(vlan) }
    if isVersion6 { return packet.ipv6(ipv6(ends.0), ipv6(ends.1)) }
    return packet.ipv4(ipv4(ends.0), ipv4(ends.1), id: identification, dontFragment: true)
  }
}

/// One TCP connection of the traffic, as an observer sees it.
private struct Connection: Sendable {
  private enum Phase { case opening, accepted, acknowledged, open, closing, closed, over }

  private let ends: (Int, Int)
  private let client: UInt16
  private let server: UInt16
  private let vlan: UInt16?
  private let isVersion6: Bool
  private var phase = Phase.opening
  private var sequences: (client: UInt32, server: UInt32)
  private var ticks: UInt32
  private var segmentsLeft: Int

  init(
    ends: (Int, Int), client: UInt16, server: UInt16, network vlan: UInt16?, isVersion6: Bool,
    random: inout SeededRandom
  ) {
    self.ends = ends
    self.client = client
    self.server = server
    self.vlan = vlan
    self.isVersion6 = isVersion6
    sequences = (UInt32.random(in: 0...UInt32.max, using: &random), UInt32.random(in: 0...UInt32.max, using: &random))
    ticks = UInt32.random(in: 0..<1 << 30, using: &random)
    segmentsLeft = Int.random(in: 2...20, using: &random)
  }

  var isOver: Bool { phase == .over }

  /// The next segment, in the order of the three-way handshake, data and acknowledgments, and the close.
  mutating func next(identification: UInt16, carriesHTTP: Bool, random: inout SeededRandom) -> PacketBuilder {
    ticks &+= 1
    switch phase {
    case .opening:
      phase = .accepted
      defer { sequences.client &+= 1 }
      return segment(fromClient: true, .syn, [], identification)
    case .accepted:
      phase = .acknowledged
      defer { sequences.server &+= 1 }
      return segment(fromClient: false, [.syn, .ack], [], identification)
    case .acknowledged:
      phase = .open
      return segment(fromClient: true, .ack, [], identification)
    case .open:
      segmentsLeft -= 1
      if segmentsLeft == 0 { phase = .closing }
      return data(identification, carriesHTTP, &random)
    case .closing:
      if Int.random(in: 0..<10, using: &random) == 0 {
        phase = .over
        return segment(fromClient: true, [.rst, .ack], [], identification)
      }
      phase = .closed
      defer { sequences.client &+= 1 }
      return segment(fromClient: true, [.fin, .ack], [], identification)
    case .closed, .over:
      phase = .over
      defer { sequences.server &+= 1 }
      return segment(fromClient: false, [.fin, .ack], [], identification)
    }
  }

  private mutating func data(
    _ identification: UInt16, _ carriesHTTP: Bool, _ random: inout SeededRandom
  ) -> PacketBuilder {
    let fromClient = Bool.random(using: &random)
    guard server != 80 || carriesHTTP, Int.random(in: 0..<3, using: &random) > 0 else {
      return segment(fromClient: fromClient, .ack, [], identification)
    }
    // The first byte is not a letter, so that no program mistakes the payload for a line of text.
    let payload =
      server == 80
      ? ApplicationTraffic.http(isRequest: fromClient, &random)
      : [0x80] + random.octets(Int.random(in: 0..<1400, using: &random))
    let packet = segment(fromClient: fromClient, [.psh, .ack], payload, identification)
    if fromClient {
      sequences.client &+= UInt32(payload.count)
    } else {
      sequences.server &+= UInt32(payload.count)
    }
    return packet
  }

  private func segment(
    fromClient: Bool, _ flags: TCPFlags, _ payload: [UInt8], _ identification: UInt16
  ) -> PacketBuilder {
    let ends = fromClient ? ends : (ends.1, ends.0)
    let ports = fromClient ? (client, server) : (server, client)
    let sequence = fromClient ? sequences.client : sequences.server
    let acknowledgment = fromClient ? sequences.server : sequences.client
    let echo: UInt32 = flags == .syn ? 0 : ticks &- 1
    let times = (octets(of: ticks) + octets(of: echo))
    let options: [UInt8] =
      flags.contains(.syn)
      ? [2, 4, 5, 180, 4, 2, 8, 10] + times + [1, 3, 3, 7]  // MSS 1460, SACK permitted, time stamps, window scale
      : [1, 1, 8, 10] + times
    return SyntheticCapture.network(vlan, ends, isVersion6: isVersion6, identification: identification)
      .tcp(
        ports.0, ports.1, flags: flags, sequence: sequence, acknowledgment: flags.contains(.ack) ? acknowledgment : 0,
        options: options
      ).payload(payload)
  }

  private func octets(of word: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
  }
}
