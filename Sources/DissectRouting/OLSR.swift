package import Dissect
import PacketCore

extension Layer {
  static let olsr = Layer("olsr", "Optimized Link State Routing protocol", "RFC 3626") {
    [
      Field("sequence_number", .uint16, "Sequence number of the packet."),
      Field("length", .uint16, "Bytes of the packet, as it states."),
      Field(
        "messages",
        .array(
          .object([
            Field("message_type", .uint8, "Kind of message.", always: true),
            Field("message_type_name", .text, "Name of the kind."),
            Field("originator", .ip, "Who made the message.", always: true),
            Field("ttl", .uint8, "Hops that the message may make.", always: true),
            Field("hop_count", .uint8, "Hops that it has made.", always: true),
            Field("valid_seconds", .number, "Seconds for which the message is valid.", always: true),
            Field("message_sequence", .uint16, "Sequence number of the message.", always: true),
            Field("length", .uint16, "Bytes of the message, as it states.", always: true),
            Field("emission_interval_seconds", .number, "Seconds between hellos."),
            Field("willingness", .uint8, "How willing the router is to carry traffic of others, 0 to 7."),
            Field("advertised_sequence", .uint16, "Sequence number of the neighbors that are advertised."),
            Field(
              "links",
              .array(
                .object([
                  Field("link_type", .uint8, "State of the link.", always: true),
                  Field("neighbor_type", .uint8, "What the neighbors are.", always: true),
                  neighbors,
                ])), "Links of a hello.", each: "Links of one state."),
            neighbors,
            Field("interface_addresses", .array(.ip), "Other interfaces of the originator.", each: "One interface."),
            Field(
              "networks",
              .array(
                .object([
                  Field("network", .ip, "Address.", always: true),
                  Field("mask", .ip, "Mask.", always: true),
                ])), "Networks after the originator.", each: "One network."),
            Field(
              "names",
              .array(
                .object([
                  Field("type", .uint16, "Kind of the name.", always: true),
                  Field("address", .ip, "Whose name it is.", always: true),
                  Field("name", .text, "The name.", always: true),
                ])), "Names.", each: "One name."),
          ])), "Messages; only at -v.", each: "One message."),
    ]
  }

  private static var neighbors: Field {
    Field(
      "neighbor_routers",
      .array(
        .object([
          Field("address", .ip, "Address.", always: true),
          Field("link_quality", .uint8, "Quality of the link to the neighbor, in parts of 255."),
          Field("neighbor_link_quality", .uint8, "Quality of the link as the neighbor sees it, in parts of 255."),
        ])), "Neighbors.", each: "One neighbor.")
  }
}

extension Dissector {
  package static let olsr = Dissector(name: "olsr", claims: [.udpPort(698)], layers: [.olsr], print: printOLSR)
}

/// RFC 3626 section 18.4, and the extensions of olsrd.
private enum Message {
  static let hello: UInt8 = 1
  static let topology: UInt8 = 2
  static let interfaces: UInt8 = 3
  static let networks: UInt8 = 4
  static let names: UInt8 = 130
  static let helloWithQuality: UInt8 = 201
  static let topologyWithQuality: UInt8 = 202
}
private let messageNames: ValueNames = [
  1: "Hello", 2: "TC", 3: "MID", 4: "HNA", 128: "Powerinfo", 130: "Nameservice", 201: "Hello-LQ", 202: "TC-LQ",
]
private let linkTypes: ValueNames = [0: "Unspecified", 1: "Asymmetric", 2: "Symmetric", 3: "Lost"]
private let neighborTypes: ValueNames = [0: "Not-Neighbor", 1: "Symmetric", 2: "Symmetric-MPR"]

///     0        2
///     +--------+-----------------+----------
///     | length | sequence number | messages
///     +--------+-----------------+----------
private let headerLength = 4

@Sendable
private func printOLSR(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(printer.network.version == 6 ? "OLSRv6" : "OLSRv4")
  _ = printer.enter(.olsr)
  try printer.reject("packet length", bytes.length, .less, headerLength)
  try bytes.check(0, headerLength)
  let stated = Int(try bytes.u16(at: 0))
  let length = min(stated, bytes.length)
  printer.write(", seq 0x", "sequence_number", try bytes.u16(at: 2), as: .hex(4))
  printer.write(", length ", length)
  if printer.writesFields { printer.fields.write("length", stated) }
  guard printer.options.verbosity > 0 else { return }
  if printer.writesFields { printer.fields.beginArray("messages") }
  var offset = headerLength
  while offset < length {
    let size = try printMessage(try bytes.dropping(offset).clamped(to: length &- offset), &printer)
    if size == 0 { break }
    offset &+= size
  }
  if printer.writesFields { printer.fields.end() }
}

///     0      1             2        4             +A    +1     +2
///     +------+-------------+--------+-------------+-----+------+-----------------+------
///     | type | valid while | length | originator  | TTL | hops | sequence number | body
///     +------+-------------+--------+-------------+-----+------+-----------------+------
/// The addresses have the same size as those of the IP header. Returns the length of the message in bytes, 0 if there is none.
/// RFC 3626 section 3.3.
private func printMessage(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let addressSize = printer.addressSize
  let messageHeaderLength = 8 &+ addressSize
  let type = try bytes.u8(at: 0)
  let size = Int(try bytes.u16(at: 2))
  guard type > 0, size > 0 else { return 0 }
  try bytes.check(0, messageHeaderLength)
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("message_type", type, "message_type_name", messageNames)
  }
  printer.out.write("\n\t")
  printer.write(messageNames, type, unknown: "Unknown")
  printer.write(" Message (0x", type, as: .hex(2))
  try printer.writeAddress("), originator ", "originator", bytes, at: 4)
  printer.write(", ttl ", "ttl", try bytes.u8(at: 4 &+ addressSize))
  printer.write(", hop ", "hop_count", try bytes.u8(at: 5 &+ addressSize))
  printer.out.write("\n\t  vtime ")
  printer.writeInterval("valid_seconds", try bytes.u8(at: 1))
  printer.write("s, msg-seq 0x", "message_sequence", try bytes.u16(at: 6 &+ addressSize), as: .hex(4))
  printer.write(", length ", "length", size)
  if size > bytes.length || size < messageHeaderLength { throw .invalid }
  let body = try bytes.dropping(messageHeaderLength).clamped(to: size &- messageHeaderLength)
  switch type {
  case Message.hello, Message.helloWithQuality:
    try printHello(body, hasQuality: type == Message.helloWithQuality, &printer)
  case Message.topology, Message.topologyWithQuality:
    try printTopology(body, hasQuality: type == Message.topologyWithQuality, &printer)
  case Message.interfaces:
    if printer.writesFields { printer.fields.beginArray("interface_addresses") }
    var offset = 0
    while offset &+ addressSize <= body.length {
      try printer.writeAddress("\n\t  interface address ", nil, body, at: offset)
      offset &+= addressSize
    }
    if printer.writesFields { printer.fields.end() }
  case Message.networks: try printNetworks(body, &printer)
  case Message.names: try printNames(body, &printer)
  default: if body.length > 0 { try printer.writeWholeHex(body, indent: "\n\t    ") }
  }
  if printer.writesFields { printer.fields.end() }
  return size
}

///     0          2               3             4         5          6        8
///     +----------+---------------+-------------+---------+----------+--------+-----------
///     | reserved | hello interval| willingness | link    | reserved | length | neighbors ...
///     +----------+---------------+-------------+---------+----------+--------+-----------
/// RFC 3626 section 6.1.1
private func printHello(_ body: PacketBytes, hasQuality: Bool, _ printer: inout Printer) throws(DecodeError) {
  let linkHeaderLength = 4
  guard body.length >= linkHeaderLength else { throw .truncated }
  try body.check(0, linkHeaderLength)
  printer.out.write("\n\t  hello-time ")
  printer.writeInterval("emission_interval_seconds", try body.u8(at: 2))
  printer.write("s, MPR willingness ", "willingness", try body.u8(at: 3))
  if printer.writesFields { printer.fields.beginArray("links") }
  var rest = try body.dropping(linkHeaderLength)
  while rest.length >= linkHeaderLength {
    try rest.check(0, linkHeaderLength)
    let code = try rest.u8(at: 0)
    let size = Int(try rest.u16(at: 2))
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("link_type", code & 3)
      printer.fields.write("neighbor_type", code >> 2 & 3)
    }
    printer.out.write("\n\t    link-type ")
    printer.write(linkTypes, code & 3, unknown: "Unknown")
    printer.out.write(", neighbor-type ")
    printer.write(neighborTypes, code >> 2 & 3, unknown: "Unknown")
    printer.write(", len ", size)
    if size < linkHeaderLength || size > rest.length { throw .invalid }
    try printNeighbors(
      try rest.dropping(linkHeaderLength).clamped(to: size &- linkHeaderLength), hasQuality: hasQuality, &printer)
    if printer.writesFields { printer.fields.end() }
    rest = try rest.dropping(size)
  }
  if printer.writesFields { printer.fields.end() }
}

///     0                 2          4
///     +-----------------+----------+-----------
///     | sequence number | reserved | neighbors
///     +-----------------+----------+-----------
/// RFC 3626 section 9.1
private func printTopology(_ body: PacketBytes, hasQuality: Bool, _ printer: inout Printer) throws(DecodeError) {
  let topologyHeaderLength = 4
  guard body.length >= topologyHeaderLength else { throw .truncated }
  try body.check(0, topologyHeaderLength)
  printer.write("\n\t    advertised neighbor seq 0x", "advertised_sequence", try body.u16(at: 0), as: .hex(4))
  try printNeighbors(try body.dropping(topologyHeaderLength), hasQuality: hasQuality, &printer)
}

///     0          +A             +1                      +1
///     +----------+--------------+-----------------------+----------+-----
///     | neighbor | link quality | neighbor link quality | reserved | ...
///     +----------+--------------+-----------------------+----------+-----
/// The bytes after the neighbor are present only in messages with link quality.
private func printNeighbors(_ bytes: PacketBytes, hasQuality: Bool, _ printer: inout Printer) throws(DecodeError) {
  let addressSize = printer.addressSize
  let size = hasQuality ? addressSize &+ 4 : addressSize
  if printer.writesFields { printer.fields.beginArray("neighbor_routers") }
  if !hasQuality { printer.out.write("\n\t      neighbor\n\t\t") }
  var offset = 0
  while offset &+ size <= bytes.length {
    try bytes.check(offset, size)
    if printer.writesFields { printer.fields.beginObject() }
    try printer.writeAddress(hasQuality ? "\n\t      neighbor " : "", "address", bytes, at: offset)
    if hasQuality {
      printer.writeQuality(", link-quality ", "link_quality", try bytes.u8(at: offset &+ addressSize))
      printer.writeQuality(
        ", neighbor-link-quality ", "neighbor_link_quality", try bytes.u8(at: offset &+ addressSize &+ 1))
    } else {
      printer.out.write(" ")
    }
    if printer.writesFields { printer.fields.end() }
    offset &+= size
  }
  if printer.writesFields { printer.fields.end() }
}

///     0         +A
///     +---------+------+-----
///     | network | mask | ...
///     +---------+------+-----
/// RFC 3626 section 12.1
private func printNetworks(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let addressSize = printer.addressSize
  let isIPv6 = addressSize == 16
  printer.write("\n\t  Advertised networks (total ", body.length / (2 &* addressSize))
  printer.out.write(")")
  if printer.writesFields { printer.fields.beginArray("networks") }
  var offset = 0
  var index = 0
  while offset &+ 2 &* addressSize <= body.length {
    try body.check(offset, 2 &* addressSize)
    if printer.writesFields { printer.fields.beginObject() }
    if isIPv6 {
      printer.write("\n\t    #", index)
      printer.out.write(": ")
    } else {
      printer.out.write(index % 4 == 0 ? "\n\t    " : ", ")
    }
    try printer.writeAddress("", "network", body, at: offset)
    let maskOffset = offset &+ addressSize
    printer.out.write("/")
    if let length = try body.prefixLength(at: maskOffset, size: addressSize) {
      printer.out.write(decimal: length)
      if printer.writesFields {
        if isIPv6 {
          printer.fields.write("mask", try body.ipv6(at: maskOffset))
        } else {
          printer.fields.write("mask", try body.ipv4(at: maskOffset))
        }
      }
    } else {
      try printer.writeAddress("", "mask", body, at: maskOffset)
    }
    if printer.writesFields { printer.fields.end() }
    offset &+= 2 &* addressSize
    index &+= 1
  }
  if printer.writesFields { printer.fields.end() }
}

///     0         2         4      6        8         24
///     +---------+---------+------+--------+---------+----------------------+-----
///     | version | entries | type | length | address | name, to 4 bytes     | ...
///     +---------+---------+------+--------+---------+----------------------+-----
/// The address field has 16 bytes even for an IPv4 address.
private func printNames(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let namesHeaderLength = 4
  let entryHeaderLength = 20
  guard body.length >= namesHeaderLength else { throw .truncated }
  try body.check(0, namesHeaderLength)
  let count = Int(try body.u16(at: 2))
  printer.write("\n\t  Version ", try body.u16(at: 0))
  printer.write(", Entries ", count)
  if count == 0 { throw .invalid }
  if printer.writesFields { printer.fields.beginArray("names") }
  var rest = try body.dropping(namesHeaderLength)
  for index in 0..<count {
    try rest.check(0, 4)
    let type = try rest.u16(at: 0)
    let length = Int(try rest.u16(at: 2))
    printer.write("\n\t    #", index)
    printer.write(": type 0x", type, as: .hex(4))
    printer.write(", length ", length)
    if length == 0 || entryHeaderLength &+ length > rest.length { throw .invalid }
    try rest.check(0, entryHeaderLength &+ length)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type)
    }
    try printer.writeAddress(", address ", "address", rest, at: 4)
    printer.out.write(", name \"")
    let name = try rest.dropping(entryHeaderLength).clamped(to: length)
    if printer.writesFields { printer.fields.write("name", text: name) }
    try printer.writeText(name, length: length)
    printer.out.write("\"")
    if printer.writesFields { printer.fields.end() }
    let size = entryHeaderLength &+ (length &+ 3) & ~3
    rest = try rest.dropping(min(size, rest.length))
  }
  if printer.writesFields { printer.fields.end() }
}

extension Printer {
  fileprivate var addressSize: Int { network.version == 6 ? 16 : 4 }

  /// Writes an address of the same size as those of the IP header; without a key it is an array element.
  fileprivate mutating func writeAddress(
    _ words: StaticString, _ key: StaticString?, _ bytes: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    if addressSize == 16 {
      let address = try bytes.ipv6(at: offset)
      if let key { write(words, key, address) } else { writeElement(words, address) }
    } else {
      let address = try bytes.ipv4(at: offset)
      if let key { write(words, key, address) } else { writeElement(words, address) }
    }
  }

  /// An interval of RFC 3626 section 18.3: (1 + a / 16) * 2^b sixteenths of a second.
  fileprivate mutating func writeInterval(_ key: StaticString, _ value: UInt8) {
    let seconds = Float((16 &+ UInt32(value >> 4)) << UInt32(value & 0xf)) / 256
    if writesFields {
      let held = beginHeldText()
      writeFixedPoint(seconds)
      fields.write(key, number: out, from: held.start)
      endHeldText(held)
    }
    writeFixedPoint(seconds)
  }

  /// A fraction of 255 as a percentage with two decimals.
  fileprivate mutating func writeQuality(_ words: StaticString, _ key: StaticString, _ value: UInt8) {
    if writesFields { fields.write(key, value) }
    out.write(words)
    let hundredths = (UInt32(value) &* 20_000 &+ 255) / 510
    out.write(decimal: hundredths / 100)
    out.write(".")
    out.write(decimal: hundredths % 100, width: 2)
    out.write("%")
  }
}

extension PacketBytes {
  /// The number of one bits in a mask; nil unless they are all at its start.
  fileprivate func prefixLength(at offset: Int, size: Int) throws(DecodeError) -> Int? {
    var length = 0
    var isOver = false
    for index in offset..<offset &+ size {
      let byte = try u8(at: index)
      let ones = (~byte).leadingZeroBitCount
      if isOver ? byte != 0 : byte << UInt8(ones) != 0 { return nil }
      length &+= ones
      isOver = isOver || ones < 8
    }
    return length
  }
}
