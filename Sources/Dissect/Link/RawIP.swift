import PacketCore

extension Layer {
  static let raw = Layer(
    "raw", "No link-layer header", "LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6"
  ) {
    []
  }
}

extension Dissector {
  /// IPv4 or IPv6 without a link-layer header (LINKTYPE_RAW).
  package static let raw = Dissector(name: "raw", claims: [.linkType(.raw)], layers: [.raw]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    _ = printer.enter(.raw)
    let version = try bytes.u8(at: 0) >> 4
    if printer.options.linkHeader { printer.writeFamilyName(version) }
    try printer.printIPByVersion(bytes)
  }
  /// IPv4 without a link-layer header (LINKTYPE_IPV4).
  package static let rawIPv4 = Dissector(name: "raw", claims: [.linkType(.ipv4)], layers: [.raw]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    _ = printer.enter(.raw)
    if printer.options.linkHeader { printer.writeFamilyName(4) }
    try printer.printIPv4(bytes)
  }
  /// IPv6 without a link-layer header (LINKTYPE_IPV6).
  package static let rawIPv6 = Dissector(name: "raw", claims: [.linkType(.ipv6)], layers: [.raw]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    _ = printer.enter(.raw)
    if printer.options.linkHeader { printer.writeFamilyName(6) }
    try printer.printIPv6(bytes)
  }
}

extension Printer {
  /// `IP ` or `IP6 `, written instead of a link-layer header if there is none.
  fileprivate mutating func writeFamilyName(_ version: UInt8) {
    switch version {
    case 4: out.write("IP ")
    case 6: out.write("IP6 ")
    default: break
    }
  }

  /// Prints IPv4 or IPv6, depending on the version field.
  mutating func printIPByVersion(_ bytes: PacketBytes) throws(DecodeError) {
    switch try bytes.u8(at: 0) >> 4 {
    case 4: try printIPv4(bytes)
    case 6: try printIPv6(bytes)
    case let version:
      out.write("IP")
      out.write(decimal: version)
      throw .invalid
    }
  }
}
