package import Dissect
import PacketCore

extension Layer {
  static let ipnet = Layer("ipnet", "Solaris IP observability", "LINKTYPE_IPNET") {
    [
      Field("family", .uint32, "Address family of Solaris: 2 IPv4, 26 IPv6.", always: true),
      Field("hook", .uint16, "1 from the network, 2 to the network, 3 local.", always: true),
      Field("interface_index", .uint32, "Index of the interface.", always: true),
      Field("source_zone", .uint32, "Zone of the sender; 4294967295 for none.", always: true),
      Field("destination_zone", .uint32, "Zone of the receiver; 4294967295 for none.", always: true),
    ]
  }
}

extension Dissector {
  package static let ipnet = Dissector(name: "ipnet", claims: [.linkType(.ipnet)], layers: [.ipnet], print: printIPNet)
}

///     0         1        2      4        8         12      16            20
///     +---------+--------+------+--------+---------+-------+-------------+------------------+----
///     | version | family | hook | length | ifindex | group | source zone | destination zone | IP
///     +---------+--------+------+--------+---------+-------+-------------+------------------+----
private let headerLength = 24

/// Address families of Solaris.
private enum Family {
  static let ipv4: UInt8 = 2
  static let ipv6: UInt8 = 26
  static let names: ValueNames = [2: "IPv4", 26: "IPv6"]
}

@Sendable
private func printIPNet(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let family = try bytes.u8(at: 1)
  if printer.enter(.ipnet) {
    printer.fields.write("family", family)
    printer.fields.write("hook", try bytes.u16(at: 2))
    printer.fields.write("interface_index", try bytes.u32(at: 8))
    printer.fields.write("source_zone", try bytes.u32(at: 16))
    printer.fields.write("destination_zone", try bytes.u32(at: 20))
  }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader { try writeHeader(bytes, family, &printer) }
  let payload = try bytes.dropping(headerLength)
  switch family {
  case Family.ipv4: try printer.run(.ipv4, payload)
  case Family.ipv6: try printer.run(.ipv6, payload)
  default:
    if !printer.options.linkHeader { try writeHeader(bytes, family, &printer) }
    printer.dumpUnknown(payload)
  }
}

private func writeHeader(_ bytes: PacketBytes, _ family: UInt8, _ printer: inout Printer) throws(DecodeError) {
  printer.write("", try bytes.u32(at: 16))
  printer.write(" > ", try bytes.u32(at: 20))
  if printer.options.quiet {
    printer.write(", ", family, as: .named(Family.names, unknown: .hex("Unknown (0x", digits: 4, ")")))
  } else {
    printer.write(", family ", family, as: .named(Family.names, unknown: "Unknown"))
    printer.write(" (", family)
    printer.out.write(")")
  }
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}
