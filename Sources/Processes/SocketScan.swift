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
    return unconnected(event.addresses, in: event.namespace, orElsewhere: event.namespace == 0)
  }

  /// Who has a socket open that is connected to nobody, and gets what is sent to a local address and port.
  func owner(ofUnconnected addresses: SocketAddresses, in namespace: UInt64) -> ProcessOwner? {
    unconnected(addresses, in: namespace, orElsewhere: addresses.leavesHost)?.owner
  }

  /// The socket that is connected to nobody, and gets what is sent to a local address and port. One that is bound to the address comes before
  /// one that is bound to all of them, then one of the network namespace `home` before those of others; nil where two others have one each.
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
      // Those of IPv6 take IPv4 as well, unless they say otherwise.
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
