import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

private let packet = [UInt8](0..<61)

/// The time limits of a reading, and the messages about the times in the file.
@Suite struct TimesTests {
  /// 100 packets, ten seconds apart, from 2023-11-14 22:13:20 UTC to 22:29:50.
  private static let file = (0..<100).reduce(into: PcapFile()) { file, number in
    file.add(packet, seconds: 1_700_000_000 + UInt32(number) * 10, fraction: 250_000)
  }.octets.bytes

  private static func run(_ octets: [UInt8], _ arguments: [String], _ zone: String = "UTC") throws -> Outcome {
    let path = try temporaryFile(octets)
    defer { Subprocess.remove(path) }
    return try Subprocess.run(Subprocess.apusPath(), ["-r", path] + arguments, environment: ["TZ": zone])
  }

  @Test(arguments: [("5m", 31), ("0.5s", 1), ("10s", 2), ("10", 2), ("1h", 100), ("9999d", 100)])
  func theLastOfAFile(_ duration: String, _ count: Int) throws {
    let outcome = try Self.run(Self.file, ["--count", "--last", duration])
    #expect(
      outcome.status == 0
        && outcome.output
          == "\(count) packets\n".replacing("1 packets\n", with: count == 1 ? "1 packet\n" : "1 packets\n"),
      "\(outcome)")
    // In a truncated file, `--last` counts back from the last whole packet, which is found by reading the whole file.
    let cut = try Self.run(Self.file.dropLast(5), ["--count", "--last", duration])
    #expect(cut.status == 1 && cut.output.hasPrefix("\(min(count, 99)) packet"))
  }

  @Test func theLastOfSeveralFiles() throws {
    let paths = try [Self.file, PcapFile().adding(packet, seconds: 1_700_001_000, fraction: 0).octets.bytes].map {
      try temporaryFile($0)
    }
    defer { for path in paths { Subprocess.remove(path) } }
    for flags in [[], ["--merge"]] {
      let outcome = try Subprocess.run(
        Subprocess.apusPath(), flags + ["--count", "--last", "30s", "-r", paths[1], "-r", paths[0]])
      #expect(outcome.output == "4 packets\n", "\(outcome)")
    }
    // pcapng, a compressed file, standard input, and a pipe, which cannot be read twice.
    let ng = try Subprocess.temporaryFile(suffix: ".pcapng")
    let packed = try Subprocess.temporaryFile(suffix: ".pcap.gz")
    defer { for path in [ng, packed] { Subprocess.remove(path) } }
    for path in [ng, packed] {
      #expect(try Subprocess.apus("-r", paths[0], "-w", path).status == 0)
      #expect(try Subprocess.apus("--count", "--last", "5m", "-r", path).output == "31 packets\n")
    }
    #expect(try Subprocess.apus("--count", "--last", "5m", "-r", "-", stdin: Data(Self.file)).output == "31 packets\n")
    let command = "cat \(paths[0]) | \(try Subprocess.apusPath()) --count --last 5m -r -"
    let piped = try Subprocess.run("/bin/sh", ["-c", command])
    #expect(
      piped.status == 1 && piped.errors.contains("--last reads files twice, but standard input is not a regular file"))
    let both = try Subprocess.apus("--last", "5m", "--from", "10:00", "-r", paths[0])
    #expect(both.status == 1 && both.errors == "apus: --last cannot be combined with --from\n")
  }

  @Test func anEmptyWindowTellsWhatThereIs() throws {
    let message =
      "apus: no packet is from 2024-01-01 00:00:00.000000: the file holds packets from 2023-11-14 22:13:20.250000 to "
      + "2023-11-14 22:29:50.250000\n"
    for flags in [[], ["--disorder", "all"]] {
      let outcome = try Self.run(Self.file, ["--count", "--from", "2024-01-01"] + flags)
      #expect(outcome.status == 0 && outcome.output == "0 packets\n" && outcome.errors.contains(message), "\(outcome)")
    }
    let before = try Self.run(Self.file, ["--count", "--to", "2023-01-01"])
    #expect(
      before.errors.contains(
        "no packet is before 2023-01-01 00:00:00.000000: the file holds packets from 2023-11-14 22:13:20"))
    // If the filter rejects the packets, there is no such message.
    let filtered = try Self.run(Self.file, ["--count", "--from", "22:00", "udp"])
    #expect(filtered.output == "0 packets\n" && !filtered.errors.contains("no packet is"))
    let paths = try (0..<2).map { _ in try temporaryFile(Self.file) }
    defer { for path in paths { Subprocess.remove(path) } }
    let merged = try Subprocess.run(
      Subprocess.apusPath(), ["--count", "--merge", "--from", "2024-01-01", "-r", paths[0], "-r", paths[1]])
    #expect(merged.errors.contains("the files hold packets from "))
  }

  @Test func theNextDayIsNamed() throws {
    let outcome = try Self.run(Self.file, ["--count", "--from", "22:20", "--to", "01:00"])
    #expect(
      outcome.output == "60 packets\n"
        && outcome.errors.contains("apus: --to is on the next day: 2023-11-15 01:00:00.000000\n"))
    let same = try Self.run(Self.file, ["--count", "--from", "22:20", "--to", "22:25"])
    #expect(!same.errors.contains("next day"))
  }

  @Test(arguments: ["1700000000.0123456789", "22:20:00.0000000001", "2023-11-14T22:13:20.1234567890Z"])
  func nineDigitsAreTheMost(_ time: String) throws {
    for flag in ["--from", "--to"] {
      let outcome = try Self.run(Self.file, [flag, time])
      #expect(outcome.status == 1)
      #expect(
        outcome.errors
          == "apus: invalid time \(time): at most nine digits after the point (nanoseconds)\n")
    }
  }

  /// Packets without a timestamp are in no window, and do not determine the date for a time of day.
  @Test func packetsWithoutATime() throws {
    let file = PcapNGFile().section().interface().simple(packet).enhanced(packet, ticks: 1_700_000_000_000_000)
      .enhanced(packet, ticks: 1_700_000_002_000_000)
    let window = try Self.run(file.octets.bytes, ["--count", "--from", "22:00"])
    #expect(window.output == "2 packets\n")
    #expect(try Self.run(file.octets.bytes, ["--count", "--to", "2100-01-01"]).output == "2 packets\n")
  }
}
