import PacketCore

/// The walk over a pcapng file (draft-ietf-opsawg-pcapng). The file consists of sections, each with its own byte order and interfaces, and
/// sections consist of blocks:
///
///      0  type
///      4  length of the whole block, a multiple of 4
///      8  body
///      …  the length again
struct PcapNGReader {
  /// The contents of an Interface Description Block.
  struct Interface: BitwiseCopyable {
    var linkType: LinkType
    /// The snapshot length in bytes; the largest possible `caplen` if the block has 0.
    var snaplen: UInt32
    var resolution = TimestampResolution.microseconds
    /// Seconds to add to every timestamp (if_tsoffset).
    var offset: Int64 = 0
  }

  /// One block, completely within the file.
  struct Block {
    var type: UInt32
    /// The offset of its body's first byte in the file.
    var body: Int
    /// Bytes in its body.
    var length: Int
    /// The offset of the block in the file.
    var start: Int { body &- 8 }
  }

  enum BlockType {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    static let packet: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let nameResolution: UInt32 = 4
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    static let journalExport: UInt32 = 9
    static let decryptionSecrets: UInt32 = 10
    static let custom: UInt32 = 0xbad
    static let customNotToCopy: UInt32 = 0x4000_0bad
  }

  private static let byteOrderMagic: UInt32 = 0x1a2b_3c4d

  /// The length in bytes above which a block counts as damaged, so that no memory is allocated for it.
  var largestBlock: UInt32 = 64 << 20

  /// The first interface of the file.
  var first = Interface(linkType: .null, snaplen: 0)
  /// The finest precision of the interfaces so far.
  var finest = TimestampPrecision.microseconds
  /// True if the current section was written in the other byte order than the host's.
  private(set) var isByteSwapped = false
  /// The interfaces of the current section.
  var interfaces: [Interface] = []
  /// The interfaces of all sections so far, and the blocks without packets.
  private(set) var table = InterfaceTable()
  /// The texts and options in the table.
  private(set) var store = DescriptionStore()
  /// Number of interfaces in all earlier sections.
  private(set) var interfacesBefore = 0
  /// The offset of the next block.
  var offset = 0
  private var readAhead = ReadAhead()

  /// `keepsBlocks`: blocks without packets are kept in the table, for a copy.
  init(keepsBlocks: Bool = false) { table.keepsBlocks = keepsBlocks }

  /// True if a file that begins with this word is a pcapng file.
  static func recognizes(_ magic: UInt32) -> Bool { magic == BlockType.sectionHeader }

  /// Reads up to the first interface. Throws if a packet comes before it or, with the kind `.truncated`, the window ends.
  mutating func open(_ file: FileWindow) throws(Fault) {
    while interfaces.isEmpty {
      guard let block = try block(file) else {
        throw Fault(
          kind: .truncated, offset: offset, message: "the capture file has no Interface Description Blocks")
      }
      switch block.type {
      case BlockType.packet, BlockType.simplePacket, BlockType.enhancedPacket:
        throw .malformed(at: offset, "the capture file has a packet block before any Interface Description Blocks")
      default: try read(block, file)
      }
    }
  }

  /// The next packet; nil at the end of the window. Throws if a block is cut, without moving past it, or malformed.
  mutating func next(in file: FileWindow) throws(Fault) -> PacketRecord? {
    while let block = try block(file) {
      switch block.type {
      case BlockType.enhancedPacket: return try enhancedPacket(block, file)
      case BlockType.packet: return try obsoletePacket(block, file)
      case BlockType.simplePacket: return try simplePacket(block, file)
      default: try read(block, file)
      }
    }
    return nil
  }

  // MARK: Blocks

  /// Skips the next block and returns it; nil at the end of the file. Every block advances the walk by at least 12 bytes.
  @inline(__always)
  private mutating func block(_ file: FileWindow) throws(Fault) -> Block? {
    readAhead.advance(to: offset, in: file)
    guard let rawType = file.u32(at: offset), let rawLength = file.u32(at: offset &+ 4) else {
      if offset == file.end { return nil }
      throw truncated(file, 8, at: offset)
    }
    if rawType == BlockType.sectionHeader { try readByteOrder(file) }
    let type = host(rawType)
    let length = host(rawLength)
    guard length >= 12 else {
      throw .malformed(at: offset, "block in pcapng savefile has a length of \(length) < 12")
    }
    guard length <= largestBlock else {
      throw .malformed(at: offset, "block in pcapng savefile has a length of \(length) > \(largestBlock)")
    }
    guard length & 3 == 0 else {
      throw .malformed(at: offset, "block in pcapng savefile has a length of \(length) that is not a multiple of 4")
    }
    guard file.has(offset, Int(length)) else { throw truncated(file, Int(length), at: offset) }
    let trailer = trailer(at: offset, Int(length), in: file)
    // libpcap does not check the trailer of the first Section Header Block, and there are files that rely on that.
    guard trailer == Int(length) || offset == 0 else {
      throw .malformed(at: offset, "block total length in header \(length) and trailer \(trailer) don't match")
    }
    let block = Block(type: type, body: offset &+ 8, length: Int(length) &- 12)
    offset &+= Int(length)
    return block
  }

  /// The length in the trailer of the block at `offset`.
  @inline(__always)
  func trailer(at offset: Int, _ length: Int, in file: FileWindow) -> Int {
    Int(host(file.u32(at: offset &+ length &- 4) ?? 0))
  }

  /// The finest precision of all interfaces up to the end of the window, or to a block that cannot be read. Only interface blocks are
  /// examined.
  func finestPrecision(in file: FileWindow) -> TimestampPrecision {
    var ahead = self
    (ahead.table, ahead.store) = (InterfaceTable(), DescriptionStore())
    while ahead.finest == .microseconds, let block = try? ahead.block(file) {
      switch block.type {
      case BlockType.packet, BlockType.simplePacket, BlockType.enhancedPacket: break
      default: guard (try? ahead.read(block, file)) != nil else { return ahead.finest }
      }
    }
    return ahead.finest
  }

  /// Reads a block without a packet.
  private mutating func read(_ block: Block, _ file: FileWindow) throws(Fault) {
    switch block.type {
    case _ where block.type == host(BlockType.sectionHeader) || block.type == BlockType.sectionHeader:
      try readSectionHeader(block, file)
    case BlockType.interfaceDescription: try readInterface(block, file)
    default: if table.keepsBlocks { keep(block, file) }
    }
  }

  /// Reads the byte order of the section that begins here, which is needed before the block's length can be read.
  private mutating func readByteOrder(_ file: FileWindow) throws(Fault) {
    guard let magic = file.u32(at: offset &+ 8) else { throw truncated(file, 12, at: offset) }
    switch magic {
    case Self.byteOrderMagic: isByteSwapped = false
    case Self.byteOrderMagic.byteSwapped: isByteSwapped = true
    default: throw .malformed(at: offset, "Section Header Block without byte-order magic")
    }
  }

  ///      0  byte-order magic
  ///      4  major version, minor version
  ///      8  length of the section, 8 bytes
  private mutating func readSectionHeader(_ block: Block, _ file: FileWindow) throws(Fault) {
    guard block.length >= 16, let major = file.u16(at: block.body + 4), let minor = file.u16(at: block.body + 6) else {
      throw tooShort(block)
    }
    guard host(major) == 1, host(minor) == 0 || host(minor) == 2 else {
      throw .malformed(at: block.start, "unsupported pcapng savefile version \(host(major)).\(host(minor))")
    }
    interfacesBefore += interfaces.count
    interfaces.removeAll(keepingCapacity: true)
    readSection(block, file)
  }

  // MARK: Walks without the rest of the file

  /// A walk over the packets of the current section that can start at another place, and keeps nothing but packets.
  var packetWalk: PcapNGReader {
    var walk = self
    (walk.table, walk.store) = (InterfaceTable(), DescriptionStore())
    walk.table.keepsBlocks = table.keepsBlocks
    // If threads shared one array, they would contend for its reference count.
    walk.interfaces = interfaces.map { $0 }
    return walk
  }

  /// The next packet in a block that begins before `limit`. Nil if there is none, or in front of a block that changes how packets are read,
  /// is kept for a copy, or cannot be read: the walk stops there.
  @inline(__always)
  mutating func nextInSection(_ file: FileWindow, before limit: Int) -> PacketRecord? {
    while offset < limit, let word = file.u32(at: offset) {
      let start = offset
      let type = host(word)
      if word == BlockType.sectionHeader || type == BlockType.interfaceDescription { return nil }
      do throws(Fault) {
        guard let block = try block(file) else { return nil }
        switch type {
        case BlockType.enhancedPacket: return try enhancedPacket(block, file)
        case BlockType.packet: return try obsoletePacket(block, file)
        case BlockType.simplePacket: return try simplePacket(block, file)
        default:
          if table.keepsBlocks {
            offset = start
            return nil
          }
        }
      } catch {
        offset = start
        return nil
      }
    }
    return nil
  }

  // MARK: Packets

  ///      0  interface        12  caplen
  ///      4  timestamp, high  16  len
  ///      8  timestamp, low   20  bytes, padded to a multiple of 4
  @inline(__always)
  private func enhancedPacket(_ block: Block, _ file: FileWindow) throws(Fault) -> PacketRecord {
    guard block.length >= 20, let words = file.words(at: block.body), let len = file.u32(at: block.body &+ 16) else {
      throw tooShort(block)
    }
    return try record(
      block, file, header: 20, interface: Int(host(words[0])),
      ticks: UInt64(host(words[1])) << 32 | UInt64(host(words[2])), caplen: host(words[3]), len: host(len))
  }

  /// Like the enhanced packet, except for the first word: interface (2 bytes), drops (2 bytes).
  private func obsoletePacket(_ block: Block, _ file: FileWindow) throws(Fault) -> PacketRecord {
    guard block.length >= 20, let interface = file.u16(at: block.body), let words = file.words(at: block.body),
      let len = file.u32(at: block.body &+ 16)
    else { throw tooShort(block) }
    return try record(
      block, file, header: 20, interface: Int(host(interface)),
      ticks: UInt64(host(words[1])) << 32 | UInt64(host(words[2])), caplen: host(words[3]), len: host(len))
  }

  /// Only `len` and the bytes; the packet is at the epoch, and belongs to the first interface, whose snaplen has cut it.
  private func simplePacket(_ block: Block, _ file: FileWindow) throws(Fault) -> PacketRecord {
    guard block.length >= 4, let len = file.u32(at: block.body) else { throw tooShort(block) }
    let snaplen = interfaces.first?.snaplen ?? 0
    var record = try record(
      block, file, header: 4, interface: 0, ticks: 0, caplen: min(host(len), snaplen), len: host(len))
    record.removeTime()
    return record
  }

  @inline(__always)
  private func record(
    _ block: Block, _ file: FileWindow, header: Int, interface index: Int, ticks: UInt64, caplen: UInt32,
    len: UInt32
  ) throws(Fault) -> PacketRecord {
    guard index < interfaces.count else {
      throw .malformed(
        at: block.start,
        "a packet arrived on interface \(index), but there's no Interface Description Block for that interface")
    }
    guard Int(caplen) <= block.length &- header else { throw tooShort(block) }
    let interface = interfaces[index]
    guard caplen <= maximumCaplen(interface.linkType) else {
      throw .malformed(
        at: block.start, "bogus packet block: caplen \(caplen) is more than the largest possible")
    }
    // Simple packet blocks have no options: the bytes after the snaplen are padding.
    let packetLength = block.type == BlockType.simplePacket ? block.length &- header : (Int(caplen) &+ 3) & ~3
    let options = header &+ packetLength
    return PacketRecord(
      offset: block.body &+ header, caplen: Int(caplen), len: len,
      timestamp: interface.resolution.timestamp(ticks, offset: interface.offset), linkType: interface.linkType,
      interface: interfacesBefore &+ index, optionsOffset: block.body &+ options,
      optionsLength: max(0, block.length &- options), isByteSwapped: isByteSwapped, sourceTime: .ticks(ticks))
  }

  // MARK: Looks at blocks that are not read

  /// The length in the header of the block at `offset`, in the byte order of the current section or, for a Section Header Block, in its
  /// own; nil if there cannot be a block, or the window ends before.
  func blockLength(at offset: Int, in file: FileWindow) -> Int? {
    guard let words = file.words(at: offset) ?? file.u32(at: offset &+ 8).map({ _ in file.firstWords(at: offset) })
    else { return nil }
    var length = host(words[1])
    if words[0] == BlockType.sectionHeader {
      guard words[2] == Self.byteOrderMagic || words[2] == Self.byteOrderMagic.byteSwapped else { return nil }
      length = words[2] == Self.byteOrderMagic ? words[1] : words[1].byteSwapped
    }
    return length >= 12 && length <= largestBlock && length & 3 == 0 ? Int(length) : nil
  }

  /// The meaning of a block for a search by time.
  enum BlockTime {
    /// A packet with that time.
    case packet(Timestamp)
    /// Nothing relevant.
    case other
    /// The following blocks depend on those before them, or have no time.
    case unsearchable
  }

  func timeOfBlock(at offset: Int, _ length: Int, in file: FileWindow) -> BlockTime {
    guard let type = file.u32(at: offset) else { return .unsearchable }
    switch host(type) {
    case BlockType.sectionHeader, BlockType.interfaceDescription, BlockType.simplePacket: return .unsearchable
    case BlockType.enhancedPacket, BlockType.packet:
      guard length >= 32, let words = file.words(at: offset &+ 8), let short = file.u16(at: offset &+ 8) else {
        return .unsearchable
      }
      let index = host(type) == BlockType.packet ? Int(host(short)) : Int(host(words[0]))
      guard index < interfaces.count else { return .unsearchable }
      let ticks = UInt64(host(words[1])) << 32 | UInt64(host(words[2]))
      return .packet(interfaces[index].resolution.timestamp(ticks, offset: interfaces[index].offset))
    default: return .other
    }
  }

  /// True if an interface may have packets that are longer than usual.
  var hasLongPackets: Bool { interfaces.contains { maximumCaplen($0.linkType) > 262_144 } }

  /// Continues at another block, ignoring the blocks in between.
  mutating func move(to offset: Int) {
    self.offset = offset
    readAhead.offset = offset
  }

  // MARK: Byte order and errors

  @inline(__always)
  func host<T: FixedWidthInteger>(_ value: T) -> T { isByteSwapped ? value.byteSwapped : value }

  @inline(never)
  func tooShort(_ block: Block) -> Fault {
    .malformed(at: block.start, "block of type \(block.type) at offset \(block.start) in pcapng savefile is too short")
  }

  @inline(never)
  private func truncated(_ file: FileWindow, _ wanted: Int, at offset: Int) -> Fault {
    .truncated(file, "a block of \(wanted) bytes or more", at: offset)
  }
}
