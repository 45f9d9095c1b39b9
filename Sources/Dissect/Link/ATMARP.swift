import PacketCore

///     0          2          4      5      6           8       9      10     11
///     +----------+----------+------+------+-----------+-------+------+------+-------+-----+-----+-----+-----
///     | hardware | protocol | shtl | sstl | operation | spln  | thtl | tstl | tpln  | sha | ssa | spa | tha …
///     +----------+----------+------+------+-----------+-------+------+------+-------+-----+-----+-----+-----
/// A type-and-length octet holds the length in its lower six bits (RFC 2225 section 8.4).
struct ATMARP {
  /// The hardware type of ATM.
  static let hardware: UInt16 = 19
  static let headerLength = 12

  let operation: UInt16
  let senderNumber: Int
  let senderSubaddress: Int
  let senderProtocol: Int
  let targetNumber: Int
  let targetSubaddress: Int
  let targetProtocol: Int
  let protocolType: UInt16

  init(_ bytes: PacketBytes) throws(DecodeError) {
    protocolType = try bytes.u16(at: 2)
    senderNumber = Int(try bytes.u8(at: 4) & 0x3f)
    senderSubaddress = Int(try bytes.u8(at: 5) & 0x3f)
    operation = try bytes.u16(at: 6)
    senderProtocol = Int(try bytes.u8(at: 8))
    targetNumber = Int(try bytes.u8(at: 9) & 0x3f)
    targetSubaddress = Int(try bytes.u8(at: 10) & 0x3f)
    targetProtocol = Int(try bytes.u8(at: 11))
  }

  /// The protocol addresses are those of IPv4.
  var isIPv4: Bool { protocolType == EtherType.ipv4 || isTrailer(protocolType) }

  var senderSubaddressOffset: Int { Self.headerLength + senderNumber }
  var senderProtocolOffset: Int { senderSubaddressOffset + senderSubaddress }
  var targetNumberOffset: Int { senderProtocolOffset + senderProtocol }
  var targetSubaddressOffset: Int { targetNumberOffset + targetNumber }
  var targetProtocolOffset: Int { targetSubaddressOffset + targetSubaddress }
  var end: Int { targetProtocolOffset + targetProtocol }
}

private let operations: ValueNames = [
  1: "Request", 2: "Reply", 3: "Reverse Request", 4: "Reverse Reply", 8: "Inverse Request", 9: "Inverse Reply",
  10: "NACK Reply",
]

/// ATM address resolution, RFC 2225.
func printATMARP(_ bytes: PacketBytes, _ layer: Layer, _ printer: inout Printer) throws(DecodeError) {
  let header = try ATMARP(bytes)
  if printer.enter(layer) { try record(bytes, header, &printer) }
  try bytes.check(0, header.end)
  if !printer.options.linkHeader { printer.out.write("ARP, ") }
  let isPlainIPv4 = header.isIPv4 && header.senderProtocol == 4 && header.targetProtocol == 4
  if !isPlainIPv4 || printer.options.verbosity > 0 {
    printer.out.write("ATM, ")
    printer.write(EtherType.names, header.protocolType, unknown: .hex("Unknown Protocol (0x", ")"))
    printer.out.write(" (len ")
    printer.out.write(decimal: header.senderProtocol)
    printer.out.write("/")
    printer.out.write(decimal: header.targetProtocol)
    printer.out.write(")")
    if printer.options.verbosity == 0 {
      writeLength(bytes, &printer)
      return
    }
    printer.out.write(", ")
  }
  printer.write(operations, header.operation, unknown: .decimal("Unknown (", ")"))
  switch header.operation {
  case 1:
    printer.out.write(" who-has ")
    try writeTargetProtocol(bytes, header, &printer)
    if header.targetNumber != 0 {
      printer.out.write(" (")
      try writeTarget(bytes, header, &printer)
      printer.out.write(")")
    }
    printer.out.write(" tell ")
    try writeSenderProtocol(bytes, header, &printer)
  case 2:
    printer.out.write(" ")
    try writeSenderProtocol(bytes, header, &printer)
    printer.out.write(" is-at ")
    try writeSender(bytes, header, &printer)
  case 8:
    printer.out.write(" who-is ")
    try writeTarget(bytes, header, &printer)
    printer.out.write(" tell ")
    try writeSender(bytes, header, &printer)
  case 9:
    printer.out.write(" ")
    try writeSender(bytes, header, &printer)
    printer.out.write("at ")
    try writeSenderProtocol(bytes, header, &printer)
  case 10:
    printer.out.write(" for ")
    try writeSenderProtocol(bytes, header, &printer)
  default:
    printer.out.write(" ")
    printer.writeHexAndASCII(bytes)
    return
  }
  writeLength(bytes, &printer)
}

private func record(_ bytes: PacketBytes, _ header: ATMARP, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("hardware_type", ATMARP.hardware)
  printer.fields.write("protocol_type", header.protocolType)
  printer.fields.write("operation", header.operation, "operation_name", operations)
  func write(_ key: StaticString, _ offset: Int, _ length: Int, _ printer: inout Printer) throws(DecodeError) {
    guard length > 0 else { return }
    printer.recordLinkAddress(key, try bytes.slice(at: offset, length: length))
  }
  func network(_ key: StaticString, _ offset: Int, _ length: Int, _ printer: inout Printer) throws(DecodeError) {
    guard length > 0 else { return }
    if header.isIPv4, length == 4 {
      printer.fields.write(key, try bytes.ipv4(at: offset))
    } else {
      printer.fields.write(key, hex: try bytes.slice(at: offset, length: length))
    }
  }
  try write("sender_hardware", ATMARP.headerLength, header.senderNumber, &printer)
  try write("sender_subaddress", header.senderSubaddressOffset, header.senderSubaddress, &printer)
  try network("sender_protocol", header.senderProtocolOffset, header.senderProtocol, &printer)
  try write("target_hardware", header.targetNumberOffset, header.targetNumber, &printer)
  try write("target_subaddress", header.targetSubaddressOffset, header.targetSubaddress, &printer)
  try network("target_protocol", header.targetProtocolOffset, header.targetProtocol, &printer)
}

private func writeLength(_ bytes: PacketBytes, _ printer: inout Printer) {
  printer.out.write(", length ")
  printer.out.write(decimal: bytes.length)
}

private func writeSenderProtocol(_ bytes: PacketBytes, _ header: ATMARP, _ printer: inout Printer) throws(DecodeError) {
  if !header.isIPv4 {
    printer.writeFault("<wrong proto type>")
  } else if header.senderProtocol != 4 {
    printer.writeFault("<wrong splen>")
  } else {
    printer.writeHost(try bytes.ipv4(at: header.senderProtocolOffset))
  }
}

private func writeTargetProtocol(_ bytes: PacketBytes, _ header: ATMARP, _ printer: inout Printer) throws(DecodeError) {
  if !header.isIPv4 {
    printer.writeFault("<wrong proto type>")
  } else if header.targetProtocol != 4 {
    printer.writeFault("<wrong tplen>")
  } else {
    printer.writeHost(try bytes.ipv4(at: header.targetProtocolOffset))
  }
}

private func writeSender(_ bytes: PacketBytes, _ header: ATMARP, _ printer: inout Printer) throws(DecodeError) {
  try writeATMAddress(
    try bytes.slice(at: ATMARP.headerLength, length: header.senderNumber),
    try bytes.slice(at: header.senderSubaddressOffset, length: header.senderSubaddress), &printer)
}

private func writeTarget(_ bytes: PacketBytes, _ header: ATMARP, _ printer: inout Printer) throws(DecodeError) {
  try writeATMAddress(
    try bytes.slice(at: header.targetNumberOffset, length: header.targetNumber),
    try bytes.slice(at: header.targetSubaddressOffset, length: header.targetSubaddress), &printer)
}

private func writeATMAddress(
  _ number: PacketBytes, _ subaddress: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  if number.count == 0 {
    printer.out.write("<No address>")
    return
  }
  try printer.writeLinkAddress(number)
  if subaddress.count > 0 {
    printer.out.write(",")
    try printer.writeLinkAddress(subaddress)
  }
}
