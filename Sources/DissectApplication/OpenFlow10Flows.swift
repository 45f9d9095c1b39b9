import Dissect
import PacketCore

// Flows of version 1.0: the packets that they match, and the actions of the switch on them; and statistics.

// MARK: Matches

/// Bits of `wildcards` (section 5.2.3): if a field's bit is set, the field matches any value.
private enum Wildcard {
  static let inPort: UInt32 = 1 << 0
  static let vlan: UInt32 = 1 << 1
  static let source: UInt32 = 1 << 2
  static let destination: UInt32 = 1 << 3
  static let etherType: UInt32 = 1 << 4
  static let ipProtocol: UInt32 = 1 << 5
  static let sourcePort: UInt32 = 1 << 6
  static let destinationPort: UInt32 = 1 << 7
  static let vlanPriority: UInt32 = 1 << 20
  static let typeOfService: UInt32 = 1 << 21
  static let known: UInt32 = 0x3f_ffff
  /// Number of low bits of an address to ignore: a six-bit number at this position; 32 or more ignores all bits.
  static let sourceShift: UInt32 = 8
  static let destinationShift: UInt32 = 14
}

extension Printer {
  ///     0           4         6        12            18     20         21   22     24    25         26
  ///     +-----------+---------+--------+-------------+------+----------+----+------+-----+----------+-----
  ///     | wildcards | in port | source | destination | VLAN | priority |    | type | TOS | protocol |
  ///     +-----------+---------+--------+-------------+------+----------+----+------+-----+----------+-----
  ///     28           32                36            38
  ///     +------------+-----------------+-------------+------------------+
  ///     | IPv4 source| IPv4 destination| source port | destination port |      (section 5.2.3)
  ///     +------------+-----------------+-------------+------------------+
  mutating func printOpenFlow10Match(_ bytes: PacketBytes, indent: StaticString) throws(DecodeError) {
    let wildcards = try bytes.u32(at: 0)
    let level = fields.level
    if writesFields { fields.beginObject("match") }
    if wildcards & ~Wildcard.known != 0 {
      out.write(indent)
      write("wildcards 0x", wildcards, as: .hex(8))
      writeFault(" (bogus)")
    }
    func counts(_ bit: UInt32) -> Bool { wildcards & bit == 0 }
    if counts(Wildcard.inPort) {
      let port = try bytes.u16(at: 4)
      out.write(indent)
      writeOpenFlow10Port("match in_port ", "in_port", "in_port_name", port)
    }
    if counts(Wildcard.source) {
      let address = try bytes.mac(at: 6)
      out.write(indent)
      write("match dl_src ", "source_mac", address)
    }
    if counts(Wildcard.destination) {
      let address = try bytes.mac(at: 12)
      out.write(indent)
      write("match dl_dst ", "destination_mac", address)
    }
    if counts(Wildcard.vlan) {
      let vlan = try bytes.u16(at: 18)
      out.write(indent)
      writeOpenFlowVLAN("match dl_vlan ", vlan)
    }
    if counts(Wildcard.vlanPriority) {
      let priority = try bytes.u8(at: 20)
      out.write(indent)
      writeOpenFlowPriority("match dl_vlan_pcp ", priority)
    }
    if counts(Wildcard.etherType) {
      let type = try bytes.u16(at: 22)
      out.write(indent)
      write("match dl_type 0x", "ethertype", type, as: .hex(4))
    }
    if counts(Wildcard.typeOfService) {
      let service = try bytes.u8(at: 24)
      out.write(indent)
      write("match nw_tos 0x", "type_of_service", service, as: .hex(2))
    }
    try printNetwork(bytes, wildcards, indent)
    if writesFields { fields.end(downTo: level) }
  }

  /// The fields whose meaning depends on the EtherType and on the IP protocol.
  private mutating func printNetwork(
    _ bytes: PacketBytes, _ wildcards: UInt32, _ indent: StaticString
  ) throws(DecodeError) {
    func counts(_ bit: UInt32) -> Bool { wildcards & bit == 0 }
    let type = counts(Wildcard.etherType) ? try bytes.u16(at: 22) : 0
    var isICMP = false
    if counts(Wildcard.ipProtocol) {
      let number = try bytes.u8(at: 25)
      isICMP = type == EtherTypes<UInt16>.ipv4 && number == IPProtocol.icmp
      out.write(indent)
      if type == EtherTypes<UInt16>.arp {
        write("match arp_opcode ", "arp_opcode", number)
      } else {
        write("match nw_proto ", "ip_protocol", number)
      }
    }
    let ignoredOfSource = wildcards >> Wildcard.sourceShift & 0x3f
    if ignoredOfSource < 32 {
      let address = try bytes.ipv4(at: 28)
      out.write(indent)
      write("match nw_src ", "source", address)
      write("/", "source_prefix_length", 32 &- ignoredOfSource)
    }
    let ignoredOfDestination = wildcards >> Wildcard.destinationShift & 0x3f
    if ignoredOfDestination < 32 {
      let address = try bytes.ipv4(at: 32)
      out.write(indent)
      write("match nw_dst ", "destination", address)
      write("/", "destination_prefix_length", 32 &- ignoredOfDestination)
    }
    if counts(Wildcard.sourcePort) {
      let number = try bytes.u16(at: 36)
      out.write(indent)
      if isICMP {
        write("match icmp_type ", "icmp_type", number)
      } else {
        write("match tp_src ", "source_port", number)
      }
    }
    if counts(Wildcard.destinationPort) {
      let number = try bytes.u16(at: 38)
      out.write(indent)
      if isICMP {
        write("match icmp_code ", "icmp_code", number)
      } else {
        write("match tp_dst ", "destination_port", number)
      }
    }
  }

  /// A VLAN identifier; all bits are set for untagged frames.
  private mutating func writeOpenFlowVLAN(_ title: StaticString, _ vlan: UInt16) {
    write(title, "vlan_id", vlan, as: .named(noVLAN, unknown: .decimal("")))
    if vlan != .max, !(1...4094).contains(vlan) { writeFault(" (bogus)") }
  }

  private mutating func writeOpenFlowPriority(_ title: StaticString, _ priority: UInt8) {
    write(title, "vlan_priority", priority)
    if priority > 7 { writeFault(" (bogus)") }
  }
}

private let noVLAN: ValueNames = [0xffff: "NONE"]
private let allQueues: ValueNames = [0xffff_ffff: "ALL"]

// MARK: Actions

/// 0 type (2)  2 length of the action (2)  4 by type, at least 4 bytes
private let actionLayout = OptionLayout(typeWidth: 2, lengthWidth: 2, countsHeader: true, isTypeFirst: true)
private let minimumActionLength = 8

extension Printer {
  /// A list of actions (section 5.2.4). If it is invalid, the data after it can still be read.
  mutating func printOpenFlow10Actions(_ bytes: PacketBytes, indent: StaticString) throws(DecodeError) {
    try nest(bytes) { (bytes, printer) throws(DecodeError) in try printer.printActions(bytes, indent) }
    try bytes.check(0, bytes.length)
  }

  private mutating func printActions(_ bytes: PacketBytes, _ indent: StaticString) throws(DecodeError) {
    var list = openList(bytes, actionLayout, objects: "actions")
    while true {
      if list.remaining > 0 {
        out.write(indent)
        out.write("action")
        try reject("remaining length", list.remaining, .less, minimumActionLength)
      }
      guard let action = try next(&list) else { break }
      let type = UInt16(truncatingIfNeeded: action.type)
      write(
        " type ", "type", type,
        as: .named(OpenFlow10.actions, key: "type_name", unknown: .hex("invalid (0x", digits: 4, ")")))
      try action.checkHeader()
      write(", len ", action.length)
      try reject("alen", action.length, .less, minimumActionLength)
      try reject("alen", action.length, .greater, action.rest)
      let value = action.value
      if hasActionLength(type, action.length) {
        try printAction(type, value, indent)
      } else {
        writeFault(" (bogus)")
      }
      try value.check(0, value.length)
    }
  }

  private mutating func printAction(
    _ type: UInt16, _ value: PacketBytes, _ indent: StaticString
  ) throws(DecodeError) {
    switch type {
    case 0:
      let port = try value.u16(at: 0)
      writeOpenFlow10Port(", port ", "port", "port_name", port)
      let length = try value.u16(at: 2)
      if port == 0xfffd { write(", max_len ", "max_length", length) }
    case 1: writeOpenFlowVLAN(", vlan_vid ", try value.u16(at: 0))
    case 2: writeOpenFlowPriority(", vlan_pcp ", try value.u8(at: 0))
    case 4, 5: write(", dl_addr ", "address", try value.mac(at: 0))
    case 6, 7: write(", nw_addr ", "address", try value.ipv4(at: 0))
    case 8: write(", nw_tos 0x", "type_of_service", try value.u8(at: 0), as: .hex(2))
    case 9, 10: write(", tp_port ", "port", try value.u16(at: 0))
    case 11:
      let port = try value.u16(at: 0)
      writeOpenFlow10Port(", port ", "port", "port_name", port)
      write(
        ", queue_id ", "queue_id", try value.u32(at: 8), as: .named(allQueues, unknown: .decimal("")))
    case 0xffff:
      let vendor = try value.u32(at: 0)
      writeOpenFlowVendor(", vendor 0x", vendor)
      let data = try value.dropping(4)
      if vendor == BigSwitch.vendor {
        try printBigSwitchAction(data, indent)
      } else {
        try printOpenFlowData(data)
      }
    default: break
    }
  }

  /// 0 subtype (4)  4 by subtype
  private mutating func printBigSwitchAction(
    _ data: PacketBytes, _ indent: StaticString
  ) throws(DecodeError) {
    try reject("len", data.length, .less, 4)
    let subtype = try data.u32(at: 0)
    out.write(indent)
    write(
      " subtype ", "subtype", subtype,
      as: .named(BigSwitch.actions, key: "subtype_name", unknown: .hex("unknown (0x", digits: 8, ")")))
    guard subtype == 1 else {
      if writesFields { fields.write("data", hex: try data.dropping(4)) }
      return
    }
    // 4 port (4)  8 EtherType of a tag (2)  10 tag (2)  12 stage at which packets are copied (1)  13 padding (3)
    try reject("len", data.length &- 4, .notEqual, 12)
    write(", dest_port ", "port", try data.u32(at: 4))
    let (type, tag) = (try data.u16(at: 8), try data.u16(at: 10))
    switch type {
    case 0: out.write(", vlan_tag none")
    case EtherTypes<UInt16>.vlan:
      write(", vlan_tag 802.1Q (vlan ", "vlan_id", tag & 0xfff)
      write(", p ", "vlan_priority", tag >> 13)
      out.write(tag & 0x1000 != 0 ? ", DEI)" : ")")
    default:
      write(", vlan_tag unknown (0x", type, as: .hex(4))
      out.write(")")
    }
    write(
      ", copy_stage ", "copy_stage", try data.u8(at: 12),
      as: .named(BigSwitch.copyStages, key: "copy_stage_name", unknown: .decimal("unknown (", ")")))
  }
}

/// True if an action of this type can have this length.
private func hasActionLength(_ type: UInt16, _ length: Int) -> Bool {
  switch type {
  case 0, 1, 2, 3, 6, 7, 8, 9, 10: length == 8
  case 4, 5, 11: length == 16
  case 0xffff: length % 8 == 0
  default: true
  }
}

// MARK: Statistics

/// Lengths in bytes: of the fixed part of a flow's statistics, and of the statistics of a table, of a port and of a queue.
private let flowLength = 88
private let tableLength = 64
private let portLength = 104
private let queueLength = 32
/// Length of the description of a switch, in bytes.
private let descriptionLength = 1056

extension Printer {
  ///     0      2       4
  ///     +------+-------+--------
  ///     | type | flags | by type      (section 5.3.5)
  ///     +------+-------+--------
  mutating func printOpenFlow10StatisticsRequest(_ bytes: PacketBytes) throws(DecodeError) {
    let type = try writeStatisticsType(bytes)
    let flags = UInt32(try bytes.u16(at: 2))
    writeOpenFlowFlags(", flags 0x", "flag_bits", flags, OpenFlow10.replyFlags, known: 0, digits: 4)
    let body = try bytes.dropping(4)
    switch type {
    case 0, 3: try reject("len", body.length, .notEqual, 0)
    case 1, 2:
      try reject("len", body.length, .notEqual, 44)
      try printOpenFlow10Match(body, indent: "\n\t ")
      writeOpenFlow10Table("\n\t table_id ", try body.u8(at: 40))
      let port = try body.u16(at: 42)
      writeOpenFlow10Port(", out_port ", "out_port", "out_port_name", port)
    case 4:
      try reject("len", body.length, .notEqual, 8)
      let port = try body.u16(at: 0)
      writeOpenFlow10Port("\n\t port_no ", "port", "port_name", port)
    case 5:
      try reject("len", body.length, .notEqual, 8)
      let port = try body.u16(at: 0)
      writeOpenFlow10Port("\n\t port_no ", "port", "port_name", port)
      write(", queue_id ", "queue_id", try body.u32(at: 4), as: .named(allQueues, unknown: .decimal("")))
    case 0xffff: try printVendorStatistics(body)
    default: break
    }
  }

  /// The same for the reply of a switch.
  mutating func printOpenFlow10StatisticsReply(_ bytes: PacketBytes) throws(DecodeError) {
    let type = try writeStatisticsType(bytes)
    let flags = UInt32(try bytes.u16(at: 2))
    writeOpenFlowFlags(", flags 0x", "flag_bits", flags, OpenFlow10.replyFlags, known: 1, digits: 4)
    let body = try bytes.dropping(4)
    switch type {
    case 0: try printDescription(body)
    case 1: try printFlows(body)
    case 2:
      out.write("\n\t")
      try reject("len", body.length, .notEqual, 24)
      write(" packet_count ", "packet_count", try body.u64(at: 0))
      write(", byte_count ", "byte_count", try body.u64(at: 8))
      write(", flow_count ", "flow_count", try body.u32(at: 16))
    case 3: try printTables(body)
    case 4: try printPortStatistics(body)
    case 5: try printQueueStatistics(body)
    case 0xffff: try printVendorStatistics(body)
    default: break
    }
  }

  private mutating func writeStatisticsType(_ bytes: PacketBytes) throws(DecodeError) -> UInt16 {
    let type = try bytes.u16(at: 0)
    write(
      "\n\t type ", "statistics_type", type,
      as: .named(OpenFlow10.statistics, key: "statistics_type_name", unknown: .hex("invalid (0x", digits: 4, ")")))
    return type
  }

  private mutating func writeOpenFlow10Table(_ title: StaticString, _ table: UInt8) {
    write(title, "table_id", table, as: .named(OpenFlow10.tables, unknown: .decimal("")))
  }

  private mutating func printVendorStatistics(_ body: PacketBytes) throws(DecodeError) {
    try reject("len", body.length, .less, 4)
    writeOpenFlowVendor(", vendor 0x", try body.u32(at: 0))
    try printOpenFlowData(try body.dropping(4))
  }

  /// 0 manufacturer (256)  256 hardware (256)  512 software (256)  768 serial number (32)  800 name of the datapath (256)
  private mutating func printDescription(_ body: PacketBytes) throws(DecodeError) {
    out.write("\n\t ")
    try reject("len", body.length, .notEqual, descriptionLength)
    try writeOpenFlowText(" mfr_desc ", "manufacturer_text", body, at: 0, length: 256)
    try writeOpenFlowText("\n\t  hw_desc ", "hardware_text", body, at: 256, length: 256)
    try writeOpenFlowText("\n\t  sw_desc ", "software_text", body, at: 512, length: 256)
    try writeOpenFlowText("\n\t  serial_num ", "serial_number", body, at: 768, length: 32)
    try writeOpenFlowText("\n\t  dp_desc ", "datapath_text", body, at: 800, length: 256)
  }

  ///     0        2       3    4       44        48            52         54     56     58        64
  ///     +--------+-------+----+-------+---------+-------------+----------+------+------+---------+--------+---
  ///     | length | table |    | match | seconds | nanoseconds | priority | idle | hard | padding | cookie | …
  ///     +--------+-------+----+-------+---------+-------------+----------+------+------+---------+--------+---
  /// 72 packets (8)  80 bytes (8)  88 actions; the length includes all of it.
  private mutating func printFlows(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(
      body, OptionLayout(type: .constant(0), length: .bytes(at: 0, 2), headerLength: 2, countsHeader: true),
      objects: "flows")
    while true {
      if list.remaining > 0 {
        out.write("\n\t")
        try reject("remaining length", list.remaining, .less, flowLength)
      }
      guard let entry = try next(&list) else { break }
      write(" length ", "length", entry.length)
      try reject("entry_len", entry.length, .less, flowLength)
      try reject("entry_len", entry.length, .greater, entry.rest)
      let flow = entry.bytes.clamped(to: entry.length).withLength(entry.length)
      writeOpenFlow10Table(", table_id ", try flow.u8(at: 2))
      try printOpenFlow10Match(try flow.dropping(4), indent: "\n\t  ")
      write("\n\t  duration_sec ", "duration_seconds", try flow.u32(at: 44))
      write(", duration_nsec ", "duration_nanoseconds", try flow.u32(at: 48))
      write(", priority ", "priority", try flow.u16(at: 52))
      write(", idle_timeout ", "idle_timeout_seconds", try flow.u16(at: 54))
      write(", hard_timeout ", "hard_timeout_seconds", try flow.u16(at: 56))
      try writeOpenFlowCookie(", cookie 0x", flow, at: 64)
      write(", packet_count ", "packet_count", try flow.u64(at: 72))
      write(", byte_count ", "byte_count", try flow.u64(at: 80))
      try printOpenFlow10Actions(try flow.dropping(flowLength), indent: "\n\t  ")
    }
  }

  /// 0 table (1)  4 name (32)  36 wildcards (4)  40 maximum number of flows (4)  44 flows (4)  48 packets looked up (8)  56 matched (8)
  private mutating func printTables(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, .elements(of: UInt16(tableLength)), objects: "tables")
    while let entry = try next(&list) {
      let table = entry.value
      writeOpenFlow10Table("\n\t table_id ", try table.u8(at: 0))
      try writeOpenFlowText(", name ", "name", table, at: 4, length: 32)
      writeOpenFlowFlags(
        "\n\t  wildcards 0x", "wildcard_bits", try table.u32(at: 36), OpenFlow10.wildcards, known: Wildcard.known)
      write("\n\t  max_entries ", "maximum_flows", try table.u32(at: 40))
      write(", active_count ", "flow_count", try table.u32(at: 44))
      write(", lookup_count ", "lookup_count", try table.u64(at: 48))
      write(", matched_count ", "matched_count", try table.u64(at: 56))
    }
    try rejectOpenFlowRest("\n\t", of: list, tableLength)
  }

  /// 0 port (2)  8 twelve counters (8 each)
  private mutating func printPortStatistics(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, .elements(of: UInt16(portLength)), objects: "ports")
    while let entry = try next(&list) {
      let counters = entry.value
      let port = try counters.u16(at: 0)
      writeOpenFlow10Port("\n\t  port_no ", "port", "port_name", port)
      guard options.verbosity > 1 else {
        try counters.check(0, portLength)
        continue
      }
      write(", rx_packets ", "rx_packets", try counters.u64(at: 8))
      write(", tx_packets ", "tx_packets", try counters.u64(at: 16))
      write(", rx_bytes ", "rx_bytes", try counters.u64(at: 24))
      write(", tx_bytes ", "tx_bytes", try counters.u64(at: 32))
      write(", rx_dropped ", "rx_dropped", try counters.u64(at: 40))
      write(", tx_dropped ", "tx_dropped", try counters.u64(at: 48))
      write(", rx_errors ", "rx_errors", try counters.u64(at: 56))
      write(", tx_errors ", "tx_errors", try counters.u64(at: 64))
      write(", rx_frame_err ", "rx_frame_errors", try counters.u64(at: 72))
      write(", rx_over_err ", "rx_overrun_errors", try counters.u64(at: 80))
      write(", rx_crc_err ", "rx_crc_errors", try counters.u64(at: 88))
      write(", collisions ", "collisions", try counters.u64(at: 96))
    }
    try rejectOpenFlowRest("\n\t ", of: list, portLength)
  }

  /// 0 port (2)  4 queue (4)  8 bytes sent (8)  16 packets sent (8)  24 packets not sent because of errors (8)
  private mutating func printQueueStatistics(_ body: PacketBytes) throws(DecodeError) {
    var list = openList(body, .elements(of: UInt16(queueLength)), objects: "queues")
    while let entry = try next(&list) {
      let queue = entry.value
      let port = try queue.u16(at: 0)
      writeOpenFlow10Port("\n\t  port_no ", "port", "port_name", port)
      write(", queue_id ", "queue_id", try queue.u32(at: 4))
      write(", tx_bytes ", "tx_bytes", try queue.u64(at: 8))
      write(", tx_packets ", "tx_packets", try queue.u64(at: 16))
      write(", tx_errors ", "tx_errors", try queue.u64(at: 24))
    }
    try rejectOpenFlowRest("\n\t ", of: list, queueLength)
  }
}
