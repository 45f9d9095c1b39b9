package import Dissect
import PacketCore

extension Layer {
  static let someip = Layer("someip", "Scalable service-Oriented MiddlewarE over IP", "AUTOSAR PRS_SOMEIPProtocol") {
    [
      Field("service_id", .uint16, "Service.", always: true),
      Field("method_id", .uint16, "Method of the service, of a message that is no event."),
      Field("event_id", .uint16, "Event of the service, without the bit that says that it is one."),
      Field("length", .uint32, "Bytes after this field, as the message states."),
      Field("client_id", .uint16, "Client."),
      Field("session_id", .uint16, "Session."),
      Field("protocol_version", .uint8, "Version of the protocol."),
      Field("interface_version", .uint8, "Version of the service's interface."),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_type_name", .text, "Name of the type."),
      Field("return_code", .uint8, "Return code."),
      Field("return_code_name", .text, "Name of the code."),
    ]
  }
}

extension Dissector {
  /// SOME/IP, of which only the header is printed.
  package static let someip = Dissector(
    name: "someip", claims: [.udpPort(30490), .payloadType(.someip)], layers: [.someip], print: printSOMEIP)
}

/// Types of messages; 0x20 is the flag of a segment (SOME/IP-TP).
private let messageTypes: ValueNames = [
  0x00: "REQUEST", 0x01: "REQUEST_NO_RETURN", 0x02: "NOTIFICATION", 0x20: "TP_REQUEST", 0x21: "TP_REQUEST_NO_RETURN",
  0x22: "TP_NOTIFICATION", 0x80: "RESPONSE", 0x81: "ERROR", 0xa0: "TP_RESPONSE", 0xa1: "TP_ERROR",
]

private let returnCodes: ValueNames = [
  0x00: "E_OK", 0x01: "E_NOT_OK", 0x02: "E_UNKNOWN_SERVICE", 0x03: "E_UNKNOWN_METHOD", 0x04: "E_NOT_READY",
  0x05: "E_NOT_REACHABLE", 0x06: "E_TIMEOUT", 0x07: "E_WRONG_PROTOCOL_VERSION", 0x08: "E_WRONG_INTERFACE_VERSION",
  0x09: "E_MALFORMED_MESSAGE", 0x0a: "E_WRONG_MESSAGE_TYPE", 0x0b: "E_E2E_REPEATED", 0x0c: "E_E2E_WRONG_SEQUENCE",
  0x0d: "E_E2E", 0x0e: "E_E2E_NOT_AVAILABLE", 0x0f: "E_E2E_NO_NEW_DATA",
]

/// The bit that makes a method number an event number.
private let eventFlag: UInt16 = 0x8000

///     0         2                 4        8        10        12         13          14     15            16
///     +---------+-----------------+--------+--------+---------+----------+-----------+------+-------------+--------
///     | service | method or event | length | client | session | protocol | interface | type | return code | payload
///     +---------+-----------------+--------+--------+---------+----------+-----------+------+-------------+--------
private let headerLength = 16

@Sendable
private func printSOMEIP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("SOMEIP")
  try printer.reject("length", bytes.length, .less, headerLength)
  // Service and method are read as one number, so neither is shown without the other; the same goes for client and session.
  let identifier = try bytes.u32(at: 0)
  let method = UInt16(truncatingIfNeeded: identifier)
  _ = printer.enter(.someip)
  printer.write(", service ", "service_id", UInt16(truncatingIfNeeded: identifier >> 16))
  if method & eventFlag != 0 {
    printer.write(", event ", "event_id", method & ~eventFlag)
  } else {
    printer.write(", method ", "method_id", method)
  }
  printer.write(", len ", "length", try bytes.u32(at: 4))
  let request = try bytes.u32(at: 8)
  printer.write(", client ", "client_id", UInt16(truncatingIfNeeded: request >> 16))
  printer.write(", session ", "session_id", UInt16(truncatingIfNeeded: request))
  printer.write(", pver ", "protocol_version", try bytes.u8(at: 12))
  printer.write(", iver ", "interface_version", try bytes.u8(at: 13))
  printer.write(
    ", msgtype ", "message_type", try bytes.u8(at: 14),
    as: .named(messageTypes, key: "message_type_name", unknown: "Unknown"))
  printer.write(
    ", retcode ", "return_code", try bytes.u8(at: 15),
    as: .named(returnCodes, key: "return_code_name", unknown: "Unknown"))
}
