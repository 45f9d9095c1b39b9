package import Dissect
import PacketCore

extension Layer {
  static let pgm = Layer("pgm", "Pragmatic General Multicast", "RFC 3208") {
    [
      Field("source_port", .uint16, "Port of the sender.", always: true),
      Field("destination_port", .uint16, "Port of the receiver.", always: true),
      Field("packet_type", .uint8, "Type of the packet."),
      Field("packet_name", .text, "Name of the type."),
      Field("option_bits", .uint8, "1 where options are there, 2 where they matter to the network."),
      Field("checksum", .uint16, "Checksum, as sent; 0 for none."),
      Field("global_source_id", .hex, "Source."),
      Field("data_length", .uint32, "Bytes of data."),
      Field("sequence", .uint32, "Sequence number."),
      Field("trailing_sequence", .uint32, "First number of the window."),
      Field("leading_sequence", .uint32, "Last number of the window."),
      Field("round", .uint16, "Round of a poll."),
      Field("path_address", .ip, "Network element that the packet came through."),
      Field("source_address", .ip, "Source of data that was lost."),
      Field("group_address", .ip, "Group of data that was lost."),
      Field("options", .array(.object(pgmOptionFields)), "Options, in order.", each: "One option."),
    ]
  }
}

extension Dissector {
  package static let pgm = Dissector(
    name: "pgm", claims: [.ipProtocol(ipProtocol), .payloadType(.pgm), .payloadType(.pgmZMTP1)], layers: [.pgm],
    print: printPGM)
}

private let ipProtocol: UInt8 = 113

private enum PacketType {
  static let sourcePath: UInt8 = 0
  static let poll: UInt8 = 1
  static let pollAnswer: UInt8 = 2
  static let data: UInt8 = 4
  static let repair: UInt8 = 5
  static let negative: UInt8 = 8
  static let nullNegative: UInt8 = 9
  static let confirmation: UInt8 = 10
  static let acknowledgment: UInt8 = 11
  static let names: ValueNames = [
    0: "SPM", 1: "POLL", 2: "POLR", 4: "ODATA", 5: "RDATA", 8: "NAK", 9: "NNAK", 10: "NCF", 11: "ACK", 12: "SPMR",
  ]
}

/// The header has options: a list of them follows the body.
private let hasOptions: UInt8 = 0x01

///     0             2                  4      5         6          8                  14
///     +-------------+------------------+------+---------+----------+------------------+-------------+------
///     | source port | destination port | type | options | checksum | global source ID | data length | …
///     +-------------+------------------+------+---------+----------+------------------+-------------+------
private let headerLength = 16

@Sendable
private func printPGM(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let hasPorts = bytes.has(0, 4)
  // Over UDP the addresses precede the UDP ports.
  let isDirect = printer.network.headerProtocol == ipProtocol
  if isDirect { printer.writeSource() }
  if hasPorts { printer.write(isDirect ? "." : "", try bytes.u16(at: 0)) }
  printer.out.write(" > ")
  if isDirect { printer.writeDestination() }
  if hasPorts { printer.write(isDirect ? "." : "", try bytes.u16(at: 2)) }
  printer.out.write(": ")
  if !hasPorts { return printer.writeTruncation(of: "pgm") }
  if printer.enter(.pgm) {
    printer.fields.write("source_port", try bytes.u16(at: 0))
    printer.fields.write("destination_port", try bytes.u16(at: 2))
  }
  try bytes.check(0, headerLength)
  let type = try bytes.u8(at: 4)
  let length = try bytes.u16(at: 14)
  if printer.writesFields {
    printer.fields.write("packet_type", type, "packet_name", PacketType.names)
    printer.fields.write("option_bits", try bytes.u8(at: 5))
    printer.fields.write("checksum", try bytes.u16(at: 6))
    printer.fields.write("global_source_id", hex: try bytes.slice(at: 8, length: 6))
    printer.fields.write("data_length", length)
  }
  printer.write("PGM, length ", length)
  if printer.options.verbosity > 0 {
    printer.out.write(" 0x")
    printer.out.write(hexOf: try bytes.slice(at: 8, length: 6).rawSpan)
    printer.out.write(" ")
    let body = try bytes.dropping(headerLength)
    let end = try printBody(type, body, &printer)
    if try bytes.u8(at: 5) & hasOptions != 0, try !printPGMOptions(try body.dropping(end), &printer) { return }
    printer.write(" [", bytes.length)
    printer.out.write("]")
    if printer.options.payload == .pgmZMTP1, type == PacketType.data || type == PacketType.repair {
      let data = bytes.length &- Int(length)
      if data >= headerLength &+ end { try printer.run(.zmtpDatagram, try bytes.dropping(data)) }
    }
  }
}

/// Prints the body of a packet; returns the offset at which its options begin.
private func printBody(_ type: UInt8, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  switch type {
  case PacketType.sourcePath:
    let end = try body.checkPGMAddress(at: 12)
    printer.write("SPM seq ", "sequence", try body.u32(at: 0))
    printer.write(" trail ", "trailing_sequence", try body.u32(at: 4))
    printer.write(" lead ", "leading_sequence", try body.u32(at: 8))
    try printer.writePGMAddress(" nla ", "path_address", body, at: 12)
    return end
  case PacketType.poll:
    let end = try body.checkPGMAddress(at: 8)
    try body.check(end, 12)
    printer.write("POLL seq ", "sequence", try body.u32(at: 0))
    printer.write(" round ", "round", try body.u16(at: 4))
    try printer.writePGMAddress(" nla ", "path_address", body, at: 8)
    printer.write(" ivl ", try body.u32(at: end))
    printer.write(" rnd 0x", try body.u32(at: end &+ 4), as: .hex(8))
    printer.write(" mask 0x", try body.u32(at: end &+ 8), as: .hex(8))
    return end &+ 12
  case PacketType.pollAnswer:
    try body.check(0, 8)
    printer.write("POLR seq ", "sequence", try body.u32(at: 0))
    printer.write(" round ", "round", try body.u16(at: 4))
    return 8
  case PacketType.data, PacketType.repair:
    try body.check(0, 8)
    printer.out.write(type == PacketType.data ? "ODATA" : "RDATA")
    printer.write(" trail ", "trailing_sequence", try body.u32(at: 4))
    printer.write(" seq ", "sequence", try body.u32(at: 0))
    return 8
  case PacketType.negative, PacketType.nullNegative, PacketType.confirmation:
    ///     0 sequence number  4 family of the source  6 reserved  8 source, family, reserved, group      RFC 3208 section 8.3
    let group = try body.checkPGMAddress(at: 4)
    let end = try body.checkPGMAddress(at: group)
    printer.write("", type, as: .named(PacketType.names, unknown: ""))
    try printer.writePGMAddress(" (", "source_address", body, at: 4)
    try printer.writePGMAddress(" -> ", "group_address", body, at: group)
    printer.write("), seq ", "sequence", try body.u32(at: 0))
    return end
  case PacketType.acknowledgment:
    ///     0 highest sequence number  4 bitmap of those before it
    try body.check(0, 8)
    printer.write("ACK seq ", "sequence", try body.u32(at: 0))
    return 8
  default:
    printer.write("", type, as: .named(PacketType.names, unknown: .hex("UNKNOWN type 0x", digits: 2)))
    return 0
  }
}
