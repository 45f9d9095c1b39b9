import Dissect
import PacketCore

// Opaque link state advertisements (RFC 5250), and the link-local signaling block after packets.

/// Two-byte types and lengths; values are padded to four bytes.
private let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, alignment: 4)

extension Printer {
  /// Prints an opaque advertisement; false if it contains something invalid, and nothing more of the packet can be read.
  mutating func writeOSPFOpaque(_ type: UInt8, _ body: PacketBytes) throws(DecodeError) -> Bool {
    switch type {
    case OSPF2Advertisement.trafficEngineering: return try writeTrafficEngineering(body)
    case OSPF2Advertisement.gracefulRestart: return try writeOSPFGrace(body)
    case OSPF2Advertisement.routerInformation: return try writeRouterInformation(body)
    case OSPF2Advertisement.extendedPrefix: return try writeExtendedPrefixes(body)
    default: writeUnknown(body, indent: "\n\t    ")
    }
    return true
  }

  /// Dumps the value of something unknown, unless `-vv` asks for all bytes: these are then dumped later.
  fileprivate mutating func writeUnknown(_ value: PacketBytes, indent: StaticString) {
    if options.verbosity <= 1 { writeHex(value.clamped(to: value.length), indent: indent) }
  }

  /// `    Router Address TLV (1), length: 4`, with `kind` and `length` as the text in between.
  fileprivate mutating func writeTitle(
    _ indent: StaticString, _ name: StaticString?, _ kind: StaticString, _ option: borrowing OptionList.Entry,
    _ length: StaticString = "), length: "
  ) {
    out.write(indent)
    out.write(name ?? "unknown")
    write(kind, option.type)
    write(length, option.length)
  }
}

// MARK: Graceful restart

private let restartNames: ValueNames = [1: "Grace Period", 2: "Graceful restart Reason", 3: "IPv4 interface address"]
private let restartReasons: ValueNames = [
  0: "Unknown", 1: "Software Restart", 2: "Software Reload/Upgrade", 3: "Control Processor Switch",
]

extension Printer {
  /// RFC 3623 appendix A; in version 3 RFC 5187.
  mutating func writeOSPFGrace(_ body: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(body, layout)
    while let option = try next(&list) {
      writeTitle("\n\t    ", restartNames[option.type], " TLV (", option, "), length ")
      out.write(", value: ")
      if option.type == 0 || option.length == 0 { throw .invalid }
      guard !option.isTooLong else {
        write("\n\t    Bogus length ", option.length)
        write(" > ", option.rest &- 4)
        noteInvalid()
        return false
      }
      let value = try option.wholeValue()
      let length = restartNames[option.type] == nil ? option.length : option.type == 2 ? 1 : 4
      guard option.length == length else {
        write("\n\t    Bogus length ", option.length)
        write(" != ", length)
        noteInvalid()
        return false
      }
      switch option.type {
      case 1:
        out.write(decimal: try value.u32(at: 0))
        out.write("s")
      case 2:
        let reason = try value.u8(at: 0)
        write(restartReasons, reason, unknown: "Unknown")
        write(" (", reason)
        out.write(")")
      case 3: writeHost(try value.ipv4(at: 0))
      default: writeUnknown(value, indent: "\n\t      ")
      }
    }
    return true
  }
}

// MARK: Router information

private let informationNames: ValueNames = [
  1: "Router Capabilities", 7: "Hostname", 8: "SR-Algorithm", 9: "SID/Label Range", 14: "SR Local Block",
]
private let capabilities: FlagNames = [
  0x001: "Reserved", 0x002: "Reserved", 0x004: "Reserved", 0x008: "Reserved", 0x010: "graceful restart capable",
  0x020: "graceful restart helper", 0x040: "Stub router support", 0x080: "Traffic engineering",
  0x100: "p2p over LAN", 0x200: "path computation server",
]
private let algorithms: ValueNames = [0: "Shortest Path First", 1: "Strict Shortest Path First"]

extension Printer {
  /// Reports a TLV that is longer than the rest of the advertisement.
  private mutating func writeBogusLength(_ option: borrowing OptionList.Entry) {
    write("\n\t    Bogus length ", option.length)
    write(" > remaining LS length ", option.rest &- 4)
    noteInvalid()
  }

  /// RFC 7770, RFC 5642 for names, RFC 8665 for segment routing.
  fileprivate mutating func writeRouterInformation(_ body: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(body, layout)
    while let option = try next(&list) {
      writeTitle("\n\t    ", informationNames[option.type], " TLV (", option)
      out.write(", value: ")
      guard !option.isTooLong else {
        writeBogusLength(option)
        return false
      }
      let value = try option.wholeValue()
      switch option.type {
      case 1:
        guard value.length == 4 else {
          write("\n\t    Bogus length ", value.length)
          out.write(" != 4")
          noteInvalid()
          return false
        }
        out.write("Capabilities: ")
        write(capabilities, try value.u32(at: 0), none: "Unknown")
      case 7:
        out.write("\n\t      Hostname: ")
        out.write(escaped: value)
      case 8:
        for index in 0..<value.length {
          let algorithm = try value.u8(at: index)
          write("\n\t      Algorithm: ", algorithm, as: .named(algorithms, unknown: "Unknown"))
          write(" (", algorithm)
          out.write(")")
        }
      case 9, 14:
        write("\n\t      Range size: ", try value.u24(at: 0))
        try writeLabels(try value.dropping(4), "\n\t      ", "\n\t\t")
      default: writeUnknown(value, indent: "\n\t      ")
      }
    }
    return true
  }

  /// Segment labels and identifiers, RFC 8665 section 2.1: three bytes are a label, four an index.
  private mutating func writeLabels(
    _ bytes: PacketBytes, _ indent: StaticString, _ deeper: StaticString
  ) throws(DecodeError) {
    var list = openList(bytes, layout)
    while let option = try next(&list) {
      writeTitle(indent, option.type == 1 ? "SID/Label" : nil, " subTLV (", option)
      out.write(", value: ")
      try reject("length", option.length, .greater, option.rest &- 4)
      let value = try option.wholeValue()
      out.write(deeper)
      switch (option.type, value.length) {
      case (1, 3): write("Label: ", try value.u24(at: 0) & 0xf_ffff)
      case (1, 4): write("SID: ", try value.u32(at: 0))
      default: writeHex(value, indent: deeper)
      }
    }
  }
}

// MARK: Extended prefixes

private let prefixNames: ValueNames = [1: "Extended Prefix", 2: "Extended Prefix Range"]
private let prefixFlags: FlagNames = [0x80: "Attach", 0x40: "Node"]
private let rangeFlags: FlagNames = [0x80: "Inter-Area"]
private let segmentFlags: FlagNames = [
  0x40: "No PHP", 0x20: "Mapping Server", 0x10: "Explicit NULL", 0x08: "Value", 0x04: "Local",
]
private let routeTypes: ValueNames = [
  0: "Unspecified", 1: "Intra-Area", 3: "Inter-Area", 5: "AS External", 7: "NSSA External",
]

extension Printer {
  /// Prefixes (RFC 7684 section 2.1) and prefix ranges (RFC 8665 section 4), with their segments.
  fileprivate mutating func writeExtendedPrefixes(_ body: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(body, layout)
    while let option = try next(&list) {
      writeTitle("\n\t    ", prefixNames[option.type], " TLV (", option)
      out.write(", value: ")
      guard !option.isTooLong else {
        writeBogusLength(option)
        return false
      }
      let value = try option.wholeValue()
      switch option.type {
      case 1:
        // 0 route type (1)  1 prefix length (1)  2 address family (1)  3 flags (1)  4 prefix (4)
        writePrefix(try value.ipv4(at: 4), try value.u8(at: 1))
        write(", Route Type: ", try value.u8(at: 0), as: .named(routeTypes, unknown: "Unknown"))
        writeOSPFFlags(", Flags [", prefixFlags, try value.u8(at: 3))
        try writeSegments(try value.dropping(8))
      case 2:
        // 0 prefix length (1)  1 address family (1)  2 number of prefixes (2)  4 flags (1)  8 prefix (4)
        writePrefix(try value.ipv4(at: 8), try value.u8(at: 0))
        write(", Range size: ", try value.u16(at: 2))
        writeOSPFFlags(", Flags [", rangeFlags, try value.u8(at: 4))
        try writeSegments(try value.dropping(12))
      default: writeUnknown(value, indent: "\n\t      ")
      }
    }
    return true
  }

  private mutating func writePrefix(_ address: IPv4Address, _ length: UInt8) {
    out.write("\n\t      IPv4 prefix: ")
    writeRightAligned(address)
    write("/", length)
  }

  ///     0 flags (1)  2 topology (1)  3 algorithm (1)  4 label (3) or index (4)
  /// RFC 8665 section 5.
  private mutating func writeSegments(_ bytes: PacketBytes) throws(DecodeError) {
    var list = openList(bytes, layout)
    while let option = try next(&list) {
      writeTitle("\n\t\t", option.type == 2 ? "Prefix-SID" : nil, " subTLV (", option)
      out.write(", value: ")
      try reject("length", option.length, .greater, option.rest &- 4)
      let value = try option.wholeValue()
      guard option.type == 2, value.length >= 7 else {
        writeUnknown(value, indent: "\n\t\t  ")
        continue
      }
      let flags = try value.u8(at: 0)
      if value.length == 7 {
        write("\n\t\t  Label: ", try value.u24(at: 4) & 0xf_ffff)
      } else {
        write("\n\t\t  Index: ", try value.u32(at: 4))
      }
      write(", MT-ID: ", try value.u8(at: 2))
      let algorithm = try value.u8(at: 3)
      write(", Algorithm: ", algorithm, as: .named(algorithms, unknown: "Unknown"))
      write(" (", algorithm)
      writeOSPFFlags("), Flags [", segmentFlags, flags)
    }
  }
}

// MARK: Link-local signaling

private let signalingNames: ValueNames = [1: "Extended Options", 2: "MD5 Authentication"]
private let extendedOptions: FlagNames = [0x01: "LSDB resync", 0x02: "Restart"]

///     0          2        4
///     +----------+--------+------
///     | checksum | length | TLVs      the length counts words of four bytes, with those of the header
///     +----------+--------+------
/// RFC 5613 section 2; the block begins after the end of the packet by its own length, and after the digest.
func printOSPFLinkLocalSignaling(
  _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) {
  guard bytes.length > start else { return printer.out.write("\n\t[LLS truncated]") }
  let block = try bytes.dropping(start)
  printer.write("\n\t  LLS: checksum: 0x", try block.u16(at: 0), as: .hex(4))
  let words = Int(try block.u16(at: 2))
  printer.write(", length: ", words)
  var list = printer.openList(block.clamped(to: words &* 4), at: 4, layout)
  while let option = try printer.next(&list) {
    printer.write("\n\t    ", option.type, as: .named(signalingNames, unknown: "Unknown TLV"))
    printer.write(" (", option.type)
    printer.write("), length: ", option.length)
    let value = option.value
    switch option.type {
    case 1:
      if option.length != 4 { printer.out.write(" [should be 4]") }
      let bits = try value.u32(at: 0)
      printer.write("\n\t      Options: 0x", bits, as: .hex(8))
      printer.out.write(" [")
      printer.write(extendedOptions, bits, none: "?")
      printer.out.write("]")
    case 2:
      if option.length != 20 { printer.out.write(" [should be 20]") }
      printer.write("\n\t      Sequence number: 0x", try value.u32(at: 0), as: .hex(8))
    default: break
    }
  }
}
