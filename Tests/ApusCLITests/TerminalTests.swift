import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// What comes from elsewhere (names of files and interfaces, expressions, comments, packets) reaches no terminal as something that it
/// obeys, in whatever the command writes.
@Suite struct TerminalTests {
  /// A colour, a bell, the C1 form of "erase the display", a backspace, a carriage return, DEL, "from right to left" and a tag.
  private static let hostile = "x\u{1b}[31my\u{7}\u{9b}2Jz\u{8}\r\u{7f}\u{202e}a\u{e0041}"
  private static let http = Fixture.capture("http.pcap")

  private func expectHarmless(_ outcome: Outcome, _ what: some Any, allowsColors: Bool = false) {
    for text in [outcome.stdout, outcome.stderr] {
      let control = TerminalControl.first(in: Array(text), allowsColors: allowsColors)
      #expect(control == nil, "\(what): \(String(decoding: text, as: UTF8.self).debugDescription)")
    }
  }

  /// Runs the command in a folder of its own.
  private func run(_ arguments: [String], stdin: Data? = nil) throws -> Outcome {
    try Subprocess.run(try Subprocess.apusPath(), arguments, stdin: stdin)
  }

  /// Every value that a flag may be given.
  @Test func valuesOfFlags() throws {
    // -w makes a file of that name; the others are tried below.
    let others: Set = ["write-file", "relinquish-privileges"]
    for flag in GetoptFlag.all where flag.takesValue || flag.usualValue != nil {
      guard let word = flag.word, !others.contains(word) else { continue }
      let outcome = try run(["--\(word)=\(Self.hostile)", "-c", "1", "-r", Self.http, "tcp"], stdin: Data())
      expectHarmless(outcome, word)
    }
  }

  @Test func unknownFlags() throws {
    for words in [
      ["--\(Self.hostile)"], ["-\u{1b}"], ["-n\u{7}"], ["--time=\(Self.hostile)"], ["--nano=\(Self.hostile)"],
    ] {
      let outcome = try run(words)
      #expect(outcome.status == 1)
      #expect(!outcome.stderr.isEmpty)
      expectHarmless(outcome, words)
    }
  }

  // MARK: Names of files

  private static let filesThatAreMissing: [[String]] = [
    ["-r", "/nowhere/\(hostile)"], ["-r", http, "-w", "/nowhere/\(hostile)"], ["-d", "-F", "/nowhere/\(hostile)"],
    ["--bytecode", "/nowhere/\(hostile)", "-r", http], ["-V", "/nowhere/\(hostile)"],
    ["--run-ebpf", "/nowhere/\(hostile)"],
    ["--emit", "c", "-w", "/nowhere/\(hostile)", "tcp"], ["--compare-bytecode", "/nowhere/\(hostile)", "tcp"],
    ["-r", http, "-G", "10", "-w", "/nowhere/\(hostile)"], ["-r", http, "-r", "/nowhere/\(hostile)", "--merge"],
  ]

  @Test(arguments: filesThatAreMissing) func namesOfMissingFiles(_ arguments: [String]) throws {
    let outcome = try run(arguments)
    #expect(outcome.status != 0 && !outcome.stderr.isEmpty, "\(arguments)")
    expectHarmless(outcome, arguments)
  }

  /// A folder with files whose names are hostile: a capture, one that is cut, one with an octet changed, programs with a fault in them.
  @Test func namesOfFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let octets = try Data(contentsOf: URL(fileURLWithPath: Self.http))
    var broken = octets
    broken.replaceSubrange(32..<36, with: [0xff, 0xff, 0xff, 0x7f])
    let contents: [(String, Data)] = [
      ("whole", octets), ("cut", octets.dropLast(7)), ("broken", broken), ("list", Data(Self.hostile.utf8)),
      ("program", Data("ldh [12]\n\(Self.hostile) #1\n".utf8)), ("empty", Data()),
    ]
    for (name, data) in contents {
      let path = folder.path + "/\(name)\(Self.hostile)"
      try data.write(to: URL(fileURLWithPath: path))
      for flags in [
        ["-nn", "-r"], ["--count", "-r"], ["--recover", "-nnv", "-r"], ["-V"], ["-d", "-F"], ["-d", "--bytecode"],
        ["--run-ebpf"],
        ["-r", Self.http, "--merge", "--explain=summary", "-r"], ["-r", Self.http, "--bytecode"],
      ] {
        expectHarmless(try run(flags + [path], stdin: Data()), (name, flags))
      }
    }
    // Where a file of the name is made, it is told of when the disk is full.
    let written = folder.path + "/new\(Self.hostile).pcapng"
    expectHarmless(try run(["-r", Self.http, "-w", written]), "-w")
    #expect(FileManager.default.fileExists(atPath: written))
    expectHarmless(try run(["-r", Self.http, "-C", "1k", "-w", written]), "-C")
  }

  // MARK: Expressions

  /// Blanks of all kinds are part of an expression that is fine; anything else makes it one that is refused.
  private static let expressions = [
    "tcp\u{b}or\u{c}udp\rport\t53\nand len > 60", "host \(hostile)", "tcp[\(hostile)] = 1", "ip proto \\\(hostile)",
    "net 10 or \r\u{b}net 10 \u{85}",
  ]

  @Test(arguments: expressions) func expressionsInAllThatIsSaidOfThem(_ expression: String) throws {
    for flags in [
      ["-d"], ["--explain", "-c", "2", "-nn", "-r", Self.http], ["--annotate", "-r", Self.http], ["--graph", "ascii"],
      ["--graph", "dot"], ["--lint"], ["--trace", "-c", "1", "-r", Self.http], ["--emit", "ebpf"], ["--emit", "c"],
      ["--stats", "protocols", "-r", Self.http], ["--compare", expression], ["--witness", "--print"],
      ["--verify-optimizer"],
    ] {
      expectHarmless(try run(flags + [expression]), flags)
    }
  }

  // MARK: Interfaces and comments

  @Test(arguments: [["-i"], ["-L", "-i"], ["--ledger", "0", "-i"]])
  func namesOfInterfaces(_ flags: [String]) throws {
    let outcome = try run(flags + [Self.hostile])
    #expect(!outcome.stderr.isEmpty)
    expectHarmless(outcome, flags)
  }

  /// A pcapng file whose interface and packet bear hostile text in every option that holds text, read in every way.
  @Test func textInPcapNG() throws {
    var file = [UInt8]()
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    func option(_ code: UInt32, _ value: [UInt8]) -> [UInt8] {
      word(code | UInt32(value.count) << 16) + value + [UInt8](repeating: 0, count: -value.count & 3)
    }
    func block(_ type: UInt32, _ body: [UInt8]) {
      let length = word(UInt32(body.count + 12))
      file += word(type) + length + body + length
    }
    let text = Array(Self.hostile.utf8)
    let ending = word(0)
    block(
      0x0a0d_0d0a,
      word(0x1a2b_3c4d) + word(1) + word(.max) + word(.max) + [1, 2, 3, 4].flatMap { option($0, text) } + ending)
    // Name, description, filter, hardware and system among them.
    block(1, word(1) + word(0) + [1, 2, 3, 12, 15].flatMap { option($0, text) } + option(11, [0] + text) + ending)
    let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .ack)
      .payload("GET /\(Self.hostile) HTTP/1.1\r\n").octets
    // Inbound, by epb_flags.
    let padding = [UInt8](repeating: 0, count: -packet.count & 3)
    let header = word(0) + word(0) + word(0) + word(UInt32(packet.count)) + word(UInt32(packet.count))
    block(6, header + packet + padding + option(1, text) + option(2, word(1)) + ending)
    let whole = file
    for octets in [whole, Array(whole.dropLast(5)), whole + [1, 2, 3]] {
      let path = try Subprocess.temporaryFile(Data(octets), suffix: ".pcapng")
      defer { Subprocess.remove(path) }
      for flags in [
        ["-nn"], ["-nnvvv", "-e"], ["-X"], ["-A"], ["--json"], ["--explain"], ["--count"],
        ["--stats", "protocols"], ["--stats", "conversations"], ["--stats", "endpoints"], ["--stats", "sizes"],
        ["--stats", "rate"], ["--stats", "conversations", "--json"], ["--json", "--json-payload", "hex", "-v"],
        ["--merge", "-r", Self.http],
        ["--recover", "-v"], ["--lengths", "-#"],
      ] {
        let outcome = try run(flags + ["-r", path])
        // Of the one that is cut, no packet is whole.
        #expect(octets.count < whole.count || !outcome.stdout.isEmpty, "\(flags)")
        expectHarmless(outcome, flags)
      }
      expectHarmless(try run(["--color", "always", "-nnvX", "-r", path]), "--color", allowsColors: true)
    }
  }
}
