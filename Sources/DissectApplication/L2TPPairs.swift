import Dissect
import PacketCore

/// How the value of a pair is written.
private enum Form {
  case messageType, resultCode, protocolVersion, framing, bearer, tieBreaker, number16, number32, text, octets
  case causeCode, challengeResponse, obsolete, authenticationType, authenticationID, callErrors, characterMap
  case empty, disconnectCause
}

/// Attribute types (RFC 2661 section 4.4, RFC 3145).
private let types: OptionTable<Form> = [
  0: OptionRow("MSGTYPE", .messageType), 1: OptionRow("RESULT_CODE", .resultCode),
  2: OptionRow("PROTO_VER", .protocolVersion), 3: OptionRow("FRAMING_CAP", .framing),
  4: OptionRow("BEARER_CAP", .bearer), 5: OptionRow("TIE_BREAKER", .tieBreaker), 6: OptionRow("FIRM_VER", .number16),
  7: OptionRow("HOST_NAME", .text), 8: OptionRow("VENDOR_NAME", .text), 9: OptionRow("ASSND_TUN_ID", .number16),
  10: OptionRow("RECV_WIN_SIZE", .number16), 11: OptionRow("CHALLENGE", .octets), 12: OptionRow("Q931_CC", .causeCode),
  13: OptionRow("CHALLENGE_RESP", .challengeResponse), 14: OptionRow("ASSND_SESS_ID", .number16),
  15: OptionRow("CALL_SER_NUM", .number32), 16: OptionRow("MINIMUM_BPS", .number32),
  17: OptionRow("MAXIMUM_BPS", .number32), 18: OptionRow("BEARER_TYPE", .bearer),
  19: OptionRow("FRAMING_TYPE", .framing), 20: OptionRow("PACKET_PROC_DELAY", .obsolete),
  21: OptionRow("CALLED_NUMBER", .text), 22: OptionRow("CALLING_NUMBER", .text), 23: OptionRow("SUB_ADDRESS", .text),
  24: OptionRow("TX_CONN_SPEED", .number32), 25: OptionRow("PHY_CHANNEL_ID", .number32),
  26: OptionRow("INI_RECV_LCP", .octets), 27: OptionRow("LAST_SENT_LCP", .octets),
  28: OptionRow("LAST_RECV_LCP", .octets), 29: OptionRow("PROXY_AUTH_TYPE", .authenticationType),
  30: OptionRow("PROXY_AUTH_NAME", .text), 31: OptionRow("PROXY_AUTH_CHAL", .octets),
  32: OptionRow("PROXY_AUTH_ID", .authenticationID), 33: OptionRow("PROXY_AUTH_RESP", .octets),
  34: OptionRow("CALL_ERRORS", .callErrors), 35: OptionRow("ACCM", .characterMap),
  36: OptionRow("RANDOM_VECTOR", .octets), 37: OptionRow("PRIVATE_GRP_ID", .text),
  38: OptionRow("RX_CONN_SPEED", .number32), 39: OptionRow("SEQ_REQUIRED", .empty),
  46: OptionRow("PPP_DISCON_CC", .disconnectCause),
]

/// Control messages (RFC 2661 section 3.2).
private let messageTypes: ValueNames = [
  1: "SCCRQ", 2: "SCCRP", 3: "SCCCN", 4: "StopCCN", 6: "HELLO", 7: "OCRQ", 8: "OCRP", 9: "OCCN", 10: "ICRQ", 11: "ICRP",
  12: "ICCN", 14: "CDN", 15: "WEN", 16: "SLI",
]
private let authenticationTypes: ValueNames = [
  0: "Reserved", 1: "Textual", 2: "CHAP", 3: "PAP", 4: "No Auth", 5: "MS-CHAPv1",
]
/// Which side ended a PPP session (RFC 3145 section 2).
private let directions: ValueNames = [0: "global error", 1: "at peer", 2: "at local"]
private let framingLetters: FlagNames = [2: "A", 1: "S"]
private let bearerLetters: FlagNames = [2: "A", 1: "D"]

private let mandatory: UInt16 = 0x8000
private let hidden: UInt16 = 0x4000
private let headerLength = 6

/// The upper six bits of the length are flags. Vendor and type are read with the value, since a wrong length is reported before them.
private let layout = OptionLayout(
  type: .constant(0), length: .bytes(at: 0, 2, mask: 0x3ff), headerLength: 2, countsHeader: true)

///     0                   2        4      6
///     +-------------------+--------+------+-------
///     | M H length (10)   | vendor | type | value       RFC 2661 section 4.1
///     +-------------------+--------+------+-------
/// The length includes the header. M says that the pair is mandatory, H that its value is encrypted.
func printL2TPPairs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, layout, objects: "avps")
  while list.remaining > 0 {
    printer.out.write(" ")
    guard let pair = try printer.next(&list) else { return }
    try printer.reject("AVP length", pair.length, .less, headerLength)
    if pair.isTooLong {
      printer.write(" (len > ", pair.rest)
      printer.out.write(")")
      throw .invalid
    }
    try printPair(try pair.bytes.slice(at: 0, length: pair.size), &printer)
  }
  _ = try printer.next(&list)
}

private func printPair(_ pair: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try pair.u16(at: 0)
  let vendor = try pair.u16(at: 2)
  let type = try pair.u16(at: 4)
  let value = try pair.dropping(headerLength)
  let row = vendor == 0 ? types[type: UInt32(type)] : nil
  let isHidden = flags & hidden != 0
  if printer.writesFields {
    printer.fields.write("mandatory", flags & mandatory != 0)
    if isHidden { printer.fields.write("hidden", true) }
    printer.fields.write("vendor", vendor)
    printer.fields.write("type", type)
    if let row { printer.fields.write("type_name", row.name) }
    if isHidden || row == nil { printer.fields.write("data", hex: value) }
  }
  if flags & mandatory != 0 { printer.out.write("*") }
  if isHidden { printer.out.write("?") }
  if vendor != 0 {
    printer.write("VENDOR", vendor, as: .hex(4))
    printer.write(":ATTR", type, as: .hex(4))
    printer.out.write("(")
    printer.out.write(hexOf: value.rawSpan)
    printer.out.write(")")
    return
  }
  if let row { printer.out.write(row.name) } else { printer.write("AVP-#", type) }
  printer.out.write("(")
  if isHidden {
    printer.out.write("???")
  } else if let row {
    try printValue(row.form, value, &printer)
  }
  printer.out.write(")")
}

private func printValue(_ form: Form, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard value.length >= minimumLength(form) else { return printer.writeFault("AVP too short") }
  switch form {
  case .messageType:
    printer.write(
      "", "message_type", try value.u16(at: 0),
      as: .named(messageTypes, key: "message_type_name", unknown: .decimal("MSGTYPE-#")))
  case .resultCode: try printResultCode(value, &printer)
  case .protocolVersion:
    if printer.writesFields { printer.fields.write("number", try value.u16(at: 0)) }
    printer.write("", try value.u8(at: 0))
    printer.write(".", try value.u8(at: 1))
  case .framing: try printLetters(framingLetters, value, &printer)
  case .bearer: try printLetters(bearerLetters, value, &printer)
  case .tieBreaker: printer.write("", "data", hex: value.clamped(to: 8))
  case .number16: printer.write("", "number", try value.u16(at: 0))
  case .number32: printer.write("", "number", try value.u32(at: 0))
  case .text: try printer.write("", "text", text: value)
  case .octets: printer.write("", "data", hex: value)
  case .causeCode:
    printer.write("", "result", try value.u16(at: 0))
    let message = try value.u8(at: 2)
    printer.write(", ", message, as: .hex(2))
    if printer.writesFields { printer.fields.write("number", message) }
    try printMessage(try value.dropping(3), &printer)
  case .challengeResponse: printer.write("", "data", hex: value.clamped(to: 16))
  case .obsolete: printer.out.write("obsolete")
  case .authenticationType:
    printer.write(
      "", "number", try value.u16(at: 0),
      as: .named(authenticationTypes, key: "number_name", unknown: .decimal("AuthType-#")))
  case .authenticationID: printer.write("", "number", try value.u16(at: 0) & 0x00ff)
  case .callErrors: try printCallErrors(value, &printer)
  case .characterMap: try printCharacterMap(value, &printer)
  case .empty: break
  case .disconnectCause:
    printer.write("", "result", try value.u16(at: 0), as: .hex(4))
    printer.write(", ", "error", try value.u16(at: 2), as: .hex(4))
    printer.write(
      " ", "number", try value.u8(at: 4),
      as: .named(directions, key: "number_name", unknown: .decimal("Direction-#")))
    try printMessage(try value.dropping(5), &printer)
  }
}

/// The minimum length of a value in bytes; nothing of a shorter one is read.
private func minimumLength(_ form: Form) -> Int {
  switch form {
  case .messageType, .resultCode, .protocolVersion, .number16, .authenticationType, .authenticationID: 2
  case .causeCode: 3
  case .framing, .bearer, .number32: 4
  case .disconnectCause: 5
  case .callErrors, .characterMap: 6
  case .tieBreaker: 8
  case .challengeResponse: 16
  case .text, .octets, .obsolete, .empty: 0
  }
}

private func printLetters(
  _ letters: FlagNames, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let bits = try value.u32(at: 0)
  if printer.writesFields { printer.fields.write("number", bits) }
  printer.write(letters, bits, separator: "", none: "")
}

/// Text at the end of a value.
private func printMessage(_ text: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if text.length > 0 { try printer.write(" ", "text", text: text) }
}

///     0        2       4
///     +--------+-------+---------
///     | result | error | message
///     +--------+-------+---------
private func printResultCode(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("", "result", try value.u16(at: 0))
  if value.length == 2 { return }
  guard value.length >= 4 else { return printer.writeFault(" AVP too short") }
  printer.write("/", "error", try value.u16(at: 2))
  try printMessage(try value.dropping(4), &printer)
}

/// Six four-byte counters, after two reserved bytes (RFC 2661 section 4.4.6).
private func printCallErrors(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.write("data", hex: value) }
  let titles: InlineArray<6, StaticString> = [
    "CRCErr=", "FrameErr=", "HardOver=", "BufOver=", "Timeout=", "AlignErr=",
  ]
  for index in titles.indices {
    let offset = 2 &+ 4 &* index
    guard value.length >= offset &+ 4 else { return printer.writeFault("AVP too short") }
    printer.write(titles[index], try value.u32(at: offset))
    printer.out.write(" ")
  }
}

/// The characters to escape when sent and received, after two reserved bytes.
private func printCharacterMap(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.write("data", hex: value) }
  printer.write("send=", try value.u32(at: 2), as: .hex(8))
  printer.out.write(" ")
  guard value.length >= 10 else { return printer.writeFault("AVP too short") }
  printer.write("recv=", try value.u32(at: 6), as: .hex(8))
  printer.out.write(" ")
}
