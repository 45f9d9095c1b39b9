import PacketCore

extension Dissector {
  /// Spanning tree protocols, IEEE 802.1D section 9 and IEEE 802.1Q section 14.
  package static let spanningTree = Dissector(
    name: "stp",
    claims: [.sap(ServiceAccessPoint.spanningTree), .snap(oui: SNAP.cisco, protocolID: 0x010b)], layers: [.stp],
    print: printBPDU)
}

/// A bridge protocol data unit:
///
///     0 protocol  2 version  3 type  4 flags  5 root (8)  13 path cost  17 bridge (8)  25 port
///     27 message age  29 maximum age  31 hello time  33 forward delay  35 version 1 length
///     36 version 3 length  38 configuration identifier (51)  89 internal path cost  93 bridge (8)  101 hops
///     102 instances (16 each)
private enum Offset {
  static let flags = 4
  static let root = 5
  static let rootCost = 13
  static let bridge = 17
  static let port = 25
  static let messageAge = 27
  static let version1Length = 35
  static let version3Length = 36
  static let configuration = 38
  static let internalCost = 89
  static let cistBridge = 93
  static let remainingHops = 101
  static let instances = 102
}

private enum Version {
  static let spanningTree: UInt8 = 0
  static let rapid: UInt8 = 2
  static let multiple: UInt8 = 3
  static let shortestPath: UInt8 = 4
  static let names: ValueNames = [0: "802.1d", 2: "802.1w", 3: "802.1s", 4: "802.1aq"]
}

private enum BPDUType {
  static let configuration: UInt8 = 0
  static let rapid: UInt8 = 2
  static let topologyChange: UInt8 = 0x80
  static let names: ValueNames = [0: "Config", 2: "Rapid STP", 0x80: "Topology Change"]
}

private let flagNames: FlagNames = [
  0x01: "Topology change", 0x02: "Proposal", 0x10: "Learn", 0x20: "Forward", 0x40: "Agreement",
  0x80: "Topology change ACK",
]
private let portRoles: ValueNames = [0: "Unknown", 1: "Alternate", 2: "Root", 3: "Designated"]

@Sendable
private func printBPDU(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 4 { throw .invalid }
  if try bytes.u16(at: 0) != 0 {
    printer.write("unknown STP version, length ", bytes.length)
    return
  }
  let version = try bytes.u8(at: 2)
  if printer.enter(.stp) {
    printer.fields.write("version", version)
    printer.fields.write("type", try bytes.u8(at: 3))
  }
  printer.write("STP ", version, as: .named(Version.names, unknown: .hex("Unknown STP protocol (0x", digits: 2, ")")))
  if Version.names[version] == nil { return }
  let type = try bytes.u8(at: 3)
  printer.write(", ", type, as: .named(BPDUType.names, unknown: .hex("Unknown BPDU Type (0x", digits: 2, ")")))
  switch type {
  case BPDUType.configuration:
    if bytes.length < 35 { throw .invalid }
    try printConfiguration(bytes, isRapid: version == Version.rapid, &printer)
  case BPDUType.rapid where version == Version.multiple || version == Version.shortestPath:
    try printMultiple(bytes, version, &printer)
  case BPDUType.rapid where version != Version.spanningTree:
    if bytes.length < 36 { throw .invalid }
    try printConfiguration(bytes, isRapid: true, &printer)
  default: break
  }
}

private func writeBridge(
  _ name: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let priority = try bytes.u16(at: offset)
  let address = try bytes.mac(at: offset + 2)
  printer.out.write(name)
  printer.out.write(hex: priority, width: 4)
  printer.out.write(".")
  printer.out.write(address)
}

/// Records the priority and address of a bridge, as an object.
private func recordBridge(
  _ key: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let priority = try bytes.u16(at: offset)
  let address = try bytes.mac(at: offset + 2)
  printer.fields.beginObject(key)
  printer.fields.write("priority", priority)
  printer.fields.write("address", address)
  printer.fields.end()
}

private func recordFlags(_ flags: UInt8, _ printer: inout Printer) {
  printer.fields.beginObject("flags")
  printer.fields.write("topology_change", flags & 0x01 != 0)
  printer.fields.write("proposal", flags & 0x02 != 0)
  printer.fields.write("learning", flags & 0x10 != 0)
  printer.fields.write("forwarding", flags & 0x20 != 0)
  printer.fields.write("agreement", flags & 0x40 != 0)
  printer.fields.write("topology_change_ack", flags & 0x80 != 0)
  printer.fields.end()
  printer.fields.write("port_role", flags >> 2 & 3)
}

/// Records the fields that all kinds of configuration messages have; for multiple spanning trees the bridge is the regional root.
private func recordConfiguration(
  _ bytes: PacketBytes, bridge: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  recordFlags(try bytes.u8(at: Offset.flags), &printer)
  try recordBridge("root", bytes, at: Offset.root, &printer)
  printer.fields.write("root_path_cost", try bytes.u32(at: Offset.rootCost))
  try recordBridge(bridge, bytes, at: Offset.bridge, &printer)
  printer.fields.write("port_id", try bytes.u16(at: Offset.port))
  printer.fields.write("message_age", try bytes.u16(at: Offset.messageAge))
  printer.fields.write("max_age", try bytes.u16(at: Offset.messageAge + 2))
  printer.fields.write("hello_time", try bytes.u16(at: Offset.messageAge + 4))
  printer.fields.write("forward_delay", try bytes.u16(at: Offset.messageAge + 6))
}

private func writeFlags(_ flags: UInt8, _ printer: inout Printer) {
  printer.out.write("Flags [")
  printer.write(flagNames, flags)
  printer.out.write("]")
}

/// A time in units of 1/256 second, with two decimals.
private func writeTime(_ name: StaticString, _ value: UInt16, _ printer: inout Printer) {
  // Half of a hundredth is rounded to even, as printf() does.
  let scaled = UInt32(value) * 100
  var hundredths = scaled / 256
  let rest = scaled % 256
  if rest > 128 || (rest == 128 && hundredths % 2 == 1) { hundredths += 1 }
  printer.out.write(name)
  printer.out.write(decimal: hundredths / 100)
  printer.out.write(".")
  printer.out.write(decimal: hundredths % 100, width: 2)
  printer.out.write("s")
}

private func writeTimes(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(Offset.messageAge, 8)
  writeTime("\n\tmessage-age ", try bytes.u16(at: Offset.messageAge), &printer)
  writeTime(", max-age ", try bytes.u16(at: Offset.messageAge + 2), &printer)
  writeTime(", hello-time ", try bytes.u16(at: Offset.messageAge + 4), &printer)
  writeTime(", forwarding-delay ", try bytes.u16(at: Offset.messageAge + 6), &printer)
}

private func printConfiguration(
  _ bytes: PacketBytes, isRapid: Bool, _ printer: inout Printer
) throws(DecodeError) {
  let flags = try bytes.u8(at: Offset.flags)
  if printer.writesFields { try recordConfiguration(bytes, bridge: "bridge", &printer) }
  printer.out.write(", ")
  writeFlags(flags, &printer)
  try bytes.check(0, Offset.port + 2)
  try writeBridge(", bridge-id ", bytes, at: Offset.bridge, &printer)
  printer.out.write(".")
  printer.out.write(hex: try bytes.u16(at: Offset.port), width: 4)
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0 else { return }
  try writeTimes(bytes, &printer)
  try writeBridge("\n\troot-id ", bytes, at: Offset.root, &printer)
  let cost = try bytes.u32(at: Offset.rootCost)
  printer.write(", root-pathcost ", cost)
  if isRapid {
    printer.write(", port-role ", flags >> 2 & 3, as: .named(portRoles, unknown: ""))
  }
}

// MARK: Multiple spanning trees

private func printMultiple(
  _ bytes: PacketBytes, _ version: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  if bytes.length < Offset.instances { throw .invalid }
  if try bytes.u8(at: Offset.version1Length) != 0 { throw .invalid }
  // Some senders do not count the configuration identifier in the length.
  let length3 = Int(try bytes.u16(at: Offset.version3Length))
  if Offset.configuration + length3 > bytes.length { throw .invalid }
  try printCommonTree(bytes, length3: length3, &printer)
  guard version == Version.shortestPath else { return }
  let offset4 = Offset.configuration + length3
  let length4 = Int(try bytes.u16(at: offset4))
  if length4 < shortestPathLength || offset4 + 2 + length4 > bytes.length { throw .invalid }
  if printer.options.verbosity > 0 {
    try printShortestPath(try bytes.dropping(offset4), length: length4, &printer)
  }
}

private func printCommonTree(
  _ bytes: PacketBytes, length3: Int, _ printer: inout Printer
) throws(DecodeError) {
  let flags = try bytes.u8(at: Offset.flags)
  if printer.writesFields { try recordConfiguration(bytes, bridge: "regional_root", &printer) }
  printer.out.write(", CIST ")
  writeFlags(flags, &printer)
  printer.write(", length ", bytes.length)
  guard printer.options.verbosity > 0 else { return }

  printer.write("\n\tport-role ", flags >> 2 & 3, as: .named(portRoles, unknown: ""))
  try writeBridge(", CIST root-id ", bytes, at: Offset.root, &printer)
  let rootCost = try bytes.u32(at: Offset.rootCost)
  printer.write(", CIST ext-pathcost ", rootCost)
  try writeBridge("\n\tCIST regional-root-id ", bytes, at: Offset.bridge, &printer)
  let port = try bytes.u16(at: Offset.port)
  printer.write(", CIST port-id ", port, as: .hex(4))
  printer.out.write(",")
  try writeTimes(bytes, &printer)
  printer.write("\n\tv3len ", length3)
  if printer.writesFields { try recordIdentifier("configuration", bytes, at: Offset.configuration, &printer) }
  try writeConfigurationIdentifier(", MCID Name ", ", rev ", bytes, at: Offset.configuration, &printer)
  printer.out.write(", ")
  let internalCost = try bytes.u32(at: Offset.internalCost)
  printer.write("CIST int-root-pathcost ", internalCost)
  printer.out.write(",")
  try writeBridge("\n\tCIST bridge-id ", bytes, at: Offset.cistBridge, &printer)
  printer.out.write(", ")
  let remainingHops = try bytes.u8(at: Offset.remainingHops)
  if printer.writesFields {
    printer.fields.write("internal_root_path_cost", internalCost)
    try recordBridge("bridge", bytes, at: Offset.cistBridge, &printer)
    printer.fields.write("remaining_hops", remainingHops)
  }
  printer.write("CIST remaining-hops ", remainingHops)
  try printInstances(bytes, length: length3 - (Offset.instances - Offset.configuration), &printer)
}

/// Length in bytes of the part that shortest path bridging adds, without its length field.
private let shortestPathLength = 85

private func recordIdentifier(
  _ key: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let identifier = try bytes.slice(at: offset, length: 51)
  let name = try identifier.dropping(1)
  let length = try name.withLength(32).lengthToNUL()
  printer.fields.beginObject(key)
  printer.fields.write("name", text: name.clamped(to: length))
  printer.fields.write("revision", try identifier.u16(at: 33))
  printer.fields.write("digest", hex: try identifier.dropping(35))
  printer.fields.end()
}

///     0 format  1 name (32)  33 revision  35 digest (16)
private func writeConfigurationIdentifier(
  _ title: StaticString, _ revision: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(title)
  let name = try bytes.dropping(offset + 1)
  let length = try name.withLength(min(32, name.count)).lengthToNUL()
  printer.out.write(escaped: name.clamped(to: length))
  try bytes.check(offset, 51)
  printer.out.write(revision)
  printer.out.write(decimal: try bytes.u16(at: offset + 33))
  printer.out.write(",\n\t\tdigest ")
  try printer.writeHexOctets(try bytes.dropping(offset + 35), 16)
}

///     0 flags  1 regional root (8)  9 path cost  13 bridge priority  14 port priority  15 remaining hops
private func printInstances(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  let end = Offset.instances + max(0, length)
  var list = printer.openList(bytes.withLength(end), at: Offset.instances, .elements(of: 16), array: "instances")
  while let entry = try printer.next(&list) {
    let instance = entry.bytes
    let flags = try instance.u8(at: 0)
    let identifier = try instance.u16(at: 1) & 0x0fff
    if printer.writesFields { try recordInstance(instance, &printer) }
    printer.write("\n\tMSTI ", identifier)
    printer.out.write(", ")
    writeFlags(flags, &printer)
    printer.write(", port-role ", flags >> 2 & 3, as: .named(portRoles, unknown: ""))
    try instance.check(0, 13)
    try writeBridge("\n\t\tMSTI regional-root-id ", instance, at: 1, &printer)
    printer.out.write(", pathcost ")
    printer.out.write(decimal: try instance.u32(at: 9))
    try instance.check(0, 16)
    printer.out.write("\n\t\tMSTI bridge-prio ")
    printer.out.write(decimal: try instance.u8(at: 13) >> 4)
    printer.out.write(", port-prio ")
    printer.out.write(decimal: try instance.u8(at: 14) >> 4)
    printer.out.write(", hops ")
    printer.out.write(decimal: try instance.u8(at: 15))
  }
}

private func recordInstance(_ instance: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let level = printer.fields.level
  printer.fields.beginObject()
  printer.fields.write("id", try instance.u16(at: 1) & 0x0fff)
  recordFlags(try instance.u8(at: 0), &printer)
  try recordBridge("regional_root", instance, at: 1, &printer)
  printer.fields.write("path_cost", try instance.u32(at: 9))
  printer.fields.write("bridge_priority", try instance.u8(at: 13) >> 4)
  printer.fields.write("port_priority", try instance.u8(at: 14) >> 4)
  printer.fields.write("remaining_hops", try instance.u8(at: 15))
  printer.fields.end(downTo: level)
}

///     0 length  2 auxiliary configuration identifier (51)
///     53 agreement, flags  54 reserved  55 format, capabilities  56 convention  57 edge count  67 digest (20)
private func printShortestPath(_ bytes: PacketBytes, length: Int, _ printer: inout Printer) throws(DecodeError) {
  printer.write("\n\tv4len ", length)
  try writeConfigurationIdentifier(", AUXMCID Name ", ", Rev ", bytes, at: 2, &printer)
  let agreement = try bytes.u8(at: 53)
  try bytes.check(0, shortestPathLength + 2)
  if printer.writesFields {
    try recordIdentifier("auxiliary_configuration", bytes, at: 2, &printer)
    printer.fields.write("agreement_number", agreement >> 6)
    printer.fields.write("discarded_agreement_number", agreement >> 4 & 3)
    printer.fields.write("agreement_valid", agreement & 8 != 0)
    printer.fields.write("restricted_role", agreement & 4 != 0)
    printer.fields.write("edge_count", try bytes.u16(at: 57))
    printer.fields.write("agreement_digest", hex: try bytes.slice(at: 67, length: 20))
  }
  printer.write("\n\tAgreement num ", agreement >> 6)
  printer.write(", Discarded Agreement num ", agreement >> 4 & 3)
  printer.write(", Agreement valid-flag ", agreement >> 3 & 1)
  printer.write(",\n\tRestricted role-flag: ", agreement >> 2 & 1)
  let format = try bytes.u8(at: 55)
  printer.write(", Format id ", format >> 4)
  printer.write(" cap ", format & 15)
  let convention = try bytes.u8(at: 56)
  printer.write(", Convention id ", convention >> 4)
  printer.write(" cap ", convention)
  printer.out.write(",\n\tEdge count ")
  printer.out.write(decimal: try bytes.u16(at: 57))
  printer.out.write(", Agreement digest ")
  try printer.writeHexOctets(try bytes.dropping(67), 20)
}
