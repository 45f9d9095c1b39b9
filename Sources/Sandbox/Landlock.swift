import CLinux
import Glibc

/// What the kernel's Landlock keeps a process from, and all that it starts: files outside of some folders, TCP, and processes that
/// are not its own. See landlock(7); the structures are those of `linux/landlock.h`, whose older versions lack some of this.
@safe
struct Landlock: ~Copyable {
  /// What may be done with files, or in folders (`LANDLOCK_ACCESS_FS_…`).
  struct Access: OptionSet {
    let rawValue: UInt64

    static let execute = Access(rawValue: 1 << 0)
    static let writeFile = Access(rawValue: 1 << 1)
    static let readFile = Access(rawValue: 1 << 2)
    static let readFolder = Access(rawValue: 1 << 3)
    static let removeFile = Access(rawValue: 1 << 5)
    static let makeRegular = Access(rawValue: 1 << 8)
    static let truncate = Access(rawValue: 1 << 14)
    static let deviceControl = Access(rawValue: 1 << 15)

    /// All that mean something for what is no folder.
    static let ofFiles: Access = [.execute, .writeFile, .readFile, .truncate, .deviceControl]

    /// All that a version of Landlock knows.
    static func known(_ version: Int) -> Access {
      let count: UInt64
      switch version {
      case ..<2: count = 13
      case 2: count = 14
      case 3, 4: count = 15
      default: count = 16
      }
      return Access(rawValue: (1 << count) - 1)
    }
  }

  /// The number of the kernel's version of Landlock, from 1, or why it cannot be used.
  static var version: Result<Int, Protection.Gap> {
    // LANDLOCK_CREATE_RULESET_VERSION
    let version = LinuxCall.call(__NR_landlock_create_ruleset, 0, 0, 1)
    return version > 0 ? .success(version) : .failure(Protection.Gap(errno: CInt(clamping: -version)))
  }

  private let descriptor: CInt
  private let known: Access

  /// A set of rules that forbids all that this kernel can forbid. Throws why there is none.
  init() throws(Protection.Gap) {
    let version = try Self.version.get()
    let known = Access.known(version)
    // struct landlock_ruleset_attr: access to files; bind and connect over TCP; abstract sockets and signals out of the sandbox.
    let attributes: (UInt64, UInt64, UInt64) = (known.rawValue, version >= 4 ? 3 : 0, version >= 6 ? 3 : 0)
    let size: UInt = version >= 6 ? 24 : version >= 4 ? 16 : 8
    // Safe: the kernel reads at most the 24 octets of the structure.
    let result = unsafe withUnsafeBytes(of: attributes) { bytes in
      LinuxCall.call(__NR_landlock_create_ruleset, UInt(bitPattern: bytes.baseAddress), size, 0)
    }
    guard result >= 0 else { throw .refused(CInt(clamping: -result)) }
    descriptor = CInt(result)
    self.known = known
  }

  deinit { close(descriptor) }

  /// Permits access to a file, or to all in and below a folder. What is not there, or cannot be looked at, is skipped: then it stays
  /// forbidden.
  func allow(_ access: Access, _ path: String) {
    // O_PATH, which needs no right to read.
    let target = unsafe open(path, 0o1000_0000 | O_CLOEXEC)
    guard target >= 0 else { return }
    defer { close(target) }
    allow(access, descriptor: target)
  }

  /// The same for what is open.
  func allow(_ access: Access, descriptor target: CInt) {
    var status = stat()
    guard unsafe fstat(target, &status) == 0 else { return }
    let meant = status.st_mode & S_IFMT == S_IFDIR ? access : access.intersection(.ofFiles)
    // struct landlock_path_beneath_attr, which is packed: 12 octets.
    let rule: (UInt64, CInt) = (meant.intersection(known).rawValue, target)
    // LANDLOCK_RULE_PATH_BENEATH
    _ = LinuxCall.call(__NR_landlock_add_rule, UInt(bitPattern: Int(descriptor)), 1, reading: rule, 0)
  }

  /// The rules hold from now on, for this thread and all that it starts. Needs PR_SET_NO_NEW_PRIVS.
  ///
  /// Throws if that is refused: the rules do not hold then.
  consuming func restrict() throws(Protection.Gap) {
    let result = LinuxCall.call(__NR_landlock_restrict_self, UInt(bitPattern: Int(descriptor)))
    guard result == 0 else { throw .refused(CInt(clamping: -result)) }
  }
}
