import PacketCore

extension Layer {
  static let ah = Layer(
    "ah", "IP Authentication Header", "RFC 4302"
  ) {
    [
      Field("next_header", .uint8, "Protocol of what follows."),
      Field("header_length", .uint16, "Bytes of the header."),
      Field("spi", .uint32, "Security parameters index."),
      Field("sequence", .uint32, "Sequence number."),
      Field("integrity_check", .hex, "Integrity check value, as far as it was captured."),
    ]
  }

  static let esp = Layer(
    "esp", "IP Encapsulating Security Payload", "RFC 4303"
  ) {
    [
      Field("spi", .uint32, "Security parameters index."),
      Field("sequence", .uint32, "Sequence number."),
      Field("length", .length, "Bytes from this header on."),
    ]
  }
}

extension Dissector {
  /// Encapsulating Security Payload, RFC 4303.
  package static let esp = Dissector(
    name: "esp", claims: [.ipProtocol(IPProtocol.esp)], layers: [.esp], print: printESP)
}

///     0     4          8
///     +-----+----------+------------------
///     | SPI | sequence | encrypted payload
///     +-----+----------+------------------
@Sendable
private func printESP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let writesFields = printer.enter(.esp)
  printer.out.write("ESP")
  let index = try bytes.u32(at: 0)
  if writesFields { printer.fields.write("spi", index) }
  printer.write("(spi=0x", index, as: .hex(8))
  let sequence = try bytes.u32(at: 4)
  if writesFields {
    printer.fields.write("sequence", sequence)
    printer.fields.write("length", bytes.length)
  }
  printer.write(",seq=0x", sequence, as: .hex(1))
  printer.write("), length ", bytes.length)
}

extension Printer {
  ///     0             1        2          4     8          12
  ///     +-------------+--------+----------+-----+----------+-----
  ///     | next header | length | reserved | SPI | sequence | ICV
  ///     +-------------+--------+----------+-----+----------+-----
  /// Prints an authentication header (RFC 4302); returns the next header, and the offset at which it begins: at least eight bytes.
  mutating func printAuthenticationHeader(
    _ bytes: PacketBytes
  ) throws(DecodeError) -> (nextHeader: UInt8, length: Int) {
    protocolName = "ah"
    let writesFields = enter(.ah)
    let nextHeader = try bytes.u8(at: 0)
    if writesFields { fields.write("next_header", nextHeader) }
    out.write("AH")
    let words = try bytes.u8(at: 1)
    // The field counts words of four bytes, less two.
    let length = (Int(words) &+ 2) &* 4
    if writesFields { fields.write("header_length", length) }
    out.write("(")
    if options.verbosity > 0 {
      write("length=", words)
      write("(", length)
      out.write("-bytes),")
    }
    let reserved = try bytes.u16(at: 2)
    if reserved != 0 {
      write("reserved=0x", reserved, as: .hex(1))
      writeFault("[MustBeZero],")
    }
    let index = try bytes.u32(at: 4)
    write("spi=0x", "spi", index, as: .hex(8))
    out.write(",")
    let sequence = try bytes.u32(at: 8)
    write("seq=0x", "sequence", sequence, as: .hex(1))
    out.write(",icv=0x")
    let captured = try bytes.clamped(to: length).dropping(min(length, 12))
    if writesFields { fields.write("integrity_check", hex: captured) }
    for offset in 0..<max(0, length &- 12) { out.write(hex: try bytes.u8(at: 12 &+ offset), width: 2) }
    out.write("): ")
    return (nextHeader, length)
  }
}
