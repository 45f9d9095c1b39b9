import Capture
import Glibc
import Sandbox

/// A process that runs the program of `-z` for every complete file, so that the process that parses packets need not be able to start other
/// processes.
///
/// It is forked before any source of packets is opened, keeps only the three standard descriptors and its end of a socket, becomes the same
/// user as apus and enters its own sandbox. It ends after apus has closed the socket and all programs have ended.
@safe final class ProgramHelper {
  /// Messages to the helper are file names; its answers are `Report`s.
  private let socket: CInt
  private let program: PostRotateProgram
  private let folder: String
  private var isFinished = false
  /// The message after the last file name; no name contains this byte.
  private static let end: [UInt8] = [0]

  /// The helper's first message says that it is ready, its last one for how many files the program has failed.
  private struct Report: BitwiseCopyable {
    /// The `errno` if the program cannot be run at all; 0 if it can.
    var program: CInt = 0
    /// The `errno` if it cannot access the folder of the files by its path; 0 if it can.
    var folder: CInt = 0
    var failures: CInt = 0
  }

  /// Starts the process. `folder` is the path of the folder with the files. `enter` drops the privileges that the process does not need.
  /// Throws if the process cannot be created.
  init(
    _ program: PostRotateProgram, folder: String, _ enter: () throws(CommandError) -> Void
  ) throws(CommandError) {
    var ends: [CInt] = [-1, -1]
    let kind = CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    // Safe: the array has room for both descriptors.
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure(program) }
    let process = fork()
    guard process >= 0 else { throw Self.failure(program) }
    if process == 0 { Self.serve(program, folder, ends[1], enter) }
    close(ends[1])
    self.program = program
    self.folder = folder
    socket = ends[0]
  }

  deinit { close(socket) }

  private static func failure(_ program: PostRotateProgram) -> CommandError {
    CommandError("-z \(program.words[0]): cannot start a process for it: \(unsafe String(cString: strerror(errno)))")
  }

  // MARK: In apus

  /// Waits until the helper has dropped its privileges. Throws if the program cannot be run after that.
  func awaitReady() throws(CommandError) {
    guard let report = receive() else {
      isFinished = true
      // The helper has printed the reason itself.
      throw CommandError("-z \(program.words[0]): the process to run it has ended")
    }
    func refuse(_ path: String, _ what: String, _ code: CInt) throws(CommandError) {
      guard code != 0 else { return }
      isFinished = true
      throw CommandError(
        "-z: \(path): the user that apus becomes \(what): \(unsafe String(cString: strerror(code))) (see Privilege, and -Z)"
      )
    }
    try refuse(program.path, "cannot run this program", report.program)
    try refuse(folder, "cannot get to this folder, so no program can open its files", report.folder)
  }

  /// Runs the program for a file, without waiting for it.
  func run(_ name: String) {
    send(Array(name.utf8))
  }

  private func send(_ octets: [UInt8]) {
    while true {
      // Safe: the array has that many bytes. write(2) sends a whole message on this kind of socket; the sandbox forbids send(2).
      let sent = unsafe octets.withUnsafeBytes { unsafe write(socket, $0.baseAddress, $0.count) }
      if sent >= 0 || errno != EINTR { return }
    }
  }

  /// Waits until every program has ended. A signal ends the wait, and the programs keep running. Throws if the program has failed for a
  /// file.
  func finish() throws(CommandError) {
    guard !isFinished else { return }
    isFinished = true
    send(Self.end)
    let hadSignal = StopSignal.isRaised
    var isReported = false
    while true {
      var answer = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      let count = unsafe poll(&answer, 1, 1000)
      if count > 0 { break }
      if hadSignal ? StopSignal.isRepeated : StopSignal.isRaised { return }
      if count == 0, !isReported {
        isReported = true
        Diagnostics.note(
          "apus: waiting for \(program.words[0]) to finish (-z); Ctrl-C \(hadSignal ? "again " : "")leaves it running")
      }
    }
    guard let report = receive(), report.failures > 0 else { return }
    throw CommandError(
      "-z: \(program.words[0]) failed for \(report.failures) file\(report.failures == 1 ? "" : "s"); the files are complete"
    )
  }

  private func receive() -> Report? {
    var report = Report()
    while true {
      // Safe: read(2) fills at most the structure.
      let count = unsafe withUnsafeMutableBytes(of: &report) { unsafe read(socket, $0.baseAddress, $0.count) }
      if count == MemoryLayout<Report>.size { return report }
      if count >= 0 || errno != EINTR || StopSignal.isRaised { return nil }
    }
  }

  // MARK: In the helper

  /// The main function of the forked process.
  private static func serve(
    _ program: PostRotateProgram, _ folder: String, _ socket: CInt, _ enter: () throws(CommandError) -> Void
  ) -> Never {
    // Ctrl-C and similar signals are handled by apus, which then closes the socket.
    let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]
    var inherited: [CInt] = []
    for number in signals {
      var action = sigaction()
      unsafe sigaction(number, nil, &action)
      // Safe: SIG_IGN is the address 1, and a handler is a pointer.
      if unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1 { inherited.append(number) }
      signal(number, SIG_IGN)
    }
    do throws(CommandError) {
      try enter()
    } catch {
      Diagnostics.report(error)
      _exit(1)
    }
    let socket = Descriptors.keepOnly(socket)
    var runner = ProgramRunner(program, signals: inherited + [SIGPIPE, SIGXFSZ])
    func access(_ path: String) -> CInt { unsafe faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno }
    send(Report(program: access(program.path), folder: access(folder)), to: socket)
    var name = [UInt8](repeating: 0, count: Int(PATH_MAX) + 256)
    while true {
      runner.reap()
      var message = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      // The end of a program does not interrupt poll(2), so check for it periodically.
      guard unsafe poll(&message, 1, runner.isBusy ? 50 : -1) > 0 else { continue }
      // Safe: read(2) fills at most the array.
      let count = unsafe name.withUnsafeMutableBytes { unsafe read(socket, $0.baseAddress, $0.count) }
      if count > 0, name.prefix(count) != Self.end[...] {
        runner.run(String(decoding: name.prefix(count), as: UTF8.self))
      } else if count >= 0 || errno != EINTR {
        break
      }
    }
    while runner.isBusy {
      runner.reap()
      // If apus has ended, nobody waits for the answer.
      var state = pollfd(fd: socket, events: 0, revents: 0)
      if unsafe poll(&state, 1, 20) > 0, state.revents & Int16(POLLHUP | POLLERR) != 0 { break }
      usleep(20_000)
    }
    send(Report(failures: runner.failures), to: socket)
    _exit(0)
  }

  private static func send(_ report: Report, to socket: CInt) {
    // Safe: the structure is valid during the call, and is only read.
    unsafe withUnsafeBytes(of: report) { _ = unsafe write(socket, $0.baseAddress, $0.count) }
  }
}

/// Runs a program for one file after another, and records how each run has ended.
private struct ProgramRunner {
  private let program: PostRotateProgram
  /// Signals that are reset to their default action in programs.
  private let signals: [CInt]
  private var children: [pid_t: String] = [:]
  private(set) var failures: CInt = 0

  init(_ program: PostRotateProgram, signals: [CInt]) {
    self.program = program
    self.signals = signals
  }

  var isBusy: Bool { !children.isEmpty }

  mutating func run(_ file: String) {
    var attributes = posix_spawnattr_t()
    // Safe: initialised here, destroyed below.
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var (restored, none) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&restored)
    unsafe sigemptyset(&none)
    for number in signals { unsafe sigaddset(&restored, number) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &restored)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    // In its own process group, so that Ctrl-C at the terminal ends the capture and not the work on its files.
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes, CShort(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    let arguments = unsafe (program.words + [file]).map { unsafe strdup($0) }
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    // Safe: the array ends with nil, and its strings are valid until posix_spawn(3) has returned.
    let code = unsafe posix_spawn(&child, program.path, nil, &attributes, arguments + [nil], environ)
    guard code == 0 else { return fail(file, "cannot be run: \(unsafe String(cString: strerror(code)))") }
    children[child] = file
  }

  /// Collects the programs that have ended.
  mutating func reap() {
    for (child, file) in children {
      var status: CInt = 0
      // Safe: waitpid(2) writes into the variable.
      guard unsafe waitpid(child, &status, WNOHANG) == child else { continue }
      children[child] = nil
      let signal = status & 0x7f
      let exit = (status >> 8) & 0xff
      if signal != 0 {
        fail(file, "was ended by signal \(signal)")
      } else if exit != 0 {
        fail(file, "ended with status \(exit)")
      }
    }
  }

  private mutating func fail(_ file: String, _ words: String) {
    failures &+= 1
    Diagnostics.note("apus: -z: \(program.words[0]) \(words) (\(file))")
  }
}
