import Glibc

/// A capture file that is open, and of which nothing has been read: opening it may take privilege, reading it must not.
public final class InputFile {
  /// The name of the file, as the user gave it; `-` for standard input.
  public let path: String
  /// -1 once it has been taken.
  public private(set) var descriptor: CInt
  /// Neither a pipe nor a device.
  public let isRegular: Bool
  /// Where a regular file is read from.
  private let start: off_t
  /// Reports when the file has grown, where that is wanted.
  let growth: FileGrowth?

  /// Opens the file at `path`, `-` for standard input; with `follows` it may grow while it is read. A FIFO is opened without waiting for
  /// its writer: whoever reads it waits.
  public init(path: String, follows: Bool = false) throws(SavefileError) {
    var descriptor = STDIN_FILENO
    if path != "-" {
      repeat {
        descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      } while descriptor < 0 && errno == EINTR
      guard descriptor >= 0 else { throw SavefileError(path: path, errno: errno) }
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }
    var status = stat()
    let kind = unsafe fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
    guard kind != S_IFDIR else {
      if descriptor > STDIN_FILENO { close(descriptor) }
      throw SavefileError(path: path, errno: EISDIR)
    }
    isRegular = kind == S_IFREG
    start = isRegular ? max(0, lseek(descriptor, 0, SEEK_CUR)) : 0
    self.path = path
    self.descriptor = descriptor
    growth = follows && isRegular ? FileGrowth(path: path) : nil
  }

  private init(copyOf file: InputFile, _ descriptor: CInt) {
    path = file.path
    self.descriptor = descriptor
    isRegular = true
    start = file.start
    growth = nil
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  /// The descriptor, which is the caller's from now on; standard input is closed by nobody.
  public func take() -> CInt {
    defer { descriptor = -1 }
    return descriptor
  }

  /// The same regular file once more, at the same place in it, which both share; nil for anything else.
  public func copy() -> InputFile? {
    guard isRegular, descriptor >= 0 else { return nil }
    // The three standard descriptors are in use, so that this is none of them.
    let copy = dup(descriptor)
    guard copy >= 0 else { return nil }
    _ = fcntl(copy, F_SETFD, FD_CLOEXEC)
    return InputFile(copyOf: self, copy)
  }

  /// Goes back to where a regular file is read from.
  public func rewind() {
    if isRegular, descriptor >= 0 { lseek(descriptor, start, SEEK_SET) }
  }

  /// What `body` finds in a regular file, which is then read from its start all the same; nil for anything else, and where `body` gives
  /// nothing.
  public func peek<Result>(_ body: (InputFile) -> Result?) -> Result? {
    guard let copy = copy() else { return nil }
    // Both descriptors are at the same place in the file.
    defer { rewind() }
    return body(copy)
  }

  /// True where the name leads to the same regular file.
  public func isSame(as path: String) -> Bool {
    var (own, other) = (stat(), stat())
    guard isRegular, unsafe fstat(descriptor, &own) == 0, unsafe stat(path, &other) == 0 else { return false }
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }
}
