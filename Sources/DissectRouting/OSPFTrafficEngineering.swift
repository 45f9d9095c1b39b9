import Dissect
import PacketCore

// Traffic engineering advertisements of OSPF: RFC 3630, RFC 4203 and RFC 4124.

/// Two-byte types and lengths; values are padded to four bytes.
private let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, alignment: 4)

private let tlvNames: ValueNames = [1: "Router Address", 2: "Link"]

/// How the value of a sub-TLV is written.
private enum Form {
  case linkType, linkID, address, metric, bandwidth, unreserved, group, protection, switching, risks, constraints
}

private let subTLVs: OptionTable<Form> = [
  1: OptionRow("Link Type", .linkType), 2: OptionRow("Link ID", .linkID),
  3: OptionRow("Local Interface IP address", .address), 4: OptionRow("Remote Interface IP address", .address),
  5: OptionRow("Traffic Engineering Metric", .metric), 6: OptionRow("Maximum Bandwidth", .bandwidth),
  7: OptionRow("Maximum Reservable Bandwidth", .bandwidth), 8: OptionRow("Unreserved Bandwidth", .unreserved),
  9: OptionRow("Administrative Group", .group), 11: OptionRow("Link Local/Remote Identifier", .linkID),
  14: OptionRow("Link Protection Type", .protection), 15: OptionRow("Interface Switching Capability", .switching),
  16: OptionRow("Shared Risk Link Group", .risks), 17: OptionRow("Bandwidth Constraints", .constraints),
]

private let linkTypes: ValueNames = [1: "Point-to-point", 2: "Multi-Access"]
private let protections: FlagNames = [
  0x01: "Extra Traffic", 0x02: "Unprotected", 0x04: "Shared", 0x08: "Dedicated 1:1", 0x10: "Dedicated 1+1",
  0x20: "Enhanced", 0x40: "Reserved", 0x80: "Reserved",
]
private let switchingCapabilities: ValueNames = [
  1: "Packet-Switch Capable-1", 2: "Packet-Switch Capable-2", 3: "Packet-Switch Capable-3",
  4: "Packet-Switch Capable-4", 51: "Layer-2 Switch Capable", 100: "Time-Division-Multiplex",
  150: "Lambda-Switch Capable", 200: "Fiber-Switch Capable",
]
private let encodings: ValueNames = [
  1: "Packet", 2: "Ethernet V2/DIX", 3: "ANSI/ETSI PDH", 4: "Reserved", 5: "SDH ITU-T G.707/SONET ANSI T1.105",
  6: "Reserved", 7: "Digital Wrapper", 8: "Lambda (photonic)", 9: "Fiber", 10: "Reserved", 11: "FiberChannel",
]
private let constraintModels: ValueNames = [0: "Russian dolls", 1: "Maximum allocation"]

extension Printer {
  /// Prints the TLVs of an advertisement; false if nothing more of the packet can be read.
  mutating func writeTrafficEngineering(_ body: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(body, layout)
    while let option = try next(&list) {
      write("\n\t    ", option.type, as: .named(tlvNames, unknown: "unknown"))
      write(" TLV (", option.type)
      write("), length: ", option.length)
      guard !option.isTooLong else {
        write("\n\t    Bogus length ", option.length)
        write(" > ", option.rest &- 4)
        throw .invalid
      }
      if option.length == 0 {
        writeFault(" (invalid)")
        throw .invalid
      }
      let value = option.value
      switch option.type {
      case 1:
        guard value.length >= 4 else {
          write("\n\t    TLV length ", value.length)
          out.write(" < 4")
          throw .invalid
        }
        let address = try value.ipv4(at: 0)
        write(", ", address)
      case 2: guard try writeLink(value) else { return false }
      default: if options.verbosity <= 1 { writeHex(try option.wholeValue(), indent: "\n\t      ") }
      }
    }
    return true
  }

  private mutating func writeLink(_ bytes: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(bytes, layout)
    while list.remaining > 0 {
      guard list.remaining >= 4 else {
        write("\n\t    Remaining TLV length ", list.remaining)
        out.write(" < 4")
        noteInvalid()
        return false
      }
      guard let option = try next(&list) else { break }
      if option.type == 0 || option.length == 0 { throw .invalid }
      let row = subTLVs[type: option.type]
      out.write("\n\t      ")
      out.write(row?.name ?? "unknown")
      write(" subTLV (", option.type)
      write("), length: ", option.length)
      guard !option.isTooLong else {
        write("\n\t    Remaining TLV length ", option.rest &- 4)
        write(" < ", option.length)
        noteInvalid()
        return false
      }
      let value = try option.wholeValue()
      if let row {
        try write(row.form, value)
      } else if options.verbosity <= 1 {
        writeHex(value, indent: "\n\t\t")
      }
    }
    return true
  }

  private mutating func require(_ isRight: Bool, _ fault: StaticString) throws(DecodeError) {
    guard !isRight else { return }
    out.write(fault)
    throw .invalid
  }

  private mutating func write(_ form: Form, _ value: PacketBytes) throws(DecodeError) {
    switch form {
    case .linkType:
      try require(value.length == 1, " != 1")
      let type = try value.u8(at: 0)
      write(", ", type, as: .named(linkTypes, unknown: "unknown"))
      write(" (", type)
      out.write(")")
    case .linkID:
      try require(value.length == 4 || value.length == 8, " != 4 && != 8")
      try writeIdentifier(value, at: 0)
      if value.length == 8 { try writeIdentifier(value, at: 4) }
    case .address:
      try require(value.length == 4, " != 4")
      write(", ", try value.ipv4(at: 0))
    case .metric:
      try require(value.length == 4, " != 4")
      write(", Metric ", try value.u32(at: 0))
    case .bandwidth:
      try require(value.length == 4, " != 4")
      out.write(", ")
      writeBandwidth("", try value.u32(at: 0))
    case .unreserved:
      try require(value.length == 32, " != 32")
      for number in 0..<8 { try writeBandwidth("\n\t\tTE-Class ", number, value, at: number &* 4) }
    case .group:
      try require(value.length == 4, " != 4")
      write(", 0x", try value.u32(at: 0), as: .hex(8))
    case .protection:
      try require(value.length == 4, " != 4")
      out.write(", ")
      write(protections, try value.u8(at: 0))
    case .switching: try writeSwitchingCapability(value)
    case .risks:
      try require(value.length % 4 == 0, " != N x 4")
      for index in 0..<value.length / 4 {
        write(index == 0 ? "\n\t\t  Shared risk group: " : ", ", try value.u32(at: index &* 4))
      }
    case .constraints: try writeConstraints(value)
    }
  }

  /// `, 10.0.0.1 (0x0a000001)`: an address or a number, only the router knows which.
  private mutating func writeIdentifier(_ value: PacketBytes, at offset: Int) throws(DecodeError) {
    write(", ", try value.ipv4(at: offset))
    write(" (0x", try value.u32(at: offset), as: .hex(8))
    out.write(")")
  }

  private mutating func writeBandwidth(
    _ title: StaticString, _ number: Int, _ value: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    let bits = try value.u32(at: offset)
    write(title, number)
    out.write(": ")
    writeBandwidth("", bits)
  }

  ///     0            1          4
  ///     +------------+----------+---------------------------+------
  ///     | capability | encoding | bandwidth of 8 priorities | more, by capability
  ///     +------------+----------+---------------------------+------
  /// RFC 4203 section 1.4.
  private mutating func writeSwitchingCapability(_ value: PacketBytes) throws(DecodeError) {
    try require(value.length >= 36, " < 36")
    write(
      "\n\t\tInterface Switching Capability: ", try value.u8(at: 0),
      as: .named(switchingCapabilities, unknown: "Unknown"))
    write("\n\t\tLSP Encoding: ", try value.u8(at: 1), as: .named(encodings, unknown: "Unknown"))
    out.write("\n\t\tMax LSP Bandwidth:")
    for level in 0..<8 { try writeBandwidth("\n\t\t  priority level ", level, value, at: 4 &+ level &* 4) }
  }

  ///     0       4
  ///     +-------+---------------------
  ///     | model | bandwidth of classes …
  ///     +-------+---------------------
  /// RFC 4124 section 5.1.
  private mutating func writeConstraints(_ value: PacketBytes) throws(DecodeError) {
    try require(value.length >= 4, " < 4")
    let model = try value.u8(at: 0)
    write("\n\t\tBandwidth Constraints Model ID: ", model, as: .named(constraintModels, unknown: "unknown"))
    write(" (", model)
    out.write(")")
    guard value.length <= 36 else {
      write("\n\t\tlength ", value.length)
      out.write(" > 36")
      throw .invalid
    }
    for number in 0..<max(0, value.length / 4 &- 1) {
      try writeBandwidth("\n\t\t  Bandwidth constraint CT", number, value, at: 4 &+ number &* 4)
    }
  }
}
