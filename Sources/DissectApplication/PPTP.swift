package import Dissect
import PacketCore

extension Layer {
  static let pptp = Layer("pptp", "Point-to-Point Tunneling Protocol", "RFC 2637") {
    [
      Field("length", .uint16, "Bytes of the message, as it states.", always: true),
      Field("message_type", .uint16, "1 control, 2 management."),
      Field("control_type", .uint16, "Type of the control message."),
      Field("control_name", .text, "Name of the type."),
      Field("major_version", .uint8, "Major version."),
      Field("minor_version", .uint8, "Minor version."),
      Field("result_code", .uint8, "Result, or reason."),
      Field("error_code", .uint8, "Error."),
      Field("cause_code", .uint16, "Cause."),
      Field("framing_bits", .uint32, "Framing, as bits: 1 asynchronous, 2 synchronous."),
      Field("bearer_bits", .uint32, "Bearer, as bits: 1 analogue, 2 digital."),
      Field("maximum_channels", .uint16, "Maximum number of sessions."),
      Field("firmware_revision", .uint16, "Revision of the firmware."),
      Field("host_name", .text, "Name of the sender."),
      Field("vendor_name", .text, "Vendor of the sender."),
      Field("echo_id", .uint32, "Identifier of an echo."),
      Field("call_id", .uint16, "Call of the sender."),
      Field("peer_call_id", .uint16, "Call of the receiver."),
      Field("call_serial_number", .uint16, "Number of the call."),
      Field("minimum_speed", .uint32, "Least bits a second."),
      Field("maximum_speed", .uint32, "Most bits a second."),
      Field("connection_speed", .uint32, "Bits a second."),
      Field("receive_window", .uint16, "Packets that may be on their way."),
      Field("processing_delay", .uint16, "Delay in tenths of a second."),
      Field("channel_id", .uint32, "Physical channel."),
      Field("phone_number", .text, "Number that is to be called."),
      Field("dialed_number", .text, "Number that was called."),
      Field("dialing_number", .text, "Number of the caller."),
      Field("subaddress", .text, "Address after the number."),
      Field("statistics", .text, "Statistics of the call."),
      Field("crc_errors", .uint32, "Frames with a wrong CRC."),
      Field("framing_errors", .uint32, "Frames wrongly delimited."),
      Field("hardware_overruns", .uint32, "Overruns of the hardware."),
      Field("buffer_overruns", .uint32, "Overruns of a buffer."),
      Field("timeouts", .uint32, "Time-outs."),
      Field("alignment_errors", .uint32, "Wrong alignments."),
      Field("send_accm", .uint32, "Characters that the sender escapes, as bits."),
      Field("receive_accm", .uint32, "Characters that the receiver escapes, as bits."),
    ]
  }
}

extension Dissector {
  package static let pptp = Dissector(name: "pptp", claims: [.tcpPort(1723)], layers: [.pptp], print: printPPTP)
}

/// A member of a message. Numbers have 1, 2 or 4 bytes.
private enum Item: Sendable {
  case number(StaticString, StaticString, Int)
  case hex(StaticString, StaticString)
  /// A byte; with `-v` its meaning follows.
  case code(StaticString, StaticString, ValueNames)
  /// Capabilities as letters.
  case letters(StaticString, StaticString, FlagNames)
  /// One value out of several.
  case choice(StaticString, StaticString, ValueNames)
  case text(StaticString, StaticString, Int)
  /// The length of a text, which need not be right: the text has a fixed size.
  case size(StaticString)
  case version
  /// Bytes that must be zero.
  case reserved(Int)
}

private typealias Message = (name: StaticString, items: [Item])

private let errors: ValueNames = [
  0: "None", 1: "Not-Connected", 2: "Bad-Format", 3: "Bad-Value", 4: "No-Resource", 5: "Bad-Call-ID", 6: "PAC-Error",
]
private let error = Item.code(" ERR_CODE(", "error_code", errors)
private func result(_ names: ValueNames) -> Item { .code(" RESULT_CODE(", "result_code", names) }
private let framing = Item.letters(" FRAME_CAP(", "framing_bits", [1: "A", 2: "S"])
private let bearer = Item.letters(" BEARER_CAP(", "bearer_bits", [2: "D", 1: "A"])
private let framingType = Item.choice(" FRAME_TYPE(", "framing_bits", [1: "A", 2: "S", 3: "E"])
private let bearerType = Item.choice(" BEARER_TYPE(", "bearer_bits", [1: "A", 2: "D", 3: "Any"])
private let call = Item.number(" CALL_ID(", "call_id", 2)
private let peerCall = Item.number(" PEER_CALL_ID(", "peer_call_id", 2)
private let serial = Item.number(" CALL_SER_NUM(", "call_serial_number", 2)
private let window = Item.number(" RECV_WIN(", "receive_window", 2)
private let delay = Item.number(" PROC_DELAY(", "processing_delay", 2)
private let cause = Item.number(" CAUSE_CODE(", "cause_code", 2)
private let speed = Item.number(" CONN_SPEED(", "connection_speed", 4)
private let channel = Item.number(" PHY_CHAN_ID(", "channel_id", 4)
private let echo = Item.number(" ID(", "echo_id", 4)
private let subaddress = Item.text(" SUB_ADDR(", "subaddress", 64)
private let start: [Item] = [
  framing, bearer, .number(" MAX_CHAN(", "maximum_channels", 2), .number(" FIRM_REV(", "firmware_revision", 2),
  .text(" HOSTNAME(", "host_name", 64), .text(" VENDOR(", "vendor_name", 64),
]
private let success: ValueNames = [1: "OK", 2: "General Error"]

private let messages: [Message] = [
  ("NOT_DEFINED", []), ("SCCRQ", [.version, .reserved(2)] + start),
  (
    "SCCRP",
    [
      .version,
      result([
        1: "Successful channel establishment", 2: "General error", 3: "Command channel already exists",
        4: "Requester is not authorized to establish a command channel",
        5: "The protocol version of the requester is not supported",
      ]), error,
    ] + start
  ),
  (
    "StopCCRQ",
    [
      .code(" REASON(", "result_code", [1: "None", 2: "Stop-Protocol", 3: "Stop-Local-Shutdown"]), .reserved(1),
      .reserved(2),
    ]
  ), ("StopCCRP", [result(success), error, .reserved(2)]), ("ECHORQ", [echo]),
  ("ECHORP", [echo, result(success), error, .reserved(2)]),
  (
    "OCRQ",
    [
      call, serial, .number(" MIN_BPS(", "minimum_speed", 4), .number(" MAX_BPS(", "maximum_speed", 4), bearerType,
      framingType, window, delay, .size(" PHONE_NO_LEN("), .reserved(2), .text(" PHONE_NO(", "phone_number", 64),
      subaddress,
    ]
  ),
  (
    "OCRP",
    [
      call, peerCall,
      result([
        1: "Connected", 2: "General Error", 3: "No Carrier", 4: "Busy", 5: "No Dial Tone", 6: "Time-out",
        7: "Do Not Accept",
      ]), error, cause, speed, window, delay, channel,
    ]
  ),
  (
    "ICRQ",
    [
      call, serial, bearerType, channel, .size(" DIALED_NO_LEN("), .size(" DIALING_NO_LEN("),
      .text(" DIALED_NO(", "dialed_number", 64), .text(" DIALING_NO(", "dialing_number", 64), subaddress,
    ]
  ),
  (
    "ICRP",
    [
      call, peerCall, result([1: "Connect", 2: "General Error", 3: "Do Not Accept"]), error, window, delay,
      .reserved(2),
    ]
  ), ("ICCN", [peerCall, .reserved(2), speed, window, delay, framingType]), ("CCRQ", [call, .reserved(2)]),
  (
    "CDN",
    [
      call, result([1: "Lost Carrier", 2: "General Error", 3: "Admin Shutdown", 4: "Request"]), error, cause,
      .reserved(2), .text(" CALL_STATS(", "statistics", 128),
    ]
  ),
  (
    "WEN",
    [
      peerCall, .reserved(2), .number(" CRC_ERR(", "crc_errors", 4), .number(" FRAMING_ERR(", "framing_errors", 4),
      .number(" HARDWARE_OVERRUN(", "hardware_overruns", 4), .number(" BUFFER_OVERRUN(", "buffer_overruns", 4),
      .number(" TIMEOUT_ERR(", "timeouts", 4), .number(" ALIGN_ERR(", "alignment_errors", 4),
    ]
  ),
  (
    "SLI",
    [peerCall, .reserved(2), .hex(" SEND_ACCM(0x", "send_accm"), .hex(" RECV_ACCM(0x", "receive_accm")]
  ),
]

private let kinds: ValueNames = [1: "CTRL-MSG", 2: "MGMT-MSG"]
private let magicCookie: UInt32 = 0x1a2b_3c4d

///     0        2              4              8              10
///     +--------+--------------+--------------+--------------+----------+------
///     | length | message type | magic cookie | control type | reserved | body
///     +--------+--------------+--------------+--------------+----------+------
private let headerLength = 12

@Sendable
private func printPPTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": pptp")
  let length = try bytes.u16(at: 0)
  if printer.enter(.pptp) { printer.fields.write("length", length) }
  let isVerbose = printer.options.verbosity > 0
  if isVerbose { printer.write(" Length=", length) }
  let kind = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("message_type", kind) }
  if isVerbose { printer.write(" ", kind, as: .named(kinds, unknown: "UNKNOWN-MSG-TYPE")) }
  let cookie = try bytes.u32(at: 4)
  if cookie != magicCookie {
    printer.write(" UNEXPECTED Magic-Cookie!!(", cookie, as: .hex(8))
    printer.writeFault(")")
  }
  if isVerbose || cookie != magicCookie { printer.write(" Magic-Cookie=", cookie, as: .hex(8)) }
  let type = try bytes.u16(at: 8)
  if printer.writesFields { printer.fields.write("control_type", type) }
  let message: Message? = Int(type) < messages.count ? messages[Int(type)] : nil
  if let message {
    if printer.writesFields { printer.fields.write("control_name", message.name) }
    printer.out.write(" CTRL_MSGTYPE=")
    printer.out.write(message.name)
  } else {
    printer.write(" UNKNOWN_CTRL_MSGTYPE(", type)
    printer.out.write(")")
  }
  try checkReserved(bytes, at: 10, width: 2, &printer)
  var offset = headerLength
  for item in message?.items ?? [] { offset &+= try print(item, bytes, at: offset, &printer) }
}

private func checkReserved(
  _ bytes: PacketBytes, at offset: Int, width: Int, _ printer: inout Printer
) throws(DecodeError) {
  let value = try bytes.unsigned(at: offset, width: width)
  if value == 0 { return }
  printer.write(" [ERROR: reserved=", value)
  printer.writeFault(" must be zero]")
}

/// Prints a member; returns its length in bytes.
private func print(
  _ item: Item, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) -> Int {
  let width: Int
  switch item {
  case .reserved(let size):
    try checkReserved(bytes, at: offset, width: size, &printer)
    return size
  case .version:
    printer.write(" PROTO_VER(", "major_version", try bytes.u8(at: offset))
    printer.write(".", "minor_version", try bytes.u8(at: offset &+ 1))
    width = 2
  case .number(let title, let key, let size):
    printer.write(title, key, try bytes.unsigned(at: offset, width: size))
    width = size
  case .size(let title):
    printer.write(title, try bytes.u16(at: offset))
    width = 2
  case .hex(let title, let key):
    printer.write(title, key, try bytes.u32(at: offset), as: .hex(8))
    width = 4
  case .code(let title, let key, let names):
    let code = try bytes.u8(at: offset)
    printer.write(title, key, code)
    if printer.options.verbosity > 0 { printer.write(":", code, as: .named(names, unknown: "?")) }
    width = 1
  case .letters(let title, let key, let names):
    printer.out.write(title)
    let bits = try bytes.u32(at: offset)
    if printer.writesFields { printer.fields.write(key, bits) }
    printer.write(names, bits, separator: "", none: "")
    width = 4
  case .choice(let title, let key, let names):
    printer.write(title, key, try bytes.u32(at: offset), as: .named(names, unknown: "?"))
    width = 4
  case .text(let title, let key, let size):
    printer.out.write(title)
    let text = try bytes.dropping(offset).clamped(to: size).withLength(size)
    if printer.writesFields {
      var end = 0
      while text.has(end, 1), try text.u8(at: end) != 0 { end &+= 1 }
      printer.fields.write(key, text: text.clamped(to: end))
    }
    try printer.writeTextToNUL(text)
    width = size
  }
  printer.out.write(")")
  return width
}
