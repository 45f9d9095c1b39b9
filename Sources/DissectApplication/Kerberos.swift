package import Dissect
import PacketCore

extension Layer {
  static let kerberos = Layer("kerberos", "Kerberos", "RFC 4120") {
    [Field("version", .uint8, "Version, where it is seen.")]
  }
}

extension Dissector {
  package static let kerberos = Dissector(
    name: "kerberos", claims: [.udpPort(88)], layers: [.kerberos], print: printKerberos)
}

/// Application tags 10 and 11 of ASN.1: the answers of an authentication service.
private let answerTags: ClosedRange<UInt8> = 0x6a...0x6b

/// The version that the first byte tells.
@Sendable
private func printKerberos(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  _ = printer.enter(.kerberos)
  let first = try bytes.u8(at: 0)
  printer.out.write("kerberos")
  if answerTags.contains(first) {
    printer.write(" v", "version", 5 as UInt8)
  } else if (1...4).contains(first) {
    printer.write(" v", "version", first)
  }
}
