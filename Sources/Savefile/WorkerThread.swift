import Glibc

/// What a `WorkerThread` does.
package protocol Worker: AnyObject, Sendable {
  func work()
}

/// A thread that does the work of one object, and may hold that object until the work is done: its `deinit` is no place to end the work from.
/// Whoever owns it asks for the end and joins the thread before.
@safe
package struct WorkerThread {
  private var thread = pthread_t()
  package private(set) var isRunning = false

  package init() {}

  /// Starts the thread, with all signals blocked: they are for the thread that knows what to do. Only those that an instruction of the thread
  /// itself raises are not, for the kernel ends a process that blocks such a one. Where the system has no thread to give, `isRunning` stays
  /// false.
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
