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
struct PcapReader: BitwiseCopyable {
  let linkType: LinkType
  /// The header's snapshot length; the largest `caplen` there may be where the header has 0 or a negative number.
  let snaplen: UInt32
  /// The unit of the timestamps.
  let precision: TimestampPrecision
  /// True where the file was written on a host of the other byte order.
  let isByteSwapped: Bool
  /// The version is one of those that swapped `caplen` and `len`: always, or in some files.
  private let lengthOrder: LengthOrder
  private let limit: UInt32
  /// Nanoseconds in a unit of the timestamp's fraction.
  private let unit: Int64
  /// The next packet header.
  private(set) var offset = 24
  private var readAhead = ReadAhead()

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

  private static func isMagic(_ word: UInt32) -> Bool { word == microsecondMagic || word == nanosecondMagic }

  /// Reads the file header. Throws where it is cut or of a version that is not known.
  init(_ file: borrowing MappedFile) throws(SavefileError) {
    guard let first = file.words(at: 0), let second = file.words(at: 8) else {
      throw SavefileError(
        path: file.path, kind: .truncated,
        message: "truncated savefile: a file header of 24 octets, the file has \(file.count)")
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
      throw SavefileError(
        path: file.path, kind: .malformed,
        message: "unsupported pcap savefile version \(major).\(minor)")
    }

    linkType = LinkType(fileValue: host(second[3]))
    limit = maximumCaplen(linkType)
    let stated = host(second[2])
    snaplen = stated == 0 || stated > UInt32(Int32.max) ? limit : stated
  }

  /// The next packet; nil at the end of the file. Throws where the record is cut or cannot be right.
  @inline(__always)
  mutating func next(in file: borrowing MappedFile) throws(SavefileError) -> PacketRecord? {
    readAhead.advance(to: offset, in: file)
    guard var header = file.words(at: offset) else {
      if offset == file.count { return nil }
      throw truncated(file, "a packet header of 16 octets", at: offset)
    }
    if isByteSwapped {
      for index in header.indices { header[index] = header[index].byteSwapped }
    }
    var caplen = header[2]
    var len = header[3]
    if lengthOrder != .caplenFirst, lengthOrder == .lenFirst || caplen > len { swap(&caplen, &len) }
    let start = offset &+ 16
    guard caplen <= limit else { throw bogus(file, caplen) }
    guard file.has(start, Int(caplen)) else { throw truncated(file, "a packet of \(caplen) octets", at: start) }
    offset = start &+ Int(caplen)
    return PacketRecord(
      offset: start, caplen: Int(min(caplen, snaplen)), len: len,
      timestamp: Timestamp(seconds: Int64(header[0]), nanoseconds: Int64(header[1]) &* unit), linkType: linkType,
      interface: 0)
  }

  /// How records follow each other; nil in the versions that swapped `caplen` and `len`.
  var layout: RecordLayout? {
    guard lengthOrder == .caplenFirst else { return nil }
    return RecordLayout(isByteSwapped: isByteSwapped, largestCaplen: limit, snaplen: snaplen, precision: precision)
  }

  /// Where the next record is, of those that `packets` lie before.
  func position(packets: UInt64) -> RecordPosition {
    RecordPosition(offset: offset, packets: packets, ahead: readAhead.offset)
  }

  /// Goes on at another record, which lies behind this one.
  mutating func move(to position: RecordPosition) {
    offset = position.offset
    readAhead.offset = position.ahead
  }

  @inline(never)
  private func truncated(_ file: borrowing MappedFile, _ what: String, at position: Int) -> SavefileError {
    SavefileError(
      path: file.path, kind: .truncated,
      message: "truncated savefile: of \(what) at offset \(position) there are \(file.count - position)")
  }

  @inline(never)
  private func bogus(_ file: borrowing MappedFile, _ caplen: UInt32) -> SavefileError {
    SavefileError(
      path: file.path, kind: .malformed,
      message: "bogus packet header at offset \(offset): caplen \(caplen) is more than the largest possible, \(limit)")
  }
}
