import Dissect
import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

@testable import Statistics
import Protocols

/// The report of the statistics, as the members of its JSON object.
struct Report {
  typealias Object = [String: Any]
  let object: Object

  /// The schema, as apus prints it.
  private static let schema = Result {
    var text = TextBuffer()
    StatisticsSchema.write(to: &text)
    return try JSONSchema(try JSONValue(Data(text.string.utf8)))
  }

  init(_ statistics: borrowing Statistics) throws {
    let text = statistics.json(at: Timestamp(seconds: 7, nanoseconds: 5))
    try Self.schema.get().validate(try JSONValue(Data(text.utf8)))
    object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Object)
    #expect(text.hasSuffix("}\n") && text.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
  }

  static func tally(_ value: Any?) throws -> Tally {
    let object = try #require(value as? Object)
    let packets = try #require(object["packets"] as? Int)
    return Tally(packets: UInt64(packets), octets: UInt64(try #require(object["octets"] as? Int)))
  }

  static func sum(_ values: Any?) throws -> Tally {
    try #require(values as? [Object]).reduce(Tally()) { $0 + (try tally($1)) }
  }

  func section(_ name: String) throws -> Object { try #require(object[name] as? Object) }
  func rows(_ name: String) throws -> [Object] { try #require(section(name)["rows"] as? [Object]) }

  /// For every kind of statistics, the rows and the rest add up to all packets. Among endpoints and ports a packet counts for its source
  /// and for its destination, or once if they are the same, as for the packets of `toSelf`.
  func addsUp(_ total: Tally, _ toSelf: (addresses: Tally, ports: Tally), _ place: String) throws {
    #expect(object["version"] as? Int == 1, "\(place)")
    #expect(try Self.tally(object) == total, "\(place)")
    let protocols = try section("protocols")
    #expect(try Self.sum(protocols["tree"]) + Self.tally(protocols["unknown"]) == total, "\(place)")
    try checkTree(protocols["tree"], total, place)
    var conversations = try Self.tally(section("conversations")["others"])
    for row in try rows("conversations") {
      conversations += try Self.tally(row["a_to_b"]) + Self.tally(row["b_to_a"])
    }
    #expect(conversations == total, "\(place)")
    try checkBothWays("endpoints", total, toSelf.addresses, place)
    try checkBothWays("ports", total - Self.tally(section("ports")["without_ports"]), toSelf.ports, place)
    #expect(try Self.sum(section("sizes")["rows"]) == total, "\(place)")
    #expect(try Self.sum(section("rate")["rows"]) + Self.tally(section("rate")["others"]) == total, "\(place)")
  }

  private func checkBothWays(_ name: String, _ total: Tally, _ toSelf: Tally, _ place: String) throws {
    let section = try section(name)
    let (sent, received) = (Self.sum(try rows(name), "sent"), Self.sum(try rows(name), "received"))
    let sum = try Self.sum(try rows(name), "total") + Self.tally(section["others"])
    #expect(sum + toSelf == total + total, "\(name), \(place)")
    if section["is_complete"] as? Bool == true { #expect(sent == total && received == total, "\(name), \(place)") }
  }

  private static func sum(_ rows: [Object], _ member: String) -> Tally {
    rows.reduce(Tally()) { $0 + ((try? tally($1[member])) ?? Tally()) }
  }

  /// The headers inside a header have no more packets and bytes than the header itself.
  private func checkTree(_ value: Any?, _ around: Tally, _ place: String) throws {
    let nodes = try #require(value as? [Object])
    let sum = try Self.sum(nodes)
    #expect(sum.packets <= around.packets && sum.octets <= around.octets, "\(place)")
    for node in nodes { try checkTree(node["inside"], Self.tally(node), place) }
  }
}

extension Statistics {
  /// Packets from an address or a port to the same one.
  fileprivate var toSelf: (addresses: Tally, ports: Tally) {
    (endpoints?.toSelf ?? Tally(), ports?.toSelf ?? Tally())
  }
}

/// The schema in the fixtures is what `apus --stats-schema` prints.
@Test func statisticsSchemaIsInTheFixtures() throws {
  var text = TextBuffer()
  StatisticsSchema.write(to: &text)
  let file = Fixture.folder.appendingPathComponent("schema/statistics.schema.json")
  #expect(text.string == String(decoding: try Data(contentsOf: file), as: UTF8.self))
}

/// Counts the packets of a savefile, as far as it can be read; returns their number and bytes, counted independently.
private func count(_ path: String, _ statistics: inout Statistics) -> Tally? {
  guard var reader = try? SavefileReader(path: path, ReadingOptions()) else { return nil }
  var total = Tally()
  do {
    while let packet = try reader.next() {
      total.packets += 1
      total.octets += UInt64(packet.len)
      statistics.add(packet)
    }
  } catch {
    // The reader's tests check errors at the end of a file.
  }
  return total
}

private func add(
  _ octets: [UInt8], len: Int? = nil, at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0),
  to statistics: inout Statistics
) {
  statistics.add(
    Packet(
      bytes: PacketBytes(unsafe octets.span.bytes, length: len ?? octets.count), timestamp: time, linkType: .ethernet))
}

struct StatisticsTests {
  @Test(arguments: Fixture.all)
  func everyFixtureAddsUp(_ name: String) throws {
    var statistics = Statistics(StatisticsSettings(StatisticsKind.allCases))
    let total = try #require(count(Fixture.capture(name), &statistics))
    #expect(total.packets > 0)
    try Report(statistics).addsUp(total, statistics.toSelf, name)
  }

  /// Conversations have ports if the transport's header begins with ports, whether or not apus can print that transport.
  @Test(arguments: [6, 17, 33, 132, 136] as [UInt8])
  func conversationsHavePorts(_ number: UInt8) throws {
    var statistics = Statistics(StatisticsSettings([.conversations]))
    let payload: [UInt8] = [0x1b, 0x59, 0x1b, 0x58, 0, 20, 0, 0] + [UInt8](repeating: 0, count: 24)
    add(
      PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2", proto: number).payload(payload).octets,
      to: &statistics)
    add(
      PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2").ipv6Options(proto: number).payload(payload).octets,
      to: &statistics)
    let rows = try Report(statistics).rows("conversations")
    #expect(rows.count == 2)
    for row in rows {
      let ports = ["a", "b"].map { (row[$0] as? [String: Any])?["port"] as? Int }
      #expect(Set(ports) == [7001, 7000], "\(row)")
    }
  }

  /// The same with so few rows that most packets get none.
  @Test(arguments: [1, 2, 3])
  func fewRowsAddUp(_ rows: Int) throws {
    var settings = StatisticsSettings(StatisticsKind.allCases)
    settings.maximumRows = rows
    settings.maximumProtocols = rows
    settings.interval = 1_000_000
    var statistics = Statistics(settings)
    var total = Tally()
    for name in Fixture.all { total += try #require(count(Fixture.capture(name), &statistics)) }
    let report = try Report(statistics)
    try report.addsUp(total, statistics.toSelf, "\(rows) rows")
    for name in ["protocols", "conversations", "endpoints", "ports", "rate"] {
      #expect(try report.section(name)["is_complete"] as? Bool == false, "\(name)")
    }
    #expect(try report.rows("conversations").count == rows)
    let tables = statistics.tables()
    #expect(tables.components(separatedBy: "the list is incomplete").count == 5)
    #expect(tables.contains("the table is limited to \(rows) rows: inner headers of "))
  }

  @Test(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
  func everyConformanceCaptureAddsUp() throws {
    let folder = try #require(SharedData.conformance)
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var captures = 0
    for case let file as URL in files where ["pcap", "pcapng", "cap", "dmp"].contains(file.pathExtension) {
      var statistics = Statistics(StatisticsSettings(StatisticsKind.allCases))
      guard let total = count(file.path, &statistics) else { continue }
      captures += 1
      try Report(statistics).addsUp(total, statistics.toSelf, file.lastPathComponent)
    }
    #expect(captures > 100)
  }

  /// Random bytes of any link type, hardly ever a valid packet: everything is counted, and the text is printable.
  @Test func randomPacketsAddUp() throws {
    var random = SeededRandom(seed: 6)
    var settings = StatisticsSettings(StatisticsKind.allCases)
    settings.maximumRows = 300
    settings.maximumProtocols = 20
    settings.top = .max
    var statistics = Statistics(settings)
    var total = Tally()
    for turn in 0..<5000 {
      var octets = random.octets(Int(random.next() % 200))
      if octets.count > 40, turn % 3 > 0 {
        // Often with a plausible beginning.
        octets.replaceSubrange(12..<16, with: turn % 3 == 1 ? [8, 0, 0x45, 0] : [0x86, 0xdd, 0x60, 0])
      }
      let len = turn % 7 == 0 ? Int(truncatingIfNeeded: random.next() % 70_000) : octets.count
      let time = Timestamp(
        seconds: Int64(truncatingIfNeeded: random.next()), nanoseconds: Int64(truncatingIfNeeded: random.next()))
      total.packets += 1
      total.octets += UInt64(len)
      statistics.add(
        Packet(
          bytes: PacketBytes(unsafe octets.span.bytes, length: len), timestamp: time,
          linkType: LinkType(rawValue: turn % 5 == 0 ? UInt32(random.next() % 300) : 1)))
    }
    try Report(statistics).addsUp(total, statistics.toSelf, "random")
    #expect(statistics.tables().utf8.allSatisfy { (0x20..<0x7f).contains($0) || $0 == 0x0a })
  }

  @Test func nothingIsReportedOfNothing() throws {
    let statistics = Statistics(StatisticsSettings(StatisticsKind.allCases))
    try Report(statistics).addsUp(Tally(), statistics.toSelf, "nothing")
    #expect(
      statistics.tables().hasPrefix("0 packets, 0 bytes\n\nprotocol  packets  %  bytes  %\n\nconversation  A  B  "))
  }

  // MARK: Conversations

  /// Both directions of a pair are one conversation; A is the one whose packet came first.
  @Test func directions() throws {
    var options = PrintOptions()
    options.numeric = 1
    var statistics = Statistics(StatisticsSettings([.conversations], printing: options))
    let there = PacketBuilder().ethernet().ipv4("192.0.2.9", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
    let back = PacketBuilder().ethernet().ipv4("192.0.2.2", "192.0.2.9").tcp(80, 40000, flags: .ack).octets
    let other = PacketBuilder().ethernet().ipv4("192.0.2.9", "192.0.2.2").udp(40000, 80).octets
    add(there, len: 100, at: Timestamp(seconds: 5, nanoseconds: 0), to: &statistics)
    add(back, len: 1000, at: Timestamp(seconds: 6, nanoseconds: 500_000_000), to: &statistics)
    add(there, len: 70, at: Timestamp(seconds: 4, nanoseconds: 0), to: &statistics)
    add(other, at: Timestamp(seconds: 9, nanoseconds: 0), to: &statistics)
    let rows = try Report(statistics).rows("conversations")
    #expect(rows.map { $0["protocol"] as? String } == ["tcp", "udp"])
    #expect(try Report.tally(rows[0]["a_to_b"]) == Tally(packets: 2, octets: 170))
    #expect(try Report.tally(rows[0]["b_to_a"]) == Tally(packets: 1, octets: 1000))
    #expect(rows[0]["first"] as? Double == 4 && rows[0]["last"] as? Double == 6.5)
    #expect((rows[0]["a"] as? Report.Object)?["address"] as? String == "192.0.2.9")
    #expect((rows[0]["a"] as? Report.Object)?["port"] as? Int == 40000)
    #expect(
      statistics.tables().contains(
        "tcp           192.0.2.9.40000  192.0.2.2.80        3   1170            2    170            1   1000  0.000000    2.500000\n"
      ), "\(statistics.tables())")
  }

  struct Outermost: Sendable, CustomTestStringConvertible {
    let capture: String
    /// The first words of the rows, without the numbers.
    let conversations: Set<String>
    var testDescription: String { capture }
  }

  /// The conversation of a tunneled packet is between the tunnel's endpoints, that of an ICMP error between its sender and receiver.
  /// Fragments without ports are counted under the protocol that they are part of, and packets other than IP between stations.
  @Test(arguments: [
    Outermost(capture: "gre.pcap", conversations: ["gre 203.0.113.1 203.0.113.2"]),
    Outermost(capture: "ipip.pcap", conversations: ["ipv4 203.0.113.1 203.0.113.2"]),
    Outermost(capture: "fragments.pcap", conversations: ["icmp 192.0.2.1 192.0.2.2"]),
  ])
  func theOutermostHeaderCounts(_ expected: Outermost) throws {
    var statistics = Statistics(StatisticsSettings([.conversations]))
    _ = try #require(count(Fixture.capture(expected.capture), &statistics))
    let rows = try Report(statistics).rows("conversations").map { row in
      let ends = ["a", "b"].map { name in
        let end = row[name] as? Report.Object ?? [:]
        return "\(end["address"] ?? "?")" + ((end["port"] as? Int).map { ".\($0)" } ?? "")
      }
      return "\(row["protocol"] ?? "?") \(ends.sorted().joined(separator: " "))"
    }
    #expect(Set(rows) == expected.conversations)
  }

  /// Only the first fragment has ports.
  @Test func laterFragmentsHaveNoPorts() throws {
    var statistics = Statistics(StatisticsSettings([.conversations]))
    var octets = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, 9).payload([1, 2, 3, 4]).octets
    octets[20] = 0x20
    add(octets, to: &statistics)
    octets[21] = 3
    add(octets, to: &statistics)
    let rows = try Report(statistics).rows("conversations")
    #expect(rows.map { $0["protocol"] as? String } == ["udp", "udp"])
    #expect(rows.map { ($0["a"] as? Report.Object)?["port"] as? Int } == [40000, nil])
  }

  // MARK: Sizes and rate

  @Test func sizeClasses() throws {
    var statistics = Statistics(StatisticsSettings([.sizes]))
    for length in [60, 63, 64, 127, 128, 1517, 1518, 9000, 65_000] {
      add([UInt8](repeating: 0, count: 20), len: length, to: &statistics)
    }
    let rows = try Report(statistics).rows("sizes")
    let packets = try rows.map { try Report.tally($0).packets }
    #expect(packets == [2, 2, 1, 0, 0, 1, 1, 0, 0, 1, 1])
    let text = statistics.tables()
    #expect(text.contains("\n0-63 ") && text.contains("\n1024-1517 ") && text.contains("\n16384+ "))
    #expect(text.hasSuffix("bytes: minimum 60, mean 8608.6, maximum 65000\n"))
  }

  /// Intervals of a given length start at its multiples, whatever the order of the packets.
  @Test(arguments: [1_000_000, 1_000_000_000, 60_000_000_000] as [Int64])
  func statedIntervals(_ interval: Int64) throws {
    var random = SeededRandom(seed: 7)
    var settings = StatisticsSettings([.rate])
    settings.interval = interval
    var statistics = Statistics(settings)
    var expected: [Int128: Tally] = [:]
    for _ in 0..<3000 {
      let time = Int64(truncatingIfNeeded: random.next() % 300_000_000_000) - 100_000_000_000
      let length = Int(random.next() % 1400) + 60
      add([UInt8](repeating: 0, count: 20), len: length, at: Timestamp(sinceEpoch: Int128(time)), to: &statistics)
      let number = Int128((Double(time) / Double(interval)).rounded(.down))
      expected[number, default: Tally()].add(UInt64(length))
    }
    let counting = statistics.rate
    let rate = try #require(counting)
    let counted = Dictionary(uniqueKeysWithValues: rate.intervals.map { ($0.number, $0.tally) })
    #expect(rate.intervals.map(\.number) == expected.keys.sorted() && counted == expected)
  }

  /// With an automatic interval there are at most fifty rows, whatever the time between the packets, and every packet is in its interval.
  @Test(arguments: [0, 1, 1000, 1_000_000, 1_000_000_000, 3_600_000_000_000, 40_000_000_000_000] as [Int64])
  func automaticIntervals(_ step: Int64) throws {
    var statistics = Statistics(StatisticsSettings([.rate]))
    let times = (0..<9000).map { Int64(1_700_000_000_000_000_000) + Int64($0) * step }
    for time in times {
      add([UInt8](repeating: 0, count: 20), at: Timestamp(sinceEpoch: Int128(time)), to: &statistics)
    }
    let counting = statistics.rate
    let rate = try #require(counting).presentable(statistics.times)
    #expect(rate.intervals.count <= 51 && rate.others == Tally())
    let expected = Dictionary(grouping: times) { Int128($0 / rate.interval) }.mapValues { UInt64($0.count) }
    #expect(Dictionary(uniqueKeysWithValues: rate.intervals.map { ($0.number, $0.tally.packets) }) == expected)
  }

  // MARK: Names

  /// Tables have the same host and service names as the text of packets; JSON never has names.
  @Test func namesAreThoseOfTheText() {
    let packet = PacketBuilder().ethernet().ipv4("127.0.0.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
    for numeric in [0, 1] {
      var options = PrintOptions()
      options.numeric = numeric
      var statistics = Statistics(StatisticsSettings([.conversations], printing: options))
      add(packet, to: &statistics)
      #expect(statistics.tables().contains(".80 ") == (numeric == 1))
      #expect(statistics.tables().contains(".http ") == (numeric == 0))
      #expect(statistics.json(at: Timestamp(seconds: 0, nanoseconds: 0)).contains(#""address":"127.0.0.1""#))
    }
  }

  /// Bars appear only in tables for a terminal that is wide enough.
  @Test func bars() {
    var statistics = Statistics(StatisticsSettings([.sizes]))
    for length in [60, 60, 60, 100] { add([UInt8](repeating: 0, count: 20), len: length, to: &statistics) }
    #expect(!statistics.tables().contains("#"))
    #expect(!statistics.tables(TableStyle(width: 40)).contains("#"))
    let bars = statistics.tables(TableStyle(width: 80)).split(separator: "\n").map { $0.count { $0 == "#" } }
    #expect(bars.filter { $0 > 0 } == [30, 10])
    #expect(
      statistics.tables(TableStyle(width: 80)).split(separator: "\n").allSatisfy { !$0.contains("#") || $0.count <= 80 }
    )
    #expect(
      statistics.tables(TableStyle(width: 80, hasBlocks: true)).contains(String(repeating: "\u{2588}", count: 30)))
  }
}
