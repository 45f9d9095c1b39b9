package import Dissect
import Names
import PacketCore

extension Layer {
  static let sctp = Layer("sctp", "Stream Control Transmission Protocol", "RFC 9260") {
    [
      Field("source_port", .uint16, "Source port.", always: true),
      Field("destination_port", .uint16, "Destination port.", always: true),
      Field("verification_tag", .uint32, "Verification tag.", always: true),
      Field("checksum", .uint32, "Checksum, as sent.", always: true),
      Field(
        "chunks",
        .array(
          .object([
            Field("type", .uint8, "Chunk type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("flag_bits", .uint8, "Flags of the chunk, as bits.", always: true),
            Field("length", .uint16, "Bytes of the chunk, its header included.", always: true),
            Field("tsn", .uint32, "Transmission sequence number."),
            Field("stream_id", .uint16, "Stream."),
            Field("stream_sequence", .uint16, "Sequence number in the stream."),
            Field("payload_protocol", .uint32, "Payload protocol identifier."),
            Field("payload_protocol_name", .text, "Name of the payload protocol."),
            Field("initiate_tag", .uint32, "Verification tag that the sender expects."),
            Field("receiver_window", .uint32, "Bytes that the sender can receive."),
            Field("outbound_streams", .uint16, "Streams that the sender opens."),
            Field("inbound_streams", .uint16, "Streams that the sender accepts at most."),
            Field("cumulative_tsn", .uint32, "Last transmission sequence number without a gap before it."),
            Field(
              "gap_blocks",
              .array(
                .object([
                  Field("start_tsn", .uint32, "First number that was received.", always: true),
                  Field("end_tsn", .uint32, "Last number that was received.", always: true),
                ])), "Chunks that were received after a gap.", each: "One block."),
            Field("duplicate_tsns", .array(.uint32), "Numbers that were received more than once."),
          ])), "Chunks, in order.", each: "One chunk; its members depend on its type."),
    ]
  }
}

extension NumberSpace {
  /// Payload protocol identifiers of SCTP.
  static let sctpPayload = NumberSpace("SCTP payload protocol")
}

extension Dissector {
  package static let sctp = Dissector(
    name: "sctp", claims: [.ipProtocol(IPProtocol.sctp)], layers: [.sctp], print: printSCTP)
}

///     0             2                  4                  8          12
///     +-------------+------------------+------------------+----------+--------
///     | source port | destination port | verification tag | checksum | chunks     (RFC 9260 section 3.1)
///     +-------------+------------------+------------------+----------+--------
private let headerLength = 12

@Sendable
private func printSCTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, headerLength)
  try bytes.check(0, headerLength)
  let source = try bytes.u16(at: 0)
  let destination = try bytes.u16(at: 2)
  printer.notePorts(source, destination)
  if printer.enter(.sctp) {
    printer.fields.write("source_port", source)
    printer.fields.write("destination_port", destination)
    printer.fields.write("verification_tag", try bytes.u32(at: 4))
    printer.fields.write("checksum", try bytes.u32(at: 8))
  }
  printer.writeEndpoints(source, destination, .sctp)
  printer.out.write("sctp")
  if let name = forcesPorts[source] { printer.out.write(name) }
  if let name = forcesPorts[destination] { printer.out.write(name) }
  let isForCES = forcesPorts[source] != nil || forcesPorts[destination] != nil

  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("chunks") }
  var offset = headerLength
  var number = 0
  // Every iteration advances by at least the four bytes of a chunk header.
  while offset < bytes.length {
    let rest = bytes.length &- offset
    number &+= 1
    if rest < Chunk.headerLength {
      writeNumber(number, &printer)
      printer.writeFault("[chunk descriptor cut off at end of packet]")
      break
    }
    let length = Int(try bytes.u16(at: offset &+ 2))
    if length < Chunk.headerLength {
      writeNumber(number, &printer)
      printer.write("[Bad chunk length ", length)
      printer.writeFault(", < size of chunk descriptor]")
      break
    }
    let chunk = try bytes.slice(at: offset, length: length)
    writeNumber(number, &printer)
    if printer.writesFields { printer.fields.beginObject() }
    let wholeChunk = try printChunk(chunk, isForCES: isForCES, &printer)
    if printer.writesFields { printer.fields.end(downTo: level &+ 1) }
    guard wholeChunk else { break }
    // Chunks are padded to multiples of four bytes.
    offset &+= length
    let padding = -length & 3
    if padding > 0 {
      guard bytes.length &- offset >= padding else { break }
      try bytes.check(offset, padding)
      offset &+= padding
    }
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

/// Ports of the ForCES channels with high, medium and low priority (RFC 5811 section 4.2.1.1).
private let forcesPorts: ValueNames = [6704: "[ForCES HP]", 6705: "[ForCES MP]", 6706: "[ForCES LP]"]

/// `(1) ` and `, (2) ` on one line; with `-vv` each chunk on its own line.
private func writeNumber(_ number: Int, _ printer: inout Printer) {
  if printer.options.verbosity > 1 {
    printer.write("\n\t", number)
  } else {
    printer.write(number == 1 ? " (" : ", (", number)
  }
  printer.out.write(") ")
}

///     0      1       2        4
///     +------+-------+--------+-------
///     | type | flags | length | value      (RFC 9260 section 3.2)
///     +------+-------+--------+-------
private enum Chunk {
  static let headerLength = 4
  static let data: UInt8 = 0
  static let initiation: UInt8 = 1
  static let initiationAck: UInt8 = 2
  static let selectiveAck: UInt8 = 3

  static let names: ValueNames = [
    0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HB REQ", 5: "HB ACK", 6: "ABORT", 7: "SHUTDOWN",
    8: "SHUTDOWN ACK", 9: "OP ERR", 10: "COOKIE ECHO", 11: "COOKIE ACK", 12: "ECN ECHO", 13: "ECN CWR",
    14: "SHUTDOWN COMPLETE", 0xc0: "FOR CUM TSN", 0xc1: "REL CTRL", 0xc2: "REL CTRL ACK",
  ]
}

/// Payload protocol identifiers (IANA "SCTP Payload Protocol Identifiers").
private let payloadProtocols: ValueNames = [
  1: "ISDN Q.921", 2: "M2UA", 3: "M3UA", 4: "SUA", 5: "M2PA", 6: "V5.2", 7: "H.248", 8: "BICC", 9: "TALI", 10: "DUA",
  11: "ASAP", 12: "ENRP", 13: "H.323", 14: "Q.IPC", 15: "SIMCO", 16: "DDPSC", 17: "DDPSSC", 18: "S1AP", 19: "RUA",
  20: "HNBAP", 21: "ForCES HP", 22: "ForCES MP", 23: "ForCES LP", 24: "SBc-AP", 25: "NBAP", 27: "X2AP",
]

/// Prints a chunk; false if its length is too small, which ends the packet.
private func printChunk(_ chunk: PacketBytes, isForCES: Bool, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let type = try chunk.u8(at: 0)
  if printer.writesFields {
    printer.fields.write("type", type, "type_name", Chunk.names)
    printer.fields.write("flag_bits", try chunk.u8(at: 1))
    printer.fields.write("length", chunk.length)
  }
  printer.write("[", type, as: .named(Chunk.names, unknown: .hex("Unknown chunk type: 0x")))
  printer.out.write("] ")
  switch type {
  case Chunk.data: return try printData(chunk, isForCES: isForCES, &printer)
  case Chunk.initiation, Chunk.initiationAck: return try printInitiation(chunk, &printer)
  case Chunk.selectiveAck: return try printSelectiveAck(chunk, &printer)
  default: return true
  }
}

/// ` bogus chunk length 8]` if a chunk is shorter than the fixed part of its type.
private func isBogus(_ chunk: PacketBytes, _ minimum: Int, _ printer: inout Printer) -> Bool {
  guard chunk.length < minimum else { return false }
  printer.write("bogus chunk length ", chunk.length)
  printer.writeFault("]")
  return true
}

///     4     8           10                12
///     +-----+-----------+-----------------+------------------+------
///     | TSN | stream ID | stream sequence | payload protocol | data      (RFC 9260 section 3.3.1)
///     +-----+-----------+-----------------+------------------+------
private func printData(
  _ chunk: PacketBytes, isForCES: Bool, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let flags = try chunk.u8(at: 1)
  if flags & 7 != 0 {
    if flags & 4 != 0 { printer.out.write("(U)") }
    if flags & 2 != 0 { printer.out.write("(B)") }
    if flags & 1 != 0 { printer.out.write("(E)") }
    printer.out.write(" ")
  }
  if isBogus(chunk, 16, &printer) { return false }
  let identifier = try chunk.u32(at: 12)
  printer.write("[TSN: ", "tsn", try chunk.u32(at: 4))
  printer.write("] [SID: ", "stream_id", try chunk.u16(at: 8))
  printer.write("] [SSEQ ", "stream_sequence", try chunk.u16(at: 10))
  printer.write(
    "] [PPID ", "payload_protocol", identifier,
    as: .named(payloadProtocols, key: "payload_protocol_name", unknown: .hex("0x")))
  printer.out.write("] ")
  // A data chunk without data is an error (RFC 9260 section 3.3.1).
  let data = try chunk.dropping(16)
  try printer.reject("chunk length", data.length, .equal, 0)
  if isForCES {
    try printer.run(.forces, data)
    printer.protocolName = Dissector.sctp.name
    return true
  }
  guard printer.options.verbosity > 1 || printer.recording != .nothing else { return true }
  let index = printer.registry.index(.sctpPayload, identifier)
  if index != 0 {
    if printer.options.verbosity > 1 {
      try printer.run(index, data)
    } else {
      printer.recordOnly(index, data)
    }
    // The bytes after the payload belong to SCTP again.
    printer.protocolName = Dissector.sctp.name
    return true
  }
  printer.noteUndecoded(.sctpPayload, identifier, data)
  if printer.options.verbosity > 1, !printer.options.suppressesUnknownDump {
    printer.out.write("[Payload:")
    printer.writeHexAndASCII(data)
    printer.out.write("]")
  }
  return true
}

///     4     8        12                 14                16
///     +-----+--------+------------------+-----------------+-------------+------------
///     | tag | window | outbound streams | inbound streams | initial TSN | parameters      (RFC 9260 section 3.3.2)
///     +-----+--------+------------------+-----------------+-------------+------------
private func printInitiation(_ chunk: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  if isBogus(chunk, 20, &printer) { return false }
  printer.write("[init tag: ", "initiate_tag", try chunk.u32(at: 4))
  printer.write("] [rwnd: ", "receiver_window", try chunk.u32(at: 8))
  printer.write("] [OS: ", "outbound_streams", try chunk.u16(at: 12))
  printer.write("] [MIS: ", "inbound_streams", try chunk.u16(at: 14))
  printer.write("] [init TSN: ", "tsn", try chunk.u32(at: 16))
  printer.out.write("] ")
  return true
}

///     4                8        12           14                  16
///     +----------------+--------+------------+-------------------+-------------------------------+------------
///     | cumulative TSN | window | gap blocks | duplicate numbers | blocks: start (2) and end (2) | duplicates
///     +----------------+--------+------------+-------------------+-------------------------------+------------
/// Starts and ends count from the cumulative TSN (RFC 9260 section 3.3.4).
private func printSelectiveAck(_ chunk: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  if isBogus(chunk, 16, &printer) { return false }
  let cumulative = try chunk.u32(at: 4)
  let blocks = try chunk.u16(at: 12)
  let duplicates = try chunk.u16(at: 14)
  printer.write("[cum ack ", "cumulative_tsn", cumulative)
  printer.write("] [a_rwnd ", "receiver_window", try chunk.u32(at: 8))
  printer.write("] [#gap acks ", blocks)
  printer.write("] [#dup tsns ", duplicates)
  printer.out.write("] ")
  let blockBytes = try chunk.dropping(16).clamped(to: 4 &* Int(blocks))
  var list = printer.openList(blockBytes, .elements(of: 4), objects: "gap_blocks")
  var number = 0
  while let block = try printer.next(&list) {
    number &+= 1
    printer.write("\n\t\t[gap ack block #", number)
    printer.write(": start = ", "start_tsn", cumulative &+ UInt32(try block.bytes.u16(at: 0)))
    printer.write(", end = ", "end_tsn", cumulative &+ UInt32(try block.bytes.u16(at: 2)))
    printer.out.write("] ")
  }
  let rest = try chunk.dropping(16 &+ blockBytes.length / 4 &* 4).clamped(to: 4 &* Int(duplicates))
  list = printer.openList(rest, .elements(of: 4), array: "duplicate_tsns")
  number = 0
  while let duplicate = try printer.next(&list) {
    number &+= 1
    printer.write("\n\t\t[dup TSN #", number)
    printer.writeElement(": ", try duplicate.bytes.u32(at: 0))
    printer.out.write("] ")
  }
  return true
}
