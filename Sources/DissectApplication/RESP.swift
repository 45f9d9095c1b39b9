package import Dissect
import PacketCore

extension Layer {
  static let resp = Layer("resp", "Redis serialization protocol", "Redis protocol specification") {
    [
      Field(
        "elements",
        .array(
          .object([
            Field(
              "value_kind", .words(["simple_string", "error", "integer", "bulk_string", "array", "inline"]),
              "Kind of the value.", always: true),
            Field("text", .text, "Text of the value."),
            Field("is_null", .flag, "No value."),
            Field("element_count", .uint32, "Values of an array, which follow one by one."),
          ])), "Values in the order of the wire; those of an array follow it.", each: "One value.", always: true)
    ]
  }
}

extension Dissector {
  package static let resp = Dissector(
    name: "resp", claims: [.tcpPort(6379), .tcpPayloadType(.resp)], layers: [.resp], print: printRESP)
}

private let carriageReturn = UInt8(ascii: "\r")
private let lineFeed = UInt8(ascii: "\n")
private let greatestLength: UInt64 = 0x7fff_ffff

@Sendable
private func printRESP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": RESP")
  if printer.enter(.resp) { printer.fields.beginArray("elements") }
  let level = printer.fields.level
  var rest = bytes
  // Number of array values that have not been read yet.
  var pending: UInt64 = 0
  // Every iteration advances by at least one byte.
  while rest.length > 0 {
    let length = try printValue(rest, &pending, &printer)
    if printer.writesFields { printer.fields.end(downTo: level) }
    rest = try rest.dropping(length)
  }
  if pending > 0 { throw .truncated }
}

private func begin(_ kind: StaticString, _ printer: inout Printer) {
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("value_kind", kind)
  }
}

/// Prints a value; returns its length in bytes. Of an array only the first line is read.
private func printValue(
  _ bytes: PacketBytes, _ pending: inout UInt64, _ printer: inout Printer
) throws(DecodeError) -> Int {
  pending = pending > 0 ? pending &- 1 : 0
  switch try bytes.u8(at: 0) {
  case UInt8(ascii: "+"): return try printLine(bytes, "simple_string", &printer)
  case UInt8(ascii: "-"): return try printLine(bytes, "error", &printer)
  case UInt8(ascii: ":"): return try printLine(bytes, "integer", &printer)
  case UInt8(ascii: "$"): return try printBulk(bytes, &pending, &printer)
  case UInt8(ascii: "*"): return try printArray(bytes, &pending, &printer)
  default: return try printInline(bytes, &printer)
  }
}

private func write(_ text: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.write("text", text: text) }
  printer.out.write(" \"")
  try printer.writeText(text, length: text.length)
  printer.out.write("\"")
}

/// The offset of the first CR LF after `start`.
private func endOfLine(_ bytes: PacketBytes, from start: Int) throws(DecodeError) -> Int {
  var offset = start
  while true {
    if try bytes.u8(at: offset) == carriageReturn, try bytes.u8(at: offset &+ 1) == lineFeed { return offset }
    offset &+= 1
  }
}

private func printLine(
  _ bytes: PacketBytes, _ kind: StaticString, _ printer: inout Printer
) throws(DecodeError) -> Int {
  begin(kind, &printer)
  let end = try endOfLine(bytes, from: 1)
  try write(try bytes.slice(at: 1, length: end &- 1), &printer)
  return end &+ 2
}

private func printInline(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int {
  func isEnd(_ offset: Int) throws(DecodeError) -> Bool {
    let byte = try bytes.u8(at: offset)
    return byte == carriageReturn || byte == lineFeed
  }
  var start = 0
  while try isEnd(start) { start &+= 1 }
  begin("inline", &printer)
  var end = start
  while try !isEnd(end) { end &+= 1 }
  try write(try bytes.slice(at: start, length: end &- start), &printer)
  while end < bytes.length, try isEnd(end) { end &+= 1 }
  return end
}

/// The number that follows `$` and `*`.
private enum Size {
  case null
  case count(UInt64)
  case negative
  case tooLarge
}

/// A number and the end of its line, nil if there is something else; and how many bytes were read.
private func size(_ bytes: PacketBytes) throws(DecodeError) -> (size: Size?, length: Int) {
  var offset = 1
  let isNegative = try bytes.u8(at: offset) == UInt8(ascii: "-")
  if isNegative { offset &+= 1 }
  let firstDigit = offset
  var number: UInt64 = 0
  while true {
    let byte = try bytes.u8(at: offset)
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
    number = min(number &* 10 &+ UInt64(byte &- UInt8(ascii: "0")), greatestLength &+ 1)
    offset &+= 1
  }
  let hasDigits = offset > firstDigit
  for wanted in [carriageReturn, lineFeed] {
    let byte = try bytes.u8(at: offset)
    offset &+= 1
    if byte != wanted { return (nil, offset) }
  }
  if !hasDigits { return (nil, offset) }
  if number > greatestLength { return (.tooLarge, offset) }
  if !isNegative { return (.count(number), offset) }
  return (number == 1 ? .null : .negative, offset)
}

/// Reports an error; the number of pending values is no longer known.
private func writeFault(_ size: Size?, _ pending: inout UInt64, _ printer: inout Printer) {
  pending = 0
  switch size {
  case .negative: printer.writeFault(" length negative and not -1")
  case .tooLarge: printer.writeFault(" length too large")
  default: printer.writeFault(" invalid")
  }
}

private func printArray(
  _ bytes: PacketBytes, _ pending: inout UInt64, _ printer: inout Printer
) throws(DecodeError) -> Int {
  let (size, length) = try size(bytes)
  begin("array", &printer)
  switch size {
  case .null?:
    if printer.writesFields { printer.fields.write("is_null", true) }
    printer.out.write(" null")
  case .count(let count)?:
    if printer.writesFields { printer.fields.write("element_count", count) }
    pending &+= count
    if count == 0 { printer.out.write(" empty") }
  default: writeFault(size, &pending, &printer)
  }
  return length
}

private func printBulk(
  _ bytes: PacketBytes, _ pending: inout UInt64, _ printer: inout Printer
) throws(DecodeError) -> Int {
  let (size, length) = try size(bytes)
  begin("bulk_string", &printer)
  guard case .count(let count)? = size else {
    if case .null? = size {
      if printer.writesFields { printer.fields.write("is_null", true) }
      printer.out.write(" null")
    } else {
      writeFault(size, &pending, &printer)
    }
    return length
  }
  let text = try bytes.slice(at: length, length: Int(count))
  if count == 0 {
    if printer.writesFields { printer.fields.write("text", text: text) }
    printer.out.write(" empty")
  } else {
    try write(text, &printer)
  }
  return try endOfLine(bytes, from: length &+ Int(count)) &+ 2
}
