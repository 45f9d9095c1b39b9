package import Dissect
import PacketCore

extension Layer {
  static let quic = Layer("quic", "QUIC", "RFC 9000") {
    [
      Field(
        "packets",
        .array(
          .object([
            Field(
              "packet_kind", .words(["initial", "0-RTT", "handshake", "retry", "version negotiation", "protected"]),
              "Kind of the packet."),
            Field("version", .uint32, "Version, where the packet states it."),
            Field("destination_connection_id", .hex, "Connection of the receiver."),
            Field("source_connection_id", .hex, "Connection of the sender."),
            Field("token", .hex, "Token of an initial packet or a retry."),
            Field("versions", .array(.uint32), "Versions to choose from."),
            Field("length", .uint64, "Bytes of what is encrypted."),
          ])), "Packets of the datagram, in order.", each: "One packet.", always: true)
    ]
  }
}

extension Dissector {
  package static let quic = Dissector(
    name: "quic", claims: [.udpPort(443), .payloadType(.quic)], layers: [.quic], print: printQUIC)
}

/// A connection identifier of up to twenty bytes (RFC 9000 section 17.2).
private struct ConnectionIdentifier: Equatable, BitwiseCopyable {
  var length = 0
  private var first: UInt128 = 0
  private var last: UInt32 = 0

  init() {}

  /// The first `length` bytes of `bytes`.
  init(_ bytes: PacketBytes, length: Int) throws(DecodeError) {
    self.length = length
    for index in 0..<length {
      let octet = try bytes.u8(at: index)
      if index < 16 { first = first << 8 | UInt128(octet) } else { last = last << 8 | UInt32(octet) }
    }
  }
}

/// The most recent connections: packets with a short header do not contain the length of their identifier.
private final class ConnectionTable {
  private static let size = 64
  private var identifiers = [ConnectionIdentifier](repeating: ConnectionIdentifier(), count: size)
  private var next = 0

  func insert(_ identifier: ConnectionIdentifier) {
    if identifiers.contains(identifier) { return }
    identifiers[next] = identifier
    next = (next &+ 1) % Self.size
  }

  /// The length of the identifier at the start of `bytes`; nil if the identifier is not known.
  func length(at bytes: PacketBytes) throws(DecodeError) -> Int? {
    for identifier in identifiers where identifier.length > 0 && bytes.has(0, identifier.length) {
      if try ConnectionIdentifier(bytes, length: identifier.length) == identifier { return identifier.length }
    }
    return nil
  }
}

private let connections = ProtocolState { ConnectionTable() }

private enum Kind {
  static let initial: UInt8 = 0
  static let retry: UInt8 = 3
  static let names: ValueNames = [0: "initial", 1: "0-RTT", 2: "handshake", 3: "retry"]
}

private enum FirstByte {
  static let isLong: UInt8 = 0x80
  static let isFixed: UInt8 = 0x40
}

private let longestIdentifier = 20
private let integrityTagLength = 16

@Sendable
private func printQUIC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("quic")
  if printer.enter(.quic) { printer.fields.beginArray("packets") }
  let level = printer.fields.level
  var rest = bytes
  // Every iteration advances by at least one byte.
  while rest.length > 0 {
    if printer.writesFields { printer.fields.beginObject() }
    let length =
      try rest.u8(at: 0) & FirstByte.isLong != 0 ? try printLong(rest, &printer) : try printShort(rest, &printer)
    if printer.writesFields { printer.fields.end(downTo: level) }
    rest = try rest.dropping(length)
  }
}

private func printShort(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  printer.out.write(", protected")
  if printer.writesFields { printer.fields.write("packet_kind", "protected") }
  let rest = try bytes.dropping(1)
  if let length = try printer.state(connections).length(at: rest) {
    printer.write(", dcid ", "destination_connection_id", hex: rest.clamped(to: length))
  }
  return bytes.length
}

///     0       1         5             6               …             …
///     +-------+---------+-------------+---------------+-------------+--------+------
///     | first | version | DCID length | DCID          | SCID length | SCID   | …
///     +-------+---------+-------------+---------------+-------------+--------+------
private func printLong(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let first = try bytes.u8(at: 0)
  let version = try bytes.u32(at: 1)
  let kind = first >> 4 & 3
  if version == 0 {
    printer.out.write(", version negotiation")
    if printer.writesFields { printer.fields.write("packet_kind", "version negotiation") }
  } else if first & FirstByte.isFixed != 0 {
    printer.write(", ", kind, as: .named(Kind.names, unknown: ""))
    if printer.writesFields, let name = Kind.names[kind] { printer.fields.write("packet_kind", name) }
  }
  if printer.writesFields { printer.fields.write("version", version) }
  if version > 1 { printer.write(", v", version, as: .hex(1)) }
  var offset = 5
  try printIdentifier(bytes, ", dcid ", "destination_connection_id", &offset, &printer)
  try printIdentifier(bytes, ", scid ", "source_connection_id", &offset, &printer)
  if version == 0 {
    if printer.writesFields { printer.fields.beginArray("versions") }
    while offset < bytes.length {
      let other = try bytes.u32(at: offset)
      printer.write(", version 0x", other, as: .hex(1))
      if printer.writesFields { printer.fields.element(other) }
      offset &+= 4
    }
    if printer.writesFields { printer.fields.end() }
    return bytes.length
  }
  if kind == Kind.retry {
    let length = bytes.length &- offset &- integrityTagLength
    if length > 0 { printer.write(", token ", "token", hex: try bytes.slice(at: offset, length: length)) }
    try bytes.check(0, bytes.length)
    return bytes.length
  }
  if kind == Kind.initial {
    let length = try variableLengthInteger(bytes, &offset)
    if length > 0 {
      let token = try bytes.dropping(offset)
      if length > token.length { throw .truncated }
      printer.write(", token ", "token", hex: try token.slice(at: 0, length: Int(length)))
      offset &+= Int(length)
    }
  }
  let length = try variableLengthInteger(bytes, &offset)
  printer.write(", length ", "length", length)
  let rest = try bytes.dropping(offset)
  if length > rest.length { throw .truncated }
  try rest.check(0, Int(length))
  return offset &+ Int(length)
}

private func printIdentifier(
  _ bytes: PacketBytes, _ title: StaticString, _ key: StaticString, _ offset: inout Int, _ printer: inout Printer
) throws(DecodeError) {
  let length = Int(try bytes.u8(at: offset))
  offset &+= 1
  if length == 0 { return }
  if length > longestIdentifier { throw .invalid }
  let identifier = try bytes.slice(at: offset, length: length)
  printer.write(title, key, hex: identifier)
  printer.state(connections).insert(try ConnectionIdentifier(identifier, length: length))
  offset &+= length
}

/// RFC 9000 section 16: the upper two bits of the first byte say whether the integer has 1, 2, 4 or 8 bytes.
private func variableLengthInteger(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) -> UInt64 {
  let first = try bytes.u8(at: offset)
  let count = 1 << Int(first >> 6)
  var number = UInt64(first & 0x3f)
  for index in 1..<max(1, count) { number = number << 8 | UInt64(try bytes.u8(at: offset &+ index)) }
  offset &+= count
  return number
}
