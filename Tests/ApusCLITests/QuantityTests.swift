import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// Durations and sizes have one grammar for all options.
@Suite struct QuantityTests {
  @Test(
    arguments: [
      ("90", 90), ("90s", 90), ("1h", 3600), ("1h30m", 5400), ("1h30min5s", 5405), ("1.5h", 5400), ("2d", 172_800),
      ("3000ms", 3), ("0", nil), ("", nil), ("x", nil), ("5y", nil), ("m", nil), ("30m1h", nil), ("1m1m", nil),
      ("500ms", nil),
      ("1 h", nil), ("-1", nil), ("+1", nil), ("1.h", nil), (".5h", nil), ("1.5", nil), ("1e3", nil), ("1h30", nil),
      ("99999999999999999999", nil), ("999999999999999999d", nil), ("2147483648", nil), ("1H", nil), ("0x10", nil),
    ] as [(String, Int64?)])
  func durations(_ text: String, _ seconds: Int64?) {
    let given = try? Quantity.seconds(text, of: "interval", in: 1...Int64(Int32.max))
    #expect(given == seconds)
  }

  @Test(
    arguments: [
      ("10", 10_000_000), ("10m", 10 << 20), ("10M", 10 << 20), ("1k", 1024), ("1KiB", 1024), ("1kB", 1000),
      ("1.5g", 3 << 29),
      ("2MB", 2_000_000), ("7b", 7), ("1t", 1 << 40), ("0", nil), ("", nil), ("1q", nil), ("m", nil), ("1.5", nil),
      ("0.3b", nil),
      ("1 m", nil), ("-1k", nil), ("1m1k", nil), ("99999999999t", nil), ("9999999999999999999", nil),
    ] as [(String, UInt64?)])
  func sizes(_ text: String, _ octets: UInt64?) {
    let given = try? Quantity.octets(
      text, of: "size", plainUnit: 1_000_000, plainName: "millions", in: 1...1 << 62)
    #expect(given == octets)
  }

  /// Every option that takes a duration or a size accepts all forms, and otherwise says which are allowed.
  @Test(arguments: [
    (["-w", "/dev/null", "-G"], "rotation interval", "1h", "1x"), (["-a"], "", "10s", "10x"),
    (["-a"], "duration to end after", "duration:1m", "duration:1x"), (["--disorder"], "disorder", "5s", "1x"),
    (["--disorder"], "disorder", "200ms", "-1"),
    (["--stats", "rate", "--stats-interval"], "statistics interval", "2s", "1x"),
    (["--ledger"], "ledger interval", "1m,json", "1x,json"), (["--last"], "duration", "5m", "0"),
  ])
  func everyOptionWithADuration(_ flags: [String], _ what: String, _ right: String, _ wrong: String) throws {
    let http = Fixture.capture("http.pcap")
    let outcome = try Subprocess.run(try Subprocess.apusPath(), ["-r", http] + flags + [right])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let refused = try Subprocess.run(try Subprocess.apusPath(), ["-r", http] + flags + [wrong])
    #expect(refused.status == 1 && refused.errors.contains("1h30m"), "\(refused.errors)")
    #expect(refused.errors.hasPrefix("apus: invalid \(what)"))
  }

  @Test(arguments: [
    (["-w", "/dev/null", "-C"], "file size", "10m", "10q"),
    (["-w", "/dev/null", "-a"], "filesize", "filesize:1.5g", "filesize:1q"),
    (["-B"], "packet buffer size", "16m", "16q"), (["-s"], "snaplen", "64k", "1q"),
  ])
  func everyOptionWithASize(_ flags: [String], _ what: String, _ right: String, _ wrong: String) throws {
    let http = Fixture.capture("http.pcap")
    let outcome = try Subprocess.run(try Subprocess.apusPath(), ["-r", http] + flags + [right])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let refused = try Subprocess.run(try Subprocess.apusPath(), ["-r", http] + flags + [wrong])
    #expect(refused.status == 1 && refused.errors.contains("k, m, g (KiB, MiB, GiB)"), "\(refused.errors)")
    #expect(refused.errors.hasPrefix("apus: invalid \(what)"))
  }
}
