import PacketCore

extension Printer {
  /// The first `length` octets as text, each made harmless. Throws `.truncated` after those that were captured.
  mutating func writeText(_ bytes: PacketBytes, length: Int) throws(DecodeError) {
    out.write(escaped: bytes.clamped(to: length))
    if bytes.count < length { throw .truncated }
  }

  /// The first `length` octets in hexadecimal, two digits each. Throws `.truncated` after those that were captured.
  mutating func writeHexOctets(_ bytes: PacketBytes, _ length: Int) throws(DecodeError) {
    for index in 0..<max(0, length) { out.write(hex: try bytes.u8(at: index), width: 2) }
  }
}
