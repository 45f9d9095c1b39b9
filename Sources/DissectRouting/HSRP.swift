package import Dissect
import PacketCore

extension Layer {
  static let hsrp = Layer("hsrp", "Hot Standby Router Protocol", "RFC 2281") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("operation", .uint8, "Kind of message."),
      Field("operation_name", .text, "Name of the kind."),
      Field("state", .uint8, "State of the sender."),
      Field("state_name", .text, "Name of the state."),
      Field("hello_seconds", .uint8, "Seconds between hello messages."),
      Field("hold_seconds", .uint8, "Seconds for which a hello message is valid."),
      Field("priority", .uint8, "Priority."),
      Field("group_number", .uint8, "Standby group."),
      Field("password", .text, "Password, as clear text."),
      Field("virtual_address", .ipv4, "Virtual address of the group."),
    ]
  }
}

extension Dissector {
  /// Hot Standby Router Protocol, RFC 2281.
  package static let hsrp = Dissector(
    name: "hsrp", claims: [.udpDestinationPort(1985)], layers: [.hsrp], print: printHSRP)
}

private let operations: ValueNames = [0: "hello", 1: "coup", 2: "resign"]
private let states: ValueNames = [0: "initial", 1: "learn", 2: "listen", 4: "speak", 8: "standby", 16: "active"]

///     0         1        2       3       4      5          6       7          8           16
///     +---------+--------+-------+-------+------+----------+-------+----------+-----------+---------
///     | version | opcode | state | hello | hold | priority | group | reserved | password  | address
///     +---------+--------+-------+-------+------+----------+-------+----------+-----------+---------
@Sendable
private func printHSRP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("HSRP")
  let version = try bytes.u8(at: 0)
  if printer.enter(.hsrp) { printer.fields.write("version", version) }
  printer.out.write("v")
  printer.out.write(decimal: version)
  guard version == 0 else { return }
  printer.out.write("-")
  let operation = try bytes.u8(at: 1)
  if printer.writesFields { printer.fields.write("operation", operation, "operation_name", operations) }
  printer.write(operations, operation, unknown: .decimal("unknown (", ")"))
  printer.write(" ", bytes.length)
  printer.out.write(": ")
  let state = try bytes.u8(at: 2)
  if printer.writesFields { printer.fields.write("state", state, "state_name", states) }
  printer.write("state=", state, as: .named(states, unknown: .decimal("Unknown (", ")")))
  printer.out.write(" ")
  printer.write("group=", "group_number", try bytes.u8(at: 6))
  printer.out.write(" ")
  let reserved = try bytes.u8(at: 7)
  if reserved != 0 {
    printer.writeFault("[reserved=")
    printer.out.write(decimal: reserved)
    printer.out.write("!] ")
  }
  let address = try bytes.ipv4(at: 16)
  if printer.writesFields {
    printer.fields.write("hello_seconds", try bytes.u8(at: 3))
    printer.fields.write("hold_seconds", try bytes.u8(at: 4))
    printer.fields.write("priority", try bytes.u8(at: 5))
    printer.fields.write("password", text: try password(bytes))
    printer.fields.write("virtual_address", address)
  }
  printer.out.write("addr=")
  printer.writeHost(address)
  guard printer.options.verbosity > 0 else { return }
  printer.out.write(" hellotime=")
  printer.writeRelativeTime(seconds: UInt32(try bytes.u8(at: 3)))
  printer.out.write(" holdtime=")
  printer.writeRelativeTime(seconds: UInt32(try bytes.u8(at: 4)))
  printer.out.write(" priority=")
  printer.out.write(decimal: try bytes.u8(at: 5))
  printer.out.write(" auth=\"")
  printer.out.write(escaped: try password(bytes))
  printer.out.write("\"")
}

/// The password without trailing zeros.
@_lifetime(copy bytes)
private func password(_ bytes: PacketBytes) throws(DecodeError) -> PacketBytes {
  var length = 0
  while length < 8, try bytes.u8(at: 8 + length) != 0 { length += 1 }
  return try bytes.slice(at: 8, length: length)
}
