package import Dissect
import PacketCore

extension Layer {
  static let slip = Layer(
    "slip", "Serial Line Internet Protocol", "RFC 1055, RFC 1144, LINKTYPE_SLIP", marks: ["slip_bsdos"]
  ) {
    [
      Field("direction_byte", .uint8, "0 received, 1 sent.", always: true),
      Field("compression", .words(["ip", "uncompressed", "compressed"]), "How the packet was sent (RFC 1144)."),
      Field("connection", .uint8, "Connection of compressed TCP, where the packet says it."),
    ]
  }
}

extension Dissector {
  package static let slip = Dissector(name: "slip", claims: [.linkType(.slip)], layers: [.slip], print: printSLIP)
}

///     0           1                                  16
///     +-----------+----------------------------------+---------------------
///     | direction | header as it was sent (RFC 1144) | packet, uncompressed
///     +-----------+----------------------------------+---------------------
private let headerLength = 16

/// Types of packets, in the upper bits of the second byte.
private enum PacketType {
  static let compressed: UInt8 = 0x80
  static let ip: UInt8 = 0x40
  static let uncompressed: UInt8 = 0x70
}

/// The fields that changed since the previous packet (RFC 1144 section 3.2.2).
private enum Change {
  static let connection: UInt8 = 0x40
  static let identification: UInt8 = 0x20
  static let sequence: UInt8 = 0x08
  static let acknowledgment: UInt8 = 0x04
  static let window: UInt8 = 0x02
  static let urgent: UInt8 = 0x01
  static let mask: UInt8 = 0x0f
  /// Combinations with a special meaning: echoed terminal traffic, and data in one direction.
  static let interactive: UInt8 = 0x0b
  static let dataOnly: UInt8 = 0x0f
}

@Sendable
private func printSLIP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let direction = try bytes.u8(at: 0)
  if printer.enter(.slip) { printer.fields.write("direction_byte", direction) }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader { try writeHeader(bytes, direction, &printer) }
  let packet = try bytes.dropping(headerLength)
  switch try packet.u8(at: 0) >> 4 {
  case 4: try printer.run(.ipv4, packet)
  case 6: try printer.run(.ipv6, packet)
  case let version: printer.write("ip v", version)
  }
}

private func writeHeader(_ bytes: PacketBytes, _ direction: UInt8, _ printer: inout Printer) throws(DecodeError) {
  switch direction {
  case 0: printer.out.write("I ")
  case 1: printer.out.write("O ")
  default:
    printer.write("Invalid direction ", direction)
    printer.out.write(" ")
    return
  }
  let state = printer.state(connections)
  let type = try bytes.u8(at: 1)
  if type & PacketType.compressed != 0 {
    if printer.writesFields { printer.fields.write("compression", "compressed") }
    printer.out.write("ctcp")
    try writeChanges(bytes, Int(direction), state, &printer)
    printer.out.write(": ")
    return
  }
  switch type & 0x70 {
  case PacketType.ip:
    if printer.writesFields { printer.fields.write("compression", "ip") }
    printer.write("ip ", bytes.length)
  case PacketType.uncompressed:
    // The connection number replaces the protocol number in the IP header.
    let connection = try bytes.u8(at: 10)
    if printer.writesFields { printer.fields.write("compression", "uncompressed") }
    printer.write("utcp ", "connection", connection)
    printer.out.write(": ")
    let headers = try innerHeaderLength(bytes)
    state.use(Int(connection), direction: Int(direction))
    state.lengths[state.index] = bytes.length &- headerLength &- headers
    return
  default:
    printer.write("slip-", type & 0x70)
    printer.out.write("!")
  }
  printer.out.write(": ")
}

/// Length of the IP and TCP headers, in bytes.
private func innerHeaderLength(_ bytes: PacketBytes) throws(DecodeError) -> Int {
  let ip = Int(try bytes.u8(at: headerLength) & 15) &* 4
  return ip &+ Int(try bytes.u8(at: headerLength &+ ip &+ 12) >> 4) &* 4
}

///     1         2                     2 or 3         4 or 5
///     +---------+---------------------+--------------+--------------------------------------------------------
///     | changes | connection, if said | TCP checksum | changes of U, W, A, S, I: a byte, or 0 and two bytes
///     +---------+---------------------+--------------+--------------------------------------------------------
private func writeChanges(
  _ bytes: PacketBytes, _ direction: Int, _ state: Connections, _ printer: inout Printer
) throws(DecodeError) {
  let flags = try bytes.u8(at: 1)
  var offset = 2
  if flags & Change.connection != 0 {
    let connection = try bytes.u8(at: offset)
    state.use(Int(connection), direction: direction)
    printer.write(" ", "connection", connection)
    offset &+= 1
  } else {
    state.use(nil, direction: direction)
    printer.out.write(" *")
  }
  offset &+= 2
  // tcpdump counts the bytes up to here, without the changes.
  let count = offset &- 1
  switch flags & Change.mask {
  case Change.interactive: try writeSpecial(" *SA+", bytes, state, &printer)
  case Change.dataOnly: try writeSpecial(" *S+", bytes, state, &printer)
  default:
    if flags & Change.urgent != 0 { try writeChange(" U=", bytes, &offset, &printer) }
    if flags & Change.window != 0 { try writeChange(" W+", bytes, &offset, &printer) }
    if flags & Change.acknowledgment != 0 { try writeChange(" A+", bytes, &offset, &printer) }
    if flags & Change.sequence != 0 { try writeChange(" S+", bytes, &offset, &printer) }
  }
  if flags & Change.identification != 0 { try writeChange(" I+", bytes, &offset, &printer) }
  let data = bytes.length &- headerLength &- (try innerHeaderLength(bytes))
  state.lengths[state.index] = data
  printer.write(" ", data)
  printer.write(" (", count)
  printer.out.write(")")
}

private func writeChange(
  _ title: StaticString, _ bytes: PacketBytes, _ offset: inout Int, _ printer: inout Printer
) throws(DecodeError) {
  let first = try bytes.u8(at: offset)
  let change = first == 0 ? try bytes.u16(at: offset &+ 1) : UInt16(first)
  offset &+= first == 0 ? 3 : 1
  printer.write(title, change)
}

/// A change by the number of data bytes in the previous packet.
private func writeSpecial(
  _ title: StaticString, _ bytes: PacketBytes, _ state: Connections, _ printer: inout Printer
) throws(DecodeError) {
  printer.write(title, state.lengths[state.index])
}

/// The number of data bytes in the last packet of each connection and direction.
private final class Connections {
  var lengths = [Int](repeating: 0, count: 512)
  /// The connection of the last packet in each direction.
  private var last: InlineArray<2, Int> = [0, 0]
  private(set) var index = 0

  /// Sets `index` to that of a connection, or to that of the previous packet if this one does not name a connection; a direction is 0 or 1.
  func use(_ connection: Int?, direction: Int) {
    let side = direction & 1
    if let connection { last[side] = connection & 0xff }
    index = side << 8 | last[side]
  }
}

private let connections = ProtocolState { Connections() }

extension Dissector {
  /// SLIP of BSD/OS; nothing in its pseudo-header is printed.
  package static let slipBSDOS = Dissector(
    name: "slip_bsdos", claims: [.linkType(.slipBSDOS)], layers: [.slip], print: printSLIPBSDOS)
}

@Sendable
private func printSLIPBSDOS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 16
  try bytes.check(0, headerLength &+ 1)
  printer.context.linkHeaderLength = headerLength
  let packet = try bytes.dropping(headerLength)
  switch try packet.u8(at: 0) >> 4 {
  case 4: try printer.run(.ipv4, packet)
  case 6: try printer.run(.ipv6, packet)
  case let version: printer.write("ip v", version)
  }
}
