import CLinux
import Glibc

/// Network namespaces of Linux (network_namespaces(7)), each with its own interfaces, addresses and packets.
public enum NetworkNamespace {
  private static let newNetwork: UInt = 0x4000_0000
  private static let newMounts: UInt = 0x0002_0000

  /// Moves this process, which must still be single-threaded, into a network namespace: one named in /run/netns, as created by ip-netns(8),
  /// that of a process, given by its number, or that of a file.
  ///
  /// The view of the file system stays the same, except for /sys, which shows the interfaces of the namespace in which it was mounted: the
  /// process gets its own. Throws if there is no such namespace, or the privilege is missing.
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

  /// Mounts a /sys of the network namespace, for this process only. If that fails, the process has no /sys, which is better than one that
  /// shows other interfaces.
  private static func mountSysfs() {
    let (recursive, slave, readOnly): (UInt, UInt, UInt) = (1 << 14, 1 << 19, 1)
    let detached: UInt = 2
    guard linux_call(Int(SYS_unshare), newMounts, 0, 0, 0, 0) == 0 else { return }
    // Mount only if the changes cannot propagate to other processes.
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
