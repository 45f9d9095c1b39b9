import Capture
import EBPF
import Glibc
import Processes
import Sandbox
import Synchronization

/// The command of `--run`, in its own control group.
///
/// A separate process starts it, waits for it and removes its group, so that the process that parses packets need not be able to start
/// other processes or to send signals. It is forked before any source of packets is opened, and parses nothing.
@safe final class CommandRunner {
  let group: CommandGroup
  /// Messages to the other process are signal numbers, the first one 0 to start the command. Its answers are `Report`s.
  private let socket: CInt
  private var report: Report?
  private var hasBegun = false

  /// How the command has ended.
  private struct Report: BitwiseCopyable {
    /// Its exit status; 128 plus the signal number if a signal has ended it, as in a shell.
    var status: CInt = 0
    /// The `errno` if it could not be started; 0 if it could.
    var failure: CInt = 0
  }

  /// Exit statuses for a command that cannot be executed and for one that is not found, as in a shell.
  private static let cannotRun: CInt = 126
  private static let notFound: CInt = 127

  /// Creates the group, and the process that will run the command. Throws if either is not possible.
  init(_ words: [String]) throws(CommandError) {
    do throws(KernelError) { group = try CommandGroup() } catch {
      throw CommandError("--run: \(error); it takes root, and a cgroup2 file system that can be written to")
    }
    var ends: [CInt] = [-1, -1]
    let kind = CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    // Safe: the array has room for both descriptors.
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure(group) }
    let process = fork()
    guard process >= 0 else { throw Self.failure(group) }
    if process == 0 {
      close(ends[0])
      Self.serve(words, group, ends[1])
    }
    close(ends[1])
    group.close()
    socket = ends[0]
    forwardSignals(to: socket)
  }

  deinit { close(socket) }

  private static func failure(_ group: CommandGroup) -> CommandError {
    let code = errno
    group.remove()
    return CommandError("--run: no process to run the command: \(unsafe String(cString: strerror(code)))")
  }

  // MARK: In apus

  /// Starts the command. From now on everything that it sends and receives is captured.
  func begin() {
    hasBegun = true
    var signal: UInt8 = 0
    // Safe: one byte. It uses write(2), since the sandbox forbids send(2).
    _ = unsafe write(socket, &signal, 1)
  }

  /// True once the command has ended.
  var hasEnded: Bool {
    if report != nil { return true }
    var answer = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&answer, 1, 0) > 0 else { return false }
    receive()
    return true
  }

  /// Waits for the command to end. Throws if it could not be run; a nonzero exit status is thrown as an answer.
  func finish(_ name: String) throws(CommandError) {
    guard hasBegun else { return }
    if report == nil { receive() }
    guard let report else { throw CommandError("--run: the process that runs \(name) has gone") }
    if report.failure != 0 {
      throw CommandError("--run: \(name): \(unsafe String(cString: strerror(report.failure)))").with(
        status: report.status)
    }
    if report.status != 0 { throw .answer(status: report.status) }
  }

  private func receive() {
    var report = Report()
    while true {
      // Safe: read(2) fills at most the structure.
      let count = unsafe withUnsafeMutableBytes(of: &report) { unsafe read(socket, $0.baseAddress, $0.count) }
      if count == MemoryLayout<Report>.size { self.report = report }
      if count >= 0 || errno != EINTR { return }
    }
  }

  /// Forwards signals sent to apus to the command. The terminal's signals reach the command directly.
  private func forwardSignals(to socket: CInt) {
    forwardingSocket.store(socket, ordering: .relaxed)
    var action = sigaction()
    action.sa_flags = SA_SIGINFO | SA_RESTART
    unsafe action.__sigaction_handler.sa_sigaction = forwardingHandler
    for number in Self.forwarded where !Self.isIgnored(number) { unsafe sigaction(number, &action, nil) }
  }

  /// True for a signal that the caller of apus has set to be ignored, as nohup(1) does.
  private static func isIgnored(_ number: CInt) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1. Safe: a handler is a pointer or null, and only its bits are compared.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Signals that ask a process to end.
  private static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  // MARK: In the other process

  private static func serve(_ words: [String], _ group: CommandGroup, _ socket: CInt) -> Never {
    let restored = forwarded.filter { !isIgnored($0) } + [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2]
    for number in forwarded { signal(number, SIG_IGN) }
    guard receive(socket) == 0 else {
      // apus has closed the socket before the capture began.
      group.remove()
      _exit(0)
    }
    var report = Report()
    var outcome: [CInt] = [-1, -1]
    // Safe: the array has room for both descriptors.
    let child = unsafe pipe(&outcome) == 0 ? fork() : -1
    if child == 0 { start(words, group, outcome[1], restoring: restored) }
    close(outcome[1])
    if child < 0 { report = Report(status: cannotRun, failure: errno) }
    var failure: CInt = 0
    // If the command is running, the pipe is closed with nothing in it. Safe: four bytes.
    if child > 0, unsafe read(outcome[0], &failure, 4) == 4 {
      report = Report(status: failure == ENOENT ? notFound : cannotRun, failure: failure)
    }
    if child > 0 {
      let status = wait(for: child, socket)
      if report.failure == 0 { report.status = status }
    }
    // Safe: the structure is valid during the call, and is only read.
    unsafe withUnsafeBytes(of: report) { _ = unsafe write(socket, $0.baseAddress, $0.count) }
    // Processes that the command has left behind keep the group in use; do not wait for them long.
    for _ in 0..<50 where !group.remove() { usleep(10_000) }
    _exit(0)
  }

  /// The next message; nil if apus has ended.
  private static func receive(_ socket: CInt) -> UInt8? {
    var octet: UInt8 = 0
    while true {
      // Safe: one byte.
      let count = unsafe read(socket, &octet, 1)
      if count == 1 { return octet }
      if count == 0 || errno != EINTR { return nil }
    }
  }

  /// Waits for the command, forwards signals to it, and returns its exit status.
  private static func wait(for child: pid_t, _ socket: CInt) -> CInt {
    var isAlone = false
    while true {
      var status: CInt = 0
      // Safe: waitpid(2) writes into the variable.
      let result = unsafe waitpid(child, &status, isAlone ? 0 : WNOHANG)
      if result == child {
        let signal = status & 0x7f
        return signal != 0 ? 128 + signal : (status >> 8) & 0xff
      }
      if result < 0, errno != EINTR { return cannotRun }
      if isAlone { continue }
      // The end of the command does not interrupt poll(2), so check for it periodically.
      var message = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&message, 1, 5) > 0 else { continue }
      if let number = receive(socket) {
        kill(child, CInt(number))
      } else {
        // If apus ends, the command keeps running.
        isAlone = true
      }
    }
  }

  // MARK: In the command's process

  private static func start(_ words: [String], _ group: CommandGroup, _ outcome: CInt, restoring signals: [CInt])
    -> Never
  {
    func fail() -> Never {
      var code = errno
      // Safe: four bytes.
      _ = unsafe write(outcome, &code, 4)
      _exit(cannotRun)
    }
    _ = fcntl(outcome, F_SETFD, FD_CLOEXEC)
    guard group.join(), becomeCaller() else { fail() }
    for number in signals { signal(number, SIG_DFL) }
    let arguments = unsafe words.map { unsafe strdup($0) }
    // Safe: the array ends with nil, and its strings stay valid until the process executes the other program.
    if let program = unsafe arguments.first ?? nil { unsafe execvp(program, arguments + [nil]) }
    fail()
  }

  /// Switches to the user who has called sudo(8) or a set-user-ID program; false if that is not possible.
  private static func becomeCaller() -> Bool {
    guard (try? SetIDPrivilege.end()) != nil else { return false }
    // Safe: the environment is not changed while the program runs.
    guard geteuid() == 0, let user = unsafe getenv("SUDO_UID"), let group = unsafe getenv("SUDO_GID"),
      let name = unsafe getenv("SUDO_USER"), let userNumber = unsafe uid_t(String(cString: user)),
      let groupNumber = unsafe gid_t(String(cString: group))
    else { return true }
    // Started by root: the command keeps root's rights.
    guard userNumber != 0 else { return true }
    guard unsafe initgroups(name, groupNumber) == 0, setgid(groupNumber) == 0, setuid(userNumber) == 0 else {
      return false
    }
    restoreEnvironment(of: userNumber)
    return true
  }

  /// Variables that sudo(8) has set to root's values, or to identify its caller.
  private static let variablesOfSudo = [
    "MAIL", "SUDO_COMMAND", "SUDO_GID", "SUDO_HOME", "SUDO_UID", "SUDO_USER",
  ]

  /// Resets the variables for a user's home and name to their values before sudo(8). PATH stays.
  private static func restoreEnvironment(of user: uid_t) {
    for name in variablesOfSudo { unsafe unsetenv(name) }
    // Safe: there is only one thread, and the entry stays valid until the next call.
    guard let entry = unsafe getpwuid(user) else { return }
    unsafe set("HOME", entry.pointee.pw_dir)
    unsafe set("LOGNAME", entry.pointee.pw_name)
    unsafe set("SHELL", entry.pointee.pw_shell)
    unsafe set("USER", entry.pointee.pw_name)
  }

  private static func set(_ name: String, _ value: UnsafePointer<CChar>?) {
    // Safe: setenv(3) copies both.
    if let value = unsafe value { _ = unsafe setenv(name, value, 1) }
  }
}

private let forwardingSocket = Atomic<CInt>(-1)

/// Async-signal-safe: an atomic and write(2) only.
private func forwardingHandler(
  _ number: CInt, _ information: UnsafeMutablePointer<siginfo_t>?, _: UnsafeMutableRawPointer?
) {
  // A value above 0 means that the kernel has sent it, which signals the command as well.
  guard let information = unsafe information, unsafe information.pointee.si_code <= 0 else { return }
  let savedErrno = errno
  var octet = UInt8(truncatingIfNeeded: number)
  _ = unsafe write(forwardingSocket.load(ordering: .relaxed), &octet, 1)
  errno = savedErrno
}
