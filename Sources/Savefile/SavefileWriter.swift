import Glibc
public import PacketCore

/// A savefile that is being written: whole packets, through a buffer, with errors that say how many packets are safe.
///
/// The buffer begins and ends at record boundaries, and so does every write: whatever ends the process, everything up to the last write can
/// be read. A compressed file consists of members that end there, too. Dropping the writer writes nothing more: call `close()`.
public struct SavefileWriter: ~Copyable {
  /// How to write a file.
  public struct Settings: Sendable {
    public var format: SavefileFormat
    public var compression: SavefileCompression
    /// Write every packet at once instead of when the buffer is full.
    public var isPacketBuffered: Bool
    /// When closing the file, wait until it is on the disk.
    public var isSynchronized: Bool

    public init(
      _ format: SavefileFormat, compression: SavefileCompression = .none, isPacketBuffered: Bool = false,
      isSynchronized: Bool = false
    ) {
      self.format = format
      self.compression = compression
      self.isPacketBuffered = isPacketBuffered
      self.isSynchronized = isSynchronized
    }
  }

  /// The name of the file; `-` for standard output.
  public let path: String
  /// The name in error messages: the one that the file will have.
  private let name: String
  /// Packets written so far, including those in the buffer.
  public private(set) var packetsTaken: UInt64 = 0
  /// Complete packets in the file.
  public var packetsWritten: UInt64 { isGone ? 0 : sink.packetsWritten }
  /// Packets whose timestamp did not fit in the file's words and was cut.
  public var timestampsCut: UInt64 { encoder.timestampsCut }
  /// Packets whose time was finer than the file's unit and was cut.
  public var fractionsCut: UInt64 { encoder.fractionsCut }
  /// Packets without a known time, which are stored with one.
  public var timesMissing: UInt64 { encoder.timesMissing }
  /// A pcap file has packets that end with a frame check sequence of another length than its header says.
  public var hasOtherFrameChecks: Bool { encoder.hasOtherFlags }
  /// The size of the file in bytes, including everything pending; data in the buffer counts uncompressed.
  public var size: UInt64 { UInt64(settledLength + octetsOnTheirWay + buffer.count) }
  /// Pending bytes that will be compressed, so the file will be smaller.
  public var uncompressed: Int { settings.compression == .none ? 0 : octetsOnTheirWay + buffer.count }

  /// Every packet is written at once instead of when the buffer is full.
  var isPacketBuffered: Bool
  private let settings: Settings
  private let sink: RecordSink
  private let behind: WriteBehind?
  private var encoder: SavefileEncoder
  private var buffer: TextBuffer
  private var packetsBuffered: UInt64 = 0
  /// The length of the file in bytes when everything was last known to be written.
  private var settledLength: Int
  /// Bytes passed to the thread since everything was last known to be written.
  private var octetsOnTheirWay = 0
  /// The file was deleted while it was written.
  private var isGone = false

  /// Bytes to buffer before they are written; larger members of a compressed file are hardly compressed better.
  private static let bufferSize = 1 << 18

  /// Creates the file, or empties it, and writes its header; `-` is standard output.
  ///
  /// `interfaces` are those of the source; if it is nil, the one of `description` is the only one.
  public init(
    path: String, _ settings: Settings, _ description: CaptureDescription, interfaces: InterfaceTable? = nil
  ) throws(SavefileError) {
    try self.init(
      path: path, OutputPlace(path: path), name: path == "-" ? "standard output" : path, settings, description,
      interfaces: interfaces, behind: nil)
  }

  /// The same at any place, with a thread that writes once it runs. Errors use `name`.
  init(
    path: String, _ place: OutputPlace, name: String, _ settings: Settings, _ description: CaptureDescription,
    interfaces: InterfaceTable?, behind: WriteBehind?
  ) throws(SavefileError) {
    var buffer = TextBuffer(capacity: Self.bufferSize + (1 << 16))
    var encoder = SavefileEncoder(settings.format, description)
    encoder.use(interfaces)
    encoder.begin(&buffer)
    sink = try RecordSink(place, name: name, settings, header: buffer.bytes)
    buffer.removeAll()
    self.path = path
    self.name = name
    self.settings = settings
    isPacketBuffered = settings.isPacketBuffered
    self.behind = behind
    self.encoder = encoder
    settledLength = sink.length
    self.buffer = buffer
  }

  /// The interfaces of the following packets, which come from another source.
  public mutating func use(_ interfaces: InterfaceTable?) { encoder.use(interfaces) }

  /// True if the file can store packets of this link type.
  public func holds(_ linkType: LinkType) -> Bool { encoder.holds(linkType) }

  /// Appends a packet. Throws if the buffer had to be written and that failed.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) {
    encoder.packet(packet, &buffer)
    packetsTaken &+= 1
    packetsBuffered &+= 1
    if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
  }

  /// True if records with this layout are identical to those of the file, byte for byte.
  public func takesRecords(_ layout: RecordLayout) -> Bool {
    settings.format == .pcap(layout.precision) && !layout.isByteSwapped && layout.snaplen >= layout.largestCaplen
  }

  /// Appends records that fit according to `takesRecords`. Throws if the buffer had to be written and that failed.
  public mutating func write(records: RawSpan, packets: UInt64) throws(SavefileError) {
    packetsTaken &+= packets
    guard records.byteCount >= Self.bufferSize else {
      buffer.write(records)
      packetsBuffered &+= packets
      if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
      return
    }
    // For this much data a copy in the buffer would only cost time, except to form members.
    try drain()
    guard settings.compression != .none else {
      let code = sink.put(records, packets)
      settledLength = sink.length
      if let code { throw lost(code) }
      return
    }
    var rest = records
    while !rest.isEmpty {
      let (whole, packets) = settings.format.wholePackets(in: rest, within: Self.bufferSize)
      let length = whole == 0 ? rest.byteCount : whole
      buffer.write(rest.extracting(first: length))
      packetsBuffered &+= packets
      try flush()
      rest = rest.extracting(droppingFirst: length)
    }
  }

  /// Writes the contents of the buffer, or passes them to the writing thread.
  ///
  /// If writing fails, now or since the last call, the file is truncated after the last whole packet (unless it is a pipe), unwritten data
  /// is dropped, and the error says how many packets are safe and how many are lost.
  public mutating func flush() throws(SavefileError) {
    guard let behind, behind.isRunning else {
      guard !buffer.isEmpty else { return }
      let packets = packetsBuffered
      packetsBuffered = 0
      let code = sink.put(buffer.bytes, packets)
      buffer.removeAll()
      settledLength = sink.length
      if let code { throw lost(code) }
      return
    }
    if !buffer.isEmpty {
      octetsOnTheirWay += buffer.count
      behind.write(&buffer, packetsBuffered, to: sink)
      packetsBuffered = 0
    }
    if let code = behind.takeFailure() { throw lost(code) }
  }

  /// The file is a pipe or a socket.
  var hasReader: Bool { sink.hasReader }

  /// Throws the next write's error if the reader of a pipe has left.
  public func checkReader() throws(SavefileError) {
    // The writing thread would report it.
    if behind?.isBusy ?? false { return }
    if sink.isAbandoned { throw lost(EPIPE) }
  }

  /// Like `flush`, but waits until everything is written.
  public mutating func drain() throws(SavefileError) {
    try flush()
    guard let behind, behind.isRunning else { return }
    behind.drain()
    octetsOnTheirWay = 0
    settledLength = sink.length
    if let code = behind.takeFailure() { throw lost(code) }
  }

  private func lost(_ code: CInt) -> SavefileError { lost(SavefileError(path: name, errno: code)) }

  private func lost(_ cause: SavefileError) -> SavefileError {
    let lost = packetsTaken - packetsWritten
    let place = path == "-" ? "written" : "in the file"
    return SavefileError(
      path: name, kind: cause.kind,
      message:
        "\(cause.message): \(packetsWritten) packet\(packetsWritten == 1 ? " is" : "s are") \(place), \(lost) \(lost == 1 ? "is" : "are") lost"
    )
  }

  /// Adds a comment on an interface between packets, if the format supports it.
  public mutating func mark(_ comment: String, interface: Int, at time: Timestamp) throws(SavefileError) {
    encoder.mark(comment, interface, at: time, &buffer)
    if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
  }

  /// Writes the contents of the buffer and closes the file, adding the counters of each interface if the format supports them. Throws if
  /// that fails, or if the file has been deleted meanwhile. To be called once.
  public mutating func close(
    _ counts: [CaptureCounts] = [], at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)
  ) throws(SavefileError) {
    encoder.finish(counts, at: time, &buffer)
    var failure: SavefileError?
    do throws(SavefileError) { try drain() } catch { failure = error }
    let isRemoved = sink.isRemoved
    let code = settings.isSynchronized ? sink.synchronize() : nil
    let closing = sink.close()
    if let failure { throw failure }
    if let code = code ?? closing {
      // It is unknown which bytes have reached the disk.
      throw SavefileError(
        path: name, errno: code, prefix: "\(packetsWritten) packets were written, but cannot be trusted: ")
    }
    if isRemoved {
      isGone = true
      throw lost(
        SavefileError(path: name, kind: .system(ENOENT), message: "the file was removed while it was being written"))
    }
  }
}
