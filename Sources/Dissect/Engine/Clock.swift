import Glibc
public import PacketCore

/// Converts seconds since the epoch to local time of day, and keeps the packet times that relative timestamps count from.
package struct Clock: Sendable {
  /// The times of the first and of the previous packet.
  package var first: Timestamp?
  package var previous: Timestamp?

  /// Seconds east of Greenwich, if the options set a fixed offset.
  private let fixedOffset: Int?
  /// The second that `timeOfDay` and `date` belong to.
  private var second = Int64.min
  /// `HH:MM:SS`, the first character in the lowest byte.
  private(set) var timeOfDay: UInt64 = 0
  /// Days since the epoch that `date` belongs to.
  private var day = Int64.min
  private(set) var date = CivilDate(daysSinceEpoch: 0)
  /// The quarter of an hour that `quarterOffset` was looked up for. Time zones change only at such boundaries: an offset that is equal at
  /// both ends holds for all of the quarter.
  private var quarter = Int64.min
  private var quarterOffset: Int64?
  /// Seconds east of Greenwich at the second that `timeOfDay` belongs to.
  private(set) var utcOffset: Int64 = 0

  package init(utcOffset: Int?) { fixedOffset = utcOffset }

  /// Sets `timeOfDay` and `date` to those of `seconds` since the epoch.
  @inline(__always)
  package mutating func set(_ seconds: Int64) {
    if seconds != second { update(seconds) }
  }

  private mutating func update(_ seconds: Int64) {
    second = seconds
    utcOffset = offset(at: seconds)
    let local = seconds &+ utcOffset
    let days = local.floorQuotient(86400)
    let rest = local &- days &* 86400
    if days != day {
      day = days
      date = CivilDate(daysSinceEpoch: days)
    }
    timeOfDay =
      Self.digits(rest / 3600) | (0x3a << 16) | Self.digits(rest / 60 % 60) << 24 | (0x3a << 40)
      | Self.digits(rest % 60) << 48
  }

  /// Two decimal digits, the first in the lowest byte.
  private static func digits(_ value: Int64) -> UInt64 {
    let value = UInt64(bitPattern: value) % 100
    return 0x3030 | value / 10 | (value % 10) << 8
  }

  private mutating func offset(at seconds: Int64) -> Int64 {
    if let fixedOffset { return Int64(fixedOffset) }
    let current = seconds.floorQuotient(900)
    if current != quarter {
      quarter = current
      let start = Self.systemOffset(at: current &* 900)
      quarterOffset = start == Self.systemOffset(at: current &* 900 &+ 899) ? start : nil
    }
    return quarterOffset ?? Self.systemOffset(at: seconds)
  }

  /// Offset of the system's time zone, in seconds east of Greenwich; 0 for years that `localtime_r` cannot express.
  private static func systemOffset(at seconds: Int64) -> Int64 {
    var time = time_t(seconds)
    var parts = unsafe tm()
    // Safe: both arguments are variables of this function.
    guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
    return Int64(unsafe parts.tm_gmtoff)
  }
}

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Sendable {
  package let year: Int64
  package let month: Int64
  package let day: Int64

  /// The day that is `daysSinceEpoch` days after 1970-01-01.
  package init(daysSinceEpoch: Int64) {
    // Years begin on 1 March here, so that the leap day is the last day of a year; 400 years have 146 097 days.
    let shifted = daysSinceEpoch &+ 719_468
    let era = shifted.floorQuotient(146_097)
    let dayOfEra = shifted &- era &* 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
  }
}

extension Int64 {
  /// The quotient rounded towards negative infinity; `divisor` is positive.
  package func floorQuotient(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}

extension Printer {
  /// Appends the time of a packet in the requested form, and a space.
  @inline(__always)
  package mutating func writeTimestamp(_ time: Timestamp) {
    if options.timestamp == .time, time.seconds >= 0, time.isValid {
      clock.set(time.seconds)
      out.write(octets: clock.timeOfDay)
      writeFraction(time)
      return
    }
    writeOtherTimestamp(time)
  }

  private mutating func writeOtherTimestamp(_ time: Timestamp) {
    switch options.timestamp {
    case .none: return
    case .time, .date:
      guard time.seconds >= 0 else {
        out.write("[timestamp overflow] ")
        return
      }
      if options.timestamp == .date {
        writeDate(time)
      } else {
        clock.set(time.seconds)
        out.write(octets: clock.timeOfDay)
        writeFraction(time)
      }
    case .rfc3339, .utc: writeInternetTime(time)
    case .epoch:
      guard time.seconds >= 0 else {
        out.write("[timestamp overflow] ")
        return
      }
      out.write(decimal: time.seconds)
      writeFraction(time)
    case .sincePrevious, .sinceFirst:
      let reference = (options.timestamp == .sinceFirst ? clock.first : clock.previous) ?? time
      if clock.first == nil { clock.first = time }
      clock.previous = time
      writeInterval(from: reference, to: time)
    }
  }

  /// Date, time of day, fraction, and a space.
  private mutating func writeDate(_ time: Timestamp) {
    clock.set(time.seconds)
    let date = clock.date
    out.write(decimal: date.year, width: 4)
    out.write(byte: UInt8(ascii: "-"))
    out.write(decimal: date.month, width: 2)
    out.write(byte: UInt8(ascii: "-"))
    out.write(decimal: date.day, width: 2)
    out.write(byte: UInt8(ascii: " "))
    out.write(octets: clock.timeOfDay)
    writeFraction(time)
  }

  /// Appends a time in the form of `options.timestamp`, also a time before the epoch, which the text of a packet leaves out.
  public mutating func write(time: Timestamp) {
    switch options.timestamp {
    case .date where time.seconds < 0: writeDate(time)
    case .epoch where time.seconds < 0:
      // `nanoseconds` counts forward from the second; the fraction of a negative decimal number counts away from zero.
      let isFraction = time.nanoseconds > 0
      out.write(byte: UInt8(ascii: "-"))
      out.write(decimal: (isFraction ? time.seconds &+ 1 : time.seconds).magnitude)
      writeFraction(
        Timestamp(seconds: 0, nanoseconds: isFraction ? 1_000_000_000 &- time.nanoseconds : time.nanoseconds))
    default: writeTimestamp(time)
    }
    if options.timestamp != .none { out.truncate(to: out.count &- 1) }
  }

  /// Date, `T`, time of day, fraction, `Z` or the offset from UTC (RFC 3339 section 5.6), and a space. Times before the epoch are written
  /// as well.
  private mutating func writeInternetTime(_ time: Timestamp) {
    clock.set(time.seconds)
    let date = clock.date
    out.write(decimal: date.year, width: 4)
    out.write(byte: UInt8(ascii: "-"))
    out.write(decimal: date.month, width: 2)
    out.write(byte: UInt8(ascii: "-"))
    out.write(decimal: date.day, width: 2)
    out.write(byte: UInt8(ascii: "T"))
    out.write(octets: clock.timeOfDay)
    writeFraction(time)
    // Remove the space after the fraction: the zone follows directly.
    out.truncate(to: out.count &- 1)
    if options.timestamp == .utc {
      out.write("Z ")
      return
    }
    let minutes = clock.utcOffset.magnitude / 60
    out.write(byte: clock.utcOffset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    out.write(decimal: minutes / 60, width: 2)
    out.write(byte: UInt8(ascii: ":"))
    out.write(decimal: minutes % 60, width: 2)
    out.write(byte: UInt8(ascii: " "))
  }

  /// The fraction of a second, and a space.
  private mutating func writeFraction(_ time: Timestamp) {
    out.write(byte: UInt8(ascii: "."))
    switch options.precision {
    case .microseconds:
      out.write(decimal: time.nanoseconds / 1000, width: 6)
      if !time.isValid { out.write(" (invalid us)") }
    case .nanoseconds:
      out.write(decimal: time.nanoseconds, width: 9)
      if !time.isValid { out.write(" (invalid ns)") }
    }
    out.write(byte: UInt8(ascii: " "))
  }

  /// A sign, `HH:MM:SS` and the fraction.
  private mutating func writeInterval(from start: Timestamp, to end: Timestamp) {
    let earlier = (end.seconds, end.nanoseconds) < (start.seconds, start.nanoseconds)
    let (low, high) = earlier ? (end, start) : (start, end)
    var seconds = high.seconds &- low.seconds
    var nanoseconds = high.nanoseconds &- low.nanoseconds
    if options.precision == .microseconds {
      nanoseconds = (high.nanoseconds / 1000 &- low.nanoseconds / 1000) &* 1000
    }
    if nanoseconds < 0 {
      nanoseconds &+= 1_000_000_000
      seconds &-= 1
    }
    out.write(byte: UInt8(ascii: earlier ? "-" : " "))
    out.write(decimal: seconds / 3600, width: 2)
    out.write(byte: UInt8(ascii: ":"))
    out.write(decimal: seconds / 60 % 60, width: 2)
    out.write(byte: UInt8(ascii: ":"))
    out.write(decimal: seconds % 60, width: 2)
    writeFraction(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
  }
}

extension Printer {
  /// A time in UTC as `YYYY-MM-DDTHH:MM:SSZ`, or with other text instead of the letters.
  package mutating func writeUTC(seconds: Int64, separator: StaticString = "T", zone: StaticString = "Z") {
    let days = seconds.floorQuotient(86400)
    let rest = seconds - days * 86400
    let date = CivilDate(daysSinceEpoch: days)
    out.write(decimal: date.year, width: 4)
    out.write("-")
    out.write(decimal: date.month, width: 2)
    out.write("-")
    out.write(decimal: date.day, width: 2)
    out.write(separator)
    out.write(decimal: rest / 3600, width: 2)
    out.write(":")
    out.write(decimal: rest / 60 % 60, width: 2)
    out.write(":")
    out.write(decimal: rest % 60, width: 2)
    out.write(zone)
  }
}
