import PacketCore

private let challengeCodes: ValueNames = [1: "Challenge", 2: "Response", 3: "Success", 4: "Fail"]
private let passwordCodes: ValueNames = [1: "Auth-Req", 2: "Auth-ACK", 3: "Auth-NACK"]

extension Printer {
  ///     0      1            2        4
  ///     +------+------------+--------+-----
  ///     | code | identifier | length | data
  ///     +------+------------+--------+-----
  /// Challenge Handshake Authentication Protocol, RFC 1994.
  mutating func printCHAP(_ bytes: PacketBytes) throws(DecodeError) {
    if try !hasAuthenticationHeader(bytes, "chap") { return }
    let code = try bytes.u8(at: 0)
    try writeAuthenticationHeader("CHAP, ", challengeCodes, code, bytes)
    let length = Int(try bytes.u16(at: 2))
    switch code {
    case 1, 2:
      if bytes.length < 5 { return }
      let valueSize = Int(try bytes.u8(at: 4))
      if bytes.length < 5 &+ valueSize { return }
      out.write(", Value ")
      try writeHexOctets(try bytes.dropping(5), valueSize)
      out.write(", Name ")
      try writeRest(try bytes.dropping(5 &+ valueSize), length: length &- 5 &- valueSize)
    case 3, 4:
      out.write(", Msg ")
      try writeRest(try bytes.dropping(4), length: length &- 4)
    default: break
    }
  }

  /// Password Authentication Protocol, RFC 1334 section 2.
  mutating func printPAP(_ bytes: PacketBytes) throws(DecodeError) {
    if try !hasAuthenticationHeader(bytes, "pap") { return }
    let code = try bytes.u8(at: 0)
    try writeAuthenticationHeader("PAP, ", passwordCodes, code, bytes)
    let length = Int(try bytes.u16(at: 2))
    if length > bytes.length {
      out.write(", length ")
      out.write(decimal: length)
      out.write(" > packet size")
      return
    }
    if length < 4 {
      out.write(", length ")
      out.write(decimal: length)
      out.write(" < PAP header length")
      return
    }
    switch code {
    case 1:
      // A peer's name and a password, each behind its length, may be empty.
      if length < 6 {
        out.write("[|pap]")
        return
      }
      let peerLength = Int(try bytes.u8(at: 4))
      guard 5 &+ peerLength <= length else { return }
      out.write(", Peer ")
      try writeText(try bytes.dropping(5), length: peerLength)
      if 6 &+ peerLength > length { return }
      let passwordLength = Int(try bytes.u8(at: 5 &+ peerLength))
      guard 6 &+ peerLength &+ passwordLength <= length else { return }
      out.write(", Name ")
      try writeText(try bytes.dropping(6 &+ peerLength), length: passwordLength)
    case 2, 3:
      // Some send no message, against RFC 1334 section 2.2.2.
      if length < 5 {
        out.write("[|pap]")
        return
      }
      let messageLength = Int(try bytes.u8(at: 4))
      guard 5 &+ messageLength <= length else { return }
      out.write(", Msg ")
      try writeText(try bytes.dropping(5), length: messageLength)
    default: break
    }
  }

  /// True where a message has a whole header; else what there is of it has been said.
  private mutating func hasAuthenticationHeader(
    _ bytes: PacketBytes, _ name: StaticString
  ) throws(DecodeError) -> Bool {
    if bytes.length >= 4 { return true }
    if bytes.length < 1 {
      out.write("[|")
      out.write(name)
      out.write("]")
      return false
    }
    let first = try bytes.u8(at: 0)
    out.write("[|")
    out.write(name)
    out.write(" 0x")
    out.write(hex: first, width: 2)
    out.write("]")
    return false
  }

  /// Text of a length that a message states: where that cannot be, all that there is.
  private mutating func writeRest(_ bytes: PacketBytes, length: Int) throws(DecodeError) {
    try writeText(bytes, length: length < 0 ? Int.max : length)
  }

  private mutating func writeAuthenticationHeader(
    _ title: StaticString, _ codes: ValueNames, _ code: UInt8, _ bytes: PacketBytes
  ) throws(DecodeError) {
    let identifier = try bytes.u8(at: 1)
    out.write(title)
    write(codes, code, unknown: "unknown")
    out.write(" (0x")
    out.write(hex: code, width: 2)
    out.write("), id ")
    out.write(decimal: identifier)
  }
}
