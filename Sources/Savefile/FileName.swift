import Glibc

/// Names of files.
enum FileName {
  private typealias Rename =
    @convention(c) (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt

  /// renameat2(2), which Glibc's module leaves out: it is no part of POSIX.
  private static let renameWithFlags: Rename? = {
    guard let symbol = unsafe dlsym(nil, "renameat2") else { return nil }
    // Safe: a function of the C library with that signature (rename(2)).
    return unsafe unsafeBitCast(symbol, to: Rename.self)
  }()
  /// `RENAME_NOREPLACE`.
  private static let noReplace: CUnsignedInt = 1

  /// Gives a file another name, unless that is taken: then false, with EEXIST in `errno`.
  static func move(_ file: String, to name: String) -> Bool {
    if let renameWithFlags = unsafe renameWithFlags {
      if unsafe renameWithFlags(AT_FDCWD, file, AT_FDCWD, name, noReplace) == 0 { return true }
      guard errno == EINVAL || errno == ENOSYS else { return false }
    }
    // A file system that cannot do both at once.
    if unsafe link(file, name) == 0 { return unsafe unlink(file) == 0 }
    guard errno == EPERM || errno == EOPNOTSUPP else { return false }
    guard unsafe access(name, F_OK) != 0 else {
      errno = EEXIST
      return false
    }
    return unsafe rename(file, name) == 0
  }
}
