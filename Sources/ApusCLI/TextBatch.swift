import Dissect
import PacketCore
import Synchronization

/// Consecutive packets, and their text once it is printed.
final class TextBatch: @unchecked Sendable {
  /// The packets to print.
  struct Contents: ~Copyable {
    /// The packets in their order.
    var entries: [Entry] = []
    /// Unusual properties that some of them have.
    var details: [Detail] = []
    /// The text of packets that were printed in advance.
    var texts = TextBuffer(capacity: 1 << 12)
    /// The reference packets for relative times, after each of those texts.
    var referencesAfterTexts: [TimeReferences] = []
    /// The reference packets for relative times, before the first packet.
    var references = TimeReferences()
    /// An offset that is added to the numbers of interfaces in JSON.
    var interfaceBase = 0
    /// Captured bytes of the packets.
    var size = 0
    /// Copies of packets that do not stay in memory.
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

  /// A packet in its place: a pointer into the file, which stays open until the packet is printed, or to a copy. Small and without
  /// references, since there is one for each packet.
  @safe
  struct Entry: BitwiseCopyable {
    /// The first captured byte; nil if the packet was printed in advance.
    let octets: UnsafeRawPointer?
    let caplen: Int32
    let len: Int32
    let timestamp: Timestamp
    /// The packet's number; if it was printed in advance, the offset at which its text ends.
    let number: UInt64
    let dependence: PacketDependence
    let linkType: LinkType
    /// Its index in `details`; -1 if there is none.
    let detail: Int32

    /// A packet that was printed in advance; its text ends at that offset.
    init(textEnd: Int) {
      unsafe octets = nil
      (caplen, len, timestamp, number) = (0, 0, Timestamp(seconds: 0, nanoseconds: 0), UInt64(textEnd))
      (dependence, linkType, detail) = (.nothing, .null, -1)
    }

    /// A packet whose lengths are valid.
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

  /// Properties that most packets do not have.
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
  /// A worker has printed this batch, which leaves a token.
  var hasToken = true
  private let printed = Atomic<Bool>(false)

  /// True once the text is complete; it is then visible to this thread.
  var isPrinted: Bool { printed.load(ordering: .acquiring) }

  /// Prints the packets, then sets `isPrinted`.
  func print(_ printer: inout Printer, isJSON: Bool) {
    swap(&printer.out, &out)
    contents.print(&printer, isJSON: isJSON)
    swap(&printer.out, &out)
    printed.store(true, ordering: .releasing)
  }

  /// Removes packets and text.
  func clear() {
    contents.removeAll()
    out.removeAll()
    hasToken = true
    printed.store(false, ordering: .relaxed)
  }
}

extension TextBatch.Contents {
  /// Adds a packet to be printed; `stays` if its bytes remain in memory until then. `interfaceName` is for JSON.
  @inline(__always)
  mutating func add(
    _ packet: borrowing Packet, number: UInt64, _ dependence: PacketDependence, interfaceName: String?, stays: Bool
  ) {
    let isUsual =
      packet.options.isEmpty && packet.interface == 0 && packet.hasTime && packet.direction == .unknown
      && interfaceName == nil
    let detail = isUsual ? -1 : addDetail(packet, interfaceName, stays)
    // Safe: the mapping does not change until the file is closed, and by then the packet has been printed.
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

  /// Adds a packet whose text was just appended to `texts`.
  mutating func addText(_ references: TimeReferences) {
    entries.append(TextBatch.Entry(textEnd: texts.count))
    referencesAfterTexts.append(references)
  }

  /// Appends the text of all packets to the printer's; `ended` gets the offset at which the text of each ends. One printer prints all
  /// packets in order, so it knows all earlier ones.
  func printInOrder(_ printer: inout Printer, isJSON: Bool, ended: (Int) -> Void) {
    for entry in entries {
      if let octets = unsafe entry.octets { unsafe print(entry, octets, &printer, isJSON) }
      ended(printer.out.count)
    }
  }

  /// Appends the text of all packets to the printer's.
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
      // This printer has seen all earlier packets.
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
