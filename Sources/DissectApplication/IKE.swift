package import Dissect
import PacketCore

extension Layer {
  static let isakmp = Layer(
    "isakmp", "Internet Key Exchange", "RFC 2408, RFC 2409, RFC 7296",
    marks: [
      "sa", "p", "t", "ke", "id", "cert", "cr", "hash", "sig", "nonce", "n", "d", "vid", "attr", "v2sa", "v2ke",
      "v2IDi",
      "v2IDr", "v2cert", "v2cr", "v2auth", "v2nonce", "v2n", "v2d", "v2vid", "v2TSi", "v2TSr", "v2e", "v2cp", "v2eap",
    ]
  ) {
    [
      Field("initiator_spi", .hex, "Security parameters index (cookie) of the initiator.", always: true),
      Field("responder_spi", .hex, "The same of the responder; zero in the first message.", always: true),
      Field("next_payload", .uint8, "Type of the first payload.", always: true),
      Field("major_version", .uint8, "1 or 2.", always: true),
      Field("minor_version", .uint8, "Minor version.", always: true),
      Field("exchange_type", .uint8, "Type of the exchange.", always: true),
      Field("exchange_name", .text, "Name of the type."),
      Field("flag_bits", .uint8, "Flags, as bits.", always: true),
      Field("encrypted", .flag, "The payloads are encrypted, in version 1."),
      Field("message_id", .uint32, "Message identifier.", always: true),
      Field("length", .uint32, "Bytes of the message, as it states.", always: true),
      Field("payloads", .array(.shared(payloadObject)), "Payloads, in order, that are not encrypted."),
    ]
  }

  static let natKeepAlive = Layer(
    "udp_encapsulation", "UDP encapsulation of IPsec", "RFC 3948", marks: ["isakmp_rfc3948"]
  ) {
    [Field("content", .words(["keepalive", "ike", "esp"]), "What the datagram carries.")]
  }
}

private let payloadObject = SharedObject(
  "ike_payload", "A payload of IKE; its members depend on its type."
) {
  [
    Field("type", .uint8, "Type of the payload.", always: true),
    Field("type_name", .text, "Name of the type."),
    Field("length", .uint16, "Bytes of the payload, its header included.", always: true),
    Field("critical", .mark, "A receiver that does not know the type must refuse the message."),
    Field("doi", .uint32, "Domain of interpretation; 1 is IPsec."),
    Field("situation", .uint32, "Situation, as bits."),
    Field("number", .uint64, "Number of a proposal or transform."),
    Field("protocol_id", .uint8, "Protocol: 1 ISAKMP or IKE, 2 AH, 3 ESP, 4 IPComp."),
    Field("protocol_name", .text, "Name of the protocol."),
    Field("spi_octets", .hex, "Security parameters index."),
    Field("transform_type", .uint8, "Type of a transform of version 2."),
    Field("transform_id", .uint16, "Transform."),
    Field("transform_name", .text, "Name of the transform."),
    Field(
      "attributes",
      .array(
        .object([
          Field("type", .uint16, "Attribute type.", always: true),
          Field("name", .text, "Name of the type."),
          Field("number", .uint64, "Value of two bytes."),
          Field("number_name", .text, "Meaning of the number."),
          Field("data", .hex, "Value of any other length."),
        ])), "Attributes, in order.", each: "One attribute."),
    Field("group_number", .uint16, "Diffie-Hellman group."),
    Field("group_name", .text, "Name of the group."),
    Field("identification_type", .uint8, "Kind of identification."),
    Field("address", .text, "Identification that is an address."),
    Field("text", .text, "Identification that is a name, or a vendor's identifier."),
    Field("method", .uint8, "Authentication method, or encoding of a certificate."),
    Field("method_name", .text, "Its name."),
    Field("notification", .uint16, "Type of the notification."),
    Field("notification_name", .text, "Its name."),
    Field("data", .hex, "Any other value."),
    Field("payloads", .array(.shared(payloadObject)), "Proposals of a security association, transforms of a proposal."),
  ]
}

extension Dissector {
  package static let isakmp = Dissector(
    name: "isakmp", claims: [.udpPort(500)], layers: [.isakmp], print: printIKE)

  /// IPsec in UDP; four zero bytes mark messages of IKE.
  package static let udpEncapsulation = Dissector(
    name: "isakmp_rfc3948", claims: [.udpPort(4500)], layers: [.natKeepAlive], print: printEncapsulated)
}

///     0     4
///     +-----+---------      0 and a message of IKE, or the SPI of ESP; a single byte ff keeps a NAT mapping open
///     +-----+---------
@Sendable
private func printEncapsulated(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let writesFields = printer.enter(.natKeepAlive)
  if bytes.length == 1, try bytes.u8(at: 0) == 0xff {
    if writesFields { printer.fields.write("content", "keepalive") }
    printer.out.write("isakmp-nat-keep-alive")
    return
  }
  guard bytes.length >= 4 else { throw .truncated }
  let isIKE = try bytes.u32(at: 0) == 0
  if writesFields { printer.fields.write("content", isIKE ? "ike" : "esp") }
  if isIKE {
    printer.out.write("NONESP-encap: ")
    try printer.run(.isakmp, try bytes.dropping(4))
  } else {
    printer.out.write("UDP-encap: ")
    try printer.run(.esp, bytes)
  }
}

///     0                8               16     17        18         19      20           24       28
///     +----------------+---------------+------+---------+----------+-------+------------+--------+---------
///     | initiator      | responder     | next | version | exchange | flags | message ID | length | payloads     (RFC 7296 section 3.1)
///     +----------------+---------------+------+---------+----------+-------+------------+--------+---------
private let headerLength = 28

private enum Flag {
  static let encryptedInVersion1: UInt8 = 0x01
  static let version1: FlagNames = [0x01: "E", 0x02: "C"]
  static let version2: FlagNames = [0x08: "I", 0x10: "V", 0x20: "R"]
}

@Sendable
private func printIKE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let next = try bytes.u8(at: 16)
  let version = try bytes.u8(at: 17)
  let exchange = try bytes.u8(at: 18)
  let flags = try bytes.u8(at: 19)
  let message = try bytes.u32(at: 20)
  let length = try bytes.u32(at: 24)
  let (initiator, responder) = (try bytes.u64(at: 0), try bytes.u64(at: 8))
  let sender = printer.state(initiators).sender(initiator, isFirst: responder == 0, printer.network)
  if printer.enter(.isakmp) {
    printer.fields.write("initiator_spi", hex: try bytes.slice(at: 0, length: 8))
    printer.fields.write("responder_spi", hex: try bytes.slice(at: 8, length: 8))
    printer.fields.write("next_payload", next)
    printer.fields.write("major_version", version >> 4)
    printer.fields.write("minor_version", version & 15)
    printer.fields.write("exchange_type", exchange, "exchange_name", IKENames.exchanges)
    printer.fields.write("flag_bits", flags)
    if version >> 4 == 1 { printer.fields.write("encrypted", flags & Flag.encryptedInVersion1 != 0) }
    printer.fields.write("message_id", message)
    printer.fields.write("length", length)
  }
  let isVerbose = printer.options.verbosity > 0
  printer.out.write("isakmp")
  if isVerbose {
    printer.write(" ", version >> 4)
    printer.write(".", version & 15)
    printer.write(" msgid ", message, as: .hex(8))
  }
  if printer.options.verbosity > 1 {
    printer.write(" cookie ", initiator, as: .hex(16))
    printer.write("->", responder, as: .hex(16))
  }
  printer.out.write(":")
  switch version >> 4 {
  case 1:
    printer.out.write(message == 0 ? " phase 1 " : " phase 2/others ")
    printer.out.write(sender)
  case 2: printer.out.write(message == 0 ? " parent_sa" : " child_sa ")
  default: return
  }
  printer.write(" ", exchange, as: .named(IKENames.exchanges, unknown: .decimal("#")))
  if flags != 0 {
    printer.out.write("[")
    printer.write(version >> 4 == 1 ? Flag.version1 : Flag.version2, flags, separator: "", none: "")
    printer.out.write("]")
  }
  if isVerbose { printer.out.write(":") }
  if flags & Flag.encryptedInVersion1 != 0 {
    if isVerbose {
      printer.write(" [encrypted ", next, as: .named(IKENames.payloads, unknown: .decimal("#")))
      printer.out.write("]")
    }
  } else if isVerbose {
    let ending = try printer.printIKEPayloads(next, try bytes.dropping(headerLength), IKEContext())
    if ending == .packetCut { throw .truncated }
  } else if printer.writesFields {
    printer.recordOnly(try bytes.dropping(headerLength)) { (payloads, printer) throws(DecodeError) in
      _ = try printer.printIKEPayloads(next, payloads, IKEContext())
    }
  }
  if isVerbose, Int(length) != bytes.length {
    printer.write(" (len mismatch: isakmp ", length)
    printer.write("/ip ", bytes.length)
    printer.writeFault(")")
  }
}

/// Remembers which address began each of the most recent exchanges.
private final class Initiators {
  private struct Entry {
    var cookie: UInt64 = 0
    var initiator: UInt128 = 0
    var responder: UInt128 = 0
  }

  private var entries = [Entry](repeating: Entry(), count: 20)
  private var next = 0

  /// `I` or `R`, or `?` if the first message of the exchange was not seen.
  func sender(_ cookie: UInt64, isFirst: Bool, _ network: NetworkHeader) -> StaticString {
    guard cookie != 0 else { return "?" }
    let known = entries.firstIndex { $0.cookie == cookie }
    guard let index = known ?? (isFirst ? next : nil) else { return "?" }
    if known == nil {
      entries[index] = Entry(cookie: cookie, initiator: network.source, responder: network.destination)
      next = (next + 1) % entries.count
    }
    if network.source == entries[index].initiator { return "I" }
    return network.source == entries[index].responder ? "R" : "?"
  }
}

private let initiators = ProtocolState { Initiators() }
