import Glibc

/// The work of a `WorkerThread`.
package protocol Worker: AnyObject, Sendable {
  func work()
}

/// A thread that does the work of one object, and may keep that object alive until the work is done: so the object's `deinit` cannot end
/// the work. The owner must request the end and join the thread before.
@safe
package struct WorkerThread {
  private var thread = pthread_t()
  package private(set) var isRunning = false

  package init() {}

  /// Starts the thread with all signals blocked: another thread handles them. Only signals raised by the thread's own instructions are not
  /// blocked, since the kernel ends a process that blocks one of these. If the system has no thread, `isRunning` stays false.
  package mutating func start(_ worker: some Worker) {
    guard !isRunning else { return }
    var (all, before) = (sigset_t(), sigset_t())
    unsafe sigfillset(&all)
    for signal in [SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS] { unsafe sigdelset(&all, signal) }
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    // Safe: the worker outlives the thread.
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let argument = unsafe argument {
          (unsafe Unmanaged<AnyObject>.fromOpaque(argument).takeUnretainedValue() as? any Worker)?.work()
        }
        return nil
      }, Unmanaged<AnyObject>.passUnretained(worker).toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    isRunning = status == 0
  }

  /// Waits until the work is done.
  package mutating func join() {
    guard isRunning else { return }
    pthread_join(thread, nil)
    isRunning = false
  }
}
