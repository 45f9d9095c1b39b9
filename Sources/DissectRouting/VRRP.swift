package import Dissect
import PacketCore

extension Layer {
  static let vrrp = Layer("vrrp", "Virtual Router Redundancy Protocol", "RFC 3768, RFC 5798") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Message type; 1 is an advertisement.", always: true),
      Field("virtual_router_id", .uint8, "Number of the virtual router."),
      Field("priority", .uint8, "Priority; 0 where the sender resigns, 255 where it owns the addresses."),
      Field("authentication_type", .uint8, "Authentication type, in version 2."),
      Field("interval_centiseconds", .uint16, "Hundredths of a second between advertisements."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("virtual_addresses", .array(.ip), "Addresses of the virtual router."),
    ]
  }
}

extension Dissector {
  /// Virtual Router Redundancy Protocol, version 2 (RFC 3768) and 3 (RFC 5798).
  package static let vrrp = Dissector(name: "vrrp", claims: [.ipProtocol(112)], layers: [.vrrp], print: printVRRP)
}

private let authenticationTypes: ValueNames = [0: "none", 1: "simple", 2: "ah"]
private let simplePassword: UInt8 = 1

///     0             1            2          3       4                        6          8
///     +-------------+------------+----------+-------+------------------------+----------+-----------
///     | version,type| router ID  | priority | count | 2: auth. type, interval| checksum | addresses …   password, in version 2
///     +-------------+------------+----------+-------+------------------------+----------+-----------
/// Version 3 has four zero bits and a twelve-bit interval in hundredths of a second.
@Sendable
private func printVRRP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.options.payload == .carp {
    return try printer.run(printer.registry.index(ipPayloadType: .carp), bytes)
  }
  printer.out.write("VRRP")
  let first = try bytes.u8(at: 0)
  let version = first >> 4
  let isAdvertisement = first & 15 == 1
  if printer.enter(.vrrp) {
    printer.fields.write("version", version)
    printer.fields.write("type", first & 15)
  }
  printer.out.write("v")
  printer.out.write(decimal: version)
  if isAdvertisement {
    printer.out.write(", Advertisement")
  } else {
    printer.out.write(", unknown type (")
    printer.out.write(decimal: first & 15)
    printer.out.write(")")
  }
  if printer.network.hopLimit != 255 {
    printer.out.write(", (ttl ")
    printer.out.write(decimal: printer.network.hopLimit)
    printer.out.write(")")
  }
  guard isAdvertisement, version == 2 || version == 3 else { return }
  let priority = try bytes.u8(at: 2)
  printer.write(", vrid ", "virtual_router_id", try bytes.u8(at: 1))
  printer.write(", prio ", "priority", priority)
  try writeInterval(bytes, version, &printer)
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0 else { return }
  try writeChecksum(bytes, version, &printer)
  try writeAddresses(bytes, version, &printer)
}

private func writeInterval(
  _ bytes: PacketBytes, _ version: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  if version == 3 {
    printer.write(", intvl ", "interval_centiseconds", try bytes.u16(at: 4) & 0xfff)
    printer.out.write("cs")
    return
  }
  printer.write(
    ", authtype ", "authentication_type", try bytes.u8(at: 4), as: .named(authenticationTypes, unknown: .decimal("#")))
  let interval = try bytes.u8(at: 5)
  if printer.writesFields { printer.fields.write("interval_centiseconds", UInt16(interval) * 100) }
  printer.write(", intvl ", interval)
  printer.out.write("s")
}

private func writeChecksum(
  _ bytes: PacketBytes, _ version: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  if printer.writesFields, bytes.has(6, 2) { printer.fields.write("checksum", try bytes.u16(at: 6)) }
  guard bytes.count >= bytes.length else { return }
  var sum =
    version == 3
    ? printer.network.pseudoHeader(ipProtocol: 112, length: bytes.length) : InternetChecksum()
  sum.add(bytes.clamped(to: bytes.length))
  printer.recordChecksum(isCorrect: sum.value == 0)
  if sum.value == 0 { return }
  let stored = try bytes.u16(at: 6)
  printer.noteInvalid()
  printer.write(", (bad vrrp cksum ", stored, as: .hex(1))
  printer.out.write(")")
}

private func writeAddresses(
  _ bytes: PacketBytes, _ version: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let count = Int(try bytes.u8(at: 3))
  printer.out.write(", addrs")
  if count > 1 {
    printer.write("(", count)
    printer.out.write(")")
  }
  printer.out.write(":")
  let isIPv6 = version == 3 && printer.network.version == 6
  let size = isIPv6 ? 16 : 4
  if printer.writesFields { printer.fields.beginArray("virtual_addresses") }
  for index in 0..<count {
    let offset = 8 + index * size
    if isIPv6 {
      printer.writeElement(index == 0 ? " " : ",", try bytes.ipv6(at: offset))
    } else {
      printer.writeElement(index == 0 ? " " : ",", try bytes.ipv4(at: offset))
    }
  }
  if printer.writesFields { printer.fields.end() }
  guard version == 2, try bytes.u8(at: 4) == simplePassword else { return }
  printer.out.write(" auth \"")
  let password = try bytes.dropping(8 + count * size)
  try writePassword(password, &printer)
  printer.out.write("\"")
}

/// Text of at most eight bytes, up to a zero.
private func writePassword(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  for index in 0..<8 {
    let octet = try bytes.u8(at: index)
    if octet == 0 { return }
    printer.out.write(escaped: octet)
  }
}
