package import Dissect
import PacketCore

extension Layer {
  static let timed = Layer("timed", "Time Synchronization Protocol of BSD", "4.3BSD System Manager's Manual, SMM 22") {
    [
      Field("type", .uint8, "Type of the message.", always: true),
      Field("type_name", .text, "Name of the type."),
      Field("version", .uint8, "Version."),
      Field("sequence_number", .uint16, "Sequence number."),
      Field("hop_count", .uint8, "Hops that a message that looks for loops may go."),
      Field("time_seconds", .int32, "Time, or what to correct it by: seconds."),
      Field("time_microseconds", .int32, "The same: microseconds to add."),
      Field("machine", .text, "Name of the machine that sent the message."),
    ]
  }
}

extension Dissector {
  /// Time Synchronization Protocol, used by timed(8).
  package static let timed = Dissector(name: "timed", claims: [.udpPort(525)], layers: [.timed], print: printTimed)
}

private enum MessageType {
  static let adjustTime: UInt8 = 1
  static let setTime: UInt8 = 5
  static let setDate: UInt8 = 22
  static let setDateRequest: UInt8 = 23
  static let loop: UInt8 = 24
  static let names: ValueNames = [
    0: "TSP_ANY", 1: "TSP_ADJTIME", 2: "TSP_ACK", 3: "TSP_MASTERREQ", 4: "TSP_MASTERACK", 5: "TSP_SETTIME",
    6: "TSP_MASTERUP", 7: "TSP_SLAVEUP", 8: "TSP_ELECTION", 9: "TSP_ACCEPT", 10: "TSP_REFUSE", 11: "TSP_CONFLICT",
    12: "TSP_RESOLVE", 13: "TSP_QUIT", 14: "TSP_DATE", 15: "TSP_DATEREQ", 16: "TSP_DATEACK", 17: "TSP_TRACEON",
    18: "TSP_TRACEOFF", 19: "TSP_MSITE", 20: "TSP_MSITEREQ", 21: "TSP_TEST", 22: "TSP_SETDATE",
    23: "TSP_SETDATEREQ", 24: "TSP_LOOP",
  ]
}

///     0      1         2          4                         12
///     +------+---------+----------+-------------------------+---------------------------
///     | type | version | sequence | time, or hops in a byte | name, up to a zero byte
///     +------+---------+----------+-------------------------+---------------------------
@Sendable
private func printTimed(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try bytes.u8(at: 0)
  if printer.enter(.timed) { printer.fields.write("type", type, "type_name", MessageType.names) }
  printer.write(MessageType.names, type, unknown: .hex("(tsp_type 0x", ")"))
  printer.write(" vers ", "version", try bytes.u8(at: 1))
  printer.write(" seq ", "sequence_number", try bytes.u16(at: 2))
  switch type {
  case MessageType.loop: printer.write(" hopcnt ", "hop_count", try bytes.u8(at: 4))
  case MessageType.adjustTime, MessageType.setTime, MessageType.setDate, MessageType.setDateRequest:
    let seconds = Int32(bitPattern: try bytes.u32(at: 4))
    let microseconds = Int32(bitPattern: try bytes.u32(at: 8))
    if printer.writesFields {
      printer.fields.write("time_seconds", seconds)
      printer.fields.write("time_microseconds", microseconds)
    }
    printer.out.write(" time ")
    printer.out.write(decimal: seconds)
    printer.out.write(".")
    if microseconds < 0 { printer.out.write("-") }
    printer.out.write(decimal: microseconds.magnitude, width: microseconds < 0 ? 5 : 6)
  default: break
  }
  printer.out.write(" name ")
  // The name may extend beyond the stated length of the datagram.
  let captured = try bytes.dropping(12)
  let name = captured.withLength(captured.count)
  if printer.writesFields { printer.fields.write("machine", text: name.clamped(to: try name.lengthToNUL())) }
  _ = try printer.writeTerminatedText(name, at: 0)
}
