import Glibc

/// Standard input, output and error.
enum StandardStreams {
  /// Occupies those that are closed, as after `>&-`: else the next file that is opened would have the number of one of them, and what is
  /// said on standard error would go into a savefile. Reading from and writing to them fails as before (EBADF).
  static func occupy() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest number that is free is this one, since those below it are in use.
      _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
