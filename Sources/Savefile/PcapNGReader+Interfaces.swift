import PacketCore

/// Texts and options of interface descriptions. Each is stored once, however many interfaces have it, and all of them together take at most
/// 16 MiB.
final class DescriptionStore {
  private var strings: Set<String> = []
  private var values: Set<[UInt8]> = []
  private var octets = 0
  /// The offset of the last block that was kept: a walk that looks ahead reads it again.
  var lastBlock = -1

  private static let limit = 16 << 20
  /// Additional bytes that each text costs.
  private static let overhead = 64

  /// The text; nil if there is no room for it.
  func text(_ octets: UnsafeRawBufferPointer) -> String? {
    // Safe: the bytes are copied before this returns.
    let text = unsafe String(decoding: octets, as: UTF8.self)
    if let index = strings.firstIndex(of: text) { return strings[index] }
    guard takeRoom(text.utf8.count) else { return nil }
    strings.insert(text)
    return text
  }

  /// The bytes; nil if there is no room for them.
  func value(_ octets: [UInt8]) -> [UInt8]? {
    if let index = values.firstIndex(of: octets) { return values[index] }
    guard takeRoom(octets.count) else { return nil }
    values.insert(octets)
    return octets
  }

  /// Counts stored bytes; false if there is no room for them.
  func takeRoom(_ count: Int) -> Bool {
    guard octets + count + Self.overhead <= Self.limit else { return false }
    octets += count + Self.overhead
    return true
  }

  /// True if there is no room even for a short text.
  var isFull: Bool { octets + Self.overhead > Self.limit }
}

extension PcapNGReader {
  /// The maximum number of interfaces in a file, over all its sections.
  private static let interfaceLimit = 1 << 18

  private enum Option {
    static let name: UInt16 = 2
    static let details: UInt16 = 3
    static let speed: UInt16 = 8
    static let resolution: UInt16 = 9
    static let timeZone: UInt16 = 10
    static let filter: UInt16 = 11
    static let system: UInt16 = 12
    static let timeOffset: UInt16 = 14
    static let sendSpeed: UInt16 = 16
    static let receiveSpeed: UInt16 = 17
  }

  ///      0  link type, reserved
  ///      4  snaplen
  ///      8  options: code, length, value padded to 4 octets
  mutating func readInterface(_ block: Block, _ file: FileWindow) throws(Fault) {
    guard block.length >= 8, let linkType = file.u16(at: block.body), let snaplen = file.u32(at: block.body + 4) else {
      throw tooShort(block)
    }
    guard interfacesBefore + interfaces.count < Self.interfaceLimit else {
      throw .malformed(at: block.start, "the capture file has more than \(Self.interfaceLimit) interfaces")
    }
    var interface = Interface(linkType: LinkType(fileValue: UInt32(host(linkType))), snaplen: host(snaplen))
    var description = InterfaceDescription(linkType: interface.linkType, snaplen: interface.snaplen)
    description.resolution = 6
    if interface.snaplen == 0 || interface.snaplen > UInt32(Int32.max) {
      interface.snaplen = maximumCaplen(interface.linkType)
    }
    // Even if an option is malformed, the interface gets its number.
    defer { add(interface, description) }
    let end = block.body + block.length
    var position = block.body + 8
    options: while position < end {
      guard end - position >= 4, let rawCode = file.u16(at: position), let rawLength = file.u16(at: position + 2) else {
        throw tooShort(block)
      }
      let (code, length) = (host(rawCode), Int(host(rawLength)))
      let value = position + 4
      guard end - value >= length else { throw tooShort(block) }
      switch (code, length) {
      case (0, _): break options
      case (Option.resolution, 1):
        let octet = UInt8(truncatingIfNeeded: UInt32(littleEndian: file.u32(at: value) ?? 0))
        guard let resolution = TimestampResolution(optionValue: octet) else {
          let base = octet & 0x80 != 0 ? 2 : 10
          throw .malformed(
            at: block.start,
            "Interface Description Block if_tsresol option resolution \(base)^-\(octet & 0x7f) is too high")
        }
        interface.resolution = resolution
        description.resolution = octet
      case (Option.timeOffset, 8):
        let (low, high) = (host(file.u32(at: value) ?? 0), host(file.u32(at: value + 4) ?? 0))
        let isBigEndian = isByteSwapped == (UInt32(littleEndian: 1) == 1)
        let (upper, lower) = isBigEndian ? (low, high) : (high, low)
        interface.offset = Int64(bitPattern: UInt64(upper) << 32 | UInt64(lower))
        description.timeOffset = interface.offset
      case (Option.name, _): description.name = text(file, value, length)
      case (Option.details, _): description.details = text(file, value, length)
      // The first byte says whether the filter is text.
      case (Option.filter, 1...) where unsafe file.octets(at: value, length: 1).first == 0:
        description.filter = text(file, value + 1, length - 1)
      case (Option.system, _): description.system = text(file, value, length)
      case (Option.resolution, _):
        throw .malformed(
          at: block.start, "Interface Description Block has if_tsresol option with length \(length) != 1")
      case (Option.timeOffset, _):
        throw .malformed(
          at: block.start, "Interface Description Block has if_tsoffset option with length \(length) != 8")
      default:
        if let option = option(code, file, value, length) { description.options.append(option) }
      }
      position = value + (length + 3) & ~3
    }
  }

  /// The text of an option; nil if there is no room for it.
  private func text(_ file: FileWindow, _ offset: Int, _ length: Int) -> String? {
    let text = store.isFull ? nil : unsafe store.text(file.octets(at: offset, length: length))
    if text == nil { table.losses.texts += 1 }
    return text
  }

  /// An option to be copied, with its numbers in the host's byte order; nil if there is no room for it.
  private func option(_ code: UInt16, _ file: FileWindow, _ offset: Int, _ length: Int) -> BlockOption? {
    guard !store.isFull else {
      table.losses.texts += 1
      return nil
    }
    // Safe: the bytes are copied while the window is valid.
    var swapper = unsafe ByteSwapper(Array(file.octets(at: offset, length: length)), isNeeded: isByteSwapped)
    switch (code, length) {
    case (Option.speed, 8), (Option.sendSpeed, 8), (Option.receiveSpeed, 8): swapper.swap(at: 0, 8)
    case (Option.timeZone, 4): swapper.swap(at: 0, 4)
    case (2988, 4...), (2989, 4...), (19372, 4...), (19373, 4...): swapper.swap(at: 0, 4)
    default: break
    }
    // The entry in the list takes room, too, even if the value is shared.
    guard let value = store.value(swapper.octets), store.takeRoom(0) else {
      table.losses.texts += 1
      return nil
    }
    return BlockOption(code: code, value: value)
  }

  private mutating func add(_ interface: Interface, _ description: InterfaceDescription) {
    // A walk that looks ahead reads a block twice.
    if interfacesBefore + interfaces.count == table.count { table.append(description) }
    if interfacesBefore == 0, interfaces.isEmpty { first = interface }
    if interface.resolution.precision == .nanoseconds { finest = .nanoseconds }
    interfaces.append(interface)
    largestBlock = max(largestBlock, maximumCaplen(interface.linkType) + (64 << 20))
  }
}
