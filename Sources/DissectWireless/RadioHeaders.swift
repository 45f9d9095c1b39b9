package import Dissect
import PacketCore

extension Layer {
  static let prism = Layer("prism", "What a radio of the Prism chip set says of a frame", "LINKTYPE_IEEE802_11_PRISM") {
    [
      Field("message_code", .uint32, "Kind of message.", always: true),
      Field("message_length", .uint32, "Bytes of the header, as it states.", always: true),
      Field("interface_name", .text, "Name of the interface."),
    ]
  }

  static let avs = Layer(
    "avs", "What a radio says of a frame, in the form of AbsoluteValue Systems", "LINKTYPE_IEEE802_11_AVS",
    marks: ["802.11_radio_avs"]
  ) {
    [
      Field("version", .uint32, "First number of the header, of which the lowest bits are the version.", always: true),
      Field("header_length", .uint32, "Bytes of the header.", always: true),
      Field("mac_time", .uint64, "Clock of the radio when the frame arrived, in microseconds."),
      Field("channel", .uint32, "Channel."),
      Field("rate_100kbps", .uint32, "Rate in units of 100 kb/s."),
      Field("antenna", .uint32, "Antenna."),
    ]
  }

  static let ppi = Layer("ppi", "Per-packet information", "LINKTYPE_PPI") {
    [
      Field("version", .uint8, "Version, 0.", always: true),
      Field("header_length", .uint16, "Bytes of the header and its fields.", always: true),
      Field("payload_link_type", .uint32, "Link type (DLT) of what follows.", always: true),
    ]
  }
}

extension Dissector {
  package static let prism = Dissector(
    name: "prism", claims: [.linkType(.prism)], layers: [.prism, .avs], print: printPrism)

  package static let avs = Dissector(
    name: "802.11_radio_avs", claims: [.linkType(.avs)], layers: [.avs], print: printAVS)

  package static let ppi = Dissector(name: "ppi", claims: [.linkType(.ppi)], layers: [.ppi], print: printPPI)
}

///     0      4        8           24
///     +------+--------+-----------+---------------------------------
///     | code | length | name (16) | ten values of 12 bytes each         in the byte order of the host
///     +------+--------+-----------+---------------------------------
private let prismLength = 144

/// Prism headers and, under the same link type, AVS headers.
@Sendable
private func printPrism(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let code = try bytes.u32(at: 0)
  if AVS.versions.contains(code) {
    printer.protocolName = "802.11_radio_avs"
    return try printAVS(bytes, &printer)
  }
  let header = try bytes.slice(at: 0, length: prismLength)
  let frame = try bytes.dropping(prismLength)
  if printer.enter(.prism) {
    printer.fields.write("message_code", try header.u32le(at: 0))
    printer.fields.write("message_length", try header.u32le(at: 4))
    let name = try header.slice(at: 8, length: 16)
    printer.fields.write("interface_name", text: name.clamped(to: try name.lengthToNUL()))
  }
  let frameLength = try printer.printIEEE80211(frame)
  printer.context.linkHeaderLength = prismLength &+ frameLength
}

///     0         4        8            16              24         28        32     36        40
///     +---------+--------+------------+---------------+----------+---------+------+---------+-------------------
///     | version | length | clock (8)  | host time (8) | PHY type | channel | rate | antenna | signal, noise …
///     +---------+--------+------------+---------------+----------+---------+------+---------+-------------------
private enum AVS {
  static let versions: ClosedRange<UInt32> = 0x8021_1001...0x8021_1002
  static let shortestLength = 8
  /// Number of header bytes up to and including the antenna.
  static let recordedLength = 40
}

@Sendable
private func printAVS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, AVS.shortestLength)
  let length = Int(try bytes.u32(at: 4))
  if printer.enter(.avs) {
    printer.fields.write("version", try bytes.u32(at: 0))
    printer.fields.write("header_length", length)
  }
  if length < AVS.shortestLength { throw .truncated }
  let frame = try bytes.dropping(length)
  if printer.writesFields, length >= AVS.recordedLength {
    printer.fields.write("mac_time", try bytes.u64(at: 8))
    printer.fields.write("channel", try bytes.u32(at: 28))
    printer.fields.write("rate_100kbps", try bytes.u32(at: 32))
    printer.fields.write("antenna", try bytes.u32(at: 36))
  }
  let frameLength = try printer.printIEEE80211(frame)
  printer.context.linkHeaderLength = length &+ frameLength
}

///     0         1       2        4
///     +---------+-------+--------+-----------+--------
///     | version | flags | length | link type | fields      numbers are little-endian
///     +---------+-------+--------+-----------+--------
private let ppiLength = 8
private let longestPPI = 65532

@Sendable
private func printPPI(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, ppiLength)
  let length = Int(try bytes.u16le(at: 2))
  let type = LinkType(rawValue: try bytes.u32le(at: 4))
  if printer.enter(.ppi) {
    printer.fields.write("version", try bytes.u8(at: 0))
    printer.fields.write("header_length", length)
    printer.fields.write("payload_link_type", type.rawValue)
  }
  if length < ppiLength || length > longestPPI {
    printer.write(" [length ", length)
    printer.write(" < ", ppiLength)
    printer.write(" or > ", longestPPI)
    printer.out.write("]")
    throw .invalid
  }
  let payload = try bytes.dropping(length)
  if printer.options.linkHeader { try writePPI(bytes, type, length, &printer) }
  guard printer.registry.prints(type) else {
    if !printer.options.linkHeader { try writePPI(bytes, type, length, &printer) }
    printer.noteUndecoded(.linkType, type.rawValue, payload)
    printer.dumpUnknown(payload)
    printer.context.linkHeaderLength = length
    return
  }
  try printer.printLinkType(type, payload)
  printer.context.linkHeaderLength &+= length
}

/// `V.0 DLT IEEE802_11 (105) len 8, length 100: `.
private func writePPI(
  _ bytes: PacketBytes, _ type: LinkType, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.write("V.", try bytes.u8(at: 0))
  printer.out.write(" DLT ")
  printer.out.write(type.name ?? "UNKNOWN")
  printer.write(" (", type.rawValue)
  printer.write(") len ", length)
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}
