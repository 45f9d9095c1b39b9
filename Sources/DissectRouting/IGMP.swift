package import Dissect
import PacketCore

extension Layer {
  static let igmp = Layer(
    "igmp", "Internet Group Management Protocol", "RFC 1112, RFC 2236, RFC 3376", note: "With multicast traceroute."
  ) {
    [
      Field("type", .uint8, "Message type.", always: true),
      Field("code", .uint8, "Second byte: the maximum response code of queries."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("group", .ipv4, "Multicast group."),
      Field("maximum_response_time", .uint32, "Maximum response time of a query of version 3 in tenths of a second."),
      Field("sources", .array(.ipv4), "Sources of a query."),
      Field(
        "records",
        .array(
          .object([
            Field("type", .uint8, "Record type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("group", .ipv4, "Multicast group.", always: true),
            Field("sources", .array(.ipv4), "Sources."),
          ])), "Records of a report.", each: "One record."),
      Field("trace_source", .ipv4, "Source that is traced."),
      Field("trace_destination", .ipv4, "Destination that is traced."),
      Field("response_address", .ipv4, "Where the response goes."),
      Field("response_ttl", .uint8, "Its time to live."),
      Field("query_id", .uint24, "Query identifier."),
    ]
  }
}

extension NumberSpace {
  /// Message types of IGMP.
  package static let igmpType = NumberSpace("IGMP type", hexadecimal: true)
}

extension Dissector {
  /// Internet Group Management Protocol, RFC 1112, RFC 2236, RFC 3376.
  package static let igmp = Dissector(
    name: "igmp", claims: [.ipProtocol(IPProtocol.igmp)], layers: [.igmp], print: printIGMP)
}

/// Message types.
private enum IGMPType {
  static let query: UInt8 = 0x11
  static let report1: UInt8 = 0x12
  static let report2: UInt8 = 0x16
  static let leave: UInt8 = 0x17
  static let traceResponse: UInt8 = 0x1e
  static let trace: UInt8 = 0x1f
  static let report3: UInt8 = 0x22
}

private let recordTypes: ValueNames = [
  1: "is_in", 2: "is_ex", 3: "to_in", 4: "to_ex", 5: "allow", 6: "block",
]

///     0      1      2          4
///     +------+------+----------+-------+-----
///     | type | code | checksum | group | by type
///     +------+------+----------+-------+-----
@Sendable
private func printIGMP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.options.quiet {
    printer.out.write("igmp")
    return
  }
  let type = try bytes.u8(at: 0)
  let isCorrect = printer.options.verbosity > 0 && bytes.length >= 4 ? bytes.hasRightChecksum : nil
  if printer.enter(.igmp) { try? record(bytes, type, isCorrect, &printer) }
  switch type {
  case IGMPType.query:
    printer.out.write("igmp query")
    if bytes.length >= 12 {
      try printQuery3(bytes, &printer)
    } else {
      try printQuery(bytes, &printer)
    }
  case IGMPType.report1, IGMPType.report2, IGMPType.leave:
    let group = try bytes.ipv4(at: 4)
    switch type {
    case IGMPType.report1: printer.out.write("igmp v1 report ")
    case IGMPType.report2: printer.out.write("igmp v2 report ")
    default: printer.out.write("igmp leave ")
    }
    printer.writeHost(group)
    if type == IGMPType.report1, bytes.length != 8 { writeInvalidLength(bytes, &printer) }
  case IGMPType.report3: try printReport3(bytes, &printer)
  case IGMPType.trace, IGMPType.traceResponse: try printTrace(bytes, type, &printer)
  default:
    let index = printer.registry.index(.igmpType, type)
    guard index != 0 else {
      printer.write("igmp-", type)
      break
    }
    printer.out.write("igmp ")
    try printer.run(index, bytes)
  }
  if isCorrect == false {
    // The fault belongs to this protocol, not to the one inside it.
    printer.protocolName = "igmp"
    printer.writeFault(" bad igmp cksum ")
    printer.out.write(hex: try bytes.u16(at: 2))
    printer.out.write("!")
  }
}

private func record(
  _ bytes: PacketBytes, _ type: UInt8, _ isCorrect: Bool?, _ printer: inout Printer
) throws(DecodeError) {
  printer.fields.write("type", type)
  printer.fields.write("code", try bytes.u8(at: 1))
  printer.fields.write("checksum", try bytes.u16(at: 2))
  if let isCorrect { printer.recordChecksum(isCorrect: isCorrect) }
  switch type {
  case IGMPType.query, IGMPType.report1, IGMPType.report2, IGMPType.leave, IGMPType.trace, IGMPType.traceResponse:
    printer.fields.write("group", try bytes.ipv4(at: 4))
  default: break
  }
}

private func writeInvalidLength(_ bytes: PacketBytes, _ printer: inout Printer) {
  printer.writeFault(" [len ")
  printer.out.write(decimal: bytes.length)
  printer.out.write("]")
}

/// RFC 2236 section 2; a query of version 1 has no response time.
private func printQuery(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let code = try bytes.u8(at: 1)
  if code == 0 {
    printer.out.write(" v1")
  } else {
    printer.out.write(" v2")
    if code != 100 {
      printer.write(" [max resp time ", code)
      printer.out.write("]")
    }
  }
  let group = try bytes.ipv4(at: 4)
  if group.rawValue != 0 {
    printer.write(" [gaddr ", group)
    printer.out.write("]")
  }
  if bytes.length != 8 { writeInvalidLength(bytes, &printer) }
}

/// RFC 3376 section 4.1.
private func printQuery3(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(" v3")
  if bytes.length & 3 != 0 {
    printer.writeFault(" [invalid len ")
    printer.out.write(decimal: bytes.length)
    printer.out.write("]")
    return
  }
  let code = try bytes.u8(at: 1)
  // Tenths of a second; from 128 on with an exponent (section 4.1.1).
  let time = code < 128 ? UInt32(code) : (UInt32(code & 15) | 16) << (UInt32(code >> 4 & 7) + 3)
  if printer.writesFields { printer.fields.write("maximum_response_time", time) }
  if time != 100 {
    printer.out.write(" [max resp time ")
    if time < 600 {
      printer.out.write(decimal: time / 10)
      printer.write(".", time % 10)
      printer.out.write("s")
    } else {
      printer.writeRelativeTime(seconds: time / 10)
    }
    printer.out.write("]")
  }
  let group = try bytes.ipv4(at: 4)
  guard group.rawValue != 0 else { return }
  printer.write(" [gaddr ", group)
  let sources = Int(try bytes.u16(at: 10))
  if sources > 0 {
    if bytes.length < 12 + sources * 4 {
      printer.writeFault(" [invalid number of sources]")
    } else if printer.options.verbosity > 1 {
      try writeSources(bytes, at: 12, sources, &printer)
    } else {
      printer.write(", ", sources)
      printer.out.write(" source(s)")
    }
  }
  printer.out.write("]")
}

private func writeSources(
  _ bytes: PacketBytes, at offset: Int, _ count: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" {")
  let sources = bytes.withLength(offset + count * 4)
  var list = printer.openList(sources, at: offset, .elements(of: 4), array: "sources")
  while let source = try printer.next(&list) {
    printer.out.write(" ")
    printer.writeElement("", try source.value.ipv4(at: 0))
  }
  printer.out.write(" }")
}

///     6 number of records  8 records: 0 type  1 auxiliary words  2 number of sources  4 group  8 sources
/// RFC 3376 section 4.2.
private func printReport3(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("igmp v3 report")
  if bytes.length < 16 || bytes.length & 3 != 0 {
    printer.writeFault(" [invalid len ")
    printer.out.write(decimal: bytes.length)
    printer.out.write("]")
    return
  }
  let records = Int(try bytes.u16(at: 6))
  printer.write(", ", records)
  printer.out.write(" group record(s)")
  guard printer.options.verbosity > 0 else { return }
  let layout = OptionLayout(
    type: .bytes(at: 0, 1), length: .bytes(at: 2, 2), headerLength: 8, unit: 4, shortHeader: .endsList)
  var list = printer.openList(bytes, at: 8, layout, objects: "records")
  for _ in 0..<records {
    guard let record = try printer.next(&list) else { return printer.writeFault(" [invalid number of groups]") }
    let group = try record.bytes.ipv4(at: 4)
    if printer.writesFields {
      printer.fields.write("type", record.type, "type_name", recordTypes)
      printer.fields.write("group", group)
    }
    printer.write(" [gaddr ", group)
    printer.write(" ", record.type, as: .named(recordTypes, unknown: .decimal(" [v3-report-#", "]")))
    if record.isTooLong {
      printer.writeFault(" [invalid number of sources ")
      printer.out.write(decimal: record.length)
      return printer.out.write("]")
    }
    if printer.options.verbosity > 1 {
      try writeSources(record.bytes, at: 8, record.length, &printer)
    } else {
      printer.write(", ", record.length)
      printer.out.write(" source(s)")
    }
    printer.out.write("]")
    list.resume(after: record.size + Int(try record.bytes.u8(at: 1)) * 4)
  }
  printer.stop(&list)
}

///     4 group  8 source  12 destination  16 response address  20 response TTL, query identifier (24 bits)
/// draft-ietf-idmr-traceroute-ipm section 4.
private func printTrace(_ bytes: PacketBytes, _ type: UInt8, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 24 {
    printer.writeFault(" [invalid len ")
    printer.out.write(decimal: bytes.length)
    printer.out.write("]")
    return
  }
  let last = try bytes.u32(at: 20)
  if printer.writesFields {
    printer.fields.write("trace_source", try bytes.ipv4(at: 8))
    printer.fields.write("trace_destination", try bytes.ipv4(at: 12))
    printer.fields.write("response_address", try bytes.ipv4(at: 16))
    printer.fields.write("response_ttl", last >> 24)
    printer.fields.write("query_id", last & 0xff_ffff)
  }
  printer.out.write(type == IGMPType.trace ? "mtrace " : "mresp ")
  printer.out.write(decimal: last & 0xff_ffff)
  printer.out.write(": ")
  printer.writeHost(try bytes.ipv4(at: 8))
  printer.out.write(" to ")
  printer.writeHost(try bytes.ipv4(at: 12))
  printer.out.write(" reply-to ")
  let response = try bytes.ipv4(at: 16)
  printer.writeHost(response)
  if response.rawValue >> 28 == 14 {
    printer.write(" with-ttl ", last >> 24)
  }
}
