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
  /// Options follow the fixed part of the header; single-byte types have no length.
  private static let optionLayout = OptionLayout(
    countsHeader: true, padding: IPv4Option.noOperation, end: IPv4Option.end, isTypeFirst: true)

  /// Writes the options of a header of `headerLength` bytes, separated by commas. False if the capture ends within the value of an option;
  /// throws `.truncated` if it ends before a value.
  mutating func writeIPv4Options(_ bytes: PacketBytes, headerLength: Int) throws(DecodeError) -> Bool {
    let level = fields.level
    var list = openList(
      bytes.withLength(headerLength), at: IPv4Header.minimumLength, Self.optionLayout, objects: "options")
    while let option = try next(&list) {
      guard let isFollowed = try writeIPv4Option(option) else {
        noteTruncation(of: protocolName)
        out.write(" [truncated-option]")
        fields.end(downTo: level)
        return false
      }
      if !isFollowed { break }
      if list.remaining > 0 { out.write(",") }
    }
    fields.end(downTo: level)
    return true
  }

  /// Writes one option; false if it is the last or its length is impossible, and nil if its value is truncated.
  private mutating func writeIPv4Option(_ option: borrowing OptionList.Entry) throws(DecodeError) -> Bool? {
    let type = UInt8(truncatingIfNeeded: option.type)
    if writesFields { fields.write("type", type, "type_name", IPv4Option.names) }
    write(IPv4Option.names, type, unknown: .decimal("unknown "))
    if type == IPv4Option.end { return false }
    if type == IPv4Option.noOperation { return true }
    if option.rest < 2 {
      // tcpdump shows the byte after the header.
      writeBadOptionLength(Int(try option.bytes.u8(at: 1)))
      return false
    }
    try option.checkHeader()
    let length = option.length
    if writesFields { fields.write("length", length) }
    if option.isTooShort || option.isTooLong {
      writeBadOptionLength(length)
      return false
    }
    do throws(DecodeError) {
      try writeIPv4Value(option, type)
    } catch {
      return nil
    }
    return true
  }

  private mutating func writeIPv4Value(_ option: borrowing OptionList.Entry, _ type: UInt8) throws(DecodeError) {
    let length = option.length
    switch type {
    case IPv4Option.recordRoute, IPv4Option.looseSourceRoute, IPv4Option.strictSourceRoute:
      try writeRoute(option.bytes, length: length)
    case IPv4Option.timestamp: try writeTimestamps(option.bytes, length: length)
    case IPv4Option.routerAlert:
      let value = try option.wholeValue()
      if length < 4 {
        writeBadOptionLength(length)
      } else if try value.u16(at: 0) != 0 {
        write(" value ", "value", try value.u16(at: 0))
      }
    default:
      let value = try option.wholeValue()
      if writesFields, length > 2 { fields.write("data", hex: value) }
    }
  }

  private mutating func writeBadOptionLength(_ length: Int) {
    writeFault(" [bad length ")
    out.write(decimal: length)
    out.write("]")
  }

  /// A comma follows each address before the pointer: the packet has already passed it.
  private mutating func writeRoute(_ option: PacketBytes, length: Int) throws(DecodeError) {
    if length < 3 {
      writeBadOptionLength(length)
      return
    }
    if (length &+ 1) & 3 != 0 { writeBadOptionLength(length) }
    let octet = try option.u8(at: 2)
    if writesFields { fields.write("pointer", octet) }
    // A pointer of zero wraps around to 255.
    let pointer = Int(octet &- 1)
    if pointer < 3 || (pointer &+ 1) & 3 != 0 || pointer > length {
      writeFault(" [bad ptr ")
      out.write(decimal: octet)
      out.write("]")
    }
    if writesFields { fields.beginArray("addresses") }
    for offset in stride(from: 3, to: length, by: 4) {
      writeElement(" ", try option.ipv4(at: offset))
      if pointer > offset { out.write(",") }
    }
  }

  /// The timestamps of the Internet Timestamp option; `^` marks the position of the pointer.
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
    write(" [", flags >> 4)
    out.write(" hops not recorded]} ")
  }

  /// The last address of a source route, which is the packet's final destination; nil if there is no such option.
  mutating func finalDestination(_ bytes: PacketBytes, headerLength: Int) -> UInt128? {
    var list = openList(bytes.withLength(headerLength), at: IPv4Header.minimumLength, Self.optionLayout)
    while let option = try? next(&list), option.type != IPv4Option.end {
      if option.type == IPv4Option.noOperation { continue }
      if option.isTooShort { return nil }
      if option.type == IPv4Option.looseSourceRoute || option.type == IPv4Option.strictSourceRoute {
        if option.length < 7 { return nil }
        return (try? option.bytes.u32(at: option.length &- 4)).map { UInt128($0) }
      }
    }
    return nil
  }
}
