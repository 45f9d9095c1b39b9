public import EBPF
import Glibc

/// A control group for a command whose packets are captured.
public final class CommandGroup {
  let groups: ControlGroups
  private let name: String
  let descriptor: CInt
  /// The open `cgroup.procs` file, which moves processes into the group.
  private var members: CInt

  private static let prefix = "apus-"
  /// How many names are tried: a name may be taken by a process with the same number in another PID namespace.
  private static let maximumNames = 16

  /// Creates the group, and removes groups left behind by killed processes. Throws if there are no control groups (cgroup v2), or if the
  /// process may not create one.
  public init() throws(KernelError) {
    let groups = try ControlGroups()
    groups.removeLeftGroups(Self.prefix)
    for number in 0..<Self.maximumNames {
      let name = "\(Self.prefix)\(getpid())" + (number == 0 ? "" : "-\(number)")
      guard unsafe mkdirat(groups.descriptor, name, 0o755) == 0 || errno == EEXIST else { break }
      // A group that has just vanished, is locked, or has processes in it belongs to someone else.
      guard let descriptor = groups.claim(name) else { continue }
      let members = unsafe openat(descriptor, "cgroup.procs", O_RDWR | O_CLOEXEC)
      var octet: UInt8 = 0
      // Safe: one byte.
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

  /// The number of the group; nil unless it is directly below the root of all groups.
  var number: UInt64? {
    var (root, group) = (stat(), stat())
    guard unsafe fstat(groups.descriptor, &root) == 0, root.st_ino == ControlGroups.rootNumber,
      unsafe fstat(descriptor, &group) == 0
    else { return nil }
    return UInt64(group.st_ino)
  }

  /// Moves the calling process into the group; false if the kernel refuses.
  public func join() -> Bool { unsafe write(members, "0", 1) == 1 }

  /// No more processes can be moved into the group through this object.
  public func close() {
    Glibc.close(members)
    members = -1
  }

  /// Removes the group; false if there are processes in it.
  @discardableResult
  public func remove() -> Bool { unsafe unlinkat(groups.descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT }

  /// The path of the group's folder.
  public var path: String { (groups.path ?? "") + "/" + name }
}
