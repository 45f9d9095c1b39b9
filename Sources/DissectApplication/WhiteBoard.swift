package import Dissect
import PacketCore

extension Layer {
  static let whiteBoard = Layer("white_board", "Distributed white board", "wb(1) of the MBone tools", marks: ["wb"]) {
    [
      Field("packet_type", .uint8, "Type of the packet.", always: true),
      Field("packet_name", .text, "Name of the type."),
      Field("flag_bits", .uint8, "Flags.", always: true),
      Field("page_owner", .ipv4, "Creator of the page."),
      Field("page_number", .uint32, "Number of the page."),
      Field("slot", .uint32, "Place of the page, or of the packet's sender."),
      Field("first_sequence", .uint32, "First drawing operation that is meant."),
      Field("last_sequence", .uint32, "Last drawing operation that is meant."),
      Field("drawn_by", .ipv4, "Whose operations are requested, or resent."),
      Field("site", .text, "Name of the sender."),
      Field(
        "operations", .array(.object([Field("type", .uint8, "Type of the operation.", always: true)])),
        "Drawing operations, in order.", each: "One operation."),
    ]
  }
}

extension Dissector {
  /// The shared white board of the MBone. It has no assigned port, and its format was never published: the layout here is derived from
  /// tcpdump's output for packets made for this purpose.
  package static let whiteBoard = Dissector(
    name: "wb", claims: [.payloadType(.wb)], layers: [.whiteBoard], print: printWhiteBoard)
}

private enum Packet {
  static let drawing: UInt8 = 0
  static let identity: UInt8 = 1
  static let repairRequest: UInt8 = 2
  static let repairReply: UInt8 = 3
  static let kill: UInt8 = 4
  static let pageRequest: UInt8 = 5
  static let pageReply: UInt8 = 7
  static let names: ValueNames = [
    0: "dop", 1: "id", 2: "rreq", 3: "rrep", 4: "kill", 5: "preq", 7: "prep",
  ]
}

private enum Operation {
  static let skip: UInt8 = 14
  static let hole: UInt8 = 15
  static let names: ValueNames = [
    2: "RECT", 3: "LINE", 4: "ML", 5: "DEL", 6: "XFORM", 7: "ELL", 8: "CHAR", 9: "STR", 10: "NOP", 11: "PSCODE",
    12: "PSCOMP", 13: "REF", 14: "SKIP", 15: "HOLE",
  ]
}

/// Lengths of the headers of a packet and of an operation, in bytes.
private let headerLength = 12
private let operationHeaderLength = 8

///     0        4           8   10     11
///     +--------+-----------+---+------+-------+------
///     | source | time      |   | type | flags | by type
///     +--------+-----------+---+------+-------+------
@Sendable
private func printWhiteBoard(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength { throw .invalid }
  try bytes.check(0, headerLength)
  let type = try bytes.u8(at: 10)
  let flags = try bytes.u8(at: 11)
  if printer.enter(.whiteBoard) {
    printer.fields.write("packet_type", type, "packet_name", Packet.names)
    printer.fields.write("flag_bits", flags)
  }
  printer.write(flags != 0 ? "* wb-" : " wb-", type, as: .named(Packet.names, unknown: .decimal("", "!")))
  if Packet.names[type] == nil { throw .invalid }
  if type == Packet.kill { return }
  printer.out.write(":")
  let body = try bytes.dropping(headerLength)
  switch type {
  case Packet.drawing: try printOperations(of: body, &printer)
  case Packet.identity: try printIdentity(body, &printer)
  case Packet.repairRequest, Packet.repairReply:
    ///     0 whose operations   4 page and operations, as in a packet that draws
    if body.length < 20 { throw .invalid }
    try body.check(0, 20)
    printer.write(
      type == Packet.repairRequest ? " please repair " : " for ", "drawn_by", try body.ipv4(at: 0))
    try printOperations(of: try body.dropping(4), isRequest: type == Packet.repairRequest, &printer)
  case Packet.pageRequest:
    ///     0 page   8 lowest number   12 highest number
    if body.length < 16 { throw .invalid }
    try body.check(0, 12)
    printer.write(" need ", "slot", try body.u32(at: 8))
    try printer.writePage("/", body, at: 0)
    try body.check(12, 4)
  default: try printPages(body, &printer)
  }
}

extension Printer {
  /// `10.0.0.1:7`: the owner of a page, and its number.
  fileprivate mutating func writePage(_ title: StaticString, _ bytes: PacketBytes, at offset: Int) throws(DecodeError) {
    write(title, "page_owner", try bytes.ipv4(at: offset))
    write(":", "page_number", try bytes.u32(at: offset &+ 4))
  }
}

///     0      8       12     16
///     +------+-------+------+-----------
///     | page | first | last | operations
///     +------+-------+------+-----------
private func printOperations(
  of bytes: PacketBytes, isRequest: Bool = false, _ printer: inout Printer
) throws(DecodeError) {
  if bytes.length < 16 { throw .invalid }
  try bytes.check(0, 16)
  let (first, last) = (try bytes.u32(at: 8), try bytes.u32(at: 12))
  try printer.writePage(" ", bytes, at: 0)
  printer.write("<", "first_sequence", first)
  printer.write(":", "last_sequence", last)
  printer.out.write(">")
  guard !isRequest, printer.options.verbosity > 0 else { return }
  printer.out.write(" <")
  if printer.writesFields { printer.fields.beginArray("operations") }
  if try printList(try bytes.dropping(16), first, last, &printer) { printer.out.write(" >") }
  if printer.writesFields { printer.fields.end() }
}

///     0          4        6   7      8
///     +----------+--------+---+------+------
///     | sequence | length |   | type | value, filled up to a multiple of four bytes
///     +----------+--------+---+------+------
/// For operations that are left out, the sequence number is that of the last one. Returns false if it is before the current one.
private func printList(
  _ bytes: PacketBytes, _ first: UInt32, _ last: UInt32, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  var sequence = UInt64(first)
  var rest = bytes.clamped(to: bytes.length)
  // Every iteration advances by a header.
  while sequence <= UInt64(last) {
    try rest.check(0, operationHeaderLength)
    let type = try rest.u8(at: 7)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type)
      printer.fields.end()
    }
    printer.write(" ", type, as: .named(Operation.names, unknown: .decimal("dop-", "!")))
    if type == Operation.skip || type == Operation.hole {
      let stated = UInt64(try rest.u32(at: 0))
      printer.out.write(decimal: UInt32(truncatingIfNeeded: stated &- sequence &+ 1))
      if stated < sequence || stated > UInt64(last) { printer.out.write("[|]") }
      if stated < sequence { return false }
      sequence = stated
    }
    sequence += 1
    let length = (Int(try rest.u16(at: 4)) &+ 3) & ~3
    rest = try rest.dropping(min(rest.count, operationHeaderLength &+ length))
  }
  return true
}

///     0              4             12     16     24                  26  28
///     +--------------+-------------+------+------+-------------------+---+--------------------+-----
///     | highest slot | its page    | slot | page | number of persons |   | persons (8 each)   | site, to a NUL or the end
///     +--------------+-------------+------+------+-------------------+---+--------------------+-----
private func printIdentity(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 28 { throw .invalid }
  try bytes.check(0, 24)
  printer.write(" ", "slot", try bytes.u32(at: 12))
  try printer.writePage("/", bytes, at: 16)
  printer.write(" (max ", try bytes.u32(at: 0))
  printer.write("/", try bytes.ipv4(at: 4))
  printer.write(":", try bytes.u32(at: 8))
  printer.out.write(") ")
  try bytes.check(24, 4)
  let count = Int(try bytes.u16(at: 24))
  if bytes.length < 28 &+ 8 &* count { throw .invalid }
  try printPersons(count, bytes, at: 28, &printer)
  printer.out.write("> \"")
  let site = try bytes.dropping(28 &+ 8 &* count)
  if printer.writesFields { printer.fields.write("site", text: site.textToNUL()) }
  try printer.writeTextToNUL(site)
  printer.out.write("\"")
}

///     0                  4
///     +------------------+---------------------------------------------------------------------
///     | number of pages  | for each: slot (4), page (8), number of persons (1), 3 bytes, persons (8 each)
///     +------------------+---------------------------------------------------------------------
private func printPages(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 4 { throw .invalid }
  var left = try bytes.u32(at: 0)
  var rest = try bytes.clamped(to: bytes.length).dropping(4)
  // Every iteration advances by sixteen bytes.
  while left > 0 {
    try rest.check(0, 12)
    printer.write(" ", try rest.u32(at: 0))
    printer.write("/", try rest.ipv4(at: 4))
    printer.write(":", try rest.u32(at: 8))
    let count = Int(try rest.u8(at: 12))
    try rest.check(0, 16)
    try printPersons(count, rest, at: 16, &printer)
    printer.out.write(">")
    rest = try rest.dropping(16 &+ 8 &* count)
    left &-= 1
  }
}

/// `<10.0.0.2:9,10.0.0.3:8`.
private func printPersons(
  _ count: Int, _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) {
  for index in 0..<count {
    let offset = start &+ 8 &* index
    try bytes.check(offset, 8)
    printer.write(index == 0 ? "<" : ",", try bytes.ipv4(at: offset))
    printer.write(":", try bytes.u32(at: offset &+ 4))
  }
}
