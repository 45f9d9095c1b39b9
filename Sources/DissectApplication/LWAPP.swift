package import Dissect
import PacketCore

extension Layer {
  static let lwapp = Layer("lwapp", "Lightweight Access Point Protocol", "RFC 5412") {
    [
      Field("version", .uint8, "Version; 0 is the only one."),
      Field("radio_id", .uint8, "Radio of the access point."),
      Field("is_control", .flag, "The frame is a control message, and no frame of IEEE 802.11."),
      Field("is_fragment", .flag, "The frame is a fragment."),
      Field("is_not_last", .flag, "Other fragments follow."),
      Field("fragment_id", .uint8, "Number that the fragments of a frame have in common."),
      Field("length", .uint16, "Bytes after the header."),
      Field("access_point", .mac, "Who a control message to the controller is from."),
      Field("message_type", .uint8, "Kind of control message."),
      Field("message_type_name", .text, "Name of the kind."),
      Field("sequence", .uint8, "Number of a request, which its response repeats."),
      Field("session_id", .uint32, "Session between access point and controller."),
      Field(
        "elements",
        .array(
          .object([
            Field("type", .uint8, "Kind of element.", always: true),
            Field("type_name", .text, "Name of the kind."),
            Field("length", .uint16, "Bytes of the value."),
            Field("data", .hex, "Value."),
          ])), "Elements of a control message.", each: "One element."),
      Field("data", .hex, "Frame of IEEE 802.11."),
    ]
  }
}

extension Dissector {
  package static let lwapp = Dissector(
    name: "lwapp", claims: [.udpPort(12222), .udpPort(12223)], layers: [.lwapp], print: printLWAPP)
}

private enum Flag {
  static let notLast: UInt8 = 0x01
  static let fragment: UInt8 = 0x02
  static let control: UInt8 = 0x04
  static let names: FlagNames = [0x01: "Not Last", 0x02: "Fragment", 0x04: "Control"]
}

/// The port on which controllers receive control messages.
private let controlPort: UInt16 = 12223

///     0                          1           2        4                  6
///     +--------------------------+-----------+--------+------------------+---------
///     | version, radio, flags    | fragment  | length | status and WLANs | payload      (RFC 5412 section 3)
///     +--------------------------+-----------+--------+------------------+---------
/// The first byte: version (2 bits), radio (3), control, fragment, not last. The length counts the payload.
private let headerLength = 6

@Sendable
private func printLWAPP(_ datagram: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("LWAPP")
  // In control messages to the controller, the address of the access point precedes the header.
  let hasIdentity = printer.context.scope.ports.destination == controlPort
  let start = hasIdentity ? 6 : 0
  try printer.reject("UDP payload length", datagram.length, .less, start &+ headerLength)
  let bytes = try datagram.dropping(start)
  let first = try bytes.u8(at: 0)
  let version = first >> 6
  try printer.reject("version", Int(version), .notEqual, 0)
  let isVerbose = printer.options.verbosity > 0
  let (flags, isControl) = (first & 7, first & Flag.control != 0)
  if printer.enter(.lwapp) {
    printer.fields.write("version", version)
    printer.fields.write("radio_id", first >> 3 & 7)
    printer.fields.write("is_control", isControl)
    printer.fields.write("is_fragment", flags & Flag.fragment != 0)
    printer.fields.write("is_not_last", flags & Flag.notLast != 0)
  }
  printer.write("v", version)
  printer.out.write(isControl ? ", Control frame" : ", Data frame")
  if isVerbose { printer.write(", Radio-id ", first >> 3 & 7) }
  printer.out.write(", Flags [")
  printer.write(Flag.names, flags)
  printer.out.write("]")
  // Control messages are never fragmented, and a message that is not a fragment is whole.
  let isWhole = isControl || flags & Flag.fragment == 0
  if isWhole, flags & (Flag.fragment | Flag.notLast) != 0 { printer.writeFault(" (bogus)") }
  if isVerbose {
    let fragment = try bytes.u8(at: 1)
    printer.write(", Frag-id ", "fragment_id", fragment)
    if isWhole, fragment != 0 { printer.writeFault(" (MBZ!)") }
  }
  let length = Int(try bytes.u16(at: 2))
  printer.write(", length ", "length", length)
  try printer.reject("LWAPP payload length", length, .notEqual, bytes.length &- headerLength)
  guard isVerbose else { return }
  if hasIdentity { printer.write("\n\tAP identity: ", "access_point", try datagram.mac(at: 0)) }
  let payload = try bytes.dropping(headerLength)
  guard !isControl else { return try printControl(payload, &printer) }
  if printer.writesFields { printer.fields.write("data", hex: payload) }
  // Show what was captured of it.
  printer.writeHex(payload)
}

// MARK: Control messages

///     0      1          2        4
///     +------+----------+--------+---------+----------
///     | type | sequence | length | session | elements      (RFC 5412 section 4.2)
///     +------+----------+--------+---------+----------
/// The length includes the elements.
private let controlHeaderLength = 8

private func printControl(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.reject("message length", bytes.length, .less, controlHeaderLength)
  let type = try bytes.u8(at: 0)
  printer.write(
    "\n\t  Msg type: ", "message_type", type,
    as: .named(messageTypes, key: "message_type_name", unknown: "Unknown"))
  printer.write(" (", type)
  let sequence = try bytes.u8(at: 1)
  printer.write("), Seqnum: ", "sequence", sequence)
  let length = Int(try bytes.u16(at: 2))
  printer.write(", Msg len: ", length)
  try printer.reject("msg_elem_len", length, .notEqual, bytes.length &- controlHeaderLength)
  printer.write(", Session: 0x", "session_id", try bytes.u32(at: 4), as: .hex(8))
  var list = printer.openList(
    try bytes.dropping(controlHeaderLength),
    OptionLayout(typeWidth: 1, lengthWidth: 2, isTypeFirst: true), objects: "elements")
  var number = 0
  while let element = try printer.next(&list) {
    let elementType = UInt8(truncatingIfNeeded: element.type)
    printer.write("\n\t  Msg Elem ", number)
    printer.write(" Type: ", "type", elementType)
    if printer.writesFields, let name = elementTypes[elementType] { printer.fields.write("type_name", name) }
    printer.write(" (", elementType, as: .named(elementTypes, unknown: "Unknown"))
    printer.out.write(")")
    if !isExpected(elementType, inMessage: type) { printer.writeFault(" [unexpected!]") }
    try element.checkHeader()
    printer.write(", Length: ", "length", element.length)
    try printer.reject("elem_len", element.length, .greater, element.rest &- 3)
    let value = try element.wholeValue()
    if printer.writesFields { printer.fields.write("data", hex: value) }
    number &+= 1
  }
}

private let messageTypes: ValueNames = [
  1: "Discovery req", 2: "Discovery resp", 3: "Join req", 4: "Join resp", 5: "Join ack", 6: "Join confirm",
  10: "Configure req", 11: "Configure resp", 12: "Update req", 13: "Update resp", 14: "WTP event req",
  15: "WTP event resp", 16: "Change state event req", 17: "Change state event resp", 22: "Echo req", 23: "Echo resp",
  24: "Image data req", 25: "Image data resp", 26: "Channel status req", 27: "Channel status resp",
  30: "Key update req", 31: "Key update resp", 32: "Primary discovery req", 33: "Primary discovery resp",
  34: "Data transfer req", 35: "Data transfer resp", 36: "Clear config ind", 37: "Wlan config req",
  38: "Wlan config resp", 39: "Mobile config req", 40: "Mobile config resp",
]

private enum Element {
  static let acAddress: UInt8 = 2
  static let descriptor: UInt8 = 3
  static let radio: UInt8 = 4
  static let name: UInt8 = 5
  static let acDescriptor: UInt8 = 6
  static let changeState: UInt8 = 26
  static let administrativeState: UInt8 = 27
  static let acName: UInt8 = 31
  static let location: UInt8 = 35
  static let statisticsTimer: UInt8 = 37
  static let errorPeriod: UInt8 = 38
  static let errorReport: UInt8 = 39
  static let certificate: UInt8 = 44
  static let session: UInt8 = 45
  static let boardData: UInt8 = 50
  static let discoveryType: UInt8 = 58
  static let ipv4List: UInt8 = 59
  static let timers: UInt8 = 68
  static let staticAddress: UInt8 = 82
  static let namedIndex: UInt8 = 90
  static let fallback: UInt8 = 91
  static let idleTimeout: UInt8 = 97
  static let managerIPv4: UInt8 = 99
  static let managerIPv6: UInt8 = 137
  static let ipv6List: UInt8 = 141
}

/// RFC 5412 sections 5 to 9.
private let elementTypes: ValueNames = [
  2: "AC Address", 3: "WTP Descriptor", 4: "WTP Radio Information", 5: "WTP Name", 6: "AC Descriptor",
  26: "Change State Event", 27: "Administrative State", 31: "AC Name", 35: "Location Data", 37: "Statistics Timer",
  38: "Decryption Error Report Period", 39: "Decryption Error Report", 44: "Certificate", 45: "Session ID",
  50: "WTP Board Data", 58: "Discovery Type", 59: "AC IPv4 List", 68: "LWAPP Timers",
  82: "WTP Static IP Address Information", 90: "AC Name with Index", 91: "WTP Fallback", 97: "Idle Timeout",
  99: "WTP Manager Control IPv4 Address", 137: "WTP Manager Control IPv6 Address", 141: "AC IPv6 List",
]

/// True if RFC 5412 lists an element for a kind of message.
private func isExpected(_ element: UInt8, inMessage type: UInt8) -> Bool {
  switch (type, element) {
  case (1, Element.discoveryType), (1, Element.descriptor), (1, Element.radio): true
  case (32, Element.discoveryType), (32, Element.descriptor), (32, Element.radio): true
  case (2, Element.acAddress), (2, Element.acDescriptor), (2, Element.acName), (2, Element.managerIPv4),
    (2, Element.managerIPv6):
    true
  case (33, Element.acDescriptor), (33, Element.acName), (33, Element.managerIPv4), (33, Element.managerIPv6): true
  case (3, Element.descriptor), (3, Element.acAddress), (3, Element.name), (3, Element.location),
    (3, Element.radio), (3, Element.certificate), (3, Element.session):
    true
  case (4, Element.certificate), (4, Element.ipv4List), (4, Element.ipv6List), (4, Element.session): true
  case (10, Element.administrativeState), (10, Element.acName), (10, Element.namedIndex), (10, Element.boardData),
    (10, Element.statisticsTimer), (10, Element.staticAddress):
    true
  case (11, Element.errorPeriod), (11, Element.changeState), (11, Element.timers), (11, Element.ipv4List),
    (11, Element.ipv6List), (11, Element.fallback), (11, Element.idleTimeout):
    true
  case (12, Element.name), (12, Element.changeState), (12, Element.administrativeState), (12, Element.namedIndex),
    (12, Element.statisticsTimer), (12, Element.location), (12, Element.errorPeriod), (12, Element.ipv4List),
    (12, Element.ipv6List), (12, Element.fallback), (12, Element.idleTimeout), (12, Element.timers):
    true
  case (14, Element.errorReport): true
  case (16, Element.changeState): true
  default: false
  }
}
