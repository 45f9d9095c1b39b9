package import Dissect
import PacketCore

extension Layer {
  static let lspPing = Layer("lspping", "MPLS LSP ping", "RFC 8029, RFC 5884") {
    [
      Field("version", .uint16, "Version.", always: true),
      Field("message_type", .uint8, "1 for an echo request, 2 for its reply."),
      Field("message_type_name", .text, "Name of the type."),
      Field("reply_mode", .uint8, "How the reply is to be sent."),
      Field("return_code", .uint8, "What the replying router found."),
      Field("return_subcode", .uint8, "Depth of the label stack that the code is about."),
      Field("sender_handle", .uint32, "Number that the reply repeats."),
      Field("sequence", .uint32, "Sequence number."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the value.", always: true),
            Field("mtu", .uint16, "MTU towards the next router."),
            Field("address", .ip, "Address of the next router."),
            Field("discriminator", .uint32, "Discriminator of a session of BFD."),
            Field(
              "classes",
              .array(
                .object([
                  Field("type", .uint16, "Kind of the class."),
                  Field("type_name", .text, "Name of the kind."),
                  Field("length", .uint16, "Bytes of its value."),
                  Field("prefix", .ip, "Address of a prefix."),
                  Field("prefix_length", .uint8, "Bits of the prefix."),
                  Field("destination", .ip, "End of a tunnel, or of a pseudowire."),
                  Field("sender", .ip, "Begin of the tunnel or the pseudowire."),
                  Field("tunnel_id", .uint16, "Number of the tunnel."),
                  Field("lsp_number", .uint16, "Number of the label switched path."),
                  Field("pseudowire_id", .uint32, "Identifier of a pseudowire."),
                  Field("pseudowire_type", .uint16, "Type of a pseudowire."),
                  Field("data", .hex, "Value of any other class."),
                ])), "Forwarding equivalence classes, of a stack of them.", each: "One class."),
            Field("data", .hex, "Value of any other TLV."),
          ])), "TLVs, of messages that are printed with -v.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  package static let lspPing = Dissector(
    name: "lspping", claims: [.udpPort(3503)], layers: [.lspPing], print: printLSPPing)
}

private let messageTypes: ValueNames = [1: "MPLS Echo Request", 2: "MPLS Echo Reply"]
private let replyModes: ValueNames = [
  1: "Do not reply", 2: "Reply via an IPv4/IPv6 UDP packet", 3: "Reply via an IPv4/IPv6 UDP packet with Router Alert",
  4: "Reply via application level control channel",
]
private let returnCodes: ValueNames = [
  0: "No return code or return code contained in the Error Code TLV", 1: "Malformed echo request received",
  2: "One or more of the TLVs was not understood", 3: "Replying router is an egress for the FEC at stack depth",
  4: "Replying router has no mapping for the FEC at stack depth", 5: "Reserved", 6: "Reserved", 7: "Reserved",
  8: "Label switched at stack-depth", 9: "Label switched but no MPLS forwarding at stack-depth",
  10: "Mapping for this FEC is not the given label at stack depth", 11: "No label entry at stack-depth",
  12: "Protocol not associated with interface at FEC stack depth",
  13: "Premature termination of ping due to label stack shrinking to a single label",
]

/// True for the codes that are followed by a stack depth.
private func hasDepth(_ code: UInt8) -> Bool {
  switch code {
  case 3, 4, 8, 10, 11, 12: true
  default: false
  }
}

///     0         2       4      5            6             7         8        12         16     24         32
///     +---------+-------+------+------------+-------------+---------+--------+----------+------+----------+------
///     | version | flags | type | reply mode | return code | subcode | handle | sequence | sent | received | TLVs
///     +---------+-------+------+------------+-------------+---------+--------+----------+------+----------+------
/// RFC 8029 section 3; the times are NTP timestamps.
private let headerLength = 32

@Sendable
private func printLSPPing(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength { return printer.writeFault("\n\t\t packet is too short") }
  try bytes.check(0, headerLength)
  let version = try bytes.u16(at: 0)
  let type = try bytes.u8(at: 4)
  let sequence = try bytes.u32(at: 12)
  if printer.enter(.lspPing) { printer.fields.write("version", version) }
  if version != 1 {
    printer.write("LSP-PING version ", version)
    return printer.writeFault(" packet not supported")
  }
  if printer.writesFields {
    printer.fields.write("message_type", type, "message_type_name", messageTypes)
    printer.fields.write("reply_mode", try bytes.u8(at: 5))
    printer.fields.write("return_code", try bytes.u8(at: 6))
    printer.fields.write("return_subcode", try bytes.u8(at: 7))
    printer.fields.write("sender_handle", try bytes.u32(at: 8))
    printer.fields.write("sequence", sequence)
  }
  guard printer.options.verbosity > 0 else {
    printer.write("LSP-PINGv", version)
    printer.write(", ", type, as: .named(messageTypes, unknown: .decimal("unknown (", ")")))
    printer.write(", seq ", sequence)
    return printer.write(", length: ", bytes.length)
  }
  try writeHeader(bytes, &printer)
  try printTLVs(bytes, &printer)
}

private func writeHeader(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try bytes.u8(at: 4)
  let mode = try bytes.u8(at: 5)
  let code = try bytes.u8(at: 6)
  let subcode = try bytes.u8(at: 7)
  printer.write("\n\tLSP-PINGv", try bytes.u16(at: 0))
  printer.write(", msg-type: ", type, as: .named(messageTypes, unknown: "unknown"))
  printer.write(" (", type)
  printer.write("), length: ", bytes.length)
  printer.write("\n\t  reply-mode: ", mode, as: .named(replyModes, unknown: "unknown"))
  printer.write(" (", mode)
  printer.write(")\n\t  Return Code: ", code, as: .named(returnCodes, unknown: "unknown"))
  if hasDepth(code) { printer.write(" ", subcode) }
  printer.write(" (", code)
  printer.write(")\n\t  Return Subcode: (", subcode)
  printer.write(")\n\t  Sender Handle: 0x", try bytes.u32(at: 8), as: .hex(8))
  printer.write(", Sequence: ", try bytes.u32(at: 12))
  printer.out.write("\n\t  TimeStamp Sent: ")
  printer.writeNTPTime(try bytes.u64(at: 16))
  let received = try bytes.u64(at: 24)
  printer.out.write("\n\t  TimeStamp Received: ")
  if received == 0 { printer.out.write("no timestamp") } else { printer.writeNTPTime(received) }
}

private enum TLV {
  static let targetStack: UInt32 = 1
  static let downstream: UInt32 = 2
  static let vendor: UInt32 = 5
  static let bfd: UInt32 = 15

  static let names: ValueNames = [
    1: "Target FEC Stack", 2: "Downstream Mapping", 3: "Pad", 5: "Vendor Enterprise Code", 7: "Interface Label Stack",
    9: "Error Code", 10: "Reply TOS Byte", 15: "BFD Discriminator",
  ]
}

private let downstreamTypes: ValueNames = [1: "IPv4", 2: "Unnumbered IPv4", 3: "IPv6", 4: "IPv6"]
/// Enterprise numbers (IANA).
private let enterprises: ValueNames = [9: "Cisco", 2636: "Juniper Networks Inc."]

///     0      2        4
///     +------+--------+-------+---------
///     | type | length | value | padding       to a multiple of four bytes, which the length does not count
///     +------+--------+-------+---------
private let tlvLayout = OptionLayout(typeWidth: 2, lengthWidth: 2, alignment: 4, shortHeader: .endsList)

private func printTLVs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, at: headerLength, tlvLayout, objects: "tlvs")
  while let tlv = try printer.next(&list) {
    if printer.writesFields {
      printer.fields.write("type", tlv.type, "type_name", TLV.names)
      printer.fields.write("length", tlv.length)
    }
    printer.write("\n\t  ", tlv.type, as: .named(TLV.names, unknown: "Unknown"))
    printer.write(" TLV (", tlv.type)
    printer.write("), length: ", tlv.length)
    if tlv.length == 0 { continue }
    if (tlv.size &+ 3) & ~3 > tlv.rest { return printer.writeFault("\n\t\t packet is too short") }
    let value = try tlv.wholeValue()
    let isKnown = try printValue(tlv.type, value, &printer)
    if isKnown == nil { return }
    if isKnown == false || printer.options.verbosity > 1 {
      if printer.writesFields { printer.fields.write("data", hex: value) }
      printer.writeHex(value, indent: "\n\t    ")
    }
  }
  if list.remaining > 0 { printer.writeFault("\n\t\t packet is too short") }
}

/// Prints the value of a TLV; false if its bytes are to be dumped, nil if no TLV after it can be read.
private func printValue(
  _ type: UInt32, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool? {
  switch type {
  case TLV.targetStack: return try printer.printTargetStack(value)
  case TLV.downstream: try printDownstream(value, &printer)
  case TLV.vendor:
    guard value.length >= 4 else { return writeTooShort(&printer) }
    let vendor = try value.u32(at: 0)
    printer.write("\n\t    Vendor: ", vendor, as: .named(enterprises, unknown: "Unknown"))
    printer.write(" (0x", vendor, as: .hex(4))
    printer.out.write(")")
    return true
  case TLV.bfd:
    guard value.length >= 4 else { return writeTooShort(&printer) }
    printer.write("\n\t    BFD Discriminator 0x", "discriminator", try value.u32(at: 0), as: .hex(8))
    return true
  default: break
  }
  return false
}

private func writeTooShort(_ printer: inout Printer) -> Bool {
  printer.writeFault("\n\t      TLV is too short")
  return false
}

///     0 MTU  2 address type  3 flags  4 address, interface  …  multipath type, depth limit, length, labels      RFC 8029 section 3.3
private func printDownstream(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard value.length >= 4 else { return _ = writeTooShort(&printer) }
  let type = try value.u8(at: 2)
  printer.write("\n\t    MTU: ", "mtu", try value.u16(at: 0))
  printer.write(", Address-Type: ", type, as: .named(downstreamTypes, unknown: "unknown"))
  printer.write(" (", type)
  printer.out.write(")")
  var end = 4
  switch type {
  case 1, 2:
    guard value.length >= 12 else { return _ = writeTooShort(&printer) }
    printer.write("\n\t    Downstream IP: ", "address", try value.ipv4(at: 4))
    if type == 1 {
      printer.write("\n\t    Downstream Interface IP: ", try value.ipv4(at: 8))
    } else {
      printer.write("\n\t    Downstream Interface Index: 0x", try value.u32(at: 8), as: .hex(8))
    }
    end = 12
  case 3, 4:
    end = type == 3 ? 36 : 24
    guard value.length >= end else { return _ = writeTooShort(&printer) }
    printer.write("\n\t    Downstream IP: ", "address", try value.ipv6(at: 4))
    if type == 3 {
      printer.write("\n\t    Downstream Interface IP: ", try value.ipv6(at: 20))
    } else {
      printer.write("\n\t    Downstream Interface Index: 0x", try value.u32(at: 20), as: .hex(8))
    }
  default: return
  }
  if value.length < end &+ 4 { _ = writeTooShort(&printer) }
}

private let classNames: ValueNames = [
  1: "LDP IPv4 prefix", 2: "LDP IPv6 prefix", 3: "RSVP IPv4 Session Query", 4: "RSVP IPv6 Session Query",
  5: "Reserved", 6: "VPN IPv4 prefix", 7: "VPN IPv6 prefix", 8: "L2 VPN endpoint", 9: "FEC 128 pseudowire (old)",
  10: "FEC 128 pseudowire", 12: "BGP labeled IPv4 prefix", 13: "BGP labeled IPv6 prefix",
]

/// Length in bytes of a class's value; nil for a class that is not parsed.
private func classLength(_ type: UInt32) -> Int? {
  switch type {
  case 1, 12: 5
  case 2, 13: 17
  case 3: 20
  case 4: 56
  case 6: 13
  case 7: 25
  case 8, 10: 14
  case 9: 10
  default: nil
  }
}

extension Printer {
  fileprivate mutating func printTargetStack(_ value: PacketBytes) throws(DecodeError) -> Bool? {
    var list = openList(value, tlvLayout, objects: "classes")
    while let item = try next(&list) {
      if item.isTooLong {
        stop(&list)
        return writeTooShort(&self)
      }
      if writesFields {
        fields.write("type", item.type, "type_name", classNames)
        fields.write("length", item.length)
      }
      write("\n\t    ", item.type, as: .named(classNames, unknown: "Unknown"))
      write(" subTLV (", item.type)
      write("), length: ", item.length)
      let data = try item.wholeValue()
      let expected = classLength(item.type)
      if let expected, expected == item.length {
        try printClass(item.type, data)
      } else if let expected {
        writeFault("\n\t      invalid subTLV length, should be ")
        out.write(decimal: expected)
      }
      if expected != item.length || options.verbosity > 1, data.length > 0 {
        if writesFields { fields.write("data", hex: data) }
        writeHex(data, indent: "\n\t      ")
      }
      if (item.size &+ 3) & ~3 > item.rest {
        writeFault("\n\t\t TLV is too short")
        return nil
      }
    }
    return list.remaining > 0 ? writeTooShort(&self) : true
  }

  /// RFC 8029 section 3.2.
  private mutating func printClass(_ type: UInt32, _ value: PacketBytes) throws(DecodeError) {
    switch type {
    case 1, 12: try writePrefix("\n\t      ", value, at: 0, isIPv4: true)
    case 2, 13: try writePrefix("\n\t      ", value, at: 0, isIPv4: false)
    case 3:
      ///     0 end  4 reserved (2)  6 tunnel  8 extended tunnel  12 sender  16 reserved (2)  18 path
      write("\n\t      tunnel end-point ", "destination", try value.ipv4(at: 0))
      write(", tunnel sender ", "sender", try value.ipv4(at: 12))
      write(", lsp-id 0x", "lsp_number", try value.u16(at: 18), as: .hex(4))
      write("\n\t      tunnel-id 0x", "tunnel_id", try value.u16(at: 6), as: .hex(4))
      write(", extended tunnel-id ", try value.ipv4(at: 8))
    case 4:
      write("\n\t      tunnel end-point ", "destination", try value.ipv6(at: 0))
      write(", tunnel sender ", "sender", try value.ipv6(at: 36))
      write(", lsp-id 0x", "lsp_number", try value.u16(at: 54), as: .hex(4))
      write("\n\t      tunnel-id 0x", "tunnel_id", try value.u16(at: 18), as: .hex(4))
      write(", extended tunnel-id ", try value.ipv6(at: 20))
    case 6, 7:
      try writeDistinguisher(value)
      try writePrefix(", ", value, at: 8, isIPv4: type == 6)
    case 8:
      try writeDistinguisher(value)
      write(", Sender VE ID: ", try value.u16(at: 8))
      write(", Receiver VE ID: ", try value.u16(at: 10))
      let encapsulation = try value.u16(at: 12)
      write("\n\t      Encapsulation Type: ", encapsulation, as: .named(PseudoWire.names, unknown: "unknown"))
      write(" (", encapsulation)
      out.write(")")
    case 9:
      write("\n\t      Remote PE: ", "destination", try value.ipv4(at: 0))
      try writePseudoWire(value, at: 4)
    default:
      write("\n\t      Sender PE: ", "sender", try value.ipv4(at: 0))
      write(", Remote PE: ", "destination", try value.ipv4(at: 4))
      try writePseudoWire(value, at: 8)
    }
  }

  private mutating func writePrefix(
    _ title: StaticString, _ value: PacketBytes, at offset: Int, isIPv4: Bool
  ) throws(DecodeError) {
    if isIPv4 {
      write(title, "prefix", try value.ipv4(at: offset))
    } else {
      write(title, "prefix", try value.ipv6(at: offset))
    }
    write("/", "prefix_length", try value.u8(at: offset &+ (isIPv4 ? 4 : 16)))
  }

  private mutating func writePseudoWire(_ value: PacketBytes, at offset: Int) throws(DecodeError) {
    let type = try value.u16(at: offset &+ 4)
    write("\n\t      PW ID: 0x", "pseudowire_id", try value.u32(at: offset), as: .hex(8))
    write(", PW Type: ", "pseudowire_type", type, as: .named(PseudoWire.names, unknown: "unknown"))
    write(" (", type)
    out.write(")")
  }

  /// A route distinguisher (RFC 4364 section 4.2).
  private mutating func writeDistinguisher(_ value: PacketBytes) throws(DecodeError) {
    out.write("\n\t      RD: ")
    switch try value.u16(at: 0) {
    case 0:
      write("", try value.u16(at: 2))
      write(":", try value.u32(at: 4))
      out.write(" (= ")
      out.write(try value.ipv4(at: 4))
      out.write(")")
    case 1:
      out.write(try value.ipv4(at: 2))
      write(":", try value.u16(at: 6))
    case 2:
      write("", try value.u32(at: 2))
      write(":", try value.u16(at: 6))
      out.write(" (")
      out.write(try value.ipv4(at: 2))
      write(":", try value.u16(at: 6))
      out.write(")")
    default: out.write("unknown RD format")
    }
  }
}
