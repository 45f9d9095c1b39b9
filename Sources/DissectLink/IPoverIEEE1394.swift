package import Dissect
import PacketCore

extension Layer {
  static let ieee1394 = Layer(
    "ieee1394", "IP over IEEE 1394 as macOS captures it", "LINKTYPE_APPLE_IP_OVER_IEEE1394", marks: ["ap1394"]
  ) {
    [
      Field("source_eui64", .linkAddress, "Address of the sender.", always: true),
      Field("destination_eui64", .linkAddress, "Address of the receiver.", always: true),
      Field("ethertype", .uint16, "EtherType of what follows.", always: true),
    ]
  }
}

extension Dissector {
  package static let ieee1394 = Dissector(
    name: "ap1394", claims: [.linkType(.appleIPOverIEEE1394)], layers: [.ieee1394], print: printIEEE1394)
}

///     0             8        16
///     +-------------+--------+-----------+---------
///     | destination | source | EtherType | payload
///     +-------------+--------+-----------+---------
@Sendable
private func printIEEE1394(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 18
  try bytes.check(0, headerLength)
  let type = try bytes.u16(at: 16)
  if printer.enter(.ieee1394) {
    printer.recordLinkAddress("source_eui64", try bytes.slice(at: 8, length: 8))
    printer.recordLinkAddress("destination_eui64", try bytes.slice(at: 0, length: 8))
    printer.fields.write("ethertype", type)
  }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader { try writeIEEE1394Header(bytes, type, &printer) }
  let payload = try bytes.dropping(headerLength)
  if try printer.printEtherType(type, payload) { return }
  if !printer.options.linkHeader { try writeIEEE1394Header(bytes, type, &printer) }
  printer.dumpUnknown(payload)
}

private func writeIEEE1394Header(
  _ bytes: PacketBytes, _ type: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  try printer.writeLinkAddress(try bytes.slice(at: 8, length: 8))
  printer.out.write(" > ")
  try printer.writeLinkAddress(try bytes.slice(at: 0, length: 8))
  printer.out.write(", ")
  printer.writeEtherType(type)
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}
