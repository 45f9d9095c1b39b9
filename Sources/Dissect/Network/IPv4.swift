package import PacketCore

extension Layer {
  static let ipv4 = Layer(
    "ipv4", "Internet Protocol version 4", "RFC 791", marks: ["ip"]
  ) {
    [
      Field("source", .ipv4, "Source address."),
      Field("destination", .ipv4, "Destination address."),
      Field("header_length", .uint8, "Bytes of the header."),
      Field("dscp", .uint8, "Differentiated services code point."),
      Field("ecn", .uint8, "Explicit congestion notification, 0 to 3."),
      Field(
        "total_length", .uint16,
        "Bytes of the packet, as the header states; 0 where segmentation is left to the network card."),
      Field("id", .uint16, "Identification."),
      Field("dont_fragment", .flag, "DF."),
      Field("more_fragments", .flag, "MF."),
      Field("reserved_flag", .flag, "The flag that must be zero."),
      Field("fragment_offset", .uint16, "Offset of the fragment in bytes."),
      Field("ttl", .uint8, "Time to live."),
      Field("protocol", .uint8, "Protocol of what follows."),
      Field("checksum", .uint16, "Header checksum, as sent."),
      Field(
        "checksum_correct", .flag,
        "Whether it is right; left out where not all that it is over was captured, and with -K."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint8, "Option type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the option."),
            Field("pointer", .uint8, "Pointer of a route or of timestamps."),
            Field("addresses", .array(.ipv4), "Addresses of a route."),
            Field("flag_bits", .uint4, "Flag of timestamps."),
            Field("overflow", .uint4, "Hops that found no room for a timestamp."),
            Field(
              "entries",
              .array(
                .object([
                  Field("address", .ipv4, "Who registered it."),
                  Field("timestamp", .uint32, "Milliseconds since midnight UTC.", always: true),
                ])), "Timestamps.", each: "One hop."),
            Field("value", .uint16, "Value of a router alert other than 0."),
            Field("data", .hex, "Value of any other option."),
          ])), "Options, in order.", each: "One option; its members depend on its type."),
    ]
  }
}

extension Dissector {
  /// Internet Protocol version 4, RFC 791.
  package static let ipv4 = Dissector(name: "ip", claims: [.etherType(EtherType.ipv4)], layers: [.ipv4, .ah]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printIPv4(bytes)
  }
  /// IPv4 in IPv4 or IPv6, RFC 2003: protocol number 4.
  package static let ipv4InIP = Dissector(name: "ip", claims: [.ipProtocol(IPProtocol.ipv4)], layers: [.ipv4]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printIPv4(bytes)
  }
}

/// The fixed header of an IPv4 packet:
///
///     0     ver/ihl  1  tos      2  total length
///     4     identification       6  flags, fragment offset
///     8     ttl      9  protocol 10 checksum
///     12    source address
///     16    destination address
///     20    options
struct IPv4Header: ~Escapable {
  static let minimumLength = 20

  let bytes: PacketBytes

  @_lifetime(copy bytes)
  init(_ bytes: PacketBytes) { self.bytes = bytes }

  var version: UInt8 { get throws(DecodeError) { try bytes.u8(at: 0) >> 4 } }
  /// The header's length in bytes.
  var headerLength: Int { get throws(DecodeError) { Int(try bytes.u8(at: 0) & 15) * 4 } }
  var typeOfService: UInt8 { get throws(DecodeError) { try bytes.u8(at: 1) } }
  var totalLength: Int { get throws(DecodeError) { Int(try bytes.u16(at: 2)) } }
  var identification: UInt16 { get throws(DecodeError) { try bytes.u16(at: 4) } }
  /// Flags in the upper three bits, the offset in units of eight bytes in the others.
  var fragment: UInt16 { get throws(DecodeError) { try bytes.u16(at: 6) } }
  var timeToLive: UInt8 { get throws(DecodeError) { try bytes.u8(at: 8) } }
  var protocolNumber: UInt8 { get throws(DecodeError) { try bytes.u8(at: 9) } }
  var source: IPv4Address { get throws(DecodeError) { try bytes.ipv4(at: 12) } }
  var destination: IPv4Address { get throws(DecodeError) { try bytes.ipv4(at: 16) } }

  static let moreFragments: UInt16 = 0x2000
  static let offsetMask: UInt16 = 0x1fff
}

private let fragmentFlags: FlagNames = [0x2000: "+", 0x4000: "DF", 0x8000: "rsvd"]

extension Printer {
  /// Prints an IPv4 packet and its payload.
  mutating func printIPv4(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "ip"
    if !options.linkHeader { out.write("IP ") }
    if bytes.length < IPv4Header.minimumLength { try reject("length", bytes.length, .less, IPv4Header.minimumLength) }
    let header = IPv4Header(bytes)
    let version = try header.version
    if version != 4 { try reject("version", Int(version), .notEqual, 4) }
    let headerLength = try header.headerLength
    if headerLength < IPv4Header.minimumLength {
      try reject("header length", headerLength, .less, IPv4Header.minimumLength)
    }
    if enter(.ipv4) { try? recordIPv4(header) }
    let statedLength = try header.totalLength
    var length = statedLength
    if length > bytes.length {
      writeComparison("total length", length, .greater, bytes.length, limitName: "length")
      writeFault(" (invalid) ")
      length = bytes.length
    }
    try bytes.check(0, IPv4Header.minimumLength)
    let protocolNumber = try header.protocolNumber
    if statedLength < headerLength {
      guard statedLength == 0, protocolNumber == IPProtocol.tcp || protocolNumber == IPProtocol.udp else {
        writeComparison("total length", statedLength, .less, headerLength, limitName: "header length")
        throw .invalid
      }
      // Segmentation offload: the network card segments the packet later, so the header does not state the length of the whole.
      length = bytes.length
    }
    let packet = bytes.clamped(to: length).withLength(length)
    let fragment = try header.fragment
    var isOptionCut = false
    if options.verbosity > 0, !wantsLayersAlone || headerLength > IPv4Header.minimumLength {
      isOptionCut = try !writeIPv4Details(
        IPv4Header(packet), headerLength: headerLength, length: length, stated: statedLength)
    }

    network.version = 4
    network.headerProtocol = protocolNumber
    network.isFragment = fragment & (IPv4Header.moreFragments | IPv4Header.offsetMask) != 0
    network.hopLimit = try header.timeToLive
    network.source = UInt128(try header.source.rawValue)
    network.checksumSource = network.source
    let destination = UInt128(try header.destination.rawValue)
    network.destination = destination
    network.finalDestination =
      headerLength == IPv4Header.minimumLength
      ? destination : finalDestination(packet, headerLength: headerLength) ?? destination
    noteAddresses()

    guard packet.count >= headerLength else {
      if isOptionCut || !IPProtocol.printsEndpoints(protocolNumber) { writeAddresses() }
      if !isOptionCut { writeHeaderCut(packet, headerLength) }
      throw .truncated
    }
    guard fragment & IPv4Header.offsetMask == 0 else {
      writeSource()
      out.write(" > ")
      writeDestination()
      out.write(": ")
      writeProtocol(protocolNumber)
      return
    }
    let payload = try packet.dropping(headerLength)
    switch protocolNumber {
    case IPProtocol.tcp: try printTCP(payload)
    case IPProtocol.udp: try printUDP(payload)
    default:
      if !IPProtocol.printsEndpoints(protocolNumber) { writeAddresses() }
      try printIPPayload(protocolNumber, payload)
    }
  }

  /// ` [remaining caplen(24) < header length(28)]`: the header was not captured whole.
  mutating func writeHeaderCut(_ bytes: PacketBytes, _ headerLength: Int) {
    out.write(" [remaining caplen(")
    out.write(decimal: bytes.count)
    out.write(") < header length(")
    out.write(decimal: headerLength)
    out.write(")]")
  }

  private mutating func recordIPv4(_ header: IPv4Header) throws(DecodeError) {
    if header.bytes.has(12, 8) {
      fields.write("source", try header.source)
      fields.write("destination", try header.destination)
    }
    fields.write("header_length", try header.headerLength)
    fields.write("dscp", try header.typeOfService >> 2)
    fields.write("ecn", try header.typeOfService & 3)
    fields.write("total_length", try header.totalLength)
    fields.write("id", try header.identification)
    let fragment = try header.fragment
    fields.write("dont_fragment", fragment & 0x4000 != 0)
    fields.write("more_fragments", fragment & IPv4Header.moreFragments != 0)
    fields.write("reserved_flag", fragment & 0x8000 != 0)
    fields.write("fragment_offset", UInt32(fragment & IPv4Header.offsetMask) * 8)
    fields.write("ttl", try header.timeToLive)
    fields.write("protocol", try header.protocolNumber)
    fields.write("checksum", try header.bytes.u16(at: 10))
  }

  /// Writes the header fields that `-v` shows, in parentheses, then a new line. False if the capture ends within an option.
  private mutating func writeIPv4Details(
    _ header: IPv4Header, headerLength: Int, length: Int, stated: Int
  ) throws(DecodeError) -> Bool {
    if !out.isDiscarding { try writeIPv4Fields(header, length: length, stated: stated) }
    var areOptionsWhole = true
    if headerLength > IPv4Header.minimumLength {
      out.write(", options (")
      areOptionsWhole = try writeIPv4Options(header.bytes, headerLength: headerLength)
      out.write(")")
    }
    if !options.skipChecksums, header.bytes.count >= headerLength {
      var sum = InternetChecksum()
      sum.add(header.bytes.clamped(to: headerLength))
      recordChecksum(isCorrect: sum.value == 0)
      if sum.value != 0 {
        let stored = try header.bytes.u16(at: 10)
        out.write(", bad cksum ")
        out.write(hex: stored)
        out.write(" (->")
        out.write(hex: InternetChecksum.correct(stored: stored, over: sum))
        out.write(")!")
      }
    }
    out.write(options.singleLine ? ") " : ")\n    ")
    return areOptionsWhole
  }

  private mutating func writeIPv4Fields(_ header: IPv4Header, length: Int, stated: Int) throws(DecodeError) {
    let typeOfService = try header.typeOfService
    out.write("(tos 0x")
    out.write(hex: typeOfService)
    switch typeOfService & 3 {
    case 1: out.write(",ECT(1)")
    case 2: out.write(",ECT(0)")
    case 3: out.write(",CE")
    default: break
    }
    let timeToLive = try header.timeToLive
    if timeToLive > 0 {
      out.write(", ttl ")
      out.write(decimal: timeToLive)
    }
    let fragment = try header.fragment
    out.write(", id ")
    out.write(decimal: try header.identification)
    out.write(", offset ")
    out.write(decimal: UInt32(fragment & IPv4Header.offsetMask) * 8)
    out.write(", flags [")
    write(fragmentFlags, fragment)
    out.write("], proto ")
    let protocolNumber = try header.protocolNumber
    write(IPProtocol.names, protocolNumber, unknown: "unknown")
    out.write(" (")
    out.write(decimal: protocolNumber)
    out.write("), length ")
    out.write(decimal: stated == 0 ? length : stated)
    if stated == 0 { out.write(length > 0xffff ? " [was 0, presumed BIG TCP]" : " [was 0, presumed TSO]") }
  }

  /// Prints the payload of IPv4 or IPv6. `A > B: ` has been written, except before protocols that have ports.
  mutating func printIPPayload(_ number: UInt8, _ payload: PacketBytes) throws(DecodeError) {
    switch number {
    case IPProtocol.tcp: try printTCP(payload)
    case IPProtocol.udp: try printUDP(payload)
    case IPProtocol.noNextHeader: out.write("no next header")
    case IPProtocol.authentication: try printAuthenticated(payload)
    default:
      if let requirement = IPProtocol.requirement(number), requirement.version != network.version {
        out.write(requirement.text)
        writeFault(" (invalid)")
        return
      }
      let index = registry.index(ipProtocol: number)
      guard index != 0, IPProtocol.isCarried(number, byVersion: network.version) else {
        noteUndecoded(.ipProtocol, number, payload)
        if IPProtocol.beginsWithPorts(number), payload.has(0, 4) {
          notePorts(try payload.u16(at: 0), try payload.u16(at: 2))
        }
        out.write(" ")
        if number == IPProtocol.netDisk { out.write("nd") } else { writeProtocol(number) }
        out.write(" ")
        out.write(decimal: payload.length)
        return
      }
      try run(index, payload)
    }
  }
}

extension Printer {
  /// Prints successive authentication headers, and the payload that they protect. Every iteration advances by at least eight bytes.
  private mutating func printAuthenticated(_ bytes: PacketBytes) throws(DecodeError) {
    var next = IPProtocol.authentication
    var rest = bytes
    while next == IPProtocol.authentication {
      let header = try printAuthenticationHeader(rest)
      next = header.nextHeader
      noteProtocol(next)
      rest = try rest.dropping(header.length)
    }
    try printIPPayload(next, rest)
  }
}

extension InternetChecksum {
  /// The correct value of a checksum field that holds `stored`, given the sum over everything including the field.
  package static func correct(stored: UInt16, over sum: InternetChecksum) -> UInt16 {
    var sum = sum
    // Adding the complement removes the field from the sum.
    sum.add(~stored)
    return sum.value
  }
}
