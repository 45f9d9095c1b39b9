package import Dissect
import PacketCore

extension Layer {
  static let ldp = Layer("ldp", "Label Distribution Protocol", "RFC 5036, RFC 3479, RFC 4447, RFC 5085, RFC 7552") {
    [
      Field(
        "pdus",
        .array(
          .object([
            Field("version", .uint16, "Version.", always: true),
            Field("length", .uint16, "Bytes after the length field.", always: true),
            Field("router_id", .ipv4, "Identifier of the router: the first part of the LDP identifier."),
            Field("label_space", .uint16, "Label space of the router: the second part."),
            Field(
              "messages", .array(.object(messageFields)), "Messages, of PDUs that are printed with -v.",
              each: "One message."),
          ])), "PDUs.", each: "One PDU.")
    ]
  }
}

private let messageFields = [
  Field("type", .uint16, "Message type, without the upper bit.", always: true),
  Field("type_name", .text, "Name of the type."),
  Field("length", .uint16, "Bytes after the length field.", always: true),
  Field("id", .uint32, "Identifier of the message."),
  Field(
    "tlvs",
    .array(
      .object([
        Field("type", .uint16, "TLV type, without the two upper bits.", always: true),
        Field("type_name", .text, "Name of the type."),
        Field("length", .uint16, "Bytes of the value.", always: true),
        Field("hold_seconds", .uint16, "Seconds for which a hello is valid, or a session lives without messages."),
        Field("address", .ip, "Transport address."),
        Field("addresses", .array(.ip), "Addresses of the router."),
        Field("sequence", .uint32, "Sequence number of the configuration."),
        Field("label", .uint32, "Label."),
        Field("prefix", .ip, "Prefix of a forwarding equivalence class."),
        Field("prefix_length", .uint8, "Bits of the prefix."),
        Field("pseudowire_type", .uint16, "Type of a pseudowire, without the bit of the control word."),
        Field("group_id", .uint32, "Group of a pseudowire."),
        Field("pseudowire_id", .uint32, "Identifier of a pseudowire."),
        Field("status", .uint32, "Status code, without the two upper bits."),
        Field("mtu", .uint16, "Largest packet that takes the path."),
        Field("data", .hex, "Value of any other TLV."),
      ])), "TLVs, in order.", each: "One TLV; its members depend on its type."),
]

extension Dissector {
  package static let ldp = Dissector(
    name: "ldp", claims: [.udpPort(646), .tcpPort(646)], layers: [.ldp], print: printLDP)
}

private let messageNames: ValueNames = [
  0x0001: "Notification", 0x0100: "Hello", 0x0200: "Initialization", 0x0201: "Keepalive", 0x0300: "Address",
  0x0301: "Address Withdraw", 0x0400: "Label Mapping", 0x0401: "Label Request", 0x0402: "Label Withdraw",
  0x0403: "Label Release", 0x0404: "Label Abort Request",
]

///     0         2        4           8             10
///     +---------+--------+-----------+-------------+----------
///     | version | length | router ID | label space | messages       RFC 5036 section 3.1
///     +---------+--------+-----------+-------------+----------
private let headerLength = 10
/// Number of bytes that the length of a PDU, and that of a message, does not include.
private let uncounted = 4
///     0      2        4
///     +------+--------+------------+------
///     | type | length | message ID | TLVs       RFC 5036 section 3.5
///     +------+--------+------------+------
private let messageHeaderLength = 8

@Sendable
private func printLDP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.enter(.ldp) { printer.fields.beginArray("pdus") }
  var offset = 0
  // A PDU must contain at least a message with a TLV.
  while bytes.length &- offset > headerLength &+ messageHeaderLength {
    let rest = try bytes.dropping(offset)
    guard let size = try printPDU(rest, &printer) else { break }
    offset &+= size
    if printer.writesFields { printer.fields.end() }
  }
}

/// Returns the length of the PDU in bytes; nil if nothing after it can be read.
private func printPDU(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  try bytes.check(0, headerLength)
  let version = try bytes.u16(at: 0)
  let length = Int(try bytes.u16(at: 2))
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("version", version)
    printer.fields.write("length", length)
  }
  let isVerbose = printer.options.verbosity > 0
  if version != 1 {
    printer.write(isVerbose ? "\n\tLDP version " : "LDP version ", version)
    printer.writeFault(" packet not supported")
    return nil
  }
  printer.out.write(isVerbose ? "\n\tLDP" : "LDP")
  if length < headerLength &- uncounted {
    printer.write(", pdu-length: ", length)
    printer.writeFault(" (too short, < 6)")
    return nil
  }
  printer.write(", Label-Space-ID: ", "router_id", try bytes.ipv4(at: 4))
  printer.write(":", "label_space", try bytes.u16(at: 8))
  printer.write(", pdu-length: ", length)
  // Without `-v` only the first PDU is shown.
  guard isVerbose else { return nil }
  let pdu = bytes.clamped(to: length &+ uncounted).withLength(length &+ uncounted)
  var list = printer.openList(pdu, at: headerLength, messageLayout, array: "messages")
  while let message = try printer.next(&list) {
    try message.bytes.check(0, messageHeaderLength)
    let type = UInt16(truncatingIfNeeded: message.type) & 0x7fff
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type, "type_name", messageNames)
      printer.fields.write("length", message.length)
    }
    printer.write("\n\t  ", type, as: .named(messageNames, unknown: "Unknown"))
    printer.write(" Message (0x", type, as: .hex(4))
    printer.write("), length: ", message.length)
    if message.length < 4 {
      printer.writeFault(" (too short, < 4)")
      return nil
    }
    printer.write(", Message ID: 0x", "id", try message.bytes.u32(at: 4), as: .hex(8))
    printer.out.write(
      message.type & 0x8000 != 0 ? ", Flags: [continue processing if unknown]" : ", Flags: [ignore if unknown]")
    try message.bytes.check(0, message.length)
    let bodyLength = message.length &- 4
    let body = try message.bytes.dropping(messageHeaderLength).clamped(to: bodyLength).withLength(bodyLength)
    let isKnown = messageNames[type] != nil
    if isKnown { try printer.printTLVs(body) }
    if !isKnown || printer.options.verbosity > 1 { printer.writeHex(body, indent: "\n\t  ") }
  }
  return length &+ uncounted
}

/// The rest of a PDU is read as a message if it is longer than a header.
private let messageLayout = OptionLayout(
  typeWidth: 2, lengthWidth: 2, needed: UInt16(messageHeaderLength), shortHeader: .endsList)

extension Printer {
  ///     0      2        4
  ///     +------+--------+-------
  ///     | type | length | value       RFC 5036 section 3.3; the two upper bits say what to do with an unknown type
  ///     +------+--------+-------
  fileprivate mutating func printTLVs(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, OptionLayout(typeWidth: 2, lengthWidth: 2, shortHeader: .endsList), objects: "tlvs")
    while let tlv = try next(&list) {
      let type = UInt16(truncatingIfNeeded: tlv.type) & 0x3fff
      if writesFields {
        fields.write("type", type, "type_name", LDPTLV.names)
        fields.write("length", tlv.length)
      }
      if tlv.isTooLong {
        writeFault("\n\t\t TLV contents go past end of message")
        continue
      }
      write("\n\t    ", type, as: .named(LDPTLV.names, unknown: "Unknown"))
      write(" TLV (0x", type, as: .hex(4))
      write("), length: ", tlv.length)
      out.write(tlv.type & 0x8000 != 0 ? ", Flags: [continue processing and " : ", Flags: [ignore and ")
      out.write(tlv.type & 0x4000 != 0 ? "do forward if unknown]" : "don't forward if unknown]")
      let value = try tlv.wholeValue()
      var isKnown = true
      try nest(value) { (value, printer) throws(DecodeError) in isKnown = try printer.printLDPValue(type, value) }
      if !isKnown {
        if writesFields { fields.write("data", hex: value) }
        if options.verbosity <= 1 { writeHex(value, indent: "\n\t      ") }
      }
    }
  }
}
