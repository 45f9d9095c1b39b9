/// When a packet was captured: seconds since the epoch (1970-01-01 UTC) and a fraction.
public struct Timestamp: Hashable, Sendable, BitwiseCopyable {
  /// Seconds since the epoch. Classic pcap stores them in 32 unsigned bits (until 2106).
  public var seconds: Int64
  /// Nanoseconds within the second. A corrupt savefile may contain a second or more: then `isValid` is false.
  public var nanoseconds: Int64

  @inlinable public init(seconds: Int64, nanoseconds: Int64) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// False if the fraction is not below one second.
  @inlinable public var isValid: Bool { nanoseconds >= 0 && nanoseconds < 1_000_000_000 }
}

/// The unit of the fraction in a source's timestamps.
public enum TimestampPrecision: Sendable, BitwiseCopyable {
  case microseconds
  case nanoseconds
}
