import Glibc
import Synchronization

/// The process of the running solver; 0 if there is none.
private let runningSolver = Atomic<pid_t>(0)

/// The external program that decides the proofs.
public enum Solver {
  /// Kills the running solver, so that it does not outlive this process. Async-signal-safe.
  public static func end() {
    let process = runningSolver.load(ordering: .relaxed)
    if process > 0 { kill(process, SIGKILL) }
  }
}

/// Why the solver could not be used.
public struct ProofError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line, without program name or full stop.
  public let description: String
  /// True if it took too long: a higher limit may help.
  public let isTimeout: Bool

  init(_ description: String, isTimeout: Bool = false) {
    self.description = description
    self.isTimeout = isTimeout
  }

  static let timeout = ProofError("z3 timed out", isTimeout: true)
}

/// The solver's result for the assertions so far.
enum Satisfiability {
  case satisfiable, unsatisfiable
  /// Not decided in the time that was left.
  case unknown
}

/// A running `z3`, which reads a script in SMT-LIB 2 and answers line by line. It ends when this value is destroyed.
///
/// One socket serves both directions, so a solver that has exited causes an error and no signal; every wait observes the time limit.
@safe struct Z3: ~Copyable {
  private let socket: CInt
  private let process: pid_t
  /// In milliseconds of the clock `now`.
  private let deadline: Int64
  /// When the current query must be answered.
  private var queryDeadline: Int64
  /// Bytes that were received but not parsed yet.
  private var received: [UInt8] = []

  /// The memory limit of the solver, in megabytes.
  private static let memoryLimit = 2048
  /// How many bytes of a script are sent before the time is checked again.
  private static let longPart = 1 << 20
  /// The maximum length of an answer, in bytes.
  private static let longestAnswer = 64 << 20

  /// Starts the program, which must be in PATH. Throws if it is not there.
  init(until end: Deadline) throws(ProofError) {
    deadline = Self.now &+ Int64(end.secondsLeft * 1e3)
    queryDeadline = deadline
    try end.check()
    var ends: [CInt] = [-1, -1]
    let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    // Safe: the array has room for both descriptors.
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure("z3 cannot be run", errno) }
    defer { close(ends[1]) }
    do throws(ProofError) {
      process = try Self.spawn(descriptor: ends[1], milliseconds: max(1, deadline &- Self.now))
    } catch {
      close(ends[0])
      throw error
    }
    socket = ends[0]
    runningSolver.store(process, ordering: .relaxed)
  }

  deinit {
    runningSolver.store(0, ordering: .relaxed)
    close(socket)
    kill(process, SIGKILL)
    while waitpid(process, nil, 0) < 0, errno == EINTR {}
  }

  /// Starts `z3` with the descriptor as its standard input and output.
  private static func spawn(descriptor: CInt, milliseconds: Int64) throws(ProofError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    // Safe: initialised here, destroyed below.
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, STDOUT_FILENO)
    // Without /dev the solver has no standard error.
    if unsafe access("/dev/null", W_OK) == 0 {
      unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    } else {
      unsafe posix_spawn_file_actions_addclose(&actions, STDERR_FILENO)
    }
    // The solver also exits by itself, in case this process is killed while it works.
    let words = ["z3", "-in", "-smt2", "-memory:\(memoryLimit)", "-T:\(milliseconds / 1000 + 2)"]
    let arguments = unsafe words.map { unsafe strdup($0) }
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    // Safe: the array ends with nil, and its strings live until posix_spawnp(3) has returned.
    let code = unsafe posix_spawnp(&child, "z3", &actions, nil, arguments + [nil], environ)
    // A directory in PATH that the user may not enter also gives EACCES.
    if code == ENOENT || code == EACCES {
      throw ProofError("this needs the program z3, which is not in PATH (Debian, Ubuntu: apt-get install z3)")
    }
    guard code == 0 else { throw failure("z3 cannot be run", code) }
    return child
  }

  private static func failure(_ words: String, _ code: CInt) -> ProofError {
    ProofError("\(words): \(unsafe String(cString: strerror(code)))")
  }

  /// Milliseconds of a monotonic clock.
  private static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }

  // MARK: Questions

  /// Asks whether the assertions can be satisfied together. It takes at most `seconds`, and no longer than the time limit allows.
  mutating func check(seconds: Double? = nil) throws(ProofError) -> Satisfiability {
    try check("(check-sat)\n", seconds: seconds)
  }

  /// Asks the same with additional assumptions, each the name of a truth or `(not name)`, that are not kept afterwards.
  mutating func check(assuming assumptions: [String]) throws(ProofError) -> Satisfiability {
    try check("(check-sat-assuming (\(assumptions.joined(separator: " "))))\n", seconds: nil)
  }

  private mutating func check(_ question: String, seconds: Double?) throws(ProofError) -> Satisfiability {
    let left = deadline &- Self.now
    guard left > 0 else { return .unknown }
    let limit = min(left, seconds.map { Int64($0 * 1e3) } ?? left)
    queryDeadline = Self.now &+ limit
    defer { queryDeadline = deadline }
    try send("(set-option :timeout \(max(1, limit)))\n\(question)")
    switch try answer() {
    case "sat": return .satisfiable
    case "unsat": return .unsatisfiable
    case "unknown", "timeout": return .unknown
    case let other: throw ProofError("z3 answers: \(other.prefix(200))")
    }
  }

  /// The values of terms in the model that the last query found, as numbers: those of bit vectors, or 0 and 1 for truths.
  mutating func values(of terms: [String]) throws(ProofError) -> [UInt64] {
    var values: [UInt64] = []
    // In groups, to bound the size of query and answer.
    for start in stride(from: 0, to: terms.count, by: 2048) {
      let part = terms[start..<min(terms.count, start + 2048)]
      try send("(get-value (\(part.joined(separator: " "))))\n")
      let found = Self.values(in: try answer())
      guard found.count == part.count else { throw ProofError("z3 gives no model") }
      values += found
    }
    return values
  }

  /// The value of each pair in `((term value) (term value) …)`.
  private static func values(in answer: String) -> [UInt64] {
    var values: [UInt64] = []
    var depth = 0
    var word: [UInt8] = []
    for octet in answer.utf8 {
      switch octet {
      case UInt8(ascii: "("):
        depth += 1
        word.removeAll()
      case UInt8(ascii: ")"):
        // The value is the last word before the pair's end.
        if depth == 2, let value = number(word) { values.append(value) }
        depth -= 1
        word.removeAll()
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): word.removeAll()
      default: word.append(octet)
      }
    }
    return values
  }

  /// `#x0f`, `#b01`, `true` or `false`.
  private static func number(_ word: [UInt8]) -> UInt64? {
    let text = String(decoding: word, as: UTF8.self)
    if text == "true" { return 1 }
    if text == "false" { return 0 }
    if text.hasPrefix("#x") { return UInt64(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("#b") { return UInt64(text.dropFirst(2), radix: 2) }
    return nil
  }

  // MARK: The socket

  /// Sends a part of the script to the solver, which may take a while to read a long one.
  mutating func send(_ script: String) throws(ProofError) {
    let octets = Array(script.utf8)
    var sent = 0
    while sent < octets.count {
      let count = unsafe octets.withUnsafeBytes { octets in
        // Safe: the bytes to send are between `sent` and the end of the array.
        unsafe Glibc.send(
          socket, octets.baseAddress?.advanced(by: sent), min(octets.count - sent, Self.longPart),
          CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count > 0 {
        sent += count
        if sent > Self.longPart, Self.now >= deadline { throw .timeout }
      } else if errno == EAGAIN || errno == EINTR {
        // The solver itself may be waiting for its answers to be read.
        try wait(for: Int16(POLLOUT) | Int16(POLLIN))
      } else {
        throw ProofError("z3 has ended")
      }
    }
  }

  /// Waits until the socket can be written or read, and reads what is available.
  private mutating func wait(for events: Int16) throws(ProofError) {
    // Wait a little longer than the solver was allowed, so that it can report that it gave up.
    let left = queryDeadline &+ 500 &- Self.now
    guard left > 0 else { throw .timeout }
    var descriptor = pollfd(fd: socket, events: events, revents: 0)
    guard unsafe poll(&descriptor, 1, CInt(clamping: left)) > 0 else { return }
    guard descriptor.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { return }
    let part = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      // Safe: recv(2) fills at most the buffer's capacity.
      count = unsafe max(0, recv(socket, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT)))
    }
    if part.isEmpty, descriptor.revents & Int16(POLLHUP | POLLERR) != 0 { throw ProofError("z3 has ended") }
    received += part
    guard received.count <= Self.longestAnswer else { throw ProofError("z3's answer does not end") }
  }

  /// The next answer: a word, or a list including everything between its parentheses.
  private mutating func answer() throws(ProofError) -> String {
    var examined = 0
    var depth = 0
    var start: Int?
    while true {
      while examined < received.count {
        let octet = received[examined]
        examined += 1
        switch octet {
        case UInt8(ascii: "("): depth += 1
        case UInt8(ascii: ")"): depth -= 1
        default: break
        }
        let isBlank = octet <= 0x20
        if start == nil, !isBlank { start = examined - 1 }
        guard let start, depth <= 0, isBlank || octet == UInt8(ascii: ")") else { continue }
        let answer = String(decoding: received[start..<(isBlank ? examined - 1 : examined)], as: UTF8.self)
        received.removeFirst(examined)
        return answer
      }
      try wait(for: Int16(POLLIN))
    }
  }
}
