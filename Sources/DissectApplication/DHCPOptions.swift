import Dissect
import PacketCore

extension Printer {
  ///     0      1        2
  ///     +------+--------+-------
  ///     | type | length | value      (RFC 2132 section 2)
  ///     +------+--------+-------
  mutating func printDHCPOptions(_ bytes: PacketBytes, end: Int) throws(DecodeError) {
    var offset = 0
    // Options that the capture ends between are no reason for a mark.
    let end = min(end, bytes.count)
    if writesFields { fields.beginArray("options") }
    let level = fields.level
    defer {
      fields.end(downTo: level)
      if writesFields { fields.end() }
    }
    while offset < end {
      let type = try bytes.u8(at: offset)
      if type == DHCPOption.pad {
        let start = offset
        while offset < end, try bytes.u8(at: offset) == DHCPOption.pad { offset &+= 1 }
        if options.verbosity > 2 {
          out.write("\n\t    PAD (0), length 0")
          if offset &- start > 1 {
            out.write(", occurs ")
            out.write(decimal: offset &- start)
          }
        }
        continue
      }
      if type == DHCPOption.end {
        guard options.verbosity > 2 else { return }
        out.write("\n\t    END (255), length 0")
        offset &+= 1
        continue
      }
      let length = Int(try bytes.u8(at: offset &+ 1))
      let description = DHCPOption.description(type)
      if writesFields {
        fields.end(downTo: level)
        fields.beginObject()
        fields.write("code", type)
        if let name = description?.name { fields.write("name", name) }
        fields.write("length", length)
      }
      out.write("\n\t    ")
      out.write(description?.name ?? "Unknown")
      out.write(" (")
      out.write(decimal: type)
      out.write("), length ")
      out.write(decimal: length)
      if length > 0 { out.write(": ") }
      let value = try bytes.slice(at: offset &+ 2, length: length)
      try printDHCPValue(type, value, description?.value ?? .unknown)
      offset &+= 2 &+ length
    }
  }

  private mutating func printDHCPValue(
    _ type: UInt8, _ value: PacketBytes, _ form: DHCPValue
  ) throws(DecodeError) {
    if writesFields { try recordDHCPValue(type, value, form) }
    switch form {
    case .addresses: try writeList(value, step: 4)
    case .addressPairs:
      if value.count == 0 || value.count % 8 != 0 {
        writeFault(value.count == 0 ? " [length != N x 8 bytes]" : "[length != N x 8 bytes]")
      } else {
        try writeList(value, step: 8)
      }
    case .long: try writeList(value, step: 4, isAddress: false)
    case .signedLong: try writeList(value, step: 4, isAddress: false, isSigned: true)
    case .short: try writeList(value, step: 2)
    case .byte: try writeDottedOctets(value)
    case .text:
      out.write("\"")
      out.write(escaped: value)
      out.write("\"")
    case .boolean: try writeBooleans(value)
    case .unknown:
      if value.count % 4 == 0 {
        try writeList(value, step: 4, isAddress: false)
      } else if value.count % 2 == 0 {
        try writeList(value, step: 2)
      } else {
        try writeDottedOctets(value)
      }
    case .own: try printOwnForm(type, value)
    }
  }

  /// Values of `step` octets with commas between them; what is left over is counted.
  private mutating func writeList(
    _ value: PacketBytes, step: Int, isAddress: Bool = true, isSigned: Bool = false
  ) throws(DecodeError) {
    var offset = 0
    while value.count &- offset >= step {
      if offset > 0 { out.write(",") }
      switch step {
      case 8:
        out.write("(")
        writeHost(try value.ipv4(at: offset))
        out.write(":")
        writeHost(try value.ipv4(at: offset &+ 4))
        out.write(")")
      case 4 where isAddress: writeHost(try value.ipv4(at: offset))
      case 4:
        let number = try value.u32(at: offset)
        if isSigned { out.write(decimal: Int32(bitPattern: number)) } else { out.write(decimal: number) }
      default: out.write(decimal: try value.u16(at: offset))
      }
      offset &+= step
    }
    writeTrailing(value.count &- offset)
  }

  private mutating func writeTrailing(_ octets: Int) {
    guard octets > 0 else { return }
    writeFault("\n\t  trailing data length ")
    out.write(decimal: octets)
  }

  private mutating func writeDottedOctets(_ value: PacketBytes) throws(DecodeError) {
    for index in 0..<value.count {
      if index > 0 { out.write(".") }
      out.write(decimal: try value.u8(at: index))
    }
  }

  private mutating func writeBooleans(_ value: PacketBytes) throws(DecodeError) {
    for index in 0..<value.count {
      if index > 0 { out.write(",") }
      switch try value.u8(at: index) {
      case 0: out.write("N")
      case 1: out.write("Y")
      case let other:
        out.write(decimal: other)
        out.write("?")
      }
    }
  }

  private mutating func printOwnForm(_ type: UInt8, _ value: PacketBytes) throws(DecodeError) {
    switch type {
    case DHCPOption.messageType where value.count == 1:
      let message = try value.u8(at: 0)
      write(DHCPOption.messages, message, unknownDecimal: "Unknown (", suffix: ")")
    case DHCPOption.messageType: try writeDottedOctets(value)
    case DHCPOption.netBIOSNodeType where value.count >= 1:
      write(DHCPOption.nodeTypes, try value.u8(at: 0), unknownDecimal: "#")
      writeTrailing(value.count &- 1)
    case DHCPOption.overload where value.count >= 1:
      write(DHCPOption.overloads, try value.u8(at: 0), unknownDecimal: "#")
      writeTrailing(value.count &- 1)
    case DHCPOption.netBIOSNodeType, DHCPOption.overload: writeDHCPError(1)
    case DHCPOption.parameterRequest: try printParameterRequest(value)
    case DHCPOption.clientID: try printClientID(value)
    case DHCPOption.clientName: try printClientName(value)
    case DHCPOption.agentInformation: try printAgentInformation(value)
    case DHCPOption.userClass: try printUserClasses(value)
    case DHCPOption.redirect: try printRedirects(value)
    case DHCPOption.classlessRoute, DHCPOption.classlessRouteMicrosoft: try printClasslessRoutes(value)
    default: break
    }
  }

  private mutating func writeDHCPError(_ wanted: Int) {
    writeFault("[ERROR: length < ")
    out.write(decimal: wanted)
    out.write(" bytes]")
  }

  private mutating func printParameterRequest(_ value: PacketBytes) throws(DecodeError) {
    if writesFields {
      fields.beginArray("values")
      for index in 0..<value.count { fields.element(try value.u8(at: index)) }
      fields.end()
    }
    for index in 0..<value.count {
      let type = try value.u8(at: index)
      out.write(index % 4 == 0 ? "\n\t      " : ", ")
      out.write(DHCPOption.description(type)?.name ?? "Unknown")
      out.write(" (")
      out.write(decimal: type)
      out.write(")")
    }
  }

  /// A hardware type and address; type 0 is text (RFC 2132 section 9.14).
  private mutating func printClientID(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 1 else {
      writeDHCPError(1)
      return
    }
    let type = try value.u8(at: 0)
    let rest = try value.dropping(1)
    if writesFields {
      fields.write("hardware_type", type)
      if type == 0 { fields.write("text", text: rest) } else { fields.write("data", hex: rest) }
    }
    if type == 0 {
      out.write("\"")
      out.write(escaped: rest)
      out.write("\"")
      return
    }
    if DHCPOption.hardwareTypes[type] == nil {
      out.write("hardware-type ")
      out.write(decimal: type)
      out.write(",")
    } else {
      write(DHCPOption.hardwareTypes, type, unknown: "")
    }
    out.write(" ")
    for index in 0..<rest.count {
      if index > 0 { out.write(":") }
      out.write(hex: try rest.u8(at: index), width: 2)
    }
  }

  /// Flags, two result codes, and the name (RFC 4702 section 2).
  private mutating func printClientName(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 3 else {
      writeDHCPError(3)
      return
    }
    let flags = try value.u8(at: 0)
    if writesFields {
      fields.write("flag_bits", flags)
      fields.write("text", text: try value.dropping(3))
    }
    // The upper four bits must be zero.
    if flags & 0xf0 != 0 {
      writeFault("[ERROR: MBZ nibble 0x")
      out.write(hex: flags >> 4)
      out.write(" != 0] ")
    }
    if flags & 0x0f != 0 {
      out.write("[")
      write(DHCPOption.nameFlags, flags, separator: "", none: "")
      out.write("] ")
    }
    let first = try value.u8(at: 1)
    let second = try value.u8(at: 2)
    if first != 0 || second != 0 {
      out.write(decimal: first)
      out.write("/")
      out.write(decimal: second)
      out.write(" ")
    }
    out.write("\"")
    out.write(escaped: try value.dropping(3))
    out.write("\"")
  }

  /// RFC 3046 section 2.
  private mutating func printAgentInformation(_ value: PacketBytes) throws(DecodeError) {
    var offset = 0
    if writesFields { fields.beginArray("suboptions") }
    while value.count &- offset >= 2 {
      let type = try value.u8(at: offset)
      let length = Int(try value.u8(at: offset &+ 1))
      out.write("\n\t      ")
      write(DHCPOption.agentSuboptions, type, unknown: "Unknown")
      out.write(" SubOption ")
      out.write(decimal: type)
      out.write(", length ")
      out.write(decimal: length)
      out.write(": ")
      guard offset &+ 2 &+ length <= value.count else {
        writeFault("length goes past end of option")
        return
      }
      let part = try value.slice(at: offset &+ 2, length: length)
      if writesFields {
        fields.beginObject()
        fields.write("code", type, "name", DHCPOption.agentSuboptions)
        fields.write("data", hex: part)
        fields.end()
      }
      if DHCPOption.agentSuboptions[type] != nil {
        out.write(escaped: part)
      } else {
        writeHex(part, indent: "\n\t\t")
      }
      offset &+= 2 &+ length
    }
    writeTrailing(value.count &- offset)
  }

  /// RFC 3004 section 4.
  private mutating func printUserClasses(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 2 else {
      writeDHCPError(2)
      return
    }
    var offset = 0
    var instance = 1
    if writesFields { fields.beginArray("texts") }
    while offset < value.count {
      let length = Int(try value.u8(at: offset))
      out.write("\n\t      instance#")
      out.write(decimal: instance)
      out.write(": ")
      guard length > 0 else {
        writeFault("[ERROR: suboption length must be non-zero]")
        return
      }
      guard offset &+ 1 &+ length <= value.count else {
        writeFault("[ERROR: invalid option]")
        return
      }
      if writesFields { fields.element(text: try value.slice(at: offset &+ 1, length: length)) }
      out.write("\"")
      out.write(escaped: try value.slice(at: offset &+ 1, length: length))
      out.write("\", length ")
      out.write(decimal: length)
      offset &+= 1 &+ length
      instance &+= 1
    }
  }

  /// Secure zero touch provisioning, RFC 8572 section 8.1: a length and a URI, several times.
  private mutating func printRedirects(_ value: PacketBytes) throws(DecodeError) {
    var offset = 0
    if writesFields { fields.beginArray("texts") }
    while offset < value.count {
      guard value.count &- offset >= 2 else {
        writeDHCPError(2)
        return
      }
      let length = Int(try value.u16(at: offset))
      out.write("\n\t\t    length ")
      out.write(decimal: length)
      out.write(": ")
      guard length > 0, offset &+ 2 &+ length <= value.count else {
        writeFault("[ERROR: length of URI > length of option]")
        return
      }
      if writesFields { fields.element(text: try value.slice(at: offset &+ 2, length: length)) }
      out.write("\"")
      out.write(escaped: try value.slice(at: offset &+ 2, length: length))
      out.write("\"")
      offset &+= 2 &+ length
    }
  }

  /// The width of a mask, as many octets of the network as it takes, and the router (RFC 3442).
  private mutating func printClasslessRoutes(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 5 else {
      writeDHCPError(5)
      return
    }
    var offset = 0
    if writesFields { fields.beginArray("routes") }
    while offset < value.count {
      if offset > 0 { out.write(",") }
      let width = Int(try value.u8(at: offset))
      offset &+= 1
      guard width <= 32 else {
        writeFault("[ERROR: Mask width (")
        out.write(decimal: width)
        out.write(") > 32]")
        return
      }
      let octets = (width &+ 7) / 8
      guard offset &+ octets &+ 4 <= value.count else {
        writeFault("[ERROR: Remaining length (")
        out.write(decimal: value.count &- offset)
        out.write(") < ")
        out.write(decimal: octets &+ 4)
        out.write(" bytes]")
        return
      }
      if writesFields { try recordRoute(value, at: offset, width: width, octets: octets) }
      out.write("(")
      if width == 0 {
        out.write("default")
      } else {
        for index in 0..<4 {
          if index > 0 { out.write(".") }
          out.write(decimal: index < octets ? try value.u8(at: offset &+ index) : 0)
        }
        out.write("/")
        out.write(decimal: width)
      }
      out.write(":")
      writeHost(try value.ipv4(at: offset &+ octets))
      out.write(")")
      offset &+= octets &+ 4
    }
  }
}
