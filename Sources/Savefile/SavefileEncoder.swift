import PacketCore

/// Puts headers and packets into octets, in the host's byte order.
struct SavefileEncoder {
  let format: SavefileFormat
  let description: CaptureDescription
  /// pcapng: what is known of the interfaces of the source.
  private var table: InterfaceTable?
  /// pcapng: the interfaces that have a block.
  private var blocks: [InterfaceDescription] = []
  /// pcapng: the interfaces of the source, each with its block.
  private var interfaces: [Interface] = []
  /// pcapng: their indices, and the numbers of their blocks.
  private var indices: Set<Int> = []
  private var numbers: Set<Int> = []
  /// The interface of the packet before.
  private var last = Interface(index: -1, linkType: .null, block: 0)
  /// Packets whose timestamp did not fit in the file's words and was cut.
  private(set) var timestampsCut: UInt64 = 0

  private struct Interface {
    /// Its index in the source.
    var index: Int
    var linkType: LinkType
    /// The number of its block.
    var block: Int
  }

  private enum Block {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
  }

  private enum Option {
    // Of every block.
    static let comment: UInt16 = 1
    // Of a section.
    static let system: UInt16 = 3
    static let application: UInt16 = 4
    // Of an interface.
    static let name: UInt16 = 2
    static let details: UInt16 = 3
    static let resolution: UInt16 = 9
    static let filter: UInt16 = 11
    static let interfaceSystem: UInt16 = 12
    // Of a packet.
    static let packetFlags: UInt16 = 2
    static let packetDrops: UInt16 = 4
    static let packetIdentifier: UInt16 = 5
    static let packetQueue: UInt16 = 6
    // Of statistics.
    static let received: UInt16 = 4
    static let droppedByInterface: UInt16 = 5
    static let droppedBySystem: UInt16 = 7
  }

  /// Interfaces of which a file may have blocks; packets of more are ascribed to the first.
  private static let interfaceLimit = 4096

  init(_ format: SavefileFormat, _ description: CaptureDescription) {
    self.format = format
    self.description = description
  }

  // MARK: The start of a file

  mutating func begin(_ buffer: inout TextBuffer) {
    switch format {
    case .pcap(let precision):
      let magic: UInt32 = precision == .nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4
      // The versions 2 and 4 are two words of 16 bits, so their order in a word of 32 is the host's.
      put(SIMD4(magic, Self.halves(2, 4), 0, 0), &buffer)
      put(SIMD2(description.interface.snaplen, description.linkType.fileValue), &buffer)
    case .pcapng:
      let start = buffer.count
      put(SIMD4<UInt32>(Block.sectionHeader, 0, 0x1a2b_3c4d, Self.halves(1, 0)), &buffer)
      // The length of the section is not known: all bits are set.
      put(SIMD2<UInt32>(.max, .max), &buffer)
      if let system = description.system { put(option: Option.system, system, &buffer) }
      if let application = description.application { put(option: Option.application, application, &buffer) }
      end(block: start, hasOptions: true, &buffer)
      // Interfaces keep their numbers, and those without packets their blocks.
      describeKnown(below: .max, &buffer)
      if blocks.isEmpty {
        _ = add(Interface(index: 0, linkType: description.linkType, block: 0), description.interface, &buffer)
      }
    }
  }

  // MARK: Interfaces

  /// The packets that follow come from another source.
  mutating func use(_ table: InterfaceTable?) {
    self.table = table
    interfaces.removeAll()
    indices.removeAll()
    numbers.removeAll()
    last.index = -1
  }

  /// The number of the block that describes a packet's interface; it is written now where there is none so far.
  @inline(__always)
  private mutating func block(_ index: Int, _ linkType: LinkType, _ buffer: inout TextBuffer) -> Int {
    if last.index != index || last.linkType != linkType { last = interface(index, linkType, &buffer) }
    return last.block
  }

  @inline(never)
  private mutating func interface(_ index: Int, _ linkType: LinkType, _ buffer: inout TextBuffer) -> Interface {
    if let known = interfaces.first(where: { $0.index == index && $0.linkType == linkType }) { return known }
    describeKnown(below: index, &buffer)
    let interface = Interface(index: index, linkType: linkType, block: 0)
    if let known = table?[index], known.linkType == linkType { return add(interface, known, &buffer) }
    return add(
      interface, InterfaceDescription(linkType: linkType, snaplen: description.interface.snaplen), &buffer)
  }

  /// Describes what the table has below an index, so that blocks come in its order.
  private mutating func describeKnown(below limit: Int, _ buffer: inout TextBuffer) {
    for (index, known) in table?.known(Self.interfaceLimit) ?? [] where index < limit && !indices.contains(index) {
      _ = add(Interface(index: index, linkType: known.linkType, block: 0), known, &buffer)
    }
  }

  /// Adds an interface of the source, with a block of its own unless one of a source before says the same.
  private mutating func add(
    _ interface: Interface, _ description: InterfaceDescription, _ buffer: inout TextBuffer
  ) -> Interface {
    var interface = interface
    guard interfaces.count < Self.interfaceLimit else { return interface }
    var description = description
    description.filter = filter(behind: description.filter)
    if let known = blocks.indices.first(where: { blocks[$0] == description && !numbers.contains($0) }) {
      interface.block = known
    } else if blocks.count < Self.interfaceLimit {
      interface.block = blocks.count
      describe(description, &buffer)
    }
    interfaces.append(interface)
    indices.insert(interface.index)
    numbers.insert(interface.block)
    return interface
  }

  /// What packets have passed that had passed `first` before they came here.
  private func filter(behind first: String?) -> String? {
    guard let first, let second = description.interface.filter, first != second else {
      return first ?? description.interface.filter
    }
    return "(\(first)) and (\(second))"
  }

  ///      0  link type, reserved
  ///      4  snaplen
  ///      8  options
  private mutating func describe(_ description: InterfaceDescription, _ buffer: inout TextBuffer) {
    let start = buffer.count
    blocks.append(description)
    let linkType = description.linkType.fileValue & 0xffff
    put(
      SIMD4<UInt32>(
        Block.interfaceDescription, 0, Self.halves(UInt16(truncatingIfNeeded: linkType), 0), description.snaplen),
      &buffer)
    if let name = description.name { put(option: Option.name, name, &buffer) }
    if let details = description.details { put(option: Option.details, details, &buffer) }
    // Fractions of a second are in units of 10 to the -9.
    put(option: Option.resolution, [9], &buffer)
    if let filter = description.filter {
      // The first octet says that text follows.
      put(option: Option.filter, [0] + Array(filter.utf8), &buffer)
    }
    if let system = description.system { put(option: Option.interfaceSystem, system, &buffer) }
    end(block: start, hasOptions: true, &buffer)
  }

  // MARK: Packets

  /// True where the file can hold packets of this link type.
  func holds(_ linkType: LinkType) -> Bool { format == .pcapng || linkType == description.linkType }

  mutating func packet(_ packet: borrowing Packet, _ buffer: inout TextBuffer) {
    let time = packet.timestamp
    switch format {
    case .pcap(let precision):
      let fraction = precision == .nanoseconds ? time.nanoseconds : time.nanoseconds / 1000
      if time.seconds >> 32 != 0 || fraction >> 32 != 0 { timestampsCut &+= 1 }
      put(
        SIMD4(
          UInt32(truncatingIfNeeded: time.seconds), UInt32(truncatingIfNeeded: fraction),
          UInt32(truncatingIfNeeded: packet.caplen), UInt32(truncatingIfNeeded: packet.len)), &buffer)
      buffer.write(packet.bytes.rawSpan)
    case .pcapng:
      let index = block(packet.interface, packet.linkType, &buffer)
      let (seconds, overflow) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let (nanoseconds, carry) = seconds.addingReportingOverflow(time.nanoseconds)
      if overflow || carry || nanoseconds < 0 { timestampsCut &+= 1 }
      let start = buffer.count
      put(
        SIMD4<UInt32>(
          Block.enhancedPacket, 0, UInt32(truncatingIfNeeded: index),
          UInt32(truncatingIfNeeded: nanoseconds >> 32)), &buffer)
      put(
        ThreeWords(
          UInt32(truncatingIfNeeded: nanoseconds), UInt32(truncatingIfNeeded: packet.caplen),
          UInt32(truncatingIfNeeded: packet.len)), &buffer)
      buffer.write(packet.bytes.rawSpan)
      pad(buffer.count - start, &buffer)
      if !packet.options.isEmpty {
        put(packet.options, &buffer)
      } else if packet.direction != .unknown {
        put(SIMD2(Self.halves(Option.packetFlags, 4), UInt32(packet.direction.rawValue)), &buffer)
      }
      end(block: start, hasOptions: !packet.options.isEmpty || packet.direction != .unknown, &buffer)
    }
  }

  /// The options of a packet, comments among them, as they were read: numbers in the host's byte order.
  @inline(never)
  private func put(_ options: borrowing PacketOptions, _ buffer: inout TextBuffer) {
    let isByteSwapped = options.isByteSwapped
    options.forEach { code, value in
      put(Self.halves(code, UInt16(truncatingIfNeeded: value.byteCount)), &buffer)
      let number = isByteSwapped ? Self.numberLength(code, value.byteCount) : 0
      for offset in (0..<number).reversed() {
        // Safe: the number is not longer than the value.
        buffer.write(byte: unsafe value.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
      }
      buffer.write(value.extracting(number..<value.byteCount))
      pad(value.byteCount, &buffer)
    }
  }

  /// Octets of the number with which the value of a packet's option begins.
  private static func numberLength(_ code: UInt16, _ length: Int) -> Int {
    switch (code, length) {
    case (Option.packetFlags, 4), (Option.packetQueue, 4): 4
    case (Option.packetDrops, 8), (Option.packetIdentifier, 8): 8
    // Of an enterprise, with its number first.
    case (2988, 4...), (2989, 4...), (19372, 4...), (19373, 4...): 4
    default: 0
    }
  }

  /// The blocks that end a pcapng file: interfaces that have no packet, and what was counted on each that has a block. Nothing in pcap.
  mutating func finish(_ counts: [CaptureCounts], at time: Timestamp, _ buffer: inout TextBuffer) {
    guard format == .pcapng else { return }
    describeKnown(below: .max, &buffer)
    for (index, counts) in counts.prefix(blocks.count).enumerated() { put(counts, index, at: time, &buffer) }
  }

  /// A comment on an interface, in a block of statistics without any. Nothing in pcap.
  mutating func mark(_ comment: String, _ interface: Int, at time: Timestamp, _ buffer: inout TextBuffer) {
    guard format == .pcapng else { return }
    describeKnown(below: interface + 1, &buffer)
    guard interface < blocks.count else { return }
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

  /// What a block of statistics begins with; where it begins.
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

  /// Puts the length of a block that began at `start` to both its ends.
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
    for octet in octets { buffer.write(byte: octet) }
    pad(octets.count, &buffer)
  }

  /// Fills up to a multiple of four octets.
  private func pad(_ length: Int, _ buffer: inout TextBuffer) {
    buffer.write(repeating: 0, count: -length & 3)
  }

  /// Two words of 16 bits, one after the other, as one of 32.
  private static func halves(_ first: UInt16, _ second: UInt16) -> UInt32 {
    UInt32(littleEndian: 1) == 1 ? UInt32(second) << 16 | UInt32(first) : UInt32(first) << 16 | UInt32(second)
  }

  private func put(_ words: some BitwiseCopyable, _ buffer: inout TextBuffer) {
    unsafe withUnsafeBytes(of: words) { unsafe buffer.write(RawSpan(_unsafeBytes: $0)) }
  }
}

/// Three words in a row, without the padding of `SIMD3`.
private struct ThreeWords: BitwiseCopyable {
  var words: (UInt32, UInt32, UInt32)
  init(_ first: UInt32, _ second: UInt32, _ third: UInt32) { words = (first, second, third) }
}
