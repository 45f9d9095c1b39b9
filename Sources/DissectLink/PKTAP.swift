package import Dissect
import PacketCore

extension Layer {
  static let pktap = Layer("pktap", "Packet tap of macOS", "LINKTYPE_PKTAP") {
    [
      Field("header_length", .uint32, "Bytes of the header."),
      Field("record_type", .uint32, "1 where a packet follows, 0 where none does."),
      Field("payload_link_type", .uint32, "Link type (DLT) of what follows."),
      Field("interface", .text, "Name of the interface."),
      Field("flag_bits", .uint32, "Flags, as bits; 1 says that the packet came in, 2 that it goes out."),
      Field("process_id", .uint32, "Process that the packet belongs to."),
      Field("command_name", .text, "Name of its command."),
    ]
  }
}

extension Dissector {
  package static let pktap = Dissector(
    name: "pktap", claims: [.linkType(.pktap), .linkType(.user2)], layers: [.pktap], print: printPKTAP)
}

///     0               4             8           12               36      40       44
///     +---------------+-------------+-----------+----------------+-------+--------+-------------
///     | header length | record type | link type | interface (24) | flags | family | link header …
///     +---------------+-------------+-----------+----------------+-------+--------+-------------
///     48        52          56                76              80        84
///     +---------+-----------+-----------------+---------------+---------+-----------------------
///     | trailer | process   | command (20)    | service class | device  | effective process …
///     +---------+-----------+-----------------+---------------+---------+-----------------------
/// All numbers are little-endian.
private let headerLength = 108

@Sendable
private func printPKTAP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let writesFields = printer.enter(.pktap)
  if bytes.length < headerLength { try rejectLength("packet too short", bytes.length, "<", headerLength, &printer) }
  let length = Int(try bytes.u32le(at: 0))
  if length < headerLength { try rejectLength("pkt_len too small", length, "<", headerLength, &printer) }
  if length > bytes.length { try rejectLength("pkt_len too big", length, ">", bytes.length, &printer) }
  let payload = try bytes.dropping(length)
  let type = LinkType(rawValue: try bytes.u32le(at: 8))
  if writesFields { try recordHeader(bytes, &printer) }
  if printer.options.linkHeader { try writeHeader(bytes, &printer) }
  switch try bytes.u32le(at: 4) {
  case 0: printer.out.write("no data")
  case 1:
    guard printer.registry.prints(type) else {
      if !printer.options.linkHeader { try writeHeader(bytes, &printer) }
      printer.noteUndecoded(.linkType, type.rawValue, payload)
      printer.dumpUnknown(payload)
      return
    }
    try printer.printLinkType(type, payload)
    printer.context.linkHeaderLength &+= length
  default: break
  }
}

/// ` (pkt_len too big, 200 > 150)`.
private func rejectLength(
  _ what: StaticString, _ number: Int, _ sign: StaticString, _ limit: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" (")
  printer.out.write(what)
  printer.write(", ", number)
  printer.out.write(" ")
  printer.out.write(sign)
  printer.write(" ", limit)
  printer.out.write(")")
  throw .invalid
}

private func recordHeader(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("header_length", try bytes.u32le(at: 0))
  printer.fields.write("record_type", try bytes.u32le(at: 4))
  printer.fields.write("payload_link_type", try bytes.u32le(at: 8))
  let interface = try bytes.slice(at: 12, length: 24)
  printer.fields.write("interface", text: interface.clamped(to: try interface.lengthToNUL()))
  printer.fields.write("flag_bits", try bytes.u32le(at: 36))
  printer.fields.write("process_id", try bytes.u32le(at: 52))
  let command = try bytes.slice(at: 56, length: 20)
  printer.fields.write("command_name", text: command.clamped(to: try command.lengthToNUL()))
}

private func writeHeader(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = LinkType(rawValue: try bytes.u32le(at: 8))
  printer.out.write("DLT ")
  printer.out.write(type.name ?? "UNKNOWN")
  printer.write(" (", type.rawValue)
  printer.write(") len ", try bytes.u32le(at: 0))
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}
