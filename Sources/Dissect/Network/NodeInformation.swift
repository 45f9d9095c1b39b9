import PacketCore

/// What a node information message asks for (RFC 4620 section 5).
private enum QueryType {
  static let noOperation: UInt16 = 0
  static let supportedTypes: UInt16 = 1
  static let nodeName: UInt16 = 2
  static let nodeAddresses: UInt16 = 3
  static let ipv4Addresses: UInt16 = 4
  static let names: ValueNames = [
    0: "noop", 1: "supported qtypes", 2: "DNS name", 3: "node addresses", 4: "ipv4 addresses",
  ]
}

private let addressFlags: FlagNames = [0x01: "T", 0x02: "A", 0x04: "C", 0x08: "L", 0x10: "S", 0x20: "G"]
/// The flag that says that a reply does not contain all addresses; a query must not set it.
private let truncated: UInt16 = 0x01

/// Bytes before the data: type, code, checksum, query type, flags, nonce.
private let headerLength = 16

extension Printer {
  ///     0 type  1 code  2 checksum  4 query type  6 flags  8 nonce  16 data
  /// RFC 4620 section 4: the code says what the data contains.
  mutating func printNodeInformationQuery(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, headerLength)
    out.write(" (")
    let code = try bytes.u8(at: 1)
    let type = try bytes.u16(at: 4)
    if writesFields { try recordNodeInformation(bytes) }
    write(QueryType.names, type, unknown: "unknown")
    if type == QueryType.noOperation || type == QueryType.supportedTypes {
      if options.verbosity > 0, bytes.length != headerLength { writeFault(", invalid len") }
      out.write(")")
      return
    }
    try writeAddressFlags(bytes, type)
    let isAboutAddresses = type == QueryType.nodeAddresses || type == QueryType.ipv4Addresses
    if isAboutAddresses, try bytes.u16(at: 6) & truncated != 0 { writeFault(" [invalid flag Truncate present]") }
    if bytes.length == headerLength {
      // Old implementations send queries without a subject.
      out.write(", 03 draft)")
      return
    }
    switch code {
    case 0:
      if bytes.count != headerLength &+ 16 {
        if options.verbosity > 0, bytes.length != headerLength &+ 16 { writeFault(", invalid subject len") }
        out.write(")")
        return
      }
      if writesFields { fields.write("subject", try bytes.ipv6(at: headerLength)) }
      out.write(", subject=")
      writeHost(try bytes.ipv6(at: headerLength))
    case 1:
      out.write(", subject=DNS name")
      try writeNodeName("subject", try bytes.dropping(headerLength))
    case 2:
      if bytes.count != headerLength &+ 4 {
        if options.verbosity > 0, bytes.length != headerLength &+ 4 { writeFault(", invalid subject len") }
        out.write(")")
        return
      }
      if writesFields { fields.write("subject", try bytes.ipv4(at: headerLength)) }
      out.write(", subject=")
      writeHost(try bytes.ipv4(at: headerLength))
    default: out.write(", unknown subject")
    }
    out.write(")")
  }

  mutating func printNodeInformationReply(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, max(headerLength, bytes.length))
    out.write(" (")
    let type = try bytes.u16(at: 4)
    if writesFields { try recordNodeInformation(bytes) }
    switch try bytes.u8(at: 1) {
    case 0:
      if options.verbosity > 0 { out.write("success, ") }
    case 1:
      out.write("refused")
      writeReplyEnd(bytes, mustBeEmpty: true)
      return
    case 2:
      out.write("unknown")
      writeReplyEnd(bytes, mustBeEmpty: true)
      return
    default:
      out.write(")")
      return
    }
    write(QueryType.names, type, unknown: "unknown")
    switch type {
    case QueryType.noOperation:
      writeReplyEnd(bytes, mustBeEmpty: true)
      return
    case QueryType.nodeName:
      // A TTL precedes the name.
      if writesFields { fields.write("ttl", try bytes.u32(at: headerLength)) }
      try writeNodeName("name", try bytes.dropping(headerLength &+ 4))
    case QueryType.nodeAddresses, QueryType.ipv4Addresses:
      try writeAddressFlags(bytes, type)
      let addressLength = type == QueryType.nodeAddresses ? 16 : 4
      let layout = OptionLayout.elements(of: UInt16(addressLength &+ 4))
      var list = openList(bytes, at: headerLength, layout, array: "node_addresses")
      while let entry = try next(&list) {
        if writesFields { try recordAddress(entry.value, isIPv4: addressLength == 4) }
        out.write(" ")
        if addressLength == 16 {
          writeHost(try entry.value.ipv6(at: 4))
        } else {
          writeHost(try entry.value.ipv4(at: 4))
        }
        write("(", try entry.value.u32(at: 0))
        out.write(")")
      }
    default: break
    }
    out.write(")")
  }

  private mutating func writeReplyEnd(_ bytes: PacketBytes, mustBeEmpty: Bool) {
    if mustBeEmpty, options.verbosity > 0, bytes.length != headerLength { writeFault(", invalid length") }
    out.write(")")
  }

  private mutating func recordNodeInformation(_ bytes: PacketBytes) throws(DecodeError) {
    fields.write("query_type", try bytes.u16(at: 4), "query_type_name", QueryType.names)
    fields.write("flag_bits", try bytes.u16(at: 6))
    fields.write("nonce", hex: try bytes.slice(at: 8, length: 8))
  }

  /// A TTL, and an address.
  private mutating func recordAddress(_ bytes: PacketBytes, isIPv4: Bool) throws(DecodeError) {
    let ttl = try bytes.u32(at: 0)
    try bytes.check(4, isIPv4 ? 4 : 16)
    fields.beginObject()
    if isIPv4 {
      fields.write("address", try bytes.ipv4(at: 4))
    } else {
      fields.write("address", try bytes.ipv6(at: 4))
    }
    fields.write("ttl", ttl)
    fields.end()
  }

  /// Writes which addresses are queried, in brackets.
  private mutating func writeAddressFlags(_ bytes: PacketBytes, _ type: UInt16) throws(DecodeError) {
    guard type == QueryType.nodeAddresses || type == QueryType.ipv4Addresses else { return }
    let flags = try bytes.u16(at: 6)
    guard flags != 0 else { return }
    out.write(" [")
    write(addressFlags, flags, separator: "", none: "")
    out.write("]")
  }

  /// The name of a node in quotation marks: DNS labels or, from old implementations, a length and the text.
  private mutating func writeNodeName(_ key: StaticString, _ bytes: PacketBytes) throws(DecodeError) {
    let first = Int(try bytes.u8(at: 0))
    out.write(", \"")
    fields.domainName.removeAll()
    if first == bytes.length &- 1 {
      if writesFields { fields.write(key, text: try bytes.slice(at: 1, length: first)) }
      try writeText(try bytes.dropping(1), length: first)
      out.write("\"")
      return
    }
    var offset = 0
    while offset < bytes.length {
      let length = Int(try bytes.u8(at: offset))
      offset &+= 1
      if length == 0 {
        let rest = bytes.length &- offset
        if rest == 0 {
          out.write(".")
          if writesFields { fields.domainName.write(".") }
        } else if try bytes.u8(at: offset) != 0 || rest > 1 {
          // A name that is not fully qualified ends with two empty labels.
          writeFault("???")
        }
        break
      }
      guard offset &+ length <= bytes.length else {
        writeFault("???")
        break
      }
      if writesFields {
        if !fields.domainName.isEmpty { fields.domainName.write(".") }
        fields.domainName.write(label: try bytes.slice(at: offset, length: length))
      }
      try writeText(try bytes.dropping(offset), length: length)
      offset &+= length
      if offset < bytes.length, try bytes.u8(at: offset) != 0 { out.write(".") }
    }
    if writesFields { fields.writeDomainName(key) }
    out.write("\"")
  }
}
