package import PacketCore

extension Layer {
  static let ppp = Layer(
    "ppp", "Point-to-Point Protocol", "RFC 1661 section 2", marks: ["ppp_hdlc"]
  ) {
    [
      Field("address_field", .uint8, "Address field of HDLC-like framing."),
      Field("control_field", .uint8, "Control field of HDLC-like framing."),
      Field("frame_direction", .words(["in", "out"]), "Direction, where the address field says it."),
      Field("protocol", .uint16, "Protocol of what follows.", always: true),
    ]
  }

  static let multilink = Layer(
    "multilink", "A fragment of the Multilink Protocol", "RFC 1990 section 3"
  ) {
    [
      Field("sequence", .uint16, "Sequence number.", always: true),
      Field("begin", .flag, "First fragment of a packet."),
      Field("end", .flag, "Last fragment of a packet."),
    ]
  }
}

extension NumberSpace {
  /// Protocol numbers of PPP (RFC 1661 section 2).
  package static let pppProtocol = NumberSpace("PPP protocol", hexadecimal: true)
}

extension Dissector {
  /// PPP in an Ethernet frame.
  package static let pppInEthernet = Dissector(name: "ppp", claims: [.etherType(0x880b)], layers: [.ppp]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    printer.out.write(": ")
    try printer.printPPP(bytes)
  }
  /// Point-to-Point Protocol, RFC 1661 section 2 (LINKTYPE_PPP).
  package static let ppp = Dissector(
    name: "ppp", claims: [.linkType(.ppp), .linkType(.pppPPPD)],
    layers: [
      .ppp, .multilink, .lcp, .ipcp, .osicp, .mplscp, .ipv6cp, .ccp, .bacp, .pap, .chap,
    ]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try bytes.check(0, 4)
    try printer.printPPP(bytes)
  }
  /// PPP in HDLC-like framing, RFC 1662 (LINKTYPE_PPP_HDLC).
  package static let pppHDLC = Dissector(
    name: "ppp_hdlc", claims: [.linkType(LinkType(rawValue: 50))], layers: [.ppp], print: printPPPHDLC)
}

/// Address and control fields of HDLC-like framing (RFC 1662 section 3.1).
private enum Framing {
  static let address: UInt8 = 0xff
  static let control: UInt8 = 0x03
  static let addressAndControl: UInt16 = 0xff03
  /// Written there instead by some systems: the direction of the frame.
  static let receivedFrame: UInt16 = 0x0003
  static let sentFrame: UInt16 = 0x0103
  static let flag: UInt8 = 0x7e
  static let escape: UInt8 = 0x7d
  static let escapeMask: UInt8 = 0x20
  static let unicastCiscoHDLC: UInt8 = 0x0f
  static let multicastCiscoHDLC: UInt8 = 0x8f
}

/// Protocol numbers.
typealias PPPProtocol = PPPProtocols<UInt16>

extension PPPProtocol {
  /// The layer of a control protocol.
  static func layer(_ number: UInt16) -> Layer {
    switch number {
    case ipControl: .ipcp
    case osiControl: .osicp
    case mplsControl: .mplscp
    case ipv6Control: .ipv6cp
    case compressionControl: .ccp
    case bandwidthAllocationControl: .bacp
    default: .lcp
    }
  }

  static var names: ValueNames { protocolNames }
}

/// The names of protocols.
private let protocolNames: ValueNames = [
  0x0021: "IP", 0x0023: "OSI", 0x0025: "NS", 0x0027: "DECNET", 0x0029: "APPLE", 0x002b: "IPX", 0x002d: "VJC IP",
  0x002f: "VJNC IP", 0x0031: "BRPDU", 0x0033: "STII", 0x0035: "VINES", 0x003d: "MLPPP", 0x0057: "IP6",
  0x00fd: "Compressed", 0x0201: "HELLO", 0x0231: "LUXCOM", 0x0233: "SNS", 0x0281: "MPLS",
  0x0283: "MPLS", 0x8021: "IPCP", 0x8023: "OSICP", 0x8025: "NSCP", 0x8027: "DECNETCP", 0x8029: "APPLECP",
  0x802b: "IPXCP", 0x8033: "STIICP", 0x8035: "VINESCP", 0x8057: "IP6CP", 0x80fd: "CCP", 0x8281: "MPLSCP",
  0xc021: "LCP", 0xc023: "PAP", 0xc025: "LQM", 0xc027: "SPAP", 0xc02b: "BACP", 0xc02d: "BAP", 0xc03d: "MLPPP-CP",
  0xc223: "CHAP", 0xc227: "EAP",
]

@Sendable
private func printPPPHDLC(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 4)
  let address = try bytes.u8(at: 0)
  let control = try bytes.u8(at: 1)
  func record(protocol number: UInt16, _ printer: inout Printer) {
    guard printer.enter(.ppp) else { return }
    printer.fields.write("address_field", address)
    printer.fields.write("control_field", control)
    printer.fields.write("protocol", number)
  }
  func writeFrame(_ printer: inout Printer) {
    guard printer.options.linkHeader else { return }
    printer.out.write(hex: address, width: 2)
    printer.out.write(" ")
    printer.out.write(hex: control, width: 2)
    printer.out.write(" ")
    printer.out.write(decimal: bytes.length)
    printer.out.write(" ")
  }
  switch address {
  case Framing.address:
    let number = try bytes.u16(at: 2)
    record(protocol: number, &printer)
    writeFrame(&printer)
    printer.context.linkHeaderLength = 4
    printer.write(PPPProtocol.names, number, unknown: .hex("unknown PPP protocol (0x", digits: 4, ")"))
    printer.out.write(": ")
    if number >> 8 == UInt16(Framing.flag) {
      try printer.printStuffedPPP(try bytes.dropping(3))
    } else {
      try printer.printPPPPayload(number, try bytes.dropping(4))
    }
  case Framing.unicastCiscoHDLC, Framing.multicastCiscoHDLC:
    let index = printer.registry.index(linkType: LinkType(rawValue: 104))
    if index != 0 {
      try printer.run(index, bytes)
      return
    }
    fallthrough
  default:
    record(protocol: try bytes.u16(at: 2), &printer)
    writeFrame(&printer)
    // tcpdump prints the two bytes after the address and control fields here.
    printer.out.write("unknown addr ")
    printer.out.write(hex: try bytes.u8(at: 2), width: 2)
    printer.out.write("; ctrl ")
    printer.out.write(hex: try bytes.u8(at: 3), width: 2)
  }
}

extension Printer {
  /// Prints a PPP frame: the address and control fields may be left out, and the protocol field may be one byte long (RFC 1661 section 6).
  package mutating func printPPP(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "ppp"
    if bytes.length < 2 { throw .truncated }
    var headerLength = 0
    let framing = try bytes.u16(at: 0)
    switch framing {
    case Framing.addressAndControl, Framing.receivedFrame, Framing.sentFrame:
      headerLength = 2
      if bytes.length < 4 { throw .truncated }
    default: break
    }
    var number = UInt16(try bytes.u8(at: headerLength))
    if number & 1 != 0 {
      headerLength &+= 1
    } else {
      number = try bytes.u16(at: headerLength)
      headerLength &+= 2
    }
    context.linkHeaderLength = headerLength
    if enter(.ppp) {
      switch framing {
      case Framing.addressAndControl:
        fields.write("address_field", Framing.address)
        fields.write("control_field", Framing.control)
      case Framing.receivedFrame: fields.write("frame_direction", "in")
      case Framing.sentFrame: fields.write("frame_direction", "out")
      default: break
      }
      fields.write("protocol", number)
    }
    if options.linkHeader {
      switch framing {
      case Framing.receivedFrame: out.write("In  ")
      case Framing.sentFrame: out.write("Out ")
      default: break
      }
      let name = PPPProtocol.names[number]
      out.write(name ?? "unknown")
      out.write(" (0x")
      out.write(hex: number, width: 4)
      out.write("), length ")
      out.write(decimal: bytes.length)
      // The payload of a protocol without a name is not printed.
      if name == nil { return }
      out.write(": ")
    }
    if number >> 8 == UInt16(Framing.flag) {
      try printStuffedPPP(try bytes.dropping(headerLength &- 1))
    } else {
      try printPPPPayload(number, try bytes.dropping(headerLength))
    }
  }

  /// The frame after a flag byte: its bytes may be escaped (RFC 1662 section 4.2), and any of its header fields left out.
  fileprivate mutating func printStuffedPPP(_ frame: PacketBytes) throws(DecodeError) {
    guard frame.count > 1 else { return }
    // Take the buffer out while it is in use, so that a frame inside this one gets a buffer of its own.
    var octets: [UInt8] = []
    let kept = state(unstuffedFrame)
    swap(&octets, &kept.octets)
    defer { swap(&octets, &kept.octets) }
    octets.removeAll(keepingCapacity: true)
    octets.reserveCapacity(frame.count)
    var isEscaped = false
    for index in 0..<frame.count {
      let octet = try frame.u8(at: index)
      if isEscaped {
        octets.append(octet ^ Framing.escapeMask)
        isEscaped = false
      } else if octet == Framing.escape {
        isEscaped = true
      } else {
        octets.append(octet)
      }
    }
    try printUnstuffedPPP(PacketBytes(unsafe octets.span.bytes))
  }

  private mutating func printUnstuffedPPP(_ frame: PacketBytes) throws(DecodeError) {
    let first = try frame.u8(at: 0)
    switch UInt16(first) {
    case PPPProtocol.ipv4: try printIPv4(try frame.dropping(1))
    case PPPProtocol.ipv6: try printIPv6(try frame.dropping(1))
    default:
      guard frame.length > 1 else { return }
      let number = try frame.u16(at: 0)
      if number == Framing.addressAndControl {
        try printUnstuffedPayload(try frame.u16(at: 2), try frame.dropping(4))
      } else {
        try printUnstuffedPayload(number, try frame.dropping(2))
      }
    }
  }

  /// A protocol number whose upper byte is a flag is invalid here: a flag byte must not lead to another one.
  private mutating func printUnstuffedPayload(_ number: UInt16, _ payload: PacketBytes) throws(DecodeError) {
    if number >> 8 == UInt16(Framing.flag) {
      out.write("(protocol 0x")
      out.write(hex: number, width: 4)
      writeFault(" invalid)")
      return
    }
    try printPPPPayload(number, payload)
  }

  mutating func printPPPPayload(_ number: UInt16, _ payload: PacketBytes) throws(DecodeError) {
    switch number {
    case PPPProtocol.linkControl, PPPProtocol.ipControl, PPPProtocol.osiControl, PPPProtocol.mplsControl,
      PPPProtocol.ipv6Control, PPPProtocol.compressionControl, PPPProtocol.bandwidthAllocationControl:
      try printPPPControl(number, payload)
    case PPPProtocol.multilink: try printMultilink(payload)
    case PPPProtocol.challengeAuthentication: try printCHAP(payload)
    case PPPProtocol.passwordAuthentication: try printPAP(payload)
    case PPPProtocol.bandwidthAllocation: break
    // Some senders write an EtherType instead of a PPP protocol number.
    case PPPProtocol.ipv4, PPPProtocol.uncompressed, EtherType.ipv4: try printIPv4(payload)
    case PPPProtocol.ipv6, EtherType.ipv6: try printIPv6(payload)
    case PPPProtocol.compressed: out.write("compressed PPP data")
    default:
      let index = registry.index(.pppProtocol, number)
      if index != 0 {
        try run(index, payload)
        return
      }
      noteUndecoded(.pppProtocol, number, payload)
      write(PPPProtocol.names, number, unknown: .hex("unknown PPP protocol (0x", digits: 4, ")"))
      out.write(" ")
      writeHex(payload)
    }
  }

  /// A fragment of the Multilink Protocol, RFC 1990 section 3.
  private mutating func printMultilink(_ bytes: PacketBytes) throws(DecodeError) {
    if !options.linkHeader { out.write("MLPPP, ") }
    guard bytes.length >= 2, bytes.count >= 2 else {
      writeTruncation(of: "mlppp")
      return
    }
    let first = try bytes.u16(at: 0)
    if enter(.multilink) {
      fields.write("sequence", first & 0x0fff)
      fields.write("begin", first & 0x8000 != 0)
      fields.write("end", first & 0x4000 != 0)
    }
    out.write("seq 0x")
    out.write(hex: first & 0x0fff, width: 3)
    out.write(", Flags [")
    switch first & 0xc000 {
    case 0xc000: out.write("begin, end")
    case 0x8000: out.write("begin")
    case 0x4000: out.write("end")
    default: out.write("none")
    }
    out.write("], length ")
    out.write(decimal: bytes.length)
  }
}

/// Buffer for the bytes of a frame with escapes removed.
private final class UnstuffedFrame {
  var octets: [UInt8] = []
}

private let unstuffedFrame = ProtocolState { UnstuffedFrame() }
