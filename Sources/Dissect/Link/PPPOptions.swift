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
  20: "V.42bis", 21: "BSD-Comp", 23: "LZS-DCP", 24: "MVRCA", 25: "DEC", 26: "Deflate", 255: "Reserved",
]
private let ipv6Options: ValueNames = [1: "Interface-ID"]
private let bandwidthOptions: ValueNames = [1: "Favored-Peer"]
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
  /// `whole` is the length of the message including its header: an option longer than that ends the list.
  mutating func printPPPOptions(
    _ number: UInt16, _ bytes: PacketBytes, length: Int, whole: Int
  ) throws(DecodeError) {
    let name: StaticString =
      switch number {
      case PPPProtocol.linkControl: "lcp"
      case PPPProtocol.ipControl: "ipcp"
      case PPPProtocol.ipv6Control: "ip6cp"
      case PPPProtocol.compressionControl: "ccp"
      case PPPProtocol.bandwidthAllocationControl: "bacp"
      default: ""
      }
    if name.utf8CodeUnitCount == 0 { return }
    let layout = OptionLayout(countsHeader: true, shortHeader: .endsListIfCut)
    var list = openList(bytes.withLength(length), layout, array: "options")
    while let option = try next(&list) {
      if option.length > whole { return }
      if writesFields {
        fields.beginObject()
        fields.write("type", option.type)
        fields.write("length", option.length)
      }
      let isWhole =
        switch number {
        case PPPProtocol.linkControl: try printLinkOption(option.bytes)
        case PPPProtocol.ipControl: try printIPOption(option.bytes)
        case PPPProtocol.ipv6Control: try printIPv6Option(option.bytes)
        case PPPProtocol.compressionControl: try printCompressionOption(option.bytes)
        default: try printBandwidthOption(option.bytes)
        }
      // After an option that could not be read, the next one cannot be found.
      if !isWhole { return }
      if option.isTooLong {
        out.write(" ")
        writeComparison("remaining options length", option.rest, .less, option.length)
        return writeFault(" (invalid)")
      }
    }
    if list.remaining > 0 { writeTruncation(of: name) }
  }

  /// `NAME Option (0x01), length 4`; nil if the stated length is below 2.
  private mutating func writeOptionHeader(
    _ names: ValueNames, _ option: PacketBytes, unknown: StaticString
  ) throws(DecodeError) -> (type: UInt8, length: Int)? {
    let type = try option.u8(at: 0)
    let length = Int(try option.u8(at: 1))
    write("\n\t  ", type, as: .named(names, unknown: .text(unknown)))
    write(" Option (0x", type, as: .hex(2))
    write("), length ", length)
    if length < 2 {
      writeFault(" (length bogus, should be >= 2)")
      return nil
    }
    return (type, length)
  }

  /// True if the option has the length that its type requires; else the text says so.
  private mutating func hasLength(_ length: Int, _ wanted: Int, atLeast: Bool = false) -> Bool {
    if atLeast ? length >= wanted : length == wanted { return true }
    writeFault(atLeast ? " (length bogus, should be >= " : " (length bogus, should be = ")
    out.write(decimal: wanted)
    out.write(")")
    return false
  }

  // MARK: LCP

  private mutating func printLinkOption(_ option: PacketBytes) throws(DecodeError) -> Bool {
    if try option.u8(at: 0) > 30 {
      let length = Int(try option.u8(at: 1))
      out.write("\n\tunknown LCP option 0x")
      out.write(hex: try option.u8(at: 0), width: 2)
      return length >= 2
    }
    guard let (type, length) = try writeOptionHeader(linkOptions, option, unknown: "") else { return false }
    switch type {
    case 0:
      guard hasLength(length, 6, atLeast: true) else { return true }
      let vendor = try option.u24(at: 2)
      if writesFields { fields.write("oui", vendor) }
      out.write(": Vendor: ")
      writeVendor(vendor)
    case 1:
      guard hasLength(length, 4) else { return true }
      try writeOptionNumber("mru", option)
    case 2:
      guard hasLength(length, 6) else { return true }
      try writeOptionHex("accm", option, octets: 4)
    case 3:
      guard hasLength(length, 4, atLeast: true) else { return true }
      try printAuthenticationOption(option, length)
    case 4:
      guard hasLength(length, 4, atLeast: true) else { return false }
      if writesFields { fields.write("quality_protocol", try option.u16(at: 2)) }
      out.write(try option.u16(at: 2) == PPPProtocol.linkQuality ? ": LQR" : ": unknown")
    case 5:
      guard hasLength(length, 6) else { return false }
      try writeOptionHex("magic_number", option, octets: 4)
    case 7, 8: break
    case 13:
      guard hasLength(length, 3, atLeast: true) else { return false }
      let operation = try option.u8(at: 2)
      if writesFields { fields.write("callback_operation", operation) }
      write(": Callback Operation ", operation, as: .named(callbackOperations, unknown: "Unknown"))
      write(" (", operation)
      out.write(")")
    case 17:
      guard hasLength(length, 4) else { return false }
      try writeOptionNumber("mrru", option)
    case 19:
      guard hasLength(length, 3, atLeast: true) else { return false }
      if try !printEndpointDiscriminator(option, length) { return false }
    case 23:
      guard hasLength(length, 4) else { return false }
      try writeOptionHex("link_discriminator", option, octets: 2)
    default:
      // Options without a text of their own.
      recordOptionData(option, length)
      if options.verbosity < 2 { writeOptionValue(option, length) }
    }
    if options.verbosity > 1 { writeOptionValue(option, length) }
    return true
  }

  /// `: 1500`
  private mutating func writeOptionNumber(_ key: StaticString, _ option: PacketBytes) throws(DecodeError) {
    let number = try option.u16(at: 2)
    if writesFields { fields.write(key, number) }
    write(": ", number)
  }

  /// `: 0x0000c0de`
  private mutating func writeOptionHex(
    _ key: StaticString, _ option: PacketBytes, octets: Int
  ) throws(DecodeError) {
    let number = octets == 4 ? try option.u32(at: 2) : UInt32(try option.u16(at: 2))
    if writesFields { fields.write(key, number) }
    out.write(": 0x")
    out.write(hex: number, width: octets &* 2)
  }

  /// Records the value of an option that has no member of its own for it.
  private mutating func recordOptionData(_ option: PacketBytes, _ length: Int) {
    guard writesFields, length > 2, let value = try? option.dropping(2) else { return }
    fields.write("data", hex: value.clamped(to: length &- 2))
  }

  /// Writes what was captured of an option's value, in hexadecimal.
  private mutating func writeOptionValue(_ option: PacketBytes, _ length: Int) {
    guard let value = try? option.dropping(2) else { return }
    writeHex(value.clamped(to: length &- 2), indent: "\n\t    ")
  }

  private mutating func printAuthenticationOption(_ option: PacketBytes, _ length: Int) throws(DecodeError) {
    let number = try option.u16(at: 2)
    if writesFields { fields.write("authentication_protocol", number) }
    out.write(": ")
    if number == PPPProtocol.challengeAuthentication {
      out.write("CHAP")
      let algorithm = try option.u8(at: 4)
      if writesFields { fields.write("algorithm", algorithm) }
      write(", ", algorithm, as: .named(challengeAlgorithms, unknown: .decimal("Unknown Auth Alg ")))
    } else if let name = authenticationProtocols[number] {
      out.write(name)
    } else {
      out.write("Unknown Auth Proto (0x04x)")
      writeHex(option.clamped(to: length))
    }
  }

  /// RFC 1990 section 5.1.3; false if the length does not fit the class.
  private mutating func printEndpointDiscriminator(
    _ option: PacketBytes, _ length: Int
  ) throws(DecodeError) -> Bool {
    let discriminator = try option.u8(at: 2)
    if writesFields { fields.write("discriminator_class", discriminator) }
    switch discriminator {
    case 0: out.write(": Null")
    case 1: out.write(": Local")
    case 2:
      guard hasLength(length, 7) else { return false }
      let address = try option.ipv4(at: 3)
      if writesFields { fields.write("address", address) }
      out.write(": IPv4 ")
      out.write(address)
    case 3:
      guard hasLength(length, 9) else { return false }
      let address = try option.mac(at: 3)
      if writesFields { fields.write("address", address) }
      out.write(": MAC ")
      writeMAC(address)
    case 4: out.write(": Magic-Num-Block")
    case 5: out.write(": PSNDN")
    default:
      write(": Unknown class ", discriminator)
    }
    return true
  }

  // MARK: IPCP

  private mutating func printIPOption(_ option: PacketBytes) throws(DecodeError) -> Bool {
    guard let (type, length) = try writeOptionHeader(ipOptions, option, unknown: "unknown") else { return false }
    switch type {
    case 1:
      guard hasLength(length, 10) else { return true }
      let destination = try option.ipv4(at: 6)
      if writesFields {
        fields.write("source", try option.ipv4(at: 2))
        fields.write("destination", destination)
      }
      out.write(": src ")
      writeHost(try option.ipv4(at: 2))
      write(", dst ", destination)
    case 2:
      guard hasLength(length, 4, atLeast: true) else { return false }
      try printHeaderCompression(option, length)
    case 3, 4, 129, 130, 131, 132:
      guard hasLength(length, 6) else { return false }
      let address = try option.ipv4(at: 2)
      write(": ", "address", address)
    default:
      recordOptionData(option, length)
      if options.verbosity < 2 { writeOptionValue(option, length) }
    }
    if options.verbosity > 1 { writeOptionValue(option, length) }
    return true
  }

  /// RFC 1332 section 3.2, RFC 2507 section 14, RFC 3544.
  private mutating func printHeaderCompression(_ option: PacketBytes, _ length: Int) throws(DecodeError) {
    let compression = try option.u16(at: 2)
    if writesFields {
      fields.write("compression_protocol", compression)
      if length > 4 { fields.write("data", hex: try option.dropping(4).clamped(to: length &- 4)) }
    }
    write(": ", compression, as: .named(headerCompressions, unknown: "Unknown"))
    write(" (0x", compression, as: .hex(2))
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
    write("\n\t      Suboptions, length ", length &- 14)
    var list = openList(option.withLength(length), at: 14, OptionLayout(countsHeader: true, shortHeader: .endsList))
    while let suboption = try next(&list), !suboption.isTooShort {
      write("\n\t\t", suboption.type, as: .named(ipCompressionSuboptions, unknown: "Unknown"))
      write(" Suboption #", suboption.type)
      write(", length ", suboption.length)
      if suboption.isTooLong {
        out.write(" ")
        writeComparison("remaining suboptions length", suboption.rest, .less, suboption.length)
        writeFault(" (invalid)")
      }
    }
  }

  // MARK: Other control protocols

  /// RFC 5072 section 4.
  private mutating func printIPv6Option(_ option: PacketBytes) throws(DecodeError) -> Bool {
    guard let (type, length) = try writeOptionHeader(ipv6Options, option, unknown: "unknown") else { return false }
    if type == 1 {
      guard hasLength(length, 10) else { return true }
      try option.check(2, 8)
      if writesFields { fields.write("interface_id", hex: try option.slice(at: 2, length: 8)) }
      out.write(": ")
      for index in 0..<4 {
        if index > 0 { out.write(":") }
        out.write(hex: try option.u16(at: 2 &+ index &* 2), width: 4)
      }
    } else {
      recordOptionData(option, length)
      if options.verbosity < 2 { writeOptionValue(option, length) }
    }
    if options.verbosity > 1 { writeOptionValue(option, length) }
    return true
  }

  /// RFC 1962 section 4.
  private mutating func printCompressionOption(_ option: PacketBytes) throws(DecodeError) -> Bool {
    guard let (type, length) = try writeOptionHeader(compressionOptions, option, unknown: "Unknown") else {
      return false
    }
    recordOptionData(option, length)
    switch type {
    case 21:
      // RFC 1977 section 2.1.
      guard hasLength(length, 3, atLeast: true) else { return true }
      let octet = try option.u8(at: 2)
      write(": Version: ", octet >> 5)
      write(", Dictionary Bits: ", octet & 0x1f)
    case 24:
      // RFC 1975 section 4.
      guard hasLength(length, 4, atLeast: true) else { return true }
      let octet = try option.u8(at: 2)
      let context = try option.u8(at: 3)
      write(": Features: ", octet >> 6)
      out.write(octet & 0x20 != 0 ? ", PxP: Enabled, History: " : ", PxP: Disabled, History: ")
      out.write(decimal: octet & 0x1f)
      write(", #CTX-ID: ", context)
    case 26:
      // RFC 1979 section 2.1.
      guard hasLength(length, 4, atLeast: true) else { return true }
      let octet = try option.u8(at: 2)
      let check = try option.u8(at: 3)
      write(": Window: ", octet >> 4)
      out.write(octet & 15 == 8 ? "K, Method: zlib (0x" : "K, Method: unknown (0x")
      out.write(hex: octet & 15)
      write("), MBZ: ", check >> 2)
      write(", CHK: ", check & 3)
    default:
      if options.verbosity < 2 { writeOptionValue(option, length) }
    }
    if options.verbosity > 1 { writeOptionValue(option, length) }
    return true
  }

  /// RFC 2125 section 4.
  private mutating func printBandwidthOption(_ option: PacketBytes) throws(DecodeError) -> Bool {
    guard let (type, length) = try writeOptionHeader(bandwidthOptions, option, unknown: "Unknown") else { return false }
    if type == 1 {
      guard hasLength(length, 6) else { return true }
      let number = try option.u32(at: 2)
      write(": Magic-Num 0x", "magic_number", number, as: .hex(8))
    } else {
      recordOptionData(option, length)
      if options.verbosity < 2 { writeOptionValue(option, length) }
    }
    if options.verbosity > 1 { writeOptionValue(option, length) }
    return true
  }
}
