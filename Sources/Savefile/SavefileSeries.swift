import Glibc
public import PacketCore

/// The savefiles of one capture: one, or one after the other as `Rotation` says.
///
/// Files that rotate are called `NAME.part` while they are written and get their name when they are closed. No file that was there
/// before is replaced, but by a ring; a name that is taken gets a number.
public struct SavefileSeries: ~Copyable {
  /// What the user called the file; `-` is standard output.
  public let path: String
  /// Packets in all files so far.
  public private(set) var packetsTaken: UInt64 = 0
  /// Packets whose timestamp did not fit and was cut.
  public private(set) var timestampsCut: UInt64 = 0
  /// The last file that may be written is full.
  public private(set) var isFull = false

  private let rotation: Rotation
  private let format: SavefileFormat
  private let description: CaptureDescription
  private let isPacketBuffered: Bool
  private let postRotate: String?
  private var current: SavefileWriter?
  /// The name that the current file gets when it is closed; nil where it has it already.
  private var finalName: String?
  /// Files begun so far.
  private var begun = 0
  /// Files begun so far since the clock last rotated.
  private var number = 0
  /// The second at which the current file ends.
  private var boundary: Int64?
  /// Closed files, the oldest first, where the number of files is limited by removing them.
  private var closed: [String] = []
  /// Commands that were started and have not been seen to end.
  private var children: [pid_t] = []

  /// Names tried for one file.
  private static let nameLimit = 100_000

  /// Opens the first file. `now` is the time of the first packet, or of the clock; `postRotate` a command that is run with the name of
  /// every file that has given way to another.
  public init(
    path: String, _ rotation: Rotation, format: SavefileFormat, _ description: CaptureDescription,
    isPacketBuffered: Bool = false, postRotate: String? = nil, now: Timestamp?
  ) throws(SavefileError) {
    self.path = path
    self.rotation = rotation
    self.format = format
    self.description = description
    self.isPacketBuffered = isPacketBuffered
    self.postRotate = postRotate
    // Without the time of the first packet the file waits for it.
    if rotation.seconds == nil || now != nil { try open(now?.seconds ?? 0) }
  }

  /// True where packets of this link type can be written.
  public func holds(_ linkType: LinkType) -> Bool { format == .pcapng || linkType == description.linkType }

  /// Appends a packet, to a new file where it is time for one. False where the last file is full: then it was not taken.
  public mutating func write(_ packet: borrowing Packet) throws(SavefileError) -> Bool {
    if current != nil, isDue(packet.timestamp) { try rotate() }
    if isFull { return false }
    if current == nil { try open(packet.timestamp.seconds) }
    packetsTaken &+= 1
    try current?.write(packet)
    if let limit = rotation.limit, (current?.size ?? 0) >= limit { isFull = true }
    return true
  }

  private mutating func isDue(_ time: Timestamp) -> Bool {
    if let boundary, time.seconds >= boundary { return true }
    guard let size = rotation.size else { return false }
    return (current?.packetsTaken ?? 0) > 0 && (current?.size ?? 0) > size
  }

  /// Closes the current file where the clock says so, although no packet has come.
  public mutating func rotateIfDue(at time: Timestamp) throws(SavefileError) {
    if current != nil, let boundary, time.seconds >= boundary { try rotate() }
  }

  /// The second at which the current file ends, packets or not.
  public var nextBoundary: Int64? { current == nil ? nil : boundary }

  /// Closes the current file, so that the next packet begins another.
  public mutating func rotate() throws(SavefileError) {
    if rotation.isNone { return try flush() }
    let isByClock = boundary != nil && rotation.size == nil
    guard let name = try closeCurrent(nil, Timestamp(seconds: 0, nanoseconds: 0)) else { return }
    if let last = rotation.lastFile, begun >= last { isFull = true }
    if let files = rotation.files {
      if isByClock, begun >= files { isFull = true }
      if rotation.seconds != nil, rotation.size != nil {
        closed.append(name)
        // The one that is opened next counts as well.
        while closed.count >= max(files, 1) { unsafe unlink(closed.removeFirst()) }
      }
    }
    if let postRotate { try run(postRotate, name) }
  }

  /// Writes what is held.
  public mutating func flush() throws(SavefileError) { try current?.flush() }

  /// Writes what is held and closes the file, with what was counted where there is room for it.
  public mutating func close(_ counts: CaptureCounts? = nil, at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0))
    throws(SavefileError)
  {
    // Where no packet has come there is an empty file nevertheless.
    if begun == 0 { try open(time.seconds) }
    _ = try closeCurrent(counts, time)
  }

  // MARK: Files

  private mutating func open(_ time: Int64) throws(SavefileError) {
    if let boundary, time >= boundary { number = 0 }
    boundary = rotation.boundary(after: time)
    guard !rotation.isNone else {
      current = try SavefileWriter(path: path, format: format, description, isPacketBuffered: isPacketBuffered)
      begun = 1
      return
    }
    for _ in 0..<Self.nameLimit {
      let name = rotation.name(path, at: time, number: number)
      number += 1
      if !rotation.isNumberedRing, unsafe access(name, F_OK) == 0 { continue }
      do throws(SavefileError) {
        current = try SavefileWriter(
          path: name + ".part", name: name, format: format, description, isPacketBuffered: isPacketBuffered,
          existing: rotation.isNumberedRing ? .replaced : .refused)
        finalName = name
        begun += 1
        return
      } catch {
        guard error.kind == .system(EEXIST) else { throw error }
      }
    }
    throw SavefileError(
      path: path, kind: .system(EEXIST), message: "\(Self.nameLimit) files with such a name are there")
  }

  /// The name of the file that was closed; nil where there was none. It gets its name even where its end could not be written.
  private mutating func closeCurrent(_ counts: CaptureCounts?, _ time: Timestamp) throws(SavefileError) -> String? {
    guard let writer = current.take() else { return nil }
    timestampsCut &+= writer.timestampsCut
    var failure: SavefileError?
    let written = writer.path
    do throws(SavefileError) { try writer.close(counts, at: time) } catch { failure = error }
    guard let name = finalName else {
      if let failure { throw failure }
      return written
    }
    finalName = nil
    if !giveName(name, to: written), failure == nil {
      failure = SavefileError(path: name, errno: errno, prefix: "the packets are in \(written): ")
    }
    if let failure { throw failure }
    return name
  }

  /// Renames a file. Only in a ring it may take the place of another, which some other process may have made meanwhile.
  private func giveName(_ name: String, to file: String) -> Bool {
    if !rotation.isNumberedRing {
      if unsafe link(file, name) == 0 { return unsafe unlink(file) == 0 }
      // A file system without links.
      guard errno != EEXIST, unsafe access(name, F_OK) != 0 else { return false }
    }
    return unsafe rename(file, name) == 0
  }

  /// Runs a program, without a shell, with the name of the file, and does not wait for it.
  private mutating func run(_ command: String, _ name: String) throws(SavefileError) {
    var child: pid_t = 0
    // Those that have ended are forgotten; only ours: children of other parts of the process are theirs to wait for.
    children.removeAll { waitpid($0, nil, WNOHANG) != 0 }
    let (first, second) = unsafe (strdup(command), strdup(name))
    defer {
      unsafe free(first)
      unsafe free(second)
    }
    // Safe: the array ends with nil and its strings live until posix_spawnp(3) has returned.
    let code = unsafe posix_spawnp(&child, command, nil, nil, [first, second, nil], environ)
    guard code == 0 else { throw SavefileError(path: command, errno: code, prefix: "cannot be run for \(name): ") }
    children.append(child)
  }
}
