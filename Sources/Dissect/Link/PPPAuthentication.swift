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
    protocolName = "chap"
    if bytes.length < 1 || bytes.count < 1 {
      out.write("[|chap]")
      return
    }
    if bytes.length < 4 {
      if bytes.count < 4 { throw .truncated }
      writeHex(bytes)
      return
    }
    let code = try bytes.u8(at: 0)
    try writeAuthenticationHeader("CHAP, ", challengeCodes, code, bytes)
    let length = Int(try bytes.u16(at: 2))
    switch code {
    case 1, 2:
      let valueSize = Int(try bytes.u8(at: 4))
      guard length >= 5 &+ valueSize else { return }
      out.write(", Value ")
      try writeHexOctets(try bytes.dropping(5), valueSize)
      let name = length &- 5 &- valueSize
      out.write(", Name ")
      try writeText(try bytes.dropping(5 &+ valueSize), length: name)
    case 3, 4:
      out.write(", Msg ")
      try writeText(try bytes.dropping(4), length: length &- 4)
    default: break
    }
  }

  /// Password Authentication Protocol, RFC 1334 section 2.
  mutating func printPAP(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "pap"
    if bytes.length < 1 || bytes.count < 1 {
      out.write("[|pap]")
      return
    }
    if bytes.length < 4 {
      if bytes.count < 4 { throw .truncated }
      writeHex(bytes)
      return
    }
    let code = try bytes.u8(at: 0)
    try writeAuthenticationHeader("PAP, ", passwordCodes, code, bytes)
    let length = Int(try bytes.u16(at: 2))
    if length > bytes.length { out.write(" (invalid)") }
    switch code {
    case 1:
      let peerLength = Int(try bytes.u8(at: 4))
      guard 5 &+ peerLength <= length else { return }
      out.write(", Peer ")
      try writeText(try bytes.dropping(5), length: peerLength)
      let passwordLength = Int(try bytes.u8(at: 5 &+ peerLength))
      guard 6 &+ peerLength &+ passwordLength <= length else { return }
      out.write(", Name ")
      try writeText(try bytes.dropping(6 &+ peerLength), length: passwordLength)
    case 2, 3:
      // Some send no message, against RFC 1334 section 2.2.2.
      if length < 5 || bytes.count < 5 {
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

  private mutating func writeAuthenticationHeader(
    _ title: StaticString, _ codes: ValueNames, _ code: UInt8, _ bytes: PacketBytes
  ) throws(DecodeError) {
    out.write(title)
    write(codes, code, unknown: "unknown")
    out.write(" (0x")
    out.write(hex: code, width: 2)
    out.write("), id ")
    out.write(decimal: try bytes.u8(at: 1))
  }

  /// Bandwidth Allocation Protocol, RFC 2125 section 5: the type and the identifier.
  mutating func printBandwidthAllocation(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "bap"
    if bytes.length < 1 {
      out.write("[|bap]")
      return
    }
    if bytes.length < 4 {
      writeHex(bytes)
      return
    }
    let names: ValueNames = [
      1: "Call-Req", 2: "Call-Resp", 3: "Callback-Req", 4: "Callback-Resp", 5: "Link-Drop-Query", 6: "Link-Drop-Resp",
      7: "Call-Status-Ind", 8: "Call-Status-Resp",
    ]
    let type = try bytes.u8(at: 0)
    out.write("BAP, ")
    write(names, type, unknown: "Unknown")
    out.write(" (0x")
    out.write(hex: type, width: 2)
    out.write("), id ")
    out.write(decimal: try bytes.u8(at: 1))
  }
}
