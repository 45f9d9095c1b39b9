import CLinux
import Glibc

/// A socket of the internet families, as the kernel lists it (sock_diag(7)).
struct ListedSocket {
  var cookie: UInt64
  var inode: UInt32
  var user: UInt32
  var addresses: SocketAddresses
}

/// The sockets of a network namespace.
enum SocketDiagnostics {
  /// The protocols whose sockets are listed: TCP, UDP, SCTP, UDP-Lite. Raw sockets are listed as IPPROTO_RAW.
  private static let protocols: [UInt8] = [6, 17, 132, 136, 255]
  private static let netlinkFamily: CInt = 16
  private static let diagnostics: CInt = 4
  private static let byFamily: UInt16 = 20
  private static let error: UInt16 = 2
  private static let done: UInt16 = 3
  private static let headerSize = 16
  /// SO_NETNS_COOKIE.
  private static let namespaceCookieOption: CInt = 71

  /// All sockets in the calling thread's network namespace that the kernel lists; nil if it lists none.
  static func sockets() -> [ListedSocket]? {
    let descriptor = socket(netlinkFamily, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), diagnostics)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var sockets: [ListedSocket] = []
    for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
      for proto in protocols { sockets += list(descriptor, family, proto) }
    }
    return sockets
  }

  /// The cookie of the calling thread's network namespace; 0 if the kernel has none.
  static func namespaceCookie() -> UInt64 {
    let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    var cookie: UInt64 = 0
    var size = socklen_t(8)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, namespaceCookieOption, &cookie, &size) == 0 else { return 0 }
    return cookie
  }

  private static func list(_ descriptor: CInt, _ family: UInt8, _ proto: UInt8) -> [ListedSocket] {
    // struct nlmsghdr: length, type and flags (request, dump), number, port.
    // struct inet_diag_req_v2: family, protocol, extensions and padding; all states; an empty identity of 48 bytes.
    let request: [UInt32] =
      [72, UInt32(byFamily) | 0x301 << 16, 1, 0, UInt32(family) | UInt32(proto) << 8, .max]
      + [UInt32](repeating: 0, count: 12)
    guard unsafe request.withUnsafeBytes({ unsafe send(descriptor, $0.baseAddress, $0.count, 0) }) == 72 else {
      return []
    }
    var sockets: [ListedSocket] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return sockets }
      var message = buffer[..<count]
      // Every iteration advances by 16 bytes or more.
      while message.count >= headerSize {
        let length = Int(word(message, 0))
        let type = UInt16(truncatingIfNeeded: word(message, 4))
        guard length >= headerSize, length <= message.count, type != done, type != error else { return sockets }
        if let socket = ListedSocket(message.dropFirst(headerSize).prefix(length - headerSize), proto) {
          sockets.append(socket)
        }
        message = message.dropFirst((length + 3) & ~3)
      }
    }
  }

  fileprivate static func word(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension ListedSocket {
  /// struct inet_diag_msg:
  ///
  ///      0  family, state, two bytes of timers
  ///      4  local port, remote port, in network byte order
  ///      8  local address, and from 24 on the remote one, 16 bytes each
  ///     40  interface
  ///     44  cookie, the lower half first
  ///     52  timer, two queues
  ///     64  user
  ///     68  inode
  fileprivate init?(_ message: ArraySlice<UInt8>, _ proto: UInt8) {
    guard message.count >= 72, let family = message.first else { return nil }
    func big(_ offset: Int, _ count: Int) -> UInt128 {
      message.dropFirst(offset).prefix(count).reduce(0) { $0 << 8 | UInt128($1) }
    }
    let word = SocketDiagnostics.word
    var (version, local, remote) = (UInt8(4), big(8, 4), big(24, 4))
    if family == UInt8(AF_INET6) {
      (version, local, remote) = (6, big(8, 16), big(24, 16))
      // An IPv6 socket that speaks IPv4 has IPv4 packets.
      if local >> 32 == 0xffff, remote >> 32 == 0xffff {
        (version, local, remote) = (4, local & 0xffff_ffff, remote & 0xffff_ffff)
      }
    }
    cookie = UInt64(word(message, 44)) | UInt64(word(message, 48)) << 32
    user = word(message, 64)
    inode = word(message, 68)
    addresses = SocketAddresses(
      version: version, proto: proto, local: local, remote: remote, localPort: UInt16(truncatingIfNeeded: big(4, 2)),
      remotePort: UInt16(truncatingIfNeeded: big(6, 2)))
  }
}
