import Dissect
import PacketCore

extension Printer {
  /// A bandwidth of bytes per second as an IEEE 754 number of 32 bits (RFC 3630 section 2.5), in megabits per second: `622.080 Mbps`.
  mutating func writeBandwidth(_ bits: UInt32) {
    writeThousandths(Float(bitPattern: bits) * 8 / 1_000_000)
    out.write(" Mbps")
  }

  /// A number with three decimals, rounded to the nearest, and to an even one where two are as near.
  private mutating func writeThousandths(_ number: Float) {
    if number.sign == .minus { out.write("-") }
    if number.isNaN { return out.write("nan") }
    if number.isInfinite { return out.write("inf") }
    let magnitude = Double(number.magnitude)
    guard magnitude < 1_000_000_000_000 else {
      // No fraction is left in a number of this size; it has 39 digits at most.
      writeDecimal(UInt128(magnitude))
      return out.write(".000")
    }
    let thousandths = UInt64((magnitude * 1000).rounded(.toNearestOrEven))
    out.write(decimal: thousandths / 1000)
    out.write(".")
    out.write(decimal: thousandths % 1000, width: 3)
  }

  private mutating func writeDecimal(_ number: UInt128) {
    let group: UInt128 = 1_000_000_000_000_000_000
    let (upper, lower) = number.quotientAndRemainder(dividingBy: group)
    guard upper > 0 else { return out.write(decimal: UInt64(lower)) }
    writeDecimal(upper)
    out.write(decimal: UInt64(lower), width: 18)
  }
}
