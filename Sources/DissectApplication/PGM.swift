package import Dissect
import PacketCore

extension Layer {
  static let pgm = Layer("pgm", "Pragmatic General Multicast", "RFC 3208") {
    [
      Field("source_port", .uint16, "Port of the sender.", always: true),
      Field("destination_port", .uint16, "Port of the receiver.", always: true),
      Field("packet_type", .uint8, "Type of the packet.", always: true),
      Field("packet_name", .text, "What the type is called."),
      Field("option_bits", .uint8, "1 where options are there, 2 where they matter to the network.", always: true),
      Field("checksum", .uint16, "Checksum, as it stands there; 0 for none.", always: true),
      Field("global_source_id", .hex, "Source.", always: true),
      Field("data_length", .uint32, "Bytes of data.", always: true),
      Field("sequence", .uint32, "Sequence number."),
      Field("trailing_sequence", .uint32, "First number of the window."),
      Field("leading_sequence", .uint32, "Last number of the window."),
      Field("round", .uint16, "Round of a poll."),
      Field("path_address", .ip, "Network element that the packet came through."),
    ]
  }
}

extension Dissector {
  package static let pgm = Dissector(
    name: "pgm", claims: [.ipProtocol(113), .payloadType(.pgm)], layers: [.pgm], print: printPGM)
}

private enum PacketType {
  static let sourcePath: UInt8 = 0
  static let poll: UInt8 = 1
  static let pollAnswer: UInt8 = 2
  static let data: UInt8 = 4
  static let repair: UInt8 = 5
  static let names: ValueNames = [
    0: "SPM", 1: "POLL", 2: "POLR", 4: "ODATA", 5: "RDATA", 8: "NAK", 9: "NNAK", 10: "NCF", 12: "SPMR", 13: "ACK",
  ]
}

/// The address family of an IPv4 address and of an IPv6 address (IANA "Address Family Numbers").
private enum Family {
  static let ipv4: UInt16 = 1
  static let ipv6: UInt16 = 2
}

///     0             2                  4      5         6          8                  14
///     +-------------+------------------+------+---------+----------+------------------+-------------+------
///     | source port | destination port | type | options | checksum | global source ID | data length | …
///     +-------------+------------------+------+---------+----------+------------------+-------------+------
private let headerLength = 16

@Sendable
private func printPGM(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let (source, destination) = (try bytes.u16(at: 0), try bytes.u16(at: 2))
  let type = try bytes.u8(at: 4)
  let length = try bytes.u16(at: 14)
  if printer.enter(.pgm) {
    printer.fields.write("source_port", source)
    printer.fields.write("destination_port", destination)
    printer.fields.write("packet_type", type, "packet_name", PacketType.names)
    printer.fields.write("option_bits", try bytes.u8(at: 5))
    printer.fields.write("checksum", try bytes.u16(at: 6))
    printer.fields.write("global_source_id", hex: try bytes.slice(at: 8, length: 6))
    printer.fields.write("data_length", length)
  }
  printer.writeSource()
  printer.write(".", source)
  printer.out.write(" > ")
  printer.writeDestination()
  printer.write(".", destination)
  printer.write(": PGM, length ", length)
  if printer.options.verbosity > 0 {
    printer.out.write(" 0x")
    printer.out.write(hexOf: try bytes.slice(at: 8, length: 6).rawSpan)
    printer.out.write(" ")
    try printBody(type, try bytes.dropping(headerLength), &printer)
    printer.write(" [", bytes.length)
    printer.out.write("]")
  } else if printer.writesFields {
    printer.recordOnly(try bytes.dropping(headerLength)) { (body, printer) throws(DecodeError) in
      try printBody(type, body, &printer)
    }
  }
}

private func printBody(_ type: UInt8, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case PacketType.sourcePath:
    try checkPath(body, at: 12)
    printer.write("SPM seq ", "sequence", try body.u32(at: 0))
    printer.write(" trail ", "trailing_sequence", try body.u32(at: 4))
    printer.write(" lead ", "leading_sequence", try body.u32(at: 8))
    _ = try printPath(body, at: 12, &printer)
  case PacketType.poll:
    let length = try checkPath(body, at: 8)
    try body.check(0, length &+ 12)
    printer.write("POLL seq ", "sequence", try body.u32(at: 0))
    printer.write(" round ", "round", try body.u16(at: 4))
    let offset = try printPath(body, at: 8, &printer)
    printer.write(" ivl ", try body.u32(at: offset))
    printer.write(" rnd 0x", try body.u32(at: offset &+ 4), as: .hex(8))
    printer.write(" mask 0x", try body.u32(at: offset &+ 8), as: .hex(8))
  case PacketType.pollAnswer:
    try body.check(0, 8)
    printer.write("POLR seq ", "sequence", try body.u32(at: 0))
    printer.write(" round ", "round", try body.u16(at: 4))
  case PacketType.data, PacketType.repair:
    try body.check(0, 8)
    printer.out.write(type == PacketType.data ? "ODATA" : "RDATA")
    printer.write(" trail ", "trailing_sequence", try body.u32(at: 4))
    printer.write(" seq ", "sequence", try body.u32(at: 0))
  default: printer.write("", type, as: .named(PacketType.names, unknown: .hex("UNKNOWN type 0x", digits: 2)))
  }
}

/// Whether there is a path address, of 4 or 16 bytes, after its family and two reserved bytes; gives the offset after it.
@discardableResult
private func checkPath(_ body: PacketBytes, at offset: Int) throws(DecodeError) -> Int {
  try body.check(0, offset &+ 4)
  let length: Int
  switch try body.u16(at: offset) {
  case Family.ipv4: length = 4
  case Family.ipv6: length = 16
  default: throw .invalid
  }
  try body.check(0, offset &+ 4 &+ length)
  return offset &+ 4 &+ length
}

private func printPath(_ body: PacketBytes, at offset: Int, _ printer: inout Printer) throws(DecodeError) -> Int {
  if try body.u16(at: offset) == Family.ipv4 {
    printer.write(" nla ", "path_address", try body.ipv4(at: offset &+ 4))
    return offset &+ 8
  }
  printer.write(" nla ", "path_address", try body.ipv6(at: offset &+ 4))
  return offset &+ 20
}
