import Foundation
import Glibc
import TestSupport
import Testing

/// Signals that come every millisecond while packets are written.
@Suite struct SignalTests {
  /// None of them asks for an end, and SIGUSR2 has nothing to rotate.
  private static let signals = [SIGUSR2, SIGCONT, SIGWINCH, SIGSTOP, SIGUSR2, SIGURG]

  private func disturb(_ process: Process, _ number: Int) {
    let signal = Self.signals[number % Self.signals.count]
    kill(process.processIdentifier, signal)
    if signal == SIGSTOP { kill(process.processIdentifier, SIGCONT) }
  }

  @Test(arguments: ["pcap", "pcapng"]) func makeNoDifferenceToAFile(_ format: String) throws {
    try compare(packets: 30_000, format) { process, path in
      process.arguments?.append(path)
      try process.run()
      // Once the file is there, the signals are caught.
      while process.isRunning, unsafe access(path, F_OK) != 0 { usleep(100) }
      var count = 0
      while process.isRunning {
        disturb(process, count)
        count += 1
        usleep(1000)
      }
      return count
    }
  }

  @Test func makeNoDifferenceToAPipe() throws {
    try compare(packets: 6000, "pcap") { process, path in
      let pipe = Pipe()
      process.arguments?.append("-")
      process.standardOutput = pipe
      try process.run()
      var received = Data()
      var count = 0
      // The pipe is full nearly always, so that signals come amid write(2).
      while let octets = try pipe.fileHandleForReading.read(upToCount: 4096), !octets.isEmpty {
        received += octets
        disturb(process, count)
        count += 1
        usleep(500)
      }
      try received.write(to: URL(fileURLWithPath: path))
      return count
    }
  }

  /// The file that `write` leaves at a path, beside one that was written undisturbed. It gives the number of signals.
  private func compare(packets: Int, _ format: String, _ write: (Process, String) throws -> Int) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    let (input, expected, disturbed) = (folder + "/in.pcap", "\(folder)/expected.\(format)", "\(folder)/out.\(format)")
    try SyntheticCapture.write(packets, to: input, seed: 9)
    // Without native code packets go one by one.
    try #expect(Subprocess.apus("--no-jit", "-r", input, "-w", expected).status == 0)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Subprocess.apusPath())
    process.arguments = ["--no-jit", "-r", input, "-w"]
    process.standardError = FileHandle.nullDevice
    let count = try write(process, disturbed)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(count > 20, "\(count) signals")
    let (one, other) = (URL(fileURLWithPath: expected), URL(fileURLWithPath: disturbed))
    #expect(try Data(contentsOf: one) == Data(contentsOf: other))
  }
}
