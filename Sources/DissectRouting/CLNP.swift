package import Dissect
import PacketCore

extension Layer {
  static let clnp = Layer("clnp", "Connectionless Network Protocol", "ISO/IEC 8473-1") {
    [
      Field("header_length", .uint8, "Bytes of the header."),
      Field("version", .uint8, "Version."),
      Field("half_seconds", .uint8, "Lifetime that is left, in units of 500 ms."),
      Field("pdu_type", .uint8, "Kind of PDU."),
      Field("pdu_type_name", .text, "Name of the kind."),
      Field("segmentation_permitted", .flag, "The PDU may be cut into segments."),
      Field("more_segments", .flag, "More segments follow."),
      Field("reports_errors", .flag, "A PDU that is discarded is reported."),
      Field("segment_length", .uint16, "Bytes of the segment, its header included."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("source", .text, "Source address."),
      Field("destination", .text, "Destination address."),
      Field("data_unit_id", .uint16, "Number that the segments of one PDU share."),
      Field("segment_offset", .uint16, "Offset of the segment in the PDU, in bytes."),
      Field("total_length", .uint16, "Bytes of the whole PDU."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint8, "Option type.", always: true),
            Field("name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the value."),
            Field("data", .hex, "Value."),
          ])), "Options, in order, of PDUs that are printed with -v.", each: "One option."),
    ]
  }
}

extension Dissector {
  package static let clnp = Dissector(
    name: "clnp", claims: [Claim(.nlpid, NLPID.clnp)], layers: [.clnp], print: printCLNP)
}

private enum PDUType {
  static let errorReport: UInt8 = 1

  static let names: ValueNames = [
    1: "Error Report", 28: "Data", 29: "MD", 30: "Echo Request", 31: "Echo Response",
  ]
}

private let flagNames: FlagNames = [
  0x80: "Segmentation permitted", 0x40: "more Segments", 0x20: "request Error Report",
]
private let segmentationPermitted: UInt8 = 0x80

private enum Option {
  static let discardReason: UInt32 = 193
  static let quality: UInt32 = 195
  static let security: UInt32 = 197
  static let sourceRoute: UInt32 = 200
  static let recordedRoute: UInt32 = 203
  static let padding: UInt32 = 204
  static let priority: UInt32 = 205

  static let names: ValueNames = [
    193: "Discard Reason", 195: "QoS Maintenance", 197: "Security", 200: "Source Routing", 203: "Route Recording",
    204: "Padding", 205: "Priority",
  ]
}

private let sourceRoutings: ValueNames = [0: "partial source routing", 1: "complete source routing"]
private let routeRecordings: ValueNames = [
  0: "partial recording of route in progress", 1: "complete recording of route in progress",
]
private let qualityFormats: ValueNames = [
  0: "Reserved", 1: "Source Address Specific", 2: "Destination Address Specific", 3: "Globally unique",
]
private let qualityFlags: FlagNames = [
  0x20: "reserved", 0x10: "sequencing vs. delay", 0x08: "congested", 0x04: "delay vs. cost",
  0x02: "error vs. delay", 0x01: "error vs. cost",
]
private let errorClasses: ValueNames = [
  0x0: "General Error", 0x8: "Address Error", 0x9: "Source Routeing Error", 0xa: "Lifetime Error",
  0xb: "PDU Discarded Error", 0xc: "Reassembly Error",
]
/// Reasons to discard a PDU (ISO/IEC 8473-1 section 7.9.5): the class in the upper four bits.
private let reasons: ValueNames = [
  0x00: "Reason not specified", 0x01: "Protocol procedure error", 0x02: "Incorrect checksum",
  0x03: "PDU discarded due to congestion", 0x04: "Header syntax error (cannot be parsed)",
  0x05: "Segmentation needed but not permitted", 0x06: "Incomplete PDU received", 0x07: "Duplicate option",
  0x80: "Destination address unreachable", 0x81: "Destination address unknown",
  0x90: "Unspecified source routeing error", 0x91: "Syntax error in source routeing field",
  0x92: "Unknown address in source routeing field", 0x93: "Path not acceptable",
  0xa0: "Lifetime expired while data unit in transit", 0xa1: "Lifetime expired during reassembly",
  0xb0: "Unsupported option not specified", 0xb1: "Unsupported protocol version",
  0xb2: "Unsupported security option", 0xb3: "Unsupported source routeing option",
  0xb4: "Unsupported recording of route option", 0xc0: "Reassembly interference",
]

///     0       1               2         3          4             5                7          9
///     +-------+---------------+---------+----------+-------------+----------------+----------+-----------------------------
///     | NLPID | header length | version | lifetime | flags, type | segment length | checksum | addresses, segmentation, …
///     +-------+---------------+---------+----------+-------------+----------------+----------+-----------------------------
/// ISO/IEC 8473-1 section 7. Both addresses are preceded by a length byte.
private let fixedLength = 9

@Sendable
private func printCLNP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, fixedLength)
  let headerLength = Int(try bytes.u8(at: 1))
  let version = try bytes.u8(at: 2)
  let flags = try bytes.u8(at: 4)
  let type = flags & 0x1f
  if printer.enter(.clnp) {
    printer.fields.write("header_length", headerLength)
    printer.fields.write("version", version)
    printer.fields.write("half_seconds", try bytes.u8(at: 3))
    printer.fields.write("pdu_type", type, "pdu_type_name", PDUType.names)
    printer.fields.write("segmentation_permitted", flags & segmentationPermitted != 0)
    printer.fields.write("more_segments", flags & 0x40 != 0)
    printer.fields.write("reports_errors", flags & 0x20 != 0)
    printer.fields.write("segment_length", try bytes.u16(at: 5))
    printer.fields.write("checksum", try bytes.u16(at: 7))
  }
  let showsName = !printer.options.linkHeader
  if showsName { printer.out.write("CLNP") }
  if headerLength < fixedLength {
    try printer.writeShortIndicator(bytes, headerLength)
    return printer.writeHex(bytes)
  }
  if headerLength > bytes.length {
    printer.writeFault(" length indicator(")
    printer.out.write(decimal: headerLength)
    printer.write(") > PDU size (", bytes.length)
    printer.out.write(")!")
    return printer.writeHex(bytes)
  }
  if version != 1 {
    printer.writeFault("version ")
    printer.out.write(decimal: version)
    printer.out.write(" packet not supported")
    return printer.writeHex(bytes)
  }
  let header = bytes.clamped(to: headerLength)
  guard let first = try counted(header, at: fixedLength),
    let second = try counted(header, at: fixedLength &+ 1 &+ first)
  else {
    printer.writeFault("li < size of fixed part of CLNP header and addresses")
    return printer.writeHex(bytes)
  }
  let destination = try header.slice(at: fixedLength &+ 1, length: first)
  let source = try header.slice(at: fixedLength &+ 2 &+ first, length: second)
  printer.record("source", nsap: source)
  printer.record("destination", nsap: destination)
  let offset = fixedLength &+ 2 &+ first &+ second
  if showsName { printer.out.write(", ") }
  guard printer.options.verbosity > 0 else {
    try printer.writeNSAP(source)
    printer.out.write(" > ")
    try printer.writeNSAP(destination)
    printer.write(", ", type, as: .named(PDUType.names, unknown: .decimal("unknown (", ")")))
    return printer.write(", length ", bytes.length)
  }
  printer.write("length ", bytes.length)
  try writeFixedPart(bytes, headerLength, type, &printer)
  printer.out.write("\n\tFlags [")
  printer.write(flagNames, flags)
  printer.write("]\n\tsource address (length ", source.length)
  printer.out.write("): ")
  try printer.writeNSAP(source)
  printer.write("\n\tdest   address (length ", destination.length)
  printer.out.write("): ")
  try printer.writeNSAP(destination)
  try printRest(bytes, header, at: offset, flags, &printer)
}

/// The length of an address whose length is at `offset`; nil if the header is too short for it.
private func counted(_ header: PacketBytes, at offset: Int) throws(DecodeError) -> Int? {
  guard offset < header.length else { return nil }
  let length = Int(try header.u8(at: offset))
  return offset &+ 1 &+ length <= header.length ? length : nil
}

private func writeFixedPart(
  _ bytes: PacketBytes, _ headerLength: Int, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let lifetime = try bytes.u8(at: 3)
  printer.write("\n\t", type, as: .named(PDUType.names, unknown: .decimal("unknown (", ")")))
  printer.write(" PDU, hlen: ", headerLength)
  printer.write(", v: ", try bytes.u8(at: 2))
  printer.write(", lifetime: ", lifetime / 2)
  printer.out.write(lifetime & 1 == 0 ? ".0s" : ".5s")
  printer.write(", Segment PDU length: ", try bytes.u16(at: 5))
  printer.write(", checksum: 0x", try bytes.u16(at: 7), as: .hex(4))
  printer.writeVerdict(OSIChecksum.verify(bytes, at: 7, length: headerLength))
}

/// The segmentation part, the options, and the payload.
private func printRest(
  _ bytes: PacketBytes, _ header: PacketBytes, at start: Int, _ flags: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  var offset = start
  if flags & segmentationPermitted != 0 {
    if header.length &- offset < 6 {
      printer.writeFault("li < size of fixed part of CLNP header, addresses, and segment part")
      return printer.writeHex(bytes)
    }
    try header.check(offset, 6)
    printer.write("\n\tData Unit ID: 0x", "data_unit_id", try header.u16(at: offset), as: .hex(4))
    printer.write(", Segment Offset: ", "segment_offset", try header.u16(at: offset &+ 2))
    printer.write(", Total PDU Length: ", "total_length", try header.u16(at: offset &+ 4))
    offset &+= 6
  }
  var reason: UInt8?
  var list = printer.openList(header, at: offset, OptionLayout(shortHeader: .endsList), objects: "options")
  while let option = try printer.next(&list) {
    if printer.writesFields { printer.fields.write("type", option.type, "name", Option.names) }
    if option.isTooLong {
      printer.writeFault(", opt (")
      printer.out.write(decimal: option.type)
      printer.out.write(") too long")
      return printer.writeHex(bytes)
    }
    if printer.writesFields {
      printer.fields.write("length", option.length)
      printer.fields.write("data", hex: option.value)
    }
    let value = try option.wholeValue()
    printer.write("\n\t  ", option.type, as: .named(Option.names, unknown: "Unknown"))
    printer.write(" Option #", option.type)
    printer.write(", length ", option.length)
    printer.out.write(", value: ")
    guard try printOption(option.type, value, &printer) else {
      printer.writeFault(", bad opt len")
      return printer.writeHex(bytes)
    }
    if option.type == Option.discardReason { reason = try value.u8(at: 0) }
    if printer.options.verbosity > 1 { printer.writeHex(value, indent: "\n\t  ") }
  }
  if list.remaining > 0 {
    printer.writeFault(", bad opts/li")
    return printer.writeHex(bytes)
  }
  try printPayload(try bytes.dropping(header.length), flags & 0x1f, reason, &printer)
}

private func printPayload(
  _ payload: PacketBytes, _ type: UInt8, _ reason: UInt8?, _ printer: inout Printer
) throws(DecodeError) {
  if type == PDUType.errorReport, reason != nil, try payload.u8(at: 0) == NLPID.clnp {
    printer.out.write("\n\t-----original packet-----\n\t")
    return try printer.run(printer.registry.index(.nlpid, NLPID.clnp), payload)
  }
  if payload.length == 0 { return }
  printer.write("\n\t  undecoded non-header data, length ", payload.length)
  try printer.writeWholeHex(payload, indent: "\n\t  ")
}

/// The value of an option; false if it is too short.
private func printOption(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  switch type {
  case Option.sourceRoute, Option.recordedRoute: return try printRoute(type, value, &printer)
  case Option.priority:
    guard value.length >= 1 else { return false }
    printer.write("0x", try value.u8(at: 0) & 0x0f, as: .hex(1))
  case Option.quality:
    guard value.length >= 1 else { return false }
    let format = try value.u8(at: 0) >> 6
    printer.write("\n\t    Format Code: ", format, as: .named(qualityFormats, unknown: "Reserved"))
    if format == 3, value.length > 1 {
      printer.out.write("\n\t    QoS Flags [")
      printer.write(qualityFlags, try value.u8(at: 1))
      printer.out.write("]")
    }
  case Option.security:
    guard value.length >= 2 else { return false }
    printer.write("\n\t    Format Code: ", try value.u8(at: 0) >> 6, as: .named(qualityFormats, unknown: "Reserved"))
    printer.write(", Security-Level ", try value.u8(at: 1))
  case Option.discardReason:
    guard value.length >= 1 else { return false }
    let reason = try value.u8(at: 0)
    printer.write("\n\t    Class: ", reason >> 4, as: .named(errorClasses, unknown: "Unknown Error"))
    printer.write(" (0x", reason >> 4, as: .hex(1))
    printer.write("), ", reason, as: .named(reasons, unknown: "Unknown"))
    printer.write(" (0x", reason & 15, as: .hex(1))
    printer.out.write(")")
  case Option.padding: printer.out.write("padding data")
  default: printer.writeHex(value, indent: "\n\t  ")
  }
  return true
}

///     0 kind  1 offset of the next address  2 addresses, each after its length       section 7.5.4
private func printRoute(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  guard value.length >= 2 else { return false }
  let isSource = type == Option.sourceRoute
  printer.write(
    "", try value.u8(at: 0),
    as: .named(
      isSource ? sourceRoutings : routeRecordings,
      unknown: isSource ? "Unknown source routing" : "Unknown recording of route in progress"))
  // The offset counts from 1.
  let pointer = Int(try value.u8(at: 1))
  if pointer == 0 || pointer &- 1 > value.length {
    printer.writeFault(pointer == 0 ? " Bad NSAP offset (0)" : " Bad NSAP offset (past end of option)")
    return true
  }
  var list = printer.openList(value, at: pointer &- 1, .counted(1))
  while let element = try printer.next(&list) {
    if element.isTooLong {
      printer.out.write("\n\t    ")
      printer.writeFault("NSAP address goes past end of option")
      continue
    }
    let address = try element.wholeValue()
    if address.length == 0 { break }
    printer.write("\n\t    NSAP address (length ", address.length)
    printer.out.write("): ")
    try printer.writeNSAP(address)
  }
  return true
}
