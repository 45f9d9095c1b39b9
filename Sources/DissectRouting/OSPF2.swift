import Dissect
import PacketCore

// OSPF version 2, RFC 2328.

private enum Authentication {
  static let none: UInt16 = 0
  static let simple: UInt16 = 1
  static let cryptographic: UInt16 = 2
  static let digestLength = 16
  static let names: ValueNames = [0: "none", 1: "simple", 2: "MD5"]
}

/// Options of a router, RFC 2328 section A.2, RFC 5250, RFC 5613 and RFC 4576.
private let optionNames: FlagNames = [
  0x01: "MultiTopology", 0x02: "External", 0x04: "Multicast", 0x08: "NSSA", 0x10: "LLS", 0x20: "Demand Circuit",
  0x40: "Opaque", 0x80: "Up/Down",
]
private let linkLocalSignaling: UInt8 = 0x10

///     0         1      2        4           8      12         14          16
///     +---------+------+--------+-----------+------+----------+-----------+----------------+---------
///     | version | type | length | router ID | area | checksum | auth type | authentication | by type
///     +---------+------+--------+-----------+------+----------+-----------+----------------+---------
/// RFC 2328 section A.3.1. A digest follows the packet; the packet's length does not include it.
private let headerLength = 24

func printOSPF2(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let authentication = try payload.u16(at: 14)
  let version = try payload.u8(at: 0)
  let type = try payload.u8(at: 1)
  let stated = Int(try payload.u16(at: 2))
  let digest = authentication == Authentication.cryptographic ? Authentication.digestLength : 0
  let bytes = payload.clamped(to: max(0, payload.length &- digest))
  let router = try payload.ipv4(at: 4)
  let area = try payload.ipv4(at: 8)
  if printer.enter(.ospf) {
    printer.fields.write("version", version)
    printer.fields.write("type", type, "type_name", OSPFPacket.names)
    printer.fields.write("length", stated)
    printer.fields.write("router_id", router)
  }
  printer.write("OSPFv", version)
  printer.out.write(", ")
  printer.write(OSPFPacket.names, type, unknown: .decimal("unknown LS-type "))
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0, OSPFPacket.names[type] != nil else { return }
  if stated != bytes.length {
    printer.write(" [len ", stated)
    printer.out.write("]")
  }
  printer.write("\n\tRouter-ID ", router)
  printer.writeOSPFArea(area)
  if printer.writesFields { printer.fields.write("checksum", try payload.u16(at: 12)) }
  guard try printAuthentication(bytes, authentication, &printer) else { return }
  guard version == 2 else {
    printer.write(" ospf [version ", version)
    printer.out.write("]")
    return
  }
  let isExtended = try printBody(bytes, type, stated, &printer)
  if isExtended {
    try printOSPFLinkLocalSignaling(payload.clamped(to: payload.length), at: stated &+ digest, &printer)
  }
}

/// False if nothing more can be read, because the type of authentication is unknown.
private func printAuthentication(
  _ bytes: PacketBytes, _ type: UInt16, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  try bytes.check(16, 8)
  if printer.writesFields {
    printer.fields.write("authentication_type", type, "authentication_type_name", Authentication.names)
  }
  printer.write(", Authentication Type: ", type, as: .named(Authentication.names, unknown: "unknown"))
  printer.write(" (", type)
  printer.out.write(")")
  switch type {
  case Authentication.none: return true
  case Authentication.simple:
    let password = try bytes.slice(at: 16, length: 8)
    try printer.write(
      "\n\tSimple text password: ", "password", text: password.clamped(to: try password.lengthToNUL()))
    return true
  case Authentication.cryptographic:
    printer.write("\n\tKey-ID: ", "key_id", try bytes.u8(at: 18))
    printer.write(", Auth-Length: ", try bytes.u8(at: 19))
    printer.write(", Crypto Sequence Number: 0x", "authentication_sequence", try bytes.u32(at: 20), as: .hex(8))
    return true
  default: return false
  }
}

/// Prints the body up to the length that the header states, except that advertisements have their own lengths; true if link-local signaling
/// (RFC 5613) follows.
private func printBody(
  _ bytes: PacketBytes, _ type: UInt8, _ stated: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  try bytes.check(0, headerLength)
  // The stated length may exceed the captured one: reading beyond it then ends the packet with a truncation mark.
  let end = max(headerLength, stated)
  let body = try bytes.clamped(to: end).dropping(headerLength).withLength(end &- headerLength)
  switch type {
  case OSPFPacket.hello: return try printHello(body, &printer)
  case OSPFPacket.databaseDescription: return try printDescription(body, &printer)
  case OSPFPacket.request: try printRequests(body, &printer)
  case OSPFPacket.update: try printUpdate(try bytes.dropping(headerLength), &printer)
  case OSPFPacket.acknowledgment: try printHeaders(body, at: 0, &printer)
  default: break
  }
  return false
}

///     0      4                8         9          10              14                  18
///     +------+----------------+---------+----------+---------------+-------------------+--------+-----------
///     | mask | hello interval | options | priority | dead interval | designated router | backup | neighbors …
///     +------+----------------+---------+----------+---------------+-------------------+--------+-----------
/// RFC 2328 section A.3.2, with the offsets 4, 6, 7, 8, 12, 16 and 20.
private func printHello(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let bits = try bytes.u8(at: 6)
  if printer.writesFields { printer.fields.write("option_bits", bits) }
  printer.writeOSPFFlags("\n\tOptions [", optionNames, bits)
  try bytes.check(0, 12)
  printer.write("\n\t  Hello Timer ", "hello_interval_seconds", try bytes.u16(at: 4))
  printer.write("s, Dead Timer ", "dead_interval_seconds", try bytes.u32(at: 8))
  printer.write("s, Mask ", "network_mask", try bytes.ipv4(at: 0))
  printer.write(", Priority ", "priority", try bytes.u8(at: 7))
  let designated = try bytes.ipv4(at: 12)
  if printer.writesFields { printer.fields.write("designated_router", designated) }
  if designated.rawValue != 0 { printer.write("\n\t  Designated Router ", designated) }
  let backup = try bytes.ipv4(at: 16)
  if printer.writesFields { printer.fields.write("backup_designated_router", backup) }
  if backup.rawValue != 0 { printer.write(", Backup Designated Router ", backup) }
  if bytes.length > 20 { printer.out.write("\n\t  Neighbor List:") }
  try printer.writeOSPFRouters(bytes, at: 20, "\n\t    ", key: "neighbors")
  return bits & linkLocalSignaling != 0
}

///     0     2         3       4          8
///     +-----+---------+-------+----------+-----------------
///     | MTU | options | flags | sequence | headers of LSAs …
///     +-----+---------+-------+----------+-----------------
/// RFC 2328 section A.3.3.
private func printDescription(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let bits = try bytes.u8(at: 2)
  if printer.writesFields { printer.fields.write("option_bits", bits) }
  printer.writeOSPFFlags("\n\tOptions [", optionNames, bits)
  let flags = try bytes.u8(at: 3)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.writeOSPFFlags(", DD Flags [", ospfDescriptionFlags, flags)
  let mtu = try bytes.u16(at: 0)
  if printer.writesFields { printer.fields.write("mtu", mtu) }
  if mtu != 0 { printer.write(", MTU: ", mtu) }
  let sequence = try bytes.u32(at: 4)
  printer.write(", Sequence: 0x", "sequence", sequence, as: .hex(8))
  try printHeaders(bytes, at: 8, &printer)
  return bits & linkLocalSignaling != 0
}

/// Headers of link state advertisements, of 20 bytes each.
private func printHeaders(
  _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) {
  var list = printer.openList(bytes, at: start, .elements(of: 20, lastIsCut: true), objects: "lsas")
  while let header = try printer.next(&list) { _ = try printer.writeOSPF2Header(header.bytes) }
}

///     0      4               8
///     +------+---------------+--------------------+
///     | type | link state ID | advertising router |      each 12 bytes
///     +------+---------------+--------------------+
/// RFC 2328 section A.3.4.
private func printRequests(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, .elements(of: 12, lastIsCut: true), objects: "requests")
  while let request = try printer.next(&list) {
    try request.bytes.check(0, 12)
    let type = try request.bytes.u32(at: 0)
    let id = try request.bytes.u32(at: 4)
    if printer.writesFields {
      printer.fields.write("type", type, "type_name", OSPF2Advertisement.names)
      printer.fields.write("link_state_id", try request.bytes.ipv4(at: 4))
    }
    printer.write("\n\t  Advertising Router: ", "advertising_router", try request.bytes.ipv4(at: 8))
    printer.write(", ", type, as: .named(OSPF2Advertisement.names, unknown: "unknown"))
    printer.write(" LSA (", type)
    if OSPF2Advertisement.isOpaque(type) {
      printer.write("), Opaque-Type: ", id >> 24, as: .named(OSPF2Advertisement.opaqueNames, unknown: "unknown"))
      printer.write(" LSA (", id >> 24)
      printer.write("), Opaque-ID: ", id & 0xff_ffff)
    } else {
      printer.write("), LSA-ID: ", IPv4Address(rawValue: id))
    }
  }
}

/// The number of advertisements, and the advertisements, RFC 2328 section A.3.5.
private func printUpdate(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let count = try bytes.u32(at: 0)
  printer.write(", ", count)
  printer.out.write(count == 1 ? " LSA" : " LSAs")
  let layout = OptionLayout(
    type: .bytes(at: 3, 1), length: .bytes(at: 18, 2), headerLength: 20, countsHeader: true)
  // Each takes at least twenty bytes, so the loop ends long before a bogus count is reached.
  var list = printer.openList(bytes, at: 4, layout, objects: "lsas")
  for number in 0..<count {
    printer.write("\n\t  LSA #", number + 1)
    guard let advertisement = try printer.next(&list) else { throw .truncated }
    guard try printer.writeOSPF2Header(advertisement.bytes) else { throw .truncated }
    let body = advertisement.value
    guard try printer.writeOSPF2Body(advertisement.type, advertisement.bytes, body) else { break }
    if printer.options.verbosity > 1 { printer.writeHex(body.clamped(to: body.length), indent: "\n\t    ") }
  }
  printer.stop(&list)
}

extension Printer {
  ///     0     2         3      4               8                    12         16         18
  ///     +-----+---------+------+---------------+--------------------+----------+----------+--------+
  ///     | age | options | type | link state ID | advertising router | sequence | checksum | length |
  ///     +-----+---------+------+---------------+--------------------+----------+----------+--------+
  /// RFC 2328 section A.4.1; false if the length is less than that of the header.
  fileprivate mutating func writeOSPF2Header(_ bytes: PacketBytes) throws(DecodeError) -> Bool {
    try bytes.check(0, OSPF2Advertisement.headerLength)
    let length = Int(try bytes.u16(at: 18))
    let type = try bytes.u8(at: 3)
    let id = try bytes.u32(at: 4)
    let bits = try bytes.u8(at: 2)
    let isOpaque = OSPF2Advertisement.isOpaque(UInt32(type))
    if writesFields {
      fields.write("age_seconds", try bytes.u16(at: 0))
      fields.write("type", type, "type_name", OSPF2Advertisement.names)
      if isOpaque { fields.write("opaque_type", id >> 24, "opaque_type_name", OSPF2Advertisement.opaqueNames) }
      fields.write("link_state_id", try bytes.ipv4(at: 4))
      fields.write("advertising_router", try bytes.ipv4(at: 8))
      fields.write("sequence", try bytes.u32(at: 12))
      fields.write("length", length)
      fields.write("option_bits", bits)
    }
    guard length >= OSPF2Advertisement.headerLength else {
      write("\n\t    Bogus length ", length)
      out.write(" < header (20)")
      noteInvalid()
      return false
    }
    write("\n\t  Advertising Router ", try bytes.ipv4(at: 8))
    write(", seq 0x", try bytes.u32(at: 12), as: .hex(8))
    write(", age ", try bytes.u16(at: 0))
    write("s, length ", length &- OSPF2Advertisement.headerLength)
    write("\n\t    ", type, as: .named(OSPF2Advertisement.names, unknown: "unknown"))
    write(" LSA (", type)
    if isOpaque {
      write("), Opaque-Type ", id >> 24, as: .named(OSPF2Advertisement.opaqueNames, unknown: "unknown"))
      write(" LSA (", id >> 24)
      write("), Opaque-ID ", id & 0xff_ffff)
    } else {
      write("), LSA-ID: ", IPv4Address(rawValue: id))
    }
    writeOSPFFlags("\n\t    Options: [", optionNames, bits)
    return true
  }
}
