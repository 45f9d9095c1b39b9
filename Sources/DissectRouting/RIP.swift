package import Dissect
import PacketCore

extension Layer {
  static let rip = Layer("rip", "Routing Information Protocol", "RFC 1058, RFC 2453, RFC 4822") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("command", .uint8, "Kind of message.", always: true),
      Field("command_name", .text, "Name of the kind."),
      Field(
        "entries",
        .array(
          .object([
            Field(
              "address_family", .uint16,
              "Address family: 2 is IPv4, 0 asks for the whole table, 65535 is authentication."),
            Field("prefix", .ipv4, "Network."),
            Field("mask", .ipv4, "Mask of the network, in version 2."),
            Field("tag", .uint16, "Route tag, in version 2."),
            Field("next_hop", .ipv4, "Next hop, in version 2; 0.0.0.0 is the sender."),
            Field("metric", .uint32, "Hops to the network; 16 is infinity."),
            Field("authentication_type", .uint16, "How the message is authenticated."),
            Field("authentication_type_name", .text, "Its name."),
            Field("password", .text, "Password, as clear text."),
            Field("key_id", .uint8, "Key identifier."),
            Field("sequence", .uint32, "Sequence number."),
            Field("digest", .hex, "Digest over the message."),
          ])), "Entries of a request or response.", each: "One entry: a route, or authentication."),
    ]
  }
}

extension Dissector {
  /// Routing Information Protocol, versions 1 (RFC 1058) and 2 (RFC 2453), with authentication (RFC 4822).
  package static let rip = Dissector(
    name: "rip", claims: [.udpPort(520)], layers: [.rip], standsAlone: true, print: printRIP)
}

private enum Command {
  static let request: UInt8 = 1
  static let response: UInt8 = 2
  static let names: ValueNames = [
    1: "Request", 2: "Response", 3: "Trace on", 4: "Trace off", 5: "Poll", 6: "Poll Entry",
  ]
}

private enum Family {
  static let unspecified: UInt16 = 0
  static let ipv4: UInt16 = 2
  /// This family marks an entry that authenticates the message.
  static let authentication: UInt16 = 0xffff
  static let names: ValueNames = [0: "0", 2: "IPv4"]
}

private enum Authentication {
  static let trailer: UInt16 = 1
  static let password: UInt16 = 2
  static let header: UInt16 = 3
  static let names: ValueNames = [1: "digest", 2: "simple password", 3: "cryptographic"]
}

///     0         1         2        4
///     +---------+---------+--------+-----------
///     | command | version | unused | entries … of 20 bytes
///     +---------+---------+--------+-----------
/// RFC 2453 section 4.
private let headerLength = 4
private let entryLength = 20

@Sendable
private func printRIP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  do throws(DecodeError) {
    try printMessage(bytes, &printer)
  } catch {
    guard error == .invalid else { throw error }
    // An invalid packet may be truncated as well.
    printer.writeFault(" (invalid)")
    try bytes.check(0, bytes.length)
  }
}

private func printMessage(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isVerbose = printer.options.verbosity > 0
  printer.out.write(isVerbose ? "\n\tRIP" : "RIP")
  try printer.reject("packet length", bytes.length, .less, headerLength)
  let command = try bytes.u8(at: 0)
  let version = try bytes.u8(at: 1)
  if printer.enter(.rip) {
    printer.fields.write("version", version)
    printer.fields.write("command", command, "command_name", Command.names)
  }
  printer.write("v", version)
  guard version == 1 || version == 2 else {
    printer.out.write(" [version != 1 && version != 2]")
    throw .invalid
  }
  printer.write(", ", command, as: .named(Command.names, unknown: .decimal("unknown command (", ")")))
  printer.write(", length: ", bytes.length)
  let entries = try bytes.dropping(headerLength)
  guard isVerbose else { return }
  switch command {
  case Command.request, Command.response:
    printer.write(", routes: ", entries.length / entryLength)
    // One of the entries may authenticate the message instead of being a route.
    if version == 2 { printer.out.write(" or less") }
    try printEntries(entries, version, &printer)
  default:
    if Command.names[command] == nil || printer.options.verbosity > 1 {
      printer.writeHex(entries.clamped(to: entries.length))
    }
  }
}

private func printEntries(
  _ bytes: PacketBytes, _ version: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let layout = OptionLayout.elements(of: UInt16(entryLength), lastIsCut: true)
  var list = printer.openList(bytes, layout, objects: "entries")
  while let entry = try printer.next(&list) {
    if version == 1 {
      try printer.reject("remaining data length", entry.rest, .less, entryLength)
      try printEntry1(entry.bytes, &printer)
      continue
    }
    try printer.reject("remaining data length", entry.rest, .less, 4)
    let family = try entry.bytes.u16(at: 0)
    if family == Family.authentication {
      let isLast = try printAuthentication(entry.bytes, &printer)
      if isLast { printer.stop(&list) }
      continue
    }
    if Family.names[family] != nil {
      try printer.reject("remaining data length", entry.rest, .less, entryLength)
      try printEntry2(entry.bytes, family, &printer)
    } else {
      if printer.writesFields { printer.fields.write("address_family", family) }
      printer.write("\n\t  AFI ", family, as: .named(Family.names, unknown: .decimal("Unknown (", ")")))
      printer.writeHex(try entry.bytes.dropping(4).clamped(to: entryLength - 4), indent: "\n\t  ")
    }
    try printer.reject("remaining entries length", entry.rest, .less, entryLength)
  }
}

///     0        2      4         8      12     16
///     +--------+------+---------+------+------+--------+
///     | family | zero | address | zero | zero | metric |
///     +--------+------+---------+------+------+--------+
/// RFC 1058 section 3.1.
private func printEntry1(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let family = try bytes.u16(at: 0)
  try bytes.check(0, entryLength)
  if printer.writesFields { printer.fields.write("address_family", family) }
  let zeros = UInt64(try bytes.u16(at: 2)) | (try bytes.u64(at: 8))
  guard zeros == 0 else {
    // These fields must be zero in version 1.
    return printer.writeHex(bytes.clamped(to: entryLength), indent: "\n\t  ")
  }
  guard Family.names[family] != nil else {
    printer.write("\n\t AFI Unknown (", family)
    printer.out.write("), ")
    return printer.writeHex(try bytes.slice(at: 4, length: entryLength - 4), indent: "\n\t  ")
  }
  printer.write(family == Family.unspecified ? "\n\t  AFI 0, " : "\n\t  ", "prefix", try bytes.ipv4(at: 4))
  printer.write(", metric: ", "metric", try bytes.u32(at: 16))
}

///     0        2     4         8      12         16
///     +--------+-----+---------+------+----------+--------+
///     | family | tag | address | mask | next hop | metric |
///     +--------+-----+---------+------+----------+--------+
/// RFC 2453 section 4.
private func printEntry2(
  _ bytes: PacketBytes, _ family: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, entryLength)
  if printer.writesFields { printer.fields.write("address_family", family) }
  printer.write("\n\t  AFI ", family, as: .named(Family.names, unknown: ""))
  printer.out.write(", ")
  let address = try bytes.ipv4(at: 4)
  let mask = try bytes.ipv4(at: 8)
  if printer.writesFields {
    printer.fields.write("prefix", address)
    printer.fields.write("mask", mask)
  }
  printer.writeRightAligned(address)
  writeLength(mask, &printer)
  printer.write(", tag 0x", "tag", try bytes.u16(at: 2), as: .hex(4))
  let nextHop = try bytes.ipv4(at: 12)
  let metric = try bytes.u32(at: 16)
  if printer.writesFields { printer.fields.write("next_hop", nextHop) }
  printer.write(", metric: ", "metric", metric)
  printer.out.write(", next-hop: ")
  if nextHop.rawValue == 0 {
    printer.out.write("self")
  } else {
    printer.writeHost(nextHop)
  }
}

/// The prefix length of a mask, in at least two columns; -1 if its ones are not contiguous.
private func writeLength(_ mask: IPv4Address, _ printer: inout Printer) {
  let length = mask.rawValue.leadingZeroBitCount == 0 ? (~mask.rawValue).leadingZeroBitCount : 0
  guard mask.rawValue.nonzeroBitCount == length else { return printer.out.write("/-1") }
  printer.write("/", length)
  if length < 10 { printer.out.write(" ") }
}

///     0      2      4                       20
///     +------+------+-----------------------+
///     | ffff | type | password, or by type  |
///     +------+------+-----------------------+
/// RFC 2453 section 4.1, RFC 4822 section 2.1; true if everything after it belongs to it.
private func printAuthentication(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let type = try bytes.u16(at: 2)
  let rest = try bytes.dropping(4).clamped(to: bytes.length &- 4)
  if printer.writesFields {
    printer.fields.write("address_family", Family.authentication)
    printer.fields.write("authentication_type", type, "authentication_type_name", Authentication.names)
  }
  switch type {
  case Authentication.password:
    let password = try rest.slice(at: 0, length: 16)
    let text = password.clamped(to: try password.lengthToNUL())
    try printer.write("\n\t  Simple Text Authentication data: ", "password", text: text)
    return false
  case Authentication.header:
    try rest.check(0, 16)
    printer.write("\n\t  Auth header: Packet Len ", try rest.u16(at: 0))
    printer.write(", Key-ID ", "key_id", try rest.u8(at: 2))
    printer.write(", Auth Data Len ", try rest.u8(at: 3))
    printer.write(", SeqNo ", "sequence", try rest.u32(at: 4))
    printer.write(", MBZ ", try rest.u32(at: 8))
    printer.write(", MBZ ", try rest.u32(at: 12))
    return false
  case Authentication.trailer: printer.out.write("\n\t  Auth trailer:")
  default:
    printer.write("\n\t  Unknown (", type)
    printer.out.write(") Authentication data:")
  }
  if printer.writesFields { printer.fields.write("digest", hex: rest) }
  printer.writeHex(rest, indent: "\n\t  ")
  return true
}
