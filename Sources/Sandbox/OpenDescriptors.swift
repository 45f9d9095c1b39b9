import CLinux
import Glibc

/// The open descriptors of this process, regardless of who has opened them.
enum OpenDescriptors {
  /// The highest descriptor to check if /proc does not list them. Descriptors are numbered from 0 up.
  private static let highest: CInt = 1 << 20
  /// The same if the process's limit is not known either, because getrlimit(2) is refused.
  private static let defaultLimit: CInt = 1 << 16

  /// All of them, in ascending order.
  static func all() -> [CInt] { listed() ?? (0..<limit).filter { fcntl($0, F_GETFD) >= 0 } }

  /// The packet sockets among them, through which packets could be sent.
  static func packetSockets() -> [CInt] {
    all().filter { descriptor in
      var family: CInt = 0
      var size = socklen_t(MemoryLayout<CInt>.size)
      return unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_PACKET
    }
  }

  /// The descriptors listed in /proc; nil if it cannot be read.
  private static func listed() -> [CInt]? {
    guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
    defer { unsafe closedir(folder) }
    let own = unsafe dirfd(folder)
    var descriptors: [CInt] = []
    while let entry = unsafe readdir(folder) {
      // Safe: the kernel ends the name with a zero byte.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if let number = CInt(name), number != own { descriptors.append(number) }
    }
    return descriptors.isEmpty ? nil : descriptors.sorted()
  }

  private static var limit: CInt {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return defaultLimit }
    return CInt(clamping: min(limit.rlim_cur, UInt(highest)))
  }
}

/// The descriptors of the process.
public enum Descriptors {
  /// Keeps programs that are started from inheriting the open descriptors, except for the three standard ones.
  public static func closeOnExec() {
    let first = STDERR_FILENO + 1
    // close_range(2) with CLOSE_RANGE_CLOEXEC, which older kernels do not have.
    if LinuxCall.call(__NR_close_range, UInt(first), UInt(UInt32.max), 4) == 0 { return }
    for descriptor in OpenDescriptors.all() where descriptor >= first { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  /// Closes every descriptor except the three standard ones and `kept`, which becomes number 3, and returns that number.
  public static func keepOnly(_ kept: CInt) -> CInt {
    let first = STDERR_FILENO + 1
    if kept != first {
      guard dup2(kept, first) == first else { return kept }
      _ = fcntl(first, F_SETFD, FD_CLOEXEC)
    }
    // close_range(2), from the next one to the end; older kernels lack it.
    if LinuxCall.call(__NR_close_range, UInt(first + 1), UInt(UInt32.max), 0) != 0 {
      for descriptor in OpenDescriptors.all() where descriptor > first { close(descriptor) }
    }
    return first
  }
}
