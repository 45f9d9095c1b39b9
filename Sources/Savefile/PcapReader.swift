import PacketCore

/// The walk over a classic pcap file: a header of 24 octets, then packets, each after a header of 16 octets
/// (pcap-savefile(5), draft-ietf-opsawg-pcap).
///
///      file header                      packet header
///      0  magic number                  0  seconds since the epoch, unsigned
///      4  major version, minor version  4  microseconds or nanoseconds
///      8  reserved (two words)          8  caplen
///     16  snaplen                      12  len
///     20  link type and FCS length
///
/// In the variant of Alexey Kuznetzov's patches, which old Linux distributions had, a packet header has two more words, with the
/// interface and the protocol, and the snaplen does not count an Ethernet header.
struct PcapReader: BitwiseCopyable {
  let linkType: LinkType
  /// The upper six bits of the link type's field: `InterfaceDescription.linkTypeFlags`.
  let linkTypeFlags: UInt32
  /// The header's snapshot length; the largest `caplen` there may be where the header has 0 or a negative number.
  let snaplen: UInt32
  /// The unit of the timestamps.
  let precision: TimestampPrecision
  /// True where the file was written on a host of the other byte order.
  let isByteSwapped: Bool
  /// The version is one of those that swapped `caplen` and `len`: always, or in some files.
  private let lengthOrder: LengthOrder
  /// The largest `caplen` that is believed.
  let limit: UInt32
  /// Octets of a packet header.
  let headerLength: Int
  /// Nanoseconds in a unit of the timestamp's fraction.
  let unit: Int64
  /// The largest `caplen` of a record that `nextPlain` takes, of which nothing is cut off; -1 where it takes none.
  private let plainLimit: Int
  /// The next packet header.
  var offset = 24
  private var readAhead = ReadAhead()
  /// Records of nothing but zeros that were passed and are packets only if something else follows them.
  private var pendingBlanks = 0
  /// Where they begin.
  private var blankStart = 0
  /// An octet that is not zero lies here: blank records before it are packets.
  private var nonZeroOffset = 0

  private enum LengthOrder: BitwiseCopyable {
    case caplenFirst
    case lenFirst
    case smallerIsCaplen
  }

  /// True where a file that begins with this word, in the host's byte order, is a pcap file.
  static func recognizes(_ magic: UInt32) -> Bool {
    isMagic(magic) || isMagic(magic.byteSwapped)
  }

  private static let microsecondMagic: UInt32 = 0xa1b2_c3d4
  private static let nanosecondMagic: UInt32 = 0xa1b2_3c4d
  private static let kuznetzovMagic: UInt32 = 0xa1b2_cd34

  private static func isMagic(_ word: UInt32) -> Bool {
    word == microsecondMagic || word == nanosecondMagic || word == kuznetzovMagic
  }

  /// Reads the file header. Throws where it is cut or of a version that is not known.
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

    // Between the link type and the flags are ten bits that writers leave 0: others are not those of a pcap file.
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

  /// A record that holds a packet and nothing besides.
  typealias PlainRecord = (offset: Int, caplen: Int, len: Int, timestamp: Timestamp, linkType: LinkType)

  /// The next packet where its record is like nearly all: whole, in the host's byte order, with nothing behind the snapshot length, and not
  /// made of zeros. Nil otherwise, and nothing has moved: `next(in:)` says what there is.
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

  /// The next packet; nil at the end of the window. Throws where the record is cut, and has not moved then, or cannot be right.
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

  /// A record of nothing but zeros, or one that was passed before. A machine that crashes while a file is written leaves zeros at its
  /// end, which are no packets: throws where the window ends with them, with the kind `.truncated`, since a stream may go on.
  @inline(never)
  private mutating func blankRecord(_ file: FileWindow) throws(Fault) -> PacketRecord {
    if pendingBlanks == 0 { blankStart = offset }
    if nonZeroOffset < offset {
      guard let found = file.firstNonZero(from: offset) else {
        // The stream need not be held in memory up to where it goes on.
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

  /// At the end of the file: a single header of zeros, which is no run of them, is a packet without bytes. False where there is none.
  mutating func takeLoneBlank(_ file: FileWindow) -> Bool {
    guard pendingBlanks == 1, file.end &- blankStart < 2 &* headerLength else { return false }
    nonZeroOffset = .max
    return true
  }

  /// True where it is not known yet whether records of zeros that were passed are packets.
  var hasPendingBlanks: Bool { pendingBlanks > 0 }

  /// The record whose header is at `offset`, and where it ends; nil at the end of the window.
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

  /// What the header at `offset` says; nil where the window ends before.
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

  /// How records follow each other; nil in the versions that swapped `caplen` and `len`, and with longer headers.
  var layout: RecordLayout? {
    guard lengthOrder == .caplenFirst, headerLength == RecordLayout.headerLength else { return nil }
    return RecordLayout(isByteSwapped: isByteSwapped, largestCaplen: limit, snaplen: snaplen, precision: precision)
  }

  /// Where the next record is among the octets of the window, of those that `packets` lie before.
  func position(packets: UInt64, in window: FileWindow) -> RecordPosition {
    RecordPosition(
      offset: offset &- window.start, packets: packets, ahead: max(0, readAhead.offset &- window.start))
  }

  /// Goes on at another record of the window, which lies after this one.
  mutating func move(to position: RecordPosition, in window: FileWindow) {
    offset = position.offset &+ window.start
    readAhead.offset = position.ahead &+ window.start
  }

  /// Goes on at another record, and does not look at what lies before.
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
