import Dissect
import PacketCore

/// Messages of version 1.3, by their numbers.
private enum Message: UInt8 {
  case hello, error, echoRequest, echoReply, experimenter, featuresRequest, featuresReply, configurationRequest,
    configurationReply, setConfiguration, packetIn, flowRemoved, portStatus, packetOut, flowModification,
    groupModification, portModification, tableModification, multipartRequest, multipartReply, barrierRequest,
    barrierReply, queueRequest, queueReply, roleRequest, roleReply, asyncRequest, asyncReply, setAsync,
    meterModification

  /// Length after the header.
  var length: OpenFlowLength {
    switch self {
    case .hello, .echoRequest, .echoReply: .atLeast(0)
    case .error: .atLeast(4)
    case .experimenter: .atLeast(8)
    case .featuresRequest, .configurationRequest, .barrierRequest, .barrierReply, .asyncRequest: .exactly(0)
    case .featuresReply, .asyncReply, .setAsync: .exactly(24)
    case .configurationReply, .setConfiguration: .exactly(4)
    case .portStatus: .exactly(8 + portLength)
    case .portModification: .exactly(32)
    case .tableModification, .queueRequest: .exactly(8)
    case .roleRequest, .roleReply: .exactly(16)
    case .packetIn, .flowRemoved, .packetOut, .flowModification, .groupModification, .multipartRequest,
      .multipartReply, .queueReply, .meterModification:
      .atLeast(0)
    }
  }
}

/// Length of the description of a port, in bytes.
private let portLength = 64

/// Prints what follows the header of a message of version 1.3. Of messages with matches, instructions or statistics the text has only the
/// header; structured output also has their fields at fixed offsets.
func printOpenFlow13(_ type: UInt8, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let message = Message(rawValue: type) else { return }
  guard message.length.allows(body.length) else { throw .invalid }
  guard printer.options.verbosity > 0 else { return }
  switch message {
  case .hello: try printHello(body, &printer)
  case .echoRequest, .echoReply: try printer.printOpenFlowData(body)
  case .error: try printer.printOpenFlowError(body, OpenFlow13.errors)
  case .experimenter:
    printer.writeOpenFlowVendor("\n\t experimenter 0x", try body.u32(at: 0))
    printer.write(", exp_type 0x", "subtype", try body.u32(at: 4), as: .hex(8))
    try printer.printOpenFlowData(try body.dropping(8))
  case .featuresRequest, .configurationRequest, .barrierRequest, .barrierReply, .asyncRequest: break
  case .featuresReply: try printFeatures(body, &printer)
  case .configurationReply, .setConfiguration: try printConfiguration(body, &printer)
  case .portStatus:
    printer.writeOpenFlowPortReason(try body.u8(at: 0))
    if printer.writesFields {
      printer.fields.beginArray("ports")
      printer.fields.beginObject()
    }
    try printPort(try body.dropping(8), &printer)
  case .portModification: try printPortModification(body, &printer)
  case .tableModification:
    let table = try body.u8(at: 0)
    printer.write("\n\t table_id ", "table_id", table, as: .named(OpenFlow13.tables, unknown: .decimal("")))
    printer.write(", config 0x", "config_bits", try body.u32(at: 4), as: .hex(8))
  case .queueRequest: printer.writePort("\n\t port ", "port", "port_name", try body.u32(at: 0))
  case .roleRequest, .roleReply: try printRole(body, &printer)
  case .asyncReply, .setAsync: try printAsync(body, &printer)
  case .packetIn, .flowRemoved, .packetOut, .flowModification, .groupModification, .multipartRequest,
    .multipartReply, .queueReply, .meterModification:
    if printer.writesFields { try record(message, body, &printer) }
  }
}

extension Printer {
  /// The number of a port, or its name.
  fileprivate mutating func writePort(
    _ title: StaticString, _ key: StaticString, _ nameKey: StaticString, _ port: UInt32
  ) {
    write(title, key, port, as: .named(OpenFlow13.ports, key: nameKey, unknown: .decimal("")))
  }
}

/// Elements of a HELLO: 0 type (2)  2 length of the element (2)  4 by type. The length includes the header.
private func printHello(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(
    body, OptionLayout(typeWidth: 2, lengthWidth: 2, countsHeader: true, isTypeFirst: true), objects: "elements")
  while true {
    if list.remaining > 0 {
      printer.out.write("\n\t")
      try printer.reject("remaining length", list.remaining, .less, 4)
    }
    guard let element = try printer.next(&list) else { break }
    let type = UInt16(truncatingIfNeeded: element.type)
    printer.write(
      " type ", "type", type,
      as: .named(OpenFlow13.helloElements, key: "type_name", unknown: .hex("unknown (0x", digits: 4, ")")))
    try element.checkHeader()
    printer.write(", length ", element.length)
    try printer.reject("element length", element.length, .less, 4)
    try printer.reject("element length", element.length, .greater, element.rest)
    let value = element.value
    if type == 1 {
      if value.length == 4 {
        printer.writeOpenFlowFlags(
          ", bitmap 0x", "version_bits", try value.u32(at: 0), OpenFlow13.versionBits, known: 0x3f)
      } else {
        printer.writeFault(" (bogus)")
      }
    }
    try value.check(0, value.length)
  }
}

///     0             8         12       13             14        16             20
///     +-------------+---------+--------+--------------+---------+--------------+----------
///     | datapath ID | buffers | tables | auxiliary ID | padding | capabilities | reserved      (section A.3.1)
///     +-------------+---------+--------+--------------+---------+--------------+----------
private func printFeatures(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let datapath = try body.u64(at: 0)
  if printer.writesFields { printer.fields.write("datapath_id", hex: try body.slice(at: 0, length: 8)) }
  printer.write("\n\t dpid 0x", datapath, as: .hex(16))
  printer.write(", n_buffers ", "buffers", try body.u32(at: 8))
  printer.write(", n_tables ", "table_count", try body.u8(at: 12))
  printer.write(", auxiliary_id ", "auxiliary_id", try body.u8(at: 13))
  printer.writeOpenFlowFlags(
    "\n\t capabilities 0x", "capability_bits", try body.u32(at: 16), OpenFlow13.capabilities, known: 0x16f)
}

/// 0 how a switch handles fragments (2)  2 number of packet bytes to send to a controller (2)
private func printConfiguration(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.writeOpenFlowFragmentHandling(try body.u16(at: 0))
  printer.write(
    ", miss_send_len ", "miss_send_length", try body.u16(at: 2),
    as: .named(OpenFlow13.sendLengths, unknown: .decimal("")))
}

///     0      4         8         14        16     32              36      40        44           48          52
///     +------+---------+---------+---------+------+---------------+-------+---------+------------+-----------+------
///     | port | padding | address | padding | name | configuration | state | current | advertised | supported | peer
///     +------+---------+---------+---------+------+---------------+-------+---------+------------+-----------+------
/// 56 current speed (4)  60 maximum speed (4), in kbit/s      (section A.2.1)
private func printPort(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.writePort("\n\t  port_no ", "port", "port_name", try bytes.u32(at: 0))
  printer.write(", hw_addr ", "address", try bytes.mac(at: 8))
  try printer.writeOpenFlowText(", name ", "name", bytes, at: 16, length: 16)
  guard printer.options.verbosity > 1 else { return try bytes.check(0, portLength) }
  printer.writeOpenFlowFlags(
    "\n\t   config 0x", "config_bits", try bytes.u32(at: 32), OpenFlow13.portConfiguration, known: 0x65)
  printer.writeOpenFlowFlags(
    "\n\t   state 0x", "state_bits", try bytes.u32(at: 36), OpenFlow13.portStates, known: 0x7)
  let (names, known) = (OpenFlow13.portFeatures, UInt32(0xffff))
  printer.writeOpenFlowFlags("\n\t   curr 0x", "current_bits", try bytes.u32(at: 40), names, known: known)
  printer.writeOpenFlowFlags("\n\t   advertised 0x", "advertised_bits", try bytes.u32(at: 44), names, known: known)
  printer.writeOpenFlowFlags("\n\t   supported 0x", "supported_bits", try bytes.u32(at: 48), names, known: known)
  printer.writeOpenFlowFlags("\n\t   peer 0x", "peer_bits", try bytes.u32(at: 52), names, known: known)
  printer.write("\n\t   curr_speed ", "current_speed_kbps", try bytes.u32(at: 56))
  let maximum = try bytes.u32(at: 60)
  printer.write("kbps\n\t   max_speed ", "maximum_speed_kbps", maximum)
  printer.out.write("kbps")
}

/// 0 port (4)  8 address (6)  16 configuration (4)  20 which bits of it to change (4)  24 what to advertise (4)  28 padding (4)
private func printPortModification(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.writePort("\n\t port_no ", "port", "port_name", try body.u32(at: 0))
  printer.write(", hw_addr ", "address", try body.mac(at: 8))
  let names = OpenFlow13.portConfiguration
  printer.writeOpenFlowFlags("\n\t  config 0x", "config_bits", try body.u32(at: 16), names, known: 0x65)
  printer.writeOpenFlowFlags("\n\t  mask 0x", "mask_bits", try body.u32(at: 20), names, known: 0x65)
  printer.writeOpenFlowFlags(
    "\n\t  advertise 0x", "advertised_bits", try body.u32(at: 24), OpenFlow13.portFeatures, known: 0xffff)
}

/// 0 role (4)  4 padding (4)  8 generation (8)
private func printRole(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write(
    "\n\t role ", "role", try body.u32(at: 0),
    as: .named(OpenFlow13.roles, key: "role_name", unknown: .hex("invalid (0x", digits: 8, ")")))
  let generation = try body.u64(at: 8)
  if printer.writesFields { printer.fields.write("generation", hex: try body.slice(at: 8, length: 8)) }
  printer.write(", generation_id 0x", generation, as: .hex(16))
}

/// Masks of the reasons for which packets, ports and flows are reported to a controller (4 each): first for a controller that is the master
/// or equal to others, then for a slave.
private func printAsync(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let (packets, ports) = (OpenFlow13.packetReasonBits, OpenFlow13.portReasonBits)
  printer.writeOpenFlowFlags(
    "\n\t packet_in_mask[EM] 0x", "packet_bits_of_master", try body.u32(at: 0), packets, known: 0x7)
  printer.writeOpenFlowFlags(
    "\n\t packet_in_mask[S] 0x", "packet_bits_of_slave", try body.u32(at: 4), packets, known: 0x7)
  printer.writeOpenFlowFlags(
    "\n\t port_status_mask[EM] 0x", "port_bits_of_master", try body.u32(at: 8), ports, known: 0x7)
  printer.writeOpenFlowFlags(
    "\n\t port_status_mask[S] 0x", "port_bits_of_slave", try body.u32(at: 12), ports, known: 0x7)
  // The text has the names of the port bits here, too, although section A.4.2 defines others.
  printer.writeOpenFlowFlags(
    "\n\t flow_removed_mask[EM] 0x", "flow_bits_of_master", try body.u32(at: 16), ports, known: 0x7)
  printer.writeOpenFlowFlags(
    "\n\t flow_removed_mask[S] 0x", "flow_bits_of_slave", try body.u32(at: 20), ports, known: 0x7)
}

// MARK: Messages of which the text has only the header

private func record(_ message: Message, _ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch message {
  case .packetIn: try recordPacketIn(body, &printer)
  case .flowRemoved: try recordFlowRemoved(body, &printer)
  case .packetOut:
    printer.fields.write("buffer_id", try body.u32(at: 0))
    let port = try body.u32(at: 4)
    printer.fields.write("in_port", port, "in_port_name", OpenFlow13.ports)
  case .flowModification: try recordFlowModification(body, &printer)
  case .groupModification:
    printer.fields.write("command", try body.u16(at: 0), "command_name", OpenFlow13.groupCommands)
    printer.fields.write("group_type", try body.u8(at: 2), "group_type_name", OpenFlow13.groupTypes)
    printer.fields.write("group_id", try body.u32(at: 4))
  case .multipartRequest, .multipartReply:
    printer.fields.write("statistics_type", try body.u16(at: 0), "statistics_type_name", OpenFlow13.statistics)
    printer.fields.write("flag_bits", try body.u16(at: 2))
  case .queueReply: printer.fields.write("port", try body.u32(at: 0), "port_name", OpenFlow13.ports)
  case .meterModification:
    printer.fields.write("command", try body.u16(at: 0), "command_name", OpenFlow13.groupCommands)
    printer.fields.write("flag_bits", try body.u16(at: 2))
    printer.fields.write("meter_id", try body.u32(at: 4))
  default: break
  }
}

///     0        4              6        7       8        16
///     +--------+--------------+--------+-------+--------+------
///     | buffer | total length | reason | table | cookie | match, two bytes of padding, start of the packet      (section A.4.1)
///     +--------+--------------+--------+-------+--------+------
private func recordPacketIn(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("buffer_id", try body.u32(at: 0))
  printer.fields.write("total_length", try body.u16(at: 4))
  printer.fields.write("reason", try body.u8(at: 6), "reason_name", OpenFlow13.packetReasons)
  printer.fields.write("table_id", try body.u8(at: 7))
  printer.fields.write("flow_cookie", hex: try body.slice(at: 8, length: 8))
}

///     0        8          10       11      12        16            20     22     24        32
///     +--------+----------+--------+-------+---------+-------------+------+------+---------+-------+-------
///     | cookie | priority | reason | table | seconds | nanoseconds | idle | hard | packets | bytes | match      (section A.4.2)
///     +--------+----------+--------+-------+---------+-------------+------+------+---------+-------+-------
private func recordFlowRemoved(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("flow_cookie", hex: try body.slice(at: 0, length: 8))
  printer.fields.write("priority", try body.u16(at: 8))
  printer.fields.write("reason", try body.u8(at: 10), "reason_name", OpenFlow13.removalReasons)
  printer.fields.write("table_id", try body.u8(at: 11))
  printer.fields.write("duration_seconds", try body.u32(at: 12))
  printer.fields.write("duration_nanoseconds", try body.u32(at: 16))
  printer.fields.write("idle_timeout_seconds", try body.u16(at: 20))
  printer.fields.write("hard_timeout_seconds", try body.u16(at: 22))
  printer.fields.write("packet_count", try body.u64(at: 24))
  printer.fields.write("byte_count", try body.u64(at: 32))
}

///     0        8             16      17        18     20     22         24       28         32          36
///     +--------+-------------+-------+---------+------+------+----------+--------+----------+-----------+-------+---
///     | cookie | cookie mask | table | command | idle | hard | priority | buffer | out port | out group | flags | …
///     +--------+-------------+-------+---------+------+------+----------+--------+----------+-----------+-------+---
/// 38 padding (2)  40 match, instructions      (section A.3.4.1)
private func recordFlowModification(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("flow_cookie", hex: try body.slice(at: 0, length: 8))
  printer.fields.write("table_id", try body.u8(at: 16))
  printer.fields.write("command", try body.u8(at: 17), "command_name", OpenFlow10.commands)
  printer.fields.write("idle_timeout_seconds", try body.u16(at: 18))
  printer.fields.write("hard_timeout_seconds", try body.u16(at: 20))
  printer.fields.write("priority", try body.u16(at: 22))
  printer.fields.write("buffer_id", try body.u32(at: 24))
  printer.fields.write("out_port", try body.u32(at: 28), "out_port_name", OpenFlow13.ports)
  printer.fields.write("group_id", try body.u32(at: 32))
  printer.fields.write("flag_bits", try body.u16(at: 36))
}
