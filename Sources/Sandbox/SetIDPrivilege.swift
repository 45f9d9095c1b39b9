import CLinux
import Glibc
import Synchronization

/// The privilege of a program with a set-user-ID or set-group-ID bit.
public enum SetIDPrivilege {
  /// True once `giveUp` has given something up.
  public static var isGivenUp: Bool { isDropped.load(ordering: .relaxed) }

  /// Where another user or group than the caller's is in effect, becomes the caller for good, before anything is read. Of the privilege of
  /// a program that belongs to root no more stays than CAP_NET_RAW and CAP_NET_ADMIN, to open interfaces with.
  ///
  /// To be called first of all. Throws if the kernel refuses it: the process must end then.
  public static func giveUp() throws(SandboxError) {
    let (user, group) = (getuid(), getgid())
    guard user != geteuid() || group != getegid() else { return }
    isDropped.store(true, ordering: .relaxed)
    Privilege.bound()
    LinuxCall.control(PR_SET_KEEPCAPS, 1)
    // The groups of the caller have been kept by the kernel; only the effective and the saved one are others.
    // The real, the effective and the saved one; there is but one thread.
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

  /// Gives up the capabilities that `giveUp` has kept: what they were for is open. Nothing happens where that had nothing to give up.
  public static func end() throws(SandboxError) {
    if isGivenUp { try Privilege.keep([]) }
  }

}

private let isDropped = Atomic<Bool>(false)
