package import Dissect
import PacketCore

extension Layer {
  static let broadcomInterception = Layer(
    "bcm_li", "Broadcom lawful interception shim", "UDP port 49152"
  ) {
    [
      Field("traffic_direction", .uint8, "2 egress, 3 ingress.", always: true),
      Field("packet_type", .uint16, "4 undecided, 5 IPv4, 6 IPv6, 7 Ethernet.", always: true),
      Field("packet_subtype", .uint8, "1 single VLAN tag, 2 double VLAN tag, 3 untagged.", always: true),
      Field("interception_id", .uint32, "Lawful interception identifier.", always: true),
    ]
  }
}

extension Dissector {
  package static let broadcomInterception = Dissector(
    name: "bcm_li", claims: [.udpSourcePort(49152)], layers: [.broadcomInterception], print: printShim)
}

private let directions: ValueNames = [1: "unused", 2: "egress", 3: "ingress"]
private let subtypes: ValueNames = [1: "single VLAN tag", 2: "double VLAN tag", 3: "untagged"]
private enum PacketType {
  static let undecided: UInt32 = 4
  static let ipv4: UInt32 = 5
  static let ipv6: UInt32 = 6
  static let ethernet: UInt32 = 7
  static let names: ValueNames = [4: "undecided", 5: "ipv4", 6: "ipv6", 7: "ethernet"]
}

///     0           3      7         10           32 bits
///     +-----------+------+---------+------------+---------
///     | direction | type | subtype | identifier | packet
///     +-----------+------+---------+------------+---------
private let headerLength = 4

@Sendable
private func printShim(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  // An empty datagram contains no intercepted packet; the port is probably an ephemeral one, since ephemeral ports begin with it.
  if bytes.length == 0 { return printer.writeUDPLength() }
  if bytes.length < headerLength {
    printer.write(" (length ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  let word = try bytes.u32(at: 0)
  let (direction, type, subtype) = (word >> 29, word >> 25 & 15, word >> 22 & 7)
  _ = printer.enter(.broadcomInterception)
  let isVerbose = printer.options.verbosity > 0
  if isVerbose { printer.out.write("\n    ") }
  printer.write(
    "BCM-LI-SHIM: direction ", "traffic_direction", direction, as: .named(directions, unknown: "unknown"))
  printer.write(", pkt-type ", "packet_type", type, as: .named(PacketType.names, unknown: "unknown"))
  printer.write(", pkt-subtype ", "packet_subtype", subtype, as: .named(subtypes, unknown: "unknown"))
  printer.write(", li-id ", "interception_id", word & 0x3f_ffff)
  let packet = try bytes.dropping(headerLength)
  guard isVerbose else {
    if printer.writesFields {
      printer.recordOnly(packet) { (packet, printer) throws(DecodeError) in
        try printPacket(packet, type, &printer)
      }
    }
    try packet.check(0, packet.length)
    return
  }
  printer.out.write("\n    ")
  try printPacket(packet, type, &printer)
}

/// Prints the intercepted packet; if its type is undecided, its own version field decides.
private func printPacket(_ packet: PacketBytes, _ type: UInt32, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case PacketType.ipv4: try printer.run(.ipv4, packet)
  case PacketType.ipv6: try printer.run(.ipv6, packet)
  case PacketType.ethernet: try printer.run(.ethernet, packet)
  case PacketType.undecided:
    switch try packet.u8(at: 0) >> 4 {
    case 4: try printer.run(.ipv4, packet)
    case 6: try printer.run(.ipv6, packet)
    default: printer.out.write("unknown payload")
    }
  default: throw .invalid
  }
}
