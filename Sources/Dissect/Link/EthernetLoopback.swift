import PacketCore

extension Layer {
  static let ethernetLoopback = Layer(
    "ethernet_loopback", "Configuration Testing Protocol", "Ethernet 2.0 section 8", marks: ["loopback"]
  ) {
    [
      Field("skip_count", .uint16, "Skip count.", always: true),
      Field("function", .uint16, "1 reply, 2 forward data."),
      Field("receipt_number", .uint16, "Receipt number of a reply."),
      Field("forwarding_address", .mac, "Where to forward."),
      Field("data_length", .length, "Bytes that follow."),
    ]
  }
}

extension Dissector {
  /// The loopback protocol of Ethernet 2.0 (Configuration Testing Protocol), section 8.
  package static let ethernetLoopback = Dissector(
    name: "loopback", claims: [.etherType(EtherType.loopback)], layers: [.ethernetLoopback], print: printLoopback)
}

///     0            2           2 + skip count
///     +------------+-----------+----------+------------------------------
///     | skip count | (skipped) | function | address, or receipt number …
///     +------------+-----------+----------+------------------------------
/// All fields are little-endian.
@Sendable
private func printLoopback(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("Loopback")
  try printer.reject("length", bytes.length, .less, 2)
  let skipCount = Int(try bytes.u16le(at: 0))
  if printer.enter(.ethernetLoopback) { printer.fields.write("skip_count", skipCount) }
  printer.out.write(", skipCount ")
  printer.out.write(decimal: skipCount)
  if skipCount % 8 != 0 { printer.writeFault(" (bogus)") }
  try printer.reject("length", bytes.length - 2, .less, skipCount)
  let message = try bytes.dropping(2 + skipCount)
  try printer.reject("length", message.length, .less, 2)
  let function = try message.u16le(at: 0)
  if printer.writesFields { printer.fields.write("function", function) }
  switch function {
  case 1:
    printer.out.write(", Reply")
    try printer.reject("length", message.length - 2, .less, 2)
    let receipt = try message.u16le(at: 2)
    if printer.writesFields { printer.fields.write("receipt_number", receipt) }
    printer.out.write(", receipt number ")
    printer.out.write(decimal: receipt)
    try writeData(message, from: 4, &printer)
  case 2:
    printer.out.write(", Forward Data")
    try printer.reject("length", message.length - 2, .less, 6)
    let address = try message.mac(at: 2)
    if printer.writesFields { printer.fields.write("forwarding_address", address) }
    printer.out.write(", forwarding address ")
    printer.writeMAC(address)
    try writeData(message, from: 8, &printer)
  default:
    printer.writeFault(",  invalid (")
    printer.out.write(decimal: function)
    printer.out.write(")")
  }
}

private func writeData(_ message: PacketBytes, from offset: Int, _ printer: inout Printer) throws(DecodeError) {
  let data = try message.dropping(offset)
  if printer.writesFields { printer.fields.write("data_length", data.length) }
  printer.out.write(", data (")
  printer.out.write(decimal: data.length)
  printer.out.write(" octets)")
  try data.check(0, data.length)
}
