#if canImport(Glibc)
  import Glibc
#endif

/// A time of the system clock that cannot be set, and that also counts while the machine sleeps.
///
/// It replaces `ContinuousClock.Instant`, whose concurrency library would make up an eighth of the program and slow down its start.
public struct MonotonicTime: Comparable, Sendable {
  /// Nanoseconds since boot.
  private let nanoseconds: Int64

  private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static var now: MonotonicTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  public static func < (first: MonotonicTime, second: MonotonicTime) -> Bool { first.nanoseconds < second.nanoseconds }

  /// The time that many seconds later, limited to the last representable time.
  public func advanced(bySeconds seconds: Double) -> MonotonicTime {
    guard seconds > 0 else { return self }
    let (sum, overflow) = nanoseconds.addingReportingOverflow(Int64(min(seconds, 9e9) * 1e9))
    return MonotonicTime(nanoseconds: overflow ? .max : sum)
  }

  /// Seconds from `other` to this time, negative if this time is earlier.
  public func seconds(since other: MonotonicTime) -> Double { Double(nanoseconds &- other.nanoseconds) / 1e9 }
}
