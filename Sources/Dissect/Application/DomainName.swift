import PacketCore

extension Printer {
  /// A domain name (RFC 1035 section 3.1) at `offset` of `message`, each label followed by a dot; gives the offset after it.
  /// Pointers (section 4.1.4) lead to earlier names of the message: each must point before the one that it was met in.
  mutating func writeDomainName(_ message: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    var offset = start
    var end: Int?
    var limit = start
    var length = try message.u8(at: offset)
    if length == 0 {
      out.write(".")
      return offset &+ 1
    }
    while length != 0 {
      switch length & 0xc0 {
      case 0xc0:
        let target = Int(try message.u16(at: offset) & 0x3fff)
        if end == nil { end = offset &+ 2 }
        guard target < limit else {
          out.write("<BAD PTR>")
          return end ?? offset &+ 2
        }
        limit = target
        offset = target
      case 0x00:
        let count = Int(length)
        try writeText(try message.dropping(offset &+ 1), length: count)
        out.write(".")
        offset &+= 1 &+ count
      default:
        out.write("<BAD LABEL>")
        return end ?? offset &+ 1
      }
      length = try message.u8(at: offset)
    }
    return end ?? offset &+ 1
  }
}
