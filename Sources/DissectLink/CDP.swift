package import Dissect
import PacketCore

extension Layer {
  static let cdp = Layer("cdp", "Cisco Discovery Protocol", "Cisco") {
    [
      Field("version", .uint8, "Version."),
      Field("ttl", .uint16, "Seconds that a receiver keeps what is said."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the TLV, its header included.", always: true),
            Field("text", .text, "Name, platform, version or place."),
            Field("addresses", .array(.ip), "Addresses of the device, of IPv4 and IPv6."),
            Field(
              "prefixes",
              .array(
                .object([
                  Field("network", .ipv4, "Network."),
                  Field("prefix_length", .uint8, "Bits of the prefix."),
                ])), "Prefixes that the device routes.", each: "One prefix."),
            Field("capabilities", .uint32, "What the device is, as bits."),
            Field("vlan_id", .uint16, "Native VLAN, or VLAN for voice."),
            Field("full_duplex", .flag, "The port is in full duplex."),
            Field("milliwatts", .array(.uint32), "Power that is drawn, or available."),
            Field("maximum_frame_size", .uint32, "MTU in bytes."),
            Field("data", .hex, "Any other value."),
          ])), "TLVs, in order.", each: "One TLV; its members depend on its type."),
    ]
  }
}

extension Dissector {
  package static let cdp = Dissector(
    name: "cdp", claims: [.snap(oui: 0x00000c, protocolID: 0x2000)], layers: [.cdp], print: printCDP)
}

/// How the value of a TLV is written.
private enum Form {
  /// Text in quotation marks, or in lines.
  case text, lines
  case addresses, prefixes, capabilities, vlan, duplex, voice, consumption, unit, bits, place, power
  /// The value is not shown.
  case silent

  /// The lengths that a value may have; nil if any length is possible.
  var length: ClosedRange<Int>? {
    switch self {
    case .capabilities, .unit: 4...4
    case .vlan: 2...2
    case .duplex, .bits: 1...1
    case .voice: 3...3
    case .consumption: 1...3
    case .place: 1...Int.max
    default: nil
    }
  }
}

private let tlvs: OptionTable<Form> = [
  0x00: OptionRow("unknown field type", .silent), 0x01: OptionRow("Device-ID", .text),
  0x02: OptionRow("Address", .addresses), 0x03: OptionRow("Port-ID", .text),
  0x04: OptionRow("Capability", .capabilities), 0x05: OptionRow("Version String", .lines),
  0x06: OptionRow("Platform", .text), 0x07: OptionRow("Prefixes", .prefixes),
  0x08: OptionRow("Protocol-Hello option", .silent), 0x09: OptionRow("VTP Management Domain", .text),
  0x0a: OptionRow("Native VLAN ID", .vlan), 0x0b: OptionRow("Duplex", .duplex),
  0x0e: OptionRow("ATA-186 VoIP VLAN assignment", .voice), 0x0f: OptionRow("ATA-186 VoIP VLAN request", .voice),
  0x10: OptionRow("power consumption", .consumption), 0x11: OptionRow("MTU", .unit),
  0x12: OptionRow("AVVID trust bitmap", .bits), 0x13: OptionRow("AVVID untrusted ports CoS", .bits),
  0x14: OptionRow("System Name", .text), 0x15: OptionRow("System Object ID (not decoded)", .silent),
  0x16: OptionRow("Management Addresses", .addresses), 0x17: OptionRow("Physical Location", .place),
  0x1a: OptionRow("Power available", .power),
]

private let capabilities: FlagNames = [
  0x01: "Router", 0x02: "Transparent Bridge", 0x04: "Source Route Bridge", 0x08: "L2 Switch", 0x10: "L3 capable",
  0x20: "IGMP snooping", 0x40: "L1 capable",
]

private let deviceID: UInt32 = 0x01

///     0         1     2          4
///     +---------+-----+----------+------
///     | version | TTL | checksum | TLVs
///     +---------+-----+----------+------
private let headerLength = 4

///     0      2        4
///     +------+--------+-------
///     | type | length | value     the length counts the header
///     +------+--------+-------
private let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, countsHeader: true)

@Sendable
private func printCDP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength {
    printer.write(" (packet length ", bytes.length)
    printer.write(" < ", headerLength)
    printer.out.write(")")
    throw .invalid
  }
  _ = printer.enter(.cdp)
  let isVerbose = printer.options.verbosity > 0
  printer.write("CDPv", "version", try bytes.u8(at: 0))
  printer.write(", ttl: ", "ttl", try bytes.u8(at: 1))
  printer.out.write("s")
  let checksum = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("checksum", checksum) }
  if isVerbose {
    printer.write(", checksum: 0x", checksum, as: .hex(4))
    printer.write(" (unverified), length ", bytes.length)
  }
  var list = printer.openList(bytes, at: headerLength, layout, objects: "tlvs")
  while try checkHeader(list, &printer), let tlv = try printer.next(&list) {
    if printer.writesFields {
      printer.fields.write("type", tlv.type)
      if let row = tlvs[type: tlv.type], row.form != .silent || tlv.type != 0 {
        printer.fields.write("type_name", row.name)
      }
      printer.fields.write("length", tlv.length)
    }
    if tlv.isTooLong {
      printer.write(" (TLV length ", tlv.length)
      printer.write(" > ", tlv.rest)
      printer.out.write(")")
      throw .invalid
    }
    try printTLV(tlv, &printer)
  }
  if !isVerbose { printer.write(", length ", bytes.length) }
}

/// Ends the protocol if fewer bytes are left than a TLV header has.
private func checkHeader(_ list: borrowing OptionList, _ printer: inout Printer) throws(DecodeError) -> Bool {
  guard (1..<4).contains(list.remaining) else { return true }
  printer.write(" (remaining packet length ", list.remaining)
  printer.out.write(" < 4)")
  throw .invalid
}

private func printTLV(_ tlv: borrowing OptionList.Entry, _ printer: inout Printer) throws(DecodeError) {
  let row = tlvs[type: tlv.type]
  let isVerbose = printer.options.verbosity > 0
  if isVerbose {
    printer.out.write("\n\t")
    printer.out.write(row?.name ?? "unknown field type")
    printer.write(" (0x", tlv.type, as: .hex(4))
    printer.out.write("), ")
  } else if tlv.type == deviceID {
    printer.out.write(", Device-ID ")
  }
  if tlv.isTooShort {
    if isVerbose || tlv.type == deviceID {
      printer.write(isVerbose ? "TLV length: " : "TLV length ", tlv.length)
      if isVerbose {
        printer.out.write(tlv.length == 1 ? " byte (too short)" : " bytes (too short)")
      } else {
        printer.out.write(" too short")
      }
    }
    throw .invalid
  }
  let value = tlv.value
  if isVerbose {
    printer.write("value length: ", value.length)
    printer.out.write(value.length == 1 ? " byte: " : " bytes: ")
    try printValue(row?.form, value, &printer)
  } else if tlv.type == deviceID {
    try printValue(.text, value, &printer)
  } else if printer.writesFields {
    printer.recordOnly(value) { (value, printer) throws(DecodeError) in try printValue(row?.form, value, &printer) }
  }
}

private func printValue(_ form: Form?, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let form else {
    if printer.writesFields { printer.fields.write("data", hex: value) }
    printer.writeHex(value, indent: "\n\t  ")
    return
  }
  if let length = form.length, !length.contains(value.length) {
    printer.writeFault(" (malformed TLV)")
    printer.writeHex(value, indent: "\n\t  ")
    return
  }
  switch form {
  case .text:
    try printer.write("'", "text", text: value)
    printer.out.write("'")
  case .lines:
    if printer.writesFields { printer.fields.write("text", text: value) }
    var isNewLine = true
    for index in 0..<value.length {
      let byte = try value.u8(at: index)
      if isNewLine { printer.out.write("\n\t  ") }
      isNewLine = byte == UInt8(ascii: "\n")
      if !isNewLine { printer.out.write(escaped: byte) }
    }
  case .addresses: try printAddresses(value, &printer)
  case .prefixes: try printPrefixes(value, &printer)
  case .capabilities:
    let bits = try value.u32(at: 0)
    printer.write("(0x", "capabilities", bits, as: .hex(8))
    printer.out.write("): ")
    printer.write(capabilities, bits, none: "")
  case .vlan: printer.write("", "vlan_id", try value.u16(at: 0))
  case .duplex:
    let isFull = try value.u8(at: 0) != 0
    if printer.writesFields { printer.fields.write("full_duplex", isFull) }
    printer.out.write(isFull ? "full" : "half")
  case .voice:
    printer.write("app ", try value.u8(at: 0))
    printer.write(", vlan ", "vlan_id", try value.u16(at: 1))
  case .consumption:
    let power = try value.unsigned(at: 0, width: value.length)
    if printer.writesFields {
      printer.fields.beginArray("milliwatts")
      printer.fields.element(power)
      printer.fields.end()
    }
    // In watts, with two decimals.
    printer.write("", power / 1000)
    printer.out.write(".")
    printer.out.write(decimal: power % 1000 / 10, width: 2)
    printer.out.write("W")
  case .unit:
    printer.write("", "maximum_frame_size", try value.u32(at: 0))
    printer.out.write(" bytes")
  case .bits:
    let bits = try value.u8(at: 0)
    if printer.writesFields { printer.fields.write("data", hex: value) }
    printer.write("0x", bits, as: .hex(2))
  case .place:
    let kind = try value.u8(at: 0)
    printer.write("0x", kind, as: .hex(2))
    guard value.length > 1 else { return }
    try printer.write("/", "text", text: try value.dropping(1))
  case .power: try printPower(value, &printer)
  case .silent: if printer.writesFields { printer.fields.write("data", hex: value) }
  }
}

///     0         2               4
///     +---------+---------------+----------------------
///     | request | management ID | milliwatts, 4 each …
///     +---------+---------------+----------------------
private func printPower(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try value.check(0, 4)
  printer.write("reqid ", try value.u16(at: 0))
  printer.write(", mgmtid ", try value.u16(at: 2))
  printer.out.write(", pwravail")
  var list = printer.openList(value, at: 4, .elements(of: 4), array: "milliwatts")
  while let level = try printer.next(&list) {
    printer.writeElement(" ", try level.bytes.u32(at: 0))
    printer.out.write(" mW")
  }
}

private enum Address {
  /// Protocol type 1 (NLPID) and protocol cc.
  static let ipv4Length = 4
  static let nlpid: UInt8 = 1
  static let ipv4: UInt8 = 0xcc
  /// Protocol type 2 (IEEE 802.2), and SNAP with the EtherType of IPv6.
  static let ieee8022: UInt8 = 2
  static let snapIPv6: UInt64 = 0xaaaa_0300_0000_86dd
}

///     0       4
///     +-------+------+----------+--------------+----------------+---------+---
///     | count | type | length P | protocol (P) | length A (2)   | address | …
///     +-------+------+----------+--------------+----------------+---------+---
private func printAddresses(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard value.length >= 4 else { return printer.writeFault(" (not enough space for num)") }
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("addresses") }
  defer { if printer.writesFields { printer.fields.end(downTo: level) } }
  var count = try value.u32(at: 0)
  var offset = 4
  var isFirst = true
  // Every iteration advances by at least four bytes, or ends the list.
  while count > 0 {
    if !isFirst { printer.out.write(" ") }
    isFirst = false
    guard value.length &- offset >= 2 else { return printer.writeFault(" (not enough space for PT+PL)") }
    let type = try value.u8(at: offset)
    let protocolLength = Int(try value.u8(at: offset &+ 1))
    let place = offset &+ 2
    guard value.length &- place >= protocolLength &+ 2 else {
      return printer.writeFault(" (not enough space for P+AL)")
    }
    let length = Int(try value.u16(at: place &+ protocolLength))
    let start = place &+ protocolLength &+ 2
    let isWhole = value.length &- start >= length
    let number = try value.slice(at: place, length: protocolLength)
    var isIPv4 = type == Address.nlpid && protocolLength == 1 && length == 4
    if isIPv4 { isIPv4 = try number.u8(at: 0) == Address.ipv4 }
    var isIPv6 = type == Address.ieee8022 && protocolLength == 8 && length == 16
    if isIPv6 { isIPv6 = try number.u64(at: 0) == Address.snapIPv6 }
    if !isIPv4, !isIPv6 {
      printer.write("pt=0x", type, as: .hex(2))
      printer.write(", pl=", protocolLength)
      printer.out.write(", pb=")
      try writeBytes(number, &printer)
      printer.write(", al=", length)
      printer.out.write(", a=")
    }
    guard isWhole else { return printer.writeFault(" (not enough space for A)") }
    let address = try value.dropping(start)
    if isIPv4 {
      printer.write("IPv4 (", count)
      printer.writeElement(") ", try address.ipv4(at: 0))
    } else if isIPv6 {
      printer.write("IPv6 (", count)
      printer.writeElement(") ", try address.ipv6(at: 0))
    } else {
      try writeBytes(address.clamped(to: length), &printer)
    }
    offset = start &+ length
    count &-= 1
  }
  if offset < value.length {
    printer.write(" (", value.length &- offset)
    printer.writeFault(" bytes of stray data)")
  }
}

/// ` 0a 0b`.
private func writeBytes(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  for index in 0..<bytes.length { printer.write(" ", try bytes.u8(at: index), as: .hex(2)) }
}

///     0         4
///     +---------+---------------+---
///     | network | prefix length | …
///     +---------+---------------+---
private func printPrefixes(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard value.length % 5 == 0 else {
    printer.write(" [length ", value.length)
    printer.writeFault(" is not a multiple of 5]")
    return
  }
  printer.write(" IPv4 Prefixes (", value.length / 5)
  printer.out.write("):")
  var list = printer.openList(value, .elements(of: 5), objects: "prefixes")
  while let prefix = try printer.next(&list) {
    printer.write(" ", "network", try prefix.bytes.ipv4(at: 0))
    printer.write("/", "prefix_length", try prefix.bytes.u8(at: 4))
  }
}
