package import Dissect
import PacketCore

extension Layer {
  static let decnet = Layer("decnet", "DECnet Phase IV", "DECnet Phase IV routing and NSP specifications") {
    [
      Field("length", .uint16, "Bytes of the packet after this length, as it states.", always: true),
      Field("padding_length", .uint8, "Bytes of padding in front."),
      Field("routing_flags", .uint8, "Flags of the routing header."),
      Field("source_node", .text, "Area and node of the sender."),
      Field("destination_node", .text, "Area and node of the receiver."),
      Field("hops", .uint8, "Hops so far, of a short header with the next one."),
      Field("message", .text, "What kind of message of routing or of a logical link this is."),
      Field("source_link", .uint16, "Logical link of the sender."),
      Field("destination_link", .uint16, "Logical link of the receiver."),
      Field("segment_number", .uint16, "Number of a segment."),
      Field("segment_size", .uint16, "Bytes of a segment at most."),
      Field("reason", .uint16, "Why a link was disconnected."),
      Field("reason_name", .text, "Name of the reason."),
      Field("hello_seconds", .uint16, "Seconds between hello messages."),
    ]
  }
}

extension Dissector {
  /// DECnet Phase IV: its routing messages and the Network Services Protocol.
  package static let decnet = Dissector(
    name: "decnet", claims: [.etherType(0x6003)], layers: [.decnet], print: printDECnet)
}

/// Flags of a routing header. A packet with `control` set is a routing message; others are link data.
private enum RoutingFlags {
  static let control: UInt8 = 0x01
  static let short: UInt8 = 0x02
  static let long: UInt8 = 0x06
  static let kind: UInt8 = 0x07
  static let returnToSender: UInt8 = 0x08
  static let returned: UInt8 = 0x10
  static let intraEthernet: UInt8 = 0x20
  static let futureVersion: UInt8 = 0x40
  static let padding: UInt8 = 0x80
}

/// Numbers are in little-endian byte order. If the first flag byte has `padding` set, it holds the length of the padding, itself included,
/// and the routing header's own flags follow the padding.
///
///     0        2                3
///     +--------+---------+-------+-----------------------------------------
///     | length | padding | flags | routing header or message, NSP header
///     +--------+---------+-------+-----------------------------------------
@Sendable
private func printDECnet(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.rejectDECnet("length", bytes.length, .less, 6)
  let length = Int(try bytes.u16le(at: 0))
  try printer.rejectDECnet("pktlen", length, .less, 6)
  try printer.rejectDECnet("pktlen", length, .greater, bytes.length)
  var flags = try bytes.u8(at: 2)
  if printer.enter(.decnet) { printer.fields.write("length", length) }
  var padding = 0
  if flags & RoutingFlags.padding != 0 {
    padding = Int(flags & ~RoutingFlags.padding)
    if printer.writesFields { printer.fields.write("padding_length", padding) }
    if printer.options.verbosity > 0 {
      printer.write("[pad:", padding)
      printer.out.write("] ")
    }
    try printer.rejectDECnet("length", length, .less, padding &+ 2)
    flags = try bytes.u8(at: 2 &+ padding)
  }
  if printer.writesFields { printer.fields.write("routing_flags", flags) }
  let packet = try bytes.dropping(padding)
  let left = length &- padding
  if flags & RoutingFlags.futureVersion != 0 {
    printer.out.write("future-version-decnet")
    return printer.writeHexAndASCII(packet.clamped(to: left))
  }
  let header = try packet.dropping(2)
  if flags & RoutingFlags.control != 0 {
    return try printRoutingMessage(header, flags, left, &printer)
  }
  switch flags & RoutingFlags.kind {
  case RoutingFlags.short: try printShortHeader(header, flags, length, left, &printer)
  case RoutingFlags.long: try printLongHeader(header, flags, length, left, &printer)
  default:
    printer.out.write("unknown message flags under mask")
    printer.writeHexAndASCII(packet.clamped(to: left))
  }
}

/// A short routing header:
///
///     0       1             3        5        6
///     +-------+-------------+--------+--------+-----
///     | flags | destination | source | visits | NSP
///     +-------+-------------+--------+--------+-----
private func printShortHeader(
  _ bytes: PacketBytes, _ flags: UInt8, _ length: Int, _ left: Int, _ printer: inout Printer
) throws(DecodeError) {
  try printer.rejectDECnet("length", left, .less, 6)
  let destination = try bytes.u16le(at: 1)
  let source = try bytes.u16le(at: 3)
  let visits = try bytes.u8(at: 5)
  writeHeader(source, destination, flags, length, hops: (visits & 0x3f) &+ 1, &printer)
  try printNSP(try bytes.dropping(6), left &- 6, &printer)
}

/// A long routing header. Its addresses are Ethernet addresses, which end in the DECnet address:
///
///     0       1               3             9                11       17              18       19             21
///     +-------+---------------+-------------+----------------+--------+---------------+--------+--------------+-----
///     | flags | area, subarea | destination | area, subarea  | source | next L2 router | visits | class, type | NSP
///     +-------+---------------+-------------+----------------+--------+---------------+--------+--------------+-----
private func printLongHeader(
  _ bytes: PacketBytes, _ flags: UInt8, _ length: Int, _ left: Int, _ printer: inout Printer
) throws(DecodeError) {
  try printer.rejectDECnet("length", left, .less, 21)
  let destination = try bytes.u16le(at: 7)
  let source = try bytes.u16le(at: 15)
  let visits = try bytes.u8(at: 18)
  writeHeader(source, destination, flags, length, hops: visits, &printer)
  try printNSP(try bytes.dropping(21), left &- 21, &printer)
}

/// `1.1 > 1.2 33 `, and with `-v` also `RQR RTS IE 1 hops `.
private func writeHeader(
  _ source: UInt16, _ destination: UInt16, _ flags: UInt8, _ length: Int, hops: UInt8, _ printer: inout Printer
) {
  writeNode("source_node", source, &printer)
  printer.out.write(" > ")
  writeNode("destination_node", destination, &printer)
  printer.write(" ", length)
  printer.out.write(" ")
  guard printer.options.verbosity > 0 else { return }
  if flags & RoutingFlags.returnToSender != 0 { printer.out.write("RQR ") }
  if flags & RoutingFlags.returned != 0 { printer.out.write("RTS ") }
  if flags & RoutingFlags.intraEthernet != 0 { printer.out.write("IE ") }
  printer.write("", "hops", hops)
  printer.out.write(" hops ")
}

/// Prints routing messages.
private func printRoutingMessage(
  _ bytes: PacketBytes, _ flags: UInt8, _ left: Int, _ printer: inout Printer
) throws(DecodeError) {
  switch flags >> 1 & 7 {
  case 0:
    let source = try bytes.u16le(at: 1)
    let kind = try bytes.u8(at: 3)
    let size = try bytes.u16le(at: 4)
    let version = try bytes.u24(at: 6)
    let hello = try bytes.u16le(at: 9)
    printer.writeMessage("init")
    writeNodeKind(kind, &printer)
    printer.out.write("src ")
    writeNode("source_node", source, &printer)
    printer.write("blksize ", size)
    writeVersion(version, " vers ", &printer)
    printer.write(" hello ", "hello_seconds", hello)
  case 1:
    try writeSource("verification", bytes, &printer)
    printer.write(" fcnval ", try bytes.u8(at: 3))
  case 2:
    try writeSource("test", bytes, &printer)
    printer.write(" data ", try bytes.u8(at: 3))
  case 3:
    try writeSource("lev-1-routing", bytes, &printer)
    try printReachability(bytes, left, "{ids ", &printer)
  case 4:
    try writeSource("lev-2-routing", bytes, &printer)
    try printReachability(bytes, left, "{areas ", &printer)
  case 5:
    try writeHello("router-hello", bytes, &printer)
    let priority = try bytes.u8(at: 13)
    let hello = try bytes.u16le(at: 15)
    printer.write(" pri ", priority)
    printer.write(" hello ", "hello_seconds", hello)
  case 6:
    try writeHello("endnode-hello", bytes, &printer)
    let router = try bytes.u16le(at: 26)
    let hello = try bytes.u16le(at: 28)
    let data = try bytes.u8(at: 31)
    printer.out.write(" rtr ")
    writeNode(nil, router, &printer)
    printer.write(" hello ", "hello_seconds", hello)
    printer.write(" data ", data)
  default:
    printer.out.write("unknown control message")
    printer.writeHexAndASCII(bytes.clamped(to: left))
  }
}

private func writeSource(
  _ title: StaticString, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let source = try bytes.u16le(at: 1)
  printer.writeMessage(title)
  printer.out.write("src ")
  writeNode("source_node", source, &printer)
}

/// The common start of the hello messages of routers and of end nodes.
private func writeHello(
  _ title: StaticString, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let version = try bytes.u24(at: 1)
  let source = try bytes.u16le(at: 8)
  let kind = try bytes.u8(at: 10)
  let size = try bytes.u16le(at: 11)
  printer.writeMessage(title)
  writeNodeKind(kind, &printer)
  writeVersion(version, "vers ", &printer)
  printer.out.write(" src ")
  writeNode("source_node", source, &printer)
  printer.write(" blksize ", size)
}

private func writeNodeKind(_ kind: UInt8, _ printer: inout Printer) {
  switch kind & 3 {
  case 1: printer.out.write("l2rout ")
  case 2: printer.out.write("l1rout ")
  case 3: printer.out.write("endnode ")
  default: printer.out.write("reserved-ntype? ")
  }
  if kind & 4 != 0 { printer.out.write("verif ") }
}

private func writeVersion(_ version: UInt32, _ title: StaticString, _ printer: inout Printer) {
  printer.write(title, version >> 16)
  printer.write(" eco ", version >> 8 & 0xff)
  printer.write(" ueco ", version & 0xff)
}

/// Segments of reachable nodes or areas: a count, the number of the first, and the cost and hops of each; only those of the first are
/// shown. A checksum ends the message.
private func printReachability(
  _ bytes: PacketBytes, _ left: Int, _ title: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" ")
  var offset = 4
  while offset &+ 6 < left {
    let count = Int(try bytes.u16le(at: offset))
    let first = Int(try bytes.u16le(at: offset &+ 2))
    guard offset &+ 6 &+ 2 &* count <= left else { return }
    let cost = try bytes.u16le(at: offset &+ 4)
    printer.write(title, first)
    printer.write("-", first &+ count)
    printer.write(" cost ", cost & 0x3ff)
    printer.write(" hops ", cost >> 10 & 0x1f)
    printer.out.write("} ")
    offset &+= 4 &+ 2 &* count
  }
}

/// A node: 6 bits of its area and 10 of its number, as `1.1`.
private func writeNode(_ key: StaticString?, _ node: UInt16, _ printer: inout Printer) {
  let held = key != nil && printer.writesFields ? printer.beginHeldText() : nil
  printer.out.write(decimal: node >> 10)
  printer.write(".", node & 0x3ff)
  if let key, let held {
    printer.fields.write(key, text: printer.out, from: held.start)
    printer.endHeldText(held)
  }
}

extension Printer {
  /// Ends the protocol if a number is impossible, as `reject` does: ` (length 3 < 6) (invalid)`.
  fileprivate mutating func rejectDECnet(
    _ what: StaticString, _ value: Int, _ relation: Relation, _ limit: Int
  ) throws(DecodeError) {
    let isWrong =
      switch relation {
      case .less: value < limit
      default: value > limit
      }
    guard isWrong else { return }
    out.write(" (")
    out.write(what)
    write(" ", value)
    write(relation == .less ? " < " : " > ", limit)
    out.write(")")
    throw .invalid
  }

  /// Writes the kind of message, and a space.
  fileprivate mutating func writeMessage(_ name: StaticString) {
    if writesFields { fields.write("message", name) }
    out.write(name)
    out.write(" ")
  }
}

// MARK: Network Services Protocol

/// The header of all messages on logical links: flags, then the receiver's and the sender's link.
private let linkHeaderLength = 5

/// Why a link was disconnected.
private let reasons: ValueNames = [
  0: "object rejected connect", 1: "insufficient resources", 2: "unrecognized node name", 3: "node is shutting down",
  4: "unrecognized object", 5: "invalid object name format", 6: "object too busy", 7: "protocol error discovered",
  8: "third party abort", 9: "user abort", 10: "invalid node name format", 11: "local node shutting down",
  32: "insufficient local resources", 33: "insufficient remote user resources",
  34: "invalid access control information", 36: "bad ACCOUNT information", 38: "no response from object",
  39: "node unreachable", 41: "no link terminate", 42: "disconnect complete", 43: "bad image data in connect",
]

private let versions: ValueNames = [0: "3.2", 1: "3.1", 2: "4.0", 3: "4.1"]

private func printNSP(
  _ bytes: PacketBytes, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  try printer.rejectDECnet("nsplen", length, .less, linkHeaderLength)
  let flags = try bytes.u8(at: 0)
  let destination = try bytes.u16le(at: 1)
  let source = try bytes.u16le(at: 3)
  if printer.writesFields {
    printer.fields.write("source_link", source)
    printer.fields.write("destination_link", destination)
  }
  switch (flags & 0x0c, flags & 0x70) {
  case (0x00, 0x00), (0x00, 0x20), (0x00, 0x40), (0x00, 0x60):
    writeLinks("data", source, destination, &printer)
    let offset = try writeAcknowledgments(bytes, length, "oack ", "onak ", &printer)
    try writeSegment(bytes, at: offset, length, &printer)
  case (0x00, 0x10):
    writeLinks("link-service", source, destination, &printer)
    guard length >= 13 else { throw .invalid }
    try printLinkService(bytes, length, &printer)
  case (0x00, 0x30):
    printer.writeMessage("intr")
    let offset = try writeAcknowledgments(bytes, length, "ackdat ", "nakdat ", &printer)
    try writeSegment(bytes, at: offset, length, &printer)
  case (0x00, _): writeReserved("reserved-subtype? ", flags, source, destination, &printer)
  case (0x04, 0x00):
    writeLinks("data-ack", source, destination, &printer)
    guard length >= 9 else { throw .invalid }
    _ = try writeAcknowledgments(bytes, length, "oack ", "onak ", &printer)
  case (0x04, 0x10):
    writeLinks("ils-ack", source, destination, &printer)
    guard length >= 9 else { throw .invalid }
    _ = try writeAcknowledgments(bytes, length, "ackdat ", "nakdat ", &printer)
  case (0x04, 0x20):
    printer.writeMessage("conn-ack")
    printer.out.write(decimal: destination)
  case (0x04, _): writeReserved("reserved-acktype? ", flags, source, destination, &printer)
  case (0x08, 0x10), (0x08, 0x60):
    writeLinks(
      flags & 0x70 == 0x10 ? "conn-initiate" : "retrans-conn-initiate", source, destination, &printer)
    guard length >= 9 else { throw .invalid }
    try writeConnection(bytes, &printer)
  case (0x08, 0x20):
    writeLinks("conn-confirm", source, destination, &printer)
    guard length >= 10 else { throw .invalid }
    try writeConnection(bytes, &printer)
    writeOptionalLength("optlen ", try bytes.u8(at: 9), &printer)
  case (0x08, 0x30):
    writeLinks("disconn-initiate", source, destination, &printer)
    guard length >= 8 else { throw .invalid }
    try writeReason(bytes, &printer)
    printer.out.write(" ")
    writeOptionalLength("optlen ", try bytes.u8(at: 7), &printer)
  case (0x08, 0x40):
    writeLinks("disconn-confirm", source, destination, &printer)
    try writeReason(bytes, &printer)
    printer.out.write(" ")
  case (0x08, _): writeReserved("reserved-ctltype? ", flags, source, destination, &printer)
  default: writeReserved("reserved-type? ", flags, source, destination, &printer)
  }
}

/// `data 8197>8198 `.
private func writeLinks(_ name: StaticString, _ source: UInt16, _ destination: UInt16, _ printer: inout Printer) {
  printer.writeMessage(name)
  printer.out.write(decimal: source)
  printer.write(">", destination)
  printer.out.write(" ")
}

private func writeReserved(
  _ title: StaticString, _ flags: UInt8, _ source: UInt16, _ destination: UInt16, _ printer: inout Printer
) {
  printer.write(title, flags, as: .hex(1))
  printer.write(" ", source)
  printer.write(" > ", destination)
}

/// Flags of a number: it is an acknowledgment, it is for the other kind of data, it is negative.
private let acknowledgmentFlag: UInt16 = 0x8000
private let crossFlag: UInt16 = 0x2000
private let negativeFlag: UInt16 = 0x1000

/// Zero, one or two acknowledgments after the links, the second for the other kind of data; returns the offset after them. A header that
/// ends before the number that must follow is invalid.
private func writeAcknowledgments(
  _ bytes: PacketBytes, _ length: Int, _ other: StaticString, _ otherNegative: StaticString, _ printer: inout Printer
) throws(DecodeError) -> Int {
  guard length >= linkHeaderLength &+ 2 else { throw .invalid }
  let first = try bytes.u16le(at: linkHeaderLength)
  guard first & acknowledgmentFlag != 0 else { return linkHeaderLength }
  printer.write(first & negativeFlag != 0 ? "nak " : "ack ", first & 0xfff)
  printer.out.write(" ")
  guard length >= linkHeaderLength &+ 4 else { throw .invalid }
  let second = try bytes.u16le(at: linkHeaderLength &+ 2)
  guard second & (acknowledgmentFlag | crossFlag) != 0 else { return linkHeaderLength &+ 2 }
  let negative = acknowledgmentFlag | crossFlag | negativeFlag
  printer.write(second & negative == negative ? otherNegative : other, second & 0xfff)
  printer.out.write(" ")
  return linkHeaderLength &+ 4
}

private func writeSegment(
  _ bytes: PacketBytes, at offset: Int, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  guard length >= offset &+ 2 else { throw .invalid }
  printer.write("seg ", "segment_number", try bytes.u16le(at: offset) & 0xfff)
  printer.out.write(" ")
}

/// Flow control of a link.
private func printLinkService(
  _ bytes: PacketBytes, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  let offset = try writeAcknowledgments(bytes, length, "ackdat ", "nakdat ", &printer)
  try writeSegment(bytes, at: offset, length, &printer)
  let flags = try bytes.u8(at: offset &+ 2)
  let count = try bytes.u8(at: offset &+ 3)
  switch flags & 0x0c {
  case 0x00:
    printer.write("dat seg count ", count)
    printer.out.write(" ")
    switch flags & 3 {
    case 0: break
    case 1: printer.out.write("donotsend-data ")
    case 2: printer.out.write("send-data ")
    default: printer.write("reserved-fcmod? ", flags, as: .hex(1))
    }
  case 0x04:
    printer.write("intr req count ", count)
    printer.out.write(" ")
  default: printer.write("reserved-fcval-int? ", flags, as: .hex(1))
  }
}

/// The common part of both messages that set up a link.
private func writeConnection(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let services = try bytes.u8(at: 5)
  let information = try bytes.u8(at: 6)
  let size = try bytes.u16le(at: 7)
  switch services & 0x0c {
  case 0x04: printer.out.write("seg ")
  case 0x08: printer.out.write("msg ")
  default: break
  }
  printer.write("ver ", information & 3, as: .named(versions, unknown: ""))
  printer.write(" segsize ", "segment_size", size)
  printer.out.write(" ")
}

/// The length of application data in a message, if there is any.
private func writeOptionalLength(_ title: StaticString, _ length: UInt8, _ printer: inout Printer) {
  guard length > 0 else { return }
  printer.write(title, length)
  printer.out.write(" ")
}

private func writeReason(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let reason = try bytes.u16le(at: 5)
  printer.write("", "reason", reason, as: .named(reasons, key: "reason_name", unknown: .decimal("reason-")))
}
