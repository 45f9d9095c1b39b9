import CLinux
import Glibc
import PacketCore
import Sandbox

/// A process that scans the open sockets on request. It is separate because scanning moves it into other network namespaces, and because
/// the process that parses packets then needs no permission to look at other processes.
///
/// It is forked before the sandbox is entered, has no descriptors except the three standard ones and its end of a socket, reads only /proc
/// and sock_diag, and exits when the socket is closed.
@safe final class ScanProcess {
  /// A request is one byte; the answer is the length of a message (32 bits, little-endian), and the message (`ScanMessage`).
  private let socket: CInt
  private let process: pid_t
  private var received: [UInt8] = []
  private var isWaiting = false
  private var hasFailed = false
  /// When the last request was made, in nanoseconds since boot.
  private var requestedAt: UInt64 = 0

  /// The minimum number of nanoseconds between two requests.
  private static let interval: UInt64 = 1_000_000_000
  /// The scanner rests at least this many times as long as a scan takes.
  private static let restFactor: UInt64 = 10
  private static let maximumLength = 64 << 20

  /// Nil if no process can be started.
  init?() {
    var ends: [CInt] = [-1, -1]
    // Safe: the array has room for both descriptors.
    guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      return nil
    }
    socket = ends[0]
    process = fork()
    if process == 0 { Self.serve(ends[1]) }
    close(ends[1])
    guard process > 0 else { return nil }
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
  }

  deinit { close(socket) }

  /// Ends the process before the sandbox is entered, because it cannot be waited for afterwards.
  func finish() {
    shutdown(socket, CInt(SHUT_RDWR))
    waitpid(process, nil, 0)
  }

  // MARK: In apus

  /// Requests a scan, at most once a second. `now` is in nanoseconds since boot.
  func request(at now: UInt64) {
    guard !isWaiting, !hasFailed, now >= requestedAt &+ Self.interval else { return }
    var octet: UInt8 = 1
    // Safe: one byte. It is write(2), since the sandbox has no send(2).
    isWaiting = unsafe write(socket, &octet, 1) == 1
    hasFailed = !isWaiting
    requestedAt = now
  }

  /// Requests a scan and waits for it; nil if it does not arrive within `seconds`.
  func scan(waiting seconds: Int) -> SocketScan? {
    request(at: .max)
    for _ in 0..<max(1, seconds * 10) where isWaiting && !hasFailed {
      var answer = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&answer, 1, 100) > 0 else { continue }
      if let result = takeResult() {
        requestedAt = 0
        return result
      }
    }
    return nil
  }

  /// The result of a requested scan that has ended since; nil if there is none.
  func takeResult() -> SocketScan? {
    guard isWaiting else { return nil }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // Safe: read(2) fills at most the array.
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(socket, $0.baseAddress, $0.count) }
      if count > 0 {
        received += buffer[..<count]
        continue
      }
      if count < 0, errno == EINTR { continue }
      if count == 0 || errno != EAGAIN { hasFailed = true }
      break
    }
    guard received.count >= 4 else { return nil }
    let length = received.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumLength else {
      hasFailed = true
      return nil
    }
    guard received.count - 4 >= length else { return nil }
    defer { received.removeAll() }
    isWaiting = false
    return ScanMessage.scan(of: received.dropFirst(4).prefix(length))
  }

  // MARK: In the other process

  private static func serve(_ socket: CInt) -> Never {
    // Ctrl-C and the like are meant for apus, which then closes the socket.
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE] { signal(number, SIG_IGN) }
    let socket = Descriptors.keepOnly(socket)
    let home = unsafe open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)
    var octet: UInt8 = 0
    while true {
      // Safe: one byte.
      let count = unsafe read(socket, &octet, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1 else { _exit(0) }
      let start = now
      let message = ScanMessage.bytes(of: SystemScanner.scan(from: home))
      guard send(message, to: socket) else { _exit(0) }
      let rest = min((now &- start) &* restFactor, 60_000_000_000)
      // Wait: no new request comes meanwhile, so only the end of apus wakes it, and it exits.
      var state = pollfd(fd: socket, events: 0, revents: 0)
      if unsafe poll(&state, 1, CInt(rest / 1_000_000)) > 0 { _exit(0) }
    }
  }

  private static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  private static func send(_ message: [UInt8], to socket: CInt) -> Bool {
    let octets = (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (8 * $0)) } + message
    var sent = 0
    while sent < octets.count {
      // Safe: the rest of the array.
      let count = unsafe octets[sent...].withUnsafeBytes { unsafe write(socket, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

/// A scan as bytes: whether the kernel lists sockets, and how many processes hide theirs; the number of control groups, and their paths,
/// each preceded by its length; then 88 bytes for each socket. Numbers are little-endian.
enum ScanMessage {
  private static let socketSize = 88
  /// The maximum number of sockets in a message, and of control groups.
  static let maximumSockets = 1 << 18
  private static let noGroup = UInt32.max

  static func bytes(of scan: SocketScan) -> [UInt8] {
    let sockets = scan.sockets.prefix(maximumSockets)
    var numbers: [ControlGroup: UInt32] = [:]
    var paths: [String] = []
    for socket in sockets {
      guard let group = socket.owner.controlGroup, numbers[group] == nil else { continue }
      numbers[group] = UInt32(paths.count)
      paths.append(group.path)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(sockets.count * socketSize + 64 * paths.count + 4)
    func append(_ number: some FixedWidthInteger) {
      for index in 0..<type(of: number).bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
    }
    append(UInt32(scan.hasSockets ? 1 : 0))
    append(UInt32(clamping: scan.hiddenProcesses))
    append(UInt32(paths.count))
    for path in paths {
      let text = path.utf8.prefix(Int(UInt16.max))
      append(UInt32(text.count))
      bytes += text
    }
    for socket in sockets {
      let (addresses, owner) = (socket.addresses, socket.owner)
      append(addresses.local)
      append(addresses.remote)
      append(owner.name.number)
      append(socket.cookie)
      append(socket.namespace)
      append(owner.process)
      append(owner.user ?? .max)
      append(owner.controlGroup.flatMap { numbers[$0] } ?? noGroup)
      append(addresses.localPort)
      append(addresses.remotePort)
      append(addresses.version)
      append(addresses.proto)
      append(UInt16(0))
      append(UInt32(0))
    }
    return bytes
  }

  /// The inverse; anything missing from the bytes is left out.
  static func scan(of bytes: ArraySlice<UInt8>) -> SocketScan {
    var scan = SocketScan()
    var rest = bytes
    /// Nil if there are not enough bytes.
    func take<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
      let size = Number.bitWidth / 8
      guard rest.count >= size else { return nil }
      defer { rest = rest.dropFirst(size) }
      return rest.prefix(size).reversed().reduce(0) { $0 << 8 | Number($1) }
    }
    var groups: [ControlGroup] = []
    guard let listing = take(UInt32.self), let hidden = take(UInt32.self), let count = take(UInt32.self) else {
      return scan
    }
    scan.hasSockets = listing != 0
    scan.hiddenProcesses = Int(hidden)
    for _ in 0..<min(Int(count), maximumSockets) {
      guard let length = take(UInt32.self), rest.count >= Int(length) else { return scan }
      groups.append(ControlGroup(String(decoding: rest.prefix(Int(length)), as: UTF8.self)))
      rest = rest.dropFirst(Int(length))
    }
    while rest.count >= socketSize, let local = take(UInt128.self), let remote = take(UInt128.self),
      let name = take(UInt128.self), let cookie = take(UInt64.self), let namespace = take(UInt64.self),
      let process = take(UInt32.self), let user = take(UInt32.self), let group = take(UInt32.self),
      let localPort = take(UInt16.self), let remotePort = take(UInt16.self), let version = take(UInt8.self),
      let proto = take(UInt8.self), take(UInt16.self) != nil, take(UInt32.self) != nil
    {
      scan.add(
        SocketScan.Socket(
          cookie: cookie,
          addresses: SocketAddresses(
            version: version, proto: proto, local: local, remote: remote, localPort: localPort,
            remotePort: remotePort), namespace: namespace,
          owner: ProcessOwner(
            process: process, thread: 0, user: user == .max ? nil : user,
            controlGroup: group < groups.count ? groups[Int(group)] : nil, name: ProcessName(littleEndian: name),
            evidence: .scan)))
    }
    return scan
  }
}
