package import Dissect
import PacketCore

extension Layer {
  static let ipcomp = Layer("ipcomp", "IP Payload Compression Protocol", "RFC 3173") {
    [
      Field("next_header", .uint8, "Protocol of what is compressed.", always: true),
      Field("cpi", .uint16, "Compression parameter index.", always: true),
    ]
  }
}

extension Dissector {
  package static let ipcomp = Dissector(
    name: "ipcomp", claims: [.ipProtocol(108)], layers: [.ipcomp], print: printIPComp)
}

///     0             1       2
///     +-------------+-------+-----+---------
///     | next header | flags | CPI | compressed data      (RFC 3173 section 3.3)
///     +-------------+-------+-----+---------
@Sendable
private func printIPComp(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let index = try bytes.u16(at: 2)
  if printer.enter(.ipcomp) {
    printer.fields.write("next_header", try bytes.u8(at: 0))
    printer.fields.write("cpi", index)
  }
  printer.write("IPComp(cpi=0x", index, as: .hex(4))
  printer.out.write(")")
}
