import Foundation
import Glibc
import TestSupport
import Testing

/// Input that needs more stack, time or pipe space than available: apus reports an error, and a signal ends the work.
@Suite(.waits) struct CostTests {
  private static let http = Fixture.capture("http.pcap")

  // MARK: The stack

  /// An expression that nests deeply, in its syntax tree or in the parser.
  struct Deep: CustomTestStringConvertible, Sendable {
    let start: String
    let opening: String
    let count: Int
    var middle = ""
    var closing = ""
    var end = ""

    var expression: String {
      start + String(repeating: opening, count: count) + middle + String(repeating: closing, count: count) + end
    }
    var testDescription: String { "\(start)\(opening) × \(count)" }
  }

  private static let deep = [
    Deep(start: "", opening: "(", count: 255, middle: "tcp", closing: ")"),
    Deep(start: "", opening: "not ", count: 5000, middle: "tcp"),
    Deep(start: "", opening: "not (", count: 255, middle: "tcp", closing: ")"),
    Deep(start: "", opening: "((1+", count: 60, middle: "len", closing: "))", end: " > 5"),
    Deep(start: "1 < ", opening: "ip[", count: 120, middle: "0", closing: "]"),
    Deep(start: "5 < ", opening: "-", count: 100, middle: "len"),
    Deep(start: "5 < len", opening: "%ip[0]", count: 110),
    Deep(start: "5 < len", opening: "+ip[0]", count: 500),
  ]

  /// `ulimit -s` sets the stack size, in KiB. However small it is, apus never crashes. With the usual 8 MB, every expression within the
  /// fixed limits is accepted.
  @Test(arguments: deep, ["256", "512", "1024", "8192", "unlimited"])
  func theStackIsNotExceeded(_ deep: Deep, _ stack: String) throws {
    for flags in [
      ["-d"], ["-O", "-d"], ["--lint"], ["--explain", "-c", "1", "-r", Self.http], ["--count", "-r", Self.http],
    ] {
      let outcome = try Subprocess.run(
        "/bin/bash",
        ["-c", #"ulimit -s "$0"; exec "$@""#, stack, try Subprocess.apusPath()] + flags + [deep.expression])
      let message = outcome.errors.split(separator: "\n").first { $0.hasPrefix("apus: ") } ?? ""
      // Without optimization, some of them need more scratch memory than the machine has.
      let isRefused = ["nested deeper", " operators in ", "intermediate results"].contains { message.contains($0) }
      #expect(outcome.status == 0 || outcome.status == 1 && isRefused, "\(flags): \(outcome.status) \(message)")
      if let room = Int(stack), room < 8192 { continue }
      #expect(!message.contains("ulimit"), "\(flags): \(message)")
    }
  }

  /// The message says how to get a larger stack.
  @Test func aSmallStackIsNamed() throws {
    let expression = String(repeating: "(", count: 200) + "tcp" + String(repeating: ")", count: 200)
    let outcome = try Subprocess.run(
      "/bin/bash", ["-c", #"ulimit -s 256; exec "$0" -d "$1""#, try Subprocess.apusPath(), expression])
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("levels, for which the stack has room: raise ulimit -s (column "))
  }

  // MARK: Time

  /// Starts the program. If its output is a pipe, only the program holds the write end.
  private func start(_ arguments: [String], output: Pipe? = nil) throws -> ChildProcess {
    let process = try ChildProcess(Subprocess.apusPath(), arguments, stdout: output?.fileHandleForWriting)
    try output?.fileHandleForWriting.close()
    return process
  }

  /// Waits for a process to end; nil if it is still running after that many seconds.
  private func ending(of process: ChildProcess, within seconds: Int) throws -> Int32? {
    for _ in 0..<seconds * 100 where process.isRunning { usleep(10_000) }
    return process.isRunning ? nil : try process.awaitEnd()
  }

  /// A filter that takes more than half a minute to compile.
  private func longFilter() throws -> String {
    let text = Array(repeating: "protochain 6", count: 3000).joined(separator: " and ")
    return try Subprocess.temporaryFile(Data(text.utf8), suffix: ".txt")
  }

  /// The first signal ends the compilation, before anything is captured or read.
  @Test(arguments: [["-d"], ["--count", "-r", http], ["--verify-optimizer"], ["--lint"]])
  func aSignalEndsTheWorkOnAFilter(_ flags: [String]) throws {
    let path = try longFilter()
    defer { Subprocess.remove(path) }
    let process = try start(flags + ["-F", path])
    usleep(700_000)
    #expect(process.isRunning, "the filter is compiled sooner than the test expects")
    kill(process.processIdentifier, SIGINT)
    #expect(try ending(of: process, within: 20) == -SIGINT)
  }

  /// A first signal also works while the filter is compiled again for the link type of a second file: the packets of the first file are
  /// printed, and the command exits normally.
  @Test func aSignalEndsTheWorkOnAFilterForOtherPackets() throws {
    let filter = try Subprocess.temporaryFile(
      Data(Array(repeating: "protochain 6", count: 40).joined(separator: " and ").utf8), suffix: ".txt")
    // A capture file of raw IP without packets.
    let word = { (value: UInt32) in Data((0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }) }
    let other = try Subprocess.temporaryFile(
      [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65_535, 101].map { word($0) }.reduce(Data(), +))
    defer { [filter, other].forEach { Subprocess.remove($0) } }
    let output = Pipe()
    let begin = ContinuousClock.now
    let process = try start(["-l", "-nn", "-r", Self.http, "-r", other, "-F", filter], output: output)
    // All 30 packets of the first file are printed.
    var text = Data()
    while text.count(where: { $0 == UInt8(ascii: "\n") }) < 30 {
      let octets = output.fileHandleForReading.availableData
      if octets.isEmpty { break }
      text += octets
    }
    let compiled = ContinuousClock.now - begin
    usleep(100_000)
    #expect(process.isRunning)
    let signalled = ContinuousClock.now
    kill(process.processIdentifier, SIGINT)
    #expect(try ending(of: process, within: 60) == 0)
    #expect(ContinuousClock.now - signalled < compiled / 2)
  }

  /// The comparison of two long programs respects `--proof-timeout`, whether the time runs out before z3 starts or while it runs.
  @Test(.enabled(if: Subprocess.installed("z3") != nil, "needs z3")) func aComparisonEndsInTime() throws {
    func program(_ first: Int) throws -> String {
      var lines = ["100002"]
      for index in 0..<50_000 { lines += ["32 0 0 \((index * 4 + first) % 60)", "21 0 1 \(index)"] }
      lines += ["6 0 0 1", "6 0 0 0"]
      return try Subprocess.temporaryFile(Data(lines.joined(separator: "\n").utf8), suffix: ".bpf")
    }
    let paths = [try program(0), try program(4)]
    defer { paths.forEach { Subprocess.remove($0) } }
    let start = ContinuousClock.now
    let outcome = try Subprocess.apus("--bytecode", paths[0], "--compare-bytecode", paths[1], "--proof-timeout", "2")
    #expect(outcome.status == 2 && outcome.errors.contains("raise --proof-timeout"), "\(outcome.errors)")
    // Leaves time for a machine that is busy with other tests.
    #expect(ContinuousClock.now - start < .seconds(40))
  }

  // MARK: A reader that does not read

  /// Statistics that fill the pipe wait for the reader; a second signal ends the wait.
  @Test(arguments: [["--stats", "conversations"], ["--stats", "conversations,json"]])
  func aSecondSignalEndsAReport(_ flags: [String]) throws {
    let path = try Subprocess.temporaryFile()
    defer { Subprocess.remove(path) }
    try SyntheticCapture.write(6000, to: path, seed: 3, hosts: 4096)
    let pipe = Pipe()
    let process = try start(flags + ["--stats-top", "all", "-r", path], output: pipe)
    // Wait until the pipe is full.
    var waiting: CInt = 0
    for _ in 0..<3000 where waiting < 1 << 16 {
      usleep(10_000)
      _ = unsafe ioctl(pipe.fileHandleForReading.fileDescriptor, UInt(FIONREAD), &waiting)
    }
    #expect(waiting >= 1 << 16 && process.isRunning)
    for _ in 0..<2 {
      kill(process.processIdentifier, SIGINT)
      usleep(300_000)
    }
    #expect(try ending(of: process, within: 20) == 1)
  }
}
