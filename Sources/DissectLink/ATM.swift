package import Dissect
import PacketCore

extension Layer {
  static let sunATM = Layer("sunatm", "ATM as Solaris captures it", "LINKTYPE_SUNATM") {
    [
      Field("frame_direction", .words(["in", "out"]), "Received, or sent by the capturing machine.", always: true),
      Field("traffic_type", .uint8, "1 LAN emulation, 2 LLC, 5 local management, 6 signalling."),
      Field("vpi", .uint8, "Virtual path identifier."),
      Field("vci", .uint16, "Virtual channel identifier."),
    ]
  }

  static let lane = Layer("lane", "LAN emulation over ATM", "ATM Forum af-lane-0021") {
    [
      Field("lecid", .uint16, "LAN emulation client that sent the frame; 0xff00 marks a control frame.", always: true),
      Field("protocol", .uint8, "Protocol of a control frame, 1."),
      Field("version", .uint8, "Version of a control frame, 1."),
      Field("opcode", .uint16, "Kind of a control frame."),
      Field("opcode_name", .text, "Name of the kind."),
    ]
  }

  static let atmSignalling = Layer("q2931", "ATM signalling", "ITU-T Q.2931", marks: ["atm"]) {
    [
      Field("call_reference", .hex, "Call reference; the first bit says which side gave it."),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_name", .text, "Name of the type."),
    ]
  }
}

extension NumberSpace {
  /// Traffic types in the header that Solaris writes.
  static let sunATMTraffic = NumberSpace("SunATM traffic type")
}

extension Dissector {
  /// LLC over ATM, RFC 2684 (LINKTYPE_ATM_RFC1483).
  package static let atm = Dissector(name: "atm", claims: [.linkType(.atmRFC1483)], layers: [.llc], print: printRFC2684)

  /// ATM as Solaris captures it (LINKTYPE_SUNATM).
  package static let sunATM = Dissector(
    name: "sunatm", claims: [.linkType(.sunATM)], layers: [.sunATM, .atmSignalling, .atmOAM], print: printSunATM)

  /// LAN emulation over ATM.
  package static let lane = Dissector(
    name: "lane", claims: [Claim(.sunATMTraffic, SunATM.lane)], layers: [.lane], print: printLANE)
}

/// LLC headers at the start of an RFC 2684 packet: SNAP, and OSI.
private enum LLCHeader {
  static let snap: UInt32 = 0xaaaa03
  static let osi: UInt32 = 0xfefe03
}

/// Length of the pseudo-header that some systems write before the LLC header, in bytes.
private let pseudoHeaderLength = 20
/// The first byte of a Cisco packet, which leaves out the service access points of the LLC header.
private let unnumberedInformation: UInt8 = 0x03

@Sendable
private func printRFC2684(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 1)
  if bytes.length < 1 { throw .truncated }
  if try bytes.u8(at: 0) == unnumberedInformation {
    printer.context.linkHeaderLength = 1
    if printer.options.linkHeader { printer.out.write("CNLPID ") }
    return try printer.run(.osi, try bytes.dropping(1))
  }
  let header = try bytes.u24(at: 0)
  if header == LLCHeader.snap || header == LLCHeader.osi { return try printer.printATMPayload(bytes, headerLength: 0) }
  if printer.options.linkHeader {
    try bytes.check(0, 16)
    printer.out.write(hexOf: try bytes.slice(at: 0, length: 8).rawSpan)
    printer.out.write(" ")
    printer.out.write(hexOf: try bytes.slice(at: 8, length: 8).rawSpan)
    printer.out.write(" ")
  }
  try printer.printATMPayload(try bytes.dropping(pseudoHeaderLength), headerLength: pseudoHeaderLength)
}

extension Printer {
  /// Prints an LLC packet that follows `headerLength` bytes of other headers.
  fileprivate mutating func printATMPayload(_ payload: PacketBytes, headerLength: Int) throws(DecodeError) {
    context.linkHeaderLength = headerLength
    if let length = try printLLC(payload, source: nil, destination: nil) {
      context.linkHeaderLength = headerLength &+ length
    } else {
      dumpUnknown(payload)
    }
  }
}

///     0                                     1     2
///     +--------------+----------------------+-----+-----+---------
///     | direction (1)| type, in the last 4  | VPI | VCI | payload
///     +--------------+----------------------+-----+-----+---------
private enum SunATM {
  static let headerLength = 4
  static let sent: UInt8 = 0x80
  static let lane: UInt8 = 1
}

/// Circuits of path 0 that have a fixed purpose (ITU-T I.361 section 2.2.3).
private enum Circuit {
  static let metaSignalling: UInt16 = 1
  static let broadcastSignalling: UInt16 = 2
  static let segmentOAM: UInt16 = 3
  static let endToEndOAM: UInt16 = 4
  static let signalling: UInt16 = 5
  static let localManagement: UInt16 = 16
}

@Sendable
private func printSunATM(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try bytes.u8(at: 0)
  let isSent = flags & SunATM.sent != 0
  let traffic = flags & 0x0f
  if printer.enter(.sunATM) {
    printer.fields.write("frame_direction", isSent ? "out" : "in")
    printer.fields.write("traffic_type", traffic)
  }
  if printer.options.linkHeader { printer.out.write(isSent ? "Tx: " : "Rx: ") }
  try bytes.check(0, SunATM.headerLength)
  let path = try bytes.u8(at: 1)
  let channel = try bytes.u16(at: 2)
  if printer.writesFields {
    printer.fields.write("vpi", path)
    printer.fields.write("vci", channel)
  }
  if printer.options.linkHeader {
    printer.write("VPI:", path)
    printer.write(" VCI:", channel)
    printer.out.write(" ")
  }
  printer.context.linkHeaderLength = SunATM.headerLength
  let payload = try bytes.dropping(SunATM.headerLength)
  printer.protocolName = "atm"
  switch (path, channel) {
  case (0, Circuit.metaSignalling): printer.out.write("meta: ")
  case (0, Circuit.broadcastSignalling): printer.out.write("broadcast sig: ")
  // Solaris also captures the checksum of the cell header.
  case (0, Circuit.segmentOAM), (0, Circuit.endToEndOAM): try printer.printOAMCell(payload, headerChecksum: true)
  case (0, Circuit.signalling): try printSignalling(payload, &printer)
  case (0, Circuit.localManagement):
    printer.out.write("ilmi: ")
    let index = printer.registry.index(udpSource: 161, destination: 161)
    if index != 0 { try printer.run(index, payload) }
  default:
    let index = printer.registry.index(.sunATMTraffic, traffic)
    if index != 0 { return try printer.run(index, payload) }
    try printer.printATMPayload(payload, headerLength: SunATM.headerLength)
  }
}

private let q2931: UInt8 = 0x09

private let messages: ValueNames = [
  0x02: "Call_proceeding", 0x05: "Setup", 0x07: "Connect", 0x0f: "Connect_ack", 0x46: "Restart", 0x4d: "Release",
  0x4e: "Restart_ack", 0x5a: "Release_complete", 0x75: "Status_enquiry", 0x7d: "Status", 0x80: "Add_party",
  0x81: "Add_party_ack", 0x82: "Add_party_reject", 0x83: "Drop_party", 0x84: "Drop_party_ack",
]

///     0          1                     2                5
///     +----------+---------------------+----------------+--------------+-----------
///     | protocol | length of reference | call reference | message type | elements     Q.2931 section 4.1
///     +----------+---------------------+----------------+--------------+-----------
private func printSignalling(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let discriminator = try bytes.u8(at: 0)
  guard discriminator == q2931 else {
    printer.write("SSCOP, proto ", discriminator)
    return printer.out.write(" ")
  }
  printer.out.write("Q.2931")
  _ = printer.enter(.atmSignalling)
  let type = try bytes.u8(at: 5)
  if printer.writesFields { printer.fields.write("message_type", type, "message_name", messages) }
  printer.write(":", type, as: .named(messages, unknown: .decimal("msgtype#")))
  printer.write(" CALL_REF:0x", "call_reference", hex: try bytes.slice(at: 2, length: 3))
}

private let controlFrame: UInt16 = 0xff00

private let opcodes: ValueNames = [
  0x0001: "configure request", 0x0002: "join request", 0x0003: "ready query", 0x0004: "register request",
  0x0005: "unregister request", 0x0006: "ARP request", 0x0007: "flush request", 0x0008: "NARP request",
  0x0009: "topology request", 0x0101: "configure response", 0x0102: "join response", 0x0103: "ready indication",
  0x0104: "register response", 0x0105: "unregister response", 0x0106: "ARP response", 0x0107: "flush response",
]

///     0      2                                2          3         4
///     +------+---------------------- or, of   +----------+---------+--------+------
///     | LECID| Ethernet frame    LECID 0xff00 | protocol | version | opcode | …
///     +------+----------------------          +----------+---------+--------+------
@Sendable
private func printLANE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 2)
  let client = try bytes.u16(at: 0)
  if printer.enter(.lane) { printer.fields.write("lecid", client) }
  if client == controlFrame {
    try bytes.check(0, 6)
    printer.write("lec: proto ", "protocol", try bytes.u8(at: 2), as: .hex(1))
    printer.write(" vers ", "version", try bytes.u8(at: 3), as: .hex(1))
    printer.write(
      " ", "opcode", try bytes.u16(at: 4), as: .named(opcodes, key: "opcode_name", unknown: .decimal("opcode-#")))
    return
  }
  let frame = try bytes.dropping(2)
  printer.protocolName = "ether"
  if frame.has(0, 14) {
    printer.write("lecid:", client, as: .hex(1))
    printer.out.write(" ")
  }
  printer.context.linkHeaderLength &+= 2 &+ (try printer.printEthernet(frame))
}
