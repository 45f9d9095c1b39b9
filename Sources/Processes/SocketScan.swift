import CLinux
import Glibc
import PacketCore

/// Which process has which socket open, as it was at one moment.
struct SocketScan {
  /// A socket that a process had open.
  struct Socket {
    var addresses: SocketAddresses
    /// The cookie of its network namespace.
    var namespace: UInt64
    var owner: ProcessOwner
  }

  /// By the cookie of the socket.
  private(set) var sockets: [UInt64: Socket] = [:]
  /// Those that wait for connections: their ports, and who owns them in which network namespace.
  private var listeners: [Listener: [(namespace: UInt64, owner: ProcessOwner)]] = [:]
  /// Processes whose files could not be seen.
  private(set) var hiddenProcesses = 0

  private struct Listener: Hashable {
    let proto: UInt8
    let port: UInt16
  }

  private static let newNetwork: UInt = 0x4000_0000
  private static let maximumSockets = 1 << 20

  init() {}

  /// Looks at all processes that can be seen, and at the sockets of their network namespaces.
  init(ofSystem: ()) {
    let (owners, namespaces, hidden) = Self.processes()
    hiddenProcesses = hidden
    let own = unsafe open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)
    add(SocketDiagnostics.sockets(), owners)
    guard own >= 0 else { return }
    defer { close(own) }
    var hasMoved = false
    for path in namespaces {
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if enter(descriptor) {
        hasMoved = true
        add(SocketDiagnostics.sockets(), owners)
      }
      close(descriptor)
    }
    if hasMoved, !enter(own) {
      preconditionFailure("a process may return to the network namespace that it has come from")
    }
  }

  private func enter(_ namespace: CInt) -> Bool {
    linux_call(Int(SYS_setns), UInt(bitPattern: Int(namespace)), Self.newNetwork, 0, 0, 0) == 0
  }

  private mutating func add(_ listed: [ListedSocket], _ owners: [UInt32: ProcessOwner]) {
    let namespace = SocketDiagnostics.namespaceCookie()
    for socket in listed where sockets.count < Self.maximumSockets {
      guard var owner = owners[socket.inode] else { continue }
      owner.user = socket.user
      sockets[socket.cookie] = Socket(addresses: socket.addresses, namespace: namespace, owner: owner)
      guard socket.addresses.remotePort == 0, Self.accepts(socket.addresses.proto) else { continue }
      let listener = Listener(proto: socket.addresses.proto, port: socket.addresses.localPort)
      listeners[listener, default: []].append((namespace, owner))
    }
  }

  /// True for TCP and SCTP, whose listeners make sockets of their own for each connection.
  private static func accepts(_ proto: UInt8) -> Bool { proto == 6 || proto == 132 }

  /// Who owns a socket of which the kernel has told without an owner: by the socket itself, else by the listener that has accepted it, which
  /// is older than the capture as well.
  func owner(of event: SocketEvent) -> (owner: ProcessOwner, namespace: UInt64)? {
    if let socket = sockets[event.cookie] { return (socket.owner, socket.namespace) }
    let listener = Listener(proto: event.addresses.proto, port: event.addresses.localPort)
    guard let found = listeners[listener] else { return nil }
    return found.first { event.namespace == 0 || $0.namespace == event.namespace }.map { ($0.owner, $0.namespace) }
  }

  // MARK: Processes

  /// Who has which inode of a socket open; a file for each network namespace; and how many processes hide their files.
  private static func processes() -> (owners: [UInt32: ProcessOwner], namespaces: [String], hidden: Int) {
    var owners: [UInt32: ProcessOwner] = [:]
    var namespaces: [String] = []
    var known: Set<UInt64> = []
    var hidden = 0
    func note(namespace path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return }
      if known.insert(UInt64(status.st_ino)).inserted { namespaces.append(path) }
    }
    note(namespace: "/proc/self/ns/net")
    // The first is that of this process itself.
    namespaces.removeAll()
    for name in FileContents.names("/run/netns") { note(namespace: "/run/netns/\(name)") }
    let processes = FileContents.names("/proc").compactMap { UInt32($0) }.sorted()
    for process in processes {
      note(namespace: "/proc/\(process)/ns/net")
      guard let inodes = sockets(of: process) else {
        hidden += 1
        continue
      }
      guard !inodes.isEmpty else { continue }
      let owner = owner(process)
      // A socket that several have open was made by the first of them, as far as can be told.
      for inode in inodes where owners[inode] == nil { owners[inode] = owner }
    }
    return (owners, namespaces, hidden)
  }

  /// The inodes of the sockets that a process has open; nil where they cannot be seen.
  private static func sockets(of process: UInt32) -> [UInt32]? {
    let folder = "/proc/\(process)/fd"
    guard let stream = unsafe opendir(folder) else { return errno == ENOENT ? [] : nil }
    unsafe closedir(stream)
    var inodes: [UInt32] = []
    for name in FileContents.names(folder) {
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

  private static func owner(_ process: UInt32) -> ProcessOwner {
    let name = FileContents.text("/proc/\(process)/comm").map { ProcessName($0.utf8.prefix { $0 != 0x0a }) }
    let groups = FileContents.text("/proc/\(process)/cgroup")?.split(separator: "\n") ?? []
    var group = groups.first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    // Where cgroup2 holds no processes, another hierarchy may tell the container.
    if group == nil || group == "/" {
      let paths = groups.compactMap { line in
        line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last
      }
      group = paths.map(String.init).first { ContainerIdentifier.find(in: $0) != nil } ?? group
    }
    return ProcessOwner(
      process: process, thread: 0, user: nil, controlGroup: group, name: name ?? ProcessName([]), evidence: .scan)
  }
}
