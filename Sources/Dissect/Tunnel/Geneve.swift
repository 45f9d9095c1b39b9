import PacketCore

extension Layer {
  static let geneve = Layer(
    "geneve", "Generic Network Virtualization Encapsulation", "RFC 8926 section 3"
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("options_length", .uint8, "Bytes of the options."),
      Field("is_control", .flag, "O flag."),
      Field("critical", .flag, "C flag."),
      Field("protocol", .uint16, "Protocol of what follows."),
      Field("vni", .uint24, "Network identifier.", always: true),
      Field(
        "options",
        .array(
          .object([
            Field("class", .uint16, "Option class.", always: true),
            Field("type", .uint8, "Type.", always: true),
            Field("critical", .flag, "The type's upper bit.", always: true),
            Field("length", .uint8, "Bytes of the option, its header included.", always: true),
            Field("data", .hex, "Value."),
          ])), "Options, in order.", each: "One option."),
    ]
  }
}

extension Dissector {
  /// Generic Network Virtualization Encapsulation, RFC 8926 section 3.
  package static let geneve = Dissector(
    name: "geneve", claims: [.udpDestinationPort(6081)], layers: [.geneve], print: printGeneve)
}

///     0                   1         2               4      7
///     +-------------------+---------+---------------+------+----------+
///     | version, opt len  | O, C    | protocol type | VNI  | reserved |  options, payload
///     +-------------------+---------+---------------+------+----------+
private let headerLength = 8
/// The EtherType of an Ethernet frame (Transparent Ethernet Bridging).
private let transparentBridging: UInt16 = 0x6558

private let headerFlags: FlagNames = [
  0x80: "O", 0x40: "C", 0x20: "R1", 0x10: "R2", 0x08: "R3", 0x04: "R4", 0x02: "R5", 0x01: "R6",
]

/// The organisation to which a class of options is assigned (IANA "Geneve Option Class").
private func className(_ number: UInt16) -> StaticString {
  switch number {
  case 0...0xff: "Standard"
  case 0x100: "Linux"
  case 0x101: "Open vSwitch"
  case 0x102: "Open Virtual Networking (OVN)"
  case 0x103: "In-band Network Telemetry (INT)"
  case 0x104: "VMware"
  case 0x105, 0x108...0x110: "Amazon"
  case 0x106, 0x130, 0x131: "Cisco"
  case 0x107: "Oracle"
  case 0x111...0x118: "IBM"
  case 0x119...0x128: "Ericsson"
  case 0x129: "Oxide"
  case 0x132...0x135: "Google"
  case 0x136: "InfoQuick"
  case 0xfff0...0xffff: "Experimental"
  default: "Unknown"
  }
}

@Sendable
private func printGeneve(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("Geneve")
  try printer.reject("len", bytes.length, .less, headerLength)
  try bytes.check(0, headerLength)
  let first = try bytes.u8(at: 0)
  if printer.enter(.geneve) {
    let flags = try bytes.u8(at: 1)
    printer.fields.write("version", first >> 6)
    printer.fields.write("options_length", (first & 0x3f) * 4)
    printer.fields.write("is_control", flags & 0x80 != 0)
    printer.fields.write("critical", flags & 0x40 != 0)
    printer.fields.write("protocol", try bytes.u16(at: 2))
    printer.fields.write("vni", try bytes.u24(at: 4))
  }
  if first >> 6 != 0 {
    printer.out.write(" ERROR: unknown-version ")
    printer.out.write(decimal: first >> 6)
    throw .invalid
  }
  printer.out.write(", Flags [")
  printer.write(headerFlags, try bytes.u8(at: 1), separator: "")
  printer.out.write("]")
  let protocolType = try bytes.u16(at: 2)
  printer.out.write(", vni 0x")
  printer.out.write(hex: try bytes.u24(at: 4))
  if try bytes.u8(at: 7) != 0 {
    printer.out.write(", rsvd 0x")
    printer.out.write(hex: try bytes.u8(at: 7))
  }
  if printer.options.linkHeader {
    printer.write(", proto ", protocolType, as: .named(EtherType.names, unknown: "unknown"))
    printer.write(" (0x", protocolType, as: .hex(4))
    printer.out.write(")")
  }
  let optionsLength = Int(first & 0x3f) * 4
  let rest = try bytes.dropping(headerLength)
  if optionsLength > rest.length {
    printer.write(" (opts_len ", optionsLength)
    printer.write(" > ", rest.length)
    throw .invalid
  }
  if optionsLength > 0 { try printOptions(rest, length: optionsLength, &printer) }
  printer.out.write(printer.options.verbosity < 1 ? ": " : "\n\t")
  let payload = try rest.dropping(optionsLength)
  if protocolType == transparentBridging {
    try printer.printInnerEthernet(payload)
  } else if try !printer.printEtherType(protocolType, payload) {
    printer.write("geneve-proto-0x", protocolType, as: .hex(1))
  }
}

///     0       2      3                4
///     +-------+------+----------------+------
///     | class | type | reserved, length | data
///     +-------+------+----------------+------
private func printOptions(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(", options [")
  guard printer.options.verbosity > 0 else {
    try bytes.check(0, length)
    printer.out.write(decimal: length)
    printer.out.write(" bytes]")
    return
  }
  let layout = OptionLayout(
    type: .bytes(at: 0, 3), length: .bytes(at: 3, 1, mask: 0x1f), headerLength: 4, unit: 4)
  var list = printer.openList(bytes.clamped(to: length), layout, objects: "options")
  while let option = try printer.next(&list) {
    let optionClass = UInt16(truncatingIfNeeded: option.type >> 8)
    let type = UInt8(truncatingIfNeeded: option.type)
    let isCritical = type & 0x80 != 0
    if printer.writesFields {
      printer.fields.write("class", optionClass)
      printer.fields.write("type", type)
      printer.fields.write("critical", isCritical)
      printer.fields.write("length", option.size)
      if option.length > 0 { printer.fields.write("data", hex: option.value) }
    }
    printer.out.write("class ")
    printer.out.write(className(optionClass))
    printer.write(" (0x", optionClass, as: .hex(1))
    printer.write(") type 0x", type, as: .hex(1))
    if isCritical { printer.out.write("(C)") }
    printer.write(" len ", option.size)
    if option.isTooLong {
      printer.out.write(" [bad length]")
      throw .invalid
    }
    _ = try option.wholeValue()
    if printer.options.verbosity > 1, option.length > 0 {
      printer.out.write(" data")
      var words = printer.openList(option.value, .elements(of: 4))
      while let word = try printer.next(&words) { printer.write(" ", try word.value.u32(at: 0), as: .hex(8)) }
    }
    if list.remaining > 0 { printer.out.write(", ") }
  }
  printer.out.write("]")
}
