#if canImport(Glibc)
  import Glibc
#endif

extension Timestamp: Comparable {
  @inlinable public static func < (first: Timestamp, second: Timestamp) -> Bool {
    (first.seconds, first.nanoseconds) < (second.seconds, second.nanoseconds)
  }

  /// The current time of the system's clock.
  public static var now: Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
  }

  /// The time that many seconds later.
  public func advanced(bySeconds count: Int64) -> Timestamp {
    let (sum, overflow) = seconds.addingReportingOverflow(count)
    return Timestamp(seconds: overflow ? .max : sum, nanoseconds: nanoseconds)
  }

  /// The time that many nanoseconds later, or earlier if the number is negative.
  public func advanced(by count: Int64) -> Timestamp {
    let seconds = count.quotientAndRemainder(dividingBy: 1_000_000_000)
    let time = advanced(bySeconds: seconds.quotient)
    let nanoseconds = time.nanoseconds &+ seconds.remainder
    if nanoseconds < 0 {
      return Timestamp(seconds: time.seconds, nanoseconds: nanoseconds &+ 1_000_000_000).advanced(bySeconds: -1)
    }
    return time.advanced(byNanoseconds: seconds.remainder)
  }

  /// The time that many nanoseconds later; must be less than a second.
  public func advanced(byNanoseconds count: Int64) -> Timestamp {
    let sum = nanoseconds &+ count
    guard sum >= 1_000_000_000 else { return Timestamp(seconds: seconds, nanoseconds: sum) }
    return Timestamp(seconds: seconds, nanoseconds: sum &- 1_000_000_000).advanced(bySeconds: 1)
  }

  /// Milliseconds until the clock reaches this time, at most 2^31 - 1, rounded up; 0 if it already has.
  public var millisecondsFromNow: Int32 {
    let now = Timestamp.now
    guard self > now else { return 0 }
    let (difference, overflow) = seconds.subtractingReportingOverflow(now.seconds)
    guard !overflow, difference < 2_000_000 else { return 2_000_000_000 }
    return Int32(difference * 1000 + (nanoseconds - now.nanoseconds) / 1_000_000 + 1)
  }
}
