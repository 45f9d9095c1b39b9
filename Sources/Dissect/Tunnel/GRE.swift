import PacketCore

extension Layer {
  static let gre = Layer(
    "gre", "Generic Routing Encapsulation", "RFC 2784, RFC 1701, RFC 2637"
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field(
        "flags",
        .object([
          Field("has_checksum", .flag, "C.", always: true),
          Field("routing", .flag, "R.", always: true),
          Field("has_key", .flag, "K.", always: true),
          Field("has_sequence", .flag, "S.", always: true),
          Field("strict_source_route", .flag, "s.", always: true),
          Field("has_acknowledgment", .flag, "A, in version 1.", always: true),
        ]), "Flags.", always: true),
      Field("protocol", .uint16, "Protocol of what follows."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("offset", .uint16, "Offset of the active source route."),
      Field("key", .uint32, "Key."),
      Field("payload_length", .uint16, "Bytes of the payload, in version 1."),
      Field("call", .uint16, "Call, in version 1."),
      Field("tunnel", .uint16, "Tunnel of Ethernet over IP, in version 1."),
      Field("sequence", .uint32, "Sequence number."),
      Field("acknowledgment", .uint32, "Acknowledgment number, in version 1."),
      Field(
        "routes",
        .array(
          .object([
            Field("family", .uint16, "Address family.", always: true),
            Field("offset", .uint8, "Offset of the active entry."),
            Field("data", .hex, "Entries."),
          ])), "Source routes.", each: "One route."),
    ]
  }

  static let wccp = Layer(
    "wccp", "Redirect header of the Web Cache Communication Protocol inside GRE", "draft-wilson-wrec-wccp-v2"
  ) {
    [
      Field("dynamic_service", .flag, "T."),
      Field("alternative_bucket_used", .flag, "A."),
      Field("service_group_unavailable", .flag, "U."),
      Field("service_id", .uint8, "Service."),
      Field("alternative_bucket", .uint8, "Alternative bucket."),
      Field("primary_bucket", .uint8, "Primary bucket."),
    ]
  }
}

extension NumberSpace {
  /// Protocol types of GRE that are not EtherTypes, or have another meaning as EtherTypes.
  package static let greProtocol = NumberSpace("GRE protocol type", hexadecimal: true)
}

extension Dissector {
  /// Generic Routing Encapsulation, RFC 2784 and RFC 1701; version 1: Point-to-Point Tunneling Protocol, RFC 2637.
  package static let gre = Dissector(name: "gre", claims: [.ipProtocol(47)], layers: [.gre, .wccp], print: printGRE)
}

///     0                2               4
///     +----------------+---------------+------------------------------------------------------
///     | flags, version | protocol type | checksum and offset, key, sequence number, routing …
///     +----------------+---------------+------------------------------------------------------
private enum GREFlags {
  static let checksum: UInt16 = 0x8000
  static let routing: UInt16 = 0x4000
  static let key: UInt16 = 0x2000
  static let sequence: UInt16 = 0x1000
  static let acknowledgment: UInt16 = 0x0080
  static let version: UInt16 = 0x0007

  static let names: FlagNames = [
    0x8000: "checksum present", 0x4000: "routing present", 0x2000: "key present", 0x1000: "sequence# present",
    0x0800: "source routing present", 0x0080: "ack present",
  ]
}

/// Protocol types that are not EtherTypes, or have another meaning here.
private enum GREProtocol {
  /// Cisco's keepalive for tunnels.
  static let keepAlive: UInt16 = 0x0000
  static let osi: UInt16 = 0x00fe
  /// Ethernet over IP (MikroTik), in version 1.
  static let ethernetOverIP: UInt16 = 0x6400
  static let wccp: UInt16 = 0x883e
  static let ppp: UInt16 = 0x880b
  static let transparentBridging: UInt16 = 0x6558

  /// True for the EtherTypes whose payload is printed: IPv4, IPv6, MPLS and AppleTalk.
  static func isPrinted(_ type: UInt16) -> Bool {
    switch type {
    case 0x0800, 0x86dd, 0x8847, 0x809b: true
    default: false
    }
  }
}

@Sendable
private func printGRE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("GRE")
  try printer.reject("length", bytes.length, .less, 2)
  let flags = try bytes.u16(at: 0)
  if printer.enter(.gre) { record(flags, &printer) }
  printer.out.write("v")
  printer.out.write(decimal: flags & GREFlags.version)
  switch flags & GREFlags.version {
  case 0: try printVersion0(bytes, flags, &printer)
  case 1: try printVersion1(bytes, flags, &printer)
  default: printer.writeFault(" ERROR: unknown-version")
  }
}

/// Rejects the header if less is left of its length than the field at `offset` needs.
private func checkLength(
  _ bytes: PacketBytes, _ offset: Int, _ width: Int, _ printer: inout Printer
) throws(DecodeError) {
  try printer.reject("len", bytes.length &- offset, .less, width)
}

private func record(_ flags: UInt16, _ printer: inout Printer) {
  printer.fields.write("version", flags & GREFlags.version)
  printer.fields.beginObject("flags")
  printer.fields.write("has_checksum", flags & GREFlags.checksum != 0)
  printer.fields.write("routing", flags & GREFlags.routing != 0)
  printer.fields.write("has_key", flags & GREFlags.key != 0)
  printer.fields.write("has_sequence", flags & GREFlags.sequence != 0)
  printer.fields.write("strict_source_route", flags & 0x0800 != 0)
  printer.fields.write("has_acknowledgment", flags & GREFlags.acknowledgment != 0)
  printer.fields.end()
}

private func writeFlags(_ flags: UInt16, _ printer: inout Printer) {
  guard printer.options.verbosity > 0 else { return }
  printer.out.write(", Flags [")
  printer.write(GREFlags.names, flags)
  printer.out.write("]")
}

private func printVersion0(_ bytes: PacketBytes, _ flags: UInt16, _ printer: inout Printer) throws(DecodeError) {
  writeFlags(flags, &printer)
  try checkLength(bytes, 2, 2, &printer)
  let protocolType = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("protocol", protocolType) }
  var offset = 4
  let hasOffset = flags & (GREFlags.checksum | GREFlags.routing) != 0
  if hasOffset {
    try checkLength(bytes, offset, 2, &printer)
    if printer.options.verbosity > 0 {
      let checksum = try bytes.u16(at: offset)
      if printer.writesFields { printer.fields.write("checksum", checksum) }
      printer.out.write(", sum 0x")
      printer.out.write(hex: checksum)
    }
    try checkLength(bytes, offset + 2, 2, &printer)
    let routes = try bytes.u16(at: offset + 2)
    if printer.writesFields { printer.fields.write("offset", routes) }
    printer.out.write(", off 0x")
    printer.out.write(hex: routes)
    offset += 4
  }
  if flags & GREFlags.key != 0 {
    try checkLength(bytes, offset, 4, &printer)
    let key = try bytes.u32(at: offset)
    if printer.writesFields { printer.fields.write("key", key) }
    printer.out.write(", key=0x")
    printer.out.write(hex: key)
    offset += 4
  }
  if flags & GREFlags.sequence != 0 {
    try checkLength(bytes, offset, 4, &printer)
    let sequence = try bytes.u32(at: offset)
    if printer.writesFields { printer.fields.write("sequence", sequence) }
    printer.out.write(", seq ")
    printer.out.write(decimal: sequence)
    offset += 4
  }
  if flags & GREFlags.routing != 0 { offset = try printRoutes(bytes, at: offset, &printer) }
  writeProtocolAndLength(bytes, protocolType, &printer)
  printer.out.write(printer.options.verbosity < 1 ? ": " : "\n\t")
  try printPayload(try bytes.dropping(offset), protocolType, flags, &printer)
}

private func printPayload(
  _ payload: PacketBytes, _ protocolType: UInt16, _ flags: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  switch protocolType {
  case GREProtocol.keepAlive: printer.out.write("keep-alive")
  case GREProtocol.wccp:
    try printRedirection(payload, &printer)
  case GREProtocol.transparentBridging:
    try printer.printInnerEthernet(payload)
  default:
    let greIndex = printer.registry.index(.greProtocol, protocolType)
    if greIndex != 0 {
      try printer.run(greIndex, payload, carrierFlags: flags)
    } else if GREProtocol.isPrinted(protocolType), try printer.printEtherType(protocolType, payload) {
      return
    } else {
      printer.noteUndecoded(.greProtocol, protocolType, payload)
      printer.out.write("gre-proto-0x")
      printer.out.write(hex: protocolType)
    }
  }
}

/// Web Cache Communication Protocol: a redirect header before the packet (draft-param-wccp-v2rev1-01).
private func printRedirection(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("wccp ")
  let bits = try payload.u8(at: 0)
  if printer.enter(.wccp) { try? recordRedirection(payload, &printer) }
  printer.out.write("T:")
  printer.out.write(decimal: bits >> 7)
  printer.out.write(" A:")
  printer.out.write(decimal: bits >> 6 & 1)
  printer.out.write(" U:")
  printer.out.write(decimal: bits >> 5 & 1)
  printer.out.write(" SId:")
  printer.out.write(decimal: try payload.u8(at: 1))
  printer.out.write(" Alt:")
  printer.out.write(decimal: try payload.u8(at: 2))
  printer.out.write(" Pri:")
  printer.out.write(decimal: try payload.u8(at: 3))
  printer.out.write(": ")
  try printer.run(.ipv4, try payload.dropping(4))
}

private func recordRedirection(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let bits = try payload.u8(at: 0)
  printer.fields.write("dynamic_service", bits & 0x80 != 0)
  printer.fields.write("alternative_bucket_used", bits & 0x40 != 0)
  printer.fields.write("service_group_unavailable", bits & 0x20 != 0)
  printer.fields.write("service_id", try payload.u8(at: 1))
  printer.fields.write("alternative_bucket", try payload.u8(at: 2))
  printer.fields.write("primary_bucket", try payload.u8(at: 3))
}

///     0                2        3        4
///     +----------------+--------+--------+---------
///     | address family | offset | length | routing
///     +----------------+--------+--------+---------
/// Source route entries (RFC 1701); an entry of family and length 0 is the last one. Returns the offset after it.
private func printRoutes(_ bytes: PacketBytes, at start: Int, _ printer: inout Printer) throws(DecodeError) -> Int {
  var offset = start
  if printer.writesFields { printer.fields.beginArray("routes") }
  while true {
    try checkLength(bytes, offset, 4, &printer)
    let family = try bytes.u16(at: offset)
    let pointer = try bytes.u8(at: offset + 2)
    let length = Int(try bytes.u8(at: offset + 3))
    offset += 4
    if length == 0 {
      if printer.writesFields { printer.fields.end() }
      return offset
    }
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("family", family)
      printer.fields.write("offset", pointer)
      if let route = try? bytes.dropping(offset) { printer.fields.write("data", hex: route.clamped(to: length)) }
      printer.fields.end()
    }
    printer.out.write(", (rtaf=0x")
    printer.out.write(hex: family)
    switch family {
    case 0x0800:
      printer.out.write(" SRE")
      try writeAddresses(bytes, at: offset, length, pointer, step: 4, &printer)
    case 0xfffe:
      printer.out.write(" SRE")
      try writeAddresses(bytes, at: offset, length, pointer, step: 2, &printer)
    default: break
    }
    printer.out.write(")")
    try printer.reject("len", bytes.length &- offset, .less, length)
    offset += length
  }
}

private func writeAddresses(
  _ bytes: PacketBytes, at start: Int, _ length: Int, _ pointer: UInt8, step: Int, _ printer: inout Printer
) throws(DecodeError) {
  for offset in stride(from: 0, to: length - length % step, by: step) {
    printer.out.write(offset == Int(pointer) ? " *" : " ")
    if step == 4 {
      printer.out.write(try bytes.ipv4(at: start + offset))
    } else {
      printer.out.write(hex: try bytes.u16(at: start + offset))
    }
  }
}

private func printVersion1(_ bytes: PacketBytes, _ flags: UInt16, _ printer: inout Printer) throws(DecodeError) {
  writeFlags(flags, &printer)
  try checkLength(bytes, 2, 2, &printer)
  let protocolType = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("protocol", protocolType) }
  if protocolType == GREProtocol.ethernetOverIP { return try printEthernetOverIP(bytes, flags, &printer) }
  var offset = 4
  if flags & GREFlags.key == 0 {
    // A version 1 header always has a key (RFC 2637 section 4.1).
    printer.writeFault(", (ERROR: K flag not set)")
  } else {
    // The two halves of the key are the payload length and the call.
    try checkLength(bytes, offset, 4, &printer)
    let call = try bytes.u16(at: offset + 2)
    if printer.writesFields {
      printer.fields.write("payload_length", try bytes.u16(at: offset))
      printer.fields.write("call", call)
    }
    printer.out.write(", call ")
    printer.out.write(decimal: call)
    offset += 4
  }
  if flags & GREFlags.sequence != 0 {
    try checkLength(bytes, offset, 4, &printer)
    let sequence = try bytes.u32(at: offset)
    if printer.writesFields { printer.fields.write("sequence", sequence) }
    printer.out.write(", seq ")
    printer.out.write(decimal: sequence)
    offset += 4
  }
  if flags & GREFlags.acknowledgment != 0 {
    try checkLength(bytes, offset, 4, &printer)
    let acknowledgment = try bytes.u32(at: offset)
    if printer.writesFields { printer.fields.write("acknowledgment", acknowledgment) }
    printer.out.write(", ack ")
    printer.out.write(decimal: acknowledgment)
    offset += 4
  }
  if flags & GREFlags.sequence == 0 { printer.out.write(", no-payload") }
  writeProtocolAndLength(bytes, protocolType, &printer)
  if flags & GREFlags.sequence == 0 { return }
  printer.out.write(printer.options.verbosity < 1 ? ": " : "\n\t")
  let payload = try bytes.dropping(offset)
  if protocolType == GREProtocol.ppp {
    try printer.printPPP(payload)
  } else {
    printer.out.write("gre-proto-0x")
    printer.out.write(hex: protocolType)
  }
}

/// `, proto IPv4 (0x0800), length 68`; the protocol only with `-e`.
private func writeProtocolAndLength(_ bytes: PacketBytes, _ protocolType: UInt16, _ printer: inout Printer) {
  if printer.options.linkHeader {
    printer.out.write(", proto ")
    printer.write(EtherType.names, protocolType, unknown: "unknown")
    printer.out.write(" (0x")
    printer.out.write(hex: protocolType, width: 4)
    printer.out.write(")")
  }
  printer.out.write(", length ")
  printer.out.write(decimal: bytes.length)
}

///     0       2            4                6           8
///     +-------+------------+----------------+-----------+----------------
///     | flags | 0x6400     | payload length | tunnel    | Ethernet frame
///     +-------+------------+----------------+-----------+----------------
/// Ethernet over IP (MikroTik): of the flags only the key flag is set.
private func printEthernetOverIP(
  _ bytes: PacketBytes, _ flags: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  guard flags == GREFlags.key | 1 else {
    printer.writeFault(" unknown-eoip-flags-")
    printer.out.write(hex: flags, width: 4)
    printer.out.write("!")
    return
  }
  let tunnel = try bytes.u16(at: 6)
  if printer.writesFields {
    printer.fields.write("payload_length", try bytes.u16(at: 4))
    printer.fields.write("tunnel", tunnel)
  }
  printer.out.write(", tunnel-id ")
  printer.out.write(decimal: tunnel)
  writeProtocolAndLength(bytes, GREProtocol.ethernetOverIP, &printer)
  printer.out.write(printer.options.verbosity < 1 ? ": " : "\n\t")
  try printer.printInnerEthernet(try bytes.dropping(8))
}
