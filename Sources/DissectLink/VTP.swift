package import Dissect
import PacketCore

extension Layer {
  static let vtp = Layer("vtp", "VLAN Trunking Protocol", "Cisco") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("code", .uint8, "Kind of message."),
      Field("code_name", .text, "Name of the kind."),
      Field("domain_name", .text, "Management domain."),
      Field("followers", .uint8, "Subset advertisements that follow a summary."),
      Field("sequence", .uint32, "Number of a subset advertisement."),
      Field("revision", .uint32, "Revision of the configuration."),
      Field("updater", .ipv4, "Who made the revision."),
      Field("timestamp_text", .text, "When the revision was made."),
      Field("digest", .hex, "MD5 digest."),
      Field("start_value", .uint32, "First requested revision."),
      Field(
        "vlans",
        .array(
          .object([
            Field("status_bits", .uint8, "Status; 1 is suspended.", always: true),
            Field("type", .uint8, "Type of the VLAN.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("vlan_id", .uint16, "Number of the VLAN.", always: true),
            Field("mtu", .uint32, "MTU in bytes.", always: true),
            Field("said", .uint32, "Security association identifier (IEEE 802.10).", always: true),
            Field("name", .text, "Name of the VLAN."),
          ])), "VLANs of a subset advertisement.", each: "One VLAN."),
    ]
  }
}

extension Dissector {
  package static let vtp = Dissector(
    name: "vtp", claims: [.snap(oui: 0x00000c, protocolID: 0x2003)], layers: [.vtp], print: printVTP)
}

private enum Message {
  static let summary: UInt8 = 1
  static let subset: UInt8 = 2
  static let request: UInt8 = 3
  static let names: ValueNames = [
    1: "Summary advertisement", 2: "Subset advertisement", 3: "Advertisement request", 4: "Join message",
  ]
  /// The meaning of the third byte of the header.
  static let thirdBytes: ValueNames = [1: ", Followers: ", 2: ", Seq number: ", 3: ", Rsvd: ", 4: ", Rsvd: "]
}

private let vlanTypes: ValueNames = [1: "Ethernet", 2: "FDDI", 3: "TrCRF", 4: "FDDI-net", 5: "TrBRF"]
private let statuses: ValueNames = [0: "Operational", 1: "Suspended"]

///     0         1      2       3               4
///     +---------+------+-------+---------------+------------------+-------
///     | version | code | …     | domain length | domain name (32) | …
///     +---------+------+-------+---------------+------------------+-------
private let headerLength = 36
private let maximumVersion = 3
private let domainLength = 32

@Sendable
private func printVTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("VTP")
  do throws(DecodeError) {
    try printer.reject("length", bytes.length, .less, headerLength)
    try bytes.check(0, headerLength)
    let (version, code) = (try bytes.u8(at: 0), try bytes.u8(at: 1))
    if printer.enter(.vtp) { printer.fields.write("version", version) }
    try printer.reject("version", Int(version), .less, 1)
    try printer.reject("version", Int(version), .greater, maximumVersion)
    if printer.writesFields { printer.fields.write("code", code, "code_name", Message.names) }
    printer.write("v", version)
    printer.write(", Message ", code, as: .named(Message.names, unknown: "Unknown message type"))
    printer.write(" (0x", code, as: .hex(2))
    printer.write("), length ", bytes.length)
    if printer.options.verbosity > 0 {
      try printMessage(code, bytes, &printer)
    } else {
      if printer.writesFields {
        printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printMessage(code, bytes, &printer) }
      }
      try bytes.check(0, bytes.length)
    }
  } catch .invalid {
    // The truncation mark is written as well if the rest was not captured.
    printer.writeFault(" (invalid)")
    try bytes.check(0, bytes.length)
  }
}

private func printMessage(_ code: UInt8, _ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let third = try bytes.u8(at: 2)
  let length = Int(try bytes.u8(at: 3))
  printer.out.write("\n\tDomain name: ")
  if length < 1 || length > domainLength {
    printer.write(" [MgmtD Len ", length)
    printer.out.write("]")
    throw .invalid
  }
  let field = try bytes.slice(at: 4, length: domainLength)
  let name = field.clamped(to: try field.lengthToNUL())
  if printer.writesFields { printer.fields.write("domain_name", text: name) }
  printer.out.write(escaped: name)
  printer.write("", code, as: .named(Message.thirdBytes, unknown: ", Unknown: "))
  printer.write("", third)
  switch code {
  case Message.summary:
    if printer.writesFields { printer.fields.write("followers", third) }
    try printSummary(bytes, &printer)
  case Message.subset:
    if printer.writesFields { printer.fields.write("sequence", third) }
    try printSubset(bytes, &printer)
  case Message.request: printer.write("\n\tStart value: ", "start_value", try bytes.u32(at: headerLength))
  default: break
  }
}

///     36         40        44               56
///     +----------+---------+----------------+------------+-----
///     | revision | updater | timestamp (12) | digest (16)| TLVs
///     +----------+---------+----------------+------------+-----
private func printSummary(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(headerLength, 8)
  printer.write("\n\t  Config Rev ", "revision", try bytes.u32(at: 36), as: .hex(1))
  printer.write(", Updater ", "updater", try bytes.ipv4(at: 40))
  let time = try bytes.slice(at: 44, length: 12)
  if printer.writesFields { printer.fields.write("timestamp_text", text: time) }
  printer.write(", Timestamp 0x", try time.u32(at: 0), as: .hex(8))
  printer.write(" 0x", try time.u32(at: 4), as: .hex(8))
  printer.write(" 0x", try time.u32(at: 8), as: .hex(8))
  printer.write(", MD5 digest: ", "digest", hex: try bytes.slice(at: 56, length: 16))
}

///     0        1        2      3             4      6     8      12
///     +--------+--------+------+-------------+------+-----+------+------+-----
///     | length | status | type | name length | VLAN | MTU | SAID | name | TLVs      the name is filled up to words of four bytes
///     +--------+--------+------+-------------+------+-----+------+------+-----
private func printSubset(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write(", Config Rev ", "revision", try bytes.u32(at: 36), as: .hex(1))
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("vlans") }
  var offset = 40
  // Every iteration advances by at least twelve bytes.
  while offset < bytes.length {
    let length = Int(try bytes.u8(at: offset))
    if length == 0 { break }
    if length > bytes.length &- offset || length < 12 { throw .invalid }
    try printVLAN(try bytes.slice(at: offset, length: length), &printer)
    if printer.writesFields { printer.fields.end(downTo: level &+ 1) }
    offset &+= length
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

private func printVLAN(_ vlan: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let status = try vlan.u8(at: 1)
  let type = try vlan.u8(at: 2)
  let nameLength = Int(try vlan.u8(at: 3))
  let number = try vlan.u16(at: 4)
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("status_bits", status)
    printer.fields.write("type", type, "type_name", vlanTypes)
    printer.fields.write("vlan_id", number)
  }
  printer.write("\n\tVLAN info status ", status, as: .named(statuses, unknown: "Unknown"))
  printer.write(", type ", type, as: .named(vlanTypes, unknown: "Unknown"))
  printer.write(", VLAN-id ", number)
  printer.write(", MTU ", "mtu", try vlan.u16(at: 6))
  printer.write(", SAID 0x", "said", try vlan.u32(at: 8), as: .hex(8))
  let padded = (nameLength &+ 3) & ~3
  if 12 &+ padded > vlan.length { throw .invalid }
  try printer.write(", Name ", "name", text: try vlan.slice(at: 12, length: nameLength))
  try printTLVs(try vlan.dropping(12 &+ padded), &printer)
}

/// How the value of a TLV is written.
private enum Form {
  case dump, number
  case named(ValueNames, unknown: StaticString)
}

private let tlvs: OptionTable<Form> = [
  1: OptionRow("Source-Routing Ring Number TLV", .dump), 2: OptionRow("Source-Routing Bridge Number TLV", .dump),
  3: OptionRow("STP type TLV", .named([1: "SRT", 2: "SRB", 3: "Auto"], unknown: "Unknown")),
  4: OptionRow("Parent VLAN TLV", .dump), 5: OptionRow("Translationally bridged VLANs TLV", .dump),
  6: OptionRow("Pruning TLV", .named([1: "Enabled"], unknown: "Disabled")),
  7: OptionRow("Bridge Type TLV", .named([1: "SRB"], unknown: "SRT")), 8: OptionRow("Max ARP Hop Count TLV", .dump),
  9: OptionRow("Max STE Hop Count TLV", .number),
  10: OptionRow("Backup CRF Mode TLV", .named([1: "Backup"], unknown: "Not backup")),
]

///     0      1        2
///     +------+--------+-------
///     | type | length | value     the length counts words of two bytes
///     +------+--------+-------
private let tlvLayout = OptionLayout(unit: 2)

private func printTLVs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, tlvLayout)
  while list.remaining >= 2, let tlv = try printer.next(&list) {
    let row = tlvs[type: tlv.type]
    printer.out.write("\n\t\t")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" (0x", tlv.type, as: .hex(4))
    printer.out.write(") TLV")
    if tlv.isTooLong {
      printer.out.write(" (TLV goes past the end of the packet)")
      throw .invalid
    }
    switch row?.form {
    case .number where tlv.length > 0: printer.write(", ", try tlv.value.u16(at: 0))
    case .named(let names, let unknown) where tlv.length > 0:
      let number = try tlv.value.u16(at: 0)
      printer.out.write(", ")
      printer.out.write(names[number] ?? unknown)
      printer.write(" (", number)
      printer.out.write(")")
    default: printer.writeHex(try tlv.bytes.slice(at: 0, length: tlv.size), indent: "\n\t\t  ")
    }
  }
}
