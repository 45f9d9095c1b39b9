import CLinux
public import Foundation
import Glibc

/// A program that a test has started. It inherits only the descriptors that it was given: Foundation's `Process` may pass on descriptors
/// meant for programs started at the same time, and then waits until all of them have ended.
///
/// A program that does not end is killed, and an error names it, so that the test run does not hang.
public final class ChildProcess {
  /// The program did not end.
  public struct Endless: Error, CustomStringConvertible {
    public let description: String
  }

  public let processIdentifier: Int32
  private let words: [String]
  /// The status from waitpid(2); nil until the program has ended.
  private var waited: CInt?

  /// Seconds after which a program is assumed to hang. Tests compete for the processor, so that even a short program may take minutes.
  private static let timeLimit = 600

  /// Starts a program. A stream that is nil is `/dev/null`. `environment` is its whole environment; nil means the test's own.
  public init(
    _ path: String, _ arguments: [String], stdin: FileHandle? = nil, stdout: FileHandle? = nil,
    stderr: FileHandle? = nil, environment: [String: String]? = nil
  ) throws {
    words = [path] + arguments
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // Safe: both are initialised here and destroyed below.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    for (target, handle) in [(STDIN_FILENO, stdin), (STDOUT_FILENO, stdout), (STDERR_FILENO, stderr)] {
      if let handle {
        unsafe posix_spawn_file_actions_adddup2(&actions, handle.fileDescriptor, target)
      } else {
        unsafe posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0)
      }
    }
    unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    // Tests ignore SIGPIPE; the program starts with the default signal handling, as from a shell.
    var (defaults, mask) = (sigset_t(), sigset_t())
    unsafe sigfillset(&defaults)
    unsafe sigemptyset(&mask)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    unsafe posix_spawnattr_setsigmask(&attributes, &mask)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0)=\($1)" }
    let argv = unsafe words.map { unsafe strdup($0) } + [nil]
    let envp = unsafe variables.map { unsafe strdup($0) } + [nil]
    defer { unsafe (argv + envp).forEach { unsafe free($0) } }
    var child: pid_t = 0
    // Safe: the arrays end with nil, and their strings live until posix_spawn(3) has returned.
    let code = unsafe posix_spawn(&child, path, &actions, &attributes, argv, envp)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
    processIdentifier = child
  }

  deinit {
    guard waited == nil else { return }
    kill(processIdentifier, SIGKILL)
    wait(options: 0)
  }

  /// True until the program has ended.
  public var isRunning: Bool {
    if waited == nil { wait(options: WNOHANG) }
    return waited == nil
  }

  private func wait(options: CInt) {
    var status: CInt = 0
    while true {
      let result = unsafe waitpid(processIdentifier, &status, options)
      if result < 0, errno == EINTR { continue }
      if result == processIdentifier { waited = status }
      return
    }
  }

  /// Waits for the program to end; returns its exit status, or minus the number of the signal that ended it. Throws if it does not end.
  @discardableResult
  public func awaitEnd() throws -> Int32 {
    let start = ContinuousClock.now
    while isRunning {
      guard start.duration(to: .now) < .seconds(Self.timeLimit) else {
        kill(processIdentifier, SIGKILL)
        wait(options: 0)
        throw Endless(
          description: "killed, since it did not end within \(Self.timeLimit) s: \(words.joined(separator: " "))")
      }
      usleep(1000)
    }
    let status = waited ?? 0
    return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
  }
}
