extension TextBuffer {
  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }

  /// The octets `start..<end` of `span` in hexadecimal, in groups of two octets, each group after a space. Writes nothing
  /// where the range is not within the span.
  public mutating func write(hexGroups span: RawSpan, from start: Int, to end: Int) {
    guard start >= 0, start <= end, end <= span.byteCount else { return }
    reserve((end &- start) &* 3 &+ 1)
    var offset = start
    while offset < end {
      // Safe: offset is in start..<end, which the guard proved to lie within the span.
      let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if (offset &- start) & 1 == 0 { put(UInt8(ascii: " ")) }
      put(Self.digit(octet >> 4))
      put(Self.digit(octet & 15))
      offset &+= 1
    }
  }

  /// The octets `start..<end` of `span` as they are where they are graphic ASCII, and `.` for all others. Writes nothing
  /// where the range is not within the span.
  public mutating func write(graphicOf span: RawSpan, from start: Int, to end: Int) {
    guard start >= 0, start <= end, end <= span.byteCount else { return }
    reserve(end &- start)
    for offset in start..<end {
      // Safe: offset is in start..<end, which the guard proved to lie within the span.
      let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      put(octet > 0x20 && octet < 0x7f ? octet : UInt8(ascii: "."))
    }
  }
}
