import Dissect
import PacketCore

// OSPF version 3, RFC 5340.

/// Options of a router, RFC 5340 section A.2, RFC 5838, RFC 5613 and RFC 7166.
private let optionNames: FlagNames = [
  0x001: "V6", 0x002: "External", 0x004: "Deprecated", 0x008: "NSSA", 0x010: "Router", 0x020: "Demand Circuit",
  0x100: "AFs Support", 0x200: "LLS", 0x400: "Authentication Trailer",
]
private let linkLocalSignaling: UInt32 = 0x200

private let descriptionFlags: FlagNames = [0x04: "Init", 0x02: "More", 0x01: "Master", 0x10: "IPv6 MTU"]

///     0         1      2        4           8      12         14         15
///     +---------+------+--------+-----------+------+----------+----------+------+---------
///     | version | type | length | router ID | area | checksum | instance | zero | by type
///     +---------+------+--------+-----------+------+----------+----------+------+---------
/// RFC 5340 section A.3.1.
private let headerLength = 16

func printOSPF3(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.protocolName = "ospf3"
  let version = try payload.u8(at: 0)
  let type = try payload.u8(at: 1)
  if printer.enter(.ospf) {
    printer.fields.write("version", version)
    printer.fields.write("type", type, "type_name", OSPFPacket.names)
  }
  printer.write("OSPFv", version)
  printer.out.write(", ")
  printer.write(OSPFPacket.names, type, unknown: .decimal("unknown packet type (", ")"))
  printer.write(", length ", payload.length)
  guard printer.options.verbosity > 0, OSPFPacket.names[type] != nil else { return }
  let stated = Int(try payload.u16(at: 2))
  if printer.writesFields { printer.fields.write("length", stated) }
  guard stated <= payload.length else {
    printer.write(" [len ", stated)
    printer.out.write("]")
    printer.noteInvalid()
    return
  }
  let router = try payload.ipv4(at: 4)
  printer.write("\n\tRouter-ID ", "router_id", router)
  let area = try payload.ipv4(at: 8)
  printer.writeOSPFArea(area)
  let instance = try payload.u8(at: 14)
  if printer.writesFields {
    printer.fields.write("checksum", try payload.u16(at: 12))
    printer.fields.write("instance_id", instance)
  }
  if instance != 0 { printer.write(", Instance ", instance) }
  guard version == 3 else { return }
  let bits = try printBody(payload.clamped(to: stated), type, &printer)
  try printTrailers(payload, at: stated, bits, &printer)
}

/// Prints the body up to the length that the header states; returns the options, if it has any.
private func printBody(
  _ bytes: PacketBytes, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) -> UInt32 {
  switch type {
  case OSPFPacket.hello: return try printHello(try bytes.dropping(headerLength), &printer)
  case OSPFPacket.databaseDescription: return try printDescription(try bytes.dropping(headerLength), &printer)
  default: break
  }
  // Advertisements are long, so they are only printed with `-vv`.
  guard printer.options.verbosity > 1 else { return 0 }
  let body = try bytes.dropping(headerLength)
  switch type {
  case OSPFPacket.request: try printRequests(body, &printer)
  case OSPFPacket.update: try printUpdate(body, &printer)
  default: try printHeaders(body, at: 0, &printer)
  }
  return 0
}

///     0            4          5         8                10              12                  16       20
///     +------------+----------+---------+----------------+---------------+-------------------+--------+-----------
///     | interface  | priority | options | hello interval | dead interval | designated router | backup | neighbors …
///     +------------+----------+---------+----------------+---------------+-------------------+--------+-----------
/// RFC 5340 section A.3.2.
private func printHello(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> UInt32 {
  let bits = try bytes.u24(at: 5)
  if printer.writesFields { printer.fields.write("option_bits", bits) }
  printer.writeOSPFFlags("\n\tOptions [", optionNames, bits)
  try bytes.check(0, 12)
  if printer.writesFields { printer.fields.write("interface_number", try bytes.u32(at: 0)) }
  printer.write("\n\t  Hello Timer ", "hello_interval_seconds", try bytes.u16(at: 8))
  printer.write("s, Dead Timer ", "dead_interval_seconds", try bytes.u16(at: 10))
  printer.write("s, Interface-ID ", try bytes.ipv4(at: 0))
  printer.write(", Priority ", "priority", try bytes.u8(at: 4))
  let designated = try bytes.ipv4(at: 12)
  if printer.writesFields { printer.fields.write("designated_router", designated) }
  if designated.rawValue != 0 { printer.write("\n\t  Designated Router ", designated) }
  let backup = try bytes.ipv4(at: 16)
  if printer.writesFields { printer.fields.write("backup_designated_router", backup) }
  if backup.rawValue != 0 { printer.write(", Backup Designated Router ", backup) }
  guard printer.options.verbosity > 1 else { return bits }
  printer.out.write("\n\t  Neighbor List:")
  try printer.writeOSPFRouters(bytes, at: 20, "\n\t    ", key: "neighbors")
  return bits
}

///     0      1         4     6      7       8          12
///     +------+---------+-----+------+-------+----------+-----------------
///     | zero | options | MTU | zero | flags | sequence | headers of LSAs …
///     +------+---------+-----+------+-------+----------+-----------------
/// RFC 5340 section A.3.3.
private func printDescription(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> UInt32 {
  let bits = try bytes.u24(at: 1)
  if printer.writesFields { printer.fields.write("option_bits", bits) }
  printer.writeOSPFFlags("\n\tOptions [", optionNames, bits)
  let flags = try bytes.u8(at: 7)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.writeOSPFFlags(", DD Flags [", descriptionFlags, flags)
  try bytes.check(8, 4)
  printer.write(", MTU ", "mtu", try bytes.u16(at: 4))
  printer.write(", DD-Sequence 0x", "sequence", try bytes.u32(at: 8), as: .hex(8))
  if printer.options.verbosity > 1 { try printHeaders(bytes, at: 12, &printer) }
  return bits
}

/// Headers of link state advertisements, of 20 bytes each.
private func printHeaders(
  _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) {
  var list = printer.openList(bytes, at: start, .elements(of: 20, lastIsCut: true), objects: "lsas")
  while let header = try printer.next(&list) { try printer.writeOSPF3Header(header.bytes) }
}

///     0      2      4               8
///     +------+------+---------------+--------------------+
///     | zero | type | link state ID | advertising router |      each 12 bytes
///     +------+------+---------------+--------------------+
/// RFC 5340 section A.3.4.
private func printRequests(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, .elements(of: 12, lastIsCut: true), objects: "requests")
  while let request = try printer.next(&list) {
    try request.bytes.check(0, 12)
    let type = try request.bytes.u16(at: 2)
    if printer.writesFields {
      printer.fields.write("type", type)
      if let name = OSPF3Advertisement.name(of: type) { printer.fields.write("type_name", name) }
      printer.fields.write("link_state_id", try request.bytes.ipv4(at: 4))
    }
    printer.write("\n\t  Advertising Router ", "advertising_router", try request.bytes.ipv4(at: 8))
    printer.writeOSPF3Type(type, try request.bytes.ipv4(at: 4))
  }
}

/// The number of advertisements, and the advertisements, RFC 5340 section A.3.5.
private func printUpdate(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let count = try bytes.u32(at: 0)
  let layout = OptionLayout(type: .bytes(at: 2, 2), length: .bytes(at: 18, 2), headerLength: 20, countsHeader: true)
  // Each takes at least twenty bytes, so the loop ends long before a bogus count is reached.
  var list = printer.openList(bytes, at: 4, layout, objects: "lsas")
  for _ in 0..<count {
    guard let advertisement = try printer.next(&list) else { return }
    if advertisement.isTooShort {
      printer.write("\n\t\t  Bogus length ", advertisement.length)
      printer.out.write(" < header (20)")
      printer.noteInvalid()
      throw .truncated
    }
    try printer.writeOSPF3Header(advertisement.bytes)
    if advertisement.isTooLong { throw .truncated }
    try printer.writeOSPF3Body(UInt16(truncatingIfNeeded: advertisement.type), advertisement.value)
  }
  printer.stop(&list)
}

private let trailerTypes: ValueNames = [1: "HMAC"]

///     signaling: 0 checksum (2)  2 length in words of four bytes (2)
///     authentication: 0 type (2)  2 length (2)  6 security association (2)  8 sequence (8)  16 data
/// The blocks after the packet: RFC 5613 section 2, if the options announce it, and RFC 7166 section 4.1, which only some packets can
/// announce.
private func printTrailers(
  _ bytes: PacketBytes, at start: Int, _ bits: UInt32, _ printer: inout Printer
) throws(DecodeError) {
  guard bytes.length > start else { return }
  var offset = start
  if bits & linkLocalSignaling != 0 {
    printer.write("\n\tLLS Checksum 0x", try bytes.u16(at: offset), as: .hex(4))
    let words = Int(try bytes.u16(at: offset &+ 2))
    printer.write(", Data Length ", words)
    offset &+= max(4, words &* 4)
    guard bytes.length > offset else { return }
  }
  try bytes.check(offset, 16)
  printer.write(
    "\n\tAuthentication Type ", try bytes.u16(at: offset),
    as: .named(trailerTypes, unknown: .hex("unknown (0x", digits: 4, ")")))
  let length = Int(try bytes.u16(at: offset &+ 2))
  printer.write(", Length ", length)
  guard length >= 16 else { throw .truncated }
  try bytes.check(offset, length)
  printer.write(", SAID ", try bytes.u16(at: offset &+ 6))
  printer.write(", CSN 0x", try bytes.u32(at: offset &+ 8), as: .hex(8))
  printer.write(":", try bytes.u32(at: offset &+ 12), as: .hex(8))
  let data = try bytes.slice(at: offset &+ 16, length: length &- 16)
  if printer.options.verbosity > 1 { printer.writeHex(data, indent: "\n\tAuthentication Data ") }
}
