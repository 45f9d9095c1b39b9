package import Dissect
import PacketCore

extension Layer {
  static let dvmrp = Layer(
    "dvmrp", "Distance Vector Multicast Routing Protocol", "RFC 1075, draft-ietf-idmr-dvmrp-v3",
    note: "Over IGMP, message type 0x13."
  ) {
    [
      Field("type", .uint8, "Message type."),
      Field("type_name", .text, "Name of the type."),
      Field("major_version", .uint8, "Major version of the sender."),
      Field("minor_version", .uint8, "Minor version of the sender."),
      Field("generation_id", .uint32, "Number that changes when the sender starts anew."),
      Field("source", .ipv4, "Source of a prune or graft."),
      Field("group", .ipv4, "Group of a prune or graft."),
      Field("lifetime_seconds", .uint32, "Seconds for which a prune is valid."),
      Field("neighbor_addresses", .array(.ipv4), "Neighbors of which a probe has heard."),
      Field(
        "routes",
        .array(
          .object([
            Field("prefix", .ipv4, "Network."),
            Field("mask", .ipv4, "Its mask."),
            Field("metric", .uint8, "Hops, with the upper bit for a dependent downstream router."),
          ])), "Routes of a report.", each: "One route."),
      Field(
        "interfaces",
        .array(
          .object([
            Field("address", .ipv4, "Local address."),
            Field("neighbor", .ipv4, "Address of a neighbor."),
            Field("metric", .uint8, "Metric of the interface."),
            Field("threshold", .uint8, "Time to live that packets need at least."),
          ])), "Neighbors of the interfaces of a router.", each: "One neighbor."),
    ]
  }
}

extension Dissector {
  /// Distance Vector Multicast Routing Protocol, over IGMP.
  package static let dvmrp = Dissector(
    name: "dvmrp", claims: [Claim(.igmpType, UInt8(0x13))], layers: [.dvmrp], print: printDVMRP)
}

private enum MessageType {
  static let probe: UInt8 = 1
  static let report: UInt8 = 2
  static let neighbors: UInt8 = 4
  static let neighbors2: UInt8 = 6
  static let prune: UInt8 = 7
  static let graft: UInt8 = 8
  static let graftAcknowledgement: UInt8 = 9

  static let names: ValueNames = [
    1: "Probe", 2: "Report", 3: "Ask-neighbors(old)", 4: "Neighbors(old)", 5: "Ask-neighbors2", 6: "Neighbors2",
    7: "Prune", 8: "Graft", 9: "Graft-ACK",
  ]
}

///     0      1      2          4          6               7               8
///     +------+------+----------+----------+---------------+---------------+---------
///     | 0x13 | type | checksum | reserved | minor version | major version | by type
///     +------+------+----------+----------+---------------+---------------+---------
private let headerLength = 8

@Sendable
private func printDVMRP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  _ = printer.enter(.dvmrp)
  printer.out.write("dvmrp")
  guard bytes.length >= headerLength else {
    printer.write(" [len ", bytes.length)
    printer.writeFault("]")
    return
  }
  let type = try bytes.u8(at: 1)
  if printer.writesFields { printer.fields.write("type", type, "type_name", MessageType.names) }
  printer.out.write(" ")
  printer.write(MessageType.names, type, unknown: .decimal("[type ", "]"))
  if printer.writesFields, bytes.has(6, 2) {
    printer.fields.write("major_version", try bytes.u8(at: 7))
    printer.fields.write("minor_version", try bytes.u8(at: 6))
  }
  // Messages are padded to the length of the packet, so that is the length of the body.
  let body = bytes.clamped(to: bytes.length)
  switch type {
  case MessageType.probe: if printer.options.verbosity > 0 { try printProbe(body, &printer) }
  case MessageType.report: if printer.options.verbosity > 1 { try printReport(body, &printer) }
  case MessageType.neighbors: try printNeighbors(body, &printer)
  case MessageType.neighbors2:
    let minor = try bytes.u8(at: 6)
    printer.write(" (v ", try bytes.u8(at: 7))
    printer.write(".", minor)
    printer.out.write("):")
    try printNeighbors2(body, &printer)
  case MessageType.prune:
    try printSourceAndGroup(body, &printer)
    printer.out.write(" timer ")
    let lifetime = try bytes.u32(at: 16)
    if printer.writesFields { printer.fields.write("lifetime_seconds", lifetime) }
    printer.writeRelativeTime(seconds: lifetime)
  case MessageType.graft, MessageType.graftAcknowledgement: try printSourceAndGroup(body, &printer)
  default: break
  }
}

private func printSourceAndGroup(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(8, 8)
  printer.write(" src ", "source", try bytes.ipv4(at: 8))
  printer.write(" grp ", "group", try bytes.ipv4(at: 12))
}

///     8 generation identifier (4)  12 addresses of neighbors (4 each)
private func printProbe(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isLong = printer.options.verbosity > 1
  try printer.reject("full length", bytes.length &- headerLength, .less, 4)
  let id = try bytes.u32(at: 8)
  printer.write(isLong ? "\n\tgenid " : " genid ", "generation_id", id)
  guard isLong else { return }
  var list = printer.openList(bytes, at: 12, .elements(of: 4, lastIsCut: true), array: "neighbor_addresses")
  while let neighbor = try printer.next(&list) {
    if neighbor.rest < 4 {
      printer.writeComparison("remaining length", neighbor.rest, .less, 4)
      throw .invalid
    }
    let address = try neighbor.bytes.ipv4(at: 0)
    printer.writeElement("\n\tneighbor ", address)
  }
}

///     8 masks: 0 the last three bytes of a mask; then networks: as many bytes as the mask has that are not 0, and a metric (1), of which
///       the upper bit is set in the last network of the mask
/// RFC 1075 section 5 and draft-ietf-idmr-dvmrp-v3 section 3.4.
private func printReport(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var offset = headerLength
  if printer.writesFields { printer.fields.beginArray("routes") }
  while offset < bytes.length {
    try printer.reject("length", bytes.length &- offset, .less, 3)
    let mask = 0xff00_0000 | (try bytes.u24(at: offset))
    offset &+= 3
    // The first byte is always there, each of the others where it and all before are not 0.
    let width = mask & 0xff != 0 ? 4 : mask & 0xff00 != 0 ? 3 : mask & 0xff_0000 != 0 ? 2 : 1
    printer.write("\n\tMask ", IPv4Address(rawValue: mask))
    var isLast = false
    while !isLast {
      guard bytes.length &- offset > width else {
        printer.out.write("\n\t  [Truncated Report]")
        throw .invalid
      }
      let address = IPv4Address(
        rawValue: try bytes.unsigned(at: offset, width: width) << UInt32(8 &* (4 &- width)))
      offset &+= width
      let metric = try bytes.u8(at: offset)
      offset &+= 1
      isLast = metric & 0x80 != 0
      if printer.writesFields {
        printer.fields.beginObject()
        printer.fields.write("prefix", address)
        printer.fields.write("mask", IPv4Address(rawValue: mask))
        printer.fields.write("metric", metric & 0x7f)
        printer.fields.end()
      }
      printer.write("\n\t  ", address)
      printer.write(" metric ", metric & 0x7f)
    }
  }
  if printer.writesFields { printer.fields.end() }
}

///     8 interfaces: 0 local address (4)  4 metric (1)  5 threshold (1)  6 number of neighbors (1), and their addresses
private func printNeighbors(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let layout = OptionLayout(
    type: .constant(0), length: .bytes(at: 6, 1), headerLength: 7, unit: 4, needed: 1)
  if printer.writesFields { printer.fields.beginArray("interfaces") }
  var list = printer.openList(bytes, at: headerLength, layout)
  while list.remaining > 0 {
    try printer.reject("length", list.remaining, .less, 7)
    guard let interface = try printer.next(&list) else { break }
    let local = try interface.bytes.ipv4(at: 0)
    let metric = try interface.bytes.u8(at: 4)
    let threshold = try interface.bytes.u8(at: 5)
    for number in 0..<interface.length {
      let offset = 7 &+ number &* 4
      try printer.reject("length", interface.rest &- offset, .less, 4)
      printer.write(" [", local)
      printer.out.write(" -> ")
      let neighbor = try interface.bytes.ipv4(at: offset)
      record(local, neighbor, metric, threshold, &printer)
      printer.writeHost(neighbor)
      printer.write(", (", metric)
      printer.write("/", threshold)
      printer.out.write(")]")
    }
  }
  if printer.writesFields { printer.fields.end() }
}

private let interfaceFlags: FlagNames = [
  0x01: "/tunnel", 0x02: "/srcrt", 0x40: "/querier", 0x20: "/disabled", 0x10: "/down",
]

///     8 interfaces: 0 local address (4)  4 metric (1)  5 threshold (1)  6 flags (1)  7 number of neighbors (1), and their addresses
private func printNeighbors2(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let layout = OptionLayout(
    type: .constant(0), length: .bytes(at: 7, 1), headerLength: 8, unit: 4, needed: 1)
  if printer.writesFields { printer.fields.beginArray("interfaces") }
  var list = printer.openList(bytes, at: headerLength, layout)
  while list.remaining > 0 {
    try printer.reject("length", list.remaining, .less, 8)
    guard let interface = try printer.next(&list) else { break }
    let local = try interface.bytes.ipv4(at: 0)
    let metric = try interface.bytes.u8(at: 4)
    let threshold = try interface.bytes.u8(at: 5)
    let flags = try interface.bytes.u8(at: 6)
    for number in 0..<interface.length {
      let offset = 8 &+ number &* 4
      guard interface.rest > offset else {
        printer.write(" [ncount ", interface.length &- number &- 1)
        printer.out.write("]")
        throw .invalid
      }
      try printer.reject("length", interface.rest &- offset, .less, 4)
      printer.write(" [", local)
      printer.out.write(" -> ")
      let neighbor = try interface.bytes.ipv4(at: offset)
      record(local, neighbor, metric, threshold, &printer)
      printer.writeHost(neighbor)
      printer.write(" (", metric)
      printer.write("/", threshold)
      printer.write(interfaceFlags, flags, separator: "", none: "")
      printer.out.write(")]")
    }
  }
  if printer.writesFields { printer.fields.end() }
}

private func record(
  _ local: IPv4Address, _ neighbor: IPv4Address, _ metric: UInt8, _ threshold: UInt8, _ printer: inout Printer
) {
  guard printer.writesFields else { return }
  printer.fields.beginObject()
  printer.fields.write("address", local)
  printer.fields.write("neighbor", neighbor)
  printer.fields.write("metric", metric)
  printer.fields.write("threshold", threshold)
  printer.fields.end()
}
