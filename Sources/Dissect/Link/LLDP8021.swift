import PacketCore

private let subtypes: ValueNames = [
  1: "Port VLAN Id", 2: "Port and Protocol VLAN ID", 3: "VLAN name", 4: "Protocol Identity", 7: "Link aggregation",
  8: "Congestion Notification", 9: "ETS Configuration", 10: "ETS Recommendation",
  11: "Priority Flow Control Configuration", 12: "Application Priority", 13: "EVB", 14: "CDCP",
]
private let protocolVLANFlags: FlagNames = [0x02: "supported", 0x04: "enabled"]
private let edgeModes: ValueNames = [
  0: "Not Supported", 1: "EVB Bridge", 2: "EVB Station", 3: "Reserved for future Standardization",
]

extension Printer {
  /// The TLVs of IEEE 802.1 (IEEE 802.1Q annex D); false if the bytes are to be dumped.
  mutating func printLLDP8021(_ value: PacketBytes) throws(DecodeError) -> Bool {
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(subtypes, subtype)
    switch subtype {
    case 1:
      guard value.length >= 6 else { return true }
      write("\n\t    port vlan id (PVID): ", "vlan_id", try value.u16(at: 4))
    case 2:
      guard value.length >= 7 else { return true }
      let flags = try value.u8(at: 4)
      if writesFields {
        fields.write("vlan_id", try value.u16(at: 5))
        fields.write("supported", flags & 2 != 0)
        fields.write("enabled", flags & 4 != 0)
      }
      write("\n\t    port and protocol vlan id (PPVID): ", try value.u16(at: 5))
      out.write(", flags [")
      write(protocolVLANFlags, flags)
      write("] (0x", flags, as: .hex(2))
      out.write(")")
    case 3:
      guard value.length >= 6 else { return true }
      write("\n\t    vlan id (VID): ", "vlan_id", try value.u16(at: 4))
      guard value.length >= 7 else { return true }
      try writeCountedText("\n\t    vlan name: ", value, at: 6)
    case 4:
      guard value.length >= 5 else { return true }
      try writeCountedText("\n\t    protocol identity: ", value, at: 4)
    case 7: try writeAggregation(value)
    case 8:
      guard value.length >= 6 else { return true }
      out.write("\n\t    Pre-Priority CNPV Indicator")
      writePriorityBits(try value.u8(at: 4))
      out.write("\n\t    Pre-Priority Ready Indicator")
      writePriorityBits(try value.u8(at: 5))
    case 9:
      guard value.length >= 25 else { return true }
      let bits = try value.u8(at: 4)
      write("\n\t    Willing:", bits >> 7)
      write(", CBS:", (bits & 0x40) >> 5)
      write(", RES:", bits >> 3 & 7)
      write(", Max TCs:", bits & 7)
      try writeTransmissionTables(value)
    case 10:
      guard value.length >= 25 else { return true }
      write("\n\t    RES: ", try value.u8(at: 4))
      try writeTransmissionTables(value)
    case 11:
      guard value.length >= 6 else { return true }
      let bits = try value.u8(at: 4)
      write("\n\t    Willing: ", bits >> 7)
      write(", MBC: ", bits >> 6 & 1)
      write(", RES: ", bits >> 4 & 3)
      write(", PFC cap:", bits & 15)
      out.write(" \n\t    PFC Enable")
      writePriorityBits(try value.u8(at: 5))
    case 12: try printApplicationPriorities(value)
    case 13: try printEdgeVirtualBridging(value)
    case 14: try printChannelDiscovery(value)
    default: return false
    }
    return true
  }

  /// A length, and text up to a zero byte.
  private mutating func writeCountedText(
    _ title: StaticString, _ value: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    let length = Int(try value.u8(at: offset))
    guard value.length >= offset &+ 1 &+ length else { return }
    if writesFields { fields.write("text", text: try value.slice(at: offset &+ 1, length: length)) }
    out.write(title)
    for index in 0..<length {
      let octet = try value.u8(at: offset &+ 1 &+ index)
      if octet == 0 { return }
      out.write(escaped: octet)
    }
  }

  /// The bits of a byte, bit 0 first, below the numbers of their priorities.
  private mutating func writePriorityBits(_ bits: UInt8) {
    out.write("\n\t     Priority : 0  1  2  3  4  5  6  7\n\t     Value    : ")
    for index in UInt8(0)..<8 {
      out.write(decimal: bits >> index & 1)
      out.write("  ")
    }
  }

  /// The three tables of enhanced transmission selection: the class of each priority, then the bandwidth and the algorithm of each class.
  private mutating func writeTransmissionTables(_ value: PacketBytes) throws(DecodeError) {
    out.write("\n\t    Priority Assignment Table")
    out.write("\n\t     Priority : 0   1   2   3   4   5   6   7\n\t     Value    : ")
    for index in 0..<8 {
      let octet = try value.u8(at: 5 &+ index / 2)
      writeCell(index % 2 == 0 ? octet >> 4 : octet & 15, isLast: index == 7)
    }
    out.write("\n\t    TC Bandwidth Table\n\t     TC%   : 0   1   2   3   4   5   6   7\n\t     Value : ")
    for index in 0..<8 { writeCell(try value.u8(at: 9 &+ index), isLast: index == 7) }
    out.write(
      "\n\t    TSA Assignment Table\n\t     Traffic Class: 0   1   2   3   4   5   6   7\n\t     Value        : ")
    for index in 0..<8 { writeCell(try value.u8(at: 17 &+ index), isLast: index == 7) }
  }

  private mutating func writeCell(_ number: UInt8, isLast: Bool) {
    let before = out.count
    out.write(decimal: number)
    out.write(repeating: UInt8(ascii: " "), count: 3 &- (out.count &- before))
    if !isLast { out.write(" ") }
  }

  private mutating func printApplicationPriorities(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 5 else { return }
    write("\n\t    RES: ", try value.u8(at: 4))
    guard value.length >= 8, (value.length &- 5) % 3 == 0 else { return }
    out.write("\n\t    Application Priority Table")
    var list = openList(value, at: 5, .elements(of: 3))
    while let entry = try next(&list) {
      let bits = try entry.value.u8(at: 0)
      write("\n\t      Priority: ", bits >> 5)
      write(", RES: ", bits >> 3 & 3)
      write(", Sel: ", bits & 7)
      write(", Protocol ID: ", try entry.value.u16(at: 1))
    }
  }

  private mutating func printEdgeVirtualBridging(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 9 else { return }
    let bridge = try value.u8(at: 4)
    write("\n\t    EVB Bridge Status\n\t      RES: ", bridge >> 3)
    write(", BGID: ", bridge >> 2 & 1)
    write(", RRCAP: ", bridge >> 1 & 1)
    write(", RRCTR: ", bridge & 1)
    let station = try value.u8(at: 5)
    write("\n\t    EVB Station Status\n\t      RES: ", station >> 4)
    write(", SGID: ", station >> 3 & 1)
    write(", RRREQ: ", station >> 2 & 1)
    write(",RRSTAT: ", station & 3)
    let retries = try value.u8(at: 6)
    write("\n\t    R: ", retries >> 5)
    write(", RTE: ", retries & 0x1f)
    let mode = try value.u8(at: 7)
    write(", EVB Mode: ", mode >> 6, as: .named(edgeModes, unknown: ""))
    write(" [", mode >> 6)
    write("]\n\t    ROL: ", mode >> 5 & 1)
    write(", RWD: ", mode & 0x1f)
    let keepalive = try value.u8(at: 8)
    write(", RES: ", keepalive >> 6)
    write(", ROL: ", keepalive >> 5 & 1)
    write(", RKA: ", keepalive & 0x1f)
  }

  /// S-channel discovery and configuration.
  private mutating func printChannelDiscovery(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 8 else { return }
    let bits = try value.u8(at: 4)
    write("\n\t    Role: ", bits >> 7)
    write(", RES: ", bits >> 4 & 7)
    write(", Scomp: ", bits >> 3 & 1)
    write(" ChnCap: ", try value.u16(at: 6) & 0x0fff)
    guard (value.length &- 8) % 3 == 0 else { return }
    var list = openList(value, at: 8, .elements(of: 3))
    while let entry = try next(&list) {
      let pair = try entry.value.u24(at: 0)
      write("\n\t    SCID: ", pair >> 12)
      write(", SVID: ", pair & 0x0fff)
    }
  }
}
