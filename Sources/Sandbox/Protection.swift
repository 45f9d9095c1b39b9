import Glibc

/// The parts of the sandbox that this system supports, besides dropping privileges, which every kernel supports.
public struct Protection: Sendable, Equatable, CustomStringConvertible {
  /// Why a part does not protect the process.
  public enum Gap: Sendable, Equatable {
    /// The kernel does not support it.
    case missing
    /// The kernel supports it, but it was disabled when the system started.
    case disabled
    /// The kernel supports it, but something else refuses the call with this `errno`, typically the seccomp profile of a container.
    case refused(CInt)

    /// The meaning of the `errno` of one of its system calls.
    init(errno code: CInt) {
      switch code {
      case ENOSYS, EINVAL: self = .missing
      case EOPNOTSUPP: self = .disabled
      default: self = .refused(code)
      }
    }

    /// The gap in words. `name` is the name of the kernel's feature.
    func words(_ name: String) -> String {
      switch self {
      case .missing: "this kernel has no \(name)"
      case .disabled: "\(name) is disabled on this system"
      // Safe: strerror returns a C string that is valid until this thread's next call.
      case .refused(let code): "\(name) is refused here: \(unsafe String(cString: strerror(code)))"
      }
    }
  }

  /// The version of Landlock, or the reason why it does not restrict access to files.
  public var files: Result<Int, Gap>
  /// Why system calls are not filtered; nil if they are.
  public var callsGap: Gap?
  /// Why a process started as root stays root, in words; nil if it became another user, or was not to.
  public var userGap: String?

  /// True if nothing is missing.
  public var isComplete: Bool {
    if case .success = files { callsGap == nil && userGap == nil } else { false }
  }

  /// The parts that the running system supports.
  public static var possible: Protection {
    Protection(files: Landlock.version, callsGap: SystemCallFilter.gap)
  }

  /// The parts, with the reason for each that is missing.
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
