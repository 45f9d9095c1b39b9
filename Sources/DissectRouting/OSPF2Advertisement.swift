import Dissect
import PacketCore

// Link state advertisements of OSPF version 2, RFC 2328 section A.4. Opaque ones are in `OSPFOpaque.swift`.

enum OSPF2Advertisement {
  static let headerLength = 20

  static let router: UInt32 = 1
  static let network: UInt32 = 2
  static let summary: UInt32 = 3
  static let borderRouter: UInt32 = 4
  static let external: UInt32 = 5
  static let group: UInt32 = 6
  static let nssa: UInt32 = 7
  /// Scopes: the link, the area, and the whole system (RFC 5250).
  static let opaque: ClosedRange<UInt32> = 9...11

  static let names: ValueNames = [
    1: "Router", 2: "Network", 3: "Summary", 4: "ASBR Summary", 5: "External", 6: "Multicast Group", 7: "NSSA",
    9: "Link Local Opaque", 10: "Area Local Opaque", 11: "Domain Wide Opaque",
  ]

  static let trafficEngineering: UInt8 = 1
  static let gracefulRestart: UInt8 = 3
  static let routerInformation: UInt8 = 4
  static let extendedPrefix: UInt8 = 7
  /// Applications of opaque advertisements; these are the first words of their names.
  static let opaqueNames: ValueNames = [
    1: "Traffic Engineering", 3: "Graceful restart", 4: "Router Information", 7: "Extended Prefix",
  ]

  static func isOpaque(_ type: UInt32) -> Bool { opaque.contains(type) }
}

private let routerFlags: FlagNames = [
  0x01: "ABR", 0x02: "ASBR", 0x04: "Virtual", 0x08: "Wildcard", 0x10: "Nt", 0x80: "Host",
]

/// The topology that a metric is for, RFC 4915; formerly the number of a type of service.
private let topologies: ValueNames = [0: "default", 1: "multicast", 2: "management"]

/// The mask of a metric of 24 bits, and the metric that means unreachable (LSInfinity, RFC 2328 appendix B).
private let infinity: UInt32 = 0xff_ffff

extension Printer {
  /// Prints what follows the header of an advertisement; false if nothing more of the packet can be read.
  mutating func writeOSPF2Body(
    _ type: UInt32, _ header: PacketBytes, _ body: PacketBytes
  ) throws(DecodeError) -> Bool {
    switch type {
    case OSPF2Advertisement.router: try writeLinks(body)
    case OSPF2Advertisement.network:
      write("\n\t    Mask ", "network_mask", try body.ipv4(at: 0))
      out.write("\n\t    Connected Routers:")
      try writeOSPFRouters(body, at: 4, "\n\t      ", key: "attached_routers")
    case OSPF2Advertisement.summary:
      write("\n\t    Mask ", "network_mask", try body.ipv4(at: 0))
      try writeSummary(body)
    case OSPF2Advertisement.borderRouter: try writeSummary(body)
    case OSPF2Advertisement.external, OSPF2Advertisement.nssa: try writeExternal(body)
    case OSPF2Advertisement.group: try writeGroup(body)
    case OSPF2Advertisement.opaque: return try writeOSPFOpaque(try header.u8(at: 4), body)
    default: break
    }
    return true
  }

  /// `topology default (0)`.
  private mutating func writeTopology(_ number: UInt8) {
    write("\n\t\ttopology ", number, as: .named(topologies, unknown: "Unknown"))
    write(" (", number)
    out.write(")")
  }

  ///     0       1      2        4
  ///     +-------+------+--------+---------
  ///     | flags | zero | number | links …     0 ID (4)  4 data (4)  8 type (1)  9 number of topologies (1)  10 metric (2)
  ///     +-------+------+--------+---------
  /// RFC 2328 section A.4.2; each further topology of a link takes four bytes.
  private mutating func writeLinks(_ body: PacketBytes) throws(DecodeError) {
    let flags = try body.u8(at: 0)
    if writesFields { fields.write("flag_bits", flags) }
    writeOSPFFlags("\n\t    Router LSA Options: [", routerFlags, flags)
    let count = try body.u16(at: 2)
    let layout = OptionLayout(type: .bytes(at: 8, 1), length: .bytes(at: 9, 1), headerLength: 12, unit: 4)
    var list = openList(body, at: 4, layout, objects: "links")
    for _ in 0..<count {
      guard let link = try next(&list) else { throw .truncated }
      let id = try link.bytes.ipv4(at: 0)
      let data = try link.bytes.ipv4(at: 4)
      if writesFields {
        fields.write("type", link.type)
        fields.write("link_id", id)
        fields.write("link_data", data)
        fields.write("metric", try link.bytes.u16(at: 10))
      }
      switch link.type {
      case 1: write("\n\t      Neighbor Router-ID: ", id)
      case 2: write("\n\t      Neighbor Network-ID: ", id)
      case 3: write("\n\t      Stub Network: ", id)
      case 4: write("\n\t      Virtual Link: Neighbor Router-ID: ", id)
      default:
        write("\n\t      Unknown Router Link Type (", link.type)
        out.write(")")
        return stop(&list)
      }
      write(link.type == 3 ? ", Mask: " : ", Interface Address: ", data)
      writeTopology(0)
      write(", metric ", try link.bytes.u16(at: 10))
      for number in 0..<link.length {
        let offset = 12 &+ number &* 4
        let metric = try link.bytes.u16(at: offset &+ 2)
        writeTopology(try link.bytes.u8(at: offset))
        write(", metric ", metric)
      }
    }
    stop(&list)
  }

  /// After the mask, repeated: 0 topology in seven bits, metric in three bytes; RFC 2328 section A.4.4.
  private mutating func writeSummary(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, at: 4, .elements(of: 4, lastIsCut: true))
    while let entry = try next(&list) {
      let word = try entry.bytes.u32(at: 0)
      if writesFields, entry.isFirst { fields.write("metric", word & infinity) }
      writeTopology(UInt8(truncatingIfNeeded: word >> 24 & 0x7f))
      write(" metric ", word & infinity)
    }
  }

  /// After the mask, repeated: 0 type in one bit and topology in seven, metric in three bytes  4 forwarding address  8 tag; RFC 2328
  /// section A.4.5.
  private mutating func writeExternal(_ body: PacketBytes) throws(DecodeError) {
    write("\n\t    Mask ", "network_mask", try body.ipv4(at: 0))
    var list = openList(body, at: 4, .elements(of: 12, lastIsCut: true))
    while let entry = try next(&list) {
      let word = try entry.bytes.u32(at: 0)
      try entry.bytes.check(0, 4)
      writeTopology(UInt8(truncatingIfNeeded: word >> 24 & 0x7f))
      write(", type ", word >> 31 == 1 ? 2 : 1)
      out.write(", metric ")
      if word & infinity == infinity {
        out.write("infinite")
      } else {
        out.write(decimal: word & infinity)
      }
      let address = try entry.bytes.ipv4(at: 4)
      if address.rawValue != 0 { write(", forward ", address) }
      let tag = try entry.bytes.ipv4(at: 8)
      if tag.rawValue != 0 { write(", tag ", tag) }
      if writesFields, entry.isFirst {
        fields.write("metric", word & infinity)
        fields.write("metric_type", word >> 31 == 1 ? 2 : 1)
        fields.write("forwarding_address", address)
        fields.write("route_tag", tag.rawValue)
      }
    }
  }

  /// Repeated: 0 kind of a vertex (4)  4 its identifier (4); RFC 1584 section A.3.
  private mutating func writeGroup(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, .elements(of: 8, lastIsCut: true))
    while let vertex = try next(&list) {
      let kind = try vertex.bytes.u32(at: 0)
      switch kind {
      case 1: write("\n\t    Router Router-ID ", try vertex.bytes.ipv4(at: 4))
      case 2: write("\n\t    Network Designated Router ", try vertex.bytes.ipv4(at: 4))
      default:
        write("\n\t    unknown VertexType (", kind)
        out.write(")")
        return stop(&list)
      }
    }
  }
}
