import Foundation
import Glibc
import PacketCore
import TestSupport
import Testing

/// Copies packets from one file to another.
@Suite(.waits) struct CopyTests {
  /// The fast path copies runs of records unchanged; its output equals that of the interpreter, which handles packets one by one.
  @Test(arguments: [
    "", "tcp", "udp port 53", "tcp[100] = 1", "not tcp[100] = 1", "len > 1000", "icmp", "ether[1000] = 0",
  ])
  func runsOfRecords(_ expression: String) throws {
    let input = try Subprocess.temporaryFile()
    let outputs = try (0..<2).map { _ in try Subprocess.temporaryFile() }
    defer { for path in [input] + outputs { Subprocess.remove(path) } }
    try SyntheticCapture.write(8000, to: input, seed: 11)
    // The file ends in the middle of a record.
    let octets = try Data(contentsOf: URL(fileURLWithPath: input))
    try octets.dropLast(7).write(to: URL(fileURLWithPath: input))
    let words = expression.isEmpty ? [] : [expression]
    for (path, flags) in zip(outputs, [[], ["--no-jit"]]) {
      let outcome = try Subprocess.run(Subprocess.apusPath(), flags + ["-r", input, "-w", path] + words)
      #expect(outcome.status == 1 && outcome.errors.contains("truncated"))
    }
    let (copied, written) = (URL(fileURLWithPath: outputs[0]), URL(fileURLWithPath: outputs[1]))
    #expect(try Data(contentsOf: copied) == Data(contentsOf: written))
  }

  /// A copy of a pcapng file has all interfaces of the original, including those without packets, in every mode of reading.
  @Test func interfacesOfPcapng() throws {
    let input = Fixture.capture("interfaces.pcapng")
    let output = try Subprocess.temporaryFile(suffix: ".pcapng")
    defer { Subprocess.remove(output) }
    let original = try Subprocess.apus("-nn", "-e", "-r", input, "--nano")
    for flags in [[], ["-r", input, "--merge"], ["-r", input]] {
      let count = flags.isEmpty ? 1 : 2
      let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", input, "-w", output] + flags)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let copy = try Subprocess.apus("-nn", "-e", "-r", output, "--nano")
      #expect(copy.output.split(separator: "\n").count == original.output.split(separator: "\n").count * count)
      if count == 1 { #expect(copy.output == original.output) }
    }
  }

  /// Without any flag, packets written to a pipe reach its reader while the input is idle.
  @Test(arguments: ["pcap", "gzip"]) func idlePipes(_ form: String) throws {
    let source = try Data(contentsOf: URL(fileURLWithPath: Fixture.capture("http.pcap")))
    let (input, output) = (Pipe(), Pipe())
    let process = try ChildProcess(
      Subprocess.apusPath(), ["-r", "-", "-w", "-"] + (form == "gzip" ? ["--compress", "gzip"] : []),
      stdin: input.fileHandleForReading, stdout: output.fileHandleForWriting)
    try input.fileHandleForWriting.write(contentsOf: source)
    var received = Data()
    let descriptor = output.fileHandleForReading.fileDescriptor
    // All output arrives before the input ends. For gzip only a part is checked, since the stream is complete only at the end.
    while received.count < (form == "gzip" ? 500 : source.count) {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&waiting, 1, 20_000) == 1 else { break }
      received += output.fileHandleForReading.availableData
    }
    if form == "gzip" {
      #expect(received.count >= 500)
    } else {
      #expect(received == source)
    }
    try input.fileHandleForWriting.close()
    #expect(try process.awaitEnd() == 0)
  }
}
