import Dissect
import Filter
import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

@testable import ApusCLI

private let unreachable = Fixture.capture("unreachable.pcap")
private let http = Fixture.capture("http.pcap")

/// The command line's output about filters: explanations, annotated programs, graphs and lint.
@Suite struct FilterListingTests {
  // MARK: --explain

  /// For every fixture, the explanations agree with the filter's verdicts (checked in the loop), and the summary table adds up.
  @Test(arguments: ["tcp port 80 or not ip", "not (udp or arp) and len > 80"])
  func explainsEveryFixture(_ expression: String) throws {
    let command = Command(
      try Configuration(ApusCommandLine.options(["--explain=summary", "--color", "never", "-r", "-", expression])))
    for name in Fixture.all {
      var reader = try SavefileReader(path: Fixture.capture(name))
      let options = command.compileOptions(
        reader.linkType, snaplen: reader.snaplen, target: .savefile(byteSwapped: reader.isByteSwapped), netmask: 0)
      let kinds = SourceKinds(reportsDirection: reader.reportsDirection, isMixed: reader.interfaces != nil)
      var filter = try command.filter(options, kinds)
      var explanations = try PacketExplanations(command.configuration, filter, .summary, options, kinds, .none)
      var count = 0
      var packets = 0
      while let packet = try reader.next() {
        // Throws if the explanation and the filter disagree.
        #expect(try explanations.examine(packet))
        packets += 1
        if filter.accepts(packet) { count += 1 }
      }
      explanations.finish()
      let rows = explanations.printer.out.string.split(separator: "\n").map { $0.split(separator: " ") }
      let last = try #require(rows.last)
      let decided = rows.dropFirst().dropLast().compactMap { $0.count > 4 ? Int($0[4]) : nil }.reduce(0, +)
      // "12 packets: 11 accepted, 1 rejected"
      #expect(Int(last[0]) == packets && Int(last[2]) == count && Int(last[4]) == packets - count, "\(name)")
      #expect(decided == packets, "\(name)")
    }
  }

  @Test func explainsPackets() throws {
    let outcome = try Subprocess.apus("--explain", "-nn", "-t", "-c", "1", "-r", unreachable, "icmp or tcp port 80")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        - packet 1: 94 bytes, rejected: ip proto is 17 (udp), wanted 6 (tcp)
          icmp or tcp port 80
                  ^^^^^^^^^^^
          nor 'icmp': ip proto is 17 (udp), wanted 1 (icmp)
        IP 192.0.2.1.47844 > 192.0.2.2.53: 37026+ [1au] A? example.com. (52)
        + packet 2: 122 bytes, accepted: ip proto is 1 (icmp)
          icmp or tcp port 80
          ^^^^
        IP 192.0.2.2 > 192.0.2.1: ICMP 192.0.2.2 udp port 53 unreachable, length 88
            tested      true     false  too short   decided  term
                 2         1         1          0         1  icmp
                 1         0         1          0         1  tcp port 80
        2 packets: 1 accepted, 1 rejected

        """)
  }

  /// The chain of terms that accepted a packet, in color.
  @Test func namesTheChainOfTerms() throws {
    let outcome = try Subprocess.apus(
      "--explain", "--color", "always", "-q", "-nn", "-t", "-c", "1", "-r", unreachable,
      "arp or (ip and not tcp and icmp)")
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.first == "\u{1b}[31m- packet 1: 94 bytes, rejected: ip proto is 17 (udp), wanted 1 (icmp)\u{1b}[0m")
    let place = try #require(lines.firstIndex { $0.hasPrefix("\u{1b}[32m+ packet 2: ") })
    #expect(lines[place].hasSuffix("accepted: ip proto is 1 (icmp)\u{1b}[0m"))
    #expect(
      Array(lines[(place + 1)...(place + 4)]) == [
        "  arp or (ip and not tcp and icmp)", "  \u{1b}[32m        ^^     ^^^^^^^     ^^^^\u{1b}[0m",
        "  and 'ip': ethertype is 0x0800 (IPv4)", "  and 'not tcp': ip proto is 1 (icmp), not 6 (tcp)",
      ])
  }

  @Test(arguments: [
    (["--explain=x", "tcp"], "apus: unknown detail 'x' of --explain: use packets or summary\n"),
    (["--explain", "-d", "tcp"], "apus: --explain cannot be combined with -d\n"),
    (
      ["--explain", "--bytecode", "f"],
      "apus: --explain cannot be combined with --bytecode: bytecode has no terms\n"
    ),
    (["--explain", "--count", "tcp"], "apus: --explain cannot be combined with --count\n"),
    (["--explain", "--trace", "tcp"], "apus: --explain cannot be combined with --trace\n"),
    (["--graph", "gif", "tcp"], "apus: unknown format 'gif' of --graph: use dot, svg, png or ascii\n"),
    (["--graph", "dot", "--annotate", "tcp"], "apus: --annotate cannot be combined with --graph\n"),
  ])
  func refuses(_ arguments: [String], _ errors: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == errors)
  }

  // MARK: --annotate

  @Test func annotates() throws {
    let outcome = try Subprocess.apus("-d", "--annotate", "-r", unreachable, "icmp or arp")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        (000) ldh      [12]                                     ; 12  icmp
        (001) jeq      #0x800           jt 2\tjf 4            ; 12 true=12 false=0  icmp
        (002) ldb      [23]                                     ; 12  icmp
        (003) jeq      #0x1             jt 5\tjf 6            ; 12 true=11 false=1  icmp
        (004) jeq      #0x806           jt 5\tjf 6            ;  0  arp
        (005) ret      #262144                                  ; 11  (verdict)
        (006) ret      #0                                       ;  1  (verdict)
        ; 12 packets, 11 accepted

        """)
  }

  /// The annotations are comments, so the assembler reads the text as it is.
  @Test func annotatedProgramsCanBeRead() throws {
    let text = try Subprocess.apus("--annotate", "-r", http, "tcp port 80 and len > 100").output
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).txt")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let counted = try Subprocess.apus("--count", "-r", http, "--bytecode", file.path)
    #expect(counted.output == (try Subprocess.apus("--count", "-r", http, "tcp port 80 and len > 100")).output)
  }

  // MARK: --graph

  @Test func drawsText() throws {
    let outcome = try Subprocess.apus("--graph", "ascii", "-r", unreachable, "icmp")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        [0] ethertype == 0x0800 (IPv4)  12 packets  ; icmp
            |-- yes  -> [1]  (12)
            `-- no   -> [3] reject  (0)
        [1] ip proto == 1 (icmp)        12 packets  ; icmp
            |-- yes  -> [2] accept  (11)
            `-- no   -> [3] reject  (1)
        [2] accept                      11 packets
        [3] reject                      1 packet

        """)
  }

  @Test(
    .enabled(if: Subprocess.installed("dot") != nil, "graphviz is not installed"),
    arguments: ["", "ip", "tcp port 80 or (udp port 53 and net 10.0.0.0/8) or icmp6 or (vlan 5 and arp)"])
  func drawsWithGraphviz(_ expression: String) throws {
    let picture = try Subprocess.apus("--graph", "svg", "-r", http, expression)
    #expect(picture.status == 0 && picture.errors.hasPrefix("reading from file"))
    #expect(
      picture.output.contains("<svg") && picture.output.contains("accept") && picture.output.hasSuffix("</svg>\n"))
  }

  @Test func asksForGraphvizByName() throws {
    let outcome = try Subprocess.run(
      try Subprocess.apusPath(), ["--graph", "svg", "ip"], environment: ["PATH": "/nonexistent"])
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors
        == "apus: --graph svg needs the program 'dot' of graphviz (Debian: apt-get install graphviz)\n")
  }

  // MARK: --lint

  @Test func lints() throws {
    let outcome = try Subprocess.apus("--lint", "tcp or udp and net 10")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.hasPrefix("warning: 'and' and 'or' have the same precedence"))
    #expect(outcome.output.contains("\n  tcp or udp and net 10\n                 ^^^^^^\n"))
    #expect(outcome.output.contains("\n  rewrite: (tcp or udp) and net 10.0.0.0/8\n  which means the same\n"))
    let clean = try Subprocess.apus("--lint", "tcp port 80 and host 192.0.2.1")
    #expect(clean.status == 0 && clean.output.isEmpty && clean.errors.isEmpty)
    // The warning appears on terminals only.
    let reading = try Subprocess.apus("--count", "-r", http, "net 10")
    #expect(!reading.errors.contains("net 10"))
  }
}
