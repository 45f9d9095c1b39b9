import Foundation
import TestSupport
import Testing

/// The engine that captures in a test.
enum LiveEngine: String, CaseIterable {
  /// The packet ring, where it is available.
  case ring
  /// libpcap, selected by `--engine libpcap`.
  case libpcap

  /// The engine of the running test.
  @TaskLocal static var current = LiveEngine.ring

  /// A program that captures with this engine: `apus` itself, or a script that calls it with the option added. Tests read savefiles with
  /// plain `apus`.
  func program() throws -> (path: String, isTemporary: Bool) {
    let apus = try Subprocess.apusPath()
    guard self == .libpcap else { return (apus, false) }
    let script = """
      #!/bin/bash
      for word; do case "$word" in -r|--read-file|-r*) exec "\(apus)" "$@";; esac; done
      exec "\(apus)" --engine libpcap "$@"
      """
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString).sh").path
    try Subprocess.writeScript(script, to: path)
    return (path, true)
  }
}

/// Runs every test of a suite, or one test, with each engine in turn; both must give the same result.
struct BothEngines: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil else { return try await function() }
    for engine in LiveEngine.allCases {
      try await LiveEngine.$current.withValue(engine) { try await function() }
    }
  }
}

extension Trait where Self == BothEngines {
  static var bothEngines: Self { BothEngines() }
}
