package import Dissect
import PacketCore

extension Layer {
  static let ptp = Layer("ptp", "Precision Time Protocol", "IEEE 1588") {
    [
      Field("version", .uint8, "Version, 2.", always: true),
      Field("minor_version", .uint8, "Minor version.", always: true),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_name", .text, "Name of the type."),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field("domain_number", .uint8, "Domain of the clocks."),
      Field("flag_bits", .uint16, "Flags, as bits."),
      Field("correction", .number, "Correction in nanoseconds."),
      Field("clock_identity", .hex, "Clock of the sender."),
      Field("port_number", .uint16, "Port of the sender."),
      Field("sequence", .uint16, "Number of the message."),
      Field("log_message_interval", .int8, "Binary logarithm of the seconds between messages; 127 for none."),
      Field("seconds", .uint48, "Seconds of the time stamp."),
      Field("nanoseconds", .uint32, "Nanoseconds of the time stamp."),
      Field("requesting_clock_identity", .hex, "Clock that is answered, or meant."),
      Field("requesting_port_number", .uint16, "Its port."),
      Field("utc_offset", .integer(-32768...32767), "Seconds of TAI before UTC, in an announcement."),
      Field("priority1", .uint8, "First priority of the grandmaster."),
      Field("clock_class", .uint8, "Class of the grandmaster."),
      Field("clock_accuracy", .uint8, "Accuracy of the grandmaster."),
      Field("clock_variance", .uint16, "Variance of the grandmaster."),
      Field("priority2", .uint8, "Second priority of the grandmaster."),
      Field("grandmaster_identity", .hex, "The grandmaster."),
      Field("steps_removed", .uint16, "Clocks between it and the sender."),
      Field("time_source", .uint8, "Where its time comes from."),
    ]
  }
}

extension Dissector {
  package static let ptp = Dissector(
    name: "ptp", claims: [.etherType(0x88f7), .udpPort(319), .udpPort(320), .payloadType(.ptp)], layers: [.ptp],
    print: printPTP)
}

private enum Message {
  static let names: ValueNames = [
    0: "sync msg", 1: "delay req msg", 2: "peer delay req msg", 3: "peer delay resp msg", 8: "follow up msg",
    9: "delay resp msg", 10: "pdelay resp fup msg", 11: "announce msg", 12: "signaling msg", 13: "management msg",
  ]
  static let announce: UInt8 = 11
  static let signalling: UInt8 = 12
  static let management: UInt8 = 13
  /// The title of the time stamp of a message.
  static let timestamps: ValueNames = [
    0: ", originTimeStamp:", 1: ", originTimeStamp:", 2: ", preciseOriginTimeStamp:", 3: ", receiveTimeStamp:",
    8: ", preciseOriginTimeStamp:", 9: ", receiveTimeStamp:", 10: ", preciseOriginTimeStamp:",
    11: ", originTimeStamp:",
  ]

  /// True for messages that name, after the time stamp, the port that they answer.
  static func namesPort(_ type: UInt8) -> Bool { type == 2 || type == 3 || type == 9 || type == 10 }
}

private let flagNames: FlagNames = [
  0x0001: "l1 61", 0x0002: "l1 59", 0x0004: "utc reasonable", 0x0008: "timescale", 0x0010: "time tracable",
  0x0020: "frequency tracable", 0x0100: "alternate master", 0x0200: "two step", 0x0400: "unicast",
  0x1000: "profile specific 1", 0x2000: "profile specific 2", 0x4000: "security mask",
]
private let controls: ValueNames = [
  0: "Sync", 1: "Delay_Req", 2: "Follow_Up", 3: "Delay_Resp", 4: "Management", 5: "Other",
]

///     0                    1              2        4        5          6       8            16
///     +--------------------+--------------+--------+--------+----------+-------+------------+
///     | sdoId, type (4, 4) | minor, major | length | domain | reserved | flags | correction |
///     +--------------------+--------------+--------+--------+----------+-------+------------+
///     16         20               28     30         32
///     +----------+----------------+------+----------+---------
///     | reserved | clock identity | port | sequence | control
///     +----------+----------------+------+----------+---------
/// Byte 33 is the log message interval (IEEE 1588 section 13.3). The correction counts nanoseconds in its upper 48 bits and fractions of
/// them in its lower 16.
private let headerLength = 34

@Sendable
private func printPTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("PTP")
  try printer.reject("length", bytes.length, .less, headerLength)
  let versions = try bytes.u8(at: 1)
  let (major, minor) = (versions & 15, versions >> 4)
  let writesFields = printer.enter(.ptp)
  if writesFields {
    printer.fields.write("version", major)
    printer.fields.write("minor_version", minor)
  }
  printer.write("v", major)
  if minor > 0 { printer.write(".", minor) }
  guard major == 2 else {
    printer.out.write(major == 1 ? " (not implemented)" : " (unsupported)")
    return
  }
  let first = try bytes.u8(at: 0)
  let type = first & 15
  printer.write(", majorSdoId: 0x", first >> 4, as: .hex(1))
  printer.write(
    ", msg type: ", "message_type", type, as: .named(Message.names, key: "message_name", unknown: "Reserved"))
  printer.write(", length: ", "length", try bytes.u16(at: 2))
  try bytes.check(4, 2)
  printer.write(", domain: ", "domain_number", try bytes.u8(at: 4))
  printer.write(", reserved1: ", try bytes.u8(at: 5))
  let flags = try bytes.u16(at: 6)
  if writesFields { printer.fields.write("flag_bits", flags) }
  printer.out.write(", Flags [")
  printer.write(flagNames, flags)
  printer.out.write("]")
  printer.write(", NS correction: ", try bytes.u48(at: 8))
  printer.write(", sub NS correction: ", try bytes.u16(at: 14))
  if writesFields { try recordCorrection(Int64(bitPattern: try bytes.u64(at: 8)), &printer) }
  printer.write(", reserved2: ", try bytes.u32(at: 16))
  try writeIdentity(", clock identity: 0x", ", port id: ", "clock_identity", "port_number", bytes, at: 20, &printer)
  printer.write(", seq id: ", "sequence", try bytes.u16(at: 30))
  let control = try bytes.u8(at: 32)
  printer.write(", control: ", control)
  printer.write(" (", control, as: .named(controls, unknown: "Reserved"))
  printer.out.write(")")
  let interval = try bytes.u8(at: 33)
  if writesFields { printer.fields.write("log_message_interval", Int8(bitPattern: interval)) }
  printer.write(", log message interval: ", interval)
  try printBody(type, try bytes.dropping(headerLength), &printer)
}

/// Nanoseconds, with a fraction in units of 2^-16 nanoseconds.
private func recordCorrection(_ correction: Int64, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write(key: "correction")
  if correction < 0 { printer.fields.json.write(byte: UInt8(ascii: "-")) }
  printer.fields.json.write(decimal: correction.magnitude >> 16)
  let fraction = correction.magnitude & 0xffff
  if fraction > 0 {
    printer.fields.json.write(byte: UInt8(ascii: "."))
    printer.fields.json.write(decimal: fraction &* 1_000_000 / 65536, width: 6)
  }
}

private func writeIdentity(
  _ title: StaticString, _ portTitle: StaticString, _ key: StaticString, _ portKey: StaticString, _ bytes: PacketBytes,
  at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let identity = try bytes.u64(at: offset)
  if printer.writesFields { printer.fields.write(key, hex: try bytes.slice(at: offset, length: 8)) }
  printer.write(title, identity, as: .hex(1))
  printer.write(portTitle, portKey, try bytes.u16(at: offset &+ 8))
}

private func printBody(_ type: UInt8, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if let title = Message.timestamps[type] {
    printer.out.write(title)
    printer.write(" ", "seconds", try body.u48(at: 0))
    printer.out.write(".")
    let nanoseconds = try body.u32(at: 6)
    if printer.writesFields { printer.fields.write("nanoseconds", nanoseconds) }
    printer.out.write(decimal: nanoseconds, width: 9)
    printer.out.write(" seconds")
    if nanoseconds > 999_999_999 { printer.writeFault(" (invalid ns)") }
  }
  switch type {
  case _ where Message.namesPort(type): try printPort(body, at: 10, &printer)
  case Message.announce: try printAnnouncement(try body.dropping(10), &printer)
  case Message.signalling: try printPort(body, at: 0, &printer)
  case Message.management:
    try printPort(body, at: 0, &printer)
    printer.write(", start boundary hops: ", try body.u8(at: 10))
    printer.write(", boundary hops: ", try body.u8(at: 11))
    printer.write(", flags: 0x", try body.u8(at: 12), as: .hex(1))
    printer.write(", reserved: 0x", try body.u8(at: 13), as: .hex(1))
  default: break
  }
}

private func printPort(_ body: PacketBytes, at offset: Int, _ printer: inout Printer) throws(DecodeError) {
  try writeIdentity(
    ", port identity: 0x", ", port id: ", "requesting_clock_identity", "requesting_port_number", body, at: offset,
    &printer)
}

///     0            2          3          4       5          6          8          9             17              19
///     +------------+----------+----------+-------+----------+----------+----------+-------------+---------------+--------
///     | UTC offset | reserved | priority | class | accuracy | variance | priority | grandmaster | steps removed | source
///     +------------+----------+----------+-------+----------+----------+----------+-------------+---------------+--------
private func printAnnouncement(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let offset = try body.u16(at: 0)
  if printer.writesFields { printer.fields.write("utc_offset", Int16(bitPattern: offset)) }
  printer.write(", origin cur utc:", offset)
  printer.write(", rsvd: ", try body.u8(at: 2))
  printer.write(", gm priority_1: ", "priority1", try body.u8(at: 3))
  printer.write(", gm clock class: ", "clock_class", try body.u8(at: 4))
  printer.write(", gm clock accuracy: ", "clock_accuracy", try body.u8(at: 5))
  printer.write(", gm clock variance: ", "clock_variance", try body.u16(at: 6))
  printer.write(", gm priority_2: ", "priority2", try body.u8(at: 8))
  let identity = try body.u64(at: 9)
  if printer.writesFields { printer.fields.write("grandmaster_identity", hex: try body.slice(at: 9, length: 8)) }
  printer.write(", gm clock id: 0x", identity, as: .hex(1))
  printer.write(", steps removed: ", "steps_removed", try body.u16(at: 17))
  let source = try body.u8(at: 19)
  if printer.writesFields { printer.fields.write("time_source", source) }
  printer.write(", time source: 0x", source, as: .hex(2))
  // In the standard's first edition the message ends with a reserved byte.
}
