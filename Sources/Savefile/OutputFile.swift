import Glibc
import PacketCore

/// Where a file is to be.
enum OutputPlace {
  case standardOutput
  /// Where the user says: an earlier file there is emptied, and a FIFO or a device is written to.
  case path(String)
  /// What has been opened for it.
  case reserved(ReservedOutput)
  /// A new file of that name in the folder. What is there before is an error (EEXIST).
  case new(name: String, OutputFolder)

  /// `-` is standard output.
  init(path: String) { self = path == "-" ? .standardOutput : .path(path) }
}

/// A file, pipe or device that is written from its start to its end.
@safe
struct OutputFile: ~Copyable {
  /// Octets in it that stay.
  private(set) var length = 0
  private var descriptor: CInt
  /// Where it begins: what was in the file before stays, as after `>>` of a shell.
  private let start: off_t
  /// Neither a pipe nor a device: it can be cut, and be gone.
  private let isRegular: Bool
  /// It is a pipe or a socket, whose reader may leave.
  let hasReader: Bool
  /// Not standard output, which others have opened.
  private let isOwned: Bool

  /// Opens a file and writes `header`. Throws where that is not possible; errors speak of `title`.
  ///
  /// A new file has no name before the header is in it, where the file system allows for that: so nobody ever finds it empty.
  static func create(_ place: OutputPlace, title: String, header: RawSpan) throws(SavefileError) -> OutputFile {
    var file: OutputFile
    switch place {
    case .standardOutput: file = OutputFile(STDOUT_FILENO, isOwned: false)
    case .path(let path):
      let (folder, name) = try OutputFolder.containing(path)
      if let file = appearing(name, folder, header) { return file }
      file = OutputFile(try open(name, folder, title: title), isOwned: true)
    case .reserved(let output): file = OutputFile(try output.take(), isOwned: true)
    case .new(let name, let folder):
      if let file = appearing(name, folder, header) { return file }
      file = OutputFile(try make(name, folder, title: title), isOwned: true)
    }
    if let code = file.append(header).failure {
      file.removeLast(file.length)
      let cause = SavefileError(path: title, errno: code)
      throw SavefileError(
        path: title, kind: cause.kind, message: "\(cause.message): no packet is in the file")
    }
    return file
  }

  /// A new file that appears with its header; nil where that is not possible, or where there is one of that name.
  private static func appearing(_ name: String, _ folder: OutputFolder, _ header: RawSpan) -> OutputFile? {
    guard !folder.has(name) else { return nil }
    let flags = O_WRONLY | O_CLOEXEC | unnamed
    let descriptor = unsafe openat(folder.descriptor, ".", flags, folder.modeOfNewFiles)
    guard descriptor >= 0 else { return nil }
    var file = OutputFile(descriptor, isOwned: true)
    guard file.append(header).failure == nil,
      unsafe linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", folder.descriptor, name, AT_SYMLINK_FOLLOW) == 0
    else { return nil }
    return file
  }

  /// Creates a file that was not there before (otherwise EEXIST).
  private static func make(_ name: String, _ folder: OutputFolder, title: String) throws(SavefileError) -> CInt {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    var descriptor: CInt = -1
    repeat {
      descriptor = unsafe openat(folder.descriptor, name, flags, folder.modeOfNewFiles)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw SavefileError(path: title, errno: errno) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      Glibc.close(descriptor)
      throw SavefileError(path: title, kind: .untrusted, message: "the new file is not what was created")
    }
    return descriptor
  }

  /// Opens what has that name, or creates a file. What is there is looked at before anything of it is changed: it must be trusted
  /// (`OutputFolder.distrust`), and a regular file is emptied then.
  ///
  /// Throws where it is a FIFO that nobody reads yet (`noReader`): whoever waits for a reader can be interrupted.
  static func open(_ name: String, _ folder: OutputFolder, title: String) throws(SavefileError) -> CInt {
    let (descriptor, isNew) = try openUnchanged(name, folder, title: title)
    do throws(SavefileError) {
      if !isNew { try empty(descriptor, title: title) }
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    return descriptor
  }

  /// The same, but what is there is left as it is. Returns whether there was nothing.
  fileprivate static func openUnchanged(
    _ name: String, _ folder: OutputFolder, title: String
  ) throws(SavefileError) -> (descriptor: CInt, isNew: Bool) {
    // A few times, should files of that name come and go.
    for _ in 0..<8 {
      do throws(SavefileError) {
        return (try make(name, folder, title: title), true)
      } catch {
        guard error.kind == .system(EEXIST) else { throw error }
      }
      // Before it is opened, which the other end of a FIFO would notice, and again when it is open.
      if !folder.isProc, let found = folder.status(name), let reason = folder.distrust(of: found) {
        throw SavefileError(path: title, kind: .untrusted, message: reason)
      }
      // Links in the path have been followed, but for those of /proc that only the kernel can follow.
      let follows = folder.isProc ? 0 : O_NOFOLLOW
      // A FIFO without a reader does not block.
      let descriptor = unsafe openat(folder.descriptor, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | follows)
      guard descriptor >= 0 else {
        switch errno {
        case ENXIO where folder.status(name).map { $0.st_mode & S_IFMT == S_IFIFO } ?? false:
          throw SavefileError(path: title, kind: .noReader, message: "no process reads this FIFO")
        case EINTR, ENOENT: continue
        default: throw SavefileError(path: title, errno: errno)
        }
      }
      do throws(SavefileError) {
        try check(descriptor, folder, title: title)
        return (descriptor, false)
      } catch {
        Glibc.close(descriptor)
        throw error
      }
    }
    throw SavefileError(path: title, errno: errno)
  }

  /// Throws where a file that was there before must not be written to.
  private static func check(_ descriptor: CInt, _ folder: OutputFolder, title: String) throws(SavefileError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SavefileError(path: title, errno: errno) }
    if let reason = folder.distrust(of: status) { throw SavefileError(path: title, kind: .untrusted, message: reason) }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  }

  /// Takes everything out of a regular file.
  fileprivate static func empty(_ descriptor: CInt, title: String) throws(SavefileError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SavefileError(path: title, errno: errno) }
    if status.st_mode & S_IFMT == S_IFREG, ftruncate(descriptor, 0) != 0 {
      throw SavefileError(path: title, errno: errno)
    }
  }

  /// `O_TMPFILE` of open(2), which Glibc's module leaves out.
  static let unnamed: CInt = 0o20_000_000 | O_DIRECTORY

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

  /// Closes the file and gives the `errno` where that fails: some file systems report only now that there is no room. Standard output
  /// stays open.
  mutating func close() -> CInt? {
    guard isOwned, descriptor >= 0 else { return nil }
    // Whatever close(2) says, EINTR as well, the descriptor is gone on Linux.
    let code = Glibc.close(descriptor) == 0 ? nil : errno
    descriptor = -1
    return code == EINTR ? nil : code
  }
}

extension OutputFile {
  /// Opens the file at `path` to be written from its start, as that of a capture is: what is there must be trusted, and is emptied.
  static func descriptor(path: String) throws(SavefileError) -> CInt {
    let (folder, name) = try OutputFolder.containing(path)
    return try open(name, folder, title: path)
  }
}

/// A file to be written that is open, and as it was: opening it may take privilege, which is gone when it is known what to write.
public final class ReservedOutput {
  public let path: String
  private let folder: OutputFolder
  private let name: String
  /// -1 once it has been taken.
  private var descriptor: CInt
  private let isNew: Bool

  /// Opens the file at `path`, a FIFO included, or creates it. Throws as `OutputFile.create` does.
  public init(path: String) throws(SavefileError) {
    let (folder, name) = try OutputFolder.containing(path)
    (descriptor, isNew) = try OutputFile.openUnchanged(name, folder, title: path)
    self.path = path
    self.folder = folder
    self.name = name
  }

  /// The descriptor, which is the caller's from now on; a regular file has been emptied.
  fileprivate func take() throws(SavefileError) -> CInt {
    guard descriptor >= 0 else { throw SavefileError(path: path, errno: EBADF) }
    try OutputFile.empty(descriptor, title: path)
    defer { descriptor = -1 }
    return descriptor
  }

  /// Removes the file where it is new and nothing is going to be written, as far as that is still permitted.
  public func discard() {
    guard descriptor >= 0 else { return }
    defer {
      close(descriptor)
      descriptor = -1
    }
    var status = stat()
    guard isNew, unsafe fstat(descriptor, &status) == 0, let found = folder.status(name),
      status.st_ino == found.st_ino, status.st_dev == found.st_dev
    else { return }
    folder.remove(name)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}

/// Files that hold something else than packets, opened with the same care.
public enum OutputDescriptor {
  /// Opens the file at `path`, and empties it. Throws where that is not possible, or where what is there may have been planted.
  public static func open(_ path: String) throws(SavefileError) -> CInt { try OutputFile.descriptor(path: path) }

  /// Opens a FIFO with these flags of open(2), without waiting for its other end. Throws where it is none, or may have been planted, and
  /// where it is to be written and nobody reads it (`noReader`).
  public static func openFIFO(_ path: String, _ flags: CInt) throws(SavefileError) -> CInt {
    let (folder, name) = try OutputFolder.containing(path)
    guard let found = folder.status(name) else { throw SavefileError(path: path, errno: ENOENT) }
    guard found.st_mode & S_IFMT == S_IFIFO || folder.isProc else {
      throw SavefileError(path: path, kind: .untrusted, message: "not a FIFO")
    }
    if !folder.isProc, let reason = folder.distrust(of: found) {
      throw SavefileError(path: path, kind: .untrusted, message: reason)
    }
    let follows = folder.isProc ? 0 : O_NOFOLLOW
    let descriptor = unsafe openat(folder.descriptor, name, flags | O_NONBLOCK | O_CLOEXEC | follows)
    guard descriptor >= 0 else {
      guard errno == ENXIO else { throw SavefileError(path: path, errno: errno) }
      throw SavefileError(path: path, kind: .noReader, message: "no process reads this FIFO")
    }
    var status = stat()
    let isFIFO = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    let reason = isFIFO ? folder.distrust(of: status) : "not a FIFO"
    guard let reason else { return descriptor }
    close(descriptor)
    throw SavefileError(path: path, kind: .untrusted, message: reason)
  }
}
