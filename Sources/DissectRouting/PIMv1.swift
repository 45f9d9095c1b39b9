package import Dissect
import PacketCore

extension Layer {
  static let pimv1 = Layer("pimv1", "Protocol Independent Multicast version 1", note: "Over IGMP, message type 0x14.") {
    [
      Field("version", .uint8, "Version."),
      Field("type", .uint8, "Message type.", always: true),
      Field("type_name", .text, "Name of the type."),
      Field("mode", .uint8, "Mode of the sender of a query."),
      Field("mode_name", .text, "Name of the mode."),
      Field("hold_time_seconds", .uint16, "Seconds for which the message is valid."),
      Field("source", .ipv4, "Source of a register, register stop or assert."),
      Field("group", .ipv4, "Group that the message is about."),
      Field("group_mask", .ipv4, "Mask of the group."),
      Field("rendezvous_point", .ipv4, "Rendezvous point."),
      Field("upstream_neighbor", .ipv4, "The neighbor that a join, prune or graft is for."),
      Field(
        "groups",
        .array(
          .object([
            Field("group", .ipv4, "Group address."),
            Field("group_mask", .ipv4, "Mask of the group."),
            Field("joined", .array(.object(source)), "Sources that are joined.", each: "One source."),
            Field("pruned", .array(.object(source)), "Sources that are pruned.", each: "One source."),
          ])), "Groups of a join, prune or graft.", each: "One group."),
      Field("metric_preference", .uint32, "Preference of the sender's route, without the bit of the shared tree."),
      Field("metric", .uint32, "Metric of the sender's route."),
      Field("is_shared_tree", .flag, "An assert is for the tree of the rendezvous point."),
    ]
  }

  private static let source = [
    Field("source", .ipv4, "Address of the source."),
    Field("prefix_length", .uint8, "Bits of the address that count."),
    Field("flag_bits", .uint8, "The byte before them: 1 is sparse mode."),
  ]
}

extension Dissector {
  /// Protocol Independent Multicast version 1, over IGMP.
  package static let pimv1 = Dissector(
    name: "pimv1", claims: [Claim(.igmpType, UInt8(0x14))], layers: [.pimv1], print: printPIMv1)
}

private enum MessageType {
  static let query: UInt8 = 0
  static let register: UInt8 = 1
  static let registerStop: UInt8 = 2
  static let joinPrune: UInt8 = 3
  static let reachable: UInt8 = 4
  static let assert: UInt8 = 5
  static let graft: UInt8 = 6
  static let graftAcknowledgement: UInt8 = 7

  static let names: ValueNames = [
    0: "Query", 1: "Register", 2: "Register-Stop", 3: "Join/Prune", 4: "RP-reachable", 5: "Assert", 6: "Graft",
    7: "Graft-ACK",
  ]
}

private let modes: ValueNames = [0: "Dense-mode", 1: "Sparse-mode", 2: "Sparse-Dense-mode"]

///     0      1      2          4              8
///     +------+------+----------+--------------+---------
///     | 0x14 | type | checksum | version, ... | by type
///     +------+------+----------+--------------+---------
/// The version is in the upper half of its byte. This version is described only in drafts (draft-ietf-idmr-pim-spec, 1995).
@Sendable
private func printPIMv1(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("pimv1")
  let type = try bytes.u8(at: 1)
  if printer.enter(.pimv1) {
    if bytes.has(4, 1) { printer.fields.write("version", try bytes.u8(at: 4) >> 4) }
    printer.fields.write("type", type, "type_name", MessageType.names)
  }
  printer.out.write(" ")
  printer.write(MessageType.names, type, unknown: .decimal("[type ", "]"))
  switch type {
  case MessageType.query: try printQuery(bytes, &printer)
  case MessageType.register:
    // The header of the inner packet begins at offset 8.
    guard bytes.has(8, 20) else {
      printer.out.write(" ")
      printer.writeTruncation(of: "pimv1")
      return
    }
    printer.write(" for ", "source", try bytes.ipv4(at: 20))
    printer.write(" > ", "group", try bytes.ipv4(at: 24))
  case MessageType.registerStop:
    let source = try bytes.ipv4(at: 8)
    printer.write(" for ", "source", source)
    let group = try bytes.ipv4(at: 12)
    printer.write(" > ", "group", group)
  case MessageType.reachable:
    if printer.options.verbosity > 0 { try printReachable(bytes, &printer) }
  case MessageType.assert: try printAssert(bytes, &printer)
  case MessageType.joinPrune, MessageType.graft, MessageType.graftAcknowledgement:
    if printer.options.verbosity > 0 { try printJoinPrune(bytes, &printer) }
  default: break
  }
  let version = try bytes.u8(at: 4) >> 4
  if version != 1 {
    printer.write(" [v", version)
    printer.out.write("]")
  }
}

///     8 mode in the upper half (1)  10 hold time in seconds (2)
private func printQuery(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.has(8, 1) {
    printer.write(
      " ", "mode", try bytes.u8(at: 8) >> 4, as: .named(modes, key: "mode_name", unknown: .decimal("mode-")))
  }
  guard printer.options.verbosity > 0 else { return }
  try printHoldTime(" (Hold-time ", bytes, at: 10, &printer)
  printer.out.write(")")
}

private func printHoldTime(
  _ title: StaticString, _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(title)
  let seconds = try bytes.u16(at: offset)
  if printer.writesFields { printer.fields.write("hold_time_seconds", seconds) }
  printer.writeRelativeTime(seconds: UInt32(seconds))
}

/// A mask; it is not written if it is that of a single address.
private func printMask(
  _ bytes: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let mask = try bytes.ipv4(at: offset)
  if printer.writesFields { printer.fields.write("group_mask", mask) }
  if mask.rawValue != .max { printer.write("/", mask) }
}

///     8 group (4)  12 mask (4)  16 rendezvous point (4)  22 hold time in seconds (2)
private func printReachable(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let group = try bytes.ipv4(at: 8)
  printer.write(" group ", "group", group)
  try printMask(bytes, at: 12, &printer)
  let point = try bytes.ipv4(at: 16)
  printer.write(" RP ", "rendezvous_point", point)
  try printHoldTime(" hold ", bytes, at: 22, &printer)
}

///     8 group (4)  12 mask (4)  16 source (4)  20 bit of the shared tree and metric preference (4)  24 metric (4)
private func printAssert(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(16, 4)
  printer.write(" for ", "source", try bytes.ipv4(at: 16))
  printer.write(" > ", "group", try bytes.ipv4(at: 8))
  try printMask(bytes, at: 12, &printer)
  try bytes.check(20, 8)
  let preference = try bytes.u32(at: 20)
  let isShared = preference >> 31 == 1
  if printer.writesFields { printer.fields.write("is_shared_tree", isShared) }
  printer.out.write(isShared ? " RP-tree" : " SPT")
  printer.write(" pref ", "metric_preference", preference & 0x7fff_ffff)
  printer.write(" metric ", "metric", try bytes.u32(at: 24))
}

///     8 upstream neighbor (4)  14 hold time in seconds (2)  19 number of groups (1)
///       20 groups: 0 group (4)  4 mask (4)  8 number of joined sources (2)  10 of pruned ones (2), sources of 6 bytes
/// Missing parts are marked here, since the message around this one goes on.
private func printJoinPrune(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let isLong = printer.options.verbosity > 1
  guard bytes.has(8, 8) else { return writeMark(&printer) }
  printer.write(isLong ? "\n Upstream Nbr: " : " Upstream Nbr: ", "upstream_neighbor", try bytes.ipv4(at: 8))
  try printHoldTime(isLong ? "\n Hold time: " : " Hold time: ", bytes, at: 14, &printer)
  guard isLong else { return }
  guard bytes.has(19, 1) else { return writeMark(&printer) }
  let groups = try bytes.u8(at: 19)
  var offset = 20
  if printer.writesFields { printer.fields.beginArray("groups") }
  for _ in 0..<groups {
    // IGMP pads its messages.
    guard bytes.length > offset else { break }
    guard bytes.has(offset, 4) else { return writeMark(&printer) }
    if printer.writesFields { printer.fields.beginObject() }
    printer.write("\n\tGroup: ", "group", try bytes.ipv4(at: offset))
    guard bytes.has(offset, 12) else { return writeMark(&printer) }
    try printMask(bytes, at: offset &+ 4, &printer)
    let joined = Int(try bytes.u16(at: offset &+ 8))
    let pruned = Int(try bytes.u16(at: offset &+ 10))
    printer.write(" joined: ", joined)
    printer.write(" pruned: ", pruned)
    offset &+= 12
    guard try printSources("\n\tJoin  ", bytes, &offset, joined, "joined", &printer),
      try printSources("\n\tPrune ", bytes, &offset, pruned, "pruned", &printer)
    else { return writeMark(&printer) }
    if printer.writesFields { printer.fields.end() }
  }
  if printer.writesFields { printer.fields.end() }
}

/// Sources of 6 bytes: 0 flags (1)  1 tree and mask length (1)  2 address (4); false if one was not captured.
private func printSources(
  _ title: StaticString, _ bytes: PacketBytes, _ offset: inout Int, _ count: Int, _ key: StaticString,
  _ printer: inout Printer
) throws(DecodeError) -> Bool {
  if printer.writesFields { printer.fields.beginArray(key) }
  for _ in 0..<count {
    guard bytes.has(offset, 6) else { return false }
    let flags = try bytes.u8(at: offset)
    let second = try bytes.u8(at: offset &+ 1)
    printer.out.write(title)
    printer.out.write(flags & 1 == 1 ? "Sparse" : "Dense")
    printer.out.write(second & 0x80 != 0 ? " RP-tree " : " SPT ")
    let address = try bytes.ipv4(at: offset &+ 2)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("source", address)
      printer.fields.write("prefix_length", second & 0x7f)
      printer.fields.write("flag_bits", flags)
      printer.fields.end()
    }
    printer.writeHost(address)
    printer.write("/", second & 0x7f)
    offset &+= 6
  }
  if printer.writesFields { printer.fields.end() }
  return true
}

private func writeMark(_ printer: inout Printer) {
  printer.out.write(" ")
  printer.writeTruncation(of: "pimv1")
}
