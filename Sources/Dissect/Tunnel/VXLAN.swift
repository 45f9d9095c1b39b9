import PacketCore

extension Layer {
  static let vxlan = Layer(
    "vxlan", "Virtual eXtensible Local Area Network", "RFC 7348 section 5"
  ) {
    [
      Field("flag_bits", .uint8, "Flags, as bits; 8 says that the identifier is valid.", always: true),
      Field("vni", .uint24, "Network identifier.", always: true),
    ]
  }

  static let otv = Layer(
    "otv", "Overlay Transport Virtualization", "draft-hasmit-otv-04"
  ) {
    [
      Field("flag_bits", .uint8, "Flags, as bits.", always: true),
      Field("overlay", .uint24, "Overlay."),
      Field("instance", .uint24, "Instance."),
    ]
  }
}

extension Dissector {
  /// Virtual eXtensible Local Area Network, RFC 7348 section 5.
  package static let vxlan = Dissector(
    name: "vxlan", claims: [.udpPort(4789), .payloadType(.vxlan)], layers: [.vxlan], print: printVXLAN)
  /// Overlay Transport Virtualization, draft-hasmit-otv-04 section 3.
  package static let otv = Dissector(name: "otv", claims: [.udpPort(8472)], layers: [.otv], print: printOTV)
}

///     0       1          4      7
///     +-------+----------+------+----------+
///     | flags | reserved | VNI  | reserved |  Ethernet frame
///     +-------+----------+------+----------+
private let headerLength = 8
/// The flag that says that the network identifier is valid.
private let validIdentifier: UInt8 = 0x08

@Sendable
private func printVXLAN(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("VXLAN")
  try printer.reject("length", bytes.length, .less, headerLength)
  let flags = try bytes.u8(at: 0)
  printer.out.write(", ")
  writeFlags(flags, otherwise: "invalid", &printer)
  printer.out.write(", ")
  let identifier = try bytes.u24(at: 4)
  if printer.enter(.vxlan) {
    printer.fields.write("flag_bits", flags)
    printer.fields.write("vni", identifier)
  }
  printer.out.write("vni ")
  printer.out.write(decimal: identifier)
  printer.out.write("\n")
  try printer.printInnerEthernet(try bytes.dropping(headerLength))
}

@Sendable
private func printOTV(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("OTV, ")
  if bytes.length < headerLength {
    printer.writeComparison("length", bytes.length, .less, headerLength)
    throw .invalid
  }
  let flags = try bytes.u8(at: 0)
  writeFlags(flags, otherwise: ".", &printer)
  printer.out.write(", ")
  if printer.enter(.otv) { printer.fields.write("flag_bits", flags) }
  let overlay = try bytes.u24(at: 1)
  if printer.writesFields { printer.fields.write("overlay", overlay) }
  printer.out.write("overlay ")
  printer.out.write(decimal: overlay)
  printer.out.write(", ")
  let instance = try bytes.u24(at: 4)
  if printer.writesFields { printer.fields.write("instance", instance) }
  printer.out.write("instance ")
  printer.out.write(decimal: instance)
  printer.out.write("\n")
  try printer.printInnerEthernet(try bytes.dropping(headerLength))
}

/// The flags; `otherwise` stands where the identifier is not valid.
private func writeFlags(_ flags: UInt8, otherwise: StaticString, _ printer: inout Printer) {
  printer.out.write("flags [")
  printer.out.write(flags & validIdentifier != 0 ? "I" : otherwise)
  printer.out.write("] (0x")
  printer.out.write(hex: flags, width: 2)
  printer.out.write(")")
}
