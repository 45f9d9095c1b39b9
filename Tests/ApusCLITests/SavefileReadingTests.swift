import Foundation
import PacketCore
import TestSupport
import Testing

@testable import ApusCLI

private let http = Fixture.capture("http.pcap")
private let interfaces = Fixture.capture("interfaces.pcapng")

/// Runs a shell command in which `$apus` is the program of this build, and `$http` a capture.
private func shell(_ command: String) throws -> Outcome {
  try Subprocess.run(
    "/bin/bash", ["-c", "set -o pipefail; \(command)"],
    environment: ["apus": Subprocess.apusPath(), "http": http, "interfaces": interfaces])
}

private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

/// Reads savefiles in every format from the command line.
@Suite struct SavefileReadingTests {
  /// A folder is refused when it is opened, before any output file is created.
  @Test(arguments: ["apus", "libpcap"]) func aFolderIsNoFile(_ engine: String) throws {
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    let flags = engine == "libpcap" ? ["--engine", "libpcap"] : []
    let outcome = try Subprocess.run(Subprocess.apusPath(), flags + ["-r", "/tmp", "-w", output])
    #expect(outcome.status == 1 && outcome.errors == "apus: /tmp: Is a directory\n", "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test func severalFiles() throws {
    let (first, second) = (
      try Libpcap.read(http).packets.count, try Libpcap.read(Fixture.capture("dns.pcap")).packets.count
    )
    let both = try Subprocess.apus("--count", "-r", http, "-r", Fixture.capture("dns.pcap"))
    #expect(both.status == 0 && both.output == "\(first + second) packets\n")
    #expect(both.errors.split(separator: "\n").count { $0.hasPrefix("reading from file ") } == 2)
    let listed = try shell("printf '%s\\n' $http \(Fixture.capture("dns.pcap")) | $apus --count -V -")
    #expect(listed.status == 0 && listed.output == both.output)
    let limited = try Subprocess.apus("--count", "-c", "\(first + 1)", "-r", http, "-r", Fixture.capture("dns.pcap"))
    #expect(limited.output == "\(first + 1) packets\n")
    let missing = try Subprocess.apus("--count", "-r", http, "-r", "/nonexistent", "-r", http)
    #expect(missing.status == 1 && missing.output == "\(2 * first) packets\n")
    #expect(missing.errors.contains("apus: /nonexistent: No such file or directory\n"))
    #expect(missing.errors.hasSuffix("apus: 1 of 3 files could not be read to the end\n"))
  }

  /// The filter is compiled for every link type and byte order in the input.
  @Test(arguments: [[], ["--merge"]]) func linkTypesMayDiffer(_ flags: [String]) throws {
    let names = ["http.pcap", "cooked.pcap", "loopback.pcap", "raw.pcap", "ping.pcap"].filter {
      Fixture.all.contains($0)
    }
    let single = try names.map { try Subprocess.apus("-nn", "-t", "-r", Fixture.capture($0), "ip or ip6").output }
    let files: [String] = names.flatMap { ["-r", Fixture.capture($0)] }
    let arguments: [String] = ["-nn", "-t"] + flags + files + ["ip or ip6"]
    let all = try Subprocess.run(Subprocess.apusPath(), arguments)
    #expect(all.status == 0)
    let lines = all.output.split(separator: "\n")
    // A connection's first packet is printed in full, whichever file it is in.
    let counts: [Int] = single.map { $0.split(separator: "\n").count }
    #expect(lines.count == counts.reduce(0, +))
    if flags.isEmpty { #expect(all.output.hasPrefix(single[0])) }
  }

  @Test func mergedByTime() throws {
    let merged = try Subprocess.apus("-tt", "-nn", "--merge", "-r", interfaces, "-r", http)
    let times = merged.output.split(separator: "\n").compactMap { Double($0.prefix { $0 != " " }) }
    #expect(merged.status == 0 && times.count > 30 && times == times.sorted())
  }

  @Test func compressed() throws {
    let plain = try Subprocess.apus("-nn", "-r", http)
    for command in ["gzip -c $http | $apus -nn -r -", "f=$(mktemp); gzip -c $http > $f; $apus -nn -r $f; rm $f"] {
      let read = try shell(command)
      #expect(read.status == 0 && read.output == plain.output)
    }
    let cut = try shell("gzip -c $http | head -c 900 | $apus --count -r -")
    #expect(cut.status == 1 && cut.errors.contains("the compressed file ends before its contents do, at offset 900"))
  }

  /// A file that cannot be opened does not affect the others, wherever it is in the order.
  @Test(arguments: [["/nonexistent", http, "/dev/null"], [http, "/nonexistent", "/dev/null"]], [[], ["--merge"]])
  func filesThatCannotBeOpened(_ paths: [String], _ flags: [String]) throws {
    let outcome = try Subprocess.run(
      try Subprocess.apusPath(), ["--count"] + flags + paths.flatMap { ["-r", $0] })
    #expect(outcome.status == 1 && outcome.output == "30 packets\n")
    #expect(outcome.errors.contains("apus: /nonexistent: No such file or directory\n"))
    #expect(outcome.errors.hasSuffix("apus: 2 of 3 files could not be read to the end\n"))
  }

  @Test func statusOfDamagedFiles() throws {
    let cut = try shell("f=$(mktemp); head -c 3000 $http > $f; $apus --count -r $f; s=$?; rm $f; exit $s")
    #expect(cut.status == 1 && cut.output == "24 packets\n")
    #expect(cut.errors.contains("truncated capture file: a packet of 86 bytes at offset 2941 has only 59, after 24"))
    let recovered = try shell(
      "{ head -c 1000 $http; head -c 100 /dev/zero; tail -c +1001 $http; } | $apus --recover --count -r -")
    #expect(recovered.status == 2 && recovered.output == "30 packets\n", "\(recovered)")
    #expect(recovered.errors.contains("apus: -: skipped 100 bytes at offset "))
    let whole = try Subprocess.apus("--recover", "--count", "-r", http)
    #expect(whole.status == 0 && whole.output == "30 packets\n")
  }

  @Test func aGrowingFileIsFollowed() throws {
    let followed = try shell(
      "f=$(mktemp); head -c 1000 $http > $f; { sleep 0.3; tail -c +1001 $http >> $f; } & "
        + "timeout 20 $apus --follow -c 30 -nn -r $f; s=$?; wait; rm $f; exit $s")
    let whole = try Subprocess.apus("-nn", "-r", http).output
    #expect(followed.status == 0 && followed.output == whole)
    let ended = try shell("timeout 20 $apus --follow -a duration:1 --count -r $http")
    #expect(ended.status == 0 && ended.output == "30 packets\n")
  }

  @Test func timeWindows() throws {
    let all = try lines(Subprocess.apus("-tt", "-nn", "-r", http).output)
    let time = all[10].prefix { $0 != " " }
    let from = try Subprocess.apus("-tt", "-nn", "--from", String(time), "-r", http)
    #expect(lines(from.output) == Array(all[10...]))
    let before = try Subprocess.apus("-tt", "-nn", "--to", String(time), "-r", http)
    #expect(lines(before.output) == Array(all[..<10]))
    // The same with a time of day, in another time zone, from a pipe.
    let clock = try shell(
      "export TZ=Asia/Kolkata; $apus -r $http -c 11 -nn 2>/dev/null | tail -n 1 | cut -d' ' -f1 > /tmp/apus-clock-$$; "
        + "cat $http | $apus -tt -nn --from $(cat /tmp/apus-clock-$$) -r -; rm /tmp/apus-clock-$$")
    #expect(clock.status == 0 && clock.output == from.output)
  }

  /// For all files, a time of day is on the day of the first file.
  @Test func aTimeWindowOfSeveralFiles() throws {
    // The files are from 2026-11-23, one half an hour before midnight and one half an hour after it.
    let zone = ["TZ": "XXX-00:50"]
    let flags = ["--count", "--from", "23:00", "--to", "01:00", "-r", http, "-r", interfaces]
    for extra in [[], ["--merge"]] {
      let outcome = try Subprocess.run(Subprocess.apusPath(), extra + flags, environment: zone)
      #expect(outcome.status == 0 && outcome.output == "38 packets\n", "\(outcome)")
    }
  }

  @Test(arguments: [
    (["--from", "yesterday", "-r", http], "invalid time yesterday"),
    (["--to", "2026-02-30", "-r", http], "invalid time 2026-02-30"),
    (["--from", "12:00"], "--from requires -r or -V"),
    (["--merge"], "--merge requires -r or -V"),
    (["--disorder", "-1", "-r", http], "invalid disorder -1"),
    (["--follow", "-r", http, "-r", http], "--follow reads one capture file"),
    (["-V", "/dev/null"], "/dev/null: names no capture file"),
    (["-V", "/nonexistent"], "can't open /nonexistent"),
    (["-V", http, "-r", http], "-r cannot be combined with -V"),
    (["-r", "-", "-r", "-"], "standard input can be read only once"),
  ])
  func whatMeansNothingIsRefused(_ arguments: [String], _ message: String) throws {
    let outcome = try Subprocess.run(Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("apus: \(message)"), "\(outcome.errors)")
  }

  /// A few of the damaged files that `apus-fuzz savefiles` tries, with the program's exit status.
  @Test func statusOfMutants() throws {
    var mutants = SavefileMutants(seed: 7, program: try Subprocess.apusPath())
    for capture in [http, interfaces] {
      let octets = try [UInt8](Data(contentsOf: URL(fileURLWithPath: capture)))
      mutants.read(octets, name: capture, cuts: 5, mutations: 5)
    }
    #expect(mutants.faults.isEmpty, "\(mutants.faults.prefix(5))")
  }
}

@Suite struct TimeBoundTests {
  @Test(arguments: [
    ("1795639465", 1_795_639_465, 0), ("1795639465.5", 1_795_639_465, 500_000_000),
    ("0.000000001", 0, 1),
    ("2026-11-24T20:44:25Z", 1_795_553_065, 0), ("2026-11-24 20:44:25.25+01:00", 1_795_549_465, 250_000_000),
    ("2026-11-24t20:44z", 1_795_553_040, 0), ("2024-02-29T00:00:00-00:30", 1_709_166_600, 0),
  ])
  func times(_ text: String, _ seconds: Int64, _ nanoseconds: Int64) throws {
    #expect(try TimeBound(text) == .time(.init(seconds: seconds, nanoseconds: nanoseconds)))
  }

  @Test(arguments: [
    ("20:44", 74_640, 0), ("7:05:09.125", 25_509, 125_000_000), ("00:00:00", 0, 0),
  ])
  func clocks(_ text: String, _ seconds: Int32, _ nanoseconds: Int64) throws {
    #expect(try TimeBound(text) == .clock(seconds: seconds, nanoseconds: nanoseconds))
  }

  @Test(
    arguments: [
      "", "x", "12", "24:00", "12:60", "12:00:61", "12:0", "2026-13-01", "2025-02-29", "2026-11-24T",
      "2026-11-24T20:44:25+1",
      "1.", "1.x", "-5", "12345678901234567890", "2026-11-24T20:44:25Zx",
    ].filter { $0 != "12" })
  func refuses(_ text: String) {
    #expect(throws: CommandError.self) { _ = try TimeBound(text) }
  }

  /// An end that is not after the start of the window is on the next day.
  @Test func windowsOverMidnight() throws {
    let first = try #require({ if case .time(let time) = try TimeBound("2026-11-24T12:00:00") { time } else { nil } }())
    let from = try TimeBound("23:00").time(onDayOf: first, notBefore: nil)
    let to = try TimeBound("01:30").time(onDayOf: first, notBefore: from)
    #expect(from.seconds - first.seconds == 11 * 3600 && to.seconds - from.seconds == 9000)
  }
}
