package import Dissect
import PacketCore

extension Layer {
  static let eapol = Layer("eapol", "EAP over LAN", "IEEE 802.1X section 11", marks: ["eap"]) {
    [
      Field("version", .uint8, "Protocol version.", always: true),
      Field("type", .uint8, "Kind of packet.", always: true),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the body, as it states.", always: true),
    ] + eapFields
  }
}

/// The members of an EAP packet in the object of the protocol that carries it.
let eapFields = [
  Field("eap_code", .uint8, "EAP: kind of packet."),
  Field("eap_code_name", .text, "EAP: what the kind is called."),
  Field("eap_id", .uint8, "EAP: identifier."),
  Field("eap_length", .uint16, "EAP: bytes of the packet, as it states."),
  Field("eap_type", .uint8, "EAP: method."),
  Field("eap_type_name", .text, "EAP: what the method is called."),
  Field("eap_text", .text, "EAP: identity or notification."),
]

extension Dissector {
  package static let eapol = Dissector(
    name: "eap", claims: [.etherType(0x888e)], layers: [.eapol], print: printEAPOL)
}

private let packetTypes: ValueNames = [
  0: "EAP packet", 1: "EAPOL start", 2: "EAPOL logoff", 3: "EAPOL key", 4: "Encapsulated ASF alert",
]

///     0         1      2        4
///     +---------+------+--------+------
///     | version | type | length | body      (IEEE 802.1X section 11.3)
///     +---------+------+--------+------
@Sendable
private func printEAPOL(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let version = try bytes.u8(at: 0)
  let type = try bytes.u8(at: 1)
  let length = try bytes.u16(at: 2)
  if printer.enter(.eapol) {
    printer.fields.write("version", version)
    printer.fields.write("type", type, "type_name", packetTypes)
    printer.fields.write("length", length)
  }
  printer.write(packetTypes, type, unknown: "unknown")
  printer.write(" (", type)
  printer.write(") v", version)
  printer.write(", len ", length)
  guard printer.options.verbosity > 0, type == 0 else { return }
  if length == 0 { throw .invalid }
  printer.out.write(", ")
  try printEAP(try bytes.dropping(4), carried: Int(length), indent: "\n\t\t ", &printer)
}

/// Codes of the Extensible Authentication Protocol (RFC 3748 section 4).
private let codes: ValueNames = [1: "Request", 2: "Response", 3: "Success", 4: "Failure"]

/// Types of its requests and responses (IANA "EAP Registry").
private enum EAPType {
  static let identity: UInt8 = 1
  static let notification: UInt8 = 2
  static let nak: UInt8 = 3
  static let tls: UInt8 = 13
  static let sim: UInt8 = 18
  static let ttls: UInt8 = 21
  static let aka: UInt8 = 23
  static let fast: UInt8 = 43

  static let names: ValueNames = [
    0: "No proposed", 1: "Identity", 2: "Notification", 3: "Nak", 4: "MD5-challenge", 5: "OTP", 6: "GTC", 13: "TLS",
    18: "SIM", 21: "TTLS", 23: "AKA", 43: "FAST", 254: "Expanded types", 255: "Experimental",
  ]
}

/// Flags of EAP-TLS (RFC 5216 section 3.1), which TTLS and FAST share.
private let tlsFlags: FlagNames = [0x80: "L bit", 0x40: "More fragments bit", 0x20: "Start bit"]
private let tlsLengthIncluded: UInt8 = 0x80

/// Subtypes of EAP-SIM and EAP-AKA (RFC 4186 section 8.1, RFC 4187 section 8.1).
private let subtypes: ValueNames = [
  1: "Challenge", 2: "Auth reject", 4: "Sync failure", 5: "Identity", 10: "Start", 11: "Challenge",
  12: "Notification", 13: "Reauth", 14: "Client error",
]

///     0      1    2        4      5
///     +------+----+--------+------+------
///     | code | id | length | type | data       type and data in requests and responses (RFC 3748 section 4)
///     +------+----+--------+------+------
private let headerLength = 4

/// Writes an EAP packet inside another protocol: `Request (1), id 1, len 22`, and the type on a new line after `indent`. `carried` is the
/// length that the carrier states; if the packet states another, this is only a fragment.
func printEAP(
  _ bytes: PacketBytes, carried: Int, indent: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  printer.protocolName = "eap"
  let code = try bytes.u8(at: 0)
  let length = Int(try bytes.u16(at: 2))
  try printer.reject("len", length, .less, headerLength)
  guard length == carried else {
    printer.out.write("EAP fragment?")
    return
  }
  let identifier = try bytes.u8(at: 1)
  if printer.writesFields {
    printer.fields.write("eap_code", code, "eap_code_name", codes)
    printer.fields.write("eap_id", identifier)
    printer.fields.write("eap_length", length)
  }
  printer.write(codes, code, unknown: "unknown")
  printer.write(" (", code)
  printer.write("), id ", identifier)
  printer.write(", len ", length)
  let packet = bytes.clamped(to: length)
  try packet.check(0, length)
  guard code == 1 || code == 2, length > headerLength else { return }
  let type = try packet.u8(at: headerLength)
  if printer.writesFields { printer.fields.write("eap_type", type, "eap_type_name", EAPType.names) }
  printer.out.write(indent)
  printer.out.write("Type ")
  writeType(type, &printer)
  try printData(type, try packet.dropping(headerLength &+ 1), &printer)
}

private func writeType(_ type: UInt8, _ printer: inout Printer) {
  printer.write(EAPType.names, type, unknown: "unknown")
  printer.write(" (", type)
  printer.out.write(")")
}

/// Prints the data that follows the type.
private func printData(_ type: UInt8, _ data: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case EAPType.identity, EAPType.notification:
    guard data.length > 0 else { return }
    if printer.writesFields { printer.fields.write("eap_text", text: data) }
    printer.out.write(type == EAPType.identity ? ", Identity: " : ", Notification: ")
    // The text ends at a NUL, which some implementations send after it.
    printer.out.write(escaped: data.clamped(to: try data.lengthToNUL()))
  case EAPType.nak:
    guard data.length > 0 else {
      printer.out.write(" (too short for EAP Legacy NAK request/response)")
      return
    }
    // The types that the peer would accept instead.
    for index in 0..<data.length {
      printer.out.write(index == 0 ? " " : ", ")
      writeType(try data.u8(at: index), &printer)
    }
  case EAPType.tls, EAPType.ttls, EAPType.fast:
    let flags = try data.u8(at: 0)
    if type != EAPType.tls {
      printer.out.write(type == EAPType.ttls ? " TTLSv" : " FASTv")
      printer.out.write(decimal: flags & 7)
    }
    printer.out.write(" flags [")
    printer.write(tlsFlags, flags)
    printer.write("] 0x", flags, as: .hex(2))
    if flags & tlsLengthIncluded != 0 {
      printer.out.write(", len ")
      printer.out.write(decimal: try data.u32(at: 1))
    }
  case EAPType.sim, EAPType.aka:
    let subtype = try data.u8(at: 0)
    printer.write(" subtype [", subtype, as: .named(subtypes, unknown: "unknown"))
    printer.write("] 0x", subtype, as: .hex(2))
  default: break
  }
}
