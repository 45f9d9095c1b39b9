import Dissect
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

/// Minimum length of a time zone and of a URL, in bytes.
private let shortestText = 5
/// Number of bytes of a value that are shown without `-vv`.
private let shownOctets = 10

extension Printer {
  /// The data of one option, and the closing parenthesis. If the data is malformed although it was captured whole, a truncation mark ends
  /// the options: returns false.
  mutating func printDHCPv6Option(_ code: UInt16, _ data: PacketBytes, nesting: Int) throws(DecodeError) -> Bool {
    do throws(DecodeError) {
      try printDHCPv6Value(code, data, nesting: nesting)
    } catch .truncated {
      if data.count < data.length { throw .truncated }
      writeTruncation()
      return false
    }
    return true
  }

  private mutating func printDHCPv6Value(_ code: UInt16, _ data: PacketBytes, nesting: Int) throws(DecodeError) {
    switch code {
    case 1, 2: try printUniqueIdentifier(data)
    case 3, 25:
      guard hasOctets(data, 12) else { return }
      write(" IAID:", "iaid", try data.u32(at: 0))
      write(" T1:", "t1", try data.u32(at: 4))
      write(" T2:", "t2", try data.u32(at: 8))
      try printDHCPv6Options(data, from: 12, nesting: nesting &+ 1)
    case 4:
      guard hasOctets(data, 4) else { return }
      write(" IAID:", "iaid", try data.u32(at: 0))
      try printDHCPv6Options(data, from: 4, nesting: nesting &+ 1)
    case 5:
      guard hasOctets(data, 24) else { return }
      write(" ", "address", try data.ipv6(at: 0))
      try writeLifetimes(data, at: 16)
      try printDHCPv6Options(data, from: 24, nesting: nesting &+ 1)
    case 6, 43:
      guard data.length % 2 == 0 else { return hasNoOctets() }
      var list = openList(data, .elements(of: 2), array: "values")
      while let code = try next(&list) {
        writeElement(" ", try code.value.u16(at: 0), as: .named(DHCPv6Option.names, unknown: .decimal("opt_")))
      }
    case 7:
      guard data.length == 1 else { return hasNoOctets() }
      write(" ", "value", try data.u8(at: 0))
    case 8:
      guard data.length == 2 else { return hasNoOctets() }
      write(" ", "value", try data.u16(at: 0))
    case 9:
      try printRelayedMessage(data, nesting: nesting)
      return
    case 11: try printAuthentication(data)
    case 13:
      guard hasOctets(data, 2) else { return }
      if writesFields {
        fields.write("status", try data.u16(at: 0), "status_name", DHCPv6Option.statusCodes)
        if data.count > 2 { fields.write("text", text: try data.dropping(2)) }
      }
      let status = try data.u16(at: 0)
      // Status codes have at most eight bits.
      if status > 0xff { return writeFault(" INVALID code") }
      write(" ", status, as: .named(DHCPv6Option.statusCodes, unknown: .decimal("code")))
    case 15: try printUserClass(data)
    case 16: try printVendorClass(data)
    case 17: try printVendorInformation(data)
    case 18, 38:
      try writeShortenedData(data)
    case 19: try printReconfigureMessage(data)
    case 21, 24: try writeDomainNames(data)
    case 22, 23, 27, 28, 31, 34, 40, 48:
      guard data.length % 16 == 0 else { return hasNoOctets() }
      try writeAddresses(data)
    case 26: try printDelegatedPrefix(data, nesting: nesting)
    case 32, 46:
      guard data.length == 4 else { return hasNoOctets() }
      write(" ", "value", try data.u32(at: 0))
    case 37:
      guard hasOctets(data, 4) else { return }
      write(" enterprise ", "enterprise", try data.u32(at: 0))
      try writeShortenedData(try data.dropping(4))
    case 59: try write(" ", "text", text: data)
    case 41, 42:
      guard data.length >= shortestText else { return hasNoOctets() }
      try write(" ", "text", text: data)
    case 112:
      guard data.length >= shortestText else { return hasNoOctets() }
      try write(" ", "text", text: data.clamped(to: try data.lengthToNUL()))
    case 44: try printLeaseQuery(data, nesting: nesting)
    case 45: try printDHCPv6Options(data, from: 0, nesting: nesting &+ 1)
    case 47:
      guard hasOctets(data, 16) else { return }
      write(" ", "address", try data.ipv6(at: 0))
      // The rest is the relayed message as it was received.
      try writeShortenedData(try data.dropping(16))
    case 56: try printTimeServers(data)
    case 64: try printTunnelEndpoint(data)
    case 136: try printBootstrapServers(data)
    default:
      if writesFields, data.count > 0 { fields.write("data", hex: data) }
    }
    out.write(")")
  }

  private mutating func writeAddresses(_ data: PacketBytes) throws(DecodeError) {
    var list = openList(data, .elements(of: 16), array: "addresses")
    while let address = try next(&list) { writeElement(" ", try address.value.ipv6(at: 0)) }
  }

  /// ` ?)` for data that does not have the required length.
  private mutating func hasNoOctets() { writeFault(" ?)") }

  private mutating func hasOctets(_ data: PacketBytes, _ wanted: Int) -> Bool {
    if data.length >= wanted { return true }
    hasNoOctets()
    return false
  }

  /// The member `data`, and the text of `writeShortened`.
  private mutating func writeShortenedData(_ data: PacketBytes) throws(DecodeError) {
    if writesFields { fields.write("data", hex: data) }
    try writeShortened(data)
  }

  /// Bytes in hexadecimal; without `-vv` only the first ten, and an ellipsis.
  mutating func writeShortened(_ data: PacketBytes) throws(DecodeError) {
    out.write(" ")
    let isShortened = options.verbosity < 2 && data.length > shownOctets
    try writeHexOctets(data, isShortened ? shownOctets : data.length)
    if isShortened { out.write("...") }
  }

  mutating func writeLifetimes(_ data: PacketBytes, at offset: Int) throws(DecodeError) {
    write(" pltime:", "preferred_lifetime", try data.u32(at: offset))
    write(" vltime:", "valid_lifetime", try data.u32(at: offset &+ 4))
  }

  /// True if the last byte of `data` is the length of a label of the domain name at `start`.
  private func endsInLength(_ data: PacketBytes, from start: Int) -> Bool {
    var offset = start
    while let length = try? data.u8(at: offset), length & 0xc0 == 0, length > 0 {
      if offset &+ 1 == data.length { return true }
      offset &+= 1 &+ Int(length)
    }
    return false
  }

  private mutating func writeDomainNames(_ data: PacketBytes) throws(DecodeError) {
    var offset = 0
    if writesFields { fields.beginArray("domains") }
    while offset < data.length {
      out.write(" ")
      do throws(DecodeError) {
        offset = try writeDomainName(data, at: offset)
      } catch {
        // Only the length of a label is there: the name ends as if it were complete.
        guard error == .truncated, endsInLength(data, from: offset) else { throw error }
        break
      }
      if writesFields { fields.elementDomainName() }
    }
    if writesFields { fields.end() }
  }
}
