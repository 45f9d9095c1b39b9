import Glibc
import PacketCore

/// graphviz's `dot`, which draws graphs. It is started before the first packet is parsed, and waits for its graph.
struct Graphviz {
  private let format: String
  private let child: pid_t
  /// The pipe to which the graph is written.
  private let input: Int32

  /// Starts `dot`, which draws to standard output. Throws if it is not installed.
  init(_ format: String) throws(CommandError) {
    // If `dot` ends early, the write fails instead of ending this process.
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    // Safe: pipe(2) fills the array's two elements.
    guard unsafe pipe(&ends) == 0 else { throw Self.failure("pipe", errno) }
    // The child must not inherit the write end, or it would never see the end of its input.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    self.format = format
    input = ends[1]
    child = try Self.start(format, input: ends[0])
  }

  /// Sends a graph to `dot` and waits until it is drawn. Throws if `dot` fails.
  func draw(_ graph: borrowing TextBuffer) throws(CommandError) {
    let isWritten = Self.write(graph.bytes, to: input)
    close(input)
    var status: Int32 = 0
    // Safe: waitpid(2) writes into the variable.
    while unsafe waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Self.failure("dot", errno) }
    }
    // An exit with status 0, in the encoding of WIFEXITED and WEXITSTATUS.
    guard status == 0, isWritten else { throw CommandError("graphviz's dot failed to draw the filter as \(format)") }
  }

  /// Starts `dot`, which reads from the descriptor `input`.
  private static func start(_ format: String, input: Int32) throws(CommandError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    var child: pid_t = 0
    // Safe: the actions are initialised before their use and destroyed after it; the strings of the arguments are freed below, after
    // posix_spawnp(3) has returned.
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    let (name, option) = unsafe (strdup("dot"), strdup("-T\(format)"))
    defer {
      unsafe free(name)
      unsafe free(option)
    }
    let code = unsafe posix_spawnp(&child, "dot", &actions, nil, [name, option, nil], environ)
    guard code == 0 else {
      if code == ENOENT {
        throw CommandError("--graph \(format) needs the program 'dot' of graphviz (Debian: apt-get install graphviz)")
      }
      throw failure("dot", code)
    }
    return child
  }

  /// Writes the whole text; false if the reader has left.
  private static func write(_ text: RawSpan, to descriptor: Int32) -> Bool {
    var buffer = TextBuffer(capacity: text.byteCount)
    buffer.write(text)
    return buffer.flush(to: descriptor) == nil
  }

  private static func failure(_ what: String, _ code: Int32) -> CommandError {
    CommandError("\(what): \(unsafe String(cString: strerror(code)))")
  }
}
