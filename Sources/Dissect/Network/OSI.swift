import PacketCore

extension Layer {
  static let osi = Layer(
    "osi", "Network layer protocol identifier of OSI", "ISO/IEC TR 9577", marks: ["isoclns"]
  ) {
    [
      Field("nlpid", .uint8, "Network layer protocol identifier.", always: true),
      Field("nlpid_name", .text, "Meaning of the identifier."),
    ]
  }
}

extension NumberSpace {
  /// Network layer protocol identifiers (NLPID, ISO/IEC TR 9577): the first byte of the header that they identify.
  package static let nlpid = NumberSpace("NLPID", hexadecimal: true)
}

extension Dissector {
  /// Protocols that begin with a network layer protocol identifier.
  package static let osi = Dissector(
    name: "isoclns",
    claims: [
      .sap(ServiceAccessPoint.osi), Claim(.greProtocol, 0x00fe as UInt16), Claim(.pppProtocol, 0x0023 as UInt16),
    ],
    layers: [.osi], print: printOSI)

  /// The same after Cisco's EtherType, whose payload begins with the control field of an LLC header.
  package static let osiBehindControl = Dissector(name: "isoclns", claims: [.etherType(0xfefe)], layers: [.osi]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printOSI(try bytes.dropping(1), &printer)
  }
}

/// Network layer protocol identifiers.
package enum NLPID {
  package static let null: UInt8 = 0x00
  package static let q933: UInt8 = 0x08
  package static let snap: UInt8 = 0x80
  package static let clnp: UInt8 = 0x81
  package static let esis: UInt8 = 0x82
  package static let isis: UInt8 = 0x83
  package static let ipv6: UInt8 = 0x8e
  package static let ipv4: UInt8 = 0xcc
  package static let ppp: UInt8 = 0xcf

  package static let names: ValueNames = [
    0x00: "NULL", 0x08: "Q.933", 0x09: "LMI", 0x80: "SNAP", 0x81: "CLNP", 0x82: "ES-IS", 0x83: "IS-IS", 0x84: "CONS",
    0x85: "IDRP", 0x8a: "X25 ES-IS", 0x8e: "IPv6", 0xb1: "FRF.15", 0xc1: "ISIS_SPB", 0xcc: "IPv4", 0xcf: "PPP",
  ]
}

/// The identifier is part of the header that it identifies, except for Q.933, IP and PPP: their header follows it.
@Sendable
private func printOSI(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let identifier = try bytes.u8(at: 0)
  if printer.enter(.osi) { printer.fields.write("nlpid", identifier, "nlpid_name", NLPID.names) }
  if printer.options.linkHeader {
    printer.write("OSI NLPID ", identifier, as: .named(NLPID.names, unknown: "Unknown"))
    printer.write(" (0x", identifier, as: .hex(2))
    printer.out.write("): ")
  }
  let index = printer.registry.index(.nlpid, identifier)
  switch identifier {
  case NLPID.clnp...NLPID.isis where index != 0: try printer.run(index, bytes)
  case NLPID.q933 where index != 0: try printer.run(index, try bytes.dropping(1))
  case NLPID.ipv4: try printer.run(.ipv4, try bytes.dropping(1))
  case NLPID.ipv6: try printer.run(.ipv6, try bytes.dropping(1))
  case NLPID.ppp: try printer.run(.ppp, try bytes.dropping(1))
  case NLPID.null: printer.write(printer.options.linkHeader ? "length: " : ", length: ", bytes.length)
  default:
    printer.noteUndecoded(.nlpid, identifier, bytes)
    if !printer.options.linkHeader {
      printer.write("OSI NLPID 0x", identifier, as: .hex(2))
      printer.out.write(" unknown, ")
    }
    printer.write("length: ", bytes.length)
    if bytes.length > 1 { printer.writeHex(bytes) }
  }
}
