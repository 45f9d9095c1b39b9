import PacketCore

/// Codes of the control protocols (RFC 1661 section 5, RFC 1962 section 3).
private enum ControlCode {
  static let vendor: UInt8 = 0
  static let configureRequest: UInt8 = 1
  static let configureReject: UInt8 = 4
  static let terminateRequest: UInt8 = 5
  static let terminateAck: UInt8 = 6
  static let codeReject: UInt8 = 7
  static let protocolReject: UInt8 = 8
  static let echoRequest: UInt8 = 9
  static let echoReply: UInt8 = 10
  static let discardRequest: UInt8 = 11
  static let identification: UInt8 = 12
  static let timeRemaining: UInt8 = 13
  static let names: ValueNames = [
    0: "Vendor-Extension", 1: "Conf-Request", 2: "Conf-Ack", 3: "Conf-Nack", 4: "Conf-Reject", 5: "Term-Request",
    6: "Term-Ack", 7: "Code-Reject", 8: "Prot-Reject", 9: "Echo-Request", 10: "Echo-Reply", 11: "Disc-Req",
    12: "Ident", 13: "Time-Rem", 14: "Reset-Req", 15: "Reset-Ack",
  ]
}

extension Printer {
  ///     0      1            2        4
  ///     +------+------------+--------+---------------
  ///     | code | identifier | length | options, data
  ///     +------+------------+--------+---------------
  mutating func printPPPControl(_ number: UInt16, _ bytes: PacketBytes) throws(DecodeError) {
    let name = PPPProtocol.names[number] ?? "unknown"
    guard bytes.length >= 4, bytes.has(0, 2) else {
      out.write(name)
      out.write(", ")
      writeTruncation(of: name)
      return
    }
    let code = try bytes.u8(at: 0)
    let identifier = try bytes.u8(at: 1)
    if enter(PPPProtocol.layer(number)) {
      fields.write("code", code, "code_name", ControlCode.names)
      fields.write("id", identifier)
      fields.write("length", try bytes.u16(at: 2))
    }
    out.write(name)
    write(", ", code, as: .named(ControlCode.names, unknown: "Unknown Opcode"))
    write(" (0x", code, as: .hex(2))
    write("), id ", identifier)
    write(", length ", bytes.length &+ 2)
    guard options.verbosity > 0 else { return }
    let length = Int(try bytes.u16(at: 2))
    write("\n\tencoded length ", length)
    if length > bytes.length {
      writeFault(" (> packet length ")
      out.write(decimal: bytes.length)
      out.write("))")
      return
    }
    if length < 4 {
      writeFault(" (< 4))")
      return
    }
    write(" (=Option(s) length ", length &- 4)
    out.write(")")
    if length == 4 { return }
    if options.verbosity > 1 {
      // The protocol number and the header once more, as bytes.
      write("\n\t0x0000:  ", number, as: .hex(4))
      out.write(" ")
      out.write(hex: try bytes.u16(at: 0), width: 4)
      out.write(" ")
      out.write(hex: try bytes.u16(at: 2), width: 4)
    }
    try printPPPControlData(number, name, code, bytes, length: length)
  }

  /// What follows the header of a message.
  private mutating func printPPPControlData(
    _ number: UInt16, _ name: StaticString, _ code: UInt8, _ bytes: PacketBytes, length: Int
  ) throws(DecodeError) {
    let data = try bytes.dropping(4)
    let dataLength = length &- 4
    switch code {
    case ControlCode.vendor:
      guard dataLength >= 8 else { return }
      writeMagicNumber(try data.u32(at: 0))
      let vendor = try data.u24(at: 4)
      if writesFields { fields.write("oui", vendor) }
      out.write(" Vendor: ")
      writeVendor(vendor)
    case ControlCode.configureRequest...ControlCode.configureReject:
      try printPPPOptions(number, data, length: dataLength, whole: length)
    case ControlCode.terminateRequest, ControlCode.terminateAck, ControlCode.codeReject: break
    case ControlCode.protocolReject:
      if dataLength < 2 { return }
      let rejected = try data.u16(at: 0)
      if writesFields { fields.write("rejected_protocol", rejected) }
      write("\n\t  Rejected ", rejected, as: .named(PPPProtocol.names, unknown: "unknown"))
      write(" Protocol (0x", rejected, as: .hex(4))
      out.write(")")
      if dataLength > 2 {
        out.write("\n\t  Rejected Packet")
        writeHex(try data.dropping(2).clamped(to: dataLength &- 2), indent: "\n\t    ")
      }
    case ControlCode.echoRequest, ControlCode.echoReply, ControlCode.discardRequest:
      if dataLength < 4 { return }
      writeMagicNumber(try data.u32(at: 0))
      if dataLength > 4 {
        out.write("\n\t  -----trailing data-----")
        if data.has(4, dataLength &- 4) {
          writeHex(try data.slice(at: 4, length: dataLength &- 4), indent: "\n\t  ")
        } else {
          writeTruncation(of: name)
        }
      }
    case ControlCode.identification:
      if dataLength < 4 { return }
      writeMagicNumber(try data.u32(at: 0))
      if dataLength == 4 { return }
      out.write("\n\t  Message\n\t    ")
      // tcpdump reads as many bytes as the magic number and the message have together.
      let message = try data.dropping(4).clamped(to: dataLength)
      if writesFields { fields.write("message", text: message.clamped(to: dataLength &- 4)) }
      out.write(escaped: message)
      if message.count < dataLength { writeTruncation(of: name) }
    case ControlCode.timeRemaining:
      if dataLength < 8 { return }
      writeMagicNumber(try data.u32(at: 0))
      let seconds = try data.u32(at: 4)
      write(", Seconds-Remaining ", "seconds_remaining", seconds)
      out.write("s")
    default:
      if options.verbosity < 2 { writeControlMessage(number, bytes.clamped(to: length)) }
    }
  }

  /// Dumps a message with an unknown code in hexadecimal, from the protocol number on.
  private mutating func writeControlMessage(_ number: UInt16, _ message: PacketBytes) {
    var octets = [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
    octets.reserveCapacity(message.count &+ 2)
    for index in 0..<message.count {
      if let octet = try? message.u8(at: index) { octets.append(octet) }
    }
    out.write(hexDump: unsafe octets.span.bytes, indent: "\n\t  ", showsText: false)
  }

  private mutating func writeMagicNumber(_ number: UInt32) {
    write("\n\t  Magic-Num 0x", "magic_number", number, as: .hex(8))
  }

  /// The organisation of a vendor extension, RFC 2153.
  mutating func writeVendor(_ oui: UInt32) {
    write(OUI.names, oui, unknown: "Unknown")
    write(" (", oui)
    out.write(")")
  }
}
