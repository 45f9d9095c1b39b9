import PacketCore

extension Layer {
  static let ipv6 = Layer(
    "ipv6", "Internet Protocol version 6", "RFC 8200", marks: ["ip6"]
  ) {
    [
      Field("source", .ipv6, "Source address."),
      Field("destination", .ipv6, "Destination address."),
      Field("traffic_class", .uint8, "Traffic class."),
      Field("flow_label", .uint24, "Flow label, 20 bits."),
      Field("payload_length", .uint16, "Payload length in bytes; 0 for jumbograms."),
      Field("next_header", .uint8, "Protocol of what follows."),
      Field("hop_limit", .uint8, "Hop limit."),
    ]
  }

  static let fragment = Layer(
    "fragment", "Fragment header of IPv6", "RFC 8200 section 4.5", marks: ["frag6"]
  ) {
    [
      Field("next_header", .uint8, "Protocol of what is fragmented."),
      Field("offset", .uint16, "Offset of the fragment in bytes.", always: true),
      Field("more_fragments", .flag, "M flag.", always: true),
      Field("id", .uint32, "Identification.", always: true),
    ]
  }
}

extension Dissector {
  /// Internet Protocol version 6, RFC 8200.
  package static let ipv6 = Dissector(
    name: "ip6", claims: [.etherType(EtherType.ipv6)],
    layers: [.ipv6, .hopByHop, .destinationOptions, .routing, .fragment]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printIPv6(bytes)
  }
  /// IPv6 in IPv4 or IPv6, RFC 2473: protocol number 41.
  package static let ipv6InIP = Dissector(name: "ip6", claims: [.ipProtocol(IPProtocol.ipv6)], layers: [.ipv6]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printIPv6(bytes)
  }
  /// Ethernet after an IPv6 extension header, RFC 8986 section 4.9: protocol number 143.
  package static let ethernetInIP = Dissector(
    name: "ether", claims: [.ipProtocol(IPProtocol.ethernet)], layers: [.ethernet]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    _ = try printer.printEthernet(bytes)
  }
}

/// The fixed header of an IPv6 packet:
///
///     0     version (4 bits), traffic class (8), flow label (20)
///     4     payload length  6  next header  7  hop limit
///     8     source address
///     24    destination address
struct IPv6Header: ~Escapable {
  static let length = 40

  let bytes: PacketBytes

  @_lifetime(copy bytes)
  init(_ bytes: PacketBytes) { self.bytes = bytes }

  var version: UInt8 { get throws(DecodeError) { try bytes.u8(at: 0) >> 4 } }
  /// Version, traffic class and flow label.
  var firstWord: UInt32 { get throws(DecodeError) { try bytes.u32(at: 0) } }
  var payloadLength: Int { get throws(DecodeError) { Int(try bytes.u16(at: 4)) } }
  var nextHeader: UInt8 { get throws(DecodeError) { try bytes.u8(at: 6) } }
  var hopLimit: UInt8 { get throws(DecodeError) { try bytes.u8(at: 7) } }
  var source: IPv6Address { get throws(DecodeError) { try bytes.ipv6(at: 8) } }
  var destination: IPv6Address { get throws(DecodeError) { try bytes.ipv6(at: 24) } }
}

extension Printer {
  /// Prints an IPv6 packet, its extension headers and its payload.
  mutating func printIPv6(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "ip6"
    if !options.linkHeader { out.write("IP6 ") }
    if bytes.length < IPv6Header.length { try reject("length", bytes.length, .less, IPv6Header.length) }
    let header = IPv6Header(bytes)
    let version = try header.version
    if version != 6 { try reject("version", Int(version), .notEqual, 6) }
    if enter(.ipv6) { try recordIPv6(header) }
    let payloadLength = try header.payloadLength
    let nextHeader = try header.nextHeader
    var length = payloadLength &+ IPv6Header.length
    var isPresumed = false
    if payloadLength == 0 {
      isPresumed =
        (nextHeader == IPProtocol.tcp || nextHeader == IPProtocol.udp)
        && bytes.length &- IPv6Header.length > 0xffff
      // A jumbogram states its length in an option; a large segment that has not been sent yet states none.
      if isPresumed || IPProtocol.isExtensionHeader(nextHeader) { length = bytes.length }
    } else if length > bytes.length {
      // The layers above still use the stated length; only reads end where the frame ends.
      writePayloadBeyond(length, bytes.length)
    }
    if options.verbosity > 0, !out.isDiscarding { try writeIPv6Details(header, nextHeader, payloadLength) }
    if options.verbosity > 0, isPresumed {
      out.write("[real length ")
      out.write(decimal: bytes.length)
      out.write(", presumed BIG TCP] ")
    }
    let packet = bytes.clamped(to: length).withLength(length)

    let source = try header.source
    let destination = try header.destination
    network.version = 6
    network.headerProtocol = nextHeader
    network.isFragment = false
    network.hopLimit = try header.hopLimit
    network.source = source.rawValue
    network.checksumSource = source.rawValue
    network.destination = destination.rawValue
    network.finalDestination = destination.rawValue
    noteAddresses()

    let payload = try packet.dropping(IPv6Header.length)
    switch nextHeader {
    case IPProtocol.tcp: try printTCP(payload)
    case IPProtocol.udp: try printUDP(payload)
    default:
      if !IPProtocol.printsEndpoints(nextHeader) { writeAddresses() }
      try printIPv6Chain(nextHeader, payload, jumbo: payloadLength == 0, captured: bytes)
    }
  }

  private mutating func recordIPv6(_ header: IPv6Header) throws(DecodeError) {
    if header.bytes.has(8, 32) {
      fields.write("source", try header.source)
      fields.write("destination", try header.destination)
    }
    fields.write("traffic_class", try header.firstWord >> 20 & 0xff)
    fields.write("flow_label", try header.firstWord & 0xf_ffff)
    fields.write("payload_length", try header.payloadLength)
    fields.write("next_header", try header.nextHeader)
    fields.write("hop_limit", try header.hopLimit)
  }

  /// Reports that a packet states a length beyond that of its carrier.
  private mutating func writePayloadBeyond(_ stated: Int, _ available: Int) {
    writeComparison("header+payload length", stated, .greater, available, limitName: "length")
    writeFault(" (invalid) ")
  }

  /// Writes the header fields that `-v` shows, in parentheses.
  private mutating func writeIPv6Details(
    _ header: IPv6Header, _ nextHeader: UInt8, _ payloadLength: Int
  ) throws(DecodeError) {
    out.write("(")
    let word = try header.firstWord
    if word & 0x0ff0_0000 != 0 {
      out.write("class 0x")
      out.write(hex: word >> 20 & 0xff, width: 2)
      out.write(", ")
    }
    if word & 0x000f_ffff != 0 {
      out.write("flowlabel 0x")
      out.write(hex: word & 0x000f_ffff, width: 5)
      out.write(", ")
    }
    let hopLimit = try header.hopLimit
    out.write("hlim ")
    out.write(decimal: hopLimit)
    out.write(", next-header ")
    write(IPProtocol.names, nextHeader, unknown: "unknown")
    out.write(" (")
    out.write(decimal: nextHeader)
    out.write("), payload length ")
    out.write(decimal: payloadLength)
    out.write(") ")
  }

  /// Follows the chain of extension headers (RFC 8200 section 4) to the payload. Every iteration advances by at least eight bytes.
  private mutating func printIPv6Chain(
    _ first: UInt8, _ start: PacketBytes, jumbo isJumbo: Bool, captured: PacketBytes
  ) throws(DecodeError) {
    var nextHeader = first
    var rest = start
    var hasHopByHop = false
    var isFirst = true
    while true {
      noteProtocol(nextHeader)
      switch nextHeader {
      case IPProtocol.hopByHop:
        guard isFirst else {
          out.write(
            hasHopByHop
              ? "[The Hop-by-Hop Options header was already found]"
              : "[The Hop-by-Hop Options header don't follow the IPv6 header]")
          throw .invalid
        }
        hasHopByHop = true
        let options: (length: Int, jumboPayloadLength: Int?)
        do throws(DecodeError) {
          options = try printOptionsHeader(.hopByHop, rest, payloadLengthIsZero: isJumbo)
        } catch {
          if error == .invalid, isJumbo {
            writeFault(" (invalid)")
            out.write("[No valid Jumbo Payload Hop-by-Hop option found]")
          }
          throw error
        }
        nextHeader = try rest.u8(at: 0)
        if isJumbo {
          guard let payloadLength = options.jumboPayloadLength else {
            out.write("[No valid Jumbo Payload Hop-by-Hop option found]")
            throw .invalid
          }
          let length = payloadLength &+ IPv6Header.length
          if length > captured.length { writePayloadBeyond(length, captured.length) }
          let whole = captured.clamped(to: length).withLength(length)
          rest = try whole.dropping(IPv6Header.length &+ options.length)
        } else {
          rest = try rest.dropping(options.length)
        }
      case IPProtocol.destinationOptions where rest.count == 0, IPProtocol.routing where rest.count == 0:
        protocolName = "ip6"
        throw .truncated
      case IPProtocol.destinationOptions:
        let options = try printOptionsHeader(.destination, rest, payloadLengthIsZero: isJumbo)
        nextHeader = try rest.u8(at: 0)
        rest = try rest.dropping(options.length)
      case IPProtocol.fragment:
        let offset = try printFragmentHeader(rest, payloadLengthIsZero: isJumbo)
        nextHeader = try rest.u8(at: 0)
        if offset > 0 { return noteProtocol(nextHeader) }
        // A first fragment that is also the last one is a whole packet (RFC 6946).
        if try rest.u16(at: 2) & 1 != 0 { network.isFragment = true }
        rest = try rest.dropping(8)
      case IPProtocol.routing:
        let length = try printRoutingHeader(rest)
        nextHeader = try rest.u8(at: 0)
        rest = try rest.dropping(length)
      default:
        if isJumbo, !hasHopByHop, !isFirst {
          // Payload length 0 without a hop-by-hop header, so without a jumbo option: the packet ends with its header.
          protocolName = "ip6"
          throw .truncated
        }
        try printIPPayload(nextHeader, rest)
        return
      }
      isFirst = false
    }
  }

  ///     0             1          2                 4
  ///     +-------------+----------+-----------------+----------------+
  ///     | next header | reserved | offset, M flag  | identification |
  ///     +-------------+----------+-----------------+----------------+
  /// Prints a fragment header (RFC 8200 section 4.5); returns the fragment's offset in bytes.
  private mutating func printFragmentHeader(
    _ bytes: PacketBytes, payloadLengthIsZero: Bool
  ) throws(DecodeError) -> Int {
    protocolName = "frag6"
    out.write("frag (")
    let offset = Int(try bytes.u16(at: 2) & 0xfff8)
    let identification = try bytes.u32(at: 4)
    if enter(.fragment) {
      fields.write("next_header", try bytes.u8(at: 0))
      fields.write("offset", offset)
      fields.write("more_fragments", try bytes.u16(at: 2) & 1 != 0)
      fields.write("id", identification)
    }
    if options.verbosity > 0 {
      out.write("0x")
      out.write(hex: identification, width: 8)
      out.write(":")
    }
    out.write(decimal: offset)
    out.write("|")
    if bytes.length < 8 || payloadLengthIsZero {
      writeFault("[length < 0] (invalid)")
    } else {
      out.write(decimal: bytes.length &- 8)
    }
    out.write(offset == 0 ? ") " : ")")
    return offset
  }
}
