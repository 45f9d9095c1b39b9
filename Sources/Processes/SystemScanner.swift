import CLinux
import Glibc
import PacketCore

/// Examines all visible processes, and the sockets of their network namespaces.
struct SystemScanner {
  private static let newNetwork: UInt = 0x4000_0000
  /// Limits on the work of one scan.
  private static let maximumProcesses = 1 << 16
  private static let maximumNamespaces = 1 << 10
  private static let maximumFiles = 1 << 16

  private var scan = SocketScan()

  /// Scans the network namespace at the descriptor `home` and, if privileged, all others. The process may be in any of them afterwards.
  static func scan(from home: CInt) -> SocketScan {
    var scanner = SystemScanner()
    // The previous scan may have ended in another namespace. A process that may not move is still at home.
    _ = enter(home)
    let (owners, namespaces, hidden) = processes()
    scanner.scan.hiddenProcesses = hidden
    scanner.add(owners)
    for path in namespaces.prefix(maximumNamespaces) {
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if enter(descriptor) { scanner.add(owners) }
      close(descriptor)
    }
    return scanner.scan
  }

  /// Scans only the current network namespace.
  static func scanCurrentNamespace() -> SocketScan {
    var scanner = SystemScanner()
    let (owners, _, hidden) = processes()
    scanner.scan.hiddenProcesses = hidden
    scanner.add(owners)
    return scanner.scan
  }

  private static func enter(_ namespace: CInt) -> Bool {
    linux_call(Int(SYS_setns), UInt(bitPattern: Int(namespace)), newNetwork, 0, 0, 0) == 0
  }

  private mutating func add(_ owners: [UInt32: ProcessOwner]) {
    guard let listed = SocketDiagnostics.sockets() else { return }
    scan.hasSockets = true
    let namespace = SocketDiagnostics.namespaceCookie()
    for socket in listed {
      guard var owner = owners[socket.inode] else { continue }
      owner.user = socket.user
      scan.add(
        SocketScan.Socket(
          cookie: socket.cookie, addresses: socket.addresses, namespace: namespace, owner: owner))
    }
  }

  // MARK: Processes

  /// The owner of each open socket inode; a file for each network namespace other than that of this process; and how many processes hide
  /// their files.
  private static func processes() -> (owners: [UInt32: ProcessOwner], namespaces: [String], hidden: Int) {
    var owners: [UInt32: ProcessOwner] = [:]
    var namespaces: [String] = []
    var known: Set<UInt64> = []
    var groups: [String: ControlGroup] = [:]
    var hidden = 0
    func note(namespace path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return }
      if known.insert(UInt64(status.st_ino)).inserted { namespaces.append(path) }
    }
    note(namespace: "/proc/self/ns/net")
    namespaces.removeAll()
    for name in FileContents.names("/run/netns") { note(namespace: "/run/netns/\(name)") }
    let processes = FileContents.names("/proc").compactMap { UInt32($0) }.sorted()
    for process in processes.prefix(maximumProcesses) {
      note(namespace: "/proc/\(process)/ns/net")
      guard let inodes = sockets(of: process) else {
        hidden += 1
        continue
      }
      guard !inodes.isEmpty else { continue }
      let owner = owner(process, &groups)
      // If several processes have a socket open, assume that the first of them made it.
      for inode in inodes where owners[inode] == nil { owners[inode] = owner }
    }
    return (owners, namespaces, hidden)
  }

  /// The inodes of the sockets that a process has open; nil if they cannot be read.
  private static func sockets(of process: UInt32) -> [UInt32]? {
    let folder = "/proc/\(process)/fd"
    guard let stream = unsafe opendir(folder) else { return errno == ENOENT ? [] : nil }
    unsafe closedir(stream)
    var inodes: [UInt32] = []
    for name in FileContents.names(folder).prefix(maximumFiles) {
      guard let target = target("\(folder)/\(name)"), target.hasPrefix("socket:["), target.hasSuffix("]") else {
        continue
      }
      if let inode = UInt32(target.dropFirst(8).dropLast()) { inodes.append(inode) }
    }
    return inodes
  }

  private static func target(_ link: String) -> String? {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      // Safe: readlink(2) fills at most the buffer's capacity.
      count = unsafe max(0, readlink(link, start, buffer.count))
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private static func owner(_ process: UInt32, _ groups: inout [String: ControlGroup]) -> ProcessOwner {
    let name = FileContents.text("/proc/\(process)/comm").map { ProcessName($0.utf8.prefix { $0 != 0x0a }) }
    let path = groupPath(of: process)
    let group = path.map { path in
      groups[path] ?? ControlGroup(path)
    }
    if let group { groups[group.path] = group }
    return ProcessOwner(
      process: process, thread: 0, user: nil, controlGroup: group, name: name ?? ProcessName([]), evidence: .scan)
  }

  private static func groupPath(of process: UInt32) -> String? {
    let groups = FileContents.text("/proc/\(process)/cgroup")?.split(separator: "\n") ?? []
    let group = groups.first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    guard group == nil || group == "/" else { return group }
    // If the cgroup2 hierarchy does not hold the processes, another hierarchy may show the container.
    let paths = groups.compactMap { line in
      line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last
    }
    return paths.map(String.init).first { ContainerIdentifier.find(in: $0) != nil } ?? group
  }
}
