import Names
import PacketCore

extension Dissector {
  /// Internet Control Message Protocol for IPv6, RFC 4443.
  package static let icmp6 = Dissector(name: "icmp6", claims: [.ipProtocol(IPProtocol.icmp6)], layers: [.icmpv6]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printICMPv6(bytes)
  }
}

/// Message types (IANA "ICMPv6 type Numbers").
enum ICMPv6Type {
  static let unreachable: UInt8 = 1
  static let packetTooBig: UInt8 = 2
  static let timeExceeded: UInt8 = 3
  static let parameterProblem: UInt8 = 4

  /// True for error messages, which quote a packet (RFC 4443 section 2.1).
  static func isError(_ type: UInt8) -> Bool { (unreachable...parameterProblem).contains(type) }
  static let echoRequest: UInt8 = 128
  static let echoReply: UInt8 = 129
  static let listenerQuery: UInt8 = 130
  static let listenerReport: UInt8 = 131
  static let listenerDone: UInt8 = 132
  static let routerSolicitation: UInt8 = 133
  static let routerAdvertisement: UInt8 = 134
  static let neighborSolicitation: UInt8 = 135
  static let neighborAdvertisement: UInt8 = 136
  static let redirect: UInt8 = 137
  static let routerRenumbering: UInt8 = 138
  static let nodeInformationQuery: UInt8 = 139
  static let nodeInformationReply: UInt8 = 140
  static let listenerReport2: UInt8 = 143
  static let homeAgentRequest: UInt8 = 144
  static let homeAgentReply: UInt8 = 145
  static let prefixSolicitation: UInt8 = 146
  static let prefixAdvertisement: UInt8 = 147
  static let rpl: UInt8 = 155
  static let extendedEchoRequest: UInt8 = 160
  static let extendedEchoReply: UInt8 = 161

  static let names: ValueNames = [
    1: "destination unreachable", 2: "packet too big", 3: "time exceeded in-transit", 4: "parameter problem",
    128: "echo request", 129: "echo reply", 130: "multicast listener query", 131: "multicast listener report",
    132: "multicast listener done", 133: "router solicitation", 134: "router advertisement",
    135: "neighbor solicitation", 136: "neighbor advertisement", 137: "redirect", 138: "router renumbering",
    139: "node information query", 140: "node information reply", 141: "inverse neighbor solicitation",
    142: "inverse neighbor advertisement", 143: "multicast listener report v2", 144: "ha discovery request",
    145: "ha discovery reply", 146: "mobile router solicitation", 147: "mobile router advertisement", 155: "RPL",
    160: "extended echo request", 161: "extended echo reply", 200: "mtrace response", 201: "mtrace message",
  ]

  /// True for messages whose length is written directly after their name at `-v`.
  static func isNeighborDiscovery(_ type: UInt8) -> Bool {
    switch type {
    case routerSolicitation, routerAdvertisement, neighborSolicitation, neighborAdvertisement, redirect,
      homeAgentReply, prefixAdvertisement:
      true
    default: false
    }
  }
}

/// Codes of Destination Unreachable (RFC 4443 section 3.1); tcpdump writes the space before one of them.
private let unreachableCodes: ValueNames = [
  0: "unreachable route", 1: " unreachable prohibited", 2: "beyond scope", 3: "unreachable address",
  4: "unreachable port",
]

extension Printer {
  ///     0      1      2          4
  ///     +------+------+----------+---------
  ///     | type | code | checksum | by type
  ///     +------+------+----------+---------
  mutating func printICMPv6(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "icmp6"
    let isCorrect = try writeICMPv6Checksum(bytes)
    if bytes.length > 0 { try bytes.check(0, 1) }
    out.write("ICMP6, ")
    if bytes.length == 0 {
      out.write("length 0")
      throw .invalid
    }
    let type = try bytes.u8(at: 0)
    if enter(.icmpv6) { try? recordICMPv6(type, bytes, isCorrect) }
    write(ICMPv6Type.names, type, unknown: .decimal("unknown icmp6 type (", ")"))
    let isVerbose = options.verbosity > 0
    if isVerbose, ICMPv6Type.isNeighborDiscovery(type) { writeICMPv6Length(bytes) }
    let isWhole = try printICMPv6Message(type, bytes)
    if isWhole, !isVerbose { writeICMPv6Length(bytes) }
    if ICMPv6Type.isError(type) { recordQuotedPacket(bytes) }
  }

  /// Records the layers of the packet that an error quotes (RFC 4443 section 3), which the text does not show. The quoted packet is nearly
  /// always cut short, which is not an error.
  private mutating func recordQuotedPacket(_ bytes: PacketBytes) {
    guard recording != .nothing, let quoted = try? bytes.dropping(8), quoted.count > 0 else { return }
    recordOnly(quoted, Dissector.ipv6InIP.print)
  }

  /// Records the fields of a message, without its options.
  private mutating func recordICMPv6(
    _ type: UInt8, _ bytes: PacketBytes, _ isCorrect: Bool?
  ) throws(DecodeError) {
    fields.write("type", type)
    fields.write("code", try bytes.u8(at: 1))
    fields.write("checksum", try bytes.u16(at: 2))
    if let isCorrect { recordChecksum(isCorrect: isCorrect) }
    switch type {
    case ICMPv6Type.unreachable, ICMPv6Type.timeExceeded: try recordQuotedAddresses(bytes)
    case ICMPv6Type.packetTooBig:
      fields.write("mtu", try bytes.u32(at: 4))
      try recordQuotedAddresses(bytes)
    case ICMPv6Type.parameterProblem:
      fields.write("pointer", try bytes.u32(at: 4))
      try recordQuotedAddresses(bytes)
    case ICMPv6Type.echoRequest, ICMPv6Type.echoReply:
      fields.write("id", try bytes.u16(at: 4))
      fields.write("sequence", try bytes.u16(at: 6))
    case ICMPv6Type.extendedEchoRequest:
      fields.write("id", try bytes.u16(at: 4))
      fields.write("sequence", try bytes.u8(at: 6))
      fields.write("local", try bytes.u8(at: 7) & 1 != 0)
    case ICMPv6Type.extendedEchoReply:
      fields.write("id", try bytes.u16(at: 4))
      fields.write("sequence", try bytes.u8(at: 6))
      recordExtendedEchoState(try bytes.u8(at: 7))
    case ICMPv6Type.neighborSolicitation: fields.write("target", try bytes.ipv6(at: 8))
    case ICMPv6Type.neighborAdvertisement:
      let flags = try bytes.u8(at: 4)
      fields.write("is_router", flags & 0x80 != 0)
      fields.write("solicited", flags & 0x40 != 0)
      fields.write("override", flags & 0x20 != 0)
      fields.write("target", try bytes.ipv6(at: 8))
    case ICMPv6Type.redirect:
      fields.write("target", try bytes.ipv6(at: 8))
      fields.write("destination", try bytes.ipv6(at: 24))
    case ICMPv6Type.homeAgentRequest, ICMPv6Type.homeAgentReply, ICMPv6Type.prefixSolicitation:
      fields.write("id", try bytes.u16(at: 4))
    case ICMPv6Type.prefixAdvertisement:
      fields.write("id", try bytes.u16(at: 4))
      let flags = try bytes.u8(at: 6)
      fields.write("managed", flags & 0x80 != 0)
      fields.write("other", flags & 0x40 != 0)
    default: break
    }
  }

  /// Records source and destination of the packet that an error quotes.
  private mutating func recordQuotedAddresses(_ bytes: PacketBytes) throws(DecodeError) {
    fields.write("quoted_source", try bytes.ipv6(at: 16))
    fields.write("quoted_destination", try bytes.ipv6(at: 32))
  }

  mutating func writeICMPv6Length(_ bytes: PacketBytes) {
    out.write(", length ")
    out.write(decimal: bytes.length)
  }

  private mutating func writeICMPv6Checksum(_ bytes: PacketBytes) throws(DecodeError) -> Bool? {
    guard options.verbosity > 0, !options.skipChecksums, !network.isFragment else { return nil }
    guard bytes.count >= bytes.length, bytes.length >= 4 else { return nil }
    var sum = network.pseudoHeader(ipProtocol: IPProtocol.icmp6, length: bytes.length)
    sum.add(bytes.clamped(to: bytes.length))
    if sum.value == 0 {
      out.write("[icmp6 sum ok] ")
      return true
    }
    let stored = try bytes.u16(at: 2)
    out.write("[bad icmp6 cksum 0x")
    out.write(hex: stored, width: 4)
    out.write(" -> 0x")
    out.write(hex: InternetChecksum.correct(stored: stored, over: sum), width: 4)
    out.write("!] ")
    return false
  }

  /// Prints what follows the name of a message; false if its length is not to be written.
  private mutating func printICMPv6Message(_ type: UInt8, _ bytes: PacketBytes) throws(DecodeError) -> Bool {
    switch type {
    case ICMPv6Type.unreachable: return try printUnreachable(bytes)
    case ICMPv6Type.packetTooBig:
      let unit = try bytes.u32(at: 4)
      out.write(", mtu ")
      out.write(decimal: unit)
    case ICMPv6Type.timeExceeded: try printTimeExceeded(bytes)
    case ICMPv6Type.parameterProblem: try printParameterProblem(bytes)
    case ICMPv6Type.echoRequest, ICMPv6Type.echoReply:
      let sequence = try bytes.u16(at: 6)
      out.write(", id ")
      out.write(decimal: try bytes.u16(at: 4))
      out.write(", seq ")
      out.write(decimal: sequence)
    case ICMPv6Type.extendedEchoRequest, ICMPv6Type.extendedEchoReply: try printExtendedEcho(type, bytes)
    case ICMPv6Type.listenerQuery:
      // RFC 3810 section 5.1: a version 2 query is longer.
      if bytes.length == 24 { try printListener(bytes) } else { try printListenerQuery2(bytes) }
    case ICMPv6Type.listenerReport, ICMPv6Type.listenerDone:
      // Of a message that is too short for an address only the name is printed.
      if bytes.length >= 24 { try printListener(bytes) }
    case ICMPv6Type.listenerReport2: try printListenerReport2(bytes)
    case ICMPv6Type.routerSolicitation:
      try bytes.check(0, 2)
      if options.verbosity > 0 { try printNeighborOptions(bytes, from: 8) }
    case ICMPv6Type.routerAdvertisement:
      try bytes.check(0, 2)
      try printRouterAdvertisement(bytes)
    case ICMPv6Type.neighborSolicitation:
      let target = try bytes.ipv6(at: 8)
      out.write(", who has ")
      writeHost(target)
      if options.verbosity > 0 { try printNeighborOptions(bytes, from: 24) }
    case ICMPv6Type.neighborAdvertisement: try printNeighborAdvertisement(bytes)
    case ICMPv6Type.redirect:
      let destination = try bytes.ipv6(at: 24)
      out.write(", ")
      writeHost(destination)
      out.write(" to ")
      writeHost(try bytes.ipv6(at: 8))
      if options.verbosity > 0 { try printNeighborOptions(bytes, from: 40) }
    case ICMPv6Type.routerRenumbering, ICMPv6Type.nodeInformationQuery, ICMPv6Type.nodeInformationReply:
      do throws(DecodeError) {
        switch type {
        case ICMPv6Type.routerRenumbering: try printRouterRenumbering(bytes)
        case ICMPv6Type.nodeInformationQuery: try printNodeInformationQuery(bytes)
        default: try printNodeInformationReply(bytes)
        }
      } catch {
        // If one of these is truncated, the length still follows.
        guard error == .truncated else { throw error }
        writeTruncation()
      }
    case ICMPv6Type.homeAgentRequest, ICMPv6Type.prefixSolicitation:
      try writeMobilityIdentifier(bytes)
    case ICMPv6Type.homeAgentReply: try printHomeAgentReply(bytes)
    case ICMPv6Type.prefixAdvertisement: try printPrefixAdvertisement(bytes)
    case ICMPv6Type.rpl: try printRPL(bytes)
    case 141, 142: break
    default:
      try bytes.check(0, 2)
      writeICMPv6Length(bytes)
      if options.verbosity < 2 { writeHex(bytes) }
      return false
    }
    return true
  }

  /// RFC 4443 section 3.1; false if the code is unknown.
  private mutating func printUnreachable(_ bytes: PacketBytes) throws(DecodeError) -> Bool {
    let code = try bytes.u8(at: 1)
    out.write(", ")
    write(unreachableCodes, code, unknown: .decimal("unknown unreach code (", ")"))
    guard code <= 4 else {
      if options.verbosity < 2 { writeHex(bytes) }
      return false
    }
    // The quoted packet's addresses.
    let source = try bytes.ipv6(at: 16)
    let destination = try bytes.ipv6(at: 32)
    switch code {
    case 0, 1, 3:
      out.write(" ")
      writeHost(destination)
    case 2:
      out.write(" ")
      writeHost(destination)
      out.write(", source address ")
      writeHost(source)
    default: try printUnreachablePort(bytes, destination)
    }
    return true
  }

  private mutating func printUnreachablePort(
    _ bytes: PacketBytes, _ destination: IPv6Address
  ) throws(DecodeError) {
    // The quoted packet's extension headers come before its ports.
    var offset = 48
    var nextHeader = try bytes.u8(at: 14)
    while true {
      switch nextHeader {
      case IPProtocol.hopByHop, IPProtocol.destinationOptions, IPProtocol.routing:
        nextHeader = try bytes.u8(at: offset)
        offset &+= (Int(try bytes.u8(at: offset &+ 1)) &+ 1) &* 8
        continue
      case IPProtocol.fragment:
        let fragment = try bytes.u16(at: offset &+ 2)
        if fragment & 0xfff8 != 0 { throw .truncated }
        nextHeader = try bytes.u8(at: offset)
        offset &+= 8
        continue
      default: break
      }
      break
    }
    guard nextHeader == IPProtocol.tcp || nextHeader == IPProtocol.udp else { throw .truncated }
    let port = try bytes.u16(at: offset &+ 2)
    if writesFields {
      fields.write("quoted_protocol", nextHeader)
      fields.write("quoted_destination_port", port)
    }
    out.write(", ")
    writeHost(destination)
    if nextHeader == IPProtocol.tcp {
      out.write(" tcp port ")
      writePort(port, .tcp)
    } else {
      out.write(" udp port ")
      writePort(port, .udp)
    }
  }

  /// RFC 4443 section 3.3.
  private mutating func printTimeExceeded(_ bytes: PacketBytes) throws(DecodeError) {
    switch try bytes.u8(at: 1) {
    case 0:
      let destination = try bytes.ipv6(at: 32)
      out.write(" for ")
      writeHost(destination)
    case 1: out.write(" (reassembly)")
    case let code:
      out.write(", unknown code (")
      out.write(decimal: code)
      out.write(")")
    }
  }

  /// RFC 4443 section 3.4, RFC 7112 section 5.
  private mutating func printParameterProblem(_ bytes: PacketBytes) throws(DecodeError) {
    _ = try bytes.ipv6(at: 32)
    let pointer = try bytes.u32(at: 4)
    switch try bytes.u8(at: 1) {
    case 0: out.write(", erroneous - octet ")
    case 1: out.write(", next header - octet ")
    case 2: out.write(", option - octet ")
    case 3: out.write(", incomplete header chain - octet ")
    case let code:
      out.write(", code-#")
      out.write(decimal: code)
      return
    }
    out.write(decimal: pointer)
  }

  /// RFC 8335 section 3.
  private mutating func printExtendedEcho(_ type: UInt8, _ bytes: PacketBytes) throws(DecodeError) {
    let sequence = try bytes.u8(at: 6)
    out.write(", id ")
    out.write(decimal: try bytes.u16(at: 4))
    out.write(", seq ")
    out.write(decimal: sequence)
    let last = try bytes.u8(at: 7)
    guard options.verbosity > 0 else { return }
    if type == ICMPv6Type.extendedEchoReply {
      writeExtendedEchoState(try bytes.u8(at: 1), last)
    } else {
      try printExtendedEchoQuery(try bytes.dropping(8), isLocal: last & 1 != 0)
    }
  }
}
