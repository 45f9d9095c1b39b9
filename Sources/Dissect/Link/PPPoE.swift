import PacketCore

extension Layer {
  static let pppoe = Layer(
    "pppoe", "PPP over Ethernet", "RFC 2516"
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Type.", always: true),
      Field("code", .uint8, "Code.", always: true),
      Field("session_id", .uint16, "Session.", always: true),
      Field("payload_length", .uint16, "Bytes that follow, as the header states."),
      Field(
        "tags",
        .array(
          .object([
            Field("type", .uint16, "Tag type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("text", .text, "Value of a tag that is text."),
            Field("data", .hex, "Value of any other."),
          ])), "Tags of the discovery stage, in order.", each: "One tag."),
    ]
  }
}

extension Dissector {
  /// PPP over Ethernet, discovery stage, RFC 2516; also under 3Com's EtherType for it.
  package static let pppoeDiscovery = Dissector(
    name: "pppoe", claims: [.etherType(0x8863), .etherType(0x3c12)], layers: [.pppoe], print: printPPPoE)
  /// PPP over Ethernet, session stage.
  package static let pppoeSession = Dissector(
    name: "pppoe", claims: [.etherType(0x8864), .etherType(0x3c13), .linkType(LinkType(rawValue: 51))],
    layers: [.pppoe],
    print: printPPPoE)
}

///     0               1      2          4
///     +---------------+------+----------+--------+---------
///     | version, type | code | session  | length | payload
///     +---------------+------+----------+--------+---------
private let headerLength = 6

/// The longest payload of an initiation packet: 1484 octets by RFC 2516 section 5.1.
private let maximumInitiation = 1484

private enum Code {
  static let session: UInt8 = 0x00
  static let initiation: UInt8 = 0x09
  static let names: ValueNames = [0x09: "PADI", 0x07: "PADO", 0x19: "PADR", 0x65: "PADS", 0xa7: "PADT", 0x00: ""]
}

private enum Tag {
  static let end: UInt16 = 0
  static let names: ValueNames = [
    0x0000: "EOL", 0x0101: "Service-Name", 0x0102: "AC-Name", 0x0103: "Host-Uniq", 0x0104: "AC-Cookie",
    0x0105: "Vendor-Specific", 0x0110: "Relay-Session-ID", 0x0120: "PPP-Max-Payload", 0x0201: "Service-Name-Error",
    0x0202: "AC-System-Error", 0x0203: "Generic-Error",
  ]
}

@Sendable
private func printPPPoE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength {
    printer.write(" (length ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  try bytes.check(0, headerLength)
  let versionAndType = try bytes.u8(at: 0)
  let code = try bytes.u8(at: 1)
  let session = try bytes.u16(at: 2)
  let payloadLength = Int(try bytes.u16(at: 4))
  if printer.enter(.pppoe) {
    printer.fields.write("version", versionAndType >> 4)
    printer.fields.write("type", versionAndType & 15)
    printer.fields.write("code", code)
    printer.fields.write("session_id", session)
    printer.fields.write("payload_length", payloadLength)
  }
  if versionAndType >> 4 != 1 {
    printer.writeFault(" [ver ")
    printer.out.write(decimal: versionAndType >> 4)
    printer.out.write("]")
  }
  if versionAndType & 15 != 1 {
    printer.writeFault(" [type ")
    printer.out.write(decimal: versionAndType & 15)
    printer.out.write("]")
  }
  printer.write("PPPoE ", code, as: .named(Code.names, unknown: .hex("PAD-")))
  let payload = try bytes.dropping(headerLength)
  if code == Code.initiation, payloadLength > maximumInitiation {
    printer.writeFault(" [len ")
    printer.out.write(decimal: payloadLength)
    printer.out.write("!]")
  }
  if payload.length < payloadLength {
    printer.writeFault(" [len ")
    printer.out.write(decimal: payloadLength)
    printer.write(" > ", payload.length)
    printer.out.write("!]")
  }
  if session != 0 {
    printer.write(" [ses 0x", session, as: .hex(1))
    printer.out.write("]")
  }
  if code == Code.session {
    printer.out.write(" ")
    try printer.printPPP(payload.clamped(to: payloadLength))
  } else {
    try printTags(payload, length: min(payloadLength, payload.length), &printer)
  }
}

///     0      2        4
///     +------+--------+-------
///     | type | length | value      (RFC 2516 appendix A)
///     +------+--------+-------
private func printTags(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  let layout = OptionLayout(typeWidth: 2, lengthWidth: 2)
  var list = printer.openList(bytes.withLength(length), layout, array: "tags")
  while let tag = try printer.next(&list) {
    let type = UInt16(truncatingIfNeeded: tag.type)
    let value = try tag.wholeValue()
    if printer.writesFields { recordTag(type, value, &printer) }
    printer.write(" [", type, as: .named(Tag.names, unknown: .hex("TAG-0x")))
    if value.length > 0 { try writeTag(value, &printer) }
    printer.out.write("]")
    if type == Tag.end { printer.stop(&list) }
  }
}

/// Names and messages (RFC 2516 appendix A) are recorded as text, all other values as bytes.
private func recordTag(_ type: UInt16, _ value: PacketBytes, _ printer: inout Printer) {
  printer.fields.beginObject()
  printer.fields.write("type", type, "type_name", Tag.names)
  switch type {
  case 0x0101, 0x0102, 0x0201...0x0203: printer.fields.write("text", text: value)
  default: printer.fields.write("data", hex: value)
  }
  printer.fields.end()
}

/// Text in quotation marks if more than half of its first bytes are printable, else hexadecimal.
private func writeTag(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let looked = min(value.count, 80)
  var printable = 0
  var others = 0
  for index in 0..<looked {
    let octet = try value.u8(at: index)
    if octet >= 0x20, octet < 0x7f { printable += 1 } else { others += 1 }
  }
  if printable > others {
    printer.out.write(" \"")
    try printer.writePrintable(value.clamped(to: looked))
    printer.out.write("\"")
  } else {
    printer.out.write(" 0x")
    for index in 0..<looked { printer.writeUpperHex(try value.u8(at: index)) }
  }
}
