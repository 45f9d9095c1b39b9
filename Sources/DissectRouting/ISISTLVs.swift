import Dissect
import PacketCore

/// Members of a TLV.
let isisTLVFields = [
  Field("type", .uint8, "Type.", always: true),
  Field("name", .text, "Name of the type."),
  Field("length", .uint8, "Bytes of the value.", always: true),
  Field("areas", .array(.text), "Area addresses."),
  Field("nlpids", .array(.uint8), "Network layer protocols of the system."),
  Field("addresses", .array(.ip), "Addresses of interfaces."),
  Field("router_id", .ipv4, "Identifier of the router."),
  Field("hostname", .text, "Host name."),
  Field("system_ids", .array(.text), "System identifiers of a purge: of who made it, and of who sent it there."),
  Field("mt_id", .uint16, "Topology that the TLV is about."),
  Field("topologies", .array(.uint16), "Topologies of the system, with their flags in the four upper bits."),
  Field("adjacency_state", .uint8, "State of an adjacency: 0 up, 1 initializing, 2 down."),
  Field("neighbor_id", .text, "System identifier of the neighbor."),
  Field("authentication_type", .uint8, "Authentication type."),
  Field("sequence", .uint32, "Sequence number."),
  Field("checksum", .uint16, "Checksum of the PDU."),
  Field("hold_seconds", .uint16, "Seconds that remain to a restarting router."),
  Field(
    "neighbor_systems",
    .array(
      .object([
        Field("system_id", .text, "System identifier, with a seventh byte of a pseudonode."),
        Field("metric", .uint32, "Metric, of the default kind where there are several."),
        Field("sub_tlvs", .array(.object(isisSubTLVFields)), "Sub-TLVs, in order.", each: "One sub-TLV."),
      ])), "Neighbors.", each: "One neighbor."),
  Field(
    "prefixes",
    .array(
      .object([
        Field("prefix", .ip, "Address of the prefix."),
        Field("prefix_length", .uint8, "Bits of the prefix; left out where the mask is no prefix."),
        Field("mask", .ipv4, "Mask, where it is no prefix."),
        Field("metric", .uint32, "Metric, of the default kind where there are several."),
        Field("is_down", .flag, "The prefix came down from a higher level."),
        Field("is_external", .flag, "The metric is not comparable with those inside."),
        Field("sub_tlvs", .array(.object(isisSubTLVFields)), "Sub-TLVs, in order.", each: "One sub-TLV."),
      ])), "Prefixes.", each: "One prefix."),
  Field(
    "lsp_entries",
    .array(
      .object([
        Field("lsp_id", .text, "Identifier."),
        Field("sequence", .uint32, "Sequence number."),
        Field("lifetime", .uint16, "Seconds that remain of its life."),
        Field("checksum", .uint16, "Checksum."),
      ])), "Link state PDUs that are described.", each: "One link state PDU."),
  Field("sub_tlvs", .array(.object(isisSubTLVFields)), "Sub-TLVs of a capability.", each: "One sub-TLV."),
  Field("data", .hex, "Value of any other TLV."),
]

private enum TLV {
  static let areas: UInt32 = 1
  static let neighbors: UInt32 = 2
  static let endSystems: UInt32 = 3
  static let partition: UInt32 = 4
  static let prefixNeighbors: UInt32 = 5
  static let hardwareNeighbors: UInt32 = 6
  static let instance: UInt32 = 7
  static let padding: UInt32 = 8
  static let entries: UInt32 = 9
  static let authentication: UInt32 = 10
  static let checksum: UInt32 = 12
  static let purgeOriginator: UInt32 = 13
  static let bufferSize: UInt32 = 14
  static let extendedNeighbors: UInt32 = 22
  static let alias: UInt32 = 24
  static let internalPrefixes: UInt32 = 128
  static let protocols: UInt32 = 129
  static let externalPrefixes: UInt32 = 130
  static let interDomain: UInt32 = 131
  static let addresses: UInt32 = 132
  static let routerID: UInt32 = 134
  static let extendedPrefixes: UInt32 = 135
  static let hostname: UInt32 = 137
  static let riskGroup: UInt32 = 138
  static let portCapability: UInt32 = 143
  static let topologyCapability: UInt32 = 144
  static let restart: UInt32 = 211
  static let topologyNeighbors: UInt32 = 222
  static let topologies: UInt32 = 229
  static let addresses6: UInt32 = 232
  static let topologyPrefixes: UInt32 = 235
  static let prefixes6: UInt32 = 236
  static let topologyPrefixes6: UInt32 = 237
  static let adjacency: UInt32 = 240
  static let helloSequence: UInt32 = 241
  static let capability: UInt32 = 242
  static let vendor: UInt32 = 250

  static let names: ValueNames = [
    1: "Area address(es)", 2: "IS Reachability", 3: "ES Neighbor(s)", 4: "Partition DIS", 5: "Prefix Neighbors",
    6: "IS Neighbor(s)", 7: "Instance Identifier", 8: "Padding", 9: "LSP entries", 10: "Authentication",
    12: "Checksum", 13: "Purge Originator Identifier", 14: "LSP Buffersize", 22: "Extended IS Reachability",
    24: "IS Alias ID", 42: "DECnet Phase IV", 66: "Lucent Proprietary", 128: "IPv4 Internal Reachability",
    129: "Protocols supported", 130: "IPv4 External Reachability", 131: "Inter-Domain Information Type",
    132: "IPv4 Interface address(es)", 133: "IPv4 authentication (deprecated)", 134: "Traffic Engineering Router ID",
    135: "Extended IPv4 Reachability", 137: "Hostname", 138: "Shared Risk Link Group",
    143: "Multi-Topology-Aware Port Capability", 144: "Multi-Topology Capability", 176: "Nortel Proprietary",
    177: "Nortel Proprietary", 211: "Restart Signaling", 222: "Multi Topology IS Reachability",
    229: "Multi Topology", 232: "IPv6 Interface address(es)", 235: "Multi-Topology IPv4 Reachability",
    236: "IPv6 reachability", 237: "Multi-Topology IP6 Reachability", 240: "Point-to-point Adjacency State",
    241: "Hello PDU Sequence Number", 242: "IS-IS Router Capability", 250: "Vendor Private",
  ]
}

private let adjacencyStates: ValueNames = [0: "Up", 1: "Initializing", 2: "Down"]
private let restartFlags: FlagNames = [
  0x01: "Restart Request", 0x02: "Restart Acknowledgement", 0x04: "Suppress adjacency advertisement",
]
private let interDomainTypes: ValueNames = [0: "Reserved", 1: "Routing-Domain Specific", 2: "AS Number Tag"]
/// Organizations (OUI) whose private TLVs are printed by name.
private let vendors: ValueNames = [0x00_0000: "Ethernet", 0x00_000c: "Cisco"]

/// The indentation of the text of a TLV's value, and of a dump of its bytes.
private let valueIndent: StaticString = "\n\t      "
private let unknownIndent: StaticString = "\n\t\t"

extension Printer {
  /// Prints the TLVs of a PDU, from `start` on. If the value of a TLV is invalid, the next TLV follows.
  mutating func printISISTLVs(_ pdu: PacketBytes, at start: Int) throws(DecodeError) {
    var offset = start
    var list = openList(pdu, at: start, OptionLayout(), objects: "tlvs")
    while let tlv = try next(&list) {
      if writesFields {
        fields.write("type", tlv.type, "name", TLV.names)
        fields.write("length", tlv.length)
      }
      write("\n\t    ", tlv.type, as: .named(TLV.names, unknown: "unknown"))
      write(" TLV #", tlv.type)
      write(", length: ", tlv.length)
      if tlv.isTooLong { throw .truncated }
      let type = tlv.type
      var isKnown = true
      switch type {
      case TLV.checksum: try printChecksum(tlv.value, pdu, at: offset &+ 2, &self)
      case TLV.internalPrefixes, TLV.externalPrefixes:
        if try !printPrefixes(tlv.value) { return stop(&list) }
      case TLV.extendedPrefixes, TLV.prefixes6, TLV.topologyPrefixes, TLV.topologyPrefixes6:
        // An entry may extend beyond the rest of the TLV: it is printed, and then marked.
        try nest(try tlv.bytes.dropping(2).withLength(tlv.length)) { (value, printer) throws(DecodeError) in
          isKnown = try printTLV(type, value, &printer)
        }
      default:
        try nest(tlv.value) { (value, printer) throws(DecodeError) in
          isKnown = try printTLV(type, value, &printer)
        }
      }
      if !isKnown, writesFields { fields.write("data", hex: tlv.value) }
      if options.verbosity > 1 {
        try writeWholeHex(tlv.value, indent: valueIndent)
      } else if !isKnown {
        try writeWholeHex(tlv.value, indent: unknownIndent)
      }
      offset &+= tlv.size
    }
  }
}

/// Prints the value of a TLV; false if its type is unknown.
private func printTLV(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  switch type {
  case TLV.padding: break
  case TLV.neighbors: try printer.printNeighbors(value)
  case TLV.endSystems: try printer.printEndSystems(value)
  case TLV.prefixNeighbors: try printer.printPrefixNeighbors(value)
  case TLV.extendedNeighbors: try printer.printExtendedNeighbors(value)
  case TLV.alias: try printer.printAliases(value)
  case TLV.extendedPrefixes: try printer.printExtendedPrefixes(value)
  case TLV.prefixes6: try printer.printIPv6Prefixes(value)
  case TLV.topologyNeighbors: try printer.printExtendedNeighbors(try printer.printTopology(value))
  case TLV.topologyPrefixes: try printer.printExtendedPrefixes(try printer.printTopology(value))
  case TLV.topologyPrefixes6: try printer.printIPv6Prefixes(try printer.printTopology(value))
  case TLV.topologies: try printer.printTopologies(value)
  case TLV.capability: try printer.printCapability(value)
  case TLV.portCapability: try printer.printPortCapability(value)
  case TLV.topologyCapability: try printer.printTopologyCapability(value)
  default: return try printSystemTLV(type, value, &printer)
  }
  return true
}

/// TLVs that describe the sender of the PDU, and the PDU itself.
private func printSystemTLV(
  _ type: UInt32, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  switch type {
  case TLV.areas: try printAreas(value, &printer)
  case TLV.partition, TLV.hardwareNeighbors:
    var list = printer.openList(value, .elements(of: 6))
    while let element = try printer.next(&list) {
      printer.out.write(type == TLV.partition ? valueIndent : "\n\t      SNPA: ")
      try printer.writeSystemID(try element.wholeValue())
      if type == TLV.partition { break }
    }
  case TLV.instance: try printInstance(value, &printer)
  case TLV.entries: try printEntries(value, &printer)
  case TLV.authentication: if value.length > 0 { try printAuthentication(value, &printer) }
  case TLV.purgeOriginator: if value.length > 0 { try printPurgeOriginator(value, &printer) }
  case TLV.bufferSize: if value.length >= 2 { printer.write("\n\t      LSP Buffersize: ", try value.u16(at: 0)) }
  case TLV.protocols: try printProtocols(value, &printer)
  case TLV.interDomain: if value.length > 0 { try printInterDomain(value, &printer) }
  case TLV.addresses, TLV.addresses6: try printAddresses(type, value, &printer)
  case TLV.routerID:
    if value.length >= 4 {
      printer.write("\n\t      Traffic Engineering Router ID: ", "router_id", try value.ipv4(at: 0))
    }
  case TLV.hostname: try printer.write("\n\t      Hostname: ", "hostname", text: value)
  case TLV.riskGroup: if value.length >= 7 { try printRiskGroup(value, &printer) }
  case TLV.restart: if value.length > 0 { try printRestart(value, &printer) }
  case TLV.adjacency: if value.length > 0 { try printAdjacency(value, &printer) }
  case TLV.helloSequence:
    if value.length >= 4 { printer.write("\n\t      Sequence number: ", "sequence", try value.u32(at: 0)) }
  case TLV.vendor:
    guard value.length >= 3 else { return true }
    let vendor = try value.u24(at: 0)
    printer.write("\n\t      Vendor: ", vendor, as: .named(vendors, unknown: "Unknown"))
    printer.write(" (", vendor)
    printer.out.write(")")
    let data = try value.dropping(3)
    if printer.writesFields { printer.fields.write("data", hex: value) }
    if data.length > 0 { try printer.writeWholeHex(data, indent: unknownIndent) }
  default: return false
  }
  return true
}

/// Area addresses, each preceded by a length byte.
private func printAreas(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(value, .counted(1), array: "areas")
  while let area = try printer.next(&list) {
    if area.isTooLong { continue }
    let address = try area.wholeValue()
    printer.recordElement(nsap: address)
    printer.write("\n\t      Area address (length: ", address.length)
    printer.out.write("): ")
    try printer.writeNSAP(address)
  }
}

/// RFC 8202 section 2.1: an instance, and the topologies that belong to it.
private func printInstance(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard value.length >= 4 else { return }
  printer.write("\n\t      Instance ID: ", try value.u16(at: 0))
  printer.write(", ITIDs(", (value.length &- 2) / 2)
  printer.out.write("): ")
  var list = printer.openList(value, at: 2, .elements(of: 2), array: "topologies")
  while let element = try printer.next(&list) {
    if !element.isFirst { printer.out.write(", ") }
    printer.writeElement("", try element.bytes.u16(at: 0))
  }
}

///     0          2        10         14
///     +----------+--------+----------+----------+
///     | lifetime | LSP ID | sequence | checksum |
///     +----------+--------+----------+----------+
private func printEntries(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(value, .elements(of: 16), objects: "lsp_entries")
  while let element = try printer.next(&list) {
    let entry = try element.wholeValue()
    let lifetime = try entry.u16(at: 0)
    try printer.write("\n\t      lsp-id: ", "lsp_id", systemID: try entry.slice(at: 2, length: 8))
    printer.write(", seq: 0x", "sequence", try entry.u32(at: 10), as: .hex(8))
    if printer.writesFields { printer.fields.write("lifetime", lifetime) }
    printer.out.write(", lifetime: ")
    printer.out.write(decimal: lifetime, width: 5, pad: UInt8(ascii: " "))
    printer.write("s, chksum: 0x", "checksum", try entry.u16(at: 14), as: .hex(4))
  }
}

/// Authentication types (RFC 5304 section 2, RFC 5310 section 3).
private enum Authentication {
  static let simple: UInt8 = 1
  static let generic: UInt8 = 3
  static let hmacMD5: UInt8 = 54
  static let routingDomain: UInt8 = 255
}

private func printAuthentication(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try value.u8(at: 0)
  let data = try value.dropping(1)
  if printer.writesFields { printer.fields.write("authentication_type", type) }
  switch type {
  case Authentication.simple:
    printer.out.write("\n\t      simple text password: ")
    try printer.writeText(data, length: data.length)
  case Authentication.hmacMD5:
    printer.out.write("\n\t      HMAC-MD5 password: ")
    try printer.writeHexOctets(data, data.length)
    if data.length != 16 { printer.writeFault(", (invalid subTLV) ") }
    printer.out.write(" (unchecked)")
  case Authentication.generic:
    printer.out.write("\n\t      Generic Crypto key-id: ")
    guard data.length >= 2 else { return }
    printer.out.write(decimal: try data.u16(at: 0))
    printer.out.write(", password: ")
    try printer.writeHexOctets(try data.dropping(2), data.length &- 2)
  default:
    if type == Authentication.routingDomain {
      printer.out.write("\n\t      Routing Domain private password: ")
    } else {
      printer.write("\n\t      unknown Authentication type 0x", type, as: .hex(2))
      printer.out.write(": ")
    }
    try printer.writeWholeHex(data, indent: "\n\t\t  ")
  }
}

/// RFC 3358: a checksum over the whole PDU; its offset in the PDU is `position`.
private func printChecksum(
  _ value: PacketBytes, _ pdu: PacketBytes, at position: Int, _ printer: inout Printer
) throws(DecodeError) {
  guard value.length >= 2 else { return }
  printer.write("\n\t      checksum: 0x", "checksum", try value.u16(at: 0), as: .hex(4))
  printer.out.write(" ")
  printer.writeVerdict(OSIChecksum.verify(pdu, at: position, length: pdu.length), recorded: false)
}

/// RFC 6232 section 3: which system purged a link state PDU, and from which system the sender received it.
private func printPurgeOriginator(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard try value.u8(at: 0) > 0 else { return printer.out.write(" No system IDs supplied") }
  var list = printer.openList(value, at: 1, .elements(of: 6), array: "system_ids")
  var number = 0
  while let element = try printer.next(&list) {
    if number == 2 {
      printer.stop(&list)
      break
    }
    let system = try element.wholeValue()
    printer.recordElement(systemID: system)
    printer.out.write(number == 0 ? "\n\t      Purge Originator System-ID: " : "\n\t      Received from System-ID: ")
    try printer.writeSystemID(system)
    number &+= 1
  }
}

private func printProtocols(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("\n\t      NLPID(s): ")
  var list = printer.openList(value, .elements(of: 1), array: "nlpids")
  while let element = try printer.next(&list) {
    let identifier = try element.bytes.u8(at: 0)
    if !element.isFirst { printer.out.write(", ") }
    printer.writeElement("", identifier, as: .named(NLPID.names, unknown: "unknown"))
    printer.write(" (0x", identifier, as: .hex(2))
    printer.out.write(")")
  }
}

private func printInterDomain(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try value.u8(at: 0)
  printer.write(
    "\n\t      Inter-Domain Information Type: ", type,
    as: .named(interDomainTypes, unknown: .hex("Unknown (0x", digits: 2, ")")))
  let data = try value.dropping(1)
  if type == 2 {
    if data.length >= 2 { printer.write("AS Number: ", try data.u16(at: 0)) }
  } else if data.length > 0 {
    try printer.writeWholeHex(data, indent: valueIndent)
  }
}

private func printAddresses(_ type: UInt32, _ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let size: UInt16 = type == TLV.addresses ? 4 : 16
  var list = printer.openList(value, .elements(of: size), array: "addresses")
  while let element = try printer.next(&list) {
    if size == 4 {
      printer.writeElement("\n\t      IPv4 interface address: ", try element.bytes.ipv4(at: 0))
    } else {
      printer.writeElement("\n\t      IPv6 interface address: ", try element.bytes.ipv6(at: 0))
    }
  }
}

/// RFC 5307 section 1.4: a link, identified by its neighbor, flags, and both addresses, and the risks that it shares with others.
private func printRiskGroup(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try printer.write("\n\t      IS Neighbor: ", "neighbor_id", systemID: try value.slice(at: 0, length: 7))
  guard value.length >= 8 else { return }
  printer.out.write(try value.u8(at: 7) & 1 != 0 ? ", Flags: [numbered]" : ", Flags: [unnumbered]")
  guard value.length >= 12 else { return }
  printer.write("\n\t      IPv4 interface address: ", try value.ipv4(at: 8))
  guard value.length >= 16 else { return }
  printer.write("\n\t      IPv4 neighbor address: ", try value.ipv4(at: 12))
  var list = printer.openList(value, at: 16, .elements(of: 4))
  while let element = try printer.next(&list) {
    printer.write("\n\t      Link-ID: 0x", try element.bytes.u32(at: 0), as: .hex(8))
  }
}

/// RFC 8706 section 3: flags, the remaining time, and the restarting neighbor.
private func printRestart(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try value.u8(at: 0)
  printer.out.write("\n\t      Flags [")
  printer.write(restartFlags, flags)
  printer.out.write("]")
  guard value.length >= 3 else { return }
  printer.write(", Remaining holding time ", "hold_seconds", try value.u16(at: 1))
  printer.out.write("s")
  guard value.length >= 9 else { return }
  try printer.write(", for ", "neighbor_id", systemID: try value.slice(at: 3, length: 6))
}

/// RFC 5303 section 3: state, the sender's circuit, the neighbor, and the neighbor's circuit.
private func printAdjacency(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let state = try value.u8(at: 0)
  printer.write(
    "\n\t      Adjacency State: ", "adjacency_state", state, as: .named(adjacencyStates, unknown: "unknown"))
  printer.write(" (", state)
  printer.out.write(")")
  guard value.length >= 5 else { return }
  printer.write("\n\t      Extended Local circuit-ID: 0x", try value.u32(at: 1), as: .hex(8))
  guard value.length >= 11 else { return }
  try printer.write("\n\t      Neighbor System-ID: ", "neighbor_id", systemID: try value.slice(at: 5, length: 6))
  guard value.length >= 15 else { return }
  printer.write("\n\t      Neighbor Extended Local circuit-ID: 0x", try value.u32(at: 11), as: .hex(8))
}
