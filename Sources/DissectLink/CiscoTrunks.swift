package import Dissect
import PacketCore

extension Layer {
  static let dtp = Layer("dtp", "Dynamic Trunking Protocol", "Cisco") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the TLV, its header included.", always: true),
            Field("domain_name", .text, "Management domain of VTP."),
            Field("number", .uint64, "Status, or type of the trunk, as bits."),
            Field("neighbor", .mac, "The sender's address."),
          ])), "TLVs, in order.", each: "One TLV."),
    ]
  }

  static let udld = Layer("udld", "Unidirectional Link Detection", "RFC 5171") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("opcode", .uint8, "Kind of message.", always: true),
      Field("opcode_name", .text, "Name of the kind."),
      Field("flag_bits", .uint8, "Flags, as bits: 1 recommended timeout, 2 resynchronize.", always: true),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the TLV, its header included.", always: true),
            Field("text", .text, "Device, port or name."),
            Field("seconds", .uint32, "Message or timeout interval in seconds."),
            Field("sequence", .uint32, "Sequence number."),
            Field("data", .hex, "Any other value."),
          ])), "TLVs, in order.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  package static let dtp = Dissector(
    name: "dtp", claims: [.snap(oui: 0x00000c, protocolID: 0x2004)], layers: [.dtp], print: printDTP)

  package static let udld = Dissector(
    name: "udld", claims: [.snap(oui: 0x00000c, protocolID: 0x0111)], layers: [.udld], print: printUDLD)
}

///     0      2        4
///     +------+--------+-------
///     | type | length | value     of both protocols; the length counts the header
///     +------+--------+-------
private let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, countsHeader: true)

/// Writes the title of a TLV.
private func writeTLV(_ tlv: borrowing OptionList.Entry, _ names: ValueNames, _ printer: inout Printer) {
  if printer.writesFields {
    printer.fields.write("type", tlv.type, "type_name", names)
    printer.fields.write("length", tlv.length)
  }
  printer.write("\n\t", tlv.type, as: .named(names, unknown: "Unknown"))
  printer.write(" (0x", tlv.type, as: .hex(4))
  printer.write(") TLV, length ", tlv.length)
}

// MARK: DTP

private let dtpNames: ValueNames = [1: "Domain", 2: "Status", 3: "DTP type", 4: "Neighbor"]

///     0         1
///     +---------+------
///     | version | TLVs
///     +---------+------
@Sendable
private func printDTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 1 {
    printer.out.write("DTP[zero packet length]")
    throw .invalid
  }
  printer.out.write("DTP")
  let version = try bytes.u8(at: 0)
  if printer.enter(.dtp) { printer.fields.write("version", version) }
  printer.write("v", version)
  printer.write(", length ", bytes.length)
  if printer.options.verbosity > 0 {
    try printDTPValues(bytes, &printer)
  } else if printer.writesFields {
    printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printDTPValues(bytes, &printer) }
  }
}

private func printDTPValues(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, at: 1, layout, objects: "tlvs")
  while list.remaining == 0 || list.remaining >= 4, let tlv = try printer.next(&list) {
    // The frame is padded with zeros.
    if tlv.type == 0 { return printer.stop(&list) }
    writeTLV(tlv, dtpNames, &printer)
    if tlv.isTooShort || tlv.isTooLong {
      printer.write("[TLV length ", tlv.length)
      printer.out.write("]")
      throw .invalid
    }
    let value = tlv.value
    switch tlv.type {
    case 1:
      if printer.writesFields {
        printer.fields.write("domain_name", text: value.clamped(to: (try? value.lengthToNUL()) ?? 0))
      }
      printer.out.write(", ")
      try printer.writeTextToNUL(value)
    case 2, 3:
      if value.length != 1 { throw .invalid }
      printer.write(", 0x", "number", try value.u8(at: 0), as: .hex(1))
    case 4:
      if value.length != 6 { throw .invalid }
      printer.write(", ", "neighbor", try value.mac(at: 0))
    default: break
    }
  }
  if list.remaining > 0 {
    printer.write("[", list.remaining)
    printer.out.write(" bytes remaining]")
    throw .invalid
  }
}

// MARK: UDLD

private let opcodes: ValueNames = [1: "Probe message", 2: "Echo message", 3: "Flush message"]
private let flagNames: FlagNames = [
  0x01: "RT", 0x02: "RSY", 0x04: "MBZ-2", 0x08: "MBZ-3", 0x10: "MBZ-4", 0x20: "MBZ-5", 0x40: "MBZ-6", 0x80: "MBZ-7",
]
private let udldNames: ValueNames = [
  1: "Device-ID TLV", 2: "Port-ID TLV", 3: "Echo TLV", 4: "Message Interval TLV", 5: "Timeout Interval TLV",
  6: "Device Name TLV", 7: "Sequence Number TLV",
]

///     0                          1       2          4
///     +--------------------------+-------+----------+------
///     | version (3), opcode (5)  | flags | checksum | TLVs      (RFC 5171 section 2)
///     +--------------------------+-------+----------+------
private let udldHeaderLength = 4

@Sendable
private func printUDLD(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < udldHeaderLength { throw .invalid }
  let first = try bytes.u8(at: 0)
  let flags = try bytes.u8(at: 1)
  let opcode = first & 0x1f
  if printer.enter(.udld) {
    printer.fields.write("version", first >> 5)
    printer.fields.write("opcode", opcode, "opcode_name", opcodes)
    printer.fields.write("flag_bits", flags)
  }
  printer.write("UDLDv", first >> 5)
  printer.write(", Code ", opcode, as: .named(opcodes, unknown: "Reserved"))
  printer.write(" (", opcode)
  printer.out.write("), Flags [")
  printer.write(flagNames, flags)
  printer.write("] (0x", flags, as: .hex(2))
  printer.write("), length ", bytes.length)
  if printer.options.verbosity > 0 {
    try printUDLDValues(bytes, &printer)
  } else if printer.writesFields {
    printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printUDLDValues(bytes, &printer) }
  }
}

private func printUDLDValues(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("\n\tChecksum 0x", "checksum", try bytes.u16(at: 2), as: .hex(4))
  printer.out.write(" (unverified)")
  var list = printer.openList(bytes, at: udldHeaderLength, layout, objects: "tlvs")
  while list.remaining == 0 || list.remaining >= 4, let tlv = try printer.next(&list) {
    writeTLV(tlv, udldNames, &printer)
    // A value must not be empty.
    if tlv.size <= 4 || tlv.isTooLong { throw .invalid }
    let value = tlv.value
    switch tlv.type {
    case 1, 2, 3, 6: try printer.write(", ", "text", text: value)
    case 4, 5:
      if value.length != 1 { throw .invalid }
      printer.write(", ", "seconds", try value.u8(at: 0))
      printer.out.write("s")
    case 7:
      if value.length != 4 { throw .invalid }
      printer.write(", ", "sequence", try value.u32(at: 0))
    default: if printer.writesFields { printer.fields.write("data", hex: value) }
    }
  }
  if list.remaining > 0 { throw .invalid }
}
