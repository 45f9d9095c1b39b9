package import Dissect
import PacketCore

extension Layer {
  static let rx = Layer(
    "rx", "Rx, the remote procedure calls of AFS", "",
    marks: ["ack", "fs", "cb", "pt", "vldb", "kauth", "vol", "bos", "ubik"]
  ) {
    [
      Field("type", .uint8, "Kind of packet."),
      Field("type_name", .text, "Name of the kind."),
      Field("connection", .uint32, "Connection, with the channel in its lower two bits."),
      Field("call", .uint32, "Number of the call in its channel."),
      Field("sequence", .uint32, "Number of the packet in the call."),
      Field("serial", .uint32, "Number of the packet in the connection."),
      Field("flag_bits", .uint8, "Flags; 1 is that the client has begun the connection."),
      Field("security_index", .uint8, "How the connection is secured."),
      Field("service_id", .uint16, "Service, as the server numbers its services."),
      Field("service_name", .text, "Service that the port stands for; ubik is a part of several."),
      Field("direction", .words(["call", "reply"]), "Whether a procedure is called, or answers."),
      Field("operation", .uint32, "Procedure; of a reply that of its call, where that was seen."),
      Field("operation_name", .text, "Name of the procedure."),
      Field(
        "items",
        .array(
          .object([
            Field("name", .text, "What it is."),
            Field("number", .uint64, "Value that is a number without a sign."),
            Field("signed", .int32, "Value that is a number with a sign: a user, a group, a count."),
            Field("text", .text, "Value that is text, a time, a file (volume/vnode/uniquifier) or a version."),
            Field("address", .ipv4, "Value that is a server's address."),
          ])), "Arguments of a call, or results, as the text has them.", each: "One of them, or an element of a list."),
      Field("error_code", .int32, "Why a call was aborted."),
      Field("error_code_name", .text, "Name of the error."),
      Field("first_sequence", .uint32, "First packet that is not acknowledged for good."),
      Field("reason", .uint8, "Why an acknowledgment is sent."),
      Field("reason_name", .text, "Name of the reason."),
      Field("acknowledged", .array(.uint32), "Packets that have arrived."),
      Field("missing", .array(.uint32), "Packets that have not."),
      Field("interface_mtu", .uint32, "Bytes of a packet on the sender's interface."),
      Field("maximum_mtu", .uint32, "Bytes of a packet at most."),
      Field("receive_window", .uint32, "Packets that the sender takes."),
      Field("maximum_packets", .uint32, "Packets of a datagram at most."),
    ]
  }
}

extension Dissector {
  package static let rx = Dissector(
    name: "rx",
    claims: [
      .udpPort(7000), .udpPort(7001), .udpPort(7002), .udpPort(7003), .udpPort(7004), .udpPort(7005), .udpPort(7006),
      .udpPort(7007), .udpPort(7008), .udpPort(7009),
    ], layers: [.rx], print: printRx)
}

private enum PacketType {
  static let data: UInt8 = 1
  static let acknowledgment: UInt8 = 2
  static let abort: UInt8 = 4
  static let names: ValueNames = [
    1: "data", 2: "ack", 3: "busy", 4: "abort", 5: "ackall", 6: "challenge", 7: "response", 8: "debug", 9: "params",
    10: "params", 11: "params", 12: "params", 13: "version",
  ]
}

private enum Flag {
  static let clientInitiated: UInt8 = 0x01
  /// Names of the flags of all packets, and of the sixth flag, which differs between data and acknowledgments.
  static let common: FlagNames = [
    0x01: "<client-init>", 0x02: "<req-ack>", 0x04: "<last-pckt>", 0x08: "<more-pckts>", 0x10: "<free-pckt>",
  ]
  static let data: FlagNames = [
    0x01: "<client-init>", 0x02: "<req-ack>", 0x04: "<last-pckt>", 0x08: "<more-pckts>", 0x10: "<free-pckt>",
    0x20: "<jumbogram>",
  ]
  static let acknowledgment: FlagNames = [
    0x01: "<client-init>", 0x02: "<req-ack>", 0x04: "<last-pckt>", 0x08: "<more-pckts>", 0x10: "<free-pckt>",
    0x20: "<slow-start>",
  ]
}

///     0       4            8      12         16       20     21      22       23         24        26        28
///     +-------+------------+------+----------+--------+------+-------+--------+----------+---------+---------+------
///     | epoch | connection | call | sequence | serial | type | flags | status | security | reserved| service | body
///     +-------+------------+------+----------+--------+------+-------+--------+----------+---------+---------+------
private let headerLength = 28

@Sendable
private func printRx(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.has(0, headerLength) else {
    printer.out.write(" ")
    printer.writeTruncation(of: "rx")
    printer.write(" (", bytes.length)
    return printer.out.write(")")
  }
  let (connection, call) = (try bytes.u32(at: 4), try bytes.u32(at: 8))
  let (sequence, serial) = (try bytes.u32(at: 12), try bytes.u32(at: 16))
  let (type, flags) = (try bytes.u8(at: 20), try bytes.u8(at: 21))
  let (security, service) = (try bytes.u8(at: 23), try bytes.u16(at: 26))
  if printer.enter(.rx) {
    printer.fields.write("type", type, "type_name", PacketType.names)
    printer.fields.write("connection", connection)
    printer.fields.write("call", call)
    printer.fields.write("sequence", sequence)
    printer.fields.write("serial", serial)
    printer.fields.write("flag_bits", flags)
    printer.fields.write("security_index", security)
    printer.fields.write("service_id", service)
  }
  let verbosity = printer.options.verbosity
  printer.write(" rx ", type, as: .named(PacketType.names, unknown: .decimal("type ")))
  if verbosity > 1 {
    printer.write(" cid ", connection, as: .hex(8))
    printer.write(" call# ", call)
  }
  if verbosity > 0 {
    printer.write(" seq ", sequence)
    printer.write(" ser ", serial)
  }
  if verbosity > 2 {
    printer.write(" secindex ", security)
    printer.write(" serviceid ", service)
  }
  if verbosity > 1, flags & 0x3f != 0 {
    let names =
      type == PacketType.data ? Flag.data : type == PacketType.acknowledgment ? Flag.acknowledgment : Flag.common
    printer.out.write(" ")
    printer.write(names, flags, separator: ",", none: "")
  }
  try printBody(bytes, type, flags, RxCall(call, service, printer.network, printer.context.scope.ports), &printer)
  printer.write(" (", bytes.length)
  printer.out.write(")")
}

private func printBody(
  _ bytes: PacketBytes, _ type: UInt8, _ flags: UInt8, _ call: RxCall, _ printer: inout Printer
) throws(DecodeError) {
  let body = try bytes.dropping(headerLength)
  let isFirst = try bytes.u32(at: 12) == 1
  let isFromClient = flags & Flag.clientInitiated != 0
  switch type {
  case PacketType.data where isFirst && isFromClient: try printRxCall(body, call, &printer)
  case PacketType.data where isFirst, PacketType.abort:
    guard !isFromClient else { return }
    try printRxReply(body, call, isAbort: type == PacketType.abort, &printer)
  case PacketType.acknowledgment:
    guard try printAcknowledgment(body, &printer) else { return writeCut("ack", &printer) }
  default: break
  }
}

private func writeCut(_ mark: StaticString, _ printer: inout Printer) {
  printer.out.write(" ")
  printer.writeTruncation(of: mark)
}

/// An acknowledgment:
///
///     0        2          4       8          12       16       17      18
///     +--------+----------+-------+----------+--------+--------+-------+------
///     | buffer | max. skew| first | previous | serial | reason | count | acks, a byte each
///     +--------+----------+-------+----------+--------+--------+-------+------
/// The sender's limits follow after three bytes of padding; older senders have fewer of them. Returns false if the packet is truncated.
private func printAcknowledgment(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  guard body.has(0, 18) else { return false }
  let first = try body.u32(at: 4)
  let reason = try body.u8(at: 16)
  let count = Int(try body.u8(at: 17))
  if printer.options.verbosity > 2 {
    printer.write(" bufspace ", try body.u16(at: 0))
    printer.write(" maxskew ", try body.u16(at: 2))
  }
  printer.write(" first ", "first_sequence", first)
  printer.write(" serial ", try body.u32(at: 12))
  printer.write(
    " reason ", "reason", reason, as: .named(acknowledgmentReasons, key: "reason_name", unknown: .decimal("#")))
  guard body.has(18, count) else { return false }
  let states = try body.slice(at: 18, length: count)
  try printPackets(states, first, wanted: 1, " acked", "acknowledged", &printer)
  try printPackets(states, first, wanted: 0, " nacked", "missing", &printer)
  if printer.options.verbosity > 1 {
    let limits = 18 &+ count &+ 3
    if body.has(limits, 4) { printer.write(" ifmtu ", "interface_mtu", try body.u32(at: limits)) }
    if body.has(limits &+ 4, 4) { printer.write(" maxmtu ", "maximum_mtu", try body.u32(at: limits &+ 4)) }
    if body.has(limits &+ 8, 4) { printer.write(" rwind ", "receive_window", try body.u32(at: limits &+ 8)) }
    if body.has(limits &+ 12, 4) {
      printer.write(" maxpackets ", "maximum_packets", try body.u32(at: limits &+ 12))
    }
  }
  return true
}

private let acknowledgmentReasons: ValueNames = [
  1: "ack requested", 2: "duplicate packet", 3: "out of sequence", 4: "exceeds window", 5: "no buffer space",
  6: "ping", 7: "ping response", 8: "delay", 9: "idle",
]

/// The packets from `first` on whose state is `wanted`, as ranges: ` acked 5,7-8`.
private func printPackets(
  _ states: PacketBytes, _ first: UInt32, wanted: UInt8, _ title: StaticString, _ key: StaticString,
  _ printer: inout Printer
) throws(DecodeError) {
  let level = printer.fields.level
  var isFirst = true
  var index = 0
  while index < states.length {
    guard try states.u8(at: index) == wanted else {
      index &+= 1
      continue
    }
    if isFirst, printer.writesFields { printer.fields.beginArray(key) }
    let number = first &+ UInt32(truncatingIfNeeded: index)
    printer.out.write(isFirst ? title : "")
    printer.write(isFirst ? " " : ",", number)
    isFirst = false
    var last = number
    while index < states.length, try states.u8(at: index) == wanted {
      last = first &+ UInt32(truncatingIfNeeded: index)
      if printer.writesFields { printer.fields.element(last) }
      index &+= 1
    }
    if last != number { printer.write("-", last) }
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}
