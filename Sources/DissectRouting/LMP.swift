package import Dissect
import PacketCore

extension Layer {
  static let lmp = Layer("lmp", "Link Management Protocol", "RFC 4204 section 12") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("flag_bits", .uint8, "Flags: 1 the control channel goes down, 2 the sender has restarted."),
      Field("message_type", .uint8, "Kind of message."),
      Field("message_type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field("objects", .array(.object(lmpObjectFields)), "Objects, in order.", each: "One object."),
    ]
  }
}

extension Dissector {
  package static let lmp = Dissector(
    name: "lmp", claims: [.udpPort(701), .payloadType(.lmp)], layers: [.lmp], print: printLMP)
}

/// RFC 4204 section 12.1, and those of service discovery (OIF UNI 1.0).
private let messages: ValueNames = [
  1: "Config", 2: "Config ACK", 3: "Config NACK", 4: "Hello", 5: "Begin Verify", 6: "Begin Verify ACK",
  7: "Begin Verify NACK", 8: "End Verify", 9: "End Verify ACK", 10: "Test", 11: "Test Status Success",
  12: "Test Status Failure", 13: "Test Status ACK", 14: "Link Summary", 15: "Link Summary ACK", 16: "Link Summary NACK",
  17: "Channel Status", 18: "Channel Status ACK", 19: "Channel Status Request", 20: "Channel Status Response",
  50: "Service Config", 51: "Service Config ACK", 52: "Service Config NACK",
]
private let messageFlags: FlagNames = [0x01: "Control Channel Down", 0x02: "LMP restart"]

///     0                   2       3      4        6
///     +---------+---------+-------+------+--------+----------+---------
///     | version | reserved| flags | type | length | reserved | objects       RFC 4204 section 12.1
///     +---------+---------+-------+------+--------+----------+---------
private let headerLength = 8

/// The length of an object includes its header.
///
///     0                   1       2
///     +------------+------+-------+--------+----------
///     | negotiable | type | class | length | contents       RFC 4204 section 12.2
///     +------------+------+-------+--------+----------
private let objectLayout = OptionLayout(
  type: .bytes(at: 0, 2), length: .bytes(at: 2, 2), headerLength: 4, countsHeader: true)

@Sendable
private func printLMP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let version = try bytes.u8(at: 0) >> 4
  if printer.enter(.lmp) { printer.fields.write("version", version) }
  guard version == 1 else {
    printer.write("LMP version ", version)
    return printer.writeFault(" packet not supported")
  }
  let type = try bytes.u8(at: 3)
  let length = Int(try bytes.u16(at: 4))
  guard printer.options.verbosity > 0 else {
    printer.write("LMPv", version)
    printer.write(" ", type, as: .named(messages, unknown: .decimal("unknown (", ")")))
    printer.write(" Message, length: ", bytes.length)
    return
  }
  printer.write("\n\tLMPv", version)
  printer.write(
    ", msg-type: ", "message_type", type,
    as: .named(messages, key: "message_type_name", unknown: .decimal("unknown, type: ")))
  let flags = try bytes.u8(at: 2)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.out.write(", Flags: [")
  printer.write(messageFlags, flags)
  printer.write("], length: ", "length", length)
  if length < headerLength { return printer.writeFault(" (too short)") }
  if length > bytes.length { printer.writeFault(" (too long)") }
  try printObjects(bytes.withLength(min(length, bytes.length)), &printer)
}

private func printObjects(_ message: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(message, at: headerLength, objectLayout, objects: "objects")
  while let object = try printer.next(&list) {
    let type = UInt8(truncatingIfNeeded: object.type >> 8)
    let row = lmpClasses[type: object.type & 0xff]
    writeObjectTitle(type & 0x7f, UInt8(truncatingIfNeeded: object.type), row, type & 0x80 != 0, &printer)
    printer.write(", length: ", "length", object.length)
    if object.isTooShort { return printer.writeFault(" (too short)") }
    if object.length % 4 != 0 { return printer.writeFault(" (not a multiple of 4)") }
    // An object may extend beyond the stated length of the message: its captured part is printed, and then it is marked.
    let contents = try object.wholeValue()
    let isKnown = try printLMPObject(row, type & 0x7f, contents, &printer)
    if printer.options.verbosity > 1 || !isKnown { printer.writeHex(contents, indent: "\n\t    ") }
    try printer.reject("remaining objects length", object.rest, .less, object.length)
  }
}

private func writeObjectTitle(
  _ type: UInt8, _ classNumber: UInt8, _ row: OptionRow<LMPClass>?, _ isNegotiable: Bool, _ printer: inout Printer
) {
  let typeName = row?.form.types[type]
  if printer.writesFields {
    printer.fields.write("class", classNumber)
    if let row { printer.fields.write("class_name", row.name) }
    printer.fields.write("class_type", type)
    if let typeName { printer.fields.write("class_type_name", typeName) }
    printer.fields.write("is_negotiable", isNegotiable)
  }
  printer.out.write("\n\t  ")
  printer.out.write(row?.name ?? "Unknown")
  printer.write(" Object (", classNumber)
  printer.out.write("), Class-Type: ")
  printer.out.write(typeName ?? "Unknown")
  printer.write(" (", type)
  printer.out.write(isNegotiable ? ") Flags: [negotiable]" : ") Flags: [non-negotiable]")
}
