import CLinux
import Glibc

/// The numbers of capabilities(7) that are used here.
enum Capability {
  static let setGroup: CInt = 6
  static let setUser: CInt = 7
  static let netAdmin: CInt = 12
  static let netRaw: CInt = 13
  private static let systemAdmin: CInt = 21
  private static let bpf: CInt = 39

  /// The capability for loading eBPF programs: kernels before 5.8 do not have CAP_BPF.
  static var loading: CInt { LinuxCall.control(PR_CAPBSET_READ, UInt(bpf)) >= 0 ? bpf : systemAdmin }
}

/// The privileges of the process: its user, its groups and its capabilities. Everything here applies to the calling thread, and so to the
/// process as long as it has only one thread.
enum Privilege {
  /// Ensures that neither executing a program nor anything else gives privileges to the process: drops every capability from the bounding
  /// set, if the process may, and removes the special rights of user root.
  ///
  /// To be called while the process still has its privileges.
  static func bound() {
    var capability: UInt = 0
    // An unknown capability ends the list (EINVAL); without CAP_SETPCAP the first call fails with EPERM.
    while capability < 64, LinuxCall.control(PR_CAPBSET_DROP, capability) == 0 { capability += 1 }
    // SECBIT_NOROOT, SECBIT_NO_CAP_AMBIENT_RAISE, both locked; not permitted without CAP_SETPCAP, and then not needed.
    LinuxCall.control(PR_SET_SECUREBITS, 1 << 0 | 1 << 1 | 1 << 6 | 1 << 7)
  }

  /// Becomes another user permanently, with that user's groups. With `keepsCapabilities` root's capabilities stay permitted, to be reduced
  /// by `keep(_:)`.
  static func become(_ account: Account, keepsCapabilities: Bool) throws(SandboxError) {
    // Change nothing unless everything can be changed.
    let effective = try sets().effective
    let missing = [("CAP_SETUID", Capability.setUser), ("CAP_SETGID", Capability.setGroup)].filter {
      effective & 1 << UInt64($0.1) == 0
    }
    guard missing.isEmpty else {
      let names = missing.map(\.0).joined(separator: " and ")
      throw SandboxError(
        "\(names) \(missing.count == 1 ? "is" : "are") missing, so the process cannot become user \(account.name)",
        code: EPERM)
    }
    let former = (groups: try groups(), group: getegid())
    guard unsafe setgroups(account.groups.count, account.groups) == 0 else {
      throw SandboxError("cannot set the groups of user \(account.name)", errno: errno)
    }
    LinuxCall.control(PR_SET_KEEPCAPS, keepsCapabilities ? 1 : 0)
    // With this privilege, these set the real, the effective and the saved ID.
    guard setgid(account.group) == 0, setuid(account.user) == 0 else {
      let cause = SandboxError("cannot become user \(account.name)", errno: errno)
      // For example in a user namespace without that user.
      guard setgid(former.group) == 0, unsafe setgroups(former.groups.count, former.groups) == 0 else {
        throw SandboxError("\(cause), nor restore the original user", errno: errno)
      }
      throw cause
    }
    try verify(account)
  }

  /// The supplementary groups of the process.
  private static func groups() throws(SandboxError) -> [gid_t] {
    var groups = [gid_t](repeating: 0, count: 1 << 16)
    let count = unsafe getgroups(CInt(groups.count), &groups)
    guard count >= 0 else { throw SandboxError("cannot read the groups of the process", errno: errno) }
    return Array(groups.prefix(Int(count)))
  }

  private static func verify(_ account: Account) throws(SandboxError) {
    try verify(user: account.user, group: account.group)
  }

  /// Throws if the process is not that user in every respect: real, effective and saved.
  static func verify(user: uid_t, group: gid_t) throws(SandboxError) {
    guard try identity(__NR_getresuid) == Identity(user), try identity(__NR_getresgid) == Identity(group) else {
      throw SandboxError("the process did not become user \(user)")
    }
  }

  /// The three user or group IDs of a process.
  private struct Identity: Equatable, BitwiseCopyable {
    var real: UInt32
    var effective: UInt32
    var saved: UInt32

    init(_ number: UInt32) {
      real = number
      effective = number
      saved = number
    }
  }

  /// The result of getresuid(2) or getresgid(2).
  private static func identity(_ call: CInt) throws(SandboxError) -> Identity {
    var identity = Identity(.max)
    // Safe: the kernel writes three words of 4 bytes, which the structure has.
    let result = unsafe withUnsafeMutableBytes(of: &identity) { words in
      let start = UInt(bitPattern: words.baseAddress)
      return LinuxCall.call(call, start, start + 4, start + 8)
    }
    guard result == 0 else { throw SandboxError("cannot read the user of the process", errno: CInt(-result)) }
    return identity
  }

  /// Keeps only these capabilities, and no way to get others. Throws if the kernel reports otherwise afterwards.
  static func keep(_ capabilities: [CInt]) throws(SandboxError) {
    try restrict(to: capabilities)
    // If none of the process's user IDs is root's, and it does not have CAP_SETUID, it cannot become root again.
    if geteuid() != 0, seteuid(0) == 0 { throw SandboxError("the process can become root again") }
    guard LinuxCall.control(PR_SET_NO_NEW_PRIVS, 1) == 0 else {
      throw SandboxError("cannot exclude new privileges (PR_SET_NO_NEW_PRIVS)")
    }
    // No core dumps, which would contain packets, and no access by other processes of the same user.
    LinuxCall.control(PR_SET_DUMPABLE, 0)
  }

  /// Keeps only those of these capabilities that the process has. Throws if the kernel reports otherwise afterwards.
  static func restrict(to capabilities: [CInt]) throws(SandboxError) {
    LinuxCall.control(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL))
    var kept: UInt64 = 0
    let permitted = try sets().permitted
    for capability in capabilities { kept |= permitted & 1 << UInt64(capability) }
    try set(CapabilitySets(effective: kept, permitted: kept, inheritable: 0))
    LinuxCall.control(PR_SET_KEEPCAPS, 0)
    guard try sets() == CapabilitySets(effective: kept, permitted: kept, inheritable: 0) else {
      throw SandboxError("the capabilities of the process remain")
    }
  }

  // MARK: Capability sets

  /// The capability sets of a thread, one bit per capability.
  struct CapabilitySets: Equatable {
    var effective: UInt64
    var permitted: UInt64
    var inheritable: UInt64
  }

  /// `_LINUX_CAPABILITY_VERSION_3` and the calling thread: `struct __user_cap_header_struct`.
  private typealias Header = (version: UInt32, pid: CInt)
  /// Two of `struct __user_cap_data_struct`, the lower 32 capabilities first; each effective, permitted, inheritable.
  private typealias Words = (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

  static func sets() throws(SandboxError) -> CapabilitySets {
    var header: Header = (0x2008_0522, 0)
    var words: Words = (0, 0, 0, 0, 0, 0)
    // Safe: the kernel reads 8 bytes of the former, and writes 24 of the latter.
    let result = unsafe withUnsafeMutableBytes(of: &header) { header in
      unsafe withUnsafeMutableBytes(of: &words) { words in
        LinuxCall.call(
          __NR_capget, UInt(bitPattern: header.baseAddress), UInt(bitPattern: words.baseAddress))
      }
    }
    guard result == 0 else { throw SandboxError("cannot read the capabilities", errno: CInt(-result)) }
    return CapabilitySets(
      effective: UInt64(words.3) << 32 | UInt64(words.0), permitted: UInt64(words.4) << 32 | UInt64(words.1),
      inheritable: UInt64(words.5) << 32 | UInt64(words.2))
  }

  private static func set(_ sets: CapabilitySets) throws(SandboxError) {
    var header: Header = (0x2008_0522, 0)
    func low(_ set: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: set) }
    func high(_ set: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: set >> 32) }
    let words: Words = (
      low(sets.effective), low(sets.permitted), low(sets.inheritable), high(sets.effective), high(sets.permitted),
      high(sets.inheritable)
    )
    // Safe: the kernel reads 8 bytes of the former, and 24 of the latter.
    let result = unsafe withUnsafeMutableBytes(of: &header) { header in
      unsafe withUnsafeBytes(of: words) { words in
        LinuxCall.call(
          __NR_capset, UInt(bitPattern: header.baseAddress), UInt(bitPattern: words.baseAddress))
      }
    }
    guard result == 0 else { throw SandboxError("cannot drop the capabilities", errno: CInt(-result)) }
  }
}
