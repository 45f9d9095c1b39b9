import Glibc
public import PacketCore

/// A pcap file that is being written, in the host's byte order: whole packets, through a buffer of its own, and every error
/// reported with how many packets are safe.
///
/// Nothing is written when it is dropped: call `close()`.
@safe
public struct SavefileWriter: ~Copyable {
  /// The name of the file; `-` for standard output.
  public let path: String
  public let linkType: LinkType
  public let precision: TimestampPrecision
  /// Packets taken so far, whether they have left the buffer or not.
  public private(set) var packetsTaken: UInt64 = 0
  /// Packets that the file holds whole.
  public private(set) var packetsWritten: UInt64 = 0
  /// Packets whose timestamp did not fit in the file's two 32-bit words and was cut.
  public private(set) var timestampsCut: UInt64 = 0

  private let descriptor: CInt
  private let isPacketBuffered: Bool
  private var buffer: TextBuffer
  /// Octets in the file so far.
  private var length = 0

  /// Octets that are held before they are written.
  private static let bufferSize = 1 << 18
  private static let fileHeaderLength = 24
  private static let packetHeaderLength = 16

  /// Creates the file, or empties it, and puts its header into the buffer; `-` is standard output.
  ///
  /// With `isPacketBuffered`, every packet is written at once, not when the buffer is full.
  public init(
    path: String, linkType: LinkType, snaplen: UInt32, precision: TimestampPrecision = .microseconds,
    isPacketBuffered: Bool = false
  ) throws(SavefileError) {
    let descriptor =
      path == "-" ? STDOUT_FILENO : unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw SavefileError(path: path, errno: errno) }
    self.path = path
    self.linkType = linkType
    self.precision = precision
    self.descriptor = descriptor
    self.isPacketBuffered = isPacketBuffered
    buffer = TextBuffer(capacity: Self.bufferSize + (1 << 16))
    let magic: UInt32 = precision == .nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4
    // The versions 2 and 4 are two words of 16 bits, so their order in a word of 32 is the host's.
    let version: UInt32 = UInt32(littleEndian: 1) == 1 ? 0x0004_0002 : 0x0002_0004
    put(SIMD4(magic, version, 0, 0))
    put(SIMD2(snaplen, linkType.fileValue))
  }

  /// Appends a packet. Throws where the buffer had to be written and was not.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) {
    let time = packet.timestamp
    let fraction = precision == .nanoseconds ? time.nanoseconds : time.nanoseconds / 1000
    if time.seconds >> 32 != 0 || fraction >> 32 != 0 { timestampsCut &+= 1 }
    put(
      SIMD4(
        UInt32(truncatingIfNeeded: time.seconds), UInt32(truncatingIfNeeded: fraction),
        UInt32(truncatingIfNeeded: packet.caplen), UInt32(truncatingIfNeeded: packet.len)))
    buffer.write(packet.bytes.rawSpan)
    packetsTaken &+= 1
    if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
  }

  /// Writes what the buffer holds.
  ///
  /// Where that fails, the file is cut back to the last whole packet (unless it is a pipe), what was not written is dropped, and
  /// the error tells how many packets are safe and how many are lost.
  public mutating func flush() throws(SavefileError) {
    var written = 0
    var failure: CInt?
    while written < buffer.count, failure == nil {
      let result = unsafe buffer.bytes.withUnsafeBytes { octets in
        // Safe: `written` is below the count.
        unsafe Glibc.write(descriptor, octets.baseAddress.map { unsafe $0 + written }, octets.count - written)
      }
      if result >= 0 {
        written += result
      } else if errno != EINTR {
        failure = errno
      }
    }
    guard let failure else {
      length += written
      packetsWritten = packetsTaken
      buffer.removeAll()
      return
    }
    let (whole, packets) = wholePackets(within: written)
    // A pipe cannot be cut back; its reader sees where it ends.
    ftruncate(descriptor, length + whole)
    length += whole
    packetsWritten &+= packets
    buffer.removeAll()
    let lost = packetsTaken - packetsWritten
    let cause = SavefileError(path: path, errno: failure)
    throw SavefileError(
      path: path, kind: cause.kind,
      message: "\(cause.message): \(packetsWritten) packets are in the file, \(lost) are lost")
  }

  /// Writes what the buffer holds and closes the file. Throws where either fails.
  public consuming func close() throws(SavefileError) {
    try flush()
    if descriptor != STDOUT_FILENO, Glibc.close(descriptor) != 0 { throw SavefileError(path: path, errno: errno) }
  }

  /// How many octets and packets of the buffer are whole records that end within its first `limit` octets.
  private func wholePackets(within limit: Int) -> (octets: Int, packets: UInt64) {
    var octets = length == 0 ? Self.fileHeaderLength : 0
    guard octets <= limit else { return (0, 0) }
    var packets: UInt64 = 0
    let span = buffer.bytes
    while octets + Self.packetHeaderLength <= limit {
      // Safe: the condition proved that the header lies within the buffer.
      let caplen = unsafe span.unsafeLoadUnaligned(fromByteOffset: octets + 8, as: UInt32.self)
      let end = octets + Self.packetHeaderLength + Int(caplen)
      guard end <= limit else { break }
      octets = end
      packets += 1
    }
    return (octets, packets)
  }

  private mutating func put(_ words: some BitwiseCopyable) {
    unsafe withUnsafeBytes(of: words) { unsafe buffer.write(RawSpan(_unsafeBytes: $0)) }
  }
}
