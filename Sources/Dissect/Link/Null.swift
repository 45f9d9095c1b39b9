import PacketCore

extension Layer {
  static let null = Layer(
    "null", "BSD loopback", "LINKTYPE_NULL"
  ) {
    [
      Field("family", .uint32, "Address family of the capturing system.", always: true)
    ]
  }

  static let loop = Layer(
    "loop", "OpenBSD loopback", "LINKTYPE_LOOP", marks: ["null"]
  ) {
    [
      Field("family", .uint32, "Address family of the capturing system.", always: true)
    ]
  }
}

extension NumberSpace {
  /// Address families of BSD loopback devices, for protocols that are found by nothing else.
  package static let loopbackFamily = NumberSpace("BSD address family")
}

extension Dissector {
  /// BSD loopback (LINKTYPE_NULL): an address family of the capturing system, in its byte order.
  package static let null = Dissector(name: "null", claims: [.linkType(.null)], layers: [.null]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printNull(bytes, .null)
  }
  /// OpenBSD loopback (LINKTYPE_LOOP): the same in network byte order.
  package static let loop = Dissector(name: "null", claims: [.linkType(.loop)], layers: [.loop]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printNull(bytes, .loop)
  }
}

private let headerLength = 4

/// BSD's address families; each of the systems has another number for IPv6.
private let families: ValueNames = [
  2: "IPv4", 6: "NS", 7: "ISO", 16: "Appletalk", 23: "IPX", 24: "IPv6", 28: "IPv6", 30: "IPv6",
]

extension Printer {
  fileprivate mutating func printNull(_ bytes: PacketBytes, _ layer: Layer) throws(DecodeError) {
    try bytes.check(0, headerLength)
    context.linkHeaderLength = headerLength
    // The capturing machine may have had the other byte order: its families then have the upper half set.
    var family = try bytes.u32le(at: 0)
    if family & 0xffff_0000 != 0 { family = family.byteSwapped }
    if enter(layer) { fields.write("family", family) }
    if options.linkHeader { writeFamily(family, length: bytes.length) }
    let payload = try bytes.dropping(headerLength)
    switch family {
    case 2: try printIPv4(payload)
    case 24, 28, 30: try printIPv6(payload)
    default:
      let index =
        switch family {
        case 7: registry.index(sap: ServiceAccessPoint.osi)
        case 16: registry.index(.loopbackFamily, family)
        case 23: registry.index(sap: ServiceAccessPoint.ipx)
        default: Registry.Index(0)
        }
      if index != 0 {
        try run(index, payload)
        return
      }
      if !options.linkHeader { writeFamily(family, length: bytes.length) }
      dumpUnknown(payload)
    }
  }

  private mutating func writeFamily(_ family: UInt32, length: Int) {
    if options.quiet {
      write(families, family, unknown: .decimal("Unknown AF "))
    } else {
      out.write("AF ")
      write(families, family, unknown: "Unknown")
      out.write(" (")
      out.write(decimal: family)
      out.write(")")
    }
    out.write(", length ")
    out.write(decimal: length)
    out.write(": ")
  }
}
