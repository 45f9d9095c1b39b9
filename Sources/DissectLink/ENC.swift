package import Dissect
import PacketCore

extension Layer {
  static let enc = Layer("enc", "Packets of IPsec, decrypted", "enc(4) of OpenBSD, LINKTYPE_ENC") {
    [
      Field("family", .uint32, "Address family of the capturing system.", always: true),
      Field("spi", .uint32, "Security parameter index.", always: true),
      Field("flag_bits", .uint32, "Flags, as bits: 2048 authentic, 1024 confidential.", always: true),
    ]
  }
}

extension Dissector {
  package static let enc = Dissector(name: "enc", claims: [.linkType(.enc)], layers: [.enc], print: printENC)
}

private enum ENC {
  static let headerLength = 12
  static let authentic: UInt32 = 0x800
  static let confidential: UInt32 = 0x400
}

///     0        4     8
///     +--------+-----+-------+--------
///     | family | SPI | flags | packet       family and flags in the byte order of the capturing machine
///     +--------+-----+-------+--------
@Sendable
private func printENC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, ENC.headerLength)
  let first = try bytes.u32(at: 0)
  // A family in the other byte order has only its first byte set.
  let isSwapped = first & 0xff00_0000 != 0 && first & 0x00ff_ffff == 0
  let family = isSwapped ? first.byteSwapped : first
  let flags = isSwapped ? try bytes.u32le(at: 8) : try bytes.u32(at: 8)
  let spi = try bytes.u32(at: 4)
  if printer.enter(.enc) {
    printer.fields.write("family", family)
    printer.fields.write("spi", spi)
    printer.fields.write("flag_bits", flags)
  }
  printer.context.linkHeaderLength = ENC.headerLength
  writeProtection(flags, &printer)
  printer.write("SPI 0x", spi, as: .hex(8))
  printer.out.write(": ")
  let packet = try bytes.dropping(ENC.headerLength)
  switch family {
  case 2: try printer.run(.ipv4, packet)
  case 24, 28, 30: try printer.run(.ipv6, packet)
  default: break
  }
}

/// `(authentic,confidential): `. With any other flag the list stays open, as in tcpdump.
private func writeProtection(_ flags: UInt32, _ printer: inout Printer) {
  printer.out.write("(")
  if flags == 0 { return printer.out.write("unprotected): ") }
  if flags & ENC.authentic != 0 { printer.out.write(flags == ENC.authentic ? "authentic): " : "authentic,") }
  let rest = flags & ~ENC.authentic
  if rest & ENC.confidential != 0 { printer.out.write(rest == ENC.confidential ? "confidential): " : "confidential,") }
}
