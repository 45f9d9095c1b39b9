import Glibc
public import PacketCore

/// The savefiles of one capture: a single one, or several according to `Rotation`.
///
/// Rotating files have the name `NAME.part` while they are written, and get their final name when they are closed. No existing file is
/// replaced, except in a ring; if a name is taken, a number is appended. They are created, renamed and removed in a folder that is opened
/// once (`OutputFolder`), and symbolic links of these names are not followed.
public struct SavefileSeries: ~Copyable {
  /// The file name that the user gave; `-` is standard output.
  public let path: String
  /// Packets written so far to all files.
  public private(set) var packetsTaken: UInt64 = 0
  /// Complete packets in the files so far.
  public var packetsWritten: UInt64 {
    mutating get { packetsClosed &+ (current?.packetsWritten ?? 0) }
  }
  /// Packets whose timestamp did not fit and was cut.
  public private(set) var timestampsCut: UInt64 = 0
  /// Packets whose time was finer than the file's unit and was cut.
  public private(set) var fractionsCut: UInt64 = 0
  /// Packets without a known time, which are stored with one.
  public private(set) var timesMissing: UInt64 = 0
  /// A pcap file has packets that end with a frame check sequence of another length than its header says.
  public private(set) var hasOtherFrameChecks = false
  /// The last file that may be written is full.
  public private(set) var isFull = false

  private let rotation: Rotation
  private let settings: SavefileWriter.Settings
  private let description: CaptureDescription
  private var interfaces: InterfaceTable?
  /// The single file if it was opened in advance.
  private let output: ReservedOutput?
  /// Called with the name of each closed file, once it has its final name.
  private let onClose: ((String) -> Void)?
  /// The folder that contains rotating files, directly or in subfolders; nil for a single file.
  private let root: OutputFolder?
  /// The folder of the current file.
  private var folder: OutputFolder?
  /// Files rotate by the clock even if no packet arrives; otherwise only by packet times.
  private let followsClock: Bool
  /// Writes in a separate thread, if requested.
  private let behind: WriteBehind?
  private var current: SavefileWriter?
  /// Packets are written together instead of each at once.
  private var combines = false
  /// The name that the current file gets when it is closed; nil if it has it already.
  private var finalName: String?
  /// When the current file was begun, for its name.
  private var beginning: Int64 = 0
  /// Files begun so far.
  private var begun = 0
  /// Packets in the closed files.
  private var packetsClosed: UInt64 = 0
  /// Number of closed files.
  private var filesClosed = 0
  /// Files begun since the clock last rotated.
  private var number = 0
  /// The second at which the current file ends.
  private var boundary: Int64?
  /// Closed files, the oldest first, if old files are removed to limit their number.
  private var closed: [String] = []
  /// The latest counters of each interface, and their time.
  private var counts: [CaptureCounts] = []
  private var countTime = Timestamp(seconds: 0, nanoseconds: 0)

  /// The maximum number of names to try for one file.
  private static let nameLimit = 100_000
  /// Nanoseconds for which an idle series waits after a boundary for earlier packets that the kernel may still hold.
  private static let grace: Int64 = 250_000_000

  /// Opens the first file. `now` is the time of the clock, and makes files rotate by the clock even if no packet arrives; without it they
  /// rotate by packet times. `output` is the single file if it is open already, `folder` is that of `Rotation.folder(of:)` if it is open
  /// already, and `interfaces` are those of the source. `onClose` is called with the name of every rotating file that is closed, including
  /// the last one. With `writesBehind` a thread does the writing, once it is started (`startThread`).
  public init(
    path: String, output: ReservedOutput? = nil, in folder: OutputFolder? = nil, _ rotation: Rotation,
    _ settings: SavefileWriter.Settings, _ description: CaptureDescription, interfaces: InterfaceTable? = nil,
    now: Timestamp?, writesBehind: Bool = false, onClose: ((String) -> Void)? = nil
  ) throws(SavefileError) {
    let root = Self.root(path, rotation, folder)
    self.path = path
    self.rotation = rotation
    self.settings = settings
    self.description = description
    self.interfaces = interfaces
    self.onClose = onClose
    self.output = output
    self.root = try? root.get()
    followsClock = now != nil
    behind = writesBehind ? WriteBehind() : nil
    // If the file's name depends on the first packet's time, the file is opened when that packet arrives.
    _ = try root.get()
    if rotation.seconds == nil || now != nil { try open(now?.seconds ?? 0) }
  }

  deinit { behind?.finish() }

  /// The folder of the files; nil for a single file, which may be anywhere.
  private static func root(
    _ path: String, _ rotation: Rotation, _ folder: OutputFolder?
  ) -> Result<OutputFolder?, SavefileError> {
    guard folder == nil, !rotation.isNone else { return .success(folder) }
    return Result { () throws(SavefileError) in try OutputFolder(path: rotation.folder(of: path)) }
  }

  /// From now on a thread does the writing, if that was requested and is possible: the caller then does not wait for a disk, a pipe or
  /// compression, until 16 MiB are waiting.
  public func startThread() { behind?.start() }

  /// Data is on its way to a file.
  public var isBusy: Bool { behind?.isBusy ?? false }

  /// The interfaces of the following packets, which come from another source.
  public mutating func use(_ interfaces: InterfaceTable?) {
    guard interfaces !== self.interfaces else { return }
    self.interfaces = interfaces
    current?.use(interfaces)
  }

  /// If every packet is to be written at once: from now on packets are written together, a buffer at a time, or each at once again.
  public mutating func combinePackets(_ combines: Bool) {
    self.combines = combines
    current?.isPacketBuffered = settings.isPacketBuffered && !combines
  }

  /// True if packets of this link type can be stored.
  public func holds(_ linkType: LinkType) -> Bool {
    settings.format == .pcapng || linkType == description.interface.linkType
  }

  /// Appends a packet, to a new file if it is time for one. False if the last file is full: then the packet was not written.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) -> Bool {
    if current != nil, try isDue(packet.timestamp) { try rotate() }
    if isFull { return false }
    if current == nil {
      try openNext(packet.timestamp.seconds)
      if combines { combinePackets(true) }
    }
    packetsTaken &+= 1
    do throws(SavefileError) { try current?.write(packet) } catch { throw countingEarlierFiles(error) }
    if let limit = rotation.limit, (current?.size ?? 0) >= limit { isFull = try isFilled(limit) }
    return true
  }

  /// True if records with this layout can be copied unchanged: see `SavefileWriter.takesRecords`.
  public func takesRecords(_ layout: RecordLayout, _ linkType: LinkType) -> Bool {
    guard rotation.isNone, rotation.limit == nil, linkType == description.interface.linkType else { return false }
    return current?.takesRecords(layout) ?? false
  }

  /// Appends records that fit according to `takesRecords`.
  public mutating func write(records: RawSpan, packets: UInt64) throws(SavefileError) {
    packetsTaken &+= packets
    try current?.write(records: records, packets: packets)
  }

  private mutating func isDue(_ time: Timestamp) throws(SavefileError) -> Bool {
    if let boundary, time.seconds >= boundary { return true }
    guard let size = rotation.size, (current?.packetsTaken ?? 0) > 0, (current?.size ?? 0) > size else { return false }
    return try isFilled(size)
  }

  /// True if the current file has at least `size` bytes. If compressing the pending data may reduce the size, that is done first.
  private mutating func isFilled(_ size: UInt64) throws(SavefileError) -> Bool {
    if (current?.uncompressed ?? 0) >= 1 << 14 { try drain() }
    return (current?.size ?? 0) >= size
  }

  /// Closes the current file if the clock says so, although no packet has arrived.
  public mutating func rotateIfDue(at time: Timestamp) throws(SavefileError) {
    if let next = nextBoundary, time >= next { try rotate() }
  }

  /// When the current file ends regardless of packets; nil if only packets end it.
  public var nextBoundary: Timestamp? {
    guard current != nil, followsClock, let boundary else { return nil }
    return Timestamp(seconds: boundary, nanoseconds: Self.grace)
  }

  /// Records the counters of each interface, for the next file to be closed.
  public mutating func note(_ counts: [CaptureCounts], at time: Timestamp) {
    self.counts = counts
    countTime = time
  }

  /// Adds a comment on an interface between packets, if the format supports it.
  public mutating func mark(_ comment: String, interface: Int, at time: Timestamp) throws(SavefileError) {
    do throws(SavefileError) { try current?.mark(comment, interface: interface, at: time) } catch {
      throw countingEarlierFiles(error)
    }
  }

  /// Closes the current file, so that the next packet begins another.
  public mutating func rotate() throws(SavefileError) {
    if rotation.isNone { return try flush() }
    let isByClock = boundary != nil && rotation.size == nil
    guard let name = try closeCurrent() else { return }
    if let last = rotation.lastFile, begun >= last { isFull = true }
    if let files = rotation.files {
      if isByClock, begun >= files { isFull = true }
      if rotation.seconds != nil, rotation.size != nil {
        closed.append(name)
        // The file that is opened next counts as well.
        while closed.count >= max(files, 1) {
          let oldest = closed.removeFirst()
          if let (folder, name) = try? place(oldest) { folder.remove(name) }
        }
      }
    }
  }

  /// Writes buffered packets, or passes them to the writing thread. Throws if that fails, or has failed since the last call.
  public mutating func flush() throws(SavefileError) {
    do throws(SavefileError) { try current?.flush() } catch { throw countingEarlierFiles(error) }
  }

  /// The file is a pipe or a socket, whose reader may leave while there is nothing to write.
  public var hasReader: Bool {
    mutating get { current?.hasReader ?? false }
  }

  /// Throws the next write's error if the reader of a pipe has left.
  public func checkReader() throws(SavefileError) {
    do throws(SavefileError) { try current?.checkReader() } catch { throw countingEarlierFiles(error) }
  }

  /// Like `flush`, but waits until everything is written.
  public mutating func drain() throws(SavefileError) {
    do throws(SavefileError) { try current?.drain() } catch { throw countingEarlierFiles(error) }
  }

  /// Writes buffered packets and closes the file, adding the counters if the format supports them.
  public mutating func close(at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)) throws(SavefileError) {
    // Even without any packet, a file is created.
    if begun == 0 { try open(time.seconds) }
    _ = try closeCurrent()
  }

  // MARK: Files

  /// The suffix of file names while the file is written.
  private static let suffix = ".part"

  /// The folder of a rotating file, and the name there. Throws if the folder does not exist.
  private func place(_ name: String) throws(SavefileError) -> (folder: OutputFolder, name: String) {
    guard let root else { throw SavefileError(path: name, errno: ENOENT) }
    let (below, last) = rotation.split(name, of: path)
    return (below.isEmpty ? root : try root.subfolder(below), last)
  }

  /// The part after the last slash.
  private static func last(of name: String) -> String {
    guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return name }
    return String(name[name.utf8.index(after: slash)...])
  }

  /// Throws if one of the names of a ring cannot be used, so that the capture does not fail at it later.
  private func checkRing() throws(SavefileError) {
    for number in 0..<min(rotation.files ?? 0, Self.nameLimit) {
      let name = rotation.name(path, at: 0, number: number)
      let (folder, last) = try place(name)
      try folder.checkReplaceable(last, title: name)
      try folder.removeLeftover(last + Self.suffix, title: name + Self.suffix)
    }
  }

  /// Opens the file for a packet; if that fails, the error counts the packet as lost.
  private mutating func openNext(_ time: Int64) throws(SavefileError) {
    do throws(SavefileError) { try open(time) } catch {
      throw countingEarlierFiles(
        SavefileError(path: error.path, kind: error.kind, message: "\(error.message): 1 packet is lost"))
    }
  }

  private mutating func open(_ time: Int64) throws(SavefileError) {
    if let boundary, time >= boundary { number = 0 }
    boundary = rotation.boundary(after: time)
    beginning = time
    guard !rotation.isNone else {
      current = try SavefileWriter(
        path: path, output.map { .reserved($0) } ?? OutputPlace(path: path),
        name: path == "-" ? "standard output" : path, settings, description, interfaces: interfaces, behind: behind)
      begun = 1
      return
    }
    if begun == 0, rotation.isNumberedRing { try checkRing() }
    for _ in 0..<Self.nameLimit {
      let name = rotation.name(path, at: time, number: number)
      number += 1
      let (folder, last) = try place(name)
      if rotation.isNumberedRing {
        try folder.removeLeftover(last + Self.suffix, title: name + Self.suffix)
      } else if folder.has(last) {
        continue
      }
      do throws(SavefileError) {
        current = try SavefileWriter(
          path: name + Self.suffix, .new(name: last + Self.suffix, folder), name: name, settings, description,
          interfaces: interfaces, behind: behind)
        self.folder = folder
        finalName = name
        begun += 1
        return
      } catch {
        guard error.kind == .system(EEXIST) else { throw error }
      }
    }
    throw SavefileError(
      path: path, kind: .system(EEXIST), message: "there are \(Self.nameLimit) files of that name already")
  }

  /// Closes the current file and returns its name; nil if there was none. The file gets its final name even if its end could not be
  /// written.
  private mutating func closeCurrent() throws(SavefileError) -> String? {
    guard var writer = current.take() else { return nil }
    timestampsCut &+= writer.timestampsCut
    fractionsCut &+= writer.fractionsCut
    timesMissing &+= writer.timesMissing
    if writer.hasOtherFrameChecks { hasOtherFrameChecks = true }
    var failure: SavefileError?
    // Relative to the folder, the name that the file has while it is written.
    let written = writer.path
    do throws(SavefileError) { try writer.close(counts, at: countTime) } catch { failure = countingEarlierFiles(error) }
    packetsClosed &+= writer.packetsWritten
    filesClosed += 1
    guard let name = finalName else {
      if let failure { throw failure }
      return written
    }
    finalName = nil
    let given = giveName(name, to: written)
    if let given { onClose?(given) }
    if let failure { throw failure }
    guard let given else { throw SavefileError(path: name, errno: errno, prefix: "the packets are in \(written): ") }
    return given
  }

  /// Renames a closed file, and returns the name; nil if that fails. Only in a ring it replaces another file: otherwise, if another process
  /// has taken the name meanwhile, the file gets the next number.
  private mutating func giveName(_ name: String, to file: String) -> String? {
    guard let folder else { return nil }
    let part = Self.last(of: file)
    if rotation.isNumberedRing { return folder.replace(Self.last(of: name), with: part) ? name : nil }
    var name = name
    for _ in 0..<Self.nameLimit {
      if folder.move(part, to: Self.last(of: name)) { return name }
      guard errno == EEXIST else { return nil }
      name = rotation.name(path, at: beginning, number: number)
      number += 1
    }
    return nil
  }

  /// The error, extended by the packets in earlier files.
  private func countingEarlierFiles(_ error: SavefileError) -> SavefileError {
    guard filesClosed > 0 else { return error }
    let files = filesClosed == 1 ? "the file" : "the \(filesClosed) files"
    return SavefileError(
      path: error.path, kind: error.kind, message: "\(error.message); \(packetsClosed) are in \(files) before it")
  }
}
