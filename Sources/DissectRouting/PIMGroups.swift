import Dissect
import PacketCore

// Addresses in PIM messages, and the messages that are lists of them.

/// The length in bytes of an encoded address, by its family.
private func addressLength(family: UInt8) throws(DecodeError) -> Int {
  switch family {
  case 1: return 4
  case 2: return 16
  default: throw .truncated
  }
}

/// The header of an encoded address (RFC 7761 section 4.9.1): the offset of the address and its length.
///
///     0        1          2       3             4
///     +--------+----------+-------+-------------+---------
///     | family | encoding | flags | mask length | address      flags and mask length in those of groups and sources
///     +--------+----------+-------+-------------+---------
///
/// In messages of RFC 2117 all addresses have the length that the message states; they have no family and no encoding.
private struct EncodedAddress {
  let family: Int
  let start: Int
  let length: Int

  init(_ bytes: PacketBytes, at offset: Int, _ stated: UInt8) throws(DecodeError) {
    if stated == 0 {
      family = 2
      length = try addressLength(family: try bytes.u8(at: offset))
      // The native encoding is the only one that exists.
      guard try bytes.u8(at: offset &+ 1) == 0 else { throw .truncated }
    } else {
      family = 0
      length = Int(stated)
      guard length == 4 || length == 16 else { throw .truncated }
    }
    start = offset &+ family
  }
}

extension Printer {
  /// An encoded unicast address at `offset`, in the text and as a member `key`; returns the offset after it.
  mutating func writePIMAddress(
    _ bytes: PacketBytes, at offset: Int, _ addressLength: UInt8, key: StaticString? = nil
  ) throws(DecodeError) -> Int {
    let encoded = try EncodedAddress(bytes, at: offset, addressLength)
    try writeAddress(bytes, at: encoded.start, encoded.length, key: key)
    return encoded.start &+ encoded.length
  }

  /// An encoded group address at `offset`: `224.0.0.0/4(0x80)`; returns the offset after it.
  mutating func writePIMGroup(
    _ bytes: PacketBytes, at offset: Int, _ addressLength: UInt8, key: StaticString
  ) throws(DecodeError) -> Int {
    let encoded = try EncodedAddress(bytes, at: offset, addressLength)
    let flags = try bytes.u8(at: encoded.start)
    try writeMaskedAddress(bytes, encoded, key: key)
    if flags != 0 {
      write("(0x", flags, as: .hex(2))
      out.write(")")
    }
    return encoded.start &+ 2 &+ encoded.length
  }

  /// An encoded source address at `offset`: `10.0.0.1/24(SWR)`; returns the offset after it.
  fileprivate mutating func writePIMSource(
    _ bytes: PacketBytes, at offset: Int, _ addressLength: UInt8
  ) throws(DecodeError) -> Int {
    let encoded = try EncodedAddress(bytes, at: offset, addressLength)
    let flags = try bytes.u8(at: encoded.start)
    try writeMaskedAddress(bytes, encoded, key: "source")
    if writesFields {
      fields.write("prefix_length", try bytes.u8(at: encoded.start &+ 1))
      fields.write("flag_bits", flags)
    }
    if flags != 0 {
      out.write("(")
      write(sourceFlags, flags, separator: "", none: "")
      if flags & 0xf8 != 0 { write("+0x", flags & 0xf8, as: .hex(2)) }
      out.write(")")
    }
    return encoded.start &+ 2 &+ encoded.length
  }

  /// An address after flags and mask length; the mask length is written if it is not the length of the address.
  private mutating func writeMaskedAddress(
    _ bytes: PacketBytes, _ encoded: EncodedAddress, key: StaticString
  ) throws(DecodeError) {
    let maskLength = try bytes.u8(at: encoded.start &+ 1)
    try writeAddress(bytes, at: encoded.start &+ 2, encoded.length, key: key)
    if Int(maskLength) != encoded.length &* 8 { write("/", maskLength) }
  }

  private mutating func writeAddress(
    _ bytes: PacketBytes, at offset: Int, _ length: Int, key: StaticString?
  ) throws(DecodeError) {
    if length == 4 {
      let address = try bytes.ipv4(at: offset)
      if writesFields, let key { fields.write(key, address) }
      writeHost(address)
    } else {
      let address = try bytes.ipv6(at: offset)
      if writesFields, let key { fields.write(key, address) }
      writeHost(address)
    }
  }
}

private let sourceFlags: FlagNames = [4: "S", 2: "W", 1: "R"]

// MARK: Hello

/// How the value of an option is written.
private enum Form {
  case holdTime, pruneDelay, priority, generationID, stateRefresh, flag, addresses
}

private let options: OptionTable<Form> = [
  1: OptionRow("Hold Time", .holdTime), 2: OptionRow("LAN Prune Delay", .pruneDelay),
  18: OptionRow("DR Priority (Old)", .priority), 19: OptionRow("DR Priority", .priority),
  20: OptionRow("Generation ID", .generationID), 21: OptionRow("State Refresh Capability", .stateRefresh),
  22: OptionRow("Bi-Directional Capability", .flag), 24: OptionRow("Address List", .addresses),
]
/// An experimental option, whose number is too large for the table.
private let oldAddressList = (type: UInt32(65001), row: OptionRow("Address List (Old)", Form.addresses))

/// Options with two-byte types and lengths, RFC 7761 section 4.9.2.
func printPIMHello(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, OptionLayout(typeWidth: 2, lengthWidth: 2), objects: "options")
  while let option = try printer.next(&list) {
    let row = option.type == oldAddressList.type ? oldAddressList.row : options[type: option.type]
    if printer.writesFields {
      printer.fields.write("type", option.type)
      if let row { printer.fields.write("type_name", row.name) }
      printer.fields.write("length", option.length)
    }
    printer.out.write("\n\t  ")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" Option (", option.type)
    printer.write("), length ", option.length)
    printer.out.write(", Value: ")
    let value = try option.wholeValue()
    if let row { try print(row.form, value, &printer) }
    if printer.options.verbosity > 1 || row == nil { printer.writeHex(value, indent: "\n\t    ") }
  }
}

private func print(_ form: Form, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch form {
  case .holdTime:
    try printer.requireOptionLength(value, 2)
    let seconds = try value.u16(at: 0)
    if printer.writesFields { printer.fields.write("hold_time_seconds", seconds) }
    printer.writeRelativeTime(seconds: UInt32(seconds))
  case .pruneDelay:
    try printer.requireOptionLength(value, 4)
    let delay = try value.u16(at: 0)
    printer.write("\n\t    T-bit=", delay >> 15)
    printer.write(", LAN delay ", "propagation_delay_milliseconds", delay & 0x7fff)
    printer.write("ms, Override interval ", "override_interval_milliseconds", try value.u16(at: 2))
    printer.out.write("ms")
  case .priority:
    // Before the bidirectional capability option had its own number, it used this one.
    if value.length == 0 { return printer.out.write("Bi-Directional Capability (Old)") }
    try printer.requireOptionLength(value, 4)
    printer.write("", "priority", try value.u32(at: 0))
  case .generationID:
    try printer.requireOptionLength(value, 4)
    printer.write("0x", "generation_id", try value.u32(at: 0), as: .hex(8))
  case .stateRefresh:
    try printer.requireOptionLength(value, 4)
    printer.write("v", try value.u8(at: 0))
    let interval = try value.u8(at: 1)
    if interval != 0 {
      printer.out.write(", interval ")
      printer.writeRelativeTime(seconds: UInt32(interval))
    }
    let reserved = try value.u16(at: 2)
    if reserved != 0 {
      printer.write(" ?0x", reserved, as: .hex(4))
      printer.out.write("?")
    }
  case .flag: break
  case .addresses: try printAddresses(value, &printer)
  }
}

private func printAddresses(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard printer.options.verbosity > 1 else { return }
  // Each address has its own length: the list is advanced after each.
  var list = printer.openList(value, .elements(of: 1), array: "addresses")
  while let address = try printer.next(&list) {
    printer.out.write("\n\t    ")
    let encoded = try EncodedAddress(address.bytes, at: 0, 0)
    let end = encoded.start &+ encoded.length
    if printer.writesFields {
      if encoded.length == 4 {
        printer.fields.element(try address.bytes.ipv4(at: encoded.start))
      } else {
        printer.fields.element(try address.bytes.ipv6(at: encoded.start))
      }
    }
    list.resume(after: try printer.writePIMAddress(address.bytes, at: 0, 0))
    if end >= address.rest { printer.stop(&list) }
  }
}

extension Printer {
  fileprivate mutating func requireOptionLength(_ value: PacketBytes, _ length: Int) throws(DecodeError) {
    guard value.length != length else { return }
    writeComparison("option length", value.length, .notEqual, length)
    throw .invalid
  }

  /// Seconds, as a member `hold_time_seconds` and in the text.
  fileprivate mutating func writeHoldTime(_ title: StaticString, _ seconds: UInt16) {
    if writesFields { fields.write("hold_time_seconds", seconds) }
    out.write(title)
    writeRelativeTime(seconds: UInt32(seconds))
  }
}

// MARK: Groups

///     0 upstream neighbor, then: reserved (1), number of groups (1), hold time in seconds (2), groups
///       group: address, number of joined (2) and pruned sources (2), sources
/// RFC 7761 section 4.9.5.
func printPIMJoinPrune(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(", upstream-neighbor: ")
  var offset = try printer.writePIMAddress(bytes, at: 0, addressLength, key: "upstream_neighbor")
  try bytes.check(offset, 4)
  let groups = try bytes.u8(at: offset &+ 1)
  let holdTime = try bytes.u16(at: offset &+ 2)
  offset &+= 4
  printer.write("\n\t  ", groups)
  printer.out.write(" group(s)")
  if holdTime == .max {
    if printer.writesFields { printer.fields.write("hold_time_seconds", holdTime) }
    printer.out.write(", holdtime: infinite")
  } else {
    printer.writeHoldTime(", holdtime: ", holdTime)
  }
  if printer.writesFields { printer.fields.beginArray("groups") }
  for number in 0..<Int(groups) {
    printer.write("\n\t    group #", number + 1)
    printer.out.write(": ")
    if printer.writesFields { printer.fields.beginObject() }
    let end = try printer.writePIMGroup(bytes, at: offset, addressLength, key: "group")
    try recordMaskLength(bytes, at: offset, addressLength, &printer)
    offset = end
    let joined = try bytes.u16(at: offset)
    let pruned = try bytes.u16(at: offset &+ 2)
    offset &+= 4
    printer.write(", joined sources: ", joined)
    printer.write(", pruned sources: ", pruned)
    offset = try printSources(bytes, at: offset, joined, "joined", "\n\t      joined source #", addressLength, &printer)
    offset = try printSources(bytes, at: offset, pruned, "pruned", "\n\t      pruned source #", addressLength, &printer)
    if printer.writesFields { printer.fields.end() }
  }
  if printer.writesFields { printer.fields.end() }
}

private func printSources(
  _ bytes: PacketBytes, at start: Int, _ count: UInt16, _ key: StaticString, _ title: StaticString,
  _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) -> Int {
  var offset = start
  if printer.writesFields { printer.fields.beginArray(key) }
  for number in 0..<Int(count) {
    printer.write(title, number + 1)
    printer.out.write(": ")
    if printer.writesFields { printer.fields.beginObject() }
    offset = try printer.writePIMSource(bytes, at: offset, addressLength)
    if printer.writesFields { printer.fields.end() }
  }
  if printer.writesFields { printer.fields.end() }
  return offset
}

/// Records the mask length of a group address in the object of the group.
private func recordMaskLength(
  _ bytes: PacketBytes, at offset: Int, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  guard printer.writesFields else { return }
  let encoded = try EncodedAddress(bytes, at: offset, addressLength)
  printer.fields.write("prefix_length", try bytes.u8(at: encoded.start &+ 1))
}

///     0              2                  3          4
///     +--------------+------------------+----------+------------------+--------
///     | fragment tag | hash mask length | priority | bootstrap router | groups
///     +--------------+------------------+----------+------------------+--------
///     group: address, number of rendezvous points (1), those in this fragment (1), reserved (2), and for each: address, hold time
///     in seconds (2), priority (1), reserved (1)
/// RFC 5059 section 4.1.
func printPIMBootstrap(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.write(" tag=", "fragment_tag", try bytes.u16(at: 0), as: .hex(1))
  printer.write(" hashmlen=", "hash_mask_length", try bytes.u8(at: 2))
  printer.write(" BSRprio=", "priority", try bytes.u8(at: 3))
  printer.out.write(" BSR=")
  var offset = try printer.writePIMAddress(bytes, at: 4, addressLength, key: "bootstrap_router")
  if printer.writesFields { printer.fields.beginArray("groups") }
  var number = 0
  while offset < bytes.length {
    printer.write(" (group", number)
    printer.out.write(": ")
    if printer.writesFields { printer.fields.beginObject() }
    let end = try printer.writePIMGroup(bytes, at: offset, addressLength, key: "group")
    try recordMaskLength(bytes, at: offset, addressLength, &printer)
    offset = end
    printer.write(" RPcnt=", try bytes.u8(at: offset))
    let points = Int(try bytes.u8(at: offset &+ 1))
    printer.write(" FRPcnt=", points)
    offset &+= 4
    if printer.writesFields { printer.fields.beginArray("rendezvous_points") }
    for point in 0..<points where offset < bytes.length {
      printer.write(" RP", point)
      printer.out.write("=")
      if printer.writesFields { printer.fields.beginObject() }
      offset = try printer.writePIMAddress(bytes, at: offset, addressLength, key: "address")
      try bytes.check(offset, 4)
      printer.writeHoldTime(",holdtime=", try bytes.u16(at: offset))
      printer.write(",prio=", "priority", try bytes.u8(at: offset &+ 2))
      offset &+= 4
      if printer.writesFields { printer.fields.end() }
    }
    if printer.writesFields {
      printer.fields.end()
      printer.fields.end()
    }
    printer.out.write(")")
    number += 1
  }
  if printer.writesFields { printer.fields.end() }
}

///     0               1          2                      4
///     +---------------+----------+----------------------+------------------+--------
///     | prefix count  | priority | hold time in seconds | rendezvous point | groups
///     +---------------+----------+----------------------+------------------+--------
/// RFC 5059 section 4.2.
func printPIMCandidate(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let prefixes = Int(try bytes.u8(at: 0))
  printer.write(" prefix-cnt=", prefixes)
  printer.write(" prio=", "priority", try bytes.u8(at: 1))
  printer.writeHoldTime(" holdtime=", try bytes.u16(at: 2))
  printer.out.write(" RP=")
  var offset = try printer.writePIMAddress(bytes, at: 4, addressLength, key: "rendezvous_point")
  if printer.writesFields { printer.fields.beginArray("groups") }
  for number in 0..<prefixes where offset < bytes.length {
    printer.write(" Group", number)
    printer.out.write("=")
    if printer.writesFields { printer.fields.beginObject() }
    let end = try printer.writePIMGroup(bytes, at: offset, addressLength, key: "group")
    try recordMaskLength(bytes, at: offset, addressLength, &printer)
    offset = end
    if printer.writesFields { printer.fields.end() }
  }
  if printer.writesFields { printer.fields.end() }
}
