import Dissect
import PacketCore

/// Messages of Ethernet OAM (IEEE 802.3 section 57.4.3).
private enum Message {
  static let information: UInt8 = 0
  static let event: UInt8 = 1
  static let loopback: UInt8 = 4
  static let names: ValueNames = [
    0: "Information", 1: "Event Notification", 2: "Variable Request", 3: "Variable Response", 4: "Loopback Control",
    0xfe: "Vendor Private",
  ]
}

private let flagNames: FlagNames = [
  0x01: "Link Fault", 0x02: "Dying Gasp", 0x04: "Critical Event", 0x08: "Local Evaluating", 0x10: "Local Stable",
  0x20: "Remote Evaluating", 0x40: "Remote Stable",
]
private let informationNames: ValueNames = [
  0: "End of TLV marker", 1: "Local", 2: "Remote", 0xfe: "Organization specific",
]
private let configurations: FlagNames = [
  0x01: "Active", 0x02: "Unidirectional", 0x04: "Remote-Loopback", 0x08: "Link-Events", 0x10: "Variable-Retrieval",
]
private let parserActions: ValueNames = [0: "forwarding", 1: "looping back", 2: "discarding", 3: "reserved"]
private let multiplexerActions: ValueNames = [0: "forwarding", 1: "discarding"]
private let eventNames: ValueNames = [
  0: "End of TLV marker", 1: "Errored Symbol Period Event", 2: "Errored Frame Event",
  3: "Errored Frame Period Event", 4: "Errored Frame Seconds Summary Event", 0xfe: "Organization specific",
]
private let commands: ValueNames = [1: "Enable OAM Remote Loopback", 2: "Disable OAM Remote Loopback"]

private let layout = OptionLayout(countsHeader: true)

extension Printer {
  ///     0       2      3
  ///     +-------+------+-----
  ///     | flags | code | data      after the subtype
  ///     +-------+------+-----
  mutating func printEthernetOAM(_ bytes: PacketBytes) throws(DecodeError) {
    guard bytes.length >= 3 else { return writeFault("\n\t\t packet is too short") }
    let flags = try bytes.u16(at: 0)
    let code = try bytes.u8(at: 2)
    if writesFields {
      fields.write("flag_bits", flags)
      fields.write("code", code, "code_name", Message.names)
    }
    write("\n\tCode ", code, as: .named(Message.names, unknown: .decimal("Unknown (", ")")))
    out.write(" OAM PDU, Flags [")
    write(flagNames, flags)
    out.write("]")
    let data = try bytes.dropping(3)
    switch code {
    case Message.information: try printInformation(data)
    case Message.event: try printEvents(data)
    case Message.loopback:
      guard data.length >= 1 else { return writeFault("\n\t\t packet is too short") }
      let command = try data.u8(at: 0)
      write("\n\t  Command ", "command", command, as: .named(commands, unknown: "Unknown"))
      write(" (", command)
      out.write(")")
      if options.verbosity > 1, data.length > 1 { writeHex(try data.dropping(1), indent: "\n\t  ") }
    default: if data.length > 0 { writeHex(data, indent: "\n\t  ") }
    }
  }

  /// Writes the title of a TLV; true if its value is to be read.
  private mutating func beginTLV(
    _ tlv: borrowing OptionList.Entry, _ names: ValueNames, _ title: StaticString
  ) -> Bool {
    if writesFields {
      fields.write("type", tlv.type, "type_name", names)
      fields.write("length", tlv.length)
    }
    write("\n\t  ", tlv.type, as: .named(names, unknown: "Reserved"))
    out.write(title)
    write(" Type (", tlv.type)
    write("), length ", tlv.length)
    if tlv.type == 0 { return false }
    if tlv.length < 2 {
      writeFault("\n\t    ERROR: illegal length - should be >= 2")
      return false
    }
    if tlv.isTooLong {
      writeFault("\n\t\t packet is too short")
      return false
    }
    return true
  }

  ///     0      1        2         3          5       6               7              9     12
  ///     +------+--------+---------+----------+-------+---------------+--------------+-----+--------
  ///     | type | length | version | revision | state | configuration | maximum PDU  | OUI | vendor
  ///     +------+--------+---------+----------+-------+---------------+--------------+-----+--------
  private mutating func printInformation(_ bytes: PacketBytes) throws(DecodeError) {
    var list = openList(bytes, layout, objects: "tlvs")
    while list.remaining != 1, let tlv = try next(&list) {
      guard beginTLV(tlv, informationNames, " Information") else { return stop(&list) }
      let whole = try tlv.bytes.slice(at: 0, length: tlv.size)
      let isStation = tlv.type == 1 || tlv.type == 2
      if isStation {
        guard tlv.length == 16 else {
          write("\n\t    ERROR: illegal length - should be ", 16)
          noteInvalid()
          return stop(&list)
        }
        try printStation(whole)
      } else if writesFields {
        fields.write("data", hex: try whole.dropping(2))
      }
      if options.verbosity > 1 || !isStation { writeHex(whole, indent: "\n\t  ") }
    }
    if list.remaining == 1 { writeFault("\n\t\t packet is too short") }
  }

  private mutating func printStation(_ tlv: PacketBytes) throws(DecodeError) {
    let state = try tlv.u8(at: 5)
    let configuration = try tlv.u8(at: 6)
    let oui = try tlv.u24(at: 9)
    write("\n\t    OAM-Version ", try tlv.u8(at: 2))
    write(", Revision ", "revision", try tlv.u16(at: 3))
    write("\n\t    State-Parser-Action ", state & 3, as: .named(parserActions, unknown: ""))
    write(", State-MUX-Action ", state >> 2 & 1, as: .named(multiplexerActions, unknown: ""))
    if writesFields { fields.write("configuration_bits", configuration) }
    out.write("\n\t    OAM-Config Flags [")
    write(configurations, configuration)
    write("], OAM-PDU-Config max-PDU size ", "maximum_pdu_size", try tlv.u16(at: 7))
    write("\n\t    OUI ", "oui", oui, as: .named(OUI.names, unknown: "Unknown"))
    write(" (0x", oui, as: .hex(6))
    write("), Vendor-Private 0x", try tlv.u32(at: 12), as: .hex(8))
  }

  private mutating func printEvents(_ bytes: PacketBytes) throws(DecodeError) {
    guard bytes.length >= 2 else { return writeFault("\n\t\t packet is too short") }
    write("\n\t  Sequence Number ", "sequence", try bytes.u16(at: 0))
    var list = openList(bytes, at: 2, layout, objects: "tlvs")
    while list.remaining != 1, let tlv = try next(&list) {
      guard beginTLV(tlv, eventNames, " Link Event") else { return stop(&list) }
      let whole = try tlv.bytes.slice(at: 0, length: tlv.size)
      let isPrinted: Bool
      switch (tlv.type, tlv.length) {
      case (1, 40):
        try printEvent(whole, window: 8, errors: 8)
        isPrinted = true
      case (2, 26), (3, 28):
        try printEvent(whole, window: tlv.type == 2 ? 2 : 4, errors: 4)
        isPrinted = true
      case (4, 18):
        try printSeconds(whole)
        isPrinted = true
      case (1...4, _):
        writeFault("\n\t    ERROR: illegal length - should be ")
        let lengths: InlineArray<4, Int> = [40, 26, 28, 18]
        out.write(decimal: lengths[Int(tlv.type) - 1])
        return stop(&list)
      default: isPrinted = false
      }
      if writesFields { fields.write("data", hex: try whole.dropping(2)) }
      if options.verbosity > 1 || !isPrinted { writeHex(whole, indent: "\n\t  ") }
    }
    if list.remaining == 1 { writeFault("\n\t\t packet is too short") }
  }

  ///     2           4                4 + window
  ///     +-----------+-----------------+--------------------+--------+---------------------+-------------------
  ///     | timestamp | window (2 … 8)  | threshold (4 or 8) | errors | error total (8)     | event total (4)
  ///     +-----------+-----------------+--------------------+--------+---------------------+-------------------
  private mutating func printEvent(_ tlv: PacketBytes, window: Int, errors: Int) throws(DecodeError) {
    write("\n\t    Timestamp ", UInt32(try tlv.u16(at: 2)) &* 100)
    write(" ms, Errored Window ", window == 8 ? try tlv.u64(at: 4) : UInt64(try tlv.unsigned(at: 4, width: window)))
    var offset = 4 &+ window
    write("\n\t    Errored Threshold ", errors == 8 ? try tlv.u64(at: offset) : UInt64(try tlv.u32(at: offset)))
    offset &+= errors
    write("\n\t    Errors ", errors == 8 ? try tlv.u64(at: offset) : UInt64(try tlv.u32(at: offset)))
    offset &+= errors
    write("\n\t    Error Running Total ", try tlv.u64(at: offset))
    write("\n\t    Event Running Total ", try tlv.u32(at: offset &+ 8))
  }

  private mutating func printSeconds(_ tlv: PacketBytes) throws(DecodeError) {
    write("\n\t    Timestamp ", UInt32(try tlv.u16(at: 2)) &* 100)
    write(" ms, Errored Window ", try tlv.u16(at: 4))
    write("\n\t    Errored Threshold ", try tlv.u16(at: 6))
    write("\n\t    Errors ", try tlv.u16(at: 8))
    write("\n\t    Error Running Total ", try tlv.u32(at: 10))
    write("\n\t    Event Running Total ", try tlv.u32(at: 14))
  }
}
