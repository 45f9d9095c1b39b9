import PacketCore

private let subtypes: ValueNames = [
  1: "MAC/PHY configuration/status", 2: "Power via MDI", 3: "Link aggregation", 4: "Max frame size",
]
private let negotiationFlags: FlagNames = [0x01: "supported", 0x02: "enabled"]
private let powerFlags: FlagNames = [0x01: "PSE", 0x02: "supported", 0x04: "enabled", 0x08: "can be controlled"]
private let powerPairs: ValueNames = [1: "signal", 2: "spare"]
private let powerClasses: ValueNames = [1: "class0", 2: "class1", 3: "class2", 4: "class3", 5: "class4"]
private let mediaCapabilities: FlagNames = [
  0x4000: "10BASE-T hdx", 0x2000: "10BASE-T fdx", 0x1000: "100BASE-T4", 0x0800: "100BASE-TX hdx",
  0x0400: "100BASE-TX fdx", 0x0200: "100BASE-T2 hdx", 0x0100: "100BASE-T2 fdx", 0x0080: "Pause for fdx links",
  0x0040: "Asym PAUSE for fdx", 0x0020: "Sym PAUSE for fdx", 0x0010: "Asym and Sym PAUSE for fdx",
  0x0008: "1000BASE-{X LX SX CX} hdx", 0x0004: "1000BASE-{X LX SX CX} fdx", 0x0002: "1000BASE-T hdx",
  0x0001: "1000BASE-T fdx",
]
/// Types of medium attachment units (RFC 4836, `dot3MauType`).
private let attachmentUnits: ValueNames = [
  0: "Unknown", 1: "AUI", 2: "10BASE_5", 3: "FOIRL", 4: "10BASE2", 5: "10BASET duplex mode unknown", 6: "10BASEFP",
  7: "10BASEFB", 8: "10BASEFL duplex mode unknown", 9: "10BROAD36", 10: "10BASET hdx", 11: "10BASET fdx",
  12: "10BASEFL hdx", 13: "10BASEFL fdx", 14: "100BASET4", 15: "100BASETX hdx", 16: "100BASETX fdx",
  17: "100BASEFX hdx", 18: "100BASEFX fdx", 19: "100BASET2 hdx", 20: "100BASET2 fdx", 21: "1000BASEX hdx",
  22: "1000BASEX fdx", 23: "1000BASELX hdx", 24: "1000BASELX fdx", 25: "1000BASESX hdx", 26: "1000BASESX fdx",
  27: "1000BASECX hdx", 28: "1000BASECX fdx", 29: "1000BASET hdx", 30: "1000BASET fdx", 31: "10GBASEX",
  32: "10GBASELX4", 33: "10GBASER", 34: "10GBASEER", 35: "10GBASELR", 36: "10GBASESR", 37: "10GBASEW",
  38: "10GBASEEW", 39: "10GBASELW", 40: "10GBASESW",
]

extension Printer {
  /// The TLVs of IEEE 802.3 (IEEE 802.3 section 79); false if the bytes are to be dumped.
  mutating func printLLDP8023(_ value: PacketBytes) throws(DecodeError) -> Bool {
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(subtypes, subtype)
    switch subtype {
    case 1:
      guard value.length >= 9 else { return true }
      let flags = try value.u8(at: 4)
      let capabilities = try value.u16(at: 5)
      let unit = try value.u16(at: 7)
      if writesFields {
        fields.write("supported", flags & 1 != 0)
        fields.write("enabled", flags & 2 != 0)
        fields.write("advertised", capabilities)
        fields.write("mau_type", unit)
      }
      out.write("\n\t    autonegotiation [")
      write(negotiationFlags, flags)
      write("] (0x", flags, as: .hex(2))
      out.write(")\n\t    PMD autoneg capability [")
      write(mediaCapabilities, capabilities, none: "unknown")
      write("] (0x", capabilities, as: .hex(4))
      write(")\n\t    MAU type ", unit, as: .named(attachmentUnits, unknown: "unknown"))
      write(" (0x", unit, as: .hex(4))
      out.write(")")
    case 2:
      guard value.length >= 7 else { return true }
      if writesFields {
        fields.write("power_support", try value.u8(at: 4))
        fields.write("power_pair", try value.u8(at: 5))
        fields.write("power_class", try value.u8(at: 6))
      }
      out.write("\n\t    MDI power support [")
      write(powerFlags, try value.u8(at: 4))
      write("], power pair ", try value.u8(at: 5), as: .named(powerPairs, unknown: "unknown"))
      write(", power class ", try value.u8(at: 6), as: .named(powerClasses, unknown: "unknown"))
    case 3: try writeAggregation(value)
    case 4:
      let size = try value.u16(at: 4)
      write("\n\t    MTU size ", "maximum_frame_size", size)
    default: return false
    }
    return true
  }

  /// Whether a port belongs to a trunk, and to which.
  mutating func writeAggregation(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 9 else { return }
    if writesFields {
      fields.write("aggregation_status", try value.u8(at: 4))
      fields.write("aggregation_port_id", try value.u32(at: 5))
    }
    out.write("\n\t    aggregation status [")
    write(negotiationFlags, try value.u8(at: 4))
    write("], aggregation port ID ", try value.u32(at: 5))
  }
}
