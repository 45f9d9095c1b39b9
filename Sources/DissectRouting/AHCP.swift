package import Dissect
import PacketCore

extension Layer {
  static let ahcp = Layer("ahcp", "Ad Hoc Configuration Protocol", "draft-chroboczek-ahcp-01") {
    [
      Field("version", .uint8, "Version."),
      Field("hop_count", .uint8, "Hops that the message may make."),
      Field("original_hop_count", .uint8, "Hops that it might make at first."),
      Field("message_nonce", .uint32, "Number that distinguishes messages."),
      Field("source_id", .text, "Identifier of the sender."),
      Field("destination_id", .text, "Identifier of the receiver."),
      Field("message_type", .uint8, "Kind of message."),
      Field("message_type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the options, as the message states."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint8, "Kind of option.", always: true),
            Field("type_name", .text, "Name of the kind."),
            Field("length", .uint8, "Bytes of its value."),
            Field("origin_seconds", .uint32, "When the message was made, in seconds since 1970."),
            Field("expires_seconds", .uint32, "Seconds for which the configuration is valid."),
            Field("addresses", .array(.ip), "Addresses.", each: "One address."),
            Field(
              "prefixes",
              .array(
                .object([
                  Field("prefix", .ip, "Address of the prefix.", always: true),
                  Field("prefix_length", .uint8, "Its bits.", always: true),
                ])), "Prefixes.", each: "One prefix."),
          ])), "Options; only at -vv.", each: "One option."),
    ]
  }
}

extension Dissector {
  package static let ahcp = Dissector(name: "ahcp", claims: [.udpPort(5359)], layers: [.ahcp], print: printAHCP)
}

private let magic: UInt8 = 43
private let messageNames: ValueNames = [0: "Discover", 1: "Offer", 2: "Request", 3: "Ack", 4: "Nack", 5: "Release"]

private enum Option {
  static let pad: UInt8 = 0
  static let mandatory: UInt8 = 1
  static let originTime: UInt8 = 2
  static let expires: UInt8 = 3
  static let myIPv6: UInt8 = 4
  static let myIPv4: UInt8 = 5
  static let prefixIPv6: UInt8 = 6
  static let ipv6: UInt8 = 8
  static let ipv4: UInt8 = 9
  static let delegationIPv6: UInt8 = 10
  static let delegationIPv4: UInt8 = 11
  static let nameServer: UInt8 = 12
  static let timeServer: UInt8 = 13

  static let names: ValueNames = [
    0: "Pad", 1: "Mandatory", 2: "Origin Time", 3: "Expires", 4: "My-IPv6-Address", 5: "My-IPv4-Address",
    6: "IPv6 Prefix", 7: "IPv4 Prefix", 8: "IPv6 Address", 9: "IPv4 Address", 10: "IPv6 Prefix Delegation",
    11: "IPv4 Prefix Delegation", 12: "Name Server", 13: "NTP Server",
  ]
}

///     0       1         2      3               4       8        16            24     25   26       28
///     +-------+---------+------+---------------+-------+--------+-------------+------+----+--------+---------
///     | magic | version | hops | original hops | nonce | source | destination | type | 0  | length | options
///     +-------+---------+------+---------------+-------+--------+-------------+------+----+--------+---------
private let headerLength = 24
private let bodyHeaderLength = 4
private let identifierLength = 8

@Sendable
private func printAHCP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("AHCP")
  _ = printer.enter(.ahcp)
  guard bytes.length >= 2, try bytes.u8(at: 0) == magic else { throw printer.invalid(bytes) }
  let version = try bytes.u8(at: 1)
  if printer.writesFields { printer.fields.write("version", version) }
  printer.write(" Version ", version)
  guard version == 1 else { return printer.writeFault(" (unknown)") }
  if bytes.length < headerLength &+ bodyHeaderLength { throw printer.invalid(bytes) }
  if printer.options.verbosity == 0 {
    // Structured output always has the header.
    if printer.writesFields { recordHeader(bytes, &printer) }
    let body = try bytes.dropping(headerLength)
    if Int(try body.u16(at: 2)) > body.length &- bodyHeaderLength { throw printer.invalid(body) }
    return try bytes.check(0, bytes.length)
  }
  printer.write("\n\tHopcount ", "hop_count", try bytes.u8(at: 2))
  printer.write(", Original Hopcount ", "original_hop_count", try bytes.u8(at: 3))
  printer.write(", Nonce 0x", "message_nonce", try bytes.u32(at: 4), as: .hex(8))
  try printer.writeIdentifier(", Source Id ", "source_id", bytes, at: 8)
  try printer.writeIdentifier(", Destination Id ", "destination_id", bytes, at: 16)
  try printBody(try bytes.dropping(headerLength), &printer)
}

///     0      1    2        4
///     +------+----+--------+---------
///     | type | 0  | length | options
///     +------+----+--------+---------
private func printBody(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try body.check(0, bodyHeaderLength)
  let type = try body.u8(at: 0)
  let reserved = try body.u8(at: 1)
  let length = Int(try body.u16(at: 2))
  if printer.writesFields { printer.fields.write("message_type", type, "message_type_name", messageNames) }
  printer.write("\n\t", type, as: .named(messageNames, unknown: .decimal("Unknown-")))
  if reserved != 0 { printer.write(", MBZ ", reserved) }
  printer.write(", Length ", "length", length)
  let rest = try body.dropping(bodyHeaderLength)
  if length > rest.length { throw printer.invalid(body) }
  guard printer.options.verbosity > 1 else { return try rest.check(0, length) }
  try printOptions(rest.clamped(to: length), &printer)
}

/// Records the fields of a message whose text shows only the version.
private func recordHeader(_ bytes: PacketBytes, _ printer: inout Printer) {
  guard let type = try? bytes.u8(at: headerLength), let nonce = try? bytes.u32(at: 4) else { return }
  printer.fields.write("message_nonce", nonce)
  printer.fields.write("message_type", type, "message_type_name", messageNames)
}

///     0      1        2
///     +------+--------+-------
///     | type | length | value        Pads and the mark of what is mandatory have the type only.
///     +------+--------+-------
private func printOptions(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.beginArray("options") }
  // The level outside the current option: after a malformed one its object is closed and the next option is read.
  let level = printer.fields.level &+ 1
  var rest = bytes
  while rest.length > 0 {
    let type = try rest.u8(at: 0)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type, "type_name", Option.names)
    }
    printer.write("\n\t ", type, as: .named(Option.names, unknown: .decimal("Unknown-")))
    var size = 1
    if type != Option.pad, type != Option.mandatory {
      if rest.length < 2 { throw printer.invalid(rest) }
      let length = Int(try rest.u8(at: 1))
      if printer.writesFields { printer.fields.write("length", length) }
      size = 2 &+ length
      if size > rest.length { throw printer.invalid(rest) }
      do throws(DecodeError) {
        try printOption(type, try rest.dropping(2).clamped(to: length), &printer)
      } catch {
        guard error == .invalid else { throw error }
        printer.writeFault(" (invalid)")
        printer.fields.end(downTo: level)
      }
    }
    if printer.writesFields { printer.fields.end() }
    rest = try rest.dropping(size)
  }
  if printer.writesFields { printer.fields.end() }
}

private func printOption(_ type: UInt8, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case Option.originTime:
    if value.length != 4 { throw printer.invalid(value) }
    let time = try value.u32(at: 0)
    printer.out.write(": ")
    if printer.writesFields { printer.fields.write("origin_seconds", time) }
    printer.writeUTC(seconds: Int64(time), separator: " ", zone: " UTC")
  case Option.expires:
    if value.length != 4 { throw printer.invalid(value) }
    printer.write(": ", "expires_seconds", try value.u32(at: 0))
    printer.out.write("s")
  case Option.myIPv4, Option.ipv4: try printAddresses(value, size: 4, hasLength: false, &printer)
  case Option.myIPv6, Option.ipv6, Option.nameServer, Option.timeServer:
    try printAddresses(value, size: 16, hasLength: false, &printer)
  case Option.prefixIPv6, Option.delegationIPv6: try printAddresses(value, size: 16, hasLength: true, &printer)
  case Option.delegationIPv4: try printAddresses(value, size: 4, hasLength: true, &printer)
  default:
    printer.write(" (Length ", value.length)
    printer.out.write(")")
  }
}

/// Addresses, or prefixes that are each followed by a byte with their length in bits.
private func printAddresses(
  _ value: PacketBytes, size: Int, hasLength: Bool, _ printer: inout Printer
) throws(DecodeError) {
  if printer.writesFields { printer.fields.beginArray(hasLength ? "prefixes" : "addresses") }
  let step = hasLength ? size &+ 1 : size
  var offset = 0
  while offset < value.length {
    if offset &+ step > value.length { throw printer.invalid(value) }
    try value.check(offset, step)
    let title: StaticString = offset == 0 ? ": " : ", "
    if hasLength {
      if printer.writesFields { printer.fields.beginObject() }
      if size == 4 {
        printer.write(title, "prefix", try value.ipv4(at: offset))
      } else {
        printer.write(title, "prefix", try value.ipv6(at: offset))
      }
      printer.write("/", "prefix_length", try value.u8(at: offset &+ size))
      if printer.writesFields { printer.fields.end() }
    } else if size == 4 {
      printer.writeElement(title, try value.ipv4(at: offset))
    } else {
      printer.writeElement(title, try value.ipv6(at: offset))
    }
    offset &+= step
  }
  if printer.writesFields { printer.fields.end() }
}

extension Printer {
  /// Returns the error that ends a malformed part. If the part was not captured whole, it is marked as invalid here, and a truncation mark
  /// follows.
  fileprivate mutating func invalid(_ part: PacketBytes) -> DecodeError {
    if part.has(0, part.length) { return .invalid }
    writeFault(" (invalid)")
    return .truncated
  }

  /// Eight bytes separated by colons.
  fileprivate mutating func writeIdentifier(
    _ title: StaticString, _ key: StaticString, _ bytes: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    try bytes.check(offset, identifierLength)
    out.write(title)
    if writesFields {
      let held = beginHeldText()
      writeColons(try bytes.u64(at: offset))
      fields.write(key, text: out, from: held.start)
      endHeldText(held)
    }
    writeColons(try bytes.u64(at: offset))
  }

  private mutating func writeColons(_ identifier: UInt64) {
    for index in 0..<identifierLength {
      if index > 0 { out.write(":") }
      out.write(hex: UInt8(truncatingIfNeeded: identifier >> UInt64(56 &- 8 &* index)), width: 2)
    }
  }
}
