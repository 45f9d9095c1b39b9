package import Dissect
import PacketCore

extension Layer {
  static let tipc = Layer("tipc", "Transparent Inter-Process Communication", "TIPC 2.0 protocol specification") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("message_user", .uint8, "Who the message is for.", always: true),
      Field("message_user_name", .text, "Name of the user."),
      Field("header_length", .length, "Bytes of the header, as it states."),
      Field("message_length", .uint32, "Bytes of the message, its header included, as it states."),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_type_name", .text, "Name of the type."),
      Field("source_node", .text, "Zone, cluster and node of the sender."),
      Field("destination_node", .text, "Zone, cluster and node of the receiver."),
      Field("source_port", .uint32, "Port of the sender."),
      Field("destination_port", .uint32, "Port of the receiver."),
      Field("previous_node", .text, "Zone, cluster and node that the message was last sent by."),
      Field("link_sequence", .uint16, "Sequence number on the link."),
      Field("network_id", .uint32, "Network that a node looks for neighbors in."),
    ]
  }
}

extension Dissector {
  /// Transparent Inter-Process Communication.
  package static let tipc = Dissector(name: "tipc", claims: [.etherType(0x88ca)], layers: [.tipc], print: printTIPC)
}

private enum User {
  static let connectionManager: UInt8 = 8
  static let nameTable: UInt8 = 11
  static let neighborDetection: UInt8 = 13
  static let names: ValueNames = [
    0: "Low Importance Data payload", 1: "Medium Importance Data payload", 2: "High Importance Data payload",
    3: "Critical Importance Data payload", 5: "Broadcast Link Protocol internal",
    6: "Message Bundler Protocol internal", 7: "Link State Protocol internal", 8: "Connection Manager internal",
    10: "Link Changeover Protocol internal", 11: "Name Table Update Protocol internal",
    12: "Message Fragmentation Protocol internal", 13: "Neighbor Detection Protocol internal",
  ]
}

private let messageTypes: ValueNames = [0: "CONN_MSG", 1: "MCAST_MSG", 2: "NAMED_MSG", 3: "DIRECT_MSG"]
private let neighborMessageTypes: ValueNames = [0: "Link request", 1: "Link response"]

/// The first words of a message, and those that follow in a data message:
///
///      0     3      7             11           15                      31
///     +-----+------+-------------+------------+-----------------------+
///     | ver | user | header words| flags      | message size (17 bits)|
///     +-----+------+-------------+------------+-----------------------+
///     | type (3 bits) …                       | broadcast ack         |
///     +---------------------------------------+-----------------------+
///     | link ack                              | link sequence         |
///     +---------------------------------------+-----------------------+
///     | previous node                                                 |
///     +---------------------------------------------------------------+
///     | source port, then destination port, source and destination node, a word each
///     +---------------------------------------------------------------+
@Sendable
private func printTIPC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let first = try bytes.u32(at: 0)
  let user = UInt8(first >> 25 & 0xf)
  guard User.names[user] != nil else {
    if printer.enter(.tipc) {
      printer.fields.write("version", first >> 29)
      printer.fields.write("message_user", user)
    }
    return
  }
  switch user {
  case 0...3, User.connectionManager, User.nameTable: try printData(bytes, first, user, &printer)
  case User.neighborDetection: try printNeighborDetection(bytes, first, user, &printer)
  default: try printInternal(bytes, first, user, &printer)
  }
}

/// Length in bytes of the shortest data header, which has neither source nor destination node.
private let shortHeaderLength = 24

private func printData(
  _ bytes: PacketBytes, _ first: UInt32, _ user: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let isShort = Int(first >> 21 & 0xf) &* 4 <= shortHeaderLength
  try bytes.check(0, isShort ? shortHeaderLength : 32)
  begin(first, user, &printer)
  printer.out.write(" ")
  try writeNode("source_node", bytes, at: isShort ? 12 : 24, &printer)
  printer.write(":", "source_port", try bytes.u32(at: 16))
  printer.out.write(" > ")
  if !isShort {
    try writeNode("destination_node", bytes, at: 28, &printer)
    printer.out.write(":")
  }
  printer.write("", "destination_port", try bytes.u32(at: 20))
  let type = UInt8(truncatingIfNeeded: try bytes.u32(at: 4) >> 29)
  writeSizes(first, user, type, messageTypes, &printer)
  guard printer.options.verbosity > 0, !isShort else { return }
  printer.out.write("\n\tPrevious Node ")
  try writeNode("previous_node", bytes, at: 12, &printer)
  printer.write(", Broadcast Ack ", try bytes.u16(at: 6))
  printer.write(", Link Ack ", try bytes.u16(at: 8))
  printer.write(", Link Sequence ", "link_sequence", try bytes.u16(at: 10))
}

/// Messages between the ends of links.
private func printInternal(
  _ bytes: PacketBytes, _ first: UInt32, _ user: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, 32)
  begin(first, user, &printer)
  printer.out.write(" ")
  try writeNode("source_node", bytes, at: 24, &printer)
  printer.out.write(" > ")
  try writeNode("destination_node", bytes, at: 28, &printer)
  let second = try bytes.u32(at: 4)
  writeSizes(first, user, UInt8(truncatingIfNeeded: second >> 29), messageTypes, &printer)
  printer.write(" (0x", second, as: .hex(8))
  printer.out.write(")")
  guard printer.options.verbosity > 0 else { return }
  try bytes.check(0, 40)
  printer.out.write("\n\tPrevious Node ")
  try writeNode("previous_node", bytes, at: 12, &printer)
  printer.write(", Session No. ", try bytes.u16(at: 20))
  printer.write(", Broadcast Ack ", try bytes.u16(at: 6))
  printer.write(", Sequence Gap ", second >> 16 & 0x1fff)
  printer.write(",  Broadcast Gap After ", try bytes.u16(at: 8))
  printer.write(", Broadcast Gap To ", try bytes.u16(at: 10))
  printer.write(", Last Sent Packet No. ", try bytes.u16(at: 16))
  printer.write(", Next sent Packet No. ", try bytes.u16(at: 18))
  printer.write(", Transport Sequence ", try bytes.u32(at: 32))
  printer.write(", msg_count ", try bytes.u16(at: 36))
  printer.write(", Link Tolerance ", try bytes.u16(at: 38))
}

/// Messages by which nodes find one another.
private func printNeighborDetection(
  _ bytes: PacketBytes, _ first: UInt32, _ user: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, 16)
  begin(first, user, &printer)
  printer.out.write(" ")
  try writeNode("source_node", bytes, at: 12, &printer)
  printer.out.write(" > ")
  try writeNode("destination_node", bytes, at: 8, &printer)
  let type = UInt8(truncatingIfNeeded: try bytes.u32(at: 4) >> 29)
  writeSizes(first, user, type, neighborMessageTypes, &printer)
  guard printer.options.verbosity > 0 else { return }
  try bytes.check(0, 24)
  printer.write("\n\tNodeSignature ", try bytes.u16(at: 6))
  printer.write(", network_id ", "network_id", try bytes.u32(at: 16))
  printer.write(", media_id ", try bytes.u8(at: 23))
}

private func begin(_ first: UInt32, _ user: UInt8, _ printer: inout Printer) {
  _ = printer.enter(.tipc)
  printer.write("TIPC v", "version", first >> 29)
  printer.out.write(".0")
  if printer.writesFields { printer.fields.write("message_user", user, "message_user_name", User.names) }
}

private func writeSizes(
  _ first: UInt32, _ user: UInt8, _ type: UInt8, _ types: ValueNames, _ printer: inout Printer
) {
  printer.write(", headerlength ", "header_length", Int(first >> 21 & 0xf) &* 4)
  printer.write(" bytes, MessageSize ", "message_length", first & 0x1_ffff)
  printer.out.write(" bytes, ")
  printer.write(User.names, user, unknown: "Unknown")
  printer.write(
    ", messageType ", "message_type", type, as: .named(types, key: "message_type_name", unknown: "Unknown"))
}

/// A node: 8 bits of a zone, 12 of a cluster and 12 of the node, as `1.1.2`.
private func writeNode(
  _ key: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let node = try bytes.u32(at: offset)
  let held = printer.writesFields ? printer.beginHeldText() : nil
  printer.out.write(decimal: node >> 24)
  printer.write(".", node >> 12 & 0xfff)
  printer.write(".", node & 0xfff)
  if let held {
    printer.fields.write(key, text: printer.out, from: held.start)
    printer.endHeldText(held)
  }
}
