package import Dissect
import PacketCore

extension Layer {
  static let rsvp = Layer(
    "rsvp", "Resource Reservation Protocol", "RFC 2205, RFC 2961, RFC 3209, RFC 3473, RFC 4090, RFC 4124, RFC 4875"
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("flag_bits", .uint8, "Flags of the message."),
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("ttl", .uint8, "Time to live with which the message was sent."),
      Field("length", .uint16, "Bytes of the message, as it states."),
      Field(
        "objects", .array(.object(rsvpObjectFields)),
        "Objects, in order, of messages that are printed with -v; those of a bundle in sequence.",
        each: "One object; which members there are depends on its class and type."),
    ]
  }
}

extension Dissector {
  package static let rsvp = Dissector(name: "rsvp", claims: [.ipProtocol(46)], layers: [.rsvp], print: printRSVP)
}

private let messageNames: ValueNames = [
  1: "Path", 2: "Resv", 3: "PathErr", 4: "ResvErr", 5: "PathTear", 6: "ResvTear", 7: "ResvConf", 12: "Bundle",
  13: "Acknowledgement", 14: "Hello (Old)", 15: "Refresh", 20: "Hello",
]
private let bundle: UInt8 = 12
private let messageFlags: FlagNames = [0x01: "Refresh reduction capable"]

///     0                4      8          16         24         32
///     +---------+-------+------+----------+-----+----------+--------+---------
///     | version | flags | type | checksum | TTL | reserved | length | objects       RFC 2205 section 3.1.1
///     +---------+-------+------+----------+-----+----------+--------+---------
///     0                 1      2          4     5          6        8   bytes
private let headerLength = 8

@Sendable
private func printRSVP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let first = try bytes.u8(at: 0)
  if printer.enter(.rsvp) { printer.fields.write("version", first >> 4) }
  guard first >> 4 == 1 else {
    printer.writeFault("ERROR: RSVP version ")
    printer.out.write(decimal: first >> 4)
    printer.out.write(" packet not supported")
    return
  }
  let type = try bytes.u8(at: 1)
  if printer.writesFields {
    printer.fields.write("flag_bits", first & 15)
    printer.fields.write("type", type, "type_name", messageNames)
    printer.fields.write("checksum", try bytes.u16(at: 2))
    printer.fields.write("ttl", try bytes.u8(at: 4))
    printer.fields.write("length", try bytes.u16(at: 6))
  }
  guard printer.options.verbosity > 0 else {
    printer.write("RSVPv", first >> 4)
    printer.write(" ", type, as: .named(messageNames, unknown: .decimal("unknown (", ")")))
    return printer.write(" Message, length: ", bytes.length)
  }
  guard let length = try writeHeader(bytes, "\n\t", &printer) else { return }
  guard messageNames[type] != nil else {
    return printer.writeHex(try bytes.clamped(to: length).dropping(headerLength), indent: "\n\t    ")
  }
  if printer.writesFields { printer.fields.beginArray("objects") }
  let message = bytes.clamped(to: length).withLength(length)
  if type == bundle {
    var offset = headerLength
    while offset < length {
      let inner = try message.dropping(offset)
      try inner.check(0, headerLength)
      guard let innerLength = try writeHeader(inner, "\n\t  ", &printer) else { return }
      try printer.printRSVPObjects(
        inner.clamped(to: innerLength).withLength(innerLength), at: headerLength, RSVPIndent(isBundled: true))
      offset &+= innerLength
    }
  } else {
    try printer.printRSVPObjects(message, at: headerLength, RSVPIndent(isBundled: false))
  }
  if printer.writesFields { printer.fields.end() }
}

/// The start of lines for objects, for their values, and for lists in values; indented further in a bundle.
struct RSVPIndent {
  let object: StaticString
  let value: StaticString
  let list: StaticString

  init(isBundled: Bool) {
    object = isBundled ? "\n\t    " : "\n\t  "
    value = isBundled ? "\n\t      " : "\n\t    "
    list = isBundled ? "\n\t        " : "\n\t      "
  }
}

/// Prints the common header; returns the length that it states, or nil if that is too short for the header itself.
private func writeHeader(
  _ bytes: PacketBytes, _ indent: StaticString, _ printer: inout Printer
) throws(DecodeError) -> Int? {
  let first = try bytes.u8(at: 0)
  let type = try bytes.u8(at: 1)
  let length = Int(try bytes.u16(at: 6))
  printer.out.write(indent)
  printer.write("RSVPv", first >> 4)
  printer.write(" ", type, as: .named(messageNames, unknown: .decimal("unknown, type: ")))
  printer.write(" Message (", type)
  printer.out.write("), Flags: [")
  printer.write(messageFlags, first & 15)
  printer.write("], length: ", length)
  printer.write(", ttl: ", try bytes.u8(at: 4))
  printer.write(", checksum: 0x", try bytes.u16(at: 2), as: .hex(4))
  guard length >= headerLength else {
    printer.writeFault("ERROR: common header too short ")
    printer.out.write(decimal: length)
    printer.write(" < ", headerLength)
    return nil
  }
  return length
}

///     0        2       3        4
///     +--------+-------+--------+-------
///     | length | class | c-type | value       RFC 2205 section 3.1.2; the length counts the header
///     +--------+-------+--------+-------
private let objectHeaderLength = 4

extension Printer {
  /// Prints the objects of a message, from `start` on, into the open array.
  fileprivate mutating func printRSVPObjects(
    _ message: PacketBytes, at start: Int, _ indent: RSVPIndent
  ) throws(DecodeError) {
    let level = fields.level
    defer { if writesFields { fields.end(downTo: level) } }
    var list = openList(message, at: start, rsvpObjectLayout)
    while let object = try next(&list) {
      let (classNumber, classType) = (
        UInt8(truncatingIfNeeded: object.type >> 8), UInt8(truncatingIfNeeded: object.type)
      )
      if object.size % 4 != 0 {
        out.write(indent.object)
        writeFault("ERROR: object header size ")
        out.write(decimal: object.size)
        out.write(" not a multiple of 4")
        return
      }
      if object.isTooShort {
        out.write(indent.object)
        writeFault("ERROR: object header too short ")
        out.write(decimal: object.size)
        write(" < ", objectHeaderLength)
        return
      }
      if writesFields {
        fields.end(downTo: level)
        fields.beginObject()
        fields.write("class", classNumber, "class_name", RSVPClass.names)
        fields.write("class_type", classType)
        fields.write("length", object.size)
      }
      out.write(indent.object)
      write(RSVPClass.names, classNumber, unknown: "Unknown")
      write(" Object (", classNumber)
      // The two upper bits of the class say what a router does that does not know the class (RFC 2205 section 3.10).
      out.write(
        classNumber < 0x80
          ? ") Flags: [reject if unknown], Class-Type: "
          : classNumber < 0xc0
            ? ") Flags: [ignore silently if unknown], Class-Type: "
            : ") Flags: [ignore and forward if unknown], Class-Type: ")
      out.write(RSVPClass.typeName(classNumber, classType) ?? "Unknown")
      write(" (", classType)
      write("), length: ", object.size)
      if object.isTooLong {
        out.write(indent.object)
        writeFault("ERROR: object goes past end of objects TLV")
        return
      }
      let value = try object.wholeValue()
      let reading = try printRSVPObject(classNumber, classType, value, indent)
      switch reading {
      case .tooShort:
        out.write(indent.object)
        return writeFault("ERROR: object is too short")
      case .isInvalid: return
      case .read, .isDumped: break
      }
      if reading == .isDumped || options.verbosity > 1 {
        if writesFields { fields.write("data", hex: value) }
        writeHex(value, indent: indent.value)
      }
    }
  }
}

/// The class and the type after it are read as one number.
private let rsvpObjectLayout = OptionLayout(
  type: .bytes(at: 2, 2), length: .bytes(at: 0, 2), headerLength: UInt16(objectHeaderLength), countsHeader: true,
  shortHeader: .endsList)
