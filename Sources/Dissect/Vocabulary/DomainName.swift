package import PacketCore

extension Printer {
  /// Writes a domain name (RFC 1035 section 3.1) at `start` of `message`, each label followed by a dot; returns the offset after it. Of a
  /// name that is too long, only the first bytes are written, but all of it is read. Pointers (section 4.1.4) lead to earlier names in the
  /// message: each must point before the one that was followed last.
  package mutating func writeDomainName(_ message: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    var offset = start
    var end: Int?
    var limit = start
    var length = try message.u8(at: offset)
    fields.domainName.removeAll()
    if length == 0 {
      if writesFields { fields.domainName.write(".") }
      out.write(".")
      return offset &+ 1
    }
    var written = 0
    while length != 0 {
      switch length & 0xc0 {
      case 0xc0:
        let target = Int(try message.u16(at: offset) & 0x3fff)
        if end == nil { end = offset &+ 2 }
        guard target < limit else {
          writeFault("<BAD PTR>")
          throw .truncated
        }
        limit = target
        offset = target
      case 0x00:
        let count = Int(length)
        let shown = max(0, min(count, maximumNameLength &- written))
        if shown == 0 {
          // Many names may point into one that is much too long.
          context.surplusLabels &+= 1
          guard context.surplusLabels <= maximumSurplusLabels else { throw .truncated }
        }
        if writesFields, shown > 0 {
          fields.domainName.write(label: try message.slice(at: offset &+ 1, length: shown))
          if shown == count { fields.domainName.write(".") }
        }
        try writeText(try message.dropping(offset &+ 1), length: shown)
        if shown == count { out.write(".") }
        offset &+= 1 &+ count
        written &+= count &+ 1
      case 0x40 where length == bitString:
        if writesFields {
          let held = beginHeldText()
          defer { endHeldText(held) }
          offset = try writeBitString(message, at: offset &+ 1)
          fields.domainName.write(contentsOf: out, from: held.start)
          fields.domainName.write(".")
        } else {
          offset = try writeBitString(message, at: offset &+ 1)
        }
        out.write(".")
        written &+= 1
      case 0x40:
        writeFault("<ELT ")
        out.write(decimal: length & 0x3f)
        out.write(">")
        throw .truncated
      default:
        writeFault("<BAD LABEL TYPE>")
        throw .truncated
      }
      length = try message.u8(at: offset)
    }
    if written > maximumNameLength { writeFault("<DOMAIN NAME TOO LONG>") }
    return end ?? offset &+ 1
  }

  /// A bit-string label (RFC 2673): its length in bits, 0 for 256, and the bits; returns the offset after it.
  private mutating func writeBitString(_ message: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    let count = Int(try message.u8(at: start))
    let bits = count == 0 ? 256 : count
    out.write("\\[x")
    var offset = start &+ 1
    var rest = bits
    while rest >= 8 {
      out.write(hex: try message.u8(at: offset), width: 2)
      offset &+= 1
      rest &-= 8
    }
    if rest > 0 {
      let octet = try message.u8(at: offset) & ~(0xff >> UInt8(rest))
      offset &+= 1
      if rest > 4 { out.write(hex: octet, width: 2) } else { out.write(hex: octet >> 4) }
    }
    out.write("/")
    out.write(decimal: bits)
    out.write("]")
    return offset
  }
}

extension PacketBytes {
  /// The offset after the domain name that begins at `start`, which may end in a pointer. Throws `.truncated` if the name was not captured
  /// whole, or has a label of an unknown kind.
  package func endOfDomainName(at start: Int) throws(DecodeError) -> Int {
    var offset = start
    while true {
      let length = try u8(at: offset)
      switch length & 0xc0 {
      case 0xc0: return offset &+ 2
      case 0x00:
        offset &+= 1 &+ Int(length)
        if length == 0 { return offset }
      case 0x40 where length == bitString:
        let bits = Int(try u8(at: offset &+ 1))
        offset &+= 2 &+ ((bits == 0 ? 256 : bits) &+ 7) / 8
      default: throw .truncated
      }
    }
  }
}

extension TextBuffer {
  /// A label as in a zone file (RFC 1035 section 5.1): dots and backslashes are escaped by a backslash, and a byte that is not part of
  /// UTF-8 becomes a backslash and three decimal digits, so that no byte is lost.
  package mutating func write(label: PacketBytes) {
    var index = 0
    while let octet = try? label.u8(at: index) {
      switch octet {
      case UInt8(ascii: "."), UInt8(ascii: "\\"):
        write(byte: UInt8(ascii: "\\"))
        write(byte: octet)
      case 0x80...:
        let length = label.rawSpan.lengthOfScalar(at: index)
        guard length > 0, let character = try? label.slice(at: index, length: length) else {
          write(byte: UInt8(ascii: "\\"))
          write(decimal: octet, width: 3)
          break
        }
        write(character.rawSpan)
        index &+= length &- 1
      default: write(byte: octet)
      }
      index &+= 1
    }
  }
}

/// The byte before a bit-string label.
private let bitString: UInt8 = 0x41
/// The maximum number of labels of one packet that are read after their names have become too long: more than any legitimate packet has,
/// and few enough to read within a millisecond.
private let maximumSurplusLabels = 100_000
/// Maximum length of a name in bytes (RFC 1035 section 2.3.4).
private let maximumNameLength = 255
