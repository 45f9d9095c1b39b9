package import Dissect
import PacketCore

extension Layer {
  static let autoRP = Layer(
    "auto_rp", "Cisco automatic discovery of rendezvous points", "",
    marks: ["cisco_autorp"]
  ) {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Message type.", always: true),
      Field("type_name", .text, "Name of the type."),
      Field("hold_time_seconds", .uint16, "Seconds for which the message is valid; 0 is for ever."),
      Field(
        "rendezvous_points",
        .array(
          .object([
            Field("address", .ipv4, "Address of the rendezvous point."),
            Field("pim_versions", .uint8, "Versions of PIM that it speaks: 1 the first, 2 the second, 3 both."),
            Field(
              "groups",
              .array(
                .object([
                  Field("group", .ipv4, "Group address."),
                  Field("prefix_length", .uint8, "Bits of the group address that count."),
                  Field("is_negative", .flag, "The rendezvous point is not for these groups."),
                  Field("is_bidirectional", .flag, "The groups are bidirectional."),
                ])), "Groups that it is for.", each: "One range of groups."),
          ])), "Rendezvous points.", each: "One of them."),
    ]
  }
}

extension Dissector {
  /// Cisco Auto-RP.
  package static let autoRP = Dissector(
    name: "cisco_autorp", claims: [.udpPort(496)], layers: [.autoRP], print: printAutoRP)
}

private let types: ValueNames = [0x11: "candidate-advert", 0x12: "mapping"]
private let typeNames: ValueNames = [1: "candidate-advert", 2: "mapping"]
private let versions: ValueNames = [0: "?", 1: "1", 2: "2", 3: "1+2"]

///     0               1                 2                    4          8
///     +---------------+-----------------+--------------------+----------+-------------------
///     | version, type | number of points| hold time, seconds | reserved | rendezvous points
///     +---------------+-----------------+--------------------+----------+-------------------
///     rendezvous point: 0 address (4)  4 versions of PIM in the two lower bits (1)  5 number of groups (1)
///       groups of 6 bytes: 0 bits 2 bidirectional, 1 negative (1)  1 mask length (1)  2 address (4)
private let headerLength = 8

@Sendable
private func printAutoRP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let bytes = payload.clamped(to: payload.length)
  guard bytes.length >= headerLength else { throw .truncated }
  printer.out.write(" auto-rp ")
  let first = try bytes.u8(at: 0)
  if printer.enter(.autoRP) {
    printer.fields.write("version", first >> 4)
    printer.fields.write("type", first & 15, "type_name", typeNames)
  }
  printer.write(types, first, unknown: .hex("type-0x", digits: 2))
  let points = try bytes.u8(at: 1)
  printer.out.write(" Hold ")
  let holdTime = try bytes.u16(at: 2)
  if printer.writesFields { printer.fields.write("hold_time_seconds", holdTime) }
  if holdTime == 0 {
    printer.out.write("FOREVER")
  } else {
    printer.writeRelativeTime(seconds: UInt32(holdTime))
  }
  if printer.writesFields { printer.fields.beginArray("rendezvous_points") }
  var offset = headerLength
  for _ in 0..<points { offset = try printPoint(bytes, at: offset, &printer) }
  if printer.writesFields { printer.fields.end() }
}

private func printPoint(
  _ bytes: PacketBytes, at start: Int, _ printer: inout Printer
) throws(DecodeError) -> Int {
  if printer.writesFields { printer.fields.beginObject() }
  let address = try bytes.ipv4(at: start)
  printer.write(" RP ", "address", address)
  let flags = try bytes.u8(at: start &+ 4)
  if printer.writesFields { printer.fields.write("pim_versions", flags & 3) }
  printer.write(" PIMv", flags & 3, as: .named(versions, unknown: ""))
  writeReserved(" [rsvd=0x", flags & 0xfc, &printer)
  let groups = try bytes.u8(at: start &+ 5)
  var offset = start &+ 6
  if printer.writesFields { printer.fields.beginArray("groups") }
  for number in 0..<groups {
    let bits = try bytes.u8(at: offset)
    let length = try bytes.u8(at: offset &+ 1)
    let group = try bytes.ipv4(at: offset &+ 2)
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("group", group)
      printer.fields.write("prefix_length", length)
      printer.fields.write("is_negative", bits & 1 == 1)
      printer.fields.write("is_bidirectional", bits & 2 == 2)
      printer.fields.end()
    }
    printer.out.write(number == 0 ? " " : ",")
    if bits & 1 == 1 { printer.out.write("!") }
    printer.write("", group)
    printer.write("/", length)
    if bits & 2 == 2 { printer.out.write(" bidir") }
    writeReserved("[rsvd=0x", bits & 0xfc, &printer)
    offset &+= 6
  }
  if printer.writesFields {
    printer.fields.end()
    printer.fields.end()
  }
  return offset
}

private func writeReserved(_ title: StaticString, _ bits: UInt8, _ printer: inout Printer) {
  guard bits != 0 else { return }
  printer.write(title, bits, as: .hex(2))
  printer.out.write("]")
}
