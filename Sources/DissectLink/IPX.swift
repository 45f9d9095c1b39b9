package import Dissect
import PacketCore

extension Layer {
  static let ipx = Layer("ipx", "Internetwork Packet Exchange", "Novell IPX") {
    [
      Field("length", .uint16, "Bytes of the packet, as the header states.", always: true),
      Field("transport_control", .uint8, "Routers that were passed.", always: true),
      Field("packet_type", .uint8, "Type of the packet.", always: true),
      Field("destination_network", .uint32, "Network of the receiver.", always: true),
      Field("destination_node", .mac, "Node of the receiver.", always: true),
      Field("destination_socket", .uint16, "Socket of the receiver.", always: true),
      Field("source_network", .uint32, "Network of the sender.", always: true),
      Field("source_node", .mac, "Node of the sender.", always: true),
      Field("source_socket", .uint16, "Socket of the sender.", always: true),
      Field("command", .uint16, "Command of service advertising or of routing: 1 request, 2 response."),
      Field("service_type", .uint16, "Type of the requested services."),
      Field(
        "services",
        .array(
          .object([
            Field("service_type", .uint16, "Type of the service."),
            Field("service_name", .text, "Its name."),
            Field("service_network", .uint32, "Network of the server."),
            Field("service_node", .mac, "Node of the server."),
            Field("service_socket", .uint16, "Socket of the service."),
            Field("hop_count", .uint16, "Routers on the way."),
          ])), "Services that are advertised.", each: "One service."),
      Field(
        "ipx_routes",
        .array(
          .object([
            Field("network_number", .uint32, "Network."),
            Field("hop_count", .uint16, "Routers on the way."),
            Field("ticks", .uint16, "Time to the network, in eighteenths of a second."),
          ])), "Networks that are requested or reachable.", each: "One network."),
    ]
  }
}

extension Dissector {
  package static let ipx = Dissector(
    name: "ipx",
    claims: [.sap(0xe0), .etherType(EtherTypes<UInt16>.ipx), Claim(.pppProtocol, PPPProtocols<UInt16>.ipx)],
    layers: [.ipx], print: printIPX)
}

private let sockets: ValueNames = [
  0x0451: "ipx-ncp", 0x0452: "ipx-sap", 0x0453: "ipx-rip", 0x0455: "ipx-netbios", 0x0456: "ipx-diags",
  0x0553: "ipx-nwlink-dgm",
  0x9086: "ipx-security",
]
private enum Socket {
  static let serviceAdvertising: UInt16 = 0x0452
  static let routing: UInt16 = 0x0453
}

///     0          2        4       5      6             16
///     +----------+--------+-------+------+-------------+--------------+      addresses: network (4), node (6), socket (2)
///     | checksum | length | hops  | type | destination (12) | source (12)
///     +----------+--------+-------+------+-------------+--------------+
private let headerLength = 30

@Sendable
private func printIPX(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if !printer.options.linkHeader { printer.out.write("IPX ") }
  try bytes.check(0, headerLength)
  let length = Int(try bytes.u16(at: 2))
  if printer.enter(.ipx) {
    printer.fields.write("length", length)
    printer.fields.write("transport_control", try bytes.u8(at: 4))
    printer.fields.write("packet_type", try bytes.u8(at: 5))
    printer.fields.write("destination_network", try bytes.u32(at: 6))
    printer.fields.write("destination_node", try bytes.mac(at: 10))
    printer.fields.write("destination_socket", try bytes.u16(at: 16))
    printer.fields.write("source_network", try bytes.u32(at: 18))
    printer.fields.write("source_node", try bytes.mac(at: 22))
    printer.fields.write("source_socket", try bytes.u16(at: 28))
  }
  try writeAddress(bytes, at: 18, &printer)
  printer.out.write(" > ")
  try writeAddress(bytes, at: 6, &printer)
  printer.out.write(":")
  try printer.reject("length", length, .less, headerLength)
  let body = try bytes.dropping(headerLength).clamped(to: length &- headerLength)
  let socket = try bytes.u16(at: 16)
  switch socket {
  case Socket.serviceAdvertising: try printService(body, &printer)
  case Socket.routing: try printRoutes(body, &printer)
  default:
    printer.write(" ", socket, as: .named(sockets, unknown: .hex("ipx-#")))
    printer.write(" ", length &- headerLength)
  }
}

private func writeAddress(_ bytes: PacketBytes, at offset: Int, _ printer: inout Printer) throws(DecodeError) {
  printer.write("", try bytes.u32(at: offset), as: .hex(8))
  printer.out.write(".")
  printer.out.write(try bytes.mac(at: offset &+ 4))
  printer.write(".", try bytes.u16(at: offset &+ 10), as: .hex(4))
}

/// Commands of the two protocols below; those with `nearest` request a single service.
private enum Command {
  static let request: UInt16 = 1
  static let response: UInt16 = 2
  static let nearestRequest: UInt16 = 3
  static let nearestResponse: UInt16 = 4
}

/// Maximum number of entries of a response that tcpdump shows.
private let maximumServices = 8
private let maximumRoutes = 15

/// Requests and responses of the Service Advertising Protocol.
///
///     0         2      4      52        56     62       64
///     +---------+------+------+---------+------+--------+------
///     | command | type | name | network | node | socket | hops       type to hops of a response again and again
///     +---------+------+------+---------+------+--------+------
private func printService(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 2 { return try bytes.check(0, 2) }
  let command = try bytes.u16(at: 0)
  if printer.writesFields { printer.fields.write("command", command) }
  switch command {
  case Command.request, Command.nearestRequest:
    printer.out.write(command == Command.request ? " ipx-sap-req" : " ipx-sap-nearest-req")
    guard bytes.length > 2 else { return }
    printer.write(" ", "service_type", try bytes.u16(at: 2), as: .hex(1))
    printer.out.write(" '")
    try printer.writeTextToNUL(try bytes.dropping(4).clamped(to: 48))
    printer.out.write("'")
  case Command.response, Command.nearestResponse:
    printer.out.write(command == Command.response ? " ipx-sap-resp" : " ipx-sap-nearest-resp")
    var list = printer.openList(bytes, at: 2, .elements(of: 64, lastIsCut: true), objects: "services")
    for _ in 0..<maximumServices {
      guard let service = try printer.next(&list) else { return }
      try printService(entry: service.bytes, &printer)
    }
    printer.stop(&list)
  default: printer.write(" ipx-sap-?", command, as: .hex(1))
  }
}

private func printService(entry: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write(" ", "service_type", try entry.u16(at: 0), as: .hex(4))
  printer.out.write(" '")
  let field = try entry.dropping(2).clamped(to: 48)
  if printer.writesFields { printer.fields.write("service_name", text: field.clamped(to: try field.lengthToNUL())) }
  try printer.writeTextToNUL(field)
  printer.out.write("' addr ")
  printer.write("", "service_network", try entry.u32(at: 50), as: .hex(8))
  let node = try entry.mac(at: 54)
  printer.write(".", "service_node", node)
  if printer.writesFields, entry.has(60, 4) {
    printer.fields.write("service_socket", try entry.u16(at: 60))
    printer.fields.write("hop_count", try entry.u16(at: 62))
  }
  try entry.check(0, 64)
}

/// Requests and responses of the Routing Information Protocol.
///
///     0         2         6      8
///     +---------+---------+------+-------
///     | command | network | hops | ticks       network to ticks of a response again and again
///     +---------+---------+------+-------
private func printRoutes(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 2 { return }
  let command = try bytes.u16(at: 0)
  if printer.writesFields { printer.fields.write("command", command) }
  switch command {
  case Command.request, Command.response:
    printer.out.write(command == Command.request ? " ipx-rip-req" : " ipx-rip-resp")
    var list = printer.openList(bytes, at: 2, .elements(of: 8, lastIsCut: true), objects: "ipx_routes")
    // A request is for one network.
    for _ in 0..<(command == Command.request ? 1 : maximumRoutes) {
      guard let route = try printer.next(&list) else { return }
      printer.write(" ", "network_number", try route.bytes.u32(at: 0), as: .hex(8))
      printer.write("/", "hop_count", try route.bytes.u16(at: 4))
      printer.write(".", "ticks", try route.bytes.u16(at: 6))
    }
    printer.stop(&list)
  default:
    printer.write(" ipx-rip-?", command, as: .hex(1))
    printer.write(" ", bytes.length)
  }
}
