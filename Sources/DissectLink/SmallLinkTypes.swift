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

  static let ipfc = Layer("ipfc", "IP over Fibre Channel", "RFC 4338, LINKTYPE_IP_OVER_FC") {
    [
      Field("source", .mac, "Address in the source's name.", always: true),
      Field("destination", .mac, "Address in the destination's name.", always: true),
    ]
  }

  static let ieee1394 = Layer(
    "ieee1394", "IP over IEEE 1394 as macOS captures it", "LINKTYPE_APPLE_IP_OVER_IEEE1394", marks: ["ap1394"]
  ) {
    [
      Field("source_eui64", .linkAddress, "Address of the sender.", always: true),
      Field("destination_eui64", .linkAddress, "Address of the receiver.", always: true),
      Field("ethertype", .uint16, "EtherType of what follows.", always: true),
    ]
  }

  static let symantec = Layer("symantec", "Packets of the Symantec Enterprise Firewall", "LINKTYPE_SYMANTEC_FIREWALL") {
    [Field("ethertype", .uint16, "EtherType of what follows.", always: true)]
  }

  static let netAnalyzer = Layer(
    "netanalyzer", "Ethernet with a pseudo-header of Hilscher's netANALYZER",
    "LINKTYPE_NETANALYZER, LINKTYPE_NETANALYZER_TRANSPARENT", marks: ["netanalyzer_transparent"]
  ) {
    [Field("pseudo_header", .hex, "The pseudo-header.", always: true)]
  }
}

extension Dissector {
  package static let enc = Dissector(name: "enc", claims: [.linkType(.enc)], layers: [.enc], print: printENC)
  package static let ipfc = Dissector(
    name: "ipfc", claims: [.linkType(.ipOverFibreChannel)], layers: [.ipfc], print: printIPFC)
  package static let ieee1394 = Dissector(
    name: "ap1394", claims: [.linkType(.appleIPOverIEEE1394)], layers: [.ieee1394], print: printIEEE1394)
  package static let symantec = Dissector(
    name: "symantec", claims: [.linkType(.symantecFirewall)], layers: [.symantec], print: printSymantec)
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
    // The preamble and the delimiter precede the frame.
    try printNetAnalyzer(bytes, headerLength: 12, &printer)
  }
  /// Classical IP over ATM on Linux: some drivers leave the header of LLC and SNAP in front of the packet.
  package static let classicalIP = Dissector(
    name: "cip", claims: [.linkType(.atmCLIP)], layers: [.llc], print: printClassicalIP)
  /// SLIP of BSD/OS, whose pseudo-header says nothing that is printed.
  package static let slipBSDOS = Dissector(
    name: "slip_bsdos", claims: [.linkType(.slipBSDOS)], layers: [.slip], print: printSLIPBSDOS)
}

// MARK: ENC

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
  // A family in the other byte order has its first byte set alone.
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

/// `(authentic,confidential): `. Flags that are neither leave the list open, as in tcpdump.
private func writeProtection(_ flags: UInt32, _ printer: inout Printer) {
  printer.out.write("(")
  if flags == 0 { return printer.out.write("unprotected): ") }
  if flags & ENC.authentic != 0 { printer.out.write(flags == ENC.authentic ? "authentic): " : "authentic,") }
  let rest = flags & ~ENC.authentic
  if rest & ENC.confidential != 0 { printer.out.write(rest == ENC.confidential ? "confidential): " : "confidential,") }
}

// MARK: IP over Fibre Channel

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

// MARK: IP over IEEE 1394

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

// MARK: Symantec Enterprise Firewall

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

/// The largest number that is no EtherType.
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

// MARK: Others

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

/// LLC and SNAP without an organisation, up to the EtherType.
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

@Sendable
private func printSLIPBSDOS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let headerLength = 16
  try bytes.check(0, headerLength &+ 1)
  printer.context.linkHeaderLength = headerLength
  let packet = try bytes.dropping(headerLength)
  switch try packet.u8(at: 0) >> 4 {
  case 4: try printer.run(.ipv4, packet)
  case 6: try printer.run(.ipv6, packet)
  case let version: printer.write("ip v", version)
  }
}
