import Dissect
import PacketCore

// Capabilities of BGP speakers, RFC 5492.

/// How the value of a capability is written.
private enum Form {
  case family, restart, number, paths, labels, security, role, flag, unknown
}

private let capabilities: OptionTable<Form> = [
  1: OptionRow("Multiprotocol Extensions", .family), 2: OptionRow("Route Refresh", .flag),
  3: OptionRow("Cooperative Route Filtering", .unknown), 4: OptionRow("Multiple Routes to a Destination", .unknown),
  5: OptionRow("Extended Next Hop Encoding", .unknown), 6: OptionRow("BGP Extended Message", .flag),
  7: OptionRow("BGPsec", .security), 8: OptionRow("Multiple Labels", .labels),
  9: OptionRow("Role Capability", .role), 64: OptionRow("Graceful Restart", .restart),
  65: OptionRow("32-Bit AS Number", .number), 67: OptionRow("Dynamic Capability", .unknown),
  68: OptionRow("Multisession BGP", .unknown), 69: OptionRow("Multiple Paths", .paths),
  70: OptionRow("Enhanced Route Refresh", .flag), 71: OptionRow("Long-lived Graceful Restart", .flag),
  128: OptionRow("Route Refresh (Cisco)", .flag),
]

private let restartFlags: FlagNames = [0x8: "R", 0x4: "N"]
private let directions: ValueNames = [1: "Receive", 2: "Send", 3: "Both"]
private let securityDirections: ValueNames = [0: "Receive", 1: "Send"]
private let roles: ValueNames = [0: "Provider", 1: "RS", 2: "RS-Client", 3: "Customer", 4: "Peer (Lateral Peer)"]

/// 0 capability (1)  1 length (1)  2 value, repeated in `length` bytes from `start` on. A value may extend beyond the option that contains
/// it, but not beyond the message.
func printBGPCapabilities(
  _ message: PacketBytes, at start: Int, _ length: Int, _ printer: inout Printer
) throws(DecodeError) {
  let end = start &+ length
  var offset = start
  while offset < end {
    let type = try message.u8(at: offset)
    let size = Int(try message.u8(at: offset &+ 1))
    let row = capabilities[type: UInt32(type)]
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type)
      if let row { printer.fields.write("type_name", row.name) }
      printer.fields.write("length", size)
    }
    printer.out.write("\n\t      ")
    printer.out.write(row?.name ?? "Unknown")
    printer.write(" (", type)
    printer.write("), length: ", size)
    let value = try message.slice(at: offset &+ 2, length: size)
    let isRight = try print(row?.form ?? .unknown, type, value, &printer)
    guard isRight else {
      if printer.writesFields { printer.fields.end() }
      return
    }
    if printer.options.verbosity > 1, size > 0 { printer.writeHex(value, indent: "\n\t\t") }
    if printer.writesFields { printer.fields.end() }
    offset &+= 2 &+ size
  }
}

/// False if the value is invalid.
private func print(
  _ form: Form, _ type: UInt8, _ value: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  switch form {
  case .family:
    guard isLongEnough(value, 4, " (too short, < 4)", &printer) else { return false }
    printer.writeBGPFamily("\n\t\tAFI ", try value.u16(at: 0), try value.u8(at: 3))
  case .restart:
    guard isLongEnough(value, 2, " (too short, < 2)", &printer) else { return false }
    try printRestart(value, &printer)
  case .number:
    guard isLongEnough(value, 4, " (too short, < 4)", &printer) else { return false }
    let number = try value.u32(at: 0)
    if printer.writesFields { printer.fields.write("as_number", number) }
    printer.out.write("\n\t\t 4 Byte AS ")
    printer.writeAS(number)
  case .paths:
    if value.length == 0 {
      printer.writeFault(" (bogus)")
      return false
    }
    if value.length % 4 != 0 {
      printer.writeFault(" (invalid)")
      return false
    }
    var list = printer.openList(value, .elements(of: 4))
    while let entry = try printer.next(&list) {
      try writeFamily("\n\t\tAFI ", entry.bytes, &printer)
      printer.write(
        ", Send/Receive: ", try entry.bytes.u8(at: 3),
        as: .named(directions, unknown: .hex("Bogus (0x", digits: 2, ")")))
    }
  case .labels:
    var list = printer.openList(value, .elements(of: 4))
    while let entry = try printer.next(&list) {
      try writeFamily("\n\t\tAFI ", entry.bytes, &printer)
      printer.write(", Count: ", try entry.bytes.u8(at: 3))
    }
  case .security:
    guard isLongEnough(value, 3, " (too short, < 3)", &printer) else { return false }
    let first = try value.u8(at: 0)
    let family = try value.u16(at: 1)
    printer.write("\n\t\tVersion ", first >> 4)
    printer.write(", Direction ", first >> 3 & 1, as: .named(securityDirections, unknown: ""))
    printer.write(" (", first >> 3 & 1)
    printer.write("), AFI ", family, as: .named(AddressFamily.names, unknown: "Unknown"))
    printer.write(" (", family)
    printer.out.write(")")
  case .role:
    guard isLongEnough(value, 1, " (too short, < 1)", &printer) else { return false }
    let role = try value.u8(at: 0)
    printer.write("\n\t\tRole name ", "role", role, as: .named(roles, unknown: "Unassigned"))
    printer.write(" (", role)
    printer.out.write(")")
  case .flag: break
  case .unknown:
    printer.write("\n\t\tno decoder for Capability ", type)
    if printer.options.verbosity <= 1, value.length > 0 { printer.writeHex(value, indent: "\n\t\t") }
  }
  return true
}

private func isLongEnough(
  _ value: PacketBytes, _ length: Int, _ fault: StaticString, _ printer: inout Printer
) -> Bool {
  if value.length < length { printer.writeFault(fault) }
  return value.length >= length
}

/// An address family (2) and what its routes are used for (1), only in the text.
private func writeFamily(
  _ title: StaticString, _ entry: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  let family = try entry.u16(at: 0)
  let subsequent = try entry.u8(at: 2)
  printer.write(title, family, as: .named(AddressFamily.names, unknown: "Unknown"))
  printer.write(" (", family)
  printer.write("), SAFI ", subsequent, as: .named(BGPFamily.names, unknown: "Unknown"))
  printer.write(" (", subsequent)
  printer.out.write(")")
}

///     0 flags in four bits, time in seconds in twelve (2)  2 families: 0 family (2)  2 subsequent (1)  3 flags (1)
/// RFC 4724 section 3.
private func printRestart(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let word = try value.u16(at: 0)
  printer.out.write("\n\t\tRestart Flags: [")
  printer.write(restartFlags, word >> 12)
  printer.write("], Restart Time ", "restart_time_seconds", word & 0xfff)
  printer.out.write("s")
  var list = printer.openList(value, at: 2, .elements(of: 4))
  while let entry = try printer.next(&list) {
    try writeFamily("\n\t\t  AFI ", entry.bytes, &printer)
    let isPreserved = try entry.bytes.u8(at: 3) & 0x80 != 0
    printer.out.write(", Forwarding state preserved: ")
    printer.out.write(isPreserved ? "yes" : "no")
  }
}
