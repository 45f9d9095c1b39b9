package import PacketCore

extension Layer {
  static let icmpExtensions = Layer(
    "icmp_extensions", "Extension structure of ICMP", "RFC 4884 section 7, RFC 8335 section 2", marks: ["icmp"]
  ) {
    [
      Field("version", .uint4, "Version.", always: true),
      Field("checksum", .uint16, "Checksum, as it stands there."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field(
        "objects",
        .array(
          .object([
            Field("class", .uint8, "Class.", always: true),
            Field("type", .uint8, "Class sub-type.", always: true),
            Field("length", .uint16, "Octets of the object, as it states.", always: true),
            Field("label", .uint32, "MPLS label."),
            Field("traffic_class", .uint8, "MPLS traffic class."),
            Field("bottom_of_stack", .flag, "Last entry of the MPLS stack."),
            Field("ttl", .uint8, "MPLS time to live."),
            Field("role", .uint8, "Role of the interface."),
            Field("interface_index", .uint32, "Index of the interface."),
            Field("interface_name", .text, "Name of the interface."),
            Field("address", .text, "Address of the interface."),
            Field("mtu", .uint32, "MTU of the interface."),
            Field("data", .hex, "Value of any other object."),
          ])), "Objects, in order.", each: "One object; which members there are depends on its class."),
    ]
  }
}

/// Classes of extension objects (IANA "ICMP Extension Object Classes and Class Sub-types").
private enum ObjectClass {
  /// RFC 4950.
  static let mpls: UInt8 = 1
  /// RFC 5837.
  static let interfaceInformation: UInt8 = 2
  /// RFC 8335.
  static let interfaceIdentification: UInt8 = 3

  static let names: ValueNames = [
    1: "MPLS Stack Entry", 2: "Interface Information", 3: "Interface Identification",
  ]
}

private let interfaceRoles: ValueNames = [
  0: "Incoming IP Interface", 1: "Sub-IP Component of Incoming IP Interface", 2: "Outgoing IP Interface",
  3: "IP Next-Hop",
]

private let echoCodes: ValueNames = [
  0: "No error", 1: "Malformed Query", 2: "No Such Interface", 3: "No Such Table Entry",
  4: "Multiple Interfaces Satisfy Query",
]
private let echoStates: ValueNames = [
  0: "Reserved", 1: "Incomplete", 2: "Reachable", 3: "Stale", 4: "Delay", 5: "Probe", 6: "Failed",
]

extension Printer {
  ///     0                   2          4
  ///     +-------------------+----------+---------
  ///     | version, reserved | checksum | objects
  ///     +-------------------+----------+---------
  /// The extension structure behind a quoted packet (RFC 4884 section 7).
  mutating func printICMPExtensions(_ bytes: PacketBytes) throws(DecodeError) {
    let version = try bytes.u8(at: 0) >> 4
    if enter(.icmpExtensions) { fields.write("version", version) }
    write("\n\tICMP Multi-Part extension v", version)
    guard version == 2 else {
      out.write(", packet not supported")
      return
    }
    try writeExtensionChecksum(bytes)
    try printExtensionObjects(bytes)
  }

  /// The one object of an extended echo request (RFC 8335 section 2): which interface is asked about.
  mutating func printExtendedEchoQuery(_ bytes: PacketBytes, isLocal: Bool) throws(DecodeError) {
    let version = try bytes.u8(at: 0) >> 4
    if enter(.icmpExtensions) { fields.write("version", version) }
    out.write(isLocal ? "\n\tLocal Interface" : "\n\tRemote Interface")
    guard version == 2 else {
      out.write(", packet not supported")
      return
    }
    // The object ends the structure; data of the sender may follow it.
    let structure = bytes.clamped(to: Int(try bytes.u16(at: 4)) &+ 4)
    try writeExtensionChecksum(structure)
    try printExtensionObjects(structure)
  }

  /// True where the Internet checksum within is right, nil where not everything that it is over was captured.
  package func hasRightChecksum(_ bytes: PacketBytes) -> Bool? {
    guard bytes.count >= bytes.length else { return nil }
    var sum = InternetChecksum()
    sum.add(bytes.clamped(to: bytes.length))
    return sum.value == 0
  }

  private mutating func writeExtensionChecksum(_ bytes: PacketBytes) throws(DecodeError) {
    if writesFields, let checksum = try? bytes.u16(at: 2) { fields.write("checksum", checksum) }
    guard let isRight = hasRightChecksum(bytes) else { return }
    recordChecksum(isCorrect: isRight)
    if !isRight { noteInvalid() }
    out.write(", checksum 0x")
    out.write(hex: try bytes.u16(at: 2), width: 4)
    out.write(isRight ? " (correct), length " : " (incorrect), length ")
    out.write(decimal: bytes.length)
  }

  ///     0        2       3         4
  ///     +--------+-------+---------+---------
  ///     | length | class | subtype | value
  ///     +--------+-------+---------+---------
  private mutating func printExtensionObjects(_ bytes: PacketBytes) throws(DecodeError) {
    let layout = OptionLayout(
      type: .bytes(at: 2, 2), length: .bytes(at: 0, 2), headerLength: 4, countsHeader: true, needed: 5,
      shortHeader: .endsList)
    var list = openList(bytes, at: 4, layout, objects: "objects")
    while let object = try next(&list) {
      let objectClass = UInt8(truncatingIfNeeded: object.type >> 8)
      let subtype = UInt8(truncatingIfNeeded: object.type)
      if writesFields {
        fields.write("class", objectClass)
        fields.write("type", subtype)
        fields.write("length", object.length)
      }
      write("\n\t  ", objectClass, as: .named(ObjectClass.names, unknown: "unknown"))
      write(" Object (", objectClass)
      write("), Class-Type: ", subtype)
      write(", length ", object.length)
      guard object.length > 4 else { return }
      // More than the object's own bytes may be read of an object that is too short for its parts.
      let value = try object.bytes.dropping(4)
      let length = object.length &- 4
      switch (objectClass, subtype) {
      case (ObjectClass.mpls, 1): try printLabelStack(value)
      case (ObjectClass.interfaceInformation, _): try printInterfaceInformation(value, subtype)
      case (ObjectClass.interfaceIdentification, _): try printInterfaceIdentification(value, subtype, length: length)
      default:
        if writesFields { fields.write("data", hex: value.clamped(to: length)) }
        if options.verbosity > 0 { writeHex(value.clamped(to: length), indent: "\n\t    ") }
      }
    }
  }

  private mutating func printLabelStack(_ value: PacketBytes) throws(DecodeError) {
    let entry = try value.u32(at: 0)
    if writesFields { recordLabel(entry) }
    out.write("\n\t    label ")
    out.write(decimal: entry >> 12)
    out.write(", tc ")
    out.write(decimal: entry >> 9 & 7)
    if entry & 0x100 != 0 { out.write(", [S]") }
    out.write(", ttl ")
    out.write(decimal: entry & 0xff)
  }

  /// RFC 5837 section 4: the subtype's bits say which parts there are.
  private mutating func printInterfaceInformation(_ value: PacketBytes, _ subtype: UInt8) throws(DecodeError) {
    write("\n\t    Interface Role: ", subtype >> 6, as: .named(interfaceRoles, unknown: "an unknown interface role"))
    var offset = 0
    if writesFields { fields.write("role", subtype >> 6) }
    if subtype & 0x08 != 0 {
      if writesFields { fields.write("interface_index", try value.u32(at: offset)) }
      out.write("\n\t    Interface Index: ")
      out.write(decimal: try value.u32(at: offset))
      offset += 4
    }
    if subtype & 0x04 != 0 { offset += try printAddressSubobject(try value.dropping(offset)) }
    if subtype & 0x02 != 0 { offset += try printInterfaceName(try value.dropping(offset)) }
    if subtype & 0x01 != 0 {
      if writesFields { fields.write("mtu", try value.u32(at: offset)) }
      out.write("\n\t    MTU Value: ")
      out.write(decimal: try value.u32(at: offset))
    }
  }

  /// An address family identifier, two unused octets, the address; gives the octets read.
  private mutating func printAddressSubobject(_ value: PacketBytes) throws(DecodeError) -> Int {
    switch try value.u16(at: 0) {
    case 1:
      if writesFields { fields.write("address", try value.ipv4(at: 4)) }
      out.write("\n\t    IP Address sub-object: ")
      writeHost(try value.ipv4(at: 4))
      return 8
    case 2:
      if writesFields { fields.write("address", try value.ipv6(at: 4)) }
      out.write("\n\t    IP Address sub-object: ")
      writeHost(try value.ipv6(at: 4))
      return 20
    default: return 4
    }
  }

  /// A length that counts itself, and a name; gives the octets read.
  private mutating func printInterfaceName(_ value: PacketBytes) throws(DecodeError) -> Int {
    let length = Int(try value.u8(at: 0))
    out.write("\n\t    Interface Name")
    if length == 0 {
      out.write(" [length 0]")
      throw .invalid
    }
    write(", length ", length)
    out.write(": ")
    if length > 64 || length % 4 != 0 { throw .invalid }
    if writesFields { fields.write("interface_name", text: try value.slice(at: 1, length: length - 1)) }
    try writeText(try value.dropping(1), length: length - 1)
    return length
  }

  /// RFC 8335 section 2.1: by name, by index, or by address.
  private mutating func printInterfaceIdentification(
    _ value: PacketBytes, _ subtype: UInt8, length: Int
  ) throws(DecodeError) {
    switch subtype {
    case 1:
      write("\n\t    Interface Name, length ", length)
      out.write(": ")
      // Zero octets fill the name up to a multiple of four.
      let shown = try value.withLength(length).lengthToNUL()
      if writesFields { fields.write("interface_name", text: value.clamped(to: shown)) }
      try writeText(value, length: shown)
    case 2:
      if writesFields { fields.write("interface_index", try value.u32(at: 0)) }
      out.write("\n\t    Interface Index: ")
      out.write(decimal: try value.u32(at: 0))
    case 3:
      switch try value.u16(at: 0) {
      case 1:
        if writesFields { fields.write("address", try value.ipv4(at: 4)) }
        out.write("\n\t    IP Address sub-object: ")
        writeHost(try value.ipv4(at: 4))
      case 2:
        if writesFields { fields.write("address", try value.ipv6(at: 4)) }
        out.write("\n\t    IP Address sub-object: ")
        writeHost(try value.ipv6(at: 4))
      case 0x4005:
        if writesFields { fields.write("address", try value.mac(at: 4)) }
        out.write("\n\t    MAC Address sub-object: ")
        writeMAC(try value.mac(at: 4))
      case let family:
        write("\n\t    Unknown Address Family ", family)
      }
    default: break
    }
  }

  /// The fields of an entry of a label stack.
  mutating func recordLabel(_ entry: UInt32) {
    fields.write("label", entry >> 12)
    fields.write("traffic_class", entry >> 9 & 7)
    fields.write("bottom_of_stack", entry & 0x100 != 0)
    fields.write("ttl", entry & 0xff)
  }

  mutating func recordExtendedEchoState(_ state: UInt8) {
    fields.write("state", state >> 5)
    fields.write("active", state & 4 != 0)
    fields.write("ipv4", state & 2 != 0)
    fields.write("ipv6", state & 1 != 0)
  }

  /// The answer to an extended echo request (RFC 8335 section 3).
  mutating func writeExtendedEchoState(_ code: UInt8, _ state: UInt8) {
    write("\n\tCode ", code)
    write(" (", code, as: .named(echoCodes, unknown: "Unknown"))
    write("), State ", state >> 5)
    write(" (", state >> 5, as: .named(echoStates, unknown: "Unknown"))
    write("), active ", state >> 2 & 1)
    write(" ipv4 ", state >> 1 & 1)
    write(" ipv6 ", state & 1)
  }
}
