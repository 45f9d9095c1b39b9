import PacketCore

private let recordTypes: ValueNames = [
  1: "is_in", 2: "is_ex", 3: "to_in", 4: "to_ex", 5: "allow", 6: "block",
]

extension Printer {
  ///     4 maximum response delay  6 reserved  8 multicast address
  /// Multicast Listener Discovery, RFC 2710 section 3.
  mutating func printListener(_ bytes: PacketBytes) throws(DecodeError) {
    let group = try bytes.ipv6(at: 8)
    if writesFields {
      fields.write("maximum_response_delay", try bytes.u16(at: 4))
      fields.write("group", group)
    }
    out.write("max resp delay: ")
    out.write(decimal: try bytes.u16(at: 4))
    out.write(" addr: ")
    writeHost(group)
  }

  ///     4 maximum response code  8 multicast address  24 flags, robustness  25 interval code  26 number of sources
  /// RFC 3810 section 5.1.
  mutating func printListenerQuery2(_ bytes: PacketBytes) throws(DecodeError) {
    if bytes.length < 28 {
      writeFault(" unknown-version (len ")
      out.write(decimal: bytes.length)
      out.write(") ")
      return
    }
    let code = try bytes.u16(at: 4)
    out.write(" v2")
    if options.verbosity > 0 {
      out.write(" [max resp delay=")
      let delay =
        code < 0x8000
        ? UInt32(code) : (UInt32(code & 0x0fff) | 0x1000) << (UInt32(code >> 12 & 7) + 3)
      if writesFields { fields.write("maximum_response_delay", delay) }
      out.write(decimal: delay)
      out.write("]")
    }
    let group = try bytes.ipv6(at: 8)
    if writesFields { fields.write("group", group) }
    out.write(" [gaddr ")
    writeHost(group)
    if options.verbosity > 0 {
      let flags = try bytes.u8(at: 24)
      if flags & 0x08 != 0 { out.write(" sflag") }
      if flags & 0x07 != 0 {
        out.write(" robustness=")
        out.write(decimal: flags & 7)
      }
      let code = try bytes.u8(at: 25)
      let interval = code < 0x80 ? UInt32(code) : (UInt32(code & 15) | 16) << (UInt32(code >> 4 & 7) + 3)
      if writesFields {
        fields.write("suppress", flags & 8 != 0)
        fields.write("robustness", flags & 7)
        fields.write("query_interval", interval)
      }
      out.write(" qqi=")
      out.write(decimal: interval)
    }
    let sources = Int(try bytes.u16(at: 26))
    if sources > 0 {
      if bytes.length < 28 &+ sources &* 16 {
        writeFault(" [invalid number of sources]")
      } else if options.verbosity > 1 {
        out.write(" {")
        try writeSources(bytes, at: 28, sources)
        out.write(" }")
      } else {
        out.write(", ")
        out.write(decimal: sources)
        out.write(" source(s)")
      }
    }
    out.write("]")
  }

  private mutating func writeSources(_ bytes: PacketBytes, at offset: Int, _ count: Int) throws(DecodeError) {
    if writesFields {
      fields.beginArray("sources")
      for index in 0..<count { fields.element(try bytes.ipv6(at: offset &+ index &* 16)) }
      fields.end()
    }
    for index in 0..<count {
      out.write(" ")
      writeHost(try bytes.ipv6(at: offset &+ index &* 16))
    }
  }

  ///     6 number of records  8 records: 0 type  1 auxiliary length  2 number of sources  4 multicast address  20 sources
  /// RFC 3810 section 5.2. Auxiliary data is not skipped: version 2 of the protocol knows none.
  mutating func printListenerReport2(_ bytes: PacketBytes) throws(DecodeError) {
    if bytes.length < 8 {
      writeFault(" [invalid len ")
      out.write(decimal: bytes.length)
      out.write("]")
      return
    }
    let records = Int(try bytes.u16(at: 6))
    out.write(", ")
    out.write(decimal: records)
    out.write(" group record(s)")
    guard options.verbosity > 0 else { return }
    var offset = 8
    if writesFields { fields.beginArray("records") }
    let level = fields.level
    for _ in 0..<records {
      if bytes.length < offset &+ 20 {
        writeFault(" [invalid number of groups]")
        return
      }
      let group = try bytes.ipv6(at: offset &+ 4)
      if writesFields {
        fields.end(downTo: level)
        fields.beginObject()
        fields.write("type", try bytes.u8(at: offset), "type_name", recordTypes)
        fields.write("group", group)
      }
      out.write(" [gaddr ")
      writeHost(group)
      out.write(" ")
      write(recordTypes, try bytes.u8(at: offset), unknownDecimal: " [v2-report-#", suffix: "]")
      let sources = Int(try bytes.u16(at: offset &+ 2))
      if bytes.length < offset &+ 20 &+ sources &* 16 {
        writeFault(" [invalid number of sources ")
        out.write(decimal: sources)
        out.write("]")
        return
      }
      if options.verbosity == 1 {
        out.write(", ")
        out.write(decimal: sources)
        out.write(" source(s)")
      } else {
        out.write(" {")
        try writeSources(bytes, at: offset &+ 20, sources)
        out.write(" }")
      }
      out.write("]")
      offset &+= 20 &+ sources &* 16
    }
    fields.end(downTo: level)
    if writesFields { fields.end() }
  }
}
