import Dissect
import PacketCore

// Updates of BGP, RFC 4271 section 4.3.

/// How the value of an attribute is written.
private enum Form {
  case origin, path, path4, nextHop, metric, localPreference, atomic, aggregator, communities, originator, clusters
  case reach, unreach, extendedCommunities, tunnel, accumulatedMetric, largeCommunities, security, customers, set
  case unknown
}

private let attributes: OptionTable<Form> = [
  1: OptionRow("Origin", .origin), 2: OptionRow("AS Path", .path), 3: OptionRow("Next Hop", .nextHop),
  4: OptionRow("Multi Exit Discriminator", .metric), 5: OptionRow("Local Preference", .localPreference),
  6: OptionRow("Atomic Aggregate", .atomic), 7: OptionRow("Aggregator", .aggregator),
  8: OptionRow("Community", .communities), 9: OptionRow("Originator ID", .originator),
  10: OptionRow("Cluster List", .clusters), 14: OptionRow("Multi-Protocol Reach NLRI", .reach),
  15: OptionRow("Multi-Protocol Unreach NLRI", .unreach), 16: OptionRow("Extended Community", .extendedCommunities),
  17: OptionRow("AS4 Path", .path4), 18: OptionRow("Aggregator4", .aggregator), 22: OptionRow("PMSI Tunnel", .tunnel),
  23: OptionRow("Tunnel Encapsulation", .unknown), 24: OptionRow("Traffic Engineering", .unknown),
  25: OptionRow("IPv6 Extended Community", .unknown), 26: OptionRow("Accumulated IGP Metric", .accumulatedMetric),
  27: OptionRow("PE Distinguisher Label", .unknown), 28: OptionRow("Entropy Label", .unknown),
  32: OptionRow("Large Community", .largeCommunities), 33: OptionRow("BGPsec Path", .security),
  35: OptionRow("Only to Customer (OTC)", .customers), 128: OptionRow("Attribute Set", .set),
  255: OptionRow("Reserved for development", .unknown),
]

private enum Flag {
  static let optional: UInt8 = 0x80
  static let longLength: UInt8 = 0x10
}
private let flagNames: FlagNames = [0x80: "O", 0x40: "T", 0x20: "P", 0x10: "E"]
/// The maximum nesting depth of attribute sets.
private let maximumDepth = 10

///     0                   2                  2 + w             4 + w              4 + w + a
///     +-------------------+------------------+-----------------+------------------+--------
///     | withdrawn bytes w | withdrawn routes | attribute bytes | path attributes  | routes
///     +-------------------+------------------+-----------------+------------------+--------
/// `capture` begins with the same byte and extends to the end of the packet.
func printBGPUpdate(
  _ bytes: PacketBytes, capture: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let withdrawn = Int(try bytes.u16(at: 0))
  if withdrawn > 0 {
    if 2 &+ withdrawn > bytes.length { throw .truncated }
    let routes = try bytes.slice(at: 2, length: withdrawn)
    printer.out.write("\n\t  Withdrawn routes:")
    try printer.writeBGPPrefixes(routes, width: 4, "\n\t    ", key: "withdrawn")
  }
  let rest = try bytes.dropping(2 &+ withdrawn)
  let length = Int(try rest.u16(at: 0))
  if withdrawn == 0, length == 0, rest.length == 2 {
    return printer.out.write("\n\t  End-of-Rib Marker (empty NLRI)")
  }
  if length > 0 {
    try rest.check(2, length)
    let attributes = try rest.slice(at: 2, length: length)
    try printer.writeBGPAttributes(
      attributes, in: attributes, capture: try capture.dropping(4 &+ withdrawn), depth: 0)
  }
  let routes = try rest.dropping(2 &+ length)
  guard routes.length > 0 else { return }
  printer.out.write("\n\t  Updated routes:")
  try printer.writeBGPPrefixes(routes, width: 4, "\n\t    ", key: "announced")
}

extension Printer {
  ///     0       1      2                 3, or 4
  ///     +-------+------+-----------------+-------
  ///     | flags | type | length (1 or 2) | value
  ///     +-------+------+-----------------+-------
  fileprivate mutating func writeBGPAttributes(
    _ bytes: PacketBytes, in container: PacketBytes, capture: PacketBytes, depth: Int
  ) throws(DecodeError) {
    if writesFields { fields.beginArray("attributes") }
    var offset = 0
    while offset < bytes.length {
      let flags = try bytes.u8(at: offset)
      let isLong = flags & Flag.longLength != 0
      guard bytes.length &- offset >= (isLong ? 4 : 3) else {
        writeFault(depth == 0 ? "\n\t  [path attrs too short]" : " [path attr too short]")
        break
      }
      let type = try bytes.u8(at: offset &+ 1)
      let length = Int(isLong ? try bytes.u16(at: offset &+ 2) : UInt16(try bytes.u8(at: offset &+ 2)))
      offset &+= isLong ? 4 : 3
      let row = attributes[type: UInt32(type)]
      if writesFields {
        fields.beginObject()
        fields.write("type", type)
        if let row { fields.write("type_name", row.name) }
        fields.write("flag_bits", flags)
        fields.write("length", length)
      }
      out.write(depth == 0 ? "\n\t  " : "\n\t      ")
      out.write(row?.name ?? "Unknown Attribute")
      write(" (", type)
      write("), length: ", length)
      if flags != 0 {
        out.write(", Flags [")
        write(flagNames, flags, separator: "", none: "")
        if flags & 0xf != 0 { write("+", flags & 0xf, as: .hex(1)) }
        out.write(depth == 0 ? "]: " : "]")
      }
      // Written whether or not there are flags.
      if depth > 0 { out.write(": ") }
      guard bytes.has(offset, length) else {
        writeFault(depth == 0 ? " [path attrs too short]" : " [path attr too short]")
        if writesFields { fields.end() }
        // Dump as many bytes as are left, but from the start of the container.
        if depth > 0, options.verbosity > 1, bytes.length > offset {
          writeHex(try container.slice(at: 0, length: bytes.length &- offset), indent: "\n\t    ")
        }
        break
      }
      let value = try bytes.slice(at: offset, length: length)
      try write(row?.form ?? .unknown, type, value, capture: try capture.dropping(offset), depth)
      if options.verbosity > 1, length > 0, row?.form != .set { writeHex(value, indent: "\n\t    ") }
      if writesFields { fields.end() }
      offset &+= length
    }
    if writesFields { fields.end() }
  }

  private mutating func write(
    _ form: Form, _ type: UInt8, _ value: PacketBytes, capture: PacketBytes, _ depth: Int
  ) throws(DecodeError) {
    switch form {
    case .origin: if hasLength(value, value.length == 1) { try writeOrigin(value) }
    case .path: try writePath(value, width: pathWidth(value))
    case .path4: try writePath(value, width: 4)
    case .nextHop: if hasLength(value, value.length == 4) { write("", "next_hop", try value.ipv4(at: 0)) }
    case .metric: if hasLength(value, value.length == 4) { write("", "metric", try value.u32(at: 0)) }
    case .localPreference:
      if hasLength(value, value.length == 4) { write("", "local_preference", try value.u32(at: 0)) }
    case .atomic: _ = hasLength(value, value.length == 0)
    case .aggregator:
      if hasLength(value, value.length == 6 || value.length == 8) { try writeAggregator(value) }
    case .communities: if hasLength(value, value.length % 4 == 0) { try writeBGPCommunities(value) }
    case .originator:
      if hasLength(value, value.length == 4) { write("", "router_id", try value.ipv4(at: 0)) }
    case .clusters: if hasLength(value, value.length % 4 == 0) { try writeClusters(value) }
    case .reach: try writeReach(value, capture: capture)
    case .unreach: try writeUnreach(value, capture: capture)
    case .extendedCommunities:
      if hasLength(value, value.length % 8 == 0) { try writeBGPExtendedCommunities(value) }
    case .tunnel: try writeTunnel(value)
    case .accumulatedMetric: try writeAccumulatedMetric(value)
    case .largeCommunities:
      if hasLength(value, value.length > 0 && value.length % 12 == 0) { try writeBGPLargeCommunities(value) }
    case .security: try writeBGPSecurity(value)
    case .customers:
      guard hasLength(value, value.length == 4) else { break }
      let number = try value.u32(at: 0)
      if writesFields { fields.write("as_number", number) }
      out.write("\n\t    OTC ")
      writeAS(number)
    case .set: try writeSet(value, capture: capture, depth)
    case .unknown:
      write("\n\t    no Attribute ", type)
      out.write(" decoder")
      if writesFields { fields.write("data", hex: value) }
      if options.verbosity <= 1 { writeHex(value, indent: "\n\t    ") }
    }
  }

  /// Reports a value of invalid length.
  private mutating func hasLength(_ value: PacketBytes, _ isRight: Bool) -> Bool {
    if !isRight { writeFault("invalid len") }
    return isRight
  }

  private mutating func writeOrigin(_ value: PacketBytes) throws(DecodeError) {
    let origin = try value.u8(at: 0)
    if writesFields, let name = origins[origin] { fields.write("origin", name) }
    write(origins, origin, unknown: "Unknown Origin Typecode")
  }

  // MARK: AS path

  /// Width in bytes of an AS number in a path. The speakers know it from their capabilities, but a packet does not state it: two if the
  /// segments then fill the value exactly, otherwise four.
  private func pathWidth(_ value: PacketBytes) throws(DecodeError) -> Int {
    var offset = 0
    while offset < value.length {
      guard segments[try value.u8(at: offset)] != nil, value.has(offset, 2) else { return 4 }
      offset &+= 2 &+ Int(try value.u8(at: offset &+ 1)) &* 2
    }
    return offset == value.length ? 2 : 4
  }

  /// Segments: 0 type (1)  1 number of AS numbers (1)  2 AS numbers.
  private mutating func writePath(_ value: PacketBytes, width: Int) throws(DecodeError) {
    guard value.length % 2 == 0 else { return writeFault("invalid len") }
    if value.length == 0 { out.write("empty") }
    if writesFields { fields.beginArray("as_path") }
    let layout = OptionLayout(typeWidth: 1, lengthWidth: 1, unit: UInt8(width))
    var list = openList(value, layout)
    while let segment = try next(&list) {
      if writesFields {
        fields.beginObject()
        fields.write("type", segment.type)
        fields.beginArray("as_numbers")
      }
      write(segments, segment.type, unknown: "?")
      for index in 0..<segment.length {
        let number = try segment.bytes.unsigned(at: 2 &+ index &* width, width: width)
        if writesFields { fields.element(number) }
        writeAS(number)
        out.write(" ")
      }
      write(segmentEnds, segment.type, unknown: "")
      if writesFields {
        fields.end()
        fields.end()
      }
    }
    if writesFields { fields.end() }
  }

  // MARK: Addresses

  private mutating func writeAggregator(_ value: PacketBytes) throws(DecodeError) {
    let width = value.length &- 4
    let number = try value.unsigned(at: 0, width: width)
    if writesFields { fields.write("as_number", number) }
    out.write(" AS #")
    writeAS(number)
    write(", origin ", "router_id", try value.ipv4(at: width))
  }

  private mutating func writeClusters(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 4), array: "cluster_ids")
    while let cluster = try next(&list) {
      writeElement(cluster.isFirst ? "" : ", ", try cluster.bytes.ipv4(at: 0))
    }
  }

  // MARK: Other families

  /// `AFI: IPv4 (1), SAFI: Unicast (1)`; nil if the layout of the family's routes is unknown.
  private mutating func writeFamily(_ value: PacketBytes) throws(DecodeError) -> BGPFamily.Layout? {
    try value.check(0, 3)
    let family = try value.u16(at: 0)
    let subsequent = try value.u8(at: 2)
    if writesFields {
      fields.write("address_family", family)
      fields.write("subsequent_address_family", subsequent)
    }
    write("\n\t    AFI: ", family, as: .named(AddressFamily.names, unknown: "Unknown AFI"))
    write(" (", family)
    write(
      subsequent > 128 ? "), vendor specific SAFI: " : "), SAFI: ", subsequent,
      as: .named(BGPFamily.names, unknown: "Unknown SAFI"))
    write(" (", subsequent)
    out.write(")")
    return BGPFamily.Layout(family, subsequent)
  }

  private mutating func writeUnknownFamily(_ value: PacketBytes) throws(DecodeError) {
    write("\n\t    no AFI ", try value.u16(at: 0))
    write(" / SAFI ", try value.u8(at: 2))
    out.write(" decoder")
    if writesFields { fields.write("data", hex: value) }
    if options.verbosity <= 1 { writeHex(value, indent: "\n\t    ") }
  }

  ///     0                2                   3                    4
  ///     +----------------+-------------------+--------------------+-----------+-----------------+-------+--------
  ///     | address family | subsequent family | bytes of next hops | next hops | number of SNPAs | SNPAs | routes
  ///     +----------------+-------------------+--------------------+-----------+-----------------+-------+--------
  /// RFC 4760 section 3; in RFC 2858 an SNPA is its length in half bytes (1) and an address.
  private mutating func writeReach(_ value: PacketBytes, capture: PacketBytes) throws(DecodeError) {
    guard let layout = try writeFamily(value) else { return try writeUnknownFamily(value) }
    let length = Int(try value.u8(at: 3))
    let hops = try value.slice(at: 4, length: length)
    out.write("\n\t    nexthop: ")
    try writeNextHops(layout, hops)
    write(", nh-length: ", length)
    let count = try value.u8(at: 4 &+ length)
    var offset = 5 &+ length
    if count == 0 {
      out.write(", no SNPA")
    } else {
      write("\n\t    ", count)
      out.write(" SNPA")
      for _ in 0..<count {
        let size = Int(try value.u8(at: offset))
        write("\n\t      ", size)
        out.write(" bytes")
        offset &+= 1 &+ size
      }
    }
    try writeBGPRoutes(
      layout, try value.dropping(offset), capture: try capture.dropping(offset), key: "announced")
  }

  private mutating func writeUnreach(_ value: PacketBytes, capture: PacketBytes) throws(DecodeError) {
    let layout = try writeFamily(value)
    if value.length == 3 { return out.write("\n\t      End-of-Rib Marker (empty NLRI)") }
    guard let layout else { return try writeUnknownFamily(value) }
    try writeBGPRoutes(layout, try value.dropping(3), capture: try capture.dropping(3), key: "withdrawn")
  }

  /// Addresses; those of VPNs are preceded by route distinguishers.
  private mutating func writeNextHops(_ layout: BGPFamily.Layout, _ bytes: PacketBytes) throws(DecodeError) {
    if writesFields { fields.beginArray("next_hops") }
    var offset = 0
    while offset < bytes.length {
      if offset > 0 { out.write(", ") }
      let rest = bytes.length &- offset
      let (prefix, width) = layout.nextHop(rest)
      guard width > 0, rest >= prefix &+ width else {
        writeFault("invalid len")
        break
      }
      if prefix > 0 {
        out.write("RD: ")
        try writeDistinguisher(bytes, at: offset)
        out.write(", ")
      }
      offset &+= prefix
      switch layout {
      case .nsap, .vpnNSAP: try writeNetworkAddress(try bytes.slice(at: offset, length: width))
      default:
        if width == 4 {
          writeElement("", try bytes.ipv4(at: offset))
        } else {
          writeElement("", try bytes.ipv6(at: offset))
        }
      }
      offset &+= width
    }
    if writesFields { fields.end() }
  }

  // MARK: Others

  ///     0       1             2       5
  ///     +-------+-------------+-------+------------
  ///     | flags | tunnel type | label | identifier
  ///     +-------+-------------+-------+------------
  /// RFC 6514 section 5.
  private mutating func writeTunnel(_ value: PacketBytes) throws(DecodeError) {
    try value.check(0, 5)
    let type = try value.u8(at: 1)
    write("\n\t    Tunnel-type ", type, as: .named(tunnels, unknown: "Unknown"))
    write(" (", type)
    out.write("), Flags [")
    write(tunnelFlags, try value.u8(at: 0))
    write("], MPLS Label ", try value.u24(at: 2) >> 4)
    let identifier = try value.dropping(5)
    switch type {
    case 1:
      try identifier.check(0, 8)
      write("\n\t      Extended-Tunnel-ID ", try identifier.ipv4(at: 0))
      write(", P2MP-ID 0x", try identifier.u32(at: 4), as: .hex(8))
    case 2, 7:
      try identifier.check(0, 8)
      write("\n\t      Root-Node ", try identifier.ipv4(at: 0))
      write(", LSP-ID 0x", try identifier.u32(at: 4), as: .hex(8))
    case 3, 4, 5:
      try identifier.check(0, 8)
      write(type == 3 ? "\n\t      Root-Node " : "\n\t      Sender ", try identifier.ipv4(at: 0))
      write(", P-Group ", try identifier.ipv4(at: 4))
    case 6:
      let address = try identifier.ipv4(at: 0)
      write("\n\t      Tunnel-Endpoint ", address)
    default: if options.verbosity <= 1 { writeHex(identifier, indent: "\n\t      ") }
    }
  }

  /// TLVs: 0 type (1)  1 length, including both (2)  3 value; RFC 7311 section 3.
  private mutating func writeAccumulatedMetric(_ value: PacketBytes) throws(DecodeError) {
    let layout = OptionLayout(typeWidth: 1, lengthWidth: 2, countsHeader: true)
    var list = openList(value, layout)
    while let option = try next(&list) {
      write("\n\t    ", option.type, as: .named(metricTLVs, unknown: "Unknown TLV"))
      write(" (", option.type)
      write("), length ", option.length)
      if option.isTooShort { throw .truncated }
      let metric = try option.wholeValue()
      if option.type == 1 {
        let number = try metric.u64(at: 0)
        if writesFields, option.isFirst { fields.write("accumulated_metric", number) }
        write(", metric ", number)
      } else if options.verbosity <= 1 {
        writeHex(metric, indent: "\n\t      ")
      }
    }
  }

  /// 0 autonomous system (4)  4 attributes; RFC 6368 section 5.
  private mutating func writeSet(
    _ value: PacketBytes, capture: PacketBytes, _ depth: Int
  ) throws(DecodeError) {
    let number = try value.u32(at: 0)
    if writesFields { fields.write("as_number", number) }
    out.write("\n\t    Origin AS: ")
    writeAS(number)
    guard depth < maximumDepth else { return writeFault(" [nested too deep] (invalid)") }
    try writeBGPAttributes(
      try value.dropping(4), in: value, capture: try capture.dropping(4), depth: depth &+ 1)
  }
}

extension BGPFamily.Layout {
  /// Lengths in bytes of the route distinguisher and of the address at the start of a next hop, of which `rest` bytes are left.
  fileprivate func nextHop(_ rest: Int) -> (prefix: Int, width: Int) {
    switch self {
    case .ipv4, .labeledIPv4, .routeTarget, .multicastVPN, .distributionTree, .vpls, .layer2VPN: (0, 4)
    case .ipv6, .labeledIPv6: (0, 16)
    case .vpnIPv4: (8, 4)
    case .vpnIPv6: (8, 16)
    case .nsap: (0, rest)
    case .vpnNSAP: (8, rest &- 8)
    }
  }
}

private let origins: ValueNames = [0: "IGP", 1: "EGP", 2: "Incomplete"]
/// The text before and after the numbers of a segment, by its type.
private let segments: ValueNames = [1: "{ ", 2: "", 3: "( ", 4: "({ "]
private let segmentEnds: ValueNames = [1: "}", 2: "", 3: ")", 4: "})"]
private let metricTLVs: ValueNames = [1: "AIGP TLV"]
private let tunnelFlags: FlagNames = [0x01: "Leaf Information required"]
private let tunnels: ValueNames = [
  1: "RSVP-TE P2MP LSP", 2: "LDP P2MP LSP", 3: "PIM-SSM Tree", 4: "PIM-SM Tree", 5: "PIM-Bidir Tree",
  6: "Ingress Replication", 7: "LDP MP2MP LSP",
]
