package import Dissect
import PacketCore

extension Dissector {
  /// Simple Network Management Protocol: version 1 (RFC 1157), 2c (RFC 3416) and 3 (RFC 3412).
  package static let snmp = Dissector(
    name: "snmp", claims: [.udpPort(161), .udpPort(162), .payloadType(.snmp)], layers: [.snmp], standsAlone: true,
    print: printSNMP)
}

private enum Version {
  static let one: Int32 = 0
  static let twoC: Int32 = 1
  static let three: Int32 = 3
}

private enum PDU {
  static let getRequest: UInt8 = 0
  static let getNextRequest: UInt8 = 1
  static let response: UInt8 = 2
  static let trap: UInt8 = 4
  static let getBulk: UInt8 = 5

  /// True for the requests whose variables have no values.
  static func asks(_ type: UInt8) -> Bool { type == getRequest || type == getNextRequest || type == getBulk }
}

/// RFC 3416 section 3.
private let errorStatuses: ValueNames = [
  0: "", 1: "tooBig", 2: "noSuchName", 3: "badValue", 4: "readOnly", 5: "genErr", 6: "noAccess", 7: "wrongType",
  8: "wrongLength", 9: "wrongEncoding", 10: "wrongValue", 11: "noCreation", 12: "inconsistentValue",
  13: "resourceUnavailable", 14: "commitFailed", 15: "undoFailed", 16: "authorizationError", 17: "notWritable",
  18: "inconsistentName",
]
/// RFC 1157 section 4.1.6.
private let genericTraps: ValueNames = [
  0: "coldStart", 1: "warmStart", 2: "linkDown", 3: "linkUp", 4: "authenticationFailure", 5: "egpNeighborLoss",
  6: "enterpriseSpecific",
]
private let enterpriseSpecific: Int32 = 6
/// RFC 3414.
private let userBasedSecurity: Int32 = 3

@Sendable
private func printSNMP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var reader = SNMPReader(offset: 0, end: bytes.length)
  _ = printer.enter(.snmp)
  if printer.wantsLayersAlone { return }
  printer.out.write(" ")
  guard let message = try reader.next(bytes, .sequence, "[!init SEQ]", &printer) else { return }
  printer.writeExtra(message, bytes.length, "iSEQ]")
  reader = SNMPReader(offset: message.start, end: message.end)
  guard let version = try reader.integer(bytes, "[version!=INT]", &printer) else { return }
  if printer.writesFields { printer.fields.write("version", version) }
  let name: StaticString
  switch version {
  case Version.one: name = "{ SNMPv1 "
  case Version.twoC: name = "{ SNMPv2c "
  case Version.three: name = "{ SNMPv3 "
  default:
    printer.writeFault("SNMP [version = ")
    printer.out.write(decimal: version)
    printer.out.write("]")
    return
  }
  let isVerbose = printer.options.verbosity > 0
  if isVerbose { printer.out.write(name) }
  if version == Version.three {
    try printVersion3(bytes, &reader, &printer)
  } else {
    try printCommunityMessage(bytes, &reader, version, &printer)
  }
  if isVerbose { printer.out.write("} ") }
}

/// Reads the elements inside another element, one after the other.
private struct SNMPReader {
  var offset: Int
  let end: Int
  /// Length in bytes of the element that was read last, including its identifier and length.
  private(set) var lastLength = 0

  init(offset: Int, end: Int) {
    self.offset = offset
    self.end = end
  }

  private mutating func advance(to element: BERElement) {
    lastLength = element.end &- offset
    offset = element.end
  }

  /// The next element, which must be of kind `value`; nil after a message about what is wrong.
  mutating func next(
    _ bytes: PacketBytes, _ value: BERElement.Value, _ complaint: StaticString, _ printer: inout Printer
  ) throws(DecodeError) -> BERElement? {
    guard let element = try printer.readElement(bytes, at: offset, end: end) else { return nil }
    guard element.value == value else {
      printer.writeFault(complaint)
      try printer.write(element, of: bytes)
      return nil
    }
    advance(to: element)
    return element
  }

  /// The value of the next element, which must be an integer; nil after a message about what is wrong.
  mutating func integer(
    _ bytes: PacketBytes, _ complaint: StaticString, _ printer: inout Printer
  ) throws(DecodeError) -> Int32? {
    guard let element = try printer.readElement(bytes, at: offset, end: end) else { return nil }
    guard case .integer(let value) = element.value else {
      printer.writeFault(complaint)
      try printer.write(element, of: bytes)
      return nil
    }
    advance(to: element)
    return value
  }
}

extension Printer {
  /// Writes how many bytes follow `element` before `end`.
  fileprivate mutating func writeExtra(_ element: BERElement, _ end: Int, _ what: StaticString) {
    guard element.end < end else { return }
    writeFault("[")
    out.write(decimal: end &- element.end)
    out.write(" extra after ")
    out.write(what)
  }
}

extension Printer {
  /// Reports bytes after the last field of a version 3 header as tcpdump does, which subtracts the length of the last field.
  fileprivate mutating func writeExtra(lastLength: Int, rest: Int, _ what: StaticString) {
    guard rest > lastLength else { return }
    writeFault("[")
    out.write(decimal: rest &- lastLength)
    out.write(" extra after ")
    out.write(what)
  }
}

/// Versions 1 and 2c: a community, and a PDU.
private func printCommunityMessage(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ version: Int32, _ printer: inout Printer
) throws(DecodeError) {
  guard let community = try reader.next(bytes, .string, "[comm!=STR]", &printer) else { return }
  if printer.writesFields {
    printer.fields.write("community", text: try bytes.slice(at: community.start, length: community.length))
  }
  if !isPublic(try bytes.slice(at: community.start, length: community.length)) {
    printer.out.write("C=")
    try printer.write(community, of: bytes)
    printer.out.write(" ")
  }
  try printPDU(bytes, &reader, version, &printer)
}

/// True for the community that nearly all devices have, which is not worth printing.
private func isPublic(_ text: PacketBytes) -> Bool {
  (try? text.u48(at: 0)) == 0x7075_626c_6963 && text.count == 6
}

// MARK: Version 3

/// RFC 3412 section 6: header, security parameters, scoped PDU.
private func printVersion3(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ printer: inout Printer
) throws(DecodeError) {
  let isVerbose = printer.options.verbosity > 0
  guard let header = try reader.next(bytes, .sequence, "[!message]", &printer) else { return }
  var inner = SNMPReader(offset: header.start, end: header.end)
  if isVerbose { printer.out.write("{ ") }
  guard let identifier = try inner.integer(bytes, "[msgID!=INT]", &printer),
    let maximumSize = try inner.integer(bytes, "[msgMaxSize!=INT]", &printer),
    let flagOctets = try inner.next(bytes, .string, "[msgFlags!=STR]", &printer)
  else { return }
  guard flagOctets.length == 1 else {
    printer.writeFault("[msgFlags size ")
    printer.out.write(decimal: flagOctets.length)
    printer.out.write("]")
    return
  }
  let flags = try bytes.u8(at: flagOctets.start)
  if printer.writesFields {
    printer.fields.write("message_id", identifier)
    printer.fields.write("maximum_size", maximumSize)
    printer.fields.write("authenticated", flags & 1 != 0)
    printer.fields.write("private", flags & 2 != 0)
    printer.fields.write("reportable", flags & 4 != 0)
  }
  // Privacy without authentication is not allowed (RFC 3412 section 6.4).
  guard flags & 0xf8 == 0, flags & 3 != 2 else {
    printer.writeFault("[msgFlags=0x")
    printer.writeUpperHex(flags)
    printer.out.write("]")
    return
  }
  printer.out.write("F=")
  if flags & 1 != 0 { printer.out.write("a") }
  if flags & 2 != 0 { printer.out.write("p") }
  if flags & 4 != 0 { printer.out.write("r") }
  printer.out.write(" ")
  guard let model = try inner.integer(bytes, "[msgSecurityModel!=INT]", &printer) else { return }
  if printer.writesFields { printer.fields.write("security_model", model) }
  if isVerbose { printer.out.write("} ") }
  guard model == userBasedSecurity else {
    printer.writeFault("[security model ")
    printer.out.write(decimal: model)
    printer.out.write("]")
    return
  }
  printer.writeExtra(lastLength: inner.lastLength, rest: header.end &- inner.offset, "message SEQ]")
  if isVerbose { printer.out.write("{ USM ") }
  // The next field is read directly after the last one, even if the header states another end.
  reader = SNMPReader(offset: inner.offset, end: inner.offset &+ (reader.end &- header.end))
  guard let parameters = try reader.next(bytes, .string, "[msgSecurityParameters!=STR]", &printer) else { return }
  try printUserBasedSecurity(bytes, parameters, &printer)
  if isVerbose { printer.out.write("} { ScopedPDU ") }
  try printScopedPDU(bytes, &reader, &printer)
  if isVerbose { printer.out.write("} ") }
}

/// RFC 3414 section 2.4.
private func printUserBasedSecurity(
  _ bytes: PacketBytes, _ parameters: BERElement, _ printer: inout Printer
) throws(DecodeError) {
  var reader = SNMPReader(offset: parameters.start, end: parameters.end)
  guard let sequence = try reader.next(bytes, .sequence, "[!usm]", &printer) else { return }
  reader = SNMPReader(offset: sequence.start, end: sequence.end)
  guard let authority = try reader.next(bytes, .string, "[msgAuthoritativeEngineID!=STR]", &printer),
    let boots = try reader.integer(bytes, "[msgAuthoritativeEngineBoots!=INT]", &printer),
    let time = try reader.integer(bytes, "[msgAuthoritativeEngineTime!=INT]", &printer)
  else { return }
  if printer.writesFields {
    printer.fields.write("engine_id", hex: try bytes.slice(at: authority.start, length: authority.length))
    printer.fields.write("engine_boots", boots)
    printer.fields.write("engine_time", time)
  }
  if printer.options.verbosity > 0 {
    printer.out.write("B=")
    printer.out.write(decimal: boots)
    printer.out.write(" T=")
    printer.out.write(decimal: time)
    printer.out.write(" ")
  }
  guard let user = try reader.next(bytes, .string, "[msgUserName!=STR]", &printer) else { return }
  if printer.writesFields {
    printer.fields.write("user", text: try bytes.slice(at: user.start, length: user.length))
  }
  printer.out.write("U=")
  try printer.write(user, of: bytes)
  printer.out.write(" ")
  guard try reader.next(bytes, .string, "[msgAuthenticationParameters!=STR]", &printer) != nil,
    try reader.next(bytes, .string, "[msgPrivacyParameters!=STR]", &printer) != nil
  else { return }
  printer.writeExtra(lastLength: reader.lastLength, rest: sequence.end &- reader.offset, "usm SEQ]")
}

private func printScopedPDU(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ printer: inout Printer
) throws(DecodeError) {
  guard let scoped = try reader.next(bytes, .sequence, "[!scoped PDU]", &printer) else { return }
  var inner = SNMPReader(offset: scoped.start, end: scoped.end)
  guard let engine = try inner.next(bytes, .string, "[contextEngineID!=STR]", &printer) else { return }
  if printer.writesFields {
    printer.fields.write("context_engine_id", hex: try bytes.slice(at: engine.start, length: engine.length))
  }
  printer.out.write("E=")
  try printer.writeUnderscored(try bytes.slice(at: engine.start, length: engine.length), leading: true)
  printer.out.write(" ")
  guard let name = try inner.next(bytes, .string, "[contextName!=STR]", &printer) else { return }
  if printer.writesFields {
    printer.fields.write("context_name", text: try bytes.slice(at: name.start, length: name.length))
  }
  printer.out.write("C=")
  try printer.write(name, of: bytes)
  printer.out.write(" ")
  try printPDU(bytes, &inner, Version.three, &printer)
}

// MARK: PDUs

private func printPDU(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ version: Int32, _ printer: inout Printer
) throws(DecodeError) {
  guard let pdu = try printer.readElement(bytes, at: reader.offset, end: reader.end) else { return }
  guard case .pdu(let type) = pdu.value else {
    printer.writeFault("[no PDU]")
    return
  }
  if printer.writesFields { printer.fields.write("pdu_type", type, "pdu_type_name", BERElement.pduNames) }
  printer.writeExtra(pdu, reader.end, "PDU]")
  let isVerbose = printer.options.verbosity > 0
  if isVerbose { printer.out.write("{ ") }
  try printer.write(pdu, of: bytes)
  printer.out.write(" ")
  if version == Version.one, type >= PDU.getBulk {
    printer.writeFault("[v2 PDU in v1 message]")
    return
  }
  if version == Version.twoC, type == PDU.trap {
    printer.writeFault("[v1 PDU in v2 message]")
    return
  }
  var inner = SNMPReader(offset: pdu.start, end: pdu.end)
  if type == PDU.trap {
    try printTrap(bytes, &inner, &printer)
  } else {
    try printRequest(bytes, &inner, type, &printer)
  }
  if isVerbose { printer.out.write(" } ") }
}

/// Request identifier, error status and index (or the fields that `GetBulk` has instead), variables.
private func printRequest(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let isVerbose = printer.options.verbosity > 0
  guard let identifier = try reader.integer(bytes, "[reqId!=INT]", &printer) else { return }
  if printer.writesFields { printer.fields.write("request_id", identifier) }
  if isVerbose {
    printer.out.write("R=")
    printer.out.write(decimal: identifier)
    printer.out.write(" ")
  }
  guard let status = try reader.integer(bytes, "[errorStatus!=INT]", &printer) else { return }
  if printer.writesFields {
    if type == PDU.getBulk {
      printer.fields.write("non_repeaters", status)
    } else {
      printer.fields.write("error_status", status)
    }
  }
  if type == PDU.getBulk {
    printer.out.write(" N=")
    printer.out.write(decimal: status)
  } else if status != 0 {
    if type != PDU.response { printer.noteInvalid() }
    printer.out.write(type == PDU.response ? " " : "[errorStatus(")
    printer.write(errorStatuses, UInt32(bitPattern: status), unknown: .decimal("err="))
    if type != PDU.response { printer.out.write(")!=0]") }
  }
  guard let index = try reader.integer(bytes, "[errorIndex!=INT]", &printer) else { return }
  if printer.writesFields {
    if type == PDU.getBulk {
      printer.fields.write("max_repetitions", index)
    } else {
      printer.fields.write("error_index", index)
    }
  }
  switch type {
  case PDU.getBulk:
    printer.out.write(" M=")
    printer.out.write(decimal: index)
  case PDU.response:
    if status == 0, index != 0 {
      printer.writeFault("[errorIndex(")
      printer.out.write(decimal: index)
      printer.out.write(") w/o errorStatus]")
    } else if status != 0, index == 0 {
      printer.writeFault("[errorIndex==0]")
    } else if index != 0 {
      printer.out.write("@")
      printer.out.write(decimal: index)
    }
  default:
    if index != 0 {
      printer.writeFault("[errorIndex(")
      printer.out.write(decimal: index)
      printer.out.write(")!=0]")
    }
  }
  try printVariables(bytes, &reader, type, &printer)
}

/// RFC 1157 section 4.1.6.
private func printTrap(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" ")
  guard let enterprise = try reader.next(bytes, .objectIdentifier, "[enterprise!=OID]", &printer) else { return }
  try printer.record("enterprise_oid", enterprise, of: bytes)
  try printer.write(enterprise, of: bytes)
  printer.out.write(" ")
  guard let agent = try reader.next(bytes, .internetAddress, "[agent-addr!=INETADDR]", &printer) else { return }
  try printer.record("agent", agent, of: bytes)
  try printer.write(agent, of: bytes)
  guard let generic = try reader.integer(bytes, "[generic-trap!=INT]", &printer) else { return }
  if printer.writesFields { printer.fields.write("generic_trap", generic) }
  printer.out.write(" ")
  if let name = genericTraps[UInt32(bitPattern: generic)] {
    printer.out.write(name)
  } else {
    printer.out.write("gt=")
    printer.out.write(decimal: generic)
  }
  guard let specific = try reader.integer(bytes, "[specific-trap!=INT]", &printer) else { return }
  if printer.writesFields { printer.fields.write("specific_trap", specific) }
  if generic == enterpriseSpecific {
    printer.out.write(" s=")
    printer.out.write(decimal: specific)
  } else if specific != 0 {
    printer.writeFault("[specific-trap(")
    printer.out.write(decimal: specific)
    printer.out.write(")!=0]")
  }
  printer.out.write(" ")
  guard let time = try printer.readElement(bytes, at: reader.offset, end: reader.end) else { return }
  guard case .unsigned = time.value else {
    printer.writeFault("[time-stamp!=TIMETICKS]")
    try printer.write(time, of: bytes)
    return
  }
  try printer.record("uptime", time, of: bytes)
  try printer.write(time, of: bytes)
  reader.offset = time.end
  try printVariables(bytes, &reader, PDU.trap, &printer)
}

/// A sequence of sequences of a name and a value.
private func printVariables(
  _ bytes: PacketBytes, _ reader: inout SNMPReader, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  guard let list = try reader.next(bytes, .sequence, "[!SEQ of varbind]", &printer) else { return }
  printer.writeExtra(list, reader.end, "SEQ of varbind]")
  var variables = SNMPReader(offset: list.start, end: list.end)
  if printer.writesFields { printer.fields.beginArray("variables") }
  let level = printer.fields.level
  while variables.offset < list.end {
    if printer.writesFields {
      printer.fields.end(downTo: level)
      printer.fields.beginObject()
    }
    printer.out.write(" ")
    guard let variable = try variables.next(bytes, .sequence, "[!varbind]", &printer) else { return }
    var inner = SNMPReader(offset: variable.start, end: variable.end)
    guard let name = try inner.next(bytes, .objectIdentifier, "[objName!=OID]", &printer) else { return }
    try printer.record("name", name, of: bytes)
    try printer.write(name, of: bytes)
    if !PDU.asks(type) { printer.out.write("=") }
    guard let value = try printer.readElement(bytes, at: inner.offset, end: inner.end) else { return }
    if PDU.asks(type), value.value != .null { printer.writeFault("[objVal!=NULL]") }
    try printer.recordValue(value, of: bytes)
    try printer.write(value, of: bytes)
  }
  printer.fields.end(downTo: level)
  if printer.writesFields { printer.fields.end() }
}
