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
    ]
  }
}

extension Dissector {
  package static let ipx = Dissector(
    name: "ipx", claims: [.sap(0xe0), .etherType(EtherTypes<UInt16>.ipx)], layers: [.ipx], print: printIPX)
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

/// Requests and answers, of the service advertising protocol: an answer has entries of 64 bytes.
private func printService(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 2 {
    try bytes.check(0, 2)
    return
  }
  let command = try bytes.u16(at: 0)
  var rest = try bytes.dropping(2)
  switch command {
  case 1, 3:
    printer.out.write(command == 1 ? " ipx-sap-req" : " ipx-sap-nearest-req")
    if rest.length > 0 {
      printer.write(" ", try rest.u16(at: 0), as: .hex(1))
      printer.out.write(" '")
      try printer.writeTextToNUL(try rest.dropping(2).clamped(to: 48))
      printer.out.write("'")
    }
  case 2, 4:
    printer.out.write(command == 2 ? " ipx-sap-resp" : " ipx-sap-nearest-resp")
    var count = 0
    while count < 8, rest.length > 0 {
      count &+= 1
      printer.write(" ", try rest.u16(at: 0), as: .hex(4))
      printer.out.write(" '")
      try printer.writeTextToNUL(try rest.dropping(2).clamped(to: 48))
      printer.out.write("' addr ")
      try bytes.check(0, 2)
      printer.write("", try rest.u32(at: 50), as: .hex(8))
      printer.out.write(".")
      printer.out.write(try rest.mac(at: 54))
      rest = try rest.dropping(64)
    }
  default: printer.write(" ipx-sap-?", command, as: .hex(1))
  }
}

/// Requests and answers of the routing protocol: an answer has entries of 8 bytes.
private func printRoutes(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 2 { return }
  let command = try bytes.u16(at: 0)
  var rest = try bytes.dropping(2)
  switch command {
  case 1:
    printer.out.write(" ipx-rip-req")
    if rest.length > 0 {
      printer.write(" ", try rest.u32(at: 0), as: .hex(8))
      printer.write("/", try rest.u16(at: 4))
      printer.write(".", try rest.u16(at: 6))
    }
  case 2:
    printer.out.write(" ipx-rip-resp")
    var count = 0
    while count < 15, rest.length > 0 {
      count &+= 1
      printer.write(" ", try rest.u32(at: 0), as: .hex(8))
      printer.write("/", try rest.u16(at: 4))
      printer.write(".", try rest.u16(at: 6))
      rest = try rest.dropping(8)
    }
  default:
    printer.write(" ipx-rip-?", command, as: .hex(1))
    printer.write(" ", bytes.length)
  }
}
