import Glibc

/// A program that is run, without a shell, with the name of every file that has given way to another. Nobody waits for it.
struct ClosedFileCommand {
  private let program: String
  /// Those that were started and have not been seen to end.
  private var children: [pid_t] = []

  init(_ program: String) { self.program = program }

  /// Throws where the program cannot be started.
  mutating func run(_ name: String) throws(SavefileError) {
    var child: pid_t = 0
    // Those that have ended are forgotten; only ours: children of other parts of the process are theirs to wait for.
    children.removeAll { waitpid($0, nil, WNOHANG) != 0 }
    let (first, second) = unsafe (strdup(program), strdup(name))
    defer {
      unsafe free(first)
      unsafe free(second)
    }
    // Safe: the array ends with nil and its strings live until posix_spawnp(3) has returned.
    let code = unsafe posix_spawnp(&child, program, nil, nil, [first, second, nil], environ)
    guard code == 0 else { throw SavefileError(path: program, errno: code, prefix: "cannot be run for \(name): ") }
    children.append(child)
  }
}
