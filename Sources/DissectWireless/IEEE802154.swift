package import Dissect
import PacketCore

extension Layer {
  static let ieee802154 = Layer(
    "ieee802154", "Low-rate wireless network", "IEEE 802.15.4 section 7", marks: ["802.15.4"]
  ) {
    [
      Field("type", .uint8, "Type of frame.", always: true),
      Field("type_name", .text, "Name of the type.", always: true),
      Field("version", .uint8, "Version of the frame; multipurpose frames with a short frame control have none."),
      Field("flag_bits", .uint16, "Frame control field."),
      Field("sequence_number", .uint8, "Sequence number, unless it is suppressed."),
      Field("destination_pan", .uint16, "Destination PAN identifier."),
      Field("destination", .text, "Destination address, of 16 or 64 bits."),
      Field("source_pan", .uint16, "Source PAN identifier, where it is not that of the destination."),
      Field("source", .text, "Source address, of 16 or 64 bits."),
      Field("security_level", .uint8, "Security level."),
      Field("key_id_mode", .uint8, "Key identifier mode."),
      Field("frame_counter", .uint32, "Frame counter."),
      Field("key_source", .hex, "Who gave the key."),
      Field("key_index", .uint8, "Index of the key."),
      Field(
        "information_elements",
        .array(
          .object([
            Field("type", .uint8, "Identifier of the element.", always: true),
            Field("type_name", .text, "Name of the element."),
            Field("in_payload", .flag, "The element belongs to the payload, not to the header.", always: true),
            Field("data", .hex, "Content of the element."),
          ])), "Information elements.", each: "One information element."),
      Field("fcs_correct", .flag, "The last two bytes are the frame check sequence of the others."),
      Field("command", .uint8, "Command."),
      Field("command_name", .text, "Name of the command."),
      Field("beacon_order", .uint8, "Beacon order; 15 where there are no regular beacons."),
      Field("superframe_order", .uint8, "Superframe order."),
      Field("pan_coordinator", .flag, "The sender is the coordinator of the PAN."),
      Field("association_permitted", .flag, "Devices may associate."),
      Field("payload_length", .uint16, "Bytes of the payload that are left."),
    ]
  }
}

extension LinkType {
  fileprivate static let ieee802154 = LinkType(rawValue: 195)
  fileprivate static let ieee802154WithoutFCS = LinkType(rawValue: 230)
}

extension Dissector {
  package static let ieee802154 = Dissector(
    name: "802.15.4", claims: [.linkType(.ieee802154), .linkType(.ieee802154WithoutFCS)], layers: [.ieee802154],
    print: printIEEE802154)
}

/// Types of frames (IEEE 802.15.4 section 7.2.2.2).
private enum FrameType {
  static let beacon: UInt8 = 0
  static let data: UInt8 = 1
  static let acknowledgment: UInt8 = 2
  static let command: UInt8 = 3
  static let multipurpose: UInt8 = 5

  static let names: ValueNames = [
    0: "Beacon", 1: "Data", 2: "ACK", 3: "Command", 4: "Reserved", 5: "Multipurpose", 6: "Fragment", 7: "Extended",
  ]
}

/// Addressing modes.
enum AddressMode {
  static let none: UInt8 = 0
  static let reserved: UInt8 = 1
  static let short: UInt8 = 2
  static let long: UInt8 = 3
}

///     bit 0  3          4         5     6         8             9             10     12        14     15
///     +------+----------+---------+-----+---------+-------------+-------------+------+---------+------+
///     | type | security | pending | ack | PAN ID  | suppressed  | information | dst  | version | src  |
///     |      |          |         | req | compr.  | sequence    | elements    | mode |         | mode |
///     +------+----------+---------+-----+---------+-------------+-------------+------+---------+------+
///
/// A multipurpose frame has its own frame control, which has one byte or, if the third bit is set, two:
///
///     bit 0  3      4      6      8        9          10           11        12        14    15
///     +------+------+------+------+--------+----------+------------+---------+---------+-----+-------------+
///     | type | long | dst  | src  | PAN ID | security | suppressed | pending | version | ack | information |
///     |      |      | mode | mode | there  |          | sequence   |         |         | req | elements    |
///     +------+------+------+------+--------+----------+------------+---------+---------+-----+-------------+
private struct Control {
  let bits: UInt16
  let type: UInt8
  let isMultipurpose: Bool
  /// Length of the frame control, in bytes.
  let length: Int

  init(_ frame: PacketBytes) throws(DecodeError) {
    let first = try frame.u8(at: 0)
    type = first & 7
    isMultipurpose = type == FrameType.multipurpose
    if isMultipurpose, first & 0x08 == 0 {
      bits = UInt16(first)
      length = 1
    } else {
      bits = try frame.u16le(at: 0)
      length = 2
    }
  }

  /// Nil if the frame control is too short to contain a version.
  var version: UInt8? { length == 1 ? nil : UInt8(truncatingIfNeeded: bits >> 12 & 3) }
  var hasSecurity: Bool { bits & (isMultipurpose ? 0x200 : 0x008) != 0 }
  var suppressesSequence: Bool { bits & (isMultipurpose ? 0x400 : 0x100) != 0 }
  var hasElements: Bool { bits & (isMultipurpose ? 0x8000 : 0x200) != 0 }
  var compressesPAN: Bool { !isMultipurpose && bits & 0x40 != 0 }
  var destinationMode: UInt8 { UInt8(truncatingIfNeeded: bits >> (isMultipurpose ? 4 : 10) & 3) }
  var sourceMode: UInt8 { UInt8(truncatingIfNeeded: bits >> (isMultipurpose ? 6 : 14) & 3) }
  /// True for frame versions 0 and 1, which cannot suppress sequence numbers and compress only the source PAN identifier.
  var isOld: Bool { (version ?? 0) < 2 }

  /// True if the destination's PAN identifier is present (IEEE 802.15.4 table 7-2).
  var hasDestinationPAN: Bool {
    if isMultipurpose { return bits & 0x100 != 0 }
    let (hasDestination, hasSource) = (destinationMode != AddressMode.none, sourceMode != AddressMode.none)
    if isOld || !compressesPAN { return hasDestination }
    if hasDestination != hasSource { return false }
    return !hasDestination || destinationMode != AddressMode.long || sourceMode != AddressMode.long
  }

  var hasSourcePAN: Bool {
    if isMultipurpose || compressesPAN || sourceMode == AddressMode.none { return false }
    return isOld || destinationMode == AddressMode.none || sourceMode == AddressMode.short
  }

  static let flagNames: FlagNames = [
    0x008: "Security Enabled", 0x010: "Frame Pending", 0x020: "AR", 0x040: "PAN ID Compression",
    0x100: "Sequence Number Suppression", 0x200: "IE present",
  ]
  static let namedFlags: UInt16 = 0x378

  static let multipurposeFlagNames: FlagNames = [
    0x200: "Security Enabled", 0x800: "Frame Pending", 0x4000: "AR", 0x100: "PAN ID Present",
    0x400: "Sequence Number Suppression", 0x8000: "IE present",
  ]
  static let namedMultipurposeFlags: UInt16 = 0xcf00
}

/// Length of the shortest frame: frame control and sequence number.
private let shortestFrame = 3

@Sendable
private func printIEEE802154(_ frame: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try frame.check(0, 2)
  let control = try Control(frame)
  if printer.enter(.ieee802154) {
    printer.fields.write("type", control.type, "type_name", FrameType.names)
    if let version = control.version { printer.fields.write("version", version) }
    printer.fields.write("flag_bits", control.bits)
  }
  printer.write("IEEE 802.15.4 ", control.type, as: .named(FrameType.names, unknown: ""))
  printer.out.write(" packet ")
  switch control.type {
  case FrameType.beacon, FrameType.data, FrameType.acknowledgment, FrameType.command, FrameType.multipurpose: break
  // The header of other frame types is not known.
  default: return
  }
  if let version = control.version {
    printer.write("v", version)
    printer.out.write(" ")
  }
  if printer.options.verbosity > 2 { printer.writeFlags(control) }
  try frame.check(0, shortestFrame)
  var rest = try frame.dropping(control.length)
  let isWhole = try printer.printHeader(control, &rest)
  guard isWhole, try printer.printContent(control, frame, &rest) else {
    printer.noteInvalid()
    return
  }
  if printer.writesFields { printer.fields.write("payload_length", rest.count) }
  if rest.count > 0 { printer.dumpUnknown(rest) }
}

extension Printer {
  /// Writes `[ERROR: Truncated before MIC]`; always returns false, so that the caller can return the result to end the packet.
  mutating func reportError(_ text: StaticString) -> Bool {
    writeFault("[ERROR: ")
    out.write(text)
    out.write("]")
    return false
  }

  /// `Security Enabled, AR, `.
  fileprivate mutating func writeFlags(_ control: Control) {
    let named = control.isMultipurpose ? Control.namedMultipurposeFlags : Control.namedFlags
    if control.bits & named == 0 { return }
    write(control.isMultipurpose ? Control.multipurposeFlagNames : Control.flagNames, control.bits)
    out.write(", ")
  }

  /// Prints the sequence number and the addresses; false if one of them is invalid or missing.
  @_lifetime(rest: copy rest)
  fileprivate mutating func printHeader(_ control: Control, _ rest: inout PacketBytes) throws(DecodeError) -> Bool {
    if control.suppressesSequence {
      if control.isOld, !control.isMultipurpose {
        _ = reportError("Sequence number suppressed on frames where version < 2")
      }
      if options.verbosity > 0, !control.isMultipurpose { out.write("seq suppressed ") }
    } else {
      let sequence = try rest.u8(at: 0)
      rest = try rest.dropping(1)
      if writesFields { fields.write("sequence_number", sequence) }
      if options.verbosity > 0 {
        write("seq ", sequence, as: .hex(2))
        out.write(" ")
      }
    }
    if control.sourceMode == AddressMode.reserved { return reportError("Invalid src address mode") }
    if control.destinationMode == AddressMode.reserved { return reportError("Invalid dst address mode") }
    let hasBoth = control.destinationMode != AddressMode.none && control.sourceMode != AddressMode.none
    if !control.isMultipurpose, control.isOld, control.compressesPAN, !hasBoth {
      _ = reportError("PAN ID Compression != 0, and only one address with frame version < 2")
    }
    guard
      try printAddress(
        control.destinationMode, hasPAN: control.hasDestinationPAN, "destination_pan", "destination", &rest)
    else { return false }
    out.write(control.isMultipurpose ? " <  " : " < ")
    guard try printAddress(control.sourceMode, hasPAN: control.hasSourcePAN, "source_pan", "source", &rest) else {
      return false
    }
    out.write(" ")
    return true
  }

  /// `1234:0001`, `-:none`.
  @_lifetime(rest: copy rest)
  private mutating func printAddress(
    _ mode: UInt8, hasPAN: Bool, _ panKey: StaticString, _ key: StaticString, _ rest: inout PacketBytes
  ) throws(DecodeError) -> Bool {
    if hasPAN {
      guard rest.has(0, 2) else { return reportError("Truncated before dst_pan") }
      write("", panKey, try rest.u16le(at: 0), as: .hex(4))
      out.write(":")
      rest = try rest.dropping(2)
    } else {
      out.write("-:")
    }
    let length = mode == AddressMode.none ? 0 : mode == AddressMode.short ? 2 : 8
    guard rest.has(0, length) else { return reportError("Truncated before dst_addr") }
    if length == 0 {
      out.write("none")
      return true
    }
    if writesFields {
      let held = beginHeldText()
      try writeAddress(rest, length)
      fields.write(key, text: out, from: held.start)
      endHeldText(held)
    }
    try writeAddress(rest, length)
    rest = try rest.dropping(length)
    return true
  }

  /// An address of 2 or 8 bytes; the caller has checked that all of it is there.
  private mutating func writeAddress(_ bytes: PacketBytes, _ length: Int) throws(DecodeError) {
    if length == 2 {
      out.write(hex: try bytes.u16le(at: 0), width: 4)
    } else {
      try writeLongAddress(bytes)
    }
  }

  /// A 64-bit address, last byte first.
  mutating func writeLongAddress(_ bytes: PacketBytes) throws(DecodeError) {
    for index in 0..<8 {
      if index > 0 { out.write(":") }
      out.write(hex: try bytes.u8(at: 7 &- index), width: 2)
    }
  }

  /// Prints what follows the addresses; false if the rest cannot be read.
  @_lifetime(rest: copy rest)
  fileprivate mutating func printContent(
    _ control: Control, _ frame: PacketBytes, _ rest: inout PacketBytes
  ) throws(DecodeError) -> Bool {
    let sequence = try CheckSequence(frame)
    if sequence.isCorrect { rest = rest.clamped(to: rest.count &- CheckSequence.length) }
    var codeLength = 0
    var isEncrypted = false
    if control.hasSecurity {
      guard try printSecurity(&rest, codeLength: &codeLength, isEncrypted: &isEncrypted) else { return false }
    }
    if control.hasElements {
      guard try printElements(&rest, isEncrypted: isEncrypted) else { return false }
    }
    guard try printIntegrityCode(codeLength, &rest) else { return false }
    write(sequence)
    switch control.type {
    case FrameType.beacon where control.isOld: return try printBeacon(&rest)
    case FrameType.command: return try printCommand(&rest)
    default: return true
    }
  }

  private mutating func write(_ sequence: CheckSequence) {
    if writesFields { fields.write("fcs_correct", sequence.isCorrect) }
    guard options.verbosity > 2 else { return }
    if sequence.isCorrect {
      write("FCS ", sequence.stored, as: .hex(1))
      out.write(" ")
    } else {
      write("wrong FCS ", sequence.stored, as: .hex(1))
      write(" vs ", sequence.computed, as: .hex(1))
      out.write(" (assume no FCS stored) ")
    }
  }
}

/// The frame check sequence, which some captures contain: the last two bytes are taken for one if they are correct.
private struct CheckSequence {
  static let length = 2

  let stored: UInt16
  let computed: UInt16

  init(_ frame: PacketBytes) throws(DecodeError) {
    let length = frame.count &- Self.length
    stored = try frame.u16le(at: length)
    computed = try checkSequence(frame, length)
  }

  var isCorrect: Bool { stored == computed }
}

/// The ITU-T CRC (x^16 + x^12 + x^5 + 1, lowest bit first) over the first `length` bytes of a frame (IEEE 802.15.4 section 7.2.11).
private func checkSequence(_ frame: PacketBytes, _ length: Int) throws(DecodeError) -> UInt16 {
  var remainder: UInt16 = 0
  for index in 0..<length {
    remainder ^= UInt16(try frame.u8(at: index))
    for _ in 0..<8 { remainder = remainder & 1 != 0 ? remainder >> 1 ^ 0x8408 : remainder >> 1 }
  }
  return remainder
}
