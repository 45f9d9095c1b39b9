import Dissect
import PacketCore

/// Addresses that leave the choice to the user or to the access server (RFC 2865 sections 5.8 and 5.14).
@Sendable
func printSelectableAddress(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let number = try printer.number(value)
  let address = IPv4Address(rawValue: number)
  if printer.writesFields { printer.fields.write("address", address) }
  switch number {
  case 0xffff_ffff: printer.out.write("User Selected")
  case 0xffff_fffe: printer.out.write("NAS Select")
  default: printer.writeHost(address)
  }
}

/// Enterprise numbers (IANA) of vendors whose attributes occur in practice.
private let vendors: ValueNames = [
  0: "IETF (reserved)", 5: "ACC", 9: "Cisco", 42: "Sun Microsystems", 166: "Shiva", 307: "Livingston", 311: "Microsoft",
  429: "3Com", 529: "Ascend", 1584: "Bay", 2334: "Foundry", 2352: "RedBack", 2636: "Juniper Networks",
  3561: "The Broadband Forum", 5535: "3rd Generation Partnership Project 2 (3GPP2)", 8164: "Starent Networks",
  10415: "3GPP", 12356: "Fortinet",
]

/// An enterprise number, and the vendor's own attributes (RFC 2865 section 5.26).
@Sendable
func printVendorSpecific(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 4)
  let vendor = try value.u32(at: 0)
  if printer.writesFields { printer.fields.write("vendor", vendor, "vendor_name", vendors) }
  printer.write("Vendor: ", vendor, as: .named(vendors, unknown: "Unknown"))
  printer.write(" (", vendor)
  printer.out.write(")")
  // A single byte left over is not an attribute.
  let layout = OptionLayout(countsHeader: true, shortHeader: .endsList)
  var list = printer.openList(try value.dropping(4), layout, array: "vendor_attributes")
  while let attribute = try printer.next(&list) {
    printer.write("\n\t    Vendor Attribute: ", attribute.type)
    if attribute.isTooShort {
      printer.write(", Length: ", attribute.length)
      printer.writeFault(" (bogus, must be >= 2)")
    } else if attribute.isTooLong {
      printer.write(", Length: ", attribute.length)
      printer.writeFault(" (bogus, goes past end of vendor-specific attribute)")
    } else {
      printer.write(", Length: ", attribute.value.length)
      printer.out.write(", Value: ")
      try printer.writePrintable(attribute.value)
      if printer.writesFields {
        let value = try attribute.wholeValue()
        printer.fields.beginObject()
        printer.fields.write("type", attribute.type)
        printer.fields.write("data", hex: value)
      }
    }
  }
}

/// Seconds since 1970 (RFC 2869 section 5.3).
@Sendable
func printEventTime(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let seconds = try printer.number(value)
  if printer.writesFields { printer.fields.write("number", seconds) }
  printer.writeUTC(seconds: Int64(seconds))
}

// MARK: VLANs (RFC 4675)

private func writeVLANTag(_ tag: UInt8, _ printer: inout Printer) {
  if printer.writesFields { printer.fields.write("tag", tag) }
  switch tag {
  case 0x31: printer.out.write("Tagged (0x31) ")
  case 0x32: printer.out.write("Untagged (0x32) ")
  default:
    printer.write("Unknown tag (0x", tag, as: .hex(2))
    printer.out.write(") ")
  }
}

@Sendable
func printVLANIdentifier(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let number = try printer.number(value)
  writeVLANTag(UInt8(truncatingIfNeeded: number >> 24), &printer)
  if printer.writesFields { printer.fields.write("number", number & 0xff_ffff) }
  printer.out.write(decimal: number & 0xff_ffff)
}

@Sendable
func printVLANName(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  writeVLANTag(try value.u8(at: 0), &printer)
  try printer.write(.text, try value.dropping(1))
}

// MARK: Tunnels (RFC 2868)

private func writeTunnelTag(_ tag: UInt8, _ printer: inout Printer) {
  if printer.writesFields { printer.fields.write("tag", tag) }
  if tag == 0 {
    printer.out.write("Tag[Unused] ")
  } else {
    printer.write("Tag[", tag)
    printer.out.write("] ")
  }
}

/// A tag and a three-byte number, written as a name if there are `names`.
func printTagged(_ value: PacketBytes, _ names: ValueNames?, _ printer: inout Printer) throws(DecodeError) {
  let number = try printer.number(value)
  writeTunnelTag(UInt8(truncatingIfNeeded: number >> 24), &printer)
  let rest = number & 0xff_ffff
  guard let names else {
    if printer.writesFields { printer.fields.write("number", rest) }
    printer.out.write(decimal: rest)
    return
  }
  if printer.writesFields { printer.fields.write("number", rest, "number_name", names) }
  printer.write(names, rest, unknown: .decimal("#"))
}

/// Text, preceded by a tag if the first byte is below 32.
@Sendable
func printTaggedText(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let tag = try value.u8(at: 0)
  guard tag < 0x20 else { return try printer.write(.text, value) }
  writeTunnelTag(tag, &printer)
  try printer.write(.text, try value.dropping(1))
}

/// A tag, a salt of two bytes, and an encrypted password (RFC 2868 section 3.5). A first byte of 32 or more counts as tag 0.
@Sendable
func printTunnelPassword(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 3)
  let tag = try value.u8(at: 0)
  writeTunnelTag(tag < 0x20 ? tag : 0, &printer)
  let salt = try value.u16(at: 1)
  printer.write("Salt ", "salt", salt)
  printer.out.write(" ")
  try printer.write(.text, try value.dropping(3))
}

// MARK: AppleTalk Remote Access (RFC 2869)

/// Upper-case hexadecimal digits of `count` bytes.
private func writeDigits(
  _ value: PacketBytes, at offset: Int, count: Int, _ printer: inout Printer
) throws(DecodeError) {
  for index in offset..<(offset &+ count) {
    let octet = try value.u8(at: index)
    writeDigit(octet >> 4, &printer)
    writeDigit(octet & 15, &printer)
  }
}

private func writeDigit(_ digit: UInt8, _ printer: inout Printer) {
  printer.out.write(byte: digit < 10 ? 0x30 &+ digit : 0x37 &+ digit)
}

@Sendable
func printARAPPassword(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .notEqual, 16)
  if printer.writesFields { printer.fields.write("data", hex: value) }
  printer.out.write("User_challenge (")
  try writeDigits(value, at: 0, count: 8, &printer)
  printer.out.write(") User_resp(")
  try writeDigits(value, at: 8, count: 8, &printer)
  printer.out.write(")")
}

@Sendable
func printARAPFeatures(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .notEqual, 14)
  if printer.writesFields { printer.fields.write("data", hex: value) }
  printer.out.write(
    try value.u8(at: 0) != 0 ? "User can change password" : "User cannot change password")
  printer.out.write(", Min password length: ")
  printer.out.write(decimal: try value.u8(at: 1))
  printer.out.write(", created at: ")
  try writeDigits(value, at: 2, count: 4, &printer)
  printer.out.write(", expires in: ")
  try writeDigits(value, at: 6, count: 4, &printer)
  printer.out.write(", Current Time: ")
  try writeDigits(value, at: 10, count: 4, &printer)
}

@Sendable
func printChallengeResponse(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .notEqual, 8)
  if printer.writesFields { printer.fields.write("data", hex: value) }
  try writeDigits(value, at: 0, count: 8, &printer)
}

// MARK: Prefixes

///     0          1        2
///     +----------+--------+-----------------
///     | reserved | length | prefix, as many bytes as it needs      (RFC 3162 section 2.3)
///     +----------+--------+-----------------
@Sendable
func printIPv6Prefix(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 2)
  try printer.reject("length", value.length, .greater, 18)
  let bits = try value.u8(at: 1)
  try printer.reject("prefix length", Int(bits), .greater, 128)
  try writePrefix(value, from: 2, bits: bits, &printer)
}

/// The length of the prefix in bits, then the prefix (RFC 5447 section 4.2.3).
@Sendable
func printHomeLinkPrefix(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .notEqual, 17)
  let bits = try value.u8(at: 0)
  try printer.reject("prefix length", Int(bits), .greater, 128)
  try writePrefix(value, from: 1, bits: bits, &printer)
}

private func writePrefix(
  _ value: PacketBytes, from offset: Int, bits: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  var address: UInt128 = 0
  for index in 0..<16 {
    let place = offset &+ index
    address = address << 8 | (place < value.length ? UInt128(try value.u8(at: place)) : 0)
  }
  let prefix = IPv6Address(rawValue: address)
  if printer.writesFields {
    printer.fields.write("address", prefix)
    printer.fields.write("prefix_length", bits)
  }
  printer.writeHost(prefix)
  printer.write("/", bits)
}

// MARK: Causes and features

private let errorCauses: ValueNames = [
  201: "Residual Session Context Removed", 202: "Invalid EAP Packet (Ignored)", 401: "Unsupported Attribute",
  402: "Missing Attribute", 403: "NAS Identification Mismatch", 404: "Invalid Request", 405: "Unsupported Service",
  406: "Unsupported Extension", 407: "Invalid Attribute Value", 501: "Administratively Prohibited",
  502: "Request Not Routable (Proxy)", 503: "Session Context Not Found", 504: "Session Context Not Removable",
  505: "Other Proxy Processing Error", 506: "Resources Unavailable", 507: "Request Initiated",
  508: "Multiple Session Selection Unsupported", 509: "Location Info Required",
]

/// RFC 5176 section 3.5.
@Sendable
func printErrorCause(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let cause = try printer.number(value)
  if printer.writesFields { printer.fields.write("number", cause, "number_name", errorCauses) }
  printer.write("Error cause ", cause)
  printer.write(": ", cause, as: .named(errorCauses, unknown: .decimal("Error-Cause ", " not known")))
}

/// RFC 5447 section 4.2.5.
private let mobilityFeatures: FlagNames = [
  0x01: "MIP6_INTEGRATED", 0x02: "LOCAL_HOME_AGENT_ASSIGNMENT", 0x04: "PMIP6_SUPPORTED", 0x08: "IP4_HOA_SUPPORTED",
  0x10: "LOCAL_MAG_ROUTING_SUPPORTED", 0x20: "ASSIGN_LOCAL_IP", 0x40: "MIP4_SUPPORTED",
  0x80: "OPTIMIZED_IDLE_MODE_MOBILITY",
]

@Sendable
func printMobilityFeatures(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .notEqual, 8)
  let flags = try value.u64(at: 0)
  if printer.writesFields { printer.fields.write("number", flags) }
  printer.out.write("[")
  printer.write(mobilityFeatures, flags, none: "")
  printer.out.write("]")
}

// MARK: Locations (RFC 5580)

private let namespaces: ValueNames = [0x30: "TADIG", 0x31: "REALM", 0x32: "E212", 0x33: "ICC"]

/// A namespace and a name in it.
@Sendable
func printOperatorName(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 2)
  let namespace = try value.u8(at: 0)
  let name = try value.dropping(1)
  if printer.writesFields {
    printer.fields.write("number", namespace, "number_name", namespaces)
    printer.fields.write("text", text: name)
  }
  printer.write("[", namespace, as: .named(namespaces, unknown: .decimal("unknown namespace ")))
  printer.out.write("] ")
  printer.out.write(escaped: name)
  if name.count < name.length { throw .truncated }
}

private let locationCodes: ValueNames = [0: "Civic", 1: "Geospatial"]
private let locationEntities: ValueNames = [0: "User", 1: "RADIUS"]

///     0       2      3        4               12             20
///     +-------+------+--------+---------------+--------------+--------
///     | index | code | entity | sighting time | time to live | method
///     +-------+------+--------+---------------+--------------+--------
@Sendable
func printLocationInformation(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 21)
  let index = try value.u16(at: 0)
  printer.write("index ", "number", index)
  printer.out.write(", code ")
  printer.write(locationCodes, try value.u8(at: 2), unknown: .decimal("Unknown (", ")"))
  printer.out.write(", entity ")
  printer.write(locationEntities, try value.u8(at: 3), unknown: .decimal("Unknown (", ")"))
  printer.out.write(", sighting time ")
  printer.writeNTPTime(try value.u64(at: 4))
  printer.out.write(", time to live ")
  printer.writeNTPTime(try value.u64(at: 12))
  try writeQuoted(", method \"", try value.dropping(20), &printer)
}

/// The index of the location information that it belongs to, and the location.
@Sendable
func printLocationData(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 3)
  let index = try value.u16(at: 0)
  let location = try value.dropping(2)
  if printer.writesFields {
    printer.fields.write("number", index)
    printer.fields.write("data", hex: location)
  }
  printer.write("index ", index)
  printer.out.write(", location")
  printer.writeHexAndASCII(location, indent: "\n\t    ")
}

/// The flags of basic location policy rules; all but the first must be zero.
private let policyFlags: FlagNames = [
  0x0001: "MBZ-15", 0x0002: "MBZ-14", 0x0004: "MBZ-13", 0x0008: "MBZ-12", 0x0010: "MBZ-11", 0x0020: "MBZ-10",
  0x0040: "MBZ-9", 0x0080: "MBZ-8", 0x0100: "MBZ-7", 0x0200: "MBZ-6", 0x0400: "MBZ-5", 0x0800: "MBZ-4",
  0x1000: "MBZ-3", 0x2000: "MBZ-2", 0x4000: "MBZ-1", 0x8000: "Retransmission Allowed",
]

@Sendable
func printLocationPolicy(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("length", value.length, .less, 10)
  let flags = try value.u16(at: 0)
  if printer.writesFields { printer.fields.write("number", flags) }
  printer.out.write("flags [")
  printer.write(policyFlags, flags)
  printer.out.write("], retention expires ")
  printer.writeNTPTime(try value.u64(at: 2))
  try writeQuoted(", note well \"", try value.dropping(10), &printer)
}

/// Text in quotation marks after `title`; writes nothing if the text is empty.
private func writeQuoted(
  _ title: StaticString, _ text: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  guard text.length > 0 else { return }
  if printer.writesFields { printer.fields.write("text", text: text) }
  printer.out.write(title)
  printer.out.write(escaped: text)
  if text.count < text.length { throw .truncated }
  printer.out.write("\"")
}
