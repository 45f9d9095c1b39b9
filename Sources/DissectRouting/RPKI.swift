package import Dissect
import PacketCore

extension Layer {
  static let rpki = Layer(
    "rpki_rtr", "Protocol between routers and caches of the Resource Public Key Infrastructure", "RFC 6810, RFC 8210",
    note: "One object for each protocol data unit."
  ) {
    [
      Field("version", .uint8, "Version."),
      Field("type", .uint8, "Kind of unit."),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint32, "Bytes of the unit."),
      Field("session_id", .uint16, "Session."),
      Field("sequence", .uint32, "Serial number of what the cache has."),
      Field("refresh_seconds", .uint32, "Seconds after which to ask again."),
      Field("retry_seconds", .uint32, "Seconds after which to ask again where there was no answer."),
      Field("expire_seconds", .uint32, "Seconds after which to forget what was not confirmed."),
      Field("flag_bits", .uint8, "1 announces, 0 withdraws."),
      Field("network", .text, "Network with the length of its prefix."),
      Field("max_length", .uint8, "Length of the longest prefix in it that may be announced."),
      Field("as_number", .uint32, "Autonomous system that may announce the network, or that has the key."),
      Field("subject_key_id", .hex, "Identifier of a router's key."),
      Field("public_key", .hex, "The key."),
      Field("error_code", .uint16, "Error."),
      Field("error_code_name", .text, "Name of the error."),
      Field("erroneous_unit", .hex, "The unit that the error is in."),
      Field("error_text", .text, "The error in words."),
    ]
  }
}

extension Dissector {
  /// Router protocol of the Resource Public Key Infrastructure, version 0 (RFC 6810) and 1 (RFC 8210).
  package static let rpki = Dissector(name: "rpki_rtr", claims: [.tcpPort(323)], layers: [.rpki], print: printRPKI)
}

private enum Unit {
  static let serialNotify: UInt8 = 0
  static let serialQuery: UInt8 = 1
  static let resetQuery: UInt8 = 2
  static let cacheResponse: UInt8 = 3
  static let ipv4Prefix: UInt8 = 4
  static let ipv6Prefix: UInt8 = 6
  static let endOfData: UInt8 = 7
  static let cacheReset: UInt8 = 8
  static let routerKey: UInt8 = 9
  static let errorReport: UInt8 = 10
  static let names: ValueNames = [
    0: "Serial Notify", 1: "Serial Query", 2: "Reset Query", 3: "Cache Response", 4: "IPV4 Prefix", 6: "IPV6 Prefix",
    7: "End of Data", 8: "Cache Reset", 9: "Router Key", 10: "Error Report",
  ]

  /// True if a unit can have this length, header included.
  static func canBe(_ type: UInt8, version: UInt8, length: Int) -> Bool {
    switch type {
    case serialNotify, serialQuery: length == 12
    case resetQuery, cacheResponse, cacheReset: length == headerLength
    case ipv4Prefix: length == 20
    case ipv6Prefix: length == 32
    case endOfData: length == (version == 0 ? 12 : 24)
    case routerKey: length >= 32
    case errorReport: length >= 12
    default: true
    }
  }
}

private let errorCodes: ValueNames = [
  0: "Corrupt Data", 1: "Internal Error", 2: "No Data Available", 3: "Invalid Request",
  4: "Unsupported Protocol Version", 5: "Unsupported PDU Type", 6: "Withdrawal of Unknown Record",
  7: "Duplicate Announcement Received", 8: "Unexpected Protocol Version",
]

///     0         1      2              4        8
///     +---------+------+--------------+--------+---------
///     | version | type | session, etc | length | by type
///     +---------+------+--------------+--------+---------
/// RFC 8210 section 5; the length includes the header.
private let headerLength = 8

@Sendable
private func printRPKI(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard printer.options.verbosity > 0 else { return printer.out.write(", RPKI-RTR") }
  var offset = 0
  while offset < payload.length {
    let length = try printUnit(try payload.dropping(offset), depth: 0, &printer)
    guard length > 0 else { return }
    offset &+= length
  }
}

/// Returns the length of the unit, or 0 if the next unit cannot be found. An error report contains the erroneous unit, which is not a layer
/// of its own.
private func printUnit(
  _ bytes: PacketBytes, depth: Int, _ printer: inout Printer
) throws(DecodeError) -> Int {
  let isNested = depth > 0
  let writesFields = !isNested && printer.enter(.rpki)
  if bytes.length < headerLength {
    printer.write("(", bytes.length)
    printer.out.write(" bytes is too few to decode)")
    throw .invalid
  }
  let version = try bytes.u8(at: 0)
  if writesFields { printer.fields.write("version", version) }
  guard version <= 1 else {
    printer.write("\n\tRPKI-RTRv", version)
    printer.writeFault(" (unknown)")
    return 0
  }
  try bytes.check(0, headerLength)
  let type = try bytes.u8(at: 1)
  let length = Int(try bytes.u32(at: 4))
  if writesFields {
    printer.fields.write("type", type, "type_name", Unit.names)
    printer.fields.write("length", UInt32(truncatingIfNeeded: length))
  }
  printer.write("\n\tRPKI-RTRv", version)
  printer.write(", ", type, as: .named(Unit.names, unknown: "Unknown"))
  printer.write(" PDU (", type)
  printer.write("), length: ", length)
  guard length >= headerLength, length <= bytes.length, Unit.canBe(type, version: version, length: length) else {
    throw .invalid
  }
  let unit = try bytes.slice(at: 0, length: length)
  switch type {
  case Unit.serialNotify, Unit.serialQuery, Unit.cacheResponse, Unit.endOfData:
    try printSession(unit, depth, &printer)
  case Unit.resetQuery, Unit.cacheReset: break
  case Unit.ipv4Prefix, Unit.ipv6Prefix: try printNetwork(unit, depth, &printer)
  case Unit.routerKey: try printRouterKey(unit, depth, &printer)
  case Unit.errorReport: try printReport(unit, depth, &printer)
  default: if printer.options.verbosity <= 1 { printer.writeHex(unit, indent: "\n\t  ") }
  }
  if printer.options.verbosity > 1 { printer.writeHex(unit, indent: "\n\t  ") }
  try unit.check(0, length)
  return length
}

/// Begins a line of a unit's text.
private func indent(_ depth: Int, _ printer: inout Printer) {
  printer.out.write(depth > 0 ? "\n\t    " : "\n\t  ")
}

/// 2 session (2)  8 serial number (4), if there is one  12 refresh, retry and expire intervals (4 each), in version 1.
private func printSession(_ unit: PacketBytes, _ depth: Int, _ printer: inout Printer) throws(DecodeError) {
  let session = try unit.u16(at: 2)
  let writesFields = printer.writesFields && depth == 0
  if writesFields { printer.fields.write("session_id", session) }
  indent(depth, &printer)
  printer.write("Session ID: 0x", session, as: .hex(4))
  guard unit.length >= 12 else { return }
  let serial = try unit.u32(at: 8)
  if writesFields { printer.fields.write("sequence", serial) }
  printer.write(", Serial: ", serial)
  guard unit.length >= 24 else { return }
  let (refresh, retry, expire) = (try unit.u32(at: 12), try unit.u32(at: 16), try unit.u32(at: 20))
  if writesFields {
    printer.fields.write("refresh_seconds", refresh)
    printer.fields.write("retry_seconds", retry)
    printer.fields.write("expire_seconds", expire)
  }
  printer.write(", Refresh: ", refresh)
  printer.write("s, Retry: ", retry)
  printer.write("s, Expire: ", expire)
  printer.out.write("s")
}

/// 8 flags (1)  9 prefix length (1)  10 maximum length (1)  12 network (4 or 16)  AS number (4)
private func printNetwork(_ unit: PacketBytes, _ depth: Int, _ printer: inout Printer) throws(DecodeError) {
  let isVersion6 = unit.length == 32
  let flags = try unit.u8(at: 8)
  let (width, maximum) = (try unit.u8(at: 9), try unit.u8(at: 10))
  let number = try unit.u32(at: unit.length &- 4)
  let writesFields = printer.writesFields && depth == 0
  if writesFields { printer.fields.write("flag_bits", flags) }
  indent(depth, &printer)
  printer.out.write(isVersion6 ? "IPv6 Prefix " : "IPv4 Prefix ")
  let network = writesFields ? printer.beginHeldText() : nil
  if isVersion6 {
    printer.writeHost(try unit.ipv6(at: 12))
  } else {
    printer.writeHost(try unit.ipv4(at: 12))
  }
  printer.write("/", width)
  if let network {
    printer.fields.write("network", text: printer.out, from: network.start)
    printer.endHeldText(network)
    printer.fields.write("max_length", maximum)
    printer.fields.write("as_number", number)
  }
  printer.write("-", maximum)
  printer.out.write(", origin-as ")
  printer.writeAS(number)
  printer.write(", flags 0x", flags, as: .hex(2))
}

/// 2 flags (1)  8 key identifier (20)  28 AS number (4)  32 public key
private func printRouterKey(_ unit: PacketBytes, _ depth: Int, _ printer: inout Printer) throws(DecodeError) {
  let flags = try unit.u8(at: 2)
  let identifier = try unit.slice(at: 8, length: 20)
  let number = try unit.u32(at: 28)
  let key = try unit.dropping(32)
  if printer.writesFields, depth == 0 {
    printer.fields.write("flag_bits", flags)
    printer.fields.write("subject_key_id", hex: identifier)
    printer.fields.write("as_number", number)
    printer.fields.write("public_key", hex: key)
  }
  indent(depth, &printer)
  printer.out.write("Router Key ")
  for index in 0..<identifier.length { printer.out.write(hex: try identifier.u8(at: index), width: 2) }
  printer.out.write(", origin-as ")
  printer.writeAS(number)
  printer.write(", flags 0x", flags, as: .hex(2))
  printer.write(", key length: ", key.length)
}

/// 2 error (2)  8 length of a unit (4)  12 unit  length of a text (4)  text
private func printReport(_ unit: PacketBytes, _ depth: Int, _ printer: inout Printer) throws(DecodeError) {
  let code = try unit.u16(at: 2)
  let length = Int(try unit.u32(at: 8))
  let writesFields = printer.writesFields && depth == 0
  if writesFields { printer.fields.write("error_code", code, "error_code_name", errorCodes) }
  indent(depth, &printer)
  printer.write("Error code: ", code, as: .named(errorCodes, unknown: "Unknown"))
  printer.write(" (", code)
  printer.write("), Encapsulated PDU length: ", length)
  guard length <= unit.length &- 16 else { throw .invalid }
  if length > 0 {
    let erroneous = try unit.slice(at: 12, length: length)
    if writesFields { printer.fields.write("erroneous_unit", hex: erroneous) }
    // An error report must not contain an error report.
    if depth == 0 {
      printer.out.write("\n\t    -----encapsulated PDU-----")
      _ = try printUnit(erroneous, depth: 1, &printer)
    }
  }
  let size = Int(try unit.u32(at: 12 &+ length))
  guard size <= unit.length &- 16 &- length else { throw .invalid }
  guard size > 0 else { return }
  let text = try unit.slice(at: 16 &+ length, length: size)
  if writesFields { printer.fields.write("error_text", text: text) }
  indent(depth, &printer)
  printer.out.write("Error text: ")
  printer.out.write(escaped: text)
}
