import PacketCore

/// Which process has which socket open, as it was at one moment.
struct SocketScan: Sendable {
  /// A socket that a process had open.
  struct Socket: Equatable, Sendable {
    var cookie: UInt64
    var addresses: SocketAddresses
    /// The cookie of its network namespace.
    var namespace: UInt64
    var owner: ProcessOwner
  }

  private(set) var sockets: [Socket] = []
  /// Places in `sockets` by cookie.
  private var places: [UInt64: Int] = [:]
  /// Places of the sockets that are connected to nobody, by port.
  private var open: [LocalPort: [Int]] = [:]
  /// Processes whose files could not be seen.
  var hiddenProcesses = 0
  /// The kernel lists sockets.
  var hasSockets = false

  private struct LocalPort: Hashable {
    let proto: UInt8
    let port: UInt16
  }

  static let maximumSockets = 1 << 20

  init() {}

  mutating func add(_ socket: Socket) {
    guard sockets.count < Self.maximumSockets else { return }
    places[socket.cookie] = sockets.count
    if socket.addresses.remotePort == 0 {
      open[LocalPort(proto: socket.addresses.proto, port: socket.addresses.localPort), default: []]
        .append(sockets.count)
    }
    sockets.append(socket)
  }

  /// True for TCP and SCTP, whose listeners make sockets of their own for each connection.
  private static func accepts(_ proto: UInt8) -> Bool { proto == 6 || proto == 132 }

  /// The socket of which the kernel has told without an owner: by its cookie, else the listener that has accepted it, which is older than the
  /// capture as well.
  func socket(of event: SocketEvent) -> Socket? {
    if let place = places[event.cookie] { return sockets[place] }
    guard Self.accepts(event.addresses.proto) else { return nil }
    let port = LocalPort(proto: event.addresses.proto, port: event.addresses.localPort)
    return open[port]?.lazy.map { sockets[$0] }.first {
      event.namespace == 0 || $0.namespace == event.namespace
    }
  }

  /// Who has a socket open that is connected to nobody, and gets what is sent to a local address and port. One that is bound to the address
  /// comes before one that is bound to all of them.
  func owner(ofUnconnected addresses: SocketAddresses, in namespace: UInt64) -> ProcessOwner? {
    guard addresses.localPort != 0,
      let candidates = open[LocalPort(proto: addresses.proto, port: addresses.localPort)]
    else { return nil }
    var found: ProcessOwner?
    for place in candidates {
      let socket = sockets[place]
      guard socket.namespace == namespace || addresses.leavesHost else { continue }
      if socket.addresses.version == addresses.version, socket.addresses.local == addresses.local {
        return socket.owner
      }
      // Those of IPv6 take IPv4 as well, unless they say otherwise.
      let takesVersion = socket.addresses.version == addresses.version || socket.addresses.version == 6
      if socket.addresses.local == 0, takesVersion, found == nil { found = socket.owner }
    }
    return found
  }
}
