package import Dissect
import PacketCore

extension Layer {
  static let broadcomTag = Layer(
    "broadcom_tag", "Broadcom switch tag", "LINKTYPE_DSA_TAG_BRCM, LINKTYPE_DSA_TAG_BRCM_PREPEND",
    marks: ["brcm-tag", "brcm-tag-prepend"]
  ) {
    [
      Field("opcode", .uint8, "0 from the switch (egress), 1 to the switch (ingress).", always: true),
      Field("traffic_class", .uint8, "Traffic class."),
      Field("tag_enforcement", .uint8, "0 none, 1 untag, 2 header."),
      Field("timestamped", .flag, "A time stamp is wanted of a frame to the switch."),
      Field("destination_ports", .uint16, "Ports of the switch that a frame goes to, as bits."),
      Field("classification_id", .uint8, "Classification of a frame from the switch."),
      Field("reason", .uint8, "Why the switch sends a frame to the processor, as bits."),
      Field("switch_port", .uint8, "Port of the switch that the frame came in at."),
    ]
  }
}

extension Dissector {
  /// A Broadcom tag between the addresses of a frame and its EtherType.
  package static let broadcomTag = Dissector(
    name: "brcm-tag", claims: [.linkType(.dsaTagBroadcom)], layers: [.broadcomTag]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printFrame(bytes, tagLength: tagLength) { (tag, printer) throws(DecodeError) in
      try printTag(tag, &printer)
    }
  }

  /// The same tag before the frame.
  package static let broadcomTagPrepended = Dissector(
    name: "brcm-tag-prepend", claims: [.linkType(.dsaTagBroadcomPrepended)], layers: [.broadcomTag],
    print: printPrependedTag)
}

///     0        3        6    8    9      23         32 bits
///     +--------+--------+----+----+------+----------+
///     | opcode | class  | TE | TS | 0    | port map |               opcode 1, to the switch
///     +--------+--------+----+----+------+----------+
///
///     0        3     8                       16           24          27         32 bits
///     +--------+-----+-----------------------+------------+-----------+----------+
///     | opcode | 0   | classification ID     | reason     | class     | port     |     opcode 0, from the switch
///     +--------+-----+-----------------------+------------+-----------+----------+
private let tagLength = 4

private enum Opcode {
  static let egress: UInt32 = 0
  static let ingress: UInt32 = 1
}

private let enforcements: ValueNames = [0: "None", 1: "Untag", 2: "Header", 3: "Reserved"]
private let reasons: FlagNames = [
  0x01: "mirror", 0x02: "MAC learning", 0x04: "switching", 0x08: "prot term", 0x10: "prot snoop", 0x20: "exception",
  0x40: "reserved-6", 0x80: "reserved-7",
]
private let ports: FlagNames = [
  0x001: "port 0", 0x002: "port 1", 0x004: "port 2", 0x008: "port 3", 0x010: "port 4", 0x020: "port 5",
  0x040: "port 6", 0x080: "port 7", 0x100: "port 8",
]

@Sendable
private func printPrependedTag(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, tagLength)
  let frame = try bytes.dropping(tagLength)
  if printer.options.linkHeader {
    try printTag(bytes, &printer)
  } else {
    printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printTag(bytes, &printer) }
  }
  printer.context.linkHeaderLength = tagLength &+ (try printer.printEthernet(frame))
}

private func printTag(_ tag: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let word = try tag.u32(at: 0)
  let opcode = word >> 29
  _ = printer.enter(.broadcomTag)
  if printer.writesFields { printer.fields.write("opcode", opcode) }
  printer.out.write("BRCM tag OP: ")
  switch opcode {
  case Opcode.egress:
    printer.write("EG, CID: ", "classification_id", word >> 16 & 0xff)
    let reason = word >> 8 & 0xff
    if printer.writesFields { printer.fields.write("reason", reason) }
    printer.out.write(", RC: [")
    printer.write(reasons, reason)
    printer.write("], TC: ", "traffic_class", word >> 5 & 7)
    printer.write(", port: ", "switch_port", word & 0x1f)
    printer.out.write(", ")
  case Opcode.ingress:
    printer.write("IG, TC: ", "traffic_class", word >> 26 & 7)
    printer.write(", TE: ", "tag_enforcement", word >> 24 & 3, as: .named(enforcements, unknown: ""))
    let timestamp = word >> 23 & 1
    let map = word & 0x1ff
    if printer.writesFields {
      printer.fields.write("timestamped", timestamp != 0)
      printer.fields.write("destination_ports", map)
    }
    printer.write(", TS: ", timestamp)
    printer.out.write(", DST map: [")
    printer.write(ports, map)
    printer.out.write("], ")
  default:
    printer.write("#", opcode)
    printer.out.write(", ")
  }
}
