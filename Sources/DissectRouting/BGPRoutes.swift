import Dissect
import PacketCore

// Routes in BGP messages: prefixes of many address families.

/// What routes are used for (IANA "Subsequent Address Family Identifiers").
enum BGPFamily {
  static let unicast: UInt8 = 1
  static let multicast: UInt8 = 2
  static let both: UInt8 = 3
  static let labeled: UInt8 = 4
  static let multicastVPN: UInt8 = 5
  static let vpls: UInt8 = 65
  static let distributionTree: UInt8 = 66
  static let evpn: UInt8 = 70
  static let vpnUnicast: UInt8 = 128
  static let vpnMulticast: UInt8 = 129
  static let vpnBoth: UInt8 = 130
  static let routeTarget: UInt8 = 132

  static let names: ValueNames = [
    0: "Reserved", 1: "Unicast", 2: "Multicast", 3: "Unicast+Multicast", 4: "labeled Unicast", 5: "Multicast VPN",
    64: "Tunnel", 65: "VPLS", 66: "MDT", 70: "EVPN", 128: "labeled VPN Unicast", 129: "labeled VPN Multicast",
    130: "labeled VPN Unicast+Multicast", 132: "Route Target Routing Information",
  ]

  /// The layout of a family's routes.
  enum Layout {
    case ipv4, ipv6, labeledIPv4, labeledIPv6, vpnIPv4, vpnIPv6, vpnNSAP, nsap, routeTarget, multicastVPN
    case distributionTree, vpls, layer2VPN

    /// nil for an unknown family.
    init?(_ family: UInt16, _ subsequent: UInt8) {
      switch (family, subsequent) {
      case (1, 1...3): self = .ipv4
      case (1, 4): self = .labeledIPv4
      case (1, 128...130): self = .vpnIPv4
      case (1, 132): self = .routeTarget
      case (1, 5): self = .multicastVPN
      case (1, 66): self = .distributionTree
      case (2, 1...3): self = .ipv6
      case (2, 4): self = .labeledIPv6
      case (2, 128...130): self = .vpnIPv6
      case (3, 1...3): self = .nsap
      case (3, 128...130): self = .vpnNSAP
      case (25, 65): self = .vpls
      case (196, 128...130): self = .layer2VPN
      default: return nil
      }
    }
  }
}

/// Length of a route distinguisher, in bytes.
private let distinguisherLength = 8
/// The label of a withdrawn route, in which it has no meaning (RFC 8277 section 2.4).
private let withdrawnLabel: UInt32 = 0x80_0000

extension Printer {
  /// Begins the object of a route. Text that is written from now on, up to `endText` or `endRoute`, becomes one of its members.
  private mutating func beginRoute() -> HeldText? {
    guard writesFields else { return nil }
    fields.beginObject()
    return beginHeldText()
  }

  private mutating func endText(_ key: StaticString, _ text: HeldText?) {
    guard let text else { return }
    fields.write(key, text: out, from: text.start)
    endHeldText(text)
  }

  /// Ends the object of a route whose only member is the text.
  private mutating func endRoute(_ route: HeldText?) {
    endText("route", route)
    if writesFields { fields.end() }
  }

  private mutating func writeIllegalLength(_ indent: StaticString = "\n\t    ") {
    out.write(indent)
    writeFault("(illegal prefix length)")
  }

  // MARK: Prefixes

  /// IPv4 or IPv6 prefixes. A path identifier (RFC 7911) may precede each of them; the message does not say whether it does.
  mutating func writeBGPPrefixes(
    _ bytes: PacketBytes, width: Int, _ indent: StaticString, key: StaticString
  ) throws(DecodeError) {
    let hasPaths = try hasPathIdentifiers(bytes, width)
    if writesFields { fields.beginArray(key) }
    var offset = 0
    while offset < bytes.length {
      var path: UInt32?
      if hasPaths {
        path = try bytes.u32(at: offset)
        offset &+= 4
      }
      let length = Int(try bytes.u8(at: offset))
      guard length <= width &* 8 else {
        writeIllegalLength()
        break
      }
      let prefix = try bytes.slice(at: offset &+ 1, length: (length &+ 7) / 8)
      out.write(indent)
      let route = beginRoute()
      try writePrefix(prefix, length, width)
      endText("route", route)
      if let path { write("   Path Id: ", "path_id", path) }
      if writesFields { fields.end() }
      offset &+= 1 &+ prefix.length
    }
    if writesFields { fields.end() }
  }

  /// True if the prefixes are valid with path identifiers, and without them are either invalid or include the default route.
  private func hasPathIdentifiers(_ bytes: PacketBytes, _ width: Int) throws(DecodeError) -> Bool {
    let plain = try walk(bytes, width, path: 0)
    if plain.isWhole, !plain.hasDefault { return false }
    return try walk(bytes, width, path: 4).isWhole
  }

  /// Walks over prefixes that are each preceded by `path` bytes: whether they fill the bytes exactly, and whether one of them has length 0.
  private func walk(
    _ bytes: PacketBytes, _ width: Int, path: Int
  ) throws(DecodeError) -> (isWhole: Bool, hasDefault: Bool) {
    var offset = 0
    var hasDefault = false
    while offset < bytes.length {
      guard bytes.length > offset &+ path else { return (false, hasDefault) }
      let length = Int(try bytes.u8(at: offset &+ path))
      if length > width &* 8 { return (false, hasDefault) }
      if length == 0 { hasDefault = true }
      offset &+= path &+ 1 &+ (length &+ 7) / 8
    }
    return (offset == bytes.length, hasDefault)
  }

  /// `10.1.2.0/24`: bits beyond the length are taken as zero.
  private mutating func writePrefix(_ prefix: PacketBytes, _ length: Int, _ width: Int) throws(DecodeError) {
    var bits: UInt128 = 0
    for index in 0..<min(width, (length &+ 7) / 8) {
      bits |= UInt128(try prefix.u8(at: index)) << UInt128(120 &- index &* 8)
    }
    if length < 128 { bits &= ~(UInt128.max >> UInt128(max(0, length))) }
    if width == 4 {
      writeHost(IPv4Address(rawValue: UInt32(truncatingIfNeeded: bits >> 96)))
    } else {
      writeHost(IPv6Address(rawValue: bits))
    }
    write("/", length)
  }

  // MARK: Routes of a family

  /// The routes of a family, in the text and as an array of `key`. `capture` begins with the same byte and extends to the end of the
  /// packet.
  mutating func writeBGPRoutes(
    _ layout: BGPFamily.Layout, _ bytes: PacketBytes, capture: PacketBytes, key: StaticString
  ) throws(DecodeError) {
    switch layout {
    case .ipv4: return try writeBGPPrefixes(bytes, width: 4, "\n\t      ", key: key)
    case .ipv6: return try writeBGPPrefixes(bytes, width: 16, "\n\t      ", key: key)
    default: break
    }
    if writesFields { fields.beginArray(key) }
    var offset = 0
    while offset < bytes.length {
      let size = try writeRoute(layout, try bytes.dropping(offset), capture: try capture.dropping(offset))
      guard size > 0 else { break }
      offset &+= size
    }
    if writesFields { fields.end() }
  }

  /// Writes one route; returns its length in bytes, 0 if it is invalid and the next one cannot be found.
  private mutating func writeRoute(
    _ layout: BGPFamily.Layout, _ bytes: PacketBytes, capture: PacketBytes
  ) throws(DecodeError) -> Int {
    switch layout {
    case .ipv4, .ipv6: return 0
    case .labeledIPv4: return try writeLabeled(bytes, width: 4)
    case .labeledIPv6: return try writeLabeled(bytes, width: 16)
    case .vpnIPv4: return try writeVPN(bytes, width: 4)
    case .vpnIPv6: return try writeVPN(bytes, width: 16)
    case .vpnNSAP: return try writeVPN(bytes, width: 0)
    case .nsap: return try writeNSAP(bytes)
    case .routeTarget: return try writeRouteTarget(bytes)
    case .multicastVPN: return try writeMulticastVPN(bytes, capture: capture)
    case .distributionTree: return try writeDistributionTree(bytes)
    case .vpls, .layer2VPN: return try writeLayer2VPN(bytes)
    }
  }

  ///     0        1       4
  ///     +--------+-------+--------
  ///     | length | label | prefix
  ///     +--------+-------+--------
  /// RFC 8277 section 2.2; the length includes the bits of the label.
  private mutating func writeLabeled(_ bytes: PacketBytes, width: Int) throws(DecodeError) -> Int {
    let length = Int(try bytes.u8(at: 0)) &- 24
    guard length >= 0, length <= width &* 8 else {
      writeIllegalLength()
      return 0
    }
    let label = try bytes.u24(at: 1)
    let prefix = try bytes.slice(at: 4, length: (length &+ 7) / 8)
    out.write("\n\t      ")
    let route = beginRoute()
    try writePrefix(prefix, length, width)
    endText("route", route)
    writeLabel(label)
    if writesFields { fields.end() }
    return 4 &+ prefix.length
  }

  private mutating func writeLabel(_ label: UInt32) {
    write(", label:", "label", label >> 4)
    out.write(label & 1 == 1 || label == withdrawnLabel ? " (bottom)" : " (BOGUS: Bottom of Stack NOT set!)")
  }

  ///     0        1       4                     12
  ///     +--------+-------+---------------------+--------
  ///     | length | label | route distinguisher | prefix
  ///     +--------+-------+---------------------+--------
  /// RFC 4364 section 4.3.4; width 0 means OSI network addresses.
  private mutating func writeVPN(_ bytes: PacketBytes, width: Int) throws(DecodeError) -> Int {
    let length = Int(try bytes.u8(at: 0)) &- 88
    guard length >= 0, length <= (width == 0 ? 160 : width &* 8) else {
      writeIllegalLength()
      return 0
    }
    let label = try bytes.u24(at: 1)
    let prefix = try bytes.slice(at: 12, length: (length &+ 7) / 8)
    out.write("\n\t      ")
    out.write("RD: ")
    let distinguisher = beginRoute()
    try writeDistinguisher(bytes, at: 4)
    endText("route_distinguisher", distinguisher)
    out.write(", ")
    let route = writesFields ? beginHeldText() : nil
    if width == 0 {
      try writeNetworkAddress(prefix)
      write("/", length)
    } else {
      try writePrefix(prefix, length, width)
    }
    endText("route", route)
    writeLabel(label)
    if writesFields { fields.end() }
    return 12 &+ prefix.length
  }

  /// 0 length in bits (1)  1 network address.
  private mutating func writeNSAP(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    let length = Int(try bytes.u8(at: 0))
    guard length <= 160 else {
      writeIllegalLength()
      return 0
    }
    let prefix = try bytes.slice(at: 1, length: (length &+ 7) / 8)
    out.write("\n\t      ")
    let route = beginRoute()
    try writeNetworkAddress(prefix)
    write("/", length)
    endRoute(route)
    return 1 &+ prefix.length
  }

  /// An OSI network address: a dot after the first byte, and after every second byte that follows.
  mutating func writeNetworkAddress(_ bytes: PacketBytes) throws(DecodeError) {
    for index in 0..<bytes.length {
      if index & 1 == 1 { out.write(".") }
      out.write(hex: try bytes.u8(at: index), width: 2)
    }
  }

  // MARK: Route distinguishers and targets

  ///     0      2
  ///     +------+-------------------------
  ///     | type | administrator, number
  ///     +------+-------------------------
  /// RFC 4364 section 4.2: a two-byte autonomous system number (0), an IPv4 address (1) or a four-byte autonomous system number (2).
  mutating func writeDistinguisher(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) {
    try bytes.check(offset, distinguisherLength)
    switch try bytes.u16(at: offset) {
    case 0:
      out.write(decimal: try bytes.u16(at: offset &+ 2))
      write(":", try bytes.u32(at: offset &+ 4))
      out.write(" (= ")
      out.write(try bytes.ipv4(at: offset &+ 4))
      out.write(")")
    case 1:
      out.write(try bytes.ipv4(at: offset &+ 2))
      write(":", try bytes.u16(at: offset &+ 6))
    case 2:
      writeAS(try bytes.u32(at: offset &+ 2))
      write(":", try bytes.u16(at: offset &+ 6))
      out.write(" (")
      out.write(try bytes.ipv4(at: offset &+ 2))
      write(":", try bytes.u16(at: offset &+ 6))
      out.write(")")
    default: out.write("unknown RD format")
    }
  }

  ///     0        1           5
  ///     +--------+-----------+--------------
  ///     | length | origin AS | route target, of which there may be but the first bits
  ///     +--------+-----------+--------------
  /// RFC 4684 section 4.
  private mutating func writeRouteTarget(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    let length = Int(try bytes.u8(at: 0))
    guard length == 0 || (32...96).contains(length) else {
      writeIllegalLength("\n\t      ")
      return 0
    }
    out.write("\n\t      ")
    if length == 0 {
      let route = beginRoute()
      out.write("default route target")
      endRoute(route)
      return 1
    }
    let bits = length &- 32
    let target = try bytes.slice(at: 5, length: (bits &+ 7) / 8)
    let number = try bytes.u32(at: 1)
    let route = beginRoute()
    out.write("origin AS: ")
    writeAS(number)
    try writeTarget(target, bits)
    endRoute(route)
    return 5 &+ target.length
  }

  /// A route target of `bits` bits; missing bits are zero.
  private mutating func writeTarget(_ bytes: PacketBytes, _ bits: Int) throws(DecodeError) {
    var word: UInt64 = 0
    for index in 0..<min(8, bytes.length) { word |= UInt64(try bytes.u8(at: index)) << UInt64(56 &- index &* 8) }
    if bits < 64 { word &= ~(UInt64.max >> UInt64(max(0, bits))) }
    let type = UInt16(truncatingIfNeeded: word >> 48)
    if bits == 0 { return out.write(", route-target: 0:0/0") }
    let isKnown = bits >= 16 && (type == 0x0002 || type == 0x0102 || type == 0x0202)
    guard isKnown else {
      if bits < 16 {
        write(", route target: partial-type: (", type, as: .hex(4))
      } else {
        write(", route target: unknown-type(", type, as: .hex(4))
        out.write(") (")
        writeWords(word, bits)
      }
      write("/", bits)
      return out.write(")")
    }
    out.write(", route-target: ")
    switch type {
    case 0x0002:
      out.write(decimal: word >> 32 & 0xffff)
      write(":", word & 0xffff_ffff)
    case 0x0102:
      out.write(IPv4Address(rawValue: UInt32(truncatingIfNeeded: word >> 16)))
      write(":", word & 0xffff)
    default:
      writeAS(UInt32(truncatingIfNeeded: word >> 16))
      write(":", word & 0xffff)
    }
    write("/", bits)
    out.write(" (")
    writeWords(word, bits)
    out.write(")")
  }

  /// As many 16-bit words as the bits need.
  private mutating func writeWords(_ word: UInt64, _ bits: Int) {
    for index in 0..<(bits &+ 15) / 16 {
      if index > 0 { out.write(" ") }
      out.write(hex: word >> UInt64(48 &- index &* 16) & 0xffff, width: 4)
    }
  }

  // MARK: Multicast

  ///     0        1                     9                16
  ///     +--------+---------------------+----------------+-------
  ///     | length | route distinguisher | source address | group
  ///     +--------+---------------------+----------------+-------
  /// RFC 6037 section 3.2, with the offsets 1, 9 and 13; the length is 128 bits.
  private mutating func writeDistributionTree(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    guard try bytes.u8(at: 0) == 128 else {
      writeIllegalLength()
      return 0
    }
    let source = try bytes.ipv4(at: 9)
    let group = try bytes.ipv4(at: 13)
    out.write("\n\t      ")
    let route = beginRoute()
    out.write("RD: ")
    try writeDistinguisher(bytes, at: 1)
    write(", VPN IP Address: ", source)
    write(", MC Group Address: ", group)
    endRoute(route)
    return 17
  }

  ///     0      1        2
  ///     +------+--------+--------------------------
  ///     | type | length | route distinguisher (8), then by type
  ///     +------+--------+--------------------------
  /// RFC 6514 section 4. If the type is the last byte of its attribute, the length is read from the byte after the attribute.
  private mutating func writeMulticastVPN(
    _ bytes: PacketBytes, capture: PacketBytes
  ) throws(DecodeError) -> Int {
    let type = try bytes.u8(at: 0)
    let length = Int(try (bytes.count > 1 ? bytes : capture).u8(at: 1))
    out.write("\n\t      ")
    let route = beginRoute()
    write("Route-Type: ", type, as: .named(multicastRoutes, unknown: "Unknown"))
    write(" (", type)
    write("), length: ", length)
    try writeMulticastRoute(type, length, bytes)
    endRoute(route)
    return 2 &+ length
  }

  private mutating func writeMulticastRoute(
    _ type: UInt8, _ length: Int, _ bytes: PacketBytes
  ) throws(DecodeError) {
    guard (1...3).contains(type) || (5...7).contains(type) else { return }
    try bytes.check(2, distinguisherLength)
    out.write(", RD: ")
    try writeDistinguisher(bytes, at: 2)
    var offset = 10
    switch type {
    case 1:
      out.write(", Originator ")
      return try writeAddress(bytes, at: offset, length &- distinguisherLength)
    case 2:
      out.write(", Source-AS ")
      return writeAS(try bytes.u32(at: offset))
    case 6, 7:
      out.write(", Source-AS ")
      writeAS(try bytes.u32(at: offset))
      offset &+= 4
    default: break
    }
    out.write(", Source ")
    offset = try writeCountedAddress(bytes, at: offset)
    out.write(", Group ")
    offset = try writeCountedAddress(bytes, at: offset)
    guard type == 3 else { return }
    out.write(", Originator ")
    try writeAddress(bytes, at: offset, length &+ 2 &- offset)
  }

  /// 0 length in bits (1)  1 address; returns the offset after it.
  private mutating func writeCountedAddress(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) -> Int {
    let bits = Int(try bytes.u8(at: offset))
    if bits % 8 == 0 {
      try writeAddress(bytes, at: offset &+ 1, bits / 8)
    } else {
      writeBogusLength(bits)
    }
    return offset &+ 1 &+ bits / 8
  }

  private mutating func writeAddress(_ bytes: PacketBytes, at offset: Int, _ length: Int) throws(DecodeError) {
    switch length {
    case 4: writeHost(try bytes.ipv4(at: offset))
    case 16: writeHost(try bytes.ipv6(at: offset))
    default: writeBogusLength(length &* 8)
    }
  }

  private mutating func writeBogusLength(_ bits: Int) {
    writeFault("bogus address length ")
    out.write(decimal: bits)
  }

  // MARK: Layer 2

  ///     0        2                     10      12             14            17
  ///     +--------+---------------------+-------+--------------+-------------+------
  ///     | length | route distinguisher | CE ID | block offset | label base  | TLVs
  ///     +--------+---------------------+-------+--------------+-------------+------
  /// RFC 4761 section 3.2.2 and draft-kompella-l2vpn-l2vpn; VPLS blocks have a size instead of TLVs. Lengths of TLVs are in bits.
  private mutating func writeLayer2VPN(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    let length = Int(try bytes.u16(at: 0))
    guard length >= 12 else {
      writeIllegalLength()
      return 0
    }
    let isVPLS = length == 17
    let block = try bytes.slice(at: 2, length: length)
    let base = try block.u24(at: isVPLS ? 14 : 12) >> 4
    out.write("\n\t      ")
    let route = beginRoute()
    out.write("RD: ")
    try writeDistinguisher(block, at: 0)
    write(", CE-ID: ", try block.u16(at: 8))
    write(", Label-Block Offset: ", try block.u16(at: 10))
    if isVPLS { write(", Label-Block Size: ", try block.u16(at: 12)) }
    write(", Label Base ", base)
    endRoute(route)
    if !isVPLS, length > 15 { try writeLayer2TLVs(try block.dropping(15)) }
    return 2 &+ length
  }

  private mutating func writeLayer2TLVs(_ bytes: PacketBytes) throws(DecodeError) {
    var offset = 0
    while offset < bytes.length {
      let type = try bytes.u8(at: offset)
      let bits = Int(try bytes.u16(at: offset &+ 1))
      let size = (bits &+ 7) / 8
      if type == 1 {
        write("\n\t\tcircuit status vector (1) length: ", bits)
        out.write(": 0x")
        try writeHexOctets(try bytes.dropping(offset &+ 3), size)
      } else {
        write("\n\t\tunknown TLV #", type)
        write(", length: ", bits)
      }
      offset &+= 3 &+ size
    }
  }
}

private let multicastRoutes: ValueNames = [
  1: "Intra-AS I-PMSI", 2: "Inter-AS I-PMSI", 3: "S-PMSI", 4: "Intra-AS Segment-Leaf", 5: "Source-Active",
  6: "Shared Tree Join", 7: "Source Tree Join",
]
