package import PacketCore

extension Layer {
  static let icmpExtensions = Layer(
    "icmp_extensions", "Extension structure of ICMP", "RFC 4884 section 7, RFC 8335 section 2", marks: ["icmp"]
  ) {
    [
      Field("version", .uint4, "Version.", always: true),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field(
        "objects",
        .array(
          .object([
            Field("class", .uint8, "Class.", always: true),
            Field("type", .uint8, "Class sub-type.", always: true),
            Field("length", .uint16, "Bytes of the object, as it states.", always: true),
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
  /// No object: nothing follows it.
  static let none: UInt8 = 0
  /// RFC 4950.
  static let mpls: UInt8 = 1
  /// RFC 5837.
  static let interfaceInformation: UInt8 = 2
  /// RFC 8335.
  static let interfaceIdentification: UInt8 = 3

  static let names: ValueNames = [
    1: "MPLS Stack Entry Object", 2: "Interface Information Object", 3: "Interface Identification Object",
  ]
}

private let interfaceRoles: ValueNames = [
  0: "Incoming IP Interface", 1: "Sub-IP Component of Incoming IP Interface", 2: "Outgoing IP Interface",
  3: "IP Next hop",
]

/// The address family of 48-bit MAC addresses (IANA "Address Family Numbers").
private let eui48: UInt16 = 0x4005

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
  /// The extension structure after a quoted packet (RFC 4884 section 7).
  mutating func printICMPExtensions(_ bytes: PacketBytes) throws(DecodeError) {
    let version = try bytes.u8(at: 0) >> 4
    if enter(.icmpExtensions) { fields.write("version", version) }
    write("\n\tICMP Multi-Part extension v", version)
    guard version == 2 else {
      out.write(" packet not supported")
      return
    }
    try writeExtensionChecksum(bytes)
    try printExtensionObjects(bytes)
  }

  /// The one object of an extended echo request (RFC 8335 section 2): the interface that is queried.
  mutating func printExtendedEchoQuery(_ bytes: PacketBytes, isLocal: Bool) throws(DecodeError) {
    let version = try bytes.u8(at: 0) >> 4
    if enter(.icmpExtensions) { fields.write("version", version) }
    out.write(isLocal ? "\n\tLocal Interface" : "\n\tRemote Interface")
    guard version == 2 else { throw .invalid }
    // The object ends the structure; the sender's own data may follow it.
    let structure = bytes.withLength(min(bytes.length, Int(try bytes.u16(at: 4)) &+ 4))
    try writeExtensionChecksum(structure)
    try printExtensionObjects(structure)
  }

  private mutating func writeExtensionChecksum(_ bytes: PacketBytes) throws(DecodeError) {
    if writesFields, let checksum = try? bytes.u16(at: 2) { fields.write("checksum", checksum) }
    guard let isRight = bytes.hasRightChecksum else { return }
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
      write(" (", objectClass)
      write("), Class-Type: ", subtype)
      write(", length ", object.length)
      if object.isTooShort || objectClass == ObjectClass.none { return stop(&list) }
      let value = object.value
      switch (objectClass, subtype) {
      case (ObjectClass.mpls, 1): try printLabelStack(value)
      case (ObjectClass.interfaceInformation, _):
        if try !printInterfaceInformation(value, subtype) { stop(&list) }
      case (ObjectClass.interfaceIdentification, 1...3): try printInterfaceIdentification(object, subtype)
      default:
        if writesFields { fields.write("data", hex: value) }
        if options.verbosity > 0, value.length > 0 { writeHex(value, indent: "\n\t    ") }
      }
    }
  }

  private mutating func printLabelStack(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 4 else { return }
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

  /// RFC 5837 section 4: the bits of the subtype say which parts are present. The object ends before the first part that it has no room
  /// for. False if an address has an unknown family: its length is then unknown, and so is where the next part begins.
  private mutating func printInterfaceInformation(
    _ value: PacketBytes, _ subtype: UInt8
  ) throws(DecodeError) -> Bool {
    write("\n\t    Interface Role: ", subtype >> 6, as: .named(interfaceRoles, unknown: "an unknown interface role"))
    if writesFields { fields.write("role", subtype >> 6) }
    var rest = value
    if subtype & 0x08 != 0 {
      guard rest.length >= 4 else { return true }
      write("\n\t    Interface Index: ", "interface_index", try rest.u32(at: 0))
      rest = try rest.dropping(4)
    }
    if subtype & 0x04 != 0 {
      out.write("\n\t    IP Address sub-object: ")
      guard rest.length >= 8 else { return true }
      switch try rest.u16(at: 0) {
      case AddressFamily.ipv4:
        write("", "address", try rest.ipv4(at: 4))
        rest = try rest.dropping(8)
      case AddressFamily.ipv6:
        guard rest.length >= 20 else { return true }
        write("", "address", try rest.ipv6(at: 4))
        rest = try rest.dropping(20)
      default:
        out.write("Unknown Address Family Identifier")
        return false
      }
    }
    if subtype & 0x02 != 0 {
      guard rest.length > 0 else { return true }
      let length = Int(try rest.u8(at: 0))
      guard printsInterfaceName(length, rest.length) else { return true }
      if writesFields { fields.write("interface_name", text: try rest.slice(at: 1, length: length - 1)) }
      try writeText(try rest.dropping(1), length: length - 1)
      rest = try rest.dropping(length)
    }
    if subtype & 0x01 != 0, rest.length >= 4 { write("\n\t    MTU: ", "mtu", try rest.u32(at: 0)) }
    return true
  }

  /// Writes the length of an interface's name, which counts the length byte itself; false if that length is impossible.
  private mutating func printsInterfaceName(_ length: Int, _ available: Int) -> Bool {
    out.write("\n\t    Interface Name")
    if length == 0 {
      writeFault(" [length 0] (invalid)")
      return false
    }
    if length > available { return false }
    if length > 64 || length % 4 != 0 {
      write(" [length ", length)
      writeFault(length % 4 != 0 ? " != N x 4] (invalid)" : " > 64] (invalid)")
      return false
    }
    write(", length ", length)
    out.write(": ")
    return true
  }

  /// RFC 8335 section 2.1: identifies the interface by name, by index, or by address.
  private mutating func printInterfaceIdentification(
    _ object: borrowing OptionList.Entry, _ subtype: UInt8
  ) throws(DecodeError) {
    let value = object.value
    switch subtype {
    case 1:
      write("\n\t    Interface Name, length ", value.length)
      out.write(": ")
      // The name is padded with zero bytes to a multiple of four.
      if writesFields { fields.write("interface_name", text: value.clamped(to: try value.lengthToNUL())) }
      try writeTextToNUL(value)
    case 2:
      guard value.length >= 4 else { return }
      write("\n\t    Interface Index: ", "interface_index", try value.u32(at: 0))
    default:
      out.write("\n\t    IP Address sub-object: ")
      guard value.length >= 4 else { return }
      try printInterfaceAddress(value, captured: try object.bytes.dropping(4))
    }
  }

  ///     0        2        3          4
  ///     +--------+--------+----------+---------
  ///     | family | length | reserved | address
  ///     +--------+--------+----------+---------
  private mutating func printInterfaceAddress(_ value: PacketBytes, captured: PacketBytes) throws(DecodeError) {
    let family = try value.u16(at: 0)
    let length = Int(try value.u8(at: 2))
    // Bytes of the stated address length must be captured, even if the object is shorter.
    try captured.check(4, length)
    let expected: Int
    switch family {
    case AddressFamily.ipv4: expected = 4
    case AddressFamily.ipv6: expected = 16
    case eui48: expected = 6
    default:
      out.write("Unknown Address Family Identifier")
      return
    }
    guard value.length >= 4 + expected else { return }
    if length != expected {
      writeComparison("length", length, .notEqual, expected)
      noteInvalid()
      out.write(" ")
    }
    switch family {
    case AddressFamily.ipv4: write("", "address", try value.ipv4(at: 4))
    case AddressFamily.ipv6: write("", "address", try value.ipv6(at: 4))
    default: write("", "address", try value.mac(at: 4))
    }
  }

  /// Records the fields of a label stack entry.
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

  /// Writes the answer to an extended echo request (RFC 8335 section 3).
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

extension PacketBytes {
  /// True if these bytes, checksum included, have a correct Internet checksum; nil if not all of them were captured.
  package var hasRightChecksum: Bool? {
    guard count >= length else { return nil }
    var sum = InternetChecksum()
    sum.add(clamped(to: length))
    return sum.value == 0
  }
}
