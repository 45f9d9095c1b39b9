import Glibc
import PacketCore

/// A file, pipe or device that is written from its start to its end.
@safe
struct OutputFile: ~Copyable {
  /// Octets in it that stay.
  private(set) var length = 0
  private var descriptor: CInt
  /// Where it begins: what was in the file before stays, as behind `>>` of a shell.
  private let start: off_t
  /// Neither a pipe nor a device: it can be cut, and be gone.
  private let isRegular: Bool
  /// It is a pipe or a socket, whose reader may leave.
  let hasReader: Bool
  /// Not standard output, which others have opened.
  private let isOwned: Bool

  /// Opens a file, or takes standard output for `-`, and writes `header`. Throws where that is not possible; what there is in the way
  /// is emptied, or an error (EEXIST) with `isNew`.
  ///
  /// A new file has no name before the header is in it, where the file system allows for that: so nobody ever finds it empty.
  static func create(
    path: String, name: String, isNew: Bool, header: RawSpan
  ) throws(SavefileError) -> OutputFile {
    if path != "-", let file = appearing(path, header) { return file }
    var descriptor = STDOUT_FILENO
    if path != "-", isFIFO(path) {
      descriptor = try openFIFO(path, name)
    } else if path != "-" {
      let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (isNew ? O_EXCL : O_TRUNC)
      repeat { descriptor = unsafe open(path, flags, 0o666) } while descriptor < 0 && errno == EINTR
    }
    guard descriptor >= 0 else { throw SavefileError(path: name, errno: errno) }
    var file = OutputFile(descriptor, isOwned: path != "-")
    if let code = file.append(header).failure {
      file.removeLast(file.length)
      let cause = SavefileError(path: name, errno: code)
      throw SavefileError(
        path: name, kind: cause.kind, message: "\(cause.message): no packet is in the file")
    }
    return file
  }

  /// A new file that appears with its header; nil where that is not possible, or where there is one of that name.
  private static func appearing(_ path: String, _ header: RawSpan) -> OutputFile? {
    guard unsafe access(path, F_OK) != 0, errno == ENOENT else { return nil }
    let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
    let descriptor = unsafe open(folder, O_WRONLY | O_CLOEXEC | unnamed, 0o666)
    guard descriptor >= 0 else { return nil }
    var file = OutputFile(descriptor, isOwned: true)
    guard file.append(header).failure == nil,
      unsafe linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
    else { return nil }
    return file
  }

  private static func isFIFO(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// Opens a FIFO that somebody reads. Throws where nobody does yet (`noReader`): whoever waits for that can be interrupted.
  ///
  /// There is nothing to create, which some systems refuse in a folder like `/tmp` for a FIFO of somebody else (protected_fifos, proc(5)).
  private static func openFIFO(_ path: String, _ name: String) throws(SavefileError) -> CInt {
    let descriptor = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0, errno == ENXIO {
      throw SavefileError(path: name, kind: .noReader, message: "nobody reads this FIFO")
    }
    if descriptor >= 0 { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) }
    return descriptor
  }

  /// `O_TMPFILE` of open(2), which Glibc's module leaves out.
  private static let unnamed: CInt = 0o20_000_000 | O_DIRECTORY

  private init(_ descriptor: CInt, isOwned: Bool) {
    self.descriptor = descriptor
    self.isOwned = isOwned
    var status = stat()
    let kind = unsafe fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
    isRegular = kind == S_IFREG
    hasReader = kind == S_IFIFO || kind == S_IFSOCK
    // With O_APPEND, which a shell's >> sets, octets go to the end.
    let isAppending = fcntl(descriptor, F_GETFL) & O_APPEND != 0
    start = isRegular ? max(0, lseek(descriptor, 0, isAppending ? SEEK_END : SEEK_CUR)) : 0
  }

  deinit { if isOwned, descriptor >= 0 { Glibc.close(descriptor) } }

  /// Appends octets, over as many calls as it takes, and gives how many were written and the `errno` of the call that failed.
  mutating func append(_ octets: RawSpan) -> (written: Int, failure: CInt?) {
    var written = 0
    while written < octets.byteCount {
      let result = unsafe octets.withUnsafeBytes { octets in
        // Safe: `written` is below the count.
        unsafe write(descriptor, octets.baseAddress.map { unsafe $0 + written }, octets.count - written)
      }
      if result > 0 {
        written += result
        length += result
      } else if result == 0 {
        return (written, ENOSPC)
      } else if errno == EAGAIN {
        // Somebody else has made the pipe non-blocking.
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)
      } else if errno != EINTR {
        return (written, errno)
      }
    }
    return (written, nil)
  }

  /// Takes the last octets back; from a pipe they cannot be taken, its reader sees where it ends.
  mutating func removeLast(_ octets: Int) {
    length -= octets
    if isRegular, octets > 0 {
      ftruncate(descriptor, start + off_t(length))
      // The next write goes there, too.
      lseek(descriptor, 0, SEEK_END)
    }
  }

  /// True where it is a pipe or a socket whose reader has gone.
  var isAbandoned: Bool {
    guard !isRegular else { return false }
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return unsafe poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR | POLLHUP) != 0
  }

  /// True where the file has no name any more: nobody will find what is in it.
  var isRemoved: Bool {
    var status = stat()
    guard isRegular, unsafe fstat(descriptor, &status) == 0 else { return false }
    return status.st_nlink == 0
  }

  /// Waits until the disk has all octets, and gives the `errno` where it will not have them. Pipes and devices have no disk.
  func synchronize() -> CInt? { isRegular && fsync(descriptor) != 0 ? errno : nil }

  /// Closes the file and gives the `errno` where that fails: some file systems tell only now that there is no room. Standard output
  /// stays open.
  mutating func close() -> CInt? {
    guard isOwned, descriptor >= 0 else { return nil }
    // Whatever close(2) says, EINTR as well, the descriptor is gone on Linux.
    let code = Glibc.close(descriptor) == 0 ? nil : errno
    descriptor = -1
    return code == EINTR ? nil : code
  }
}
