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
    write(" addr: ", group)
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
    write(" [gaddr ", "group", group)
    if options.verbosity > 0 {
      let flags = try bytes.u8(at: 24)
      if flags & 0x08 != 0 { out.write(" sflag") }
      if flags & 0x07 != 0 {
        write(" robustness=", flags & 7)
      }
      let code = try bytes.u8(at: 25)
      let interval = code < 0x80 ? UInt32(code) : (UInt32(code & 15) | 16) << (UInt32(code >> 4 & 7) + 3)
      if writesFields {
        fields.write("suppress", flags & 8 != 0)
        fields.write("robustness", flags & 7)
        fields.write("query_interval", interval)
      }
      write(" qqi=", interval)
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
        write(", ", sources)
        out.write(" source(s)")
      }
    }
    out.write("]")
  }

  private mutating func writeSources(_ bytes: PacketBytes, at offset: Int, _ count: Int) throws(DecodeError) {
    var list = openList(bytes.withLength(offset &+ count &* 16), at: offset, .elements(of: 16), array: "sources")
    while let source = try next(&list) {
      out.write(" ")
      writeElement("", try source.value.ipv6(at: 0))
    }
  }

  ///     6 number of records  8 records: 0 type  1 auxiliary length  2 number of sources  4 multicast address  20 sources
  /// RFC 3810 section 5.2. Auxiliary data is not skipped, since version 2 of the protocol defines none.
  mutating func printListenerReport2(_ bytes: PacketBytes) throws(DecodeError) {
    if bytes.length < 8 {
      writeFault(" [invalid len ")
      out.write(decimal: bytes.length)
      out.write("]")
      return
    }
    let records = Int(try bytes.u16(at: 6))
    write(", ", records)
    out.write(" group record(s)")
    guard options.verbosity > 0 else { return }
    let layout = OptionLayout(
      type: .bytes(at: 0, 1), length: .bytes(at: 2, 2), headerLength: 20, unit: 16, shortHeader: .endsList)
    var list = openList(bytes, at: 8, layout, objects: "records")
    for _ in 0..<records {
      guard let record = try next(&list) else { return writeFault(" [invalid number of groups]") }
      let group = try record.bytes.ipv6(at: 4)
      if writesFields {
        fields.write("type", record.type, "type_name", recordTypes)
        fields.write("group", group)
      }
      write(" [gaddr ", group)
      write(" ", record.type, as: .named(recordTypes, unknown: .decimal(" [v2-report-#", "]")))
      if record.isTooLong {
        writeFault(" [invalid number of sources ")
        out.write(decimal: record.length)
        return out.write("]")
      }
      if options.verbosity == 1 {
        write(", ", record.length)
        out.write(" source(s)")
      } else {
        out.write(" {")
        try writeSources(record.bytes, at: 20, record.length)
        out.write(" }")
      }
      out.write("]")
    }
    stop(&list)
  }
}
