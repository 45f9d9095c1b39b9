package import Dissect
import PacketCore

extension Layer {
  static let netflow = Layer("netflow", "Cisco NetFlow", "RFC 3954", marks: ["cnfp"]) {
    [
      Field("version", .uint16, "Version.", always: true),
      Field("record_count", .uint16, "Records of the message."),
      Field("uptime_milliseconds", .uint32, "Milliseconds since the exporter started."),
      Field("export_seconds", .uint32, "When the message was sent, in seconds since 1970-01-01 UTC."),
      Field("export_nanoseconds", .uint32, "Nanoseconds of that second."),
      Field("sequence", .uint32, "Flows before this message, or in version 9 messages."),
      Field("observation_domain", .uint32, "Part of the exporter that the message is from."),
      Field("flows", .array(.object(flowFields)), "Flows, in order.", each: "One flow."),
    ]
  }
}

private let flowFields: [Field] = [
  Field("source_address", .ip, "Source."),
  Field("destination_address", .ip, "Destination."),
  Field("next_hop", .ip, "Next hop."),
  Field("input_interface", .uint16, "Index of the interface that the packets came in by."),
  Field("output_interface", .uint16, "Index of the interface that they left by."),
  Field("packet_count", .uint32, "Packets of the flow."),
  Field("byte_count", .uint32, "Bytes of them, with their IP headers."),
  Field("first_milliseconds", .uint32, "Uptime at the first packet, in milliseconds."),
  Field("last_milliseconds", .uint32, "Uptime at the last packet, in milliseconds."),
  Field("source_port", .uint16, "Source port."),
  Field("destination_port", .uint16, "Destination port."),
  Field("ip_protocol", .uint8, "IP protocol."),
  Field("type_of_service", .uint8, "Type of service."),
  Field("tcp_flag_bits", .uint8, "Flags of all TCP packets of the flow."),
  Field("source_as", .uint16, "Autonomous system of the source, or of the neighbor before."),
  Field("destination_as", .uint16, "Autonomous system of the destination, or of the neighbor after."),
  Field("source_prefix_length", .uint8, "Bits of the source's prefix."),
  Field("destination_prefix_length", .uint8, "Bits of the destination's prefix."),
]

extension Dissector {
  /// Cisco NetFlow: versions 1, 5 and 6 with their flows, and the header of other versions. It has no assigned port.
  package static let netflow = Dissector(
    name: "cnfp", claims: [.payloadType(.cnfp)], layers: [.netflow], print: printNetFlow)
}

/// The layout of the messages of one version.
private struct Version {
  /// Length of the header, in bytes.
  let header: Int
  /// Length of a record, in bytes.
  let record: Int
  /// The offset in a record of the TCP flags, the protocol and the type of service.
  let flags: Int
  let ipProtocol: Int
  let typeOfService: Int

  init?(_ number: UInt16) {
    switch number {
    case 1: (header, record, flags, ipProtocol, typeOfService) = (16, 52, 40, 38, 39)
    case 5: (header, record, flags, ipProtocol, typeOfService) = (24, 48, 37, 38, 39)
    case 6: (header, record, flags, ipProtocol, typeOfService) = (24, 52, 37, 38, 39)
    default: return nil
    }
  }
}

private let flagNames: FlagNames = [
  0x01: "F", 0x02: "S", 0x04: "R", 0x08: "P", 0x10: "A", 0x20: "U",
]

///     0         2         4        8         12            16         20          24
///     +---------+---------+--------+---------+-------------+----------+-----------+--------
///     | version | records | uptime | seconds | nanoseconds | sequence | engine, … | records
///     +---------+---------+--------+---------+-------------+----------+-----------+--------
/// Version 1 ends after the nanoseconds. Version 9 has sequence and source there instead (RFC 3954 section 5.1), and version 10 (IPFIX, RFC
/// 7011 section 3.1) has the length instead of the number of records, and no uptime.
@Sendable
private func printNetFlow(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let number = try bytes.u16(at: 0)
  let version = Version(number)
  if let version { try bytes.check(0, version.header) }
  if printer.enter(.netflow) { printer.fields.write("version", number) }
  printer.write("NetFlow v", number)
  guard let version else { return try recordHeader(number, bytes, &printer) }
  let count = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("record_count", count) }
  printer.write(", ", milliseconds: "uptime_milliseconds", try bytes.u32(at: 4))
  printer.write(" uptime, ", "export_seconds", try bytes.u32(at: 8))
  let nanoseconds = try bytes.u32(at: 12)
  if printer.writesFields { printer.fields.write("export_nanoseconds", nanoseconds) }
  printer.out.write(".")
  printer.out.write(decimal: nanoseconds, width: 9)
  if number > 1 { printer.write(", #", "sequence", try bytes.u32(at: 16)) }
  printer.out.write(", ")
  printer.out.write(decimal: count, width: 2, pad: UInt8(ascii: " "))
  printer.out.write(" recs")
  if printer.writesFields { printer.fields.beginArray("flows") }
  for index in 0..<Int(count) {
    try writeFlow(
      try bytes.slice(at: version.header &+ index &* version.record, length: version.record), number, version, &printer)
  }
  if printer.writesFields { printer.fields.end() }
}

/// Records the header of a version whose records are not parsed.
private func recordHeader(_ number: UInt16, _ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard printer.writesFields else { return }
  switch number {
  case 9:
    try bytes.check(0, 20)
    printer.fields.write("record_count", try bytes.u16(at: 2))
    printer.fields.write("uptime_milliseconds", try bytes.u32(at: 4))
    printer.fields.write("export_seconds", try bytes.u32(at: 8))
    printer.fields.write("sequence", try bytes.u32(at: 12))
    printer.fields.write("observation_domain", try bytes.u32(at: 16))
  case 10:
    try bytes.check(0, 16)
    printer.fields.write("export_seconds", try bytes.u32(at: 4))
    printer.fields.write("sequence", try bytes.u32(at: 8))
    printer.fields.write("observation_domain", try bytes.u32(at: 12))
  default: break
  }
}

///     0        4             8          12     14      16        20      24      28     32            34
///     +--------+-------------+----------+------+-------+---------+-------+-------+------+-------------+------------------+----
///     | source | destination | next hop | in   | out   | packets | bytes | first | last | source port | destination port | …
///     +--------+-------------+----------+------+-------+---------+-------+-------+------+-------------+------------------+----
private func writeFlow(
  _ flow: PacketBytes, _ number: UInt16, _ version: Version, _ printer: inout Printer
) throws(DecodeError) {
  let ipProtocol = try flow.u8(at: version.ipProtocol)
  let flags = try flow.u8(at: version.flags)
  if printer.writesFields { printer.fields.beginObject() }
  printer.write("\n  started ", milliseconds: "first_milliseconds", try flow.u32(at: 24))
  printer.write(", last ", milliseconds: "last_milliseconds", try flow.u32(at: 28))
  printer.write("\n    ", "source_address", try flow.ipv4(at: 0))
  try writePrefix("source_prefix_length", "source_as", number, flow, lengthAt: 44, systemAt: 40, &printer)
  printer.write(":", "source_port", try flow.u16(at: 32))
  printer.write(" > ", "destination_address", try flow.ipv4(at: 4))
  try writePrefix("destination_prefix_length", "destination_as", number, flow, lengthAt: 45, systemAt: 42, &printer)
  printer.write(":", "destination_port", try flow.u16(at: 34))
  printer.write(" >> ", "next_hop", try flow.ipv4(at: 8))
  if printer.writesFields {
    printer.fields.write("input_interface", try flow.u16(at: 12))
    printer.fields.write("output_interface", try flow.u16(at: 14))
    printer.fields.write("ip_protocol", ipProtocol)
    printer.fields.write("tcp_flag_bits", flags)
  }
  printer.out.write("\n    ")
  printer.writeProtocol(ipProtocol, unknown: "")
  printer.out.write(" ")
  if ipProtocol == IPProtocol.tcp, flags != 0 {
    printer.write(flagNames, flags, separator: "", none: "")
    printer.out.write(" ")
  }
  printer.write("tos ", "type_of_service", try flow.u8(at: version.typeOfService))
  printer.write(", ", "packet_count", try flow.u32(at: 16))
  printer.write(" (", "byte_count", try flow.u32(at: 20))
  printer.out.write(" octets) ")
  if number == 6 {
    printer.write("(", try flow.u8(at: 46))
    printer.write("<>", try flow.u8(at: 47))
    printer.out.write(" encaps)")
  }
  if printer.writesFields { printer.fields.end() }
}

/// `/24:65001`: the routing data of one end of a flow, which versions after the first have.
private func writePrefix(
  _ lengthKey: StaticString, _ systemKey: StaticString, _ number: UInt16, _ flow: PacketBytes, lengthAt: Int,
  systemAt: Int,
  _ printer: inout Printer
) throws(DecodeError) {
  guard number > 1 else { return }
  printer.write("/", lengthKey, try flow.u8(at: lengthAt))
  printer.write(":", systemKey, try flow.u16(at: systemAt))
}

extension Printer {
  /// `title` and milliseconds as seconds with three decimals.
  fileprivate mutating func write(_ title: StaticString, milliseconds key: StaticString, _ value: UInt32) {
    if writesFields { fields.write(key, value) }
    write(title, value / 1000)
    out.write(".")
    out.write(decimal: value % 1000, width: 3)
  }
}
