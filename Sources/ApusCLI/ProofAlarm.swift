import Glibc
import Proof
import Synchronization

/// Ends the process if a proof exceeds its time limit in code that does not check the clock: reading or compiling programs of a million
/// instructions.
enum ProofAlarm {
  /// Additional seconds in which the proof can end by itself, with a better message.
  private static let grace: UInt32 = 1

  /// After `seconds` and the grace period, writes `message` to standard error as a line, and ends the process with `status`.
  static func set(seconds: Double, status: CInt, message: String) {
    guard alarmText.load(ordering: .relaxed) == 0 else { return }
    let line = Array("apus: \(message)\n".utf8)
    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: line.count, alignment: 1)
    unsafe text.copyBytes(from: line)
    alarmLength.store(line.count, ordering: .relaxed)
    alarmStatus.store(status, ordering: .relaxed)
    alarmText.store(UInt(bitPattern: text.baseAddress), ordering: .relaxed)
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = alarmHandler
    unsafe sigaction(SIGALRM, &action, nil)
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGALRM)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    alarm(UInt32(clamping: Int64(seconds)) &+ grace)
  }
}

/// The line to write: its address and length.
private let alarmText = Atomic<UInt>(0)
private let alarmLength = Atomic<Int>(0)
private let alarmStatus = Atomic<CInt>(1)

/// Async-signal-safe: atomics, kill(2), write(2) and _exit(2) only.
private func alarmHandler(_: CInt) {
  Solver.end()
  // Safe: the memory was allocated for this line, and is never freed.
  if let text = unsafe UnsafeRawPointer(bitPattern: alarmText.load(ordering: .relaxed)) {
    _ = unsafe write(STDERR_FILENO, text, alarmLength.load(ordering: .relaxed))
  }
  _exit(alarmStatus.load(ordering: .relaxed))
}
