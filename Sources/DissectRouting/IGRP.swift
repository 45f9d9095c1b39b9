package import Dissect
import PacketCore

extension Layer {
  static let igrp = Layer("igrp", "Interior Gateway Routing Protocol", "An Introduction to IGRP, C. Hedrick, 1991") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("opcode", .uint8, "Kind of message.", always: true),
      Field("opcode_name", .text, "Name of the kind."),
      Field("edition", .uint8, "Number of the sender's table, which grows with each change."),
      Field("as_number", .uint16, "Autonomous system."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "routes",
        .array(
          .object([
            Field("network_kind", .words(["interior", "system", "exterior"]), "Where the network is."),
            Field(
              "network", .text,
              "Network; the first byte of one in the interior is that of the sender's network, a star here."),
            Field("delay", .uint32, "Sum of delays, in tens of microseconds; the largest number is no way."),
            Field("bandwidth", .uint32, "Lowest bandwidth, as ten million over kilobits per second."),
            Field("mtu", .uint24, "Smallest MTU."),
            Field("reliability", .uint8, "Reliability; 255 is best."),
            Field("load", .uint8, "Load; 255 is most."),
            Field("hop_count", .uint8, "Hops."),
          ])), "Routes, in order.", each: "One route."),
    ]
  }
}

extension Dissector {
  /// Interior Gateway Routing Protocol, the predecessor of EIGRP.
  package static let igrp = Dissector(name: "igrp", claims: [.ipProtocol(9)], layers: [.igrp], print: printIGRP)
}

private let opcodes: ValueNames = [1: "update", 2: "request"]
private enum Kind { case interior, system, exterior }
private let noWay: UInt32 = 0xffffff

///     0                  1         2           4          6        8          10         12
///     +------------------+---------+-----------+----------+--------+----------+----------+--------
///     | version | opcode | edition | AS number | interior | system | exterior | checksum | routes
///     +------------------+---------+-----------+----------+--------+----------+----------+--------
/// The first byte has two four-bit numbers. Interior, system and exterior are the numbers of routes of these kinds; each route has 14
/// bytes.
private let headerLength = 12
private let routeLength = 14

@Sendable
private func printIGRP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("igrp:")
  let first = try payload.u8(at: 0)
  if printer.enter(.igrp) {
    printer.fields.write("version", first >> 4)
    printer.fields.write("opcode", first & 0xf, "opcode_name", opcodes)
  }
  try payload.check(0, headerLength &- 2)
  var counts: (interior: UInt16, system: UInt16, exterior: UInt16)
  counts.interior = try payload.u16(at: 4)
  counts.system = try payload.u16(at: 6)
  counts.exterior = try payload.u16(at: 8)
  printer.write(" ", first & 0xf, as: .named(opcodes, unknown: .decimal("op-#")))
  printer.write(" V", first >> 4)
  printer.write(" edit=", "edition", try payload.u8(at: 1))
  printer.write(" AS=", "as_number", try payload.u16(at: 2))
  printer.write(" (", counts.interior)
  printer.write("/", counts.system)
  printer.write("/", counts.exterior)
  printer.out.write(")")
  let checksum = try payload.u16(at: 10)
  if printer.writesFields { printer.fields.write("checksum", checksum) }
  if printer.options.verbosity > 0 { printer.write(" checksum=0x", checksum, as: .hex(4)) }
  if printer.writesFields { printer.fields.beginArray("routes") }
  var offset = headerLength
  while payload.length &- offset >= routeLength {
    let route = try payload.slice(at: offset, length: routeLength)
    if counts.interior > 0 {
      counts.interior &-= 1
      try printRoute(route, .interior, &printer)
    } else if counts.system > 0 {
      counts.system &-= 1
      try printRoute(route, .system, &printer)
    } else if counts.exterior > 0 {
      counts.exterior &-= 1
      try printRoute(route, .exterior, &printer)
    } else {
      printer.write(" [extra bytes ", payload.length &- offset)
      printer.out.write("]")
      throw .invalid
    }
    offset &+= routeLength
  }
  if printer.writesFields { printer.fields.end() }
  guard offset == payload.length, counts == (0, 0, 0) else { throw .invalid }
}

///     0         3       6           9     11            12     13
///     +---------+-------+-----------+-----+-------------+------+------
///     | network | delay | bandwidth | MTU | reliability | load | hops
///     +---------+-------+-----------+-----+-------------+------+------
/// The three bytes of a network are the last ones for an interior route, otherwise the first ones.
private func printRoute(
  _ route: PacketBytes, _ kind: Kind, _ printer: inout Printer
) throws(DecodeError) {
  let network = try route.u24(at: 0)
  let delay = try route.u24(at: 3)
  let bandwidth = try route.u24(at: 6)
  let mtu = try route.u16(at: 9)
  let (reliability, load, hops) = (try route.u8(at: 11), try route.u8(at: 12), try route.u8(at: 13))
  if printer.writesFields {
    printer.fields.beginObject()
    switch kind {
    case .interior: printer.fields.write("network_kind", "interior")
    case .system: printer.fields.write("network_kind", "system")
    case .exterior: printer.fields.write("network_kind", "exterior")
    }
  }
  printer.out.write(kind == .exterior ? " X" : " ")
  let text = printer.writesFields ? printer.beginHeldText() : nil
  if kind == .interior {
    printer.out.write("*.")
    printer.out.write(decimal: network >> 16)
    printer.out.write(".")
    printer.out.write(decimal: network >> 8 & 0xff)
    printer.out.write(".")
    printer.out.write(decimal: network & 0xff)
  } else {
    printer.writeHost(IPv4Address(rawValue: network << 8))
  }
  if let text {
    printer.fields.write("network", text: printer.out, from: text.start)
    printer.endHeldText(text)
    printer.fields.write("delay", delay)
    printer.fields.write("bandwidth", bandwidth)
    printer.fields.write("mtu", mtu)
    printer.fields.write("reliability", reliability)
    printer.fields.write("load", load)
    printer.fields.write("hop_count", hops)
    printer.fields.end()
  }
  printer.write(" d=", delay &* 10)
  printer.write(" b=", bandwidth == 0 ? 0 : 10_000_000 / bandwidth)
  printer.write(" r=", reliability)
  printer.write(" l=", load)
  printer.write(" M=", delay == noWay ? noWay : min(delay &+ bandwidth, noWay))
  printer.write(" mtu=", mtu)
  printer.write(" in ", hops)
  printer.out.write(" hops")
}
