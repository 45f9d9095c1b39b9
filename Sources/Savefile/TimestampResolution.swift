import PacketCore

/// The unit of a pcapng interface's timestamps, from its if_tsresol option: a negative power of ten or two, in seconds
/// (draft-ietf-opsawg-pcapng section 4.2).
struct TimestampResolution: BitwiseCopyable {
  private enum Unit: BitwiseCopyable {
    case microsecond
    case nanosecond
    /// 10^-n seconds; the value is the number of units in a second.
    case decimal(UInt64)
    /// 2^-n seconds.
    case binary(UInt64)
  }
  private let unit: Unit

  /// The unit if the option is missing.
  static let microseconds = TimestampResolution(unit: .microsecond)

  /// The unit in files that apus writes.
  static let nanoseconds = TimestampResolution(unit: .nanosecond)

  private init(unit: Unit) { self.unit = unit }

  /// The unit that the option's byte encodes; nil if one second of it does not fit in 64 bits.
  init?(optionValue: UInt8) {
    let exponent = Int(optionValue & 0x7f)
    if optionValue & 0x80 != 0 {
      guard exponent < 64 else { return nil }
      unit = .binary(UInt64(exponent))
    } else {
      guard exponent < 20 else { return nil }
      switch exponent {
      case 6: unit = .microsecond
      case 9: unit = .nanosecond
      default: unit = .decimal((0..<exponent).reduce(1) { units, _ in units &* 10 })
      }
    }
  }

  /// The coarser of the two precisions if it loses nothing of the unit, otherwise the finer one: 2^-6 s are 15 625 µs, 2^-7 s are no
  /// whole number of microseconds.
  var precision: TimestampPrecision {
    switch unit {
    case .microsecond: .microseconds
    case .nanosecond: .nanoseconds
    case .decimal(let units): units <= 1_000_000 ? .microseconds : .nanoseconds
    case .binary(let exponent): exponent <= 6 ? .microseconds : .nanoseconds
    }
  }

  /// The time `ticks` units after the epoch, plus `offset` seconds; anything finer than a nanosecond is cut.
  func timestamp(_ ticks: UInt64, offset: Int64) -> Timestamp {
    let seconds: UInt64
    let nanoseconds: UInt64
    switch unit {
    case .microsecond:
      seconds = ticks / 1_000_000
      nanoseconds = ticks % 1_000_000 &* 1000
    case .nanosecond:
      seconds = ticks / 1_000_000_000
      nanoseconds = ticks % 1_000_000_000
    case .decimal(let units):
      seconds = ticks / units
      let product = (ticks % units).multipliedFullWidth(by: 1_000_000_000)
      // The quotient fits: the remainder is below `units`, so the quotient is below 10^9.
      nanoseconds = units.dividingFullWidth(product).quotient
    case .binary(let exponent):
      seconds = ticks >> exponent
      let fraction = ticks & ((1 << exponent) &- 1)
      let product = fraction.multipliedFullWidth(by: 1_000_000_000)
      nanoseconds = UInt64(
        truncatingIfNeeded: (UInt128(product.high) << 64 | UInt128(product.low)) >> UInt128(exponent))
    }
    return Timestamp(
      seconds: Int64(truncatingIfNeeded: seconds) &+ offset, nanoseconds: Int64(truncatingIfNeeded: nanoseconds))
  }

  /// The inverse of `timestamp`: units since the epoch plus `offset` seconds. Not exact if the time is earlier, does not fit in 64 bits, or
  /// is finer than the unit.
  func ticks(_ time: Timestamp, offset: Int64) -> (ticks: UInt64, isExact: Bool) {
    let (seconds, overflow) = time.seconds.subtractingReportingOverflow(offset)
    let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(time.nanoseconds)
    guard !overflow, nanoseconds >= 0 else { return (UInt64(truncatingIfNeeded: nanoseconds), false) }
    let (quotient, remainder): (Int128, Int128)
    switch unit {
    case .microsecond: (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    case .nanosecond: (quotient, remainder) = (nanoseconds, 0)
    case .decimal(let units):
      let (product, overflow) = nanoseconds.multipliedReportingOverflow(by: Int128(units))
      guard !overflow else { return (.max, false) }
      (quotient, remainder) = product.quotientAndRemainder(dividingBy: 1_000_000_000)
    case .binary(let exponent):
      let (product, overflow) = nanoseconds.multipliedReportingOverflow(by: Int128(1) << Int128(exponent))
      guard !overflow else { return (.max, false) }
      (quotient, remainder) = product.quotientAndRemainder(dividingBy: 1_000_000_000)
    }
    return (UInt64(truncatingIfNeeded: quotient), quotient <= Int128(UInt64.max) && remainder == 0)
  }
}
