import Foundation
import TestSupport
import Testing

private let http = Fixture.capture("http.pcap")

/// Programs from files (`--bytecode`), and the output of `--trace` and `--profile`.
@Suite struct BytecodeTests {
  /// Runs apus with a file of that text; `FILE` in the arguments is replaced by its path.
  private func apus(_ arguments: [String], file text: String) throws -> (status: Int32, output: String, errors: String)
  {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).bpf")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let outcome = try Subprocess.run(Subprocess.apusPath(), arguments.map { $0 == "FILE" ? file.path : $0 })
    return (outcome.status, outcome.output, outcome.errors.replacingOccurrences(of: file.path, with: "FILE"))
  }

  /// A program written by apus or tcpdump, read from a file, is the same filter as the expression it was compiled from.
  @Test(arguments: ["-d", "-dd", "-ddd"])
  func everyForm(_ flag: String) throws {
    let expected = try Subprocess.apus("--count", "-r", http, "tcp src port 80").output
    let text = try Subprocess.apus(flag, "tcp src port 80").output
    #expect(try apus(["--count", "-r", http, "--bytecode", "FILE"], file: text).output == expected)
    #expect(try apus([flag, "--bytecode", "FILE"], file: text).output == text)
    let inOneLine = text.split(separator: "\n").joined(separator: ",")
    if flag == "-ddd" {
      #expect(try apus(["--count", "-r", http, "--bytecode", "FILE"], file: inOneLine).output == expected)
      #expect(try apus(["-ddd", "--bytecode", "FILE"], file: inOneLine + ",").output == text)
    }
  }

  @Test func standardInput() throws {
    let command = "echo '1,6 0 0 7' | $apus -d --bytecode -"
    let outcome = try Subprocess.run("/bin/sh", ["-c", command], environment: ["apus": Subprocess.apusPath()])
    #expect(outcome.status == 0 && outcome.output == "(000) ret      #7\n")
  }

  @Test(arguments: [
    ("ldh [12]\njeq #0x800 jt 2 jf 9\nret #1\n", "FILE:2: instruction 1: the jump leads past the end of the program"),
    ("ldh [12]\nfly\n", "FILE:2: 'fly' is not an instruction"),
    ("2,6 0 0 1", "FILE:1: 2 instructions announced, but 1 follow"),
    ("", "FILE:1: the program has no instructions"),
    ("{ 0x6, 0, 0 },\n", "FILE:1: not the four numbers code, jt, jf and k"),
  ])
  func errorsNameTheLine(_ text: String, _ message: String) throws {
    let outcome = try apus(["-d", "--bytecode", "FILE"], file: text)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == "apus: \(message)\n")
  }

  @Test func isNotCombinedWithAnExpression() throws {
    for more in [["ip"], ["-F", "FILE"]] {
      let outcome = try apus(["-d", "--bytecode", "FILE"] + more, file: "ret #1")
      #expect(outcome.status == 1 && outcome.output.isEmpty)
      #expect(outcome.errors == "apus: --bytecode replaces the filter expression: give only one of them\n")
    }
    let missing = try Subprocess.apus("-d", "--bytecode", "/nonexistent")
    #expect(missing.errors == "apus: can't open /nonexistent: No such file or directory\n")
  }

  @Test func saysWhatTheKernelAloneKnows() throws {
    let outcome = try apus(["--count", "-r", http, "--bytecode", "FILE"], file: "ld #0\nldb [vlanp]\nret #1")
    #expect(outcome.status == 0 && outcome.output == "0 packets\n")
    #expect(
      outcome.errors.hasSuffix(
        "apus: FILE: instruction 1 loads [vlanp], which only the kernel provides: packets that get there are rejected\n"
      ))
  }

  private static let program = "ldb [23]\njeq #6 jt 2 jf 4\nldh [36]\njeq #80 jt 5 jf 4\nret #0\nret #9"

  @Test func trace() throws {
    let outcome = try apus(
      ["-nnt", "-c", "1", "--trace", "-r", http, "--bytecode", "FILE"], file: Self.program)
    #expect(outcome.status == 0)
    let text = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    let accepted = try #require(text.firstIndex { $0.hasSuffix("accepted (9)") })
    #expect(
      text[accepted...].dropFirst().prefix(5).elementsEqual([
        "(000) ldb      [23]                                     ; A=0x6 X=0x0",
        "(001) jeq      #0x6             jt 2\tjf 4            ; A=0x6 X=0x0 true",
        "(002) ldh      [36]                                     ; A=0x50 X=0x0",
        "(003) jeq      #0x50            jt 5\tjf 4            ; A=0x50 X=0x0 true",
        "(005) ret      #9                                       ; A=0x50 X=0x0",
      ]))
    #expect(text.dropLast(2).last?.hasPrefix("(005)") == true)
    #expect(text.dropLast().last?.hasPrefix("IP 192.0.2.1.") == true)
    // Rejected packets are traced, too, with the reason.
    let rejected = try Subprocess.apus("-nnt", "--trace", "-r", http, "ether[1000] = 1").output
    #expect(rejected.contains("packet 1: ") && rejected.contains("bytes, rejected\n"))
    #expect(rejected.contains(" failed: byte 1000 of "))
    #expect(!rejected.contains("IP "))
  }

  @Test func profile() throws {
    let packets = try Libpcap.read(http).packets.count
    let outcome = try apus(["--profile", "-r", http, "--bytecode", "FILE"], file: Self.program)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 7)
    #expect(lines.first?.hasSuffix("; \(packets)") == true)
    #expect(lines.last?.hasPrefix("; \(packets) packets, ") == true)
    // The profile can be read as a program again.
    #expect(
      try apus(["-d", "--bytecode", "FILE"], file: outcome.output).output
        == apus(["-d", "--bytecode", "FILE"], file: Self.program).output)
    // There is one profile for each link type.
    let several = try Subprocess.apus("--profile", "-r", Fixture.capture("interfaces.pcapng"), "tcp").output
    #expect(several.split(separator: "\n").filter { $0.hasPrefix("; link-type ") }.count > 1)
  }

  @Test(arguments: [["--trace", "-w", "/dev/null"], ["--profile", "--count"]])
  func isNotCombined(_ flags: [String]) throws {
    let outcome = try Subprocess.run(Subprocess.apusPath(), flags + ["-r", http])
    #expect(outcome.status == 1)
    #expect(outcome.errors == "apus: \(flags[0]) cannot be combined with \(flags[1])\n")
  }
}
