package import Dissect
import PacketCore

extension Dissector {
  /// Classical IP over ATM on Linux: some drivers leave an LLC and SNAP header before the packet.
  package static let classicalIP = Dissector(
    name: "cip", claims: [.linkType(.atmCLIP)], layers: [.llc], print: printClassicalIP)
}

/// LLC and SNAP with an organisation of zero, up to the EtherType.
private let llcSNAPHeader: UInt64 = 0xaaaa_0300_0000

@Sendable
private func printClassicalIP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.options.linkHeader {
    printer.write("", bytes.length)
    printer.out.write(": ")
  }
  guard try bytes.u48(at: 0) == llcSNAPHeader else { return try printer.run(.ipv4, bytes) }
  if let length = try printer.printLLC(bytes, source: nil, destination: nil) {
    printer.context.linkHeaderLength = length
  } else {
    printer.dumpUnknown(bytes)
  }
}
