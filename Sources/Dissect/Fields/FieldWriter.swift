public import PacketCore

/// Writes the fields of headers as JSON (RFC 8259): objects and arrays in the order in which dissectors write them.
///
/// A dissector only names what it has read. Objects and arrays that it left open, because the packet ended there, are closed with its
/// layer.
public struct FieldWriter: ~Copyable {
  /// The JSON text.
  public var json = TextBuffer(capacity: 1 << 14)
  /// The closing bracket of each open object and array, the innermost last.
  @usableFromInline var closers = TextBuffer(capacity: 128)
  /// The domain name that was read last: each label followed by a dot.
  package var domainName = TextBuffer(capacity: 512)
  /// A member or element precedes the next one.
  @usableFromInline var needsComma = false
  /// The second of the times that were written last, and their text for that second: up to the fraction of `time`, and from there to the
  /// fraction of `epoch`.
  var second: Int64?
  var secondText = TextBuffer(capacity: 64)
  var epochText = TextBuffer(capacity: 64)
  /// The link type that was written last, and its name as JSON.
  private var linkType: LinkType?
  private var linkTypeText = TextBuffer(capacity: 64)
  /// While a closed object is open again: where the JSON written now belongs. See `resume`.
  private var resumed: (start: Int, end: Int, closers: Int)?

  /// A writer that has written nothing.
  public init() {}

  /// Discards everything.
  package mutating func removeAll() {
    json.removeAll()
    closers.removeAll()
    needsComma = false
    resumed = nil
  }

  // MARK: Structure

  /// How many objects and arrays are open.
  @inlinable
  package var level: Int { closers.count }

  /// Begins an object that has no key.
  @inlinable @inline(__always)
  public mutating func beginObject() { open(UInt8(ascii: "{"), closer: UInt8(ascii: "}")) }

  /// Begins an object that is a member of the one that is open.
  @inlinable @inline(__always)
  public mutating func beginObject(_ key: StaticString) {
    write(key: key)
    needsComma = false
    open(UInt8(ascii: "{"), closer: UInt8(ascii: "}"))
  }

  /// Begins an array that is a member of the object that is open.
  @inlinable @inline(__always)
  public mutating func beginArray(_ key: StaticString) {
    write(key: key)
    needsComma = false
    open(UInt8(ascii: "["), closer: UInt8(ascii: "]"))
  }

  /// Closes the object or array that was opened last.
  @inlinable
  public mutating func end() {
    guard !closers.isEmpty else { return }
    let last = closers.count &- 1
    json.write(byte: closers.byte(at: last))
    closers.truncate(to: last)
    needsComma = true
  }

  /// Closes all but the outer `count` of the open objects and arrays.
  @inlinable @inline(__always)
  package mutating func end(downTo count: Int) { while closers.count > count { end() } }

  // MARK: Objects of layers

  /// Closes the object of a layer, and everything open in it, down to `level`; keeps in `object` what `resume` needs.
  mutating func suspend(_ object: inout LayerObject, to level: Int) {
    if resumed == nil, closers.count == level &+ 1 {
      // Only the object itself is open.
      object = LayerObject(end: json.count, levels: 1)
      json.write(byte: UInt8(ascii: "}"))
      closers.truncate(to: level)
      needsComma = true
      return
    }
    let place = resumed
    resumed = nil
    if let place, json.count == place.start, closers.count > level {
      // Nothing was added: the object is already closed where it was.
      closers.truncate(to: level)
      needsComma = true
      return
    }
    let levels = closers.count - level
    object = LayerObject(end: (place?.end ?? 0) + json.count - (place?.start ?? 0), levels: max(0, levels))
    for index in 0..<max(0, min(levels, LayerObject.maximumLevels))
    where closers.byte(at: level + index) == UInt8(ascii: "]") { object.arrays |= 1 << UInt64(index) }
    end(downTo: level)
    if let place { json.moveTail(from: place.start, to: place.end, replacing: place.closers) }
    needsComma = true
  }

  /// Opens the object of a layer again, with the arrays and objects that were open in it, although objects of other layers follow it in the
  /// JSON. What is written now is moved to the end of that object when it is suspended again.
  mutating func resume(_ object: LayerObject) {
    guard (1...LayerObject.maximumLevels).contains(object.levels) else { return }
    for index in 0..<object.levels {
      closers.write(byte: object.arrays >> UInt64(index) & 1 == 1 ? UInt8(ascii: "]") : UInt8(ascii: "}"))
    }
    let last = json.byte(at: object.end - 1)
    needsComma = last != UInt8(ascii: "{") && last != UInt8(ascii: "[")
    resumed = (start: json.count, end: object.end, closers: object.levels)
  }

  @inlinable @inline(__always)
  mutating func open(_ opener: UInt8, closer: UInt8) {
    separate()
    json.write(byte: opener)
    closers.write(byte: closer)
    needsComma = false
  }

  @inlinable @inline(__always)
  mutating func separate() {
    if needsComma { json.write(byte: UInt8(ascii: ",")) }
    needsComma = true
  }

  /// `"key":`, after a comma if one is needed; the caller then writes the value into `json`.
  @inlinable @inline(__always)
  public mutating func write(key: StaticString) {
    json.write(key: key, isNext: needsComma)
    needsComma = true
  }

  // MARK: Members

  /// A number.
  @inlinable @inline(__always)
  public mutating func write(_ key: StaticString, _ number: some FixedWidthInteger) {
    write(key: key)
    if number < 0 { json.write(byte: UInt8(ascii: "-")) }
    json.write(decimal: UInt64(truncatingIfNeeded: number.magnitude))
  }

  package mutating func writeNull(_ key: StaticString) {
    write(key: key)
    json.write("null")
  }

  /// A flag.
  @inlinable @inline(__always)
  public mutating func write(_ key: StaticString, _ flag: Bool) {
    write(key: key)
    json.write(flag: flag)
  }

  /// Words of the program, which need no escapes.
  @inlinable @inline(__always)
  public mutating func write(_ key: StaticString, _ words: StaticString) {
    write(key: key)
    json.write(quoted: words)
  }

  /// The name of a link type, or its number if it has none. Most packets have the link type of the previous one, so its text is kept.
  mutating func write(_ key: StaticString, _ type: LinkType) {
    if linkType != type {
      linkType = type
      linkTypeText.removeAll()
      let name = type.name ?? "\(type.rawValue)"
      // Safe: the text outlives the call.
      linkTypeText.write(jsonString: unsafe name.utf8.span.bytes)
    }
    write(key: key)
    json.write(contentsOf: linkTypeText)
  }

  /// Any text.
  @_disfavoredOverload
  public mutating func write(_ key: StaticString, _ text: String) {
    write(key: key)
    // Safe: the text outlives the call.
    json.write(jsonString: unsafe text.utf8.span.bytes)
  }

  /// A number, and its name under a second key, if it has one.
  @inlinable @inline(__always)
  package mutating func write(
    _ key: StaticString, _ number: some FixedWidthInteger & UnsignedInteger, _ nameKey: StaticString,
    _ names: ValueNames
  ) {
    write(key, number)
    if let name = names[number] { write(nameKey, name) }
  }

  /// Text from the wire.
  package mutating func write(_ key: StaticString, text bytes: PacketBytes) { write(key, text: bytes.rawSpan) }

  /// Any text, as bytes.
  package mutating func write(_ key: StaticString, text span: RawSpan) {
    write(key: key)
    json.write(jsonString: span)
  }

  /// The domain name that was read last.
  package mutating func writeDomainName(_ key: StaticString) {
    write(key: key)
    json.write(jsonString: domainName, from: 0)
  }

  /// A number that was written as text into a buffer, from `start` on.
  package mutating func write(_ key: StaticString, number text: borrowing TextBuffer, from start: Int) {
    write(key: key)
    json.write(contentsOf: text, from: start)
  }

  /// Text that the program wrote into a buffer, from `start` on.
  package mutating func write(_ key: StaticString, text: borrowing TextBuffer, from start: Int) {
    write(key: key)
    json.write(jsonString: text, from: start)
  }

  /// Bytes from the wire, as hexadecimal digits.
  package mutating func write(_ key: StaticString, hex bytes: PacketBytes) {
    write(key: key)
    json.write(byte: UInt8(ascii: "\""))
    json.write(hexOf: bytes.rawSpan)
    json.write(byte: UInt8(ascii: "\""))
  }

  /// Bytes from the wire in base64 (RFC 4648 section 4).
  package mutating func write(_ key: StaticString, base64 bytes: PacketBytes) {
    write(key: key)
    json.write(byte: UInt8(ascii: "\""))
    json.write(base64Of: bytes.rawSpan)
    json.write(byte: UInt8(ascii: "\""))
  }

  // Disfavoured because addresses can be literals: a string literal is a word, not an address.
  @_disfavoredOverload
  @inlinable @inline(__always)
  package mutating func write(_ key: StaticString, _ address: IPv4Address) {
    write(key: key)
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }

  @_disfavoredOverload
  @inlinable @inline(__always)
  package mutating func write(_ key: StaticString, _ address: IPv6Address) {
    write(key: key)
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }

  @_disfavoredOverload
  @inlinable @inline(__always)
  package mutating func write(_ key: StaticString, _ address: MACAddress) {
    write(key: key)
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }

  // MARK: Elements of arrays

  package mutating func element(_ number: some FixedWidthInteger & UnsignedInteger) {
    separate()
    json.write(decimal: number)
  }

  package mutating func element(_ words: StaticString) {
    separate()
    json.write(quoted: words)
  }

  package mutating func element(text span: RawSpan) {
    separate()
    json.write(jsonString: span)
  }

  /// Text that the program wrote into a buffer, from `start` on.
  package mutating func element(text: borrowing TextBuffer, from start: Int) {
    separate()
    json.write(jsonString: text, from: start)
  }

  /// The domain name that was read last.
  package mutating func elementDomainName() {
    separate()
    json.write(jsonString: domainName, from: 0)
  }

  package mutating func element(text bytes: PacketBytes) { element(text: bytes.rawSpan) }

  package mutating func element(_ flag: Bool) {
    separate()
    json.write(flag: flag)
  }

  package mutating func element(signed number: some FixedWidthInteger & SignedInteger) {
    separate()
    json.write(decimal: number)
  }

  @_disfavoredOverload
  package mutating func element(_ address: IPv4Address) {
    separate()
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }

  @_disfavoredOverload
  package mutating func element(_ address: IPv6Address) {
    separate()
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }

  package mutating func element(_ address: MACAddress) {
    separate()
    json.write(byte: UInt8(ascii: "\""))
    json.write(address)
    json.write(byte: UInt8(ascii: "\""))
  }
}

/// The object of a layer that was closed when the next header began, and that its dissector may continue later.
struct LayerObject: BitwiseCopyable {
  /// The offset of its closing brackets in the JSON.
  var end = 0
  /// How many closing brackets there are: that of the object, and those of the arrays and objects that were open in it.
  var levels = 0
  /// Which of them close arrays: one bit for each level, the lowest bit for the object itself.
  var arrays: UInt64 = 0

  /// The maximum number of levels that can be opened again.
  static var maximumLevels: Int { 64 }
}

extension TextBuffer {
  /// The content of another buffer from `start` on, as a JSON string.
  package mutating func write(jsonString text: borrowing TextBuffer, from start: Int) {
    let span = text.bytes
    let offset = min(max(0, start), span.byteCount)
    write(jsonString: span.extracting(offset..<span.byteCount))
  }

  /// A JSON string (RFC 8259 section 7): quotes, backslashes and control characters, C1 included, are escaped, and so are characters that
  /// reorder text or are invisible in it; each byte that is not UTF-8 becomes U+FFFD.
  package mutating func write(jsonString span: RawSpan) {
    write(byte: UInt8(ascii: "\""))
    var offset = 0
    while offset < span.byteCount {
      if let octets = span.plainOctets(at: offset) {
        write(octets: octets)
        offset &+= 8
        continue
      }
      if let octets = span.plainRest(at: offset) {
        write(octets: octets, count: span.byteCount &- offset)
        break
      }
      // Safe: offset is below byteCount.
      let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      switch octet {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        write(byte: UInt8(ascii: "\\"))
        write(byte: octet)
      case 0x20..<0x7f: write(byte: octet)
      case 0..<0x80:
        write("\\u00")
        write(hex: octet, width: 2)
      default:
        let length = span.lengthOfScalar(at: offset)
        if length == 0 {
          write("\\ufffd")
        } else if let scalar = span.scalar(at: offset, length: length), scalar.value < 0xa0 || scalar.isDeceptive {
          // A character above U+FFFF is escaped as two surrogates.
          for unit in String(scalar).utf16 {
            write("\\u")
            write(hex: unit, width: 4)
          }
        } else {
          for index in offset..<(offset &+ length) { write(byte: span.octet(at: index)) }
        }
        offset &+= max(1, length)
        continue
      }
      offset &+= 1
    }
    write(byte: UInt8(ascii: "\""))
  }

  /// Base64: four characters for every three bytes, the last group padded with `=` (RFC 4648 section 4).
  package mutating func write(base64Of span: RawSpan) {
    func character(_ value: UInt32) -> UInt8 {
      let value = UInt8(truncatingIfNeeded: value & 63)
      return switch value {
      case 0..<26: UInt8(ascii: "A") &+ value
      case 26..<52: UInt8(ascii: "a") &+ (value &- 26)
      case 52..<62: UInt8(ascii: "0") &+ (value &- 52)
      case 62: UInt8(ascii: "+")
      default: UInt8(ascii: "/")
      }
    }
    for offset in stride(from: 0, to: span.byteCount, by: 3) {
      let rest = span.byteCount &- offset
      let group =
        UInt32(span.octet(at: offset)) << 16 | UInt32(span.octet(at: offset &+ 1)) << 8
        | UInt32(span.octet(at: offset &+ 2))
      write(byte: character(group >> 18))
      write(byte: character(group >> 12))
      write(byte: rest > 1 ? character(group >> 6) : UInt8(ascii: "="))
      write(byte: rest > 2 ? character(group) : UInt8(ascii: "="))
    }
  }

  /// Two lower-case hexadecimal digits for each byte.
  package mutating func write(hexOf span: RawSpan) {
    for offset in 0..<span.byteCount { write(hex: span.octet(at: offset), width: 2) }
  }
}

extension RawSpan {
  /// The eight bytes at an offset, the first in the lowest bits, if there are eight and a JSON string needs no escape for any of them:
  /// printable ASCII except the quotation mark and the backslash.
  @inline(__always)
  fileprivate func plainOctets(at offset: Int) -> UInt64? {
    guard let octets = printableOctets(at: offset) else { return nil }
    return octets.hasEscaped ? nil : octets
  }

  /// The same for the last one to seven bytes, from an offset on; the unused upper bytes are spaces.
  @inline(__always)
  fileprivate func plainRest(at offset: Int) -> UInt64? {
    let rest = byteCount &- offset
    guard offset >= 0, rest > 0, rest < 8 else { return nil }
    var octets: UInt64 = 0x2020_2020_2020_2020
    for index in stride(from: byteCount &- 1, through: offset, by: -1) {
      // Safe: the guard proved that the index is not negative, and it is below byteCount.
      octets = octets &<< 8 | UInt64(unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self))
    }
    return octets.isPrintable && !octets.hasEscaped ? octets : nil
  }

  /// The byte at an offset; 0 if there is none.
  fileprivate func octet(at offset: Int) -> UInt8 {
    guard offset >= 0, offset < byteCount else { return 0 }
    // Safe: the guard proved that the byte is there.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// The character of a UTF-8 sequence of `length` bytes, two to four, at an offset.
  fileprivate func scalar(at offset: Int, length: Int) -> Unicode.Scalar? {
    var value = UInt32(octet(at: offset)) & (0x7f >> UInt32(length))
    for index in 1..<max(1, length) { value = value << 6 | UInt32(octet(at: offset &+ index)) & 0x3f }
    return Unicode.Scalar(value)
  }

  /// Length in bytes of the UTF-8 sequence (RFC 3629 section 4) of two bytes or more that begins at an offset; 0 if none does.
  package func lengthOfScalar(at offset: Int) -> Int {
    let first = octet(at: offset)
    let second = octet(at: offset &+ 1)
    func isTail(_ octet: UInt8) -> Bool { octet & 0xc0 == 0x80 }
    switch first {
    case 0xc2...0xdf: return isTail(second) ? 2 : 0
    case 0xe0...0xef:
      let isInRange = first == 0xe0 ? second >= 0xa0 : first == 0xed ? second < 0xa0 : true
      return isInRange && isTail(second) && isTail(octet(at: offset &+ 2)) ? 3 : 0
    case 0xf0...0xf4:
      let isInRange = first == 0xf0 ? second >= 0x90 : first == 0xf4 ? second < 0x90 : true
      return isInRange && isTail(second) && isTail(octet(at: offset &+ 2)) && isTail(octet(at: offset &+ 3)) ? 4 : 0
    default: return 0
    }
  }
}

extension UInt64 {
  /// True if one of the eight bytes is a quotation mark or a backslash.
  @inline(__always)
  fileprivate var hasEscaped: Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let escaped = octetsEqual(to: ones &* 0x22) | octetsEqual(to: ones &* 0x5c)
    return escaped & (ones &* 0x80) != 0
  }
}
