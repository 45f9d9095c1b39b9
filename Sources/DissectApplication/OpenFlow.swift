package import Dissect
import PacketCore

extension Dissector {
  /// OpenFlow switch protocol: messages of versions 1.0 and 1.3, and the headers of other versions.
  package static let openflow = Dissector(
    name: "openflow", claims: [.tcpPort(6653), .tcpPort(6633)], layers: [.openflow], print: printOpenFlow)
}

/// Versions of the protocol, as numbered in the header.
private enum Version {
  static let version10: UInt8 = 1
  static let version13: UInt8 = 4
  static let names: ValueNames = [1: "1.0", 2: "1.1", 3: "1.2", 4: "1.3", 5: "1.4", 6: "1.5"]
}

///     0         1      2        4                8
///     +---------+------+--------+----------------+---------
///     | version | type | length | transaction ID | by type      (1.0.0 section 5.1)
///     +---------+------+--------+----------------+---------
/// The length includes the header. Each version numbers its types on its own.
private let headerLength = 8

/// The length of a message after its header.
enum OpenFlowLength {
  case exactly(Int)
  case atLeast(Int)

  func allows(_ length: Int) -> Bool {
    switch self {
    case .exactly(let number): length == number
    case .atLeast(let number): length >= number
    }
  }
}

/// Prints the messages of a segment, which must begin with a message.
@Sendable
private func printOpenFlow(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": OpenFlow")
  var offset = 0
  while offset < payload.length {
    guard let length = try printMessage(try payload.dropping(offset), &printer) else { return }
    offset &+= length
  }
}

/// Returns the length of the message in bytes; nil if nothing after it can be read.
private func printMessage(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  let version = try bytes.u8(at: 0)
  if printer.enter(.openflow) { printer.fields.write("version", version) }
  printer.write("\n\tversion ", version, as: .named(Version.names, unknown: .hex("unknown (0x", digits: 2, ")")))
  guard bytes.length > 1 else { return endSegment(&printer) }
  let type = try bytes.u8(at: 1)
  let names =
    switch version {
    case Version.version10: OpenFlow10.messages
    case Version.version13: OpenFlow13.messages
    default: openFlowNoNames
    }
  printer.write(
    ", type ", "type", type, as: .named(names, key: "type_name", unknown: .hex("unknown (0x", digits: 2, ")")))
  guard bytes.length >= 4 else { return endSegment(&printer) }
  let length = Int(try bytes.u16(at: 2))
  printer.write(", length ", "length", length)
  if length < headerLength { printer.writeFault(" (too short!)") }
  guard bytes.length >= headerLength else { return endSegment(&printer) }
  printer.write(", xid 0x", "xid", try bytes.u32(at: 4), as: .hex(8))
  guard length >= headerLength else {
    printer.out.write(" (invalid)")
    try bytes.check(0, bytes.length)
    return nil
  }
  let bodyLength = length &- headerLength
  let body = try bytes.dropping(headerLength).clamped(to: bodyLength).withLength(bodyLength)
  try printer.nest(body) { (body, printer) throws(DecodeError) in
    switch version {
    case Version.version10: try printOpenFlow10(type, body, &printer)
    case Version.version13: try printOpenFlow13(type, body, &printer)
    default: break
    }
  }
  try bytes.check(0, length)
  return length
}

/// Reports that the rest of the header is in the next segment.
private func endSegment(_ printer: inout Printer) -> Int? {
  printer.out.write(" (end of TCP payload)")
  return nil
}

// MARK: Parts common to several versions

extension Printer {
  /// Data that is not parsed: its length and, with `-vv`, a dump.
  mutating func printOpenFlowData(_ data: PacketBytes) throws(DecodeError) {
    guard data.length > 0 else { return }
    if writesFields { fields.write("data", hex: data) }
    write("\n\t data (", data.length)
    out.write(" octets)")
    if options.verbosity > 1 { writeHexAndASCII(data, indent: "\n\t  ") }
    try data.check(0, data.length)
  }

  /// A frame that a switch has received or is to send; with `-vvv` it is dissected.
  mutating func printOpenFlowFrame(_ frame: PacketBytes) throws(DecodeError) {
    guard frame.length > 0 else { return }
    write("\n\t data (", frame.length)
    out.write(" octets)")
    guard options.verbosity > 2 else { return try frame.check(0, frame.length) }
    out.write(", frame decoding below\n")
    try nest(frame) { (frame, printer) throws(DecodeError) in
      do throws(DecodeError) {
        try printer.run(.ethernet, frame)
      } catch {
        // A switch sends only the beginning of a frame: the message goes on after the frame is cut off.
        if error == .truncated { printer.writeTruncation() }
      }
    }
  }

  /// `title`, a number with `digits` hexadecimal digits, and the names of the bits set in it. Bits that are not `known` are marked as
  /// invalid, including `reserved` ones, which have a name.
  mutating func writeOpenFlowFlags(
    _ title: StaticString, _ key: StaticString, _ value: UInt32, _ names: FlagNames, known: UInt32,
    reserved: UInt32 = 0, digits: Int = 8
  ) {
    write(title, key, value, as: .hex(digits))
    if value & (known | reserved) != 0 {
      out.write(" (")
      write(names, value)
      out.write(")")
    }
    if value & ~known != 0 { writeFault(" (bogus)") }
  }

  /// The number of a vendor: its OUI or, if the upper byte is not 0, a number assigned by the Open Networking Foundation.
  mutating func writeOpenFlowVendor(_ title: StaticString, _ vendor: UInt32) {
    if writesFields { fields.write("vendor", vendor, "vendor_name", OUI.names) }
    write(title, vendor, as: .hex(8))
    write(" (", vendor, as: .named(OUI.names, unknown: "unknown"))
    out.write(")")
  }

  /// Text in quotation marks, from a field of `length` bytes that is padded with zeros.
  mutating func writeOpenFlowText(
    _ title: StaticString, _ key: StaticString, _ bytes: PacketBytes, at offset: Int, length: Int
  ) throws(DecodeError) {
    let field = try bytes.dropping(offset).clamped(to: length).withLength(length)
    if writesFields { fields.write(key, text: try field.slice(at: 0, length: try field.lengthToNUL())) }
    out.write(title)
    out.write("'")
    try writeTextToNUL(field)
    out.write("'")
    try field.check(0, length)
  }

  /// ` type BAD_REQUEST, code BAD_LEN` and the data of the error: the start of the rejected message, or text.
  mutating func printOpenFlowError(_ body: PacketBytes, _ errors: OpenFlowErrors) throws(DecodeError) {
    let type = try body.u16(at: 0)
    write(
      "\n\t type ", "error_type", type,
      as: .named(errors.types, key: "error_type_name", unknown: .hex("invalid (0x", digits: 4, ")")))
    let code = try body.u16(at: 2)
    write(
      ", code ", "error_code", code,
      as: .named(errors.codes(of: type), key: "error_code_name", unknown: .hex("invalid (0x", digits: 4, ")")))
    try printOpenFlowData(try body.dropping(4))
  }
}

/// The error names of one version: types and, by type from 0 on, codes.
struct OpenFlowErrors {
  let types: ValueNames
  let codes: [ValueNames]

  func codes(of type: UInt16) -> ValueNames {
    Int(type) < codes.count ? codes[Int(type)] : openFlowNoNames
  }
}

/// An empty table, for numbers without names.
let openFlowNoNames: ValueNames = [:]
