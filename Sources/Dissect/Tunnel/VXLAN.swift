import PacketCore

extension Layer {
  static let vxlan = Layer(
    "vxlan", "Virtual eXtensible Local Area Network", "RFC 7348 section 5"
  ) {
    [
      Field("flag_bits", .uint8, "Flags, as bits; 8 says that the identifier is valid.", always: true),
      Field("vni", .uint24, "Network identifier, where it is valid."),
    ]
  }
}

extension Dissector {
  /// Virtual eXtensible Local Area Network, RFC 7348 section 5; 8472 is the default port of Linux.
  package static let vxlan = Dissector(
    name: "vxlan", claims: [.udpPort(4789), .udpPort(8472), .payloadType(.vxlan)], layers: [.vxlan], print: printVXLAN)
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
  let isValid = flags & validIdentifier != 0
  printer.out.write(", flags [")
  printer.out.write(isValid ? "I" : "invalid")
  printer.out.write("] (0x")
  printer.out.write(hex: flags, width: 2)
  printer.out.write("), ")
  let identifier = try bytes.u24(at: 4)
  if printer.enter(.vxlan) {
    printer.fields.write("flag_bits", flags)
    if isValid { printer.fields.write("vni", identifier) }
  }
  if isValid {
    printer.out.write("vni ")
    printer.out.write(decimal: identifier)
  } else {
    printer.writeFault("ERROR: I flag not set")
  }
  printer.out.write("\n")
  try printer.printInnerEthernet(try bytes.dropping(headerLength))
}
