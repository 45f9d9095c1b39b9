import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// Parses arguments into options and the resulting configuration.
@Suite struct OptionParserTests {
  /// Every flag of tcpdump(1) as people write it: joined to its value or not, in a bundle, as a word in full and shortened, after the
  /// expression, repeated, after `--`, and without its value. Each gives the configuration that is recorded.
  @Test func spellingsMeanWhatTheyMeant() throws {
    let path = Fixture.packageRoot.appendingPathComponent("Fixtures/command-line/spellings.txt")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count > 1400)
    var letters: Set<Character> = []
    for (spelling, configuration) in zip(lines, lines.dropFirst()) where spelling.hasPrefix("$ ") {
      let arguments = spelling.dropFirst(2).split(separator: " ").map(String.init)
      #expect(ConfigurationDescription.of(arguments) == configuration.dropFirst(2), "\(spelling)")
      letters.formUnion(arguments.filter { $0.count == 2 && $0.hasPrefix("-") }.compactMap(\.last))
    }
    // The letters that tcpdump(1) lists, except those for decryption and MIB modules.
    for letter in "AbBcCdDefFGHhiIjJKlLnNOpqQrsStTuUvVwWxXyzZ#" { #expect(letters.contains(letter), "\(letter)") }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var expression: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, _ expression: String = "") {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.expression = expression.split(separator: " ").map(String.init)
    }
  }

  @Test(arguments: [
    Case(""), Case("-n"), Case("-"), Case("-r f tcp port 80 -n", "tcp port 80"), Case("tcp -n -- -x", "tcp -x"),
    Case("-n -- -x -y", "-x -y"), Case("--", ""), Case("-- --", "--"), Case("-y RAW -d -", "-"),
    Case("--interface eth0 udp", "udp"), Case("--explain tcp", "tcp"), Case("--help files tcp", "tcp"),
    Case("--help -n tcp", "tcp"),
  ])
  func expressions(_ expected: Case) throws {
    let words = expected.arguments == ["-"] ? ["-"] : expected.expression
    #expect(try OptionParser.options(expected.arguments).filter.expression == words)
  }

  @Test func values() throws {
    let options = try OptionParser.options([
      "-nnvvXs", "0", "-ieth0", "-i", "eth1", "-nni", "lo", "-F", "-odd", "--snap", "96", "-c1", "-c=2", "-w", "-",
      "-r", "a=b",
      "--memory=", "--extcap-capture-filter", "", "--explain", "--graph=dot=x",
    ])
    #expect(options.printing.numeric == 4 && options.printing.verbose == 2 && options.printing.hexAndASCII == 1)
    #expect(options.input.interfaces == ["eth0", "eth1", "lo"] && options.input.snapshotLength == "96")
    #expect(options.filter.filterFile == "-odd" && options.counts.packetCount == "=2")
    #expect(options.output.writeFile == "-" && options.savefiles.readFiles == ["a=b"])
    #expect(options.ebpf.memory == "" && options.extcap.filter == "")
    #expect(options.explanation.explain == "packets" && options.explanation.graph == "dot=x")
  }

  @Test(arguments: [
    (["-r"], "option -r needs a value"),
    (["-nr"], "option -r needs a value"),
    (["--interface"], "option --interface needs a value"),
    (["--interface="], "option --interface needs a value"),
    (["-F", ""], "option -F needs a value"),
    (["--explain="], "option --explain needs a value"),
    (["--count=3"], "option --count takes no value"),
    (["-Z"], "option -Z needs a value"),
    // The message suggests the nearest option.
    (["-nk"], "unknown option -k in -nk: did you mean -K?"),
    (["-P"], "unknown option -P: did you mean -p?"),
    (["-5"], "unknown option -5: apus -h lists the options"),
    (["-é"], "unknown option -é: apus -h lists the options"),
    (["-merge"], "unknown option -m in -merge: --merge has two dashes"),
    (["--bogus"], "unknown option --bogus: apus --help all lists the options"),
    (["--colour=never"], "unknown option --colour: did you mean --color?"),
    (["--packet-cuont", "5"], "unknown option --packet-cuont: did you mean --packet-count?"),
    (["--interfaces"], "unknown option --interfaces: did you mean --interface?"),
    (["--dont-verify-checksum-s"], "unknown option --dont-verify-checksum-s: did you mean --dont-verify-checksums?"),
    // Options of other programs.
    (
      ["-E", "des:key"],
      "unknown option -E: tcpdump decrypts ESP with it; apus does not decrypt: save the packets with -w FILE for a program that does"
    ),
    (
      ["-nM", "secret"],
      "unknown option -M in -nM: tcpdump checks TCP MD5 signatures with it; apus prints the signatures unchecked"
    ),
    (
      ["-m", "IF-MIB"],
      "unknown option -m: tcpdump loads a MIB module with it; apus prints SNMP object identifiers as numbers"
    ),
    (
      ["-Y", "tcp.port == 80"],
      "unknown option -Y: tshark's display filters are not supported: use a pcap-filter(7) expression, as in: apus -r FILE 'tcp port 80'"
    ),
    (["-ftcp port 80"], "option -f takes no value: the filter is a separate argument: 'tcp port 80'"),
    (
      ["--list"],
      "option --list is ambiguous: --list-interfaces, --list-data-link-types, --list-time-stamp-types, --list-link-types, --list-primitives, --list-protocols"
    ),
  ])
  func refuses(_ arguments: [String], _ message: String) {
    let error = #expect(throws: CommandError.self) { _ = try OptionParser.options(arguments) }
    #expect(error?.description == message)
  }

  /// tshark's `-f 'tcp port 80'` is accepted: here it is the flag -f, followed by a filter.
  @Test func aFilterBehindItsFlag() throws {
    let options = try OptionParser.options(["-f", "tcp port 80"])
    #expect(options.forms.foreignNumeric && options.filter.expression == ["tcp port 80"])
    // An argument that is a bundle with a value is not taken for a filter, even if the value contains a blank.
    #expect(try OptionParser.options(["-fw", "my file"]).output.writeFile == "my file")
    #expect(try OptionParser.options(["-fwmy file"]).output.writeFile == "my file")
  }

  /// The command of `--run` is the rest of the line, with or without `--` before it.
  @Test(arguments: [
    ["--run", "ls", "-l", "--", "-i"], ["--run", "--", "ls", "-l", "--", "-i"], ["--run=ls", "-l", "--", "-i"],
  ])
  func aCommandIsTheRestOfTheLine(_ arguments: [String]) throws {
    let options = try OptionParser.options(["-nn"] + arguments)
    #expect(options.processes.command == ["ls", "-l", "--", "-i"] && options.input.interfaces.isEmpty)
  }

  /// The parser does not crash, whatever the arguments.
  @Test func arbitraryArguments() {
    var random = SystemRandomNumberGenerator()
    let pieces =
      Flag.all.flatMap(\.names) + ["-", "--", "=", "1", "x y", "", "-n", "tcp", "\u{301}", "-\u{301}", "--=", "---"]
    for _ in 0..<2000 {
      let count = Int.random(in: 0...6, using: &random)
      let arguments = (0..<count).map { _ in
        (0..<Int.random(in: 1...3, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      }
      _ = try? OptionParser.options(arguments)
    }
  }

  @Test(arguments: [
    ("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("", "abc", 3), ("colour", "color", 1), ("ab", "ba", 1),
  ])
  func distances(_ first: String, _ second: String, _ distance: Int) {
    #expect(UnknownFlag.distance(first, second) == distance && UnknownFlag.distance(second, first) == distance)
  }
}
