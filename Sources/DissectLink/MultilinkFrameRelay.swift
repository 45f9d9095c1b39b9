package import Dissect
import PacketCore

extension Layer {
  static let multilinkFrameRelay = Layer(
    "mfr", "Multilink Frame Relay", "FRF.15, FRF.16, LINKTYPE_MFR", marks: ["frf15"]
  ) {
    [
      Field("begin", .flag, "First fragment.", always: true),
      Field("end", .flag, "Last fragment.", always: true),
      Field("is_control", .flag, "Control message.", always: true),
      Field("sequence", .uint32, "Sequence number of a fragment."),
      Field("message_type", .uint8, "Type of a control message."),
      Field("message_name", .text, "Name of the type."),
      Field(
        "elements",
        .array(
          .object([
            Field("type", .uint8, "Type of the element.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the element, its header included.", always: true),
            Field("text", .text, "Bundle or link identifier."),
            Field("magic_number", .uint32, "Magic number, which finds a loop."),
            Field("data", .hex, "Any other value."),
          ])), "Information elements of a control message, in order.", each: "One element."),
    ]
  }
}

extension Dissector {
  /// FRF.16: a bundle of links.
  package static let multilinkFrameRelay = Dissector(
    name: "mfr", claims: [.linkType(LinkType(rawValue: 182))], layers: [.multilinkFrameRelay], print: printBundle)

  /// FRF.15: end to end.
  package static let frameRelayFragment = Dissector(
    name: "frf15", claims: [Claim(.nlpid, UInt8(0xb1))], layers: [.multilinkFrameRelay], print: printFragment)
}

///     0           3        7   8                 16 bits
///     +-----------+--------+---+-----------------+---------
///     | B   E   C | seq.   | I | sequence number |          I: interface fragmentation (FRF.15)
///     +-----------+--------+---+-----------------+---------
private enum Flag {
  static let begin: UInt8 = 0x80
  static let end: UInt8 = 0x40
  static let control: UInt8 = 0x20
  static let all: UInt8 = 0xe0
  static let names: FlagNames = [0x80: "Begin", 0x40: "End", 0x20: "Control"]
}

private enum Message {
  static let names: ValueNames = [
    1: "Add Link", 2: "Add Link ACK", 3: "Add Link Reject", 4: "Hello", 5: "Hello ACK", 6: "Remove Link",
    7: "Remove Link ACK",
  ]
}

private enum Element {
  static let bundle: UInt32 = 1
  static let link: UInt32 = 2
  static let magicNumber: UInt32 = 3
  static let names: ValueNames = [
    1: "Bundle ID", 2: "Link ID", 3: "Magic Number", 5: "Timestamp", 6: "Vendor Extension", 7: "Cause",
  ]
  static let layout = OptionLayout(countsHeader: true, needed: 3, shortHeader: .endsList)
}

private func record(_ flags: UInt8, _ sequence: UInt16?, _ printer: inout Printer) {
  guard printer.enter(.multilinkFrameRelay) else { return }
  printer.fields.write("begin", flags & Flag.begin != 0)
  printer.fields.write("end", flags & Flag.end != 0)
  printer.fields.write("is_control", flags & Flag.control != 0)
  if let sequence { printer.fields.write("sequence", sequence) }
}

private func sequenceNumber(_ bytes: PacketBytes) throws(DecodeError) -> UInt16 {
  UInt16(try bytes.u8(at: 0) & 0x1e) << 7 | UInt16(try bytes.u8(at: 1))
}

@Sendable
private func printBundle(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 2)
  if bytes.length < 4 {
    printer.writeComparison("length", bytes.length, .less, 4)
    throw .invalid
  }
  try bytes.check(0, 4)
  let flags = try bytes.u8(at: 0)
  if flags & Flag.all == Flag.all, try bytes.u8(at: 1) == 0 {
    try printControl(bytes, flags, &printer)
    return
  }
  let sequence = try sequenceNumber(bytes)
  record(flags, sequence, &printer)
  printer.write("FRF.16 Frag, seq ", sequence)
  printer.out.write(", Flags [")
  printer.write(Flag.names, flags)
  printer.out.write("]")
  if flags & (Flag.begin | Flag.control) == Flag.begin {
    // The first fragment contains the Frame Relay header.
    printer.out.write(", ")
    try printer.run(.frameRelay, try bytes.dropping(2))
  } else {
    printer.writeHex(bytes)
    try bytes.check(0, bytes.length)
  }
}

///     0       2        3
///     +-------+--------+-----------------------------+---------
///     | flags | type   | element: type, length, value| …            the length counts both bytes before the value
///     +-------+--------+-----------------------------+---------
private func printControl(_ bytes: PacketBytes, _ flags: UInt8, _ printer: inout Printer) throws(DecodeError) {
  let type = try bytes.u8(at: 2)
  record(flags, nil, &printer)
  if printer.writesFields { printer.fields.write("message_type", type, "message_name", Message.names) }
  printer.out.write("FRF.16 Control, Flags [")
  printer.write(Flag.names, flags)
  printer.write("], ", type, as: .named(Message.names, unknown: .hex("Unknown Message (0x", digits: 2, ")")))
  printer.write(", length ", bytes.length)
  let isVerbose = printer.options.verbosity > 0
  guard isVerbose || printer.writesFields else { return }
  guard isVerbose else {
    return printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printElements(bytes, &printer) }
  }
  try printElements(bytes, &printer)
}

private func printElements(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, at: 3, Element.layout, objects: "elements")
  while let element = try printer.next(&list) {
    if printer.writesFields {
      printer.fields.write("type", element.type, "type_name", Element.names)
      printer.fields.write("length", element.length)
    }
    printer.write("\n\tIE ", element.type, as: .named(Element.names, unknown: "Unknown"))
    printer.write(" (", element.type)
    printer.write("), length ", element.length)
    printer.out.write(": ")
    // A length of zero ends the list.
    if element.length == 0 { return printer.stop(&list) }
    let value = try element.wholeValue()
    switch element.type {
    case Element.bundle, Element.link:
      if printer.writesFields { printer.fields.write("text", text: value.clamped(to: try value.lengthToNUL())) }
      try printer.writeTextToNUL(value)
    case Element.magicNumber:
      if value.length != 4 {
        printer.writeComparison("IE data length", value.length, .notEqual, 4)
        throw .invalid
      }
      printer.write("0x", "magic_number", try value.u32(at: 0), as: .hex(8))
    default:
      if printer.writesFields { printer.fields.write("data", hex: value) }
      printer.writeHex(value, indent: "\n\t  ")
    }
  }
}

@Sendable
private func printFragment(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 2)
  let flags = try bytes.u8(at: 0)
  let sequence = try sequenceNumber(bytes)
  record(flags, sequence, &printer)
  printer.write("FRF.15, seq 0x", sequence, as: .hex(3))
  printer.out.write(", Flags [")
  printer.write(Flag.names, flags)
  printer.out.write(flags & 1 != 0 ? "],Interface" : "],End-to-End")
  printer.write(" Fragmentation, length ", bytes.length)
}
