import CLinux
import Glibc
import Synchronization

/// The privileges of a program with a set-user-ID or set-group-ID bit.
public enum SetIDPrivilege {
  /// True once `giveUp` has dropped something.
  public static var isGivenUp: Bool { isDropped.load(ordering: .relaxed) }

  /// If another user or group than the caller's is in effect, becomes the caller permanently, before anything is read. If the program
  /// belongs to root, only CAP_NET_RAW and CAP_NET_ADMIN are kept, to open interfaces.
  ///
  /// To be called before anything else. Throws if the kernel refuses it: the process must then end.
  public static func giveUp() throws(SandboxError) {
    let (user, group) = (getuid(), getgid())
    guard user != geteuid() || group != getegid() else { return }
    isDropped.store(true, ordering: .relaxed)
    Privilege.bound()
    LinuxCall.control(PR_SET_KEEPCAPS, 1)
    // The supplementary groups are already the caller's; only the effective and the saved IDs differ. This sets the real, the effective and
    // the saved ID; there is only one thread.
    for (call, number) in [(__NR_setresgid, UInt(group)), (__NR_setresuid, UInt(user))] {
      let result = LinuxCall.call(call, number, number, number)
      guard result == 0 else {
        throw SandboxError(
          "started with a set-user-ID or set-group-ID bit, and cannot drop it", errno: CInt(clamping: -result))
      }
    }
    try Privilege.restrict(to: [Capability.netAdmin, Capability.netRaw])
    try Privilege.verify(user: user, group: group)
  }

  /// Drops the capabilities that `giveUp` has kept, once interfaces are open. Does nothing if `giveUp` had nothing to drop.
  public static func end() throws(SandboxError) {
    if isGivenUp { try Privilege.keep([]) }
  }

}

private let isDropped = Atomic<Bool>(false)
