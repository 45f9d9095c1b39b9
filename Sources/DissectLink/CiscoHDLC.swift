package import Dissect
import PacketCore

extension Layer {
  static let chdlc = Layer("chdlc", "Cisco HDLC", "LINKTYPE_C_HDLC") {
    [
      Field("address_field", .uint8, "0x0f unicast, 0x8f broadcast.", always: true),
      Field("protocol", .uint16, "EtherType of what follows.", always: true),
    ]
  }

  static let slarp = Layer("slarp", "Serial Line Address Resolution Protocol", "Cisco HDLC", marks: ["chdlc_slarp"]) {
    [
      Field("code", .uint32, "0 request, 1 reply, 2 keepalive."),
      Field("address", .ipv4, "Address in a reply."),
      Field("netmask", .ipv4, "Network mask in a reply."),
      Field("my_sequence", .uint32, "Sequence number of a keepalive."),
      Field("your_sequence", .uint32, "Sequence number that was received last."),
      Field("reliability", .uint16, "Reliability, 0xffff."),
      Field("uptime", .uint32, "Milliseconds since the link came up."),
    ]
  }
}

extension NumberSpace {
  /// Protocols of Cisco HDLC that are not EtherTypes, or have another meaning as EtherTypes.
  static let chdlcProtocol = NumberSpace("Cisco HDLC protocol", hexadecimal: true)
}

extension Dissector {
  package static let chdlc = Dissector(
    name: "chdlc", claims: [.linkType(.ciscoHDLC)], layers: [.chdlc], print: printCiscoHDLC)

  package static let slarp = Dissector(
    name: "chdlc_slarp", claims: [Claim(.chdlcProtocol, UInt16(0x8035))], layers: [.slarp], print: printSLARP)
}

///     0         1         2          4
///     +---------+---------+----------+---------
///     | address | control | protocol | payload
///     +---------+---------+----------+---------
private let headerLength = 4

private let addresses: ValueNames = [0x0f: "unicast", 0x8f: "bcast"]

private enum HDLCProtocol {
  static let ipv4: UInt16 = 0x0800
  static let ipv6: UInt16 = 0x86dd
  static let mpls: UInt16 = 0x8847
  static let mplsMulticast: UInt16 = 0x8848
  static let osi: UInt16 = 0xfefe
}

@Sendable
private func printCiscoHDLC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let number = try bytes.u16(at: 2)
  let address = try bytes.u8(at: 0)
  if printer.enter(.chdlc) {
    printer.fields.write("address_field", address)
    printer.fields.write("protocol", number)
  }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader {
    printer.write("", address, as: .named(addresses, unknown: .hex("0x", digits: 2)))
    printer.write(", ethertype ", number, as: .named(etherTypeNames, unknown: "Unknown"))
    printer.write(" (0x", number, as: .hex(4))
    printer.write("), length ", bytes.length)
    printer.out.write(": ")
  }
  let payload = try bytes.dropping(headerLength)
  switch number {
  case HDLCProtocol.ipv4: try printer.run(.ipv4, payload)
  case HDLCProtocol.ipv6: try printer.run(.ipv6, payload)
  case HDLCProtocol.mpls, HDLCProtocol.mplsMulticast: _ = try printer.printEtherType(number, payload)
  case HDLCProtocol.osi:
    // Some senders write a byte before the network layer protocol identifier.
    try printer.reject("length", payload.length, .less, 2)
    let second = try payload.u8(at: 1)
    let osi = (0x81...0x83).contains(second) ? try payload.dropping(1) : payload
    let index = printer.registry.index(sap: 0xfe)
    if index != 0 { try printer.run(index, osi) } else { writeUnknown(number, osi, &printer) }
  default:
    let index = printer.registry.index(.chdlcProtocol, number)
    if index != 0 { try printer.run(index, payload) } else { writeUnknown(number, payload, &printer) }
  }
}

private func writeUnknown(_ number: UInt16, _ payload: PacketBytes, _ printer: inout Printer) {
  printer.noteUndecoded(.chdlcProtocol, number, payload)
  guard !printer.options.linkHeader else { return }
  printer.write("unknown CHDLC protocol (0x", number, as: .hex(4))
  printer.out.write(")")
}

///     0      4                        8                           12            14       18
///     +------+------------------------+---------------------------+-------------+--------+
///     | code | sequence (or address)  | other's sequence, or mask | reliability | uptime |
///     +------+------------------------+---------------------------+-------------+--------+
private enum SLARP {
  static let minimumLength = 14
  static let length = 18
  static let request: UInt32 = 0
  static let reply: UInt32 = 1
  static let keepAlive: UInt32 = 2
}

@Sendable
private func printSLARP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("SLARP")
  _ = printer.enter(.slarp)
  try printer.reject("length", bytes.length, .less, SLARP.minimumLength)
  printer.write(" (length: ", bytes.length)
  printer.out.write("), ")
  let code = try bytes.u32(at: 0)
  if printer.writesFields { printer.fields.write("code", code) }
  // The part of the message that was not shown.
  var rest = try bytes.dropping(4)
  switch code {
  case SLARP.request: printer.out.write("request")
  case SLARP.reply:
    printer.write("reply ", "address", try bytes.ipv4(at: 4))
    printer.write("/", "netmask", try bytes.ipv4(at: 8))
  case SLARP.keepAlive:
    try bytes.check(4, 10)
    let sequence = try bytes.u32(at: 4)
    printer.write("keepalive: mineseen=0x", "my_sequence", sequence, as: .hex(8))
    printer.write(", yourseen=0x", "your_sequence", try bytes.u32(at: 8), as: .hex(8))
    printer.write(", reliability=0x", "reliability", try bytes.u16(at: 12), as: .hex(4))
    if bytes.length >= SLARP.length {
      let uptime = try bytes.u32(at: 14)
      if printer.writesFields { printer.fields.write("uptime", uptime) }
      let seconds = uptime / 1000
      printer.write(", link uptime=", seconds / 86400)
      printer.write("d", seconds / 3600 % 24)
      printer.write("h", seconds / 60 % 60)
      printer.write("m", seconds % 60)
      printer.out.write("s")
      rest = bytes.clamped(to: 0)
    }
  default:
    printer.write("0x", code, as: .hex(2))
    printer.out.write(" unknown")
    if printer.options.verbosity < 2 { printer.writeHex(rest) }
  }
  if printer.options.verbosity > 1 { printer.writeHex(rest) }
}
