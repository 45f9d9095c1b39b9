package import Dissect
import PacketCore

extension Layer {
  static let aodv = Layer("aodv", "Ad hoc On-Demand Distance Vector routing protocol", "RFC 3561") {
    [
      Field("type", .uint8, "Kind of message.", always: true),
      Field("type_name", .text, "Name of the kind."),
      Field("flag_bits", .uint16, "Flags of the message."),
      Field("prefix_length", .uint8, "Bits of the prefix that a reply is for."),
      Field("hop_count", .uint8, "Hops that the message has made."),
      Field("request_id", .uint32, "Number of a route request."),
      Field("destination", .ip, "Destination of the route."),
      Field("destination_sequence", .uint32, "Sequence number of the destination."),
      Field("originator", .ip, "Node that requests the route."),
      Field("originator_sequence", .uint32, "Sequence number of the originator."),
      Field("lifetime_milliseconds", .uint32, "Milliseconds for which a reply is valid."),
      Field(
        "unreachable",
        .array(
          .object([
            Field("destination", .ip, "Destination.", always: true),
            Field("destination_sequence", .uint32, "Its sequence number.", always: true),
          ])), "Destinations that became unreachable.", each: "One destination."),
      Field(
        "extensions",
        .array(
          .object([
            Field("type", .uint8, "Type.", always: true),
            Field("length", .uint8, "Bytes of the value."),
            Field("hello_interval", .uint32, "Milliseconds between hellos."),
          ])), "Extensions.", each: "One extension."),
    ]
  }
}

extension Dissector {
  package static let aodv = Dissector(
    name: "aodv", claims: [.udpPort(654), .payloadType(.aodv)], layers: [.aodv], print: printAODV)
}

/// Types of messages, RFC 3561 section 5.
private enum Message {
  static let request: UInt8 = 1
  static let reply: UInt8 = 2
  static let error: UInt8 = 3
  static let acknowledgment: UInt8 = 4

  static let names: ValueNames = [1: "rreq", 2: "rrep", 3: "rerr", 4: "rrep-ack"]
}

private let noDelete: UInt8 = 0x80
private let helloExtension: UInt8 = 1

@Sendable
private func printAODV(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(" aodv")
  let type = try bytes.u8(at: 0)
  if printer.enter(.aodv) { printer.fields.write("type", type, "type_name", Message.names) }
  switch type {
  case Message.request: try printRequest(bytes, &printer)
  case Message.reply: try printReply(bytes, &printer)
  case Message.error: try printError(bytes, &printer)
  case Message.acknowledgment: printer.write(" rrep-ack ", bytes.length)
  default:
    printer.write(" type ", type)
    printer.write(" ", bytes.length)
  }
}

///     0      1       3      4      8             +A       +4           +A          +4
///     +------+-------+------+------+-------------+----------+------------+----------+------------
///     | type | flags | hops | ID   | destination | sequence | originator | sequence | extensions
///     +------+-------+------+------+-------------+----------+------------+----------+------------
/// The addresses have the same size as those of the IP header. RFC 3561 section 5.1
private func printRequest(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isIPv6 = printer.network.version == 6
  let addressSize = isIPv6 ? 16 : 4
  let size = 16 &+ 2 &* addressSize
  printer.out.write(isIPv6 ? " v6 rreq" : " rreq")
  try printer.reject("message length", bytes.length, .less, size)
  try bytes.check(0, size)
  if printer.writesFields { printer.fields.write("flag_bits", try bytes.u16(at: 1)) }
  printer.write(" ", bytes.length)
  printer.write("  hops ", "hop_count", try bytes.u8(at: 3))
  printer.write(" id 0x", "request_id", try bytes.u32(at: 4), as: .hex(8))
  try printer.writeAddress("\n\tdst ", "destination", bytes, at: 8)
  printer.write(" seq ", "destination_sequence", try bytes.u32(at: 8 &+ addressSize))
  try printer.writeAddress(" src ", "originator", bytes, at: 12 &+ addressSize)
  printer.write(" seq ", "originator_sequence", try bytes.u32(at: 12 &+ 2 &* addressSize))
  try printExtension(try bytes.dropping(size), &printer)
}

///     0      1       2        3      4             +A         +4           +A         +4
///     +------+-------+--------+------+-------------+----------+------------+----------+------------
///     | type | flags | prefix | hops | destination | sequence | originator | lifetime | extensions
///     +------+-------+--------+------+-------------+----------+------------+----------+------------
/// RFC 3561 section 5.2
private func printReply(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let addressSize = printer.network.version == 6 ? 16 : 4
  let size = 12 &+ 2 &* addressSize
  printer.out.write(" rrep")
  try printer.reject("message length", bytes.length, .less, size)
  try bytes.check(0, size)
  if printer.writesFields { printer.fields.write("flag_bits", try bytes.u16(at: 1) >> 5) }
  printer.write(" ", bytes.length)
  printer.write("  prefix ", "prefix_length", try bytes.u8(at: 2) & 0x1f)
  printer.write(" hops ", "hop_count", try bytes.u8(at: 3))
  try printer.writeAddress("\n\tdst ", "destination", bytes, at: 4)
  printer.write(" dseq ", "destination_sequence", try bytes.u32(at: 4 &+ addressSize))
  try printer.writeAddress(" src ", "originator", bytes, at: 8 &+ addressSize)
  printer.write(" ", "lifetime_milliseconds", try bytes.u32(at: 8 &+ 2 &* addressSize))
  printer.out.write(" ms")
  try printExtension(try bytes.dropping(size), &printer)
}

///     0      1       3       4             +A
///     +------+-------+-------+-------------+----------+-----
///     | type | flags | count | destination | sequence | ...
///     +------+-------+-------+-------------+----------+-----
/// RFC 3561 section 5.3
private func printError(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 4
  let addressSize = printer.network.version == 6 ? 16 : 4
  printer.out.write(" rerr")
  try printer.reject("message length", bytes.length, .less, headerLength)
  try bytes.check(0, headerLength)
  let flags = try bytes.u8(at: 1)
  let count = Int(try bytes.u8(at: 3))
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.write(flags & noDelete != 0 ? " [D] [items " : "  [items ", count)
  printer.write("] [", bytes.length)
  printer.out.write("]:")
  if printer.writesFields { printer.fields.beginArray("unreachable") }
  var offset = headerLength
  for _ in 0..<count {
    try bytes.check(offset, addressSize &+ 4)
    if printer.writesFields { printer.fields.beginObject() }
    try printer.writeAddress(" {", "destination", bytes, at: offset)
    printer.write("}(", "destination_sequence", try bytes.u32(at: offset &+ addressSize))
    printer.out.write(")")
    if printer.writesFields { printer.fields.end() }
    offset &+= addressSize &+ 4
  }
  if printer.writesFields { printer.fields.end() }
}

extension Printer {
  /// Writes an address of the same size as those of the IP header.
  fileprivate mutating func writeAddress(
    _ words: StaticString, _ key: StaticString, _ bytes: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    if network.version == 6 {
      write(words, key, try bytes.ipv6(at: offset))
    } else {
      write(words, key, try bytes.ipv4(at: offset))
    }
  }
}

///     0      1        2
///     +------+--------+-------+-----
///     | type | length | value | ...
///     +------+--------+-------+-----
/// Only the first one is printed. RFC 3561 section 7
private func printExtension(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 2
  let helloLength = 6
  guard bytes.length >= headerLength else { return }
  try bytes.check(0, headerLength)
  let type = try bytes.u8(at: 0)
  let length = try bytes.u8(at: 1)
  if printer.writesFields {
    printer.fields.beginArray("extensions")
    printer.fields.beginObject()
    printer.fields.write("type", type)
    printer.fields.write("length", length)
  }
  if type == helloExtension {
    try bytes.check(0, helloLength)
    printer.out.write("\n\text HELLO ")
    if Int(length) < helloLength &- headerLength {
      printer.out.write("- bad length ")
      printer.out.write(decimal: length)
      throw .invalid
    }
    printer.write("", "hello_interval", try bytes.u32(at: headerLength))
    printer.out.write(" ms")
  } else {
    printer.write("\n\text ", type)
    printer.write(" ", length)
  }
  if printer.writesFields {
    printer.fields.end()
    printer.fields.end()
  }
}
