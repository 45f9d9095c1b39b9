import PacketCore

/// The walk over a classic pcap file: a header of 24 bytes, then packets, each after a header of 16 bytes (pcap-savefile(5),
/// draft-ietf-opsawg-pcap).
///
///      file header                      packet header
///      0  magic number                  0  seconds since the epoch, unsigned
///      4  major version, minor version  4  microseconds or nanoseconds
///      8  reserved (two words)          8  caplen
///     16  snaplen                      12  len
///     20  link type and FCS length
///
/// In the variant of Alexey Kuznetzov's patches, used by old Linux distributions, a packet header has two more words, with the interface
/// and the protocol, and the snaplen does not include the Ethernet header.
struct PcapReader: BitwiseCopyable {
  let linkType: LinkType
  /// The upper six bits of the link type's field: `InterfaceDescription.linkTypeFlags`.
  let linkTypeFlags: UInt32
  /// The header's snapshot length; the largest possible `caplen` if the header has 0 or a negative number.
  let snaplen: UInt32
  /// The unit of the timestamps.
  let precision: TimestampPrecision
  /// True if the file was written on a host with the other byte order.
  let isByteSwapped: Bool
  /// The file's version may be one of those that swapped `caplen` and `len`: always, or in some files.
  private let lengthOrder: LengthOrder
  /// The largest plausible `caplen`.
  let limit: UInt32
  /// Bytes of a packet header.
  let headerLength: Int
  /// Nanoseconds in a unit of the timestamp's fraction.
  let unit: Int64
  /// The largest `caplen` of a record for `nextPlain`, so that nothing is cut off; -1 if it accepts none.
  private let plainLimit: Int
  /// The offset of the next packet header.
  var offset = 24
  private var readAhead = ReadAhead()
  /// Records of nothing but zeros that were skipped; they are packets only if other data follows them.
  private var pendingBlanks = 0
  /// Where they begin.
  private var blankStart = 0
  /// The offset of a byte that is not zero: blank records before it are packets.
  private var nonZeroOffset = 0

  private enum LengthOrder: BitwiseCopyable {
    case caplenFirst
    case lenFirst
    case smallerIsCaplen
  }

  /// True if a file that begins with this word, in the host's byte order, is a pcap file.
  static func recognizes(_ magic: UInt32) -> Bool {
    isMagic(magic) || isMagic(magic.byteSwapped)
  }

  private static let microsecondMagic: UInt32 = 0xa1b2_c3d4
  private static let nanosecondMagic: UInt32 = 0xa1b2_3c4d
  private static let kuznetzovMagic: UInt32 = 0xa1b2_cd34

  private static func isMagic(_ word: UInt32) -> Bool {
    word == microsecondMagic || word == nanosecondMagic || word == kuznetzovMagic
  }

  /// Reads the file header. Throws if it is truncated or its version is unknown.
  init(_ file: FileWindow) throws(Fault) {
    guard let first = file.words(at: 0), let second = file.words(at: 8) else {
      throw Fault(
        kind: .truncated, offset: 0,
        message: "truncated capture file: a file header of 24 bytes at offset 0 has only \(file.end)")
    }
    let swapped = !Self.isMagic(first[0])
    isByteSwapped = swapped
    func host(_ word: UInt32) -> UInt32 { swapped ? word.byteSwapped : word }

    precision = host(first[0]) == Self.nanosecondMagic ? .nanoseconds : .microseconds
    unit = precision == .nanoseconds ? 1 : 1000

    let versions = UInt32(bigEndian: first[1])
    let (upper, lower) = (UInt16(truncatingIfNeeded: versions >> 16), UInt16(truncatingIfNeeded: versions))
    let isLittleEndian = swapped != (UInt32(littleEndian: 1) == 1)
    let major = isLittleEndian ? upper.byteSwapped : upper
    let minor = isLittleEndian ? lower.byteSwapped : lower
    switch (major, minor) {
    case (2, 0...2), (543, 0): lengthOrder = .lenFirst
    case (2, 3): lengthOrder = .smallerIsCaplen
    case (2, 4): lengthOrder = .caplenFirst
    default:
      throw .malformed(at: 4, "unsupported pcap savefile version \(major).\(minor)")
    }

    // Between the link type and the flags are ten bits that writers set to 0: otherwise this is not a pcap file.
    guard host(second[3]) & 0x03ff_0000 == 0 else {
      let field = String(host(second[3]), radix: 16)
      throw .malformed(at: 20, "reserved bits of the link type are not 0: 0x\(field)")
    }
    linkType = LinkType(fileValue: host(second[3]))
    linkTypeFlags = host(second[3]) & 0xfc00_0000
    limit = maximumCaplen(linkType)
    let stated = host(second[2])
    let isKuznetzov = host(first[0]) == Self.kuznetzovMagic
    headerLength = isKuznetzov ? 24 : 16
    let linkHeader: UInt32 = isKuznetzov && linkType == .ethernet ? 14 : 0
    snaplen = stated == 0 || stated > UInt32(Int32.max) - linkHeader ? limit : stated + linkHeader
    plainLimit = lengthOrder == .caplenFirst && !isKuznetzov && !swapped ? Int(min(limit, snaplen)) : -1
  }

  /// A record with a packet and nothing else.
  typealias PlainRecord = (offset: Int, caplen: Int, len: Int, timestamp: Timestamp, linkType: LinkType)

  /// The next packet if its record is an ordinary one: complete, in the host's byte order, with nothing beyond the snapshot length, and not
  /// all zeros. Nil otherwise, without moving: `next(in:)` then handles the record.
  @inline(__always)
  mutating func nextPlain(in file: FileWindow) -> PlainRecord? {
    readAhead.advance(to: offset, in: file)
    let start = offset &+ 16
    guard pendingBlanks == 0, let header = file.words(at: offset) else { return nil }
    let caplen = Int(header[2])
    guard caplen <= plainLimit, header != SIMD4(repeating: 0), file.has(start, caplen) else { return nil }
    offset = start &+ caplen
    return (
      start, caplen, Int(header[3]),
      Timestamp(seconds: Int64(header[0]), nanoseconds: Int64(header[1]) &* unit), linkType
    )
  }

  /// The next packet; nil at the end of the window. Throws if the record is cut, without moving past it, or malformed.
  @inline(__always)
  mutating func next(in file: FileWindow) throws(Fault) -> PacketRecord? {
    readAhead.advance(to: offset, in: file)
    if pendingBlanks > 0 { return try blankRecord(file) }
    guard let record = try record(at: offset, in: file) else { return nil }
    if record.packet.caplen == 0, record.packet.len == 0, record.packet.timestamp == .epoch {
      return try blankRecord(file)
    }
    offset = record.end
    return record.packet
  }

  /// Handles a record of nothing but zeros, or one that was skipped before. A machine that crashes while a file is written leaves zeros at
  /// its end, which are not packets: if the window ends with zeros, throws with the kind `.truncated`, since a stream may continue.
  @inline(never)
  private mutating func blankRecord(_ file: FileWindow) throws(Fault) -> PacketRecord {
    if pendingBlanks == 0 { blankStart = offset }
    if nonZeroOffset < offset {
      guard let found = file.firstNonZero(from: offset) else {
        // Skipping these records releases the stream's memory before the stream continues.
        let passed = max(0, file.end &- offset) / headerLength
        pendingBlanks &+= passed
        offset &+= passed &* headerLength
        throw Fault(
          kind: .truncated, offset: blankStart,
          message: "only zeros from offset \(blankStart) to the end, \(file.end - blankStart) bytes: "
            + "no packets, but the traces of a crash")
      }
      nonZeroOffset = found
    }
    if pendingBlanks > 0 { pendingBlanks &-= 1 } else { offset &+= headerLength }
    return PacketRecord(
      offset: offset, caplen: 0, len: 0, timestamp: .epoch, linkType: linkType, interface: 0)
  }

  /// At the end of the file: a single header of zeros, which is not a run of them, is a packet without bytes. False if there is none.
  mutating func takeLoneBlank(_ file: FileWindow) -> Bool {
    guard pendingBlanks == 1, file.end &- blankStart < 2 &* headerLength else { return false }
    nonZeroOffset = .max
    return true
  }

  /// True if it is not known yet whether skipped records of zeros are packets.
  var hasPendingBlanks: Bool { pendingBlanks > 0 }

  /// The record whose header is at `offset`, and the offset after it; nil at the end of the window.
  @inline(__always)
  private func record(at offset: Int, in file: FileWindow) throws(Fault) -> (packet: PacketRecord, end: Int)? {
    let start = offset &+ headerLength
    guard file.has(offset, headerLength), let header = header(at: offset, in: file) else {
      if offset == file.end { return nil }
      throw .truncated(file, "a packet header of \(headerLength) bytes", at: offset)
    }
    let caplen = header.caplen
    guard caplen <= limit else { throw bogus(offset, caplen) }
    guard file.has(start, Int(caplen)) else { throw .truncated(file, "a packet of \(caplen) bytes", at: start) }
    let packet = PacketRecord(
      offset: start, caplen: Int(min(caplen, snaplen)), len: header.len, timestamp: header.timestamp,
      linkType: linkType, interface: 0, excess: caplen > snaplen ? caplen &- snaplen : 0)
    return (packet, start &+ Int(caplen))
  }

  /// The fields of the header at `offset`; nil if the window ends before.
  @inline(__always)
  func header(at offset: Int, in file: FileWindow) -> (caplen: UInt32, len: UInt32, timestamp: Timestamp)? {
    guard var header = file.words(at: offset) else { return nil }
    if isByteSwapped {
      for index in header.indices { header[index] = header[index].byteSwapped }
    }
    var caplen = header[2]
    var len = header[3]
    if lengthOrder != .caplenFirst, lengthOrder == .lenFirst || caplen > len { swap(&caplen, &len) }
    return (caplen, len, Timestamp(seconds: Int64(header[0]), nanoseconds: Int64(header[1]) &* unit))
  }

  /// The layout of the records; nil for the versions that swapped `caplen` and `len`, and for longer headers.
  var layout: RecordLayout? {
    guard lengthOrder == .caplenFirst, headerLength == RecordLayout.headerLength else { return nil }
    return RecordLayout(isByteSwapped: isByteSwapped, largestCaplen: limit, snaplen: snaplen, precision: precision)
  }

  /// The position of the next record relative to the window, after `packets` packets.
  func position(packets: UInt64, in window: FileWindow) -> RecordPosition {
    RecordPosition(
      offset: offset &- window.start, packets: packets, ahead: max(0, readAhead.offset &- window.start))
  }

  /// Continues at a later record of the window.
  mutating func move(to position: RecordPosition, in window: FileWindow) {
    offset = position.offset &+ window.start
    readAhead.offset = position.ahead &+ window.start
  }

  /// Continues at another record, ignoring the data in between.
  mutating func move(to offset: Int) {
    self.offset = offset
    readAhead.offset = offset
  }

  @inline(never)
  private func bogus(_ offset: Int, _ caplen: UInt32) -> Fault {
    .malformed(
      at: offset,
      "bogus packet header at offset \(offset): caplen \(caplen) is more than the largest possible, \(limit)")
  }
}
