import CPcap
import Glibc

/// A descriptor that libpcap reads as a stream of C.
///
/// libpcap waits within a read, and takes one that a signal has interrupted for the end of a packet. So the stream does the waiting, which
/// ends with the request to stop, and says whether a whole packet is there before libpcap is asked.
@safe
final class LibraryStream {
  private let descriptor: CInt
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  /// The part of the buffer that has not been given.
  private var filled = 0..<0
  private var isAtEnd = false
  private var framing: RecordFraming

  /// Takes the descriptor over, but for standard input, and waits for the first bytes.
  init(_ descriptor: CInt) {
    self.descriptor = descriptor
    framing = RecordFraming(magic: [])
    while filled.count < 4, fill() {}
    framing = RecordFraming(magic: Array(buffer[filled].prefix(4)))
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// The first bytes of the file, at most 4, as long as none has been given.
  var magic: [UInt8] { Array(buffer[filled].prefix(4)) }

  /// True where libpcap would have to wait for the next packet. To be asked between packets.
  var isIdle: Bool {
    while !isAtEnd, !framing.hasPacket(in: buffer[filled]) {
      guard isReadable(milliseconds: 0, StopSignal.descriptor) else { return true }
      _ = fill()
    }
    return false
  }

  /// Waits until there may be something to read, or a signal has come, but no longer than so many milliseconds; negative: without end.
  func wait(milliseconds: CInt) { _ = isReadable(milliseconds: milliseconds, StopSignal.wakeupDescriptor) }

  private func isReadable(milliseconds: CInt, _ interrupt: CInt) -> Bool {
    var both = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0),
    ]
    return unsafe poll(&both, 2, milliseconds) > 0 && both[0].revents != 0
  }

  /// Adds bytes to the buffer, and waits for them; false at the end, and where the request to stop ends the wait.
  private func fill() -> Bool {
    guard !isAtEnd else { return false }
    makeRoom()
    while !StopSignal.isRaised {
      // A FIFO that has never had a writer would be at its end.
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

  /// Moves what is filled to the start of the buffer and, where that is full, makes it larger.
  private func makeRoom() {
    guard filled.upperBound == buffer.count || filled.isEmpty else { return }
    buffer.removeFirst(filled.lowerBound)
    filled = 0..<filled.count
    // A packet has no more than a few hundred kilobytes: `RecordFraming` waits for none that is larger.
    let size = max(1 << 16, filled.count * 2)
    buffer += [UInt8](repeating: 0, count: size - buffer.count)
  }

  /// Gives bytes to libpcap, and waits for them; none at the end.
  fileprivate func give(_ target: UnsafeMutableRawBufferPointer) -> Int {
    if filled.isEmpty, !fill() { return 0 }
    let count = min(filled.count, target.count)
    unsafe buffer.withUnsafeBytes { bytes in
      // Safe: so many bytes are filled from there on, and the target has room for them.
      unsafe target.copyBytes(from: bytes[filled.lowerBound..<(filled.lowerBound + count)])
    }
    filled = (filled.lowerBound + count)..<filled.upperBound
    return count
  }

  /// The stream of C, which libpcap closes; nil where there is no memory for it.
  func opened() -> UnsafeMutablePointer<FILE>? {
    let functions = unsafe stream_functions(read: readFromStream, write: nil, seek: nil, close: closeStream)
    let cookie = unsafe Unmanaged.passRetained(self)
    guard let file = unsafe stream_open(cookie.toOpaque(), "r", functions) else {
      unsafe cookie.release()
      return nil
    }
    // What is read ahead stays here.
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

/// How the records of a savefile follow each other, as far as is needed to see that a packet is whole.
private struct RecordFraming {
  /// Bytes of a packet header of a pcap file; nil for a pcapng file, and for what is neither.
  private let headerLength: Int?
  private let isPcapNG: Bool
  /// Numbers are most significant byte first.
  private var isBigEndian: Bool

  /// Records beyond this are not waited for: libpcap refuses them.
  private static let longestRecord = 1 << 24
  /// Types of blocks: that of a section's header, in either byte order, and those that hold a packet.
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

  /// True where a whole packet is in the bytes, or libpcap finds something wrong without waiting for more.
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

  /// Four bytes, of which the caller knows that they are there.
  private func word(at offset: Int, of bytes: ArraySlice<UInt8>) -> UInt32 {
    let start = bytes.startIndex + offset
    let word = bytes[start..<(start + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return isBigEndian ? word : word.byteSwapped
  }
}
