import Testing

@testable import ApusCLI

@Suite struct ArgumentVectorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: String
    var flags: String
    var expression = ""
    var testDescription: String { arguments }

    init(_ arguments: String, _ flags: String, _ expression: String = "") {
      self.arguments = arguments
      self.flags = flags
      self.expression = expression
    }
  }

  static let cases = [
    Case("", ""),
    Case("-n", "-n"),
    Case("-nnvvXs 0", "-n -n -v -v -X --snapshot-length=0"),
    Case("-nnr f", "-n -n --read-file=f"),
    Case("-nnrf", "-n -n --read-file=f"),
    Case("-r -", "--read-file=-"),
    Case("-w - -U", "--write-file=- --packet-buffered"),
    Case("-c1 -s0 -ieth0", "--packet-count=1 --snapshot-length=0 --interface=eth0"),
    Case("-nni lo", "-n -n --interface=lo"),
    Case("-#", "--number"),
    Case("-#n", "--number -n"),
    Case("-ddd", "-d -d -d"),
    Case("-r f tcp port 80 -n", "--read-file=f -n", "tcp port 80"),
    Case("tcp -n -- -x", "-n", "tcp -x"),
    Case("-n -- -x -y", "-n", "-x -y"),
    Case("-F -odd", "--filter-file=-odd"),
    Case("--interface=eth0", "--interface=eth0"),
    Case("--interface eth0 udp", "--interface=eth0", "udp"),
    Case("--snap 96", "--snapshot-length=96"),
    Case("--nano --count", "--nano --count"),
    Case("--netmask=255.0.0.0 -d", "--netmask=255.0.0.0 -d"),
    Case("-y RAW -d -", "--linktype=RAW -d", "-"),
  ]

  @Test(arguments: cases) func takesApart(_ expected: Case) throws {
    func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
    let vector = try ArgumentVector(words(expected.arguments))
    #expect(vector.flags == words(expected.flags))
    #expect(vector.expression == words(expected.expression))
    #expect(vector.arguments == vector.flags + ["--"] + vector.expression)
  }

  @Test(arguments: [
    (["-r"], "option -r needs a value"),
    (["-nr"], "option -r needs a value"),
    (["--interface"], "option --interface needs a value"),
    (["--interface="], "option --interface needs a value"),
    (["-F", ""], "option -F needs a value"),
    (["--count=3"], "option --count takes no value"),
    (["-Z"], "option -Z needs a value"),
    (["-nk"], "unknown option -k in -nk"),
    (["--bogus"], "unknown option --bogus"),
    (
      ["--list"],
      "option --list is ambiguous: --list-interfaces, --list-link-types, --list-primitives, --list-protocols, --list-time-stamp-types, --list-data-link-types"
    ),
  ])
  func refuses(_ arguments: [String], _ message: String) {
    let error = #expect(throws: CommandError.self) { _ = try ArgumentVector(arguments) }
    #expect(error?.description == message)
  }

  /// What getopt is told of the flags is what the option groups declare: the parser takes all of them, by letter and by word.
  @Test func everyFlagIsDeclared() throws {
    let letters = GetoptFlag.all.filter { $0.letter != nil }.map { ($0.letter.map { "-\($0)" } ?? "", $0.takesValue) }
    let words = GetoptFlag.all.filter { $0.word != nil }.map { ($0.word.map { "--\($0)" } ?? "", $0.takesValue) }
    for flags in [letters, words] {
      func arguments(_ flags: some Sequence<(String, Bool)>) -> [String] {
        flags.flatMap { $0.1 ? [$0.0, "1"] : [$0.0] }
      }
      #expect(flags.count > 40)
      guard (try? ApusCommandLine.options(arguments(flags))) == nil else { continue }
      // Each alone says which one it is.
      for flag in flags { #expect(throws: Never.self, "\(flag)") { try ApusCommandLine.options(arguments([flag])) } }
    }
  }
}
