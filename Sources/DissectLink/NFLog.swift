package import Dissect
import PacketCore

extension Layer {
  static let nflog = Layer("nflog", "Linux netfilter log", "LINKTYPE_NFLOG") {
    [
      Field("family", .uint32, "Address family of Linux: 2 IPv4, 10 IPv6.", always: true),
      Field("version", .uint8, "Version, 0.", always: true),
      Field("resource_id", .uint16, "Group that the rule logs to.", always: true),
      Field("log_prefix", .text, "Prefix that the rule gives."),
      Field("input_interface_index", .uint32, "Index of the interface that the packet came in at."),
      Field("output_interface_index", .uint32, "Index of the interface that the packet leaves by."),
      Field("packet_mark", .uint32, "Mark of the packet."),
    ]
  }
}

extension Dissector {
  package static let nflog = Dissector(name: "nflog", claims: [.linkType(.nflog)], layers: [.nflog], print: printNFLog)
}

///     0        1         2             4
///     +--------+---------+-------------+------------
///     | family | version | resource ID | attributes
///     +--------+---------+-------------+------------
private let headerLength = 4

///     0        2      4
///     +--------+------+-------+---------
///     | length | type | value | padding      length and type in the byte order of the host, little-endian here; to multiples of four
///     +--------+------+-------+---------
private enum Attribute {
  static let headerLength = 4
  static let mark: UInt16 = 2
  static let inputInterface: UInt16 = 4
  static let outputInterface: UInt16 = 5
  static let payload: UInt16 = 9
  static let prefix: UInt16 = 10
}

/// Address families of Linux.
private enum Family {
  static let ipv4: UInt8 = 2
  static let ipv6: UInt8 = 10
  static let names: ValueNames = [2: "IPv4", 10: "IPv6"]
}

@Sendable
private func printNFLog(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let family = try bytes.u8(at: 0)
  let version = try bytes.u8(at: 1)
  if printer.enter(.nflog) {
    printer.fields.write("family", family)
    printer.fields.write("version", version)
    printer.fields.write("resource_id", try bytes.u16(at: 2))
  }
  guard version == 0 else {
    printer.write("version ", version)
    printer.out.write(" (unknown)")
    return
  }
  if printer.options.linkHeader { try writeHeader(bytes, bytes.length, &printer) }
  var offset = headerLength
  var payload = try bytes.dropping(headerLength)
  // Every iteration advances by at least four bytes.
  while offset < bytes.length {
    let rest = bytes.length &- offset
    try printer.reject("length", rest, .less, Attribute.headerLength)
    let size = Int(try bytes.u16le(at: offset))
    let type = try bytes.u16le(at: offset &+ 2)
    try printer.reject("size", size, .less, Attribute.headerLength)
    try printer.reject("length", rest, .less, (size &+ 3) & ~3)
    try bytes.check(offset, size)
    let attribute = try bytes.dropping(offset).clamped(to: size)
    let value = try attribute.dropping(Attribute.headerLength)
    if type == Attribute.payload {
      payload = value
      offset &+= Attribute.headerLength
      break
    }
    if printer.writesFields { try? recordAttribute(type, value, &printer) }
    offset &+= (size &+ 3) & ~3
    payload = try bytes.dropping(offset)
  }
  printer.context.linkHeaderLength = offset
  switch family {
  case Family.ipv4: try printer.run(.ipv4, payload)
  case Family.ipv6: try printer.run(.ipv6, payload)
  default:
    if !printer.options.linkHeader { try writeHeader(bytes, payload.length, &printer) }
    printer.dumpUnknown(payload)
  }
}

private func recordAttribute(
  _ type: UInt16, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  switch type {
  case Attribute.mark: printer.fields.write("packet_mark", try value.u32(at: 0))
  case Attribute.inputInterface: printer.fields.write("input_interface_index", try value.u32(at: 0))
  case Attribute.outputInterface: printer.fields.write("output_interface_index", try value.u32(at: 0))
  case Attribute.prefix: printer.fields.write("log_prefix", text: value.clamped(to: try value.lengthToNUL()))
  default: break
  }
}

private func writeHeader(_ bytes: PacketBytes, _ length: Int, _ printer: inout Printer) throws(DecodeError) {
  let family = try bytes.u8(at: 0)
  printer.write("version ", try bytes.u8(at: 1))
  printer.write(", resource ID ", try bytes.u16(at: 2))
  if printer.options.quiet {
    printer.write(", ", family, as: .named(Family.names, unknown: .hex("Unknown NFLOG (0x", digits: 2, ")")))
  } else {
    printer.write(", family ", family, as: .named(Family.names, unknown: "Unknown"))
    printer.write(" (", family)
    printer.out.write(")")
  }
  printer.write(", length ", length)
  printer.out.write(": ")
}
