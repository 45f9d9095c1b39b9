package import Dissect
import PacketCore

extension Layer {
  static let msdp = Layer(
    "msdp", "Multicast Source Discovery Protocol", "RFC 3618", note: "One object for each message."
  ) {
    [
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the message."),
      Field("rendezvous_point", .ipv4, "Rendezvous point that sources are registered at."),
      Field("group", .ipv4, "Group whose sources are requested."),
      Field(
        "active_sources",
        .array(
          .object([
            Field("group", .ipv4, "Group."),
            Field("source", .ipv4, "Who sends to it."),
            Field("prefix_length", .uint8, "Bits of the source's address that count: 32."),
          ])), "Active sources.", each: "One source."),
      Field("data", .hex, "Packet of a source, or what there is in a message of another kind."),
    ]
  }
}

extension Dissector {
  /// Multicast Source Discovery Protocol, RFC 3618.
  package static let msdp = Dissector(name: "msdp", claims: [.tcpPort(639)], layers: [.msdp], print: printMSDP)
}

private enum Kind {
  static let active: UInt8 = 1
  static let request: UInt8 = 2
  static let response: UInt8 = 3
  static let keepalive: UInt8 = 4
  static let names: ValueNames = [
    1: "SA", 2: "SA-Request", 3: "SA-Response", 4: "Keepalive", 5: "Notification",
  ]
}

///     0      1        3
///     +------+--------+-------
///     | type | length | by type
///     +------+--------+-------
/// RFC 3618 section 12.1; the length includes the header.
private let headerLength = 3
/// Length of a source, in bytes.
private let sourceLength = 12
/// The maximum length of a message.
private let maximumLength = 1400

@Sendable
private func printMSDP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": msdp")
  var offset = 0
  while offset < payload.length {
    let type = try payload.u8(at: offset)
    let length = Int(try payload.u16(at: offset &+ 1))
    if printer.enter(.msdp) {
      printer.fields.write("type", type, "type_name", Kind.names)
      printer.fields.write("length", length)
    }
    if printer.options.verbosity > 0 || length > maximumLength {
      printer.write(" [len ", length)
      printer.out.write("]")
    }
    if length < headerLength { throw .invalid }
    let message = try payload.slice(at: offset, length: length)
    try printMessage(message, type, &printer)
    try message.check(0, length)
    offset &+= length
  }
}

private func printMessage(_ message: PacketBytes, _ type: UInt8, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case Kind.active, Kind.response: try printSources(message, type, &printer)
  case Kind.request:
    // 3 reserved (1)  4 group (4)
    printer.write(" SA-Request for ", "group", try message.ipv4(at: 4))
  case Kind.keepalive:
    printer.out.write(" Keepalive")
    if message.length != headerLength {
      printer.write("[len=", message.length)
      printer.out.write("] ")
    }
  default:
    if let name = Kind.names[type] {
      printer.out.write(" ")
      printer.out.write(name)
    } else {
      printer.write(" [type=", type)
      printer.write(" len=", message.length)
      printer.out.write("]")
    }
    if printer.writesFields { printer.fields.write("data", hex: try message.dropping(headerLength)) }
  }
}

///     3       4                  8
///     +-------+------------------+---------+--------
///     | count | rendezvous point | sources | a packet
///     +-------+------------------+---------+--------
/// A source: 0 reserved (3)  3 length of its prefix (1)  4 group (4)  8 source (4)
private func printSources(_ message: PacketBytes, _ type: UInt8, _ printer: inout Printer) throws(DecodeError) {
  printer.write(" ", type, as: .named(Kind.names, unknown: ""))
  let count = Int(try message.u8(at: headerLength))
  printer.write(" ", count)
  printer.out.write(" entries")
  let end = 8 &+ count &* sourceLength
  if end < message.length { printer.out.write(" [w/data]") }
  if end > message.length { throw .invalid }
  guard printer.writesFields else { return }
  printer.fields.write("rendezvous_point", try message.ipv4(at: 4))
  printer.fields.beginArray("active_sources")
  for index in 0..<count {
    let source = try message.slice(at: 8 &+ index &* sourceLength, length: sourceLength)
    printer.fields.beginObject()
    printer.fields.write("group", try source.ipv4(at: 4))
    printer.fields.write("source", try source.ipv4(at: 8))
    printer.fields.write("prefix_length", try source.u8(at: 3))
    printer.fields.end()
  }
  printer.fields.end()
  if end < message.length { printer.fields.write("data", hex: try message.dropping(end)) }
}
