import PacketCore

/// When a question must be answered: what is done before it is asked counts, too.
struct Deadline: Sendable {
  private let instant: MonotonicTime

  /// So many seconds from now.
  init(seconds: Double) { instant = .now.advanced(bySeconds: min(seconds, 1e6)) }

  private init(_ instant: MonotonicTime) { self.instant = instant }

  /// The same, but no later than in that many seconds.
  func within(seconds: Double) -> Deadline { Deadline(min(instant, Deadline(seconds: seconds).instant)) }

  /// The same, but no later than that one.
  func limited(to end: MonotonicTime?) -> Deadline { end.map { Deadline(min(instant, $0)) } ?? self }

  /// Seconds until then; negative afterwards.
  var secondsLeft: Double { instant.seconds(since: .now) }

  /// Throws `timeout` where it has passed.
  func check() throws(ProofError) {
    guard MonotonicTime.now < instant else { throw .timeout }
  }

  /// The same, looked at in every so many steps of long work.
  func check(step: Int) throws(ProofError) {
    if step % 512 == 511 { try check() }
  }
}
