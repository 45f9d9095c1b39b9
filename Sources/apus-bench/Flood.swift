import CLinux
import Glibc

/// Sends identical frames out of an interface, at a given rate or as fast as possible, to test a capture on the other end of a veth pair.
@safe
struct Flood: ~Copyable {
  private let descriptor: CInt
  private let frame: UnsafeMutableRawBufferPointer
  private let parts: UnsafeMutablePointer<iovec>
  /// struct mmsghdr, which the C library's module lacks: a msghdr, and a word for the result.
  private let messages: UnsafeMutableRawPointer
  private static let messageLength = 64

  /// Frames per system call.
  private static let batch = 64

  /// Nil if there is no such interface, or the privilege is missing.
  init?(interface: String, length: Int) {
    // AF_PACKET and, in network byte order, no protocol: nothing is received.
    let descriptor = socket(17, CInt(SOCK_RAW.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var address = [UInt8](repeating: 0, count: 20)
    let index = unsafe if_nametoindex(interface)
    let isBound = unsafe address.withUnsafeMutableBytes { octets in
      // Safe: the address has the 20 bytes of struct sockaddr_ll: family, protocol, interface.
      unsafe octets.storeBytes(of: 17, as: UInt16.self)
      unsafe octets.storeBytes(of: index, toByteOffset: 4, as: UInt32.self)
      return unsafe octets.baseAddress.map {
        unsafe bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(octets.count)) == 0
      } ?? false
    }
    guard index != 0, isBound else {
      close(descriptor)
      return nil
    }
    // PACKET_QDISC_BYPASS: straight to the device.
    var bypass: CInt = 1
    unsafe setsockopt(descriptor, 263, 20, &bypass, socklen_t(MemoryLayout<CInt>.size))
    self.descriptor = descriptor
    unsafe frame = .allocate(byteCount: max(60, length), alignment: 16)
    unsafe parts = .allocate(capacity: Self.batch)
    unsafe messages = .allocate(byteCount: Self.batch * Self.messageLength, alignment: 16)
    fill()
  }

  deinit {
    close(descriptor)
    unsafe frame.deallocate()
    unsafe parts.deallocate()
    unsafe messages.deallocate()
  }

  /// A datagram from 192.0.2.1 to port 9 of 192.0.2.2.
  private func fill() {
    var header: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]
    let length = UInt16(truncatingIfNeeded: unsafe frame.count - 14)
    header += [0x45, 0, UInt8(length >> 8), UInt8(length & 0xff), 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
    let payload = length - 20
    header += [0x03, 0xe8, 0, 9, UInt8(payload >> 8), UInt8(payload & 0xff), 0, 0]
    for index in unsafe frame.indices { unsafe frame[index] = index < header.count ? header[index] : 0x61 }
    for index in 0..<Self.batch {
      // Safe: both arrays have `batch` elements, and live as long as this object.
      unsafe (parts + index).initialize(to: iovec(iov_base: frame.baseAddress, iov_len: frame.count))
      var message = unsafe msghdr()
      unsafe message.msg_iov = parts + index
      unsafe message.msg_iovlen = 1
      unsafe messages.storeBytes(of: message, toByteOffset: index * Self.messageLength, as: msghdr.self)
    }
  }

  /// Sends `count` frames, `rate` per second or, if that is 0, as fast as possible, for at most `seconds`. Returns the number of frames
  /// sent.
  func send(_ count: Int, rate: Int, seconds: Double) -> Int {
    let start = Self.now
    var sent = 0
    while sent < count {
      let passed = Self.now - start
      guard passed < seconds else { break }
      if rate > 0, Double(sent) > passed * Double(rate) {
        usleep(50)
        continue
      }
      let number = UInt(min(Self.batch, count - sent))
      // Safe: the messages live as long as this object.
      let result = unsafe linux_call(
        Int(SYS_sendmmsg), UInt(bitPattern: Int(descriptor)), UInt(bitPattern: messages), number, 0, 0)
      if result > 0 {
        sent += result
      } else if result != -Int(ENOBUFS), result != -Int(EAGAIN), result != -Int(EINTR) {
        break
      }
    }
    return sent
  }

  /// Seconds of the monotonic clock.
  static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
