import PacketCore

/// Options of DHCPv6 (IANA "Dynamic Host Configuration Protocol for IPv6 (DHCPv6)").
enum DHCPv6Option {
  static let names: ValueNames = [
    1: "client-ID", 2: "server-ID", 3: "IA_NA", 4: "IA_TA", 5: "IA_ADDR", 6: "option-request", 7: "preference",
    8: "elapsed-time", 9: "relay-message", 11: "authentication", 12: "server-unicast", 13: "status-code",
    14: "rapid-commit", 15: "user-class", 16: "vendor-class", 17: "vendor-specific-info", 18: "interface-ID",
    19: "reconfigure-message", 20: "reconfigure-accept", 21: "SIP-servers-domain", 22: "SIP-servers-address",
    23: "DNS-server", 24: "DNS-search-list", 25: "IA_PD", 26: "IA_PD-prefix", 27: "NIS-server", 28: "NIS+-server",
    29: "NIS-domain-name", 30: "NIS+-domain-name", 31: "SNTP-servers", 32: "lifetime", 33: "BCMCS-domain-name",
    34: "BCMCS-server", 36: "Geoconf-Civic", 37: "Remote-ID", 38: "Subscriber-ID", 39: "Client-FQDN",
    40: "PANA-agent", 41: "POSIX-timezone", 42: "POSIX-tz-database", 43: "Echo-request-option", 44: "Lease-query",
    45: "LQ-client-data", 46: "Clt-time", 47: "LQ-relay-data", 48: "LQ-client-link", 56: "NTP-server",
    59: "Bootfile-URL", 64: "AFTR-Name", 112: "MUD-URL", 136: "SZTP-redirect",
  ]
  static let statusCodes: ValueNames = [
    0: "Success", 1: "UnspecFail", 2: "NoAddrsAvail", 3: "NoBinding", 4: "NotOnLink", 5: "UseMulticast",
    6: "NoPrefixAvail", 7: "UnknownQueryType", 8: "MalformedQuery", 9: "NotConfigured", 10: "NotAllowed",
  ]
}

/// Octets of a value that are shown without `-vv`.
private let shownOctets = 10

extension Printer {
  /// The data of one option, and the closing parenthesis. Where the data is broken within what was captured, a mark ends the
  /// options: false.
  mutating func printDHCPv6Option(_ code: UInt16, _ data: PacketBytes, relays: Int) throws(DecodeError) -> Bool {
    do throws(DecodeError) {
      try printDHCPv6Value(code, data, relays: relays)
    } catch .truncated {
      if data.count < data.length { throw .truncated }
      writeTruncation()
      return false
    }
    return true
  }

  private mutating func printDHCPv6Value(_ code: UInt16, _ data: PacketBytes, relays: Int) throws(DecodeError) {
    switch code {
    case 1, 2: try printUniqueIdentifier(data)
    case 3, 25:
      guard hasOctets(data, 12) else { return }
      out.write(" IAID:")
      out.write(decimal: try data.u32(at: 0))
      out.write(" T1:")
      out.write(decimal: try data.u32(at: 4))
      out.write(" T2:")
      out.write(decimal: try data.u32(at: 8))
      try printDHCPv6Options(data, from: 12, relays: relays)
    case 4:
      guard hasOctets(data, 4) else { return }
      out.write(" IAID:")
      out.write(decimal: try data.u32(at: 0))
      try printDHCPv6Options(data, from: 4, relays: relays)
    case 5:
      guard hasOctets(data, 24) else { return }
      out.write(" ")
      writeHost(try data.ipv6(at: 0))
      try writeLifetimes(data, at: 16)
      try printDHCPv6Options(data, from: 24, relays: relays)
    case 6, 43:
      guard data.length % 2 == 0 else { return hasNoOctets() }
      for index in 0..<(data.length / 2) {
        out.write(" ")
        write(DHCPv6Option.names, try data.u16(at: index &* 2), unknownDecimal: "opt_")
      }
    case 7:
      guard data.length == 1 else { return hasNoOctets() }
      out.write(" ")
      out.write(decimal: try data.u8(at: 0))
    case 8:
      guard data.length == 2 else { return hasNoOctets() }
      out.write(" ")
      out.write(decimal: try data.u16(at: 0))
    case 9:
      try printRelayedMessage(data, relays: relays)
      return
    case 11: try printAuthentication(data)
    case 13:
      guard hasOctets(data, 2) else { return }
      out.write(" ")
      write(DHCPv6Option.statusCodes, try data.u16(at: 0), unknown: "INVALID code")
    case 15: try printUserClass(data)
    case 16: try printVendorClass(data)
    case 17: try printVendorInformation(data)
    case 18, 38: try writeShortened(data)
    case 19: try printReconfigureMessage(data)
    case 21, 24: try writeDomainNames(data)
    case 22, 23, 27, 28, 31, 34, 40:
      guard data.length % 16 == 0 else { return hasNoOctets() }
      for index in 0..<(data.length / 16) {
        out.write(" ")
        writeHost(try data.ipv6(at: index &* 16))
      }
    case 26: try printDelegatedPrefix(data, relays: relays)
    case 32, 46:
      guard data.length == 4 else { return hasNoOctets() }
      out.write(" ")
      out.write(decimal: try data.u32(at: 0))
    case 37:
      guard hasOctets(data, 4) else { return }
      out.write(" ")
      out.write(decimal: try data.u32(at: 0))
      try writeShortened(try data.dropping(4))
    case 41, 42, 59:
      guard data.length > 0 else { return hasNoOctets() }
      out.write(" ")
      try writeText(data, length: data.length)
    case 112:
      guard data.length > 0 else { return hasNoOctets() }
      out.write(" ")
      var length = 0
      while length < data.length, try data.u8(at: length) != 0 { length &+= 1 }
      out.write(escaped: data.clamped(to: length))
    case 44: try printLeaseQuery(data, relays: relays)
    case 45: try printDHCPv6Options(data, from: 0, relays: relays)
    case 47:
      guard hasOctets(data, 16) else { return }
      out.write(" ")
      writeHost(try data.ipv6(at: 0))
      // What follows is the relayed message as it came.
      try writeShortened(try data.dropping(16))
    case 48:
      guard data.length % 16 == 0 else { return hasNoOctets() }
      for index in 0..<(data.length / 16) {
        out.write(" ")
        writeHost(try data.ipv6(at: index &* 16))
      }
    case 56: try printTimeServers(data)
    case 64: try printTunnelEndpoint(data)
    case 136: try printBootstrapServers(data)
    default: break
    }
    out.write(")")
  }

  /// ` ?)` for data that has not the length it should have.
  private mutating func hasNoOctets() { out.write(" ?)") }

  private mutating func hasOctets(_ data: PacketBytes, _ wanted: Int) -> Bool {
    if data.length >= wanted { return true }
    hasNoOctets()
    return false
  }

  /// Octets in hexadecimal; without `-vv` ten of them and an ellipsis.
  private mutating func writeShortened(_ data: PacketBytes) throws(DecodeError) {
    out.write(" ")
    let isShortened = options.verbosity < 2 && data.length > shownOctets
    try writeHexOctets(data, isShortened ? shownOctets : data.length)
    if isShortened { out.write("...") }
  }

  private mutating func writeLifetimes(_ data: PacketBytes, at offset: Int) throws(DecodeError) {
    out.write(" pltime:")
    out.write(decimal: try data.u32(at: offset))
    out.write(" vltime:")
    out.write(decimal: try data.u32(at: offset &+ 4))
  }

  private mutating func writeDomainNames(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    while offset < data.length {
      out.write(" ")
      offset = try writeDomainName(data, at: offset)
    }
  }

  /// A DHCP unique identifier (RFC 8415 section 11).
  private mutating func printUniqueIdentifier(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 2 else {
      out.write(" ?")
      return
    }
    switch try data.u16(at: 0) {
    case 1:
      guard data.length >= 8 else {
        out.write(" ?")
        return
      }
      out.write(" hwaddr/time type ")
      out.write(decimal: try data.u16(at: 2))
      out.write(" time ")
      out.write(decimal: try data.u32(at: 4))
      out.write(" ")
      try writeHexOctets(try data.dropping(8), data.length &- 8)
    case 2:
      guard data.length >= 6 else {
        out.write(" ?")
        return
      }
      out.write(" enterprise ")
      out.write(decimal: try data.u32(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(6), data.length &- 6)
    case 3:
      guard data.length >= 4 else {
        out.write(" ?")
        return
      }
      out.write(" hwaddr type ")
      out.write(decimal: try data.u16(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(4), data.length &- 4)
    case 4:
      // RFC 6355 section 4.
      guard data.length == 18 else {
        out.write(" ?")
        return
      }
      out.write(" uuid ")
      try writeHexOctets(try data.dropping(2), 16)
    case let type:
      out.write(" type ")
      out.write(decimal: type)
    }
  }

  /// RFC 8415 sections 20 and 21.11.
  private mutating func printAuthentication(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 11 else {
      out.write(" ?")
      return
    }
    let number = try data.u8(at: 0)
    let algorithm = try data.u8(at: 1)
    let replayMethod = try data.u8(at: 2)
    out.write(" proto: ")
    let names: ValueNames = [2: "delayed", 3: "reconfigure"]
    write(names, number, unknownDecimal: "")
    out.write(", alg: ")
    if algorithm == 1 { out.write("HMAC-MD5") } else { out.write(decimal: algorithm) }
    out.write(", RDM: ")
    if replayMethod == 0 { out.write("mono") } else { out.write(decimal: replayMethod) }
    out.write(", RD:")
    for index in 0..<4 {
      out.write(" ")
      out.write(hex: try data.u16(at: 3 &+ index &* 2), width: 4)
    }
    let information = try data.dropping(11)
    switch number {
    case 2:
      if information.length == 0 { return }
      guard information.length >= 20 else {
        out.write(" ??")
        return
      }
      out.write(", realm: ")
      let realm = information.length &- 20
      try writeHexOctets(information, realm)
      out.write(", key ID: ")
      out.write(hex: try information.u32(at: realm), width: 8)
      out.write(", HMAC-MD5:")
      try writeWords(try information.dropping(realm &+ 4))
    case 3:
      guard information.length == 17 else {
        out.write(" ??")
        return
      }
      switch try information.u8(at: 0) {
      case 1: out.write(" reconfig-key value:")
      case 2: out.write(" type: HMAC-MD5 value:")
      default:
        out.write(" ??")
        return
      }
      try writeWords(try information.dropping(1))
    default: out.write(" ??")
    }
  }

  private mutating func writeWords(_ data: PacketBytes) throws(DecodeError) {
    for index in 0..<4 {
      out.write(" ")
      out.write(hex: try data.u32(at: index &* 4), width: 8)
    }
  }

  /// Lengths and data, several times (RFC 8415 section 21.15).
  private mutating func printUserClass(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        out.write(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        out.write(" ?")
        return
      }
      out.write(" ")
      try writeText(try data.dropping(offset &+ 2), length: length)
      offset &+= 2 &+ length
    }
  }

  /// RFC 8415 section 21.16.
  private mutating func printVendorClass(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else {
      out.write(" ?")
      return
    }
    out.write(" enterprise ")
    out.write(decimal: try data.u32(at: 0))
    var offset = 4
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        out.write(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        out.write(" ?")
        return
      }
      out.write(" (len ")
      out.write(decimal: length)
      out.write(" data ")
      try writeText(try data.dropping(offset &+ 2), length: length)
      out.write(")")
      offset &+= 2 &+ length
    }
  }

  /// RFC 8415 section 21.17.
  private mutating func printVendorInformation(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else {
      out.write(" ?")
      return
    }
    out.write(" enterprise ")
    out.write(decimal: try data.u32(at: 0))
    var offset = 4
    while offset < data.length {
      guard data.length &- offset >= 4 else {
        out.write(" ?")
        return
      }
      let code = try data.u16(at: offset)
      let length = Int(try data.u16(at: offset &+ 2))
      guard length <= data.length &- offset &- 4 else {
        out.write(" ?")
        return
      }
      out.write(" (code ")
      out.write(decimal: code)
      out.write(" len ")
      out.write(decimal: length)
      out.write(" data")
      try writeShortened(try data.dropping(offset &+ 4).clamped(to: length))
      out.write(")")
      offset &+= 4 &+ length
    }
  }

  private mutating func printReconfigureMessage(_ data: PacketBytes) throws(DecodeError) {
    guard data.length == 1 else {
      out.write(" ?")
      return
    }
    switch try data.u8(at: 0) {
    case 5: out.write(" for renew")
    case 11: out.write(" for inf-req")
    case let type:
      out.write(" for ???(")
      out.write(hex: type, width: 2)
      out.write(")")
    }
  }

  /// RFC 8415 section 21.22.
  private mutating func printDelegatedPrefix(_ data: PacketBytes, relays: Int) throws(DecodeError) {
    guard data.length >= 25 else {
      out.write(" ?")
      return
    }
    out.write(" ")
    writeHost(try data.ipv6(at: 9))
    out.write("/")
    out.write(decimal: try data.u8(at: 8))
    try writeLifetimes(data, at: 0)
    try printDHCPv6Options(data, from: 25, relays: relays)
  }

  /// RFC 5007 section 4.1.2.1.
  private mutating func printLeaseQuery(_ data: PacketBytes, relays: Int) throws(DecodeError) {
    guard data.length >= 17 else {
      out.write(" ?")
      return
    }
    switch try data.u8(at: 0) {
    case 1: out.write(" by-address")
    case 2: out.write(" by-clientID")
    case let type:
      out.write(" type_")
      out.write(decimal: type)
    }
    let link = try data.ipv6(at: 1)
    out.write(" ")
    writeHost(link)
    try printDHCPv6Options(data, from: 17, relays: relays)
  }

  /// RFC 5908 section 4: a server's address, a multicast address, or a name.
  private mutating func printTimeServers(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else { return out.write(" ?") }
    var offset = 0
    while offset < data.length &- 4 {
      let code = try data.u16(at: offset)
      let length = Int(try data.u16(at: offset &+ 2))
      guard length <= data.length &- offset &- 4 else { throw .truncated }
      out.write(" subopt:")
      out.write(decimal: code)
      let value = try data.dropping(offset &+ 4).clamped(to: length)
      switch code {
      case 1, 2:
        if length == 16 {
          out.write(" ")
          writeHost(try value.ipv6(at: 0))
        } else {
          out.write(" ?")
        }
      case 3:
        out.write(" ")
        _ = try writeDomainName(value, at: 0)
      default: out.write(" ?")
      }
      offset &+= 4 &+ length
    }
  }

  /// A domain name without its last dot (RFC 6334 section 3).
  private mutating func printTunnelEndpoint(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 3 else {
      out.write(" ?")
      return
    }
    out.write(" ")
    var offset = 0
    while offset < data.length, try data.u8(at: offset) != 0 {
      let length = Int(try data.u8(at: offset))
      guard length <= data.length &- offset &- 1 else {
        out.write(" ?")
        return
      }
      if offset > 0 { out.write(".") }
      try writeText(try data.dropping(offset &+ 1), length: length)
      offset &+= 1 &+ length
    }
  }

  /// Secure zero touch provisioning, RFC 8572 section 8.2: URIs with their lengths.
  private mutating func printBootstrapServers(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        out.write(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        out.write(" ?")
        return
      }
      out.write(offset == 0 ? " " : ",")
      try writeText(try data.dropping(offset &+ 2), length: length)
      offset &+= 2 &+ length
    }
  }
}
