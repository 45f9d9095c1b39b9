package import Dissect
import PacketCore

extension Layer {
  static let eigrp = Layer("eigrp", "Enhanced Interior Gateway Routing Protocol", "RFC 7868") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("opcode", .uint8, "Kind of packet."),
      Field("opcode_name", .text, "Name of the kind."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("flag_bits", .uint32, "1 init, 2 conditionally received, 4 restart, 8 end of table."),
      Field("sequence", .uint32, "Sequence number."),
      Field("acknowledgment", .uint32, "Sequence number that is acknowledged; 0 for none."),
      Field("virtual_router_id", .uint16, "Virtual router."),
      Field("as_number", .uint16, "Autonomous system."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "TLV type."),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the TLV, with its header."),
            Field("hold_time_seconds", .uint16, "Seconds for which the neighbor is valid."),
            Field("k_values", .array(.uint8), "Weights of metrics, which neighbors have to agree on."),
            Field("prefix", .ipv4, "Network."),
            Field("prefix_length", .uint8, "Bits of the prefix."),
            Field("next_hop", .ipv4, "Next hop; 0.0.0.0 is the sender."),
            Field("delay", .uint32, "Sum of delays, in 256ths of ten microseconds; the largest number is no way."),
            Field("bandwidth", .uint32, "Lowest bandwidth, as 256 times ten million over kilobits per second."),
            Field("mtu", .uint24, "Smallest MTU."),
            Field("hop_count", .uint8, "Hops."),
            Field("reliability", .uint8, "Reliability; 255 is best."),
            Field("load", .uint8, "Load; 255 is most."),
            Field("origin_router", .ipv4, "Router that an external route is from."),
            Field("origin_as_number", .uint32, "Autonomous system that it is from."),
            Field("origin_protocol", .uint8, "Protocol that it is from."),
            Field("origin_protocol_name", .text, "Its name."),
            Field("route_tag", .uint32, "Tag of an external route."),
            Field("metric", .uint32, "Metric in the protocol that it is from."),
            Field("data", .hex, "Value of any other TLV."),
          ])), "TLVs, in order.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  /// Enhanced Interior Gateway Routing Protocol, RFC 7868.
  package static let eigrp = Dissector(name: "eigrp", claims: [.ipProtocol(88)], layers: [.eigrp], print: printEIGRP)
}

private let opcodes: ValueNames = [
  1: "Update", 3: "Query", 4: "Reply", 5: "Hello", 6: "IPX SAP", 7: "Probe",
]
private let headerFlags: FlagNames = [
  0x01: "Init", 0x02: "Conditionally Received", 0x04: "Restart", 0x08: "End-of-Table",
]

/// How the value of a TLV is written, and the minimum length of the TLV including its header.
private enum Form {
  case parameters, version, internalRoute, externalRoute, appleTalkInternal, appleTalkExternal, appleTalkCable, unknown

  var minimumLength: Int {
    switch self {
    case .parameters: 12
    case .version: 8
    case .internalRoute: 26
    case .externalRoute: 46
    case .appleTalkInternal: 28
    case .appleTalkExternal: 44
    case .appleTalkCable: 12
    case .unknown: 4
    }
  }
}

private let tlvs: OptionTable<Form> = [
  0x0001: OptionRow("General Parameters", .parameters), 0x0002: OptionRow("Authentication", .unknown),
  0x0003: OptionRow("Sequence", .unknown), 0x0004: OptionRow("Software Version", .version),
  0x0005: OptionRow("Next Multicast Sequence", .unknown), 0x0102: OptionRow("IP Internal routes", .internalRoute),
  0x0103: OptionRow("IP External routes", .externalRoute),
  0x0202: OptionRow("AppleTalk Internal routes", .appleTalkInternal),
  0x0203: OptionRow("AppleTalk External routes", .appleTalkExternal),
  0x0204: OptionRow("AppleTalk Cable setup", .appleTalkCable), 0x0302: OptionRow("IPX Internal routes", .unknown),
  0x0303: OptionRow("IPX External routes", .unknown),
]

private let originProtocols: ValueNames = [
  1: "IGRP", 2: "EIGRP", 3: "Static", 4: "RIP", 5: "Hello", 6: "OSPF", 7: "IS-IS", 8: "EGP", 9: "BGP", 10: "IDRP",
  11: "Connected",
]

///     0         1        2          4       8          12               16               18
///     +---------+--------+----------+-------+----------+----------------+----------------+------------+-----
///     | version | opcode | checksum | flags | sequence | acknowledgment | virtual router | AS number  | TLVs
///     +---------+--------+----------+-------+----------+----------------+----------------+------------+-----
/// RFC 7868 section 6.3.
private let headerLength = 20
private let tlvHeaderLength = 4

@Sendable
private func printEIGRP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let bytes = payload.clamped(to: payload.length)
  let version = try bytes.u8(at: 0)
  let opcode = try bytes.u8(at: 1)
  if printer.enter(.eigrp) { printer.fields.write("version", version) }
  guard version == 2 else {
    printer.write("EIGRP version ", version)
    printer.out.write(" packet not supported")
    return try bytes.check(0, payload.length)
  }
  if printer.writesFields { printer.fields.write("opcode", opcode, "opcode_name", opcodes) }
  if printer.options.verbosity == 0 || payload.length < headerLength {
    printer.write("EIGRP ", opcode, as: .named(opcodes, unknown: .decimal("unknown (", ")")))
    printer.write(", length: ", payload.length)
    if payload.length < headerLength { printer.writeFault(" (too short, < 20)") }
    return try bytes.check(0, payload.length)
  }
  try bytes.check(0, headerLength)
  printer.write("\n\tEIGRP v", version)
  printer.write(", opcode: ", opcode, as: .named(opcodes, unknown: .decimal("unknown, type: ")))
  printer.write(" (", opcode)
  printer.write("), chksum: 0x", "checksum", try bytes.u16(at: 2), as: .hex(4))
  let flags = try bytes.u32(at: 4)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.out.write(", Flags: [")
  printer.write(headerFlags, flags)
  printer.write("]\n\tseq: 0x", "sequence", try bytes.u32(at: 8), as: .hex(8))
  printer.write(", ack: 0x", "acknowledgment", try bytes.u32(at: 12), as: .hex(8))
  printer.write(", VRID: ", "virtual_router_id", try bytes.u16(at: 16))
  printer.write(", AS: ", "as_number", try bytes.u16(at: 18))
  printer.write(", length: ", payload.length &- headerLength)
  if printer.writesFields { printer.fields.beginArray("tlvs") }
  do throws(DecodeError) {
    try printTLVs(bytes, &printer)
  } catch {
    guard error == .invalid else { throw error }
    // An invalid packet may be truncated as well.
    printer.writeFault(" (invalid)")
    return try bytes.check(0, payload.length)
  }
}

/// TLVs: type, length including the header, and value.
private func printTLVs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var offset = headerLength
  while offset < bytes.length {
    let rest = bytes.length &- offset
    if rest < tlvHeaderLength {
      printer.write("\n\t  (only ", rest)
      printer.out.write(" bytes of data)")
      throw .invalid
    }
    let type = try bytes.u16(at: offset)
    let length = Int(try bytes.u16(at: offset &+ 2))
    let row = tlvs[type: UInt32(type)]
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type)
      if let row { printer.fields.write("type_name", row.name) }
      printer.fields.write("length", length)
    }
    printer.out.write("\n\t  ")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" TLV (0x", type, as: .hex(4))
    printer.write("), length: ", length)
    guard length >= tlvHeaderLength, length <= rest else { throw .invalid }
    let form = row?.form ?? .unknown
    let value = try bytes.slice(at: offset &+ tlvHeaderLength, length: length &- tlvHeaderLength)
    if length < form.minimumLength {
      printer.write(" (too short, < ", form.minimumLength)
      printer.writeFault(")")
    } else {
      // A prefix may extend beyond its TLV: it is then printed with the bytes after the TLV.
      let open = try bytes.dropping(offset &+ tlvHeaderLength).withLength(value.length)
      try print(form, form == .unknown ? value : open, &printer)
    }
    if printer.options.verbosity > 1 || form == .unknown { printer.writeHex(value, indent: "\n\t    ") }
    if printer.writesFields { printer.fields.end() }
    offset &+= length
  }
}

private func print(_ form: Form, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch form {
  case .parameters:
    // 0 k1 … k5 (1 each)  6 hold time in seconds (2)
    printer.write("\n\t    holdtime: ", "hold_time_seconds", try value.u16(at: 6))
    printer.out.write("s")
    if printer.writesFields { printer.fields.beginArray("k_values") }
    for index in 0..<5 {
      let weight = try value.u8(at: index)
      if printer.writesFields { printer.fields.element(weight) }
      printer.write(", k", index &+ 1)
      printer.write(" ", weight)
    }
    if printer.writesFields { printer.fields.end() }
  case .version:
    printer.write("\n\t    IOS version: ", try value.u8(at: 0))
    printer.write(".", try value.u8(at: 1))
    printer.write(", EIGRP version ", try value.u8(at: 2))
    printer.write(".", try value.u8(at: 3))
  case .internalRoute:
    // 0 next hop (4)  4 metrics (16)  20 prefix
    guard try printPrefix(value, at: 20, &printer) else { return }
    try printMetrics(value, at: 4, &printer)
  case .externalRoute:
    // 0 next hop (4)  4 origin (20)  24 metrics (16)  40 prefix
    guard try printPrefix(value, at: 40, &printer) else { return }
    try printOrigin(value, &printer)
    try printMetrics(value, at: 24, &printer)
  case .appleTalkInternal:
    try printCableRange(value, at: 20, &printer)
    try printMetrics(value, at: 4, &printer)
  case .appleTalkExternal:
    try printCableRange(value, at: 36, &printer)
    try printOrigin(value, &printer)
    try printMetrics(value, at: 20, &printer)
  case .appleTalkCable:
    printer.write("\n\t    Cable-range: ", try value.u16(at: 0))
    printer.write("-", try value.u16(at: 2))
    printer.write(", Router-ID ", try value.u32(at: 4))
  case .unknown: if printer.writesFields { printer.fields.write("data", hex: value) }
  }
}

/// A length (1), as many bytes of a prefix as it needs, and the next hop at the start of the value; false if the length is impossible.
private func printPrefix(
  _ value: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let length = try value.u8(at: offset)
  guard length <= 32 else {
    printer.writeFault("\n\t    illegal prefix length ")
    printer.out.write(decimal: length)
    return false
  }
  var bits: UInt32 = 0
  for index in 0..<(Int(length) &+ 7) / 8 {
    bits |= UInt32(try value.u8(at: offset &+ 1 &+ index)) << UInt32(24 &- index &* 8)
  }
  let nextHop = try value.ipv4(at: 0)
  if printer.writesFields {
    printer.fields.write("prefix", IPv4Address(rawValue: bits))
    printer.fields.write("prefix_length", length)
    printer.fields.write("next_hop", nextHop)
  }
  printer.out.write("\n\t    IPv4 prefix: ")
  printer.writeRightAligned(IPv4Address(rawValue: bits))
  printer.write("/", length)
  printer.out.write(", nexthop: ")
  if nextHop.rawValue == 0 {
    printer.out.write("self")
  } else {
    printer.writeHost(nextHop)
  }
  return true
}

private func printCableRange(
  _ value: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.write("\n\t     Cable-Range: ", try value.u16(at: offset))
  printer.write("-", try value.u16(at: offset &+ 2))
  printer.out.write(", nexthop: ")
  // A 16-bit network and a 16-bit node.
  let nextHop = try value.u32(at: 0)
  if nextHop == 0 {
    printer.out.write("self")
  } else {
    printer.out.write(decimal: nextHop >> 16)
    printer.write(".", nextHop & 0xffff)
  }
}

///     4 router (4)  8 autonomous system (4)  12 tag (4)  16 metric, 4 bytes or 2 in AppleTalk, then reserved, protocol (1), flags (1)
private func printOrigin(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isIPv4 = value.length >= Form.externalRoute.minimumLength &- 4
  let last = isIPv4 ? 22 : 18
  printer.write("\n\t      origin-router ", "origin_router", try value.ipv4(at: 4))
  printer.write(", origin-as ", "origin_as_number", try value.u32(at: 8))
  printer.write(
    ", origin-proto ", "origin_protocol", try value.u8(at: last),
    as: .named(originProtocols, key: "origin_protocol_name", unknown: "unknown"))
  printer.write(", flags [0x", try value.u8(at: last &+ 1), as: .hex(2))
  printer.write("], tag 0x", "route_tag", try value.u32(at: 12), as: .hex(8))
  printer.write(", metric ", "metric", isIPv4 ? try value.u32(at: 16) : UInt32(try value.u16(at: 16)))
}

///     0       4           8     11         12            13     14
///     +-------+-----------+-----+----------+-------------+------+----------+
///     | delay | bandwidth | MTU | hop count| reliability | load | reserved |
///     +-------+-----------+-----+----------+-------------+------+----------+
private func printMetrics(
  _ value: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let delay = try value.u32(at: offset)
  let bandwidth = try value.u32(at: offset &+ 4)
  if printer.writesFields {
    printer.fields.write("delay", delay)
    printer.fields.write("bandwidth", bandwidth)
  }
  printer.write("\n\t      delay ", delay / 100)
  printer.write(" ms, bandwidth ", bandwidth)
  printer.write(" Kbps, mtu ", "mtu", try value.u24(at: offset &+ 8))
  printer.write(", hop ", "hop_count", try value.u8(at: offset &+ 11))
  printer.write(", reliability ", "reliability", try value.u8(at: offset &+ 12))
  printer.write(", load ", "load", try value.u8(at: offset &+ 13))
}
