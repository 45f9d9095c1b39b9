import Dissect
import PacketCore

private let authenticationProtocols: ValueNames = [2: "delayed", 3: "reconfigure"]

extension Printer {
  /// A DHCP unique identifier (RFC 8415 section 11).
  mutating func printUniqueIdentifier(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 2 else { return writeFault(" ?") }
    if writesFields {
      fields.write("duid_type", try data.u16(at: 0))
      fields.write("data", hex: try data.dropping(2))
    }
    switch try data.u16(at: 0) {
    case 1:
      guard data.length >= 8 else { return writeFault(" ?") }
      write(" hwaddr/time type ", "hardware_type", try data.u16(at: 2))
      write(" time ", "time", try data.u32(at: 4))
      out.write(" ")
      try writeHexOctets(try data.dropping(8), data.length &- 8)
    case 2:
      guard data.length >= 6 else { return writeFault(" ?") }
      write(" enterprise ", "enterprise", try data.u32(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(6), data.length &- 6)
    case 3:
      guard data.length >= 4 else { return writeFault(" ?") }
      write(" hwaddr type ", "hardware_type", try data.u16(at: 2))
      out.write(" ")
      try writeHexOctets(try data.dropping(4), data.length &- 4)
    case 4:
      // RFC 6355 section 4.
      out.write(" uuid ")
      guard data.length == 18 else { return writeFault(" ?") }
      try writeHexOctets(try data.dropping(2), 16)
    case let type: write(" type ", type)
    }
  }

  /// RFC 8415 sections 20 and 21.11.
  mutating func printAuthentication(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 11 else { return writeFault(" ?") }
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
    write(" proto: ", number, as: .named(authenticationProtocols, unknown: .decimal("")))
    out.write(", alg: ")
    if algorithm == 1 { out.write("HMAC-MD5") } else { out.write(decimal: algorithm) }
    out.write(", RDM: ")
    if replayMethod == 0 { out.write("mono") } else { out.write(decimal: replayMethod) }
    out.write(", RD:")
    for index in 0..<4 {
      write(" ", try data.u16(at: 3 &+ index &* 2), as: .hex(4))
    }
    let information = try data.dropping(11)
    switch number {
    case 2:
      if information.length == 0 { return }
      guard information.length >= 20 else { return writeFault(" ??") }
      out.write(", realm: ")
      let realm = information.length &- 20
      try writeHexOctets(information, realm)
      write(", key ID: ", try information.u32(at: realm), as: .hex(8))
      out.write(", HMAC-MD5:")
      try writeWords(try information.dropping(realm &+ 4))
    case 3:
      guard information.length == 17 else { return writeFault(" ??") }
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
      write(" ", try data.u32(at: index &* 4), as: .hex(8))
    }
  }

  /// Repeated pairs of a length and data (RFC 8415 section 21.15).
  mutating func printUserClass(_ data: PacketBytes) throws(DecodeError) { try printTexts(data, separator: " ") }

  /// Secure zero touch provisioning, RFC 8572 section 8.2: URIs, each preceded by its length.
  mutating func printBootstrapServers(_ data: PacketBytes) throws(DecodeError) { try printTexts(data, separator: ",") }

  private mutating func printTexts(_ data: PacketBytes, separator: StaticString) throws(DecodeError) {
    var list = openList(data, .counted(2), array: "texts")
    out.write(" ")
    while let item = try next(&list) {
      if !item.isFirst { out.write(separator) }
      // One mark for the text, and one for the length without a value.
      if item.isTooLong { return writeFault(" ? ?") }
      let text = item.value
      if writesFields { fields.element(text: text) }
      try writeText(text, length: text.length)
    }
    if list.remaining > 0 { writeFault(" ?") }
  }

  /// Reports a value that is longer than the rest of its option: one mark, and a second one if there is a rest.
  private mutating func writeTooLong(_ option: borrowing OptionList.Entry, header: Int) {
    writeFault(option.rest > header ? " ? ?" : " ?")
  }

  /// RFC 8415 section 21.16.
  mutating func printVendorClass(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else { return writeFault(" ?") }
    write(" enterprise ", "enterprise", try data.u32(at: 0))
    var list = openList(data, at: 4, .counted(2), array: "texts")
    while let item = try next(&list) {
      write(" (len ", item.length)
      if item.isTooLong { return writeTooLong(item, header: 2) }
      let text = item.value
      if writesFields { fields.element(text: text) }
      out.write(" data ")
      try writeText(text, length: text.length)
      out.write(")")
    }
    if list.remaining > 0 { writeFault(" ?") }
  }

  /// RFC 8415 section 21.17.
  mutating func printVendorInformation(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else { return writeFault(" ?") }
    write(" enterprise ", "enterprise", try data.u32(at: 0))
    let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, shortHeader: .endsList)
    var list = openList(data, at: 4, layout, array: "suboptions")
    while let option = try next(&list) {
      if writesFields { fields.beginObject() }
      write(" (code ", "code", option.type)
      write(" len ", option.length)
      if option.isTooLong { return writeTooLong(option, header: 4) }
      if writesFields { fields.write("data", hex: option.value) }
      out.write(" data")
      try writeShortened(option.value)
      out.write(")")
    }
    if list.remaining > 0 { writeFault(" ?") }
  }

  mutating func printReconfigureMessage(_ data: PacketBytes) throws(DecodeError) {
    guard data.length == 1 else { return writeFault(" ?") }
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
    guard data.length >= 25 else { return writeFault(" ?") }
    write(" ", "prefix", try data.ipv6(at: 9))
    write("/", "prefix_length", try data.u8(at: 8))
    try writeLifetimes(data, at: 0)
    try printDHCPv6Options(data, from: 25, nesting: nesting &+ 1)
  }

  /// RFC 5007 section 4.1.2.1.
  mutating func printLeaseQuery(_ data: PacketBytes, nesting: Int) throws(DecodeError) {
    guard data.length >= 17 else { return writeFault(" ?") }
    switch try data.u8(at: 0) {
    case 1: out.write(" by-address")
    case 2: out.write(" by-clientID")
    case let type: write(" type_", type)
    }
    if writesFields { fields.write("value", try data.u8(at: 0)) }
    write(" ", "address", try data.ipv6(at: 1))
    try printDHCPv6Options(data, from: 17, nesting: nesting &+ 1)
  }

  /// RFC 5908 section 4: a server's address, a multicast address, or a name.
  mutating func printTimeServers(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 4 else { return writeFault(" ?") }
    // Four bytes are not enough for a suboption.
    let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, needed: 5, shortHeader: .endsList)
    var list = openList(data, layout, array: "suboptions")
    while let option = try next(&list) {
      if option.isTooLong { throw .truncated }
      if writesFields { fields.beginObject() }
      write(" subopt:", "code", option.type)
      switch option.type {
      case 1, 2:
        if option.length == 16 {
          write(" ", "address", try option.value.ipv6(at: 0))
        } else {
          writeFault(" ?")
        }
      case 3:
        out.write(" ")
        _ = try writeDomainName(option.value, at: 0)
        if writesFields { fields.writeDomainName("domain") }
      default: writeFault(" ?")
      }
    }
  }

  /// A domain name without its last dot (RFC 6334 section 3).
  mutating func printTunnelEndpoint(_ data: PacketBytes) throws(DecodeError) {
    guard data.length >= 3 else { return writeFault(" ?") }
    out.write(" ")
    fields.domainName.removeAll()
    var list = openList(data, .counted(1))
    while let label = try next(&list), label.length > 0 {
      // A label of length zero ends the name, so there must be room for it after every label.
      if label.isTooLong || list.remaining == 0 { return writeFault(" ?") }
      if writesFields {
        fields.domainName.write(label: label.value)
        fields.domainName.write(".")
      }
      try writeText(label.value, length: label.length)
      if list.remaining > 1 { out.write(".") }
    }
    if writesFields { fields.writeDomainName("domain") }
  }
}
