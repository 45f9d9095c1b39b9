extension TextBuffer {
  /// The bytes of `span` in lines of sixteen: `indent`, the line's offset, groups of two bytes in hexadecimal, and, with `showsText`, a
  /// column with the bytes as text, `.` for everything except graphic ASCII.
  ///
  ///     <indent>0x0010:  4011 0000 c000 0201 c000 0202 0035 8b1f  @............5..
  public mutating func write(hexDump span: RawSpan, indent: StaticString, showsText: Bool) {
    let count = span.byteCount
    guard count > 0 else { return }
    let lines = (count &+ 15) / 16
    // Room for complete lines, and for the whole words that are stored at the end of each.
    guard reserve(lines &* (indent.utf8CodeUnitCount &+ HexLine.length) &+ HexLine.slack) else { return }
    var offset = 0
    while offset < count {
      write(indent)
      let rest = count &- offset
      if rest >= 16 {
        // Safe: sixteen bytes from offset on are within the span.
        let low = unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        let high = unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 8, as: UInt64.self)
        put(HexLine(offset: offset, low: UInt64(littleEndian: low), high: UInt64(littleEndian: high)), 16, showsText)
        offset &+= 16
        continue
      }
      var low: UInt64 = 0
      var high: UInt64 = 0
      for index in 0..<rest {
        // Safe: offset + index is below the span's end.
        let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset &+ index, as: UInt8.self)
        if index < 8 {
          low |= UInt64(octet) << UInt64(8 &* index)
        } else {
          high |= UInt64(octet) << UInt64(8 &* (index &- 8))
        }
      }
      put(HexLine(offset: offset, low: low, high: high), rest, showsText)
      return
    }
  }

  /// Writes one line without its indent; the caller has reserved room. It stores whole words, and later stores overwrite the excess.
  @inline(__always)
  private mutating func put(_ line: HexLine, _ octets: Int, _ showsText: Bool) {
    var place = count
    if line.offset < 0x1_0000 {
      store(
        HexLine.zeroX | HexLine.digits(of: UInt32(UInt16(truncatingIfNeeded: line.offset).bigEndian)) << 16, at: place)
      store(HexLine.colon, at: place &+ 6)
      place &+= 8
    } else {
      write("0x")
      write(hex: UInt(bitPattern: line.offset))
      write(": ")
      place = count
    }
    let groups = (
      HexLine.digits(of: UInt32(truncatingIfNeeded: line.low)),
      HexLine.digits(of: UInt32(truncatingIfNeeded: line.low >> 32)),
      HexLine.digits(of: UInt32(truncatingIfNeeded: line.high)),
      HexLine.digits(of: UInt32(truncatingIfNeeded: line.high >> 32))
    )
    storeGroups(groups.0, place)
    storeGroups(groups.1, place &+ 10)
    storeGroups(groups.2, place &+ 20)
    storeGroups(groups.3, place &+ 30)
    if octets < 16 {
      // Two characters for each byte and a blank before each group; then blanks up to the text column.
      let end = place &+ octets &* 2 &+ (octets &+ 1) / 2
      count = end
      guard showsText else { return }
      while place &+ 40 > count { put(UInt8(ascii: " ")) }
    }
    guard showsText else {
      count = place &+ 40
      return
    }
    store(HexLine.blanks, at: place &+ 40)
    store(HexLine.text(of: line.low), at: place &+ 42)
    store(HexLine.text(of: line.high), at: place &+ 50)
    count = place &+ 42 &+ octets
  }

  /// Two groups of four digits, each after a blank: ten characters.
  @inline(__always)
  private func storeGroups(_ digits: UInt64, _ place: Int) {
    store(digits << 8 | 0x20, at: place)
    store((digits >> 32) << 8 | 0x20, at: place &+ 5)
  }

  /// The bytes `start..<end` of `span`, unchanged if they are graphic ASCII, otherwise `.`. Writes nothing if the range is not within the
  /// span.
  public mutating func write(graphicOf span: RawSpan, from start: Int, to end: Int) {
    guard start >= 0, start <= end, end <= span.byteCount else { return }
    guard reserve(end &- start) else { return }
    for offset in start..<end {
      // Safe: offset is in start..<end, which the guard proved to lie within the span.
      let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      put(octet > 0x20 && octet < 0x7f ? octet : UInt8(ascii: "."))
    }
  }
}

/// Sixteen bytes for a line of a dump, in two words of eight, the first byte lowest.
struct HexLine {
  let offset: Int
  let low: UInt64
  let high: UInt64

  /// The maximum number of characters in a line without its indent: an offset of up to sixteen digits, forty of hexadecimal, the text.
  static let length = 2 + 16 + 2 + 40 + 2 + 16
  /// How far a stored word may extend past a line.
  static let slack = 8

  static let zeroX: UInt64 = 0x7830
  static let colon: UInt64 = 0x203a
  static let blanks: UInt64 = 0x2020
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The eight hexadecimal digits of four bytes, computed in parallel: the two halves of each byte are spread to separate bytes, and those
  /// above nine get the distance to the letters added.
  @inline(__always)
  static func digits(of octets: UInt32) -> UInt64 {
    var spread = UInt64(octets)
    spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
    spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
    let halves = (spread >> 4 & 0x000f_000f_000f_000f) | (spread & 0x000f_000f_000f_000f) << 8
    let letters = (halves &+ 6 &* ones) >> 4 & ones
    return halves &+ 0x30 &* ones &+ letters &* 0x27
  }

  /// Eight bytes, with `.` for those that are not graphic ASCII (0x21 to 0x7e), computed in parallel.
  @inline(__always)
  static func text(of octets: UInt64) -> UInt64 {
    let top = 0x80 &* ones
    let low = octets & ~top
    let graphic = (low &+ (0x80 - 0x21) &* ones) & ~(low &+ ones) & ~octets & top
    let mask = (graphic >> 7) &* 0xff
    return octets & mask | 0x2e &* ones & ~mask
  }
}
