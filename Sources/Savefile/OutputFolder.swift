import CLinux
import Glibc

/// A folder to write files to. It is opened once; names are then looked up in it, regardless of what happens to the path that led there,
/// and whether or not the process may still access that path.
public final class OutputFolder: Sendable {
  /// The path for messages.
  public let path: String
  /// Opened with O_PATH, for openat(2) and similar calls, and for the rules of Landlock.
  public let descriptor: CInt

  private init(_ path: String, _ descriptor: CInt) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Opens the folder at `path`. Throws if it does not exist, or if the path contains a symbolic link that must not be followed.
  public convenience init(path: String) throws(SavefileError) {
    self.init(path, try PathWalk(title: path).folder(path))
  }

  /// A folder in or below this one; this one itself for "".
  func subfolder(_ relative: String) throws(SavefileError) -> OutputFolder {
    let title = path == "." ? relative : path == "/" ? "/\(relative)" : "\(path)/\(relative)"
    return OutputFolder(title, try PathWalk(title: title).folder(relative.isEmpty ? "." : relative, from: descriptor))
  }

  // MARK: Files in it

  /// The `errno` if no file can be created here; nil if one can, as far as that is known in advance.
  public func refusal() -> CInt? {
    // A file without a name is deleted when it is closed.
    let probe = unsafe openat(descriptor, ".", O_WRONLY | O_CLOEXEC | OutputFile.unnamed, 0o600)
    if probe >= 0 {
      close(probe)
      return nil
    }
    // Some file systems do not support such files.
    guard errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL else { return errno }
    return unsafe faccessat(descriptor, ".", W_OK | X_OK, AT_EACCESS) == 0 ? nil : errno
  }

  func has(_ name: String) -> Bool { status(name) != nil }

  /// The status of that name, without following a symbolic link; nil if it does not exist.
  func status(_ name: String) -> stat? {
    var status = stat()
    return unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  /// Removes a file left by an earlier run, which must be a regular file of this user without other hard links. Throws what it is
  /// otherwise.
  func removeLeftover(_ name: String, title: String) throws(SavefileError) {
    guard let found = status(name) else { return }
    guard found.st_mode & S_IFMT == S_IFREG, found.st_nlink == 1, found.st_uid == geteuid() else {
      throw SavefileError(
        path: title, kind: .untrusted,
        message: "\(Self.words(found)) is in the way, and apus did not create it: remove it")
    }
    guard unsafe unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
      throw SavefileError(path: title, errno: errno)
    }
  }

  /// Throws if a complete file could not replace the one with that name.
  func checkReplaceable(_ name: String, title: String) throws(SavefileError) {
    guard let found = status(name) else { return }
    guard found.st_mode & S_IFMT != S_IFDIR else { throw SavefileError(path: title, errno: EISDIR) }
    let folder = ownStatus
    guard folder.st_mode & S_ISVTX != 0, found.st_uid != geteuid(), folder.st_uid != geteuid() else { return }
    throw SavefileError(
      path: title, kind: .untrusted,
      message: "it belongs to user \(found.st_uid), and the folder's sticky bit protects it: remove it")
  }

  func remove(_ name: String) { unsafe unlinkat(descriptor, name, 0) }

  /// Renames a file, replacing one that had the name.
  func replace(_ name: String, with file: String) -> Bool {
    unsafe renameat(descriptor, file, descriptor, name) == 0
  }

  private typealias Rename =
    @convention(c) (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt

  /// renameat2(2), which Glibc's module leaves out, since it is not part of POSIX.
  private static let renameWithFlags: Rename? = {
    guard let symbol = unsafe dlsym(nil, "renameat2") else { return nil }
    // Safe: a function of the C library with that signature (rename(2)).
    return unsafe unsafeBitCast(symbol, to: Rename.self)
  }()
  /// `RENAME_NOREPLACE`.
  private static let noReplace: CUnsignedInt = 1

  /// Renames a file unless the name is taken: then returns false, with EEXIST in `errno`.
  func move(_ file: String, to name: String) -> Bool {
    if let renameWithFlags = unsafe Self.renameWithFlags {
      if unsafe renameWithFlags(descriptor, file, descriptor, name, Self.noReplace) == 0 { return true }
      guard errno == EINVAL || errno == ENOSYS else { return false }
    }
    // For file systems that cannot check and rename in one step.
    if unsafe linkat(descriptor, file, descriptor, name, 0) == 0 { return unsafe unlinkat(descriptor, file, 0) == 0 }
    guard errno == EPERM || errno == EOPNOTSUPP else { return false }
    guard !has(name) else {
      errno = EEXIST
      return false
    }
    return replace(name, with: file)
  }

  // MARK: Trust

  private var ownStatus: stat {
    var status = stat()
    unsafe fstat(descriptor, &status)
    return status
  }

  /// The mode of a new file, before the umask: 0600 in a folder that every user may write to.
  var modeOfNewFiles: mode_t { ownStatus.st_mode & S_IWOTH != 0 ? 0o600 : 0o666 }

  /// Why an existing file must not be written to; nil if it may be.
  ///
  /// In a folder with the sticky bit that others may write to, such as /tmp, the file may have been planted: it must belong to this user or
  /// to the owner of the folder, and must not have other hard links. This is checked regardless of the kernel's own settings
  /// (protected_regular, protected_fifos, protected_hardlinks: proc(5)).
  func reasonToDistrust(of file: stat) -> String? {
    let folder = ownStatus
    guard Self.isShared(folder) else { return nil }
    if file.st_uid != geteuid(), file.st_uid != folder.st_uid {
      return "\(Self.words(file)) of user \(file.st_uid) \(Self.advice)"
    }
    if file.st_mode & S_IFMT == S_IFREG, file.st_nlink > 1 {
      return "a file with \(file.st_nlink) names (hard links) \(Self.advice)"
    }
    return nil
  }

  fileprivate static let advice = "in a folder that others may write to: remove it or choose another name"

  /// True for a folder with the sticky bit in which other users may create files.
  static func isShared(_ folder: stat) -> Bool {
    folder.st_mode & S_ISVTX != 0 && folder.st_mode & (S_IWOTH | S_IWGRP) != 0
  }

  /// True for a folder in /proc, whose links may lead to files without a path: only the kernel can follow them.
  var isProc: Bool { Self.isProc(descriptor) }

  fileprivate static func isProc(_ folder: CInt) -> Bool {
    var system = statfs()
    return unsafe fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC
  }

  static func words(_ file: stat) -> String {
    switch file.st_mode & S_IFMT {
    case S_IFREG: "a file"
    case S_IFDIR: "a folder"
    case S_IFLNK: "a symbolic link"
    case S_IFIFO: "a FIFO"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }
}

extension OutputFolder {
  /// The folder of the file at `path`, which need not exist, and its name there. Symbolic links are followed, also the last one. Throws if
  /// there is no such folder, or if a link must not be followed.
  static func containing(_ path: String) throws(SavefileError) -> (folder: OutputFolder, name: String) {
    let (descriptor, name) = try PathWalk(title: path).place(path)
    return (OutputFolder(path, descriptor), name)
  }
}

/// Resolves a path like the kernel, except for symbolic links that may have been planted: in a folder with the sticky bit that others may
/// write to, a link is followed only if it belongs to this user or to the folder's owner. The kernel does the same if protected_symlinks is
/// set (proc(5)).
private struct PathWalk {
  /// The path for messages.
  let title: String
  private var current: CInt = -1
  /// Names still to be resolved, the next one last.
  private var names: [Substring] = []
  private var links = 0

  /// The maximum number of links that the kernel follows in one path.
  private static let maximumLinks = 40
  /// `O_PATH` of open(2), which Glibc's module leaves out.
  private static let folderFlags: CInt = 0o1000_0000 | O_DIRECTORY | O_CLOEXEC

  init(title: String) { self.title = title }

  /// Opens the folder at `path`.
  consuming func folder(_ path: String, from start: CInt = AT_FDCWD) throws(SavefileError) -> CInt {
    var walk = self
    do throws(SavefileError) {
      try walk.begin(path, start)
      while let name = walk.names.popLast() { try walk.enter(String(name)) }
    } catch {
      walk.end()
      throw error
    }
    return walk.current
  }

  /// Opens the folder of the file at `path`, and returns it and the name in it.
  consuming func place(_ path: String) throws(SavefileError) -> (folder: CInt, name: String) {
    var walk = self
    do throws(SavefileError) {
      if path.isEmpty { throw walk.failure(ENOENT) }
      if path.utf8.last == UInt8(ascii: "/") { throw walk.failure(EISDIR) }
      try walk.begin(path, AT_FDCWD)
      while let name = walk.names.popLast() {
        guard walk.names.isEmpty else {
          try walk.enter(String(name))
          continue
        }
        if name == "." || name == ".." { throw walk.failure(EISDIR) }
        guard try walk.follow(String(name)) else { return (walk.current, String(name)) }
      }
      throw walk.failure(EISDIR)
    } catch {
      walk.end()
      throw error
    }
  }

  private func failure(_ code: CInt) -> SavefileError { SavefileError(path: title, errno: code) }

  private func end() {
    if current >= 0 { close(current) }
  }

  private mutating func begin(_ path: String, _ start: CInt) throws(SavefileError) {
    try move(to: unsafe openat(start, path.utf8.first == UInt8(ascii: "/") ? "/" : ".", Self.folderFlags))
    push(path)
  }

  private mutating func push(_ path: String) {
    names += path.split(separator: "/").reversed()
  }

  private mutating func move(to descriptor: CInt) throws(SavefileError) {
    guard descriptor >= 0 else { throw failure(errno) }
    end()
    current = descriptor
  }

  /// Enters a folder of that name.
  private mutating func enter(_ name: String) throws(SavefileError) {
    if name == "." { return }
    if try follow(name) { return }
    // A link that was created meanwhile is refused (ENOTDIR), except in /proc, where only the kernel can follow links.
    let flags = isProc ? Self.folderFlags : Self.folderFlags | O_NOFOLLOW
    try move(to: unsafe openat(current, name, flags))
  }

  /// Replaces a symbolic link by its target; false if the name is not a link that can be read.
  private mutating func follow(_ name: String) throws(SavefileError) -> Bool {
    var (link, folder) = (stat(), stat())
    guard unsafe fstatat(current, name, &link, AT_SYMLINK_NOFOLLOW) == 0, link.st_mode & S_IFMT == S_IFLNK, !isProc
    else { return false }
    guard unsafe fstat(current, &folder) == 0 else { throw failure(errno) }
    if OutputFolder.isShared(folder), link.st_uid != geteuid(), link.st_uid != folder.st_uid {
      throw SavefileError(
        path: title, kind: .untrusted,
        message: "'\(name)' is a symbolic link of user \(link.st_uid) \(OutputFolder.advice)")
    }
    links += 1
    guard links <= Self.maximumLinks else { throw failure(ELOOP) }
    let octets = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      // Safe: readlinkat(2) fills at most the buffer's capacity.
      count = unsafe max(0, readlinkat(current, name, start, buffer.count))
    }
    guard let target = String(validating: octets, as: UTF8.self), !target.isEmpty else { throw failure(ENOENT) }
    if target.utf8.first == UInt8(ascii: "/") { try move(to: unsafe open("/", Self.folderFlags)) }
    push(target)
    return true
  }

  private var isProc: Bool { OutputFolder.isProc(current) }
}
