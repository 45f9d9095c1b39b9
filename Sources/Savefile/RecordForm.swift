public import PacketCore

/// How to read the packets of a mapped file from some record on, independently of its reader and by several threads: the layout of pcap
/// records, or the section of a pcapng file with its interfaces.
///
/// It is valid up to a block that describes a section or an interface, or that a copy keeps: a walk stops there, and the reader continues.
@safe
public struct RecordForm: @unchecked Sendable {
  // Safe to share: walks copy what they change, and the objects in a walk over blocks are its own and unused.
  fileprivate let pcap: PcapReader?
  fileprivate let pcapng: PcapNGReader?
  /// The layout of pcap records; nil for blocks of pcapng.
  public let layout: RecordLayout?

  /// Nil if the records have an unusual layout.
  init?(_ pcap: PcapReader) {
    guard let layout = pcap.layout else { return nil }
    (self.pcap, pcapng, self.layout) = (pcap, nil, layout)
  }

  init(_ pcapng: PcapNGReader) { (pcap, self.pcapng, layout) = (nil, pcapng.packetWalk, nil) }

  /// The possible link types of the packets.
  public var linkTypes: [LinkType] { pcap.map { [$0.linkType] } ?? pcapng?.interfaces.map(\.linkType) ?? [] }

  /// Where a record seems to begin, from `start` on and before `end`: `RecordLayout.probableRecord`, or its equivalent for blocks.
  public func probableRecord(in file: RawSpan, from start: Int, before end: Int) -> Int? {
    if let layout { return layout.probableRecord(in: file, from: start, before: end) }
    return FileWindow.over(file) { pcapng?.probableBlock(in: $0, from: start, before: end) }
  }
}

/// Reads packets from a part of a mapped file.
public struct PacketWalk {
  private var pcap: PcapReader?
  private var pcapng: PcapNGReader?

  public init(_ form: RecordForm) { (pcap, pcapng) = (form.pcap, form.pcapng?.packetWalk) }

  /// The next packet whose record begins before `limit`; the position moves past it. Nil if there is none, or if the record is damaged or
  /// not a packet: that is left to the file's reader.
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
      // A record that cannot be read is not skipped: the position stays.
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
  /// Passes a window over the whole file to `body`.
  @inline(__always)
  fileprivate static func over<Result>(_ file: RawSpan, _ body: (FileWindow) -> Result?) -> Result? {
    // Safe: the bytes are valid during the call.
    unsafe file.withUnsafeBytes { octets in
      guard let base = octets.baseAddress else { return nil }
      return unsafe body(FileWindow(base, count: octets.count))
    }
  }
}

extension PcapNGReader {
  /// The number of consecutive blocks that confirm the first one.
  private static var chainLength: Int { 12 }

  /// Where a block seems to begin, from `start` on and before `end`: consecutive blocks follow whose lengths in header and trailer agree.
  /// Nil if none is found within the length of the longest block.
  ///
  /// This is a guess, like `RecordLayout.probableRecord`.
  func probableBlock(in file: FileWindow, from start: Int, before end: Int) -> Int? {
    let stop = min(end, start &+ Int(largestBlock))
    // The length of every block is a multiple of four bytes.
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
      // A section may have the other byte order: accept what was found before it.
      if file.u32(at: offset) == BlockType.sectionHeader { return offset > start }
      guard trailer(at: offset, length, in: file) == length else { return false }
      offset &+= length
    }
    return true
  }
}
