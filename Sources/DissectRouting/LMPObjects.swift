import Dissect
import PacketCore

/// Members of an object of LMP.
let lmpObjectFields = [
  Field("class", .uint8, "Object class.", always: true),
  Field("class_name", .text, "Name of the class."),
  Field("class_type", .uint8, "Type in the class.", always: true),
  Field("class_type_name", .text, "Name of the type."),
  Field("is_negotiable", .flag, "The receiver may ask for other values.", always: true),
  Field("length", .uint16, "Bytes of the object, header included.", always: true),
  Field("control_channel_id", .uint32, "Control channel."),
  Field("address", .ip, "Address of a node, or of a link or interface."),
  Field("unnumbered_id", .uint32, "Identifier of a link or interface without an address."),
  Field("message_id", .uint32, "Number of a message, or of the one that is acknowledged."),
  Field("hello_interval_milliseconds", .uint16, "Milliseconds between hellos."),
  Field("hello_dead_interval_milliseconds", .uint16, "Milliseconds without a hello after which the channel is down."),
  Field("transmit_sequence", .uint32, "Sequence number of a hello."),
  Field("receive_sequence", .uint32, "Sequence number of the last hello that was received."),
  Field("verify_interval_milliseconds", .uint16, "Milliseconds between test messages."),
  Field("data_link_count", .uint32, "Data links that will be verified."),
  Field("encoding", .uint8, "LSP encoding type."),
  Field("encoding_name", .text, "Name of the encoding."),
  Field("transport_mechanism", .uint16, "How test messages can be sent, as bits."),
  Field("wavelength", .uint32, "Wavelength."),
  Field(
    "verify_dead_interval_milliseconds", .uint16, "Milliseconds without a test message after which a link has failed."),
  Field("transport_response", .uint16, "How test messages shall be sent, as bits."),
  Field("verify_id", .uint32, "Identifier of a verification."),
  Field("flag_bits", .uint8, "Flags of a link, of a verification, or of a service."),
  Field("local_address", .ip, "Local address of a link."),
  Field("remote_address", .ip, "Remote address of a link."),
  Field("local_unnumbered_id", .uint32, "Local identifier of a link without an address."),
  Field("remote_unnumbered_id", .uint32, "Remote identifier of a link without an address."),
  Field(
    "subobjects",
    .array(
      .object([
        Field("type", .uint8, "Type of the subobject.", always: true),
        Field("type_name", .text, "Name of the type."),
        Field("switching_type", .uint8, "Switching type."),
        Field("switching_type_name", .text, "Name of the switching type."),
        Field("encoding", .uint8, "LSP encoding type."),
        Field("encoding_name", .text, "Name of the encoding."),
        Field("wavelength", .uint32, "Wavelength."),
      ])), "What a data link can do.", each: "One subobject."),
  Field(
    "channels",
    .array(
      .object([
        Field("address", .ip, "Address of the interface."),
        Field("unnumbered_id", .uint32, "Identifier of an interface without an address."),
        Field("is_active", .flag, "The channel carries user traffic."),
        Field("is_transmit", .flag, "The channel is one that transmits."),
        Field("channel_status", .uint32, "Status of the channel."),
        Field("channel_status_name", .text, "Name of the status."),
      ])), "Channels, their status, or those whose status is requested.", each: "One channel."),
  Field("error_bits", .uint32, "What is wrong with a message."),
  Field("data", .hex, "Contents of any other object."),
]

/// Kinds of addresses, and of the identifier used instead of one, with their lengths in bytes.
private enum AddressKind: UInt8 {
  case ipv4 = 1, ipv6, unnumbered

  var size: Int { self == .ipv6 ? 16 : 4 }
}

/// The kind of object of a class, and the names of its types.
struct LMPClass: Sendable {
  enum Form {
    case channelID, nodeID, linkID, interfaceID, messageID, configuration, hello, verifyBegin, verifyAcknowledgment
    case verifyID, link, dataLink, channelStatus, channelRequest, error, service
  }

  let form: Form
  let types: ValueNames
}

private let ends: ValueNames = [1: "Local", 2: "Remote"]
private let addressedEnds: ValueNames = [
  1: "IPv4 Local", 2: "IPv4 Remote", 3: "IPv6 Local", 4: "IPv6 Remote", 5: "Unnumbered Local", 6: "Unnumbered Remote",
]
private let addressKinds: ValueNames = [1: "IPv4", 2: "IPv6", 3: "Unnumbered"]
private let one: ValueNames = [1: "1"]
private let two: ValueNames = [1: "1", 2: "2"]

/// IANA "LMP Object Class Name Space", and the service discovery of the user-network interface (OIF UNI 1.0).
let lmpClasses: OptionTable<LMPClass> = [
  1: OptionRow("Control Channel ID", LMPClass(form: .channelID, types: ends)),
  2: OptionRow("Node ID", LMPClass(form: .nodeID, types: ends)),
  3: OptionRow("Link ID", LMPClass(form: .linkID, types: addressedEnds)),
  4: OptionRow("Interface ID", LMPClass(form: .interfaceID, types: addressedEnds)),
  5: OptionRow("Message ID", LMPClass(form: .messageID, types: two)),
  6: OptionRow("Configuration", LMPClass(form: .configuration, types: one)),
  7: OptionRow("Hello", LMPClass(form: .hello, types: one)),
  8: OptionRow("Verify Begin", LMPClass(form: .verifyBegin, types: one)),
  9: OptionRow("Verify Begin ACK", LMPClass(form: .verifyAcknowledgment, types: one)),
  10: OptionRow("Verify ID", LMPClass(form: .verifyID, types: one)),
  11: OptionRow("TE Link", LMPClass(form: .link, types: addressKinds)),
  12: OptionRow("Data Link", LMPClass(form: .dataLink, types: addressKinds)),
  13: OptionRow("Channel Status", LMPClass(form: .channelStatus, types: addressKinds)),
  14: OptionRow("Channel Status Request", LMPClass(form: .channelRequest, types: addressKinds)),
  20: OptionRow("Error Code", LMPClass(form: .error, types: two)),
  51: OptionRow("Service Config", LMPClass(form: .service, types: [1: "1", 2: "2", 3: "3", 4: "4"])),
]

private let linkFlags: FlagNames = [0x01: "Fault Management Supported", 0x02: "Link Verification Supported"]
private let dataLinkFlags: FlagNames = [
  0x01: "Data Link Port", 0x02: "Allocated for user traffic", 0x04: "Failed link",
]
private let verifyFlags: FlagNames = [0x01: "Verify all links", 0x02: "Data link type"]
private let verifyErrors: FlagNames = [
  0x01: "Link Verification Procedure Not supported", 0x02: "Unwilling to verify",
  0x04: "Unsupported verification transport mechanism", 0x08: "Link-Id configuration error",
  0x10: "Unknown object c-type",
]
private let summaryErrors: FlagNames = [
  0x01: "Unacceptable non-negotiable LINK-SUMMARY parameters", 0x02: "Renegotiate LINK-SUMMARY parameters",
  0x04: "Invalid TE-LINK Object", 0x08: "Invalid DATA-LINK Object", 0x10: "Unknown TE-LINK Object c-type",
  0x20: "Unknown DATA-LINK Object c-type",
]
private let channelStates: ValueNames = [1: "Signal Okay", 2: "Signal Degraded", 3: "Signal Fail"]
private let subobjects: ValueNames = [1: "Interface Switching Type", 2: "Wavelength"]

/// Prints the contents of an object, whose class has the row `row`; false if the object is unknown, and its bytes must be dumped.
func printLMPObject(
  _ row: OptionRow<LMPClass>?, _ type: UInt8, _ contents: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  guard let form = row?.form, form.types[type] != nil else {
    if printer.writesFields { printer.fields.write("data", hex: contents) }
    return false
  }
  guard form.form.allows(contents.length, type) else {
    printer.writeFault(" (not correct for object)")
    return true
  }
  switch form.form {
  case .channelID: writeNumber("\n\t    Control Channel ID: ", "control_channel_id", try contents.u32(at: 0), &printer)
  case .nodeID: try writeID("\n\t    Node ID: ", "address", .ipv4, contents, at: 0, &printer)
  case .linkID, .interfaceID:
    switch type {
    case 1, 2: try writeID("\n\t    IPv4 Link ID: ", "address", .ipv4, contents, at: 0, &printer)
    case 3, 4: try writeID("\n\t    IPv6 Link ID: ", "address", .ipv6, contents, at: 0, &printer)
    default: try writeID("\n\t    Link ID: ", "unnumbered_id", .unnumbered, contents, at: 0, &printer)
    }
  case .messageID:
    let title: StaticString = type == 1 ? "\n\t    Message ID: " : "\n\t    Message ID Ack: "
    writeNumber(title, "message_id", try contents.u32(at: 0), &printer)
  case .configuration:
    printer.write("\n\t    Hello Interval: ", "hello_interval_milliseconds", try contents.u16(at: 0))
    printer.write("\n\t    Hello Dead Interval: ", "hello_dead_interval_milliseconds", try contents.u16(at: 2))
  case .hello:
    printer.write("\n\t    Tx Seq: ", "transmit_sequence", try contents.u32(at: 0))
    printer.write(", Rx Seq: ", "receive_sequence", try contents.u32(at: 4))
  case .verifyBegin: try printVerifyBegin(contents, &printer)
  case .verifyAcknowledgment:
    printer.write("\n\t    Verify Dead Interval: ", "verify_dead_interval_milliseconds", try contents.u16(at: 0))
    printer.write("\n\t    Verify Transport Response: ", "transport_response", try contents.u16(at: 2))
  case .verifyID: printer.write("\n\t    Verify ID: ", "verify_id", try contents.u32(at: 0))
  case .link: try printLink("Link-ID", linkFlags, type, contents, &printer)
  case .dataLink:
    try printLink("Interface ID", dataLinkFlags, type, contents, &printer)
    return try printSubobjects(contents, at: 4 &+ 2 &* size(type), &printer)
  case .channelStatus, .channelRequest:
    try printChannels(contents, type, hasStatus: form.form == .channelStatus, &printer)
  case .error:
    let errors = try contents.u32(at: 0)
    if printer.writesFields { printer.fields.write("error_bits", errors) }
    printer.out.write("\n\t    Error Code: ")
    printer.write(type == 1 ? verifyErrors : summaryErrors, errors)
  case .service: try printLMPService(type, contents, &printer)
  }
  return true
}

/// Length in bytes of an address of the kind that a type gives.
private func size(_ type: UInt8) -> Int { AddressKind(rawValue: type)?.size ?? 4 }

extension LMPClass.Form {
  /// True if the contents of an object can have this length; its type must have a name.
  fileprivate func allows(_ length: Int, _ type: UInt8) -> Bool {
    switch self {
    case .channelID, .nodeID, .messageID, .configuration, .verifyAcknowledgment, .verifyID, .error: length == 4
    case .linkID, .interfaceID: length == (type == 3 || type == 4 ? 16 : 4)
    case .hello: length == 8
    case .verifyBegin: length == 20
    case .link: length == 4 &+ 2 &* size(type)
    case .dataLink: length >= 4 &+ 2 &* size(type)
    case .channelStatus, .channelRequest: true
    case .service: length == (type == 2 ? 16 : type == 3 ? 8 : 4)
    }
  }
}

/// A number in decimal and in hexadecimal.
private func writeNumber(_ title: StaticString, _ key: StaticString, _ number: UInt32, _ printer: inout Printer) {
  printer.write(title, key, number)
  printer.write(" (0x", number, as: .hex(8))
  printer.out.write(")")
}

/// An address, or the identifier used instead of one, and its first four bytes in hexadecimal.
private func writeID(
  _ title: StaticString, _ key: StaticString, _ kind: AddressKind, _ bytes: PacketBytes, at offset: Int,
  _ printer: inout Printer
) throws(DecodeError) {
  switch kind {
  case .ipv4: printer.write(title, key, try bytes.ipv4(at: offset))
  case .ipv6: printer.write(title, key, try bytes.ipv6(at: offset))
  case .unnumbered: printer.write(title, key, try bytes.u32(at: offset))
  }
  printer.write(" (0x", try bytes.u32(at: offset), as: .hex(8))
  printer.out.write(")")
}

///     0 flags  2 interval  4 number of data links  8 encoding  9 reserved  10 transport  12 rate (IEEE 754)  16 wavelength
/// RFC 4204 section 13.8
private func printVerifyBegin(_ contents: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try contents.u16(at: 0)
  if printer.writesFields { printer.fields.write("flag_bits", flags & 0xff) }
  printer.out.write("\n\t    Flags: ")
  printer.write(verifyFlags, flags)
  printer.write("\n\t    Verify Interval: ", "verify_interval_milliseconds", try contents.u16(at: 2))
  printer.write("\n\t    Data links: ", "data_link_count", try contents.u32(at: 4))
  printer.write(
    "\n\t    Encoding type: ", "encoding", try contents.u8(at: 8),
    as: .named(GMPLS.encodings, key: "encoding_name", unknown: "Unknown"))
  let mechanism = try contents.u16(at: 10)
  printer.write("\n\t    Verify Transport Mechanism: ", "transport_mechanism", mechanism)
  printer.write(" (0x", mechanism, as: .hex(1))
  printer.out.write(")")
  printer.writeBandwidth("\n\t    Transmission Rate: ", try contents.u32(at: 12))
  printer.write("\n\t    Wavelength: ", "wavelength", try contents.u32(at: 16))
}

///     0 flags  1 reserved  4 local  … remote address or identifier      RFC 4204 sections 13.11, 13.12
private func printLink(
  _ what: StaticString, _ names: FlagNames, _ type: UInt8, _ contents: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  guard let kind = AddressKind(rawValue: type) else { return }
  let flags = try contents.u8(at: 0)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.out.write("\n\t    Flags: [")
  printer.write(names, flags)
  printer.out.write("]\n\t    Local ")
  printer.out.write(what)
  let isNumbered = kind != .unnumbered
  try writeID(": ", isNumbered ? "local_address" : "local_unnumbered_id", kind, contents, at: 4, &printer)
  printer.out.write("\n\t    Remote ")
  printer.out.write(what)
  try writeID(
    ": ", isNumbered ? "remote_address" : "remote_unnumbered_id", kind, contents, at: 4 &+ kind.size, &printer)
}

///     0      1        2
///     +------+--------+----------
///     | type | length | contents       RFC 4204 section 13.12.1; the length counts the header
///     +------+--------+----------
///
/// Returns false after a subobject of unknown type, which ends the list.
private func printSubobjects(
  _ contents: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  var list = printer.openList(contents, at: start, OptionLayout(countsHeader: true), objects: "subobjects")
  while let subobject = try printer.next(&list) {
    if printer.writesFields { printer.fields.write("type", subobject.type, "type_name", subobjects) }
    printer.out.write("\n\t    Subobject, Type: ")
    printer.write(subobjects, subobject.type, unknown: "Unknown")
    printer.write(" (", subobject.type)
    printer.write("), Length: ", subobject.length)
    // Subobjects below the minimum length have a message of their own.
    let fault: StaticString? =
      subobject.length < 4
      ? " (too short)"
      : subobject.length % 4 != 0
        ? " (not a multiple of 4)" : subobject.isTooLong ? " (goes past the end of the object)" : nil
    if let fault {
      printer.writeFault(fault)
      printer.stop(&list)
      return true
    }
    switch subobject.type {
    case 1:
      let value = subobject.value
      printer.write(
        "\n\t      Switching Type: ", "switching_type", try value.u8(at: 0),
        as: .named(GMPLS.switchingTypes, key: "switching_type_name", unknown: "Unknown"))
      printer.write(" (", try value.u8(at: 0))
      printer.write(
        ")\n\t      Encoding Type: ", "encoding", try value.u8(at: 1),
        as: .named(GMPLS.encodings, key: "encoding_name", unknown: "Unknown"))
      printer.write(" (", try value.u8(at: 1))
      printer.out.write(")")
      printer.writeBandwidth("\n\t      Min Reservable Bandwidth: ", try value.u32(at: 2))
      printer.writeBandwidth("\n\t      Max Reservable Bandwidth: ", try value.u32(at: 6))
    case 2:
      // Two reserved bytes precede it.
      printer.write("\n\t      Wavelength: ", "wavelength", try subobject.value.u32(at: 2))
    default:
      printer.stop(&list)
      return false
    }
  }
  return true
}

///     0 interface  … active, direction, status (30 bits)      RFC 4204 sections 13.13, 13.14
private func printChannels(
  _ contents: PacketBytes, _ type: UInt8, hasStatus: Bool, _ printer: inout Printer
) throws(DecodeError) {
  guard let kind = AddressKind(rawValue: type) else { return }
  let size = kind.size &+ (hasStatus ? 4 : 0)
  var list = printer.openList(contents, .elements(of: UInt16(size)), objects: "channels")
  while let channel = try printer.next(&list) {
    let key: StaticString = kind == .unnumbered ? "unnumbered_id" : "address"
    try writeID("\n\t    Interface ID: ", key, kind, channel.value, at: 0, &printer)
    guard hasStatus else { continue }
    let word = try channel.value.u32(at: kind.size)
    if printer.writesFields {
      printer.fields.write("is_active", word >> 31 == 1)
      printer.fields.write("is_transmit", word >> 30 & 1 == 1)
    }
    printer.out.write("\n\t\t    Active: ")
    printer.out.write(word >> 31 == 1 ? "Allocated (1)" : "Non-allocated (0)")
    printer.out.write("\n\t\t    Direction: ")
    printer.out.write(word >> 30 & 1 == 1 ? "Transmit (1)" : "Receive (0)")
    let status = word & 0x3fff_ffff
    printer.write(
      "\n\t\t    Channel Status: ", "channel_status", status,
      as: .named(channelStates, key: "channel_status_name", unknown: "Unknown"))
    printer.write(" (", status)
    printer.out.write(")")
  }
}
