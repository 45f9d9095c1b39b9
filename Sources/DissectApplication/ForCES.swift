package import Dissect
import PacketCore

extension Layer {
  static let forces = Layer("forces", "Forwarding and Control Element Separation", "RFC 5810, RFC 5811") {
    [
      Field("version", .uint8, "Version."),
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint32, "Bytes of the message, its header included."),
      Field("source_element", .uint32, "Sender: a forwarding element, or with bit 30 a control element."),
      Field("destination_element", .uint32, "Receiver."),
      Field("correlator", .uint64, "Number of a command, which its response repeats."),
      Field("flag_bits", .uint32, "Flags."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint16, "TLV type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the TLV, its type and length included.", always: true),
            Field("class_id", .uint32, "Class of logical function blocks."),
            Field("class_name", .text, "Name of the class."),
            Field("instance", .uint32, "Block of the class."),
            Field("result", .uint32, "Result of an association, or why one ends."),
            Field("result_name", .text, "Its name."),
            Field("data", .hex, "Packet that is redirected."),
            Field(
              "operations",
              .array(
                .object([
                  Field("type", .uint16, "Kind of operation.", always: true),
                  Field("type_name", .text, "Name of the kind."),
                  Field(
                    "paths",
                    .array(
                      .object([
                        Field("level", .uint8, "Paths around it."),
                        Field("flag_bits", .uint16, "Flags of the path."),
                        Field("ids", .array(.uint32), "Component, from the outermost identifier on."),
                        Field("key", .uint32, "Key that selects an entry of a table."),
                        Field("result", .uint8, "Result of an operation."),
                        Field("result_name", .text, "Its name."),
                        Field("data", .hex, "Data of the component."),
                      ])), "Paths, in order; those inside another follow it.", each: "One path."),
                ])), "Operations on the block.", each: "One operation."),
          ])), "TLVs, in order.", each: "One TLV."),
    ]
  }
}

extension Dissector {
  package static let forces = Dissector(
    name: "forces",
    claims: [
      Claim(.sctpPayload, UInt32(21)), Claim(.sctpPayload, UInt32(22)), Claim(.sctpPayload, UInt32(23)),
    ], layers: [.forces], print: printForCES)
}

private enum MessageType {
  static let heartbeat: UInt8 = 15
  static let names: ValueNames = [
    1: "Association Setup", 2: "Association TearDown", 3: "Config", 4: "Query", 5: "Event Notification",
    6: "Packet Redirect", 15: "HeartBeat", 17: "Association Response", 19: "Config Response", 20: "Query Response",
  ]
}

///     0         1      2        4        8             12           20
///     +---------+------+--------+--------+-------------+------------+-------+-------
///     | version | type | length | source | destination | correlator | flags | TLVs      (RFC 5810 section 6.1)
///     +---------+------+--------+--------+-------------+------------+-------+-------
/// The version is in the upper four bits; the length counts words of four bytes, header included.
private let headerLength = 24

@Sendable
private func printForCES(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try bytes.u8(at: 1)
  if printer.enter(.forces) {
    printer.fields.write("version", try bytes.u8(at: 0) >> 4)
    printer.fields.write("type", type, "type_name", MessageType.names)
  }
  guard let name = MessageType.names[type] else {
    printer.write("Invalid ForCES message type ", type)
    printer.out.write("\n")
    throw .invalid
  }
  printer.out.write("\n\tForCES ")
  printer.out.write(name)
  printer.out.write(" ")
  let length = Int(try bytes.u16(at: 2)) &* 4
  guard length >= headerLength, length == bytes.length else {
    printer.write("Illegal ForCES pkt len - min ", headerLength)
    printer.write(", total recvd ", bytes.length)
    printer.write(", advertised ", length)
    printer.out.write(" ")
    throw .invalid
  }
  let (source, destination) = (try bytes.u32(at: 4), try bytes.u32(at: 8))
  let correlator = try bytes.u64(at: 12)
  let flags = try bytes.u32(at: 20)
  if printer.writesFields {
    printer.fields.write("length", length)
    printer.fields.write("source_element", source)
    printer.fields.write("destination_element", destination)
    printer.fields.write("correlator", correlator)
    printer.fields.write("flag_bits", flags)
  }
  let verbosity = printer.options.verbosity
  guard verbosity > 0 else { return }
  printer.write("\n\tForCES Version ", try bytes.u8(at: 0) >> 4)
  printer.write(" len ", length)
  printer.write("B flags 0x", flags, as: .hex(8))
  printer.out.write(" \n\tSrcID 0x")
  writeElement(source, &printer)
  printer.out.write(" DstID 0x")
  writeElement(destination, &printer)
  printer.write(" Correlator 0x", correlator, as: .hex(1))
  if verbosity > 1 { writeFlags(flags, &printer) }
  if type == MessageType.heartbeat { return }
  try printTLVs(try bytes.dropping(headerLength), ofMessage: type, &printer)
}

/// An element identifier, and the kind of element that its two upper bits give.
private func writeElement(_ identifier: UInt32, _ printer: inout Printer) {
  printer.out.write(hex: identifier, width: 1)
  switch identifier >> 30 {
  case 0: printer.out.write("(FE)")
  case 1: printer.out.write("(CE)")
  case 2: printer.out.write("(ForCESreserved)")
  default:
    printer.out.write(identifier == .max ? "(AllBroadcast)" : "(AllMulticast)")
  }
}

private let acknowledgments: ValueNames = [0: "NoACK", 1: "SuccessACK", 2: "FailureACK", 3: "AlwaysACK"]
private let executionModes: ValueNames = [
  0: "EMReserved", 1: "execute-all-or-none", 2: "execute-until-failure", 3: "continue-execute-on-failure",
]
private let atomicities: ValueNames = [0: "Standalone", 1: "2PCtransaction"]
private let transactionPhases: ValueNames = [
  0: "StartofTransaction", 1: "MiddleofTransaction", 2: "EndofTransaction", 3: "abort",
]

/// Bits, from the highest: acknowledgment (2), priority (3), reserved (3), execution mode (2), atomic (1), phase (2), reserved (19).
private func writeFlags(_ flags: UInt32, _ printer: inout Printer) {
  func write(_ title: StaticString, _ names: ValueNames, _ value: UInt32) {
    printer.write(title, value, as: .named(names, unknown: ""))
    printer.write("(0x", value, as: .hex(1))
    printer.out.write(")")
  }
  write("\n\tForCES flags:\n\t  ", acknowledgments, flags >> 30)
  printer.write(", prio=", flags >> 27 & 7)
  write(", ", executionModes, flags >> 22 & 3)
  write(",\n\t  ", atomicities, flags >> 21 & 1)
  write(", ", transactionPhases, flags >> 19 & 3)
  printer.write("\n\t  Extra flags: rsv(b5-7) 0x", flags >> 24 & 7, as: .hex(1))
  printer.write(" rsv(b13-31) 0x", flags & 0x7ffff, as: .hex(1))
  printer.out.write("\n")
}

// MARK: TLVs

private enum TLV {
  static let redirect: UInt16 = 0x0001
  static let associationResult: UInt16 = 0x0010
  static let teardownReason: UInt16 = 0x0011
  static let select: UInt16 = 0x1000
  static let path: UInt16 = 0x0110
  static let key: UInt16 = 0x0111
  static let fullData: UInt16 = 0x0112
  static let sparseData: UInt16 = 0x0113
  static let result: UInt16 = 0x0114
  static let metadata: UInt16 = 0x0115
  static let redirectedData: UInt16 = 0x0116
  static let names: ValueNames = [
    0x0001: "REDIRECT", 0x0010: "ASResult", 0x0011: "ASTreason", 0x0110: "PATH-DATA", 0x0111: "KEYINFO",
    0x0112: "FULLDATA", 0x0113: "SPARSEDATA", 0x0114: "RESULT", 0x0115: "METADATA", 0x0116: "REDIRECTDATA",
    0x1000: "LFBselect",
  ]
}

/// The TLVs at the top level of a message.
private let topTypes: ValueNames = [0x0001: "", 0x0010: "", 0x0011: "", 0x1000: ""]

private let classes: ValueNames = [0: "Invalid TLV", 1: "FEObj LFB", 2: "FEProtoObj LFB"]

/// A type and a length; the length includes both of them, but not the padding to a multiple of four bytes.
private let layout = OptionLayout(
  typeWidth: 2, lengthWidth: 2, countsHeader: true, alignment: 4, shortHeader: .endsList)

private func printTLVs(
  _ bytes: PacketBytes, ofMessage message: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let isShown = printer.options.verbosity > 2
  var list = printer.openList(bytes, layout, objects: "tlvs")
  while let tlv = try printer.next(&list) {
    let type = UInt16(truncatingIfNeeded: tlv.type)
    if printer.writesFields {
      printer.fields.write("type", type, "type_name", TLV.names)
      printer.fields.write("length", tlv.length)
    }
    if tlv.isTooShort || tlv.isTooLong {
      printer.write("\tMess TopTLV header: min 4, total ", tlv.rest)
      printer.write(" advertised ", tlv.length)
      printer.out.write(" ")
      throw .invalid
    }
    guard topTypes[type] != nil else {
      printer.write("\n\tInvalid ForCES Top TLV type=0x", type, as: .hex(1))
      throw .invalid
    }
    if isShown {
      printer.write("\t", type, as: .named(TLV.names, unknown: .hex("Unknown 0x")))
      printer.write(" TLV, length ", tlv.length)
      printer.write(" (data length ", tlv.length &- 4)
      printer.out.write(" Bytes)")
    }
    let value = tlv.value
    switch type {
    case TLV.select: try printSelection(value, message, &printer)
    case TLV.associationResult: try printResult(value, associationResults, &printer)
    case TLV.teardownReason:
      if isShown { printer.out.write("Teardown reason:") }
      try printResult(value, teardownReasons, &printer)
    case TLV.redirect: try printRedirect(value, &printer)
    default: break
    }
  }
}

private let associationResults: ValueNames = [0: "Success", 1: "FE ID invalid", 2: "permission denied"]
private let teardownReasons: ValueNames = [
  0: "Normal Teardown", 1: "Loss of Heartbeats", 2: "Out of bandwidth", 3: "Out of Memory", 4: "Application Crash",
]

private func printResult(
  _ value: PacketBytes, _ names: ValueNames, _ printer: inout Printer
) throws(DecodeError) {
  let result = try value.u32(at: 0)
  if printer.writesFields { printer.fields.write("result", result, "result_name", names) }
  guard printer.options.verbosity > 2 else { return }
  printer.write("\n         ", result, as: .named(names, unknown: "Unknown"))
  printer.write(" (", result)
  printer.out.write(")\n")
}

/// TLVs with metadata and with the redirected packet.
private func printRedirect(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(value, layout)
  while let tlv = try printer.next(&list) {
    if tlv.isTooShort || tlv.isTooLong { throw .invalid }
    let isData = tlv.type == TLV.redirectedData
    if printer.writesFields, isData { printer.fields.write("data", hex: tlv.value) }
    guard printer.options.verbosity > 2 else { continue }
    printer.write(isData ? "\n           Redirect Data length " : "\n           METADATA length ", tlv.value.length)
    if isData {
      printer.out.write("\n\t\t[")
      printer.writeHex(tlv.value, indent: "\n\t\t")
      printer.out.write("\n\t\t]")
    }
  }
}

///     0       4          8
///     +-------+----------+------------
///     | class | instance | operations      (RFC 5810 section 7.1.5)
///     +-------+----------+------------
private func printSelection(
  _ value: PacketBytes, _ message: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  let (identifier, instance) = (try value.u32(at: 0), try value.u32(at: 4))
  if printer.writesFields {
    printer.fields.write("class_id", identifier, "class_name", classes)
    printer.fields.write("instance", instance)
  }
  let isShown = printer.options.verbosity > 2
  if isShown {
    printer.write("\n         ", identifier, as: .named(classes, unknown: .decimal("#")))
    printer.write("(Classid ", identifier, as: .hex(1))
    printer.write(") instance ", instance, as: .hex(1))
    printer.out.write("\n")
  }
  var list = printer.openList(try value.dropping(8), layout, objects: "operations")
  while let operation = try printer.next(&list) {
    let type = UInt16(truncatingIfNeeded: operation.type)
    if printer.writesFields { printer.fields.write("type", type, "type_name", operations) }
    if operation.isTooShort || operation.isTooLong {
      return writeMessy(
        "\n\t\tMessy oper TLV header, type (0x", type, operation.rest &- operation.length, &printer)
    }
    guard isAllowed(type, inMessage: message) else {
      printer.write("\n\t\tINValid oper-TLV type 0x", type, as: .hex(1))
      printer.write(" length ", operation.length)
      printer.writeFault(" for this ForCES message\n")
      continue
    }
    if isShown {
      printer.write("          Oper TLV  ", type, as: .named(operations, unknown: "Unknown"))
      printer.write("(0x", type, as: .hex(1))
      printer.write(") length ", operation.length)
      printer.out.write("\n")
    }
    let level = printer.fields.level
    if printer.writesFields { printer.fields.beginArray("paths") }
    try printPaths(operation.value, level: 0, &printer)
    if printer.writesFields { printer.fields.end(downTo: level) }
  }
}

/// Reports a TLV with an impossible length, and by how much the rest is longer than that.
private func writeMessy(_ title: StaticString, _ type: UInt16, _ excess: Int, _ printer: inout Printer) {
  printer.write(title, type, as: .hex(1))
  printer.write(")\n\t\texcess of ", UInt32(truncatingIfNeeded: excess))
  printer.writeFault(" Bytes ")
}

/// True if a kind of message can have an operation (RFC 5810 section 7.6 and 7.7).
private func isAllowed(_ operation: UInt16, inMessage message: UInt8) -> Bool {
  switch message {
  case 1, 5: operation == 11
  case 3: operation == 1 || operation == 2 || operation == 5 || operation == 12 || operation == 14
  case 4: operation == 7 || operation == 8
  case 19: operation == 3 || operation == 4 || operation == 6 || operation == 13
  case 20: operation == 9 || operation == 10
  default: false
  }
}

/// RFC 5810 section 7.1.5.
private let operations: ValueNames = [
  1: "Set", 2: "SetProp", 3: "SetResp", 4: "SetPropResp", 5: "Del", 6: "DelResp", 7: "Get", 8: "GetProp",
  9: "GetResp", 10: "GetPropResp", 11: "Report", 12: "Commit", 13: "RCommit", 14: "RTRCOMP",
]

// MARK: Paths

/// The maximum nesting depth of paths.
private let maximumLevel = 8

/// The indentation of a dump inside a path, by its level.
private let dumpIndents: [StaticString] = [
  "\n               ", "\n                  ", "\n                     ", "\n                        ",
  "\n                           ", "\n                              ", "\n                                 ",
  "\n                                    ",
]

/// Paths with their data, and paths that continue them.
private func printPaths(_ bytes: PacketBytes, level: Int, _ printer: inout Printer) throws(DecodeError) {
  guard level < maximumLevel else { throw .invalid }
  var list = printer.openList(bytes, layout)
  while let tlv = try printer.next(&list) {
    if tlv.isTooShort || tlv.isTooLong {
      return writeMessy(
        "\n\t\tMessy PATHDATA TLV header, type (0x", UInt16(truncatingIfNeeded: tlv.type),
        tlv.rest &- tlv.length, &printer)
    }
    if printer.options.verbosity > 2 {
      indent(11 &+ 3 &* level, &printer)
      printer.write("", tlv.type, as: .named(TLV.names, unknown: .decimal("#")))
      if tlv.type == TLV.path { printer.out.write(" TLV") }
      printer.write(", length ", tlv.length)
      printer.write(" (data encapsulated ", tlv.length &- 4)
      printer.out.write(" Bytes)\n")
    }
    try printPath(tlv.value, level, &printer)
  }
}

private func indent(_ count: Int, _ printer: inout Printer) {
  printer.out.write(repeating: UInt8(ascii: " "), count: count)
}

///     0       2       4
///     +-------+-------+--------------+------
///     | flags | count | identifiers  | TLVs      (RFC 5810 section 7.1.5)
///     +-------+-------+--------------+------
private func printPath(_ value: PacketBytes, _ level: Int, _ printer: inout Printer) throws(DecodeError) {
  let isShown = printer.options.verbosity > 2
  let (flags, count) = (try value.u16(at: 0), Int(try value.u16(at: 2)))
  let fieldLevel = printer.fields.level
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("level", UInt8(truncatingIfNeeded: level))
    printer.fields.write("flag_bits", flags)
  }
  if isShown {
    indent(12 &+ 3 &* level, &printer)
    printer.write("Pathdata: Flags 0x", flags, as: .hex(1))
    printer.write(" ID count ", count)
    printer.out.write("\n")
  }
  guard value.length >= 4 &+ count &* 4 else {
    printer.write("\t\t\ttruncated IDs expected ", count &* 4)
    printer.write("B got ", value.length &- 4)
    printer.out.write("B\n")
    throw .invalid
  }
  if printer.writesFields { printer.fields.beginArray("ids") }
  for index in 0..<count {
    let identifier = try value.u32(at: 4 &+ index &* 4)
    if printer.writesFields { printer.fields.element(identifier) }
    guard isShown else { continue }
    indent(12 &+ 3 &* level, &printer)
    printer.out.write("ID#")
    printer.out.write(decimal: index &+ 1, width: 2)
    printer.write(": ", identifier)
    printer.out.write("\n")
  }
  if printer.writesFields { printer.fields.end() }
  var isOpen = true
  try printContents(try value.dropping(4 &+ count &* 4), level, &isOpen, &printer)
  if printer.writesFields { printer.fields.end(downTo: fieldLevel) }
}

/// The contents of a path: data, a key before the data, the result of an operation, or paths that continue this one. `isOpen` is true while
/// the object of the path accepts members: the objects of inner paths follow it, and data after those gets an object of its own.
private func printContents(
  _ bytes: PacketBytes, _ level: Int, _ isOpen: inout Bool, _ printer: inout Printer
) throws(DecodeError) {
  let isShown = printer.options.verbosity > 2
  var list = printer.openList(bytes, layout)
  while let tlv = try printer.next(&list) {
    let type = UInt16(truncatingIfNeeded: tlv.type)
    if tlv.isTooShort || tlv.isTooLong {
      printer.out.write(tlv.isTooShort ? "xLV too short" : "xLV too long")
      printer.write(" Outstanding bytes ", tlv.rest)
      printer.write(" for TLV type 0x", type, as: .hex(1))
      printer.write(" TLV len ", tlv.length)
      printer.out.write("\n")
      throw .invalid
    }
    let value = tlv.value
    if type == TLV.path {
      if printer.writesFields, isOpen { printer.fields.end() }
      isOpen = false
      try printPaths(try tlv.bytes.slice(at: 0, length: tlv.length), level: level &+ 1, &printer)
      continue
    }
    if printer.writesFields, !isOpen { printer.fields.beginObject() }
    isOpen = true
    guard TLV.names[type] != nil else {
      printer.write("Invalid path data content type 0x", type, as: .hex(1))
      printer.write(" len ", tlv.length)
      printer.out.write("\n")
      throw .invalid
    }
    if isShown {
      indent(14 &+ 3 &* level, &printer)
      printer.write("", type, as: .named(TLV.names, unknown: ""))
      printer.write(" TLV (Length ", tlv.length)
      printer.write(" DataLen ", tlv.length &- 4)
      printer.out.write(" Bytes)\n")
    }
    switch type {
    case TLV.key:
      let key = try value.u32(at: 0)
      if printer.writesFields { printer.fields.write("key", key) }
      if isShown {
        indent(14 &+ 3 &* level, &printer)
        printer.write("Keyinfo: Key 0x", key, as: .hex(1))
        printer.out.write("\n")
      }
      guard level < maximumLevel else { throw .invalid }
      try printContents(try value.dropping(4), level &+ 1, &isOpen, &printer)
    case TLV.result:
      let result = try value.u8(at: 0)
      if printer.writesFields { printer.fields.write("result", result, "result_name", results) }
      if isShown {
        indent(16 &+ 3 &* level, &printer)
        printer.write("Result: ", result, as: .named(results, unknown: "Unknown"))
        printer.write(" (code 0x", result, as: .hex(1))
        printer.out.write(")\n")
      }
    default:
      if printer.writesFields { printer.fields.write("data", hex: value) }
      if isShown {
        indent(15 &+ 3 &* level, &printer)
        printer.out.write("[")
        printer.writeHex(value, indent: dumpIndents[min(level, dumpIndents.count &- 1)])
        printer.out.write("\n")
        indent(15 &+ 3 &* level, &printer)
        printer.out.write("]")
      }
      try value.check(0, value.length)
    }
  }
}

/// RFC 5810 section 7.1.7.
private let results: ValueNames = [
  0: "SUCCESS", 1: "INVALID HEADER", 2: "LENGTH MISMATCH", 3: "VERSION MISMATCH", 4: "INVALID DESTINATION PID",
  5: "LFB UNKNOWN", 6: "LFB NOT FOUND", 7: "LFB INSTANCE ID NOT FOUND", 8: "INVALID PATH",
  9: "COMPONENT DOES NOT EXIST", 10: "EXISTS ALREADY", 11: "NOT FOUND", 12: "READ ONLY",
  13: "INVALID ARRAY CREATION", 14: "VALUE OUT OF RANGE", 15: "CONTENTS TOO LONG", 16: "INVALID PARAMETERS",
  17: "INVALID MESSAGE TYPE", 18: "INVALID FLAGS", 19: "INVALID TLV", 20: "EVENT ERROR", 21: "NOT SUPPORTED",
  22: "MEMORY ERROR", 23: "INTERNAL ERROR", 255: "UNSPECIFIED ERROR",
]
