package import Dissect
import PacketCore

extension Dissector {
  /// Domain Name System over UDP, RFC 1035.
  package static let dns = Dissector(
    name: "domain", claims: [.udpPort(53), .payloadType(.domain)], layers: [.dns], standsAlone: true
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printDNS(bytes, isMulticast: false)
  }
  /// Multicast DNS, RFC 6762.
  package static let multicastDNS = Dissector(
    name: "domain", claims: [.udpPort(5353)], layers: [.dns], standsAlone: true
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printDNS(bytes, isMulticast: true)
  }
  /// Domain Name System over TCP, RFC 7766 section 8: a two-byte length precedes each message.
  package static let dnsOverTCP = Dissector(
    name: "domain", claims: [.tcpPort(53), .tcpPayloadType(.domain)], layers: [.dns], standsAlone: true,
    print: printDNSOverTCP)
}

///     0    id        2  QR, opcode, AA TC RD RA Z AD CD, rcode
///     4    questions 6  answers
///     8    authority 10 additional
struct DNSHeader {
  static let length = 12
  let id: UInt16
  let flags: UInt16
  let questions: Int
  let answers: Int
  let authorities: Int
  let additional: Int

  init(_ message: PacketBytes) throws(DecodeError) {
    id = try message.u16(at: 0)
    flags = try message.u16(at: 2)
    questions = Int(try message.u16(at: 4))
    answers = Int(try message.u16(at: 6))
    authorities = Int(try message.u16(at: 8))
    additional = Int(try message.u16(at: 10))
  }

  var isResponse: Bool { flags & 0x8000 != 0 }
  var opcode: UInt16 { flags >> 11 & 15 }
  var rcode: UInt16 { flags & 15 }
  var isAuthoritative: Bool { flags & 0x0400 != 0 }
  var isTruncated: Bool { flags & 0x0200 != 0 }
  var isRecursionDesired: Bool { flags & 0x0100 != 0 }
  var isRecursionAvailable: Bool { flags & 0x0080 != 0 }
  var isAuthentic: Bool { flags & 0x0020 != 0 }
  var isCheckingDisabled: Bool { flags & 0x0010 != 0 }
  /// Flags that should not be set in a query.
  var hasOddFlags: Bool { flags & 0x06cf != 0 }
}

private let inverseQuery: UInt16 = 1

private let opcodes: ValueNames = [
  0: "", 1: " inv_q", 2: " stat", 3: " op3", 4: " notify", 5: " update", 6: " op6", 7: " op7", 8: " op8",
  9: " updateA", 10: " updateD", 11: " updateDA", 12: " updateM", 13: " updateMA", 14: " zoneInit", 15: " zoneRef",
]
private let responseCodes: ValueNames = [
  0: "", 1: " FormErr", 2: " ServFail", 3: " NXDomain", 4: " NotImp", 5: " Refused", 6: " YXDomain", 7: " YXRRSet",
  8: " NXRRSet", 9: " NotAuth", 10: " NotZone", 11: " Resp11", 12: " Resp12", 13: " Resp13", 14: " Resp14",
  15: " NoChange", 16: " BadVers", 23: " BadCookie",
]

/// The same names, without spaces and abbreviations (IANA "Domain Name System (DNS) Parameters").
private let opcodeNames: ValueNames = [0: "query", 1: "inverse_query", 2: "status", 4: "notify", 5: "update"]
private let responseCodeNames: ValueNames = [
  0: "NoError", 1: "FormErr", 2: "ServFail", 3: "NXDomain", 4: "NotImp", 5: "Refused", 6: "YXDomain", 7: "YXRRSet",
  8: "NXRRSet", 9: "NotAuth", 10: "NotZone", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME",
  21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE",
]

@Sendable
private func printDNSOverTCP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.length >= 2 else {
    printer.out.write(" [DNS over TCP: length ")
    printer.out.write(decimal: bytes.length)
    printer.out.write(" < 2]")
    throw .invalid
  }
  let prefix = Int(try bytes.u16(at: 0))
  let message = try bytes.dropping(2)
  if prefix != message.length {
    printer.out.write(" [prefix length(")
    printer.out.write(decimal: prefix)
    printer.out.write(") != length(")
    printer.out.write(decimal: message.length)
    printer.out.write(")]")
    throw .invalid
  }
  printer.out.write(" ")
  try printer.printDNS(message, isMulticast: false)
}

extension Printer {
  /// Prints a DNS message.
  mutating func printDNS(_ message: PacketBytes, isMulticast: Bool) throws(DecodeError) {
    if message.length < DNSHeader.length {
      out.write("domain")
      try reject("length", message.length, .less, DNSHeader.length)
    }
    let header = try DNSHeader(message)
    let dns = DNSContext(isMulticast: isMulticast)
    if enter(.dns) { recordDNS(header, code: header.rcode | (header.extendedCode(message) ?? 0) << 4) }
    if wantsLayersAlone { return }
    out.write(decimal: header.id)
    if header.isResponse {
      try printResponse(message, header, dns)
    } else {
      try printQuery(message, header, dns)
    }
    out.write(" (")
    out.write(decimal: message.length)
    out.write(")")
  }

  private mutating func recordDNS(_ header: DNSHeader, code: UInt16) {
    fields.write("id", header.id)
    fields.write("response", header.isResponse)
    fields.write("opcode", header.opcode, "opcode_name", opcodeNames)
    fields.write("authoritative", header.isAuthoritative)
    fields.write("truncated", header.isTruncated)
    fields.write("recursion_desired", header.isRecursionDesired)
    fields.write("recursion_available", header.isRecursionAvailable)
    fields.write("authentic_data", header.isAuthentic)
    fields.write("checking_disabled", header.isCheckingDisabled)
    fields.write("rcode", code, "rcode_name", responseCodeNames)
    fields.write("question_count", header.questions)
    fields.write("answer_count", header.answers)
    fields.write("authority_count", header.authorities)
    fields.write("additional_count", header.additional)
  }

  private mutating func writeCount(_ number: Int, _ unit: StaticString) {
    out.write(" [")
    out.write(decimal: number)
    out.write(unit)
    out.write("]")
  }

  private mutating func printQuery(_ message: PacketBytes, _ header: DNSHeader, _ dns: DNSContext) throws(DecodeError) {
    write(opcodes, header.opcode, unknown: "")
    if header.isRecursionDesired { out.write("+") }
    if header.isCheckingDisabled { out.write("%") }
    if header.hasOddFlags {
      out.write(" [b2&3=0x")
      out.write(hex: header.flags)
      out.write("]")
    }
    if header.opcode == inverseQuery {
      if header.questions > 0 { writeCount(header.questions, "q") }
      if header.answers != 1 { writeCount(header.answers, "a") }
    } else {
      if header.answers > 0 { writeCount(header.answers, "a") }
      if header.questions != 1 { writeCount(header.questions, "q") }
    }
    if header.authorities > 0 { writeCount(header.authorities, "n") }
    if header.additional > 0 { writeCount(header.additional, "au") }
    var offset = DNSHeader.length
    if writesFields { fields.beginArray("questions") }
    for _ in 0..<header.questions {
      offset = try printQuestion(message, at: offset, dns)
    }
    if writesFields { fields.end() }
    guard options.verbosity > 1 else { return }
    offset = try printRecords(message, at: offset, header.answers, dns, "answers", isFirst: true)
    try printLaterSections(message, at: offset, header, dns)
  }

  private mutating func printResponse(
    _ message: PacketBytes, _ header: DNSHeader, _ dns: DNSContext
  ) throws(DecodeError) {
    write(opcodes, header.opcode, unknown: "")
    let code = header.rcode | (header.extendedCode(message) ?? 0) << 4
    // Two codes without a name are written without the space, as in tcpdump.
    write(responseCodes, code, unknown: .decimal(code == 17 || code == 21 ? "Resp" : " Resp"))
    if header.isAuthoritative { out.write("*") }
    if !header.isRecursionAvailable { out.write("-") }
    if header.isTruncated { out.write("|") }
    if header.isAuthentic { out.write("$") }
    if header.questions != 1 { writeCount(header.questions, "q") }
    var offset = DNSHeader.length
    if writesFields { fields.beginArray("questions") }
    for index in 0..<header.questions {
      if index > 0 { out.write(",") }
      if options.verbosity > 1 {
        out.write(" q:")
        offset = try printQuestion(message, at: offset, dns)
      } else {
        offset = try message.endOfDomainName(at: offset) &+ 4
      }
    }
    if writesFields { fields.end() }
    out.write(" ")
    out.write(decimal: header.answers)
    out.write("/")
    out.write(decimal: header.authorities)
    out.write("/")
    out.write(decimal: header.additional)
    offset = try printRecords(message, at: offset, header.answers, dns, "answers", isFirst: true)
    if options.verbosity > 1 { try printLaterSections(message, at: offset, header, dns) }
  }

  /// Prints the records of the authority and the additional section.
  private mutating func printLaterSections(
    _ message: PacketBytes, at start: Int, _ header: DNSHeader, _ dns: DNSContext
  ) throws(DecodeError) {
    var offset = start
    offset = try printRecords(message, at: offset, header.authorities, dns, "authority", heading: " ns:")
    _ = try printRecords(message, at: offset, header.additional, dns, "additional", heading: " ar:")
  }

  /// Prints the records of a section. If a record begins after the captured bytes, the packet ends before any of it is written.
  private mutating func printRecords(
    _ message: PacketBytes, at start: Int, _ count: Int, _ dns: DNSContext, _ key: StaticString,
    heading: StaticString = "", isFirst: Bool = false
  ) throws(DecodeError) -> Int {
    var offset = start
    if writesFields { fields.beginArray(key) }
    for index in 0..<count {
      guard offset < message.count || (index == 0 && isFirst) else { throw .truncated }
      if index == 0 { out.write(heading) } else { out.write(",") }
      let level = fields.level
      if writesFields { fields.beginObject() }
      offset = try printRecord(message, at: offset, dns)
      fields.end(downTo: level)
    }
    if writesFields { fields.end() }
    return offset
  }
}

extension DNSHeader {
  /// The upper bits of the response code, which an OPT record contains (RFC 6891 section 6.1.3); nil if there is none.
  fileprivate func extendedCode(_ message: PacketBytes) -> UInt16? {
    guard additional > 0 else { return nil }
    do throws(DecodeError) {
      var offset = DNSHeader.length
      for _ in 0..<questions { offset = try message.endOfDomainName(at: offset) &+ 4 }
      for index in 0..<(answers &+ authorities &+ additional) {
        offset = try message.endOfDomainName(at: offset)
        if index >= answers &+ authorities, try message.u16(at: offset) == DNSType.options {
          return UInt16(try message.u8(at: offset &+ 4))
        }
        offset &+= 10 &+ Int(try message.u16(at: offset &+ 8))
      }
    } catch {}
    return nil
  }
}
