import Glibc
import PacketCore

/// A point in time in the syntax of `--from` and `--to`.
enum TimeBound: Hashable {
  case time(Timestamp)
  /// A time of day in the local time zone: seconds since midnight as a clock shows them, and nanoseconds.
  case clock(seconds: Int32, nanoseconds: Int64)

  /// Parses the text:
  ///
  ///     2026-11-24T20:44:25.5Z     RFC 3339; the offset from UTC may be missing, and the time of day: local time, midnight
  ///     1795639465.5               seconds since 1970-01-01 UTC
  ///     20:44, 20:44:25.5          local time of day
  ///
  /// Throws if the text is none of these.
  init(_ text: String) throws(CommandError) {
    var parser = Parser(rest: Array(text.utf8)[...])
    if let point = text.utf8.lastIndex(of: UInt8(ascii: ".")),
      text.utf8[point...].dropFirst().prefix(while: { (0x30...0x39).contains($0) }).count > 9
    {
      throw CommandError("invalid time \(text): at most nine digits after the point (nanoseconds)")
    }
    guard let bound = parser.bound(), parser.rest.isEmpty else {
      throw CommandError(
        "invalid time \(text): use RFC 3339 (2026-11-24T20:44:25Z), seconds since 1970 (1795639465.5) or a time of day "
          + "(20:44:25)")
    }
    self = bound
  }

  /// The point in time; a time of day is on the day of `first` or, if that is not after `earliest`, on the next day.
  func time(onDayOf first: Timestamp, notBefore earliest: Timestamp?) -> Timestamp {
    switch self {
    case .time(let time): return time
    case .clock(let seconds, let nanoseconds):
      let time = Self.clock(seconds, nanoseconds, first, days: 0)
      guard let earliest, time <= earliest else { return time }
      return Self.clock(seconds, nanoseconds, first, days: 1)
    }
  }

  private static func clock(_ seconds: Int32, _ nanoseconds: Int64, _ first: Timestamp, days: Int32) -> Timestamp {
    var time = CalendarTime(local: first.seconds)
    time.day += days
    time.clock = seconds
    return Timestamp(seconds: time.seconds(isLocal: true), nanoseconds: nanoseconds)
  }
}

/// A date and a time of day.
private struct CalendarTime {
  var year: Int32
  /// From 1.
  var month: Int32
  /// From 1; a number beyond the end of the month means a day of the next one.
  var day: Int32
  /// Seconds since midnight as a clock shows them.
  var clock: Int32 = 0

  init(year: Int32, month: Int32, day: Int32) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The day in the local time zone that contains this time, given in seconds since 1970 in UTC.
  init(local seconds: Int64) {
    var (start, fields) = unsafe (time_t(seconds), tm())
    unsafe localtime_r(&start, &fields)
    unsafe self.init(year: fields.tm_year + 1900, month: fields.tm_mon + 1, day: fields.tm_mday)
  }

  /// Days of the month, in the Gregorian calendar.
  var daysOfMonth: Int32 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Seconds since 1970 in UTC, for a time in the local zone or in UTC. mktime(3) knows when daylight saving time begins and ends.
  func seconds(isLocal: Bool) -> Int64 {
    var fields = unsafe tm()
    unsafe fields.tm_year = year - 1900
    unsafe fields.tm_mon = month - 1
    unsafe fields.tm_mday = day
    unsafe fields.tm_hour = clock / 3600
    unsafe fields.tm_min = clock / 60 % 60
    unsafe fields.tm_sec = clock % 60
    unsafe fields.tm_isdst = -1
    return Int64(isLocal ? unsafe mktime(&fields) : unsafe timegm(&fields))
  }
}

/// Parses a point in time from left to right.
private struct Parser {
  var rest: ArraySlice<UInt8>

  mutating func bound() -> TimeBound? {
    let digits = rest.prefix { (0x30...0x39).contains($0) }.count
    switch digits < rest.count ? rest[rest.startIndex + digits] : 0 {
    case UInt8(ascii: ":"): return clock().map { .clock(seconds: $0.seconds, nanoseconds: $0.nanoseconds) }
    case UInt8(ascii: "-") where digits == 4: return date()
    default:
      guard let seconds = number(1...18), let nanoseconds = fraction() else { return nil }
      return .time(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }
  }

  /// HH:MM[:SS[.f]]
  private mutating func clock() -> (seconds: Int32, nanoseconds: Int64)? {
    guard let hours = number(1...2), hours < 24, take(":"), let minutes = number(2...2), minutes < 60 else {
      return nil
    }
    var (seconds, nanoseconds) = (Int64(0), Int64(0))
    if take(":") {
      // A leap second has number 60.
      guard let stated = number(2...2), stated <= 60, let part = fraction() else { return nil }
      (seconds, nanoseconds) = (stated, part)
    }
    return (Int32(hours * 3600 + minutes * 60 + seconds), nanoseconds)
  }

  /// YYYY-MM-DD[(T| )HH:MM[:SS[.f]][Z|+HH:MM|-HH:MM]]
  private mutating func date() -> TimeBound? {
    guard let year = number(4...4), take("-"), let month = number(2...2), (1...12).contains(month), take("-"),
      let day = number(2...2), (1...31).contains(day)
    else { return nil }
    var time = CalendarTime(year: Int32(year), month: Int32(month), day: Int32(day))
    guard time.day <= time.daysOfMonth else { return nil }
    var nanoseconds: Int64 = 0
    var offset: Int64?
    if take("T") || take("t") || take(" ") {
      guard let part = clock() else { return nil }
      (time.clock, nanoseconds) = part
      if take("Z") || take("z") {
        offset = 0
      } else if let sign = take("+") ? 1 : take("-") ? -1 : nil {
        guard let hours = number(2...2), hours < 24, take(":"), let minutes = number(2...2), minutes < 60 else {
          return nil
        }
        offset = Int64(sign) * (hours * 3600 + minutes * 60)
      }
    }
    let seconds = time.seconds(isLocal: offset == nil) - (offset ?? 0)
    return .time(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
  }

  /// A point and one to nine digits, in nanoseconds; 0 if there is no point.
  private mutating func fraction() -> Int64? {
    guard take(".") else { return 0 }
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    guard (1...9).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    var (nanoseconds, unit) = (Int64(0), Int64(100_000_000))
    for digit in digits {
      nanoseconds += Int64(digit - 0x30) * unit
      unit /= 10
    }
    return nanoseconds
  }

  /// A number with that many digits.
  private mutating func number(_ count: ClosedRange<Int>) -> Int64? {
    let digits = rest.prefix(count.upperBound).prefix { (0x30...0x39).contains($0) }
    guard digits.count >= count.lowerBound else { return nil }
    rest = rest.dropFirst(digits.count)
    return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: sign) else { return false }
    rest = rest.dropFirst()
    return true
  }
}
