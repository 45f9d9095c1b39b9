import PacketCore

/// Which process had which socket open at one moment.
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
  /// Indices into `sockets` by cookie.
  private var places: [UInt64: Int] = [:]
  /// Indices of the unconnected sockets, by port.
  private var open: [LocalPort: [Int]] = [:]
  /// The number of processes whose files could not be read.
  var hiddenProcesses = 0
  /// True if the kernel lists sockets.
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

  /// True for TCP and SCTP, whose listeners make a new socket for each connection.
  private static func accepts(_ proto: UInt8) -> Bool { proto == 6 || proto == 132 }

  /// The socket that the kernel reported without an owner: found by its cookie, otherwise the listener that accepted it, which is also
  /// older than the capture.
  func socket(of event: SocketEvent) -> Socket? {
    if let place = places[event.cookie] { return sockets[place] }
    guard Self.accepts(event.addresses.proto) else { return nil }
    return unconnected(event.addresses, in: event.namespace, orElsewhere: event.namespace == 0)
  }

  /// The owner of the unconnected socket that receives what is sent to a local address and port.
  func owner(ofUnconnected addresses: SocketAddresses, in namespace: UInt64) -> ProcessOwner? {
    unconnected(addresses, in: namespace, orElsewhere: addresses.leavesHost)?.owner
  }

  /// The unconnected socket that receives what is sent to a local address and port. A socket bound to the address takes precedence over one
  /// bound to all addresses, then one in the network namespace `home` over those in others; nil if two other namespaces have one each.
  private func unconnected(_ addresses: SocketAddresses, in home: UInt64, orElsewhere: Bool) -> Socket? {
    guard addresses.localPort != 0,
      let candidates = open[LocalPort(proto: addresses.proto, port: addresses.localPort)]
    else { return nil }
    var found: Socket?
    var isExact = false
    var isAmbiguous = false
    for place in candidates {
      let socket = sockets[place]
      guard socket.namespace == home || orElsewhere else { continue }
      let isSameVersion = socket.addresses.version == addresses.version
      let fits = isSameVersion && socket.addresses.local == addresses.local
      // IPv6 sockets accept IPv4 as well, unless configured otherwise.
      let takesAll = socket.addresses.local == 0 && (isSameVersion || socket.addresses.version == 6)
      guard fits || takesAll && !isExact else { continue }
      if let found, fits == isExact {
        guard found.namespace != home, socket.namespace != found.namespace else { continue }
        isAmbiguous = socket.namespace != home
        if isAmbiguous { continue }
      }
      (found, isExact, isAmbiguous) = (socket, fits, false)
    }
    return isAmbiguous ? nil : found
  }
}
