import PacketCore

private let subtypes: ValueNames = [
  1: "DCB Capability Exchange Protocol Rev 1", 2: "DCB Capability Exchange Protocol Rev 1.01",
]

extension Printer {
  /// Data center bridging capability exchange, revision 1.01: sub-TLVs of seven bits of type and nine of length.
  mutating func printLLDPDCBX(_ value: PacketBytes) throws(DecodeError) -> Bool {
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(subtypes, subtype)
    if subtype == 1 { return false }
    guard subtype == 2 else { return true }
    var offset = 4
    while value.length &- offset >= 2 {
      let header = try value.u16(at: offset)
      let type = header >> 9
      let length = Int(header & 0x1ff)
      guard length > 0, value.length &- offset &- 2 >= length else { return true }
      let part = try value.slice(at: offset &+ 2, length: length)
      switch type {
      case 1:
        guard length == 10 else { return true }
        try printDCBXControl(part, length)
      case 2:
        guard length == 17 else { return true }
        try printDCBXPriorityGroups(part, length)
      case 3:
        guard length == 6 else { return true }
        try printDCBXFlowControl(part, length)
      case 4: try printDCBXApplications(part, length)
      default: return false
      }
      offset &+= 2 &+ length
    }
    return true
  }

  private mutating func writeDCBXHeader(
    _ title: StaticString, _ type: UInt8, _ part: PacketBytes, _ length: Int
  ) throws(DecodeError) {
    out.write("\n\t    ")
    out.write(title)
    out.write(" (type 0x")
    out.write(hex: type)
    out.write(", length ")
    out.write(decimal: length)
    out.write(")\n\t      Oper_Version: ")
    out.write(decimal: try part.u8(at: 0))
    out.write("\n\t      Max_Version: ")
    out.write(decimal: try part.u8(at: 1))
  }

  private mutating func printDCBXControl(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Control - Protocol Control", 1, part, length)
    out.write("\n\t      Sequence Number: ")
    out.write(decimal: try part.u32(at: 2))
    out.write("\n\t      Acknowledgement Number: ")
    out.write(decimal: try part.u32(at: 6))
  }

  private mutating func writeDCBXFeature(_ part: PacketBytes) throws(DecodeError) {
    let bits = try part.u8(at: 2)
    out.write("\n\t      Info block(0x")
    writeUpperHex(bits)
    out.write("): Enable bit: ")
    out.write(decimal: bits >> 7)
    out.write(", Willing bit: ")
    out.write(decimal: bits >> 6 & 1)
    out.write(", Error Bit: ")
    out.write(decimal: bits >> 5 & 1)
    out.write("\n\t      SubType: ")
    out.write(decimal: try part.u8(at: 3))
  }

  private mutating func printDCBXPriorityGroups(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Feature - Priority Group", 2, part, length)
    try writeDCBXFeature(part)
    out.write("\n\t      Priority Allocation")
    let groups = try part.u32(at: 4)
    for index in UInt32(0)..<8 {
      out.write("\n\t          PgId_")
      out.write(decimal: index)
      out.write(": ")
      out.write(decimal: groups >> (28 &- 4 &* index) & 15)
    }
    out.write("\n\t      Priority Group Allocation")
    for index in 0..<8 {
      out.write("\n\t          Pg percentage[")
      out.write(decimal: index)
      out.write("]: ")
      out.write(decimal: try part.u8(at: 8 &+ index))
    }
    out.write("\n\t      NumTCsSupported: ")
    out.write(decimal: try part.u8(at: 16))
  }

  private mutating func printDCBXFlowControl(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Feature - Priority Flow Control", 3, part, length)
    try writeDCBXFeature(part)
    let bits = try part.u8(at: 4)
    out.write("\n\t      PFC Config (0x")
    writeUpperHex(bits)
    out.write(")")
    for index in UInt8(0)..<8 {
      out.write("\n\t          Priority Bit ")
      out.write(decimal: index)
      out.write(bits >> index & 1 != 0 ? ": Enabled" : ": Disabled")
    }
    out.write("\n\t      NumTCPFCSupported: ")
    out.write(decimal: try part.u8(at: 5))
  }

  private mutating func printDCBXApplications(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    guard length >= 4 else { return }
    try writeDCBXHeader("Feature - Application", 4, part, length)
    try writeDCBXFeature(part)
    out.write("\n\t      Application Value")
    var offset = 4
    while length &- offset >= 6 {
      out.write("\n\t          Application Protocol ID: 0x")
      out.write(hex: try part.u16(at: offset), width: 4)
      let selector = try part.u24(at: offset &+ 2)
      out.write("\n\t          SF (0x")
      out.write(hex: selector >> 22)
      out.write(") Application Protocol ID is ")
      out.write(selector >> 22 != 0 ? "Socket Number" : "L2 EtherType")
      out.write("\n\t          OUI: 0x")
      out.write(hex: selector & 0x3f_ffff, width: 6)
      out.write("\n\t          User Priority Map: 0x")
      out.write(hex: try part.u8(at: offset &+ 5), width: 2)
      offset &+= 6
    }
  }
}
