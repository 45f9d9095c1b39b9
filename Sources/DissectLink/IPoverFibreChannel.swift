package import Dissect
import PacketCore

extension Layer {
  static let ipfc = Layer("ipfc", "IP over Fibre Channel", "RFC 4338, LINKTYPE_IP_OVER_FC") {
    [
      Field("source", .mac, "Address in the source's name.", always: true),
      Field("destination", .mac, "Address in the destination's name.", always: true),
    ]
  }
}

extension Dissector {
  package static let ipfc = Dissector(
    name: "ipfc", claims: [.linkType(.ipOverFibreChannel)], layers: [.ipfc], print: printIPFC)
}

///     0    2             8    10
///     +----+-------------+----+--------+------
///     |    | destination |    | source | LLC        each address after the two bytes that say of what kind its name is
///     +----+-------------+----+--------+------
@Sendable
private func printIPFC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 16
  try bytes.check(0, headerLength)
  let destination = try bytes.mac(at: 2)
  let source = try bytes.mac(at: 10)
  if printer.enter(.ipfc) {
    printer.fields.write("source", source)
    printer.fields.write("destination", destination)
  }
  if printer.options.linkHeader {
    printer.writeMAC(source)
    printer.out.write(" > ")
    printer.writeMAC(destination)
    printer.write(", length ", bytes.length)
    printer.out.write(": ")
  }
  let payload = try bytes.dropping(headerLength)
  printer.context.linkHeaderLength = headerLength
  if let length = try printer.printLLC(payload, source: source, destination: destination) {
    printer.context.linkHeaderLength = headerLength &+ length
  } else {
    printer.dumpUnknown(payload)
  }
}
