package import Dissect
import PacketCore

extension Layer {
  static let arcnet = Layer(
    "arcnet", "ARCNET", "ANSI/ATA 878.1, RFC 1201, LINKTYPE_ARCNET_BSD, LINKTYPE_ARCNET_LINUX", marks: ["arcnet_linux"]
  ) {
    [
      Field("source_node_number", .uint8, "Node that sent the frame.", always: true),
      Field("destination_node_number", .uint8, "Node that it is for; 0 for all.", always: true),
      Field("type", .uint8, "Protocol of what follows.", always: true),
      Field("type_name", .text, "Name of the protocol."),
      Field("split_flag", .uint8, "0 for a whole packet; odd in the first fragment, even in the others."),
      Field("sequence", .uint16, "Number that the fragments of a packet share."),
    ]
  }
}

extension Dissector {
  /// ARCNET as the BSDs capture it: each fragment is a packet of its own.
  package static let arcnet = Dissector(
    name: "arcnet", claims: [.linkType(.arcnet)], layers: [.arcnet], print: printArcnet)

  /// ARCNET as Linux captures it: packets are reassembled, and a two-byte offset follows the addresses.
  package static let arcnetLinux = Dissector(
    name: "arcnet_linux", claims: [.linkType(.arcnetLinux)], layers: [.arcnet], print: printArcnetLinux)
}

/// Protocol types.
private enum ArcnetType {
  static let diagnosis: UInt8 = 0x80
  static let ipv6: UInt8 = 0xc4
  static let ipv4: UInt8 = 0xd4
  static let arp: UInt8 = 0xd5
  static let reverseARP: UInt8 = 0xd6
  static let appleTalk: UInt8 = 0xdd
  static let oldIPv4: UInt8 = 0xf0
  static let oldARP: UInt8 = 0xf1
  static let ipx: UInt8 = 0xfa
  static let names: ValueNames = [
    0x80: "diag", 0xc4: "ipv6", 0xd4: "ip", 0xd5: "arp", 0xd6: "rarp", 0xdd: "atalk", 0xf0: "oldip", 0xf1: "oldarp",
    0xf7: "banyan", 0xfa: "ipx",
  ]

  /// True if the payload directly follows the type, without an RFC 1201 header.
  static func isOld(_ type: UInt8) -> Bool {
    switch type {
    case diagnosis, oldIPv4, oldARP: true
    default: false
    }
  }
}

private enum Header {
  static let shortLength = 3
  static let length = 6
  /// A split flag that says that the real header follows.
  static let exception: UInt8 = 0xff
  static let exceptionLength = 10
  static let linuxShortLength = 5
  static let linuxLength = 8
}

///     0        1             2      3            4
///     +--------+-------------+------+------------+-----------------+---------
///     | source | destination | type | split flag | sequence number | payload        RFC 1201
///     +--------+-------------+------+------------+-----------------+---------
@Sendable
private func printArcnet(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, Header.shortLength)
  let type = try bytes.u8(at: 2)
  try record(bytes, type, &printer)
  if ArcnetType.isOld(type) {
    try writeHeader(bytes, nil, &printer)
    return try print(type, bytes, Header.shortLength, &printer)
  }
  guard bytes.has(0, Header.length) else {
    try writeShown(bytes, nil, &printer)
    printer.out.write(" phds")
    throw .truncated
  }
  var start = 3
  if try bytes.u8(at: 3) == Header.exception {
    guard bytes.has(0, Header.exceptionLength) else {
      try writeShown(bytes, nil, &printer)
      printer.out.write(" phds extended")
      throw .truncated
    }
    start = 7
  }
  let flag = try bytes.u8(at: start)
  let sequence = try bytes.u16(at: start &+ 1)
  if printer.writesFields {
    printer.fields.write("split_flag", flag)
    printer.fields.write("sequence", sequence)
  }
  try writeHeader(bytes, (flag, sequence), &printer)
  // Only the first fragment contains the packet's header.
  if flag != 0, flag & 1 == 0 { return }
  try print(type, bytes, start &+ 3, &printer)
}

///     0        1             2        4
///     +--------+-------------+--------+------+------------------------+---------
///     | source | destination | offset | type | split flag and sequence| payload
///     +--------+-------------+--------+------+------------------------+---------
@Sendable
private func printArcnetLinux(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, Header.linuxShortLength)
  let type = try bytes.u8(at: 4)
  let length = ArcnetType.isOld(type) ? Header.linuxShortLength : Header.linuxLength
  try bytes.check(0, length)
  try record(bytes, type, &printer)
  try writeHeader(bytes, nil, &printer)
  try print(type, bytes, length, &printer)
}

private func record(_ bytes: PacketBytes, _ type: UInt8, _ printer: inout Printer) throws(DecodeError) {
  guard printer.enter(.arcnet) else { return }
  printer.fields.write("source_node_number", try bytes.u8(at: 0))
  printer.fields.write("destination_node_number", try bytes.u8(at: 1))
  printer.fields.write("type", type, "type_name", ArcnetType.names)
}

private func writeHeader(
  _ bytes: PacketBytes, _ split: (flag: UInt8, sequence: UInt16)?, _ printer: inout Printer
) throws(DecodeError) {
  if printer.options.linkHeader { try writeShown(bytes, split, &printer) }
}

/// `01 02 ip seqid 0007 31: `. Also in Linux's header the third byte is read as the type, as tcpdump does.
private func writeShown(
  _ bytes: PacketBytes, _ split: (flag: UInt8, sequence: UInt16)?, _ printer: inout Printer
) throws(DecodeError) {
  printer.write("", try bytes.u8(at: 0), as: .hex(2))
  printer.write(" ", try bytes.u8(at: 1), as: .hex(2))
  printer.out.write(" ")
  if !printer.options.quiet {
    printer.write("", try bytes.u8(at: 2), as: .named(ArcnetType.names, unknown: .hex("", digits: 2)))
    printer.out.write(" ")
    if let split {
      printer.write("seqid ", split.sequence, as: .hex(4))
      if split.flag & 1 != 0 {
        printer.write(" (first of ", (Int(split.flag) &+ 3) / 2)
        printer.out.write(" fragments)")
      } else if split.flag != 0 {
        printer.write(" (fragment ", Int(split.flag) / 2 &+ 1)
        printer.out.write(")")
      }
      printer.out.write(" ")
    }
  }
  printer.write("", bytes.length)
  printer.out.write(": ")
}

private func print(
  _ type: UInt8, _ bytes: PacketBytes, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.context.linkHeaderLength = length
  let payload = try bytes.dropping(length)
  let etherType: UInt16? =
    switch type {
    case ArcnetType.ipv4, ArcnetType.oldIPv4: 0x0800
    case ArcnetType.ipv6: 0x86dd
    case ArcnetType.arp, ArcnetType.oldARP: 0x0806
    case ArcnetType.reverseARP: 0x8035
    case ArcnetType.appleTalk: 0x809b
    default: nil
    }
  if let etherType {
    if try printer.printEtherType(etherType, payload) { return }
  } else if type == ArcnetType.ipx {
    let index = printer.registry.index(sap: 0xe0)
    if index != 0 { return try printer.run(index, payload) }
  }
  // Dump it even with `-q`, which suppresses this for other link types.
  if printer.options.quiet { printer.writeHexAndASCII(payload) } else { printer.dumpUnknown(payload) }
}
