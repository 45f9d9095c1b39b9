import PacketCore

@testable import Dissect

// The example of the guide "Adding a protocol": `GuideTests` compares the guide with it.

extension Layer {
  static let babel = Layer("babel", "Babel routing protocol", "RFC 8966 section 4") {
    [
      Field("version", .uint8, "Version of the protocol.", always: true),
      Field("body_length", .uint16, "Bytes of the body.", always: true),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint8, "TLV type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("nonce", .uint16, "Number that an acknowledgment repeats."),
            Field("interval", .uint16, "Interval in hundredths of a second."),
            Field("next_hop", .ip, "Next hop."),
            Field("data", .hex, "Value of any other TLV."),
          ])), "TLVs, in order.", each: "One TLV; its members depend on its type."),
    ]
  }
}

extension Dissector {
  static let babel = Dissector(name: "babel", claims: [.udpPort(6696)], layers: [.babel], print: printBabel)
}

/// How the value of a TLV is written.
private enum Form { case padding, acknowledgmentRequest, acknowledgment, nextHop, unknown }

private let tlvs: OptionTable<Form> = [
  0: OptionRow("Pad 1", .padding), 1: OptionRow("Pad N", .padding),
  2: OptionRow("Acknowledgment Request", .acknowledgmentRequest), 3: OptionRow("Acknowledgment", .acknowledgment),
  4: OptionRow("Hello", .unknown), 7: OptionRow("Next Hop", .nextHop),
]

///     0       1         2             4
///     +-------+---------+-------------+------
///     | magic | version | body length | TLVs      (RFC 8966 section 4.2)
///     +-------+---------+-------------+------
@Sendable
private func printBabel(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("babel")
  try printer.reject("length", bytes.length, .less, 4)
  try printer.reject("magic", Int(try bytes.u8(at: 0)), .notEqual, 42)
  let version = try bytes.u8(at: 1)
  let length = Int(try bytes.u16(at: 2))
  _ = printer.enter(.babel)
  printer.write(" ", "version", version)
  printer.write(" (", "body_length", length)
  printer.out.write(")")
  let body = bytes.clamped(to: 4 &+ length)
  var list = printer.openList(body, at: 4, OptionLayout(padding: 0), array: "tlvs")
  while let tlv = try printer.next(&list) {
    let row = tlvs[type: tlv.type]
    if row?.form == .padding { continue }
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", tlv.type)
      if let row { printer.fields.write("type_name", row.name) }
    }
    printer.out.write("\n\t")
    printer.out.write(row?.name ?? "Unknown")
    if tlv.isTooLong {
      printer.writeFault(" (invalid length)")
      continue
    }
    try print(row?.form ?? .unknown, try tlv.wholeValue(), &printer)
  }
}

private func print(_ form: Form, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  switch form {
  case .acknowledgmentRequest:
    try value.check(0, 6)
    printer.write(" ", "nonce", try value.u16(at: 2), as: .hex(4))
    printer.write(" interval ", "interval", try value.u16(at: 4))
  case .acknowledgment: printer.write(" ", "nonce", try value.u16(at: 0), as: .hex(4))
  case .nextHop where value.length == 6: printer.write(" ", "next_hop", try value.ipv4(at: 2))
  default: printer.write(" 0x", "data", hex: value)
  }
}
