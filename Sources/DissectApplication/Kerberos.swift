package import Dissect
import PacketCore

extension Layer {
  static let kerberos = Layer("kerberos", "Kerberos", "RFC 4120") {
    [
      Field("version", .uint8, "Version, where it is seen."),
      Field("message_type", .uint8, "Type of the message, in version 4."),
      Field("message_name", .text, "Name of the type."),
      Field("is_little_endian", .flag, "Numbers of the message have the least byte first."),
      Field("client_name", .text, "Name of the client."),
      Field("client_instance", .text, "Instance of the client: a role or a host."),
      Field("realm", .text, "Realm, of the client or of the ticket."),
      Field("lifetime_minutes", .uint16, "Minutes that the ticket is to live."),
      Field("service_name", .text, "Name of the service."),
      Field("service_instance", .text, "Instance of the service."),
      Field("key_version", .uint8, "Version of the service's key."),
      Field("ticket_length", .uint8, "Bytes of the ticket."),
      Field("authenticator_length", .uint8, "Bytes of the authenticator."),
      Field("ciphertext_length", .uint16, "Bytes of what is encrypted."),
      Field("error", .uint32, "Error code."),
      Field("error_name", .text, "Name of the code."),
      Field("message", .text, "Text of the error."),
    ]
  }
}

extension Dissector {
  /// Kerberos over UDP; version 4 also on a port of its own.
  package static let kerberos = Dissector(
    name: "kerberos", claims: [.udpPort(88), .udpPort(750)], layers: [.kerberos], print: printKerberos)
}

/// Application tags 10 and 11 of ASN.1: the replies of an authentication service.
private let answerTags: ClosedRange<UInt8> = 0x6a...0x6b

/// Messages of version 4.
private enum Message {
  static let request: UInt8 = 2
  static let reply: UInt8 = 4
  static let application: UInt8 = 6
  static let error: UInt8 = 10
  static let names: ValueNames = [
    2: "KDC_REQUEST", 4: "KDC_REPLY", 6: "APPL_REQUEST", 8: "APPL_REQUEST_MUTUAL", 10: "ERR_REPLY", 12: "PRIVATE",
    14: "SAFE", 16: "APPL_ERR",
  ]
}

private let errors: ValueNames = [
  0: "OK", 1: "NAME_EXP", 2: "SERVICE_EXP", 3: "AUTH_EXP", 4: "PKT_VER", 5: "NAME_MAST_KEY_VER",
  6: "SERV_MAST_KEY_VER", 7: "BYTE_ORDER", 8: "PRINCIPAL_UNKNOWN", 9: "PRINCIPAL_NOT_UNIQUE", 10: "NULL_KEY",
]

/// Length of a lifetime unit, in minutes.
private let lifetimeUnit: UInt16 = 5

/// Prints the version in the first byte, and the message if it is version 4.
@Sendable
private func printKerberos(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  _ = printer.enter(.kerberos)
  let first = try bytes.u8(at: 0)
  printer.out.write("kerberos")
  if answerTags.contains(first) {
    printer.write(" v", "version", 5 as UInt8)
  } else if (1...4).contains(first) {
    printer.write(" v", "version", first)
    if first == 4 { try printVersion4(bytes, &printer) }
  }
}

///     0         1                  2
///     +---------+------------------+------------------------------------------
///     | version | type, byte order | names and realm, each to a NUL, and more
///     +---------+------------------+------------------------------------------
/// If the lowest bit of the second byte is set, numbers are in little-endian byte order.
private func printVersion4(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let second = try bytes.u8(at: 1)
  let (type, isLittle) = (second & ~1, second & 1 != 0)
  printer.out.write(isLittle ? " le" : " be")
  printer.write(
    " ", "message_type", type, as: .named(Message.names, key: "message_name", unknown: .decimal("#")))
  if printer.writesFields { printer.fields.write("is_little_endian", isLittle) }
  printer.out.write(": ")
  let rest = try bytes.dropping(2)
  switch type {
  case Message.request:
    ///     client, instance, realm   time (4)   lifetime (1)   service, instance
    let end = try writeClient(rest, &printer)
    let lifetime = UInt16(try rest.u8(at: end &+ 4)) &* lifetimeUnit
    printer.write(" ", "lifetime_minutes", lifetime)
    printer.out.write("min ")
    let instance = try writeName("service_name", rest, at: end &+ 5, &printer)
    printer.out.write(".")
    _ = try writeName("service_instance", rest, at: instance, &printer)
  case Message.reply:
    ///     client, instance, realm   time (4)   tickets (1)   expiration (4)   key version (1)   length (2)   ciphertext
    let end = try writeClient(rest, &printer)
    let length = try isLittle ? rest.u16le(at: end &+ 10) : rest.u16(at: end &+ 10)
    if printer.writesFields { printer.fields.write("key_version", try rest.u8(at: end &+ 9)) }
    printer.write(" (", "ciphertext_length", length)
    printer.out.write(")")
  case Message.application:
    ///     key version (1)   realm   length of the ticket (1)   length of the authenticator (1)
    printer.write("v", "key_version", try rest.u8(at: 0))
    printer.out.write(" ")
    let end = try writeName("realm", rest, at: 1, &printer)
    printer.write(" (", "ticket_length", try rest.u8(at: end))
    printer.out.write(")")
    printer.write(" (", "authenticator_length", try rest.u8(at: end &+ 1))
    printer.out.write(")")
  case Message.error:
    ///     client, instance, realm   time (4)   code (4)   text
    let end = try writeClient(rest, &printer)
    let code = try isLittle ? rest.u32le(at: end &+ 4) : rest.u32(at: end &+ 4)
    printer.write(" ", "error", code, as: .named(errors, key: "error_name", unknown: .decimal("#")))
    printer.out.write(" ")
    _ = try writeName("message", rest, at: end &+ 8, &printer)
  default: printer.out.write("(unknown)")
  }
}

/// `name.instance@REALM`; returns the offset after it.
private func writeClient(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let instance = try writeName("client_name", bytes, at: 0, &printer)
  printer.out.write(".")
  let realm = try writeName("client_instance", bytes, at: instance, &printer)
  printer.out.write("@")
  return try writeName("realm", bytes, at: realm, &printer)
}

/// Text up to a NUL; returns the offset after the NUL.
private func writeName(
  _ key: StaticString, _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) -> Int {
  if printer.writesFields { printer.fields.write(key, text: bytes.textToNUL(from: start)) }
  return try printer.writeTerminatedText(bytes, at: start)
}
