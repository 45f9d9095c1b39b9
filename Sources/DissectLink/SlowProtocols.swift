package import Dissect
import PacketCore

extension Layer {
  static let slowProtocol = Layer(
    "slow", "Link aggregation control and marker protocols, Ethernet OAM",
    "IEEE 802.1AX section 6.4, IEEE 802.3 clause 57"
  ) {
    [
      Field("subtype", .uint8, "1 LACP, 2 marker, 3 OAM.", always: true),
      Field("version", .uint8, "Version, of LACP and marker."),
      Field("flag_bits", .uint16, "Flags of OAM, as bits."),
      Field("code", .uint8, "Kind of OAM message."),
      Field("code_name", .text, "Name of the kind."),
      Field("sequence", .uint32, "Sequence number of an event notification."),
      Field("command", .uint8, "1 enables remote loopback, 2 disables it."),
      Field(
        "tlvs",
        .array(
          .object([
            Field("type", .uint8, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint8, "Bytes of the TLV, its header included.", always: true),
            Field("system", .mac, "System of the actor, partner or requester."),
            Field("system_priority", .uint16, "Priority of the system."),
            Field("key", .uint32, "Operational key."),
            Field("port", .uint16, "Port."),
            Field("port_priority", .uint16, "Priority of the port."),
            Field("state_bits", .uint8, "State of LACP, as bits."),
            Field("maximum_delay", .uint16, "Collector's maximum delay in tens of microseconds."),
            Field("transaction_id", .uint32, "Transaction of a marker."),
            Field("revision", .uint32, "Revision of the configuration of OAM."),
            Field("configuration_bits", .uint8, "Configuration of OAM, as bits."),
            Field("maximum_pdu_size", .uint16, "Largest message of OAM in bytes."),
            Field("oui", .uint24, "Organisation."),
            Field("data", .hex, "Any other value."),
          ])), "TLVs, in order.", each: "One TLV; which members there are depends on subtype and type."),
    ]
  }
}

extension Dissector {
  package static let slowProtocol = Dissector(
    name: "slow", claims: [.etherType(0x8809)], layers: [.slowProtocol], print: printSlowProtocol)
}

private enum Subtype {
  static let aggregation: UInt8 = 1
  static let marker: UInt8 = 2
  static let operations: UInt8 = 3
  static let names: ValueNames = [1: "LACP", 2: "MARKER", 3: "OAM"]
}

/// Ends the protocol if the packet is shorter than it states.
private func rejectShort(_ printer: inout Printer) -> Bool {
  printer.writeFault(printer.options.verbosity > 0 ? "\n\t\t packet is too short" : " (packet is too short)")
  return false
}

@Sendable
private func printSlowProtocol(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.length >= 1 else {
    _ = rejectShort(&printer)
    return
  }
  let subtype = try bytes.u8(at: 0)
  if printer.enter(.slowProtocol) { printer.fields.write("subtype", subtype) }
  switch subtype {
  case Subtype.aggregation, Subtype.marker:
    guard bytes.length >= 2 else {
      _ = rejectShort(&printer)
      return
    }
    let version = try bytes.u8(at: 1)
    if printer.writesFields { printer.fields.write("version", version) }
    printer.write("", subtype, as: .named(Subtype.names, unknown: ""))
    guard version == 1 else {
      printer.write(" version ", version)
      printer.writeFault(" packet not supported")
      return
    }
    printer.write("v", version)
    printer.write(", length ", bytes.length)
  case Subtype.operations: printer.write("OAM, length ", bytes.length)
  default:
    printer.write("unknown (", subtype)
    printer.write("), length ", bytes.length)
    printer.writeHex(bytes)
    try bytes.check(0, bytes.length)
    return
  }
  if printer.options.verbosity > 0 {
    try printDetails(subtype, bytes, &printer)
  } else if printer.writesFields {
    printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printDetails(subtype, bytes, &printer) }
  }
}

private func printDetails(_ subtype: UInt8, _ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if subtype == Subtype.operations {
    try printer.printEthernetOAM(try bytes.dropping(1))
  } else {
    try printTLVs(subtype, bytes, &printer)
  }
}

// MARK: LACP and marker

private enum LinkTLV {
  static let actor: UInt32 = 1
  static let partner: UInt32 = 2
  static let collector: UInt32 = 3
  static let aggregationNames: ValueNames = [
    0: "Terminator", 1: "Actor Information", 2: "Partner Information", 3: "Collector Information",
  ]
  static let markerNames: ValueNames = [0: "Terminator", 1: "Marker Information", 2: "Marker Response Information"]
}

private let states: FlagNames = [
  0x01: "Activity", 0x02: "Timeout", 0x04: "Aggregation", 0x08: "Synchronization", 0x10: "Collecting",
  0x20: "Distributing", 0x40: "Default", 0x80: "Expired",
]

///     0         1         2
///     +---------+---------+------+--------+-------+---
///     | subtype | version | type | length | value | …      the length counts the header (IEEE 802.1AX section 6.4.2.3)
///     +---------+---------+------+--------+-------+---
private let layout = OptionLayout(countsHeader: true, shortHeader: .isRead)

private func printTLVs(_ subtype: UInt8, _ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let names = subtype == Subtype.aggregation ? LinkTLV.aggregationNames : LinkTLV.markerNames
  var list = printer.openList(bytes, at: 2, layout, objects: "tlvs")
  while true {
    if list.remaining == 1 {
      _ = rejectShort(&printer)
      return
    }
    guard let tlv = try printer.next(&list) else { return }
    if printer.writesFields {
      printer.fields.write("type", tlv.type, "type_name", names)
      printer.fields.write("length", tlv.length)
    }
    printer.write("\n\t", tlv.type, as: .named(names, unknown: "Unknown"))
    printer.write(" TLV (0x", tlv.type, as: .hex(2))
    printer.write("), length ", tlv.length)
    if tlv.type == 0 { return printer.stop(&list) }
    guard tlv.length >= 2 else {
      printer.writeFault("\n\t    ERROR: illegal length - should be >= 2")
      return
    }
    guard !tlv.isTooLong else {
      _ = rejectShort(&printer)
      return
    }
    let value = try tlv.wholeValue()
    let expected: Int? =
      switch (subtype, tlv.type) {
      case (Subtype.aggregation, LinkTLV.actor), (Subtype.aggregation, LinkTLV.partner): 20
      case (Subtype.aggregation, LinkTLV.collector), (Subtype.marker, 1): 16
      default: nil
      }
    if let expected, tlv.length != expected {
      printer.write("\n\t    ERROR: illegal length - should be ", expected)
      printer.noteInvalid()
    } else if expected != nil {
      try printValue(subtype, tlv.type, value, &printer)
    } else if printer.writesFields {
      printer.fields.write("data", hex: value)
    }
    if printer.options.verbosity > 1 || expected == nil {
      printer.writeHex(value, indent: "\n\t  ")
    }
  }
}

private func printValue(
  _ subtype: UInt8, _ type: UInt32, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  if subtype == Subtype.marker {
    printer.write("\n\t  Request System ", "system", try value.mac(at: 2))
    printer.write(", Request Port ", "port", try value.u16(at: 0))
    printer.write(", Request Transaction ID 0x", "transaction_id", try value.u32(at: 8), as: .hex(8))
    return
  }
  guard type != LinkTLV.collector else {
    return printer.write("\n\t  Max Delay ", "maximum_delay", try value.u16(at: 0))
  }
  printer.write("\n\t  System ", "system", try value.mac(at: 2))
  printer.write(", System Priority ", "system_priority", try value.u16(at: 0))
  printer.write(", Key ", "key", try value.u16(at: 8))
  printer.write(", Port ", "port", try value.u16(at: 12))
  printer.write(", Port Priority ", "port_priority", try value.u16(at: 10))
  let state = try value.u8(at: 14)
  if printer.writesFields { printer.fields.write("state_bits", state) }
  printer.out.write("\n\t  State Flags [")
  printer.write(states, state)
  printer.out.write("]")
}
