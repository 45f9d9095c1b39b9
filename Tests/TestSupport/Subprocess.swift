public import Foundation

/// The result of running a program.
public struct Outcome: Hashable, Sendable {
  /// Exit status, or minus the signal's number where a signal ended it.
  public let status: Int32
  public let stdout: Data
  public let stderr: Data

  /// Standard output as UTF-8, with invalid bytes replaced.
  public var output: String { String(decoding: stdout, as: UTF8.self) }
  /// Standard error as UTF-8, with invalid bytes replaced.
  public var errors: String { String(decoding: stderr, as: UTF8.self) }
}

/// Runs programs for end-to-end tests.
public enum Subprocess {
  /// The reason a program could not be run.
  public struct NotFound: Error, CustomStringConvertible {
    public let description: String
  }

  /// Runs a program to its end. `stdin` is its input, empty if nil. `environment` is added to the test's own.
  public static func run(
    _ path: String, _ arguments: [String], stdin: Data? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    // Files instead of pipes: they never fill up, and a program that stops reading does no harm.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
    try (stdin ?? Data()).write(to: files[0])
    try Data().write(to: files[1])
    try Data().write(to: files[2])
    let input = try FileHandle(forReadingFrom: files[0])
    let output = try FileHandle(forWritingTo: files[1])
    let errors = try FileHandle(forWritingTo: files[2])
    let process = try ChildProcess(
      path, arguments, stdin: input, stdout: output, stderr: errors,
      environment: ProcessInfo.processInfo.environment.merging(environment) { _, added in added })
    let status = try process.awaitEnd()
    try input.close()
    try output.close()
    try errors.close()
    return Outcome(status: status, stdout: try Data(contentsOf: files[1]), stderr: try Data(contentsOf: files[2]))
  }

  /// Path of a new file with these bytes, outside the project; `remove(_:)` deletes it.
  public static func temporaryFile(_ octets: Data = Data(), suffix: String = ".pcap") throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)\(suffix)")
    try octets.write(to: file)
    return file.path
  }

  /// Writes an executable script. A child process writes it: a descriptor open for writing in this process could be inherited by a program
  /// that another test starts at that moment, and nobody can execute the script until that program closes it (ETXTBSY, execve(2)).
  public static func writeScript(_ text: String, to path: String) throws {
    let outcome = try run("/bin/sh", ["-c", "cat > \"$0\" && chmod 755 \"$0\"", path], stdin: Data(text.utf8))
    guard outcome.status == 0 else { throw NotFound(description: "\(path): \(outcome.errors)") }
  }

  /// Removes a file if it exists.
  public static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  /// Runs the `apus` of this build.
  public static func apus(
    _ arguments: String..., stdin: Data? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(try apusPath(), arguments, stdin: stdin, environment: environment)
  }

  /// Path of the `apus` of this build, which is next to the test runner. The environment variable APUS_BINARY overrides it, for example
  /// with a release build, which starts and runs many times faster.
  public static func apusPath() throws -> String {
    if let path = ProcessInfo.processInfo.environment["APUS_BINARY"], !path.isEmpty {
      guard path.hasPrefix("/"), isProgram(path) else {
        throw NotFound(description: "APUS_BINARY: \(path) is not the absolute path of a program")
      }
      return path
    }
    guard let path = built("apus") else {
      throw NotFound(description: "no apus beside \(CommandLine.arguments.first ?? "the test runner"): build it first")
    }
    return path
  }

  /// Path of a product of this build, next to the test runner or above it; nil if it was not built.
  public static func built(_ product: String) -> String? {
    let runners = [Bundle.main.executableURL] + CommandLine.arguments.map { URL(fileURLWithPath: $0) }
    for case let runner? in runners {
      var folder = runner.deletingLastPathComponent()
      for _ in 0..<4 {
        let candidate = folder.appendingPathComponent(product).path
        if isProgram(candidate) { return candidate }
        folder.deleteLastPathComponent()
      }
    }
    return nil
  }

  /// Path of a program of the system, searched in PATH and in the folders for administrators; nil if it is not installed.
  public static func installed(_ program: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    return folders.map { $0 + "/" + program }.first(where: isProgram)
  }

  private static func isProgram(_ path: String) -> Bool {
    let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let isRegular = (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile ?? false
    return isRegular && FileManager.default.isExecutableFile(atPath: path)
  }
}
