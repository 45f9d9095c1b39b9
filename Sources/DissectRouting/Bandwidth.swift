import Dissect
import PacketCore

extension Printer {
  /// `title` and a bandwidth in megabits per second: `622.080 Mbps`. On the wire it is in bytes per second, as a 32-bit IEEE 754 number
  /// (RFC 3630 section 2.5).
  mutating func writeBandwidth(_ title: StaticString, _ bits: UInt32) {
    out.write(title)
    writeFixedPoint(Float(bitPattern: bits) * 8 / 1_000_000)
    out.write(" Mbps")
  }

  /// A number with three decimals, rounded to the nearest, and to even if two are equally near.
  mutating func writeFixedPoint(_ number: Float) {
    if number.sign == .minus { out.write("-") }
    if number.isNaN { return out.write("nan") }
    if number.isInfinite { return out.write("inf") }
    let magnitude = Double(number.magnitude)
    guard magnitude < 1_000_000_000_000 else {
      // A number of this size has no fraction, and at most 39 digits.
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

extension Printer {
  /// An IEEE 754 number with at most ten significant digits, without trailing zeros: `8`, `1000000`, `1.5e+12`.
  mutating func writeSignificant(_ number: Float) {
    if number.sign == .minus { out.write("-") }
    if number.isNaN { return out.write("nan") }
    if number.isInfinite { return out.write("inf") }
    let value = Double(number.magnitude)
    guard value > 0 else { return out.write("0") }
    var exponent = 0
    while value >= power(exponent &+ 1) { exponent &+= 1 }
    while value < power(exponent) { exponent &-= 1 }
    var digits = UInt64((value * power(9 &- exponent)).rounded(.toNearestOrEven))
    if digits >= 10_000_000_000 {
      digits /= 10
      exponent &+= 1
    }
    var count = 10
    while count > 1, digits % 10 == 0 {
      digits /= 10
      count &-= 1
    }
    guard (-4..<10).contains(exponent) else {
      writeDigits(digits, count, point: 1)
      out.write(exponent < 0 ? "e-" : "e+")
      return out.write(decimal: exponent.magnitude, width: 2)
    }
    if exponent < 0 {
      out.write("0.")
      out.write(repeating: UInt8(ascii: "0"), count: -exponent &- 1)
      return out.write(decimal: digits)
    }
    writeDigits(digits, count, point: exponent &+ 1)
  }

  /// The first `point` digits, padded with zeros, and the other digits after a point.
  private mutating func writeDigits(_ digits: UInt64, _ count: Int, point: Int) {
    guard count > point else {
      out.write(decimal: digits)
      return out.write(repeating: UInt8(ascii: "0"), count: point &- count)
    }
    var unit: UInt64 = 1
    for _ in 0..<(count &- point) { unit *= 10 }
    out.write(decimal: digits / unit)
    out.write(".")
    out.write(decimal: digits % unit, width: count &- point)
  }

  /// 10 to the power of an exponent from -60 to 60.
  private func power(_ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<min(60, abs(exponent)) { result *= 10 }
    return exponent < 0 ? 1 / result : result
  }
}
