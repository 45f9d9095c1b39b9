import Glibc
import PacketCore

/// Where to write a file.
enum OutputPlace {
  case standardOutput
  /// At a path of the user: an existing file is emptied, and a FIFO or a device is written to.
  case path(String)
  /// To a file that was opened in advance.
  case reserved(ReservedOutput)
  /// To a new file of that name in the folder. An existing one is an error (EEXIST).
  case new(name: String, OutputFolder)

  /// `-` is standard output.
  init(path: String) { self = path == "-" ? .standardOutput : .path(path) }
}

/// A file, pipe or device that is written from beginning to end.
@safe
struct OutputFile: ~Copyable {
  /// Bytes written so far, except those that were removed again.
  private(set) var length = 0
  private var descriptor: CInt
  /// Where the output begins: earlier contents of the file stay, as after `>>` in a shell.
  private let start: off_t
  /// It is neither a pipe nor a device, so it can be truncated or deleted.
  private let isRegular: Bool
  /// It is a pipe or a socket, whose reader may leave.
  let hasReader: Bool
  /// It was opened by this process, unlike standard output.
  private let isOwned: Bool

  /// Opens a file and writes `header`. Throws if that fails; errors name the file `title`.
  ///
  /// If the file system allows it, a new file gets its name only once the header is in it, so that it is never found empty.
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

  /// A new file that gets its name together with its header; nil if that is not possible, or if a file of that name exists.
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

  /// Creates a file that must not exist yet (otherwise EEXIST).
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

  /// Opens the file of that name, or creates it. An existing file is checked before it is changed: it must be trusted
  /// (`OutputFolder.reasonToDistrust`), and a regular file is then emptied.
  ///
  /// Throws if it is a FIFO without a reader (`noReader`), so that the caller can wait for a reader and stay interruptible.
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

  /// The same, without changing an existing file. Also returns whether the file is new.
  fileprivate static func openUnchanged(
    _ name: String, _ folder: OutputFolder, title: String
  ) throws(SavefileError) -> (descriptor: CInt, isNew: Bool) {
    // Try several times, in case files of that name appear and disappear.
    for _ in 0..<8 {
      do throws(SavefileError) {
        return (try make(name, folder, title: title), true)
      } catch {
        guard error.kind == .system(EEXIST) else { throw error }
      }
      // Check it before opening it, which the other end of a FIFO would notice, and again once it is open.
      if !folder.isProc, let found = folder.status(name), let reason = folder.reasonToDistrust(of: found) {
        throw SavefileError(path: title, kind: .untrusted, message: reason)
      }
      // Links in the path have been followed, except those of /proc that only the kernel can follow.
      let follows = folder.isProc ? 0 : O_NOFOLLOW
      // Opening a FIFO without a reader fails instead of blocking.
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

  /// Throws if an existing file must not be written to.
  private static func check(_ descriptor: CInt, _ folder: OutputFolder, title: String) throws(SavefileError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SavefileError(path: title, errno: errno) }
    if let reason = folder.reasonToDistrust(of: status) {
      throw SavefileError(path: title, kind: .untrusted, message: reason)
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  }

  /// Truncates a regular file to length 0.
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
    // With O_APPEND, as set by a shell's >>, data is written at the end.
    let isAppending = fcntl(descriptor, F_GETFL) & O_APPEND != 0
    start = isRegular ? max(0, lseek(descriptor, 0, isAppending ? SEEK_END : SEEK_CUR)) : 0
  }

  deinit { if isOwned, descriptor >= 0 { Glibc.close(descriptor) } }

  /// Appends bytes, with as many calls as needed, and returns how many were written and the `errno` of a failed call.
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
        // Another process has made the pipe non-blocking.
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)
      } else if errno != EINTR {
        return (written, errno)
      }
    }
    return (written, nil)
  }

  /// Removes the last bytes. They cannot be removed from a pipe; its reader sees an incomplete end.
  mutating func removeLast(_ octets: Int) {
    length -= octets
    if isRegular, octets > 0 {
      ftruncate(descriptor, start + off_t(length))
      // The next write must go there, too.
      lseek(descriptor, 0, SEEK_END)
    }
  }

  /// True for a pipe or a socket whose reader has left.
  var isAbandoned: Bool {
    guard !isRegular else { return false }
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return unsafe poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR | POLLHUP) != 0
  }

  /// True if the file has been deleted: nobody will find its contents.
  var isRemoved: Bool {
    var status = stat()
    guard isRegular, unsafe fstat(descriptor, &status) == 0 else { return false }
    return status.st_nlink == 0
  }

  /// Waits until all bytes are on the disk, and returns the `errno` of a failure. Does nothing for pipes and devices.
  func synchronize() -> CInt? { isRegular && fsync(descriptor) != 0 ? errno : nil }

  /// Closes the file and returns the `errno` of a failure: some file systems report only now that the disk is full. Standard output stays
  /// open.
  mutating func close() -> CInt? {
    guard isOwned, descriptor >= 0 else { return nil }
    // On Linux, the descriptor is closed whatever close(2) returns, even EINTR.
    let code = Glibc.close(descriptor) == 0 ? nil : errno
    descriptor = -1
    return code == EINTR ? nil : code
  }
}

extension OutputFile {
  /// Opens the file at `path` for writing from its start, like a capture file: an existing file must be trusted, and is emptied.
  static func descriptor(path: String) throws(SavefileError) -> CInt {
    let (folder, name) = try OutputFolder.containing(path)
    return try open(name, folder, title: path)
  }
}

/// An output file that is open but unchanged: opening it may need privileges, which are dropped before it is known what to write.
public final class ReservedOutput {
  public let path: String
  private let folder: OutputFolder
  private let name: String
  /// -1 once `take` was called.
  private var descriptor: CInt
  private let isNew: Bool

  /// Opens the file at `path`, which may be a FIFO, or creates it. Throws as `OutputFile.create` does.
  public init(path: String) throws(SavefileError) {
    let (folder, name) = try OutputFolder.containing(path)
    (descriptor, isNew) = try OutputFile.openUnchanged(name, folder, title: path)
    self.path = path
    self.folder = folder
    self.name = name
  }

  /// Hands the descriptor over to the caller; empties a regular file.
  fileprivate func take() throws(SavefileError) -> CInt {
    guard descriptor >= 0 else { throw SavefileError(path: path, errno: EBADF) }
    try OutputFile.empty(descriptor, title: path)
    defer { descriptor = -1 }
    return descriptor
  }

  /// Removes the file if it is new and nothing is going to be written, as far as that is still permitted.
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

/// Files with other contents than packets, opened with the same checks.
public enum OutputDescriptor {
  /// Opens the file at `path`, and empties it. Throws if that fails, or if an existing file may have been planted.
  public static func open(_ path: String) throws(SavefileError) -> CInt { try OutputFile.descriptor(path: path) }

  /// Opens a FIFO with these flags of open(2), without waiting for its other end. Throws if the file is not a FIFO or may have been
  /// planted, or if it is opened for writing and has no reader (`noReader`).
  public static func openFIFO(_ path: String, _ flags: CInt) throws(SavefileError) -> CInt {
    let (folder, name) = try OutputFolder.containing(path)
    guard let found = folder.status(name) else { throw SavefileError(path: path, errno: ENOENT) }
    guard found.st_mode & S_IFMT == S_IFIFO || folder.isProc else {
      throw SavefileError(path: path, kind: .untrusted, message: "not a FIFO")
    }
    if !folder.isProc, let reason = folder.reasonToDistrust(of: found) {
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
    let reason = isFIFO ? folder.reasonToDistrust(of: status) : "not a FIFO"
    guard let reason else { return descriptor }
    close(descriptor)
    throw SavefileError(path: path, kind: .untrusted, message: reason)
  }
}
