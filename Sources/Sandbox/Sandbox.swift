import Glibc

/// Drops the privileges of a process that has opened its sources and outputs, in this order: user and groups, capabilities, access to files
/// that it does not need (Landlock), system calls that it does not need (seccomp). None of this can be undone.
///
/// All of it applies to the calling thread, which must be the only one; threads that are started later inherit the restrictions.
public struct Sandbox: ~Copyable {
  private let policy: SandboxPolicy
  /// The user to become; nil if the user does not change.
  private let account: Account?
  private var hasChangedUser = false
  private var isBounded = false
  private var isPrepared = false
  /// Descriptors through which nothing may be sent.
  private var packetSockets: [CInt] = []
  private var landlock: Landlock?
  /// The parts that the system supports.
  private var protection: Protection

  /// Looks up the policy's user and folders while the process still may. Drops nothing yet. Throws if there is no such user.
  public init(_ policy: SandboxPolicy) throws(SandboxError) {
    let account = try Self.account(policy)
    protection = .possible
    do throws(Protection.Gap) {
      landlock = try Self.landlock(policy)
    } catch {
      protection.files = .failure(error)
    }
    self.account = account
    self.policy = policy
  }

  /// Becomes the policy's user; a process that is not root's keeps its user. Files that are created from now on belong to that user.
  public mutating func changeUser() throws(SandboxError) {
    guard let account, !hasChangedUser else { return }
    try Self.requireOneThread()
    bound()
    do throws(SandboxError) {
      try Privilege.become(account, keepsCapabilities: policy.mayOpenDevices || policy.mayLoadFilters)
      hasChangedUser = true
    } catch {
      // In a container, root may be the only user, or lack the privilege to change. A user that was named explicitly must be obeyed.
      guard policy.user == .leastPrivileged, error.code == EPERM || error.code == EINVAL else { throw error }
      if account != .root { protection.userGap = "still user root (\(error))" }
    }
  }

  /// The name of the new user; nil if the user has not changed.
  public var newUser: String? { hasChangedUser ? account?.name : nil }

  /// Drops everything that the policy does not include, except what is needed to load filters into the kernel. From here on files may be
  /// read. Parts that the system does not support or refuses are skipped.
  public mutating func prepare() throws(SandboxError) {
    try Self.requireOneThread()
    bound()
    try changeUser()
    // Read the time zone into memory while that is possible.
    tzset()
    packetSockets = OpenDescriptors.packetSockets()
    Descriptors.closeOnExec()
    try Privilege.keep(keptCapabilities(isPreparing: true))
    if let landlock = landlock.take() {
      do throws(Protection.Gap) { try landlock.restrict() } catch { protection.files = .failure(error) }
    }
    try filterCalls(isPreparing: policy.mayLoadFilters)
    isPrepared = true
  }

  /// Drops everything that the policy does not include, and returns the resulting protection. Parts that the system does not support or
  /// refuses are gaps in it.
  public consuming func enter() throws(SandboxError) -> Protection {
    if !isPrepared { try prepare() }
    guard policy.mayLoadFilters else { return protection }
    try Privilege.restrict(to: keptCapabilities(isPreparing: false))
    try filterCalls(isPreparing: false)
    return protection
  }

  /// Used without the rest of the sandbox: limits the capabilities of the new user to those of the policy and, with `isPreparing`, those
  /// needed to load filters into the kernel.
  public mutating func limitCapabilities(isPreparing: Bool) throws(SandboxError) {
    if hasChangedUser { try Privilege.restrict(to: keptCapabilities(isPreparing: isPreparing)) }
  }

  private func keptCapabilities(isPreparing: Bool) -> [CInt] {
    (policy.mayOpenDevices ? [Capability.netAdmin, Capability.netRaw] : [])
      + (policy.mayLoadFilters && isPreparing ? [Capability.loading] : [])
  }

  private mutating func filterCalls(isPreparing: Bool) throws(SandboxError) {
    guard protection.callsGap == nil else { return }
    let filter = try SystemCallFilter(policy, packetSockets: packetSockets, isPreparing: isPreparing)
    do throws(Protection.Gap) { try filter.install() } catch { protection.callsGap = error }
  }

  // MARK: Parts

  /// To be called while the process still has its privileges.
  private mutating func bound() {
    if !isBounded { Privilege.bound() }
    isBounded = true
  }

  private static func account(_ policy: SandboxPolicy) throws(SandboxError) -> Account? {
    guard geteuid() == 0 else { return nil }
    switch policy.user {
    case .named(let name):
      guard let account = Account(name: name) else { throw SandboxError("Couldn't find user '\(name)'") }
      return account
    case .leastPrivileged:
      return .least(inputs: policy.inputs, writable: policy.writable)
    }
  }

  private static func landlock(_ policy: SandboxPolicy) throws(Protection.Gap) -> Landlock {
    let landlock = try Landlock()
    // The time zone, which is read again when its file has changed, and the number of processors.
    for path in policy.inputs + policy.readable + ["/etc/localtime", "/usr/share/zoneinfo", "/sys/devices/system/cpu"] {
      landlock.allow([.readFile, .readFolder], path)
    }
    for folder in policy.writable {
      landlock.allow(
        [.readFile, .readFolder, .writeFile, .makeRegular, .removeFile, .truncate], descriptor: folder.descriptor)
    }
    if policy.maySpawn {
      landlock.allow([.readFile, .readFolder, .execute], "/")
      for device in ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"] {
        landlock.allow([.writeFile, .deviceControl], device)
      }
    }
    return landlock
  }

  private static func requireOneThread() throws(SandboxError) {
    guard let count = threadCount(), count > 1 else { return }
    throw SandboxError("\(count) threads are running, and only one could drop its privileges")
  }
}
