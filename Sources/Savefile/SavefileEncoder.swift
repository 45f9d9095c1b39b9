import PacketCore

/// Encodes headers and packets into bytes, in the host's byte order.
struct SavefileEncoder {
  let format: SavefileFormat
  /// The description of the file's packets, kept apart from the data that each packet needs.
  private let boxed: Box
  private var description: CaptureDescription { boxed.description }
  /// pcapng: the interfaces that have a block, and those of the source.
  private let registry = InterfaceRegistry()
  /// The descriptions of the source's interfaces, and its blocks without packets.
  private var table: InterfaceTable?
  /// The interface of the previous packet.
  private var last = InterfaceRegistry.Place(index: -1, number: 0, facts: InterfaceRegistry.Facts())
  private var hasBegun = false
  /// The upper bits of a pcap file's link-type field.
  private var linkTypeFlags: UInt32 = 0
  /// A pcap file has packets whose frame check sequences differ in length from what its header says.
  private(set) var hasOtherFlags = false
  /// Packets whose time was finer than the file's unit and was cut.
  private(set) var fractionsCut: UInt64 = 0
  /// Packets without a known time, which are stored with one.
  private(set) var timesMissing: UInt64 = 0
  /// Packets whose timestamp did not fit in the file's words and was cut.
  private(set) var timestampsCut: UInt64 = 0

  private final class Box {
    let description: CaptureDescription
    init(_ description: CaptureDescription) { self.description = description }
  }

  private enum Block {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    static let simplePacket: UInt32 = 3
    static let nameResolution: UInt32 = 4
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    static let journalExport: UInt32 = 9
    static let decryptionSecrets: UInt32 = 10
    static let custom: UInt32 = 0xbad
  }

  private enum Option {
    // Options of every block.
    static let comment: UInt16 = 1
    // Options of a section.
    static let hardware: UInt16 = 2
    static let system: UInt16 = 3
    static let application: UInt16 = 4
    // Options of an interface.
    static let name: UInt16 = 2
    static let details: UInt16 = 3
    static let resolution: UInt16 = 9
    static let filter: UInt16 = 11
    static let interfaceSystem: UInt16 = 12
    static let frameCheckLength: UInt16 = 13
    static let timeOffset: UInt16 = 14
    // Options of a packet.
    static let packetFlags: UInt16 = 2
    static let packetDrops: UInt16 = 4
    static let packetIdentifier: UInt16 = 5
    static let packetQueue: UInt16 = 6
    static let packetVerdict: UInt16 = 7
    static let packetProcess: UInt16 = 8
    // Options of statistics.
    static let received: UInt16 = 4
    static let droppedByInterface: UInt16 = 5
    static let droppedBySystem: UInt16 = 7
  }

  init(_ format: SavefileFormat, _ description: CaptureDescription) {
    self.format = format
    boxed = Box(description)
  }

  // MARK: The start of a file

  mutating func begin(_ buffer: inout TextBuffer) {
    hasBegun = true
    switch format {
    case .pcap(let precision):
      linkTypeFlags = statedFlags
      let magic: UInt32 = precision == .nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4
      // The version numbers 2 and 4 are two 16-bit words, so their order in a 32-bit word depends on the host.
      put(SIMD4(magic, Self.halves(2, 4), 0, 0), &buffer)
      put(SIMD2(description.interface.snaplen, description.linkType.fileValue | linkTypeFlags), &buffer)
    case .pcapng:
      describeSection(&buffer)
      // Interfaces keep their numbers, and those without packets keep their blocks.
      describeKnown(below: .max, &buffer)
      if registry.count == 0 { _ = add(0, description.interface, &buffer) }
      // Information about the packets from an earlier file is needed here, too.
      for block in table?.blocksForPackets ?? [] { put(block, &buffer) }
    }
  }

  /// A Section Header Block:
  ///
  ///      0  byte-order magic
  ///      4  major version, minor version
  ///      8  length of the section, 8 bytes
  ///     16  options
  private func describeSection(_ buffer: inout TextBuffer) {
    let start = buffer.count
    let section = table?.section ?? SectionDescription()
    put(SIMD4<UInt32>(Block.sectionHeader, 0, 0x1a2b_3c4d, Self.halves(1, 0)), &buffer)
    // The length of the section is unknown: all bits are set.
    put(SIMD2<UInt32>(.max, .max), &buffer)
    for comment in section.comments { put(option: Option.comment, comment, &buffer) }
    if let hardware = section.hardware { put(option: Option.hardware, hardware, &buffer) }
    if let system = section.system ?? description.system { put(option: Option.system, system, &buffer) }
    if let application = description.application { put(option: Option.application, application, &buffer) }
    for option in section.options { put(option: option.code, option.value, &buffer) }
    end(block: start, hasOptions: true, &buffer)
  }

  /// The upper bits of the link-type field that apply to all interfaces of the source with its link type; 0 if they differ.
  private var statedFlags: UInt32 {
    guard let table else { return description.interface.linkTypeFlags }
    var flags: Set<UInt32> = []
    for part in 0..<table.partCount {
      let indices = table.indices(ofPart: part)
      // A pcap file without a description: its flags are unknown, and count as 0.
      if indices.isEmpty { flags.insert(0) }
      for index in indices {
        if let known = table[index], known.linkType == description.linkType { flags.insert(Self.flags(known)) }
      }
    }
    return flags.count == 1 ? flags.first ?? 0 : 0
  }

  /// The length of the frame check sequence in a pcap file's link-type field: the presence bit, and units of two bytes. if_fcslen is in
  /// bits; in some files it is in bytes, as in the draft's example.
  private static func flags(_ description: InterfaceDescription) -> UInt32 {
    guard description.linkTypeFlags == 0 else { return description.linkTypeFlags }
    let option = description.options.first { $0.code == Option.frameCheckLength && $0.value.count == 1 }
    guard let length = option?.value.first else { return 0 }
    let bits = length < 16 ? UInt32(length) * 8 : UInt32(length)
    return bits % 16 == 0 && bits <= 240 ? (bits / 16) << 28 | 0x0400_0000 : 0
  }

  // MARK: Interfaces

  /// The following packets come from another source.
  mutating func use(_ table: InterfaceTable?) {
    self.table = table
    registry.beginSource()
    last.index = -1
    guard hasBegun else { return }
    switch format {
    case .pcap: if statedFlags != linkTypeFlags { hasOtherFlags = true }
    case .pcapng:
      // The section header has been written already, so the other source's section description cannot go there any more.
      guard let table, !table.section.isEmpty else { return }
      table.append(table.section.asComments)
    }
  }

  /// Finds the block that describes a packet's interface, and writes it if there is none yet.
  @inline(__always)
  private mutating func find(_ index: Int, _ linkType: LinkType, _ buffer: inout TextBuffer) {
    if last.index != index || last.facts.linkType != linkType { last = place(index, linkType, &buffer) }
  }

  @inline(never)
  private mutating func place(
    _ index: Int, _ linkType: LinkType, _ buffer: inout TextBuffer
  ) -> InterfaceRegistry.Place {
    if let known = registry.place(of: index, linkType) { return known }
    describeKnown(below: index, &buffer)
    if let known = table?[index], known.linkType == linkType { return add(index, known, &buffer) }
    return add(index, InterfaceDescription(linkType: linkType, snaplen: description.interface.snaplen), &buffer)
  }

  /// Writes blocks for all interfaces of the table below an index, so that blocks are in the table's order.
  private mutating func describeKnown(below limit: Int, _ buffer: inout TextBuffer) {
    guard let table, table.partCount > 0 else { return }
    let lastPart = limit == .max ? table.partCount - 1 : min(table.part(of: limit), table.partCount - 1)
    for part in 0...max(0, lastPart) {
      let indices = table.indices(ofPart: part)
      let end = min(indices.upperBound, limit)
      while let index = registry.nextUndescribed(ofPart: part, indices, below: end) {
        if let known = table[index] { _ = add(index, known, &buffer) }
      }
    }
  }

  /// Adds an interface of the source. It gets a block of its own unless an interface of an earlier source has the same description.
  private mutating func add(
    _ index: Int, _ description: InterfaceDescription, _ buffer: inout TextBuffer
  ) -> InterfaceRegistry.Place {
    var description = description
    description.filter = filter(behind: description.filter)
    let (place, isNew) = registry.add(index, description)
    if isNew { describe(description, &buffer) }
    return place
  }

  /// The combined filter of packets that had passed the filter `first` in the source.
  private func filter(behind first: String?) -> String? {
    guard let first, let second = description.interface.filter, first != second else {
      return first ?? description.interface.filter
    }
    return "(\(first)) and (\(second))"
  }

  ///      0  link type, reserved
  ///      4  snaplen
  ///      8  options
  private func describe(_ description: InterfaceDescription, _ buffer: inout TextBuffer) {
    let start = buffer.count
    let linkType = description.linkType.fileValue & 0xffff
    put(
      SIMD4<UInt32>(
        Block.interfaceDescription, 0, Self.halves(UInt16(truncatingIfNeeded: linkType), 0), description.snaplen),
      &buffer)
    if let name = description.name { put(option: Option.name, name, &buffer) }
    if let details = description.details { put(option: Option.details, details, &buffer) }
    // If the source has no unit, fractions of a second are in units of 10 to the -9.
    put(option: Option.resolution, [description.resolution ?? 9], &buffer)
    if let filter = description.filter {
      // The first byte says that text follows.
      put(option: Option.filter, [0] + Array(filter.utf8), &buffer)
    }
    if let system = description.system { put(option: Option.interfaceSystem, system, &buffer) }
    if description.timeOffset != 0 {
      put(option: Option.timeOffset, UInt64(bitPattern: description.timeOffset), &buffer)
    }
    if description.linkTypeFlags & 0x0400_0000 != 0 {
      put(option: Option.frameCheckLength, [UInt8((description.linkTypeFlags >> 28) * 16)], &buffer)
    }
    // A filter that is not text is replaced by apus's own.
    for option in description.options where option.code != Option.filter || description.filter == nil {
      put(option: option.code, option.value, &buffer)
    }
    end(block: start, hasOptions: true, &buffer)
  }

  // MARK: Packets

  /// True if the file can store packets of this link type.
  func holds(_ linkType: LinkType) -> Bool { format == .pcapng || linkType == description.linkType }

  mutating func packet(_ packet: borrowing Packet, _ buffer: inout TextBuffer) {
    let time = packet.timestamp
    // The bytes after the snapshot length are written, too: readers cut them off as in the source.
    let caplen = packet.caplen &+ packet.excess.byteCount
    switch format {
    case .pcap(let precision):
      let fraction = precision == .nanoseconds ? time.nanoseconds : time.nanoseconds / 1000
      if time.seconds >> 32 != 0 || fraction >> 32 != 0 { timestampsCut &+= 1 }
      if precision == .microseconds, fraction &* 1000 != time.nanoseconds { fractionsCut &+= 1 }
      if !packet.hasTime { timesMissing &+= 1 }
      put(
        SIMD4(
          UInt32(truncatingIfNeeded: time.seconds), UInt32(truncatingIfNeeded: fraction),
          UInt32(truncatingIfNeeded: caplen), UInt32(truncatingIfNeeded: packet.len)), &buffer)
      buffer.write(packet.bytes.rawSpan)
      if packet.excess.byteCount > 0 { buffer.write(packet.excess) }
    case .pcapng:
      if let table, table.hasPendingBlocks { putPendingBlocks(&buffer) }
      find(packet.interface, packet.linkType, &buffer)
      let ticks: UInt64
      switch packet.sourceTime {
      case .ticks(let stated) where last.facts.resolution != nil: ticks = stated
      case .missing:
        if putSimple(packet, &buffer) { return }
        timesMissing &+= 1
        ticks = 0
      default: ticks = self.ticks(time, last.facts)
      }
      let start = buffer.count
      put(
        SIMD4<UInt32>(
          Block.enhancedPacket, 0, UInt32(truncatingIfNeeded: last.number), UInt32(truncatingIfNeeded: ticks >> 32)),
        &buffer)
      put(
        ThreeWords(
          UInt32(truncatingIfNeeded: ticks), UInt32(truncatingIfNeeded: caplen), UInt32(truncatingIfNeeded: packet.len)),
        &buffer)
      buffer.write(packet.bytes.rawSpan)
      if packet.excess.byteCount > 0 { buffer.write(packet.excess) }
      pad(buffer.count - start, &buffer)
      if !packet.options.isEmpty {
        put(packet.options, &buffer)
      } else if packet.direction != .unknown {
        put(SIMD2(Self.halves(Option.packetFlags, 4), UInt32(packet.direction.rawValue)), &buffer)
      }
      end(block: start, hasOptions: !packet.options.isEmpty || packet.direction != .unknown, &buffer)
    }
  }

  /// A time in units of the interface.
  private mutating func ticks(_ time: Timestamp, _ interface: InterfaceRegistry.Facts) -> UInt64 {
    let (ticks, isExact) = (interface.resolution ?? .nanoseconds).ticks(time, offset: interface.timeOffset)
    if !isExact { timestampsCut &+= 1 }
    return ticks
  }

  /// Writes a packet without a time as a Simple Packet Block. Such a packet belongs to the first interface, and is cut at its snapshot
  /// length. False, without writing anything, if it would be read differently.
  private func putSimple(_ packet: borrowing Packet, _ buffer: inout TextBuffer) -> Bool {
    let snaplen = last.facts.snaplen == 0 ? Int.max : Int(last.facts.snaplen)
    guard last.number == 0, packet.options.isEmpty, packet.excess.byteCount == 0,
      packet.caplen == min(packet.len, snaplen)
    else { return false }
    let start = buffer.count
    put(ThreeWords(Block.simplePacket, 0, UInt32(truncatingIfNeeded: packet.len)), &buffer)
    buffer.write(packet.bytes.rawSpan)
    pad(buffer.count - start, &buffer)
    end(block: start, hasOptions: false, &buffer)
    return true
  }

  /// Writes the options of a packet, including comments, as they were read, with numbers in the host's byte order.
  @inline(never)
  private func put(_ options: borrowing PacketOptions, _ buffer: inout TextBuffer) {
    let isByteSwapped = options.isByteSwapped
    options.forEach { code, value in
      put(Self.halves(code, UInt16(truncatingIfNeeded: value.byteCount)), &buffer)
      var position = 0
      for width in isByteSwapped ? Self.numberWidths(code, value) : [] {
        for offset in (position..<position + width).reversed() {
          // Safe: the numbers are within the value.
          buffer.write(byte: unsafe value.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        position += width
      }
      buffer.write(value.extracting(position..<value.byteCount))
      pad(value.byteCount, &buffer)
    }
  }

  /// Widths in bytes of the numbers at the start of a packet option's value, and of single bytes before them.
  private static func numberWidths(_ code: UInt16, _ value: RawSpan) -> [Int] {
    switch (code, value.byteCount) {
    case (Option.packetFlags, 4), (Option.packetQueue, 4): return [4]
    case (Option.packetDrops, 8), (Option.packetIdentifier, 8): return [8]
    // The numbers of a process and of a thread.
    case (Option.packetProcess, 8): return [4, 4]
    case (Option.packetVerdict, 9):
      // Safe: there are nine bytes. A verdict of eBPF (types 1 and 2) is a number.
      return unsafe (1...2).contains(value.unsafeLoad(fromByteOffset: 0, as: UInt8.self)) ? [1, 8] : []
    default: return ByteSwapper.customNumbers(Int(code), value.byteCount)
    }
  }

  // MARK: Other blocks

  /// Writes the blocks that the source has had besides packets since the last call.
  @inline(never)
  private mutating func putPendingBlocks(_ buffer: inout TextBuffer) {
    for block in table?.takeBlocks() ?? [] { put(block, &buffer) }
  }

  private mutating func put(_ block: SourceBlock, _ buffer: inout TextBuffer) {
    let start = buffer.count
    switch block.kind {
    case .names: put(SIMD2(Block.nameResolution, 0), &buffer)
    case .secrets: put(SIMD2(Block.decryptionSecrets, 0), &buffer)
    case .custom: put(SIMD2(Block.custom, 0), &buffer)
    case .journal: put(SIMD2(Block.journalExport, 0), &buffer)
    case .statistics(let index):
      describeKnown(below: index + 1, &buffer)
      guard let place = registry.place(of: index) else {
        table?.losses.blocks += 1
        return
      }
      // The interface may have been described only now.
      let start = buffer.count
      put(ThreeWords(Block.interfaceStatistics, 0, UInt32(truncatingIfNeeded: place.number)), &buffer)
      putBody(block.body, start, &buffer)
      return
    }
    putBody(block.body, start, &buffer)
  }

  private func putBody(_ body: [UInt8], _ start: Int, _ buffer: inout TextBuffer) {
    // Safe: the array outlives the view of it.
    unsafe body.withUnsafeBytes { buffer.write(unsafe RawSpan(_unsafeBytes: $0)) }
    pad(body.count, &buffer)
    end(block: start, hasOptions: false, &buffer)
  }

  /// Writes the blocks at the end of a pcapng file: interfaces without packets, and the counters of each interface that has a block. Writes
  /// nothing in pcap.
  mutating func finish(_ counts: [CaptureCounts], at time: Timestamp, _ buffer: inout TextBuffer) {
    guard format == .pcapng else { return }
    describeKnown(below: .max, &buffer)
    putPendingBlocks(&buffer)
    for (index, counts) in counts.prefix(registry.count).enumerated() { put(counts, index, at: time, &buffer) }
  }

  /// Writes a comment on an interface, in a statistics block without counters. Writes nothing in pcap.
  mutating func mark(_ comment: String, _ interface: Int, at time: Timestamp, _ buffer: inout TextBuffer) {
    guard format == .pcapng else { return }
    describeKnown(below: interface + 1, &buffer)
    guard interface < registry.count else { return }
    let start = beginStatistics(interface, time, &buffer)
    put(option: Option.comment, comment, &buffer)
    end(block: start, hasOptions: true, &buffer)
  }

  ///      0  interface
  ///      4  timestamp, high and low
  ///     12  options
  private func put(_ counts: CaptureCounts, _ interface: Int, at time: Timestamp, _ buffer: inout TextBuffer) {
    let start = beginStatistics(interface, time, &buffer)
    put(option: Option.received, counts.received, &buffer)
    put(option: Option.droppedByInterface, counts.droppedByInterface, &buffer)
    put(option: Option.droppedBySystem, counts.droppedByKernel, &buffer)
    end(block: start, hasOptions: true, &buffer)
  }

  /// Writes the beginning of a statistics block, and returns its offset.
  private func beginStatistics(_ interface: Int, _ time: Timestamp, _ buffer: inout TextBuffer) -> Int {
    let start = buffer.count
    let nanoseconds = UInt64(bitPattern: time.seconds &* 1_000_000_000 &+ time.nanoseconds)
    put(
      SIMD4<UInt32>(
        Block.interfaceStatistics, 0, UInt32(truncatingIfNeeded: interface),
        UInt32(truncatingIfNeeded: nanoseconds >> 32)), &buffer)
    put(UInt32(truncatingIfNeeded: nanoseconds), &buffer)
    return start
  }

  // MARK: Blocks and options

  /// Writes the length of a block that began at `start` into its header and trailer.
  private func end(block start: Int, hasOptions: Bool, _ buffer: inout TextBuffer) {
    if hasOptions { put(UInt32(0), &buffer) }
    let length = UInt32(truncatingIfNeeded: buffer.count - start + 4)
    put(length, &buffer)
    buffer.overwrite(at: start + 4, length)
  }

  private func put(option code: UInt16, _ text: String, _ buffer: inout TextBuffer) {
    put(option: code, Array(text.utf8), &buffer)
  }

  private func put(option code: UInt16, _ number: UInt64, _ buffer: inout TextBuffer) {
    put(Self.halves(code, 8), &buffer)
    put(number, &buffer)
  }

  private func put(option code: UInt16, _ octets: [UInt8], _ buffer: inout TextBuffer) {
    let octets = octets.prefix(0xffff)
    put(Self.halves(code, UInt16(octets.count)), &buffer)
    // Safe: the array outlives the view of it.
    unsafe octets.withUnsafeBytes { buffer.write(unsafe RawSpan(_unsafeBytes: $0)) }
    pad(octets.count, &buffer)
  }

  /// Pads to a multiple of four bytes.
  private func pad(_ length: Int, _ buffer: inout TextBuffer) {
    buffer.write(repeating: 0, count: -length & 3)
  }

  /// Two consecutive 16-bit words as one of 32 bits.
  private static func halves(_ first: UInt16, _ second: UInt16) -> UInt32 {
    UInt32(littleEndian: 1) == 1 ? UInt32(second) << 16 | UInt32(first) : UInt32(first) << 16 | UInt32(second)
  }

  private func put(_ words: some BitwiseCopyable, _ buffer: inout TextBuffer) {
    unsafe withUnsafeBytes(of: words) { unsafe buffer.write(RawSpan(_unsafeBytes: $0)) }
  }
}

/// Three consecutive words, without the padding of `SIMD3`.
private struct ThreeWords: BitwiseCopyable {
  var words: (UInt32, UInt32, UInt32)
  init(_ first: UInt32, _ second: UInt32, _ third: UInt32) { words = (first, second, third) }
}
