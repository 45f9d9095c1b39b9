import CPcap
import Glibc

/// A descriptor that libpcap reads as a C stream.
///
/// libpcap blocks in a read, and treats one that a signal has interrupted as the end of a packet. So this stream does the waiting, which a
/// stop signal ends, and says whether a complete packet is available before libpcap is called.
@safe
final class LibraryStream {
  private let descriptor: CInt
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  /// The part of the buffer that libpcap has not read yet.
  private var filled = 0..<0
  private var isAtEnd = false
  private var framing: RecordFraming

  /// Takes over the descriptor, except for standard input, and waits for the first bytes.
  init(_ descriptor: CInt) {
    self.descriptor = descriptor
    framing = RecordFraming(magic: [])
    while filled.count < 4, fill() {}
    framing = RecordFraming(magic: Array(buffer[filled].prefix(4)))
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// The first bytes of the file, at most 4. Valid until libpcap has read any.
  var magic: [UInt8] { Array(buffer[filled].prefix(4)) }

  /// True if libpcap would have to wait for the next packet. To be called between packets.
  var isIdle: Bool {
    while !isAtEnd, !framing.hasPacket(in: buffer[filled]) {
      guard isReadable(milliseconds: 0, StopSignal.descriptor) else { return true }
      _ = fill()
    }
    return false
  }

  /// Waits until there may be something to read, or a signal arrives, but at most for that many milliseconds (without limit if negative).
  func wait(milliseconds: CInt) { _ = isReadable(milliseconds: milliseconds, StopSignal.wakeupDescriptor) }

  private func isReadable(milliseconds: CInt, _ interrupt: CInt) -> Bool {
    var both = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0),
    ]
    return unsafe poll(&both, 2, milliseconds) > 0 && both[0].revents != 0
  }

  /// Reads bytes into the buffer, waiting for them; false at the end, or if a stop signal ends the wait.
  private func fill() -> Bool {
    guard !isAtEnd else { return false }
    makeRoom()
    while !StopSignal.isRaised {
      // Reading a FIFO that has never had a writer would return its end.
      guard isReadable(milliseconds: -1, StopSignal.descriptor) else { continue }
      let end = filled.upperBound
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        // Safe: `end` is below the count.
        unsafe read(descriptor, bytes.baseAddress.map { unsafe $0 + end }, bytes.count - end)
      }
      if count > 0 {
        filled = filled.lowerBound..<(end + count)
        return true
      }
      if count == 0 || (errno != EINTR && errno != EAGAIN) {
        isAtEnd = true
        return false
      }
    }
    return false
  }

  /// Moves the filled part to the start of the buffer, and enlarges the buffer if it is full.
  private func makeRoom() {
    guard filled.upperBound == buffer.count || filled.isEmpty else { return }
    buffer.removeFirst(filled.lowerBound)
    filled = 0..<filled.count
    // A packet has at most a few hundred kilobytes: `RecordFraming` does not wait for larger ones.
    let size = max(1 << 16, filled.count * 2)
    buffer += [UInt8](repeating: 0, count: size - buffer.count)
  }

  /// Copies bytes for libpcap, waiting for them; 0 at the end.
  fileprivate func give(_ target: UnsafeMutableRawBufferPointer) -> Int {
    if filled.isEmpty, !fill() { return 0 }
    let count = min(filled.count, target.count)
    unsafe buffer.withUnsafeBytes { bytes in
      // Safe: that many bytes are filled from there on, and the target has room for them.
      unsafe target.copyBytes(from: bytes[filled.lowerBound..<(filled.lowerBound + count)])
    }
    filled = (filled.lowerBound + count)..<filled.upperBound
    return count
  }

  /// The C stream, which libpcap closes; nil if memory is short.
  func opened() -> UnsafeMutablePointer<FILE>? {
    let functions = unsafe stream_functions(read: readFromStream, write: nil, seek: nil, close: closeStream)
    let cookie = unsafe Unmanaged.passRetained(self)
    guard let file = unsafe stream_open(cookie.toOpaque(), "r", functions) else {
      unsafe cookie.release()
      return nil
    }
    // No buffering in the C stream: data that is read ahead stays in this object.
    unsafe setvbuf(file, nil, _IONBF, 0)
    return unsafe file
  }
}

private func readFromStream(_ cookie: UnsafeMutableRawPointer?, _ target: UnsafeMutablePointer<CChar>?, _ count: Int)
  -> Int
{
  guard let cookie = unsafe cookie, let target = unsafe target else { return 0 }
  // Safe: the cookie is a stream that is retained until it is closed; the target has room for `count` bytes.
  let stream = unsafe Unmanaged<LibraryStream>.fromOpaque(cookie).takeUnretainedValue()
  return unsafe stream.give(UnsafeMutableRawBufferPointer(start: target, count: count))
}

private func closeStream(_ cookie: UnsafeMutableRawPointer?) -> CInt {
  // Safe: retained when it was opened, and closed once.
  if let cookie = unsafe cookie { unsafe Unmanaged<LibraryStream>.fromOpaque(cookie).release() }
  return 0
}

/// The framing of records in a savefile, as far as is needed to see that a packet is complete.
private struct RecordFraming {
  /// Bytes of a packet header in a pcap file; nil for a pcapng file, and for any other data.
  private let headerLength: Int?
  private let isPcapNG: Bool
  /// Numbers are most significant byte first.
  private var isBigEndian: Bool

  /// The length above which a record is not waited for: libpcap refuses it.
  private static let longestRecord = 1 << 24
  /// Block types: a section header, in either byte order, and blocks that contain a packet.
  private static let sectionHeader: UInt32 = 0x0a0d_0d0a
  private static let packetBlocks: Set<UInt32> = [2, 3, 6]

  init(magic: [UInt8]) {
    isBigEndian = magic.first == 0xa1
    let ordered = isBigEndian ? magic : magic.reversed()
    isPcapNG = magic == [0x0a, 0x0d, 0x0d, 0x0a]
    switch ordered {
    case [0xa1, 0xb2, 0xc3, 0xd4], [0xa1, 0xb2, 0x3c, 0x4d]: headerLength = 16
    case [0xa1, 0xb2, 0xcd, 0x34]: headerLength = 24
    default: headerLength = nil
    }
  }

  /// True if the bytes contain a complete packet, or something that libpcap rejects without waiting for more.
  mutating func hasPacket(in bytes: ArraySlice<UInt8>) -> Bool {
    if let headerLength {
      guard bytes.count >= headerLength else { return false }
      let caplen = Int(word(at: 8, of: bytes))
      return caplen > Self.longestRecord || bytes.count >= headerLength + caplen
    }
    guard isPcapNG else { return !bytes.isEmpty }
    var rest = bytes
    while rest.count >= 12 {
      let type = word(at: 0, of: rest)
      if type == Self.sectionHeader {
        // The byte-order magic 1A2B3C4D.
        isBigEndian = rest[rest.startIndex + 8] == 0x1a
      }
      let length = Int(word(at: 4, of: rest))
      if length < 12 || length > Self.longestRecord { return true }
      guard rest.count >= length else { return false }
      if Self.packetBlocks.contains(type) { return true }
      rest = rest.dropFirst(length)
    }
    return false
  }

  /// Four bytes, which the caller knows to exist.
  private func word(at offset: Int, of bytes: ArraySlice<UInt8>) -> UInt32 {
    let start = bytes.startIndex + offset
    let word = bytes[start..<(start + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return isBigEndian ? word : word.byteSwapped
  }
}
