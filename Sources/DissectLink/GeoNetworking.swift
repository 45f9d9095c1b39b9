package import Dissect
import PacketCore

extension Layer {
  static let geoNetworking = Layer("geonet", "GeoNetworking", "ETSI TS 102 636, version 0") {
    [
      Field("version", .uint8, "Version."),
      Field("next_header", .uint8, "What follows: 1 BTP-A, 2 BTP-B, 3 IPv6."),
      Field("header_type", .uint8, "Type of the header."),
      Field("header_subtype", .uint8, "Subtype of the header."),
      Field("hop_limit", .uint8, "Hop limit."),
      Field("payload_length", .uint16, "Bytes of the payload."),
      Field("address", .text, "Address of the sender."),
      Field("latitude", .int32, "Latitude in tenths of a microdegree."),
      Field("longitude", .int32, "Longitude in tenths of a microdegree."),
      Field("destination_port", .uint16, "Port of the receiver."),
      Field("source_port", .uint16, "Port of the sender."),
      Field("its_version", .uint8, "Version of the message."),
      Field("message_id", .uint32, "Type of the message."),
      Field("message_name", .text, "Name of the type."),
    ]
  }

  static let calmFast = Layer("calm_fast", "CALM FAST", "ISO 29281") {
    [
      Field("source_reference", .uint8, "Network reference of the sender."),
      Field("destination_reference", .uint8, "Network reference of the receiver."),
    ]
  }
}

extension Dissector {
  package static let geoNetworking = Dissector(
    name: "geonet",
    claims: [.etherType(EtherTypes<UInt16>.geoNetworking), .etherType(EtherTypes<UInt16>.oldGeoNetworking)],
    layers: [.geoNetworking],
    print: printGeoNetworking)

  package static let calmFast = Dissector(
    name: "calm_fast", claims: [.etherType(EtherTypes<UInt16>.calmFast)], layers: [.calmFast], print: printCalmFast)
}

private let nextHeaders: ValueNames = [0: "Any", 1: "BTP-A", 2: "BTP-B", 3: "IPv6"]
private let messages: ValueNames = [
  0: "CAM", 1: "DENM", 101: "TPEGM", 102: "TSPDM", 103: "VPM", 104: "SRM", 105: "SLAM", 106: "ecoCAM", 107: "ITM",
  150: "SA",
]

/// The name of a header, by type and subtype, and its length after the common header, in bytes, if it is known.
private func header(_ type: UInt8, _ subtype: UInt8) -> (name: StaticString, length: Int?) {
  switch (type, subtype) {
  case (0, _): ("Any", 0)
  case (1, _): ("Beacon", 0)
  case (2, _): ("GeoUnicast", nil)
  case (3, 0): ("GeoAnycastCircle", nil)
  case (3, 1): ("GeoAnycastRect", nil)
  case (3, 2): ("GeoAnycastElipse", nil)
  case (4, 0): ("GeoBroadcastCircle", nil)
  case (4, 1): ("GeoBroadcastRect", nil)
  case (4, 2): ("GeoBroadcastElipse", nil)
  case (5, 0): ("TopoScopeBcast-SH", 0)
  case (5, 1): ("TopoScopeBcast-MH", 32)
  case (6, 0): ("LocService-Request", nil)
  case (6, 1): ("LocService-Reply", nil)
  default: ("Unknown", nil)
  }
}

private func writeSource(_ title: StaticString, _ printer: inout Printer) {
  printer.out.write(title)
  if let source = printer.context.scope.linkSource {
    printer.out.write("src:")
    printer.writeMAC(source)
  }
  printer.out.write("; ")
}

/// Dumps the rest, with `-v`.
private func dump(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard printer.options.verbosity > 0, bytes.length > 0 else { return }
  try bytes.check(0, 1)
  printer.writeHexAndASCII(bytes)
  try bytes.check(0, bytes.length)
}

///     0                          1                      2          4                8        16                                36
///     +--------------------------+----------------------+----------+--------+-------+--------+-----------+-----+-----+---------+
///     | version, next header     | type, subtype (4, 4) | reserved | length | class, hops    | address   | time | latitude, longitude …
///     +--------------------------+----------------------+----------+--------+-------+--------+-----------+-----+-----+---------+
private let headerLength = 36
/// Length of a BTP header: two ports, or a port and information about it.
private let portsLength = 4

@Sendable
private func printGeoNetworking(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  writeSource("GeoNet ", &printer)
  if bytes.length < headerLength {
    printer.write(" (common header length ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  try bytes.check(0, 8)
  let (first, second) = (try bytes.u8(at: 0), try bytes.u8(at: 1))
  let (nextHeader, type, subtype) = (first & 15, second >> 4, second & 15)
  let (name, length) = header(type, subtype)
  _ = printer.enter(.geoNetworking)
  printer.write("v:", "version", first >> 4)
  printer.write(" NH:", "next_header", nextHeader)
  printer.write("-", nextHeader, as: .named(nextHeaders, unknown: "Unknown"))
  printer.write(" HT:", "header_type", type)
  printer.write("-", "header_subtype", subtype)
  printer.out.write("-")
  printer.out.write(name)
  printer.write(" HopLim:", "hop_limit", try bytes.u8(at: 7))
  printer.write(" Payload:", "payload_length", try bytes.u16(at: 4))
  printer.out.write(" ")
  try bytes.check(8, 8)
  printer.out.write("GN_ADDR:")
  let start = printer.out.count
  for offset in 8..<16 {
    if offset > 8 { printer.out.write(":") }
    printer.out.write(hex: try bytes.u8(at: offset), width: 2)
  }
  if printer.writesFields { printer.fields.write("address", text: printer.out, from: start) }
  printer.out.write(" ")
  let latitude = try bytes.u32(at: 20)
  printer.write("lat:", latitude)
  printer.out.write(" ")
  let longitude = try bytes.u32(at: 24)
  printer.write("lon:", longitude)
  if printer.writesFields {
    printer.fields.write("latitude", Int32(bitPattern: latitude))
    printer.fields.write("longitude", Int32(bitPattern: longitude))
  }
  try bytes.check(0, headerLength)
  var rest = try bytes.dropping(headerLength)
  if let length {
    if rest.length < length {
      printer.write(" (header size ", length)
      printer.write(" > ", rest.length)
      printer.out.write(")")
      throw .invalid
    }
    rest = try rest.dropping(length)
    if nextHeader == 1 || nextHeader == 2 { rest = try printPorts(rest, &printer) }
  }
  try dump(rest, &printer)
}

@_lifetime(copy bytes)
private func printPorts(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> PacketBytes {
  if bytes.length < portsLength {
    printer.write(" (BTP length ", bytes.length)
    printer.write(" < ", portsLength)
    printer.out.write(")")
    throw .invalid
  }
  printer.write("; BTP Dst:", "destination_port", try bytes.u16(at: 0))
  printer.write(" Src:", "source_port", try bytes.u16(at: 2))
  let body = try bytes.dropping(portsLength)
  if body.length >= 2 {
    printer.write("; ItsPduHeader v:", "its_version", try body.u8(at: 0))
    let type = try body.u8(at: 1)
    if printer.writesFields { printer.fields.write("message_id", type, "message_name", messages) }
    printer.write(" t:", type)
    printer.write("-", type, as: .named(messages, unknown: .decimal("unknown (", ")")))
  }
  return body
}

@Sendable
private func printCalmFast(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  writeSource("CALM FAST ", &printer)
  if bytes.length < 2 {
    printer.write(" (length ", bytes.length)
    printer.out.write(" < 2)")
    throw .invalid
  }
  let source = try bytes.u8(at: 0)
  _ = printer.enter(.calmFast)
  printer.write("SrcNwref:", "source_reference", source)
  printer.out.write("; ")
  let destination = try bytes.u8(at: 1)
  printer.write("DstNwref:", "destination_reference", destination)
  printer.out.write("; ")
  try dump(try bytes.dropping(2), &printer)
}
