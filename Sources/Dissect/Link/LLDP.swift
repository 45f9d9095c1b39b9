import PacketCore

extension Layer {
  static let lldp = Layer(
    "lldp", "Link Layer Discovery Protocol", "IEEE 802.1AB"
  ) {
    [
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint8, "TLV type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the value.", always: true),
            Field("subtype", .uint8, "Subtype of an identifier, or of an organisation's TLV."),
            Field("address", .text, "Network address of a chassis, port or manager, or link-layer address."),
            Field("identifier", .text, "Chassis or port identifier that is text."),
            Field("ttl", .uint16, "Time to live in seconds."),
            Field("text", .text, "Description, name, or value of an organisation's TLV that is text."),
            Field("capabilities", .uint16, "System capabilities, or those of a media endpoint, as bits."),
            Field("enabled_capabilities", .uint16, "System capabilities that are enabled, as bits."),
            Field("address_family", .uint16, "IANA number of the address's family."),
            Field("interface_numbering", .uint8, "2 interface index, 3 system port number."),
            Field("interface_number", .uint32, "Interface number."),
            Field("oid", .hex, "Object identifier of the managed thing."),
            Field("oui", .uint24, "Organisation."),
            Field(
              "data", .hex,
              "Value of a TLV that has no members of its own; of an organisation's TLV what follows the subtype."),
            Field("vlan_id", .uint16, "VLAN identifier."),
            Field("supported", .flag, "VLANs by protocol, or autonegotiation, are supported."),
            Field("enabled", .flag, "They are enabled."),
            Field("advertised", .uint16, "Advertised capabilities of autonegotiation, as bits."),
            Field("mau_type", .uint16, "Operational MAU type."),
            Field("power_support", .uint8, "MDI power support, as bits."),
            Field("power_pair", .uint8, "PSE power pair."),
            Field("power_class", .uint8, "Power class."),
            Field("maximum_frame_size", .uint16, "Maximum frame size in bytes."),
            Field("aggregation_status", .uint8, "Aggregation capability and status, as bits."),
            Field("aggregation_port_id", .uint32, "Aggregated port."),
            Field("device_type", .uint8, "Class of a media endpoint."),
            Field("application_type", .uint8, "Application of a network policy."),
            Field("unknown_policy", .flag, "The policy is unknown."),
            Field("tagged", .flag, "The application uses VLAN tags."),
            Field("priority", .uint8, "Layer 2 priority."),
            Field("dscp", .uint8, "Differentiated services code point."),
            Field("power_type", .uint8, "Kind of power device."),
            Field("power_source", .uint8, "Source of power."),
            Field("power_priority", .uint8, "Priority of power."),
            Field("power", .uint16, "Power in tenths of a watt."),
            Field("location_format", .uint8, "Format of a location."),
          ])), "TLVs, in order.",
        each: "One TLV; its members depend on its type, organisation and subtype.")
    ]
  }
}

extension Dissector {
  /// Link Layer Discovery Protocol, IEEE 802.1AB.
  package static let lldp = Dissector(name: "lldp", claims: [.etherType(0x88cc)], layers: [.lldp], print: printLLDP)
}

/// Types of TLVs (IEEE 802.1AB section 8.4).
private enum TLVType {
  static let end: UInt16 = 0
  static let chassisID: UInt16 = 1
  static let portID: UInt16 = 2
  static let timeToLive: UInt16 = 3
  static let portDescription: UInt16 = 4
  static let systemName: UInt16 = 5
  static let systemDescription: UInt16 = 6
  static let systemCapabilities: UInt16 = 7
  static let managementAddress: UInt16 = 8
  static let organization: UInt16 = 127
  static let names: ValueNames = [
    0: "End", 1: "Chassis ID", 2: "Port ID", 3: "Time to Live", 4: "Port Description", 5: "System Name",
    6: "System Description", 7: "System Capabilities", 8: "Management Address", 127: "Organization specific",
  ]
}

private let chassisSubtypes: ValueNames = [
  1: "Chassis component", 2: "Interface alias", 3: "Port component", 4: "MAC address", 5: "Network address",
  6: "Interface name", 7: "Local",
]
private let portSubtypes: ValueNames = [
  1: "Interface alias", 2: "Port component", 3: "MAC address", 4: "Network Address", 5: "Interface Name",
  6: "Agent circuit ID", 7: "Local",
]
private let capabilities: FlagNames = [
  0x01: "Other", 0x02: "Repeater", 0x04: "Bridge", 0x08: "WLAN AP", 0x10: "Router", 0x20: "Telephone",
  0x40: "Docsis", 0x80: "Station Only",
]
private let manufacturerSubtypes: ValueNames = [1: "MUD-URL"]
private let interfaceNumberings: ValueNames = [2: "Interface Index", 3: "System Port Number"]

///     type (7 bits), length (9), value
let lldpLayout = OptionLayout(
  type: .bytes(at: 0, 2, shift: 9), length: .bytes(at: 0, 2, mask: 0x1ff), headerLength: 2, shortHeader: .endsList)

@Sendable
private func printLLDP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("LLDP, length ", bytes.length)
  _ = printer.enter(.lldp)
  if printer.wantsLayersAlone { return }
  let isVerbose = printer.options.verbosity > 0
  var list = printer.openList(bytes, lldpLayout, objects: "tlvs")
  while let tlv = try printer.next(&list) {
    let type = UInt16(truncatingIfNeeded: tlv.type)
    if printer.writesFields {
      printer.fields.write("type", type, "type_name", TLVType.names)
      printer.fields.write("length", tlv.length)
    }
    if isVerbose {
      printer.write("\n\t", type, as: .named(TLVType.names, unknown: "Unknown"))
      printer.write(" TLV (", type)
      printer.write("), length ", tlv.length)
    }
    if type != TLVType.end, tlv.length > 0 {
      if tlv.isTooLong || isVerbose && tlv.length < minimumLength(type) { throw .truncated }
      let value = try tlv.wholeValue()
      let isKnown = try printTLV(type, value, &printer)
      if !isKnown, type != TLVType.organization, printer.writesFields { printer.fields.write("data", hex: value) }
      if isVerbose, printer.options.verbosity > 1 || !isKnown { printer.writeHex(value, indent: "\n\t  ") }
    }
    // A TLV of any type without a value counts as the end.
    if type == TLVType.end || tlv.length == 0 { printer.stop(&list) }
  }
}

/// The minimum length of a TLV of this type, in bytes.
private func minimumLength(_ type: UInt16) -> Int {
  switch type {
  case TLVType.chassisID, TLVType.portID, TLVType.timeToLive: 2
  case TLVType.systemCapabilities: 4
  default: 0
  }
}

/// The value of a TLV; false if its bytes are to be dumped.
private func printTLV(_ type: UInt16, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let isVerbose = printer.options.verbosity > 0
  switch type {
  case TLVType.chassisID:
    return isVerbose
      ? try printIdentifier(chassisSubtypes, hardware: 4, network: 5, value, &printer) : true
  case TLVType.portID:
    return isVerbose
      ? try printIdentifier(portSubtypes, hardware: 3, network: 4, value, &printer) : true
  case TLVType.timeToLive:
    if printer.writesFields { printer.fields.write("ttl", try value.u16(at: 0)) }
    if isVerbose {
      printer.write(": TTL ", try value.u16(at: 0))
      printer.out.write("s")
    }
  case TLVType.portDescription:
    if printer.writesFields { printer.fields.write("text", text: value) }
    if isVerbose {
      printer.out.write(": ")
      try printer.writeTextToNUL(value)
    }
  case TLVType.systemName:
    // The system's name is written even without `-v`.
    if printer.writesFields { printer.fields.write("text", text: value) }
    printer.out.write(": ")
    try printer.writeTextToNUL(value)
  case TLVType.systemDescription:
    if printer.writesFields { printer.fields.write("text", text: value) }
    if isVerbose {
      printer.out.write("\n\t  ")
      try printer.writeTextToNUL(value)
    }
  case TLVType.systemCapabilities:
    if printer.writesFields {
      printer.fields.write("capabilities", try value.u16(at: 0))
      printer.fields.write("enabled_capabilities", try value.u16(at: 2))
    }
    if isVerbose {
      try writeCapabilities("\n\t  System  Capabilities [", try value.u16(at: 0), &printer)
      try writeCapabilities("\n\t  Enabled Capabilities [", try value.u16(at: 2), &printer)
    }
  case TLVType.managementAddress:
    if isVerbose { try printManagementAddress(value, &printer) }
  case TLVType.organization:
    return isVerbose ? try printer.printOrganizationTLV(value) : true
  default: return false
  }
  return true
}

private func writeCapabilities(
  _ title: StaticString, _ bits: UInt16, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(title)
  printer.write(capabilities, bits)
  printer.write("] (0x", bits, as: .hex(4))
  printer.out.write(")")
}

/// The identifier of a chassis or port: with the subtype `hardware` a MAC address, with `network` a network address, else text.
private func printIdentifier(
  _ names: ValueNames, hardware: UInt8, network: UInt8, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let subtype = try value.u8(at: 0)
  printer.write("\n\t  Subtype ", subtype, as: .named(names, unknown: "Unknown"))
  printer.write(" (", subtype)
  printer.out.write("): ")
  let identifier = try value.dropping(1)
  if printer.writesFields { printer.fields.write("subtype", subtype) }
  switch subtype {
  case hardware:
    if printer.writesFields { printer.recordLinkAddress("address", identifier) }
    if identifier.length < 6 { throw .truncated }
    printer.writeMAC(try identifier.mac(at: 0))
  case network:
    try checkNetworkAddress(identifier)
    try writeNetworkAddress(identifier, &printer)
  case 1...7:
    if printer.writesFields { printer.fields.write("identifier", text: identifier) }
    try printer.writeTextToNUL(identifier)
  default: return false
  }
  return true
}

/// Throws `.truncated` if a network address is shorter than its family requires.
private func checkNetworkAddress(_ bytes: PacketBytes) throws(DecodeError) {
  if bytes.length < 1 { throw .truncated }
  let length =
    switch UInt16(try bytes.u8(at: 0)) {
    case AddressFamily.ipv4: 5
    case AddressFamily.ipv6: 17
    case AddressFamily.mac48: 7
    default: 1
    }
  if bytes.length < length { throw .truncated }
}

/// An address family in one byte, and the address; the caller has called `checkNetworkAddress`.
private func writeNetworkAddress(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let family = UInt16(try bytes.u8(at: 0))
  if printer.writesFields {
    printer.fields.write("address_family", family)
    switch family {
    case AddressFamily.ipv4 where bytes.length >= 5: printer.fields.write("address", try bytes.ipv4(at: 1))
    case AddressFamily.ipv6 where bytes.length >= 17: printer.fields.write("address", try bytes.ipv6(at: 1))
    default:
      if bytes.count > 1 { printer.recordLinkAddress("address", try bytes.dropping(1)) }
    }
  }
  printer.write("AFI ", family, as: .named(AddressFamily.names, unknown: "Unknown"))
  printer.write(" (", family)
  printer.out.write(")")
  switch family {
  case AddressFamily.ipv4: printer.write(": ", try bytes.ipv4(at: 1))
  case AddressFamily.ipv6: printer.write(": ", try bytes.ipv6(at: 1))
  case AddressFamily.mac48:
    printer.out.write(": ")
    printer.writeMAC(try bytes.mac(at: 1))
  default: printer.out.write(", no AF printer !")
  }
}

///     0 address length  1 family, address  numbering (1)  interface (4)  identifier's length (1)  identifier
private func printManagementAddress(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let addressLength = Int(try value.u8(at: 0))
  if addressLength == 0 || value.length < 1 + addressLength { throw .truncated }
  let address = try value.dropping(1).clamped(to: addressLength)
  try checkNetworkAddress(address)
  printer.write("\n\t  Management Address length ", addressLength)
  printer.out.write(", ")
  try writeNetworkAddress(address, &printer)
  let interface = try value.dropping(1 + addressLength)
  if interface.length < 5 { throw .truncated }
  let numbering = try interface.u8(at: 0)
  let number = try interface.u32(at: 1)
  if printer.writesFields {
    printer.fields.write("interface_numbering", numbering)
    printer.fields.write("interface_number", number)
  }
  printer.write("\n\t  ", numbering, as: .named(interfaceNumberings, unknown: "Unknown"))
  printer.write(" Interface Numbering (", numbering)
  printer.write("): ", number)
  let identifier = try interface.dropping(5)
  if identifier.length > 0 {
    let length = Int(try identifier.u8(at: 0))
    if identifier.length < 1 + length { throw .truncated }
    if length > 0 {
      if printer.writesFields { printer.fields.write("oid", hex: try identifier.slice(at: 1, length: length)) }
      printer.write("\n\t  OID length ", length)
      try printer.writeText(try identifier.dropping(1), length: length)
    }
  }
}

extension Printer {
  ///     0 OUI (3)  3 subtype  4 data
  fileprivate mutating func printOrganizationTLV(_ value: PacketBytes) throws(DecodeError) -> Bool {
    if value.length < 4 { throw .truncated }
    let oui = try value.u24(at: 0)
    if writesFields {
      fields.write("oui", oui)
      fields.write("subtype", try value.u8(at: 3))
      if value.count > 4 { fields.write("data", hex: try value.dropping(4)) }
    }
    write(": OUI ", oui, as: .named(OUI.names, unknown: "Unknown"))
    write(" (0x", oui, as: .hex(6))
    out.write(")")
    switch oui {
    case OUI.ieee8021: return try printLLDP8021(value)
    case OUI.ieee8023: return try printLLDP8023(value)
    case OUI.iana: return try printLLDPIANA(value)
    case OUI.tia: return try printLLDPMED(value)
    case OUI.dcbx: return try printLLDPDCBX(value)
    default: return false
    }
  }

  /// `Port VLAN Id Subtype (1)`.
  mutating func writeLLDPSubtype(_ names: ValueNames, _ subtype: UInt8) {
    write("\n\t  ", subtype, as: .named(names, unknown: "unknown"))
    write(" Subtype (", subtype)
    out.write(")")
  }

  /// Manufacturer usage description, RFC 8520 section 11.
  private mutating func printLLDPIANA(_ value: PacketBytes) throws(DecodeError) -> Bool {
    guard value.length >= 8 else { return true }
    let subtype = try value.u8(at: 3)
    writeLLDPSubtype(manufacturerSubtypes, subtype)
    guard subtype == 1 else { return false }
    try write("\n\t  MUD-URL=", "text", text: try value.dropping(4))
    return true
  }
}
