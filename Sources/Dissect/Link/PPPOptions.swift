import PacketCore

private let linkOptions: ValueNames = [
  0: "Vend-Ext", 1: "MRU", 2: "ACCM", 3: "Auth-Prot", 4: "Qual-Prot", 5: "Magic-Num", 6: "deprecated(6)", 7: "PFC",
  8: "ACFC", 9: "FCS-Alt", 10: "SDP", 11: "Num-Mode", 12: "deprecated(12)", 13: "Call-Back", 14: "deprecated(14)",
  15: "deprecated(15)", 16: "deprecated(16)", 17: "MRRU", 18: "12-Bit seq #", 19: "End-Disc", 20: "Proprietary",
  21: "DCE-Id", 22: "MP+", 23: "Link-Disc", 24: "LCP-Auth-Opt", 25: "COBS", 26: "Prefix-elision",
  27: "Multilink-header-Form", 28: "I18N", 29: "SDL-over-SONET/SDH", 30: "PPP-Muxing",
]
private let ipOptions: ValueNames = [
  1: "IP-Addrs", 2: "IP-Comp", 3: "IP-Addr", 4: "Home-Addr", 129: "Pri-DNS", 130: "Pri-NBNS", 131: "Sec-DNS",
  132: "Sec-NBNS",
]
private let compressionOptions: ValueNames = [
  0: "OUI", 1: "Pred-1", 2: "Pred-2", 3: "Puddle", 16: "HP-PPC", 17: "Stac-LZS", 18: "MPPC", 19: "Gand-FZA",
  20: "V.42bis", 21: "BSD-Comp", 23: "LZS-DCP", 24: "MVRCA", 25: "DEC", 26: "Deflate",
]
private let headerCompressions: ValueNames = [0x37: "VJ-Comp", 0x2d: "VJ-Comp", 0x61: "IP Header Compression"]
private let ipCompressionSuboptions: ValueNames = [1: "RTP-Compression", 2: "Enhanced RTP-Compression"]
private let authenticationProtocols: ValueNames = [
  0xc023: "PAP", 0xc025: "LQM", 0xc027: "SPAP", 0xc123: "Old-SPAP", 0xc227: "EAP",
]
private let challengeAlgorithms: ValueNames = [5: "MD5", 0x80: "MS-CHAPv1", 0x81: "MS-CHAPv2"]
private let callbackOperations: ValueNames = [
  0: "UserAuth", 1: "DialString", 2: "LocalID", 3: "E.164", 4: "X.500", 6: "CBCP",
]

extension Printer {
  ///     0      1        2
  ///     +------+--------+------
  ///     | type | length | value      (RFC 1661 section 6)
  ///     +------+--------+------
  mutating func printPPPOptions(_ number: UInt16, _ bytes: PacketBytes, length: Int) throws(DecodeError) {
    var offset = 0
    while offset < length {
      let option = try bytes.dropping(offset)
      let rest = length &- offset
      let read: Int =
        switch number {
        case PPPProtocol.linkControl: try printLinkOption(option, rest)
        case PPPProtocol.ipControl: try printIPOption(option, rest)
        case PPPProtocol.ipv6Control: try printIPv6Option(option, rest)
        case PPPProtocol.compressionControl: try printCompressionOption(option, rest)
        case PPPProtocol.bandwidthAllocationControl: try printBandwidthOption(option, rest)
        default: 0
        }
      // The bits of an option that is broken or unknown to the protocol end the list.
      if read == 0 { return }
      if read > rest {
        out.write(" ")
        writeComparison("remaining options length", rest, .less, read)
        out.write(" (invalid)")
        return
      }
      offset &+= read
    }
  }

  /// `NAME Option (0x01), length 4`; nil where it has no header, or says that it is shorter than that.
  private mutating func writeOptionHeader(
    _ names: ValueNames, _ option: PacketBytes, _ rest: Int, unknown: StaticString
  ) throws(DecodeError) -> (type: UInt8, length: Int)? {
    if rest < 2 { return nil }
    let type = try option.u8(at: 0)
    let length = Int(try option.u8(at: 1))
    out.write("\n\t  ")
    write(names, type, unknown: unknown)
    out.write(" Option (0x")
    out.write(hex: type, width: 2)
    out.write("), length ")
    out.write(decimal: length)
    if length < 2 {
      out.write(" (length bogus, should be >= 2)")
      return nil
    }
    return (type, length)
  }

  /// True where the option has the length that its type wants; else says so.
  private mutating func hasLength(_ length: Int, _ wanted: Int, atLeast: Bool = false) -> Bool {
    if atLeast ? length >= wanted : length == wanted { return true }
    out.write(atLeast ? " (length bogus, should be >= " : " (length bogus, should be = ")
    out.write(decimal: wanted)
    out.write(")")
    return false
  }

  // MARK: LCP

  private mutating func printLinkOption(_ option: PacketBytes, _ rest: Int) throws(DecodeError) -> Int {
    if rest >= 2, try option.u8(at: 0) > 30 {
      let length = Int(try option.u8(at: 1))
      out.write("\n\tunknown LCP option 0x")
      out.write(hex: try option.u8(at: 0), width: 2)
      return length
    }
    guard let (type, length) = try writeOptionHeader(linkOptions, option, rest, unknown: "") else { return 0 }
    switch type {
    case 0:
      if hasLength(length, 6, atLeast: true) {
        out.write(": Vendor: ")
        writeVendor(try option.u24(at: 2))
      }
    case 1:
      if hasLength(length, 4) {
        out.write(": ")
        out.write(decimal: try option.u16(at: 2))
      }
    case 2:
      if hasLength(length, 6) {
        out.write(": 0x")
        out.write(hex: try option.u32(at: 2), width: 8)
      }
    case 3:
      if hasLength(length, 4, atLeast: true) { try printAuthenticationOption(option, length) }
    case 4:
      if hasLength(length, 4, atLeast: true) {
        out.write(try option.u16(at: 2) == PPPProtocol.linkQuality ? ": LQR" : ": unknown")
      }
    case 5:
      if hasLength(length, 6) {
        out.write(": 0x")
        out.write(hex: try option.u32(at: 2), width: 8)
      }
    case 7, 8, 18: break
    case 13:
      if hasLength(length, 3, atLeast: true) {
        out.write(": : Callback Operation ")
        let operation = try option.u8(at: 2)
        write(callbackOperations, operation, unknown: "Unknown")
        out.write(" (")
        out.write(decimal: operation)
        out.write(")")
      }
    case 17:
      if hasLength(length, 4) {
        out.write(": ")
        out.write(decimal: try option.u16(at: 2))
      }
    case 19:
      if hasLength(length, 3, atLeast: true) { try printEndpointDiscriminator(option, length) }
    case 23:
      if hasLength(length, 4) {
        out.write(": 0x")
        out.write(hex: try option.u16(at: 2), width: 4)
      }
    default:
      // Options that are no more than named.
      if options.verbosity < 2 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    }
    if options.verbosity > 1 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    return length
  }

  private mutating func printAuthenticationOption(_ option: PacketBytes, _ length: Int) throws(DecodeError) {
    let number = try option.u16(at: 2)
    out.write(": ")
    if number == PPPProtocol.challengeAuthentication {
      out.write("CHAP")
      if length >= 5 {
        out.write(", ")
        write(challengeAlgorithms, try option.u8(at: 4), unknownDecimal: "Unknown Auth Alg ")
      }
    } else if let name = authenticationProtocols[number] {
      out.write(name)
    } else {
      out.write("Unknown Auth Proto (0x04x)")
      writeHex(option.clamped(to: length))
    }
  }

  /// RFC 1990 section 5.1.3.
  private mutating func printEndpointDiscriminator(_ option: PacketBytes, _ length: Int) throws(DecodeError) {
    out.write(": ")
    switch try option.u8(at: 2) {
    case 0: out.write("Null")
    case 1: out.write("Local")
    case 2:
      if length != 7 {
        out.write(" (length bogus, should be = 7)")
        return
      }
      out.write("IPv4 ")
      out.write(try option.ipv4(at: 3))
    case 3:
      if length != 9 {
        out.write(" (length bogus, should be = 9)")
        return
      }
      out.write("MAC ")
      writeMAC(try option.mac(at: 3))
    case 4: out.write("Magic-Num-Block")
    case 5: out.write("PSNDN")
    case let other:
      out.write("Unknown class ")
      out.write(decimal: other)
    }
  }

  // MARK: IPCP

  private mutating func printIPOption(_ option: PacketBytes, _ rest: Int) throws(DecodeError) -> Int {
    guard let (type, length) = try writeOptionHeader(ipOptions, option, rest, unknown: "unknown") else { return 0 }
    switch type {
    case 1:
      guard hasLength(length, 10) else { return length }
      out.write(": src ")
      writeHost(try option.ipv4(at: 2))
      out.write(", dst ")
      writeHost(try option.ipv4(at: 6))
    case 2:
      guard hasLength(length, 4, atLeast: true) else { return 0 }
      try printHeaderCompression(option, length)
    case 3, 4, 129, 130, 131, 132:
      guard hasLength(length, 6) else { return 0 }
      out.write(": ")
      writeHost(try option.ipv4(at: 2))
    default:
      if options.verbosity < 2 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    }
    if options.verbosity > 1 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    return length
  }

  /// RFC 1332 section 3.2, RFC 2507 section 14, RFC 3544.
  private mutating func printHeaderCompression(_ option: PacketBytes, _ length: Int) throws(DecodeError) {
    let compression = try option.u16(at: 2)
    out.write(": ")
    write(headerCompressions, compression, unknown: "Unknown")
    out.write(" (0x")
    out.write(hex: compression, width: 2)
    out.write("):")
    guard compression == 0x61, length >= 14 else { return }
    out.write("\n\t    TCP Space ")
    out.write(decimal: try option.u16(at: 4))
    out.write(", non-TCP Space ")
    out.write(decimal: try option.u16(at: 6))
    out.write(", maxPeriod ")
    out.write(decimal: try option.u16(at: 8))
    out.write(", maxTime ")
    out.write(decimal: try option.u16(at: 10))
    out.write(", maxHdr ")
    out.write(decimal: try option.u16(at: 12))
    let total = length &- 14
    out.write("\n\t      Suboptions, length ")
    out.write(decimal: total)
    var offset = 14
    while offset < length {
      if length &- offset < 2 { return }
      let type = try option.u8(at: offset)
      let suboptionLength = Int(try option.u8(at: offset &+ 1))
      if suboptionLength < 2 { return }
      out.write("\n\t\t")
      write(ipCompressionSuboptions, type, unknown: "Unknown")
      out.write(" Suboption #")
      out.write(decimal: type)
      out.write(", length ")
      out.write(decimal: suboptionLength)
      if length &- offset < suboptionLength {
        out.write(" ")
        writeComparison("remaining suboptions length", length &- offset, .less, suboptionLength)
        out.write(" (invalid)")
        return
      }
      offset &+= suboptionLength
    }
  }

  // MARK: Other control protocols

  /// RFC 5072 section 4.
  private mutating func printIPv6Option(_ option: PacketBytes, _ rest: Int) throws(DecodeError) -> Int {
    let names: ValueNames = [1: "Interface-ID"]
    guard let (type, length) = try writeOptionHeader(names, option, rest, unknown: "unknown") else { return 0 }
    if type == 1 {
      guard hasLength(length, 10) else { return length }
      out.write(": ")
      for index in 0..<4 {
        if index > 0 { out.write(":") }
        out.write(hex: try option.u16(at: 2 &+ index &* 2), width: 4)
      }
    } else if options.verbosity < 2 {
      writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ")
    }
    if options.verbosity > 1 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    return length
  }

  /// RFC 1962 section 4.
  private mutating func printCompressionOption(_ option: PacketBytes, _ rest: Int) throws(DecodeError) -> Int {
    guard let (type, length) = try writeOptionHeader(compressionOptions, option, rest, unknown: "Unknown") else {
      return 0
    }
    switch type {
    case 21:
      // RFC 1977 section 2.1.
      guard hasLength(length, 3, atLeast: true) else { return length }
      let octet = try option.u8(at: 2)
      out.write(": Version: ")
      out.write(decimal: octet >> 5)
      out.write(", Dictionary Bits: ")
      out.write(decimal: octet & 0x1f)
    case 24:
      // RFC 1975 section 4.
      guard hasLength(length, 4, atLeast: true) else { return length }
      let octet = try option.u8(at: 2)
      let context = try option.u8(at: 3)
      out.write(": Features: ")
      out.write(decimal: octet >> 6)
      out.write(octet & 0x20 != 0 ? ", PxP: Enabled, History: " : ", PxP: Disabled, History: ")
      out.write(decimal: octet & 0x1f)
      out.write(", #CTX-ID: ")
      out.write(decimal: context)
    case 26:
      // RFC 1979 section 2.1.
      guard hasLength(length, 4, atLeast: true) else { return length }
      let octet = try option.u8(at: 2)
      let check = try option.u8(at: 3)
      out.write(": Window: ")
      out.write(decimal: octet >> 4)
      out.write(octet & 15 == 8 ? "K, Method: zlib (0x" : "K, Method: unknown (0x")
      out.write(hex: octet & 15)
      out.write("), MBZ: ")
      out.write(decimal: check >> 2)
      out.write(", CHK: ")
      out.write(decimal: check & 3)
    default:
      if options.verbosity < 2 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    }
    if options.verbosity > 1 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    return length
  }

  /// RFC 2125 section 4.
  private mutating func printBandwidthOption(_ option: PacketBytes, _ rest: Int) throws(DecodeError) -> Int {
    let names: ValueNames = [1: "Favored-Peer"]
    guard let (type, length) = try writeOptionHeader(names, option, rest, unknown: "Unknown") else { return 0 }
    if type == 1 {
      guard hasLength(length, 6) else { return length }
      out.write(": Magic-Num 0x")
      out.write(hex: try option.u32(at: 2), width: 8)
    } else if options.verbosity < 2 {
      writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ")
    }
    if options.verbosity > 1 { writeHex(try option.slice(at: 2, length: length &- 2), indent: "\n\t    ") }
    return length
  }
}
