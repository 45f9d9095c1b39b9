public import PacketCore

/// The format of a savefile that is written.
public enum SavefileFormat: Sendable, Equatable {
  /// Classic pcap (draft-ietf-opsawg-pcap): one link type, timestamps of 32-bit seconds.
  case pcap(TimestampPrecision)
  /// pcapng (draft-ietf-opsawg-pcapng): any number of interfaces and link types, nanoseconds.
  case pcapng

  /// The format that the name of a file asks for: `.pcapng` and `.ntar` are pcapng's, all others pcap's.
  public init(path: String, precision: TimestampPrecision) {
    self = path.hasSuffix(".pcapng") || path.hasSuffix(".ntar") ? .pcapng : .pcap(precision)
  }
}

/// What a savefile tells about how its packets were captured. A pcap file has room for link type and snapshot length only.
public struct CaptureDescription: Sendable {
  /// The link type of the first interface.
  public var linkType: LinkType
  /// Octets kept of each packet.
  public var snaplen: UInt32
  /// The name of the interface; nil for packets that come from a file.
  public var interface: String?
  /// The filter expression; nil for none.
  public var filter: String?
  /// The program that writes the file, with its version.
  public var application: String?

  public init(
    linkType: LinkType, snaplen: UInt32, interface: String? = nil, filter: String? = nil, application: String? = nil
  ) {
    self.linkType = linkType
    self.snaplen = snaplen
    self.interface = interface
    self.filter = filter
    self.application = application
  }
}

/// What was counted while a file's packets were captured, for its last block.
public struct CaptureCounts: Sendable, Equatable {
  /// Packets that the kernel's filter let through.
  public var received: UInt64
  /// Packets that found no room in the kernel's buffer.
  public var droppedByKernel: UInt64
  /// Packets that the network card or its driver dropped.
  public var droppedByInterface: UInt64

  public init(received: UInt64, droppedByKernel: UInt64, droppedByInterface: UInt64) {
    self.received = received
    self.droppedByKernel = droppedByKernel
    self.droppedByInterface = droppedByInterface
  }
}

/// Puts headers and packets into octets, in the host's byte order.
struct SavefileEncoder {
  let format: SavefileFormat
  let description: CaptureDescription
  /// pcapng: the interfaces that have a block, by their index in the file.
  private var interfaces: [Interface] = []
  /// Packets whose timestamp did not fit in the file's words and was cut.
  private(set) var timestampsCut: UInt64 = 0

  private struct Interface: Equatable {
    var index: Int
    var linkType: LinkType
  }

  private enum Block {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
  }

  /// Interfaces of which a file may have blocks; more are not believed.
  private static let interfaceLimit = 4096
  private static let pcapHeaderLength = 24
  private static let pcapPacketHeaderLength = 16

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
      put(SIMD2(description.snaplen, description.linkType.fileValue), &buffer)
    case .pcapng:
      let start = buffer.count
      put(SIMD4<UInt32>(Block.sectionHeader, 0, 0x1a2b_3c4d, Self.halves(1, 0)), &buffer)
      // The length of the section is not known: all bits are set.
      put(SIMD2<UInt32>(.max, .max), &buffer)
      if let application = description.application { put(option: 4, application, &buffer) }
      put(option: 3, "Linux", &buffer)
      end(block: start, hasOptions: true, &buffer)
      interfaces.removeAll()
      describe(Interface(index: 0, linkType: description.linkType), &buffer)
    }
  }

  private mutating func describe(_ interface: Interface, _ buffer: inout TextBuffer) {
    let start = buffer.count
    interfaces.append(interface)
    let linkType = interface.linkType.fileValue & 0xffff
    put(
      SIMD4<UInt32>(
        Block.interfaceDescription, 0, Self.halves(UInt16(truncatingIfNeeded: linkType), 0), description.snaplen),
      &buffer)
    if let name = description.interface {
      put(option: 2, interface.index == 0 ? name : "\(name).\(interface.index)", &buffer)
    }
    // Fractions of a second are in units of 10 to the -9.
    put(option: 9, [9], &buffer)
    if let filter = description.filter {
      // The first octet says that text follows.
      put(option: 11, [0] + Array(filter.utf8), &buffer)
    }
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
      let interface = Interface(index: packet.interface, linkType: packet.linkType)
      var index = interfaces.firstIndex(of: interface)
      if index == nil, interfaces.count < Self.interfaceLimit {
        index = interfaces.count
        describe(interface, &buffer)
      }
      let (seconds, overflow) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let (nanoseconds, carry) = seconds.addingReportingOverflow(time.nanoseconds)
      if overflow || carry || nanoseconds < 0 { timestampsCut &+= 1 }
      let start = buffer.count
      put(
        SIMD4<UInt32>(
          Block.enhancedPacket, 0, UInt32(truncatingIfNeeded: index ?? 0),
          UInt32(truncatingIfNeeded: nanoseconds >> 32)), &buffer)
      put(
        ThreeWords(
          UInt32(truncatingIfNeeded: nanoseconds), UInt32(truncatingIfNeeded: packet.caplen),
          UInt32(truncatingIfNeeded: packet.len)), &buffer)
      buffer.write(packet.bytes.rawSpan)
      pad(buffer.count - start, &buffer)
      end(block: start, hasOptions: false, &buffer)
    }
  }

  /// The block that ends a pcapng file: what was counted, for the first interface. Nothing in pcap.
  func counts(_ counts: CaptureCounts, at time: Timestamp, _ buffer: inout TextBuffer) {
    guard format == .pcapng else { return }
    let start = buffer.count
    let nanoseconds = UInt64(bitPattern: time.seconds &* 1_000_000_000 &+ time.nanoseconds)
    put(
      SIMD4<UInt32>(
        Block.interfaceStatistics, 0, 0, UInt32(truncatingIfNeeded: nanoseconds >> 32)), &buffer)
    put(UInt32(truncatingIfNeeded: nanoseconds), &buffer)
    put(option: 4, counts.received, &buffer)
    put(option: 5, counts.droppedByInterface, &buffer)
    put(option: 7, counts.droppedByKernel, &buffer)
    end(block: start, hasOptions: true, &buffer)
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

  // MARK: What is whole

  /// How many octets and packets of `span` are whole records that end within its first `limit` octets. `atStart`: the file's header
  /// comes first.
  func wholePackets(in span: RawSpan, within limit: Int, atStart: Bool) -> (octets: Int, packets: UInt64) {
    let limit = min(limit, span.byteCount)
    var octets = 0
    var packets: UInt64 = 0
    func word(_ offset: Int) -> UInt32 {
      // Safe: every caller has compared with the limit, which is within the span.
      unsafe span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
    switch format {
    case .pcap:
      octets = atStart ? Self.pcapHeaderLength : 0
      guard octets <= limit else { return (0, 0) }
      while octets + Self.pcapPacketHeaderLength <= limit {
        let end = octets + Self.pcapPacketHeaderLength + Int(word(octets + 8))
        guard end <= limit else { break }
        octets = end
        packets += 1
      }
    case .pcapng:
      while octets + 12 <= limit {
        let end = octets + Int(word(octets + 4))
        guard end <= limit, end > octets else { break }
        if word(octets) == Block.enhancedPacket { packets += 1 }
        octets = end
      }
    }
    return (octets, packets)
  }
}

/// Three words in a row, without the padding of `SIMD3`.
private struct ThreeWords: BitwiseCopyable {
  var words: (UInt32, UInt32, UInt32)
  init(_ first: UInt32, _ second: UInt32, _ third: UInt32) { words = (first, second, third) }
}
