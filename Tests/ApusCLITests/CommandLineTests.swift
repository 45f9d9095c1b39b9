import Filter
import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

@testable import ApusCLI

private let http = Fixture.capture("http.pcap")

/// Runs a shell command in which `$apus` is the program of this build.
private func shell(_ command: String) throws -> Outcome {
  try Subprocess.run("/bin/bash", ["-c", "set -o pipefail; \(command)"], environment: ["apus": Subprocess.apusPath()])
}

/// End-to-end tests of the command line.
@Suite struct CommandLineTests {
  @Test func countsLikeLibpcap() throws {
    let packets = try Libpcap.read(http).packets.count
    let outcome = try Subprocess.apus("--count", "-r", http)
    #expect(outcome.status == 0 && outcome.output == "\(packets) packets\n")
    #expect(outcome.errors == "reading from file \(http), link-type EN10MB (Ethernet), snapshot length 262144\n")
    #expect(try Subprocess.apus("--count", "-c", "1", "-r", http).output == "1 packet\n")
    #expect(try Subprocess.apus("--count", "--skip", "2", "-r", http).output == "\(packets) packets\n")
  }

  @Test func aPipeThatClosesEndsQuietly() throws {
    let outcome = try shell(
      "for i in $(seq 40); do echo \(http); done | while read f; do cat $f; done > /dev/null;"
        + " $apus -l -nn -r \(http) 2>/dev/null | head -1")
    #expect(outcome.status == 0)
    #expect(outcome.output.split(separator: "\n").count == 1)
    #expect(outcome.errors.isEmpty)
  }

  @Test func savefilesThroughPipes() throws {
    let direct = try Subprocess.apus("-nn", "-r", http, "tcp")
    let piped = try shell("$apus -r \(http) -w - tcp 2>/dev/null | $apus -nn -r - 2>/dev/null")
    #expect(piped.status == 0 && piped.output == direct.output && !piped.output.isEmpty)
    let copied = try shell("$apus -r \(http) -w - 2>/dev/null | cmp - \(http)")
    #expect(copied.status == 0 && copied.errors.isEmpty)
  }

  @Test(arguments: [
    (["-r", "/nonexistent"], "apus: /nonexistent: No such file or directory\n"),
    (["-r", "/"], "apus: /: Is a directory\n"),
    (["-r", #filePath], "apus: \(#filePath): not a capture file; it looks like a text file\n"),
    (["--bogus"], "apus: unknown option --bogus: apus --help all lists the options\n"),
    (["-Q"], "apus: option -Q needs a value\n"),
    (["-i", "nonexistent0"], "apus: nonexistent0: no such interface (apus -D lists them)\n"),
    (["-y", "NOTHING", "-d"], "apus: invalid data link type NOTHING: apus --list-link-types lists what is possible\n"),
    (["-d", "-F", "/nonexistent"], "apus: can't open /nonexistent: No such file or directory\n"),
  ])
  func errorsAreOneLine(_ arguments: [String], _ errors: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == errors)
  }

  @Test func aRefusedExpressionIsShown() throws {
    let outcome = try Subprocess.apus("-d", "tcp port 70000")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("apus: ") && outcome.errors.contains("^"))
  }

  @Test func whatCannotBeWrittenIsReported() throws {
    let text = try shell("$apus -nn -r \(http) > /dev/full")
    #expect(text.status == 1)
    #expect(text.errors.hasSuffix("\napus: unable to write output: No space left on device\n"))
    let file = try Subprocess.apus("-r", http, "-w", "/dev/full")
    #expect(file.status == 1)
    #expect(file.errors.contains("\napus: /dev/full: No space left on device: no packet is in the file"))
    let folder = try Subprocess.apus("-r", http, "-w", "/nonexistent/x")
    #expect(folder.status == 1)
    #expect(folder.errors == "apus: /nonexistent/x: No such file or directory\n")
  }

  /// A file name that is not UTF-8 is refused, rather than read or written under a different name.
  @Test(arguments: ["-r", "-w"]) func anArgumentThatIsNoUTF8IsRefused(_ flag: String) throws {
    let outcome = try shell("cd $(mktemp -d); $apus \(flag) $'caf\\xe9.pcap'; s=$?; ls; exit $s")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("apus: the argument 'caf\u{fffd}.pcap' is not UTF-8: "), "\(outcome.errors)")
  }

  @Test func aFileIsNotWrittenOverItself() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).pcap")
    try FileManager.default.copyItem(atPath: http, toPath: file.path)
    defer { try? FileManager.default.removeItem(at: file) }
    let outcome = try Subprocess.apus("-r", file.path, "-w", file.path)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "apus: \(file.path): the file to write is the file to read\n")
    #expect(FileManager.default.contentsEqual(atPath: file.path, andPath: http))
  }

  @Test func aCutFileGivesItsPacketsFirst() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).pcap")
    let whole = try Data(contentsOf: URL(fileURLWithPath: http))
    try whole.dropLast(1).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let packets = try Libpcap.read(http).packets.count - 1
    let outcome = try Subprocess.apus("-nn", "-#", "-t", "-r", file.path)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("\n   \(packets)  ") || outcome.output.contains("\n    \(packets)  "))
    #expect(outcome.errors.contains("apus: \(file.path): truncated capture file: "))
    #expect(outcome.errors.hasSuffix(", after \(packets) whole packets\n"))
  }

  @Test func filterFiles() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try Data("tcp and\n port 80\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try Subprocess.apus("-d", "-F", file.path).output == Subprocess.apus("-d", "tcp and port 80").output)
  }

  @Test func listsAndVersions() throws {
    let interfaces = try Subprocess.apus("-D")
    #expect(interfaces.status == 0 && interfaces.output.contains(".lo [Up, Running, Loopback]\n"))
    if let tcpdump = Subprocess.installed("tcpdump") {
      #expect(try Subprocess.run(tcpdump, ["-D"]).output == interfaces.output)
    }
    #expect(try Subprocess.apus("--version").output.contains("libpcap version"))
  }

  private static let expressions = [
    "", "tcp port 80", "host 192.0.2.1 and not udp", "len > 100", "ether[0:4] = 1 or ip6",
  ]

  /// Native code and the interpreter print the same packets, errors and text. Each way of processing packets is tested with a file of each
  /// format, including one whose packets have different link types.
  @Test func nativeCodeChangesNothing() throws {
    let files = ["http.pcap", "big-endian.pcap", "nanosecond.pcap", "interfaces.pcapng", "dumpcap.pcapng"]
    for (index, flags) in [
      ["--count"], ["--count", "-c", "2"], ["-nn", "-c", "3"], ["-nn", "--skip", "1", "-#"], ["-w", "-"],
    ].enumerated() {
      for (place, name) in files.enumerated() {
        let expression = Self.expressions[(index + place) % Self.expressions.count]
        let arguments = flags + ["-r", Fixture.capture(name), expression]
        let native = try Subprocess.run(Subprocess.apusPath(), arguments)
        let interpreted = try Subprocess.run(Subprocess.apusPath(), ["--no-jit"] + arguments)
        #expect(native == interpreted, "\(arguments)")
      }
    }
  }

  /// Runs the packet loop, which skips packets that native code rejects, over every capture.
  @Test(arguments: expressions) func nativeCodeAcceptsTheSame(_ expression: String) throws {
    for flags in [[], ["-c", "2"], ["--skip", "1"]] {
      let (native, interpreted) = (
        try Self.command(flags + ["--count", "-r", "-", expression]),
        try Self.command(flags + ["--count", "--no-jit", "-r", "-", expression])
      )
      for name in Fixture.all {
        let path = Fixture.capture(name)
        #expect(try Self.accepted(native, path) == Self.accepted(interpreted, path), "\(name) \(flags)")
      }
    }
  }

  private static func command(_ arguments: [String]) throws -> Command {
    Command(try Configuration(ApusCommandLine.options(arguments)))
  }

  /// How many packets of a savefile the loop accepts, and the error it ended with.
  private static func accepted(_ command: Command, _ path: String) throws -> (packets: UInt64?, error: String) {
    var reader = try SavefileReader(path: path)
    let options = command.compileOptions(
      reader.linkType, snaplen: reader.snaplen, target: .savefile(byteSwapped: reader.isByteSwapped), netmask: 0)
    let kinds = SourceKinds(reportsDirection: reader.reportsDirection, isMixed: reader.interfaces != nil)
    do throws(CommandError) {
      var session = Session(command.configuration, filter: try command.filter(options, kinds), writer: nil)
      let fault = session.take(from: &reader)
      return (session.accepted, fault ?? "")
    } catch {
      return (nil, error.description)
    }
  }

  @Test func aCutFileIsCountedAlike() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: http))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).pcap")
    defer { try? FileManager.default.removeItem(at: file) }
    for length in stride(from: 24, through: whole.count, by: 331) {
      try whole.prefix(length).write(to: file)
      let native = try Subprocess.apus("--count", "-r", file.path, "tcp port 80")
      #expect(try native == Subprocess.apus("--no-jit", "--count", "-r", file.path, "tcp port 80"))
      // The packets before the cut are counted.
      #expect(native.output.hasSuffix(native.output == "1 packet\n" ? " packet\n" : " packets\n"))
    }
  }

  @Test func theMachineIsNamed() throws {
    let native = try Subprocess.apus("--version").output
    #expect(
      native.contains("\nfilters run as native code for ") || native.contains("\nfilters run in the interpreter ("))
    #expect(
      try Subprocess.apus("--no-jit", "--version").output.hasSuffix("filters run in the interpreter (--no-jit)\n"))
  }

  /// Where the system allows no executable memory, the interpreter filters the packets, and `--version` says so.
  @Test(.enabled(if: Subprocess.installed("python3") != nil, "the system's permission is taken away by python3"))
  func withoutExecutableMemory() throws {
    let python = try #require(Subprocess.installed("python3"))
    // prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), available since Linux 6.3.
    let script = """
      import ctypes, os, sys
      if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)
      os.execv(sys.argv[1], sys.argv[1:])
      """
    func run(_ arguments: String...) throws -> Outcome {
      try Subprocess.run(python, ["-c", script, Subprocess.apusPath()] + arguments)
    }
    let version = try run("--version")
    guard version.status != 77 else { return }
    #expect(version.output.hasSuffix("filters run in the interpreter (no executable memory: Permission denied)\n"))
    #expect(try run("--count", "-r", http, "tcp port 80") == Subprocess.apus("--count", "-r", http, "tcp port 80"))
  }
}
