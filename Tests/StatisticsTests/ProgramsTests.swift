import Dissect
import PacketCore
import TestSupport
import Testing

@testable import Statistics

/// Counts by program.
struct ProgramsTests {
  private static func owner(_ process: UInt32, _ name: String) -> ProcessOwner {
    ProcessOwner(
      process: process, thread: 0, user: nil, controlGroup: nil, name: ProcessName(name.utf8), evidence: .event)
  }

  private static func tcp(_ from: UInt16, _ to: UInt16) -> [UInt8] {
    PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(from, to).octets
  }

  private static let answer = PacketBuilder().ethernet().ipv4("192.0.2.2", "192.0.2.1").tcp(80, 40000).octets
  private static let icmp = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").icmp().octets
  private static let server = owner(10, "server")

  /// Two connections of curl, one connection within the server, a process without a name, and packets of no known process.
  private static let mixed: [(octets: [UInt8], len: Int, processes: PacketProcesses)] = [
    (tcp(40000, 80), 100, PacketProcesses(sender: owner(1, "curl"), receiver: server)),
    (answer, 1000, PacketProcesses(sender: server, receiver: owner(1, "curl"))),
    (tcp(40001, 80), 70, PacketProcesses(sender: owner(2, "curl"), receiver: owner(11, "server"))),
    (tcp(80, 81), 60, PacketProcesses(sender: server, receiver: owner(12, "server"))),
    (icmp, 98, PacketProcesses(sender: owner(7, ""))),
    (tcp(1, 2), 50, PacketProcesses()), (tcp(1, 2), 50, PacketProcesses()),
  ]

  private static func statistics(_ sort: StatisticsSort? = nil, limit: Int? = nil, top: Int? = nil) -> Statistics {
    var settings = StatisticsSettings([.processes])
    settings.sort = sort
    settings.top = top
    if let limit { settings.maximumRows = limit }
    var statistics = Statistics(settings)
    for packet in mixed {
      statistics.add(
        Packet(
          bytes: PacketBytes(unsafe packet.octets.span.bytes, length: packet.len),
          timestamp: Timestamp(seconds: 1, nanoseconds: 0), linkType: .ethernet), packet.processes)
    }
    return statistics
  }

  @Test func countBothEnds() throws {
    let report = try Report(Self.statistics())
    let rows = try report.rows("processes")
    #expect(rows.map { "\($0["comm"] ?? $0["pid"] ?? "")" } == ["server", "curl", "7"])
    #expect(rows.map { "\($0["connections"] ?? "")" } == ["3", "2", "0"])
    #expect(try Report.tally(rows[0]["sent"]) == Tally(packets: 2, octets: 1060))
    #expect(try Report.tally(rows[0]["received"]) == Tally(packets: 3, octets: 230))
    // The packet to itself counts once.
    #expect(try Report.tally(rows[0]["total"]) == Tally(packets: 4, octets: 1230))
    #expect(try Report.tally(report.section("processes")["unknown"]) == Tally(packets: 2, octets: 100))
  }

  @Test func tables() {
    let text = Self.statistics(.connections).tables()
    #expect(
      text.hasSuffix(
        """

        program    connections  packets  bytes  sent packets  bytes  received packets  bytes
        server               3        4   1230             2   1060                 3    230
        curl                 2        3   1170             2    170                 1   1000
        pid 7                0        1     98             1     98                 0      0
        (unknown)                     2    100

        """), "\(text)")
  }

  @Test func sorted() throws {
    for (sort, names) in [
      (StatisticsSort.name, ["7", "curl", "server"]), (.packets, ["server", "curl", "7"]),
      (.connections, ["server", "curl", "7"]),
    ] {
      let rows = try Report(Self.statistics(sort)).rows("processes")
      #expect(rows.map { "\($0["comm"] ?? $0["pid"] ?? "")" } == names, "\(sort)")
    }
  }

  /// The rows, the rows that are not shown and the packets for which there was no room add up.
  @Test func limits() throws {
    let section = try Report(Self.statistics(limit: 2, top: 1)).section("processes")
    #expect(section["count"] as? Int == 2 && section["is_complete"] as? Bool == false)
    #expect(try Report.tally(section["more"]) == Tally(packets: 3, octets: 1170))
    #expect(try Report.tally(section["others"]) == Tally(packets: 1, octets: 98))
    #expect(section["counts_all_connections"] as? Bool == false)
  }
}
