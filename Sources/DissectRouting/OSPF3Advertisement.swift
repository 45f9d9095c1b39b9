import Dissect
import PacketCore

// Link state advertisements of OSPF version 3, RFC 5340 section A.4.

/// Types, including their scope bits: 0 the link, 0x2000 the area, 0x4000 the whole system.
enum OSPF3Advertisement {
  static let router: UInt16 = 0x2001
  static let network: UInt16 = 0x2002
  static let interAreaPrefix: UInt16 = 0x2003
  static let external: UInt16 = 0x4005
  static let link: UInt16 = 0x0008
  static let intraAreaPrefix: UInt16 = 0x2009
  static let grace: UInt16 = 0x000b

  /// The function of a type, without its scope and without the bit for flooding it even if unknown.
  static let functionMask: UInt16 = 0x1fff
  static let names: ValueNames = [
    1: "Router", 2: "Network", 3: "Inter-Area Prefix", 4: "Inter-Area Router", 5: "External", 6: "Deprecated",
    7: "NSSA", 8: "Link", 9: "Intra-Area Prefix", 10: "Intra-Area TE", 11: "Grace", 12: "Router Information",
  ]
  static let scopes: ValueNames = [0: "Link Local", 1: "Area Local", 2: "Domain Wide"]

  static func name(of type: UInt16) -> StaticString? { names[type & functionMask] }
}

private let optionNames: FlagNames = [
  0x001: "V6", 0x002: "External", 0x004: "Deprecated", 0x008: "NSSA", 0x010: "Router", 0x020: "Demand Circuit",
  0x100: "AFs Support", 0x200: "LLS", 0x400: "Authentication Trailer",
]
private let routerFlags: FlagNames = [
  0x01: "ABR", 0x02: "External", 0x04: "Virtual-Link Endpoint", 0x08: "Deprecated", 0x10: "NSSA Translator",
]
private let prefixOptions: FlagNames = [
  0x01: "No Unicast", 0x02: "Local address", 0x04: "Deprecated", 0x08: "Propagate", 0x10: "Down", 0x20: "N-bit",
]
private let externalFlags: FlagNames = [0x0400_0000: "External Type 2", 0x0200_0000: "Forwarding", 0x0100_0000: "Tag"]

extension Printer {
  /// `Router LSA (1), Area Local Scope, LSA-ID 0.0.0.5`, on its own line.
  mutating func writeOSPF3Type(_ type: UInt16, _ id: IPv4Address) {
    let function = type & OSPF3Advertisement.functionMask
    write("\n\t    ", function, as: .named(OSPF3Advertisement.names, unknown: "Unknown"))
    write(" LSA (", function)
    write("), ", type >> 13 & 3, as: .named(OSPF3Advertisement.scopes, unknown: "Unknown"))
    out.write(" Scope")
    if type & 0x8000 != 0 { out.write(", transitive") }
    write(", LSA-ID ", id)
  }

  ///     0     2      4               8                    12         16         18
  ///     +-----+------+---------------+--------------------+----------+----------+--------+
  ///     | age | type | link state ID | advertising router | sequence | checksum | length |
  ///     +-----+------+---------------+--------------------+----------+----------+--------+
  /// RFC 5340 section A.4.2.
  mutating func writeOSPF3Header(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, 20)
    let type = try bytes.u16(at: 2)
    let length = Int(try bytes.u16(at: 18))
    if writesFields {
      fields.write("age_seconds", try bytes.u16(at: 0))
      fields.write("type", type)
      if let name = OSPF3Advertisement.name(of: type) { fields.write("type_name", name) }
      fields.write("link_state_id", try bytes.ipv4(at: 4))
      fields.write("advertising_router", try bytes.ipv4(at: 8))
      fields.write("sequence", try bytes.u32(at: 12))
      fields.write("length", length)
    }
    if length < 20 {
      write("\n\t\t  Bogus length ", length)
      out.write(" < header (20)")
      noteInvalid()
      throw .truncated
    }
    write("\n\t  Advertising Router ", try bytes.ipv4(at: 8))
    write(", seq 0x", try bytes.u32(at: 12), as: .hex(8))
    write(", age ", try bytes.u16(at: 0))
    write("s, length ", length &- 20)
    writeOSPF3Type(type, try bytes.ipv4(at: 4))
  }

  /// Prints the body of an advertisement.
  mutating func writeOSPF3Body(_ type: UInt16, _ body: PacketBytes) throws(DecodeError) {
    switch type {
    case OSPF3Advertisement.router: try writeRouter(body)
    case OSPF3Advertisement.network:
      try writeOptions(body, at: 1)
      out.write("\n\t      Connected Routers:")
      try writeOSPFRouters(body, at: 4, "\n\t\t", key: "attached_routers")
    case OSPF3Advertisement.interAreaPrefix:
      let metric = try body.u24(at: 1)
      write(", metric ", "metric", metric)
      try writePrefixes(body, at: 4, count: .max)
    case OSPF3Advertisement.external: try writeExternal(body)
    case OSPF3Advertisement.link: try writeLink(body)
    case OSPF3Advertisement.intraAreaPrefix:
      try body.check(0, 12)
      writeOSPF3Type(try body.u16(at: 2), try body.ipv4(at: 4))
      let count = Int(try body.u16(at: 0))
      write("\n\t      Prefixes ", count)
      out.write(":")
      try writePrefixes(body, at: 12, count: count)
    case OSPF3Advertisement.grace: _ = try writeOSPFGrace(body)
    default: writeHex(body.clamped(to: body.length), indent: "\n\t      ")
    }
  }

  private mutating func writeOptions(_ body: PacketBytes, at offset: Int) throws(DecodeError) {
    let bits = try body.u24(at: offset)
    if writesFields { fields.write("option_bits", bits) }
    writeOSPFFlags("\n\t      Options [", optionNames, bits)
  }

  ///     0       1         4
  ///     +-------+---------+---------
  ///     | flags | options | links …      0 type (1)  2 metric (2)  4 interface (4)  8 neighbor's interface (4)  12 neighbor (4)
  ///     +-------+---------+---------
  /// RFC 5340 section A.4.3.
  private mutating func writeRouter(_ body: PacketBytes) throws(DecodeError) {
    let flags = try body.u8(at: 0)
    if writesFields { fields.write("flag_bits", flags) }
    try writeOptions(body, at: 1)
    writeOSPFFlags(", RLA-Flags [", routerFlags, flags)
    var list = openList(body, at: 4, .elements(of: 16, lastIsCut: true), objects: "links")
    while let link = try next(&list) {
      try link.bytes.check(0, 16)
      let type = try link.bytes.u8(at: 0)
      if writesFields {
        fields.write("type", type)
        fields.write("interface_number", try link.bytes.u32(at: 4))
        fields.write("neighbor_interface_id", try link.bytes.u32(at: 8))
        fields.write("neighbor_router_id", try link.bytes.ipv4(at: 12))
        fields.write("metric", try link.bytes.u16(at: 2))
      }
      switch type {
      case 1: out.write("\n\t      Neighbor Router-ID ")
      case 2: out.write("\n\t      Neighbor Network-ID ")
      case 4: out.write("\n\t      Virtual Link: Neighbor Router-ID ")
      default:
        write("\n\t      Unknown Router Links Type 0x", type, as: .hex(2))
        return stop(&list)
      }
      writeHost(try link.bytes.ipv4(at: 12))
      write("\n\t      Neighbor Interface-ID ", try link.bytes.ipv4(at: 8))
      write(", Interface ", try link.bytes.ipv4(at: 4))
      write(", metric ", try link.bytes.u16(at: 2))
    }
  }

  ///     0 flags (1)  1 metric (3)  4 prefix, and by flags: forwarding address (16), tag (4), link state ID (4)
  /// RFC 5340 section A.4.7.
  private mutating func writeExternal(_ body: PacketBytes) throws(DecodeError) {
    let word = try body.u32(at: 0)
    writeOSPFFlags("\n\t     Flags [", externalFlags, word)
    write(" metric ", "metric", word & 0xff_ffff)
    if writesFields {
      fields.write("metric_type", word & 0x0400_0000 != 0 ? 2 : 1)
      fields.beginArray("prefixes")
    }
    var offset = 4 &+ (try writePrefix(body, at: 4))
    if writesFields { fields.end() }
    if word & 0x0200_0000 != 0 {
      let address = try body.ipv6(at: offset)
      write(" forward ", "forwarding_address", address)
      offset &+= 16
    }
    guard word & 0x0100_0000 != 0 else { return }
    let tag = try body.u32(at: offset)
    if writesFields { fields.write("route_tag", tag) }
    write(" tag ", IPv4Address(rawValue: tag))
  }

  ///     0          1         4                    20
  ///     +----------+---------+--------------------+--------------------+-----------
  ///     | priority | options | link-local address | number of prefixes | prefixes …
  ///     +----------+---------+--------------------+--------------------+-----------
  /// RFC 5340 section A.4.9.
  private mutating func writeLink(_ body: PacketBytes) throws(DecodeError) {
    try writeOptions(body, at: 1)
    try body.check(0, 24)
    let count = Int(clamping: try body.u32(at: 20))
    write("\n\t      Priority ", "priority", try body.u8(at: 0))
    write(", Link-local address ", "link_local_address", try body.ipv6(at: 4))
    write(", Prefixes ", count)
    out.write(":")
    try writePrefixes(body, at: 24, count: count)
  }

  /// `count` prefixes, or all up to the end of the advertisement.
  private mutating func writePrefixes(_ body: PacketBytes, at start: Int, count: Int) throws(DecodeError) {
    // A prefix takes as many four-byte words as its bits need.
    let layout = OptionLayout(type: .constant(0), length: .bytes(at: 0, 1), headerLength: 4, needed: 1)
    var list = openList(body, at: start, layout, array: "prefixes")
    var rest = count
    while rest > 0 {
      guard let prefix = try next(&list) else {
        if count == .max { return }
        throw .truncated
      }
      list.resume(after: try writePrefix(prefix.bytes, at: 0))
      rest &-= 1
    }
    stop(&list)
  }

  ///     0        1         2        4
  ///     +--------+---------+--------+--------
  ///     | length | options | metric | prefix
  ///     +--------+---------+--------+--------
  /// RFC 5340 section A.4.1; returns the length of the prefix in bytes.
  private mutating func writePrefix(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) -> Int {
    try bytes.check(offset, 4)
    let length = Int(try bytes.u8(at: offset))
    guard length <= 128 else {
      write(" bogus prefixlen /", length)
      noteInvalid()
      throw .truncated
    }
    let size = (length &+ 31) / 32 &* 4
    let prefix = try bytes.slice(at: offset &+ 4, length: size)
    var address: UInt128 = 0
    for index in 0..<size { address |= UInt128(try prefix.u8(at: index)) << UInt128(120 &- index &* 8) }
    let bits = try bytes.u8(at: offset &+ 1)
    let metric = try bytes.u16(at: offset &+ 2)
    if writesFields {
      fields.beginObject()
      fields.write("prefix", IPv6Address(rawValue: address))
      fields.write("prefix_length", length)
      fields.write("option_bits", bits)
      fields.write("metric", metric)
      fields.end()
    }
    write("\n\t\t", IPv6Address(rawValue: address))
    write("/", length)
    if bits != 0 { writeOSPFFlags(", Options [", prefixOptions, bits) }
    write(", metric ", metric)
    return 4 &+ size
  }
}
