package import Dissect
import PacketCore

extension Layer {
  static let symantec = Layer("symantec", "Packets of the Symantec Enterprise Firewall", "LINKTYPE_SYMANTEC_FIREWALL") {
    [Field("ethertype", .uint16, "EtherType of what follows.", always: true)]
  }
}

extension Dissector {
  package static let symantec = Dissector(
    name: "symantec", claims: [.linkType(.symantecFirewall)], layers: [.symantec], print: printSymantec)
}

///     0         6           8        44
///     +---------+-----------+--------+---------
///     | unknown | EtherType | unknown| payload
///     +---------+-----------+--------+---------
@Sendable
private func printSymantec(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 44
  try bytes.check(0, headerLength)
  let type = try bytes.u16(at: 6)
  if printer.enter(.symantec) { printer.fields.write("ethertype", type) }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader { writeSymantecHeader(type, bytes.length, &printer) }
  let payload = try bytes.dropping(headerLength)
  if type > maximumLengthField, try printer.printEtherType(type, payload) { return }
  if !printer.options.linkHeader { writeSymantecHeader(type, bytes.length, &printer) }
  printer.dumpUnknown(payload)
}

/// The largest number that is not an EtherType.
private let maximumLengthField: UInt16 = 1500

private func writeSymantecHeader(_ type: UInt16, _ length: Int, _ printer: inout Printer) {
  if type <= maximumLengthField {
    printer.write("invalid ethertype ", type)
  } else {
    printer.writeEtherType(type)
  }
  printer.write(", length ", length)
  printer.out.write(": ")
}
