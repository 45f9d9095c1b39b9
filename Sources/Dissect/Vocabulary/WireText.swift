package import PacketCore

extension Printer {
  /// The first `length` bytes as escaped text. Throws `.truncated` after the captured ones.
  package mutating func writeText(_ bytes: PacketBytes, length: Int) throws(DecodeError) {
    out.write(escaped: bytes.clamped(to: length))
    if bytes.count < length { throw .truncated }
  }

  /// Text up to a zero byte or the end of `bytes`, escaped. Throws `.truncated` if neither was captured.
  package mutating func writeTextToNUL(_ bytes: PacketBytes) throws(DecodeError) {
    for index in 0..<max(0, bytes.length) {
      let octet = try bytes.u8(at: index)
      if octet == 0 { return }
      out.write(escaped: octet)
    }
  }

  /// Text up to a zero byte, and `closing`; returns the offset after the zero. Without a zero, throws `.truncated` after the text and
  /// `closing`.
  package mutating func writeTerminatedText(
    _ bytes: PacketBytes, at start: Int, closing: StaticString = ""
  ) throws(DecodeError) -> Int {
    var end = start
    let limit = min(bytes.count, bytes.length)
    while end < limit, try bytes.u8(at: end) != 0 { end &+= 1 }
    out.write(escaped: try bytes.slice(at: start, length: end &- start))
    out.write(closing)
    guard end < limit else { throw .truncated }
    return end &+ 1
  }

  /// A byte as two hexadecimal digits, letters in upper case.
  package mutating func writeUpperHex(_ octet: UInt8) {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }
    out.write(byte: digit(octet >> 4))
    out.write(byte: digit(octet & 15))
  }

  /// The first `length` bytes in hexadecimal, two digits each. Throws `.truncated` after the captured ones.
  package mutating func writeHexOctets(_ bytes: PacketBytes, _ length: Int) throws(DecodeError) {
    for index in 0..<max(0, length) { out.write(hex: try bytes.u8(at: index), width: 2) }
  }
}

extension PacketBytes {
  /// Number of bytes before the first NUL, or `length` if there is none. Throws `.truncated` if the capture ends before either.
  package func lengthToNUL() throws(DecodeError) -> Int {
    var end = 0
    while end < length, try u8(at: end) != 0 { end &+= 1 }
    return end
  }

  /// The text before the next NUL, or before the end; empty if `start` is beyond the end.
  @_lifetime(copy self)
  package func textToNUL(from start: Int = 0) -> PacketBytes {
    guard let text = try? dropping(start).clamped(to: length &- start) else { return clamped(to: 0) }
    var end = 0
    while let octet = try? text.u8(at: end), octet != 0 { end &+= 1 }
    return text.clamped(to: end)
  }
}
