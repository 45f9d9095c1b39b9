package import Dissect
import PacketCore

extension Layer {
  static let nhrp = Layer("nhrp", "NBMA Next Hop Resolution Protocol", "RFC 2332") {
    [
      Field("version", .uint8, "Version."),
      Field("address_family", .uint16, "Address family of the NBMA network."),
      Field("protocol_type", .uint16, "Protocol of the addresses that are resolved, an EtherType."),
      Field("hop_count", .uint8, "Hops that the message may make."),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field("op_type", .uint8, "Kind of message."),
      Field("op_type_name", .text, "Name of the kind."),
      Field("request_id", .uint32, "Number of the request that a reply repeats."),
      Field("source_nbma", .text, "NBMA address of the station that asks."),
      Field("source_protocol_address", .text, "Its protocol address."),
      Field("destination_protocol_address", .text, "Requested protocol address."),
      Field(
        "clients",
        .array(
          .object([
            Field("code", .uint8, "Why a request is refused; 0 where it is not.", always: true),
            Field("prefix_length", .uint8, "Bits of the protocol address that the entry is for.", always: true),
            Field("mtu", .uint16, "Largest packet that the client takes.", always: true),
            Field("hold_seconds", .uint16, "Seconds for which the entry is valid.", always: true),
            Field("preference", .uint8, "Preference among entries.", always: true),
            Field("nbma_address", .text, "NBMA address of the client."),
            Field("protocol_address", .text, "Protocol address of the client."),
          ])), "Client information entries.", each: "One entry."),
    ]
  }
}

extension Dissector {
  /// Inside GRE, as Cisco sends it, or under an IP protocol number of its own.
  package static let nhrp = Dissector(
    name: "nhrp", claims: [Claim(.greProtocol, 0x2001 as UInt16), .ipProtocol(54)], layers: [.nhrp], print: printNHRP)
}

private let operations: ValueNames = [
  1: "res request", 2: "res reply", 3: "reg request", 4: "reg reply", 5: "purge request", 6: "purge reply",
  7: "error indication",
]
private let errorIndication: UInt8 = 7

///     0         2          4           9         10       12         14               16        17     18            19
///     +---------+----------+-----------+---------+--------+----------+----------------+---------+------+-------------+----------------+
///     | family  | protocol | SNAP      | hop     | packet | checksum | extensions     | version | type | NBMA length | subaddress len.|
///     |         | type     |           | count   | length |          | offset         |         |      | and kind    | and kind       |
///     +---------+----------+-----------+---------+--------+----------+----------------+---------+------+-------------+----------------+
/// RFC 2332 section 5.2.1
private let fixedLength = 20
///     0               1                    2       4            8
///     +---------------+--------------------+-------+------------+------------------------------------------------------
///     | source length | destination length | flags | request ID | source NBMA, subaddress, source, destination, entries
///     +---------------+--------------------+-------+------------+------------------------------------------------------
/// RFC 2332 section 5.2.0.1
private let commonLength = 8
///     0      1               2        4     6                8            9                 10              11           12
///     +------+---------------+--------+-----+----------------+------------+-----------------+---------------+------------+-----------
///     | code | prefix length | unused | MTU | hold (seconds) | NBMA len.  | subaddress len. | protocol len. | preference | addresses
///     +------+---------------+--------+-----+----------------+------------+-----------------+---------------+------------+-----------
private let entryLength = 12
/// A bit in the length of an NBMA address: the address is an E.164 number.
private let isE164: UInt8 = 0x40

@Sendable
private func printNHRP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("NHRP: ")
  try printer.reject("length", bytes.length, .less, fixedLength)
  try bytes.check(0, fixedLength)
  let version = try bytes.u8(at: 16)
  let operation = try bytes.u8(at: 17)
  let size = Int(try bytes.u16(at: 10))
  let extensions = Int(try bytes.u16(at: 14))
  if printer.enter(.nhrp) {
    printer.fields.write("version", version)
    printer.fields.write("address_family", try bytes.u16(at: 0))
    printer.fields.write("protocol_type", try bytes.u16(at: 2))
    printer.fields.write("hop_count", try bytes.u8(at: 9))
    printer.fields.write("length", size)
    printer.fields.write("op_type", operation, "op_type_name", operations)
  }
  guard version == 1 else {
    printer.writeFault("unknown-version-")
    printer.out.write(hex: version, width: 2)
    return
  }
  try printer.reject("pktsz", size, .less, fixedLength)
  printer.write(operations, operation, unknown: .hex("unknown-op-type-", digits: 4))
  // The mandatory part ends where the extensions begin.
  if extensions != 0 {
    try printer.reject("extoff", extensions, .less, fixedLength)
    try printer.reject("extoff", extensions, .greater, size)
  }
  let end = min(extensions != 0 ? extensions : size, bytes.length)
  let part = try bytes.dropping(fixedLength).clamped(to: end &- fixedLength)
  let header = try bytes.slice(at: 0, length: fixedLength)
  try printMandatoryPart(part, header, &printer)
}

private func printMandatoryPart(
  _ part: PacketBytes, _ header: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let operation = try header.u8(at: 17)
  let family = try header.u16(at: 0)
  let protocolType = try header.u16(at: 2)
  let nbmaKind = try header.u8(at: 18)
  let isKnown = operations[operation] != nil
  try printer.reject("mand_part_len", part.length, .less, commonLength)
  try part.check(0, commonLength)
  let sourceLength = Int(try part.u8(at: 0))
  let destinationLength = Int(try part.u8(at: 1))
  if isKnown, operation != errorIndication { printer.write(", id ", "request_id", try part.u32(at: 4)) }
  if printer.options.verbosity > 0 { printer.write(", hopcnt ", try header.u8(at: 9)) }
  if nbmaKind & 0x80 != 0 { printer.writeFault(" (shtl bit 7 set)") }
  if nbmaKind & isE164 != 0 { printer.out.write(" (nbma E.154)") }
  var offset = commonLength
  if nbmaKind > 0 {
    let address = try next(part, &offset, Int(nbmaKind), &printer)
    printer.recordAddress("source_nbma", address, isIPv4: family == AddressFamily.ipv4)
    if family == AddressFamily.ipv4 || family == AddressFamily.ipv6 {
      printer.out.write(", src nbma ")
      try printer.writeAddress(address, isIPv4: family == AddressFamily.ipv4)
    } else {
      printer.write(", unknown-nbma-addr-family-", family, as: .hex(4))
      printer.out.write(" (")
      try printer.writeLinkAddress(address)
      printer.out.write(")")
    }
  }
  let subaddressLength = Int(try header.u8(at: 19))
  if subaddressLength > 0 { _ = try next(part, &offset, subaddressLength, &printer) }
  let isIPv4 = protocolType == EtherTypes<UInt16>.ipv4
  if isIPv4 || protocolType == EtherTypes<UInt16>.ipv6 {
    printer.out.write(", ")
  } else {
    printer.write(", proto type ", protocolType, as: .hex(4))
    printer.out.write(" ")
  }
  if sourceLength > 0 {
    let address = try next(part, &offset, sourceLength, &printer)
    printer.recordAddress("source_protocol_address", address, isIPv4: isIPv4)
    try printer.writeAddress(address, isIPv4: isIPv4)
    printer.out.write(" ")
  }
  printer.out.write("->")
  if destinationLength > 0 {
    let address = try next(part, &offset, destinationLength, &printer)
    printer.recordAddress("destination_protocol_address", address, isIPv4: isIPv4)
    printer.out.write(" ")
    try printer.writeAddress(address, isIPv4: isIPv4)
  }
  guard isKnown, operation != errorIndication else { return }
  if printer.writesFields { printer.fields.beginArray("clients") }
  while offset < part.length {
    // Each entry has at least its fixed part.
    offset &+= try printEntry(try part.dropping(offset), family, protocolType, &printer)
  }
  if printer.writesFields { printer.fields.end() }
}

/// Returns the next `length` bytes, and moves the offset past them.
@_lifetime(copy part)
private func next(
  _ part: PacketBytes, _ offset: inout Int, _ length: Int, _ printer: inout Printer
) throws(DecodeError) -> PacketBytes {
  try printer.reject("mand_part_len", part.length &- offset, .less, length)
  let value = try part.slice(at: offset, length: length)
  offset &+= length
  return value
}

/// Prints a client information entry; returns its length.
private func printEntry(
  _ entry: PacketBytes, _ family: UInt16, _ protocolType: UInt16, _ printer: inout Printer
) throws(DecodeError) -> Int {
  try printer.reject("remaining mandatory part length", entry.length, .less, entryLength)
  let isVerbose = printer.options.verbosity > 0
  printer.write(" (code ", try entry.u8(at: 0))
  try entry.check(0, entryLength)
  let nbmaKind = try entry.u8(at: 8)
  let subaddressLength = Int(try entry.u8(at: 9))
  let protocolLength = Int(try entry.u8(at: 10))
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("code", try entry.u8(at: 0))
    printer.fields.write("prefix_length", try entry.u8(at: 1))
    printer.fields.write("mtu", try entry.u16(at: 4))
    printer.fields.write("hold_seconds", try entry.u16(at: 6))
    printer.fields.write("preference", try entry.u8(at: 11))
  }
  if isVerbose {
    printer.write(", pl ", try entry.u8(at: 1))
    printer.write(", mtu ", try entry.u16(at: 4))
    printer.write(", htime ", try entry.u16(at: 6))
    printer.write(", pref ", try entry.u8(at: 11))
  }
  var offset = entryLength
  if nbmaKind > 0 {
    if nbmaKind & isE164 != 0 { printer.out.write(", nbma E.154") }
    let address = try nextOfEntry(entry, &offset, Int(nbmaKind), &printer)
    let isIPv4 = family == AddressFamily.ipv4
    printer.recordAddress("nbma_address", address, isIPv4: isIPv4)
    if isIPv4 || family == AddressFamily.ipv6 {
      printer.out.write(", nbma ")
      try printer.writeAddress(address, isIPv4: isIPv4)
    } else {
      printer.write(", unknown-nbma-addr-family-", family, as: .hex(4))
      printer.out.write(" (")
      try printer.writeLinkAddress(address)
      printer.out.write(")")
    }
  }
  if subaddressLength > 0 {
    printer.out.write(", unknown-nbma-saddr-family")
    if entry.length &- offset < subaddressLength { throw .truncated }
    offset &+= subaddressLength
  }
  if protocolLength > 0 {
    let address = try nextOfEntry(entry, &offset, protocolLength, &printer)
    let isIPv4 = protocolType == EtherTypes<UInt16>.ipv4
    printer.recordAddress("protocol_address", address, isIPv4: isIPv4)
    printer.out.write(", proto ")
    try printer.writeAddress(address, isIPv4: isIPv4)
  }
  printer.out.write(")")
  if printer.writesFields { printer.fields.end() }
  return offset
}

@_lifetime(copy entry)
private func nextOfEntry(
  _ entry: PacketBytes, _ offset: inout Int, _ length: Int, _ printer: inout Printer
) throws(DecodeError) -> PacketBytes {
  try printer.reject("remaining mandatory part length", entry.length &- offset, .less, length)
  let value = try entry.slice(at: offset, length: length)
  offset &+= length
  return value
}

extension Printer {
  /// An IPv4 or IPv6 address, if it has the length of one, else its bytes.
  fileprivate mutating func writeAddress(_ address: PacketBytes, isIPv4: Bool) throws(DecodeError) {
    switch (isIPv4, address.length) {
    case (true, 4): writeHost(try address.ipv4(at: 0))
    case (false, 16): writeHost(try address.ipv6(at: 0))
    default: try writeBytes(address)
    }
  }

  /// Bytes separated by colons.
  private mutating func writeBytes(_ bytes: PacketBytes) throws(DecodeError) {
    for index in 0..<bytes.length {
      if index > 0 { out.write(":") }
      out.write(hex: try bytes.u8(at: index), width: 2)
    }
  }

  fileprivate mutating func recordAddress(_ key: StaticString, _ address: PacketBytes, isIPv4: Bool) {
    guard writesFields else { return }
    switch (isIPv4, address.length) {
    case (true, 4): if let address = try? address.ipv4(at: 0) { fields.write(key, address) }
    case (false, 16): if let address = try? address.ipv6(at: 0) { fields.write(key, address) }
    default: recordLinkAddress(key, address)
    }
  }
}
