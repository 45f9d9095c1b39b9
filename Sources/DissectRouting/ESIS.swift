package import Dissect
import PacketCore

extension Layer {
  static let esis = Layer("esis", "End System to Intermediate System routing protocol", "ISO 9542") {
    [
      Field("version", .uint8, "Version."),
      Field("pdu_type", .uint8, "Kind of PDU."),
      Field("pdu_type_name", .text, "Name of the kind."),
      Field("header_length", .uint8, "Bytes of the PDU, as it states."),
      Field("hold_seconds", .uint16, "Seconds for which the PDU is valid."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("osi_addresses", .array(.text), "Addresses of an end system."),
      Field("destination", .text, "Address that a redirect is about."),
      Field("subnetwork_address", .linkAddress, "Subnetwork address to which packets are to be sent."),
      Field("network_entity", .text, "Network entity title of an intermediate system."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint8, "Option type.", always: true),
            Field("name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the value."),
            Field("seconds", .uint16, "Requested seconds between hellos."),
            Field("nlpids", .array(.uint8), "Network layer protocols of the system."),
            Field("data", .hex, "Value of any other option."),
          ])), "Options, in order.", each: "One option."),
    ]
  }
}

extension Dissector {
  package static let esis = Dissector(
    name: "esis", claims: [Claim(.nlpid, NLPID.esis)], layers: [.esis], print: printESIS)
}

private enum PDUType {
  static let endSystemHello: UInt8 = 2
  static let intermediateSystemHello: UInt8 = 4
  static let redirect: UInt8 = 6

  static let names: ValueNames = [2: "ESH", 4: "ISH", 6: "redirect"]
}

private enum Option {
  static let protocols: UInt32 = 129
  static let configurationTime: UInt32 = 198

  static let names: ValueNames = [
    129: "Protocols supported", 195: "QoS Maintenance", 197: "Security", 198: "ES Configuration Time", 205: "Priority",
  ]
}

///     0       1        2         3          4      5              7          9
///     +-------+--------+---------+----------+------+--------------+----------+-----------
///     | NLPID | length | version | reserved | type | hold seconds | checksum | by type     ISO 9542 section 7
///     +-------+--------+---------+----------+------+--------------+----------+-----------
private let headerLength = 9

@Sendable
private func printESIS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let showsName = !printer.options.linkHeader
  let entered = printer.enter(.esis)
  if showsName { printer.out.write("ES-IS") }
  if bytes.length <= 2 {
    return printer.writeFault(printer.options.quiet ? "bad pkt!" : "no header at all!")
  }
  try bytes.check(0, headerLength)
  let length = Int(try bytes.u8(at: 1))
  let type = try bytes.u8(at: 4) & 0x1f
  if entered {
    printer.fields.write("version", try bytes.u8(at: 2))
    printer.fields.write("pdu_type", type, "pdu_type_name", PDUType.names)
    printer.fields.write("header_length", length)
    printer.fields.write("hold_seconds", try bytes.u16(at: 5))
    printer.fields.write("checksum", try bytes.u16(at: 7))
  }
  guard try checkHeader(bytes, length, &printer) else { return }
  guard printer.options.verbosity > 0 else {
    if showsName { printer.out.write(", ") }
    printer.write("", type, as: .named(PDUType.names, unknown: .decimal("unknown type (", ")")))
    return printer.write(", length ", bytes.length)
  }
  if showsName { printer.out.write(", ") }
  printer.write("length ", bytes.length)
  printer.write("\n\t", type, as: .named(PDUType.names, unknown: .decimal("unknown type: ")))
  printer.write(" (", type)
  printer.write("), v: ", try bytes.u8(at: 2))
  printer.write(", checksum: 0x", try bytes.u16(at: 7), as: .hex(4))
  printer.writeVerdict(OSIChecksum.verify(bytes, at: 7, length: length))
  printer.write(", holding time: ", try bytes.u16(at: 5))
  printer.write("s, length indicator: ", length)
  if printer.options.verbosity > 1 { printer.writeHex(bytes.clamped(to: headerLength)) }
  if PDUType.names[type] == nil {
    if printer.options.verbosity <= 1 { printer.writeHex(try bytes.dropping(headerLength), indent: "\n\t  ") }
    return
  }
  try printBody(type, bytes, length, &printer)
}

/// False if the PDU cannot be read, after a message that says why.
private func checkHeader(_ bytes: PacketBytes, _ length: Int, _ printer: inout Printer) throws(DecodeError) -> Bool {
  if try bytes.u8(at: 2) != 1 {
    printer.writeFault(" version ")
    printer.out.write(decimal: try bytes.u8(at: 2))
    printer.out.write(" packet not supported")
  } else if length > bytes.length {
    printer.writeFault(" length indicator(")
    printer.out.write(decimal: length)
    printer.write(") > PDU size (", bytes.length)
    printer.out.write(")!")
  } else if length < headerLength &+ 2 {
    try printer.writeShortIndicator(bytes, length)
  } else {
    return true
  }
  return false
}

extension Printer {
  /// ` length indicator 1 < min PDU size:8201…`: reports a header that is too short, with all bytes.
  mutating func writeShortIndicator(_ bytes: PacketBytes, _ length: Int) throws(DecodeError) {
    writeFault(" length indicator ")
    out.write(decimal: length)
    out.write(" < min PDU size:")
    for index in 0..<min(bytes.count, bytes.length) { writeUpperHex(try bytes.u8(at: index)) }
  }
}

private func printBody(
  _ type: UInt8, _ bytes: PacketBytes, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  let pdu = bytes.clamped(to: length)
  var offset = headerLength
  switch type {
  case PDUType.endSystemHello:
    let count = Int(try pdu.u8(at: offset))
    offset &+= 1
    printer.write("\n\t  Number of Source Addresses: ", count)
    if printer.writesFields { printer.fields.beginArray("osi_addresses") }
    for _ in 0..<count {
      if offset >= pdu.length { throw .truncated }
      let address = try counted(pdu, at: offset)
      printer.recordElement(nsap: address)
      printer.write("\n\t  NET (length: ", address.length)
      printer.out.write("): ")
      try printer.writeNSAP(address)
      offset &+= 1 &+ address.length
    }
    if printer.writesFields { printer.fields.end() }
  case PDUType.intermediateSystemHello:
    let title = try counted(pdu, at: offset)
    printer.record("network_entity", nsap: title)
    printer.write("\n\t  NET (length: ", title.length)
    printer.out.write("): ")
    try printer.writeNSAP(title)
    offset &+= 1 &+ title.length
  default:
    guard let end = try printRedirect(pdu, &printer) else { return }
    // A single byte left over is read as an option, together with the byte after the PDU.
    if length &- end == 1 { return try printOptions(bytes.clamped(to: length &+ 1), at: end, &printer) }
    offset = end
  }
  try printOptions(pdu, at: offset, &printer)
}

/// A length byte, and as many bytes as it says.
@_lifetime(copy bytes)
private func counted(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) -> PacketBytes {
  try bytes.slice(at: offset &+ 1, length: Int(try bytes.u8(at: offset)))
}

/// Destination, subnetwork address and, for an intermediate system, its title, each preceded by its length. Returns the offset after them;
/// nil if the list ends too early.
private func printRedirect(_ pdu: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  var offset = headerLength
  let destination = try counted(pdu, at: offset)
  offset &+= 1 &+ destination.length
  printer.record("destination", nsap: destination)
  printer.out.write("\n\t  ")
  try printer.writeNSAP(destination)
  guard offset < pdu.length else {
    printer.writeFault(", bad redirect/li")
    return nil
  }
  let subnetwork = try counted(pdu, at: offset)
  offset &+= 1 &+ subnetwork.length
  let hasTitle = offset < pdu.length
  let title = hasTitle ? try counted(pdu, at: offset) : pdu.clamped(to: 0)
  if printer.writesFields, subnetwork.count > 0 { printer.recordLinkAddress("subnetwork_address", subnetwork) }
  printer.write("\n\t  SNPA (length: ", subnetwork.length)
  printer.out.write("): ")
  try printer.writeLinkAddress(subnetwork)
  guard hasTitle else { return offset }
  offset &+= 1 &+ title.length
  if title.length == 0 { return offset }
  printer.record("network_entity", nsap: title)
  printer.write("\n\t  NET (length: ", title.length)
  printer.out.write(") ")
  try printer.writeNSAP(title)
  return offset
}

private func printOptions(_ pdu: PacketBytes, at start: Int, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(pdu, at: start, OptionLayout(shortHeader: .endsList), objects: "options")
  while let option = try printer.next(&list) {
    if printer.writesFields { printer.fields.write("type", option.type, "name", Option.names) }
    if option.isTooLong {
      printer.writeFault(", opt (")
      printer.out.write(decimal: option.type)
      printer.out.write(") too long")
      return
    }
    if printer.writesFields { printer.fields.write("length", option.length) }
    printer.write("\n\t  ", option.type, as: .named(Option.names, unknown: "Unknown"))
    printer.write(" Option #", option.type)
    printer.write(", length ", option.length)
    printer.out.write(", value: ")
    let value = option.value
    switch option.type {
    case Option.configurationTime where value.length == 2:
      printer.write("", "seconds", try value.u16(at: 0))
      printer.out.write("s")
    case Option.configurationTime: printer.writeFault("(bad length)")
    case Option.protocols:
      var protocols = printer.openList(value, .elements(of: 1), array: "nlpids")
      while let element = try printer.next(&protocols) {
        if !element.isFirst { printer.out.write(", ") }
        let identifier = try element.bytes.u8(at: 0)
        printer.writeElement("", identifier, as: .named(NLPID.names, unknown: "unknown"))
        printer.write(" (0x", identifier, as: .hex(2))
        printer.out.write(")")
      }
    default:
      if printer.writesFields { printer.fields.write("data", hex: value) }
      try printer.writeWholeHex(value, indent: "\n\t  ")
    }
    if printer.options.verbosity > 1 { try printer.writeWholeHex(value, indent: "\n\t  ") }
  }
  if list.remaining > 0 { printer.writeFault(", bad opts/li") }
}
