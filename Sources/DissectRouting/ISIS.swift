package import Dissect
import PacketCore

extension Layer {
  static let isis = Layer(
    "isis", "Intermediate System to Intermediate System routing protocol", "ISO/IEC 10589, RFC 1195, RFC 5305"
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("pdu_type", .uint8, "Kind of PDU."),
      Field("pdu_type_name", .text, "Name of the kind."),
      Field("header_length", .uint8, "Bytes of the header."),
      Field("system_id_length", .uint8, "Bytes of a system identifier; 0 for 6."),
      Field("maximum_areas", .uint8, "Area addresses that the area allows; 0 for 3."),
      Field("system_id", .text, "System identifier of the sender."),
      Field("circuit_type", .uint8, "Levels of the circuit: 1, 2, or 3 for both."),
      Field("hold_seconds", .uint16, "Seconds for which the hello is valid."),
      Field("priority", .uint8, "Priority to become the designated router."),
      Field("lan_id", .text, "The designated router's identifier, and that of its pseudonode."),
      Field("circuit_id", .uint8, "The sender's number for the circuit."),
      Field("lsp_id", .text, "Identifier of the link state PDU: system, pseudonode, fragment."),
      Field("sequence", .uint32, "Sequence number."),
      Field("lifetime", .uint16, "Seconds that remain of the link state PDU's life."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("overload", .flag, "The system is overloaded, and not to be used for transit."),
      Field("partition_repair", .flag, "The system can repair partitions."),
      Field(
        "attached", .uint4, "Metrics by which the system is attached to other areas: error, expense, delay, default."),
      Field("level", .uint8, "Level of the system: 1, or 3 for level 2."),
      Field("start_lsp_id", .text, "First identifier of the range that is described."),
      Field("end_lsp_id", .text, "Last identifier of the range that is described."),
      Field("length", .uint16, "Bytes of the PDU, as it states."),
      Field(
        "tlvs", .array(.object(isisTLVFields)), "TLVs, in order, of PDUs that are printed with -v.",
        each: "One TLV; its members depend on its type."),
    ]
  }
}

extension Dissector {
  package static let isis = Dissector(
    name: "isis", claims: [Claim(.nlpid, NLPID.isis)], layers: [.isis], print: printISIS)
}

private enum PDUType {
  static let level1LANHello: UInt8 = 15
  static let level2LANHello: UInt8 = 16
  static let pointToPointHello: UInt8 = 17
  static let level1LSP: UInt8 = 18
  static let level2LSP: UInt8 = 20
  static let level1CSNP: UInt8 = 24
  static let level2CSNP: UInt8 = 25
  static let level1PSNP: UInt8 = 26
  static let level2PSNP: UInt8 = 27

  static let names: ValueNames = [
    15: "L1 Lan IIH", 16: "L2 Lan IIH", 17: "p2p IIH", 18: "L1 LSP", 20: "L2 LSP", 24: "L1 CSNP", 25: "L2 CSNP",
    26: "L1 PSNP", 27: "L2 PSNP",
  ]

  /// Length of the header of a type in bytes; nil for an unknown type.
  static func headerLength(_ type: UInt8) -> Int? {
    switch type {
    case level1LANHello, level2LANHello, level1LSP, level2LSP: 27
    case pointToPointHello: 20
    case level1CSNP, level2CSNP: 33
    case level1PSNP, level2PSNP: 17
    default: nil
    }
  }
}

private let circuitTypes: ValueNames = [1: "Level 1 only", 2: "Level 2 only", 3: "Level 1, Level 2"]
private let levels: ValueNames = [1: "L1 IS", 3: "L2 IS"]
private let attachments: FlagNames = [0x08: "default", 0x10: "delay", 0x20: "expense", 0x40: "error"]

///     0       1               2         3                4      5           6          7
///     +-------+---------------+---------+----------------+------+-----------+----------+-------------+-----
///     | NLPID | header length | version | system ID len. | type | version   | reserved | max. areas  | by type
///     +-------+---------------+---------+----------------+------+-----------+----------+-------------+-----
/// ISO/IEC 10589 section 9: the header that all PDUs have in common.
private let commonLength = 8
/// Length of a system identifier in bytes; no other length is in use.
private let systemIDLength = 6
private let version: UInt8 = 1
private let overloadBit: UInt8 = 0x04
private let partitionBit: UInt8 = 0x80

@Sendable
private func printISIS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, commonLength)
  let headerLength = Int(try bytes.u8(at: 1))
  let type = try bytes.u8(at: 4)
  if printer.enter(.isis) {
    printer.fields.write("version", try bytes.u8(at: 2))
    printer.fields.write("pdu_type", type, "pdu_type_name", PDUType.names)
    printer.fields.write("header_length", headerLength)
    printer.fields.write("system_id_length", try bytes.u8(at: 3))
    printer.fields.write("maximum_areas", try bytes.u8(at: 7))
  }
  if !printer.options.linkHeader { printer.out.write("IS-IS") }
  guard try checkCommonHeader(bytes, headerLength, &printer) else { return printer.writeHex(bytes) }
  let isVerbose = printer.options.verbosity > 0
  if isVerbose {
    try writeCommonHeader(bytes, headerLength, type, &printer)
  } else {
    if !printer.options.linkHeader { printer.out.write(", ") }
    printer.write(PDUType.names, type, unknown: .decimal("unknown PDU-Type "))
  }
  guard let expected = PDUType.headerLength(type) else {
    guard isVerbose else { return printer.write(", length ", bytes.length) }
    printer.writeHex(try bytes.dropping(commonLength), indent: "\n\t  ")
    return printer.writeHex(bytes)
  }
  if headerLength != expected {
    let isPartial = type == PDUType.level1PSNP || type == PDUType.level2PSNP
    printer.writeFault(isPartial ? "- bogus fixed header length " : ", bogus fixed header length ")
    printer.out.write(decimal: headerLength)
    printer.write(" should be ", expected)
    return printer.writeHex(bytes)
  }
  try bytes.check(0, headerLength)
  let length: Int
  switch type {
  case PDUType.level1LANHello, PDUType.level2LANHello: length = try printLANHello(bytes, &printer)
  case PDUType.pointToPointHello: length = try printPointToPointHello(bytes, &printer)
  case PDUType.level1LSP, PDUType.level2LSP: length = try printLinkState(bytes, &printer)
  case PDUType.level1CSNP, PDUType.level2CSNP: length = try printSequenceNumbers(bytes, isComplete: true, &printer)
  default: length = try printSequenceNumbers(bytes, isComplete: false, &printer)
  }
  guard isVerbose else { return printer.write(", length ", bytes.length) }
  if printer.options.verbosity > 1 {
    let header = try bytes.slice(at: commonLength, length: headerLength &- commonLength)
    printer.writeHex(header, indent: "\n\t  ")
  }
  try printer.reject("packet length", length, .less, headerLength)
  try printer.printISISTLVs(bytes.clamped(to: length), at: headerLength)
}

/// False if the PDU cannot be read, after a message that says why.
private func checkCommonHeader(
  _ bytes: PacketBytes, _ headerLength: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let idLength = Int(try bytes.u8(at: 3))
  if try bytes.u8(at: 2) != version {
    writeUnsupportedVersion(try bytes.u8(at: 2), &printer)
  } else if idLength != 0, idLength != systemIDLength {
    printer.writeFault("system ID length of ")
    printer.out.write(decimal: idLength)
    printer.out.write(" is not supported")
  } else if try bytes.u8(at: 5) != version {
    writeUnsupportedVersion(try bytes.u8(at: 5), &printer)
  } else if headerLength < commonLength {
    printer.writeFault("fixed header length ")
    printer.out.write(decimal: headerLength)
    printer.write(" < minimum header size ", commonLength)
  } else if headerLength > bytes.length {
    printer.writeFault("fixed header length ")
    printer.out.write(decimal: headerLength)
    printer.write(" > packet length ", bytes.length)
  } else if try bytes.u8(at: 7) == 255 {
    printer.writeFault("bad packet -- 255 areas")
  } else {
    return true
  }
  return false
}

private func writeUnsupportedVersion(_ version: UInt8, _ printer: inout Printer) {
  printer.writeFault("version ")
  printer.out.write(decimal: version)
  printer.out.write(" packet not supported")
}

private func writeCommonHeader(
  _ bytes: PacketBytes, _ headerLength: Int, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let idLength = try bytes.u8(at: 3)
  let areas = try bytes.u8(at: 7)
  if !printer.options.linkHeader { printer.out.write(", ") }
  printer.write("length ", bytes.length)
  printer.write("\n\t", type, as: .named(PDUType.names, unknown: .decimal("unknown, type ")))
  printer.write(", hlen: ", headerLength)
  printer.write(", v: ", try bytes.u8(at: 2))
  printer.write(", pdu-v: ", try bytes.u8(at: 5))
  printer.write(", sys-id-len: ", idLength == 0 ? UInt8(systemIDLength) : idLength)
  printer.write(" (", idLength)
  printer.write("), max-area: ", areas == 0 ? 3 : areas)
  printer.write(" (", areas)
  printer.out.write(")")
  if printer.options.verbosity > 1 { printer.writeHex(bytes.clamped(to: commonLength)) }
}

///     8              9             15             17           19         20
///     +--------------+-------------+--------------+------------+----------+--------+
///     | circuit type | system ID 6 | hold seconds | PDU length | priority | LAN ID |   section 9.5, 9.6
///     +--------------+-------------+--------------+------------+----------+--------+
/// Returns the length that the PDU states, as the functions for the other kinds of PDU do.
private func printLANHello(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let length = try bytes.u16(at: 17)
  let priority = try bytes.u8(at: 19) & 0x7f
  let source = try bytes.slice(at: 9, length: systemIDLength)
  let lan = try bytes.slice(at: 20, length: systemIDLength &+ 1)
  if printer.writesFields { try record(circuit: bytes, length, &printer) }
  guard printer.options.verbosity > 0 else {
    try printer.write(", src-id ", "system_id", systemID: source)
    try printer.write(", lan-id ", "lan_id", systemID: lan)
    printer.write(", prio ", "priority", priority)
    return Int(length)
  }
  try writeHello(bytes, gap: ",  ", &printer)
  try printer.write("\n\t  lan-id:    ", "lan_id", systemID: lan)
  printer.write(", Priority: ", "priority", priority)
  printer.write(", PDU length: ", length)
  return Int(length)
}

///     8              9             15             17           19
///     +--------------+-------------+--------------+------------+------------+
///     | circuit type | system ID 6 | hold seconds | PDU length | circuit ID |   section 9.7
///     +--------------+-------------+--------------+------------+------------+
private func printPointToPointHello(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let length = try bytes.u16(at: 17)
  let circuit = try bytes.u8(at: 19)
  if printer.writesFields {
    try record(circuit: bytes, length, &printer)
    printer.fields.write("circuit_id", circuit)
  }
  guard printer.options.verbosity > 0 else {
    try printer.write(", src-id ", "system_id", systemID: try bytes.slice(at: 9, length: systemIDLength))
    return Int(length)
  }
  try writeHello(bytes, gap: ", ", &printer)
  printer.write("\n\t  circuit-id: 0x", circuit, as: .hex(2))
  printer.write(", PDU length: ", length)
  return Int(length)
}

private func record(
  circuit bytes: PacketBytes, _ length: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  printer.fields.write("circuit_type", try bytes.u8(at: 8))
  printer.fields.write("hold_seconds", try bytes.u16(at: 15))
  printer.fields.write("length", length)
}

private func writeHello(
  _ bytes: PacketBytes, gap: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  try printer.write("\n\t  source-id: ", "system_id", systemID: try bytes.slice(at: 9, length: systemIDLength))
  printer.out.write(gap)
  printer.write("holding time: ", try bytes.u16(at: 15))
  printer.write(
    "s, Flags: [", try bytes.u8(at: 8), as: .named(circuitTypes, unknown: .hex("unknown circuit type 0x", digits: 2)))
  printer.out.write("]")
}

///     8            10         12       20         24         26
///     +------------+----------+--------+----------+----------+-------------------------------------+
///     | PDU length | lifetime | LSP ID | sequence | checksum | P, attached (4), overload, level (2)|   section 9.8, 9.9
///     +------------+----------+--------+----------+----------+-------------------------------------+
/// The checksum covers everything after the lifetime.
private func printLinkState(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let length = try bytes.u16(at: 8)
  let lifetime = try bytes.u16(at: 10)
  let identifier = try bytes.slice(at: 12, length: systemIDLength &+ 2)
  let sequence = try bytes.u32(at: 20)
  let checksum = try bytes.u16(at: 24)
  let flags = try bytes.u8(at: 26)
  if printer.writesFields {
    printer.record("lsp_id", systemID: identifier)
    printer.fields.write("sequence", sequence)
    printer.fields.write("lifetime", lifetime)
    printer.fields.write("overload", flags & overloadBit != 0)
    printer.fields.write("partition_repair", flags & partitionBit != 0)
    printer.fields.write("attached", flags >> 3 & 15)
    printer.fields.write("level", flags & 3)
    printer.fields.write("length", length)
    printer.fields.write("checksum", checksum)
  }
  let isVerbose = printer.options.verbosity > 0
  printer.out.write(isVerbose ? "\n\t  lsp-id: " : ", lsp-id ")
  try printer.writeSystemID(identifier)
  printer.write(isVerbose ? ", seq: 0x" : ", seq 0x", sequence, as: .hex(8))
  printer.out.write(isVerbose ? ", lifetime: " : ", lifetime ")
  printer.out.write(decimal: lifetime, width: 5, pad: UInt8(ascii: " "))
  printer.out.write("s")
  guard isVerbose else { return Int(length) }
  printer.write("\n\t  chksum: 0x", checksum, as: .hex(4))
  let covered = min(Int(length), bytes.length) &- 12
  printer.writeVerdict(OSIChecksum.verify(try bytes.dropping(12), at: 12, length: covered))
  printer.write(", PDU length: ", length)
  printer.out.write(", Flags: [ ")
  if flags & overloadBit != 0 { printer.out.write("Overload bit set, ") }
  if flags & 0x78 != 0 {
    printer.write(attachments, flags, separator: " ")
    printer.out.write(" ATT bit set, ")
  }
  if flags & partitionBit != 0 { printer.out.write("P bit set, ") }
  printer.write(levels, flags & 3, unknown: .hex("Unused 0x", " (invalid)"))
  printer.out.write(" ]")
  return Int(length)
}

///     8            10          17             25
///     +------------+-----------+--------------+------------+
///     | PDU length | source 7  | start LSP ID | end LSP ID |   section 9.10 to 9.13; a partial list has no range
///     +------------+-----------+--------------+------------+
private func printSequenceNumbers(
  _ bytes: PacketBytes, isComplete: Bool, _ printer: inout Printer
) throws(DecodeError) -> Int {
  let length = try bytes.u16(at: 8)
  let source = try bytes.slice(at: 10, length: systemIDLength &+ 1)
  if printer.writesFields { printer.fields.write("length", length) }
  let isVerbose = printer.options.verbosity > 0
  try printer.write(isVerbose ? "\n\t  source-id:    " : ", src-id ", "system_id", systemID: source)
  if isVerbose { printer.write(", PDU length: ", length) }
  guard isComplete else { return Int(length) }
  let start = try bytes.slice(at: 17, length: systemIDLength &+ 2)
  let end = try bytes.slice(at: 25, length: systemIDLength &+ 2)
  printer.record("start_lsp_id", systemID: start)
  printer.record("end_lsp_id", systemID: end)
  guard isVerbose else { return Int(length) }
  printer.out.write("\n\t  start lsp-id: ")
  try printer.writeSystemID(start)
  printer.out.write("\n\t  end lsp-id:   ")
  try printer.writeSystemID(end)
  return Int(length)
}
