import CLinux
import EBPF
import Glibc
import PacketCore

/// The tree of control groups (cgroup v2).
final class ControlGroups {
  /// The root directory, open.
  let descriptor: CInt
  /// Where it is mounted; nil if it was not mounted anywhere and had to be opened without a mount point.
  let path: String?
  /// The groups by number.
  private var groups: [UInt64: ControlGroup] = [:]
  /// When the tree was last read, in seconds since boot.
  private var readAt = -1

  /// The number of the root of all groups; in a control group namespace the visible root has another number.
  static let rootNumber: ino_t = 1
  private static let maximumDepth = 32
  private static let maximumGroups = 1 << 16

  /// Opens the tree. Throws if the kernel has none, or if the process may not open it.
  init() throws(KernelError) {
    let path = Self.mountPoint()
    if let path {
      descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { throw KernelError(path, errno: errno) }
    } else {
      descriptor = try Self.openUnmounted()
    }
    self.path = path
  }

  deinit { close(descriptor) }

  /// Where cgroup2 is mounted.
  private static func mountPoint() -> String? {
    guard let text = FileContents.text("/proc/self/mountinfo") else { return nil }
    for line in text.split(separator: "\n") {
      // The fifth field is the mount point, and the type follows a field that is a dash.
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 1, fields[dash + 1] == "cgroup2",
        fields.count > 4
      else { continue }
      return unescaped(fields[4])
    }
    return nil
  }

  /// Unescapes a path from mountinfo, in which blanks are written as three octal digits.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Opens the root of a tree that is not mounted anywhere. Throws if that is not possible.
  private static func openUnmounted() throws(KernelError) -> CInt {
    func checked(_ result: Int) throws(KernelError) -> Int {
      guard result >= 0 else { throw KernelError("no control groups (cgroup v2)", errno: CInt(clamping: -result)) }
      return result
    }
    let closeOnExec: UInt = 1
    let create: UInt = 6
    let context = try checked(
      unsafe "cgroup2".withCString {
        linux_call(Int(SYS_fsopen), UInt(bitPattern: $0), closeOnExec, 0, 0, 0)
      })
    defer { close(CInt(context)) }
    _ = try checked(linux_call(Int(SYS_fsconfig), UInt(context), create, 0, 0, 0))
    return CInt(try checked(linux_call(Int(SYS_fsmount), UInt(context), closeOnExec, 0, 0, 0)))
  }

  // MARK: Groups

  /// The group with this number; nil if there is none. An unknown number makes the whole tree be read again, at most once a second.
  func group(_ number: UInt64) -> ControlGroup? {
    guard number != 0 else { return nil }
    if let group = groups[number] { return group }
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    guard time.tv_sec > readAt else { return nil }
    readAt = time.tv_sec
    readTree()
    return groups[number]
  }

  /// Reads the whole tree. Groups that are gone stay known, since their packets may still be waiting; all are forgotten once there are too
  /// many.
  func readTree() {
    if groups.count >= Self.maximumGroups { groups.removeAll() }
    var root = stat()
    if unsafe fstat(descriptor, &root) == 0 { note("/", UInt64(root.st_ino)) }
    read(descriptor, "", depth: 0)
  }

  private func note(_ path: String, _ number: UInt64) {
    // A number may be reused for another group.
    if groups[number]?.path != path { groups[number] = ControlGroup(path) }
  }

  private func read(_ folder: CInt, _ path: String, depth: Int) {
    guard depth < Self.maximumDepth, groups.count < Self.maximumGroups else { return }
    Self.forEachGroup(in: folder) { name, number in
      note("\(path)/\(name)", number)
      let child = unsafe openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
      guard child >= 0 else { return }
      read(child, "\(path)/\(name)", depth: depth + 1)
      close(child)
    }
  }

  /// Calls `body` for the groups directly below this one, with name and number.
  private static func forEachGroup(in folder: CInt, _ body: (String, UInt64) -> Void) {
    let copy = unsafe openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { return }
    guard let stream = unsafe fdopendir(copy) else {
      close(copy)
      return
    }
    defer { unsafe closedir(stream) }
    while let entry = unsafe readdir(stream) {
      guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != ".", name != ".." else { continue }
      body(name, unsafe UInt64(entry.pointee.d_ino))
    }
  }

  /// Opens a group directly below the root and locks it for as long as the descriptor or a copy of it is open; nil if another process has
  /// locked it, or if it does not exist.
  func claim(_ name: String) -> CInt? {
    let group = unsafe openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard group >= 0 else { return nil }
    guard flock(group, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(group)
      errno = code
      return nil
    }
    return group
  }

  /// Removes the empty, unlocked groups directly below the root whose names begin with this prefix and a number.
  func removeLeftGroups(_ prefix: String) {
    var names: [String] = []
    Self.forEachGroup(in: descriptor) { name, _ in
      if name.hasPrefix(prefix), name.dropFirst(prefix.count).first?.isASCII == true,
        name.dropFirst(prefix.count).first?.isNumber == true
      {
        names.append(name)
      }
    }
    for name in names {
      guard let group = claim(name) else { continue }
      // A group with processes in it stays.
      unsafe unlinkat(descriptor, name, AT_REMOVEDIR)
      close(group)
    }
  }
}

/// Kernel files, which are small and whose size is not known in advance.
enum FileContents {
  private static let limit = 1 << 22

  static func text(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < limit {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The names in a folder.
  static func names(_ folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      names.append(
        unsafe withUnsafeBytes(of: entry.pointee.d_name) {
          unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names.filter { $0 != "." && $0 != ".." }
  }
}
