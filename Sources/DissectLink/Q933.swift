package import Dissect
import PacketCore

extension Layer {
  static let q933 = Layer(
    "q933", "Frame Relay signalling", "ITU-T Q.933 annex A, ANSI T1.617 annex D", marks: ["q.933"]
  ) {
    [
      Field("call_reference", .hex, "Call reference."),
      Field("message_type", .uint8, "Type of the message."),
      Field("message_name", .text, "Name of the type."),
      Field("codeset", .uint8, "Codeset of the elements; 0 of ITU-T, 5 of ANSI."),
      Field(
        "elements",
        .array(
          .object([
            Field("type", .uint8, "Type of the element.", always: true),
            Field("length", .uint8, "Bytes of its value.", always: true),
            Field("report_type", .uint8, "0 full status, 1 link verification, 2 status of one circuit."),
            Field("sent_sequence", .uint8, "The sender's sequence number."),
            Field("received_sequence", .uint8, "The last sequence number that it received."),
            Field("dlci", .uint32, "Permanent virtual circuit."),
            Field("status_bits", .uint8, "Status of the circuit, as bits: 8 new, 2 active."),
          ])), "Information elements, in order.", each: "One element."),
    ]
  }
}

extension Dissector {
  package static let q933 = Dissector(
    name: "q.933", claims: [Claim(.nlpid, UInt8(0x08))], layers: [.q933], print: printQ933)
}

private let messages: ValueNames = [
  0x00: "ESC to National", 0x01: "Alert", 0x02: "Call proceeding", 0x03: "Progress", 0x05: "Setup", 0x07: "Connect",
  0x0f: "Connect ACK", 0x45: "Disconnect", 0x46: "Restart", 0x4d: "Release", 0x4e: "Restart ACK",
  0x5a: "Release Complete", 0x75: "Status Enquiry", 0x7d: "Status Reply",
]

/// Information elements; ANSI's numbers lack the bits that give the codeset in ITU-T's numbers.
private enum Element {
  case reportType, linkVerification, status

  static let names: ValueNames = [
    0x01: "ANSI Report Type", 0x03: "ANSI Link Verify", 0x07: "ANSI PVC Status", 0x19: "ANSI Link Verify",
    0x51: "CCITT Report Type", 0x53: "CCITT Link Verify", 0x57: "CCITT PVC Status",
  ]

  init?(_ type: UInt8) {
    switch type {
    case 0x01, 0x51: self = .reportType
    case 0x03, 0x19, 0x53: self = .linkVerification
    case 0x07, 0x57: self = .status
    default: return nil
    }
  }
}

private let reportTypes: ValueNames = [0: "Full Status", 1: "Link verify", 2: "Async PVC Status"]

/// Shifts to other codesets, one byte each; codeset 5 is that of ANSI.
private enum Shift {
  /// The bit that marks elements of a single byte.
  static let singleByte: UInt8 = 0x80
  static let identifier: UInt8 = 0x90
  static let lockingToANSI: UInt8 = 0x95
}

///     0                               1                1 + length     2 + length
///     +-------------------------------+----------------+--------------+---------------+---------
///     | length of the reference (4)   | call reference | message type | shift, if any | elements
///     +-------------------------------+----------------+--------------+---------------+---------
@Sendable
private func printQ933(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if !printer.options.linkHeader { printer.out.write("Q.933, ") }
  _ = printer.enter(.q933)
  let referenceLength = bytes.has(0, 1) ? Int(try bytes.u8(at: 0) & 15) : 0
  guard bytes.has(0, 2 &+ referenceLength) else {
    printer.write("length ", bytes.length)
    throw .truncated
  }
  let type = try bytes.u8(at: 1 &+ referenceLength)
  var offset = 2 &+ referenceLength
  let next = bytes.has(offset, 1) ? try bytes.u8(at: offset) : 0
  let hasShift = next & Shift.singleByte != 0
  let codeset = next & 0xf0 == Shift.identifier ? next & 7 : 0
  if hasShift { offset &+= 1 }
  printer.out.write(next == Shift.lockingToANSI ? "ANSI" : "CCITT")
  printer.write(", codeset ", "codeset", codeset)
  if hasShift { try bytes.check(offset, 1) }
  if referenceLength > 0 {
    printer.write(", Call Ref: 0x", "call_reference", hex: try bytes.slice(at: 1, length: referenceLength))
  }
  if printer.writesFields { printer.fields.write("message_type", type, "message_name", messages) }
  let isVerbose = printer.options.verbosity > 0
  if isVerbose {
    printer.write(", ", type, as: .named(messages, unknown: "unknown message"))
    printer.write(" (0x", type, as: .hex(2))
    printer.write("), length ", bytes.length)
    _ = try printElements(bytes, offset, &printer)
  } else {
    printer.write(", ", type, as: .named(messages, unknown: .hex("unknown message 0x", digits: 2)))
    let isWhole: Bool
    do throws(DecodeError) {
      isWhole = try printElements(bytes, offset, &printer)
    } catch {
      printer.write(", length ", bytes.length)
      throw error
    }
    if isWhole { printer.write(", length ", bytes.length) }
  }
}

private let layout = OptionLayout()

/// Prints the elements; false after an impossible one.
private func printElements(
  _ bytes: PacketBytes, _ start: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let isVerbose = printer.options.verbosity > 0
  var list = printer.openList(bytes, at: start, layout, objects: "elements")
  while let element = try printer.next(&list) {
    let type = UInt8(truncatingIfNeeded: element.type)
    if printer.writesFields {
      printer.fields.write("type", type)
      printer.fields.write("length", element.length)
    }
    if isVerbose {
      printer.write("\n\t", type, as: .named(Element.names, unknown: "unknown"))
      printer.write(" IE (0x", type, as: .hex(2))
      printer.write("), length ", element.length)
      printer.out.write(": ")
    }
    // Type 0 and length 0 are both invalid.
    if type == 0 || element.length == 0 {
      printer.stop(&list)
      return false
    }
    try print(Element(type), try element.wholeValue(), &printer)
  }
  return true
}

private func print(_ element: Element?, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isVerbose = printer.options.verbosity > 0
  let separator: StaticString = isVerbose ? "" : ", "
  switch element {
  case .reportType:
    let type = try value.u8(at: 0)
    if printer.writesFields { printer.fields.write("report_type", type) }
    guard isVerbose else { return }
    printer.write("", type, as: .named(reportTypes, unknown: "unknown"))
    printer.write(" (", type)
    printer.out.write(")")
  case .linkVerification:
    printer.out.write(separator)
    guard value.length >= 2 else { return printer.writeFault("Invalid LINK VERIFY IE") }
    let (sent, received) = (try value.u8(at: 0), try value.u8(at: 1))
    if printer.writesFields {
      printer.fields.write("sent_sequence", sent)
      printer.fields.write("received_sequence", received)
    }
    printer.out.write("TX Seq: ")
    printer.out.write(decimal: sent, width: 3, pad: UInt8(ascii: " "))
    printer.out.write(", RX Seq: ")
    printer.out.write(decimal: received, width: 3, pad: UInt8(ascii: " "))
  case .status:
    printer.out.write(separator)
    guard let circuit = try Circuit(value) else { return printer.writeFault("Invalid DLCI in PVC STATUS IE") }
    printer.write("DLCI ", "dlci", circuit.identifier)
    if printer.writesFields { printer.fields.write("status_bits", circuit.status) }
    printer.out.write(": status ")
    if circuit.status & 8 != 0 { printer.out.write("New, ") }
    printer.out.write(circuit.status & 2 != 0 ? "Active" : "Inactive")
  case nil:
    if isVerbose { printer.writeHex(value) }
  }
}

/// The status of a permanent virtual circuit.
///
///     8   7   6   5   4   3   2   1
///     +---+---+-----------------------+
///     | 0 | 0 | DLCI (6)              |
///     | 1 | DLCI (4)      | 0         |      0 in the first bit where one or two more bytes of DLCI follow
///     | 1 | 0         |new| 0 |act.| 0|
///     +---+---+-----------------------+
private struct Circuit {
  let identifier: UInt32
  let status: UInt8

  /// Returns nil if the extension bits of the identifier do not match the length.
  init?(_ value: PacketBytes) throws(DecodeError) {
    guard (3...5).contains(value.length) else { return nil }
    func byte(_ index: Int) throws(DecodeError) -> UInt32 { UInt32(try value.u8(at: index)) }
    let last = value.length &- 2
    for index in 0...last where try byte(index) & 0x80 == 0 ? index == last : index != last { return nil }
    guard try byte(value.length &- 1) & 0x80 != 0 else { return nil }
    var identifier = (try byte(0) & 0x3f) << 4 | (try byte(1) & 0x78) >> 3
    switch value.length {
    case 4: identifier = identifier << 6 | (try byte(2) & 0x7e) >> 1
    case 5: identifier = identifier << 13 | (try byte(2) & 0x7f) << 6 | (try byte(3) & 0x7e) >> 1
    default: break
    }
    self.identifier = identifier
    status = try value.u8(at: value.length &- 1) & 0x0a
  }
}
