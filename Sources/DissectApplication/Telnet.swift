package import Dissect
import PacketCore

extension Layer {
  static let telnet = Layer(
    "telnet", "Telnet", "RFC 854", note: "Commands at the beginning of a segment."
  ) {
    [
      Field(
        "commands",
        .array(
          .object([
            Field("command", .uint8, "Command.", always: true),
            Field("command_name", .text, "Name of the command."),
            Field("option", .uint8, "Option."),
            Field("option_name", .text, "Name of the option."),
            Field("data", .hex, "Data of a subnegotiation."),
          ])), "Commands, in order.", each: "One command.", always: true)
    ]
  }
}

extension Dissector {
  /// Telnet, RFC 854: the commands at the beginning of a segment.
  package static let telnet = Dissector(
    name: "telnet", claims: [.tcpPort(23)], layers: [.telnet], standsAlone: true, print: printTelnet)
}

private enum TelnetCommand {
  static let subnegotiationEnd: UInt8 = 240
  static let subnegotiation: UInt8 = 250
  static let will: UInt8 = 251
  static let dont: UInt8 = 254
  static let interpretAsCommand: UInt8 = 255
  static let names: ValueNames = [
    236: "EOF", 237: "SUSP", 238: "ABORT", 239: "EOR", 240: "SE", 241: "NOP", 242: "DMARK", 243: "BRK", 244: "IP",
    245: "AO", 246: "AYT", 247: "EC", 248: "EL", 249: "GA", 250: "SB", 251: "WILL", 252: "WONT", 253: "DO",
    254: "DONT", 255: "IAC",
  ]
}

/// Options (IANA "Telnet Options").
private enum TelnetOption {
  static let authentication: UInt8 = 37
  static let encrypt: UInt8 = 38
  static let names: ValueNames = [
    0: "BINARY", 1: "ECHO", 2: "RCP", 3: "SUPPRESS GO AHEAD", 4: "NAME", 5: "STATUS", 6: "TIMING MARK", 7: "RCTE",
    8: "NAOL", 9: "NAOP", 10: "NAOCRD", 11: "NAOHTS", 12: "NAOHTD", 13: "NAOFFD", 14: "NAOVTS", 15: "NAOVTD",
    16: "NAOLFD", 17: "EXTEND ASCII", 18: "LOGOUT", 19: "BYTE MACRO", 20: "DATA ENTRY TERMINAL", 21: "SUPDUP",
    22: "SUPDUP OUTPUT", 23: "SEND LOCATION", 24: "TERMINAL TYPE", 25: "END OF RECORD", 26: "TACACS UID",
    27: "OUTPUT MARKING", 28: "TTYLOC", 29: "3270 REGIME", 30: "X.3 PAD", 31: "NAWS", 32: "TSPEED", 33: "LFLOW",
    34: "LINEMODE", 35: "XDISPLOC", 36: "OLD-ENVIRON", 37: "AUTHENTICATION", 38: "ENCRYPT", 39: "NEW-ENVIRON",
  ]
}

private let qualifiers: ValueNames = [0: "IS", 1: "SEND", 2: "INFO"]
private let authenticationCommands: ValueNames = [0: "IS", 1: "SEND", 2: "REPLY", 3: "NAME"]
private let authenticationTypes: ValueNames = [
  0: "NULL", 1: "KERBEROS_V4", 2: "KERBEROS_V5", 3: "SPX", 4: "MINK", 5: "SRP", 6: "RSA", 7: "SSL", 10: "LOKI",
  14: "DSS", 15: "NTLM",
  11: "SSA", 12: "KEA_SJ", 13: "KEA_SJ_INTEG",
]
private let encryptionCommands: ValueNames = [
  0: "IS", 1: "SUPPORT", 2: "REPLY", 3: "START", 4: "END", 5: "REQUEST-START", 6: "REQUEST-END", 7: "END_KEYID",
  8: "DEC_KEYID",
]
private let encryptionTypes: ValueNames = [
  0: "NULL", 1: "DES_CFB64", 2: "DES_OFB64", 3: "DES3_CFB64", 4: "DES3_OFB64", 6: "CAST5_40_CFB64",
  7: "CAST5_40_OFB64", 8: "CAST128_CFB64", 9: "CAST128_OFB64",
]

@Sendable
private func printTelnet(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var offset = 0
  if printer.enter(.telnet) { printer.fields.beginArray("commands") }
  if printer.wantsLayersAlone { return }
  while offset < bytes.length {
    guard let length = try commandLength(bytes, at: offset) else { break }
    printer.out.write(offset == 0 ? " [telnet " : ", ")
    if printer.writesFields { try? recordCommand(try bytes.dropping(offset), length: length, &printer) }
    try writeCommand(try bytes.dropping(offset), length: length, &printer)
    offset += length
    if offset > bytes.length { throw .truncated }
  }
  if printer.writesFields { printer.fields.end() }
  if offset > 0 { printer.out.write("]") }
}

private func recordCommand(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  let command = try bytes.u8(at: 1)
  let level = printer.fields.level
  printer.fields.beginObject()
  printer.fields.write("command", command, "command_name", TelnetCommand.names)
  if (TelnetCommand.subnegotiation...TelnetCommand.dont).contains(command), let option = try? bytes.u8(at: 2) {
    printer.fields.write("option", option, "option_name", TelnetOption.names)
    // The data between the option and the bytes that end a subnegotiation.
    if length > 5 { printer.fields.write("data", hex: try bytes.dropping(3).clamped(to: length - 5)) }
  }
  printer.fields.end(downTo: level)
}

/// The length of the command at `offset`; nil if there is none, or only a part of one. It is one more than the number of bytes left if the
/// segment ends between the two bytes that end a subnegotiation.
private func commandLength(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) -> Int? {
  guard try bytes.u8(at: offset) == TelnetCommand.interpretAsCommand, offset + 1 < bytes.length else { return nil }
  let command = try bytes.u8(at: offset + 1)
  switch command {
  case TelnetCommand.interpretAsCommand: return 2
  case TelnetCommand.subnegotiation:
    // Search for the bytes IAC SE.
    var end = offset + 3
    guard end - 1 < bytes.length else { return nil }
    _ = try bytes.u8(at: end - 1)
    if end == bytes.length { throw .truncated }
    while end + 1 < bytes.length {
      guard try bytes.u8(at: end) == TelnetCommand.interpretAsCommand else {
        end += 1
        continue
      }
      if try bytes.u8(at: end + 1) == TelnetCommand.subnegotiationEnd { return end + 2 - offset }
      end += 1
    }
    let isCut = try bytes.u8(at: bytes.length - 1) == TelnetCommand.interpretAsCommand
    return isCut ? bytes.length + 1 - offset : nil
  case TelnetCommand.will...TelnetCommand.dont: return offset + 2 < bytes.length ? 3 : nil
  default: return TelnetCommand.names[command] == nil ? nil : 2
  }
}

private func writeCommand(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  let command = try bytes.u8(at: 1)
  if command == TelnetCommand.interpretAsCommand {
    printer.out.write("IAC IAC")
    return
  }
  printer.write(TelnetCommand.names, command, unknown: "")
  guard command >= TelnetCommand.subnegotiation else { return }
  let option = try bytes.u8(at: 2)
  printer.out.write(" ")
  printer.write(TelnetOption.names, option, unknown: .hex("0x"))
  guard command == TelnetCommand.subnegotiation else { return }
  var offset = 3
  let end = length - 2
  func writeNamed(_ names: ValueNames, _ printer: inout Printer) throws(DecodeError) {
    guard offset < end else { return }
    let value = try bytes.u8(at: offset)
    printer.out.write(" ")
    if let name = names[value] { printer.out.write(name) } else { writeOctet(value, &printer) }
    offset += 1
  }
  switch option {
  case TelnetOption.authentication:
    try writeNamed(authenticationCommands, &printer)
    try writeNamed(authenticationTypes, &printer)
  case TelnetOption.encrypt:
    try writeNamed(encryptionCommands, &printer)
    try writeNamed(encryptionTypes, &printer)
  default: try writeNamed(qualifiers, &printer)
  }
  while offset < end {
    printer.out.write(" ")
    writeOctet(try bytes.u8(at: offset), &printer)
    offset += 1
  }
  printer.out.write(" SE")
}

/// A byte in hexadecimal; 0 has no prefix.
private func writeOctet(_ octet: UInt8, _ printer: inout Printer) {
  if octet != 0 { printer.out.write("0x") }
  printer.out.write(hex: octet)
}
