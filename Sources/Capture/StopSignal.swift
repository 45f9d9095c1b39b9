import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP as requests to stop: captured packets are written out before the process ends.
public enum StopSignal {
  /// True after the first of these signals.
  @inline(__always)
  public static var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// True after the second of these signals: remaining work should be dropped.
  public static var isRepeated: Bool { raisedAgain.load(ordering: .relaxed) }

  /// From now on the first signal is only a request: work that has begun is finished properly.
  public static func makeFirstSignalARequest() { endsAtOnce.store(false, ordering: .relaxed) }

  /// Calls `body`, which may take long and does not check for signals: meanwhile the second signal ends the process at once.
  public static func duringWork<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = isWorking.exchange(true, ordering: .relaxed)
    defer { isWorking.store(before, ordering: .relaxed) }
    return try body()
  }

  /// Sets a function to call when a signal ends the process at once; it must be async-signal-safe.
  public static func setCleanup(_ cleanup: @escaping @convention(c) () -> Void) {
    // Safe: a function pointer is a word.
    cleanupAddress.store(unsafe unsafeBitCast(cleanup, to: UInt.self), ordering: .relaxed)
  }

  /// Ends the process with the signal's default action. Async-signal-safe.
  fileprivate static func end(_ number: CInt) {
    let address = cleanupAddress.load(ordering: .relaxed)
    if address != 0 {
      // Safe: `setCleanup` has stored the address of such a function.
      unsafe unsafeBitCast(address, to: (@convention(c) () -> Void).self)()
    }
    signal(number, SIG_DFL)
    // The signal is delivered when the handler returns.
    raise(number)
  }

  /// Catches the signals from now on; SIGHUP only if it is not ignored, as it is under nohup(1). SIGPIPE is ignored, so that writing to a
  /// closed pipe returns an error.
  ///
  /// Blocking system calls are interrupted, and `descriptor` and `wakeupDescriptor` become readable, so that no signal is missed between
  /// the check of `isRaised` and poll(2).
  ///
  /// With `endingAtOnce` the first signal ends the process until `makeFirstSignalARequest` is called: nothing has begun yet that could be lost.
  public static func install(endingAtOnce: Bool = false) {
    endsAtOnce.store(endingAtOnce, ordering: .relaxed)
    openPipe(readEnd, writeEnd)
    openPipe(wakeupReadEnd, wakeupWriteEnd)
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = stopHandler
    for number in [SIGINT, SIGTERM] { unsafe sigaction(number, &action, nil) }
    unblock()
    var current = sigaction()
    unsafe sigaction(SIGHUP, nil, &current)
    // Safe: SIG_IGN is the address 1, and a handler is a pointer.
    let isIgnored = unsafe unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == 1
    if !isIgnored { unsafe sigaction(SIGHUP, &action, nil) }
    signal(SIGPIPE, SIG_IGN)
    // Exceeding a limit on file sizes should return an error as well.
    signal(SIGXFSZ, SIG_IGN)
    unsafe action.__sigaction_handler.sa_handler = rotationHandler
    unsafe sigaction(SIGUSR2, &action, nil)
    unsafe action.__sigaction_handler.sa_handler = reportHandler
    unsafe sigaction(SIGUSR1, &action, nil)
  }

  /// A parent may have blocked the signals; then they would never arrive.
  private static func unblock() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2] { unsafe sigaddset(&signals, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  private static func openPipe(_ readEnd: borrowing Atomic<CInt>, _ writeEnd: borrowing Atomic<CInt>) {
    guard readEnd.load(ordering: .relaxed) < 0 else { return }
    var ends: [CInt] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd.store(ends[0], ordering: .relaxed)
    writeEnd.store(ends[1], ordering: .relaxed)
  }

  /// Makes `wakeupDescriptor` unreadable again, unless a stop signal has arrived. Requests of the other signals stay pending until `take`.
  public static func drainWakeups() {
    var octets: (UInt64, UInt64) = (0, 0)
    while unsafe read(wakeupDescriptor, &octets, 16) > 0 {}
    if isRaised { wake(wakeupWriteEnd) }
  }

  /// Makes `wakeupDescriptor` readable, to tell the thread that waits for packets about a change in another thread.
  public static func wakeUp() { wake(wakeupWriteEnd) }

  fileprivate static func wake(_ end: borrowing Atomic<CInt>) {
    var octet: UInt8 = 0
    unsafe write(end.load(ordering: .relaxed), &octet, 1)
  }

  /// Becomes readable with the first stop signal, and stays readable; -1 before `install()`.
  public static var descriptor: CInt { readEnd.load(ordering: .relaxed) }

  /// Becomes readable with each of the signals, including those of `RotationSignal` and `ReportSignal`, until `drainWakeups()`.
  public static var wakeupDescriptor: CInt { wakeupReadEnd.load(ordering: .relaxed) }
}

/// SIGUSR2 as a request to begin a new savefile.
public enum RotationSignal {
  /// True once for each signal, or for several that arrived together.
  @inline(__always)
  public static func take() -> Bool {
    rotationRaised.load(ordering: .relaxed) && rotationRaised.exchange(false, ordering: .relaxed)
  }
}

/// SIGUSR1 as a request to report the counts.
public enum ReportSignal {
  /// True once for each signal, or for several that arrived together.
  @inline(__always)
  public static func take() -> Bool {
    reportRaised.load(ordering: .relaxed) && reportRaised.exchange(false, ordering: .relaxed)
  }
}

private let endsAtOnce = Atomic<Bool>(false)
private let isWorking = Atomic<Bool>(false)
private let cleanupAddress = Atomic<UInt>(0)
private let reportRaised = Atomic<Bool>(false)
private let rotationRaised = Atomic<Bool>(false)
private let raised = Atomic<Bool>(false)
private let raisedAgain = Atomic<Bool>(false)
private let readEnd = Atomic<CInt>(-1)
private let writeEnd = Atomic<CInt>(-1)
private let wakeupReadEnd = Atomic<CInt>(-1)
private let wakeupWriteEnd = Atomic<CInt>(-1)

/// Async-signal-safe: atomics and write(2) only.
private func stopHandler(_ number: CInt) {
  let savedErrno = errno
  if endsAtOnce.load(ordering: .relaxed)
    || (isWorking.load(ordering: .relaxed) && raised.load(ordering: .relaxed))
  {
    return StopSignal.end(number)
  }
  if raised.exchange(true, ordering: .relaxed) { raisedAgain.store(true, ordering: .relaxed) }
  StopSignal.wake(writeEnd)
  StopSignal.wake(wakeupWriteEnd)
  errno = savedErrno
}

/// Async-signal-safe as well.
private func reportHandler(_: CInt) {
  let savedErrno = errno
  reportRaised.store(true, ordering: .relaxed)
  StopSignal.wake(wakeupWriteEnd)
  errno = savedErrno
}

/// Async-signal-safe as well.
private func rotationHandler(_: CInt) {
  let savedErrno = errno
  rotationRaised.store(true, ordering: .relaxed)
  StopSignal.wake(wakeupWriteEnd)
  errno = savedErrno
}
