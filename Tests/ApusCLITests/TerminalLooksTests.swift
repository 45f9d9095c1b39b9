import Foundation
import TestSupport
import Testing

/// Output on a terminal: tables that fit its width, colors by meaning, and reports that replace each other.
///
/// `RECORD=1 swift test --disable-xctest --filter TerminalLooksTests` writes this output into `Fixtures/terminal`; read the changes there
/// before you commit them.
@Suite(.waits) struct TerminalLooksTests {
  private static let records = ProcessInfo.processInfo.environment["RECORD"] != nil

  private static func captures(_ names: String...) -> [String] { names.flatMap { ["-r", Fixture.capture($0)] } }

  /// A command whose output is stored as text.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    var isColored = false
    var testDescription: String { name }
  }

  private static let cases = [
    Case(
      name: "statistics",
      arguments: ["-nn", "--time", "utc", "--stats", "all"]
        + captures("http.pcap", "ssh.pcap", "ping6.pcap", "http-keepalive.pcap")),
    Case(
      name: "statistics-sorted",
      arguments: ["--time", "utc", "--stats", "conversations,ports", "--sort", "rate", "--stats-top", "3"]
        + captures("http.pcap", "dns.pcap", "ping6.pcap"), isColored: true),
    Case(
      name: "packets",
      arguments: ["-nnvX", "-t", "-c", "4"] + captures("tcp.pcap"), isColored: true),
    Case(
      name: "explain",
      arguments: ["--explain", "-nnt", "-q"] + captures("unreachable.pcap") + ["icmp or tcp port 80"],
      isColored: true),
    Case(name: "annotate", arguments: ["--annotate", "tcp port 80"], isColored: true),
    Case(
      name: "trace", arguments: ["--trace", "-nnt", "-c", "1"] + captures("http.pcap") + ["tcp port 80"],
      isColored: true),
    Case(name: "lint", arguments: ["--lint", "net 10 or tcp[13] & 2 != 0"], isColored: true),
    Case(name: "error", arguments: ["-d", "tcp prot 80"], isColored: true),
    Case(name: "help", arguments: ["--help", "stats"], isColored: true),
    Case(name: "help-screen", arguments: ["--help"], isColored: true),
  ]

  /// The texts at 60, 80 and 140 columns.
  @Test(arguments: cases, [60, 80, 140]) func looks(_ wanted: Case, _ columns: Int) throws {
    let screen = try PseudoTerminal.run(
      try Subprocess.apusPath(), wanted.arguments, columns: columns,
      environment: wanted.isColored ? [:] : ["NO_COLOR": "1"])
    let text = PseudoTerminal.named(screen.text).replacing(Fixture.folder.path, with: "Fixtures")
    #expect(!text.isEmpty && !text.contains("\u{1b}"))
    let file = Fixture.folder.appendingPathComponent("terminal/\(wanted.name).\(columns).txt")
    if Self.records { return try text.write(to: file, atomically: true, encoding: .utf8) }
    #expect(text == (try String(contentsOf: file, encoding: .utf8)), "\(wanted.name), \(columns) columns:\n\(text)")
  }

  /// No table is wider than the terminal, whatever is in it, and no wider terminal shows less.
  @Test(arguments: [60, 61, 72, 80, 100, 132, 200]) func tablesFit(_ columns: Int) throws {
    let files = Fixture.all.flatMap { ["-r", Fixture.capture($0)] }
    for flags in [["-nn"], ["-e"], ["--sort", "start"], ["--stats-top", "all"]] {
      let screen = try PseudoTerminal.run(
        try Subprocess.apusPath(), ["--stats", "all"] + flags + files, columns: columns,
        environment: ["NO_COLOR": "1"])
      let lines = screen.text.split(separator: "\n").filter { !$0.hasPrefix("reading from file ") }
      let widest = lines.map(\.count).max() ?? 0
      #expect(widest <= columns && widest > 50, "\(flags): \(widest)")
    }
  }

  // MARK: Colours

  private static let colored: [[String]] = [
    ["-nnX", "-c", "2"] + captures("tcp.pcap"), ["--explain", "tcp port 80", "-nn"] + captures("http.pcap"),
    ["--stats", "all"] + captures("http.pcap"), ["--trace", "-c", "1", "tcp"] + captures("http.pcap"),
    ["--annotate", "tcp port 80"], ["--lint", "net 10"], ["--help"], ["--help", "stats"], ["-h"],
    ["-d", "tcp prot 80"],
    ["--profile", "tcp"] + captures("http.pcap"),
  ]

  /// Colors appear on a terminal only, and only if nothing disables them; the text is the same without them.
  @Test(arguments: colored) func colorsOnlyOnTerminals(_ arguments: [String]) throws {
    let apus = try Subprocess.apusPath()
    func text(_ flags: [String] = [], _ environment: [String: String] = [:]) throws -> String {
      try PseudoTerminal.run(apus, flags + arguments, columns: 80, environment: environment).text
    }
    let colors = try text()
    #expect(colors.contains("\u{1b}["))
    let plain = try text(["--color", "never"])
    #expect(colors.replacing(#/\u{1b}\[[0-9;]*m/#, with: "") == plain)
    #expect(try text([], ["NO_COLOR": "1"]) == plain && text([], ["TERM": "dumb"]) == plain)
    #expect(try text([], ["NO_COLOR": ""]) == colors && text(["--color", "auto"]) == colors)
    let pipe = try Subprocess.run(apus, arguments, environment: ["TERM": "xterm"])
    #expect(!pipe.output.contains("\u{1b}") && !pipe.errors.contains("\u{1b}"))
    let always = try Subprocess.run(apus, ["--color", "always"] + arguments)
    #expect((always.output + always.errors).contains("\u{1b}["))
    #expect((always.output + always.errors).replacing(#/\u{1b}\[[0-9;]*m/#, with: "") == pipe.output + pipe.errors)
  }

  // MARK: Reports that replace each other

  /// With --stats-interval, each report replaces the previous one and shows the rates since then next to the totals; the last one is
  /// complete.
  @Test func reportsReplaceEachOther() throws {
    let file = try Data(contentsOf: URL(fileURLWithPath: Fixture.capture("http.pcap")))
    let half = file.count / 2
    for (rows, isCut) in [(50, false), (6, true)] {
      let screen = try PseudoTerminal.run(
        try Subprocess.apusPath(), ["-nn", "--stats", "endpoints,sizes", "--stats-interval", "1", "-r", "-"],
        columns: 100, rows: rows, environment: ["NO_COLOR": "1"]
      ) { pipe in
        try pipe.write(contentsOf: file.prefix(half))
        Thread.sleep(forTimeInterval: 2.3)
        try pipe.write(contentsOf: file.dropFirst(half))
      }
      #expect(screen.status == 0)
      let text = screen.text.split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("reading from file ") }.joined(separator: "\n")
      let reports = text.split(separator: #/\r\u{1b}\[\d+A\u{1b}\[J/#).map(String.init)
      #expect(reports.count >= 3, "\(screen.text)")
      // The cursor goes up by the number of lines of the previous report.
      let moves = screen.text.matches(of: #/\r\u{1b}\[(\d+)A/#).compactMap { Int($0.1) }
      for (report, lines) in zip(reports, moves) { #expect(report.count { $0 == "\n" } == lines, "\(report)") }
      let interim = reports.dropLast()
      #expect(interim.allSatisfy { $0.count { $0 == "\n" } < rows })
      #expect(interim.contains { $0.contains(" more lines: the terminal has \(rows))") } == isCut)
      if !isCut {
        #expect(interim.allSatisfy { $0.contains(" now bit/s ") && $0.contains("\nnow ") })
        // The first report counts from the start, and no packets arrive in the second after it.
        #expect(interim.first?.contains("\nnow 0.0 packets/s, 0 bit/s\n") == false)
        #expect(interim.dropFirst().first?.contains("\nnow 0.0 packets/s, 0 bit/s\n") == true)
      }
      let last = try #require(reports.last)
      #expect(
        last.hasPrefix("30 packets, 3.3 kB, 28.3 ms, ") && last.contains("maximum 360\n") && !last.contains("now "))
    }
    // Printed packets stay on the screen, so reports follow each other there.
    let printed = try PseudoTerminal.run(
      try Subprocess.apusPath(), ["-nn", "--print", "--stats", "sizes", "--stats-interval", "1", "-r", "-"],
      columns: 100,
      environment: ["NO_COLOR": "1"]
    ) { pipe in
      try pipe.write(contentsOf: file)
      Thread.sleep(forTimeInterval: 1.3)
    }
    #expect(!printed.text.contains("\u{1b}") && printed.text.components(separatedBy: "30 packets, ").count == 3)
  }
}
