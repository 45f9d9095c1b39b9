package import Dissect
import PacketCore

extension Layer {
  static let sflow = Layer("sflow", "sFlow", "sFlow version 5") {
    [
      Field("version", .uint32, "Version, 5.", always: true),
      Field("agent", .ip, "Address of the agent."),
      Field("agent_id", .uint32, "Sub-agent."),
      Field("sequence", .uint32, "Number of the datagram."),
      Field("uptime", .uint32, "Milliseconds since the agent started."),
      Field(
        "samples",
        .array(
          .object([
            Field("type", .uint32, "1 flow, 2 counters, 3 and 4 the same in expanded form.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint32, "Bytes of the sample.", always: true),
            Field("sequence", .uint32, "Number of the sample."),
            Field("source_type", .uint32, "Type of the source; 0 is an interface."),
            Field("source_index", .uint32, "Index of the source."),
            Field("sampling_rate", .uint32, "Sampling rate: one packet in this many."),
            Field("sample_pool", .uint32, "Packets that could have been sampled."),
            Field("drops", .uint32, "Samples that were lost."),
            Field("input", .uint32, "Interface that the packet came in at."),
            Field("output", .uint32, "Interface that the packet left by."),
            Field(
              "records",
              .array(
                .object([
                  Field("enterprise", .uint32, "Enterprise that numbers the formats; 0 is sFlow.", always: true),
                  Field("record_format", .uint16, "Format.", always: true),
                  Field("format_name", .text, "Name of the format."),
                  Field("length", .uint32, "Bytes of the record.", always: true),
                  Field("header_protocol", .uint32, "Protocol of a sampled packet: 1 Ethernet, 11 IPv4, 12 IPv6."),
                  Field("frame_length", .uint32, "Bytes of a sampled packet."),
                  Field("data", .hex, "The record, or the header of a sampled packet."),
                ])), "Records, in order.", each: "One record."),
          ])), "Samples, in order.", each: "One sample."),
    ]
  }
}

extension Dissector {
  package static let sflow = Dissector(name: "sflow", claims: [.udpPort(6343)], layers: [.sflow], print: printSFlow)
}

private enum Sample {
  static let flow: UInt32 = 1
  static let counters: UInt32 = 2
  static let expandedFlow: UInt32 = 3
  static let expandedCounters: UInt32 = 4
  static let names: ValueNames = [
    1: "flow sample", 2: "counter sample", 3: "expanded flow sample", 4: "expanded counter sample",
  ]
}

private let flowFormats: ValueNames = [
  1: "Raw packet", 2: "Ethernet frame", 3: "IPv4 Data", 4: "IPv6 Data", 1001: "Extended Switch data",
  1002: "Extended Router data", 1003: "Extended Gateway data", 1004: "Extended User data", 1005: "Extended URL data",
  1006: "Extended MPLS data", 1007: "Extended NAT data", 1008: "Extended MPLS tunnel", 1009: "Extended MPLS VC",
  1010: "Extended MPLS FEC", 1011: "Extended MPLS LVP FEC", 1012: "Extended VLAN Tunnel",
]
private let counterFormats: ValueNames = [
  1: "Generic counter", 2: "Ethernet counter", 3: "Token ring counter", 4: "100 BaseVG counter", 5: "Vlan counter",
  1001: "Processor counter",
]
private let headerProtocols: ValueNames = [1: "Ethernet", 11: "IPv4", 12: "IPv6"]
private let directions: ValueNames = [0: "unknown", 1: "full-duplex", 2: "half-duplex", 3: "in", 4: "out"]

/// A title, and the width in bytes of the number after it.
private typealias Number = (title: StaticString, width: Int)

private let ethernetCounters: [Number] = [
  ("\n\t      align errors ", 4), (", fcs errors ", 4), (", single collision ", 4), (", multiple collision ", 4),
  (", test error ", 4), ("\n\t      deferred ", 4), (", late collision ", 4), (", excessive collision ", 4),
  (", mac trans error ", 4), ("\n\t      carrier error ", 4), (", frames too long ", 4), (", mac receive errors ", 4),
  (", symbol errors ", 4),
]
private let trafficCounters: [Number] = [
  ("\n\t      In octets ", 8), (", unicast pkts ", 4), (", multicast pkts ", 4), (", broadcast pkts ", 4),
  (", discards ", 4), ("\n\t      In errors ", 4), (", unknown protos ", 4), ("\n\t      Out octets ", 8),
  (", unicast pkts ", 4), (", multicast pkts ", 4), (", broadcast pkts ", 4), (", discards ", 4),
  ("\n\t      Out errors ", 4), (", promisc mode ", 4),
]
private let baseVGCounters: [Number] = [
  ("\n\t      in high prio frames ", 4), (", in high prio octets ", 8), ("\n\t      in norm prio frames ", 4),
  (", in norm prio octets ", 8), ("\n\t      in ipm errors ", 4), (", oversized ", 4), (", in data errors ", 4),
  (", null addressed frames ", 4), ("\n\t      out high prio frames ", 4), (", out high prio octets ", 8),
  (", trans into frames ", 4), ("\n\t      in hc high prio octets ", 8), (", in hc norm prio octets ", 8),
  (", out hc high prio octets ", 8),
]
private let vlanCounters: [Number] = [
  ("\n\t      vlan_id ", 4), (", octets ", 8), (", unicast_pkt ", 4), (", multicast_pkt ", 4), (", broadcast_pkt ", 4),
  (", discards ", 4),
]
private let processorCounters: [Number] = [
  ("\n\t      5sec ", 4), (", 1min ", 4), (", 5min ", 4), (", total_mem ", 8), (", total_mem ", 8),
]
private let switchData: [Number] = [
  ("\n\t      src vlan ", 4), (", src pri ", 4), (", dst vlan ", 4), (", dst pri ", 4),
]

///     0         4             8               12 or 24
///     +---------+-------------+---------------+----------+----------+--------+-----------+--------
///     | version | 1 IPv4 or 2 | agent address | agent ID | sequence | uptime | # samples | samples
///     +---------+-------------+---------------+----------+----------+--------+-----------+--------
private let headerLength = 28
private let longHeaderLength = 40
private enum AddressType {
  static let ipv4: UInt32 = 1
}

@Sendable
private func printSFlow(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let version = try bytes.u32(at: 0)
  if printer.enter(.sflow) { printer.fields.write("version", version) }
  guard version == 5 else {
    printer.write("sFlow version ", version)
    printer.writeFault(" packet not supported")
    return
  }
  let isIPv6 = try bytes.u32(at: 4) != AddressType.ipv4
  let length = isIPv6 ? longHeaderLength : headerLength
  // A header that was not captured whole is not printed at all.
  if bytes.length >= length { try bytes.check(0, headerLength) }
  printer.write("sFlowv", version)
  try printer.reject("length", bytes.length, .less, headerLength)
  try printer.reject("length", bytes.length, .less, length)
  if isIPv6 {
    printer.write(", IPv6 agent ", "agent", try bytes.ipv6(at: 8))
  } else {
    printer.write(", IPv4 agent ", "agent", try bytes.ipv4(at: 8))
  }
  let base = length &- 16
  printer.write(", agent-id ", "agent_id", try bytes.u32(at: base))
  let isVerbose = printer.options.verbosity > 0
  guard isVerbose || printer.writesFields else { return printer.write(", length ", bytes.length) }
  let (sequence, uptime) = (try bytes.u32(at: base &+ 4), try bytes.u32(at: base &+ 8))
  let count = try bytes.u32(at: base &+ 12)
  if printer.writesFields {
    printer.fields.write("sequence", sequence)
    printer.fields.write("uptime", uptime)
  }
  if isVerbose {
    printer.write(", seqnum ", sequence)
    printer.write(", uptime ", uptime)
    printer.write(", samples ", count)
  }
  printer.write(", length ", bytes.length)
  let samples = try bytes.dropping(length)
  if isVerbose {
    do throws(DecodeError) {
      try printSamples(samples, count, &printer)
    } catch {
      guard error == .invalid else { throw error }
      printer.writeFault(" (invalid)")
      try bytes.check(0, bytes.length)
    }
  } else if printer.writesFields {
    printer.recordOnly(samples) { (samples, printer) throws(DecodeError) in try printSamples(samples, count, &printer) }
  }
}

///     0      4        8
///     +------+--------+-------
///     | type | length | value     of samples and records alike
///     +------+--------+-------
private let layout = OptionLayout(typeWidth: 4, lengthWidth: 4)

private func printSamples(_ bytes: PacketBytes, _ count: UInt32, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, layout, objects: "samples")
  var number: UInt32 = 0
  while number < count, let sample = try printer.next(&list) {
    number &+= 1
    // The upper twenty bits are the enterprise.
    let type = sample.type & 0xfff
    if printer.writesFields {
      printer.fields.write("type", type, "type_name", Sample.names)
      printer.fields.write("length", sample.length)
    }
    printer.write("\n\t", type, as: .named(Sample.names, unknown: "Unknown"))
    printer.write(" (", type)
    printer.write("), length ", sample.length)
    printer.out.write(",")
    if sample.length == 0 { return printer.stop(&list) }
    if sample.isTooLong { throw .invalid }
    let value = sample.value
    try value.check(0, value.length)
    if Sample.names[type] != nil {
      // Its records may extend beyond its end.
      try print(type, try sample.bytes.dropping(8), &printer)
    } else if printer.options.verbosity <= 1 {
      printer.writeHex(value, indent: "\n\t    ")
    }
  }
  printer.stop(&list)
}

private func print(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch type {
  case Sample.flow: try printFlow(value, isExpanded: false, &printer)
  case Sample.counters: try printCounters(value, isExpanded: false, &printer)
  case Sample.expandedFlow: try printFlow(value, isExpanded: true, &printer)
  case Sample.expandedCounters: try printCounters(value, isExpanded: true, &printer)
  default: break
  }
}

/// Sequence number, type and index of the source; returns the offset after them.
private func printSource(_ value: PacketBytes, isExpanded: Bool, _ printer: inout Printer) throws(DecodeError) -> Int {
  printer.write(" seqnum ", "sequence", try value.u32(at: 0))
  let word = try value.u32(at: 4)
  printer.write(", type ", "source_type", isExpanded ? word : word >> 24)
  printer.write(", idx ", "source_index", isExpanded ? try value.u32(at: 8) : word & 0xff_ffff)
  return isExpanded ? 12 : 8
}

private func printFlow(_ value: PacketBytes, isExpanded: Bool, _ printer: inout Printer) throws(DecodeError) {
  let length = isExpanded ? 44 : 32
  if value.length < length { throw .invalid }
  try value.check(0, length)
  let offset = try printSource(value, isExpanded: isExpanded, &printer)
  printer.write(", rate ", "sampling_rate", try value.u32(at: offset))
  printer.write(", pool ", "sample_pool", try value.u32(at: offset &+ 4))
  printer.write(", drops ", "drops", try value.u32(at: offset &+ 8))
  if isExpanded {
    // Format and value of each interface.
    printer.write(", input ", "input", try value.u32(at: offset &+ 16))
    printer.write(" (", try value.u32(at: offset &+ 12))
    printer.write("), output ", "output", try value.u32(at: offset &+ 24))
    printer.write(" (", try value.u32(at: offset &+ 20))
    printer.write("), records ", try value.u32(at: offset &+ 28))
  } else {
    printer.write(", input ", "input", try value.u32(at: offset &+ 12))
    printer.write(" output ", "output", try value.u32(at: offset &+ 16))
    printer.write(" records ", try value.u32(at: offset &+ 20))
  }
  try printRecords(value, at: length, flowFormats, " ", &printer, print: printFlowRecord)
}

private func printCounters(_ value: PacketBytes, isExpanded: Bool, _ printer: inout Printer) throws(DecodeError) {
  let length = isExpanded ? 16 : 12
  if value.length < length { throw .invalid }
  try value.check(0, length)
  let offset = try printSource(value, isExpanded: isExpanded, &printer)
  printer.write(", records ", try value.u32(at: offset))
  try printRecords(value, at: length, counterFormats, ", ", &printer, print: printCounterRecord)
}

/// The records of a sample; their number is in the four bytes before them.
private func printRecords(
  _ value: PacketBytes, at start: Int, _ names: ValueNames, _ separator: StaticString, _ printer: inout Printer,
  print: (UInt32, PacketBytes, inout Printer) throws(DecodeError) -> Void
) throws(DecodeError) {
  let count = try value.u32(at: start &- 4)
  var list = printer.openList(value, at: start, layout, objects: "records")
  var number: UInt32 = 0
  while number < count {
    if list.remaining < 8 { throw .invalid }
    guard let record = try printer.next(&list) else { break }
    number &+= 1
    let (enterprise, format) = (record.type >> 12, record.type & 0xfff)
    if printer.writesFields {
      printer.fields.write("enterprise", enterprise)
      printer.fields.write("record_format", format)
      if enterprise == 0, let name = names[format] { printer.fields.write("format_name", name) }
      printer.fields.write("length", record.length)
    }
    printer.write("\n\t    enterprise ", enterprise)
    printer.out.write(separator)
    printer.out.write(enterprise == 0 ? names[format] ?? "Unknown" : "Unknown")
    printer.write(" (", format)
    printer.write(") length ", record.length)
    if record.isTooLong { throw .invalid }
    if enterprise == 0, names[format] != nil {
      // The fields that are read may extend beyond its end.
      try print(format, try record.bytes.dropping(8), &printer)
    } else if enterprise == 0, printer.options.verbosity <= 1 {
      printer.writeHex(record.value, indent: "\n\t\t")
      try record.value.check(0, record.length)
    }
    if printer.writesFields, enterprise != 0 || format != 1 { printer.fields.write("data", hex: record.value) }
  }
  printer.stop(&list)
}

/// Consecutive numbers with their titles; all of them must be present.
private func write(_ numbers: [Number], _ value: PacketBytes, at start: Int, _ printer: inout Printer)
  throws(DecodeError)
{
  var offset = start
  for number in numbers { offset &+= number.width }
  if value.length < offset { throw .invalid }
  try value.check(0, offset)
  offset = start
  for number in numbers {
    printer.write(number.title, number.width == 8 ? try value.u64(at: offset) : UInt64(try value.u32(at: offset)))
    offset &+= number.width
  }
}

private func printFlowRecord(_ format: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch format {
  case 1:
    if value.length < 16 { throw .invalid }
    let headerProtocol = try value.u32(at: 0)
    try value.check(0, 16)
    let size = try value.u32(at: 12)
    printer.write(
      "\n\t      protocol ", "header_protocol", headerProtocol, as: .named(headerProtocols, unknown: "Unknown"))
    printer.write(" (", headerProtocol)
    printer.write("), length ", "frame_length", try value.u32(at: 4))
    printer.write(", stripped bytes ", try value.u32(at: 8))
    printer.write(", header_size ", size)
    let header = try value.dropping(16)
    if Int(size) > header.length { throw .invalid }
    if printer.writesFields { printer.fields.write("data", hex: header.clamped(to: Int(size))) }
  case 2:
    if value.length < 24 { throw .invalid }
    try value.check(0, 24)
    printer.write("\n\t      frame len ", "frame_length", try value.u32(at: 0))
    printer.write(", type ", try value.u32(at: 20))
  case 1001: try write(switchData, value, at: 0, &printer)
  default: break
  }
}

private func printCounterRecord(_ format: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch format {
  case 1:
    if value.length < 88 { throw .invalid }
    try value.check(0, 88)
    let (direction, status) = (try value.u32(at: 16), try value.u32(at: 20))
    printer.write("\n\t      ifindex ", try value.u32(at: 0))
    printer.write(", iftype ", try value.u32(at: 4))
    printer.write(", ifspeed ", try value.u64(at: 8))
    printer.write(", ifdirection ", direction)
    printer.write(" (", direction, as: .named(directions, unknown: "Unknown"))
    printer.write(")\n\t      ifstatus ", status)
    printer.out.write(status & 1 != 0 ? ", adminstatus: up" : ", adminstatus: down")
    printer.out.write(status & 2 != 0 ? ", operstatus: up" : ", operstatus: down")
    try write(trafficCounters, value, at: 24, &printer)
  case 2: try write(ethernetCounters, value, at: 0, &printer)
  case 4: try write(baseVGCounters, value, at: 0, &printer)
  case 5: try write(vlanCounters, value, at: 0, &printer)
  case 1001: try write(processorCounters, value, at: 0, &printer)
  default: break
  }
}
