import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

private let packet = [UInt8](0..<61)

/// Statistics of packets with unusual timestamps.
@Suite struct StatisticsTimesTests {
  private static func run(_ octets: [UInt8], _ arguments: [String]) throws -> Outcome {
    let path = try temporaryFile(octets)
    defer { Subprocess.remove(path) }
    return try Subprocess.run(Subprocess.apusPath(), ["-r", path] + arguments, environment: ["TZ": "UTC"])
  }

  /// Timestamps that do not fit into 64 bits of nanoseconds, timestamps before 1970, and packets without one.
  @Test func statisticsOfAnyTime() throws {
    var file = PcapNGFile().section().interface(options: [(9, [0])]).interface(options: [
      (9, [0]), (14, [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
    ])
    file = file.enhanced(packet, ticks: 20_000_000_000).enhanced(packet, ticks: 20_000_000_003)
    let text = try Self.run(file.octets.bytes, ["-nn", "--stats", "all"])
    #expect(text.status == 0 && !text.output.contains("overflow"), "\(text.output)")
    #expect(
      text.output.hasPrefix(
        "2 packets, 122 bytes, 3.000000 s from 2603-10-11 11:33:20.000000 to 2603-10-11 11:33:23.000000\n"))
    #expect(text.output.contains("\n2603-10-11 11:33:20.000000 "))
    // 4294967296 s before 1970.
    let early = file.enhanced(packet, interface: 1, ticks: 5)
    let old = try Self.run(early.octets.bytes, ["-nn", "--stats", "rate,1d"])
    #expect(old.output.contains(" from 1833-11-24 17:31:49.000000 to 2603-10-11 11:33:23.000000\n"), "\(old.output)")
    #expect(!old.output.contains("overflow") && old.output.contains("\n1833-11-24 00:00:00.000000 "))
    let json = try Self.run(early.octets.bytes, ["--stats", "rate,1d,json"])
    #expect(json.output.contains(#""first":-4294967291.000000000,"last":20000000003.000000000"#))
  }

  @Test func statisticsOfPacketsWithoutATime() throws {
    let file = PcapNGFile().section().interface().simple(packet).enhanced(packet, ticks: 1_700_000_000_000_000)
      .enhanced(packet, ticks: 1_700_000_002_000_000)
    let text = try Self.run(file.octets.bytes, ["-nn", "--stats", "conversations,rate,1s"])
    #expect(
      text.output.hasPrefix("3 packets, 183 bytes, 2.000000 s from 2023-11-14 22:13:20.000000 to "), "\(text.output)")
    #expect(text.output.contains("\n(no time) ") && text.output.contains("per 1 s: mean 0.7 packets"))
    let json = try Self.run(file.octets.bytes, ["--stats", "rate,1s,json"])
    #expect(
      json.output.contains(#""first":1700000000.000000000"#) && json.output.contains(#""without_time":{"packets":1,"#))
    // If no packet has a timestamp, the output mentions none.
    let none = try Self.run(PcapNGFile().section().interface().simple(packet).octets.bytes, ["--stats", "all"])
    #expect(none.status == 0 && none.output.hasPrefix("1 packet, 61 bytes\n"), "\(none.output)")
  }
}
