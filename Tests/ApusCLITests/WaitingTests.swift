import Foundation
import Glibc
import Testing

/// Tests that wait: for packets, signals, other programs. They run on threads of their own, so that tests that compute do not wait with them:
/// otherwise there are as many threads as processors for both.
struct WaitingTests: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    // Suites have nothing to do.
    guard testCase != nil else { return try await function() }
    try await withTaskExecutorPreference(WaitingThreads.shared) { try await function() }
  }
}

extension Trait where Self == WaitingTests {
  /// The tests wait rather than compute.
  static var waits: Self { WaitingTests() }
}

/// A few threads.
private final class WaitingThreads: TaskExecutor {
  static let shared = WaitingThreads()

  private static let process = __priority_which_t(PRIO_PROCESS.rawValue)
  private let queue = OperationQueue()

  private init() {
    // More would compete for the processors, and timing is a part of what is tested.
    queue.maxConcurrentOperationCount = 4
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.addOperation { [self] in
      // What they start has a time limit, or a sender that does not wait: it goes before what computes. Only root may say so.
      setpriority(Self.process, 0, -5)
      defer { setpriority(Self.process, 0, 0) }
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
