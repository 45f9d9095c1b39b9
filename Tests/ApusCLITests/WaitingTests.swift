import Foundation
import Glibc
import Testing

/// Tests that wait for packets, signals or other programs. They run on their own threads, so that they do not hold up tests that compute:
/// otherwise both share as many threads as there are processors.
struct WaitingTests: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    // A suite itself has nothing to run.
    guard testCase != nil else { return try await function() }
    try await withTaskExecutorPreference(WaitingThreads.shared) { try await function() }
  }
}

extension Trait where Self == WaitingTests {
  /// For tests that wait rather than compute.
  static var waits: Self { WaitingTests() }
}

/// A small number of threads.
private final class WaitingThreads: TaskExecutor {
  static let shared = WaitingThreads()

  private static let process = __priority_which_t(PRIO_PROCESS.rawValue)
  private let queue = OperationQueue()

  private init() {
    // More threads would compete for the processors, and some tests check timing.
    queue.maxConcurrentOperationCount = 4
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.addOperation { [self] in
      // The programs they start have time limits, or a sender that does not wait, so they get priority over tests that compute. Only root
      // may raise the priority.
      setpriority(Self.process, 0, -5)
      defer { setpriority(Self.process, 0, 0) }
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
