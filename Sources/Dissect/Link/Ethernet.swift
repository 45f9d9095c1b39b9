package import PacketCore

extension Layer {
  package static let ethernet = Layer(
    "ethernet", "Ethernet", "IEEE 802.3 section 3", marks: ["ether"]
  ) {
    [
      Field("source", .mac, "Source address.", always: true),
      Field("destination", .mac, "Destination address.", always: true),
      Field("ethertype", .uint16, "EtherType of what follows; left out where the field is a length."),
      Field("length", .uint16, "Bytes of LLC that follow, where the third field is a length (1500 at most)."),
    ]
  }

  package static let vlan = Layer(
    "vlan", "A VLAN tag", "IEEE 802.1Q section 9.6"
  ) {
    [
      Field("id", .uint16, "VLAN identifier, 0 to 4095.", always: true),
      Field("priority", .uint8, "Priority code point.", always: true),
      Field("dei", .flag, "Drop eligible indicator.", always: true),
      Field("ethertype", .uint16, "EtherType of what follows the tag."),
      Field("length", .uint16, "Bytes of LLC that follow the tag, instead of an EtherType."),
    ]
  }
}

extension Dissector {
  /// Ethernet, IEEE 802.3 section 3: as a link type, and bridged inside IP (RFC 8986 section 4.9).
  package static let ethernet = Dissector(
    name: "ether", claims: [.linkType(.ethernet)], layers: [.ethernet, .vlan, .aristaTag, .macSecurity, .llc, .snap]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    _ = try printer.printEthernet(bytes)
  }
}

///     0      6      12          14
///     +------+------+-----------+---------
///     | dst  | src  | type/len  | payload
///     +------+------+-----------+---------
private let headerLength = 14
/// The largest value of the third field that is a length (IEEE 802.3 section 3.2.6).
private let maximumLengthField = 1500

extension Printer {
  /// Prints an Ethernet frame; returns the length of its link-layer header, including LLC and SNAP.
  package mutating func printEthernet(_ frame: PacketBytes) throws(DecodeError) -> Int {
    guard frame.count >= headerLength else {
      protocolName = "ether"
      writeTruncation()
      return frame.count
    }
    let type = try frame.u16(at: 12)
    let payload = try frame.dropping(headerLength)
    try noteAddresses(ofFrame: frame)
    if enter(.ethernet) {
      fields.write("source", try frame.mac(at: 6))
      fields.write("destination", try frame.mac(at: 0))
      fields.write(Int(type) <= maximumLengthField ? "length" : "ethertype", type)
    }
    if options.linkHeader {
      try writeMACs(frame)
    } else if type == EtherType.ipv4 {
      try printIPv4(payload)
      return headerLength
    }
    return try printEtherPayload(type, payload, frame: frame)
  }

  /// `SRC > DST, ` of a frame.
  package mutating func writeMACs(_ frame: PacketBytes) throws(DecodeError) {
    if out.isDiscarding { return try frame.check(0, 12) }
    writeMAC(try frame.mac(at: 6))
    out.write(" > ")
    writeMAC(try frame.mac(at: 0))
    out.write(", ")
  }

  /// Prints what follows the addresses: VLAN tags, then LLC or the payload of an EtherType. Returns the length of the link-layer header,
  /// including LLC and SNAP.
  package mutating func printEtherPayload(
    _ outerType: UInt16, _ outerPayload: PacketBytes, frame: PacketBytes
  ) throws(DecodeError) -> Int {
    var type = outerType
    var payload = outerPayload
    var isFirst = true
    while true {
      if Int(type) <= maximumLengthField || type == EtherType.jumbo {
        return try printLengthField(type, payload, frame: frame, afterTag: !isFirst)
      }
      if type == EtherType.arista {
        guard payload.count >= 2 else {
          writeTruncation(of: "arista")
          return frame.count &- payload.count
        }
        writeEtherTypeAndLength(type, frame: frame, isFirst: isFirst)
        guard let length = try printAristaTag(payload) else { return try dumpTagged(type, payload, frame: frame) }
        type = try payload.u16(at: length)
        payload = try payload.dropping(length &+ 2)
        continue
      }
      if type == EtherType.macSecurity {
        if options.linkHeader { writeEtherTypeAndLength(type, frame: frame, isFirst: isFirst) }
        let (length, securedLength) = try printMACSecurity(payload, frame: frame)
        let secured = try payload.dropping(length)
        guard let securedLength else {
          dumpUnknown(secured)
          return frame.count &- secured.count
        }
        guard secured.count >= 2, securedLength >= 2 else {
          protocolName = "ether"
          throw .truncated
        }
        type = try secured.u16(at: 0)
        payload = try secured.clamped(to: securedLength).dropping(2)
        isFirst = false
        continue
      }
      guard EtherType.isVLAN(type) else { break }
      guard payload.count >= 4 else {
        protocolName = "vlan"
        throw .truncated
      }
      if enter(.vlan) { recordVLANTag(try payload.u16(at: 0), type: try payload.u16(at: 2)) }
      if options.linkHeader {
        writeEtherType(type)
        out.write(", ")
        if isFirst {
          out.write("length ")
          out.write(decimal: frame.length)
          out.write(": ")
        }
        writeVLANTag(try payload.u16(at: 0))
        out.write(", ")
      }
      isFirst = false
      type = try payload.u16(at: 2)
      payload = try payload.dropping(4)
    }
    if options.linkHeader { writeEtherTypeAndLength(type, frame: frame, isFirst: isFirst) }
    switch type {
    case EtherType.geoNetworking, EtherType.oldGeoNetworking, EtherType.calmFast:
      context.scope.linkSource = try frame.mac(at: 6)
    default: break
    }
    if try printEtherType(type, payload) { return frame.count &- payload.count }
    return try dumpTagged(type, payload, frame: frame)
  }

  /// Dumps a payload without a dissector in hexadecimal, after the text of the link-layer header.
  private mutating func dumpTagged(
    _ type: UInt16, _ payload: PacketBytes, frame: PacketBytes
  ) throws(DecodeError) -> Int {
    if !options.linkHeader {
      try writeMACs(frame)
      writeEtherTypeAndLength(type, frame: frame, isFirst: true)
    }
    dumpUnknown(payload)
    return frame.count &- payload.count
  }

  private mutating func writeEtherTypeAndLength(_ type: UInt16, frame: PacketBytes, isFirst: Bool) {
    if out.isDiscarding { return }
    writeEtherType(type)
    out.write(", ")
    guard isFirst else { return }
    out.write("length ")
    out.write(decimal: frame.length)
    out.write(": ")
  }

  /// The payload of a frame whose type field is a length: LLC (IEEE 802.2).
  private mutating func printLengthField(
    _ type: UInt16, _ rest: PacketBytes, frame: PacketBytes, afterTag: Bool
  ) throws(DecodeError) -> Int {
    // A jumbo frame states no length.
    let isJumbo = type == EtherType.jumbo
    let payload = isJumbo ? rest : rest.clamped(to: Int(type))
    if options.linkHeader, !isJumbo {
      out.write("802.3")
      if !afterTag {
        out.write(", length ")
        out.write(decimal: payload.length)
        out.write(": ")
      }
    }
    let header = frame.count &- rest.count
    let source = try frame.mac(at: 6)
    let destination = try frame.mac(at: 0)
    if let llcLength = try printLLC(payload, source: source, destination: destination) { return header &+ llcLength }
    dumpUnknown(payload)
    return header
  }

  /// `ethertype IPv4 (0x0800)`, or just the name with `-q`.
  package mutating func writeEtherType(_ type: UInt16) {
    if options.quiet {
      if let name = EtherType.names[type] {
        out.write(name)
      } else {
        out.write("Unknown Ethertype (0x")
        out.write(hex: type, width: 4)
        out.write(")")
      }
      return
    }
    out.write("ethertype ")
    write(EtherType.names, type, unknown: "Unknown")
    out.write(" (0x")
    out.write(hex: type, width: 4)
    out.write(")")
  }

  /// The fields of the tag control information, and of the type that follows it.
  mutating func recordVLANTag(_ control: UInt16, type: UInt16) {
    fields.write("id", control & 0xfff)
    fields.write("priority", control >> 13)
    fields.write("dei", control & 0x1000 != 0)
    fields.write(Int(type) <= maximumLengthField ? "length" : "ethertype", type)
  }

  /// `vlan 5, p 0` and `, DEI`: the tag control information (IEEE 802.1Q section 9.6).
  mutating func writeVLANTag(_ control: UInt16) {
    out.write("vlan ")
    out.write(decimal: control & 0x0fff)
    out.write(", p ")
    out.write(decimal: control >> 13)
    if control & 0x1000 != 0 { out.write(", DEI") }
  }

  /// Prints the payload of an EtherType; false if no dissector prints it.
  package mutating func printEtherType(_ type: UInt16, _ payload: PacketBytes) throws(DecodeError) -> Bool {
    switch type {
    case EtherType.ipv4: try printIPv4(payload)
    case EtherType.ipv6: try printIPv6(payload)
    default:
      let index = registry.index(etherType: type)
      if index == 0 {
        noteUndecoded(.etherType, type, payload)
        return false
      }
      try run(index, payload)
    }
    return true
  }
}

/// EtherTypes.
typealias EtherType = EtherTypes<UInt16>

extension EtherType {
  /// True for the types of VLAN tags (IEEE 802.1Q, 802.1ad, and two that preceded it).
  static func isVLAN(_ type: UInt16) -> Bool {
    switch type {
    case 0x8100, 0x88a8, 0x9100, 0x9200: true
    default: false
    }
  }

  package static var names: ValueNames { etherTypeNames }
}

/// The names of EtherTypes.
package let etherTypeNames: ValueNames = [
  0x00fe: "GRE-OSI", 0x0200: "PUP", 0x0500: "Sprite", 0x0600: "NS", 0x0707: "GeoNet (old)", 0x0800: "IPv4",
  0x0806: "ARP", 0x1000: "Trail", 0x1111: "CALM FAST",
  0x6001: "MOP DL", 0x6002: "MOP RC", 0x6003: "DN", 0x6004: "LAT", 0x6007: "SCA", 0x6558: "TEB",
  0x8035: "Reverse ARP", 0x8038: "Lanbridge", 0x803c: "DEC DNS", 0x803e: "DEC DTS", 0x805b: "VEXP", 0x805c: "VPROD",
  0x809b: "Appletalk", 0x80f3: "Appletalk ARP", 0x8100: "802.1Q", 0x8137: "IPX", 0x86dd: "IPv6", 0x8808: "MPCP",
  0x8809: "Slow Protocols", 0x880b: "PPP", 0x8847: "MPLS unicast", 0x8848: "MPLS multicast", 0x8863: "PPPoE D",
  0x8864: "PPPoE S", 0x886f: "MS NLB heartbeat", 0x8870: "Jumbo", 0x888e: "EAPOL", 0x8899: "Realtek protocols",
  0x88a2: "AoE",
  0x88a8: "802.1Q-QinQ", 0x88ca: "TIPC", 0x88cc: "LLDP", 0x88e5: "802.1AE MACsec", 0x88f7: "PTP", 0x8902: "CFM",
  0x893a: "IEEE1905.1", 0x8947: "GeoNet", 0x894f: "NSH", 0x9000: "Loopback", 0x9100: "802.1Q-9100",
  0x9200: "802.1Q-9200", 0xabcd: "CFM (old)", 0xd28b: "Arista Vendor Specific Protocol", 0xfefe: "OSI",
]
