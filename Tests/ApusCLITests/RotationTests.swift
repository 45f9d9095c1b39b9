import Foundation
import PacketCore
import TestSupport
import Testing

private let http = Fixture.capture("http.pcap")

/// File rotation, and what ends a capture, on the command line.
@Suite(.waits) struct RotationTests {
  @Test(arguments: [
    (["-C", "1"], "-C requires -w"),
    (["-a", "files:2"], "-a with files: and filesize: requires -w"),
    (["-C", "1", "-w", "-"], "standard output cannot be rotated"),
    (["-C", "x", "-w", "/dev/null"], "invalid file size x"),
    (["-C", "1q", "-w", "/dev/null"], "invalid file size 1q"),
    (["-G", "0", "-w", "/dev/null"], "invalid rotation interval 0"),
    (["-W", "3", "-w", "/dev/null"], "-W requires -C or -G"),
    (["-z", "gzip", "-w", "/dev/null"], "-z requires -C or -G"),
    (
      ["-a", "days:3"],
      "invalid condition days:3: use duration:, filesize:, files: or packets: with a number, or a duration with its unit (90s, 1h30m)"
    ),
    (
      ["-a", "duration"],
      "invalid condition duration: use duration:, filesize:, files: or packets: with a number, or a duration with its unit (90s, 1h30m)"
    ),
    (["-a", "packets:0"], "invalid packets to end after 0"),
  ])
  func whatMeansNothingIsRefused(_ arguments: [String], _ message: String) throws {
    let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", http] + arguments)
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("apus: \(message)") && outcome.errors.split(separator: "\n").count == 1)
  }

  @Test func everyPacketIsInOneFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    let outcome = try Subprocess.apus("-r", http, "-w", folder + "/f.pcapng", "-C", "1k")
    #expect(outcome.status == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names.count > 2 && !names.contains { $0.hasSuffix(".part") })
    let counts = try names.map { try Libpcap.read(folder + "/" + $0).packets.count }
    #expect(try counts.reduce(0, +) == Libpcap.read(http).packets.count)
  }

  @Test func conditionsEndIt() throws {
    #expect(try Subprocess.apus("--count", "-a", "packets:3", "-c", "5", "-r", http).output == "3 packets\n")
    #expect(try Subprocess.apus("--count", "-a", "packets:5", "-c", "3", "-r", http).output == "3 packets\n")
    let arp = Fixture.capture("arp.pcap")
    let times = try Libpcap.read(arp).packets.map(\.timestamp.seconds)
    let first = try #require(times.first)
    let within = times.prefix { $0 <= first + 1 }.count
    let counted = try Subprocess.apus("--count", "-a", "duration:1", "-r", arp).output
    let number = try #require(Int(counted.prefix { $0 != " " }))
    #expect(number >= 1 && number <= within)
  }

  @Test(arguments: ["1k", "1KiB", "1024b", "1K"]) func units(_ size: String) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    try #expect(Subprocess.apus("-r", http, "-w", folder + "/f", "-C", size).status == 0)
    let first = try #require(FileManager.default.contents(atPath: folder + "/f")?.count)
    let records = try Libpcap.read(folder + "/f1").packets.count
    // A file is full once it has more than this number of bytes; the next packet goes to the next file.
    let last = try #require(Libpcap.read(folder + "/f").packets.last)
    #expect(first > 1024 && first - last.octets.count - 16 <= 1024 && records > 0)
  }

  /// Daily files follow the local clock, even when a day has 23 hours.
  @Test func daysOfTheLocalClock() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    // One packet per hour, starting at 00:30 on the day before daylight saving time begins.
    let packets = (0..<71).map {
      SavedPacket(octets: [1, 2], timestamp: Timestamp(seconds: 1_743_204_600 + Int64($0) * 3600, nanoseconds: 0))
    }
    let input = folder + "/in"
    try PcapFormat().file(SavedCapture(linkType: .ethernet, packets: packets)).write(to: URL(fileURLWithPath: input))
    let outcome = try Subprocess.apus(
      "-r", input, "-w", folder + "/%F", "-G", "86400", environment: ["TZ": "CET-1CEST,M3.5.0,M10.5.0/3"])
    #expect(outcome.status == 0)
    let counts = try ["2025-03-29", "2025-03-30", "2025-03-31"].map {
      try Libpcap.read(folder + "/" + $0).packets.count
    }
    #expect(counts == [24, 23, 24])
  }

  /// A copy has its source's timestamps, including nanoseconds, unless another resolution is requested.
  @Test func nanosecondsStay() throws {
    let file = PcapFormat(nanoseconds: true).file(
      SavedCapture(
        linkType: .ethernet,
        packets: [SavedPacket(octets: [1], timestamp: Timestamp(seconds: 5, nanoseconds: 123_456_789))]))
    let input = try Subprocess.temporaryFile(file)
    let output = try Subprocess.temporaryFile()
    defer { for path in [input, output] { Subprocess.remove(path) } }
    try #expect(Subprocess.apus("-r", input, "-w", output).status == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == file)
    try #expect(Subprocess.apus("-r", input, "-w", output, "--micro").status == 0)
    #expect(try Libpcap.read(output).packets.first?.timestamp.nanoseconds == 123_456_000)
  }

  @Test func compression() throws {
    let output = try Subprocess.temporaryFile(suffix: ".pcap")
    defer { Subprocess.remove(output) }
    try #expect(Subprocess.apus("-r", http, "-w", output, "--compress", "gzip").status == 0)
    let magic = try Data(contentsOf: URL(fileURLWithPath: output)).prefix(2)
    #expect(Array(magic) == [0x1f, 0x8b])
    let refused = try Subprocess.apus("-r", http, "-w", output, "--compress", "rar")
    #expect(refused.errors == "apus: unknown compression 'rar': use gzip, zstd or none\n")
    #expect(try Subprocess.apus("-r", http, "--compress", "gzip").status == 1)
    try #expect(Subprocess.apus("-r", http, "-w", output, "--sync").status == 0)
    #expect(try Libpcap.read(output).packets.count == Libpcap.read(http).packets.count)
  }
}
