import PacketCore

private let headerFlags: FlagNames = [0x80: "T", 0x40: "R", 0x20: "A", 0x10: "S", 0x08: "P"]
private let operations: ValueNames = [1: "add", 2: "change", 3: "setglobal"]

extension Printer {
  ///     0 type  1 code  2 checksum  4 sequence number  8 segment  9 flags  10 maximum delay  12 reserved  16 operations
  /// RFC 2894 section 3.
  mutating func printRouterRenumbering(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, 16)
    if writesFields {
      let flags = try bytes.u8(at: 9)
      fields.write("sequence", try bytes.u32(at: 4))
      fields.write("segment", try bytes.u8(at: 8))
      fields.write("flag_bits", flags)
      fields.write("maximum_delay", try bytes.u16(at: 10))
    }
    switch try bytes.u8(at: 1) {
    case 0: out.write(", command")
    case 1: out.write(", result")
    case 255: out.write(", sequence number reset")
    case let code:
      write(", code-#", code)
    }
    out.write(", seq=")
    out.write(decimal: try bytes.u32(at: 4))
    if options.verbosity > 0 {
      let flags = try bytes.u8(at: 9)
      out.write("[")
      if flags != 0 {
        write(headerFlags, flags, separator: "")
        out.write(",")
      }
      out.write("seg=")
      out.write(decimal: try bytes.u8(at: 8))
      out.write(",maxdelay=")
      out.write(decimal: try bytes.u16(at: 10))
      let reserved = try bytes.u32(at: 12)
      if reserved != 0 {
        write("rsvd=0x", reserved, as: .hex(1))
      }
      out.write("]")
    }
    if try bytes.u8(at: 1) == 0 { try printPrefixOperations(bytes) }
  }

  ///     match: 0 operation  1 length  2 ordinal  3 match length  4 minimum  5 maximum  8 prefix (16)
  ///     use:   0 length  1 keep length  2 flag mask  3 flags  4 valid  8 preferred lifetime  12 V and P  16 prefix (16)
  private mutating func printPrefixOperations(_ bytes: PacketBytes) throws(DecodeError) {
    // The length counts units of eight bytes: three for the match, four for each use.
    let layout = OptionLayout(
      type: .bytes(at: 0, 1), length: .bytes(at: 1, 1), headerLength: 24, unit: 8, countsHeader: true)
    var list = openList(bytes.withLength(bytes.count), at: 16, layout, objects: "operations")
    if list.remaining == 0 { throw .truncated }
    while let operation = try next(&list) {
      let match = operation.bytes
      let prefix = try match.ipv6(at: 8)
      if writesFields {
        fields.write("operation", operation.type, "operation_name", operations)
        fields.write("ordinal", try match.u8(at: 2))
        fields.write("minimum_length", try match.u8(at: 4))
        fields.write("maximum_length", try match.u8(at: 5))
        fields.write("prefix", prefix)
        fields.write("match_length", try match.u8(at: 3))
      }
      out.write(options.verbosity > 1 ? "\n\tmatch(" : " match(")
      write(operations, operation.type, unknown: .decimal("#"))
      out.write(",")
      if options.verbosity > 0 {
        write("ord=", try match.u8(at: 2))
        write(",min=", try match.u8(at: 4))
        write(",max=", try match.u8(at: 5))
        out.write(",")
      }
      writeHost(prefix)
      write("/", try match.u8(at: 3))
      out.write(")")
      var uses = openList(operation.value, .elements(of: 32), array: "uses")
      guard !operation.isTooShort, operation.value.length % 32 == 0 else { throw .truncated }
      while let use = try next(&uses) { try printPrefixUse(use.value) }
    }
  }

  private mutating func printPrefixUse(_ use: PacketBytes) throws(DecodeError) {
    let prefix = try use.ipv6(at: 16)
    out.write(options.verbosity > 1 ? "\n\tuse(" : " use(")
    let flags = try use.u32(at: 12)
    if writesFields {
      fields.beginObject()
      fields.write("prefix", prefix)
      fields.write("use_length", try use.u8(at: 0))
      fields.write("keep_length", try use.u8(at: 1))
      fields.write("flag_mask", try use.u8(at: 2))
      fields.write("advertisement_flags", try use.u8(at: 3))
      fields.write("valid_lifetime", try use.u32(at: 4))
      fields.write("preferred_lifetime", try use.u32(at: 8))
      fields.write("decrement_valid", flags & 0x8000_0000 != 0)
      fields.write("decrement_preferred", flags & 0x4000_0000 != 0)
      fields.end()
    }
    if flags & 0xc000_0000 != 0 {
      if flags & 0x8000_0000 != 0 { out.write("V") }
      if flags & 0x4000_0000 != 0 { out.write("P") }
      out.write(",")
    }
    if options.verbosity > 0 {
      out.write("mask=0x")
      out.write(hex: try use.u8(at: 2))
      out.write(",raflags=0x")
      out.write(hex: try use.u8(at: 3))
      writeRenumberingTime(",vltime=", try use.u32(at: 4))
      writeRenumberingTime(",pltime=", try use.u32(at: 8))
      out.write(",")
    }
    writeHost(prefix)
    out.write("/")
    out.write(decimal: try use.u8(at: 0))
    out.write("/")
    out.write(decimal: try use.u8(at: 1))
    out.write(")")
  }

  private mutating func writeRenumberingTime(_ name: StaticString, _ seconds: UInt32) {
    out.write(name)
    if seconds == UInt32.max {
      out.write("infty")
    } else {
      out.write(decimal: seconds)
    }
  }
}
