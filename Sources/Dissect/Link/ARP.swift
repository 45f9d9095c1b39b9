package import PacketCore

extension Layer {
  static let arp = Layer(
    "arp", "Address Resolution Protocol", "RFC 826, RFC 2390, RFC 2225", note: "Also inverse ARP and ARP over ATM."
  ) {
    [
      Field("hardware_type", .uint16, "Hardware type."),
      Field("protocol_type", .uint16, "Protocol type, an EtherType."),
      Field("hardware_length", .uint8, "Bytes of a hardware address; left out over ATM."),
      Field("protocol_length", .uint8, "Bytes of a protocol address; left out over ATM."),
      Field("operation", .uint16, "Operation."),
      Field("operation_name", .text, "Name of the operation."),
      Field("sender_hardware", .linkAddress, "Sender's hardware address; over ATM its number."),
      Field("sender_subaddress", .linkAddress, "Sender's ATM subaddress."),
      Field("sender_protocol", .text, "Sender's protocol address: IPv4, or bytes."),
      Field("target_hardware", .linkAddress, "Target's hardware address."),
      Field("target_subaddress", .linkAddress, "Target's ATM subaddress."),
      Field("target_protocol", .text, "Target's protocol address."),
    ]
  }

  static let rarp = Layer(
    "rarp", "Reverse Address Resolution Protocol", "RFC 903", marks: ["arp"]
  ) {
    [
      Field("hardware_type", .uint16, "Hardware type."),
      Field("protocol_type", .uint16, "Protocol type, an EtherType."),
      Field("hardware_length", .uint8, "Bytes of a hardware address; left out over ATM."),
      Field("protocol_length", .uint8, "Bytes of a protocol address; left out over ATM."),
      Field("operation", .uint16, "Operation."),
      Field("operation_name", .text, "Name of the operation."),
      Field("sender_hardware", .linkAddress, "Sender's hardware address; over ATM its number."),
      Field("sender_subaddress", .linkAddress, "Sender's ATM subaddress."),
      Field("sender_protocol", .text, "Sender's protocol address: IPv4, or bytes."),
      Field("target_hardware", .linkAddress, "Target's hardware address."),
      Field("target_subaddress", .linkAddress, "Target's ATM subaddress."),
      Field("target_protocol", .text, "Target's protocol address."),
    ]
  }
}

extension Dissector {
  /// Address Resolution Protocol, RFC 826; Inverse ARP, RFC 2390.
  package static let arp = Dissector(name: "arp", claims: [.etherType(EtherType.arp)], layers: [.arp]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printARP(bytes, .arp, &printer)
  }
  /// Reverse Address Resolution Protocol, RFC 903.
  package static let rarp = Dissector(name: "arp", claims: [.etherType(EtherType.reverseARP)], layers: [.rarp]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printARP(bytes, .rarp, &printer)
  }
}

///     0          2          4       5       6           8
///     +----------+----------+-------+-------+-----------+-----+-----+-----+-----+
///     | hardware | protocol | h len | p len | operation | sha | spa | tha | tpa |
///     +----------+----------+-------+-------+-----------+-----+-----+-----+-----+
private struct ARPHeader {
  static let length = 8
  let hardware: UInt16
  let protocolType: UInt16
  let hardwareLength: Int
  let protocolLength: Int
  let operation: UInt16

  init(_ bytes: PacketBytes) throws(DecodeError) {
    hardware = try bytes.u16(at: 0)
    protocolType = try bytes.u16(at: 2)
    hardwareLength = Int(try bytes.u8(at: 4))
    protocolLength = Int(try bytes.u8(at: 5))
    operation = try bytes.u16(at: 6)
  }

  var senderHardware: Int { Self.length }
  var senderProtocol: Int { senderHardware + hardwareLength }
  var targetHardware: Int { senderProtocol + protocolLength }
  var targetProtocol: Int { targetHardware + hardwareLength }
  var end: Int { targetProtocol + protocolLength }
}

private enum Operation {
  static let request: UInt16 = 1
  static let reply: UInt16 = 2
  static let reverseRequest: UInt16 = 3
  static let reverseReply: UInt16 = 4
  static let inverseRequest: UInt16 = 8
  static let inverseReply: UInt16 = 9
}

private let operations: ValueNames = [
  1: "Request", 2: "Reply", 3: "Reverse Request", 4: "Reverse Reply", 8: "Inverse Request", 9: "Inverse Reply",
  10: "NACK Reply",
]
private let hardwareNames: ValueNames = [
  1: "Ethernet", 6: "TokenRing", 7: "ArcNet", 15: "FrameRelay", 23: "Strip", 24: "IEEE 1394", 32: "InfiniBand",
]

private func printARP(_ bytes: PacketBytes, _ layer: Layer, _ printer: inout Printer) throws(DecodeError) {
  let header = try ARPHeader(bytes)
  if header.hardware == ATMARP.hardware {
    try printATMARP(bytes, layer, &printer)
    return
  }
  if printer.enter(layer) { try record(bytes, header, &printer) }
  try bytes.check(0, header.end)
  if !printer.options.linkHeader { printer.out.write("ARP, ") }
  let isIPv4 =
    (header.protocolType == EtherType.ipv4 || isTrailer(header.protocolType)) && header.protocolLength == 4
    && header.hardwareLength != 0
  if !isIPv4 || printer.options.verbosity > 0 {
    writeARPTypes(header, &printer)
    if printer.options.verbosity == 0 {
      writeLength(bytes, &printer)
      return
    }
    printer.out.write(", ")
  }
  printer.write(operations, header.operation, unknown: .decimal("Unknown (", ")"))
  switch header.operation {
  case Operation.request:
    printer.out.write(" who-has ")
    try writeProtocolAddress(bytes, header, at: header.targetProtocol, &printer)
    if try !isZero(bytes, header.targetHardware, header.hardwareLength) {
      printer.out.write(" (")
      try writeHardwareAddress(bytes, header, at: header.targetHardware, &printer)
      printer.out.write(")")
    }
    printer.out.write(" tell ")
    try writeProtocolAddress(bytes, header, at: header.senderProtocol, &printer)
  case Operation.reply:
    printer.out.write(" ")
    try writeProtocolAddress(bytes, header, at: header.senderProtocol, &printer)
    printer.out.write(" is-at ")
    try writeHardwareAddress(bytes, header, at: header.senderHardware, &printer)
  case Operation.reverseRequest, Operation.inverseRequest:
    printer.out.write(" who-is ")
    try writeHardwareAddress(bytes, header, at: header.targetHardware, &printer)
    printer.out.write(" tell ")
    try writeHardwareAddress(bytes, header, at: header.senderHardware, &printer)
  case Operation.reverseReply:
    printer.out.write(" ")
    try writeHardwareAddress(bytes, header, at: header.targetHardware, &printer)
    printer.out.write(" at ")
    try writeProtocolAddress(bytes, header, at: header.targetProtocol, &printer)
  case Operation.inverseReply:
    printer.out.write(" ")
    try writeHardwareAddress(bytes, header, at: header.senderHardware, &printer)
    printer.out.write(" at ")
    try writeProtocolAddress(bytes, header, at: header.senderProtocol, &printer)
  default:
    printer.out.write(" ")
    printer.writeHexAndASCII(bytes)
    return
  }
  writeLength(bytes, &printer)
}

private func record(_ bytes: PacketBytes, _ header: ARPHeader, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("hardware_type", header.hardware)
  printer.fields.write("protocol_type", header.protocolType)
  printer.fields.write("hardware_length", header.hardwareLength)
  printer.fields.write("protocol_length", header.protocolLength)
  printer.fields.write("operation", header.operation, "operation_name", operations)
  func hardware(_ key: StaticString, _ offset: Int, _ printer: inout Printer) throws(DecodeError) {
    let address = try bytes.slice(at: offset, length: header.hardwareLength)
    if address.count > 0 { printer.recordLinkAddress(key, address) }
  }
  func network(_ key: StaticString, _ offset: Int, _ printer: inout Printer) throws(DecodeError) {
    let address = try bytes.slice(at: offset, length: header.protocolLength)
    if header.protocolType == EtherType.ipv4 || isTrailer(header.protocolType), address.count == 4 {
      printer.fields.write(key, try address.ipv4(at: 0))
    } else if address.count > 0 {
      printer.fields.write(key, hex: address)
    }
  }
  try hardware("sender_hardware", header.senderHardware, &printer)
  try network("sender_protocol", header.senderProtocol, &printer)
  try hardware("target_hardware", header.targetHardware, &printer)
  try network("target_protocol", header.targetProtocol, &printer)
}

func isTrailer(_ type: UInt16) -> Bool { type == 0x1000 }

private func writeARPTypes(_ header: ARPHeader, _ printer: inout Printer) {
  printer.write(hardwareNames, header.hardware, unknown: .decimal("Unknown Hardware (", ")"))
  printer.out.write(" (len ")
  printer.out.write(decimal: header.hardwareLength)
  printer.out.write("), ")
  if let name = EtherType.names[header.protocolType] {
    printer.out.write(name)
  } else {
    printer.out.write("Unknown Protocol (0x")
    printer.out.write(hex: header.protocolType, width: 4)
    printer.out.write(")")
  }
  printer.out.write(" (len ")
  printer.out.write(decimal: header.protocolLength)
  printer.out.write(")")
}

private func writeLength(_ bytes: PacketBytes, _ printer: inout Printer) {
  printer.out.write(", length ")
  printer.out.write(decimal: bytes.length)
}

private func isZero(_ bytes: PacketBytes, _ offset: Int, _ length: Int) throws(DecodeError) -> Bool {
  for index in 0..<length where try bytes.u8(at: offset + index) != 0 { return false }
  return true
}

private func writeProtocolAddress(
  _ bytes: PacketBytes, _ header: ARPHeader, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  if header.protocolType != EtherType.ipv4, !isTrailer(header.protocolType) {
    printer.writeFault("<wrong proto type>")
  } else if header.protocolLength != 4 {
    printer.writeFault("<wrong len>")
  } else {
    printer.writeHost(try bytes.ipv4(at: offset))
  }
}

private func writeHardwareAddress(
  _ bytes: PacketBytes, _ header: ARPHeader, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let address = try bytes.slice(at: offset, length: header.hardwareLength)
  if header.hardware == frameRelay {
    try printer.writeFrameRelayAddress(address)
  } else {
    try printer.writeLinkAddress(address)
  }
}

/// The hardware type of frame relay (IANA "ARP Parameters").
private let frameRelay: UInt16 = 15

extension Printer {
  /// The data link connection identifier in a frame relay address (ITU-T Q.922 section 3.2): two, three or four bytes, the last of which
  /// has its lowest bit set.
  mutating func writeFrameRelayAddress(_ bytes: PacketBytes) throws(DecodeError) {
    var length = 0
    while length < min(bytes.count, 4), try bytes.u8(at: length) & 1 == 0 { length &+= 1 }
    length &+= 1
    guard length >= 2, length <= min(bytes.count, 4) else {
      writeFault("<Invalid DLCI>")
      return
    }
    var identifier = UInt32(try bytes.u8(at: 0) & 0xfc) << 2 | UInt32(try bytes.u8(at: 1) & 0xf0) >> 4
    if length > 3 { identifier = identifier << 7 | UInt32(try bytes.u8(at: 2) >> 1) }
    if length > 2 { identifier = identifier << 6 | UInt32(try bytes.u8(at: length &- 1) >> 2) }
    out.write("DLCI ")
    out.write(decimal: identifier)
  }

  /// A link-layer address of any length: hexadecimal bytes between colons.
  package mutating func recordLinkAddress(_ key: StaticString, _ bytes: PacketBytes) {
    fields.write(key: key)
    fields.json.write(byte: UInt8(ascii: "\""))
    for index in 0..<bytes.count {
      if index > 0 { fields.json.write(byte: UInt8(ascii: ":")) }
      fields.json.write(hex: (try? bytes.u8(at: index)) ?? 0, width: 2)
    }
    fields.json.write(byte: UInt8(ascii: "\""))
  }

  /// A link-layer address of any length: hexadecimal bytes between colons, or `<empty>`.
  package mutating func writeLinkAddress(_ bytes: PacketBytes) throws(DecodeError) {
    guard bytes.count > 0 else {
      out.write("<empty>")
      return
    }
    if bytes.count == 6 {
      writeMAC(try bytes.mac(at: 0))
      return
    }
    for index in 0..<bytes.count {
      if index > 0 { out.write(byte: UInt8(ascii: ":")) }
      out.write(hex: try bytes.u8(at: index), width: 2)
    }
  }
}
