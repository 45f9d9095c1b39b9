import CLinux
import Glibc

/// Network namespaces of Linux (network_namespaces(7)): interfaces, addresses and packets of their own.
public enum NetworkNamespace {
  private static let newNetwork: UInt = 0x4000_0000
  private static let newMounts: UInt = 0x0002_0000

  /// Moves this process, which has one thread yet, into a network namespace: that of a name below /run/netns, as ip-netns(8) gives it, of a
  /// process, by its number, or of a file.
  ///
  /// Files stay where they are, but for /sys, which shows the interfaces of the namespace that it was mounted in: the process gets one of its
  /// own. Throws where there is no such namespace, or the privilege is missing.
  public static func enter(_ name: String) throws(CaptureError) {
    let descriptor = try open(name)
    defer { close(descriptor) }
    let code = CInt(clamping: -linux_call(Int(SYS_setns), UInt(bitPattern: Int(descriptor)), newNetwork, 0, 0, 0))
    guard code <= 0 else {
      switch code {
      case EPERM:
        throw CaptureError("--netns \(name): no permission: the capability CAP_SYS_ADMIN is missing (root has it)")
      case EINVAL: throw CaptureError("--netns \(name): not a network namespace")
      default: throw failed(name, code)
      }
    }
    mountSysfs()
  }

  private static func failed(_ name: String, _ code: CInt) -> CaptureError {
    CaptureError("--netns \(name): \(unsafe String(cString: strerror(code)))")
  }

  private static func open(_ name: String) throws(CaptureError) -> CInt {
    let isPath = name.contains("/")
    let candidates = isPath ? [name] : ["/run/netns/\(name)", "/var/run/netns/\(name)"]
    for path in candidates {
      let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      if descriptor >= 0 { return descriptor }
      guard errno == ENOENT || errno == ENOTDIR, !isPath else { throw failed(name, errno) }
    }
    guard let process = Int32(name), process > 0 else {
      throw CaptureError("--netns \(name): no network namespace with that name (ip netns lists them)")
    }
    let descriptor = unsafe Glibc.open("/proc/\(process)/ns/net", O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 { return descriptor }
    switch errno {
    case ENOENT where unsafe access("/proc/self/ns/net", F_OK) != 0:
      throw CaptureError("--netns \(name): /proc, where the namespaces of processes are, is not mounted")
    case ENOENT:
      throw CaptureError("--netns \(name): no process with that number, and no network namespace with that name")
    case EACCES, EPERM:
      throw CaptureError("--netns \(name): no permission: the capability CAP_SYS_PTRACE is missing (root has it)")
    default: throw failed(name, errno)
    }
  }

  /// Mounts a /sys of the network namespace, for this process alone. Where that is not possible there is none, which is better than that of
  /// other interfaces.
  private static func mountSysfs() {
    let (recursive, slave, readOnly): (UInt, UInt, UInt) = (1 << 14, 1 << 19, 1)
    let detached: UInt = 2
    guard linux_call(Int(SYS_unshare), newMounts, 0, 0, 0, 0) == 0 else { return }
    // Only once nothing that is done here reaches the mounts of others.
    let isOwn = unsafe "/".withCString { root in
      linux_call(Int(SYS_mount), 0, UInt(bitPattern: root), 0, recursive | slave, 0) == 0
    }
    guard isOwn else { return }
    unsafe "/sys".withCString { folder in
      let folder = UInt(bitPattern: folder)
      _ = linux_call(Int(SYS_umount2), folder, detached, 0, 0, 0)
      unsafe "sysfs".withCString { type in
        let type = UInt(bitPattern: type)
        _ = linux_call(Int(SYS_mount), type, folder, type, readOnly, 0)
      }
    }
  }
}
