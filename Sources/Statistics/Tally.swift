import PacketCore

/// A number of packets, and of their bytes on the wire (`len`).
public struct Tally: Hashable, Sendable, BitwiseCopyable {
  public var packets: UInt64 = 0
  public var octets: UInt64 = 0

  public init(packets: UInt64 = 0, octets: UInt64 = 0) {
    self.packets = packets
    self.octets = octets
  }

  /// Counts one packet of that many bytes.
  @inline(__always)
  mutating func add(_ length: UInt64) {
    packets &+= 1
    octets &+= length
  }

  static func + (first: Tally, second: Tally) -> Tally {
    Tally(packets: first.packets &+ second.packets, octets: first.octets &+ second.octets)
  }

  static func += (sum: inout Tally, other: Tally) { sum = sum + other }

  /// A sum without one of its parts.
  static func - (sum: Tally, part: Tally) -> Tally {
    Tally(packets: sum.packets &- part.packets, octets: sum.octets &- part.octets)
  }
}

/// The times of the first and the last packet by timestamp, in nanoseconds since the epoch.
struct TimeSpan: Sendable, BitwiseCopyable {
  var first: Int128
  var last: Int128

  init(_ time: Int128) { (first, last) = (time, time) }

  @inline(__always)
  mutating func include(_ time: Int128) {
    if time > last { last = time }
    if time < first { first = time }
  }

  /// Nanoseconds between the first and the last packet.
  var duration: Int128 { last &- first }
}

extension Timestamp {
  /// Nanoseconds since the epoch.
  @inline(__always)
  var sinceEpoch: Int128 {
    // The product of two 64-bit numbers, plus another one, fits.
    let product = seconds.multipliedFullWidth(by: 1_000_000_000)
    return (Int128(product.high) << 64 | Int128(product.low)) &+ Int128(nanoseconds)
  }

  /// Times beyond 64 bits of seconds are clamped.
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
