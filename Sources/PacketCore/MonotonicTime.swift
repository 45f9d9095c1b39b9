#if canImport(Glibc)
  import Glibc
#endif

/// A time of the system's clock that nobody sets, which also counts while the machine sleeps.
///
/// It is `ContinuousClock.Instant` without the concurrency library, which would be an eighth of the program and slow its start.
public struct MonotonicTime: Comparable, Sendable {
  /// Nanoseconds since the machine was started.
  private let nanoseconds: Int64

  private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static var now: MonotonicTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  public static func < (first: MonotonicTime, second: MonotonicTime) -> Bool { first.nanoseconds < second.nanoseconds }

  /// The time that many seconds later; the last that there is where they are too many.
  public func advanced(bySeconds seconds: Double) -> MonotonicTime {
    guard seconds > 0 else { return self }
    let (sum, overflow) = nanoseconds.addingReportingOverflow(Int64(min(seconds, 9e9) * 1e9))
    return MonotonicTime(nanoseconds: overflow ? .max : sum)
  }

  /// Seconds from `other` to this time, negative where it is earlier.
  public func seconds(since other: MonotonicTime) -> Double { Double(nanoseconds &- other.nanoseconds) / 1e9 }
}
