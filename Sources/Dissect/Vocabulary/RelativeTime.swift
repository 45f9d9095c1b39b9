import PacketCore

extension Printer {
  /// A span of time as `1y2w3d4h5m6s`, with zero units left out; `0s` if all are zero. A year has 365 days.
  package mutating func writeRelativeTime(seconds: UInt32) {
    guard seconds > 0 else {
      out.write("0s")
      return
    }
    var rest = seconds
    let units: InlineArray<6, (length: UInt32, letter: UInt8)> = [
      (31_536_000, UInt8(ascii: "y")), (604_800, UInt8(ascii: "w")), (86_400, UInt8(ascii: "d")),
      (3_600, UInt8(ascii: "h")), (60, UInt8(ascii: "m")),
      (1, UInt8(ascii: "s")),
    ]
    for index in units.indices {
      let unit = units[index]
      let number = rest / unit.length
      if number > 0 {
        out.write(decimal: number)
        out.write(byte: unit.letter)
        rest -= number * unit.length
      }
    }
  }
}
