import PacketCore

extension Layer {
  static let pap = Layer(
    "pap", "Password Authentication Protocol", "RFC 1334 section 2"
  ) {
    [
      Field("code", .uint8, "Code.", always: true),
      Field("code_name", .text, "Name of the code."),
      Field("id", .uint8, "Identifier.", always: true),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field("peer", .text, "Name of the peer."),
      Field("password", .text, "Password of the peer."),
      Field("message", .text, "Message."),
    ]
  }

  static let chap = Layer(
    "chap", "Challenge Handshake Authentication Protocol", "RFC 1994"
  ) {
    [
      Field("code", .uint8, "Code.", always: true),
      Field("code_name", .text, "Name of the code."),
      Field("id", .uint8, "Identifier.", always: true),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field("chap_value", .hex, "Challenge or response."),
      Field("name", .text, "Name of the sender."),
      Field("message", .text, "Message."),
    ]
  }
}

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
    let (code, identifier) = (try bytes.u8(at: 0), try bytes.u8(at: 1))
    if enter(.chap) { try recordAuthentication(challengeCodes, code, identifier, bytes) }
    try writeAuthenticationHeader("CHAP, ", challengeCodes, code, identifier, bytes)
    let length = Int(try bytes.u16(at: 2))
    switch code {
    case 1, 2:
      if bytes.length < 5 { return }
      let valueSize = Int(try bytes.u8(at: 4))
      if bytes.length < 5 &+ valueSize { return }
      if writesFields { fields.write("chap_value", hex: try bytes.slice(at: 5, length: valueSize)) }
      out.write(", Value ")
      try writeHexOctets(try bytes.dropping(5), valueSize)
      out.write(", Name ")
      try writeRest("name", try bytes.dropping(5 &+ valueSize), length: length &- 5 &- valueSize)
    case 3, 4:
      out.write(", Msg ")
      try writeRest("message", try bytes.dropping(4), length: length &- 4)
    default: break
    }
  }

  /// Password Authentication Protocol, RFC 1334 section 2.
  mutating func printPAP(_ bytes: PacketBytes) throws(DecodeError) {
    if try !hasAuthenticationHeader(bytes, "pap") { return }
    let (code, identifier) = (try bytes.u8(at: 0), try bytes.u8(at: 1))
    if enter(.pap) { try recordAuthentication(passwordCodes, code, identifier, bytes) }
    try writeAuthenticationHeader("PAP, ", passwordCodes, code, identifier, bytes)
    let length = Int(try bytes.u16(at: 2))
    if length > bytes.length {
      write(", length ", length)
      writeFault(" > packet size")
      return
    }
    if length < 4 {
      write(", length ", length)
      writeFault(" < PAP header length")
      return
    }
    switch code {
    case 1:
      // The peer's name and the password, each preceded by its length, may be empty.
      if length < 6 {
        writeTruncation(of: "pap")
        return
      }
      let peerLength = Int(try bytes.u8(at: 4))
      guard 5 &+ peerLength <= length else { return }
      if writesFields { fields.write("peer", text: try bytes.slice(at: 5, length: peerLength)) }
      out.write(", Peer ")
      try writeText(try bytes.dropping(5), length: peerLength)
      if 6 &+ peerLength > length { return }
      let passwordLength = Int(try bytes.u8(at: 5 &+ peerLength))
      guard 6 &+ peerLength &+ passwordLength <= length else { return }
      if writesFields { fields.write("password", text: try bytes.slice(at: 6 &+ peerLength, length: passwordLength)) }
      out.write(", Name ")
      try writeText(try bytes.dropping(6 &+ peerLength), length: passwordLength)
    case 2, 3:
      // Some systems send no message, contrary to RFC 1334 section 2.2.2.
      if length < 5 {
        writeTruncation(of: "pap")
        return
      }
      let messageLength = Int(try bytes.u8(at: 4))
      guard 5 &+ messageLength <= length else { return }
      if writesFields { fields.write("message", text: try bytes.slice(at: 5, length: messageLength)) }
      out.write(", Msg ")
      try writeText(try bytes.dropping(5), length: messageLength)
    default: break
    }
  }

  /// True if a message has a complete header; else the part that is there has been printed.
  private mutating func hasAuthenticationHeader(
    _ bytes: PacketBytes, _ name: StaticString
  ) throws(DecodeError) -> Bool {
    if bytes.length >= 4 { return true }
    if bytes.length < 1 {
      writeTruncation(of: name)
      return false
    }
    let first = try bytes.u8(at: 0)
    noteTruncation(of: name)
    out.write("[|")
    out.write(name)
    write(" 0x", first, as: .hex(2))
    out.write("]")
    return false
  }

  /// Text of the length that a message states; all of the text if that length is impossible.
  private mutating func writeRest(_ key: StaticString, _ bytes: PacketBytes, length: Int) throws(DecodeError) {
    if writesFields { fields.write(key, text: bytes.clamped(to: length < 0 ? bytes.count : length)) }
    try writeText(bytes, length: length < 0 ? Int.max : length)
  }

  private mutating func recordAuthentication(
    _ codes: ValueNames, _ code: UInt8, _ identifier: UInt8, _ bytes: PacketBytes
  ) throws(DecodeError) {
    fields.write("code", code, "code_name", codes)
    fields.write("id", identifier)
    fields.write("length", try bytes.u16(at: 2))
  }

  private mutating func writeAuthenticationHeader(
    _ title: StaticString, _ codes: ValueNames, _ code: UInt8, _ identifier: UInt8, _ bytes: PacketBytes
  ) throws(DecodeError) {
    out.write(title)
    write(codes, code, unknown: "unknown")
    write(" (0x", code, as: .hex(2))
    write("), id ", identifier)
  }
}
