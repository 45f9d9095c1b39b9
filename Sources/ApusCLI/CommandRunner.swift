import Capture
import EBPF
import Glibc
import Processes
import Sandbox
import Synchronization

/// The command of `--run`, in a control group of its own.
///
/// A process of its own starts it, waits for it and removes its group, so that the process which sees packets need not be able to start
/// others or to send signals. It is forked before any source of packets is opened, and parses nothing.
@safe final class CommandRunner {
  let group: CommandGroup
  /// Messages to the other process are numbers of signals, the first of which is 0: begin. Its own are `Report`s.
  private let socket: CInt
  private var report: Report?
  private var hasBegun = false

  /// How the command has ended.
  private struct Report: BitwiseCopyable {
    /// Its exit status; that of shells, 128 and the number, where a signal has ended it.
    var status: CInt = 0
    /// Why it could not be started, an `errno`; 0 where it could.
    var failure: CInt = 0
  }

  /// Exit statuses of a command that cannot be run, and of one that is not there, as of shells.
  private static let cannotRun: CInt = 126
  private static let notFound: CInt = 127

  /// Makes the group, and the process that will run the command. Throws where there is none of them.
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

  /// Has the command started: from now on everything that it sends and receives is captured.
  func begin() {
    hasBegun = true
    var signal: UInt8 = 0
    // Safe: one octet. It is write(2), since the sandbox has no send(2).
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

  /// Waits for the end of the command. Throws where it could not be run, and its exit status as an answer where that is not 0.
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

  /// Signals that are sent to apus are for the command; those of the terminal it gets by itself.
  private func forwardSignals(to socket: CInt) {
    forwardingSocket.store(socket, ordering: .relaxed)
    var action = sigaction()
    action.sa_flags = SA_SIGINFO | SA_RESTART
    unsafe action.__sigaction_handler.sa_sigaction = forwardingHandler
    for number in Self.forwarded where !Self.isIgnored(number) { unsafe sigaction(number, &action, nil) }
  }

  /// True for a signal that whoever has started apus has it ignore, as nohup(1) does.
  private static func isIgnored(_ number: CInt) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1. Safe: a handler is a pointer, or none, and only its bits are looked at.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Signals that ask a process to end.
  private static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  // MARK: In the other process

  private static func serve(_ words: [String], _ group: CommandGroup, _ socket: CInt) -> Never {
    let restored = forwarded.filter { !isIgnored($0) } + [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2]
    for number in forwarded { signal(number, SIG_IGN) }
    guard receive(socket) == 0 else {
      // The capture has not begun.
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
    // The pipe is closed, with nothing in it, where the command is running. Safe: four octets.
    if child > 0, unsafe read(outcome[0], &failure, 4) == 4 {
      report = Report(status: failure == ENOENT ? notFound : cannotRun, failure: failure)
    }
    if child > 0 {
      let status = wait(for: child, socket)
      if report.failure == 0 { report.status = status }
    }
    // Safe: the structure lives during the call, and is only read.
    unsafe withUnsafeBytes(of: report) { _ = unsafe write(socket, $0.baseAddress, $0.count) }
    // Processes that the command has left behind keep the group. Nobody can wait for them.
    for _ in 0..<50 where !group.remove() { usleep(10_000) }
    _exit(0)
  }

  /// The number that comes next; nil where apus has gone.
  private static func receive(_ socket: CInt) -> UInt8? {
    var octet: UInt8 = 0
    while true {
      // Safe: one octet.
      let count = unsafe read(socket, &octet, 1)
      if count == 1 { return octet }
      if count == 0 || errno != EINTR { return nil }
    }
  }

  /// Waits for the command, and hands signals on to it; gives its exit status.
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
      // The end of the command interrupts nothing, so it is looked for now and then.
      var message = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&message, 1, 5) > 0 else { continue }
      if let number = receive(socket) {
        kill(child, CInt(number))
      } else {
        // Without apus the command goes on.
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
      // Safe: four octets.
      _ = unsafe write(outcome, &code, 4)
      _exit(cannotRun)
    }
    _ = fcntl(outcome, F_SETFD, FD_CLOEXEC)
    guard group.join(), becomeCaller() else { fail() }
    for number in signals { signal(number, SIG_DFL) }
    let arguments = unsafe words.map { unsafe strdup($0) }
    // Safe: the array ends with nil, and its strings stay until the process becomes another program.
    if let program = unsafe arguments.first ?? nil { unsafe execvp(program, arguments + [nil]) }
    fail()
  }

  /// Becomes who has called sudo(8), or a program with a set-user-ID bit; false where that is not possible.
  private static func becomeCaller() -> Bool {
    guard (try? SetIDPrivilege.end()) != nil else { return false }
    // Safe: the environment is not changed while the program runs.
    guard geteuid() == 0, let user = unsafe getenv("SUDO_UID"), let group = unsafe getenv("SUDO_GID"),
      let name = unsafe getenv("SUDO_USER"), let userNumber = unsafe uid_t(String(cString: user)),
      let groupNumber = unsafe gid_t(String(cString: group))
    else { return true }
    // What is allowed to root stays where root has called.
    guard userNumber != 0 else { return true }
    guard unsafe initgroups(name, groupNumber) == 0, setgid(groupNumber) == 0, setuid(userNumber) == 0 else {
      return false
    }
    restoreEnvironment(of: userNumber)
    return true
  }

  /// Variables that sudo(8) has set to what they are for root, or to say who has called it.
  private static let variablesOfSudo = [
    "MAIL", "SUDO_COMMAND", "SUDO_GID", "SUDO_HOME", "SUDO_UID", "SUDO_USER",
  ]

  /// Makes the variables for a user's home and name again what they were before sudo(8). PATH stays.
  private static func restoreEnvironment(of user: uid_t) {
    for name in variablesOfSudo { unsafe unsetenv(name) }
    // Safe: there is but one thread, and the entry stays until the next call.
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
  // Above 0 it comes from the kernel, which tells the command as well.
  guard let information = unsafe information, unsafe information.pointee.si_code <= 0 else { return }
  let savedErrno = errno
  var octet = UInt8(truncatingIfNeeded: number)
  _ = unsafe write(forwardingSocket.load(ordering: .relaxed), &octet, 1)
  errno = savedErrno
}
