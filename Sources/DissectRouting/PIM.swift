package import Dissect
import PacketCore

extension Layer {
  static let pim = Layer(
    "pim", "Protocol Independent Multicast", "RFC 7761, RFC 3973, RFC 5015, RFC 5059", marks: ["pimv2"]
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Message type.", always: true),
      Field("type_name", .text, "Name of the type."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field(
        "options",
        .array(
          .object([
            Field("type", .uint16, "Option type."),
            Field("type_name", .text, "Name of the type."),
            Field("length", .uint16, "Bytes of the value."),
            Field("hold_time_seconds", .uint16, "Seconds for which the neighbor is valid; 65535 is for ever."),
            Field("propagation_delay_milliseconds", .uint16, "Expected delay of messages on the link."),
            Field("override_interval_milliseconds", .uint16, "Time that others have to override a prune."),
            Field("priority", .uint32, "Priority in the election of the designated router."),
            Field("generation_id", .uint32, "Number that changes when the sender starts anew."),
            Field("addresses", .array(.text), "Other addresses of the sender."),
          ])), "Options of a hello.", each: "One option."),
      Field("border", .flag, "Flag of a register: the sender is a border router."),
      Field("null", .flag, "Flag of a register: it holds no packet but a header."),
      Field("upstream_neighbor", .ip, "The neighbor that a join, prune or graft is for."),
      Field("hold_time_seconds", .uint16, "Seconds for which the message is valid; 65535 is for ever."),
      Field(
        "groups",
        .array(
          .object([
            Field("group", .ip, "Group address."),
            Field("prefix_length", .uint8, "Bits of the group address that count."),
            Field("joined", .array(.object(source)), "Sources that are joined.", each: "One source."),
            Field("pruned", .array(.object(source)), "Sources that are pruned.", each: "One source."),
            Field(
              "rendezvous_points",
              .array(
                .object([
                  Field("address", .ip, "Address of the rendezvous point."),
                  Field("hold_time_seconds", .uint16, "Seconds for which it is valid."),
                  Field("priority", .uint8, "Priority; the lowest is preferred."),
                ])), "Rendezvous points of the group.", each: "One of them."),
          ])), "Groups of a join, prune, graft, bootstrap or candidate message.", each: "One group."),
      Field("group", .ip, "Group of a register stop or assert."),
      Field("source", .ip, "Source of a register stop or assert."),
      Field("bootstrap_router", .ip, "Address of the bootstrap router."),
      Field("fragment_tag", .uint16, "Number that fragments of a bootstrap message have in common."),
      Field("hash_mask_length", .uint8, "Bits of the mask in the hash function."),
      Field("priority", .uint8, "Priority of a bootstrap router or candidate."),
      Field("rendezvous_point", .ip, "Address of a rendezvous point or candidate."),
      Field("metric_preference", .uint32, "Preference of the sender's route, without the bit of the shared tree."),
      Field("metric", .uint32, "Metric of the sender's route."),
      Field("is_shared_tree", .flag, "An assert is for the tree of the rendezvous point."),
      Field("subtype", .uint8, "Kind of a message of the election of a designated forwarder."),
      Field("subtype_name", .text, "Its name."),
      Field("originator", .ip, "Router that sent a state refresh first."),
    ]
  }

  private static let source = [
    Field("source", .ip, "Address of the source."),
    Field("prefix_length", .uint8, "Bits of the address that count."),
    Field("flag_bits", .uint8, "4 sparse, 2 wildcard, 1 tree of the rendezvous point."),
  ]
}

extension Dissector {
  /// Protocol Independent Multicast, version 2: sparse mode (RFC 7761), dense mode (RFC 3973), bidirectional (RFC 5015) and bootstrap
  /// routers (RFC 5059).
  package static let pim = Dissector(
    name: "pim", claims: [.ipProtocol(IPProtocol.pim)], layers: [.pim], print: printPIM)
}

private enum MessageType {
  static let hello: UInt8 = 0
  static let register: UInt8 = 1
  static let registerStop: UInt8 = 2
  static let joinPrune: UInt8 = 3
  static let bootstrap: UInt8 = 4
  static let assert: UInt8 = 5
  static let graft: UInt8 = 6
  static let graftAcknowledgement: UInt8 = 7
  static let candidate: UInt8 = 8
  static let stateRefresh: UInt8 = 9
  static let forwarderElection: UInt8 = 10

  static let names: ValueNames = [
    0: "Hello", 1: "Register", 2: "Register Stop", 3: "Join / Prune", 4: "Bootstrap", 5: "Assert", 6: "Graft",
    7: "Graft Acknowledgement", 8: "Candidate RP Advertisement", 9: "Prune Refresh", 10: "DF Election",
    11: "ECMP Redirect",
  ]
}

///     0              1          2          4
///     +--------------+----------+----------+---------
///     | version,type | reserved | checksum | by type
///     +--------------+----------+----------+---------
/// RFC 7761 section 4.9. In elections the upper half of the reserved byte is a subtype (RFC 5015 section 3.7); in messages of RFC 2117 the
/// byte is the length of their addresses.
private let headerLength = 4
/// The reserved byte of a message that must not be forwarded (RFC 5059 section 4.1).
private let noForward: UInt8 = 0x80

@Sendable
private func printPIM(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let first = try bytes.u8(at: 0)
  let (version, type) = (first >> 4, first & 15)
  if printer.enter(.pim) {
    printer.fields.write("version", version)
    printer.fields.write("type", type)
    if version == 2, let name = MessageType.names[type] { printer.fields.write("type_name", name) }
  }
  printer.write("PIMv", version)
  let isVerbose = printer.options.verbosity > 0
  if version == 2, !isVerbose {
    printer.out.write(", ")
    printer.write(MessageType.names, type, unknown: "Unknown Type")
  }
  printer.write(", length ", bytes.length)
  guard version == 2, isVerbose else { return }
  printer.protocolName = "pimv2"
  printer.out.write("\n\t")
  printer.write(MessageType.names, type, unknown: "Unknown Type")
  let addressLength = try printHeader(bytes, type, &printer)
  let body = try bytes.dropping(headerLength)
  switch type {
  case MessageType.hello: try printPIMHello(body, &printer)
  case MessageType.register: try printRegister(body, &printer)
  case MessageType.registerStop: try printRegisterStop(body, addressLength, &printer)
  case MessageType.joinPrune, MessageType.graft, MessageType.graftAcknowledgement:
    try printPIMJoinPrune(body, addressLength, &printer)
  case MessageType.bootstrap: try printPIMBootstrap(body, addressLength, &printer)
  case MessageType.assert: try printAssert(body, addressLength, &printer)
  case MessageType.candidate: try printPIMCandidate(body, addressLength, &printer)
  case MessageType.stateRefresh: try printStateRefresh(body, addressLength, &printer)
  case MessageType.forwarderElection: try printElection(body, try bytes.u8(at: 1) >> 4, &printer)
  default:
    printer.write(" [type ", type)
    printer.out.write("]")
  }
}

/// Prints the fields that all messages have after their type; returns the length of the addresses, 0 if each address states its own.
private func printHeader(
  _ bytes: PacketBytes, _ type: UInt8, _ printer: inout Printer
) throws(DecodeError) -> UInt8 {
  try printer.requireLength(bytes, 2)
  let reserved = try bytes.u8(at: 1)
  let isLength = type != MessageType.forwarderElection && reserved != noForward
  let addressLength = isLength ? reserved : 0
  if addressLength != 0 { printer.out.write(", RFC2117-encoding") }
  try printer.requireLength(bytes, headerLength)
  printer.write(", cksum 0x", "checksum", try bytes.u16(at: 2), as: .hex(4))
  printer.out.write(" ")
  switch isChecksumCorrect(bytes, type, printer.network, try bytes.u16(at: 2)) {
  case nil: printer.out.write("(unverified)")
  case true?:
    printer.recordChecksum(isCorrect: true)
    printer.out.write("(correct)")
  case false?:
    printer.recordChecksum(isCorrect: false)
    printer.writeFault("(incorrect)")
  }
  return addressLength
}

/// The checksum of a register covers only the header and the flags, but some senders compute it over everything (RFC 7761 section 4.9).
private func isChecksumCorrect(
  _ bytes: PacketBytes, _ type: UInt8, _ network: NetworkHeader, _ stored: UInt16
) -> Bool? {
  guard stored != 0 else { return nil }
  if type == MessageType.register {
    let start = bytes.clamped(to: 8)
    guard start.count == 8 else { return nil }
    if sum(over: start, network) == 0 { return true }
  }
  guard bytes.count >= bytes.length else { return nil }
  return sum(over: bytes.clamped(to: bytes.length), network) == 0
}

private func sum(over bytes: PacketBytes, _ network: NetworkHeader) -> UInt16 {
  var sum =
    network.version == 6
    ? network.pseudoHeader(ipProtocol: IPProtocol.pim, length: bytes.length) : InternetChecksum()
  sum.add(bytes)
  return sum.value
}

extension Printer {
  /// Ends the message if it is shorter than `length`: `[length 1 < 2]`, without a space before it.
  fileprivate mutating func requireLength(_ bytes: PacketBytes, _ length: Int) throws(DecodeError) {
    guard bytes.length < length else { return }
    writeComparison("length", bytes.length, .less, length)
    throw .invalid
  }
}

/// The names of a register's flags, of which at most one is set (RFC 7761 section 4.9.3).
private let registerFlags: ValueNames = [0x8000_0000: "Border", 0x4000_0000: "Null"]

///     0        4
///     +--------+------------
///     | flags  | IP packet
///     +--------+------------
/// RFC 7761 section 4.9.3.
private func printRegister(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let flags = try bytes.u32(at: 0)
  if printer.writesFields {
    printer.fields.write("border", flags & 0x8000_0000 != 0)
    printer.fields.write("null", flags & 0x4000_0000 != 0)
  }
  printer.out.write(", Flags [ ")
  printer.write(registerFlags, flags, unknown: "none")
  printer.out.write(" ]\n\t")
  let packet = try bytes.dropping(4)
  switch try packet.u8(at: 0) >> 4 {
  case 0:
    try packet.check(12, 8)
    printer.write("IP-Null-header ", try packet.ipv4(at: 12))
    printer.write(" > ", try packet.ipv4(at: 16))
  case 4: try printer.run(.ipv4, packet)
  case 6: try printer.run(.ipv6, packet)
  case let version: printer.write("IP ver ", version)
  }
}

private func printRegisterStop(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" group=")
  var offset = try printer.writePIMGroup(bytes, at: 0, addressLength, key: "group")
  printer.out.write(" source=")
  offset = try printer.writePIMAddress(bytes, at: offset, addressLength, key: "source")
}

///     0 group, source, then: bit of the shared tree and metric preference (4), metric (4)
/// RFC 7761 section 4.9.6.
private func printAssert(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" group=")
  var offset = try printer.writePIMGroup(bytes, at: 0, addressLength, key: "group")
  printer.out.write(" src=")
  offset = try printer.writePIMAddress(bytes, at: offset, addressLength, key: "source")
  try printRoute(bytes, at: offset, &printer)
}

///     0 bit of the shared tree and metric preference (4)  4 metric (4)
/// The preference and metric of the sender's route to the source, RFC 7761 section 4.9.6.
private func printRoute(_ bytes: PacketBytes, at offset: Int, _ printer: inout Printer) throws(DecodeError) {
  let preference = try bytes.u32(at: offset)
  let isShared = preference >> 31 == 1
  if printer.writesFields { printer.fields.write("is_shared_tree", isShared) }
  if isShared { printer.out.write(" RPT") }
  printer.write(" pref=", "metric_preference", preference & 0x7fff_ffff)
  printer.write(" metric=", "metric", try bytes.u32(at: offset &+ 4))
}

///     0 group, source, originator, then: bit of the shared tree and metric preference (4), metric (4), mask length (1), TTL (1),
///       flags (1), interval in seconds (1)
/// RFC 3973 section 4.7.10.
private func printStateRefresh(
  _ bytes: PacketBytes, _ addressLength: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" grp=")
  var offset = try printer.writePIMGroup(bytes, at: 0, addressLength, key: "group")
  printer.out.write(" src=")
  offset = try printer.writePIMAddress(bytes, at: offset, addressLength, key: "source")
  printer.out.write(" originator=")
  offset = try printer.writePIMAddress(bytes, at: offset, addressLength, key: "originator")
  try printRoute(bytes, at: offset, &printer)
  printer.write(" masklen=", try bytes.u8(at: offset &+ 8))
  printer.write(" ttl=", try bytes.u8(at: offset &+ 9))
  let flags = try bytes.u8(at: offset &+ 10)
  printer.out.write(" [")
  printer.write(stateRefreshFlags, flags)
  printer.out.write("] interval=")
  printer.writeRelativeTime(seconds: UInt32(try bytes.u8(at: offset &+ 11)))
}

private let stateRefreshFlags: FlagNames = [0x80: "prune indicator", 0x40: "prune now", 0x20: "assert override"]

private let electionSubtypes: ValueNames = [1: "Offer", 2: "Winner", 3: "Backoff", 4: "Pass"]
private let backoff: UInt8 = 3
private let pass: UInt8 = 4

///     0 rendezvous point, then: metric preference (4), metric (4); Backoff and Pass have the same for another router
/// RFC 5015 section 3.7.
private func printElection(
  _ bytes: PacketBytes, _ subtype: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.write(
    "\n\t  ", "subtype", subtype, as: .named(electionSubtypes, key: "subtype_name", unknown: "Unknown"))
  printer.out.write(", rpa=")
  var offset = try printer.writePIMAddress(bytes, at: 0, 0, key: "rendezvous_point")
  printer.write(" sender pref=", "metric_preference", try bytes.u32(at: offset))
  printer.write(" sender metric=", "metric", try bytes.u32(at: offset &+ 4))
  offset &+= 8
  switch subtype {
  case backoff:
    printer.out.write("\n\t  offer addr=")
    offset = try printer.writePIMAddress(bytes, at: offset, 0)
    printer.write(" offer pref=", try bytes.u32(at: offset))
    printer.write(" offer metric=", try bytes.u32(at: offset &+ 4))
    printer.write(" interval ", try bytes.u16(at: offset &+ 8))
    printer.out.write("ms")
  case pass:
    printer.out.write("\n\t  new winner addr=")
    offset = try printer.writePIMAddress(bytes, at: offset, 0)
    printer.write(" new winner pref=", try bytes.u32(at: offset))
    printer.write(" new winner metric=", try bytes.u32(at: offset &+ 4))
  default: break
  }
}
