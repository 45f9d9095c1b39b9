import PacketCore

/// Option types of IPv4 (RFC 791 section 3.1, IANA "IP Option Numbers").
private enum IPv4Option {
  static let end: UInt8 = 0
  static let noOperation: UInt8 = 1
  static let recordRoute: UInt8 = 7
  static let timestamp: UInt8 = 0x44
  static let traceroute: UInt8 = 0x52
  static let security: UInt8 = 0x82
  static let looseSourceRoute: UInt8 = 0x83
  static let strictSourceRoute: UInt8 = 0x89
  static let routerAlert: UInt8 = 0x94

  static let names: ValueNames = [
    0: "EOL", 1: "NOP", 7: "RR", 0x44: "timestamp", 0x52: "traceroute", 0x82: "security", 0x83: "LSRR", 0x89: "SSRR",
    0x94: "RA",
  ]
}

extension Printer {
  /// The options of a header of `headerLength` octets, with commas between them.
  mutating func writeIPv4Options(_ bytes: PacketBytes, headerLength: Int) {
    let level = fields.level
    if writesFields { fields.beginArray("options") }
    writeIPv4OptionList(bytes, headerLength: headerLength)
    fields.end(downTo: level)
  }

  private mutating func writeIPv4OptionList(_ bytes: PacketBytes, headerLength: Int) {
    let level = fields.level
    do throws(DecodeError) {
      var offset = IPv4Header.minimumLength
      var isFirst = true
      while offset < headerLength {
        if !isFirst { out.write(",") }
        isFirst = false
        let type = try bytes.u8(at: offset)
        if writesFields {
          fields.end(downTo: level)
          fields.beginObject()
          fields.write("type", type, "type_name", IPv4Option.names)
        }
        write(IPv4Option.names, type, unknownDecimal: "unknown ")
        if type == IPv4Option.end { return }
        if type == IPv4Option.noOperation {
          offset &+= 1
          continue
        }
        guard offset &+ 1 < headerLength else {
          writeBadOptionLength(0)
          return
        }
        let length = Int(try bytes.u8(at: offset &+ 1))
        if writesFields { fields.write("length", length) }
        guard length >= 2, length <= headerLength &- offset else {
          writeBadOptionLength(length)
          return
        }
        try bytes.check(offset, length)
        let option = try bytes.dropping(offset)
        switch type {
        case IPv4Option.recordRoute, IPv4Option.looseSourceRoute, IPv4Option.strictSourceRoute:
          try writeRoute(option, length: length)
        case IPv4Option.timestamp: try writeTimestamps(option, length: length)
        case IPv4Option.routerAlert:
          if length < 4 {
            writeBadOptionLength(length)
          } else if try option.u16(at: 2) != 0 {
            if writesFields { fields.write("value", try option.u16(at: 2)) }
            out.write(" value ")
            out.write(decimal: try option.u16(at: 2))
          }
        default:
          if writesFields, length > 2 { fields.write("data", hex: try option.slice(at: 2, length: length &- 2)) }
        }
        offset &+= length
      }
    } catch {
      noteTruncation(of: protocolName)
      out.write(" [truncated-option]")
    }
  }

  private mutating func writeBadOptionLength(_ length: Int) {
    writeFault(" [bad length ")
    out.write(decimal: length)
    out.write("]")
  }

  /// A comma after an address says that it lies before the pointer: the route has passed it.
  private mutating func writeRoute(_ option: PacketBytes, length: Int) throws(DecodeError) {
    if length < 3 {
      writeBadOptionLength(length)
      return
    }
    if (length &+ 1) & 3 != 0 { writeBadOptionLength(length) }
    let octet = try option.u8(at: 2)
    if writesFields { fields.write("pointer", octet) }
    // A pointer of zero is before nothing: it counts as the largest.
    let pointer = Int(octet &- 1)
    if pointer < 3 || (pointer &+ 1) & 3 != 0 || pointer > length {
      writeFault(" [bad ptr ")
      out.write(decimal: octet)
      out.write("]")
    }
    var offset = 3
    if writesFields { fields.beginArray("addresses") }
    while offset < length {
      let address = try option.ipv4(at: offset)
      if writesFields { fields.element(address) }
      out.write(" ")
      writeHost(address)
      if pointer > offset { out.write(",") }
      offset &+= 4
    }
  }

  /// The timestamps of the Internet Timestamp option; `^` marks the pointer's place.
  private mutating func writeTimestamps(_ option: PacketBytes, length: Int) throws(DecodeError) {
    guard length >= 4 else {
      writeFault("[bad length ")
      out.write(decimal: length)
      out.write("]")
      return
    }
    out.write(" TS{")
    let flags = try option.u8(at: 3)
    let entryLength = flags & 15 == 0 ? 4 : 8
    if (length &- 4) % entryLength != 0 {
      writeFault("[bad length ")
      out.write(decimal: length)
      out.write("]")
    }
    let pointer = Int(try option.u8(at: 2)) &- 1
    if writesFields {
      fields.write("pointer", try option.u8(at: 2))
      fields.write("flag_bits", flags & 15)
      fields.write("overflow", flags >> 4)
    }
    if pointer < 4 || (pointer &- 4) % entryLength != 0 || pointer > length {
      writeFault("[bad ptr ")
      out.write(decimal: pointer &+ 1)
      out.write("]")
    }
    var hasEntries = true
    switch flags & 15 {
    case 0: out.write("TSONLY")
    case 1: out.write("TS+ADDR")
    case 3: out.write("PRESPEC")
    case let other:
      writeFault("[bad ts type ")
      out.write(decimal: other)
      out.write("]")
      hasEntries = false
    }
    if hasEntries {
      var offset = 4
      if writesFields { fields.beginArray("entries") }
      while offset < length {
        if writesFields {
          let timestamp = try option.u32(at: offset &+ entryLength &- 4)
          let address = entryLength == 8 ? try option.ipv4(at: offset) : nil
          fields.beginObject()
          if let address { fields.write("address", address) }
          fields.write("timestamp", timestamp)
          fields.end()
        }
        out.write(offset == pointer ? " ^ " : " ")
        out.write(decimal: try option.u32(at: offset &+ entryLength &- 4))
        out.write("@")
        if entryLength == 8 { writeHost(try option.ipv4(at: offset)) }
        offset &+= entryLength
      }
      if offset == pointer { out.write(" ^ ") }
    }
    guard flags >> 4 != 0 else {
      out.write("}")
      return
    }
    out.write(" [")
    out.write(decimal: flags >> 4)
    out.write(" hops not recorded]} ")
  }

  /// The last address of a source route: where the packet goes in the end. nil where there is no such option.
  func finalDestination(_ bytes: PacketBytes, headerLength: Int) -> UInt128? {
    do throws(DecodeError) {
      var offset = IPv4Header.minimumLength
      while offset < headerLength {
        let type = try bytes.u8(at: offset)
        if type == IPv4Option.end { return nil }
        if type == IPv4Option.noOperation {
          offset &+= 1
          continue
        }
        let length = Int(try bytes.u8(at: offset &+ 1))
        if length < 2 { return nil }
        if type == IPv4Option.looseSourceRoute || type == IPv4Option.strictSourceRoute {
          if length < 7 { return nil }
          return UInt128(try bytes.u32(at: offset &+ length &- 4))
        }
        offset &+= length
      }
    } catch {}
    return nil
  }
}
