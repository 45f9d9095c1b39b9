import Glibc
public import PacketCore

/// A pcap or pcapng file, read packet by packet without copying or allocating anything for each packet: mapped into memory if it is a
/// regular file, in pieces if it is a pipe, compressed (gzip, zstd, LZ4) or still growing.
///
/// A packet is valid until the next call to `next()`.
public struct SavefileReader: ~Copyable {
  /// The name of the file, as the user gave it; `-` for standard input.
  public let path: String
  let options: ReadingOptions
  /// The bytes in memory.
  private(set) var window: FileWindow
  let mapped: MappedFile?
  private let stream: StreamBuffer?
  var pcap: PcapReader?
  var pcapng: PcapNGReader?
  /// The contents of a pcap file besides its packets.
  private var pcapTable: InterfaceTable?
  /// The time window; nil for all packets.
  public internal(set) var timeWindow: TimeWindow?
  /// The time span of the packets that were compared with the time window.
  var timesSeen: ClosedRange<Timestamp>?
  /// The readers' states at the beginning of a mapped file.
  var beginning: (pcap: PcapReader?, pcapng: PcapNGReader?)?
  /// The kernel was advised that a mapped file is read sequentially.
  var readsAhead = true
  /// The record that `peek` has read, and that was not returned yet.
  var held: PacketRecord?
  /// `next` returned nil because the stream has no packet ready.
  private(set) var isIdle = false
  /// Packets are being read, so a stream may be decompressed ahead. No thread is started earlier, so that the process can still drop
  /// privileges.
  private var runsAhead = false
  /// No more packets are wanted.
  private var isDone = false
  /// The fault of a stream after the bytes in memory, if damaged parts are skipped.
  private var streamFault: Fault?
  /// Where the zeros at the end of a mapped file begin; nil until that is needed.
  var mappedContentEnd: Int?
  /// Packets delivered so far.
  public internal(set) var packetsRead: UInt64 = 0
  /// Parts that were skipped because they were damaged; only the first hundred are kept.
  public private(set) var skippedParts: [SkippedPart]
  /// The number of all skipped parts.
  public private(set) var skippedCount = 0
  /// The number of bytes in all of them.
  public private(set) var skippedOctets = 0

  /// Opens the file at `path`, or standard input for `-`, and reads its header, waiting for it if it comes through a pipe. Throws if that
  /// fails or the header is invalid.
  public init(path: String, _ options: ReadingOptions = ReadingOptions()) throws(SavefileError) {
    try self.init(InputFile(path: path, follows: options.follows), options)
  }

  /// Reads the header of an open file, like the other initializer, and takes over its descriptor.
  public init(_ file: InputFile, _ options: ReadingOptions = ReadingOptions()) throws(SavefileError) {
    let path = file.path
    let source = try Self.opened(file, options)
    (window, mapped, stream, pcap, pcapng) = source
    self.path = path
    self.options = options
    skippedParts = []
    if let pcap, pcap.linkTypeFlags != 0 {
      var description = InterfaceDescription(linkType: pcap.linkType, snaplen: pcap.snaplen)
      description.linkTypeFlags = pcap.linkTypeFlags
      pcapTable = InterfaceTable([description])
    }
  }

  private init(
    _ path: String, _ options: ReadingOptions,
    _ source: (window: FileWindow, mapped: MappedFile?, stream: StreamBuffer?)
  ) {
    self.path = path
    self.options = options
    (window, mapped, stream) = source
    skippedParts = []
  }

  /// The parts of a reader for an open file.
  private typealias Parts = (
    window: FileWindow, mapped: MappedFile?, stream: StreamBuffer?, pcap: PcapReader?, pcapng: PcapNGReader?
  )

  private static func opened(_ file: InputFile, _ options: ReadingOptions) throws(SavefileError) -> Parts {
    let path = file.path
    var reader = SavefileReader(path, options, try open(file, options))
    guard let fault = reader.readHeader() else {
      return (reader.window, reader.mapped, reader.stream, reader.pcap, reader.pcapng)
    }
    let hasMagic = fault.kind != .unknownFormat && (fault.kind != .truncated || reader.window.end >= 4)
    throw SavefileError(
      path: path, kind: fault.kind, message: (hasMagic ? "Failed opening: " : "") + fault.message)
  }

  private static func open(
    _ file: InputFile, _ options: ReadingOptions
  ) throws(SavefileError) -> (window: FileWindow, mapped: MappedFile?, stream: StreamBuffer?) {
    let (path, growth, descriptor) = (file.path, file.growth, file.take())
    do throws(SavefileError) {
      if !options.follows, let file = try map(descriptor, path) {
        if descriptor != STDIN_FILENO { close(descriptor) }
        return (file.window, file, nil)
      }
    } catch {
      if descriptor != STDIN_FILENO { close(descriptor) }
      throw error
    }
    let reader = DescriptorReader(
      descriptor, isRegular: size(descriptor) != nil, growth: growth, output: options.output)
    let stream = try StreamBuffer(
      reader, path: path, interrupt: options.interrupt, threads: options.threads)
    return (stream.window, nil, stream)
  }

  /// The size of a regular file in bytes; nil for anything else.
  private static func size(_ descriptor: CInt) -> Int? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Maps the file; nil if it has to be read in pieces. Throws if it cannot be a savefile.
  private static func map(_ descriptor: CInt, _ path: String) throws(SavefileError) -> MappedFile? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SavefileError(path: path, errno: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw SavefileError(path: path, errno: EISDIR) }
    // Standard input may be positioned in the middle of a file.
    guard let size = size(descriptor), lseek(descriptor, 0, SEEK_CUR) == 0 else { return nil }
    guard size > 0 else {
      throw SavefileError(path: path, kind: .truncated, message: "not a capture file: it is empty")
    }
    let file = try MappedFile(descriptor: descriptor, count: size, path: path)
    let octets = file.window.u32(at: 0).map { unsafe withUnsafeBytes(of: $0) { unsafe Array($0) } }
    return Compression(magic: octets ?? []) == nil ? file : nil
  }

  /// Reads the file's header, waiting for it; returns the fault, if any.
  private mutating func readHeader() -> Fault? {
    while true {
      do throws(Fault) {
        guard let magic = window.u32(at: 0) else {
          throw Fault(
            kind: .truncated, offset: 0,
            message: window.end == 0
              ? "not a capture file: it is empty"
              : "not a capture file: \(window.end) bytes are too few for a magic number")
        }
        if PcapReader.recognizes(magic) {
          pcap = try PcapReader(window)
        } else if PcapNGReader.recognizes(magic) {
          var reader = pcapng ?? PcapNGReader(keepsBlocks: options.keepsBlocks)
          defer { pcapng = reader }
          try reader.open(window)
        } else {
          fillToRecognize()
          // Safe: the bytes are copied while the window is valid.
          let octets = unsafe Array(window.octets(at: 0, length: min(window.end, FileKind.length)))
          throw Fault(
            kind: .unknownFormat, offset: 0,
            message: FileKind.complaint(octets, path: path, isCompressed: stream?.isCompressed ?? false))
        }
        return nil
      } catch {
        guard error.kind == .truncated else { return error }
        do throws(Fault) {
          guard try fill(keepingFrom: 0, waits: true) else { return error }
        } catch let cause {
          return cause
        }
      }
    }
  }

  /// Reads more of a stream that is not a savefile, to find out what it is. Waits less than a second for more data.
  private mutating func fillToRecognize() {
    while window.end < FileKind.length {
      if (try? fill(keepingFrom: 0, waits: false)) ?? false { continue }
      guard isIdle, stream?.wait(milliseconds: 1000, interrupt: options.interrupt) ?? false else { return }
    }
  }

  /// The link type of the file, or of its first interface.
  public var linkType: LinkType { pcap?.linkType ?? pcapng?.first.linkType ?? .null }

  /// The snapshot length of the file, or of its first interface, in bytes.
  public var snaplen: UInt32 { pcap?.snaplen ?? pcapng?.first.snaplen ?? 0 }

  /// True if the file was written in the other byte order than the host's.
  public var isByteSwapped: Bool { pcap?.isByteSwapped ?? pcapng?.isByteSwapped ?? false }

  /// The interfaces of a pcapng file found so far; nil for a pcap file, which does not describe any, unless it contains the length of frame
  /// check sequences.
  public var interfaces: InterfaceTable? { pcapng?.table ?? pcapTable }

  /// The unit in which the file stores fractions of timestamps: the finest one known so far.
  public var precision: TimestampPrecision { pcap?.precision ?? pcapng?.finest ?? .microseconds }

  /// The same, including interfaces that a mapped pcapng file describes later on; the file is walked to find them.
  public func finestPrecision() -> TimestampPrecision {
    mapped == nil ? precision : pcapng?.finestPrecision(in: window) ?? precision
  }

  /// Bytes of a mapped file; nil if the end is not known.
  public var size: Int? { mapped?.count }

  /// Bytes of the file, or of the contents of a compressed one, that have been read.
  public var octetsRead: Int { position }

  /// The offset of the next record.
  var position: Int { pcap?.offset ?? pcapng?.offset ?? 0 }

  /// Packets may have a direction.
  public var reportsDirection: Bool { pcapng != nil }

  // MARK: Packets

  /// The next packet; nil at the end of the file, or if a stream has none ready: `wait` tells which.
  ///
  /// Throws if the file is cut within a packet, contradicts itself or has shrunk since it was opened; all packets before that point have
  /// been returned by then.
  @_lifetime(&self)
  public mutating func next() throws(SavefileError) -> Packet? {
    runsAhead = true
    if held == nil, timeWindow == nil, !options.recovers, !isDone, let record = pcap?.nextPlain(in: window) {
      try checkSize()
      packetsRead &+= 1
      // Safe: the bytes are within the window, which does not change until the next record is requested.
      let octets = unsafe RawSpan(_unsafeBytes: window.octets(at: record.offset, length: record.caplen))
      let packet = Packet(
        bytes: PacketBytes(octets, length: record.len), timestamp: record.timestamp, linkType: record.linkType)
      return unsafe _overrideLifetime(packet, mutating: &self)
    }
    guard let record = try nextRecord() else { return nil }
    packetsRead &+= 1
    // Safe: the bytes are within the window, which does not change until the next record is requested.
    let octets = unsafe RawSpan(_unsafeBytes: window.octets(at: record.offset, length: record.caplen))
    let options = record.optionsLength == 0 ? RawSpan() : self.octets(at: record.optionsOffset, record.optionsLength)
    let excess =
      record.excess == 0 ? RawSpan() : self.octets(at: record.offset &+ record.caplen, Int(record.excess))
    let packet = Packet(
      bytes: PacketBytes(octets, length: Int(record.len)), timestamp: record.timestamp, linkType: record.linkType,
      interface: record.interface, stating: PacketOptions(options, isByteSwapped: record.isByteSwapped),
      sourceTime: record.sourceTime, excess: excess)
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// Bytes of the window: the options of a packet, or the data after it.
  @inline(never)
  @_lifetime(immortal)
  private func octets(at offset: Int, _ length: Int) -> RawSpan {
    // Safe: callers use them no longer than the packet to which they belong.
    let octets = unsafe RawSpan(_unsafeBytes: window.octets(at: offset, length: length))
    return unsafe _overrideLifetime(octets, copying: ())
  }

  /// The time of the packet that `next` returns next; nil if it returns nil. Throws like `next`.
  mutating func peek() throws(SavefileError) -> Timestamp? {
    runsAhead = true
    return try look()
  }

  mutating func look() throws(SavefileError) -> Timestamp? {
    if held == nil { held = try nextRecord() }
    return held?.timestamp
  }

  /// The record that `peek` has read, with its bytes and options, which are valid until the next record is requested.
  @unsafe
  mutating func takeHeld() -> (
    record: PacketRecord, octets: UnsafeRawBufferPointer, options: UnsafeRawBufferPointer,
    excess: UnsafeRawBufferPointer
  )? {
    guard let record = held.take() else { return nil }
    packetsRead &+= 1
    return unsafe (
      record, window.octets(at: record.offset, length: record.caplen),
      window.octets(at: record.optionsOffset, length: record.optionsLength),
      window.octets(at: record.offset &+ record.caplen, length: Int(record.excess))
    )
  }

  @inline(__always)
  mutating func nextRecord() throws(SavefileError) -> PacketRecord? {
    if held != nil, let record = held.take(), timeWindow?.contains(record) ?? true { return record }
    guard !isDone else { return nil }
    let record: PacketRecord?
    do throws(Fault) {
      record = try timeWindow == nil ? readRecord() : readWantedRecord()
    } catch {
      isDone = true
      throw describe(error)
    }
    try checkSize()
    return record
  }

  /// Throws if a mapped file has shrunk since it was opened.
  @inline(__always)
  private func checkSize() throws(SavefileError) {
    if BusErrorGuard.hasFired, mapped?.shrank ?? false { throw shrinkage }
  }

  private var shrinkage: SavefileError {
    SavefileError(
      path: path, kind: .truncated,
      message: "the file became shorter while it was being read: do not trust packet \(packetsRead) and those near it")
  }

  private mutating func readWantedRecord() throws(Fault) -> PacketRecord? {
    while let timeWindow, let record = try readRecord() {
      let isWanted = timeWindow.contains(record)
      note(record)
      // The kernel need not read ahead as long as only packet headers are read.
      if let mapped, isWanted != readsAhead {
        readsAhead = isWanted
        mapped.advise(isWanted ? .sequential : .random)
      }
      if isWanted { return record }
      // Blocks that a copy needs may follow.
      if timeWindow.endsBefore(record.timestamp), !(options.keepsBlocks && mapped != nil && pcapng != nil) {
        isDone = true
        break
      }
    }
    return nil
  }

  /// The next record, whether or not it is in the time window.
  @inline(__always)
  private mutating func readRecord() throws(Fault) -> PacketRecord? {
    if options.recovers { return try readSoundRecord() }
    while true {
      do throws(Fault) {
        if let record = try parse() { return record }
        guard try fill(keepingFrom: position, waits: false) else { return nil }
      } catch {
        guard error.kind == .truncated else { throw error }
        if mapped == nil, try fill(keepingFrom: position, waits: false) { continue }
        if isIdle { return nil }
        guard pcap?.takeLoneBlank(window) ?? false else { throw error }
      }
    }
  }

  /// The record at the current position, which moves past it; nil at the end of the window.
  @inline(__always)
  mutating func parse() throws(Fault) -> PacketRecord? {
    pcap != nil ? try pcap?.next(in: window) : try pcapng?.next(in: window)
  }

  @inline(never)
  private func describe(_ fault: Fault) -> SavefileError {
    let packets = packetsRead == 1 ? "1 whole packet" : "\(packetsRead) whole packets"
    let place = fault.message.contains(text: "offset") ? "" : ", at offset \(fault.offset)"
    return SavefileError(path: path, kind: fault.kind, message: "\(fault.message)\(place), after \(packets)")
  }

  // MARK: Streams

  /// Adds bytes to the window of a stream, and keeps those from `offset` on; false at the end, or, unless `waits` is set, if no bytes are
  /// available now.
  mutating func fill(keepingFrom offset: Int, waits: Bool) throws(Fault) -> Bool {
    guard stream != nil else { return false }
    if runsAhead { stream?.runAhead() }
    isIdle = false
    while true {
      let supply = try stream?.fill(keepingFrom: offset) ?? .end
      window = stream?.window ?? window
      switch supply {
      case .octets: return true
      case .end: return false
      case .idle:
        isIdle = !waits
        guard waits, stream?.wait(milliseconds: -1, interrupt: options.interrupt) ?? false else { return false }
      }
    }
  }

  /// True if the window ends at the end of the file.
  var hasAll: Bool { stream?.isComplete ?? true }

  /// After `next` returned nil: waits until there may be another packet, or a signal arrives, but at most for that many milliseconds
  /// (without limit if negative); false if there will be none, or the interrupt came first.
  public mutating func wait(milliseconds: Int32) -> Bool {
    guard isIdle, !isDone, let stream else { return false }
    let awaited = options.wakeupDescriptor >= 0 ? options.wakeupDescriptor : options.interrupt
    return stream.wait(milliseconds: milliseconds, interrupt: awaited) || !isRaised(options.interrupt)
  }

  /// After `next` returned nil: true if it may return a packet now, without waiting.
  public var isReady: Bool { isIdle && !isDone && stream?.isReady ?? false }

  // MARK: Damage

  /// The next record that is confirmed by the following ones; damaged ones are skipped.
  private mutating func readSoundRecord() throws(Fault) -> PacketRecord? {
    while true {
      let isComplete = hasAll || streamFault != nil
      switch pcap?.resyncState(in: window, isComplete: isComplete) ?? pcapng?.resyncState(
        in: window, isComplete: isComplete)
        ?? .end
      {
      case .end:
        if let streamFault { throw streamFault }
        return nil
      case .needsMore:
        if let streamFault { throw streamFault }
        do throws(Fault) {
          if try !fill(keepingFrom: position, waits: false), isIdle { return nil }
        } catch {
          // The data before the fault is treated like the end of a file.
          streamFault = error
        }
      case .sound:
        let before = position
        do throws(Fault) {
          if let record = try parse() { return record }
        } catch {
          // A complete block with invalid contents was skipped; at any other fault the walk has stopped.
          if error.offset < position { note(SkippedPart(offset: error.offset, count: position - error.offset)) }
        }
        if position == before { return nil }
      case .damaged(let next):
        note(SkippedPart(offset: position, count: next - position))
        pcap?.offset = next
        pcapng?.offset = next
      }
    }
  }

  private mutating func note(_ part: SkippedPart) {
    skippedOctets += part.count
    if let last = skippedParts.last, last.offset + last.count == part.offset {
      skippedParts[skippedParts.count - 1] = SkippedPart(offset: last.offset, count: last.count + part.count)
      return
    }
    skippedCount += 1
    if skippedParts.count < 100 { skippedParts.append(part) }
  }

  // MARK: The file

  /// True if packets stay in memory as long as the file is open.
  public var keepsPackets: Bool { mapped != nil }

  /// No packet is held back by `peek`, and more are wanted: other code may move the walk.
  var mayMove: Bool { held == nil && !isDone }

  /// A mapped file has shrunk since it was opened.
  var hasShrunk: Bool { mapped?.shrank ?? false }

  /// Releases memory of packets that were read. To be called regularly.
  public mutating func releaseMemory() { mapped?.release(before: position) }
}
