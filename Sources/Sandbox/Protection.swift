/// What of the sandbox this kernel has, beyond the end of privilege, which each has.
public struct Protection: Sendable, Equatable, CustomStringConvertible {
  /// The version of Landlock; nil where there is none.
  public var landlock: Int?
  /// System calls are filtered.
  public var filtersCalls = false

  /// All that there is to have.
  public var isComplete: Bool { landlock != nil && filtersCalls }

  /// What the running kernel offers.
  public static var possible: Protection {
    Protection(landlock: Landlock.version, filtersCalls: SystemCallFilter.isPossible)
  }

  init(landlock: Int? = nil, filtersCalls: Bool = false) {
    self.landlock = landlock
    self.filtersCalls = filtersCalls
  }

  /// The parts, with what is missing named.
  public var description: String {
    let files = landlock.map { "files by Landlock \($0)" } ?? "files unguarded (this kernel has no Landlock)"
    let calls = filtersCalls ? "system calls by seccomp" : "system calls unguarded (this kernel has no seccomp filter)"
    return "no capabilities, \(files), \(calls)"
  }
}
