import Dissect
import PacketCore

///     bit 0   3             5            6     7
///     +-------+-------------+------------+-----+---+---------------------+-----------------------+---------------+
///     | level | key ID mode | suppressed | ASN | 0 | frame counter (4)   | key source (0, 4, 8)  | key index (1) |
///     |       |             | counter    |     |   | unless suppressed   | by the mode           | but in mode 0 |
///     +-------+-------------+------------+-----+---+---------------------+-----------------------+---------------+
private enum Security {
  static func sourceLength(_ mode: UInt8) -> Int { mode == 2 ? 4 : mode == 3 ? 8 : 0 }

  /// Length of the message integrity code at the end of the frame, in bytes.
  static func codeLength(_ level: UInt8) -> Int {
    switch level & 3 {
    case 1: 4
    case 2: 8
    case 3: 16
    default: 0
    }
  }
}

extension Printer {
  /// Prints the auxiliary security header (IEEE 802.15.4 section 9.4). Sets `codeLength` to the length of the message integrity code at the
  /// end of the frame, and `isEncrypted` to true if the payload is encrypted.
  @_lifetime(rest: copy rest)
  mutating func printSecurity(
    _ rest: inout PacketBytes, codeLength: inout Int, isEncrypted: inout Bool
  ) throws(DecodeError) -> Bool {
    guard rest.has(0, 1) else { return reportError("Truncated before Aux Security Header") }
    let control = try rest.u8(at: 0)
    rest = try rest.dropping(1)
    let (level, mode) = (control & 7, control >> 3 & 3)
    let showsDetail = options.verbosity > 2
    if writesFields {
      fields.write("security_level", level)
      fields.write("key_id_mode", mode)
    }
    if options.verbosity > 0 {
      write("\n\tSecurity Level ", level)
      write(", Key Id Mode ", mode)
      out.write(", ")
    }
    if control & 0x20 == 0 {
      guard rest.has(0, 4) else { return reportError("Truncated before Frame Counter") }
      let counter = try rest.u32le(at: 0)
      if writesFields { fields.write("frame_counter", counter) }
      if showsDetail {
        write("Frame Counter 0x", counter, as: .hex(8))
        out.write(" ")
      }
      rest = try rest.dropping(4)
    }
    let sourceLength = Security.sourceLength(mode)
    if sourceLength > 0 {
      guard rest.has(0, sourceLength) else { return reportError("Truncated before Key Source") }
      if writesFields { fields.write("key_source", hex: rest.clamped(to: sourceLength)) }
      if showsDetail {
        out.write("KeySource ")
        if sourceLength == 8 {
          try writeLongAddress(rest)
        } else {
          write("0x", try rest.u16le(at: 0), as: .hex(4))
          write(":", try rest.u16le(at: 2), as: .hex(4))
        }
        out.write(", ")
      }
      rest = try rest.dropping(sourceLength)
    }
    if mode == 0 {
      if showsDetail { out.write("Implicit") }
    } else {
      guard rest.has(0, 1) else { return reportError("Truncated before Key Index") }
      let index = try rest.u8(at: 0)
      if writesFields { fields.write("key_index", index) }
      if showsDetail {
        write("KeyIndex 0x", index, as: .hex(2))
        out.write(", ")
      }
      rest = try rest.dropping(1)
    }
    codeLength = Security.codeLength(level)
    isEncrypted = level & 4 != 0
    return true
  }

  /// The message integrity code at the end of a frame.
  @_lifetime(rest: copy rest)
  mutating func printIntegrityCode(_ length: Int, _ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    guard rest.count >= length else { return reportError("Truncated before MIC") }
    if length == 0 { return true }
    let code = try rest.dropping(rest.count &- length)
    if options.verbosity > 2 {
      out.write("\n\tMIC ")
      out.write(hexOf: code.rawSpan)
      out.write(" ")
    }
    rest = rest.clamped(to: rest.count &- length)
    return true
  }
}

/// Information elements (IEEE 802.15.4 section 7.4). The highest bit marks payload elements:
///
///     bit 0    7     15                 bit 0    11    15
///     +--------+-----+---+---------     +--------+-----+---+---------
///     | length | ID  | 0 | content      | length | ID  | 1 | content
///     +--------+-----+---+---------     +--------+-----+---+---------
private enum Element {
  static let isPayload: UInt16 = 0x8000

  /// Header elements that end the list of header elements: payload elements follow, or the payload itself.
  static let terminationBeforeElements: UInt16 = 0x7e
  static let terminationBeforePayload: UInt16 = 0x7f
  /// The payload element that ends the list.
  static let termination: UInt16 = 0x0f
  /// Identifiers of header elements from here on are not used.
  static let firstUnused: UInt16 = 0x80

  static let headerNames: ValueNames = [
    0x00: "Vendor Specific Header IE", 0x1a: "LE CSL IE", 0x1b: "LE RIT IE", 0x1c: "DSME PAN descriptor IE",
    0x1d: "Rendezvous Time IE", 0x1e: "Time Correction IE", 0x21: "Extended DSME PAN descriptor IE",
    0x22: "Fragment Sequence Context Description IE", 0x23: "Simplified Superframe Specification IE",
    0x24: "Simplified GTS Specification IE", 0x25: "LECIM Capabilities IE", 0x26: "TRLE Descriptor IE",
    0x27: "RCC Capabilities IE", 0x28: "RCCN Descriptor IE", 0x29: "Global Time IE", 0x2a: "Omnibus Header IE",
    0x2b: "DA IE", 0x7e: "Header Termination 1 IE", 0x7f: "Header Termination 2 IE",
  ]
  static let payloadNames: ValueNames = [
    0: "ESDU IE", 1: "MLME IE", 2: "Vendor Specific Nested IE", 3: "Multiplexed IE (802.15.9)",
    4: "Omnibus Payload Group IE", 5: "IETF IE", 15: "List termination",
  ]
}

extension Printer {
  /// Prints the information elements of the header and, unless it is encrypted, of the payload.
  @_lifetime(rest: copy rest)
  mutating func printElements(_ rest: inout PacketBytes, isEncrypted: Bool) throws(DecodeError) -> Bool {
    let level = fields.level
    if writesFields { fields.beginArray("information_elements") }
    var inPayload = false
    var isLast = false
    var isWhole = true
    // Every iteration advances by at least two bytes.
    while isWhole, !isLast {
      isWhole = try printElement(&rest, &inPayload, &isLast)
      if isEncrypted, inPayload {
        out.write("Payload IEs present, but encrypted, cannot print")
        isLast = true
      }
    }
    if writesFields { fields.end(downTo: level) }
    return isWhole
  }

  /// Prints one element; false if it is truncated. `isLast` is set if no other element follows.
  @_lifetime(rest: copy rest)
  private mutating func printElement(
    _ rest: inout PacketBytes, _ inPayload: inout Bool, _ isLast: inout Bool
  ) throws(DecodeError) -> Bool {
    guard rest.has(0, 2) else { return reportError("Truncated header IE") }
    let word = try rest.u16le(at: 0)
    rest = try rest.dropping(2)
    if !inPayload, word & Element.isPayload != 0 {
      _ = reportError("Header IE with type 1")
      out.write(" ")
    } else if inPayload, word & Element.isPayload == 0 {
      _ = reportError("Payload IE with type 0")
      out.write(" ")
    }
    let length = Int(inPayload ? word & 0x7ff : word & 0x7f)
    let type = inPayload ? word >> 11 & 0x0f : word >> 7 & 0xff
    let isUnused = !inPayload && type >= Element.firstUnused
    let names = inPayload ? Element.payloadNames : Element.headerNames
    if writesFields {
      fields.beginObject()
      fields.write("type", type, "type_name", names)
      fields.write("in_payload", inPayload)
    }
    if isUnused {
      write("Reserved Element ID ", type, as: .hex(2))
      write(", length = ", length)
      out.write(" ")
    } else {
      write("\n\t", type, as: .named(names, unknown: .hex("Reserved 0x", digits: 2)))
      out.write(" [")
      if length > 0 {
        write(" length = ", length)
        out.write(", ")
      }
    }
    guard rest.has(0, length) else { return reportError("Truncated IE data") }
    let content = rest.clamped(to: length)
    rest = try rest.dropping(length)
    if writesFields {
      fields.write("data", hex: content)
      fields.end()
    }
    if length > 0 {
      out.write("IE Data = ")
      try writeSpacedHex(content)
    }
    out.write(inPayload ? "]\n\t" : "] ")
    if inPayload {
      isLast = type == Element.termination || rest.count == 0
    } else if type == Element.terminationBeforeElements {
      inPayload = true
    } else {
      isLast = type == Element.terminationBeforePayload || rest.count == 0
    }
    return true
  }

  /// Bytes in hexadecimal, each followed by a space.
  private mutating func writeSpacedHex(_ bytes: PacketBytes) throws(DecodeError) {
    for index in 0..<bytes.count {
      out.write(hex: try bytes.u8(at: index), width: 2)
      out.write(" ")
    }
  }
}

/// Commands (IEEE 802.15.4 section 7.5).
private enum Command {
  static let associationRequest: UInt8 = 0x01
  static let associationResponse: UInt8 = 0x02
  static let disassociation: UInt8 = 0x03
  static let realignment: UInt8 = 0x08
  static let guaranteedSlots: UInt8 = 0x09
  /// Commands without content.
  static let empty: ClosedRange<UInt8> = 0x04...0x07

  static let names: ValueNames = [
    0x01: "Association Request command", 0x02: "Association Response command",
    0x03: "Disassociation Notification command", 0x04: "Data Request command",
    0x05: "PAN ID Conflict Notification command", 0x06: "Orphan Notification command", 0x07: "Beacon Request command",
    0x08: "Coordinator realignment command", 0x09: "GTS request command", 0x0a: "TRLE Management Request command",
    0x0b: "TRLE Management Response command", 0x13: "DSME Association Request command",
    0x14: "DSME Association Response command", 0x15: "DSME GTS Request command", 0x16: "DSME GTS Response command",
    0x17: "DSME GTS Notify command", 0x18: "DSME Information Request command",
    0x19: "DSME Information Response command", 0x1a: "DSME Beacon Allocation Notification command",
    0x1b: "DSME Beacon Collision Notification command", 0x1c: "DSME Link Report command",
    0x20: "RIT Data Request command", 0x21: "DBS Request command", 0x22: "DBS Response command",
    0x23: "RIT Data Response command", 0x24: "Vendor Specific command",
  ]
  static let capabilities: FlagNames = [
    0x04: "AC powered, ", 0x08: "Receiver on when idle, ", 0x10: "Fast association, ", 0x40: "Security supported, ",
    0x80: "Allocate address, ",
  ]
  static let associationStatus: ValueNames = [
    0x00: "Association successful", 0x01: "PAN at capacity", 0x02: "PAN access denied",
    0x03: "Hooping sequence offset duplication", 0x80: "Fast association successful",
  ]
  static let disassociationReasons: ValueNames = [
    0: "Reserved", 1: "Reason = The coordinator wishes the device to leave PAN",
    2: "Reason = The device wishes to leave the PAN",
  ]
}

extension Printer {
  @_lifetime(rest: copy rest)
  mutating func printCommand(_ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    guard rest.has(0, 1) else { return reportError("Truncated before Command ID") }
    let command = try rest.u8(at: 0)
    rest = try rest.dropping(1)
    write(
      "Command ID = ", "command", command,
      as: .named(Command.names, key: "command_name", unknown: .hex("Reserved 0x", digits: 2)))
    out.write(" ")
    if rest.count == 0 { return true }
    let isRead: Bool
    switch command {
    case Command.associationRequest: isRead = try printAssociationRequest(rest)
    case Command.associationResponse: isRead = try printAssociationResponse(rest)
    case Command.disassociation: isRead = try printDisassociation(rest)
    case Command.realignment: isRead = try printRealignment(rest)
    case Command.guaranteedSlots: isRead = try printSlotRequest(rest)
    case Command.empty: isRead = false
    default:
      out.write("Command Data = ")
      try writeSpacedHex(rest)
      isRead = false
    }
    if isRead { rest = rest.clamped(to: 0) }
    return true
  }

  private mutating func printAssociationRequest(_ content: PacketBytes) throws(DecodeError) -> Bool {
    guard content.count == 1 else { return rejectLength("Association request") }
    let capabilities = try content.u8(at: 0)
    out.write(capabilities & 0x02 != 0 ? "FFD, " : "RFD, ")
    write(Command.capabilities, capabilities, separator: "", none: "")
    return true
  }

  private mutating func printAssociationResponse(_ content: PacketBytes) throws(DecodeError) -> Bool {
    guard content.count == 3 else { return rejectLength("Association response") }
    write("Short address = ", try content.u16le(at: 0), as: .hex(4))
    write(
      ", ", try content.u8(at: 2), as: .named(Command.associationStatus, unknown: .hex("Status = 0x", digits: 2)))
    return true
  }

  private mutating func printDisassociation(_ content: PacketBytes) throws(DecodeError) -> Bool {
    guard content.count == 1 else { return rejectLength("Disassociation Notification") }
    write(
      "", try content.u8(at: 0), as: .named(Command.disassociationReasons, unknown: .hex("Reason = 0x", digits: 2)))
    return true
  }

  ///     0        2                     4         5               7
  ///     +--------+---------------------+---------+---------------+------------------------
  ///     | PAN ID | coordinator address | channel | short address | channel page, or not
  ///     +--------+---------------------+---------+---------------+------------------------
  private mutating func printRealignment(_ content: PacketBytes) throws(DecodeError) -> Bool {
    guard content.count == 7 || content.count == 8 else { return rejectLength("Coordinator Realignment") }
    write("Pan ID = 0x", try content.u16le(at: 0), as: .hex(4))
    write(", Coordinator short address = ", try content.u16le(at: 2), as: .hex(4))
    let channel = try content.u8(at: 4)
    let page = content.count == 8 ? try content.u8(at: 7) : 0
    if page & 0x80 != 0 {
      // The other bits of the byte are the upper bits of the channel.
      write(", Channel Number = ", UInt16(page & 0x7f) << 8 | UInt16(channel))
    } else {
      write(", Channel Number = ", channel)
      if content.count == 8 { write(", page = ", page) }
    }
    write(", Short address = ", try content.u16le(at: 5), as: .hex(4))
    return true
  }

  private mutating func printSlotRequest(_ content: PacketBytes) throws(DecodeError) -> Bool {
    guard content.count == 1 else { return rejectLength("GTS Request") }
    let slots = try content.u8(at: 0)
    write("GTS Length = ", slots & 0x0f)
    out.write(slots & 0x10 != 0 ? ", Receive-only GTS, " : ", Transmit-only GTS, ")
    out.write(slots & 0x20 != 0 ? "GTS allocation" : "GTS deallocations")
    return true
  }

  private mutating func rejectLength(_ command: StaticString) -> Bool {
    out.write("Invalid ")
    out.write(command)
    out.write(" command length")
    return false
  }
}

/// Beacons (IEEE 802.15.4 section 7.3.1).
extension Printer {
  ///     0            2          3
  ///     +------------+----------+----------------------------+-----------------+-------------------
  ///     | superframe | GTS      | directions (1) and slots   | numbers of      | short, then long
  ///     |            | number   | (3 bytes each), where some | addresses (1)   | addresses pending
  ///     +------------+----------+----------------------------+-----------------+-------------------
  @_lifetime(rest: copy rest)
  mutating func printBeacon(_ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    guard rest.has(0, 2) else { return reportError("Truncated before beacon information") }
    let word = try rest.u16le(at: 0)
    rest = try rest.dropping(2)
    if writesFields {
      fields.write("beacon_order", word & 0x0f)
      fields.write("superframe_order", word >> 4 & 0x0f)
      fields.write("pan_coordinator", word & 0x4000 != 0)
      fields.write("association_permitted", word & 0x8000 != 0)
    }
    if options.verbosity > 0 {
      write("\n\tBeacon order = ", word & 0x0f)
      write(", Superframe order = ", word >> 4 & 0x0f)
      write(", Final CAP Slot = ", word >> 8 & 0x0f)
      if word & 0x1000 != 0 { out.write(", BLE enabled") }
      if word & 0x4000 != 0 { out.write(", PAN Coordinator") }
      if word & 0x8000 != 0 { out.write(", Association Permit") }
    }
    guard try printSlots(&rest) else { return false }
    return try printPendingAddresses(&rest)
  }

  @_lifetime(rest: copy rest)
  private mutating func printSlots(_ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    guard rest.has(0, 1) else { return reportError("Truncated before GTS info") }
    let number = Int(try rest.u8(at: 0) & 7)
    rest = try rest.dropping(1)
    if number == 0 {
      if options.verbosity > 0 { write("\n\tGTS Descriptor Count = ", number) }
      if options.verbosity > 0 { out.write(", ") }
      return true
    }
    let length = 1 &+ number &* 3
    guard rest.has(0, length) else {
      out.write(" ")
      return reportError("Truncated GTS Info List")
    }
    if options.verbosity > 2 {
      write("GTS Descriptor Count = ", number)
      write(", GTS Directions Mask = ", try rest.u8(at: 0) & 0x7f, as: .hex(2))
      out.write(", [ ")
      for index in 0..<number {
        let slot = 1 &+ index &* 3
        let times = try rest.u8(at: slot &+ 2)
        write("[ ", try rest.u16le(at: slot), as: .hex(4))
        write(", Start slot = ", times & 0x0f)
        write(", Length = ", times >> 4)
        out.write(" ] ")
      }
      out.write("]")
    }
    rest = try rest.dropping(length)
    return true
  }

  @_lifetime(rest: copy rest)
  private mutating func printPendingAddresses(_ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    guard rest.has(0, 1) else { return reportError("Truncated before pending addresses") }
    let numbers = Int(try rest.u8(at: 0))
    let (short, long) = (numbers & 7, numbers >> 4 & 7)
    rest = try rest.dropping(1)
    if options.verbosity > 0 {
      write("\n\tPending address list, # short addresses = ", short)
      write(", # extended addresses = ", long)
    }
    let length = short &* 2 &+ long &* 8
    guard rest.has(0, length) else {
      out.write(" ")
      return reportError("Pending address list truncated")
    }
    if options.verbosity > 2 {
      if short > 0 {
        out.write(", Short address list = [ ")
        for index in 0..<short {
          out.write(hex: try rest.u16le(at: index &* 2), width: 4)
          out.write(" ")
        }
        out.write("]")
      }
      if long > 0 {
        out.write(", Extended address list = [ ")
        for index in 0..<long {
          try writeLongAddress(try rest.dropping(short &* 2 &+ index &* 8))
          out.write(" ")
        }
        out.write("]")
      }
    }
    rest = try rest.dropping(length)
    return true
  }
}
