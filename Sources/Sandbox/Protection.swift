import Glibc

/// The parts of the sandbox that this system allows, beyond giving up privileges, which every kernel has.
public struct Protection: Sendable, Equatable, CustomStringConvertible {
  /// Why a part does not protect the process.
  public enum Gap: Sendable, Equatable {
    /// The kernel does not have it.
    case missing
    /// The kernel has it, and it was turned off when the system started.
    case disabled
    /// The kernel has it, and something else refuses the call with this `errno`: as a rule the seccomp profile of a container.
    case refused(CInt)

    /// What the `errno` of one of its system calls stands for.
    init(errno code: CInt) {
      switch code {
      case ENOSYS, EINVAL: self = .missing
      case EOPNOTSUPP: self = .disabled
      default: self = .refused(code)
      }
    }

    /// The gap in words. `name` is that of the kernel's part.
    func words(_ name: String) -> String {
      switch self {
      case .missing: "this kernel has no \(name)"
      case .disabled: "\(name) is disabled on this system"
      // Safe: strerror gives a C string that lives until the next call of this thread.
      case .refused(let code): "\(name) is refused here: \(unsafe String(cString: strerror(code)))"
      }
    }
  }

  /// The version of Landlock, or why it does not restrict access to files.
  public var files: Result<Int, Gap>
  /// Why system calls are not filtered; nil if they are.
  public var callsGap: Gap?
  /// Why a process of root stays root's, in words; nil if it became another user, or was not to.
  public var userGap: String?

  /// True if nothing is missing.
  public var isComplete: Bool {
    if case .success = files { callsGap == nil && userGap == nil } else { false }
  }

  /// What the running system allows.
  public static var possible: Protection {
    Protection(files: Landlock.version, callsGap: SystemCallFilter.gap)
  }

  /// The parts, and the reason for each that is missing.
  public var description: String {
    let files =
      switch files {
      case .success(let version): "files by Landlock \(version)"
      case .failure(let gap): "files unguarded (\(gap.words("Landlock")))"
      }
    let calls = callsGap.map { "system calls unguarded (\($0.words("seccomp filter")))" } ?? "system calls by seccomp"
    return "no capabilities, \(userGap.map { "\($0), " } ?? "")\(files), \(calls)"
  }
}

extension Protection.Gap: Error {}
