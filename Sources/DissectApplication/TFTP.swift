package import Dissect
import PacketCore

extension Layer {
  static let tftp = Layer(
    "tftp", "Trivial File Transfer Protocol", "RFC 1350"
  ) {
    [
      Field("operation", .uint16, "Operation.", always: true),
      Field("operation_name", .text, "Name of the operation."),
      Field("file", .text, "File name."),
      Field("transfer_mode", .text, "Mode."),
      Field("option_texts", .array(.text), "Options (RFC 2347): names and values by turns."),
      Field("block", .uint16, "Block number."),
      Field("data_length", .length, "Bytes of data."),
      Field("error", .uint16, "Error code."),
      Field("error_name", .text, "Name of the error."),
      Field("message", .text, "Error message."),
    ]
  }
}

extension Dissector {
  /// Trivial File Transfer Protocol, RFC 1350; options: RFC 2347.
  package static let tftp = Dissector(
    name: "tftp", claims: [.udpPort(69), .payloadType(.tftp)], layers: [.tftp], standsAlone: true, print: printTFTP)
}

private enum Operation {
  static let readRequest: UInt16 = 1
  static let writeRequest: UInt16 = 2
  static let data: UInt16 = 3
  static let acknowledgment: UInt16 = 4
  static let error: UInt16 = 5
  static let optionAcknowledgment: UInt16 = 6
  static let names: ValueNames = [1: "RRQ", 2: "WRQ", 3: "DATA", 4: "ACK", 5: "ERROR", 6: "OACK"]
}

private let errors: ValueNames = [
  0: "EUNDEF", 1: "ENOTFOUND", 2: "EACCESS", 3: "ENOSPACE", 4: "EBADOP", 5: "EBADID", 6: "EEXISTS", 7: "ENOUSER",
]

@Sendable
private func printTFTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("TFTP, length ", bytes.length)
  if bytes.length < 2 { throw .truncated }
  let operation = try bytes.u16(at: 0)
  if printer.enter(.tftp) { printer.fields.write("operation", operation, "operation_name", Operation.names) }
  printer.write(", ", operation, as: .named(Operation.names, unknown: .decimal("tftp-#")))
  if Operation.names[operation] == nil { return }
  // A field that is missing altogether counts as truncated.
  let rest = try bytes.dropping(2)
  if rest.length == 0, operation != Operation.optionAcknowledgment { throw .truncated }
  switch operation {
  case Operation.readRequest, Operation.writeRequest:
    printer.out.write(" \"")
    if printer.writesFields { recordText("file", rest, from: 0, &printer) }
    var offset = try printer.writeTerminatedText(rest, at: 0, closing: "\"")
    guard offset < rest.length else { throw .truncated }
    printer.out.write(" ")
    if printer.writesFields { recordText("transfer_mode", rest, from: offset, &printer) }
    offset = try printer.writeTerminatedText(rest, at: offset)
    if printer.writesFields { printer.fields.beginArray("option_texts") }
    while offset < rest.length {
      if try rest.u8(at: offset) != 0 { printer.out.write(" ") }
      if printer.writesFields { printer.fields.element(text: rest.textToNUL(from: offset)) }
      offset = try printer.writeTerminatedText(rest, at: offset)
    }
    if printer.writesFields { printer.fields.end() }
  case Operation.optionAcknowledgment:
    var offset = 0
    if printer.writesFields { printer.fields.beginArray("option_texts") }
    while offset < rest.length {
      if try rest.u8(at: offset) != 0 { printer.out.write(" ") }
      if printer.writesFields { printer.fields.element(text: rest.textToNUL(from: offset)) }
      offset = try printer.writeTerminatedText(rest, at: offset)
    }
    if printer.writesFields { printer.fields.end() }
  case Operation.data, Operation.acknowledgment:
    if rest.length < 2 { throw .truncated }
    let block = try rest.u16(at: 0)
    if printer.writesFields {
      printer.fields.write("block", block)
      if operation == Operation.data { printer.fields.write("data_length", rest.length - 2) }
    }
    printer.write(" block ", block)
  default:
    if rest.length < 2 { throw .truncated }
    let code = try rest.u16(at: 0)
    if printer.writesFields { printer.fields.write("error", code, "error_name", errors) }
    printer.write(" ", code, as: .named(errors, unknown: .decimal("tftp-err-#", " \"")))
    let text = try rest.dropping(2)
    if text.length == 0 { throw .truncated }
    if printer.writesFields { recordText("message", text, from: 0, &printer) }
    printer.out.write(" \"")
    _ = try printer.writeTerminatedText(text, at: 0, closing: "\"")
  }
}

private func recordText(_ key: StaticString, _ bytes: PacketBytes, from start: Int, _ printer: inout Printer) {
  printer.fields.write(key, text: bytes.textToNUL(from: start))
}
