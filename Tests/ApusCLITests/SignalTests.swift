import Foundation
import Glibc
import TestSupport
import Testing

/// Signals that arrive every millisecond while packets are written.
@Suite(.waits) struct SignalTests {
  /// None of them ends apus, and SIGUSR2 has nothing to rotate.
  private static let signals = [SIGUSR2, SIGCONT, SIGWINCH, SIGSTOP, SIGUSR2, SIGURG]

  private func disturb(_ process: ChildProcess, _ number: Int) {
    let signal = Self.signals[number % Self.signals.count]
    kill(process.processIdentifier, signal)
    if signal == SIGSTOP { kill(process.processIdentifier, SIGCONT) }
  }

  @Test(arguments: ["pcap", "pcapng"]) func makeNoDifferenceToAFile(_ format: String) throws {
    try compare(packets: 30_000, format) { arguments, path in
      let process = try ChildProcess(Subprocess.apusPath(), arguments + [path])
      // Once the file exists, apus handles signals.
      while process.isRunning, unsafe access(path, F_OK) != 0 { usleep(100) }
      var count = 0
      while process.isRunning {
        disturb(process, count)
        count += 1
        usleep(1000)
      }
      return (process, count)
    }
  }

  @Test func makeNoDifferenceToAPipe() throws {
    try compare(packets: 6000, "pcap") { arguments, path in
      let pipe = Pipe()
      let process = try ChildProcess(
        Subprocess.apusPath(), arguments + ["-"], stdout: pipe.fileHandleForWriting)
      try pipe.fileHandleForWriting.close()
      var received = Data()
      var count = 0
      // The pipe is almost always full, so signals interrupt write(2).
      while let octets = try pipe.fileHandleForReading.read(upToCount: 4096), !octets.isEmpty {
        received += octets
        disturb(process, count)
        count += 1
        usleep(500)
      }
      try received.write(to: URL(fileURLWithPath: path))
      return (process, count)
    }
  }

  /// A signal that does not end apus leaves it running, also while an input pipe is idle.
  @Test(arguments: [["--stats", "sizes,json"], ["--count"], ["-nn"], ["--follow", "--stats", "sizes,json"]])
  func makeNoDifferenceToWhoWaits(_ flags: [String]) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).pcap").path
    defer { Subprocess.remove(path) }
    try SyntheticCapture.write(1000, to: path, seed: 5)
    let octets = try Data(contentsOf: URL(fileURLWithPath: path))
    let (input, output) = (Pipe(), Pipe())
    let process = try ChildProcess(
      Subprocess.apusPath(), flags + ["-r", "-"], stdin: input.fileHandleForReading, stdout: output.fileHandleForWriting
    )
    try output.fileHandleForWriting.close()
    // This many bytes fit into pipes that nobody reads.
    let half = min(octets.count / 2, 30_000)
    signal(SIGPIPE, SIG_IGN)
    try input.fileHandleForWriting.write(contentsOf: octets.prefix(half))
    try #require(catches(SIGUSR1, process.processIdentifier))
    // Wait until apus waits for more input.
    usleep(300_000)
    for signal in [SIGUSR1, SIGUSR2, SIGUSR1] {
      kill(process.processIdentifier, signal)
      usleep(50_000)
    }
    let rest = octets.dropFirst(half)
    Thread.detachNewThread {
      try? input.fileHandleForWriting.write(contentsOf: rest)
      try? input.fileHandleForWriting.close()
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(try process.awaitEnd() == 0)
    switch flags {
    case ["--count"]: #expect(text == "1000 packets\n")
    case ["-nn"]: #expect(text.split(separator: "\n").count >= 1000)
    default:
      #expect(text.contains(#""occasion":"signal""#) && text.contains(#""occasion":"end","#), "\(text)")
      #expect(text.split(separator: "\n").last?.contains(#""packets":1000,"#) ?? false, "\(text)")
    }
  }

  /// Before the first packet there is nothing to finish: a signal ends apus at once, whatever it is doing, and an existing file stays
  /// unchanged.
  @Test(
    arguments: ["INT", "TERM"],
    [
      "-r in.pcap -w out -F hosts", "-d -F hosts", "--explain -r in.pcap -F hosts", "-r pipe -nn", "-r in.pcap -w pipe",
      "--witness tcp", "--witness -r in.pcap tcp", "--compare udp tcp",
    ])
  func endsAtOnceBeforeTheFirstPacket(_ signal: String, _ words: String) throws {
    let script = """
      folder=$(mktemp -d); cd "$folder"; trap 'rm -rf "$folder"' EXIT; chmod 755 .; cp "$http" in.pcap; echo precious > out; mkfifo pipe
      case "\(words)" in *hosts*) python3 -c 'for i in range(200000): print("or" if i else "", "host", f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}")' > hosts ;; esac
      mkdir path; printf '%s\\n' '#!/bin/bash' "exec -a solver-$$ sleep 60" > path/z3; chmod 755 path path/z3; chmod 777 .
      case "\(words)" in *witness*|*compare*) PATH=$PWD/path:$PATH ;; esac
      "$apus" \(words) > text 2> err & pid=$!
      for i in $(seq 100); do grep -q 'SigCgt:.*[2-9a-f]...$' /proc/$pid/status && break; sleep 0.02; done
      sleep 0.4
      case "\(words)" in *witness*|*compare*) for i in $(seq 50); do pgrep -f solver-$$ > /dev/null && break; sleep 0.1; done ;; esac
      kill -0 $pid && kill -\(signal) $pid
      for i in $(seq 20); do kill -0 $pid 2> /dev/null || break; sleep 0.1; done
      kill -0 $pid 2> /dev/null && echo "still running" && kill -KILL $pid
      wait $pid; echo "status $?"; cat out; sleep 0.1
      pgrep -f solver-$$ > /dev/null && echo "the solver runs"
      true
      """
    let outcome = try Subprocess.run(
      "/bin/bash", ["-c", script], environment: ["apus": Subprocess.apusPath(), "http": Fixture.capture("http.pcap")])
    #expect(
      outcome.output == "status \(signal == "INT" ? 130 : 143)\nprecious\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Waits until a process handles the signal; false if it does not within half a minute.
  private func catches(_ signal: CInt, _ process: pid_t) -> Bool {
    for _ in 0..<3000 {
      let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") } ?? ""
      // The mask is hexadecimal, and signal 1 is its lowest bit.
      if let mask = UInt64(line.suffix(16), radix: 16), mask >> UInt64(signal - 1) & 1 != 0 { return true }
      usleep(10_000)
    }
    return false
  }

  /// Compares the file that `write` creates at a path with one that was written undisturbed. `write` returns the number of signals. A fast
  /// program finishes before many signals have arrived, and then reads the packets more often.
  private func compare(packets: Int, _ format: String, _ write: ([String], String) throws -> (ChildProcess, Int)) throws
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    let input = folder + "/in.pcap"
    try SyntheticCapture.write(packets, to: input, seed: 9)
    for repetitions in [1, 8, 64] {
      let (expected, disturbed) = ("\(folder)/expected.\(format)", "\(folder)/out-\(repetitions).\(format)")
      // Without native code, packets are handled one by one.
      let arguments = ["--no-jit"] + (0..<repetitions).flatMap { _ in ["-r", input] } + ["-w"]
      try #expect(Subprocess.run(Subprocess.apusPath(), arguments + [expected]).status == 0)
      let (process, count) = try write(arguments, disturbed)
      #expect(try process.awaitEnd() == 0)
      let (one, other) = (URL(fileURLWithPath: expected), URL(fileURLWithPath: disturbed))
      #expect(try Data(contentsOf: one) == Data(contentsOf: other))
      if count > 20 { return }
    }
    Issue.record("fewer than 20 signals came while packets were written")
  }
}
