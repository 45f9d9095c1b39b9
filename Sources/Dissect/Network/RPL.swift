import PacketCore

private let codes: ValueNames = [
  0: "DODAG Information Solicitation", 1: "DODAG Information Object", 2: "Destination Advertisement Object",
  3: "Destination Advertisement Object Ack",
]
private let modes: ValueNames = [
  0: "nonstoring", 1: "storing", 2: "nonstoring-multicast", 3: "storing-multicast",
]
private let optionNames: ValueNames = [
  1: "padN", 2: "metrics", 3: "routinginfo", 4: "config", 5: "rpltarget", 6: "transitinfo", 8: "destprefix",
  9: "rpltargetdesc",
]

extension Printer {
  /// IPv6 Routing Protocol for Low-Power and Lossy Networks, RFC 6550 section 6. The body of a message begins at byte 4.
  mutating func printRPL(_ bytes: PacketBytes) throws(DecodeError) {
    let code = try bytes.u8(at: 1)
    if code & 0x80 != 0 {
      // The body of a secured message is encrypted.
      out.write(", (SEC) [worktodo]")
      return
    }
    write(", (CLR)", code, as: .named(codes, unknown: .decimal("RPL message, unknown code ")))
    guard options.verbosity > 0 else { return }
    switch code {
    case 1: try printInformationObject(bytes)
    case 2: try printAdvertisement(bytes)
    case 3: try printAcknowledgment(bytes)
    default: break
    }
  }

  ///     4 instance  5 version  6 rank  8 G, mode, preference  9 DTSN  10 flags  12 DODAG identifier  28 options
  private mutating func printInformationObject(_ bytes: PacketBytes) throws(DecodeError) {
    try reject("length", bytes.length - 4, .less, 24)
    let identifier = try bytes.ipv6(at: 12)
    let mode = try bytes.u8(at: 8)
    if writesFields {
      fields.write("instance", try bytes.u8(at: 4))
      fields.write("dodag_version", try bytes.u8(at: 5))
      fields.write("rank", try bytes.u16(at: 6))
      fields.write("grounded", mode & 0x80 != 0)
      fields.write("mode", mode >> 3 & 7)
      fields.write("dodag_preference", mode & 7)
      fields.write("sequence", try bytes.u8(at: 9))
      fields.write("dodag_id", identifier)
    }
    write(" [dagid:", identifier)
    out.write(",seq:")
    out.write(decimal: try bytes.u8(at: 9))
    out.write(",instance:")
    out.write(decimal: try bytes.u8(at: 4))
    out.write(",rank:")
    out.write(decimal: try bytes.u16(at: 6))
    out.write(mode & 0x80 != 0 ? ",grounded,mop:" : ",mop:")
    write(modes, mode >> 3 & 7, unknown: .decimal("mop"))
    write(",prf:", mode & 7)
    out.write("]")
    try printRPLOptions(bytes, from: 28)
  }

  ///     4 instance  5 K, D, flags  6 reserved  7 sequence  8 DODAG identifier (where D is set), options
  private mutating func printAdvertisement(_ bytes: PacketBytes) throws(DecodeError) {
    // The 16 bytes of an identifier must be there, with or without D.
    guard bytes.length >= 24 else { throw .truncated }
    let flags = try bytes.u8(at: 5)
    let sequence = try bytes.u8(at: 7)
    let hasIdentifier = flags & 0x40 != 0
    if writesFields {
      fields.write("instance", try bytes.u8(at: 4))
      fields.write("flag_bits", flags)
      fields.write("sequence", sequence)
      if hasIdentifier { fields.write("dodag_id", try bytes.ipv6(at: 8)) }
    }
    out.write(" [dagid:")
    if hasIdentifier {
      writeHost(try bytes.ipv6(at: 8))
    } else {
      out.write("<elided>")
    }
    write(",seq:", sequence)
    out.write(",instance:")
    out.write(decimal: try bytes.u8(at: 4))
    if flags & 0x80 != 0 { out.write(",acK") }
    if hasIdentifier { out.write(",Dagid") }
    write(",flags:", flags, as: .hex(2))
    out.write("]")
    try printRPLOptions(bytes, from: hasIdentifier ? 24 : 8)
  }

  ///     4 instance  5 D, reserved  6 sequence  7 status  8 DODAG identifier (where D is set), options
  private mutating func printAcknowledgment(_ bytes: PacketBytes) throws(DecodeError) {
    let status = try bytes.u8(at: 7)
    let hasIdentifier = try bytes.u8(at: 5) & 0x80 != 0
    if writesFields {
      fields.write("instance", try bytes.u8(at: 4))
      fields.write("sequence", try bytes.u8(at: 6))
      fields.write("status", status)
      if hasIdentifier { fields.write("dodag_id", try bytes.ipv6(at: 8)) }
    }
    out.write(" [dagid:")
    if hasIdentifier {
      writeHost(try bytes.ipv6(at: 8))
    } else {
      out.write("<elided>")
    }
    out.write(",seq:")
    out.write(decimal: try bytes.u8(at: 6))
    out.write(",instance:")
    out.write(decimal: try bytes.u8(at: 4))
    write(",status:", status)
    out.write("]")
    try printRPLOptions(bytes, from: hasIdentifier ? 24 : 8)
  }

  private mutating func printRPLOptions(_ bytes: PacketBytes, from start: Int) throws(DecodeError) {
    guard options.verbosity > 1 else { return }
    var list = openList(bytes, at: start, OptionLayout(padding: 0, isTypeFirst: true), objects: "options")
    while let option = try next(&list) {
      if writesFields { fields.write("type", option.type) }
      if option.type == 0 {
        out.write(" opt:pad1")
        continue
      }
      try option.checkHeader()
      if writesFields { fields.write("length", option.size) }
      write(" opt:", option.type, as: .named(optionNames, unknown: .decimal("subopt:")))
      write(" len:", option.size)
      out.write(" ")
      if option.isTooLong { throw .truncated }
      let value = try option.wholeValue()
      if writesFields { fields.write("data", hex: value) }
      if options.verbosity > 2 { writeHex(value, indent: " ") }
    }
  }
}
