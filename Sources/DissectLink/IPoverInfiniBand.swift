package import Dissect
import PacketCore

extension Layer {
  static let ipoib = Layer("ipoib", "IP over InfiniBand", "RFC 4391, LINKTYPE_IPOIB") {
    [Field("ethertype", .uint16, "EtherType of what follows.", always: true)]
  }
}

extension Dissector {
  package static let ipoib = Dissector(
    name: "ipoib", claims: [.linkType(.ipOverInfiniBand)], layers: [.ipoib], print: printIPoIB)
}

///     0                    40          42         44
///     +--------------------+-----------+----------+---------
///     | global route (GRH) | EtherType | reserved | payload
///     +--------------------+-----------+----------+---------
private let headerLength = 44

@Sendable
private func printIPoIB(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let type = try bytes.u16(at: 40)
  if printer.enter(.ipoib) { printer.fields.write("ethertype", type) }
  if printer.options.linkHeader {
    printer.out.write("IPOIB")
    writeType(type, bytes.length, &printer)
  }
  printer.context.linkHeaderLength = headerLength
  let payload = try bytes.dropping(headerLength)
  if try printer.printEtherType(type, payload) { return }
  if !printer.options.linkHeader { writeType(type, bytes.length, &printer) }
  printer.dumpUnknown(payload)
}

/// `, ethertype IPv4 (0x0800), length 72: `; with `-q` without the number.
private func writeType(_ type: UInt16, _ length: Int, _ printer: inout Printer) {
  printer.write(", ethertype ", type, as: .named(etherTypeNames, unknown: "Unknown"))
  if !printer.options.quiet {
    printer.write(" (0x", type, as: .hex(4))
    printer.out.write(")")
  }
  printer.write(", length ", length)
  printer.out.write(": ")
}
