package import Dissect
import PacketCore

extension Layer {
  static let lisp = Layer("lisp", "Locator/ID Separation Protocol, its control messages", "RFC 9301") {
    [
      Field("message_type", .uint8, "Kind of message.", always: true),
      Field("message_type_name", .text, "Name of the kind."),
      Field("flag_bits", .uint24, "Flags of a registration or its notification, 20 bits."),
      Field("nonce", .hex, "Number that a notification repeats."),
      Field("key_id", .uint16, "Authentication algorithm, by the key that is used."),
      Field("authentication_data", .hex, "Authentication data."),
      Field(
        "records",
        .array(
          .object([
            Field("ttl", .uint32, "Minutes for which the mapping is valid."),
            Field("is_authoritative", .flag, "The sender is responsible for the mapping."),
            Field("action", .uint8, "What to do with packets where there are no locators."),
            Field("map_version", .uint16, "Version of the mapping."),
            Field("prefix", .ip, "Endpoint identifiers: address of the prefix."),
            Field("prefix_length", .uint8, "Bits of the prefix."),
            Field(
              "locators",
              .array(
                .object([
                  Field("priority", .uint8, "Priority for unicast; 255 forbids it.", always: true),
                  Field("weight", .uint8, "Share of the traffic among locators of one priority.", always: true),
                  Field("multicast_priority", .uint8, "Priority for multicast.", always: true),
                  Field("multicast_weight", .uint8, "Share for multicast.", always: true),
                  Field("flag_bits", .uint16, "Flags: 4 local, 2 probed, 1 reachable.", always: true),
                  Field("address", .ip, "Address of the locator."),
                ])), "Locators.", each: "One locator."),
          ])), "Mappings.", each: "One mapping."),
      Field("xtr_id", .hex, "Identifier of the router."),
      Field("site_id", .uint64, "Identifier of the site."),
    ]
  }
}

extension Dissector {
  package static let lisp = Dissector(
    name: "lisp", claims: [.udpPort(4342)], layers: [.lisp], print: printLISP)
}

private enum Message {
  static let register: UInt8 = 3
  static let notify: UInt8 = 4

  static let names: ValueNames = [
    0: "LISP-Reserved", 1: "LISP-Map-Request", 2: "LISP-Map-Reply", 3: "LISP-Map-Register", 4: "LISP-Map-Notify",
    8: "LISP-Encapsulated-Contol-Message",
  ]
}

private let registerFlags: FlagNames = [
  0x08_0000: "P-Proxy-Map-Reply", 0x04_0000: "S-LISP-SEC-Capable", 0x02_0000: "I-xTR-ID-Present",
  0x01_0000: "R-Build-For-RTR", 0x00_0001: "M-Want-Map-Notify",
]
private let notifyFlags: FlagNames = [0x08_0000: "I-xTR-ID-Present", 0x04_0000: "R-Build-For-RTR"]
private let locatorFlags: FlagNames = [0x04: "Local-Locator", 0x02: "RLoc-Probed", 0x01: "Reachable"]
private let authentications: ValueNames = [0: "None", 1: "SHA1", 2: "SHA256"]
private let actions: ValueNames = [0: "No-Action", 1: "Natively-Forward", 2: "Send-Map-Request", 3: "Drop"]

///     0             3         4        12       14                     16
///     +-------------+---------+--------+--------+----------------------+--------------------------------------
///     | type, flags | records | nonce  | key ID | authentication length| authentication data, records, xTR-ID
///     +-------------+---------+--------+--------+----------------------+--------------------------------------
/// RFC 9301 section 5.6 and 5.7
private let headerLength = 16
///     0     4          5             6                       8              10          12
///     +-----+----------+-------------+-----------------------+--------------+-----------+----------
///     | TTL | locators | mask length | action, authoritative | map version  | family    | address
///     +-----+----------+-------------+-----------------------+--------------+-----------+----------
private let recordLength = 12
///     0          1        2                   3                 4       6        8
///     +----------+--------+-------------------+-----------------+-------+--------+----------
///     | priority | weight | multicast priority| multicast weight| flags | family | address
///     +----------+--------+-------------------+-----------------+-------+--------+----------
private let locatorLength = 8

@Sendable
private func printLISP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < headerLength {
    printer.out.write("LISP")
    try printer.reject("length", bytes.length, .less, headerLength)
  }
  guard bytes.has(0, 1) else {
    printer.out.write("LISP")
    throw .truncated
  }
  let type = try bytes.u8(at: 0) >> 4
  if printer.enter(.lisp) { printer.fields.write("message_type", type, "message_type_name", Message.names) }
  printer.write(Message.names, type, unknown: .decimal("LISP-unknown-type-"))
  printer.out.write(",")
  // Of other messages only the type is printed.
  guard type == Message.register || type == Message.notify else { return }
  let flags = try bytes.u24(at: 0) & 0xf_ffff
  let isVerbose = printer.options.verbosity > 0
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  if isVerbose {
    printer.out.write(" flags [")
    printer.write(type == Message.register ? registerFlags : notifyFlags, flags)
    printer.out.write("],")
  }
  try bytes.check(0, headerLength)
  let records = Int(try bytes.u8(at: 3))
  let keyID = try bytes.u16(at: 12)
  let authenticationLength = Int(try bytes.u16(at: 14))
  let hasIdentifiers = flags & (type == Message.register ? 0x02_0000 : 0x08_0000) != 0
  if printer.writesFields {
    printer.fields.write("nonce", hex: try bytes.slice(at: 4, length: 8))
    printer.fields.write("key_id", keyID)
  }
  printer.write(isVerbose ? "\n    " : " ", records)
  printer.out.write(" record(s),")
  if isVerbose {
    printer.write(" Authentication ", keyID, as: .named(authentications, unknown: "unknown-type"))
    printer.out.write(",")
  }
  let rest = try bytes.dropping(headerLength)
  try printer.reject("authentication data length", authenticationLength, .greater, rest.length)
  let authentication = rest.clamped(to: authenticationLength)
  if printer.writesFields { printer.fields.write("authentication_data", hex: authentication) }
  if isVerbose { try printer.writeWholeHex(authentication, indent: "\n    Authentication-Data: ") }
  let body = try rest.dropping(authenticationLength)
  guard let offset = try printRecords(records, body, &printer) else { return }
  try printTrailer(try body.dropping(offset), hasIdentifiers: hasIdentifiers, &printer)
}

/// Prints mappings; returns their length in bytes, or nil if it cannot be determined.
private func printRecords(
  _ count: Int, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Int? {
  if printer.writesFields { printer.fields.beginArray("records") }
  var offset = 0
  for _ in 0..<count {
    guard let size = try printRecord(try bytes.dropping(offset), &printer) else { return nil }
    offset &+= size
  }
  if printer.writesFields { printer.fields.end() }
  return offset
}

/// Prints a mapping; returns its length in bytes, or nil if it cannot be determined.
private func printRecord(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  let isVerbose = printer.options.verbosity > 0
  try bytes.check(0, recordLength)
  let locators = Int(try bytes.u8(at: 4))
  let flags = try bytes.u16(at: 6)
  let family = try bytes.u16(at: 10)
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("ttl", try bytes.u32(at: 0))
    printer.fields.write("is_authoritative", flags & 0x1000 != 0)
    printer.fields.write("action", flags >> 13)
    printer.fields.write("map_version", try bytes.u16(at: 8) & 0xfff)
  }
  if isVerbose {
    printer.write("\n      Record TTL ", try bytes.u32(at: 0))
    printer.out.write(flags & 0x1000 != 0 ? ", Authoritative, " : ", Non-Authoritative, ")
    printer.write(actions, flags >> 13, unknown: "unknown")
    printer.write(", Map Version: ", try bytes.u16(at: 8) & 0xfff)
    printer.out.write(",")
  } else {
    printer.out.write("\n")
  }
  var offset = recordLength
  switch family {
  case AddressFamily.ipv4:
    printer.write(" EID ", "prefix", try bytes.ipv4(at: offset))
    offset &+= 4
  case AddressFamily.ipv6:
    printer.write(" EID ", "prefix", try bytes.ipv6(at: offset))
    offset &+= 16
  default:
    printer.writeFault(" [unsupported address family identifier ")
    printer.out.write(decimal: family)
    printer.out.write("]")
    if printer.writesFields { printer.fields.end() }
    return nil
  }
  printer.write("/", "prefix_length", try bytes.u8(at: 5))
  printer.write(", ", locators)
  printer.out.write(" locator(s)")
  if printer.writesFields { printer.fields.beginArray("locators") }
  for _ in 0..<locators {
    offset &+= try printLocator(try bytes.dropping(offset), &printer)
  }
  if printer.writesFields {
    printer.fields.end()
    printer.fields.end()
  }
  return offset
}

private func printLocator(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let isVerbose = printer.options.verbosity > 0
  try bytes.check(0, locatorLength)
  if isVerbose { printer.out.write("\n       ") }
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("priority", try bytes.u8(at: 0))
    printer.fields.write("weight", try bytes.u8(at: 1))
    printer.fields.write("multicast_priority", try bytes.u8(at: 2))
    printer.fields.write("multicast_weight", try bytes.u8(at: 3))
    printer.fields.write("flag_bits", try bytes.u16(at: 4))
  }
  var size = locatorLength
  switch try bytes.u16(at: 6) {
  case AddressFamily.ipv4:
    let address = try bytes.ipv4(at: locatorLength)
    printer.write(" LOC ", "address", address)
    size &+= 4
  case AddressFamily.ipv6:
    let address = try bytes.ipv6(at: locatorLength)
    printer.write(" LOC ", "address", address)
    size &+= 16
  default: break
  }
  if isVerbose {
    printer.write("\n          Priority/Weight ", try bytes.u8(at: 0))
    printer.write("/", try bytes.u8(at: 1))
    printer.write(", Multicast Priority/Weight ", try bytes.u8(at: 2))
    printer.write("/", try bytes.u8(at: 3))
    printer.out.write(", flags [")
    printer.write(locatorFlags, try bytes.u16(at: 4))
    printer.out.write("],")
  }
  if printer.writesFields { printer.fields.end() }
  return size
}

/// Identifiers of the router and its site, or bytes that are only dumped.
private func printTrailer(
  _ bytes: PacketBytes, hasIdentifiers: Bool, _ printer: inout Printer
) throws(DecodeError) {
  if hasIdentifiers {
    let router = bytes.clamped(to: 16).withLength(16)
    if printer.writesFields { printer.fields.write("xtr_id", hex: router) }
    try printer.writeWholeHex(router, indent: "\n    xTR-ID: ")
    printer.write("\n    SITE-ID: ", "site_id", try bytes.u64(at: 16))
  } else if bytes.length > 0 {
    try printer.writeWholeHex(bytes, indent: "\n    Data: ")
  }
}
