import Glibc
public import PacketCore

/// The savefiles of one capture: one, or one after the other as `Rotation` says.
///
/// Files that rotate are called `NAME.part` while they are written and get their name when they are closed. No file that was there
/// before is replaced, but by a ring; a name that is taken gets a number. They are created, renamed and removed in a folder that is opened
/// once (`OutputFolder`), and none of these names is followed where it is a link.
public struct SavefileSeries: ~Copyable {
  /// What the user called the file; `-` is standard output.
  public let path: String
  /// Packets in all files so far.
  public private(set) var packetsTaken: UInt64 = 0
  /// Packets that the files hold whole, so far.
  public var packetsWritten: UInt64 {
    mutating get { packetsClosed &+ (current?.packetsWritten ?? 0) }
  }
  /// Packets whose timestamp did not fit and was cut.
  public private(set) var timestampsCut: UInt64 = 0
  /// Packets whose time was finer than the file's unit and was cut.
  public private(set) var fractionsCut: UInt64 = 0
  /// Packets of which no time is known, and which have one in a file.
  public private(set) var timesMissing: UInt64 = 0
  /// A pcap file has packets that end with a frame check sequence of another length than its header says.
  public private(set) var hasOtherFrameChecks = false
  /// The last file that may be written is full.
  public private(set) var isFull = false

  private let rotation: Rotation
  private let settings: SavefileWriter.Settings
  private let description: CaptureDescription
  private var interfaces: InterfaceTable?
  /// The file where there is but one and it was open before.
  private let output: ReservedOutput?
  /// Called with the name of each file that is closed, when it has its name.
  private let onClose: ((String) -> Void)?
  /// The folder in which, or below which, files rotate; nil for a single file.
  private let root: OutputFolder?
  /// The one in which the current file is.
  private var folder: OutputFolder?
  /// The clock rotates although no packet comes; else only the time of packets does.
  private let followsClock: Bool
  /// Writes in a thread of its own, where that is wanted.
  private let behind: WriteBehind?
  private var current: SavefileWriter?
  /// Packets that wait are written together.
  private var combines = false
  /// The name that the current file gets when it is closed; nil where it has it already.
  private var finalName: String?
  /// When the current file was begun, for a name.
  private var beginning: Int64 = 0
  /// Files begun so far.
  private var begun = 0
  /// Packets in those that are closed.
  private var packetsClosed: UInt64 = 0
  /// Files that are closed.
  private var filesClosed = 0
  /// Files begun so far since the clock last rotated.
  private var number = 0
  /// The second at which the current file ends.
  private var boundary: Int64?
  /// Closed files, the oldest first, where the number of files is limited by removing them.
  private var closed: [String] = []
  /// What was counted last on each interface, and when.
  private var counts: [CaptureCounts] = []
  private var countTime = Timestamp(seconds: 0, nanoseconds: 0)

  /// Names tried for one file.
  private static let nameLimit = 100_000
  /// Nanoseconds after a boundary for which an idle series waits for packets from before it, which the kernel may still hold.
  private static let grace: Int64 = 250_000_000

  /// Opens the first file. `now` is the time of the clock, which then rotates also while no packet comes; without it the time of the
  /// packets rotates. `output` is the file where there is but one and it is open already, `folder` is the one of
  /// `Rotation.folder(of:)` where that is open already, `interfaces` are those of the source, and `onClose` is called with the name of every file of a rotation that is closed, the last one included. With
  /// `writesBehind` a thread writes, once it is started (`startThread`).
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
    // Without the time of the first packet the file waits for it.
    _ = try root.get()
    if rotation.seconds == nil || now != nil { try open(now?.seconds ?? 0) }
  }

  deinit { behind?.finish() }

  /// The folder of the files; nil where there is but one, which may be anywhere.
  private static func root(
    _ path: String, _ rotation: Rotation, _ folder: OutputFolder?
  ) -> Result<OutputFolder?, SavefileError> {
    guard folder == nil, !rotation.isNone else { return .success(folder) }
    return Result { () throws(SavefileError) in try OutputFolder(path: rotation.folder(of: path)) }
  }

  /// From now on a thread writes, where that is wanted and possible: whoever hands over packets waits for a disk, a pipe or what
  /// compresses no more, until 16 MiB wait.
  public func startThread() { behind?.start() }

  /// Something is on its way to a file.
  public var isBusy: Bool { behind?.isBusy ?? false }

  /// The interfaces of the packets that come from now on: those of another source.
  public mutating func use(_ interfaces: InterfaceTable?) {
    guard interfaces !== self.interfaces else { return }
    self.interfaces = interfaces
    current?.use(interfaces)
  }

  /// Where every packet is written at once: from now on those that wait are written together, a buffer at a time, or each at once again.
  public mutating func combinePackets(_ combines: Bool) {
    self.combines = combines
    current?.isPacketBuffered = settings.isPacketBuffered && !combines
  }

  /// True where packets of this link type can be written.
  public func holds(_ linkType: LinkType) -> Bool {
    settings.format == .pcapng || linkType == description.interface.linkType
  }

  /// Appends a packet, to a new file where it is time for one. False where the last file is full: then it was not taken.
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

  /// True where records that lie in memory like this can be taken as they are: see `SavefileWriter.takesRecords`.
  public func takesRecords(_ layout: RecordLayout, _ linkType: LinkType) -> Bool {
    guard rotation.isNone, rotation.limit == nil, linkType == description.interface.linkType else { return false }
    return current?.takesRecords(layout) ?? false
  }

  /// Appends records, of which `takesRecords` said that they fit.
  public mutating func write(records: RawSpan, packets: UInt64) throws(SavefileError) {
    packetsTaken &+= packets
    try current?.write(records: records, packets: packets)
  }

  private mutating func isDue(_ time: Timestamp) throws(SavefileError) -> Bool {
    if let boundary, time.seconds >= boundary { return true }
    guard let size = rotation.size, (current?.packetsTaken ?? 0) > 0, (current?.size ?? 0) > size else { return false }
    return try isFilled(size)
  }

  /// True where the current file has so many octets: what waits to be compressed is written first where that may leave room.
  private mutating func isFilled(_ size: UInt64) throws(SavefileError) -> Bool {
    if (current?.uncompressed ?? 0) >= 1 << 14 { try drain() }
    return (current?.size ?? 0) >= size
  }

  /// Closes the current file where the clock says so, although no packet has come.
  public mutating func rotateIfDue(at time: Timestamp) throws(SavefileError) {
    if let next = nextBoundary, time >= next { try rotate() }
  }

  /// When the current file ends, packets or not; nil where only packets end it.
  public var nextBoundary: Timestamp? {
    guard current != nil, followsClock, let boundary else { return nil }
    return Timestamp(seconds: boundary, nanoseconds: Self.grace)
  }

  /// What has been counted so far on each interface: the next file to be closed states it.
  public mutating func note(_ counts: [CaptureCounts], at time: Timestamp) {
    self.counts = counts
    countTime = time
  }

  /// Puts a comment on an interface between packets, where the format has room for it.
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
        // The one that is opened next counts as well.
        while closed.count >= max(files, 1) {
          let oldest = closed.removeFirst()
          if let (folder, name) = try? place(oldest) { folder.remove(name) }
        }
      }
    }
  }

  /// Writes what is held, or hands it to the thread that does. Throws where that fails, or has failed since the last call.
  public mutating func flush() throws(SavefileError) {
    do throws(SavefileError) { try current?.flush() } catch { throw countingEarlierFiles(error) }
  }

  /// The file is a pipe or a socket, whose reader may leave while there is nothing to write.
  public var hasReader: Bool {
    mutating get { current?.hasReader ?? false }
  }

  /// Throws what the next write would, where the reader of a pipe has gone.
  public func checkReader() throws(SavefileError) {
    do throws(SavefileError) { try current?.checkReader() } catch { throw countingEarlierFiles(error) }
  }

  /// The same, and waits until it is written.
  public mutating func drain() throws(SavefileError) {
    do throws(SavefileError) { try current?.drain() } catch { throw countingEarlierFiles(error) }
  }

  /// Writes what is held and closes the file, with what was counted where there is room for it.
  public mutating func close(at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)) throws(SavefileError) {
    // Where no packet has come there is an empty file nevertheless.
    if begun == 0 { try open(time.seconds) }
    _ = try closeCurrent()
  }

  // MARK: Files

  /// What a name ends with while the file is written.
  private static let suffix = ".part"

  /// The folder of a file of the rotation, and its name there. Throws where the folder is missing.
  private func place(_ name: String) throws(SavefileError) -> (folder: OutputFolder, name: String) {
    guard let root else { throw SavefileError(path: name, errno: ENOENT) }
    let (below, last) = rotation.split(name, of: path)
    return (below.isEmpty ? root : try root.subfolder(below), last)
  }

  /// What follows the last slash.
  private static func last(of name: String) -> String {
    guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return name }
    return String(name[name.utf8.index(after: slash)...])
  }

  /// Throws where one of the names of a ring cannot be used, so that the capture does not end at it later.
  private func checkRing() throws(SavefileError) {
    for number in 0..<min(rotation.files ?? 0, Self.nameLimit) {
      let name = rotation.name(path, at: 0, number: number)
      let (folder, last) = try place(name)
      try folder.checkReplaceable(last, title: name)
      try folder.removeLeftover(last + Self.suffix, title: name + Self.suffix)
    }
  }

  /// Opens the file for a packet that is lost where that fails.
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

  /// The name of the file that was closed; nil where there was none. It gets its name even where its end could not be written.
  private mutating func closeCurrent() throws(SavefileError) -> String? {
    guard var writer = current.take() else { return nil }
    timestampsCut &+= writer.timestampsCut
    fractionsCut &+= writer.fractionsCut
    timesMissing &+= writer.timesMissing
    if writer.hasOtherFrameChecks { hasOtherFrameChecks = true }
    var failure: SavefileError?
    // Of the folder, the name that the file has while it is written.
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

  /// Renames a file that is closed, and gives the name; nil where that is not possible. Only in a ring it takes the place of another:
  /// where some other process has taken the name meanwhile, the file gets the next number.
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

  /// The error, with what is in the files before.
  private func countingEarlierFiles(_ error: SavefileError) -> SavefileError {
    guard filesClosed > 0 else { return error }
    let files = filesClosed == 1 ? "the file" : "the \(filesClosed) files"
    return SavefileError(
      path: error.path, kind: error.kind, message: "\(error.message); \(packetsClosed) are in \(files) before it")
  }
}
