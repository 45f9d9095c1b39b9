import PacketCore

/// The unit of a pcapng interface's timestamps, as its if_tsresol option states it: a power of ten or of two of a second
/// (draft-ietf-opsawg-pcapng section 4.2).
struct TimestampResolution: BitwiseCopyable {
  private enum Unit: BitwiseCopyable {
    case microsecond
    case nanosecond
    /// 10^-n seconds: the units in a second.
    case decimal(UInt64)
    /// 2^-n seconds.
    case binary(UInt64)
  }
  private let unit: Unit

  /// The unit where the option is missing.
  static let microseconds = TimestampResolution(unit: .microsecond)

  /// The unit of files of ours.
  static let nanoseconds = TimestampResolution(unit: .nanosecond)

  private init(unit: Unit) { self.unit = unit }

  /// The unit that the option's octet states; nil where 64 bits do not hold one second of it.
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

  /// The coarser of the two precisions that keeps what the unit can say, or the finer one.
  var precision: TimestampPrecision {
    switch unit {
    case .microsecond: .microseconds
    case .nanosecond: .nanoseconds
    case .decimal(let units): units <= 1_000_000 ? .microseconds : .nanoseconds
    case .binary(let exponent): exponent <= 19 ? .microseconds : .nanoseconds
    }
  }

  /// The time `ticks` units after the epoch, and `offset` seconds more; what is finer than a nanosecond is cut.
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
      // The quotient fits: the remainder is below `units`, so it is below 10^9.
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

  /// The opposite of `timestamp`: units after the epoch and `offset` seconds. Not exact where the time lies before that, is more than 64
  /// bits of them hold, or finer.
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
