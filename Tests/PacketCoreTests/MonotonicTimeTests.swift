import PacketCore
import Testing

@Suite struct MonotonicTimeTests {
  @Test func advances() {
    let start = MonotonicTime.now
    #expect(MonotonicTime.now >= start)
    let later = start.advanced(bySeconds: 1.5)
    #expect(later > start && abs(later.seconds(since: start) - 1.5) < 1e-6)
    #expect(start.seconds(since: later) < 0)
    #expect(start.advanced(bySeconds: -1) == start && start.advanced(bySeconds: 0) == start)
    // No interval overflows, however large.
    for seconds in [1e300, .infinity, 9.3e9] { #expect(start.advanced(bySeconds: seconds) > later) }
    #expect(start.advanced(bySeconds: .nan) == start)
  }
}
