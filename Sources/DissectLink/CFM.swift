package import Dissect
import PacketCore

extension Layer {
  static let cfm = Layer("cfm", "Connectivity Fault Management", "IEEE 802.1ag, IEEE 802.1Q section 21") {
    [
      Field("md_level", .uint8, "Level of the maintenance domain, 0 to 7.", always: true),
      Field("version", .uint8, "Version; of others than 0 nothing more is read.", always: true),
      Field("opcode", .uint8, "Kind of message.", always: true),
      Field("opcode_name", .text, "Name of the kind of message."),
      Field("flag_bits", .uint8, "Flags of the message, as bits.", always: true),
      Field("first_tlv_offset", .uint8, "Bytes between the common header and the first TLV.", always: true),
      Field("interval_code", .uint8, "Code of the time between continuity checks: 1 is 3.33 ms, 7 is 10 minutes."),
      Field("remote_defect", .flag, "The sender of a continuity check does not receive from all others."),
      Field("sequence", .uint32, "Sequence number of a continuity check."),
      Field("endpoint_id", .uint16, "Maintenance association end point that sent a continuity check."),
      Field("md_name_format", .uint8, "Format of the maintenance domain's name."),
      Field("md_name", .text, "Name of the maintenance domain, where it is text."),
      Field("md_name_data", .hex, "Name of the maintenance domain, where it is no text."),
      Field("ma_name_format", .uint8, "Format of the maintenance association's name."),
      Field("ma_name", .text, "Name of the maintenance association, where it is text."),
      Field("ma_name_data", .hex, "Name of the maintenance association, where it is no text."),
      Field("transaction_id", .uint32, "Number by which a linktrace reply belongs to its message."),
      Field("ttl", .uint8, "Hops that a linktrace message may still make, or that the reply states."),
      Field("original_mac", .mac, "Address of the end point that began the linktrace."),
      Field("target_mac", .mac, "Address that the linktrace looks for."),
      Field("relay_action", .uint8, "How the replying bridge found the target."),
      Field("relay_action_name", .text, "Name of the relay action."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint8, "TLV type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the value."),
            Field("status", .uint8, "Status of a port or of an interface."),
            Field("status_name", .text, "Name of the status."),
            Field("chassis_subtype", .uint8, "Subtype of the sender's chassis identifier."),
            Field("address", .text, "Chassis identifier that is an address."),
            Field("identifier", .text, "Chassis identifier that is text."),
            Field("management_domain", .hex, "Object identifier of the management address's transport domain."),
            Field("management_address", .hex, "Management address, as the transport domain writes it."),
            Field("oui", .uint24, "Organisation."),
            Field("subtype", .uint8, "Subtype of an organisation's TLV."),
            Field("data", .hex, "Value of a TLV that has no members of its own."),
          ])), "TLVs, in order.", each: "One TLV; its members depend on its type."),
    ]
  }
}

extension Dissector {
  /// Connectivity Fault Management, IEEE 802.1ag; the second EtherType predates the standard.
  package static let cfm = Dissector(
    name: "cfm", claims: [.etherType(0x8902), .etherType(0xabcd)], layers: [.cfm], print: printCFM)
}

/// Kinds of messages (IEEE 802.1Q table 21-4).
private enum Opcode {
  static let continuityCheck: UInt8 = 1
  static let linktraceReply: UInt8 = 4
  static let linktraceMessage: UInt8 = 5
  static let names: ValueNames = [
    1: "Continuity Check Message", 2: "Loopback Reply", 3: "Loopback Message", 4: "Linktrace Reply",
    5: "Linktrace Message",
  ]
}

private let headerLength = 4

///     0                        1        2       3
///     +---------------+--------+--------+-------+------------------+------------------------+------
///     | MD level (3)  | version| opcode | flags | first TLV offset | fields of the opcode   | TLVs
///     +---------------+--------+--------+-------+------------------+------------------------+------
/// The offset of the first TLV counts from byte 4.
@Sendable
private func printCFM(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.length >= headerLength else { return printer.writeFault("\n\t\t packet is too short") }
  let first = try bytes.u8(at: 0)
  let version = first & 0x1f
  let opcode = try bytes.u8(at: 1)
  let flags = try bytes.u8(at: 2)
  let offset = Int(try bytes.u8(at: 3))
  if printer.enter(.cfm) {
    printer.fields.write("md_level", first >> 5)
    printer.fields.write("version", version)
    printer.fields.write("opcode", opcode, "opcode_name", Opcode.names)
    printer.fields.write("flag_bits", flags)
    printer.fields.write("first_tlv_offset", UInt8(truncatingIfNeeded: offset))
  }
  printer.write("CFMv", version)
  guard version == 0 else { return printer.write(" not supported, length ", bytes.length) }
  printer.write(" ", opcode, as: .named(Opcode.names, unknown: .decimal("unknown (", ")")))
  printer.write(", MD Level ", first >> 5)
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0 else { return }
  printer.write("\n\tFirst TLV offset ", offset)
  guard isInside(offset, opcode, length: bytes.length &- headerLength, &printer) else { return }
  let body = try bytes.dropping(headerLength)
  switch opcode {
  case Opcode.continuityCheck:
    guard try printContinuityCheck(body, flags, &printer) else { return }
  case Opcode.linktraceMessage: try printLinktraceMessage(body, flags, &printer)
  case Opcode.linktraceReply: try printLinktraceReply(body, flags, &printer)
  default:
    // tcpdump dumps as many bytes as there are from the first TLV on, but begins at the end of the header.
    printer.writeHex(body.clamped(to: body.length &- offset), indent: "\n\t  ")
  }
  try printCFMTLVs(try body.dropping(offset), &printer)
}

/// False if the first TLV begins beyond the message, or inside the fields of its opcode.
private func isInside(_ offset: Int, _ opcode: UInt8, length: Int, _ printer: inout Printer) -> Bool {
  if offset > length {
    printer.write(" (too large, must be <= ", length)
    printer.writeFault(")")
    return false
  }
  // tcpdump writes this number before the minimum, although it is no property of the message.
  let (number, minimum) =
    switch opcode {
    case Opcode.continuityCheck: (1, 70)
    case Opcode.linktraceReply: (5, 6)
    case Opcode.linktraceMessage: (4, 17)
    default: (0, 0)
    }
  if offset < minimum {
    printer.write(" (too small ", number)
    printer.write(", must be >= ", minimum)
    printer.writeFault(")")
    return false
  }
  return true
}

private let remoteDefect: UInt8 = 0x80

/// The interval of continuity checks, and the minimum and maximum time after which a connection counts as lost: 3.25 and 3.5 times the
/// interval (IEEE 802.1Q section 20.1).
private let intervalTexts: ValueNames = [
  1: "0.003s, min CCM Lifetime 0.011s, max CCM Lifetime 0.012s",
  2: "0.010s, min CCM Lifetime 0.032s, max CCM Lifetime 0.035s",
  3: "0.100s, min CCM Lifetime 0.325s, max CCM Lifetime 0.350s",
  4: "1.000s, min CCM Lifetime 3.250s, max CCM Lifetime 3.500s",
  5: "10.000s, min CCM Lifetime 32.500s, max CCM Lifetime 35.000s",
  6: "60.000s, min CCM Lifetime 195.000s, max CCM Lifetime 210.000s",
  7: "600.000s, min CCM Lifetime 1950.000s, max CCM Lifetime 2100.000s",
]

/// Formats of the names of domains and associations (IEEE 802.1Q tables 21-19 and 21-20).
private enum NameFormat {
  static let absent: UInt8 = 1
  static let macAndInteger: UInt8 = 3
  static let dnsString: UInt8 = 2
  static let characterString: UInt8 = 4
  static let domain: ValueNames = [
    0: "IEEE 802.1", 1: "No MD Name present", 2: "DNS string", 3: "MAC + 16Bit Integer", 4: "Character string",
  ]
  static let associationText: UInt8 = 2
  static let association: ValueNames = [
    0: "IEEE 802.1", 1: "Primary VID", 2: "Character string", 3: "16Bit Integer", 4: "RFC2685 VPN-ID",
  ]
}

/// Length in bytes of the two names, with their formats and lengths.
private let namesLength = 48

///     0                 4             6                  54
///     +-----------------+-------------+------------------+-----------------------
///     | sequence number | end point   | names, padded    | counters (ITU-T Y.1731)
///     +-----------------+-------------+------------------+-----------------------
/// The names are the format, length and name of the domain, then of the association; a domain without a name has no length. Returns false
/// if a name is too long: nothing more is read then.
private func printContinuityCheck(
  _ body: PacketBytes, _ flags: UInt8, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let interval = flags & 7
  if printer.writesFields {
    printer.fields.write("interval_code", interval)
    printer.fields.write("remote_defect", flags & remoteDefect != 0)
  }
  printer.write(", Flags [CCM Interval ", interval)
  printer.out.write(flags & remoteDefect == 0 ? "]" : ", RDI]")
  if let text = intervalTexts[interval] {
    printer.out.write("\n\t  CCM Interval ")
    printer.out.write(text)
  }
  let sequence = try body.u32(at: 0)
  let endpoint = try body.u16(at: 4)
  if printer.writesFields { printer.fields.write("sequence", sequence) }
  printer.write("\n\t  Sequence Number 0x", sequence, as: .hex(8))
  if printer.writesFields { printer.fields.write("endpoint_id", endpoint) }
  printer.write(", MA-End-Point-ID 0x", endpoint, as: .hex(4))

  let names = try body.dropping(6).clamped(to: namesLength)
  let format = try names.u8(at: 0)
  printer.write(
    "\n\t  MD Name Format ", "md_name_format", format, as: .named(NameFormat.domain, unknown: "Unknown"))
  printer.write(" (", format)
  printer.out.write(")")
  var end = 1
  if format != NameFormat.absent {
    let length = Int(try names.u8(at: 1))
    printer.write(", MD Name length ", length)
    // tcpdump also rejects the length that it gives as the maximum.
    guard isPossible(length < 44, maximum: 44, &printer) else { return false }
    printer.out.write("\n\t  MD Name: ")
    let name = try names.slice(at: 2, length: length)
    try printDomainName(format, name, &printer)
    end = 2 &+ length
  }
  let associationFormat = try names.u8(at: end)
  let length = Int(try names.u8(at: end &+ 1))
  printer.write(
    "\n\t  MA Name-Format ", "ma_name_format", associationFormat,
    as: .named(NameFormat.association, unknown: "Unknown"))
  printer.write(" (", associationFormat)
  printer.write("), MA name length ", length)
  let room = namesLength &- end &- 2
  guard isPossible(length <= room, maximum: room, &printer) else { return false }
  printer.out.write("\n\t  MA Name: ")
  let name = try names.slice(at: end &+ 2, length: length)
  if associationFormat == NameFormat.associationText {
    let text = name.clamped(to: try name.lengthToNUL())
    if printer.writesFields { printer.fields.write("ma_name", text: text) }
    printer.out.write(escaped: text)
  } else {
    if printer.writesFields { printer.fields.write("ma_name_data", hex: name) }
    printer.writeHex(name, indent: "\n\t    ")
  }
  return true
}

private func isPossible(_ fits: Bool, maximum: Int, _ printer: inout Printer) -> Bool {
  if fits { return true }
  printer.write(" (too large, must be <= ", maximum)
  printer.writeFault(")")
  return false
}

private func printDomainName(
  _ format: UInt8, _ name: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  switch format {
  case NameFormat.dnsString, NameFormat.characterString:
    let text = name.clamped(to: try name.lengthToNUL())
    if printer.writesFields { printer.fields.write("md_name", text: text) }
    printer.out.write(escaped: text)
    return
  case NameFormat.macAndInteger:
    printer.out.write("\n\t  MAC ")
    if name.length == 6 {
      printer.writeMAC(try name.mac(at: 0))
    } else {
      printer.writeFault("(length invalid)")
    }
  default: printer.writeHex(name, indent: "\n\t    ")
  }
  if printer.writesFields { printer.fields.write("md_name_data", hex: name) }
}

private let forwardingDatabaseOnly: FlagNames = [0x80: "Use Forwarding-DB only"]

///     0             4     5              11            17
///     +-------------+-----+--------------+-------------+
///     | transaction | TTL | original MAC | target MAC  |
///     +-------------+-----+--------------+-------------+
private func printLinktraceMessage(
  _ body: PacketBytes, _ flags: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(", Flags [")
  printer.write(forwardingDatabaseOnly, flags)
  printer.out.write("]")
  let transaction = try body.u32(at: 0)
  printer.write("\n\t  Transaction-ID 0x", "transaction_id", transaction, as: .hex(8))
  printer.write(", ttl ", "ttl", try body.u8(at: 4))
  let original = try body.mac(at: 5)
  let target = try body.mac(at: 11)
  if printer.writesFields {
    printer.fields.write("original_mac", original)
    printer.fields.write("target_mac", target)
  }
  printer.out.write("\n\t  Original-MAC ")
  printer.writeMAC(original)
  printer.out.write(", Target-MAC ")
  printer.writeMAC(target)
}

private let replyFlags: FlagNames = [0x80: "UseFDB Only", 0x40: "FwdYes", 0x20: "Terminal MEP"]
private let relayActions: ValueNames = [1: "Exact Match", 2: "Filtering DB", 3: "MIP CCM DB"]

///     0             4     5
///     +-------------+-----+--------------+
///     | transaction | TTL | relay action |
///     +-------------+-----+--------------+
private func printLinktraceReply(
  _ body: PacketBytes, _ flags: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(", Flags [")
  printer.write(replyFlags, flags)
  printer.out.write("]")
  let transaction = try body.u32(at: 0)
  printer.write("\n\t  Transaction-ID 0x", "transaction_id", transaction, as: .hex(8))
  printer.write(", ttl ", "ttl", try body.u8(at: 4))
  let action = try body.u8(at: 5)
  printer.write(
    "\n\t  Replay-Action ", "relay_action", action,
    as: .named(relayActions, key: "relay_action_name", unknown: "Unknown"))
  printer.write(" (", action)
  printer.out.write(")")
}
