import PacketCore

extension Layer {
  static let routing = Layer(
    "routing", "Routing header of IPv6", "RFC 8200 section 4.4, RFC 8754", marks: ["rt6"]
  ) {
    [
      Field("next_header", .uint8, "Protocol of what follows."),
      Field("length", .uint16, "Bytes of the header."),
      Field("type", .uint8, "Routing type.", always: true),
      Field("segments_left", .uint8, "Segments left."),
      Field("last_entry", .uint8, "Last entry of a segment routing header."),
      Field("flag_bits", .uint8, "Flags of a segment routing header."),
      Field("tag", .uint16, "Tag of a segment routing header."),
      Field("addresses", .array(.ipv6), "Addresses or segments, as sent."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint8, "TLV type.", always: true),
            Field("length", .uint8, "Length, as the TLV states."),
            Field("d_flag", .flag, "D flag of an HMAC."),
            Field("key_id", .uint32, "Key of an HMAC."),
            Field("hmac", .hex, "The HMAC."),
            Field("data", .hex, "Value of any other TLV."),
          ])), "TLVs of a segment routing header.", each: "One TLV."),
    ]
  }
}

/// Types of routing headers (IANA "IPv6 Routing Types").
private enum RoutingType {
  /// Source route, deprecated by RFC 5095.
  static let source: UInt8 = 0
  /// RFC 6275 section 6.4.
  static let mobile: UInt8 = 2
  /// RFC 8754.
  static let segment: UInt8 = 4
}

/// TLVs of a segment routing header (RFC 8754 section 2.1).
private enum SegmentTLV {
  static let pad1: UInt8 = 0
  static let padN: UInt8 = 4
  static let hmac: UInt8 = 5
  static let names: ValueNames = [0: "Pad1", 4: "PadN", 5: "HMAC"]
}

extension Printer {
  ///     0             1        2      3               4
  ///     +-------------+--------+------+---------------+------------------
  ///     | next header | length | type | segments left | type-specific data
  ///     +-------------+--------+------+---------------+------------------
  /// Prints a routing header (RFC 8200 section 4.4); returns its length in bytes.
  mutating func printRoutingHeader(_ bytes: PacketBytes) throws(DecodeError) -> Int {
    protocolName = "rt6"
    out.write("RT6")
    let units = Int(try bytes.u8(at: 1))
    write(" (len=", units)
    let type = try bytes.u8(at: 2)
    write(", type=", type)
    if type == RoutingType.source { out.write(" [Deprecated]") }
    let segmentsLeft = try bytes.u8(at: 3)
    if enter(.routing) {
      fields.write("next_header", try bytes.u8(at: 0))
      fields.write("length", (units &+ 1) &* 8)
      fields.write("type", type)
      fields.write("segments_left", segmentsLeft)
    }
    write(", segleft=", segmentsLeft)
    switch type {
    case RoutingType.source, RoutingType.mobile: try printAddressList(bytes, units: units)
    case RoutingType.segment: try printSegmentRouting(bytes, units: units)
    default:
      out.write(" (unknown type)")
      throw .invalid
    }
    out.write(") ")
    return (units &+ 1) &* 8
  }

  private mutating func printAddressList(_ bytes: PacketBytes, units: Int) throws(DecodeError) {
    let reserved = try bytes.u32(at: 4)
    if reserved != 0 || options.verbosity > 0 {
      write(", rsv=0x", reserved, as: .hex(1))
    }
    if units % 2 == 1 {
      write(" [length ", units)
      out.write("]")
      throw .invalid
    }
    if writesFields { fields.beginArray("addresses") }
    for index in 0..<(units / 2) {
      let address = try bytes.ipv6(at: 8 &+ index &* 16)
      if writesFields { fields.element(address) }
      writeListed(index, address)
      network.finalDestination = address.rawValue
    }
    if writesFields { fields.end() }
  }

  private mutating func writeListed(_ index: Int, _ address: IPv6Address) {
    write(", [", index)
    write("]", address)
  }

  private mutating func printSegmentRouting(_ bytes: PacketBytes, units: Int) throws(DecodeError) {
    let lastEntry = try bytes.u8(at: 4)
    out.write(", last-entry=")
    out.write(decimal: lastEntry)
    let flags = try bytes.u8(at: 5)
    if flags != 0 || options.verbosity > 0 {
      write(", flags=0x", flags, as: .hex(1))
    }
    let tag = try bytes.u16(at: 6)
    write(", tag=", tag, as: .hex(1))
    if writesFields {
      fields.write("last_entry", lastEntry)
      fields.write("flag_bits", flags)
      fields.write("tag", tag)
    }
    let length = units &* 8
    let segments = (Int(lastEntry) &+ 1) &* 16
    if writesFields { fields.beginArray("addresses") }
    for index in 0...Int(lastEntry) {
      let address = try bytes.ipv6(at: 8 &+ index &* 16)
      if writesFields { fields.element(address) }
      writeListed(index, address)
      // The list is in reverse order: its first entry is the last segment.
      if index == 0 { network.finalDestination = address.rawValue }
    }
    if writesFields { fields.end() }
    // If there are more segments than the header has room for, they are still read, and no TLV follows them.
    if segments < length {
      try printSegmentTLVs(try bytes.dropping(8 &+ segments), length: length &- segments)
    }
  }

  private mutating func printSegmentTLVs(_ bytes: PacketBytes, length total: Int) throws(DecodeError) {
    let layout = OptionLayout(padding: UInt8(SegmentTLV.pad1), isTypeFirst: true)
    var list = openList(bytes.withLength(total), layout, objects: "tlvs")
    while let tlv = try next(&list) {
      if writesFields { fields.write("type", tlv.type) }
      write(", TLV-type=", tlv.type, as: .named(SegmentTLV.names, unknown: "Unknown"))
      write("(", tlv.type)
      out.write(")")
      if tlv.type == SegmentTLV.pad1 { continue }
      // A TLV without room for a length is the last one.
      guard tlv.rest >= 2 else { continue }
      try tlv.checkHeader()
      let length = tlv.length
      write(", TLV-len=", length)
      if writesFields { fields.write("length", length) }
      switch UInt8(truncatingIfNeeded: tlv.type) {
      case SegmentTLV.padN:
        try reject("PadN length", length, .greater, maximumPadding)
        _ = try tlv.wholeValue()
      case SegmentTLV.hmac:
        // The stated length is that of the digest only.
        list.resume(after: 8 &+ length)
        try printSegmentHMAC(try tlv.bytes.dropping(2), length: length)
      default:
        if options.verbosity > 0 { out.write(", TLV-value=0x") }
        try reject("remaining length", tlv.rest &- 2, .less, length)
        // Show what was captured of it.
        if options.verbosity > 0 { try writeHexOctets(tlv.value, length) }
        let value = try tlv.wholeValue()
        if writesFields, length > 0 { fields.write("data", hex: value) }
      }
    }
  }

  ///     0             2      6
  ///     +-------------+------+--------
  ///     | D, reserved | key  | digest
  ///     +-------------+------+--------
  /// The HMAC TLV, after its type and length (RFC 8754 section 2.1.2); the length of `bytes` is what is left of the header.
  private mutating func printSegmentHMAC(_ bytes: PacketBytes, length: Int) throws(DecodeError) {
    let isVerbose = options.verbosity > 0
    try reject("remaining length", bytes.length, .less, 6)
    let first = try bytes.u16(at: 0)
    if isVerbose {
      write(", D=", first >> 15)
      if first & 0x7fff != 0 { write(", reserved MBZ ", first & 0x7fff) }
    }
    let key = try bytes.u32(at: 2)
    if writesFields {
      fields.write("d_flag", first & 0x8000 != 0)
      fields.write("key_id", key)
      if bytes.length >= 6 &+ length, bytes.has(6, length) {
        fields.write("hmac", hex: try bytes.slice(at: 6, length: length))
      }
    }
    if isVerbose {
      write(", HMAC-key-ID=0x", key, as: .hex(1))
      out.write(", HMAC=0x")
    }
    for index in 0..<length {
      let octet = try bytes.u8(at: 6 &+ index)
      try reject("remaining length", bytes.length &- 6 &- index, .less, 1)
      if isVerbose { out.write(hex: octet, width: 2) }
    }
  }
}

/// Maximum length of a PadN TLV's value, in bytes (RFC 8754 section 2.1.1.2).
private let maximumPadding = 5
