package import Dissect
import PacketCore

extension Layer {
  static let tokenRing = Layer(
    "token_ring", "Token Ring", "IEEE 802.5 section 3, LINKTYPE_IEEE802_5", marks: ["token-ring"]
  ) {
    [
      Field("access_control", .uint8, "Access control: priority, token, monitor and reservation bits.", always: true),
      Field("frame_control_byte", .uint8, "Frame control; 64 to 127 is LLC.", always: true),
      Field("source", .mac, "Source address, without the bit that announces routing information.", always: true),
      Field("destination", .mac, "Destination address.", always: true),
      Field("routing_control", .uint16, "Routing control, of a source-routed frame."),
      Field("largest_frame", .uint16, "Largest frame of the route in bytes; left out where it is not restricted."),
      Field("route_descriptors", .array(.uint16), "Rings and bridges of the route, as the frame numbers them."),
    ]
  }
}

extension Dissector {
  /// Token Ring, IEEE 802.5.
  package static let tokenRing = Dissector(
    name: "token-ring", claims: [.linkType(.tokenRing)], layers: [.tokenRing], print: printTokenRing)
}

private let headerLength = 14
/// The bit in the first byte of the source address that says that routing information follows.
private let routingFlag: UInt8 = 0x80
private let frameTypeMask: UInt8 = 0xc0
private let llcFrame: UInt8 = 0x40

/// The range of a broadcast, by two bits of the routing control; other frames follow their route.
private let broadcasts: ValueNames = [2: "All-routes", 3: "Single-route"]
/// The bit of the routing control that says that the route is followed in reverse.
private let backward: UInt16 = 0x80

/// The maximum frame size, by three bits of the routing control.
private let largestFrames: InlineArray<8, UInt16> = [516, 1500, 2052, 4472, 8144, 11407, 17800, 0]

///     0                1               2             8        14
///     +----------------+---------------+-------------+--------+------------------------------+---------
///     | access control | frame control | destination | source | routing information (2 to 18)| payload
///     +----------------+---------------+-------------+--------+------------------------------+---------
@Sendable
private func printTokenRing(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let isRouted = try bytes.u8(at: 8) & routingFlag != 0
  let destination = try bytes.mac(at: 2)
  let source = MACAddress(rawValue: try bytes.u48(at: 8) & ~(UInt64(routingFlag) << 40))
  let frameControl = try bytes.u8(at: 1)
  if printer.enter(.tokenRing) {
    printer.fields.write("access_control", try bytes.u8(at: 0))
    printer.fields.write("frame_control_byte", frameControl)
    printer.fields.write("source", source)
    printer.fields.write("destination", destination)
  }
  if printer.options.linkHeader { try writeHeader(bytes, source, destination, &printer) }
  var length = headerLength
  if isRouted { length &+= try printRoute(try bytes.dropping(headerLength), &printer) }
  let payload = try bytes.dropping(length)
  printer.context.linkHeaderLength = length
  if frameControl & frameTypeMask == llcFrame {
    if let llcLength = try printer.printLLC(payload, source: source, destination: destination) {
      printer.context.linkHeaderLength = length &+ llcLength
      return
    }
  } else if !printer.options.linkHeader {
    try writeHeader(bytes, source, destination, &printer)
  }
  printer.dumpUnknown(payload)
}

private func writeHeader(
  _ bytes: PacketBytes, _ source: MACAddress, _ destination: MACAddress, _ printer: inout Printer
) throws(DecodeError) {
  if !printer.options.quiet {
    printer.write("", try bytes.u8(at: 0), as: .hex(2))
    printer.write(" ", try bytes.u8(at: 1), as: .hex(2))
    printer.out.write(" ")
  }
  printer.writeMAC(source)
  printer.out.write(" > ")
  printer.writeMAC(destination)
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}

///     0                                             2
///     +----------------+-------------+---+----------+---------------------------+
///     | broadcast (3)  | length (5)  | D | size (3) | ring (12) and bridge (4)  | …
///     +----------------+-------------+---+----------+---------------------------+
/// Prints the routing information, including its control field; returns its length.
private func printRoute(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let control = try bytes.u16(at: 0)
  let length = Int(control >> 8 & 0x1f)
  let largest = largestFrames[Int(control >> 4 & 7)]
  let count = max(0, length &- 2) / 2
  try bytes.check(0, 2 &+ 2 &* count)
  if printer.writesFields {
    printer.fields.write("routing_control", control)
    if largest != 0 { printer.fields.write("largest_frame", largest) }
    printer.fields.beginArray("route_descriptors")
  }
  if printer.options.verbosity > 0 {
    printer.write("", control >> 14, as: .named(broadcasts, unknown: "Non-Broadcast"))
    printer.out.write(control & backward == 0 ? " Forward" : " Backward")
  } else {
    printer.write("rt = ", control, as: .hex(1))
  }
  for index in 0..<count { writeDescriptor(try bytes.u16(at: 2 &+ 2 &* index), &printer) }
  if printer.writesFields { printer.fields.end() }
  if largest == 0 {
    printer.out.write(" (??) ")
  } else {
    printer.write(" (", largest)
    printer.out.write(") ")
  }
  return length
}

/// A ring and the bridge after it: as one number or, with `-v`, as ` [ring:bridge]`.
private func writeDescriptor(_ descriptor: UInt16, _ printer: inout Printer) {
  if printer.writesFields { printer.fields.element(descriptor) }
  guard printer.options.verbosity > 0 else { return printer.write(":", descriptor, as: .hex(1)) }
  printer.write(" [", descriptor >> 4)
  printer.write(":", descriptor & 15)
  printer.out.write("]")
}
