public import EBPF
import Glibc

/// A control group of its own for a command whose packets are captured.
public final class CommandGroup {
  let groups: ControlGroups
  private let name: String
  let descriptor: CInt
  /// The file that takes processes into the group.
  private var members: CInt

  private static let prefix = "apus-"
  /// Names that are tried: one may be that of another PID namespace's process of the same number.
  private static let maximumNames = 16

  /// Makes the group, and removes those that killed processes have left. Throws where there are no control groups (cgroup v2), or the process may not make one.
  public init() throws(KernelError) {
    let groups = try ControlGroups()
    groups.removeLeftGroups(Self.prefix)
    for number in 0..<Self.maximumNames {
      let name = "\(Self.prefix)\(getpid())" + (number == 0 ? "" : "-\(number)")
      guard unsafe mkdirat(groups.descriptor, name, 0o755) == 0 || errno == EEXIST else { break }
      // One that is gone already, in use, or has processes is somebody else's.
      guard let descriptor = groups.claim(name) else { continue }
      let members = unsafe openat(descriptor, "cgroup.procs", O_RDWR | O_CLOEXEC)
      var octet: UInt8 = 0
      // Safe: one octet.
      guard members >= 0, unsafe read(members, &octet, 1) == 0 else {
        let code = errno
        Glibc.close(members)
        Glibc.close(descriptor)
        errno = code
        continue
      }
      (self.groups, self.name, self.descriptor, self.members) = (groups, name, descriptor, members)
      return
    }
    throw KernelError("no control group for the command", errno: errno)
  }

  deinit {
    Glibc.close(members)
    Glibc.close(descriptor)
  }

  /// The number of the group; nil where it is not right below the root of all groups.
  var number: UInt64? {
    var (root, group) = (stat(), stat())
    guard unsafe fstat(groups.descriptor, &root) == 0, root.st_ino == ControlGroups.rootNumber,
      unsafe fstat(descriptor, &group) == 0
    else { return nil }
    return UInt64(group.st_ino)
  }

  /// Takes the calling process into the group; false where the kernel refuses that.
  public func join() -> Bool { unsafe write(members, "0", 1) == 1 }

  /// Takes no more processes in by this object.
  public func close() {
    Glibc.close(members)
    members = -1
  }

  /// Removes the group; false where processes are in it.
  @discardableResult
  public func remove() -> Bool { unsafe unlinkat(groups.descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT }

  /// Where the group is.
  public var path: String { (groups.path ?? "") + "/" + name }
}
