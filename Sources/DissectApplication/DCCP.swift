package import Dissect
import Names
import PacketCore

extension Layer {
  static let dccp = Layer("dccp", "Datagram Congestion Control Protocol", "RFC 4340") {
    [
      Field("source_port", .uint16, "Source port.", always: true),
      Field("destination_port", .uint16, "Destination port.", always: true),
      Field("header_length", .uint16, "Bytes of the header, options included.", always: true),
      Field("ccval", .uint8, "Value for the congestion control of the sender.", always: true),
      Field("checksum_coverage", .uint8, "Words of data that the checksum is over, plus one; 0 for all.", always: true),
      Field("checksum", .uint16, "Checksum, as sent.", always: true),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("packet_type", .uint16, "Type of the packet.", always: true),
      Field("packet_type_name", .text, "Name of the type."),
      Field("sequence", .uint48, "Sequence number.", always: true),
      Field("acknowledgment", .uint48, "Acknowledgment number."),
      Field("service", .uint32, "Service code."),
      Field("reset_code", .uint8, "Why the connection is reset."),
      Field("reset_code_name", .text, "Name of the code."),
      Field(
        "options",
        .array(
          .object([
            Field("kind", .uint8, "Type of the option.", always: true),
            Field("kind_name", .text, "Name of the type."),
            Field("data", .hex, "Value."),
          ])), "Options, in order.", each: "One option."),
    ]
  }
}

extension Dissector {
  package static let dccp = Dissector(
    name: "dccp", claims: [.ipProtocol(IPProtocol.dccp)], layers: [.dccp], print: printDCCP)
}

private enum PacketType {
  static let request: UInt8 = 0
  static let response: UInt8 = 1
  static let data: UInt8 = 2
  static let reset: UInt8 = 7
  static let names: ValueNames = [
    0: "DCCP-Request", 1: "DCCP-Response", 2: "DCCP-Data", 3: "DCCP-Ack", 4: "DCCP-DataAck", 5: "DCCP-CloseReq",
    6: "DCCP-Close", 7: "DCCP-Reset", 8: "DCCP-Sync", 9: "DCCP-SyncAck",
  ]
}

private let resetCodes: ValueNames = [
  0: "unspecified", 1: "closed", 2: "aborted", 3: "no_connection", 4: "packet_error", 5: "option_error",
  6: "mandatory_error", 7: "connection_refused", 8: "bad_service_code", 9: "too_busy", 10: "bad_init_cookie",
  11: "aggression_penalty",
]

///     0             2                  4             5                6          8          9             10 or 13
///     +-------------+------------------+-------------+----------------+----------+----------+-------------+----------
///     | source port | destination port | data offset | CCVal, CsCov   | checksum | type, X  | …, sequence | …
///     +-------------+------------------+-------------+----------------+----------+----------+-------------+----------
/// With X set, sequence and acknowledgment numbers have 48 bits, else 24 (RFC 4340 section 5.1).
private let shortHeaderLength = 12
private let longHeaderLength = 16

@Sendable
private func printDCCP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, shortHeaderLength)
  try bytes.check(0, shortHeaderLength)
  let typeByte = try bytes.u8(at: 8)
  let isLong = typeByte & 1 != 0
  let basicLength = isLong ? longHeaderLength : shortHeaderLength
  try printer.reject("length", bytes.length, .less, basicLength)
  try bytes.check(0, basicLength)
  let source = try bytes.u16(at: 0)
  let destination = try bytes.u16(at: 2)
  let headerLength = 4 &* Int(try bytes.u8(at: 4))
  let type = typeByte >> 1 & 15
  let sequence = isLong ? try bytes.u48(at: 10) : UInt64(try bytes.u24(at: 9))
  printer.notePorts(source, destination)
  if printer.enter(.dccp) {
    printer.fields.write("source_port", source)
    printer.fields.write("destination_port", destination)
    printer.fields.write("header_length", headerLength)
    printer.fields.write("ccval", try bytes.u8(at: 5) >> 4)
    printer.fields.write("checksum_coverage", try bytes.u8(at: 5) & 15)
    printer.fields.write("checksum", try bytes.u16(at: 6))
    printer.fields.write("packet_type", type, "packet_type_name", PacketType.names)
    printer.fields.write("sequence", sequence)
  }
  printer.writeEndpoints(source, destination, .dccp)
  printer.out.write("DCCP")
  try printer.reject("length", bytes.length, .less, headerLength)
  printer.out.write(" ")
  if printer.options.quiet {
    printer.out.write(decimal: max(0, bytes.length &- headerLength))
    return
  }
  if printer.options.verbosity > 0 { try writeChecksum(bytes, headerLength, &printer) }
  printer.write("", type, as: .named(PacketType.names, unknown: .decimal("unknown-type-")))
  printer.out.write(" ")
  let acknowledgmentLength = type == PacketType.request || type == PacketType.data ? 0 : isLong ? 8 : 4
  let ownLength = type == PacketType.request || type == PacketType.response || type == PacketType.reset ? 4 : 0
  let length = basicLength &+ acknowledgmentLength &+ ownLength
  try printer.reject("length", bytes.length, .less, length)
  try bytes.check(0, length)
  let own = basicLength &+ acknowledgmentLength
  switch type {
  case PacketType.request, PacketType.response:
    // In a request no acknowledgment number precedes the service.
    printer.write("(service=", "service", try bytes.u32(at: own))
    printer.out.write(") ")
  case PacketType.reset:
    let code = try bytes.u8(at: own)
    printer.write(
      "(code=", "reset_code", code, as: .named(resetCodes, key: "reset_code_name", unknown: "invalid"))
    printer.out.write(") ")
  default: break
  }
  if acknowledgmentLength > 0 {
    let number = isLong ? try bytes.u48(at: basicLength &+ 2) : UInt64(try bytes.u24(at: basicLength &+ 1))
    printer.write("(ack=", "acknowledgment", number)
    printer.out.write(") ")
  }
  let options = try bytes.clamped(to: max(length, headerLength)).dropping(length)
  if printer.options.verbosity > 1 {
    printer.write("seq ", sequence)
    if options.length > 0 {
      printer.out.write(" <")
      try printOptions(options, &printer)
      printer.out.write(">")
    }
  } else if printer.writesFields {
    printer.recordOnly(options) { (options, printer) throws(DecodeError) in try printOptions(options, &printer) }
  }
}

/// Writes the checksum, which covers the header and, if the coverage is not zero, only coverage - 1 words of the data.
private func writeChecksum(_ bytes: PacketBytes, _ headerLength: Int, _ printer: inout Printer) throws(DecodeError) {
  let second = try bytes.u8(at: 5)
  let coverage = Int(second & 15)
  printer.write("(CCVal ", second >> 4)
  printer.write(", CsCov ", coverage)
  if bytes.has(0, bytes.length), !printer.options.skipChecksums {
    let covered = coverage == 0 ? bytes.length : min(bytes.length, headerLength &+ (coverage &- 1) &* 4)
    let stored = try bytes.u16(at: 6)
    var sum = printer.network.pseudoHeader(ipProtocol: IPProtocol.dccp, length: bytes.length)
    sum.add(bytes.clamped(to: covered))
    printer.recordChecksum(isCorrect: sum.value == 0)
    printer.write(", cksum 0x", stored, as: .hex(4))
    if sum.value == 0 {
      printer.out.write(" (correct)")
    } else {
      printer.write(" (incorrect -> 0x", InternetChecksum.correct(stored: stored, over: sum), as: .hex(4))
      printer.out.write(")")
    }
  }
  printer.out.write(") ")
}

// MARK: Options

private enum OptionType {
  static let names: ValueNames = [
    0: "nop", 1: "mandatory", 2: "slowreceiver", 32: "change_l", 33: "confirm_l", 34: "change_r", 35: "confirm_r",
    36: "initcookie", 37: "ndp_count", 38: "ack_vector0", 39: "ack_vector1", 40: "data_dropped", 41: "timestamp",
    42: "timestamp_echo", 43: "elapsed_time", 44: "data_checksum",
  ]
  /// Types below this have a single byte; types from `firstOfCCID` on belong to the congestion control.
  static let firstWithLength: UInt8 = 32
  static let firstOfCCID: UInt8 = 128
}

private let features: ValueNames = [
  0: "reserved", 1: "ccid", 2: "allow_short_seqno", 3: "sequence_window", 4: "ecn_incapable", 5: "ack_ratio",
  6: "send_ack_vector", 7: "send_ndp_count", 8: "minimum_csum_coverage", 9: "check_data_checksum",
]

///     0      1        2
///     +------+--------+-------
///     | type | length | value     the length counts the header; types below 32 have a single byte (RFC 4340 section 5.8)
///     +------+--------+-------
private func printOptions(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("options") }
  var offset = 0
  // Every iteration advances by at least one byte.
  while offset < bytes.length {
    if offset > 0 { printer.out.write(", ") }
    let type = try bytes.u8(at: offset)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("kind", type, "kind_name", OptionType.names)
    }
    if type >= OptionType.firstOfCCID {
      printer.write("CCID option ", type)
    } else if let name = OptionType.names[type] {
      printer.out.write(name)
    } else {
      printer.write("option-type-", type)
    }
    if type < OptionType.firstWithLength {
      if OptionType.names[type] == nil { throw .invalid }
      offset &+= 1
    } else {
      let length = Int(try bytes.u8(at: offset &+ 1))
      try printer.reject("optlen", length, .less, 2)
      try printer.reject("remaining length", bytes.length &- offset, .less, length)
      if type < OptionType.firstOfCCID, OptionType.names[type] == nil { throw .invalid }
      let value = try bytes.dropping(offset &+ 2).clamped(to: length &- 2).withLength(length &- 2)
      if printer.writesFields { printer.fields.write("data", hex: value) }
      try printOption(type, value, &printer)
      offset &+= length
    }
    if printer.writesFields { printer.fields.end(downTo: level &+ 1) }
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

private func printOption(_ type: UInt8, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case 32...35:
    if value.length < 1 { try rejectLength("< 3", &printer) }
    printer.write(" ", try value.u8(at: 0), as: .named(features, unknown: .decimal("feature-number-")))
    for index in 1..<max(1, value.length) { printer.write(" ", try value.u8(at: index)) }
  case 36, 38, 39, 40:
    printer.out.write(" 0x")
    try printer.writeHexOctets(value, value.length)
  case 37: for index in 0..<value.length { printer.write(" ", try value.u8(at: index)) }
  case 41:
    if value.length != 4 { try rejectLength("!= 6", &printer) }
    printer.write(" ", try value.u32(at: 0))
  case 42:
    switch value.length {
    case 4: printer.write(" ", try value.u32(at: 0))
    case 6, 8:
      printer.write(" ", try value.u32(at: 0))
      printer.write(" (elapsed time ", try value.unsigned(at: 4, width: value.length &- 4))
      printer.out.write(")")
    default: try rejectLength("!= 6 or 8 or 10", &printer)
    }
  case 44:
    printer.out.write(" ")
    try printer.writeHexOctets(value, value.length)
  default:
    // Elapsed times, and options of the congestion control.
    if value.length != 2, value.length != 4 { try rejectLength("!= 4 or 6", &printer) }
    printer.write(" ", try value.unsigned(at: 0, width: value.length))
  }
}

/// ` [optlen != 6]`.
private func rejectLength(_ relation: StaticString, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(" [optlen ")
  printer.out.write(relation)
  printer.out.write("]")
  throw .invalid
}
