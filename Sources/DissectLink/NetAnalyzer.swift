package import Dissect
import PacketCore

extension Layer {
  static let netAnalyzer = Layer(
    "netanalyzer", "Ethernet with a pseudo-header of Hilscher's netANALYZER",
    "LINKTYPE_NETANALYZER, LINKTYPE_NETANALYZER_TRANSPARENT", marks: ["netanalyzer_transparent"]
  ) {
    [Field("pseudo_header", .hex, "The pseudo-header.", always: true)]
  }
}

extension Dissector {
  package static let netAnalyzer = Dissector(
    name: "netanalyzer", claims: [.linkType(.netAnalyzer)], layers: [.netAnalyzer]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printNetAnalyzer(bytes, headerLength: 4, &printer)
  }
  package static let netAnalyzerTransparent = Dissector(
    name: "netanalyzer_transparent", claims: [.linkType(.netAnalyzerTransparent)], layers: [.netAnalyzer]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    // The preamble and the start delimiter precede the frame.
    try printNetAnalyzer(bytes, headerLength: 12, &printer)
  }
}

private func printNetAnalyzer(
  _ bytes: PacketBytes, headerLength: Int, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, headerLength)
  if printer.enter(.netAnalyzer) {
    printer.fields.write("pseudo_header", hex: try bytes.slice(at: 0, length: 4))
  }
  printer.protocolName = "ether"
  printer.context.linkHeaderLength = headerLength &+ (try printer.printEthernet(try bytes.dropping(headerLength)))
}
