import CLinux
import Glibc

/// Constants of Linux's packet sockets from packet(7), linux/if_packet.h and linux/if.h, which the C library's module lacks.
enum PacketSocket {
  static let family: CInt = 17  // AF_PACKET
  static let level: CInt = 263  // SOL_PACKET
  /// Every protocol (ETH_P_ALL), in network byte order.
  static let everyProtocol = UInt16(3).bigEndian

  // Socket types: packets without and with their link-layer header. Both are non-blocking, and closed in programs that are executed.
  static let datagrams = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  static let frames = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

  // Options.
  static let addMembership: CInt = 1
  static let receiveRing: CInt = 5
  static let statistics: CInt = 6
  static let version: CInt = 10
  static let reserve: CInt = 12
  /// The value of the option `version` for rings of blocks (TPACKET_V3).
  static let version3: CInt = 2
  /// The membership type for promiscuous mode (PACKET_MR_PROMISC).
  static let promiscuous: UInt16 = 1

  /// Binds a socket to the interface with that index, 0 for all: from now on packets arrive.
  static func bind(_ descriptor: CInt, to index: CInt, _ device: String) throws(CaptureError) {
    // struct sockaddr_ll: family, protocol, interface; the rest is ignored.
    var address = [UInt8](repeating: 0, count: 20)
    unsafe address.withUnsafeMutableBytes { octets in
      unsafe octets.storeBytes(of: UInt16(family), as: UInt16.self)
      unsafe octets.storeBytes(of: everyProtocol, toByteOffset: 2, as: UInt16.self)
      unsafe octets.storeBytes(of: index, toByteOffset: 4, as: CInt.self)
    }
    let status = unsafe address.withUnsafeBytes { octets in
      // Safe: bind(2) reads no more bytes than the given length.
      unsafe octets.baseAddress.map {
        unsafe Glibc.bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(octets.count))
      }
    }
    guard status == 0 else { throw CaptureError(device: device, errno: errno) }
  }

  /// Enables promiscuous mode as long as the socket is open: packets that are not for this host are captured, too.
  static func addPromiscuity(_ descriptor: CInt, on index: CInt, _ device: String) throws(CaptureError) {
    // struct packet_mreq: interface, type, no address.
    var request = [UInt32](repeating: 0, count: 4)
    request[0] = UInt32(bitPattern: index)
    request[1] = UInt32(UInt16(littleEndian: promiscuous))
    let status = unsafe request.withUnsafeBytes {
      unsafe setsockopt(descriptor, level, addMembership, $0.baseAddress, socklen_t($0.count))
    }
    guard status == 0 else { throw CaptureError(device: device, errno: errno, "no promiscuous mode") }
  }

  /// The pending error of a socket, which is cleared by this; 0 for none.
  static func takeError(_ descriptor: CInt) -> CInt {
    var (code, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : 0
  }

  /// True if a descriptor is a packet socket.
  static func isOne(_ descriptor: CInt) -> Bool {
    var (domain, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == family
  }

  /// The packet type of packets that this host has sent (PACKET_OUTGOING).
  static let outgoing: UInt8 = 4

  // Bits of a block's or a packet's status.
  static let statusKernel: UInt32 = 0
  static let statusUser: UInt32 = 1
  static let statusTagged: UInt32 = 1 << 4
  static let statusTagProtocol: UInt32 = 1 << 6

  /// Offsets in bytes of the words of a block's header: struct tpacket_block_desc and tpacket_hdr_v1.
  enum Block {
    static let status = 8
    static let packets = 12
    static let firstPacket = 16
  }

  /// Offsets in bytes of the words of a packet's header: struct tpacket3_hdr, followed by struct sockaddr_ll.
  enum Header {
    static let next = 0
    static let seconds = 4
    static let nanoseconds = 8
    static let caplen = 12
    static let len = 16
    static let status = 20
    static let mac = 24
    static let tag = 32
    static let tagProtocol = 36
    /// The address: a cooked header is made of its bytes from 2 on.
    static let proto = 50
    static let interface = 52
    static let hardware = 56
    static let type = 58
    static let addressLength = 59
    static let address = 60
  }

  // Requests of ioctl(2) about an interface.
  static let getName: UInt = 0x8910
  static let getFlags: UInt = 0x8913
  static let getHardware: UInt = 0x8927
  static let getIndex: UInt = 0x8933

  // Hardware types (net/if_arp.h).
  static let ethernet: UInt16 = 1
  static let loopback: UInt16 = 772
}

/// Properties of an interface from the kernel, through a socket of any kind; no privilege is needed.
struct InterfaceQuery {
  let socket: CInt

  /// struct ifreq: a name of 16 bytes and 24 for the answer.
  private struct Request {
    var octets: [UInt8]

    init(_ name: String) {
      octets = Array(name.utf8.prefix(15))
      octets += [UInt8](repeating: 0, count: 40 - octets.count)
    }

    mutating func ask(_ socket: CInt, _ number: UInt) -> Bool {
      // Safe: the request has the 40 bytes of struct ifreq.
      unsafe octets.withUnsafeMutableBytes {
        linux_call(Int(SYS_ioctl), UInt(bitPattern: Int(socket)), number, UInt(bitPattern: $0.baseAddress), 0, 0)
      } == 0
    }

    var half: UInt16 { UInt16(octets[16]) | UInt16(octets[17]) << 8 }
    var word: UInt32 { (16..<20).reversed().reduce(0) { $0 << 8 | UInt32(octets[$1]) } }
  }

  /// The index of the interface; nil if there is none of that name.
  func index(_ name: String) -> CInt? {
    var request = Request(name)
    guard name.utf8.count < 16, request.ask(socket, PacketSocket.getIndex) else { return nil }
    return CInt(bitPattern: request.word)
  }

  /// True if the interface exists and is up.
  func isUp(_ name: String) -> Bool {
    var request = Request(name)
    return request.ask(socket, PacketSocket.getFlags) && request.half & UInt16(IFF_UP) != 0
  }

  /// The hardware type; nil if there is no such interface.
  func hardware(_ name: String) -> UInt16? {
    var request = Request(name)
    return request.ask(socket, PacketSocket.getHardware) ? request.half : nil
  }
}
