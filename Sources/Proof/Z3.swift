import Glibc
import Synchronization

/// The solver that runs; 0 for none.
private let runningSolver = Atomic<pid_t>(0)

/// The program that proofs are left to.
public enum Solver {
  /// Ends the one that is at work, so that it does not outlive this process. Async-signal-safe.
  public static func end() {
    let process = runningSolver.load(ordering: .relaxed)
    if process > 0 { kill(process, SIGKILL) }
  }
}

/// Why something could not be asked of the solver.
public struct ProofError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line, without program name and full stop.
  public let description: String
  /// True if it took too long: another limit may help.
  public let isTimeout: Bool

  init(_ description: String, isTimeout: Bool = false) {
    self.description = description
    self.isTimeout = isTimeout
  }

  static let timeout = ProofError("z3 timed out", isTimeout: true)
}

/// What the solver says of the assertions so far.
enum Satisfiability {
  case satisfiable, unsatisfiable
  /// Not decided in the time that was left.
  case unknown
}

/// A running `z3`, which reads a script in SMT-LIB 2 and answers line by line. It ends with the owner.
///
/// Both directions are one socket, so that a solver that is gone is an error and no signal; every wait ends with the time limit.
@safe struct Z3: ~Copyable {
  private let socket: CInt
  private let process: pid_t
  /// On the clock of `now`.
  private let deadline: Int64
  /// When the answer to the question being asked has to be there.
  private var queryDeadline: Int64
  /// What was read and not taken yet.
  private var received: [UInt8] = []

  /// Megabytes after which the solver gives up.
  private static let memoryLimit = 2048
  /// Octets of a script that are sent without a look at the clock.
  private static let longPart = 1 << 20
  /// Octets of the longest answer that is taken.
  private static let longestAnswer = 64 << 20

  /// Starts the program, found in PATH. Throws if it is not there.
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
    // The solver ends by itself, too, should this process be killed while it thinks.
    let words = ["z3", "-in", "-smt2", "-memory:\(memoryLimit)", "-T:\(milliseconds / 1000 + 2)"]
    let arguments = unsafe words.map { unsafe strdup($0) }
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    // Safe: the array ends with nil, and its strings live until posix_spawnp(3) has returned.
    let code = unsafe posix_spawnp(&child, "z3", &actions, nil, arguments + [nil], environ)
    // In a folder of PATH that the user may not enter there is none for him.
    if code == ENOENT || code == EACCES {
      throw ProofError("this needs the program z3, which is not in PATH (Debian, Ubuntu: apt-get install z3)")
    }
    guard code == 0 else { throw failure("z3 cannot be run", code) }
    return child
  }

  private static func failure(_ words: String, _ code: CInt) -> ProofError {
    ProofError("\(words): \(unsafe String(cString: strerror(code)))")
  }

  /// Milliseconds of a clock that only goes forward.
  private static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }

  // MARK: Questions

  /// Asks whether the assertions can hold together. It takes no longer than `seconds`, nor than what is left of the time limit.
  mutating func check(seconds: Double? = nil) throws(ProofError) -> Satisfiability {
    try check("(check-sat)\n", seconds: seconds)
  }

  /// Asks the same with more assumptions, names of truths or `(not name)`, that are not kept.
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

  /// The values of terms in the model that the last question found, as numbers: of bit vectors, or 0 and 1 for truths.
  mutating func values(of terms: [String]) throws(ProofError) -> [UInt64] {
    var values: [UInt64] = []
    // Some at a time: neither question nor answer grows beyond measure.
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

  // MARK: The pipe

  /// Gives the solver a part of the script. It may take its time to read a long one.
  mutating func send(_ script: String) throws(ProofError) {
    let octets = Array(script.utf8)
    var sent = 0
    while sent < octets.count {
      let count = unsafe octets.withUnsafeBytes { octets in
        // Safe: what is sent lies between `sent` and the array's end.
        unsafe Glibc.send(
          socket, octets.baseAddress?.advanced(by: sent), min(octets.count - sent, Self.longPart),
          CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count > 0 {
        sent += count
        if sent > Self.longPart, Self.now >= deadline { throw .timeout }
      } else if errno == EAGAIN || errno == EINTR {
        // It may be waiting itself, for its answers to be read.
        try wait(for: Int16(POLLOUT) | Int16(POLLIN))
      } else {
        throw ProofError("z3 has ended")
      }
    }
  }

  /// Waits until the socket can be written or read; what can be read is.
  private mutating func wait(for events: Int16) throws(ProofError) {
    // A moment more than the solver was given, so that it can say that it gives up.
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

  /// The next answer: a word, or a list with all that is between its parentheses.
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
