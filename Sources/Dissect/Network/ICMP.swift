import Names
import PacketCore

extension Layer {
  static let icmp = Layer(
    "icmp", "Internet Control Message Protocol", "RFC 792",
    note: "The packet that an error quotes follows as layers of its own."
  ) {
    [
      Field("type", .uint8, "Message type.", always: true),
      Field("code", .uint8, "Code.", always: true),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "checksum_correct", .flag,
        "Whether it is right; left out where not all that it is over was captured, and with -K."),
      Field("id", .uint16, "Identifier."),
      Field("sequence", .uint16, "Sequence number."),
      Field("mtu", .uint16, "Next-hop MTU."),
      Field("gateway", .ipv4, "Gateway of a redirect."),
      Field("pointer", .uint8, "Octet of a parameter problem."),
      Field("lifetime", .uint16, "Lifetime of a router advertisement in seconds."),
      Field(
        "routers",
        .array(
          .object([
            Field("address", .ipv4, "Address.", always: true),
            Field("preference", .int32, "Preference.", always: true),
          ])), "Routers of an advertisement.", each: "One router."),
      Field("originate", .uint32, "Originate timestamp in milliseconds since midnight UTC."),
      Field("receive", .uint32, "Receive timestamp."),
      Field("transmit", .uint32, "Transmit timestamp."),
      Field("mask", .ipv4, "Address mask."),
      Field("local", .flag, "L bit of an extended echo request."),
      Field("state", .uint8, "State in an extended echo reply."),
      Field("active", .flag, "A bit of an extended echo reply."),
      Field("ipv4", .flag, "4 bit of an extended echo reply."),
      Field("ipv6", .flag, "6 bit of an extended echo reply."),
    ]
  }
}

extension Dissector {
  /// Internet Control Message Protocol, RFC 792.
  package static let icmp = Dissector(
    name: "icmp", claims: [.ipProtocol(IPProtocol.icmp)], layers: [.icmp, .icmpExtensions], print: printICMP)
}

/// Message types (IANA "ICMP Type Numbers").
private enum ICMPType {
  static let echoReply: UInt8 = 0
  static let unreachable: UInt8 = 3
  static let sourceQuench: UInt8 = 4
  static let redirect: UInt8 = 5
  static let echo: UInt8 = 8
  static let routerAdvertisement: UInt8 = 9
  static let routerSolicitation: UInt8 = 10
  static let timeExceeded: UInt8 = 11
  static let parameterProblem: UInt8 = 12
  static let timestamp: UInt8 = 13
  static let timestampReply: UInt8 = 14
  static let informationRequest: UInt8 = 15
  static let informationReply: UInt8 = 16
  static let maskRequest: UInt8 = 17
  static let maskReply: UInt8 = 18
  static let extendedEcho: UInt8 = 42
  static let extendedEchoReply: UInt8 = 43

  /// True for messages that report an error and quote the packet.
  static func isError(_ type: UInt8) -> Bool {
    switch type {
    case unreachable, sourceQuench, redirect, timeExceeded, parameterProblem: true
    default: false
    }
  }

  /// True for messages that may have extension objects after the quoted packet (RFC 4884 section 4).
  static func mayHaveExtensions(_ type: UInt8) -> Bool {
    type == unreachable || type == timeExceeded || type == parameterProblem
  }
}

///     0      1      2          4
///     +------+------+----------+------------------------------
///     | type | code | checksum | by type; then a quoted packet
///     +------+------+----------+------------------------------
private let headerLength = 8
/// Length of the quoted packet's header without options, in bytes.
private let quotedHeaderLength = 20
/// Length of the quoted packet before extension objects, in bytes (RFC 4884 section 5.1).
private let quotedLength = 128

@Sendable
private func printICMP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try bytes.u8(at: 0)
  let code = try bytes.u8(at: 1)
  if printer.enter(.icmp) { try? record(bytes, type, code, &printer) }
  let start = printer.out.count
  printer.out.write("ICMP ")
  do throws(DecodeError) {
    try writeMessage(bytes, type, code, &printer)
  } catch {
    // The text of a message is written whole or not at all.
    printer.out.truncate(to: start)
    throw error
  }
  printer.out.write(", length ")
  printer.out.write(decimal: bytes.length)
  guard printer.options.verbosity > 0 else { return }
  if !printer.options.skipChecksums, !printer.network.isFragment, bytes.count >= bytes.length {
    var sum = InternetChecksum()
    sum.add(bytes.clamped(to: bytes.length))
    printer.recordChecksum(isCorrect: sum.value == 0)
    if sum.value != 0 {
      let stored = try bytes.u16(at: 2)
      printer.out.write(" (wrong icmp cksum ")
      printer.out.write(hex: stored)
      printer.out.write(" (->")
      printer.out.write(hex: InternetChecksum.correct(stored: stored, over: sum))
      printer.out.write(")!)")
    }
  }
  if ICMPType.isError(type) { try printQuotedPacket(bytes, &printer) }
  if ICMPType.mayHaveExtensions(type), bytes.length > headerLength + quotedLength {
    let extensions = try bytes.dropping(headerLength + quotedLength)
    // A length of the quoted packet says that extensions follow (RFC 4884 section 5). Older senders leave it zero: the version and the
    // checksum then decide.
    let quotedWords = try bytes.u8(at: 5)
    let version = try extensions.u8(at: 0) >> 4
    let isLikely = version == 2 && extensions.hasRightChecksum != false
    if quotedWords != 0 || isLikely { try printer.printICMPExtensions(extensions) }
  } else if type == ICMPType.extendedEcho {
    let isLocal = try bytes.u8(at: 7) & 1 != 0
    try printer.printExtendedEchoQuery(try bytes.dropping(headerLength), isLocal: isLocal)
  } else if type == ICMPType.extendedEchoReply {
    printer.writeExtendedEchoState(code, try bytes.u8(at: 7))
  }
}

private func record(
  _ bytes: PacketBytes, _ type: UInt8, _ code: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.fields.write("type", type)
  printer.fields.write("code", code)
  // A truncated message ends the fields without an error: the text below reports it where needed.
  printer.fields.write("checksum", try bytes.u16(at: 2))
  switch type {
  case ICMPType.echo, ICMPType.echoReply, ICMPType.timestamp, ICMPType.timestampReply, ICMPType.informationRequest,
    ICMPType.informationReply, ICMPType.maskRequest, ICMPType.maskReply:
    printer.fields.write("id", try bytes.u16(at: 4))
    printer.fields.write("sequence", try bytes.u16(at: 6))
  case ICMPType.extendedEcho:
    printer.fields.write("id", try bytes.u16(at: 4))
    printer.fields.write("sequence", try bytes.u8(at: 6))
    printer.fields.write("local", try bytes.u8(at: 7) & 1 != 0)
  case ICMPType.extendedEchoReply:
    printer.fields.write("id", try bytes.u16(at: 4))
    printer.fields.write("sequence", try bytes.u8(at: 6))
    printer.recordExtendedEchoState(try bytes.u8(at: 7))
  case ICMPType.unreachable where code == 4: printer.fields.write("mtu", try bytes.u16(at: 6))
  case ICMPType.redirect: printer.fields.write("gateway", try bytes.ipv4(at: 4))
  case ICMPType.parameterProblem: printer.fields.write("pointer", try bytes.u8(at: 4))
  default: break
  }
  switch type {
  case ICMPType.timestamp where bytes.length >= 20, ICMPType.timestampReply:
    printer.fields.write("originate", try bytes.u32(at: 8))
    printer.fields.write("receive", try bytes.u32(at: 12))
    printer.fields.write("transmit", try bytes.u32(at: 16))
  case ICMPType.maskReply: printer.fields.write("mask", try bytes.ipv4(at: 8))
  default: break
  }
}

/// Prints the packet that a message quotes.
private func printQuotedPacket(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\t")
  let quoted = try bytes.dropping(headerLength)
  let length = Int(try quoted.u16(at: 2))
  try printer.run(.ipv4InIP, quoted.clamped(to: length).withLength(length))
  printer.protocolName = "icmp"
}

private func writeMessage(
  _ bytes: PacketBytes, _ type: UInt8, _ code: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  switch type {
  case ICMPType.echo, ICMPType.echoReply:
    printer.out.write(type == ICMPType.echo ? "echo request, id " : "echo reply, id ")
    try writeIdentifier(bytes, &printer)
  case ICMPType.extendedEcho, ICMPType.extendedEchoReply:
    // RFC 8335: the sequence number has one byte.
    printer.out.write(type == ICMPType.extendedEcho ? "extended echo request, id " : "extended echo reply, id ")
    printer.out.write(decimal: try bytes.u16(at: 4))
    printer.out.write(", seq ")
    printer.out.write(decimal: try bytes.u8(at: 6))
  case ICMPType.unreachable: try writeUnreachable(bytes, code, &printer)
  case ICMPType.redirect:
    let texts: (StaticString, StaticString)? =
      switch code {
      case 0: ("redirect ", " to net ")
      case 1: ("redirect ", " to host ")
      case 2: ("redirect-tos ", " to net ")
      case 3: ("redirect-tos ", " to host ")
      default: nil
      }
    printer.out.write(texts?.0 ?? "redirect-#")
    if texts == nil {
      printer.out.write(decimal: code)
      printer.out.write(" ")
    }
    printer.writeHost(try bytes.ipv4(at: headerLength + 16))
    printer.out.write(texts?.1 ?? " to ")
    printer.writeHost(try bytes.ipv4(at: 4))
  case ICMPType.routerAdvertisement: try writeRouterAdvertisement(bytes, code, &printer)
  case ICMPType.timeExceeded:
    try bytes.check(headerLength, quotedHeaderLength)
    switch code {
    case 0: printer.out.write("time exceeded in-transit")
    case 1: printer.out.write("ip reassembly time exceeded")
    default:
      printer.out.write("time exceeded-#")
      printer.out.write(decimal: code)
    }
  case ICMPType.parameterProblem:
    if code != 0 {
      printer.out.write("parameter problem - code ")
      printer.out.write(decimal: code)
    } else {
      printer.out.write("parameter problem - octet ")
      printer.out.write(decimal: try bytes.u8(at: 4))
    }
  case ICMPType.maskReply:
    printer.out.write("address mask is 0x")
    printer.out.write(hex: try bytes.u32(at: 8), width: 8)
  case ICMPType.timestamp:
    printer.out.write("time stamp query id ")
    printer.out.write(decimal: try bytes.u16(at: 4))
    printer.out.write(" seq ")
    printer.out.write(decimal: try bytes.u16(at: 6))
  case ICMPType.timestampReply:
    printer.out.write("time stamp reply id ")
    printer.out.write(decimal: try bytes.u16(at: 4))
    printer.out.write(" seq ")
    printer.out.write(decimal: try bytes.u16(at: 6))
    printer.out.write(": org ")
    writeTimeOfDay(try bytes.u32(at: 8), &printer)
    printer.out.write(", recv ")
    writeTimeOfDay(try bytes.u32(at: 12), &printer)
    printer.out.write(", xmit ")
    writeTimeOfDay(try bytes.u32(at: 16), &printer)
  case ICMPType.sourceQuench: printer.out.write("source quench")
  case ICMPType.routerSolicitation: printer.out.write("router solicitation")
  case ICMPType.informationRequest: printer.out.write("information request")
  case ICMPType.informationReply: printer.out.write("information reply")
  case ICMPType.maskRequest: printer.out.write("address mask request")
  default:
    printer.out.write("type-#")
    printer.out.write(decimal: type)
  }
}

private func writeIdentifier(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(decimal: try bytes.u16(at: 4))
  printer.out.write(", seq ")
  printer.out.write(decimal: try bytes.u16(at: 6))
}

/// Writes what could not be reached: depending on `code`, the quoted packet's network, host, protocol or port.
private func writeUnreachable(
  _ bytes: PacketBytes, _ code: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let destination = try bytes.ipv4(at: headerLength + 16)
  func write(_ kind: StaticString, _ reason: StaticString, _ printer: inout Printer) {
    printer.out.write(kind)
    printer.writeHost(destination)
    printer.out.write(reason)
  }
  switch code {
  case 0: write("net ", " unreachable", &printer)
  case 1: write("host ", " unreachable", &printer)
  case 2:
    write("", " protocol ", &printer)
    printer.out.write(decimal: try bytes.u8(at: headerLength + 9))
    printer.out.write(" unreachable")
  case 3:
    let quotedHeader = Int(try bytes.u8(at: headerLength) & 15) * 4
    let port = try bytes.u16(at: headerLength + quotedHeader + 2)
    let ipProtocol = try bytes.u8(at: headerLength + 9)
    write("", " ", &printer)
    switch ipProtocol {
    case IPProtocol.tcp:
      printer.out.write("tcp port ")
      printer.writePort(port, .tcp)
    case IPProtocol.udp:
      printer.out.write("udp port ")
      printer.writePort(port, .udp)
    default:
      printer.out.write("protocol ")
      printer.out.write(decimal: ipProtocol)
      printer.out.write(" port ")
      printer.out.write(decimal: port)
    }
    printer.out.write(" unreachable")
  case 4:
    write("", " unreachable - need to frag", &printer)
    let unit = try bytes.u16(at: 6)
    if unit != 0 {
      printer.out.write(" (mtu ")
      printer.out.write(decimal: unit)
      printer.out.write(")")
    }
  case 5: write("", " unreachable - source route failed", &printer)
  case 6: write("net ", " unreachable - unknown", &printer)
  case 7: write("host ", " unreachable - unknown", &printer)
  case 8: write("", " unreachable - source host isolated", &printer)
  case 9: write("net ", " unreachable - admin prohibited", &printer)
  case 10: write("host ", " unreachable - admin prohibited", &printer)
  case 11: write("net ", " unreachable - tos prohibited", &printer)
  case 12: write("host ", " unreachable - tos prohibited", &printer)
  case 13: write("host ", " unreachable - admin prohibited filter", &printer)
  case 14: write("host ", " unreachable - host precedence violation", &printer)
  case 15: write("host ", " unreachable - precedence cutoff", &printer)
  default:
    write("", " unreachable - #", &printer)
    printer.out.write(decimal: code)
  }
}

/// RFC 1256 section 3: addresses of routers with their preference.
private func writeRouterAdvertisement(
  _ bytes: PacketBytes, _ code: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write("router advertisement lifetime ")
  let number = try bytes.u8(at: 4)
  let size = try bytes.u8(at: 5)
  let lifetime = try bytes.u16(at: 6)
  if printer.writesFields { printer.fields.write("lifetime", lifetime) }
  if lifetime < 60 {
    printer.out.write(decimal: lifetime)
  } else {
    if lifetime >= 3600 {
      printer.out.write(decimal: lifetime / 3600)
      printer.out.write(":")
      printer.out.write(decimal: lifetime / 60 % 60, width: 2)
    } else {
      printer.out.write(decimal: lifetime / 60)
    }
    printer.out.write(":")
    printer.out.write(decimal: lifetime % 60, width: 2)
  }
  printer.out.write(" ")
  printer.out.write(decimal: number)
  printer.out.write(":")
  guard size == 2 else {
    printer.writeFault(" [size ")
    printer.out.write(decimal: size)
    printer.out.write("]")
    return
  }
  if printer.writesFields { printer.fields.beginArray("routers") }
  for index in 0..<Int(number) {
    if printer.writesFields {
      let address = try bytes.ipv4(at: headerLength + index * 8)
      let preference = Int32(bitPattern: try bytes.u32(at: headerLength + index * 8 + 4))
      printer.fields.beginObject()
      printer.fields.write("address", address)
      printer.fields.write("preference", preference)
      printer.fields.end()
    }
    printer.out.write(" {")
    printer.writeHost(try bytes.ipv4(at: headerLength + index * 8))
    printer.out.write(" ")
    printer.out.write(decimal: try bytes.u32(at: headerLength + index * 8 + 4))
    printer.out.write("}")
  }
  if printer.writesFields { printer.fields.end() }
}

/// Milliseconds since midnight UTC as `HH:MM:SS.mmm`.
private func writeTimeOfDay(_ milliseconds: UInt32, _ printer: inout Printer) {
  let seconds = milliseconds / 1000
  printer.out.write(decimal: seconds / 3600, width: 2)
  printer.out.write(":")
  printer.out.write(decimal: seconds / 60 % 60, width: 2)
  printer.out.write(":")
  printer.out.write(decimal: seconds % 60, width: 2)
  printer.out.write(".")
  printer.out.write(decimal: milliseconds % 1000, width: 3)
}
