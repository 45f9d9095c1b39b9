package import Dissect
import PacketCore

extension Layer {
  static let lwres = Layer("lwres", "Lightweight resolver protocol of BIND 9", "") {
    [
      Field("length", .uint32, "Bytes of the packet, as it states."),
      Field("version", .uint16, "Version; 0 is the only one."),
      Field("flag_bits", .uint16, "Flags; 1 is a response."),
      Field("serial", .uint32, "Number of a request, which its response repeats."),
      Field("operation", .uint32, "Requested operation."),
      Field("operation_name", .text, "Its name."),
      Field("result", .uint32, "Error of a response; 0 for none."),
      Field("receive_length", .uint32, "Bytes of a response at most."),
      Field("address_types", .uint32, "Requested addresses: 1 for IPv4, 2 for IPv6."),
      Field("name", .text, "Name that is requested, or that was found."),
      Field("aliases", .array(.text), "Other names."),
      Field("addresses", .array(.text), "Addresses."),
      Field("class", .uint16, "Class of records (DNS)."),
      Field("record_type", .uint16, "Type of records (DNS)."),
      Field("ttl", .uint32, "Seconds for which records are valid."),
      Field("data", .hex, "Data of records, then of signatures, each after its length in two bytes."),
    ]
  }
}

extension Dissector {
  package static let lwres = Dissector(name: "lwres", claims: [.udpPort(921)], layers: [.lwres], print: printLWRES)
}

private enum Operation {
  static let addressesByName: UInt32 = 0x10001
  static let nameByAddress: UInt32 = 0x10002
  static let recordsByName: UInt32 = 0x10003
  static let names: ValueNames = [
    0: "noop", 0x10001: "getaddrsbyname", 0x10002: "getnamebyaddr", 0x10003: "getrdatabyname",
  ]
}

private enum AddressType {
  static let ipv4: UInt32 = 1
  static let ipv6: UInt32 = 2
}

private let response: UInt16 = 1

///     0        4         6       8        12          16       20               24              26
///     +--------+---------+-------+--------+-----------+--------+----------------+---------------+-------------+---
///     | length | version | flags | serial | operation | result | receive length | authentication| its length  | …
///     +--------+---------+-------+--------+-----------+--------+----------------+---------------+-------------+---
private let headerLength = 28

@Sendable
private func printLWRES(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let length = try bytes.u32(at: 0)
  let version = try bytes.u16(at: 4)
  if printer.enter(.lwres) {
    printer.fields.write("length", length)
    printer.fields.write("version", version)
  }
  printer.out.write(" lwres")
  let verbosity = printer.options.verbosity
  if verbosity > 0 || version != 0 { printer.write(" v", version) }
  guard version == 0 else { return try bytes.check(0, Int(length)) }
  let flags = try bytes.u16(at: 6)
  let operation = try bytes.u32(at: 12)
  let isResponse = flags & response != 0
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.write(
    " ", "operation", operation, as: .named(Operation.names, key: "operation_name", unknown: .hex("#0x")))
  if !isResponse { printer.out.write("?") }
  if flags & ~response != 0 {
    printer.write("[0x", flags, as: .hex(1))
    printer.out.write("]")
  }
  let (serial, result, receiveLength) = (try bytes.u32(at: 8), try bytes.u32(at: 16), try bytes.u32(at: 20))
  if printer.writesFields {
    printer.fields.write("serial", serial)
    printer.fields.write("result", result)
    printer.fields.write("receive_length", receiveLength)
  }
  if verbosity > 1 {
    printer.write(" (serial:0x", serial, as: .hex(1))
    printer.write(" result:0x", result, as: .hex(1))
    printer.write(" recvlen:", receiveLength)
    let (authentication, size) = (try bytes.u16(at: 24), try bytes.u16(at: 26))
    if verbosity > 2, authentication != 0 || size != 0 {
      printer.write(" authtype:0x", authentication, as: .hex(1))
      printer.write(" authlen:", size)
    }
    printer.out.write(")")
  }
  let body = try bytes.dropping(headerLength)
  var end = 0
  switch operation {
  case Operation.addressesByName:
    end = isResponse ? try printAddresses(body, &printer) : try printAddressQuestion(body, &printer)
  case Operation.nameByAddress:
    end = isResponse ? try printNames(body, &printer) : try printNameQuestion(body, &printer)
  case Operation.recordsByName:
    end = isResponse ? try printRecords(body, &printer) : try printRecordQuestion(body, &printer)
  default: break
  }
  if Int(length) != bytes.length {
    printer.write(" [len: ", length)
    printer.write(" != ", bytes.length)
    printer.writeFault("]")
  }
  if Operation.names[operation] != nil, headerLength &+ end < Int(length) { printer.out.write("[extra]") }
}

extension Printer {
  /// A space, then text that is preceded by a length and followed by a zero; returns the offset after it.
  private mutating func printText(
    _ bytes: PacketBytes, at start: Int, _ key: StaticString?
  ) throws(DecodeError) -> Int {
    let length = Int(try bytes.u16(at: start))
    let text = try bytes.dropping(start &+ 2).clamped(to: length).withLength(length)
    if writesFields {
      if let key { fields.write(key, text: text) } else { fields.element(text: text) }
    }
    out.write(" ")
    try writeText(text, length: length)
    try bytes.check(start &+ 2, length &+ 1)
    return start &+ 3 &+ length
  }

  fileprivate mutating func printName(_ bytes: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    try printText(bytes, at: start, "name")
  }

  /// Prints `count` names.
  fileprivate mutating func printAliases(
    _ count: UInt16, _ bytes: PacketBytes, at start: Int
  ) throws(DecodeError) -> Int {
    var offset = start
    let level = fields.level
    if writesFields { fields.beginArray("aliases") }
    for _ in 0..<count { offset = try printText(bytes, at: offset, nil) }
    if writesFields { fields.end(downTo: level) }
    return offset
  }

  /// A type, a length and an address; returns the offset after them.
  fileprivate mutating func printAddress(_ bytes: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    let type = try bytes.u32(at: start)
    let length = Int(try bytes.u16(at: start &+ 4))
    let offset = start &+ 6
    switch type {
    case AddressType.ipv4:
      guard length == 4 else { throw .invalid }
      writeElement(" ", try bytes.ipv4(at: offset))
    case AddressType.ipv6:
      guard length == 16 else { throw .invalid }
      writeElement(" ", try bytes.ipv6(at: offset))
    default:
      write(" ", type)
      out.write("/")
      try writeHexOctets(try bytes.dropping(offset), length)
    }
    return offset &+ length
  }

  /// Prints `count` records, each a length and bytes.
  fileprivate mutating func printData(_ count: Int, _ bytes: PacketBytes, at start: Int) throws(DecodeError) -> Int {
    var offset = start
    for _ in 0..<count {
      let length = Int(try bytes.u16(at: offset))
      try writeHexOctets(try bytes.dropping(offset &+ 2), length)
      offset &+= 2 &+ length
    }
    return offset
  }

  /// The type of records, and their class unless it is that of the Internet.
  fileprivate mutating func writeRecordType(_ bytes: PacketBytes) throws(DecodeError) {
    let (recordClass, type) = (try bytes.u16(at: 4), try bytes.u16(at: 6))
    if writesFields {
      fields.write("class", recordClass)
      fields.write("record_type", type)
    }
    write(" ", type, as: .named(DNSType.names, unknown: .decimal("Type")))
    if recordClass != 1 { write(" ", recordClass, as: .named(dnsClasses, unknown: .decimal("Class"))) }
  }
}

/// 0 flags (4)  4 kinds of addresses (4)  8 name
private func printAddressQuestion(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let types = try body.u32(at: 4)
  if printer.writesFields { printer.fields.write("address_types", types) }
  switch types & 3 {
  case 1: printer.out.write(" IPv4")
  case 2: printer.out.write(" IPv6")
  case 3: printer.out.write(" IPv4/6")
  default: break
  }
  if types & ~3 != 0 {
    printer.write("[0x", types, as: .hex(1))
    printer.out.write("]")
  }
  return try printer.printName(body, at: 8)
}

/// 0 flags (4)  4 address
private func printNameQuestion(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("addresses") }
  let end = try printer.printAddress(body, at: 4)
  if printer.writesFields { printer.fields.end(downTo: level) }
  return end
}

/// 0 flags (4)  4 class (2)  6 type (2)  8 name
private func printRecordQuestion(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  try printer.writeRecordType(body)
  return try printer.printName(body, at: 8)
}

/// 0 flags (4)  4 number of aliases (2)  6 number of addresses (2)  8 name, aliases, addresses
private func printAddresses(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let (aliases, addresses) = (try body.u16(at: 4), try body.u16(at: 6))
  printer.write(" ", aliases)
  printer.write("/", addresses)
  var offset = try printer.printName(body, at: 8)
  offset = try printer.printAliases(aliases, body, at: offset)
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("addresses") }
  for _ in 0..<addresses { offset = try printer.printAddress(body, at: offset) }
  if printer.writesFields { printer.fields.end(downTo: level) }
  return offset
}

/// 0 flags (4)  4 number of aliases (2)  6 name, aliases
private func printNames(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  let aliases = try body.u16(at: 4)
  printer.write(" ", aliases)
  return try printer.printAliases(aliases, body, at: try printer.printName(body, at: 6))
}

/// 0 flags (4)  4 class (2)  6 type (2)  8 TTL (4)  12 number of records (2)  14 of signatures (2)  16 name, records, signatures
private func printRecords(_ body: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  try printer.writeRecordType(body)
  let ttl = try body.u32(at: 8)
  if printer.writesFields { printer.fields.write("ttl", ttl) }
  printer.out.write(" TTL ")
  printer.writeRelativeTime(seconds: ttl)
  let (records, signatures) = (try body.u16(at: 12), try body.u16(at: 14))
  printer.write(" ", records)
  printer.write("/", signatures)
  let offset = try printer.printName(body, at: 16)
  if printer.writesFields { printer.fields.write("data", hex: try body.dropping(offset)) }
  return try printer.printData(Int(records) &+ Int(signatures), body, at: offset)
}
