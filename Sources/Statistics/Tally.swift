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
  var first: Int128
  var last: Int128

  init(_ time: Int128) { (first, last) = (time, time) }

  @inline(__always)
  mutating func include(_ time: Int128) {
    if time > last { last = time }
    if time < first { first = time }
  }

  /// Nanoseconds from the first to the last.
  var duration: Int128 { last &- first }
}

extension Timestamp {
  /// Nanoseconds since the epoch.
  @inline(__always)
  var sinceEpoch: Int128 {
    // The product of two numbers of 64 bits, and another one, fit.
    let product = seconds.multipliedFullWidth(by: 1_000_000_000)
    return (Int128(product.high) << 64 | Int128(product.low)) &+ Int128(nanoseconds)
  }

  /// Times that 64 bits of seconds do not hold are the nearest that they do.
  init(sinceEpoch: Int128) {
    let seconds = sinceEpoch.floorQuotient(1_000_000_000)
    self.init(
      seconds: Int64(clamping: seconds), nanoseconds: Int64(truncatingIfNeeded: sinceEpoch &- seconds &* 1_000_000_000))
  }
}

extension Int128 {
  /// The quotient rounded towards negative infinity; `divisor` is positive.
  @inline(__always)
  func floorQuotient(_ divisor: Int128) -> Int128 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient &- 1 : quotient
  }
}
