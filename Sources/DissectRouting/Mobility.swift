package import Dissect
import PacketCore

extension Layer {
  static let mobility = Layer("mobility", "Mobility header of Mobile IPv6", "RFC 6275 section 6.1") {
    [
      Field("next_header", .uint8, "What follows the header: 59, nothing.", always: true),
      Field("header_length", .uint16, "Bytes of the header."),
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("nonce_index", .uint16, "Index of the nonce of a keygen token."),
      Field("test_cookie", .hex, "Init cookie."),
      Field("keygen_token", .hex, "Keygen token."),
      Field("sequence", .uint16, "Sequence number of a binding."),
      Field("acknowledge", .flag, "A binding acknowledgment is requested."),
      Field("home_registration", .flag, "The receiver is to be the home agent."),
      Field(
        "link_local_compatible", .flag, "The interface identifiers of home address and link-local address are the same."
      ),
      Field("key_management", .flag, "Key management survives movements."),
      Field("lifetime_seconds", .uint32, "Seconds for which the binding is valid."),
      Field("status", .uint8, "Status of a binding acknowledgment or error."),
      Field("home_address", .ipv6, "Home address, in a binding error."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint8, "Option type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the value."),
            Field("refresh_seconds", .uint32, "Seconds after which the binding is to be refreshed."),
            Field("care_of_address", .ipv6, "Alternate care-of address."),
            Field("home_nonce_index", .uint16, "Index of the nonce of the home keygen token."),
            Field("care_of_nonce_index", .uint16, "Index of the nonce of the care-of keygen token."),
          ])), "Options, in order, without padding of a single byte, of messages that are printed with -v.",
        each: "One option."),
    ]
  }
}

extension Dissector {
  /// The mobility header, under its number and that of its first drafts. Only IPv6 carries it.
  package static let mobility = Dissector(
    name: "mobility", claims: [.ipProtocol(IPProtocol.mobility), .ipProtocol(IPProtocol.mobilityOld)],
    layers: [.mobility], print: printMobility)
}

/// Types of messages (RFC 6275 section 6.1).
private enum Message {
  static let refreshRequest: UInt8 = 0
  static let homeTestInit: UInt8 = 1
  static let careOfTestInit: UInt8 = 2
  static let homeTest: UInt8 = 3
  static let careOfTest: UInt8 = 4
  static let bindingUpdate: UInt8 = 5
  static let bindingAcknowledgment: UInt8 = 6
  static let bindingError: UInt8 = 7

  static let names: ValueNames = [
    0: "BRR", 1: "HoTI", 2: "CoTI", 3: "HoT", 4: "CoT", 5: "BU", 6: "BA", 7: "BE",
  ]

  /// The minimum header length of a type, in bytes.
  static func minimumLength(_ type: UInt8) -> Int {
    switch type {
    case homeTestInit, careOfTestInit, bindingUpdate, bindingAcknowledgment: 16
    case homeTest, careOfTest, bindingError: 24
    default: 8
    }
  }
}

private enum Option {
  static let pad1: UInt32 = 0
  static let padN: UInt32 = 1
  static let refreshAdvice: UInt32 = 2
  static let careOfAddress: UInt32 = 3
  static let nonceIndices: UInt32 = 4
  static let authorization: UInt32 = 5

  /// RFC 6275 section 6.2; structured output has these names.
  static let names: ValueNames = [
    0: "Pad1", 1: "PadN", 2: "Binding Refresh Advice", 3: "Alternate Care-of Address", 4: "Nonce Indices",
    5: "Binding Authorization Data",
  ]
}

/// The lifetime of a binding and its refresh interval are in units of this many seconds.
private let secondsPerUnit: UInt32 = 4

///     0             1        2      3          4          6
///     +-------------+--------+------+----------+----------+-----------
///     | next header | length | type | reserved | checksum | by type      the length in units of 8 bytes after the first 8
///     +-------------+--------+------+----------+----------+-----------
@Sendable
private func printMobility(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("mobility: ")
  let nextHeader = try bytes.u8(at: 0)
  if printer.enter(.mobility) { printer.fields.write("next_header", nextHeader) }
  if nextHeader != IPProtocol.noNextHeader {
    printer.writeFault("(payload protocol ")
    printer.out.write(decimal: nextHeader)
    printer.write(" should be ", IPProtocol.noNextHeader)
    printer.out.write(") ")
  }
  let length = (Int(try bytes.u8(at: 1)) &+ 1) &* 8
  let type = try bytes.u8(at: 2)
  if printer.writesFields {
    printer.fields.write("header_length", length)
    printer.fields.write("type", type, "type_name", Message.names)
  }
  guard let name = Message.names[type] else {
    printer.write("type-#", type)
    return printer.write(" len=", try bytes.u8(at: 1))
  }
  printer.out.write(name)
  let minimum = Message.minimumLength(type)
  if length < minimum {
    printer.out.write(" (header length ")
    printer.out.write(decimal: length)
    printer.write(" < ", minimum)
    printer.out.write(")")
    throw .invalid
  }
  let optionsOffset = try printMessage(type, bytes, &printer)
  if printer.options.verbosity > 0 { try printOptions(bytes.withLength(length), at: optionsOffset, &printer) }
}

/// Prints the fields of a message; returns the offset of its options.
private func printMessage(
  _ type: UInt8, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Int {
  switch type {
  case Message.homeTestInit, Message.careOfTestInit:
    ///     6 reserved  8 init cookie (8)
    if printer.writesFields || printer.options.verbosity > 0 {
      let isHome = type == Message.homeTestInit
      try writePair(isHome ? " Home Init Cookie=" : " Care-of Init Cookie=", "test_cookie", bytes, at: 8, &printer)
    }
    return 16
  case Message.homeTest, Message.careOfTest:
    ///     6 nonce index  8 init cookie (8)  16 keygen token (8)
    printer.write(" nonce id=0x", "nonce_index", try bytes.u16(at: 6), as: .hex(1))
    if printer.writesFields || printer.options.verbosity > 0 {
      let isHome = type == Message.homeTest
      try writePair(isHome ? " Home Init Cookie=" : " Care-of Init Cookie=", "test_cookie", bytes, at: 8, &printer)
      try writePair(
        isHome ? " Home Keygen Token=" : " Care-of Keygen Token=", "keygen_token", bytes, at: 16, &printer)
    }
    return 24
  case Message.bindingUpdate:
    ///     6 sequence  8 A, H, L, K, reserved  10 lifetime
    printer.write(" seq#=", "sequence", try bytes.u16(at: 6))
    let flags = try bytes.u8(at: 8)
    if printer.writesFields {
      printer.fields.write("acknowledge", flags & 0x80 != 0)
      printer.fields.write("home_registration", flags & 0x40 != 0)
      printer.fields.write("link_local_compatible", flags & 0x20 != 0)
      printer.fields.write("key_management", flags & 0x10 != 0)
    }
    if flags & 0xf0 != 0 { printer.out.write(" ") }
    if flags & 0x80 != 0 { printer.out.write("A") }
    if flags & 0x40 != 0 { printer.out.write("H") }
    if flags & 0x20 != 0 { printer.out.write("L") }
    if flags & 0x10 != 0 { printer.out.write("K") }
    printer.write(" lifetime=", "lifetime_seconds", UInt32(try bytes.u16(at: 10)) &* secondsPerUnit)
    return 12
  case Message.bindingAcknowledgment:
    ///     6 status  7 K, reserved  8 sequence  10 lifetime
    printer.write(" status=", "status", try bytes.u8(at: 6))
    let managesKeys = try bytes.u8(at: 7) & 0x80 != 0
    if printer.writesFields { printer.fields.write("key_management", managesKeys) }
    if managesKeys { printer.out.write(" K") }
    printer.write(" seq#=", "sequence", try bytes.u16(at: 8))
    printer.write(" lifetime=", "lifetime_seconds", UInt32(try bytes.u16(at: 10)) &* secondsPerUnit)
    return 12
  case Message.bindingError:
    ///     6 status  7 reserved  8 home address (16)
    printer.write(" status=", "status", try bytes.u8(at: 6))
    printer.write(" homeaddr ", "home_address", try bytes.ipv6(at: 8))
    return 24
  default: return 8
  }
}

/// Eight bytes as two numbers; without `-v` only in structured output.
private func writePair(
  _ title: StaticString, _ key: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  guard printer.options.verbosity > 0 else {
    if bytes.has(offset, 8) { printer.fields.write(key, hex: try bytes.slice(at: offset, length: 8)) }
    return
  }
  try bytes.check(offset, 4)
  if printer.writesFields, bytes.has(offset, 8) {
    printer.fields.write(key, hex: try bytes.slice(at: offset, length: 8))
  }
  let upper = try bytes.u32(at: offset)
  let lower = try bytes.u32(at: offset &+ 4)
  printer.write(title, upper, as: .hex(8))
  printer.write(":", lower, as: .hex(8))
}

/// Options are read by their type, whatever their length says, as long as they are within the header.
private func printOptions(_ header: PacketBytes, at start: Int, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(header, at: start, OptionLayout(padding: 0), objects: "options")
  while let option = try printer.next(&list) {
    if option.type == Option.pad1 {
      printer.out.write("(pad1)")
      continue
    }
    if printer.writesFields {
      printer.fields.write("type", option.type, "type_name", Option.names)
      printer.fields.write("length", option.length)
    }
    try printer.reject("remaining length", option.rest, .less, option.size)
    try option.bytes.check(0, option.size)
    switch option.type {
    case Option.padN: printer.out.write("(padn)")
    case Option.refreshAdvice:
      printer.out.write("(refresh: ")
      try printer.reject("remaining length", option.rest, .less, 4)
      printer.write("", "refresh_seconds", UInt32(try option.bytes.u16(at: 2)) &* secondsPerUnit)
      printer.out.write(")")
    case Option.careOfAddress:
      printer.out.write("(alt-CoA: ")
      try printer.reject("remaining length", option.rest, .less, 18)
      printer.write("", "care_of_address", try option.bytes.ipv6(at: 2))
      printer.out.write(")")
    case Option.nonceIndices:
      printer.out.write("(ni: ")
      try printer.reject("remaining length", option.rest, .less, 6)
      try option.bytes.check(0, 6)
      printer.write("ho=0x", "home_nonce_index", try option.bytes.u16(at: 2), as: .hex(4))
      printer.write(" co=0x", "care_of_nonce_index", try option.bytes.u16(at: 4), as: .hex(4))
      printer.out.write(")")
    case Option.authorization: printer.out.write("(auth)")
    default:
      printer.write("(unknown: type-#", option.type)
      printer.write(" len=", option.length)
      printer.out.write(")")
    }
  }
}
