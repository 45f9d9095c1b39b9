package import Dissect
import PacketCore

extension Layer {
  static let zmtp = Layer("zmtp", "ZeroMQ Message Transport Protocol 1.0", "ZeroMQ RFC 13", marks: ["zmtp1"]) {
    [
      Field(
        "frame_offset", .uint16, "Over PGM: where the first frame begins that does in this packet; 65535 for none."),
      Field("frames", .array(.object(frameFields)), "Frames, in order.", each: "One frame."),
    ]
  }
}

private let frameFields: [Field] = [
  Field("frame_length", .uint64, "Bytes of flags and body.", always: true),
  Field("flag_bits", .uint8, "Flags; 1 where more frames of the message follow."),
  Field("body", .hex, "Body, as far as it was captured."),
]

extension Dissector {
  /// ZMTP/1.0 over TCP. It has no assigned port.
  package static let zmtp = Dissector(
    name: "zmtp1", claims: [.tcpPayloadType(.zmtp1)], layers: [.zmtp], print: printZMTP)
}

extension Dissector {
  /// ZMTP/1.0 as the data of PGM, under `-T pgm_zmtp1`.
  static let zmtpDatagram = Dissector(name: "zmtp1", layers: [.zmtp]) { bytes, printer throws(DecodeError) in
    _ = printer.enter(.zmtp)
    try printer.writeZMTPDatagram(bytes)
  }
}

/// A 64-bit length follows.
private let longLength: UInt8 = 0xff
/// Number of bytes of a body that are shown without `-vv`.
private let shownLength = 128
/// No frame begins in a packet.
private let noFrame: UInt16 = 0xffff

@Sendable
private func printZMTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": ZMTP/1.0")
  _ = printer.enter(.zmtp)
  try printer.writeZMTPFrames(bytes)
}

extension Printer {
  ///     0                            2
  ///     +----------------------------+----------------------------------------------------------
  ///     | offset of the first frame  | end of the frame that an earlier packet began, frames …
  ///     +----------------------------+----------------------------------------------------------
  /// The data of one PGM packet.
  fileprivate mutating func writeZMTPDatagram(_ bytes: PacketBytes) throws(DecodeError) {
    let offset = try bytes.u16(at: 0)
    if writesFields { fields.write("frame_offset", offset) }
    write("\n\t frame offset 0x", offset, as: .hex(4))
    let rest = try bytes.dropping(2)
    let length = offset == noFrame ? rest.length : Int(offset)
    if length > rest.length {
      writeFault(" (exceeds datagram declared length)")
      throw .truncated
    }
    if length > 0 {
      write("\n\t frame intermediate part, ", length)
      out.write(" bytes")
      writeBody(rest.clamped(to: length), ", first ", " byte(s):")
    }
    try writeZMTPFrames(try rest.dropping(length))
  }

  ///     0                                1       2
  ///     +--------------------------------+-------+------
  ///     | length, or 255 and one of      | flags | body
  ///     | eight bytes, of flags and body |       |
  ///     +--------------------------------+-------+------
  fileprivate mutating func writeZMTPFrames(_ bytes: PacketBytes) throws(DecodeError) {
    if writesFields { fields.beginArray("frames") }
    // A capture that ends between two frames gets no truncation mark, as in tcpdump.
    var rest = bytes.clamped(to: min(bytes.count, bytes.length))
    // Every iteration advances by at least the length field.
    while rest.count > 0 {
      let isLong = try rest.u8(at: 0) == longLength
      out.write("\n\t frame flags+body ")
      out.write(isLong ? "(64-bit) length" : " (8-bit) length")
      let length = isLong ? try rest.u64(at: 1) : UInt64(try rest.u8(at: 0))
      rest = try rest.dropping(isLong ? 9 : 1)
      write(" ", length)
      if writesFields {
        fields.beginObject()
        fields.write("frame_length", length)
      }
      let isWhole = length <= UInt64(rest.count)
      let part = isWhole ? rest.clamped(to: Int(clamping: length)) : rest
      if length > 0 { try writeFrame(part, isWhole: isWhole) }
      if !isWhole { throw .truncated }
      if writesFields { fields.end() }
      rest = try rest.dropping(part.count)
    }
    if writesFields { fields.end() }
  }

  private mutating func writeFrame(_ frame: PacketBytes, isWhole: Bool) throws(DecodeError) {
    let flags = try frame.u8(at: 0)
    if !isWhole {
      write(" (", frame.count)
      out.write(" captured)")
    }
    write(", flags 0x", flags, as: .hex(2))
    if options.verbosity > 0 {
      out.write(" (")
      writeFlags(flags)
      out.write(")")
    }
    let body = try frame.dropping(1)
    if writesFields {
      fields.write("flag_bits", flags)
      fields.write("body", hex: body)
    }
    if options.verbosity > 0, body.count > 0 { writeBody(body, ", first ", " byte(s) of body:") }
  }

  /// `-|-|-|-|-|-|-|MORE`: the seven upper bits must be zero.
  private mutating func writeFlags(_ flags: UInt8) {
    for bit in 1..<8 {
      out.write(flags << UInt8(bit &- 1) & 0x80 != 0 ? "MBZ|" : "-|")
    }
    out.write(flags & 1 != 0 ? "MORE" : "-")
  }

  private mutating func writeBody(_ body: PacketBytes, _ title: StaticString, _ end: StaticString) {
    let shown = options.verbosity > 1 ? body : body.clamped(to: shownLength)
    write(title, shown.count)
    out.write(end)
    writeHexAndASCII(shown, indent: "\n\t ")
  }
}
