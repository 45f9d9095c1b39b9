import Dissect
import PacketCore

/// TLVs (IANA "LDP TLV Type Name Space").
enum LDPTLV {
  static let names: ValueNames = [
    0x0100: "FEC", 0x0101: "Address List", 0x0103: "Hop Count", 0x0104: "Path Vector", 0x0200: "Generic Label",
    0x0201: "ATM Label", 0x0202: "Frame-Relay Label", 0x0300: "Status", 0x0301: "Extended Status",
    0x0302: "Returned PDU", 0x0303: "Returned Message", 0x0400: "Common Hello Parameters",
    0x0401: "IPv4 Transport Address", 0x0402: "Configuration Sequence Number", 0x0403: "IPv6 Transport Address",
    0x0500: "Common Session Parameters", 0x0501: "ATM Session Parameters", 0x0502: "Frame-Relay Session Parameters",
    0x0503: "Fault-Tolerant Session Parameters", 0x0600: "Label Request Message ID", 0x0601: "MTU",
    0x0701: "Dual-Stack Capability",
  ]
}

/// Kinds of forwarding equivalence classes (RFC 5036 section 3.4.1, RFC 4447 section 5.2).
private enum EquivalenceClass {
  static let wildcard: UInt8 = 0x01
  static let prefix: UInt8 = 0x02
  static let host: UInt8 = 0x03
  static let pseudoWire: UInt8 = 0x80

  static let names: ValueNames = [
    0x01: "Wildcard", 0x02: "Prefix", 0x03: "Host address", 0x80: "Martini VC",
  ]
}

private let interfaceParameters: ValueNames = [0x01: "MTU", 0x03: "Description", 0x0c: "VCCV"]
/// RFC 5085 section 4.1.
private let controlChannels: FlagNames = [
  0x01: "PWE3 control word", 0x02: "MPLS Router Alert Label", 0x04: "MPLS inner label TTL = 1",
]
private let verificationTypes: FlagNames = [0x01: "ICMP Ping", 0x02: "LSP Ping", 0x04: "BFD"]
/// RFC 7552 section 6.1.1.
private let connectionPreferences: ValueNames = [4: "IPv4", 6: "IPv6"]

extension Printer {
  /// Prints the value of a TLV; false if its type is unknown.
  mutating func printLDPValue(_ type: UInt16, _ value: PacketBytes) throws(DecodeError) -> Bool {
    switch type {
    case 0x0100: try printClass(value)
    case 0x0101: try printAddresses(value)
    case 0x0200:
      try require(value, 4)
      write("\n\t      Label: ", "label", try value.u32(at: 0) & 0xfffff)
    case 0x0300: try printStatus(value)
    case 0x0400:
      ///     0 hold seconds  2 targeted, request targeted hellos      RFC 5036 section 3.5.2
      try require(value, 4)
      let flags = try value.u16(at: 2)
      write("\n\t      Hold Time: ", "hold_seconds", try value.u16(at: 0))
      out.write(flags & 0x8000 != 0 ? "s, Flags: [Targeted Hello" : "s, Flags: [Link Hello")
      out.write(flags & 0x4000 != 0 ? ", Request for targeted Hellos]" : "]")
    case 0x0401:
      try require(value, 4)
      write("\n\t      IPv4 Transport Address: ", "address", try value.ipv4(at: 0))
    case 0x0402:
      try require(value, 4)
      write("\n\t      Sequence Number: ", "sequence", try value.u32(at: 0))
    case 0x0403:
      try require(value, 16)
      write("\n\t      IPv6 Transport Address: ", "address", try value.ipv6(at: 0))
    case 0x0500:
      ///     0 version  2 keepalive seconds  4 on demand, loop detection  5 path vector limit  6 maximum PDU  8 receiver (6)
      try require(value, 14)
      let flags = try value.u8(at: 4)
      write("\n\t      Version: ", try value.u16(at: 0))
      write(", Keepalive: ", "hold_seconds", try value.u16(at: 2))
      out.write(flags & 0x80 != 0 ? "s, Flags: [Downstream On Demand" : "s, Flags: [Downstream Unsolicited")
      out.write(flags & 0x40 != 0 ? ", Loop Detection Enabled]" : ", Loop Detection Disabled]")
    case 0x0503: try printFaultTolerance(value)
    case 0x0601:
      try require(value, 2)
      write("\n\t      MTU: ", "mtu", try value.u16(at: 0))
    case 0x0701:
      try require(value, 4)
      write(
        "\n\t      Transport Connection Preference: ", try value.u8(at: 0) >> 4,
        as: .named(connectionPreferences, unknown: "Unknown"))
    default: return false
    }
    return true
  }

  private mutating func require(_ value: PacketBytes, _ length: Int) throws(DecodeError) {
    try reject("tlv length", value.length, .less, length)
  }

  ///     0 kind  1 by kind
  private mutating func printClass(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 1)
    let kind = try value.u8(at: 0)
    write("\n\t      ", kind, as: .named(EquivalenceClass.names, unknown: "Unknown"))
    write(" FEC (0x", kind, as: .hex(2))
    out.write(")")
    let rest = try value.dropping(1)
    switch kind {
    case EquivalenceClass.prefix: try printPrefix(rest)
    case EquivalenceClass.pseudoWire: try printPseudoWire(rest)
    default: break
    }
  }

  ///     0 address family  2 prefix length  3 prefix
  private mutating func printPrefix(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 2)
    let family = try value.u16(at: 0)
    switch family {
    case AddressFamily.ipv4, AddressFamily.ipv6:
      let isIPv4 = family == AddressFamily.ipv4
      let bits = try value.u8(at: 2)
      if bits > (isIPv4 ? 32 : 128) {
        return writeFault(isIPv4 ? ": IPv4 prefix (invalid length)" : ": IPv6 prefix (invalid length)")
      }
      let length = (Int(bits) &+ 7) / 8
      let prefix = try value.slice(at: 3, length: length)
      var address: UInt128 = 0
      for index in 0..<length { address |= UInt128(try prefix.u8(at: index)) << UInt128(8 &* (15 &- index)) }
      if isIPv4 {
        write(": IPv4 prefix ", "prefix", IPv4Address(rawValue: UInt32(truncatingIfNeeded: address >> 96)))
      } else {
        write(": IPv6 prefix ", "prefix", IPv6Address(rawValue: address))
      }
      write("/", "prefix_length", bits)
    default:
      write(": Address family ", family)
      out.write(" prefix")
    }
  }

  ///     0 control word (1), type (15)  2 length of the part after the group  3 group  7 identifier  11 interface parameters
  private mutating func printPseudoWire(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 7)
    let type = try value.u16(at: 0)
    let length = Int(try value.u8(at: 2))
    if length > 0 { try require(value, 11) }
    write(": ", type & 0x7fff, as: .named(PseudoWire.names, unknown: "Unknown"))
    out.write(type & 0x8000 != 0 ? ", control word" : ", no control word")
    if writesFields { fields.write("pseudowire_type", type & 0x7fff) }
    write(", group-ID ", "group_id", try value.u32(at: 3))
    if length > 0 { write(", VC-ID ", "pseudowire_id", try value.u32(at: 7)) }
    write(", VC-info-length: ", length)
    if length < 4 { return }
    try reject("tlv length", value.length &- 7, .less, length)
    let parameters = try value.dropping(11).clamped(to: length &- 4)
    var list = openList(parameters, OptionLayout(countsHeader: true, shortHeader: .endsList))
    while let parameter = try next(&list) {
      if parameter.isTooShort || parameter.isTooLong { continue }
      write("\n\t\tInterface Parameter: ", parameter.type, as: .named(interfaceParameters, unknown: "Unknown"))
      write(" (0x", parameter.type, as: .hex(2))
      write("), len ", parameter.length)
      try printInterfaceParameter(parameter.type, try parameter.wholeValue())
    }
  }

  private mutating func printInterfaceParameter(_ type: UInt32, _ value: PacketBytes) throws(DecodeError) {
    switch type {
    case 0x01: write(": ", try value.u16(at: 0))
    case 0x03:
      out.write(": ")
      try writeText(value, length: value.length)
    case 0x0c:
      let channels = try value.u8(at: 0)
      let types = try value.u8(at: 1)
      write("\n\t\t  Control Channels (0x", channels, as: .hex(2))
      out.write(") = [")
      write(controlChannels, channels)
      write("]\n\t\t  CV Types (0x", types, as: .hex(2))
      out.write(") = [")
      write(verificationTypes, types)
      out.write("]")
    default: writeHex(value, indent: "\n\t\t  ")
    }
  }

  private mutating func printAddresses(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 2)
    let family = try value.u16(at: 0)
    switch family {
    case AddressFamily.ipv4:
      out.write("\n\t      Address Family: IPv4, addresses")
      var list = openList(value, at: 2, .elements(of: 4), array: "addresses")
      while let element = try next(&list) { writeElement(" ", try element.bytes.ipv4(at: 0)) }
    case AddressFamily.ipv6:
      out.write("\n\t      Address Family: IPv6, addresses")
      var list = openList(value, at: 2, .elements(of: 16), array: "addresses")
      while let element = try next(&list) { writeElement(" ", try element.bytes.ipv6(at: 0)) }
    default:
      write("\n\t      Address Family: ", family, as: .named(AddressFamily.names, unknown: .decimal("Unknown (", ")")))
      out.write(", addresses")
    }
  }

  ///     0 fatal, forward, code  4 message  8 its type      RFC 5036 section 3.4.6
  private mutating func printStatus(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 10)
    let status = try value.u32(at: 0)
    let message = try value.u32(at: 4)
    write("\n\t      Status: 0x", "status", status & 0x3fff_ffff, as: .hex(2))
    out.write(status & 0x8000_0000 != 0 ? ", Flags: [Fatal error" : ", Flags: [Advisory Notification")
    out.write(status & 0x4000_0000 != 0 ? " and do forward]" : " and don't forward]")
    if message != 0 { write(", causing Message ID: 0x", message, as: .hex(8)) }
  }

  ///     0 flags  2 reserved  4 reconnect milliseconds  8 recovery milliseconds      RFC 3479 section 8.1
  private mutating func printFaultTolerance(_ value: PacketBytes) throws(DecodeError) {
    try require(value, 12)
    let flags = try value.u16(at: 0)
    let reconnect = try value.u32(at: 4)
    let recovery = try value.u32(at: 8)
    out.write(flags & 0x8000 != 0 ? "\n\t      Flags: [Reconnect" : "\n\t      Flags: [No Reconnect")
    out.write(flags & 0x08 != 0 ? ", Save State" : ", Don't Save State")
    out.write(flags & 0x04 != 0 ? ", All-Label Protection" : ", No All-Label Protection")
    out.write(flags & 0x02 != 0 ? ", Sequence Numbered Label Checkpoint" : ", All Labels Checkpoint")
    out.write(flags & 0x01 != 0 ? ", Re-Learn State]" : ", Don't Re-Learn State]")
    if reconnect > 0 {
      write(", Reconnect Timeout: ", reconnect)
      out.write("ms")
    }
    if recovery > 0 {
      write(", Recovery Time: ", recovery)
      out.write("ms")
    }
  }
}
