package import Dissect
import PacketCore

extension Layer {
  static let aarp = Layer("aarp", "AppleTalk Address Resolution Protocol", "Inside AppleTalk, chapter 2") {
    [
      Field("hardware_type", .uint16, "Type of the hardware, 1 for Ethernet.", always: true),
      Field("protocol_type", .uint16, "EtherType of the protocol, 0x809b for AppleTalk.", always: true),
      Field("hardware_length", .uint8, "Bytes of a hardware address.", always: true),
      Field("protocol_length", .uint8, "Bytes of a protocol address.", always: true),
      Field("operation", .uint16, "Kind of message.", always: true),
      Field("operation_name", .text, "Name of the kind."),
      Field("sender_mac", .mac, "Hardware address of the sender."),
      Field("sender_node", .text, "Network and node of the sender."),
      Field("target_node", .text, "Requested network and node."),
    ]
  }
}

extension Dissector {
  /// AppleTalk Address Resolution Protocol.
  package static let aarp = Dissector(name: "aarp", claims: [.etherType(0x80f3)], layers: [.aarp], print: printAARP)
}

private enum Operation {
  static let request: UInt16 = 1
  static let reply: UInt16 = 2
  static let probe: UInt16 = 3
  static let names: ValueNames = [1: "request", 2: "reply", 3: "probe"]
}

///     0          2          4           5           6           8            14           18           24
///     +----------+----------+-----------+-----------+-----------+------------+------------+------------+------------+
///     | hardware | protocol | hw length | pr length | operation | sender MAC | sender     | target MAC | target     |
///     +----------+----------+-----------+-----------+-----------+------------+------------+------------+------------+
private let messageLength = 28

@Sendable
private func printAARP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("aarp ")
  try bytes.check(0, messageLength)
  let hardware = try bytes.u16(at: 0)
  let network = try bytes.u16(at: 2)
  let hardwareLength = try bytes.u8(at: 4)
  let networkLength = try bytes.u8(at: 5)
  let operation = try bytes.u16(at: 6)
  if printer.enter(.aarp) {
    printer.fields.write("hardware_type", hardware)
    printer.fields.write("protocol_type", network)
    printer.fields.write("hardware_length", hardwareLength)
    printer.fields.write("protocol_length", networkLength)
    printer.fields.write("operation", operation, "operation_name", Operation.names)
  }
  let isKnown = hardware == 1 && network == 0x809b && hardwareLength == 6 && networkLength == 4
  switch operation {
  case Operation.request where isKnown, Operation.probe where isKnown:
    printer.out.write(operation == Operation.probe ? "probe " : "who-has ")
    try writeNode("target_node", bytes, at: 24, &printer)
    printer.out.write(" tell ")
    try writeNode("sender_node", bytes, at: 14, &printer)
    if printer.writesFields { printer.fields.write("sender_mac", try bytes.mac(at: 8)) }
  case Operation.reply where isKnown:
    printer.out.write("reply ")
    try writeNode("sender_node", bytes, at: 14, &printer)
    printer.write(" is-at ", "sender_mac", try bytes.mac(at: 8))
  default:
    printer.write("len ", bytes.length)
    printer.write(" op ", operation)
    printer.write(" htype ", hardware)
    printer.write(" ptype 0x", network, as: .hex(1))
    printer.write(" halen ", hardwareLength)
    printer.write(" palen ", networkLength)
  }
}

/// An address: a zero byte, a two-byte network and a node, as `65280.5`.
private func writeNode(
  _ key: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let network = try bytes.u16(at: offset &+ 1)
  let node = try bytes.u8(at: offset &+ 3)
  let held = printer.writesFields ? printer.beginHeldText() : nil
  printer.out.write(decimal: network)
  printer.write(".", node)
  if let held {
    printer.fields.write(key, text: printer.out, from: held.start)
    printer.endHeldText(held)
  }
}
