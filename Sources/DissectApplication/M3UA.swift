package import Dissect
import PacketCore

extension Layer {
  static let m3ua = Layer("m3ua", "MTP3 User Adaptation Layer of SS7", "RFC 4666") {
    [
      Field("message_class", .uint8, "Class of the message.", always: true),
      Field("message_type", .uint8, "Type of the message in its class.", always: true),
      Field("message_name", .text, "Name of the class and type."),
      Field("length", .uint32, "Bytes of the message, its header included.", always: true),
      Field(
        "parameters",
        .array(
          .object([
            Field("type", .uint16, "Parameter tag.", always: true),
            Field("type_name", .text, "Name of the tag."),
            Field("length", .uint16, "Bytes of the parameter, its header included.", always: true),
            Field("number", .uint32, "Routing context, network appearance or correlation identifier."),
            Field("data", .hex, "Any other value."),
          ])), "Parameters, in order.", each: "One parameter."),
    ]
  }
}

extension Dissector {
  package static let m3ua = Dissector(
    name: "m3ua", claims: [Claim(.sctpPayload, UInt32(3))], layers: [.m3ua], print: printM3UA)
}

///     0         1          2       3      4
///     +---------+----------+-------+------+--------+------------
///     | version | reserved | class | type | length | parameters      (RFC 4666 section 1.4.4)
///     +---------+----------+-------+------+--------+------------
private let headerLength = 8

/// The name of a class, and the names of its types.
private func names(ofClass number: UInt8) -> (title: StaticString, types: ValueNames)? {
  switch number {
  case 0: ("Management", managementTypes)
  case 1: ("Transfer", transferTypes)
  case 2: ("SS7", networkTypes)
  case 3: ("ASP", stateTypes)
  case 4: ("ASP", trafficTypes)
  case 9: ("Routing Key Management", routingKeyTypes)
  default: nil
  }
}

private let managementTypes: ValueNames = [0: "Error", 1: "Notify"]
private let transferTypes: ValueNames = [1: "Data"]
private let networkTypes: ValueNames = [
  1: "Destination Unavailable", 2: "Destination Available", 3: "Destination State Audit", 4: "Signalling Congestion",
  5: "Destination User Part Unavailable", 6: "Destination Restricted",
]
private let stateTypes: ValueNames = [
  1: "Up", 2: "Down", 3: "Heartbeat", 4: "Up Acknowledgement", 5: "Down Acknowledgement",
  6: "Heartbeat Acknowledgement",
]
private let trafficTypes: ValueNames = [
  1: "Active", 2: "Inactive", 3: "Active Acknowledgement", 4: "Inactive Acknowledgement",
]
private let routingKeyTypes: ValueNames = [
  1: "Registration Request", 2: "Registration Response", 3: "Deregistration Request", 4: "Deregistration Response",
]

///     0     2        4
///     +-----+--------+-------+---------
///     | tag | length | value | padding      the length counts the header, and not the padding (RFC 4666 section 3.2)
///     +-----+--------+-------+---------
private enum Parameter {
  static let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, countsHeader: true, alignment: 4)
  static let routingContext: UInt32 = 0x0006
  static let correlationID: UInt32 = 0x0013
  static let networkAppearance: UInt32 = 0x0200

  static let names: ValueNames = [
    0x0004: "INFO String", 0x0006: "Routing Context", 0x0007: "Diagnostic Info", 0x0009: "Heartbeat Data",
    0x000b: "Traffic Mode Type", 0x000c: "Error Code", 0x000d: "Status", 0x0011: "ASP Identifier",
    0x0012: "Affected Point Code", 0x0013: "Correlation ID", 0x0200: "Network Appearance", 0x0204: "User/Cause",
    0x0205: "Congestion Indications", 0x0206: "Concerned Destination", 0x0207: "Routing Key",
    0x0208: "Registration Result", 0x0209: "Deregistration Result", 0x020a: "Local Routing Key Identifier",
    0x020b: "Destination Point Code", 0x020c: "Service Indicators", 0x020e: "Originating Point Code List",
    0x0210: "Protocol Data", 0x0212: "Registration Status", 0x0213: "Deregistration Status",
  ]
}

@Sendable
private func printM3UA(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, headerLength)
  let version = try bytes.u8(at: 0)
  guard version == 1 else { return }
  let messageClass = try bytes.u8(at: 2)
  let type = try bytes.u8(at: 3)
  let known = names(ofClass: messageClass)
  if printer.enter(.m3ua) {
    printer.fields.write("message_class", messageClass)
    printer.fields.write("message_type", type)
    if let name = known?.types[type] { printer.fields.write("message_name", name) }
  }
  if let known {
    printer.out.write("\n\t\t")
    printer.out.write(known.title)
    printer.write(" ", type, as: .named(known.types, unknown: .hex("Unknown (0x", digits: 2, ")")))
    printer.out.write(" Message")
  } else {
    printer.write("\n\t\tUnknown message class ", messageClass)
  }
  let length = Int(clamping: try bytes.u32(at: 4))
  if printer.writesFields { printer.fields.write("length", length) }
  guard length >= headerLength, length == bytes.length else {
    printer.write("\n\t\t\t@@@@@@ Corrupted length ", length)
    printer.writeFault(" of message @@@@@@")
    return
  }
  let body = try bytes.clamped(to: length).dropping(headerLength)
  var list = printer.openList(body, Parameter.layout, objects: "parameters")
  while let parameter = try printer.next(&list) {
    if printer.writesFields {
      printer.fields.write("type", parameter.type, "type_name", Parameter.names)
      printer.fields.write("length", parameter.length)
    }
    printer.write(
      "\n\t\t\t", parameter.type,
      as: .named(Parameter.names, unknown: .hex("Unknown Parameter (0x", digits: 4, ")")))
    printer.out.write(": ")
    if parameter.isTooShort { throw .invalid }
    let value = try parameter.wholeValue()
    switch parameter.type {
    case Parameter.routingContext, Parameter.correlationID, Parameter.networkAppearance:
      printer.write("0x", "number", try value.u32(at: 0), as: .hex(8))
    default:
      if printer.writesFields { printer.fields.write("data", hex: value) }
      printer.write("(length ", parameter.length)
      printer.out.write(")")
    }
  }
}
