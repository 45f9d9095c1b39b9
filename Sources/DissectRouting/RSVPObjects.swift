import Dissect
import PacketCore

/// The result of reading the value of an object.
enum RSVPReading {
  case read
  /// No object after it is read: it is too short, or its contents are invalid.
  case tooShort, isInvalid
  /// Its bytes are to be dumped, because not all of them were shown.
  case isDumped
}

private let integrityFlags: FlagNames = [0x01: "Handshake"]
private let styles: ValueNames = [0x0a: "Fixed Filter", 0x11: "Wildcard Filter", 0x12: "Shared Explicit"]
private let errorCodes: ValueNames = [24: "Routing Problem", 25: "Notify Error", 28: "Diffserv TE Error"]
private let routingErrors: ValueNames = [
  1: "Bad EXPLICIT_ROUTE object", 2: "Bad strict node", 3: "Bad loose node", 4: "Bad initial subobject",
  5: "No route available toward destination", 6: "Unacceptable label value", 7: "RRO indicated routing loops",
  8: "non-RSVP-capable router in the path", 9: "MPLS label allocation failure", 10: "Unsupported L3PID",
]
private let diffservErrors: ValueNames = [
  1: "Unexpected CT object", 2: "Unsupported CT", 3: "Invalid CT value",
  4: "CT/setup priority do not form a configured TE-Class", 5: "CT/holding priority do not form a configured TE-Class",
  6: "CT/setup priority and CT/holding priority do not form a configured TE-Class",
  7: "Inconsistency between signaled PSC and signaled CT", 8: "Inconsistency between signaled PHBs and signaled CT",
]
private let capabilities: FlagNames = [
  0x04: "RecoveryPath Transmit Enabled", 0x02: "RecoveryPath Desired", 0x01: "RecoveryPath Srefresh Capable",
]
private let adminStatus: FlagNames = [
  0x8000_0000: "Reflect", 0x04: "Testing", 0x02: "Admin-down", 0x01: "Delete-in-progress",
]
private let sessionFlags: FlagNames = [
  0x01: "Local Protection", 0x02: "Label Recording", 0x04: "SE Style", 0x08: "Bandwidth protection",
  0x10: "Node protection",
]

extension Printer {
  /// The value of an object.
  mutating func printRSVPObject(
    _ classNumber: UInt8, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    switch classNumber {
    case RSVPClass.session: try printSession(type, value, indent)
    case RSVPClass.hop: try printHop(type, value, indent)
    case RSVPClass.integrity: try printIntegrity(value, indent)
    case RSVPClass.timeValues: try printTimeValues(type, value, indent)
    case RSVPClass.errorSpec: try printErrorSpec(type, value, indent)
    case RSVPClass.style: try printStyle(type, value, indent)
    case RSVPClass.flowspec, RSVPClass.senderTSpec, RSVPClass.adspec:
      type == 2 ? try printIntegratedServices(value, indent) : .isDumped
    case RSVPClass.filterSpec, RSVPClass.senderTemplate: try printSender(classNumber, type, value, indent)
    case RSVPClass.hello: try printHello(type, value, indent)
    case RSVPClass.messageID, RSVPClass.messageIDAck, RSVPClass.messageIDList:
      try printMessageIDs(classNumber, type, value, indent)
    case RSVPClass.restart: try printRestart(type, value, indent)
    case RSVPClass.capability: try printCapability(type, value, indent)
    case RSVPClass.sessionAttribute: try printSessionAttribute(type, value, indent)
    case RSVPClass.fastReroute: try printFastReroute(type, value, indent)
    case RSVPClass.detour: try printDetours(type, value, indent)
    case RSVPClass.confirm: try printAddress(" Receiver Address: ", type, value, indent)
    case RSVPClass.notifyRequest: try printAddress(" Notify Node Address: ", type, value, indent)
    case RSVPClass.subLSP: try printSubLSP(type, value, indent)
    case RSVPClass.adminStatus, RSVPClass.classType, RSVPClass.oldClassType, RSVPClass.properties:
      try printWord(classNumber, type, value, indent)
    default: try printRSVPRouteObject(classNumber, type, value, indent)
    }
  }

  ///     0 destination  4 or 16: protocol  flags  port        RFC 2205 appendix A.1
  ///     0 end of the tunnel  4 or 16: reserved (2)  tunnel (2)  extended tunnel identifier
  ///       RFC 3209 section 4.6.1, RFC 4875 section 19.1
  private mutating func printSession(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    switch type {
    case 1, 2:
      let size = type == 1 ? 4 : 16
      if value.length < size &+ 4 { return .tooShort }
      out.write(indent.value)
      if type == 1 {
        write("IPv4 DestAddress: ", "destination", try value.ipv4(at: 0))
      } else {
        write("IPv6 DestAddress: ", "destination", try value.ipv6(at: 0))
      }
      write(", Protocol ID: 0x", "protocol", try value.u8(at: size), as: .hex(2))
      out.write(indent.value)
      write("Flags: [0x", try value.u8(at: size &+ 1), as: .hex(2))
      write("], DestPort ", "destination_port", try value.u16(at: size &+ 2))
    case 7, 11, 13:
      if value.length < 12 { return .tooShort }
      out.write(indent.value)
      write(
        type == 13 ? "IPv4 P2MP LSP ID: " : "IPv4 Tunnel EndPoint: ", "destination", try value.ipv4(at: 0))
      write(", Tunnel ID: 0x", "tunnel_id", try value.u16(at: 6), as: .hex(4))
      write(", Extended Tunnel ID: ", "extended_tunnel_id", try value.ipv4(at: 8))
    case 14:
      // The tree identifier takes four bytes, although the addresses are IPv6 addresses.
      if value.length < 24 { return .tooShort }
      out.write(indent.value)
      write("IPv6 P2MP LSP ID: 0x", try value.u32(at: 0), as: .hex(8))
      write(", Tunnel ID: 0x", "tunnel_id", try value.u16(at: 6), as: .hex(4))
      write(", Extended Tunnel ID: ", "extended_tunnel_id", try value.ipv6(at: 8))
    default: return .isDumped
    }
    return .read
  }

  ///     0 address  4 or 16: logical interface      TLVs, in types 3 and 4       RFC 2205 appendix A.2
  private mutating func printHop(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    switch type {
    case 1, 3:
      if value.length < 8 { return .tooShort }
      out.write(indent.value)
      write("Previous/Next Interface: ", "hop", try value.ipv4(at: 0))
      write(", Logical Interface Handle: 0x", "logical_interface", try value.u32(at: 4), as: .hex(8))
      return type == 1 ? .read : .isDumped
    case 2, 4:
      if value.length < 20 { return .tooShort }
      out.write(indent.value)
      write("Previous/Next Interface: ", "hop", try value.ipv6(at: 0))
      write(", Logical Interface Handle: 0x", "logical_interface", try value.u32(at: 16), as: .hex(8))
      return .isDumped
    default: return .isDumped
    }
  }

  ///     0 flags  1 reserved  2 key (6)  8 sequence (8)  16 digest (16)      RFC 2747 section 2
  private mutating func printIntegrity(
    _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    if value.length < 32 { return .tooShort }
    out.write(indent.value)
    write("Key-ID 0x", try value.u16(at: 2), as: .hex(4))
    write("", try value.u32(at: 4), as: .hex(8))
    write(", Sequence 0x", try value.u64(at: 8), as: .hex(16))
    // The flag is the upper bit of a field that is read together with the byte after it, as one number.
    out.write(", Flags [")
    write(integrityFlags, try value.u8(at: 0) >> 7)
    out.write("]")
    out.write(indent.value)
    out.write("MD5-sum 0x")
    try writeHexOctets(try value.dropping(16), 16)
    out.write("  (unchecked)")
    return .read
  }

  private mutating func printTimeValues(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 else { return .isDumped }
    if value.length < 4 { return .tooShort }
    out.write(indent.value)
    write("Refresh Period: ", "refresh_milliseconds", try value.u32(at: 0))
    out.write("ms")
    return .read
  }

  ///     0 node  4 or 16: flags  code  value (2)         RFC 2205 appendix A.5
  private mutating func printErrorSpec(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard (1...4).contains(type) else { return .isDumped }
    let size = type == 1 || type == 3 ? 4 : 16
    if value.length < size &+ 4 { return .tooShort }
    let code = try value.u8(at: size &+ 1)
    let error = try value.u16(at: size &+ 2)
    out.write(indent.value)
    if size == 4 {
      write("Error Node Address: ", "error_node", try value.ipv4(at: 0))
    } else {
      write("Error Node Address: ", "error_node", try value.ipv6(at: 0))
    }
    write(", Flags: [0x", try value.u8(at: size), as: .hex(2))
    out.write("]")
    out.write(indent.value)
    write("Error Code: ", "error_code", code, as: .named(errorCodes, unknown: "unknown"))
    write(" (", code)
    out.write(")")
    if writesFields { fields.write("error_value", error) }
    // For IPv6 only the code is printed.
    if size == 16 { return .read }
    switch code {
    case 24: write(", Error Value: ", error, as: .named(routingErrors, unknown: "unknown"))
    case 28: write(", Error Value: ", error, as: .named(diffservErrors, unknown: "unknown"))
    default: out.write(", Unknown Error Value")
    }
    write(" (", error)
    out.write(")")
    return .read
  }

  private mutating func printStyle(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 else { return .isDumped }
    if value.length < 4 { return .tooShort }
    out.write(indent.value)
    write("Reservation Style: ", try value.u24(at: 1), as: .named(styles, unknown: "Unknown"))
    write(", Flags: [0x", try value.u8(at: 0), as: .hex(2))
    out.write("]")
    return .read
  }

  ///     0 sender  4 or 16: reserved (2), port or number of the path (2); type 3: flow label (4)    RFC 2205 appendix A.9
  ///     in types 12 and 13: sender, reserved (2), path (2), originator, reserved (2), sub-group (2)   RFC 4875 section 19.2
  private mutating func printSender(
    _ classNumber: UInt8, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    let isTemplate = classNumber == RSVPClass.senderTemplate
    switch type {
    case 1, 7:
      if value.length < 8 { return .tooShort }
      out.write(indent.value)
      write(
        type == 7 && isTemplate ? "IPv4 Tunnel Sender Address: " : "Source Address: ", "sender",
        try value.ipv4(at: 0))
      if type == 1 {
        write(", Source Port: ", "source_port", try value.u16(at: 6))
      } else {
        write(", LSP-ID: 0x", "lsp_number", try value.u16(at: 6), as: .hex(4))
      }
    case 2:
      if value.length < 20 { return .tooShort }
      out.write(indent.value)
      write("Source Address: ", "sender", try value.ipv6(at: 0))
      write(", Source Port: ", "source_port", try value.u16(at: 18))
    case 3 where !isTemplate:
      if value.length < 20 { return .tooShort }
      out.write(indent.value)
      write("Source Address: ", "sender", try value.ipv6(at: 0))
      write(", Flow Label: ", try value.u24(at: 17))
    case 12:
      if value.length < 16 { return .tooShort }
      out.write(indent.value)
      write("IPv4 Tunnel Sender Address: ", "sender", try value.ipv4(at: 0))
      write(", LSP ID: 0x", "lsp_number", try value.u16(at: 6), as: .hex(4))
      out.write(indent.value)
      write("Sub-Group Originator ID: ", try value.ipv4(at: 8))
      write(", Sub-Group ID: 0x", try value.u16(at: 12), as: .hex(4))
    case 13:
      if value.length < 40 { return .tooShort }
      out.write(indent.value)
      write("IPv6 Tunnel Sender Address: ", "sender", try value.ipv6(at: 0))
      write(", LSP ID: 0x", "lsp_number", try value.u16(at: 18), as: .hex(4))
      out.write(indent.value)
      write("Sub-Group Originator ID: ", try value.ipv6(at: 20))
      write(", Sub-Group ID: 0x", try value.u16(at: 38), as: .hex(4))
    default: return .isDumped
    }
    return .read
  }

  private mutating func printHello(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 || type == 2 else { return .isDumped }
    if value.length < 8 { return .tooShort }
    out.write(indent.value)
    write("Source Instance: 0x", "source_instance", try value.u32(at: 0), as: .hex(8))
    write(", Destination Instance: 0x", "destination_instance", try value.u32(at: 4), as: .hex(8))
    return .read
  }

  ///     0 flags  1 epoch (3)  4 identifiers (4 each)       RFC 2961 section 4
  private mutating func printMessageIDs(
    _ classNumber: UInt8, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 || type == 2 && classNumber == RSVPClass.messageIDAck else { return .isDumped }
    if value.length < 8 { return .tooShort }
    out.write(indent.value)
    write("Flags [0x", try value.u8(at: 0), as: .hex(2))
    write("], epoch: ", try value.u24(at: 1))
    var list = openList(value, at: 4, .elements(of: 4), array: "message_ids")
    while let element = try next(&list) {
      let identifier = try element.bytes.u32(at: 0)
      out.write(indent.list)
      writeElement("Message-ID 0x", identifier, as: .hex(8))
      write(" (", identifier)
      out.write(")")
    }
    return .read
  }

  private mutating func printRestart(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 else { return .isDumped }
    if value.length < 8 { return .tooShort }
    out.write(indent.value)
    write("Restart  Time: ", try value.u32(at: 0))
    write("ms, Recovery Time: ", try value.u32(at: 4))
    out.write("ms")
    return .read
  }

  private mutating func printCapability(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 else { return .isDumped }
    if value.length < 4 { return .tooShort }
    let flags = try value.u32(at: 0)
    if flags & ~7 != 0 {
      out.write(indent.value)
      writeFault("[reserved=0x")
      out.write(hex: flags & ~7, width: 8)
      out.write(" must be zero]")
    }
    out.write(indent.value)
    out.write("Flags: [")
    write(capabilities, flags & 7)
    out.write("]")
    return .read
  }

  ///     0 setup priority  1 holding priority  2 flags  3 length of the name  4 name       RFC 3209 section 4.7
  private mutating func printSessionAttribute(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 7 else { return .isDumped }
    if value.length < 4 { return .tooShort }
    let flags = try value.u8(at: 2)
    let nameLength = Int(try value.u8(at: 3))
    if value.length < 4 &+ nameLength { return .tooShort }
    let name = try value.slice(at: 4, length: nameLength)
    out.write(indent.value)
    out.write("Session Name: ")
    if writesFields { fields.write("session_name", text: name) }
    try writeText(name, length: nameLength)
    out.write(indent.value)
    write("Setup Priority: ", "setup_priority", try value.u8(at: 0))
    write(", Holding Priority: ", "holding_priority", try value.u8(at: 1))
    out.write(", Flags: [")
    write(sessionFlags, flags)
    write("] (0x", flags, as: .hex(1))
    out.write(")")
    return .read
  }

  ///     0 setup priority  1 holding priority  2 hop limit  3 flags  4 bandwidth  8 include  12 exclude  16 include all
  ///       RFC 4090 section 4.1
  private mutating func printFastReroute(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 || type == 7 else { return .isDumped }
    if value.length < (type == 1 ? 20 : 16) { return .tooShort }
    out.write(indent.value)
    write("Setup Priority: ", "setup_priority", try value.u8(at: 0))
    write(", Holding Priority: ", "holding_priority", try value.u8(at: 1))
    write(", Hop-limit: ", try value.u8(at: 2))
    out.write(", Bandwidth: ")
    writeMegabits(try value.u32(at: 4))
    out.write(indent.value)
    if type == 1 {
      write("Include-any: 0x", try value.u32(at: 8), as: .hex(8))
      write(", Exclude-any: 0x", try value.u32(at: 12), as: .hex(8))
      write(", Include-all: 0x", try value.u32(at: 16), as: .hex(8))
    } else {
      write("Include Colors: 0x", try value.u32(at: 8), as: .hex(8))
      write(", Exclude Colors: 0x", try value.u32(at: 12), as: .hex(8))
    }
    return .read
  }

  /// Points of local repair, and nodes that they avoid (RFC 4090 section 4.2).
  private mutating func printDetours(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 7 else { return .isDumped }
    var list = openList(value, .elements(of: 8))
    while let element = try next(&list) {
      out.write(indent.value)
      write("PLR-ID: ", try element.bytes.ipv4(at: 0))
      write(", Avoid-Node-ID: ", try element.bytes.ipv4(at: 4))
    }
    return .read
  }

  /// `IPv4` or `IPv6`, the title, and an address.
  private mutating func printAddress(
    _ title: StaticString, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 || type == 2 else { return .isDumped }
    if value.length < (type == 1 ? 4 : 16) { return .tooShort }
    out.write(indent.value)
    out.write(type == 1 ? "IPv4" : "IPv6")
    if type == 1 { write(title, "hop", try value.ipv4(at: 0)) } else { write(title, "hop", try value.ipv6(at: 0)) }
    return .read
  }

  private mutating func printSubLSP(
    _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 || type == 2 else { return .isDumped }
    if value.length < (type == 1 ? 4 : 16) { return .tooShort }
    out.write(indent.value)
    if type == 1 {
      write("Sub-LSP destination address: ", "destination", try value.ipv4(at: 0))
    } else {
      write("Sub-LSP destination address: ", "destination", try value.ipv6(at: 0))
    }
    return .read
  }

  /// Objects of a single four-byte word.
  private mutating func printWord(
    _ classNumber: UInt8, _ type: UInt8, _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    guard type == 1 else { return .isDumped }
    if value.length < 4 { return .tooShort }
    out.write(indent.value)
    switch classNumber {
    case RSVPClass.adminStatus:
      out.write("Flags [")
      write(adminStatus, try value.u32(at: 0))
      out.write("]")
    case RSVPClass.properties:
      write("TLV count: ", try value.u16(at: 0))
      write(", padding bytes: ", try value.u16(at: 2))
    default: write("CT: ", try value.u32(at: 0) & 7)
    }
    return .read
  }

  /// A bandwidth as `8 Mbps`; on the wire it is in bytes per second, as a 32-bit IEEE 754 number.
  mutating func writeMegabits(_ bits: UInt32) {
    writeSignificant(Float(bitPattern: bits) * 8 / 1_000_000)
    out.write(" Mbps")
  }
}
