import Dissect
import PacketCore

/// The cookie that some cards write before a packet; its first byte gives its kind.
private struct Cookie {
  enum Kind {
    case standard, linkService, service
    /// A fragment of FRF.16, which has no cookie.
    case fragment
  }
  let kind: Kind
  let length: Int

  init(_ first: UInt8, _ card: JuniperCard) {
    let isFragment = card == .bundledFrameRelay && first & 0xc0 == 0xc0
    switch first {
    case 0x47: (kind, length) = (.linkService, 8)
    case 0x54: (kind, length) = (.service, card.cookieLength &+ 2)
    default: (kind, length) = isFragment ? (.fragment, 0) : (.standard, card.cookieLength)
    }
  }

  /// Length of the longest cookie that the header has room for, in bytes.
  static let maximumLength = 8
}

/// Prints the part of the header that depends on the card, and the packet.
func printJuniperCard(
  _ bytes: PacketBytes, at start: Int, _ card: JuniperCard, _ isReceived: Bool, _ printer: inout Printer
) throws(DecodeError) {
  guard let name = card.name else {
    writeLength(start, 0, &printer)
    return try printPlain(bytes, start, card, &printer)
  }
  let first = try bytes.u8(at: start)
  let cookie = Cookie(first, card)
  var offset = start &+ cookie.length
  if printer.options.linkHeader {
    printer.out.write(name)
    printer.write("-PIC, cookie-len ", cookie.length)
  }
  if cookie.length > Cookie.maximumLength {
    try printer.reject("cookie length", cookie.length, .greater, Cookie.maximumLength)
  }
  let value = try bytes.slice(at: start, length: cookie.length)
  if printer.writesFields, cookie.length > 0 { printer.fields.write("card_cookie", hex: value) }
  if printer.options.linkHeader {
    if cookie.length > 0 {
      printer.out.write(", cookie 0x")
      printer.out.write(hexOf: value.rawSpan)
    }
    printer.out.write(": ")
  }
  var number = try bytes.u16(at: offset)
  switch card {
  case .multilinkPPP, .multilinkFrameRelay, .bundledFrameRelay:
    if cookie.kind == .linkService { number = UInt16(try value.u8(at: 5) & LinkService.mask) }
    if printer.writesFields { printer.fields.write("protocol", number) }
  case .atm2:
    let control = try bytes.u32(at: offset)
    if printer.options.linkHeader, try isATM2Management(value) {
      printer.write("control-word 0x", control, as: .hex(8))
      printer.out.write(" ")
    }
  default: break
  }
  // After these cookies the protocol number is part of the header; otherwise it is the first two bytes of the packet.
  if card == .multilinkFrameRelay && cookie.kind != .linkService
    || card == .bundledFrameRelay && cookie.kind == .service
  {
    offset &+= 2
  }
  writeLength(offset, number, &printer)
  let packet = try bytes.dropping(offset)
  printer.context.linkHeaderLength = offset
  switch card {
  case .multilinkPPP, .multilinkFrameRelay, .bundledFrameRelay:
    try printMultilink(bytes, offset, card, cookie.kind, value, number, &printer)
  case .atm1: try printATM1(packet, value, &printer)
  case .atm2: try printATM2(packet, value, number, isReceived, &printer)
  case .encryption: try printEncryption(packet, &printer)
  case .gatewayNode: try printGatewayNode(packet, value, &printer)
  case .services: try printServices(packet, &printer)
  case .monitor: try printMonitor(packet, &printer)
  case .pppoe: try printer.run(.ethernet, packet)
  case .pppoeOverATM: try printPPPoEOverATM(packet, &printer)
  case .ethernet, .ppp, .frameRelay, .hdlc: break
  }
}

/// `hlen 8, proto 0x0021, `, only with `-e`.
private func writeLength(_ length: Int, _ number: UInt16, _ printer: inout Printer) {
  guard printer.options.linkHeader else { return }
  printer.write("hlen ", length)
  printer.write(", proto 0x", number, as: .hex(4))
  printer.out.write(", ")
}

/// Link-layer headers that follow directly after the common header.
private func printPlain(
  _ bytes: PacketBytes, _ start: Int, _ card: JuniperCard, _ printer: inout Printer
) throws(DecodeError) {
  let packet = try bytes.dropping(start)
  printer.context.linkHeaderLength = start
  switch card {
  case .ethernet: try printer.run(.ethernet, packet)
  case .ppp: try printer.printPPP(packet)
  case .frameRelay: try printer.run(.frameRelay, packet)
  default: try printer.run(.chdlc, packet)
  }
}

// MARK: Bundles of links

/// Protocols of a link service, in three bits of the cookie.
private enum LinkService {
  static let mask: UInt8 = 0x70
  static let ipv4: UInt16 = 0x00
  static let ipv6: UInt16 = 0x10
  static let mpls: UInt16 = 0x20
  static let osi: UInt16 = 0x30
}

/// False if the number is not a link service protocol.
private func printLinkService(
  _ number: UInt16, _ packet: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  switch number {
  case LinkService.ipv4: try printer.run(.ipv4, packet)
  case LinkService.ipv6: try printer.run(.ipv6, packet)
  case LinkService.mpls: try printer.run(.mpls, packet)
  case LinkService.osi: try printer.run(.osi, packet)
  default: return false
  }
  return true
}

/// Network layer protocol identifiers after the control field of an unnumbered LLC header.
private enum BundledProtocol {
  static let osi: UInt16 = 0xfefe
  static let q933: UInt16 = 0x0308
  static let ipv6: UInt16 = 0x038e
  static let ipv4: UInt16 = 0x03cc
  static let control: UInt16 = 0x0003
  static let controlFirst: UInt16 = 0x0300
}

///     bundle: byte 0 of the common cookie, byte 1 of a service's, twelve bits from byte 6 on of a link service's
private func printMultilink(
  _ bytes: PacketBytes, _ offset: Int, _ card: JuniperCard, _ kind: Cookie.Kind, _ cookie: PacketBytes,
  _ number: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  let packet = try bytes.dropping(offset)
  if card == .bundledFrameRelay {
    if kind == .fragment { return try printer.run(.multilinkFrameRelay, packet) }
    if kind == .linkService {
      _ = try printLinkService(number, packet, &printer)
      return
    }
  }
  let bundle: UInt16 =
    switch kind {
    case .linkService: try cookie.u16(at: 6) >> 3 & 0xfff
    case .service: UInt16(try cookie.u8(at: 1))
    case .standard, .fragment: UInt16(try cookie.u8(at: 0))
    }
  if printer.writesFields { printer.fields.write("bundle_id", bundle) }
  if printer.options.linkHeader {
    printer.write("Bundle-ID ", bundle)
    printer.out.write(card == .multilinkPPP ? ": " : ", ")
  }
  if card == .multilinkPPP {
    if try !printLinkService(number, packet, &printer) { try printer.printPPP(packet) }
    return
  }
  switch (number, card) {
  case (BundledProtocol.control, .multilinkFrameRelay), (BundledProtocol.controlFirst, .multilinkFrameRelay):
    try printer.run(.osi, packet)
  case (BundledProtocol.q933, _), (BundledProtocol.ipv6, _), (BundledProtocol.ipv4, _):
    // The identifier is the last byte of the header.
    try printer.run(.osi, try bytes.dropping(offset &- 1))
  case (BundledProtocol.osi, .bundledFrameRelay): try printer.run(.osi, try packet.dropping(1))
  default:
    printer.write("unknown protocol 0x", number, as: .hex(4))
    printer.write(", length ", packet.length)
  }
}

// MARK: ATM

/// The LLC headers of SNAP and of OSI.
private let snapHeader: UInt32 = 0xaaaa03
private let osiHeader: UInt32 = 0xfefe03
private let unnumberedInformation: UInt8 = 0x03

/// Prints a packet that begins with an LLC header, or with its control field; false for any other.
private func printLLC(_ packet: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let header = try packet.u24(at: 0)
  if header == snapHeader || header == osiHeader {
    _ = try printer.printLLC(packet, source: nil, destination: nil)
    return true
  }
  guard try packet.u8(at: 0) == unnumberedInformation else { return false }
  try printer.run(.osi, try packet.dropping(1))
  return true
}

private let managementCookie: UInt8 = 0x80

private func printATM1(
  _ packet: PacketBytes, _ cookie: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  if try cookie.u8(at: 0) == managementCookie { return try printer.printOAMCell(packet, headerChecksum: false) }
  if try !printLLC(packet, &printer) { _ = try printer.printGuessedIP(packet) }
}

///     bits of the cookie that say that it is a management cell (byte 7), or that the packet is a sent Ethernet frame (byte 3)
private enum ATM2Cookie {
  static let management: UInt8 = 0x70
  static let ethernet: UInt8 = 0x3f
}

private func isATM2Management(_ cookie: PacketBytes) throws(DecodeError) -> Bool {
  try cookie.u8(at: 7) & ATM2Cookie.management != 0
}

private func printATM2(
  _ packet: PacketBytes, _ cookie: PacketBytes, _ number: UInt16, _ isReceived: Bool, _ printer: inout Printer
) throws(DecodeError) {
  if try isATM2Management(cookie) { return try printer.printOAMCell(packet, headerChecksum: false) }
  if try printLLC(packet, &printer) { return }
  if !isReceived, try cookie.u8(at: 3) & ATM2Cookie.ethernet != 0 { return try printer.run(.ethernet, packet) }
  if isPointToPoint(number) { return try printer.printPPP(packet) }
  _ = try printer.printGuessedIP(packet)
}

/// Protocol numbers that make a packet count as PPP.
private func isPointToPoint(_ number: UInt16) -> Bool {
  typealias Protocols = PPPProtocols<UInt16>
  switch number {
  case Protocols.ipv4, Protocols.osi, Protocols.multilink, Protocols.ipv6, Protocols.mpls, Protocols.mplsMulticast,
    Protocols.ipControl, Protocols.osiControl, Protocols.ipv6Control, Protocols.mplsControl, Protocols.linkControl,
    Protocols.passwordAuthentication, Protocols.challengeAuthentication:
    return true
  default: return false
  }
}

private func printPPPoEOverATM(_ packet: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try packet.u16(at: 0)
  if try printer.printEtherType(type, try packet.dropping(2)) { return }
  printer.write("unknown ethertype 0x", type, as: .hex(4))
}

// MARK: Services

private let associationTypes: ValueNames = [
  1: "ESP ENCR-AUTH", 2: "ESP ENCR-AH AUTH", 3: "ESP AUTH", 4: "AH AUTH", 5: "ESP ENCR",
]

///     0       2     3      4     8        12
///     +-------+-----+------+-----+--------+-------------+--------
///     | index | TTL | type | SPI | source | destination | packet       of types 3 to 5
///     +-------+-----+------+-----+--------+-------------+--------
private func printEncryption(_ packet: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try packet.check(0, 16)
  let type = try packet.u8(at: 3)
  guard let name = associationTypes[type] else {
    printer.write("ES Invalid type ", type)
    return printer.write(", length ", packet.length)
  }
  let index = try packet.u16(at: 0)
  let ttl = try packet.u8(at: 2)
  if printer.writesFields {
    printer.fields.write("association_index", index)
    printer.fields.write("association_type", type)
    printer.fields.write("association_type_name", name)
    printer.fields.write("ttl", ttl)
  }
  let hasTunnel = type >= 3
  let inner = hasTunnel ? try packet.dropping(16) : packet
  if hasTunnel, printer.writesFields {
    printer.fields.write("spi", try packet.u32(at: 4))
    printer.fields.write("tunnel_source", try packet.ipv4(at: 8))
    printer.fields.write("tunnel_destination", try packet.ipv4(at: 12))
  }
  if printer.options.linkHeader {
    printer.write("ES SA, index ", index)
    printer.write(", ttl ", ttl)
    printer.out.write(" type ")
    printer.out.write(name)
    printer.write(" (", type)
    printer.out.write(")")
    if hasTunnel {
      printer.write(", spi ", try packet.u32(at: 4))
      printer.write(", Tunnel ", try packet.ipv4(at: 8))
      printer.write(" > ", try packet.ipv4(at: 12))
    }
    printer.write(", length ", inner.length)
    printer.out.write("\n")
  }
  try printer.run(.ipv4, inner)
}

private enum GatewayProtocol {
  static let null: UInt8 = 1
  static let ipv4: UInt8 = 2
  static let ipv6: UInt8 = 6
  static let names: ValueNames = [1: "Null", 2: "IPv4", 6: "IPv6"]
}

/// Byte 2 of the cookie is the protocol; bytes 4 and 5 are the VLAN.
private func printGatewayNode(
  _ packet: PacketBytes, _ cookie: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let number = try cookie.u8(at: 2)
  let vlan = try cookie.u16(at: 4)
  if printer.writesFields { printer.fields.write("vlan_id", vlan) }
  if printer.options.linkHeader {
    printer.write("proto ", number, as: .named(GatewayProtocol.names, unknown: "Unknown"))
    printer.write(" (", number)
    printer.write("), vlan ", vlan)
    printer.out.write(": ")
  }
  switch number {
  case GatewayProtocol.ipv4: try printer.run(.ipv4, packet)
  case GatewayProtocol.ipv6: try printer.run(.ipv6, packet)
  default:
    if printer.options.linkHeader { return }
    printer.write("unknown GGSN proto (", number)
    printer.out.write(")")
  }
}

///     0         1       2             4           5
///     +---------+-------+-------------+-----------+-----------
///     | service | flags | service set | direction | interface       tcpdump looks for the IP packet at the same offset
///     +---------+-------+-------------+-----------+-----------
private func printServices(_ packet: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let service = try packet.u8(at: 0)
  let serviceSet = try packet.u16(at: 2)
  let interface = try packet.u24(at: 5)
  if printer.writesFields {
    printer.fields.write("service_id", service)
    printer.fields.write("service_set_id", serviceSet)
    printer.fields.write("interface_index", interface)
  }
  if printer.options.linkHeader {
    printer.write("service-id ", service)
    printer.write(" flags 0x", try packet.u8(at: 1), as: .hex(2))
    printer.write(" service-set-id 0x", serviceSet, as: .hex(4))
    printer.write(" iif ", interface)
    printer.out.write(": ")
  }
  _ = try printer.printGuessedIP(packet)
}

///     0             1          2           4
///     +-------------+----------+-----------+---------
///     | packet type | padding  | interface | service       IP is looked for at the same offset
///     +-------------+----------+-----------+---------
private func printMonitor(_ packet: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try packet.u8(at: 0)
  let interface = try packet.u16(at: 2)
  let service = try packet.u32(at: 4)
  if printer.writesFields {
    printer.fields.write("packet_type", type)
    printer.fields.write("interface_index", interface)
    printer.fields.write("service_id", service)
  }
  if printer.options.linkHeader {
    printer.write("service-id ", service)
    printer.write(", iif ", interface)
    printer.write(", pkt-type ", type)
    printer.out.write(": ")
  }
  _ = try printer.printGuessedIP(packet)
}
