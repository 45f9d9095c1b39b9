import Capture
import Glibc
import PacketCore

/// Standard input, output and error.
enum StandardStreams {
  /// Occupies closed standard descriptors, as after `>&-`: otherwise the next opened file would get one of their numbers, and messages on
  /// standard error would go into a savefile. Reading from and writing to them fails as before (EBADF).
  static func occupy() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // open(2) returns the lowest free number, which is this one, since those below it are in use.
      if unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) >= 0 { continue }
      // Without /dev, the root folder works as well: a descriptor with O_PATH can be neither read nor written (EBADF).
      _ = unsafe open("/", 0o1000_0000)
    }
  }

  /// Writes text to standard output and returns the `errno` of a failed write; see `TextBuffer.flush`. A second Ctrl-C ends the wait for a
  /// reader that does not read.
  static func write(_ text: inout TextBuffer) -> CInt? {
    text.flush(to: STDOUT_FILENO) { StopSignal.isRepeated }
  }

  /// True for a pipe or a socket: its reader may leave while there is nothing to write.
  static func hasReader(_ descriptor: CInt) -> Bool {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFIFO || status.st_mode & S_IFMT == S_IFSOCK
  }

  /// True if the reader of a pipe or a socket has left.
  static func isAbandoned(_ descriptor: CInt) -> Bool {
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return unsafe poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR | POLLHUP) != 0
  }
}
