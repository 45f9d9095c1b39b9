package import Dissect
import PacketCore

extension Layer {
  static let babel = Layer("babel", "Babel routing protocol", "RFC 8966 section 4, RFC 8967, RFC 9079") {
    [
      Field("version", .uint8, "Version of the protocol.", always: true),
      Field("body_length", .uint16, "Bytes of the body."),
      Field("tlvs", .array(.object(tlvFields)), "TLVs, in order, those after the body included.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  package static let babel = Dissector(
    name: "babel", claims: [.udpPort(6696), .udpPort(6697)], layers: [.babel], print: printBabel)
}

private let tlvFields = [
  Field("type", .uint8, "TLV type.", always: true),
  Field("type_name", .text, "Name of the type."),
  Field("length", .uint8, "Bytes of the value."),
  Field("acknowledgment_nonce", .uint16, "Number that an acknowledgment repeats."),
  Field("interval", .uint16, "Interval in hundredths of a second."),
  Field("is_unicast", .flag, "The hello was sent to this receiver alone."),
  Field("sequence", .uint16, "Sequence number."),
  Field("receive_cost", .uint16, "Cost of receiving from the neighbor."),
  Field("address", .ip, "Address of the neighbor."),
  Field("router_id", .text, "Identifier of the router."),
  Field("next_hop", .ip, "Next hop."),
  Field("flag_bits", .uint8, "Flags of an update."),
  Field("prefix", .ip, "Address of the prefix; left out for all prefixes."),
  Field("prefix_length", .uint8, "Bits of the prefix."),
  Field("source_prefix", .ip, "Address of the prefix that the source must have."),
  Field("source_prefix_length", .uint8, "Bits of that prefix."),
  Field("metric", .uint32, "Metric; 65535 retracts the route."),
  Field("hop_count", .uint8, "Hops that a request may make."),
  Field("packet_counter", .uint32, "Counter against replayed packets."),
  Field("data", .hex, "Value of any other TLV."),
]

/// TLV types (IANA "Babel TLV Types").
private enum TLV {
  static let pad1: UInt32 = 0
  static let padN: UInt32 = 1
  static let acknowledgmentRequest: UInt32 = 2
  static let acknowledgment: UInt32 = 3
  static let hello: UInt32 = 4
  static let ihu: UInt32 = 5
  static let routerID: UInt32 = 6
  static let nextHop: UInt32 = 7
  static let update: UInt32 = 8
  static let routeRequest: UInt32 = 9
  static let seqnoRequest: UInt32 = 10
  static let packetCounter: UInt32 = 11
  static let hmac: UInt32 = 12
  static let sourceUpdate: UInt32 = 13
  static let sourceRequest: UInt32 = 14
  static let sourceSeqnoRequest: UInt32 = 15
  static let mac: UInt32 = 16
  static let counter: UInt32 = 17
  static let challengeRequest: UInt32 = 18
  static let challengeReply: UInt32 = 19

  static let names: ValueNames = [
    0: "Pad 1", 1: "Pad N", 2: "Acknowledgment Request", 3: "Acknowledgment", 4: "Hello", 5: "IHU", 6: "Router Id",
    7: "Next Hop", 8: "Update", 9: "Route Request", 10: "Seqno Request", 11: "TS/PC", 12: "HMAC", 13: "SS-Update",
    14: "SS-Request", 15: "SS-MH-Request", 16: "MAC", 17: "PC", 18: "Challenge Request", 19: "Challenge Reply",
  ]
  /// Names for the form in which one line lists all TLVs.
  static let shortNames: ValueNames = [
    0: " pad1", 1: " padN", 2: " ack-req", 3: " ack", 4: " hello", 5: " ihu", 6: " router-id", 7: " nh",
    9: " route-request", 10: " seqno-request", 11: " tspc", 12: " hmac", 13: " ss-update", 14: " ss-request",
    15: " ss-mh-request", 16: " mac", 17: " pc", 18: " challenge_request", 19: " challenge_reply",
  ]
}

private enum SubTLV {
  static let pad1: UInt32 = 0
  static let padN: UInt32 = 1
  static let diversity: UInt32 = 2
  static let timestamp: UInt32 = 3
  /// A receiver that does not know the sub-TLV must ignore the TLV.
  static let mandatory: UInt32 = 0x80
}

/// Encodings of addresses (RFC 8966 section 4.1.4).
private enum AddressEncoding {
  static let wildcard: UInt8 = 0
  static let ipv4: UInt8 = 1
  static let ipv6: UInt8 = 2
  static let linkLocal: UInt8 = 3
}

/// The prefixes from which later updates in the packet may omit leading bytes.
private struct DefaultPrefixes {
  var ipv4: UInt128 = 0
  var ipv6: UInt128 = 0
}

/// A prefix; with the wildcard encoding it means all prefixes.
private struct Prefix {
  var encoding: UInt8
  /// Left-aligned in 128 bits.
  var bits: UInt128
  var length: UInt8
}

///     0       1         2             4
///     +-------+---------+-------------+-----------------------
///     | magic | version | body length | TLVs, then the trailer       RFC 8966 section 4.2
///     +-------+---------+-------------+-----------------------
private let headerLength = 4

@Sendable
private func printBabel(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("babel")
  try bytes.check(0, headerLength)
  let version = try bytes.u8(at: 1)
  let length = Int(try bytes.u16(at: 2))
  guard try bytes.u8(at: 0) == 42 else { return printer.writeFault(" invalid header") }
  if bytes.length < headerLength { return printer.writeFault(" invalid header") }
  _ = printer.enter(.babel)
  printer.write(" ", "version", version)
  if version != 2 { return printer.writeFault(" unknown version") }
  printer.write(" (", "body_length", length)
  printer.out.write(")")
  if headerLength &+ length > bytes.length { throw .invalid }
  var defaults = DefaultPrefixes()
  if printer.writesFields { printer.fields.beginArray("tlvs") }
  try printTLVs(bytes.withLength(headerLength &+ length), at: headerLength, &defaults, &printer)
  // The body is followed by TLVs that authenticate it (RFC 8967).
  if headerLength &+ length < bytes.length {
    printer.out.write(printer.options.verbosity > 0 ? "\n\t----" : " |")
    try printTLVs(bytes, at: headerLength &+ length, &defaults, &printer)
  }
  if printer.writesFields { printer.fields.end() }
}

private func printTLVs(
  _ bytes: PacketBytes, at start: Int, _ defaults: inout DefaultPrefixes, _ printer: inout Printer
) throws(DecodeError) {
  let level = printer.fields.level
  var list = printer.openList(bytes, at: start, OptionLayout(padding: 0, shortHeader: .endsList))
  while let tlv = try printer.next(&list) {
    if printer.writesFields {
      printer.fields.end(downTo: level)
      printer.fields.beginObject()
      printer.fields.write("type", tlv.type, "type_name", TLV.names)
      if tlv.type != TLV.pad1 { printer.fields.write("length", tlv.length) }
    }
    if tlv.isTooLong { throw .invalid }
    try tlv.bytes.check(0, tlv.size)
    guard printer.options.verbosity > 0 else {
      try writeShortName(tlv.type, tlv.value, &printer)
      continue
    }
    try print(tlv.type, try tlv.wholeValue(), &defaults, &printer)
  }
  if list.remaining > 0 { throw .invalid }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

/// ` hello`, ` update/prefix/id`, ` unknown`.
private func writeShortName(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if type == TLV.update {
    printer.out.write(" update")
    try require(value, 10)
    writeUpdateFlags(try value.u8(at: 1), &printer)
  } else {
    printer.write(TLV.shortNames, type, unknown: " unknown")
  }
}

private func writeUpdateFlags(_ flags: UInt8, _ printer: inout Printer) {
  if flags & 0x80 != 0 { printer.out.write("/prefix") }
  if flags & 0x40 != 0 { printer.out.write("/id") }
  if flags & 0x3f != 0 { printer.out.write("/unknown") }
}

/// Prints one TLV, which was captured whole.
private func print(
  _ type: UInt32, _ value: PacketBytes, _ defaults: inout DefaultPrefixes, _ printer: inout Printer
) throws(DecodeError) {
  switch type {
  case TLV.pad1: printer.out.write("\n\tPad 1")
  case TLV.padN: printer.write("\n\tPad ", value.length &+ 2)
  case TLV.acknowledgmentRequest:
    ///     0 reserved  2 nonce  4 interval
    printer.out.write("\n\tAcknowledgment Request ")
    try require(value, 6)
    printer.write("", "acknowledgment_nonce", try value.u16(at: 2), as: .hex(4))
    writeInterval(" ", try value.u16(at: 4), &printer)
  case TLV.acknowledgment:
    printer.out.write("\n\tAcknowledgment ")
    try require(value, 2)
    printer.write("", "acknowledgment_nonce", try value.u16(at: 0), as: .hex(4))
  case TLV.hello: try printHello(value, &printer)
  case TLV.ihu: try printIHU(value, &printer)
  case TLV.routerID:
    printer.out.write("\n\tRouter Id")
    try require(value, 10)
    try writeRouterID(" ", try value.slice(at: 2, length: 8), &printer)
  case TLV.nextHop:
    printer.out.write("\n\tNext Hop")
    try require(value, 2)
    let encoding = try value.u8(at: 0)
    if encoding == AddressEncoding.wildcard { return printer.writeFault(" invalid AE 0") }
    guard let address = try readAddress(encoding, try value.dropping(2)) else { throw .invalid }
    write(" ", "next_hop", address.bits, encoding, &printer)
  case TLV.update: try printUpdate(value, &defaults, &printer)
  case TLV.routeRequest:
    ///     0 encoding  1 prefix length  2 prefix
    printer.out.write("\n\tRoute Request ")
    try require(value, 2)
    let prefix = try readWholePrefix(try value.u8(at: 0), try value.u8(at: 1), try value.dropping(2))
    printer.out.write("for ")
    write(prefix, &printer, wildcard: "any")
  case TLV.seqnoRequest: try printSeqnoRequest(value, &printer)
  case TLV.sourceUpdate: try printSourceUpdate(value, &defaults, &printer)
  case TLV.sourceRequest: try printSourceRequest(value, &printer)
  case TLV.sourceSeqnoRequest: try printSourceSeqnoRequest(value, &printer)
  default: try printSecurityTLV(type, value, &printer)
  }
}

/// Ends the message if a value is shorter than its fixed part.
private func require(_ value: PacketBytes, _ length: Int) throws(DecodeError) {
  if value.length < length { throw .invalid }
}

/// TLVs of RFC 8967 and its predecessor RFC 7298, and unknown ones.
private func printSecurityTLV(
  _ type: UInt32, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  switch type {
  case TLV.packetCounter:
    printer.out.write("\n\tTS/PC ")
    try require(value, 6)
    printer.write("timestamp ", "packet_counter", try value.u32(at: 2))
    printer.write(" packetcounter ", try value.u16(at: 0))
    return
  case TLV.hmac:
    printer.out.write("\n\tHMAC ")
    try require(value, 18)
    printer.write("key-id ", try value.u16(at: 0))
    printer.write(" digest-", value.length &- 2)
    printer.out.write(" ")
    for index in 2..<value.length { printer.writeUpperHex(try value.u8(at: index)) }
  case TLV.mac: printer.write("\n\tMAC len ", value.length)
  case TLV.counter:
    printer.out.write("\n\tPC ")
    try require(value, 4)
    printer.write("value ", "packet_counter", try value.u32(at: 0))
    printer.write(" index len ", value.length &- 4)
  case TLV.challengeRequest: printer.write("\n\tChallenge Request len ", value.length)
  case TLV.challengeReply: printer.write("\n\tChallenge Reply len ", value.length)
  default: printer.write("\n\tUnknown message type ", type)
  }
  if printer.writesFields { printer.fields.write("data", hex: value) }
}

///     0 flags  2 sequence number  4 interval  6 sub-TLVs
private func printHello(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\tHello ")
  try require(value, 6)
  let isUnicast = try value.u16(at: 0) & 0x8000 != 0
  if printer.writesFields { printer.fields.write("is_unicast", isUnicast) }
  if isUnicast { printer.out.write("(Unicast) ") }
  printer.write("seqno ", "sequence", try value.u16(at: 2))
  let interval = try value.u16(at: 4)
  if interval == 0 {
    if printer.writesFields { printer.fields.write("interval", interval) }
    printer.out.write(" unscheduled")
  } else {
    writeInterval(" interval ", interval, &printer)
  }
  try printSubTLVs(TLV.hello, value, at: 6, &printer)
}

///     0 encoding  1 reserved  2 receive cost  4 interval  6 address, sub-TLVs
private func printIHU(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\tIHU ")
  try require(value, 6)
  let encoding = try value.u8(at: 0)
  guard let address = try readAddress(encoding, try value.dropping(6)) else { return printer.writeTruncation() }
  if encoding == AddressEncoding.wildcard {
    printer.out.write("any")
  } else {
    write("", "address", address.bits, encoding, &printer)
  }
  printer.write(" rxcost ", "receive_cost", try value.u16(at: 2))
  writeInterval(" interval ", try value.u16(at: 4), &printer)
  try printSubTLVs(TLV.ihu, value, at: 6 &+ address.length, &printer)
}

///     0 encoding  1 flags  2 prefix length  3 omitted  4 interval  6 sequence number  8 metric  10 prefix, sub-TLVs
/// An update with flag 0x80 sets the prefix whose leading bytes later updates omit.
private func printUpdate(
  _ value: PacketBytes, _ defaults: inout DefaultPrefixes, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write("\n\tUpdate")
  try require(value, 10)
  let flags = try value.u8(at: 1)
  let (prefix, length) = try readPrefix(
    try value.u8(at: 0), try value.u8(at: 2), omitted: try value.u8(at: 3), defaults, try value.dropping(10))
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  writeUpdateFlags(flags, &printer)
  printer.out.write(" ")
  write(prefix, &printer, wildcard: "any")
  printer.write(" metric ", "metric", try value.u16(at: 8))
  printer.write(" seqno ", "sequence", try value.u16(at: 6))
  let interval = try value.u16(at: 4)
  if interval == .max {
    if printer.writesFields { printer.fields.write("interval", interval) }
    printer.out.write(" interval infinity")
  } else {
    writeInterval(" interval ", interval, &printer)
  }
  if flags & 0x80 != 0 {
    switch prefix.encoding {
    case AddressEncoding.ipv4: defaults.ipv4 = prefix.bits
    case AddressEncoding.ipv6: defaults.ipv6 = prefix.bits
    default: break
    }
  }
  try printSubTLVs(TLV.update, value, at: 10 &+ length, &printer)
}

///     0 encoding  1 prefix length  2 sequence number  4 hop count  5 reserved  6 router identifier (8)  14 prefix
private func printSeqnoRequest(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\tSeqno Request ")
  try require(value, 14)
  let prefix = try readWholePrefix(try value.u8(at: 0), try value.u8(at: 1), try value.dropping(14))
  printer.write("(", "hop_count", try value.u8(at: 4))
  printer.out.write(" hops) for ")
  write(prefix, &printer, wildcard: "invalid AE 0")
  printer.write(" seqno ", "sequence", try value.u16(at: 2))
  try writeRouterID(" id ", try value.slice(at: 6, length: 8), &printer)
}

///     0 encoding  1 source prefix length  2 prefix length  3 omitted  4 interval  6 sequence number  8 metric  10 prefix, source prefix
/// Source-specific routes in the form used before they became a sub-TLV (RFC 9079).
private func printSourceUpdate(
  _ value: PacketBytes, _ defaults: inout DefaultPrefixes, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write("\n\tSS-Update")
  try require(value, 10)
  let encoding = try value.u8(at: 0)
  let (prefix, length) = try readPrefix(
    encoding, try value.u8(at: 2), omitted: try value.u8(at: 3), defaults, try value.dropping(10))
  let (source, sourceLength) = try readPrefix(
    encoding, try value.u8(at: 1), omitted: 0, defaults, try value.dropping(10 &+ length))
  printer.out.write(" ")
  write(prefix, &printer, wildcard: "::/0")
  printer.out.write(" from ")
  write(source, &printer, wildcard: "::/0", isSource: true)
  printer.write(" metric ", "metric", try value.u16(at: 8))
  printer.write(" seqno ", "sequence", try value.u16(at: 6))
  writeInterval(" interval ", try value.u16(at: 4), &printer)
  try printSubTLVs(TLV.sourceUpdate, value, at: 10 &+ length &+ sourceLength, &printer)
}

///     0 encoding  1 prefix length  2 source prefix length  3 prefix, source prefix
private func printSourceRequest(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\tSS-Request ")
  try require(value, 3)
  let encoding = try value.u8(at: 0)
  let (prefix, source) = try readPair(encoding, value, lengths: (1, 2), at: 3)
  printer.out.write("for ")
  if encoding == AddressEncoding.wildcard { return printer.out.write("any") }
  write(prefix, source, &printer)
}

///     0 encoding  1 prefix length  2 sequence number  4 hop count  5 source prefix length  6 router identifier (8)
///       14 prefix, source prefix
private func printSourceSeqnoRequest(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\tSS-MH-Request ")
  try require(value, 14)
  let (prefix, source) = try readPair(try value.u8(at: 0), value, lengths: (1, 5), at: 14)
  printer.write("(", "hop_count", try value.u8(at: 4))
  printer.out.write(" hops) for ")
  write(prefix, source, &printer)
  printer.write(" seqno ", "sequence", try value.u16(at: 2))
  try writeRouterID(" id ", try value.slice(at: 6, length: 8), &printer)
}

/// Reads two consecutive prefixes; `lengths` are the offsets of their lengths.
private func readPair(
  _ encoding: UInt8, _ value: PacketBytes, lengths: (Int, Int), at offset: Int
) throws(DecodeError) -> (Prefix, Prefix) {
  let none = DefaultPrefixes()
  let (prefix, length) = try readPrefix(
    encoding, try value.u8(at: lengths.0), omitted: 0, none, try value.dropping(offset))
  let (source, _) = try readPrefix(
    encoding, try value.u8(at: lengths.1), omitted: 0, none, try value.dropping(offset &+ length))
  return (prefix, source)
}

private func readWholePrefix(
  _ encoding: UInt8, _ bits: UInt8, _ bytes: PacketBytes
) throws(DecodeError) -> Prefix {
  try readPrefix(encoding, bits, omitted: 0, DefaultPrefixes(), bytes).prefix
}

/// Link-local addresses begin with these bits.
private let linkLocal: UInt128 = 0xfe80 << 112

/// Reads a prefix, whose first `omitted` bytes are those of the default prefix; also returns the number of bytes read. Throws `.invalid` if
/// it is impossible.
private func readPrefix(
  _ encoding: UInt8, _ bits: UInt8, omitted: UInt8, _ defaults: DefaultPrefixes, _ bytes: PacketBytes
) throws(DecodeError) -> (prefix: Prefix, length: Int) {
  var address: UInt128 = 0
  var wanted = (Int(bits) &+ 7) / 8
  // Leading bytes that the encoding implies; like omitted ones, they are not in the TLV.
  var implied = 0
  switch encoding {
  case AddressEncoding.wildcard: return (Prefix(encoding: encoding, bits: 0, length: 0), 0)
  case AddressEncoding.ipv4:
    if bits > 32 || omitted > 4 { throw .invalid }
    address = defaults.ipv4
  case AddressEncoding.ipv6:
    if bits > 128 || omitted > 16 { throw .invalid }
    address = defaults.ipv6
  case AddressEncoding.linkLocal:
    if bits > 128 { throw .invalid }
    implied = 8
    wanted = max(0, wanted &- implied)
    if omitted > 0, wanted > 0 { throw .invalid }
    address = linkLocal
  default: throw .invalid
  }
  let inherited = min(Int(omitted), wanted)
  if bytes.length < wanted &- inherited { throw .invalid }
  let kept = UInt128(implied &+ inherited)
  address = kept == 0 ? 0 : address & ~(UInt128.max >> (8 &* kept))
  for index in 0..<(wanted &- inherited) {
    address |= UInt128(try bytes.u8(at: index)) << UInt128(8 &* (15 &- implied &- inherited &- index))
  }
  return (Prefix(encoding: encoding, bits: address, length: bits), wanted &- inherited)
}

/// An address, left-aligned, and its length; nil if it is impossible.
private func readAddress(
  _ encoding: UInt8, _ bytes: PacketBytes
) throws(DecodeError) -> (bits: UInt128, length: Int)? {
  switch encoding {
  case AddressEncoding.wildcard: return (0, 0)
  case AddressEncoding.ipv4:
    return bytes.length < 4 ? nil : (UInt128(try bytes.u32(at: 0)) << 96, 4)
  case AddressEncoding.ipv6:
    return bytes.length < 16 ? nil : (try bytes.ipv6(at: 0).rawValue, 16)
  case AddressEncoding.linkLocal:
    return bytes.length < 8 ? nil : (linkLocal | UInt128(try bytes.u64(at: 0)), 8)
  default: return nil
  }
}

private func write(
  _ title: StaticString, _ key: StaticString, _ bits: UInt128, _ encoding: UInt8, _ printer: inout Printer
) {
  if encoding == AddressEncoding.ipv4 {
    printer.write(title, key, IPv4Address(rawValue: UInt32(truncatingIfNeeded: bits >> 96)))
  } else {
    printer.write(title, key, IPv6Address(rawValue: bits))
  }
}

/// `192.0.2.0/24`, or the text for all prefixes.
private func write(
  _ prefix: Prefix, _ printer: inout Printer, wildcard: StaticString, isSource: Bool = false
) {
  guard prefix.encoding != AddressEncoding.wildcard else { return printer.out.write(wildcard) }
  write("", isSource ? "source_prefix" : "prefix", prefix.bits, prefix.encoding, &printer)
  printer.write("/", isSource ? "source_prefix_length" : "prefix_length", prefix.length)
}

private func write(_ prefix: Prefix, _ source: Prefix, _ printer: inout Printer) {
  printer.out.write("(")
  write(prefix, &printer, wildcard: "::/0")
  printer.out.write(", ")
  write(source, &printer, wildcard: "::/0", isSource: true)
  printer.out.write(")")
}

/// `4.00s`: an interval in hundredths of a second; 0 is invalid.
private func writeInterval(_ title: StaticString, _ interval: UInt16, _ printer: inout Printer) {
  if printer.writesFields { printer.fields.write("interval", interval) }
  printer.out.write(title)
  guard interval > 0 else { return printer.writeFault("0.0s (bogus)") }
  printer.write("", interval / 100)
  printer.out.write(".")
  printer.out.write(decimal: interval % 100, width: 2)
  printer.out.write("s")
}

/// Eight bytes separated by colons.
private func writeRouterID(
  _ title: StaticString, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  if printer.writesFields { printer.recordLinkAddress("router_id", bytes) }
  printer.out.write(title)
  try printer.writeLinkAddress(bytes)
}

/// Prints the sub-TLVs (RFC 8966 section 4.4) after the fixed part of a TLV of `type`. After an invalid one, the next TLV follows.
private func printSubTLVs(
  _ type: UInt32, _ value: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) {
  try printer.nest(try value.dropping(start)) { (list, printer) throws(DecodeError) in
    try printSubTLVs(type, list, &printer)
  }
}

private func printSubTLVs(_ type: UInt32, _ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, OptionLayout(padding: 0, isTypeFirst: true))
  while let option = try printer.next(&list) {
    if option.type == SubTLV.pad1 {
      printer.out.write(" sub-pad1")
      continue
    }
    if option.type & SubTLV.mandatory != 0 { printer.out.write(" (M)") }
    if option.rest < 2 || option.isTooLong { throw .invalid }
    let data = try option.wholeValue()
    switch option.type {
    case SubTLV.padN: printer.out.write(" sub-padn")
    case SubTLV.diversity: try printDiversity(type, data, &printer)
    case SubTLV.timestamp: try printTimestamps(type, data, &printer)
    default: printer.write(" sub-unknown-0x", option.type, as: .hex(2))
    }
  }
}

/// The channels of a route, one for each hop (draft-chroboczek-babel-diversity-routing): only updates may have them.
private func printDiversity(_ type: UInt32, _ data: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(" sub-diversity")
  if data.length == 0 { return printer.out.write(" empty") }
  for index in 0..<data.length {
    printer.out.write(index == 0 ? " " : "-")
    switch try data.u8(at: index) {
    case 0: printer.out.write("reserved")
    case 255: printer.out.write("all")
    case let channel: printer.out.write(decimal: channel)
    }
  }
  if type != TLV.update, type != TLV.sourceUpdate { printer.writeFault(" (bogus)") }
}

/// Microseconds (RFC 9616): when a hello was sent and, in an IHU, when the neighbor's hello was sent and received.
private func printTimestamps(_ type: UInt32, _ data: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(" sub-timestamp")
  switch type {
  case TLV.hello:
    if data.length < 4 { throw .invalid }
    printer.out.write(" ")
    writeSeconds(try data.u32(at: 0), &printer)
  case TLV.ihu:
    if data.length < 8 { throw .invalid }
    printer.out.write(" ")
    writeSeconds(try data.u32(at: 0), &printer)
    printer.out.write("|")
    writeSeconds(try data.u32(at: 4), &printer)
  default: printer.writeFault(" (bogus)")
  }
}

private func writeSeconds(_ microseconds: UInt32, _ printer: inout Printer) {
  printer.write("", microseconds / 1_000_000)
  printer.out.write(".")
  printer.out.write(decimal: microseconds % 1_000_000, width: 6)
  printer.out.write("s")
}
