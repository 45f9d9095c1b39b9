import Dissect
import PacketCore

/// Types of TLVs (IEEE 802.1Q table 21-6).
private enum TLVType {
  static let end: UInt32 = 0
  static let senderID: UInt32 = 1
  static let portStatus: UInt32 = 2
  static let interfaceStatus: UInt32 = 3
  static let organization: UInt32 = 31
  static let names: ValueNames = [
    0: "End", 1: "Sender ID", 2: "Port status", 3: "Interface status", 4: "Data", 5: "Reply Ingress",
    6: "Reply Egress", 31: "Organization Specific",
  ]
}

private let portStates: ValueNames = [1: "Blocked", 2: "Up"]
private let interfaceStates: ValueNames = [
  1: "Up", 2: "Down", 3: "Testing", 5: "Dormant", 6: "not present", 7: "lower Layer down",
]

/// The end of the list is a single byte.
private let layout = OptionLayout(typeWidth: 1, lengthWidth: 2, end: 0, isTypeFirst: true)

///     0      1        3
///     +------+--------+-------
///     | type | length | value       IEEE 802.1Q section 21.5.1
///     +------+--------+-------
func printCFMTLVs(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, layout, objects: "tlvs")
  while let tlv = try printer.next(&list) {
    if printer.writesFields { printer.fields.write("type", tlv.type, "type_name", TLVType.names) }
    printer.write("\n\t", tlv.type, as: .named(TLVType.names, unknown: "Unknown"))
    printer.write(" TLV (0x", tlv.type, as: .hex(2))
    printer.out.write(")")
    if tlv.type == TLVType.end { return printer.stop(&list) }
    if tlv.rest < 3 {
      printer.writeFault("\n\t\t packet is too short")
      return printer.stop(&list)
    }
    try tlv.checkHeader()
    printer.write(", length ", "length", tlv.length)
    if tlv.isTooLong {
      printer.writeFault("\n\t\t packet is too short")
      return printer.stop(&list)
    }
    let minimum = minimumLength(tlv.type)
    if tlv.length < minimum {
      printer.write(" (too short, must be >= ", minimum)
      printer.writeFault(")")
      continue
    }
    switch try printTLV(tlv, &printer) {
    case .whole: break
    // tcpdump continues with the last byte of the value in the first case, and skips the rest of the list in the second.
    case .chassisTooLong: list.resume(after: max(3, tlv.size &- 1))
    case .addressTooLong: return printer.stop(&list)
    }
  }
}

/// The result of printing a TLV's value.
private enum Ending {
  case whole
  /// A length inside the value of a sender ID exceeds that value.
  case chassisTooLong, addressTooLong
}

/// The minimum length of a value of this type, in bytes.
private func minimumLength(_ type: UInt32) -> Int {
  switch type {
  case TLVType.senderID, TLVType.portStatus, TLVType.interfaceStatus: 1
  case TLVType.organization: 4
  default: 0
  }
}

/// The value of a TLV; it is also dumped if no code parses it, or with `-vv`.
private func printTLV(
  _ tlv: borrowing OptionList.Entry, _ printer: inout Printer
) throws(DecodeError) -> Ending {
  let value = try tlv.wholeValue()
  var dumped = value.length
  var isRead = true
  switch tlv.type {
  case TLVType.portStatus: try printStatus(value, portStates, &printer)
  case TLVType.interfaceStatus: try printStatus(value, interfaceStates, &printer)
  case TLVType.organization:
    let oui = try value.u24(at: 0)
    if printer.writesFields { printer.fields.write("oui", oui) }
    printer.write(", Vendor: ", oui, as: .named(OUI.names, unknown: "Unknown"))
    printer.write(" (", oui)
    printer.write("), Sub-Type ", "subtype", try value.u8(at: 3))
    if printer.writesFields { printer.fields.write("data", hex: try value.dropping(4)) }
    isRead = false
  case TLVType.senderID:
    // tcpdump dumps as many bytes as were not read, but begins at the start of the value.
    let sender = try printSenderID(value, &printer)
    guard let rest = sender.rest else {
      printer.writeFault("\n\t  (TLV too short)")
      return sender.ending
    }
    dumped = rest
    isRead = sender.isChassisRead
  default:
    if printer.writesFields { printer.fields.write("data", hex: value) }
    isRead = false
  }
  if !isRead || printer.options.verbosity > 1 { printer.writeHex(value.clamped(to: dumped), indent: "\n\t  ") }
  return .whole
}

private func printStatus(
  _ value: PacketBytes, _ names: ValueNames, _ printer: inout Printer
) throws(DecodeError) {
  let status = try value.u8(at: 0)
  printer.write(", Status: ", "status", status, as: .named(names, key: "status_name", unknown: "Unknown"))
  printer.write(" (", status)
  printer.out.write(")")
}

/// Subtypes of a chassis identifier (IEEE 802.1AB section 8.5.2.2).
private enum ChassisSubtype {
  static let macAddress: UInt8 = 4
  static let networkAddress: UInt8 = 5
  static let names: ValueNames = [
    0: "Reserved", 1: "Chassis component", 2: "Interface alias", 3: "Port component", 4: "MAC address",
    5: "Network address", 6: "Interface name", 7: "Locally assigned",
  ]
}

/// How far a sender ID was read.
private struct SenderID {
  /// Bytes of the value that follow the identifiers; nil if a length exceeds the value.
  var rest: Int?
  var ending = Ending.whole
  /// The chassis identifier has a known form.
  var isChassisRead = true
}

///     0                1         2                   n               n + 1             m
///     +----------------+---------+-------------------+---------------+--------+--------+---------
///     | chassis length | subtype | chassis           | domain length | domain | length | address
///     +----------------+---------+-------------------+---------------+--------+--------+---------
/// The subtype is present only if the chassis identifier has a length; the value may end after any part.
private func printSenderID(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> SenderID {
  var sender = SenderID()
  var offset = 1
  let chassisLength = Int(try value.u8(at: 0))
  if chassisLength > 0 {
    guard value.length > 1 else { return sender }
    let subtype = try value.u8(at: 1)
    printer.write(
      "\n\t  Chassis-ID Type ", "chassis_subtype", subtype, as: .named(ChassisSubtype.names, unknown: "Unknown"))
    printer.write(" (", subtype)
    printer.write("), Chassis-ID length ", chassisLength)
    guard value.length >= 2 &+ chassisLength else {
      sender.ending = .chassisTooLong
      return sender
    }
    sender.isChassisRead = try printChassis(subtype, try value.slice(at: 2, length: chassisLength), &printer)
    offset = 2 &+ chassisLength
  }
  guard value.length > offset else {
    sender.rest = 0
    return sender
  }
  let domainLength = Int(try value.u8(at: offset))
  printer.write("\n\t  Management Address Domain Length ", domainLength)
  offset &+= 1
  if domainLength == 0 {
    sender.rest = value.length &- offset
    return sender
  }
  guard value.length >= offset &+ domainLength else { return sender }
  let domain = try value.slice(at: offset, length: domainLength)
  if printer.writesFields { printer.fields.write("management_domain", hex: domain) }
  printer.writeHex(domain, indent: "\n\t  Management Address Domain: ")
  offset &+= domainLength
  guard value.length > offset else {
    printer.writeFault(" (Management Address Length is missing)")
    sender.rest = 0
    return sender
  }
  let addressLength = Int(try value.u8(at: offset))
  printer.write("\n\t  Management Address Length ", addressLength)
  offset &+= 1
  guard value.length >= offset &+ addressLength else {
    sender.ending = .addressTooLong
    return sender
  }
  sender.rest = value.length &- offset &- addressLength
  if addressLength == 0 { return sender }
  let address = try value.slice(at: offset, length: addressLength)
  if printer.writesFields { printer.fields.write("management_address", hex: address) }
  printer.writeHex(address, indent: "\n\t  Management Address: ")
  return sender
}

/// False if the form of the identifier is unknown.
private func printChassis(
  _ subtype: UInt8, _ identifier: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  switch subtype {
  case ChassisSubtype.macAddress:
    guard identifier.length == 6 else {
      printer.writeFault(" (invalid MAC address length)")
      return false
    }
    if printer.writesFields { printer.recordLinkAddress("address", identifier) }
    printer.out.write("\n\t  MAC ")
    printer.writeMAC(try identifier.mac(at: 0))
  case ChassisSubtype.networkAddress: return try printNetworkAddress(identifier, &printer)
  case 1...7:
    let text = identifier.clamped(to: try identifier.lengthToNUL())
    if printer.writesFields { printer.fields.write("identifier", text: text) }
    printer.out.write(escaped: text)
  default: return false
  }
  return true
}

/// An address family in one byte, and the address.
private func printNetworkAddress(
  _ identifier: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let family = UInt16(try identifier.u8(at: 0))
  let length = identifier.length &- 1
  printer.write("\n\t  Network Address Type ", family, as: .named(AddressFamily.names, unknown: "Unknown"))
  printer.write(" (", family)
  printer.out.write(")")
  switch (family, length) {
  case (AddressFamily.ipv4, 4): printer.write(", ", "address", try identifier.ipv4(at: 1))
  case (AddressFamily.ipv6, 16): printer.write(", ", "address", try identifier.ipv6(at: 1))
  case (AddressFamily.ipv4, _):
    printer.write("(invalid IPv4 address length ", length)
    printer.writeFault(")")
    return false
  case (AddressFamily.ipv6, _):
    printer.write("(invalid IPv6 address length ", length)
    printer.writeFault(")")
    return false
  default: return false
  }
  return true
}
