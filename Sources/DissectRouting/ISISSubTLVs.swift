import Dissect
import PacketCore

/// Members of a sub-TLV.
let isisSubTLVFields = [
  Field("type", .uint8, "Type.", always: true),
  Field("name", .text, "Name of the type."),
  Field("length", .uint8, "Bytes of the value.", always: true),
  Field("address", .ip, "Address of a link's end."),
  Field("sid", .uint32, "Label or index of a segment."),
  Field("data", .hex, "Value."),
]

/// The kind of entry that sub-TLVs describe: each kind numbers its types on its own.
enum SubTLVOwner {
  case neighbor, prefix

  fileprivate var names: ValueNames {
    switch self {
    case .neighbor: neighborNames
    case .prefix: prefixNames
    }
  }
}

/// RFC 5305 section 3, RFC 5307 section 1, RFC 4124, RFC 5029, RFC 8667, RFC 6329.
private let neighborNames: ValueNames = [
  3: "Administrative groups", 4: "Link Local/Remote Identifier", 5: "Link Remote Identifier",
  6: "IPv4 interface address", 8: "IPv4 neighbor address", 9: "Maximum link bandwidth",
  10: "Reservable link bandwidth", 11: "Unreserved bandwidth", 12: "Bandwidth Constraints (old)",
  18: "Traffic Engineering Metric", 19: "Link Attribute", 20: "Link Protection Type",
  21: "Interface Switching Capability", 22: "Bandwidth Constraints", 29: "SPB Metric",
  32: "LAN Adjacency Segment Identifier", 250: "Reserved for cisco specific extensions",
  251: "Reserved for cisco specific extensions", 252: "Reserved for cisco specific extensions",
  253: "Reserved for cisco specific extensions", 254: "Reserved for cisco specific extensions",
  255: "Reserved for future expansion",
]

/// RFC 5130, RFC 8667.
private let prefixNames: ValueNames = [
  1: "32-Bit Administrative tag", 2: "64-Bit Administrative tag", 3: "Prefix SID", 117: "Management Prefix Color",
]

private let linkAttributes: FlagNames = [
  0x01: "Local Protection Available", 0x02: "Link excluded from local protection path",
  0x04: "Local maintenance required",
]
/// RFC 8667 section 2.1 and 2.2.
private let prefixSegmentFlags: FlagNames = [
  0x80: "Readvertisement", 0x40: "Node", 0x20: "No-PHP", 0x10: "Explicit NULL", 0x08: "Value", 0x04: "Local",
]
private let adjacencySegmentFlags: FlagNames = [
  0x80: "Address family IPv6", 0x40: "Backup", 0x20: "Value", 0x10: "Local significance", 0x08: "Set of adjacencies",
  0x04: "Persistent",
]
private let algorithms: ValueNames = [0: "SPF", 1: "strict-SPF"]
/// The segment is identified by a label, not by an index into a block of labels.
private let isLabel: UInt8 = 0x0c

private let lineIndent: StaticString = "\n\t        "

extension Printer {
  /// Prints the sub-TLVs from `start` of an entry on. The entry states that they take `stated` bytes; the length of `entry` is what is left
  /// of the TLV. Returns the length of the entry, from which the next one is found: more than is left if its lengths are impossible; nil if
  /// the TLV ends here.
  mutating func printSubTLVs(
    _ entry: PacketBytes, at start: Int, stated: Int, _ owner: SubTLVOwner
  ) throws(DecodeError) -> Int? {
    let rest = try entry.dropping(start)
    var left = rest.length
    var list = openList(rest.clamped(to: stated), OptionLayout(shortHeader: .endsList), objects: "sub_tlvs")
    while let option = try next(&list) {
      if writesFields {
        fields.write("type", option.type, "name", owner.names)
        fields.write("length", option.length)
      }
      write(lineIndent, option.type, as: .named(owner.names, unknown: "unknown"))
      write(" subTLV #", option.type)
      write(", length: ", option.length)
      left &-= 2
      if option.isTooLong {
        if option.length > stated &- (rest.length &- left) {
          writeFault(" (remaining data in subTLVs shorter than the current subTLV)")
          return start &+ stated
        }
        writeFault(" (> remaining tlv length)")
        // Both headers are counted twice.
        return entry.length &+ 4
      }
      left &-= option.length
      try print(option.type, option.value, owner)
    }
    if left < 2, stated > rest.length {
      if left < stated &- (rest.length &- left) {
        out.write(lineIndent)
        writeFault("Remaining data in TLV shorter than a subTLV header")
        return nil
      }
    } else if list.remaining > 0 {
      out.write(lineIndent)
      writeFault("Remaining data in subTLVs shorter than a subTLV header")
    }
    return start &+ stated
  }

  private mutating func print(
    _ type: UInt32, _ value: PacketBytes, _ owner: SubTLVOwner
  ) throws(DecodeError) {
    try value.check(0, value.length)
    if writesFields { fields.write("data", hex: value) }
    let isKnown =
      switch owner {
      case .neighbor: try printNeighborSubTLV(type, value)
      case .prefix: try printPrefixSubTLV(type, value)
      }
    if !isKnown, value.length > 0 { writeHex(value, indent: "\n\t\t    ") }
  }

  /// Prints the value of a neighbor's sub-TLV; false if its type is unknown.
  private mutating func printNeighborSubTLV(_ type: UInt32, _ value: PacketBytes) throws(DecodeError) -> Bool {
    let length = value.length
    switch type {
    case 3: if length >= 4 { write(", 0x", try value.u32(at: 0), as: .hex(8)) }
    case 4, 5:
      if length >= 4 {
        write(", 0x", try value.u32(at: 0), as: .hex(8))
        if length == 8 { write(", 0x", try value.u32(at: 4), as: .hex(8)) }
      }
    case 6, 8: if length >= 4 { write(", ", "address", try value.ipv4(at: 0)) }
    case 9, 10: if length >= 4 { writeBandwidth(", ", try value.u32(at: 0)) }
    case 11:
      if length >= 32 {
        for index in 0..<8 {
          write("\n\t          TE-Class ", index)
          writeBandwidth(": ", try value.u32(at: 4 &* index))
        }
      }
    case 12, 22: if length > 0 { try printBandwidthConstraints(value) }
    case 18: if length >= 3 { write(", ", try value.u24(at: 0)) }
    case 19:
      if length == 2 {
        let attributes = try value.u16(at: 0)
        out.write(", [ ")
        write(linkAttributes, attributes, none: "Unknown")
        write(" ] (0x", attributes, as: .hex(4))
        out.write(")")
      }
    case 20:
      if length >= 2 {
        out.write(", ")
        write(GMPLS.linkProtections, try value.u8(at: 0))
        write(", Priority ", try value.u8(at: 1))
      }
    case 21: if length >= 36 { try printSwitchingCapability(value) }
    case 29:
      if length >= 6 {
        write(", LM: ", try value.u24(at: 0))
        write(", P: ", try value.u8(at: 3))
        write(", P-ID: ", try value.u16(at: 4))
      }
    case 32: if length >= 8 { try printAdjacencySegment(value) }
    default: return false
    }
    return true
  }

  ///     0 switching capability  1 encoding  2 reserved  4 bandwidth of eight priorities  36 by capability     RFC 5307 section 1.3
  private mutating func printSwitchingCapability(_ value: PacketBytes) throws(DecodeError) {
    write(
      "\n\t          Interface Switching Capability:", try value.u8(at: 0),
      as: .named(GMPLS.switchingTypes, unknown: "Unknown"))
    write(", LSP Encoding: ", try value.u8(at: 1), as: .named(GMPLS.encodings, unknown: "Unknown"))
    out.write("\n\t          Max LSP Bandwidth:")
    for index in 0..<8 {
      write("\n\t            priority level ", index)
      writeBandwidth(": ", try value.u32(at: 4 &+ 4 &* index))
    }
    if value.length > 36 { writeHex(try value.dropping(36), indent: "\n\t\t    ") }
  }

  /// RFC 4124 section 5.1: the model, then the bandwidth of each class.
  private mutating func printBandwidthConstraints(_ value: PacketBytes) throws(DecodeError) {
    let model = try value.u8(at: 0)
    write(
      "\n\t        Bandwidth Constraints Model ID: ", model, as: .named(GMPLS.bandwidthModels, unknown: "unknown"))
    write(" (", model)
    out.write(")")
    var list = openList(value, at: 1, .elements(of: 4))
    var number = 0
    while number < 8, let element = try next(&list) {
      write("\n\t          Bandwidth constraint CT", number)
      writeBandwidth(": ", try element.bytes.u32(at: 0))
      number &+= 1
    }
  }

  ///     0 flags  1 weight  2 neighbor (6)  8 label (3) or index (4)                RFC 8667 section 2.2.2
  private mutating func printAdjacencySegment(_ value: PacketBytes) throws(DecodeError) {
    let flags = try value.u8(at: 0)
    out.write("\n\t          Flags: [")
    write(adjacencySegmentFlags, flags)
    write("]\n\t          Weight: ", try value.u8(at: 1))
    out.write("\n\t          Neighbor System-ID: ")
    try writeSystemID(try value.slice(at: 2, length: 6))
    // The two label flags are four bits higher in this sub-TLV than in that of a prefix.
    if flags & 0x30 == 0x30 {
      write("\n\t          Label: ", "sid", try value.u24(at: 8))
    } else {
      write("\n\t          Index: ", "sid", try value.u32(at: 8))
    }
  }

  /// Prints the value of a prefix's sub-TLV; false if its type is unknown.
  private mutating func printPrefixSubTLV(_ type: UInt32, _ value: PacketBytes) throws(DecodeError) -> Bool {
    switch type {
    case 1, 117:
      var list = openList(value, .elements(of: 4))
      while let element = try next(&list) {
        let tag = try element.bytes.u32(at: 0)
        write(", 0x", tag, as: .hex(8))
        write(" (=", tag)
        out.write(")")
      }
    case 2:
      var list = openList(value, .elements(of: 8))
      while let element = try next(&list) { write(", 0x", try element.bytes.u64(at: 0), as: .hex(16)) }
    case 3:
      let flags = try value.u8(at: 0)
      let algorithm = try value.u8(at: 1)
      let sid = flags & isLabel == isLabel ? try value.u24(at: 2) : try value.u32(at: 2)
      out.write(", Flags [")
      write(prefixSegmentFlags, flags, none: "None")
      write("], Algo ", algorithm, as: .named(algorithms, unknown: "Unknown"))
      write(" (", algorithm)
      out.write(flags & isLabel == isLabel ? "), label " : "), index ")
      write("", "sid", sid)
    default: return false
    }
    return true
  }
}
