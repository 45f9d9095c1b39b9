import Dissect
import PacketCore

// Communities of BGP, and the signed path.

private let wellKnown: ValueNames = [
  0xffff_ff01: " NO_EXPORT", 0xffff_ff02: " NO_ADVERTISE", 0xffff_ff03: " NO_EXPORT_SUBCONFED",
]

private let extendedTypes: ValueNames = [
  0x0002: "target", 0x0003: "origin", 0x0005: "ospf-domain", 0x0009: "source-AS", 0x000a: "l2vpn-id",
  0x0102: "target", 0x0103: "origin", 0x0105: "ospf-domain", 0x0107: "ospf-router-id", 0x010b: "vrf-route-import",
  0x0202: "target", 0x0203: "origin", 0x0205: "ospf-domain", 0x0306: "ospf-route-type", 0x030c: "encapsulation",
  0x4004: "link-BW", 0x8000: "ospf-route-type", 0x8001: "ospf-router-id", 0x8005: "ospf-domain",
  0x800a: "layer2-info", 0x8800: "eigrp-general-route (flag, tag)", 0x8801: "eigrp-route-metric (AS, delay)",
  0x8802: "eigrp-route-metric (reliability, nexthop, bandwidth)", 0x8803: "eigrp-route-metric (load, MTU)",
  0x8804: "eigrp-external-route (remote-AS, remote-ID)",
  0x8805: "eigrp-external-route (remote-proto, remote-metric)",
]
private let extendedFlags: FlagNames = [0x8000: "vendor-specific", 0x4000: "non-transitive"]
private let routeTypes: ValueNames = [1: "Router", 2: "Network", 3: "Summary", 5: "External", 7: "NSSA External"]
private let tunnelTypes: ValueNames = [
  1: "L2TPv3 over IP", 2: "GRE", 3: "Transmit Tunnel", 4: "IPsec", 5: "IP in IP with IPsec",
  6: "MPLS in IP with IPsec", 7: "IP in IP", 8: "VXLAN", 9: "NVGRE", 10: "MPLS", 11: "MPLS in GRE", 12: "VXLAN GPE",
  13: "MPLS in UDP", 14: "IPv6", 15: "SR TE", 16: "Bare", 17: "SR",
]
private let encapsulations: ValueNames = [
  0: "Reserved", 1: "Frame Relay", 2: "ATM AAL5 SDU VCC transport", 3: "ATM transparent cell transport",
  4: "Ethernet (VLAN) Tagged Mode", 5: "Ethernet Raw Mode", 6: "Cisco HDLC", 7: "PPP",
  8: "SONET/SDH Circuit Emulation Service over MPLS", 9: "ATM n-to-one VCC cell transport",
  10: "ATM n-to-one VPC cell transport", 11: "IP layer 2 transport", 15: "Frame Relay Port mode",
  17: "Structure-agnostic E1 over packet", 18: "Structure-agnostic T1 (DS1) over packet", 19: "VPLS",
  20: "Structure-agnostic T3 (DS3) over packet", 21: "Nx64kbit/s Basic Service using Structure-aware",
  25: "Frame Relay DLCI",
]

extension Printer {
  /// Four-byte communities, RFC 1997.
  mutating func writeBGPCommunities(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 4), array: "communities")
    while let community = try next(&list) {
      let number = try community.bytes.u32(at: 0)
      if writesFields {
        let held = beginHeldText()
        writePair(number)
        fields.element(text: out, from: held.start)
        endHeldText(held)
      }
      if let name = wellKnown[number] {
        out.write(name)
      } else {
        writePair(number)
        if list.remaining > 0 { out.write(", ") }
      }
    }
  }

  private mutating func writePair(_ number: UInt32) {
    out.write(decimal: number >> 16)
    write(":", number & 0xffff)
  }

  /// Twelve-byte communities, RFC 8092.
  mutating func writeBGPLargeCommunities(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 12), array: "communities")
    while let community = try next(&list) {
      if writesFields {
        let held = beginHeldText()
        try writeTriple(community.bytes)
        fields.element(text: out, from: held.start)
        endHeldText(held)
      }
      out.write(community.isFirst ? "\n\t    " : ", ")
      try writeTriple(community.bytes)
    }
  }

  private mutating func writeTriple(_ bytes: PacketBytes) throws(DecodeError) {
    out.write(decimal: try bytes.u32(at: 0))
    write(":", try bytes.u32(at: 4))
    write(":", try bytes.u32(at: 8))
  }

  ///     0      2
  ///     +------+----------------
  ///     | type | value, 6 bytes
  ///     +------+----------------
  /// RFC 4360; the upper bits of the type are flags.
  mutating func writeBGPExtendedCommunities(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 8), objects: "extended_communities")
    while let community = try next(&list) {
      let bytes = community.bytes
      let type = try bytes.u16(at: 0)
      if writesFields {
        fields.write("type", type, "type_name", extendedTypes)
        let held = beginHeldText()
        try writeExtended(type, bytes)
        fields.write("community", text: out, from: held.start)
        endHeldText(held)
      }
      write("\n\t    ", type, as: .named(extendedTypes, unknown: "unknown extd community typecode"))
      write(" (0x", type, as: .hex(4))
      out.write("), Flags [")
      write(extendedFlags, type)
      out.write("]: ")
      try writeExtended(type, bytes)
    }
  }

  private mutating func writeExtended(_ type: UInt16, _ bytes: PacketBytes) throws(DecodeError) {
    switch type {
    case 0x0002, 0x0003, 0x000a:
      out.write(decimal: try bytes.u16(at: 2))
      write(":", try bytes.u32(at: 4))
      out.write(" (= ")
      out.write(try bytes.ipv4(at: 4))
      out.write(")")
    case 0x0102, 0x0103, 0x010b:
      writeHost(try bytes.ipv4(at: 2))
      write(":", try bytes.u16(at: 6))
    case 0x0202, 0x0203:
      writeAS(try bytes.u32(at: 2))
      write(":", try bytes.u16(at: 6))
    case 0x0005, 0x0105, 0x0107, 0x0205, 0x8001, 0x8005: writeHost(try bytes.ipv4(at: 2))
    case 0x0009: write("AS ", try bytes.u16(at: 2))
    case 0x0306, 0x8000: try writeRouteType(bytes)
    case 0x030c: write("Tunnel type: ", try bytes.u16(at: 6), as: .named(tunnelTypes, unknown: "unknown encaps"))
    case 0x4004:
      writeBandwidth("bandwidth: ", try bytes.u32(at: 4))
    case 0x800a:
      write("", try bytes.u8(at: 2), as: .named(encapsulations, unknown: "unknown encaps"))
      write(" Control Flags [0x", try bytes.u8(at: 3), as: .hex(2))
      write("]:MTU ", try bytes.u16(at: 4))
    default: try writeHexOctets(try bytes.dropping(2), 6)
    }
  }

  /// 2 area (4)  6 route type (1)  7 1 for a type 2 metric (1); RFC 4577 section 4.2.6.
  private mutating func writeRouteType(_ bytes: PacketBytes) throws(DecodeError) {
    let type = try bytes.u8(at: 6)
    write("area:", try bytes.ipv4(at: 2))
    write(", router-type:", type, as: .named(routeTypes, unknown: .hex("unknown (0x", digits: 2, ")")))
    out.write(", metric-type:")
    if try bytes.u8(at: 7) & 1 == 1 {
      out.write("E2")
    } else if type == 5 || type == 7 {
      out.write("E1")
    }
  }

  // MARK: BGPsec

  ///     0        2
  ///     +--------+-----------------------------+------------------------
  ///     | length | segments: 0 pCount (1)      | one or two blocks of signatures
  ///     +--------+     1 flags (1)  2 AS (4) --+------------------------
  /// RFC 8205 section 3; the length includes itself.
  mutating func writeBGPSecurity(_ value: PacketBytes) throws(DecodeError) {
    let length = Int(try value.u16(at: 0))
    if length < 8 {
      out.write(" ")
      writeComparison("secure path length", length, .less, 8)
      return writeFault(" (invalid)")
    }
    write("\n\t    Secure Path Length: ", length)
    if (length &- 2) % 6 != 0 {
      write(" [total segments length ", length &- 2)
      return writeFault(" != N x 6] (invalid)")
    }
    var offset = 2
    while offset < length {
      try value.check(offset, 6)
      write("\n\t      Secure Path Segment: pCount: ", try value.u8(at: offset))
      let flags = try value.u8(at: offset &+ 1)
      out.write(", Flags: [")
      write(segmentFlags, flags)
      write("] (0x", flags, as: .hex(2))
      out.write("), AS: ")
      writeAS(try value.u32(at: offset &+ 2))
      offset &+= 6
    }
    while offset < value.length { offset &+= try writeSignatureBlock(try value.dropping(offset)) }
  }

  /// 0 length, including itself (2)  2 algorithm (1)  3 signatures: 0 subject key identifier (20)  20 length (2)  22 signature
  private mutating func writeSignatureBlock(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    let length = Int(try bytes.u16(at: 0))
    let algorithm = try bytes.u8(at: 2)
    write("\n\t    Signature Block: Length: ", length)
    write(", Algo ID: ", algorithm)
    try reject("length", length, .less, 3)
    var offset = 3
    while offset < length {
      out.write("\n\t      Signature Segment:\n\t        SKI: ")
      writeHex(try bytes.slice(at: offset, length: 20), indent: "\n\t          ")
      let size = Int(try bytes.u16(at: offset &+ 20))
      write("\n\t        Length: ", size)
      offset &+= 22
      let signature = try bytes.slice(at: offset, length: size)
      out.write("\n\t        Signature:")
      writeHex(signature, indent: "\n\t          ")
      offset &+= size
    }
    return length
  }
}

private let segmentFlags: FlagNames = [
  0x80: "Confed_Segment", 0x40: "MBZ-6", 0x20: "MBZ-5", 0x10: "MBZ-4", 0x08: "MBZ-3", 0x04: "MBZ-2", 0x02: "MBZ-1",
  0x01: "MBZ-0",
]
