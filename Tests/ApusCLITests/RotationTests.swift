import Foundation
import PacketCore
import TestSupport
import Testing

private let http = Fixture.capture("http.pcap")

/// Files that follow one another, and what ends a capture, from the command line.
@Suite struct RotationTests {
  @Test(arguments: [
    (["-C", "1"], "-C, -G, -W, -z and -a with files are about the file of -w, which is missing"),
    (["-C", "1", "-w", "-"], "standard output cannot be rotated"),
    (["-C", "x", "-w", "/dev/null"], "invalid file size x"),
    (["-C", "1q", "-w", "/dev/null"], "invalid file size 1q"),
    (["-G", "0", "-w", "/dev/null"], "invalid rotation interval 0"),
    (["-W", "3", "-w", "/dev/null"], "-W needs -C or -G"),
    (["-z", "gzip", "-w", "/dev/null"], "-z needs -C or -G"),
    (
      ["-a", "days:3"],
      "invalid condition days:3: duration:, filesize:, files: and packets: are possible, with a number"
    ),
    (
      ["-a", "duration"],
      "invalid condition duration: duration:, filesize:, files: and packets: are possible, with a number"
    ),
    (["-a", "packets:0"], "invalid packets to end after 0"),
  ])
  func whatMeansNothingIsRefused(_ arguments: [String], _ message: String) throws {
    let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", http] + arguments)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "apus: \(message)\n")
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
}
