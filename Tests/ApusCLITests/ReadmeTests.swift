import Foundation
import TestSupport
import Testing

/// The README's examples: each command of a `console` block prints what stands below it.
struct ReadmeTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let command: String
    let expected: String
    var testDescription: String { command }
  }

  /// A block begins with `$ apus …`; the rest of it is output.
  static let examples: [Example] = {
    guard let text = try? String(contentsOf: Fixture.packageRoot.appendingPathComponent("README.md"), encoding: .utf8)
    else {
      return []
    }
    return text.components(separatedBy: "```console\n$ ").dropFirst().compactMap { block in
      guard let end = block.range(of: "```") else { return nil }
      let lines = block[..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
      guard let command = lines.first else { return nil }
      return Example(command: String(command), expected: lines.dropFirst().joined(separator: "\n"))
    }
  }()

  @Test func readmeHasExamples() {
    #expect(Self.examples.count >= 5)
    #expect(Self.examples.allSatisfy { $0.command.hasPrefix("apus ") })
  }

  /// What the program says of the file that it reads is left out of the README.
  @Test(arguments: examples)
  func example(_ example: Example) throws {
    if example.command.contains("--witness") || example.command.contains("--compare"),
      Subprocess.installed("z3") == nil
    {
      return print("skipped: \(example.command) needs z3, which is not installed")
    }
    let apus = try Subprocess.apusPath()
    let script = "cd '\(Fixture.packageRoot.path)' && apus() { '\(apus)' \"$@\"; } && \(example.command) 2>&1"
    let outcome = try Subprocess.run("/bin/sh", ["-c", script], environment: ["TZ": "UTC"])
    let output = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("reading from file") }.joined(separator: "\n")
    #expect(output == example.expected)
  }
}
