import Dissect
import PacketCore

/// Options of an OPT record (IANA "DNS EDNS0 Option Codes (OPT)").
private enum ExtensionOption {
  static let nameServerID: UInt16 = 3
  static let understoodAlgorithms: UInt16 = 5
  static let understoodDigests: UInt16 = 6
  static let understoodNSEC3: UInt16 = 7
  static let clientSubnet: UInt16 = 8
  static let expire: UInt16 = 9
  static let cookie: UInt16 = 10
  static let keepalive: UInt16 = 11
  static let padding: UInt16 = 12
  static let chain: UInt16 = 13
  static let keyTag: UInt16 = 14

  static let names: ValueNames = [
    1: "LLQ", 2: "UL", 3: "NSID", 5: "DAU", 6: "DHU", 7: "N3U", 8: "ECS", 9: "EXPIRE", 10: "COOKIE", 11: "KEEPALIVE",
    12: "PADDING", 13: "CHAIN", 14: "KEY-TAG", 16: "CLIENT-TAG", 17: "SERVER-TAG",
  ]
}

private let algorithms: ValueNames = [
  0: "DELETE", 1: "RSAMD5", 2: "DH", 3: "DS", 5: "RSASHA1", 6: "DSA-NSEC3-SHA1", 7: "RSASHA1-NSEC3-SHA1",
  8: "RSASHA256", 10: "RSASHA512", 12: "ECC-GOST", 13: "ECDSAP256SHA256", 14: "ECDSAP384SHA384", 15: "ED25519",
  16: "ED448", 252: "INDIRECT", 253: "PRIVATEDNS", 254: "PRIVATEOID",
]
private let digests: ValueNames = [1: "SHA-1", 2: "SHA-256", 3: "GOST_R_34.11-94", 4: "SHA-384"]
private let nsec3Digests: ValueNames = [1: "SHA-1"]

extension Printer {
  ///     0      2        4
  ///     +------+--------+------
  ///     | code | length | data        (RFC 6891 section 6.1.2)
  ///     +------+--------+------
  mutating func printExtensionOptions(_ message: PacketBytes, at start: Int, end: Int) throws(DecodeError) {
    out.write(" [")
    let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, isTypeFirst: true)
    var list = openList(message.withLength(end), at: start, layout, objects: "options")
    while let option = try next(&list) {
      let code = UInt16(truncatingIfNeeded: option.type)
      if writesFields { fields.write("code", code, "code_name", ExtensionOption.names) }
      write(ExtensionOption.names, code, unknown: .decimal("Opt"))
      try option.checkHeader()
      let data = try option.wholeValue()
      if writesFields { fields.write("length", option.length) }
      try printExtensionOption(code, data)
      if list.remaining > 0 { out.write(",") }
    }
    out.write("]")
  }

  private mutating func printExtensionOption(_ code: UInt16, _ data: PacketBytes) throws(DecodeError) {
    if data.count == 0 { return }
    switch code {
    case ExtensionOption.clientSubnet: try printClientSubnet(data)
    case ExtensionOption.cookie:
      guard data.count == 8 || (16...40).contains(data.count) else { return writeFault("  (invalid)") }
      if writesFields {
        fields.write("client_cookie", hex: data.clamped(to: 8))
        if data.count > 8 { fields.write("server_cookie", hex: try data.dropping(8)) }
      }
      out.write(" ")
      try writeHexOctets(data, 8)
      if data.count > 8 {
        out.write(" ")
        try writeHexOctets(try data.dropping(8), data.count &- 8)
      }
    case ExtensionOption.expire:
      guard data.count == 4 else { return writeFault("  (invalid)") }
      write(" ", "expire", try data.u32(at: 0))
      out.write(" sec")
    case ExtensionOption.keepalive:
      guard data.count == 2 else { return writeFault("  (invalid)") }
      // In units of 100 milliseconds (RFC 7828 section 3.1).
      let timeout = try data.u16(at: 0)
      if writesFields { fields.write("timeout", timeout) }
      write(" ", timeout / 10)
      write(".", timeout % 10)
      out.write(" sec")
    case ExtensionOption.padding:
      write(" (", data.count)
      out.write(")")
    case ExtensionOption.chain:
      out.write(" ")
      do throws(DecodeError) {
        _ = try writeDomainName(data, at: 0)
      } catch {
        // The name is cut off by the end of its option: the next option is still read.
        noteInvalid()
      }
      if writesFields { fields.writeDomainName("domain") }
    case ExtensionOption.keyTag:
      guard data.count % 2 == 0 else { return writeFault("  (invalid)") }
      var list = openList(data, .elements(of: 2), array: "values")
      while let tag = try next(&list) { writeElement(" ", try tag.value.u16(at: 0)) }
    case ExtensionOption.understoodAlgorithms: try printNumbers(data, algorithms)
    case ExtensionOption.understoodDigests: try printNumbers(data, digests)
    case ExtensionOption.understoodNSEC3: try printNumbers(data, nsec3Digests)
    default:
      if writesFields { fields.write("data", hex: data) }
      out.write(" ")
      try writeHexOctets(data, data.count)
    }
  }

  /// One-byte numbers that have names.
  private mutating func printNumbers(_ data: PacketBytes, _ names: ValueNames) throws(DecodeError) {
    var list = openList(data, .elements(of: 1), array: "values")
    while let number = try next(&list) {
      writeElement(" ", try number.value.u8(at: 0), as: .named(names, unknown: .decimal("Alg_")))
    }
  }

  /// RFC 7871 section 6: address family, source and scope prefix lengths, and the bytes of the address that the prefix covers.
  private mutating func printClientSubnet(_ data: PacketBytes) throws(DecodeError) {
    out.write(" ")
    guard data.count >= 4 else { return writeFault(" (invalid)") }
    let family = try data.u16(at: 0)
    let sourceLength = Int(try data.u8(at: 2))
    let scopeLength = try data.u8(at: 3)
    let width = family == 1 ? 32 : 128
    guard family == 1 || family == 2, sourceLength <= width, Int(scopeLength) <= width,
      data.count &- 4 == (sourceLength &+ 7) / 8
    else { return writeFault(" (invalid)") }
    var address: UInt128 = 0
    for index in 0..<(width / 8) {
      address = address << 8
      if index &+ 4 < data.count { address |= UInt128(try data.u8(at: index &+ 4)) }
    }
    if writesFields {
      fields.write("family", family)
      fields.write("source_prefix_length", sourceLength)
      fields.write("scope_prefix_length", scopeLength)
      if family == 1 {
        fields.write("address", IPv4Address(rawValue: UInt32(truncatingIfNeeded: address)))
      } else {
        fields.write("address", IPv6Address(rawValue: address))
      }
    }
    if family == 1 {
      out.write(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address)))
    } else {
      out.write(IPv6Address(rawValue: address))
    }
    write("/", sourceLength)
    write("/", scopeLength)
  }
}
