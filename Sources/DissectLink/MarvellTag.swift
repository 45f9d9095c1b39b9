package import Dissect
import PacketCore

extension Layer {
  static let marvellTag = Layer(
    "dsa", "Marvell switch tag", "LINKTYPE_DSA_TAG_DSA, LINKTYPE_DSA_TAG_EDSA", marks: ["edsa"]
  ) {
    [
      Field("ethertype", .uint16, "EtherType of the tag, where it has one."),
      Field("tag_mode", .words(["to_cpu", "from_cpu", "to_sniffer", "forward"]), "Way of the frame.", always: true),
      Field("device", .uint8, "Switch that it comes from or goes to.", always: true),
      Field("switch_port", .uint8, "Port of that switch.", always: true),
      Field("trunk", .flag, "The port is a trunk, of a forwarded frame."),
      Field("ingress_sniff", .flag, "It was copied when it came in, of a frame to the sniffer."),
      Field("code", .uint8, "Why the frame is sent to the processor."),
      Field("tagged", .flag, "The frame has a VLAN tag outside of the switch.", always: true),
      Field("vlan_id", .uint16, "VLAN identifier.", always: true),
      Field("priority", .uint8, "Priority of the frame.", always: true),
    ]
  }
}

extension Dissector {
  /// Distributed switch architecture: a four-byte tag before the EtherType.
  package static let marvellTag = Dissector(name: "dsa", claims: [.linkType(.dsaTagMarvell)], layers: [.marvellTag]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printFrame(bytes, tagLength: tagLength) { (tag, printer) throws(DecodeError) in
      if printer.options.linkHeader { printer.out.write("Marvell DSA ") } else { printer.out.write("DSA ") }
      _ = printer.enter(.marvellTag)
      try printTag(tag, &printer)
    }
  }

  /// The same tag, after an EtherType for it and two reserved bytes.
  package static let marvellEtherTypeTag = Dissector(
    name: "edsa", claims: [.linkType(.dsaTagMarvellEtherType)], layers: [.marvellTag]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printFrame(bytes, tagLength: 4 &+ tagLength) { (tag, printer) throws(DecodeError) in
      _ = printer.enter(.marvellTag)
      let type = try tag.u16(at: 0)
      if printer.writesFields { printer.fields.write("ethertype", type) }
      if printer.options.linkHeader {
        printer.write("Marvell EDSA ethertype 0x", type, as: .hex(4))
        printer.write(" (", type, as: .named(etherTypeNames, unknown: "Unknown"))
        printer.write("), rsvd ", try tag.u8(at: 2))
        printer.write(" ", try tag.u8(at: 3))
        printer.out.write(", ")
      } else {
        printer.write("EDSA 0x", type, as: .hex(4))
        printer.out.write(", ")
      }
      try printTag(try tag.dropping(4), &printer)
    }
  }
}

///     0      2   3        8      13  14     16  17         19             32 bits
///     +------+---+--------+------+---+------+---+----------+--------------+
///     | mode | T | device | port | … | code | C | priority | code | VLAN  |
///     +------+---+--------+------+---+------+---+----------+--------------+
/// T: the frame is tagged; C: canonical format indicator. Depending on the mode, bit 13 marks a trunk, marks ingress sniffing, or is the
/// first bit of the code, which bits 14 and 19 continue.
private let tagLength = 4

private enum Mode {
  static let toCPU: UInt32 = 0
  static let fromCPU: UInt32 = 1
  static let toSniffer: UInt32 = 2
  static let keys: ValueNames = [0: "to_cpu", 1: "from_cpu", 2: "to_sniffer", 3: "forward"]
}

private let codes: ValueNames = [
  0: "BPDU (MGMT) Trap", 1: "Frame2Reg", 2: "IGMP/MLD Trap", 3: "Policy Trap", 4: "ARP Mirror", 5: "Policy Mirror",
]

private func printTag(_ tag: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let word = try tag.u32(at: 0)
  let mode = word >> 30
  let isTagged = word >> 29 & 1 != 0
  let device = word >> 24 & 0x1f
  let port = word >> 19 & 0x1f
  let isMarked = word >> 18 & 1 != 0
  let code = (word >> 17 & 3) << 1 | word >> 12 & 1
  let (priority, vlan) = (word >> 13 & 7, word & 0xfff)
  if printer.writesFields {
    if let key = Mode.keys[mode] { printer.fields.write("tag_mode", key) }
    printer.fields.write("device", device)
    printer.fields.write("switch_port", port)
    switch mode {
    case Mode.toCPU: printer.fields.write("code", code)
    case Mode.fromCPU: break
    case Mode.toSniffer: printer.fields.write("ingress_sniff", isMarked)
    default: printer.fields.write("trunk", isMarked)
    }
    printer.fields.write("tagged", isTagged)
    printer.fields.write("vlan_id", vlan)
    printer.fields.write("priority", priority)
  }
  guard printer.options.linkHeader else {
    switch mode {
    case Mode.toCPU:
      writePort("port ", device, port, &printer)
      printer.out.write(" > CPU")
    case Mode.fromCPU: writePort("CPU > port ", device, port, &printer)
    case Mode.toSniffer:
      writePort("port ", device, port, &printer)
      printer.out.write(isMarked ? " > Rx Sniffer" : " > Tx Sniffer")
    default: writePort(isMarked ? "Forward trunk " : "Forward port ", device, port, &printer)
    }
    printer.write(", VLAN ", vlan)
    printer.out.write(isTagged ? "t, " : "u, ")
    return
  }
  switch mode {
  case Mode.toCPU:
    printer.write("mode To CPU, source dev ", device)
    printer.write(", port ", port)
    printer.write(", code ", code, as: .named(codes, unknown: "reserved"))
  case Mode.fromCPU:
    printer.write("mode From CPU, target dev ", device)
    printer.write(", port ", port)
  case Mode.toSniffer:
    printer.write("mode To Sniffer, source dev ", device)
    printer.write(", port ", port)
    printer.out.write(isMarked ? ", ingress sniff" : ", egress sniff")
  default:
    printer.write("mode Forward, dev ", device)
    printer.write(isMarked ? ", trunk " : ", port ", port)
  }
  printer.out.write(isTagged ? ", tagged" : ", untagged")
  if word >> 16 & 1 != 0 { printer.out.write(", CFI") }
  printer.write(", VID ", vlan)
  printer.write(", FPri ", priority)
  printer.out.write(", ")
}

/// `3.5`: the switch and its port.
private func writePort(_ title: StaticString, _ device: UInt32, _ port: UInt32, _ printer: inout Printer) {
  printer.write(title, device)
  printer.write(".", port)
}
