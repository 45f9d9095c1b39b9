import Glibc
public import PacketCore

/// A savefile that is being written: whole packets, through a buffer of its own, and every error reported with how many packets
/// are safe.
///
/// The buffer begins and ends with a whole record, and so does every write: whatever ends the process, all up to the last of them
/// can be read. A compressed file is made of members that end there, too. Nothing more is written when it is dropped: call `close()`.
public struct SavefileWriter: ~Copyable {
  /// How a file is to be written.
  public struct Settings: Sendable {
    public var format: SavefileFormat
    public var compression: SavefileCompression
    /// Write every packet at once, not when the buffer is full.
    public var isPacketBuffered: Bool
    /// Wait until the disk has the whole file when it is closed.
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
  /// What errors call it: the name that it will have.
  private let name: String
  /// Packets taken so far, whether they have left the buffer or not.
  public private(set) var packetsTaken: UInt64 = 0
  /// Packets that the file holds whole.
  public var packetsWritten: UInt64 { isGone ? 0 : sink.packetsWritten }
  /// Packets whose timestamp did not fit in the file's words and was cut.
  public var timestampsCut: UInt64 { encoder.timestampsCut }
  /// Packets whose time was finer than the file's unit and was cut.
  public var fractionsCut: UInt64 { encoder.fractionsCut }
  /// Packets of which no time is known, and which have one in the file.
  public var timesMissing: UInt64 { encoder.timesMissing }
  /// A pcap file has packets that end with a frame check sequence of another length than its header says.
  public var hasOtherFrameChecks: Bool { encoder.hasOtherFlags }
  /// Octets of the file with all that was taken; what is in the buffer counts as it is, although it may be compressed.
  public var size: UInt64 { UInt64(settledLength + octetsOnTheirWay + buffer.count) }
  /// Octets that wait to be compressed: the file will have fewer.
  public var uncompressed: Int { settings.compression == .none ? 0 : octetsOnTheirWay + buffer.count }

  /// Every packet is written at once, not when the buffer is full.
  var isPacketBuffered: Bool
  private let settings: Settings
  private let sink: RecordSink
  private let behind: WriteBehind?
  private var encoder: SavefileEncoder
  private var buffer: TextBuffer
  private var packetsBuffered: UInt64 = 0
  /// Octets that the file had when it was last known that all is written.
  private var settledLength: Int
  /// Octets that the thread has been given since it was last known to have written all.
  private var octetsOnTheirWay = 0
  /// The file was removed while it was written.
  private var isGone = false

  /// Octets that are held before they are written; larger members of a compressed file are hardly packed better.
  private static let bufferSize = 1 << 18

  /// Creates the file, or empties it, and writes its header; `-` is standard output.
  ///
  /// `interfaces` are those of the source; without, the one of `description` is the only one.
  public init(
    path: String, _ settings: Settings, _ description: CaptureDescription, interfaces: InterfaceTable? = nil
  ) throws(SavefileError) {
    try self.init(
      path: path, OutputPlace(path: path), name: path == "-" ? "standard output" : path, settings, description,
      interfaces: interfaces, behind: nil)
  }

  /// The same at any place, with a thread that does the writing from when it runs. Errors speak of `name`.
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

  /// The interfaces of the packets that come from now on: those of another source.
  public mutating func use(_ interfaces: InterfaceTable?) { encoder.use(interfaces) }

  /// True where the file can hold packets of this link type.
  public func holds(_ linkType: LinkType) -> Bool { encoder.holds(linkType) }

  /// Appends a packet. Throws where the buffer had to be written and was not.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) {
    encoder.packet(packet, &buffer)
    packetsTaken &+= 1
    packetsBuffered &+= 1
    if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
  }

  /// True where records that lie in memory like this are those of the file, octet for octet.
  public func takesRecords(_ layout: RecordLayout) -> Bool {
    settings.format == .pcap(layout.precision) && !layout.isByteSwapped && layout.snaplen >= layout.largestCaplen
  }

  /// Appends records, of which `takesRecords` said that they fit. Throws where the buffer had to be written and was not.
  public mutating func write(records: RawSpan, packets: UInt64) throws(SavefileError) {
    packetsTaken &+= packets
    guard records.byteCount >= Self.bufferSize else {
      buffer.write(records)
      packetsBuffered &+= packets
      if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
      return
    }
    // There is so much that a copy in the buffer would only cost time, but where it becomes members.
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

  /// Writes what the buffer holds, or hands it to the thread that does.
  ///
  /// Where writing fails, now or since the last call, the file is cut back to the last whole packet (unless it is a pipe), what was not
  /// written is dropped, and the error says how many packets are safe and how many are lost.
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

  /// Throws what the next write would, where the reader of a pipe has gone.
  public func checkReader() throws(SavefileError) {
    // The writing thread would report it.
    if behind?.isBusy ?? false { return }
    if sink.isAbandoned { throw lost(EPIPE) }
  }

  /// The same, and waits until it is written.
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

  /// Puts a comment on an interface between packets, where the format has room for it.
  public mutating func mark(_ comment: String, interface: Int, at time: Timestamp) throws(SavefileError) {
    encoder.mark(comment, interface, at: time, &buffer)
    if isPacketBuffered || buffer.count >= Self.bufferSize { try flush() }
  }

  /// Writes what the buffer holds and closes the file, where its format has room for it with what was counted on each interface.
  /// Throws where that fails, or where the file has been removed meanwhile. To be called once.
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
      // Nobody can say which octets have got there.
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
