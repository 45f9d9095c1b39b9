import Glibc

/// A capture file that is open but has not been read yet: opening it may need privileges, and it must be read without them.
public final class InputFile {
  /// The name of the file, as the user gave it; `-` for standard input.
  public let path: String
  /// -1 once `take` was called.
  public private(set) var descriptor: CInt
  /// It is neither a pipe nor a device.
  public let isRegular: Bool
  /// The offset at which reading a regular file starts.
  private let start: off_t
  /// Reports when the file has grown; nil if it is not followed.
  let growth: FileGrowth?

  /// Opens the file at `path`, or standard input for `-`; with `follows` it may grow while it is read. Opening a FIFO does not wait for its
  /// writer; reading it does.
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

  /// Hands the descriptor over to the caller, who must close it, except for standard input.
  public func take() -> CInt {
    defer { descriptor = -1 }
    return descriptor
  }

  /// A copy of a regular file, whose file position is shared with this one; nil for anything else.
  public func copy() -> InputFile? {
    guard isRegular, descriptor >= 0 else { return nil }
    // The three standard descriptors are in use, so the copy is none of them.
    let copy = dup(descriptor)
    guard copy >= 0 else { return nil }
    _ = fcntl(copy, F_SETFD, FD_CLOEXEC)
    return InputFile(copyOf: self, copy)
  }

  /// Resets a regular file to the offset at which reading starts.
  public func rewind() {
    if isRegular, descriptor >= 0 { lseek(descriptor, start, SEEK_SET) }
  }

  /// The result of `body` on a copy of a regular file, which can still be read from its start afterwards; nil for anything else, or if
  /// `body` returns nil.
  public func peek<Result>(_ body: (InputFile) -> Result?) -> Result? {
    guard let copy = copy() else { return nil }
    // Both descriptors share the file position.
    defer { rewind() }
    return body(copy)
  }

  /// True if the path leads to the same regular file.
  public func isSame(as path: String) -> Bool {
    var (own, other) = (stat(), stat())
    guard isRegular, unsafe fstat(descriptor, &own) == 0, unsafe stat(path, &other) == 0 else { return false }
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }
}
