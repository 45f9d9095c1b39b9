import Glibc
import PacketCore

/// graphviz's `dot`, which draws graphs: started before the first packet is looked at, it waits for its graph.
struct Graphviz {
  private let format: String
  private let child: pid_t
  /// Where the graph is written to.
  private let input: Int32

  /// Starts `dot`, which draws to standard output. Throws where it is missing.
  init(_ format: String) throws(CommandError) {
    // Where `dot` ends early, the write fails instead of this process.
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    // Safe: pipe(2) fills the array's two elements.
    guard unsafe pipe(&ends) == 0 else { throw Self.failure("pipe", errno) }
    // The child must not hold the end that is written to, or it would wait for itself.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    self.format = format
    input = ends[1]
    child = try Self.start(format, input: ends[0])
  }

  /// Has `dot` draw a graph, and waits for it. Throws where it fails.
  func draw(_ graph: borrowing TextBuffer) throws(CommandError) {
    let isWritten = Self.write(graph.bytes, to: input)
    close(input)
    var status: Int32 = 0
    // Safe: waitpid(2) writes into the variable.
    while unsafe waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Self.failure("dot", errno) }
    }
    // An exit with status 0, as WIFEXITED and WEXITSTATUS say it.
    guard status == 0, isWritten else { throw CommandError("graphviz's dot failed to draw the filter as \(format)") }
  }

  /// Starts `dot`, which reads from the descriptor `input`.
  private static func start(_ format: String, input: Int32) throws(CommandError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    var child: pid_t = 0
    // Safe: the actions are initialised before their use and destroyed after it; the strings of the arguments live until they are freed
    // below, when posix_spawnp(3) has returned.
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

  /// Writes all of a text; false where the reader has gone.
  private static func write(_ text: RawSpan, to descriptor: Int32) -> Bool {
    var buffer = TextBuffer(capacity: text.byteCount)
    buffer.write(text)
    return buffer.flush(to: descriptor) == nil
  }

  private static func failure(_ what: String, _ code: Int32) -> CommandError {
    CommandError("\(what): \(unsafe String(cString: strerror(code)))")
  }
}
