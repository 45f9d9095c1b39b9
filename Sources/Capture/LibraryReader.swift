import CPcap
import Glibc
public import PacketCore

/// A savefile read by libpcap, with all formats that libpcap supports, and no others. For a pipe or standard input, a `LibraryStream` does
/// the waiting.
///
/// libpcap reports the link type, the snapshot length, and the time and bytes of each packet, but not the interface, the direction or the
/// comments of a pcapng file, and it refuses one whose interfaces have several link types.
@safe
public struct LibraryReader: ~Copyable {
  /// The name of the file, as the user gave it; `-` for standard input.
  public let path: String
  public let linkType: LinkType
  /// The snapshot length in bytes.
  public let snaplen: UInt32
  /// True if the file was written in the other byte order than the host's.
  public let isByteSwapped: Bool
  /// The unit in which the file stores fractions of timestamps; for a pcapng file the finest possible one.
  public let precision: TimestampPrecision
  /// `next` returned nil because the stream has no packet ready.
  public private(set) var isIdle = false
  /// Packets delivered so far.
  public private(set) var packetsRead: UInt64 = 0
  /// The file is pcap, not pcapng.
  private let isClassic: Bool
  private let handle: OfflineHandle
  private let stream: LibraryStream?
  private var isDone = false
  /// The error at which libpcap stopped.
  private var failure: CaptureError?
  /// The packet that was read ahead and not returned yet.
  private var ahead: BorrowedPacket?

  /// Takes over the descriptor of an open file, and reads its header, waiting for it if it comes through a pipe. `path` is its name, `-`
  /// for standard input. Throws libpcap's error if that fails.
  public init(path: String, descriptor: CInt) throws(CaptureError) {
    let (stream, magic) = Self.open(path, descriptor)
    let handle = try OfflineHandle(path, descriptor, stream)
    self.path = path
    linkType = LinkType(rawValue: UInt32(bitPattern: unsafe handle.libpcap.datalink(handle.pointer)))
    snaplen = UInt32(clamping: unsafe handle.libpcap.snapshot(handle.pointer))
    isByteSwapped = unsafe handle.libpcap.is_swapped(handle.pointer) == 1
    precision = Self.microsecondMagics.contains(magic) ? .microseconds : .nanoseconds
    isClassic = magic.first != 0x0a
    self.handle = handle
    self.stream = stream
  }

  /// The magic numbers of pcap files with microseconds, in either byte order.
  private static let microsecondMagics: [[UInt8]] = [
    [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x34, 0xcd, 0xb2, 0xa1], [0xa1, 0xb2, 0xcd, 0x34],
  ]

  /// A stream for anything but a regular file, and the file's first bytes.
  private static func open(_ path: String, _ descriptor: CInt) -> (stream: LibraryStream?, magic: [UInt8]) {
    var status = stat()
    if path != "-", unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
      var magic = [UInt8](repeating: 0, count: 4)
      let count = unsafe pread(descriptor, &magic, magic.count, 0)
      return (nil, Array(magic.prefix(max(0, count))))
    }
    let stream = LibraryStream(descriptor)
    return (stream, stream.magic)
  }

  // MARK: Packets

  /// The next packet, valid until the next call; nil at the end of the file, or if a stream has none ready (`isIdle`). Throws libpcap's
  /// error if the file is cut within a packet or contradicts itself; all packets before that have been returned by then.
  @_lifetime(&self)
  public mutating func next() throws(CaptureError) -> Packet? {
    if unsafe ahead == nil { unsafe ahead = try read() }
    guard let borrowed = unsafe ahead.take() else { return nil }
    packetsRead &+= 1
    // Safe: libpcap keeps `caplen` bytes at `start` until the next call, which mutates this reader.
    let octets = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: borrowed.start, count: borrowed.caplen))
    let packet = unsafe Packet(
      bytes: PacketBytes(octets, length: borrowed.len), timestamp: borrowed.timestamp, linkType: linkType)
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// The time of the packet that `next` returns next; nil if it returns nil. Throws like `next`.
  public mutating func nextTime() throws(CaptureError) -> Timestamp? {
    if unsafe ahead == nil { unsafe ahead = try read() }
    return unsafe ahead?.timestamp
  }

  /// Skips the packet that `next` would return.
  public mutating func skip() { unsafe ahead = nil }

  /// After `next` returned nil: waits until there may be another packet or a signal arrives, but at most for that many milliseconds
  /// (without limit if negative); false if there will be none.
  public mutating func wait(milliseconds: CInt) -> Bool {
    guard isIdle, !isDone, let stream else { return false }
    stream.wait(milliseconds: milliseconds)
    return true
  }

  private mutating func read() throws(CaptureError) -> BorrowedPacket? {
    if let failure { throw failure }
    guard !isDone else { return nil }
    isIdle = stream?.isIdle ?? false
    if isIdle { return nil }
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let status = unsafe handle.libpcap.next_ex(handle.pointer, &header, &data)
    guard status == 1, let record = unsafe header?.pointee, let data = unsafe data else {
      isDone = true
      // A stop signal ends a stream wherever it is.
      if status == PCAP_ERROR_BREAK || status == 0 || (stream != nil && StopSignal.isRaised) { return nil }
      let packets = packetsRead == 1 ? "1 whole packet" : "\(packetsRead) whole packets"
      let cause = CaptureError("\(path): \(handle.lastError), after \(packets)")
      failure = cause
      throw cause
    }
    // The seconds in a pcap file are unsigned 32-bit numbers, but libpcap treats them as signed, as if no file were from 2038 or later.
    let seconds = Int64(record.ts.tv_sec)
    // Safe: libpcap keeps `caplen` bytes at `data` until the next call.
    return unsafe BorrowedPacket(
      start: UnsafeRawPointer(data), caplen: Int(record.caplen), len: Int(record.len),
      timestamp: Timestamp(
        seconds: isClassic && seconds < 0 ? seconds &+ 1 << 32 : seconds, nanoseconds: Int64(record.ts.tv_usec)),
      direction: .unknown)
  }
}

/// The owner of a libpcap handle of a savefile, with timestamps in nanoseconds.
@safe
private struct OfflineHandle: ~Copyable {
  let libpcap: pcap_functions
  let pointer: OpaquePointer

  /// Opens the file or, if there is one, the stream, with libpcap, which closes the descriptor.
  init(_ path: String, _ descriptor: CInt, _ stream: LibraryStream?) throws(CaptureError) {
    let precision = UInt32(PCAP_TSTAMP_PRECISION_NANO)
    var errors = ErrorBuffer()
    guard let file = unsafe stream.map({ unsafe $0.opened() }) ?? fdopen(descriptor, "r") else {
      if stream == nil { close(descriptor) }
      throw CaptureError("\(path): \(unsafe String(cString: strerror(ENOMEM)))")
    }
    let libpcap: pcap_functions
    do {
      libpcap = try Libpcap.functions
    } catch {
      unsafe fclose(file)
      throw error
    }
    let opened = unsafe errors.with { buffer in
      unsafe libpcap.fopen_offline_with_tstamp_precision(file, precision, buffer)
    }
    guard let opened = unsafe opened else {
      // libpcap has not taken over the stream.
      unsafe fclose(file)
      throw Self.refused(path, errors.message)
    }
    self.libpcap = libpcap
    unsafe pointer = opened
  }

  private static func refused(_ path: String, _ message: String) -> CaptureError {
    CaptureError("\(message.hasPrefix(path + ":") ? "" : path + ": ")\(message) (\(LiveCapture.libraryVersion))")
  }

  deinit { unsafe libpcap.close(pointer) }

  /// The handle's last error message.
  var lastError: String { unsafe libpcap.lastError(of: pointer) }
}
