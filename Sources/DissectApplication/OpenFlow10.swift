import Dissect
import PacketCore

/// Messages of version 1.0, by their numbers.
private enum Message: UInt8 {
  case hello, error, echoRequest, echoReply, vendor, featuresRequest, featuresReply, configurationRequest,
    configurationReply, setConfiguration, packetIn, flowRemoved, portStatus, packetOut, flowModification,
    portModification, statisticsRequest, statisticsReply, barrierRequest, barrierReply, queueRequest, queueReply

  /// Length after the header.
  var length: OpenFlowLength {
    switch self {
    case .hello, .echoRequest, .echoReply: .atLeast(0)
    case .error, .vendor, .statisticsRequest, .statisticsReply: .atLeast(4)
    case .featuresRequest, .configurationRequest, .barrierRequest, .barrierReply: .exactly(0)
    case .featuresReply: .atLeast(24)
    case .configurationReply, .setConfiguration, .queueRequest: .exactly(4)
    case .packetIn: .atLeast(10)
    case .flowRemoved: .exactly(80)
    case .portStatus: .exactly(8 + portLength)
    case .packetOut, .queueReply: .atLeast(8)
    case .flowModification: .atLeast(64)
    case .portModification: .exactly(24)
    }
  }
}

/// Length of the description of a port, in bytes.
private let portLength = 48

/// Prints what follows the header of a message of version 1.0.
func printOpenFlow10(_ type: UInt8, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let message = Message(rawValue: type) else { return }
  guard message.length.allows(body.length) else { throw .invalid }
  guard printer.options.verbosity > 0 else { return }
  switch message {
  case .hello, .echoRequest, .echoReply: try printer.printOpenFlowData(body)
  case .error: try printer.printOpenFlowError(body, OpenFlow10.errors)
  case .vendor: try printVendor(body, &printer)
  case .featuresRequest, .configurationRequest, .barrierRequest, .barrierReply: break
  case .featuresReply: try printFeatures(body, &printer)
  case .configurationReply, .setConfiguration: try printConfiguration(body, &printer)
  case .packetIn: try printPacketIn(body, &printer)
  case .flowRemoved: try printFlowRemoved(body, &printer)
  case .portStatus:
    printer.writeOpenFlowPortReason(try body.u8(at: 0))
    if printer.writesFields {
      printer.fields.beginArray("ports")
      printer.fields.beginObject()
    }
    try printPort(try body.dropping(8), &printer)
  case .packetOut: try printPacketOut(body, &printer)
  case .flowModification: try printFlowModification(body, &printer)
  case .portModification: try printPortModification(body, &printer)
  case .statisticsRequest: try printer.printOpenFlow10StatisticsRequest(body)
  case .statisticsReply: try printer.printOpenFlow10StatisticsReply(body)
  case .queueRequest:
    let port = try body.u16(at: 0)
    printer.writeOpenFlow10Port("\n\t port ", "port", "port_name", port)
  case .queueReply: try printQueues(body, &printer)
  }
}

extension Printer {
  /// The number of a port, or its name.
  mutating func writeOpenFlow10Port(
    _ title: StaticString, _ key: StaticString, _ nameKey: StaticString, _ port: UInt16
  ) {
    write(title, key, port, as: .named(OpenFlow10.ports, key: nameKey, unknown: .decimal("")))
  }

  /// How a switch handles fragments.
  mutating func writeOpenFlowFragmentHandling(_ handling: UInt16) {
    write(
      "\n\t flags ", "fragment_handling", handling,
      as: .named(
        OpenFlow10.fragmentHandling, key: "fragment_handling_name", unknown: .hex("invalid (0x", digits: 4, ")")))
  }

  /// The reason for which a switch reports a port.
  mutating func writeOpenFlowPortReason(_ reason: UInt8) {
    write(
      "\n\t reason ", "reason", reason,
      as: .named(OpenFlow10.portReasons, key: "reason_name", unknown: .hex("invalid (0x", digits: 2, ")")))
  }

  /// Ends the message if less than `size` bytes are left after the elements of a list; `title` is the text before an element.
  mutating func rejectOpenFlowRest(
    _ title: StaticString, of list: borrowing OptionList, _ size: Int
  ) throws(DecodeError) {
    guard (1..<size).contains(list.remaining) else { return }
    out.write(title)
    try reject("remaining length", list.remaining, .less, size)
  }
}

/// 0 how a switch handles fragments (2)  2 number of packet bytes to send to a controller (2)
private func printConfiguration(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.writeOpenFlowFragmentHandling(try body.u16(at: 0))
  printer.write(", miss_send_len ", "miss_send_length", try body.u16(at: 2))
}

///     0             8         12       13        16             20        24
///     +-------------+---------+--------+---------+--------------+---------+------
///     | datapath ID | buffers | tables | padding | capabilities | actions | ports      (section 5.3.1)
///     +-------------+---------+--------+---------+--------------+---------+------
private func printFeatures(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let datapath = try body.u64(at: 0)
  if printer.writesFields { printer.fields.write("datapath_id", hex: try body.slice(at: 0, length: 8)) }
  printer.write("\n\t dpid 0x", datapath, as: .hex(16))
  printer.write(", n_buffers ", "buffers", try body.u32(at: 8))
  printer.write(", n_tables ", "table_count", try body.u8(at: 12))
  printer.writeOpenFlowFlags(
    "\n\t capabilities 0x", "capability_bits", try body.u32(at: 16), OpenFlow10.capabilities, known: 0xef,
    reserved: 0x10)
  printer.writeOpenFlowFlags(
    "\n\t actions 0x", "action_bits", try body.u32(at: 20), OpenFlow10.actionBits, known: 0xfff)
  var list = printer.openList(
    try body.dropping(24), .elements(of: UInt16(portLength)), objects: "ports")
  while let port = try printer.next(&list) { try printPort(port.value, &printer) }
  try printer.rejectOpenFlowRest("\n\t ", of: list, portLength)
}

///     0      2         8      24              28      32        36           40          44
///     +------+---------+------+---------------+-------+---------+------------+-----------+------
///     | port | address | name | configuration | state | current | advertised | supported | peer      (section 5.2.1)
///     +------+---------+------+---------------+-------+---------+------------+-----------+------
private func printPort(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let port = try bytes.u16(at: 0)
  printer.writeOpenFlow10Port("\n\t  port_no ", "port", "port_name", port)
  printer.write(", hw_addr ", "address", try bytes.mac(at: 2))
  try printer.writeOpenFlowText(", name ", "name", bytes, at: 8, length: 16)
  guard printer.options.verbosity > 1 else { return try bytes.check(0, portLength) }
  printer.writeOpenFlowFlags(
    "\n\t   config 0x", "config_bits", try bytes.u32(at: 24), OpenFlow10.portConfiguration, known: 0x7f)
  let state = try bytes.u32(at: 28)
  printer.write("\n\t   state 0x", "state_bits", state, as: .hex(8))
  printer.write(" (", state & 0x300, as: .named(OpenFlow10.spanningTreeStates, unknown: ""))
  if state & 1 != 0 { printer.out.write(", LINK_DOWN") }
  printer.out.write(")")
  if state & ~0x301 != 0 { printer.writeFault(" (bogus)") }
  let (names, known) = (OpenFlow10.portFeatures, UInt32(0xfff))
  printer.writeOpenFlowFlags("\n\t   curr 0x", "current_bits", try bytes.u32(at: 32), names, known: known)
  printer.writeOpenFlowFlags("\n\t   advertised 0x", "advertised_bits", try bytes.u32(at: 36), names, known: known)
  printer.writeOpenFlowFlags("\n\t   supported 0x", "supported_bits", try bytes.u32(at: 40), names, known: known)
  printer.writeOpenFlowFlags("\n\t   peer 0x", "peer_bits", try bytes.u32(at: 44), names, known: known)
}

/// 0 port (2)  2 address (6)  8 configuration (4)  12 which bits of it to change (4)  16 what to advertise (4)  20 padding (4)
private func printPortModification(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let port = try body.u16(at: 0)
  printer.writeOpenFlow10Port("\n\t port_no ", "port", "port_name", port)
  printer.write(", hw_addr ", "address", try body.mac(at: 2))
  let names = OpenFlow10.portConfiguration
  printer.writeOpenFlowFlags("\n\t config 0x", "config_bits", try body.u32(at: 8), names, known: 0x7f)
  printer.writeOpenFlowFlags("\n\t mask 0x", "mask_bits", try body.u32(at: 12), names, known: 0x7f)
  printer.writeOpenFlowFlags(
    "\n\t advertise 0x", "advertised_bits", try body.u32(at: 16), OpenFlow10.portFeatures, known: 0xfff)
}

/// 0 buffer (4)  4 length of the packet (2)  6 port (2)  8 reason (1)  9 padding (1)  10 start of the packet
private func printPacketIn(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let buffer = try body.u32(at: 0)
  printer.write("\n\t buffer_id ", "buffer_id", buffer, as: openFlowBuffer)
  printer.write(", total_len ", "total_length", try body.u16(at: 4))
  let port = try body.u16(at: 6)
  printer.writeOpenFlow10Port(", in_port ", "in_port", "in_port_name", port)
  printer.write(
    ", reason ", "reason", try body.u8(at: 8),
    as: .named(OpenFlow10.packetReasons, key: "reason_name", unknown: .hex("invalid (0x", digits: 2, ")")))
  try printer.printOpenFlowFrame(try body.dropping(10))
}

/// The buffer in which a switch keeps a packet; all bits are set if it is not kept.
private let openFlowBuffer = NumberForm.named([0xffff_ffff: "NONE"], unknown: .hex("0x", digits: 8))

/// 0 buffer (4)  4 ingress port (2)  6 length of the actions (2)  8 actions, then the packet unless it is in a buffer
private func printPacketOut(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("\n\t buffer_id 0x", "buffer_id", try body.u32(at: 0), as: .hex(8))
  let port = try body.u16(at: 4)
  printer.writeOpenFlow10Port(", in_port ", "in_port", "in_port_name", port)
  let length = Int(try body.u16(at: 6))
  printer.write(", actions_len ", length)
  try printer.reject("actions_len", length, .greater, body.length &- 8)
  try printer.printOpenFlow10Actions(try body.dropping(8).clamped(to: length), indent: "\n\t ")
  try printer.printOpenFlowFrame(try body.dropping(8 &+ length))
}

///     0       40       48        50     52     54         56       60         62      64
///     +-------+--------+---------+------+------+----------+--------+----------+-------+---------
///     | match | cookie | command | idle | hard | priority | buffer | out port | flags | actions      (section 5.3.3)
///     +-------+--------+---------+------+------+----------+--------+----------+-------+---------
/// `idle` and `hard` are seconds after which the flow is removed.
private func printFlowModification(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.printOpenFlow10Match(body, indent: "\n\t ")
  try printer.writeOpenFlowCookie("\n\t cookie 0x", body, at: 40)
  let command = try body.u16(at: 48)
  printer.write(
    ", command ", "command", command,
    as: .named(OpenFlow10.commands, key: "command_name", unknown: .hex("invalid (0x", digits: 4, ")")))
  let idle = try body.u16(at: 50)
  printer.writeUnlessZero(", idle_timeout ", "idle_timeout_seconds", idle)
  let hard = try body.u16(at: 52)
  printer.writeUnlessZero(", hard_timeout ", "hard_timeout_seconds", hard)
  let priority = try body.u16(at: 54)
  printer.writeUnlessZero(", priority ", "priority", priority)
  let buffer = try body.u32(at: 56)
  if command <= 2 { printer.write(", buffer_id ", "buffer_id", buffer, as: openFlowBuffer) }
  let port = try body.u16(at: 60)
  if command == 3 || command == 4 { printer.writeOpenFlow10Port(", out_port ", "out_port", "out_port_name", port) }
  let flags = UInt32(try body.u16(at: 62))
  printer.writeOpenFlowFlags(", flags 0x", "flag_bits", flags, OpenFlow10.flowFlags, known: 0x7, digits: 4)
  try printer.printOpenFlow10Actions(try body.dropping(64), indent: "\n\t ")
}

///     0       40       48         50       51        52        56            60     62        64        72
///     +-------+--------+----------+--------+---------+---------+-------------+------+---------+---------+-------
///     | match | cookie | priority | reason | padding | seconds | nanoseconds | idle | padding | packets | bytes
///     +-------+--------+----------+--------+---------+---------+-------------+------+---------+---------+-------
private func printFlowRemoved(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.printOpenFlow10Match(body, indent: "\n\t ")
  try printer.writeOpenFlowCookie("\n\t cookie 0x", body, at: 40)
  let priority = try body.u16(at: 48)
  printer.writeUnlessZero(", priority ", "priority", priority)
  printer.write(
    ", reason ", "reason", try body.u8(at: 50),
    as: .named(OpenFlow10.removalReasons, key: "reason_name", unknown: .hex("unknown (0x", digits: 2, ")")))
  printer.write(", duration_sec ", "duration_seconds", try body.u32(at: 52))
  printer.write(", duration_nsec ", "duration_nanoseconds", try body.u32(at: 56))
  let idle = try body.u16(at: 60)
  printer.writeUnlessZero(", idle_timeout ", "idle_timeout_seconds", idle)
  printer.write(", packet_count ", "packet_count", try body.u64(at: 64))
  printer.write(", byte_count ", "byte_count", try body.u64(at: 72))
}

extension Printer {
  /// `title` and a number, unless it is zero; the member is written in any case.
  fileprivate mutating func writeUnlessZero(_ title: StaticString, _ key: StaticString, _ number: UInt16) {
    if writesFields { fields.write(key, number) }
    if number != 0 { write(title, number) }
  }

  /// The cookie by which a controller identifies a flow; structured output has it in hexadecimal, like the text.
  mutating func writeOpenFlowCookie(
    _ title: StaticString, _ bytes: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    let cookie = try bytes.u64(at: offset)
    if writesFields { fields.write("flow_cookie", hex: try bytes.slice(at: offset, length: 8)) }
    write(title, cookie, as: .hex(16))
  }
}

// MARK: Queues

/// A queue and its properties; each has a header of eight bytes, which contains its length.
private let queueLayout = OptionLayout(
  type: .bytes(at: 0, 4), length: .bytes(at: 4, 2), headerLength: 8, countsHeader: true, isTypeFirst: true)
private let propertyLayout = OptionLayout(
  type: .bytes(at: 0, 2), length: .bytes(at: 2, 2), headerLength: 8, countsHeader: true, isTypeFirst: true)

/// 0 port (2)  2 padding (6)  8 queues
private func printQueues(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let port = try body.u16(at: 0)
  printer.writeOpenFlow10Port("\n\t port ", "port", "port_name", port)
  var list = printer.openList(try body.dropping(8), queueLayout, objects: "queues")
  while true {
    try printer.rejectOpenFlowRest("\n\t ", of: list, 8)
    guard let queue = try printer.next(&list) else { break }
    printer.write("\n\t  queue_id ", "queue_id", queue.type)
    try queue.checkHeader()
    printer.write(", len ", queue.length)
    try printer.reject("qlen", queue.length, .less, 8)
    try printer.reject("qlen", queue.length, .greater, queue.rest)
    guard printer.options.verbosity > 1 else {
      try queue.bytes.check(0, queue.length)
      continue
    }
    try printProperties(queue.value, &printer)
  }
}

private func printProperties(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, propertyLayout, objects: "properties")
  while true {
    try printer.rejectOpenFlowRest("\n\t  ", of: list, 8)
    guard let property = try printer.next(&list) else { break }
    let type = UInt16(truncatingIfNeeded: property.type)
    printer.write(
      "\n\t   property ", "type", type,
      as: .named(OpenFlow10.queueProperties, key: "type_name", unknown: .hex("invalid (0x", digits: 4, ")")))
    try property.checkHeader()
    printer.write(", len ", property.length)
    try printer.reject("plen", property.length, .less, 8)
    try printer.reject("plen", property.length, .greater, property.rest)
    let value = try property.wholeValue()
    switch (type, value.length) {
    case (0, 0): break
    case (1, 8):
      // Tenths of a percent; values above 100 % disable the guarantee.
      let rate = try value.u16(at: 0)
      if printer.writesFields { printer.fields.write("rate", rate) }
      if rate > 1000 {
        printer.out.write(", rate disabled")
      } else {
        printer.write(", rate ", rate / 10)
        printer.write(".", rate % 10)
        printer.out.write("%")
      }
    case (0, _), (1, _): printer.writeFault(" (bogus)")
    default: break
    }
  }
}

// MARK: Vendors

/// 0 vendor (4)  4 by vendor
private func printVendor(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let vendor = try body.u32(at: 0)
  printer.writeOpenFlowVendor(", vendor 0x", vendor)
  let data = try body.dropping(4)
  if vendor == BigSwitch.vendor {
    try printBigSwitch(data, &printer)
  } else {
    try printer.printOpenFlowData(data)
  }
}

/// 0 subtype (4)  4 by subtype
private func printBigSwitch(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("len", bytes.length, .less, 4)
  let subtype = try bytes.u32(at: 0)
  printer.write(
    "\n\t subtype ", "subtype", subtype,
    as: .named(BigSwitch.messages, key: "subtype_name", unknown: .hex("unknown (0x", digits: 8, ")")))
  let data = try bytes.dropping(4)
  switch subtype {
  case 0, 2:
    try printer.reject("len", data.length, .notEqual, 8)
    printer.write(", index ", "index", try data.u8(at: 0))
    printer.write(", mask ", "mask", try data.ipv4(at: 4))
  case 1:
    try printer.reject("len", data.length, .notEqual, 8)
    printer.write(", index ", "index", try data.u8(at: 0))
  case 3, 4, 5:
    try printer.reject("len", data.length, .notEqual, 4)
    let state = try data.u8(at: 0)
    if printer.writesFields { printer.fields.write("reports_mirror_ports", state != 0) }
    printer.write(
      ", report_mirror_ports ", state, as: .named(BigSwitch.switches, unknown: .decimal("bogus (", ")")))
  case 6:
    try printer.reject("len", data.length, .less, 4)
    printer.write(", service ", "service", try data.u32(at: 0))
    try printBigSwitchText(try data.dropping(4), &printer)
  case 7: try printBigSwitchText(data, &printer)
  case 8:
    try printer.reject("len", data.length, .notEqual, 4)
    printer.write(", status 0x", "status", try data.u32(at: 0), as: .hex(8))
  case 9, 13, 19, 21, 27: try printer.reject("len", data.length, .notEqual, 0)
  case 17:
    try printer.reject("len", data.length, .notEqual, 4)
    printer.write(", vport_no ", "virtual_port", try data.u32(at: 0))
  default: if printer.writesFields { printer.fields.write("data", hex: data) }
  }
}

/// Text sent to a shell, or its answer.
private func printBigSwitchText(_ text: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.write("text", text: text) }
  printer.out.write(", data '")
  try printer.writeText(text, length: text.length)
  printer.out.write("'")
}
