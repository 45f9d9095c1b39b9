package import Dissect
import PacketCore

extension Layer {
  static let nsh = Layer("nsh", "Network Service Header", "RFC 8300") {
    [
      Field("version", .uint8, "Version, 0.", always: true),
      Field("oam", .flag, "The packet is one of operations, administration and maintenance."),
      Field("ttl", .uint16, "Service functions that the packet may still pass."),
      Field("length", .uint16, "Words of four bytes of the header."),
      Field("metadata_type", .uint8, "1 with four words, 2 with TLVs."),
      Field("next_protocol", .uint8, "Protocol of what follows."),
      Field("next_protocol_name", .text, "Its name."),
      Field("service_path_id", .uint24, "Service path."),
      Field("service_index", .uint8, "Place in the path."),
      Field("context", .array(.uint32), "Words of metadata of type 1."),
      Field(
        "metadata",
        .array(
          .object([
            Field("class", .uint16, "Class, which numbers the types.", always: true),
            Field("type", .uint8, "Type.", always: true),
            Field("data", .hex, "Value."),
          ])), "Metadata of type 2.", each: "One TLV."),
    ]
  }

  static let vxlanGPE = Layer(
    "vxlan_gpe", "VXLAN with generic protocol extension", "draft-ietf-nvo3-vxlan-gpe"
  ) {
    [
      Field("flag_bits", .uint8, "Flags, as bits; 8 says that the identifier is valid.", always: true),
      Field("next_protocol", .uint8, "Protocol of what follows."),
      Field("vni", .uint24, "Network identifier, where it is valid."),
    ]
  }
}

extension Dissector {
  package static let nsh = Dissector(
    name: "nsh", claims: [.etherType(0x894f), Claim(.greProtocol, UInt16(0x894f))], layers: [.nsh], print: printNSH)

  package static let vxlanGPE = Dissector(
    name: "vxlan_gpe", claims: [.udpPort(4790)], layers: [.vxlanGPE], print: printVXLANGPE)
}

/// Numbers for the next protocol, the same in both headers.
private enum NextProtocol {
  static let ipv4: UInt8 = 1
  static let ipv6: UInt8 = 2
  static let ethernet: UInt8 = 3
  static let nsh: UInt8 = 4
  static let names: ValueNames = [
    1: "IPv4", 2: "IPv6", 3: "Ethernet", 4: "NSH", 5: "MPLS", 0xfe: "Experiment 1", 0xff: "Experiment 2",
  ]
}

private enum Metadata {
  static let fixed: UInt8 = 1
  static let variable: UInt8 = 2
  static let names: ValueNames = [0: "reserved", 1: "1", 2: "2", 15: "experimental"]
}

///     0                                        1       2         3               4            7
///     +----------------------------------------+-------+---------+---------------+------------+-------+----------
///     | version (2), O, U, TTL (6), length (6) | (2)   | MD type | next protocol | service path | index | metadata
///     +----------------------------------------+-------+---------+---------------+------------+-------+----------
/// The length counts words of four bytes, including the first two (RFC 8300 section 2.2).
private let headerLength = 8

@Sendable
private func printNSH(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength {
    printer.write(" (packet length ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  let verbosity = printer.options.verbosity
  let base = try bytes.u16(at: 0)
  let version = base >> 14
  printer.out.write("NSH, ")
  if printer.enter(.nsh) { printer.fields.write("version", version) }
  if verbosity > 1 {
    printer.write("ver ", version)
    printer.out.write(", ")
  }
  guard version == 0 else { return }
  let isOAM = base & 0x2000 != 0
  printer.out.write(isOAM ? "flags [O], " : "flags [none], ")
  let (timeToLive, words) = (base >> 6 & 0x3f, base & 0x3f)
  let metadataType = try bytes.u8(at: 2) & 15
  let next = try bytes.u8(at: 3)
  if printer.writesFields {
    printer.fields.write("oam", isOAM)
    printer.fields.write("ttl", timeToLive)
    printer.fields.write("length", words)
    printer.fields.write("metadata_type", metadataType)
    printer.fields.write("next_protocol", next, "next_protocol_name", NextProtocol.names)
  }
  if verbosity > 2 {
    printer.write("TTL ", timeToLive)
    printer.write(", length ", words)
    printer.write(
      ", md type ", metadataType, as: .named(Metadata.names, unknown: .hex("unknown (0x", digits: 2, ")")))
    printer.out.write(", ")
  }
  if verbosity > 1 {
    printer.write(
      "next-protocol ", next, as: .named(NextProtocol.names, unknown: .hex("unknown (0x", digits: 2, ")")))
    printer.out.write(", ")
  }
  let length = 4 &* Int(words)
  if bytes.length < length {
    printer.write(" (too many headers for packet length ", bytes.length)
    printer.out.write(")")
    throw .invalid
  }
  printer.write("service-path-id 0x", "service_path_id", try bytes.u24(at: 4), as: .hex(6))
  printer.write(", service-index 0x", "service_index", try bytes.u8(at: 7), as: .hex(1))
  if length < headerLength {
    printer.out.write(" (less than two headers)")
    throw .invalid
  }
  // The metadata is only checked if it is shown.
  if verbosity > 2 || printer.writesFields {
    let metadata = try bytes.slice(at: headerLength, length: length &- headerLength)
    if verbosity > 2 {
      try printMetadata(metadata, metadataType, &printer)
    } else {
      printer.recordOnly(metadata) { (metadata, printer) throws(DecodeError) in
        try printMetadata(metadata, metadataType, &printer)
      }
    }
  }
  printer.out.write(verbosity > 0 ? "\n    " : ": ")
  if try printNext(next, try bytes.dropping(length), hasNSH: false, &printer) { return }
  printer.writeFault("ERROR: unknown-next-protocol")
}

/// Metadata of type 1 is four words, of type 2 a list of TLVs.
private func printMetadata(_ bytes: PacketBytes, _ type: UInt8, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case Metadata.fixed:
    if bytes.length != 16 {
      printer.out.write(" (invalid length for the MD type)")
      throw .invalid
    }
    var list = printer.openList(bytes, .elements(of: 4), array: "context")
    var number = 0
    while let word = try printer.next(&list) {
      printer.out.write("\n        Context[")
      printer.out.write(decimal: number, width: 2)
      printer.writeElement("]: 0x", try word.bytes.u32(at: 0), as: .hex(8))
      number &+= 1
    }
  case Metadata.variable: try printTLVs(bytes, &printer)
  default: break
  }
}

///     0       2      3        4
///     +-------+------+--------+-------+---------
///     | class | type | length | value | padding      (RFC 8300 section 2.5.1)
///     +-------+------+--------+-------+---------
private let tlvLayout = OptionLayout(
  type: .bytes(at: 0, 3), length: .bytes(at: 3, 1, mask: 0x7f), headerLength: 4, alignment: 4)

private func printTLVs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, tlvLayout, objects: "metadata")
  while let tlv = try printer.next(&list) {
    printer.write("\n        TLV Class ", "class", UInt16(truncatingIfNeeded: tlv.type >> 8))
    printer.write(", Type ", "type", UInt8(truncatingIfNeeded: tlv.type))
    printer.write(", Len ", tlv.length)
    if tlv.isTooLong {
      printer.out.write(" (length too big)")
      throw .invalid
    }
    guard tlv.length > 0 else { continue }
    let value = try tlv.wholeValue()
    if printer.writesFields { printer.fields.write("data", hex: value) }
    printer.out.write("\n            Value: 0x")
    for index in 0..<value.length {
      if index > 0 { printer.out.write(":") }
      printer.out.write(hex: try value.u8(at: index), width: 2)
    }
  }
}

/// Prints the payload of a header; false if no dissector prints it.
private func printNext(
  _ next: UInt8, _ payload: PacketBytes, hasNSH: Bool, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  switch next {
  case NextProtocol.ipv4: try printer.run(.ipv4, payload)
  case NextProtocol.ipv6: try printer.run(.ipv6, payload)
  case NextProtocol.ethernet: try printer.run(.ethernet, payload)
  case NextProtocol.nsh where hasNSH: try printer.run(.nsh, payload)
  default: return false
  }
  return true
}

private let vxlanFlags: FlagNames = [0x08: "I", 0x04: "P", 0x02: "B", 0x01: "O"]

///     0       1          3               4     7
///     +-------+----------+---------------+-----+----------+---------
///     | flags | reserved | next protocol | VNI | reserved | payload
///     +-------+----------+---------------+-----+----------+---------
@Sendable
private func printVXLANGPE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("VXLAN-GPE, ")
  if bytes.length < headerLength {
    printer.write(" (len ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  let flags = try bytes.u8(at: 0)
  printer.out.write("flags [")
  printer.write(vxlanFlags, flags, separator: "")
  printer.out.write("], ")
  let next = try bytes.u8(at: 3)
  let identifier = try bytes.u24(at: 4)
  if printer.enter(.vxlanGPE) {
    printer.fields.write("flag_bits", flags)
    if flags & 4 != 0 { printer.fields.write("next_protocol", next) }
    if flags & 8 != 0 { printer.fields.write("vni", identifier) }
  }
  try bytes.check(0, headerLength)
  if flags & 8 != 0 {
    printer.write("vni ", identifier)
  } else {
    printer.writeFault("ERROR: I flag not set")
  }
  // If the flag for the next protocol is not set, the payload is Ethernet, as in VXLAN.
  let payloadProtocol = flags & 4 != 0 ? next : NextProtocol.ethernet
  let payload = try bytes.dropping(headerLength)
  if flags & 2 != 0 { printer.out.write(", BUM") }
  if flags & 1 != 0 {
    printer.write(", OAM (proto 0x", payloadProtocol, as: .hex(1))
    printer.write(", len ", payload.length)
    printer.out.write(")")
    return
  }
  printer.out.write(printer.options.verbosity > 0 ? "\n    " : ": ")
  if try printNext(payloadProtocol, payload, hasNSH: true, &printer) { return }
  printer.out.write("ERROR: unknown-next-protocol")
  throw .invalid
}
