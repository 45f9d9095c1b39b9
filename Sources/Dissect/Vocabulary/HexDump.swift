package import PacketCore

extension Printer {
  /// Appends the dump that `-x`, `-X` or `-A` asks for, after the text of a packet.
  package mutating func dump(_ bytes: PacketBytes) {
    func wanted(_ linkHeader: Bool) -> Int { linkHeader ? 0 : min(context.linkHeaderLength, bytes.count) }
    switch options.dump {
    case .none: return
    case .hex(let linkHeader):
      if let part = try? bytes.dropping(wanted(linkHeader)) { writeHex(part) }
    case .hexAndASCII(let linkHeader):
      if let part = try? bytes.dropping(wanted(linkHeader)) { writeHexAndASCII(part) }
    case .ascii(let linkHeader):
      if let part = try? bytes.dropping(wanted(linkHeader)) { writeASCII(part) }
    }
  }

  /// Dumps bytes that no dissector reads, in hexadecimal and ASCII, unless a flag dumps them anyway or `-q` was given.
  package mutating func dumpUnknown(_ bytes: PacketBytes, indent: StaticString = "\n\t") {
    if !options.suppressesUnknownDump { writeHexAndASCII(bytes, indent: indent) }
  }

  /// Lines of sixteen bytes in hexadecimal, each after `indent` and its offset.
  package mutating func writeHex(_ bytes: PacketBytes, indent: StaticString = "\n\t") {
    out.write(hexDump: bytes.rawSpan, indent: indent, showsText: false)
  }

  /// Lines of sixteen bytes in hexadecimal and ASCII, each after `indent` and its offset.
  package mutating func writeHexAndASCII(_ bytes: PacketBytes, indent: StaticString = "\n\t") {
    out.write(hexDump: bytes.rawSpan, indent: indent, showsText: true)
  }

  /// A newline and the bytes as text: printable bytes, tabs, spaces and newlines as they are, `.` for others. A carriage return is left out
  /// before a newline, and if it is the last byte or the last but one.
  package mutating func writeASCII(_ bytes: PacketBytes) {
    out.write(byte: UInt8(ascii: "\n"))
    var offset = 0
    while let octet = try? bytes.u8(at: offset) {
      offset &+= 1
      switch octet {
      case UInt8(ascii: "\r"):
        let next = offset &+ 1 < bytes.count ? try? bytes.u8(at: offset) : nil
        if let next, next != UInt8(ascii: "\n") { out.write(byte: UInt8(ascii: ".")) }
      case UInt8(ascii: "\n"), UInt8(ascii: "\t"), 0x20..<0x7f: out.write(byte: octet)
      default: out.write(byte: UInt8(ascii: "."))
      }
    }
  }
}
