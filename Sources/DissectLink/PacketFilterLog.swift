package import Dissect
import PacketCore

extension Layer {
  static let pflog = Layer("pflog", "Log of the packet filter pf", "pflog(4), LINKTYPE_PFLOG") {
    [
      Field(
        "header_length", .uint8, "Bytes of the header, without what fills it up to a multiple of four.", always: true),
      Field("family", .uint32, "Address family of the capturing system.", always: true),
      Field("action", .uint8, "What the filter did.", always: true),
      Field("action_name", .text, "Its name."),
      Field("reason", .uint8, "Why.", always: true),
      Field("reason_name", .text, "Name of the reason."),
      Field("interface", .text, "Name of the interface.", always: true),
      Field("ruleset", .text, "Name of the anchor that has the rule."),
      Field("rule_number", .uint32, "Number of the rule.", always: true),
      Field("subrule_number", .uint32, "Number of the rule in the anchor."),
      Field("pf_direction", .uint8, "0 either, 1 in, 2 out.", always: true),
    ]
  }
}

extension Dissector {
  package static let pflog = Dissector(
    name: "pflog", claims: [.linkType(.pflog)], layers: [.pflog], print: printPacketFilterLog)
}

///     0        1        2        3        4           20        36     40       44            60
///     +--------+--------+--------+--------+-----------+---------+------+--------+----- … -----+-----------+-----
///     | length | family | action | reason | interface | ruleset | rule | subrule| UIDs, PIDs  | direction | pad
///     +--------+--------+--------+--------+-----------+---------+------+--------+----- … -----+-----------+-----
/// FreeBSD's and OpenBSD's header; numbers are in network byte order.
private enum Header {
  /// Number of bytes that are read in any case, and the smallest length that the header may state.
  static let readLength = 61
  static let minimumLength = 45
  static let interface = 4
  static let ruleset = 20
  static let nameLength = 16
}

private let actions: ValueNames = [
  0: "pass", 1: "block", 2: "scrub", 4: "nat", 5: "nonat", 6: "binat", 7: "nobinat", 8: "rdr", 9: "nordr",
  10: "synproxy-drop",
]
/// The text of the reasons; the numbers in it do not always match those in the header.
private let reasons: ValueNames = [
  0: "0(match)", 1: "1(bad-offset)", 2: "2(fragment)", 4: "3(short)", 5: "5(memory)", 6: "6(bad-timestamp)",
  7: "7(congestion)", 8: "8(ip-option)", 9: "9(proto-cksum)", 10: "10(state-mismatch)", 11: "11(state-insert)",
  12: "12(state-limit)", 13: "13(src-limit)", 14: "14(synproxy)",
]
private let reasonNames: ValueNames = [
  0: "match", 1: "bad-offset", 2: "fragment", 4: "short", 5: "memory", 6: "bad-timestamp", 7: "congestion",
  8: "ip-option", 9: "proto-cksum", 10: "state-mismatch", 11: "state-insert", 12: "state-limit", 13: "src-limit",
  14: "synproxy",
]
private let directions: ValueNames = [0: "in/out", 1: "in", 2: "out"]
/// The number of a subrule if there is none.
private let noSubrule: UInt32 = .max

@Sendable
private func printPacketFilterLog(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let stated = Int(try bytes.u8(at: 0))
  guard stated >= Header.minimumLength else { return printer.writeFault("[pflog: invalid header length!]") }
  let length = (stated &+ 3) & ~3
  try bytes.check(0, max(length, Header.readLength))
  let family = try bytes.u8(at: 1)
  if printer.enter(.pflog) { try record(bytes, stated, &printer) }
  if printer.options.linkHeader { try writeHeader(bytes, &printer) }
  printer.context.linkHeaderLength = length
  let packet = try bytes.dropping(length)
  // Each of the BSDs has another address family for IPv6.
  switch family {
  case 2: try printer.run(.ipv4, packet)
  case 24, 28, 30: try printer.run(.ipv6, packet)
  default:
    if !printer.options.linkHeader { try writeHeader(bytes, &printer) }
    printer.dumpUnknown(packet)
  }
}

/// The name of the interface or of the ruleset.
@_lifetime(copy bytes)
private func name(_ bytes: PacketBytes, at offset: Int) throws(DecodeError) -> PacketBytes {
  let field = try bytes.slice(at: offset, length: Header.nameLength)
  return field.clamped(to: try field.lengthToNUL())
}

private func record(_ bytes: PacketBytes, _ length: Int, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("header_length", length)
  printer.fields.write("family", try bytes.u8(at: 1))
  printer.fields.write("action", try bytes.u8(at: 2), "action_name", actions)
  printer.fields.write("reason", try bytes.u8(at: 3), "reason_name", reasonNames)
  printer.fields.write("interface", text: try name(bytes, at: Header.interface))
  printer.fields.write("rule_number", try bytes.u32(at: 36))
  let subrule = try bytes.u32(at: 40)
  if subrule != noSubrule {
    printer.fields.write("ruleset", text: try name(bytes, at: Header.ruleset))
    printer.fields.write("subrule_number", subrule)
  }
  printer.fields.write("pf_direction", try bytes.u8(at: 60))
}

/// `rule 5.anchor.0/0(match): pass in on em0: `.
private func writeHeader(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("rule ", try bytes.u32(at: 36))
  let subrule = try bytes.u32(at: 40)
  if subrule != noSubrule {
    printer.out.write(".")
    printer.out.write(escaped: try name(bytes, at: Header.ruleset))
    printer.write(".", subrule)
  }
  printer.write("/", try bytes.u8(at: 3), as: .named(reasons, unknown: .decimal("unkn(", ")")))
  printer.write(": ", try bytes.u8(at: 2), as: .named(actions, unknown: .decimal("unkn(", ")")))
  printer.write(" ", try bytes.u8(at: 60), as: .named(directions, unknown: .decimal("unkn(", ")")))
  printer.out.write(" on ")
  printer.out.write(escaped: try name(bytes, at: Header.interface))
  printer.out.write(": ")
}
