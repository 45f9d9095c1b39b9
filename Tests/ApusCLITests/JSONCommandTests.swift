import Foundation
import TestSupport
import Testing

/// `--json` on the command line, and programs that read what it prints.
struct JSONCommandTests {
  private let http = Fixture.capture("http.pcap")

  private func objects(_ output: Data) throws -> [JSONValue] {
    try output.split(separator: UInt8(ascii: "\n")).map { try JSONValue($0) }
  }

  /// Every line is an object, and the numbers count the packets that the filter accepts.
  @Test func linesAreObjects() throws {
    let outcome = try Subprocess.apus("--json", "-c", "3", "-r", http, "tcp port 80 and ip6")
    #expect(outcome.status == 0)
    let objects = try objects(outcome.stdout)
    #expect(objects.map { $0["number"]?.integer } == [1, 2, 3])
    #expect(objects.allSatisfy { $0["layers"]?.elements.map { $0["layer"]?.text } == ["ethernet", "ipv6", "tcp"] })
  }

  @Test func samplingKeepsNumbers() throws {
    let outcome = try Subprocess.apus("--json", "--print-sampling", "10", "-r", http)
    #expect(try objects(outcome.stdout).map { $0["number"]?.integer } == [10, 20, 30])
  }

  @Test func packetsAreSavedAndPrinted() throws {
    let path = try Subprocess.temporaryFile()
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("--json", "--print", "-c", "2", "-w", path, "-r", http)
    #expect(outcome.status == 0)
    #expect(try objects(outcome.stdout).count == 2)
    // Standard output has nothing but the objects.
    let again = try Subprocess.apus("--json", "-r", path)
    #expect(again.stdout == outcome.stdout)
  }

  /// Interfaces of a file are given by number and, if they have one, by name.
  @Test func interfacesAreTold() throws {
    let outcome = try Subprocess.apus("--json", "-r", Fixture.capture("interfaces.pcapng"))
    let objects = try objects(outcome.stdout)
    #expect(Set(objects.compactMap { $0["interface_id"]?.integer }) == [0, 1])
    #expect(Set(objects.compactMap { $0["link_type"]?.text }) == ["EN10MB", "LINUX_SLL2"])
  }

  /// The same with several files: their interfaces keep their names and have different numbers.
  @Test(arguments: [[], ["--merge"]]) func interfacesOfSeveralFilesAreTold(_ flags: [String]) throws {
    let capture = Fixture.capture("dumpcap.pcapng")
    let outcome = try Subprocess.run(
      try Subprocess.apusPath(), ["--json"] + flags + ["-r", capture, "-r", capture])
    let objects = try objects(outcome.stdout)
    #expect(Set(objects.compactMap { $0["interface"]?.text }) == ["cable"])
    #expect(Set(objects.compactMap { $0["interface_id"]?.integer }) == [0, 65536])
    #expect(objects.allSatisfy { $0["interface"] != nil })
  }

  /// The TCP payload, in both forms.
  @Test func payloads() throws {
    func payload(_ form: String) throws -> [String] {
      let outcome = try Subprocess.apus("--json", "--json-payload", form, "-r", http, "tcp[tcpflags] & tcp-push != 0")
      return try objects(outcome.stdout).flatMap { $0["layers"]?.elements ?? [] }.compactMap { $0["payload"]?.text }
    }
    let hex = try payload("hex")
    let base64 = try payload("base64")
    #expect(!hex.isEmpty && hex.count == base64.count)
    for (digits, text) in zip(hex, base64) {
      let octets = try #require(Data(base64Encoded: text))
      #expect(octets.map { String(format: "%02x", $0) }.joined() == digits)
    }
    #expect(hex[0].hasPrefix("474554202f"))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let message: String
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let refusals = [
    Refusal(
      arguments: ["--json", "-X"], message: "--json cannot be combined with -X: use --json-payload for payloads"),
    Refusal(
      arguments: ["--json", "--trace"], message: "--json cannot be combined with --trace"),
    Refusal(arguments: ["--json", "-w", "/dev/null"], message: "--json with -w requires --print"),
    Refusal(
      arguments: ["--json", "--count"], message: "--json cannot be combined with --count"),
    Refusal(
      arguments: ["--json", "-d"], message: "--json cannot be combined with -d"),
    Refusal(arguments: ["--json-payload", "hex"], message: "--json-payload requires --json"),
    Refusal(
      arguments: ["--json", "--json-payload", "octal"],
      message: "unknown form of payload 'octal': use hex or base64"),
  ]

  /// One line says which options cannot be combined.
  @Test(arguments: refusals)
  func oddCombinations(_ refusal: Refusal) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), refusal.arguments + ["-r", http])
    #expect(outcome.status == 1)
    #expect(outcome.stdout.isEmpty)
    #expect(outcome.errors == "apus: \(refusal.message)\n")
  }

  /// A reader that closes the pipe early is not an error.
  @Test func closedPipeEndsQuietly() throws {
    let script =
      "for i in 1 2 3 4 5 6 7 8; do set -- \"$@\" -r \"$1\"; done; shift; \"$APUS\" --json \"$@\" | head -n 1"
    let outcome = try Subprocess.run(
      "/bin/sh", ["-c", script, "sh", http], environment: ["APUS": try Subprocess.apusPath()])
    #expect(try objects(outcome.stdout).count == 1)
    #expect(!outcome.errors.contains("unable") && !outcome.errors.contains("roken"))
  }

  // MARK: Readers

  /// The output of a program that reads the objects of a capture; nil, with a message, if the program is not installed.
  private func read(_ program: String, _ arguments: [String]) throws -> String? {
    guard let path = Subprocess.installed(program) else {
      print("skipped: \(program) is not installed")
      return nil
    }
    let objects = try Subprocess.apus("--json", "-r", Fixture.capture("dns.pcap"))
    let outcome = try Subprocess.run(path, arguments, stdin: objects.stdout)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  /// The number of DNS answers in the capture, counted by this process.
  private func answers() throws -> Int {
    try objects(try Subprocess.apus("--json", "-r", Fixture.capture("dns.pcap")).stdout)
      .flatMap { $0["layers"]?.elements ?? [] }.flatMap { $0["answers"]?.elements ?? [] }.count
  }

  @Test func jqReads() throws {
    guard let output = try read("jq", ["-s", "[.[].layers[].answers // [] | length] | add"]) else { return }
    #expect(Int(output.trimmingCharacters(in: .whitespacesAndNewlines)) == (try answers()))
  }

  @Test func pythonReads() throws {
    let script = """
      import json, sys
      objects = [json.loads(line) for line in sys.stdin]
      print(sum(len(layer.get("answers", [])) for packet in objects for layer in packet["layers"]))
      """
    guard let output = try read("python3", ["-c", script]) else { return }
    #expect(Int(output.trimmingCharacters(in: .whitespacesAndNewlines)) == (try answers()))
  }

  @Test func duckDBReads() throws {
    guard let python = Subprocess.installed("python3"),
      try Subprocess.run(python, ["-c", "import duckdb"]).status == 0
    else { return print("skipped: DuckDB's module for Python is not installed") }
    let path = try Subprocess.temporaryFile(
      try Subprocess.apus("--json", "-r", http).stdout, suffix: ".ndjson")
    defer { Subprocess.remove(path) }
    let script = """
      import duckdb, sys
      query = "select count(*), sum(captured_length) from read_json(?, format='newline_delimited', sample_size=-1)"
      print(*duckdb.execute(query, [sys.argv[1]]).fetchone())
      """
    let outcome = try Subprocess.run(python, ["-c", script, path])
    let octets = try objects(try Subprocess.apus("--json", "-r", http).stdout)
      .compactMap { $0["captured_length"]?.integer }.reduce(0, +)
    #expect(outcome.output == "30 \(octets)\n", "\(outcome.errors)")
  }
}
