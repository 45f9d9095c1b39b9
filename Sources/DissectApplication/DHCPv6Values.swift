import Dissect
import PacketCore

extension Printer {
  /// A DHCP unique identifier (RFC 8415 section 11).
  mutating func printUniqueIdentifier(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 2 else {
      writeFault(" ?")
      return
    }
    if writesFields {
      fields.write("duid_type", try data.u16(at: 0))
      fields.write("data", hex: try data.dropping(2))
    }
    switch try data.u16(at: 0) {
    case 1:
      guard data.length >= 8 else {
        writeFault(" ?")
        return
      }
      if writesFields {
        fields.write("hardware_type", try data.u16(at: 2))
        fields.write("time", try data.u32(at: 4))
      }
      out.write(" hwaddr/time type ")
      out.write(decimal: try data.u16(at: 2))
      out.write(" time ")
      out.write(decimal: try data.u32(at: 4))
      out.write(" ")
      try writeHexOctets(try data.dropping(8), data.length &- 8)
    case 2:
      guard data.length >= 6 else {
        writeFault(" ?")
        return
      }
      if writesFields { fields.write("enterprise", try data.u32(at: 2)) }
      out.write(" enterprise ")
      out.write(decimal: try data.u32(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(6), data.length &- 6)
    case 3:
      guard data.length >= 4 else {
        writeFault(" ?")
        return
      }
      if writesFields { fields.write("hardware_type", try data.u16(at: 2)) }
      out.write(" hwaddr type ")
      out.write(decimal: try data.u16(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(4), data.length &- 4)
    case 4:
      // RFC 6355 section 4.
      guard data.length == 18 else {
        writeFault(" ?")
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
  mutating func printAuthentication(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 11 else {
      writeFault(" ?")
      return
    }
    let number = try data.u8(at: 0)
    let algorithm = try data.u8(at: 1)
    let replayMethod = try data.u8(at: 2)
    if writesFields {
      fields.write("authentication_protocol", number)
      fields.write("algorithm", algorithm)
      fields.write("replay_detection_method", replayMethod)
      fields.write("replay_detection", hex: try data.slice(at: 3, length: 8))
      if data.count > 11 { fields.write("data", hex: try data.dropping(11)) }
    }
    out.write(" proto: ")
    write(authenticationProtocols, number, unknownDecimal: "")
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
        writeFault(" ??")
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
        writeFault(" ??")
        return
      }
      switch try information.u8(at: 0) {
      case 1: out.write(" reconfig-key value:")
      case 2: out.write(" type: HMAC-MD5 value:")
      default:
        writeFault(" ??")
        return
      }
      try writeWords(try information.dropping(1))
    default: writeFault(" ??")
    }
  }

  private mutating func writeWords(_ data: PacketBytes) throws(DecodeError) {
    for index in 0..<4 {
      out.write(" ")
      out.write(hex: try data.u32(at: index &* 4), width: 8)
    }
  }

  /// Lengths and data, several times (RFC 8415 section 21.15).
  mutating func printUserClass(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    if writesFields { fields.beginArray("texts") }
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        writeFault(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        writeFault(" ?")
        return
      }
      if writesFields { fields.element(text: try data.dropping(offset &+ 2).clamped(to: length)) }
      out.write(" ")
      try writeText(try data.dropping(offset &+ 2), length: length)
      offset &+= 2 &+ length
    }
  }

  /// RFC 8415 section 21.16.
  mutating func printVendorClass(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else {
      writeFault(" ?")
      return
    }
    out.write(" enterprise ")
    out.write(decimal: try data.u32(at: 0))
    if writesFields {
      fields.write("enterprise", try data.u32(at: 0))
      fields.beginArray("texts")
    }
    var offset = 4
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        writeFault(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        writeFault(" ?")
        return
      }
      if writesFields { fields.element(text: try data.dropping(offset &+ 2).clamped(to: length)) }
      out.write(" (len ")
      out.write(decimal: length)
      out.write(" data ")
      try writeText(try data.dropping(offset &+ 2), length: length)
      out.write(")")
      offset &+= 2 &+ length
    }
  }

  /// RFC 8415 section 21.17.
  mutating func printVendorInformation(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else {
      writeFault(" ?")
      return
    }
    out.write(" enterprise ")
    out.write(decimal: try data.u32(at: 0))
    if writesFields {
      fields.write("enterprise", try data.u32(at: 0))
      fields.beginArray("suboptions")
    }
    var offset = 4
    while offset < data.length {
      guard data.length &- offset >= 4 else {
        writeFault(" ?")
        return
      }
      let code = try data.u16(at: offset)
      let length = Int(try data.u16(at: offset &+ 2))
      guard length <= data.length &- offset &- 4 else {
        writeFault(" ?")
        return
      }
      if writesFields {
        let part = try data.dropping(offset &+ 4).clamped(to: length)
        fields.beginObject()
        fields.write("code", code)
        fields.write("data", hex: part)
        fields.end()
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

  mutating func printReconfigureMessage(_ data: PacketBytes) throws(DecodeError) {
    guard data.length == 1 else {
      writeFault(" ?")
      return
    }
    if writesFields { fields.write("value", try data.u8(at: 0)) }
    switch try data.u8(at: 0) {
    case 5: out.write(" for renew")
    case 11: out.write(" for inf-req")
    case let type:
      writeFault(" for ???(")
      out.write(hex: type, width: 2)
      out.write(")")
    }
  }

  /// RFC 8415 section 21.22.
  mutating func printDelegatedPrefix(_ data: PacketBytes, nesting: Int) throws(DecodeError) {
    guard data.length >= 25 else {
      writeFault(" ?")
      return
    }
    if writesFields {
      let prefix = try data.ipv6(at: 9)
      fields.write("prefix", prefix)
      fields.write("prefix_length", try data.u8(at: 8))
    }
    out.write(" ")
    writeHost(try data.ipv6(at: 9))
    out.write("/")
    out.write(decimal: try data.u8(at: 8))
    try writeLifetimes(data, at: 0)
    try printDHCPv6Options(data, from: 25, nesting: nesting &+ 1)
  }

  /// RFC 5007 section 4.1.2.1.
  mutating func printLeaseQuery(_ data: PacketBytes, nesting: Int) throws(DecodeError) {
    guard data.length >= 17 else {
      writeFault(" ?")
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
    if writesFields {
      fields.write("value", try data.u8(at: 0))
      fields.write("address", link)
    }
    out.write(" ")
    writeHost(link)
    try printDHCPv6Options(data, from: 17, nesting: nesting &+ 1)
  }

  /// RFC 5908 section 4: a server's address, a multicast address, or a name.
  mutating func printTimeServers(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else { return writeFault(" ?") }
    var offset = 0
    if writesFields { fields.beginArray("suboptions") }
    let level = fields.level
    while offset < data.length &- 4 {
      let code = try data.u16(at: offset)
      let length = Int(try data.u16(at: offset &+ 2))
      guard length <= data.length &- offset &- 4 else { throw .truncated }
      out.write(" subopt:")
      out.write(decimal: code)
      let value = try data.dropping(offset &+ 4).clamped(to: length)
      if writesFields {
        fields.end(downTo: level)
        fields.beginObject()
        fields.write("code", code)
      }
      switch code {
      case 1, 2:
        if length == 16 {
          if writesFields { fields.write("address", try value.ipv6(at: 0)) }
          out.write(" ")
          writeHost(try value.ipv6(at: 0))
        } else {
          writeFault(" ?")
        }
      case 3:
        out.write(" ")
        _ = try writeDomainName(value, at: 0)
        if writesFields { fields.writeDomainName("domain") }
      default: writeFault(" ?")
      }
      offset &+= 4 &+ length
    }
  }

  /// A domain name without its last dot (RFC 6334 section 3).
  mutating func printTunnelEndpoint(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 3 else {
      writeFault(" ?")
      return
    }
    out.write(" ")
    var offset = 0
    fields.domainName.removeAll()
    while offset < data.length, try data.u8(at: offset) != 0 {
      let length = Int(try data.u8(at: offset))
      guard length <= data.length &- offset &- 1 else {
        writeFault(" ?")
        return
      }
      if offset > 0 { out.write(".") }
      if writesFields {
        fields.domainName.write(label: try data.dropping(offset &+ 1).clamped(to: length))
        fields.domainName.write(".")
      }
      try writeText(try data.dropping(offset &+ 1), length: length)
      offset &+= 1 &+ length
    }
    if writesFields { fields.writeDomainName("domain") }
  }

  /// Secure zero touch provisioning, RFC 8572 section 8.2: URIs with their lengths.
  mutating func printBootstrapServers(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    if writesFields { fields.beginArray("texts") }
    while offset < data.length {
      guard data.length &- offset >= 2 else {
        writeFault(" ?")
        return
      }
      let length = Int(try data.u16(at: offset))
      guard length <= data.length &- offset &- 2 else {
        writeFault(" ?")
        return
      }
      if writesFields { fields.element(text: try data.dropping(offset &+ 2).clamped(to: length)) }
      out.write(offset == 0 ? " " : ",")
      try writeText(try data.dropping(offset &+ 2), length: length)
      offset &+= 2 &+ length
    }
  }
}

/// Protocols of the authentication option (RFC 8415 section 21.11).
private let authenticationProtocols: ValueNames = [2: "delayed", 3: "reconfigure"]
