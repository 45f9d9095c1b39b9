package import Dissect
import PacketCore

extension Layer {
  static let localTalk = Layer("llap", "LocalTalk link access protocol", "Inside AppleTalk chapter 1, LINKTYPE_LTALK") {
    [
      Field("destination_node_number", .uint8, "Node that the frame is for; 255 for all.", always: true),
      Field("source_node_number", .uint8, "Node that sent it.", always: true),
      Field(
        "type", .uint8, "1 and 2 datagrams with a short and a long header; 129 to 133 control frames.", always: true),
    ]
  }

  static let ddp = Layer("ddp", "Datagram Delivery Protocol", "Inside AppleTalk chapter 4", marks: ["atalk"]) {
    [
      Field("length", .uint16, "Bytes of the datagram, header included.", always: true),
      Field("hop_count", .uint8, "Routers that it came through."),
      Field("checksum", .uint16, "Checksum, as sent; 0 for none."),
      Field("source_network", .uint16, "Network of the sender; left out with a short header."),
      Field("source_node_number", .uint8, "Node of the sender."),
      Field("source_socket", .uint8, "Socket of the sender."),
      Field("destination_network", .uint16, "Network of the receiver; left out with a short header."),
      Field("destination_node_number", .uint8, "Node of the receiver; 255 for all."),
      Field("destination_socket", .uint8, "Socket of the receiver."),
      Field("type", .uint8, "Protocol of what follows.", always: true),
      Field("type_name", .text, "Name of the protocol."),
    ]
  }
}

extension Dissector {
  /// LocalTalk (LINKTYPE_LTALK).
  package static let localTalk = Dissector(
    name: "atalk", claims: [.linkType(.localTalk)], layers: [.localTalk], print: printLocalTalk)

  /// Datagram Delivery Protocol of AppleTalk, in Ethernet and other link layers.
  package static let appleTalk = Dissector(
    name: "atalk", claims: [.etherType(0x809b)], layers: [.ddp, .nbp, .atp], print: printAppleTalk)
}

extension Dissector {
  /// The same after a BSD loopback header.
  package static let appleTalkInLoopback = Dissector(
    name: "atalk", claims: [Claim(.loopbackFamily, 16 as UInt32)], layers: [.ddp]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    if !printer.options.linkHeader { printer.out.write("AT ") }
    try printLongDatagram(bytes, separator: ": ", &printer)
  }
}

/// Protocols inside datagrams (Inside AppleTalk appendix C).
enum DDPType {
  static let nameBinding: UInt8 = 2
  static let transaction: UInt8 = 3
  static let eigrp: UInt8 = 0x58
  static let names: ValueNames = [
    0x01: "rtmp", 0x02: "nis", 0x03: "atp", 0x04: "echo", 0x05: "rtmpReq", 0x06: "zip", 0x16: "IP", 0x17: "ARP",
    0x4b: "KLAP", 0x58: "EIGRP",
  ]
  /// The names in the text of protocols without a dissector.
  static let shownNames: ValueNames = [
    0x01: "rtmp", 0x04: "echo", 0x05: "rtmpReq", 0x16: "IP", 0x17: "ARP", 0x4b: "KLAP",
  ]
}

/// Sockets that are reserved for one protocol.
private let sockets: ValueNames = [1: "rtmp", 2: "nis", 4: "echo", 6: "zip"]

/// One end of a datagram; a short header has no network number.
struct AppleTalkAddress {
  var network: UInt16 = 0
  let node: UInt8
  let socket: UInt8
  static let everyNode: UInt8 = 255
}

private enum LocalTalk {
  static let headerLength = 3
  static let shortDatagram: UInt8 = 1
  static let longDatagram: UInt8 = 2
}

///     0             1        2
///     +-------------+--------+------+----------
///     | destination | source | type | datagram
///     +-------------+--------+------+----------
@Sendable
private func printLocalTalk(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, LocalTalk.headerLength)
  try bytes.check(0, LocalTalk.headerLength)
  let destination = try bytes.u8(at: 0)
  let source = try bytes.u8(at: 1)
  let type = try bytes.u8(at: 2)
  if printer.enter(.localTalk) {
    printer.fields.write("destination_node_number", destination)
    printer.fields.write("source_node_number", source)
    printer.fields.write("type", type)
  }
  printer.context.linkHeaderLength = LocalTalk.headerLength
  let datagram = try bytes.dropping(LocalTalk.headerLength)
  switch type {
  case LocalTalk.shortDatagram:
    try printer.nest(datagram) { (datagram, printer) throws(DecodeError) in
      try printShortDatagram(datagram, source, destination, &printer)
    }
  case LocalTalk.longDatagram:
    try printer.nest(datagram) { (datagram, printer) throws(DecodeError) in
      try printLongDatagram(datagram, separator: ":", &printer)
    }
  default:
    printer.write("", source)
    printer.write(" > ", destination)
    printer.write(" at-lap#", type)
    printer.write(" ", datagram.length)
  }
}

@Sendable
private func printAppleTalk(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.options.verbosity > 0 { printer.out.write("et1 ") }
  if !printer.options.linkHeader { printer.out.write("AT ") }
  try printLongDatagram(bytes, separator: ": ", &printer)
}

private let shortHeaderLength = 5
private let longHeaderLength = 13

///     0                2                    3               4      5
///     +----------------+--------------------+---------------+------+---------
///     | length (10)    | destination socket | source socket | type | payload
///     +----------------+--------------------+---------------+------+---------
private func printShortDatagram(
  _ bytes: PacketBytes, _ sourceNode: UInt8, _ destinationNode: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, shortHeaderLength)
  try bytes.check(0, shortHeaderLength)
  let source = AppleTalkAddress(node: sourceNode, socket: try bytes.u8(at: 3))
  let destination = AppleTalkAddress(node: destinationNode, socket: try bytes.u8(at: 2))
  let type = try bytes.u8(at: 4)
  if printer.enter(.ddp) {
    printer.fields.write("length", try bytes.u16(at: 0) & 0x3ff)
    record(source, destination, hasNetworks: false, &printer)
    printer.fields.write("type", type, "type_name", DDPType.names)
  }
  printer.write(source, destination)
  printer.out.write(":")
  try printPayload(type, try bytes.dropping(shortHeaderLength), source, &printer)
}

///     0                    2          4                6           8                  10            12
///     +--------+-----------+----------+----------------+-----------+------------------+------------- … +------+---
///     | hops(4)| length(10)| checksum | dst network    | src net.  | dst node, source | dst socket, src| type |
///     +--------+-----------+----------+----------------+-----------+------------------+------------- … +------+---
private func printLongDatagram(
  _ bytes: PacketBytes, separator: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, longHeaderLength)
  try bytes.check(0, longHeaderLength)
  let destination = AppleTalkAddress(
    network: try bytes.u16(at: 4), node: try bytes.u8(at: 8), socket: try bytes.u8(at: 10))
  let source = AppleTalkAddress(
    network: try bytes.u16(at: 6), node: try bytes.u8(at: 9), socket: try bytes.u8(at: 11))
  let type = try bytes.u8(at: 12)
  if printer.enter(.ddp) {
    let first = try bytes.u16(at: 0)
    printer.fields.write("length", first & 0x3ff)
    printer.fields.write("hop_count", first >> 10 & 15)
    printer.fields.write("checksum", try bytes.u16(at: 2))
    record(source, destination, hasNetworks: true, &printer)
    printer.fields.write("type", type, "type_name", DDPType.names)
  }
  printer.write(source, destination)
  printer.out.write(separator)
  try printPayload(type, try bytes.dropping(longHeaderLength), source, &printer)
}

private func record(
  _ source: AppleTalkAddress, _ destination: AppleTalkAddress, hasNetworks: Bool, _ printer: inout Printer
) {
  if hasNetworks { printer.fields.write("source_network", source.network) }
  printer.fields.write("source_node_number", source.node)
  printer.fields.write("source_socket", source.socket)
  if hasNetworks { printer.fields.write("destination_network", destination.network) }
  printer.fields.write("destination_node_number", destination.node)
  printer.fields.write("destination_socket", destination.socket)
}

extension Printer {
  /// `NET.NODE.SOCKET > NET.NODE.SOCKET`.
  fileprivate mutating func write(_ source: AppleTalkAddress, _ destination: AppleTalkAddress) {
    writeNode(source.network, source.node)
    writeSocket(source.socket)
    out.write(" > ")
    writeNode(destination.network, destination.node)
    writeSocket(destination.socket)
  }

  /// `NET.NODE`, or only the network for a broadcast to all its nodes.
  mutating func writeNode(_ network: UInt16, _ node: UInt8) {
    out.write(decimal: network)
    if node != AppleTalkAddress.everyNode { write(".", node) }
  }

  private mutating func writeSocket(_ socket: UInt8) {
    out.write(".")
    if options.numeric == 0, let name = sockets[socket] { out.write(name) } else { out.write(decimal: socket) }
  }
}

private func printPayload(
  _ type: UInt8, _ payload: PacketBytes, _ source: AppleTalkAddress, _ printer: inout Printer
) throws(DecodeError) {
  switch type {
  case DDPType.nameBinding: try printNameBinding(payload, source, &printer)
  case DDPType.transaction: try printTransaction(payload, &printer)
  case DDPType.eigrp:
    printer.out.write(" ")
    let index = printer.registry.index(ipProtocol: DDPType.eigrp)
    if index != 0 { try printer.run(index, payload) }
  default:
    printer.write(" at-", type, as: .named(DDPType.shownNames, unknown: .decimal("#")))
    printer.write(" ", payload.length)
  }
}
