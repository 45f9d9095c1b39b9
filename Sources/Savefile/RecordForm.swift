public import PacketCore

/// How the packets of a mapped file are read from some record on, apart from its reader and by several threads: the layout of pcap records,
/// or the section of a pcapng file with its interfaces.
///
/// It holds as far as a block that describes a section or an interface, or that a copy keeps: a walk stops there for the reader to go on.
@safe
public struct RecordForm: @unchecked Sendable {
  // Walks copy what they change; the objects in a walk over blocks are its own, and nobody uses them.
  fileprivate let pcap: PcapReader?
  fileprivate let pcapng: PcapNGReader?
  /// The layout of pcap records; nil for blocks.
  public let layout: RecordLayout?

  /// Nil where the records follow each other in a way of their own.
  init?(_ pcap: PcapReader) {
    guard let layout = pcap.layout else { return nil }
    (self.pcap, pcapng, self.layout) = (pcap, nil, layout)
  }

  init(_ pcapng: PcapNGReader) { (pcap, self.pcapng, layout) = (nil, pcapng.packetWalk, nil) }

  /// The link types that packets may have.
  public var linkTypes: [LinkType] { pcap.map { [$0.linkType] } ?? pcapng?.interfaces.map(\.linkType) ?? [] }

  /// Where a record seems to begin, at `start` or behind it but before `end`: `RecordLayout.probableRecord`, and the same of blocks.
  public func probableRecord(in file: RawSpan, from start: Int, before end: Int) -> Int? {
    if let layout { return layout.probableRecord(in: file, from: start, before: end) }
    return FileWindow.over(file) { pcapng?.probableBlock(in: $0, from: start, before: end) }
  }
}

/// Reads packets of a part of a mapped file.
public struct PacketWalk {
  private var pcap: PcapReader?
  private var pcapng: PcapNGReader?

  public init(_ form: RecordForm) { (pcap, pcapng) = (form.pcap, form.pcapng?.packetWalk) }

  /// The next packet, of a record that begins before `limit`; the position moves behind it. Nil where there is none, and where the record
  /// is damaged or something else than a packet: that is left to the file's reader.
  @inline(__always)
  @_lifetime(copy file)
  public mutating func next(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Packet? {
    guard position.offset >= 0, position.offset < limit else { return nil }
    guard let record = FileWindow.over(file, { record(in: $0, from: &position, before: limit) }) else { return nil }
    position.packets &+= 1
    // Safe: the reader has checked that the record lies within the file.
    let octets = unsafe file.extracting(unchecked: record.offset..<record.offset &+ record.caplen)
    let options =
      record.optionsLength == 0
      ? RawSpan()
      : unsafe file.extracting(unchecked: record.optionsOffset..<record.optionsOffset &+ record.optionsLength)
    let end = record.offset &+ record.caplen
    let excess =
      record.excess == 0 ? RawSpan() : unsafe file.extracting(unchecked: end..<end &+ Int(record.excess))
    return Packet(
      bytes: PacketBytes(octets, length: Int(record.len)), timestamp: record.timestamp, linkType: record.linkType,
      interface: record.interface, stating: PacketOptions(options, isByteSwapped: record.isByteSwapped),
      sourceTime: record.sourceTime, excess: excess)
  }

  private mutating func record(
    in file: FileWindow, from position: inout RecordPosition, before limit: Int
  ) -> PacketRecord? {
    if pcap != nil {
      pcap?.offset = position.offset
      // What cannot be read is passed by nobody: the position stays.
      guard let record = (try? pcap?.next(in: file)) ?? nil else { return nil }
      position.offset = pcap?.offset ?? position.offset
      return record
    }
    if pcapng?.offset != position.offset { pcapng?.move(to: position.offset) }
    let record = pcapng?.nextInSection(file, before: limit)
    position.offset = pcapng?.offset ?? position.offset
    return record
  }
}

extension FileWindow {
  /// Gives `body` a window over all octets of a file.
  @inline(__always)
  fileprivate static func over<Result>(_ file: RawSpan, _ body: (FileWindow) -> Result?) -> Result? {
    // Safe: the octets are lent for the call.
    unsafe file.withUnsafeBytes { octets in
      guard let base = octets.baseAddress else { return nil }
      return unsafe body(FileWindow(base, count: octets.count))
    }
  }
}

extension PcapNGReader {
  /// Blocks in a row that are believed.
  private static var chainLength: Int { 12 }

  /// Where a block seems to begin, at `start` or behind it but before `end`: from there on blocks follow one another whose lengths at their
  /// beginning and at their end agree. Nil where none is found as far as the longest block reaches.
  ///
  /// It is a guess, as that of `RecordLayout.probableRecord`.
  func probableBlock(in file: FileWindow, from start: Int, before end: Int) -> Int? {
    let stop = min(end, start &+ Int(largestBlock))
    // Every block is a multiple of four octets long.
    var offset = (max(0, start) &+ 3) & ~3
    while offset < stop {
      if isChain(in: file, at: offset) { return offset }
      offset &+= 4
    }
    return nil
  }

  private func isChain(in file: FileWindow, at start: Int) -> Bool {
    var offset = start
    for _ in 0..<Self.chainLength {
      if offset == file.end { return offset > start }
      guard let length = blockLength(at: offset, in: file), file.has(offset, length) else { return false }
      // A section may be of the other byte order: so far all is well.
      if file.u32(at: offset) == BlockType.sectionHeader { return offset > start }
      guard trailer(at: offset, length, in: file) == length else { return false }
      offset &+= length
    }
    return true
  }
}
