import Foundation
import TestSupport
import Testing

/// Filter words that test processes, without the privilege to ask the kernel.
@Suite struct ProcessWordTests {
  private static let capture = Fixture.packageRoot.appendingPathComponent("Fixtures/captures/http.pcap").path

  /// A file without processes is an error that points at the words that need them.
  @Test func aFileSaysNothing() throws {
    let outcome = try Subprocess.apus("-r", Self.capture, "tcp and (src pid 5 or not comm curl*)")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.hasSuffix(
        """
        apus: the packets say nothing of processes; capture with --process -w to a pcapng file (column 10)
          tcp and (src pid 5 or not comm curl*)
                   ^^^^^^^^^        ^^^^^^^^^^

        """), "\(outcome.errors)")
  }

  /// A format that cannot store processes is refused before anything is printed. In a format that can, their absence is reported at the
  /// end.
  @Test(arguments: [[], ["--json"], ["--explain"], ["--stats", "protocols"], ["--count"], ["-w", "-"]])
  func nothingIsPrintedBefore(_ flags: [String]) throws {
    let apus = try Subprocess.apusPath()
    let outcome = try Subprocess.run(apus, ["-r", Self.capture] + flags + ["not comm curl"])
    #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome.output)")
    #expect(outcome.errors.contains("apus: the packets say nothing of processes; "), "\(outcome.errors)")
    let pcapng = try Subprocess.temporaryFile(suffix: ".pcapng")
    defer { Subprocess.remove(pcapng) }
    #expect(try Subprocess.apus("-r", Self.capture, "-w", pcapng).status == 0)
    let end = try Subprocess.run(apus, ["-r", pcapng] + flags + ["not comm curl"])
    #expect(end.status == 1 && end.errors.contains("apus: the packets say nothing of processes; "), "\(end.errors)")
  }

  /// A message says that no processes are known, or that a pcap file cannot store them.
  @Test func printingAndCopyingSaySo() throws {
    let printed = try Subprocess.apus("-r", Self.capture, "-c", "1", "--process")
    #expect(printed.status == 0 && printed.output.hasSuffix(", from -, to -\n"), "\(printed.output)")
    #expect(
      printed.errors.hasSuffix(
        "apus: the packets say nothing of processes; capture with --process -w to a pcapng file\n"))
    let copied = try Subprocess.apus("-r", Self.capture, "--process", "-w", "/dev/null")
    #expect(
      copied.errors.contains(
        "apus: /dev/null: a pcap file does not keep processes: use --format pcapng, or a name that ends in .pcapng\n"),
      "\(copied.errors)")
  }

  /// In a compiled program, conditions on processes are left undecided.
  @Test(arguments: [
    ("pid 5 and tcp", "tcp"), ("tcp and not comm x", "tcp"), ("tcp or uid 0", ""), ("not (pid 5 or udp)", "not udp"),
    ("src and dst cgroup /a and udp", "udp"),
  ])
  func programsLeaveThemOpen(_ filter: String, _ rest: String) throws {
    #expect(
      try Subprocess.apus("-ddd", filter).output == Subprocess.apus("-ddd", rest).output)
  }

  @Test(arguments: [
    ("pid curl", "expected the number of a process after 'pid' (column 5)"),
    ("comm", "expected the name of a process after 'comm' (column 5)"),
    (
      "comm abcdefghijklmnopq", "the kernel keeps 15 bytes of a process's name; write 'comm abcdefghijklmno' (column 6)"
    ),
    ("cgroup user.slice", "the path of a control group begins with '/'; write 'cgroup /user.slice' (column 8)"),
    (
      "container web",
      "'web' is not the identifier of a container; write its first hexadecimal digits, 'cgroup' takes paths (column 11)"
    ),
    ("uid nobody-at-all", "unknown user 'nobody-at-all'; write the number of the user (column 5)"),
    ("comm 'a b", "there is no second quotation mark for this one (column 6)"),
    ("ra pid 5", "expected 'src' or 'dst' before 'pid' (column 4)"),
  ])
  func errorsNameTheWords(_ filter: String, _ message: String) throws {
    let outcome = try Subprocess.apus("-d", filter)
    #expect(outcome.status == 1)
    #expect(outcome.errors.split(separator: "\n").first?.hasSuffix(message) ?? false, "\(outcome.errors)")
    #expect(outcome.errors.contains("^"), "\(outcome.errors)")
  }

  @Test(arguments: ["--trace", "--profile"]) func bytesAloneDoNotTell(_ flag: String) throws {
    let outcome = try Subprocess.apus(flag, "-r", Self.capture, "pid 5")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("know the bytes of packets, and not the processes (column 1)\n  pid 5\n  ^^^^^\n"))
  }

  /// The rest of the line belongs to the command.
  @Test func theCommandTakesTheRest() throws {
    let outcome = try Subprocess.apus("--run")
    #expect(outcome.errors == "apus: option --run needs a value\n")
    #expect(
      try Subprocess.apus("-r", Self.capture, "--run", "true", "-x").errors
        == "apus: --run cannot be combined with -r\n")
  }

  /// Proofs are about packet bytes only, so either filter is refused if it tests processes.
  @Test(arguments: [["--compare", "pid 5", "tcp"], ["--compare", "tcp", "pid 5"], ["--witness", "pid 5"]])
  func proofsDoNotTakeThem(_ arguments: [String]) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status != 0 && outcome.output.isEmpty)
    #expect(
      outcome.errors.contains("proofs know the bytes of packets, and not the processes (column 1)\n  pid 5\n  ^^^^^\n"),
      "\(outcome.errors)")
  }

  /// A message lists the conditions that a printed program leaves undecided.
  @Test func printedProgramsSaySo() throws {
    let outcome = try Subprocess.apus("-d", "src pid 5 and tcp or not comm 'a b'")
    #expect(
      outcome.errors
        == "apus: no program decides 'src pid 5', 'comm 'a b'': this one accepts whatever the answer may be, and apus looks at the processes of what it accepts\n"
    )
    #expect(try Subprocess.apus("-d", "tcp").errors.isEmpty)
  }

  /// Lint does not assume that these words are true, and reports no conflict with other terms.
  @Test(arguments: ["pid 5", "tcp or pid 5", "tcp and not comm x", "pid 5 and tcp and ip"])
  func lintLeavesThemOpen(_ filter: String) throws {
    let outcome = try Subprocess.apus("--lint", filter)
    #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.output)\(outcome.errors)")
  }

  @Test func theyAreListed() throws {
    let list = try Subprocess.apus("--list-primitives").output
    for word in [
      "pid               <number>", "comm              <name>", "uid               <name|number>",
      "cgroup            <path>", "container         <digits>",
    ] {
      #expect(list.contains("\n  \(word) "), "\(word)")
    }
  }

  /// Statistics by program also work when no processes are known, with a message that says so.
  @Test func statisticsOfAFileWithoutProcesses() throws {
    let outcome = try Subprocess.apus("-r", Self.capture, "--stats", "processes")
    #expect(outcome.status == 0 && outcome.output.contains("\n(unknown)                    30   3262\n"))
    #expect(
      outcome.errors.hasSuffix(
        "apus: the packets say nothing of processes; capture with --process -w to a pcapng file\n"))
    #expect(try !Subprocess.apus("-r", Self.capture, "--stats", "all").output.contains("program"))
  }
}
