import Foundation
import TestSupport
import Testing

/// Compares the output of apus and the system's tcpdump for the same file, line by line.
@Suite(.enabled(if: Subprocess.installed("tcpdump") != nil, "tcpdump is not installed: nothing to compare with"))
struct DifferentialTests {
  /// One capture for all tests: 20 000 packets of synthetic traffic.
  static let capture = Result {
    let path = try Subprocess.temporaryFile()
    try SyntheticCapture.write(20_000, to: path)
    return path
  }

  static let expressions = [
    "", "tcp", "udp and not ip6", "icmp or icmp6", "arp", "vlan", "tcp port 80", "host 10.0.0.7 or host 2001:db8::7",
    "src net 10.0.0.0/27 and portrange 40000-44000", "tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0",
    "greater 600 and ip6", "ether host 02:00:00:00:00:05 and not (tcp or udp)",
  ]

  @Test(arguments: expressions) func sameLines(_ expression: String) throws {
    try compare(flags: ["-nn", "-t"], expression)
  }

  @Test(arguments: ["-nnt", "-nntv", "-nnte", "-nntq", "-nntS", "-nntvve", "-nntx", "-nntXX", "-nntA"])
  func sameLinesWithFlags(_ flags: String) throws {
    // With -v, the older tcpdump of most systems prints IPv6 headers differently from the current one.
    try compare(flags: [flags, "-c", "2000"], flags.contains("v") ? "not ip6 and not (vlan and ip6)" : "")
  }

  private func compare(flags: [String], _ expression: String) throws {
    let tcpdump = try #require(Subprocess.installed("tcpdump"))
    let arguments = flags + ["-r", try Self.capture.get()] + (expression.isEmpty ? [] : [expression])
    let expected = try Subprocess.run(tcpdump, arguments)
    let actual = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(expected.status == 0)
    #expect(actual.status == 0, "\(actual.errors)")
    #expect(!expected.stdout.isEmpty)
    guard actual.stdout != expected.stdout else { return }

    let lines = (
      expected: expected.output.split(separator: "\n", omittingEmptySubsequences: false),
      actual: actual.output.split(separator: "\n", omittingEmptySubsequences: false)
    )
    let differing = zip(lines.expected, lines.actual).enumerated().first { $0.element.0 != $0.element.1 }
    let number = differing?.offset ?? min(lines.expected.count, lines.actual.count)
    let first = differing.map { "\ntcpdump: \($0.element.0)\napus:    \($0.element.1)" } ?? ""
    Issue.record(
      "\(flags.joined(separator: " ")) '\(expression)': line \(number + 1) of \(lines.expected.count)/\(lines.actual.count)\(first)"
    )
  }
}
