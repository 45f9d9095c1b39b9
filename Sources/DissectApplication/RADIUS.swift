package import Dissect
import PacketCore

extension Layer {
  static let radius = Layer(
    "radius", "Remote Authentication Dial-In User Service", "RFC 2865, RFC 2866, RFC 5176, RFC 3162, RFC 5580",
    marks: ["eap"]
  ) {
    [
      Field("code", .uint8, "Kind of message.", always: true),
      Field("code_name", .text, "Name of the kind."),
      Field("id", .uint8, "Identifier that a response repeats.", always: true),
      Field("length", .uint16, "Bytes of the message, as it states.", always: true),
      Field("authenticator", .hex, "Authenticator."),
      Field(
        "attributes",
        .array(
          .object(
            [
              Field("type", .uint8, "Attribute type.", always: true),
              Field("name", .text, "Name of the type."),
              Field("length", .uint8, "Bytes of the attribute, its type and length included.", always: true),
              Field("text", .text, "Value that is text."),
              Field("number", .uint64, "Value that is a number, a time or flags."),
              Field("number_name", .text, "Meaning of the number."),
              Field("address", .ip, "Address, or the address of a prefix."),
              Field("prefix_length", .uint8, "Bits of a prefix."),
              Field("tag", .uint8, "Tag of a tunnel (RFC 2868), or of a VLAN (RFC 4675)."),
              Field("salt", .uint16, "Salt of a tunnel's password."),
              Field("vendor", .uint32, "Enterprise number of a vendor."),
              Field("vendor_name", .text, "Name of the vendor."),
              Field(
                "vendor_attributes",
                .array(
                  .object([
                    Field("type", .uint8, "The vendor's type.", always: true),
                    Field("data", .hex, "Value.", always: true),
                  ])), "Attributes of a vendor.", each: "One attribute."),
              Field("data", .hex, "Any other value."),
            ] + eapFields)), "Attributes, in order, of messages that are printed with -v.",
        each: "One attribute; its members depend on its type."),
    ]
  }
}

extension Dissector {
  package static let radius = Dissector(
    name: "radius",
    claims: [.udpPort(1812), .udpPort(1813), .udpPort(1645), .udpPort(1646), .udpPort(3799), .payloadType(.radius)],
    layers: [.radius], standsAlone: true, print: printRADIUS)
}

private let codes: ValueNames = [
  1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 4: "Accounting-Request", 5: "Accounting-Response",
  11: "Access-Challenge", 12: "Status-Server", 13: "Status-Client", 40: "Disconnect-Request", 41: "Disconnect-ACK",
  42: "Disconnect-NAK", 43: "CoA-Request", 44: "CoA-ACK", 45: "CoA-NAK", 255: "Reserved",
]

///     0      1    2        4               20
///     +------+----+--------+---------------+------------
///     | code | id | length | authenticator | attributes      (RFC 2865 section 3)
///     +------+----+--------+---------------+------------
private let headerLength = 20
/// Maximum length of a message, in bytes.
private let maximumLength = 4096

@Sendable
private func printRADIUS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("RADIUS")
  try printer.reject("length", bytes.length, .less, headerLength)
  let length = Int(try bytes.u16(at: 2))
  try printer.reject("length", length, .less, headerLength)
  try printer.reject("length", length, .greater, maximumLength)
  try printer.reject("length", length, .greater, bytes.length)
  let code = try bytes.u8(at: 0)
  let identifier = try bytes.u8(at: 1)
  let isVerbose = printer.options.verbosity > 0
  _ = printer.enter(.radius)
  if printer.wantsLayersAlone { return }
  if isVerbose { printer.write(", length: ", length) }
  printer.write(
    isVerbose ? "\n\t" : ", ", "code", code, as: .named(codes, key: "code_name", unknown: "Unknown Command"))
  printer.write(" (", code)
  printer.write("), id: 0x", "id", identifier, as: .hex(2))
  if printer.writesFields { printer.fields.write("length", length) }
  if isVerbose {
    printer.out.write(", Authenticator: ")
  } else {
    printer.write(", length: ", length)
  }
  // Show what was captured of it.
  let authenticator = try bytes.dropping(4).clamped(to: 16)
  if isVerbose { printer.out.write(hexOf: authenticator.rawSpan) }
  try bytes.check(4, 16)
  if printer.writesFields { printer.fields.write("authenticator", hex: authenticator) }
  guard isVerbose else { return }

  let body = try bytes.clamped(to: length).dropping(headerLength)
  var list = printer.openList(body, OptionLayout(countsHeader: true, shortHeader: .isInvalid), objects: "attributes")
  while let attribute = try printer.next(&list) {
    let row = radiusAttributes[type: attribute.type]
    if printer.writesFields {
      printer.fields.write("type", attribute.type)
      if let row { printer.fields.write("name", row.name) }
      printer.fields.write("length", attribute.length)
    }
    printer.out.write("\n\t  ")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" Attribute (", attribute.type)
    printer.write("), length: ", attribute.length)
    try printer.rejectBadLength(attribute)
    let value = attribute.value
    printer.out.write(", Value: ")
    if value.length > 0 {
      try printer.nest(value) { (value, printer) throws(DecodeError) in try printer.write(row?.form ?? .bytes, value) }
    }
    if printer.options.verbosity > 1 { printer.writeHex(value, indent: "\n\t    ") }
  }
}
