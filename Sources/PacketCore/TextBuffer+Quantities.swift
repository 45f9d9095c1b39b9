/// Quantities for people to read: rounded, with separators and units.
extension TextBuffer {
  /// A number with a comma before every three digits: `12,345`.
  public mutating func write(grouped number: UInt64) {
    guard number >= 1000 else { return write(decimal: number) }
    write(grouped: number / 1000)
    write(",")
    write(decimal: number % 1000, width: 3)
  }

  /// A number of bytes in decimal units (SI): `999 B`, `1.2 MB`.
  public mutating func write(bytes: UInt64) {
    write(scaled: Double(bytes), [" B", " kB", " MB", " GB", " TB", " PB", " EB"])
  }

  /// A rate in decimal units: `12 bit/s`, `4.9 Mbit/s`. A negative rate or NaN counts as 0.
  public mutating func write(bitsPerSecond rate: Double) {
    write(scaled: rate, [" bit/s", " kbit/s", " Mbit/s", " Gbit/s", " Tbit/s", " Pbit/s"])
  }

  /// The number in the largest unit of which there is at least one; each unit is a thousand of the previous one.
  private mutating func write(scaled number: Double, _ units: [StaticString]) {
    var value = number > 0 ? number : 0
    guard value.rounded() >= 1000 else {
      write(decimal: UInt64(value.rounded()))
      if let unit = units.first { write(unit) }
      return
    }
    for (index, unit) in units.enumerated().dropFirst() {
      value /= 1000
      let tenths = (value * 10).rounded()
      guard tenths < 10_000 || index == units.count - 1 else { continue }
      let count = UInt64(exactly: tenths) ?? .max
      write(grouped: count / 10)
      write(".")
      write(decimal: count % 10)
      write(unit)
      return
    }
  }

  /// A duration in at most two units: `0 s`, `12 us`, `28.3 ms`, `12.345 s`, `5m12s`, `3h12m`, `4d3h`. A negative one counts as 0.
  public mutating func write(duration nanoseconds: Int128) {
    let exact = UInt64(clamping: nanoseconds)
    // Half of the smallest part shown.
    let half: UInt64 =
      switch exact {
      case ..<1000: 0
      case ..<999_500: 500
      case ..<999_950_000: 50_000
      case ..<59_999_500_000: 500_000
      default: 500_000_000
      }
    let (sum, isTooLarge) = exact.addingReportingOverflow(half)
    let time = isTooLarge ? exact : sum
    let seconds = time / 1_000_000_000
    switch seconds {
    case 0:
      if time >= 1_000_000 {
        write(decimal: time / 1_000_000)
        write(".")
        write(decimal: time % 1_000_000 / 100_000)
        write(" ms")
      } else if time >= 1000 {
        write(decimal: time / 1000)
        write(" us")
      } else {
        write(decimal: time)
        write(time == 0 ? " s" : " ns")
      }
    case ..<60:
      write(decimal: seconds)
      write(".")
      write(decimal: time % 1_000_000_000 / 1_000_000, width: 3)
      write(" s")
    case ..<3600: write(seconds / 60, "m", seconds % 60, "s")
    case ..<86_400: write(seconds / 3600, "h", seconds % 3600 / 60, "m")
    default: write(seconds / 86_400, "d", seconds % 86_400 / 3600, "h")
    }
  }

  private mutating func write(_ first: UInt64, _ unit: StaticString, _ second: UInt64, _ smaller: StaticString) {
    write(decimal: first)
    write(unit)
    write(decimal: second)
    write(smaller)
  }
}
