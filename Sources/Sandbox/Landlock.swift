import CLinux
import Glibc

/// The restrictions of the kernel's Landlock on a process and its children: files outside of some folders, TCP, and processes outside the
/// sandbox. See landlock(7); the structures are those of `linux/landlock.h`, older versions of which lack some of them.
@safe
struct Landlock: ~Copyable {
  /// Access rights to files and folders (`LANDLOCK_ACCESS_FS_…`).
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

    /// The rights that apply to files other than folders.
    static let ofFiles: Access = [.execute, .writeFile, .readFile, .truncate, .deviceControl]

    /// The rights that a version of Landlock supports.
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

  /// The kernel's version of Landlock, from 1, or the reason why it cannot be used.
  static var version: Result<Int, Protection.Gap> {
    // LANDLOCK_CREATE_RULESET_VERSION
    let version = LinuxCall.call(__NR_landlock_create_ruleset, 0, 0, 1)
    return version > 0 ? .success(version) : .failure(Protection.Gap(errno: CInt(clamping: -version)))
  }

  private let descriptor: CInt
  private let known: Access

  /// A rule set that forbids everything this kernel can forbid. Throws the reason if there is none.
  init() throws(Protection.Gap) {
    let version = try Self.version.get()
    let known = Access.known(version)
    // struct landlock_ruleset_attr: access to files; bind and connect over TCP; abstract sockets and signals out of the sandbox.
    let attributes: (UInt64, UInt64, UInt64) = (known.rawValue, version >= 4 ? 3 : 0, version >= 6 ? 3 : 0)
    let size: UInt = version >= 6 ? 24 : version >= 4 ? 16 : 8
    // Safe: the kernel reads at most the 24 bytes of the structure.
    let result = unsafe withUnsafeBytes(of: attributes) { bytes in
      LinuxCall.call(__NR_landlock_create_ruleset, UInt(bitPattern: bytes.baseAddress), size, 0)
    }
    guard result >= 0 else { throw .refused(CInt(clamping: -result)) }
    descriptor = CInt(result)
    self.known = known
  }

  deinit { close(descriptor) }

  /// Permits access to a file, or to everything in and below a folder. If it does not exist or cannot be accessed, it is skipped, and stays
  /// forbidden.
  func allow(_ access: Access, _ path: String) {
    // O_PATH, which does not need read permission.
    let target = unsafe open(path, 0o1000_0000 | O_CLOEXEC)
    guard target >= 0 else { return }
    defer { close(target) }
    allow(access, descriptor: target)
  }

  /// The same for an open file or folder.
  func allow(_ access: Access, descriptor target: CInt) {
    var status = stat()
    guard unsafe fstat(target, &status) == 0 else { return }
    let meant = status.st_mode & S_IFMT == S_IFDIR ? access : access.intersection(.ofFiles)
    // struct landlock_path_beneath_attr, which is packed: 12 bytes.
    let rule: (UInt64, CInt) = (meant.intersection(known).rawValue, target)
    // LANDLOCK_RULE_PATH_BENEATH
    _ = LinuxCall.call(__NR_landlock_add_rule, UInt(bitPattern: Int(descriptor)), 1, reading: rule, 0)
  }

  /// Enforces the rules from now on, for this thread and its future children. Needs PR_SET_NO_NEW_PRIVS.
  ///
  /// Throws if that is refused: the rules are not enforced then.
  consuming func restrict() throws(Protection.Gap) {
    let result = LinuxCall.call(__NR_landlock_restrict_self, UInt(bitPattern: Int(descriptor)))
    guard result == 0 else { throw .refused(CInt(clamping: -result)) }
  }
}
