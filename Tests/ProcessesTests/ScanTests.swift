import Glibc
import PacketCore
import Testing

@testable import Processes

/// The results of a scan of the open sockets.
@Suite struct ScanTests {
  private static func owner(_ process: UInt32, _ group: String? = nil) -> ProcessOwner {
    ProcessOwner(
      process: process, thread: 0, user: 1000, controlGroup: group.map { ControlGroup($0) },
      name: ProcessName("server".utf8), evidence: .scan)
  }

  private static func socket(
    _ process: UInt32, _ local: UInt128, _ localPort: UInt16, _ remote: UInt128 = 0, _ remotePort: UInt16 = 0,
    version: UInt8 = 4, proto: UInt8 = 17, namespace: UInt64 = 1, group: String? = nil
  ) -> SocketScan.Socket {
    SocketScan.Socket(
      cookie: UInt64(process), addresses: addresses(local, localPort, remote, remotePort, version, proto),
      namespace: namespace, owner: owner(process, group))
  }

  private static func addresses(
    _ local: UInt128, _ localPort: UInt16, _ remote: UInt128 = 9, _ remotePort: UInt16 = 99, _ version: UInt8 = 4,
    _ proto: UInt8 = 17
  ) -> SocketAddresses {
    SocketAddresses(
      version: version, proto: proto, local: local, remote: remote, localPort: localPort, remotePort: remotePort)
  }

  private static func scan(_ sockets: [SocketScan.Socket]) -> SocketScan {
    var scan = SocketScan()
    for socket in sockets { scan.add(socket) }
    scan.hasSockets = true
    scan.hiddenProcesses = 3
    return scan
  }

  private static let example = scan([
    socket(1, 0xc000_0201, 53, group: "/user.slice"), socket(2, 0, 53, group: "/user.slice"),
    socket(3, 0, 80, version: 6, proto: 6, group: "/system.slice/ä b"), socket(4, 7, 4000, 8, 80, proto: 6),
    socket(5, 0, 5353, namespace: 2),
  ])

  @Test func messagesComeBackAsTheyWere() {
    let bytes = ScanMessage.bytes(of: Self.example)
    let back = ScanMessage.scan(of: bytes[...])
    #expect(back.sockets == Self.example.sockets)
    #expect(back.hasSockets && back.hiddenProcesses == 3)
    for length in bytes.indices {
      #expect(ScanMessage.scan(of: bytes[..<length]).sockets.count < 5)
      var flipped = bytes
      flipped[length] ^= 0xff
      _ = ScanMessage.scan(of: flipped[...])
    }
  }

  @Test func unconnectedSocketsTakeWhatComesToTheirPort() {
    func process(_ addresses: SocketAddresses, in namespace: UInt64 = 1) -> UInt32? {
      Self.example.owner(ofUnconnected: addresses, in: namespace)?.process
    }
    // A socket bound to the address takes precedence over one bound to all addresses.
    #expect(process(Self.addresses(0xc000_0201, 53)) == 1)
    #expect(process(Self.addresses(0xc000_0202, 53)) == 2)
    // IPv6 listeners accept IPv4.
    #expect(process(Self.addresses(0xc000_0202, 80, 9, 99, 4, 6)) == 3)
    #expect(process(Self.addresses(0xc000_0202, 80)) == nil)
    #expect(process(Self.addresses(0xc000_0202, 0)) == nil)
    // In another namespace the address may be that of another host, but a loopback address may not.
    #expect(process(Self.addresses(0xc000_0202, 5353)) == 5)
    #expect(process(Self.addresses(0x7f00_0001, 5353)) == nil)
    #expect(process(Self.addresses(0x7f00_0001, 5353), in: 2) == 5)
  }

  @Test func listenersOwnWhatTheyAccept() {
    let event = SocketEvent(
      time: 1, cookie: 77, addresses: Self.addresses(5, 80, 9, 99, 4, 6), namespace: 1, owner: nil)
    #expect(Self.example.socket(of: event)?.owner.process == 3)
    let datagram = SocketEvent(time: 1, cookie: 77, addresses: Self.addresses(5, 53), namespace: 1, owner: nil)
    #expect(Self.example.socket(of: datagram) == nil)
    let known = SocketEvent(time: 1, cookie: 4, addresses: Self.addresses(5, 1), namespace: 1, owner: nil)
    #expect(Self.example.socket(of: known)?.owner.process == 4)
  }

  /// Listeners in several network namespaces use the same port: the address tells them apart, or else the namespace; otherwise the owner is
  /// unknown.
  @Test func listenersOfSeveralNamespaces() {
    let scan = Self.scan([
      Self.socket(1, 5, 80, proto: 6, namespace: 1), Self.socket(2, 6, 80, proto: 6, namespace: 2),
      Self.socket(3, 0, 443, proto: 6, namespace: 1), Self.socket(4, 0, 443, proto: 6, namespace: 2),
      Self.socket(5, 6, 443, proto: 6, namespace: 3), Self.socket(6, 0, 443, proto: 6, namespace: 4),
    ])
    func process(_ local: UInt128, _ port: UInt16, _ namespace: UInt64) -> UInt32? {
      let addresses = Self.addresses(local, port, 9, 99, 4, 6)
      let event = SocketEvent(time: 1, cookie: 77, addresses: addresses, namespace: namespace, owner: nil)
      return scan.socket(of: event)?.owner.process
    }
    #expect(process(5, 80, 0) == 1 && process(6, 80, 0) == 2 && process(7, 80, 0) == nil)
    #expect(process(5, 80, 1) == 1 && process(5, 80, 2) == nil && process(7, 80, 1) == nil)
    #expect(process(5, 443, 1) == 3 && process(5, 443, 2) == 4 && process(5, 443, 0) == nil)
    #expect(process(6, 443, 0) == 5 && process(6, 443, 3) == 5 && process(6, 443, 4) == 6)
    // A listener in the given namespace takes precedence.
    func unconnected(_ namespace: UInt64) -> UInt32? {
      scan.owner(ofUnconnected: Self.addresses(0xc000_0202, 443, 9, 99, 4, 6), in: namespace)?.process
    }
    #expect(unconnected(1) == 3 && unconnected(2) == 4 && unconnected(4) == 6 && unconnected(9) == nil)
  }

  @Test func findsItsOwnSockets() throws {
    let descriptor = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    // The kernel chooses a port.
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    let status = unsafe withUnsafeBytes(of: &address) {
      unsafe bind(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    try #require(status == 0)
    let scanner = try #require(ScanProcess())
    let scan = try #require(scanner.scan(waiting: 20))
    #expect(scan.hasSockets)
    #expect(scan.sockets.contains { $0.owner.process == UInt32(getpid()) && $0.addresses.proto == 17 })
    scanner.finish()
  }

  @Test(.enabled(if: geteuid() == 0, "only root makes control groups")) func groupsThatWereLeftAreRemoved() throws {
    let groups = try ControlGroups()
    let prefix = "apus-test-\(getpid())-"
    let (left, running) = ("\(prefix)1-1", "\(prefix)2")
    for name in [left, running] { try #require(unsafe mkdirat(groups.descriptor, name, 0o755) == 0) }
    defer { for name in [left, running] { unsafe unlinkat(groups.descriptor, name, AT_REMOVEDIR) } }
    func exists(_ name: String) -> Bool { unsafe faccessat(groups.descriptor, name, F_OK, 0) == 0 }
    // The process that created the group may be about to use it, and may be in another PID namespace.
    let lock = try #require(groups.claim(running))
    #expect(groups.claim(running) == nil && groups.claim("\(prefix)0") == nil)
    groups.removeLeftGroups(prefix)
    #expect(!exists(left) && exists(running))
    close(lock)
    groups.removeLeftGroups(prefix)
    #expect(!exists(running))
  }
}
