import PacketCore

extension Layer {
  static let aristaTag = Layer("arista", "Timestamp of an Arista switch", "Arista EOS, EtherType 0xd28b") {
    [
      Field("subtype", .uint16, "1 for a timestamp.", always: true),
      Field("timescale", .uint8, "0 TAI, 1 UTC."),
      Field("timestamp_format", .uint8, "1 with seconds of 32 bits, 2 with seconds of 16 bits."),
      Field("hardware", .uint8, "0 R and R2, 1 R3."),
      Field("seconds", .uint32, "Seconds of the timestamp."),
      Field("nanoseconds", .uint32, "Nanoseconds of the timestamp."),
    ]
  }
}

private let subtypes: ValueNames = [1: "Timestamp"]
private let timescales: ValueNames = [0: "TAI", 1: "UTC"]
private let formats: ValueNames = [1: "64-bit", 2: "48-bit"]
private let hardware: ValueNames = [0: "R/R2", 1: "R3"]

extension Printer {
  ///     0         2           3        4
  ///     +---------+-----------+--------+-----------------------+-------------+-----------
  ///     | subtype | timescale | format | seconds (4, or 2)     | nanoseconds | EtherType …
  ///     +---------+-----------+--------+-----------------------+-------------+-----------
  /// The lower four bits of the format give the hardware. Returns the offset of the EtherType; nil if it is not known.
  mutating func printAristaTag(_ bytes: PacketBytes) throws(DecodeError) -> Int? {
    protocolName = "arista"
    _ = enter(.aristaTag)
    let subtype = try bytes.u16(at: 0)
    write("SubType ", "subtype", subtype, as: .named(subtypes, unknown: "Unknown"))
    write(" (0x", subtype, as: .hex(4))
    out.write("), ")
    guard subtype == 1 else { return nil }
    let timescale = try bytes.u8(at: 2)
    write("Timescale ", "timescale", timescale, as: .named(timescales, unknown: "Unknown"))
    write(" (", timescale)
    out.write("), ")
    let formatAndHardware = try bytes.u8(at: 3)
    let format = formatAndHardware >> 4
    write("Format ", "timestamp_format", format, as: .named(formats, unknown: "Unknown"))
    write(" (", format)
    write("), HwInfo ", "hardware", formatAndHardware & 15, as: .named(hardware, unknown: "Unknown"))
    write(" (", formatAndHardware & 15)
    out.write("), Timestamp ")
    var offset: Int
    switch format {
    case 1:
      let (seconds, nanoseconds) = (try bytes.u32(at: 4), try bytes.u32(at: 8))
      writeUTC(seconds: Int64(seconds), separator: " ", zone: "")
      write(seconds: seconds, nanoseconds: nanoseconds)
      offset = 12
    case 2:
      let (seconds, nanoseconds) = (try bytes.u16(at: 4), try bytes.u32(at: 6))
      out.write(decimal: seconds)
      write(seconds: UInt32(seconds), nanoseconds: nanoseconds)
      offset = 10
    default: return nil
    }
    out.write(": ")
    try bytes.check(offset, 2)
    return offset
  }

  /// The fraction of a second; both numbers are recorded as members.
  private mutating func write(seconds: UInt32, nanoseconds: UInt32) {
    out.write(".")
    out.write(decimal: nanoseconds, width: 9)
    if nanoseconds > 999_999_999 { writeFault(" (invalid ns)") }
    if writesFields {
      fields.write("seconds", seconds)
      fields.write("nanoseconds", nanoseconds)
    }
  }
}
