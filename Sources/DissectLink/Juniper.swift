package import Dissect
import PacketCore

extension Layer {
  static let juniper = Layer(
    "juniper", "Header of packets that a Juniper router captures", "LINKTYPE_JUNIPER_…",
    marks: [
      "juniper_atm1", "juniper_atm2", "juniper_chdlc", "juniper_es", "juniper_ether", "juniper_frelay", "juniper_ggsn",
      "juniper_mfr", "juniper_mlfr", "juniper_mlppp", "juniper_monitor", "juniper_ppp", "juniper_pppoe",
      "juniper_pppoe_atm", "juniper_services",
    ]
  ) {
    [
      Field("flag_bits", .uint8, "Flags, as bits: 1 received, 2 without a link-layer header, 128 with extensions."),
      Field("frame_direction", .words(["in", "out"]), "Received, or sent by the router."),
      Field("has_link_header", .flag, "The packet has its link-layer header."),
      Field(
        "extensions",
        .array(
          .object([
            Field("type", .uint8, "Type of the extension."),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the value."),
            Field("number", .uint32, "Value that is a number."),
            Field("number_name", .text, "Meaning of the number."),
            Field("text", .text, "Value that is text."),
          ])), "Extensions, in order.", each: "One extension."),
      Field("card_cookie", .hex, "What the interface card writes before the packet."),
      Field("protocol", .uint16, "Protocol of a bundle's packet, as the card writes it."),
      Field("bundle_id", .uint16, "Bundle of links."),
      Field("vlan_id", .uint16, "VLAN of a GGSN."),
      Field("service_id", .uint32, "Service."),
      Field("service_set_id", .uint16, "Set of services."),
      Field("interface_index", .uint32, "Interface from which the packet came to the service."),
      Field("packet_type", .uint8, "Packet type of a monitoring service."),
      Field("association_index", .uint16, "Security association."),
      Field("association_type", .uint8, "Type of the security association."),
      Field("association_type_name", .text, "Name of the type."),
      Field("ttl", .uint8, "Time to live that the encryption service writes."),
      Field("spi", .uint32, "Security parameter index."),
      Field("tunnel_source", .ipv4, "Address at which the tunnel begins."),
      Field("tunnel_destination", .ipv4, "Address at which it ends."),
    ]
  }
}

extension Dissector {
  package static let juniperMLPPP = juniper("juniper_mlppp", 130, .multilinkPPP)
  package static let juniperMLFR = juniper("juniper_mlfr", 131, .multilinkFrameRelay)
  package static let juniperES = juniper("juniper_es", 132, .encryption)
  package static let juniperGGSN = juniper("juniper_ggsn", 133, .gatewayNode)
  package static let juniperMFR = juniper("juniper_mfr", 134, .bundledFrameRelay)
  package static let juniperATM2 = juniper("juniper_atm2", 135, .atm2)
  package static let juniperServices = juniper("juniper_services", 136, .services)
  package static let juniperATM1 = juniper("juniper_atm1", 137, .atm1, also: [.atmOAM])
  package static let juniperMonitor = juniper("juniper_monitor", 164, .monitor)
  package static let juniperPPPoE = juniper("juniper_pppoe", 167, .pppoe)
  package static let juniperPPPoEOverATM = juniper("juniper_pppoe_atm", 168, .pppoeOverATM)
  package static let juniperEthernet = juniper("juniper_ether", 178, .ethernet)
  package static let juniperPPP = juniper("juniper_ppp", 179, .ppp)
  package static let juniperFrameRelay = juniper("juniper_frelay", 180, .frameRelay)
  package static let juniperHDLC = juniper("juniper_chdlc", 181, .hdlc)

  private static func juniper(
    _ name: StaticString, _ linkType: UInt32, _ card: JuniperCard, also layers: [Layer] = []
  ) -> Dissector {
    Dissector(name: name, claims: [.linkType(LinkType(rawValue: linkType))], layers: [.juniper] + layers) {
      (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
      try printJuniper(bytes, card, &printer)
    }
  }
}

/// The interface card on which a router captured the packet; the rest of the header depends on it.
enum JuniperCard {
  case multilinkPPP, multilinkFrameRelay, encryption, gatewayNode, bundledFrameRelay, atm2, services, atm1, monitor
  case pppoe, pppoeOverATM, ethernet, ppp, frameRelay, hdlc

  /// The name of a card that may write a cookie; nil for plain link-layer headers.
  var name: StaticString? {
    switch self {
    case .multilinkPPP: "MLPPP"
    case .multilinkFrameRelay: "MLFR"
    case .encryption: "ES"
    case .gatewayNode: "GGSN"
    case .bundledFrameRelay: "MFR"
    case .atm2: "ATM2"
    case .services: "AS"
    case .atm1: "ATM1"
    case .monitor: "MONITOR"
    case .pppoe: "PPPoE"
    case .pppoeOverATM: "PPPoE ATM"
    case .ethernet, .ppp, .frameRelay, .hdlc: nil
    }
  }

  /// Length of the common cookie of the card, in bytes.
  var cookieLength: Int {
    switch self {
    case .multilinkPPP, .multilinkFrameRelay: 2
    case .bundledFrameRelay, .atm1: 4
    case .gatewayNode, .atm2, .services, .monitor: 8
    case .encryption, .pppoe, .pppoeOverATM, .ethernet, .ppp, .frameRelay, .hdlc: 0
    }
  }
}

/// Bits of the flags.
private enum Flag {
  static let received: UInt8 = 0x01
  static let withoutLinkHeader: UInt8 = 0x02
  static let extensions: UInt8 = 0x80
  static let names: FlagNames = [0x80: "Ext", 0x40: "Filter", 0x04: "IIF", 0x02: "no-L2", 0x01: "In"]
}

private let magic: UInt32 = 0x4d4743
/// Length of the magic number and the flags.
private let headerLength = 4
/// Length of the bytes before a packet without a link-layer header.
private let placeholderLength = 4

///     0              3       4                      6
///     +--------------+-------+----------------------+------------+--------+---------
///     | magic number | flags | length of extensions | extensions | cookie | packet
///     +--------------+-------+----------------------+------------+--------+---------
/// The length and the extensions are present if a flag says so, the cookie on some cards. There is no public specification: this layout was
/// found from captures.
private func printJuniper(
  _ bytes: PacketBytes, _ card: JuniperCard, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, headerLength)
  guard try bytes.u24(at: 0) == magic else { return printer.writeFault("no magic-number found!") }
  let flags = try bytes.u8(at: 3)
  let isReceived = flags & Flag.received != 0
  let hasLinkHeader = flags & Flag.withoutLinkHeader == 0
  if printer.enter(.juniper) {
    printer.fields.write("flag_bits", flags)
    printer.fields.write("frame_direction", isReceived ? "in" : "out")
    printer.fields.write("has_link_header", hasLinkHeader)
  }
  if printer.options.linkHeader { printer.out.write(isReceived ? " In " : "Out ") }
  if printer.options.verbosity > 1 {
    printer.out.write("\n\tJuniper PCAP Flags [")
    printer.write(Flag.names, flags)
    printer.out.write("]")
  }
  var offset = headerLength
  if flags & Flag.extensions != 0 {
    let length = Int(try bytes.u16(at: offset))
    if printer.options.verbosity > 1 { printer.write(", PCAP Extension(s) total length ", length) }
    offset &+= 2
    try printExtensions(try bytes.slice(at: offset, length: length), &printer)
    if printer.options.verbosity > 1 { printer.out.write("\n\t-----original packet-----\n\t") }
    offset &+= length
  }
  if hasLinkHeader { return try printJuniperCard(bytes, at: offset, card, isReceived, &printer) }
  if printer.options.linkHeader { printer.out.write("no-L2-hdr, ") }
  offset &+= placeholderLength
  let packet = try bytes.dropping(offset)
  printer.context.linkHeaderLength = offset
  if try !printer.printGuessedIP(packet) { printer.out.write("no IP-hdr found!") }
}

extension Printer {
  /// Guesses from its first byte whether a packet of unknown protocol is IP, and prints it if so; false if not.
  mutating func printGuessedIP(_ packet: PacketBytes) throws(DecodeError) -> Bool {
    switch try packet.u8(at: 0) {
    case 0x45...0x4f: try run(.ipv4, packet)
    case 0x60...0x6f: try run(.ipv6, packet)
    default: return false
    }
    return true
  }
}

/// Types of extensions.
private enum Extension {
  static let interfaceName: UInt32 = 2
  static let mediaType: UInt32 = 3
  static let encapsulation: UInt32 = 6
  static let originalMediaType: UInt32 = 7
  static let originalEncapsulation: UInt32 = 8
  static let names: ValueNames = [
    1: "Device Interface Index", 2: "Device Interface Name", 3: "Device Media Type", 4: "Logical Interface Index",
    5: "Logical Unit Number", 6: "Logical Interface Encapsulation", 7: "TTP derived Device Media Type",
    8: "TTP derived Logical Interface Encapsulation",
  ]
}

private let mediaTypes: ValueNames = [
  1: "Ethernet", 2: "FDDI", 3: "Token-Ring", 4: "PPP", 5: "Frame-Relay", 6: "Cisco-HDLC", 7: "SMDS-DXI", 8: "ATM-PVC",
  9: "PPP-CCC", 10: "Frame-Relay-CCC", 11: "IP-over-IP", 12: "GRE", 13: "PIM-Encapsulator", 14: "PIM-Decapsulator",
  15: "Cisco-HDLC-CCC", 16: "VLAN-CCC", 17: "Multilink-PPP", 18: "Multilink-FR", 19: "Multilink", 20: "LSI",
  22: "ATM-CCC-Cell-Relay", 23: "IPSEC-over-IP", 24: "GGSN", 27: "PPP-TCC", 28: "Frame-Relay-TCC",
  29: "Cisco-HDLC-TCC", 30: "Ethernet-CCC", 31: "VPN-Loopback-tunnel", 32: "Extended-VLAN-CCC",
  33: "Ethernet-over-ATM", 34: "Monitor", 35: "Ethernet-TCC", 36: "VLAN-TCC", 37: "Extended-VLAN-TCC",
  38: "Controller", 39: "Multilink-FR-UNI-NNI", 40: "LinkService", 41: "VPLS", 42: "VLAN-VPLS",
  43: "Extended-VLAN-VPLS", 44: "Logical-tunnel", 45: "General-Services", 46: "Ethernet-VPLS-over-ATM",
  48: "Extended FR-CCC", 49: "Extended FR-TCC", 50: "Flexible-FrameRelay", 52: "Flexible-Ethernet-Services",
  53: "Flow-collection", 56: "PPPoE", 57: "PPP-Subordinate", 59: "Dynamic-Flow-Capture", 60: "PIC Peer",
]

private let encapsulations: ValueNames = [
  2: "ATM SNAP", 3: "ATM NLPID", 4: "ATM VCMUX", 5: "ATM LLC", 6: "PPP over ATM VCMUX", 7: "PPP over ATM LLC",
  8: "PPP over FUNI", 9: "CCC over ATM", 10: "FR NLPID", 11: "FR SNAP", 12: "FR PPP", 13: "FR CCC", 14: "Ethernet",
  17: "PPP", 18: "C-HDLC", 19: "PPP CCC", 20: "IPIP", 21: "PIM Null", 22: "GRE NULL", 23: "PPP over GRE", 24: "PIMd",
  25: "C-HDLC CCC", 26: "CISCO compatible NLPID", 27: "VLAN CCC", 28: "MLPPP", 29: "MLFR", 30: "LSI Null",
  32: "ATM CCC Cell Relay", 33: "Crypto", 34: "GGSN", 35: "ATM VCMUX TCC", 36: "FR TCC", 37: "PPP TCC",
  38: "C-HDLC TCC", 39: "Ethernet CCC", 40: "VT", 41: "Ethernet over ATM LLC", 42: "Extended VLAN CCC",
  43: "ATM SNAP TCC", 44: "Monitor", 45: "Ethernet TCC", 46: "VLAN TCC", 47: "Extended VLAN TCC", 48: "MFR",
  49: "VPLS", 50: "VLAN VPLS", 51: "Extended VLAN VPLS", 52: "General Services", 53: "Ethernet VPLS over ATM LLC",
  54: "FR CCC", 55: "MLPPP over ATM LLC", 56: "Ethernet over ATM CCC", 57: "LT VLAN", 58: "Collector",
  59: "Aggregator", 60: "LAPD", 61: "PPPoE over ATM LLC", 62: "PPPoE over Ethernet", 63: "PPPoE", 64: "",
  65: "C-HDLC via dialer",
]

private let layout = OptionLayout(needed: 3, shortHeader: .endsList)

///     0      1        2
///     +------+--------+-------
///     | type | length | value       numbers in little-endian byte order
///     +------+--------+-------
private func printExtensions(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, layout, objects: "extensions")
  while let item = try printer.next(&list) {
    if item.type == 0 || item.length == 0 { return printer.stop(&list) }
    try printer.reject("extension_length", item.rest, .less, item.size)
    try printExtension(item.type, try item.wholeValue(), &printer)
  }
}

private func printExtension(
  _ type: UInt32, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let isVerbose = printer.options.verbosity > 1
  if printer.writesFields {
    printer.fields.write("type", type, "type_name", Extension.names)
    printer.fields.write("length", value.length)
    if type == Extension.interfaceName {
      printer.fields.write("text", text: value.clamped(to: try value.lengthToNUL()))
    }
  }
  if isVerbose {
    printer.write("\n\t  ", type, as: .named(Extension.names, unknown: "Unknown"))
    printer.write(" Extension TLV #", type)
    printer.write(", length ", value.length)
    printer.out.write(", value ")
  }
  guard type != Extension.interfaceName, value.length <= 4 else { return }
  var number: UInt32 = 0
  for index in 0..<value.length { number |= UInt32(try value.u8(at: index)) << UInt32(8 &* index) }
  let names: ValueNames? =
    switch type {
    case Extension.mediaType, Extension.originalMediaType: mediaTypes
    case Extension.encapsulation, Extension.originalEncapsulation: encapsulations
    default: nil
    }
  if printer.writesFields {
    printer.fields.write("number", number)
    if let name = names?[number] { printer.fields.write("number_name", name) }
  }
  guard isVerbose else { return }
  guard let names else { return printer.write("", number) }
  printer.write("", number, as: .named(names, unknown: "Unknown"))
  printer.write(" (", number)
  printer.out.write(")")
}
