package import Dissect
import PacketCore

extension Layer {
  static let vqp = Layer("vqp", "VLAN Query Protocol", "VLAN Membership Policy Server of Cisco") {
    [
      Field("version", .uint8, "Version, 1.", always: true),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_type_name", .text, "Name of the type."),
      Field("error_code", .uint8, "Why a port gets no VLAN, 0 for no error."),
      Field("error_code_name", .text, "Name of the code."),
      Field("sequence_number", .uint32, "Number that a response repeats."),
      Field("item_count", .uint8, "Objects of the message, as it states."),
      Field(
        "objects",
        .array(
          .object([
            Field("object_type", .uint32, "Type of the object.", always: true),
            Field("object_type_name", .text, "Name of the type."),
            Field("address", .ip, "Address of the client."),
            Field("mac_address", .mac, "MAC address."),
            Field("text", .text, "Name of a port, VLAN or domain."),
            Field("data", .hex, "Any other value."),
          ])), "Objects, in order, of messages that are printed with -v.",
        each: "One object; its members depend on its type."),
    ]
  }
}

extension Dissector {
  /// VLAN Query Protocol, with which switches query the VLAN of a port.
  package static let vqp = Dissector(name: "vqp", claims: [.udpPort(1589)], layers: [.vqp], print: printVQP)
}

private let messageTypes: ValueNames = [
  1: "Request, Join Port", 2: "Response, VLAN", 3: "Request, Reconfirm", 4: "Response, Reconfirm",
]

private let errorCodes: ValueNames = [0: "No error", 3: "Access denied", 4: "Shutdown port", 5: "Wrong VTP domain"]

/// How the value of an object is written.
private enum Form { case ipv4, text, mac }

/// Objects, by their type minus `objectBase`.
private let objects: OptionTable<Form> = [
  1: OptionRow("Client IP Address", .ipv4), 2: OptionRow("Port Name", .text), 3: OptionRow("VLAN Name", .text),
  4: OptionRow("VTP Domain", .text), 5: OptionRow("Ethernet Packet", .text), 6: OptionRow("MAC Null", .mac),
  8: OptionRow("MAC Address", .mac),
]
private let objectBase: UInt32 = 0x0c00

///     0         1      2       3       4          8
///     +---------+------+-------+-------+----------+-------------------------------------
///     | version | type | error | items | sequence | objects: type (4), length (2), value
///     +---------+------+-------+-------+----------+-------------------------------------
private let headerLength = 8

@Sendable
private func printVQP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let version = try bytes.u8(at: 0)
  guard version == 1 else {
    printer.write("VQP version ", version)
    return printer.out.write(" packet not supported")
  }
  try bytes.check(0, headerLength)
  let isVerbose = printer.options.verbosity > 0
  _ = printer.enter(.vqp)
  printer.write(isVerbose ? "\n\tVQPv" : "VQPv", "version", version)
  printer.write(
    isVerbose ? ", " : " ", "message_type", try bytes.u8(at: 1),
    as: .named(messageTypes, key: "message_type_name", unknown: .decimal("unknown (", ")")))
  let error = try bytes.u8(at: 2)
  printer.write(
    " Message, error-code ", "error_code", error,
    as: .named(errorCodes, key: "error_code_name", unknown: "unknown"))
  printer.write(" (", error)
  let count = try bytes.u8(at: 3)
  guard isVerbose else { return printer.write("), length ", bytes.length) }
  printer.write("), seq 0x", "sequence_number", try bytes.u32(at: 4), as: .hex(8))
  printer.write(", items ", "item_count", count)
  printer.write(", length ", bytes.length)
  try printObjects(try bytes.dropping(headerLength), count, &printer)
}

private func printObjects(
  _ bytes: PacketBytes, _ count: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  var left = count
  var list = printer.openList(bytes, OptionLayout(typeWidth: 4, lengthWidth: 2), objects: "objects")
  while left > 0, let object = try printer.next(&list) {
    left &-= 1
    let row = object.type > objectBase ? objects[type: object.type &- objectBase] : nil
    if printer.writesFields {
      printer.fields.write("object_type", object.type)
      if let row { printer.fields.write("object_type_name", row.name) }
    }
    printer.out.write("\n\t  ")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" Object (0x", object.type, as: .hex(8))
    printer.write("), length ", object.length)
    printer.out.write(", value: ")
    // An object without a value is the last one.
    if object.length == 0 { break }
    try print(row?.form, try object.wholeValue(), &printer)
  }
  printer.stop(&list)
}

private func print(_ form: Form?, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch form {
  case .ipv4:
    guard value.length == 4 else { throw .invalid }
    printer.write("", "address", try value.ipv4(at: 0))
    printer.write(" (0x", try value.u32(at: 0), as: .hex(8))
    printer.out.write(")")
  case .text:
    if printer.writesFields { printer.fields.write("text", text: value.clamped(to: try value.lengthToNUL())) }
    try printer.writeTextToNUL(value)
  case .mac:
    guard value.length == 6 else { throw .invalid }
    printer.write("", "mac_address", try value.mac(at: 0))
  case nil:
    if printer.writesFields { printer.fields.write("data", hex: value) }
    if printer.options.verbosity < 2 { printer.writeHex(value, indent: "\n\t    ") }
  }
}
