import Dissect
import PacketCore

/// Topologies and capabilities of IS-IS.

/// Topologies (RFC 5120 section 7.5).
private func topologyName(_ topology: UInt16) -> StaticString {
  switch topology {
  case 0: "IPv4 unicast"
  case 1: "In-Band Management"
  case 2: "IPv6 unicast"
  case 3: "Multicast"
  case 0xfff: "Development, Experimental or Proprietary"
  default: "Reserved for IETF Consensus"
  }
}

private let topologyFlags: FlagNames = [0x4000: "ATT bit set", 0x8000: "Overload bit set"]
private let capabilityFlags: FlagNames = [0x01: "S bit", 0x02: "D bit"]
private let capabilityNames: ValueNames = [2: "SR-Capabilities"]
private let segmentRoutingFlags: FlagNames = [0x80: "ipv4", 0x40: "ipv6"]
/// IEEE 802.1aq section 28.12.
private let portCapabilityNames: ValueNames = [4: "SPB MCID", 5: "SPB Digest", 6: "SPB BVID"]
private let topologyCapabilityNames: ValueNames = [
  1: "SPB Instance", 3: "SPBM Service Identifier and Unicast Address",
]

extension Printer {
  /// Prints the topology at the start of a value; returns the rest of the value.
  @_lifetime(copy value)
  mutating func printTopology(_ value: PacketBytes) throws(DecodeError) -> PacketBytes {
    let topology = try value.u16(at: 0)
    if writesFields { fields.write("mt_id", topology & 0xfff) }
    writeTopology(topology)
    return try value.dropping(2)
  }

  private mutating func writeTopology(_ topology: UInt16) {
    out.write("\n\t      ")
    out.write(topologyName(topology & 0xfff))
    write(" Topology (0x", topology & 0xfff, as: .hex(3))
    out.write("), Flags: [")
    write(topologyFlags, topology)
    out.write("]")
  }

  mutating func printTopologies(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 2), array: "topologies")
    while let element = try next(&list) {
      let topology = try element.bytes.u16(at: 0)
      if writesFields { fields.element(topology) }
      writeTopology(topology)
    }
    if list.remaining > 0 {
      out.write("\n\t      ")
      writeFault("invalid MT-ID")
    }
  }

  ///     0 router identifier  4 flags  5 sub-TLVs                       RFC 7981 section 2
  mutating func printCapability(_ value: PacketBytes) throws(DecodeError) {
    try reject("object length", value.length, .less, 5)
    let flags = try value.u8(at: 4)
    write("\n\t      Router-ID ", "router_id", try value.ipv4(at: 0))
    out.write(", Flags [")
    write(capabilityFlags, flags)
    out.write("]")
    var list = openList(value, at: 5, OptionLayout(shortHeader: .endsList), objects: "sub_tlvs")
    while let option = try next(&list) {
      if writesFields {
        fields.write("type", option.type, "name", capabilityNames)
        fields.write("length", option.length)
      }
      write("\n\t\t", option.type, as: .named(capabilityNames, unknown: "unknown"))
      write(" subTLV #", option.type)
      write(", length: ", option.length)
      if option.isTooLong { continue }
      let data = try option.wholeValue()
      if writesFields { fields.write("data", hex: data) }
      if option.type == 2 {
        try printSegmentRouting(data)
      } else {
        writeHex(data, indent: "\n\t\t")
      }
    }
  }

  ///     0 flags  1 range (3)  4 type 1, length, label (3) or index (4) of the start of the range     RFC 8667 section 3.1
  private mutating func printSegmentRouting(_ value: PacketBytes) throws(DecodeError) {
    let flags = try value.u8(at: 0)
    let range = try value.u24(at: 1)
    out.write(", Flags [")
    write(segmentRoutingFlags, flags, none: "None")
    write("], Range ", range)
    var list = openList(value, at: 4, OptionLayout(shortHeader: .endsList))
    while let option = try next(&list) {
      if option.isTooLong { continue }
      let sid = try option.wholeValue()
      switch (option.type, sid.length) {
      case (1, 3): write(", SID value ", "sid", try sid.u24(at: 0))
      case (1, 4): write(", SID value ", "sid", try sid.u32(at: 0))
      default: writeHex(sid, indent: "\n\t\t  ")
      }
    }
  }

  /// IEEE 802.1aq section 28.12: a topology, and sub-TLVs.
  mutating func printPortCapability(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 2 else { return }
    let topology = try value.u16(at: 0)
    if writesFields { fields.write("mt_id", topology & 0xfff) }
    write("\n\t       RES: ", topology >> 12)
    write(", MTID(s): ", topology & 0xfff)
    try printBridgeSubTLVs(value, portCapabilityNames, title: "\n\t       ") {
      (type, value, printer) throws(DecodeError) in
      switch type {
      case 4: try printer.printConfigurationIdentifiers(value)
      case 5: try printer.printDigest(value)
      default: try printer.printBackboneVLANs(value)
      }
    }
  }

  /// IEEE 802.1aq section 28.12: a topology, and sub-TLVs.
  mutating func printTopologyCapability(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 2 else { return }
    let topology = try value.u16(at: 0)
    if writesFields { fields.write("mt_id", topology & 0xfff) }
    write("\n\t      O: ", topology >> 15)
    write(", RES: ", topology >> 12 & 7)
    write(", MTID(s): ", topology & 0xfff)
    try printBridgeSubTLVs(value, topologyCapabilityNames, title: "\n\t      ") {
      (type, value, printer) throws(DecodeError) in
      if type == 1 { try printer.printInstanceOfTrees(value) } else { try printer.printServices(value) }
    }
  }

  private mutating func printBridgeSubTLVs(
    _ value: PacketBytes, _ names: ValueNames, title: StaticString,
    _ print: (UInt32, PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    // Two bytes at the end, which could be a header without a value, are not read.
    var list = openList(value, at: 2, OptionLayout(needed: 3, shortHeader: .endsList), objects: "sub_tlvs")
    while let option = try next(&list) {
      if writesFields {
        fields.write("type", option.type, "name", names)
        fields.write("length", option.length)
      }
      write(title, option.type, as: .named(names, unknown: "unknown"))
      write(" subTLV #", option.type)
      write(", length: ", option.length)
      if option.isTooLong {
        writeFault(" (> containing TLV length)")
        continue
      }
      if names[option.type] == nil { continue }
      let data = option.value
      if writesFields { fields.write("data", hex: data) }
      do throws(DecodeError) {
        try data.check(0, data.length)
        try print(option.type, data, &self)
      } catch {
        // In both cases the sub-TLVs end here, and the next TLV follows.
        if error == .truncated { writeTruncation() } else { writeFault(" (too short)") }
        stop(&list)
        return
      }
    }
  }

  /// `MCID: ID: 0, Name: …` and `Lvl: 0, Digest: …`: the configuration of spanning trees, and an auxiliary one, 51 bytes each.
  private mutating func printConfigurationIdentifiers(_ value: PacketBytes) throws(DecodeError) {
    if value.length < 102 { throw .invalid }
    for index in 0..<2 {
      let identifier = try value.slice(at: 51 &* index, length: 51)
      write(index == 0 ? "\n\t         MCID: ID: " : "\n\t         AUX-MCID: ID: ", try identifier.u8(at: 0))
      out.write(", Name: ")
      try writeTextToNUL(try identifier.slice(at: 1, length: 32))
      write("\n\t              Lvl: ", try identifier.u16(at: 33))
      out.write(", Digest: ")
      for offset in 35..<51 {
        out.write(hex: try identifier.u8(at: offset), width: 2)
        out.write(" ")
      }
    }
  }

  ///     0 reserved, V (1), A (2), D (2)  1 agreement digest (32)
  private mutating func printDigest(_ value: PacketBytes) throws(DecodeError) {
    if value.length < 33 { throw .invalid }
    let flags = try value.u8(at: 0)
    write("\n\t        RES: ", flags >> 5)
    write(" V: ", flags >> 4 & 1)
    write(" A: ", flags >> 2 & 3)
    write(" D: ", flags & 3)
    for line in 0..<2 {
      out.write(line == 0 ? "\n\t         Digest: " : "\n\t                 ")
      for word in 0..<4 {
        write("", try value.u32(at: 1 &+ 16 &* line &+ 4 &* word), as: .hex(8))
        out.write(" ")
      }
    }
  }

  ///     0 algorithm of equal cost trees (4)  4 VLAN (12 bits), use, mode, reserved (2)
  private mutating func printBackboneVLANs(_ value: PacketBytes) throws(DecodeError) {
    if value.length < 6 { throw .invalid }
    var offset = 0
    while offset < value.length {
      let left = value.length &- offset
      if left < 4 { throw .invalid }
      write("\n\t           ECT: ", try value.u32(at: offset), as: .hex(8))
      if left < 6 { throw .invalid }
      let vlan = try value.u16(at: offset &+ 4)
      write(" BVID: ", vlan >> 4)
      write(", U:", vlan >> 3 & 1)
      write(" M:", vlan >> 2 & 1)
      out.write(" ")
      offset &+= 6
    }
  }

  ///     0 root (8)  8 path cost (4)  12 priority (2)  14 reserved (11 bits), V, source (20 bits)  18 trees  19 eight bytes for each
  private mutating func printInstanceOfTrees(_ value: PacketBytes) throws(DecodeError) {
    if value.length < 19 { throw .invalid }
    let trees = try value.u8(at: 18)
    write("\n\t        CIST Root-ID: ", try value.u32(at: 0), as: .hex(8))
    write(" ", try value.u32(at: 4), as: .hex(8))
    write(", Path Cost: ", try value.u32(at: 8), as: .hex(8))
    write(", Prio: ", try value.u16(at: 12))
    let source = try value.u32(at: 14)
    write("\n\t        RES: ", source >> 21)
    write(", V: ", source >> 20 & 1)
    write(", SPSource-ID: ", source & 0xfffff)
    write(", No of Trees: ", trees)
    for index in 0..<Int(trees) {
      let tree = try value.slice(at: 19 &+ 8 &* index, length: 8)
      let flags = try tree.u8(at: 0)
      write("\n\t         U:", flags >> 7)
      write(", M:", flags >> 6 & 1)
      write(", A:", flags >> 5 & 1)
      write(", RES:", flags & 31)
      write(", ECT: ", try tree.u32(at: 1), as: .hex(8))
      let vlans = try tree.u24(at: 5)
      write(", BVID: ", vlans >> 12)
      write(", SPVID: ", vlans & 0xfff)
    }
  }

  ///     0 backbone MAC address (6)  6 reserved (4 bits), VLAN (12)  8 services of four bytes: T, R, reserved (6), I-SID (24)
  private mutating func printServices(_ value: PacketBytes) throws(DecodeError) {
    try value.check(0, 8)
    out.write("\n\t        BMAC: ")
    try writeHexOctets(value, 6)
    let vlan = try value.u16(at: 6)
    write(", RES: ", vlan >> 12)
    write(", VID: ", vlan & 0xfff)
    var list = openList(value, at: 8, .elements(of: 4))
    while let element = try next(&list) {
      let service = try element.bytes.u32(at: 0)
      write("\n\t        T: ", service >> 31)
      write(", R: ", service >> 30 & 1)
      write(", RES: ", service >> 24 & 0x3f)
      write(", ISID: ", service & 0xffffff)
    }
  }
}
