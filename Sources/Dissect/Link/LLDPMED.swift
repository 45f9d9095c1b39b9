import PacketCore

private let subtypes: ValueNames = [
  1: "LLDP-MED Capabilities", 2: "Network policy", 3: "Location identification", 4: "Extended power-via-MDI",
  5: "Inventory - hardware revision", 6: "Inventory - firmware revision", 7: "Inventory - software revision",
  8: "Inventory - serial number", 9: "Inventory - manufacturer name", 10: "Inventory - model name",
  11: "Inventory - asset ID",
]
private let inventory: ValueNames = [
  5: "Hardware revision", 6: "Firmware revision", 7: "Software revision", 8: "Serial number",
  9: "Manufacturer name", 10: "Model name", 11: "Asset ID",
]
private let mediaCapabilities: FlagNames = [
  0x01: "LLDP-MED capabilities", 0x02: "network policy", 0x04: "location identification",
  0x08: "extended power via MDI-PSE", 0x10: "extended power via MDI-PD", 0x20: "Inventory",
]
private let deviceTypes: ValueNames = [
  1: "endpoint class 1", 2: "endpoint class 2", 3: "endpoint class 3", 4: "network connectivity",
]
private let applicationTypes: ValueNames = [
  1: "voice", 2: "voice signaling", 3: "guest voice", 4: "guest voice signaling", 5: "softphone voice",
  6: "video conferencing", 7: "streaming video", 8: "video signaling",
]
private let policyFlags: FlagNames = [0x8000: "Unknown", 0x4000: "Tagged", 0x2000: "reserved"]
private let powerSources: ValueNames = [
  1: "PSE - primary power source", 2: "local - backup power source", 3: "PSE+local - reserved",
]
private let powerPriorities: ValueNames = [1: "critical", 2: "high", 3: "low"]
private let locationFormats: ValueNames = [1: "coordinate-based LCI", 2: "civic address LCI", 3: "ECS ELIN"]
private let altitudeTypes: ValueNames = [1: "meters", 2: "floors"]
private let datums: ValueNames = [
  1: "World Geodesic System 1984", 2: "North American Datum 1983 (NAVD88)", 3: "North American Datum 1983 (MLLW)",
]
private let civicSubjects: ValueNames = [
  0: "location of DHCP server", 1: "location of the network element believed to be closest to the client",
  2: "location of the client",
]
private let civicTypes: ValueNames = [
  1: "national subdivisions (state,canton,region,province,prefecture)", 2: "county, parish, gun, district",
  3: "city, township, shi", 4: "city division, borough, city district, ward chou", 5: "neighborhood, block",
  6: "street",
]

extension Printer {
  /// The TLVs for media endpoints (ANSI/TIA-1057 section 10); false if the bytes are to be dumped.
  mutating func printLLDPMED(_ value: PacketBytes) throws(DecodeError) -> Bool {
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(subtypes, subtype)
    return try printMediaTLV(subtype, value)
  }

  private mutating func printMediaTLV(_ subtype: UInt8, _ value: PacketBytes) throws(DecodeError) -> Bool {
    switch subtype {
    case 1:
      guard value.length >= 7 else { return true }
      let capabilities = try value.u16(at: 4)
      let device = try value.u8(at: 6)
      if writesFields {
        fields.write("capabilities", capabilities)
        fields.write("device_type", device)
      }
      out.write("\n\t    Media capabilities [")
      write(mediaCapabilities, capabilities)
      write("] (0x", capabilities, as: .hex(4))
      write(")\n\t    Device type [", device, as: .named(deviceTypes, unknown: "unknown"))
      write("] (0x", device, as: .hex(2))
      out.write(")")
    case 2:
      guard value.length >= 8 else { return true }
      let application = try value.u8(at: 4)
      let policy = try value.u24(at: 5)
      if writesFields {
        fields.write("application_type", application)
        fields.write("unknown_policy", policy & 0x80_0000 != 0)
        fields.write("tagged", policy & 0x40_0000 != 0)
        fields.write("vlan_id", policy >> 9 & 0xfff)
        fields.write("priority", policy >> 6 & 7)
        fields.write("dscp", policy & 0x3f)
      }
      write("\n\t    Application type [", application, as: .named(applicationTypes, unknown: "none"))
      write("] (0x", application, as: .hex(2))
      out.write("), Flags [")
      write(policyFlags, policy >> 8)
      write("]\n\t    Vlan id ", policy >> 9 & 0x0fff)
      write(", L2 priority ", policy >> 6 & 7)
      write(", DSCP value ", policy & 0x3f)
    case 3: try printLocation(value)
    case 4:
      guard value.length >= 7 else { return true }
      let bits = try value.u8(at: 4)
      let power = try value.u16(at: 5)
      if writesFields {
        fields.write("power_type", bits >> 6)
        fields.write("power_source", bits >> 4 & 3)
        fields.write("power_priority", bits & 15)
        fields.write("power", power)
      }
      // The two lower bits, which belong to the priority, decide this text; the power type is in the upper two.
      out.write(bits & 3 != 0 ? "\n\t    Power type [PD device" : "\n\t    Power type [PSE device")
      write("], Power source [", bits >> 4 & 3, as: .named(powerSources, unknown: "none"))
      write("]\n\t    Power priority [", bits & 15, as: .named(powerPriorities, unknown: "none"))
      write("] (0x", bits & 15, as: .hex(2))
      write("), Power ", power / 10)
      write(".", power % 10)
      out.write(" Watts")
    case 5...11:
      write("\n\t  ", subtype, as: .named(inventory, unknown: ""))
      out.write(" ")
      let text = try value.dropping(4)
      if writesFields { fields.write("text", text: text) }
      try writeText(text, length: text.length)
    default: return false
    }
    return true
  }

  private mutating func printLocation(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 5 else { return }
    let format = try value.u8(at: 4)
    if writesFields { fields.write("location_format", format) }
    write("\n\t    Location data format ", format, as: .named(locationFormats, unknown: "unknown"))
    write(" (0x", format, as: .hex(2))
    out.write(")")
    switch format {
    case 1: try printCoordinates(value)
    case 2: try printCivicAddress(value)
    case 3:
      guard value.length > 5 else { return }
      out.write("\n\t    ECS ELIN id ")
      let text = try value.dropping(5)
      try writeText(text, length: text.length)
    default:
      out.write("\n\t    Location ID ")
      writeHex(try value.dropping(5), indent: "\n\t      ")
    }
  }

  /// RFC 6225 section 2.1: resolutions in bits, latitude and longitude as 34-bit numbers.
  private mutating func printCoordinates(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 21 else { return }
    try writeCoordinate("\n\t    Latitude resolution ", ", latitude value ", value, at: 5)
    try writeCoordinate("\n\t    Longitude resolution ", ", longitude value ", value, at: 10)
    let word = try value.u16(at: 15)
    let altitudeType = UInt8(word >> 12)
    write("\n\t    Altitude type ", altitudeType, as: .named(altitudeTypes, unknown: "unknown"))
    write(" (", altitudeType)
    write(")\n\t    Altitude resolution ", word >> 6 & 0x3f)
    out.write(", altitude value 0x")
    out.write(hex: UInt32(word & 0x3f) << 24 | (try value.u24(at: 17)))
    let datum = try value.u8(at: 20)
    write("\n\t    Datum ", datum, as: .named(datums, unknown: "unknown"))
    write(" (0x", datum, as: .hex(2))
    out.write(")")
  }

  private mutating func writeCoordinate(
    _ resolution: StaticString, _ title: StaticString, _ value: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    let first = try value.u8(at: offset)
    out.write(resolution)
    out.write(decimal: first >> 2)
    out.write(title)
    out.write(decimal: UInt64(first & 3) << 32 | UInt64(try value.u32(at: offset &+ 1)))
  }

  /// RFC 4776 section 3.1.
  private mutating func printCivicAddress(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 6 else { return }
    let length = Int(try value.u8(at: 5))
    guard length >= 7, value.length >= 7 &+ length else { return }
    let subject = try value.u8(at: 6)
    write("\n\t    LCI length ", length)
    write(", LCI what ", subject, as: .named(civicSubjects, unknown: "unknown"))
    write(" (0x", subject, as: .hex(2))
    out.write("), Country-code ")
    try writeText(try value.dropping(7), length: 2)
    // The length also counts the subject and the country code.
    var list = openList(value.withLength(6 &+ length), at: 9, OptionLayout())
    while let part = try next(&list) {
      write("\n\t      CA type '", part.type, as: .named(civicTypes, unknown: "unknown"))
      write("' (", part.type)
      write("), length ", part.length)
      out.write(": ")
      guard part.length > 0, !part.isTooLong else { return }
      try writeText(part.value, length: part.length)
    }
  }
}
