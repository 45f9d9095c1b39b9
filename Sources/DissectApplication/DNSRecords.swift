import Dissect
import PacketCore

/// State of a whole DNS message.
struct DNSContext {
  /// True for multicast DNS, in which the upper bit of a class is a flag.
  let isMulticast: Bool
}

/// Types of resource records (IANA "Domain Name System (DNS) Parameters").
enum DNSType {
  static let a: UInt16 = 1
  static let ns: UInt16 = 2
  static let cname: UInt16 = 5
  static let soa: UInt16 = 6
  static let ptr: UInt16 = 12
  static let mx: UInt16 = 15
  static let txt: UInt16 = 16
  static let aaaa: UInt16 = 28
  static let srv: UInt16 = 33
  static let a6: UInt16 = 38
  static let dname: UInt16 = 39
  static let options: UInt16 = 41
  static let tsig: UInt16 = 250
  static let uri: UInt16 = 256

  static let names: ValueNames = [
    1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL", 11: "WKS",
    12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 19: "X25", 20: "ISDN", 21: "RT",
    22: "NSAP", 23: "NSAP_PTR", 24: "SIG", 25: "KEY", 26: "PX", 27: "GPOS", 28: "AAAA", 29: "LOC", 30: "NXT",
    31: "EID", 32: "NIMLOC", 33: "SRV", 34: "ATMA", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME",
    40: "SINK", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY",
    49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 56: "NINFO", 57: "RKEY",
    58: "TALINK", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS",
    99: "SPF", 100: "UINFO", 101: "UID", 102: "GID", 103: "UNSPEC", 104: "NID", 105: "L32", 106: "L64", 107: "LP",
    108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG",
    251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI",
    257: "CAA", 258: "AVC", 259: "DOA", 260: "AMTRELAY", 32768: "TA", 32769: "DLV",
  ]
}

private let internet: UInt16 = 1
let dnsClasses: ValueNames = [1: "IN", 3: "CHAOS", 4: "HS", 255: "ANY"]
/// The flag of multicast DNS: a question with it asks for a unicast answer, a record with it replaces cached ones (RFC 6762 sections 5.4
/// and 10.2).
private let multicastFlag: UInt16 = 0x8000

extension Printer {
  ///     name  type (2)  class (2)
  mutating func printQuestion(
    _ message: PacketBytes, at start: Int, _ dns: DNSContext
  ) throws(DecodeError) -> Int {
    let offset = try message.endOfDomainName(at: start)
    let type = try message.u16(at: offset)
    try message.check(offset, 4)
    out.write(" ")
    write(DNSType.names, type, unknown: .decimal("Type"))
    var recordClass = try message.u16(at: offset &+ 2)
    var suffix: StaticString = ""
    if dns.isMulticast {
      suffix = recordClass & multicastFlag != 0 ? " (QU)" : " (QM)"
      recordClass &= ~multicastFlag
    }
    writeClass(recordClass)
    out.write(suffix)
    out.write("? ")
    let level = fields.level
    if writesFields {
      fields.beginObject()
      fields.write("type", type, "type_name", DNSType.names)
      fields.write("class", recordClass, "class_name", dnsClasses)
      if dns.isMulticast { fields.write("unicast_response", try message.u16(at: offset &+ 2) & multicastFlag != 0) }
    }
    _ = try writeDomainName(message, at: start)
    if writesFields { fields.writeDomainName("name") }
    fields.end(downTo: level)
    return offset &+ 4
  }

  private mutating func writeClass(_ recordClass: UInt16) {
    guard recordClass != internet else { return }
    out.write(" ")
    write(dnsClasses, recordClass, unknown: .decimal("(Class ", ")"))
  }

  ///     name  type (2)  class (2)  time to live (4)  data length (2)  data
  mutating func printRecord(_ message: PacketBytes, at start: Int, _ dns: DNSContext) throws(DecodeError) -> Int {
    var offset = message.count
    if options.verbosity > 0 {
      out.write(" ")
      offset = try writeDomainName(message, at: start)
      if writesFields { fields.writeDomainName("name") }
    } else if let end = try? message.endOfDomainName(at: start) {
      offset = end
    }
    // A record whose fixed fields were not captured ends the message without a truncation mark.
    guard message.has(offset, 10) else { return message.count }
    let type = try message.u16(at: offset)
    var recordClass = try message.u16(at: offset &+ 2)
    let timeToLive = try message.u32(at: offset &+ 4)
    let length = Int(try message.u16(at: offset &+ 8))
    offset &+= 10
    if writesFields { recordRecord(type, recordClass, timeToLive, length: length, dns) }
    out.write(" ")
    if type != DNSType.options {
      let isFlush = dns.isMulticast && recordClass & multicastFlag != 0
      if dns.isMulticast { recordClass &= ~multicastFlag }
      if recordClass != internet {
        write(dnsClasses, recordClass, unknown: .decimal("(Class ", ")"))
        out.write(" ")
      }
      if isFlush { out.write("(Cache flush) ") }
      if options.verbosity > 2 {
        out.write("[")
        writeRelativeTime(seconds: timeToLive)
        out.write("] ")
      }
    }
    write(DNSType.names, type, unknown: .decimal("Type"))
    // All of the data must be there: a truncated record ends the message.
    try message.check(offset, length)
    let end = offset &+ length
    try printRecordData(message, at: offset, end: end, type, recordClass, timeToLive)
    return end
  }

  /// Records the fixed fields; those of an OPT record have other meanings (RFC 6891 section 6.1.3).
  private mutating func recordRecord(
    _ type: UInt16, _ recordClass: UInt16, _ timeToLive: UInt32, length: Int, _ dns: DNSContext
  ) {
    fields.write("type", type, "type_name", DNSType.names)
    if type == DNSType.options {
      fields.write("udp_size", recordClass)
      fields.write("extended_rcode", timeToLive >> 24)
      fields.write("version", timeToLive >> 16 & 0xff)
      fields.write("dnssec_ok", timeToLive & 0x8000 != 0)
    } else {
      fields.write("class", dns.isMulticast ? recordClass & ~multicastFlag : recordClass, "class_name", dnsClasses)
      if dns.isMulticast { fields.write("cache_flush", recordClass & multicastFlag != 0) }
      fields.write("ttl", timeToLive)
    }
    fields.write("length", length)
  }

  private mutating func printRecordData(
    _ message: PacketBytes, at offset: Int, end: Int, _ type: UInt16, _ recordClass: UInt16, _ timeToLive: UInt32
  ) throws(DecodeError) {
    let length = end &- offset
    switch type {
    case DNSType.a:
      let address = try message.ipv4(at: offset)
      if writesFields { fields.write("data", address) }
      out.write(" ")
      out.write(address)
    case DNSType.aaaa:
      let address = try message.ipv6(at: offset)
      if writesFields { fields.write("data", address) }
      out.write(" ")
      out.write(address)
    case DNSType.ns, DNSType.cname, DNSType.ptr, DNSType.dname:
      out.write(" ")
      _ = try writeDomainName(message, at: offset)
      if writesFields { fields.writeDomainName("data") }
    case DNSType.soa: try printStartOfAuthority(message, at: offset)
    case DNSType.mx:
      out.write(" ")
      let preference = try message.u16(at: offset)
      if writesFields {
        fields.beginObject("rdata")
        fields.write("preference", preference)
      }
      _ = try writeDomainName(message, at: offset &+ 2)
      if writesFields {
        fields.writeDomainName("exchange")
        fields.end()
      }
      out.write(" ")
      out.write(decimal: preference)
    case DNSType.txt: try printStrings(message, at: offset, end: end)
    case DNSType.srv:
      out.write(" ")
      try message.check(offset, 6)
      if writesFields {
        fields.beginObject("rdata")
        fields.write("priority", try message.u16(at: offset))
        fields.write("weight", try message.u16(at: offset &+ 2))
        fields.write("port", try message.u16(at: offset &+ 4))
      }
      _ = try writeDomainName(message, at: offset &+ 6)
      if writesFields {
        fields.writeDomainName("target")
        fields.end()
      }
      out.write(":")
      out.write(decimal: try message.u16(at: offset &+ 4))
      out.write(" ")
      out.write(decimal: try message.u16(at: offset))
      out.write(" ")
      out.write(decimal: try message.u16(at: offset &+ 2))
    case DNSType.a6: try printA6(message, at: offset)
    case DNSType.uri:
      let target = try message.slice(at: offset &+ 4, length: max(0, length &- 4))
      if writesFields {
        fields.beginObject("rdata")
        fields.write("priority", try message.u16(at: offset))
        fields.write("weight", try message.u16(at: offset &+ 2))
        fields.write("target", text: target)
        fields.end()
      }
      out.write(" ")
      out.write(decimal: try message.u16(at: offset))
      out.write(" ")
      out.write(decimal: try message.u16(at: offset &+ 2))
      out.write(" ")
      out.write(escaped: target)
    case DNSType.options:
      out.write(" UDPsize=")
      out.write(decimal: recordClass)
      if timeToLive & 0x8000 != 0 { out.write(" DO") }
      if length > 0 { try printExtensionOptions(message, at: offset, end: end) }
    case DNSType.tsig: try printTransactionSignature(message, at: offset, end: end)
    default:
      if writesFields, length > 0 { fields.write("data_hex", hex: try message.slice(at: offset, length: length)) }
    }
  }

  /// RFC 1035 section 3.3.13.
  private mutating func printStartOfAuthority(_ message: PacketBytes, at start: Int) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    out.write(" ")
    if writesFields { fields.beginObject("rdata") }
    var offset = try writeDomainName(message, at: start)
    if writesFields { fields.writeDomainName("primary") }
    out.write(" ")
    offset = try writeDomainName(message, at: offset)
    if writesFields {
      fields.writeDomainName("mailbox")
      fields.write("serial", try message.u32(at: offset))
      fields.write("refresh", try message.u32(at: offset &+ 4))
      fields.write("retry", try message.u32(at: offset &+ 8))
      fields.write("expire", try message.u32(at: offset &+ 12))
      fields.write("minimum", try message.u32(at: offset &+ 16))
      fields.end()
    }
    for index in 0..<5 {
      let number = try message.u32(at: offset &+ index &* 4)
      out.write(" ")
      out.write(decimal: number)
    }
  }

  /// Character strings, each a length and its bytes (RFC 1035 section 3.3.14).
  private mutating func printStrings(_ message: PacketBytes, at start: Int, end: Int) throws(DecodeError) {
    var list = openList(message.withLength(end), at: start, .counted(1), array: "texts")
    while let string = try next(&list) {
      if writesFields { fields.element(text: try string.wholeValue()) }
      out.write(" \"")
      try writeText(string.value, length: string.length)
      out.write("\"")
    }
  }

  /// A prefix length, the rest of the address, and the name under which the prefix is found (RFC 2874 section 3.1).
  private mutating func printA6(_ message: PacketBytes, at offset: Int) throws(DecodeError) {
    let prefixLength = Int(try message.u8(at: offset))
    if writesFields {
      fields.beginObject("rdata")
      fields.write("prefix_length", prefixLength)
    }
    var nameOffset = offset &+ 1
    out.write(" ")
    if prefixLength > 128 {
      out.write(decimal: prefixLength)
      writeFault("(bad plen)")
      return
    }
    if prefixLength < 128 {
      let count = 16 &- prefixLength / 8
      var address: UInt128 = 0
      for index in 0..<count { address = address << 8 | UInt128(try message.u8(at: nameOffset &+ index)) }
      if writesFields { fields.write("suffix", IPv6Address(rawValue: address)) }
      out.write(decimal: prefixLength)
      out.write(" ")
      out.write(IPv6Address(rawValue: address))
      nameOffset &+= count
    }
    if prefixLength > 0 {
      if prefixLength < 128 { out.write(" ") }
      _ = try writeDomainName(message, at: nameOffset)
      if writesFields { fields.writeDomainName("prefix_name") }
    }
  }

  /// RFC 8945 section 4.2.
  private mutating func printTransactionSignature(
    _ message: PacketBytes, at start: Int, end: Int
  ) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    out.write(" ")
    if writesFields { fields.beginObject("rdata") }
    var offset = try writeDomainName(message, at: start)
    if writesFields {
      fields.writeDomainName("algorithm_name")
      if let time = try? message.u48(at: offset) { fields.write("time_signed", time) }
    }
    offset &+= 6
    let fudge = try message.u16(at: offset)
    if writesFields { fields.write("fudge", fudge) }
    out.write(" fudge=")
    out.write(decimal: fudge)
    let macLength = try message.u16(at: offset &+ 2)
    offset &+= 4
    if writesFields, let mac = try? message.slice(at: offset, length: Int(macLength)) {
      fields.write("mac", hex: mac)
    }
    out.write(" maclen=")
    out.write(decimal: macLength)
    offset &+= Int(macLength)
    let identifier = try message.u16(at: offset)
    if writesFields { fields.write("original_id", identifier) }
    out.write(" origid=")
    out.write(decimal: identifier)
    let error = try message.u16(at: offset &+ 2)
    if writesFields { fields.write("error", error) }
    out.write(" error=")
    out.write(decimal: error)
    let otherLength = try message.u16(at: offset &+ 4)
    out.write(" otherlen=")
    out.write(decimal: otherLength)
  }
}
