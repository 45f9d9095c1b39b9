package import Dissect
import PacketCore

extension Layer {
  static let l2tp = Layer("l2tp", "Layer Two Tunneling Protocol", "RFC 2661 section 3.1") {
    [
      Field("version", .uint8, "2 for L2TP, 1 for L2F; of others nothing more is read.", always: true),
      Field("is_control", .flag, "A control message; data messages carry PPP.", always: true),
      Field("prioritized", .flag, "A data message that is to be preferred."),
      Field("length", .uint16, "Bytes of the message, where it states them."),
      Field("tunnel_id", .uint16, "Number of the tunnel."),
      Field("session_id", .uint16, "Number of the session in the tunnel."),
      Field("send_sequence", .uint16, "Number of this message (Ns)."),
      Field("receive_sequence", .uint16, "Number of the control message that is expected next (Nr)."),
      Field("offset_size", .uint16, "Bytes of padding before the payload."),
      Field(
        "avps",
        .array(
          .object([
            Field("mandatory", .flag, "The session or tunnel ends where the receiver does not know it."),
            Field("hidden", .mark, "The value is encrypted."),
            Field("vendor", .uint32, "Enterprise number of the vendor who defines the type."),
            Field("type", .uint16, "Attribute type."),
            Field("type_name", .text, "Name of the type."),
            Field("message_type", .uint16, "Kind of the control message."),
            Field("message_type_name", .text, "Its name."),
            Field("number", .uint32, "Value that is a number."),
            Field("number_name", .text, "Meaning of the number."),
            Field("text", .text, "Value that is text, or the text at its end."),
            Field("result", .uint16, "Result code."),
            Field("error", .uint16, "Error code."),
            Field("data", .hex, "Value that has no members of its own."),
          ])), "Attribute-value pairs, in order.", each: "One pair; its members depend on its type."),
    ]
  }
}

extension Dissector {
  /// Layer Two Tunneling Protocol, RFC 2661.
  package static let l2tp = Dissector(name: "l2tp", claims: [.udpPort(1701)], layers: [.l2tp], print: printL2TP)
}

/// Bits of the first two bytes.
private enum HeaderFlag {
  static let control: UInt16 = 0x8000
  static let length: UInt16 = 0x4000
  static let sequence: UInt16 = 0x0800
  static let offset: UInt16 = 0x0200
  static let priority: UInt16 = 0x0100
  static let version: UInt16 = 0x000f
  static let letters: FlagNames = [0x8000: "T", 0x4000: "L", 0x0800: "S", 0x0200: "O", 0x0100: "P"]
}

private let layer2Forwarding: UInt16 = 1
private let layer2Tunneling: UInt16 = 2

///     0                   2        (4)      …       +2        +4   (+6)  (+8)          (+10)
///     +-------------------+--------+--------+---------+----+----+-------------+---------+---------
///     | T L S O P version | length | tunnel | session | Ns | Nr | offset size | padding | payload
///     +-------------------+--------+--------+---------+----+----+-------------+---------+---------
/// L, S and O say whether the length, Ns and Nr, and the offset size are present. With T set the payload is a list of attribute-value
/// pairs, else a PPP frame.
@Sendable
private func printL2TP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try bytes.u16(at: 0)
  let version = flags & HeaderFlag.version
  let isControl = flags & HeaderFlag.control != 0
  if printer.enter(.l2tp) {
    printer.fields.write("version", version)
    printer.fields.write("is_control", isControl)
    if !isControl { printer.fields.write("prioritized", flags & HeaderFlag.priority != 0) }
  }
  guard version == layer2Tunneling else {
    return printer.out.write(
      version == layer2Forwarding ? " l2f:" : " Unknown Version, neither L2F(1) nor L2TP(2)")
  }
  printer.out.write(" l2tp:[")
  printer.write(HeaderFlag.letters, flags, separator: "", none: "")
  printer.out.write("]")
  var offset = 2
  var stated: Int?
  if flags & HeaderFlag.length != 0 {
    let length = try bytes.u16(at: 2)
    if printer.writesFields { printer.fields.write("length", length) }
    stated = Int(length)
    offset = 4
  }
  printer.write("(", "tunnel_id", try bytes.u16(at: offset))
  printer.out.write("/")
  printer.write("", "session_id", try bytes.u16(at: offset &+ 2))
  printer.out.write(")")
  offset &+= 4
  if flags & HeaderFlag.sequence != 0 {
    printer.write("Ns=", "send_sequence", try bytes.u16(at: offset))
    printer.write(",Nr=", "receive_sequence", try bytes.u16(at: offset &+ 2))
    offset &+= 4
  }
  if flags & HeaderFlag.offset != 0 {
    let size = try bytes.u16(at: offset)
    if printer.writesFields { printer.fields.write("offset_size", size) }
    offset &+= 2 &+ Int(size)
    try bytes.check(0, offset)
  }
  if let stated { try rejectLength(stated, header: offset, bytes.length, &printer) }
  if isControl {
    guard let stated else {
      printer.out.write(" No length")
      throw .invalid
    }
    if stated == offset { return printer.out.write(" ZLB") }
    return try printL2TPPairs(try bytes.clamped(to: stated).dropping(offset), &printer)
  }
  printer.out.write(" {")
  let linkHeaderLength = printer.context.linkHeaderLength
  try printer.nest(try bytes.dropping(offset)) { (frame, printer) throws(DecodeError) in try printer.printPPP(frame) }
  printer.context.linkHeaderLength = linkHeaderLength
  printer.out.write("}")
}

/// Ends the protocol if the message is longer than the packet or shorter than its header.
private func rejectLength(
  _ stated: Int, header: Int, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  if stated > length {
    printer.write(" Length ", stated)
    printer.out.write(" larger than packet")
    throw .invalid
  }
  if stated < header {
    printer.write(" Length ", stated)
    printer.out.write(" smaller than header length")
    throw .invalid
  }
}
