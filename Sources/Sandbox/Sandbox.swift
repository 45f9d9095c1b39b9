import Glibc

/// The way out of privilege: a process that has opened its sources and outputs gives up everything else, in this order: user and groups,
/// capabilities, files that it does not need (Landlock), system calls that it does not need (seccomp). None of it can be taken back.
///
/// All of it is about the one thread that there must be; threads that are started later are under the same rules.
public struct Sandbox: ~Copyable {
  private let policy: SandboxPolicy
  /// Whom the process is to become; nil if it stays who it is.
  private let account: Account?
  private var hasChangedUser = false
  private var isBounded = false
  private var isPrepared = false
  /// Descriptors through which nothing is sent.
  private var packetSockets: [CInt] = []
  private var landlock: Landlock?
  /// What the system allows.
  private var protection: Protection

  /// Looks up what the policy speaks of, as long as the process may. Nothing is given up yet. Throws if there is no such user.
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

  /// Becomes the policy's user; whoever is not root stays who he is. Files that are created from now on are that user's.
  public mutating func changeUser() throws(SandboxError) {
    guard let account, !hasChangedUser else { return }
    try Self.requireOneThread()
    bound()
    do throws(SandboxError) {
      try Privilege.become(account, keepsCapabilities: policy.mayOpenDevices || policy.mayLoadFilters)
      hasChangedUser = true
    } catch {
      // In a container root may be the only user there is, or lack the privilege. Who was named must be obeyed.
      guard policy.user == .leastPrivileged, error.code == EPERM || error.code == EINVAL else { throw error }
      if account != .root { protection.userGap = "still user root (\(error))" }
    }
  }

  /// The name of the user that the process has become; nil if it is who it was.
  public var newUser: String? { hasChangedUser ? account?.name : nil }

  /// Gives up everything that the policy does not name, but for what handing filters to the kernel takes. From here on files may be read.
  /// What the system does not have or refuses is left out.
  public mutating func prepare() throws(SandboxError) {
    try Self.requireOneThread()
    bound()
    try changeUser()
    // The time zone is read while it may be: it then is in memory.
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

  /// Gives up everything that the policy does not name, and returns what protects the process then. What the system does not have or
  /// refuses is a gap.
  public consuming func enter() throws(SandboxError) -> Protection {
    if !isPrepared { try prepare() }
    guard policy.mayLoadFilters else { return protection }
    try Privilege.restrict(to: keptCapabilities(isPreparing: false))
    try filterCalls(isPreparing: false)
    return protection
  }

  /// For whoever does not want the rest of it: limits the capabilities of the user that the process has become to what the policy names,
  /// and, while it is prepared, to what handing filters to the kernel takes.
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

  /// While the process still may.
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
    // The time zone, which is read again when its file has changed; how many processors there are.
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
