import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// The progress line of long operations.
@Suite struct ProgressTests {
  @Test func theLine() {
    let half = Extent(done: 500_000_000, total: 1_000_000_000)
    #expect(Progress.line(half, 1, after: 2) == "50 %, 250 MB/s, 1 packet, 2 s left")
    #expect(Progress.line(half, 7, after: 500) == "50 %, 1 MB/s, 7 packets, 8 min left")
    #expect(Progress.line(Extent(done: 3_000_000, total: nil), 7, after: 1) == "3 MB, 3 MB/s, 7 packets")
    // A file that grows, and a clock that has not moved.
    #expect(Progress.line(Extent(done: 5, total: 4), 0, after: 0) == "100 %, 0 MB/s, 0 packets")
  }

  @Test func theRunningCount() {
    #expect(CaptureCount.line(1, 74, 0) == "Got 1 packet, 74 bytes, 0 dropped by kernel")
    #expect(CaptureCount.line(1234, 5_678_901, 7) == "Got 1234 packets, 5.6 MB, 7 dropped by kernel")
    #expect(CaptureCount.line(2, 1000, nil) == "Got 2 packets, 1.0 kB")
    #expect(CaptureCount.line(.max, .max, .max).hasPrefix("Got 18446744073709551615 packets, 18446744.0 TB, "))
  }
}
