import Dissect
import PacketCore

/// Labels and routes of RSVP, and the objects of generalized MPLS.

private let labelSetActions: ValueNames = [
  0: "Inclusive list", 1: "Exclusive list", 2: "Inclusive range", 3: "Exclusive range",
]
private let hopTypes: ValueNames = [
  0: "Reserved", 1: "IPv4 prefix", 2: "IPv6 prefix", 3: "Label", 32: "Autonomous system number",
  64: "MPLS label switched path termination",
]
private let hopFlags: FlagNames = [
  0x01: "Local protection available", 0x02: "Local protection in use", 0x04: "Bandwidth protection",
  0x08: "Node protection",
]
private let labelFlags: FlagNames = [0x01: "Global"]
private let uniTypes: ValueNames = [
  1: "Source TNA address", 2: "Destination TNA address", 3: "Diversity", 4: "Egress label", 5: "Service level",
]

extension Printer {
  mutating func printRSVPRouteObject(
    _ classNumber: UInt8, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    switch classNumber {
    case RSVPClass.label, RSVPClass.recoveryLabel, RSVPClass.upstreamLabel, RSVPClass.suggestedLabel:
      try printLabels(type, value, indent)
    case RSVPClass.labelRequest: try printLabelRequest(type, value, indent)
    case RSVPClass.labelSet: type == 1 ? try printLabelSet(value, indent) : .isDumped
    case RSVPClass.explicitRoute, RSVPClass.recordRoute: type == 1 ? try printRoute(value, indent) : .isDumped
    case RSVPClass.generalizedUNI: type == 1 ? try printGeneralizedUNI(value, indent) : .isDumped
    default: .isDumped
    }
  }

  /// RFC 3209 section 4.1, RFC 3473 section 2.3 and 2.4.
  private mutating func printLabels(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    switch type {
    case 1:
      var list = openList(value, .elements(of: 4), array: "labels")
      while let element = try next(&list) {
        out.write(indent.value)
        writeElement("Label: ", try element.bytes.u32(at: 0))
      }
    case 2:
      if value.length < 4 { return .tooShort }
      if writesFields { fields.beginArray("labels") }
      out.write(indent.value)
      writeElement("Generalized Label: ", try value.u32(at: 0))
      if writesFields { fields.end() }
    case 3:
      if value.length < 12 { return .tooShort }
      out.write(indent.value)
      write("Waveband ID: ", try value.u32(at: 0))
      out.write(indent.value)
      write("Start Label: ", try value.u32(at: 4))
      write(", Stop Label: ", try value.u32(at: 8))
    default: return .isDumped
    }
    return .read
  }

  ///     0 reserved (2)  2 protocol; 4 range of labels    RFC 3209 section 4.2
  ///     0 encoding  1 switching type  2 payload          RFC 3473 section 2.1
  private mutating func printLabelRequest(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    if value.length < 4 { return (1...4).contains(type) ? .tooShort : .isDumped }
    if type == 4 {
      let encoding = try value.u8(at: 0)
      let switching = try value.u8(at: 1)
      let payload = try value.u16(at: 2)
      out.write(indent.value)
      write("LSP Encoding Type: ", encoding, as: .named(GMPLS.encodings, unknown: "Unknown"))
      write(" (", encoding)
      out.write(")")
      out.write(indent.value)
      write("Switching Type: ", switching, as: .named(GMPLS.switchingTypes, unknown: "Unknown"))
      write(" (", switching)
      write("), Payload ID: ", payload, as: .named(GMPLS.payloads, unknown: "Unknown"))
      write(" (0x", payload, as: .hex(4))
      out.write(")")
      return .read
    }
    guard (1...3).contains(type) else { return .isDumped }
    let payload = try value.u16(at: 2)
    if type > 1, value.length < 12 { return .tooShort }
    out.write(indent.value)
    write(
      "L3 Protocol ID: ", payload,
      as: .named(EtherTypes<UInt16>.names, unknown: .hex("Unknown Protocol (0x", digits: 4, ")")))
    switch type {
    case 2:
      // A bit of the lower limit says whether virtual connections can be merged.
      out.write(try value.u16(at: 4) & 0x8000 != 0 ? ",no merge capability" : ", merge capability")
      writeRange("Minimum VPI/VCI: ", try value.u16(at: 4) & 0xfff, try value.u16(at: 6) & 0xfff, indent)
      writeRange("Maximum VPI/VCI: ", try value.u16(at: 8) & 0xfff, try value.u16(at: 10) & 0xfff, indent)
    case 3:
      let lower = try value.u32(at: 4)
      let upper = try value.u32(at: 8)
      out.write(indent.value)
      write("Minimum/Maximum DLCI: ", lower & 0x7fffff)
      write("/", upper & 0x7fffff)
      switch lower >> 23 & 3 {
      case 0: out.write(", 10 bit DLCI")
      case 2: out.write(", 23 bit DLCI")
      default: out.write(",  bit DLCI")
      }
    default: break
    }
    return .read
  }

  private mutating func writeRange(
    _ title: StaticString, _ path: UInt16, _ channel: UInt16, _ indent: RSVPIndent
  ) {
    out.write(indent.value)
    write(title, path)
    write("/", channel)
  }

  ///     0 action  1 reserved (9 bits), label type (14)  4 subchannels (4 each)      RFC 3473 section 2.6
  private mutating func printLabelSet(
    _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    if value.length < 4 { return .tooShort }
    let action = try value.u8(at: 0)
    out.write(indent.value)
    write("Action: ", action, as: .named(labelSetActions, unknown: "Unknown"))
    write(" (", action)
    write("), Label type: ", try value.u24(at: 1) & 0x3fff)
    if action == 2 || action == 3 {
      if value.length < 12 { return .tooShort }
      out.write(indent.value)
      write("Start range: ", try value.u32(at: 4))
      write(", End range: ", try value.u32(at: 8))
      return .read
    }
    var list = openList(value, at: 4, .elements(of: 4), array: "labels")
    var number = 1
    while let element = try next(&list) {
      out.write(indent.value)
      write("Subchannel #", number)
      writeElement(": ", try element.bytes.u32(at: 0))
      number &+= 1
    }
    return .read
  }

  ///     0 loose (1), type (7)  1 length  2 by type       RFC 3209 section 4.3 and 4.4
  private mutating func printRoute(
    _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    var list = openList(value, OptionLayout(countsHeader: true, shortHeader: .endsList), objects: "route_hops")
    while let hop = try next(&list) {
      let type = hop.type & 0x7f
      let isLoose = hop.type & 0x80 != 0
      if writesFields {
        fields.write("type", type, "type_name", hopTypes)
        fields.write("is_loose", isLoose)
      }
      out.write(indent.value)
      write("Subobject Type: ", type, as: .named(hopTypes, unknown: .decimal("Unknown ")))
      write(", length ", hop.length)
      if hop.length == 0 {
        out.write(indent.value)
        writeFault("ERROR: zero length ERO subtype")
        break
      }
      if hop.isTooLong {
        out.write(indent.value)
        writeFault("ERROR: ERO subobject length > object length")
        break
      }
      if type == 1 || type == 3 { try printHopValue(type, isLoose: isLoose, hop.bytes, size: hop.length) }
    }
    // If the list ended early, its objects are still open.
    stop(&list)
    return .read
  }

  private mutating func printHopValue(
    _ type: UInt32, isLoose: Bool, _ hop: PacketBytes, size: Int
  ) throws(DecodeError) {
    guard size == 8 else { return writeFault(" ERROR: length != 8 (invalid)") }
    if type == 1 {
      let bits = try hop.u8(at: 6)
      let address = try hop.ipv4(at: 2)
      if bits != 32 {
        writeFault(" ERROR: Prefix length ")
        out.write(decimal: bits)
        return out.write(" != 32 (invalid)")
      }
      out.write(isLoose ? ", Loose" : ", Strict")
      write(", ", "address", address)
      write("/", "prefix_length", bits)
      out.write(", Flags: [")
      write(hopFlags, try hop.u8(at: 7))
      out.write("]")
      return
    }
    let flags = try hop.u8(at: 2)
    let classType = try hop.u8(at: 3)
    out.write(", Flags: [")
    write(labelFlags, flags)
    out.write(flags == 0 ? "] (0" : "] (0x")
    if flags != 0 { out.write(hex: flags) }
    out.write("), Class-Type: ")
    out.write(RSVPClass.typeName(RSVPClass.recordRoute, classType) ?? "Unknown")
    write(" (", classType)
    write("), ", "label", try hop.u32(at: 4))
  }

  ///     0 length (2)  2 type  3 address family  4 by type        OIF-UNI-01.0 section 12.5
  private mutating func printGeneralizedUNI(
    _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    var offset = 0
    while value.length &- offset >= 4 {
      let rest = try value.dropping(offset)
      let length = Int(try rest.u16(at: 0))
      let type = try rest.u8(at: 2)
      let family = UInt16(try rest.u8(at: 3))
      out.write(indent.value)
      write("Subobject Type: ", type, as: .named(uniTypes, unknown: "Unknown"))
      write(" (", type)
      write("), AF: ", family, as: .named(AddressFamily.names, unknown: "Unknown"))
      write(" (", family)
      write("), length: ", length)
      // Each sub-object advances by at least four bytes.
      if length < 4 || length > rest.length {
        writeFault(" (invalid)")
        return .isInvalid
      }
      if try !printUNIValue(type, family, try rest.slice(at: 0, length: length), indent) {
        out.write(indent.object)
        writeFault("ERROR: sub-object is too short")
        return .isInvalid
      }
      offset &+= length
    }
    return .read
  }

  /// False if a sub-object is too short.
  private mutating func printUNIValue(
    _ type: UInt8, _ family: UInt16, _ part: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> Bool {
    switch (type, family) {
    case (1...2, AddressFamily.ipv4):
      if part.length < 8 { return false }
      out.write(indent.list)
      write("UNI IPv4 TNA address: ", try part.ipv4(at: 4))
    case (1...2, AddressFamily.ipv6):
      if part.length < 20 { return false }
      out.write(indent.list)
      write("UNI IPv6 TNA address: ", try part.ipv6(at: 4))
    case (4, _):
      ///     4 upstream (1), reserved (7), label type (16)…  8 port  12 label
      if part.length < 16 { return false }
      out.write(indent.list)
      write("U-bit: ", try part.u32(at: 4) >> 31)
      write(", Label type: ", try part.u32(at: 4) & 0xff)
      write(", Logical port id: ", try part.u32(at: 8))
      write(", Label: ", try part.u32(at: 12))
    case (5, _):
      if part.length < 5 { return false }
      out.write(indent.list)
      write("Service level: ", try part.u8(at: 4))
    default: writeHex(part, indent: indent.value)
    }
    return true
  }
}
