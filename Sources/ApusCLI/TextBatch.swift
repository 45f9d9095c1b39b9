import Dissect
import PacketCore
import Synchronization

/// Packets that follow one another, and their text as soon as somebody has printed it.
final class TextBatch: @unchecked Sendable {
  /// What is to be printed.
  struct Contents: ~Copyable {
    /// The packets in their order.
    var entries: [Entry] = []
    /// What is unusual about some of them.
    var details: [Detail] = []
    /// The text of packets that were printed before.
    var texts = TextBuffer(capacity: 1 << 12)
    /// The packets that times are told from, after each of those.
    var referencesAfterTexts: [TimeReferences] = []
    /// The packets before the first that times are told from.
    var references = TimeReferences()
    /// What is added to the numbers of interfaces in JSON.
    var interfaceBase = 0
    /// Captured bytes of the packets.
    var size = 0
    /// The bytes of packets that do not stay where they are.
    fileprivate var copies = OctetStore(capacity: 1 << 19)

    mutating func removeAll() {
      entries.removeAll(keepingCapacity: true)
      details.removeAll(keepingCapacity: true)
      texts.removeAll()
      referencesAfterTexts.removeAll(keepingCapacity: true)
      copies.removeAll()
      size = 0
    }
  }

  /// A packet in its place: where it lies in the file, which stays open until it is printed, or its copy. Small and without references, for there is one
  /// for each packet.
  @safe
  struct Entry: BitwiseCopyable {
    /// The first captured byte; nil where the packet was printed before.
    let octets: UnsafeRawPointer?
    let caplen: Int32
    let len: Int32
    let timestamp: Timestamp
    /// The packet's number; of one that was printed before, where its text ends.
    let number: UInt64
    let dependence: PacketDependence
    let linkType: LinkType
    /// Its place in `details`; -1 where there is none.
    let detail: Int32

    /// A packet of which a text is there that ends so many bytes from the start.
    init(textEnd: Int) {
      unsafe octets = nil
      (caplen, len, timestamp, number) = (0, 0, Timestamp(seconds: 0, nanoseconds: 0), UInt64(textEnd))
      (dependence, linkType, detail) = (.nothing, .null, -1)
    }

    /// A packet whose lengths are possible ones.
    @inline(__always)
    init(
      _ packet: borrowing Packet, at octets: UnsafeRawPointer?, number: UInt64, _ dependence: PacketDependence,
      detail: Int32
    ) {
      unsafe self.octets = octets
      caplen = Int32(truncatingIfNeeded: packet.caplen)
      len = Int32(truncatingIfNeeded: packet.len)
      timestamp = packet.timestamp
      self.number = number
      self.dependence = dependence
      linkType = packet.linkType
      self.detail = detail
    }
  }

  /// What most packets do not have.
  @safe
  struct Detail {
    let options: UnsafeRawBufferPointer
    let isByteSwapped: Bool
    let hasTime: Bool
    let interface: Int
    let direction: PacketDirection
    let interfaceName: String?
  }

  var contents = Contents()
  /// The text of all packets.
  var out = TextBuffer(capacity: 1 << 15)
  /// A worker has printed it, and leaves a token.
  var hasToken = true
  private let printed = Atomic<Bool>(false)

  /// True once the text is there: what happened before is then seen.
  var isPrinted: Bool { printed.load(ordering: .acquiring) }

  /// Makes the text, which is then what `isPrinted` tells.
  func print(_ printer: inout Printer, isJSON: Bool) {
    swap(&printer.out, &out)
    contents.print(&printer, isJSON: isJSON)
    swap(&printer.out, &out)
    printed.store(true, ordering: .releasing)
  }

  /// Forgets packets and text.
  func clear() {
    contents.removeAll()
    out.removeAll()
    hasToken = true
    printed.store(false, ordering: .relaxed)
  }
}

extension TextBatch.Contents {
  /// Adds a packet that is to be printed; `stays` where its bytes stay where they are until then. `interfaceName` is for JSON.
  @inline(__always)
  mutating func add(
    _ packet: borrowing Packet, number: UInt64, _ dependence: PacketDependence, interfaceName: String?, stays: Bool
  ) {
    let isUsual =
      packet.options.isEmpty && packet.interface == 0 && packet.hasTime && packet.direction == .unknown
      && interfaceName == nil
    let detail = isUsual ? -1 : addDetail(packet, interfaceName, stays)
    // Safe: the mapping stays as it is until the file is closed, and what is printed by then needs the packet no more.
    let octets = unsafe stays ? packet.bytes.rawSpan.withUnsafeBytes { unsafe $0 } : copies.copy(packet.bytes.rawSpan)
    unsafe entries.append(
      TextBatch.Entry(packet, at: octets.baseAddress, number: number, dependence, detail: detail))
    size &+= packet.caplen
  }

  @inline(never)
  private mutating func addDetail(
    _ packet: borrowing Packet, _ interfaceName: String?, _ stays: Bool
  ) -> Int32 {
    // Safe: as in `add`.
    let options =
      unsafe stays ? packet.options.octets.withUnsafeBytes { unsafe $0 } : copies.copy(packet.options.octets)
    unsafe details.append(
      TextBatch.Detail(
        options: options, isByteSwapped: packet.options.isByteSwapped, hasTime: packet.hasTime,
        interface: packet.interface, direction: packet.direction, interfaceName: interfaceName))
    if !stays { size &+= options.count }
    return Int32(truncatingIfNeeded: details.count &- 1)
  }

  /// Adds a packet whose text was appended to `texts`.
  mutating func addText(_ references: TimeReferences) {
    entries.append(TextBatch.Entry(textEnd: texts.count))
    referencesAfterTexts.append(references)
  }

  /// Appends the text of all packets to what the printer has; `ended` gets where the text of each ends. All are printed by this printer,
  /// which has seen those before.
  func printInOrder(_ printer: inout Printer, isJSON: Bool, ended: (Int) -> Void) {
    for entry in entries {
      if let octets = unsafe entry.octets { unsafe print(entry, octets, &printer, isJSON) }
      ended(printer.out.count)
    }
  }

  /// Appends the text of all packets to what the printer has.
  fileprivate func print(_ printer: inout Printer, isJSON: Bool) {
    printer.timeReferences = references
    var (start, textCount) = (0, 0)
    for entry in entries {
      guard let octets = unsafe entry.octets else {
        let end = Int(entry.number)
        printer.out.write(contentsOf: texts, from: start, to: end)
        printer.timeReferences = referencesAfterTexts[textCount]
        (start, textCount) = (end, textCount &+ 1)
        continue
      }
      unsafe print(entry, octets, &printer, isJSON)
    }
  }

  @inline(__always)
  private func print(
    _ entry: TextBatch.Entry, _ octets: UnsafeRawPointer, _ printer: inout Printer, _ isJSON: Bool
  ) {
    // Safe: see `add`.
    let span = unsafe RawSpan(_unsafeStart: octets, byteCount: Int(entry.caplen))
    let bytes = PacketBytes(span, length: Int(entry.len))
    if entry.detail >= 0 {
      print(details[Int(entry.detail)], entry, bytes, &printer, isJSON)
      return
    }
    let packet = Packet(bytes: bytes, timestamp: entry.timestamp, linkType: entry.linkType)
    print(packet, entry, nil, &printer, isJSON)
  }

  @inline(never)
  private func print(
    _ detail: TextBatch.Detail, _ entry: TextBatch.Entry, _ bytes: PacketBytes, _ printer: inout Printer, _ isJSON: Bool
  ) {
    // Safe: see `add`.
    let options = unsafe RawSpan(_unsafeBytes: detail.options)
    let stated = PacketOptions(options, isByteSwapped: detail.isByteSwapped)
    if detail.hasTime {
      let packet = Packet(
        bytes: bytes, timestamp: entry.timestamp, linkType: entry.linkType, interface: detail.interface,
        direction: detail.direction, options: stated)
      print(packet, entry, detail.interfaceName, &printer, isJSON)
    } else {
      let packet = Packet(
        bytes: bytes, timestamp: entry.timestamp, linkType: entry.linkType, interface: detail.interface,
        stating: stated, sourceTime: .missing, excess: RawSpan())
      print(packet, entry, detail.interfaceName, &printer, isJSON)
    }
  }

  @inline(__always)
  private func print(
    _ packet: borrowing Packet, _ entry: TextBatch.Entry, _ interface: String?, _ printer: inout Printer, _ isJSON: Bool
  ) {
    if case .earlierPackets = entry.dependence {
      // The printer has seen those.
      if isJSON {
        printer.json(packet, number: entry.number, interface: interface, base: interfaceBase)
      } else {
        printer.packet(packet, number: entry.number)
      }
    } else if isJSON {
      printer.json(
        packet, number: entry.number, interface: interface, base: interfaceBase, given: entry.dependence)
    } else {
      printer.packet(packet, number: entry.number, given: entry.dependence)
    }
  }
}
