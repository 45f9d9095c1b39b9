package import Dissect
import PacketCore

extension Layer {
  static let erspan = Layer(
    "erspan", "Encapsulated Remote Switched Port Analyzer", "draft-foschiano-erspan-03"
  ) {
    [
      Field("type", .uint8, "1, 2 or 3.", always: true),
      Field("version", .uint8, "Version in the header: 1 with type 2, 2 with type 3."),
      Field("vlan_id", .uint16, "VLAN of the mirrored frame."),
      Field("class_of_service", .uint8, "Class of service of the mirrored frame."),
      Field("encapsulation", .uint8, "Type 2: 0 no VLAN, 1 ISL, 2 IEEE 802.1Q, 3 the tag is in the frame."),
      Field("frame_quality", .uint8, "Type 3: 0 good or unknown, 1 short, 2 oversized, 3 bad."),
      Field("truncated", .flag, "The mirrored frame was cut."),
      Field("session_id", .uint16, "Session."),
      Field("port_index", .uint32, "Type 2: port and direction of the mirrored traffic."),
      Field("timestamp", .uint32, "Type 3: time in units of the granularity."),
      Field("security_group", .uint16, "Type 3: security group tag."),
      Field("frame_type", .uint8, "Type 3: 0 Ethernet, 2 IP."),
    ]
  }
}

extension Dissector {
  /// Types 1 and 2, which share a GRE protocol type: type 1 has no ERSPAN header, and GRE has no sequence number.
  package static let erspan = Dissector(
    name: "erspan", claims: [Claim(.greProtocol, UInt16(0x88be))], layers: [.erspan]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    if printer.context.scope.carrierFlags & hasSequence == 0 {
      if printer.enter(.erspan) { printer.fields.write("type", UInt8(1)) }
      printer.out.write("erspan type1: ")
      try printer.run(.ethernet, bytes)
    } else {
      try printType2(bytes, &printer)
    }
  }

  /// Type 3.
  package static let erspan3 = Dissector(
    name: "erspan", claims: [Claim(.greProtocol, UInt16(0x22eb))], layers: [.erspan], print: printType3)
}

/// Flag of the GRE header: a sequence number is present.
private let hasSequence: UInt16 = 0x1000

private let encapsulations: ValueNames = [1: " isl ", 2: " vlan ", 3: " vlan payload"]
private let qualities: ValueNames = [0: "Good/unknown", 1: "Short", 2: "Oversized", 3: "Bad"]

///     0         4      16    19             21  22        32         44      64 bits
///     +---------+------+-----+--------------+---+---------+----------+-------+
///     | version | VLAN | CoS | encapsulation| T | session | reserved | index |
///     +---------+------+-----+--------------+---+---------+----------+-------+
private func printType2(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let (first, second) = try readFirstWord(bytes, version: 1, &printer) else { return }
  let encapsulation = second >> 11 & 3
  let isVerbose = printer.options.verbosity > 0
  printer.write(isVerbose ? "type2 session " : "session ", second & 0x3ff)
  if let title = encapsulations[encapsulation] { printer.out.write(title) }
  if encapsulation == 1 || encapsulation == 2 { printer.out.write(decimal: first & 0xfff) }
  if isVerbose { writePriority(second, &printer) }
  if printer.writesFields { printer.fields.write("encapsulation", encapsulation) }
  try printer.reject("len", bytes.length &- 4, .less, 4)
  let index = try bytes.u32(at: 4) & 0xfffff
  if printer.writesFields { printer.fields.write("port_index", index) }
  if isVerbose { printer.write(" index ", index) }
  printer.out.write(": ")
  try printer.run(.ethernet, try bytes.dropping(8))
}

///     0         4      16    19        21  22        32          64    80   81           86  …     95  96 bits
///     +---------+------+-----+---------+---+---------+-----------+-----+---+------------+---+-----+---+--------------------------+
///     | version | VLAN | CoS | quality | T | session | timestamp | SGT | P | frame type | … |     | O | platform header (64) …
///     +---------+------+-----+---------+---+---------+-----------+-----+---+------------+---+-----+---+--------------------------+
@Sendable
private func printType3(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let (_, second) = try readFirstWord(bytes, version: 2, &printer) else { return }
  let quality = second >> 11 & 3
  if printer.writesFields { printer.fields.write("frame_quality", quality) }
  let isVerbose = printer.options.verbosity > 0
  printer.write(isVerbose ? "type3 session " : "session ", second & 0x3ff)
  printer.write(" bso ", quality, as: .named(qualities, unknown: ""))
  if isVerbose { writePriority(second, &printer) }
  try printer.reject("len", bytes.length &- 4, .less, 4)
  try bytes.check(4, 4)
  try printer.reject("len", bytes.length &- 8, .less, 2)
  try bytes.check(8, 2)
  try printer.reject("len", bytes.length &- 10, .less, 2)
  let last = try bytes.u16(at: 10)
  let frameType = last >> 10 & 0x1f
  if printer.writesFields {
    printer.fields.write("timestamp", try bytes.u32(at: 4))
    printer.fields.write("security_group", try bytes.u16(at: 8))
    printer.fields.write("frame_type", frameType)
  }
  switch frameType {
  case FrameType.ethernet: printer.out.write(" ft Ethernet")
  case FrameType.ip: printer.out.write(" ft IP")
  default: printer.write(" ft unknown ", frameType, as: .hex(1))
  }
  var offset = 12
  if last & 1 != 0 {
    try printer.reject("len", bytes.length &- offset, .less, 8)
    try bytes.check(offset, 8)
    offset &+= 8
  }
  printer.out.write(": ")
  let frame = try bytes.dropping(offset)
  switch frameType {
  case FrameType.ethernet: try printer.run(.ethernet, frame)
  case FrameType.ip: try printer.run(try frame.u8(at: 0) >> 4 == 6 ? .ipv6 : .ipv4, frame)
  default: printer.out.write("Frame type unknown")
  }
}

private enum FrameType {
  static let ethernet: UInt16 = 0
  static let ip: UInt16 = 2
}

/// ` cos 6`, and ` truncated` if the mirrored frame was cut.
private func writePriority(_ second: UInt16, _ printer: inout Printer) {
  printer.write(" cos ", second >> 13)
  if second & 0x400 != 0 { printer.out.write(" truncated") }
}

/// The first four bytes, which types 2 and 3 have in common; nil if the version is different.
private func readFirstWord(
  _ bytes: PacketBytes, version wanted: UInt16, _ printer: inout Printer
) throws(DecodeError) -> (first: UInt16, second: UInt16)? {
  let writesFields = printer.enter(.erspan)
  if writesFields { printer.fields.write("type", wanted + 1) }
  printer.out.write("erspan")
  try printer.reject("len", bytes.length, .less, 4)
  try bytes.check(0, 4)
  let (first, second) = (try bytes.u16(at: 0), try bytes.u16(at: 2))
  let version = first >> 12
  if writesFields { printer.fields.write("version", version) }
  printer.out.write(" ")
  guard version == wanted else {
    printer.writeFault("erspan-unknown-version-")
    printer.out.write(hex: version)
    return nil
  }
  if writesFields {
    printer.fields.write("vlan_id", first & 0xfff)
    printer.fields.write("class_of_service", second >> 13)
    printer.fields.write("truncated", second & 0x400 != 0)
    printer.fields.write("session_id", second & 0x3ff)
  }
  return (first, second)
}
