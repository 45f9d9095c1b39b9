package import Dissect
import PacketCore

extension Layer {
  static let ntp = Layer(
    "ntp", "Network Time Protocol", "RFC 5905", note: "Times are seconds since 1900, modulo 2^32."
  ) {
    [
      Field("leap", .uint8, "Leap indicator.", always: true),
      Field("version", .uint8, "Version.", always: true),
      Field("mode", .uint8, "Mode.", always: true),
      Field("stratum", .uint8, "Stratum."),
      Field("poll", .int8, "Logarithm of the poll interval."),
      Field("precision", .int8, "Logarithm of the precision."),
      Field("root_delay", .number, "Root delay in seconds."),
      Field("root_dispersion", .number, "Root dispersion in seconds."),
      Field(
        "reference_id", .text,
        "What the server is synchronised to: letters for a clock or a reason, else hexadecimal digits."),
      Field("reference_time", .number, "Reference timestamp."),
      Field("origin_time", .number, "Origin timestamp."),
      Field("receive_time", .number, "Receive timestamp."),
      Field("transmit_time", .number, "Transmit timestamp."),
      Field(
        "extension_fields",
        .array(
          .object([
            Field("type", .uint16, "Field type.", always: true),
            Field("length", .uint16, "Bytes of the field, its header included.", always: true),
            Field("data", .hex, "Value.", always: true),
          ])), "Extension fields.", each: "One field."),
      Field("key_id", .uint32, "Key identifier."),
      Field("digest", .hex, "Digest."),
      Field("response", .flag, "Control message: R bit."),
      Field("is_error", .flag, "Control message: E bit."),
      Field("more", .flag, "Control message: M bit."),
      Field("opcode", .uint8, "Control message: operation."),
      Field("sequence", .uint16, "Control message: sequence."),
      Field("status", .uint16, "Control message: status."),
      Field("association", .uint16, "Control message: association."),
      Field("offset", .uint16, "Control message: offset of the data."),
      Field("count", .uint16, "Control message: bytes of the data."),
    ]
  }
}

extension Dissector {
  /// Network Time Protocol, RFC 5905 section 7.3; control messages: RFC 9327.
  package static let ntp = Dissector(
    name: "ntp", claims: [.udpPort(123)], layers: [.ntp], standsAlone: true, print: printNTP)
}

///     0  leap indicator (2 bits), version (3), mode (3)   1  stratum   2  poll   3  precision
///     4  root delay   8  root dispersion   12  reference identifier
///     16 reference   24 origin   32 receive   40 transmit timestamp
///     48 extension fields, key identifier, digest
private enum Offset {
  static let reference = 16
  static let origin = 24
  static let receive = 32
  static let transmit = 40
  static let end = 48
}

private enum Mode {
  static let control: UInt8 = 6
  static let reserved: UInt8 = 7
  static let names: ValueNames = [
    0: "unspecified", 1: "symmetric active", 2: "symmetric passive", 3: "Client", 4: "Server", 5: "Broadcast",
    6: "Control Message", 7: "Reserved",
  ]
}

private let leapIndicators: ValueNames = [0x00: "", 0x40: "+1s", 0x80: "-1s", 0xc0: "clock unsynchronized"]
private let extensionFields: ValueNames = [
  0x0104: "Unique Identifier", 0x0204: "NTS Cookie", 0x0304: "NTS Cookie Placeholder",
  0x0404: "NTS Authenticator and Encrypted Extension Fields", 0x2005: "UDP Checksum Complement",
]

@Sendable
private func printNTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.count == 0 { printer.out.write("NTP") }
  let first = try bytes.u8(at: 0)
  let mode = first & 7
  if printer.enter(.ntp) {
    printer.fields.write("leap", first >> 6)
    printer.fields.write("version", first >> 3 & 7)
    printer.fields.write("mode", mode)
  }
  printer.write("NTPv", first >> 3 & 7)
  printer.write(", ", mode, as: .named(Mode.names, unknown: ""))
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0 else { return }
  printer.write("\n\tLeap indicator: ", first & 0xc0, as: .named(leapIndicators, unknown: ""))
  printer.write(" (", first & 0xc0)
  printer.out.write(")")
  switch mode {
  case Mode.control: try printControl(bytes, &printer)
  case Mode.reserved: break
  default: try printTime(bytes, &printer)
  }
}

// MARK: Time messages

private func printTime(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, Offset.end)
  let stratum = try bytes.u8(at: 1)
  if printer.writesFields {
    printer.fields.write("stratum", stratum)
    printer.fields.write("poll", Int8(bitPattern: try bytes.u8(at: 2)))
    printer.fields.write("precision", Int8(bitPattern: try bytes.u8(at: 3)))
  }
  printer.write(", Stratum ", stratum)
  switch stratum {
  case 0: printer.out.write(" (unspecified)")
  case 1: printer.out.write(" (primary reference)")
  case 2...15: printer.out.write(" (secondary reference)")
  default: printer.out.write(" (reserved)")
  }
  let poll = Int8(bitPattern: try bytes.u8(at: 2))
  printer.write(", poll ", Int(poll))
  if poll.magnitude < 32 {
    printer.out.write(poll < 0 ? " (1/" : " (")
    printer.out.write(decimal: UInt32(1) << UInt32(poll.magnitude))
    printer.out.write("s)")
  }
  let precision = Int8(bitPattern: try bytes.u8(at: 3))
  printer.write(", precision ", Int(precision))
  printer.out.write("\n\tRoot Delay: ")
  writeShort("root_delay", try bytes.u32(at: 4), &printer)
  printer.out.write(", Root dispersion: ")
  writeShort("root_dispersion", try bytes.u32(at: 8), &printer)
  printer.out.write(", Reference-ID: ")
  try writeReference(bytes, stratum, &printer)
  _ = try writeTimestamp("\n\t  Reference Timestamp:  ", "reference_time", bytes, Offset.reference, &printer)
  let origin = try writeTimestamp("\n\t  Origin Timestamp:     ", "origin_time", bytes, Offset.origin, &printer)
  let receive = try writeTimestamp("\n\t  Receive Timestamp:    ", "receive_time", bytes, Offset.receive, &printer)
  let transmit = try writeTimestamp("\n\t  Transmit Timestamp:   ", "transmit_time", bytes, Offset.transmit, &printer)
  printer.out.write("\n\t    Originator - Receive Timestamp:  ")
  writeDifference(from: origin, to: receive, &printer)
  printer.out.write("\n\t    Originator - Transmit Timestamp: ")
  writeDifference(from: origin, to: transmit, &printer)
  try printTrailer(try bytes.dropping(Offset.end), hasExtensions: try bytes.u8(at: 0) >> 3 & 7 == 4, &printer)
}

/// The time source that the server is synchronised to: four letters for a clock or a reason, or an address.
private func writeReference(_ bytes: PacketBytes, _ stratum: UInt8, _ printer: inout Printer) throws(DecodeError) {
  let identifier = try bytes.u32(at: 12)
  if printer.writesFields {
    let octets = try bytes.slice(at: 12, length: 4)
    // A clock or a reason has up to four letters, padded with zeros.
    if stratum < 2, identifier >> 24 != 0 {
      var length = 4
      while length > 0, try octets.u8(at: length - 1) == 0 { length -= 1 }
      printer.fields.write("reference_id", text: octets.clamped(to: length))
    } else {
      printer.fields.write("reference_id", hex: octets)
    }
  }
  switch stratum {
  case 0 where !isPrintable(identifier): printer.out.write("(unspec)")
  case 0, 1:
    try printer.writeText(try bytes.dropping(12), length: 4)
  default:
    printer.write("0x", identifier, as: .hex(8))
  }
}

/// True if all four bytes are printable ASCII.
private func isPrintable(_ identifier: UInt32) -> Bool {
  stride(from: 0, to: 32, by: 8).allSatisfy { (0x20...0x7e).contains(identifier >> $0 & 0xff) }
}

/// An unsigned number: 16 bits before the point and 16 bits of fraction (RFC 5905 section 6).
private func writeShort(_ key: StaticString, _ value: UInt32, _ printer: inout Printer) {
  func write(_ printer: inout Printer) {
    printer.out.write(decimal: value >> 16)
    printer.out.write(".")
    printer.out.write(decimal: (UInt64(value & 0xffff) * 1_000_000) >> 16, width: 6)
  }
  guard printer.writesFields else { return write(&printer) }
  let held = printer.beginHeldText()
  write(&printer)
  printer.fields.write(key, number: printer.out, from: held.start)
  printer.endHeldText(held)
}

/// Writes a timestamp of the header after its title; returns it.
private func writeTimestamp(
  _ title: StaticString, _ key: StaticString, _ bytes: PacketBytes, _ offset: Int, _ printer: inout Printer
) throws(DecodeError) -> UInt64 {
  printer.out.write(title)
  let value = try bytes.u64(at: offset)
  recordTimestamp(key, value, &printer)
  printer.writeNTPTime(value)
  return value
}

/// The same as a number.
private func recordTimestamp(_ key: StaticString, _ value: UInt64, _ printer: inout Printer) {
  guard printer.writesFields else { return }
  let held = printer.beginHeldText()
  printer.out.write(decimal: value >> 32)
  writeFraction(value, &printer)
  printer.fields.write(key, number: printer.out, from: held.start)
  printer.endHeldText(held)
}

private func writeFraction(_ value: UInt64, _ printer: inout Printer) {
  printer.out.write(".")
  printer.out.write(decimal: ((value & 0xffff_ffff) * 1_000_000_000) >> 32, width: 9)
}

/// How much later `end` is, with a sign; `end` itself if there is no start.
private func writeDifference(from start: UInt64, to end: UInt64, _ printer: inout Printer) {
  if start == 0 {
    printer.writeNTPTime(end)
    return
  }
  let isLater = end > start
  let difference = isLater ? end &- start : start &- end
  printer.out.write(isLater ? "+" : "-")
  printer.out.write(decimal: difference >> 32)
  writeFraction(difference, &printer)
}

/// Lengths of the shortest and the longest message authentication code in bytes, the key identifier included.
private let authenticationLengths = (md5: 20, sha1: 24)

/// Extension fields (RFC 7822), which only version 4 has, then the key identifier and the digest.
private func printTrailer(
  _ bytes: PacketBytes, hasExtensions: Bool, _ printer: inout Printer
) throws(DecodeError) {
  guard bytes.length > 0 else { return }
  switch bytes.length {
  case 4:
    try writeKey(bytes, &printer)
  case authenticationLengths.md5, authenticationLengths.sha1:
    try writeKey(bytes, &printer)
    try bytes.check(4, bytes.length - 4)
    if printer.writesFields { printer.fields.write("digest", hex: try bytes.slice(at: 4, length: bytes.length - 4)) }
    printer.out.write("\n\tAuthentication: ")
    try printer.writeHexOctets(try bytes.dropping(4), bytes.length - 4)
  case (authenticationLengths.sha1 + 1)... where hasExtensions:
    try printExtensionFields(bytes, &printer)
  default:
    printer.write("\n\t(", bytes.length)
    printer.out.write(" more bytes after the header and extension fields)")
  }
}

private func writeKey(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let key = try bytes.u32(at: 0)
  printer.write("\n\tKey id: ", "key_id", key)
}

private func printExtensionFields(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  // The rest is a message authentication code if it is no longer than one.
  let layout = OptionLayout(
    typeWidth: 2, lengthWidth: 2, countsHeader: true, needed: UInt16(authenticationLengths.sha1 + 1),
    shortHeader: .endsList)
  var list = printer.openList(bytes, layout, array: "extension_fields")
  var rest = bytes.length
  while let field = try printer.next(&list) {
    guard field.length >= 16, field.length % 4 == 0, !field.isTooLong else {
      printer.out.write(" (invalid)")
      printer.noteInvalid()
      printer.stop(&list)
      break
    }
    rest = field.rest - field.length
    if field.isFirst { printer.out.write("\n\tExtension fields:") }
    let type = UInt16(truncatingIfNeeded: field.type)
    printer.write("\n\t  ", type, as: .named(extensionFields, unknown: "Unknown type"))
    printer.write(" (0x", type, as: .hex(4))
    printer.write("), length ", field.length)
    let value = field.value
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type)
      printer.fields.write("length", field.length)
      printer.fields.write("data", hex: value)
    }
    // Show what was captured of the value.
    if printer.options.verbosity > 2 { printer.writeHex(value, indent: "\n\t    ") }
    _ = try field.wholeValue()
  }
  try printTrailer(try bytes.dropping(bytes.length - rest), hasExtensions: false, &printer)
}

// MARK: Control messages

private func recordControl(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let control = try bytes.u8(at: 1)
  printer.fields.write("response", control & 0x80 != 0)
  printer.fields.write("is_error", control & 0x40 != 0)
  printer.fields.write("more", control & 0x20 != 0)
  printer.fields.write("opcode", control & 0x1f)
  printer.fields.write("sequence", try bytes.u16(at: 2))
  printer.fields.write("status", try bytes.u16(at: 4))
  printer.fields.write("association", try bytes.u16(at: 6))
  printer.fields.write("offset", try bytes.u16(at: 8))
  printer.fields.write("count", try bytes.u16(at: 10))
}

///     0 as above   1  response, error, more (1 bit each), opcode (5)   2  sequence
///     4 status     6  association   8  offset   10  count   12  data
private func printControl(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, 12)
  let control = try bytes.u8(at: 1)
  if printer.writesFields { try? recordControl(bytes, &printer) }
  printer.out.write(control & 0x80 != 0 ? ", Response" : ", Request")
  printer.out.write(control & 0x40 != 0 ? ", Error" : ", OK")
  printer.out.write(control & 0x20 != 0 ? ", More" : ", Last")
  printer.write(", OpCode=", control & 0x1f)
  printer.out.write("\n")
  let sequence = try bytes.u16(at: 2)
  printer.write("\tSequence=", sequence)
  let status = try bytes.u16(at: 4)
  printer.out.write(status == 0 ? ", Status=" : ", Status=0x")
  printer.out.write(hex: status)
  let association = try bytes.u16(at: 6)
  printer.write(", Assoc.=", association)
  let offset = try bytes.u16(at: 8)
  printer.write(", Offset=", offset)
  let count = Int(try bytes.u16(at: 10))
  printer.write(", Count=", count)
  try printer.reject("length", bytes.length, .less, 12 + count)
  if count != 0 {
    try bytes.check(12, count)
    printer.out.write("\n\tTO-BE-DONE: data not interpreted")
  }
}
