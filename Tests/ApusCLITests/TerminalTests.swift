import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// Text from elsewhere (names of files and interfaces, expressions, comments, packets) never reaches a terminal as a control sequence, in
/// any output of the command.
@Suite struct TerminalTests {
  /// A color, a bell, the C1 form of "erase the display", a backspace, a carriage return, DEL, "from right to left" and a tag.
  private static let hostile = "x\u{1b}[31my\u{7}\u{9b}2Jz\u{8}\r\u{7f}\u{202e}a\u{e0041}"
  private static let http = Fixture.capture("http.pcap")

  private func expectHarmless(_ outcome: Outcome, _ what: some Any, allowsColors: Bool = false) {
    for text in [outcome.stdout, outcome.stderr] {
      let control = TerminalControl.first(in: Array(text), allowsColors: allowsColors)
      #expect(control == nil, "\(what): \(String(decoding: text, as: UTF8.self).debugDescription)")
    }
  }

  /// Runs the command in a new folder.
  private func run(_ arguments: [String], stdin: Data? = nil) throws -> Outcome {
    try Subprocess.run(try Subprocess.apusPath(), arguments, stdin: stdin)
  }

  /// Every flag that takes a value gets a hostile one.
  @Test func valuesOfFlags() throws {
    // -w creates a file of that name; the other cases are tested below.
    let others: Set = ["write-file", "relinquish-privileges"]
    for flag in Flag.all where flag.value != nil {
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

  /// A folder with files that have hostile names: a capture, a truncated capture, one with a changed byte, and programs with an error.
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
    // When a file of that name is created, the name appears in the message about a full disk.
    let written = folder.path + "/new\(Self.hostile).pcapng"
    expectHarmless(try run(["-r", Self.http, "-w", written]), "-w")
    #expect(FileManager.default.fileExists(atPath: written))
    expectHarmless(try run(["-r", Self.http, "-C", "1k", "-w", written]), "-C")
  }

  // MARK: Expressions

  /// An expression may contain blanks of all kinds; any other hostile character makes it invalid.
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

  /// A pcapng file whose interface and packet have hostile text in every text option, read in every way.
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
    // Name, description, filter, hardware and operating system.
    block(1, word(1) + word(0) + [1, 2, 3, 12, 15].flatMap { option($0, text) } + option(11, [0] + text) + ending)
    // A name for the packet's first address, and the name of a DNS server (nrb_record_ipv4, ns_dnsname).
    let name = [192, 0, 2, 1] + text + [0]
    let namePadding = [UInt8](repeating: 0, count: -name.count & 3)
    block(4, word(1 | UInt32(name.count) << 16) + name + namePadding + word(0) + option(2, text) + ending)
    // Statistics with a comment, and an unknown block of text.
    block(5, word(0) + word(0) + word(0) + option(1, text) + ending)
    block(0x0bad, text + [UInt8](repeating: 0, count: -text.count & 3))
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
        ["--merge", "-r", Self.http], ["--merge", "-nn", "--json", "-r", path], ["--trace"],
        ["--profile"], ["--explain=summary", "-v"], ["--from", "00:00", "-v"], ["--last", "1s"],
        ["--recover", "-v"], ["--lengths", "-#"],
      ] {
        let outcome = try run(flags + ["-r", path])
        // The truncated file has no whole packet.
        #expect(octets.count < whole.count || !outcome.stdout.isEmpty, "\(flags)")
        expectHarmless(outcome, flags)
      }
      expectHarmless(try run(["-v", "-w", "/dev/null", "-r", path]), "-w")
      expectHarmless(try run(["--color", "always", "-nnvX", "-r", path]), "--color", allowsColors: true)
    }
  }
}

/// Hostile interface names that root may set, in the test's own namespace: the kernel accepts every byte except blanks, slashes and colons.
@Suite(
  .waits, .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct TerminalNamesTests {
  /// Gives interface `v1` a hostile name, a hostile description (ifalias) and hostile alternative names, one of which is longer than a name
  /// may be.
  private static let names = """
    iface=$'x\\e[31m\\a\\xe2\\x80\\xaey'; other=$'a\\e[2J\\b\\x7f\\xe2\\x80\\xae'; long=$'alternative\\e[2J\\xc2\\x9b1m\\b\\x7f'
    link link set v1 down; link link set v1 name "$iface"; link link set "$iface" up
    link link set "$iface" alias "description $long"
    link link property add dev "$iface" altname "$other" altname "$long"

    """

  private func expectHarmless(_ script: String, contains: String) throws {
    let outcome = try LiveNamespace.run(Self.names + script)
    for text in [outcome.stdout, outcome.stderr] {
      let control = TerminalControl.first(in: Array(text))
      #expect(control == nil, "\(script): \(String(decoding: text, as: UTF8.self).debugDescription)")
    }
    #expect(outcome.output.contains(contains), "\(script): \(outcome.output)\(outcome.errors)")
  }

  /// The lists of all interfaces and of one, and the answers for Wireshark.
  @Test(arguments: [
    ("-D", "x^["), ("-L -i \"$iface\"", "EN10MB"), ("-L -i \"$other\"", "EN10MB"), ("-L -i \"$long\"", "apus: "),
    ("--extcap-interfaces", "value=apus-x"),
    ("--extcap-dlts --extcap-interface apus-\"$iface\"", "EN10MB"),
    ("--extcap-dlts --extcap-interface apus-\"$other\"", "EN10MB"),
    ("--extcap-config --extcap-interface apus-\"$iface\"", "--snapshot-length"),
    ("-J -i \"$iface\"", "x^["),
  ])
  func lists(_ arguments: String, _ contained: String) throws {
    try expectHarmless("ip netns exec $name \"$apus\" \(arguments) 2>&1 || true", contains: contained)
  }

  /// Captures on the interface by either name, with all messages about the capture and the written file.
  @Test(arguments: ["$iface", "$other"]) func captures(_ interface: String) throws {
    for flags in [
      "-nn -e", "-nn --json", "--ledger 0", "--stats protocols", "-i v0 -nn", "--explain", "-v --wait-interface -nn",
    ] {
      try expectHarmless(
        """
        capture -c 1 -i "\(interface)" \(flags) udp || true; for i in 1 2 3; do send 1 9 || true; done; finish
        """, contains: "listening on")
    }
    try expectHarmless(
      """
      capture -c 1 -i "\(interface)" -w file.pcapng udp || true; send 2 9 || true; finish
      "$apus" -nn -e -r file.pcapng 2>&1; "$apus" --json -r file.pcapng 2>&1
      """, contains: "listening on")
  }

  /// The interface goes down and comes back; apus reports this in text and in a comment of the file.
  @Test func outages() throws {
    try expectHarmless(
      """
      capture --wait-interface -i "$iface" -nn -w file.pcapng --print udp
      link link set "$iface" down; sleep 0.5; link link set "$iface" up; sleep 0.5; kill -TERM $pid; finish
      "$apus" -nn -r file.pcapng 2>&1; "$apus" --json -r file.pcapng 2>&1
      """, contains: "went down")
  }

  /// Wireshark's message window shows what is written to the pipe; it shows standard error when a capture fails.
  @Test func logsOfExtcap() throws {
    try expectHarmless(
      """
      mkfifo -m 600 packets log
      ip netns exec $name "$apus" --capture --extcap-interface "apus-$iface" --fifo packets --extcap-control-out log \
        --extcap-capture-filter udp -v > out 2> err & pid=$!
      cat log > said & listener=$!
      cat packets > file & reader=$!
      for i in $(seq 100); do grep -qa listening said && break; sleep 0.05; done
      send 1 9; sleep 0.3; kill -TERM $pid; wait $pid || true; wait $reader $listener
      # A message begins with T, the length in three octets, the number of the control and the command.
      python3 -c '
      import sys
      octets = open("said", "rb").read()
      while octets:
        assert octets[0] == 0x54, octets
        length = int.from_bytes(octets[1:4], "big")
        sys.stdout.buffer.write(octets[6:4 + length])
        octets = octets[4 + length:]
      '
      cat out err
      """, contains: "listening on x")
    try expectHarmless(
      """
      mkfifo -m 600 packets; cat packets > file & reader=$!
      ip netns exec $name "$apus" --capture --extcap-interface "apus-$other$iface" --fifo packets 2>&1 || true
      """, contains: "apus: ")
  }
}
