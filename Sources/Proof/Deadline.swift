import PacketCore

/// When a query must be answered. The time spent preparing it counts, too.
struct Deadline: Sendable {
  private let instant: MonotonicTime

  /// This many seconds from now.
  init(seconds: Double) { instant = .now.advanced(bySeconds: min(seconds, 1e6)) }

  private init(_ instant: MonotonicTime) { self.instant = instant }

  /// The earlier of this deadline and this many seconds from now.
  func within(seconds: Double) -> Deadline { Deadline(min(instant, Deadline(seconds: seconds).instant)) }

  /// The earlier of this deadline and `end`.
  func limited(to end: MonotonicTime?) -> Deadline { end.map { Deadline(min(instant, $0)) } ?? self }

  /// Seconds until then; negative afterwards.
  var secondsLeft: Double { instant.seconds(since: .now) }

  /// Throws `timeout` if it has passed.
  func check() throws(ProofError) {
    guard MonotonicTime.now < instant else { throw .timeout }
  }

  /// The same, but only checked once in every 512 steps of a long computation.
  func check(step: Int) throws(ProofError) {
    if step % 512 == 511 { try check() }
  }
}
