import Glibc
public import PacketCore

/// A savefile that is being written: whole packets, through a buffer of its own, and every error reported with how many packets
/// are safe.
///
/// Nothing is written when it is dropped: call `close()`.
@safe
public struct SavefileWriter: ~Copyable {
  /// The name of the file; `-` for standard output.
  public let path: String
  /// What errors call it: the name that it will have.
  private let name: String
  /// Packets taken so far, whether they have left the buffer or not.
  public private(set) var packetsTaken: UInt64 = 0
  /// Packets that the file holds whole.
  public private(set) var packetsWritten: UInt64 = 0
  /// Packets whose timestamp did not fit in the file's words and was cut.
  public var timestampsCut: UInt64 { encoder.timestampsCut }
  /// Octets of the file with all that was taken, in the buffer or not.
  public var size: UInt64 { UInt64(length + buffer.count) }

  private let descriptor: CInt
  private let isPacketBuffered: Bool
  private var encoder: SavefileEncoder
  private var buffer: TextBuffer
  /// Octets in the file so far.
  private var length = 0

  /// Octets that are held before they are written.
  private static let bufferSize = 1 << 18

  /// What there may be in the way of a new file.
  public enum Existing: Sendable {
    /// It is emptied.
    case replaced
    /// It is an error (EEXIST).
    case refused
  }

  /// Creates the file, or empties it, and puts its header into the buffer; `-` is standard output.
  ///
  /// With `isPacketBuffered`, every packet is written at once, not when the buffer is full. Errors speak of `name`, where it is given.
  public init(
    path: String, name: String? = nil, format: SavefileFormat, _ description: CaptureDescription,
    isPacketBuffered: Bool = false,
    existing: Existing = .replaced
  ) throws(SavefileError) {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (existing == .replaced ? O_TRUNC : O_EXCL)
    let descriptor = path == "-" ? STDOUT_FILENO : unsafe open(path, flags, 0o666)
    guard descriptor >= 0 else { throw SavefileError(path: name ?? path, errno: errno) }
    self.path = path
    self.name = name ?? path
    self.descriptor = descriptor
    self.isPacketBuffered = isPacketBuffered
    buffer = TextBuffer(capacity: Self.bufferSize + (1 << 16))
    encoder = SavefileEncoder(format, description)
    encoder.begin(&buffer)
  }

  /// True where the file can hold packets of this link type.
  public func holds(_ linkType: LinkType) -> Bool { encoder.holds(linkType) }

  /// Appends a packet. Throws where the buffer had to be written and was not.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) {
    encoder.packet(packet, &buffer)
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
    let (whole, packets) = encoder.wholePackets(in: buffer.bytes, within: written, atStart: length == 0)
    // A pipe cannot be cut back; its reader sees where it ends.
    ftruncate(descriptor, length + whole)
    length += whole
    packetsWritten &+= packets
    buffer.removeAll()
    let lost = packetsTaken - packetsWritten
    let cause = SavefileError(path: name, errno: failure)
    throw SavefileError(
      path: name, kind: cause.kind,
      message: "\(cause.message): \(packetsWritten) packets are in the file, \(lost) are lost")
  }

  /// Writes what the buffer holds and closes the file, where its format has room for it with what was counted. Throws where either
  /// fails.
  public consuming func close(
    _ counts: CaptureCounts? = nil, at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)
  )
    throws(SavefileError)
  {
    if let counts { encoder.counts(counts, at: time, &buffer) }
    try flush()
    if descriptor != STDOUT_FILENO, Glibc.close(descriptor) != 0 { throw SavefileError(path: name, errno: errno) }
  }
}
