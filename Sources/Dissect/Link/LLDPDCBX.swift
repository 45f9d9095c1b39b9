import PacketCore

private let subtypes: ValueNames = [
  1: "DCB Capability Exchange Protocol Rev 1", 2: "DCB Capability Exchange Protocol Rev 1.01",
]

extension Printer {
  /// Data center bridging capability exchange, revision 1.01: sub-TLVs with a seven-bit type and a nine-bit length.
  mutating func printLLDPDCBX(_ value: PacketBytes) throws(DecodeError) -> Bool {
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(subtypes, subtype)
    if subtype == 1 { return false }
    guard subtype == 2 else { return true }
    var list = openList(value, at: 4, lldpLayout)
    while let tlv = try next(&list) {
      guard tlv.length > 0, !tlv.isTooLong else { return true }
      let length = tlv.length
      let part = try tlv.wholeValue()
      switch tlv.type {
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
    }
    return true
  }

  private mutating func writeDCBXHeader(
    _ title: StaticString, _ type: UInt8, _ part: PacketBytes, _ length: Int
  ) throws(DecodeError) {
    out.write("\n\t    ")
    out.write(title)
    write(" (type 0x", type, as: .hex(1))
    write(", length ", length)
    write(")\n\t      Oper_Version: ", try part.u8(at: 0))
    write("\n\t      Max_Version: ", try part.u8(at: 1))
  }

  private mutating func printDCBXControl(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Control - Protocol Control", 1, part, length)
    write("\n\t      Sequence Number: ", try part.u32(at: 2))
    write("\n\t      Acknowledgement Number: ", try part.u32(at: 6))
  }

  private mutating func writeDCBXFeature(_ part: PacketBytes) throws(DecodeError) {
    let bits = try part.u8(at: 2)
    out.write("\n\t      Info block(0x")
    writeUpperHex(bits)
    write("): Enable bit: ", bits >> 7)
    write(", Willing bit: ", bits >> 6 & 1)
    write(", Error Bit: ", bits >> 5 & 1)
    write("\n\t      SubType: ", try part.u8(at: 3))
  }

  private mutating func printDCBXPriorityGroups(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Feature - Priority Group", 2, part, length)
    try writeDCBXFeature(part)
    out.write("\n\t      Priority Allocation")
    let groups = try part.u32(at: 4)
    for index in UInt32(0)..<8 {
      write("\n\t          PgId_", index)
      write(": ", groups >> (28 &- 4 &* index) & 15)
    }
    out.write("\n\t      Priority Group Allocation")
    for index in 0..<8 {
      write("\n\t          Pg percentage[", index)
      write("]: ", try part.u8(at: 8 &+ index))
    }
    write("\n\t      NumTCsSupported: ", try part.u8(at: 16))
  }

  private mutating func printDCBXFlowControl(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    try writeDCBXHeader("Feature - Priority Flow Control", 3, part, length)
    try writeDCBXFeature(part)
    let bits = try part.u8(at: 4)
    out.write("\n\t      PFC Config (0x")
    writeUpperHex(bits)
    out.write(")")
    for index in UInt8(0)..<8 {
      write("\n\t          Priority Bit ", index)
      out.write(bits >> index & 1 != 0 ? ": Enabled" : ": Disabled")
    }
    write("\n\t      NumTCPFCSupported: ", try part.u8(at: 5))
  }

  private mutating func printDCBXApplications(_ part: PacketBytes, _ length: Int) throws(DecodeError) {
    guard length >= 4 else { return }
    try writeDCBXHeader("Feature - Application", 4, part, length)
    try writeDCBXFeature(part)
    out.write("\n\t      Application Value")
    var list = openList(part, at: 4, .elements(of: 6))
    while let entry = try next(&list) {
      let application = entry.value
      write("\n\t          Application Protocol ID: 0x", try application.u16(at: 0), as: .hex(4))
      let selector = try application.u24(at: 2)
      write("\n\t          SF (0x", selector >> 22, as: .hex(1))
      out.write(") Application Protocol ID is ")
      out.write(selector >> 22 != 0 ? "Socket Number" : "L2 EtherType")
      write("\n\t          OUI: 0x", selector & 0x3f_ffff, as: .hex(6))
      write("\n\t          User Priority Map: 0x", try application.u8(at: 5), as: .hex(2))
    }
  }
}
