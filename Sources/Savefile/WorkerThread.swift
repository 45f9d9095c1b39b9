import Glibc

/// What a `WorkerThread` does.
protocol Worker: AnyObject, Sendable {
  func work()
}

/// A thread that does the work of one object. Whoever owns it joins it before that object ends.
@safe
struct WorkerThread {
  private var thread = pthread_t()
  private(set) var isRunning = false

  /// Starts the thread, with all signals blocked: they are for the thread that knows what to do. Where the system has none to give,
  /// `isRunning` stays false.
  mutating func start(_ worker: some Worker) {
    guard !isRunning else { return }
    var (all, before) = (sigset_t(), sigset_t())
    unsafe sigfillset(&all)
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
  func join() {
    if isRunning { pthread_join(thread, nil) }
  }
}
