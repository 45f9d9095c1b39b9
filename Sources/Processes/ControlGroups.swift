import CLinux
import Glibc

/// The tree of control groups (cgroup v2).
final class ControlGroups {
  /// The root, open.
  let descriptor: CInt
  /// Where it is mounted; nil where it is mounted nowhere, and was opened by itself.
  let path: String?
  /// The path of each group below the root, by its number.
  private var paths: [UInt64: String] = [:]
  /// When the tree was read, in seconds since the start of the system.
  private var readAt = -1

  private static let maximumDepth = 32
  private static let maximumGroups = 1 << 16

  /// Opens the tree. Nil where the kernel has none, or the process may not open it: errno tells why.
  init?() {
    path = Self.mountPoint()
    descriptor =
      path.map { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } ?? Self.openUnmounted()
    if descriptor < 0 { return nil }
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

  /// A path of mountinfo, in which blanks are three octal digits.
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

  /// The root of a tree that is mounted nowhere; -1 where that is not possible.
  private static func openUnmounted() -> CInt {
    let closeOnExec: UInt = 1
    let create: UInt = 6
    let context = unsafe "cgroup2".withCString {
      linux_call(Int(SYS_fsopen), UInt(bitPattern: $0), closeOnExec, 0, 0, 0)
    }
    guard context >= 0 else { return -1 }
    defer { close(CInt(context)) }
    guard linux_call(Int(SYS_fsconfig), UInt(context), create, 0, 0, 0) == 0 else { return -1 }
    return CInt(max(-1, linux_call(Int(SYS_fsmount), UInt(context), closeOnExec, 0, 0, 0)))
  }

  // MARK: Groups

  /// The path of a group from the root on, `/` for the root; nil where there is no such group. A group that is new makes the whole tree be read
  /// again, once a second at most.
  func path(of number: UInt64) -> String? {
    guard number != 0 else { return nil }
    if let path = paths[number] { return path }
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    guard time.tv_sec > readAt else { return nil }
    readAt = time.tv_sec
    readTree()
    return paths[number]
  }

  /// Reads the whole tree. Groups that are gone keep their paths: packets of theirs may still be waiting.
  func readTree() {
    var root = stat()
    if unsafe fstat(descriptor, &root) == 0 { paths[UInt64(root.st_ino)] = "/" }
    read(descriptor, "", depth: 0)
  }

  private func read(_ folder: CInt, _ path: String, depth: Int) {
    guard depth < Self.maximumDepth, paths.count < Self.maximumGroups else { return }
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
      paths[unsafe UInt64(entry.pointee.d_ino)] = "\(path)/\(name)"
      let child = unsafe openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
      guard child >= 0 else { continue }
      read(child, "\(path)/\(name)", depth: depth + 1)
      close(child)
    }
  }
}

/// Files of the kernel's, which are small and whose size is not known before.
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
