import Dissect
import PacketCore

extension Printer {
  ///     0      1        2
  ///     +------+--------+-------
  ///     | type | length | value      (RFC 2132 section 2)
  ///     +------+--------+-------
  mutating func printDHCPOptions(
    _ bytes: PacketBytes, end: Int, key: StaticString = "options"
  ) throws(DecodeError) {
    // A capture that ends between options does not get a truncation mark.
    let layout = OptionLayout(padding: DHCPOption.pad, end: DHCPOption.end)
    var list = openList(bytes.withLength(min(end, bytes.count)), layout, objects: key)
    while let option = try next(&list) {
      switch UInt8(truncatingIfNeeded: option.type) {
      case DHCPOption.pad:
        let count = list.countRepeats()
        guard options.verbosity > 2 else { continue }
        out.write("\n\t    PAD (0), length 0")
        if count > 1 { write(", occurs ", count) }
      case DHCPOption.end:
        guard options.verbosity > 2 else { return stop(&list) }
        out.write("\n\t    END (255), length 0")
      case let type:
        let row = DHCPOption.table[type: option.type]
        if writesFields {
          fields.write("code", type)
          if let row { fields.write("name", row.name) }
          fields.write("length", option.length)
        }
        out.write("\n\t    ")
        out.write(row?.name ?? "Unknown")
        write(" (", type)
        write("), length ", option.length)
        if option.length > 0 { out.write(": ") }
        try printDHCPValue(type, try option.wholeValue(), row?.form ?? .unknown)
      }
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
    case .oneLong where value.count != 4: writeFault("[length != 4 bytes] (invalid)")
    case .long, .oneLong: try writeList(value, step: 4, isAddress: false)
    case .signedLong: try writeList(value, step: 4, isAddress: false, isSigned: true)
    case .short: try writeList(value, step: 2)
    case .byte: try writeDottedOctets(value)
    case .text:
      out.write("\"")
      out.write(escaped: value)
      out.write("\"")
    case .boolean where value.count != 1: writeFault("[length != 1 byte] (invalid)")
    case .boolean: try writeBoolean(value)
    case .unknown:
      if value.count % 4 == 0 {
        try writeList(value, step: 4, isAddress: false)
      } else if value.count % 2 == 0 {
        try writeList(value, step: 2)
      } else {
        try writeDottedOctets(value)
      }
    case .custom: try printCustomForm(type, value)
    }
  }

  /// Values of `step` bytes separated by commas; bytes left over are counted.
  private mutating func writeList(
    _ value: PacketBytes, step: Int, isAddress: Bool = true, isSigned: Bool = false
  ) throws(DecodeError) {
    var list = openList(value, .elements(of: UInt16(step)))
    while let element = try next(&list) {
      if !element.isFirst { out.write(",") }
      switch step {
      case 8:
        write("(", try element.value.ipv4(at: 0))
        write(":", try element.value.ipv4(at: 4))
        out.write(")")
      case 4 where isAddress: writeHost(try element.value.ipv4(at: 0))
      case 4:
        let number = try element.value.u32(at: 0)
        if isSigned { out.write(decimal: Int32(bitPattern: number)) } else { out.write(decimal: number) }
      default: out.write(decimal: try element.value.u16(at: 0))
      }
    }
    writeTrailing(list.remaining)
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

  private mutating func writeBoolean(_ value: PacketBytes) throws(DecodeError) {
    switch try value.u8(at: 0) {
    case 0: out.write("N")
    case 1: out.write("Y")
    case let other:
      out.write(decimal: other)
      out.write("?")
    }
  }

  private mutating func printCustomForm(_ type: UInt8, _ value: PacketBytes) throws(DecodeError) {
    switch type {
    case DHCPOption.messageType where value.count == 1:
      let message = try value.u8(at: 0)
      write(DHCPOption.messages, message, unknown: .decimal("Unknown (", ")"))
    case DHCPOption.messageType: try writeDottedOctets(value)
    case DHCPOption.netBIOSNodeType where value.count >= 1:
      write(DHCPOption.nodeTypes, try value.u8(at: 0), unknown: .decimal("#"))
      writeTrailing(value.count &- 1)
    case DHCPOption.overload where value.count >= 1:
      write(DHCPOption.overloads, try value.u8(at: 0), unknown: .decimal("#"))
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
    writeFault("[length < ")
    out.write(decimal: wanted)
    out.write(wanted == 1 ? " byte] (invalid)" : " bytes] (invalid)")
  }

  private mutating func printParameterRequest(_ value: PacketBytes) throws(DecodeError) {
    if writesFields { fields.beginArray("values") }
    for index in 0..<value.count {
      let type = try value.u8(at: index)
      if writesFields { fields.element(type) }
      out.write(index % 4 == 0 ? "\n\t      " : ", ")
      out.write(DHCPOption.table[type: UInt32(type)]?.name ?? "Unknown")
      write(" (", type)
      out.write(")")
    }
    if writesFields { fields.end() }
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
      write("hardware-type ", type)
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
      write("/", second)
      out.write(" ")
    }
    out.write("\"")
    out.write(escaped: try value.dropping(3))
    out.write("\"")
  }

  /// RFC 3046 section 2.
  private mutating func printAgentInformation(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, OptionLayout(shortHeader: .endsList), array: "suboptions")
    while let option = try next(&list) {
      let name = DHCPOption.agentSuboptions[option.type]
      out.write("\n\t      ")
      out.write(name ?? "Unknown")
      write(" SubOption ", option.type)
      write(", length ", option.length)
      out.write(": ")
      if option.isTooLong { return writeFault("length goes past end of option") }
      let part = try option.wholeValue()
      if writesFields {
        fields.beginObject()
        fields.write("code", option.type, "name", DHCPOption.agentSuboptions)
        fields.write("data", hex: part)
      }
      if name != nil { out.write(escaped: part) } else { writeHex(part, indent: "\n\t\t") }
    }
    writeTrailing(list.remaining)
  }

  /// RFC 3004 section 4.
  private mutating func printUserClasses(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 2 else { return writeDHCPError(2) }
    var instance = 1
    var list = openList(value, .counted(1), array: "texts")
    while let item = try next(&list) {
      write("\n\t      instance#", instance)
      out.write(": ")
      if item.length == 0 { return writeFault("[ERROR: suboption length must be non-zero]") }
      if item.isTooLong {
        write("[length ", item.rest &- 1)
        write(" < suboption length ", item.length)
        return writeFault(" (invalid)")
      }
      try writeQuotedElement(item.wholeValue())
      write(", length ", item.length)
      instance &+= 1
    }
  }

  /// Text in quotation marks, as an element of the open array.
  private mutating func writeQuotedElement(_ text: PacketBytes) {
    if writesFields { fields.element(text: text) }
    out.write("\"")
    out.write(escaped: text)
    out.write("\"")
  }

  /// Secure zero touch provisioning, RFC 8572 section 8.1: repeated pairs of a length and a URI.
  private mutating func printRedirects(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .counted(2), array: "texts")
    while let item = try next(&list) {
      write("\n\t\t    length ", item.length)
      out.write(": ")
      if item.length == 0 || item.isTooLong { return writeFault("length goes past end of option") }
      try writeQuotedElement(item.wholeValue())
    }
    if list.remaining > 0 { writeDHCPError(2) }
  }

  /// The length of a prefix, as many bytes of the network as it needs, and the router (RFC 3442).
  private mutating func printClasslessRoutes(_ value: PacketBytes) throws(DecodeError) {
    guard value.count >= 5 else { return writeDHCPError(5) }
    // The prefix length is read as the type; the length of a route follows from it.
    var list = openList(value, OptionLayout(typeWidth: 1, lengthWidth: 0), array: "routes")
    while let route = try next(&list) {
      if !route.isFirst { out.write(",") }
      let width = Int(route.type)
      guard width <= 32 else {
        writeFault("[ERROR: Mask width (")
        out.write(decimal: width)
        return out.write(") > 32]")
      }
      let octets = (width &+ 7) / 8
      list.resume(after: 1 &+ octets &+ 4)
      let rest = try route.bytes.dropping(1)
      guard rest.length >= octets &+ 4 else {
        writeFault("[Remaining length (")
        out.write(decimal: rest.length)
        write(") < ", octets &+ 4)
        return out.write(" bytes] (invalid)")
      }
      if writesFields { try recordRoute(rest, width: width, octets: octets) }
      out.write("(")
      if width == 0 {
        out.write("default")
      } else {
        for index in 0..<4 {
          if index > 0 { out.write(".") }
          out.write(decimal: index < octets ? try rest.u8(at: index) : 0)
        }
        write("/", width)
      }
      write(":", try rest.ipv4(at: octets))
      out.write(")")
    }
  }
}
