package import Dissect
import PacketCore

extension Layer {
  static let ieee802154Tap = Layer(
    "ieee802154_tap", "Metadata before an IEEE 802.15.4 frame", "LINKTYPE_IEEE802_15_4_TAP", marks: ["802.15.4_tap"]
  ) {
    [
      Field("header_length", .uint16, "Bytes of the metadata, header included.", always: true),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "0 form of the check sequence, 1 signal strength, 3 channel.", always: true),
            Field("length", .uint16, "Bytes of the value.", always: true),
            Field("data", .hex, "Value."),
          ])), "TLVs, in order.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  package static let ieee802154Tap = Dissector(
    name: "802.15.4_tap", claims: [.linkType(LinkType(rawValue: 283))], layers: [.ieee802154Tap], print: printTap)
}

private let headerLength = 4
/// TLVs are padded to a multiple of this many bytes.
private let alignment = 4

///     0         1          2        4
///     +---------+----------+--------+------+--------+-------+--- … --+-------
///     | version | reserved | length | type | length | value | padding| frame       in little-endian byte order
///     +---------+----------+--------+------+--------+-------+--- … --+-------
@Sendable
private func printTap(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  guard try bytes.u8(at: 0) == 0 else { throw .invalid }
  let length = Int(try bytes.u16le(at: 2))
  guard length >= headerLength else { throw .invalid }
  if printer.enter(.ieee802154Tap) {
    printer.fields.write("header_length", length)
    try record(bytes.clamped(to: length), &printer)
  }
  printer.context.linkHeaderLength = length
  try printer.run(.ieee802154, try bytes.dropping(length))
}

/// Records the TLVs. Their numbers have the other byte order than those that an `OptionLayout` reads.
private func record(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.beginArray("tlvs")
  var offset = headerLength
  while bytes.has(offset, 4) {
    let length = Int(try bytes.u16le(at: offset &+ 2))
    printer.fields.beginObject()
    printer.fields.write("type", try bytes.u16le(at: offset))
    printer.fields.write("length", length)
    if bytes.has(offset &+ 4, length) {
      printer.fields.write("data", hex: try bytes.slice(at: offset &+ 4, length: length))
    }
    printer.fields.end()
    offset &+= 4 &+ (length &+ alignment &- 1) / alignment &* alignment
  }
  printer.fields.end()
}
