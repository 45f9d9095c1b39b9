import Foundation
import PacketCore
import TestSupport
import Testing

@testable import ApusCLI

/// The answers to Wireshark's queries for interfaces and how to capture on them.
@Suite struct ExtcapTests {
  /// The sentences of an answer whose first word is `word`, each as a dictionary.
  private func sentences(_ word: String, _ outcome: Outcome) -> [[String: String]] {
    outcome.output.split(separator: "\n").filter { $0.hasPrefix("\(word) {") }.map { line in
      var values: [String: String] = [:]
      for part in line.dropFirst(word.count + 1).split(separator: "{") {
        let pair = part.prefix { $0 != "}" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
      }
      return values
    }
  }

  @Test func interfacesStandBesideWiresharksOwn() throws {
    let outcome = try Subprocess.apus("--extcap-interfaces", "--extcap-version=4.0")
    let listed = try Subprocess.apus("-D")
    // "1.eth0 [Up]"
    let devices = listed.output.split(separator: "\n").map { line in
      String(line.drop { $0 != "." }.dropFirst().prefix { $0 != " " })
    }
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(sentences("extcap", outcome).map { $0["version"] } == [Command.version])
    #expect(sentences("interface", outcome).map { $0["value"] } == devices.map { "apus-\($0)" })
    #expect(sentences("interface", outcome).map { $0["display"] } == devices.map { "apus: \($0)" })
    #expect(sentences("control", outcome).map { $0["role"] } == ["logger"])
  }

  @Test(arguments: [("any", "276", "LINUX_SLL2"), ("lo", "1", "EN10MB")])
  func linkTypesNeedNoPrivilege(device: String, number: String, name: String) throws {
    let outcome = try Subprocess.apus("--extcap-dlts", "--extcap-interface", "apus-\(device)")
    #expect(sentences("dlt", outcome).map { [$0["number"], $0["name"]] } == [[number, name]], "\(outcome.errors)")
  }

  /// The command line accepts every option and value that Wireshark lets the user choose.
  @Test func whatCanBeSetIsTaken() throws {
    let outcome = try Subprocess.apus("--extcap-config", "--extcap-interface", "apus-any")
    let arguments = sentences("arg", outcome)
    let choices = sentences("value", outcome)
    #expect(arguments.map { $0["number"] } == arguments.indices.map(String.init) && arguments.count == 6)
    for argument in arguments {
      guard let flag = argument["call"], let number = argument["number"] else {
        Issue.record("\(argument)")
        continue
      }
      let bounds = argument["range"]?.split(separator: ",").map(String.init) ?? []
      let values = bounds + choices.filter { $0["arg"] == number }.compactMap { $0["value"] }
      let common = ["--capture", "--extcap-interface", "apus-lo", "--fifo", "f", flag]
      for words in argument["type"] == "boolflag" ? [common] : values.map({ common + [$0] }) {
        _ = try Configuration(ApusCommandLine.options(words))
      }
      #expect(argument["type"] == "boolflag" || !values.isEmpty)
    }
  }

  @Test(arguments: [
    ("udp port 9", "apus-lo", ""),
    ("", "apus-any", ""),
    ("udp prt 9", "apus-lo", "did you mean 'port'? (column 5)\n  udp prt 9\n      ^^^\n"),
    // A filter is either valid for an interface or not.
    ("ether host 02:00:00:00:00:01", "apus-lo", ""),
    ("ether host 02:00:00:00:00:01", "apus-any", "  ether host 02:00:00:00:00:01\n"),
  ])
  func saysWhatIsWrongWithAFilter(filter: String, interface: String, expected: String) throws {
    let outcome = try Subprocess.apus("--extcap-interface", interface, "--extcap-capture-filter", filter)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(expected.isEmpty ? outcome.output.isEmpty : outcome.output.contains(expected), "\(outcome.output)")
    #expect(expected.isEmpty || outcome.output.hasPrefix("apus: "))
  }

  @Test(arguments: [
    (["--extcap-dlts"], "--extcap-dlts requires --extcap-interface"),
    (["--extcap-config"], "--extcap-config requires --extcap-interface"),
    (["--capture", "--fifo", "f"], "--capture requires --extcap-interface"),
    (["--capture", "--extcap-interface", "apus-lo"], "--capture requires --fifo"),
    (["--fifo", "f"], "--fifo requires --capture"),
    (["--extcap-interfaces", "--extcap-control-out", "f"], "--extcap-control-out requires --capture"),
    (["--extcap-dlts", "--capture"], "--extcap-dlts cannot be combined with --capture"),
    (
      ["--extcap-interface", "apus-lo"],
      "--extcap-interface requires --extcap-dlts, --extcap-config, --extcap-capture-filter or --capture"
    ),
    (
      ["--extcap-dlts", "--extcap-interface", "lo"],
      "lo: not a name of --extcap-interfaces, which begins with apus-"
    ),
    (
      ["--extcap-dlts", "--extcap-interface", "apus-"],
      "apus-: not a name of --extcap-interfaces, which begins with apus-"
    ),
    (["--extcap-config", "--extcap-interface", "apus-none0"], "none0: no such interface (apus -D lists them)"),
    (
      ["--capture", "--extcap-interface", "apus-lo", "--fifo", "f", "-w", "g"],
      "--capture cannot be combined with -w: it writes to --fifo"
    ),
    (
      ["--capture", "--extcap-interface", "apus-lo", "--fifo", "f", "-r", "g"],
      "--capture cannot be combined with -r: it captures on --extcap-interface"
    ),
    (
      ["--capture", "--extcap-interface", "apus-lo", "--fifo", "f", "--extcap-capture-filter", "udp", "tcp"],
      "--extcap-capture-filter replaces the expression: give only one of them"
    ),
    (["--capture", "--extcap-interface", "apus-lo", "--fifo", "/none/f"], "/none/f: No such file or directory"),
    (["--capture", "--extcap-interface", "apus-lo", "--fifo", "/etc/passwd"], "/etc/passwd: not a FIFO"),
    (
      ["--capture", "--extcap-interface", "apus-lo", "--fifo", "/etc/passwd", "-s", "x"],
      "invalid snaplen x: bytes, or a number with k, m, g (KiB, MiB, GiB), kB, MB, GB or b (bytes) after it, from 0 to 262144 bytes"
    ),
  ])
  func refuses(arguments: [String], message: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == "apus: \(message)\n")
  }

  @Test func messagesOfTheLog() {
    var text = TextBuffer()
    text.write("5 packets captured\n")
    #expect(ExtcapLog.message(text.bytes) == [0x54, 0, 0, 21, 0, 2] + Array("5 packets captured\n".utf8))
    text.removeAll()
    for _ in 0..<300 { text.write("x") }
    #expect(ExtcapLog.message(text.bytes).prefix(6) == [0x54, 0, 1, 0x2e, 0, 2])
  }
}

/// Captures that are started as Wireshark starts them, writing to a FIFO that only root may open.
@Suite(
  .waits, .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct ExtcapCaptureTests {
  /// `wireshark …` starts `apus --capture` on `v1` with the FIFO `packets`; `await` waits until it ends and prints `status N` and its
  /// output.
  private func namespace(_ script: String) throws -> Outcome {
    try LiveNamespace.run(
      """
      mkfifo -m 600 packets log toolbar
      wireshark() {
        ip netns exec $name "$apus" --capture --extcap-interface apus-v1 --fifo packets "$@" > out 2> err & pid=$!
      }
      await() {
        for i in $(seq 100); do kill -0 $pid 2> /dev/null || break; sleep 0.05; done
        set +e; kill -KILL $pid 2> /dev/null; wait $pid; echo "status $?"; set -e; cat out err
      }

      """ + script)
  }

  @Test func packetsGoIntoTheFIFO() throws {
    let outcome = try namespace(
      """
      wireshark --extcap-capture-filter 'udp port 9' --snapshot-length 45
      cat packets > file & reader=$!
      for i in $(seq 100); do grep -qa v1 file && break; sleep 0.05; done
      sleep 0.3; send 2 10; send 3 9; sleep 0.5; kill -TERM $pid; await; wait $reader
      "$apus" -nn -t --lengths -r file 2>&1
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "status 0" && lines.count == 5, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("reading from file file, link-type EN10MB (Ethernet), snapshot length 45"))
    #expect(lines.suffix(3).allSatisfy { $0.contains("caplen 45, len 47") || $0.contains("192.0.2.2.9") })
  }

  @Test func endsQuietlyWhenItsReaderGoes() throws {
    // No packet matches the filter, so nothing is written after the header.
    let outcome = try namespace(
      "wireshark --extcap-capture-filter 'udp port 9'; head -c 100 packets > file; await; wc -c < file")
    #expect(outcome.output == "status 0\n100\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test func whatIsSaidGoesToTheLog() throws {
    let outcome = try namespace(
      """
      wireshark --extcap-capture-filter 'udp port 9' --extcap-control-in toolbar --extcap-control-out log
      cat log > said & listener=$!
      cat packets > file & reader=$!
      for i in $(seq 100); do grep -qa listening said && break; sleep 0.05; done
      send 3 9; sleep 0.5; kill -TERM $pid; await; wait $reader; wait $listener; tr -c '[:print:]\\n' . < said
      """)
    #expect(outcome.output.hasPrefix("status 0\nT..S..apus: listening"), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.contains("apus: listening on v1, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n"))
    #expect(outcome.output.contains("T.....3 packets captured\nT"))
  }

  /// A failure closes the FIFO: otherwise its reader would wait forever.
  @Test func aFailureIsAnEndForTheReader() throws {
    let outcome = try namespace(
      """
      wireshark --extcap-capture-filter 'udp prt 9'; timeout 5 cat packets; await
      """)
    #expect(outcome.output.hasPrefix("status 1\napus: can't parse filter expression: "), "\(outcome.output)")
  }

  /// When nobody opens the FIFO to read, a signal ends the wait, with and without Wireshark.
  @Test(arguments: ["wireshark", "ip netns exec $name \"$apus\" -i v1 -w packets > out 2> err & pid=$!"])
  func aSignalEndsWhatWaitsForAReader(start: String) throws {
    let outcome = try namespace("\(start)\nsleep 0.5; kill -TERM $pid; await")
    // Wireshark gets the reason; in other captures it is on standard error.
    let expected = start.contains("-w packets") ? "status 143\n" : "status 1\napus: packets: "
    #expect(outcome.output.contains(expected), "\(outcome.output)")
  }

  /// In `ssh host apus -i eth0 -w -`, apus must not keep running after the connection is closed.
  @Test func aClosedPipeIsNoticedWithoutPackets() throws {
    let outcome = try namespace(
      """
      exec 3> >(head -c 24 > file)
      ip netns exec $name "$apus" -i v1 -w - udp port 9 >&3 2> err & pid=$!
      exec 3>&-; await
      """)
    #expect(outcome.output.hasPrefix("status 1\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("apus: standard output: Broken pipe: 0 packets are written, 0 are lost\n"))
  }
}

/// Debian's tshark with apus as an extcap program.
@Suite(
  .waits,
  .enabled(
    if: LiveNamespace.isPossible && Subprocess.installed("tshark") != nil,
    "needs tshark, root, ip(8) and network namespaces"))
struct TsharkTests {
  /// Runs a script in a namespace where the only program in tshark's extcap folder is a link to apus: `shark …` runs tshark there.
  private func namespace(_ script: String) throws -> Outcome {
    try LiveNamespace.run(
      """
      export HOME=$folder; mkdir programs; ln -s "$apus" programs/apus
      extcap=$(tshark -G folders 2> /dev/null | sed -n 's/^Extcap path:[[:space:]]*//p')
      [ -d "$extcap" ]
      # ip(8) gives what it starts a mount namespace of its own.
      shark() { in_namespace bash -c 'mount --bind "$0" "$1"; shift; exec timeout 60 tshark "$@"' programs "$extcap" "$@"; }

      """ + script)
  }

  @Test func listsApus() throws {
    let outcome = try namespace("shark -D")
    for name in ["v0", "v1", "any", "lo"] {
      #expect(outcome.output.contains(". apus-\(name) (apus: \(name))\n"), "\(outcome.output)\(outcome.errors)")
    }
  }

  @Test func capturesWithTheFilterOfApus() throws {
    let outcome = try namespace(
      """
      while sleep 0.1; do send 1 10; send 1 9; done & sender=$!
      shark -i apus-v1 -f 'udp port 9' -c 3 -o extcap.apus_v1.snapshotlength:46 -T fields -e udp.dstport -e frame.cap_len
      kill $sender
      """)
    #expect(outcome.status == 0)
    #expect(outcome.output == "9\t46\n9\t46\n9\t46\n", "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.contains("3 packets captured") && !outcome.errors.contains("Error"))
  }

  @Test func showsWhatIsWrongWithTheFilter() throws {
    let outcome = try namespace("shark -i apus-v1 -f 'udp prt 9' || true")
    #expect(outcome.errors.contains("apus: can't parse filter expression: syntax error: "), "\(outcome.errors)")
    #expect(outcome.errors.contains("\n  udp prt 9\n      ^^^\n"))
  }
}
