import PacketCore

extension Layer {
  static let macSecurity = Layer("macsec", "MACsec", "IEEE 802.1AE section 9") {
    [
      Field("association_number", .uint8, "Secure association, 0 to 3.", always: true),
      Field("packet_number", .uint32, "Packet number.", always: true),
      Field("flag_bits", .uint8, "The first byte: flags, and the association number.", always: true),
      Field("encrypted", .flag, "The payload is encrypted.", always: true),
      Field("changed", .flag, "The payload is not what was sent.", always: true),
      Field("short_length", .uint8, "Bytes of a payload of less than 48 bytes; 0 for others.", always: true),
      Field("sci", .uint64, "Secure channel identifier: a MAC address and a port."),
    ]
  }
}

private enum Flag {
  static let version: UInt8 = 0x80
  static let channelIdentifier: UInt8 = 0x20
  static let encrypted: UInt8 = 0x08
  static let changed: UInt8 = 0x04
  /// In the order of their letters.
  static let letters: FlagNames = [0x08: "E", 0x04: "C", 0x40: "S", 0x20: "I", 0x10: "B"]
}

/// Length of the integrity check value of the default cipher suite, in bytes.
private let checkLength = 16

extension Printer {
  ///     0                           1              2               6
  ///     +---------------------------+--------------+---------------+----------------------------+---------+-----
  ///     | V, ES, SC, SCB, E, C, AN  | short length | packet number | channel identifier (8)     | payload | ICV
  ///     +---------------------------+--------------+---------------+----------------------------+---------+-----
  /// Returns the length of the header, and that of the payload unless it is encrypted; both in bytes.
  mutating func printMACSecurity(
    _ bytes: PacketBytes, frame: PacketBytes
  ) throws(DecodeError) -> (length: Int, securedLength: Int?) {
    protocolName = "macsec"
    try bytes.check(0, 6)
    let flags = try bytes.u8(at: 0)
    let shortLength = try bytes.u8(at: 1)
    let hasIdentifier = flags & Flag.channelIdentifier != 0
    let length = hasIdentifier ? 14 : 6
    try bytes.check(0, length)
    if flags & Flag.version != 0 || shortLength >= 64 { throw .invalid }
    let number = try bytes.u32(at: 2)
    let isEncrypted = flags & (Flag.encrypted | Flag.changed) != 0
    if enter(.macSecurity) {
      fields.write("association_number", flags & 3)
      fields.write("packet_number", number)
      fields.write("flag_bits", flags)
      fields.write("encrypted", flags & Flag.encrypted != 0)
      fields.write("changed", flags & Flag.changed != 0)
      fields.write("short_length", shortLength)
      if hasIdentifier { fields.write("sci", try bytes.u64(at: 6)) }
    }
    if isEncrypted, !options.linkHeader {
      writeMAC(try frame.mac(at: 6))
      out.write(" > ")
      writeMAC(try frame.mac(at: 0))
      out.write(" 802.1AE MACsec, ")
    }
    if isEncrypted || options.linkHeader {
      write("an ", flags & 3)
      write(", pn ", number)
      out.write(", flags ")
      write(Flag.letters, flags, separator: "")
      if shortLength > 0 { write(", sl ", shortLength) }
      if hasIdentifier { write(", sci ", try bytes.u64(at: 6), as: .hex(16)) }
      out.write(", ")
    }
    if isEncrypted { return (length, nil) }
    let rest = bytes.count &- length
    let secured = shortLength > 0 ? Int(shortLength) : max(0, rest &- checkLength)
    if secured &+ checkLength > rest { throw .truncated }
    return (length, secured)
  }
}
