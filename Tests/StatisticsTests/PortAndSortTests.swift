import Dissect
import PacketCore
import TestSupport
import Testing

@testable import Statistics

/// Ports, packets from an endpoint to itself, and the order of rows.
struct PortAndSortTests {
  private func statistics(_ settings: StatisticsSettings, _ packets: [(octets: [UInt8], len: Int, second: Int64)])
    -> Statistics
  {
    var statistics = Statistics(settings)
    for packet in packets {
      statistics.add(
        Packet(
          bytes: PacketBytes(unsafe packet.octets.span.bytes, length: packet.len),
          timestamp: Timestamp(seconds: packet.second, nanoseconds: 0), linkType: .ethernet))
    }
    return statistics
  }

  private static func tcp(_ source: IPv4Address, _ from: UInt16, _ destination: IPv4Address, _ to: UInt16) -> [UInt8] {
    PacketBuilder().ethernet().ipv4(source, destination).tcp(from, to).octets
  }

  private static func settings(_ kinds: [StatisticsKind], sort: StatisticsSort? = nil) -> StatisticsSettings {
    var options = PrintOptions()
    options.numeric = 1
    var settings = StatisticsSettings(kinds, printing: options)
    settings.sort = sort
    return settings
  }

  // MARK: Ports

  private static let mixed = [
    (tcp("192.0.2.1", 40000, "192.0.2.2", 80), 100, Int64(1)), (tcp("192.0.2.2", 80, "192.0.2.1", 40000), 1000, 2),
    (tcp("192.0.2.3", 40001, "192.0.2.2", 80), 70, 3),
    (PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(53, 80).octets, 60, 4),
    (PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(53, 53).octets, 50, 5),
    (PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").icmp().octets, 98, 6),
  ]

  /// Rows are per transport and port. Each packet counts for its two ports, once if both are the same; of equal rows, the service port
  /// comes first.
  @Test func portsOfTransports() throws {
    let statistics = statistics(Self.settings([.ports]), Self.mixed)
    let report = try Report(statistics)
    let rows = try report.rows("ports")
    #expect(
      rows.map { "\($0["protocol"] ?? "") \($0["port"] ?? "")" } == [
        "tcp 80", "tcp 40000", "udp 53", "tcp 40001", "udp 80",
      ])
    #expect(try Report.tally(rows[0]["sent"]) == Tally(packets: 1, octets: 1000))
    #expect(try Report.tally(rows[0]["received"]) == Tally(packets: 2, octets: 170))
    #expect(try Report.tally(rows[2]["total"]) == Tally(packets: 2, octets: 110))
    #expect(try Report.tally(report.section("ports")["without_ports"]) == Tally(packets: 1, octets: 98))
    let text = statistics.tables()
    #expect(
      text.contains("\nprotocol     port  packets  bytes  sent packets  bytes  received packets  bytes\n"), "\(text)"
    )
    #expect(
      text.contains("\ntcp            80        3   1170             1   1000                 2    170\n"), "\(text)"
    )
    #expect(text.hasSuffix("\n(no ports)               1     98\n"), "\(text)")
  }

  /// Service names are next to the numbers, unless `-n` is given.
  @Test func servicesHaveNames() {
    var settings = Self.settings([.ports])
    settings.printing.numeric = 0
    let text = statistics(settings, Self.mixed).tables()
    #expect(text.contains("\ntcp            80  http ") && text.contains("\ntcp         40001           "), "\(text)")
  }

  // MARK: To oneself

  /// On a loopback interface a packet counts once for its endpoint, and the sum over all rows is still right.
  @Test(arguments: [1, 20]) func packetsToOneself(_ top: Int) throws {
    var settings = Self.settings([.endpoints, .conversations])
    settings.top = top
    let statistics = statistics(
      settings,
      [
        (Self.tcp("127.0.0.1", 40000, "127.0.0.1", 80), 100, 1), (Self.tcp("127.0.0.1", 80, "127.0.0.1", 40000), 60, 2),
        (Self.tcp("127.0.0.1", 40000, "127.0.0.2", 80), 54, 3),
      ])
    let text = statistics.tables()
    #expect(text.contains("\n127.0.0.1        3    214             3    214                 2    160\n"), "\(text)")
    #expect(text.contains(top == 1 ? "\n(1 more)         1     54\n" : "\n127.0.0.2        1     54 "), "\(text)")
    let row = try #require(try Report(statistics).rows("endpoints").first)
    #expect(try Report.tally(row["total"]) == Tally(packets: 3, octets: 214))
    #expect(try Report.tally(row["sent"]) == Tally(packets: 3, octets: 214))
    #expect(try Report.tally(row["received"]) == Tally(packets: 2, octets: 160))
    let conversation = try #require(try Report(statistics).rows("conversations").first)
    #expect(try Report.tally(conversation["a_to_b"]).packets == 1 && Report.tally(conversation["b_to_a"]).packets == 1)
  }

  // MARK: Order

  private static let ordered = [
    (tcp("192.0.2.9", 1, "192.0.2.2", 2), 1000, Int64(10)), (tcp("192.0.2.9", 1, "192.0.2.2", 2), 1000, 60),
    (tcp("192.0.2.1", 5, "192.0.2.2", 2), 500, 5), (tcp("192.0.2.1", 5, "192.0.2.2", 2), 500, 6),
    (tcp("192.0.2.1", 5, "192.0.2.2", 2), 60, 7), (tcp("192.0.2.1", 3, "192.0.2.2", 2), 3000, 8),
  ]

  @Test(
    arguments: [
      (nil, [3, 1, 5]), (.bytes, [3, 1, 5]), (.packets, [5, 1, 3]), (.name, [3, 5, 1]), (.start, [5, 3, 1]),
      (.duration, [1, 5, 3]), (.rate, [5, 1, 3]),
    ] as [(StatisticsSort?, [Int])])
  func conversationsAreSorted(_ key: StatisticsSort?, _ ports: [Int]) throws {
    let statistics = statistics(Self.settings([.conversations], sort: key), Self.ordered)
    let rows = try Report(statistics).rows("conversations")
    #expect(rows.map { ($0["a"] as? Report.Object)?["port"] as? Int } == ports)
    // A limited table has the same first rows.
    let counting = statistics.conversations
    let conversations = try #require(counting)
    let all = conversations.rows(.max, by: key ?? .bytes)
    for count in 0..<3 { #expect(conversations.rows(count, by: key ?? .bytes) == Array(all.prefix(count))) }
  }

  @Test(
    arguments: [
      (nil, ["192.0.2.2", "192.0.2.1", "192.0.2.9"]), (.packets, ["192.0.2.2", "192.0.2.1", "192.0.2.9"]),
      (.name, ["192.0.2.1", "192.0.2.2", "192.0.2.9"]), (.start, ["192.0.2.2", "192.0.2.1", "192.0.2.9"]),
    ] as [(StatisticsSort?, [String])])
  func endpointsAreSorted(_ key: StatisticsSort?, _ addresses: [String]) throws {
    let rows = try Report(statistics(Self.settings([.endpoints], sort: key), Self.ordered)).rows("endpoints")
    #expect(rows.map { $0["address"] as? String } == addresses)
  }

  @Test(
    arguments: [
      (nil, ["tcp", "udp", "icmp"]), (.packets, ["tcp", "udp", "icmp"]), (.bytes, ["tcp", "udp", "icmp"]),
      (.name, ["icmp", "tcp", "udp"]),
    ] as [(StatisticsSort?, [String])])
  func theTreeIsSorted(_ key: StatisticsSort?, _ names: [String]) throws {
    let lines = statistics(Self.settings([.protocols], sort: key), Self.mixed).tables().split(separator: "\n")
    let inside = lines.compactMap { $0.wholeMatch(of: #/ {4}([a-z]+) .*/#)?.1 }.map(String.init)
    #expect(inside == names, "\(lines)")
  }

  // MARK: Rates

  /// Each row shows its rate since the snapshot; a row that is new since then counts from zero.
  @Test func ratesSinceASnapshot() throws {
    var counted = statistics(Self.settings([.endpoints]), Array(Self.ordered.prefix(2)))
    let style = TableStyle(width: 200)
    #expect(!counted.tables(style, secondsSinceSnapshot: 2).contains("now "))
    counted.takeSnapshot()
    for (octets, len, second) in Self.ordered.dropFirst(2) {
      counted.add(
        Packet(
          bytes: PacketBytes(unsafe octets.span.bytes, length: len),
          timestamp: Timestamp(seconds: second, nanoseconds: 0),
          linkType: .ethernet))
    }
    let text = counted.tables(style, secondsSinceSnapshot: 2)
    #expect(text.contains("\nnow 2.0 packets/s, 16.2 kbit/s\n"), "\(text)")
    // No packet is later than those of the snapshot, so the clock gives the elapsed time.
    #expect(
      counted.tables(style, secondsSinceSnapshot: 4, byPacketTimes: true).contains("\nnow 1.0 packets/s, 8.1 kbit/s\n"))
    let rows = text.split(separator: "\n").map { $0.split(separator: " ").prefix(7).joined(separator: " ") }
    #expect(rows.contains { $0.hasPrefix("192.0.2.2 6 6.1 kB 2.0 16.2") }, "\(rows)")
    #expect(rows.contains { $0.hasPrefix("192.0.2.9 2 2.0 kB 0.0 0 bit/s") }, "\(rows)")
    #expect(rows.contains { $0.hasPrefix("192.0.2.1 4 4.1 kB 2.0 16.2") }, "\(rows)")
  }
}
