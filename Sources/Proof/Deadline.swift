/// When a question must be answered: what is done before it is asked counts, too.
struct Deadline: Sendable {
  private let instant: ContinuousClock.Instant

  /// So many seconds from now.
  init(seconds: Double) { instant = .now + .seconds(max(0, min(seconds, 1e6))) }

  private init(_ instant: ContinuousClock.Instant) { self.instant = instant }

  /// The same, but no later than in so many seconds.
  func within(seconds: Double) -> Deadline { Deadline(min(instant, Deadline(seconds: seconds).instant)) }

  /// The same, but no later than that one.
  func limited(to end: ContinuousClock.Instant?) -> Deadline { end.map { Deadline(min(instant, $0)) } ?? self }

  /// Seconds until then; negative afterwards.
  var secondsLeft: Double { (instant - .now) / .seconds(1) }

  /// Throws `timeout` where it has passed.
  func check() throws(ProofError) {
    guard ContinuousClock.now < instant else { throw .timeout }
  }

  /// The same, looked at in every so many steps of long work.
  func check(step: Int) throws(ProofError) {
    if step % 512 == 511 { try check() }
  }
}
