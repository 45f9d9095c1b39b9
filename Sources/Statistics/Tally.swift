import PacketCore

/// How many packets there were, and how many octets of them on the wire (`len`).
public struct Tally: Hashable, Sendable, BitwiseCopyable {
  public var packets: UInt64 = 0
  public var octets: UInt64 = 0

  public init(packets: UInt64 = 0, octets: UInt64 = 0) {
    self.packets = packets
    self.octets = octets
  }

  /// Counts one packet of so many octets.
  @inline(__always)
  mutating func add(_ length: UInt64) {
    packets &+= 1
    octets &+= length
  }

  static func + (first: Tally, second: Tally) -> Tally {
    Tally(packets: first.packets &+ second.packets, octets: first.octets &+ second.octets)
  }

  static func += (sum: inout Tally, other: Tally) { sum = sum + other }

  /// What is left of a sum without a part of it.
  static func - (sum: Tally, part: Tally) -> Tally {
    Tally(packets: sum.packets &- part.packets, octets: sum.octets &- part.octets)
  }
}

/// The times of the first and the last packet, by their timestamps: nanoseconds since the epoch.
struct TimeSpan: Sendable, BitwiseCopyable {
  var first: Int64
  var last: Int64

  init(_ time: Int64) { (first, last) = (time, time) }

  @inline(__always)
  mutating func include(_ time: Int64) {
    if time > last { last = time }
    if time < first { first = time }
  }

  /// Nanoseconds from the first to the last.
  var duration: UInt64 { UInt64(bitPattern: last &- first) }
}

extension Timestamp {
  /// Nanoseconds since the epoch. Times that do not fit (before 1677, after 2262) are the nearest that do.
  var sinceEpoch: Int64 {
    let (product, hasOverflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, alsoHasOverflow) = product.addingReportingOverflow(nanoseconds)
    return hasOverflow || alsoHasOverflow ? (seconds < 0 ? .min : .max) : sum
  }

  init(sinceEpoch: Int64) {
    let seconds = sinceEpoch.floorQuotient(1_000_000_000)
    self.init(seconds: seconds, nanoseconds: sinceEpoch &- seconds &* 1_000_000_000)
  }
}

extension Int64 {
  /// The quotient rounded towards negative infinity; `divisor` is positive.
  @inline(__always)
  func floorQuotient(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient &- 1 : quotient
  }
}
